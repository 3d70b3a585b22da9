#include "taxtext.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

static const char table_header[] = "id\tparent\trank\tname";

/* GTDB's ranks, in the order of a lineage. */
static const struct {
	char prefix;
	const char *rank;
} ranks[] = {
	{ 'd', "domain" }, { 'p', "phylum" }, { 'c', "class" }, { 'o', "order" },
	{ 'f', "family" }, { 'g', "genus" }, { 's', "species" },
};
#define NRANKS (sizeof(ranks) / sizeof(*ranks))

struct casg_taxtext {
	struct casg_taxtable *table;
	enum casg_taxtext_kind kind;
	uint64_t line;          /* lines read */
	int odd;                /* the bytes being read hold CR or NUL */
	struct casg_buf carry;  /* a line that goes on in the next bytes */
	struct casg_buf rest;   /* columns 4 and on of nodes.dmp; a table's first line */
	struct casg_taxstr *classes; /* of a table's further columns, in rest */
	size_t nclasses, classes_cap;
};

const char *casg_taxtext_name(enum casg_taxtext_kind kind)
{
	static const char *const names[CASG_TAXTEXT_NDUMP] = {
		"nodes.dmp", "names.dmp", "merged.dmp", "delnodes.dmp"
	};

	return kind < CASG_TAXTEXT_NDUMP ? names[kind] : "";
}

int casg_taxtext_detect(const uint8_t *p, size_t n)
{
	const char *tab;

	if (n >= sizeof(table_header) && !memcmp(p, table_header, sizeof(table_header) - 1) &&
	    (p[sizeof(table_header) - 1] == '\n' || p[sizeof(table_header) - 1] == '\t' ||
	     p[sizeof(table_header) - 1] == '\r'))
		return CASG_TAXTEXT_TABLE;
	tab = n ? memchr(p, '\t', n) : NULL;
	if (tab && !memchr(p, '\n', (size_t)(tab - (const char *)p)) &&
	    n - (size_t)(tab - (const char *)p) > 4 && !memcmp(tab, "\td__", 4))
		return CASG_TAXTEXT_LINEAGES;
	return -1;
}

struct casg_taxtext *casg_taxtext_new(struct casg_taxtable *table,
				      enum casg_taxtext_kind kind, const char *name,
				      struct casg_err *err)
{
	struct casg_taxtext *x;

	if (casg_taxtable_file(table, name, err))
		return NULL;
	x = calloc(1, sizeof(*x));
	if (!x) {
		casg_err_nomem(err);
		return NULL;
	}
	x->table = table;
	x->kind = kind;
	return x;
}

void casg_taxtext_free(struct casg_taxtext *x)
{
	if (!x)
		return;
	casg_buf_release(&x->carry);
	casg_buf_release(&x->rest);
	free(x->classes);
	free(x);
}

/* ---- files of a dump ------------------------------------------------------ */

static int malformed(const struct casg_taxtext *x, struct casg_err *err)
{
	static const char *const fields[CASG_TAXTEXT_NDUMP] = {
		"three or more fields", "four fields", "two fields", "one field"
	};

	return casg_taxtable_bad(x->table, err, "this is no line of %s: not %s, each ending in "
				 "TAB and '|'", casg_taxtext_name(x->kind), fields[x->kind]);
}

/*
 * The field at *at; *at moves behind "TAB | [TAB]".  1: another follows, 0: it
 * was the last one, -1: malformed.
 */
static int dump_field(const char **at, const char *end, struct casg_taxstr *out)
{
	const char *p = *at, *tab = p;

	while (tab < end && *tab != '\t')
		tab++;
	if (end - tab < 2 || tab[1] != '|')
		return -1;
	out->p = p;
	out->n = (size_t)(tab - p);
	p = tab + 2;
	if (p < end && *p++ != '\t')
		return -1;
	*at = p;
	return p < end;
}

/* Exactly n fields; 0 or -1. */
static int dump_fields(const char *p, const char *end, struct casg_taxstr *out, int n)
{
	for (int i = 0; i < n; i++)
		if (dump_field(&p, end, &out[i]) != (i < n - 1))
			return -1;
	return 0;
}

static int nodes_line(struct casg_taxtext *x, const char *p, const char *end,
		      struct casg_err *err)
{
	struct casg_taxstr f[3], rest;
	int more = 1;

	for (int i = 0; i < 3; i++) {
		if (more <= 0)
			return malformed(x, err);
		more = dump_field(&p, end, &f[i]);
	}
	casg_buf_reset(&x->rest);
	for (int i = 0; more > 0; i++) {
		more = dump_field(&p, end, &rest);
		if (more < 0)
			break;
		if (i)
			casg_buf_addch(&x->rest, '|');
		casg_buf_add(&x->rest, rest.p, rest.n);
	}
	if (more < 0)
		return malformed(x, err);
	if (casg_buf_check(&x->rest, err))
		return CASG_ENOMEM;
	rest.p = x->rest.len ? (const char *)x->rest.data : "";
	rest.n = x->rest.len;
	return casg_taxtable_node(x->table, &f[0], &f[1], &f[2], &rest, err);
}

