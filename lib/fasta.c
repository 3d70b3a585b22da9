#include "fasta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define NEVER UINT64_MAX
#define STEP 16                 /* bytes looked at together */
#define MAX_WARNINGS 10

/*
 * A record that is wrapped otherwise than the file has an exception at each
 * line.  The width that has this many more of them than the other has lost,
 * and its list is dropped, which bounds memory by what the better one needs.
 */
#define LEAD_TO_WIN 65536

enum state {
	IN_PROLOGUE,
	IN_PROLOGUE_COMMENT,
	IN_HEADER,
	IN_BODY,
	IN_COMMENT
};

/* The gap exceptions of one record under one width. */
struct wrap {
	int active;
	uint64_t width;
	uint64_t next;          /* next canonical break, or NEVER */
	uint64_t count;
	uint64_t last;          /* offset of the last exception */
	struct casg_buf text;   /* R:BYTES.R:BYTES */
};

struct casg_fasta {
	struct casg_fasta_handler h;
	struct casg_facts facts;
	struct casg_buf peek;   /* until the facts are decided */
	int decided;

	enum state state;
	int bol;                /* at the start of a line */
	int failed;
	uint64_t base;          /* offset of 'start' */
	const uint8_t *start;   /* of the bytes being parsed */
	uint64_t nbytes;
	int last_byte;
	uint64_t nrecords;
	uint64_t error_offset;
	unsigned nwarned;

	struct casg_buf header; /* its beginning, when it came in pieces */
	uint64_t header_at;     /* offset of its first byte */

	/* The record being read. */
	uint64_t pos;           /* residues so far */
	int header_cr;
	int warned;
	struct casg_buf gap;    /* since the last residue */
	struct wrap file;       /* under the file's width */
	struct wrap own;        /* under the record's, 0 until it has a break */
	int own_known;
	int lower;              /* case of the last residue */
	uint64_t flipped_at;    /* where that case began */
	struct casg_buf mask;   /* A.B.C, the runs before that */
	struct casg_buf pres;
	size_t nbatch;
	uint8_t batch[CASG_FASTA_BATCH + STEP];
};

struct casg_fasta *casg_fasta_new(const struct casg_fasta_handler *handler)
{
	struct casg_fasta *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->h = *handler;
	f->bol = 1;
	f->last_byte = '\n';
	casg_facts_init(&f->facts);
	if (casg_buf_grow(&f->peek, 64) || casg_buf_grow(&f->gap, 64) ||
	    casg_buf_grow(&f->header, 64)) {
		casg_fasta_free(f);
		return NULL;
	}
	return f;
}

void casg_fasta_free(struct casg_fasta *f)
{
	if (!f)
		return;
	casg_facts_release(&f->facts);
	casg_buf_release(&f->header);
	casg_buf_release(&f->gap);
	casg_buf_release(&f->file.text);
	casg_buf_release(&f->own.text);
	casg_buf_release(&f->mask);
	casg_buf_release(&f->pres);
	casg_buf_release(&f->peek);
	free(f);
}

uint64_t casg_fasta_records(const struct casg_fasta *f)
{
	return f->nrecords;
}

uint64_t casg_fasta_bytes(const struct casg_fasta *f)
{
	return f->nbytes;
}

int casg_fasta_final_newline(const struct casg_fasta *f)
{
	return f->last_byte == '\n';
}

