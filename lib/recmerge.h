/*
 * recmerge - merge two versions of a database by record.
 *
 * What counts is what became of a key since the base, the version both come
 * from: if only one side changed its records, they are that side's; if both
 * made the same of them, they are that; else the key is in conflict.  A
 * conflict is settled for ours, for theirs, or by records that the caller
 * gives; while one is not, nothing is written.
 *
 * The merged file has the order of ours.  A record that only theirs has comes
 * behind the nearest record before it in theirs that ours has too, several in
 * their order.  (Taxonomies have one order, that of their keys.)  The facts of the file and the presentation of each record are
 * merged likewise, three-way; where both sides changed one, ours stands and is
 * counted.  The presentation of a sequence is that of the side it is from.
 *
 * Where one side changed nothing at all, order and layout included, the merged
 * version is the other one.
 *
 * The tree is edited, not built: the cost of that grows with the changes of
 * theirs.  Order and presentation objects are read and written as a whole;
 * that takes up to 16 bytes of memory a record.
 *
 * Threads: one thread a merge, which owns the pool.
 */
#ifndef CASG_RECMERGE_H
#define CASG_RECMERGE_H

#include <stdint.h>

#include "err.h"
#include "packw.h"
#include "records.h"
#include "recside.h"
#include "store.h"
#include "stream.h"
#include "workers.h"

enum casg_merge_side { CASG_BASE, CASG_OURS, CASG_THEIRS, CASG_NSIDES };

/* What becomes of conflicts that no record settles. */
enum casg_settle { CASG_SETTLE_NONE, CASG_SETTLE_OURS, CASG_SETTLE_THEIRS };

/*
 * A key in conflict: once for each record that a side has of it, or once with
 * s NULL where it has none; base, ours, theirs.
 */
typedef int casg_conflict_fn(void *ctx, enum casg_merge_side side, const char *key,
			     size_t klen, const struct casg_recside *s,
			     struct casg_err *err);

struct casg_recmerge_opts {
	struct casg_store *store;
	struct casg_packw *packw;
	struct casg_workers *pool;
	struct casg_coder **coders;    /* one for each worker */
	const char *tmp_dir;
	uint64_t memory_nbytes;
	int zlevel;
	int by_key;                    /* the merged file has the order of the keys, as taxa */
	enum casg_settle settle;
	casg_conflict_fn *conflict;
	void *ctx;
};

struct casg_recmerge;

/* A NULL base is no version: whatever a side has, it has added. */
struct casg_recmerge *casg_recmerge_new(const struct casg_recmerge_opts *opts,
					const struct casg_roots *base,
					const struct casg_roots *ours,
					const struct casg_roots *theirs,
					struct casg_err *err);
void casg_recmerge_free(struct casg_recmerge *m);

/*
 * Before the merge: a record that the merged version has under its key if that
 * is in conflict, one of several if there are more, none of its records if
 * 'none' is set.  Copied.
 */
int casg_recmerge_settle(struct casg_recmerge *m, const struct casg_rec *r, int none,
			 struct casg_err *err);

/*
 * Decide each key; conflicts go to the function.  0, or CASG_ECORRUPT also
 * when a key that was to be settled is not in conflict.
 */
int casg_recmerge_decide(struct casg_recmerge *m, struct casg_err *err);
/* Keys in conflict, of these the settled ones. */
uint64_t casg_recmerge_conflicts(const struct casg_recmerge *m);
uint64_t casg_recmerge_settled(const struct casg_recmerge *m);

struct casg_merged {
	struct casg_roots roots;
	int is_theirs;                 /* ours changed nothing: it is theirs as it is */
	uint64_t nput, nremoved;       /* records, against ours */
	uint64_t residues_put, residues_removed;
	uint64_t nnodes_new;
	uint64_t npres_ours;           /* presentations both changed */
	unsigned int facts_ours;       /* facts both changed, CASG_MERGED_... */
};
enum {
	CASG_MERGED_WIDTH = 1,
	CASG_MERGED_EOL = 2,
	CASG_MERGED_FINAL_NEWLINE = 4,
	CASG_MERGED_PROLOGUE = 8
};

/* Write the merged version, when all is settled (else CASG_EBUG). */
int casg_recmerge_write(struct casg_recmerge *m, struct casg_merged *out,
			struct casg_err *err);

#endif
