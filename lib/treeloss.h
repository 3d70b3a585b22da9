/*
 * treeloss - has a version everything that it needs, and if not, what is lost?
 *
 * Walks the trees of versions without stopping at damage.  Every node is read
 * and verified; sequences are not read, but each must lie in a pack that is
 * here, in a chunk that nobody has told us is damaged.  What cannot be had is
 * named by the records that need it.
 *
 * Leaves of which we are told that they are sound are not read again.
 *
 * Subtrees in which all is well are remembered (a bit a node), so that another
 * version costs what it does not share with those before.
 *
 * Threads: one thread a casg_treeloss.
 */
#ifndef CASG_TREELOSS_H
#define CASG_TREELOSS_H

#include <stdint.h>

#include "err.h"
#include "records.h"
#include "store.h"

struct casg_treeloss;

struct casg_treeloss *casg_treeloss_new(struct casg_store *s, struct casg_coder *c,
					  struct casg_err *err);
void casg_treeloss_free(struct casg_treeloss *t);

/* This copy of a chunk is damaged.  A number beyond the last is ignored. */
int casg_treeloss_damaged(struct casg_treeloss *t, uint32_t pack, uint32_t chunk,
			   struct casg_err *err);

/*
 * A leaf of which nothing is lost: who refers to it says this of it
 * (casg_child_hash), as casg_packwalk_check has found.
 */
int casg_treeloss_sound(struct casg_treeloss *t, const struct casg_oid *as_child,
			struct casg_err *err);

enum casg_lost {
	CASG_LOST_RECORD,      /* its sequence */
	CASG_LOST_DESCRIPTION, /* of a record */
	CASG_LOST_RECORDS,     /* a subtree: all from 'key' to 'last' */
	CASG_LOST_ORDER,
	CASG_LOST_PRESENTATION,
	CASG_LOST_WITHDRAWN    /* the tombstones */
};

/* "record", "description", "records", "order", "presentation" */
const char *casg_lost_name(enum casg_lost what);

struct casg_loss {
	enum casg_lost what;
	const char *key, *last; /* empty where nothing is to be named */
	size_t klen, last_len;
	uint64_t count;         /* records */
	const char *why;        /* a sentence that names the pack and chunk, if known */
};

typedef int casg_loss_fn(void *ctx, const struct casg_loss *loss, struct casg_err *err);

/*
 * Check the tree, order and presentation of a version; fn is called for each
 * loss, in key order.  0, also when something is lost; negative when that
 * could not be found out, or what fn gave.
 */
int casg_treeloss_version(struct casg_treeloss *t, const struct casg_roots *roots,
			   casg_loss_fn *fn, void *ctx, struct casg_err *err);

#endif
