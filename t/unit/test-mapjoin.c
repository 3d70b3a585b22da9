/* accession, bloom, maprow, mapjoin: which rows concern which records. */
#include "mapjoin.h"

#include <stdlib.h>

#include "accession.h"
#include "bloom.h"
#include "sum.h"
#include "tap.h"

static struct casg_err err = CASG_ERR_INIT;

/* ---- accessions ---------------------------------------------------------- */

static const char *forms_of(struct casg_buf *out, const char *id)
{
	struct casg_accession f[CASG_ACCESSION_FORMS];
	size_t n = casg_accession_forms(id, strlen(id), f);

	casg_buf_reset(out);
	for (size_t i = 0; i < n; i++)
		casg_buf_addf(out, "%s%.*s", i ? " " : "", (int)f[i].n, f[i].p);
	return casg_buf_cstr(out);
}

static void test_accessions(void)
{
	static const char *const cases[][2] = {
		{ "X", "X" }, { "NP_1.1", "NP_1.1 NP_1" }, { "X.", "X." }, { ".1", ".1" },
		{ "X.1.20", "X.1.20 X.1" }, { "X.1a", "X.1a" },
		{ "sp|P1|A_B", "sp|P1|A_B P1" }, { "sp|P1.2|A_B", "sp|P1.2|A_B P1.2 P1" },
		{ "sp|P1.2", "sp|P1.2 P1.2 sp|P1 P1" }, { "sp||A", "sp||A" }, { "sp|", "sp|" },
		{ "gi|7|ref|NP_1.1|", "gi|7|ref|NP_1.1| NP_1.1 NP_1" },
		{ "gi|7|foo|NP_1.1|", "gi|7|foo|NP_1.1| 7" }, { "gi|7", "gi|7 7" },
		{ "gi|7|ref|", "gi|7|ref| 7" }, { "foo|P1|A", "foo|P1|A" },
	};
	static const char nr[] = " one [A]\1B.1 two\1\1 C three\1";
	struct casg_accession id;
	struct casg_buf out = CASG_BUF_INIT;
	size_t at = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_str(forms_of(&out, cases[i][0]), cases[i][1], "forms of %s", cases[i][0]);
	ok(casg_accession_next(nr, strlen(nr), &at, &id) && id.n == 3 && !memcmp(id.p, "B.1", 3),
	   "the second definition line");
	ok(casg_accession_next(nr, strlen(nr), &at, &id) && id.n == 1 && *id.p == 'C',
	   "the next that has an id");
	ok(!casg_accession_next(nr, strlen(nr), &at, &id), "no more");
	casg_buf_release(&out);
}

/* ---- the filter ---------------------------------------------------------- */

static void test_bloom(void)
{
	enum { N = 20000 };
	struct casg_bloom b;
	int missing = 0, wrong = 0;

	is_int(casg_bloom_init(&b, N, 1 << 20, &err), 0, "a filter");
	for (uint64_t i = 0; i < N; i++)
		casg_bloom_add(&b, casg_xxh64(0, &i, sizeof(i)));
	for (uint64_t i = 0; i < 2 * N; i++) {
		int has = casg_bloom_has(&b, casg_xxh64(0, &i, sizeof(i)));

		missing += i < N && !has;
		wrong += i >= N && has;
	}
	is_int(missing, 0, "all that was added is there");
	ok(wrong < N / 100, "%d of %d others seem to be", wrong, N);
	casg_bloom_release(&b);
	is_int(casg_bloom_init(&b, UINT64_MAX, 100, &err), 0, "one that is too small");
	is_int((long long)b.mask, 0, "is as large as it may be");
	casg_bloom_release(&b);
}

/* ---- rows ---------------------------------------------------------------- */

static int add_row(void *ctx, const struct casg_maprow *row, struct casg_err *e)
{
	struct casg_buf *b = ctx;

	(void)e;
	casg_buf_addf(b, "%.*s %.*s %.*s\n", (int)row->klen, row->key, (int)row->alen,
		      row->accession ? row->accession : "", (int)row->tlen, row->taxon);
	return 0;
}

