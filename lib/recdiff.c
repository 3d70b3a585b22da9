#include "recdiff.h"

#include <stdlib.h>

#include "array.h"
#include "extsort.h"
#include "locinfo.h"
#include "node.h"
#include "preslist.h"
#include "recgroup.h"
#include "recpair.h"
#include "taxon.h"
#include "treediff.h"

enum { WINDOW = 32768, WINDOW_NBYTES = 16 << 20, KEY_FACTOR = 8 };

/* One version's records with unusual presentations, one looked at ahead. */
struct odd {
	struct casg_preslist *list;  /* NULL: no version */
	struct casg_presitem item;
	int have;
};

struct casg_recdiff {
	struct casg_recdiff_opts o;
	struct casg_coder *coder;    /* of the pool's owner */
	struct casg_treediff *trees;
	struct odd odd[2];
	struct casg_facts none;      /* of no version */
	struct casg_recpair *pairs;
	struct casg_extsort *out;
	/* records whose ids are looked for together; strings are offsets into
	 * text until they are set */
	struct casg_member *v;
	size_t n, cap;
	struct casg_objinfo *info;
	size_t cap_info;
	struct casg_buf text, desc, item, taxon_a, taxon_b;
	struct casg_change_count count[CASG_NCLASSES];
	struct casg_recside a, b;    /* of the change returned last */
};

static const struct {
	char letter;
	const char *name;
} classes[CASG_NCLASSES] = {
	[CASG_UNCHANGED] = { '=', "unchanged" },
	[CASG_ADDED] = { 'A', "added" },
	[CASG_WITHDRAWN] = { 'D', "withdrawn" },
	[CASG_SEQUENCE] = { 'M', "sequence" },
	[CASG_TAXON] = { 'T', "taxon" },
	[CASG_DESCRIPTION] = { 'N', "description" },
	[CASG_ID] = { 'R', "id" },
	[CASG_PRESENTATION] = { 'P', "presentation" },
};

const char *casg_change_name(enum casg_change_class c)
{
	return classes[c].name;
}

char casg_change_letter(enum casg_change_class c)
{
	return classes[c].letter;
}

const struct casg_facts *casg_recdiff_facts(const struct casg_recdiff *d, int side)
{
	return d->odd[side].list ? casg_preslist_facts(d->odd[side].list) : &d->none;
}

/* ---- what is found, for the output -------------------------------------- */

static void count(struct casg_recdiff *d, enum casg_change_class kind,
		  const struct casg_recside *a, const struct casg_recside *b)
{
	struct casg_change_count *c = &d->count[kind];

	c->n++;
	c->nresidues_a += a ? a->length : 0;
	c->nresidues_b += b ? b->length : 0;
}

/* Key and occurrence, class; then whether there is a first, and the records. */
static int emit(struct casg_recdiff *d, enum casg_change_class kind,
		const struct casg_recside *a, const struct casg_recside *b,
		struct casg_err *err)
{
	struct casg_buf *i = &d->item;
	int rc;

	count(d, kind, a, b);
	casg_buf_reset(i);
	casg_recside_sortkey(b ? b : a, i);
	casg_buf_addch(i, kind);
	casg_buf_addch(i, (a ? 1 : 0) | (b ? 2 : 0));
	if (a)
		casg_recside_encode(a, i);
	if (b)
		casg_recside_encode(b, i);
	rc = casg_buf_check(i, err);
	return rc ? rc : casg_extsort_add(d->out, i->data, i->len, err);
}

static int same_taxon(struct casg_recdiff *d, const struct casg_recside *a,
		      const struct casg_recside *b)
{
	casg_buf_reset(&d->taxon_a);
	casg_buf_reset(&d->taxon_b);
	casg_taxon_declared(a->key, a->klen, a->desc, a->dlen, &d->taxon_a);
	casg_taxon_declared(b->key, b->klen, b->desc, b->dlen, &d->taxon_b);
	return d->taxon_a.len == d->taxon_b.len &&
	       !memcmp(d->taxon_a.data, d->taxon_b.data, d->taxon_a.len);
}

/*
 * The width that a presentation sets, or else the file's, 0 if that puts all
 * of the sequence on one line; what it says besides.
 */
static uint64_t width_of(const struct casg_recdiff *d, int side,
			 const struct casg_recside *s, const char **rest, size_t *n)
{
	uint64_t width = casg_recdiff_facts(d, side)->width;
	const char *p = s->pres, *end = p + s->plen;

	if (s->plen == 1 && *p == '-')
		p = end;
	if (p < end && *p == 'w') {
		for (width = 0, p++; p < end && *p >= '0' && *p <= '9'; p++)
			width = width * 10 + (uint64_t)(*p - '0');
		p += p < end;
	}
	*rest = p;
	*n = (size_t)(end - p);
	return width >= s->length ? 0 : width;
}

