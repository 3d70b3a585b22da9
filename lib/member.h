/*
 * member - what a reader of archives (untar, unzip) tells its caller.
 *
 * For each member: begin, then, if that wants it, data any number of times and
 * end.  A negative class from any of them, with err filled, stops the reader,
 * which passes it on.  Names are the archive's bytes, not NUL-terminated.
 */
#ifndef CASG_MEMBER_H
#define CASG_MEMBER_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define CASG_MEMBER_NAME_MAX 65535 /* bytes */

struct casg_member_handler {
	void *ctx;
	/* 1: it is wanted, 0: pass it over */
	int (*begin)(void *ctx, const char *name, size_t n, struct casg_err *err);
	int (*data)(void *ctx, const uint8_t *p, size_t n, struct casg_err *err);
	int (*end)(void *ctx, struct casg_err *err);
};

#endif
