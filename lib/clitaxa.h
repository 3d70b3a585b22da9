/*
 * clitaxa - the index of taxa of a version, for programs.
 *
 * Only programs may use this; it dies with the message on failure.
 */
#ifndef CASG_CLITAXA_H
#define CASG_CLITAXA_H

#include "clitaxon.h"
#include "cliwork.h"
#include "taxindex.h"

struct casg_progress;

struct casg_cli_taxa {
	struct casg_taxindex_opts o;
	struct casg_taxindex *x;       /* once open */
	int progress;                  /* while it is made, as casg_progress_start has it */
	/* private */
	struct casg_progress *shown;
	struct casg_cli_taxa_asker *askers;
	struct casg_coder *map_coder;
	char name[32];
	struct casg_oid ids[2];
};

/*
 * What the index of the version with these roots is made with and from: by
 * default the taxa that headers declare.  't' must stay where it is.
 */
void casg_cli_taxa_init(struct casg_cli_taxa *t, struct casg_work *w,
			const struct casg_roots *roots, int progress);
/* Open the index; it is made if it has to be. */
void casg_cli_taxa_open(struct casg_cli_taxa *t);
/*
 * Between init and release: the taxa of records are from the sources of 'tax', which
 * was begun (casg_cli_taxon_begin) and must stay; NULL: those of headers, as before.
 * That is for who asks all records.  The second opens the index as well, and loads
 * no mapping unless it has to make one; where each header declares a taxon, it takes
 * the index of these, if 'tax' asks headers first.
 */
void casg_cli_taxa_from(struct casg_cli_taxa *t, struct casg_work *w,
			struct casg_cli_taxon *tax);
void casg_cli_taxa_open_from(struct casg_cli_taxa *t, struct casg_work *w,
			     struct casg_cli_taxon *tax);
/*
 * Is there a file of the index that casg_cli_taxa_open_from makes if headers do not
 * serve?  Of 'tax', version and from are read only.  Nothing is opened; 0 as well
 * when it is that of headers alone.
 */
int casg_cli_taxa_is_kept(struct casg_cli_taxa *t, const struct casg_cli_taxon *tax);
/* What the source is to be called with by the owner of the pool. */
void *casg_cli_taxa_ctx(const struct casg_cli_taxa *t);
void casg_cli_taxa_release(struct casg_cli_taxa *t);

#endif
