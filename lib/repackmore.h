/*
 * repackmore - write packs that hold what versions need and a receiver lacks.
 *
 * A receiver has other versions, in packs of its own: how things lie there and
 * here need not be the same, since either side may have repacked.  So the new
 * packs refer to no chunk of the receiver's.  A node that the receiver lacks is
 * stored as differences from nodes that it has, named by their ids; what such a
 * node copies keeps its sequences, wherever they lie.  Only the sequences of
 * entries that are new in a node are written, and what else has no copy there.
 *
 * How long the chains of nodes are is counted as they lie at the receiver:
 * 'there' is a store of packs that it has.  A version whose tree cannot be
 * read from these is no base, and what would rest on it is written whole.
 *
 * Memory: a bit an object, 32 bytes a node that is new, beside what the packer
 * needs.  Threads: one caller, the owner of the pool.
 */
#ifndef CASG_REPACKMORE_H
#define CASG_REPACKMORE_H

#include <stdint.h>

#include "err.h"
#include "packer.h"
#include "packw.h"
#include "records.h"
#include "store.h"
#include "workers.h"

struct casg_more_version {
	struct casg_roots roots;
	uint32_t base;               /* an index of 'known', or CASG_MORE_NONE */
};

#define CASG_MORE_NONE UINT32_MAX

struct casg_more {
	struct casg_store *from;     /* has everything */
	struct casg_store *there;    /* packs of the receiver, maybe not all; or NULL */
	struct casg_store *to;       /* opened with 'empty' */
	struct casg_packw *packw;    /* of 'to' */
	struct casg_workers *pool;
	struct casg_coder **coders;  /* one for each worker of the pool */
	int ncoders;
	struct casg_packer_opts packer;
	const struct casg_more_version *versions;
	uint32_t nversions;
	const struct casg_roots *known; /* of versions that the receiver has */
	uint32_t nknown;
	const struct casg_oid *blobs;   /* to be written beside the versions */
	size_t nblobs;
};

int casg_repackmore(const struct casg_more *m, struct casg_packer_stats *out,
		    struct casg_err *err);

#endif
