/*
 * chunkfile - chunks as files in a folder, <dir>/<2 digits>/<chunk id>, with the
 * bytes that lie in the pack.
 *
 * A file has its name when all of it is written.  Who reads it verifies it.
 * Threads and processes: any number; of two that write the same one wins.
 */
#ifndef CASG_CHUNKFILE_H
#define CASG_CHUNKFILE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"

/* DIR/<2 digits>/<id> in 'out', NUL-terminated. */
const char *casg_chunkfile_path(struct casg_buf *out, const char *dir, const struct casg_oid *id);
/*
 * Write such a file: temporary, renamed, and with 'sync' synced.  One that is
 * there is replaced.
 */
int casg_chunkfile_write(const char *dir, const struct casg_oid *id, const void *p, size_t n,
			 int sync, struct casg_err *err);
/* fn for each such file of a folder; a negative class that it gives ends it. */
typedef int casg_chunkfile_fn(void *ctx, const struct casg_oid *id, uint64_t nbytes,
			      struct casg_err *err);
int casg_chunkfile_each(const char *dir, casg_chunkfile_fn *fn, void *ctx, struct casg_err *err);

#endif
