/*
 * buf - the one growable byte buffer.
 *
 * Invariants: data[0..len) are the bytes; cap >= len.  Allocation failure is
 * sticky: 'failed' is set, the buffer keeps what it had, and later additions
 * do nothing, so that a caller checks once, with casg_buf_check, after a run
 * of additions.  No function here exits.
 *
 * Ownership: the buffer owns data until casg_buf_release or casg_buf_detach.
 * Threads: a buffer belongs to one thread at a time.
 */
#ifndef CASG_BUF_H
#define CASG_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "err.h"

struct casg_buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	int failed;
};

#define CASG_BUF_INIT { NULL, 0, 0, 0 }

void casg_buf_release(struct casg_buf *b);

/* Give the bytes to the caller (free() them); the buffer is empty again. */
uint8_t *casg_buf_detach(struct casg_buf *b, size_t *len_out);

/* Make room for 'extra' bytes beyond len; 0, or CASG_ENOMEM (sticky). */
int casg_buf_grow(struct casg_buf *b, size_t extra);

void casg_buf_add_slow(struct casg_buf *b, const void *p, size_t n);

static inline void casg_buf_add(struct casg_buf *b, const void *p, size_t n)
{
	if (n && !b->failed && n <= b->cap - b->len) {
		memcpy(b->data + b->len, p, n);
		b->len += n;
	} else if (n) {
		casg_buf_add_slow(b, p, n);
	}
}

static inline void casg_buf_addch(struct casg_buf *b, int c)
{
	uint8_t byte = (uint8_t)c;

	casg_buf_add(b, &byte, 1);
}

/* Append a NUL-terminated string, without its NUL. */
static inline void casg_buf_addstr(struct casg_buf *b, const char *s)
{
	casg_buf_add(b, s, strlen(s));
}

void casg_buf_addf(struct casg_buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Decimal, without going through printf. */
void casg_buf_add_u64(struct casg_buf *b, uint64_t v);

/* Forget the bytes, keep the room. */
static inline void casg_buf_reset(struct casg_buf *b)
{
	b->len = 0;
	b->failed = 0;
}

/*
 * Its bytes, len of them, without a NUL behind: never a null pointer, to which not
 * even 0 may be added.
 */
static inline const char *casg_buf_chars(const struct casg_buf *b)
{
	return b->data ? (const char *)b->data : "";
}

/*
 * NUL-terminate (the NUL is beyond len) and return data as a string; "" for
 * a failed buffer.
 */
const char *casg_buf_cstr(struct casg_buf *b);

/* 0, or CASG_ENOMEM with err filled if any addition failed. */
int casg_buf_check(const struct casg_buf *b, struct casg_err *err);

#endif
