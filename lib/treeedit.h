/*
 * treeedit - change some records of a record tree.
 *
 * Gives the root that treew gives for the same records from nothing, but reads
 * and writes only what the changes touch: on each level the nodes that hold
 * them and those behind, until a new node ends where an old one did.  All
 * other nodes stay as they are, named by id.
 *
 * Records that share a key are numbered by (sequence id, description), so an
 * edit of one may renumber the others.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_TREEEDIT_H
#define CASG_TREEEDIT_H

#include <stdint.h>

#include "chunk.h"
#include "err.h"
#include "node.h"
#include "packw.h"
#include "store.h"
#include "workers.h"

enum casg_edit_op {
	CASG_EDIT_PUT,    /* one more record of this key */
	CASG_EDIT_REMOVE, /* the record with this occurrence in the old tree */
	CASG_EDIT_CLEAR   /* all records of this key in the old tree, if any */
};

struct casg_edit {
	enum casg_edit_op op;
	/*
	 * The key; for PUT sequence id, length and description as for
	 * casg_treew_add; for REMOVE the occurrence.
	 */
	struct casg_entry e;
	uint64_t tag;     /* PUT: what the caller knows it by */
};

/*
 * The source of edits: 1 and the next, valid until the next call; 0 at the
 * end; negative with err filled.  They come in the order of their keys; those
 * of one key in any order, they are kept in memory together.
 */
typedef int casg_edits_fn(void *ctx, struct casg_edit *out, struct casg_err *err);

#define CASG_NO_RANK UINT64_MAX

/*
 * What became of each record whose key was edited, in the order of the tree:
 * ranks ascend.  e has sequence id and length.  Records of other keys keep
 * their place but for those that came and went before them.
 */
struct casg_edited {
	const struct casg_entry *e;
	uint64_t old_rank;   /* CASG_NO_RANK: it was put */
	uint64_t new_rank;   /* CASG_NO_RANK: it is removed */
	uint64_t tag;        /* of what was put */
};
typedef int casg_edited_fn(void *ctx, const struct casg_edited *x, struct casg_err *err);

struct casg_treeedit {
	struct casg_store *store;
	struct casg_packw *packw;
	struct casg_workers *pool;
	struct casg_coder **coders;  /* one for each worker of the pool */
	int zlevel;
	int depth;                   /* of chains of linked nodes; 0: store nodes whole */
	casg_edits_fn *edits;
	casg_edited_fn *edited;      /* or NULL */
	void *ctx;                   /* of both */
};

struct casg_edit_stats {
	struct casg_oid root;
	uint64_t nrecords;           /* in the new tree */
	uint64_t nput, nremoved;
	uint64_t residues_put, residues_removed;
	uint64_t nnodes_read, nnodes_new;
};

/*
 * CASG_EABSENT when a record to be removed is not there, or a sequence in no
 * pack; CASG_EBUG when the edits are out of order; CASG_ECORRUPT when the old
 * tree is not what its ids say.
 */
int casg_treeedit(const struct casg_treeedit *t, const struct casg_oid *root,
		  struct casg_edit_stats *out, struct casg_err *err);

#endif
