/*
 * profile - the text that says what a reduction profile is.
 *
 * A PROFILE is to a reduced version what VERSION is to a version: "name value"
 * lines in a fixed order, one space, LF, one spelling only.
 *
 *	casg-profile 1
 *	version <id>            the version that it is a view of
 *	records <root>          its record tree, whose ranks the map counts in
 *	members <id>            the map (members.h)
 *	identity <0.NNN|1.000>  what each member has at least with its representative
 *	coverage <0.NNN|1.000>  how long it is at least, of the representative's length
 *	size <0.NNN|1.000>      the share that was asked for; only if one was
 *	count <n>               records of the version
 *	representatives <n>
 *	residues <n>            of the version
 *	kept <n>                of its representatives
 *
 * Its own id is the SHA-256 of these bytes.  Pure; thread-safe.
 */
#ifndef CASG_PROFILE_H
#define CASG_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"

#define CASG_PROFILE_MAX_BYTES 4096

struct casg_profile {
	struct casg_oid version, records, members;
	unsigned identity, coverage; /* thousandths */
	unsigned size;               /* the same; 0: none was asked for */
	uint64_t count, representatives, residues, kept;
};

/* Appended; CASG_EBUG for what the format cannot say. */
int casg_profile_encode(const struct casg_profile *p, struct casg_buf *out,
			struct casg_err *err);
/* CASG_ENOTOURS when it does not begin like one, CASG_EUNSUPPORTED, CASG_ECORRUPT. */
int casg_profile_decode(struct casg_profile *p, const uint8_t *text, size_t n,
			struct casg_err *err);

/*
 * Thousandths from "0.9", "0.95", "1", ".875", or with a percent sign "30%",
 * "12.5%": 0 to 1000; 0 or -1.
 */
int casg_thousandths(const char *text, unsigned *out);

#endif
