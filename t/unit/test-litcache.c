#include "litcache.h"

#include <pthread.h>
#include <stdlib.h>

#include "tap.h"

static struct casg_err err = CASG_ERR_INIT;

static uint8_t byte_of(uint32_t pack, uint32_t chunk)
{
	return (uint8_t)(pack * 31 + chunk * 7 + 1);
}

/* n bytes that tell whose they are */
static struct casg_literals *add_of(struct casg_litcache *lc, uint32_t pack, uint32_t chunk,
				    uint8_t level, size_t n)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_literals *l = NULL;

	for (size_t i = 0; i < n; i++)
		casg_buf_addch(&b, byte_of(pack, chunk + level));
	if (casg_litcache_add(lc, pack, chunk, level, &b, &l, &err) || b.len)
		return NULL;
	return l;
}

static struct casg_literals *add(struct casg_litcache *lc, uint32_t pack, uint32_t chunk, size_t n)
{
	return add_of(lc, pack, chunk, 0, n);
}

static int is_of(const struct casg_literals *l, uint32_t pack, uint32_t chunk, size_t n)
{
	const uint8_t *p = l->bytes.p;

	if (l->bytes.nbytes != n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte_of(pack, chunk))
			return 0;
	return 1;
}

static int has(struct casg_litcache *lc, uint32_t pack, uint32_t chunk)
{
	struct casg_literals *l = casg_litcache_get(lc, pack, chunk, 0);

	if (l)
		casg_litcache_put(lc, l);
	return l != NULL;
}

static void test_keeping(void)
{
	struct casg_litcache *lc = casg_litcache_new(1000);
	struct casg_literals *l = add(lc, 1, 2, 100), *again;

	ok(l && is_of(l, 1, 2, 100), "what is added is given");
	ok(!casg_litcache_get(lc, 1, 3, 0) && !casg_litcache_get(lc, 2, 2, 0),
	   "other chunks and other packs are not there");
	again = casg_litcache_get(lc, 1, 2, 0);
	ok(again == l, "the same is given again");
	casg_litcache_put(lc, again);
	again = add(lc, 1, 2, 100);
	ok(again == l, "to add it again gives what is there");
	casg_litcache_put(lc, again);
	casg_litcache_put(lc, l);
	ok(has(lc, 1, 2), "and it is kept");
	l = add(lc, 1, 4, 0);
	ok(l && !l->bytes.nbytes, "a chunk may have no literals");
	casg_litcache_put(lc, l);
	ok(has(lc, 1, 4), "and that is kept as well");
	l = casg_litcache_get(lc, 1, 2, 1);
	ok(!l, "literals are not what a chunk makes");
	l = add_of(lc, 1, 2, 3, 70);
	ok(l && l->level == 3 && is_of(l, 1, 5, 70), "which is beside them");
	again = casg_litcache_get(lc, 1, 2, 1);
	ok(again == l && has(lc, 1, 2), "and each is given");
	casg_litcache_put(lc, again);
	casg_litcache_put(lc, l);
	casg_litcache_free(lc);
	casg_litcache_free(NULL);
}

