#include "chunkfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

const char *casg_chunkfile_path(struct casg_buf *out, const char *dir, const struct casg_oid *id)
{
	char hex[CASG_OID_HEXSZ + 1];

	casg_oid_hex(id, hex);
	casg_buf_reset(out);
	casg_buf_addf(out, "%s/%.2s/%s", dir, hex, hex);
	return casg_buf_cstr(out);
}

int casg_chunkfile_write(const char *dir, const struct casg_oid *id, const void *p, size_t n,
			 int sync, struct casg_err *err)
{
	struct casg_buf path = CASG_BUF_INIT, tmp = CASG_BUF_INIT;
	const char *name = casg_chunkfile_path(&path, dir, id);
	size_t folder = strlen(dir) + 3;
	int fd, rc = 0;

	casg_buf_addf(&tmp, "%.*s/chunk-%ld-XXXXXX.tmp", (int)folder, name, (long)getpid());
	casg_buf_cstr(&tmp);
	if (path.failed || tmp.failed) {
		rc = casg_err_nomem(err);
		goto out;
	}
	fd = mkostemps((char *)tmp.data, 4, O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		char *sub = strndup(name, folder);

		rc = sub ? casg_mkdir_p(sub, err) : casg_err_nomem(err);
		free(sub);
		memcpy(tmp.data + tmp.len - 11, "-XXXXXX.tmp", 11);
		fd = rc ? -1 : mkostemps((char *)tmp.data, 4, O_CLOEXEC);
	}
	if (fd < 0) {
		rc = rc ? rc : casg_err_sys(err, errno, "cannot create '%s'", (char *)tmp.data);
		goto out;
	}
	rc = casg_write_full(fd, p, n, err);
	if (!rc && sync)
		rc = casg_fsync(fd, err);
	if (!rc && fchmod(fd, 0444))
		rc = casg_err_sys(err, errno, "cannot change the mode of '%s'", (char *)tmp.data);
	if (close(fd) && !rc)
		rc = casg_err_sys(err, errno, "cannot write '%s'", (char *)tmp.data);
	if (!rc && rename((char *)tmp.data, name))
		rc = casg_err_sys(err, errno, "cannot create '%s'", name);
	if (rc)
		unlink((char *)tmp.data);
out:
	casg_buf_release(&path);
	casg_buf_release(&tmp);
	return rc;
}

static int each_in(const char *dir, const char *sub, casg_chunkfile_fn *fn, void *ctx,
		   struct casg_err *err)
{
	struct casg_buf path = CASG_BUF_INIT;
	struct dirent *e;
	int rc = 0;
	DIR *d;

	casg_buf_addf(&path, "%s/%s", dir, sub);
	d = opendir(casg_buf_cstr(&path));
	casg_buf_release(&path);
	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? 0 :
		       casg_err_sys(err, errno, "cannot open '%s/%s'", dir, sub);
	while (!rc && (e = readdir(d))) {
		struct casg_oid id;
		struct stat st;

		if (!casg_oid_parse(&id, e->d_name, strlen(e->d_name)) &&
		    !fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
			rc = fn(ctx, &id, (uint64_t)st.st_size, err);
	}
	closedir(d);
	return rc;
}

int casg_chunkfile_each(const char *dir, casg_chunkfile_fn *fn, void *ctx, struct casg_err *err)
{
	char sub[3];
	int rc = 0;

	for (int i = 0; i < 256 && !rc; i++) {
		snprintf(sub, sizeof(sub), "%02x", (unsigned)i);
		rc = each_in(dir, sub, fn, ctx, err);
	}
	return rc;
}
