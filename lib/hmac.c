#include "hmac.h"

#include <string.h>

#define BLOCK 64 /* bytes of the input block of SHA-256 */

void casg_hmac(struct casg_hasher *h, const void *key, size_t nkey, const void *text,
	       size_t n, struct casg_oid *out)
{
	uint8_t inner[BLOCK] = { 0 }, outer[BLOCK];
	struct casg_oid id;

	if (nkey > BLOCK) {
		casg_hasher_digest(h, key, nkey, &id);
		memcpy(inner, id.b, sizeof(id.b));
	} else if (nkey) {
		memcpy(inner, key, nkey);
	}
	for (int i = 0; i < BLOCK; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	casg_hasher_init(h);
	casg_hasher_update(h, inner, BLOCK);
	casg_hasher_update(h, text, n);
	casg_hasher_final(h, &id);
	casg_hasher_init(h);
	casg_hasher_update(h, outer, BLOCK);
	casg_hasher_update(h, id.b, sizeof(id.b));
	casg_hasher_final(h, out);
}
