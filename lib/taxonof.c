#include "taxonof.h"

#include <stdlib.h>
#include <string.h>

#include "accession.h"
#include "organism.h"
#include "sum.h"
#include "taxon.h"

enum { NNAMES = 4096 };

/* What a name was found to be: the same few come again and again. */
struct known {
	struct casg_buf name;
	uint32_t taxon;
};

struct casg_taxonof {
	uint64_t from;
	const struct casg_taxonomy *taxonomy;
	struct casg_taxmap *map;
	struct casg_buf declared;
	struct known names[NNAMES];
};

struct casg_taxonof *casg_taxonof_new(uint64_t from, const struct casg_taxonomy *taxonomy,
				      struct casg_taxmap *map, struct casg_err *err)
{
	struct casg_taxonof *t = calloc(1, sizeof(*t));

	if (!t) {
		casg_err_nomem(err);
		return NULL;
	}
	t->from = from;
	t->taxonomy = taxonomy;
	t->map = map;
	return t;
}

void casg_taxonof_free(struct casg_taxonof *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < NNAMES; i++)
		casg_buf_release(&t->names[i].name);
	casg_buf_release(&t->declared);
	free(t);
}

/* Is the id, which ends in NUL, the last of 'out', there before, from 'base' on? */
static int is_twice(const struct casg_buf *out, size_t base, size_t last)
{
	const char *p = (const char *)out->data + base;
	const char *id = (const char *)out->data + last;

	for (; p < id; p += strlen(p) + 1)
		if (!strcmp(p, id))
			return 1;
	return 0;
}

/* End the id that was appended from 'at' on; its number in what begins at 'base'. */
static int end_id(struct casg_buf *out, size_t base, size_t at, struct casg_err *err)
{
	casg_buf_addch(out, 0);
	if (casg_buf_check(out, err))
		return CASG_ENOMEM;
	if (!is_twice(out, base, at))
		return 1;
	out->len = at;
	return 0;
}

/* ---- header -------------------------------------------------------------- */

static int from_header(struct casg_taxonof *t, const char *key, size_t klen,
		       const char *desc, size_t dlen, struct casg_buf *out,
		       struct casg_err *err)
{
	const char *p, *end;
	int n = 0;

	casg_buf_reset(&t->declared);
	if (casg_taxon_declared(key, klen, desc, dlen, &t->declared))
		return casg_err_nomem(err);
	p = (const char *)t->declared.data;
	end = p + t->declared.len;
	if (t->declared.len == 1 && *p == '-')
		return 0;
	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));

		if (!comma)
			comma = end;
		casg_buf_add(out, p, (size_t)(comma - p));
		casg_buf_addch(out, 0);
		n++;
		p = comma + 1;
	}
	return casg_buf_check(out, err) ? CASG_ENOMEM : n;
}

/* ---- mapping ------------------------------------------------------------- */

static int map_id(struct casg_taxonof *t, const char *id, size_t n, size_t base,
		  struct casg_buf *out, struct casg_err *err)
{
	struct casg_taxstr at, taxon;
	int rc = casg_taxmap_find(t->map, id, n, &at, err), added = 0;

	if (rc <= 0)
		return rc;
	while (casg_taxmap_next(&at, &taxon)) {
		size_t before = out->len;

		rc = casg_taxid_from_key(out, taxon.p, taxon.n, err);
		if (!rc)
			rc = end_id(out, base, before, err);
		if (rc < 0)
			return rc;
		added += rc;
	}
	return added;
}

static int from_mapping(struct casg_taxonof *t, const char *key, size_t klen,
			const char *desc, size_t dlen, struct casg_buf *out,
			struct casg_err *err)
{
	struct casg_accession id = { key, klen };
	size_t base = out->len, at = 0;
	int n = 0, rc;

	if (!t->map)
		return 0;
	do {
		rc = map_id(t, id.p, id.n, base, out, err);
		if (rc < 0)
			return rc;
		n += rc;
	} while (casg_accession_next(desc, dlen, &at, &id));
	return n;
}

/* ---- organism ------------------------------------------------------------ */

struct candidates {
	const struct casg_taxonomy *taxonomy;
	struct casg_taxstr name;
	uint32_t any, scientific;
	int several, several_scientific;
};

