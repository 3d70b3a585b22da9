/*
 * taxstats - what the taxa of a version amount to.
 *
 * One pass over the tree and one over the chunks that it refers to, each read
 * once; in between an external sort, so that memory is bounded.  A record that
 * carries several taxa counts for each.  The bytes of a chunk are shared out
 * by residues among those whose sequences lie in it, so that they add up to the
 * bytes of all chunks that the version needs.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_TAXSTATS_H
#define CASG_TAXSTATS_H

#include "err.h"
#include "taxindex.h"
#include "taxonomy.h"

struct casg_taxstat {
	const char *id;        /* NUL-terminated; "" for records that have none */
	uint64_t nrecords, nresidues;
	uint64_t nbytes;       /* compressed */
	uint64_t nchunks;      /* that hold any of its sequences */
};

/* Called by ascending id; non-zero ends it and is returned. */
typedef int casg_taxstat_fn(void *ctx, const struct casg_taxstat *s, struct casg_err *err);

/*
 * 'rank' (or NULL) is one of 't': taxa are those of that rank above the ones
 * that records carry.  't' may be NULL without a rank.
 */
int casg_taxstats(const struct casg_taxindex_opts *o, const struct casg_taxonomy *t,
		  const char *rank, casg_taxstat_fn *fn, void *ctx, struct casg_err *err);

#endif
