#include "matcher.h"

#include <stdlib.h>

#include "bases.h"
#include "residues.h"
#include "tap.h"
#include "varint.h"

static struct casg_err err = CASG_ERR_INIT;

static uint64_t state = 88172645463325252u;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* ---- sequences --------------------------------------------------------- */

static void add_random(struct casg_buf *b, size_t n)
{
	while (n--)
		casg_buf_addch(b, "ACGT"[rnd() % 4]);
}

static void add_reverse(struct casg_buf *b, const uint8_t *p, size_t n)
{
	while (n--) {
		uint8_t c = p[n];

		casg_buf_addch(b, c == 'A' ? 'T' : c == 'C' ? 'G' : c == 'G' ? 'C' : c == 'T' ? 'A' : c);
	}
}

/* 'from' with one base of 'every' replaced. */
static void add_substituted(struct casg_buf *b, const struct casg_buf *from, size_t every)
{
	for (size_t i = 0; i < from->len; i++)
		casg_buf_addch(b, rnd() % every ? from->data[i] : "ACGT"[rnd() % 4]);
}

/* 'from' after an evolution of all kinds. */
static void add_relative(struct casg_buf *b, const struct casg_buf *from)
{
	size_t at = 0;

	while (at < from->len) {
		size_t n = 1 + rnd() % 400, left = from->len - at;

		if (n > left)
			n = left;
		switch (rnd() % 12) {
		case 0: /* gone */
			break;
		case 1: /* something new */
			add_random(b, rnd() % 300);
			break;
		case 2: /* turned round */
			add_reverse(b, from->data + at, n);
			break;
		case 3: /* twice */
			casg_buf_add(b, from->data + at, n);
			casg_buf_add(b, from->data + at, n);
			break;
		case 4:
			for (size_t i = 0; i < n; i++)
				casg_buf_addch(b, 'N');
			break;
		case 5: /* unsure */
			for (size_t i = 0; i < n; i++)
				casg_buf_addch(b, rnd() % 20 ? from->data[at + i] : "RYKMN-"[rnd() % 6]);
			break;
		case 6: /* a base too many */
			add_random(b, 1);
			casg_buf_add(b, from->data + at, n);
			break;
		default:
			for (size_t i = 0; i < n; i++)
				casg_buf_addch(b, rnd() % 50 ? from->data[at + i] : "ACGT"[rnd() % 4]);
		}
		at += n;
	}
}

/* ---- chunks, written and read again ------------------------------------ */

struct world {
	struct casg_matcher *m;
	struct casg_scan scan;
	struct casg_script script;
	struct casg_slice *literals;    /* by the chunk's number */
	struct made {
		struct casg_slice bases; /* what a chunk makes */
		uint32_t names[CASG_SCRIPT_BASES_MAX], n;
		unsigned int level;
	} *made;
	uint32_t cap, next;
	unsigned int share;
	/* of the chunk made last */
	uint32_t nothers, nmade;
	unsigned int level;
	size_t nliterals;               /* bytes */
};

static void start_small(struct world *w, uint64_t max_bases, uint64_t max_nbytes,
			unsigned int share)
{
	memset(w, 0, sizeof(*w));
	w->m = casg_matcher_new(max_bases, max_nbytes);
	w->cap = 4096;
	w->literals = calloc(w->cap, sizeof(*w->literals));
	w->made = calloc(w->cap, sizeof(*w->made));
	w->share = share;
}

static void start(struct world *w, uint64_t max_bases, unsigned int share)
{
	start_small(w, max_bases, (uint64_t)1 << 30, share);
}

static void forget(struct world *w)
{
	for (uint32_t i = 0; i < w->cap; i++) {
		free((void *)(uintptr_t)w->literals[i].p);
		free((void *)(uintptr_t)w->made[i].bases.p);
	}
	memset(w->literals, 0, w->cap * sizeof(*w->literals));
	memset(w->made, 0, w->cap * sizeof(*w->made));
	w->next = 0;
}

