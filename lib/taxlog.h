/*
 * taxlog - what became of each taxon over many versions of a taxonomy.
 *
 * Two readings of one history, both by taxon, then by version:
 *
 *   rows     as taxonkit's taxid-changelog has them: an id, a version, a change
 *   lives    the versions in which a taxon was classified otherwise than before
 *
 * The rules of the rows (W. Shen, H. Ren: TaxonKit, J. Genet. Genomics 48, 2021,
 * "taxid-changelog"): a lineage is the taxa from the one below the root down to
 * the taxon itself, and a root's is the root.
 *
 *   NEW             a taxon of which nothing was said before
 *   REUSE_DEL       a taxon of which DELETE was said last
 *   REUSE_MER       a taxon of which MERGE was said last
 *   CHANGE_LIN_LEN  a lineage of another length than when something was said of
 *                   it last, or of the same length and
 *   CHANGE_LIN_TAX  other ids, or the same ids and
 *   CHANGE_LIN_LIN  other names
 *   CHANGE_NAME     another scientific name than then, beside that
 *   CHANGE_RANK     another rank than then, beside that
 *   DELETE          the version says it is deleted, and that was not said last
 *   MERGE           the version says it is merged, for the first time or into
 *                   another taxon than the time before
 *   ABSORB          of the taxon it was merged into: one row a version
 *
 * An id that is not mentioned any more has no row.  DELETE and MERGE have the
 * name, rank and lineage that were said last.  Ids are numbers in the order of
 * numbers, before all others in the order of their key form.
 *
 * Neighbouring versions are compared by their trees, so what is read grows with
 * the changes, the taxa below them, and the size of the first version, which is
 * new all of it.  Memory is bounded but for the taxonomies' maps: what is
 * sorted is sorted on disk.
 *
 * Threads: one thread a history, the owner of the pool.
 */
#ifndef CASG_TAXLOG_H
#define CASG_TAXLOG_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "store.h"
#include "taxdiff.h"
#include "workers.h"

/* What rows call the version of a time: the date, and the time unless it is midnight. */
void casg_taxlog_label(int64_t time, char out[CASG_TIME_SIZE]);

enum casg_taxrow {
	CASG_TAXROW_NEW, CASG_TAXROW_REUSE_DEL, CASG_TAXROW_REUSE_MER, CASG_TAXROW_DELETE,
	CASG_TAXROW_MERGE, CASG_TAXROW_ABSORB, CASG_TAXROW_NAME, CASG_TAXROW_RANK,
	CASG_TAXROW_LIN_LIN, CASG_TAXROW_LIN_TAX, CASG_TAXROW_LIN_LEN
};

struct casg_taxlog_opts {
	struct casg_store *store;
	struct casg_coder *coder;
	struct casg_workers *pool;
	const char *tmp_dir;
	uint64_t memory_nbytes;
	/* Oldest first; must stay. */
	const struct casg_taxside *versions;
	const char *const *labels;         /* what rows call them */
	size_t nversions;
	int since_first;                   /* the first is known: no rows of it */
};

struct casg_taxlog;

/* Compares and sorts.  NULL with err filled. */
struct casg_taxlog *casg_taxlog_open(const struct casg_taxlog_opts *o, struct casg_err *err);
void casg_taxlog_free(struct casg_taxlog *l);

/*
 * 1 and the next row as a line of CSV (RFC 4180, but for LF) appended to 'out',
 * 0 at the end.  The first is preceded by the heading.
 */
int casg_taxlog_next_csv(struct casg_taxlog *l, struct casg_buf *out, struct casg_err *err);

/* A version, and the taxon in it. */
struct casg_taxpoint {
	uint32_t version, taxon;
};

struct casg_taxlife {
	const char *id;
	size_t n;
	struct casg_taxpoint *at;  /* where it was met first, then where it differed */
	size_t nat, cap;           /* from what was before */
	struct casg_taxpoint last; /* where something about it changed last */
};

/*
 * 1 and the next taxon, 0 at the end: of either this or the rows.  Differs:
 * has another taxon at 'rank' in its lineage, itself included; NULL: another
 * lineage above itself.  Valid until the next call.  Not with since_first.
 */
int casg_taxlog_next_life(struct casg_taxlog *l, const char *rank, struct casg_taxlife *out,
			  struct casg_err *err);

#endif
