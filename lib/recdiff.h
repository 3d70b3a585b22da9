/*
 * recdiff - what became of each record from one version to another.
 *
 * Every record of either version is in exactly one class:
 *
 *   unchanged     the same key, sequence, description and presentation
 *   added         only in the second version
 *   withdrawn     only in the first
 *   sequence      the same key, another sequence, whatever else changed
 *   taxon         the same key and sequence, another declared taxon
 *   description   the same key, sequence and taxon, another description
 *   id            withdrawn under one key, added with the same sequence under
 *                 another (recpair.h says which of several)
 *   presentation  the same key, sequence and description; only its layout in
 *                 the file changed: neither says its presentation what it said
 *                 before, nor, under another line width of the file, does it
 *                 come to the same
 *
 * Where a key occurs several times, records of both versions that are equal
 * belong together, then those with one sequence, then those that are left, in
 * the order of the tree.
 *
 * So with one count for a pair,
 *   records of the first  = unchanged + withdrawn + pairs
 *   records of the second = unchanged + added + pairs
 *
 * The cost grows with what changed, but for presentations: if either version
 * lists any record that does not look like its file, preslist reads its order
 * object.  Memory is bounded; what exceeds it is sorted on disk.
 *
 * Threads: one thread a comparison, which owns the pool.
 */
#ifndef CASG_RECDIFF_H
#define CASG_RECDIFF_H

#include <stdint.h>

#include "err.h"
#include "layout.h"
#include "recside.h"
#include "records.h"
#include "store.h"
#include "workers.h"

enum casg_change_class {
	CASG_UNCHANGED,
	CASG_ADDED,
	CASG_WITHDRAWN,
	CASG_SEQUENCE,
	CASG_TAXON,
	CASG_DESCRIPTION,
	CASG_ID,
	CASG_PRESENTATION,
	CASG_NCLASSES
};

/* "added", ...; and the letter that stands for it, '=' for unchanged. */
const char *casg_change_name(enum casg_change_class c);
char casg_change_letter(enum casg_change_class c);

struct casg_change {
	enum casg_change_class kind;   /* never CASG_UNCHANGED */
	const struct casg_recside *a;  /* NULL: added */
	const struct casg_recside *b;  /* NULL: withdrawn */
};

/* Pairs, or records where there is no pair; and their residues. */
struct casg_change_count {
	uint64_t n;
	uint64_t nresidues_a, nresidues_b;
};

struct casg_recdiff_opts {
	struct casg_store *store;
	struct casg_workers *pool;
	struct casg_coder **coders;    /* one for each worker */
	const char *tmp_dir;
	uint64_t memory_nbytes;
};

struct casg_recdiff;

/*
 * Compare; roots NULL: no version, no records.  Does all the work: counts are
 * known and nothing needs to be read from packs afterwards.
 */
struct casg_recdiff *casg_recdiff_open(const struct casg_recdiff_opts *opts,
				       const struct casg_roots *a,
				       const struct casg_roots *b, struct casg_err *err);
void casg_recdiff_free(struct casg_recdiff *d);

const struct casg_change_count *casg_recdiff_count(const struct casg_recdiff *d,
						   enum casg_change_class c);
/* Facts of the first (0) or second (1) file; the defaults for no version. */
const struct casg_facts *casg_recdiff_facts(const struct casg_recdiff *d, int side);
/* Nodes read of both trees. */
uint64_t casg_recdiff_nodes_read(const struct casg_recdiff *d);

/*
 * 1 and the next change, by key (of the second record where there are two), 0
 * at the end.  Valid until the next call.
 */
int casg_recdiff_next(struct casg_recdiff *d, struct casg_change *out,
		      struct casg_err *err);

#endif
