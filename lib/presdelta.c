#include "presdelta.h"

#include <stdlib.h>

#include "array.h"
#include "orderdelta.h"
#include "sum.h"
#include "varint.h"

#define HEAD_NBYTES (sizeof(CASG_PRESENTATION_HEAD) - 1)
#define NONE UINT32_MAX
#define POSITION_MAX ((uint64_t)1 << 62)

enum { OP_LINES, OP_TEXTS, OP_NEW, OPS };

/* Lines of the base that are looked at before the table of them all. */
enum { NEAR = 16 };

/* A text from here on is taken from afar for its own sake. */
enum { LONG = 32 };

struct line {
	const uint8_t *text;
	uint64_t gap;
	uint32_t n;
};

struct object {
	const uint8_t *head;
	size_t head_n;
	struct line *v;
	size_t n, cap;
};

static int corrupt(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "corrupt presentation: %s", what);
}

int casg_presdelta_is(const uint8_t *p, size_t n)
{
	return n >= HEAD_NBYTES && !memcmp(p, CASG_PRESENTATION_HEAD, HEAD_NBYTES);
}

/* ---- whole presentations ----------------------------------------------- */

static int is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* "<position> <text>", without its LF. */
static int parse_line(const uint8_t *p, const uint8_t *lf, uint64_t next, struct line *out,
		      uint64_t *position_out, struct casg_err *err)
{
	uint64_t v = 0;
	const uint8_t *d = p;

	for (; d < lf && is_digit(*d) && v < POSITION_MAX / 16; d++)
		v = 10 * v + (uint64_t)(*d - '0');
	if (d == p || d == lf || *d != ' ' || d + 1 == lf || (*p == '0' && d > p + 1) || v < next ||
	    lf - d > UINT32_MAX)
		return corrupt(err, "a line is malformed");
	*out = (struct line){ d + 1, v - next, (uint32_t)(lf - d - 1) };
	*position_out = v;
	return 0;
}

static int parse(const uint8_t *p, size_t nbytes, struct object *o, struct casg_err *err)
{
	const uint8_t *end = p + nbytes;
	uint64_t next = 0;
	int rc = 0;

	*o = (struct object){ .head = p };
	if (!casg_presdelta_is(p, nbytes))
		return corrupt(err, "it does not begin as one");
	if (nbytes > CASG_PRESDELTA_MAX)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "a presentation of so many bytes has no delta");
	while (p < end && !rc) {
		const uint8_t *lf = memchr(p, '\n', (size_t)(end - p));

		if (!lf)
			return corrupt(err, "its last line is cut short");
		if (!o->n && !is_digit(*p)) {
			p = lf + 1;
			o->head_n = (size_t)(p - o->head);
			continue;
		}
		if (CASG_GROW(o->v, o->n + 1, o->cap))
			return casg_err_nomem(err);
		rc = parse_line(p, lf, next, &o->v[o->n++], &next, err);
		next++;
		p = lf + 1;
	}
	return rc;
}

static int put_line(struct casg_buf *out, uint64_t *next, uint64_t gap, const uint8_t *text,
		    size_t n, struct casg_err *err)
{
	if (gap > POSITION_MAX || *next > POSITION_MAX)
		return corrupt(err, "a position is out of range");
	if (out->len + n > CASG_PRESDELTA_MAX)
		return corrupt(err, "it is longer than the limit");
	casg_buf_add_u64(out, *next + gap);
	casg_buf_addch(out, ' ');
	casg_buf_add(out, text, n);
	casg_buf_addch(out, '\n');
	*next += gap + 1;
	return 0;
}

/* ---- making ------------------------------------------------------------ */

struct maker {
	struct object base, target;
	uint32_t *table;  /* numbers of lines of the base, by the hash of their texts */
	size_t mask;
	uint64_t behind;  /* of the base: the line behind the last that was taken */
	struct casg_buf *out;
};

static int same_text(const struct maker *m, size_t b, size_t t)
{
	const struct line *x = &m->base.v[b], *y = &m->target.v[t];

	return x->n == y->n && !memcmp(x->text, y->text, x->n);
}

/* The place of a text, or the free one where it would be. */
static uint32_t *slot(const struct maker *m, const struct line *l)
{
	size_t i = (size_t)casg_xxh64(0, l->text, l->n) & m->mask;

	while (m->table[i] != NONE) {
		const struct line *x = &m->base.v[m->table[i]];

		if (x->n == l->n && !memcmp(x->text, l->text, l->n))
			break;
		i = (i + 1) & m->mask;
	}
	return &m->table[i];
}

