/*
 * reduced - the records of a version in the order of its file, each with what
 * a profile says stands for it.
 *
 * Joins records (records.h), order and the map of members (members.h), in
 * bounded memory.  At the end all has been checked that the two say of each
 * other.
 *
 * Threads: one thread a reader; the pool is used while opening.
 */
#ifndef CASG_REDUCED_H
#define CASG_REDUCED_H

#include <stdint.h>

#include "err.h"
#include "members.h"
#include "records.h"

struct casg_reduced;

struct casg_reduced_record {
	struct casg_record record;
	uint64_t rank;          /* in the record tree */
	struct casg_member member;
};

struct casg_reduced *casg_reduced_open(struct casg_store *s, struct casg_coder *c,
				       struct casg_workers *pool, const char *tmp_dir,
				       const struct casg_roots *roots,
				       const struct casg_oid *members, uint64_t memory_nbytes,
				       struct casg_err *err);
const struct casg_facts *casg_reduced_facts(const struct casg_reduced *r);
/* 1 and the next record, valid until the next call; 0 at the end. */
int casg_reduced_next(struct casg_reduced *r, struct casg_reduced_record *out,
		      struct casg_err *err);
void casg_reduced_free(struct casg_reduced *r);

#endif
