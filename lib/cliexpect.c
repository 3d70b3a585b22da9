#include "cliexpect.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "checksums.h"
#include "clirepo.h"

/* NCBI's of a folder of assemblies has a line for each of some dozen files. */
#define LIST_MAX ((size_t)64 << 20)

static void add(struct casg_cli_expect *e, size_t file, enum casg_filesum_kind kind,
		const char *hex)
{
	char *copy = strdup(hex);

	if (!copy || CASG_GROW(e->v, e->n + 1, e->cap))
		casg_die("out of memory");
	e->v[e->n++] = (struct casg_fastain_expect){ file, kind, copy };
}

void casg_cli_expect_release(struct casg_cli_expect *e)
{
	for (size_t i = 0; i < e->n; i++)
		free((char *)e->v[i].hex);
	free(e->v);
	memset(e, 0, sizeof(*e));
}

void casg_cli_expect_sha256(struct casg_cli_expect *e, const struct casg_strs *values,
			    size_t nfiles)
{
	const size_t n = casg_filesum_digits(CASG_FILESUM_SHA256);
	struct casg_err err = CASG_ERR_INIT;
	char hex[CASG_FILESUM_TEXTSZ];

	if (values->n && values->n != nfiles)
		casg_usage_die("--expect-sha256 is given %zu times for %zu files", values->n,
			       nfiles);
	for (size_t i = 0; i < values->n; i++) {
		if (!strcmp(values->v[i], "-"))
			continue;
		if (strlen(values->v[i]) != n ||
		    casg_checksums_find(values->v[i], n, CASG_FILESUM_SHA256, "", 1, hex,
					&err) <= 0)
			casg_usage_die("option '--expect-sha256' expects 64 hex digits, not '%s'",
				       values->v[i]);
		add(e, i, CASG_FILESUM_SHA256, hex);
	}
}

/* Is it listed there?  'own': the list is of this file alone. */
static int look(struct casg_cli_expect *e, size_t i, const char *list, const char *name, int own)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf text = CASG_BUF_INIT;
	char hex[CASG_FILESUM_TEXTSZ];
	int rc;

	if (access(list, F_OK))
		return 0;
	casg_cli_slurp(list, LIST_MAX, &text);
	rc = casg_checksums_find((const char *)text.data, text.len, CASG_FILESUM_MD5, name, own,
				 hex, &err);
	casg_buf_release(&text);
	if (rc < 0)
		casg_die("'%s': %s", list, err.msg);
	if (!rc && own)
		casg_die("'%s' holds no MD5 of '%s'", list, name);
	if (rc)
		add(e, i, CASG_FILESUM_MD5, hex);
	return rc;
}

void casg_cli_expect_beside(struct casg_cli_expect *e, const char *const *files,
			    size_t nfiles)
{
	struct casg_buf path = CASG_BUF_INIT;

	for (size_t i = 0; i < nfiles; i++) {
		const char *slash = strrchr(files[i], '/');
		const char *name = slash ? slash + 1 : files[i];

		if (!strcmp(files[i], "-"))
			continue;
		casg_buf_reset(&path);
		casg_buf_addf(&path, "%s.md5", files[i]);
		if (look(e, i, casg_buf_cstr(&path), name, 1))
			continue;
		casg_buf_reset(&path);
		casg_buf_add(&path, files[i], (size_t)(name - files[i]));
		casg_buf_addstr(&path, "md5checksums.txt");
		look(e, i, casg_buf_cstr(&path), name, 0);
	}
	casg_buf_release(&path);
}
