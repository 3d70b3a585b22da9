/*
 * rankmap - where the records of one tree are in another.
 *
 * Between differences the ranks of both trees run in step; where a key is in
 * both, its records stay themselves, paired as recgroup says.  Four bytes a
 * record.
 *
 * Threads: one thread.
 */
#ifndef CASG_RANKMAP_H
#define CASG_RANKMAP_H

#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "store.h"

#define CASG_RANK_GONE UINT32_MAX
/* Records of a tree that can be mapped. */
#define CASG_RANKMAP_MAX ((uint64_t)UINT32_MAX - 1)

struct casg_rankmap {
	uint32_t *to;       /* by rank in a: rank in b, or CASG_RANK_GONE */
	uint64_t n;
	uint8_t *from;      /* a bit by rank in b: it comes from a */
	uint8_t *reseq;     /* a bit by rank in b: from a, but with another sequence */
};

/* A NULL root_a is the empty tree.  Release also after a failure. */
int casg_rankmap_build(struct casg_rankmap *m, struct casg_store *s, struct casg_coder *c,
		       const struct casg_oid *root_a, const struct casg_oid *root_b,
		       struct casg_err *err);
void casg_rankmap_release(struct casg_rankmap *m);

static inline int casg_rank_bit(const uint8_t *bits, uint64_t i)
{
	return bits[i >> 3] >> (i & 7) & 1;
}

static inline void casg_rank_set(uint8_t *bits, uint64_t i)
{
	bits[i >> 3] |= (uint8_t)(1 << (i & 7));
}

#endif
