/*
 * taxonof - the taxa of a record.
 *
 * Three sources, asked in an order that the user may choose (casg.taxonFrom);
 * the first that gives any taxon counts:
 *
 *	header     what the header declares (taxon.h)
 *	mapping    the mapping of the taxonomy (taxmap.h) for each id of the
 *	           record (accession.h)
 *	organism   [NAME] at the end of each definition line, where exactly one
 *	           taxon has that scientific name, or else exactly one has it
 *	           as any name
 *
 * Ids are given as they are declared, in the form that users know, each once:
 * whether they stand for a taxon, were merged or deleted is for the taxonomy
 * to say.
 *
 * Threads: one a handle; handles may share a taxonomy, and a map that is
 * loaded.
 */
#ifndef CASG_TAXONOF_H
#define CASG_TAXONOF_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "settings.h"
#include "taxmap.h"
#include "taxonomy.h"

struct casg_taxonof;

/*
 * 'from' as casg_parse_taxon_from has it.  Either of the others may be NULL:
 * that source then gives nothing.  NULL when out of memory.
 */
struct casg_taxonof *casg_taxonof_new(uint64_t from, const struct casg_taxonomy *taxonomy,
				      struct casg_taxmap *map, struct casg_err *err);
void casg_taxonof_free(struct casg_taxonof *t);

/*
 * Append the ids, each with a NUL behind it.  The source that gave them, 0 if
 * there are none, or negative.
 */
int casg_taxonof_record(struct casg_taxonof *t, const char *key, size_t klen,
			const char *desc, size_t dlen, struct casg_buf *out,
			struct casg_err *err);

/* The same from one source, whatever the order: the number of ids, or negative. */
int casg_taxonof_source(struct casg_taxonof *t, enum casg_taxon_source source,
			const char *key, size_t klen, const char *desc, size_t dlen,
			struct casg_buf *out, struct casg_err *err);

/* casg_taxonof_record for callbacks that take any context: 0 or negative. */
int casg_taxonof_taxa(void *taxonof, const char *key, size_t klen, const char *desc,
		      size_t dlen, struct casg_buf *out, struct casg_err *err);

/* The one taxon that a name stands for; CASG_TAXON_NONE for none or several. */
int casg_taxonof_name(const struct casg_taxonomy *taxonomy, const char *name, size_t n,
		      uint32_t *taxon_out, struct casg_err *err);

#endif
