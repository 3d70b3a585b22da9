#include "crc32c.h"

/* The tables take some microseconds: nothing beside what is summed at a time. */
#define POLY 0x82f63b78u

static void make_tables(uint32_t t[4][256])
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? POLY : 0);
		t[0][i] = c;
	}
	for (int k = 1; k < 4; k++)
		for (int i = 0; i < 256; i++)
			t[k][i] = t[k - 1][i] >> 8 ^ t[0][t[k - 1][i] & 0xff];
}

uint32_t casg_crc32c(uint32_t crc, const void *p, size_t n)
{
	const uint8_t *b = p;
	uint32_t t[4][256];

	make_tables(t);
	crc = ~crc;
	for (; n >= 4; n -= 4, b += 4) {
		crc ^= (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
		       (uint32_t)b[3] << 24;
		crc = t[3][crc & 0xff] ^ t[2][crc >> 8 & 0xff] ^ t[1][crc >> 16 & 0xff] ^ t[0][crc >> 24];
	}
	for (; n; n--)
		crc = crc >> 8 ^ t[0][(crc ^ *b++) & 0xff];
	return ~crc;
}