static void finish(struct world *w)
{
	forget(w);
	free(w->literals);
	free(w->made);
	casg_scan_release(&w->scan);
	casg_script_release(&w->script);
	casg_matcher_free(w->m);
}

static struct casg_slice slice_of(const struct casg_buf *b)
{
	return (struct casg_slice){ casg_buf_chars(b), b->len };
}

/* Are all that a chunk names named by another one that uses what it makes? */
static int names_all(const struct made *of, const struct made *by)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < of->n; i++)
		for (uint32_t k = 0; k < by->n; k++)
			n += of->names[i] == by->names[k];
	return n == of->n;
}

/* Are the chunks that are named just to make others those that these name? */
static int is_needed(const struct world *w, uint32_t chunk, const struct made *by,
		     const uint8_t *use)
{
	for (uint32_t i = 0; i < by->n; i++) {
		const struct made *m = &w->made[by->names[i]];

		for (uint32_t k = 0; use[i] & CASG_USE_MADE && k < m->n; k++)
			if (m->names[k] == chunk)
				return 1;
	}
	return 0;
}

/* The streams as a reader finds them: the distances become literals and bases of others. */
static int read_back(struct world *w, uint32_t me, struct casg_script_in *in)
{
	uint8_t use[CASG_SCRIPT_BASES_MAX];
	struct made *own = &w->made[me];
	const uint8_t *p = (const uint8_t *)casg_buf_chars(&w->script.bases);
	const uint8_t *end = p + w->script.bases.len;
	uint64_t d, last = UINT64_MAX;

	in->nsegments = w->nmade = 0;
	own->n = 0;
	own->level = 1;
	while (p < end) {
		unsigned int how = CASG_USE_LITERALS;

		if (casg_varint_get(&p, end, &d))
			return -1;
		if (w->script.deep) {
			how = d & CASG_USE_MAX;
			d >>= 2;
		}
		if (!d || d > me || d >= last || own->n == CASG_SCRIPT_BASES_MAX ||
		    !w->literals[me - d].p)
			return -1;
		last = d;
		use[own->n] = (uint8_t)how;
		own->names[own->n++] = me - (uint32_t)d;
		if (how & CASG_USE_LITERALS)
			in->literals[in->nsegments++] = w->literals[me - d];
		if (how & CASG_USE_MADE) {
			const struct made *m = &w->made[me - d];

			in->literals[in->nsegments++] = m->bases;
			w->nmade++;
			if (m->level >= own->level)
				own->level = m->level + 1;
		}
	}
	if (w->script.deep != (w->nmade > 0) || w->nmade > CASG_SCRIPT_MADE_MAX ||
	    own->level > CASG_SCRIPT_LEVEL_MAX)
		return -1;
	for (uint32_t i = 0; i < own->n; i++)
		if ((use[i] & CASG_USE_MADE && !names_all(&w->made[own->names[i]], own)) ||
		    (!use[i] && !is_needed(w, own->names[i], own, use)))
			return -1;
	w->nothers = own->n;
	w->level = own->level;
	in->literals[in->nsegments++] = slice_of(&w->script.literals);
	in->steps = slice_of(&w->script.steps);
	in->copies = slice_of(&w->script.copies);
	in->numbers = slice_of(&w->script.numbers);
	in->jumps = slice_of(&w->script.jumps);
	return 0;
}

/* The same but for what is not A, C, G, T. */
static int same(const uint8_t *made, const uint8_t *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (made[i] != want[i] && memchr("ACGT", want[i], 4))
			return 0;
	return 1;
}

/* What a chunk makes, for those behind it: all pieces at two bits, the exceptions as A. */
static void keep_made(struct world *w, uint32_t me, const struct casg_buf *pieces, uint32_t n)
{
	struct casg_buf all = CASG_BUF_INIT, exceptions = CASG_BUF_INIT;
	uint8_t *p;

	for (uint32_t i = 0; i < n; i++)
		casg_buf_add(&all, pieces[i].data, pieces[i].len);
	p = calloc(casg_dna_packed_size(all.len) + 1, 1);
	if (all.len)
		casg_dna_pack(all.data, all.len, p, &exceptions);
	w->made[me].bases = (struct casg_slice){ p, casg_dna_packed_size(all.len) };
	casg_buf_release(&all);
	casg_buf_release(&exceptions);
}

