/*
 * varint - unsigned LEB128, at most 10 bytes, minimal form only.
 *
 * The decoder refuses what the encoder does not emit: a value over 64 bits
 * or a last byte of zero after the first.  (LEB128: DWARF 5, section 7.6.)
 */
#ifndef CASG_VARINT_H
#define CASG_VARINT_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define CASG_VARINT_MAX 10

/* Write v at p (room for CASG_VARINT_MAX bytes); returns the bytes written. */
static inline size_t casg_varint_put(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	while (v >= 0x80) {
		p[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	p[n++] = (uint8_t)v;
	return n;
}

static inline void casg_varint_add(struct casg_buf *b, uint64_t v)
{
	uint8_t tmp[CASG_VARINT_MAX];

	casg_buf_add(b, tmp, casg_varint_put(tmp, v));
}

/* Read at *p, below end; advances *p.  0, or -1 for truncated or non-minimal. */
static inline int casg_varint_get(const uint8_t **p, const uint8_t *end,
				  uint64_t *v_out)
{
	uint64_t v = 0;
	const uint8_t *q = *p;

	for (int shift = 0; shift < 70; shift += 7) {
		uint8_t c;

		if (q == end)
			return -1;
		c = *q++;
		if (shift == 63 && c > 1)
			return -1;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			if (!c && shift)
				return -1;
			*p = q;
			*v_out = v;
			return 0;
		}
	}
	return -1;
}

static inline uint64_t casg_zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t casg_unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

#endif
