/*
 * editdist - how many edits lead from a sequence to its place in a longer one.
 *
 * The distance of a sequence from a text is the least number of residues that
 * have to be substituted, inserted or deleted to turn all of the sequence into
 * some stretch of the text; what stands before and behind that stretch costs
 * nothing.  Residues are equal when their bytes are.
 *
 * Computed 64 rows of the matrix at a time (Myers, JACM 46, 1999; Hyyro 2003),
 * within the diagonals that a distance of at most 'most' can reach (Ukkonen
 * 1985), first for small distances.  The answer is exact: it depends neither on
 * the order of the work nor on the CPU.
 *
 * Threads: one thread a handle.
 */
#ifndef CASG_EDITDIST_H
#define CASG_EDITDIST_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct casg_editdist;

struct casg_editdist *casg_editdist_new(void); /* NULL: out of memory */
void casg_editdist_free(struct casg_editdist *e);

/*
 * 1 and the distance of seq[0..m) from text[0..n) if it is at most 'most', 0 if
 * it is more, CASG_ENOMEM.  m is at most n, or CASG_EBUG.
 */
int casg_editdist(struct casg_editdist *e, const uint8_t *seq, size_t m,
		  const uint8_t *text, size_t n, uint64_t most, uint64_t *distance_out,
		  struct casg_err *err);

/* The most that such a question can cost, in steps of 64 rows. */
uint64_t casg_editdist_cost(size_t m, size_t n, uint64_t most);

#endif
