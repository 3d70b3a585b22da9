/*
 * fastain - files in, FASTA events out: input.h feeding fasta.h.
 *
 * Joins the two so that every program refuses bad input in the same words:
 * "FILE: record N: byte offset M: what is wrong".  N counts from 1 through
 * all files; M counts from 0 in that file's decompressed bytes.  For a damaged
 * compressed file they say how far it could be read.  Other failures of
 * reading name the file, failures of the handler are passed on as they are.
 */
#ifndef CASG_FASTAIN_H
#define CASG_FASTAIN_H

#include <stddef.h>
#include <stdint.h>

#include "digests.h"
#include "err.h"

struct casg_fasta_handler;

/* Kept up to date while it runs: read it from the callbacks. */
struct casg_fastain_stats {
	uint64_t nbytes;    /* decompressed bytes given to the parser */
	uint64_t raw_done;  /* bytes read from disk */
	uint64_t raw_total; /* bytes on disk, 0 if not known */
	uint64_t nrecords;  /* records begun */
	int final_newline;  /* set on success: the text ends in LF, or is empty */
	long empty_file;    /* set on success: the first file of no bytes, or -1 */
};

/*
 * Parse the files, in order, as one FASTA text.  npaths 0: standard input.
 * on_bytes, unless NULL, sees every block of decompressed bytes before the
 * parser does and stops everything by returning a negative class, with err
 * filled.  A block stays as it is until on_bytes has returned for the next, or,
 * behind the last and also after a failure, for none (NULL, 0).
 * stats_out may be NULL.
 */
int casg_fasta_from_files(const char *const *paths, size_t npaths,
			  const struct casg_fasta_handler *handler,
			  int (*on_bytes)(void *ctx, const uint8_t *p, size_t n,
					  struct casg_err *err),
			  void *on_bytes_ctx,
			  struct casg_fastain_stats *stats_out,
			  struct casg_err *err);

/* The same of files whose digests are known: see casg_input_expect. */
struct casg_fastain_expect {
	size_t file;  /* its number, from 0 */
	enum casg_filesum_kind kind;
	const char *hex;
};

int casg_fasta_from_expected_files(const char *const *paths, size_t npaths,
				   const struct casg_fastain_expect *expect, size_t nexpect,
				   const struct casg_fasta_handler *handler,
				   int (*on_bytes)(void *ctx, const uint8_t *p, size_t n,
						   struct casg_err *err),
				   void *on_bytes_ctx,
				   struct casg_fastain_stats *stats_out,
				   struct casg_err *err);

#endif
