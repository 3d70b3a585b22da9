/*
 * extsort - sort any number of byte strings in bounded memory.
 *
 * Items are collected in memory; when the bound is reached they are sorted
 * and written out as a run, and at the end the runs are merged.  Order is
 * memcmp's, a prefix before what it begins; equal items all come back.  So
 * the output is a function of the input's items alone, whatever the memory
 * bound, the thread count or the order of adding.
 *
 * Scratch files are nameless from the start: a killed process leaves nothing.
 *
 * A failure is final: what remains is casg_extsort_free.
 *
 * Threads: one sorter belongs to one thread, which must own the pool if there
 * is one; the pool is used within add and finish only.
 */
#ifndef CASG_EXTSORT_H
#define CASG_EXTSORT_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "workers.h"

struct casg_extsort;

/* Least memory a sorter works with; smaller bounds are raised to it. */
#define CASG_EXTSORT_MEMORY_MIN ((size_t)1 << 20)

/* Longest item, and so the most by which memory_nbytes may be exceeded. */
#define CASG_EXTSORT_ITEM_MAX ((size_t)1 << 30)

/*
 * tmpdir: where runs go, copied; not touched unless memory runs over.
 * memory_nbytes bounds items, their bookkeeping and the buffers together.
 * pool may be NULL.  NULL with err filled when out of memory.
 */
struct casg_extsort *casg_extsort_new(const char *tmpdir, size_t memory_nbytes,
				      struct casg_workers *pool,
				      struct casg_err *err);

/* At any time; NULL allowed. */
void casg_extsort_free(struct casg_extsort *s);

/* Copies the item (it may be empty).  CASG_ENOMEM for one over the limit,
 * CASG_EBUG after finish. */
int casg_extsort_add(struct casg_extsort *s, const void *item, size_t nbytes,
		     struct casg_err *err);

/* No more items; afterwards only next and free. */
int casg_extsort_finish(struct casg_extsort *s, struct casg_err *err);

/*
 * 1 and the next item, 0 at the end, negative on failure.  The bytes stay
 * valid until the next call on this sorter.
 */
int casg_extsort_next(struct casg_extsort *s, const uint8_t **item_out,
		      size_t *nbytes_out, struct casg_err *err);

/* Items added so far, and runs written to disk so far (0: all in memory). */
uint64_t casg_extsort_count(const struct casg_extsort *s);
uint64_t casg_extsort_runs(const struct casg_extsort *s);

#endif
