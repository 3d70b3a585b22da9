#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "array.h"

void casg_buf_release(struct casg_buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

uint8_t *casg_buf_detach(struct casg_buf *b, size_t *len_out)
{
	uint8_t *p = b->data;

	if (len_out)
		*len_out = b->len;
	memset(b, 0, sizeof(*b));
	return p;
}

int casg_buf_grow(struct casg_buf *b, size_t extra)
{
	size_t want;
	uint8_t *p;

	if (b->failed)
		return CASG_ENOMEM;
	if (extra <= b->cap - b->len)
		return 0;
	if (extra > SIZE_MAX / 2 - b->len) {
		b->failed = 1;
		return CASG_ENOMEM;
	}
	want = b->len + extra;
	if (want < b->cap + b->cap / 2)
		want = b->cap + b->cap / 2;
	if (want < 64)
		want = 64;
	p = casg_realloc_(b->data, want);
	if (!p) {
		b->failed = 1;
		return CASG_ENOMEM;
	}
	b->data = p;
	b->cap = want;
	return 0;
}

void casg_buf_add_slow(struct casg_buf *b, const void *p, size_t n)
{
	if (casg_buf_grow(b, n))
		return;
	memcpy(b->data + b->len, p, n);
	b->len += n;
}

void casg_buf_addf(struct casg_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = 1;
		return;
	}
	if (casg_buf_grow(b, (size_t)n + 1))
		return;
	va_start(ap, fmt);
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void casg_buf_add_u64(struct casg_buf *b, uint64_t v)
{
	char tmp[20];
	size_t i = sizeof(tmp);

	do {
		tmp[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	casg_buf_add(b, tmp + i, sizeof(tmp) - i);
}

const char *casg_buf_cstr(struct casg_buf *b)
{
	if (casg_buf_grow(b, 1))
		return "";
	b->data[b->len] = '\0';
	return (const char *)b->data;
}

int casg_buf_check(const struct casg_buf *b, struct casg_err *err)
{
	return b->failed ? casg_err_nomem(err) : 0;
}
