#include <stdlib.h>

#include "memcache.h"
#include "tap.h"

static struct casg_memcache m;

/* A chunk of no members and so many bytes. */
static struct casg_cached *add(uint32_t number, uint64_t nbytes)
{
	struct casg_chunk *ch = calloc(1, sizeof(*ch));

	ch->offset = calloc(1, sizeof(*ch->offset));
	ch->offset[0] = nbytes;
	return casg_memcache_add(&m, 0, number, ch);
}

/* Ask for it; 1 if it was there. */
static int ask(uint32_t number)
{
	struct casg_cached *e = casg_memcache_get(&m, 0, number);
	int hit = e != NULL;

	casg_memcache_put(&m, e ? e : add(number, 100));
	return hit;
}

int main(void)
{
	struct casg_cached *held;
	uint64_t room;
	int hits = 0;

	casg_memcache_init(&m, 1000);
	is_int(ask(1), 0, "not there at first");
	is_int(ask(1), 1, "there then");
	for (int i = 0; i < 5; i++)
		for (uint32_t k = 1; k <= 4; k++)
			ask(k);
	for (uint32_t k = 100; k < 400; k++)
		ask(k);
	for (uint32_t k = 1; k <= 4; k++)
		hits += ask(k);
	is_int(hits, 4, "what is asked for often outlasts what is asked for once");
	room = m.lists[0].nbytes + m.lists[1].nbytes;
	ok(room <= 1000, "within the bound");

	held = add(900, 5000);
	ok(casg_memcache_look(&m, 0, 900) == held, "one that is held stays, whatever the bound");
	casg_memcache_put(&m, held);
	ok(!casg_memcache_look(&m, 0, 900), "and then goes");
	casg_memcache_release(&m);

	casg_memcache_init(&m, 0);
	is_int(ask(1), 0, "no room");
	is_int(ask(1), 0, "at all");
	casg_memcache_release(&m);

	{
		struct casg_freq f;
		void *memory = calloc(1, casg_freq_nbytes(64));

		casg_freq_over(&f, memory, 64);
		is_int(casg_freq_of(&f, 12345), 0, "never asked for");
		for (int i = 0; i < 100; i++)
			casg_freq_add(&f, 12345);
		is_int(casg_freq_of(&f, 12345), CASG_FREQ_MOST, "often, as far as it is counted");
		for (uint64_t i = 0; i < (uint64_t)64 * CASG_FREQ_AGE; i++)
			casg_freq_add(&f, i * UINT64_C(0x9e3779b97f4a7c15) + 1);
		ok(casg_freq_of(&f, 12345) < CASG_FREQ_MOST, "long ago fades");
		free(memory);
	}
	return done_testing();
}
