#include "layout.h"

#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX

/* gcc 12 vectorises such loops at -O3 only. */
#if defined(__GNUC__) && !defined(__clang__)
#define VECTORISED __attribute__((optimize("O3")))
#else
#define VECTORISED
#endif

/* What the record before still owes the text. */
enum owed {
	OWED_NOTHING,
	OWED_CANONICAL,         /* its canonical last gap */
	OWED_BREAK              /* a line end, should a record follow */
};

struct casg_layout {
	struct casg_facts facts;
	int started;            /* the prologue is written */
	int in_record;
	enum owed owed;
	const char *owed_gap;
	size_t owed_len;

	uint64_t nresidues;
	uint64_t pos;           /* residues written */
	uint64_t width;
	uint64_t next_break;
	int header_cr;

	struct casg_buf pres;
	const char *mask;       /* the runs not reached yet */
	const char *mask_end;
	uint64_t run_end;       /* where the present run ends */
	int lower;
	const char *gaps;       /* the gaps not reached yet, at BYTES */
	const char *gaps_end;
	uint64_t gap_at;
	struct casg_buf gap;
};

/* Numbers: decimal, no leading zero, at most CASG_RESIDUES_MAX. */
static int read_number(const char **p, const char *end, uint64_t *out)
{
	const char *s = *p;
	uint64_t v = 0;

	while (s < end && *s >= '0' && *s <= '9' && s - *p < 20) {
		v = v * 10 + (uint64_t)(*s++ - '0');
		if (v > CASG_RESIDUES_MAX)
			return -1;
	}
	if (s == *p || (**p == '0' && s - *p > 1))
		return -1;
	*p = s;
	*out = v;
	return 0;
}

static int is_plain(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '_';
}

size_t casg_percent_length(const void *p, size_t n)
{
	const uint8_t *s = p;
	size_t len = n;

	for (size_t i = 0; i < n; i++)
		if (!is_plain(s[i]))
			len += 2;
	return len;
}

void casg_percent_encode(struct casg_buf *out, const void *p, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";
	const uint8_t *s = p;

	for (size_t i = 0; i < n; i++) {
		char code[3] = { '%', digits[s[i] >> 4], digits[s[i] & 15] };

		if (is_plain(s[i]))
			casg_buf_addch(out, s[i]);
		else
			casg_buf_add(out, code, 3);
	}
}

static int upper_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int casg_percent_decode(struct casg_buf *out, const char *text, size_t n,
			struct casg_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int hi, lo, c;

		if (is_plain((uint8_t)text[i])) {
			casg_buf_addch(out, text[i]);
			continue;
		}
		hi = text[i] == '%' && n - i > 2 ? upper_hex(text[i + 1]) : -1;
		lo = hi < 0 ? -1 : upper_hex(text[i + 2]);
		c = lo < 0 ? 0 : hi << 4 | lo;
		if (!c || is_plain((uint8_t)c))
			return casg_err_set(err, CASG_ECORRUPT,
					    "bad percent encoding");
		casg_buf_addch(out, c);
		i += 2;
	}
	return casg_buf_check(out, err);
}

/*
 * Walk white space and comment lines.  'bol': at the start of a line; in, out:
 * where the walk stands.  -1 at anything else, and at NUL.
 */
static int walk_gap(const uint8_t *p, size_t n, int *bol, int *comment)
{
	for (size_t i = 0; i < n; i++) {
		if (!p[i])
			return -1;
		if (p[i] == '\n') {
			*bol = 1;
			*comment = 0;
			continue;
		}
		if (*bol && p[i] == ';')
			*comment = 1;
		if (!*comment && !casg_is_blank(p[i]))
			return -1;
		*bol = 0;
	}
	return 0;
}

int casg_prologue_check(const uint8_t *p, size_t n, struct casg_err *err)
{
	int bol = 1, comment = 0;

	if (walk_gap(p, n, &bol, &comment))
		return casg_err_set(err, CASG_ECORRUPT,
				    "a prologue holds more than blank and comment lines");
	return 0;
}

