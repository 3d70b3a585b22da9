/* casg-update-tree - put, replace or withdraw some records of a version */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clirecords.h"
#include "clirepo.h"
#include "clitrace.h"
#include "cliwork.h"
#include "lines.h"
#include "update.h"

static const char *threads, *memory, *facts_file, *reason, *successor, *sequence_time, *previous;
static int nul_ends, quiet, show_progress = -1, withdraw, ignore_unmatch, expect_newline;

static const char *const usage[] = {
	"[-z] [--quiet] [--progress] [--expect-newline] [--threads=N] [--memory=SIZE] [--facts=FILE] "
	"([REV:]DATABASE | --previous=FILE) <RECORDS",
	"--withdraw [-z] [--reason=TEXT] [--successor=KEY] [--sequence-time=TIME] "
	"[--ignore-unmatch] [--threads=N] [--memory=SIZE] [--facts=FILE] "
	"([REV:]DATABASE | --previous=FILE) <KEYS",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends,
	  "lines end with NUL and nothing is quoted" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_FLAG, 0, "expect-newline", NULL, &expect_newline,
	  "refuse a file without newline at its end if DATABASE's has one" },
	{ CASG_OPT_FLAG, 0, "withdraw", NULL, &withdraw,
	  "read keys to be withdrawn: KEY, or KEY TAB SUCCESSOR [TAB REASON]" },
	{ CASG_OPT_STR, 0, "reason", "TEXT", &reason, "why, where the line does not say" },
	{ CASG_OPT_STR, 0, "successor", "KEY", &successor,
	  "what to use instead, where the line does not say" },
	{ CASG_OPT_STR, 0, "sequence-time", "TIME", &sequence_time,
	  "since when they are withdrawn (default: now)" },
	{ CASG_OPT_FLAG, 0, "ignore-unmatch", NULL, &ignore_unmatch,
	  "keys that are not there are no reason to fail" },
	{ CASG_OPT_STR, 0, "previous", "FILE", &previous,
	  "the VERSION of the version to be updated" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ CASG_OPT_STR, 0, "facts", "FILE", &facts_file,
	  "write what was counted, as \"name value\" lines" },
	{ .type = CASG_OPT_END }
};

struct job {
	struct casg_work w;
	struct casg_update *update;
	struct casg_cli_records in;
	struct casg_version version;
	struct casg_roots base;
	int64_t when;
	struct casg_buf missing;
};

static int add_record(void *ctx, const struct casg_rec *r, struct casg_err *err)
{
	struct job *j = ctx;

	return casg_update_put(j->update, r, err);
}

/* A line of one to three fields; those that are left out are as the options say. */
static int add_key(struct job *j, const char *line, size_t n, struct casg_buf *scratch,
		   struct casg_err *err)
{
	struct casg_field f[3] = { { line, n }, { NULL, 0 }, { NULL, 0 } };
	int nfields = 1, rc = 0;

	for (const char *p = line; nfields < 3 && (p = memchr(p, '\t', n - (size_t)(p - line))); p++)
		nfields++;
	if (!nul_ends)
		rc = casg_stream_split(f, nfields, line, n, scratch, err);
	for (int i = 0; nul_ends && i + 1 < nfields; i++) {
		const char *tab = memchr(f[i].p, '\t', f[i].n);

		f[i + 1].p = tab + 1;
		f[i + 1].n = f[i].n - (size_t)(tab + 1 - f[i].p);
		f[i].n = (size_t)(tab - f[i].p);
	}
	if (rc)
		return rc;
	if (nfields < 2 && successor)
		f[1] = (struct casg_field){ successor, strlen(successor) };
	if (nfields < 3 && reason)
		f[2] = (struct casg_field){ reason, strlen(reason) };
	if (f[1].n == 1 && *f[1].p == '-')
		f[1].p = NULL;
	return casg_update_withdraw(j->update, f[0].p, f[0].n, f[1].p, f[1].n, f[2].p, f[2].n,
				    err);
}

static void read_keys(struct job *j)
{
	struct casg_lines *l = casg_lines_open(0, nul_ends ? '\0' : '\n');
	struct casg_buf scratch = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	uint64_t nlines = 0;
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		nlines++;
		if (add_key(j, line, n, &scratch, &err)) {
			casg_err_prefix(&err, "keys, line %" PRIu64, nlines);
			casg_die_err(&err);
		}
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_lines_close(l);
	casg_buf_release(&scratch);
}

