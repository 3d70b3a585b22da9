#include "litcache.h"

#include <pthread.h>
#include <stdlib.h>

/* Looked through one by one: a decoded chunk costs far more than that. */
enum { KEPT_MAX = 512 };

struct kept {
	struct casg_literals l; /* first: what users hold */
	uint32_t pack, chunk;
	uint64_t used;          /* when, counted in uses */
	uint32_t users;
};

struct casg_litcache {
	pthread_mutex_t lock;
	struct kept *kept[KEPT_MAX];
	size_t n;
	uint64_t nbytes, max_nbytes, uses;
};

struct casg_litcache *casg_litcache_new(uint64_t max_nbytes)
{
	struct casg_litcache *lc = calloc(1, sizeof(*lc));

	if (!lc)
		return NULL;
	pthread_mutex_init(&lc->lock, NULL);
	lc->max_nbytes = max_nbytes;
	return lc;
}

static void drop(struct kept *k)
{
	free((void *)(uintptr_t)k->l.bytes.p);
	free(k);
}

void casg_litcache_free(struct casg_litcache *lc)
{
	if (!lc)
		return;
	for (size_t i = 0; i < lc->n; i++)
		drop(lc->kept[i]);
	pthread_mutex_destroy(&lc->lock);
	free(lc);
}

static struct kept *find(struct casg_litcache *lc, uint32_t pack, uint32_t chunk, int made)
{
	for (size_t i = 0; i < lc->n; i++) {
		struct kept *k = lc->kept[i];

		if (k->chunk != chunk || k->pack != pack || (k->l.level != 0) != made)
			continue;
		k->users++;
		k->used = ++lc->uses;
		return k;
	}
	return NULL;
}

struct casg_literals *casg_litcache_get(struct casg_litcache *lc, uint32_t pack, uint32_t chunk,
					int made)
{
	struct kept *k;

	pthread_mutex_lock(&lc->lock);
	k = find(lc, pack, chunk, made);
	pthread_mutex_unlock(&lc->lock);
	return k ? &k->l : NULL;
}

/* For so many more: those that were not used for longest go.  Is there a slot then? */
static int make_room(struct casg_litcache *lc, size_t n, uint64_t nbytes)
{
	while (lc->n + n > KEPT_MAX || lc->nbytes + nbytes > lc->max_nbytes) {
		size_t oldest = lc->n;

		for (size_t i = 0; i < lc->n; i++)
			if (!lc->kept[i]->users &&
			    (oldest == lc->n || lc->kept[i]->used < lc->kept[oldest]->used))
				oldest = i;
		if (oldest == lc->n)
			return lc->n < KEPT_MAX;
		lc->nbytes -= lc->kept[oldest]->l.bytes.nbytes;
		drop(lc->kept[oldest]);
		lc->kept[oldest] = lc->kept[--lc->n];
	}
	return 1;
}

/* Everything is in use: these go when their only user puts them back. */
#define LOOSE UINT64_MAX

int casg_litcache_add(struct casg_litcache *lc, uint32_t pack, uint32_t chunk, uint8_t level,
		      struct casg_buf *bytes, struct casg_literals **out, struct casg_err *err)
{
	struct kept *k = calloc(1, sizeof(*k)), *there;

	if (!k) {
		casg_buf_release(bytes);
		return casg_err_nomem(err);
	}
	k->pack = pack;
	k->chunk = chunk;
	k->users = 1;
	k->l.level = level;
	k->l.bytes.p = casg_buf_detach(bytes, &k->l.bytes.nbytes);
	pthread_mutex_lock(&lc->lock);
	there = find(lc, pack, chunk, level != 0); /* another thread was faster */
	if (!there && make_room(lc, 1, k->l.bytes.nbytes)) {
		k->used = ++lc->uses;
		lc->kept[lc->n++] = k;
		lc->nbytes += k->l.bytes.nbytes;
	} else if (!there) {
		k->used = LOOSE;
	}
	pthread_mutex_unlock(&lc->lock);
	if (there)
		drop(k);
	*out = there ? &there->l : &k->l;
	return 0;
}

void casg_litcache_put(struct casg_litcache *lc, struct casg_literals *l)
{
	struct kept *k = (struct kept *)l;
	int loose;

	pthread_mutex_lock(&lc->lock);
	loose = k->used == LOOSE;
	if (!loose) {
		k->users--;
		/* while they were in use there may have come too many */
		make_room(lc, 0, 0);
	}
	pthread_mutex_unlock(&lc->lock);
	if (loose)
		drop(k);
}