/*
 * A record keeps its looks if its presentation is the same, or if another one
 * says the same now that the file is wrapped otherwise.
 */
static int same_looks(const struct casg_recdiff *d, const struct casg_recside *a,
		      const struct casg_recside *b)
{
	const char *rest_a, *rest_b;
	size_t na, nb;

	if (a->plen == b->plen && !memcmp(a->pres, b->pres, a->plen))
		return 1;
	return width_of(d, 0, a, &rest_a, &na) == width_of(d, 1, b, &rest_b, &nb) &&
	       na == nb && !memcmp(rest_a, rest_b, na);
}

/* Two records of one key that belong together. */
static int classify(struct casg_recdiff *d, const struct casg_recside *a,
		    const struct casg_recside *b, struct casg_err *err)
{
	enum casg_change_class kind;

	if (!casg_oid_eq(&a->oid, &b->oid))
		kind = CASG_SEQUENCE;
	else if (!casg_recside_same_desc(a, b))
		kind = same_taxon(d, a, b) ? CASG_DESCRIPTION : CASG_TAXON;
	else if (!same_looks(d, a, b))
		kind = CASG_PRESENTATION;
	else
		return 0;
	if (d->taxon_a.failed || d->taxon_b.failed)
		return casg_err_nomem(err);
	return emit(d, kind, a, b, err);
}

/* ---- the records of one key --------------------------------------------- */

static int finish_key(struct casg_recdiff *d, struct casg_member *v, size_t n,
		      struct casg_err *err)
{
	int rc = 0;

	casg_recgroup_pair(v, n);
	for (size_t i = 0; i < n && !rc; i++)
		if (!v[i].mate)
			rc = casg_recpair_add(d->pairs, &v[i].s, v[i].is_b, err);
		else if (!v[i].is_b)
			rc = classify(d, &v[i].s, &v[i].mate->s, err);
	return rc;
}

static int same_key(const struct casg_recside *a, const struct casg_recside *b)
{
	return a->klen == b->klen && !memcmp(a->key, b->key, a->klen);
}

static int flush(struct casg_recdiff *d, struct casg_err *err)
{
	int rc = 0;

	if (CASG_GROW(d->info, d->n, d->cap_info))
		return casg_err_nomem(err);
	if (d->n)
		rc = casg_locinfo(d->o.store, d->o.pool, d->o.coders, &d->v[0].s.loc,
				  sizeof(*d->v), d->n, d->info, err);
	for (size_t i = 0; i < d->n && !rc; i++) {
		struct casg_recside *s = &d->v[i].s;

		s->oid = d->info[i].id;
		s->length = d->info[i].nbytes;
		s->key = (const char *)d->text.data + (uintptr_t)s->key;
		s->desc = s->key + s->klen;
		s->pres = s->desc + s->dlen;
	}
	for (size_t i = 0, k; i < d->n && !rc; i = k) {
		for (k = i + 1; k < d->n && same_key(&d->v[i].s, &d->v[k].s); k++)
			;
		rc = finish_key(d, d->v + i, k - i, err);
	}
	d->n = 0;
	casg_buf_reset(&d->text);
	return rc;
}

/* ---- gathering ---------------------------------------------------------- */

/*
 * Is there enough to look at?  Only between keys, but for one that comes so
 * often that its records would not fit: those are then paired in parts.
 */
static int window_full(const struct casg_recdiff *d, const struct casg_entry *e)
{
	size_t factor = 1;

	if (d->n) {
		const struct casg_recside *last = &d->v[d->n - 1].s;

		if (last->klen == e->klen &&
		    !memcmp(d->text.data + (uintptr_t)last->key, e->key, e->klen))
			factor = KEY_FACTOR;
	}
	return d->n >= WINDOW * factor || d->text.len > WINDOW_NBYTES * factor;
}

static int push(struct casg_recdiff *d, int is_b, const struct casg_entry *e,
		const struct casg_loc *loc, const char *pres, size_t plen,
		struct casg_err *err)
{
	struct casg_member *x;
	const char *desc;
	int rc = casg_treediff_desc(d->trees, e, &d->desc, &desc, err);

