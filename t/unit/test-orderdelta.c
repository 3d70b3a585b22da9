#include "orderdelta.h"

#include <stdlib.h>

#include "tap.h"
#include "varint.h"

/*
 * Orders are made of records with keys, numbers here; ranks are those of the
 * sorted keys, as in a tree.
 */
enum { MAX = 400 };

struct file {
	uint32_t key[MAX];
	uint32_t n;
};

static struct casg_err err;
static uint32_t seed = 4711;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static int has(const struct file *f, uint32_t key)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (f->key[i] == key)
			return 1;
	return 0;
}

static uint32_t rank_of(const struct file *f, uint32_t key)
{
	uint32_t rank = 0;

	for (uint32_t i = 0; i < f->n; i++)
		rank += f->key[i] < key;
	return rank;
}

static void put_order(const uint32_t *ranks, uint32_t n, struct casg_buf *out)
{
	int64_t last = -1;

	casg_buf_reset(out);
	casg_buf_addstr(out, CASG_ORDER_HEAD);
	casg_varint_add(out, n);
	for (uint32_t i = 0; i < n; i++) {
		casg_varint_add(out, casg_zigzag((int64_t)ranks[i] - last - 1));
		last = ranks[i];
	}
}

static void order_of(const struct file *f, struct casg_buf *out)
{
	uint32_t ranks[MAX];

	for (uint32_t i = 0; i < f->n; i++)
		ranks[i] = rank_of(f, f->key[i]);
	put_order(ranks, f->n, out);
}

static int cmp_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The ranks of those of 'a' that 'b' has not. */
static void only_in(const struct file *a, const struct file *b, uint32_t v[MAX],
		    struct casg_ranks *out)
{
	*out = (struct casg_ranks){ v, 0, MAX };
	for (uint32_t i = 0; i < a->n; i++)
		if (!has(b, a->key[i]))
			v[out->n++] = rank_of(a, a->key[i]);
	qsort(v, out->n, sizeof(*v), cmp_u32);
}

static void make(struct file *f, uint32_t n, uint32_t from)
{
	f->n = n;
	for (uint32_t i = 0; i < n; i++)
		f->key[i] = from + 10 * i;
}

static void insert(struct file *f, uint32_t at, uint32_t key)
{
	if (f->n == MAX || has(f, key))
		return;
	memmove(f->key + at + 1, f->key + at, (f->n - at) * sizeof(*f->key));
	f->key[at] = key;
	f->n++;
}

static void take(struct file *f, uint32_t at)
{
	f->n--;
	memmove(f->key + at, f->key + at + 1, (f->n - at) * sizeof(*f->key));
}

static void shuffle(struct file *f)
{
	for (uint32_t i = f->n; i > 1; i--) {
		uint32_t k = rnd(i), x = f->key[k];

		f->key[k] = f->key[i - 1];
		f->key[i - 1] = x;
	}
}

static void move(struct file *f)
{
	uint32_t n, from, to, v[MAX];

	if (f->n < 2)
		return;
	n = 1 + rnd(f->n < 20 ? f->n : 20);
	from = rnd(f->n - n + 1);
	memcpy(v, f->key + from, n * sizeof(*v));
	f->n -= n;
	memmove(f->key + from, f->key + from + n, (f->n - from) * sizeof(*v));
	to = rnd(f->n + 1);
	memmove(f->key + to + n, f->key + to, (f->n - to) * sizeof(*v));
	memcpy(f->key + to, v, n * sizeof(*v));
	f->n += n;
}

/* The bytes of the delta if it brings 'b' back; -1 if not. */
static long round_trip(const struct file *a, const struct file *b)
{
	struct casg_buf base = CASG_BUF_INIT, target = CASG_BUF_INIT, delta = CASG_BUF_INIT,
			back = CASG_BUF_INIT;
	uint32_t vg[MAX], vc[MAX];
	struct casg_ranks gone, come;
	long n = -1;

	order_of(a, &base);
	order_of(b, &target);
	only_in(a, b, vg, &gone);
	only_in(b, a, vc, &come);
	if (casg_orderdelta_make(base.data, base.len, target.data, target.len, &gone, &come,
				 &delta, &err) ||
	    casg_orderdelta_apply(base.data, base.len, delta.data, delta.len, &back, &err))
		diag("%s", err.msg);
	else if (back.len == target.len && !memcmp(back.data, target.data, back.len))
		n = (long)delta.len;
	casg_buf_release(&base);
	casg_buf_release(&target);
	casg_buf_release(&delta);
	casg_buf_release(&back);
	return n;
}

static void test_random(void)
{
	int good = 0;

	for (int i = 0; i < 400; i++) {
		struct file a, b;

		make(&a, rnd(250), 5);
		if (rnd(2))
			shuffle(&a);
		b = a;
		for (uint32_t k = rnd(12); k; k--) {
			switch (rnd(5)) {
			case 0: insert(&b, rnd(b.n + 1), rnd(3000)); break;
			case 1: if (b.n) take(&b, rnd(b.n)); break;
			case 2: move(&b); break;
			case 3: insert(&b, b.n, 3000 + rnd(3000)); break;
			case 4: if (!rnd(8)) shuffle(&b); break;
			}
		}
		good += round_trip(&a, &b) >= 0;
	}
	is_int(good, 400, "random changes of random orders come back");
}

