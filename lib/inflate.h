/*
 * inflate - one whole zlib stream (RFC 1950), as Git's loose objects are.
 *
 * Threads: any.
 */
#ifndef CASG_INFLATE_H
#define CASG_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/*
 * Append what the n bytes at 'p' stand for.  CASG_ECORRUPT unless they are one
 * stream, whole and with nothing behind it; CASG_ENOMEM when it is longer than
 * 'max' bytes or memory is short.
 */
int casg_inflate(const uint8_t *p, size_t n, uint64_t max, struct casg_buf *out,
		 struct casg_err *err);

#endif
