/*
 * deltas - what sequences are stored by: the edit scripts of a chunk in terms
 * of sequences, not of literals.
 *
 * A chunk of layout MATCHED makes its members from literals (script.h); here
 * each literal is traced to the member that it is part of where it lies, so
 * that it can be said which sequence is stored by which, and how.  Sequences
 * that were cut appear as their pieces.
 *
 * Threads: one.
 */
#ifndef CASG_DELTAS_H
#define CASG_DELTAS_H

#include <stdint.h>

#include "chunk.h"
#include "err.h"
#include "oid.h"
#include "store.h"

/* n residues of a sequence, from 'at' on. */
struct casg_delta {
	const struct casg_oid *id;
	uint64_t at, n;
	int literal;         /* they are stored here: no reference */
	/* else they are those of 'reference' from 'from' on, but for a substitution */
	const struct casg_oid *reference;
	uint64_t from;       /* of the reverse strand: downwards from here */
	int reverse, substitution;
};

typedef int casg_delta_fn(void *ctx, const struct casg_delta *delta, struct casg_err *err);

struct casg_deltas;

struct casg_deltas *casg_deltas_new(struct casg_store *s, struct casg_coder *c);
void casg_deltas_free(struct casg_deltas *d);

/* Tell those of a chunk, member by member, in order; none for other layouts. */
int casg_deltas_each(struct casg_deltas *d, uint32_t pack, uint32_t chunk, casg_delta_fn *fn,
		     void *ctx, struct casg_err *err);

#endif
