/*
 * treer - read a record tree: in order, from a key on, or one key.
 *
 * Interior nodes are verified against their ids as they are read; leaves
 * against the chunk they lie in and what their parent says of them (first and
 * last key, number of records).  (A leaf's own id needs the ids of all its
 * sequences: casg-verify-pack recomputes those.)
 *
 * Threads: one thread a reader.
 */
#ifndef CASG_TREER_H
#define CASG_TREER_H

#include <stdint.h>

#include "err.h"
#include "node.h"
#include "store.h"

struct casg_treer;

struct casg_treer *casg_treer_open(struct casg_store *s, struct casg_coder *c,
				   const struct casg_oid *root, struct casg_err *err);
void casg_treer_free(struct casg_treer *t);

/* Records in the tree. */
uint64_t casg_treer_count(const struct casg_treer *t);

/* Go to the first record whose key is not before 'key'. */
int casg_treer_seek(struct casg_treer *t, const char *key, size_t klen,
		    struct casg_err *err);

/*
 * 1 and the next record, 0 at the end.  e->oid and length are unset; *loc_out
 * is where the sequence lies.  A description that is a blob is loaded.  Valid
 * until the next call.
 */
int casg_treer_next(struct casg_treer *t, struct casg_entry *e,
		    struct casg_loc *loc_out, struct casg_err *err);

/* The place of the record returned last in the order of the keys, from 0. */
uint64_t casg_treer_rank(const struct casg_treer *t);

/* The leaf entry as it is stored, without resolving: for scans. */
int casg_treer_next_raw(struct casg_treer *t, struct casg_entry *e, uint32_t *pack_out,
			struct casg_err *err);

/* Every node of the tree, parents first: its id and where it lies. */
typedef int casg_node_fn(void *ctx, const struct casg_oid *id, const struct casg_loc *loc,
			 int level, struct casg_err *err);
int casg_tree_walk(struct casg_store *s, struct casg_coder *c,
		   const struct casg_oid *root, casg_node_fn *fn, void *ctx,
		   struct casg_err *err);

#endif
