/*
 * mapjoin - which rows of a mapping concern the records of some databases.
 *
 * First the ids of all records are added, then the rows (maprow.h); then come
 * the entries of the mapping, ascending by key, each key once with all its
 * taxa, ascending as bytes, none twice.  Memory is bounded whatever the number
 * of ids and rows: the ids go into a Bloom filter, which drops nearly all rows
 * that concern nobody, and what is left is sorted outside memory together with
 * the ids.
 *
 * A row is kept under the key that stands in it if a record's id has it, or
 * its bare accession (accession.h).  Where a record's id has no version, or
 * one that no row has, what all rows say of its accession is kept under the
 * accession without version: there the look-up finds it.  Without databases
 * every row is kept, under its key and, for accession2taxid, its accession.
 *
 * Threads: one a handle, which owns the pool meanwhile.
 */
#ifndef CASG_MAPJOIN_H
#define CASG_MAPJOIN_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "maprow.h"
#include "workers.h"

struct casg_mapjoin;

struct casg_mapjoin_opts {
	int all;                /* keep every row: no ids are added */
	uint64_t nids;          /* how many ids will be, about */
	uint64_t memory_nbytes; /* in all */
	const char *tmp_dir;
	struct casg_workers *pool;
};

struct casg_mapjoin *casg_mapjoin_new(const struct casg_mapjoin_opts *o,
				      struct casg_err *err);
void casg_mapjoin_free(struct casg_mapjoin *j);

/* The ids of a record, before any row. */
int casg_mapjoin_add_record(struct casg_mapjoin *j, const char *key, size_t klen,
			    const char *desc, size_t dlen, struct casg_err *err);
int casg_mapjoin_add_row(struct casg_mapjoin *j, const struct casg_maprow *row,
			 struct casg_err *err);

/* No more rows: sorts and joins. */
int casg_mapjoin_finish(struct casg_mapjoin *j, struct casg_err *err);

/*
 * 1 and the next entry, its description as taxrec.h has it; 0 at the end.
 * Valid until the next call.  CASG_ECORRUPT when more taxa than a record can
 * have are given for one key.
 */
int casg_mapjoin_next(struct casg_mapjoin *j, const char **key_out, size_t *klen_out,
		      const char **desc_out, size_t *dlen_out, struct casg_err *err);

/* Rows that passed the filter. */
uint64_t casg_mapjoin_nkept(const struct casg_mapjoin *j);

#endif
