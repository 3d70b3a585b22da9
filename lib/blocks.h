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

struct casg_blocks {
	const uint8_t *base; /* borrowed */
	uint64_t nblocks;
	uint8_t *checked;    /* a flag a block */
};

/* nbytes must be a whole number of blocks, at least one. */
int casg_blocks_init(struct casg_blocks *b, const uint8_t *base, uint64_t nbytes,
		     struct casg_err *err);
void casg_blocks_release(struct casg_blocks *b);

/* Check block k, unless that was done; 0 or CASG_ECORRUPT. */
int casg_blocks_check(struct casg_blocks *b, uint64_t k, struct casg_err *err);

/*
 * Entry i (of 'size' bytes, never across blocks) of the array that starts at
 * block 'first'; NULL with err filled when it is damaged or out of the file.
 * Inline, for the divisions to be by a constant: this is the hot path of
 * every look-up.
 */
static inline const uint8_t *casg_blocks_entry(struct casg_blocks *b, uint64_t first,
					       uint64_t i, size_t size,
					       struct casg_err *err)
{
	uint64_t per = CASG_BLOCK_PAYLOAD / size;
	uint64_t k = first + i / per;

	if (k >= b->nblocks || !__atomic_load_n(&b->checked[k], __ATOMIC_RELAXED))
		if (casg_blocks_check(b, k, err))
			return NULL;
	return b->base + k * CASG_BLOCK + i % per * size;
}

/* The blocks that n entries of 'size' bytes take. */
uint64_t casg_blocks_needed(uint64_t n, size_t size);

/* Check every block. */
int casg_blocks_check_all(struct casg_blocks *b, struct casg_err *err);

/*
 * Writing: entries go one after the other into 'out', which always holds
 * whole blocks once casg_blocks_close_array has padded and sealed the last.
 * 'block' is the number of the first block in 'out' (for writing in parts).
 */
struct casg_blocks_writer {
	struct casg_buf *out;
	uint64_t block; /* number of the block under way */
	size_t fill;    /* payload bytes in it */
};

void casg_blocks_put(struct casg_blocks_writer *w, const void *entry, size_t size);
void casg_blocks_close_array(struct casg_blocks_writer *w);

#endif
