#include "cligrouping.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "clirepo.h"
#include "clitaxonomy.h"
#include "refs.h"
#include "viewing.h"

static int find(void *ctx, const char *text, size_t n, uint32_t *node_out,
		struct casg_err *err)
{
	struct casg_taxonomy *t = ctx;
	struct casg_err why = CASG_ERR_INIT;
	char *name;
	int rc = casg_taxonomy_find(t, text, n, node_out, err);

	if (rc < 0)
		return rc;
	if (rc == CASG_TAXON_FOUND || rc == CASG_TAXON_MERGED)
		return 1;
	name = strndup(text, n);
	if (!name)
		return casg_err_nomem(err);
	/* none, or several, of that name: the same to us */
	rc = casg_taxonomy_resolve(t, name, node_out, &why);
	free(name);
	if (rc == CASG_ENOMEM)
		return casg_err_nomem(err);
	return !rc;
}

static int info(void *ctx, uint32_t node, uint32_t *parent_out, const char **rank_out,
		size_t *rank_n_out, struct casg_err *err)
{
	struct casg_taxon_info i;
	int rc = casg_taxonomy_info(ctx, node, &i, err);

	if (rc)
		return rc;
	*parent_out = i.parent;
	*rank_out = i.rank.p;
	*rank_n_out = i.rank.n;
	return 0;
}

/* REV:taxonomy/NAME, or nothing. */
static int find_spec(const struct casg_repo *repo, struct casg_buf *out, struct casg_err *err)
{
	struct casg_buf setting = CASG_BUF_INIT;
	struct casg_refs *refs;
	int rc = casg_refs_open(&refs, repo, err);

	if (rc)
		return rc;
	rc = casg_refs_config(refs, "casg.taxonomy", &setting, err);
	if (rc > 0) {
		casg_cli_taxonomy_spec(repo, casg_buf_cstr(&setting), out);
		rc = 0;
	} else if (!rc) {
		rc = casg_viewing_only_taxonomy(refs, "HEAD", out, err);
		/* none, several of which none is chosen, or no commit yet */
		if (rc == CASG_EABSENT) {
			casg_buf_reset(out);
			rc = 0;
		}
	}
	casg_buf_release(&setting);
	casg_refs_free(refs);
	return rc;
}

void casg_cli_kin_open(struct casg_cli_kin *t, const struct casg_repo *repo)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf spec = CASG_BUF_INIT;

	memset(t, 0, sizeof(*t));
	if (find_spec(repo, &spec, &err))
		casg_die_err(&err);
	if (spec.len)
		t->taxonomy = casg_cli_taxonomy(repo, casg_buf_cstr(&spec), NULL, NULL);
	t->ops.ctx = t->taxonomy;
	t->ops.find = find;
	t->ops.info = info;
	casg_buf_release(&spec);
}

void casg_cli_kin_close(struct casg_cli_kin *t)
{
	casg_taxonomy_close(t->taxonomy);
	t->taxonomy = NULL;
}

struct casg_grouping *casg_cli_grouping(const struct casg_cli_kin *t,
					const struct casg_grouping_policy *policy)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_grouping *g = casg_grouping_new(policy, t->taxonomy ? &t->ops : NULL, &err);

	if (!g)
		casg_die_err(&err);
	return g;
}
