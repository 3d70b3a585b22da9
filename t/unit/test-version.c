/* version, its times, and the names and lists that go with it. */
#include <stdio.h>
#include <stdlib.h>

#include "gitdate.h"
#include "packlist.h"
#include "repo.h"
#include "settings.h"
#include "tap.h"
#include "version.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define HEAD_LINES "casg-version 1\nrecords " A "\norder " A "\npresentation " B "\n"
#define LEAST HEAD_LINES "count 3\nresidues 10\nsequence-time 2024-02-29T23:59:59Z\n"
#define FULL LEAST "release 2024_01 \xc3\xa9\ntaxonomy " B "\nsource a%25b%0A.fa\n" \
	"source -\nsource-sha256 " A "\nprevious " A "\nprevious " B "\n"

#define TAX_HEAD "casg-taxonomy 1\nrecords " A "\norder " A "\npresentation " B "\n"
#define TAX TAX_HEAD "count 3\ntaxonomy-time 2024-02-29T23:59:59Z\n"
#define TAX_FULL TAX_HEAD "mapping " B "\ncount 3\ntaxonomy-time 2024-02-29T23:59:59Z\n" \
	"valid-until 2024-03-01T00:00:00Z\nrelease r\nchange new 7\nchange split 1\n" \
	"change rank 2\nsource a\nsource-sha256 " A "\nprevious " A "\n"

static int decode(const char *text, struct casg_version *v)
{
	/* an exact allocation, so that a read beyond it shows */
	size_t n = strlen(text);
	uint8_t *copy = malloc(n ? n : 1);
	int r;

	if (!copy)
		abort();
	memcpy(copy, text, n);
	r = casg_version_decode(v, copy, n, NULL);
	free(copy);
	return r;
}

static void round_trip(const char *text, const char *what)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_version v;

	casg_version_init(&v);
	is_int(decode(text, &v), 0, "%s is read", what);
	is_int(casg_version_encode(&v, &out, NULL), 0, "%s is written", what);
	is_str(casg_buf_cstr(&out), text, "%s comes back", what);
	casg_buf_release(&out);
	casg_version_release(&v);
}

static void test_fields(void)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version v;

	casg_version_init(&v);
	decode(FULL, &v);
	is_int(v.count, 3, "count");
	is_int(v.residues, 10, "residues");
	is_str(v.release, "2024_01 \xc3\xa9", "release");
	is_int(v.nsources, 2, "sources");
	is_str(v.sources[0], "a%b\n.fa", "a source name, decoded");
	is_int(v.nprevious, 2, "previous");
	is_int(casg_version_field(&v, "previous", &out, &err), 0, "a repeated field");
	is_str(casg_buf_cstr(&out), A "\n" B, "has a line each");
	casg_buf_reset(&out);
	is_int(casg_version_field(&v, "source", &out, &err), 0, "field source");
	is_str(casg_buf_cstr(&out), "a%25b%0A.fa\n-", "is not source-sha256");
	is_int(casg_version_field(&v, "nonsense", &out, &err), CASG_EBUG, "no such field");
	decode(LEAST, &v);
	is_int(casg_version_field(&v, "release", &out, &err), CASG_EABSENT, "field not there");
	casg_buf_release(&out);
	casg_version_release(&v);
}

static void test_setters(void)
{
	struct casg_version v;
	struct casg_oid a, b;
	char long_label[257];

	casg_version_init(&v);
	casg_oid_parse(&a, A, 64);
	casg_oid_parse(&b, B, 64);
	casg_version_add_previous(&v, &b, NULL);
	casg_version_add_previous(&v, &a, NULL);
	casg_version_add_previous(&v, &b, NULL);
	ok(v.nprevious == 2 && casg_oid_eq(&v.previous[0], &a), "previous is a sorted set");
	memset(long_label, 'x', 256);
	long_label[256] = '\0';
	is_int(casg_version_set_release(&v, long_label, NULL), CASG_ECORRUPT, "256 bytes");
	is_int(casg_version_add_source(&v, long_label, NULL), CASG_ECORRUPT, "of source too");
	is_int(casg_version_set_release(&v, long_label + 1, NULL), 0, "255 bytes");
	is_int(casg_version_set_release(&v, "", NULL), CASG_ECORRUPT, "an empty label");
	is_int(casg_version_set_release(&v, " x", NULL), CASG_ECORRUPT, "a leading space");
	is_int(casg_version_set_release(&v, "x\n", NULL), CASG_ECORRUPT, "a line feed");
	casg_version_release(&v);
}

