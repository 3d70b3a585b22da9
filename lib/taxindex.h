/*
 * taxindex - the index of one version from taxon to record, as a file that can
 * be deleted.
 *
 * casg/index/taxa/<key>.tax, the key being a digest of all it was made from.
 * One that is missing, damaged or of something else is made again in one pass
 * over the tree, of whose nodes each is verified.  Where it cannot be written
 * it is a nameless scratch file, and made again the next time.
 *
 * What it names is a proposal: who reads a record looks again which taxa it
 * carries.  That no record is missing rests on the checksum of each block.
 *
 * Threads: one thread a handle; the pool is used within open and try.
 */
#ifndef CASG_TAXINDEX_H
#define CASG_TAXINDEX_H

#include <stdint.h>

#include "err.h"
#include "records.h"
#include "store.h"
#include "taxaidx.h"
#include "workers.h"

/*
 * Which taxa does a record carry?  Appends their ids, as declared, each with a
 * NUL behind it; nothing if it carries none.  Called by several workers at
 * once, each with a ctx of its own.
 */
typedef int casg_taxa_of_fn(void *ctx, const char *key, size_t klen, const char *desc,
			    size_t dlen, struct casg_buf *out, struct casg_err *err);

struct casg_taxa_source {
	casg_taxa_of_fn *fn;
	void *const *ctx;              /* one for each worker of the pool; or NULL */
	const char *name;              /* says which source it is: goes into the key */
	const struct casg_oid *ids;    /* what else its answers depend on: as well */
	size_t nids;
};

/* The taxa that the header declares (taxon.h), whatever ctx is. */
int casg_taxa_declared(void *ctx, const char *key, size_t klen, const char *desc,
		       size_t dlen, struct casg_buf *out, struct casg_err *err);

struct casg_taxindex_opts {
	struct casg_store *store;
	struct casg_workers *pool;
	struct casg_coder **coders;    /* one for each worker */
	const struct casg_roots *roots;
	struct casg_taxa_source source;
	const char *dir;               /* where indexes are kept: casg/index/taxa */
	const char *scratch_dir;       /* for what does not fit into memory, */
	                               /* and the index itself if need be */
	uint64_t memory_nbytes;        /* of a pass over the tree */
	/* Called with the records done while one is made, and when it is; or NULL. */
	void (*progress)(void *ctx, uint64_t nrecords, int done);
	void *progress_ctx;
};

struct casg_taxindex;

/* Is there a file of it?  Neither opens nor checks it; 1, 0 or negative. */
int casg_taxindex_is_kept(const struct casg_taxindex_opts *o, struct casg_err *err);

/* What 'o' points to must stay.  NULL with err filled. */
struct casg_taxindex *casg_taxindex_open(const struct casg_taxindex_opts *o,
					 struct casg_err *err);
void casg_taxindex_free(struct casg_taxindex *x);
/* The name of its file, without the folder. */
const char *casg_taxindex_name(const struct casg_taxindex *x);
/* Was it made by open or try? */
int casg_taxindex_is_new(const struct casg_taxindex *x);

/*
 * Call fn, which reads the index and nothing else.  When it comes upon damage
 * in a file that was there before, the index is made again, and fn is called
 * once more, from the start.
 */
typedef int casg_taxindex_fn(void *ctx, struct casg_taxaidx *x, struct casg_err *err);
int casg_taxindex_try(struct casg_taxindex *x, casg_taxindex_fn *fn, void *ctx,
		      struct casg_err *err);
/* Check all of it that way. */
int casg_taxindex_check(struct casg_taxindex *x, struct casg_err *err);

#endif
