/*
 * accession - under which accessions a mapping may know a record.
 *
 * A record has the id that is its key, and, where its header joins several
 * definition lines by \x01 (nr), the first word of each of the others.  Under
 * each id there are up to four forms, in this order:
 *
 *	the id as it is                       sp|P12345.2|AATM_RABIT   NP_1.1
 *	the bare accession in it              P12345.2
 *	the id without its version                                     NP_1
 *	the bare accession without its version  P12345
 *
 * A bare accession is the second part of an id whose first part is one of the
 * tags of the header lines of NCBI and UniProt; behind "gi|NUMBER|TAG|" it is
 * the fourth.  A version is a '.' and digits at the end.
 *
 * Pure; thread-safe.
 */
#ifndef CASG_ACCESSION_H
#define CASG_ACCESSION_H

#include <stddef.h>

struct casg_accession {
	const char *p;
	size_t n;
};

#define CASG_ACCESSION_FORMS 4

/* The forms of an id that differ, in that order; their number, at least 1. */
size_t casg_accession_forms(const char *id, size_t n,
			    struct casg_accession out[CASG_ACCESSION_FORMS]);

/* The bare accession; 0 if the id has none. */
int casg_accession_bare(const char *id, size_t n, struct casg_accession *out);

/* The length without the version: n if there is none. */
size_t casg_accession_unversioned(const char *p, size_t n);

/* The tag number i, as "sp", in ascending order; NULL behind the last. */
const char *casg_accession_tag(size_t i);

/*
 * The ids of the definition lines behind the first: 1 and the next, 0 behind
 * the last.  *at is 0 at the beginning.
 */
int casg_accession_next(const char *desc, size_t dlen, size_t *at,
			struct casg_accession *out);

#endif
