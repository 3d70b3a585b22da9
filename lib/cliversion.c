#include "cliversion.h"

#include <string.h>

#include "buf.h"
#include "cli.h"
#include "lines.h"

static int begins_with(const struct casg_buf *text, const char *magic)
{
	size_t n = strlen(magic);

	return text->len >= n && !memcmp(text->data, magic, n);
}

int casg_cli_version_blob(struct casg_refs *refs, const char *id, struct casg_version *out,
			  struct casg_oid *id_out)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_hasher *h = casg_hasher_new();
	int ours;

	if (!h)
		casg_die("out of memory");
	casg_version_init(out);
	if (casg_refs_blob(refs, id, CASG_VERSION_MAX_BYTES, &text, &err))
		casg_die_err(&err);
	ours = begins_with(&text, "casg-version ") || begins_with(&text, "casg-taxonomy ");
	if (ours && casg_version_decode(out, text.data, text.len, &err)) {
		casg_err_prefix(&err, "version in Git object %s", id);
		casg_die_err(&err);
	}
	casg_hasher_digest(h, text.data, text.len, id_out);
	casg_hasher_free(h);
	casg_buf_release(&text);
	return ours;
}

void casg_cli_each_version(struct casg_repo *repo, int fd, char end, casg_cli_version_fn *fn,
			   casg_cli_profile_fn *profile_fn, void *ctx)
{
	struct casg_lines *l = casg_lines_open(fd, end);
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf blob = CASG_BUF_INIT;
	struct casg_refs *refs;
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	if (casg_refs_open(&refs, repo, &err))
		casg_die_err(&err);
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		struct casg_profile p;
		struct casg_version v;
		struct casg_oid id;

		casg_buf_reset(&blob);
		casg_buf_add(&blob, line, n);
		if (casg_cli_version_blob(refs, casg_buf_cstr(&blob), &v, &id)) {
			fn(ctx, &v, &id);
			continue;
		}
		casg_version_release(&v);
		if (casg_cli_profile_blob(refs, casg_buf_cstr(&blob), &p))
			profile_fn(ctx, &p);
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_refs_free(refs);
	casg_lines_close(l);
	casg_buf_release(&blob);
}

int casg_cli_profile_blob(struct casg_refs *refs, const char *id, struct casg_profile *out)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf text = CASG_BUF_INIT;
	int ours;

	if (casg_refs_blob(refs, id, CASG_VERSION_MAX_BYTES, &text, &err))
		casg_die_err(&err);
	ours = begins_with(&text, "casg-profile ");
	if (ours && casg_profile_decode(out, text.data, text.len, &err)) {
		casg_err_prefix(&err, "profile in Git object %s", id);
		casg_die_err(&err);
	}
	casg_buf_release(&text);
	return ours;
}
