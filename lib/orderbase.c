#include "orderbase.h"

#include <stdlib.h>

#include "array.h"
#include "node.h"
#include "orderdelta.h"
#include "treer.h"

struct casg_orderbase {
	struct casg_store *s;
	struct casg_coder *c;
	struct casg_treer *t;      /* of the other version */
	struct casg_entry e;       /* its next record, while 'more' */
	int more;
	uint64_t old_rank, new_rank;
	struct casg_oid order;
	struct casg_ranks gone, come;
};

static int advance(struct casg_orderbase *b, struct casg_err *err)
{
	uint32_t pack;

	b->more = casg_treer_next_raw(b->t, &b->e, &pack, err);
	return b->more < 0 ? b->more : 0;
}

struct casg_orderbase *casg_orderbase_new(struct casg_store *s, struct casg_coder *c,
					  const struct casg_oid *records,
					  const struct casg_oid *order, struct casg_err *err)
{
	struct casg_orderbase *b = calloc(1, sizeof(*b));

	if (!b) {
		casg_err_nomem(err);
		return NULL;
	}
	b->s = s;
	b->c = c;
	b->order = *order;
	b->t = casg_treer_open(s, c, records, err);
	if (!b->t || advance(b, err)) {
		casg_orderbase_free(b);
		return NULL;
	}
	return b;
}

struct casg_orderbase *casg_orderbase_new_ranks(struct casg_store *s, struct casg_coder *c,
						const struct casg_oid *order,
						uint64_t old_count, uint64_t new_count,
						struct casg_err *err)
{
	struct casg_orderbase *b = calloc(1, sizeof(*b));

	if (!b) {
		casg_err_nomem(err);
		return NULL;
	}
	b->s = s;
	b->c = c;
	b->order = *order;
	b->old_rank = old_count;
	b->new_rank = new_count;
	return b;
}

void casg_orderbase_free(struct casg_orderbase *b)
{
	if (!b)
		return;
	casg_treer_free(b->t);
	free(b->gone.v);
	free(b->come.v);
	free(b);
}

static int add_rank(struct casg_ranks *r, uint64_t rank, struct casg_err *err)
{
	/* with more there will be no delta: see below */
	if (rank >= CASG_ORDERDELTA_MAX)
		return 0;
	if (CASG_GROW(r->v, r->n + 1, r->cap))
		return casg_err_nomem(err);
	r->v[r->n++] = (uint32_t)rank;
	return 0;
}

int casg_orderbase_gone(struct casg_orderbase *b, uint64_t old_rank, struct casg_err *err)
{
	return add_rank(&b->gone, old_rank, err);
}

int casg_orderbase_come(struct casg_orderbase *b, uint64_t new_rank, struct casg_err *err)
{
	return add_rank(&b->come, new_rank, err);
}

/* The other version's records before the key (NULL: all that are left) are gone. */
static int pass(struct casg_orderbase *b, const char *key, size_t klen, uint32_t occurrence,
		int *cmp_out, struct casg_err *err)
{
	int rc = 0;

	*cmp_out = 1;
	while (!rc && b->more) {
		*cmp_out = key ? casg_key_cmp(b->e.key, b->e.klen, b->e.occurrence, key, klen,
					      occurrence) : -1;
		if (*cmp_out >= 0)
			break;
		rc = add_rank(&b->gone, b->old_rank++, err);
		if (!rc)
			rc = advance(b, err);
	}
	if (!b->more)
		*cmp_out = 1;
	return rc;
}

int casg_orderbase_key(struct casg_orderbase *b, const char *key, size_t klen,
		       uint32_t occurrence, struct casg_err *err)
{
	int cmp, rc = pass(b, key, klen, occurrence, &cmp, err);

	if (!rc && cmp)
		rc = add_rank(&b->come, b->new_rank, err);
	b->new_rank++;
	if (!rc && !cmp) {
		b->old_rank++;
		rc = advance(b, err);
	}
	return rc;
}

/* How many deltas lie between that order and one that is stored whole. */
static int depth_of(struct casg_orderbase *b, struct casg_err *err)
{
	struct casg_loc chain[CASG_CHAIN_MAX], loc;
	int n = 0, rc = casg_store_find(b->s, b->c, &b->order, &loc, NULL, err);

	if (!rc)
		return casg_err_set(err, CASG_EABSENT, "an order is in no pack here");
	if (rc > 0)
		rc = casg_store_chain(b->s, b->c, &loc, chain, &n, err);
	return rc ? rc : n - 1;
}

int casg_orderbase_delta(struct casg_orderbase *b, int depth, const struct casg_oid *id,
			 const uint8_t *order, size_t n, struct casg_buf *out,
			 struct casg_err *err)
{
	struct casg_orderdelta d = { .id = *id, .nbytes = n, .base = b->order };
	struct casg_buf base = CASG_BUF_INIT, delta = CASG_BUF_INIT;
	int cmp, rc = pass(b, NULL, 0, 0, &cmp, err);

	if (rc)
		return rc;
	if (b->old_rank > CASG_ORDERDELTA_MAX || b->new_rank > CASG_ORDERDELTA_MAX ||
	    casg_oid_eq(&b->order, id))
		return 0;
	rc = depth == CASG_ORDERBASE_ANY ? depth : depth_of(b, err);
	if (rc >= depth && depth != CASG_ORDERBASE_ANY)
		return 0;
	if (rc < 0 && depth != CASG_ORDERBASE_ANY)
		return rc;
	rc = casg_store_read_id(b->s, b->c, &b->order, CASG_CHUNK_RAW_MAX, &base, err);
	if (!rc)
		rc = casg_orderdelta_make(base.data, base.len, order, n, &b->gone, &b->come,
					  &delta, err);
	if (!rc && (depth == CASG_ORDERBASE_ANY || delta.len < n / 2)) {
		d.delta = delta.data;
		d.delta_n = delta.len;
		casg_orderdelta_encode(&d, out);
		rc = casg_buf_check(out, err);
		rc = rc ? rc : 1;
	}
	casg_buf_release(&base);
	casg_buf_release(&delta);
	return rc;
}
