/*
 * mergeview - order and presentation of a merged version.  For recmerge.
 */
#ifndef CASG_MERGEVIEW_H
#define CASG_MERGEVIEW_H

#include <stdint.h>

#include "err.h"
#include "extsort.h"
#include "rankmap.h"
#include "recmerge.h"

struct casg_mergeview {
	/* set by the caller */
	const struct casg_recmerge_opts *o;
	struct casg_coder *coder;
	const struct casg_roots *base, *ours, *theirs; /* base may be NULL */
	struct casg_merged *merged;   /* its tree is written; the rest is filled here */
	/* private */
	struct casg_rankmap map[CASG_NSIDES];
	int mapped[CASG_NSIDES];
	uint32_t *position;           /* by rank in the merged tree */
	struct casg_extsort *said;    /* presentations, by rank and side */
	struct casg_extsort *placed;  /* those that hold, by position */
	struct casg_buf item;
};

/* Release also after a failure. */
int casg_mergeview_open(struct casg_mergeview *v, struct casg_err *err);
void casg_mergeview_release(struct casg_mergeview *v);

/* The record at this rank has this presentation, whatever the sides say. */
int casg_mergeview_settle(struct casg_mergeview *v, uint64_t rank, const char *pres,
			  size_t plen, struct casg_err *err);

int casg_mergeview_write(struct casg_mergeview *v, struct casg_err *err);

#endif
