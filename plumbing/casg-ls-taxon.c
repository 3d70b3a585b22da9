/* casg-ls-taxon - print the records of a version that carry certain taxa */
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cli.h"
#include "clistream.h"
#include "clitaxa.h"
#include "clitrace.h"
#include "cliwork.h"
#include "exporter.h"
#include "lines.h"
#include "subset.h"
#include "taxclade.h"

static const char *threads, *memory, *taxonomy_spec, *taxon_from;
static struct casg_strs taxa, without;
static int nul_ends, fasta, from_stdin, keys_only, quiet, show_progress = -1, descendants = 1;

static const char *const usage[] = {
	"[-z] [--fasta | --keys] [--quiet] [--progress] [--threads=N] [--memory=SIZE] [--taxonomy=[REV:]NAME [--taxon-from=LIST] [--no-descendants]] [--taxon=TAXON]... [--exclude=TAXON]... [--stdin] [[REV:]DATABASE]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends,
	  "lines end with NUL, also those of --stdin; nothing is quoted" },
	{ CASG_OPT_FLAG, 0, "fasta", NULL, &fasta, "write FASTA text" },
	{ CASG_OPT_FLAG, 0, "keys", NULL, &keys_only, "print the keys alone" },
	{ CASG_OPT_LIST, 0, "taxon", "TAXON", &taxa, "records that carry this taxon" },
	{ CASG_OPT_LIST, 0, "exclude", "TAXON", &without, "but none that carries this one" },
	{ CASG_OPT_FLAG, 0, "stdin", NULL, &from_stdin, "read more taxa, one a line" },
	{ CASG_OPT_STR, 0, "taxonomy", "SPEC", &taxonomy_spec,
	  "taxa are names or ids of this one, with their descendants" },
	{ CASG_OPT_STR, 0, "taxon-from", "LIST", &taxon_from,
	  "where taxa of records are from (default: casg.taxonFrom)" },
	{ CASG_OPT_FLAG, 0, "descendants", NULL, &descendants,
	  "include them (--no-descendants: do not)" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress, no warnings" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

struct query {
	struct casg_subset *subset;
	struct casg_taxonomy *taxonomy; /* or NULL: ids alone */
	struct casg_taxclade taxa, without;
	struct casg_buf missing;       /* the first of them that nobody carries */
	size_t nmissing;
};

static void read_ids(void)
{
	struct casg_lines *l = casg_lines_open(0, nul_ends ? '\0' : '\n');
	struct casg_err err = CASG_ERR_INIT;
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		char *id = strndup(line, n);

		if (!id || CASG_GROW(taxa.v, taxa.n + 1, taxa.cap))
			casg_die("out of memory");
		taxa.v[taxa.n++] = id;
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_lines_close(l);
}

/* ---- choosing ------------------------------------------------------------ */

/* What a name or id given stands for, descendants included. */
static int add(struct query *q, struct casg_taxclade *c, struct casg_taxaidx *x,
	       const char *name, int whole, struct casg_err *err)
{
	struct casg_taxon_info info;
	uint32_t taxon;
	int rc;

	if (!q->taxonomy || !*name)
		return casg_taxclade_add_id(c, x, name, strlen(name), err);
	if (casg_taxonomy_resolve(q->taxonomy, name, &taxon, err))
		casg_die_err(err);
	rc = casg_taxonomy_info(q->taxonomy, taxon, &info, err);
	return rc ? rc : casg_taxclade_add(c, x, q->taxonomy, taxon,
					   whole ? info.end : taxon + 1, err);
}

static int choose(void *ctx, struct casg_taxaidx *x, struct casg_err *err)
{
	struct query *q = ctx;
	int rc = 0;

	q->taxa.n = q->without.n = q->nmissing = 0;
	casg_buf_reset(&q->missing);
	for (size_t k = 0; k < taxa.n && !rc; k++) {
		size_t before = q->taxa.n;

		rc = add(q, &q->taxa, x, taxa.v[k], descendants, err);
		if (!rc && q->taxa.n == before && !q->nmissing++)
			casg_buf_addstr(&q->missing, taxa.v[k]);
	}
	for (size_t k = 0; k < without.n && !rc; k++)
		rc = add(q, &q->without, x, without.v[k], 1, err);
	if (rc)
		return rc;
	casg_taxclade_settle(&q->without, NULL);
	casg_taxclade_settle(&q->taxa, &q->without);
	return casg_subset_choose(q->subset, x, q->taxa.v, q->taxa.n, q->without.v,
				  q->without.n, err);
}

/* ---- printing ------------------------------------------------------------ */

struct out {
	struct casg_progress *progress;
	uint64_t nrecords, nbytes;
};

static int write_text(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	struct out *o = ctx;

	(void)err;
	o->nbytes += n;
	casg_progress_update(o->progress, o->nrecords, o->nbytes, 0);
	casg_out(p, n);
	return 0;
}

/* 'r' is the first, and holds each that follows. */
static void write_fasta(struct casg_work *w, struct casg_subset *s, struct casg_record *r)
{
	uint64_t window = w->settings.memory / 8 < (36u << 20) ? w->settings.memory / 8
							       : 36u << 20;
	struct out o = { casg_progress_start("writing", quiet ? 0 : show_progress), 0, 0 };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_exporter *x = casg_exporter_new(w->store, w->pool, w->coders,
						    casg_subset_facts(s), window,
						    write_text, &o, &err);
	int rc = x ? 1 : -1;

	while (rc > 0) {
		const struct casg_export_record e = {
			.key = r->key, .klen = r->klen, .desc = r->desc, .dlen = r->dlen,
			.pres = r->pres, .plen = r->plen, .loc = r->loc,
		};

		o.nrecords++;
		rc = casg_exporter_add(x, &e, &err);
		if (!rc)
			rc = casg_subset_next(s, r, &err);
	}
	if (!rc)
		rc = casg_exporter_finish(x, &err);
	if (rc)
		casg_die_err(&err);
	casg_exporter_free(x);
	casg_progress_stop(o.progress);
	casg_trace_count("records", o.nrecords);
	casg_trace_count("bytes", o.nbytes);
}

/* With the taxa by which they are found. */
static void write_stream(struct casg_work *w, struct casg_subset *s,
			 struct casg_cli_taxon *tax, struct casg_record *r)
{
	struct casg_cli_stream *out = casg_cli_stream_new(w, nul_ends, keys_only);
	struct casg_cli_settled settled = { .t = tax->taxonomy };
	struct casg_err err = CASG_ERR_INIT;
	int rc;

	if (tax->taxonomy && !keys_only) {
		/* a mapping that was not needed to find them is asked in its tree */
		if (!tax->of)
			casg_cli_taxon_map(tax, w, casg_work_coder(w), 0);
		settled.of = tax->of;
		casg_cli_stream_settle(out, &settled, 0);
	}
	if (!keys_only)
		casg_cli_stream_facts(out, casg_subset_facts(s));
	do
		casg_cli_stream_add(out, r);
	while ((rc = casg_subset_next(s, r, &err)) > 0);
	if (rc < 0)
		casg_die_err(&err);
	casg_cli_stream_finish(out);
	if (!quiet)
		casg_cli_settled_warn(&settled);
	casg_cli_settled_release(&settled);
}

/* 1 if there is any record. */
static int print(struct casg_work *w, struct casg_subset *s, struct casg_cli_taxon *tax)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_record r;
	int rc = casg_subset_next(s, &r, &err);

	if (rc < 0)
		casg_die_err(&err);
	if (!rc)
		return 0;
	casg_out_much();
	if (fasta)
		write_fasta(w, s, &r);
	else
		write_stream(w, s, tax, &r);
	casg_out_flush();
	return 1;
}

