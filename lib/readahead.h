/*
 * readahead - a thread that reads and decompresses one file ahead of its user.
 *
 * Used by input.c alone.  A source is an open file and the bytes that were
 * already read from it to tell its format; a readahead owns the thread, the
 * decoder's state and four buffers of 1 MiB, and borrows the source, which
 * must outlive it and which nobody else may touch meanwhile.
 *
 * Threads: start, read and stop are called by one thread.
 */
#ifndef CASG_READAHEAD_H
#define CASG_READAHEAD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "decode.h"
#include "digests.h"
#include "err.h"

#define CASG_SOURCE_HEAD (64 * 1024)

struct casg_source {
	int fd;
	int can_block;  /* not a regular file: a read may wait for ever */
	int cancel_fd;  /* readable when reading should stop; -1: none */
	_Atomic uint64_t *raw_done; /* counts what came from fd */
	struct casg_filesum *sum[CASG_FILESUM_KINDS]; /* of what is given out; or NULL */
	uint8_t *head;  /* CASG_SOURCE_HEAD bytes of room */
	size_t nhead, head_off; /* head[head_off..nhead) is not yet consumed */
};

/*
 * Read up to nbytes, the head's first: > 0, 0 at end of file, or negative.
 * Waits where the descriptor is non-blocking.
 */
long casg_source_read(struct casg_source *s, void *buf, size_t nbytes,
		      struct casg_err *err);

struct casg_readahead;

/* NULL with err filled when there is no memory, thread or descriptor. */
struct casg_readahead *casg_readahead_start(const struct casg_decoder *decoder,
					    struct casg_source *source,
					    struct casg_err *err);

/* As casg_input_read; what was decompressed before an error comes first. */
long casg_readahead_read(struct casg_readahead *ra, void *buf, size_t nbytes,
			 struct casg_err *err);

/* Stop and join the thread wherever it is, and free everything; NULL allowed. */
void casg_readahead_stop(struct casg_readahead *ra);

#endif
