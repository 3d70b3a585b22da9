/*
 * maprow - the rows of files that say which taxon an accession is of.
 *
 * Three forms of text, told by the first line:
 *
 *	accession TAB accession.version TAB taxid TAB gi    that line; rows alike
 *	accession.version TAB taxid                         that line; rows alike
 *	KEY TAB TAXON                                       no such line
 *
 * The first two are NCBI's accession2taxid (and its FULL files): taxids are
 * decimal numbers there, and 0 says that there is none.  In the third KEY and
 * TAXON are any text without control characters, KEY without spaces.  Lines
 * end in LF or CR LF; the last one need not end.  Anything else is refused,
 * with the number of the line.
 *
 * Pure: the caller feeds bytes.  Threads: one a parser.
 */
#ifndef CASG_MAPROW_H
#define CASG_MAPROW_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* Longest line, more than a key and an id can have. */
#define CASG_MAPROW_LINE_MAX 16384

struct casg_maprow {
	const char *key;        /* accession.version, or KEY */
	size_t klen;
	const char *accession;  /* the accession; NULL where KEY is what it is */
	size_t alen;
	const char *taxon;      /* as in the file */
	size_t tlen;
};

/* Non-zero ends the parsing and is returned.  Strings are valid during the call. */
typedef int casg_maprow_fn(void *ctx, const struct casg_maprow *row, struct casg_err *err);

struct casg_maprow_parser {
	int form;               /* 0: not known yet */
	uint64_t nlines;        /* read so far; messages name them from 1 */
	uint64_t nrows;         /* given to fn */
	uint64_t nzero;         /* passed over: taxid 0 */
	struct casg_buf carry;  /* a line of which the end is still to come */
	casg_maprow_fn *fn;
	void *ctx;
};

void casg_maprow_init(struct casg_maprow_parser *p, casg_maprow_fn *fn, void *ctx);
void casg_maprow_release(struct casg_maprow_parser *p);

int casg_maprow_feed(struct casg_maprow_parser *p, const uint8_t *bytes, size_t n,
		     struct casg_err *err);
/* The end of a file: the next bytes are those of another, of whatever form. */
int casg_maprow_end(struct casg_maprow_parser *p, struct casg_err *err);

#endif
