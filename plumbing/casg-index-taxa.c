/* casg-index-taxa - make the indexes of taxa of versions */
#include "cli.h"
#include "clitaxa.h"
#include "cliwork.h"

static const char *threads, *memory;
static int quiet, show_progress = -1;

static const char *const usage[] = {
	"[--quiet] [--progress] [--threads=N] [--memory=SIZE] [[REV:]DATABASE]...",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

static void index_version(struct casg_work *w, const char *spec)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version version;
	struct casg_roots roots;
	struct casg_cli_taxa t;

	casg_work_version(w, spec, &version, &roots);
	casg_cli_taxa_init(&t, w, &roots, quiet ? 0 : show_progress);
	casg_cli_taxa_open(&t);
	if (casg_taxindex_check(t.x, &err))
		casg_die_err(&err);
	casg_out(casg_taxindex_name(t.x), strlen(casg_taxindex_name(t.x)));
	casg_out(casg_taxindex_is_new(t.x) ? "\tmade\n" : "\tthere\n",
		 casg_taxindex_is_new(t.x) ? 6 : 7);
	casg_cli_taxa_release(&t);
	casg_version_release(&version);
}

static int run(int argc, char **argv)
{
	struct casg_work w;

	casg_work_open_reader(&w, threads, memory, (uint64_t)24 << 20);
	for (int i = 0; i < argc; i++)
		index_version(&w, argv[i]);
	if (!argc)
		index_version(&w, "");
	casg_work_close(&w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-index-taxa", usage, opts, 0, -1, run };
