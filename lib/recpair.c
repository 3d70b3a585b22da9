#include "recpair.h"

#include <stdlib.h>

#include "array.h"
#include "extsort.h"

enum { PAIRS_MAX = 4096 };

struct member {
	size_t at, end;     /* in text */
	int is_new;
	struct casg_recside s;
	struct member *mate;
};

struct casg_recpair {
	struct casg_extsort *sort;
	int sorted;         /* all are added */
	struct casg_buf item;
	/* the records with one sequence: those gone, then those new, by key */
	struct casg_buf text;
	struct member *m;
	size_t n, cap, at;
	struct member **gone, **fresh; /* not paired yet */
	size_t ngone, nfresh, cap_gone, cap_fresh;
	struct casg_buf ahead; /* the first item of the next group */
	int have_ahead;
};

struct casg_recpair *casg_recpair_new(const char *tmp_dir, uint64_t memory_nbytes,
				      struct casg_workers *pool, struct casg_err *err)
{
	struct casg_recpair *p = calloc(1, sizeof(*p));

	if (!p) {
		casg_err_nomem(err);
		return NULL;
	}
	p->sort = casg_extsort_new(tmp_dir, (size_t)memory_nbytes, pool, err);
	if (!p->sort) {
		casg_recpair_free(p);
		return NULL;
	}
	return p;
}

void casg_recpair_free(struct casg_recpair *p)
{
	if (!p)
		return;
	casg_extsort_free(p->sort);
	casg_buf_release(&p->item);
	casg_buf_release(&p->text);
	casg_buf_release(&p->ahead);
	free(p->m);
	free(p->gone);
	free(p->fresh);
	free(p);
}

/* Sequence id, which kind, key and occurrence; then the record. */
int casg_recpair_add(struct casg_recpair *p, const struct casg_recside *s, int is_new,
		     struct casg_err *err)
{
	struct casg_buf *b = &p->item;
	int rc;

	casg_buf_reset(b);
	casg_buf_add(b, s->oid.b, CASG_OID_RAWSZ);
	casg_buf_addch(b, is_new);
	casg_recside_sortkey(s, b);
	casg_recside_encode(s, b);
	rc = casg_buf_check(b, err);
	return rc ? rc : casg_extsort_add(p->sort, b->data, b->len, err);
}

/* ---- the records with one sequence -------------------------------------- */

static int add_member(struct casg_recpair *p, const uint8_t *item, size_t n,
		      struct casg_err *err)
{
	struct member *m;

	if (CASG_GROW(p->m, p->n + 1, p->cap))
		return casg_err_nomem(err);
	m = &p->m[p->n++];
	memset(m, 0, sizeof(*m));
	m->at = p->text.len;
	m->is_new = item[CASG_OID_RAWSZ];
	casg_buf_add(&p->text, item, n);
	m->end = p->text.len;
	return casg_buf_check(&p->text, err);
}

/* The record of an item: behind the id, the kind, and the key with its NUL. */
static int take_apart(struct casg_recpair *p, struct member *m, struct casg_err *err)
{
	const uint8_t *q = p->text.data + m->at + CASG_OID_RAWSZ + 1;
	const uint8_t *end = p->text.data + m->end;
	const uint8_t *nul = memchr(q, 0, (size_t)(end - q));

	if (!nul || end - nul < 5)
		return casg_err_set(err, CASG_ECORRUPT, "a scratch record is cut short");
	q = nul + 5;
	return casg_recside_decode(&m->s, &q, end, err);
}

static int load_group(struct casg_recpair *p, struct casg_err *err)
{
	const uint8_t *item;
	size_t n;
	int rc = 0;

	p->n = p->at = 0;
	casg_buf_reset(&p->text);
	if (p->have_ahead)
		rc = add_member(p, p->ahead.data, p->ahead.len, err);
	p->have_ahead = 0;
	while (!rc && (rc = casg_extsort_next(p->sort, &item, &n, err)) > 0) {
		if (p->n && memcmp(item, p->text.data, CASG_OID_RAWSZ)) {
			casg_buf_reset(&p->ahead);
			casg_buf_add(&p->ahead, item, n);
			p->have_ahead = 1;
			rc = casg_buf_check(&p->ahead, err);
			break;
		}
		rc = add_member(p, item, n, err);
	}
	for (size_t i = 0; i < p->n && !rc; i++)
		rc = take_apart(p, &p->m[i], err);
	return rc;
}

/* ---- pairing ------------------------------------------------------------ */

static int cmp_desc(const void *x, const void *y)
{
	const struct member *a = *(struct member *const *)x, *b = *(struct member *const *)y;
	size_t n = a->s.dlen < b->s.dlen ? a->s.dlen : b->s.dlen;
	int c = n ? memcmp(a->s.desc, b->s.desc, n) : 0;

	if (!c)
		c = (a->s.dlen > b->s.dlen) - (a->s.dlen < b->s.dlen);
	/* then as they stand: by key */
	return c ? c : (a > b) - (a < b);
}

