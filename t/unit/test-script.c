#include "script.h"

#include <stdlib.h>

#include "bases.h"
#include "residues.h"
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
static struct casg_slice copy_of(const void *p, size_t n)
{
	uint8_t *q = malloc(n ? n : 1);

	if (n)
		memcpy(q, p, n);
	return (struct casg_slice){ q, n };
}

static void release(struct casg_script_in *in)
{
	struct casg_slice *v[] = { &in->steps, &in->copies, &in->numbers, &in->jumps };

	for (int i = 0; i < 4; i++)
		free((void *)(uintptr_t)v[i]->p);
	for (uint32_t i = 0; i < in->nsegments; i++)
		free((void *)(uintptr_t)in->literals[i].p);
}

static char complement(char c)
{
	return c == 'A' ? 'T' : c == 'C' ? 'G' : c == 'G' ? 'C' : 'A';
}

static char base_of(const struct casg_slice *s, uint64_t at)
{
	return "ACGT"[((const uint8_t *)s->p)[at / 4] >> 2 * (at % 4) & 3];
}

/* ---- what the parts say is what is made -------------------------------- */

struct parts {
	const struct casg_script_in *in;
	const uint64_t *offset;
	const char *text;       /* of all members */
	uint32_t member;
	uint64_t to;            /* told so far of it */
	int bad;
};

static int note(void *ctx, const struct casg_script_part *part, struct casg_err *e)
{
	struct parts *p = ctx;
	const struct casg_slice *s = &p->in->literals[part->segment];

	(void)e;
	if (part->member != p->member) {
		p->bad += part->member < p->member;
		p->member = part->member;
		p->to = 0;
	}
	p->bad += part->to != p->to || !part->n || part->segment >= p->in->nsegments ||
		  (part->literal && part->segment != p->in->nsegments - 1) ||
		  (part->substitution && part->n != 1);
	p->to += part->n;
	for (uint64_t i = 0; i < part->n && !p->bad; i++) {
		uint64_t at = part->reverse ? part->from - i : part->from + i;
		char c;

		p->bad += at >= s->nbytes * 4;
		if (p->bad || part->substitution)
			break;
		c = base_of(s, at);
		p->bad += p->text[p->offset[part->member] + part->to + i] !=
			  (part->reverse ? complement(c) : c);
	}
	return 0;
}

/* ---- random scripts ---------------------------------------------------- */

enum { OTHERS = 4, MEMBERS = 5, LEN = 200 };

struct made {
	struct casg_script s;
	char text[MEMBERS * LEN * 4];   /* by hand */
	uint64_t offset[MEMBERS + 1];
	char pool[4000];                /* all literals; its own from 'own' on */
	uint64_t start[OTHERS + 1], own, npool;
	uint32_t nothers;
};

static void say(struct made *m, uint32_t member, char c)
{
	m->text[m->offset[member + 1]++] = c;
}

static void add_copy(struct made *m, uint32_t member)
{
	uint32_t seg = (uint32_t)(rnd() % (m->nothers + 1));
	int reverse = rnd() % 2, near = m->s.has_source && rnd() % 2;
	uint64_t end, size, at, n, left;

	/* often near where the one before ended */
	if (near) {
		seg = m->s.segment;
		reverse = m->s.reverse;
	}
	end = seg == m->nothers ? m->npool : m->start[seg + 1];
	size = end - m->start[seg];
	if (!size)
		return;
	at = m->s.next + (rnd() % 2 ? rnd() % 9 - 4 : reverse ? -m->s.nlit : m->s.nlit);
	if (!near || at < m->start[seg] || at >= end)
		at = m->start[seg] + rnd() % size;
	left = reverse ? at - m->start[seg] + 1 : end - at;
	n = 1 + rnd() % (left < 40 ? left : 40);
	casg_script_copy(&m->s, at, reverse, seg, n, &err);
	left -= n;
	for (;;) {
		unsigned int base = rnd() % 4;

		for (; n; n--, at += reverse ? UINT64_MAX : 1)
			say(m, member, reverse ? complement(m->pool[at]) : m->pool[at]);
		if (!left || rnd() % 3 == 0)
			return;
		left--;
		at += reverse ? UINT64_MAX : 1;
		n = rnd() % (left + 1 < 20 ? left + 1 : 20);
		left -= n;
		casg_script_substitute(&m->s, base, n);
		say(m, member, "ACGT"[base]);
	}
}

