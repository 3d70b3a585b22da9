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
#include "nodes.h"
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

/*
 * The same walk by hand, for those who pass over whole subtrees: the reader
 * stands before an item, which is a subtree (its entry in the node above) or,
 * in a leaf, a record.  After open and rewind it is the first of the root.
 */
struct casg_treer_item {
	int level;                      /* of the node that holds it; 0: a record */
	const struct casg_child *child; /* level > 0: the subtree */
	const struct casg_entry *entry; /* level 0: as stored, not resolved */
	uint32_t pack;                  /* level 0: whose references the entry has */
};

void casg_treer_rewind(struct casg_treer *t);
/* 1 and the item, 0 at the end.  Valid until the next descent of any kind. */
int casg_treer_item(struct casg_treer *t, struct casg_treer_item *out);
/* Past the item, whatever it is; reads nothing. */
void casg_treer_skip(struct casg_treer *t);
/* To the first item inside the subtree: reads (and checks) one node. */
int casg_treer_enter(struct casg_treer *t, struct casg_err *err);
/* Nodes read by descents so far: what a walk has cost. */
uint64_t casg_treer_nodes_read(const struct casg_treer *t);

/* Go to the record that is 'rank'th in key order; its end for the count. */
int casg_treer_seek_rank(struct casg_treer *t, uint64_t rank, struct casg_err *err);

/*
 * Node by node, for who edits trees.  The reader stands at a node of one level
 * (0: leaves), whose entries are valid until it moves.  Not to be mixed with
 * the other walks.
 */
int casg_treer_root_level(const struct casg_treer *t);
/* To the first node that ends at or after (key, occurrence), else to the last. */
int casg_treer_node_seek(struct casg_treer *t, int level, const char *key, size_t klen,
			 uint32_t occurrence, struct casg_err *err);
/* To the next or the one before on that level: 1, or 0 when there is none. */
int casg_treer_node_next(struct casg_treer *t, struct casg_err *err);
int casg_treer_node_prev(struct casg_treer *t, struct casg_err *err);

struct casg_nodeat {
	const struct casg_node *node;
	const struct casg_oid *id;
	uint64_t rank;       /* of its first record, from 0 */
	int first, last;     /* of its level */
};

void casg_treer_node(const struct casg_treer *t, struct casg_nodeat *out);
/* The same node, kept beyond the next step, until casg_treer_release. */
const struct casg_tnode *casg_treer_hold(struct casg_treer *t);
void casg_treer_release(struct casg_treer *t, const struct casg_tnode *n);

/*
 * Is the node what its parent says of it (first and last key, number of
 * records, level), and, unless it is the last of its level, does it end where
 * a boundary is?  'parent' is NULL for the root of a tree, for which 'level'
 * is not looked at.  What every reader checks of every node it reads.
 */
int casg_treer_check(const struct casg_node *n, const struct casg_oid *id,
		     const struct casg_child *parent, int level, int last,
		     struct casg_err *err);

/* Every node of the tree, parents first: its id and where it lies. */
typedef int casg_node_fn(void *ctx, const struct casg_oid *id, const struct casg_loc *loc,
			 int level, struct casg_err *err);
int casg_tree_walk(struct casg_store *s, struct casg_coder *c,
		   const struct casg_oid *root, casg_node_fn *fn, void *ctx,
		   struct casg_err *err);

/*
 * The same, leaves read as well, and parts of it left out: 'node' is called
 * before a node is looked into and gives 1 to pass over it with all below,
 * 0 to go on, negative to fail; 'entry' (or NULL) is called for each entry of
 * the leaves that are read, as they are stored.
 */
struct casg_tree_visitor {
	casg_node_fn *node;
	int (*entry)(void *ctx, const struct casg_entry *e, struct casg_err *err);
	void *ctx;
};
int casg_tree_visit(struct casg_store *s, struct casg_coder *c,
		    const struct casg_oid *root, const struct casg_tree_visitor *v,
		    struct casg_err *err);

#endif
