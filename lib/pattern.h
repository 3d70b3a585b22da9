/*
 * pattern - what a text must look like: a shell glob or a regular expression.
 *
 * A glob (POSIX, fnmatch without flags) describes the whole text; a regular
 * expression (POSIX, extended) a part of it, unless ^ and $ say otherwise.
 * Both see bytes, in the locale of the program, which is C.
 *
 * Threads: a pattern belongs to one thread at a time.
 */
#ifndef CASG_PATTERN_H
#define CASG_PATTERN_H

#include <stddef.h>

#include "err.h"

struct casg_pattern;

/* NULL with err filled: CASG_ECORRUPT for a bad expression. */
struct casg_pattern *casg_pattern_new(const char *text, int regexp, struct casg_err *err);
void casg_pattern_free(struct casg_pattern *p);

/* 1, 0 or CASG_ENOMEM.  Nothing matches a text that holds NUL. */
int casg_pattern_match(struct casg_pattern *p, const char *s, size_t n, struct casg_err *err);

#endif