void casg_facts_init(struct casg_facts *f)
{
	memset(f, 0, sizeof(*f));
	f->width = CASG_DEFAULT_WIDTH;
	f->final_newline = 1;
}

void casg_facts_release(struct casg_facts *f)
{
	casg_buf_release(&f->prologue);
	casg_facts_init(f);
}

int casg_facts_copy(struct casg_facts *to, const struct casg_facts *from,
		    struct casg_err *err)
{
	to->width = from->width;
	to->crlf = from->crlf;
	to->final_newline = from->final_newline;
	if (to == from)
		return 0;
	casg_buf_reset(&to->prologue);
	casg_buf_add(&to->prologue, from->prologue.data, from->prologue.len);
	return casg_buf_check(&to->prologue, err);
}

int casg_facts_format_ex(struct casg_buf *out, const struct casg_facts *f,
			 const struct casg_oid *prologue_oid)
{
	casg_buf_addstr(out, "#casg width=");
	casg_buf_add_u64(out, f->width);
	casg_buf_addstr(out, f->crlf ? " eol=crlf" : " eol=lf");
	casg_buf_addstr(out, f->final_newline ? " final-newline=yes" :
						" final-newline=no");
	if (prologue_oid) {
		casg_buf_addstr(out, " prologue=@");
		casg_oid_addhex(out, prologue_oid);
	} else if (f->prologue.len) {
		casg_buf_addstr(out, " prologue=");
		casg_percent_encode(out, f->prologue.data, f->prologue.len);
	}
	return casg_buf_check(out, NULL);
}

int casg_facts_format(struct casg_buf *out, const struct casg_facts *f)
{
	return casg_facts_format_ex(out, f, NULL);
}

static int text_is(const char *p, size_t n, const char *s)
{
	return n == strlen(s) && !memcmp(p, s, n);
}

static int parse_prologue(struct casg_facts *f, struct casg_oid *oid_out,
			  int *has_oid_out, const char *p, size_t n,
			  struct casg_err *err)
{
	int ret;

	casg_buf_reset(&f->prologue);
	if (n && *p == '@') {
		if (casg_oid_parse(oid_out, p + 1, n - 1))
			return casg_err_set(err, CASG_ECORRUPT,
					    "bad prologue id in a facts line");
		*has_oid_out = 1;
		return 0;
	}
	ret = casg_percent_decode(&f->prologue, p, n, err);
	if (ret)
		return ret;
	return casg_prologue_check(f->prologue.data, f->prologue.len, err);
}

static int parse_width(struct casg_facts *f, const char *p, size_t n,
		       struct casg_err *err)
{
	const char *end = p + n;

	if (read_number(&p, end, &f->width) || p != end)
		return casg_err_set(err, CASG_ECORRUPT,
				    "bad width in a facts line");
	return 0;
}

/* One name=value; sets its bit in *seen. */
static int parse_fact(struct casg_facts *f, struct casg_oid *oid_out,
		      int *has_oid_out, unsigned *seen, const char *p, size_t n,
		      struct casg_err *err)
{
	static const char *const names[] = {
		"width", "eol", "final-newline", "prologue"
	};
	const char *eq = memchr(p, '=', n);
	size_t nlen = eq ? (size_t)(eq - p) : n;
	size_t vlen = eq ? n - nlen - 1 : 0;
	unsigned which = 0;

