/*
 * remoteaz - a container of Azure Blob Storage: the work of casg-remote-az.
 *
 * Requests of its REST interface, version CASG_AZ_VERSION, signed with the
 * account's key ("Authorize with Shared Key", Microsoft), or with a shared
 * access signature, or a bearer token, or none of them.  Every body goes with
 * its MD5, which the service compares.
 *
 * Threads: one.
 */
#ifndef CASG_REMOTEAZ_H
#define CASG_REMOTEAZ_H

#include <stdint.h>

#include "cloud.h"

#define CASG_AZ_VERSION "2021-08-06"

struct casg_az {
	const char *account;
	const char *endpoint;    /* http[s]://HOST[/PATH], no '/' at its end */
	const char *container;
	const char *prefix;      /* of names: "" or with a '/' at its end */
	/* one of them or none; not NUL-terminated: the key */
	const void *key;
	size_t nkey;
	const char *sas;         /* a query, without '?' */
	const char *bearer;
	unsigned page_size;      /* of lists; 0: the service's */
};

/*
 * The value of Authorization for a request.  'query': pairs of name and value,
 * not encoded, sorted, NULL-terminated; 'headers': lines with a NUL each, those
 * that begin with "x-ms-" in their order.
 */
int casg_az_sign(const struct casg_az *az, const char *method, const char *path,
		 const char *const *query, const struct casg_buf *headers, uint64_t nbody,
		 struct casg_buf *out, struct casg_err *err);

/* Hold the conversation. */
int casg_az_serve(struct casg_serve *s, const struct casg_az *az,
		  const struct casg_cloud_opts *o, struct casg_err *err);

#endif