/* All of the text, 'step' bytes at a time: the rows, or the message. */
static const char *rows_of(struct casg_buf *out, const char *text, size_t step)
{
	struct casg_maprow_parser p;
	size_t n = strlen(text);
	int rc = 0;

	casg_buf_reset(out);
	casg_maprow_init(&p, add_row, out);
	for (size_t i = 0; i < n && !rc; i += step)
		rc = casg_maprow_feed(&p, (const uint8_t *)text + i, n - i < step ? n - i : step,
				      &err);
	if (!rc)
		rc = casg_maprow_end(&p, &err);
	casg_maprow_release(&p);
	return rc ? err.msg : casg_buf_cstr(out);
}

static void test_rows(void)
{
	static const char *const cases[][2] = {
		{ "k\ts__E coli\n", "k  s__E coli\n" }, { "k\t1\r\nl\t2", "k  1\nl  2\n" },
		{ "accession\taccession.version\ttaxid\tgi\nA\tA.1\t9\t0\nB\tB.1\t0\t7\n",
		  "A.1 A 9\n" },
		{ "accession.version\ttaxid\nA.1\t9\nB\t8\n", "A.1 A 9\nB B 8\n" },
		{ "accession.version\ttaxid\n", "" },
		{ "k\t1\n\nl\t2\n", "line 2: not key and taxon" },
		{ "k\n", "line 1: neither key and taxon nor a header of accession2taxid" },
		{ "k\t1\t2\n", "line 1: neither key and taxon nor a header of accession2taxid" },
		{ "k l\t1\n", "line 1: bad key" }, { "\t1\n", "line 1: bad key" },
		{ "k\t\n", "line 1: bad taxon" }, { "k\t1\r\r\n", "line 1: bad taxon" },
		{ "accession.version\ttaxid\nA.1\tx\n", "line 2: bad taxid" },
		{ "accession.version\ttaxid\nA.1\t01\n", "line 2: bad taxid" },
		{ "accession.version\ttaxid\nA.1\t1\t0\n", "line 2: not accession.version and taxid" },
		{ "accession\taccession.version\ttaxid\tgi\nA\tA.1\t9\n",
		  "line 2: not accession, accession.version, taxid and gi" },
		{ "accession\taccession.version\ttaxid\tgi\nA\tA.1\t9\tx\n", "line 2: bad gi" },
		{ "accession\taccession.version\ttaxid\tgi\nA\t\t9\t1\n", "line 2: bad accession" },
	};
	struct casg_buf out = CASG_BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t step = 1; step < 60; step += 29)
			is_str(rows_of(&out, cases[i][0], step), cases[i][1],
			       "rows %zu, %zu bytes at a time", i, step);
	casg_buf_reset(&out);
	for (int i = 0; i < CASG_MAPROW_LINE_MAX; i++)
		casg_buf_addch(&out, 'k');
	casg_buf_addstr(&out, "\t1\n");
	{
		struct casg_buf got = CASG_BUF_INIT;

		is_str(rows_of(&got, casg_buf_cstr(&out), 1000), "line 1: the line is too long",
		       "a line that is too long");
		casg_buf_release(&got);
	}
	casg_buf_release(&out);
}

/* ---- the join ------------------------------------------------------------ */

static int join_row(void *ctx, const struct casg_maprow *row, struct casg_err *e)
{
	return casg_mapjoin_add_row(ctx, row, e);
}

static const char *join(struct casg_buf *out, int all, const char *const *headers,
			const char *text)
{
	struct casg_mapjoin_opts o = { .all = all, .nids = 10, .memory_nbytes = 1 << 20,
				       .tmp_dir = "." };
	struct casg_mapjoin *j = casg_mapjoin_new(&o, &err);
	struct casg_maprow_parser p;
	const char *key, *desc;
	size_t klen, dlen;
	int rc = j ? 0 : -1;

	for (; *headers && !rc; headers++) {
		size_t n = strcspn(*headers, " ");

		rc = casg_mapjoin_add_record(j, *headers, n, *headers + n, strlen(*headers + n),
					     &err);
	}
	casg_maprow_init(&p, join_row, j);
	if (!rc)
		rc = casg_maprow_feed(&p, (const uint8_t *)text, strlen(text), &err);
	if (!rc)
		rc = casg_mapjoin_finish(j, &err);
	casg_buf_reset(out);
	while (!rc && (rc = casg_mapjoin_next(j, &key, &klen, &desc, &dlen, &err)) > 0) {
		casg_buf_addf(out, "%.*s%.*s\n", (int)klen, key, (int)dlen, desc);
		rc = 0;
	}
	casg_maprow_release(&p);
	casg_mapjoin_free(j);
	return rc ? err.msg : casg_buf_cstr(out);
}

