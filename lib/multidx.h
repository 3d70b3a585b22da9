/*
 * multidx - the index over many packs: which of them may hold an object, node
 * or chunk?
 *
 * Derived from the indexes of the packs (packidx.h), which it names and does
 * not replace: it says in which of them to look, so that a repository of a
 * thousand packs is searched at the cost of one, and what no pack holds is
 * known without a look at any.  An entry is a pack and the first 28 to 32 bits of
 * an id, so it only proposes; what is in a pack is settled in its own index.
 * Every pack that holds an id has an entry for it: when one of them goes, the
 * index says nothing wrong about the others.
 *
 * The byte layout is casgformat-index(5); blocks carry checksums (blocks.h).
 * Pure: no I/O.  Threads: after open, any number may read.
 */
#ifndef CASG_MULTIDX_H
#define CASG_MULTIDX_H

#include <stdint.h>

#include "blocks.h"
#include "err.h"
#include "oid.h"
#include "packidx.h"

#define CASG_MULTIDX_VERSION 1

/* Takes the file as it is made. */
typedef int casg_multidx_sink(void *ctx, const uint8_t *p, size_t n, struct casg_err *err);

/*
 * The index over so many packs, in ascending order of their ids, no two alike
 * (CASG_ECORRUPT otherwise).  Takes a quarter of a byte an object and 16 bytes
 * a node and chunk of memory, and some MiB.
 */
int casg_multidx_build(struct casg_packidx *const *packs, uint32_t npacks,
		       casg_multidx_sink *sink, void *ctx, struct casg_err *err);

struct casg_multidx {
	struct casg_blocks blocks;
	uint32_t npacks;
	uint64_t nentries;
	unsigned int id_bits;     /* of an id, that are told */
	unsigned int bits;        /* the bucket of an id is so many of its top bits */
	unsigned int number_bits; /* of an entry, the pack; above it the rest of id_bits */
	unsigned int entry_sz;
	struct casg_place at_packs, at_entries, at_buckets, end;
};

/* 'data' is borrowed until release. */
int casg_multidx_open(struct casg_multidx *m, const uint8_t *data, uint64_t nbytes,
		      struct casg_err *err);
void casg_multidx_release(struct casg_multidx *m);

/* The id of pack number n, which ascend. */
int casg_multidx_pack(struct casg_multidx *m, uint32_t n, struct casg_oid *id_out,
		      struct casg_err *err);

/*
 * The numbers of the packs that may hold 'id', ascending in runs of one tag: at
 * most 'max' of them are put into packs_out, *n_out counts all.  0, or
 * CASG_ECORRUPT.
 */
int casg_multidx_find(struct casg_multidx *m, const struct casg_oid *id,
		      uint32_t *packs_out, size_t max, size_t *n_out, struct casg_err *err);

#endif