	while (which < 4 && !text_is(p, nlen, names[which]))
		which++;
	if (which == 4)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "unknown name '%.*s' in a facts line",
				    (int)(nlen < 64 ? nlen : 64), p);
	if (!eq || *seen & 1u << which)
		return casg_err_set(err, CASG_ECORRUPT,
				    "%s has no value or two in a facts line",
				    names[which]);
	*seen |= 1u << which;
	eq++;
	if (which == 0)
		return parse_width(f, eq, vlen, err);
	if (which == 3)
		return parse_prologue(f, oid_out, has_oid_out, eq, vlen, err);
	if (which == 1 && (text_is(eq, vlen, "lf") || text_is(eq, vlen, "crlf")))
		f->crlf = vlen == 4;
	else if (which == 2 && (text_is(eq, vlen, "yes") || text_is(eq, vlen, "no")))
		f->final_newline = vlen == 3;
	else
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "unknown value of %s in a facts line",
				    names[which]);
	return 0;
}

int casg_facts_parse(struct casg_facts *f, struct casg_oid *prologue_oid_out,
		     int *has_prologue_oid_out, const char *line, size_t n,
		     struct casg_err *err)
{
	struct casg_facts next;
	unsigned seen = 0;
	size_t at = 5;
	int ret;

	*has_prologue_oid_out = 0;
	if (n < 5 || memcmp(line, "#casg", 5))
		return casg_err_set(err, CASG_ECORRUPT, "not a facts line");
	casg_facts_init(&next);
	ret = casg_facts_copy(&next, f, err);
	while (!ret && at < n) {
		const char *p = line + at + 1, *sp;
		size_t len = n - at - 1;

		if (line[at] != ' ') {
			ret = casg_err_set(err, CASG_ECORRUPT,
					   "not a facts line");
			break;
		}
		sp = memchr(p, ' ', len);
		if (sp)
			len = (size_t)(sp - p);
		ret = parse_fact(&next, prologue_oid_out, has_prologue_oid_out,
				 &seen, p, len, err);
		at += len + 1;
	}
	if (ret) {
		*has_prologue_oid_out = 0;
		casg_facts_release(&next);
		return ret;
	}
	casg_facts_release(f);
	*f = next;
	return 0;
}

const char *casg_gap_canonical(int crlf, enum casg_gap_place place, int next,
			       size_t *nbytes_out)
{
	static const char text[] = "\r\n ";
	int special = next == '>' || next == ';';
	size_t from, to = 2;

	crlf |= place == CASG_GAP_HEADER_CR;
	from = crlf ? 0 : 1;
	if (place == CASG_GAP_INNER || (place == CASG_GAP_BREAK && special))
		from = to;
	else if (special && place != CASG_GAP_END)
		to = 3;
	*nbytes_out = to - from;
	return text + from;
}

/*
 * May these bytes stand at this place?  'next' as in casg_gap_canonical; the
 * text after a last gap is either its end or, after a line end that the
 * writer adds where needed, a record.
 */
static int gap_is_legal(enum casg_gap_place place, int next, const uint8_t *p,
			size_t n)
{
	int bol = 0, comment = 0;
	size_t i = 0;

	if (place == CASG_GAP_HEADER || place == CASG_GAP_HEADER_CR) {
		if (n && p[0] == '\r')
			i = 1;
		else if (place == CASG_GAP_HEADER_CR)
			return 0;
		if (i >= n || p[i] != '\n')
			return 0;
	}
	if (n && walk_gap(p + i, n - i, &bol, &comment))
		return 0;
	if (next < 0)
		return 1;
	return !comment && !(bol && (next == '>' || next == ';'));
}

struct casg_layout *casg_layout_new(const struct casg_facts *facts)
{
	struct casg_layout *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	casg_facts_init(&l->facts);
	if (casg_facts_copy(&l->facts, facts, NULL)) {
		casg_layout_free(l);
		return NULL;
	}
	return l;
}

void casg_layout_free(struct casg_layout *l)
{
	if (!l)
		return;
	casg_facts_release(&l->facts);
	casg_buf_release(&l->pres);
	casg_buf_release(&l->gap);
	free(l);
}

int casg_layout_set_facts(struct casg_layout *l, const struct casg_facts *facts,
			  struct casg_err *err)
{
	return casg_facts_copy(&l->facts, facts, err);
}

