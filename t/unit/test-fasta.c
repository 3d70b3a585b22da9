/*
 * fasta and layout: what the parser says of a text, what it refuses and
 * where, and that every accepted text comes back byte for byte.  With file
 * names as arguments, checks those too.
 */
#include <stdio.h>

#include "../fuzz/roundtrip.h"
#include "tap.h"

#define S(s) (const uint8_t *)(s), sizeof(s) - 1

/* Parse a text; its calls as one string, residues and all. */
static const char *say(struct casg_buf *out, const uint8_t *text, size_t n)
{
	struct rt_parsed p;

	casg_buf_reset(out);
	if (rt_parse(&p, text, n, 0, 0)) {
		casg_buf_addf(out, "record %d: byte offset %d: %s",
			      (int)p.error_record, (int)p.error_offset,
			      p.err.msg);
		rt_release(&p);
		return casg_buf_cstr(out);
	}
	casg_buf_addf(out, "%d %s%s", (int)p.facts.width,
		      p.facts.crlf ? "crlf" : "lf",
		      p.facts.final_newline ? "" : " no-end");
	for (size_t i = 0; i < p.nrecs; i++) {
		const struct rt_rec *r = &p.recs[i];
		const char *s = (char *)p.bytes.data + r->at;
		size_t hlen = r->klen + r->dlen;

		casg_buf_addf(out, " | %.*s[%.*s] %.*s %.*s", (int)r->klen, s,
			      (int)r->dlen, s + r->klen, (int)r->nresidues,
			      s + hlen, (int)r->preslen,
			      s + hlen + r->nresidues);
	}
	rt_release(&p);
	return casg_buf_cstr(out);
}

static void test_presentations(void)
{
	static const struct {
		const uint8_t *text;
		size_t n;
		const char *want;
	} cases[] = {
		{ S(""), "60 lf" },
		{ S("\n;c\n"), "60 lf" },
		{ S(">a b\nAC\n"), "60 lf | a[ b] AC -" },
		{ S(">a"), "60 lf no-end | a[]  -" },
		{ S(">a\n"), "60 lf | a[]  -" },
		{ S(">a\n\n"), "60 lf | a[]  g0:%0A%0A" },
		{ S(">\n>\nA"), "60 lf no-end | []  - | [] A -" },
		{ S(">a\r\nACG\r\nT\r\n"), "3 crlf | a[] ACGT -" },
		{ S(">a\r\nACG\r\nT\r"), "3 crlf no-end | a[] ACGT g4:%0D" },
		{ S(">a\nACG\r\nT\n"), "3 lf | a[] ACGT g3:%0D%0A" },
		{ S(">a\nACG\nT\n>b\nAC\nAC\nA\n>c\nACGTACG\n"),
		  "3 lf | a[] ACGT - | b[] ACACA w2 | c[] ACGTACG w0" },
		{ S(">a\nACG\nT\n>c\nACGT\n"),
		  "3 lf | a[] ACGT - | c[] ACGT w0" },
		{ S(">a\nACgt\nac\n"), "4 lf | a[] ACGTAC c2.4" },
		{ S(">a\nacGT\nAc\n"), "4 lf | a[] ACGTAC c0.2.3.1" },
		{ S(">a\nA C\n;x\nG\n"), "2 lf | a[] ACG g1:%20.1:%0A%3Bx%0A" },
		{ S(">a\n\nA>C\n >\n\n"), "3 lf | a[] A>C> g0:%0A%0A.3:%0A%20.1:%0A%0A" },
		{ S(">a b\r\r\nA\n"), "60 crlf | a[ b?] A g1:%0A" },
		{ S(">a\001b c\001d\nA\n"), "60 lf | a\001b[ c\001d] A -" },
		{ S(">a\tb\nA*-.\n"), "60 lf | a[\tb] A*-. -" },
		{ S(">a\n;x"), "60 lf no-end | a[]  g0:%0A%3Bx" },
	};
	struct casg_buf out = CASG_BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got = say(&out, cases[i].text, cases[i].n);
		char *cr = strchr(got, '\r');

		if (cr)
			*cr = '?';
		is_str(got, cases[i].want, "presentation %d", (int)i);
	}
	casg_buf_release(&out);
}

