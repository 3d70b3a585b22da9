/*
 * fasta - reading FASTA text, pushed in pieces, into records.
 *
 * The caller feeds decompressed bytes; the parser calls a handler with facts
 * about the text, and for each record its key and description, its residues
 * (upper-cased), and its presentation (layout.h), so that the text can be
 * written again byte for byte.  Any split of the input gives the same calls.
 *
 * Accepted: LF and CR LF in any mixture, any line width or none, blank lines,
 * ';' comment lines, white space inside lines, empty keys and sequences.
 * Residues are the bytes 0x21 to 0x7E.  '>' begins a record at the start of a
 * line only; elsewhere it is a residue, with a warning.  Refused, always as
 * CASG_ECORRUPT: other bytes among residues, NUL anywhere, text before the
 * first record, keys longer than CASG_KEY_MAX,
 * descriptions and prologues longer than CASG_TEXT_MAX.
 *
 * Facts are decided from the first CASG_FASTA_PEEK bytes alone: CR LF if the
 * first line ends so; the width is that of the first line of the first record
 * that has two lines with residues; when no record has, 60 if no line is
 * longer, else 0.
 *
 * Memory: the peek, the prologue, the longest header, and the longest
 * presentation; never a sequence or a line.  Threads: one thread a handle.
 */
#ifndef CASG_FASTA_H
#define CASG_FASTA_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "layout.h"

#define CASG_FASTA_PEEK ((size_t)1 << 20)  /* bytes */
#define CASG_FASTA_BATCH ((size_t)1 << 15) /* residues a call, at most */

/*
 * What the parser calls.  A non-zero return (with err filled) ends the parse
 * and is what feed or finish returns.  Pointers are valid during the call.
 */
struct casg_fasta_handler {
	void *ctx;

	/*
	 * Once, before the first record, also when there is none.  Whether the
	 * text ends in LF is not known yet: final_newline is 1.
	 */
	int (*facts)(void *ctx, const struct casg_facts *facts,
		     struct casg_err *err);

	int (*begin)(void *ctx, const char *key, size_t klen, const char *desc,
		     size_t dlen, struct casg_err *err);

	/* Full batches, and what is left at the end of the record. */
	int (*residues)(void *ctx, const uint8_t *p, size_t n,
			struct casg_err *err);

	/* The presentation in full, "-" for none. */
	int (*end)(void *ctx, uint64_t nresidues, const char *pres,
		   size_t preslen, struct casg_err *err);

	/* May be NULL.  One sentence without the file's name. */
	void (*warn)(void *ctx, const char *msg);
};

struct casg_fasta;

/* Copies the handler.  NULL when out of memory. */
struct casg_fasta *casg_fasta_new(const struct casg_fasta_handler *handler);
void casg_fasta_free(struct casg_fasta *f);

/* 0, or what was refused; after that the handle takes no more. */
int casg_fasta_feed(struct casg_fasta *f, const uint8_t *p, size_t n,
		    struct casg_err *err);
int casg_fasta_finish(struct casg_fasta *f, struct casg_err *err);

/* Records begun so far; bytes fed so far. */
uint64_t casg_fasta_records(const struct casg_fasta *f);
uint64_t casg_fasta_bytes(const struct casg_fasta *f);

/* After finish: does the text end in LF?  1 for an empty text. */
int casg_fasta_final_newline(const struct casg_fasta *f);

/*
 * After a refusal, and during a warning: the record it lies in, from 1 (1 too
 * before the first), and the offset of the byte, from 0.  At any other time
 * the record is the one that the last byte fed lies in.
 */
uint64_t casg_fasta_error_record(const struct casg_fasta *f);
uint64_t casg_fasta_error_offset(const struct casg_fasta *f);

#endif
