#include "taxclade.h"

#include <stdlib.h>

#include "array.h"

void casg_taxclade_release(struct casg_taxclade *c)
{
	free(c->v);
	c->v = NULL;
	c->n = c->cap = 0;
}

static int add(struct casg_taxclade *c, uint64_t i, struct casg_err *err)
{
	if (CASG_GROW(c->v, c->n + 1, c->cap))
		return casg_err_nomem(err);
	c->v[c->n++] = i;
	return 0;
}

int casg_taxclade_add_id(struct casg_taxclade *c, struct casg_taxaidx *x, const char *id,
			 size_t n, struct casg_err *err)
{
	uint64_t i;
	int rc = casg_taxaidx_find(x, id, n, &i, err);

	return rc > 0 ? add(c, i, err) : rc;
}

/* Each taxon of the index: is it in the clade? */
static int by_index(struct casg_taxclade *c, struct casg_taxaidx *x,
		    const struct casg_taxonomy *t, uint32_t taxon, uint32_t end,
		    struct casg_err *err)
{
	struct casg_buf id = CASG_BUF_INIT;
	int rc = 0;

	for (uint64_t i = 0; i < x->head.ntaxa && rc >= 0; i++) {
		struct casg_taxaidx_taxon unused;
		uint32_t found = CASG_TAXON_NONE;

		casg_buf_reset(&id);
		rc = casg_taxaidx_taxon(x, i, &unused, &id, err);
		if (!rc)
			rc = casg_taxonomy_find(t, (const char *)id.data, id.len, &found, err);
		if (rc >= 0 && found != CASG_TAXON_NONE && found >= taxon && found < end)
			rc = add(c, i, err);
	}
	casg_buf_release(&id);
	return rc < 0 ? rc : 0;
}

/* Each taxon of the clade, and each id that went into one: is it in the index? */
static int by_clade(struct casg_taxclade *c, struct casg_taxaidx *x,
		    const struct casg_taxonomy *t, uint32_t taxon, uint32_t end,
		    struct casg_err *err)
{
	uint64_t ngone = casg_taxonomy_nmerged(t) + casg_taxonomy_ndeleted(t);
	int rc = 0;

	for (uint32_t i = taxon; i < end && !rc; i++) {
		struct casg_taxon_info info;

		rc = casg_taxonomy_info(t, i, &info, err);
		if (!rc)
			rc = casg_taxclade_add_id(c, x, info.id.p, info.id.n, err);
	}
	for (uint64_t i = 0; i < ngone && !rc; i++) {
		struct casg_taxstr id;
		uint32_t into;

		rc = casg_taxonomy_gone(t, i, &id, &into, err);
		if (!rc && into != CASG_TAXON_NONE && into >= taxon && into < end)
			rc = casg_taxclade_add_id(c, x, id.p, id.n, err);
	}
	return rc;
}

int casg_taxclade_add(struct casg_taxclade *c, struct casg_taxaidx *x,
		      const struct casg_taxonomy *t, uint32_t taxon, uint32_t end,
		      struct casg_err *err)
{
	uint64_t nclade = end - taxon + casg_taxonomy_nmerged(t) + casg_taxonomy_ndeleted(t);

	return (x->head.ntaxa < nclade ? by_index : by_clade)(c, x, t, taxon, end, err);
}

static int cmp_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void casg_taxclade_settle(struct casg_taxclade *c, const struct casg_taxclade *less)
{
	size_t n = 0, k = 0;

	if (c->n)
		qsort(c->v, c->n, sizeof(*c->v), cmp_u64);
	for (size_t i = 0; i < c->n; i++) {
		while (less && k < less->n && less->v[k] < c->v[i])
			k++;
		if ((n && c->v[n - 1] == c->v[i]) ||
		    (less && k < less->n && less->v[k] == c->v[i]))
			continue;
		c->v[n++] = c->v[i];
	}
	c->n = n;
}
