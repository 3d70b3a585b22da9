#include "orderdelta.h"
#include "rankroom.h"
#include "store_in.h"
#include "whole.h"

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

/* 1 and the id of what it rests on, 0 when it is stored whole. */
static int rests_on(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
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

enum { COPIES_MAX = 8, VISITS_MAX = 512 };

struct search {
	struct casg_store *s;
	struct casg_coder *c;
	struct casg_loc *chain;
	int n;        /* of the chain, once found */
	int visits;
};

static int is_delta(struct search *x, const struct casg_loc *loc, struct casg_err *err)
{
	struct casg_idx_chunk ic;
	int rc = casg_packidx_chunk(casg_store_idx(x->s, loc->pack), loc->chunk, &ic, err);

	return rc ? rc : ic.kind == CASG_CHUNK_ORDER;
}

static int in_chain(const struct search *x, int depth, const struct casg_loc *loc)
{
	for (int i = 0; i <= depth; i++)
		if (casg_loc_eq(&x->chain[i], loc))
			return 1;
	return 0;
}

static int search(struct search *x, int depth, struct casg_err *err);

/* Among the n copies of what chain[depth] rests on, those in use or those in quarantine. */
static int search_copies(struct search *x, int depth, const struct casg_loc *copy, int n,
			 int gone, struct casg_err *err)
{
	int rc = casg_err_set(err, CASG_ECORRUPT, "orders rest on each other");

	for (int i = 0; i < n; i++) {
		if (casg_store_quarantined(x->s, copy[i].pack) != gone)
			continue;
		rc = is_delta(x, &copy[i], err);
		if (rc > 0)
			continue;
		x->chain[depth + 1] = copy[i];
		x->n = depth + 2;
		return rc;
	}
	for (int i = 0; i < n && rc; i++) {
		if (casg_store_quarantined(x->s, copy[i].pack) != gone ||
		    in_chain(x, depth, &copy[i]))
			continue;
		x->chain[depth + 1] = copy[i];
		rc = search(x, depth + 1, err);
	}
	return rc > 0 ? casg_err_set(err, CASG_ECORRUPT, "orders rest on each other") : rc;
}

/*
 * From chain[depth] down to an order that is stored whole.  Packs of before and
 * after a repack may both be here and each have one order by the other: a copy
 * that is whole is best, and one that leads back is passed over.
 */
static int search(struct search *x, int depth, struct casg_err *err)
{
	struct casg_loc copy[COPIES_MAX];
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_oid base;
	int n, rc = rests_on(x->s, x->c, &x->chain[depth], &base, err);

	x->n = depth + 1;
	if (rc <= 0)
		return rc;
	if (depth == CASG_ORDERDELTA_DEPTH || !x->visits--)
		return casg_err_set(err, CASG_ECORRUPT, "a chain of orders is too long");
	n = casg_store_find_all(x->s, x->c, &base, copy, COPIES_MAX, err);
	if (n <= 0)
		return n ? n : casg_err_set(err, CASG_EABSENT, "order %s is in no pack here",
					    casg_oid_hex(&base, hex));
	/* quarantine last: what is there only seems to be needed otherwise */
	for (int gone = 0; gone < 2; gone++) {
		rc = search_copies(x, depth, copy, n, gone, err);
		if (!rc)
			break;
	}
	return rc;
}

int casg_store_chain(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		     struct casg_loc chain[CASG_CHAIN_MAX], int *n_out, struct casg_err *err)
{
	struct search x = { .s = s, .c = c, .chain = chain, .visits = VISITS_MAX };
	int rc;

	chain[0] = *loc;
	rc = search(&x, 0, err);
	*n_out = x.n;
	return rc;
}

int casg_blobr_whole(struct casg_blobr *b, struct casg_whole *w, struct casg_err *err)
{
	const uint8_t *p;
	size_t n;
	int rc = b ? 1 : err && err->code ? err->code : CASG_ECORRUPT;

	while (rc > 0 && (rc = casg_blobr_next(b, &p, &n, err)) > 0) {
		rc = casg_whole_add(w, p, n, err);
		rc = rc ? rc : 1;
	}
	casg_blobr_free(b);
	return rc ? rc : casg_whole_end(w, err);
}

int casg_store_whole(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		     struct casg_whole *w, struct casg_err *err)
{
	struct casg_loc chain[CASG_CHAIN_MAX];
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_orderdelta d = { .nbytes = 0 };
	int n = 0, kind, rc = casg_store_chain(s, c, loc, chain, &n, err);

	/* the last of the chain is stored whole */
	for (int i = n - 2; i >= 0 && !rc; i--) {
		casg_buf_reset(&b);
		rc = read_delta(s, c, &chain[i], &b, &kind, err);
		if (!rc)
			rc = casg_orderdelta_decode(&d, b.data, b.len, err);
		if (!rc && i == n - 2)
			rc = casg_blobr_whole(casg_blobr_open_at(s, c, &d.base, &chain[n - 1], err),
					      w, err);
		if (!rc)
			rc = casg_whole_apply(w, d.delta, d.delta_n, err);
	}
	casg_buf_release(&b);
	/* if the last is what it should be, so were those on the way */
	return rc ? rc : casg_whole_check(w, casg_coder_hasher(c), &d.id, d.nbytes, err);
}

void casg_store_rankroom(const struct casg_store *s, struct casg_rankroom *out)
{
	casg_rankroom_init(out, s->opts.cache_nbytes, s->opts.tmp_dir);
}

int casg_store_ranks(struct casg_store *s, struct casg_coder *c, const struct casg_oid *id,
		     struct casg_rankroom *room, struct casg_ranks *out, struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_oid base;
	struct casg_whole w;
	struct casg_loc loc;
	int rc = casg_store_find(s, c, id, &loc, NULL, err);

	if (!rc)
		return casg_err_set(err, CASG_EABSENT, "order %s is in no pack here",
				    casg_oid_hex(id, hex));
	casg_whole_init(&w, room);
	if (rc > 0) {
		rc = rests_on(s, c, &loc, &base, err);
		rc = rc < 0 ? rc : rc ? casg_store_whole(s, c, &loc, &w, err) :
					casg_blobr_whole(casg_blobr_open_at(s, c, id, &loc, err),
							 &w, err);
	}
	if (!rc && w.kind != CASG_WHOLE_ORDER)
		rc = casg_err_set(err, CASG_ECORRUPT, "%s is no order", casg_oid_hex(id, hex));
	if (!rc) {
		*out = w.ranks;
		w.ranks = (struct casg_ranks){ NULL, 0, 0, 0 };
	}
	casg_whole_release(&w);
	return rc;
}

int casg_store_depth(struct casg_store *s, struct casg_coder *c, const struct casg_oid *id,
		     struct casg_err *err)
{
	struct casg_loc chain[CASG_CHAIN_MAX], loc;
	char hex[CASG_OID_HEXSZ + 1];
	int n = 0, rc = casg_store_find(s, c, id, &loc, NULL, err);

	if (!rc)
		return casg_err_set(err, CASG_EABSENT, "object %s is in no pack here",
				    casg_oid_hex(id, hex));
	if (rc > 0)
		rc = casg_store_chain(s, c, &loc, chain, &n, err);
	return rc ? rc : n - 1;
}
