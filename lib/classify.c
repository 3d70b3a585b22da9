#include "classify.h"

#include <stdlib.h>
#include <string.h>

#include "accession.h"
#include "array.h"
#include "organism.h"
#include "taxon.h"

void casg_classified_release(struct casg_classified *c)
{
	free(c->taxa);
	free(c->steps);
	casg_buf_release(&c->text);
	casg_buf_release(&c->key);
	memset(c, 0, sizeof(*c));
}

const char *casg_classified_text(const struct casg_classified *c, size_t at)
{
	return (const char *)c->text.data + at;
}

static int add_string(struct casg_classified *out, const char *p, size_t n, size_t *at_out)
{
	*at_out = out->text.len;
	casg_buf_add(&out->text, p, n);
	casg_buf_addch(&out->text, 0);
	return out->text.failed ? CASG_ENOMEM : 0;
}

/* ---- which taxa ---------------------------------------------------------- */

/* The id at 'at', which was appended last, unless it is there before: 1, 0. */
static int add_taxon(struct casg_classified *out, size_t at, struct casg_err *err)
{
	const char *id;

	if (out->text.failed)
		return casg_err_nomem(err);
	id = casg_classified_text(out, at);
	for (size_t i = 0; i < out->ntaxa; i++) {
		if (strcmp(casg_classified_text(out, out->taxa[i].id), id))
			continue;
		out->text.len = at;
		return 0;
	}
	if (CASG_GROW(out->taxa, out->ntaxa + 1, out->cap_taxa))
		return casg_err_nomem(err);
	out->taxa[out->ntaxa++] = (struct casg_class_taxon){ .id = at };
	return 1;
}

static int from_header(const char *key, size_t klen, const char *desc, size_t dlen,
		       struct casg_classified *out, struct casg_err *err)
{
	struct casg_buf list = CASG_BUF_INIT;
	const char *p, *end;
	size_t at;
	int rc = 0;

	if (casg_taxon_declared(key, klen, desc, dlen, &list)) {
		casg_buf_release(&list);
		return casg_err_nomem(err);
	}
	p = (const char *)list.data;
	end = p + list.len;
	while (rc >= 0 && p < end && *p != '-') {
		const char *comma = memchr(p, ',', (size_t)(end - p));

		if (!comma)
			comma = end;
		add_string(out, p, (size_t)(comma - p), &at);
		rc = add_taxon(out, at, err);
		p = comma + 1;
	}
	casg_buf_release(&list);
	return rc < 0 ? rc : 0;
}

/* The first of the forms of an id that is in the mapping. */
static int map_id(const struct casg_classifier *c, const struct casg_accession *id,
		  struct casg_classified *out, struct casg_err *err)
{
	struct casg_accession forms[CASG_ACCESSION_FORMS];
	size_t nforms = casg_accession_forms(id->p, id->n, forms), at;
	struct casg_taxstr desc, ids, taxon;
	int rc = 0;

	for (size_t i = 0; i < nforms && !rc; i++)
		rc = c->get(c->ctx, CASG_IN_MAPPING, forms[i].p, forms[i].n, &desc, err);
	if (rc <= 0)
		return rc;
	rc = casg_taxmap_decode(&ids, desc.p, desc.n, err);
	while (rc >= 0 && casg_taxmap_next(&ids, &taxon)) {
		add_string(out, taxon.p, taxon.n, &at);
		rc = add_taxon(out, at, err);
	}
	return rc < 0 ? rc : 0;
}

static int from_mapping(const struct casg_classifier *c, const char *key, size_t klen,
			const char *desc, size_t dlen, struct casg_classified *out,
			struct casg_err *err)
{
	struct casg_accession id = { key, klen };
	size_t at = 0;
	int rc;

	do
		rc = map_id(c, &id, out, err);
	while (!rc && casg_accession_next(desc, dlen, &at, &id));
	return rc;
}

static int from_organism(const char *desc, size_t dlen, struct casg_err *err)
{
	struct casg_taxstr name;
	size_t at = 0;

	if (!casg_organism_next(desc, dlen, &at, &name))
		return 0;
	return casg_err_set(err, CASG_EABSENT,
			    "the taxon rests on the name '%.*s', and no record says that one "
			    "taxon alone has it", (int)(name.n < 200 ? name.n : 200), name.p);
}

static int find_taxa(const struct casg_classifier *c, const char *key, size_t klen,
		     const char *desc, size_t dlen, struct casg_classified *out,
		     struct casg_err *err)
{
	int rc = 0;

	for (uint64_t from = c->from; from && !rc && !out->ntaxa; from >>= 8) {
		enum casg_taxon_source source = (enum casg_taxon_source)(from & 0xff);

		if (source == CASG_TAXON_HEADER)
			rc = from_header(key, klen, desc, dlen, out, err);
		else if (source == CASG_TAXON_ORGANISM)
			rc = from_organism(desc, dlen, err);
		else if (c->has_mapping)
			rc = from_mapping(c, key, klen, desc, dlen, out, err);
		if (out->ntaxa)
			out->source = source;
	}
	return rc;
}

