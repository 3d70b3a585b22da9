/*
 * pack - the immutable file of chunks: constants, header, trailer, piece
 * lists and references.  The byte layout is casgformat-pack(5).
 *
 *   header   16 bytes: "casgpack", version (le32), flags (le32, 0)
 *   chunks   one after the other (chunk.h); a REFS chunk, if any, is last
 *   trailer  16 bytes: "casgend\n", number of chunks (le64)
 *
 * The file is named by the SHA-256 of its bytes.
 *
 * A reference is one number: the pack's REFS chunk lists the chunks it points
 * into, each with its id and number of members, and the members of all of
 * them are numbered one after the other.
 *
 * Pure: no I/O.  Everything decoded here is hostile until checked.
 */
#ifndef CASG_PACK_H
#define CASG_PACK_H

#include <stdint.h>

#include "buf.h"
#include "chunk.h"
#include "err.h"
#include "oid.h"

#define CASG_PACK_VERSION 2 /* written; 1, without linked nodes, is read */
#define CASG_PACK_HEADSZ 16
#define CASG_PACK_TRAILSZ 16
#define CASG_REF_SZ 36 /* a member of a REFS chunk: chunk id, members (le32) */

void casg_pack_head_encode(uint8_t out[CASG_PACK_HEADSZ]);
int casg_pack_head_decode(const uint8_t *p, size_t nbytes, struct casg_err *err);
/* The version of a header that was decoded. */
uint32_t casg_pack_head_version(const uint8_t *p);
void casg_pack_trail_encode(uint8_t out[CASG_PACK_TRAILSZ], uint64_t nchunks);
int casg_pack_trail_decode(const uint8_t *p, size_t nbytes, uint64_t *nchunks_out,
			   struct casg_err *err);

/*
 * A piece list: how a sequence or blob longer than a chunk is put together.
 * The id is stored, since it cannot be recomputed without the pieces, which
 * may lie in other packs.
 */
struct casg_piece {
	uint64_t ref;    /* in the pack that holds the list */
	uint64_t nbytes;
};

struct casg_list {
	uint8_t kind;    /* CASG_CHUNK_SEQ or CASG_CHUNK_BLOB */
	struct casg_oid id;
	uint64_t nbytes;
	struct casg_piece *pieces;
	size_t npieces;
	size_t cap;
};

void casg_list_encode(const struct casg_list *l, struct casg_buf *out);
/* Replaces what *l held; release frees it. */
int casg_list_decode(struct casg_list *l, const uint8_t *p, size_t nbytes,
		     struct casg_err *err);
void casg_list_release(struct casg_list *l);

#endif
