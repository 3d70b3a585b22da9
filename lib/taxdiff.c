#include "taxdiff.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "buf.h"
#include "taxpair.h"
#include "taxrec.h"

struct casg_taxdiff {
	struct casg_taxside a, b;
	struct casg_taxdelta *v;
	size_t n, cap;
	uint64_t counts[CASG_NTAXCHANGES + 1];
	uint64_t nodes_read;
};

/* A growing list of taxon numbers. */
struct numbers {
	uint32_t *v;
	size_t n, cap;
};

static int add_number(struct numbers *l, uint32_t x, struct casg_err *err)
{
	if (CASG_GROW(l->v, l->n + 1, l->cap))
		return casg_err_nomem(err);
	l->v[l->n++] = x;
	return 0;
}

static int cmp_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void sort_numbers(struct numbers *l)
{
	size_t n = 0;

	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), cmp_numbers);
	for (size_t i = 0; i < l->n; i++)
		if (!n || l->v[n - 1] != l->v[i])
			l->v[n++] = l->v[i];
	l->n = n;
}

/* ---- what differs ------------------------------------------------------- */

static int same(const struct casg_taxstr *a, const struct casg_taxstr *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->p, b->p, a->n));
}

/* The taxon with an id in key form, or of what it was merged into. */
static int find_key(const struct casg_taxonomy *t, const char *key, size_t n,
		    struct casg_buf *id, uint32_t *out, struct casg_err *err)
{
	int rc;

	casg_buf_reset(id);
	rc = casg_taxid_from_key(id, key, n, err);
	if (!rc)
		rc = casg_taxonomy_find(t, (const char *)id->data, id->len, out, err);
	return rc;
}

static int must_find(const struct casg_taxonomy *t, const char *key, size_t n,
		     struct casg_buf *id, uint32_t *out, struct casg_err *err)
{
	int rc = find_key(t, key, n, id, out, err);

	if (rc < 0 || rc == CASG_TAXON_FOUND)
		return rc < 0 ? rc : 0;
	return casg_err_set(err, CASG_ECORRUPT,
			    "the index of the taxonomy lacks taxon '%.*s'",
			    (int)(n < 80 ? n : 80), key);
}

static unsigned int compare_nodes(const struct casg_taxrec *a, const struct casg_taxrec *b)
{
	unsigned int flags = 0;

	if (!same(&a->parent, &b->parent))
		flags |= CASG_TAXDELTA_MOVED;
	if (!same(&a->name, &b->name))
		flags |= CASG_TAXDELTA_RENAMED;
	if (!same(&a->rank, &b->rank))
		flags |= CASG_TAXDELTA_RANK;
	if (!same(&a->rest, &b->rest) || !same(&a->unique, &b->unique) ||
	    !same(&a->others, &b->others))
		flags |= CASG_TAXDELTA_DETAILS;
	return flags;
}

static int kind_of_flags(unsigned int flags)
{
	return flags & CASG_TAXDELTA_MOVED ? CASG_TAXCHANGE_MOVED :
	       flags & CASG_TAXDELTA_RENAMED ? CASG_TAXCHANGE_RENAMED :
	       flags & CASG_TAXDELTA_RANK ? CASG_TAXCHANGE_RANK : CASG_TAXCHANGE_UNCHANGED;
}

/* 1 and *out, or 0 when the id is a taxon of neither. */
static int classify(const struct casg_taxdiff *d, const struct casg_taxpair *p,
		    struct casg_buf *id, struct casg_taxdelta *out, struct casg_err *err)
{
	int in_a = p->a.state == CASG_TAXSTATE_NODE, in_b = p->b.state == CASG_TAXSTATE_NODE;
	int rc = 0;

