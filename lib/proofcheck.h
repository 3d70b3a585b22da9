/*
 * proofcheck - is what a proof says true, given the id of a version?
 *
 * Recomputes the version id, every node id from the root down, and what the
 * claim adds: which entries are neighbours, that the sequence ids of a chunk
 * give its id, that the version records of a history are all those that the
 * first one follows from.
 *
 * Of a view, each record is classified (classify.h) by what the proof has of
 * the taxonomy and its mapping: a record that is asked for is spelled out, or
 * the two are between which it would stand, and no other is.
 *
 * Relied upon and not checked: that the tree as a whole is sorted and cut
 * where the format says (casg verify does that once for all), and SHA-256.
 *
 * Pure; threads: as the hasher.
 */
#ifndef CASG_PROOFCHECK_H
#define CASG_PROOFCHECK_H

#include "classify.h"
#include "err.h"
#include "oid.h"
#include "proof.h"

/*
 * 1: it holds for the version 'id' (for a claim about a view, the view of this
 * id: view.h), and the fields of p->versions that say
 * what was proved are filled.  0: it does not, and err->msg says why (with
 * err->code 0).  CASG_ENOMEM.
 */
int casg_proof_check(struct casg_proof *p, const struct casg_oid *id,
		     struct casg_hasher *h, struct casg_err *err);

/*
 * What a view that holds says of the record p->entries[entry], one of those
 * that versions[0] was shown to have.  0, or CASG_ENOMEM.
 */
int casg_proof_classify(const struct casg_proof *p, size_t entry,
			struct casg_classified *out, struct casg_err *err);

#endif
