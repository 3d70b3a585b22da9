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
 * Pure: the ranks of an order may be more than there is memory for, so arrays
 * of them come from a room of the caller (rankroom.h).  Applying a delta takes
 * two of them, 8 bytes a record, making one as much beside the target; both an
 * eighth of a byte a record and 4 bytes for each that is gone or has come.
 * Decoders treat their input as hostile: what they ask room for is at most what
 * the bytes themselves, of base and delta, make.
 */
#ifndef CASG_ORDERDELTA_H
#define CASG_ORDERDELTA_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"

#define CASG_ORDER_HEAD "casg-order 1\n"
#define CASG_ORDERDELTA_MAX ((uint64_t)UINT32_MAX - 1) /* records */
#define CASG_ORDERDELTA_DEPTH 50 /* of a chain */

/* Ranks: of what is gone or has come, ascending; or of all records in file order. */
struct casg_ranks {
	uint32_t *v;
	size_t n, cap;
	int file;   /* of the room: where they are, if not in memory */
};

/* Where arrays of ranks are; see rankroom.h. */
struct casg_rankroom {
	/* Room for n in all; what is there stays. */
	int (*reserve)(struct casg_rankroom *room, struct casg_ranks *r, uint64_t n,
		       struct casg_err *err);
	void (*release)(struct casg_rankroom *room, struct casg_ranks *r);
	uint64_t max_nbytes, nbytes;
	const char *tmp_dir;
};

static inline int casg_ranks_reserve(struct casg_rankroom *room, struct casg_ranks *r, uint64_t n,
				     struct casg_err *err)
{
	return n <= r->cap ? 0 : room->reserve(room, r, n, err);
}

/* ---- whole orders -------------------------------------------------------- */

/* The bytes of an order object, a piece at a time. */
struct casg_orderin {
	size_t nhead;          /* bytes of the head that were there */
	int counted;
	uint64_t count, last;
	uint8_t part[10];      /* of a number that goes on in the next piece */
	size_t npart;
};

#define CASG_ORDERIN_INIT { 0, 0, 0, UINT64_MAX, { 0 }, 0 }

/*
 * Append the ranks that these bytes tell of.  CASG_EUNSUPPORTED when it says that
 * there are too many records.
 */
int casg_orderin_add(struct casg_orderin *in, const uint8_t *p, size_t n,
		     struct casg_rankroom *room, struct casg_ranks *r, struct casg_err *err);
/* All bytes were given. */
int casg_orderin_end(const struct casg_orderin *in, const struct casg_ranks *r,
		     struct casg_err *err);

/* The other way round. */
struct casg_orderout {
	const struct casg_ranks *r;
	size_t at;
	int begun;
};

/* Append at most about 'most' bytes that come next; 1 when there are more behind them. */
int casg_orderout_next(struct casg_orderout *o, struct casg_buf *out, size_t most);

/* ---- members of a chunk --------------------------------------------------- */

/*
 * A member of an ORDER chunk: whose it is, what it rests on, and how.  Objects
 * are orders or presentations (presdelta.h), as the base begins.
 */
struct casg_orderdelta {
	struct casg_oid id;     /* of the object; stored, as that of a piece list */
	uint64_t nbytes;        /* its length */
	struct casg_oid base;   /* id of the object it is made of */
	const uint8_t *delta;   /* the rest; when read, in the member */
	size_t delta_n;
};

/* id, LEB128 length, id of the base, delta */
void casg_orderdelta_encode(const struct casg_orderdelta *d, struct casg_buf *out);
int casg_orderdelta_decode(struct casg_orderdelta *d, const uint8_t *p, size_t n,
			   struct casg_err *err);

/* ---- deltas ---------------------------------------------------------------- */

/*
 * Append the delta that makes 'target' of 'base', whose ranks are used up.  'gone'
 * are ranks of the base, 'come' of the target.  1; 0 when it would take more than
 * 'most' bytes; CASG_ECORRUPT when it does not add up.
 */
int casg_orderdelta_make(struct casg_rankroom *room, struct casg_ranks *base,
			 const struct casg_ranks *target, const struct casg_ranks *gone,
			 const struct casg_ranks *come, size_t most, struct casg_buf *out,
			 struct casg_err *err);

/* The order that the delta makes of 'base', whose ranks are used up, to 'out'. */
int casg_orderdelta_apply(struct casg_rankroom *room, struct casg_ranks *base,
			  const uint8_t *delta, size_t delta_n, struct casg_ranks *out,
			  struct casg_err *err);

#endif