static void test_bounds(void)
{
	struct casg_litcache *lc = casg_litcache_new(1000);
	struct casg_literals *held[20], *l;
	int n = 0, good = 0;

	for (uint32_t i = 0; i < 10; i++)
		casg_litcache_put(lc, add(lc, 0, i, 100));
	for (uint32_t i = 0; i < 10; i++)
		n += has(lc, 0, i);
	is_int(n, 10, "as many as fit are kept");
	has(lc, 0, 0);
	casg_litcache_put(lc, add(lc, 0, 10, 100));
	ok(has(lc, 0, 0) && !has(lc, 0, 1) && has(lc, 0, 2), "the one not used for longest goes");
	casg_litcache_put(lc, add(lc, 0, 11, 950));
	ok(has(lc, 0, 11) && !has(lc, 0, 0), "or as many as it takes");

	for (uint32_t i = 0; i < 20; i++)
		held[i] = add(lc, 1, i, 100);
	for (uint32_t i = 0; i < 20; i++)
		good += held[i] && is_of(held[i], 1, i, 100);
	is_int(good, 20, "what is in use is never dropped, however much it is");
	for (uint32_t i = 0; i < 20; i++)
		casg_litcache_put(lc, held[i]);
	n = 0;
	for (uint32_t i = 0; i < 20; i++)
		n += has(lc, 1, i);
	is_int(n, 10, "afterwards only what fits is left");

	l = add(lc, 2, 0, 5000);
	ok(l && is_of(l, 2, 0, 5000), "what is larger than all room is given");
	casg_litcache_put(lc, l);
	ok(!has(lc, 2, 0), "and not kept");
	casg_litcache_free(lc);

	lc = casg_litcache_new(0);
	l = add(lc, 0, 0, 10);
	ok(l && is_of(l, 0, 0, 10), "a cache without room gives as well");
	casg_litcache_put(lc, l);
	ok(!has(lc, 0, 0), "and keeps nothing");
	casg_litcache_free(lc);
}

/* More sets at once than there are slots. */
static void test_loose(void)
{
	enum { MANY = 700 };
	struct casg_litcache *lc = casg_litcache_new(1 << 20);
	struct casg_literals **held = calloc(MANY, sizeof(*held));
	int good = 0, kept = 0;

	for (uint32_t i = 0; i < MANY; i++)
		held[i] = add(lc, 0, i, 8);
	for (uint32_t i = 0; i < MANY; i++)
		good += held[i] && is_of(held[i], 0, i, 8);
	is_int(good, MANY, "%d sets in use at once", MANY);
	for (uint32_t i = 0; i < MANY; i++)
		casg_litcache_put(lc, held[i]);
	for (uint32_t i = 0; i < MANY; i++)
		kept += has(lc, 0, i);
	ok(kept > 0 && kept < MANY, "%d of them have a place", kept);
	free(held);
	casg_litcache_free(lc);
}

struct user {
	struct casg_litcache *lc;
	uint32_t seed;
	int bad;
};

/* Many threads want some of a few chunks, several at a time. */
static void *use(void *arg)
{
	struct user *u = arg;
	uint32_t s = u->seed * 2654435761u + 1;

	for (int i = 0; i < 4000; i++) {
		struct casg_literals *l[4];
		uint32_t chunk[4];

		for (int k = 0; k < 4; k++) {
			s = s * 1664525u + 1013904223u;
			chunk[k] = (s >> 16) % 24;
			l[k] = casg_litcache_get(u->lc, 0, chunk[k], 0);
			if (!l[k])
				l[k] = add(u->lc, 0, chunk[k], 50 + chunk[k]);
		}
		for (int k = 0; k < 4; k++) {
			u->bad += !l[k] || !is_of(l[k], 0, chunk[k], 50 + chunk[k]);
			if (l[k])
				casg_litcache_put(u->lc, l[k]);
		}
	}
	return NULL;
}

static void test_threads(uint64_t room)
{
	enum { THREADS = 4 };
	struct casg_litcache *lc = casg_litcache_new(room);
	pthread_t thread[THREADS];
	struct user user[THREADS];
	int bad = 0;

	for (uint32_t i = 0; i < THREADS; i++) {
		user[i] = (struct user){ lc, i, 0 };
		if (pthread_create(&thread[i], NULL, use, &user[i]))
			bad++;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		bad += user[i].bad;
	}
	is_int(bad, 0, "%d threads, room for %llu bytes", THREADS, (unsigned long long)room);
	casg_litcache_free(lc);
}

int main(void)
{
	test_keeping();
	test_bounds();
	test_loose();
	test_threads(0);
	test_threads(400);
	test_threads(1 << 20);
	return done_testing();
}