static void add_line_end(struct casg_layout *l, struct casg_buf *out)
{
	casg_buf_addstr(out, l->facts.crlf ? "\r\n" : "\n");
}

static int write_prologue(struct casg_layout *l, struct casg_buf *out,
			  struct casg_err *err)
{
	const struct casg_buf *p = &l->facts.prologue;
	int ret = casg_prologue_check(p->data, p->len, err);

	if (ret)
		return ret;
	l->started = 1;
	casg_buf_add(out, p->data, p->len);
	return 0;
}

/* Everything that has to stand before a '>'. */
static int write_between(struct casg_layout *l, struct casg_buf *out,
			 struct casg_err *err)
{
	if (!l->started) {
		const struct casg_buf *p = &l->facts.prologue;
		int ret = write_prologue(l, out, err);

		if (ret)
			return ret;
		if (p->len && p->data[p->len - 1] != '\n')
			add_line_end(l, out);
	}
	if (l->owed == OWED_CANONICAL)
		casg_buf_add(out, l->owed_gap, l->owed_len);
	else if (l->owed == OWED_BREAK)
		add_line_end(l, out);
	l->owed = OWED_NOTHING;
	return 0;
}

static int check_header(const char *key, size_t klen, const char *desc,
			size_t dlen, struct casg_err *err)
{
	if (klen > CASG_KEY_MAX)
		return casg_err_set(err, CASG_ECORRUPT,
				    "a key is longer than %d bytes", CASG_KEY_MAX);
	for (size_t i = 0; i < klen; i++)
		if ((unsigned char)key[i] <= ' ' &&
		    (!key[i] || key[i] == '\n' || casg_is_blank(key[i])))
			return casg_err_set(err, CASG_ECORRUPT,
					    "a key holds white space or NUL");
	if (dlen && !casg_is_blank(*desc))
		return casg_err_set(err, CASG_ECORRUPT,
				    "a description does not begin with white space");
	if (dlen && (memchr(desc, '\n', dlen) || memchr(desc, 0, dlen)))
		return casg_err_set(err, CASG_ECORRUPT,
				    "a description holds LF or NUL");
	return 0;
}

static int bad_pres(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "bad presentation: %s", what);
}

static int check_mask(const char *p, const char *end, uint64_t nresidues,
		      struct casg_err *err)
{
	uint64_t sum = 0, run;
	unsigned odd = 0;

	for (size_t i = 0;; i++) {
		if (read_number(&p, end, &run) || (!run && i))
			return bad_pres(err, "a case run is no number");
		if (run > nresidues - sum)
			return bad_pres(err, "case runs exceed the sequence");
		sum += run;
		odd ^= 1;
		if (p == end)
			break;
		if (*p++ != '.')
			return bad_pres(err, "case runs are not joined by '.'");
	}
	return odd ? bad_pres(err, "the last case run is not lower") : 0;
}

int casg_layout_case(const char *pres, size_t preslen, uint64_t nresidues, uint64_t at,
		     uint8_t *p, size_t n, struct casg_err *err)
{
	const char *q = pres, *end = pres + preslen, *token_end = end;
	uint64_t pos = 0, run;
	int rc;

	for (; q < end && *q != 'c'; q = token_end < end ? token_end + 1 : end) {
		token_end = memchr(q, ';', (size_t)(end - q));
		if (!token_end)
			token_end = end;
	}
	if (q == end)
		return 0;
	token_end = memchr(q, ';', (size_t)(end - q));
	if (!token_end)
		token_end = end;
	q++;
	rc = check_mask(q, token_end, nresidues, err);
	for (int lower = 0; !rc && q < token_end && pos < at + n; lower = !lower, q++) {
		read_number(&q, token_end, &run);
		for (uint64_t i = pos > at ? pos : at; lower && i < pos + run && i < at + n; i++)
			p[i - at] |= (uint8_t)(p[i - at] - 'A') < 26 ? 0x20 : 0;
		pos += run;
	}
	return rc;
}