static void test_refusals(void)
{
	static const struct {
		int code;
		const char *text, *what;
	} bad[] = {
		{ CASG_ENOTOURS, "", "nothing" },
		{ CASG_ENOTOURS, "tree " A "\n", "something else" },
		{ CASG_EUNSUPPORTED, "casg-version 2\n", "a later format" },
		{ CASG_EUNSUPPORTED, "casg-version 0\n", "format 0" },
		{ CASG_ECORRUPT, "casg-version 01\n", "a leading zero" },
		{ CASG_ECORRUPT, "casg-version 1", "no LF" },
		{ CASG_ECORRUPT, "casg-version 1\n", "no fields" },
		{ CASG_ECORRUPT, HEAD_LINES, "no count" },
		{ CASG_ECORRUPT, LEAST "\n", "an empty line" },
		{ CASG_ECORRUPT, LEAST "release x", "a last line without LF" },
		{ CASG_ECORRUPT, LEAST "release x\r\n", "CR LF" },
		{ CASG_ECORRUPT, LEAST "release  x\n", "two spaces" },
		{ CASG_ECORRUPT, LEAST "release x\nrelease y\n", "a field again" },
		{ CASG_ECORRUPT, LEAST "source a\nrelease x\n", "the wrong order" },
		{ CASG_ECORRUPT, LEAST "pack " A "\n", "an unknown field" },
		{ CASG_ECORRUPT, LEAST "source %2g\n", "a bad escape" },
		{ CASG_ECORRUPT, LEAST "source %41\n", "a needless escape" },
		{ CASG_ECORRUPT, LEAST "source %0a\n", "a lower-case escape" },
		{ CASG_ECORRUPT, LEAST "source %00\n", "an escaped NUL" },
		{ CASG_ECORRUPT, LEAST "source a\tb\n", "a bare TAB" },
		{ CASG_ECORRUPT, LEAST "source %2\n", "half an escape" },
		{ CASG_ECORRUPT, LEAST "source \n", "an empty source" },
		{ CASG_ECORRUPT, LEAST "previous " B "\nprevious " A "\n", "not sorted" },
		{ CASG_ECORRUPT, LEAST "previous " A "\nprevious " A "\n", "twice the same" },
		{ CASG_ECORRUPT, LEAST "taxonomy " A "a\n", "65 digits" },
		{ CASG_ECORRUPT, LEAST "valid-until 2024-02-29T23:59:59Z\n",
		  "valid for no time at all" },
		{ CASG_ECORRUPT, LEAST "change new 1\n", "a field of taxonomies" },
		{ CASG_EUNSUPPORTED, "casg-taxonomy 2\n", "a later format of taxonomies" },
		{ CASG_ENOTOURS, "casg-taxonomies 1\n", "no first line of ours" },
		{ CASG_ECORRUPT, TAX_HEAD, "a taxonomy without count" },
		{ CASG_ECORRUPT, TAX_HEAD "count 3\n", "a taxonomy without time" },
		{ CASG_ECORRUPT, TAX_HEAD "count 3\nresidues 0\n"
		  "taxonomy-time 2024-02-29T23:59:59Z\n", "a taxonomy with residues" },
		{ CASG_ECORRUPT, TAX_HEAD "count 3\nsequence-time 2024-02-29T23:59:59Z\n",
		  "a taxonomy with a sequence time" },
		{ CASG_ECORRUPT, TAX "taxonomy " A "\n", "a taxonomy with a taxonomy" },
		{ CASG_ECORRUPT, TAX "change other 1\n", "an unknown class of change" },
		{ CASG_ECORRUPT, TAX "change new 0\n", "no change" },
		{ CASG_ECORRUPT, TAX "change new\n", "a change without number" },
		{ CASG_ECORRUPT, TAX "change new 1\nchange new 2\n", "a class twice" },
		{ CASG_ECORRUPT, TAX "change split 1\nchange new 2\n", "classes out of order" },
		{ CASG_ECORRUPT, HEAD_LINES "count 03\nresidues 1\nsequence-time 2024-01-01T00:00:00Z\n",
		  "a count with a leading zero" },
		{ CASG_ECORRUPT, HEAD_LINES "count 18446744073709551616\nresidues 1\n"
		  "sequence-time 2024-01-01T00:00:00Z\n", "a count of 2^64" },
		{ CASG_ECORRUPT, HEAD_LINES "count 0\nresidues 1\nsequence-time 2024-01-01T00:00:00Z\n",
		  "residues without records" },
		{ CASG_ECORRUPT, HEAD_LINES "count 1\nresidues 1\nsequence-time 2023-02-29T00:00:00Z\n",
		  "a day that was not" },
	};
	struct casg_version v;
	char *big = malloc(CASG_VERSION_MAX_BYTES + 2);

	casg_version_init(&v);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(decode(bad[i].text, &v), bad[i].code, "refused: %s", bad[i].what);
	if (!big)
		abort();
	memset(big, 'x', CASG_VERSION_MAX_BYTES + 1);
	is_int(casg_version_decode(&v, (uint8_t *)big, CASG_VERSION_MAX_BYTES + 1, NULL),
	       CASG_ECORRUPT, "refused: too long");
	free(big);
	/* every prefix of a version is either refused or a version itself */
	for (size_t n = 0; n < strlen(FULL); n++) {
		char part[sizeof(FULL)];

		memcpy(part, FULL, n);
		part[n] = '\0';
		if (!decode(part, &v) && (!n || part[n - 1] != '\n'))
			ok(0, "prefix of %zu bytes is refused", n);
	}
	casg_version_release(&v);
}

