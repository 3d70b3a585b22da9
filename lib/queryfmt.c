#include "queryfmt.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "hex.h"

enum field {
	TEXT, KEY, ID, LENGTH, TAXON, PRESENTATION, DESCRIPTION,
	TAXID, NAME, RANK, LINEAGE, LINEAGE_IDS, AT_RANK,
	NFIELDS
};

static const char *const names[NFIELDS] = {
	[TEXT] = "", [KEY] = "key", [ID] = "id", [LENGTH] = "length", [TAXON] = "taxon",
	[PRESENTATION] = "presentation", [DESCRIPTION] = "description", [TAXID] = "taxid",
	[NAME] = "name", [RANK] = "rank", [LINEAGE] = "lineage", [LINEAGE_IDS] = "lineageids",
	[AT_RANK] = "rank:",
};

/* Ranks that go without "rank:". */
static const char *const ranks[] = {
	"domain", "superkingdom", "realm", "kingdom", "phylum", "class", "order", "family",
	"subfamily", "tribe", "genus", "subgenus", "species", "subspecies", "strain",
};

struct part {
	enum field field;
	int old;
	size_t at, n;       /* in text: TEXT, or the field's name */
	char *rank;
};

struct casg_queryfmt {
	enum casg_queryfmt_kind kind;
	struct part *part;
	size_t n, cap;
	struct casg_buf text, value;
	struct casg_recquery_taxa taxa[2];
};

/* ---- reading a format --------------------------------------------------- */

static struct part *add_part(struct casg_queryfmt *f, enum field field)
{
	if (CASG_GROW(f->part, f->n + 1, f->cap))
		return NULL;
	memset(&f->part[f->n], 0, sizeof(*f->part));
	f->part[f->n].field = field;
	f->part[f->n].at = f->text.len;
	return &f->part[f->n++];
}

static int add_text(struct casg_queryfmt *f, int c)
{
	struct part *p = f->n && f->part[f->n - 1].field == TEXT ? &f->part[f->n - 1]
								  : add_part(f, TEXT);

	if (!p)
		return -1;
	casg_buf_addch(&f->text, c);
	p->n++;
	return f->text.failed ? -1 : 0;
}

static int is_word(const char *word, const char *s, size_t n)
{
	return strlen(word) == n && !memcmp(word, s, n);
}

/* The field; the rank, if it is one, is [*rank, + *nrank). */
static enum field find_field(const char *s, size_t n, const char **rank, size_t *nrank)
{
	for (int i = KEY; i < AT_RANK; i++)
		if (is_word(names[i], s, n))
			return (enum field)i;
	*rank = s;
	*nrank = n;
	if (n > 5 && !memcmp(s, "rank:", 5)) {
		*rank += 5;
		*nrank -= 5;
		return AT_RANK;
	}
	for (size_t i = 0; i < sizeof(ranks) / sizeof(*ranks); i++)
		if (is_word(ranks[i], s, n))
			return AT_RANK;
	return TEXT;
}

static int add_field(struct casg_queryfmt *f, const char *s, size_t n, struct casg_err *err)
{
	int old = n > 3 && !memcmp(s, "old", 3);
	const char *rank = NULL;
	size_t nrank = 0;
	enum field field = find_field(s + (old ? 3 : 0), n - (old ? 3 : 0), &rank, &nrank);
	struct part *p;

	if (field == TEXT || (old && field < TAXID))
		return casg_err_set(err, CASG_ECORRUPT, "unknown field '%%(%.*s)' in the format",
				    (int)(n < 80 ? n : 80), s);
	p = add_part(f, field);
	if (!p)
		return casg_err_nomem(err);
	casg_buf_add(&f->text, s, n);
	p->n = n;
	p->old = old;
	if (field == AT_RANK)
		p->rank = strndup(rank, nrank);
	return field == AT_RANK && !p->rank ? casg_err_nomem(err) : casg_buf_check(&f->text, err);
}

static int compile(struct casg_queryfmt *f, const char *s, struct casg_err *err)
{
	while (*s) {
		const char *end;
		uint8_t byte;
		int rc = 0;

		if (*s != '%') {
			rc = add_text(f, *s++);
		} else if (s[1] == '%') {
			rc = add_text(f, '%');
			s += 2;
		} else if (s[1] == '(' && (end = strchr(s, ')'))) {
			if ((rc = add_field(f, s + 2, (size_t)(end - s) - 2, err)))
				return rc;
			s = end + 1;
		} else if (s[1] && s[2] && !casg_hex_decode(&byte, s + 1, 1)) {
			rc = add_text(f, byte);
			s += 3;
		} else {
			return casg_err_set(err, CASG_ECORRUPT, "malformed format at '%.40s'", s);
		}
		if (rc)
			return casg_err_nomem(err);
	}
	for (size_t i = 0; i < f->n; i++)
		if (f->part[i].field != TEXT)
			return 0;
	return casg_err_set(err, CASG_ECORRUPT, "the format has no %%(field)");
}

