/*
 * whole - an order or presentation as it is put together of differences.
 *
 * It begins with the bytes of what is stored whole; then come deltas, one after the
 * other.  Which of the two it is tell the first bytes (orderdelta.h, presdelta.h).
 *
 * Memory: the arrays of ranks of an order lie in a room of the caller; a
 * presentation is in memory, at most CASG_PRESDELTA_MAX bytes of it.
 */
#ifndef CASG_WHOLE_H
#define CASG_WHOLE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"
#include "orderdelta.h"

enum casg_whole_kind { CASG_WHOLE_UNKNOWN, CASG_WHOLE_ORDER, CASG_WHOLE_PRESENTATION };

struct casg_whole {
	struct casg_rankroom *room; /* borrowed */
	int kind;
	struct casg_orderin in;
	struct casg_ranks ranks;    /* of an order, in file order */
	struct casg_orderout out;
	struct casg_buf bytes;      /* a presentation; or the bytes handed out */
	int handed;
};

void casg_whole_init(struct casg_whole *w, struct casg_rankroom *room);
void casg_whole_release(struct casg_whole *w);

/* The next bytes of what is stored whole. */
int casg_whole_add(struct casg_whole *w, const uint8_t *p, size_t n, struct casg_err *err);
/* Those were all. */
int casg_whole_end(struct casg_whole *w, struct casg_err *err);
/* It becomes what the delta makes of it. */
int casg_whole_apply(struct casg_whole *w, const uint8_t *delta, size_t n, struct casg_err *err);

/*
 * Its bytes, a piece at a time: 1 and the next (valid until the next call), 0 at the
 * end; from the beginning again after that.
 */
int casg_whole_next(struct casg_whole *w, const uint8_t **p_out, size_t *n_out,
		    struct casg_err *err);
/* CASG_ECORRUPT unless it has this id and length. */
int casg_whole_check(struct casg_whole *w, struct casg_hasher *h, const struct casg_oid *id,
		     uint64_t nbytes, struct casg_err *err);

#endif
