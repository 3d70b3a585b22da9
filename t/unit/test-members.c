/* Maps of members and profiles: what is written is read, what is not canonical is refused. */
#include "members.h"

#include <stdlib.h>
#include <unistd.h>

#include "packw.h"
#include "profile.h"
#include "tap.h"

static struct casg_err err;

struct source {
	const char *p;
	size_t n, step;
};

static int pieces(void *ctx, const uint8_t **p, size_t *n, struct casg_err *e)
{
	struct source *s = ctx;

	(void)e;
	*p = (const uint8_t *)s->p;
	*n = s->n < s->step ? s->n : s->step;
	s->p += *n;
	s->n -= *n;
	return *n > 0;
}

/* How many were read before the end or the failure: 100 for the end. */
static int read_map(const char *bytes, size_t n, size_t step, uint64_t count,
		    struct casg_member *out)
{
	struct source s = { bytes, n, step };
	struct casg_membersr *r;
	int rc, k = 0;

	err.code = 0;
	r = casg_membersr_new(pieces, &s, count, &err);
	if (!r)
		return err.code;
	while ((rc = casg_membersr_next(r, &out[k], &err)) > 0)
		k++;
	casg_membersr_free(r);
	return rc ? rc : 100 + k;
}

#define HEAD "casg-members 1\n"

static void test_good(void)
{
	/* 0 stands, 1 for 0 with 3 edits, 2 for 3 on the other strand, 3 stands */
	static const char map[] = HEAD "\4" "\0" "\1\6" "\2\1" "\0";
	struct casg_member m[8];

	for (size_t step = 1; step < 40; step += 6) {
		is_int(read_map(map, sizeof(map) - 1, step, 4, m), 104, "four records");
		ok(m[0].representative == 0 && m[1].representative == 0 && m[1].edits == 3 &&
		   !m[1].reverse && m[2].representative == 3 && m[2].reverse && !m[2].edits &&
		   m[3].representative == 3, "as they are");
	}
	is_int(read_map(HEAD "\0", sizeof(HEAD), 3, 0, m), 100, "none at all");
}

static void test_bad(const char *bytes, size_t n, uint64_t count, int class, const char *what)
{
	struct casg_member m[16];

	is_int(read_map(bytes, n, 5, count, m), class, "%s: %s", what, err.msg);
}

#define BAD(s, count, what) test_bad(s, sizeof(s) - 1, count, CASG_ECORRUPT, what)

