/*
 * oidmap - numbers by id: an oidset with a number for each.
 *
 * For what a process has seen: nodes that it has verified, versions by their
 * id.  Entries are only added or changed.
 *
 * Threads: one at a time.
 */
#ifndef CASG_OIDMAP_H
#define CASG_OIDMAP_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "oidset.h"

struct casg_oidmap {
	struct casg_oidset ids;
	uint64_t *values;            /* as many as there are ids */
	size_t cap;
};

#define CASG_OIDMAP_INIT { CASG_OIDSET_INIT, NULL, 0 }

void casg_oidmap_release(struct casg_oidmap *m);

/* Set the value of 'id'.  0 or CASG_ENOMEM. */
int casg_oidmap_set(struct casg_oidmap *m, const struct casg_oid *id, uint64_t value,
		    struct casg_err *err);

/* 1 and its value (value_out may be NULL), or 0. */
int casg_oidmap_get(const struct casg_oidmap *m, const struct casg_oid *id,
		    uint64_t *value_out);

#endif
