/*
 * input - a list of files read as one stream of decompressed bytes.
 *
 * Each file's format is told by its first bytes, never by its name: gzip
 * (bgzip and concatenated members included), zstd, xz and bzip2 are
 * decompressed, anything else is passed on as it is.  The stream is the
 * decompressed bytes of the files, one after the other, nothing between.
 *
 * Fail closed: a compressed file that ends too early, fails a checksum, holds
 * something foreign behind its last member, or needs more memory than the
 * limits in decode.h, is an error that names the file; bytes that were
 * delivered before it must not be relied on.  All-zero padding behind the
 * last gzip member (tapes) and xz stream padding are accepted.  A file whose
 * last gzip member is a BGZF block must end in BGZF's empty end-of-file block,
 * since nothing else tells that it was cut between two blocks.  What cannot
 * be told is not an error: a file cut exactly between two zstd frames, bzip2
 * or xz streams or plain gzip members, and a file of no bytes at all.
 *
 * Compressed files are decompressed ahead by one thread of the input's own,
 * through four buffers of 1 MiB; plain ones are read by the caller's thread
 * into the caller's buffer.
 *
 * Threads: one thread at a time may use an input; casg_input_raw_done alone
 * may be called by any other while the input is open.  The input's own thread
 * runs with all signals blocked.
 */
#ifndef CASG_INPUT_H
#define CASG_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "digests.h"
#include "err.h"

struct casg_input;

/*
 * Open 'npaths' files; "-" is standard input and may stand there once.  Every
 * file is opened here, so that one that cannot be read or is a directory
 * fails before anything is done; regular files beyond the first few are closed
 * again and reopened in their turn, so that the number of files is not bound
 * by the number of descriptors.  The paths are copied.  *in_out is NULL after
 * a failure (CASG_EABSENT, CASG_EIO, CASG_ENOMEM, CASG_EBUG).
 */
int casg_input_open(struct casg_input **in_out, const char *const *paths,
		    size_t npaths, struct casg_err *err);

/*
 * Before anything is read: the bytes of file number 'file', as they are (not
 * decompressed), have this digest, in lower-case hex (copied).  It is computed
 * as they are read; if it is another, reading fails with CASG_ENOTOURS where
 * the file ends.  One digest of each kind a file.
 */
int casg_input_expect(struct casg_input *in, size_t file, enum casg_filesum_kind kind,
		      const char *hex, struct casg_err *err);

/*
 * Read up to nbytes (> 0) into buf: the number read, which may be short and
 * never spans two files; 0 at the end of the last file, and on every later
 * call; or a negative class, the same one on every later call.
 */
long casg_input_read(struct casg_input *in, void *buf, size_t nbytes,
		     struct casg_err *err);

/*
 * Which file the byte at 'stream_offset' came from, and where in its
 * decompressed bytes it stands.  For an offset at the end of what was read:
 * the file being read.  The name is what errors call it, "standard input" for
 * "-"; it lives as long as the input.  The name is "" for an input of no files.
 */
void casg_input_where(const struct casg_input *in, uint64_t stream_offset,
		      const char **name_out, uint64_t *offset_in_file_out);

/* At the end of the last file: the first file that held no bytes, or -1. */
long casg_input_empty(const struct casg_input *in);

/* Bytes read from disk so far; and of all files, 0 if that cannot be known. */
uint64_t casg_input_raw_done(const struct casg_input *in);
uint64_t casg_input_raw_total(const struct casg_input *in);

/*
 * Free it, at any time; NULL is allowed.  Returns without waiting for more
 * input, also when the input's thread stands in a read from a silent pipe or
 * terminal (it waits there with poll, on the file and on a pipe of our own).
 */
void casg_input_close(struct casg_input *in);

#endif
