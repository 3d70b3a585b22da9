/*
 * clitaxon - what a program needs to say which taxa records have: a taxonomy,
 * its mapping, and the order of the sources.
 *
 * Only programs may use this; it dies with the message on failure.
 */
#ifndef CASG_CLITAXON_H
#define CASG_CLITAXON_H

#include "cliwork.h"
#include "taxonof.h"

struct casg_cli_taxon {
	struct casg_version version;  /* of the taxonomy */
	struct casg_taxonomy *taxonomy;
	struct casg_taxmap *map;      /* NULL: it has no mapping */
	struct casg_taxonof *of;
	uint64_t from;                /* as casg_parse_taxon_from has it */
};

/*
 * 'spec' as casg_cli_taxonomy has it; 'from' is the text of --taxon-from, or
 * NULL: what casg.taxonFrom says.  The mapping is loaded if a third of the memory holds it.
 */
void casg_cli_taxon_open(struct casg_cli_taxon *t, struct casg_work *w, const char *spec,
			 const char *from);
/* The same in two steps: the taxonomy, and the others, with a map loaded if it fits. */
void casg_cli_taxon_begin(struct casg_cli_taxon *t, struct casg_work *w, const char *spec,
			  const char *from);
void casg_cli_taxon_map(struct casg_cli_taxon *t, struct casg_work *w, struct casg_coder *c,
			uint64_t memory_nbytes);
void casg_cli_taxon_close(struct casg_cli_taxon *t);

/*
 * The taxon that an id stands for, a merged one for what it went into: a
 * status of casg_taxonomy_find.
 */
int casg_cli_taxon_find(const struct casg_cli_taxon *t, const char *id, uint32_t *taxon_out);

/* That of a taxon. */
struct casg_taxon_info casg_cli_taxon_info(const struct casg_cli_taxon *t, uint32_t taxon);

#endif
