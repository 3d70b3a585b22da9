/*
 * store - the packs of a repository, for reading.
 *
 * A store finds sequences, pieces, blobs, tree nodes and chunks by id in any
 * pack and gives them back verified: a chunk that is loaded has its checksum
 * compared, is decoded, has every member hashed, and the RFC 6962 root of
 * those hashes compared with the chunk id of the index.  Index prefixes only
 * propose; a hit is settled against the full SHA-256 of the object, which
 * comes from pack-<id>.objects when casg itself has written one (derived, in
 * casg/index) and is otherwise recomputed, chunk by chunk.
 *
 * What is listed but cannot be read is an error, never "not there".
 *
 * Where there is a multi-pack index (multipacks.h) only the packs are looked into that
 * it proposes, and those that it does not name.
 *
 * Packs in quarantine (packfiles.h) are packs of the store like the others,
 * looked into last.  Readers read them where they are; for a writer, who is
 * about to rely on what it finds, casg_store_revive makes every hit bring the
 * pack back.  One that cannot be opened is as good as gone.
 *
 * Packs of a partial clone (promised.h) are packs of the store as well, looked
 * into after those that are here; what they lack is had from storages when it is read.
 *
 * Threads: after open, any number of threads may read, each with its own
 * casg_coder.  casg_store_add_pack must not run beside readers.
 */
#ifndef CASG_STORE_H
#define CASG_STORE_H

#include <stdint.h>

#include "chunk.h"
#include "err.h"
#include "node.h"
#include "oid.h"
#include "orderdelta.h"
#include "pack.h"
#include "packidx.h"
#include "promised.h"

struct casg_store;

struct casg_store_opts {
	const char *packs_dir;
	const char *quarantine_dir; /* looked into after packs_dir; or NULL */
	char *const *lenders;   /* casg/ of the repositories whose packs are borrowed */
	size_t nlenders;
	struct casg_promised *promised; /* packs of a partial clone; borrowed; or NULL */
	const char *index_dir;  /* where .objects files may be; or NULL */
	const char *tmp_dir;    /* for scratch files; or NULL: memory */
	uint64_t cache_nbytes;  /* decoded chunks kept */
	uint64_t ids_mapped_nbytes; /* of .objects files, about; 0: 128 MiB */
	int empty;              /* see no packs but those that are added */
	int skip_unindexed;     /* leave out packs without a good index (to rebuild them) */
	int lenient;            /* the same to read; what is not found then is an error */
};

int casg_store_open(struct casg_store **store_out, const struct casg_store_opts *opts,
		    struct casg_err *err);
void casg_store_close(struct casg_store *s);

/* Make a pack that has just got its final name readable. */
int casg_store_add_pack(struct casg_store *s, const struct casg_oid *pack_id,
			struct casg_err *err);

/*
 * See the packs of a partial clone as well, from now on, but none of their nodes: what
 * is written rests on the sequences that they promise.  Borrowed.
 */
int casg_store_add_promised(struct casg_store *s, struct casg_promised *promised,
			    struct casg_err *err);
/* The same of a pack in some folder: no node is found in it. */
int casg_store_add_objects(struct casg_store *s, const char *packs_dir,
			   const struct casg_oid *pack_id, struct casg_err *err);

/* Make all packs readable that have appeared in the folder since it was opened. */
int casg_store_rescan(struct casg_store *s, struct casg_err *err);

/*
 * From now on, what is found in a pack in quarantine brings that pack back;
 * if that fails, so does the search.
 */
void casg_store_revive(struct casg_store *s);
/* Does this pack belong to another repository, which lends it? */
int casg_store_borrowed(const struct casg_store *s, uint32_t pack);
/* Was this pack in quarantine when last looked at? */
int casg_store_quarantined(const struct casg_store *s, uint32_t pack);
/* Is this one of a partial clone, of which some chunks may be elsewhere (promised.h)? */
int casg_store_promised(const struct casg_store *s, uint32_t pack);
/*
 * The n places (as for casg_group_by_chunk) will be read: what of them is elsewhere comes
 * in few requests.  A failure is told when they are read.
 */
void casg_store_want(struct casg_store *s, const struct casg_loc *locs, size_t stride, size_t n);
/*
 * Make sure that the files of a pack are in packs/ now: those of one that has
 * gone to quarantine since come back.  CASG_EABSENT when it is gone for good.
 */
