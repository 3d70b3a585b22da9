/*
 * prover - makes the proofs of proof.h from a store.
 *
 * Each proof is decoded and checked before it is returned, so that a damaged
 * store gives an error and never a proof that does not verify.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_PROVER_H
#define CASG_PROVER_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"
#include "proof.h"
#include "prooftree.h"
#include "version.h"

/*
 * All functions append the text to 'out' and return 1; CASG_ECORRUPT when the
 * store holds what no proof can say.
 */

/* All records with exactly this key, or that there is none; *nrecords_out: how many. */
int casg_prove_key(const struct casg_prover *p, const struct casg_version *v,
		   const char *key, size_t klen, struct casg_buf *out,
		   uint64_t *nrecords_out, struct casg_err *err);

/*
 * That the records of these ranks are in the version.  The ranks are sorted
 * here, and may come more than once; there is at least one.
 */
int casg_prove_records(const struct casg_prover *p, const struct casg_version *v,
		       uint64_t *ranks, size_t nranks, struct casg_buf *out,
		       struct casg_err *err);

/* That the record of this rank has the sequence 'id'. */
int casg_prove_sequence(const struct casg_prover *p, const struct casg_version *v,
			const struct casg_oid *id, uint64_t rank, struct casg_buf *out,
			struct casg_err *err);

/*
 * That the chunk is one of sequences of the version.  0, with err->msg the
 * reason, when it is not: it is in no pack, holds something else, or a
 * sequence that the version does not have.
 */
int casg_prove_chunk(const struct casg_prover *p, const struct casg_version *v,
		     const struct casg_oid *id, struct casg_buf *out,
		     struct casg_err *err);

/*
 * The records with this key in each version from 'since' on, of all that 'v'
 * follows, itself included.  The callback gives the VERSION text with an id:
 * 0, or CASG_EABSENT.  0, with err->msg, when no version is that new.
 */
typedef int casg_version_text_fn(void *ctx, const struct casg_oid *id,
				 const char **text_out, size_t *n_out,
				 struct casg_err *err);
int casg_prove_history(const struct casg_prover *p, const struct casg_version *v,
		       int64_t since, const char *key, size_t klen,
		       casg_version_text_fn *text, void *ctx, struct casg_buf *out,
		       struct casg_err *err);

/* ---- views --------------------------------------------------------------- */

struct casg_prove_view {
	const struct casg_version *sequence, *taxonomy;
	uint64_t from;             /* sources of taxa, as casg_parse_taxon_from has them */
};

/*
 * All records with exactly this key, and their taxa and lineages under the
 * taxonomy; *nrecords_out of them: without any nothing is appended.  Likewise
 * of the records of these ranks, as casg_prove_records has it.  CASG_EABSENT
 * when the taxa of one rest on a name (classify.h).  *nbare_out: how many of
 * the records have no taxon at all.
 */
int casg_prove_view_key(const struct casg_prover *p, const struct casg_prove_view *view,
			const char *key, size_t klen, struct casg_buf *out,
			uint64_t *nrecords_out, uint64_t *nbare_out, struct casg_err *err);
int casg_prove_view_records(const struct casg_prover *p, const struct casg_prove_view *view,
			    uint64_t *ranks, size_t nranks, struct casg_buf *out,
			    uint64_t *nbare_out, struct casg_err *err);

#endif
