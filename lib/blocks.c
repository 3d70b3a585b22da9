#include "blocks.h"

#include <stdlib.h>

#include "endian.h"
#include "sum.h"

static int init(struct casg_blocks *b, const uint8_t *base, uint64_t nbytes, uint64_t last,
		struct casg_err *err)
{
	b->base = base;
	b->nblocks = (nbytes + CASG_BLOCK - 1) / CASG_BLOCK;
	b->last = (size_t)last - CASG_BLOCK_SUM;
	b->checked = calloc((size_t)b->nblocks, 1);
	return b->checked ? 0 : casg_err_nomem(err);
}

int casg_blocks_init(struct casg_blocks *b, const uint8_t *base, uint64_t nbytes,
		     struct casg_err *err)
{
	memset(b, 0, sizeof(*b));
	if (!nbytes || nbytes % CASG_BLOCK)
		return casg_err_set(err, CASG_ECORRUPT,
				    "it is not a whole number of blocks");
	return init(b, base, nbytes, CASG_BLOCK, err);
}

int casg_blocks_init_short(struct casg_blocks *b, const uint8_t *base, uint64_t nbytes,
			   struct casg_err *err)
{
	uint64_t last = nbytes % CASG_BLOCK ? nbytes % CASG_BLOCK : CASG_BLOCK;

	memset(b, 0, sizeof(*b));
	if (!nbytes || last <= CASG_BLOCK_SUM)
		return casg_err_set(err, CASG_ECORRUPT, "its last block is cut short");
	return init(b, base, nbytes, last, err);
}

void casg_blocks_release(struct casg_blocks *b)
{
	free(b->checked);
	memset(b, 0, sizeof(*b));
}

static int check(const uint8_t *block, size_t payload, uint64_t k)
{
	return casg_xxh64(k, block, payload) == casg_get_le64(block + payload) ? 0 : -1;
}

int casg_block_check(const uint8_t block[CASG_BLOCK], uint64_t k)
{
	return check(block, CASG_BLOCK_PAYLOAD, k);
}

int casg_blocks_check(struct casg_blocks *b, uint64_t k, struct casg_err *err)
{
	const uint8_t *p = b->base + k * CASG_BLOCK;

	if (k >= b->nblocks)
		return casg_err_set(err, CASG_ECORRUPT, "it ends before block %llu",
				    (unsigned long long)k);
	if (__atomic_load_n(&b->checked[k], __ATOMIC_RELAXED))
		return 0;
	if (check(p, k + 1 < b->nblocks ? CASG_BLOCK_PAYLOAD : b->last, k))
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

static void put_sum(struct casg_blocks_writer *w, size_t payload)
{
	uint8_t sum[CASG_BLOCK_SUM];

	if (w->out->failed)
		return;
	casg_put_le64(sum, casg_xxh64(w->block, w->out->data + w->out->len - payload, payload));
	casg_buf_add(w->out, sum, sizeof(sum));
	w->block++;
	w->fill = 0;
}

static void seal(struct casg_blocks_writer *w)
{
	static const uint8_t zeros[CASG_BLOCK_PAYLOAD];

	casg_buf_add(w->out, zeros, CASG_BLOCK_PAYLOAD - w->fill);
	put_sum(w, CASG_BLOCK_PAYLOAD);
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

void casg_blocks_finish_short(struct casg_blocks_writer *w)
{
	if (w->fill)
		put_sum(w, w->fill);
}
