#include "hmac.h"

#include <string.h>

#define BLOCK 64 /* bytes of SHA-256's input block */

static void pad(uint8_t *out, const uint8_t *key, uint8_t with)
{
	for (size_t i = 0; i < BLOCK; i++)
		out[i] = key[i] ^ with;
}

int casg_hmac_sha256(const void *key, size_t nkey, const void *p, size_t n,
		     struct casg_oid *out, struct casg_err *err)
{
	struct casg_hasher *h = casg_hasher_new();
	uint8_t k[BLOCK] = { 0 }, padded[BLOCK];
	struct casg_oid inner;

	if (!h)
		return casg_err_nomem(err);
	if (nkey > BLOCK) {
		casg_hasher_digest(h, key, nkey, &inner);
		memcpy(k, inner.b, sizeof(inner.b));
	} else if (nkey) {
		memcpy(k, key, nkey);
	}
	pad(padded, k, 0x36);
	casg_hasher_init(h);
	casg_hasher_update(h, padded, BLOCK);
	casg_hasher_update(h, p, n);
	casg_hasher_final(h, &inner);
	pad(padded, k, 0x5c);
	casg_hasher_init(h);
	casg_hasher_update(h, padded, BLOCK);
	casg_hasher_update(h, inner.b, sizeof(inner.b));
	casg_hasher_final(h, out);
	casg_hasher_free(h);
	return 0;
}
