/*
 * taxonomy - one version of a taxonomy, for look-ups.
 *
 * A taxonomy is a record tree whose records are taxa (taxrec.h).  The tree
 * proves; for look-ups there is a derived index beside it, a file in
 * casg/index/taxonomy/ named by the root of the tree, which is written when
 * it is first needed, may be deleted, and is read through mmap in checked
 * blocks (taxidx.h): nothing is loaded.  One that turns out to be damaged is an
 * error once, and deleted, so that it is made again.
 *
 * Taxa are numbered in preorder, children in ascending order of the bytes of
 * their ids, roots likewise.  So a taxon and all its descendants are the
 * numbers [taxon, end): casg_taxonomy_end.  Numbers are those of one version
 * and mean nothing in another; ids are what versions have in common.
 *
 * Ids are text, as users know them ("562", "s__Escherichia coli"), not in the
 * form that record keys have.
 *
 * Threads: after open, any number of threads may read.  Strings that are given
 * back live as long as the handle and end in no NUL.
 */
#ifndef CASG_TAXONOMY_H
#define CASG_TAXONOMY_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"
#include "store.h"
#include "taxrec.h"
#include "version.h"

struct casg_taxonomy;

#define CASG_TAXON_NONE UINT32_MAX

struct casg_taxonomy_opts {
	const char *index_dir;     /* where indexes are (repo's index_dir), or NULL */
	const char *scratch_dir;   /* for one that cannot be kept, as $TMPDIR */
	uint64_t memory_nbytes;    /* to build an index with, at most; 0: no bound */
};

/*
 * 'v' is the version (of kind taxonomy); 'store' and 'coder' are used only to
 * build the index.  An index that cannot be written (a repository to be read
 * only) is built in a scratch file.  CASG_ECORRUPT when the tree is no
 * taxonomy; CASG_EABSENT when there is no index and 'store' is NULL, for those
 * who open a store only when they must.
 */
int casg_taxonomy_open(struct casg_taxonomy **out, struct casg_store *store,
		       struct casg_coder *coder, const struct casg_version *v,
		       const struct casg_taxonomy_opts *opts, struct casg_err *err);
void casg_taxonomy_close(struct casg_taxonomy *t);

/* Taxa, without merged and deleted ids; these. */
uint32_t casg_taxonomy_count(const struct casg_taxonomy *t);
uint64_t casg_taxonomy_nmerged(const struct casg_taxonomy *t);
uint64_t casg_taxonomy_ndeleted(const struct casg_taxonomy *t);

/* ---- from id or name to taxon ------------------------------------------- */

/* A status (taxrec.h), or negative; *taxon_out is CASG_TAXON_NONE when there is none. */
int casg_taxonomy_find(const struct casg_taxonomy *t, const char *id, size_t n,
		       uint32_t *taxon_out, struct casg_err *err);

/*
 * The taxa that have this name, of any class, exactly or but for the case of
 * ASCII letters: calls fn for each (a taxon may come twice); non-zero ends the
 * search and is returned.  0 when all were told.
 */
typedef int casg_taxon_fn(void *ctx, uint32_t taxon, struct casg_err *err);
int casg_taxonomy_named(const struct casg_taxonomy *t, const char *name, size_t n,
			casg_taxon_fn *fn, void *ctx, struct casg_err *err);

/*
 * What a user may type: an id, or a name.  A scientific name goes before other
 * names.  0, CASG_EABSENT when there is no such taxon (or it was deleted, which
 * the message says), CASG_ECORRUPT when several have the name: the message
 * lists ids.
 */
int casg_taxonomy_resolve(const struct casg_taxonomy *t, const char *text,
			  uint32_t *taxon_out, struct casg_err *err);

/* ---- of a taxon --------------------------------------------------------- */

/* All of these: 0, or CASG_ECORRUPT when the index is damaged there. */
struct casg_taxon_info {
	uint32_t parent;           /* a root's is itself */
	uint32_t end;              /* one past its last descendant */
	struct casg_taxstr id, rank, name;
};
int casg_taxonomy_info(const struct casg_taxonomy *t, uint32_t taxon,
		       struct casg_taxon_info *out, struct casg_err *err);

/*
 * The taxon of that rank in the lineage, itself included: *out, or
 * CASG_TAXON_NONE when the lineage has none.
 */
int casg_taxonomy_at_rank(const struct casg_taxonomy *t, uint32_t taxon,
			  const char *rank, uint32_t *out, struct casg_err *err);

/*
 * The lineage from the root to the taxon, itself included: *n_out numbers in
 * lineage_out, which has room for CASG_LINEAGE_MAX.
 */
int casg_taxonomy_lineage(const struct casg_taxonomy *t, uint32_t taxon,
			  uint32_t lineage_out[CASG_LINEAGE_MAX], size_t *n_out,
			  struct casg_err *err);

/* Names of the lineage from the root's child down, joined by 'sep'; appended. */
int casg_taxonomy_lineage_text(const struct casg_taxonomy *t, uint32_t taxon,
			       const char *sep, struct casg_buf *out,
			       struct casg_err *err);

/*
 * Ids that were merged or deleted, ascending by id: number i of nmerged +
 * ndeleted; *into_out is CASG_TAXON_NONE for a deleted one.
 */
int casg_taxonomy_gone(const struct casg_taxonomy *t, uint64_t i, struct casg_taxstr *id_out,
		       uint32_t *into_out, struct casg_err *err);

#endif
