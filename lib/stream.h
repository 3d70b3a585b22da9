/*
 * stream - the record stream, one record a line, as the plumbing speaks it.
 *
 *   key TAB sequence-id TAB length TAB taxon TAB presentation TAB description
 *
 * Taxon and presentation are "-" when there is none; a presentation longer
 * than CASG_INLINE_MAX is "@" and the SHA-256 of its text.  The description
 * begins with its own separator, or is empty.
 *
 * Lines end in LF; a field that holds TAB, LF, '"' or '\', and a key that
 * starts with "#casg", is quoted as Git quotes paths, except that bytes from
 * 0x80 on stand as they are.  With z lines end in NUL and nothing is quoted;
 * only the description may hold TAB.  A line that starts with "#casg" holds
 * facts (layout.h), not a record.
 *
 * Parsing accepts exactly what formatting emits.
 */
#ifndef CASG_STREAM_H
#define CASG_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"

/* One line.  Owns nothing: the strings are the line's or the scratch's. */
struct casg_rec {
	const char *key;
	size_t klen;
	struct casg_oid oid;
	uint64_t length;        /* residues */
	const char *taxon;
	size_t tlen;
	const char *pres;
	size_t plen;
	const char *desc;
	size_t dlen;
};

/*
 * Append the record's line, with its end.  The caller vouches for the fields
 * (they come from casg_fasta or casg_rec_parse).  0 or CASG_ENOMEM.
 */
int casg_rec_format(struct casg_buf *out, const struct casg_rec *r, int z);

/* Append a key as such a line has it (quoted where it must be). */
void casg_stream_key(struct casg_buf *out, const char *key, size_t klen, int z);

/* The same for any other field of such a line. */
void casg_stream_field(struct casg_buf *out, const char *p, size_t n, int z);

/*
 * Take a line of the given number of fields apart, the first a key, quoted as
 * in LF mode.  'scratch' is reset and holds what had to be unquoted; the
 * fields are valid while both live.  CASG_ECORRUPT, or CASG_ENOMEM.
 */
struct casg_field {
	const char *p;
	size_t n;
};
int casg_stream_split(struct casg_field *fields_out, int nfields, const char *line,
		      size_t n, struct casg_buf *scratch, struct casg_err *err);

/* May this be a key?  0, or CASG_ECORRUPT. */
int casg_stream_check_key(const char *key, size_t klen, struct casg_err *err);

/*
 * Read a line (without its end).  'scratch' is reset and holds what had to be
 * unquoted; r is valid while both live.  CASG_ECORRUPT, or CASG_ENOMEM.
 */
int casg_rec_parse(struct casg_rec *r, const char *line, size_t n, int z,
		   struct casg_buf *scratch, struct casg_err *err);

/*
 * Is this a facts line?  It starts with "#casg" and holds no TAB (with z a
 * key may start so, but a record always has TABs).
 */
int casg_stream_is_facts(const char *line, size_t n);

#endif
