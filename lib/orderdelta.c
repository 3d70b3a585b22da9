#include "orderdelta.h"

#include <stdlib.h>

#include "array.h"
#include "varint.h"

#define HEAD_NBYTES (sizeof(CASG_ORDER_HEAD) - 1)
#define NONE UINT32_MAX

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

/* Does each rank below count come once?  A delta of anything else would not come back. */
static int check_once(const uint32_t *r, uint32_t count, struct casg_err *err)
{
	uint8_t *seen = calloc((size_t)count / 8 + 1, 1);
	int rc = seen ? 0 : casg_err_nomem(err);

	for (uint32_t i = 0; i < count && !rc; i++) {
		if (seen[r[i] >> 3] >> (r[i] & 7) & 1)
			rc = corrupt(err, "a rank comes twice");
		seen[r[i] >> 3] |= (uint8_t)(1 << (r[i] & 7));
	}
	free(seen);
	return rc;
}

/* The ranks in file order; the caller frees. */
static int parse(const uint8_t *p, size_t n, uint32_t **ranks_out, uint32_t *count_out,
		 struct casg_err *err)
{
	const uint8_t *end = p + n;
	uint64_t count, v, last = UINT64_MAX;
	uint32_t *r;
	int rc;

	if (n < HEAD_NBYTES || memcmp(p, CASG_ORDER_HEAD, HEAD_NBYTES))
		return corrupt(err, "it does not begin as one");
	p += HEAD_NBYTES;
	if (casg_varint_get(&p, end, &count) || count > (uint64_t)(end - p))
		return corrupt(err, "its count is malformed");
	if (count > CASG_ORDERDELTA_MAX)
		return casg_err_set(err, CASG_EUNSUPPORTED, "an order of so many records has no delta");
	r = malloc((size_t)count * sizeof(*r) + 1);
	if (!r)
		return casg_err_nomem(err);
	for (uint64_t i = 0; i < count; i++) {
		if (casg_varint_get(&p, end, &v) ||
		    (last += 1 + (uint64_t)casg_unzigzag(v)) >= count) {
			free(r);
			return corrupt(err, "a rank is malformed");
		}
		r[i] = (uint32_t)last;
	}
	rc = p == end ? check_once(r, (uint32_t)count, err) : corrupt(err, "bytes are left over");
	if (rc) {
		free(r);
		return rc;
	}
	*ranks_out = r;
	*count_out = (uint32_t)count;
	return 0;
}

static void format(const uint32_t *r, uint32_t count, struct casg_buf *out)
{
	int64_t last = -1;

	casg_buf_add(out, CASG_ORDER_HEAD, HEAD_NBYTES);
	casg_varint_add(out, count);
	for (uint32_t i = 0; i < count; i++) {
		casg_varint_add(out, casg_zigzag((int64_t)r[i] - last - 1));
		last = r[i];
	}
}

/* ---- the records that stay --------------------------------------------- */

/*
 * The base's order, its ranks mapped to those of the target, without those
 * that are gone: in place; the number that stays to *n_out.
 */
static int keep(uint32_t *base, uint32_t nbase, uint32_t ntarget,
		const struct casg_ranks *gone, const struct casg_ranks *come,
		uint32_t *n_out, struct casg_err *err)
{
	uint32_t *map, new_rank = 0, n = 0;
	size_t g = 0, c = 0;

	if (gone->n > nbase || come->n > ntarget || nbase - gone->n != ntarget - come->n)
		return corrupt(err, "its counts do not add up");
	map = malloc((size_t)nbase * sizeof(*map) + 1);
	if (!map)
		return casg_err_nomem(err);
	for (uint32_t old = 0; old < nbase; old++) {
		if (g < gone->n && gone->v[g] == old) {
			map[old] = NONE;
			g++;
			continue;
		}
		while (c < come->n && come->v[c] == new_rank) {
			c++;
			new_rank++;
		}
		map[old] = new_rank++;
	}
	for (uint32_t i = 0; i < nbase; i++)
		if (map[base[i]] != NONE)
			base[n++] = map[base[i]];
	free(map);
	*n_out = n;
	/* ranks of a tree that has more records than the order that goes with it */
	return n == nbase - gone->n && (!come->n || come->v[come->n - 1] < ntarget) ? 0 :
	       corrupt(err, "its ranks are out of range");
}

static void put_ranks(const struct casg_ranks *r, struct casg_buf *out)
{
	casg_varint_add(out, r->n);
	for (size_t i = 0; i < r->n; i++)
		casg_varint_add(out, i ? r->v[i] - r->v[i - 1] - 1 : r->v[i]);
}

static int get_ranks(const uint8_t **p, const uint8_t *end, uint32_t count,
		     struct casg_ranks *out, struct casg_err *err)
{
	uint64_t n, v, last = UINT64_MAX;

	if (casg_varint_get(p, end, &n) || n > (uint64_t)(end - *p) || n > count)
		return corrupt(err, "its lists are malformed");
	if (CASG_GROW(out->v, n + 1, out->cap))
		return casg_err_nomem(err);
	for (uint64_t i = 0; i < n; i++) {
		if (casg_varint_get(p, end, &v) || v >= count || (last += v + 1) >= count)
			return corrupt(err, "its lists are malformed");
		out->v[out->n++] = (uint32_t)last;
	}
	return 0;
}

/* ---- making ------------------------------------------------------------ */

/*
 * Of each rank of the target: where it stands in what stays of the base, or
 * NONE - 1 - index among those that came.
 */
