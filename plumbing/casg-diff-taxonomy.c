/* casg-diff-taxonomy - compare two versions of a taxonomy by taxon */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "clitaxonomy.h"
#include "clitrace.h"
#include "cliwork.h"
#include "stream.h"
#include "taxdiff.h"
#include "taxlog.h"

static const char *threads, *memory, *format, *classes, *after;
static int nul_ends, show_stat, summary, changes, exit_code;

static const char *const usage[] = {
	"[-z] [--format=lines|changelog] [--class=CLASS[,CLASS]...] [--stat] [--summary] "
	"[--changes] [--exit-code] [--threads=N] [--memory=SIZE] "
	"[REV:]taxonomy/NAME [REV:]taxonomy/NAME",
	"--changes --after=FILE [--threads=N] [--memory=SIZE] [REV:]taxonomy/NAME",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "end lines with NUL and quote nothing" },
	{ CASG_OPT_STR, 0, "format", "FORMAT", &format,
	  "lines (default), or changelog: CSV as taxonkit's taxid-changelog" },
	{ CASG_OPT_STR, 0, "class", "CLASSES", &classes, "list only taxa of these classes" },
	{ CASG_OPT_FLAG, 0, "stat", NULL, &show_stat, "count the taxa of each class" },
	{ CASG_OPT_FLAG, 0, "summary", NULL, &summary,
	  "tell what was split and merged, with the share of each heir" },
	{ CASG_OPT_FLAG, 0, "changes", NULL, &changes,
	  "print 'CLASS N' lines, as VERSION has them" },
	{ CASG_OPT_STR, 0, "after", "FILE", &after,
	  "compare with the version in FILE, which need not be committed" },
	{ CASG_OPT_FLAG, 0, "exit-code", NULL, &exit_code, "exit with 1 if there are differences" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

struct end {
	struct casg_taxonomy *t;
	struct casg_version version;
	struct casg_oid id;
	struct casg_taxside side;
};

struct diff {
	struct casg_work w;
	struct end a, b;
	struct casg_taxdiff *d;
	int lines, changelog;
	int shown[CASG_NTAXCHANGES];
	struct casg_heirs heirs;
	struct casg_buf line;
};

/* The order in which totals are told. */
static const enum casg_taxchange order[CASG_NTAXCHANGES] = {
	CASG_TAXCHANGE_NEW, CASG_TAXCHANGE_DELETED, CASG_TAXCHANGE_MERGED, CASG_TAXCHANGE_SPLIT,
	CASG_TAXCHANGE_MOVED, CASG_TAXCHANGE_RENAMED, CASG_TAXCHANGE_RANK,
};

/* ---- options ------------------------------------------------------------ */

static void read_classes(struct diff *d)
{
	const char *p = classes;

	for (int k = 0; k < CASG_NTAXCHANGES; k++)
		d->shown[k] = !classes;
	while (p) {
		size_t n = strcspn(p, ",");
		int k = casg_taxchange_parse(p, n);

		if (k < 0)
			casg_usage_die("option '--class': there is no class '%.*s'", (int)n, p);
		d->shown[k] = 1;
		p = p[n] ? p + n + 1 : NULL;
	}
}

static void choose_format(struct diff *d)
{
	if (format && strcmp(format, "lines") && strcmp(format, "changelog"))
		casg_usage_die("option '--format' expects lines or changelog, not '%s'", format);
	d->changelog = format && !strcmp(format, "changelog");
	if (d->changelog && (classes || nul_ends || show_stat || summary || changes))
		casg_usage_die("--format=changelog goes with no other output");
	d->lines = !d->changelog && (format || classes || !(show_stat || summary || changes));
}

/* ---- lines -------------------------------------------------------------- */

static void info_of(const struct casg_taxonomy *t, uint32_t taxon, struct casg_taxon_info *out)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_taxonomy_info(t, taxon, out, &err))
		casg_die_err(&err);
}

static void add_field(struct diff *d, const struct casg_taxstr *s)
{
	casg_buf_addch(&d->line, '\t');
	casg_stream_field(&d->line, s->p, s->n, nul_ends);
}

/* The id of a taxon of the second version, key form: fit for lists. */
static void add_key(struct diff *d, uint32_t taxon)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxon_info i;

	if (taxon == CASG_TAXON_NONE) {
		casg_buf_addch(&d->line, '-');
		return;
	}
	info_of(d->b.t, taxon, &i);
	if (casg_taxid_to_key(&d->line, i.id.p, i.id.n, &err))
		casg_die_err(&err);
}

