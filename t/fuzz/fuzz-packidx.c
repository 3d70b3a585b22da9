/*
 * Pack indexes.  The input is the payload of each block: two bytes of length
 * (little-endian), the bytes; the rest of the block is zeros, unless it is the
 * last one and the version 3 or later, and checksums are put right.  Nothing an index says may end in a crash.
 */
#include "forge.h"
#include "packidx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct casg_packidx *x)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_idx_chunk c;
	struct casg_idx_node n;
	uint32_t lo, hi, object, chunk, member;

	for (uint32_t i = 0; i < x->nchunks && i < 100; i++) {
		if (casg_packidx_chunk(x, i, &c, &err))
			continue;
		if (casg_packidx_find_chunk(x, &c.id, &chunk, &err) == 1)
			require(chunk < x->nchunks, "a chunk beyond the last");
	}
	for (uint32_t i = 0; i < x->nnodes && i < 100; i++)
		if (!casg_packidx_node(x, i, &n, &err))
			casg_packidx_find_node(x, &n.id, &n, &err);
	for (uint32_t i = 0; i < x->nnodes && i < 100; i++)
		if (!casg_packidx_node_at(x, i, &n, &err))
			require(n.chunk < x->nchunks, "a node beyond the last chunk");
	for (unsigned int b = 0; b < 256; b++) {
		struct casg_oid id = { { (uint8_t)b, (uint8_t)(b * 7), (uint8_t)(b & 1) } };

		if (casg_packidx_candidates(x, &id, &lo, &hi, &err))
			continue;
		require(lo <= hi && hi <= x->nobjects, "candidates out of range");
		for (; lo < hi && lo < 1000; lo++)
			if (!casg_packidx_slot(x, lo, &object, &err) &&
			    !casg_packidx_locate(x, object, &chunk, &member, &err))
				require(object < x->nobjects && chunk < x->nchunks,
					"a place out of range");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_packidx x;
	const uint8_t *p = data, *end = data + size;
	uint8_t *file = NULL;
	size_t nblocks = 0, nbytes = 0;

	while (end - p >= 2 && nblocks < 64) {
		size_t n = (size_t)p[0] | (size_t)p[1] << 8;

		p += 2;
		if (n > (size_t)(end - p) || n > CASG_BLOCK_PAYLOAD)
			break;
		file = realloc(file, (nblocks + 1) * CASG_BLOCK);
		memset(file + nblocks * CASG_BLOCK, 0, CASG_BLOCK);
		memcpy(file + nblocks++ * CASG_BLOCK, p, n);
		nbytes = (nblocks - 1) * CASG_BLOCK + n + CASG_BLOCK_SUM;
		p += n;
	}
	if (file) {
		forge_blocks(file, nblocks);
		if (casg_get_le32(file + 8) >= 3) {
			uint8_t *last = file + (nblocks - 1) * CASG_BLOCK;
			size_t n = nbytes % CASG_BLOCK;

			/* exactly so long, for a sanitizer to see what is behind */
			n = (n ? n : CASG_BLOCK) - CASG_BLOCK_SUM;
			casg_put_le64(last + n, casg_xxh64(nblocks - 1, last, n));
			file = realloc(file, nbytes);
		} else {
			nbytes = nblocks * CASG_BLOCK;
		}
		if (!casg_packidx_open(&x, file, nbytes, &err)) {
			ask(&x);
			casg_packidx_release(&x);
		} else {
			require(*err.msg, "refused without a reason");
		}
	}
	free(file);
	return 0;
}
