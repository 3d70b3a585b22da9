#include "whole.h"

#include "presdelta.h"

/* By the first bytes that differ: "casg-order", "casg-presentation". */
enum { TELLS = 6, PIECE = 1 << 16 };

static int corrupt(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "corrupt order or presentation: %s", what);
}

void casg_whole_init(struct casg_whole *w, struct casg_rankroom *room)
{
	*w = (struct casg_whole){ .room = room, .in = CASG_ORDERIN_INIT };
}

void casg_whole_release(struct casg_whole *w)
{
	w->room->release(w->room, &w->ranks);
	casg_buf_release(&w->bytes);
}

static int add_bytes(struct casg_whole *w, const uint8_t *p, size_t n, struct casg_err *err)
{
	if (n > CASG_PRESDELTA_MAX - w->bytes.len)
		return corrupt(err, "it is longer than the limit");
	casg_buf_add(&w->bytes, p, n);
	return casg_buf_check(&w->bytes, err);
}

int casg_whole_add(struct casg_whole *w, const uint8_t *p, size_t n, struct casg_err *err)
{
	int rc = 0;

	if (w->kind == CASG_WHOLE_ORDER)
		return casg_orderin_add(&w->in, p, n, w->room, &w->ranks, err);
	if (w->kind == CASG_WHOLE_PRESENTATION)
		return add_bytes(w, p, n, err);
	while (n && w->bytes.len < TELLS) {
		casg_buf_addch(&w->bytes, *p++);
		n--;
	}
	rc = casg_buf_check(&w->bytes, err);
	if (rc || w->bytes.len < TELLS)
		return rc;
	w->kind = w->bytes.data[TELLS - 1] == CASG_PRESENTATION_HEAD[TELLS - 1] ?
		  CASG_WHOLE_PRESENTATION : CASG_WHOLE_ORDER;
	if (w->kind == CASG_WHOLE_ORDER) {
		rc = casg_orderin_add(&w->in, w->bytes.data, w->bytes.len, w->room, &w->ranks,
				      err);
		casg_buf_reset(&w->bytes);
	}
	return rc || !n ? rc : casg_whole_add(w, p, n, err);
}

int casg_whole_end(struct casg_whole *w, struct casg_err *err)
{
	if (w->kind == CASG_WHOLE_ORDER)
		return casg_orderin_end(&w->in, &w->ranks, err);
	return casg_presdelta_is(w->bytes.data, w->bytes.len) ? 0 :
	       corrupt(err, "it does not begin as one");
}

static int apply_order(struct casg_whole *w, const uint8_t *delta, size_t n, struct casg_err *err)
{
	struct casg_ranks made = { NULL, 0, 0, 0 };
	int rc = casg_orderdelta_apply(w->room, &w->ranks, delta, n, &made, err);

	w->room->release(w->room, &w->ranks);
	w->ranks = made;
	return rc;
}

int casg_whole_apply(struct casg_whole *w, const uint8_t *delta, size_t n, struct casg_err *err)
{
	struct casg_buf made = CASG_BUF_INIT;
	int rc;

	if (w->kind == CASG_WHOLE_ORDER)
		return apply_order(w, delta, n, err);
	rc = casg_presdelta_apply(w->bytes.data, w->bytes.len, delta, n, &made, err);
	casg_buf_release(&w->bytes);
	w->bytes = made;
	return rc;
}

static int next_of_order(struct casg_whole *w, struct casg_err *err)
{
	if (!w->handed)
		w->out = (struct casg_orderout){ .r = &w->ranks };
	else if (w->out.at == w->ranks.n)
		return 0;
	casg_buf_reset(&w->bytes);
	casg_orderout_next(&w->out, &w->bytes, PIECE);
	return casg_buf_check(&w->bytes, err) ? CASG_ENOMEM : 1;
}

int casg_whole_next(struct casg_whole *w, const uint8_t **p_out, size_t *n_out,
		    struct casg_err *err)
{
	int rc = w->kind == CASG_WHOLE_ORDER ? next_of_order(w, err) : !w->handed;

	w->handed = rc > 0;
	*p_out = w->bytes.data;
	*n_out = w->bytes.len;
	return rc;
}

int casg_whole_check(struct casg_whole *w, struct casg_hasher *h, const struct casg_oid *id,
		     uint64_t nbytes, struct casg_err *err)
{
	struct casg_oid got;
	const uint8_t *p;
	uint64_t sum = 0;
	size_t n;
	int rc;

	casg_hasher_init(h);
	while ((rc = casg_whole_next(w, &p, &n, err)) > 0) {
		casg_hasher_update(h, p, n);
		sum += n;
	}
	casg_hasher_final(h, &got);
	if (!rc && (sum != nbytes || !casg_oid_eq(&got, id)))
		rc = casg_err_set(err, CASG_ECORRUPT,
				  "an order or presentation is not what its differences say");
	return rc;
}