static int dump_line(struct casg_taxtext *x, const char *p, const char *end,
		     struct casg_err *err)
{
	static const int nfields[CASG_TAXTEXT_NDUMP] = { 0, 4, 2, 1 };
	struct casg_taxstr f[4];
	struct casg_taxname name;

	if (x->kind == CASG_TAXTEXT_NODES)
		return nodes_line(x, p, end, err);
	if (dump_fields(p, end, f, nfields[x->kind]))
		return malformed(x, err);
	if (x->kind == CASG_TAXTEXT_MERGED)
		return casg_taxtable_merged(x->table, &f[0], &f[1], err);
	if (x->kind == CASG_TAXTEXT_DELNODES)
		return casg_taxtable_deleted(x->table, &f[0], err);
	name.name = f[1];
	name.unique = f[2];
	name.cls = f[3];
	return casg_taxtable_name(x->table, &f[0], &name, err);
}

/* ---- lineages --------------------------------------------------------------- */

static struct casg_taxstr str(const char *s)
{
	struct casg_taxstr t = { s, strlen(s) };

	return t;
}

static int add_root(struct casg_taxtext *x, struct casg_err *err)
{
	struct casg_taxstr root = str("root"), rank = str("no rank");

	return casg_taxtable_taxon(x->table, &root, &root, &rank, &root, err);
}

static int bad_lineage(const struct casg_taxtext *x, struct casg_err *err)
{
	return casg_taxtable_bad(x->table, err, "this is no genome, TAB and "
				 "d__..;p__..;c__..;o__..;f__..;g__..;s__..");
}

static int lineage_line(struct casg_taxtext *x, const char *p, const char *end,
			struct casg_err *err)
{
	const char *tab = memchr(p, '\t', (size_t)(end - p));
	struct casg_taxstr genome = { p, tab ? (size_t)(tab - p) : 0 };
	struct casg_taxstr parent = str("root"), rank = str("genome"), none = { "", 0 };
	struct casg_taxname name = { str("scientific name"), genome, none };
	int ret = 0;

	if (!genome.n || memchr(tab + 1, '\t', (size_t)(end - tab - 1)))
		return bad_lineage(x, err);
	if (x->line == 1)
		ret = add_root(x, err);
	p = tab + 1;
	for (size_t i = 0; i < NRANKS && !ret; i++) {
		const char *stop = memchr(p, ';', (size_t)(end - p));
		struct casg_taxstr id = { p, (size_t)((stop ? stop : end) - p) }, bare, level;

		if (id.n < 3 || p[0] != ranks[i].prefix || p[1] != '_' || p[2] != '_' ||
		    !stop != (i == NRANKS - 1))
			return bad_lineage(x, err);
		p = stop ? stop + 1 : end;
		if (id.n == 3)
			continue;
		bare = (struct casg_taxstr){ id.p + 3, id.n - 3 };
		level = str(ranks[i].rank);
		ret = casg_taxtable_taxon(x->table, &id, &parent, &level, &bare, err);
		parent = id;
	}
	if (!ret)
		ret = casg_taxtable_node(x->table, &genome, &parent, &rank, &none, err);
	return ret ? ret : casg_taxtable_name(x->table, &genome, &name, err);
}

/* ---- tables -------------------------------------------------------------------- */

/* The field at *at, which moves behind its TAB and is NULL behind the last. */
static struct casg_taxstr table_field(const char **at, const char *end)
{
	const char *p = *at, *tab = memchr(p, '\t', (size_t)(end - p));
	struct casg_taxstr f = { p, (size_t)((tab ? tab : end) - p) };

	*at = tab ? tab + 1 : NULL;
	return f;
}

static int table_first_line(struct casg_taxtext *x, const char *p, const char *end,
			    struct casg_err *err)
{
	struct casg_taxstr scientific = str("scientific name");

