/* casg-diff-tree - compare two versions by record and by cause */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "changefmt.h"
#include "cli.h"
#include "clirepo.h"
#include "clitrace.h"
#include "cliwork.h"
#include "exporter.h"
#include "recdiff.h"
#include "stream.h"

static const char *threads, *memory, *database, *format, *filter;
static int nul_ends, raw, name_status, name_only, fasta, show_stat, numstat, summary;
static int reverse, root, exit_code, quiet;

static const char *const usage[] = {
	"[-z] [-R] [--raw | --name-status | --name-only | --format=FORMAT | --fasta] "
	"[--stat] [--numstat] [--summary] [--diff-filter=LETTERS] [--exit-code] [--quiet] "
	"[--root] [--database=NAME] [--threads=N] [--memory=SIZE] REV[:DATABASE] [REV[:DATABASE]]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "end lines with NUL and quote nothing" },
	{ CASG_OPT_FLAG, 'R', NULL, NULL, &reverse, "compare the other way round" },
	{ CASG_OPT_FLAG, 0, "raw", NULL, &raw, "a line a change, with all fields (default)" },
	{ CASG_OPT_FLAG, 0, "name-status", NULL, &name_status, "letter and key" },
	{ CASG_OPT_FLAG, 0, "name-only", NULL, &name_only, "key alone" },
	{ CASG_OPT_STR, 0, "format", "FORMAT", &format,
	  "'record' for a record stream, or text with %(field) in it" },
	{ CASG_OPT_FLAG, 0, "fasta", NULL, &fasta,
	  "FASTA of the added records and of changed sequences" },
	{ CASG_OPT_FLAG, 0, "stat", NULL, &show_stat, "count the records of each class" },
	{ CASG_OPT_FLAG, 0, "numstat", NULL, &numstat, "the same for scripts" },
	{ CASG_OPT_FLAG, 0, "summary", NULL, &summary, "what changed as a whole" },
	{ CASG_OPT_STR, 0, "diff-filter", "LETTERS", &filter,
	  "only these classes (A, D, M, N, P, R, T); lower case: not these" },
	{ CASG_OPT_FLAG, 0, "exit-code", NULL, &exit_code, "exit with 1 if there are differences" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "print nothing; implies --exit-code" },
	{ CASG_OPT_FLAG, 0, "root", NULL, &root, "compare one version with nothing" },
	{ CASG_OPT_STR, 0, "database", "NAME", &database, "the database of a REV without one" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

/* One of the two versions; none: nothing to compare with. */
struct end {
	int none;
	struct casg_version version;
	struct casg_oid id;
	struct casg_roots roots;
};

struct diff {
	struct casg_work w;
	struct end a, b;
	struct casg_recdiff *d;
	struct casg_changefmt *fmt;
	struct casg_exporter *x;
	int records;               /* --format=record */
	int shown[CASG_NCLASSES];  /* by --diff-filter */
	struct casg_buf line, taxon;
};

/* ---- options ------------------------------------------------------------ */

static int class_of(char letter)
{
	for (int k = CASG_ADDED; k < CASG_NCLASSES; k++)
		if (casg_change_letter(k) == letter)
			return k;
	casg_usage_die("option '--diff-filter': no class has the letter '%c'", letter);
}

static void read_filter(struct diff *d)
{
	int only = 0;

	for (const char *p = filter ? filter : ""; *p; p++)
		only |= *p >= 'A' && *p <= 'Z';
	/* what must be searched again */
	for (int k = CASG_ADDED; k < CASG_NCLASSES; k++)
		d->shown[k] = filter ? !only
				     : !fasta || k == CASG_ADDED || k == CASG_SEQUENCE;
	for (const char *p = filter ? filter : ""; *p; p++) {
		int lower = *p >= 'a' && *p <= 'z';

		d->shown[class_of(lower ? (char)(*p - 'a' + 'A') : *p)] = !lower;
	}
}

static void choose_format(struct diff *d)
{
	struct casg_err err = CASG_ERR_INIT;
	int n = raw + name_status + name_only + fasta + (format != NULL);

	if (n > 1)
		casg_usage_die("only one of --raw, --name-status, --name-only, --format and --fasta");
	exit_code |= quiet;
	if (quiet) {
		fasta = show_stat = numstat = summary = 0;
		return;
	}
	if (!n)
		raw = !show_stat && !numstat && !summary;
	d->records = format && !strcmp(format, "record");
	if (d->records || fasta || !(raw || name_status || name_only || format))
		return;
	if (format && !strchr(format, '%'))
		casg_usage_die("option '--format' expects 'record' or text with %%(field), not '%s'",
			       format);
	/* name-status: an old key where it is another one, see print_line */
	d->fmt = casg_changefmt_new(raw ? CASG_CHANGEFMT_RAW : name_only ? "%(key)" :
				    name_status ? "%(status)%09%(key)" : format, &err);
	if (!d->fmt)
		casg_usage_die("%s", err.msg);
}

/* ---- the versions ------------------------------------------------------- */

static void resolve(struct diff *d, struct end *e, const char *rev, const char *suffix)
{
	struct casg_buf spec = CASG_BUF_INIT;
	const char *colon = strrchr(rev, ':');

	if (colon == rev)
		casg_buf_addstr(&spec, "HEAD");
	casg_buf_add(&spec, rev, colon ? (size_t)(colon - rev) : strlen(rev));
	casg_buf_addf(&spec, "%s:%s", suffix, colon ? colon + 1 : database ? database : "");
	casg_cli_resolve(&d->w.repo, casg_buf_cstr(&spec), &e->version, &e->id);
	casg_work_roots(&e->version, &e->roots);
	casg_buf_release(&spec);
}

static void find_versions(struct diff *d, int argc, char **argv)
{
	if (root && argc > 1)
		casg_usage_die("option '--root' goes with one version");
	casg_version_init(&d->a.version);
	d->a.none = root;
	if (argc > 1)
		resolve(d, &d->a, argv[0], "");
	else if (!root)
		resolve(d, &d->a, argv[0], "^1");
	resolve(d, &d->b, argv[argc - 1], "");
	if (reverse) {
		struct end e = d->a;

		d->a = d->b;
		d->b = e;
	}
}

/* By their ids alone: nothing is compared. */
static int ends_differ(const struct diff *d)
{
	const struct casg_roots *a = &d->a.roots, *b = &d->b.roots;

	return d->a.none || d->b.none || !casg_oid_eq(&a->records, &b->records) ||
	       !casg_oid_eq(&a->order, &b->order) ||
	       !casg_oid_eq(&a->presentation, &b->presentation);
}

/* ---- a line, or text, for each change ----------------------------------- */

static int write_text(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	(void)ctx;
	(void)err;
	casg_out(p, n);
	return 0;
}

/*
 * How the text of the second version is laid out, as far as that holds for a
 * part of it.
 */
static void part_facts(const struct diff *d, struct casg_facts *f)
{
	const struct casg_facts *of = casg_recdiff_facts(d->d, 1);

	casg_facts_init(f);
	f->width = of->width;
	f->crlf = of->crlf;
}

static void begin_lines(struct diff *d)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_facts f;

	part_facts(d, &f);
	if (fasta) {
		uint64_t most = (uint64_t)36 << 20, share = d->w.settings.memory / 8;

		d->x = casg_exporter_new(d->w.store, d->w.pool, d->w.coders, &f,
					 share < most ? share : most, write_text, NULL, &err);
		if (!d->x)
			casg_die_err(&err);
	} else if (d->records) {
		casg_facts_format(&d->line, &f);
		casg_buf_addch(&d->line, nul_ends ? '\0' : '\n');
		casg_out(d->line.data, d->line.len);
	}
	casg_facts_release(&f);
}

static int export_record(struct diff *d, const struct casg_recside *s, struct casg_err *err)
{
	const struct casg_export_record r = {
		.key = s->key, .klen = s->klen, .desc = s->desc, .dlen = s->dlen,
		.pres = s->pres, .plen = s->plen, .loc = s->loc,
		.want = &s->oid, .nresidues = s->length,
	};

	return casg_exporter_add(d->x, &r, err);
}

static int print_line(struct diff *d, const struct casg_change *c, struct casg_err *err)
{
	struct casg_rec r;
	int rc = 0;

	casg_buf_reset(&d->line);
	if (d->records) {
		if (!c->b)
			return 0;
		rc = casg_recside_rec(c->b, &r, &d->taxon, err);
		if (!rc && casg_rec_format(&d->line, &r, nul_ends))
			rc = casg_err_nomem(err);
	} else if (name_status && c->kind == CASG_ID) {
		casg_buf_addch(&d->line, casg_change_letter(c->kind));
		casg_buf_addch(&d->line, '\t');
		casg_stream_key(&d->line, c->a->key, c->a->klen, nul_ends);
		casg_buf_addch(&d->line, '\t');
		casg_stream_key(&d->line, c->b->key, c->b->klen, nul_ends);
		casg_buf_addch(&d->line, nul_ends ? '\0' : '\n');
		rc = casg_buf_check(&d->line, err);
	} else {
		rc = casg_changefmt_add(d->fmt, &d->line, c, nul_ends, err);
	}
	if (!rc)
		casg_out(d->line.data, d->line.len);
	return rc;
}

static void print_changes(struct diff *d)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_change c;
	int rc;

	begin_lines(d);
	while ((rc = casg_recdiff_next(d->d, &c, &err)) > 0) {
		if (!d->shown[c.kind])
			continue;
		if (!d->x)
			rc = print_line(d, &c, &err);
		else if (c.b)
			rc = export_record(d, c.b, &err);
		if (rc < 0)
			break;
	}
	if (!rc && d->x)
		rc = casg_exporter_finish(d->x, &err);
	if (rc < 0)
		casg_die_err(&err);
}

