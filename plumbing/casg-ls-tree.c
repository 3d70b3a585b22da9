/* casg-ls-tree - print the record stream of a version */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clitaxonomy.h"
#include "cliwork.h"
#include "locinfo.h"
#include "records.h"
#include "stream.h"
#include "taxon.h"
#include "withdrawn.h"

static const char *threads, *memory, *taxonomy_spec;
static int nul_ends, keys_only, withdrawn, lineage, quiet;

static const char *const usage[] = {
	"[-z] [--keys] [--threads=N] [--memory=SIZE] [[REV:]DATABASE]",
	"[-z] --taxonomy=[REV:]NAME [--lineage] [--quiet] [--threads=N] [--memory=SIZE] [[REV:]DATABASE]",
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
	{ CASG_OPT_FLAG, 0, "lineage", NULL, &lineage,
	  "a seventh field: the names of the lineage, joined by ';'" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet,
	  "no warning of taxa that are not in the taxonomy" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

enum { WINDOW = 32768 };

/* A window of records; strings as offsets into text. */
struct window {
	struct casg_work *w;
	struct casg_record *r;
	struct casg_objinfo *info;
	size_t n;
	struct casg_buf text, line, taxon;
	struct taxa *taxa;             /* NULL: taxa as they are declared */
};

/* Taxa under a taxonomy, and what was not there. */
struct taxa {
	struct casg_taxonomy *t;
	struct casg_buf ids, lineages;
	uint32_t seen[CASG_TAXON_MAX]; /* of the record under way */
	size_t nseen;
	uint64_t ndeleted, nunknown;   /* records with such a taxon */
};

static void add_lineage(struct taxa *x, uint32_t taxon)
{
	struct casg_err err = CASG_ERR_INIT;

	casg_buf_addstr(&x->lineages, x->lineages.len ? "|" : "");
	if (taxon == CASG_TAXON_NONE)
		casg_buf_addch(&x->lineages, '-');
	else if (casg_taxonomy_lineage_text(x->t, taxon, ";", &x->lineages, &err))
		casg_die_err(&err);
}

/* One that is there, unless another id of the record led to it already. */
static void add_found(struct taxa *x, uint32_t taxon)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxon_info info;

	for (size_t i = 0; i < x->nseen; i++)
		if (x->seen[i] == taxon)
			return;
	x->seen[x->nseen++] = taxon;
	if (casg_taxonomy_info(x->t, taxon, &info, &err))
		casg_die_err(&err);
	casg_buf_addstr(&x->ids, x->ids.len ? "," : "");
	casg_buf_add(&x->ids, info.id.p, info.id.n);
	add_lineage(x, taxon);
}

/* The ids of 'declared', joined by ",", as the taxonomy has them. */
static void settle_taxa(struct taxa *x, struct casg_buf *declared)
{
	const char *p = casg_buf_cstr(declared);
	struct casg_err err = CASG_ERR_INIT;
	int deleted = 0, unknown = 0;

	casg_buf_reset(&x->ids);
	casg_buf_reset(&x->lineages);
	x->nseen = 0;
	while (*p) {
		size_t n = strcspn(p, ",");
		uint32_t taxon = CASG_TAXON_NONE;
		int none = n == 1 && *p == '-';
		int found = none ? 0 : casg_taxonomy_find(x->t, p, n, &taxon, &err);

		if (found < 0)
			casg_die_err(&err);
		if (taxon != CASG_TAXON_NONE) {
			add_found(x, taxon);
		} else {
			casg_buf_addstr(&x->ids, x->ids.len ? "," : "");
			casg_buf_add(&x->ids, p, n);
			add_lineage(x, taxon);
			deleted |= found == CASG_TAXON_DELETED;
			unknown |= found == CASG_TAXON_UNKNOWN && !none;
		}
		p += n + (p[n] == ',');
	}
	x->ndeleted += (uint64_t)deleted;
	x->nunknown += (uint64_t)unknown;
}

static void warn_of_taxa(const struct taxa *x)
{
	if (x->ndeleted && !quiet)
		casg_warn("%llu records have a taxon that was deleted from the taxonomy",
			  (unsigned long long)x->ndeleted);
	if (x->nunknown && !quiet)
		casg_warn("%llu records have a taxon that the taxonomy does not know",
			  (unsigned long long)x->nunknown);
}

static void find_ids(struct window *v)
{
	struct casg_err err = CASG_ERR_INIT;

	if (v->n && casg_locinfo(v->w->store, v->w->pool, v->w->coders, &v->r[0].loc,
				 sizeof(*v->r), v->n, v->info, &err))
		casg_die_err(&err);
}

/* Key, sequence id, length, taxon, presentation, description. */
static void add_record(struct window *v, struct casg_rec *r)
{
	struct casg_buf *taxon = &v->taxon;

	casg_buf_reset(taxon);
	casg_taxon_declared(r->key, r->klen, r->desc, r->dlen, taxon);
	if (v->taxa) {
		settle_taxa(v->taxa, taxon);
		taxon = &v->taxa->ids;
	}
	r->taxon = (const char *)taxon->data;
	r->tlen = taxon->len;
	casg_rec_format(&v->line, r, nul_ends);
	if (!lineage)
		return;
	v->line.len--; /* the line goes on */
	casg_buf_addch(&v->line, '\t');
	casg_stream_key(&v->line, (const char *)v->taxa->lineages.data, v->taxa->lineages.len,
			nul_ends);
	casg_buf_addch(&v->line, nul_ends ? '\0' : '\n');
}

static void print_window(struct window *v)
{
	if (!keys_only)
		find_ids(v);
	for (size_t i = 0; i < v->n; i++) {
		const struct casg_record *q = &v->r[i];
		struct casg_rec r = {
			.key = (const char *)v->text.data + (uintptr_t)q->key,
			.klen = q->klen, .oid = v->info[i].id, .length = v->info[i].nbytes,
			.plen = q->plen, .dlen = q->dlen,
		};

		r.desc = r.key + r.klen;
		r.pres = r.desc + r.dlen;
		casg_buf_reset(&v->line);
		if (keys_only) {
			casg_stream_key(&v->line, r.key, r.klen, nul_ends);
			casg_buf_addch(&v->line, nul_ends ? '\0' : '\n');
		} else {
			add_record(v, &r);
		}
		if (v->line.failed || v->taxon.failed ||
		    (v->taxa && (v->taxa->ids.failed || v->taxa->lineages.failed)))
			casg_die("out of memory");
		casg_out(v->line.data, v->line.len);
	}
	v->n = 0;
	casg_buf_reset(&v->text);
}

static void print_facts(const struct casg_facts *f, struct casg_work *w)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_oid id;
	int rc;

	if (casg_percent_length(f->prologue.data, f->prologue.len) > CASG_INLINE_MAX) {
		casg_hasher_digest(casg_coder_hasher(casg_work_coder(w)), f->prologue.data,
				   f->prologue.len, &id);
		rc = casg_facts_format_ex(&b, f, &id);
	} else {
		rc = casg_facts_format(&b, f);
	}
	casg_buf_addch(&b, nul_ends ? '\0' : '\n');
	if (rc || b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
}

static void list(struct casg_work *w, struct casg_records *rs, struct taxa *taxa)
{
	struct window v = { .w = w, .taxa = taxa };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_record r;
	int rc;

	v.r = calloc(WINDOW, sizeof(*v.r));
	v.info = calloc(WINDOW, sizeof(*v.info));
	if (!v.r || !v.info)
		casg_die("out of memory");
	while ((rc = casg_records_next(rs, &r, &err)) > 0) {
		struct casg_record *q = &v.r[v.n++];

		*q = r;
		q->key = (const char *)(uintptr_t)v.text.len;
		casg_buf_add(&v.text, r.key, r.klen);
		casg_buf_add(&v.text, r.desc, r.dlen);
		casg_buf_add(&v.text, r.pres, r.plen);
		if (casg_buf_check(&v.text, &err))
			casg_die_err(&err);
		if (v.n == WINDOW || v.text.len > (16u << 20))
			print_window(&v);
	}
	if (rc < 0)
		casg_die_err(&err);
	print_window(&v);
	free(v.r);
	free(v.info);
	casg_buf_release(&v.text);
	casg_buf_release(&v.line);
	casg_buf_release(&v.taxon);
}

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
	struct taxa taxa = { NULL };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_records *rs;

	rs = casg_records_open(w->store, casg_work_coder(w), w->pool, w->repo.tmp_dir, roots,
			       (uint64_t)32 << 20, &err);
	if (!rs)
		casg_die_err(&err);
	if (taxonomy_spec)
		taxa.t = casg_cli_taxonomy(&w->repo, taxonomy_spec, NULL, NULL);
	casg_out_much();
	if (!keys_only)
		print_facts(casg_records_facts(rs), w);
	list(w, rs, taxa.t ? &taxa : NULL);
	casg_records_free(rs);
	warn_of_taxa(&taxa);
	casg_taxonomy_close(taxa.t);
	casg_buf_release(&taxa.ids);
	casg_buf_release(&taxa.lineages);
}

static int run(int argc, char **argv)
{
	struct casg_version version;
	struct casg_roots roots;
	struct casg_work w;

	if (taxonomy_spec && (keys_only || withdrawn))
		casg_usage_die("--taxonomy goes with neither --keys nor --withdrawn");
	if ((lineage || quiet) && !taxonomy_spec)
		casg_usage_die("--lineage and --quiet need --taxonomy");
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
