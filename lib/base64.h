/*
 * base64 - bytes as text, and back (RFC 4648, section 4: with padding).
 *
 * Threads: reentrant.
 */
#ifndef CASG_BASE64_H
#define CASG_BASE64_H

#include <stddef.h>

#include "buf.h"

void casg_base64_add(struct casg_buf *out, const void *p, size_t n);

/* Append what n characters stand for: 0, or -1 for what is no base64. */
int casg_base64_parse(struct casg_buf *out, const char *s, size_t n);

#endif
