/*
 * packwalk - a pack from its bytes alone: find its chunks, check them, index
 * them.
 *
 * What a pack says of itself is believed only as far as it can be recomputed:
 * the file's SHA-256, each chunk's checksum, and, in full, every member's
 * SHA-256, every chunk id, node id and the whole of every piece list.  The
 * index of a pack that holds all that is built from it, byte for byte as the
 * writer of the pack built it.
 *
 * Damage does not end a walk where the next chunk can be found: each chunk is
 * good, damaged, or unsettled, because something it needs (a chunk in another
 * pack, a codec we do not know) cannot be had.
 *
 * Memory is bounded: chunks are read one a worker, in windows of a counted
 * number of bytes; beside them are 64 bytes a chunk and 40 bytes an object.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_PACKWALK_H
#define CASG_PACKWALK_H

#include <stdint.h>

#include "chunk.h"
#include "err.h"
#include "oid.h"
#include "packidx.h"
#include "store.h"
#include "workers.h"

enum casg_walk_state {
	CASG_WALK_UNCHECKED = 0,
	CASG_WALK_GOOD,
	CASG_WALK_DAMAGED,
	CASG_WALK_UNSETTLED
};

struct casg_walk_chunk {
	uint8_t layout;
	uint8_t state;       /* enum casg_walk_state */
	uint32_t first_node; /* nodes in the chunks before this one */
	int code;            /* why it is not good */
	struct casg_section section; /* of references: the numbers that they explain */
	char *msg;
};

struct casg_walk_ref;

/* Read-only to callers. */
struct casg_packwalk {
	char *path;
	int fd;                    /* borrowed */
	uint64_t nbytes;
	struct casg_oid id;        /* SHA-256 of the file's bytes */
	int sum_differs;           /* and not the one expected */
	uint32_t version;          /* of the pack; 0 when its header is damaged */
	struct casg_idx_chunk *idx;/* id: once checked in full */
	struct casg_walk_chunk *chunks;
	uint32_t nchunks;
	struct casg_objinfo *objects;
	uint32_t nobjects;
	struct casg_idx_node *nodes;
	uint32_t nnodes;
	uint32_t ndamaged, nunsettled; /* chunks, and the pack as a whole */
	struct casg_walk_chunk whole;  /* header, trailer, SHA-256 */
	uint64_t whole_offset;         /* where that is wrong */
	/* private */
	size_t cap_idx, cap_chunks;
	struct casg_walk_ref *refs;
	size_t nrefs, cap_refs;
	uint32_t idx_version; /* of the index to make; 0: the newest */
};

/*
 * The id in the file name pack-<id>.pack or pack-<id>.idx: 1, or 0 if 'path'
 * does not end in such a name.
 */
int casg_packwalk_name(const char *path, struct casg_oid *id_out);

/*
 * Hash the file and find its chunks.  'expected' is the id it should have, or
 * NULL.  'hint' (or NULL) is its index, asked only for where a chunk ends
 * whose header is damaged.  Damage is not a failure here but recorded;
 * failures are CASG_EIO, CASG_ENOMEM, CASG_ENOTOURS and CASG_EUNSUPPORTED,
 * the latter two only for a file that is as expected.  'fd' stays the
 * caller's and must stay open.
 */
int casg_packwalk_open(struct casg_packwalk **w_out, int fd, const char *path,
		       const struct casg_oid *expected, struct casg_packidx *hint,
		       struct casg_err *err);
void casg_packwalk_close(struct casg_packwalk *w);

/*
 * A leaf of a tree of records that was checked in full: it ends at a boundary,
 * its sequences lie in this pack or in one of the store that is the repository's
 * own, and its descriptions in itself.  'as_child' is the hash of what a node
 * above must say of it (casg_child_hash).  Called by several threads.
 */
typedef void casg_walk_leaf_fn(void *ctx, const struct casg_oid *as_child);

struct casg_packwalk_opts {
	int quick;                 /* checksums of chunks only */
	struct casg_workers *pool; /* or NULL */
	struct casg_store *store;  /* for what the pack refers to; or NULL */
	int may_lack;              /* a partial clone: of a list of pieces that are promised
				      (promised.h) and not here the whole is left unchecked */
	uint64_t window_nbytes;    /* chunks under way; 0: 256 MiB */
	casg_walk_leaf_fn *leaf;   /* or NULL */
	void *leaf_ctx;
};

/*
 * Check every chunk.  0 also when there is damage: see ndamaged, nunsettled
 * and casg_packwalk_each_fault.  Negative when the check itself failed.
 */
int casg_packwalk_check(struct casg_packwalk *w, const struct casg_packwalk_opts *opts,
			struct casg_err *err);

/*
 * What is wrong, in the order of the file, the pack as a whole first.  'chunk'
 * is UINT32_MAX for that; 'msg' is a sentence that names pack, chunk, byte
 * offset and what the chunk holds.
 */
typedef void casg_walk_fault_fn(void *ctx, uint32_t chunk, int state, int code,
				const char *msg);
void casg_packwalk_each_fault(const struct casg_packwalk *w, casg_walk_fault_fn *fn,
			      void *ctx);

/*
 * Append the index file to 'out'.  CASG_EBUG unless everything was checked in
 * full and is good.
 */
int casg_packwalk_index(const struct casg_packwalk *w, struct casg_buf *out,
			struct casg_err *err);

#endif