/* What has been looked at only for the facts counts as read. */
static uint64_t records_in_peek(const struct casg_fasta *f)
{
	const uint8_t *p = f->peek.data, *end = p + f->peek.len;
	uint64_t n = 0;

	while (p && p < end) {
		n += *p == '>';
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	return n;
}

uint64_t casg_fasta_error_record(const struct casg_fasta *f)
{
	uint64_t n = f->decided ? f->nrecords : records_in_peek(f);

	return n ? n : 1;
}

uint64_t casg_fasta_error_offset(const struct casg_fasta *f)
{
	return f->error_offset;
}

static uint64_t offset_of(const struct casg_fasta *f, const uint8_t *p)
{
	return f->base + (uint64_t)(p - f->start);
}

static int refuse_byte(struct casg_fasta *f, uint64_t offset, int c,
		       const char *where, struct casg_err *err)
{
	f->error_offset = offset;
	return casg_err_set(err, CASG_ECORRUPT, "byte 0x%02x is not allowed in %s",
			    (unsigned)c, where);
}

/* NUL is refused wherever it is. */
static int refuse_nul(struct casg_fasta *f, const uint8_t *p, size_t n,
		      uint64_t offset, const char *where, struct casg_err *err)
{
	const uint8_t *nul = n ? memchr(p, 0, n) : NULL;

	if (!nul)
		return 0;
	return refuse_byte(f, offset + (uint64_t)(nul - p), 0, where, err);
}

/* Width and line end from the beginning of the text. */
static uint64_t decide_width(const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;
	uint64_t first = 0, longest = 0;
	int in_record = 0;

	while (p < end) {
		const uint8_t *lf = memchr(p, '\n', (size_t)(end - p));
		const uint8_t *stop = lf ? lf : end;
		uint64_t count = 0;

		if (*p == '>') {
			in_record = 1;
			first = 0;
		} else if (in_record && *p != ';') {
			for (; p < stop; p++)
				count += *p > ' ';
			if (count && first)
				return first;
			first = count ? count : first;
			longest = count > longest ? count : longest;
		}
		p = lf ? lf + 1 : end;
	}
	return longest <= CASG_DEFAULT_WIDTH ? CASG_DEFAULT_WIDTH : 0;
}

static void decide_facts(struct casg_fasta *f, const uint8_t *p, size_t n)
{
	const uint8_t *lf = n ? memchr(p, '\n', n) : NULL;

	f->facts.crlf = lf && lf > p && lf[-1] == '\r';
	f->facts.width = decide_width(p, n);
	f->decided = 1;
}

static void wrap_init(struct wrap *w, uint64_t width)
{
	w->active = 1;
	w->width = width;
	w->next = width ? width : NEVER;
	w->count = 0;
	w->last = 0;
	casg_buf_reset(&w->text);
}

static void wrap_drop(struct wrap *w)
{
	w->active = 0;
	w->next = NEVER;
	if (w->text.cap > 4096)
		casg_buf_release(&w->text);
}

static void wrap_except(struct wrap *w, struct wrap *other, uint64_t at,
			const uint8_t *gap, size_t n)
{
	if (w->count++)
		casg_buf_addch(&w->text, '.');
	casg_buf_add_u64(&w->text, at - w->last);
	casg_buf_addch(&w->text, ':');
	casg_percent_encode(&w->text, gap, n);
	w->last = at;
	if (other->active && w->count > other->count &&
	    w->count - other->count > LEAD_TO_WIN)
		wrap_drop(w);
}

static void wrap_gap(const struct casg_fasta *f, struct wrap *w,
		     struct wrap *other, int next, int at_end)
{
	enum casg_gap_place place = CASG_GAP_INNER;
	const char *canonical;
	size_t n;

	if (!w->active)
		return;
	if (!f->pos) {
		place = f->header_cr ? CASG_GAP_HEADER_CR : CASG_GAP_HEADER;
	} else if (at_end) {
		place = CASG_GAP_END;
	} else if (f->pos == w->next) {
		place = CASG_GAP_BREAK;
		w->next += w->width;
	}
	canonical = casg_gap_canonical(f->facts.crlf, place, next, &n);
	if (n != f->gap.len || (n && memcmp(canonical, f->gap.data, n)))
		wrap_except(w, other, f->pos, f->gap.data, f->gap.len);
}

/* The first break inside the sequence: it gives the record's own width. */
static void learn_own_width(struct casg_fasta *f)
{
	f->own_known = 1;
	if (f->file.active && f->pos == f->file.width) {
		wrap_drop(&f->own);
		return;
	}
	f->own.width = f->pos;
	f->own.next = f->pos;
}

/* The gap is complete: residue 'next' follows, or nothing (-1). */
static void note_gap(struct casg_fasta *f, int next, int at_end)
{
	if (!f->own_known && f->pos && !at_end && f->gap.len &&
	    memchr(f->gap.data, '\n', f->gap.len))
		learn_own_width(f);
	wrap_gap(f, &f->file, &f->own, next, at_end);
	wrap_gap(f, &f->own, &f->file, next, at_end);
	f->gap.len = 0;
}

/*
 * Breaks that canonical text would have inside a run of k residues.  In
 * ascending order over both widths, so that who wins does not depend on how
 * the input was split.
 */
static void note_missing_breaks(struct casg_fasta *f, const uint8_t *p, size_t k)
{
	for (;;) {
		int file = f->file.next <= f->own.next;
		struct wrap *w = file ? &f->file : &f->own;
		uint64_t at = w->next;

		if (at >= f->pos + k)
			return;
		w->next += w->width;
		if (p[at - f->pos] != '>' && p[at - f->pos] != ';')
			wrap_except(w, file ? &f->own : &f->file, at, NULL, 0);
	}
}

/* k residues at p follow the gap. */
static inline void note_run(struct casg_fasta *f, const uint8_t *p, size_t k)
{
	size_t eol = f->facts.crlf ? 2 : 1;
	const uint8_t *gap = f->gap.data;

	if (f->pos == f->file.next && !f->own.active && f->gap.len == eol &&
	    gap[eol - 1] == '\n' && gap[0] == (eol == 2 ? '\r' : '\n') &&
	    *p != '>' && *p != ';') {
		f->file.next += f->file.width;
		f->gap.len = 0;
	} else {
		note_gap(f, *p, 0);
	}
	if (f->file.next < f->pos + k || f->own.next < f->pos + k)
		note_missing_breaks(f, p, k);
}

struct seen {
	unsigned bad;           /* bit i: byte i is no residue */
	unsigned lower;
	unsigned gt;            /* '>' */
};

/* Classify STEP bytes and store them upper-cased. */
static inline void look(const uint8_t *p, uint8_t *dst, struct seen *s)
{
#ifdef __SSE2__
	__m128i x = _mm_loadu_si128((const __m128i *)p);
	/* signed: bytes from 0x80 on are below '!' */
	__m128i bad = _mm_or_si128(_mm_cmplt_epi8(x, _mm_set1_epi8('!')),
				   _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)));
	__m128i low = _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8('a' - 1)),
				    _mm_cmplt_epi8(x, _mm_set1_epi8('z' + 1)));
	__m128i up = _mm_sub_epi8(x, _mm_and_si128(low, _mm_set1_epi8(0x20)));

	_mm_storeu_si128((__m128i *)dst, up);
	s->bad = (unsigned)_mm_movemask_epi8(bad);
	s->lower = (unsigned)_mm_movemask_epi8(low);
	s->gt = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8('>')));
