/*
 * oidset - a set of ids that remembers the order in which they came.
 *
 * Threads: a set belongs to one thread at a time.
 */
#ifndef CASG_OIDSET_H
#define CASG_OIDSET_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "oid.h"

struct casg_oidset {
	struct casg_oid *ids;  /* in the order of their first addition */
	size_t n, cap;
	uint32_t *table;       /* 1 + index into ids; 0: free */
	size_t ntable;         /* a power of two, or 0 */
};

#define CASG_OIDSET_INIT { NULL, 0, 0, NULL, 0 }

void casg_oidset_release(struct casg_oidset *s);

/* 1 added, 0 it was there, CASG_ENOMEM. */
int casg_oidset_add(struct casg_oidset *s, const struct casg_oid *id,
		    struct casg_err *err);

/* 1 and its index in ids (index_out may be NULL), 0: not there. */
int casg_oidset_find(const struct casg_oidset *s, const struct casg_oid *id,
		     size_t *index_out);

#endif
