/* casg-query-tree - the records that are asked for, as records, FASTA, tables or JSON */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clitaxa.h"
#include "cliwork.h"
#include "exporter.h"
#include "locinfo.h"
#include "queryfmt.h"
#include "recdiff.h"
#include "recquery.h"
#include "records.h"
#include "subset.h"
#include "taxclade.h"

static const char *threads, *memory, *taxonomy, *old_taxonomy, *taxon_from, *rank, *differs;
static const char *name_pattern, *key_pattern, *desc_pattern, *class_name, *since, *output, *format;
static struct casg_strs taxa, exclude;
static uint64_t min_length, max_length = UINT64_MAX, limit = UINT64_MAX;
static int nul_ends, regexp, count_only;

static const char *const usage[] = {
	"[-z] [--taxonomy=[REV:]NAME] [--old-taxonomy=[REV:]NAME] [--taxon-from=LIST] "
	"[--taxon=TAXON]... [--exclude=TAXON]... [--rank=RANK] [--name=PATTERN] [--key=PATTERN] "
	"[--description=PATTERN] [--regexp] [--min-length=N] [--max-length=N] [--differs=RANK] "
	"[--class=CLASS --since=[REV:]DATABASE] [--output=records|fasta|tsv|json] "
	"[--format=FORMAT] [--count] [--limit=N] [--threads=N] [--memory=SIZE] [[REV:]DATABASE]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "end lines with NUL and quote nothing" },
	{ CASG_OPT_STR, 0, "taxonomy", "[REV:]NAME", &taxonomy, "under this taxonomy" },
	{ CASG_OPT_STR, 0, "old-taxonomy", "[REV:]NAME", &old_taxonomy, "and beside it, this one" },
	{ CASG_OPT_STR, 0, "taxon-from", "LIST", &taxon_from,
	  "where taxa of records are from (default: casg.taxonFrom)" },
	{ CASG_OPT_LIST, 0, "taxon", "TAXON", &taxa,
	  "of this taxon or one below it, an id or a name; again for others" },
	{ CASG_OPT_LIST, 0, "exclude", "TAXON", &exclude, "not of this taxon nor one below it" },
	{ CASG_OPT_STR, 0, "rank", "RANK", &rank, "of a taxon that has this rank or lies below one" },
	{ CASG_OPT_STR, 0, "name", "PATTERN", &name_pattern,
	  "of a taxon with such a name, in either taxonomy" },
	{ CASG_OPT_STR, 0, "key", "PATTERN", &key_pattern, "with such a key" },
	{ CASG_OPT_STR, 0, "description", "PATTERN", &desc_pattern, "with such a description" },
	{ CASG_OPT_FLAG, 0, "regexp", NULL, &regexp,
	  "patterns are extended regular expressions, not globs" },
	{ CASG_OPT_U64, 0, "min-length", "N", &min_length, "of so many residues or more" },
	{ CASG_OPT_U64, 0, "max-length", "N", &max_length, "of so many residues or fewer" },
	{ CASG_OPT_STR, 0, "differs", "RANK", &differs,
	  "whose taxon of this rank is another one in the old taxonomy" },
	{ CASG_OPT_STR, 0, "class", "CLASS", &class_name, "with a change of this class" },
	{ CASG_OPT_STR, 0, "since", "[REV:]DATABASE", &since, "from this version on" },
	{ CASG_OPT_STR, 0, "output", "FORM", &output, "records (default), fasta, tsv or json" },
	{ CASG_OPT_STR, 0, "format", "FORMAT", &format,
	  "text with %(field) in it; with tsv and json its fields are the columns" },
	{ CASG_OPT_FLAG, 0, "count", NULL, &count_only, "print the number of records alone" },
	{ CASG_OPT_U64, 0, "limit", "N", &limit, "no more than N records" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

enum { WINDOW = 16384, WINDOW_NBYTES = 8 << 20 };

enum form { RECORDS, FASTA, TSV, JSON, TEXT };

/* A record that passes; strings as offsets into the window's text. */
struct waiting {
	struct casg_record r;
	struct casg_objinfo info;
	int known;                     /* info is */
};

struct query {
	struct casg_work w;
	struct casg_version version;
	struct casg_roots roots;
	struct casg_cli_taxon now, old; /* begun, if there is the taxonomy */
	struct casg_cli_taxa taxa, old_taxa;
	struct casg_recquery_side sides[2];
	struct casg_recquery *q;
	enum form form;
	struct casg_queryfmt *fmt;
	struct casg_exporter *x;
	int need_info, change_class;   /* 0: no class */
	struct waiting *v;
	struct casg_objinfo *info;
	struct casg_loc *locs;
	size_t n;
	struct casg_buf text, line, taxon;
	uint64_t found;
};

/* ---- options ------------------------------------------------------------ */

static void read_class(struct query *d)
{
	if (!class_name != !since)
		casg_usage_die("--class and --since go together");
	for (int k = CASG_ADDED; class_name && k < CASG_NCLASSES; k++)
		if (!strcmp(class_name, casg_change_name(k)))
			d->change_class = k;
	if (class_name && !d->change_class)
		casg_usage_die("option '--class': there is no class '%s'", class_name);
}

static enum form parse_form(void)
{
	static const char *const forms[] = { "records", "fasta", "tsv", "json" };

	for (int i = RECORDS; i <= JSON; i++)
		if (!strcmp(output, forms[i]))
			return (enum form)i;
	casg_usage_die("option '--output' expects records, fasta, tsv or json, not '%s'", output);
}

static void choose_form(struct query *d)
{
	struct casg_err err = CASG_ERR_INIT;
	const char *f = format;

	d->form = output ? parse_form() : format ? TEXT : RECORDS;
	if (format && (d->form == RECORDS || d->form == FASTA))
		casg_usage_die("--format does not go with --output=%s", output);
	if (count_only && (output || format))
		casg_usage_die("--count goes with no other output");
	if (!f)
		f = taxonomy ? "%(key)%(length)%(taxid)%(name)%(rank)%(lineage)"
			     : "%(key)%(length)%(taxon)%(description)";
	if (d->form == RECORDS || d->form == FASTA)
		return;
	d->fmt = casg_queryfmt_new(d->form == TSV ? CASG_QUERYFMT_TSV : d->form == JSON ?
				   CASG_QUERYFMT_JSON : CASG_QUERYFMT_TEXT, f, &err);
	if (!d->fmt)
		casg_usage_die("%s", err.msg);
	if (casg_queryfmt_needs_taxonomy(d->fmt) && !taxonomy)
		casg_usage_die("a field of the format needs --taxonomy");
	if (casg_queryfmt_needs_old(d->fmt) && !old_taxonomy)
		casg_usage_die("a field of the format needs --old-taxonomy");
}

static void check_pattern(const char *text)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_pattern *p = text ? casg_pattern_new(text, regexp, &err) : NULL;

	if (text && !p)
		casg_usage_die("%s", err.msg);
	casg_pattern_free(p);
}

static void check_usage(void)
{
	check_pattern(name_pattern);
	check_pattern(key_pattern);
	check_pattern(desc_pattern);
	if ((rank || name_pattern) && !taxonomy)
		casg_usage_die("--rank and --name need --taxonomy");
	if (differs && (!taxonomy || !old_taxonomy))
		casg_usage_die("--differs needs --taxonomy and --old-taxonomy");
	if (old_taxonomy && !taxonomy)
		casg_usage_die("--old-taxonomy needs --taxonomy");
	if (taxon_from && !taxonomy)
		casg_usage_die("--taxon-from needs --taxonomy");
	if (min_length > max_length)
		casg_usage_die("--min-length is more than --max-length");
}

/* Are the records those of an index, under the taxa that are asked for? */
static int by_index(const struct query *d)
{
	return taxa.n && !d->change_class;
}

static struct casg_recquery_side side_of(const struct casg_cli_taxon *t,
					 const struct casg_cli_taxa *from)
{
	return (struct casg_recquery_side){ t->taxonomy, from->o.source.fn,
					    casg_cli_taxa_ctx(from) };
}

static void open_query(struct query *d)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_recquery_opts o = {
		.taxa = taxa.v, .ntaxa = taxa.n, .exclude = exclude.v, .nexclude = exclude.n,
		.rank = rank, .differs = differs, .name = name_pattern, .key = key_pattern,
		.desc = desc_pattern, .regexp = regexp,
	};

	if (taxonomy)
		casg_cli_taxon_begin(&d->now, &d->w, taxonomy, taxon_from);
	if (old_taxonomy)
		casg_cli_taxon_begin(&d->old, &d->w, old_taxonomy, taxon_from);
	casg_cli_taxa_init(&d->taxa, &d->w, &d->roots, 0);
	casg_cli_taxa_init(&d->old_taxa, &d->w, &d->roots, 0);
	if (by_index(d))
		casg_cli_taxa_open_from(&d->taxa, &d->w, taxonomy ? &d->now : NULL);
	else
		casg_cli_taxa_from(&d->taxa, &d->w, taxonomy ? &d->now : NULL);
	casg_cli_taxa_from(&d->old_taxa, &d->w, old_taxonomy ? &d->old : NULL);
	d->sides[0] = side_of(&d->now, &d->taxa);
	d->sides[1] = side_of(&d->old, &d->old_taxa);
	o.now = d->sides[0];
	o.old = d->sides[1];
	d->q = casg_recquery_new(&o, &err);
	if (!d->q)
		casg_die_err(&err);
}