static int check_gaps(struct casg_layout *l, const char *p, const char *end,
		      struct casg_err *err)
{
	uint64_t at = 0, step;

	for (size_t i = 0;; i++) {
		const char *bytes, *dot;
		int ret;

		if (read_number(&p, end, &step) || (!step && i))
			return bad_pres(err, "a gap offset is no number");
		if (step > l->nresidues - at)
			return bad_pres(err, "a gap lies beyond the sequence");
		at += step;
		if (p == end || *p++ != ':')
			return bad_pres(err, "a gap has no bytes");
		bytes = p;
		dot = memchr(p, '.', (size_t)(end - p));
		p = dot ? dot : end;
		casg_buf_reset(&l->gap);
		ret = casg_percent_decode(&l->gap, bytes, (size_t)(p - bytes), err);
		if (ret)
			return ret;
		if (!dot)
			return 0;
		p++;
	}
}

/* Step to the next run of the mask; its text has been checked. */
static void next_run(struct casg_layout *l, int lower)
{
	uint64_t run;

	l->lower = lower;
	if (l->mask == l->mask_end || read_number(&l->mask, l->mask_end, &run)) {
		l->lower = 0;
		l->run_end = NEVER;
		return;
	}
	if (l->mask < l->mask_end)
		l->mask++;
	l->run_end += run;
}

/* The same for the gaps; leaves l->gaps at the bytes. */
static void next_gap(struct casg_layout *l)
{
	uint64_t step;

	if (l->gaps == l->gaps_end || read_number(&l->gaps, l->gaps_end, &step)) {
		l->gap_at = NEVER;
		return;
	}
	l->gaps++;
	l->gap_at += step;
}

static int parse_token(struct casg_layout *l, const char *p, const char *end,
		       struct casg_err *err)
{
	int kind = *p++, ret;

	if (kind == 'w') {
		if (read_number(&p, end, &l->width) || p != end)
			return bad_pres(err, "the width is no number");
		return 0;
	}
	if (kind == 'c') {
		ret = check_mask(p, end, l->nresidues, err);
		l->mask = p;
		l->mask_end = end;
	} else {
		ret = check_gaps(l, p, end, err);
		l->gaps = p;
		l->gaps_end = end;
	}
	return ret;
}

static int parse_presentation(struct casg_layout *l, const char *pres,
			      size_t preslen, struct casg_err *err)
{
	static const char order[] = "wcg";
	const char *allowed = order, *p, *end;

	if (!preslen)
		return bad_pres(err, "it is empty");
	casg_buf_reset(&l->pres);
	casg_buf_add(&l->pres, pres, preslen);
	if (casg_buf_check(&l->pres, err))
		return CASG_ENOMEM;
	p = (const char *)l->pres.data;
	end = p + preslen;
	for (;;) {
		const char *semi, *kind;
		int ret;

		semi = p < end ? memchr(p, ';', (size_t)(end - p)) : NULL;
		kind = p < end && *p ? strchr(allowed, *p) : NULL;
		if (!kind)
			return bad_pres(err, "a token is unknown or out of order");
		allowed = kind + 1;
		ret = parse_token(l, p, semi ? semi : end, err);
		if (ret || !semi)
			return ret;
		p = semi + 1;
	}
}

int casg_layout_begin(struct casg_layout *l, const char *key, size_t klen,
		      const char *desc, size_t dlen, uint64_t nresidues,
		      const char *pres, size_t preslen, struct casg_buf *out,
		      struct casg_err *err)
{
	int ret;

