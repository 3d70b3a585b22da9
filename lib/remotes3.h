/*
 * remotes3 - a bucket of S3, or of what speaks S3: the work of casg-remote-s3.
 *
 * Requests of the REST interface, signed by Signature Version 4 (awssig) with
 * the SHA-256 of their bodies, which the server compares; or not signed.
 * Reference: "Amazon Simple Storage Service API Reference", 2006-03-01.
 *
 * Threads: one.
 */
#ifndef CASG_REMOTES3_H
#define CASG_REMOTES3_H

#include <stdint.h>

#include "cloud.h"

struct casg_s3 {
	const char *endpoint;       /* http[s]://HOST[:PORT], nothing behind it */
	int virtual_host;           /* BUCKET.HOST, rather than /BUCKET in the path */
	const char *bucket;
	const char *prefix;         /* of names: "" or with a '/' at its end */
	const char *region;
	const char *key_id, *secret;/* NULL: requests are not signed */
	const char *token;          /* of a session, or NULL */
	int64_t clock_offset;       /* seconds to add to the clock of this machine */
	unsigned page_size;         /* of lists; 0: the server's */
	/* What is stored; NULL or 0: not asked for. */
	const char *storage_class;
	const char *encryption;     /* AES256, aws:kms ... */
	const char *encryption_key; /* of KMS */
	unsigned retention_days;    /* object lock */
	const char *retention_mode; /* COMPLIANCE, GOVERNANCE */
	int requester_pays;
	unsigned restore_days;      /* of a copy that is restored */
};

/* Hold the conversation. */
int casg_s3_serve(struct casg_serve *s, const struct casg_s3 *s3,
		  const struct casg_cloud_opts *o, struct casg_err *err);

/*
 * What the XML of an answer says, for stores that answer as S3 does.  The text
 * of the element at a path such as "Error/Code", the first of its kind,
 * appended: 1; 0 when there is none or when it is no such document.
 */
int casg_s3_text(const void *xml, size_t n, const char *root, const char *name,
		 struct casg_buf *out);

/*
 * The entries of a ListBucketResult, and the token of the next page, "" for
 * none.  CASG_ECORRUPT for what is no such document.
 */
int casg_s3_list(const void *xml, size_t n, struct casg_cloud_list *l,
		 struct casg_buf *token_out, struct casg_err *err);

#endif
