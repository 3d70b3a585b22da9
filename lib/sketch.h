/*
 * sketch - a number by which like sequences come together.
 *
 * The sketch of a sequence is the least 64-bit hash of any of its k-mers
 * (Broder's min-wise hashing, with one function).  Two sequences have the
 * same sketch with a probability near the share of k-mers they have in
 * common, so sorting by sketch brings relatives next to each other for the
 * compressor.  Nothing but grouping rests on it: it may change without
 * changing ids.
 *
 * Both functions are pure and reentrant, and give the same number on every
 * CPU.
 */
#ifndef CASG_SKETCH_H
#define CASG_SKETCH_H

#include <stddef.h>
#include <stdint.h>

#define CASG_SKETCH_K_PROTEIN 8
#define CASG_SKETCH_K_DNA 24
#define CASG_SKETCH_K_MAX 32

/*
 * k is 1 .. CASG_SKETCH_K_MAX; 8 and 24 are the fast ones.  A sequence
 * shorter than k gives the hash of the whole.
 */
uint64_t casg_sketch(const uint8_t *p, size_t nresidues, int k);

#endif