static void test_times(void)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1969-12-31T23:59:59Z", -1 },
		{ "2000-02-29T12:34:56Z", 951827696 },
		{ "2100-03-01T00:00:00Z", 4107542400 },
		{ "0001-01-01T00:00:00Z", -62135596800 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
	};
	static const char *const bad[] = {
		"2024-01-01t00:00:00Z", "2024-01-01T00:00:00z", "2024-01-01T24:00:00Z",
		"2024-01-01T00:00:60Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",
		"2100-02-29T00:00:00Z", "0000-01-01T00:00:00Z", "2024-01-01 00:00:00Z",
		"2024-01-01T00:00:00+", "+024-01-01T00:00:00Z",
	};
	char out[CASG_TIME_SIZE];
	int64_t t;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		t = 1;
		ok(!casg_time_parse(good[i].text, 20, &t), "%s is read", good[i].text);
		is_int(t, good[i].seconds, "%s", good[i].text);
		is_str(casg_time_format(t, out), good[i].text, "and written");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(casg_time_parse(bad[i], strlen(bad[i]), &t), "refused: %s", bad[i]);
	ok(!casg_time_format(253402300800, out), "the year 10000 is not written");
	ok(!casg_time_format(INT64_MIN, out), "nor is the least number");
	ok(!casg_time_parse_user("2024-03-01", &t, NULL) && t == 1709251200, "a date");
	ok(!casg_time_parse_user("2024-03-01T01:30:00+01:30", &t, NULL) && t == 1709251200,
	   "an offset east");
	ok(!casg_time_parse_user("2024-02-29T19:00:00-05:00", &t, NULL) && t == 1709251200,
	   "an offset west");
	ok(casg_time_parse_user("0001-01-01T00:00:00+01:00", &t, NULL), "out of range in UTC");
	ok(casg_time_parse_user("yesterday", &t, NULL), "no approximate time");
	ok(casg_time_parse_user("2024-03-01T00:00:00", &t, NULL), "no time without a zone");
}

static void test_gitdates(void)
{
	int64_t t;
	int east;

	ok(!casg_gitdate_parse("1112926393 +0200", &t, &east, NULL) &&
	   t == 1112926393 && east == 120, "Git's own form");
	ok(!casg_gitdate_parse("@12 -0130", &t, &east, NULL) && t == 12 && east == -90,
	   "with @");
	ok(!casg_gitdate_parse("Thu, 07 Apr 2005 22:13:13 +0200", &t, &east, NULL) &&
	   t == 1112904793 && east == 120, "RFC 2822");
	ok(!casg_gitdate_parse("2005-04-07T22:13:13+02:00", &t, &east, NULL) &&
	   t == 1112904793 && east == 120, "ISO 8601");
	ok(!casg_gitdate_parse("2005-04-07 20:13:13Z", &t, &east, NULL) &&
	   t == 1112904793 && east == 0, "with a space, UTC");
	ok(casg_gitdate_parse("yesterday", &t, &east, NULL), "not words");
	ok(casg_gitdate_parse("", &t, &east, NULL), "not nothing");
	ok(casg_gitdate_parse("1112926393 02", &t, &east, NULL), "not half a zone");
}

