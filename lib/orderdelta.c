#include "orderdelta.h"

#include <stdlib.h>

#include "varint.h"

#define HEAD_NBYTES (sizeof(CASG_ORDER_HEAD) - 1)
#define NONE UINT32_MAX
#define POSITION_MAX ((uint64_t)1 << 33) /* zigzag of one */

enum { OP_COPY, OP_COME };

static int corrupt(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "corrupt order: %s", what);
}

/* ---- members ----------------------------------------------------------- */

void casg_orderdelta_encode(const struct casg_orderdelta *d, struct casg_buf *out)
{
	casg_buf_add(out, d->id.b, CASG_OID_RAWSZ);
	casg_varint_add(out, d->nbytes);
	casg_buf_add(out, d->base.b, CASG_OID_RAWSZ);
	casg_buf_add(out, d->delta, d->delta_n);
}

int casg_orderdelta_decode(struct casg_orderdelta *d, const uint8_t *p, size_t n,
			   struct casg_err *err)
{
	const uint8_t *end = p + n;

	if (n < 2 * CASG_OID_RAWSZ + 1)
		return corrupt(err, "it is cut short");
	memcpy(d->id.b, p, CASG_OID_RAWSZ);
	p += CASG_OID_RAWSZ;
	/* ten bytes a record, and its head */
	if (casg_varint_get(&p, end, &d->nbytes) ||
	    d->nbytes > CASG_ORDERDELTA_MAX * 10 + 64 || end - p < CASG_OID_RAWSZ)
		return corrupt(err, "its head is malformed");
	memcpy(d->base.b, p, CASG_OID_RAWSZ);
	d->delta = p + CASG_OID_RAWSZ;
	d->delta_n = (size_t)(end - d->delta);
	return 0;
}

/* ---- whole orders ------------------------------------------------------ */

/* The count, or a rank: there is room for it. */
static int take_number(struct casg_orderin *in, uint64_t v, struct casg_ranks *r,
		       struct casg_err *err)
{
	if (!in->counted) {
		if (v > CASG_ORDERDELTA_MAX)
			return casg_err_set(err, CASG_EUNSUPPORTED,
					    "an order of so many records has no delta");
		in->counted = 1;
		in->count = v;
		return 0;
	}
	if (r->n == in->count)
		return corrupt(err, "bytes are left over");
	in->last += 1 + (uint64_t)casg_unzigzag(v);
	if (in->last >= in->count)
		return corrupt(err, "a rank is malformed");
	r->v[r->n++] = (uint32_t)in->last;
	return 0;
}

static int bad_number(const struct casg_orderin *in, struct casg_err *err)
{
	return corrupt(err, in->counted ? "a rank is malformed" : "its count is malformed");
}

/* A number that began in the piece before. */
static int take_rest(struct casg_orderin *in, const uint8_t **p, const uint8_t *end,
		     struct casg_ranks *r, struct casg_err *err)
{
	const uint8_t *q = in->part;
	uint64_t v;

	while (in->npart < sizeof(in->part) && *p < end) {
		uint8_t c = *(*p)++;

		in->part[in->npart++] = c;
		if (c & 0x80)
			continue;
		if (casg_varint_get(&q, in->part + in->npart, &v))
			return bad_number(in, err);
		in->npart = 0;
		return take_number(in, v, r, err);
	}
	return *p < end ? bad_number(in, err) : 0;
}

/* Does no number end before 'end'? */
static int goes_on(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p & 0x80)
		p++;
	return p == end;
}

int casg_orderin_add(struct casg_orderin *in, const uint8_t *p, size_t n,
		     struct casg_rankroom *room, struct casg_ranks *r, struct casg_err *err)
{
	const uint8_t *end = p + n;
	uint64_t v;
	int rc = 0;

	while (p < end && in->nhead < HEAD_NBYTES)
		if (*p++ != (uint8_t)CASG_ORDER_HEAD[in->nhead++])
			return corrupt(err, "it does not begin as one");
	/* at most a rank a byte */
	rc = casg_ranks_reserve(room, r, r->n + (uint64_t)(end - p), err);
	if (!rc && in->npart)
		rc = take_rest(in, &p, end, r, err);
	while (!rc && p < end) {
		if (end - p < (ptrdiff_t)sizeof(in->part) && goes_on(p, end)) {
			in->npart = (size_t)(end - p);
			memcpy(in->part, p, in->npart);
			break;
		}
		rc = casg_varint_get(&p, end, &v) ? bad_number(in, err) :
						    take_number(in, v, r, err);
	}
	return rc;
}

