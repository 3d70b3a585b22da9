/*
 * nodebase - bases for new tree nodes: the nodes of another tree, an earlier
 * version as a rule, over the same keys.
 *
 * Threads: one thread a casg_nodebase, with a coder of its own.
 */
#ifndef CASG_NODEBASE_H
#define CASG_NODEBASE_H

#include <stdint.h>

#include "err.h"
#include "nodelink.h"
#include "store.h"

struct casg_nodebase;

/*
 * The tree 'root' of 'store'.  No chain becomes longer than 'depth', at most
 * CASG_NODELINK_DEPTH, and none takes more than CASG_NODES_WEIGHT to read, as
 * the bases are stored there.  0: they will be stored in another way, and it
 * is for the caller to look at that.
 */
struct casg_nodebase *casg_nodebase_new(struct casg_store *store, struct casg_coder *coder,
					const struct casg_oid *root, int depth,
					struct casg_err *err);
void casg_nodebase_free(struct casg_nodebase *b);

/*
 * Give the places of sequences as 'fn' translates them; 'out' may not be
 * 'from'.  For those whose new leaves lie in another store than the bases.
 */
typedef int casg_nodebase_place(void *ctx, const struct casg_loc *from, struct casg_loc *out,
				struct casg_err *err);
void casg_nodebase_translate(struct casg_nodebase *b, casg_nodebase_place *fn, void *ctx);

/* What new nodes may rest on; valid until the next call. */
struct casg_bases {
	struct casg_nodelink_base b[CASG_NODELINK_BASES]; /* named by id */
	struct casg_oid id[CASG_NODELINK_BASES];
	int n;       /* 0: better none */
};

/*
 * The nodes of that level that hold keys from (first, occurrence) to
 * (last, occurrence), in order; those of leaves with the places of their
 * sequences.  None when they are too many.
 */
int casg_nodebase_find(struct casg_nodebase *b, int level,
		       const char *first, size_t first_len, uint32_t first_occurrence,
		       const char *last, size_t last_len, uint32_t last_occurrence,
		       struct casg_bases *out, struct casg_err *err);

#endif
