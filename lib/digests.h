/*
 * digests - the identifiers that others give to a sequence.
 *
 * Each is a digest over the residues under a policy that says which of them
 * count.  Two of the standards drop residues, so unequal sequences can share
 * an id; casg's own id (oid.h) is plain SHA-256 of all of them.
 *
 *   name           policy         text
 *   sha256         all            64 hex digits, as sha256sum prints
 *   ga4gh          refget-AZ      "SQ." and 32 characters (GA4GH refget 2.0.0)
 *   refget-AZstar  refget-AZstar  the same, '*' kept (refget pull request 112)
 *   sha512t24u     refget-AZ      the 32 characters alone
 *   vmc            refget-AZ      "GS_" and the same 32 characters (VMC)
 *   trunc512       refget-AZ      48 hex digits (refget 1)
 *   md5            refget-AZ      32 hex digits (refget)
 *   m5             all            32 hex digits (SAM/CRAM M5)
 *   sha1           all            40 hex digits
 *   seguid         all            27 characters of base64 (SEGUID 1)
 *   crc64          all            16 upper-case hex digits (ISO 3309, UniProt)
 *
 * "refget" and "refget-AZ" are other names of ga4gh.  Policies: all = bytes
 * 33 to 126, upper-cased; refget-AZ = of those only A to Z; refget-AZstar =
 * A to Z and '*'.  Other bytes are passed over, so line breaks may stay in.
 *
 * Threads: a digest belongs to one thread at a time.
 */
#ifndef CASG_DIGESTS_H
#define CASG_DIGESTS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define CASG_DIGEST_TEXTSZ 65 /* room for any text and its NUL */

struct casg_digest_info {
	const char *name;
	const char *policy;
	const char *help; /* one line */
};

/* The table above, row i; NULL behind the last. */
const struct casg_digest_info *casg_digest_info(size_t i);

struct casg_digest;

/*
 * A new digest, ready for the first update; NULL with err filled for a name
 * that is not in the table (CASG_EUNSUPPORTED; the message lists the names),
 * an algorithm that OpenSSL was configured without, or no memory.
 */
struct casg_digest *casg_digest_new(const char *name, struct casg_err *err);
void casg_digest_free(struct casg_digest *d);

/* Add residues; a sequence may come in any number of parts. */
void casg_digest_update(struct casg_digest *d, const void *p, size_t nbytes);

/* Write the text, NUL-terminated; returns its length.  The digest is then
 * ready for the next sequence. */
size_t casg_digest_final(struct casg_digest *d,
			 char text_out[CASG_DIGEST_TEXTSZ]);

/*
 * Digests of files as they are, byte for byte, as md5sum and sha256sum print
 * them.
 */
enum casg_filesum_kind {
	CASG_FILESUM_MD5,
	CASG_FILESUM_SHA256
};

#define CASG_FILESUM_KINDS 2
#define CASG_FILESUM_TEXTSZ 65

/* "MD5", "SHA-256"; and the number of hex digits. */
const char *casg_filesum_name(enum casg_filesum_kind kind);
size_t casg_filesum_digits(enum casg_filesum_kind kind);

struct casg_filesum;

/* NULL with err filled: no memory, or OpenSSL has no such algorithm. */
struct casg_filesum *casg_filesum_new(enum casg_filesum_kind kind, struct casg_err *err);
void casg_filesum_free(struct casg_filesum *f);
void casg_filesum_update(struct casg_filesum *f, const void *p, size_t nbytes);
/* Lower-case hex; only to be freed afterwards. */
void casg_filesum_final(struct casg_filesum *f, char text_out[CASG_FILESUM_TEXTSZ]);

#endif
