/*
 * promised - packs of which a partial clone has some chunks, and a storage the rest.
 *
 * In <dir> lie, for each such pack, pack-<id>.idx, an ordinary index, and
 * pack-<id>.objects, the ids of all that is in it (both from packids.h), and in
 * <dir>/chunks the chunks that are here by choice (chunkfile.h).  What is not here
 * comes from a cache (diskcache.h), else from the callback that asks storages:
 * the chunk that is wanted, what it rests on, and when one after the other is, some
 * that follow.
 * Nothing of it is believed: the store verifies what it is given, and what is
 * damaged is dropped and had anew.
 *
 * Threads: any number; one at a time asks storages.
 */
#ifndef CASG_PROMISED_H
#define CASG_PROMISED_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "diskcache.h"
#include "err.h"
#include "oid.h"
#include "packidx.h"

struct casg_promised;

/* A chunk of a pack. */
struct casg_promised_ask {
	struct casg_packidx *x;  /* of the pack */
	struct casg_idx_chunk e;
	uint32_t chunk;
};

/* Ask i has come, verified. */
typedef void casg_promised_got_fn(void *ctx, size_t i, const uint8_t *p, size_t n);
/*
 * Bring chunks from storages.  0 or a negative class; those that did not come
 * are not told to 'got'.
 */
typedef int casg_promised_fetch_fn(void *ctx, const struct casg_promised_ask *asks, size_t n,
				   casg_promised_got_fn *got, void *got_ctx, struct casg_err *err);

struct casg_promised_opts {
	const char *dir;
	struct casg_diskcache_opts cache; /* dir NULL: none */
	int unchecked;                    /* also those whose tree nodes were not checked yet:
					   pack-<id>.new in place of .idx */
	uint64_t hold_nbytes;             /* that have come and wait in memory */
	casg_promised_fetch_fn *fetch;    /* NULL: what is not here is not to be had */
	void *ctx;
};

int casg_promised_open(struct casg_promised **out, const struct casg_promised_opts *opts,
		       struct casg_err *err);
void casg_promised_close(struct casg_promised *p);

const char *casg_promised_dir(const struct casg_promised *p);
/* The packs; the caller frees. */
int casg_promised_list(const struct casg_promised *p, struct casg_oid **ids_out, size_t *n_out,
		       struct casg_err *err);

/* Is the chunk here by choice?  Is it here at all, so that nobody need be asked? */
int casg_promised_kept(const struct casg_promised *p, const struct casg_oid *chunk_id);
int casg_promised_here(struct casg_promised *p, const struct casg_oid *chunk_id);

/* Append the bytes of a chunk as they lie in the pack that 'x' is the index of. */
int casg_promised_raw(struct casg_promised *p, struct casg_packidx *x, uint32_t chunk,
		      const struct casg_idx_chunk *e, struct casg_buf *out, struct casg_err *err);
/*
 * What that gave was damaged: 1 if it was from here, so that it is worth another try,
 * be it that another thread has seen to it meanwhile.
 */
int casg_promised_drop(struct casg_promised *p, const struct casg_oid *chunk_id);
/* Have these here soon, in few requests; what fails is told when it is read. */
void casg_promised_want(struct casg_promised *p, const struct casg_promised_ask *asks, size_t n);
/* It was asked for and in memory. */
void casg_promised_in_memory(struct casg_promised *p, const struct casg_oid *chunk_id);

#endif
