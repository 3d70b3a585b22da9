#include "tmpfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

#define TRIES 100

/* Names need to differ, not to be secret. */
static uint64_t random_u64(unsigned attempt)
{
	struct timespec ts;
	uint64_t v;

	if (getrandom(&v, sizeof(v), 0) == (ssize_t)sizeof(v))
		return v;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec << 32 ^ (uint64_t)ts.tv_nsec) + attempt *
	       UINT64_C(0x9e3779b97f4a7c15);
}

static int open_error(struct casg_err *err, int errnum, const char *what,
		      const char *where)
{
	int code = errnum == ENOENT || errnum == ENOTDIR ? CASG_EABSENT : CASG_EIO;

	casg_err_sys(err, errnum, "cannot create %s '%s'", what, where);
	if (err)
		err->code = code;
	return code;
}

static int temp_name(char *path, const char *dir, const char *prefix,
		     unsigned attempt, struct casg_err *err)
{
	int n = snprintf(path, CASG_PATH_MAX, "%s/%s-%ld-%016llx.tmp", dir, prefix,
			 (long)getpid(), (unsigned long long)random_u64(attempt));

	if (n < 0 || n >= CASG_PATH_MAX)
		return casg_err_set(err, CASG_EIO, "path too long: '%.200s...'", dir);
	return 0;
}