/* 1: there are none, or that is no matter. */
static int all_there(struct job *j, const struct casg_update_stats *s)
{
	const char *p = casg_buf_chars(&j->missing), *end = p + j->missing.len;

	if (!s->nmissing || ignore_unmatch)
		return 1;
	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		casg_error("there is no record '%.*s'", (int)(lf - p), p);
		p = lf + 1;
	}
	return 0;
}

static void print_roots(struct job *j, const struct casg_update_stats *s)
{
	struct casg_buf b = CASG_BUF_INIT;
	char when[CASG_TIME_SIZE];

	casg_work_format_roots(&s->roots,
			       j->version.residues + s->residues_put - s->residues_removed, &b);
	if (withdraw && casg_time_format(j->when, when))
		casg_buf_addf(&b, "sequence-time %s\n", when);
	if (b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_reset(&b);
	casg_buf_addf(&b, "records %" PRIu64 "\nadded %" PRIu64 "\nreplaced %" PRIu64
		      "\nsame %" PRIu64 "\nremoved %" PRIu64 "\nmissing %" PRIu64
		      "\nread-nodes %" PRIu64 "\nnew-nodes %" PRIu64 "\nbytes-stored %" PRIu64 "\n",
		      s->roots.count, s->added, s->replaced, s->same, s->removed, s->nmissing,
		      s->nnodes_read, s->nnodes_new, casg_packw_nbytes(j->w.packw));
	casg_work_list_packs(&j->w, &b);
	if (facts_file)
		casg_write_facts(facts_file, &b);
	casg_buf_release(&b);
}

static void open_update(struct job *j, const char *spec)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_update_opts o = { .base = &j->base };

	j->when = casg_cli_now();
	if (sequence_time && casg_time_parse_user(sequence_time, &j->when, &err))
		casg_usage_die("%s", err.msg);
	casg_work_open(&j->w, threads, memory, (uint64_t)32 << 20);
	if (spec)
		casg_work_version(&j->w, spec, &j->version, &j->base);
	else
		casg_work_version_file(previous, &j->version, &j->base);
	casg_work_packw(&j->w);
	o.store = j->w.store;
	o.packw = j->w.packw;
	o.pool = j->w.pool;
	o.coders = j->w.coders;
	o.level = (int)j->w.settings.level;
	o.tmp_dir = j->w.repo.tmp_dir;
	o.memory_nbytes = j->w.settings.memory / 4;
	o.when = j->when;
	j->update = casg_update_new(&o, &err);
	if (!j->update)
		casg_work_die(&j->w, &err);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_update_stats stats;
	struct job j = { 0 };
	int rc = 0;

	if (!argc == !previous)
		casg_usage_die("wanted a version: [REV:]DATABASE, or --previous");
	if (!withdraw && (reason || successor || sequence_time || ignore_unmatch))
		casg_usage_die("--reason, --successor, --sequence-time and --ignore-unmatch go with --withdraw");
	if (withdraw && expect_newline)
		casg_usage_die("--expect-newline and --withdraw do not go together");
	casg_facts_init(&j.in.facts);
	open_update(&j, argc ? argv[0] : NULL);
	casg_trace_enter("read");
	if (withdraw)
		read_keys(&j);
	else
		casg_cli_read_records(&j.in, &j.w, nul_ends, quiet ? 0 : show_progress,
				      add_record, &j);
	casg_trace_leave("read");
	if (expect_newline)
		casg_cli_expect_newline(&j.in, &j.w, &j.base);
	/* packs that casg-pack finished while it fed us */
	casg_work_reopen_store(&j.w);
	casg_trace_enter("edit");
	if (casg_update_finish(j.update, j.in.any_facts ? &j.in.facts : NULL, &j.missing, &stats, &err))
		casg_work_die(&j.w, &err);
	casg_trace_leave("edit");
	if (all_there(&j, &stats)) {
		if (casg_packw_finish(j.w.packw, &err))
			casg_work_die(&j.w, &err);
		casg_trace_count("read-nodes", stats.nnodes_read);
		casg_trace_count("new-nodes", stats.nnodes_new);
		print_roots(&j, &stats);
		casg_out_flush();
	} else {
		casg_packw_abandon(j.w.packw);
		rc = CASG_EXIT_NO;
	}
	casg_update_free(j.update);
	casg_facts_release(&j.in.facts);
	casg_version_release(&j.version);
	casg_buf_release(&j.missing);
	casg_work_close(&j.w);
	return rc;
}

const struct casg_cmd casg_cmd = { "casg-update-tree", usage, opts, 0, 1, run };
