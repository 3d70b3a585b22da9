/* casg-ls-tree - print the record stream of a version */
#include "buf.h"
#include "cli.h"
#include "clisettled.h"
#include "clistream.h"
#include "clitaxon.h"
#include "cliwork.h"
#include "records.h"
#include "withdrawn.h"

static const char *threads, *memory, *taxonomy_spec, *taxon_from;
static int nul_ends, keys_only, withdrawn, lineage, quiet;

static const char *const usage[] = {
	"[-z] [--keys] [--threads=N] [--memory=SIZE] [[REV:]DATABASE]",
	"[-z] --taxonomy=[REV:]NAME [--taxon-from=LIST] [--lineage] [--quiet] [--threads=N] [--memory=SIZE] [[REV:]DATABASE]",
	"--withdrawn [-z] [[REV:]DATABASE]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends,
	  "end lines with NUL and quote nothing" },
	{ CASG_OPT_FLAG, 0, "keys", NULL, &keys_only, "print the keys alone" },
	{ CASG_OPT_FLAG, 0, "withdrawn", NULL, &withdrawn,
	  "print what was withdrawn: key, since when, successor, reason" },
	{ CASG_OPT_STR, 0, "taxonomy", "[REV:]NAME", &taxonomy_spec,
	  "print taxa as they are there: merged ids become what they went into" },
	{ CASG_OPT_STR, 0, "taxon-from", "LIST", &taxon_from,
	  "where taxa of records are from (default: casg.taxonFrom)" },
	{ CASG_OPT_FLAG, 0, "lineage", NULL, &lineage,
	  "a seventh field: the names of the lineage, joined by ';'" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet,
	  "no warning of taxa that are not in the taxonomy" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

static void list_withdrawn(struct casg_work *w, const struct casg_roots *roots)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf line = CASG_BUF_INIT;
	struct casg_withdrawnr *r;
	struct casg_tombstone t;
	int rc = 0;

	if (!roots->has_withdrawn)
		return;
	r = casg_withdrawnr_open(w->store, casg_work_coder(w), &roots->withdrawn, &err);
	while (r && (rc = casg_withdrawnr_next(r, &t, &err)) > 0) {
		casg_buf_reset(&line);
		if (casg_tombstone_format(&line, &t, nul_ends, &err))
			casg_die_err(&err);
		casg_out(line.data, line.len);
	}
	if (!r || rc < 0)
		casg_die_err(&err);
	casg_withdrawnr_free(r);
	casg_buf_release(&line);
}

static void list_records(struct casg_work *w, const struct casg_roots *roots)
{
	struct casg_cli_settled settled = { .t = NULL };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_cli_taxon tax = { 0 };
	struct casg_cli_stream *out;
	struct casg_records *rs;
	struct casg_record r;
	int rc;

	rs = casg_records_open(w->store, casg_work_coder(w), w->pool, w->repo.tmp_dir, roots,
			       w->settings.memory / 2, &err);
	if (!rs)
		casg_die_err(&err);
	if (taxonomy_spec) {
		casg_cli_taxon_open(&tax, w, taxonomy_spec, taxon_from);
		settled.t = tax.taxonomy;
		settled.of = tax.of;
	}
	casg_out_much();
	out = casg_cli_stream_new(w, nul_ends, keys_only);
	if (taxonomy_spec)
		casg_cli_stream_settle(out, &settled, lineage);
	if (!keys_only)
		casg_cli_stream_facts(out, casg_records_facts(rs));
	while ((rc = casg_records_next(rs, &r, &err)) > 0)
		casg_cli_stream_add(out, &r);
	if (rc < 0)
		casg_die_err(&err);
	casg_cli_stream_finish(out);
	casg_records_free(rs);
	if (!quiet)
		casg_cli_settled_warn(&settled);
	casg_cli_settled_release(&settled);
	if (taxonomy_spec)
		casg_cli_taxon_close(&tax);
}

static int run(int argc, char **argv)
{
	struct casg_version version;
	struct casg_roots roots;
	struct casg_work w;

	if (taxonomy_spec && (keys_only || withdrawn))
		casg_usage_die("--taxonomy goes with neither --keys nor --withdrawn");
	if ((lineage || quiet || taxon_from) && !taxonomy_spec)
		casg_usage_die("--lineage, --quiet and --taxon-from need --taxonomy");
	casg_work_open_reader(&w, threads, memory, (uint64_t)24 << 20);
	casg_work_version(&w, argc ? argv[0] : "", &version, &roots);
	if (withdrawn)
		list_withdrawn(&w, &roots);
	else
		list_records(&w, &roots);
	casg_out_flush();
	casg_version_release(&version);
	casg_work_close(&w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-ls-tree", usage, opts, 0, 1, run };
