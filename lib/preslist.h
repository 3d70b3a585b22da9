/*
 * preslist - the records of a version that do not look like the rest of its
 * file, in the order of their keys.
 *
 * A presentation object lists them by position in the file; to name them the
 * order object is read up to the last of them, which is linear in the number
 * of records though cheap; that happens when the first one is asked for.  Where
 * none is listed, as in most releases, nothing but the facts is read.
 *
 * Threads: one thread a list, which owns the pool.
 */
#ifndef CASG_PRESLIST_H
#define CASG_PRESLIST_H

#include <stdint.h>

#include "err.h"
#include "layout.h"
#include "node.h"
#include "records.h"
#include "store.h"
#include "workers.h"

struct casg_preslist;

struct casg_presitem {
	struct casg_entry e;  /* as stored: oid and length unset */
	struct casg_loc loc;  /* of its sequence */
	uint64_t rank;        /* place in the order of the keys */
	uint64_t position;    /* in the file */
	const char *pres;     /* line form, never "-" */
	size_t plen;
};

struct casg_preslist *casg_preslist_open(struct casg_store *s, struct casg_coder *c,
					 struct casg_workers *pool, const char *tmp_dir,
					 const struct casg_roots *roots,
					 uint64_t memory_nbytes, struct casg_err *err);
void casg_preslist_free(struct casg_preslist *l);

const struct casg_facts *casg_preslist_facts(const struct casg_preslist *l);

/* 1 and the next one, 0 at the end.  Valid until the next call. */
int casg_preslist_next(struct casg_preslist *l, struct casg_presitem *out,
		       struct casg_err *err);

#endif
