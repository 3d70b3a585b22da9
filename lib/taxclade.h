/*
 * taxclade - the taxa of an index that belong to clades of a taxonomy.
 *
 * The index (taxaidx.h) has the ids that records carry; a clade is a taxon and
 * its descendants (taxonomy.h).  An id that was merged into one of them counts
 * as that one.  What is shorter is gone through: the taxa of the index, or the
 * clade and all merged ids.
 *
 * Threads: one thread.
 */
#ifndef CASG_TAXCLADE_H
#define CASG_TAXCLADE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "taxaidx.h"
#include "taxonomy.h"

/* Numbers of taxa in an index.  All zero: none. */
struct casg_taxclade {
	uint64_t *v;
	size_t n, cap;
};

void casg_taxclade_release(struct casg_taxclade *c);

/* The taxon with exactly this id, if a record carries it. */
int casg_taxclade_add_id(struct casg_taxclade *c, struct casg_taxaidx *x, const char *id,
			 size_t n, struct casg_err *err);
/* Those of the taxonomy's taxa [taxon, end). */
int casg_taxclade_add(struct casg_taxclade *c, struct casg_taxaidx *x,
		      const struct casg_taxonomy *t, uint32_t taxon, uint32_t end,
		      struct casg_err *err);
/* Put them in ascending order, none twice, without those in 'less' (or NULL), settled. */
void casg_taxclade_settle(struct casg_taxclade *c, const struct casg_taxclade *less);

#endif
