/*
 * taxbuild - make the index of a taxonomy from its record tree.
 *
 * Memory: about 90 bytes a taxon, the text of all ids and names, and at most a
 * fifth of the bound for sorting names.  Linear but for sorting; cycles are found
 * by what cannot be reached from a root.
 *
 * Threads: one caller.
 */
#ifndef CASG_TAXBUILD_H
#define CASG_TAXBUILD_H

#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "store.h"

/*
 * Write the index of the tree with this root to 'fd', from its beginning.
 * CASG_ECORRUPT when the tree is no taxonomy: records that are no taxa, parents
 * that are not there, cycles.  CASG_ENOMEM over 'memory_nbytes' (0: no bound).
 * Scratch files go to 'tmp_dir'.
 */
int casg_taxbuild(struct casg_store *store, struct casg_coder *coder,
		  const struct casg_oid *root, const char *tmp_dir, uint64_t memory_nbytes,
		  int fd, struct casg_err *err);

#endif
