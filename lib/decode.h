/*
 * decode - streaming decompressors behind one small interface.
 *
 * Used by input.c alone; each format has its own file, which includes its
 * third-party header.  A decoder sees one file from its first byte to its
 * last and accepts any concatenation of streams of its format.
 *
 * Threads: a state belongs to one thread at a time.
 */
#ifndef CASG_DECODE_H
#define CASG_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Memory that a stream may make us use; more is refused, by name. */
#define CASG_DECODE_XZ_MEMLIMIT (UINT64_C(256) << 20)
#define CASG_DECODE_ZSTD_WINDOWLOG 27

struct casg_decode_io {
	const uint8_t *in;
	size_t nin;
	uint8_t *out;
	size_t nout;
	int eof; /* nothing follows the nin bytes */
};

struct casg_decoder {
	const char *name;  /* "gzip" */
	/* A new state, or NULL with err filled. */
	void *(*init)(struct casg_err *err);
	/*
	 * Consume from in, write to out, moving pointers and counts, until out
	 * is full or in is empty.  1: the file ended, all is written (only
	 * with eof).  0: call again, with more input (only if nin is 0) or
	 * more room.  Negative: an error; the message does not name the file.
	 */
	int (*step)(void *state, struct casg_decode_io *io, struct casg_err *err);
	void (*end)(void *state);
};

extern const struct casg_decoder casg_decode_gzip; /* the fastest we have */
extern const struct casg_decoder casg_decode_gzip_zlib;
#ifdef HAVE_ISAL
extern const struct casg_decoder casg_decode_gzip_isal;
#endif
extern const struct casg_decoder casg_decode_zstd;
extern const struct casg_decoder casg_decode_xz;
extern const struct casg_decoder casg_decode_bzip2;

/*
 * The decoder for a file that starts with p[0..n), n < 6 only if that is all
 * of it; NULL for a plain one.  (In input.c, which alone asks.)
 */
const struct casg_decoder *casg_decode_detect(const uint8_t *p, size_t n);

/* The two errors that every format knows, worded alike. */
static inline int casg_decode_truncated(const struct casg_decoder *d,
					struct casg_err *err)
{
	return casg_err_set(err, CASG_ECORRUPT, "truncated %s stream", d->name);
}

static inline int casg_decode_corrupt(const struct casg_decoder *d,
				      const char *why, struct casg_err *err)
{
	return casg_err_set(err, CASG_ECORRUPT, "corrupt %s stream: %s",
			    d->name, why);
}

#endif
