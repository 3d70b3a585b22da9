/*
 * nodew - write tree nodes: hash, look whether the store has them, gather the
 * new ones into chunks, write those.
 *
 * Who builds a tree (treew) and who edits one (treeedit) write their nodes
 * here, so that what is stored of a node is decided in one place:
 * casg_nodebatch_leaf and casg_nodebatch_interior.
 *
 * Threads: one caller a writer; batches of their own may be filled and encoded
 * by several threads at once.
 */
#ifndef CASG_NODEW_H
#define CASG_NODEW_H

#include <stdint.h>

#include "chunk.h"
#include "err.h"
#include "node.h"
#include "nodebase.h"
#include "nodes.h"
#include "packw.h"
#include "store.h"

/* Stored nodes in a chunk, counted before compression. */
#define CASG_NODE_CHUNK_NBYTES ((size_t)256 << 10)

/* ---- the nodes of a level, as entries of the level above ---------------- */

struct casg_children {
	struct casg_child *c;  /* owns the keys */
	size_t n, cap;
};

/* Append a copy. */
int casg_children_push(struct casg_children *l, const struct casg_child *c,
		       struct casg_err *err);
void casg_children_release(struct casg_children *l);

/* ---- references -------------------------------------------------------- */

/*
 * The numbers by which leaves of the pack under way name the places of their
 * sequences.  They are gone when the pack is closed: the caller makes room
 * first, and writes the leaves before anything else may close it.
 */
struct casg_noderefs {
	uint64_t **base;       /* [pack][chunk]: first reference + 1, or 0 */
	size_t nbase;
	uint32_t npacks_done;
};

int casg_noderefs_get(struct casg_noderefs *r, struct casg_store *store,
		      struct casg_packw *packw, const struct casg_loc *loc,
		      uint64_t *ref_out, struct casg_err *err);
void casg_noderefs_release(struct casg_noderefs *r);

/* ---- nodes of one chunk ------------------------------------------------ */

struct casg_nodebatch {
	int layout;            /* of the chunk, as its nodes want it */
	struct casg_buf col[CASG_COLUMNS], tmp[CASG_COLUMNS];
	size_t *at;            /* where each column of each node ends */
	struct casg_objinfo *ids;
	size_t n, cap_at, cap_ids;
};

/* The entries' references are set. */
int casg_nodebatch_leaf(struct casg_nodebatch *b, const struct casg_oid *id,
			const struct casg_entry *e, uint32_t count, struct casg_err *err);
/*
 * As differences from bases; 'own' is the number that the node will have in
 * its pack.  References are set where casg_leaf_link_needs says so.
 */
int casg_nodebatch_linked_leaf(struct casg_nodebatch *b, const struct casg_oid *id,
			       const struct casg_entry *e, const struct casg_loc *locs,
			       uint32_t count, uint32_t own, const struct casg_bases *bases,
			       struct casg_err *err);
/*
 * In the smaller form, plain or linked.  numbers[i]: of child i in this pack,
 * below 'own', or CASG_NO_NUMBER.  'bases' may be NULL.
 */
int casg_nodebatch_interior(struct casg_nodebatch *b, const struct casg_oid *id, int level,
			    const struct casg_child *c, const uint32_t *numbers,
			    uint32_t count, uint32_t own, const struct casg_bases *bases,
			    struct casg_err *err);
size_t casg_nodebatch_nbytes(const struct casg_nodebatch *b);
/* Append the chunk to 'out'; 'zlevel' is zstd's. */
int casg_nodebatch_encode(const struct casg_nodebatch *b, struct casg_coder *c, int zlevel,
			  struct casg_buf *out, struct casg_oid *chunk_id,
			  struct casg_err *err);
void casg_nodebatch_reset(struct casg_nodebatch *b);
void casg_nodebatch_release(struct casg_nodebatch *b);

/* ---- one node after the other ------------------------------------------ */

/* How a node is stored: as in casg_tnode (nodes.h). */
struct casg_nodechain {
	uint16_t depth, weight;
};

struct casg_nodew {
	struct casg_store *store;
	struct casg_packw *packw;
	struct casg_coder *coder;
	int zlevel;
	struct casg_nodebase *base;  /* where to look for bases; the caller's; or NULL */
	struct casg_err base_err;    /* base became NULL since that tree cannot be read */
	int base_apart;              /* its tree is of another store: here its nodes have
					other bases, if any */
	struct casg_nodes *written;  /* base_apart: the nodes of packs that are finished */
	struct casg_nodechain *chains; /* and of the pack under way, by number */
	size_t cap_chains;
	struct casg_noderefs refs;
	struct casg_nodebatch batch;
	uint64_t nnodes;       /* given */
	uint64_t nnodes_new;   /* written */
};

/* 'zlevel' as in the settings: nodes are compressed one level lower. */
void casg_nodew_init(struct casg_nodew *w, struct casg_store *store,
		     struct casg_packw *packw, struct casg_coder *coder, int zlevel);
void casg_nodew_release(struct casg_nodew *w);

/*
 * Where the sequence of a record lies.  CASG_EABSENT when it is in no pack,
 * CASG_ECORRUPT when its length is not what the record says.
 */
int casg_nodew_find_sequence(struct casg_store *store, struct casg_coder *coder,
			     const struct casg_entry *e, struct casg_loc *loc_out,
			     struct casg_err *err);

/*
 * A leaf: its entries, the places of their sequences, their hashes.  It is
 * stored unless the store has it, and pushed to 'up' (or NULL).
 */
int casg_nodew_leaf(struct casg_nodew *w, struct casg_entry *e, const struct casg_loc *locs,
		    const struct casg_oid *hashes, uint32_t count,
		    struct casg_children *up, struct casg_err *err);
/* The same for a leaf that the store is known not to have. */
int casg_nodew_new_leaf(struct casg_nodew *w, const struct casg_oid *id,
			struct casg_entry *e, const struct casg_loc *locs,
			uint32_t count, struct casg_err *err);
/* Children in the pack under way are named by number once they are flushed. */
int casg_nodew_interior(struct casg_nodew *w, int level, const struct casg_child *c,
			uint32_t count, struct casg_children *up, struct casg_err *err);
/* A description longer than CASG_DESC_INLINE: stored as a blob, e->desc becomes NULL. */
int casg_nodew_description(struct casg_nodew *w, struct casg_entry *e, struct casg_err *err);

/*
 * Build the levels above 'from', the nodes of level 'level' - 1, up to one
 * node; frees them.  Without any the tree is empty: one leaf.
 */
int casg_nodew_root(struct casg_nodew *w, int level, struct casg_children *from,
		    struct casg_oid *root_out, struct casg_err *err);

/* Write what is gathered; before anything else may write to the pack. */
int casg_nodew_flush(struct casg_nodew *w, struct casg_err *err);

#endif
