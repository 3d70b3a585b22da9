/*
 * blocks - fixed-size entries in checked 4 KiB blocks.
 *
 * Derived files (pack indexes, lists of ids) are arrays that are read at
 * random through mmap.  One checksum over the file would have to read it all;
 * so every block of 4096 bytes ends with the XXH3-64 of its first 4088 bytes,
 * seeded with the block's number, and is checked when first touched.  A
 * damaged block is an error that names it, never another answer.
 *
 * Pure: the caller maps the file.  Threads: reading is safe from any number.
 */
#ifndef CASG_BLOCKS_H
#define CASG_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define CASG_BLOCK 4096u
#define CASG_BLOCK_PAYLOAD 4088u
#define CASG_BLOCK_SUM 8u

struct casg_blocks {
	const uint8_t *base; /* borrowed */
	uint64_t nblocks;
	size_t last;         /* payload bytes of the last block */
	uint8_t *checked;    /* a flag a block */
};

/* nbytes must be a whole number of blocks, at least one. */
int casg_blocks_init(struct casg_blocks *b, const uint8_t *base, uint64_t nbytes,
		     struct casg_err *err);
/*
 * The same of a file whose last block may be short: its checksum stands right
 * behind its payload.  The caller then never asks for what is behind the last
 * entry of the last array.
 */
int casg_blocks_init_short(struct casg_blocks *b, const uint8_t *base, uint64_t nbytes,
			   struct casg_err *err);
void casg_blocks_release(struct casg_blocks *b);

/* 0 if a block that was read apart, number k, is sound; else -1. */
int casg_block_check(const uint8_t block[CASG_BLOCK], uint64_t k);

/* Check block k, unless that was done; 0 or CASG_ECORRUPT. */
int casg_blocks_check(struct casg_blocks *b, uint64_t k, struct casg_err *err);

/*
 * Where an array begins.  Arrays lie one behind the other, so one may begin
 * inside a block; an entry never crosses the end of one.
 */
struct casg_place {
	uint64_t block;
	uint64_t offset; /* in the block's payload */
};

/* The place of entry i of an array of entries of 'size' bytes. */
static inline struct casg_place casg_place_of(struct casg_place a, uint64_t i, size_t size)
{
	uint64_t per = CASG_BLOCK_PAYLOAD / size;
	uint64_t here = (CASG_BLOCK_PAYLOAD - a.offset) / size;

	if (i < here) {
		a.offset += i * size;
		return a;
	}
	i -= here;
	a.block += 1 + i / per;
	a.offset = i % per * size;
	return a;
}

/* The place behind n such entries: where the next array begins. */
struct casg_place casg_place_after(struct casg_place a, uint64_t n, size_t size);

/* The blocks of a file that ends there. */
static inline uint64_t casg_place_blocks(struct casg_place end)
{
	return end.block + (end.offset != 0);
}

/*
 * Entry i of the array that begins at 'a'; NULL with err filled when it is
 * damaged or out of the file.  Inline, for the divisions to be by a constant:
 * this is the hot path of every look-up.
 */
static inline const uint8_t *casg_blocks_entry(struct casg_blocks *b, struct casg_place a,
					       uint64_t i, size_t size,
					       struct casg_err *err)
{
	a = casg_place_of(a, i, size);
	if (a.block >= b->nblocks ||
	    !__atomic_load_n(&b->checked[a.block], __ATOMIC_RELAXED))
		if (casg_blocks_check(b, a.block, err))
			return NULL;
	return b->base + a.block * CASG_BLOCK + a.offset;
}

/* Check every block. */
int casg_blocks_check_all(struct casg_blocks *b, struct casg_err *err);

/*
 * Writing: entries go one after the other into 'out', which holds whole blocks
 * once casg_blocks_finish has padded and sealed the last.  Begin with
 * { out, 0, 0 }.
 */
struct casg_blocks_writer {
	struct casg_buf *out;
	uint64_t block; /* number of the block under way */
	size_t fill;    /* payload bytes in it */
};

void casg_blocks_put(struct casg_blocks_writer *w, const void *entry, size_t size);
void casg_blocks_finish(struct casg_blocks_writer *w);
/* The same, but the last block is as short as what is in it allows. */
void casg_blocks_finish_short(struct casg_blocks_writer *w);

#endif