	if (l->in_record)
		return casg_err_set(err, CASG_EBUG, "a record is not ended");
	if (nresidues > CASG_RESIDUES_MAX)
		return casg_err_set(err, CASG_ECORRUPT, "a length is out of range");
	ret = check_header(key, klen, desc, dlen, err);
	if (ret)
		return ret;
	l->nresidues = nresidues;
	l->pos = 0;
	l->width = l->facts.width;
	l->mask = l->mask_end = l->gaps = l->gaps_end = NULL;
	l->run_end = l->gap_at = 0;
	if (!(preslen == 1 && *pres == '-')) {
		ret = parse_presentation(l, pres, preslen, err);
		if (ret)
			return ret;
	}
	l->next_break = l->width ? l->width : NEVER;
	next_run(l, 0);
	next_gap(l);
	ret = write_between(l, out, err);
	if (ret)
		return ret;
	casg_buf_addch(out, '>');
	casg_buf_add(out, key, klen);
	casg_buf_add(out, desc, dlen);
	l->header_cr = dlen && desc[dlen - 1] == '\r';
	l->in_record = 1;
	return casg_buf_check(out, err);
}

static enum casg_gap_place place_here(const struct casg_layout *l)
{
	if (!l->pos)
		return l->header_cr ? CASG_GAP_HEADER_CR : CASG_GAP_HEADER;
	if (l->pos == l->nresidues)
		return CASG_GAP_END;
	return l->pos == l->next_break ? CASG_GAP_BREAK : CASG_GAP_INNER;
}

/* Decode the gap that the presentation gives for here, and step on. */
static int explicit_gap(struct casg_layout *l, enum casg_gap_place place,
			int next, struct casg_err *err)
{
	const char *dot = memchr(l->gaps, '.', (size_t)(l->gaps_end - l->gaps));
	const char *end = dot ? dot : l->gaps_end;
	int ret;

	casg_buf_reset(&l->gap);
	ret = casg_percent_decode(&l->gap, l->gaps, (size_t)(end - l->gaps), err);
	if (ret)
		return ret;
	if (!gap_is_legal(place, next, l->gap.data, l->gap.len))
		return bad_pres(err, "a gap would change the record");
	l->gaps = dot ? dot + 1 : end;
	next_gap(l);
	return 0;
}

/* The gap before residue 'next', which stands at l->pos. */
static int write_gap(struct casg_layout *l, int next, struct casg_buf *out,
		     struct casg_err *err)
{
	enum casg_gap_place place = place_here(l);
	const char *gap;
	size_t n;
	int ret;

	if (l->pos == l->next_break)
		l->next_break += l->width;
	if (l->pos == l->gap_at) {
		ret = explicit_gap(l, place, next, err);
		if (ret)
			return ret;
		casg_buf_add(out, l->gap.data, l->gap.len);
		return 0;
	}
	gap = casg_gap_canonical(l->facts.crlf, place, next, &n);
	casg_buf_add(out, gap, n);
	return 0;
}

/* 1 unless every byte is an upper-cased residue. */
VECTORISED
static int any_foreign(const uint8_t *p, size_t n)
{
	uint8_t seen = 0, bad = 0;

	/* all but a few residues lie in 0x21 .. 0x60, which is cheap to see */
	for (size_t i = 0; i < n; i++)
		seen |= (uint8_t)(p[i] - 0x21);
	if (!(seen & 0xc0))
		return 0;
	for (size_t i = 0; i < n; i++)
		bad |= (uint8_t)(((uint8_t)(p[i] - 0x21) > 0x7e - 0x21) |
				 ((uint8_t)(p[i] - 'a') < 26));
	return bad;
}

VECTORISED
static void copy_lower(uint8_t *dst, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = (uint8_t)(src[i] |
				   ((uint8_t)(src[i] - 'A') < 26 ? 0x20 : 0));
}

/*
 * Whole lines, as many as end before p[n], each with the break behind it;
 * returns the residues taken.  Copies in steps of 16, beyond the line's end
 * where there is room: the next step overwrites that.
 */
static size_t write_lines(struct casg_layout *l, const uint8_t *p, size_t n,
			  struct casg_buf *out)
{
	size_t width = (size_t)l->width, eol = l->facts.crlf ? 2 : 1, at = 0;
	uint8_t *dst;

