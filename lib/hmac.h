/*
 * hmac - HMAC-SHA256 (RFC 2104, FIPS 198-1): what storages want requests
 * signed with.
 *
 * Threads: a hasher belongs to one.
 */
#ifndef CASG_HMAC_H
#define CASG_HMAC_H

#include <stddef.h>

#include "oid.h"

/* Of n bytes under a key of any length; cannot fail. */
void casg_hmac(struct casg_hasher *h, const void *key, size_t nkey, const void *text,
	       size_t n, struct casg_oid *out);

#endif
