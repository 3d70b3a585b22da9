#include "taxidx.h"

#include <string.h>

#include "endian.h"

static const char magic[8] = "casgtaxi";

const size_t casg_taxidx_size[CASG_TAXIDX_NARRAYS] = {
	[CASG_TAXIDX_HEAD] = 96, [CASG_TAXIDX_NODES] = 28, [CASG_TAXIDX_BYID] = 4,
	[CASG_TAXIDX_GONE] = 12, [CASG_TAXIDX_NAMES] = 12, [CASG_TAXIDX_RANKS] = 8,
	[CASG_TAXIDX_SUMS] = 8,
};

static uint64_t text_blocks(const struct casg_taxidx *x)
{
	return (x->text_nbytes + CASG_BLOCK - 1) / CASG_BLOCK;
}

void casg_taxidx_place(struct casg_taxidx *x)
{
	struct casg_place at = { 0, 0 };

	x->n[CASG_TAXIDX_HEAD] = 1;
	x->n[CASG_TAXIDX_BYID] = x->n[CASG_TAXIDX_NODES];
	x->n[CASG_TAXIDX_SUMS] = text_blocks(x);
	for (int a = 0; a < CASG_TAXIDX_NARRAYS; a++) {
		x->at[a] = at;
		at = casg_place_after(at, x->n[a], casg_taxidx_size[a]);
	}
	x->nblocks = casg_place_blocks(at);
}

uint64_t casg_taxidx_nbytes(const struct casg_taxidx *x)
{
	return (x->nblocks + text_blocks(x)) * CASG_BLOCK;
}

void casg_taxidx_encode_head(const struct casg_taxidx *x, uint8_t *out)
{
	memset(out, 0, casg_taxidx_size[CASG_TAXIDX_HEAD]);
	memcpy(out, magic, 8);
	casg_put_le32(out + 8, CASG_TAXIDX_VERSION);
	casg_put_le32(out + 12, (uint32_t)x->n[CASG_TAXIDX_RANKS]);
	memcpy(out + 16, x->root.b, 32);
	casg_put_le64(out + 48, x->n[CASG_TAXIDX_NODES]);
	casg_put_le64(out + 56, x->n[CASG_TAXIDX_GONE]);
	casg_put_le64(out + 64, x->n[CASG_TAXIDX_NAMES]);
	casg_put_le64(out + 72, x->nmerged);
	casg_put_le64(out + 80, x->text_nbytes);
}

int casg_taxidx_decode_head(struct casg_taxidx *x, const uint8_t *p, uint64_t nbytes,
			    struct casg_err *err)
{
	memset(x, 0, sizeof(*x));
	if (nbytes < CASG_BLOCK || memcmp(p, magic, 8))
		return casg_err_set(err, CASG_ENOTOURS, "not an index of a taxonomy");
	if (casg_get_le32(p + 8) != CASG_TAXIDX_VERSION)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "index of a taxonomy, version %u, is not supported",
				    (unsigned)casg_get_le32(p + 8));
	if (casg_block_check(p, 0))
		return casg_err_set(err, CASG_ECORRUPT, "block 0 is damaged");
	memcpy(x->root.b, p + 16, 32);
	x->n[CASG_TAXIDX_RANKS] = casg_get_le32(p + 12);
	x->n[CASG_TAXIDX_NODES] = casg_get_le64(p + 48);
	x->n[CASG_TAXIDX_GONE] = casg_get_le64(p + 56);
	x->n[CASG_TAXIDX_NAMES] = casg_get_le64(p + 64);
	x->nmerged = casg_get_le64(p + 72);
	x->text_nbytes = casg_get_le64(p + 80);
	/* each entry takes room in the file, so nothing overflows below */
	for (int a = 0; a < CASG_TAXIDX_NARRAYS; a++)
		if (x->n[a] > nbytes)
			return casg_err_set(err, CASG_ECORRUPT, "it counts more than it holds");
	if (x->text_nbytes > nbytes || x->n[CASG_TAXIDX_NODES] >= UINT32_MAX)
		return casg_err_set(err, CASG_ECORRUPT, "it counts more than it holds");
	casg_taxidx_place(x);
	if (casg_taxidx_nbytes(x) != nbytes)
		return casg_err_set(err, CASG_ECORRUPT, "it is not as long as it says");
	return 0;
}
