/* Distances against the plain matrix, and seeds against their definition. */
#include "editdist.h"

#include <stdlib.h>

#include "seeds.h"
#include "tap.h"

static uint64_t rnd(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

/* The definition, cell by cell: all of seq against any stretch of text. */
static uint64_t plain(const uint8_t *seq, size_t m, const uint8_t *text, size_t n)
{
	uint64_t *row = calloc(n + 1, sizeof(*row)), best = UINT64_MAX;

	for (size_t i = 1; i <= m; i++) {
		uint64_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			uint64_t v = diagonal + (seq[i - 1] != text[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < v)
				v = row[j] + 1;
			if (row[j - 1] + 1 < v)
				v = row[j - 1] + 1;
			row[j] = v;
		}
	}
	for (size_t j = 0; j <= n; j++)
		best = row[j] < best ? row[j] : best;
	free(row);
	return best;
}

static void fill(uint8_t *p, size_t n, const char *letters)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)letters[rnd() % strlen(letters)];
}

/* Copy with a share of edits, in thousandths; the new length, at most room. */
static size_t mutate(uint8_t *to, size_t room, const uint8_t *p, size_t n, unsigned share,
		     const char *letters)
{
	size_t out = 0;

	for (size_t i = 0; i < n && out < room; i++) {
		uint64_t what = rnd() % 3;

		if (rnd() % 1000 >= share) {
			to[out++] = p[i];
			continue;
		}
		if (what)
			to[out++] = (uint8_t)letters[rnd() % strlen(letters)];
		if (what == 2)
			i--;
	}
	return out;
}

/* Every bound near the distance, and some far from it, gives the right answer. */
static int agrees(struct casg_editdist *e, const uint8_t *a, size_t m, const uint8_t *b,
		  size_t n)
{
	uint64_t want = plain(a, m, b, n), got, bounds[8] = { 0, want / 2, want, want + 1, want * 2 + 3, m,
							      m * 3 };
	struct casg_err err = CASG_ERR_INIT;

	bounds[7] = want ? want - 1 : 0;
	for (int i = 0; i < 8; i++) {
		int rc = casg_editdist(e, a, m, b, n, bounds[i], &got, &err);

		if (rc != (want <= bounds[i]) || (rc && got != want)) {
			printf("# m %zu n %zu most %llu: %d, %llu instead of %llu\n", m, n,
			       (unsigned long long)bounds[i], rc, (unsigned long long)got,
			       (unsigned long long)want);
			return 0;
		}
	}
	return 1;
}

static void test_random(struct casg_editdist *e, const char *letters, size_t most, int rounds,
			const char *what)
{
	uint8_t *text = malloc(2 * most + 1), *seq = malloc(2 * most + 1);
	int bad = 0;

	for (int i = 0; i < rounds; i++) {
		static const unsigned shares[] = { 0, 10, 50, 200, 500, 1000 };
		size_t n = rnd() % most + 1, from = rnd() % n, m;

		fill(text, n, letters);
		/* a relative of all of it, or of a part */
		if (i & 1)
			from = from % (1 + n / 8);
		m = mutate(seq, 2 * most, text + from, n - from, shares[rnd() % 6], letters);
		bad += m > n ? !agrees(e, text, n, seq, m) : !agrees(e, seq, m, text, n);
	}
	is_int(bad, 0, "%s: %d pairs", what, rounds);
	free(text);
	free(seq);
}

static void test_shapes(struct casg_editdist *e)
{
	static const size_t lengths[] = { 1, 2, 63, 64, 65, 127, 128, 129, 191, 192, 193, 300 };
	static uint8_t a[700], b[700];
	int bad = 0;

	for (size_t i = 0; i < 12; i++)
		for (size_t k = 0; k < 12; k++) {
			size_t m = lengths[i], n = lengths[k];

			if (m > n)
				continue;
			memset(a, 'A', sizeof(a));
			memset(b, 'A', sizeof(b));
			bad += !agrees(e, a, m, b, n);
			memset(b, 'C', sizeof(b));
			bad += !agrees(e, a, m, b, n);
			memcpy(b + n - m, a, m);
			bad += !agrees(e, a, m, b, n);
			fill(a, sizeof(a), "ACGT");
			memcpy(b, a, m);
			bad += !agrees(e, a, m, b, n);
			b[m / 2] ^= 1;
			bad += !agrees(e, a, m, b, n);
		}
	is_int(bad, 0, "every length around the width of a word");
}

