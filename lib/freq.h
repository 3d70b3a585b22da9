/*
 * freq - about how often something was asked for, lately.
 *
 * A count-min sketch (Cormode and Muthukrishnan 2005): four rows of small
 * counters, the least of four is the estimate.  Each CASG_FREQ_AGE questions
 * for every counter of a row, all counters are halved, so that what was asked
 * for long ago fades.  A cache asks it whether what comes is worth more than
 * what would have to go (Einziger, Friedman and Manes, TinyLFU, 2017).
 *
 * The memory is the caller's and may be shared between processes: counters that
 * race lose a count, never more.  Threads: the same.
 */
#ifndef CASG_FREQ_H
#define CASG_FREQ_H

#include <stddef.h>
#include <stdint.h>

#define CASG_FREQ_ROWS 4
#define CASG_FREQ_AGE 10
#define CASG_FREQ_MOST 15 /* a counter says no more */

struct casg_freq {
	uint8_t *counters;  /* CASG_FREQ_ROWS times width */
	uint64_t *asked;    /* since they were halved; behind no row */
	uint32_t width;     /* a power of two */
};

/* What memory a sketch of so many counters a row takes, and over it; zeroed is empty. */
size_t casg_freq_nbytes(uint32_t width);
void casg_freq_over(struct casg_freq *f, void *memory, uint32_t width);

/* It was asked for. */
void casg_freq_add(struct casg_freq *f, uint64_t hash);
unsigned casg_freq_of(const struct casg_freq *f, uint64_t hash);

#endif
