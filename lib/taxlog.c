#include "taxlog.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "endian.h"
#include "extsort.h"
#include "taxpair.h"
#include "taxrec.h"

/* What a version says of an id, in the order in which it is looked at. */
enum event { IS_NODE, IS_DELETED, IS_MERGED, HAS_ABSORBED };

enum { TAIL = 5 }; /* version, event: behind the sort key of an id */

struct range {
	uint32_t from, to;
};

struct row {
	enum casg_taxrow change;
	struct casg_taxpoint of;   /* whose name, rank and lineage; taxon none: no */
	size_t at, n;              /* the value, in l->values */
};

struct casg_taxlog {
	struct casg_taxlog_opts o;
	struct casg_extsort *merges, *events;
	struct casg_buf key, id, item, into, values;
	struct range *ranges;
	size_t nranges, cap_ranges;

	/* reading: the event before which it stands */
	int started, ended;
	struct casg_buf here;
	/* of the id under way */
	struct casg_buf current;   /* its sort key */
	struct casg_buf name;      /* itself, decoded */
	int said;                  /* an enum casg_taxrow, or -1 */
	struct casg_taxpoint last;
	struct row rows[8];
	size_t nrows, row;
	uint32_t row_version;
};

static const char *const words[] = {
	[CASG_TAXROW_NEW] = "NEW",
	[CASG_TAXROW_REUSE_DEL] = "REUSE_DEL",
	[CASG_TAXROW_REUSE_MER] = "REUSE_MER",
	[CASG_TAXROW_DELETE] = "DELETE",
	[CASG_TAXROW_MERGE] = "MERGE",
	[CASG_TAXROW_ABSORB] = "ABSORB",
	[CASG_TAXROW_NAME] = "CHANGE_NAME",
	[CASG_TAXROW_RANK] = "CHANGE_RANK",
	[CASG_TAXROW_LIN_LIN] = "CHANGE_LIN_LIN",
	[CASG_TAXROW_LIN_TAX] = "CHANGE_LIN_TAX",
	[CASG_TAXROW_LIN_LEN] = "CHANGE_LIN_LEN",
};

void casg_taxlog_label(int64_t time, char out[CASG_TIME_SIZE])
{
	if (!casg_time_format(time, out))
		strcpy(out, "-");
	else if (!strcmp(out + 10, "T00:00:00Z"))
		out[10] = '\0';
}

/* ---- sort keys ---------------------------------------------------------- */

/* Append what sorts numbers as numbers, before everything else. */
static void add_sortkey(struct casg_buf *out, const char *key, size_t n)
{
	size_t i = 0;

	while (i < n && key[i] >= '0' && key[i] <= '9')
		i++;
	if (n && i == n) {
		uint8_t len[2] = { (uint8_t)(n >> 8), (uint8_t)n };

		casg_buf_addch(out, 1);
		casg_buf_add(out, len, 2);
		casg_buf_add(out, key, n);
	} else {
		casg_buf_addch(out, 2);
		casg_buf_add(out, key, n);
		/* no key holds NUL: a key sorts before what it begins */
		casg_buf_addch(out, 0);
	}
}

/* The key in a sort key; *used_out bytes in all. */
static void read_sortkey(const uint8_t *p, size_t n, const char **key, size_t *klen,
			 size_t *used_out)
{
	if (n >= 3 && p[0] == 1) {
		*key = (const char *)p + 3;
		*klen = (size_t)p[1] << 8 | p[2];
		*used_out = *klen + 3;
	} else {
		const uint8_t *end = memchr(p + 1, 0, n - 1);

		*key = (const char *)p + 1;
		*klen = end ? (size_t)(end - p) - 1 : n - 1;
		*used_out = *klen + 2;
	}
}

static int add_event(struct casg_taxlog *l, const char *key, size_t klen, uint32_t version,
		     enum event e, const void *more, size_t nmore, struct casg_err *err)
{
	uint8_t tail[TAIL];

