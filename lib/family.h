/*
 * family - which pieces are alike, by several sketches.
 *
 * Two pieces that are alike have the same sketch (sketch.h) with a probability
 * near the share of k-mers that they have in common: often, not always.  With
 * several of these, each by another k-mer, it is rare that they agree in none
 * (locality-sensitive hashing: Indyk and Motwani, STOC 1998).  So pieces that
 * agree in any belong to one family, and so do those that these agree with, as
 * long as the family is no larger than what is compressed together.
 *
 * Pure and reentrant; the same input gives the same families everywhere.
 */
#ifndef CASG_FAMILY_H
#define CASG_FAMILY_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "sketch.h"

struct casg_family_piece {
	uint64_t sketches[CASG_SKETCHES]; /* 0: not known */
	uint64_t nbytes;
};

/*
 * n pieces (below 2^32).  family_out: of each the least of the first sketches in
 * its family; 0 where that is not known.  Which are in it depends on the order they
 * come in as soon as a family is as large as it may be.
 */
int casg_families(const struct casg_family_piece *pieces, size_t n, uint64_t most_nbytes,
		  uint64_t *family_out, struct casg_err *err);

#endif
