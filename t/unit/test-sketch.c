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

static void take(uint64_t h, uint64_t *least)
{
	for (int s = 0; s < CASG_SKETCHES; s++, h -= UINT64_MAX / 4 + 1)
		least[s] = h < least[s] ? h : least[s];
}

static void sketch_slowly(const uint8_t *p, size_t n, int k, uint64_t *least)
{
	memset(least, 0xff, CASG_SKETCHES * sizeof(*least));
	if (n < (size_t)k)
		take(casg_xxh64(0, p, n), least);
	for (size_t i = 0; i + (size_t)k <= n; i++) {
		uint64_t x = word(p + i, k < 8 ? k : 8);

		for (int j = 1; 8 * j < k; j++) {
			int at = 8 * j + 8 <= k ? 8 * j : k - 8;
			uint64_t w = word(p + i + at, 8);

			x ^= w << (2 * j) | w >> (64 - 2 * j);
		}
		take(x * UINT64_C(0x9e3779b97f4a7c15), least);
	}
}

static int same(const uint64_t *a, const uint64_t *b)
{
	return !memcmp(a, b, CASG_SKETCHES * sizeof(*a));
}

static int agrees(size_t n, int k)
{
	uint8_t *p = calloc(n ? n : 1, 1);
	uint64_t quick[CASG_SKETCHES], slow[CASG_SKETCHES];

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)"ACDEFGHIKLMNPQRSTVWY"[rnd() % 20];
	casg_sketches(p, n, k, quick);
	sketch_slowly(p, n, k, slow);
	free(p);
	return same(quick, slow);
}

/*
 * Which instructions serve depends on the number of k-mers; the least of the
 * parts' sketches must be that of the whole, whatever the size of the parts.
 */
static int parts_agree(const uint8_t *p, size_t n, int k, size_t nwindows)
{
	uint64_t least[CASG_SKETCHES], h[CASG_SKETCHES];

	memset(least, 0xff, sizeof(least));
	for (size_t i = 0; i + (size_t)k <= n; i += nwindows) {
		size_t m = nwindows + (size_t)k - 1;

		casg_sketches(p + i, n - i < m ? n - i : m, k, h);
		for (int s = 0; s < CASG_SKETCHES; s++)
			least[s] = h[s] < least[s] ? h[s] : least[s];
	}
	casg_sketches(p, n, k, h);
	return same(least, h);
}

/* Of two sequences that share most k-mers, each sketch says so, and not all at once. */
static void test_likeness(void)
{
	int agree[CASG_SKETCHES] = { 0 }, all = 0, any = 0;

	for (int round = 0; round < 400; round++) {
		uint8_t p[400];
		uint64_t a[CASG_SKETCHES], b[CASG_SKETCHES];
		int n = 0;

		for (size_t i = 0; i < sizeof(p); i++)
			p[i] = (uint8_t)"ACDEFGHIKLMNPQRSTVWY"[rnd() % 20];
		casg_sketches(p, sizeof(p), 8, a);
		for (int i = 0; i < 16; i++)
			p[rnd() % sizeof(p)] = 'X';
		casg_sketches(p, sizeof(p), 8, b);
		for (int s = 0; s < CASG_SKETCHES; s++) {
			agree[s] += a[s] == b[s];
			n += a[s] == b[s];
		}
		all += n == CASG_SKETCHES;
		any += n > 0;
	}
	/* 16 changes in 400 leave some 7 of 10 k-mers: of all of both, 9 of 16 are shared */
	for (int s = 0; s < CASG_SKETCHES; s++)
		ok(agree[s] > 185 && agree[s] < 265, "sketch %d agrees in %d of 400", s, agree[s]);
	ok(any > 370 && all < 100, "one of them in %d, all in %d", any, all);
}

int main(void)
{
	static const size_t parts[] = { 1, 7, 31, 32, 40, 63, 64, 65, 200 };
	uint64_t a[CASG_SKETCHES], b[CASG_SKETCHES];
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
	casg_sketches(p, 500, 8, a);
	casg_sketches(p, 8, 8, b);
	ok(same(a, b), "one k-mer many times");
	casg_sketches(p, 7, 8, a);
	casg_sketches(p, 6, 8, b);
	for (int s = 0; s < CASG_SKETCHES; s++)
		ok(a[s] != b[s], "short ones by themselves, %d", s);
	test_likeness();
	return done_testing();
}
