/*
 * Multi-pack indexes.  The input is a file whose checksums are put right, as
 * the last block ends where the input does.  Nothing one says may end in a crash.
 */
#include "forge.h"
#include "multidx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct casg_multidx *m)
{
	struct casg_err err = CASG_ERR_INIT;
	uint32_t packs[8];
	struct casg_oid id;
	size_t n;

	for (uint32_t i = 0; i < m->npacks && i < 100; i++)
		casg_multidx_pack(m, i, &id, &err);
	for (unsigned int b = 0; b < 256; b++) {
		id = (struct casg_oid){ { (uint8_t)b, (uint8_t)(b * 7), (uint8_t)(b & 1) } };
		if (casg_multidx_find(m, &id, packs, 8, &n, &err))
			continue;
		require(n <= m->nentries, "more than there are");
		for (size_t i = 0; i < n && i < 8; i++)
			require(packs[i] < m->npacks, "a pack beyond the last");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_err err = CASG_ERR_INIT;
	size_t whole = size / CASG_BLOCK, rest = size % CASG_BLOCK;
	struct casg_multidx m;
	uint8_t *file = malloc(size ? size : 1);

	if (size)
		memcpy(file, data, size);
	forge_blocks(file, whole);
	if (rest > CASG_BLOCK_SUM) {
		uint8_t *last = file + whole * CASG_BLOCK;

		casg_put_le64(last + rest - CASG_BLOCK_SUM,
			      casg_xxh64(whole, last, rest - CASG_BLOCK_SUM));
	}
	if (!casg_multidx_open(&m, file, size, &err)) {
		ask(&m);
		casg_multidx_release(&m);
	} else {
		require(*err.msg, "refused without a reason");
	}
	free(file);
	return 0;
}
