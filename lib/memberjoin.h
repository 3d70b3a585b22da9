/*
 * memberjoin - from which sequence stands for which to which record does.
 *
 * A representative is a record: of those with the sequence of a representative,
 * the first in the record tree.  The others with that sequence are its members,
 * with no edits, and so are all records of the sequences that it stands for.
 *
 * Memory is bounded: everything is sorted outside it.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_MEMBERJOIN_H
#define CASG_MEMBERJOIN_H

#include <stdint.h>

#include "cluster.h"
#include "err.h"
#include "packw.h"
#include "records.h"
#include "store.h"
#include "workers.h"

struct casg_memberjoin;

struct casg_memberjoin_opts {
	struct casg_store *store;
	struct casg_workers *pool;
	struct casg_coder **coders;  /* one for each worker of the pool */
	const char *tmp_dir;
	uint64_t memory_nbytes;
	const struct casg_roots *roots; /* of the version */
	struct casg_packw *packw;
	int level;
	unsigned identity;           /* that members have at least, in thousandths */
};

struct casg_memberjoin_result {
	struct casg_oid members;     /* the map (members.h), written */
	uint64_t nrepresentatives;   /* records */
	uint64_t nresidues, kept;    /* of all records, of representatives */
};

struct casg_memberjoin *casg_memberjoin_new(const struct casg_memberjoin_opts *o,
					    struct casg_err *err);
void casg_memberjoin_free(struct casg_memberjoin *j);

/* Once for each sequence of the version, in any order. */
int casg_memberjoin_add(struct casg_memberjoin *j, const struct casg_cluster_pair *p,
			struct casg_err *err);

/*
 * No more.  CASG_ECORRUPT when a sequence of the version was not added, or
 * twice, or one that it does not have, or with too many edits, or if a member
 * stands for another.
 */
int casg_memberjoin_finish(struct casg_memberjoin *j, struct casg_memberjoin_result *out,
			   struct casg_err *err);

#endif