static void test_refusals(void)
{
	static const struct {
		const uint8_t *text;
		size_t n;
		const char *want;
	} cases[] = {
		{ S("@r\nA\n"), "record 1: byte offset 0: looks like FASTQ, not FASTA" },
		{ S("\n;\n@r\n"), "record 1: byte offset 3: looks like FASTQ, not FASTA" },
		{ S("\nACGT\n"), "record 1: byte offset 1: text before the first '>'" },
		{ S(" >a\n"), "record 1: byte offset 1: text before the first '>'" },
		{ S("\0"), "record 1: byte offset 0: byte 0x00 is not allowed in a text" },
		{ S(";a\0\n"), "record 1: byte offset 2: byte 0x00 is not allowed in a comment line" },
		{ S(">a\0b\nA\n"), "record 1: byte offset 2: byte 0x00 is not allowed in a header" },
		{ S(">a\nA\n>b\nAC\0G\n"), "record 2: byte offset 10: byte 0x00 is not allowed in a sequence" },
		{ S(">a\nAC\n;\0\n"), "record 1: byte offset 7: byte 0x00 is not allowed in a comment line" },
		{ S(">a\nACGTACGTACGTACGTACGTAC\200\n"), "record 1: byte offset 25: byte 0x80 is not allowed in a sequence" },
		{ S(">a\nAC\177\n"), "record 1: byte offset 5: byte 0x7f is not allowed in a sequence" },
		{ S(">a\nAC\n\033\n"), "record 1: byte offset 6: byte 0x1b is not allowed in a sequence" },
	};
	struct casg_buf out = CASG_BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		is_str(say(&out, cases[i].text, cases[i].n), cases[i].want,
		       "refusal %d", (int)i);
		ok(!rt_check(cases[i].text, cases[i].n, 2, 7 + i),
		   "refusal %d does not depend on the split", (int)i);
	}
	casg_buf_release(&out);
}

static void add_times(struct casg_buf *b, const char *s, size_t times)
{
	while (times--)
		casg_buf_addstr(b, s);
}

static void test_key_length(void)
{
	struct casg_buf text = CASG_BUF_INIT, out = CASG_BUF_INIT;

	casg_buf_addstr(&text, ">x\nA\n>");
	add_times(&text, "k", CASG_KEY_MAX);
	casg_buf_addstr(&text, " d\nA\n");
	ok(!strncmp(say(&out, text.data, text.len), "60 lf | x", 9),
	   "the longest key is accepted");
	text.len = 6;
	add_times(&text, "k", CASG_KEY_MAX + 1);
	casg_buf_addstr(&text, "\n");
	is_str(say(&out, text.data, text.len),
	       "record 2: byte offset 6: a key is longer than 65535 bytes",
	       "a longer one is refused");
	casg_buf_release(&text);
	casg_buf_release(&out);
}

static void test_warnings(void)
{
	struct casg_buf text = CASG_BUF_INIT;
	struct rt_parsed p;

	for (int i = 0; i < 12; i++)
		casg_buf_addstr(&text, ">a\nA>C>\n>ok\nA\n");
	rt_parse(&p, text.data, text.len, 0, 0);
	is_int(p.nwarnings, 10, "one warning a record, ten in all");
	ok(memmem(p.calls.data, p.calls.len, "record 3: byte offset 18: '>'", 29)
	   != NULL, "a warning says where");
	ok(!rt_check(text.data, text.len, 5, 3), "and the text comes back");
	rt_release(&p);
	casg_buf_release(&text);
}

