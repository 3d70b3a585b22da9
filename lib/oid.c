#include "oid.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "endian.h"
#include "hex.h"

struct casg_hasher {
	EVP_MD_CTX *ctx;
	EVP_MD *md;
};

struct casg_hasher *casg_hasher_new(void)
{
	struct casg_hasher *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->ctx = EVP_MD_CTX_new();
	h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	/* a digest that starts once starts always: it allocates nothing more */
	if (!h->ctx || !h->md || !EVP_DigestInit_ex2(h->ctx, h->md, NULL)) {
		casg_hasher_free(h);
		return NULL;
	}
	return h;
}

void casg_hasher_free(struct casg_hasher *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	free(h);
}

void casg_hasher_init(struct casg_hasher *h)
{
	EVP_DigestInit_ex2(h->ctx, NULL, NULL);
}

void casg_hasher_update(struct casg_hasher *h, const void *p, size_t nbytes)
{
	EVP_DigestUpdate(h->ctx, p, nbytes);
}

void casg_hasher_final(struct casg_hasher *h, struct casg_oid *oid_out)
{
	EVP_DigestFinal_ex(h->ctx, oid_out->b, NULL);
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
