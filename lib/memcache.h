/*
 * memcache - decoded chunks in memory, within a bound.
 *
 * What is new goes to a window, an eighth of the bound, in the order of use.
 * What leaves the window stays only if it was asked for more often (freq.h)
 * than what was used longest ago behind it: W-TinyLFU.  So a read from end to
 * end does not drive out what is read again and again.
 *
 * A chunk that somebody holds stays, whatever the bound.
 *
 * Threads: one at a time; the store has a lock.
 */
#ifndef CASG_MEMCACHE_H
#define CASG_MEMCACHE_H

#include <stdint.h>

#include "chunk.h"
#include "freq.h"

struct casg_cached {
	struct casg_chunk *ch;
	uint32_t pack, chunk;
	unsigned int users;
	uint8_t list;
	uint64_t nbytes;
	struct casg_cached *hash_next;
	struct casg_cached *newer, *older;
};

#define CASG_MEMCACHE_BUCKETS 4096u

struct casg_memcache {
	struct casg_cached *buckets[CASG_MEMCACHE_BUCKETS];
	struct {
		struct casg_cached *newest, *oldest;
		uint64_t nbytes;
	} lists[2];
	uint64_t max_nbytes;
	struct casg_freq freq;
	void *counters;       /* NULL: no memory for them, then the order of use decides */
};

void casg_memcache_init(struct casg_memcache *m, uint64_t max_nbytes);
/* Frees all chunks; nobody may hold one. */
void casg_memcache_release(struct casg_memcache *m);

/* The chunk, held, or NULL. */
struct casg_cached *casg_memcache_get(struct casg_memcache *m, uint32_t pack, uint32_t chunk);
/* Is it there?  Counts as no question. */
struct casg_cached *casg_memcache_look(struct casg_memcache *m, uint32_t pack, uint32_t chunk);
/* Take it over, held; NULL: out of memory, and it is still the caller's. */
struct casg_cached *casg_memcache_add(struct casg_memcache *m, uint32_t pack, uint32_t chunk,
				      struct casg_chunk *ch);
/* No longer held by this one. */
void casg_memcache_put(struct casg_memcache *m, struct casg_cached *e);

#endif
