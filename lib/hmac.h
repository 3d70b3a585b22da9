/*
 * hmac - HMAC-SHA256 (RFC 2104, FIPS 198-1): what storages want requests
 * signed with.
 *
 * Threads: reentrant.
 */
#ifndef CASG_HMAC_H
#define CASG_HMAC_H

#include <stddef.h>

#include "err.h"
#include "oid.h"

/* Of n bytes under a key of any length: CASG_ENOMEM, or 0. */
int casg_hmac_sha256(const void *key, size_t nkey, const void *p, size_t n,
		     struct casg_oid *out, struct casg_err *err);

#endif
