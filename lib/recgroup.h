/*
 * recgroup - which records of one key belong together.
 *
 * A key may occur several times, and the number that tells its records apart
 * follows from their content.  So of two versions of them, those that are
 * equal in sequence and description belong together, then those with one
 * sequence, then those that are left, in the order of the tree.
 *
 * Pure; thread-safe.
 */
#ifndef CASG_RECGROUP_H
#define CASG_RECGROUP_H

#include <stddef.h>
#include <stdint.h>

#include "recside.h"

struct casg_member {
	struct casg_recside s;      /* id and description count */
	int is_b;                   /* of the second version */
	uint64_t rank;              /* for the caller */
	struct casg_member *mate;   /* out; NULL: none */
};

/* All of one key, those of each version in the order of its tree. */
void casg_recgroup_pair(struct casg_member *v, size_t n);

/* As sequence id and description order records of a key. */
int casg_recgroup_cmp(const struct casg_recside *a, const struct casg_recside *b);

#endif