static int make_table(struct maker *m, struct casg_err *err)
{
	size_t cap = 16;

	while (cap < 2 * m->base.n)
		cap *= 2;
	m->mask = cap - 1;
	m->table = malloc(cap * sizeof(*m->table));
	if (!m->table)
		return casg_err_nomem(err);
	memset(m->table, 0xff, cap * sizeof(*m->table));
	for (size_t i = 0; i < m->base.n; i++) {
		uint32_t *s = slot(m, &m->base.v[i]);

		if (*s == NONE)
			*s = (uint32_t)i;
	}
	return 0;
}

/* Does the base go on behind line b as the target does behind t? */
static int goes_on(const struct maker *m, size_t b, size_t t)
{
	return b + 1 < m->base.n && t + 1 < m->target.n && same_text(m, b + 1, t + 1);
}

/*
 * The line of the base with the text of line t: the next one, or one near that
 * or anywhere, if it is not by chance: many records may have the same short text.
 */
static uint32_t find(const struct maker *m, size_t t)
{
	size_t from = (size_t)m->behind;
	uint32_t far;

	if (from < m->base.n && same_text(m, from, t))
		return (uint32_t)from;
	for (size_t b = from + 1; b < m->base.n && b <= from + NEAR; b++)
		if (same_text(m, b, t) && goes_on(m, b, t))
			return (uint32_t)b;
	far = *slot(m, &m->target.v[t]);
	return far != NONE && (m->target.v[t].n >= LONG || goes_on(m, far, t)) ? far : NONE;
}

static void put_op(struct maker *m, size_t n, int op)
{
	casg_varint_add(m->out, OPS * (uint64_t)n + (uint64_t)op);
}

/* From lines t and b on: what has the same texts; how many. */
static size_t put_run(struct maker *m, size_t b, size_t t)
{
	const struct line *x = m->base.v, *y = m->target.v;
	size_t n = 0, k;
	int same = x[b].gap == y[t].gap;

	while (b + n < m->base.n && t + n < m->target.n && same_text(m, b + n, t + n) &&
	       (x[b + n].gap == y[t + n].gap) == same)
		n++;
	put_op(m, n, same ? OP_LINES : OP_TEXTS);
	casg_varint_add(m->out, casg_zigzag((int64_t)b - (int64_t)m->behind));
	for (k = 0; k < n && !same; k++)
		casg_varint_add(m->out, y[t + k].gap);
	m->behind = b + n;
	return n;
}

/* From line t on: what the base has not; how many. */
static size_t put_new(struct maker *m, size_t t)
{
	size_t n = 1;

	while (t + n < m->target.n && find(m, t + n) == NONE)
		n++;
	put_op(m, n, OP_NEW);
	for (size_t i = t; i < t + n; i++) {
		casg_varint_add(m->out, m->target.v[i].gap);
		casg_varint_add(m->out, m->target.v[i].n);
		casg_buf_add(m->out, m->target.v[i].text, m->target.v[i].n);
	}
	return n;
}

static void put_ops(struct maker *m)
{
	for (size_t t = 0; t < m->target.n; ) {
		uint32_t b = find(m, t);

		t += b == NONE ? put_new(m, t) : put_run(m, b, t);
	}
}

static void put_head(struct maker *m)
{
	const struct object *b = &m->base, *t = &m->target;

	if (b->head_n == t->head_n && !memcmp(b->head, t->head, t->head_n)) {
		casg_varint_add(m->out, 0);
	} else {
		casg_varint_add(m->out, t->head_n);
		casg_buf_add(m->out, t->head, t->head_n);
	}
	casg_varint_add(m->out, t->n);
}

int casg_presdelta_make(const uint8_t *base, size_t base_n, const uint8_t *target,
			size_t target_n, struct casg_buf *out, struct casg_err *err)
{
	struct maker m = { .out = out };
	int rc = parse(base, base_n, &m.base, err);

	if (!rc)
		rc = parse(target, target_n, &m.target, err);
	if (!rc)
		rc = make_table(&m, err);
	if (!rc) {
		put_head(&m);
		put_ops(&m);
		rc = casg_buf_check(out, err);
	}
	free(m.base.v);
	free(m.target.v);
	free(m.table);
	return rc;
}

