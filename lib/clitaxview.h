/*
 * clitaxview - the taxa of records as a taxonomy has them.
 *
 * Ids that were merged become what they went into; what is deleted or unknown
 * stays as it is, and is counted.  Only programs may use this; it dies with the
 * message on failure.
 */
#ifndef CASG_CLITAXVIEW_H
#define CASG_CLITAXVIEW_H

#include <stdint.h>

#include "buf.h"
#include "taxon.h"
#include "taxonomy.h"

struct casg_cli_taxview {
	struct casg_taxonomy *t;
	struct casg_buf ids;           /* of the record settled last, joined by "," */
	struct casg_buf lineages;      /* of each, names joined by ";", joined by "|" */
	uint32_t seen[CASG_TAXON_MAX];
	size_t nseen;
	uint64_t ndeleted, nunknown;   /* records with such a taxon */
};

/* The ids of 'declared', joined by ",", or "-", into x->ids and x->lineages. */
void casg_cli_taxview_settle(struct casg_cli_taxview *x, struct casg_buf *declared);
/* Warnings about records whose taxa are not there. */
void casg_cli_taxview_warn(const struct casg_cli_taxview *x);
void casg_cli_taxview_release(struct casg_cli_taxview *x);

#endif