int casg_orderin_end(const struct casg_orderin *in, const struct casg_ranks *r,
		     struct casg_err *err)
{
	if (in->nhead < HEAD_NBYTES)
		return corrupt(err, "it does not begin as one");
	return in->npart || !in->counted || r->n < in->count ? bad_number(in, err) : 0;
}

int casg_orderout_next(struct casg_orderout *o, struct casg_buf *out, size_t most)
{
	const struct casg_ranks *r = o->r;
	size_t end = most < SIZE_MAX - out->len ? out->len + most : SIZE_MAX;
	int64_t last = o->at ? (int64_t)r->v[o->at - 1] : -1;

	if (!o->begun) {
		casg_buf_addstr(out, CASG_ORDER_HEAD);
		casg_varint_add(out, r->n);
		o->begun = 1;
	}
	for (; o->at < r->n && out->len < end && !out->failed; o->at++) {
		casg_varint_add(out, casg_zigzag((int64_t)r->v[o->at] - last - 1));
		last = r->v[o->at];
	}
	return o->at < r->n && !out->failed;
}

/* Does each rank below the count come once?  A delta of anything else would not come back. */
static int check_once(struct casg_rankroom *room, struct casg_ranks *bits,
		      const struct casg_ranks *r, struct casg_err *err)
{
	int rc = casg_ranks_reserve(room, bits, r->n / 32 + 1, err);

	if (rc)
		return rc;
	memset(bits->v, 0, (r->n / 32 + 1) * sizeof(*bits->v));
	for (size_t i = 0; i < r->n; i++) {
		uint32_t v = r->v[i], bit = (uint32_t)1 << (v & 31);

		if (v >= r->n)
			return corrupt(err, "a rank is malformed");
		if (bits->v[v >> 5] & bit)
			return corrupt(err, "a rank comes twice");
		bits->v[v >> 5] |= bit;
	}
	return 0;
}

/* ---- the records that stay --------------------------------------------- */

