/*
 * sketch - numbers by which like sequences come together.
 *
 * The sketch of a sequence is the least 64-bit hash of any of its k-mers
 * (Broder's min-wise hashing, with one function).  Two sequences have the
 * same sketch with a probability near the share of k-mers they have in
 * common, so sorting by sketch brings relatives next to each other for the
 * compressor.  Nothing but grouping rests on it: it may change without
 * changing ids.
 *
 * The others are the least hashes from a quarter, a half and three quarters of
 * all numbers on, beginning anew behind the last: other k-mers as a rule, for
 * hardly more work (one permutation hashing, with rotation where there are few
 * k-mers: Li, Owen and Zhang, NIPS 2012; Shrivastava and Li, ICML 2014).
 *
 * Pure and reentrant, and the same numbers on every CPU.
 */
#ifndef CASG_SKETCH_H
#define CASG_SKETCH_H

#include <stddef.h>
#include <stdint.h>

#define CASG_SKETCHES 4
#define CASG_SKETCH_K_PROTEIN 8
#define CASG_SKETCH_K_DNA 24
#define CASG_SKETCH_K_MAX 32

/*
 * k is 1 .. CASG_SKETCH_K_MAX; 8 and 24 are the fast ones.  A sequence
 * shorter than k counts as one k-mer.  out[0] is the sketch.
 */
void casg_sketches(const uint8_t *p, size_t nresidues, int k, uint64_t out[CASG_SKETCHES]);

#endif
