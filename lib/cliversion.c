#include "cliversion.h"

#include <string.h>

#include "buf.h"
#include "cli.h"

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
