/*
 * presdelta - a presentation object as what differs from another.
 *
 * The lines of a presentation object (casgformat-record(5)) carry positions in
 * the file, so a record that comes or goes changes all lines behind it.  By the
 * distance from the line before, only the next one changes.
 *
 * Bytes, all numbers LEB128: length of what stands before the first line of a
 * record, and these bytes (0 and none: as in the base); number of lines of
 * records; then, until all of them are there, 3 * n + op, n at least 1:
 *   0  n lines of the base, from number zigzag(number - number behind the last
 *      that was taken)
 *   1  the same with their texts only: n distances
 *   2  n new lines: each distance, length of the text, text
 * A distance is position - (position of the line before + 1), at first against 0.
 *
 * The members of a chunk that hold such deltas are those of orders
 * (orderdelta.h), whose limits on sizes and chains hold here, too.
 *
 * Pure.  Decoders treat their input as hostile.  Memory: 24 bytes a line.
 */
#ifndef CASG_PRESDELTA_H
#define CASG_PRESDELTA_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"

#define CASG_PRESENTATION_HEAD "casg-presentation 1\n"
#define CASG_PRESDELTA_MAX ((uint64_t)40 << 20) /* bytes of an object */

/* Do these bytes begin as a presentation object? */
int casg_presdelta_is(const uint8_t *p, size_t n);

/*
 * Append the delta that makes 'target' of 'base', both presentation objects.
 * CASG_ECORRUPT for what is none, CASG_EUNSUPPORTED for what is too long.
 */
int casg_presdelta_make(const uint8_t *base, size_t base_n, const uint8_t *target,
			size_t target_n, struct casg_buf *out, struct casg_err *err);

/*
 * The same as a member of an ORDER chunk (orderdelta.h), appended: the object of that id
 * by the one of 'base_id'.  1, or 0 and nothing when that is not much shorter.
 */
int casg_presdelta_member(const struct casg_oid *base_id, const uint8_t *base, size_t base_n,
			  const struct casg_oid *id, const uint8_t *target, size_t target_n,
			  struct casg_buf *out, struct casg_err *err);

/* Append the presentation object that the delta makes of 'base'. */
int casg_presdelta_apply(const uint8_t *base, size_t base_n, const uint8_t *delta,
			 size_t delta_n, struct casg_buf *out, struct casg_err *err);

#endif