	if ((size_t)(end - p) < sizeof(table_header) - 1 ||
	    memcmp(p, table_header, sizeof(table_header) - 1))
		return casg_taxtable_bad(x->table, err, "the first line is not that of a table");
	casg_buf_add(&x->rest, p, (size_t)(end - p));
	if (casg_buf_check(&x->rest, err))
		return CASG_ENOMEM;
	end = (const char *)x->rest.data + x->rest.len;
	p = (const char *)x->rest.data + sizeof(table_header) - 1;
	for (p = p < end ? p + 1 : NULL; p; x->nclasses++) {
		struct casg_taxstr cls = table_field(&p, end);

		if (!cls.n || !casg_taxstr_cmp(&cls, &scientific))
			return casg_taxtable_bad(x->table, err, "column %zu has no class of names",
						 x->nclasses + 5);
		for (size_t i = 0; i < x->nclasses; i++)
			if (!casg_taxstr_cmp(&cls, &x->classes[i]))
				return casg_taxtable_bad(x->table, err, "two columns '%.*s'",
							 (int)(cls.n < 200 ? cls.n : 200), cls.p);
		if (x->nclasses == CASG_TAXTABLE_CLASSES_MAX)
			return casg_taxtable_bad(x->table, err, "too many columns");
		if (CASG_GROW(x->classes, x->nclasses + 1, x->classes_cap))
			return casg_err_nomem(err);
		x->classes[x->nclasses] = cls;
	}
	return 0;
}

static int table_line(struct casg_taxtext *x, const char *p, const char *end,
		      struct casg_err *err)
{
	struct casg_taxstr f[4];
	struct casg_taxname name = { str("scientific name"), { "", 0 }, { "", 0 } };
	int ret;

	if (x->line == 1)
		return table_first_line(x, p, end, err);
	for (int i = 0; i < 4; i++) {
		if (!p)
			return casg_taxtable_bad(x->table, err, "there are not %zu fields",
						 x->nclasses + 4);
		f[i] = table_field(&p, end);
	}
	name.name = f[3];
	ret = casg_taxtable_node(x->table, &f[0], &f[1], &f[2], &name.unique, err);
	if (!ret)
		ret = casg_taxtable_name(x->table, &f[0], &name, err);
	for (size_t i = 0; i < x->nclasses && !ret; i++) {
		if (!p)
			return casg_taxtable_bad(x->table, err, "there are not %zu fields",
						 x->nclasses + 4);
		name.cls = x->classes[i];
		name.name = table_field(&p, end);
		if (name.name.n)
			ret = casg_taxtable_name(x->table, &f[0], &name, err);
	}
	if (!ret && p)
		ret = casg_taxtable_bad(x->table, err, "there are not %zu fields",
					x->nclasses + 4);
	return ret;
}

/* ---- lines --------------------------------------------------------------------- */

static int take_line(struct casg_taxtext *x, const char *p, size_t n, struct casg_err *err)
{
	int ret = casg_taxtable_line(x->table, ++x->line, err);

	if (ret)
		return ret;
	if (n > CASG_TAXTEXT_LINE_MAX)
		return casg_taxtable_bad(x->table, err, "the line is longer than %zu bytes",
					 CASG_TAXTEXT_LINE_MAX);
	if (x->odd) {
		if (n && p[n - 1] == '\r')
			n--;
		if (n && (memchr(p, '\r', n) || memchr(p, '\0', n)))
			return casg_taxtable_bad(x->table, err, "a field holds CR or NUL");
	}
	if (!n)
		return casg_taxtable_bad(x->table, err, "the line is empty");
	if (x->kind == CASG_TAXTEXT_LINEAGES)
		return lineage_line(x, p, p + n, err);
	if (x->kind == CASG_TAXTEXT_TABLE)
		return table_line(x, p, p + n, err);
	return dump_line(x, p, p + n, err);
}

int casg_taxtext_feed(struct casg_taxtext *x, const uint8_t *bytes, size_t n,
		      struct casg_err *err)
{
	const char *p = (const char *)bytes, *end = p + n;
	int ret = 0;

	if (!n)
		return 0;
	/* what was carried over may hold some as well */
	x->odd = (x->carry.len && x->odd) || memchr(p, '\r', n) || memchr(p, '\0', n);
	while (p < end && !ret) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((lf ? lf : end) - p);

		if (!lf || x->carry.len) {
			casg_buf_add(&x->carry, p, len);
			ret = casg_buf_check(&x->carry, err);
			/* refused now, not when all of it is here */
			if (!ret && x->carry.len > CASG_TAXTEXT_LINE_MAX + 1)
				ret = take_line(x, (const char *)x->carry.data, x->carry.len,
						err);
		}
		if (lf && !ret) {
			ret = x->carry.len ? take_line(x, (const char *)x->carry.data,
						       x->carry.len, err) :
					     take_line(x, p, len, err);
			casg_buf_reset(&x->carry);
		}
		p = lf ? lf + 1 : end;
	}
	return ret;
}

int casg_taxtext_finish(struct casg_taxtext *x, struct casg_err *err)
{
	int ret;

	if (!x->carry.len)
		return 0;
	ret = casg_taxtable_line(x->table, x->line + 1, err);
	return ret ? ret : casg_taxtable_bad(x->table, err, "the last line does not end, as if the file "
				 "were cut");
}
