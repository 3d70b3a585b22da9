/*
 * records - the records of a version in the order of its file.
 *
 * Joins record tree, order and presentation.  Memory is bounded: what must be
 * put into file order goes through an external sort.
 *
 * Threads: one thread a reader.
 */
#ifndef CASG_RECORDS_H
#define CASG_RECORDS_H

#include <stdint.h>

#include "err.h"
#include "layout.h"
#include "store.h"
#include "workers.h"

struct casg_record {
	const char *key;
	size_t klen;
	const char *desc;
	size_t dlen;
	const char *pres;    /* line form: "-", text, or "@<hex>" */
	size_t plen;
	struct casg_loc loc; /* of the sequence */
};

struct casg_roots {
	struct casg_oid records, order, presentation;
	int has_withdrawn;
	struct casg_oid withdrawn;
	uint64_t count;
};

struct casg_records;

struct casg_records *casg_records_open(struct casg_store *s, struct casg_coder *c,
				       struct casg_workers *pool, const char *tmp_dir,
				       const struct casg_roots *roots,
				       uint64_t memory_nbytes, struct casg_err *err);
const struct casg_facts *casg_records_facts(const struct casg_records *r);
/* 1 and the next record, valid until the next call; 0 at the end. */
int casg_records_next(struct casg_records *r, struct casg_record *out,
		      struct casg_err *err);
void casg_records_free(struct casg_records *r);

#endif
