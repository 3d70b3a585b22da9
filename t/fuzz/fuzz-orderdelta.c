/*
 * Orders as differences.  The first byte says what the rest is: if it is even,
 * a base and a delta, and what comes of it must be an order that can be made
 * again; if it is odd, ranks that are gone and that have come, a base and a
 * target, and the delta between them must bring the target back.  What is not
 * the last is preceded by its length, two bytes; orders are without their head.
 * 2 and 3 are the same of presentations: a base and a delta, a base and a target.
 */
#include "forge.h"
#include "orderdelta.h"
#include "presdelta.h"
#include "rankroom.h"
#include "whole.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct casg_rankroom room;

struct part {
	const uint8_t *p;
	size_t n;
};

static int take(const uint8_t **p, size_t *left, struct part *out)
{
	size_t n;

	if (*left < 2)
		return -1;
	n = (size_t)(*p)[0] | (size_t)(*p)[1] << 8;
	if (n > *left - 2)
		return -1;
	*out = (struct part){ *p + 2, n };
	*p += 2 + n;
	*left -= 2 + n;
	return 0;
}

static void order_of(const struct part *x, struct casg_buf *out)
{
	casg_buf_addstr(out, CASG_ORDER_HEAD);
	casg_buf_add(out, x->p, x->n);
}

/* Ascending, a byte from one to the next. */
static struct casg_ranks ranks_of(const struct part *x, uint32_t v[65536])
{
	struct casg_ranks r = { v, x->n, 65536, 0 };
	uint32_t last = UINT32_MAX;

	for (size_t i = 0; i < x->n; i++)
		v[i] = last += 1 + x->p[i];
	return r;
}

/* Its bytes come in two pieces. */
static int whole_of(const struct casg_buf *b, size_t cut, struct casg_whole *w, struct casg_err *err)
{
	int rc;

	if (cut > b->len)
		cut = b->len;
	casg_whole_init(w, &room);
	rc = casg_whole_add(w, b->data, cut, err);
	if (!rc)
		rc = casg_whole_add(w, b->data + cut, b->len - cut, err);
	return rc ? rc : casg_whole_end(w, err);
}

static void bytes_of(struct casg_whole *w, struct casg_buf *out)
{
	const uint8_t *p;
	size_t n;

	casg_buf_reset(out);
	while (casg_whole_next(w, &p, &n, NULL) > 0)
		casg_buf_add(out, p, n);
}

static void make(const uint8_t *p, size_t left)
{
	static uint32_t vg[65536], vc[65536];
	struct casg_buf base = CASG_BUF_INIT, target = CASG_BUF_INIT, delta = CASG_BUF_INIT,
			back = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_ranks gone, come;
	struct casg_whole wb, wt, again;
	struct part g, c, b;
	int rc;

	if (take(&p, &left, &g) || take(&p, &left, &c) || take(&p, &left, &b))
		return;
	order_of(&b, &base);
	order_of(&(struct part){ p, left }, &target);
	gone = ranks_of(&g, vg);
	come = ranks_of(&c, vc);
	rc = whole_of(&base, 20, &wb, &err);
	if (whole_of(&target, 3, &wt, &err) && !rc)
		rc = err.code;
	if (!rc) {
		bytes_of(&wt, &back);
		require(back.len == target.len && !memcmp(back.data, target.data, back.len),
			"an order is read as another");
		rc = casg_orderdelta_make(&room, &wb.ranks, &wt.ranks, &gone, &come, SIZE_MAX,
					  &delta, &err);
	}
	if (rc <= 0) {
		require(rc && *err.msg, "refused without a reason");
	} else {
		require(!whole_of(&base, 30, &again, &err) &&
			!casg_whole_apply(&again, delta.data, delta.len, &err), "cannot be applied");
		bytes_of(&again, &back);
		require(back.len == target.len && !memcmp(back.data, target.data, back.len),
			"another order comes back");
		casg_whole_release(&again);
	}
	casg_whole_release(&wb);
	casg_whole_release(&wt);
	require(!room.nbytes, "room is not given back");
	casg_buf_release(&base);
	casg_buf_release(&target);
	casg_buf_release(&delta);
	casg_buf_release(&back);
}

static int is_order(const uint8_t *p, size_t n)
{
	return n >= sizeof(CASG_ORDER_HEAD) && !memcmp(p, CASG_ORDER_HEAD, sizeof(CASG_ORDER_HEAD) - 1);
}

static void presentation_of(const struct part *r, struct casg_buf *out)
{
	casg_buf_addstr(out, CASG_PRESENTATION_HEAD);
	casg_buf_add(out, r->p, r->n);
}

/* Whatever the bytes are, from a base that 'base_of' makes of a part of them. */
static void apply(const uint8_t *p, size_t left, void (*base_of)(const struct part *, struct casg_buf *),
		  int (*is_good)(const uint8_t *p, size_t n))
{
	struct casg_buf base = CASG_BUF_INIT, out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_orderdelta d;
	struct casg_whole w;
	struct part b;
	uint8_t *exact;

	if (take(&p, &left, &b))
		return;
	base_of(&b, &base);
	exact = malloc(left + 1);
	if (left)
		memcpy(exact, p, left);
	if (whole_of(&base, base.len / 2, &w, &err) || casg_whole_apply(&w, exact, left, &err)) {
		require(*err.msg, "refused without a reason");
	} else {
		bytes_of(&w, &out);
		require(is_good(out.data, out.len), "what comes of it is something else");
	}
	casg_whole_release(&w);
	if (casg_orderdelta_decode(&d, exact, left, &err))
		require(*err.msg, "refused without a reason");
	free(exact);
	casg_buf_release(&base);
	casg_buf_release(&out);
}

static void make_presentation(const uint8_t *p, size_t left)
{
	struct casg_buf base = CASG_BUF_INIT, target = CASG_BUF_INIT, delta = CASG_BUF_INIT,
			back = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct part b, t;

	if (take(&p, &left, &b))
		return;
	t = (struct part){ p, left };
	presentation_of(&b, &base);
	presentation_of(&t, &target);
	if (casg_presdelta_make(base.data, base.len, target.data, target.len, &delta, &err)) {
		require(*err.msg, "refused without a reason");
	} else {
		require(!casg_presdelta_apply(base.data, base.len, delta.data, delta.len, &back,
					      &err), "a delta that was made is refused");
		require(back.len == target.len && !memcmp(back.data, target.data, back.len),
			"the target does not come back");
	}
	casg_buf_release(&base);
	casg_buf_release(&target);
	casg_buf_release(&delta);
	casg_buf_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size || size > 1 << 18)
		return 0;
	casg_rankroom_init(&room, 0, NULL);
	if (*data == 2)
		apply(data + 1, size - 1, presentation_of, casg_presdelta_is);
	else if (*data == 3)
		make_presentation(data + 1, size - 1);
	else if (*data & 1)
		make(data + 1, size - 1);
	else
		apply(data + 1, size - 1, order_of, is_order);
	return 0;
}
