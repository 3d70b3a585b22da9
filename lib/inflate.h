/*
 * inflate - one whole zlib stream (RFC 1950), as Git's loose objects are, and
 * raw deflate data (RFC 1951) piece by piece, as zip archives hold it.
 *
 * Threads: any; an inflater belongs to one at a time.
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

struct casg_inflater;

struct casg_inflater *casg_inflater_new(struct casg_err *err);
void casg_inflater_free(struct casg_inflater *i);
/* New data begin. */
void casg_inflater_reset(struct casg_inflater *i);
/*
 * Unpack from *p (*n bytes, both moved on) into out.  *nout is the room there,
 * and then what was written.  1: the data end here; 0: call again, with more
 * input if there is none left; CASG_ECORRUPT, CASG_ENOMEM.
 */
int casg_inflater_run(struct casg_inflater *i, const uint8_t **p, size_t *n, uint8_t *out,
		      size_t *nout, struct casg_err *err);

/* CRC-32 of IEEE 802.3, of more bytes behind those that gave 'crc' (at first 0). */
uint32_t casg_crc32(uint32_t crc, const uint8_t *p, size_t n);

#endif
