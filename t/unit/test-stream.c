/* stream and lines: record lines, quoting, and reading them. */
#include <stdlib.h>
#include <unistd.h>

#include "lines.h"
#include "stream.h"

#include "tap.h"

#define OID "cd42404d52ad55ccfa9aca4adc828aa5800ad9d385a0671fbcbf724118320619"
#define REST "\t" OID "\t4\t-\t-\t"

static struct casg_rec make(const char *key, const char *desc)
{
	struct casg_rec r = { .key = key, .klen = strlen(key), .length = 4,
			      .taxon = "-", .tlen = 1, .pres = "-", .plen = 1,
			      .desc = desc, .dlen = strlen(desc) };

	casg_oid_parse(&r.oid, OID, CASG_OID_HEXSZ);
	return r;
}

static void test_format(void)
{
	static const char *const cases[][3] = {
		{ "k", "", "k" REST "\n" },
		{ "", " d e", REST " d e\n" },
		{ "k", "\td", "k" REST "\"\\td\"\n" },
		{ "k", " a\"b\\c\001\177\200", "k" REST "\" a\\\"b\\\\c\\001\\177\200\"\n" },
		{ "k", " a\001\177\200", "k" REST " a\001\177\200\n" },
		{ "#casg", "", "\"#casg\"" REST "\n" },
		{ "#cas", " #casg", "#cas" REST " #casg\n" },
		{ "\"", "", "\"\\\"\"" REST "\n" },
		{ "k", "\v\t\f\r\a\b", "k" REST "\"\\v\\t\\f\\r\\a\\b\"\n" },
	};
	struct casg_buf out = CASG_BUF_INIT, scratch = CASG_BUF_INIT;
	struct casg_rec back;
	struct casg_err err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct casg_rec r = make(cases[i][0], cases[i][1]);

		casg_buf_reset(&out);
		casg_rec_format(&out, &r, 0);
		is_str(casg_buf_cstr(&out), cases[i][2], "line %d", (int)i);
		for (int z = 0; z < 2; z++) {
			casg_buf_reset(&out);
			casg_rec_format(&out, &r, z);
			ok(!casg_rec_parse(&back, (char *)out.data, out.len - 1,
					   z, &scratch, &err) &&
			   back.klen == r.klen && back.dlen == r.dlen &&
			   !memcmp(back.key, r.key, r.klen) &&
			   !memcmp(back.desc, r.desc, r.dlen) &&
			   casg_oid_eq(&back.oid, &r.oid) && back.length == 4,
			   "line %d comes back (z %d)", (int)i, z);
		}
	}
	casg_buf_release(&out);
	casg_buf_release(&scratch);
}

static void test_refusals(void)
{
	static const char *const bad[] = {
		"", "k", "k\t" OID "\t4\t-\t-", "k" REST " a\tb", "#casg" REST,
		"k\tcd42\t4\t-\t-\t", "k\t" OID "\t\t-\t-\t",
		"k\t" OID "\t04\t-\t-\t", "k\t" OID "\t-4\t-\t-\t",
		"k\t" OID "\t18446744073709551616\t-\t-\t",
		"k\t" OID "\t9999999999999999999\t-\t-\t",
		"k\t" OID "\t4\t\t-\t", "k\t" OID "\t4\t-\t\t",
		"k\t" OID "\t4\t-\t@12\t", "k\t" OID "\t4\t-\tx1\t",
		"k\t" OID "\t4\t-\tc0 4\t", "k\t" OID "\t4\t-\t--\t",
		"k k" REST, "k" REST "d", "\"k\"" REST, "\"k\\t\"" REST,
		"\"k" REST, "\"k\\\"" REST, "k\"" REST, "k\\" REST,
		"k" REST "\" \\x\"", "k" REST "\" \\011\\\"\"", "k" REST "\" \\\"\" ",
		"k" REST "\" \\000\\\"\"", "k" REST "\" \001\\\"\"",
		"k" REST "\" \\201\\\"\"", "k" REST "\" \\\"\\0\"",
		"k\t\"\\\"\"\t4\t-\t-\t",
	};
	static const char *const bad_z[] = {
		"k" REST "d", "k\nl" REST, "k k" REST, "\tk" REST,
	};
	struct casg_buf scratch = CASG_BUF_INIT;
	struct casg_rec r;
	struct casg_err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(casg_rec_parse(&r, bad[i], strlen(bad[i]), 0, &scratch,
				      &err), CASG_ECORRUPT, "refused %d", (int)i);
	for (size_t i = 0; i < sizeof(bad_z) / sizeof(*bad_z); i++)
		is_int(casg_rec_parse(&r, bad_z[i], strlen(bad_z[i]), 1,
				      &scratch, &err), CASG_ECORRUPT,
		       "refused with z %d", (int)i);
	is_int(casg_rec_parse(&r, "k\0" REST, sizeof("k\0" REST) - 1, 0,
			      &scratch, &err), CASG_ECORRUPT, "NUL is refused");
	ok(casg_stream_is_facts("#casg", 5) &&
	   casg_stream_is_facts("#casg width=6", 13), "facts lines");
	ok(!casg_stream_is_facts("#cas", 4) &&
	   !casg_stream_is_facts("#casg" REST, sizeof("#casg" REST) - 1),
	   "no facts lines");
	casg_buf_release(&scratch);
}

