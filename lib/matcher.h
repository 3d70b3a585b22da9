/*
 * matcher - finds what sequences of DNA have in common, on both strands.
 *
 * The matcher keeps a pool of literals: the bases that no earlier piece had,
 * at two bits, chunk by chunk.  A piece that is given is told as an edit
 * script (script.h) against the pool, and what is new of it is added.  So the
 * first of a family lies there as it is, and every other one is a script
 * against it, however many there are.
 *
 * A relative of such a script would tell again all that it tells.  So the bases of
 * a chunk that was made from others are added to the pool as well, as long as there
 * is room, and their k-mers that nothing before had: these are where it differs.
 * Once a match is found, such k-mers of the piece under it are asked for one that
 * is better.
 *
 * Likeness is found by k-mers that are the same on both strands, of which a
 * fixed share is looked at, as their bases have it and not their places (as in
 * FracMinHash: Hera et al., Genome Research 2023); a table has where in the
 * pool each is.  From such a seed
 * the match is extended over single differences both ways for as long as that
 * costs less than literals would (the X-drop of Altschul et al., Nucleic Acids
 * Research 1997); a gap ends it and the next seed takes up behind it.
 *
 * The same pieces in the same order give the same scripts everywhere.
 *
 * Memory: a quarter of a byte a base of the pool and some 16 bytes a sampled
 * k-mer, together no more than is said, but for the literals of the chunk under
 * way.  A full pool takes nothing more: what is new then stays literal, and later
 * chunks do not see it.  Bases that are made are added up to three quarters of it.
 *
 * Threads: scanning is reentrant, one casg_scan a thread; a matcher belongs to
 * one thread at a time.
 */
#ifndef CASG_MATCHER_H
#define CASG_MATCHER_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "script.h"

#define CASG_SCAN_SHARE_MAX 256

/* Pieces to be matched: their bases at two bits, and their sampled k-mers. */
struct casg_scan {
	struct casg_buf packed;      /* each piece begins with a byte; slack behind the last */
	struct casg_buf ok;          /* of pieces that have others than A, C, G, T: two bits
	                                a base, 0 for the others; packed in the same way */
	struct casg_seed {
		uint32_t high, low;  /* hash of the k-mer, whatever its strand */
		uint32_t at : 31;    /* in the piece */
		uint32_t backward : 1; /* the other strand's k-mer is the lesser */
	} *seeds;
	size_t nseeds, cap_seeds;
	struct casg_scanned {
		uint64_t n;          /* bases */
		size_t packed, ok;   /* where it begins in these; ok: SIZE_MAX for none */
		size_t first_seed, end_seed;
	} *pieces;
	size_t npieces, cap_pieces;
	struct casg_buf exceptions;  /* scratch */
	uint64_t centers[1024];      /* a bit for each of 8 bases: do they make a seed? */
	unsigned int share;          /* for this one; 0: for none yet */
};

void casg_scan_reset(struct casg_scan *s);
/*
 * Scan one more piece, of fewer than 2^31 residues.  One k-mer of 'share' is a
 * seed, 1 .. CASG_SCAN_SHARE_MAX.
 */
int casg_scan_add(struct casg_scan *s, const uint8_t *residues, size_t n, unsigned int share,
		  struct casg_err *err);
void casg_scan_release(struct casg_scan *s);
/* About how many bytes a scan of n residues takes. */
uint64_t casg_scan_nbytes(uint64_t n, unsigned int share);

struct casg_matcher;

/*
 * A pool of about max_bases (2^30 at most; a chunk may take it beyond), with its
 * table in max_nbytes.  NULL: out of memory.
 */
struct casg_matcher *casg_matcher_new(uint64_t max_bases, uint64_t max_nbytes);
void casg_matcher_free(struct casg_matcher *m);

/* Forget everything: a new pack begins. */
void casg_matcher_reset(struct casg_matcher *m);

/*
 * The pieces of one chunk, in order: begin, match each, end.  'chunk' is its
 * number in the pack, higher than those before.  All of them, and no others, are
 * those of one scan, which stays as it is up to the end.  With the end the script
 * is complete, and owned by the caller.
 */
int casg_matcher_begin(struct casg_matcher *m, uint32_t chunk, struct casg_script *script,
		       struct casg_err *err);
int casg_matcher_match(struct casg_matcher *m, const struct casg_scan *scan, size_t piece,
		       struct casg_err *err);
int casg_matcher_end(struct casg_matcher *m, struct casg_err *err);

#endif
