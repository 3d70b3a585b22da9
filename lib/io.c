#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel moves at most a little under 2 GiB; asking for less is safe everywhere. */
#define IO_MAX ((size_t)1 << 30)

static int read_loop(int fd, void *buf, size_t nbytes, const uint64_t *offset,
		     size_t *got_out, struct casg_err *err)
{
	uint8_t *p = buf;
	size_t got = 0;

	*got_out = 0;
	while (got < nbytes) {
		size_t want = nbytes - got < IO_MAX ? nbytes - got : IO_MAX;
		ssize_t n;

		if (offset)
			n = pread(fd, p + got, want, (off_t)(*offset + got));
		else
			n = read(fd, p + got, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return casg_err_sys(err, errno, "cannot read");
		if (!n)
			break;
		got += (size_t)n;
		*got_out = got;
	}
	return 0;
}

int casg_read_full(int fd, void *buf, size_t nbytes, size_t *got_out,
		   struct casg_err *err)
{
	return read_loop(fd, buf, nbytes, NULL, got_out, err);
}

int casg_pread_full(int fd, void *buf, size_t nbytes, uint64_t offset,
		    size_t *got_out, struct casg_err *err)
{
	*got_out = 0;
	if (offset > INT64_MAX || nbytes > INT64_MAX - offset)
		return casg_err_set(err, CASG_EIO, "cannot read beyond 2^63 bytes");
	return read_loop(fd, buf, nbytes, &offset, got_out, err);
}

static int write_loop(int fd, const void *buf, size_t nbytes, const uint64_t *offset,
		      struct casg_err *err)
{
	const uint8_t *p = buf;

	while (nbytes) {
		size_t want = nbytes < IO_MAX ? nbytes : IO_MAX;
		ssize_t n = offset ? pwrite(fd, p, want,
					    (off_t)(*offset + (uint64_t)(p - (const uint8_t *)buf)))
				   : write(fd, p, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return casg_err_sys(err, errno, "cannot write");
		if (!n)
			return casg_err_set(err, CASG_EIO, "cannot write: nothing was taken");
		p += n;
		nbytes -= (size_t)n;
	}
	return 0;
}

int casg_write_full(int fd, const void *buf, size_t nbytes, struct casg_err *err)
{
	return write_loop(fd, buf, nbytes, NULL, err);
}

int casg_pwrite_full(int fd, const void *buf, size_t nbytes, uint64_t offset,
		     struct casg_err *err)
{
	if (offset > INT64_MAX || nbytes > INT64_MAX - offset)
		return casg_err_set(err, CASG_EIO, "cannot write beyond 2^63 bytes");
	return write_loop(fd, buf, nbytes, &offset, err);
}

/* Pipes and the like have no stable storage behind them. */
static int cannot_sync(int errnum)
{
	return errnum == EINVAL || errnum == ENOTSUP || errnum == EROFS;
}

int casg_fsync(int fd, struct casg_err *err)
{
	int rc;

	do {
		rc = fsync(fd);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0 && !cannot_sync(errno))
		return casg_err_sys(err, errno, "cannot sync");
	return 0;
}

int casg_fsync_dir(const char *path, struct casg_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return casg_err_sys(err, errno, "cannot open folder '%s'", path);
	do {
		rc = fsync(fd);
	} while (rc < 0 && errno == EINTR);
	/* EBADF: what some network file systems say for a folder opened to read */
	if (rc < 0 && !cannot_sync(errno) && errno != EBADF)
		rc = casg_err_sys(err, errno, "cannot sync folder '%s'", path);
	else
		rc = 0;
	close(fd);
	return rc;
}

int casg_fsync_parent(const char *path, struct casg_err *err)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int rc;

	if (!slash)
		return casg_fsync_dir(".", err);
	if (slash == path)
		return casg_fsync_dir("/", err);
	dir = strndup(path, (size_t)(slash - path));
	if (!dir)
		return casg_err_nomem(err);
	rc = casg_fsync_dir(dir, err);
	free(dir);
	return rc;
}

static int make_one(const char *path, struct casg_err *err)
{
	struct stat st;
	int errnum;

	if (!mkdir(path, 0777))
		return 0;
	errnum = errno;
	/* a folder that is there may be refused for reasons other than EEXIST */
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return 0;
	return casg_err_sys(err, errnum, "cannot make folder '%s'", path);
}

int casg_mkdir_p(const char *path, struct casg_err *err)
{
	size_t n = strlen(path);
	char *copy = strdup(path);
	int rc = 0;

	if (!copy)
		return casg_err_nomem(err);
	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = '\0';
	for (size_t i = 1; !rc && i < n; i++) {
		if (copy[i] != '/' || copy[i - 1] == '/')
			continue;
		copy[i] = '\0';
		rc = make_one(copy, err);
		copy[i] = '/';
	}
	if (!rc)
		rc = make_one(copy, err);
	free(copy);
	return rc;
}

/* To the end of the file; the size it claims is a hint only. */
static int read_rest(int fd, uint64_t hint, uint64_t max_bytes,
		     struct casg_buf *out, struct casg_err *err)
{
	size_t step = hint < 65536 ? (size_t)hint + 1 : 65536;
	size_t start = out->len, got;
	int rc;

	for (;;) {
		uint64_t room = max_bytes - (out->len - start);

		/* one byte more than allowed tells a file that is too long */
		if (room < step)
			step = (size_t)room + 1;
		if (casg_buf_grow(out, step))
			return casg_err_nomem(err);
		rc = casg_read_full(fd, out->data + out->len, step, &got, err);
		if (rc)
			return rc;
		out->len += got;
		if (out->len - start > max_bytes)
			return casg_err_set(err, CASG_ENOMEM,
					    "the file is larger than %llu bytes",
					    (unsigned long long)max_bytes);
		if (got < step)
			return 0;
		/* double, so that long files cost few reads and copies */
		step = out->len - start < IO_MAX ? out->len - start : IO_MAX;
		if (step < 4096)
			step = 4096;
	}
}

int casg_read_file(const char *path, uint64_t max_bytes, struct casg_buf *out,
		   struct casg_err *err)
{
	size_t start = out->len;
	struct stat st;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		rc = errno == ENOENT || errno == ENOTDIR ? CASG_EABSENT : CASG_EIO;
		casg_err_sys(err, errno, "cannot open '%s'", path);
		if (err)
			err->code = rc;
		return rc;
	}
	if (fstat(fd, &st))
		rc = casg_err_sys(err, errno, "cannot read");
	else if (S_ISDIR(st.st_mode))
		rc = casg_err_sys(err, EISDIR, "cannot read");
	else
		rc = read_rest(fd, st.st_size > 0 ? (uint64_t)st.st_size : 0,
			       max_bytes, out, err);
	close(fd);
	if (rc) {
		out->len = start;
		casg_err_prefix(err, "'%s'", path);
	}
	return rc;
}
