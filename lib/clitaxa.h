/*
 * clitaxa - the index of taxa of a version, for programs.
 *
 * Only programs may use this; it dies with the message on failure.
 */
#ifndef CASG_CLITAXA_H
#define CASG_CLITAXA_H

#include "cliwork.h"
#include "taxindex.h"

struct casg_progress;

struct casg_cli_taxa {
	struct casg_taxindex_opts o;
	struct casg_taxindex *x;       /* once open */
	int progress;                  /* while it is made, as casg_progress_start has it */
	struct casg_progress *shown;   /* private */
};

/*
 * What the index of the version with these roots is made with and from: by
 * default the taxa that headers declare.  't' must stay where it is.
 */
void casg_cli_taxa_init(struct casg_cli_taxa *t, struct casg_work *w,
			const struct casg_roots *roots, int progress);
/* Open the index; it is made if it has to be. */
void casg_cli_taxa_open(struct casg_cli_taxa *t);
void casg_cli_taxa_release(struct casg_cli_taxa *t);

#endif