static void find_heirs(struct diff *d, const struct casg_taxdelta *x)
{
	struct casg_err err = CASG_ERR_INIT;

	d->heirs.n = 0;
	if ((x->kind == CASG_TAXCHANGE_SPLIT || x->kind == CASG_TAXCHANGE_DELETED) &&
	    casg_taxdiff_heirs(d->d, x->a, &d->heirs, &err))
		casg_die_err(&err);
}

static void add_heirs(struct diff *d, const struct casg_taxdelta *x)
{
	casg_buf_addch(&d->line, '\t');
	find_heirs(d, x);
	for (size_t i = 0; i < d->heirs.n; i++) {
		casg_buf_addf(&d->line, "%s%" PRIu64 ":", i ? "," : "", d->heirs.v[i].nleaves);
		add_key(d, d->heirs.v[i].taxon);
	}
	if (x->kind == CASG_TAXCHANGE_MERGED)
		add_key(d, x->into);
	else if (!d->heirs.n)
		casg_buf_addch(&d->line, '-');
}

/* What else holds of it. */
static void add_flags(struct diff *d, const struct casg_taxdelta *x)
{
	static const struct { unsigned int flag; int kind; const char *word; } words[] = {
		{ CASG_TAXDELTA_SPLIT, CASG_TAXCHANGE_SPLIT, "split" },
		{ CASG_TAXDELTA_MOVED, CASG_TAXCHANGE_MOVED, "moved" },
		{ CASG_TAXDELTA_RENAMED, CASG_TAXCHANGE_RENAMED, "renamed" },
		{ CASG_TAXDELTA_RANK, CASG_TAXCHANGE_RANK, "rank" },
		{ CASG_TAXDELTA_DETAILS, -1, "details" },
		{ CASG_TAXDELTA_REUSED, -1, "reused" },
	};
	int any = 0;

	casg_buf_addch(&d->line, '\t');
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if ((x->flags & words[i].flag) && x->kind != words[i].kind)
			casg_buf_addf(&d->line, "%s%s", any++ ? "," : "", words[i].word);
	if (x->kind == CASG_TAXCHANGE_SPLIT && x->b == CASG_TAXON_NONE)
		casg_buf_addf(&d->line, "%s%s", any++ ? "," : "", "deleted");
	if (!any)
		casg_buf_addch(&d->line, '-');
}

static void add_delta(struct diff *d, const struct casg_taxdelta *x)
{
	static const struct casg_taxstr none = { "-", 1 };
	struct casg_taxon_info a = { .id = none, .name = none, .rank = none }, b = a, pa = a, pb = a;

	if (x->a != CASG_TAXON_NONE) {
		info_of(d->a.t, x->a, &a);
		info_of(d->a.t, a.parent, &pa);
	}
	if (x->b != CASG_TAXON_NONE) {
		info_of(d->b.t, x->b, &b);
		info_of(d->b.t, b.parent, &pb);
	}
	casg_buf_addstr(&d->line, casg_taxchange_name((enum casg_taxchange)x->kind));
	add_field(d, x->b != CASG_TAXON_NONE ? &b.id : &a.id);
	add_flags(d, x);
	add_field(d, &a.name);
	add_field(d, &b.name);
	add_field(d, &a.rank);
	add_field(d, &b.rank);
	add_field(d, &pa.id);
	add_field(d, &pb.id);
	add_heirs(d, x);
	casg_buf_addch(&d->line, nul_ends ? '\0' : '\n');
}

static void put(struct diff *d)
{
	if (d->line.failed)
		casg_die("out of memory");
	casg_out(d->line.data, d->line.len);
	casg_buf_reset(&d->line);
}

static void print_lines(struct diff *d)
{
	for (size_t i = 0; i < casg_taxdiff_n(d->d); i++) {
		const struct casg_taxdelta *x = casg_taxdiff_get(d->d, i);

		if (x->kind == CASG_TAXCHANGE_UNCHANGED || !d->shown[x->kind])
			continue;
		add_delta(d, x);
		put(d);
	}
}

/* ---- totals ------------------------------------------------------------- */

