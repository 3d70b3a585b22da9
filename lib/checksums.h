/*
 * checksums - lists of digests as md5sum prints them, and NCBI publishes them.
 *
 *   <32 hex digits> SP (SP or "*") <name>
 *
 * a line, or the digits alone.  Pure.
 */
#ifndef CASG_CHECKSUMS_H
#define CASG_CHECKSUMS_H

#include <stddef.h>

#include "digests.h"
#include "err.h"

/*
 * Find the digest of the file called 'name' (without folders; those in the
 * list do not count either).  'own': the list is of this file, so that if it
 * is of one line, this is it, whatever it says of names.  1 and lower-case hex
 * in hex_out, 0 when it is not listed, CASG_ECORRUPT when it is listed with
 * different digests.
 */
int casg_checksums_find(const char *text, size_t nbytes, enum casg_filesum_kind kind,
			const char *name, int own, char hex_out[CASG_FILESUM_TEXTSZ],
			struct casg_err *err);

#endif
