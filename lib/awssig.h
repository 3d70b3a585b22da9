/*
 * awssig - Signature Version 4 of AWS, which S3 and what speaks S3 ask for.
 *
 * Whoever signs gives the very parts of the request that go out: its path and
 * query encoded by the functions here, its headers, and the SHA-256 of its
 * body.  The service is "s3" for S3; then a path is encoded once, as it is here.
 * Reference: "Signature Version 4 signing process", AWS General Reference.
 *
 * Pure: the caller tells the time.  Threads: a hasher belongs to one.
 */
#ifndef CASG_AWSSIG_H
#define CASG_AWSSIG_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "hmac.h"
#include "oid.h"

#define CASG_AWSSIG_MAX 32    /* headers, and parts of a query, of a request */
#define CASG_AWSSIG_TIME 17   /* "20130524T000000Z" and its NUL */

struct casg_awssig_pair {
	const char *name, *value; /* not encoded */
};

struct casg_awssig_key {
	const char *id, *secret;
	const char *region, *service;
	int google;               /* GOOG4: the same with other words ("x-goog-date") */
};

struct casg_awssig_request {
	const char *method;
	const char *path;              /* by casg_awssig_encode_path */
	const struct casg_awssig_pair *query;
	size_t nquery;
	/* All that are signed; "host" and "x-amz-date" must be among them. */
	const struct casg_awssig_pair *headers;
	size_t nheaders;
	const char *payload;           /* SHA-256 of the body in hex, or UNSIGNED-PAYLOAD */
	int64_t time;                  /* seconds since 1970; as x-amz-date has it */
};

/* The form of x-amz-date.  Returns out, or NULL for a time that has none. */
char *casg_awssig_time(int64_t time, char out[CASG_AWSSIG_TIME]);

/* All but unreserved characters (RFC 3986) as %XX; a path keeps its slashes. */
void casg_awssig_encode(struct casg_buf *out, const char *s);
void casg_awssig_encode_path(struct casg_buf *out, const char *s);
/* "a=1&b=2", sorted: the query as it is signed, and as it has to be sent. */
int casg_awssig_query(struct casg_buf *out, const struct casg_awssig_pair *query, size_t n,
		      struct casg_err *err);

/*
 * Append the value of the header Authorization.  CASG_EBUG for too many
 * headers or parts, or a time that has no form.
 */
int casg_awssig_sign(struct casg_buf *out, struct casg_hasher *h,
		     const struct casg_awssig_key *key, const struct casg_awssig_request *r,
		     struct casg_err *err);

#endif