static void test_names(void)
{
	static const char *const good[] = {
		"sprot", "uniprot/sprot", "a.b-c_d", "\xc3\xa9", "VERSIONS", "taxonomy2", "taxonomy/ncbi", "a/taxonomy",
	};
	static const char *const bad[] = {
		"", "/a", "a/", "a//b", "-a", "a/-b", ".a", "a/.git", "a..b", "a.", "a.lock",
		"a.lock/b", "VERSION", "a/PACKS", "version", "a b", "a:b", "a~", "a^", "a?", "a*",
		"a[", "a\\b", "a@{b", "@", "a\tb", "a\x7f", "taxonomy", "taxonomy/", "taxonomy/a/b",
	};
	struct casg_buf rev = CASG_BUF_INIT, db = CASG_BUF_INIT;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(!casg_database_check(good[i], NULL), "a database name: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(casg_database_check(bad[i], NULL), "not a database name: number %zu", i);
	ok(!casg_spec_split("HEAD^{/fix: it}:a/b", &rev, &db, NULL), "split at the last colon");
	is_str(casg_buf_cstr(&rev), "HEAD^{/fix: it}", "revision");
	is_str(casg_buf_cstr(&db), "a/b", "database");
	casg_buf_reset(&rev);
	casg_buf_reset(&db);
	ok(!casg_spec_split("", &rev, &db, NULL), "an empty one");
	is_str(casg_buf_cstr(&rev), "HEAD", "is HEAD");
	is_str(casg_buf_cstr(&db), "", "and its only database");
	ok(casg_spec_split(":a", &rev, &db, NULL), "no revision before the colon");
	ok(casg_spec_split("HEAD:-a", &rev, &db, NULL), "no database behind it");
	casg_buf_release(&rev);
	casg_buf_release(&db);
}

static void test_packlists(void)
{
	static const char *const good[] = {
		"", A " 1 sequences\n", A " 12 a,b\n" B " 9223372036854775807 c\n",
	};
	static const char *const bad[] = {
		"\n", A "\n", A " 1\n", A " 1 \n", A " 0 a\n", A " 01 a\n", A " 1 a", A " 1 a,\n",
		A " 1 ,a\n", A " 1 a,,b\n", A " 1 A\n", A "  1 a\n", A " 1  a\n", A " -1 a\n",
		B " 1 a\n" A " 1 a\n", A " 1 a\n" A " 1 a\n", "a 1 a\n",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(!casg_packlist_check((const uint8_t *)good[i], strlen(good[i]), NULL),
		   "a list of packs: number %zu", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(casg_packlist_check((const uint8_t *)bad[i], strlen(bad[i]), NULL),
		   "not a list of packs: number %zu", i);
}

static void test_settings(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_settings s;
	uint64_t n;

	casg_settings_init(&s);
	ok(!casg_settings_set(&s, "casg.packsize", "16m", NULL, NULL) &&
	   s.pack_size == 16 << 20, "a size, whatever the case of the name");
	ok(!casg_settings_set(&s, "casg.compression", "none", NULL, NULL) && !s.level,
	   "compression none");
	ok(!casg_settings_set(&s, "casg.other", "x", NULL, NULL), "an unknown key");
	ok(casg_settings_set(&s, "casg.threads", "many", NULL, &err), "not a number");
	ok(strstr(err.msg, "casg.threads"), "the key is named");
	ok(casg_settings_set(&s, "casg.threads", "1k", "CASG_THREADS", &err), "no size here");
	ok(strstr(err.msg, "CASG_THREADS"), "the origin is named");
	ok(casg_settings_set(&s, "casg.compression", "20", NULL, NULL), "out of range");
	ok(casg_settings_set(&s, "casg.packSize", "-1", NULL, NULL), "negative");
	ok(casg_parse_size("18446744073709551616", &n) && casg_parse_size("17179869184g", &n) &&
	   casg_parse_size("", &n) && casg_parse_size("m", &n) && casg_parse_size("1mb", &n),
	   "sizes that are none");
	ok(!casg_parse_size("2G", &n) && n == UINT64_C(2) << 30, "2G");
}

int main(void)
{
	round_trip(LEAST, "the least version");
	round_trip(FULL, "a full version");
	round_trip(LEAST "valid-until 2024-03-01T00:00:00Z\n", "a version for a time");
	round_trip(TAX, "the least taxonomy");
	round_trip(TAX_FULL, "a full taxonomy");
	test_fields();
	test_setters();
	test_refusals();
	test_times();
	test_gitdates();
	test_names();
	test_packlists();
	test_settings();
	return done_testing();
}
