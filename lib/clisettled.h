/*
 * clisettled - the taxa of a record, as a taxonomy has them.
 *
 * They come from the sources that taxonof.h asks.  An id that was merged becomes the one that it went into, none twice.  One
 * that was deleted or is not known stays as it is, has no lineage, and is
 * counted.  Only programs may use this; it dies with the message on failure.
 */
#ifndef CASG_CLISETTLED_H
#define CASG_CLISETTLED_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "taxon.h"
#include "taxonof.h"

/* Zero but for the first two, which are borrowed. */
struct casg_cli_settled {
	const struct casg_taxonomy *t;
	struct casg_taxonof *of;
	struct casg_buf given;         /* ids as the sources have them */
	struct casg_buf ids;           /* joined by ',' */
	struct casg_buf lineages;      /* of each, names joined by ';', joined by '|' */
	uint32_t *seen;                /* of the record under way */
	size_t nseen, cap_seen;
	uint64_t ndeleted, nunknown;   /* records with such a taxon */
};

/* Fill ids and lineages with those of a record; "-" for one that has none. */
void casg_cli_settle(struct casg_cli_settled *x, const char *key, size_t klen,
		     const char *desc, size_t dlen);
/* Say how many records had taxa that are not there. */
void casg_cli_settled_warn(const struct casg_cli_settled *x);
void casg_cli_settled_release(struct casg_cli_settled *x);

#endif
