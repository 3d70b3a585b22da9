/*
 * proofcheck - is what a proof says true, given the id of a version?
 *
 * Recomputes the version id, every node id from the root down, and what the
 * claim adds: which entries are neighbours, that the sequence ids of a chunk
 * give its id, that the version records of a history are all those that the
 * first one follows from.
 *
 * Relied upon and not checked: that the tree as a whole is sorted and cut
 * where the format says (casg verify does that once for all), and SHA-256.
 *
 * Pure; threads: as the hasher.
 */
#ifndef CASG_PROOFCHECK_H
#define CASG_PROOFCHECK_H

#include "err.h"
#include "oid.h"
#include "proof.h"

/*
 * 1: it holds for the version 'id', and the fields of p->versions that say
 * what was proved are filled.  0: it does not, and err->msg says why (with
 * err->code 0).  CASG_ENOMEM.
 */
int casg_proof_check(struct casg_proof *p, const struct casg_oid *id,
		     struct casg_hasher *h, struct casg_err *err);

#endif
