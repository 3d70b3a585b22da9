/*
 * positions - where in the file each record of a tree stands.
 *
 * An order object says which record comes next in the file; here is the
 * opposite, asked for in the order of the tree.  It is an array while that is
 * small, else an external sort.
 *
 * Threads: one thread at a time; the pool is used while opening.
 */
#ifndef CASG_POSITIONS_H
#define CASG_POSITIONS_H

#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "store.h"
#include "workers.h"

struct casg_positions;

/* Reads all of the order object, of 'count' records.  NULL with err filled. */
struct casg_positions *casg_positions_open(struct casg_store *s, struct casg_coder *c,
					   struct casg_workers *pool, const char *tmp_dir,
					   const struct casg_oid *order, uint64_t count,
					   uint64_t memory_nbytes, struct casg_err *err);
/* Is the file in the order of the tree? */
int casg_positions_identity(const struct casg_positions *p);
/* Of the next record of the tree, from the first on. */
int casg_positions_next(struct casg_positions *p, uint64_t *position_out,
			struct casg_err *err);
void casg_positions_free(struct casg_positions *p);

#endif
