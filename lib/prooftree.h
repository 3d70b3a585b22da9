/*
 * prooftree - the part of a record tree that a proof rests on, from a store.
 *
 * What is spelled out is chosen by rank, the place of a record in the order of
 * the keys.  The nodes on the way are read whole, since a subtree hash needs
 * the sequence ids of all records of a leaf.  These are recomputed in windows,
 * chunk by chunk, by all workers.  The id of each node is recomputed, leaves
 * included.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_PROOFTREE_H
#define CASG_PROOFTREE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "chunk.h"
#include "err.h"
#include "oid.h"
#include "store.h"
#include "workers.h"

/* What making proofs works with; all of it borrowed. */
struct casg_prover {
	struct casg_store *store;
	struct casg_workers *pool;
	struct casg_coder **coders; /* one a worker */
	uint64_t memory_nbytes;     /* about what the windows may take */
};

/* The coder of the thread that owns the pool. */
struct casg_coder *casg_prover_coder(const struct casg_prover *p);

/*
 * Append the nodes on the way to the records of these ranks, ascending and
 * distinct, as proof.h writes them.  An empty tree is one node, and only it
 * may be asked for without ranks.  'texts' (NULL: none) says of each rank
 * whether a description that is a blob is to be told.
 */
int casg_prooftree_put(const struct casg_prover *p, const struct casg_oid *root,
		       const uint64_t *ranks, const uint8_t *texts, size_t nranks,
		       struct casg_buf *out, struct casg_err *err);

#endif