	if (rc)
		return rc;
	if (CASG_GROW(d->v, d->n + 1, d->cap))
		return casg_err_nomem(err);
	x = &d->v[d->n++];
	memset(x, 0, sizeof(*x));
	x->is_b = is_b;
	x->s.key = (const char *)(uintptr_t)d->text.len;
	x->s.klen = e->klen;
	x->s.occurrence = e->occurrence;
	x->s.dlen = (size_t)e->dlen;
	x->s.plen = plen;
	x->s.loc = *loc;
	casg_buf_add(&d->text, e->key, e->klen);
	casg_buf_add(&d->text, desc, (size_t)e->dlen);
	casg_buf_add(&d->text, pres, plen);
	return casg_buf_check(&d->text, err);
}

static int advance(struct odd *o, struct casg_err *err)
{
	o->have = o->list ? casg_preslist_next(o->list, &o->item, err) : 0;
	return o->have < 0 ? o->have : 0;
}

static int cmp_entry(const struct casg_entry *a, const struct casg_entry *b)
{
	return casg_key_cmp(a->key, a->klen, a->occurrence, b->key, b->klen, b->occurrence);
}

/* One of a pair that differs, with its presentation. */
static int push_differing(struct casg_recdiff *d, int is_b, const struct casg_diffside *s,
			  struct casg_err *err)
{
	struct odd *o = &d->odd[is_b];
	int rc;

	if (!o->have || cmp_entry(&o->item.e, s->e))
		return push(d, is_b, s->e, &s->loc, "-", 1, err);
	rc = push(d, is_b, s->e, &s->loc, o->item.pres, o->item.plen, err);
	return rc ? rc : advance(o, err);
}

/*
 * The records before 'until' (NULL: all) that are equal in both trees and
 * unusual in either.
 */
static int push_odd(struct casg_recdiff *d, const struct casg_entry *until,
		    struct casg_err *err)
{
	struct odd *a = &d->odd[0], *b = &d->odd[1];

	for (;;) {
		int c = !a->have ? 1 : !b->have ? -1 : cmp_entry(&a->item.e, &b->item.e);
		const struct casg_presitem *first = c <= 0 ? &a->item : &b->item;
		int same, rc = 0;

		if ((!a->have && !b->have) || (until && cmp_entry(&first->e, until) >= 0))
			return 0;
		same = !c && a->item.plen == b->item.plen &&
		       !memcmp(a->item.pres, b->item.pres, a->item.plen);
		if (!same && window_full(d, &first->e))
			rc = flush(d, err);
		if (!same && !rc)
			rc = push(d, 0, &first->e, &first->loc, c <= 0 ? a->item.pres : "-",
				  c <= 0 ? a->item.plen : 1, err);
		if (!same && !rc)
			rc = push(d, 1, &first->e, &first->loc, c >= 0 ? b->item.pres : "-",
				  c >= 0 ? b->item.plen : 1, err);
		if (!rc && c <= 0)
			rc = advance(a, err);
		if (!rc && c >= 0)
			rc = advance(b, err);
		if (rc)
			return rc;
	}
}

static int gather(struct casg_recdiff *d, struct casg_err *err)
{
	struct casg_diffpair p;
	int rc = advance(&d->odd[0], err);

	if (!rc)
		rc = advance(&d->odd[1], err);
	while (!rc && (rc = casg_treediff_next_places(d->trees, &p, err)) > 0) {
		const struct casg_entry *e = p.a.e ? p.a.e : p.b.e;

		rc = push_odd(d, e, err);
		if (!rc && window_full(d, e))
			rc = flush(d, err);
		if (!rc && p.a.e)
			rc = push_differing(d, 0, &p.a, err);
		if (!rc && p.b.e)
			rc = push_differing(d, 1, &p.b, err);
	}
	if (!rc)
		rc = push_odd(d, NULL, err);
	return rc ? rc : flush(d, err);
}

/* What is left alone on either side: ids that changed, or came, or went. */
static int settle_singles(struct casg_recdiff *d, struct casg_err *err)
{
	const struct casg_recside *a, *b;
	int rc;

	while ((rc = casg_recpair_next(d->pairs, &a, &b, err)) > 0) {
		rc = emit(d, a && b ? CASG_ID : a ? CASG_WITHDRAWN : CASG_ADDED, a, b, err);
		if (rc)
			break;
	}
	return rc;
}

static int count_unchanged(struct casg_recdiff *d, const struct casg_roots *a,
			   const struct casg_roots *b, struct casg_err *err)
{
	uint64_t count_a = casg_treediff_count_a(d->trees);
	uint64_t count_b = casg_treediff_count_b(d->trees), pairs = 0;

	if ((a && a->count != count_a) || (b && b->count != count_b))
		return casg_err_set(err, CASG_ECORRUPT,
				    "the tree holds other records than the version counts");
	for (int k = CASG_SEQUENCE; k < CASG_NCLASSES; k++)
		pairs += d->count[k].n;
	d->count[CASG_UNCHANGED].n = count_a - pairs - d->count[CASG_WITHDRAWN].n;
	if (d->count[CASG_UNCHANGED].n + pairs + d->count[CASG_ADDED].n != count_b)
		return casg_err_set(err, CASG_ECORRUPT,
				    "the differences do not add up to the records of the trees");
	return 0;
}

