/*
 * prover_in - what the two halves of prover share: prover.c proves what a
 * version holds, prover_view.c what taxa its records have.
 */
#ifndef CASG_PROVER_IN_H
#define CASG_PROVER_IN_H

#include "prover.h"
#include "treer.h"

/* The record tree; NULL, also when it has not as many records as VERSION says. */
struct casg_treer *casg_prover_tree(const struct casg_prover *p, const struct casg_version *v,
				    struct casg_err *err);

int casg_prover_put_version(const struct casg_version *v, struct casg_oid *id_out,
			    struct casg_hasher *h, struct casg_buf *out, struct casg_err *err);

/*
 * The ranks of all records with the key, *nrecords_out of them, and of their
 * neighbours: *nbefore_out (0 or 1) before them.  *ranks_out is the caller's to
 * free.
 */
int casg_prover_key_ranks(struct casg_treer *t, const char *key, size_t klen,
			  uint64_t **ranks_out, size_t *n_out, size_t *nbefore_out,
			  uint64_t *nrecords_out, struct casg_err *err);

/*
 * End the proof that begins at 'start' and read it back: what does not verify
 * for 'id' is never returned.  1, or negative.
 */
int casg_prover_finish(const struct casg_prover *p, const struct casg_oid *id, size_t start,
		       struct casg_buf *out, struct casg_err *err);

#endif
