/*
 * Of OpenSSL's two interfaces to SHA-256 this is the older one.  The newer one,
 * EVP, does the same work behind dispatch that takes 100 ns a digest, with a
 * context that is kept, too; most digests here are of less than 100 bytes, which
 * take as long as that, and there are five of them for each record.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "oid.h"

#include <stdlib.h>

#include <openssl/sha.h>

#include "endian.h"
#include "hex.h"

struct casg_hasher {
	SHA256_CTX sha;
};

struct casg_hasher *casg_hasher_new(void)
{
	return calloc(1, sizeof(struct casg_hasher));
}

void casg_hasher_free(struct casg_hasher *h)
{
	free(h);
}

void casg_hasher_init(struct casg_hasher *h)
{
	SHA256_Init(&h->sha);
}

void casg_hasher_update(struct casg_hasher *h, const void *p, size_t nbytes)
{
	SHA256_Update(&h->sha, p, nbytes);
}

void casg_hasher_final(struct casg_hasher *h, struct casg_oid *oid_out)
{
	SHA256_Final(oid_out->b, &h->sha);
}

void casg_hasher_peek(const struct casg_hasher *h, struct casg_oid *oid_out)
{
	struct casg_hasher copy = *h;

	casg_hasher_final(&copy, oid_out);
}

void casg_hasher_digest(struct casg_hasher *h, const void *p, size_t nbytes,
			struct casg_oid *oid_out)
{
	casg_hasher_init(h);
	casg_hasher_update(h, p, nbytes);
	casg_hasher_final(h, oid_out);
}

uint64_t casg_oid_prefix(const struct casg_oid *oid)
{
	return casg_get_be64(oid->b);
}

char *casg_oid_hex(const struct casg_oid *oid, char *hex_out)
{
	casg_hex_encode(hex_out, oid->b, CASG_OID_RAWSZ);
	hex_out[CASG_OID_HEXSZ] = '\0';
	return hex_out;
}

void casg_oid_addhex(struct casg_buf *b, const struct casg_oid *oid)
{
	char hex[CASG_OID_HEXSZ + 1];

	casg_buf_add(b, casg_oid_hex(oid, hex), CASG_OID_HEXSZ);
}

int casg_oid_parse(struct casg_oid *oid_out, const char *hex, size_t len)
{
	if (len != CASG_OID_HEXSZ)
		return -1;
	return casg_hex_decode(oid_out->b, hex, CASG_OID_RAWSZ);
}
