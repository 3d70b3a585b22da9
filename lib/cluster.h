/*
 * cluster - which sequence can stand for which.
 *
 * Sequences are taken from the longest to the shortest, of equal length by id.
 * Each becomes the member of a representative before it that is like it, or a
 * representative itself.  What "like" means is exact:
 *
 *	identity   1 - edits / length of the member, where edits is its distance
 *	           from the representative as editdist.h has it: all of the member
 *	           against any stretch of the representative, each substituted,
 *	           inserted or deleted residue one edit
 *	coverage   length of the member / length of the representative
 *
 * and each member has at least the identity and the coverage asked for with
 * its own representative: every pair is aligned, none is concluded from others.
 * Of nucleotides, the better strand counts; a sequence of nucleotides and one
 * of amino acids are never alike.
 *
 * Not every pair of like sequences is found.  Candidates are those that share
 * seeds (seeds.h): sequences with a seed in common are put in a row, the
 * longest first, and each looks at the first of the row (a new row begins where
 * that is too long for the coverage) and at one other before it; whatever
 * stands for these is aligned, the one with most seeds in common first, at most
 * CASG_CLUSTER_TRIES of them.  So time grows with the number of sequences, not
 * with its square.
 *
 * The result is a function of the set of sequences and the two thresholds: not
 * of the order of adding, the number of threads, the memory or how sequences
 * are stored.
 *
 * Memory is bounded: what is sorted is sorted outside memory, and sequences and
 * results are in scratch files: a byte a residue and some 80 a sequence, the
 * latter mapped, and let go when much was touched.  Sorting takes some 20 bytes of disk a seed and a link, of which a
 * sequence has at most CASG_SEEDS_MAX and twice as many.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_CLUSTER_H
#define CASG_CLUSTER_H

#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "store.h"
#include "workers.h"

#define CASG_CLUSTER_TRIES 16
/* Of steps of 64 rows: a pair whose alignment could take more is not compared. */
#define CASG_CLUSTER_COST_MAX (UINT64_C(1) << 31)

struct casg_cluster;

struct casg_cluster_opts {
	struct casg_store *store;
	struct casg_workers *pool;
	struct casg_coder **coders;  /* one for each worker of the pool */
	const char *tmp_dir;
	uint64_t memory_nbytes;
	/* Decisions are written to this file, open for reading and writing, as they are
	   made; those that it has already, of the same sequences and thresholds, are taken
	   from it.  What is damaged or cut short in it is made and written again.  0: none. */
	int decisions_fd;
};

struct casg_cluster *casg_cluster_new(const struct casg_cluster_opts *o, struct casg_err *err);
void casg_cluster_free(struct casg_cluster *c);

/* A sequence; it may come several times. */
int casg_cluster_add(struct casg_cluster *c, const struct casg_oid *id, uint64_t nresidues,
		     struct casg_err *err);
/* No more: read them all, verified. */
int casg_cluster_read(struct casg_cluster *c, struct casg_err *err);

struct casg_cluster_stats {
	uint64_t nadded, nsequences;   /* all, distinct ones */
	uint64_t nresidues;            /* of all that were added */
	uint64_t nrepresentatives, kept; /* these and their residues */
	uint64_t nlinks, naligned;     /* candidates, and pairs that were aligned */
	uint64_t nrecalled;            /* of the latter: before, by a run that was interrupted */
};

/* Choose; may be called again with other thresholds, in thousandths. */
int casg_cluster_run(struct casg_cluster *c, unsigned identity, unsigned coverage,
		     struct casg_cluster_stats *out, struct casg_err *err);

/* The most edits that a member of this length may have, exactly. */
static inline uint64_t casg_cluster_edits(uint64_t nresidues, unsigned identity)
{
	return nresidues / 1000 * (1000 - identity) + nresidues % 1000 * (1000 - identity) / 1000;
}

struct casg_cluster_pair {
	struct casg_oid member, representative; /* the same for a representative */
	uint64_t edits;
	int reverse;
};

uint64_t casg_cluster_count(const struct casg_cluster *c);
/* After a run: the i-th sequence, longest first. */
void casg_cluster_pair(struct casg_cluster *c, uint64_t i, struct casg_cluster_pair *out);

#endif