/* One chunk of these pieces: 0 if it reads as it was written. */
static int chunk(struct world *w, const struct casg_buf *pieces, uint32_t n)
{
	uint64_t *offset = calloc((size_t)n + 1, sizeof(*offset));
	uint32_t me = w->next;
	struct casg_script_in in;
	uint8_t *out;
	int bad;

	w->next += 1 + (uint32_t)(rnd() % 3);
	casg_scan_reset(&w->scan);
	bad = casg_matcher_begin(w->m, me, &w->script, &err) != 0;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *exact = malloc(pieces[i].len ? pieces[i].len : 1);

		if (pieces[i].len)
			memcpy(exact, pieces[i].data, pieces[i].len);
		bad |= casg_scan_add(&w->scan, exact, pieces[i].len, w->share, &err) != 0;
		offset[i + 1] = offset[i] + pieces[i].len;
		free(exact);
	}
	for (uint32_t i = 0; i < n && !bad; i++)
		bad = casg_matcher_match(w->m, &w->scan, i, &err) != 0;
	bad = bad || casg_matcher_end(w->m, &err) || read_back(w, me, &in);
	out = malloc(offset[n] + CASG_LETTERS_SLACK);
	bad = bad || casg_script_apply(&in, offset, n, out, NULL, NULL, &err);
	for (uint32_t i = 0; i < n && !bad; i++)
		bad = !same(out + offset[i], pieces[i].data, pieces[i].len);
	w->nliterals = w->script.literals.len;
	if (!bad) {
		uint8_t *q = malloc(w->nliterals + 1);

		if (w->nliterals)
			memcpy(q, w->script.literals.data, w->nliterals);
		w->literals[me] = (struct casg_slice){ q, w->nliterals };
		keep_made(w, me, pieces, n);
	}
	free(out);
	free(offset);
	return bad;
}

static void release(struct casg_buf *v, int n)
{
	for (int i = 0; i < n; i++) {
		casg_buf_release(&v[i]);
		v[i] = (struct casg_buf)CASG_BUF_INIT;
	}
}

/* ---- tests ------------------------------------------------------------- */

enum { PIECES = 6 };

static void test_families(uint64_t max_bases, unsigned int share)
{
	struct casg_buf base = CASG_BUF_INIT, v[PIECES] = { CASG_BUF_INIT };
	struct world w;
	uint64_t others = 0, nliterals = 0, total = 0;
	int bad = 0;

	start(&w, max_bases, share);
	for (int round = 0; round < 300; round++) {
		uint32_t n = 1 + (uint32_t)(rnd() % PIECES);

		if (round % 20 == 0) {
			casg_buf_reset(&base);
			add_random(&base, rnd() % 9000);
		}
		for (uint32_t i = 0; i < n; i++) {
			switch (rnd() % 6) {
			case 0:
				add_random(&v[i], rnd() % 40);
				break;
			case 1:
				add_random(&v[i], rnd() % 3000);
				break;
			default:
				add_relative(&v[i], &base);
			}
			total += v[i].len;
		}
		bad += chunk(&w, v, n);
		others += w.nothers;
		nliterals += 4 * w.nliterals;
		release(v, PIECES);
	}
	is_int(bad, 0, "300 chunks of families come back (pool %llu, one k-mer of %u)",
	       (unsigned long long)max_bases, share);
	ok(others > 0, "they use one another's literals");
	ok(nliterals < total, "%llu of %llu bases are literals", (unsigned long long)nliterals,
	   (unsigned long long)total);
	casg_buf_release(&base);
	finish(&w);
}