#else
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < STEP; i++) {
		unsigned lower = (uint8_t)(p[i] - 'a') < 26;

		s->bad |= (unsigned)(p[i] < 0x21 || p[i] > 0x7e) << i;
		s->lower |= lower << i;
		s->gt |= (unsigned)(p[i] == '>') << i;
		dst[i] = (uint8_t)(p[i] - (lower << 5));
	}
#endif
}

static void warn_gt(struct casg_fasta *f, const uint8_t *p)
{
	char msg[128];

	f->warned = 1;
	f->error_offset = offset_of(f, p);
	if (f->nwarned++ >= MAX_WARNINGS || !f->h.warn)
		return;
	snprintf(msg, sizeof(msg),
		 "record %llu: byte offset %llu: '>' inside a sequence line is kept as a residue",
		 (unsigned long long)f->nrecords,
		 (unsigned long long)f->error_offset);
	f->h.warn(f->h.ctx, msg);
}

/* Case changes among STEP residues, the first of which is residue 'at'. */
static void note_case(struct casg_fasta *f, uint64_t at, unsigned lower,
		      unsigned keep)
{
	unsigned flips = (lower ^ (lower << 1 | (unsigned)f->lower)) & keep;

	for (; flips; flips &= flips - 1) {
		uint64_t here = at + (unsigned)__builtin_ctz(flips);

		if (f->mask.len)
			casg_buf_addch(&f->mask, '.');
		casg_buf_add_u64(&f->mask, here - f->flipped_at);
		f->flipped_at = here;
		f->lower = !f->lower;
	}
}

/* The residues at the beginning of p[0..n), n >= 1, into the batch. */
static size_t take_run(struct casg_fasta *f, const uint8_t *p, size_t n)
{
	const unsigned full = (1u << STEP) - 1;
	uint8_t *dst = f->batch + f->nbatch;
	unsigned expect = f->lower ? full : 0;
	uint8_t tail[STEP];
	struct seen s;
	size_t i = 0;

	for (;;) {
		const uint8_t *src = p + i;
		unsigned keep = full;

		if (n - i < STEP) {
			/* the zeros behind it end the run */
			memset(tail, 0, sizeof(tail));
			memcpy(tail, src, n - i);
			src = tail;
		}
		look(src, dst + i, &s);
		if (!(s.bad | s.gt | (s.lower ^ expect))) {
			i += STEP;
			continue;
		}
		if (s.bad)
			keep = (s.bad & -s.bad) - 1;
		if ((s.lower ^ expect) & keep) {
			note_case(f, f->pos + i, s.lower, keep);
			expect = f->lower ? full : 0;
		}
		if ((s.gt & keep) && !f->warned)
			warn_gt(f, p + i + __builtin_ctz(s.gt));
		if (s.bad)
			return i + (size_t)__builtin_ctz(s.bad);
		i += STEP;
	}
}

