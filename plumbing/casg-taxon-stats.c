/* casg-taxon-stats - print what the taxa of a version amount to */
#include <string.h>

#include "cli.h"
#include "clitaxa.h"
#include "cliwork.h"
#include "stream.h"
#include "taxstats.h"

static const char *threads, *memory, *taxonomy_spec, *taxon_from, *rank;
static int quiet, show_progress = -1;

static const char *const usage[] = {
	"[--taxonomy=[REV:]NAME [--taxon-from=LIST] [--rank=RANK]] [--quiet] [--progress] [--threads=N] [--memory=SIZE] [[REV:]DATABASE]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "taxonomy", "SPEC", &taxonomy_spec,
	  "names and ranks are those of this one" },
	{ CASG_OPT_STR, 0, "taxon-from", "LIST", &taxon_from,
	  "where taxa of records are from (default: casg.taxonFrom)" },
	{ CASG_OPT_STR, 0, "rank", "RANK", &rank, "a line for each taxon of this rank" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

struct printer {
	const struct casg_taxonomy *t;
	struct casg_buf line;
};

static int add_name(struct printer *p, const char *id, struct casg_err *err)
{
	struct casg_taxon_info info;
	uint32_t taxon = CASG_TAXON_NONE;
	int rc = p->t && *id ? casg_taxonomy_find(p->t, id, strlen(id), &taxon, err) : 0;

	if (rc >= 0 && taxon != CASG_TAXON_NONE) {
		rc = casg_taxonomy_info(p->t, taxon, &info, err);
		if (!rc)
			casg_stream_key(&p->line, info.name.p, info.name.n, 0);
	} else {
		casg_buf_addch(&p->line, '-');
	}
	return rc < 0 ? rc : 0;
}

static int print(void *ctx, const struct casg_taxstat *s, struct casg_err *err)
{
	const uint64_t numbers[] = { s->nrecords, s->nresidues, s->nbytes, s->nchunks };
	struct printer *p = ctx;
	int rc;

	casg_buf_reset(&p->line);
	if (*s->id)
		casg_stream_key(&p->line, s->id, strlen(s->id), 0);
	else
		casg_buf_addch(&p->line, '-');
	casg_buf_addch(&p->line, '\t');
	rc = add_name(p, s->id, err);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		casg_buf_addch(&p->line, '\t');
		casg_buf_add_u64(&p->line, numbers[i]);
	}
	casg_buf_addch(&p->line, '\n');
	if (!rc)
		rc = casg_buf_check(&p->line, err);
	if (!rc)
		casg_out(p->line.data, p->line.len);
	return rc;
}

static int run(int argc, char **argv)
{
	static const char head[] = "taxon\tname\trecords\tresidues\tbytes\tchunks\n";
	struct printer p = { NULL, CASG_BUF_INIT };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version version;
	struct casg_cli_taxon tax = { 0 };
	struct casg_cli_taxa taxa;
	struct casg_roots roots;
	struct casg_work w;

	if (rank && !taxonomy_spec)
		casg_usage_die("--rank is for --taxonomy");
	if (taxon_from && !taxonomy_spec)
		casg_usage_die("--taxon-from is for --taxonomy");
	casg_work_open_reader(&w, threads, memory, (uint64_t)16 << 20);
	casg_work_version(&w, argc ? argv[0] : "", &version, &roots);
	if (taxonomy_spec)
		casg_cli_taxon_begin(&tax, &w, taxonomy_spec, taxon_from);
	p.t = tax.taxonomy;
	casg_cli_taxa_init(&taxa, &w, &roots, quiet ? 0 : show_progress);
	casg_cli_taxa_from(&taxa, &w, taxonomy_spec ? &tax : NULL);
	casg_out(head, sizeof(head) - 1);
	if (casg_taxstats(&taxa.o, p.t, rank, print, &p, &err))
		casg_die_err(&err);
	casg_out_flush();
	casg_cli_taxa_release(&taxa);
	if (taxonomy_spec)
		casg_cli_taxon_close(&tax);
	casg_buf_release(&p.line);
	casg_version_release(&version);
	casg_work_close(&w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-taxon-stats", usage, opts, 0, 1, run };
