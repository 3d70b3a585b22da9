#include "presdelta.h"

#include <stdlib.h>

#include "tap.h"
#include "varint.h"

enum { MAX = 300 };

#define HEAD CASG_PRESENTATION_HEAD "width 60\neol lf\nfinal-newline yes\n"

struct file {
	uint32_t at[MAX];   /* positions, ascending */
	uint32_t text[MAX]; /* a number a text */
	uint32_t n;
};

static struct casg_err err;
static uint32_t seed = 815;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void put(const struct file *f, const char *head, struct casg_buf *out)
{
	casg_buf_reset(out);
	casg_buf_addstr(out, head);
	for (uint32_t i = 0; i < f->n; i++)
		casg_buf_addf(out, "%u c%u.%u\n", f->at[i], f->text[i] / 7, f->text[i] % 7);
}

static void make(struct file *f, uint32_t n, uint32_t ntexts)
{
	f->n = n;
	for (uint32_t i = 0; i < n; i++) {
		f->at[i] = (i ? f->at[i - 1] + 1 : 0) + (rnd(4) ? 0 : rnd(9));
		f->text[i] = rnd(ntexts);
	}
}

/* A record comes, goes, or looks different. */
static void change(struct file *f)
{
	uint32_t i = f->n ? rnd(f->n) : 0, what = rnd(3);

	if (what == 0 && f->n) {
		f->text[i] = rnd(1000);
	} else if (what == 1 && f->n) {
		f->n--;
		for (; i < f->n; i++) {
			f->at[i] = f->at[i + 1] - 1;
			f->text[i] = f->text[i + 1];
		}
	} else if (f->n < MAX) {
		f->n++;
		for (uint32_t k = f->n - 1; k > i; k--) {
			f->at[k] = f->at[k - 1] + 1;
			f->text[k] = f->text[k - 1];
		}
		f->at[i] = i ? f->at[i - 1] + 1 : 0;
		f->text[i] = rnd(1000);
	}
}

/* The bytes of the delta if it brings 'b' back; -1 if not. */
static long round_trip(const struct casg_buf *a, const struct casg_buf *b)
{
	struct casg_buf delta = CASG_BUF_INIT, back = CASG_BUF_INIT;
	long n = -1;

	if (casg_presdelta_make(a->data, a->len, b->data, b->len, &delta, &err) ||
	    casg_presdelta_apply(a->data, a->len, delta.data, delta.len, &back, &err))
		diag("%s", err.msg);
	else if (back.len == b->len && !memcmp(back.data, b->data, b->len))
		n = (long)delta.len;
	casg_buf_release(&delta);
	casg_buf_release(&back);
	return n;
}

static void test_random(void)
{
	static struct file f, g;
	struct casg_buf a = CASG_BUF_INIT, b = CASG_BUF_INIT;
	int bad = 0, ran = 0;

	for (int round = 0; round < 2000; round++) {
		make(&f, rnd(MAX), 1 + rnd(200));
		g = f;
		for (uint32_t k = rnd(20); k; k--)
			change(&g);
		if (!rnd(5))
			make(&g, rnd(MAX), 1 + rnd(200));
		put(&f, HEAD, &a);
		put(&g, rnd(3) ? HEAD : CASG_PRESENTATION_HEAD "width 80\n", &b);
		bad += round_trip(&a, &b) < 0;
		ran++;
	}
	is_int(bad, 0, "%d presentations come back", ran);
	casg_buf_release(&a);
	casg_buf_release(&b);
}

static void test_small(void)
{
	static struct file f, g;
	struct casg_buf a = CASG_BUF_INIT, b = CASG_BUF_INIT;
	long n;

	make(&f, MAX - 1, 50);
	g = f;
	put(&f, HEAD, &a);
	n = round_trip(&a, &a);
	ok(n > 0 && n <= 6, "nothing has changed: %ld bytes", n);
	for (uint32_t i = 100; i < g.n; i++)
		g.at[i]++;
	put(&g, HEAD, &b);
	n = round_trip(&a, &b);
	ok(n > 0 && n <= 16, "a record without a line comes: %ld bytes", n);
	change(&g);
	put(&g, HEAD, &b);
	n = round_trip(&a, &b);
	ok(n > 0 && n <= 40, "and a line is another: %ld bytes of %zu", n, b.len);
	casg_buf_release(&a);
	casg_buf_release(&b);
}

