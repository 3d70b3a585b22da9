/*
 * nodes - tree nodes, decoded, whatever form they are stored in.
 *
 * A linked node (nodelink.h) needs its bases, and these theirs; what has been
 * decoded is kept for a while, since neighbours share their bases.  Chains are
 * bounded by CASG_NODELINK_DEPTH, and the nodes that one call may decode by
 * CASG_NODES_BUDGET, whatever a pack says.
 *
 * A node may be stored more than once, each time in another way, and a base
 * that goes by its id may be any of these: when one leads nowhere, or back to
 * where it came from, the others are tried.
 *
 * Where nodes come from is a table of functions: a store, or a pack that is
 * just being checked and has no index yet.
 *
 * Threads: one thread a casg_nodes.
 */
#ifndef CASG_NODES_H
#define CASG_NODES_H

#include <stdint.h>

#include "err.h"
#include "node.h"
#include "nodelink.h"
#include "store.h"

#define CASG_NODES_BUDGET 4096
/* What writers keep to: the most nodes that reading one may take, none kept. */
#define CASG_NODES_WEIGHT (CASG_NODES_BUDGET / 2)

struct casg_nodes;

struct casg_nodes_source {
	void *ctx;
	/* 1 found, 0 not here; in pack 'near' if it is there too */
	int (*find)(void *ctx, const struct casg_oid *id, uint32_t near,
		    struct casg_loc *loc_out, struct casg_err *err);
	/* The same for the nth copy of it, in whatever order; or NULL. */
	int (*find_nth)(void *ctx, const struct casg_oid *id, uint32_t nth,
			struct casg_loc *loc_out, struct casg_err *err);
	int (*number)(void *ctx, const struct casg_loc *loc, uint32_t *out,
		      struct casg_err *err);
	/* The place and the id of a node by its number; either out may be NULL. */
	int (*at)(void *ctx, uint32_t pack, uint32_t number, struct casg_loc *loc_out,
		  struct casg_oid *id_out, struct casg_err *err);
	int (*get)(void *ctx, uint32_t pack, uint32_t chunk, const struct casg_chunk **out,
		   struct casg_err *err);
	void (*put)(void *ctx, const struct casg_chunk *ch);
	/* as casg_store_section */
	int (*section)(void *ctx, uint32_t pack, uint32_t chunk, struct casg_section *out,
		       struct casg_err *err);
};

/* A decoded node; it and what it points to stay until casg_nodes_put. */
struct casg_tnode {
	struct casg_node node;
	struct casg_loc loc;
	int depth;    /* the longest chain of bases below it; 0: not linked */
	uint32_t weight; /* nodes to decode, each as often as one rests on it; 1: not linked */
	/* private */
	const struct casg_chunk *ch;
	int users;
	struct casg_tnode *same, *newer, *older;
	size_t nbytes;
};

/* NULL: out of memory. */
struct casg_nodes *casg_nodes_new(struct casg_store *s, struct casg_coder *c);
struct casg_nodes *casg_nodes_new_from(const struct casg_nodes_source *src);
void casg_nodes_free(struct casg_nodes *n);

/* The nth copy of a node in a store: 1, or 0 when there are not so many. */
int casg_nodes_copy(struct casg_store *s, const struct casg_oid *id, uint32_t nth,
		    struct casg_loc *loc_out, struct casg_err *err);

/* The node with this id; CASG_EABSENT when there is none.  Its id is not recomputed. */
int casg_nodes_get(struct casg_nodes *n, const struct casg_oid *id,
		   const struct casg_tnode **out, struct casg_err *err);
int casg_nodes_at(struct casg_nodes *n, const struct casg_loc *loc,
		  const struct casg_tnode **out, struct casg_err *err);
/* Once more; each needs a put of its own. */
void casg_nodes_hold(const struct casg_tnode *t);
void casg_nodes_put(struct casg_nodes *n, const struct casg_tnode *t);

/* Where the bases of a node lie; none for one that is not linked. */
int casg_nodes_bases(struct casg_nodes *n, const struct casg_loc *loc,
		     struct casg_loc out[CASG_NODELINK_BASES], int *n_out,
		     struct casg_err *err);

#endif