/* ---- their lineages ------------------------------------------------------ */

/* What is found for the key in out->key, which then is 'next'. */
static int look_up(const struct casg_classifier *c, struct casg_classified *out,
		   struct casg_taxrec *r, struct casg_err *err)
{
	struct casg_taxstr desc;
	int rc = c->get(c->ctx, CASG_IN_TAXONOMY, (const char *)out->key.data, out->key.len,
			&desc, err);

	if (rc <= 0)
		return rc;
	rc = casg_taxrec_decode(r, desc.p, desc.n, err);
	return rc ? rc : 1;
}

static int set_key(struct casg_classified *out, const struct casg_taxstr *key,
		   struct casg_err *err)
{
	casg_buf_reset(&out->key);
	casg_buf_add(&out->key, key->p, key->n);
	return casg_buf_check(&out->key, err);
}

static int bad(const struct casg_classified *out, const char *what, struct casg_err *err)
{
	size_t n = out->key.len < 200 ? out->key.len : 200;

	return casg_err_set(err, CASG_ECORRUPT, "bad taxonomy: taxon '%.*s' %s", (int)n,
			    (const char *)out->key.data, what);
}

/* The record that the id in out->key stands for, and is the key of then. */
static int follow_merged(const struct casg_classifier *c, struct casg_class_taxon *t,
			 struct casg_classified *out, struct casg_taxrec *r,
			 struct casg_err *err)
{
	int rc = look_up(c, out, r, err);

	if (rc < 0)
		return rc;
	t->status = rc ? CASG_TAXON_FOUND : CASG_TAXON_UNKNOWN;
	for (size_t n = 0; rc && r->kind == CASG_TAXREC_MERGED; n++) {
		t->status = CASG_TAXON_MERGED;
		if (n == CASG_LINEAGE_MAX)
			return bad(out, "is merged on and on", err);
		rc = set_key(out, &r->into, err);
		if (!rc)
			rc = look_up(c, out, r, err);
		if (rc < 0)
			return rc;
		if (!rc || r->kind == CASG_TAXREC_DELETED)
			return bad(out, "is not there, and another was merged into it", err);
	}
	if (rc && r->kind == CASG_TAXREC_DELETED)
		t->status = CASG_TAXON_DELETED;
	return 0;
}

static int add_step(struct casg_classified *out, const struct casg_taxrec *r,
		    struct casg_err *err)
{
	struct casg_class_step s;

	if (add_string(out, (const char *)out->key.data, out->key.len, &s.id) ||
	    add_string(out, r->rank.p, r->rank.n, &s.rank) ||
	    add_string(out, r->name.p, r->name.n, &s.name) ||
	    CASG_GROW(out->steps, out->nsteps + 1, out->cap_steps))
		return casg_err_nomem(err);
	out->steps[out->nsteps++] = s;
	return 0;
}

/* From the record of a taxon, whose key is out->key, up to the root. */
static int climb(const struct casg_classifier *c, struct casg_class_taxon *t,
		 struct casg_classified *out, struct casg_taxrec *r, struct casg_err *err)
{
	int rc;

	t->first = out->nsteps;
	for (;;) {
		if (out->nsteps - t->first == CASG_LINEAGE_MAX)
			return bad(out, "has too long a lineage", err);
		rc = add_step(out, r, err);
		if (rc)
			return rc;
		t->n = out->nsteps - t->first;
		/* a root is its own parent */
		if (r->parent.n == out->key.len && !memcmp(r->parent.p, out->key.data, out->key.len))
			return 0;
		rc = set_key(out, &r->parent, err);
		if (!rc)
			rc = look_up(c, out, r, err);
		if (rc < 0)
			return rc;
		if (!rc || r->kind != CASG_TAXREC_NODE)
			return bad(out, "is the parent of one, and is none", err);
	}
}

static int find_lineage(const struct casg_classifier *c, struct casg_class_taxon *t,
			struct casg_classified *out, struct casg_err *err)
{
	struct casg_taxstr id = { casg_classified_text(out, t->id), 0 };
	struct casg_taxrec r;
	int rc;

	id.n = strlen(id.p);
	rc = set_key(out, &id, err);
	if (!rc)
		rc = follow_merged(c, t, out, &r, err);
	if (!rc && (t->status == CASG_TAXON_FOUND || t->status == CASG_TAXON_MERGED))
		rc = climb(c, t, out, &r, err);
	return rc;
}

int casg_classify(const struct casg_classifier *c, const char *key, size_t klen,
		  const char *desc, size_t dlen, struct casg_classified *out,
		  struct casg_err *err)
{
	int rc;

	out->source = 0;
	out->ntaxa = out->nsteps = 0;
	casg_buf_reset(&out->text);
	rc = find_taxa(c, key, klen, desc, dlen, out, err);
	for (size_t i = 0; !rc && i < out->ntaxa; i++)
		rc = find_lineage(c, &out->taxa[i], out, err);
	return rc;
}
