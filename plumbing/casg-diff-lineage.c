/* casg-diff-lineage - which records are classified otherwise in another taxonomy */
#include <inttypes.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clitaxa.h"
#include "cliwork.h"
#include "records.h"
#include "stream.h"
#include "treer.h"

static const char *threads, *memory, *taxon_from;
static int nul_ends, show_stat, quiet, exit_code;

static const char *const usage[] = {
	"[-z] [--stat] [--exit-code] [-q] [--taxon-from=LIST] [--threads=N] [--memory=SIZE] [REV:]taxonomy/NAME [REV:]taxonomy/NAME [[REV:]DATABASE [[REV:]DATABASE]]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "end lines with NUL and quote nothing" },
	{ CASG_OPT_FLAG, 0, "stat", NULL, &show_stat, "count the records of each class instead" },
	{ CASG_OPT_FLAG, 0, "exit-code", NULL, &exit_code, "exit with 1 if there are differences" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "print nothing; implies --exit-code" },
	{ CASG_OPT_STR, 0, "taxon-from", "LIST", &taxon_from,
	  "where taxa of records are from (default: casg.taxonFrom)" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

/* The first that one of its taxa fits is the class of a record. */
enum class { ADDED, WITHDRAWN, GONE, FOUND, MOVED, RENAMED, RANK, SAME, WITHOUT, NCLASSES };

static const char *const names[NCLASSES] = {
	[ADDED] = "added", [WITHDRAWN] = "withdrawn", [GONE] = "gone", [FOUND] = "found", [MOVED] = "moved", [RENAMED] = "renamed",
	[RANK] = "rank", [SAME] = "same", [WITHOUT] = "without",
};

struct diff {
	struct casg_work w;
	struct casg_taxonomy *t[2];
	struct casg_cli_taxon tax[2];
	struct casg_cli_taxa taxa[2];
	struct casg_buf ids[2], line;
	uint64_t counts[NCLASSES], nrecords;
};

static int same(const struct casg_taxstr *a, const struct casg_taxstr *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->p, b->p, a->n));
}

static void info_of(const struct diff *d, int side, uint32_t taxon, struct casg_taxon_info *out)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_taxonomy_info(d->t[side], taxon, out, &err))
		casg_die_err(&err);
}

static uint32_t find(const struct diff *d, int side, const char *id)
{
	struct casg_err err = CASG_ERR_INIT;
	uint32_t taxon;

	if (casg_taxonomy_find(d->t[side], id, strlen(id), &taxon, &err) < 0)
		casg_die_err(&err);
	return taxon;
}

static size_t lineage(const struct diff *d, int side, uint32_t taxon,
		      uint32_t line[CASG_LINEAGE_MAX])
{
	struct casg_err err = CASG_ERR_INIT;
	size_t n;

	if (casg_taxonomy_lineage(d->t[side], taxon, line, &n, &err))
		casg_die_err(&err);
	return n;
}

static enum class compare(const struct diff *d, uint32_t a, uint32_t b)
{
	uint32_t x[CASG_LINEAGE_MAX], y[CASG_LINEAGE_MAX];
	int renamed = 0, reranked = 0;
	size_t n;

	if (a == CASG_TAXON_NONE || b == CASG_TAXON_NONE)
		return a != b ? b == CASG_TAXON_NONE ? GONE : FOUND : WITHOUT;
	n = lineage(d, 0, a, x);
	if (n != lineage(d, 1, b, y))
		return MOVED;
	for (size_t i = 0; i < n; i++) {
		struct casg_taxon_info p, q;

		info_of(d, 0, x[i], &p);
		info_of(d, 1, y[i], &q);
		if (!same(&p.id, &q.id))
			return MOVED;
		renamed |= !same(&p.name, &q.name);
		reranked |= !same(&p.rank, &q.rank);
	}
	return renamed ? RENAMED : reranked ? RANK : SAME;
}

