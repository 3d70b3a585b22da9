/*
 * script - sequences of DNA as edit scripts against bases that lie elsewhere.
 *
 * A script makes the members of a chunk from _literals_, bases that are stored
 * at two bits: its own, and those of other chunks of the same pack; and from what
 * the scripts of other chunks make.  Literals need nothing to be read; of what is
 * made from what is made, a chain is CASG_SCRIPT_LEVEL_MAX steps at most.  The
 * parts of a script become streams of a chunk; their form is casgformat-pack(5),
 * "Matched" and "Matched deep".
 *
 * Positions: literals and bases of the chunks that are named, in the order of the
 * file, and then its own literals, one behind the other, each at a multiple of four.
 * While a script is written they are those of the matcher's pool (matcher.h),
 * and casg_script_settle turns them into these.
 *
 * Exceptions (what is not A, C, G, T) are not told here: they are laid over
 * what a script makes.
 *
 * Threads: a script belongs to one thread at a time; applying is reentrant.
 */
#ifndef CASG_SCRIPT_H
#define CASG_SCRIPT_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "merkle.h"

#define CASG_SCRIPT_BASES_MAX 255 /* chunks that one may name */
#define CASG_SCRIPT_MADE_MAX 16   /* of them, those whose members' bases it uses */
#define CASG_SCRIPT_SEGMENTS_MAX (CASG_SCRIPT_BASES_MAX + CASG_SCRIPT_MADE_MAX + 1)
/* A script that uses literals only is of level 1, one that uses bases of level n of n + 1. */
#define CASG_SCRIPT_LEVEL_MAX 3
/* Bytes at two bits that one may use, its own literals included: 2^31 positions. */
#define CASG_SCRIPT_LITERALS_MAX ((uint64_t)512 << 20)

/* What follows the bases that are copied before it. */
enum casg_script_step {
	CASG_STEP_SUBST = 0,    /* 0 .. 3: one base in place of another */
	CASG_STEP_BLOCK = 4,    /* literals in place of as many bases */
	CASG_STEP_SHIFT = 5,    /* literals, then go on a little off */
	CASG_STEP_FORWARD = 6,  /* literals, then copy from elsewhere */
	CASG_STEP_REVERSE = 7,  /* the same, of the other strand, downwards */
	CASG_STEP_REST = 8,     /* copy the rest of the member */
	CASG_STEP_LITERAL = 9,  /* the rest of the member is literals */
	CASG_STEP_MAX = CASG_STEP_LITERAL
};

struct casg_script {
	struct casg_buf steps;    /* a byte each */
	struct casg_buf copies;   /* LEB128: bases copied before the step */
	struct casg_buf numbers;  /* LEB128: literals; zigzag of a shift */
	struct casg_buf jumps;    /* LEB128: positions; filled by settle */
	struct casg_buf literals; /* at two bits */
	struct casg_buf bases;    /* LEB128: distances of the chunks named, descending; */
	int deep;                 /* 4 * distance + use, if bases that others make are used */
	uint64_t *target;         /* of each jump */
	size_t ntargets, cap_targets;
	/* the member under way */
	uint64_t run, nlit, next;
	uint32_t segment;
	int has_source, reverse;
};

void casg_script_reset(struct casg_script *s);
void casg_script_release(struct casg_script *s);

/* Writing one member: begin, then what it is made of, end. */
void casg_script_begin(struct casg_script *s);
void casg_script_literals(struct casg_script *s, uint64_t n);
/*
 * n bases from 'at' on, downwards on the other strand if 'reverse'; 'segment'
 * is the number of whatever chunk these literals belong to.
 */
int casg_script_copy(struct casg_script *s, uint64_t at, int reverse, uint32_t segment,
		     uint64_t n, struct casg_err *err);
/* Behind a copy: another base in place of the next, and n more copied. */
void casg_script_substitute(struct casg_script *s, unsigned int base, uint64_t n);
int casg_script_end(struct casg_script *s, struct casg_err *err);

/* What of a named chunk is used, when a script is deep: a sum; 0: by what is used. */
enum { CASG_USE_LITERALS = 1, CASG_USE_MADE = 2, CASG_USE_MAX = 3 };

/* What a script is made from when it is read.  Nothing is copied. */
struct casg_script_in {
	struct casg_slice steps, copies, numbers, jumps;
	struct casg_slice literals[CASG_SCRIPT_SEGMENTS_MAX]; /* the last: its own */
	uint32_t nsegments;       /* of them; its own included */
};

/*
 * What one step of a script does, for those who want to know and not to apply
 * it: n bases of member i at 'to' come from base 'from' of 'segment' on (copied
 * downwards if 'reverse'), or are literals: then segment is its own.  'made' is for
 * casg_chunk_each_part (chunk.h): 0 here.
 */
struct casg_script_part {
	uint32_t member, segment;
	uint64_t to, from, n;
	int literal, reverse, made;
	int substitution;            /* then n is 1, and 'from' is replaced */
};

typedef int casg_script_part_fn(void *ctx, const struct casg_script_part *part,
				struct casg_err *err);

/*
 * Make the members as letters: member i is out[offset[i] .. offset[i + 1]), offsets rise,
 * and behind the last one there is room for CASG_LETTERS_SLACK bytes (bases.h),
 * which are overwritten.  'out' may be NULL, if 'fn' is there, which is told
 * every part (or NULL).  CASG_ECORRUPT for a script that does not make exactly
 * these from exactly its streams.
 */
int casg_script_apply(const struct casg_script_in *in, const uint64_t *offset,
		      uint32_t nmembers, uint8_t *out, casg_script_part_fn *fn, void *ctx,
		      struct casg_err *err);

/*
 * The same at two bits a base: member i is the bases offset[i] .. offset[i + 1] of
 * 'out', which has the slack of bases.h and is all 0 before.
 */
int casg_script_apply_packed(const struct casg_script_in *in, const uint64_t *offset,
			     uint32_t nmembers, uint8_t *out, struct casg_err *err);

#endif