/* ---- what is printed ---------------------------------------------------- */

static int write_text(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	(void)ctx;
	(void)err;
	casg_out(p, n);
	return 0;
}

static void put(struct query *d)
{
	if (d->line.failed)
		casg_die("out of memory");
	casg_out(d->line.data, d->line.len);
	casg_buf_reset(&d->line);
}

/* How the file is laid out, as far as that holds for a part of it. */
static void begin_output(struct query *d, const struct casg_facts *of)
{
	uint64_t most = (uint64_t)36 << 20, share = d->w.settings.memory / 8;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_facts f;

	casg_facts_init(&f);
	f.width = of->width;
	f.crlf = of->crlf;
	if (count_only) {
		;
	} else if (d->form == FASTA) {
		d->x = casg_exporter_new(d->w.store, d->w.pool, d->w.coders, &f,
					 share < most ? share : most, write_text, NULL, &err);
		if (!d->x)
			casg_die_err(&err);
	} else if (d->form == RECORDS) {
		casg_facts_format(&d->line, &f);
		casg_buf_addch(&d->line, nul_ends ? '\0' : '\n');
		put(d);
	} else {
		casg_queryfmt_heading(d->fmt, &d->line, nul_ends);
		put(d);
	}
	casg_facts_release(&f);
}

/* The ids as the record stream has them, from the source of the query. */
static void find_taxon(struct query *d, struct casg_rec *r)
{
	struct casg_err err = CASG_ERR_INIT;

	casg_buf_reset(&d->taxon);
	if (d->sides[0].fn(d->sides[0].ctx, r->key, r->klen, r->desc, r->dlen, &d->taxon, &err))
		casg_die_err(&err);
	for (size_t i = 0; i < d->taxon.len; i++)
		if (!d->taxon.data[i])
			d->taxon.data[i] = ',';
	r->taxon = d->taxon.len ? (const char *)d->taxon.data : "-";
	r->tlen = d->taxon.len ? d->taxon.len - 1 : 1;
}

