#include "clitaxonomy.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "clirepo.h"
#include "cliwork.h"
#include "refs.h"
#include "viewing.h"

static void default_taxonomy(const struct casg_repo *repo, struct casg_buf *out)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_refs *refs;

	if (casg_refs_open(&refs, repo, &err) ||
	    casg_viewing_default_taxonomy(refs, repo, "HEAD", out, &err))
		casg_die_err(&err);
	if (!out->len)
		casg_die("there is no taxonomy in HEAD; 'casg taxonomy import' makes one");
	casg_refs_free(refs);
}

void casg_cli_taxonomy_spec(const struct casg_repo *repo, const char *spec, struct casg_buf *out)
{
	const char *colon, *name;

	if (!spec || !*spec) {
		default_taxonomy(repo, out);
		return;
	}
	colon = strrchr(spec, ':');
	name = colon ? colon + 1 : spec;
	if (colon)
		casg_buf_add(out, spec, (size_t)(colon + 1 - spec));
	if (strncmp(name, "taxonomy/", 9))
		casg_buf_addstr(out, "taxonomy/");
	casg_buf_addstr(out, name);
}

struct casg_taxonomy *casg_cli_taxonomy_open(const struct casg_repo *repo,
					     const struct casg_version *v, const char *name)
{
	const char *tmp = getenv("TMPDIR");
	struct casg_taxonomy_opts o = {
		.index_dir = repo->index_dir,
		.scratch_dir = tmp && *tmp ? tmp : "/tmp",
	};
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxonomy *t;
	struct casg_work w;
	int rc = casg_taxonomy_open(&t, NULL, NULL, v, &o, &err);

	if (rc == CASG_EABSENT) {
		casg_work_open_reader(&w, NULL, NULL, (uint64_t)16 << 20);
		/* as casg-read-taxonomy: a taxonomy that was taken in can be read */
		o.memory_nbytes = UINT64_C(4) << 30;
		rc = casg_taxonomy_open(&t, w.store, casg_work_coder(&w), v, &o, &err);
		casg_work_close(&w);
	}
	if (rc) {
		casg_err_prefix(&err, "%s", name);
		casg_die_err(&err);
	}
	return t;
}

struct casg_taxonomy *casg_cli_taxonomy(const struct casg_repo *repo, const char *spec,
					struct casg_version *version_out, struct casg_oid *id_out)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf full = CASG_BUF_INIT;
	struct casg_taxonomy *t;
	struct casg_version v;

	casg_cli_taxonomy_spec(repo, spec, &full);
	if (casg_buf_check(&full, &err))
		casg_die_err(&err);
	casg_cli_resolve(repo, casg_buf_cstr(&full), &v, id_out);
	t = casg_cli_taxonomy_open(repo, &v, casg_buf_cstr(&full));
	casg_buf_release(&full);
	if (version_out)
		*version_out = v;
	else
		casg_version_release(&v);
	return t;
}