struct casg_queryfmt *casg_queryfmt_new(enum casg_queryfmt_kind kind, const char *format,
					struct casg_err *err)
{
	struct casg_queryfmt *f = calloc(1, sizeof(*f));

	if (!f) {
		casg_err_nomem(err);
		return NULL;
	}
	f->kind = kind;
	if (compile(f, format, err)) {
		casg_queryfmt_free(f);
		return NULL;
	}
	return f;
}

void casg_queryfmt_free(struct casg_queryfmt *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		free(f->part[i].rank);
	free(f->part);
	casg_buf_release(&f->text);
	casg_buf_release(&f->value);
	casg_recquery_taxa_release(&f->taxa[0]);
	casg_recquery_taxa_release(&f->taxa[1]);
	free(f);
}

int casg_queryfmt_needs_sequence(const struct casg_queryfmt *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->part[i].field == ID || f->part[i].field == LENGTH)
			return 1;
	return 0;
}

int casg_queryfmt_needs_taxonomy(const struct casg_queryfmt *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->part[i].field >= TAXID && !f->part[i].old)
			return 1;
	return 0;
}

int casg_queryfmt_needs_old(const struct casg_queryfmt *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->part[i].old)
			return 1;
	return 0;
}

/* ---- values ------------------------------------------------------------- */

/* Names or ids from below the root down to the taxon; a root's is the root. */
static int add_lineage(struct casg_buf *out, const struct casg_taxonomy *t, uint32_t taxon,
		       int ids, struct casg_err *err)
{
	uint32_t line[CASG_LINEAGE_MAX];
	size_t n;
	int rc = casg_taxonomy_lineage(t, taxon, line, &n, err);

	for (size_t i = n > 1; !rc && i < n; i++) {
		struct casg_taxon_info k;

		rc = casg_taxonomy_info(t, line[i], &k, err);
		if (rc)
			break;
		if (i > (n > 1))
			casg_buf_addch(out, ';');
		casg_buf_add(out, ids ? k.id.p : k.name.p, ids ? k.id.n : k.name.n);
	}
	return rc;
}

/* Of the taxon that stands for the record: 1, or 0 when there is nothing to say. */
static int value_of_taxon(const struct part *p, const struct casg_taxonomy *t, uint32_t taxon,
			  struct casg_buf *out, struct casg_err *err)
{
	struct casg_taxon_info k;
	int rc = 0;

	if (!t || taxon == CASG_TAXON_NONE)
		return 0;
	if (p->field == AT_RANK)
		rc = casg_taxonomy_at_rank(t, taxon, p->rank, &taxon, err);
	if (!rc && taxon == CASG_TAXON_NONE)
		return 0;
	if (!rc)
		rc = casg_taxonomy_info(t, taxon, &k, err);
	if (rc)
		return rc;
	switch (p->field) {
	case TAXID:
		casg_buf_add(out, k.id.p, k.id.n);
		break;
	case RANK:
		casg_buf_add(out, k.rank.p, k.rank.n);
		break;
	case LINEAGE:
	case LINEAGE_IDS:
		rc = add_lineage(out, t, taxon, p->field == LINEAGE_IDS, err);
		break;
	default:
		casg_buf_add(out, k.name.p, k.name.n);
	}
	return rc ? rc : 1;
}

/* All ids of the record, joined by ','. */
static int value_of_ids(const struct casg_buf *ids, struct casg_buf *out)
{
	size_t at = out->len;

	if (!ids->len)
		return 0;
	casg_buf_add(out, ids->data, ids->len - 1);
	for (size_t i = at; i < out->len; i++)
		if (!out->data[i])
			out->data[i] = ',';
	return 1;
}

/* The value of a field in f->value: 1, 0 when there is none, or negative. */
static int find_value(struct casg_queryfmt *f, const struct part *p,
		      const struct casg_recquery_side sides[2], const struct casg_rec *r,
		      struct casg_err *err)
{
	struct casg_buf *v = &f->value;