	casg_put_be32(tail, version);
	tail[4] = (uint8_t)e;
	casg_buf_reset(&l->item);
	add_sortkey(&l->item, key, klen);
	casg_buf_add(&l->item, tail, TAIL);
	casg_buf_add(&l->item, more, nmore);
	if (casg_buf_check(&l->item, err))
		return CASG_ENOMEM;
	return casg_extsort_add(e == IS_MERGED && l->merges ? l->merges : l->events,
				l->item.data, l->item.len, err);
}

/* ---- from versions to events -------------------------------------------- */

static int same(const struct casg_taxstr *a, const struct casg_taxstr *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->p, b->p, a->n));
}

/* Taxa that a change of this one touches: itself, and all below it. */
static int touched(struct casg_taxlog *l, uint32_t version, const struct casg_taxpair *p,
		   struct casg_err *err)
{
	const struct casg_taxonomy *t = l->o.versions[version].t;
	struct casg_taxon_info i;
	uint32_t taxon;
	int rc;

	if (p->a.state == CASG_TAXSTATE_NODE && same(&p->a.rec.parent, &p->b.rec.parent) &&
	    same(&p->a.rec.name, &p->b.rec.name) && same(&p->a.rec.rank, &p->b.rec.rank))
		return 0;
	casg_buf_reset(&l->id);
	rc = casg_taxid_from_key(&l->id, p->key, p->klen, err);
	if (!rc)
		rc = casg_taxonomy_find(t, (const char *)l->id.data, l->id.len, &taxon, err);
	if (rc < 0)
		return rc;
	if (rc != CASG_TAXON_FOUND)
		return casg_err_set(err, CASG_ECORRUPT,
				    "the index of the taxonomy lacks taxon '%.*s'",
				    (int)(p->klen < 80 ? p->klen : 80), p->key);
	rc = casg_taxonomy_info(t, taxon, &i, err);
	if (rc)
		return rc;
	if (CASG_GROW(l->ranges, l->nranges + 1, l->cap_ranges))
		return casg_err_nomem(err);
	l->ranges[l->nranges++] = (struct range){ taxon, i.end };
	return 0;
}

static int take_pair(struct casg_taxlog *l, uint32_t version, const struct casg_taxpair *p,
		     struct casg_err *err)
{
	switch (p->b.state) {
	case CASG_TAXSTATE_NODE:
		/* all of the first version follows from its index */
		return version || l->o.since_first ? touched(l, version, p, err) : 0;
	case CASG_TAXSTATE_MERGED:
		return add_event(l, p->key, p->klen, version, IS_MERGED, p->b.rec.into.p,
				 p->b.rec.into.n, err);
	case CASG_TAXSTATE_DELETED:
		return add_event(l, p->key, p->klen, version, IS_DELETED, NULL, 0, err);
	default:
		return 0;
	}
}

static int cmp_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* An event for each taxon in the ranges, once. */
static int emit_ranges(struct casg_taxlog *l, uint32_t version, struct casg_err *err)
{
	uint32_t next = 0;
	int rc = 0;

	if (l->nranges)
		qsort(l->ranges, l->nranges, sizeof(*l->ranges), cmp_ranges);
	for (size_t k = 0; k < l->nranges; k++) {
		uint32_t x = l->ranges[k].from < next ? next : l->ranges[k].from;

		for (; !rc && x < l->ranges[k].to; x++) {
			struct casg_taxon_info i;
			uint8_t number[4];

			casg_put_be32(number, x);
			casg_buf_reset(&l->key);
			rc = casg_taxonomy_info(l->o.versions[version].t, x, &i, err);
			if (!rc)
				rc = casg_taxid_to_key(&l->key, i.id.p, i.id.n, err);
			if (!rc)
				rc = add_event(l, (const char *)l->key.data, l->key.len, version,
					       IS_NODE, number, 4, err);
		}
		if (rc)
			return rc;
		if (l->ranges[k].to > next)
			next = l->ranges[k].to;
	}
	return 0;
}

