/*
 * clisettled - the taxa that a record declares, as a taxonomy has them.
 *
 * An id that was merged becomes the one that it went into, none twice.  One
 * that was deleted or is not known stays as it is, has no lineage, and is
 * counted.  Only programs may use this; it dies with the message on failure.
 */
#ifndef CASG_CLISETTLED_H
#define CASG_CLISETTLED_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "taxon.h"
#include "taxonomy.h"

/* Zero but for the taxonomy, which is borrowed. */
struct casg_cli_settled {
	const struct casg_taxonomy *t;
	struct casg_buf ids;           /* joined by ',' */
	struct casg_buf lineages;      /* of each, names joined by ';', joined by '|' */
	uint32_t seen[CASG_TAXON_MAX]; /* of the record under way */
	size_t nseen;
	uint64_t ndeleted, nunknown;   /* records with such a taxon */
};

/* 'declared' is what casg_taxon_declared gives. */
void casg_cli_settle(struct casg_cli_settled *x, struct casg_buf *declared);
/* Say how many records had taxa that are not there. */
void casg_cli_settled_warn(const struct casg_cli_settled *x);
void casg_cli_settled_release(struct casg_cli_settled *x);

#endif
