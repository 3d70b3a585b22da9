/*
 * chunk - the unit of compression and of fetching: bytes <-> members.
 *
 * A chunk holds members of one kind: pieces of sequences, piece lists, tree
 * nodes in stored form, opaque blobs, or references to other chunks.  Its id
 * is the RFC 6962 root over the SHA-256 of its uncompressed members, so it
 * survives recompression.  The byte layout is casgformat-pack(5).
 *
 * Everything here is pure: no I/O.  The decoder treats its input as hostile:
 * it checks every length against the limits below before allocating, and
 * accepts exactly what the encoder emits.
 *
 * Threads: one casg_coder a thread; a decoded casg_chunk is read-only and may
 * be shared.
 */
#ifndef CASG_CHUNK_H
#define CASG_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "merkle.h"
#include "err.h"
#include "oid.h"

#define CASG_CHUNK_HEADSZ 32
#define CASG_CHUNK_RAW_MAX ((uint64_t)64 << 20)  /* uncompressed bytes */
#define CASG_CHUNK_MEMBERS_MAX ((uint32_t)1 << 20)
#define CASG_CHUNK_STREAMS_MAX 8

enum casg_chunk_kind {
	CASG_CHUNK_SEQ = 1,  /* sequences, or pieces of long ones */
	CASG_CHUNK_LIST = 2, /* piece lists of long sequences and blobs */
	CASG_CHUNK_NODE = 3, /* tree nodes in stored form */
	CASG_CHUNK_BLOB = 4, /* opaque bytes, or pieces of them */
	CASG_CHUNK_REFS = 5, /* the ids of chunks this pack refers to */
	CASG_CHUNK_ORDER = 6, /* order objects as differences from others (orderdelta.h) */
	CASG_CHUNK_KIND_MAX = CASG_CHUNK_ORDER
};

enum casg_chunk_layout {
	CASG_LAYOUT_PLAIN = 0,   /* lengths, bytes */
	CASG_LAYOUT_DNA2 = 1,    /* lengths, two bits a base, exceptions */
	CASG_LAYOUT_COLUMNS = 2, /* lengths, then one stream a column */
	CASG_LAYOUT_LINKED = 3,  /* the same; some members are linked nodes (nodelink.h) */
	CASG_LAYOUT_LINKED_OUT = 4 /* and some of their bases are not in this pack */
};

#define CASG_COLUMNS 4 /* of a node member: structure, keys, descriptions, refs */

const char *casg_chunk_kind_name(int kind);

struct casg_chunk_head {
	uint8_t kind, layout, nstreams;
	uint32_t nmembers;
	uint64_t nraw;    /* uncompressed bytes of all members */
	uint64_t nstored; /* bytes after the header: stream table and streams */
	uint64_t sum;     /* XXH3-64 of the header before it and what follows */
};


/* Where an object or node lies: pack (as numbered in a store), chunk, member. */
struct casg_loc {
	uint32_t pack, chunk, member;
};

static inline int casg_loc_eq(const struct casg_loc *a, const struct casg_loc *b)
{
	return a->pack == b->pack && a->chunk == b->chunk && a->member == b->member;
}

struct casg_coder; /* compression contexts, a hasher, scratch room */

struct casg_coder *casg_coder_new(void); /* NULL: out of memory */
void casg_coder_free(struct casg_coder *c);
struct casg_hasher *casg_coder_hasher(struct casg_coder *c);

/*
 * Append one encoded chunk to 'out'.  'level' is 0 (store) to 19 (zstd's).
 * For SEQ, 'dna' says that two bits a base is worth trying; the smaller of
 * the candidates is kept.  'oids' are the members' SHA-256s when the caller
 * has them, or NULL.  The chunk id goes to id_out.
 */
int casg_chunk_encode(struct casg_coder *c, int kind, int dna, int level,
		      const struct casg_slice *members, uint32_t nmembers,
		      const struct casg_oid *oids, struct casg_buf *out,
		      struct casg_oid *id_out, struct casg_err *err);

/*
 * The same for NODE: each member is CASG_COLUMNS slices, members[4 * i + j];
 * the member's bytes are its columns one after the other.  'layout' is one of
 * the last three.
 */
int casg_chunk_encode_nodes(struct casg_coder *c, int layout, int level,
			    const struct casg_slice *columns, uint32_t nmembers,
			    struct casg_buf *out, struct casg_oid *id_out,
			    struct casg_err *err);

/*
 * Read a header from the first CASG_CHUNK_HEADSZ of nbytes bytes.  Unknown
 * kinds and layouts are CASG_EUNSUPPORTED, by number.
 */
int casg_chunk_head_decode(struct casg_chunk_head *h, const uint8_t *p,
			   size_t nbytes, struct casg_err *err);

/* The quick check: does the checksum in the header match header and payload? */
int casg_chunk_check_sum(const struct casg_chunk_head *h, const uint8_t *chunk,
			 struct casg_err *err);

struct casg_chunk {
	uint8_t kind, layout;
	uint32_t nmembers;
	uint64_t *offset;      /* nmembers + 1: member i is data[offset[i]..) */
	uint8_t *data;
	uint32_t *column;      /* NODE: CASG_COLUMNS lengths a member; or NULL */
	struct casg_oid *oids; /* SHA-256 of each member, once hashed; or NULL */
	void *owner;           /* the cache that keeps it; or NULL */
};

/* Decode a whole chunk (header and payload); the caller frees it. */
int casg_chunk_decode(struct casg_coder *c, const uint8_t *p, size_t nbytes,
		      struct casg_chunk **out, struct casg_err *err);
void casg_chunk_free(struct casg_chunk *ch);

/* Fill ch->oids (idempotent). */
int casg_chunk_hash(struct casg_coder *c, struct casg_chunk *ch, struct casg_err *err);

/* The chunk id from the members' SHA-256s. */
void casg_chunk_id(struct casg_hasher *h, const struct casg_oid *oids, uint32_t n,
		   struct casg_oid *id_out);

static inline uint64_t casg_chunk_len(const struct casg_chunk *ch, uint32_t i)
{
	return ch->offset[i + 1] - ch->offset[i];
}

#endif
