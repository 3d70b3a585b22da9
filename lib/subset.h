/*
 * subset - the records of a version that carry certain taxa, in file order.
 *
 * An index (taxindex.h) says which they are; the tree is read where they are
 * and nowhere else.  Each record is asked again which taxa it carries: one
 * that the index names without reason is CASG_ECORRUPT.  The presentation
 * object is read no further than its facts when it says nothing of any record,
 * and else up to the last record of the subset.  Memory is bounded: what is
 * not in the order of the file goes through an external sort.
 *
 * Threads: one thread a handle, the owner of the pool.
 */
#ifndef CASG_SUBSET_H
#define CASG_SUBSET_H

#include "err.h"
#include "records.h"
#include "taxindex.h"

struct casg_subset;

/* Of the version that 'o' is about; what it points to must stay. */
struct casg_subset *casg_subset_new(const struct casg_taxindex_opts *o, struct casg_err *err);
void casg_subset_free(struct casg_subset *s);

/*
 * Records that carry one of 'taxa' and none of 'without': numbers in 'x',
 * ascending, none twice.  Reads the index and nothing else; 'x' must stay
 * until the last record.  May be called again, to begin anew.
 */
int casg_subset_choose(struct casg_subset *s, struct casg_taxaidx *x, const uint64_t *taxa,
		       size_t ntaxa, const uint64_t *without, size_t nwithout,
		       struct casg_err *err);

/* Facts about the file, from when the first record was asked for. */
const struct casg_facts *casg_subset_facts(const struct casg_subset *s);
/* 1 and the next record, valid until the next call; 0 at the end. */
int casg_subset_next(struct casg_subset *s, struct casg_record *out, struct casg_err *err);

#endif
