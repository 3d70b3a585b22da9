#include "seeds.h"

#include <string.h>

/* Pairs, each the other's complement; U as T. */
static const char complements[] = "ATCGGCTAUARYYRSSWWKMMKBVVBDHHDNN";

static uint8_t complement_of(uint8_t c)
{
	for (const char *s = complements; *s; s += 2)
		if ((uint8_t)s[0] == c)
			return (uint8_t)s[1];
	return c;
}

static void fill_complements(uint8_t table[256])
{
	for (unsigned c = 0; c < 256; c++)
		table[c] = complement_of((uint8_t)c);
}

int casg_seeds_is_dna(const uint8_t *p, size_t nresidues)
{
	uint64_t count[256] = { 0 }, common = 0, all = 0;

	for (size_t i = 0; i < nresidues; i++)
		count[p[i]]++;
	for (const char *s = "ACGTUN"; *s; s++)
		common += count[(uint8_t)*s];
	for (const char *s = "ACGTUNRYSWKMBDHV-."; *s; s++)
		all += count[(uint8_t)*s];
	return nresidues && all == nresidues && common >= nresidues - nresidues / 10;
}

void casg_reverse_complement(const uint8_t *p, size_t nresidues, uint8_t *out)
{
	uint8_t table[256];

	fill_complements(table);
	for (size_t i = 0; i < nresidues; i++)
		out[i] = table[p[nresidues - 1 - i]];
}

/* The least so far: ascending, 'n' of them, 'most' at most. */
struct least {
	uint64_t *v;
	unsigned n, most;
};

static void offer(struct least *l, uint64_t h)
{
	unsigned low = 0, high = l->n;

	if (l->n == l->most && h >= l->v[l->n - 1])
		return;
	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (l->v[mid] < h)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < l->n && l->v[low] == h)
		return;
	if (l->n < l->most)
		l->n++;
	memmove(l->v + low + 1, l->v + low, (l->n - 1 - low) * sizeof(*l->v));
	l->v[low] = h;
}

/* One to one, each bit of the input in each of the output (MurmurHash3's last steps). */
static inline uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
	x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

static void seeds_of_dna(const uint8_t *p, size_t n, int k, struct least *l)
{
	const uint64_t mask = (UINT64_C(1) << 2 * k) - 1;
	uint64_t forward = 0, back = 0;
	int have = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t code;

		switch (p[i]) {
		case 'A': code = 0; break;
		case 'C': code = 1; break;
		case 'G': code = 2; break;
		case 'T':
		case 'U': code = 3; break;
		default:
			have = 0;
			continue;
		}
		forward = (forward << 2 | code) & mask;
		back = back >> 2 | (3 - code) << 2 * (k - 1);
		if (++have >= k)
			offer(l, mix(forward < back ? forward : back));
	}
}

static void seeds_of_protein(const uint8_t *p, size_t n, int k, struct least *l)
{
	const uint64_t mask = (UINT64_C(1) << 5 * k) - 1;
	uint64_t word = 0;
	int have = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < 'A' || p[i] > 'Z' || p[i] == 'X') {
			have = 0;
			continue;
		}
		word = (word << 5 | (uint64_t)(p[i] - 'A' + 1)) & mask;
		if (++have >= k)
			offer(l, mix(word | UINT64_C(1) << 62));
	}
}

unsigned casg_seeds(const uint8_t *p, size_t nresidues, int is_dna, int k, unsigned nseeds,
		    uint64_t out[CASG_SEEDS_MAX])
{
	struct least l = { out, 0, nseeds < CASG_SEEDS_MAX ? nseeds : CASG_SEEDS_MAX };

	if (is_dna)
		seeds_of_dna(p, nresidues, k, &l);
	else
		seeds_of_protein(p, nresidues, k, &l);
	return l.n;
}
