/*
 * queryfmt - a line for each record that was asked for.
 *
 * A format is text with %(field) in it, "%%" for a percent sign and "%xx" for
 * the byte with that hexadecimal number.  Fields are
 *
 *   key id length taxon presentation description   as the record stream has
 *                                        them, taxon from the query's source
 *   taxid name rank                      of the taxon that stands for it
 *   lineage lineageids                   names, or ids, from below the root down
 *                                        to the taxon, joined by ';'
 *   domain superkingdom kingdom phylum class order family genus species ...
 *   rank:RANK                            the name of the taxon of that rank in
 *                                        its lineage, itself included
 *
 * and those from taxid on with "old" before them, of the other taxonomy.  What
 * there is not is "-".
 *
 * The same fields make columns of a table, quoted as in the record stream, or
 * members of JSON objects (RFC 8259), one a line: length is a number, what
 * there is not is null, and bytes that are no UTF-8 are taken for Latin-1.
 */
#ifndef CASG_QUERYFMT_H
#define CASG_QUERYFMT_H

#include "buf.h"
#include "err.h"
#include "recquery.h"
#include "stream.h"

enum casg_queryfmt_kind {
	CASG_QUERYFMT_TEXT,
	CASG_QUERYFMT_TSV,     /* of the fields in the format; text is passed over */
	CASG_QUERYFMT_JSON
};

struct casg_queryfmt;

/* NULL with err filled (CASG_ECORRUPT: the format is wrong, or has no field). */
struct casg_queryfmt *casg_queryfmt_new(enum casg_queryfmt_kind kind, const char *format,
					struct casg_err *err);
void casg_queryfmt_free(struct casg_queryfmt *f);

/* What it takes to print a line: the sequence's id or length; a taxonomy; the other. */
int casg_queryfmt_needs_sequence(const struct casg_queryfmt *f);
int casg_queryfmt_needs_taxonomy(const struct casg_queryfmt *f);
int casg_queryfmt_needs_old(const struct casg_queryfmt *f);

/* Append the heading of a table; nothing otherwise. */
void casg_queryfmt_heading(const struct casg_queryfmt *f, struct casg_buf *out, int z);

/* Append the line and its end; the taxon of 'r' is not looked at. */
int casg_queryfmt_add(struct casg_queryfmt *f, struct casg_buf *out,
		      struct casg_recquery *q, const struct casg_recquery_side sides[2],
		      const struct casg_rec *r, int z, struct casg_err *err);

#endif