static void test_join(void)
{
	static const char *const none[] = { NULL };
	static const char *const headers[] = {
		"X.1", "X.3", "sp|P1.2|A_B x", "sp|P2|C_D", "c.1", "nr1.1 a [E]\1nr2.1 b", NULL
	};
	static const char full[] = "accession.version\ttaxid\nX.1\t5\nX.2\t6\nP1.1\t7\nP2.9\t10\n"
		"P2.1\t9\nP2.1\t9\nY.1\t1\nnr2.1\t11\nc.2\t99\nX.1\t50\n";
	struct casg_buf out = CASG_BUF_INIT, text = CASG_BUF_INIT;

	is_str(join(&out, 0, headers, full),
	       "P1\t7\nP2\t10,9\nX\t5,50,6\nX.1\t5,50\nc\t99\nnr2.1\t11\n", "what concerns them");
	is_str(join(&out, 0, headers, "c.1\ts__E coli\nc\t3\nX.2\t4\nX\t8\nsp|P2|C_D\t2\n"),
	       "X\t8\nc.1\ts__E%20coli\nsp|P2|C_D\t2\n", "keys mean no other versions");
	is_str(join(&out, 1, none, "accession.version\ttaxid\nX.2\t6\nX.1\t5\nZ\t1\n"),
	       "X\t5,6\nX.1\t5\nX.2\t6\nZ\t1\n", "all of them");
	is_str(join(&out, 1, none, "X.2\t6\nX.1\t5\n"), "X.1\t5\nX.2\t6\n", "all keys");
	for (int i = 0; i < 257; i++)
		casg_buf_addf(&text, "k\t%d\n", i + 1);
	is_str(join(&out, 1, none, casg_buf_cstr(&text)), "more than 256 taxa are given for 'k'",
	       "more taxa than a record may have");
	casg_buf_release(&text);
	casg_buf_release(&out);
}

/* More than the memory holds; each tenth row concerns a record. */
static void test_large(void)
{
	enum { N = 60000 };
	struct casg_mapjoin_opts o = { .nids = N / 10, .memory_nbytes = 1, .tmp_dir = "." };
	struct casg_mapjoin *j = casg_mapjoin_new(&o, &err);
	const char *key, *desc;
	size_t klen, dlen;
	char text[32], want[32];
	int rc = j ? 0 : -1, n = 0, wrong = 0;

	for (int i = 0; i < N && !rc; i += 10) {
		snprintf(text, sizeof(text), "A%08d.1", i);
		rc = casg_mapjoin_add_record(j, text, strlen(text), "", 0, &err);
	}
	for (int i = N; i-- && !rc;) {
		struct casg_maprow row = { text, 11, text, 9, want, 0 };

		snprintf(text, sizeof(text), "A%08d.1", i);
		row.tlen = (size_t)snprintf(want, sizeof(want), "%d", i + 1);
		rc = casg_mapjoin_add_row(j, &row, &err);
	}
	if (!rc)
		rc = casg_mapjoin_finish(j, &err);
	while (!rc && (rc = casg_mapjoin_next(j, &key, &klen, &desc, &dlen, &err)) > 0) {
		snprintf(text, sizeof(text), "A%08d.1", n * 10);
		snprintf(want, sizeof(want), "\t%d", n * 10 + 1);
		wrong += klen != 11 || memcmp(key, text, 11) || dlen != strlen(want) ||
			 memcmp(desc, want, dlen);
		n++;
		rc = 0;
	}
	is_int(rc, 0, "nothing fails");
	is_int(n, N / 10, "an entry for each record");
	is_int(wrong, 0, "in order, with their taxa");
	casg_mapjoin_free(j);
}

int main(void)
{
	test_accessions();
	test_bloom();
	test_rows();
	test_join();
	test_large();
	return done_testing();
}
