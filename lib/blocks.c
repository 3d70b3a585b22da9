#include "blocks.h"

#include <stdlib.h>

#include "endian.h"
#include "sum.h"

int casg_blocks_init(struct casg_blocks *b, const uint8_t *base, uint64_t nbytes,
		     struct casg_err *err)
{
	memset(b, 0, sizeof(*b));
	if (!nbytes || nbytes % CASG_BLOCK)
		return casg_err_set(err, CASG_ECORRUPT,
				    "it is not a whole number of blocks");
	b->base = base;
	b->nblocks = nbytes / CASG_BLOCK;
	b->checked = calloc((size_t)b->nblocks, 1);
	return b->checked ? 0 : casg_err_nomem(err);
}

void casg_blocks_release(struct casg_blocks *b)
{
	free(b->checked);
	memset(b, 0, sizeof(*b));
}

int casg_block_check(const uint8_t block[CASG_BLOCK], uint64_t k)
{
	return casg_xxh64(k, block, CASG_BLOCK_PAYLOAD) ==
		casg_get_le64(block + CASG_BLOCK_PAYLOAD) ? 0 : -1;
}

int casg_blocks_check(struct casg_blocks *b, uint64_t k, struct casg_err *err)
{
	const uint8_t *p = b->base + k * CASG_BLOCK;

	if (k >= b->nblocks)
		return casg_err_set(err, CASG_ECORRUPT, "it ends before block %llu",
				    (unsigned long long)k);
	if (__atomic_load_n(&b->checked[k], __ATOMIC_RELAXED))
		return 0;
	if (casg_block_check(p, k))
		return casg_err_set(err, CASG_ECORRUPT, "block %llu is damaged",
				    (unsigned long long)k);
	__atomic_store_n(&b->checked[k], 1, __ATOMIC_RELAXED);
	return 0;
}

struct casg_place casg_place_after(struct casg_place a, uint64_t n, size_t size)
{
	if (n) {
		a = casg_place_of(a, n - 1, size);
		a.offset += size;
	}
	return a;
}

int casg_blocks_check_all(struct casg_blocks *b, struct casg_err *err)
{
	for (uint64_t k = 0; k < b->nblocks; k++) {
		int rc = casg_blocks_check(b, k, err);

		if (rc)
			return rc;
	}
	return 0;
}

static void seal(struct casg_blocks_writer *w)
{
	static const uint8_t zeros[CASG_BLOCK_PAYLOAD];
	uint8_t sum[8];

	casg_buf_add(w->out, zeros, CASG_BLOCK_PAYLOAD - w->fill);
	if (w->out->failed)
		return;
	casg_put_le64(sum, casg_xxh64(w->block,
				      w->out->data + w->out->len - CASG_BLOCK_PAYLOAD,
				      CASG_BLOCK_PAYLOAD));
	casg_buf_add(w->out, sum, sizeof(sum));
	w->block++;
	w->fill = 0;
}

void casg_blocks_put(struct casg_blocks_writer *w, const void *entry, size_t size)
{
	if (w->fill + size > CASG_BLOCK_PAYLOAD)
		seal(w);
	casg_buf_add(w->out, entry, size);
	w->fill += size;
}

void casg_blocks_finish(struct casg_blocks_writer *w)
{
	if (w->fill)
		seal(w);
}
