#include "residues.h"

#include <stdlib.h>

#include "tap.h"
#include "varint.h"

static struct casg_err err = CASG_ERR_INIT;

static uint64_t rnd(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

/* Buffers of just the size, so that a sanitizer sees any step too far. */
static uint8_t *copy(const void *p, size_t n)
{
	uint8_t *q = calloc(n ? n : 1, 1);

	if (n)
		memcpy(q, p, n);
	return q;
}

/* The definition, one residue at a time. */
static void pack_slowly(const uint8_t *p, size_t n, uint8_t *out, struct casg_buf *ex,
			uint64_t *nother, uint64_t *nruns)
{
	size_t end = 0;

	memset(out, 0, casg_dna_packed_size(n));
	*nother = *nruns = 0;
	for (size_t i = 0; i < n;) {
		const char *at = p[i] ? strchr("ACGT", p[i]) : NULL;
		size_t j = i + 1;

		if (at) {
			out[i / 4] |= (uint8_t)((at - "ACGT") << 2 * (i % 4));
			i++;
			continue;
		}
		while (j < n && p[j] == p[i])
			j++;
		casg_varint_add(ex, i - end);
		casg_varint_add(ex, j - i);
		casg_buf_addch(ex, p[i]);
		*nother += j - i;
		++*nruns;
		end = i = j;
	}
}

static int round_trip(const uint8_t *text, size_t n)
{
	size_t np = casg_dna_packed_size(n);
	uint8_t *p = copy(text, n), *a = malloc(np + 1), *b, *back = malloc(n ? n : 1);
	struct casg_buf ea = CASG_BUF_INIT, eb = CASG_BUF_INIT, ec = CASG_BUF_INIT;
	uint64_t o1, o2, r1, r2;
	int good;

	b = malloc(np ? np : 1);
	pack_slowly(p, n, a, &ea, &o1, &r1);
	casg_dna_pack(p, n, b, &eb);
	casg_dna_scan(p, n, &o2, &r2);
	good = !memcmp(a, b, np) && ea.len == eb.len &&
	       (!ea.len || !memcmp(ea.data, eb.data, ea.len)) && o1 == o2 && r1 == r2 &&
	       !casg_dna_unpack(b, n, eb.data, eb.len, back, &err) &&
	       (!n || !memcmp(back, p, n));
	/* the exceptions alone, and laid over any letters */
	casg_dna_exceptions(p, n, &ec);
	good = good && ec.len == eb.len && (!ec.len || !memcmp(ec.data, eb.data, ec.len));
	for (size_t i = 0; i < n; i++)
		back[i] = memchr("ACGT", p[i], 4) ? p[i] : "ACGT"[rnd() & 3];
	good = good && !casg_dna_overlay(ec.data, ec.len, back, n, &err) &&
	       (!n || !memcmp(back, p, n));
	free(p);
	free(a);
	free(b);
	free(back);
	casg_buf_release(&ea);
	casg_buf_release(&eb);
	casg_buf_release(&ec);
	return good;
}

static void test_round_trips(void)
{
	static const char *const kinds[] = { "ACGT", "ACGTN", "ACGTACGTACGTACGTACGTACGTN",
		"NNNNNNNNNNNNNNNNNNNNNA", "ACGTNRYacgtn*-.", "N", "A", "!~", "@BDEFHSUVW" };
	uint8_t p[600];
	int bad;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		size_t m = strlen(kinds[k]);

		bad = 0;
		for (size_t n = 0; n < 300; n++) {
			for (size_t i = 0; i < n; i++)
				p[i] = (uint8_t)kinds[k][rnd() % m];
			bad += !round_trip(p, n);
		}
		is_int(bad, 0, "lengths 0 to 299 of \"%s\"", kinds[k]);
	}
	bad = 0;
	for (int c = 0x21; c <= 0x7e; c++) {
		memset(p, c, 33);
		bad += !round_trip(p, 33);
		memcpy(p, "ACGTACGTACGTACGTACGTACGTACGTACGTA", 33);
		p[c % 33] = (uint8_t)c;
		bad += !round_trip(p, 33);
	}
	is_int(bad, 0, "every byte that a sequence may have");
	bad = 0;
	for (int t = 0; t < 2000; t++) {
		size_t n = rnd() % 600;

		for (size_t i = 0; i < n;) {
			size_t run = 1 + rnd() % (rnd() & 1 ? 40 : 3);
			uint8_t c = (uint8_t)(rnd() % 3 ? 0 : "NNNRnX-"[rnd() % 7]);

			for (; run && i < n; run--, i++)
				p[i] = c ? c : (uint8_t)"ACGT"[rnd() & 3];
		}
		bad += !round_trip(p, n);
	}
	is_int(bad, 0, "runs of exceptions among letters");
}

static void test_known(void)
{
	struct casg_buf ex = CASG_BUF_INIT;
	uint8_t out[4];

	casg_dna_pack((const uint8_t *)"ACGTT", 5, out, &ex);
	ok(out[0] == 0xe4 && out[1] == 0x03, "ACGTT is e4 03");
	is_int(ex.len, 0, "without exceptions");
	casg_dna_pack((const uint8_t *)"TNNTRYYT", 8, out, &ex);
	ok(out[0] == 0xc3 && out[1] == 0xc0, "TNNTRYYT is c3 c0");
	is_mem(ex.data, ex.len, "\x01\x02N\x01\x01R\x00\x02Y", 9, "and three runs");
	casg_buf_release(&ex);
}

static void test_letters(void)
{
	int bad = 0;

	for (int t = 0; t < 1000; t++) {
		uint64_t w = rnd();
		uint8_t *out = malloc(32);

		casg_dna_letters(w, out);
		for (int i = 0; i < 32; i++)
			bad += out[i] != (uint8_t)"ACGT"[w >> 2 * i & 3];
		free(out);
	}
	is_int(bad, 0, "the 32 letters of a word");
}

