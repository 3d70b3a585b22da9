/* casg-log-taxonomy - what became of each taxon over the versions of a taxonomy */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "annals.h"
#include "array.h"
#include "buf.h"
#include "cli.h"
#include "clitaxonomy.h"
#include "cliwork.h"
#include "oidset.h"
#include "stream.h"
#include "taxlog.h"

static const char *threads, *memory, *rank;
static uint64_t more_than = UINT64_MAX;
static int nul_ends, count;

static const char *const usage[] = {
	"[--threads=N] [--memory=SIZE] [REV:][taxonomy/]NAME",
	"--changed-more-than=N [--rank=RANK] [--count] [-z] [--threads=N] [--memory=SIZE] "
	"[REV:][taxonomy/]NAME",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_U64, 0, "changed-more-than", "N", &more_than,
	  "list the taxa that were classified otherwise than before more than N times" },
	{ CASG_OPT_STR, 0, "rank", "RANK", &rank, "by their taxon of this rank, not their lineage" },
	{ CASG_OPT_FLAG, 0, "count", NULL, &count, "print their number alone" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "end lines with NUL and quote nothing" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

struct found {
	char commit[CASG_GITID_SIZE];
	int64_t time;
	size_t number;             /* in history, parents first */
};

struct history {
	struct casg_work w;
	struct casg_buf rev, database;
	struct casg_oidset seen;
	struct found *v;
	size_t n, cap;
	struct casg_taxside *sides;
	char (*labels)[CASG_TIME_SIZE];
	const char **label;
	struct casg_buf line;
};

/* ---- the versions ------------------------------------------------------- */

static int take_version(void *ctx, const struct casg_annal *a, struct casg_err *err)
{
	struct history *h = ctx;
	int rc;

	if (!a->version)
		return 0;
	rc = casg_oidset_add(&h->seen, &a->id, err);
	if (rc <= 0)
		return rc;
	if (CASG_GROW(h->v, h->n + 1, h->cap))
		return casg_err_nomem(err);
	strcpy(h->v[h->n].commit, a->commit);
	h->v[h->n].time = a->version->sequence_time;
	h->v[h->n].number = h->n;
	h->n++;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static void list_versions(struct history *h, const char *spec)
{
	struct casg_annals_query q = { 0 };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf full = CASG_BUF_INIT;
	struct casg_annals_stats stats;
	struct casg_refs *refs;

	casg_cli_taxonomy_spec(&h->w.repo, spec, &full);
	if (casg_spec_split(casg_buf_cstr(&full), &h->rev, &h->database, &err) ||
	    casg_refs_open(&refs, &h->w.repo, &err))
		casg_die_err(&err);
	q.rev = casg_buf_cstr(&h->rev);
	q.database = casg_buf_cstr(&h->database);
	if (casg_annals(refs, h->w.store, casg_work_coder(&h->w), &q, take_version, h, &stats,
			&err))
		casg_die_err(&err);
	if (!h->n)
		casg_die("there is no taxonomy '%s' in the history of '%s'",
			 q.database + strlen("taxonomy/"), q.rev);
	qsort(h->v, h->n, sizeof(*h->v), by_time);
	casg_refs_free(refs);
	casg_buf_release(&full);
}

static void open_versions(struct history *h)
{
	struct casg_buf spec = CASG_BUF_INIT;

	h->sides = calloc(h->n, sizeof(*h->sides));
	h->labels = calloc(h->n, sizeof(*h->labels));
	h->label = calloc(h->n, sizeof(*h->label));
	if (!h->sides || !h->labels || !h->label)
		casg_die("out of memory");
	for (size_t i = 0; i < h->n; i++) {
		struct casg_version v;

		casg_buf_reset(&spec);
		casg_buf_addf(&spec, "%s:%s", h->v[i].commit, casg_buf_cstr(&h->database));
		h->sides[i].t = casg_cli_taxonomy(&h->w.repo, casg_buf_cstr(&spec), &v, NULL);
		h->sides[i].root = v.records;
		casg_version_release(&v);
		casg_taxlog_label(h->v[i].time, h->labels[i]);
		h->label[i] = h->labels[i];
	}
	casg_buf_release(&spec);
}

/* ---- what is printed ---------------------------------------------------- */

static void put(struct history *h)
{
	if (h->line.failed)
		casg_die("out of memory");
	casg_out(h->line.data, h->line.len);
	casg_buf_reset(&h->line);
}

static void print_rows(struct history *h, struct casg_taxlog *l)
{
	struct casg_err err = CASG_ERR_INIT;
	int rc;

	while ((rc = casg_taxlog_next_csv(l, &h->line, &err)) > 0)
		put(h);
	if (rc < 0)
		casg_die_err(&err);
	put(h);
}

static void info_of(const struct history *h, uint32_t version, uint32_t taxon,
		    struct casg_taxon_info *out)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_taxonomy_info(h->sides[version].t, taxon, out, &err))
		casg_die_err(&err);
}

