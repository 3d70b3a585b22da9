/*
 * orderdelta - an order object as what differs from another.
 *
 * A record that comes or goes shifts the ranks of all records behind it, so
 * that little of the bytes of an order object stays.  But the records that
 * stay keep, as a rule, their places among each other.  The delta says which
 * ranks of the base are gone and which of the new tree have come, which maps
 * the ranks of the others, and then how the new order is put together of
 * stretches of the old one and of records that came.
 *
 * Bytes, all numbers LEB128: count of the base, count; number of ranks of the
 * base that are gone, the first and then the distances less 1; the same of
 * the ranks that have come; then, until all records are there, (n << 1 | op):
 *   0  n records of the base that are not gone, from the one at
 *      zigzag(position - position behind the last such)
 *   1  n records that have come, each as zigzag(index in their list - (index
 *      before + 1))
 *
 * Pure.  Decoders treat their input as hostile.  Memory: about 16 bytes a
 * record; orders of more than CASG_ORDERDELTA_MAX records are stored whole.
 */
#ifndef CASG_ORDERDELTA_H
#define CASG_ORDERDELTA_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"

#define CASG_ORDER_HEAD "casg-order 1\n"
#define CASG_ORDERDELTA_MAX ((uint64_t)1 << 22)
#define CASG_ORDERDELTA_DEPTH 50 /* of a chain */

/* Ascending ranks. */
struct casg_ranks {
	uint32_t *v;
	size_t n, cap;
};

/* A member of an ORDER chunk: whose it is, what it rests on, and how. */
struct casg_orderdelta {
	struct casg_oid id;     /* of the order object; stored, as that of a piece list */
	uint64_t nbytes;        /* its length */
	struct casg_oid base;   /* id of the order object it is made of */
	const uint8_t *delta;   /* the rest; when read, in the member */
	size_t delta_n;
};

/* id, LEB128 length, id of the base, delta */
void casg_orderdelta_encode(const struct casg_orderdelta *d, struct casg_buf *out);
int casg_orderdelta_decode(struct casg_orderdelta *d, const uint8_t *p, size_t n,
			   struct casg_err *err);

/*
 * Append the delta that makes 'target' of 'base', both order objects.  'gone'
 * are ranks of the base, 'come' of the target.  CASG_EUNSUPPORTED when there
 * are too many records, CASG_ECORRUPT when it does not add up.
 */
int casg_orderdelta_make(const uint8_t *base, size_t base_n,
			 const uint8_t *target, size_t target_n,
			 const struct casg_ranks *gone, const struct casg_ranks *come,
			 struct casg_buf *out, struct casg_err *err);

/* Append the order object that the delta makes of 'base'. */
int casg_orderdelta_apply(const uint8_t *base, size_t base_n,
			  const uint8_t *delta, size_t delta_n,
			  struct casg_buf *out, struct casg_err *err);

#endif