static void test_cases(void)
{
	struct file none = { .n = 0 }, a, b;

	ok(round_trip(&none, &none) >= 0, "of nothing, nothing");
	make(&a, 300, 5);
	shuffle(&a);
	ok(round_trip(&none, &a) >= 0, "all have come");
	ok(round_trip(&a, &none) >= 0, "all are gone");
	ok(round_trip(&a, &a) > 0 && round_trip(&a, &a) < 12, "the same takes a few bytes");
	b = a;
	for (uint32_t i = 0; i < b.n; i++)
		b.key[i] += 3;
	ok(round_trip(&a, &b) >= 0, "all are renamed");
	b = a;
	insert(&b, 100, 1);
	ok(round_trip(&a, &b) > 0 && round_trip(&a, &b) < 20,
	   "one that shifts all ranks takes a few bytes");
	b = a;
	take(&b, 7);
	ok(round_trip(&a, &b) > 0 && round_trip(&a, &b) < 20, "as does one that goes");
	b = a;
	for (uint32_t i = 0; i < b.n; i++)
		b.key[i] = a.key[b.n - 1 - i];
	ok(round_trip(&a, &b) >= 0, "the other way round");
	make(&a, 1, 5);
	make(&b, 1, 6);
	ok(round_trip(&a, &b) >= 0, "one for another");
}

/* ---- what does not fit together ----------------------------------------- */

static int try_make(const char *b, size_t nb, const char *t, size_t nt,
		    uint32_t *gone, size_t ngone, uint32_t *come, size_t ncome)
{
	struct casg_buf base = CASG_BUF_INIT, target = CASG_BUF_INIT, out = CASG_BUF_INIT;
	struct casg_ranks g = { gone, ngone, ngone }, c = { come, ncome, ncome };
	int rc;

	casg_buf_addstr(&base, CASG_ORDER_HEAD);
	casg_buf_add(&base, b, nb);
	casg_buf_addstr(&target, CASG_ORDER_HEAD);
	casg_buf_add(&target, t, nt);
	rc = casg_orderdelta_make(base.data, base.len, target.data, target.len, &g, &c, &out,
				  &err);
	casg_buf_release(&base);
	casg_buf_release(&target);
	casg_buf_release(&out);
	return rc;
}

#define MAKE(b, t, g, ng, c, nc) try_make(b, sizeof(b) - 1, t, sizeof(t) - 1, g, ng, c, nc)

/* A version may name an order and a tree that are not of one another. */
static void test_mismatch(void)
{
	uint32_t zero[] = { 0 }, nine[] = { 9 };

	is_int(MAKE("\3\0\0\0", "\3\0\0\0", NULL, 0, NULL, 0), 0, "an order like its base");
	is_int(MAKE("\3\0\0\0", "\3\0\0\0", zero, 1, nine, 1), CASG_ECORRUPT,
	       "a rank that has come is beyond the last");
	is_str(err.msg, "corrupt order: its ranks are out of range", "and the reason is given");
	is_int(MAKE("\3\0\0\0", "\3\0\0\0", nine, 1, zero, 1), CASG_ECORRUPT,
	       "a rank that is gone is beyond the last");
	is_int(MAKE("\3\0\0\0", "\2\0\0", NULL, 0, NULL, 0), CASG_ECORRUPT,
	       "counts that do not add up");
	/* ranks 0 0 2 */
	is_int(MAKE("\3\0\1\2", "\3\0\0\0", NULL, 0, NULL, 0), CASG_ECORRUPT,
	       "a rank twice in the base");
	is_str(err.msg, "corrupt order: a rank comes twice", "and the reason is given");
	is_int(MAKE("\3\0\0\0", "\3\0\1\2", NULL, 0, NULL, 0), CASG_ECORRUPT,
	       "a rank twice in the target");
	is_int(MAKE("\3\0\0\6", "\3\0\0\0", NULL, 0, NULL, 0), CASG_ECORRUPT,
	       "a rank beyond the last");
	is_int(MAKE("\3\0\0", "\3\0\0\0", NULL, 0, NULL, 0), CASG_ECORRUPT, "a base cut short");
	is_int(MAKE("\3\0\0\0\0", "\3\0\0\0", NULL, 0, NULL, 0), CASG_ECORRUPT,
	       "bytes left over");
}

/* ---- hostile bytes ------------------------------------------------------ */

