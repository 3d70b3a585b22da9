/* casg-merge-tree - merge two versions of a database by record */
#include <fcntl.h>
#include <inttypes.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "clitrace.h"
#include "cliwork.h"
#include "lines.h"
#include "recmerge.h"
#include "stream.h"
#include "withdrawn.h"

static const char *threads, *memory, *database, *facts_file, *settle_file;
static int nul_ends, root, take_ours, take_theirs;

static const char *const usage[] = {
	"[-z] [--ours | --theirs] [--settle=FILE] [--database=NAME] [--facts=FILE] "
	"[--threads=N] [--memory=SIZE] BASE[:DATABASE] OURS[:DATABASE] THEIRS[:DATABASE]",
	"[-z] [--ours | --theirs] [--settle=FILE] [--database=NAME] [--facts=FILE] "
	"[--threads=N] [--memory=SIZE] --root OURS[:DATABASE] THEIRS[:DATABASE]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends,
	  "conflicts and FILE end lines with NUL and quote nothing" },
	{ CASG_OPT_FLAG, 0, "ours", NULL, &take_ours, "settle conflicts for ours" },
	{ CASG_OPT_FLAG, 0, "theirs", NULL, &take_theirs, "settle conflicts for theirs" },
	{ CASG_OPT_STR, 0, "settle", "FILE", &settle_file,
	  "settle conflicts by the records in it" },
	{ CASG_OPT_FLAG, 0, "root", NULL, &root, "there is no base: all was added" },
	{ CASG_OPT_STR, 0, "database", "NAME", &database, "the database where none is named" },
	{ CASG_OPT_STR, 0, "facts", "FILE", &facts_file,
	  "write what was counted, as \"name value\" lines" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

static const char *const side_names[CASG_NSIDES] = { "base", "ours", "theirs" };

struct merge {
	struct casg_work w;
	struct casg_version version[CASG_NSIDES];
	struct casg_roots roots[CASG_NSIDES];
	struct casg_recmerge *m;
	struct casg_buf line, taxon;
};

static void resolve(struct merge *g, enum casg_merge_side side, const char *rev)
{
	struct casg_buf spec = CASG_BUF_INIT;

	casg_buf_addstr(&spec, rev);
	if (!strchr(rev, ':'))
		casg_buf_addf(&spec, ":%s", database ? database : "");
	casg_work_version(&g->w, casg_buf_cstr(&spec), &g->version[side], &g->roots[side]);
	casg_buf_release(&spec);
}

/* ---- conflicts ---------------------------------------------------------- */

/* ours TAB key TAB id TAB ...: "-" for what is not there. */
static int print_conflict(void *ctx, enum casg_merge_side side, const char *key, size_t klen,
			  const struct casg_recside *s, struct casg_err *err)
{
	struct merge *g = ctx;
	struct casg_rec r;
	int rc = 0;

	casg_buf_reset(&g->line);
	casg_buf_addf(&g->line, "%s\t", side_names[side]);
	if (s) {
		rc = casg_recside_rec(s, &r, &g->taxon, err);
		if (!rc)
			rc = casg_rec_format(&g->line, &r, nul_ends);
	} else {
		casg_stream_key(&g->line, key, klen, nul_ends);
		casg_buf_addstr(&g->line, "\t-\t-\t-\t-\t");
		casg_buf_addch(&g->line, nul_ends ? '\0' : '\n');
	}
	if (!rc)
		rc = casg_buf_check(&g->line, err);
	if (!rc)
		casg_out(g->line.data, g->line.len);
	return rc;
}

/* ---- records that settle them ------------------------------------------- */

static const char none[] = "\t-\t-\t-\t-\t";

/* A line of the stream; with "-" for all but the key there shall be no record. */
static int settle_line(struct merge *g, const char *line, size_t n, struct casg_buf *scratch,
		       struct casg_err *err)
{
	static const char fill[] =
		"\t0000000000000000000000000000000000000000000000000000000000000000\t0\t-\t-\t";
	size_t end = sizeof(none) - 1;
	int is_none = n > end && !memcmp(line + n - end, none, end), rc;
	struct casg_rec r;

	if (is_none) {
		casg_buf_reset(&g->line);
		casg_buf_add(&g->line, line, n - end);
		casg_buf_addstr(&g->line, fill);
		if (casg_buf_check(&g->line, err))
			return CASG_ENOMEM;
		line = (const char *)g->line.data;
		n = g->line.len;
	}
	rc = casg_rec_parse(&r, line, n, nul_ends, scratch, err);
	return rc ? rc : casg_recmerge_settle(g->m, &r, is_none, err);
}

static void read_settled(struct merge *g)
{
	int fd = strcmp(settle_file, "-") ? open(settle_file, O_RDONLY | O_CLOEXEC) : 0;
	struct casg_lines *l = fd < 0 ? NULL : casg_lines_open(fd, nul_ends ? '\0' : '\n');
	struct casg_buf scratch = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	uint64_t nlines = 0;
	const char *line;
	size_t n;
	int rc;

	if (fd < 0)
		casg_die("cannot open '%s': %s", settle_file, strerror(errno));
	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		nlines++;
		rc = casg_stream_is_facts(line, n) ? 0 : settle_line(g, line, n, &scratch, &err);
		if (rc)
			break;
	}
	if (rc) {
		casg_err_prefix(&err, "'%s', line %" PRIu64, settle_file, nlines);
		casg_die_err(&err);
	}
	casg_lines_close(l);
	casg_buf_release(&scratch);
	if (fd)
		close(fd);
}

/* ---- the result --------------------------------------------------------- */

