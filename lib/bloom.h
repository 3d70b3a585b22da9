/*
 * bloom - a set that may say yes wrongly, and never no.
 *
 * Bloom 1970, in blocks of one cache line (Putze, Sanders and Singler 2007):
 * a question costs one miss.  What is put in and asked for is a 64-bit hash
 * (sum.h).  For a filter, never for an answer: a yes is settled elsewhere.
 *
 * Threads: any number may ask while none adds.
 */
#ifndef CASG_BLOOM_H
#define CASG_BLOOM_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct casg_bloom {
	uint64_t *words;
	uint64_t mask;      /* number of blocks less 1 */
};

/*
 * For so many keys, 16 bits each (then 1 yes in 600 is wrong), but no more
 * than most_nbytes and no less than a block.
 */
int casg_bloom_init(struct casg_bloom *b, uint64_t nkeys, uint64_t most_nbytes,
		    struct casg_err *err);
void casg_bloom_release(struct casg_bloom *b);

/* Six bits of a block; the block by the upper half of the hash. */
static inline uint64_t *casg_bloom_block(const struct casg_bloom *b, uint64_t hash)
{
	return b->words + (hash >> 32 & b->mask) * 8;
}

static inline void casg_bloom_add(struct casg_bloom *b, uint64_t hash)
{
	uint64_t *block = casg_bloom_block(b, hash), bits = hash * 0x9e3779b97f4a7c15u;

	for (int i = 0; i < 6; i++, bits >>= 9)
		block[bits >> 6 & 7] |= UINT64_C(1) << (bits & 63);
}

static inline int casg_bloom_has(const struct casg_bloom *b, uint64_t hash)
{
	const uint64_t *block = casg_bloom_block(b, hash);
	uint64_t bits = hash * 0x9e3779b97f4a7c15u;

	for (int i = 0; i < 6; i++, bits >>= 9)
		if (!(block[bits >> 6 & 7] >> (bits & 63) & 1))
			return 0;
	return 1;
}

#endif