static void add_new(struct made *m, uint32_t member)
{
	uint64_t n = rnd() % 20;

	casg_script_literals(&m->s, n);
	for (; n; n--) {
		char c = "ACGT"[rnd() % 4];

		say(m, member, c);
		m->pool[m->npool++] = c;
	}
}

static void make_random(struct made *m, uint32_t nmembers)
{
	m->nothers = (uint32_t)(rnd() % (OTHERS + 1));
	m->npool = 0;
	for (uint32_t i = 0; i < m->nothers; i++) {
		m->start[i] = m->npool;
		for (uint64_t n = rnd() % 30 * 4; n; n--)
			m->pool[m->npool++] = "ACGT"[rnd() % 4];
	}
	m->start[m->nothers] = m->own = m->npool;
	m->offset[0] = 0;
	casg_script_reset(&m->s);
	for (uint32_t i = 0; i < nmembers; i++) {
		m->offset[i + 1] = m->offset[i];
		casg_script_begin(&m->s);
		for (int k = (int)(rnd() % 6); k && m->npool + 50 < sizeof(m->pool); k--)
			rnd() % 3 ? add_copy(m, i) : add_new(m, i);
		if (casg_script_end(&m->s, &err))
			return;
	}
	for (size_t i = 0; i < m->s.ntargets; i++)
		casg_varint_add(&m->s.jumps, m->s.target[i]);
}

static struct casg_slice packed(const char *text, size_t n)
{
	struct casg_buf none = CASG_BUF_INIT;
	uint8_t *p = malloc(casg_dna_packed_size(n) + 1);
	struct casg_slice s;

	casg_dna_pack((const uint8_t *)text, n, p, &none);
	s = copy_of(p, casg_dna_packed_size(n));
	free(p);
	return s;
}

static void take(const struct made *m, struct casg_script_in *in)
{
	in->steps = copy_of(m->s.steps.data, m->s.steps.len);
	in->copies = copy_of(m->s.copies.data, m->s.copies.len);
	in->numbers = copy_of(m->s.numbers.data, m->s.numbers.len);
	in->jumps = copy_of(m->s.jumps.data, m->s.jumps.len);
	in->nsegments = m->nothers + 1;
	for (uint32_t i = 0; i < m->nothers; i++)
		in->literals[i] = packed(m->pool + m->start[i], m->start[i + 1] - m->start[i]);
	in->literals[m->nothers] = packed(m->pool + m->own, m->npool - m->own);
}

/* 0 if it makes the same at two bits, and nothing behind it. */
static int compare_packed(const struct casg_script_in *in, const uint64_t *offset,
			  uint32_t nmembers, const char *text)
{
	uint64_t n = offset[nmembers];
	size_t size = casg_dna_packed_size(n) + CASG_BASES_SLACK;
	uint8_t *want = calloc(size, 1), *got = calloc(size, 1);
	struct casg_buf none = CASG_BUF_INIT;
	int bad;

	casg_dna_pack((const uint8_t *)text, n, want, &none);
	bad = casg_script_apply_packed(in, offset, nmembers, got, &err) || memcmp(got, want, size);
	free(want);
	free(got);
	return bad;
}

/* 0 if the script makes what was meant, and tells its parts so. */
static int compare(const struct casg_script_in *in, const struct made *m, uint32_t nmembers)
{
	uint64_t n = m->offset[nmembers];
	uint8_t *out = malloc(n + CASG_LETTERS_SLACK);
	struct parts p = { .in = in, .offset = m->offset, .text = m->text };
	int bad = casg_script_apply(in, m->offset, nmembers, out, note, &p, &err) != 0;

	bad = bad || p.bad || memcmp(out, m->text, n) != 0 ||
	      compare_packed(in, m->offset, nmembers, m->text);
	p.member = 0;
	p.to = 0;
	bad = bad || casg_script_apply(in, m->offset, nmembers, NULL, note, &p, &err) || p.bad;
	free(out);
	return bad;
}

static void test_random(void)
{
	struct made *m = calloc(1, sizeof(*m));
	struct casg_script_in in;
	int bad = 0, steps[CASG_STEP_MAX + 1] = { 0 }, all = 1;

	for (int round = 0; round < 5000; round++) {
		uint32_t n = (uint32_t)(rnd() % (MEMBERS + 1));

		make_random(m, n);
		take(m, &in);
		bad += compare(&in, m, n);
		for (size_t i = 0; i < m->s.steps.len; i++)
			steps[m->s.steps.data[i]]++;
		release(&in);
	}
	is_int(bad, 0, "5000 scripts make what they were written for");
	for (int i = 0; i <= CASG_STEP_MAX; i++)
		all &= steps[i] > 50;
	ok(all, "all steps were among them");
	casg_script_release(&m->s);
	free(m);
}