static int take_version(struct casg_taxlog *l, uint32_t version, struct casg_err *err)
{
	const struct casg_taxside *v = &l->o.versions[version];
	struct casg_taxpairs *pairs;
	struct casg_taxpair p;
	int rc;

	l->nranges = 0;
	if (!version) {
		if (CASG_GROW(l->ranges, 1, l->cap_ranges))
			return casg_err_nomem(err);
		l->ranges[l->nranges++] = (struct range){ 0, casg_taxonomy_count(v->t) };
	}
	pairs = casg_taxpairs_open(l->o.store, l->o.coder, version ? &v[-1].root : NULL, &v->root,
				   err);
	if (!pairs)
		return err->code;
	while ((rc = casg_taxpairs_next(pairs, &p, err)) > 0)
		if ((rc = take_pair(l, version, &p, err)))
			break;
	casg_taxpairs_free(pairs);
	return rc ? rc : emit_ranges(l, version, err);
}

/* What the first version says the id was merged into: in l->into, or nothing. */
static int merged_before(struct casg_taxlog *l, const char *key, size_t klen,
			 struct casg_err *err)
{
	struct casg_taxon_info i;
	uint32_t taxon;
	int rc;

	casg_buf_reset(&l->into);
	if (!l->o.since_first)
		return 0;
	casg_buf_reset(&l->id);
	rc = casg_taxid_from_key(&l->id, key, klen, err);
	if (!rc)
		rc = casg_taxonomy_find(l->o.versions[0].t, (const char *)l->id.data, l->id.len,
					&taxon, err);
	if (rc != CASG_TAXON_MERGED || taxon == CASG_TAXON_NONE)
		return rc < 0 ? rc : 0;
	rc = casg_taxonomy_info(l->o.versions[0].t, taxon, &i, err);
	return rc ? rc : casg_taxid_to_key(&l->into, i.id.p, i.id.n, err);
}

/* A merge that is told, of both taxa. */
static int tell_merge(struct casg_taxlog *l, const struct casg_buf *from, uint32_t version,
		      const char *into, size_t n, struct casg_err *err)
{
	const char *key;
	size_t klen, used;
	int rc;

	read_sortkey(from->data, from->len, &key, &klen, &used);
	rc = add_event(l, key, klen, version, IS_MERGED, into, n, err);
	return rc ? rc : add_event(l, into, n, version, HAS_ABSORBED, from->data, from->len, err);
}

/* Of all merges those that were not told before. */
static int sift_merges(struct casg_taxlog *l, struct casg_err *err)
{
	struct casg_extsort *merges = l->merges;
	struct casg_buf from = CASG_BUF_INIT, into = CASG_BUF_INIT;
	const uint8_t *p;
	size_t n;
	int rc = casg_extsort_finish(merges, err);

	l->merges = NULL; /* events of merges are for the other sorter now */
	while (!rc && (rc = casg_extsort_next(merges, &p, &n, err)) > 0) {
		const char *key, *to;
		size_t klen, used, nto;
		uint32_t version;

		read_sortkey(p, n, &key, &klen, &used);
		version = casg_get_be32(p + used);
		to = (const char *)p + used + TAIL;
		nto = n - used - TAIL;
		rc = 0;
		if (from.len != used || memcmp(from.data, p, used)) {
			casg_buf_reset(&from);
			casg_buf_add(&from, p, used);
			rc = merged_before(l, key, klen, err);
		}
		if (!rc && (l->into.len != nto || memcmp(l->into.data, to, nto))) {
			casg_buf_reset(&l->into);
			casg_buf_add(&l->into, to, nto);
			rc = tell_merge(l, &from, version, to, nto, err);
		}
		if (!rc && (from.failed || l->into.failed))
			rc = casg_err_nomem(err);
	}
	casg_extsort_free(merges);
	casg_buf_release(&from);
	casg_buf_release(&into);
	return rc;
}

struct casg_taxlog *casg_taxlog_open(const struct casg_taxlog_opts *o, struct casg_err *err)
{
	struct casg_taxlog *l = calloc(1, sizeof(*l));
	int rc = 0;

