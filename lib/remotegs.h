/*
 * remotegs - a bucket of Google Cloud Storage: the work of casg-remote-gs.
 *
 * With a bearer token, or without credentials, requests are those of its JSON
 * API; with an HMAC key those of its XML API, signed with GOOG4-HMAC-SHA256
 * ("V4 signing process with your own program", Google).  What is stored is
 * compared by the CRC32C that the service tells, and deleted when it is wrong.
 *
 * Threads: one.
 */
#ifndef CASG_REMOTEGS_H
#define CASG_REMOTEGS_H

#include "cloud.h"

struct casg_gs {
	const char *endpoint;    /* http[s]://HOST, no '/' at its end */
	const char *bucket;
	const char *prefix;      /* of names: "" or with a '/' at its end */
	const char *bearer;      /* or NULL */
	const char *id, *secret; /* of an HMAC key; or NULL */
	unsigned page_size;      /* of lists; 0: the service's */
};

/* Hold the conversation. */
int casg_gs_serve(struct casg_serve *s, const struct casg_gs *gs,
		  const struct casg_cloud_opts *o, struct casg_err *err);

#endif
