#include "strsort.h"

#include <stdlib.h>

#include "tap.h"

struct set {
	uint8_t *bytes;
	size_t used;
	struct casg_strent *e;
	const uint8_t **want;
	size_t n;
};

static uint64_t rnd(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

static void set_init(struct set *s, size_t n, size_t nbytes)
{
	memset(s, 0, sizeof(*s));
	s->bytes = malloc(nbytes + n * CASG_STRSORT_LENSZ);
	s->e = calloc(n ? n : 1, sizeof(*s->e));
	s->want = calloc(n ? n : 1, sizeof(*s->want));
}

static uint8_t *set_add(struct set *s, size_t len)
{
	uint8_t *p = s->bytes + s->used;

	casg_put_le32(p, (uint32_t)len);
	s->used += CASG_STRSORT_LENSZ + len;
	s->e[s->n].p = p;
	s->want[s->n++] = p;
	return p + CASG_STRSORT_LENSZ;
}

static int by_bytes(const void *va, const void *vb)
{
	const uint8_t *a = *(const uint8_t *const *)va, *b = *(const uint8_t *const *)vb;
	uint32_t na = casg_get_le32(a), nb = casg_get_le32(b);
	int c = memcmp(a + 4, b + 4, na < nb ? na : nb);

	return c ? c : na < nb ? -1 : na > nb;
}

static int sorts(struct set *s, size_t prefix, struct casg_workers *pool)
{
	size_t bad = 0;

	qsort(s->want, s->n, sizeof(*s->want), by_bytes);
	casg_strsort(s->e, s->n, prefix, pool);
	for (size_t i = 0; i < s->n; i++)
		bad += by_bytes(&s->e[i].p, &s->want[i]) != 0;
	/* equal strings may change places, but none may come twice */
	for (size_t i = 0; i < s->n; i++)
		s->want[i] = s->e[i].p;
	for (size_t i = 0; i < s->n; i++)
		bad += casg_get_le32(s->want[i]) == UINT32_MAX ||
		       (casg_put_le32((uint8_t *)(uintptr_t)s->want[i], UINT32_MAX), 0);
	free(s->bytes);
	free(s->e);
	free(s->want);
	return !bad;
}

/* n strings of up to len bytes of the alphabet 0 .. letters-1, after a prefix. */
static int random_strings(size_t n, size_t len, unsigned letters, size_t prefix,
			  struct casg_workers *pool)
{
	struct set s;

	set_init(&s, n, n * (len + prefix));
	for (size_t i = 0; i < n; i++) {
		size_t k = prefix + rnd() % (len + 1);
		uint8_t *p = set_add(&s, k);

		for (size_t j = 0; j < k; j++)
			p[j] = j < prefix ? 'P' : (uint8_t)(rnd() % letters);
	}
	return sorts(&s, prefix ? rnd() % prefix : 0, pool);
}

static int pattern(size_t n, int kind, struct casg_workers *pool)
{
	struct set s;

	set_init(&s, n, n * 20);
	for (size_t i = 0; i < n; i++) {
		uint64_t v = kind == 0 ? i : kind == 1 ? n - i : kind == 2 ? 7 :
			     kind == 3 ? (i < n / 2 ? i : n - i) : i % 17;
		uint8_t *p = set_add(&s, 20);

		memset(p, 'x', 20);
		casg_put_be64(p + 5, v);
	}
	return sorts(&s, 0, pool);
}

int main(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_workers *pool = casg_workers_new(3, &err);
	int bad = 0;

	for (size_t n = 0; n < 100; n++)
		bad += !random_strings(n, 4, 2, 0, NULL);
	is_int(bad, 0, "few short strings with zero bytes");
	for (unsigned letters = 1; letters <= 256; letters *= 4)
		ok(random_strings(20000, 30, letters, 0, NULL) &&
		   random_strings(3000, 9, letters, 0, NULL) &&
		   random_strings(3000, 200, letters, 0, NULL), "alphabet of %u", letters);
	ok(random_strings(5000, 10, 3, 100, NULL), "a common prefix");
	for (int k = 0; k < 5; k++)
		ok(pattern(30000, k, NULL), "pattern %d", k);
	for (int k = 0; k < 5; k++)
		ok(pattern(60000, k, pool), "pattern %d, three workers", k);
	ok(random_strings(100000, 12, 4, 0, pool), "three workers");
	ok(random_strings(100000, 12, 200, 13, pool), "three workers, a common prefix");
	ok(random_strings(10, 12, 200, 13, pool), "more workers than work");
	ok(random_strings(0, 12, 200, 13, pool), "nothing");
	casg_workers_free(pool);
	return done_testing();
}