/* ---- what is refused ----------------------------------------------------- */

static int try_apply(const char *base, const char *d, size_t n)
{
	struct casg_buf out = CASG_BUF_INIT;
	uint8_t *copy = malloc(n + 1); /* exact, for sanitizers */
	int rc;

	memcpy(copy, d, n);
	rc = casg_presdelta_apply((const uint8_t *)base, strlen(base), copy, n, &out, &err);
	free(copy);
	casg_buf_release(&out);
	return rc;
}

#define REFUSED(bytes, why, what) do { \
	is_int(try_apply(HEAD "1 a\n4 b\n", bytes, sizeof(bytes) - 1), CASG_ECORRUPT, what); \
	is_str(err.msg, "corrupt presentation: " why, "and the reason is given"); \
} while (0)

#define BAD_BASE(base, why, what) do { \
	is_int(try_apply(base, "\0\0", 2), CASG_ECORRUPT, what); \
	is_str(err.msg, "corrupt presentation: " why, "and the reason is given"); \
} while (0)

static void test_hostile(void)
{
	is_int(try_apply(HEAD "1 a\n4 b\n", "\0\2\6\0", 4), 0, "all lines");
	is_int(try_apply(HEAD "1 a\n4 b\n", "\0\0", 2), 0, "none");
	REFUSED("", "its differences are malformed", "nothing at all");
	REFUSED("\5abc", "its differences are malformed", "a head that is cut short");
	REFUSED("\3abc\0", "its differences are malformed", "a head that is none");
	REFUSED("\0\1", "its differences are malformed", "too few operations");
	REFUSED("\0\1\6\0", "its differences are malformed", "more lines than counted");
	REFUSED("\0\2\0\0", "its differences are malformed", "an operation of none");
	REFUSED("\0\3\11\0", "it copies what is not there", "a line beyond the last");
	REFUSED("\0\1\3\1", "it copies what is not there", "a line before the first");
	REFUSED("\0\1\4\0", "its differences are malformed", "a distance that is missing");
	REFUSED("\0\1\5\0\0", "its differences are malformed", "an empty text");
	REFUSED("\0\1\5\0\2a", "its differences are malformed", "a text that is cut short");
	REFUSED("\0\1\5\0\2a\n", "its differences are malformed", "a text of two lines");
	REFUSED("\0\1\5\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\1a", "a position is out of range",
		"a distance out of all range");
	REFUSED("\0\2\6\0\0", "bytes are left over", "bytes behind the last operation");
	BAD_BASE("casg-order 1\n", "it does not begin as one", "a base that is an order");
	BAD_BASE(HEAD "1 a", "its last line is cut short", "a base without its last line end");
	BAD_BASE(HEAD "4 a\n4 b\n", "a line is malformed", "positions that do not rise");
	BAD_BASE(HEAD "04 a\n", "a line is malformed", "a position with a zero before it");
	BAD_BASE(HEAD "4 \n", "a line is malformed", "a line without a text");
	BAD_BASE(HEAD "99999999999999999999 a\n", "a line is malformed", "a position out of range");
}

/* Few bytes that copy a long line over and over. */
static void test_limit(void)
{
	struct casg_buf base = CASG_BUF_INIT, delta = CASG_BUF_INIT;

	casg_buf_addstr(&base, HEAD "0 ");
	for (int i = 0; i < 1 << 20; i++)
		casg_buf_addch(&base, 'x');
	casg_buf_addstr(&base, "\n");
	casg_varint_add(&delta, 0);
	casg_varint_add(&delta, 60);
	for (int i = 0; i < 60; i++) {
		casg_varint_add(&delta, 3);
		casg_varint_add(&delta, i ? 1 : 0);
	}
	base.failed |= casg_buf_cstr(&base) == NULL;
	is_int(try_apply((char *)base.data, (char *)delta.data, delta.len), CASG_ECORRUPT,
	       "what grows beyond the limit");
	is_str(err.msg, "corrupt presentation: it is longer than the limit", "is refused");
	casg_buf_release(&base);
	casg_buf_release(&delta);
}

int main(void)
{
	test_random();
	test_small();
	test_hostile();
	test_limit();
	return done_testing();
}