static void test_hostile(void)
{
	test_bad("", 0, 1, CASG_ENOTOURS, "nothing");
	test_bad("casg-order 1\n\1\0", 15, 1, CASG_ENOTOURS, "another object");
	test_bad("casg-members 2\n\1\0", 17, 1, CASG_EUNSUPPORTED, "another version");
	BAD(HEAD, 1, "no count");
	BAD(HEAD "\2" "\0", 2, "one record missing");
	BAD(HEAD "\2" "\0\0", 1, "another count");
	BAD(HEAD "\1" "\0\0", 1, "one record too many");
	BAD(HEAD "\1" "\1\0", 1, "before the first");
	BAD(HEAD "\2" "\0" "\2\0", 2, "behind the last");
	BAD(HEAD "\2" "\0" "\1", 2, "no edits");
	BAD(HEAD "\3" "\0" "\1\0" "\1\0", 3, "a member stands for another");
	BAD(HEAD "\2" "\2\0" "\1\0", 2, "two stand for each other");
	BAD(HEAD "\2" "\0" "\x81\0" "\0", 2, "not the shortest form");
	BAD(HEAD "\2" "\0" "\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 2, "more edits than can be");
	BAD(HEAD "\2" "\0" "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 2, "a number without end");
	BAD(HEAD "\2" "\0" "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0", 2, "a number that wraps");
}

/* What the writer writes the reader reads. */
static void test_writer(void)
{
	static char dir[] = "/tmp/casg-test-members-XXXXXX";
	struct casg_store_opts so = { .packs_dir = dir, .tmp_dir = dir, .cache_nbytes = 1 << 20 };
	struct casg_packw_opts po = { .packs_dir = dir, .tmp_dir = dir, .pack_nbytes = 1 << 24 };
	struct casg_coder *coder = casg_coder_new();
	struct casg_store *store = NULL;
	struct casg_packw *packw;
	struct casg_membersw *w;
	struct casg_membersr *r;
	struct casg_member m = { 0 }, want;
	struct casg_oid id;
	char command[64];
	int bad = 0;

	ok(mkdtemp(dir) && !casg_store_open(&store, &so, &err), "a store");
	packw = casg_packw_new(store, &po, &err);
	w = casg_membersw_new(50000, dir, &err);
	for (uint64_t i = 0; i < 50000; i++) {
		m = (struct casg_member){ i % 7 ? i - i % 7 : i, i % 7 * 1000, i % 7 == 3 };
		bad += casg_membersw_add(w, &m, &err) != 0;
	}
	is_int(bad, 0, "written");
	is_int(casg_membersw_add(w, &m, &err), CASG_EBUG, "one more than there are");
	casg_membersw_free(w);
	w = casg_membersw_new(50000, dir, &err);
	for (uint64_t i = 0; i < 50000; i++) {
		m = (struct casg_member){ i % 7 ? i - i % 7 : i, i % 7 * 1000, i % 7 == 3 };
		casg_membersw_add(w, &m, &err);
	}
	is_int(casg_membersw_finish(w, packw, store, coder, 3, &id, &err), 0, "stored");
	is_int(casg_packw_finish(packw, &err), 0, "in a pack");
	r = casg_membersr_open(store, coder, &id, 50000, &err);
	for (uint64_t i = 0; r && i < 50000; i++) {
		want = (struct casg_member){ i % 7 ? i - i % 7 : i, i % 7 * 1000, i % 7 == 3 };
		bad += casg_membersr_next(r, &m, &err) != 1 || m.representative != want.representative ||
		       m.edits != want.edits || m.reverse != want.reverse;
	}
	ok(r && !bad && !casg_membersr_next(r, &m, &err), "read: %s", err.msg);
	is_int(casg_membersr_nrepresentatives(r), 7143, "representatives");
	casg_membersr_free(r);
	casg_membersw_free(w);
	w = casg_membersw_new(2, dir, &err);
	is_int(casg_membersw_finish(w, packw, store, coder, 3, &id, &err), CASG_EBUG, "one too few");
	casg_membersw_free(w);
	casg_packw_free(packw);
	casg_store_close(store);
	casg_coder_free(coder);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	is_int(system(command), 0, "clean");
}

/* ---- profiles ------------------------------------------------------------ */

#define Z8 "00000000"
#define ZERO Z8 Z8 Z8 Z8 Z8 Z8 Z8 Z8
#define IDS "version " ZERO "\nrecords " ZERO "\nmembers " ZERO "\n"
#define P "casg-profile 1\n" IDS
#define COUNTS "count 10\nrepresentatives 3\nresidues 100\nkept 30\n"

static int decode(const char *text)
{
	struct casg_profile p;

	err.code = 0;
	return casg_profile_decode(&p, (const uint8_t *)text, strlen(text), &err);
}

static void test_profile(void)
{
	static const char *const bad[] = {
		P, P "identity 0.900\n", "casg-profile 1\nidentity 0.900\n",
		P "identity 0.9\ncoverage 0.800\n" COUNTS, P "identity 1.001\ncoverage 0.800\n" COUNTS,
		P "identity 0.000\ncoverage 0.800\n" COUNTS, P "identity 90.0%\ncoverage 0.800\n" COUNTS,
		P "identity 0.900\ncoverage 0.800\nsize 0.000\n" COUNTS,
		P "coverage 0.800\nidentity 0.900\n" COUNTS,
		P "identity 0.900\ncoverage 0.800\n" COUNTS "\n", P "identity 0.900\ncoverage 0.800\n" COUNTS "x 1\n",
		P "identity 0.900\ncoverage 0.800\ncount 010\nrepresentatives 3\nresidues 100\nkept 30\n",
		P "identity 0.900\ncoverage 0.800\ncount 10\nrepresentatives 11\nresidues 100\nkept 30\n",
		P "identity 0.900\ncoverage 0.800\ncount 10\nrepresentatives 0\nresidues 100\nkept 30\n",
		P "identity 0.900\ncoverage 0.800\ncount 10\nrepresentatives 3\nresidues 100\nkept 101\n",
		P "identity 0.900\ncoverage 0.800\ncount 99999999999999999999\nrepresentatives 3\nresidues 100\nkept 30\n",
		P "identity 0.900\ncoverage 0.800\ncount 10\nrepresentatives 3\nresidues 100\nkept 30",
	};
	static const char *const good[] = {
		P "identity 0.900\ncoverage 0.800\n" COUNTS,
		P "identity 1.000\ncoverage 0.000\nsize 0.300\n" COUNTS,
		P "identity 0.400\ncoverage 1.000\ncount 0\nrepresentatives 0\nresidues 0\nkept 0\n",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct casg_buf out = CASG_BUF_INIT;
		struct casg_profile p;

		is_int(casg_profile_decode(&p, (const uint8_t *)good[i], strlen(good[i]), &err), 0,
		       "a profile");
		is_int(casg_profile_encode(&p, &out, &err), 0, "written again");
		is_mem(out.data, out.len, good[i], strlen(good[i]), "the same");
		casg_buf_release(&out);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(decode(bad[i]), CASG_ECORRUPT, "bad %zu: %s", i, err.msg);
	is_int(decode("casg-version 1\n"), CASG_ENOTOURS, "a version");
	is_int(decode("casg-profile 2\n"), CASG_EUNSUPPORTED, "another format");
	is_int(decode(""), CASG_ENOTOURS, "nothing");
}

static void test_thousandths(void)
{
	static const struct {
		const char *text;
		int v;
	} t[] = {
		{ "0.9", 900 }, { "0.95", 950 }, { ".875", 875 }, { "1", 1000 }, { "1.0", 1000 }, { "0", 0 },
		{ "1.", 1000 }, { "30%", 300 }, { "12.5%", 125 }, { "100%", 1000 }, { "0.1%", 1 }, { "1.001", -1 },
		{ "0.1234", -1 }, { "12.34%", -1 }, { "101%", -1 }, { "", -1 }, { "%", -1 }, { ".", -1 },
		{ "-1", -1 }, { "0.9x", -1 }, { "nine", -1 }, { "1e-1", -1 }, { "99999999999999999999", -1 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned v = 0;
		int rc = casg_thousandths(t[i].text, &v);

		is_int(rc ? -1 : (int)v, t[i].v, "'%s'", t[i].text);
	}
}

int main(void)
{
	test_good();
	test_hostile();
	test_writer();
	test_profile();
	test_thousandths();
	return done_testing();
}