static void add_lineage(struct diff *d, int side, uint32_t taxon)
{
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	casg_buf_addch(&d->line, '\t');
	if (taxon == CASG_TAXON_NONE) {
		casg_buf_addch(&d->line, '-');
		return;
	}
	if (casg_taxonomy_lineage_text(d->t[side], taxon, ";", &text, &err) ||
	    casg_buf_check(&text, &err))
		casg_die_err(&err);
	casg_stream_field(&d->line, (char *)text.data, text.len, nul_ends);
	casg_buf_release(&text);
}

static void print_change(struct diff *d, const struct casg_entry *r, enum class c,
			 const char *id, uint32_t a, uint32_t b)
{
	if (show_stat || quiet)
		return;
	casg_buf_reset(&d->line);
	casg_buf_addf(&d->line, "%s\t", names[c]);
	casg_stream_key(&d->line, r->key, r->klen, nul_ends);
	casg_buf_addch(&d->line, '\t');
	casg_stream_field(&d->line, id, strlen(id), nul_ends);
	add_lineage(d, 0, a);
	add_lineage(d, 1, b);
	casg_buf_addch(&d->line, nul_ends ? '\0' : '\n');
	if (d->line.failed)
		casg_die("out of memory");
	casg_out(d->line.data, d->line.len);
}

/* The taxa of the record, by what one side says; NULL: it has none such. */
static void find_ids(struct diff *d, int side, const struct casg_entry *r)
{
	struct casg_err err = CASG_ERR_INIT;

	casg_buf_reset(&d->ids[side]);
	if (r && d->taxa[side].o.source.fn(casg_cli_taxa_ctx(&d->taxa[side]), r->key, r->klen,
				      r->desc, r->dlen, &d->ids[side], &err))
		casg_die_err(&err);
}

/* The next id from *at on that the other side has too, or has not; NULL: there is none. */
static const char *next_id(const struct diff *d, int side, size_t *at, int both)
{
	const struct casg_buf *of = &d->ids[side], *other = &d->ids[!side];

	while (*at < of->len) {
		const char *id = (const char *)of->data + *at;
		size_t n = strlen(id) + 1, i = 0;

		*at += n;
		while (i < other->len && strcmp((const char *)other->data + i, id))
			i += strlen((const char *)other->data + i) + 1;
		if ((i < other->len) == both)
			return id;
	}
	return NULL;
}

/* 'whole': the class of a record that one side alone has, or NCLASSES */
static void take_pair(struct diff *d, const struct casg_entry *r, const char *x,
		      const char *y, enum class whole, enum class *first)
{
	uint32_t a = x ? find(d, 0, x) : CASG_TAXON_NONE;
	uint32_t b = y ? find(d, 1, y) : CASG_TAXON_NONE;
	enum class c = whole < NCLASSES ? whole : compare(d, a, b);

	if (c < *first)
		*first = c;
	if (c < SAME)
		print_change(d, r, c, y ? y : x, a, b);
}

/*
 * A record in both versions of the sequences, or in one (the other is NULL).
 * Ids that one side alone gives are taken in pairs, one of each, in their order.
 */
static void take(struct diff *d, const struct casg_entry *before, const struct casg_entry *now)
{
	enum class whole = !before ? ADDED : !now ? WITHDRAWN : NCLASSES, first = WITHOUT;
	const struct casg_entry *r = now ? now : before;
	size_t at = 0, old = 0, new = 0;
	const char *x, *y;

	find_ids(d, 0, before);
	find_ids(d, 1, now);
	while ((x = next_id(d, 1, &at, 1)))
		take_pair(d, r, x, x, whole, &first);
	for (;;) {
		x = next_id(d, 0, &old, 0);
		y = next_id(d, 1, &new, 0);
		if (!x && !y)
			break;
		take_pair(d, r, x, y, whole, &first);
	}
	if (whole < first) {
		/* it has no taxon */
		print_change(d, r, whole, "-", CASG_TAXON_NONE, CASG_TAXON_NONE);
		first = whole;
	}
	d->counts[first]++;
	d->nrecords++;
}

static void print_stat(struct diff *d)
{
	casg_buf_reset(&d->line);
	for (int c = 0; c < NCLASSES; c++)
		if (d->counts[c])
			casg_buf_addf(&d->line, " %12s | %10" PRIu64 "\n", names[c], d->counts[c]);
	casg_buf_addf(&d->line, " %" PRIu64 " records\n", d->nrecords);
	if (d->line.failed)
		casg_die("out of memory");
	casg_out(d->line.data, d->line.len);
}

