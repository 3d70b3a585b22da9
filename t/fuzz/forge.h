/* forge - put checksums right, so that a fuzzer gets behind them. */
#ifndef CASG_FORGE_H
#define CASG_FORGE_H

#include <stdio.h>
#include <stdlib.h>

#include "blocks.h"
#include "chunk.h"
#include "endian.h"
#include "sum.h"

/* The chunk in p[0..n): its stored length and its checksum. */
__attribute__((unused))
static void forge_chunk(uint8_t *p, size_t n)
{
	casg_put_le64(p + 16, n - CASG_CHUNK_HEADSZ);
	casg_put_le64(p + 24, casg_xxh64(casg_xxh64(0, p, 24), p + CASG_CHUNK_HEADSZ,
					 n - CASG_CHUNK_HEADSZ));
}

__attribute__((unused))
static void forge_blocks(uint8_t *p, size_t nblocks)
{
	for (size_t k = 0; k < nblocks; k++, p += CASG_BLOCK)
		casg_put_le64(p + CASG_BLOCK_PAYLOAD, casg_xxh64(k, p, CASG_BLOCK_PAYLOAD));
}

__attribute__((unused))
static void require(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

#endif
