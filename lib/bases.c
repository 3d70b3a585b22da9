#include "bases.h"

#include "residues.h"

/* The next k bases. */
static uint64_t next_word(const uint8_t *p, size_t nbytes, uint64_t *at, int reverse,
			  unsigned int k)
{
	uint64_t w;

	if (reverse) {
		w = casg_bases_word_near_end(p, nbytes, *at + 1 - k, k);
		*at -= k;
		return casg_bases_reverse(w, k);
	}
	w = casg_bases_word_near_end(p, nbytes, *at, k);
	*at += k;
	return w;
}

void casg_bases_letters(const uint8_t *p, size_t nbytes, uint64_t at, int reverse, uint64_t n,
			uint8_t *out)
{
	while (n) {
		unsigned int k = n < CASG_BASES_WORD ? (unsigned int)n : CASG_BASES_WORD;

		casg_dna_letters(next_word(p, nbytes, &at, reverse, k), out);
		out += k;
		n -= k;
	}
}

void casg_bases_append(uint8_t *to, uint64_t at, const uint8_t *from, size_t nbytes,
		       uint64_t from_at, int reverse, uint64_t n)
{
	while (n) {
		unsigned int k = n < CASG_BASES_WORD ? (unsigned int)n : CASG_BASES_WORD;
		uint64_t w = next_word(from, nbytes, &from_at, reverse, k);
		uint8_t *p = to + at / 4;

		casg_put_le64(p, casg_get_le64(p) | w << 2 * (at % 4));
		at += k;
		n -= k;
	}
}