static void print_record(struct query *d, const struct casg_record *q,
			 const struct casg_objinfo *info)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_rec r = {
		.key = q->key, .klen = q->klen, .oid = info->id, .length = info->nbytes,
		.pres = q->pres, .plen = q->plen, .desc = q->desc, .dlen = q->dlen,
	};
	const struct casg_export_record e = {
		.key = q->key, .klen = q->klen, .desc = q->desc, .dlen = q->dlen,
		.pres = q->pres, .plen = q->plen, .loc = q->loc,
	};

	if (d->x) {
		if (casg_exporter_add(d->x, &e, &err))
			casg_die_err(&err);
		return;
	}
	if (d->form == RECORDS) {
		find_taxon(d, &r);
		casg_rec_format(&d->line, &r, nul_ends);
	} else if (casg_queryfmt_add(d->fmt, &d->line, d->q, d->sides, &r, nul_ends, &err)) {
		casg_die_err(&err);
	}
	put(d);
}

/* ---- windows ------------------------------------------------------------ */

static void find_info(struct query *d)
{
	struct casg_err err = CASG_ERR_INIT;
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		if (!d->v[i].known)
			d->locs[n++] = d->v[i].r.loc;
	if (n && casg_locinfo(d->w.store, d->w.pool, d->w.coders, d->locs, sizeof(*d->locs), n,
			      d->info, &err))
		casg_die_err(&err);
	n = 0;
	for (size_t i = 0; i < d->n; i++)
		if (!d->v[i].known)
			d->v[i].info = d->info[n++];
}