static uint32_t *make_places(const uint32_t *kept, uint32_t nkept, uint32_t ntarget,
			     const struct casg_ranks *come)
{
	uint32_t *at = malloc((size_t)ntarget * sizeof(*at) + 1);

	if (!at)
		return NULL;
	for (uint32_t i = 0; i < nkept; i++)
		at[kept[i]] = i;
	for (size_t i = 0; i < come->n; i++)
		at[come->v[i]] = NONE - 1 - (uint32_t)i;
	return at;
}

static void put_ops(const uint32_t *target, uint32_t n, const uint32_t *at, uint32_t nkept,
		    struct casg_buf *out)
{
	int64_t behind = 0, last = -1;

	for (uint32_t i = 0, k; i < n; i = k) {
		uint32_t from = at[target[i]];

		k = i + 1;
		if (from < nkept) {
			while (k < n && at[target[k]] == from + (k - i) && from + (k - i) < nkept)
				k++;
			casg_varint_add(out, (uint64_t)(k - i) << 1 | OP_COPY);
			casg_varint_add(out, casg_zigzag((int64_t)from - behind));
			behind = (int64_t)from + (k - i);
			continue;
		}
		while (k < n && at[target[k]] >= nkept)
			k++;
		casg_varint_add(out, (uint64_t)(k - i) << 1 | OP_COME);
		for (uint32_t x = i; x < k; x++) {
			int64_t index = (int64_t)(NONE - 1 - at[target[x]]);

			casg_varint_add(out, casg_zigzag(index - last - 1));
			last = index;
		}
	}
}

int casg_orderdelta_make(const uint8_t *base, size_t base_n,
			 const uint8_t *target, size_t target_n,
			 const struct casg_ranks *gone, const struct casg_ranks *come,
			 struct casg_buf *out, struct casg_err *err)
{
	uint32_t *b = NULL, *t = NULL, *at = NULL, nb = 0, nt = 0, nkept = 0;
	int rc = parse(base, base_n, &b, &nb, err);

	if (!rc)
		rc = parse(target, target_n, &t, &nt, err);
	if (!rc) {
		casg_varint_add(out, nb);
		casg_varint_add(out, nt);
		put_ranks(gone, out);
		put_ranks(come, out);
		rc = keep(b, nb, nt, gone, come, &nkept, err);
	}
	if (!rc) {
		at = make_places(b, nkept, nt, come);
		rc = at ? 0 : casg_err_nomem(err);
	}
	if (!rc)
		put_ops(t, nt, at, nkept, out);
	free(b);
	free(t);
	free(at);
	return rc ? rc : casg_buf_check(out, err);
}

/* ---- applying ---------------------------------------------------------- */

static int do_ops(const uint8_t *p, const uint8_t *end, const uint32_t *kept, uint32_t nkept,
		  const struct casg_ranks *come, uint32_t *t, uint32_t nt,
		  struct casg_err *err)
{
	int64_t behind = 0, last = -1;
	uint32_t made = 0;
	uint64_t v, x;

	while (made < nt) {
		if (casg_varint_get(&p, end, &v) || !(v >> 1) || v >> 1 > nt - made)
			return corrupt(err, "its operations are malformed");
		if ((v & 1) == OP_COPY) {
			int64_t from;

			if (casg_varint_get(&p, end, &x) || x > (uint64_t)1 << 33)
				return corrupt(err, "its operations are malformed");
			from = behind + casg_unzigzag(x);
			v >>= 1;
			if (from < 0 || (uint64_t)from + v > nkept)
				return corrupt(err, "it copies what is not there");
			memcpy(t + made, kept + from, (size_t)v * sizeof(*t));
			made += (uint32_t)v;
			behind = from + (int64_t)v;
			continue;
		}
		for (v >>= 1; v; v--) {
			if (casg_varint_get(&p, end, &x) || x > (uint64_t)1 << 33)
				return corrupt(err, "its operations are malformed");
			last += 1 + casg_unzigzag(x);
			if (last < 0 || (uint64_t)last >= come->n)
				return corrupt(err, "it takes what has not come");
			t[made++] = come->v[last];
		}
	}
	return p == end ? 0 : corrupt(err, "bytes are left over");
}

int casg_orderdelta_apply(const uint8_t *base, size_t base_n,
			  const uint8_t *delta, size_t delta_n,
			  struct casg_buf *out, struct casg_err *err)
{
	const uint8_t *p = delta, *end = delta + delta_n;
	struct casg_ranks gone = { NULL, 0, 0 }, come = { NULL, 0, 0 };
	uint32_t *b = NULL, *t = NULL, nb = 0, nkept = 0;
	uint64_t want = 0, nt = 0;
	int rc = parse(base, base_n, &b, &nb, err);

	if (!rc && (casg_varint_get(&p, end, &want) || want != nb ||
		    casg_varint_get(&p, end, &nt) || nt > CASG_ORDERDELTA_MAX))
		rc = corrupt(err, "its counts are malformed");
	if (!rc)
		rc = get_ranks(&p, end, nb, &gone, err);
	if (!rc)
		rc = get_ranks(&p, end, (uint32_t)nt, &come, err);
	if (!rc)
		rc = keep(b, nb, (uint32_t)nt, &gone, &come, &nkept, err);
	if (!rc) {
		t = malloc((size_t)nt * sizeof(*t) + 1);
		rc = t ? do_ops(p, end, b, nkept, &come, t, (uint32_t)nt, err)
		       : casg_err_nomem(err);
	}
	if (!rc) {
		format(t, (uint32_t)nt, out);
		rc = casg_buf_check(out, err);
	}
	free(b);
	free(t);
	free(gone.v);
	free(come.v);
	return rc;
}