int casg_store_settle(struct casg_store *s, uint32_t pack, struct casg_err *err);

uint32_t casg_store_npacks(const struct casg_store *s);
/* Of a lenient store, one that cannot be used is empty but for the pack's id. */
struct casg_packidx *casg_store_idx(struct casg_store *s, uint32_t pack);
const char *casg_store_pack_path(const struct casg_store *s, uint32_t pack);
/* The number of the pack with this id; 1 found, 0 not here. */
int casg_store_find_pack(const struct casg_store *s, const struct casg_oid *id,
			 uint32_t *pack_out);

/*
 * Group n places by chunk: order_out becomes a permutation of 0 .. n-1 in
 * which places of one chunk stand together, in the order they came, and
 * first_out (room for n + 1) the start of each group, closed by n.  Place i is
 * at (char *)locs + i * stride.  The number of groups, or CASG_ENOMEM.
 */
long casg_group_by_chunk(const struct casg_loc *locs, size_t stride, size_t n,
			 size_t *order_out, size_t *first_out);

/* Bytes of an entry of a .objects file: id, length (le64). */
#define CASG_OBJINFO_SZ 40

/*
 * 1 found, 0 in no pack, negative: could not be settled.  *nbytes_out (or
 * NULL) is the object's length.
 */
int casg_store_find(struct casg_store *s, struct casg_coder *c,
		    const struct casg_oid *id, struct casg_loc *loc_out,
		    uint64_t *nbytes_out, struct casg_err *err);
/*
 * The same, but never a piece list: what a list may refer to.  (With another
 * chunk size, what is a piece now may have been a list before.)
 */
int casg_store_find_piece(struct casg_store *s, struct casg_coder *c,
			  const struct casg_oid *id, struct casg_loc *loc_out,
			  struct casg_err *err);
/*
 * All places where the object is (it may have been stored twice, by writers
 * at work at once): up to max of them; the number, or negative.
 */
int casg_store_find_all(struct casg_store *s, struct casg_coder *c,
			const struct casg_oid *id, struct casg_loc *locs_out, int max,
			struct casg_err *err);
int casg_store_find_node(struct casg_store *s, const struct casg_oid *id,
			 struct casg_loc *loc_out, struct casg_err *err);
int casg_store_find_chunk(struct casg_store *s, const struct casg_oid *id,
			  uint32_t *pack_out, uint32_t *chunk_out, struct casg_err *err);

/* For a chunk that rests on others of its pack: 'place' must outlive the answer. */
struct casg_store_place {
	struct casg_store *s;
	uint32_t pack, chunk;
	unsigned int depth;     /* 0, but of what is read for another chunk */
};

struct casg_chunk_bases casg_store_bases(struct casg_store_place *place);

/* The full SHA-256 and the length of the object at a place. */
int casg_store_info(struct casg_store *s, struct casg_coder *c,
		    const struct casg_loc *loc, struct casg_objinfo *out,
		    struct casg_err *err);

/*
 * The same of n members of one chunk, from 'loc' on: cheaper than one by one where
 * they are read from a file.
 */
int casg_store_infos(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		     uint32_t n, struct casg_objinfo *out, struct casg_err *err);

/*
 * The same of all members of a chunk, told by whoever has read and hashed them
 * (packcheck) and has found 'chunk_id'; not believed unless that is what the
 * index says.  Saves reading them again; a failure only costs time.
 */
void casg_store_tell_infos(struct casg_store *s, uint32_t pack, uint32_t chunk,
			   const struct casg_oid *chunk_id, const struct casg_objinfo *infos,
			   uint32_t n);

/*
 * A verified chunk.  casg_store_get takes it from the cache or puts it there,
 * and it stays valid until casg_store_put; casg_store_load bypasses the cache
 * and the caller frees it.  Both give the members' ids with it.
 *
 * casg_store_get_plain need not: a chunk whose members this process has hashed
 * and compared before has only its checksum compared when it is read again.
 */
int casg_store_get_plain(struct casg_store *s, struct casg_coder *c, uint32_t pack,
			 uint32_t chunk, const struct casg_chunk **out,
			 struct casg_err *err);