static void flush(struct query *d)
{
	if (d->need_info)
		find_info(d);
	for (size_t i = 0; i < d->n && d->found < limit; i++) {
		struct waiting *v = &d->v[i];

		if (d->need_info &&
		    (v->info.nbytes < min_length || v->info.nbytes > max_length))
			continue;
		d->found++;
		if (count_only)
			continue;
		v->r.key = (const char *)d->text.data + (uintptr_t)v->r.key;
		v->r.desc = v->r.key + v->r.klen;
		v->r.pres = v->r.desc + v->r.dlen;
		print_record(d, &v->r, &v->info);
	}
	d->n = 0;
	casg_buf_reset(&d->text);
}

/* A record that may be asked for; its id and length, if they are known. */
static void take(struct query *d, const struct casg_record *r, const struct casg_objinfo *info)
{
	struct casg_err err = CASG_ERR_INIT;
	int rc = casg_recquery_test(d->q, r->key, r->klen, r->desc, r->dlen, &err);
	struct waiting *v = &d->v[d->n];

	if (rc < 0)
		casg_die_err(&err);
	if (!rc)
		return;
	v->r = *r;
	v->known = info != NULL;
	if (info)
		v->info = *info;
	v->r.key = (const char *)(uintptr_t)d->text.len;
	casg_buf_add(&d->text, r->key, r->klen);
	casg_buf_add(&d->text, r->desc, r->dlen);
	casg_buf_add(&d->text, r->pres, r->plen);
	if (d->text.failed)
		casg_die("out of memory");
	if (++d->n == WINDOW || d->text.len > WINDOW_NBYTES || d->found + d->n >= limit)
		flush(d);
}

/* ---- where records come from -------------------------------------------- */

static void take_all(struct query *d)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_records *rs;
	struct casg_record r;
	int rc = 0;

	rs = casg_records_open(d->w.store, casg_work_coder(&d->w), d->w.pool, d->w.repo.tmp_dir,
			       &d->roots, (uint64_t)32 << 20, &err);
	if (!rs)
		casg_die_err(&err);
	begin_output(d, casg_records_facts(rs));
	while (d->found < limit && (rc = casg_records_next(rs, &r, &err)) > 0)
		take(d, &r, NULL);
	if (rc < 0)
		casg_die_err(&err);
	casg_records_free(rs);
}

/* The taxa of the index that are asked for, and their records. */
struct choice {
	struct query *d;
	struct casg_subset *subset;
	struct casg_taxclade clade;
};

static int choose(void *ctx, struct casg_taxaidx *x, struct casg_err *err)
{
	struct choice *c = ctx;
	const struct casg_taxon_range *r;
	size_t n = casg_recquery_ranges(c->d->q, &r);
	int rc = 0;

	c->clade.n = 0;
	for (size_t i = 0; !rc && i < n; i++)
		rc = casg_taxclade_add(&c->clade, x, c->d->now.taxonomy, r[i].from, r[i].to, err);
	for (size_t i = 0; !rc && !c->d->now.taxonomy && i < taxa.n; i++)
		rc = casg_taxclade_add_id(&c->clade, x, taxa.v[i], strlen(taxa.v[i]), err);
	if (rc)
		return rc;
	casg_taxclade_settle(&c->clade, NULL);
	return casg_subset_choose(c->subset, x, c->clade.v, c->clade.n, NULL, 0, err);
}