	if (!l) {
		casg_err_nomem(err);
		return NULL;
	}
	l->o = *o;
	l->merges = casg_extsort_new(o->tmp_dir, o->memory_nbytes / 4, o->pool, err);
	if (l->merges)
		l->events = casg_extsort_new(o->tmp_dir, o->memory_nbytes / 2, o->pool, err);
	if (!l->events)
		rc = CASG_ENOMEM;
	for (uint32_t v = o->since_first ? 1 : 0; !rc && v < o->nversions; v++)
		rc = take_version(l, v, err);
	if (!rc)
		rc = sift_merges(l, err);
	if (!rc)
		rc = casg_extsort_finish(l->events, err);
	if (rc) {
		casg_taxlog_free(l);
		return NULL;
	}
	return l;
}

void casg_taxlog_free(struct casg_taxlog *l)
{
	if (!l)
		return;
	casg_extsort_free(l->merges);
	casg_extsort_free(l->events);
	casg_buf_release(&l->key);
	casg_buf_release(&l->id);
	casg_buf_release(&l->item);
	casg_buf_release(&l->into);
	casg_buf_release(&l->values);
	casg_buf_release(&l->here);
	casg_buf_release(&l->current);
	casg_buf_release(&l->name);
	free(l->ranges);
	free(l);
}

/* ---- reading events ----------------------------------------------------- */

/* To the next event: 1, or 0 at the end. */
static int advance(struct casg_taxlog *l, struct casg_err *err)
{
	const uint8_t *p;
	size_t n;
	int rc = casg_extsort_next(l->events, &p, &n, err);

	casg_buf_reset(&l->here);
	if (rc > 0) {
		casg_buf_add(&l->here, p, n);
		rc = casg_buf_check(&l->here, err) ? CASG_ENOMEM : 1;
	}
	l->started = 1;
	l->ended = rc <= 0;
	return rc;
}

/* The event taken apart. */
struct seen {
	const char *key;
	size_t klen, used;
	uint32_t version;
	enum event e;
	const uint8_t *more;
	size_t nmore;
};

static void take_apart(const struct casg_taxlog *l, struct seen *s)
{
	const uint8_t *p = l->here.data;

	read_sortkey(p, l->here.len, &s->key, &s->klen, &s->used);
	s->version = casg_get_be32(p + s->used);
	s->e = (enum event)p[s->used + 4];
	s->more = p + s->used + TAIL;
	s->nmore = l->here.len - s->used - TAIL;
}

static int is_current(const struct casg_taxlog *l, const struct seen *s)
{
	return l->current.len == s->used && !memcmp(l->current.data, l->here.data, s->used);
}

/* What was said of the id before the first event: by the version that is known. */
static int begin_id(struct casg_taxlog *l, const struct seen *s, struct casg_err *err)
{
	uint32_t taxon;
	int rc;

	casg_buf_reset(&l->current);
	casg_buf_add(&l->current, l->here.data, s->used);
	casg_buf_reset(&l->name);
	rc = casg_taxid_from_key(&l->name, s->key, s->klen, err);
	if (rc || casg_buf_check(&l->current, err))
		return rc ? rc : CASG_ENOMEM;
	l->said = -1;
	l->last = (struct casg_taxpoint){ 0, CASG_TAXON_NONE };
	if (!l->o.since_first)
		return 0;
	rc = casg_taxonomy_find(l->o.versions[0].t, (const char *)l->name.data, l->name.len,
				&taxon, err);
	if (rc == CASG_TAXON_FOUND) {
		l->said = CASG_TAXROW_NEW;
		l->last.taxon = taxon;
	} else if (rc == CASG_TAXON_MERGED) {
		l->said = CASG_TAXROW_MERGE;
	} else if (rc == CASG_TAXON_DELETED) {
		l->said = CASG_TAXROW_DELETE;
	}
	return rc < 0 ? rc : 0;
}

/* ---- lineages ----------------------------------------------------------- */