	if (!in_a && !in_b)
		return 0;
	memset(out, 0, sizeof(*out));
	out->a = out->b = out->into = CASG_TAXON_NONE;
	if (in_a)
		rc = must_find(d->a.t, p->key, p->klen, id, &out->a, err);
	if (!rc && in_b)
		rc = must_find(d->b.t, p->key, p->klen, id, &out->b, err);
	if (in_a && in_b) {
		out->flags = compare_nodes(&p->a.rec, &p->b.rec);
		out->kind = kind_of_flags(out->flags);
	} else if (in_b) {
		out->kind = CASG_TAXCHANGE_NEW;
		if (p->a.state != CASG_TAXSTATE_ABSENT)
			out->flags |= CASG_TAXDELTA_REUSED;
	} else if (p->b.state == CASG_TAXSTATE_MERGED) {
		out->kind = CASG_TAXCHANGE_MERGED;
		if (!rc)
			rc = find_key(d->b.t, p->b.rec.into.p, p->b.rec.into.n, id,
				      &out->into, err);
	} else {
		out->kind = CASG_TAXCHANGE_DELETED;
	}
	return rc < 0 ? rc : 1;
}

static int collect(struct casg_taxdiff *d, struct casg_store *s, struct casg_coder *c,
		   struct casg_err *err)
{
	struct casg_taxpairs *pairs = casg_taxpairs_open(s, c, &d->a.root, &d->b.root, err);
	struct casg_buf id = CASG_BUF_INIT;
	struct casg_taxpair p;
	int rc;

	if (!pairs)
		return err->code;
	while ((rc = casg_taxpairs_next(pairs, &p, err)) > 0) {
		if (CASG_GROW(d->v, d->n + 1, d->cap)) {
			rc = casg_err_nomem(err);
			break;
		}
		rc = classify(d, &p, &id, &d->v[d->n], err);
		if (rc < 0)
			break;
		d->n += (size_t)rc;
	}
	d->nodes_read = casg_taxpairs_nodes_read(pairs);
	casg_taxpairs_free(pairs);
	casg_buf_release(&id);
	return rc;
}

/* ---- heirs -------------------------------------------------------------- */

/* The rank, NUL-terminated, if there is one that several taxa can be compared by. */
static int comparable_rank(const struct casg_taxon_info *i, char rank[64])
{
	if (!i->rank.n || i->rank.n >= 64 || memchr(i->rank.p, '\0', i->rank.n))
		return 0;
	memcpy(rank, i->rank.p, i->rank.n);
	rank[i->rank.n] = '\0';
	return strcmp(rank, "no rank") && strcmp(rank, "clade") && strcmp(rank, "-");
}

/* The taxon of one version in another: FOUND, or it is none there. */
static int counterpart(const struct casg_taxonomy *from, uint32_t taxon,
		       const struct casg_taxonomy *to, uint32_t *out, struct casg_err *err)
{
	struct casg_taxon_info i;
	int rc = casg_taxonomy_info(from, taxon, &i, err);

	if (!rc)
		rc = casg_taxonomy_find(to, i.id.p, i.id.n, out, err);
	return rc < 0 ? rc : rc == CASG_TAXON_FOUND;
}

static int cmp_heirs(const void *a, const void *b)
{
	const struct casg_heir *x = a, *y = b;

	if (x->nleaves != y->nleaves)
		return x->nleaves > y->nleaves ? -1 : 1;
	return x->taxon < y->taxon ? -1 : x->taxon > y->taxon;
}

/* The heir of each leaf, in *l; those without one as CASG_TAXON_NONE. */
static int list_heirs(const struct casg_taxdiff *d, uint32_t a,
		      const struct casg_taxon_info *top, const char *rank, struct numbers *l,
		      uint64_t *ngone, struct casg_err *err)
{
	for (uint32_t x = a + 1; x < top->end; x++) {
		struct casg_taxon_info leaf;
		uint32_t b, heir;
		int rc = casg_taxonomy_info(d->a.t, x, &leaf, err);

		if (rc)
			return rc;
		if (leaf.end != x + 1)
			continue;
		rc = casg_taxonomy_find(d->b.t, leaf.id.p, leaf.id.n, &b, err);
		if (rc < 0)
			return rc;
		if (rc != CASG_TAXON_FOUND) {
			++*ngone;
			continue;
		}
		rc = casg_taxonomy_at_rank(d->b.t, b, rank, &heir, err);
		if (rc || (rc = add_number(l, heir, err)))
			return rc;
	}
	return 0;
}

