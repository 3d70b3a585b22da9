/*
 * strsort - sort byte strings that lie in memory.
 *
 * Multikey quicksort (Bentley and Sedgewick, 1997) over eight bytes at a
 * time, which are cached beside the pointer, so that most comparisons touch
 * no string.  Order is memcmp's, a prefix before what it begins.
 *
 * A string is laid down as its length (32 bits, little-endian) and then its
 * bytes, at any alignment; an entry points at the length.
 */
#ifndef CASG_STRSORT_H
#define CASG_STRSORT_H

#include <stddef.h>
#include <stdint.h>

#include "endian.h"
#include "workers.h"

#define CASG_STRSORT_LENSZ 4

struct casg_strent {
	uint64_t key;           /* scratch */
	const uint8_t *p;
};

static inline const uint8_t *casg_strent_bytes(const struct casg_strent *e)
{
	return e->p + CASG_STRSORT_LENSZ;
}

static inline size_t casg_strent_len(const struct casg_strent *e)
{
	return casg_get_le32(e->p);
}

/* The eight bytes from 'depth' on as a big-endian number, 0 beyond the end. */
uint64_t casg_strsort_key(const uint8_t *p, size_t nbytes, size_t depth);

/*
 * Sort e[0..n).  All strings are at least 'prefix' bytes long and begin with
 * the same 'prefix' bytes (0 if nothing is known).  pool may be NULL.
 * Equal strings come out in some order.
 */
void casg_strsort(struct casg_strent *e, size_t n, size_t prefix,
		  struct casg_workers *pool);

#endif
