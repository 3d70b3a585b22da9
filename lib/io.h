/*
 * io - whole reads and writes on file descriptors, and durability.
 *
 * System calls may be interrupted or move fewer bytes than asked; these do
 * not.  Messages say what failed but not on which file, where only a
 * descriptor is known: the caller adds the name with casg_err_prefix.
 *
 * Every function returns 0 or a negative casg_class with err filled;
 * CASG_EIO unless stated otherwise.  All are reentrant.
 */
#ifndef CASG_IO_H
#define CASG_IO_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/*
 * Read until nbytes have come or the file ends.  *got_out is what came (also
 * on error); less than nbytes with return 0 means end of file.
 */
int casg_read_full(int fd, void *buf, size_t nbytes, size_t *got_out,
		   struct casg_err *err);

/* The same from a byte offset, without moving the file position. */
int casg_pread_full(int fd, void *buf, size_t nbytes, uint64_t offset,
		    size_t *got_out, struct casg_err *err);

int casg_write_full(int fd, const void *buf, size_t nbytes, struct casg_err *err);
/* The same at an offset, which is not moved. */
int casg_pwrite_full(int fd, const void *buf, size_t nbytes, uint64_t offset,
		     struct casg_err *err);

/*
 * Bring a file to stable storage.  Descriptors that cannot be synced (pipes,
 * some special files) count as done; so does a folder on a file system that
 * refuses to sync folders.
 */
int casg_fsync(int fd, struct casg_err *err);
int casg_fsync_dir(const char *path, struct casg_err *err);

/* Sync the folder that holds the file 'path' ("." if path has no slash). */
int casg_fsync_parent(const char *path, struct casg_err *err);

/*
 * Make a folder and those above it, mode 0777 under the umask.  A folder that
 * exists is success.  The new folders' entries are not synced: what is in
 * them is worth nothing until a file there is committed (tmpfile.h syncs).
 */
int casg_mkdir_p(const char *path, struct casg_err *err);

/*
 * Append a whole file to 'out' (the caller's, initialised).  CASG_EABSENT when there is
 * no such file (or a folder on the way is missing); CASG_ENOMEM when it holds
 * more than max_bytes, or memory is short.  On failure 'out' is as long as
 * before.
 */
int casg_read_file(const char *path, uint64_t max_bytes, struct casg_buf *out,
		   struct casg_err *err);

#endif
