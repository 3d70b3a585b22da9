#include "hex.h"

void casg_hex_encode(char *out, const uint8_t *bytes, size_t nbytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < nbytes; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
}

/*
 * The value of each digit, 0xff for what is none: ids are parsed by the
 * million, and a table is several times faster than comparisons.
 */
#define NO 0xff
#define NO16 NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO
static const uint8_t value[256] = {
	NO16, NO16, NO16,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, NO, NO, NO, NO, NO, NO,
	NO16, NO16,
	NO, 10, 11, 12, 13, 14, 15, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO16, NO16, NO16, NO16, NO16, NO16, NO16, NO16, NO16
};

int casg_hex_decode(uint8_t *out, const char *hex, size_t nbytes)
{
	uint8_t bad = 0;

	for (size_t i = 0; i < nbytes; i++) {
		uint8_t hi = value[(uint8_t)hex[2 * i]];
		uint8_t lo = value[(uint8_t)hex[2 * i + 1]];

		bad |= hi | lo;
		out[i] = (uint8_t)(hi << 4 | (lo & 15));
	}
	/* only the mark of "none" has its high bits set */
	return bad & 0xf0 ? -1 : 0;
}
