#include "blocks.h"

#include <stdlib.h>

#include "endian.h"
#include "sum.h"
#include "tap.h"

static struct casg_err err;

/* n entries of 'size' bytes, entry i filled with i. */
static void write_array(struct casg_buf *out, uint32_t n, size_t size)
{
	struct casg_blocks_writer w = { out, 0, 0 };
	uint8_t e[256];

	for (uint32_t i = 0; i < n; i++) {
		memset(e, (int)i, size);
		casg_blocks_put(&w, e, size);
	}
	casg_blocks_finish(&w);
}

static void test_round_trip(uint32_t n, size_t size)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_blocks b;
	int good = 1;

	write_array(&out, n, size);
	is_int(out.len, casg_place_blocks(casg_place_after((struct casg_place){ 0, 0 }, n, size)) * CASG_BLOCK,
	       "%u entries of %zu bytes take whole blocks", n, size);
	if (!n) {
		casg_buf_release(&out);
		return;
	}
	is_int(casg_blocks_init(&b, out.data, out.len, &err), 0, "and open");
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *e = casg_blocks_entry(&b, (struct casg_place){ 0, 0 }, i, size, &err);

		good &= e && e[0] == (uint8_t)i && e[size - 1] == (uint8_t)i;
	}
	ok(good, "and come back");
	ok(!casg_blocks_entry(&b, (struct casg_place){ 0, 0 }, (uint64_t)1 << 40, size, &err) &&
	   err.code == CASG_ECORRUPT, "one far beyond is refused");
	is_int(casg_blocks_check_all(&b, &err), 0, "all are sound");
	casg_blocks_release(&b);
	casg_buf_release(&out);
}

static void test_damage(void)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_blocks b;
	size_t unnoticed = 0, spread = 0;

	write_array(&out, 300, 40); /* three blocks */
	for (size_t at = 0; at < out.len; at += 97) {
		out.data[at] ^= 0x40;
		casg_blocks_init(&b, out.data, out.len, &err);
		for (uint32_t k = 0; k < 3; k++) {
			int refused = !casg_blocks_entry(&b, (struct casg_place){ k, 0 }, 0, 40, &err);

			unnoticed += !refused && k == at / CASG_BLOCK;
			spread += refused && k != at / CASG_BLOCK;
		}
		unnoticed += casg_blocks_check_all(&b, &err) != CASG_ECORRUPT;
		casg_blocks_release(&b);
		out.data[at] ^= 0x40;
	}
	is_int(unnoticed, 0, "no changed byte goes unnoticed");
	is_int(spread, 0, "the other blocks are still read");
	out.data[CASG_BLOCK + 5] ^= 1;
	casg_blocks_init(&b, out.data, out.len, &err);
	ok(!casg_blocks_entry(&b, (struct casg_place){ 1, 0 }, 0, 40, &err), "a damaged block");
	is_str(err.msg, "block 1 is damaged", "is named");
	casg_blocks_release(&b);
	casg_buf_release(&out);
}

/* Blocks that change places are not what their seeds say. */
static void test_swapped(void)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_blocks b;
	uint8_t tmp[CASG_BLOCK];

	write_array(&out, 300, 40);
	memcpy(tmp, out.data, CASG_BLOCK);
	memcpy(out.data, out.data + CASG_BLOCK, CASG_BLOCK);
	memcpy(out.data + CASG_BLOCK, tmp, CASG_BLOCK);
	casg_blocks_init(&b, out.data, out.len, &err);
	ok(!casg_blocks_entry(&b, (struct casg_place){ 0, 0 }, 0, 40, &err) && !casg_blocks_entry(&b, (struct casg_place){ 1, 0 }, 0, 40, &err),
	   "swapped blocks are refused");
	casg_blocks_release(&b);
	for (size_t n = 0; n < out.len; n += 1000)
		if (n % CASG_BLOCK || !n)
			is_int(casg_blocks_init(&b, out.data, n, &err), CASG_ECORRUPT,
			       "%zu bytes are no blocks", n);
	casg_buf_release(&out);
}

/* A last block that is no longer than what is in it. */
static void test_short(uint32_t n, size_t size)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_blocks_writer w = { &out, 0, 0 };
	const struct casg_place start = { 0, 0 };
	struct casg_place end = casg_place_after(start, n, size);
	struct casg_blocks b;
	size_t unnoticed = 0;
	int good = 1;

	for (uint32_t i = 0; i < n; i++) {
		uint8_t e[256];

		memset(e, (int)i, size);
		casg_blocks_put(&w, e, size);
	}
	casg_blocks_finish_short(&w);
	is_int(out.len, end.block * CASG_BLOCK + end.offset + CASG_BLOCK_SUM,
	       "%u entries of %zu bytes, and no room behind them", n, size);
	is_int(casg_blocks_init_short(&b, out.data, out.len, &err), 0, "open");
	ok(b.last == end.offset, "with so much in the last block");
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *e = casg_blocks_entry(&b, start, i, size, &err);

		good &= e && e[0] == (uint8_t)i && e[size - 1] == (uint8_t)i;
	}
	ok(good, "and come back");
	casg_blocks_release(&b);
	for (size_t at = 0; at < out.len; at += 13) {
		out.data[at] ^= 0x40;
		casg_blocks_init_short(&b, out.data, out.len, &err);
		unnoticed += casg_blocks_check_all(&b, &err) != CASG_ECORRUPT;
		casg_blocks_release(&b);
		out.data[at] ^= 0x40;
	}
	is_int(unnoticed, 0, "no changed byte goes unnoticed");
	casg_buf_release(&out);
}

static void test_too_short(void)
{
	static const uint8_t zeros[CASG_BLOCK + CASG_BLOCK_SUM];
	struct casg_blocks b;

	is_int(casg_blocks_init_short(&b, zeros, 0, &err), CASG_ECORRUPT, "nothing is no block");
	is_int(casg_blocks_init_short(&b, zeros, CASG_BLOCK_SUM, &err), CASG_ECORRUPT,
	       "nor is a checksum of nothing");
	is_int(casg_blocks_init_short(&b, zeros, sizeof(zeros), &err), CASG_ECORRUPT,
	       "behind a block neither");
}

int main(void)
{
	static const size_t sizes[] = { 4, 8, 40, 64, 72 };

	for (size_t i = 0; i < 5; i++)
		for (uint32_t n = 0; n < 1400; n += 137)
			test_round_trip(n, sizes[i]);
	test_damage();
	test_swapped();
	for (uint32_t n = 1; n < 1400; n += 137)
		test_short(n, 5);
	test_short(4088, 4);
	test_too_short();
	return done_testing();
}
