#include "pack.h"

#include <stdlib.h>

#include "array.h"
#include "endian.h"
#include "varint.h"

static const char head_magic[8] = { 'c', 'a', 's', 'g', 'p', 'a', 'c', 'k' };
static const char trail_magic[8] = { 'c', 'a', 's', 'g', 'e', 'n', 'd', '\n' };

void casg_pack_head_encode(uint8_t out[CASG_PACK_HEADSZ])
{
	memcpy(out, head_magic, 8);
	casg_put_le32(out + 8, CASG_PACK_VERSION);
	casg_put_le32(out + 12, 0);
}

int casg_pack_head_decode(const uint8_t *p, size_t nbytes, struct casg_err *err)
{
	if (nbytes < CASG_PACK_HEADSZ || memcmp(p, head_magic, 8))
		return casg_err_set(err, CASG_ENOTOURS, "it is not a casg pack");
	if (!casg_get_le32(p + 8) || casg_get_le32(p + 8) > CASG_PACK_VERSION)
		return casg_err_set(err, CASG_EUNSUPPORTED, "unsupported pack version %u",
				    casg_get_le32(p + 8));
	if (casg_get_le32(p + 12))
		return casg_err_set(err, CASG_EUNSUPPORTED, "unsupported pack flags 0x%x",
				    casg_get_le32(p + 12));
	return 0;
}

uint32_t casg_pack_head_version(const uint8_t *p)
{
	return casg_get_le32(p + 8);
}

void casg_pack_trail_encode(uint8_t out[CASG_PACK_TRAILSZ], uint64_t nchunks)
{
	memcpy(out, trail_magic, 8);
	casg_put_le64(out + 8, nchunks);
}

int casg_pack_trail_decode(const uint8_t *p, size_t nbytes, uint64_t *nchunks_out,
			   struct casg_err *err)
{
	if (nbytes != CASG_PACK_TRAILSZ || memcmp(p, trail_magic, 8))
		return casg_err_set(err, CASG_ECORRUPT, "its trailer is missing");
	*nchunks_out = casg_get_le64(p + 8);
	return 0;
}

void casg_list_encode(const struct casg_list *l, struct casg_buf *out)
{
	casg_buf_addch(out, l->kind);
	casg_buf_add(out, l->id.b, CASG_OID_RAWSZ);
	casg_varint_add(out, l->nbytes);
	casg_varint_add(out, l->npieces);
	for (size_t i = 0; i < l->npieces; i++) {
		casg_varint_add(out, l->pieces[i].ref);
		casg_varint_add(out, l->pieces[i].nbytes);
	}
}

static int malformed(struct casg_err *err)
{
	return casg_err_set(err, CASG_ECORRUPT, "corrupt piece list");
}

int casg_list_decode(struct casg_list *l, const uint8_t *p, size_t nbytes,
		     struct casg_err *err)
{
	const uint8_t *end = p + nbytes;
	uint64_t n, total = 0;

	l->npieces = 0;
	if (nbytes < 1 + CASG_OID_RAWSZ)
		return malformed(err);
	l->kind = *p++;
	memcpy(l->id.b, p, CASG_OID_RAWSZ);
	p += CASG_OID_RAWSZ;
	if (l->kind != CASG_CHUNK_SEQ && l->kind != CASG_CHUNK_BLOB)
		return malformed(err);
	if (casg_varint_get(&p, end, &l->nbytes) || casg_varint_get(&p, end, &n))
		return malformed(err);
	/* a piece takes two bytes at least, so n is bounded by what is there */
	if (n < 2 || n > (uint64_t)(end - p) / 2)
		return malformed(err);
	if (CASG_GROW(l->pieces, n, l->cap))
		return casg_err_nomem(err);
	for (uint64_t i = 0; i < n; i++) {
		struct casg_piece *q = &l->pieces[i];

		if (casg_varint_get(&p, end, &q->ref) ||
		    casg_varint_get(&p, end, &q->nbytes) ||
		    !q->nbytes || q->nbytes > CASG_CHUNK_RAW_MAX)
			return malformed(err);
		total += q->nbytes;
	}
	if (p != end || total != l->nbytes)
		return malformed(err);
	l->npieces = (size_t)n;
	return 0;
}

void casg_list_release(struct casg_list *l)
{
	free(l->pieces);
	memset(l, 0, sizeof(*l));
}
