#include "orderdelta.h"
#include "store.h"

/* The member at 'loc', copied: its chunk need not stay. */
static int read_delta(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		      struct casg_buf *out, int *kind_out, struct casg_err *err)
{
	const struct casg_chunk *ch;
	int rc = casg_store_get(s, c, loc->pack, loc->chunk, &ch, err);

	if (rc)
		return rc;
	*kind_out = ch->kind;
	if (loc->member >= ch->nmembers)
		rc = casg_err_set(err, CASG_ECORRUPT, "chunk %u has no member %u", loc->chunk,
				  loc->member);
	else if (ch->kind == CASG_CHUNK_ORDER)
		casg_buf_add(out, ch->data + ch->offset[loc->member],
			     (size_t)casg_chunk_len(ch, loc->member));
	casg_store_put(s, ch);
	return rc ? rc : casg_buf_check(out, err);
}

int casg_store_base(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		    struct casg_oid *base_out, struct casg_err *err)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_orderdelta d;
	int kind, rc = read_delta(s, c, loc, &b, &kind, err);

	if (!rc && kind == CASG_CHUNK_ORDER) {
		rc = casg_orderdelta_decode(&d, b.data, b.len, err);
		*base_out = d.base;
		rc = rc ? rc : 1;
	}
	casg_buf_release(&b);
	return rc;
}

/* From the delta at 'loc' down to an order that is stored whole. */
static int find_chain(struct casg_store *s, struct casg_coder *c, struct casg_loc loc,
		      struct casg_loc chain[CASG_ORDERDELTA_DEPTH + 1], int *n_out,
		      struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_oid base;
	int n = 0, rc;

	for (;;) {
		if (n > CASG_ORDERDELTA_DEPTH)
			return casg_err_set(err, CASG_ECORRUPT, "a chain of orders is too long");
		chain[n++] = loc;
		rc = casg_store_base(s, c, &loc, &base, err);
		if (rc <= 0)
			break;
		rc = casg_store_find(s, c, &base, &loc, NULL, err);
		if (!rc)
			return casg_err_set(err, CASG_EABSENT, "order %s is in no pack here",
					    casg_oid_hex(&base, hex));
		if (rc < 0)
			return rc;
	}
	*n_out = n;
	return rc;
}

static int apply(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		 const struct casg_buf *base, struct casg_buf *out, struct casg_err *err)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_orderdelta d;
	struct casg_oid id;
	int kind, rc = read_delta(s, c, loc, &b, &kind, err);

	if (!rc)
		rc = casg_orderdelta_decode(&d, b.data, b.len, err);
	if (!rc)
		rc = casg_orderdelta_apply(base->data, base->len, d.delta, d.delta_n, out, err);
	if (!rc) {
		casg_hasher_digest(casg_coder_hasher(c), out->data, out->len, &id);
		if (!casg_oid_eq(&id, &d.id) || out->len != d.nbytes)
			rc = casg_err_set(err, CASG_ECORRUPT,
					  "an order is not what its differences say");
	}
	casg_buf_release(&b);
	return rc;
}

int casg_store_order(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		     struct casg_buf *out, struct casg_err *err)
{
	struct casg_loc chain[CASG_ORDERDELTA_DEPTH + 1];
	struct casg_buf whole = CASG_BUF_INIT, next = CASG_BUF_INIT, swap;
	int n = 0, rc = find_chain(s, c, *loc, chain, &n, err);

	/* the last of the chain is stored whole */
	if (!rc)
		rc = casg_store_read(s, c, &chain[n - 1], 0, UINT64_MAX, &whole, NULL, err);
	for (int i = n - 2; i >= 0 && !rc; i--) {
		casg_buf_reset(&next);
		rc = apply(s, c, &chain[i], &whole, &next, err);
		swap = whole;
		whole = next;
		next = swap;
	}
	if (!rc)
		casg_buf_add(out, whole.data, whole.len);
	casg_buf_release(&whole);
	casg_buf_release(&next);
	return rc ? rc : casg_buf_check(out, err);
}