/* Random texts of the nastiest parts. */
static void nasty_text(struct casg_buf *b, uint64_t *seed)
{
	static const char *const parts[] = {
		"\n", "\n", "\r\n", ">", "\n>", "\n>x ", "\n>y\r\n", ";", "\n;c\n",
		"ACGT", "ACGTACGTACGTACGTAC\n", "acgt", "aC", "AC", "A", "N\n", "n",
		" ", "\t", "\r", "\v", "\f", "*-.", ">", "\n >", "\n ;", "\n\n",
		"ACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGT",
	};
	size_t nparts = rt_random(seed) % 60;
	size_t nkinds = sizeof(parts) / sizeof(*parts);
	size_t kinds = 1 + rt_random(seed) % nkinds;

	casg_buf_reset(b);
	if (rt_random(seed) % 8 == 0)
		casg_buf_addstr(b, "\n;top\n");
	casg_buf_addstr(b, ">");
	while (nparts--) {
		size_t i = rt_random(seed) % kinds;

		/* few kinds, but not always the same few */
		casg_buf_addstr(b, parts[(i * 7 + kinds) % nkinds]);
		if (rt_random(seed) % 500 == 0)
			casg_buf_addch(b, (int)(rt_random(seed) % 256));
	}
}

static void test_nasty(unsigned times)
{
	struct casg_buf b = CASG_BUF_INIT;
	uint64_t seed = 20240301;
	const char *wrong = NULL;

	for (unsigned i = 0; i < times && !wrong; i++) {
		size_t max = 1 + rt_random(&seed) % 40;

		nasty_text(&b, &seed);
		wrong = rt_check(b.data, b.len, max, rt_random(&seed) | 1);
		if (wrong)
			diag("text %u: %s", i, wrong);
	}
	ok(!wrong, "%u random texts come back", times);
	casg_buf_release(&b);
}

/* Regular text with a mistake here and there, as real files have it. */
static void wrapped_text(struct casg_buf *b, uint64_t *seed)
{
	size_t nrecs = 1 + rt_random(seed) % 5;
	size_t width = 1 + rt_random(seed) % 70;
	const char *eol = rt_random(seed) % 3 ? "\n" : "\r\n";
	const char *letters = rt_random(seed) % 3 ? "ACGTN" : "AcgT>;";

	casg_buf_reset(b);
	while (nrecs--) {
		size_t n = rt_random(seed) % 400, w = width;

		if (rt_random(seed) % 5 == 0)
			w = rt_random(seed) % 90;
		casg_buf_addf(b, ">r%zu some text%s", nrecs, eol);
		for (size_t i = 0; i < n; i++) {
			if (w && i && i % w == 0)
				casg_buf_addstr(b, rt_random(seed) % 60 ? eol : " ");
			casg_buf_addch(b, letters[rt_random(seed) % strlen(letters)]);
		}
		if (n)
			casg_buf_addstr(b, eol);
	}
	if (rt_random(seed) % 4 == 0)
		b->len--;
}

static void test_wrapped(unsigned times)
{
	struct casg_buf b = CASG_BUF_INIT;
	uint64_t seed = 20240302;
	const char *wrong = NULL;

	for (unsigned i = 0; i < times && !wrong; i++) {
		size_t max = 1 + rt_random(&seed) % 200;

		wrapped_text(&b, &seed);
		wrong = rt_check(b.data, b.len, max, rt_random(&seed) | 1);
		if (wrong)
			diag("text %u: %s", i, wrong);
	}
	ok(!wrong, "%u wrapped texts come back", times);
	casg_buf_release(&b);
}

static void check_big(struct casg_buf *b, size_t max, const char *what)
{
	const char *wrong = rt_check(b->data, b->len, max, 99);

	if (wrong)
		diag("%s", wrong);
	ok(!wrong, "%s (%zu bytes)", what, b->len);
	casg_buf_reset(b);
}

