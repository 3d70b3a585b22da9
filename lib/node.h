/*
 * node - nodes of the record tree: what is hashed, where they are cut, and
 * how they are stored.
 *
 * The record tree is a prolly tree: a search tree whose node boundaries are
 * decided by the keys alone, so that the same set of records gives the same
 * nodes and the same root whatever the history.  (Idea: noms, "prolly trees";
 * proofs: RFC 6962.)  casgformat-record(5) gives every byte.
 *
 *   node id = SHA-256(0x02, kind, level, count (be32), RFC 6962 root of the entries)
 *
 * In its stored form a leaf entry holds a reference to the sequence in place
 * of its SHA-256 and length, which can be recomputed.
 *
 * Everything here is pure.  Decoders treat their input as hostile.
 */
#ifndef CASG_NODE_H
#define CASG_NODE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "chunk.h"
#include "err.h"
#include "oid.h"

#define CASG_NODE_KIND_RECORD 1

/* Constants of format version 1. */
#define CASG_NODE_MIN 16           /* entries before a boundary may fall */
#define CASG_NODE_MASK 63          /* one entry in 64 is a boundary */
#define CASG_NODE_MAX 512          /* entries */
#define CASG_NODE_NBYTES ((uint64_t)256 << 10) /* encoded entries, from the 3rd on */
#define CASG_NODE_RAW_MAX ((uint64_t)1 << 20)  /* stored form, on read */
#define CASG_NODE_LEVEL_MAX 32
#define CASG_KEY_MAX 65535
#define CASG_DESC_INLINE 4096      /* longer descriptions are blobs */
/* No encoded entry of any level is larger: two keys and the fixed fields. */
#define CASG_ENTRY_NBYTES_MAX ((uint64_t)2 * CASG_KEY_MAX + 128)

/* A leaf entry: one record. */
struct casg_entry {
	const char *key;
	size_t klen;
	uint32_t occurrence;
	struct casg_oid oid;      /* of the sequence; unset when read from store */
	uint64_t length;          /* residues; unset when read from store */
	const char *desc;         /* NULL when it is a blob */
	uint64_t dlen;
	struct casg_oid desc_blob;
	uint64_t ref;             /* stored form: where the sequence is, */
	uint32_t pack;            /* as this pack counts (set when read) */
};

/* An interior entry: one child. */
struct casg_child {
	const char *first;
	size_t first_len;
	uint32_t first_occurrence;
	const char *last;
	size_t last_len;
	uint32_t last_occurrence;
	uint64_t count;           /* records below */
	struct casg_oid id;
};

/* Bytes of the encoded entry, as hashed. */
uint64_t casg_entry_nbytes(const struct casg_entry *e);
uint64_t casg_child_nbytes(const struct casg_child *c);

/* RFC 6962 leaf hash of the encoded entry. */
void casg_entry_hash(struct casg_hasher *h, const struct casg_entry *e,
		     struct casg_oid *out);
void casg_child_hash(struct casg_hasher *h, const struct casg_child *c,
		     struct casg_oid *out);

/* Append the encoded entry (what casg_child_hash hashes). */
void casg_child_encode(const struct casg_child *c, struct casg_buf *out);

void casg_node_id(struct casg_hasher *h, int kind, int level, uint32_t count,
		  const struct casg_oid *entry_hashes, struct casg_oid *id_out);
/* The same from the RFC 6962 root of the entries. */
void casg_node_id_root(struct casg_hasher *h, int kind, int level, uint32_t count,
		       const struct casg_oid *root, struct casg_oid *id_out);

/* Order of entries: key, then occurrence. */
int casg_key_cmp(const char *a, size_t alen, uint32_t aocc,
		 const char *b, size_t blen, uint32_t bocc);

/* Is the entry with this (last) key a boundary on this level? */
int casg_node_boundary(int level, const char *key, size_t klen, uint32_t occurrence);

/*
 * The cutter: fed the entries of a level in order, it says where nodes end.
 * Returns 1 if a node ends BEFORE this entry (byte limit); *after_out is set
 * if one ends after it.
 */
struct casg_cutter {
	uint32_t count;
	uint64_t nbytes;
};
int casg_cutter_feed(struct casg_cutter *c, uint64_t entry_nbytes, int boundary,
		     int *after_out);
/* Would a node end before an entry of this size? */
int casg_cutter_before(const struct casg_cutter *c, uint64_t entry_nbytes);

/*
 * Stored form, as CASG_COLUMNS buffers (appended to): structure, keys,
 * descriptions, references.
 */
void casg_leaf_store(const struct casg_entry *e, uint32_t count,
		     struct casg_buf col[CASG_COLUMNS]);
void casg_interior_store(int level, const struct casg_child *c, uint32_t count,
			 struct casg_buf col[CASG_COLUMNS]);

/* A node read back. */
struct casg_node {
	int kind, level;
	uint32_t count;
	struct casg_entry *entries;   /* level 0 */
	struct casg_child *children;  /* level > 0 */
	struct casg_buf keys;         /* full keys, one after the other */
	struct casg_buf descs;        /* descriptions that do not lie in the chunk */
	size_t cap_entries, cap_children;
};

/*
 * The numbers that references in a chunk may have: 0 .. n-1, and what is added
 * to them so that they count through the whole pack (store.h).
 */
struct casg_section {
	uint64_t base, n;
};

#define CASG_SECTION_ANY ((struct casg_section){ 0, UINT64_MAX })
/* Of a chunk that no references follow: none is in range, whatever is asked. */
#define CASG_SECTION_NONE ((struct casg_section){ (uint64_t)1 << 63, (uint64_t)1 << 62 })

/*
 * Decode member 'member' of a NODE chunk of pack 'pack' into *n (reused;
 * descriptions point into the chunk).  Order, key bytes and boundaries inside
 * the node are checked; whether its last entry is one is for the caller, who
 * knows what follows.  A reference beyond its section is refused.  A linked
 * node (nodelink.h) is CASG_EBUG here.
 */
int casg_node_decode(struct casg_node *n, const struct casg_chunk *ch, uint32_t member,
		     uint32_t pack, struct casg_section section, struct casg_err *err);
void casg_node_release(struct casg_node *n);

/* ---- for nodelink.c ----------------------------------------------------- */

/* Or'ed to the kind, the first byte of the structure, of a linked node. */
#define CASG_NODE_LINKED 0x80

struct casg_node_reader {
	const uint8_t *p[CASG_COLUMNS], *end[CASG_COLUMNS];
	size_t last_at, last_len; /* the key read last, in the key buffer */
};

/* Point 'r' at the columns, and read kind, level and count; *linked_out. */
int casg_node_read_head(struct casg_node *n, struct casg_node_reader *r,
			const struct casg_chunk *ch, uint32_t member, int *linked_out,
			struct casg_err *err);
/*
 * Rebuild a key at the end of n->keys from 'nshared' bytes of the key at
 * r->last_at and 'suffix' bytes of column 1; it is the last key then.  0 or -1.
 */
int casg_node_read_key(struct casg_node *n, struct casg_node_reader *r, uint64_t nshared,
		       uint64_t suffix, size_t *at, size_t *len);
/*
 * All is read: nothing may be left over; keys, offsets until now, become
 * pointers; order and boundaries are checked.
 */
int casg_node_read_end(struct casg_node *n, const struct casg_node_reader *r,
		       struct casg_err *err);
/* Bytes that two keys share at their front. */
size_t casg_key_shared(const char *a, size_t alen, const char *b, size_t blen);

#endif
