#include "gitloose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <git2.h>
#include <git2/sys/odb_backend.h>

#include "inflate.h"
#include "io.h"
#include "repo.h"

/* What we read of Git are commits, trees and small blobs. */
#define LOOSE_MAX ((uint64_t)256 << 20)
#define HEADER_MAX 32
/* before libgit2's own, which are asked in the order of 2, 1 */
#define PRIORITY 3

struct backend {
	git_odb_backend parent;
	char *dir; /* objects/ */
};

/* "blob 12\0" and 12 bytes: 0, or -1. */
static int parse(const struct casg_buf *b, git_object_t *type, size_t *at)
{
	const uint8_t *end = memchr(b->data, '\0', b->len < HEADER_MAX ? b->len : HEADER_MAX);
	char name[HEADER_MAX + 1], *rest;
	unsigned long long n;

	if (!end || !memchr(b->data, ' ', (size_t)(end - b->data)))
		return -1;
	memcpy(name, b->data, (size_t)(end - b->data) + 1);
	rest = strchr(name, ' ');
	*rest++ = '\0';
	*type = git_object_string2type(name);
	if (*type == GIT_OBJECT_INVALID || *rest < '0' || *rest > '9')
		return -1;
	n = strtoull(rest, &rest, 10);
	*at = (size_t)(end - b->data) + 1;
	return *rest || n != b->len - *at ? -1 : 0;
}

/* The object, its header included, into 'out'; a code of libgit2's. */
static int load(const struct backend *b, const git_oid *id, struct casg_buf *out,
		git_object_t *type, size_t *at)
{
	struct casg_buf packed = CASG_BUF_INIT, path = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	char name[GIT_OID_HEXSZ + 2] = "";
	int rc;

	git_oid_pathfmt(name, id);
	casg_buf_addf(&path, "%s/%s", b->dir, name);
	rc = casg_read_file(casg_buf_cstr(&path), LOOSE_MAX, &packed, &err);
	if (rc == CASG_EABSENT) {
		rc = GIT_ENOTFOUND;
	} else {
		if (!rc)
			rc = casg_inflate(packed.data, packed.len, LOOSE_MAX, out, &err);
		if (!rc && parse(out, type, at))
			rc = casg_err_set(&err, CASG_ECORRUPT, "its header is malformed");
		if (rc) {
			casg_err_prefix(&err, "loose object '%s'", (char *)path.data);
			git_error_set_str(GIT_ERROR_ODB, err.msg);
			rc = GIT_ERROR;
		}
	}
	casg_buf_release(&packed);
	casg_buf_release(&path);
	return rc;
}

static int read_object(void **data, size_t *n, git_object_t *type, git_odb_backend *parent,
		       const git_oid *id)
{
	struct casg_buf b = CASG_BUF_INIT;
	size_t at;
	int rc = load((struct backend *)parent, id, &b, type, &at);

	if (!rc) {
		*n = b.len - at;
		*data = git_odb_backend_data_alloc(parent, *n + 1);
		if (*data)
			memcpy(*data, b.data + at, *n);
		else
			rc = GIT_ERROR;
	}
	casg_buf_release(&b);
	return rc;
}

static int read_header(size_t *n, git_object_t *type, git_odb_backend *parent,
		       const git_oid *id)
{
	struct casg_buf b = CASG_BUF_INIT;
	size_t at;
	int rc = load((struct backend *)parent, id, &b, type, &at);

	if (!rc)
		*n = b.len - at;
	casg_buf_release(&b);
	return rc;
}

static void free_backend(git_odb_backend *parent)
{
	struct backend *b = (struct backend *)parent;

	free(b->dir);
	free(b);
}

static int add_backend(void *ctx, const char *dir, struct casg_err *err)
{
	struct backend *b = calloc(1, sizeof(*b));
	git_odb *odb = ctx;

	if (!b || git_odb_init_backend(&b->parent, GIT_ODB_BACKEND_VERSION) ||
	    !(b->dir = strdup(dir))) {
		free(b);
		return casg_err_nomem(err);
	}
	b->parent.read = read_object;
	b->parent.read_header = read_header;
	b->parent.free = free_backend;
	if (git_odb_add_backend(odb, &b->parent, PRIORITY)) {
		free_backend(&b->parent);
		return casg_err_nomem(err);
	}
	return 0;
}

int casg_gitloose_add(struct git_repository *git, const char *common_dir,
		      struct casg_err *err)
{
	struct casg_buf dir = CASG_BUF_INIT;
	git_odb *odb = NULL;
	int rc;

	casg_buf_addf(&dir, "%s/objects", common_dir);
	rc = git_repository_odb(&odb, git);
	rc = rc ? casg_err_set(err, CASG_EIO, "cannot open the objects of '%s'", common_dir)
		: add_backend(odb, casg_buf_cstr(&dir), err);
	if (!rc)
		rc = casg_repo_each_alternate((char *)dir.data, add_backend, odb, err);
	git_odb_free(odb);
	casg_buf_release(&dir);
	return rc;
}