/* Bytes changed at random: refused, or another text of the same length. */
static void test_mutations(void)
{
	struct made *m = calloc(1, sizeof(*m));
	struct casg_script_in in;
	int refused = 0, taken = 0, bad = 0;

	for (int round = 0; round < 20000; round++) {
		uint32_t n = 1 + (uint32_t)(rnd() % MEMBERS);
		struct casg_slice *v[] = { &in.steps, &in.copies, &in.numbers, &in.jumps };
		struct casg_slice *s;
		uint8_t *out;

		make_random(m, n);
		take(m, &in);
		out = malloc(m->offset[n] + CASG_LETTERS_SLACK);
		s = v[rnd() % 4];
		if (s->nbytes) {
			uint8_t *q = (uint8_t *)(uintptr_t)s->p + rnd() % s->nbytes;

			*q = s == v[0] ? (uint8_t)(rnd() % 11) : (uint8_t)rnd();
		}
		if (casg_script_apply(&in, m->offset, n, out, NULL, NULL, &err)) {
			bad += !*err.msg;
			refused++;
		} else {
			struct parts p = { .in = &in, .offset = m->offset, .text = (char *)out };

			bad += casg_script_apply(&in, m->offset, n, NULL, note, &p, &err) || p.bad ||
			       compare_packed(&in, m->offset, n, p.text);
			taken++;
		}
		free(out);
		release(&in);
	}
	ok(!bad && refused > 1000 && taken > 1000, "%d changed scripts are refused, %d make something",
	   refused, taken);
	casg_script_release(&m->s);
	free(m);
}

/* ---- by hand ----------------------------------------------------------- */

#define S(s) { s, sizeof(s) - 1 }

/* Other literals: AAACCGTT, eight bases; its own are at position 8 and up. */
static const char other[] = { 0x40, (char)0xf9 };

struct by_hand {
	const char *what;
	int want;
	uint32_t len;           /* of the member */
	struct casg_slice steps, copies, numbers, jumps, own;
	const char *text;
};

