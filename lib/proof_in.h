/*
 * proof_in - the words of proofs that both halves know: proof_put.c writes
 * them, proof.c reads them.
 */
#ifndef CASG_PROOF_IN_H
#define CASG_PROOF_IN_H

#include "proof.h"

#define CASG_PROOF_MAGIC "casg-proof"
#define CASG_PROOF_MAPPING "mapping\n"       /* a whole line */
#define CASG_PROOF_DESCRIPTION "description" /* the line goes on with white space */

enum { CASG_PROOF_NCLAIMS = CASG_CLAIM_VIEW + 1 };

/* By enum casg_claim. */
extern const char *const casg_proof_claim_names[CASG_PROOF_NCLAIMS];

#endif
