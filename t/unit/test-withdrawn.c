/*
 * Tombstones: what is written is read, what is not canonical is refused, and
 * lists are carried over.
 */
#include "withdrawn.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

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

/* Read a list of n bytes: its lines, written again, in 'out'; 0 or the class. */
static int read_list(const char *text, size_t n, size_t step, struct casg_buf *out)
{
	struct source s = { text, n, step };
	struct casg_withdrawnr *r;
	struct casg_tombstone t;
	int rc;

	err.code = 0;
	casg_buf_reset(out);
	casg_buf_addstr(out, "casg-withdrawn 1\n");
	r = casg_withdrawnr_new(pieces, &s, &err);
	rc = r ? 1 : err.code;
	while (rc > 0 && (rc = casg_withdrawnr_next(r, &t, &err)) > 0)
		casg_tombstone_format(out, &t, 0, &err);
	casg_withdrawnr_free(r);
	return rc;
}

static void test_good(const char *text, const char *what)
{
	struct casg_buf out = CASG_BUF_INIT;

	for (size_t step = 1; step < 9; step += 3) {
		is_int(read_list(text, strlen(text), step, &out), 0, "%s: read", what);
		is_mem(out.data, out.len, text, strlen(text), "%s: the same", what);
	}
	casg_buf_release(&out);
}

static void test_bad(const char *text, size_t n, int class, const char *what)
{
	struct casg_buf out = CASG_BUF_INIT;

	is_int(read_list(text, n, 7, &out), class, "%s: %s", what, err.msg);
	casg_buf_release(&out);
}

#define HEAD "casg-withdrawn 1\n"
#define WHEN "\t2024-03-01T00:00:00Z\t"
#define BAD(s, what) test_bad(s, sizeof(s) - 1, CASG_ECORRUPT, what)

static void test_reading(void)
{
	test_good(HEAD "a" WHEN "-\t\n", "one");
	test_good(HEAD "a" WHEN "b\twhy\naa" WHEN "-\t\xc3\xa4\nb" WHEN "-\t-\n", "three");
	test_good(HEAD "\"#casg\"" WHEN "-\t\"a\\tb\\n\\\"\\\\\"\n", "quoted");
	test_good(HEAD "" WHEN "-\tthe empty key\na" WHEN "-\t\n", "a key of no bytes");
	BAD("", "nothing");
	BAD("casg-withdrawn 1", "no line end");
	BAD("casg-order 1\n", "another object");
	test_bad("casg-withdrawn 2\na" WHEN "-\t\n", 40, CASG_EUNSUPPORTED, "another version");
	BAD(HEAD, "an empty list");
	BAD(HEAD "a" WHEN "-\t", "a line cut short");
	BAD(HEAD "a" WHEN "-\n", "three fields");
	BAD(HEAD "a" WHEN "-\tx\ty\n", "five fields");
	BAD(HEAD "a\t2024-03-01\t-\t\n", "a date");
	BAD(HEAD "a\t2024-13-01T00:00:00Z\t-\t\n", "no time");
	BAD(HEAD "b" WHEN "-\t\na" WHEN "-\t\n", "out of order");
	BAD(HEAD "a" WHEN "-\t\na" WHEN "-\t\n", "twice");
	BAD(HEAD "\"a\"" WHEN "-\t\n", "quoted without need");
	BAD(HEAD "a" WHEN "\"-\"\t\n", "a quoted dash");
	BAD(HEAD "a" WHEN "-\ta\"b\n", "not quoted");
	BAD(HEAD "a b" WHEN "-\t\n", "a key with a space");
	BAD(HEAD "a" WHEN "b c\t\n", "a successor with a space");
	BAD(HEAD "a" WHEN "-\tx\0y\n", "NUL");
	BAD(HEAD "\n" "a" WHEN "-\t\n", "a blank line");
	BAD(HEAD "#casg" WHEN "-\t\n", "a key like facts");
}

static void test_limits(void)
{
	struct casg_buf text = CASG_BUF_INIT, out = CASG_BUF_INIT;

	for (int n = CASG_REASON_MAX; n <= CASG_REASON_MAX + 1; n++) {
		casg_buf_reset(&text);
		casg_buf_addstr(&text, HEAD "a" WHEN "-\t");
		for (int i = 0; i < n; i++)
			casg_buf_addch(&text, 'x');
		casg_buf_addch(&text, '\n');
		is_int(read_list((const char *)text.data, text.len, 1000, &out),
		       n > CASG_REASON_MAX ? CASG_ECORRUPT : 0, "a reason of %d bytes", n);
	}
	casg_buf_reset(&text);
	casg_buf_addstr(&text, HEAD);
	for (int i = 0; i < 1 << 20; i++)
		casg_buf_addch(&text, 'k');
	is_int(read_list((const char *)text.data, text.len, 65536, &out), CASG_ECORRUPT,
	       "a line that is too long");
	casg_buf_release(&text);
	casg_buf_release(&out);
}

