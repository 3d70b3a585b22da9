#include "orderdelta.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rankroom.h"
#include "tap.h"
#include "varint.h"

/*
 * Orders are made of records with keys, numbers here; ranks are those of the
 * sorted keys, as in a tree.
 */
enum { MAX = 400 };

struct file {
	uint32_t key[MAX];
	uint32_t n;
};

static struct casg_err err;
static struct casg_rankroom room;
static uint32_t seed = 4711;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static int has(const struct file *f, uint32_t key)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (f->key[i] == key)
			return 1;
	return 0;
}

static uint32_t rank_of(const struct file *f, uint32_t key)
{
	uint32_t rank = 0;

	for (uint32_t i = 0; i < f->n; i++)
		rank += f->key[i] < key;
	return rank;
}

static void put_order(const uint32_t *ranks, uint32_t n, struct casg_buf *out)
{
	int64_t last = -1;

	casg_buf_reset(out);
	casg_buf_addstr(out, CASG_ORDER_HEAD);
	casg_varint_add(out, n);
	for (uint32_t i = 0; i < n; i++) {
		casg_varint_add(out, casg_zigzag((int64_t)ranks[i] - last - 1));
		last = ranks[i];
	}
}

static void order_of(const struct file *f, struct casg_buf *out)
{
	uint32_t ranks[MAX];

	for (uint32_t i = 0; i < f->n; i++)
		ranks[i] = rank_of(f, f->key[i]);
	put_order(ranks, f->n, out);
}

static int cmp_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The ranks of those of 'a' that 'b' has not. */
static void only_in(const struct file *a, const struct file *b, uint32_t v[MAX],
		    struct casg_ranks *out)
{
	*out = (struct casg_ranks){ v, 0, MAX, 0 };
	for (uint32_t i = 0; i < a->n; i++)
		if (!has(b, a->key[i]))
			v[out->n++] = rank_of(a, a->key[i]);
	qsort(v, out->n, sizeof(*v), cmp_u32);
}

static void make(struct file *f, uint32_t n, uint32_t from)
{
	f->n = n;
	for (uint32_t i = 0; i < n; i++)
		f->key[i] = from + 10 * i;
}

static void insert(struct file *f, uint32_t at, uint32_t key)
{
	if (f->n == MAX || has(f, key))
		return;
	memmove(f->key + at + 1, f->key + at, (f->n - at) * sizeof(*f->key));
	f->key[at] = key;
	f->n++;
}

static void take(struct file *f, uint32_t at)
{
	f->n--;
	memmove(f->key + at, f->key + at + 1, (f->n - at) * sizeof(*f->key));
}

static void shuffle(struct file *f)
{
	for (uint32_t i = f->n; i > 1; i--) {
		uint32_t k = rnd(i), x = f->key[k];

		f->key[k] = f->key[i - 1];
		f->key[i - 1] = x;
	}
}

static void move(struct file *f)
{
	uint32_t n, from, to, v[MAX];

	if (f->n < 2)
		return;
	n = 1 + rnd(f->n < 20 ? f->n : 20);
	from = rnd(f->n - n + 1);
	memcpy(v, f->key + from, n * sizeof(*v));
	f->n -= n;
	memmove(f->key + from, f->key + from + n, (f->n - from) * sizeof(*v));
	to = rnd(f->n + 1);
	memmove(f->key + to + n, f->key + to, (f->n - to) * sizeof(*v));
	memcpy(f->key + to, v, n * sizeof(*v));
	f->n += n;
}

/* The ranks, from bytes that come 'step' at a time. */
static int parse(const uint8_t *p, size_t n, size_t step, struct casg_ranks *out)
{
	struct casg_orderin in = CASG_ORDERIN_INIT;
	int rc = 0;

	*out = (struct casg_ranks){ NULL, 0, 0, 0 };
	for (size_t at = 0; at < n && !rc; at += step)
		rc = casg_orderin_add(&in, p + at, n - at < step ? n - at : step, &room, out, &err);
	return rc ? rc : casg_orderin_end(&in, out, &err);
}

static void format(const struct casg_ranks *r, size_t step, struct casg_buf *out)
{
	struct casg_orderout o = { .r = r };

	while (casg_orderout_next(&o, out, step))
		;
}

