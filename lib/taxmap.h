/*
 * taxmap - the mapping of a taxonomy: from accession to taxa.
 *
 * A record tree of its own (taxrec.h), whose keys are accessions.  One that
 * fits the memory it is given is loaded into a hash table, for those who scan;
 * a larger one, or with no memory at all, is looked up in the tree, which
 * reads a few nodes each time.
 *
 * Threads: a loaded map may be asked by many; one that is not (casg_taxmap_is_loaded)
 * by one at a time.
 */
#ifndef CASG_TAXMAP_H
#define CASG_TAXMAP_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "store.h"
#include "taxrec.h"

struct casg_taxmap;

/* 'root' is that of the record tree; what the others are must stay. */
int casg_taxmap_open(struct casg_taxmap **out, struct casg_store *s, struct casg_coder *c,
		     const struct casg_oid *root, uint64_t memory_nbytes,
		     struct casg_err *err);
void casg_taxmap_close(struct casg_taxmap *m);
int casg_taxmap_is_loaded(const struct casg_taxmap *m);

/*
 * The taxa of exactly this accession: 1, with *ids_out to be read by
 * casg_taxmap_next (valid until the next call), 0 if it is not there.
 */
int casg_taxmap_get(struct casg_taxmap *m, const char *accession, size_t n,
		    struct casg_taxstr *ids_out, struct casg_err *err);

/*
 * Those of an id of a record: of the first of its forms (accession.h) that is
 * there.
 */
int casg_taxmap_find(struct casg_taxmap *m, const char *id, size_t n,
		     struct casg_taxstr *ids_out, struct casg_err *err);

#endif
