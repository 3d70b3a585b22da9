/*
 * clistream - a record stream on standard output.
 *
 * Records are gathered in windows, whose sequence ids and lengths are found
 * together.  Only programs may use this; it dies with the message on failure.
 */
#ifndef CASG_CLISTREAM_H
#define CASG_CLISTREAM_H

#include "clisettled.h"
#include "cliwork.h"
#include "layout.h"
#include "records.h"

struct casg_cli_stream;

/* 'z': lines end in NUL and nothing is quoted; 'keys_only': the keys alone. */
struct casg_cli_stream *casg_cli_stream_new(struct casg_work *w, int z, int keys_only);
/*
 * From now on taxa are printed as 'x' settles them, with a seventh field that
 * holds their lineages if 'lineage' is set; it must outlive the stream.
 */
void casg_cli_stream_settle(struct casg_cli_stream *s, struct casg_cli_settled *x, int lineage);
/* The facts line; not for keys alone. */
void casg_cli_stream_facts(struct casg_cli_stream *s, const struct casg_facts *f);
void casg_cli_stream_add(struct casg_cli_stream *s, const struct casg_record *r);
/* The same with further fields, each with a TAB before it, as they are to be printed. */
void casg_cli_stream_add_more(struct casg_cli_stream *s, const struct casg_record *r,
			      const void *more, size_t n);
/* Prints what is left, and frees it. */
void casg_cli_stream_finish(struct casg_cli_stream *s);

#endif