static int make_delta(const uint8_t *base, size_t base_n, const uint8_t *target, size_t target_n,
		      const struct casg_ranks *gone, const struct casg_ranks *come, size_t most,
		      struct casg_buf *out)
{
	struct casg_ranks b, t = { NULL, 0, 0, 0 };
	int rc = parse(base, base_n, 7, &b);

	if (!rc)
		rc = parse(target, target_n, SIZE_MAX / 2, &t);
	if (!rc)
		rc = casg_orderdelta_make(&room, &b, &t, gone, come, most, out, &err);
	room.release(&room, &b);
	room.release(&room, &t);
	return rc;
}

static int apply_delta(const uint8_t *base, size_t base_n, const uint8_t *delta, size_t delta_n,
		       struct casg_buf *out)
{
	struct casg_ranks b, made = { NULL, 0, 0, 0 };
	int rc = parse(base, base_n, 1, &b);

	if (!rc)
		rc = casg_orderdelta_apply(&room, &b, delta, delta_n, &made, &err);
	if (!rc)
		format(&made, 5, out);
	room.release(&room, &b);
	room.release(&room, &made);
	return rc;
}

/* The bytes of the delta if it brings 'b' back; -1 if not. */
static long round_trip(const struct file *a, const struct file *b)
{
	struct casg_buf base = CASG_BUF_INIT, target = CASG_BUF_INIT, delta = CASG_BUF_INIT,
			back = CASG_BUF_INIT;
	uint32_t vg[MAX], vc[MAX];
	struct casg_ranks gone, come;
	long n = -1;

	order_of(a, &base);
	order_of(b, &target);
	only_in(a, b, vg, &gone);
	only_in(b, a, vc, &come);
	if (make_delta(base.data, base.len, target.data, target.len, &gone, &come, SIZE_MAX,
		       &delta) != 1 ||
	    apply_delta(base.data, base.len, delta.data, delta.len, &back))
		diag("%s", err.msg);
	else if (back.len == target.len && !memcmp(back.data, target.data, back.len))
		n = (long)delta.len;
	casg_buf_release(&base);
	casg_buf_release(&target);
	casg_buf_release(&delta);
	casg_buf_release(&back);
	return n;
}

static void test_random(void)
{
	int good = 0;

	for (int i = 0; i < 400; i++) {
		struct file a, b;

		make(&a, rnd(250), 5);
		if (rnd(2))
			shuffle(&a);
		b = a;
		for (uint32_t k = rnd(12); k; k--) {
			switch (rnd(5)) {
			case 0: insert(&b, rnd(b.n + 1), rnd(3000)); break;
			case 1: if (b.n) take(&b, rnd(b.n)); break;
			case 2: move(&b); break;
			case 3: insert(&b, b.n, 3000 + rnd(3000)); break;
			case 4: if (!rnd(8)) shuffle(&b); break;
			}
		}
		good += round_trip(&a, &b) >= 0;
	}
	is_int(good, 400, "random changes of random orders come back");
}

static void test_cases(void)
{
	struct file none = { .n = 0 }, a, b;

	ok(round_trip(&none, &none) >= 0, "of nothing, nothing");
	make(&a, 300, 5);
	shuffle(&a);
	ok(round_trip(&none, &a) >= 0, "all have come");
	ok(round_trip(&a, &none) >= 0, "all are gone");
	ok(round_trip(&a, &a) > 0 && round_trip(&a, &a) < 12, "the same takes a few bytes");
	b = a;
	for (uint32_t i = 0; i < b.n; i++)
		b.key[i] += 3;
	ok(round_trip(&a, &b) >= 0, "all are renamed");
	b = a;
	insert(&b, 100, 1);
	ok(round_trip(&a, &b) > 0 && round_trip(&a, &b) < 20,
	   "one that shifts all ranks takes a few bytes");
	b = a;
	take(&b, 7);
	ok(round_trip(&a, &b) > 0 && round_trip(&a, &b) < 20, "as does one that goes");
	b = a;
	for (uint32_t i = 0; i < b.n; i++)
		b.key[i] = a.key[b.n - 1 - i];
	ok(round_trip(&a, &b) >= 0, "the other way round");
	make(&a, 1, 5);
	make(&b, 1, 6);
	ok(round_trip(&a, &b) >= 0, "one for another");
}

