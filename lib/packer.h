/*
 * packer - sequences in, packs out: hashing, deduplication, grouping.
 *
 * Sequences come in the order of the file.  Each is hashed; what the store
 * has, or came before, is not stored again; the rest is gathered in batches,
 * brought into an order that keeps groups together and puts like beside like
 * where that promises to pay (arrange.h), and compressed over all cores.  A sequence longer than a chunk is cut
 * into pieces by its content and stored as a list of them.
 *
 * Batches are bounded by counted bytes, never by time, so equal input, options
 * and prior store give equal packs for any number of threads.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_PACKER_H
#define CASG_PACKER_H

#include <stdint.h>

#include "chunk.h"
#include "err.h"
#include "grouping.h"
#include "packw.h"
#include "store.h"
#include "workers.h"

struct casg_packer;

struct casg_packer_opts {
	int level;               /* compression, 0 to 19 */
	uint64_t chunk_nbytes;   /* residues a chunk aims at; longer is cut */
	uint64_t batch_nbytes;   /* residues held and ordered together */
	uint64_t pack_nbytes;
	unsigned int max_cost;   /* percent of the size that grouping may cost */
	unsigned int match;      /* DNA: one k-mer of so many is looked for in the pack
	                            (matcher.h); 0: none, sequences stand for themselves */
};

/* How many residues are held and ordered together with these options. */
uint64_t casg_packer_batch(const struct casg_packer_opts *opts);

struct casg_packer_stats {
	uint64_t nrecords;   /* sequences given */
	uint64_t nnew;       /* of them, stored now */
	uint64_t nresidues;
};

/* Called once a sequence, in order; 'tag' is what casg_packer_end was given.  May be NULL. */
typedef int casg_packer_sink(void *ctx, const uint8_t *tag, size_t tag_nbytes,
			     const struct casg_oid *id, uint64_t nresidues,
			     struct casg_err *err);

struct casg_packer *casg_packer_new(struct casg_store *store, struct casg_packw *packw,
				    struct casg_workers *pool, struct casg_coder **coders,
				    const struct casg_packer_opts *opts,
				    casg_packer_sink *sink, void *sink_ctx,
				    struct casg_err *err);
void casg_packer_free(struct casg_packer *p);

/*
 * The group of the sequence that comes next: called before its first residue;
 * holds until it is called again.  Without it, there is one group.
 */
void casg_packer_group(struct casg_packer *p, const struct casg_group *group);

/* The next residues of the sequence under way: upper case, 0x21 to 0x7E. */
int casg_packer_residues(struct casg_packer *p, const uint8_t *res, size_t n,
			 struct casg_err *err);
/* The sequence is complete; the tag is copied and given to the sink later. */
int casg_packer_end(struct casg_packer *p, const void *tag, size_t tag_nbytes,
		    struct casg_err *err);

/* A whole sequence, from where it lies in a store. */
int casg_packer_copy(struct casg_packer *p, struct casg_store *from, struct casg_coder *c,
		     const struct casg_loc *loc, struct casg_err *err);

/* Store a blob (a long presentation); its id is its SHA-256. */
int casg_packer_blob(struct casg_packer *p, const void *bytes, size_t n,
		     struct casg_oid *id_out, struct casg_err *err);

/* Everything is given: complete the work and finish the pack. */
int casg_packer_finish(struct casg_packer *p, struct casg_packer_stats *out,
		       struct casg_err *err);

#endif
