/*
 * taxpair - the records in which two versions of a taxonomy differ, taken apart.
 *
 * A walk over treediff.h that passes over records whose descriptions are the
 * same, and says of each of the others what it is on either side.  The cost is
 * that of treediff: it grows with the number of changes.
 *
 * Threads: one thread a walk.
 */
#ifndef CASG_TAXPAIR_H
#define CASG_TAXPAIR_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "store.h"
#include "taxrec.h"

/* What a version says of an id. */
enum casg_taxstate {
	CASG_TAXSTATE_ABSENT,      /* nothing */
	CASG_TAXSTATE_NODE,        /* it is a taxon */
	CASG_TAXSTATE_MERGED,
	CASG_TAXSTATE_DELETED
};

struct casg_taxpair_side {
	enum casg_taxstate state;
	struct casg_taxrec rec;    /* unless it is absent */
};

struct casg_taxpair {
	const char *key;           /* the id, in key form */
	size_t klen;
	struct casg_taxpair_side a, b;
};

struct casg_taxpairs;

/* A NULL root is an empty taxonomy.  NULL with err filled. */
struct casg_taxpairs *casg_taxpairs_open(struct casg_store *s, struct casg_coder *c,
					 const struct casg_oid *root_a,
					 const struct casg_oid *root_b, struct casg_err *err);
void casg_taxpairs_free(struct casg_taxpairs *p);

/* 1 and the next difference, by key, valid until the next call; 0 at the end. */
int casg_taxpairs_next(struct casg_taxpairs *p, struct casg_taxpair *out,
		       struct casg_err *err);

/* Nodes read so far, of both trees. */
uint64_t casg_taxpairs_nodes_read(const struct casg_taxpairs *p);

#endif