static const struct by_hand by_hand[] = {
	{ "copied", 0, 8, S("\6\10"), S("\0"), S("\0"), S("\0"), S(""), "AAACCGTT" },
	{ "of the other strand", 0, 8, S("\7\10"), S("\0"), S("\0"), S("\7"), S(""), "AACGGTTT" },
	{ "a base replaced", 0, 8, S("\6\3\10"), S("\0\3"), S("\0"), S("\0"), S(""), "AAATCGTT" },
	{ "a block", 0, 8, S("\6\4\10"), S("\0\2"), S("\0\2"), S("\0"), S("\12"), "AAGGCGTT" },
	{ "a shift", 0, 6, S("\6\5\10"), S("\0\2"), S("\0\1\6"), S("\0"), S("\2"), "AAGGTT" },
	{ "a shift back", 0, 6, S("\6\5\10"), S("\0\3"), S("\0\0\3"), S("\0"), S(""), "AAAAAC" },
	{ "the same on the other strand", 0, 5, S("\7\5\10"), S("\0\2"), S("\0\0\4"), S("\7"), S(""), "AAGTT" },
	{ "literals", 0, 4, S("\11"), S("\0"), S(""), S(""), S("\344"), "ACGT" },
	{ "literals behind a copy", 0, 4, S("\6\11"), S("\0\2"), S("\0"), S("\0"), S("\16"), "AAGT" },
	{ "literals, and a copy of them", 0, 8, S("\6\10"), S("\0"), S("\4"), S("\10"), S("\344"), "ACGTACGT" },
	{ "nothing", 0, 0, S(""), S(""), S(""), S(""), S(""), "" },

	{ "no step", CASG_ECORRUPT, 8, S(""), S(""), S(""), S(""), S(""), NULL },
	{ "no last step", CASG_ECORRUPT, 8, S("\6"), S("\0"), S("\0"), S("\0"), S(""), NULL },
	{ "a step less", CASG_ECORRUPT, 8, S("\6\3"), S("\0\3"), S("\0"), S("\0"), S(""), NULL },
	{ "a step more", CASG_ECORRUPT, 8, S("\6\10\10"), S("\0"), S("\0"), S("\0"), S(""), NULL },
	{ "a copy less", CASG_ECORRUPT, 8, S("\6\3\10"), S("\0"), S("\0"), S("\0"), S(""), NULL },
	{ "a copy more", CASG_ECORRUPT, 8, S("\6\10"), S("\0\0"), S("\0"), S("\0"), S(""), NULL },
	{ "no number", CASG_ECORRUPT, 8, S("\6\10"), S("\0"), S(""), S("\0"), S(""), NULL },
	{ "a shift without its number", CASG_ECORRUPT, 6, S("\6\5\10"), S("\0\2"), S("\0\1"), S("\0"), S("\2"), NULL },
	{ "a number more", CASG_ECORRUPT, 8, S("\6\10"), S("\0"), S("\0\0"), S("\0"), S(""), NULL },
	{ "no jump", CASG_ECORRUPT, 8, S("\6\10"), S("\0"), S("\0"), S(""), S(""), NULL },
	{ "a jump more", CASG_ECORRUPT, 8, S("\6\10"), S("\0"), S("\0"), S("\0\0"), S(""), NULL },
	{ "half a jump", CASG_ECORRUPT, 8, S("\6\10"), S("\0"), S("\0"), S("\200"), S(""), NULL },
	{ "a jump in a longer form", CASG_ECORRUPT, 8, S("\6\10"), S("\0"), S("\0"), S("\200\0"), S(""), NULL },
	{ "a jump behind all literals", CASG_ECORRUPT, 1, S("\6\10"), S("\0"), S("\0"), S("\10"), S(""), NULL },
	{ "a jump far away", CASG_ECORRUPT, 1, S("\6\10"), S("\0"), S("\0"),
	  S("\377\377\377\377\377\377\377\377\377\1"), S(""), NULL },
	{ "a literal more", CASG_ECORRUPT, 8, S("\6\10"), S("\0"), S("\0"), S("\0"), S("\0"), NULL },
	{ "a literal less", CASG_ECORRUPT, 5, S("\11"), S("\0"), S(""), S(""), S("\344"), NULL },
	{ "spare bits", CASG_ECORRUPT, 3, S("\11"), S("\0"), S(""), S(""), S("\344"), NULL },
	{ "a copy from one chunk's into another's", CASG_ECORRUPT, 8, S("\6\10"), S("\4"), S("\4"), S("\4"), S("\344"), NULL },
	{ "a copy beyond the end", CASG_ECORRUPT, 8, S("\6\10"), S("\0"), S("\0"), S("\1"), S(""), NULL },
	{ "a copy from below the beginning", CASG_ECORRUPT, 8, S("\7\10"), S("\0"), S("\0"), S("\6"), S(""), NULL },
	{ "a shift below the beginning", CASG_ECORRUPT, 8, S("\6\5\10"), S("\0\1"), S("\0\0\3"), S("\0"), S(""), NULL },
	{ "a shift beyond the end", CASG_ECORRUPT, 8, S("\6\5\10"), S("\0\1"), S("\0\0\16"), S("\0"), S(""), NULL },
	{ "a shift of 2^63", CASG_ECORRUPT, 8, S("\6\5\10"), S("\0\1"),
	  S("\0\0\377\377\377\377\377\377\377\377\377\1"), S("\0"), S(""), NULL },
	{ "a base replaced beyond the end", CASG_ECORRUPT, 9, S("\6\3"), S("\0\10"), S("\0"), S("\0"), S(""), NULL },
	{ "a base replaced below the beginning", CASG_ECORRUPT, 9, S("\7\3"), S("\0\10"), S("\0"), S("\7"), S(""), NULL },
	{ "step 10", CASG_EUNSUPPORTED, 8, S("\12"), S("\0"), S(""), S(""), S(""), NULL },
	{ "step 255", CASG_EUNSUPPORTED, 8, S("\377"), S("\0"), S(""), S(""), S(""), NULL },
	{ "a base replaced of nothing", CASG_ECORRUPT, 1, S("\3"), S("\0"), S(""), S(""), S(""), NULL },
	{ "a block in nothing", CASG_ECORRUPT, 4, S("\4"), S("\0"), S("\4"), S(""), S("\344"), NULL },
	{ "a shift of nothing", CASG_ECORRUPT, 5, S("\5\10"), S("\0"), S("\4\0"), S(""), S("\344"), NULL },
	{ "a rest of nothing", CASG_ECORRUPT, 8, S("\10"), S(""), S(""), S(""), S(""), NULL },
	{ "a copy of nothing", CASG_ECORRUPT, 8, S("\6\10"), S("\1"), S("\0"), S("\0"), S(""), NULL },
	{ "a copy longer than the member", CASG_ECORRUPT, 4, S("\6\11"), S("\0\5"), S("\0"), S("\0"), S(""), NULL },
	{ "a copy of 2^64 - 1", CASG_ECORRUPT, 4, S("\6\11"),
	  S("\0\377\377\377\377\377\377\377\377\377\1"), S("\0"), S("\0"), S(""), NULL },
	{ "literals longer than the member", CASG_ECORRUPT, 3, S("\6\10"), S("\0"), S("\4"), S("\0"), S("\344"), NULL },
	{ "2^64 - 1 literals", CASG_ECORRUPT, 3, S("\6\10"), S("\0"),
	  S("\377\377\377\377\377\377\377\377\377\1"), S("\0"), S("\344"), NULL },
	{ "a base replaced behind the member", CASG_ECORRUPT, 3, S("\6\3\10"), S("\0\3"), S("\0"), S("\0"), S(""), NULL },
};

