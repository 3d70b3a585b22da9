/*
 * taxaidx - which records carry a taxon: the bytes of the index.
 *
 * The index of one version lists, for each taxon id that its records carry,
 * their ranks in the record tree, ascending, each with its position in the
 * file.  Records without any taxon are listed under "".  Ids are text as
 * declared, in ascending order of their bytes.
 *
 * The byte layout is casgformat-index(5); every block of the file carries a
 * checksum (blocks.h).  Pure: no I/O.  Threads: reading is safe from any
 * number.
 */
#ifndef CASG_TAXAIDX_H
#define CASG_TAXAIDX_H

#include <stdint.h>

#include "blocks.h"
#include "buf.h"
#include "err.h"
#include "oid.h"

#define CASG_TAXAIDX_VERSION 1
#define CASG_TAXAIDX_HEADSZ 80
#define CASG_TAXAIDX_ID_MAX 65535 /* bytes of a taxon id */

struct casg_taxaidx_head {
	struct casg_oid key;   /* what it was made from */
	uint64_t nrecords;     /* of the version */
	uint64_t nentries;     /* a record of a taxon */
	uint64_t ntaxa;
	uint64_t ntext;        /* bytes of all ids */
	int in_order;          /* the file is in the order of the tree */
};

struct casg_taxaidx {
	struct casg_taxaidx_head head;
	struct casg_blocks blocks;
	size_t width;          /* bytes of a rank */
	size_t entry_size;
	struct casg_place at_entries, at_text, at_taxa;
};

/* 'data' is borrowed until release. */
int casg_taxaidx_open(struct casg_taxaidx *x, const uint8_t *data, uint64_t nbytes,
		     struct casg_err *err);
void casg_taxaidx_release(struct casg_taxaidx *x);

/* A taxon, by its number in the order of ids; its entries are first .. first + n - 1. */
struct casg_taxaidx_taxon {
	uint64_t first, n;
};

/* Append the id of taxon i to 'id' (may be NULL). */
int casg_taxaidx_taxon(struct casg_taxaidx *x, uint64_t i, struct casg_taxaidx_taxon *out,
		      struct casg_buf *id, struct casg_err *err);
/* 1 and its number, 0 when no record carries it. */
int casg_taxaidx_find(struct casg_taxaidx *x, const char *id, size_t n, uint64_t *i_out,
		     struct casg_err *err);
int casg_taxaidx_entry(struct casg_taxaidx *x, uint64_t e, uint64_t *rank_out,
		      uint64_t *position_out, struct casg_err *err);

/*
 * Writing, in three runs: all entries, taxon after taxon; all ids, one behind
 * the other; and where each taxon begins, with a last one that begins where
 * the last ends.  'out' holds whole blocks and the one under way; what is
 * whole may be taken from its front at any time.
 */
struct casg_taxaidx_writer {
	struct casg_blocks_writer blocks;
	struct casg_taxaidx_head head;
	size_t width;
};

/* Of *head, key, nrecords and in_order count. */
void casg_taxaidx_begin(struct casg_taxaidx_writer *w, const struct casg_taxaidx_head *head,
		       struct casg_buf *out);
void casg_taxaidx_put_entry(struct casg_taxaidx_writer *w, uint64_t rank, uint64_t position);
void casg_taxaidx_put_text(struct casg_taxaidx_writer *w, const void *p, size_t n);
void casg_taxaidx_put_taxon(struct casg_taxaidx_writer *w, uint64_t text, uint64_t first);
/* Ends the last block.  The header, which is in the first, is put in there now. */
void casg_taxaidx_end(struct casg_taxaidx_writer *w);
void casg_taxaidx_seal_head(const struct casg_taxaidx_writer *w, uint8_t block[CASG_BLOCK]);

#endif
