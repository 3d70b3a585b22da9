#include "sum.h"

/* Compiled in: most inputs are a key of some ten bytes, where a call counts. */
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t casg_xxh64(uint64_t seed, const void *p, size_t nbytes)
{
	return XXH3_64bits_withSeed(p, nbytes, seed);
}
