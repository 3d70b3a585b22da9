/*
 * sum - fast sums that are not proof of anything: XXH3, 64 bits.
 *
 * Used where a hash spreads or places (node boundaries, hash tables), never
 * where it identifies.  The function is part of the format of record trees:
 * XXH3_64bits_withSeed of xxHash 0.8, the same on every machine.  Reentrant.
 */
#ifndef CASG_SUM_H
#define CASG_SUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t casg_xxh64(uint64_t seed, const void *p, size_t nbytes);

#endif
