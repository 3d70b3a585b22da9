/*
 * packcheck - private to packwalk: the check of the chunks of a pack.
 *
 * packwalk.c finds the chunks, packcheck.c looks into them.
 */
#ifndef CASG_PACKCHECK_H
#define CASG_PACKCHECK_H

#include "packwalk.h"

/* A line of the pack's references, and where the chunk is. */
struct casg_walk_ref {
	struct casg_oid id;
	uint64_t base;      /* number of its first member */
	uint32_t nmembers;
	uint32_t place;     /* enum casg_walk_place */
	uint32_t pack;      /* CASG_PLACE_STORE: number in the store */
	uint32_t chunk;
};

enum casg_walk_place { CASG_PLACE_NOWHERE, CASG_PLACE_HERE, CASG_PLACE_STORE };

/* Record what is wrong with a chunk; one thread a chunk. */
void casg_packwalk_note(struct casg_packwalk *w, uint32_t chunk,
			const struct casg_err *err);
/* Count ndamaged and nunsettled. */
void casg_packwalk_count(struct casg_packwalk *w);

#endif
