/*
 * update - some records of a version put, replaced or withdrawn: what the next
 * version is made of.
 *
 * Records are put by key: what is put takes the place of all records that the
 * version has under the key.  In the file, the first new record of a key
 * stands where the first old one stood, the second where the second stood, and
 * so on; those that have no place go to the end, in the order they came.  All
 * other records keep their place and their layout; the facts about the file
 * stay as they are.
 *
 * The tree costs O(log n) nodes a record; order and presentation are written
 * anew in one pass.  Memory: some 60 bytes a record that is put or withdrawn.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_UPDATE_H
#define CASG_UPDATE_H

#include <stdint.h>

#include "chunk.h"
#include "err.h"
#include "layout.h"
#include "packw.h"
#include "records.h"
#include "store.h"
#include "stream.h"
#include "workers.h"

struct casg_update;

struct casg_update_opts {
	struct casg_store *store;
	struct casg_packw *packw;
	struct casg_workers *pool;
	struct casg_coder **coders;  /* one for each worker of the pool */
	int level;
	const char *tmp_dir;
	uint64_t memory_nbytes;      /* to sort in */
	const struct casg_roots *base;
	int64_t when;                /* sequence time of the new version */
};

struct casg_update_stats {
	struct casg_roots roots;     /* of the new version */
	uint64_t residues_put, residues_removed;
	uint64_t added, replaced, same, removed; /* records */
	uint64_t nnodes_read, nnodes_new;
	uint64_t nmissing;           /* keys to be withdrawn that are not there */
};

/* Copies the options, not what they point to. */
struct casg_update *casg_update_new(const struct casg_update_opts *opts,
				    struct casg_err *err);
void casg_update_free(struct casg_update *u);

/* The sequence is in the store when casg_update_finish is called. */
int casg_update_put(struct casg_update *u, const struct casg_rec *r, struct casg_err *err);

/*
 * Withdraw all records of a key.  successor (NULL: none) and reason (length 0:
 * none) go into the tombstone.  CASG_ECORRUPT when they are no text for it.
 */
int casg_update_withdraw(struct casg_update *u, const char *key, size_t klen,
			 const char *successor, size_t slen, const char *reason,
			 size_t rlen, struct casg_err *err);

/*
 * Do it.  'facts' are those of the records that were put (NULL: those of the
 * base): where width or line end is another than the base's, only upper and
 * lower case of the new records' layout is kept.  Keys to be withdrawn that are not there go to 'missing', one a line,
 * as the record stream has them.
 */
int casg_update_finish(struct casg_update *u, const struct casg_facts *facts,
		       struct casg_buf *missing, struct casg_update_stats *out,
		       struct casg_err *err);

#endif