static void test_edges(struct casg_editdist *e)
{
	struct casg_err err = CASG_ERR_INIT;
	uint64_t d = 7;

	is_int(casg_editdist(e, (const uint8_t *)"", 0, (const uint8_t *)"ACG", 3, 0, &d, &err), 1,
	       "nothing is anywhere");
	is_int(d, 0, "at no distance");
	is_int(casg_editdist(e, (const uint8_t *)"ACGT", 4, (const uint8_t *)"ACG", 3, 9, &d, &err),
	       CASG_EBUG, "the longer one has to be the text");
	is_int(casg_editdist(e, (const uint8_t *)"\xff\x80", 2, (const uint8_t *)"a\xff\x80", 3, 0, &d,
			     &err), 1, "any bytes");
	ok(casg_editdist_cost(1000, 1000, 10) < casg_editdist_cost(1000, 1000, 200) &&
	   casg_editdist_cost(1000, 1000, 200) < casg_editdist_cost(1000, 1500, 200),
	   "what is nearer costs less");
}

/* ---- seeds --------------------------------------------------------------- */

static int same_seeds(const uint8_t *a, size_t na, const uint8_t *b, size_t nb, int dna, int k)
{
	uint64_t x[CASG_SEEDS_MAX], y[CASG_SEEDS_MAX];
	unsigned nx = casg_seeds(a, na, dna, k, CASG_SEEDS_MAX, x);
	unsigned ny = casg_seeds(b, nb, dna, k, CASG_SEEDS_MAX, y);

	return nx == ny && !memcmp(x, y, nx * sizeof(*x));
}

static int cmp(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The seeds of all k-mers one by one, put together. */
static int is_bottom(const uint8_t *p, size_t n, int dna, int k)
{
	uint64_t *all = calloc(n + 1, sizeof(*all)), got[CASG_SEEDS_MAX];
	unsigned ngot = casg_seeds(p, n, dna, k, CASG_SEEDS_MAX, got), nwant = 0;
	size_t nall = 0;
	int same;

	for (size_t i = 0; i + (size_t)k <= n; i++)
		nall += casg_seeds(p + i, (size_t)k, dna, k, 1, all + nall);
	qsort(all, nall, sizeof(*all), cmp);
	for (size_t i = 0; i < nall && nwant < CASG_SEEDS_MAX; i++)
		if (!nwant || all[nwant - 1] != all[i])
			all[nwant++] = all[i];
	same = ngot == nwant && !memcmp(got, all, ngot * sizeof(*got));
	free(all);
	return same;
}

static void test_seeds(void)
{
	uint8_t a[500], b[500];
	uint64_t out[CASG_SEEDS_MAX];
	int bad = 0;

	for (size_t n = 0; n < 500; n += 7)
		for (int k = 5; k <= 12; k++) {
			fill(a, n, "ACGTN");
			casg_reverse_complement(a, n, b);
			bad += !same_seeds(a, n, b, n, 1, k) || !is_bottom(a, n, 1, k);
			fill(a, n, "ACDEFGHIKLMNPQRSTVWYX*");
			bad += !is_bottom(a, n, 0, k);
		}
	is_int(bad, 0, "the least of all k-mers, the same of both strands");
	fill(a, 400, "ACGT");
	casg_reverse_complement(a, 400, b);
	ok(same_seeds(a, 400, b, 400, 1, CASG_SEEDS_K_MAX_DNA), "the longest k");
	memcpy(b, a, 400);
	for (size_t i = 0; i < 400; i++)
		b[i] = b[i] == 'T' ? 'U' : b[i];
	ok(same_seeds(a, 400, b, 400, 1, 15), "T and U are one");
	is_int(casg_seeds(a, 11, 1, 12, 32, out), 0, "shorter than k: none");
	is_int(casg_seeds((const uint8_t *)"ACGTNACGT", 9, 1, 5, 32, out), 0, "none over an N");
	casg_reverse_complement((const uint8_t *)"ACGTRYSWKMBDHVN-U", 17, b);
	is_mem(b, 17, "A-NBDHVKMWSRYACGT", 17, "the other strand");
	ok(casg_seeds_is_dna((const uint8_t *)"ACGTN-RACGTACGTACGTACGT", 23), "nucleotides");
	ok(!casg_seeds_is_dna((const uint8_t *)"MKVLATGGACGT", 12), "amino acids");
	ok(!casg_seeds_is_dna((const uint8_t *)"RRRRRACGT", 9), "too many that are seldom");
	ok(!casg_seeds_is_dna(a, 0), "nothing");
}

int main(void)
{
	struct casg_editdist *e = casg_editdist_new();

	test_shapes(e);
	test_random(e, "ACGT", 150, 3000, "nucleotides");
	test_random(e, "ACDEFGHIKLMNPQRSTVWY", 400, 1500, "proteins");
	test_random(e, "AB", 90, 3000, "two letters");
	test_random(e, "ACGT", 3000, 60, "long ones");
	test_edges(e);
	casg_editdist_free(e);
	test_seeds();
	return done_testing();
}
