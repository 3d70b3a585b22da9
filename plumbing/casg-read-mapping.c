/* casg-read-mapping - files that map accessions to taxa become a record stream */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clitrace.h"
#include "clirepo.h"
#include "cliwork.h"
#include "input.h"
#include "mapjoin.h"
#include "maprow.h"
#include "refs.h"
#include "stream.h"
#include "treer.h"

static const char *threads, *memory, *facts_file;
static int nul_ends, all, quiet, show_progress = -1;
static struct casg_strs databases;

static const char *const usage[] = {
	"[-z] [--quiet] [--progress] [--database=[REV:]NAME]... [--threads=N] [--memory=SIZE] "
	"[--facts=FILE] FILE...",
	"--all [-z] [--quiet] [--progress] [--threads=N] [--memory=SIZE] [--facts=FILE] FILE...",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends,
	  "end lines with NUL and quote nothing" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_LIST, 'd', "database", "[REV:]NAME", &databases,
	  "keep what concerns its records; again for more (default: all of HEAD)" },
	{ CASG_OPT_FLAG, 0, "all", NULL, &all, "keep every row" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ CASG_OPT_STR, 0, "facts", "FILE", &facts_file,
	  "write what was counted, as \"name value\" lines" },
	{ .type = CASG_OPT_END }
};

struct job {
	struct casg_work w;
	struct casg_mapjoin *join;
	struct casg_maprow_parser parser;
	struct casg_hasher *source;
	struct casg_buf line;
	uint64_t nrows, nzero, nentries, offset;
	/* the record trees of the databases */
	struct casg_oid *roots;
	size_t nroots;
	uint64_t nrecords;
};

/* ---- whose rows ---------------------------------------------------------- */

static int add_version(struct job *j, const struct casg_version *v)
{
	struct casg_oid *more = realloc(j->roots, (j->nroots + 1) * sizeof(*more));

	if (!more)
		casg_die("out of memory");
	j->roots = more;
	j->roots[j->nroots++] = v->records;
	j->nrecords += v->count;
	return 0;
}

static int add_text(void *ctx, const char *database, const uint8_t *text, size_t n,
		    struct casg_err *err)
{
	struct casg_version v;
	int rc;

	casg_version_init(&v);
	rc = casg_version_decode(&v, text, n, err);
	if (rc)
		casg_err_prefix(err, "%s", database);
	else if (v.kind == CASG_VERSION_DATABASE)
		rc = add_version(ctx, &v);
	casg_version_release(&v);
	return rc;
}

static void find_databases(struct job *j)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_refs *refs;

	for (size_t i = 0; i < databases.n; i++) {
		struct casg_version v;

		casg_cli_resolve(&j->w.repo, databases.v[i], &v, NULL);
		if (v.kind != CASG_VERSION_DATABASE)
			casg_die("'%s' is a taxonomy", databases.v[i]);
		add_version(j, &v);
		casg_version_release(&v);
	}
	if (databases.n)
		return;
	if (casg_refs_open(&refs, &j->w.repo, &err) ||
	    casg_refs_each_database(refs, "HEAD", add_text, j, &err))
		casg_die_err(&err);
	casg_refs_free(refs);
	if (!j->nroots)
		casg_die("there is no database in HEAD (--all keeps every row)");
}

static void read_ids(struct job *j, const struct casg_oid *root)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_treer *t = casg_treer_open(j->w.store, casg_work_coder(&j->w), root, &err);
	struct casg_entry e;
	struct casg_loc loc;
	int rc = 0;

	while (t && (rc = casg_treer_next(t, &e, &loc, &err)) > 0)
		if (casg_mapjoin_add_record(j->join, e.key, e.klen, e.desc, e.dlen, &err))
			casg_die_err(&err);
	if (!t || rc < 0)
		casg_die_err(&err);
	casg_treer_free(t);
}

/* ---- the rows ------------------------------------------------------------ */

static int on_row(void *ctx, const struct casg_maprow *row, struct casg_err *err)
{
	struct job *j = ctx;

	return casg_mapjoin_add_row(j->join, row, err);
}

static int end_file(struct job *j, const char *name, struct casg_err *err)
{
	int rc = casg_maprow_end(&j->parser, err);

	return rc == CASG_ECORRUPT ? casg_err_prefix(err, "%s", name) : rc;
}

static int read_block(struct job *j, struct casg_input *in, uint8_t *block, size_t size,
		      const char **name, struct casg_err *err)
{
	const char *now;
	uint64_t at;
	long n = casg_input_read(in, block, size, err);
	int rc = 0;

	if (n < 0)
		return (int)n;
	if (!n)
		return *name ? end_file(j, *name, err) : 0;
	casg_input_where(in, j->offset, &now, &at);
	if (!at && *name)
		rc = end_file(j, *name, err);
	*name = now;
	j->offset += (uint64_t)n;
	if (rc)
		return rc;
	casg_hasher_update(j->source, block, (size_t)n);
	rc = casg_maprow_feed(&j->parser, block, (size_t)n, err);
	if (rc == CASG_ECORRUPT)
		casg_err_prefix(err, "%s", *name);
	return rc ? rc : 1;
}

