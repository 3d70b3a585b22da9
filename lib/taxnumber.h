/*
 * taxnumber - numbers for the taxa of a taxonomy, for tools that want numbers.
 *
 * An id that is a number from 1 to 2^31 - 1, without leading zeros, is its
 * number.  Any other, such as "s__Escherichia coli", gets the first 31 bits of
 * the SHA-256 of the id; if that is 0 or 1 or taken, those of the SHA-256 of the
 * id, NUL and "1", then "2", and so on.  Ids that are numbers come first, the
 * others after them by their bytes, so that numbers are the same in all
 * versions but for the few that meet.  If nobody has the number 1 it is the
 * root's; if there are several roots, that of a root above them which the
 * taxonomy does not have.
 *
 * Merged and deleted ids have numbers, too, the last of all.
 *
 * Threads: one a handle.
 */
#ifndef CASG_TAXNUMBER_H
#define CASG_TAXNUMBER_H

#include <stdint.h>

#include "err.h"
#include "taxonomy.h"

struct casg_taxnumber;

/* The taxonomy must stay.  NULL when out of memory. */
struct casg_taxnumber *casg_taxnumber_new(const struct casg_taxonomy *t,
					  struct casg_err *err);
void casg_taxnumber_free(struct casg_taxnumber *n);

/* The number of a taxon; of a merged or deleted id (casg_taxonomy_gone). */
int casg_taxnumber_of(struct casg_taxnumber *n, uint32_t taxon, uint32_t *number_out,
		      struct casg_err *err);
int casg_taxnumber_gone(struct casg_taxnumber *n, uint64_t i, uint32_t *number_out,
			struct casg_err *err);

/* Must a root numbered 1 be added above the roots?  1, 0, or negative. */
int casg_taxnumber_adds_root(struct casg_taxnumber *n, struct casg_err *err);

/* Is the id its own number?  0 if it is none. */
uint32_t casg_taxnumber_parse(const char *id, size_t n);

#endif