/* Of the records that an index has under the taxa: what is read grows with them. */
static void take_clade(struct query *d)
{
	struct casg_err err = CASG_ERR_INIT;
	struct choice c = { .d = d };
	struct casg_record r;
	int rc = 0;

	c.subset = casg_subset_new(&d->taxa.o, &err);
	if (!c.subset || casg_taxindex_try(d->taxa.x, choose, &c, &err))
		casg_die_err(&err);
	if (limit)
		rc = casg_subset_next(c.subset, &r, &err);
	if (rc < 0)
		casg_die_err(&err);
	begin_output(d, casg_subset_facts(c.subset));
	while (rc > 0) {
		take(d, &r, NULL);
		rc = d->found < limit ? casg_subset_next(c.subset, &r, &err) : 0;
	}
	if (rc < 0)
		casg_die_err(&err);
	flush(d);
	casg_subset_free(c.subset);
	casg_taxclade_release(&c.clade);
}

/* Of the records that changed, by key. */
static void take_changed(struct query *d)
{
	struct casg_recdiff_opts o = {
		.store = d->w.store, .pool = d->w.pool, .coders = d->w.coders,
		.tmp_dir = d->w.repo.tmp_dir, .memory_nbytes = d->w.settings.memory / 2,
	};
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version before;
	struct casg_roots roots;
	struct casg_recdiff *diff;
	struct casg_change c;
	int rc = 0;

	casg_work_version(&d->w, since, &before, &roots);
	diff = casg_recdiff_open(&o, &roots, &d->roots, &err);
	if (!diff)
		casg_die_err(&err);
	begin_output(d, casg_recdiff_facts(diff, d->change_class != CASG_WITHDRAWN));
	while (d->found < limit && (rc = casg_recdiff_next(diff, &c, &err)) > 0) {
		const struct casg_recside *s = c.b ? c.b : c.a;
		const struct casg_objinfo info = { .id = s->oid, .nbytes = s->length };
		const struct casg_record r = {
			.key = s->key, .klen = s->klen, .desc = s->desc, .dlen = s->dlen,
			.pres = s->pres, .plen = s->plen, .loc = s->loc,
		};

		if (c.kind == (enum casg_change_class)d->change_class)
			take(d, &r, &info);
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_recdiff_free(diff);
	casg_version_release(&before);
}

static void answer(struct query *d)
{
	struct casg_err err = CASG_ERR_INIT;

	d->need_info = min_length || max_length != UINT64_MAX ||
		       (!count_only && (d->form == RECORDS ||
					(d->fmt && casg_queryfmt_needs_sequence(d->fmt))));
	d->v = calloc(WINDOW, sizeof(*d->v));
	d->info = calloc(WINDOW, sizeof(*d->info));
	d->locs = calloc(WINDOW, sizeof(*d->locs));
	if (!d->v || !d->info || !d->locs)
		casg_die("out of memory");
	casg_out_much();
	if (d->change_class)
		take_changed(d);
	else if (by_index(d))
		take_clade(d);
	else
		take_all(d);
	flush(d);
	if (d->x && casg_exporter_finish(d->x, &err))
		casg_die_err(&err);
	if (count_only)
		casg_buf_addf(&d->line, "%" PRIu64 "\n", d->found);
	put(d);
	casg_out_flush();
}

static int run(int argc, char **argv)
{
	struct query d = { 0 };

	check_usage();
	read_class(&d);
	choose_form(&d);
	casg_work_open_reader(&d.w, threads, memory, (uint64_t)24 << 20);
	casg_work_version(&d.w, argc ? argv[0] : "", &d.version, &d.roots);
	open_query(&d);
	answer(&d);
	casg_recquery_free(d.q);
	casg_queryfmt_free(d.fmt);
	casg_exporter_free(d.x);
	casg_cli_taxa_release(&d.taxa);
	casg_cli_taxa_release(&d.old_taxa);
	if (taxonomy)
		casg_cli_taxon_close(&d.now);
	if (old_taxonomy)
		casg_cli_taxon_close(&d.old);
	free(d.v);
	free(d.info);
	free(d.locs);
	casg_buf_release(&d.text);
	casg_buf_release(&d.line);
	casg_buf_release(&d.taxon);
	casg_version_release(&d.version);
	casg_work_close(&d.w);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-query-tree", usage, opts, 0, 1, run };
