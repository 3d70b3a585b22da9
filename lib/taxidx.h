/*
 * taxidx - the bytes of the index that taxonomies are looked up in.
 *
 * A file of checked blocks (blocks.h), and behind it the text that these refer
 * to, padded to whole blocks, each with its checksum in the array 'sums'.  All
 * numbers are little-endian; a text is 48 bits of offset and, below them, 16
 * of length.  casgformat-index(5) is the page.
 *
 * Pure.  The decoder treats the file as hostile.
 */
#ifndef CASG_TAXIDX_H
#define CASG_TAXIDX_H

#include <stddef.h>
#include <stdint.h>

#include "blocks.h"
#include "err.h"
#include "oid.h"

#define CASG_TAXIDX_VERSION 1
#define CASG_TAXIDX_TEXT_MAX 65535  /* bytes of an id, rank or name */
#define CASG_TAXIDX_RANKS_MAX 65535

enum casg_taxidx_array {
	CASG_TAXIDX_HEAD,
	CASG_TAXIDX_NODES,   /* in preorder: parent, end (32 bits each), id, name (text), rank (32) */
	CASG_TAXIDX_BYID,    /* ascending by id: number of the taxon (32) */
	CASG_TAXIDX_GONE,    /* ascending by id: id (text), the taxon it went into, or ~0 (32) */
	CASG_TAXIDX_NAMES,   /* ascending by name without case: name (text), taxon (32) */
	CASG_TAXIDX_RANKS,   /* text */
	CASG_TAXIDX_SUMS,    /* XXH3-64 of each 4096 bytes of text, seeded with its number */
	CASG_TAXIDX_NARRAYS
};

/* Bytes of an entry. */
extern const size_t casg_taxidx_size[CASG_TAXIDX_NARRAYS];

struct casg_taxidx {
	struct casg_oid root;                        /* of the tree it is of */
	uint64_t n[CASG_TAXIDX_NARRAYS];             /* entries */
	uint64_t nmerged;
	uint64_t text_nbytes;
	struct casg_place at[CASG_TAXIDX_NARRAYS];   /* follows from n */
	uint64_t nblocks;                            /* before the text; likewise */
};

/* Set what follows from n and text_nbytes. */
void casg_taxidx_place(struct casg_taxidx *x);
/* Bytes of the whole file. */
uint64_t casg_taxidx_nbytes(const struct casg_taxidx *x);

/* The first entry. */
void casg_taxidx_encode_head(const struct casg_taxidx *x, uint8_t *out);
/*
 * Read the head of a file of 'nbytes' bytes.  CASG_ENOTOURS, CASG_EUNSUPPORTED,
 * CASG_ECORRUPT when the file is not as long as the head says.
 */
int casg_taxidx_decode_head(struct casg_taxidx *x, const uint8_t *p, uint64_t nbytes,
			    struct casg_err *err);

/* What names are found by: ASCII letters in lower case. */
static inline uint8_t casg_taxidx_fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

#endif