int casg_store_get(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		   uint32_t chunk, const struct casg_chunk **out, struct casg_err *err);
void casg_store_put(struct casg_store *s, const struct casg_chunk *ch);
int casg_store_load(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		    uint32_t chunk, struct casg_chunk **out, struct casg_err *err);
/* Has this process had the index of the pack?  A lenient store opens those that it needs. */
int casg_store_was_opened(const struct casg_store *s, uint32_t pack);
/* Has this process loaded the chunk and found it sound? */
int casg_store_was_read(const struct casg_store *s, uint32_t pack, uint32_t chunk);
/* The bytes of a chunk as they lie in the pack, unverified; appended to out. */
int casg_store_raw(struct casg_store *s, uint32_t pack, uint32_t chunk,
		   struct casg_buf *out, struct casg_err *err);

/*
 * What a reference in 'pack' stands for.  A pack made of several has a chunk
 * of references behind the chunks of each; casg_store_section says which
 * numbers 'chunk' may have, and what to add for them to count through the pack.
 */
int casg_store_section(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		       uint32_t chunk, struct casg_section *out, struct casg_err *err);
int casg_store_ref(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		   uint64_t ref, struct casg_loc *loc_out, struct casg_err *err);
/* The ids of the chunks that a pack refers to; count in *n_out; the caller frees. */
int casg_store_refs(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		    struct casg_oid **ids_out, size_t *n_out, struct casg_err *err);

/*
 * The object at 'loc' as pieces: one for an ordinary member, several for a
 * list.  The caller releases with casg_object_release.
 */
struct casg_object {
	int is_list;
	struct casg_oid list_id;  /* is_list: the id of the whole */
	uint64_t nbytes;
	size_t npieces;
	struct casg_loc *pieces;
	uint64_t *piece_nbytes;
};

int casg_store_object(struct casg_store *s, struct casg_coder *c,
		      const struct casg_loc *loc, struct casg_object *out,
		      struct casg_err *err);
void casg_object_release(struct casg_object *o);

/*
 * An object and what it is stored as differences from, one after the other,
 * the last stored whole: *n_out places, 1 for most objects.
 */
#define CASG_CHAIN_MAX 52
int casg_store_chain(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		     struct casg_loc chain[CASG_CHAIN_MAX], int *n_out, struct casg_err *err);
/* How many deltas lie between an object and what is stored whole; or negative. */
int casg_store_depth(struct casg_store *s, struct casg_coder *c, const struct casg_oid *id,
		     struct casg_err *err);
/* Arrays of ranks in as much memory as chunks are kept in, or in scratch files. */
void casg_store_rankroom(const struct casg_store *s, struct casg_rankroom *out);
/*
 * The ranks of an order object, verified, however it is stored: an array of that
 * room, which is the caller's.
 */
int casg_store_ranks(struct casg_store *s, struct casg_coder *c, const struct casg_oid *id,
		     struct casg_rankroom *room, struct casg_ranks *out, struct casg_err *err);

/*
 * Append the bytes [start, end) of the object at 'loc' to 'out'; end is cut
 * to the object's length.  A whole read (0 to the end) of a list verifies the
 * whole id as well.  *nbytes_out (or NULL) is the object's length.
 */
int casg_store_read(struct casg_store *s, struct casg_coder *c,
		    const struct casg_loc *loc, uint64_t start, uint64_t end,
		    struct casg_buf *out, uint64_t *nbytes_out, struct casg_err *err);

/*
 * A blob read piece by piece, in constant memory.  next gives 1 and a piece
 * (valid until the next call), 0 at the end, when the id of the whole has been
 * verified.
 */
struct casg_blobr;
struct casg_blobr *casg_blobr_open(struct casg_store *s, struct casg_coder *c,
				   const struct casg_oid *id, struct casg_err *err);
int casg_blobr_next(struct casg_blobr *b, const uint8_t **p_out, size_t *n_out,
		    struct casg_err *err);
void casg_blobr_free(struct casg_blobr *b);

/*
 * All bytes of a blob become the beginning of w (whole.h); b is freed, and may be
 * NULL when it could not be opened: that failure is given.
 */
struct casg_whole;
int casg_blobr_whole(struct casg_blobr *b, struct casg_whole *w, struct casg_err *err);

/* Find and read a whole object of at most max bytes; CASG_EABSENT when nowhere. */
int casg_store_read_id(struct casg_store *s, struct casg_coder *c,
		       const struct casg_oid *id, uint64_t max, struct casg_buf *out,
		       struct casg_err *err);

#endif
