/* casg-taxid-map - the taxa of the records of a version, as other tools read them */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "accession.h"
#include "buf.h"
#include "cli.h"
#include "clitaxon.h"
#include "cliwork.h"
#include "taxnumber.h"
#include "treer.h"

static const char *memory, *taxonomy, *format, *taxon_from;
static int quiet, show_progress = -1;

static const char *const usage[] = {
	"--format=blast|diamond|kraken|mmseqs [--taxonomy=[REV:]NAME] [--taxon-from=LIST] "
	"[--quiet] [--progress] [--memory=SIZE] [[REV:]DATABASE]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "format", "FORMAT", &format, "for which tool: blast, diamond, kraken or mmseqs" },
	{ CASG_OPT_STR, 0, "taxonomy", "[REV:]NAME", &taxonomy,
	  "the taxonomy (default: the only one)" },
	{ CASG_OPT_STR, 0, "taxon-from", "LIST", &taxon_from,
	  "where taxa are from (default: casg.taxonFrom)" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no warnings and no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

struct row {
	const char *key;
	size_t klen;
	struct casg_accession bare; /* the bare accession, else the key */
	uint32_t number;
};

static void put_whole(struct casg_buf *b, const struct row *r, char sep)
{
	casg_buf_add(b, r->key, r->klen);
	casg_buf_addf(b, "%c%" PRIu32 "\n", sep, r->number);
}

static void put_blast(struct casg_buf *b, const struct row *r)
{
	put_whole(b, r, ' ');
}

static void put_kraken(struct casg_buf *b, const struct row *r)
{
	put_whole(b, r, '\t');
}

static void put_mmseqs(struct casg_buf *b, const struct row *r)
{
	casg_buf_add(b, r->bare.p, r->bare.n);
	casg_buf_addf(b, "\t%" PRIu32 "\n", r->number);
}

static void put_diamond(struct casg_buf *b, const struct row *r)
{
	casg_buf_add(b, r->bare.p, casg_accession_unversioned(r->bare.p, r->bare.n));
	casg_buf_addch(b, '\t');
	casg_buf_add(b, r->bare.p, r->bare.n);
	casg_buf_addf(b, "\t%" PRIu32 "\t0\n", r->number);
}

static const struct form {
	const char *name, *head;
	int lines;              /* knows each definition line by itself */
	void (*put)(struct casg_buf *b, const struct row *r);
} forms[] = {
	{ "blast", "", 1, put_blast },
	{ "diamond", "accession\taccession.version\ttaxid\tgi\n", 1, put_diamond },
	{ "kraken", "", 0, put_kraken },
	{ "mmseqs", "", 0, put_mmseqs },
};

struct job {
	struct casg_work w;
	struct casg_cli_taxon tax;
	struct casg_taxnumber *numbers;
	const struct form *form;
	struct casg_buf ids, line;
	uint64_t nrecords, nwithout;
};

static uint32_t number(struct job *j, uint32_t taxon)
{
	struct casg_err err = CASG_ERR_INIT;
	uint32_t n;

	if (casg_taxnumber_of(j->numbers, taxon, &n, &err))
		casg_die_err(&err);
	return n;
}

/* The nearest taxon above both; CASG_TAXON_NONE if they have no root in common. */
static uint32_t join(struct job *j, uint32_t a, uint32_t b)
{
	while (a != CASG_TAXON_NONE) {
		struct casg_taxon_info info = casg_cli_taxon_info(&j->tax, a);

		if (a <= b && b < info.end)
			return a;
		a = info.parent == a ? CASG_TAXON_NONE : info.parent;
	}
	return a;
}

/* The taxon of what has these taxa: of several, the nearest above all. */
static uint32_t one_taxon(struct job *j, const struct casg_buf *ids)
{
	const char *id = casg_buf_chars(ids), *end = id + ids->len;
	uint32_t taxon, all = CASG_TAXON_NONE;
	int any = 0;

	for (; id < end; id += strlen(id) + 1) {
		casg_cli_taxon_find(&j->tax, id, &taxon);
		if (taxon == CASG_TAXON_NONE)
			continue;
		all = any ? join(j, all, taxon) : taxon;
		any = 1;
	}
	return all;
}

/* What has this id and this text; 0: it has no taxon. */
static int put(struct job *j, const char *id, size_t n, const char *text, size_t tlen)
{
	struct row r = { .key = id, .klen = n, .bare = { id, n } };
	struct casg_err err = CASG_ERR_INIT;
	uint32_t taxon;

	casg_buf_reset(&j->ids);
	if (casg_taxonof_record(j->tax.of, id, n, text, tlen, &j->ids, &err) < 0)
		casg_die_err(&err);
	taxon = one_taxon(j, &j->ids);
	if (taxon == CASG_TAXON_NONE)
		return 0;
	casg_accession_bare(id, n, &r.bare);
	r.number = number(j, taxon);
	casg_buf_reset(&j->line);
	j->form->put(&j->line, &r);
	if (j->line.failed)
		casg_die("out of memory");
	casg_out(j->line.data, j->line.len);
	return 1;
}

static size_t line_end(const struct casg_entry *e, size_t from)
{
	const char *sep = memchr(e->desc + from, '\1', e->dlen - from);

	return sep ? (size_t)(sep - e->desc) : e->dlen;
}

static void put_record(struct job *j, const struct casg_entry *e)
{
	struct casg_accession id;
	size_t at = 0, end = j->form->lines ? line_end(e, 0) : e->dlen;
	int any = put(j, e->key, e->klen, e->desc, end);

	while (j->form->lines && casg_accession_next(e->desc, e->dlen, &at, &id)) {
		end = line_end(e, at);
		any |= put(j, id.p, id.n, e->desc + at, end - at);
	}
	j->nwithout += !any;
}

static void put_records(struct job *j, const struct casg_oid *root)
{
	struct casg_progress *p = casg_progress_start("writing", quiet ? 0 : show_progress);
	struct casg_err err = CASG_ERR_INIT;
	struct casg_treer *t = casg_treer_open(j->w.store, casg_work_coder(&j->w), root, &err);
	struct casg_entry e;
	struct casg_loc loc;
	int rc = 0;

	casg_out_much();
	casg_out(j->form->head, strlen(j->form->head));
	while (t && (rc = casg_treer_next(t, &e, &loc, &err)) > 0) {
		put_record(j, &e);
		if (!(++j->nrecords & 0x3fff))
			casg_progress_update(p, j->nrecords, 0, 0);
	}
	if (!t || rc < 0)
		casg_die_err(&err);
	casg_progress_stop(p);
	casg_treer_free(t);
}

static const struct form *find_form(void)
{
	for (size_t i = 0; format && i < sizeof(forms) / sizeof(forms[0]); i++)
		if (!strcmp(forms[i].name, format))
			return &forms[i];
	casg_usage_die("%s%s%s", format ? "unknown format '" : "option '--format' is required",
		       format ? format : "", format ? "'" : "");
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version version;
	struct casg_roots roots;
	struct job j = { 0 };

	j.form = find_form();
	casg_work_open_reader(&j.w, "1", memory, (uint64_t)24 << 20);
	casg_work_version(&j.w, argc ? argv[0] : "", &version, &roots);
	casg_cli_taxon_open(&j.tax, &j.w, taxonomy, taxon_from);
	j.numbers = casg_taxnumber_new(j.tax.taxonomy, &err);
	if (!j.numbers)
		casg_die_err(&err);
	put_records(&j, &roots.records);
	casg_out_flush();
	if (j.nwithout && !quiet)
		casg_warn("%" PRIu64 " of %" PRIu64 " records have no taxon and are left out",
			  j.nwithout, j.nrecords);
	casg_taxnumber_free(j.numbers);
	casg_cli_taxon_close(&j.tax);
	casg_version_release(&version);
	casg_buf_release(&j.ids);
	casg_buf_release(&j.line);
	casg_work_close(&j.w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-taxid-map", usage, opts, 0, 1, run };
