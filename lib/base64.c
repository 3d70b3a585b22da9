#include "base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void casg_base64_add(struct casg_buf *out, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)b[i] << 16;

		if (left > 1)
			v |= (uint32_t)b[i + 1] << 8;
		if (left > 2)
			v |= b[i + 2];
		casg_buf_addch(out, digits[v >> 18]);
		casg_buf_addch(out, digits[v >> 12 & 63]);
		casg_buf_addch(out, left > 1 ? digits[v >> 6 & 63] : '=');
		casg_buf_addch(out, left > 2 ? digits[v & 63] : '=');
	}
}

int casg_base64_parse(struct casg_buf *out, const char *s, size_t n)
{
	size_t npad = 0;

	if (n % 4)
		return -1;
	while (npad < 2 && npad < n && s[n - 1 - npad] == '=')
		npad++;
	for (size_t i = 0; i < n; i += 4) {
		size_t want = i + 4 == n ? 3 - npad : 3;
		uint32_t v = 0;

		for (size_t k = i; k < i + 4; k++) {
			const char *at = k < n - npad && s[k] ? strchr(digits, s[k]) : NULL;

			if (!at && k < n - npad)
				return -1;
			v = v << 6 | (at ? (uint32_t)(at - digits) : 0);
		}
		/* bits that stand for nothing are zero */
		if (v & ((1u << 8 * (3 - want)) - 1))
			return -1;
		for (size_t k = 0; k < want; k++)
			casg_buf_addch(out, (int)(v >> (16 - 8 * k) & 0xff));
	}
	return 0;
}
