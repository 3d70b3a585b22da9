#include "remotefile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

#define STEP ((size_t)1 << 20)
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define TMP_SIZE 64

/* ---- the folder ---- */

static int hex(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c |= 32) >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path in a URL, or NULL. */
static char *url_path(const char *url)
{
	char *path, *to;

	if (!strncmp(url, "file://localhost/", 17))
		url += 16;
	else if (!strncmp(url, "file:///", 8))
		url += 7;
	else
		return NULL;
	path = to = strdup(url);
	for (; path && *url; url++) {
		int c = (unsigned char)*url;

		if (c == '%') {
			int hi = hex((unsigned char)url[1]), lo = hi < 0 ? -1 : hex((unsigned char)url[2]);

			c = lo < 0 ? 0 : hi << 4 | lo;
			if (!c) {
				free(path);
				return NULL;
			}
			url += 2;
		}
		*to++ = (char)c;
	}
	if (path)
		*to = '\0';
	return path;
}

int casg_remotefile_open(struct casg_remotefile *f, const char *url, struct casg_err *err)
{
	f->dir_fd = -1;
	f->path = url_path(url);
	if (!f->path)
		return casg_err_set(err, CASG_ECORRUPT, "'%s' is not file:///PATH", url);
	f->dir_fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir_fd >= 0)
		return 0;
	if (errno == ENOENT)
		return casg_err_set(err, CASG_EABSENT, "there is no folder '%s'", f->path);
	return casg_err_sys(err, errno, "cannot open '%s'", f->path);
}

void casg_remotefile_close(struct casg_remotefile *f)
{
	if (f->dir_fd >= 0)
		close(f->dir_fd);
	free(f->path);
	f->path = NULL;
}

/* ---- names ---- */

/* Make a folder and its entry durable.  0 or -1 with errno. */
static int make_dir(int at, const char *name)
{
	struct casg_err err;

	if (mkdirat(at, name, 0777))
		return errno == EEXIST ? 0 : -1;
	return casg_fsync(at, &err) ? -1 : 0;
}

/*
 * The folder that an object is in: a descriptor that is the caller's, or -1
 * with errno.  *last_out is the name in it.
 */