static int try_apply(const char *d, size_t n)
{
	struct casg_buf base = CASG_BUF_INIT, out = CASG_BUF_INIT;
	uint8_t *copy = malloc(n + 1); /* exact, for sanitizers */
	int rc;

	casg_buf_addstr(&base, CASG_ORDER_HEAD);
	casg_buf_add(&base, "\3\0\0\0", 4);
	memcpy(copy, d, n);
	rc = casg_orderdelta_apply(base.data, base.len, copy, n, &out, &err);
	free(copy);
	casg_buf_release(&base);
	casg_buf_release(&out);
	return rc;
}

#define REFUSED(bytes, why, what) do { \
	is_int(try_apply(bytes, sizeof(bytes) - 1), CASG_ECORRUPT, what); \
	is_str(err.msg, "corrupt order: " why, "and the reason is given"); \
} while (0)

static void test_hostile(void)
{
	is_int(try_apply("\3\3\0\0\6\0", 6), 0, "a copy of all");
	is_int(try_apply("\3\3\1\1\1\1\2\0\3\0\2\0", 12), 0, "one for another in the middle");
	is_int(try_apply("\3\0\3\0\0\0\0", 7), 0, "all gone");
	REFUSED("", "its counts are malformed", "nothing at all");
	REFUSED("\4\4\0\0\10\0", "its counts are malformed", "the count of another base");
	REFUSED("\3\xff\xff\xff\xff\x7f\0\0", "its counts are malformed", "too many records");
	REFUSED("\3\3\4\0\0\0\0\0", "its lists are malformed", "more gone than there were");
	REFUSED("\3\2\1\3\0\4\0", "its lists are malformed", "a rank gone beyond the last");
	REFUSED("\3\1\2\0\3\0\2\0", "its lists are malformed", "a second one beyond the last");
	REFUSED("\3\2\0\0\4\0", "its counts do not add up", "a record lost");
	REFUSED("\3\3\0\0\4\0", "its operations are malformed", "too few operations");
	REFUSED("\3\3\0\0\10\0", "its operations are malformed", "more than counted");
	REFUSED("\3\3\0\0\0\0\6\0", "its operations are malformed", "an operation of none");
	REFUSED("\3\3\0\0\6\2", "it copies what is not there", "a copy from behind the end");
	REFUSED("\3\3\0\0\6\1", "it copies what is not there", "a copy from before the start");
	REFUSED("\3\3\0\0\7\0\0\0", "it takes what has not come", "a record that has not come");
	REFUSED("\3\3\0\0\6\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", "its operations are malformed",
		"a position out of all range");
	REFUSED("\3\3\0\0\6\0\0", "bytes are left over", "an operation too many");
}

static void test_members(void)
{
	struct casg_orderdelta d = { .nbytes = 300, .delta = (const uint8_t *)"xyz",
				     .delta_n = 3 }, back;
	struct casg_buf out = CASG_BUF_INIT;
	int good = 1;

	memset(&d.id, 1, sizeof(d.id));
	memset(&d.base, 2, sizeof(d.base));
	casg_orderdelta_encode(&d, &out);
	is_int(casg_orderdelta_decode(&back, out.data, out.len, &err), 0, "a member");
	ok(casg_oid_eq(&back.id, &d.id) && casg_oid_eq(&back.base, &d.base) &&
	   back.nbytes == 300 && back.delta_n == 3 && !memcmp(back.delta, "xyz", 3),
	   "comes back");
	for (size_t n = 0; n < out.len - 3; n++) {
		uint8_t *p = malloc(n + 1);

		memcpy(p, out.data, n);
		good &= casg_orderdelta_decode(&back, p, n, &err) == CASG_ECORRUPT;
		free(p);
	}
	ok(good, "cut short anywhere it is refused");
	casg_buf_reset(&out);
	d.nbytes = CASG_ORDERDELTA_MAX * 10 + 65;
	casg_orderdelta_encode(&d, &out);
	is_int(casg_orderdelta_decode(&back, out.data, out.len, &err), CASG_ECORRUPT,
	       "a length that no order has");
	casg_buf_release(&out);
}

/* One record too many: for the caller to store whole. */
static void test_limit(void)
{
	struct casg_buf b = CASG_BUF_INIT, out = CASG_BUF_INIT;
	const struct casg_ranks none = { NULL, 0, 0 };

	for (uint64_t n = CASG_ORDERDELTA_MAX; n <= CASG_ORDERDELTA_MAX + 1; n++) {
		casg_buf_reset(&b);
		casg_buf_addstr(&b, CASG_ORDER_HEAD);
		casg_varint_add(&b, n);
		casg_buf_grow(&b, n);
		memset(b.data + b.len, 0, n);
		b.len += n;
		is_int(casg_orderdelta_make(b.data, b.len, b.data, b.len, &none, &none, &out,
					    &err),
		       n > CASG_ORDERDELTA_MAX ? CASG_EUNSUPPORTED : 0, "%lu records",
		       (unsigned long)n);
	}
	casg_buf_release(&b);
	casg_buf_release(&out);
}

int main(void)
{
	test_random();
	test_cases();
	test_mismatch();
	test_hostile();
	test_members();
	test_limit();
	return done_testing();
}
