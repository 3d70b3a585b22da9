/*
 * repackplan - which sequence repacking takes when, and with which group.
 *
 * The groups (grouping.h) of all sequences are noted first, from the records
 * that have them; the first record counts.  Then groups are divided, in the
 * order of their homes, into passes of about what is compressed together, at
 * most 16, so that however the sequences lie now, each chunk is read at most
 * so many times.
 *
 * What lies in chunks that are read often gets chunks of its own where the
 * policy would have it share them: by the finer of two policies.
 *
 * What is noted apart, and was not noted before, is taken after all the others, in
 * passes of its own (17 in all at most, then).
 *
 * Memory: 4 bytes a sequence, and 40 a group.  Threads: one.
 */
#ifndef CASG_REPACKPLAN_H
#define CASG_REPACKPLAN_H

#include <stdint.h>

#include "err.h"
#include "grouping.h"
#include "node.h"
#include "reads.h"
#include "store.h"

struct casg_repackplan;

/* All must outlive the plan; 'often' and 'reads' may be NULL. */
struct casg_repackplan_opts {
	struct casg_grouping *grouping;
	struct casg_grouping *often;     /* the policy for what is read often */
	const struct casg_reads *reads;
};

struct casg_repackplan *casg_repackplan_new(struct casg_store *s, struct casg_coder *c,
					    const struct casg_repackplan_opts *opts,
					    struct casg_err *err);
void casg_repackplan_free(struct casg_repackplan *p);

/* What is noted from here on is to be apart from what was before, or not. */
void casg_repackplan_apart(struct casg_repackplan *p, int apart);
/* The sequence of this record lies there: a casg_marks_fn. */
int casg_repackplan_note(void *plan, const struct casg_entry *e, const struct casg_loc *loc,
			 struct casg_err *err);

/* After the last record: divide into passes of about so many residues. */
int casg_repackplan_settle(struct casg_repackplan *p, uint64_t nresidues, uint32_t *npasses_out,
			   struct casg_err *err);

/* The pass with which what is apart begins; none has this number if nothing is. */
uint32_t casg_repackplan_first_apart(const struct casg_repackplan *p);
/* Of an object, by its number in the pack. */
uint32_t casg_repackplan_pass(const struct casg_repackplan *p, uint32_t pack, uint32_t object);
const struct casg_group *casg_repackplan_group(const struct casg_repackplan *p, uint32_t pack,
					       uint32_t object);

#endif