/* ---- what does not fit together ----------------------------------------- */

static int try_make(const char *b, size_t nb, const char *t, size_t nt,
		    uint32_t *gone, size_t ngone, uint32_t *come, size_t ncome)
{
	struct casg_buf base = CASG_BUF_INIT, target = CASG_BUF_INIT, out = CASG_BUF_INIT;
	struct casg_ranks g = { gone, ngone, ngone, 0 }, c = { come, ncome, ncome, 0 };
	int rc;

	casg_buf_addstr(&base, CASG_ORDER_HEAD);
	casg_buf_add(&base, b, nb);
	casg_buf_addstr(&target, CASG_ORDER_HEAD);
	casg_buf_add(&target, t, nt);
	rc = make_delta(base.data, base.len, target.data, target.len, &g, &c, SIZE_MAX, &out);
	casg_buf_release(&base);
	casg_buf_release(&target);
	casg_buf_release(&out);
	return rc;
}

#define MAKE(b, t, g, ng, c, nc) try_make(b, sizeof(b) - 1, t, sizeof(t) - 1, g, ng, c, nc)

/* A version may name an order and a tree that are not of one another. */
static void test_mismatch(void)
{
	uint32_t zero[] = { 0 }, nine[] = { 9 };

	is_int(MAKE("\3\0\0\0", "\3\0\0\0", NULL, 0, NULL, 0), 1, "an order like its base");
	is_int(MAKE("\3\0\0\0", "\3\0\0\0", zero, 1, nine, 1), CASG_ECORRUPT,
	       "a rank that has come is beyond the last");
	is_str(err.msg, "corrupt order: its ranks are out of range", "and the reason is given");
	is_int(MAKE("\3\0\0\0", "\3\0\0\0", nine, 1, zero, 1), CASG_ECORRUPT,
	       "a rank that is gone is beyond the last");
	is_int(MAKE("\3\0\0\0", "\2\0\0", NULL, 0, NULL, 0), CASG_ECORRUPT,
	       "counts that do not add up");
	/* ranks 0 0 2 */
	is_int(MAKE("\3\0\1\2", "\3\0\0\0", NULL, 0, NULL, 0), CASG_ECORRUPT,
	       "a rank twice in the base");
	is_str(err.msg, "corrupt order: a rank comes twice", "and the reason is given");
	is_int(MAKE("\3\0\0\0", "\3\0\1\2", NULL, 0, NULL, 0), CASG_ECORRUPT,
	       "a rank twice in the target");
	is_int(MAKE("\3\0\0\6", "\3\0\0\0", NULL, 0, NULL, 0), CASG_ECORRUPT,
	       "a rank beyond the last");
	is_int(MAKE("\3\0\0", "\3\0\0\0", NULL, 0, NULL, 0), CASG_ECORRUPT, "a base cut short");
	is_int(MAKE("\3\0\0\0\0", "\3\0\0\0", NULL, 0, NULL, 0), CASG_ECORRUPT,
	       "bytes left over");
	is_int(MAKE("\3\0\0\200", "\3\0\0\0", NULL, 0, NULL, 0), CASG_ECORRUPT,
	       "a rank cut short");
	is_int(MAKE("\3\0\0\200\0", "\3\0\0\0", NULL, 0, NULL, 0), CASG_ECORRUPT,
	       "a rank with a byte too many");
	is_int(MAKE("\3\0\0\200\200\200\200\200\200\200\200\200\200\1", "\3\0\0\0", NULL, 0, NULL, 0),
	       CASG_ECORRUPT, "a rank of more bits than there are");
	is_int(MAKE("\200\200\200\200\200\200\200\200\20\0\0\0", "\3\0\0\0", NULL, 0, NULL, 0),
	       CASG_EUNSUPPORTED, "a base of 2^60 records");
}

/* ---- hostile bytes ------------------------------------------------------ */

