/*
 * view - one version of sequences read under one version of a taxonomy.
 *
 * The two have times of their own, so any of the one can be read under any of
 * the other.  What names such a reading, for citing and for signing, is the
 * view id: the SHA-256 of
 *
 *	"casg-view 1\n"
 *	length of the following, 32 bits, big-endian: 32
 *	version id of the sequences
 *	length of the following, likewise: 32
 *	version id of the taxonomy
 *
 * The first line keeps it apart from all else that casg hashes, the lengths
 * keep the parts apart.  casgformat-version(5) has an example.
 *
 * Pure.  Threads: reentrant.
 */
#ifndef CASG_VIEW_H
#define CASG_VIEW_H

#include "err.h"
#include "oid.h"

/* Of the two version ids.  0 or CASG_ENOMEM. */
int casg_view_id(const struct casg_oid *sequence, const struct casg_oid *taxonomy,
		 struct casg_oid *view_out, struct casg_err *err);

#endif
