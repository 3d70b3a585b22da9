#include "subset.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "endian.h"
#include "extsort.h"
#include "objects.h"
#include "recsort.h"
#include "treer.h"

/* Taxon ids, ascending, each with a NUL behind it. */
struct ids {
	struct casg_buf text;
	size_t *at;
	size_t n, cap;
};

struct casg_subset {
	struct casg_taxindex_opts o;
	struct casg_coder *c;
	void *source_ctx;
	struct ids taxa, without;
	struct casg_taxaidx *x;
	struct casg_taxaidx_taxon only; /* if it is one taxon: its entries, */
	uint64_t next_entry;           /* and how many of them were taken */
	struct casg_extsort *ranks;    /* else all entries by rank */
	struct casg_treer *tree;
	uint64_t at;                   /* the rank that the reader stands before */
	uint64_t last;                 /* taken before; UINT64_MAX: none */
	struct casg_recsort *sorted;   /* by position; NULL: they come in file order */
	struct casg_presr *pres;
	int any_pres;                  /* it says something of some record */
	struct casg_facts facts;
	struct casg_buf found;         /* taxa of the record at hand */
	int started;
};

/* ---- sets of ids --------------------------------------------------------- */

static int ids_add(struct ids *s, struct casg_taxaidx *x, uint64_t i,
		   struct casg_taxaidx_taxon *t, struct casg_err *err)
{
	int rc;

	if (CASG_GROW(s->at, s->n + 1, s->cap))
		return casg_err_nomem(err);
	s->at[s->n] = s->text.len;
	rc = casg_taxaidx_taxon(x, i, t, &s->text, err);
	casg_buf_addch(&s->text, '\0');
	if (rc || casg_buf_check(&s->text, err))
		return rc ? rc : CASG_ENOMEM;
	s->n++;
	return 0;
}

static void ids_reset(struct ids *s)
{
	casg_buf_reset(&s->text);
	s->n = 0;
}

static void ids_release(struct ids *s)
{
	casg_buf_release(&s->text);
	free(s->at);
}

static int ids_have(const struct ids *s, const char *id)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp((const char *)s->text.data + s->at[mid], id);

		if (!c)
			return 1;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

/* ---- choosing ------------------------------------------------------------ */

struct casg_subset *casg_subset_new(const struct casg_taxindex_opts *o, struct casg_err *err)
{
	struct casg_subset *s = calloc(1, sizeof(*s));
	int owner = casg_workers_count(o->pool) - 1;

	if (!s) {
		casg_err_nomem(err);
		return NULL;
	}
	s->o = *o;
	s->c = o->coders[owner];
	s->source_ctx = o->source.ctx ? o->source.ctx[owner] : NULL;
	s->last = UINT64_MAX;
	casg_facts_init(&s->facts);
	return s;
}

void casg_subset_free(struct casg_subset *s)
{
	if (!s)
		return;
	ids_release(&s->taxa);
	ids_release(&s->without);
	casg_extsort_free(s->ranks);
	casg_treer_free(s->tree);
	casg_recsort_free(s->sorted);
	casg_presr_free(s->pres);
	casg_facts_release(&s->facts);
	casg_buf_release(&s->found);
	free(s);
}

/* All entries of one are read, so that damage shows now; several are sorted. */
static int add_entries(struct casg_subset *s, const struct casg_taxaidx_taxon *t,
		       struct casg_err *err)
{
	int rc = 0;

	for (uint64_t e = 0; e < t->n && !rc; e++) {
		uint64_t rank, position;
		uint8_t item[16];

		rc = casg_taxaidx_entry(s->x, t->first + e, &rank, &position, err);
		if (rc || !s->ranks)
			continue;
		casg_put_be64(item, rank);
		casg_put_be64(item + 8, position);
		rc = casg_extsort_add(s->ranks, item, sizeof(item), err);
	}
	return rc;
}

int casg_subset_choose(struct casg_subset *s, struct casg_taxaidx *x, const uint64_t *taxa,
		       size_t ntaxa, const uint64_t *without, size_t nwithout,
		       struct casg_err *err)
{
	struct casg_taxaidx_taxon unused;
	int rc = 0;

	ids_reset(&s->taxa);
	ids_reset(&s->without);
	casg_extsort_free(s->ranks);
	s->ranks = NULL;
	s->x = x;
	s->only.n = s->next_entry = 0;
	if (ntaxa > 1) {
		s->ranks = casg_extsort_new(s->o.scratch_dir, (size_t)(s->o.memory_nbytes / 4),
					    s->o.pool, err);
		rc = s->ranks ? 0 : CASG_ENOMEM;
	}
	for (size_t i = 0; i < ntaxa && !rc; i++) {
		rc = ids_add(&s->taxa, x, taxa[i], &s->only, err);
		if (!rc)
			rc = add_entries(s, &s->only, err);
	}
	for (size_t i = 0; i < nwithout && !rc; i++)
		rc = ids_add(&s->without, x, without[i], &unused, err);
	if (!rc && s->ranks)
		rc = casg_extsort_finish(s->ranks, err);
	return rc;
}

