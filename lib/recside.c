#include "recside.h"

#include <string.h>

#include "endian.h"
#include "taxon.h"

int casg_recside_same_desc(const struct casg_recside *a, const struct casg_recside *b)
{
	return a->dlen == b->dlen && (!a->dlen || !memcmp(a->desc, b->desc, a->dlen));
}

int casg_recside_rec(const struct casg_recside *s, struct casg_rec *out,
		     struct casg_buf *taxon, struct casg_err *err)
{
	casg_buf_reset(taxon);
	casg_taxon_declared(s->key, s->klen, s->desc, s->dlen, taxon);
	*out = (struct casg_rec){
		.key = s->key, .klen = s->klen, .oid = s->oid, .length = s->length,
		.taxon = (const char *)taxon->data, .tlen = taxon->len,
		.pres = s->pres, .plen = s->plen, .desc = s->desc, .dlen = s->dlen,
	};
	return casg_buf_check(taxon, err);
}

void casg_recside_sortkey(const struct casg_recside *s, struct casg_buf *out)
{
	uint8_t occ[4];

	casg_put_be32(occ, s->occurrence);
	casg_buf_add(out, s->key, s->klen);
	/* no key holds NUL: a key sorts before what it begins */
	casg_buf_addch(out, 0);
	casg_buf_add(out, occ, sizeof(occ));
}

enum { HEAD = CASG_OID_RAWSZ + 8 + 12 + 4 + 3 * 8 };

void casg_recside_encode(const struct casg_recside *s, struct casg_buf *out)
{
	uint8_t h[HEAD], *p = h;

	memcpy(p, s->oid.b, CASG_OID_RAWSZ);
	p += CASG_OID_RAWSZ;
	casg_put_be64(p, s->length);
	casg_put_be32(p + 8, s->loc.pack);
	casg_put_be32(p + 12, s->loc.chunk);
	casg_put_be32(p + 16, s->loc.member);
	casg_put_be32(p + 20, s->occurrence);
	casg_put_be64(p + 24, s->klen);
	casg_put_be64(p + 32, s->dlen);
	casg_put_be64(p + 40, s->plen);
	casg_buf_add(out, h, HEAD);
	casg_buf_add(out, s->key, s->klen);
	casg_buf_add(out, s->desc, s->dlen);
	casg_buf_add(out, s->pres, s->plen);
}

int casg_recside_decode(struct casg_recside *s, const uint8_t **pp, const uint8_t *end,
			struct casg_err *err)
{
	const uint8_t *p = *pp;
	uint64_t left, klen, dlen, plen;

	if (end - p < HEAD)
		return casg_err_set(err, CASG_ECORRUPT, "a scratch record is cut short");
	memcpy(s->oid.b, p, CASG_OID_RAWSZ);
	p += CASG_OID_RAWSZ;
	s->length = casg_get_be64(p);
	s->loc.pack = casg_get_be32(p + 8);
	s->loc.chunk = casg_get_be32(p + 12);
	s->loc.member = casg_get_be32(p + 16);
	s->occurrence = casg_get_be32(p + 20);
	klen = casg_get_be64(p + 24);
	dlen = casg_get_be64(p + 32);
	plen = casg_get_be64(p + 40);
	p += HEAD - CASG_OID_RAWSZ;
	left = (uint64_t)(end - p);
	if (klen > left || dlen > left - klen || plen > left - klen - dlen)
		return casg_err_set(err, CASG_ECORRUPT, "a scratch record is cut short");
	s->key = (const char *)p;
	s->klen = (size_t)klen;
	s->desc = s->key + klen;
	s->dlen = (size_t)dlen;
	s->pres = s->desc + dlen;
	s->plen = (size_t)plen;
	*pp = (const uint8_t *)s->pres + plen;
	return 0;
}
