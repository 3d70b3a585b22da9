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
#include "script.h"

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
	CASG_LAYOUT_LINKED_OUT = 4,/* and some of their bases are not in this pack */
	CASG_LAYOUT_MATCHED = 5,   /* edit scripts (script.h), exceptions */
	CASG_LAYOUT_MATCHED_DEEP = 6, /* the same; they use what other scripts make */
	CASG_LAYOUT_MAX = CASG_LAYOUT_MATCHED_DEEP
};

#define CASG_COLUMNS 4 /* of a node member: structure, keys, descriptions, refs */

const char *casg_chunk_kind_name(int kind);

/* Edit scripts, which need other chunks of the pack. */
static inline int casg_layout_is_matched(int layout)
{
	return layout == CASG_LAYOUT_MATCHED || layout == CASG_LAYOUT_MATCHED_DEEP;
}

/* The layout as an index has it: of others, it says nothing about what they need. */
static inline uint8_t casg_chunk_noted_layout(int kind, int layout)
{
	return kind == CASG_CHUNK_NODE || casg_layout_is_matched(layout) ? (uint8_t)layout : 0;
}

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
 * that of columns, or one of the linked ones.
 */
int casg_chunk_encode_nodes(struct casg_coder *c, int layout, int level,
			    const struct casg_slice *columns, uint32_t nmembers,
			    struct casg_buf *out, struct casg_oid *id_out,
			    struct casg_err *err);

/*
 * The same for SEQ as edit scripts: 'script' makes the members, but for their
 * exceptions, and is complete.  For level 1 and up.
 */
int casg_chunk_encode_matched(struct casg_coder *c, int level,
			      const struct casg_slice *members, uint32_t nmembers,
			      const struct casg_oid *oids, const struct casg_script *script,
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
	uint8_t level;         /* of its script; 0: it has none */
	uint32_t nmembers;
	uint64_t *offset;      /* nmembers + 1: member i is data[offset[i]..) */
	uint8_t *data;
	uint32_t *column;      /* NODE: CASG_COLUMNS lengths a member; or NULL */
	struct casg_oid *oids; /* SHA-256 of each member, once hashed; or NULL */
	void *owner;           /* the cache that keeps it; or NULL */
};

/* Literals of a chunk, or the bases that it makes, shared by those who use them. */
struct casg_literals {
	struct casg_slice bytes;
	uint8_t level;         /* of the script that makes them; 0: literals */
};

/*
 * Where a matched chunk finds what it uses of others of its pack: 'get' gives
 * the literals of the chunk that is 'distance' chunks before it (1 or more;
 * CASG_ECORRUPT if there is none), or with 'made' its bases as casg_chunk_made has
 * them; 'put' gives them back.  For the chunk itself 'depth' is 0; where 'get'
 * calls casg_chunk_made, it gives that bases whose depth is 1 more.
 */
struct casg_chunk_bases {
	int (*get)(void *ctx, struct casg_coder *c, uint32_t distance, int made,
		   struct casg_literals **out, struct casg_err *err);
	void (*put)(void *ctx, struct casg_literals *l);
	void *ctx;
	unsigned int depth;
};

/*
 * Decode a whole chunk (header and payload); the caller frees it.  Without
 * 'bases' (NULL), one that needs other chunks is CASG_EABSENT.
 */
int casg_chunk_decode(struct casg_coder *c, const uint8_t *p, size_t nbytes,
		      const struct casg_chunk_bases *bases, struct casg_chunk **out,
		      struct casg_err *err);

/* Only its literals, if it is matched; others have none (CASG_ECORRUPT). */
int casg_chunk_literals(struct casg_coder *c, const uint8_t *p, size_t nbytes,
			struct casg_buf *out, struct casg_err *err);

/*
 * The bases of its members at two bits, one member behind the other without gaps,
 * exceptions as A; if it is matched (others: CASG_ECORRUPT).  'out' is replaced.
 */
int casg_chunk_made(struct casg_coder *c, const uint8_t *p, size_t nbytes,
		    const struct casg_chunk_bases *bases, struct casg_buf *out,
		    uint8_t *level_out, struct casg_err *err);

/*
 * The distances of the chunks that a chunk needs to be decoded, descending: up
 * to CASG_SCRIPT_BASES_MAX of them.  None for one that is not matched.
 */
int casg_chunk_needs(struct casg_coder *c, const uint8_t *p, size_t nbytes,
		     uint32_t *distances_out, uint32_t *n_out, struct casg_err *err);

/* Of them, those whose scripts' bases it uses: up to CASG_SCRIPT_MADE_MAX. */
int casg_chunk_needs_made(struct casg_coder *c, const uint8_t *p, size_t nbytes,
			  uint32_t *distances_out, uint32_t *n_out, struct casg_err *err);

/*
 * The same from its first nbytes bytes, at least those of a header; its checksum, which
 * covers all of it, is not compared.  CASG_EABSENT: *more_out bytes are needed, or
 * all if it has fewer.
 */
int casg_chunk_needs_start(struct casg_coder *c, const uint8_t *p, size_t nbytes,
			   uint32_t *distances_out, uint32_t *n_out, size_t *more_out,
			   struct casg_err *err);

/*
 * Tell what each step of its script does (script.h); nothing for one that is not
 * matched.  The segments are the chunks of casg_chunk_needs, then itself; 'from'
 * counts their literals, or with 'made' the bases of their members.
 */
int casg_chunk_each_part(struct casg_coder *c, const uint8_t *p, size_t nbytes,
			 const struct casg_chunk_bases *bases, casg_script_part_fn *fn,
			 void *ctx, struct casg_err *err);

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
