/*
 * treediff - the records in which two record trees differ, in key order.
 *
 * The boundaries of nodes follow from the keys alone, so where two trees hold
 * the same records they hold, but for the nodes at the ends of the stretch,
 * the same nodes with the same ids, though perhaps at another depth below
 * their roots.  The walk compares what stands before both readers by its range
 * of keys: subtrees with one id are passed over unread; a subtree that reaches
 * further up, or lies wholly before the other, is entered.  So what is read
 * are the nodes around each difference: the cost grows with the number of
 * changes and the logarithm of the number of records.
 *
 * Threads: one thread a walk.
 */
#ifndef CASG_TREEDIFF_H
#define CASG_TREEDIFF_H

#include <stdint.h>

#include "err.h"
#include "node.h"
#include "oid.h"
#include "store.h"

struct casg_treediff;

/* A record of one side, as it is stored. */
struct casg_diffside {
	const struct casg_entry *e; /* NULL: there is no such record; oid and length unset */
	struct casg_loc loc;        /* where its sequence lies */
	uint64_t rank;              /* its place in the order of its tree */
};

/* A key (and occurrence) at which the trees differ; one side may be absent. */
struct casg_diffpair {
	struct casg_diffside a, b;
};

/*
 * A NULL root is the empty tree.  NULL with err filled when a root cannot be
 * read.
 */
struct casg_treediff *casg_treediff_open(struct casg_store *s, struct casg_coder *c,
					 const struct casg_oid *root_a,
					 const struct casg_oid *root_b,
					 struct casg_err *err);
void casg_treediff_free(struct casg_treediff *d);

/* Records in each tree. */
uint64_t casg_treediff_count_a(const struct casg_treediff *d);
uint64_t casg_treediff_count_b(const struct casg_treediff *d);

/*
 * 1 and the next difference, 0 at the end.  The pair is valid until the next
 * call.  Two records differ when their descriptions or their sequences do;
 * sequences that are stored in two places are read and compared by id.
 */
int casg_treediff_next(struct casg_treediff *d, struct casg_diffpair *out,
		       struct casg_err *err);

/*
 * The same without reading any sequence: also gives the pairs whose sequences
 * are in two places and may, though they seldom do, have one id.  For callers
 * that look at the ids of all pairs anyway, and do so in parallel.
 */
int casg_treediff_next_places(struct casg_treediff *d, struct casg_diffpair *out,
			      struct casg_err *err);

/*
 * The description of one side, loaded if it is a blob ('text' is reset and
 * then holds it; else it is left alone).  Valid until the next call of next,
 * or while 'text' lives.
 */
int casg_treediff_desc(struct casg_treediff *d, const struct casg_entry *e,
		       struct casg_buf *text, const char **desc_out, struct casg_err *err);

/* Nodes read so far, of both trees. */
uint64_t casg_treediff_nodes_read(const struct casg_treediff *d);

#endif