static void print_stat(struct diff *d)
{
	static const unsigned int flags[CASG_NTAXCHANGES] = {
		[CASG_TAXCHANGE_SPLIT] = CASG_TAXDELTA_SPLIT,
		[CASG_TAXCHANGE_MOVED] = CASG_TAXDELTA_MOVED,
		[CASG_TAXCHANGE_RENAMED] = CASG_TAXDELTA_RENAMED,
		[CASG_TAXCHANGE_RANK] = CASG_TAXDELTA_RANK,
	};
	uint64_t sum = casg_taxdiff_count(d->d, CASG_TAXCHANGE_UNCHANGED);
	uint64_t details = casg_taxdiff_flagged(d->d, CASG_TAXDELTA_DETAILS);

	for (int i = 0; i < CASG_NTAXCHANGES; i++) {
		int k = order[i];
		uint64_t n = casg_taxdiff_count(d->d, k);
		uint64_t all = flags[k] ? casg_taxdiff_flagged(d->d, flags[k]) : n;

		sum += n;
		if (!n && !all)
			continue;
		casg_buf_addf(&d->line, " %12s | %10" PRIu64, casg_taxchange_name(order[i]), n);
		if (all != n)
			casg_buf_addf(&d->line, "  (%" PRIu64 " with those above)", all);
		casg_buf_addch(&d->line, '\n');
	}
	casg_buf_addf(&d->line, " %12s | %10" PRIu64 "\n", "unchanged",
		      casg_taxdiff_count(d->d, CASG_TAXCHANGE_UNCHANGED));
	casg_buf_addf(&d->line, " %" PRIu64 " taxa in either, %" PRIu32 " now, %" PRIu32
		      " before; %" PRIu64 " with other names or columns\n", sum,
		      casg_taxonomy_count(d->b.t), casg_taxonomy_count(d->a.t), details);
	put(d);
}

static void print_changes(struct diff *d)
{
	/* in the order in which VERSION has them */
	for (int k = 0; k < CASG_NTAXCHANGES; k++)
		if (casg_taxdiff_count(d->d, k))
			casg_buf_addf(&d->line, "%s %" PRIu64 "\n",
				      casg_taxchange_name((enum casg_taxchange)k),
				      casg_taxdiff_count(d->d, k));
	put(d);
}

static void print_end(struct diff *d, const char *word, const struct end *e)
{
	char when[CASG_TIME_SIZE];

	casg_buf_addf(&d->line, "%s ", word);
	casg_oid_addhex(&d->line, &e->id);
	casg_buf_addf(&d->line, " %s", casg_time_format(e->version.sequence_time, when));
	if (e->version.release)
		casg_buf_addf(&d->line, " %s", e->version.release);
	casg_buf_addch(&d->line, '\n');
}

static void add_named(struct diff *d, const struct casg_taxonomy *t, uint32_t taxon)
{
	struct casg_taxon_info i;

	if (taxon == CASG_TAXON_NONE) {
		casg_buf_addstr(&d->line, "none of that rank");
		return;
	}
	info_of(t, taxon, &i);
	casg_stream_field(&d->line, i.id.p, i.id.n, nul_ends);
	if (i.id.n != i.name.n || memcmp(i.id.p, i.name.p, i.id.n)) {
		casg_buf_addch(&d->line, ' ');
		casg_stream_field(&d->line, i.name.p, i.name.n, nul_ends);
	}
	if (i.rank.n)
		casg_buf_addf(&d->line, " (%.*s)", (int)i.rank.n, i.rank.p);
}

static void print_split(struct diff *d, const struct casg_taxdelta *x)
{
	casg_buf_addstr(&d->line, x->b == CASG_TAXON_NONE ? "split and gone: " : "split: ");
	add_named(d, d->a.t, x->a);
	find_heirs(d, x);
	casg_buf_addf(&d->line, ", %" PRIu64 " leaf taxa", d->heirs.nleaves + d->heirs.ngone);
	if (d->heirs.ngone)
		casg_buf_addf(&d->line, ", %" PRIu64 " of them gone", d->heirs.ngone);
	casg_buf_addch(&d->line, '\n');
	for (size_t i = 0; i < d->heirs.n; i++) {
		const struct casg_heir *h = &d->heirs.v[i];

		casg_buf_addf(&d->line, "%8.2f %% %8" PRIu64 "  ",
			      100.0 * (double)h->nleaves / (double)d->heirs.nleaves, h->nleaves);
		add_named(d, d->b.t, h->taxon);
		casg_buf_addch(&d->line, '\n');
	}
}

