/*
 * lookup - records of a tree by key, by accession or by sequence.
 *
 * A key is matched whole.  A bare accession is the second part of a key such
 * as "sp|P12345|NAME", whose first part is one of the tags of the header lines
 * of NCBI and UniProt; what stands behind it does not matter.
 *
 * Threads: as the tree reader, one thread.
 */
#ifndef CASG_LOOKUP_H
#define CASG_LOOKUP_H

#include "err.h"
#include "treer.h"

/*
 * Called for each record found, in key order; casg_treer_rank is its rank.
 * The entry is valid during the call.  Non-zero ends the search and is
 * returned.
 */
typedef int casg_lookup_fn(void *ctx, const struct casg_entry *e,
			   const struct casg_loc *loc, struct casg_err *err);

/* All records with exactly this key: 1 found, 0 none, negative. */
int casg_lookup_key(struct casg_treer *t, const char *key, size_t n,
		    casg_lookup_fn *fn, void *ctx, struct casg_err *err);

/* All records with this accession: 1 found, 0 none, negative. */
int casg_lookup_accession(struct casg_treer *t, const char *acc, size_t n,
			  casg_lookup_fn *fn, void *ctx, struct casg_err *err);

/*
 * All records with one of these sequences, 'which' being its number in ids: one
 * pass over the tree, which is not sorted by sequence.
 */
typedef int casg_lookup_seq_fn(void *ctx, size_t which, const struct casg_entry *e,
			       const struct casg_loc *loc, struct casg_err *err);
int casg_lookup_sequences(struct casg_store *s, struct casg_coder *c, struct casg_treer *t,
			  const struct casg_oid *ids, size_t nids,
			  casg_lookup_seq_fn *fn, void *ctx, struct casg_err *err);

#endif
