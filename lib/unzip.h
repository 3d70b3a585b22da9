/*
 * unzip - the members of a zip archive, in one pass.
 *
 * APPNOTE 6.3: stored and deflated members, sizes before or behind the data.
 * The members come as they stand in the file; the central directory behind
 * them must name each of them, in their order and with the same sizes, sums
 * and places, so that a cut archive is refused and none can be read in two
 * ways.  Nothing is ever written: a member's name may be anything.
 *
 * What is unpacked is given out in small pieces and never held.  Members that
 * are not wanted are unpacked only where their end cannot be known otherwise.
 * Refused: zip64, encrypted members, other methods, several disks, anything
 * before, between or behind what the directory names, more than
 * CASG_UNZIP_MEMBERS_MAX members.
 *
 * Pure: the caller feeds bytes.  One thread at a time.
 */
#ifndef CASG_UNZIP_H
#define CASG_UNZIP_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "member.h"

#define CASG_UNZIP_MEMBERS_MAX 10000

/* Does a file that begins with p[0..n) begin as a zip archive? */
int casg_unzip_detect(const uint8_t *p, size_t n);

struct casg_unzip;

/* The handler is copied.  NULL with err filled when out of memory. */
struct casg_unzip *casg_unzip_new(const struct casg_member_handler *h, struct casg_err *err);
void casg_unzip_free(struct casg_unzip *z);
int casg_unzip_feed(struct casg_unzip *z, const uint8_t *p, size_t n, struct casg_err *err);
/* The archive ends here. */
int casg_unzip_finish(struct casg_unzip *z, struct casg_err *err);

#endif