static void read_rows(struct job *j, char **paths, int npaths)
{
	struct casg_progress *p = casg_progress_start("reading rows", quiet ? 0 : show_progress);
	const size_t size = (size_t)1 << 18;
	uint8_t *block = malloc(size);
	struct casg_err err = CASG_ERR_INIT;
	struct casg_input *in;
	const char *name = NULL;
	long empty;
	int rc;

	if (!block)
		casg_die("out of memory");
	if (casg_input_open(&in, (const char *const *)paths, (size_t)npaths, &err))
		casg_die_err(&err);
	casg_maprow_init(&j->parser, on_row, j);
	while ((rc = read_block(j, in, block, size, &name, &err)) > 0)
		casg_progress_update(p, j->parser.nrows, casg_input_raw_done(in),
				     casg_input_raw_total(in));
	if (rc)
		casg_die_err(&err);
	empty = casg_input_empty(in);
	if (empty >= 0)
		casg_die("%s: the file is empty",
			 strcmp(paths[empty], "-") ? paths[empty] : "standard input");
	j->nrows = j->parser.nrows;
	j->nzero = j->parser.nzero;
	casg_progress_stop(p);
	casg_maprow_release(&j->parser);
	casg_input_close(in);
	free(block);
}

/* ---- what is left -------------------------------------------------------- */

static void print_entries(struct job *j)
{
	struct casg_rec r = { .taxon = "-", .tlen = 1, .pres = "-", .plen = 1 };
	struct casg_err err = CASG_ERR_INIT;
	int rc;

	casg_hasher_digest(j->source, "", 0, &r.oid);
	casg_out_much();
	while ((rc = casg_mapjoin_next(j->join, &r.key, &r.klen, &r.desc, &r.dlen, &err)) > 0) {
		casg_buf_reset(&j->line);
		if (casg_rec_format(&j->line, &r, nul_ends))
			casg_die("out of memory");
		casg_out(j->line.data, j->line.len);
		j->nentries++;
	}
	if (rc < 0)
		casg_die_err(&err);
}

static void write_facts(const struct job *j, const struct casg_oid *source)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_buf_addf(&b, "rows %" PRIu64 "\nkept %" PRIu64 "\nno-taxon %" PRIu64
		      "\nentries %" PRIu64 "\nsource-sha256 ", j->nrows,
		      casg_mapjoin_nkept(j->join), j->nzero, j->nentries);
	casg_oid_addhex(&b, source);
	casg_buf_addch(&b, '\n');
	casg_write_facts(facts_file, &b);
	casg_buf_release(&b);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_mapjoin_opts o = { .all = all };
	struct casg_oid source;
	struct job j = { 0 };

	if (all && databases.n)
		casg_usage_die("--all and --database exclude one another");
	casg_work_open_reader(&j.w, threads, memory, (uint64_t)16 << 20);
	if (casg_repo_mkdirs(&j.w.repo, &err))
		casg_die_err(&err);
	if (!all)
		find_databases(&j);
	o.nids = j.nrecords;
	o.memory_nbytes = j.w.settings.memory / 4 * 3;
	o.tmp_dir = j.w.repo.tmp_dir;
	o.pool = j.w.pool;
	j.join = casg_mapjoin_new(&o, &err);
	j.source = casg_hasher_new();
	if (!j.join || !j.source)
		casg_die("%s", j.join ? "out of memory" : err.msg);
	casg_hasher_init(j.source);
	casg_trace_enter("read the ids");
	for (size_t i = 0; i < j.nroots; i++)
		read_ids(&j, &j.roots[i]);
	casg_trace_leave("read the ids");
	casg_trace_enter("read the rows");
	read_rows(&j, argv, argc);
	casg_trace_leave("read the rows");
	casg_hasher_final(j.source, &source);
	casg_trace_count("rows", j.nrows);
	casg_trace_count("kept", casg_mapjoin_nkept(j.join));
	casg_trace_enter("join");
	if (casg_mapjoin_finish(j.join, &err))
		casg_die_err(&err);
	print_entries(&j);
	casg_trace_leave("join");
	casg_trace_count("entries", j.nentries);
	if (facts_file)
		write_facts(&j, &source);
	casg_out_flush();
	casg_mapjoin_free(j.join);
	casg_hasher_free(j.source);
	casg_buf_release(&j.line);
	free(j.roots);
	casg_work_close(&j.w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-read-mapping", usage, opts, 1, -1, run };
