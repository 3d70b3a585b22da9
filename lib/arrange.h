/*
 * arrange - the order of pieces in a batch, and where chunks begin.
 *
 * Pieces that are alike by their sketches are brought together, unless the
 * order they came in has done that already; and groups (grouping.h) are kept
 * apart, so that who reads one reads few chunks.  A group that fills a good
 * part of a chunk begins one; small groups, neighbours by their home's number,
 * share chunks, and inside such a chunk likeness decides again.
 *
 * What that costs is estimated by counting: a piece of the same sketch as
 * another one in the same chunks costs little, in other chunks it costs in
 * full.  While the cost is above what is allowed, taxa with chunks of their own
 * give them up, the dearest first, and more of the others share.
 *
 * Pure and reentrant; the same input gives the same order everywhere.
 */
#ifndef CASG_ARRANGE_H
#define CASG_ARRANGE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "grouping.h"

struct casg_arrange_piece {
	uint64_t sketch;  /* 0: not known, like nothing */
	uint64_t nbytes;
	uint32_t group;
	uint64_t family;  /* those with the same are alike, by whatever is known; 0: by the
	                     sketch alone */
};

struct casg_arrange_opts {
	uint64_t chunk_nbytes;
	size_t max_members;   /* of a chunk */
	unsigned int max_cost;/* percent */
};

/*
 * n pieces (below 2^32) of 'ngroups' groups.  order_out: the numbers of the
 * pieces in their order; ends_out: where each chunk ends in it.  Both have room
 * for n.  *nchunks_out: how many chunks.
 */
int casg_arrange(const struct casg_arrange_piece *pieces, size_t n,
		 const struct casg_group *groups, uint32_t ngroups,
		 const struct casg_arrange_opts *opts, uint32_t *order_out,
		 size_t *ends_out, size_t *nchunks_out, struct casg_err *err);

#endif
