/*
 * endian - fixed-width integers at unaligned addresses.
 *
 * Files are little-endian (le); what is hashed as part of an identity is
 * big-endian (be), so that a hex dump of it reads as the numbers do.
 */
#ifndef CASG_ENDIAN_H
#define CASG_ENDIAN_H

#include <stdint.h>
#include <string.h>

static inline unsigned casg_get_le16(const uint8_t *p)
{
	return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static inline uint32_t casg_get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline uint64_t casg_get_le64(const uint8_t *p)
{
	return (uint64_t)casg_get_le32(p) | (uint64_t)casg_get_le32(p + 4) << 32;
}

static inline uint32_t casg_get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static inline uint64_t casg_get_be64(const uint8_t *p)
{
	return (uint64_t)casg_get_be32(p) << 32 | casg_get_be32(p + 4);
}

static inline void casg_put_le32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void casg_put_le64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void casg_put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static inline void casg_put_be64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

#endif