static int cmp_place(const void *x, const void *y)
{
	const struct member *a = *(struct member *const *)x, *b = *(struct member *const *)y;

	return (a > b) - (a < b);
}

static void mate(struct member *a, struct member *b)
{
	a->mate = b;
	b->mate = a;
}

static size_t keep_single(struct member **v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!v[i]->mate)
			v[kept++] = v[i];
	qsort(v, kept, sizeof(*v), cmp_place);
	return kept;
}

static void pair_equal(struct casg_recpair *p)
{
	size_t i = 0, j = 0;

	qsort(p->gone, p->ngone, sizeof(*p->gone), cmp_desc);
	qsort(p->fresh, p->nfresh, sizeof(*p->fresh), cmp_desc);
	while (i < p->ngone && j < p->nfresh) {
		const struct casg_recside *a = &p->gone[i]->s, *b = &p->fresh[j]->s;
		size_t n = a->dlen < b->dlen ? a->dlen : b->dlen;
		int c = n ? memcmp(a->desc, b->desc, n) : 0;

		if (!c)
			c = (a->dlen > b->dlen) - (a->dlen < b->dlen);
		if (!c)
			mate(p->gone[i], p->fresh[j]);
		i += c <= 0;
		j += c >= 0;
	}
	p->ngone = keep_single(p->gone, p->ngone);
	p->nfresh = keep_single(p->fresh, p->nfresh);
}

/* Bytes two texts have in common at their start and at their end. */
static uint32_t likeness(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t n = alen < blen ? alen : blen, head = 0, tail = 0;

	while (head < n && a[head] == b[head])
		head++;
	while (tail < n - head && a[alen - 1 - tail] == b[blen - 1 - tail])
		tail++;
	return head + tail < UINT32_MAX ? (uint32_t)(head + tail) : UINT32_MAX;
}

static uint64_t score(const struct member *a, const struct member *b)
{
	uint64_t desc = likeness(a->s.desc, a->s.dlen, b->s.desc, b->s.dlen);

	return desc << 32 | likeness(a->s.key, a->s.klen, b->s.key, b->s.klen);
}

static void pair_alike(struct casg_recpair *p)
{
	static const size_t none = SIZE_MAX;
	uint64_t scores[PAIRS_MAX];
	size_t ngone = p->ngone, nfresh = p->nfresh;

	for (size_t i = 0; i < ngone; i++)
		for (size_t j = 0; j < nfresh; j++)
			scores[i * nfresh + j] = score(p->gone[i], p->fresh[j]);
	for (;;) {
		size_t best = none;

		for (size_t k = 0; k < ngone * nfresh; k++)
			if (!p->gone[k / nfresh]->mate && !p->fresh[k % nfresh]->mate &&
			    (best == none || scores[k] > scores[best]))
				best = k;
		if (best == none)
			return;
		mate(p->gone[best / nfresh], p->fresh[best % nfresh]);
	}
}

static int pair_group(struct casg_recpair *p, struct casg_err *err)
{
	if (CASG_GROW(p->gone, p->n, p->cap_gone) || CASG_GROW(p->fresh, p->n, p->cap_fresh))
		return casg_err_nomem(err);
	p->ngone = p->nfresh = 0;
	for (size_t i = 0; i < p->n; i++)
		if (p->m[i].is_new)
			p->fresh[p->nfresh++] = &p->m[i];
		else
			p->gone[p->ngone++] = &p->m[i];
	if (p->ngone && p->nfresh)
		pair_equal(p);
	if (!p->ngone || !p->nfresh)
		return 0;
	if (p->ngone <= PAIRS_MAX / p->nfresh) {
		pair_alike(p);
		return 0;
	}
	for (size_t i = 0; i < p->ngone && i < p->nfresh; i++)
		mate(p->gone[i], p->fresh[i]);
	return 0;
}

int casg_recpair_next(struct casg_recpair *p, const struct casg_recside **gone_out,
		      const struct casg_recside **new_out, struct casg_err *err)
{
	struct member *m;
	int rc;

	if (!p->sorted) {
		rc = casg_extsort_finish(p->sort, err);
		if (rc)
			return rc;
		p->sorted = 1;
	}
	/* of a pair, the one that is gone brings the other */
	while (p->at < p->n && p->m[p->at].is_new && p->m[p->at].mate)
		p->at++;
	while (p->at == p->n) {
		rc = load_group(p, err);
		if (!rc)
			rc = pair_group(p, err);
		if (rc)
			return rc;
		if (!p->n)
			return 0;
	}
	m = &p->m[p->at++];
	*gone_out = m->is_new ? NULL : &m->s;
	*new_out = m->is_new ? &m->s : m->mate ? &m->mate->s : NULL;
	return 1;
}