	casg_buf_reset(v);
	switch (p->field) {
	case KEY:
		casg_buf_add(v, r->key, r->klen);
		return 1;
	case ID:
		casg_oid_addhex(v, &r->oid);
		return 1;
	case LENGTH:
		casg_buf_add_u64(v, r->length);
		return 1;
	case TAXON:
		return value_of_ids(&f->taxa[0].ids, v);
	case PRESENTATION:
		casg_buf_add(v, r->pres, r->plen);
		return r->plen != 1 || *r->pres != '-';
	case DESCRIPTION:
		casg_buf_add(v, r->desc, r->dlen);
		return 1;
	default:
		return value_of_taxon(p, sides[p->old].t, f->taxa[p->old].chosen, v, err);
	}
}

/* ---- JSON --------------------------------------------------------------- */

/* Bytes of the UTF-8 character at p, or 0. */
static size_t utf8(const uint8_t *p, size_t n)
{
	size_t len = *p < 0x80 ? 1 : *p < 0xC2 ? 0 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : *p < 0xF5 ? 4 : 0;

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	/* overlong forms, surrogates, beyond U+10FFFF */
	if ((*p == 0xE0 && p[1] < 0xA0) || (*p == 0xED && p[1] > 0x9F) ||
	    (*p == 0xF0 && p[1] < 0x90) || (*p == 0xF4 && p[1] > 0x8F))
		return 0;
	return len;
}

static void add_json(struct casg_buf *out, const uint8_t *p, size_t n)
{
	casg_buf_addch(out, '"');
	while (n) {
		size_t len = utf8(p, n);

		if (*p == '"' || *p == '\\') {
			casg_buf_addch(out, '\\');
			casg_buf_addch(out, *p);
		} else if (*p < 0x20 || *p == 0x7F || !len) {
			casg_buf_addf(out, "\\u%04X", *p);
		} else {
			casg_buf_add(out, p, len);
		}
		p += len ? len : 1;
		n -= len ? len : 1;
	}
	casg_buf_addch(out, '"');
}

/* ---- lines -------------------------------------------------------------- */

void casg_queryfmt_heading(const struct casg_queryfmt *f, struct casg_buf *out, int z)
{
	int any = 0;

	if (f->kind != CASG_QUERYFMT_TSV)
		return;
	for (size_t i = 0; i < f->n; i++) {
		if (f->part[i].field == TEXT)
			continue;
		if (any++)
			casg_buf_addch(out, '\t');
		casg_buf_add(out, f->text.data + f->part[i].at, f->part[i].n);
	}
	casg_buf_addch(out, z ? '\0' : '\n');
}

static void add_value(struct casg_queryfmt *f, struct casg_buf *out, const struct part *p,
		      int there, int first, int z)
{
	const char *v = there ? (const char *)f->value.data : "-";
	size_t n = there ? f->value.len : 1;

	if (f->kind == CASG_QUERYFMT_JSON) {
		casg_buf_addch(out, first ? '{' : ',');
		add_json(out, f->text.data + p->at, p->n);
		casg_buf_addch(out, ':');
		if (!there)
			casg_buf_addstr(out, "null");
		else if (p->field == LENGTH)
			casg_buf_add(out, v, n);
		else
			add_json(out, f->value.data, n);
		return;
	}
	if (f->kind == CASG_QUERYFMT_TSV && !first)
		casg_buf_addch(out, '\t');
	if (p->field == KEY)
		casg_stream_key(out, v, n, z);
	else
		casg_stream_field(out, v, n, z);
}

int casg_queryfmt_add(struct casg_queryfmt *f, struct casg_buf *out,
		      struct casg_recquery *q, const struct casg_recquery_side sides[2],
		      const struct casg_rec *r, int z, struct casg_err *err)
{
	int first = 1, rc;

	rc = casg_recquery_find(q, 0, r->key, r->klen, r->desc, r->dlen, &f->taxa[0], err);
	if (!rc && sides[1].t)
		rc = casg_recquery_find(q, 1, r->key, r->klen, r->desc, r->dlen, &f->taxa[1], err);
	for (size_t i = 0; !rc && i < f->n; i++) {
		const struct part *p = &f->part[i];

		if (p->field == TEXT) {
			if (f->kind == CASG_QUERYFMT_TEXT)
				casg_buf_add(out, f->text.data + p->at, p->n);
			continue;
		}
		rc = find_value(f, p, sides, r, err);
		if (rc < 0)
			return rc;
		add_value(f, out, p, rc, first, z);
		first = rc = 0;
	}
	if (f->kind == CASG_QUERYFMT_JSON)
		casg_buf_addch(out, '}');
	casg_buf_addch(out, z ? '\0' : '\n');
	if (!rc)
		rc = casg_buf_check(&f->value, err);
	return rc ? rc : casg_buf_check(out, err);
}
