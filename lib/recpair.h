/*
 * recpair - which withdrawn record lives on as which added one.
 *
 * A record that is gone and one that is new are paired when they have the same
 * sequence: the id changed.  Where several have one sequence, those with equal
 * descriptions are paired first, in the order of their keys; of the rest, if
 * there are at most 4096 possible pairs, always the pair whose descriptions
 * have most bytes in common at their start and end, then whose keys have, then
 * the first by key; if there are more, in the order of their keys.  So the
 * pairs follow from the records alone.
 *
 * Threads: one at a time.
 */
#ifndef CASG_RECPAIR_H
#define CASG_RECPAIR_H

#include <stdint.h>

#include "err.h"
#include "recside.h"
#include "workers.h"

struct casg_recpair;

struct casg_recpair *casg_recpair_new(const char *tmp_dir, uint64_t memory_nbytes,
				      struct casg_workers *pool, struct casg_err *err);
void casg_recpair_free(struct casg_recpair *p);

/* A record that is gone, or with is_new one that is new; in any order. */
int casg_recpair_add(struct casg_recpair *p, const struct casg_recside *s, int is_new,
		     struct casg_err *err);

/*
 * Once all are added: 1 and a record of either kind, or two that are paired,
 * 0 at the end; in no useful order.  Valid until the next call.
 */
int casg_recpair_next(struct casg_recpair *p, const struct casg_recside **gone_out,
		      const struct casg_recside **new_out, struct casg_err *err);

#endif
