#include "family.h"

#include <stdlib.h>

#include "tap.h"

static uint64_t rnd(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

/* The definition: unite again and again until nothing changes. */
static void families_slowly(const struct casg_family_piece *p, size_t n, uint64_t *out)
{
	int changed = 1;

	for (size_t i = 0; i < n; i++)
		out[i] = p[i].sketches[0];
	while (changed) {
		changed = 0;
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n; k++)
				for (int f = 0; f < CASG_SKETCHES; f++)
					if (p[i].sketches[f] && p[i].sketches[f] == p[k].sketches[f] &&
					    out[k] < out[i]) {
						out[i] = out[k];
						changed = 1;
					}
	}
}

static int agrees(size_t n, uint64_t values)
{
	struct casg_family_piece *p = calloc(n + 1, sizeof(*p));
	uint64_t *got = calloc(n + 1, sizeof(*got)), *want = calloc(n + 1, sizeof(*want));
	struct casg_err err = CASG_ERR_INIT;
	int same = 1;

	for (size_t i = 0; i < n; i++) {
		p[i].nbytes = 100;
		for (int f = 0; f < CASG_SKETCHES; f++)
			p[i].sketches[f] = (rnd() % values) * CASG_SKETCHES + (uint64_t)f;
		p[i].sketches[0] += CASG_SKETCHES; /* 0: not known */
		if (rnd() % 10 == 0)
			p[i].sketches[1 + rnd() % (CASG_SKETCHES - 1)] = 0;
	}
	families_slowly(p, n, want);
	same = !casg_families(p, n, UINT64_MAX, got, &err);
	for (size_t i = 0; i < n; i++)
		same &= got[i] == want[i];
	free(p);
	free(got);
	free(want);
	return same;
}

static void test_bound(void)
{
	struct casg_family_piece p[10] = { { .nbytes = 0 } };
	struct casg_err err = CASG_ERR_INIT;
	uint64_t family[10], sum[11] = { 0 };
	int most = 1;

	for (int i = 0; i < 10; i++)
		p[i] = (struct casg_family_piece){ .sketches = { (uint64_t)i + 1, 99 },
						   .nbytes = 100 };
	is_int(casg_families(p, 10, 350, family, &err), 0, "a family has a bound");
	for (int i = 0; i < 10; i++)
		sum[family[i]] += 100;
	for (int i = 0; i <= 10; i++)
		most &= sum[i] <= 350;
	ok(most, "and keeps to it");
	ok(sum[1] == 300, "as far as it goes");
}

int main(void)
{
	uint64_t none;
	struct casg_err err = CASG_ERR_INIT;

	is_int(casg_families(NULL, 0, 1, &none, &err), 0, "no pieces, no families");
	ok(agrees(1, 1), "one piece");
	ok(agrees(200, 1000000), "hardly any alike");
	ok(agrees(300, 150), "chains of them");
	ok(agrees(200, 3), "one family");
	test_bound();
	return done_testing();
}
