/*
 * repack - write packs that hold given versions, and nothing else.
 *
 * Everything is read from one store, verified, and written to another that
 * starts without packs: sequences are grouped by taxon, brought into order and
 * compressed together, whatever import they came with (repackplan.h); then the trees, each version as
 * differences from the one after it, so that the newest is read without
 * detours and the oldest at the end of a chain of at most CASG_NODELINK_DEPTH
 * versions.  No id changes by it.
 *
 * Memory: a byte for four objects and 16 a sequence, beside what the packer
 * needs.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_REPACK_H
#define CASG_REPACK_H

#include <stdint.h>

#include "err.h"
#include "packer.h"
#include "packw.h"
#include "records.h"
#include "repackplan.h"
#include "store.h"
#include "workers.h"

struct casg_repack_version {
	struct casg_roots roots;
	/* the version to store it by: an index below its own, or CASG_REPACK_NONE */
	uint32_t after;
};

#define CASG_REPACK_NONE UINT32_MAX

struct casg_repack {
	struct casg_store *from;
	struct casg_store *to;       /* opened with 'empty' */
	struct casg_packw *packw;    /* of 'to' */
	struct casg_workers *pool;
	struct casg_coder **coders;  /* one for each worker of the pool */
	int ncoders;
	struct casg_packer_opts packer;
	struct casg_repackplan_opts groups;
	const struct casg_repack_version *versions;
	uint32_t nversions;
};

int casg_repack(const struct casg_repack *r, struct casg_packer_stats *out,
		struct casg_err *err);

#endif
