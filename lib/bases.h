/*
 * bases - runs of nucleotides at two bits, at any offset and from either
 * strand.
 *
 * As in residues.h: A, C, G, T are 0, 1, 2, 3, and base i is in bits 2*(i%4)
 * and up of byte i/4.  A word holds up to CASG_BASES_WORD bases, the first in
 * its lowest bits; what is above them is 0.
 *
 * All functions are pure and reentrant.
 */
#ifndef CASG_BASES_H
#define CASG_BASES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "endian.h"

#define CASG_BASES_WORD 28u
/* Readable bytes that an array needs behind its last base for casg_bases_word. */
#define CASG_BASES_SLACK 8

static inline uint64_t casg_bases_mask(unsigned int n)
{
	return ((uint64_t)1 << 2 * n) - 1;
}

/* Bases at .. at+n, n at most CASG_BASES_WORD; the array has its slack. */
static inline uint64_t casg_bases_word(const uint8_t *p, uint64_t at, unsigned int n)
{
	return casg_get_le64(p + at / 4) >> 2 * (at % 4) & casg_bases_mask(n);
}

/* The same of an array of nbytes without slack. */
static inline uint64_t casg_bases_word_near_end(const uint8_t *p, size_t nbytes, uint64_t at,
						unsigned int n)
{
	uint8_t tmp[8] = { 0 };
	size_t from = (size_t)(at / 4), have = nbytes - from;

	if (have >= sizeof(tmp))
		return casg_bases_word(p, at, n);
	memcpy(tmp, p + from, have);
	return casg_get_le64(tmp) >> 2 * (at % 4) & casg_bases_mask(n);
}

/* The reverse complement of a word of n bases. */
static inline uint64_t casg_bases_reverse(uint64_t w, unsigned int n)
{
	w = ~w;
	w = (w >> 2 & UINT64_C(0x3333333333333333)) | (w & UINT64_C(0x3333333333333333)) << 2;
	w = (w >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (w & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
	return n ? __builtin_bswap64(w) >> (64 - 2 * n) : 0;
}

/*
 * Append n bases of 'from', an array of nbytes: at from_at and up, or with 'reverse'
 * from_at, from_at-1, ... each the complement.  In 'to', which has its slack, base 'at'
 * and all behind it are 0 yet.
 */
void casg_bases_append(uint8_t *to, uint64_t at, const uint8_t *from, size_t nbytes,
		       uint64_t from_at, int reverse, uint64_t n);

/*
 * Write n letters: of the same bases, which are all in the array of nbytes.  'out' has room for
 * CASG_LETTERS_SLACK bytes more, which are overwritten: most copies are short, and
 * this is faster than to write exactly n.
 */
#define CASG_LETTERS_SLACK 32

void casg_bases_letters(const uint8_t *p, size_t nbytes, uint64_t at, int reverse, uint64_t n,
			uint8_t *out);

#endif