static void test_long_key(void)
{
	struct casg_buf line = CASG_BUF_INIT, scratch = CASG_BUF_INIT;
	struct casg_rec r;
	struct casg_err err;

	for (int i = 0; i < 65535; i++)
		casg_buf_addch(&line, 'k');
	casg_buf_addstr(&line, REST);
	is_int(casg_rec_parse(&r, (char *)line.data, line.len, 0, &scratch, &err),
	       0, "the longest key");
	casg_buf_reset(&line);
	for (int i = 0; i < 65536; i++)
		casg_buf_addch(&line, 'k');
	casg_buf_addstr(&line, REST);
	is_int(casg_rec_parse(&r, (char *)line.data, line.len, 0, &scratch, &err),
	       CASG_ECORRUPT, "a longer one");
	casg_buf_release(&line);
	casg_buf_release(&scratch);
}

static void test_lines(int delim)
{
	struct casg_err err;
	struct casg_lines *l;
	const char *line;
	size_t n;
	int fds[2];
	char d = (char)delim;

	if (pipe(fds))
		abort();
	l = casg_lines_open(fds[0], delim);
	ok(!casg_lines_pending(l), "nothing to read yet");
	if (write(fds[1], "one", 3) != 3 || write(fds[1], &d, 1) != 1 ||
	    write(fds[1], &d, 1) != 1 || write(fds[1], "last", 4) != 4)
		abort();
	ok(casg_lines_pending(l), "something to read");
	is_int(casg_lines_next(l, &line, &n, &err), 1, "a line");
	is_mem(line, n, "one", 3, "its bytes");
	ok(casg_lines_pending(l), "a line is buffered");
	is_int(casg_lines_next(l, &line, &n, &err), 1, "an empty line");
	is_int(n, 0, "its length");
	ok(!casg_lines_pending(l), "half a line is not a line");
	close(fds[1]);
	ok(casg_lines_pending(l), "at the end of input it is");
	is_int(casg_lines_next(l, &line, &n, &err), 1, "a line without end");
	is_mem(line, n, "last", 4, "its bytes");
	ok(casg_lines_unterminated(l), "it has no delimiter");
	is_int(casg_lines_next(l, &line, &n, &err), 0, "the end");
	is_int(casg_lines_next(l, &line, &n, &err), 0, "the end again");
	casg_lines_close(l);
	close(fds[0]);
	l = casg_lines_open(-1, delim);
	is_int(casg_lines_next(l, &line, &n, &err), CASG_EIO, "a bad descriptor");
	casg_lines_close(l);
}

/* Lines longer than any buffer, of every length around its size. */
static void test_long_lines(void)
{
	FILE *file = tmpfile();
	struct casg_lines *l;
	struct casg_err err;
	const char *line;
	size_t n, want = 0;
	int good = 1;

	for (int i = 0; i < 300; i++) {
		for (int j = 0; j < i * 500; j++)
			putc('a' + j % 26, file);
		putc('\n', file);
	}
	fflush(file);
	rewind(file);
	l = casg_lines_open(fileno(file), '\n');
	for (; casg_lines_next(l, &line, &n, &err) == 1; want += 500)
		good &= n == want && (!n || line[n - 1] == 'a' + (int)((n - 1) % 26));
	ok(good && want == 300 * 500, "long lines");
	casg_lines_close(l);
	fclose(file);
}

int main(void)
{
	test_format();
	test_refusals();
	test_long_key();
	test_lines('\n');
	test_lines(0);
	test_long_lines();
	return done_testing();
}