	if (n <= l->width ||
	    casg_buf_grow(out, n + (n / width + 1) * eol + 16))
		return 0;
	dst = out->data + out->len;
	for (; n - at > width; at += width) {
		const uint8_t *src = p + at;

		if (n - at >= width + 16 && width <= 256) {
			for (size_t i = 0; i < width; i += 16)
				memcpy(dst + i, src + i, 16);
		} else {
			memcpy(dst, src, width);
		}
		dst += width;
		if (src[width] == '>' || src[width] == ';')
			continue;
		if (eol == 2)
			*dst++ = '\r';
		*dst++ = '\n';
	}
	out->len = (size_t)(dst - out->data);
	l->pos += at;
	l->next_break += at;
	return at;
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void write_piece(struct casg_layout *l, const uint8_t *p, size_t n,
			struct casg_buf *out)
{
	if (!l->lower) {
		casg_buf_add(out, p, n);
	} else if (!casg_buf_grow(out, n)) {
		copy_lower(out->data + out->len, p, n);
		out->len += n;
	}
	l->pos += n;
}

int casg_layout_feed(struct casg_layout *l, const uint8_t *residues, size_t n,
		     struct casg_buf *out, struct casg_err *err)
{
	const uint8_t *p = residues, *end;

	if (!n)
		return 0;
	end = p + n;
	if (!l->in_record || n > l->nresidues - l->pos)
		return casg_err_set(err, CASG_EBUG, "more residues than announced");
	if (any_foreign(p, n))
		return casg_err_set(err, CASG_ECORRUPT,
				    "a sequence holds a byte that is no residue");
	while (p < end) {
		uint64_t stop;
		int ret;

		if (!l->pos || l->pos == l->next_break || l->pos == l->gap_at) {
			ret = write_gap(l, *p, out, err);
			if (ret)
				return ret;
		}
		while (l->pos == l->run_end)
			next_run(l, !l->lower);
		stop = min64(l->pos + (uint64_t)(end - p),
			     min64(l->gap_at, l->run_end));
		if (!l->lower && l->width &&
		    l->next_break - l->pos == l->width)
			p += write_lines(l, p, (size_t)(stop - l->pos), out);
		stop = min64(stop, l->next_break) - l->pos;
		write_piece(l, p, (size_t)stop, out);
		p += stop;
	}
	return casg_buf_check(out, err);
}

int casg_layout_end(struct casg_layout *l, struct casg_buf *out,
		    struct casg_err *err)
{
	enum casg_gap_place place = place_here(l);
	int ret;

	if (!l->in_record || l->pos != l->nresidues)
		return casg_err_set(err, CASG_EBUG, "fewer residues than announced");
	l->in_record = 0;
	if (l->gap_at == l->pos) {
		ret = explicit_gap(l, place, -1, err);
		if (ret)
			return ret;
		casg_buf_add(out, l->gap.data, l->gap.len);
		l->owed = l->gap.len && l->gap.data[l->gap.len - 1] == '\n' ?
			  OWED_NOTHING : OWED_BREAK;
	} else {
		l->owed_gap = casg_gap_canonical(l->facts.crlf, place, -1,
						 &l->owed_len);
		l->owed = OWED_CANONICAL;
	}
	return casg_buf_check(out, err);
}

int casg_layout_finish(struct casg_layout *l, struct casg_buf *out,
		       struct casg_err *err)
{
	int ret;

	if (l->in_record)
		return casg_err_set(err, CASG_EBUG, "a record is not ended");
	if (!l->started) {
		ret = write_prologue(l, out, err);
		if (ret)
			return ret;
	}
	if (l->owed == OWED_CANONICAL && l->facts.final_newline)
		casg_buf_add(out, l->owed_gap, l->owed_len);
	l->owed = OWED_NOTHING;
	return casg_buf_check(out, err);
}
