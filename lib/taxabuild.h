/*
 * taxabuild - make the index of one version from taxon to record.
 *
 * One pass over the record tree, in parallel, whose findings are sorted in
 * bounded memory.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_TAXABUILD_H
#define CASG_TAXABUILD_H

#include "err.h"
#include "oid.h"
#include "taxindex.h"

/* Write the index to 'fd', from its start; it can be read as well. */
int casg_taxabuild(const struct casg_taxindex_opts *o, const struct casg_oid *key, int fd,
		  struct casg_err *err);

#endif
