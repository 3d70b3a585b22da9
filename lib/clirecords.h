/*
 * clirecords - a record stream on standard input.
 *
 * Only programs may use this; it dies with the message on failure, naming the
 * line, and what the pack writer of 'w' did is undone.
 */
#ifndef CASG_CLIRECORDS_H
#define CASG_CLIRECORDS_H

#include "cliwork.h"
#include "layout.h"
#include "stream.h"

struct casg_cli_records {
	struct casg_facts facts;     /* what the facts lines said, the last one counts */
	int any_facts;               /* there was one; before, facts are as they were */
	struct casg_oid prologue_oid;
	int has_prologue_oid;
	uint64_t nrecords;
};

typedef int casg_rec_fn(void *ctx, const struct casg_rec *r, struct casg_err *err);

/* 'progress': as casg_progress_start has it. */
void casg_cli_read_records(struct casg_cli_records *s, struct casg_work *w, int z,
			   int progress, casg_rec_fn *fn, void *ctx);

/* A prologue that is named by id is part of the facts all the same. */
void casg_cli_load_prologue(struct casg_cli_records *s, struct casg_work *w);

/* The facts of a version's file; 'facts' is initialised. */
void casg_cli_facts_of(struct casg_work *w, const struct casg_roots *roots,
		       struct casg_facts *facts);

/*
 * A file that ends without a newline, where that of the version before ended
 * with one, was cut off more often than not: refuse it.
 */
void casg_cli_expect_newline(const struct casg_cli_records *s, struct casg_work *w,
			     const struct casg_roots *previous);

#endif
