/*
 * json - the values in a text of JSON (RFC 8259), one after the other.
 *
 * What services answer is walked, not kept: each value comes with its path,
 * such as "items[].name".  Objects and lists are at most 32 deep.
 *
 * Pure.  Threads: reentrant.
 */
#ifndef CASG_JSON_H
#define CASG_JSON_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

/*
 * A string (unescaped), number or word, as text that holds for the call and
 * has a NUL behind it; or the end of an object: text is NULL.  Non-zero ends
 * the walk.
 */
typedef int casg_json_fn(void *ctx, const char *path, const char *text, size_t n);

/* 0, what fn returned, or CASG_ECORRUPT for what is no JSON, CASG_ENOMEM. */
int casg_json_walk(const void *p, size_t n, casg_json_fn *fn, void *ctx, struct casg_err *err);

/* Append a string with its quotes. */
void casg_json_add(struct casg_buf *out, const char *s);

#endif