static int flush_batch(struct casg_fasta *f, struct casg_err *err)
{
	size_t n = f->nbatch;

	f->nbatch = 0;
	return n ? f->h.residues(f->h.ctx, f->batch, n, err) : 0;
}

/* Put the presentation together; the wrap with fewer exceptions wins. */
static int make_presentation(struct casg_fasta *f, struct casg_err *err)
{
	struct casg_buf *out = &f->pres;
	struct wrap *w = &f->file;

	casg_buf_reset(out);
	if (!w->active || (f->own.active && f->own.count < w->count)) {
		w = &f->own;
		casg_buf_addch(out, 'w');
		casg_buf_add_u64(out, w->width);
	}
	if (f->lower) {
		if (f->mask.len)
			casg_buf_addch(&f->mask, '.');
		casg_buf_add_u64(&f->mask, f->pos - f->flipped_at);
	}
	if (f->mask.len) {
		casg_buf_addstr(out, out->len ? ";c" : "c");
		casg_buf_add(out, f->mask.data, f->mask.len);
	}
	if (w->text.len) {
		casg_buf_addstr(out, out->len ? ";g" : "g");
		casg_buf_add(out, w->text.data, w->text.len);
	}
	if (!out->len)
		casg_buf_addch(out, '-');
	if (f->mask.failed || w->text.failed)
		return casg_err_nomem(err);
	return casg_buf_check(out, err);
}

/* What could not be read back must not go in. */
static int too_long(const char *what, struct casg_err *err)
{
	return casg_err_set(err, CASG_ECORRUPT, "%s is longer than %zu bytes", what,
			    CASG_TEXT_MAX);
}

/*
 * What it takes to describe the layout of the record so far.  It is kept in
 * memory, in several forms, so it is bounded like the other texts.
 */
static int check_layout(const struct casg_fasta *f, struct casg_err *err)
{
	size_t n = f->file.text.len > f->own.text.len ? f->file.text.len : f->own.text.len;

	/* a byte of a gap takes three, in percent encoding */
	if (n + f->mask.len + 3 * f->gap.len > CASG_TEXT_MAX)
		return too_long("the description of a record's layout (case, line ends, comments)",
				err);
	return 0;
}

/* The gap is the record's last; at the end of the text it may be missing. */
static int end_record(struct casg_fasta *f, int at_eof, struct casg_err *err)
{
	int ret = flush_batch(f, err);

	if (!ret)
		ret = check_layout(f, err);
	if (ret)
		return ret;
	if (!at_eof || f->gap.len)
		note_gap(f, -1, 1);
	ret = make_presentation(f, err);
	if (ret)
		return ret;
	return f->h.end(f->h.ctx, f->pos, (const char *)f->pres.data,
			f->pres.len, err);
}

static int begin_record(struct casg_fasta *f, const uint8_t *p, size_t n,
			int has_lf, struct casg_err *err)
{
	size_t klen = 0;
	int ret = refuse_nul(f, p, n, f->header_at, "a header", err);

	if (ret)
		return ret;
	casg_buf_reset(&f->gap);
	if (has_lf && n && p[n - 1] == '\r') {
		casg_buf_addch(&f->gap, '\r');
		n--;
	}
	if (has_lf)
		casg_buf_addch(&f->gap, '\n');
	while (klen < n && !(p[klen] <= ' ' && casg_is_blank(p[klen])))
		klen++;
	if (klen > CASG_KEY_MAX) {
		f->error_offset = f->header_at;
		return casg_err_set(err, CASG_ECORRUPT,
				    "a key is longer than %d bytes", CASG_KEY_MAX);
	}
	if (n - klen > CASG_TEXT_MAX) {
		f->error_offset = f->header_at;
		return too_long("a description", err);
	}
	f->state = IN_BODY;
	f->bol = has_lf;
	f->pos = f->flipped_at = 0;
	f->header_cr = n > klen && p[n - 1] == '\r';
	f->warned = f->lower = f->own_known = 0;
	casg_buf_reset(&f->mask);
	wrap_init(&f->file, f->facts.width);
	wrap_init(&f->own, 0);
	return f->h.begin(f->h.ctx, (const char *)p, klen,
			  (const char *)p + klen, n - klen, err);
}