static int try_apply(const char *d, size_t n)
{
	struct casg_buf base = CASG_BUF_INIT, out = CASG_BUF_INIT;
	uint8_t *copy = malloc(n + 1); /* exact, for sanitizers */
	int rc;

	casg_buf_addstr(&base, CASG_ORDER_HEAD);
	casg_buf_add(&base, "\3\0\0\0", 4);
	memcpy(copy, d, n);
	rc = apply_delta(base.data, base.len, copy, n, &out);
	free(copy);
	casg_buf_release(&base);
	casg_buf_release(&out);
	return rc;
}

#define REFUSED(bytes, why, what) do { \
	is_int(try_apply(bytes, sizeof(bytes) - 1), CASG_ECORRUPT, what); \
	is_str(err.msg, "corrupt order: " why, "and the reason is given"); \
} while (0)

static void test_hostile(void)
{
	is_int(try_apply("\3\3\0\0\6\0", 6), 0, "a copy of all");
	is_int(try_apply("\3\3\1\1\1\1\2\0\3\0\2\0", 12), 0, "one for another in the middle");
	is_int(try_apply("\3\0\3\0\0\0\0", 7), 0, "all gone");
	REFUSED("", "its counts are malformed", "nothing at all");
	REFUSED("\4\4\0\0\10\0", "its counts are malformed", "the count of another base");
	REFUSED("\3\xff\xff\xff\xff\x7f\0\0", "its counts are malformed", "too many records");
	REFUSED("\3\200\200\200\200\200\200\200\200\20\0\0", "its counts are malformed",
		"2^60 records");
	REFUSED("\3\376\377\377\377\17\0\0\6\0", "its counts do not add up",
		"more records than it makes");
	is_int(room.nbytes, 0, "no room is held by what was refused");
	REFUSED("\3\3\4\0\0\0\0\0", "its lists are malformed", "more gone than there were");
	REFUSED("\3\2\1\3\0\4\0", "its lists are malformed", "a rank gone beyond the last");
	REFUSED("\3\1\2\0\3\0\2\0", "its lists are malformed", "a second one beyond the last");
	REFUSED("\3\2\0\0\4\0", "its counts do not add up", "a record lost");
	REFUSED("\3\3\0\0\4\0", "its operations are malformed", "too few operations");
	REFUSED("\3\3\0\0\10\0", "its operations are malformed", "more than counted");
	REFUSED("\3\3\0\0\0\0\6\0", "its operations are malformed", "an operation of none");
	REFUSED("\3\3\0\0\6\2", "it copies what is not there", "a copy from behind the end");
	REFUSED("\3\3\0\0\6\1", "it copies what is not there", "a copy from before the start");
	REFUSED("\3\3\0\0\7\0\0\0", "it takes what has not come", "a record that has not come");
	REFUSED("\3\3\0\0\6\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", "its operations are malformed",
		"a position out of all range");
	REFUSED("\3\3\0\0\6\0\0", "bytes are left over", "an operation too many");
}

static void test_members(void)
{
	struct casg_orderdelta d = { .nbytes = 300, .delta = (const uint8_t *)"xyz",
				     .delta_n = 3 }, back;
	struct casg_buf out = CASG_BUF_INIT;
	int good = 1;

	memset(&d.id, 1, sizeof(d.id));
	memset(&d.base, 2, sizeof(d.base));
	casg_orderdelta_encode(&d, &out);
	is_int(casg_orderdelta_decode(&back, out.data, out.len, &err), 0, "a member");
	ok(casg_oid_eq(&back.id, &d.id) && casg_oid_eq(&back.base, &d.base) &&
	   back.nbytes == 300 && back.delta_n == 3 && !memcmp(back.delta, "xyz", 3),
	   "comes back");
	for (size_t n = 0; n < out.len - 3; n++) {
		uint8_t *p = malloc(n + 1);

		memcpy(p, out.data, n);
		good &= casg_orderdelta_decode(&back, p, n, &err) == CASG_ECORRUPT;
		free(p);
	}
	ok(good, "cut short anywhere it is refused");
	casg_buf_reset(&out);
	d.nbytes = CASG_ORDERDELTA_MAX * 10 + 65;
	casg_orderdelta_encode(&d, &out);
	is_int(casg_orderdelta_decode(&back, out.data, out.len, &err), CASG_ECORRUPT,
	       "a length that no order has");
	casg_buf_release(&out);
}