/* ---- totals ------------------------------------------------------------- */

static struct casg_change_count totals(const struct diff *d, int k)
{
	struct casg_change_count c = *casg_recdiff_count(d->d, k);

	if (k == CASG_UNCHANGED) {
		/* what the others leave of the whole */
		c.nresidues_a = d->a.version.residues;
		c.nresidues_b = d->b.version.residues;
		for (int i = CASG_ADDED; i < CASG_NCLASSES; i++) {
			c.nresidues_a -= casg_recdiff_count(d->d, i)->nresidues_a;
			c.nresidues_b -= casg_recdiff_count(d->d, i)->nresidues_b;
		}
	}
	return c;
}

static void print_numstat(struct diff *d)
{
	for (int k = 0; k < CASG_NCLASSES; k++) {
		struct casg_change_count c = totals(d, k);

		casg_buf_addf(&d->line, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%s\n", c.n,
			      c.nresidues_a, c.nresidues_b, casg_change_name(k));
	}
}

static void print_stat(struct diff *d)
{
	for (int k = CASG_ADDED; k <= CASG_NCLASSES; k++) {
		int kind = k % CASG_NCLASSES; /* unchanged comes last */
		struct casg_change_count c = totals(d, kind);

		if (!c.n && kind)
			continue;
		casg_buf_addf(&d->line, " %12s | %10" PRIu64, casg_change_name(kind), c.n);
		if (kind == CASG_ADDED || kind == CASG_SEQUENCE)
			casg_buf_addf(&d->line, "  +%" PRIu64, c.nresidues_b);
		if (kind == CASG_WITHDRAWN || kind == CASG_SEQUENCE)
			casg_buf_addf(&d->line, "  -%" PRIu64, c.nresidues_a);
		casg_buf_addch(&d->line, '\n');
	}
	casg_buf_addf(&d->line, " %" PRIu64 " records, %" PRIu64 " before\n", d->b.roots.count,
		      d->a.roots.count);
}

