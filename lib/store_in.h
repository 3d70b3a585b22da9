/*
 * store_in - what the parts of store share: the packs it has open, and what is
 * known of each.
 *
 * store.c opens packs and knows which there are; store_chunk.c reads chunks,
 * store_refs.c what nodes refer to and the ids of objects, store_find.c finds
 * objects, nodes and chunks by id, store_object.c puts objects together again,
 * store_order.c those that are stored as differences.
 */
#ifndef CASG_STORE_IN_H
#define CASG_STORE_IN_H

#include <pthread.h>

#include "blocks.h"
#include "litcache.h"
#include "map.h"
#include "memcache.h"
#include "multipacks.h"
#include "packdir.h"
#include "packfiles.h"
#include "store.h"
#include "whole.h"

/*
 * Mapped pages count as our memory; beyond this much, .objects files are read
 * block by block.
 */
#define CASG_IDS_MAPPED_MAX ((uint64_t)128 << 20)

struct ref_entry {
	uint64_t base;      /* number of its first member */
	struct casg_oid id;
	uint32_t nmembers;
	uint64_t place;     /* (pack + 1) << 32 | chunk; 0: not resolved yet */
};

struct pack {
	struct casg_oid id;
	char *path;
	int fd;
	uint8_t quarantined; /* that is where it was found when opened */
	uint16_t folder;     /* of the store: 0, or one of a lender */
	uint8_t back;        /* and in packs/ since */
	uint8_t promised;    /* of opts.promised */
	uint8_t no_nodes;    /* that are found by id */
	uint8_t opened;      /* what follows is there; else it is had when it is needed */
	struct casg_map map; /* of the index */
	struct casg_packidx x;
	/* references: loaded on first use */
	struct ref_entry *refs;
	size_t nrefs;
	uint64_t *refs_base;       /* what each chunk of references adds to its numbers; the sum */
	int refs_loaded;
	/* objects' ids: from a .objects file, or recomputed into scratch by chunk */
	struct casg_map ids_map;
	struct casg_blocks ids_blocks;
	int has_ids_file;
	int ids_fd;          /* >= 0: read instead of mapped */
	uint8_t *scratch;    /* nobjects entries, sparse; not mapped: scratch_fd */
	int scratch_fd;      /* >= 0: read and written instead of mapped */
	size_t scratch_nbytes;
	uint8_t *have;       /* a flag a chunk */
	uint8_t *sound;      /* a flag a chunk: its id was recomputed here */
};

/* Blocks of .objects files that are not mapped, as they were read last: 1 MiB. */
#define CASG_IDS_BLOCKS 256u

struct ids_block {
	uint32_t pack;
	uint64_t number;
	uint8_t bytes[CASG_BLOCK];
};

struct casg_store {
	struct casg_store_opts opts;
	struct pack *packs;
	size_t npacks, cap;
	size_t nquarantined;  /* packs that were there when they were opened */
	struct casg_packfiles *folders; /* ours, and those of the lenders */
	size_t nfolders;
	struct casg_err unusable; /* why a pack was left out, with opts.lenient */
	int revive;           /* hits bring packs back */
	uint64_t ids_mapped;  /* bytes of .objects files in memory maps */
	struct ids_block *ids_blocks[CASG_IDS_BLOCKS]; /* who uses one takes it out */
	struct casg_multipacks **multi; /* the multi-pack index of each folder, or NULL */
	uint32_t *loose;      /* packs that none of them has */
	size_t nloose, cap_loose;
	struct casg_packdir *dir; /* of these, by place in 'loose'; built once there are many look-ups */
	int no_dir;           /* it could not be built */
	uint64_t nloose_objects;
	uint64_t nfinds;      /* while there is no directory */
	pthread_mutex_t lock; /* cache, refs and scratch creation */
	struct casg_memcache cache;
	struct casg_litcache *literals;
};

/* ---- store.c ---- */

/* The index of a pack is there from then on. */
int casg_store_need_index(struct casg_store *s, uint32_t pack, struct casg_err *err);
/* It was found in this pack, which is needed now: 1, or a negative class. */
int casg_store_hit(struct casg_store *s, uint32_t pack, struct casg_err *err);
/* When a pack is looked into: those in use first, then those of others, and in quarantine. */
size_t casg_store_turn(const struct pack *p);
/* The packs in that order: 0 behind the last one; *at is 0 at first. */
int casg_store_next_pack(const struct casg_store *s, size_t *at, uint32_t *pack_out);

/* ---- store_refs.c ---- */

/* Id and length of an object as a .objects file has noted them: 1, or 0. */
int casg_store_info_noted(struct casg_store *s, uint32_t pack, uint32_t object,
			  struct casg_objinfo *out);
/* The same, recomputed where they are not noted: 0, or a negative class. */
int casg_store_info_at(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		       uint32_t object, uint32_t chunk, uint32_t member,
		       struct casg_objinfo *out, struct casg_err *err);

/* ---- store_object.c ---- */

/* The blob of that id at a place where it is. */
struct casg_blobr *casg_blobr_open_at(struct casg_store *s, struct casg_coder *c,
				      const struct casg_oid *id, const struct casg_loc *loc,
				      struct casg_err *err);

/* ---- store_order.c ---- */

/*
 * The order or presentation that lies in an ORDER chunk, put together from what it
 * rests on, and verified.
 */
int casg_store_whole(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		     struct casg_whole *w, struct casg_err *err);

/* ---- store_find.c ---- */

/* There is another pack. */
void casg_store_update_dir(struct casg_store *s);
/* Found, though looking into another pack may have failed before: forget that. */
int casg_store_found(int failed, struct casg_err *err);

#endif