/* Bases of a random text, at any offset, cleared where another has exceptions. */
static void test_clear(void)
{
	int bad = 0;

	for (int t = 0; t < 2000; t++) {
		struct casg_buf ex = CASG_BUF_INIT;
		size_t n = rnd() % 90, at = rnd() % 40, all = at + n + rnd() % 40;
		uint8_t *text = malloc(n + 1), *unused = calloc(casg_dna_packed_size(n) + 1, 1);
		uint8_t *bases = malloc(casg_dna_packed_size(all) + 1), *was;

		for (size_t i = 0; i < n; i++)
			text[i] = (uint8_t)"ACGTNR"[rnd() % (t % 2 ? 6 : 5)];
		for (size_t i = 0; i < casg_dna_packed_size(all); i++)
			bases[i] = (uint8_t)rnd();
		was = copy(bases, casg_dna_packed_size(all));
		casg_dna_pack(text, n, unused, &ex);
		bad += casg_dna_clear(ex.data, ex.len, bases, at, n, &err) != 0;
		for (size_t i = 0; i < all; i++) {
			int now = bases[i / 4] >> 2 * (i % 4) & 3, before = was[i / 4] >> 2 * (i % 4) & 3;
			int gone = i >= at && i < at + n && !memchr("ACGT", text[i - at], 4);

			bad += now != (gone ? 0 : before);
		}
		free(text);
		free(unused);
		free(bases);
		free(was);
		casg_buf_release(&ex);
	}
	is_int(bad, 0, "bases under exceptions are cleared, and no others");
}

static int overlay(size_t n, const char *ex, size_t nex)
{
	uint8_t *e = copy(ex, nex), *out = copy("TTTTTTTT", n);
	int rc = casg_dna_overlay(e, nex, out, n, &err);

	free(e);
	free(out);
	return rc;
}

static int unpack(const char *packed, size_t n, const char *ex, size_t nex)
{
	uint8_t *p = copy(packed, casg_dna_packed_size(n)), *e = copy(ex, nex);
	uint8_t *out = malloc(n ? n : 1);
	int rc = casg_dna_unpack(p, n, e, nex, out, &err);

	free(p);
	free(e);
	free(out);
	return rc;
}

#define REFUSED(what, packed, n, ex) \
	is_int(unpack(packed, n, ex, sizeof(ex) - 1), CASG_ECORRUPT, "refused: %s", what)
#define NOT_LAID(what, n, ex) \
	is_int(overlay(n, ex, sizeof(ex) - 1), CASG_ECORRUPT, "not laid over letters: %s", what)

static void test_refusals(void)
{
	is_int(unpack("\0\0", 8, "\x02\x03N", 3), 0, "good: a run");
	is_int(unpack("\0\0", 8, "\x00\x08N", 3), 0, "good: nothing else");
	is_int(unpack("", 0, "", 0), 0, "good: nothing at all");
	is_int(unpack("\0\0", 8, "\x00\x01N\x01\x01N\x00\x01R", 9), 0, "good: three runs");
	REFUSED("run beyond the end", "\0\0", 8, "\x02\x07N");
	REFUSED("gap beyond the end", "\0\0", 8, "\x09\x01N");
	REFUSED("gap to the end", "\0\0", 8, "\x08\x01N");
	REFUSED("huge gap", "\0\0", 8, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01N");
	REFUSED("huge run", "\0\0", 8, "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01N");
	REFUSED("second run beyond the end", "\0\0", 8, "\x02\x04N\x01\x02N");
	REFUSED("empty run", "\0\0", 8, "\x02\x00N");
	REFUSED("two runs that are one", "\0\0", 8, "\x02\x01N\x00\x01N");
	REFUSED("a letter", "\0\0", 8, "\x02\x01" "C");
	REFUSED("a space", "\0\0", 8, "\x02\x01 ");
	REFUSED("a DEL", "\0\0", 8, "\x02\x01\x7f");
	REFUSED("a high byte", "\0\0", 8, "\x02\x01\xcc");
	REFUSED("cut after the gap", "\0\0", 8, "\x02");
	REFUSED("cut after the length", "\0\0", 8, "\x02\x01");
	REFUSED("cut in a number", "\0\0", 8, "\x82");
	REFUSED("a number not minimal", "\0\0", 8, "\x82\x00\x01N");
	REFUSED("bits under an exception", "\x30\0", 8, "\x02\x01N");
	REFUSED("bits under the last of a run", "\0\x03", 8, "\x02\x03N");
	REFUSED("spare bits", "\0\x40", 7, "");
	REFUSED("an exception in nothing", "", 0, "\x00\x01N");
	is_int(overlay(8, "\x02\x03N", 3), 0, "a run is laid over other letters than A");
	is_int(overlay(8, "", 0), 0, "so is nothing");
	NOT_LAID("run beyond the end", 8, "\x02\x07N");
	NOT_LAID("gap beyond the end", 8, "\x09\x01N");
	NOT_LAID("huge run", 8, "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01N");
	NOT_LAID("empty run", 8, "\x02\x00N");
	NOT_LAID("two runs that are one", 8, "\x02\x01N\x00\x01N");
	NOT_LAID("a letter", 8, "\x02\x01" "C");
	NOT_LAID("a high byte", 8, "\x02\x01\xcc");
	NOT_LAID("cut after the length", 8, "\x02\x01");
	NOT_LAID("an exception in nothing", 0, "\x00\x01N");
}

int main(void)
{
	test_known();
	test_round_trips();
	test_letters();
	test_clear();
	test_refusals();
	return done_testing();
}
