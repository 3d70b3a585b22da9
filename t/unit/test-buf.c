/* buf, and what is small beside it: sorting, hex, varint, endian. */
#include <stdlib.h>

#include "array.h"
#include "buf.h"
#include "endian.h"
#include "hex.h"
#include "tap.h"
#include "varint.h"

static void test_buf(void)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	size_t len;
	uint8_t *p;

	is_str(casg_buf_cstr(&b), "", "an empty buffer is an empty string");
	for (int i = 0; i < 1000; i++)
		casg_buf_addch(&b, 'a' + i % 26);
	is_int(b.len, 1000, "length after a thousand additions");
	casg_buf_reset(&b);
	casg_buf_addf(&b, "%s-%d", "x", 7);
	casg_buf_add_u64(&b, UINT64_MAX);
	is_str(casg_buf_cstr(&b), "x-718446744073709551615", "formatted");
	is_int(casg_buf_check(&b, &err), 0, "nothing failed");
	p = casg_buf_detach(&b, &len);
	ok(p && len == 23 && !b.data && !b.len, "detached");
	free(p);
	is_int(casg_buf_grow(&b, SIZE_MAX), CASG_ENOMEM, "an impossible size");
	casg_buf_addstr(&b, "more");
	is_int(casg_buf_check(&b, &err), CASG_ENOMEM, "failure is sticky");
	is_str(err.msg, "out of memory", "and said");
	casg_buf_release(&b);
}

static void test_hex(void)
{
	const uint8_t raw[4] = { 0x00, 0x0f, 0xa5, 0xff };
	uint8_t back[4];
	char text[8];

	casg_hex_encode(text, raw, 4);
	is_mem(text, 8, "000fa5ff", 8, "hex");
	ok(!casg_hex_decode(back, text, 4) && !memcmp(back, raw, 4), "and back");
	ok(casg_hex_decode(back, "000FA5FF", 4) < 0, "upper case is refused");
	ok(casg_hex_decode(back, "000fa5fg", 4) < 0, "so is another letter");
}

static void test_varint(void)
{
	static const uint64_t values[] = {
		0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX
	};
	static const uint8_t padded[] = { 0x80, 0x00 };
	static const uint8_t huge[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02
	};
	uint8_t tmp[CASG_VARINT_MAX];
	const uint8_t *p;
	uint64_t v;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		size_t n = casg_varint_put(tmp, values[i]);

		p = tmp;
		ok(!casg_varint_get(&p, tmp + n, &v) && v == values[i] && p == tmp + n,
		   "varint of %llu", (unsigned long long)values[i]);
		p = tmp;
		ok(casg_varint_get(&p, tmp + n - 1, &v) < 0 && p == tmp,
		   "and cut short");
	}
	p = padded;
	ok(casg_varint_get(&p, padded + 2, &v) < 0, "padding is refused");
	p = huge;
	ok(casg_varint_get(&p, huge + 10, &v) < 0, "more than 64 bits are refused");
	is_int(casg_unzigzag(casg_zigzag(INT64_MIN)), INT64_MIN, "zigzag");
	is_int(casg_zigzag(-1), 1, "zigzag of -1");
}

static void test_endian(void)
{
	uint8_t b[8];

	casg_put_be64(b, 0x0102030405060708);
	is_mem(b, 8, "\1\2\3\4\5\6\7\10", 8, "big-endian");
	is_int(casg_get_be64(b), 0x0102030405060708, "and back");
	is_int(casg_get_le64(b), 0x0807060504030201, "little-endian");
	casg_put_le32(b, 0x01020304);
	is_int(casg_get_be32(b), 0x04030201, "32 bits");
}

struct element {
	uint32_t key, place, more[3];
};

static int by_key(const void *a, const void *b)
{
	const struct element *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* What is short is sorted by insertion, which keeps equal ones in order; the rest by qsort. */
static void test_sort_short(void)
{
	struct element v[100];
	uint32_t state = 7, bad = 0;

	for (uint32_t n = 0; n <= 100; n++) {
		for (uint32_t i = 0; i < n; i++) {
			state = state * 1664525 + 1013904223;
			v[i] = (struct element){ state >> 28, i, { i, i + 1, i + 2 } };
		}
		casg_sort_short(v, n, sizeof(*v), by_key);
		for (uint32_t i = 0; i < n; i++)
			bad += v[i].more[0] != v[i].place || v[i].more[2] != v[i].place + 2;
		for (uint32_t i = 1; i < n; i++)
			bad += v[i - 1].key > v[i].key ||
			       (n <= 32 && v[i - 1].key == v[i].key && v[i - 1].place > v[i].place);
	}
	is_int(bad, 0, "up to 100 elements in order");
}

int main(void)
{
	test_sort_short();
	test_buf();
	test_hex();
	test_varint();
	test_endian();
	return done_testing();
}