/* Without the root, unless it is the root's. */
static int lineage(const struct casg_taxlog *l, const struct casg_taxpoint *p,
		   uint32_t line[CASG_LINEAGE_MAX], size_t *n, struct casg_err *err)
{
	int rc = casg_taxonomy_lineage(l->o.versions[p->version].t, p->taxon, line, n, err);

	if (!rc && *n > 1)
		memmove(line, line + 1, --*n * sizeof(*line));
	return rc;
}

static int info(const struct casg_taxlog *l, const struct casg_taxpoint *p,
		struct casg_taxon_info *out, struct casg_err *err)
{
	return casg_taxonomy_info(l->o.versions[p->version].t, p->taxon, out, err);
}

/* The kind of change from one lineage to another: *out, or -1 for none. */
static int compare_lineages(const struct casg_taxlog *l, const struct casg_taxpoint *a,
			    const struct casg_taxpoint *b, int *out, struct casg_err *err)
{
	uint32_t x[CASG_LINEAGE_MAX], y[CASG_LINEAGE_MAX];
	size_t nx, ny;
	int rc = lineage(l, a, x, &nx, err);

	*out = -1;
	if (!rc)
		rc = lineage(l, b, y, &ny, err);
	if (rc)
		return rc;
	if (nx != ny) {
		*out = CASG_TAXROW_LIN_LEN;
		return 0;
	}
	for (size_t i = 0; i < nx; i++) {
		const struct casg_taxpoint p = { a->version, x[i] }, q = { b->version, y[i] };
		struct casg_taxon_info ip, iq;

		if ((rc = info(l, &p, &ip, err)) || (rc = info(l, &q, &iq, err)))
			return rc;
		if (!same(&ip.id, &iq.id)) {
			*out = CASG_TAXROW_LIN_TAX;
			return 0;
		}
		if (!same(&ip.name, &iq.name))
			*out = CASG_TAXROW_LIN_LIN;
	}
	return 0;
}

/* ---- rows --------------------------------------------------------------- */

static void add_row(struct casg_taxlog *l, enum casg_taxrow change)
{
	l->rows[l->nrows++] = (struct row){ change, l->last, l->values.len, 0 };
	l->said = change;
}

static int rows_of_taxon(struct casg_taxlog *l, const struct casg_taxpoint *now,
			 struct casg_err *err)
{
	const struct casg_taxpoint before = l->last;
	struct casg_taxon_info a, b;
	int said = l->said, change, rc;

	l->last = *now;
	if (said < 0)
		add_row(l, CASG_TAXROW_NEW);
	else if (said == CASG_TAXROW_DELETE)
		add_row(l, CASG_TAXROW_REUSE_DEL);
	else if (said == CASG_TAXROW_MERGE || before.taxon == CASG_TAXON_NONE)
		add_row(l, CASG_TAXROW_REUSE_MER);
	if (l->nrows)
		return 0;
	rc = compare_lineages(l, &before, now, &change, err);
	if (!rc)
		rc = info(l, &before, &a, err);
	if (!rc)
		rc = info(l, now, &b, err);
	if (rc)
		return rc;
	if (!same(&a.name, &b.name))
		add_row(l, CASG_TAXROW_NAME);
	if (!same(&a.rank, &b.rank))
		add_row(l, CASG_TAXROW_RANK);
	if (change >= 0)
		add_row(l, (enum casg_taxrow)change);
	return 0;
}

static int row_of_absorbed(struct casg_taxlog *l, const struct seen *s, struct casg_err *err)
{
	struct row *r = l->nrows ? &l->rows[l->nrows - 1] : NULL;
	const char *key;
	size_t klen, used;
	int rc;

	if (!r || r->change != CASG_TAXROW_ABSORB) {
		add_row(l, CASG_TAXROW_ABSORB);
		r = &l->rows[l->nrows - 1];
	} else {
		casg_buf_addch(&l->values, ';');
	}
	read_sortkey(s->more, s->nmore, &key, &klen, &used);
	rc = casg_taxid_from_key(&l->values, key, klen, err);
	r->n = l->values.len - r->at;
	return rc;
}

