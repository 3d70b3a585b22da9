#include "oidmap.h"

#include "tap.h"

/* Ids with few different first bytes, so that they meet in the table. */
static void make_id(struct casg_oid *id, unsigned int i)
{
	memset(id, 0, sizeof(*id));
	id->b[0] = (uint8_t)(i % 3);
	id->b[20] = (uint8_t)(i >> 8);
	id->b[31] = (uint8_t)i;
}

int main(void)
{
	struct casg_oidmap m = CASG_OIDMAP_INIT;
	struct casg_oid id;
	unsigned int good = 0, absent = 0;
	uint64_t v = 7;

	make_id(&id, 0);
	ok(!casg_oidmap_get(&m, &id, &v) && v == 7, "nothing is in an empty map");
	for (unsigned int i = 0; i < 1000; i++) {
		make_id(&id, i);
		good += !casg_oidmap_set(&m, &id, i * (uint64_t)i, NULL);
	}
	ok(good == 1000 && m.ids.n == 1000, "a thousand ids go in");
	good = 0;
	for (unsigned int i = 0; i < 1000; i++) {
		make_id(&id, i);
		good += casg_oidmap_get(&m, &id, &v) && v == i * (uint64_t)i;
		make_id(&id, 1000 + i);
		absent += !casg_oidmap_get(&m, &id, NULL);
	}
	ok(good == 1000, "each with its number");
	ok(absent == 1000, "and no other");
	make_id(&id, 5);
	ok(!casg_oidmap_set(&m, &id, 1, NULL) && m.ids.n == 1000 &&
	   casg_oidmap_get(&m, &id, &v) && v == 1, "a number can be changed");
	casg_oidmap_release(&m);
	ok(!casg_oidmap_get(&m, &id, NULL), "released, it is empty");
	return done_testing();
}