/* A relative is small, whatever strand it is given from. */
static void test_small(void)
{
	struct casg_buf v[4] = { CASG_BUF_INIT, CASG_BUF_INIT, CASG_BUF_INIT, CASG_BUF_INIT };
	struct casg_buf tmp = CASG_BUF_INIT;
	struct world w;

	start(&w, 1 << 24, 64);
	add_random(&v[0], 100000);
	is_int(chunk(&w, v, 1), 0, "a sequence of 100000");
	is_int(w.nliterals, 25000, "all of it is literals");
	add_substituted(&v[1], &v[0], 100);
	is_int(chunk(&w, v + 1, 1), 0, "a relative with one base of 100 replaced");
	ok(w.nliterals * 4 < 5000 && w.nothers == 1, "%zu literals", w.nliterals * 4);
	add_substituted(&tmp, &v[0], 100);
	add_reverse(&v[2], tmp.data, tmp.len);
	is_int(chunk(&w, v + 2, 1), 0, "another one, of the other strand");
	ok(w.nliterals * 4 < 5000, "%zu literals", w.nliterals * 4);
	is_int(chunk(&w, v, 1), 0, "the first again");
	ok(w.nliterals == 0 && w.script.steps.len == 2, "nothing is new, in two steps");

	/* beginning and end are taken up to the last base, though no seed is there */
	casg_buf_add(&v[3], v[0].data + 1234, 5000);
	is_int(chunk(&w, v + 3, 1), 0, "a part of it");
	is_int(w.nliterals, 0, "nothing is new");
	release(v, 4);

	/* a repeat inside one piece */
	add_random(&v[0], 20000);
	casg_buf_add(&tmp, v[0].data, v[0].len);
	casg_buf_add(&v[0], tmp.data + tmp.len - 20000, 20000);
	add_reverse(&v[0], tmp.data + tmp.len - 20000, 20000);
	is_int(chunk(&w, v, 1), 0, "a sequence that has itself three times");
	ok(w.nliterals <= 5010 && w.nothers == 0, "%zu bytes of literals", w.nliterals);
	release(v, 4);
	casg_buf_release(&tmp);
	finish(&w);
}

/* Relatives of relatives: what these have of their own is told once. */
static void test_deep(void)
{
	enum { N = 400000, GENERATIONS = 6 };
	struct casg_buf v[GENERATIONS] = { CASG_BUF_INIT };
	struct casg_buf cousin = CASG_BUF_INIT, turned = CASG_BUF_INIT;
	struct world w;
	size_t steps;

	start(&w, 1 << 24, 16);
	add_random(&v[0], N);
	is_int(chunk(&w, v, 1), 0, "a sequence of %d", N);
	add_substituted(&v[1], &v[0], 25);
	is_int(chunk(&w, v + 1, 1), 0, "a relative, one base of 25 replaced");
	is_int(w.level, 1, "is made from literals");
	steps = w.script.steps.len;
	add_substituted(&cousin, &v[1], 100);
	is_int(chunk(&w, &cousin, 1), 0, "a relative of that, one base of 100 replaced");
	ok(w.level == 2 && w.nmade == 1 && w.nothers == 2, "is made from what was made");
	ok(w.script.steps.len * 3 < steps, "in %zu steps, not %zu", w.script.steps.len, steps);
	add_reverse(&turned, cousin.data, cousin.len);
	is_int(chunk(&w, &turned, 1), 0, "the same from the other strand");
	ok(w.level == 2 && w.script.steps.len * 3 < steps, "is not worth one more level");
	casg_buf_reset(&turned);
	add_random(&turned, 5000);
	casg_buf_add(&turned, v[1].data + 100000, 200000);
	for (int i = 0; i < 3000; i++)
		casg_buf_addch(&turned, 'N');
	casg_buf_add(&turned, v[0].data + 50000, 200000);
	is_int(chunk(&w, &turned, 1), 0, "parts of both, and something new");
	ok(w.level == 2 && w.script.steps.len < 50, "in %zu steps", w.script.steps.len);
	for (int i = 2; i < GENERATIONS; i++) {
		add_substituted(&v[i], &v[i - 1], 15);
		is_int(chunk(&w, v + i, 1), 0, "generation %d", i);
		ok(w.level <= CASG_SCRIPT_LEVEL_MAX, "is of level %u", w.level);
	}
	release(v, GENERATIONS);
	casg_buf_release(&cousin);
	casg_buf_release(&turned);
	finish(&w);
}

