#include "bloom.h"

#include <stdlib.h>

enum { BLOCK = 64 };

int casg_bloom_init(struct casg_bloom *b, uint64_t nkeys, uint64_t most_nbytes,
		    struct casg_err *err)
{
	uint64_t nblocks = 1;

	while (nblocks < UINT64_C(1) << 32 && nblocks * (BLOCK / 2) < nkeys &&
	       nblocks * 2 * BLOCK <= most_nbytes)
		nblocks *= 2;
	b->mask = nblocks - 1;
	b->words = calloc(nblocks, BLOCK);
	return b->words ? 0 : casg_err_nomem(err);
}

void casg_bloom_release(struct casg_bloom *b)
{
	free(b->words);
	b->words = NULL;
}