static int give_facts(struct casg_fasta *f, struct casg_err *err)
{
	int ret = casg_buf_check(&f->facts.prologue, err);

	if (ret || !f->h.facts)
		return ret;
	return f->h.facts(f->h.ctx, &f->facts, err);
}

/* p is behind the '>' of a header line. */
static void enter_header(struct casg_fasta *f, const uint8_t *p)
{
	f->nrecords++;
	f->state = IN_HEADER;
	f->header_at = offset_of(f, p);
	casg_buf_reset(&f->header);
}

static int parse_prologue(struct casg_fasta *f, const uint8_t **pp,
			  const uint8_t *end, struct casg_err *err)
{
	const uint8_t *p = *pp;

	for (; p < end; p++) {
		if (f->bol && *p == '>') {
			int ret = give_facts(f, err);

			enter_header(f, p + 1);
			*pp = p + 1;
			return ret;
		}
		if (f->bol && *p == ';') {
			f->state = IN_PROLOGUE_COMMENT;
			break;
		}
		if (*p != '\n' && !casg_is_blank(*p)) {
			f->error_offset = offset_of(f, p);
			if (f->bol && *p == '@')
				return casg_err_set(err, CASG_ECORRUPT,
						    "looks like FASTQ, not FASTA");
			if (!*p)
				return refuse_byte(f, f->error_offset, 0,
						   "a text", err);
			return casg_err_set(err, CASG_ECORRUPT,
					    "text before the first '>'");
		}
		f->bol = *p == '\n';
		casg_buf_addch(&f->facts.prologue, *p);
	}
	if (f->facts.prologue.len > CASG_TEXT_MAX) {
		f->error_offset = 0;
		return too_long("the text before the first record", err);
	}
	*pp = p;
	return 0;
}

/* A comment line, or the rest of it, into the prologue or the gap. */
static int parse_comment(struct casg_fasta *f, const uint8_t **pp,
			 const uint8_t *end, struct casg_err *err)
{
	int prologue = f->state == IN_PROLOGUE_COMMENT;
	const uint8_t *p = *pp;
	const uint8_t *lf = memchr(p, '\n', (size_t)(end - p));
	const uint8_t *stop = lf ? lf + 1 : end;
	struct casg_buf *b = prologue ? &f->facts.prologue : &f->gap;
	int ret = refuse_nul(f, p, (size_t)(stop - p), offset_of(f, p),
			     "a comment line", err);

	if (ret)
		return ret;
	if (prologue && b->len + (size_t)(stop - p) > CASG_TEXT_MAX) {
		f->error_offset = 0;
		return too_long("the text before the first record", err);
	}
	casg_buf_add(b, p, (size_t)(stop - p));
	f->bol = lf != NULL;
	if (lf)
		f->state = prologue ? IN_PROLOGUE : IN_BODY;
	*pp = stop;
	return casg_buf_check(b, err);
}

static int parse_header(struct casg_fasta *f, const uint8_t **pp,
			const uint8_t *end, struct casg_err *err)
{
	const uint8_t *p = *pp;
	const uint8_t *lf = memchr(p, '\n', (size_t)(end - p));

	*pp = lf ? lf + 1 : end;
	if (lf && !f->header.len)
		return begin_record(f, p, (size_t)(lf - p), 1, err);
	casg_buf_add(&f->header, p, (size_t)((lf ? lf : end) - p));
	if (casg_buf_check(&f->header, err))
		return CASG_ENOMEM;
	if (!lf && f->header.len > CASG_TEXT_MAX + CASG_KEY_MAX) {
		f->error_offset = f->header_at;
		return too_long("a description", err);
	}
	return lf ? begin_record(f, f->header.data, f->header.len, 1, err) : 0;
}

/* One byte that is no residue. */
static int take_gap_byte(struct casg_fasta *f, const uint8_t *p,
			 struct casg_err *err)
{
	if (*p != '\n' && !casg_is_blank(*p))
		return refuse_byte(f, offset_of(f, p), *p, "a sequence", err);
	casg_buf_addch(&f->gap, *p);
	f->bol = *p == '\n';
	return casg_buf_check(&f->gap, err);
}

