#include "clitaxa.h"

#include <pthread.h>
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

/* ---- other sources than headers ------------------------------------------ */

/* That of one worker.  A map that is not loaded is asked by one at a time. */
struct casg_cli_taxa_asker {
	struct casg_taxonof *of;
	pthread_mutex_t *lock;         /* the first one's; NULL: there is no need */
	pthread_mutex_t own;
};

static int ask(void *ctx, const char *key, size_t klen, const char *desc, size_t dlen,
	       struct casg_buf *out, struct casg_err *err)
{
	struct casg_cli_taxa_asker *a = ctx;
	int rc;

	if (a->lock)
		pthread_mutex_lock(a->lock);
	rc = casg_taxonof_taxa(a->of, key, klen, desc, dlen, out, err);
	if (a->lock)
		pthread_mutex_unlock(a->lock);
	return rc;
}

/*
 * Name the source, and what it depends on.  What cannot give anything is left
 * out, for indexes to be shared: 0 if headers alone are left.
 */
static int name_source(struct casg_cli_taxa *t, const struct casg_cli_taxon *tax)
{
	struct casg_taxa_source *s = &t->o.source;
	size_t nids = 0, len = 0;

	t->name[0] = '\0';
	for (uint64_t from = tax->from; from; from >>= 8) {
		enum casg_taxon_source source = from & 0xff;

		if (source == CASG_TAXON_MAPPING && !tax->version.has_mapping)
			continue;
		if (source == CASG_TAXON_MAPPING)
			t->ids[nids++] = tax->version.mapping;
		if (source == CASG_TAXON_ORGANISM)
			t->ids[nids++] = tax->version.records;
		len += (size_t)snprintf(t->name + len, sizeof(t->name) - len, "%s%s",
					len ? "," : "", casg_taxon_source_name(source));
	}
	if (!strcmp(t->name, "header"))
		return 0;
	s->fn = ask;
	s->name = len ? t->name : "none";
	s->ids = t->ids;
	s->nids = nids;
	return 1;
}

static void make_askers(struct casg_cli_taxa *t, struct casg_work *w,
			struct casg_cli_taxon *tax, uint64_t memory_nbytes)
{
	int n = casg_workers_count(w->pool);
	void **ctx = calloc((size_t)n, sizeof(*ctx));
	struct casg_err err = CASG_ERR_INIT;
	int alone;

	t->map_coder = casg_coder_new();
	t->askers = calloc((size_t)n, sizeof(*t->askers));
	if (!ctx || !t->askers || !t->map_coder)
		casg_die("out of memory");
	if (strstr(t->name, casg_taxon_source_name(CASG_TAXON_MAPPING)))
		casg_cli_taxon_map(tax, w, t->map_coder, memory_nbytes);
	alone = tax->map && !casg_taxmap_is_loaded(tax->map);
	if (pthread_mutex_init(&t->askers->own, NULL))
		casg_die("out of memory");
	for (int i = 0; i < n; i++) {
		struct casg_cli_taxa_asker *a = &t->askers[i];

		a->of = casg_taxonof_new(tax->from, tax->taxonomy, tax->map, &err);
		if (!a->of)
			casg_die_err(&err);
		a->lock = alone ? &t->askers->own : NULL;
		ctx[i] = a;
	}
	t->o.source.ctx = ctx;
}

void casg_cli_taxa_from(struct casg_cli_taxa *t, struct casg_work *w,
			struct casg_cli_taxon *tax)
{
	if (tax && name_source(t, tax))
		make_askers(t, w, tax, w->settings.memory / 3);
}

static int has_none(void *ctx, struct casg_taxaidx *x, struct casg_err *err)
{
	uint64_t i;
	int rc = casg_taxaidx_find(x, "", 0, &i, err);

	*(int *)ctx = rc > 0;
	return rc < 0 ? rc : 0;
}

/* Does each header declare a taxon? */
static int all_declare(struct casg_cli_taxa *t)
{
	struct casg_err err = CASG_ERR_INIT;
	int none;

	casg_cli_taxa_open(t);
	if (casg_taxindex_try(t->x, has_none, &none, &err))
		casg_die_err(&err);
	return !none;
}

void casg_cli_taxa_open_from(struct casg_cli_taxa *t, struct casg_work *w,
			     struct casg_cli_taxon *tax)
{
	const struct casg_taxa_source header = t->o.source;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxa_source source;
	int kept;

	if (!tax || !name_source(t, tax)) {
		casg_cli_taxa_open(t);
		return;
	}
	kept = casg_taxindex_is_kept(&t->o, &err);
	if (kept < 0)
		casg_die_err(&err);
	if (!kept && (tax->from & 0xff) == CASG_TAXON_HEADER) {
		source = t->o.source;
		t->o.source = header;
		if (all_declare(t))
			return;
		casg_taxindex_free(t->x);
		t->o.source = source;
	}
	make_askers(t, w, tax, kept ? 0 : w->settings.memory / 3);
	casg_cli_taxa_open(t);
}

int casg_cli_taxa_is_kept(struct casg_cli_taxa *t, const struct casg_cli_taxon *tax)
{
	const struct casg_taxa_source source = t->o.source;
	struct casg_err err = CASG_ERR_INIT;
	int kept = name_source(t, tax) ? casg_taxindex_is_kept(&t->o, &err) : 0;

	t->o.source = source;
	if (kept < 0)
		casg_die_err(&err);
	return kept;
}

void *casg_cli_taxa_ctx(const struct casg_cli_taxa *t)
{
	return t->o.source.ctx ? t->o.source.ctx[casg_workers_count(t->o.pool) - 1] : NULL;
}

static void free_askers(struct casg_cli_taxa *t)
{
	if (!t->askers)
		return;
	for (int i = 0; i < casg_workers_count(t->o.pool); i++)
		casg_taxonof_free(t->askers[i].of);
	pthread_mutex_destroy(&t->askers->own);
	free((void *)t->o.source.ctx);
	free(t->askers);
	casg_coder_free(t->map_coder);
}

void casg_cli_taxa_release(struct casg_cli_taxa *t)
{
	casg_taxindex_free(t->x);
	free_askers(t);
	free((char *)t->o.dir);
	free((char *)t->o.scratch_dir);
}
