#include "recquery.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "taxon.h"

struct ranges {
	struct casg_taxon_range *v;
	size_t n, cap;
};

struct casg_recquery {
	struct casg_recquery_opts o;
	struct casg_pattern *name, *key, *desc;
	struct ranges taxa, exclude;
	struct casg_recquery_taxa now, old;
};

int casg_recquery_declared(void *ctx, const char *key, size_t klen, const char *desc,
			   size_t dlen, struct casg_buf *out, struct casg_err *err)
{
	size_t at = out->len;

	(void)ctx;
	if (casg_taxon_declared(key, klen, desc, dlen, out) || casg_buf_check(out, err))
		return casg_err_nomem(err);
	if (out->len - at == 1 && out->data[at] == '-') {
		out->len = at;
		return 0;
	}
	for (size_t i = at; i < out->len; i++)
		if (out->data[i] == ',')
			out->data[i] = '\0';
	casg_buf_addch(out, '\0');
	return casg_buf_check(out, err);
}

/* ---- making one --------------------------------------------------------- */

static int cmp_ranges(const void *a, const void *b)
{
	const struct casg_taxon_range *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* The subtrees of what was typed, ascending, none inside another. */
static int resolve_ranges(const struct casg_taxonomy *t, const char *const *names, size_t n,
			  struct ranges *out, struct casg_err *err)
{
	size_t kept = 0;

	if (n && CASG_GROW(out->v, n, out->cap))
		return casg_err_nomem(err);
	for (size_t i = 0; i < n; i++) {
		struct casg_taxon_info info;
		uint32_t taxon;
		int rc = casg_taxonomy_resolve(t, names[i], &taxon, err);

		if (!rc)
			rc = casg_taxonomy_info(t, taxon, &info, err);
		if (rc)
			return rc;
		out->v[out->n++] = (struct casg_taxon_range){ taxon, info.end };
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), cmp_ranges);
	for (size_t i = 0; i < out->n; i++)
		if (!kept || out->v[i].from >= out->v[kept - 1].to)
			out->v[kept++] = out->v[i];
	out->n = kept;
	return 0;
}

static int make_pattern(struct casg_pattern **p, const char *text, int regexp,
			struct casg_err *err)
{
	*p = text ? casg_pattern_new(text, regexp, err) : NULL;
	return text && !*p ? err->code : 0;
}

struct casg_recquery *casg_recquery_new(const struct casg_recquery_opts *o,
					struct casg_err *err)
{
	struct casg_recquery *q = calloc(1, sizeof(*q));
	int rc;

	if (!q) {
		casg_err_nomem(err);
		return NULL;
	}
	q->o = *o;
	rc = make_pattern(&q->name, o->name, o->regexp, err);
	if (!rc)
		rc = make_pattern(&q->key, o->key, o->regexp, err);
	if (!rc)
		rc = make_pattern(&q->desc, o->desc, o->regexp, err);
	if (!rc && o->now.t)
		rc = resolve_ranges(o->now.t, o->taxa, o->ntaxa, &q->taxa, err);
	if (!rc && o->now.t)
		rc = resolve_ranges(o->now.t, o->exclude, o->nexclude, &q->exclude, err);
	if (rc) {
		casg_recquery_free(q);
		return NULL;
	}
	return q;
}

void casg_recquery_taxa_release(struct casg_recquery_taxa *t)
{
	casg_buf_release(&t->ids);
	free(t->v);
	memset(t, 0, sizeof(*t));
}

void casg_recquery_free(struct casg_recquery *q)
{
	if (!q)
		return;
	casg_pattern_free(q->name);
	casg_pattern_free(q->key);
	casg_pattern_free(q->desc);
	free(q->taxa.v);
	free(q->exclude.v);
	casg_recquery_taxa_release(&q->now);
	casg_recquery_taxa_release(&q->old);
	free(q);
}

size_t casg_recquery_ranges(const struct casg_recquery *q, const struct casg_taxon_range **out)
{
	*out = q->taxa.v;
	return q->taxa.n;
}

/* ---- the taxa of a record ----------------------------------------------- */

static int within(const struct ranges *r, uint32_t taxon)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->v[mid].to <= taxon)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->n && r->v[low].from <= taxon;
}

int casg_recquery_find(struct casg_recquery *q, int old, const char *key, size_t klen,
		       const char *desc, size_t dlen, struct casg_recquery_taxa *out,
		       struct casg_err *err)
{
	const struct casg_recquery_side *s = old ? &q->o.old : &q->o.now;
	size_t at = 0;
	int rc;

	out->n = 0;
	out->chosen = CASG_TAXON_NONE;
	casg_buf_reset(&out->ids);
	rc = s->fn(s->ctx, key, klen, desc, dlen, &out->ids, err);
	if (rc || !s->t)
		return rc;
	while (at < out->ids.len) {
		const char *id = (const char *)out->ids.data + at;
		size_t n = strlen(id);
		uint32_t taxon;

		at += n + 1;
		rc = casg_taxonomy_find(s->t, id, n, &taxon, err);
		if (rc < 0)
			return rc;
		if (taxon == CASG_TAXON_NONE)
			continue;
		if (CASG_GROW(out->v, out->n + 1, out->cap))
			return casg_err_nomem(err);
		out->v[out->n++] = taxon;
	}
	for (size_t i = 0; !old && i < out->n && out->chosen == CASG_TAXON_NONE; i++)
		if (within(&q->taxa, out->v[i]))
			out->chosen = out->v[i];
	if (out->chosen == CASG_TAXON_NONE && out->n)
		out->chosen = out->v[0];
	return 0;
}