static void warn_of_layout(const struct casg_merged *m)
{
	static const struct {
		unsigned int fact;
		const char *name;
	} facts[] = {
		{ CASG_MERGED_WIDTH, "width" }, { CASG_MERGED_EOL, "eol" },
		{ CASG_MERGED_FINAL_NEWLINE, "final-newline" },
		{ CASG_MERGED_PROLOGUE, "prologue" },
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (m->facts_ours & facts[i].fact)
			casg_warn("both sides changed the %s of the file; ours is kept",
				  facts[i].name);
	if (m->npres_ours)
		casg_warn("both sides changed the presentation of %" PRIu64
			  " records; ours is kept", m->npres_ours);
}

/* What either side has withdrawn, and the merged tree does not have. */
static void merge_withdrawn(struct merge *g, struct casg_merged *m)
{
	struct casg_err err = CASG_ERR_INIT;
	int rc = casg_withdrawn_merge(&g->roots[CASG_OURS], &g->roots[CASG_THEIRS],
				      &m->roots.records, g->w.packw, g->w.store,
				      casg_work_coder(&g->w), (int)g->w.settings.level,
				      g->w.repo.tmp_dir, &m->roots.withdrawn, &err);

	if (rc < 0 || casg_packw_finish(g->w.packw, &err))
		casg_work_die(&g->w, &err);
	m->roots.has_withdrawn = rc;
}

static void print_roots(struct merge *g, const struct casg_merged *m)
{
	struct casg_buf *b = &g->line;

	casg_buf_reset(b);
	casg_work_format_roots(&m->roots, m->is_theirs ? g->version[CASG_THEIRS].residues :
			       g->version[CASG_OURS].residues + m->residues_put -
			       m->residues_removed, b);
	if (b->failed)
		casg_die("out of memory");
	casg_out(b->data, b->len);
}

static void write_facts(struct merge *g, const struct casg_merged *m)
{
	struct casg_buf *b = &g->line;

	if (!facts_file)
		return;
	casg_buf_reset(b);
	casg_buf_addf(b, "records %" PRIu64 "\nadded %" PRIu64 "\nremoved %" PRIu64
		      "\nconflicts %" PRIu64 "\nnew-nodes %" PRIu64 "\nbytes-stored %" PRIu64
		      "\n", m->roots.count, m->nput, m->nremoved,
		      casg_recmerge_conflicts(g->m), m->nnodes_new,
		      casg_packw_nbytes(g->w.packw));
	casg_work_list_packs(&g->w, b);
	casg_write_facts(facts_file, b);
}

static void open_merge(struct merge *g, int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_recmerge_opts o = {
		.settle = take_ours ? CASG_SETTLE_OURS : take_theirs ? CASG_SETTLE_THEIRS
								     : CASG_SETTLE_NONE,
		.conflict = print_conflict, .ctx = g,
	};

	for (int i = 0; i < CASG_NSIDES; i++)
		casg_version_init(&g->version[i]);
	if (!root)
		resolve(g, CASG_BASE, argv[0]);
	resolve(g, CASG_OURS, argv[argc - 2]);
	resolve(g, CASG_THEIRS, argv[argc - 1]);
	casg_work_packw(&g->w);
	o.store = g->w.store;
	o.packw = g->w.packw;
	o.pool = g->w.pool;
	o.coders = g->w.coders;
	o.tmp_dir = g->w.repo.tmp_dir;
	o.memory_nbytes = g->w.settings.memory / 2;
	o.zlevel = (int)g->w.settings.level;
	o.by_key = g->version[CASG_OURS].kind == CASG_VERSION_TAXONOMY;
	if (g->version[CASG_THEIRS].kind != g->version[CASG_OURS].kind)
		casg_die("a taxonomy and a database of sequences cannot be merged");
	g->m = casg_recmerge_new(&o, root ? NULL : &g->roots[CASG_BASE], &g->roots[CASG_OURS],
				 &g->roots[CASG_THEIRS], &err);
	if (!g->m)
		casg_work_die(&g->w, &err);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_merged merged;
	struct merge g = { 0 };
	int clean;

	if (argc != 3 - root)
		casg_usage_die("expected %s", root ? "OURS and THEIRS" : "BASE, OURS and THEIRS");
	if (take_ours && take_theirs)
		casg_usage_die("only one of --ours and --theirs");
	casg_work_open(&g.w, threads, memory, (uint64_t)24 << 20);
	open_merge(&g, argc, argv);
	if (settle_file)
		read_settled(&g);
	casg_trace_enter("decide");
	if (casg_recmerge_decide(g.m, &err))
		casg_work_die(&g.w, &err);
	casg_trace_leave("decide");
	clean = casg_recmerge_conflicts(g.m) == casg_recmerge_settled(g.m);
	if (clean) {
		casg_trace_enter("write");
		if (casg_recmerge_write(g.m, &merged, &err))
			casg_work_die(&g.w, &err);
		casg_trace_leave("write");
		casg_trace_count("new-nodes", merged.nnodes_new);
		warn_of_layout(&merged);
		merge_withdrawn(&g, &merged);
		print_roots(&g, &merged);
		write_facts(&g, &merged);
	}
	casg_out_flush();
	casg_recmerge_free(g.m);
	casg_buf_release(&g.line);
	casg_buf_release(&g.taxon);
	for (int i = 0; i < CASG_NSIDES; i++)
		casg_version_release(&g.version[i]);
	casg_work_close(&g.w);
	return clean ? CASG_EXIT_YES : CASG_EXIT_NO;
}

const struct casg_cmd casg_cmd = { "casg-merge-tree", usage, opts, 2, 3, run };