/* Beyond the peek, the batch, and the lead that ends the count of a width. */
static void test_big(void)
{
	struct casg_buf b = CASG_BUF_INIT, said = CASG_BUF_INIT;

	casg_buf_addstr(&b, ">a\nAC\nA\n>b\n");
	add_times(&b, "ACGTNACGTN", 400000);
	casg_buf_addstr(&b, "\n>c\nAC\nA\n");
	ok(strstr(say(&said, b.data, b.len), "N w0 | c") != NULL,
	   "a long line in a wrapped file is w0");
	check_big(&b, 100000, "a long line in a wrapped file");

	casg_buf_addstr(&b, ">a\nACG\nA\n>b\n");
	add_times(&b, "ACGT\n", 200000);
	add_times(&b, "ACG\n", 300000);
	check_big(&b, 70000, "a record of two widths");

	casg_buf_addstr(&b, ">a\nACG\nA\n>b\n");
	add_times(&b, "A C ", 100000);
	add_times(&b, "acg\n", 100000);
	add_times(&b, "ac\n", 100000);
	check_big(&b, 30000, "a record of many exceptions");

	add_times(&b, ";comment line\n", 100000);
	casg_buf_addstr(&b, ">a\r\nACG\r\nA\r\n>b\r\n");
	add_times(&b, "\n;x\n", 300000);
	check_big(&b, 65536, "more comment than the peek");

	casg_buf_addstr(&b, ">a ");
	add_times(&b, "description ", 200000);
	add_times(&b, "\nACGTACGTAC", 200000);
	check_big(&b, 9999, "a header longer than the peek");

	casg_buf_addstr(&b, ">a\n>ACGT");
	add_times(&b, "\n >>;", 100000);
	check_big(&b, 777, "lines that look like headers but for a blank");
	casg_buf_release(&b);
	casg_buf_release(&said);
}

static void test_facts(void)
{
	static const char *const good[] = {
		"#casg", "#casg final-newline=no",
		"#casg eol=crlf prologue=%3Ba%0A width=0",
	};
	static const char *const bad[] = {
		"#cas", "#casgx", "#casg ", "#casg width", "#casg width=",
		"#casg width=01", "#casg width=-1", "#casg width=6 width=6",
		"#casg eol=cr", "#casg final-newline=maybe", "#casg colour=red",
		"#casg  width=6", "#casg width=99999999999999999999",
		"#casg prologue=%41", "#casg prologue=%0a", "#casg prologue=%0",
		"#casg prologue=x", "#casg prologue=@12", "#casg prologue=%00",
	};
	struct casg_facts f;
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err;
	struct casg_oid oid;
	int has_oid;

	casg_facts_init(&f);
	casg_facts_format(&out, &f);
	is_str(casg_buf_cstr(&out), "#casg width=60 eol=lf final-newline=yes",
	       "default facts");
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		is_int(casg_facts_parse(&f, &oid, &has_oid, good[i],
					strlen(good[i]), &err), 0,
		       "'%s' is accepted", good[i]);
	casg_buf_reset(&out);
	casg_facts_format(&out, &f);
	is_str(casg_buf_cstr(&out),
	       "#casg width=0 eol=crlf final-newline=no prologue=%3Ba%0A",
	       "and merged");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(casg_facts_parse(&f, &oid, &has_oid, bad[i], strlen(bad[i]),
				    &err) < 0, "'%s' is refused", bad[i]);
	is_int(f.width, 0, "a refused line changes nothing");
	memset(&oid, 0xab, sizeof(oid));
	casg_buf_reset(&out);
	casg_facts_format_ex(&out, &f, &oid);
	memset(&oid, 0, sizeof(oid));
	ok(!casg_facts_parse(&f, &oid, &has_oid, (char *)out.data, out.len, &err) &&
	   has_oid && oid.b[31] == 0xab && !f.prologue.len,
	   "a prologue may be named by id");
	casg_facts_release(&f);
	casg_buf_release(&out);
}

