/*
 * zframe - one buffer to one zstd frame and back (RFC 8878).
 *
 * Frames carry their content size, no checksum (what they hold is checked by
 * SHA-256) and no dictionary.  A frame is made by one thread from its input,
 * level and window alone, so equal input gives equal bytes for one version
 * of libzstd.
 *
 * Threads: one context a thread.
 */
#ifndef CASG_ZFRAME_H
#define CASG_ZFRAME_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* Frames that need a larger window than 2^this bytes are refused. */
#define CASG_ZFRAME_WINDOW_LOG_MAX 27

struct casg_zc;
struct casg_zd;

/* NULL when out of memory.  free(NULL) is allowed. */
struct casg_zc *casg_zc_new(void);
void casg_zc_free(struct casg_zc *zc);
struct casg_zd *casg_zd_new(void);
void casg_zd_free(struct casg_zd *zd);

/*
 * Append the frame for in[0..nbytes) to 'out'.  window_log 0: what the level
 * brings along; else 10 .. 27, and from 24 on with long-distance matching.
 * CASG_ENOMEM; CASG_EBUG for a level or window out of range.  On failure
 * 'out' is as long as before.
 */
int casg_zc_frame(struct casg_zc *zc, int level, int window_log,
		  const void *in, size_t nbytes, struct casg_buf *out,
		  struct casg_err *err);

/*
 * Undo it: in[0..nbytes) must be exactly one frame of the form above, whose
 * content is exactly raw_nbytes long; out has room for that.  Anything else
 * is CASG_ECORRUPT and 'out' holds nothing to be used.  The caller bounds
 * raw_nbytes before it allocates.
 */
int casg_zd_frame(struct casg_zd *zd, const void *in, size_t nbytes,
		  void *out, size_t raw_nbytes, struct casg_err *err);

#endif
