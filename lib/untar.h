/*
 * untar - the members of a tar archive, in one pass.
 *
 * POSIX ustar and pax archives, GNU's and the old ones before them.  Only
 * regular files are members; everything else is passed over.  Nothing is
 * ever written, so that a member's name may be anything.
 *
 * Fail closed: a header whose sum is wrong, a member cut short, an archive
 * without the two blocks of zeros that end it, and bytes other than zeros
 * behind those are refused.
 *
 * Pure: the caller feeds bytes.  One thread at a time.
 */
#ifndef CASG_UNTAR_H
#define CASG_UNTAR_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "member.h"

#define CASG_UNTAR_HEAD 512

/* May a file that begins with p[0..n) be a tar archive? */
int casg_untar_detect(const uint8_t *p, size_t n);

struct casg_untar;

/* The handler is copied.  NULL when out of memory. */
struct casg_untar *casg_untar_new(const struct casg_member_handler *h);
void casg_untar_free(struct casg_untar *t);
int casg_untar_feed(struct casg_untar *t, const uint8_t *p, size_t n, struct casg_err *err);
/* The archive ends here. */
int casg_untar_finish(struct casg_untar *t, struct casg_err *err);

#endif
