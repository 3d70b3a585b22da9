/*
 * ipfsname - names of blocks in IPFS, and the two texts that make objects of
 * blocks: a list of blocks, and an index of objects.
 *
 * A block is at most CASG_IPFS_BLOCK_MAX bytes, and its CID is made of the
 * SHA-256 of its bytes alone: version 1, codec raw (0x55), sha2-256 (0x12),
 * 32 bytes, in base32 with the letter 'b' in front.  casg-remote-ipfs(1) has
 * the texts.  A parser accepts exactly what the formatters here emit.
 *
 * Pure.  Threads: reentrant.  Reference: the CID specification, multiformats.
 */
#ifndef CASG_IPFSNAME_H
#define CASG_IPFSNAME_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"

#define CASG_IPFS_BLOCK_MAX 1000000u
#define CASG_IPFS_CID_SIZE 60          /* with its NUL */

/* 'out' has room for CASG_IPFS_CID_SIZE; returned. */
char *casg_ipfs_cid(const struct casg_oid *id, char *out);
/*
 * A CID of the same kind in base32 ('b'), or in base58btc ('z'), as some nodes
 * answer: 0, or -1.
 */
int casg_ipfs_cid_parse(struct casg_oid *out, const char *s, size_t n);

/* ---- "casg-blocks 1 BYTES SHA256", and the SHA-256 of each block, a line each */

struct casg_ipfs_blocks {
	uint64_t nbytes;          /* of the object */
	struct casg_oid sha256;   /* of the object */
	uint64_t n;               /* blocks: all full but the last */
	const char *ids;          /* in the text that was parsed */
};

/* The largest object whose list fits in a block. */
uint64_t casg_ipfs_object_max(void);
void casg_ipfs_blocks_begin(struct casg_buf *out, uint64_t nbytes, const struct casg_oid *sha256);
void casg_ipfs_blocks_add(struct casg_buf *out, const struct casg_oid *block);
/* CASG_ECORRUPT.  The text must stay. */
int casg_ipfs_blocks_parse(struct casg_ipfs_blocks *b, const void *text, size_t n,
			   struct casg_err *err);
void casg_ipfs_block(const struct casg_ipfs_blocks *b, uint64_t i, struct casg_oid *out);

/* ---- "casg-ipfs 1", and "NAME BYTES LIST" of each object, a line each, sorted */

struct casg_ipfs_entry {
	const char *name;        /* not NUL-terminated */
	size_t nname;
	uint64_t nbytes;
	struct casg_oid list;    /* the SHA-256 of its list of blocks */
};

void casg_ipfs_index_init(struct casg_buf *index);
/* CASG_ECORRUPT for what is no index. */
int casg_ipfs_index_check(const struct casg_buf *index, struct casg_err *err);
/*
 * The entry at *at (0: the first), which then stands behind it: 1, or 0 at the
 * end.  'index' has been checked.
 */
int casg_ipfs_index_next(const struct casg_buf *index, size_t *at, struct casg_ipfs_entry *e);
/* 1, or 0. */
int casg_ipfs_index_find(const struct casg_buf *index, const char *name, struct casg_ipfs_entry *e);
/* 'out' becomes 'index' with this entry (nbytes, list) or, NULL, without it. */
void casg_ipfs_index_set(const struct casg_buf *index, const char *name,
			 const struct casg_ipfs_entry *e, struct casg_buf *out);

#endif