static void print_end(struct diff *d, const char *name, const struct end *e)
{
	char when[CASG_TIME_SIZE];

	if (e->none) {
		casg_buf_addf(&d->line, " %s nothing\n", name);
		return;
	}
	casg_buf_addf(&d->line, " %s ", name);
	casg_oid_addhex(&d->line, &e->id);
	casg_buf_addf(&d->line, " %s", casg_time_format(e->version.sequence_time, when));
	if (e->version.release)
		casg_buf_addf(&d->line, " %s", e->version.release);
	casg_buf_addch(&d->line, '\n');
}

static void print_facts(struct diff *d)
{
	const struct casg_facts *a = casg_recdiff_facts(d->d, 0);
	const struct casg_facts *b = casg_recdiff_facts(d->d, 1);

	if (d->a.none || d->b.none)
		return;
	if (a->width != b->width)
		casg_buf_addf(&d->line, " width %" PRIu64 " => %" PRIu64 "\n", a->width, b->width);
	if (a->crlf != b->crlf)
		casg_buf_addf(&d->line, " eol %s => %s\n", a->crlf ? "crlf" : "lf",
			      b->crlf ? "crlf" : "lf");
	if (a->final_newline != b->final_newline)
		casg_buf_addf(&d->line, " final-newline %s => %s\n",
			      a->final_newline ? "yes" : "no", b->final_newline ? "yes" : "no");
	if (a->prologue.len != b->prologue.len ||
	    (a->prologue.len && memcmp(a->prologue.data, b->prologue.data, a->prologue.len)))
		casg_buf_addstr(&d->line, " prologue changed\n");
}

