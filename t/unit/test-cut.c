#include "cut.h"

#include <stdlib.h>

#include "tap.h"

static uint64_t gear[256];

static uint64_t splitmix64(uint64_t *s)
{
	uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The definition: every possible end is hashed anew. */
static size_t cut_slowly(const uint8_t *p, size_t n, size_t min, unsigned bits, size_t max)
{
	if (n <= min)
		return n;
	for (size_t i = min; i < n && i < max; i++) {
		size_t from = i > 64 ? i - 64 : 0;
		uint64_t h = 0;

		for (size_t j = from; j < i; j++)
			h = (h << 1) + gear[p[j]];
		if (h >> (64 - bits) == 0)
			return i;
	}
	return n < max ? n : max;
}

static void test_reference(const uint8_t *p, size_t n)
{
	static const struct { size_t min; unsigned bits; size_t max; } v[] = {
		{ 1, 1, 100 }, { 64, 6, 1000 }, { 65, 8, 1000 }, { 200, 6, 200 },
		{ 100, 10, 5000 }, { 1000, 10, 1100 },
	};

	for (size_t k = 0; k < sizeof(v) / sizeof(v[0]); k++) {
		size_t at = 0, bad = 0;

		while (at < n) {
			size_t got = casg_cut(p + at, n - at, v[k].min, v[k].bits, v[k].max);

			bad += got != cut_slowly(p + at, n - at, v[k].min, v[k].bits, v[k].max);
			at += got;
		}
		ok(!bad && at == n, "min %zu, bits %u, max %zu", v[k].min, v[k].bits, v[k].max);
	}
}

/* Cuts as positions from the end, so that they can be compared. */
static size_t cuts(const uint8_t *p, size_t n, size_t *out)
{
	size_t count = 0;

	for (size_t at = 0; at < n;) {
		at += casg_cut(p + at, n - at, 256, 10, 8192);
		out[count++] = n - at;
	}
	return count;
}

int main(void)
{
	size_t n = 200000, na, nb, same = 0, max = 0;
	uint8_t *p = malloc(n + 10), *q = malloc(n + 10);
	size_t *a = calloc(n, sizeof(*a)), *b = calloc(n, sizeof(*b));
	uint64_t s = 0x63617367;

	for (int i = 0; i < 256; i++)
		gear[i] = splitmix64(&s);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)"ACGT"[splitmix64(&s) & 3];
	test_reference(p, n);

	is_int(casg_cut(p, 0, 100, 10, 1000), 0, "nothing");
	is_int(casg_cut(p, 100, 100, 10, 1000), 100, "no more than min");
	memset(q, 'A', n);
	is_int(casg_cut(q, n, 100, 10, 1000), 1000, "repeats are cut at max");
	is_int(casg_cut(q, 700, 100, 10, 1000), 700, "or at the end");

	na = cuts(p, n, a);
	for (size_t i = 0; i + 1 < na; i++)
		max = a[i] - a[i + 1] > max ? a[i] - a[i + 1] : max;
	ok(na > n / 2560 && na < n / 640, "%zu pieces of 1280 or so", na);
	ok(max <= 8192, "none longer than max");
	memcpy(q, p, 1000);
	memcpy(q + 1000, "GATTACA", 7);
	memcpy(q + 1007, p + 1000, n - 1000);
	nb = cuts(q, n + 7, b);
	for (size_t i = 0, j = 0; i < na && j < nb;) {
		if (a[i] == b[j])
			same++, i++, j++;
		else if (a[i] > b[j])
			i++;
		else
			j++;
	}
	ok(same + 10 > na, "an insertion moves few cuts: %zu of %zu stay", same, na);
	free(p);
	free(q);
	free(a);
	free(b);
	return done_testing();
}
