/*
 * changefmt - a line for each change between two versions.
 *
 * A format is text with %(field) in it, "%%" for a percent sign and "%xx" for
 * the byte with that hexadecimal number.  Fields are
 *
 *   status class                                   of the change
 *   key id length taxon presentation description   of the record now, or as it
 *                                                  was if it is withdrawn
 *   oldkey oldid oldlength oldtaxon                of the record as it was,
 *   oldpresentation olddescription                 "-" if it is added
 *
 * Fields are quoted as in the record stream, with z not at all.
 */
#ifndef CASG_CHANGEFMT_H
#define CASG_CHANGEFMT_H

#include "buf.h"
#include "err.h"
#include "recdiff.h"

struct casg_changefmt;

/* status, old key, id, length and taxon, then a line of the record stream. */
#define CASG_CHANGEFMT_RAW \
	"%(status)%09%(oldkey)%09%(oldid)%09%(oldlength)%09%(oldtaxon)%09" \
	"%(key)%09%(id)%09%(length)%09%(taxon)%09%(presentation)%09%(description)"

/* NULL with err filled (CASG_ECORRUPT: the format is wrong). */
struct casg_changefmt *casg_changefmt_new(const char *format, struct casg_err *err);
void casg_changefmt_free(struct casg_changefmt *f);

/* Append the line and its end. */
int casg_changefmt_add(struct casg_changefmt *f, struct casg_buf *out,
		       const struct casg_change *c, int z, struct casg_err *err);

#endif