/* ---- conditions --------------------------------------------------------- */

/* Without a taxonomy: is one of the ids one of these? */
static int id_among(const struct casg_buf *ids, const char *const *names, size_t n)
{
	for (size_t at = 0; at < ids->len; at += strlen((const char *)ids->data + at) + 1)
		for (size_t i = 0; i < n; i++)
			if (!strcmp((const char *)ids->data + at, names[i]))
				return 1;
	return 0;
}

static int among(const struct casg_recquery *q, const struct ranges *r,
		 const char *const *names, size_t n)
{
	if (!q->o.now.t)
		return id_among(&q->now.ids, names, n);
	for (size_t i = 0; i < q->now.n; i++)
		if (within(r, q->now.v[i]))
			return 1;
	return 0;
}

static int has_rank(const struct casg_recquery *q, struct casg_err *err)
{
	for (size_t i = 0; i < q->now.n; i++) {
		uint32_t found;
		int rc = casg_taxonomy_at_rank(q->o.now.t, q->now.v[i], q->o.rank, &found, err);

		if (rc || found != CASG_TAXON_NONE)
			return rc ? rc : 1;
	}
	return 0;
}

static int has_name(struct casg_recquery *q, const struct casg_taxonomy *t,
		    const struct casg_recquery_taxa *taxa, struct casg_err *err)
{
	for (size_t i = 0; i < taxa->n; i++) {
		struct casg_taxon_info info;
		int rc = casg_taxonomy_info(t, taxa->v[i], &info, err);

		if (!rc)
			rc = casg_pattern_match(q->name, info.name.p, info.name.n, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int same(const struct casg_taxstr *a, const struct casg_taxstr *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->p, b->p, a->n));
}

/* Is there, among these, one that at the rank is what 'info' says (NULL: nothing)? */
static int holds(const struct casg_taxonomy *t, const struct casg_recquery_taxa *taxa,
		 const char *rank, const struct casg_taxon_info *info, struct casg_err *err)
{
	for (size_t i = 0; i < taxa->n; i++) {
		struct casg_taxon_info other;
		uint32_t found;
		int rc = casg_taxonomy_at_rank(t, taxa->v[i], rank, &found, err);

		if (rc)
			return rc;
		if (found == CASG_TAXON_NONE) {
			if (!info)
				return 1;
			continue;
		}
		rc = casg_taxonomy_info(t, found, &other, err);
		if (rc)
			return rc;
		if (info && same(&info->id, &other.id) && same(&info->name, &other.name))
			return 1;
	}
	return 0;
}

/* Does each of the first have its like among the second? */
static int covered(const struct casg_taxonomy *t, const struct casg_recquery_taxa *taxa,
		   const struct casg_taxonomy *by, const struct casg_recquery_taxa *others,
		   const char *rank, struct casg_err *err)
{
	for (size_t i = 0; i < taxa->n; i++) {
		struct casg_taxon_info info;
		uint32_t found;
		int rc = casg_taxonomy_at_rank(t, taxa->v[i], rank, &found, err);

		if (!rc && found != CASG_TAXON_NONE)
			rc = casg_taxonomy_info(t, found, &info, err);
		if (!rc)
			rc = holds(by, others, rank, found == CASG_TAXON_NONE ? NULL : &info, err);
		if (rc <= 0)
			return rc;
	}
	return 1;
}

static int differs(const struct casg_recquery *q, struct casg_err *err)
{
	const struct casg_taxonomy *a = q->o.old.t, *b = q->o.now.t;
	int rc;

	if (!q->now.n || !q->old.n)
		return 0;
	rc = covered(a, &q->old, b, &q->now, q->o.differs, err);
	if (rc > 0)
		rc = covered(b, &q->now, a, &q->old, q->o.differs, err);
	return rc < 0 ? rc : !rc;
}

static int test_text(struct casg_recquery *q, const char *key, size_t klen, const char *desc,
		     size_t dlen, struct casg_err *err)
{
	int rc = q->key ? casg_pattern_match(q->key, key, klen, err) : 1;

	if (rc <= 0 || !q->desc)
		return rc;
	while (dlen && (*desc == ' ' || *desc == '\t')) {
		desc++;
		dlen--;
	}
	return casg_pattern_match(q->desc, desc, dlen, err);
}

static int test_taxa(struct casg_recquery *q, struct casg_err *err)
{
	int rc = 1;

	if (q->o.ntaxa && !among(q, &q->taxa, q->o.taxa, q->o.ntaxa))
		return 0;
	if (q->o.nexclude && among(q, &q->exclude, q->o.exclude, q->o.nexclude))
		return 0;
	if (q->o.rank)
		rc = has_rank(q, err);
	if (rc > 0 && q->name) {
		rc = has_name(q, q->o.now.t, &q->now, err);
		if (!rc && q->o.old.t)
			rc = has_name(q, q->o.old.t, &q->old, err);
	}
	if (rc > 0 && q->o.differs)
		rc = differs(q, err);
	return rc;
}

int casg_recquery_test(struct casg_recquery *q, const char *key, size_t klen,
		       const char *desc, size_t dlen, struct casg_err *err)
{
	int taxa = q->o.ntaxa || q->o.nexclude || q->o.rank || q->name || q->o.differs;
	int rc = test_text(q, key, klen, desc, dlen, err);

	if (rc <= 0 || !taxa)
		return rc;
	rc = casg_recquery_find(q, 0, key, klen, desc, dlen, &q->now, err);
	if (!rc && q->o.old.t)
		rc = casg_recquery_find(q, 1, key, klen, desc, dlen, &q->old, err);
	return rc ? rc : test_taxa(q, err);
}