/* ---- reading ------------------------------------------------------------- */

static int next_entry(struct casg_subset *s, uint64_t *rank, uint64_t *position,
		      struct casg_err *err)
{
	const uint8_t *item;
	size_t n;
	int rc;

	if (!s->ranks) {
		if (s->next_entry == s->only.n)
			return 0;
		rc = casg_taxaidx_entry(s->x, s->only.first + s->next_entry++, rank, position,
				       err);
		return rc ? rc : 1;
	}
	rc = casg_extsort_next(s->ranks, &item, &n, err);
	if (rc > 0) {
		*rank = casg_get_be64(item);
		*position = casg_get_be64(item + 8);
	}
	return rc;
}

/* 1 if it belongs to the subset, 0 if it carries one of 'without'. */
static int belongs(struct casg_subset *s, const struct casg_record *r, struct casg_err *err)
{
	const char *id, *end;
	int found = 0, rc;

	casg_buf_reset(&s->found);
	rc = s->o.source.fn(s->source_ctx, r->key, r->klen, r->desc, r->dlen, &s->found, err);
	if (!rc && !s->found.len)
		casg_buf_addch(&s->found, '\0');
	if (rc || casg_buf_check(&s->found, err))
		return rc ? rc : CASG_ENOMEM;
	id = (const char *)s->found.data;
	end = id + s->found.len;
	for (; id < end; id += strlen(id) + 1) {
		if (s->without.n && ids_have(&s->without, id))
			return 0;
		found = found || ids_have(&s->taxa, id);
	}
	return found ? 1 : casg_err_set(err, CASG_ECORRUPT,
					"the index of taxa is wrong about record '%.*s'",
					(int)r->klen, r->key);
}

/* The next record of the subset in the order of the tree. */
static int next_in_tree(struct casg_subset *s, uint64_t *position, struct casg_record *out,
			struct casg_err *err)
{
	struct casg_entry e;
	uint64_t rank;
	int rc;

	while ((rc = next_entry(s, &rank, position, err)) > 0) {
		if (rank == s->last)
			continue; /* it carries several of the taxa */
		rc = rank == s->at ? 0 : casg_treer_seek_rank(s->tree, rank, err);
		if (!rc)
			rc = casg_treer_next(s->tree, &e, &out->loc, err);
		if (!rc)
			rc = casg_err_set(err, CASG_ECORRUPT,
					  "the tree ends before its last record");
		if (rc < 0)
			return rc;
		s->last = rank;
		s->at = rank + 1;
		out->key = e.key;
		out->klen = e.klen;
		out->desc = e.desc;
		out->dlen = (size_t)e.dlen;
		rc = belongs(s, out, err);
		if (rc)
			return rc;
	}
	return rc;
}

static int sort_records(struct casg_subset *s, struct casg_err *err)
{
	struct casg_record r;
	uint64_t position;
	int rc;

	s->sorted = casg_recsort_new(s->o.scratch_dir, s->o.memory_nbytes / 2, s->o.pool, err);
	rc = s->sorted ? 0 : CASG_ENOMEM;
	while (!rc && (rc = next_in_tree(s, &position, &r, err)) > 0)
		rc = casg_recsort_add(s->sorted, position, &r, err);
	return rc ? rc : casg_recsort_finish(s->sorted, err);
}

static int start(struct casg_subset *s, struct casg_err *err)
{
	const struct casg_roots *roots = s->o.roots;

	s->started = 1;
	s->tree = casg_treer_open(s->o.store, s->c, &roots->records, err);
	if (!s->tree)
		return CASG_ECORRUPT;
	if (casg_treer_count(s->tree) != roots->count)
		return casg_err_set(err, CASG_ECORRUPT,
				    "the tree holds other records than the version counts");
	s->pres = casg_presr_open(s->o.store, s->c, &roots->presentation, &s->facts, err);
	if (!s->pres)
		return CASG_ECORRUPT;
	s->any_pres = casg_presr_more(s->pres);
	return s->x->head.in_order ? 0 : sort_records(s, err);
}

const struct casg_facts *casg_subset_facts(const struct casg_subset *s)
{
	return &s->facts;
}

int casg_subset_next(struct casg_subset *s, struct casg_record *out, struct casg_err *err)
{
	uint64_t position;
	int rc = s->started ? 0 : start(s, err);

	if (!rc)
		rc = s->sorted ? casg_recsort_next(s->sorted, &position, out, err)
			       : next_in_tree(s, &position, out, err);
	if (rc <= 0)
		return rc;
	out->pres = "-";
	out->plen = 1;
	rc = s->any_pres ? casg_presr_skip_to(s->pres, position, &out->pres, &out->plen, err)
			 : 0;
	return rc ? rc : 1;
}