static void note(uint32_t *slot, int *several, uint32_t taxon)
{
	*several |= *slot != CASG_TAXON_NONE && *slot != taxon;
	*slot = taxon;
}

static int on_named(void *ctx, uint32_t taxon, struct casg_err *err)
{
	struct candidates *c = ctx;
	struct casg_taxon_info info;
	int rc = casg_taxonomy_info(c->taxonomy, taxon, &info, err);

	if (rc)
		return rc;
	note(&c->any, &c->several, taxon);
	if (info.name.n == c->name.n && !memcmp(info.name.p, c->name.p, c->name.n))
		note(&c->scientific, &c->several_scientific, taxon);
	return 0;
}

int casg_taxonof_name(const struct casg_taxonomy *taxonomy, const char *name, size_t n,
		      uint32_t *taxon_out, struct casg_err *err)
{
	struct candidates c = {
		taxonomy, { name, n }, CASG_TAXON_NONE, CASG_TAXON_NONE, 0, 0
	};
	int rc = casg_taxonomy_named(taxonomy, name, n, on_named, &c, err);

	*taxon_out = CASG_TAXON_NONE;
	if (rc)
		return rc;
	if (c.scientific != CASG_TAXON_NONE && !c.several_scientific)
		*taxon_out = c.scientific;
	else if (c.scientific == CASG_TAXON_NONE && !c.several)
		*taxon_out = c.any;
	return 0;
}

static int known_name(struct casg_taxonof *t, const struct casg_taxstr *name,
		      uint32_t *taxon_out, struct casg_err *err)
{
	struct known *k = &t->names[casg_xxh64(0, name->p, name->n) % NNAMES];
	int rc = 0;

	/* no name is empty */
	if (k->name.len != name->n || memcmp(k->name.data, name->p, name->n)) {
		casg_buf_reset(&k->name);
		rc = casg_taxonof_name(t->taxonomy, name->p, name->n, &k->taxon, err);
		if (!rc)
			casg_buf_add(&k->name, name->p, name->n);
	}
	*taxon_out = k->taxon;
	return rc;
}

static int from_organism(struct casg_taxonof *t, const char *desc, size_t dlen,
			 struct casg_buf *out, struct casg_err *err)
{
	struct casg_taxon_info info;
	struct casg_taxstr name;
	size_t base = out->len, at = 0;
	uint32_t taxon;
	int n = 0, rc;

	while (t->taxonomy && casg_organism_next(desc, dlen, &at, &name)) {
		size_t before = out->len;

		rc = known_name(t, &name, &taxon, err);
		if (!rc && taxon == CASG_TAXON_NONE)
			continue;
		if (!rc)
			rc = casg_taxonomy_info(t->taxonomy, taxon, &info, err);
		if (rc)
			return rc;
		casg_buf_add(out, info.id.p, info.id.n);
		rc = end_id(out, base, before, err);
		if (rc < 0)
			return rc;
		n += rc;
	}
	return n;
}

/* ---- all ----------------------------------------------------------------- */

int casg_taxonof_source(struct casg_taxonof *t, enum casg_taxon_source source,
			const char *key, size_t klen, const char *desc, size_t dlen,
			struct casg_buf *out, struct casg_err *err)
{
	switch (source) {
	case CASG_TAXON_HEADER:
		return from_header(t, key, klen, desc, dlen, out, err);
	case CASG_TAXON_MAPPING:
		return from_mapping(t, key, klen, desc, dlen, out, err);
	case CASG_TAXON_ORGANISM:
		return from_organism(t, desc, dlen, out, err);
	}
	return casg_err_set(err, CASG_EBUG, "no such source of taxa");
}

int casg_taxonof_record(struct casg_taxonof *t, const char *key, size_t klen,
			const char *desc, size_t dlen, struct casg_buf *out,
			struct casg_err *err)
{
	for (uint64_t from = t->from; from; from >>= 8) {
		int n = casg_taxonof_source(t, from & 0xff, key, klen, desc, dlen, out, err);

		if (n)
			return n < 0 ? n : (int)(from & 0xff);
	}
	return 0;
}

int casg_taxonof_taxa(void *taxonof, const char *key, size_t klen, const char *desc,
		      size_t dlen, struct casg_buf *out, struct casg_err *err)
{
	int rc = casg_taxonof_record(taxonof, key, klen, desc, dlen, out, err);

	return rc < 0 ? rc : 0;
}
