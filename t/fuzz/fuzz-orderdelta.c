/*
 * Orders as differences.  The first byte says what the rest is: if it is even,
 * a base and a delta, and what comes of it must be an order that can be made
 * again; if it is odd, ranks that are gone and that have come, a base and a
 * target, and the delta between them must bring the target back.  What is not
 * the last is preceded by its length, two bytes; orders are without their head.
 */
#include "forge.h"
#include "orderdelta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	struct casg_ranks r = { v, x->n, 65536 };
	uint32_t last = UINT32_MAX;

	for (size_t i = 0; i < x->n; i++)
		v[i] = last += 1 + x->p[i];
	return r;
}

static void make(const uint8_t *p, size_t left)
{
	static uint32_t vg[65536], vc[65536];
	struct casg_buf base = CASG_BUF_INIT, target = CASG_BUF_INIT, delta = CASG_BUF_INIT,
			back = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_ranks gone, come;
	struct part g, c, b;

	if (take(&p, &left, &g) || take(&p, &left, &c) || take(&p, &left, &b))
		return;
	order_of(&b, &base);
	order_of(&(struct part){ p, left }, &target);
	gone = ranks_of(&g, vg);
	come = ranks_of(&c, vc);
	if (casg_orderdelta_make(base.data, base.len, target.data, target.len, &gone, &come,
				 &delta, &err)) {
		require(*err.msg, "refused without a reason");
	} else {
		require(!casg_orderdelta_apply(base.data, base.len, delta.data, delta.len, &back,
					       &err), "cannot be applied");
		require(back.len == target.len && !memcmp(back.data, target.data, back.len),
			"another order comes back");
	}
	casg_buf_release(&base);
	casg_buf_release(&target);
	casg_buf_release(&delta);
	casg_buf_release(&back);
}

static void apply(const uint8_t *p, size_t left)
{
	struct casg_buf base = CASG_BUF_INIT, out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_orderdelta d;
	struct part b;
	uint8_t *exact;

	if (take(&p, &left, &b))
		return;
	order_of(&b, &base);
	exact = malloc(left + 1);
	if (left)
		memcpy(exact, p, left);
	if (casg_orderdelta_apply(base.data, base.len, exact, left, &out, &err))
		require(*err.msg, "refused without a reason");
	else
		require(out.len >= sizeof(CASG_ORDER_HEAD) &&
			!memcmp(out.data, CASG_ORDER_HEAD, sizeof(CASG_ORDER_HEAD) - 1),
			"what comes of it is no order");
	if (casg_orderdelta_decode(&d, exact, left, &err))
		require(*err.msg, "refused without a reason");
	free(exact);
	casg_buf_release(&base);
	casg_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size || size > 1 << 18)
		return 0;
	if (*data & 1)
		make(data + 1, size - 1);
	else
		apply(data + 1, size - 1);
	return 0;
}
