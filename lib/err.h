/*
 * err - how the library says what went wrong.
 *
 * A function that can fail returns 0 (or a documented non-negative value) on
 * success and one of the negative classes below on failure, and then fills
 * the caller's casg_err with one complete sentence: lower case, no full stop,
 * control characters masked.  The library never prints and never exits.
 *
 * Threads: a casg_err belongs to one thread at a time.
 */
#ifndef CASG_ERR_H
#define CASG_ERR_H

#include <stdarg.h>

enum casg_class {
	CASG_OK = 0,
	CASG_ENOTOURS = -1,    /* the file is not of the kind expected */
	CASG_EUNSUPPORTED = -2,/* ours, but a version or codec we do not know */
	CASG_ECORRUPT = -3,    /* ours, or input, but malformed or damaged */
	CASG_EABSENT = -4,     /* named, but not there */
	CASG_EIO = -5,         /* the operating system refused */
	CASG_ENOMEM = -6,      /* out of memory, or over a stated bound */
	CASG_EBUG = -7         /* the caller broke the contract */
};

#define CASG_ERR_MAX 1024

struct casg_err {
	int code;               /* an enum casg_class; 0: nothing went wrong */
	char msg[CASG_ERR_MAX]; /* one sentence, always NUL-terminated */
};

#define CASG_ERR_INIT { 0, "" }

/*
 * Record a failure and return 'code', so that a caller can write
 * "return casg_err_set(err, CASG_EIO, ...)".  A NULL err is allowed.
 * Control characters that the arguments bring in are shown as '?'.
 */
int casg_err_set(struct casg_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with ": " and strerror(errnum) behind the message. */
int casg_err_sys(struct casg_err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "<formatted>: " before the message that is there; returns err->code. */
int casg_err_prefix(struct casg_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Shorthand for the commonest case. */
int casg_err_nomem(struct casg_err *err);

#endif