static int parse_body(struct casg_fasta *f, const uint8_t **pp,
		      const uint8_t *end, struct casg_err *err)
{
	const uint8_t *p = *pp;
	int ret = 0;

	while (p < end && !ret) {
		size_t k, room = CASG_FASTA_BATCH - f->nbatch;

		if (f->bol && (*p == '>' || *p == ';'))
			break;
		if ((size_t)(end - p) < room)
			room = (size_t)(end - p);
		k = *p > ' ' ? take_run(f, p, room) : 0;
		if (!k) {
			ret = take_gap_byte(f, p++, err);
			continue;
		}
		note_run(f, p, k);
		f->bol = 0;
		f->pos += k;
		f->nbatch += k;
		p += k;
		if (f->nbatch == CASG_FASTA_BATCH)
			ret = flush_batch(f, err);
		if (p < end && *p == '\n') {
			/* the gap is empty and has room */
			f->gap.data[f->gap.len++] = '\n';
			f->bol = 1;
			p++;
		}
	}
	*pp = p;
	if (ret || p == end)
		return ret;
	if (*p == ';') {
		f->state = IN_COMMENT;
		return 0;
	}
	ret = end_record(f, 0, err);
	*pp = p + 1;
	if (!ret)
		enter_header(f, p + 1);
	return ret;
}

static int parse(struct casg_fasta *f, const uint8_t *p, size_t n,
		 struct casg_err *err)
{
	const uint8_t *end = p + n;
	int ret = 0;

	f->start = p;
	while (p < end && !ret) {
		f->error_offset = offset_of(f, p);
		if (f->state == IN_BODY)
			ret = parse_body(f, &p, end, err);
		else if (f->state == IN_HEADER)
			ret = parse_header(f, &p, end, err);
		else if (f->state == IN_PROLOGUE)
			ret = parse_prologue(f, &p, end, err);
		else
			ret = parse_comment(f, &p, end, err);
		if (!ret)
			ret = check_layout(f, err);
	}
	f->base += n;
	return ret;
}

/* Gather the peek; give back how many of the n bytes went into it. */
static size_t fill_peek(struct casg_fasta *f, const uint8_t *p, size_t n)
{
	size_t room = CASG_FASTA_PEEK - f->peek.len;

	if (n > room)
		n = room;
	casg_buf_add(&f->peek, p, n);
	return n;
}

static int parse_peek(struct casg_fasta *f, struct casg_err *err)
{
	int ret = casg_buf_check(&f->peek, err);

	if (ret)
		return ret;
	decide_facts(f, f->peek.data, f->peek.len);
	ret = parse(f, f->peek.data, f->peek.len, err);
	casg_buf_release(&f->peek);
	return ret;
}

int casg_fasta_feed(struct casg_fasta *f, const uint8_t *p, size_t n,
		    struct casg_err *err)
{
	int ret = 0;

	if (f->failed)
		return casg_err_set(err, CASG_EBUG, "feeding a parser that has failed");
	if (!n)
		return 0;
	f->nbytes += n;
	f->last_byte = p[n - 1];
	if (!f->decided) {
		size_t taken = fill_peek(f, p, n);

		p += taken;
		n -= taken;
		if (f->peek.len == CASG_FASTA_PEEK || f->peek.failed)
			ret = parse_peek(f, err);
	}
	if (!ret && n)
		ret = parse(f, p, n, err);
	f->failed = ret != 0;
	return ret;
}

static int finish(struct casg_fasta *f, struct casg_err *err)
{
	int ret = f->decided ? 0 : parse_peek(f, err);

	if (ret)
		return ret;
	f->error_offset = f->nbytes;
	if (f->state == IN_PROLOGUE || f->state == IN_PROLOGUE_COMMENT)
		return give_facts(f, err);
	if (f->state == IN_HEADER)
		ret = begin_record(f, f->header.data, f->header.len, 0, err);
	return ret ? ret : end_record(f, 1, err);
}

int casg_fasta_finish(struct casg_fasta *f, struct casg_err *err)
{
	int ret;

	if (f->failed)
		return casg_err_set(err, CASG_EBUG, "finishing a parser that has failed");
	ret = finish(f, err);
	f->failed = 1;
	return ret;
}
