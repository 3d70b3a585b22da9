#include "bases.h"

#include <stdlib.h>

#include "residues.h"
#include "tap.h"

static uint64_t rnd(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

enum { MOST = 300 };

/* Letters, and their bases in a buffer of just the size, and one with slack. */
struct run {
	char text[MOST + 1];
	size_t n, nbytes;
	uint8_t *exact, *slack;
};

static void make_run(struct run *r, size_t n)
{
	struct casg_buf none = CASG_BUF_INIT;

	for (size_t i = 0; i < n; i++)
		r->text[i] = "ACGT"[rnd() % 4];
	r->text[n] = '\0';
	r->n = n;
	r->nbytes = casg_dna_packed_size(n);
	r->slack = calloc(r->nbytes + CASG_BASES_SLACK, 1);
	casg_dna_pack((const uint8_t *)r->text, n, r->slack, &none);
	r->exact = malloc(r->nbytes ? r->nbytes : 1);
	memcpy(r->exact, r->slack, r->nbytes);
	casg_buf_release(&none);
}

static void free_run(struct run *r)
{
	free(r->exact);
	free(r->slack);
}

static unsigned int code(char c)
{
	return (unsigned int)(strchr("ACGT", c) - "ACGT");
}

/* The definition: base by base. */
static uint64_t word_slowly(const struct run *r, size_t at, unsigned int n)
{
	uint64_t w = 0;

	for (unsigned int i = 0; i < n; i++)
		w |= (uint64_t)code(r->text[at + i]) << 2 * i;
	return w;
}

static void test_words(void)
{
	int bad = 0, near = 0, back = 0, ran = 0;

	for (size_t n = 0; n < 80; n++) {
		struct run r;

		make_run(&r, n);
		for (size_t at = 0; at < n; at++)
			for (unsigned int k = 0; k <= CASG_BASES_WORD && at + k <= n; k++, ran++) {
				uint64_t want = word_slowly(&r, at, k), w, rc = 0;

				w = casg_bases_word(r.slack, at, k);
				bad += w != want;
				near += casg_bases_word_near_end(r.exact, r.nbytes, at, k) != want;
				for (unsigned int i = 0; i < k; i++)
					rc |= (3 - (w >> 2 * (k - 1 - i) & 3)) << 2 * i;
				back += casg_bases_reverse(w, k) != rc;
			}
		free_run(&r);
	}
	ok(ran > 10000, "%d words", ran);
	is_int(bad, 0, "are the bases that are there");
	is_int(near, 0, "also where there is no byte behind them");
	is_int(back, 0, "and their reverse complements are right");
	ok(casg_bases_mask(0) == 0 && casg_bases_mask(28) == ((uint64_t)1 << 56) - 1, "the masks");
}

static void test_append(void)
{
	int bad = 0;

	for (int round = 0; round < 500; round++) {
		uint8_t *to = calloc(2 * MOST / 4 + 2 * CASG_BASES_SLACK, 1);
		char want[2 * MOST + 1] = "";
		size_t at = 0;

		for (int part = 0; part < 6; part++) {
			struct run r;
			size_t from, n;

			make_run(&r, 1 + rnd() % 90);
			from = rnd() % r.n;
			n = rnd() % (r.n - from + 1);
			if (round % 2) {
				casg_bases_append(to, at, r.slack, r.nbytes, from, 0, n);
				memcpy(want + at, r.text + from, n);
			} else if (n) {
				casg_bases_append(to, at, r.slack, r.nbytes, from + n - 1, 1, n);
				for (size_t i = 0; i < n; i++)
					want[at + i] = "TGCA"[code(r.text[from + n - 1 - i])];
			}
			at += n;
			free_run(&r);
		}
		for (size_t i = 0; i < at; i++)
			bad += (to[i / 4] >> 2 * (i % 4) & 3) != code(want[i]);
		/* what is behind them is still free */
		for (size_t i = at; i < at + 4 * CASG_BASES_SLACK; i++)
			bad += to[i / 4] >> 2 * (i % 4) & 3;
		free(to);
	}
	is_int(bad, 0, "runs are appended at any offset, from any offset and strand, and nothing else is set");
}

static void test_letters(void)
{
	static const char other[] = "TGCA";
	int bad = 0, ran = 0;

	for (int round = 0; round < 3000; round++) {
		struct run r;
		size_t at, n;
		uint8_t *out;

		make_run(&r, 1 + rnd() % MOST);
		at = rnd() % r.n;
		n = rnd() % (r.n - at + 1);
		out = malloc(n + CASG_LETTERS_SLACK);
		casg_bases_letters(r.exact, r.nbytes, at, 0, n, out);
		bad += memcmp(out, r.text + at, n) != 0;
		free(out);
		n = rnd() % (at + 2);
		out = malloc(n + CASG_LETTERS_SLACK);
		casg_bases_letters(r.exact, r.nbytes, at, 1, n, out);
		for (size_t i = 0; i < n; i++)
			bad += out[i] != other[code(r.text[at - i])];
		free(out);
		free_run(&r);
		ran++;
	}
	is_int(bad, 0, "letters of %d runs, up and down", ran);
}

int main(void)
{
	test_words();
	test_append();
	test_letters();
	return done_testing();
}
