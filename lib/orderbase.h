/*
 * orderbase - the order of another version, to store a version's order by.
 *
 * An order is stored as differences (orderdelta.h) once it is known which
 * records came and went: the keys of the new tree are given one after the
 * other and compared with those of the other version's tree.
 *
 * Memory: what is more than the store keeps chunks in lies in scratch files.
 *
 * Threads: one thread a casg_orderbase, with a coder of its own.
 */
#ifndef CASG_ORDERBASE_H
#define CASG_ORDERBASE_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"
#include "orderdelta.h"
#include "store.h"

struct casg_orderbase;

/* As a depth: however long the chain is, and however little it gains. */
#define CASG_ORDERBASE_ANY (-1)

/* The version with these roots: its record tree and its order. */
struct casg_orderbase *casg_orderbase_new(struct casg_store *s, struct casg_coder *c,
					  const struct casg_oid *records,
					  const struct casg_oid *order, struct casg_err *err);
/*
 * The same for who knows which records went and came: instead of keys it is
 * given the ranks of those that are gone from the 'old_count' of the other
 * version, and of those that have come among the 'new_count', ascending.
 */
struct casg_orderbase *casg_orderbase_new_ranks(struct casg_store *s, struct casg_coder *c,
						const struct casg_oid *order,
						uint64_t old_count, uint64_t new_count,
						struct casg_err *err);
int casg_orderbase_gone(struct casg_orderbase *b, uint64_t old_rank, struct casg_err *err);
int casg_orderbase_come(struct casg_orderbase *b, uint64_t new_rank, struct casg_err *err);
void casg_orderbase_free(struct casg_orderbase *b);

/* Each key of the new tree, in its order. */
int casg_orderbase_key(struct casg_orderbase *b, const char *key, size_t klen,
		       uint32_t occurrence, struct casg_err *err);
/* All keys of a tree that lies in the same store. */
int casg_orderbase_keys(struct casg_orderbase *b, const struct casg_oid *records,
			struct casg_err *err);

/*
 * All keys were given: append the member of an ORDER chunk that makes the
 * order object 'id' of so many bytes, whose ranks these are.  1; 0 when it is
 * better stored whole, as it gains little, or has too many records, or the chain
 * would be longer than 'depth'.
 */
int casg_orderbase_delta(struct casg_orderbase *b, int depth, const struct casg_oid *id,
			 uint64_t nbytes, const struct casg_ranks *order, struct casg_buf *out,
			 struct casg_err *err);
/* The same of an order that lies in the same store, with CASG_ORDERBASE_ANY. */
int casg_orderbase_delta_of(struct casg_orderbase *b, const struct casg_oid *id,
			    struct casg_objinfo *info_out, struct casg_buf *out,
			    struct casg_err *err);

#endif