int casg_taxdiff_heirs(const struct casg_taxdiff *d, uint32_t a, struct casg_heirs *out,
		       struct casg_err *err)
{
	struct casg_taxon_info top;
	struct numbers l = { 0 };
	char rank[64];
	int rc = casg_taxonomy_info(d->a.t, a, &top, err);

	out->n = 0;
	out->nleaves = out->ngone = 0;
	if (rc || !comparable_rank(&top, rank))
		return rc;
	rc = list_heirs(d, a, &top, rank, &l, &out->ngone, err);
	if (!rc && l.n)
		qsort(l.v, l.n, sizeof(*l.v), cmp_numbers);
	for (size_t i = 0; !rc && i < l.n; i++) {
		if (!i || l.v[i] != l.v[i - 1]) {
			if (CASG_GROW(out->v, out->n + 1, out->cap)) {
				rc = casg_err_nomem(err);
				break;
			}
			out->v[out->n++] = (struct casg_heir){ l.v[i], 0 };
		}
		out->v[out->n - 1].nleaves++;
		out->nleaves++;
	}
	free(l.v);
	if (!rc && out->n)
		qsort(out->v, out->n, sizeof(*out->v), cmp_heirs);
	return rc;
}

/* ---- what was split ----------------------------------------------------- */

/*
 * Taxa of the first version that may be: at the rank of the new taxon 'b',
 * they held a leaf that is below it now.
 */
static int add_donors(const struct casg_taxdiff *d, uint32_t b, struct numbers *donors,
		      struct casg_err *err)
{
	struct casg_taxon_info top, leaf;
	char rank[64];
	int rc = casg_taxonomy_info(d->b.t, b, &top, err);

