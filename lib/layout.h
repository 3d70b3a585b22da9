/*
 * layout - how a record looks as FASTA text, apart from what it says.
 *
 * A FASTA text is a prologue (blank and ';' lines) and records.  A record is
 * '>' key description, then residues with "gaps" between them: gap(r) is the
 * string of non-residue bytes (line ends, white space, ';' comment lines)
 * that stands before residue r, r in 0..L; gap(0) begins with the end of the
 * header line, gap(L) reaches to the next record or the end of the text.
 *
 * Most gaps follow from three facts about the whole text: its line width, its
 * line end, and whether its last line is ended.  These are the canonical gaps
 * (casg_gap_canonical).  What differs, and where the text is lower case, is
 * said by the record's "presentation", "-" when nothing does, else these
 * tokens in this order, joined by ';':
 *
 *   wN                 this record is wrapped at N (0: not at all)
 *   cA.B.C.D           case: lengths of alternating upper and lower runs, the
 *                      first may be 0, the last is lower, the rest is upper
 *   gR:BYTES.R:BYTES   gaps that are not canonical, R the residue offset (as
 *                      the distance from the one before), BYTES in percent
 *                      encoding, [A-Za-z0-9_] as they are
 *
 * The parser (fasta.h) makes presentations, the writer here obeys them.  For
 * the writer a presentation is hostile: it is refused unless what is written
 * reads back as the same key, description and residues.
 *
 * All functions here are pure of I/O.  Threads: one thread a handle.
 */
#ifndef CASG_LAYOUT_H
#define CASG_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"

#define CASG_DEFAULT_WIDTH 60
#define CASG_KEY_MAX 65535             /* bytes */
#define CASG_TEXT_MAX ((size_t)64 << 20) /* longest description, and prologue */
#define CASG_INLINE_MAX 1024           /* longer texts are named by id */
#define CASG_RESIDUES_MAX (UINT64_C(1) << 62) /* also the widest line */

/* What is true of a whole text.  Owns the prologue. */
struct casg_facts {
	uint64_t width;         /* residues a line; 0: sequences unwrapped */
	int crlf;               /* line end is CR LF, not LF */
	int final_newline;      /* the text ends in LF */
	struct casg_buf prologue;
};

/* Width 60, LF, final newline, no prologue. */
void casg_facts_init(struct casg_facts *f);
void casg_facts_release(struct casg_facts *f);

/* Make 'to' (initialised) equal to 'from'; 0 or CASG_ENOMEM. */
int casg_facts_copy(struct casg_facts *to, const struct casg_facts *from,
		    struct casg_err *err);

/*
 * Append the facts line, "#casg width=60 eol=lf final-newline=yes", and
 * " prologue=%XX.." when there is one; no line end.  With an oid the prologue
 * is named by it ("prologue=@<hex>"): a caller does so when
 * casg_percent_length() of it exceeds CASG_INLINE_MAX.  0 or CASG_ENOMEM.
 */
int casg_facts_format(struct casg_buf *out, const struct casg_facts *f);
int casg_facts_format_ex(struct casg_buf *out, const struct casg_facts *f,
			 const struct casg_oid *prologue_oid);

/*
 * Read a facts line (no line end) over what f holds: names that are absent
 * keep their value.  When the prologue is named by id, *has_prologue_oid_out
 * is 1, the oid is set and f->prologue is emptied; otherwise it is 0.
 * CASG_EUNSUPPORTED for a name or value not known, CASG_ECORRUPT for the rest;
 * then f is as it was.
 */
int casg_facts_parse(struct casg_facts *f, struct casg_oid *prologue_oid_out,
		     int *has_prologue_oid_out, const char *line, size_t n,
		     struct casg_err *err);

/* Is this blank lines and ';' lines only?  0, or CASG_ECORRUPT. */
int casg_prologue_check(const uint8_t *p, size_t n, struct casg_err *err);

/* The white space of FASTA, LF apart. */
static inline int casg_is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

/* Percent encoding, its length, and the strict inverse (no NUL comes out). */
void casg_percent_encode(struct casg_buf *out, const void *p, size_t n);
size_t casg_percent_length(const void *p, size_t n);
int casg_percent_decode(struct casg_buf *out, const char *text, size_t n,
			struct casg_err *err);

enum casg_gap_place {
	CASG_GAP_HEADER,        /* gap(0) */
	CASG_GAP_HEADER_CR,     /* gap(0) of a header whose last byte is CR */
	CASG_GAP_BREAK,         /* gap(r), r a multiple of the width, 0 < r < L */
	CASG_GAP_INNER,         /* any other gap(r), 0 < r < L */
	CASG_GAP_END            /* gap(L), L > 0 */
};

/*
 * The canonical gap at a place; 'next' is the residue behind it, -1 for none.
 * It is the line end, or nothing inside a line, with these exceptions, which
 * keep the text readable as the same record: no break before '>' and ';'; a
 * blank between the header line and a first residue '>' or ';'; CR LF after
 * a header that ends in CR.  At most 3 bytes, static.
 */
const char *casg_gap_canonical(int crlf, enum casg_gap_place place, int next,
			       size_t *nbytes_out);

/*
 * The writer: facts, then for each record begin, any number of feeds, end;
 * then finish.  Text is appended to 'out', which the caller drains as it
 * likes; any split of the residues gives the same bytes.  After an error the
 * handle is only good for casg_layout_free.
 */
struct casg_layout;

/* Copies the facts.  NULL when out of memory. */
struct casg_layout *casg_layout_new(const struct casg_facts *facts);
void casg_layout_free(struct casg_layout *l);

/*
 * Other facts from the next record on (a facts line inside a stream).  The
 * prologue counts only before the first record, final_newline only at finish.
 */
int casg_layout_set_facts(struct casg_layout *l, const struct casg_facts *facts,
			  struct casg_err *err);

/*
 * Begin a record of 'nresidues'.  The presentation is the full text, "-" for
 * none; key, description and presentation are copied.  CASG_ECORRUPT when
 * they cannot be a record's.
 */
int casg_layout_begin(struct casg_layout *l, const char *key, size_t klen,
		      const char *desc, size_t dlen, uint64_t nresidues,
		      const char *pres, size_t preslen, struct casg_buf *out,
		      struct casg_err *err);

/*
 * Give residues [at, at + n) of a sequence of nresidues, upper-cased, the case that
 * its presentation (in full) says.
 */
int casg_layout_case(const char *pres, size_t preslen, uint64_t nresidues, uint64_t at,
		     uint8_t *p, size_t n, struct casg_err *err);

/*
 * The next n residues.  CASG_ECORRUPT for a byte that is no upper-cased
 * residue, or a gap that would change the record; CASG_EBUG for too many.
 */
int casg_layout_feed(struct casg_layout *l, const uint8_t *residues, size_t n,
		     struct casg_buf *out, struct casg_err *err);

/* The record is complete; CASG_EBUG unless the feeds sum to nresidues. */
int casg_layout_end(struct casg_layout *l, struct casg_buf *out,
		    struct casg_err *err);

/* After the last record: the prologue if there was none, the last line end. */
int casg_layout_finish(struct casg_layout *l, struct casg_buf *out,
		       struct casg_err *err);

#endif
