/*
 * rfc3339 - times as text, in UTC.
 *
 * A time is a number of seconds since 1970-01-01T00:00:00Z in the proleptic
 * Gregorian calendar, without leap seconds.  Written it has one form,
 * 'YYYY-MM-DDTHH:MM:SSZ' (RFC 3339), so that texts sort as times do.
 *
 * Pure.  Threads: reentrant.
 */
#ifndef CASG_RFC3339_H
#define CASG_RFC3339_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define CASG_TIME_SIZE 21 /* "2024-03-01T00:00:00Z" and its NUL */

/* Exactly 'YYYY-MM-DDTHH:MM:SSZ', years 0001 to 9999, no leap second; 0 or -1. */
int casg_time_parse(const char *s, size_t n, int64_t *seconds_out);

/*
 * What a user may type: the above, 'YYYY-MM-DD' (midnight UTC), or with an
 * offset '+HH:MM' or '-HH:MM', which is converted to UTC.
 */
int casg_time_parse_user(const char *s, int64_t *seconds_out, struct casg_err *err);

/* Returns 'out', or NULL when the year is not 0001 to 9999. */
char *casg_time_format(int64_t seconds, char out[CASG_TIME_SIZE]);

#endif
