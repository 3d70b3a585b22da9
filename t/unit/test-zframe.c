#include "zframe.h"

#include <stdlib.h>

#include "tap.h"

static struct casg_zc *zc;
static struct casg_zd *zd;
static struct casg_err err = CASG_ERR_INIT;

static uint64_t rnd(void)
{
	static uint64_t s = 1;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

static void round_trip(size_t n, int level, int window)
{
	uint8_t *raw = malloc(n + 1), *back = malloc(n + 1);
	struct casg_buf a = CASG_BUF_INIT, b = CASG_BUF_INIT;

	for (size_t i = 0; i < n; i++)
		raw[i] = (uint8_t)"ACGT"[rnd() & 3];
	casg_buf_addstr(&a, "before");
	is_int(casg_zc_frame(zc, level, window, raw, n, &a, &err), 0,
	       "%zu bytes, level %d, window %d", n, level, window);
	is_int(casg_zc_frame(zc, level, window, raw, n, &b, &err), 0, "again");
	is_mem(a.data + 6, a.len - 6, b.data, b.len, "appended, and the same both times");
	is_int(casg_zd_frame(zd, b.data, b.len, back, n, &err), 0, "back");
	is_mem(back, n, raw, n, "the same bytes");
	free(raw);
	free(back);
	casg_buf_release(&a);
	casg_buf_release(&b);
}

/* In buffers of just the size, so that a sanitizer sees any step too far. */
static int decode(const uint8_t *p, size_t n, size_t raw)
{
	uint8_t *in = malloc(n ? n : 1), *out = malloc(raw ? raw : 1);
	int rc;

	if (n)
		memcpy(in, p, n);
	rc = casg_zd_frame(zd, in, n, out, raw, &err);
	free(in);
	free(out);
	return rc;
}

static void test_refusals(void)
{
	static const uint8_t skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 'x' };
	static const uint8_t streamed[] = { /* `printf x | zstd --no-check`: no content size */
		0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x09, 0x00, 0x00, 'x' };
	/* window descriptor 0x58 is 2 MiB; single-byte block; sizes to be had */
	uint8_t sized[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x40, 0x58, 0x00, 0x01,
			    0x01, 0x08, 0x00, 'y' };
	struct casg_buf b = CASG_BUF_INIT;
	uint8_t raw[1000];
	size_t n, bad = 0;

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(rnd() & 7);
	casg_zc_frame(zc, 3, 0, raw, sizeof(raw), &b, &err);
	n = b.len;
	is_int(decode(b.data, n, 1000), 0, "a good frame");
	is_int(decode(b.data, n, 999), CASG_ECORRUPT, "content longer than expected");
	is_int(decode(b.data, n, 1001), CASG_ECORRUPT, "content shorter than expected");
	for (size_t i = 0; i < n; i++)
		bad += decode(b.data, i, 1000) != CASG_ECORRUPT;
	is_int(bad, 0, "cut at any place");
	casg_buf_addch(&b, 0);
	is_int(decode(b.data, b.len, 1000), CASG_ECORRUPT, "a byte too many");
	b.len = n;
	casg_buf_add(&b, skippable, sizeof(skippable));
	is_int(decode(b.data, b.len, 1000), CASG_ECORRUPT, "a skippable frame behind");
	b.len = n;
	casg_zc_frame(zc, 3, 0, raw, 0, &b, &err);
	is_int(decode(b.data, b.len, 1000), CASG_ECORRUPT, "an empty frame behind");
	is_int(decode(skippable, sizeof(skippable), 0), CASG_ECORRUPT, "a skippable frame");
	is_int(decode(streamed, sizeof(streamed), 1), CASG_ECORRUPT, "no content size");
	b.data[4] |= 4;
	is_int(decode(b.data, n, 1000), CASG_ECORRUPT, "a checksum");
	ok(strstr(err.msg, "checksum"), "message: %s", err.msg);
	b.data[4] = (uint8_t)((b.data[4] & ~4) | 1);
	is_int(decode(b.data, n, 1000), CASG_ECORRUPT, "a dictionary");
	b.data[4] = (uint8_t)((b.data[4] & ~1) | 8);
	is_int(decode(b.data, n, 1000), CASG_ECORRUPT, "reserved bits");
	b.data[4] &= (uint8_t)~8;
	is_int(decode(b.data, n, 1000), 0, "good again");

	/* content size of two bytes: 0x0100 + 256 = 512, to see the window judged */
	is_int(decode(sized, sizeof(sized), 512), CASG_ECORRUPT, "less content than promised");
	sized[5] = 17 << 3;
	decode(sized, sizeof(sized), 512);
	ok(!strstr(err.msg, "window"), "a window of 2^27 is not the fault: %s", err.msg);
	sized[5] = 17 << 3 | 1;
	is_int(decode(sized, sizeof(sized), 512), CASG_ECORRUPT, "a window over 2^27");
	ok(strstr(err.msg, "window"), "message: %s", err.msg);

	for (size_t i = 0; i < 20 * n; i++) {
		uint8_t old = b.data[i % n];

		b.data[i % n] ^= (uint8_t)(1 + rnd() % 255);
		decode(b.data, n, 1000);
		b.data[i % n] = old;
	}
	ok(1, "damaged frames are decoded or refused without harm");
	casg_buf_release(&b);
}

static void test_arguments(void)
{
	struct casg_buf b = CASG_BUF_INIT;

	is_int(casg_zc_frame(zc, 99, 0, "x", 1, &b, &err), CASG_EBUG, "level 99");
	is_int(casg_zc_frame(zc, 3, 28, "x", 1, &b, &err), CASG_EBUG, "window 2^28");
	is_int(casg_zc_frame(zc, 3, 9, "x", 1, &b, &err), CASG_EBUG, "window 2^9");
	is_int(b.len, 0, "nothing appended");
	is_int(casg_zc_frame(zc, 3, 0, "x", 1, &b, &err), 0, "the context is still good");
	casg_buf_release(&b);
	casg_zc_free(NULL);
	casg_zd_free(NULL);
}

int main(void)
{
	zc = casg_zc_new();
	zd = casg_zd_new();
	round_trip(0, 3, 0);
	round_trip(1, 3, 0);
	round_trip(100000, 1, 0);
	round_trip(100000, 9, 17);
	round_trip(100000, -5, 0);
	round_trip(3000000, 3, 27);
	round_trip(0, 3, 27);
	test_refusals();
	test_arguments();
	casg_zc_free(zc);
	casg_zd_free(zd);
	return done_testing();
}