/* With the same keys, another order object is another order. */
static int order_changed(const struct diff *d)
{
	return !d->a.none && !d->b.none && !casg_recdiff_count(d->d, CASG_ADDED)->n &&
	       !casg_recdiff_count(d->d, CASG_WITHDRAWN)->n &&
	       !casg_recdiff_count(d->d, CASG_ID)->n &&
	       !casg_oid_eq(&d->a.roots.order, &d->b.roots.order);
}

static void print_summary(struct diff *d)
{
	print_end(d, "from", &d->a);
	print_end(d, "to", &d->b);
	print_facts(d);
	if (order_changed(d))
		casg_buf_addstr(&d->line, " order changed\n");
}

static void print_totals(struct diff *d)
{
	casg_buf_reset(&d->line);
	if (numstat)
		print_numstat(d);
	if (show_stat)
		print_stat(d);
	if (summary)
		print_summary(d);
	if (d->line.failed)
		casg_die("out of memory");
	casg_out(d->line.data, d->line.len);
}

/* ---- all of it ---------------------------------------------------------- */

static void compare(struct diff *d)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_recdiff_opts o = {
		.store = d->w.store, .pool = d->w.pool, .coders = d->w.coders,
		.tmp_dir = d->w.repo.tmp_dir, .memory_nbytes = d->w.settings.memory / 2,
	};

	casg_trace_enter("compare");
	d->d = casg_recdiff_open(&o, d->a.none ? NULL : &d->a.roots,
				 d->b.none ? NULL : &d->b.roots, &err);
	if (!d->d)
		casg_die_err(&err);
	casg_trace_leave("compare");
	casg_trace_count("nodes", casg_recdiff_nodes_read(d->d));
}

/* With a filter, what passes it counts; else anything that two files differ in. */
static int differ(const struct diff *d)
{
	uint64_t n = 0;

	if (!filter)
		return ends_differ(d);
	for (int k = CASG_ADDED; k < CASG_NCLASSES; k++)
		n += d->shown[k] ? casg_recdiff_count(d->d, k)->n : 0;
	return n > 0;
}

static int run(int argc, char **argv)
{
	struct diff d = { 0 };
	int yes;

	read_filter(&d);
	choose_format(&d);
	casg_work_open(&d.w, threads, memory, (uint64_t)24 << 20);
	find_versions(&d, argc, argv);
	if (!quiet || filter)
		compare(&d);
	if (!quiet) {
		casg_out_much();
		if (fasta || d.records || d.fmt)
			print_changes(&d);
		print_totals(&d);
		casg_out_flush();
	}
	yes = exit_code && differ(&d);
	casg_changefmt_free(d.fmt);
	casg_exporter_free(d.x);
	casg_recdiff_free(d.d);
	casg_buf_release(&d.line);
	casg_buf_release(&d.taxon);
	casg_version_release(&d.a.version);
	casg_version_release(&d.b.version);
	casg_work_close(&d.w);
	return yes ? CASG_EXIT_NO : CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-diff-tree", usage, opts, 1, 2, run };