/* ---- which records ------------------------------------------------------- */

/* All of one version, in the order of the file. */
static void take_all(struct diff *d, const struct casg_roots *roots)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_records *rs = casg_records_open(d->w.store, casg_work_coder(&d->w),
						    d->w.pool, d->w.repo.tmp_dir, roots,
						    (uint64_t)32 << 20, &err);
	struct casg_record r;
	int rc;

	if (!rs)
		casg_die_err(&err);
	while ((rc = casg_records_next(rs, &r, &err)) > 0) {
		const struct casg_entry e = {
			.key = r.key, .klen = r.klen, .desc = r.desc, .dlen = r.dlen
		};

		take(d, &e, &e);
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_records_free(rs);
}

struct side {
	struct casg_treer *tree;
	struct casg_entry e;
	int more;
};

static void next(struct side *s)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_loc loc;

	s->more = casg_treer_next(s->tree, &s->e, &loc, &err);
	if (s->more < 0)
		casg_die_err(&err);
}

/* Those of two versions, in the order of the keys. */
static void take_both(struct diff *d, const struct casg_version *v)
{
	struct casg_err err = CASG_ERR_INIT;
	struct side s[2];

	for (int i = 0; i < 2; i++) {
		s[i].tree = casg_treer_open(d->w.store, casg_work_coder(&d->w), &v[i].records, &err);
		if (!s[i].tree)
			casg_die_err(&err);
		next(&s[i]);
	}
	while (s[0].more || s[1].more) {
		int c = !s[0].more ? 1 : !s[1].more ? -1 :
			casg_key_cmp(s[0].e.key, s[0].e.klen, s[0].e.occurrence,
				     s[1].e.key, s[1].e.klen, s[1].e.occurrence);

		take(d, c > 0 ? NULL : &s[0].e, c < 0 ? NULL : &s[1].e);
		if (c <= 0)
			next(&s[0]);
		if (c >= 0)
			next(&s[1]);
	}
	for (int i = 0; i < 2; i++)
		casg_treer_free(s[i].tree);
}

static int differs(const struct diff *d)
{
	for (int c = 0; c < SAME; c++)
		if (d->counts[c])
			return 1;
	return 0;
}

static int run(int argc, char **argv)
{
	struct casg_version version[2];
	struct casg_roots roots[2];
	struct diff d = { 0 };
	int nversions = argc > 3 ? 2 : 1, rc;

	casg_work_open_reader(&d.w, threads, memory, (uint64_t)24 << 20);
	for (int i = 0; i < nversions; i++)
		casg_work_version(&d.w, argc > 2 ? argv[2 + i] : "", &version[i], &roots[i]);
	for (int i = 0; i < 2; i++) {
		casg_cli_taxon_begin(&d.tax[i], &d.w, argv[i], taxon_from);
		d.t[i] = d.tax[i].taxonomy;
		casg_cli_taxa_init(&d.taxa[i], &d.w, &roots[i % nversions], 0);
		casg_cli_taxa_from(&d.taxa[i], &d.w, &d.tax[i]);
	}
	casg_out_much();
	if (nversions == 2)
		take_both(&d, version);
	else
		take_all(&d, &roots[0]);
	if (show_stat && !quiet)
		print_stat(&d);
	casg_out_flush();
	for (int i = 0; i < 2; i++) {
		casg_cli_taxa_release(&d.taxa[i]);
		casg_cli_taxon_close(&d.tax[i]);
		casg_buf_release(&d.ids[i]);
	}
	casg_buf_release(&d.line);
	for (int i = 0; i < nversions; i++)
		casg_version_release(&version[i]);
	rc = (exit_code || quiet) && differs(&d) ? CASG_EXIT_NO : CASG_EXIT_YES;
	casg_work_close(&d.w);
	return rc;
}

const struct casg_cmd casg_cmd = { "casg-diff-lineage", usage, opts, 2, 4, run };
