/* casg-check-taxonomy - where the records of a version and a taxonomy disagree */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "buf.h"
#include "cli.h"
#include "clitaxon.h"
#include "cliwork.h"
#include "organism.h"
#include "stream.h"
#include "treer.h"

static const char *memory, *taxonomy;
static int nul_ends, summary, quiet, show_progress = -1;

static const char *const usage[] = {
	"[-z] [--summary] [--taxonomy=[REV:]NAME] [--quiet] [--progress] [--memory=SIZE] "
	"[[REV:]DATABASE]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', "null", NULL, &nul_ends, "end lines with NUL and quote nothing" },
	{ CASG_OPT_FLAG, 's', "summary", NULL, &summary, "print only how many there are of each" },
	{ CASG_OPT_STR, 0, "taxonomy", "[REV:]NAME", &taxonomy,
	  "the taxonomy (default: the only one)" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

enum finding { UNKNOWN, DELETED, MERGED, MAPPING, ORGANISM, NONE, NFINDINGS };

static const char *const finding_names[NFINDINGS] = {
	"unknown", "deleted", "merged", "mapping", "organism", "none"
};

/* What one source says of a record, and the taxa that it means. */
struct said {
	struct casg_buf ids;    /* each with a NUL behind it */
	struct casg_buf joined; /* the same, for people */
	uint32_t *taxa;         /* ascending, none twice */
	size_t n, cap;
	int strange;            /* one is no taxon now */
};

struct job {
	struct casg_work w;
	struct casg_cli_taxon tax;
	struct said header, mapping;
	struct casg_buf line;
	uint64_t nrecords, count[NFINDINGS];
	const char *key;
	size_t klen;
};

static void report(struct job *j, enum finding what, const char *taxon, size_t tlen,
		   const char *detail, size_t dlen)
{
	int end = nul_ends ? '\0' : '\n';

	j->count[what]++;
	if (summary)
		return;
	casg_buf_reset(&j->line);
	casg_buf_addf(&j->line, "%s\t", finding_names[what]);
	casg_stream_key(&j->line, j->key, j->klen, nul_ends);
	casg_buf_addch(&j->line, '\t');
	casg_stream_field(&j->line, tlen ? taxon : "-", tlen ? tlen : 1, nul_ends);
	casg_buf_addch(&j->line, '\t');
	casg_stream_field(&j->line, dlen ? detail : "-", dlen ? dlen : 1, nul_ends);
	casg_buf_addch(&j->line, end);
	if (j->line.failed)
		casg_die("out of memory");
	casg_out(j->line.data, j->line.len);
}

/* ---- what is said -------------------------------------------------------- */

static void add_taxon(struct said *s, uint32_t taxon)
{
	size_t i = s->n;

	while (i && s->taxa[i - 1] > taxon)
		i--;
	if (i && s->taxa[i - 1] == taxon)
		return;
	if (CASG_GROW(s->taxa, s->n + 1, s->cap))
		casg_die("out of memory");
	memmove(&s->taxa[i + 1], &s->taxa[i], (s->n++ - i) * sizeof(*s->taxa));
	s->taxa[i] = taxon;
}

static void look(struct job *j, struct said *s, enum casg_taxon_source source,
		 const struct casg_entry *e)
{
	struct casg_err err = CASG_ERR_INIT;
	const char *id, *end;
	uint32_t taxon;

	casg_buf_reset(&s->ids);
	casg_buf_reset(&s->joined);
	s->n = 0;
	s->strange = 0;
	if (casg_taxonof_source(j->tax.of, source, e->key, e->klen, e->desc, e->dlen, &s->ids,
				&err) < 0)
		casg_die_err(&err);
	id = casg_buf_chars(&s->ids);
	end = id + s->ids.len;
	for (; id < end; id += strlen(id) + 1) {
		casg_buf_addf(&s->joined, "%s%s", s->joined.len ? "," : "", id);
		casg_cli_taxon_find(&j->tax, id, &taxon);
		if (taxon == CASG_TAXON_NONE)
			s->strange = 1;
		else
			add_taxon(s, taxon);
	}
	if (s->joined.failed)
		casg_die("out of memory");
}

static int says(const struct said *s, const char *id)
{
	const char *p = casg_buf_chars(&s->ids), *end = p + s->ids.len;

	for (; p < end; p += strlen(p) + 1)
		if (!strcmp(p, id))
			return 1;
	return 0;
}

/* ---- what is wrong ------------------------------------------------------- */

/* Each id by itself; one that both sources give is the header's. */
static void check_ids(struct job *j, const struct said *s, const char *source)
{
	const char *id = casg_buf_chars(&s->ids), *end = id + s->ids.len;
	struct casg_taxon_info into;
	uint32_t taxon;

	for (; id < end; id += strlen(id) + 1) {
		int status;

		if (s == &j->mapping && says(&j->header, id))
			continue;
		status = casg_cli_taxon_find(&j->tax, id, &taxon);
		if (status == CASG_TAXON_UNKNOWN || status == CASG_TAXON_DELETED)
			report(j, status == CASG_TAXON_UNKNOWN ? UNKNOWN : DELETED, id, strlen(id),
			       source, strlen(source));
		if (status != CASG_TAXON_MERGED)
			continue;
		into = casg_cli_taxon_info(&j->tax, taxon);
		report(j, MERGED, id, strlen(id), into.id.p, into.id.n);
	}
}

static void check_mapping(struct job *j)
{
	const struct said *h = &j->header, *m = &j->mapping;

	if (!h->ids.len || !m->ids.len)
		return;
	/* what is no taxon differs by its text only */
	if (h->strange || m->strange) {
		if (h->ids.len == m->ids.len && !memcmp(h->ids.data, m->ids.data, h->ids.len))
			return;
	} else if (h->n == m->n && !memcmp(h->taxa, m->taxa, h->n * sizeof(*h->taxa))) {
		return;
	}
	report(j, MAPPING, (const char *)h->joined.data, h->joined.len,
	       (const char *)m->joined.data, m->joined.len);
}

/* Is the one above the other, or the other above the one? */
static int related(struct job *j, uint32_t a, uint32_t b)
{
	uint32_t upper = a < b ? a : b, lower = a < b ? b : a;

	return lower < casg_cli_taxon_info(&j->tax, upper).end;
}

static void check_organism(struct job *j, const struct casg_entry *e)
{
	const struct said *s = j->header.ids.len ? &j->header : &j->mapping;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxstr name;
	size_t at = 0, i;
	uint32_t taxon;

	while (s->n && casg_organism_next(e->desc, e->dlen, &at, &name)) {
		if (casg_taxonof_name(j->tax.taxonomy, name.p, name.n, &taxon, &err))
			casg_die_err(&err);
		if (taxon == CASG_TAXON_NONE)
			continue;
		for (i = 0; i < s->n && !related(j, s->taxa[i], taxon); i++)
			;
		if (i == s->n)
			report(j, ORGANISM, (const char *)s->joined.data, s->joined.len,
			       name.p, name.n);
	}
}

/* No source gives any: the organism that is no name may say why. */
static void check_none(struct job *j, const struct casg_entry *e)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxstr name = { NULL, 0 };
	size_t at = 0;
	int n;

	if (j->header.ids.len || j->mapping.ids.len)
		return;
	n = casg_taxonof_source(j->tax.of, CASG_TAXON_ORGANISM, e->key, e->klen, e->desc,
				e->dlen, &j->header.ids, &err);
	if (n < 0)
		casg_die_err(&err);
	if (n)
		return;
	casg_organism_next(e->desc, e->dlen, &at, &name);
	report(j, NONE, NULL, 0, name.p, name.n);
}

static void check_record(struct job *j, const struct casg_entry *e)
{
	j->nrecords++;
	j->key = e->key;
	j->klen = e->klen;
	look(j, &j->header, CASG_TAXON_HEADER, e);
	look(j, &j->mapping, CASG_TAXON_MAPPING, e);
	check_ids(j, &j->header, "header");
	check_ids(j, &j->mapping, "mapping");
	check_mapping(j);
	check_organism(j, e);
	check_none(j, e);
}

static void check_records(struct job *j, const struct casg_oid *root)
{
	struct casg_progress *p = casg_progress_start("checking", quiet ? 0 : show_progress);
	struct casg_err err = CASG_ERR_INIT;
	struct casg_treer *t = casg_treer_open(j->w.store, casg_work_coder(&j->w), root, &err);
	struct casg_entry e;
	struct casg_loc loc;
	int rc = 0;

	casg_out_much();
	while (t && (rc = casg_treer_next(t, &e, &loc, &err)) > 0) {
		check_record(j, &e);
		if (!(j->nrecords & 0x3fff))
			casg_progress_update(p, j->nrecords, 0, 0);
	}
	if (!t || rc < 0)
		casg_die_err(&err);
	casg_progress_stop(p);
	casg_treer_free(t);
}

static int print_summary(struct job *j)
{
	uint64_t total = 0;

	casg_buf_reset(&j->line);
	casg_buf_addf(&j->line, "records %" PRIu64 "\n", j->nrecords);
	for (int i = 0; i < NFINDINGS; i++) {
		casg_buf_addf(&j->line, "%s %" PRIu64 "\n", finding_names[i], j->count[i]);
		total += j->count[i];
	}
	if (summary)
		casg_out(j->line.data, j->line.len);
	return total ? CASG_EXIT_NO : CASG_EXIT_YES;
}

static void release_said(struct said *s)
{
	casg_buf_release(&s->ids);
	casg_buf_release(&s->joined);
	free(s->taxa);
}

static int run(int argc, char **argv)
{
	struct casg_version version;
	struct casg_roots roots;
	struct job j = { 0 };
	int status;

	if (summary && nul_ends)
		casg_usage_die("-z does not go with --summary");
	casg_work_open_reader(&j.w, "1", memory, (uint64_t)24 << 20);
	casg_work_version(&j.w, argc ? argv[0] : "", &version, &roots);
	casg_cli_taxon_open(&j.tax, &j.w, taxonomy, NULL);
	check_records(&j, &roots.records);
	status = print_summary(&j);
	casg_out_flush();
	casg_cli_taxon_close(&j.tax);
	casg_version_release(&version);
	release_said(&j.header);
	release_said(&j.mapping);
	casg_buf_release(&j.line);
	casg_work_close(&j.w);
	return status;
}

const struct casg_cmd casg_cmd = { "casg-check-taxonomy", usage, opts, 0, 1, run };