/* Many relatives of many relatives, for a chunk that has a part of each. */
static void test_many_made(void)
{
	enum { CHUNKS = 40, EACH = 60000 };
	struct casg_buf base = CASG_BUF_INIT, all = CASG_BUF_INIT;
	struct world w;
	int bad = 0;

	start(&w, 1 << 24, 8);
	add_random(&base, EACH);
	bad += chunk(&w, &base, 1);
	for (int i = 0; i < CHUNKS; i++) {
		struct casg_buf v = CASG_BUF_INIT;

		add_substituted(&v, &base, 8);
		add_random(&v, EACH / 40);
		bad += chunk(&w, &v, 1);
		casg_buf_add(&all, v.data, EACH);
		casg_buf_release(&v);
	}
	is_int(bad, 0, "%d relatives", CHUNKS);
	is_int(chunk(&w, &all, 1), 0, "one that has all of them again");
	is_int(w.nmade, CASG_SCRIPT_MADE_MAX, "uses what is made of as many as it may");
	casg_buf_release(&base);
	casg_buf_release(&all);
	finish(&w);
}

static void add_all(struct casg_buf *to, const struct casg_script *s)
{
	const struct casg_buf *v[] = { &s->steps, &s->copies, &s->numbers, &s->jumps,
				       &s->literals, &s->bases };

	for (int i = 0; i < 6; i++) {
		casg_varint_add(to, v[i]->len);
		casg_buf_add(to, v[i]->data, v[i]->len);
	}
}

/* The scripts of twenty chunks, always the same. */
static void twenty(struct world *w, struct casg_buf *out, int *bad)
{
	struct casg_buf base = CASG_BUF_INIT, v = CASG_BUF_INIT;

	state = 4711;
	add_random(&base, 8000);
	for (int i = 0; i < 20; i++) {
		casg_buf_reset(&v);
		add_relative(&v, &base);
		*bad += chunk(w, &v, 1);
		add_all(out, &w->script);
	}
	casg_buf_release(&base);
	casg_buf_release(&v);
}

static void test_again(void)
{
	struct casg_buf first = CASG_BUF_INIT, second = CASG_BUF_INIT, third = CASG_BUF_INIT;
	struct world w;
	int bad = 0;

	start(&w, 1 << 20, 32);
	twenty(&w, &first, &bad);
	casg_matcher_reset(w.m);
	forget(&w);
	twenty(&w, &second, &bad);
	finish(&w);
	start(&w, 1 << 20, 32);
	/* a scan that served another share, and another pack */
	w.share = 7;
	twenty(&w, &third, &bad);
	casg_buf_reset(&third);
	casg_matcher_reset(w.m);
	forget(&w);
	w.share = 32;
	twenty(&w, &third, &bad);
	finish(&w);
	is_int(bad, 0, "twenty chunks, over and over");
	ok(first.len > 1000 && first.len == second.len && !memcmp(first.data, second.data, first.len),
	   "after a reset all is as it was at first");
	ok(first.len == third.len && !memcmp(first.data, third.data, first.len),
	   "and for another matcher");
	casg_buf_release(&first);
	casg_buf_release(&second);
	casg_buf_release(&third);
}

