/*
 * taxdiff - what became of each taxon from one version of a taxonomy to another.
 *
 * Every id that is a taxon in either version (merged and deleted ids are not)
 * is in exactly one class, the first of these that fits:
 *
 *   merged     a taxon of the first, merged into another in the second
 *   split      a taxon of the first whose leaves have two heirs or more in the
 *              second, one of which at least is new
 *   deleted    a taxon of the first only
 *   new        a taxon of the second only
 *   moved      of both, below another parent
 *   renamed    of both, with another scientific name
 *   rank       of both, with another rank
 *   unchanged  of both, and nothing of that, though other names may differ
 *
 * So, with the number of taxa for each class,
 *   taxa of the first and the second together = the sum of all classes
 *   taxa of the second = that sum - merged - deleted - those split that are gone
 *
 * Heirs: the leaves of a taxon are the taxa below it, in the first version,
 * that have none below them, as far as they are taxa of the second version.
 * The heirs of a taxon of some rank are the taxa of the same rank that these
 * leaves are below in the second version; a heir is new when it is no taxon of
 * the first.  Taxa that are leaves, or of rank "no rank" or "clade" or none,
 * have no heirs.
 *
 * What is read grows with the number of taxa that changed, those that are new
 * or of another lineage for that reason, and the size of those that may be
 * split; so does memory, by some bytes a taxon.
 *
 * Threads: one thread a comparison.
 */
#ifndef CASG_TAXDIFF_H
#define CASG_TAXDIFF_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "store.h"
#include "taxonomy.h"
#include "version.h"

/* Beside those of enum casg_taxchange. */
#define CASG_TAXCHANGE_UNCHANGED CASG_NTAXCHANGES

/* All that holds, whatever the class. */
#define CASG_TAXDELTA_MOVED   1u
#define CASG_TAXDELTA_RENAMED 2u
#define CASG_TAXDELTA_RANK    4u
#define CASG_TAXDELTA_SPLIT   8u
#define CASG_TAXDELTA_DETAILS 16u  /* other names, or other columns */
#define CASG_TAXDELTA_REUSED  32u  /* new, but its id had been merged or deleted */

struct casg_taxdelta {
	int kind;              /* an enum casg_taxchange, or unchanged */
	unsigned int flags;
	uint32_t a, b;         /* in either version, or CASG_TAXON_NONE */
	uint32_t into;         /* merged: into what, a taxon of the second, or none */
};

/* One version; both must stay as long as the comparison. */
struct casg_taxside {
	const struct casg_taxonomy *t;
	struct casg_oid root;  /* of its record tree */
};

struct casg_taxdiff;

/* Does all the work.  NULL with err filled. */
struct casg_taxdiff *casg_taxdiff_open(struct casg_store *s, struct casg_coder *c,
				       const struct casg_taxside *a,
				       const struct casg_taxside *b, struct casg_err *err);
void casg_taxdiff_free(struct casg_taxdiff *d);

/* Taxa of a class, and taxa of which a flag holds. */
uint64_t casg_taxdiff_count(const struct casg_taxdiff *d, int kind);
uint64_t casg_taxdiff_flagged(const struct casg_taxdiff *d, unsigned int flag);

/*
 * Those that are not unchanged, or that differ in details: number i of n,
 * ascending by the key form of their ids.
 */
size_t casg_taxdiff_n(const struct casg_taxdiff *d);
const struct casg_taxdelta *casg_taxdiff_get(const struct casg_taxdiff *d, size_t i);

struct casg_heir {
	uint32_t taxon;        /* of the second version; CASG_TAXON_NONE: below none of */
	uint64_t nleaves;      /* that rank */
};

struct casg_heirs {
	struct casg_heir *v;   /* most leaves first, then by number */
	size_t n, cap;
	uint64_t nleaves;      /* of all of them */
	uint64_t ngone;        /* leaves that are no taxa of the second version */
};

/* The heirs of a taxon of the first version; *out is reused, free(v) releases it. */
int casg_taxdiff_heirs(const struct casg_taxdiff *d, uint32_t a, struct casg_heirs *out,
		       struct casg_err *err);

/* Nodes read of both trees. */
uint64_t casg_taxdiff_nodes_read(const struct casg_taxdiff *d);

#endif