/* Of r->v[from] to r->v[to - 1]: the first that is not below 'rank', or 'to'. */
static size_t lower_bound(const struct casg_ranks *r, size_t from, size_t to, uint64_t rank)
{
	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (r->v[mid] < rank)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/*
 * What becomes of the ranks of the base.  Few are gone and few have come as a rule:
 * what of them concerns a stretch of the ranks is found at once.
 */
struct renumber {
	const struct casg_ranks *gone, *come;
	int shift;
	struct stretch {
		uint32_t gone, come; /* numbers of those before it */
	} *at;
};

enum { STRETCHES = 1 << 14 };

/* How many have come before the k-th (from 0) of those that stay; of the first 'from' it is known. */
static size_t come_before(const struct casg_ranks *come, size_t from, size_t to, uint64_t k)
{
	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (come->v[mid] - mid <= k)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static int renumber_init(struct renumber *m, size_t nbase, const struct casg_ranks *gone,
			 const struct casg_ranks *come, struct casg_err *err)
{
	size_t n, g = 0, c = 0;

	*m = (struct renumber){ .gone = gone, .come = come };
	while (nbase >> m->shift >= STRETCHES)
		m->shift++;
	n = (nbase >> m->shift) + 1;
	m->at = malloc((n + 1) * sizeof(*m->at));
	if (!m->at)
		return casg_err_nomem(err);
	for (size_t i = 0; i <= n; i++) {
		uint64_t rank = (uint64_t)i << m->shift;

		while (g < gone->n && gone->v[g] < rank)
			g++;
		while (c < come->n && come->v[c] - c <= rank - g)
			c++;
		m->at[i] = (struct stretch){ (uint32_t)g, (uint32_t)c };
	}
	return 0;
}

static uint32_t new_rank(const struct renumber *m, uint32_t rank)
{
	const struct stretch *s = &m->at[rank >> m->shift];
	size_t g = s->gone;
	uint64_t k;

	if (s[0].gone < s[1].gone) {
		g = lower_bound(m->gone, g, s[1].gone, rank);
		if (g < m->gone->n && m->gone->v[g] == rank)
			return NONE;
	}
	k = rank - g;
	return (uint32_t)(k + come_before(m->come, s[0].come, s[1].come, k));
}

/*
 * The base's order, its ranks mapped to those of the target, without those
 * that are gone: in place.
 */
static int keep(struct casg_ranks *base, uint64_t ntarget, const struct casg_ranks *gone,
		const struct casg_ranks *come, struct casg_err *err)
{
	size_t nbase = base->n, n = 0;
	struct renumber m;
	int rc;

	if (gone->n > nbase || come->n > ntarget || nbase - gone->n != ntarget - come->n)
		return corrupt(err, "its counts do not add up");
	/* ranks of a tree that has more records than the order that goes with it */
	if ((gone->n && gone->v[gone->n - 1] >= nbase) ||
	    (come->n && come->v[come->n - 1] >= ntarget))
		return corrupt(err, "its ranks are out of range");
	rc = renumber_init(&m, nbase, gone, come, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < nbase; i++) {
		uint32_t v = new_rank(&m, base->v[i]);

		if (v != NONE)
			base->v[n++] = v;
	}
	free(m.at);
	base->n = n;
	return 0;
}

static void put_ranks(const struct casg_ranks *r, struct casg_buf *out)
{
	casg_varint_add(out, r->n);
	for (size_t i = 0; i < r->n; i++)
		casg_varint_add(out, i ? r->v[i] - r->v[i - 1] - 1 : r->v[i]);
}

static int get_ranks(const uint8_t **p, const uint8_t *end, uint64_t count,
		     struct casg_rankroom *room, struct casg_ranks *out, struct casg_err *err)
{
	uint64_t n, v, last = UINT64_MAX;
	int rc;

	if (casg_varint_get(p, end, &n) || n > (uint64_t)(end - *p) || n > count)
		return corrupt(err, "its lists are malformed");
	rc = casg_ranks_reserve(room, out, n, err);
	for (uint64_t i = 0; i < n && !rc; i++) {
		if (casg_varint_get(p, end, &v) || v >= count || (last += v + 1) >= count)
			return corrupt(err, "its lists are malformed");
		out->v[out->n++] = (uint32_t)last;
	}
	return rc;
}

/* ---- making ------------------------------------------------------------ */

struct maker {
	struct casg_rankroom *room;
	const struct casg_ranks *kept, *target, *come;
	struct casg_ranks at;  /* of each rank: where it stands in 'kept'; made when needed */
	size_t behind;         /* of what was copied last, in 'kept' */
	struct casg_err *err;
};

static int is_next(const struct maker *m, uint32_t rank)
{
	return m->behind < m->kept->n && m->kept->v[m->behind] == rank;
}

/* Which of those that have come, or all of them: none. */
static size_t come_index(const struct maker *m, uint32_t rank)
{
	size_t i = lower_bound(m->come, 0, m->come->n, rank);

	return i < m->come->n && m->come->v[i] == rank ? i : m->come->n;
}

/* Where a rank stands that has not come. */
static int find_kept(struct maker *m, uint32_t rank, size_t *out)
{
	*out = m->behind;
	if (is_next(m, rank))
		return 0;
	if (!m->at.n) {
		int rc = casg_ranks_reserve(m->room, &m->at, m->target->n, m->err);

		if (rc)
			return rc;
		m->at.n = m->target->n;
		for (size_t i = 0; i < m->kept->n; i++)
			m->at.v[m->kept->v[i]] = (uint32_t)i;
	}
	*out = m->at.v[rank];
	return 0;
}

/* From the i-th record of the target on: what stands so in the base; the number. */
static size_t put_copy(struct maker *m, size_t i, size_t from, struct casg_buf *out)
{
	const struct casg_ranks *t = m->target, *kept = m->kept;
	size_t n = 1;

	while (i + n < t->n && from + n < kept->n && t->v[i + n] == kept->v[from + n])
		n++;
	casg_varint_add(out, (uint64_t)n << 1 | OP_COPY);
	casg_varint_add(out, casg_zigzag((int64_t)from - (int64_t)m->behind));
	m->behind = from + n;
	return n;
}

/* The same of what has come; *last is the index of the one before. */
static size_t put_come(struct maker *m, size_t i, int64_t *last, struct casg_buf *out)
{
	const struct casg_ranks *t = m->target;
	size_t n = 1;

	while (i + n < t->n && !is_next(m, t->v[i + n]) && come_index(m, t->v[i + n]) < m->come->n)
		n++;
	casg_varint_add(out, (uint64_t)n << 1 | OP_COME);
	for (size_t k = i; k < i + n; k++) {
		int64_t index = (int64_t)come_index(m, t->v[k]);

		casg_varint_add(out, casg_zigzag(index - *last - 1));
		*last = index;
	}
	return n;
}

/* 1; 0 when it would be more than 'end' bytes. */
static int put_ops(struct maker *m, size_t end, struct casg_buf *out)
{
	int64_t last = -1;
	size_t from;
	int rc;

	for (size_t i = 0; i < m->target->n && out->len <= end; ) {
		uint32_t rank = m->target->v[i];

		if (!is_next(m, rank) && come_index(m, rank) < m->come->n) {
			i += put_come(m, i, &last, out);
			continue;
		}
		rc = find_kept(m, rank, &from);
		if (rc)
			return rc;
		i += put_copy(m, i, from, out);
	}
	return out->len <= end;
}

int casg_orderdelta_make(struct casg_rankroom *room, struct casg_ranks *base,
			 const struct casg_ranks *target, const struct casg_ranks *gone,
			 const struct casg_ranks *come, size_t most, struct casg_buf *out,
			 struct casg_err *err)
{
	struct maker m = { .room = room, .kept = base, .target = target, .come = come,
			   .err = err };
	size_t end = most < SIZE_MAX - out->len ? out->len + most : SIZE_MAX;
	int rc = check_once(room, &m.at, base, err);

	if (!rc)
		rc = check_once(room, &m.at, target, err);
	if (!rc) {
		casg_varint_add(out, base->n);
		casg_varint_add(out, target->n);
		rc = keep(base, target->n, gone, come, err);
	}
	/* each rank takes a byte at least */
	if (!rc && gone->n + come->n <= most) {
		put_ranks(gone, out);
		put_ranks(come, out);
		rc = put_ops(&m, end, out);
		if (rc > 0 && casg_buf_check(out, err))
			rc = CASG_ENOMEM;
	}
	room->release(room, &m.at);
	return rc;
}

/* ---- applying ---------------------------------------------------------- */

static int do_ops(const uint8_t *p, const uint8_t *end, const struct casg_ranks *kept,
		  const struct casg_ranks *come, struct casg_ranks *t, size_t nt,
		  struct casg_err *err)
{
	int64_t behind = 0, last = -1;
	uint64_t v, x;

	while (t->n < nt) {
		if (casg_varint_get(&p, end, &v) || !(v >> 1) || v >> 1 > nt - t->n)
			return corrupt(err, "its operations are malformed");
		if ((v & 1) == OP_COPY) {
			int64_t from;

			if (casg_varint_get(&p, end, &x) || x > POSITION_MAX)
				return corrupt(err, "its operations are malformed");
			from = behind + casg_unzigzag(x);
			v >>= 1;
			if (from < 0 || (uint64_t)from + v > kept->n)
				return corrupt(err, "it copies what is not there");
			memcpy(t->v + t->n, kept->v + from, (size_t)v * sizeof(*t->v));
			t->n += (size_t)v;
			behind = from + (int64_t)v;
			continue;
		}
		for (v >>= 1; v; v--) {
			if (casg_varint_get(&p, end, &x) || x > POSITION_MAX)
				return corrupt(err, "its operations are malformed");
			last += 1 + casg_unzigzag(x);
			if (last < 0 || (uint64_t)last >= come->n)
				return corrupt(err, "it takes what has not come");
			t->v[t->n++] = come->v[last];
		}
	}
	return p == end ? 0 : corrupt(err, "bytes are left over");
}

int casg_orderdelta_apply(struct casg_rankroom *room, struct casg_ranks *base,
			  const uint8_t *delta, size_t delta_n, struct casg_ranks *out,
			  struct casg_err *err)
{
	const uint8_t *p = delta, *end = delta + delta_n;
	struct casg_ranks gone = { NULL, 0, 0, 0 }, come = { NULL, 0, 0, 0 };
	uint64_t want = 0, nt = 0;
	int rc = check_once(room, out, base, err);

	if (!rc && (casg_varint_get(&p, end, &want) || want != base->n ||
		    casg_varint_get(&p, end, &nt) || nt > CASG_ORDERDELTA_MAX))
		rc = corrupt(err, "its counts are malformed");
	if (!rc)
		rc = get_ranks(&p, end, base->n, room, &gone, err);
	if (!rc)
		rc = get_ranks(&p, end, nt, room, &come, err);
	/* from here on it is known that there are so many */
	if (!rc)
		rc = keep(base, nt, &gone, &come, err);
	if (!rc)
		rc = casg_ranks_reserve(room, out, nt, err);
	if (!rc)
		rc = do_ops(p, end, base, &come, out, (size_t)nt, err);
	room->release(room, &gone);
	room->release(room, &come);
	return rc;
}