static int rows_of_event(struct casg_taxlog *l, const struct seen *s, struct casg_err *err)
{
	struct casg_taxpoint now = { s->version, CASG_TAXON_NONE };
	int rc = 0;

	switch (s->e) {
	case IS_NODE:
		now.taxon = casg_get_be32(s->more);
		return rows_of_taxon(l, &now, err);
	case IS_DELETED:
		if (l->said != CASG_TAXROW_DELETE)
			add_row(l, CASG_TAXROW_DELETE);
		return 0;
	case IS_MERGED:
		add_row(l, CASG_TAXROW_MERGE);
		rc = casg_taxid_from_key(&l->values, (const char *)s->more, s->nmore, err);
		l->rows[l->nrows - 1].n = l->values.len - l->rows[l->nrows - 1].at;
		return rc;
	case HAS_ABSORBED:
		return row_of_absorbed(l, s, err);
	}
	return 0;
}

static int cmp_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (int)x->change - (int)y->change;
}

/* The rows of one id in one version: 1, or 0 at the end. */
static int fill_rows(struct casg_taxlog *l, struct casg_err *err)
{
	struct seen s;
	int rc = l->started ? !l->ended : advance(l, err);

	l->nrows = l->row = 0;
	casg_buf_reset(&l->values);
	if (rc <= 0)
		return rc;
	take_apart(l, &s);
	if (!is_current(l, &s) && (rc = begin_id(l, &s, err)))
		return rc;
	l->row_version = s.version;
	do {
		rc = rows_of_event(l, &s, err);
		if (!rc)
			rc = advance(l, err);
		if (rc > 0)
			take_apart(l, &s);
	} while (rc > 0 && is_current(l, &s) && s.version == l->row_version);
	if (rc < 0 || casg_buf_check(&l->values, err))
		return rc < 0 ? rc : CASG_ENOMEM;
	if (l->nrows)
		qsort(l->rows, l->nrows, sizeof(*l->rows), cmp_rows);
	return 1;
}

/* A field, quoted when it must be. */
static void add_csv(struct casg_buf *out, const char *p, size_t n)
{
	if (!n || (*p != ' ' && *p != '\t' && !memchr(p, ',', n) && !memchr(p, '"', n) &&
		   !memchr(p, '\n', n) && !memchr(p, '\r', n))) {
		casg_buf_add(out, p, n);
		return;
	}
	casg_buf_addch(out, '"');
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"')
			casg_buf_addch(out, '"');
		casg_buf_addch(out, p[i]);
	}
	casg_buf_addch(out, '"');
}

static int add_lineage(struct casg_taxlog *l, struct casg_buf *out, const struct row *r,
		       int names, struct casg_err *err)
{
	uint32_t line[CASG_LINEAGE_MAX];
	size_t n;
	int rc = lineage(l, &r->of, line, &n, err);

	casg_buf_reset(&l->item);
	for (size_t i = 0; !rc && i < n; i++) {
		const struct casg_taxpoint p = { r->of.version, line[i] };
		struct casg_taxon_info k;

		rc = info(l, &p, &k, err);
		if (rc)
			break;
		if (i)
			casg_buf_addch(&l->item, ';');
		casg_buf_add(&l->item, names ? k.name.p : k.id.p, names ? k.name.n : k.id.n);
	}
	if (!rc)
		rc = casg_buf_check(&l->item, err);
	if (!rc)
		add_csv(out, (const char *)l->item.data, l->item.len);
	return rc;
}

static int format_row(struct casg_taxlog *l, struct casg_buf *out, const struct row *r,
		      struct casg_err *err)
{
	const char *label = l->o.labels[l->row_version];
	struct casg_taxon_info k;
	int rc = 0;

