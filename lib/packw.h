/*
 * packw - writing packs: chunks go in, named and indexed packs come out.
 *
 * A pack is written to the temporary folder, synced, renamed to the SHA-256 of
 * its bytes, and its folder synced; its index goes before it, so that a pack
 * that can be seen has one.  Until then nothing is visible, and abandoning
 * leaves nothing.  After a successful finish the pack is readable through the
 * store the writer was made with.
 *
 * Threads: one at a time; a caller with several takes a lock.
 */
#ifndef CASG_PACKW_H
#define CASG_PACKW_H

#include <stdint.h>

#include "chunk.h"
#include "err.h"
#include "oid.h"
#include "store.h"

struct casg_packw;

struct casg_packw_opts {
	const char *packs_dir, *tmp_dir;
	const char *ids_dir;  /* also write pack-<id>.objects here; NULL: do not */
	uint64_t pack_nbytes; /* a pack that would grow beyond this is closed */
	uint32_t max_objects; /* the same for its objects; 0: CASG_PACK_OBJECTS_MAX */
	/* Told of each pack that is new, when it is readable; or NULL. */
	int (*finished)(void *ctx, const struct casg_oid *id, struct casg_err *err);
	void *finished_ctx;
};

struct casg_packw *casg_packw_new(struct casg_store *store,
				  const struct casg_packw_opts *opts,
				  struct casg_err *err);

/* Drops what is not finished; finished packs stay. */
void casg_packw_free(struct casg_packw *w);

/*
 * Undo: remove what is under way and the packs this writer has finished,
 * except those that were there before.  For a failure, or a signal, before
 * anything names them; nothing but casg_packw_free may follow.
 * Async-signal-safe.
 */
void casg_packw_abandon(struct casg_packw *w);

/* The packs finished so far are no longer undone by casg_packw_abandon. */
void casg_packw_keep(struct casg_packw *w);

/*
 * Close the pack under way if nbytes or nobjects more would take it over its
 * size.  References made before that are gone with it.
 */
int casg_packw_room(struct casg_packw *w, uint64_t nbytes, uint64_t nobjects,
		    struct casg_err *err);

/*
 * Append one encoded chunk.  'members' tells of each member the id and length
 * of the object (of the whole for a piece list; for NODE: the node id, the
 * length does not count); NULL for REFS.
 */
int casg_packw_add(struct casg_packw *w, const uint8_t *chunk, size_t nbytes,
		   const struct casg_oid *chunk_id, const struct casg_objinfo *members,
		   struct casg_err *err);

/* The number of the first member of that chunk, as references count. */
int casg_packw_ref(struct casg_packw *w, const struct casg_oid *chunk_id,
		   uint32_t nmembers, uint64_t *base_out, struct casg_err *err);

/* Chunks in the pack under way so far: the number of the next one. */
uint32_t casg_packw_nchunks(const struct casg_packw *w);
/* Tree nodes in the pack under way so far: the number of the next one. */
uint32_t casg_packw_nnodes(const struct casg_packw *w);
/* 1 and the number of the node with this id in the pack under way, 0 not in it. */
int casg_packw_find_node(struct casg_packw *w, const struct casg_oid *id,
			 uint32_t *number_out, struct casg_err *err);

/* Finish the pack under way, if there is one. */
int casg_packw_finish(struct casg_packw *w, struct casg_err *err);

/* Packs finished so far. */
uint32_t casg_packw_npacks(const struct casg_packw *w);
/* The id of the i-th; *ours_out (or NULL): it was not there before. */
const struct casg_oid *casg_packw_pack(const struct casg_packw *w, uint32_t i, int *ours_out);
/* Bytes of the packs and indexes finished so far. */
uint64_t casg_packw_nbytes(const struct casg_packw *w);

/*
 * A blob written as it comes: pieces of at most 1 MiB by content, each stored
 * unless the store or this pack has it, and a list when there are several.
 */
struct casg_blobw;

struct casg_blobw *casg_blobw_new(struct casg_packw *w, struct casg_store *store,
				  struct casg_coder *coder, int level,
				  struct casg_err *err);
int casg_blobw_add(struct casg_blobw *b, const void *p, size_t nbytes,
		   struct casg_err *err);
/* The id of the whole; frees 'b' whatever is returned. */
int casg_blobw_finish(struct casg_blobw *b, struct casg_oid *id_out, struct casg_err *err);
void casg_blobw_free(struct casg_blobw *b);
/* All of that, of a blob that lies in the store 'from'. */
int casg_blobw_copy(struct casg_packw *w, struct casg_store *store, struct casg_coder *coder,
		    int level, struct casg_store *from, const struct casg_oid *id,
		    struct casg_err *err);

/*
 * Write the list of a long object into the pack under way; its pieces are
 * there or in the store.  Nothing is written when the store has the whole.
 */
struct casg_long {
	uint8_t kind;           /* CASG_CHUNK_SEQ or CASG_CHUNK_BLOB */
	struct casg_oid id;
	uint64_t nbytes;
	struct casg_oid *pieces;
	uint64_t *piece_nbytes;
	size_t npieces, cap, cap2;
};

int casg_packw_long(struct casg_packw *w, struct casg_store *store,
		    struct casg_coder *coder, const struct casg_long *l,
		    struct casg_err *err);
void casg_long_release(struct casg_long *l);

#endif