static int open_odd(struct casg_recdiff *d, int side, const struct casg_roots *roots,
		    struct casg_err *err)
{
	if (!roots)
		return 0;
	d->odd[side].list = casg_preslist_open(d->o.store, d->coder, d->o.pool,
					       d->o.tmp_dir, roots, d->o.memory_nbytes / 8,
					       err);
	return d->odd[side].list ? 0 : CASG_ECORRUPT;
}

static int same_roots(const struct casg_roots *a, const struct casg_roots *b)
{
	return a && b && casg_oid_eq(&a->records, &b->records) &&
	       casg_oid_eq(&a->order, &b->order) &&
	       casg_oid_eq(&a->presentation, &b->presentation);
}

static int compare(struct casg_recdiff *d, const struct casg_roots *a,
		   const struct casg_roots *b, struct casg_err *err)
{
	int rc;

	d->trees = casg_treediff_open(d->o.store, d->coder, a ? &a->records : NULL,
				      b ? &b->records : NULL, err);
	if (!d->trees || open_odd(d, 0, a, err) || open_odd(d, 1, b, err))
		return CASG_ECORRUPT;
	d->pairs = casg_recpair_new(d->o.tmp_dir, d->o.memory_nbytes / 4, d->o.pool, err);
	d->out = casg_extsort_new(d->o.tmp_dir, (size_t)(d->o.memory_nbytes / 4), d->o.pool,
				  err);
	if (!d->pairs || !d->out)
		return CASG_ENOMEM;
	rc = same_roots(a, b) ? 0 : gather(d, err);
	if (!rc)
		rc = settle_singles(d, err);
	casg_recpair_free(d->pairs);
	d->pairs = NULL;
	if (!rc)
		rc = count_unchanged(d, a, b, err);
	return rc ? rc : casg_extsort_finish(d->out, err);
}

struct casg_recdiff *casg_recdiff_open(const struct casg_recdiff_opts *opts,
				       const struct casg_roots *a,
				       const struct casg_roots *b, struct casg_err *err)
{
	struct casg_recdiff *d = calloc(1, sizeof(*d));

	if (!d) {
		casg_err_nomem(err);
		return NULL;
	}
	d->o = *opts;
	d->coder = opts->coders[casg_workers_count(opts->pool) - 1];
	casg_facts_init(&d->none);
	if (compare(d, a, b, err)) {
		casg_recdiff_free(d);
		return NULL;
	}
	return d;
}

void casg_recdiff_free(struct casg_recdiff *d)
{
	if (!d)
		return;
	casg_treediff_free(d->trees);
	casg_preslist_free(d->odd[0].list);
	casg_preslist_free(d->odd[1].list);
	casg_facts_release(&d->none);
	casg_recpair_free(d->pairs);
	casg_extsort_free(d->out);
	free(d->v);
	free(d->info);
	casg_buf_release(&d->text);
	casg_buf_release(&d->desc);
	casg_buf_release(&d->item);
	casg_buf_release(&d->taxon_a);
	casg_buf_release(&d->taxon_b);
	free(d);
}

const struct casg_change_count *casg_recdiff_count(const struct casg_recdiff *d,
						   enum casg_change_class c)
{
	return &d->count[c];
}

uint64_t casg_recdiff_nodes_read(const struct casg_recdiff *d)
{
	return casg_treediff_nodes_read(d->trees);
}

int casg_recdiff_next(struct casg_recdiff *d, struct casg_change *out, struct casg_err *err)
{
	const uint8_t *item, *p, *end;
	size_t n;
	int rc = casg_extsort_next(d->out, &item, &n, err), have;

	if (rc <= 0)
		return rc;
	end = item + n;
	p = memchr(item, 0, n);
	if (!p || end - p < 7)
		return casg_err_set(err, CASG_ECORRUPT, "a scratch record is cut short");
	out->kind = p[5];
	have = p[6];
	p += 7;
	out->a = have & 1 ? &d->a : NULL;
	out->b = have & 2 ? &d->b : NULL;
	rc = out->a ? casg_recside_decode(&d->a, &p, end, err) : 0;
	if (!rc && out->b)
		rc = casg_recside_decode(&d->b, &p, end, err);
	return rc ? rc : 1;
}