/* What takes more than it may is not made. */
static void test_most(void)
{
	struct casg_buf base = CASG_BUF_INIT, target = CASG_BUF_INIT, out = CASG_BUF_INIT;
	const struct casg_ranks none = { NULL, 0, 0, 0 };
	struct file a;
	size_t n;

	make(&a, 300, 5);
	order_of(&a, &base);
	shuffle(&a);
	order_of(&a, &target);
	is_int(make_delta(base.data, base.len, target.data, target.len, &none, &none, SIZE_MAX, &out),
	       1, "as long as it is");
	n = out.len;
	is_int(make_delta(base.data, base.len, target.data, target.len, &none, &none, n, &out), 1,
	       "no longer than it may be");
	is_int(make_delta(base.data, base.len, target.data, target.len, &none, &none, n - 1, &out), 0,
	       "longer than it may be");
	casg_buf_release(&base);
	casg_buf_release(&target);
	casg_buf_release(&out);
}

/* Many, most of them where they were: in memory and in scratch files it is the same. */
static void test_many(void)
{
	enum { N = 300000 };
	uint32_t *v = malloc((N + 1) * sizeof(*v)), gone_v[] = { 7, 99999 }, come_v[] = { 0, 12345, 200000 };
	struct casg_ranks gone = { gone_v, 2, 2, 0 }, come = { come_v, 3, 3, 0 };
	struct casg_buf base = CASG_BUF_INIT, target = CASG_BUF_INIT, delta = CASG_BUF_INIT, first = CASG_BUF_INIT,
			back = CASG_BUF_INIT;
	uint32_t n = 0, *map = malloc(N * sizeof(*map)), next = 0, *t = malloc((N + 1) * sizeof(*t));
	char dir[] = "/tmp/test-orderdelta-XXXXXX";

	for (uint32_t i = 0; i < N; i++)
		v[i] = i;
	for (uint32_t i = N; i > 1; i--) {
		uint32_t k = rnd(i), x = v[k];

		v[k] = v[i - 1];
		v[i - 1] = x;
	}
	for (uint32_t i = 0; i < N; i++) {
		while (next == 0 || next == 12345 || next == 200000)
			next++;
		map[i] = i == 7 || i == 99999 ? UINT32_MAX : next++;
	}
	for (uint32_t i = 0; i < N; i++) {
		if (i == 1000)
			t[n++] = 200000;
		if (map[v[i]] != UINT32_MAX)
			t[n++] = map[v[i]];
	}
	t[n++] = 12345;
	t[n++] = 0;
	put_order(v, N, &base);
	put_order(t, n, &target);
	ok(mkdtemp(dir) != NULL, "a folder for scratch files");
	for (int files = 0; files < 2; files++) {
		casg_rankroom_init(&room, files ? 1 << 16 : 0, files ? dir : NULL);
		casg_buf_reset(&delta);
		casg_buf_reset(&back);
		is_int(make_delta(base.data, base.len, target.data, target.len, &gone, &come, 100, &delta),
		       1, files ? "few bytes, by scratch files" : "few bytes, in memory");
		is_int(apply_delta(base.data, base.len, delta.data, delta.len, &back), 0, "applied");
		ok(back.len == target.len && !memcmp(back.data, target.data, back.len), "and back");
		if (!files)
			casg_buf_add(&first, delta.data, delta.len);
		is_int(room.nbytes, 0, "all room is given back");
	}
	ok(first.len == delta.len && !memcmp(first.data, delta.data, first.len), "the same bytes");
	casg_rankroom_init(&room, 1 << 16, "/nonexistent");
	is_int(make_delta(base.data, base.len, target.data, target.len, &gone, &come, 100, &delta),
	       CASG_EABSENT, "no folder for them");
	casg_rankroom_init(&room, 0, NULL);
	rmdir(dir);
	free(v);
	free(t);
	free(map);
	casg_buf_release(&base);
	casg_buf_release(&target);
	casg_buf_release(&delta);
	casg_buf_release(&first);
	casg_buf_release(&back);
}

int main(void)
{
	casg_rankroom_init(&room, 0, NULL);
	test_random();
	test_cases();
	test_mismatch();
	test_hostile();
	test_members();
	test_most();
	test_many();
	return done_testing();
}