/* Write 'residues' under a presentation; the text, or the message. */
static const char *write_as(struct casg_buf *out, const char *header,
			    const char *residues, const char *pres)
{
	struct casg_facts f;
	struct casg_layout *l;
	struct casg_err err = CASG_ERR_INIT;
	size_t n = strlen(residues), klen = strcspn(header, " \t\r");
	int ret;

	casg_facts_init(&f);
	f.width = 4;
	l = casg_layout_new(&f);
	casg_buf_reset(out);
	ret = casg_layout_begin(l, header, klen, header + klen,
				strlen(header) - klen, n, pres, strlen(pres),
				out, &err);
	if (!ret)
		ret = casg_layout_feed(l, (const uint8_t *)residues, n, out, &err);
	if (!ret)
		ret = casg_layout_end(l, out, &err);
	if (!ret)
		ret = casg_layout_finish(l, out, &err);
	casg_layout_free(l);
	casg_facts_release(&f);
	if (ret == CASG_ECORRUPT)
		return "refused";
	return ret ? "not written" : casg_buf_cstr(out);
}

static void test_writer(void)
{
	static const char *const cases[][4] = {
		{ "a", "ACGTAC", "-", ">a\nACGT\nAC\n" },
		{ "a b", "ACGTAC", "w2;c1.2", ">a b\nAc\ngT\nAC\n" },
		{ "a", "ACGTAC", "w0;g2:%20.4:", ">a\nAC GTAC" },
		{ "a", ">CGT>C", "-", ">a\n >CGT>C\n" },
		{ "a \r", "AC", "-", ">a \r\r\nAC\n" },
		{ "a", "", "g0:%0A%0A", ">a\n\n" },
		{ "a", "ACGTAC", "g2:%0A%3Bx%0A", ">a\nAC\n;x\nGT\nAC\n" },
		{ "a", "ACGTAC", "g6:%0A%3Bx", ">a\nACGT\nAC\n;x" },
		{ "a", "ACGT", "", "refused" },
		{ "a", "ACGT", "w", "refused" },
		{ "a", "ACGT", "w04", "refused" },
		{ "a", "ACGT", "w99999999999999999999", "refused" },
		{ "a", "ACGT", "x", "refused" },
		{ "a", "ACGT", "w2;", "refused" },
		{ "a", "ACGT", ";w2", "refused" },
		{ "a", "ACGT", "w2;w2", "refused" },
		{ "a", "ACGT", "c1.1;w2", "refused" },
		{ "a", "ACGT", "c1", "refused" },
		{ "a", "ACGT", "c1.0", "refused" },
		{ "a", "ACGT", "c1.1.1", "refused" },
		{ "a", "ACGT", "c1.4", "refused" },
		{ "a", "ACGT", "c1.18446744073709551615", "refused" },
		{ "a", "ACGT", "c1.1.", "refused" },
		{ "a", "ACGT", "g5:", "refused" },
		{ "a", "ACGT", "g1:.0:", "refused" },
		{ "a", "ACGT", "g1", "refused" },
		{ "a", "ACGT", "g1:%0A.", "refused" },
		{ "a", "ACGT", "g1:A", "refused" },
		{ "a", "ACGT", "g1:%41", "refused" },
		{ "a", "ACGT", "g1:%0a", "refused" },
		{ "a", "ACGT", "g1:%00", "refused" },
		{ "a", "ACGT", "g1:%3Bx%0A", "refused" },
		{ "a", "ACGT", "g1:%0A%3Bx", "refused" },
		{ "a", "ACGT", "g1:%0A%3E", "refused" },
		{ "a", "ACGT", "g0:", "refused" },
		{ "a", "ACGT", "g0:%20%0A", "refused" },
		{ "a", "A>GT", "g1:%0A", "refused" },
		{ "a", "A;GT", "g1:%20%0A", "refused" },
		{ "a \r", "AC", "g0:%0A", "refused" },
		{ "a", "ACgT", "-", "refused" },
		{ "a", "AC T", "-", "refused" },
		{ "a", "AC\nT", "-", "refused" },
		{ "a b\nc", "ACT", "-", "refused" },
		{ "a\nc", "ACT", "-", "refused" },
	};
	struct casg_buf out = CASG_BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		is_str(write_as(&out, cases[i][0], cases[i][1], cases[i][2]),
		       cases[i][3], "written as '%s' (%d)", cases[i][2], (int)i);
	casg_buf_release(&out);
}

