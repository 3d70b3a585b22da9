#include "sketch.h"

#include <stdlib.h>

#include "sum.h"
#include "tap.h"

static uint64_t rnd(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

/* The definition, byte by byte. */
static uint64_t word(const uint8_t *p, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static uint64_t sketch_slowly(const uint8_t *p, size_t n, int k)
{
	uint64_t least = UINT64_MAX;

	if (n < (size_t)k)
		return casg_xxh64(0, p, n);
	for (size_t i = 0; i + (size_t)k <= n; i++) {
		uint64_t x = word(p + i, k < 8 ? k : 8), h;

		for (int j = 1; 8 * j < k; j++) {
			int at = 8 * j + 8 <= k ? 8 * j : k - 8;
			uint64_t w = word(p + i + at, 8);

			x ^= w << (2 * j) | w >> (64 - 2 * j);
		}
		h = x * UINT64_C(0x9e3779b97f4a7c15);
		least = h < least ? h : least;
	}
	return least;
}

static int agrees(size_t n, int k)
{
	uint8_t *p = calloc(n ? n : 1, 1);
	int same;

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)"ACDEFGHIKLMNPQRSTVWY"[rnd() % 20];
	same = casg_sketch(p, n, k) == sketch_slowly(p, n, k);
	free(p);
	return same;
}

/*
 * Which instructions serve depends on the number of k-mers; the least of the
 * parts' sketches must be that of the whole, whatever the size of the parts.
 */
static int parts_agree(const uint8_t *p, size_t n, int k, size_t nwindows)
{
	uint64_t least = UINT64_MAX, h;

	for (size_t i = 0; i + (size_t)k <= n; i += nwindows) {
		size_t m = nwindows + (size_t)k - 1;

		h = casg_sketch(p + i, n - i < m ? n - i : m, k);
		least = h < least ? h : least;
	}
	return least == casg_sketch(p, n, k);
}

int main(void)
{
	static const size_t parts[] = { 1, 7, 31, 32, 40, 63, 64, 65, 200 };
	uint8_t p[2000];
	int bad = 0;

	for (int k = 1; k <= CASG_SKETCH_K_MAX; k++)
		for (size_t n = 0; n < 260; n++)
			bad += !agrees(n, k);
	is_int(bad, 0, "every k, lengths 0 to 259");
	for (size_t n = 260; n < 5000; n += 97)
		bad += !agrees(n, 8) + !agrees(n, 24);
	is_int(bad, 0, "longer ones");
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)rnd();
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		ok(parts_agree(p, sizeof(p), 8, parts[i]) &&
		   parts_agree(p, sizeof(p), 24, parts[i]) &&
		   parts_agree(p, sizeof(p), 5, parts[i]), "in parts of %zu", parts[i]);
	memset(p, 'A', 500);
	ok(casg_sketch(p, 500, 8) == casg_sketch(p, 8, 8), "one k-mer many times");
	ok(casg_sketch(p, 7, 8) != casg_sketch(p, 6, 8), "short ones by themselves");
	return done_testing();
}
