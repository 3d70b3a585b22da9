#include "orderbase.h"

#include <stdlib.h>

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
	struct casg_rankroom room;
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
	casg_store_rankroom(s, &b->room);
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
	casg_store_rankroom(s, &b->room);
	b->old_rank = old_count;
	b->new_rank = new_count;
	return b;
}

void casg_orderbase_free(struct casg_orderbase *b)
{
	if (!b)
		return;
	casg_treer_free(b->t);
	b->room.release(&b->room, &b->gone);
	b->room.release(&b->room, &b->come);
	free(b);
}

static int add_rank(struct casg_orderbase *b, struct casg_ranks *r, uint64_t rank,
		    struct casg_err *err)
{
	int rc;

	/* with more there will be no delta: see below */
	if (rank >= CASG_ORDERDELTA_MAX)
		return 0;
	rc = casg_ranks_reserve(&b->room, r, r->n + 1, err);
	if (!rc)
		r->v[r->n++] = (uint32_t)rank;
	return rc;
}

int casg_orderbase_gone(struct casg_orderbase *b, uint64_t old_rank, struct casg_err *err)
{
	return add_rank(b, &b->gone, old_rank, err);
}

int casg_orderbase_come(struct casg_orderbase *b, uint64_t new_rank, struct casg_err *err)
{
	return add_rank(b, &b->come, new_rank, err);
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
		rc = add_rank(b, &b->gone, b->old_rank++, err);
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
		rc = add_rank(b, &b->come, b->new_rank, err);
	b->new_rank++;
	if (!rc && !cmp) {
		b->old_rank++;
		rc = advance(b, err);
	}
	return rc;
}

int casg_orderbase_keys(struct casg_orderbase *b, const struct casg_oid *records,
			struct casg_err *err)
{
	struct casg_treer *t = casg_treer_open(b->s, b->c, records, err);
	struct casg_entry e;
	uint32_t pack;
	int rc = t ? 1 : CASG_ECORRUPT;

	while (rc > 0 && (rc = casg_treer_next_raw(t, &e, &pack, err)) > 0) {
		rc = casg_orderbase_key(b, e.key, e.klen, e.occurrence, err);
		rc = rc ? rc : 1;
	}
	casg_treer_free(t);
	return rc;
}

/* What of the chunk's limit a delta may take. */
enum { MOST = 32 << 20 };

/* By the base's ranks: 1, or 0 when that takes more than 'most' bytes. */
static int make(struct casg_orderbase *b, const struct casg_ranks *target, size_t most,
		struct casg_buf *out, struct casg_err *err)
{
	struct casg_ranks base = { NULL, 0, 0, 0 };
	int rc = casg_store_ranks(b->s, b->c, &b->order, &b->room, &base, err);

	if (!rc)
		rc = casg_orderdelta_make(&b->room, &base, target, &b->gone, &b->come, most, out,
					  err);
	b->room.release(&b->room, &base);
	/* too many records */
	return rc == CASG_EUNSUPPORTED ? 0 : rc;
}

int casg_orderbase_delta(struct casg_orderbase *b, int depth, const struct casg_oid *id,
			 uint64_t nbytes, const struct casg_ranks *order, struct casg_buf *out,
			 struct casg_err *err)
{
	struct casg_orderdelta d = { .id = *id, .nbytes = nbytes, .base = b->order };
	struct casg_buf delta = CASG_BUF_INIT;
	size_t most = depth == CASG_ORDERBASE_ANY || nbytes / 2 > MOST ? MOST : (size_t)(nbytes / 2);
	int cmp, rc = pass(b, NULL, 0, 0, &cmp, err);

	if (rc)
		return rc;
	if (b->old_rank > CASG_ORDERDELTA_MAX || b->new_rank > CASG_ORDERDELTA_MAX ||
	    casg_oid_eq(&b->order, id))
		return 0;
	if (depth != CASG_ORDERBASE_ANY) {
		rc = casg_store_depth(b->s, b->c, &b->order, err);
		if (rc < 0 || rc >= depth)
			return rc < 0 ? rc : 0;
	}
	rc = make(b, order, most, &delta, err);
	if (rc > 0) {
		d.delta = delta.data;
		d.delta_n = delta.len;
		casg_orderdelta_encode(&d, out);
		rc = casg_buf_check(out, err);
		rc = rc ? rc : 1;
	}
	casg_buf_release(&delta);
	return rc;
}

int casg_orderbase_delta_of(struct casg_orderbase *b, const struct casg_oid *id,
			    struct casg_objinfo *info_out, struct casg_buf *out,
			    struct casg_err *err)
{
	struct casg_ranks order = { NULL, 0, 0, 0 };
	struct casg_loc loc;
	int rc = casg_store_find(b->s, b->c, id, &loc, &info_out->nbytes, err);

	info_out->id = *id;
	if (!rc)
		return casg_err_set(err, CASG_EABSENT, "an order is in no pack here");
	if (rc > 0)
		rc = casg_store_ranks(b->s, b->c, id, &b->room, &order, err);
	/* chains are counted as they will be: how they lie here does not matter */
	if (!rc)
		rc = casg_orderbase_delta(b, CASG_ORDERBASE_ANY, id, info_out->nbytes, &order, out,
					  err);
	b->room.release(&b->room, &order);
	return rc == CASG_EUNSUPPORTED ? 0 : rc;
}