/* A hundred chunks of new bases: 'why' there is no room for all. */
static void test_full(const char *why, uint64_t max_bases, uint64_t max_nbytes, unsigned int share)
{
	struct casg_buf first = CASG_BUF_INIT, last = CASG_BUF_INIT, v[2] = { CASG_BUF_INIT, CASG_BUF_INIT };
	struct world w;
	int bad = 0;

	diag("%s", why);
	start_small(&w, max_bases, max_nbytes, share);
	add_random(&first, 5000);
	bad += chunk(&w, &first, 1);
	for (int i = 0; i < 100; i++) {
		casg_buf_reset(&last);
		add_random(&last, 5001);
		bad += chunk(&w, &last, 1);
		bad += w.nliterals != 1251;
	}
	is_int(bad, 0, "a pool that is full takes no more, and everything comes back");
	is_int(chunk(&w, &first, 1), 0, "what came first");
	is_int(w.nliterals, 0, "is still found");
	is_int(chunk(&w, &last, 1), 0, "what came last");
	is_int(w.nliterals, 1251, "is not");
	add_random(&v[0], 3000);
	casg_buf_add(&v[1], first.data, first.len);
	is_int(chunk(&w, v, 2), 0, "something new and something old together");
	is_int(w.nliterals, 750, "only the new is stored");
	casg_buf_release(&first);
	casg_buf_release(&last);
	release(v, 2);
	finish(&w);
}

/* More chunks would help than a script may name. */
static void test_many(void)
{
	enum { CHUNKS = 400, EACH = 1000 };
	struct casg_buf all = CASG_BUF_INIT;
	struct world w;
	int bad = 0;

	start(&w, 1 << 24, 16);
	for (int i = 0; i < CHUNKS; i++) {
		struct casg_buf v = CASG_BUF_INIT;

		add_random(&v, EACH);
		casg_buf_add(&all, v.data, v.len);
		bad += chunk(&w, &v, 1);
		casg_buf_release(&v);
	}
	is_int(bad, 0, "%d chunks", CHUNKS);
	is_int(chunk(&w, &all, 1), 0, "one that has all of them again");
	is_int(w.nothers, CASG_SCRIPT_BASES_MAX, "names as many as it may");
	ok(w.nliterals * 4 >= (CHUNKS - CASG_SCRIPT_BASES_MAX - 1) * EACH, "the others it has itself");
	casg_buf_release(&all);
	finish(&w);
}

static void test_nothing(void)
{
	struct casg_buf v[3] = { CASG_BUF_INIT, CASG_BUF_INIT, CASG_BUF_INIT };
	struct world w;

	start(&w, 1 << 20, 1);
	is_int(chunk(&w, v, 0), 0, "a chunk without pieces");
	is_int(chunk(&w, v, 3), 0, "three empty pieces");
	ok(!w.nliterals && !w.script.steps.len, "are nothing");
	for (int i = 0; i < 5000; i++)
		casg_buf_addch(&v[1], 'N');
	is_int(chunk(&w, v, 3), 0, "nothing but N");
	release(v, 3);
	for (int i = 0; i < 5000; i++)
		casg_buf_addch(&v[0], 'A');
	for (int i = 0; i < 5000; i++)
		casg_buf_addch(&v[1], 'T');
	for (int i = 0; i < 5000; i++)
		casg_buf_addch(&v[2], "AT"[i % 2]);
	is_int(chunk(&w, v, 3), 0, "one base over and over, its complement, and two in turn");
	is_int(chunk(&w, v, 3), 0, "and once more");
	ok(w.nliterals < 100, "which is small");
	release(v, 3);
	finish(&w);
	casg_matcher_free(NULL);
}

int main(void)
{
	test_nothing();
	test_small();
	test_again();
	test_full("no more bases", 20000, 1 << 30, 16);
	test_full("no memory for k-mers", 1 << 30, 200000, 1);
	test_full("no memory for bases", 1 << 30, (16384 * 8) + 3000, 256);
	test_many();
	test_deep();
	test_many_made();
	test_families(1 << 24, 1);
	test_families(1 << 24, 16);
	test_families(1 << 24, 64);
	test_families(1 << 24, 256);
	test_families(30000, 16);
	return done_testing();
}
