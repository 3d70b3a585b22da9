/*
 * savedstate - what an operation that was interrupted has done: whether it may be
 * taken up, and from where.
 *
 * A small text, written anew whenever the operation has finished a pack:
 *
 *	casg-state 1
 *	operation <text>
 *	casg <version>
 *	chunk-size <bytes>
 *	total <bytes on disk, 0 if not known>
 *	read <bytes of input, decompressed>
 *	digest <SHA-256 of those>
 *	records <number>
 *	pack <id>
 *	...
 *
 * Of an operation that reads packs, 'total' and 'read' are bytes of packs, those there
 * were and those that are written, 'records' the objects in these, and 'digest' is of
 * what is to be done (repack.h).
 *
 * It is never believed further than it is checked: packs are found by what they
 * hold, and the input is hashed again.  Readers take only what the writer emits.
 */
#ifndef CASG_SAVEDSTATE_H
#define CASG_SAVEDSTATE_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"

#define CASG_SAVEDSTATE_MAX ((size_t)64 << 20) /* bytes of the text: a million packs */

struct casg_savedstate {
	struct casg_buf operation; /* one line; NUL-terminated when decoded */
	struct casg_buf casg;      /* the version of the program, the same */
	uint64_t chunk_nbytes;
	uint64_t total;            /* bytes on disk; 0: not known */
	uint64_t nread;
	struct casg_oid digest;    /* of the first nread bytes of the input */
	uint64_t nrecords;
	struct casg_oid *packs;
	size_t npacks, cap_packs;
};

#define CASG_SAVEDSTATE_INIT { .operation = CASG_BUF_INIT, .casg = CASG_BUF_INIT }

void casg_savedstate_release(struct casg_savedstate *s);

/* Appended to 'out'.  CASG_ENOMEM, CASG_EBUG for an operation that is no line. */
int casg_savedstate_encode(const struct casg_savedstate *s, struct casg_buf *out,
			   struct casg_err *err);
/* 's' is initialised or was decoded before. */
int casg_savedstate_decode(struct casg_savedstate *s, const uint8_t *p, size_t n,
			   struct casg_err *err);

/*
 * May what 'now' is about to do go on where 'before' stopped?  CASG_ECORRUPT with
 * the difference, if not.  Totals are compared when both are known.
 */
int casg_savedstate_compare(const struct casg_savedstate *before,
			    const struct casg_savedstate *now, struct casg_err *err);

#endif
