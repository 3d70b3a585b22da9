/*
 * gitdate - the dates that GIT_AUTHOR_DATE and GIT_COMMITTER_DATE may hold.
 *
 * The forms git-commit(1) documents: Git's own ("1112926393 +0200", with or
 * without a leading '@'), ISO 8601 ("2005-04-07T22:13:13+02:00", a space for
 * the T, a missing zone meaning local time), RFC 2822 ("Thu, 07 Apr 2005
 * 22:13:13 +0200").  Not Git's approximate dates ("yesterday").
 */
#ifndef CASG_GITDATE_H
#define CASG_GITDATE_H

#include <stdint.h>

#include "err.h"

/*
 * Seconds since 1970 UTC, and the zone in minutes east of UTC.  CASG_ECORRUPT
 * for anything else.  Thread-safe (localtime_r).
 */
int casg_gitdate_parse(const char *text, int64_t *seconds_out,
		       int *east_minutes_out, struct casg_err *err);

#endif
