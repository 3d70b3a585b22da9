/*
 * cut - content-defined cutting of long sequences into pieces.
 *
 * A cut is placed by the last 64 bytes before it alone (gear hash: h = 2h +
 * G[byte]; Xia et al., FastCDC, USENIX ATC 2016), so that an insertion moves
 * the cuts near it and no others.  The first min bytes of a piece are
 * skipped.  Cuts are layout: the function may change without changing ids;
 * what it costs is that pieces cut before and after the change do not meet.
 *
 * Pure and reentrant, the same on every CPU.
 */
#ifndef CASG_CUT_H
#define CASG_CUT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Length of the first piece of p[0..nbytes): n if nbytes <= min, else at
 * least min and at most max, on average near min + 2^target_bits where the
 * content is not repetitive.  The answer is final only if nbytes >= max or p
 * runs to the end of the sequence.  min >= 1, min <= max, target_bits
 * 1 .. 48.
 */
size_t casg_cut(const uint8_t *p, size_t nbytes, size_t min,
		unsigned target_bits, size_t max);

#endif
