/*
 * Indexes of taxa.  The input is the payload of each block: two bytes of
 * length (little-endian), the bytes; the rest of the block is zeros, and
 * checksums are put right.  Nothing an index says may end in a crash.
 */
#include "forge.h"
#include "taxaidx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct casg_taxaidx *x)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf id = CASG_BUF_INIT;
	struct casg_taxaidx_taxon t;
	uint64_t found, rank, position;

	for (uint64_t i = 0; i < x->head.ntaxa && i < 100; i++) {
		casg_buf_reset(&id);
		if (casg_taxaidx_taxon(x, i, &t, &id, &err))
			continue;
		require(id.len <= CASG_TAXAIDX_ID_MAX, "an id that is too long");
		require(t.n && t.first + t.n <= x->head.nentries, "entries out of range");
		if (casg_taxaidx_find(x, casg_buf_cstr(&id), id.len, &found, &err) == 1)
			require(found < x->head.ntaxa, "a taxon beyond the last");
		for (uint64_t e = 0; e < t.n && e < 1000; e++)
			if (!casg_taxaidx_entry(x, t.first + e, &rank, &position, &err))
				require(rank < x->head.nrecords && position < x->head.nrecords,
					"a record beyond the last");
	}
	casg_buf_release(&id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxaidx x;
	const uint8_t *p = data, *end = data + size;
	uint8_t *file = NULL;
	size_t nblocks = 0;

	while (end - p >= 2 && nblocks < 64) {
		size_t n = (size_t)p[0] | (size_t)p[1] << 8;

		p += 2;
		if (n > (size_t)(end - p) || n > CASG_BLOCK_PAYLOAD)
			break;
		file = realloc(file, (nblocks + 1) * CASG_BLOCK);
		memset(file + nblocks * CASG_BLOCK, 0, CASG_BLOCK);
		memcpy(file + nblocks++ * CASG_BLOCK, p, n);
		p += n;
	}
	if (file) {
		forge_blocks(file, nblocks);
		if (!casg_taxaidx_open(&x, file, nblocks * CASG_BLOCK, &err)) {
			ask(&x);
			casg_taxaidx_release(&x);
		} else {
			require(*err.msg, "refused without a reason");
		}
	}
	free(file);
	return 0;
}