int casg_tmpfile_create(struct casg_tmpfile *t, const char *dir,
			const char *prefix, struct casg_err *err)
{
	t->active = 0;
	t->fd = -1;
	for (unsigned i = 0; i < TRIES; i++) {
		int rc = temp_name(t->path, dir, prefix, i, err);

		if (rc)
			return rc;
		/*
		 * Before the file exists: a handler that unlinks a name that
		 * is not there does no harm, one that misses a file does.
		 */
		t->active = 1;
		t->fd = open(t->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
		if (t->fd >= 0)
			return 0;
		t->active = 0;
		if (errno != EEXIST && errno != EINTR)
			return open_error(err, errno, "a temporary file in", dir);
	}
	return casg_err_set(err, CASG_EIO, "cannot find a free temporary name in '%s'", dir);
}

void casg_tmpfile_abandon(struct casg_tmpfile *t)
{
	int errnum = errno;

	if (t->active) {
		unlink(t->path);
		t->active = 0;
	}
	if (t->fd >= 0) {
		close(t->fd);
		t->fd = -1;
	}
	errno = errnum;
}

/* 0 renamed, 1 something of that name is there, negative: failed. */
static int rename_new(const char *from, const char *to, struct casg_err *err)
{
	struct stat st;

#ifdef RENAME_NOREPLACE
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	if (errno == EEXIST)
		return 1;
	if (errno != EINVAL && errno != ENOSYS)
		return casg_err_sys(err, errno, "cannot rename '%s' to '%s'", from, to);
#endif
	/* Two writers may pass this check together; their bytes are the same. */
	if (!lstat(to, &st))
		return 1;
	if (rename(from, to))
		return casg_err_sys(err, errno, "cannot rename '%s' to '%s'", from, to);
	return 0;
}

static int same_size(const struct stat *ours, const char *path, struct casg_err *err)
{
	struct stat st;

	if (stat(path, &st))
		return casg_err_sys(err, errno, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_size != ours->st_size)
		return casg_err_set(err, CASG_ECORRUPT,
				    "'%s' exists, but is not the %lld bytes its name stands for",
				    path, (long long)ours->st_size);
	return 0;
}

/* Everything that has to be true of the file before it gets its name. */
static int settle(struct casg_tmpfile *t, struct stat *st, struct casg_err *err)
{
	int rc;

	if (t->fd < 0)
		return casg_err_set(err, CASG_EBUG, "commit of a temporary file that is not open");
	if (fstat(t->fd, st))
		return casg_err_sys(err, errno, "'%s'", t->path);
	if (t->mode_or && fchmod(t->fd, (st->st_mode | t->mode_or) & 07777))
		return casg_err_sys(err, errno, "cannot set the mode of '%s'", t->path);
	rc = casg_fsync(t->fd, err);
	if (rc) {
		casg_err_prefix(err, "'%s'", t->path);
		return rc;
	}
	rc = close(t->fd);
	t->fd = -1;
	if (rc && errno != EINTR)
		return casg_err_sys(err, errno, "cannot close '%s'", t->path);
	return 0;
}

static int commit(struct casg_tmpfile *t, const char *final_path, int replace,
		  struct casg_err *err)
{
	struct stat st;
	int rc = settle(t, &st, err);

	if (!rc && replace && rename(t->path, final_path))
		rc = casg_err_sys(err, errno, "cannot rename '%s' to '%s'",
				  t->path, final_path);
	else if (!rc && !replace)
		rc = rename_new(t->path, final_path, err);
	if (!rc)
		t->active = 0;
	else if (rc > 0)
		rc = same_size(&st, final_path, err);
	casg_tmpfile_abandon(t);
	/*
	 * Also when it was there: the one who renamed it may not have come to
	 * this line yet, and our caller is about to rely on it.
	 */
	return rc ? rc : casg_fsync_parent(final_path, err);
}

int casg_tmpfile_commit(struct casg_tmpfile *t, const char *final_path,
			struct casg_err *err)
{
	return commit(t, final_path, 0, err);
}

int casg_tmpfile_commit_replace(struct casg_tmpfile *t, const char *final_path,
				struct casg_err *err)
{
	return commit(t, final_path, 1, err);
}

/* No handler knows the name: a signal has to wait until it is gone. */
static int open_nameless(const char *path)
{
	sigset_t all, old;
	int fd, errnum;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	errnum = errno;
	if (fd >= 0)
		unlink(path);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = errnum;
	return fd;
}

int casg_tmpfile_scratch(const char *dir, struct casg_err *err)
{
	char path[CASG_PATH_MAX];
	int fd;

#ifdef O_TMPFILE
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
#endif
	for (unsigned i = 0; i < TRIES; i++) {
		int rc = temp_name(path, dir, "scratch", i, err);

		if (rc)
			return rc;
		fd = open_nameless(path);
		if (fd >= 0)
			return fd;
		if (errno != EEXIST && errno != EINTR)
			return open_error(err, errno, "a scratch file in", dir);
	}
	return casg_err_set(err, CASG_EIO, "cannot find a free temporary name in '%s'", dir);
}

static void nap(int ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

int casg_lockfile_take(struct casg_lockfile *l, const char *path,
		       int timeout_ms, struct casg_err *err)
{
	int waited = 0, step = 5;

	l->active = 0;
	l->fd = -1;
	if (snprintf(l->path, sizeof(l->path), "%s.lock", path) >= (int)sizeof(l->path))
		return casg_err_set(err, CASG_EIO, "path too long: '%.200s...'", path);
	for (;;) {
		int errnum;

		/*
		 * Unlike a temporary name this one may be somebody else's, so
		 * it counts as ours only once it is.
		 */
		l->fd = open(l->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (l->fd >= 0) {
			l->active = 1;
			return 0;
		}
		errnum = errno;
		if (errnum == EINTR)
			continue;
		if (errnum != EEXIST)
			return open_error(err, errnum, "lock file", l->path);
		if (timeout_ms >= 0 && waited >= timeout_ms)
			break;
		if (timeout_ms >= 0 && step > timeout_ms - waited)
			step = timeout_ms - waited;
		nap(step);
		waited = timeout_ms < 0 ? 0 : waited + step;
		step = step < 200 ? 2 * step : 200;
	}
	return casg_err_set(err, CASG_EIO,
			    "cannot lock '%s': '%s' exists; another process holds it, or one "
			    "ended without removing it", path, l->path);
}

void casg_lockfile_release(struct casg_lockfile *l)
{
	int errnum = errno;

	if (l->active) {
		unlink(l->path);
		l->active = 0;
	}
	if (l->fd >= 0) {
		close(l->fd);
		l->fd = -1;
	}
	errno = errnum;
}

int casg_lockfile_commit(struct casg_lockfile *l, struct casg_err *err)
{
	char path[CASG_PATH_MAX];
	size_t n = strlen(l->path);
	int rc;

	if (!l->active || n < 5)
		return casg_err_set(err, CASG_EBUG, "commit of a lock that is not held");
	memcpy(path, l->path, n - 5);
	path[n - 5] = '\0';
	rc = casg_fsync(l->fd, err);
	if (!rc && rename(l->path, path))
		rc = casg_err_sys(err, errno, "cannot rename '%s' to '%s'", l->path, path);
	if (!rc)
		l->active = 0;
	casg_lockfile_release(l);
	return rc ? rc : casg_fsync_parent(path, err);
}
