/*
 * treew - build a record tree from sorted records.
 *
 * Records come in the order of (key, sequence id, description); the writer
 * numbers repeated keys, finds where each sequence lies, cuts nodes, hashes
 * them, and writes those that the store does not have.  Work is spread over a
 * pool; the result does not depend on it.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_TREEW_H
#define CASG_TREEW_H

#include <stdint.h>

#include "err.h"
#include "node.h"
#include "packw.h"
#include "store.h"
#include "workers.h"

struct casg_treew;

struct casg_tree_stats {
	struct casg_oid root;
	uint64_t nrecords;
	uint64_t nresidues;
	uint64_t nnodes;      /* in the tree */
	uint64_t nnodes_new;  /* written */
	struct casg_err base_err; /* code: the tree of casg_treew_base cannot be read */
};

/* 'coders': one for each worker of the pool. */
struct casg_treew *casg_treew_new(struct casg_store *store, struct casg_packw *packw,
				  struct casg_workers *pool, struct casg_coder **coders,
				  int level, struct casg_err *err);
void casg_treew_free(struct casg_treew *t);

/*
 * Before the first record: store new nodes as differences from those of that
 * tree, in chains of at most 'depth'.  Changes no id.  If that tree turns out to
 * be damaged, what comes is stored whole; the statistics say so.
 */
int casg_treew_base(struct casg_treew *t, const struct casg_oid *root, int depth,
		    struct casg_err *err);

/*
 * One record.  e->occurrence, ref and desc_blob are ignored (assigned here);
 * the strings are copied.  CASG_EBUG when out of order.  CASG_EABSENT (here
 * or later) when a sequence is in no pack, CASG_ECORRUPT when its length is
 * not what the record says.
 */
int casg_treew_add(struct casg_treew *t, const struct casg_entry *e,
		   struct casg_err *err);

/* The root, once all records are in. */
int casg_treew_finish(struct casg_treew *t, struct casg_tree_stats *out,
		      struct casg_err *err);

#endif