/* ---- writing ----------------------------------------------------------- */

static char dir[] = "/tmp/casg-test-withdrawn-XXXXXX";
static struct casg_store *store;
static struct casg_coder *coder;
static struct casg_packw *packw;

static struct casg_tombstone stone(const char *key, const char *reason)
{
	return (struct casg_tombstone){ .key = key, .klen = strlen(key), .when = 86400,
					.reason = reason, .rlen = strlen(reason) };
}

/* The text that is stored, or "none". */
static const char *finish(struct casg_withdrawnw *w)
{
	static struct casg_buf text;
	struct casg_oid id;
	int rc = casg_withdrawnw_finish(w, packw, store, coder, 1, &id, &err);

	casg_withdrawnw_free(w);
	casg_buf_reset(&text);
	if (!rc)
		return "none";
	if (rc < 0 || casg_packw_finish(packw, &err) ||
	    casg_store_read_id(store, coder, &id, 1 << 20, &text, &err))
		return err.msg;
	return casg_buf_cstr(&text);
}

static struct casg_withdrawnw *over(const char *text, struct source *s)
{
	*s = (struct source){ text, strlen(text), 5 };
	return casg_withdrawnw_new(casg_withdrawnr_new(pieces, s, &err), ".", &err);
}

#define DAY "\t1970-01-02T00:00:00Z\t-\t"

static void test_writing(void)
{
	static const char base[] = HEAD "b" WHEN "c\told\nd" WHEN "-\told\nf" WHEN "-\told\n";
	struct casg_tombstone t;
	struct casg_withdrawnw *w;
	struct source s;

	w = casg_withdrawnw_new(NULL, ".", &err);
	is_str(finish(w), "none", "nothing");
	is_str(finish(over(base, &s)), base, "what was there goes on");
	w = over(base, &s);
	casg_withdrawnw_alive(w, "a", 1, &err);
	casg_withdrawnw_alive(w, "b", 1, &err);
	casg_withdrawnw_alive(w, "b", 1, &err);
	casg_withdrawnw_alive(w, "c", 1, &err);
	casg_withdrawnw_alive(w, "f", 1, &err);
	casg_withdrawnw_alive(w, "g", 1, &err);
	is_str(finish(w), HEAD "d" WHEN "-\told\n", "but for what came back");
	w = over(base, &s);
	for (const char *k = "bdf"; *k; k++)
		casg_withdrawnw_alive(w, k, 1, &err);
	is_str(finish(w), "none", "all of it");
	w = over(base, &s);
	t = stone("a", "new");
	casg_withdrawnw_add(w, &t, &err);
	t = stone("d", "again");
	casg_withdrawnw_add(w, &t, &err);
	t = stone("z", "");
	casg_withdrawnw_add(w, &t, &err);
	is_str(finish(w), HEAD "a" DAY "new\nb" WHEN "c\told\nd" DAY "again\nf" WHEN
	       "-\told\nz" DAY "\n", "and what is new");
	w = casg_withdrawnw_new(NULL, ".", &err);
	t = stone("a", "");
	t.successor = "-";
	t.slen = 1;
	is_int(casg_withdrawnw_add(w, &t, &err), CASG_ECORRUPT, "a successor that is none");
	t = stone("a b", "");
	is_int(casg_withdrawnw_add(w, &t, &err), CASG_ECORRUPT, "a key that is none");
	casg_withdrawnw_free(w);
	w = over(HEAD "b" WHEN "-\t\na" WHEN "-\t\n", &s);
	ok(w && casg_withdrawnw_alive(w, "z", 1, &err) == CASG_ECORRUPT,
	   "a damaged list is noticed");
	casg_withdrawnw_free(w);
}

int main(void)
{
	struct casg_store_opts so = { .packs_dir = ".", .cache_nbytes = 1 << 20 };
	struct casg_packw_opts po = { .packs_dir = ".", .tmp_dir = ".",
				      .pack_nbytes = (uint64_t)64 << 20 };
	struct dirent *e;
	DIR *d;

	test_reading();
	test_limits();
	coder = casg_coder_new();
	if (!coder || !mkdtemp(dir) || chdir(dir) || casg_store_open(&store, &so, &err) ||
	    !(packw = casg_packw_new(store, &po, &err)))
		return 1;
	test_writing();
	casg_packw_free(packw);
	casg_store_close(store);
	casg_coder_free(coder);
	d = opendir(".");
	while (d && (e = readdir(d)))
		unlink(e->d_name);
	if (d)
		closedir(d);
	if (!chdir("/"))
		rmdir(dir);
	return done_testing();
}
