/*
 * packidx - the index beside a pack: where in it is the object, node or chunk?
 *
 * Derived from the pack and rebuildable (casg-index-pack).  Objects (whole
 * sequences, pieces, piece lists, blobs) are numbered through the pack in
 * file order.  The object table is sorted by SHA-256 but holds some 30 bits of
 * it beside the object number: 4 or 5 bytes an object.  A match there is a
 * candidate and no more; the store settles it against the full SHA-256.  Nodes
 * and chunks are few and are listed with their full ids.
 *
 * The byte layout is casgformat-index(5); every block of the file carries a
 * checksum (blocks.h).  Pure: no I/O.
 */
#ifndef CASG_PACKIDX_H
#define CASG_PACKIDX_H

#include <stdint.h>

#include "blocks.h"
#include "buf.h"
#include "err.h"
#include "oid.h"

#define CASG_PACKIDX_VERSION 4 /* written */
/*
 * Read, too: 1, which cannot say which node has a number, and 2; both spend 8
 * bytes an object and 40 or more a node, and end with a whole block.  Version 3
 * spends 5 or 6 bytes an object.
 */
#define CASG_PACKIDX_OLDEST 1
#define CASG_PACKIDX_PREFIX_BITS 28 /* of an id, that every index has at least */
#define CASG_PACK_OBJECTS_MAX ((uint32_t)1 << 21)

struct casg_idx_chunk {
	struct casg_oid id;
	uint64_t offset;   /* in the pack */
	uint64_t nbytes;   /* header and payload */
	uint32_t nraw;
	uint32_t nmembers;
	uint32_t first;    /* objects in the chunks before this one */
	uint8_t kind;      /* enum casg_chunk_kind */
	uint8_t layout;    /* enum casg_chunk_layout of NODE and of MATCHED; else 0 */
};

struct casg_idx_node {
	struct casg_oid id;
	uint32_t chunk;  /* chunk number in the pack */
	uint32_t member;
};

/* What a pack holds, collected while it is written or walked. */
struct casg_packidx_src {
	struct casg_oid pack_id;
	uint64_t pack_nbytes;
	const struct casg_idx_chunk *chunks;
	uint32_t nchunks;
	const struct casg_objinfo *objects; /* by object number */
	uint32_t nobjects;
	const struct casg_idx_node *nodes; /* by number: in file order */
	uint32_t nnodes;
	uint32_t version;  /* of the index; 0: CASG_PACKIDX_VERSION */
};

/* Append the whole index file to 'out'. */
int casg_packidx_build(const struct casg_packidx_src *src, struct casg_buf *out,
		       struct casg_err *err);

struct casg_packidx {
	struct casg_blocks blocks;
	struct casg_oid pack_id;
	uint64_t pack_nbytes;
	uint32_t nchunks, nobjects, nnodes;
	unsigned int bits; /* the bucket of an object is the top bits of its id */
	uint32_t *first;      /* of each chunk: objects before it */
	uint32_t *first_node; /* and nodes before it */
	uint32_t version;
	unsigned int entry_sz, tag_bits; /* of an object's entry */
	uint32_t *refs;       /* the chunks of references, in order */
	uint32_t nrefs;
	size_t cap_refs;
	struct casg_place at_chunks, at_byid, at_buckets, at_objects, at_nodes, at_numbers, end;
};

/* 'data' is borrowed until release. */
int casg_packidx_open(struct casg_packidx *x, const uint8_t *data, uint64_t nbytes,
		      struct casg_err *err);
void casg_packidx_release(struct casg_packidx *x);

int casg_packidx_chunk(struct casg_packidx *x, uint32_t chunk,
		       struct casg_idx_chunk *out, struct casg_err *err);
/* Is there a chunk of this kind?  Entries that cannot be read do not count. */
int casg_packidx_has_kind(struct casg_packidx *x, unsigned int kind);

/*
 * Candidates for an object id: *lo..*hi are slots of the object table whose
 * bits agree.  0, or a negative class.
 */
int casg_packidx_candidates(struct casg_packidx *x, const struct casg_oid *oid,
			    uint32_t *lo, uint32_t *hi, struct casg_err *err);
int casg_packidx_slot(struct casg_packidx *x, uint32_t slot, uint32_t *object_out,
		      struct casg_err *err);

/*
 * The first bits of every object's id, as the top of a 64-bit number whose
 * low bits are 0; at least CASG_PACKIDX_PREFIX_BITS of them count.
 */
int casg_packidx_each_prefix(struct casg_packidx *x, void (*fn)(void *ctx, uint64_t prefix),
			     void *ctx, struct casg_err *err);
/* The same of those from .. last, both of them included; the whole range is in order of buckets. */
int casg_packidx_each_prefix_in(struct casg_packidx *x, uint64_t from, uint64_t last,
				void (*fn)(void *ctx, uint64_t prefix), void *ctx,
				struct casg_err *err);

/* The chunk (by number) that holds an object, and its place in that chunk. */
int casg_packidx_locate(struct casg_packidx *x, uint32_t object, uint32_t *chunk_out,
			uint32_t *member_out, struct casg_err *err);

/* 1 found, 0 not in this pack, negative on damage. */
int casg_packidx_find_node(struct casg_packidx *x, const struct casg_oid *id,
			   struct casg_idx_node *out, struct casg_err *err);
/* The same for the nth of several with this id: a joined pack may hold it more than once. */
int casg_packidx_find_node_nth(struct casg_packidx *x, const struct casg_oid *id, uint32_t nth,
			       struct casg_idx_node *out, struct casg_err *err);
/* The entry in a slot (0 .. nnodes-1) of the node table, which is in the order of ids. */
int casg_packidx_node(struct casg_packidx *x, uint32_t slot, struct casg_idx_node *out,
		      struct casg_err *err);
/* Nodes are numbered through the pack in file order. */
int casg_packidx_node_number(struct casg_packidx *x, uint32_t chunk, uint32_t member,
			     uint32_t *number_out, struct casg_err *err);
int casg_packidx_node_at(struct casg_packidx *x, uint32_t number, struct casg_idx_node *out,
			 struct casg_err *err);
int casg_packidx_find_chunk(struct casg_packidx *x, const struct casg_oid *id,
			    uint32_t *chunk_out, struct casg_err *err);

#endif