/* What it was classified as: a taxon of that rank, or the one above it. */
static void add_class(struct history *h, const struct casg_taxpoint *p)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxon_info i;
	uint32_t taxon = p->taxon;

	info_of(h, p->version, taxon, &i);
	if (!rank)
		info_of(h, p->version, i.parent, &i);
	else if (casg_taxonomy_at_rank(h->sides[p->version].t, p->taxon, rank, &taxon, &err))
		casg_die_err(&err);
	else if (taxon != CASG_TAXON_NONE)
		info_of(h, p->version, taxon, &i);
	casg_buf_addf(&h->line, "%s=", h->label[p->version]);
	if (taxon == CASG_TAXON_NONE)
		casg_buf_addch(&h->line, '-');
	else if (casg_taxid_to_key(&h->line, i.id.p, i.id.n, &err))
		casg_die_err(&err);
}

static void print_life(struct history *h, const struct casg_taxlife *life)
{
	struct casg_taxon_info i;

	info_of(h, life->last.version, life->last.taxon, &i);
	casg_stream_field(&h->line, life->id, life->n, nul_ends);
	casg_buf_addf(&h->line, "\t%zu\t", life->nat - 1);
	casg_stream_field(&h->line, i.name.p, i.name.n, nul_ends);
	casg_buf_addch(&h->line, '\t');
	casg_stream_field(&h->line, i.rank.p, i.rank.n, nul_ends);
	casg_buf_addch(&h->line, '\t');
	for (size_t k = 0; k < life->nat; k++) {
		if (k)
			casg_buf_addch(&h->line, ',');
		add_class(h, &life->at[k]);
	}
	casg_buf_addch(&h->line, nul_ends ? '\0' : '\n');
	put(h);
}

static void print_lives(struct history *h, struct casg_taxlog *l)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxlife life = { 0 };
	uint64_t n = 0;
	int rc;

	while ((rc = casg_taxlog_next_life(l, rank, &life, &err)) > 0) {
		if (!life.nat || life.nat - 1 <= more_than)
			continue;
		n++;
		if (!count)
			print_life(h, &life);
	}
	if (rc < 0)
		casg_die_err(&err);
	if (count)
		casg_buf_addf(&h->line, "%" PRIu64 "\n", n);
	put(h);
	free(life.at);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxlog_opts o = { 0 };
	struct history h = { 0 };
	struct casg_taxlog *l;
	int lives = more_than != UINT64_MAX;

	if (!lives && (rank || count || nul_ends))
		casg_usage_die("--rank, --count and -z go with --changed-more-than");
	casg_work_open_reader(&h.w, threads, memory, (uint64_t)24 << 20);
	list_versions(&h, argc ? argv[0] : "");
	open_versions(&h);
	o.store = h.w.store;
	o.coder = casg_work_coder(&h.w);
	o.pool = h.w.pool;
	o.tmp_dir = h.w.repo.tmp_dir;
	o.memory_nbytes = h.w.settings.memory / 2;
	o.versions = h.sides;
	o.labels = h.label;
	o.nversions = h.n;
	l = casg_taxlog_open(&o, &err);
	if (!l)
		casg_die_err(&err);
	casg_out_much();
	if (lives)
		print_lives(&h, l);
	else
		print_rows(&h, l);
	casg_out_flush();
	casg_taxlog_free(l);
	for (size_t i = 0; i < h.n; i++)
		casg_taxonomy_close((struct casg_taxonomy *)(uintptr_t)h.sides[i].t);
	casg_oidset_release(&h.seen);
	free(h.v);
	free(h.sides);
	free(h.labels);
	free(h.label);
	casg_buf_release(&h.rev);
	casg_buf_release(&h.database);
	casg_buf_release(&h.line);
	casg_work_close(&h.w);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-log-taxonomy", usage, opts, 0, 1, run };
