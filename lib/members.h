/*
 * members - the map of a reduction profile: which record stands for which.
 *
 * A blob:
 *	"casg-members 1\n", LEB128 count, then for each record, in the order of
 *	the record tree, LEB128 of zigzag(rank of its representative - its own
 *	rank) and, unless that is 0, LEB128 of 2 * edits + 1 if it is the other
 *	strand that is like the representative.
 * A record of which that is 0 is a representative.  Whatever a record names
 * is a representative.  What edits are is in cluster.h.
 *
 * The record tree does not know the order of the file, so neither does the
 * map, nor its id, the SHA-256 of these bytes.
 *
 * The reader treats the bytes as hostile and takes only what the writer emits.
 * It keeps two bits a record, by which it knows at the end that each record
 * that was named is a representative.
 *
 * Threads: one thread a handle.
 */
#ifndef CASG_MEMBERS_H
#define CASG_MEMBERS_H

#include <stdint.h>

#include "err.h"
#include "objects.h"
#include "packw.h"
#include "store.h"

struct casg_member {
	uint64_t representative; /* rank */
	uint64_t edits;          /* 0 for a representative */
	int reverse;
};

#define CASG_EDITS_MAX (UINT64_MAX / 4)

/* ---- writing: by ascending rank, all of them ----------------------------- */

struct casg_membersw;

struct casg_membersw *casg_membersw_new(uint64_t count, const char *tmp_dir,
					struct casg_err *err);
void casg_membersw_free(struct casg_membersw *w);
int casg_membersw_add(struct casg_membersw *w, const struct casg_member *m,
		      struct casg_err *err);
/* CASG_EBUG when it is not of 'count' records. */
int casg_membersw_finish(struct casg_membersw *w, struct casg_packw *packw,
			 struct casg_store *store, struct casg_coder *coder, int level,
			 struct casg_oid *id_out, struct casg_err *err);

/* ---- reading ------------------------------------------------------------- */

struct casg_membersr;

/* 'count' is what the tree has; another one is CASG_ECORRUPT. */
struct casg_membersr *casg_membersr_new(casg_pieces_fn *pieces, void *ctx, uint64_t count,
					struct casg_err *err);
struct casg_membersr *casg_membersr_open(struct casg_store *store, struct casg_coder *coder,
					 const struct casg_oid *id, uint64_t count,
					 struct casg_err *err);
/* 1 and the next, 0 at the end, when all has been checked. */
int casg_membersr_next(struct casg_membersr *r, struct casg_member *out, struct casg_err *err);
/* Representatives so far. */
uint64_t casg_membersr_nrepresentatives(const struct casg_membersr *r);
void casg_membersr_free(struct casg_membersr *r);

#endif