	add_csv(out, (const char *)l->name.data, l->name.len);
	casg_buf_addch(out, ',');
	add_csv(out, label, strlen(label));
	casg_buf_addf(out, ",%s,", words[r->change]);
	if (r->n)
		add_csv(out, (const char *)l->values.data + r->at, r->n);
	casg_buf_addch(out, ',');
	if (r->of.taxon == CASG_TAXON_NONE) {
		casg_buf_addstr(out, ",,,\n");
		return casg_buf_check(out, err);
	}
	rc = info(l, &r->of, &k, err);
	if (rc)
		return rc;
	add_csv(out, k.name.p, k.name.n);
	casg_buf_addch(out, ',');
	add_csv(out, k.rank.p, k.rank.n);
	casg_buf_addch(out, ',');
	rc = add_lineage(l, out, r, 1, err);
	casg_buf_addch(out, ',');
	if (!rc)
		rc = add_lineage(l, out, r, 0, err);
	casg_buf_addch(out, '\n');
	return rc ? rc : casg_buf_check(out, err);
}

int casg_taxlog_next_csv(struct casg_taxlog *l, struct casg_buf *out, struct casg_err *err)
{
	int rc;

	if (!l->started)
		casg_buf_addstr(out, "taxid,version,change,change-value,name,rank,lineage,"
				     "lineage-taxids\n");
	while (l->row == l->nrows) {
		rc = fill_rows(l, err);
		if (rc <= 0)
			return rc;
	}
	rc = format_row(l, out, &l->rows[l->row++], err);
	return rc ? rc : 1;
}

/* ---- lives -------------------------------------------------------------- */

/* Are they classified alike? */
static int alike(const struct casg_taxlog *l, const char *rank, const struct casg_taxpoint *a,
		 const struct casg_taxpoint *b, int *out, struct casg_err *err)
{
	struct casg_taxpoint p = *a, q = *b;
	struct casg_taxon_info ip, iq;
	int rc;

	if (!rank) {
		/* ids alone: all but the taxon itself */
		rc = compare_lineages(l, a, b, out, err);
		*out = *out != CASG_TAXROW_LIN_TAX && *out != CASG_TAXROW_LIN_LEN;
		return rc;
	}
	rc = casg_taxonomy_at_rank(l->o.versions[a->version].t, a->taxon, rank, &p.taxon, err);
	if (!rc)
		rc = casg_taxonomy_at_rank(l->o.versions[b->version].t, b->taxon, rank, &q.taxon,
					   err);
	if (rc)
		return rc;
	*out = p.taxon == CASG_TAXON_NONE && q.taxon == CASG_TAXON_NONE;
	if (p.taxon == CASG_TAXON_NONE || q.taxon == CASG_TAXON_NONE)
		return 0;
	if ((rc = info(l, &p, &ip, err)) || (rc = info(l, &q, &iq, err)))
		return rc;
	*out = same(&ip.id, &iq.id);
	return 0;
}

static int live_on(struct casg_taxlog *l, const char *rank, struct casg_taxlife *out,
		   const struct casg_taxpoint *now, struct casg_err *err)
{
	int same_class = 0, rc = 0;

	if (out->nat)
		rc = alike(l, rank, &out->at[out->nat - 1], now, &same_class, err);
	out->last = *now;
	if (rc || same_class)
		return rc;
	if (CASG_GROW(out->at, out->nat + 1, out->cap))
		return casg_err_nomem(err);
	out->at[out->nat++] = *now;
	return 0;
}

int casg_taxlog_next_life(struct casg_taxlog *l, const char *rank, struct casg_taxlife *out,
			  struct casg_err *err)
{
	struct seen s;
	int rc = l->started ? !l->ended : advance(l, err);

	out->nat = 0;
	if (rc <= 0)
		return rc;
	take_apart(l, &s);
	rc = begin_id(l, &s, err);
	if (rc)
		return rc;
	do {
		const struct casg_taxpoint now = { s.version,
						   s.e == IS_NODE ? casg_get_be32(s.more) : 0 };

		rc = s.e == IS_NODE ? live_on(l, rank, out, &now, err) : 0;
		if (!rc)
			rc = advance(l, err);
		if (rc > 0)
			take_apart(l, &s);
	} while (rc > 0 && is_current(l, &s));
	out->id = (const char *)l->name.data;
	out->n = l->name.len;
	return rc < 0 ? rc : 1;
}