	if (rc || !comparable_rank(&top, rank))
		return rc;
	for (uint32_t x = b + 1; x < top.end; x++) {
		uint32_t a, donor;

		rc = counterpart(d->b.t, x, d->a.t, &a, err);
		if (rc < 0)
			return rc;
		if (!rc)
			continue;
		rc = casg_taxonomy_info(d->a.t, a, &leaf, err);
		if (!rc && leaf.end != a + 1)
			continue;
		if (!rc)
			rc = casg_taxonomy_at_rank(d->a.t, a, rank, &donor, err);
		if (!rc && donor != CASG_TAXON_NONE && donor != a &&
		    (!donors->n || donors->v[donors->n - 1] != donor))
			rc = add_number(donors, donor, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* 1 or 0, or negative. */
static int is_split(const struct casg_taxdiff *d, const struct casg_heirs *h,
		    struct casg_err *err)
{
	size_t nheirs = 0, nnew = 0;

	for (size_t i = 0; i < h->n; i++) {
		uint32_t a;
		int rc;

		if (h->v[i].taxon == CASG_TAXON_NONE)
			continue;
		nheirs++;
		rc = counterpart(d->b.t, h->v[i].taxon, d->a.t, &a, err);
		if (rc < 0)
			return rc;
		nnew += !rc;
	}
	return nheirs > 1 && nnew > 0;
}

/* Of the donors those that were split, ascending. */
static int find_splits(const struct casg_taxdiff *d, struct numbers *splits,
		       struct casg_err *err)
{
	struct numbers donors = { 0 };
	struct casg_heirs heirs = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && i < d->n; i++)
		if (d->v[i].kind == CASG_TAXCHANGE_NEW)
			rc = add_donors(d, d->v[i].b, &donors, err);
	sort_numbers(&donors);
	for (size_t i = 0; !rc && i < donors.n; i++) {
		rc = casg_taxdiff_heirs(d, donors.v[i], &heirs, err);
		if (!rc)
			rc = is_split(d, &heirs, err);
		if (rc > 0)
			rc = add_number(splits, donors.v[i], err);
	}
	free(donors.v);
	free(heirs.v);
	return rc;
}

static void mark_split(struct casg_taxdelta *x)
{
	x->flags |= CASG_TAXDELTA_SPLIT;
	if (x->kind != CASG_TAXCHANGE_MERGED)
		x->kind = CASG_TAXCHANGE_SPLIT;
}

/* Mark those in the list; what is left of 'splits' is not in it. */
static int mark_listed(struct casg_taxdiff *d, struct numbers *splits, struct casg_err *err)
{
	char *seen = calloc(splits->n + 1, 1);
	size_t n = 0;

	if (!seen)
		return casg_err_nomem(err);
	for (size_t i = 0; splits->n && i < d->n; i++) {
		const uint32_t *p = bsearch(&d->v[i].a, splits->v, splits->n,
					    sizeof(*splits->v), cmp_numbers);

		if (p) {
			mark_split(&d->v[i]);
			seen[p - splits->v] = 1;
		}
	}
	for (size_t i = 0; i < splits->n; i++)
		if (!seen[i])
			splits->v[n++] = splits->v[i];
	splits->n = n;
	free(seen);
	return 0;
}

/* A taxon that is split though its own record is the same. */
struct extra {
	struct casg_buf key;   /* its id, key form */
	size_t at;             /* how many of the list come before it */
	struct casg_taxdelta x;
};

static int cmp_keys(const struct casg_buf *a, const struct casg_buf *b)
{
	const struct casg_taxstr x = { (const char *)a->data, a->len };
	const struct casg_taxstr y = { (const char *)b->data, b->len };

	return casg_taxstr_cmp(&x, &y);
}

static int cmp_extras(const void *a, const void *b)
{
	return cmp_keys(&((const struct extra *)a)->key, &((const struct extra *)b)->key);
}

static int key_of(const struct casg_taxdiff *d, const struct casg_taxdelta *x,
		  struct casg_buf *key, struct casg_err *err)
{
	struct casg_taxon_info i;
	int rc = x->a != CASG_TAXON_NONE ? casg_taxonomy_info(d->a.t, x->a, &i, err)
					 : casg_taxonomy_info(d->b.t, x->b, &i, err);

	casg_buf_reset(key);
	return rc ? rc : casg_taxid_to_key(key, i.id.p, i.id.n, err);
}

static int find_place(const struct casg_taxdiff *d, struct extra *e, struct casg_err *err)
{
	struct casg_buf key = CASG_BUF_INIT;
	size_t low = 0, high = d->n;
	int rc = 0;

	while (!rc && low < high) {
		size_t mid = low + (high - low) / 2;

		rc = key_of(d, &d->v[mid], &key, err);
		if (!rc && cmp_keys(&key, &e->key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	e->at = low;
	casg_buf_release(&key);
	return rc;
}

static int make_extra(const struct casg_taxdiff *d, uint32_t a, struct extra *e,
		      struct casg_err *err)
{
	int rc;

	e->x = (struct casg_taxdelta){ .a = a, .into = CASG_TAXON_NONE };
	mark_split(&e->x);
	rc = counterpart(d->a.t, a, d->b.t, &e->x.b, err);
	if (!rc)
		rc = casg_err_set(err, CASG_ECORRUPT,
				  "the index of the taxonomy lacks a taxon of its tree");
	return rc < 0 ? rc : key_of(d, &e->x, &e->key, err);
}

/* Put them where they belong in the list. */
static int merge_extras(struct casg_taxdiff *d, const struct extra *e, size_t n,
			struct casg_err *err)
{
	size_t from = d->n, to = d->n + n;

	if (CASG_GROW(d->v, to, d->cap))
		return casg_err_nomem(err);
	d->n = to;
	while (n) {
		if (e[n - 1].at == from)
			d->v[--to] = e[--n].x;
		else
			d->v[--to] = d->v[--from];
	}
	return 0;
}

static int add_extras(struct casg_taxdiff *d, const struct numbers *splits,
		      struct casg_err *err)
{
	struct extra *e = calloc(splits->n + 1, sizeof(*e));
	int rc = 0;

	if (!e)
		return casg_err_nomem(err);
	for (size_t i = 0; !rc && i < splits->n; i++) {
		rc = make_extra(d, splits->v[i], &e[i], err);
		if (!rc)
			rc = find_place(d, &e[i], err);
	}
	if (!rc) {
		qsort(e, splits->n, sizeof(*e), cmp_extras);
		rc = merge_extras(d, e, splits->n, err);
	}
	for (size_t i = 0; i < splits->n; i++)
		casg_buf_release(&e[i].key);
	free(e);
	return rc;
}

static int mark_splits(struct casg_taxdiff *d, struct casg_err *err)
{
	struct numbers splits = { 0 };
	int rc = find_splits(d, &splits, err);

	if (!rc)
		rc = mark_listed(d, &splits, err);
	if (!rc)
		rc = add_extras(d, &splits, err);
	free(splits.v);
	return rc;
}

/* ---- all of it ---------------------------------------------------------- */

/* Count, and see that it adds up with the numbers of taxa. */
static int count_all(struct casg_taxdiff *d, struct casg_err *err)
{
	uint64_t in_a = casg_taxonomy_count(d->a.t), in_b = casg_taxonomy_count(d->b.t);
	uint64_t only_a = 0, only_b = 0, both = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct casg_taxdelta *x = &d->v[i];

		d->counts[x->kind]++;
		only_a += x->b == CASG_TAXON_NONE;
		only_b += x->a == CASG_TAXON_NONE;
		both += x->a != CASG_TAXON_NONE && x->b != CASG_TAXON_NONE &&
			x->kind != CASG_TAXCHANGE_UNCHANGED;
	}
	if (only_a > in_a || only_b > in_b || in_a - only_a != in_b - only_b ||
	    both > in_a - only_a)
		return casg_err_set(err, CASG_ECORRUPT,
				    "the taxonomies and their indexes do not agree");
	d->counts[CASG_TAXCHANGE_UNCHANGED] = in_a - only_a - both;
	return 0;
}

struct casg_taxdiff *casg_taxdiff_open(struct casg_store *s, struct casg_coder *c,
				       const struct casg_taxside *a,
				       const struct casg_taxside *b, struct casg_err *err)
{
	struct casg_taxdiff *d = calloc(1, sizeof(*d));

	if (!d) {
		casg_err_nomem(err);
		return NULL;
	}
	d->a = *a;
	d->b = *b;
	if (collect(d, s, c, err) || mark_splits(d, err) || count_all(d, err)) {
		casg_taxdiff_free(d);
		return NULL;
	}
	return d;
}

void casg_taxdiff_free(struct casg_taxdiff *d)
{
	if (!d)
		return;
	free(d->v);
	free(d);
}

uint64_t casg_taxdiff_count(const struct casg_taxdiff *d, int kind)
{
	return d->counts[kind];
}

uint64_t casg_taxdiff_flagged(const struct casg_taxdiff *d, unsigned int flag)
{
	uint64_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += (d->v[i].flags & flag) != 0;
	return n;
}

size_t casg_taxdiff_n(const struct casg_taxdiff *d)
{
	return d->n;
}

const struct casg_taxdelta *casg_taxdiff_get(const struct casg_taxdiff *d, size_t i)
{
	return &d->v[i];
}

uint64_t casg_taxdiff_nodes_read(const struct casg_taxdiff *d)
{
	return d->nodes_read;
}