int casg_presdelta_member(const struct casg_oid *base_id, const uint8_t *base, size_t base_n,
			  const struct casg_oid *id, const uint8_t *target, size_t target_n,
			  struct casg_buf *out, struct casg_err *err)
{
	struct casg_orderdelta d = { .id = *id, .nbytes = target_n, .base = *base_id };
	struct casg_buf delta = CASG_BUF_INIT;
	int rc = casg_presdelta_make(base, base_n, target, target_n, &delta, err);

	if (!rc && delta.len + 2 * CASG_OID_RAWSZ < target_n / 2) {
		d.delta = delta.data;
		d.delta_n = delta.len;
		casg_orderdelta_encode(&d, out);
		rc = casg_buf_check(out, err);
		rc = rc ? rc : 1;
	}
	casg_buf_release(&delta);
	return rc;
}

/* ---- applying ---------------------------------------------------------- */

struct reader {
	const uint8_t *p, *end;
	struct object base;
	uint64_t left;    /* lines to be made */
	int64_t behind;
	uint64_t next;    /* position behind the last line */
	struct casg_buf *out;
	struct casg_err *err;
};

static int malformed(struct reader *r)
{
	return corrupt(r->err, "its differences are malformed");
}

/* Bytes as they are, counted. */
static int take(struct reader *r, const uint8_t **out, uint64_t *n_out)
{
	if (casg_varint_get(&r->p, r->end, n_out) || *n_out > (uint64_t)(r->end - r->p))
		return malformed(r);
	*out = r->p;
	r->p += *n_out;
	return 0;
}

static int take_head(struct reader *r)
{
	const uint8_t *p = NULL;
	uint64_t n = 0;
	int rc = take(r, &p, &n);

	if (rc)
		return rc;
	if (n && !casg_presdelta_is(p, (size_t)n))
		return malformed(r);
	casg_buf_add(r->out, n ? p : r->base.head, n ? (size_t)n : r->base.head_n);
	return 0;
}

static int new_lines(struct reader *r, uint64_t n)
{
	uint64_t gap, len = 0;
	const uint8_t *p = NULL;
	int rc = 0;

	for (; n && !rc; n--) {
		if (casg_varint_get(&r->p, r->end, &gap))
			return malformed(r);
		rc = take(r, &p, &len);
		if (!rc && (!len || memchr(p, '\n', (size_t)len)))
			return malformed(r);
		if (!rc)
			rc = put_line(r->out, &r->next, gap, p, (size_t)len, r->err);
	}
	return rc;
}

static int old_lines(struct reader *r, uint64_t n, int op)
{
	uint64_t x, gap;
	int64_t from;
	int rc = 0;

	if (casg_varint_get(&r->p, r->end, &x) || x > (uint64_t)1 << 40)
		return malformed(r);
	from = r->behind + casg_unzigzag(x);
	if (from < 0 || (uint64_t)from > r->base.n || n > r->base.n - (uint64_t)from)
		return corrupt(r->err, "it copies what is not there");
	r->behind = from + (int64_t)n;
	for (const struct line *l = r->base.v + from; n && !rc; n--, l++) {
		gap = l->gap;
		if (op == OP_TEXTS && casg_varint_get(&r->p, r->end, &gap))
			return malformed(r);
		rc = put_line(r->out, &r->next, gap, l->text, l->n, r->err);
	}
	return rc;
}

static int do_op(struct reader *r)
{
	uint64_t v, n;

	if (casg_varint_get(&r->p, r->end, &v))
		return malformed(r);
	n = v / OPS;
	if (!n || n > r->left)
		return malformed(r);
	r->left -= n;
	return v % OPS == OP_NEW ? new_lines(r, n) : old_lines(r, n, (int)(v % OPS));
}

int casg_presdelta_apply(const uint8_t *base, size_t base_n, const uint8_t *delta,
			 size_t delta_n, struct casg_buf *out, struct casg_err *err)
{
	struct reader r = { .p = delta, .end = delta + delta_n, .out = out, .err = err };
	int rc = parse(base, base_n, &r.base, err);

	if (!rc)
		rc = take_head(&r);
	if (!rc && casg_varint_get(&r.p, r.end, &r.left))
		rc = malformed(&r);
	while (!rc && r.left)
		rc = do_op(&r);
	if (!rc && r.p != r.end)
		rc = corrupt(err, "bytes are left over");
	free(r.base.v);
	return rc ? rc : casg_buf_check(out, err);
}