static int open_parent(const struct casg_remotefile *f, const char *name, int make,
		       const char **last_out)
{
	int fd = fcntl(f->dir_fd, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	while (fd >= 0 && (slash = strchr(name, '/'))) {
		char part[CASG_REMOTE_PART_MAX + 1];
		int next, why;

		memcpy(part, name, (size_t)(slash - name));
		part[slash - name] = '\0';
		next = make && make_dir(fd, part) ? -1 : openat(fd, part, DIR_FLAGS);
		why = errno;
		close(fd);
		errno = why;
		fd = next;
		name = slash + 1;
	}
	*last_out = name;
	return fd;
}

/* An object open for reading: its descriptor, or -1 with errno. */
static int open_object(const struct casg_remotefile *f, const char *name, struct stat *st)
{
	const char *last;
	int dir = open_parent(f, name, 0, &last), fd, why;

	if (dir < 0)
		return -1;
	fd = openat(dir, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	why = errno;
	close(dir);
	if (fd >= 0 && (fstat(fd, st) || !S_ISREG(st->st_mode))) {
		close(fd);
		fd = -1;
		/* a folder is no object at all */
		why = S_ISDIR(st->st_mode) ? ENOENT : EINVAL;
	}
	errno = why;
	return fd;
}

static void validator(const struct stat *st, char out[64])
{
	snprintf(out, 64, "%llx-%llx-%llx-%lx", (unsigned long long)st->st_ino,
		 (unsigned long long)st->st_size, (unsigned long long)st->st_mtim.tv_sec,
		 (unsigned long)st->st_mtim.tv_nsec);
}

/* Whatever errno is: there is no such object, or why it cannot be had. */
static void say_errno(struct casg_serve *s, const struct casg_remote_request *r)
{
	int why = errno;

	if (why == ENOENT || why == ENOTDIR)
		casg_serve_say(s, r->tag, CASG_ANSWER_NO);
	else if (why == EACCES || why == EPERM || why == EROFS)
		casg_serve_error(s, r->tag, CASG_REMOTE_DENIED, "%s", strerror(why));
	else if (why == ELOOP || why == EINVAL)
		casg_serve_error(s, r->tag, CASG_REMOTE_REFUSED, "not a regular file, or a link on the way");
	else if (why == ENOSPC || why == EDQUOT || why == EFBIG)
		casg_serve_error(s, r->tag, CASG_REMOTE_REFUSED, "%s", strerror(why));
	else
		casg_serve_error(s, r->tag, CASG_REMOTE_RETRY, "%s", strerror(why));
}

/* ---- reading ---- */

static int have(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
		struct casg_err *err)
{
	struct stat st;
	char v[64];
	int fd = open_object(ctx, r->name, &st);

	(void)err;
	if (fd < 0) {
		say_errno(s, r);
		return 0;
	}
	close(fd);
	validator(&st, v);
	casg_serve_yes(s, r->tag, (uint64_t)st.st_size, v);
	return 0;
}

/* The bytes from 'first' up to 'end'; 0, or -1 with errno (0: it became shorter). */
static int send_bytes(struct casg_serve *s, uint64_t tag, int fd, uint64_t first, uint64_t end)
{
	uint8_t *block = malloc(STEP);
	struct casg_err err = CASG_ERR_INIT;
	int rc = block ? 0 : -1;

	while (!rc && first < end) {
		size_t n = end - first < STEP ? (size_t)(end - first) : STEP, got = 0;

		errno = 0;
		rc = casg_pread_full(fd, block, n, first, &got, &err) || got < n ? -1 : 0;
		casg_serve_data(s, tag, block, got);
		first += got;
	}
	free(block);
	return rc;
}

static int get(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
	       struct casg_err *err)
{
	uint64_t first = 0, end;
	struct stat st, after;
	char v[64];
	int fd = open_object(ctx, r->name, &st);

	(void)err;
	if (fd < 0) {
		say_errno(s, r);
		return 0;
	}
	validator(&st, v);
	if (*r->if_validator && !strcmp(r->if_validator, v)) {
		casg_serve_say(s, r->tag, CASG_ANSWER_SAME);
		close(fd);
		return 0;
	}
	end = (uint64_t)st.st_size;
	if (r->has_range) {
		first = r->first < end ? r->first : end;
		if (r->has_last && r->last < end)
			end = r->last + 1;
	}
	if (send_bytes(s, r->tag, fd, first, end) && errno)
		say_errno(s, r);
	else if (fstat(fd, &after) || after.st_size != st.st_size ||
		 after.st_mtim.tv_sec != st.st_mtim.tv_sec ||
		 after.st_mtim.tv_nsec != st.st_mtim.tv_nsec)
		casg_serve_error(s, r->tag, CASG_REMOTE_RETRY, "it changed while it was read");
	else
		casg_serve_done(s, r->tag, (uint64_t)st.st_size, v);
	close(fd);
	return 0;
}

/* ---- listing ---- */

struct walk {
	struct casg_serve *s;
	uint64_t tag, count;
	char name[CASG_REMOTE_NAME_MAX + 1];
};

/* All below an open folder, which is taken over.  'n' is the length of w->name. */
static int walk(struct walk *w, int fd, size_t n)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int rc = 0;

	if (!d) {
		close(fd);
		return -1;
	}
	while (!rc && (errno = 0, e = readdir(d))) {
		size_t len = strlen(e->d_name);
		struct stat st;

		if (!casg_remote_is_name(e->d_name, len) || n + len > CASG_REMOTE_NAME_MAX - 1 ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		memcpy(w->name + n, e->d_name, len + 1);
		if (S_ISREG(st.st_mode)) {
			casg_serve_entry(w->s, w->tag, w->name, (uint64_t)st.st_size);
			w->count++;
		} else if (S_ISDIR(st.st_mode)) {
			int sub = openat(dirfd(d), e->d_name, DIR_FLAGS);

			memcpy(w->name + n + len, "/", 2);
			rc = sub < 0 ? -1 : walk(w, sub, n + len + 1);
		}
	}
	if (!rc && errno)
		rc = -1;
	closedir(d);
	return rc;
}

static int list(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
		struct casg_err *err)
{
	struct walk w = { .s = s, .tag = r->tag };
	const char *last;
	size_t n = 0;
	int fd, rc;

	(void)err;
	if (strcmp(r->name, "-")) {
		n = strlen(r->name);
		memcpy(w.name, r->name, n + 1);
	}
	/* a prefix ends in a slash, so its last folder is the parent of nothing */
	fd = open_parent(ctx, w.name, 0, &last);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		casg_serve_done(s, r->tag, 0, NULL);
		return 0;
	}
	/* one of its own, for the position in the folder is shared otherwise */
	if (fd >= 0) {
		rc = openat(fd, ".", DIR_FLAGS);
		close(fd);
		fd = rc;
	}
	if (fd < 0 || walk(&w, fd, n))
		casg_serve_error(s, r->tag, CASG_REMOTE_RETRY, "cannot list: %s", strerror(errno));
	else
		casg_serve_done(s, r->tag, w.count, NULL);
	return 0;
}

/* ---- writing ---- */

/* A new file in 'dir': its descriptor, or -1 with errno. */
static int create_tmp(int dir, char name[TMP_SIZE])
{
	uint64_t random;

	for (int i = 0; i < 8; i++) {
		int fd;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -1;
		snprintf(name, TMP_SIZE, ".put-%ld-%016llx.tmp", (long)getpid(),
			 (unsigned long long)random);
		fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

/* The bytes of the put into a file, synced: 0, 1 (errno says why not), negative. */
static int write_body(struct casg_serve *s, int fd, struct casg_err *err)
{
	uint8_t *block = malloc(STEP);
	struct casg_err why = CASG_ERR_INIT;
	long got = block ? 1 : casg_err_nomem(err);
	int rc = 0;

	while (got > 0 && !rc) {
		got = casg_serve_body(s, CASG_SERVE_WAIT, block, STEP, err);
		if (got > 0 && casg_write_full(fd, block, (size_t)got, &why))
			rc = 1;
	}
	if (!rc && !got && casg_fsync(fd, &why))
		rc = 1;
	free(block);
	return got < 0 ? (int)got : rc;
}

/* Give it its name: 0, or -1 with errno (EEXIST: put-new came too late). */
static int name_it(int dir, const char *tmp, const char *last, int new)
{
	if (!new)
		return renameat(dir, tmp, dir, last);
	if (!linkat(dir, tmp, dir, last, 0))
		return 0;
	/* where there are no hard links */
	if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK)
		return renameat2(dir, tmp, dir, last, RENAME_NOREPLACE);
	return -1;
}

/* Name what was written and say so. */
static void settle(struct casg_serve *s, const struct casg_remote_request *r, int dir, int fd,
		   const char *tmp, const char *last)
{
	struct casg_err why;
	struct stat st;
	char v[64];

	if (!casg_serve_body_good(s)) {
		casg_serve_error(s, r->tag, CASG_REMOTE_REFUSED,
				 "the bytes have another SHA-256 than was announced");
	} else if (name_it(dir, tmp, last, r->op == CASG_REMOTE_PUT_NEW)) {
		if (errno == EEXIST)
			casg_serve_say(s, r->tag, CASG_ANSWER_EXISTS);
		else
			say_errno(s, r);
	} else if (casg_fsync(dir, &why) || fstat(fd, &st)) {
		casg_serve_error(s, r->tag, CASG_REMOTE_RETRY, "%s", strerror(errno));
	} else {
		validator(&st, v);
		casg_serve_done(s, r->tag, (uint64_t)st.st_size, v);
	}
}

static int put(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
	       struct casg_err *err)
{
	char tmp[TMP_SIZE];
	const char *last;
	int dir = open_parent(ctx, r->name, 1, &last), fd = -1, rc = 0;

	if (dir >= 0)
		fd = create_tmp(dir, tmp);
	if (fd < 0) {
		/* a missing folder is no missing object here */
		if (errno == ENOENT || errno == ENOTDIR)
			errno = EINVAL;
		say_errno(s, r);
	} else {
		rc = write_body(s, fd, err);
		if (rc > 0)
			say_errno(s, r);
		else if (!rc)
			settle(s, r, dir, fd, tmp, last);
		/* after a rename there is none */
		unlinkat(dir, tmp, 0);
		close(fd);
	}
	if (dir >= 0)
		close(dir);
	return rc < 0 ? rc : 0;
}

static int delete(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
		  struct casg_err *err)
{
	const char *last;
	int dir = open_parent(ctx, r->name, 0, &last);
	struct casg_err why;

	(void)err;
	if (dir < 0 || unlinkat(dir, last, 0))
		say_errno(s, r);
	else if (casg_fsync(dir, &why))
		casg_serve_error(s, r->tag, CASG_REMOTE_RETRY, "%s", why.msg);
	else
		casg_serve_done(s, r->tag, 0, NULL);
	if (dir >= 0)
		close(dir);
	return 0;
}

const struct casg_serve_ops casg_remotefile_ops = {
	.cans = CASG_CAN_HAVE | CASG_CAN_GET | CASG_CAN_RANGE | CASG_CAN_IF | CASG_CAN_PUT |
		CASG_CAN_PUT_NEW | CASG_CAN_LIST | CASG_CAN_DELETE,
	.have = have, .get = get, .put = put, .list = list, .delete = delete,
};