static void say_missing(struct query *q, int any)
{
	const char *id = casg_buf_cstr(&q->missing);
	void (*say)(const char *fmt, ...) = any ? casg_warn : casg_error;

	if (quiet)
		return;
	if (q->nmissing > 1)
		say("no record carries '%s', nor %zu other taxa", id, q->nmissing - 1);
	else if (q->nmissing)
		say("no record carries '%s'", id);
	else if (!any)
		say("no record is left");
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version version;
	struct casg_roots roots;
	struct casg_cli_taxon tax = { 0 };
	struct casg_cli_taxa t;
	struct query q = { 0 };
	struct casg_work w;
	int any;

	if (!taxa.n && !from_stdin)
		casg_usage_die("no taxon given");
	if (fasta && (keys_only || (nul_ends && !from_stdin)))
		casg_usage_die("--fasta excludes --keys, and -z without --stdin");
	if (!descendants && !taxonomy_spec)
		casg_usage_die("--no-descendants is for --taxonomy");
	if (taxon_from && !taxonomy_spec)
		casg_usage_die("--taxon-from is for --taxonomy");
	if (from_stdin)
		read_ids();
	casg_work_open_reader(&w, threads, memory, (uint64_t)24 << 20);
	casg_work_version(&w, argc ? argv[0] : "", &version, &roots);
	if (taxonomy_spec)
		casg_cli_taxon_begin(&tax, &w, taxonomy_spec, taxon_from);
	q.taxonomy = tax.taxonomy;
	casg_cli_taxa_init(&t, &w, &roots, quiet ? 0 : show_progress);
	casg_trace_enter("open the index");
	casg_cli_taxa_open_from(&t, &w, taxonomy_spec ? &tax : NULL);
	q.subset = casg_subset_new(&t.o, &err);
	if (!q.subset || casg_taxindex_try(t.x, choose, &q, &err))
		casg_die_err(&err);
	casg_trace_leave("open the index");
	casg_trace_enter("print");
	any = print(&w, q.subset, &tax);
	casg_trace_leave("print");
	say_missing(&q, any);
	casg_subset_free(q.subset);
	casg_cli_taxa_release(&t);
	casg_buf_release(&q.missing);
	casg_taxclade_release(&q.taxa);
	casg_taxclade_release(&q.without);
	if (taxonomy_spec)
		casg_cli_taxon_close(&tax);
	casg_version_release(&version);
	casg_work_close(&w);
	return any ? 0 : CASG_EXIT_NO;
}

const struct casg_cmd casg_cmd = { "casg-ls-taxon", usage, opts, 0, 1, run };
