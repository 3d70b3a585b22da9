/*
 * tmpfile - files that appear whole or not at all, and lock files.
 *
 * A temporary file is written under a name nobody looks for, synced, renamed
 * to its final name, and its folder synced.  Names are
 * <prefix>-<pid>-<16 hex digits>.tmp, so rubbish after a crash can be told by
 * its name.  The mode is 0444 under the umask from the start (the creating
 * descriptor may write all the same), as Git's object files.
 *
 * The library keeps no list of open temporary files.  A program that wants
 * them removed when a signal ends it keeps the structures where its handler
 * can see them: the _abandon functions and casg_lockfile_release are
 * async-signal-safe, and may be called at any time after the _INIT value was
 * stored, even while the same structure is being created or committed.
 *
 * Threads: a structure belongs to one thread at a time (handlers aside).
 */
#ifndef CASG_TMPFILE_H
#define CASG_TMPFILE_H

#include <signal.h>
#include <sys/types.h>

#include "err.h"

#define CASG_PATH_MAX 4096

struct casg_tmpfile {
	volatile sig_atomic_t active; /* path is a name that must go away */
	int fd;                       /* open for read and write; -1: none */
	mode_t mode_or;               /* mode bits to add at commit (shared repositories); 0: none */
	char path[CASG_PATH_MAX];
};

#define CASG_TMPFILE_INIT { 0, -1, 0, "" }

/*
 * Create <dir>/<prefix>-<pid>-<random>.tmp, close-on-exec.  'dir' must be on
 * the same file system as the final name.  CASG_EABSENT when the folder is
 * missing, CASG_EIO otherwise.
 */
int casg_tmpfile_create(struct casg_tmpfile *t, const char *dir,
			const char *prefix, struct casg_err *err);

/*
 * Sync, close, rename to final_path, sync the folder.  For content-addressed
 * names: a file that is there already is kept and ours is dropped, which is
 * success; but CASG_ECORRUPT if the one there has another size.  Whatever is
 * returned, 't' is closed and its temporary name is gone.
 */
int casg_tmpfile_commit(struct casg_tmpfile *t, const char *final_path,
			struct casg_err *err);

/* The same, but a file of that name is replaced (atomically). */
int casg_tmpfile_commit_replace(struct casg_tmpfile *t, const char *final_path,
				struct casg_err *err);

/* Close and unlink; does nothing if committed or never created. */
void casg_tmpfile_abandon(struct casg_tmpfile *t);

/*
 * A nameless scratch file in 'dir', readable and writable by us only; gone
 * when its descriptor is closed, however the process ends.  Returns the
 * descriptor (>= 0, the caller's to close) or a negative class.
 */
int casg_tmpfile_scratch(const char *dir, struct casg_err *err);

/*
 * A lock is the file <path>.lock, created with O_EXCL, as Git's: whoever
 * created it may change 'path'.  It is removed by release, or becomes the new
 * content of 'path' by commit.
 */
struct casg_lockfile {
	volatile sig_atomic_t active;
	int fd;                       /* open for writing; -1: none */
	char path[CASG_PATH_MAX];     /* the lock's own name, with ".lock" */
};

#define CASG_LOCKFILE_INIT { 0, -1, "" }

/*
 * Take the lock of 'path', waiting up to timeout_ms for another holder to
 * finish (0: do not wait; < 0: wait for ever).  CASG_EIO, with a message that
 * names the lock file, if it stays held.
 */
int casg_lockfile_take(struct casg_lockfile *l, const char *path,
		       int timeout_ms, struct casg_err *err);

/* Sync what was written to l->fd and rename it over the locked path. */
int casg_lockfile_commit(struct casg_lockfile *l, struct casg_err *err);

/* Remove the lock; does nothing if it is not held. */
void casg_lockfile_release(struct casg_lockfile *l);

#endif