static void test_by_hand(void)
{
	for (size_t i = 0; i < sizeof(by_hand) / sizeof(by_hand[0]); i++) {
		const struct by_hand *b = &by_hand[i];
		uint64_t offset[] = { 0, b->len };
		struct casg_script_in in = {
			.steps = copy_of(b->steps.p, b->steps.nbytes),
			.copies = copy_of(b->copies.p, b->copies.nbytes),
			.numbers = copy_of(b->numbers.p, b->numbers.nbytes),
			.jumps = copy_of(b->jumps.p, b->jumps.nbytes),
			.literals = { copy_of(other, sizeof(other)), copy_of(b->own.p, b->own.nbytes) },
			.nsegments = 2,
		};
		uint8_t *out = malloc(b->len + CASG_LETTERS_SLACK);
		int rc;

		err = (struct casg_err)CASG_ERR_INIT;
		rc = casg_script_apply(&in, offset, 1, out, NULL, NULL, &err);
		is_int(rc, b->want, "%s", b->what);
		if (b->text)
			is_mem(out, b->len, b->text, strlen(b->text), "%s: the text", b->what);
		else
			ok(*err.msg, "%s: a reason: %s", b->what, err.msg);
		rc = casg_script_apply(&in, offset, 1, NULL, NULL, NULL, &err);
		is_int(rc, b->want, "%s: the same without a text", b->what);
		free(out);
		release(&in);
	}
}

/* Each step goes as far as it may, over and over: no position wraps. */
static void test_far(void)
{
	struct casg_buf steps = CASG_BUF_INIT, copies = CASG_BUF_INIT, numbers = CASG_BUF_INIT;
	uint64_t offset[] = { 0, 4 };
	struct casg_script_in in = { .nsegments = 1 };
	int rc;

	casg_buf_addch(&steps, CASG_STEP_FORWARD);
	casg_buf_addch(&copies, 0);
	casg_buf_addch(&numbers, 0);
	for (int i = 0; i < 5000; i++) {
		casg_buf_addch(&steps, CASG_STEP_SHIFT);
		casg_buf_addch(&copies, 0);
		casg_buf_addch(&numbers, 0);
		casg_varint_add(&numbers, casg_zigzag((int64_t)1 << 40));
	}
	in.steps = copy_of(steps.data, steps.len);
	in.copies = copy_of(copies.data, copies.len);
	in.numbers = copy_of(numbers.data, numbers.len);
	in.jumps = copy_of("\0", 1);
	in.literals[0] = copy_of("\344", 1);
	rc = casg_script_apply(&in, offset, 1, NULL, NULL, NULL, &err);
	is_int(rc, CASG_ECORRUPT, "5000 shifts by 2^40: %s", err.msg);
	release(&in);
	casg_buf_release(&steps);
	casg_buf_release(&copies);
	casg_buf_release(&numbers);
}

static int stop(void *ctx, const struct casg_script_part *part, struct casg_err *e)
{
	(void)part;
	++*(int *)ctx;
	return casg_err_set(e, CASG_EBUG, "enough");
}

static void test_stop(void)
{
	uint64_t offset[] = { 0, 4, 8 };
	struct casg_script_in in = {
		.steps = copy_of("\11\11", 2), .copies = copy_of("\0\0", 2),
		.numbers = copy_of("", 0), .jumps = copy_of("", 0),
		.literals = { copy_of("\344\344", 2) }, .nsegments = 1,
	};
	int told = 0;

	is_int(casg_script_apply(&in, offset, 2, NULL, stop, &told, &err), CASG_EBUG,
	       "who is told the parts may end it");
	is_int(told, 1, "at once");
	release(&in);
}

int main(void)
{
	test_by_hand();
	test_random();
	test_mutations();
	test_far();
	test_stop();
	return done_testing();
}
