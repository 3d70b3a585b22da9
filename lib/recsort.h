/*
 * recsort - records put into the order of their file, in bounded memory.
 *
 * Threads: one thread at a time; the pool is the caller's.
 */
#ifndef CASG_RECSORT_H
#define CASG_RECSORT_H

#include <stdint.h>

#include "err.h"
#include "records.h"
#include "workers.h"

struct casg_recsort;

struct casg_recsort *casg_recsort_new(const char *tmp_dir, uint64_t memory_nbytes,
				      struct casg_workers *pool, struct casg_err *err);
void casg_recsort_free(struct casg_recsort *s);
/* All but the presentation of 'r' is kept. */
int casg_recsort_add(struct casg_recsort *s, uint64_t position, const struct casg_record *r,
		     struct casg_err *err);
int casg_recsort_finish(struct casg_recsort *s, struct casg_err *err);
/* 1 and the next one, without its presentation, until the next call; 0 at the end. */
int casg_recsort_next(struct casg_recsort *s, uint64_t *position_out,
		      struct casg_record *out, struct casg_err *err);

#endif
