/*
 * chunkfetch - chunks out of packs that storages hold, by ranges.
 *
 * Chunks that lie side by side in a pack are one request, never more; many
 * are open at a time.  A chunk is taken when its content has the id that was
 * asked for.  Storages are asked one after the other: what one lacks, or gives
 * wrongly, is asked of the next, and told.
 *
 * Threads: one.
 */
#ifndef CASG_CHUNKFETCH_H
#define CASG_CHUNKFETCH_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "packidx.h"
#include "remote.h"

struct casg_chunkfetch;

struct casg_chunkfetch_opts {
	unsigned max_open;       /* requests at a time */
	/* Connect to a storage; also called again when a helper broke. */
	int (*open)(void *ctx, const char *url, struct casg_remote **out, struct casg_err *err);
	/* What went wrong at a storage, for people; 'pack' NULL: it is no use to ask it more. */
	void (*complain)(void *ctx, const char *shown, const struct casg_oid *pack,
			 const char *what);
	/* Chunk i (as it was added) has come; a negative class ends it all. */
	int (*got)(void *ctx, size_t i, const uint8_t *p, size_t n, struct casg_err *err);
	/* The chunks that it rests on are so many before it; only for those of which no
	   more was wanted. */
	int (*needs)(void *ctx, size_t i, const uint32_t *distances, uint32_t n,
		     struct casg_err *err);
	void *ctx;
};

/* NULL: out of memory. */
struct casg_chunkfetch *casg_chunkfetch_new(const struct casg_chunkfetch_opts *opts);
void casg_chunkfetch_free(struct casg_chunkfetch *f);

/* Chunk 'e' of a pack is wanted; they are numbered from 0. */
int casg_chunkfetch_add(struct casg_chunkfetch *f, const struct casg_oid *pack,
			const struct casg_idx_chunk *e, struct casg_err *err);
/* Only what it rests on is wanted, which its first bytes say; nobody verifies them. */
int casg_chunkfetch_add_needs(struct casg_chunkfetch *f, const struct casg_oid *pack,
			      const struct casg_idx_chunk *e, struct casg_err *err);
size_t casg_chunkfetch_missing(const struct casg_chunkfetch *f);
int casg_chunkfetch_has_come(const struct casg_chunkfetch *f, size_t i);
/* Somebody else has it: it need not be asked for. */
void casg_chunkfetch_skip(struct casg_chunkfetch *f, size_t i);
/* What asking for what is missing takes: requests and bytes. */
int casg_chunkfetch_plan(struct casg_chunkfetch *f, uint64_t *nrequests_out,
			 uint64_t *nbytes_out, struct casg_err *err);

/*
 * Get from a storage what is missing still.  0, also when it had nothing; a
 * negative class for a failure of this machine, or what 'got' gave.  The
 * connection stays open for the next call with the same URL.
 */
int casg_chunkfetch_from(struct casg_chunkfetch *f, const char *url, struct casg_err *err);
/* Forget what was added, keep the connection. */
void casg_chunkfetch_reset(struct casg_chunkfetch *f);

#endif