/* Records in another order, and facts that change between them. */
static void test_reordered(void)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct rt_parsed p;
	struct casg_layout *l;
	uint64_t seed = 1;

	rt_parse(&p, S(";top\n>a\nACGT\nAC\n>b\nAC\n;end"), 0, 0);
	ok(!p.facts.final_newline, "the text does not end in LF");
	l = casg_layout_new(&p.facts);
	rt_write_rec(l, &p, &p.recs[1], 0, 0, &seed, &out, &err);
	rt_write_rec(l, &p, &p.recs[0], 0, 0, &seed, &out, &err);
	p.facts.width = 3;
	casg_layout_set_facts(l, &p.facts, &err);
	rt_write_rec(l, &p, &p.recs[0], 0, 0, &seed, &out, &err);
	casg_layout_finish(l, &out, &err);
	is_str(casg_buf_cstr(&out),
	       ";top\n>b\nAC\n;end\n>a\nACGT\nAC\n>a\nACG\nTAC",
	       "a missing last line end is put in, the last one left out");
	casg_layout_free(l);

	l = casg_layout_new(&p.facts);
	casg_buf_reset(&out);
	casg_layout_finish(l, &out, &err);
	is_str(casg_buf_cstr(&out), ";top\n", "a prologue alone");
	is_int(casg_layout_feed(l, S("A"), &out, &err), CASG_EBUG,
	       "residues without a record");
	casg_layout_begin(l, "a", 1, "", 0, 2, "-", 1, &out, &err);
	is_int(casg_layout_feed(l, S("ACG"), &out, &err), CASG_EBUG,
	       "too many residues");
	is_int(casg_layout_end(l, &out, &err), CASG_EBUG, "too few");
	casg_layout_free(l);
	rt_release(&p);
	casg_buf_release(&out);
}

static int refuse_residues(void *ctx, const uint8_t *p, size_t n,
			   struct casg_err *err)
{
	(void)ctx;
	(void)p;
	(void)n;
	return casg_err_set(err, CASG_EIO, "no room");
}

static void test_handler_errors(void)
{
	struct rt_parsed p;
	struct casg_fasta_handler h = {
		&p, rt_facts, rt_begin, refuse_residues, rt_end, NULL
	};
	struct casg_fasta *f = casg_fasta_new(&h);
	struct casg_err err = CASG_ERR_INIT;

	memset(&p, 0, sizeof(p));
	casg_facts_init(&p.facts);
	is_int(casg_fasta_feed(f, S(">a\nA>C\n>b\n"), &err), 0, "held for the peek");
	is_int(casg_fasta_finish(f, &err), CASG_EIO,
	       "the handler's error is the parser's");
	is_int(casg_fasta_feed(f, S("A"), &err), CASG_EBUG, "and final");
	casg_fasta_free(f);
	rt_release(&p);
}

static void test_file(const char *name)
{
	struct casg_buf b = CASG_BUF_INIT;
	FILE *file = fopen(name, "rb");
	const char *wrong = "cannot be opened";
	struct rt_parsed p;
	size_t got = 1;

	while (file && got && !casg_buf_grow(&b, 1 << 16)) {
		got = fread(b.data + b.len, 1, 1 << 16, file);
		b.len += got;
	}
	if (file) {
		fclose(file);
		wrong = rt_check(b.data, b.len, 1000, b.len | 1);
		if (rt_parse(&p, b.data, b.len, 0, 0))
			diag("%s: record %d: byte offset %d: %s", name,
			     (int)p.error_record, (int)p.error_offset, p.err.msg);
		rt_release(&p);
	}
	if (wrong)
		diag("%s", wrong);
	ok(!wrong, "%s", name);
	casg_buf_release(&b);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		test_file(argv[i]);
	if (argc > 1)
		return done_testing();
	test_presentations();
	test_refusals();
	test_key_length();
	test_warnings();
	test_nasty(20000);
	test_wrapped(5000);
	test_big();
	test_facts();
	test_writer();
	test_reordered();
	test_handler_errors();
	return done_testing();
}