static void print_summary(struct diff *d)
{
	print_end(d, "from", &d->a);
	print_end(d, "to", &d->b);
	for (size_t i = 0; i < casg_taxdiff_n(d->d); i++) {
		const struct casg_taxdelta *x = casg_taxdiff_get(d->d, i);

		if (x->kind == CASG_TAXCHANGE_MERGED) {
			casg_buf_addstr(&d->line, "merged: ");
			add_named(d, d->a.t, x->a);
			casg_buf_addstr(&d->line, " into ");
			add_named(d, d->b.t, x->into);
			casg_buf_addch(&d->line, '\n');
		} else if (x->kind == CASG_TAXCHANGE_SPLIT) {
			print_split(d, x);
		}
		put(d);
	}
	put(d);
}

/* ---- all of it ---------------------------------------------------------- */

static void open_end(struct diff *d, struct end *e, const char *spec)
{
	e->t = casg_cli_taxonomy(&d->w.repo, spec, &e->version, &e->id);
	e->side = (struct casg_taxside){ e->t, e->version.records };
}

/* A VERSION as a file. */
static void open_file(struct diff *d, struct end *e, const char *path)
{
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	casg_version_init(&e->version);
	casg_cli_slurp(path, CASG_VERSION_MAX_BYTES, &text);
	if (casg_version_decode(&e->version, text.data, text.len, &err) ||
	    casg_version_id(text.data, text.len, &e->id, &err)) {
		casg_err_prefix(&err, "'%s'", path);
		casg_die_err(&err);
	}
	e->t = casg_cli_taxonomy_open(&d->w.repo, &e->version, path);
	e->side = (struct casg_taxside){ e->t, e->version.records };
	casg_buf_release(&text);
}

static void print_changelog(struct diff *d)
{
	char before[CASG_TIME_SIZE], now[CASG_TIME_SIZE];
	const struct casg_taxside sides[] = { d->a.side, d->b.side };
	const char *const labels[] = { before, now };
	const struct casg_taxlog_opts o = {
		.store = d->w.store, .coder = casg_work_coder(&d->w), .pool = d->w.pool,
		.tmp_dir = d->w.repo.tmp_dir, .memory_nbytes = d->w.settings.memory / 2,
		.versions = sides, .labels = labels, .nversions = 2, .since_first = 1,
	};
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxlog *l;
	int rc;

	casg_taxlog_label(d->a.version.sequence_time, before);
	casg_taxlog_label(d->b.version.sequence_time, now);
	l = casg_taxlog_open(&o, &err);
	if (!l)
		casg_die_err(&err);
	while ((rc = casg_taxlog_next_csv(l, &d->line, &err)) > 0)
		put(d);
	if (rc < 0)
		casg_die_err(&err);
	put(d);
	casg_taxlog_free(l);
}

static void compare(struct diff *d)
{
	struct casg_err err = CASG_ERR_INIT;

	casg_trace_enter("compare");
	d->d = casg_taxdiff_open(d->w.store, casg_work_coder(&d->w), &d->a.side, &d->b.side, &err);
	if (!d->d)
		casg_die_err(&err);
	casg_trace_leave("compare");
	casg_trace_count("nodes", casg_taxdiff_nodes_read(d->d));
	if (d->lines)
		print_lines(d);
	if (show_stat)
		print_stat(d);
	if (summary)
		print_summary(d);
	if (changes)
		print_changes(d);
	casg_taxdiff_free(d->d);
}

static void close_end(struct end *e)
{
	casg_taxonomy_close(e->t);
	casg_version_release(&e->version);
}

static int run(int argc, char **argv)
{
	struct diff d = { 0 };
	int differ;

	if (!after != (argc == 2))
		casg_usage_die("two taxonomies, or one and --after");
	read_classes(&d);
	choose_format(&d);
	casg_work_open_reader(&d.w, threads, memory, (uint64_t)24 << 20);
	open_end(&d, &d.a, argv[0]);
	if (after)
		open_file(&d, &d.b, after);
	else
		open_end(&d, &d.b, argv[1]);
	casg_out_much();
	if (d.changelog)
		print_changelog(&d);
	else
		compare(&d);
	casg_out_flush();
	differ = !casg_oid_eq(&d.a.side.root, &d.b.side.root);
	close_end(&d.a);
	close_end(&d.b);
	free(d.heirs.v);
	casg_buf_release(&d.line);
	casg_work_close(&d.w);
	return exit_code && differ ? CASG_EXIT_NO : CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-diff-taxonomy", usage, opts, 1, 2, run };
