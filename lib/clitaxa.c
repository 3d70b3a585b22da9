#include "clitaxa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Where scratch files can be made: a repository may be there to be read only. */
static char *scratch_dir(const struct casg_repo *repo)
{
	const char *dir = getenv("TMPDIR");
	char *copy;

	if (!access(repo->tmp_dir, W_OK | X_OK))
		dir = repo->tmp_dir;
	else if (!dir || !*dir)
		dir = "/tmp";
	copy = strdup(dir);
	if (!copy)
		casg_die("out of memory");
	return copy;
}

static void show(void *ctx, uint64_t nrecords, int done)
{
	struct casg_cli_taxa *t = ctx;

	if (!t->shown)
		t->shown = casg_progress_start("indexing taxa", t->progress);
	casg_progress_update(t->shown, nrecords, 0, 0);
	if (!done)
		return;
	casg_progress_stop(t->shown);
	t->shown = NULL;
}

void casg_cli_taxa_init(struct casg_cli_taxa *t, struct casg_work *w,
			const struct casg_roots *roots, int progress)
{
	char *dir;

	if (asprintf(&dir, "%s/taxa", w->repo.index_dir) < 0)
		casg_die("out of memory");
	memset(t, 0, sizeof(*t));
	t->progress = progress;
	t->o = (struct casg_taxindex_opts){
		.store = w->store, .pool = w->pool, .coders = w->coders, .roots = roots,
		.source = { .fn = casg_taxa_declared, .name = "header" },
		.dir = dir, .scratch_dir = scratch_dir(&w->repo),
		/* the rest is for what the pass itself needs */
		.memory_nbytes = w->settings.memory / 2,
		.progress = show, .progress_ctx = t,
	};
}

void casg_cli_taxa_open(struct casg_cli_taxa *t)
{
	struct casg_err err = CASG_ERR_INIT;

	t->x = casg_taxindex_open(&t->o, &err);
	if (!t->x)
		casg_die_err(&err);
}

void casg_cli_taxa_release(struct casg_cli_taxa *t)
{
	casg_taxindex_free(t->x);
	free((char *)t->o.dir);
	free((char *)t->o.scratch_dir);
}
