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
 * In a partial clone the sequences of promised packs (promised.h) stay where they are, here
 * or not: the trees refer to the chunks that are promised.  Packs stay, too, that they
 * refer to, or that share long sequences with them, one the list and the other pieces.
 *
 * What 'to' has already is not written again.  Packs are finished in order, and
 * what follows does not depend on when: so a 'to' that has the first packs of a
 * run that was interrupted gets the others, and they are the same.
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
	/* sequences that only such versions need go into packs of their own */
	int apart;
};

#define CASG_REPACK_NONE UINT32_MAX

struct casg_repack {
	struct casg_store *from;
	struct casg_store *to;       /* has nothing but the packs of this run */
	struct casg_packw *packw;    /* of 'to' */
	struct casg_workers *pool;
	struct casg_coder **coders;  /* one for each worker of the pool */
	int ncoders;
	struct casg_packer_opts packer;
	struct casg_repackplan_opts groups;
	const struct casg_repack_version *versions;
	uint32_t nversions;
	struct casg_promised *promised; /* of a partial clone; or NULL */
	const char *packs_dir;       /* then: of 'from' */
	uint8_t *stays;              /* and a flag a pack of 'from', set: it is needed still */
	const struct casg_oid *blobs; /* to be kept beside them */
	size_t nblobs;
	/* Before the first sequence is taken: the digest of all that decides about the
	   packs, but for the options of the packer; or NULL. */
	int (*planned)(void *ctx, const struct casg_oid *digest, struct casg_err *err);
	void *planned_ctx;
};

int casg_repack(const struct casg_repack *r, struct casg_packer_stats *out,
		struct casg_err *err);

#endif
