/* casg-index-taxa - make the indexes of taxa of versions */
#include <string.h>

#include "asof.h"
#include "cli.h"
#include "clitaxa.h"
#include "clitaxonomy.h"
#include "cliwork.h"
#include "refs.h"

static const char *threads, *memory, *taxonomy_spec, *taxon_from;
static int quiet, show_progress = -1, in_use;

static const char *const usage[] = {
	"[--quiet] [--progress] [--threads=N] [--memory=SIZE] [--taxonomy=[REV:]NAME [--taxon-from=LIST] [--in-use]] [[REV:]DATABASE]...",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_STR, 0, "taxonomy", "[REV:]NAME", &taxonomy_spec,
	  "the index that records are found by under this taxonomy" },
	{ CASG_OPT_STR, 0, "taxon-from", "LIST", &taxon_from,
	  "where taxa of records are from (default: casg.taxonFrom)" },
	{ CASG_OPT_FLAG, 0, "in-use", NULL, &in_use,
	  "only where there is one, or was of an earlier version of either" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

/* ---- what is in use -------------------------------------------------------- */

/* All versions of a database, or of a taxonomy, in the history of REV. */
struct history {
	struct casg_buf rev, database;
	struct casg_asof all;
};

static void read_history(struct history *h, struct casg_refs *refs, struct casg_work *w,
			 const char *spec)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_found found;

	memset(h, 0, sizeof(*h));
	casg_found_init(&found);
	/* DATABASE may be left out */
	if (casg_refs_find(refs, spec, &found, &err) ||
	    casg_spec_split(spec, &h->rev, &h->database, &err))
		casg_die_err(&err);
	casg_buf_reset(&h->database);
	casg_buf_addstr(&h->database, casg_buf_cstr(&found.database));
	if (casg_buf_check(&h->database, &err) ||
	    casg_asof_read(refs, &w->repo, casg_buf_cstr(&h->rev), casg_buf_cstr(&h->database),
			   &h->all, &err))
		casg_die_err(&err);
	casg_found_release(&found);
}

static void release_history(struct history *h)
{
	casg_asof_release(&h->all);
	casg_buf_release(&h->rev);
	casg_buf_release(&h->database);
}

/* Is there an index of a version of the one under a version of the other? */
static int is_in_use(struct casg_work *w, struct casg_cli_taxa *t, const char *spec,
		     uint64_t from)
{
	const struct casg_roots *own = t->o.roots;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf full = CASG_BUF_INIT;
	struct casg_refs *refs;
	struct history s, x;
	int found = 0;

	casg_cli_taxonomy_spec(&w->repo, taxonomy_spec, &full);
	if (casg_buf_check(&full, &err) || casg_refs_open(&refs, &w->repo, &err))
		casg_die_err(&err);
	read_history(&s, refs, w, spec);
	read_history(&x, refs, w, casg_buf_cstr(&full));
	for (size_t i = 0; i < s.all.n && !found; i++) {
		struct casg_roots roots;

		casg_work_roots(&s.all.v[i].version, &roots);
		t->o.roots = &roots;
		for (size_t k = 0; k < x.all.n && !found; k++) {
			const struct casg_cli_taxon tax = {
				.version = x.all.v[k].version, .from = from
			};

			found = casg_cli_taxa_is_kept(t, &tax);
		}
	}
	t->o.roots = own;
	release_history(&s);
	release_history(&x);
	casg_refs_free(refs);
	casg_buf_release(&full);
	return found;
}

/* ---- indexes ---------------------------------------------------------------- */

static void make(struct casg_cli_taxa *t)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_taxindex_check(t->x, &err))
		casg_die_err(&err);
	casg_out(casg_taxindex_name(t->x), strlen(casg_taxindex_name(t->x)));
	casg_out(casg_taxindex_is_new(t->x) ? "\tmade\n" : "\tthere\n",
		 casg_taxindex_is_new(t->x) ? 6 : 7);
}

static void index_version(struct casg_work *w, const char *spec)
{
	struct casg_cli_taxon tax = { 0 };
	struct casg_version version;
	struct casg_roots roots;
	struct casg_cli_taxa t;

	casg_work_version(w, spec, &version, &roots);
	if (taxonomy_spec)
		casg_cli_taxon_begin(&tax, w, taxonomy_spec, taxon_from);
	casg_cli_taxa_init(&t, w, &roots, quiet ? 0 : show_progress);
	if (!in_use || is_in_use(w, &t, spec, tax.from)) {
		casg_cli_taxa_open_from(&t, w, taxonomy_spec ? &tax : NULL);
		make(&t);
	}
	casg_cli_taxa_release(&t);
	if (taxonomy_spec)
		casg_cli_taxon_close(&tax);
	casg_version_release(&version);
}

static int run(int argc, char **argv)
{
	struct casg_work w;

	if ((taxon_from || in_use) && !taxonomy_spec)
		casg_usage_die("--taxon-from and --in-use are for --taxonomy");
	casg_work_open_reader(&w, threads, memory, (uint64_t)24 << 20);
	for (int i = 0; i < argc; i++)
		index_version(&w, argv[i]);
	if (!argc)
		index_version(&w, "");
	casg_work_close(&w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-index-taxa", usage, opts, 0, -1, run };
