/*
 * diskcache - chunks of packs that are elsewhere, kept in a folder.
 *
 * A chunk is a file, <dir>/<2 digits>/<chunk id>, with the bytes that lie in
 * the pack.  Beside them <dir>/table knows sizes, and a sketch (freq.h) how
 * often each chunk was asked for, also those that are not kept.  There is a
 * bound, and some of the disk stays free.  What comes when all is full stays only
 * if it was asked for as often as the least asked for of some that are looked
 * at, which then go; so one long read drives out nothing that is read every
 * day, and what is read no more fades.
 *
 * All of it can be deleted.  What a killed process left half done is put right
 * by whoever comes next.  Who reads a chunk verifies it, and says so when it is
 * damaged.
 *
 * Threads and processes: any number.
 */
#ifndef CASG_DISKCACHE_H
#define CASG_DISKCACHE_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"

struct casg_diskcache;

struct casg_diskcache_opts {
	const char *dir;
	uint64_t max_nbytes;  /* of chunks */
	uint64_t keep_free;   /* bytes of the disk */
};

/* Counts since the cache was made or cleared. */
struct casg_cachestats {
	uint64_t nbytes, nentries;    /* kept now */
	uint64_t max_nbytes;          /* as the settings and the free space have it now */
	uint64_t hits, misses;        /* of this folder */
	uint64_t memory_hits;         /* asked for and in memory still */
	uint64_t came_nbytes;         /* that storages sent */
	uint64_t admitted, refused, evicted, damaged;
};

/* CASG_EIO when the folder cannot be used. */
int casg_diskcache_open(struct casg_diskcache **out, const struct casg_diskcache_opts *opts,
			struct casg_err *err);
void casg_diskcache_close(struct casg_diskcache *d);

/* Append the chunk to 'out': 1, or 0 when it is not kept. */
int casg_diskcache_get(struct casg_diskcache *d, const struct casg_oid *id, uint64_t nbytes,
		       struct casg_buf *out);
/* Is it kept?  Counts as no question. */
int casg_diskcache_has(struct casg_diskcache *d, const struct casg_oid *id);
/* A chunk that has come; it may or may not be kept.  A failure costs time only. */
void casg_diskcache_put(struct casg_diskcache *d, const struct casg_oid *id, const void *p,
			uint64_t nbytes);
/* It was damaged. */
void casg_diskcache_drop(struct casg_diskcache *d, const struct casg_oid *id);
/* It was not kept, and came; 'ahead': nobody had asked for it yet. */
void casg_diskcache_missed(struct casg_diskcache *d, const struct casg_oid *id, int ahead);
void casg_diskcache_count_memory(struct casg_diskcache *d, uint64_t hits);
/* A chunk in memory was asked for: that it is read often counts. */
void casg_diskcache_touch(struct casg_diskcache *d, const struct casg_oid *id);

void casg_diskcache_stats(struct casg_diskcache *d, struct casg_cachestats *out);
int casg_diskcache_clear(struct casg_diskcache *d, struct casg_err *err);
/* The ids of all that is kept; the caller frees. */
int casg_diskcache_list(struct casg_diskcache *d, struct casg_oid **ids_out, size_t *n_out,
			struct casg_err *err);

#endif
