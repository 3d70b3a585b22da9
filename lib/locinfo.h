/*
 * locinfo - the ids and lengths of many sequences at once.
 *
 * Places are grouped by chunk, each chunk is read once, by one worker of a
 * pool, and the ids of its members are recomputed.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_LOCINFO_H
#define CASG_LOCINFO_H

#include <stddef.h>

#include "err.h"
#include "oid.h"
#include "store.h"
#include "workers.h"

/*
 * Place i is at (char *)locs + i * stride; info_out has room for n.  'coders':
 * one for each worker of the pool.
 */
int casg_locinfo(struct casg_store *s, struct casg_workers *pool,
		 struct casg_coder **coders, const struct casg_loc *locs, size_t stride,
		 size_t n, struct casg_objinfo *info_out, struct casg_err *err);

/*
 * The same of all sequences of a record tree: fn for each record in the order
 * of the tree, until it fails.  CASG_ECORRUPT when there are not 'count'.
 */
typedef int casg_locinfo_fn(void *ctx, const struct casg_objinfo *info, struct casg_err *err);
int casg_locinfo_tree(struct casg_store *s, struct casg_workers *pool,
		      struct casg_coder **coders, const struct casg_oid *root, uint64_t count,
		      casg_locinfo_fn *fn, void *ctx, struct casg_err *err);

#endif
