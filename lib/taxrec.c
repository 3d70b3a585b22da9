#include "taxrec.h"

#include <string.h>

#include "node.h"

static int bad(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "bad taxon record: %s", what);
}

int casg_taxstr_cmp(const struct casg_taxstr *a, const struct casg_taxstr *b)
{
	size_t n = a->n < b->n ? a->n : b->n;
	int c = n ? memcmp(a->p, b->p, n) : 0;

	return c ? c : (a->n > b->n) - (a->n < b->n);
}

static int name_cmp(const struct casg_taxname *a, const struct casg_taxname *b)
{
	int c = casg_taxstr_cmp(&a->cls, &b->cls);

	if (!c)
		c = casg_taxstr_cmp(&a->name, &b->name);
	return c ? c : casg_taxstr_cmp(&a->unique, &b->unique);
}

static int is(const struct casg_taxstr *s, const char *word)
{
	return s->n == strlen(word) && !memcmp(s->p, word, s->n);
}

/* ---- ids ----------------------------------------------------------------- */

static int must_quote(unsigned char c)
{
	return c <= 0x20 || c == 0x7f || c == '%' || c == ',';
}

static int hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte at p, one or three long, as the encoder writes it; or -1. */
static int key_byte(const char *p, size_t n, size_t *used)
{
	unsigned char c = (unsigned char)*p;
	int hi, lo;

	*used = 1;
	if (c != '%')
		return must_quote(c) ? -1 : c;
	if (n < 3)
		return -1;
	hi = hex_value((unsigned char)p[1]);
	lo = hex_value((unsigned char)p[2]);
	if (hi < 0 || lo < 0)
		return -1;
	*used = 3;
	return must_quote((unsigned char)(hi << 4 | lo)) ? hi << 4 | lo : -1;
}

int casg_taxid_check_key(const char *key, size_t n, struct casg_err *err)
{
	size_t used;

	if (!n)
		return bad(err, "an id is empty");
	if (n > CASG_KEY_MAX)
		return bad(err, "an id is too long");
	for (size_t i = 0; i < n; i += used)
		if (key_byte(key + i, n - i, &used) < 0)
			return bad(err, "an id is not in key form");
	return 0;
}

int casg_taxid_to_key(struct casg_buf *out, const char *id, size_t n, struct casg_err *err)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t before = out->len, from = 0;

	if (!n)
		return bad(err, "an id is empty");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)id[i];
		char quoted[3] = { '%', digits[c >> 4], digits[c & 15] };

		if (!must_quote(c))
			continue;
		casg_buf_add(out, id + from, i - from);
		casg_buf_add(out, quoted, 3);
		from = i + 1;
	}
	casg_buf_add(out, id + from, n - from);
	if (casg_buf_check(out, err))
		return CASG_ENOMEM;
	return out->len - before > CASG_KEY_MAX ? bad(err, "an id is too long") : 0;
}

int casg_taxid_from_key(struct casg_buf *out, const char *key, size_t n,
			struct casg_err *err)
{
	int ret = casg_taxid_check_key(key, n, err);
	size_t used;

	if (ret)
		return ret;
	for (size_t i = 0; i < n; i += used)
		casg_buf_addch(out, key_byte(key + i, n - i, &used));
	return casg_buf_check(out, err);
}

/* ---- reading ------------------------------------------------------------- */

/* The field at *at, which moves behind the TAB that ends it; 0: none is left. */
static int next_field(struct casg_taxstr *at, struct casg_taxstr *out)
{
	const char *tab;

	if (!at->p)
		return 0;
	out->p = at->p;
	tab = at->n ? memchr(at->p, '\t', at->n) : NULL;
	out->n = tab ? (size_t)(tab - at->p) : at->n;
	at->p = tab ? tab + 1 : NULL;
	at->n = tab ? at->n - out->n - 1 : 0;
	return 1;
}

int casg_taxrec_next_name(struct casg_taxstr *at, struct casg_taxname *out)
{
	return next_field(at, &out->cls) && next_field(at, &out->name) &&
	       next_field(at, &out->unique);
}

static int decode_others(struct casg_taxrec *r, struct casg_err *err)
{
	struct casg_taxstr at = r->others;
	struct casg_taxname name, last = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };

	while (at.p) {
		if (!casg_taxrec_next_name(&at, &name))
			return bad(err, "another name is not complete");
		if (!name.cls.n || !name.name.n)
			return bad(err, "another name is empty");
		if (r->nothers++ && name_cmp(&last, &name) >= 0)
			return bad(err, "the other names are not in order");
		last = name;
	}
	return 0;
}

static int decode_node(struct casg_taxrec *r, struct casg_taxstr at, struct casg_err *err)
{
	int ret;

	if (!next_field(&at, &r->parent) || !next_field(&at, &r->rank) ||
	    !next_field(&at, &r->rest) || !next_field(&at, &r->name) ||
	    !next_field(&at, &r->unique))
		return bad(err, "a field is missing");
	if (!r->name.n)
		return bad(err, "the name is empty");
	ret = casg_taxid_check_key(r->parent.p, r->parent.n, err);
	r->others = at;
	return ret ? ret : decode_others(r, err);
}

static int no_breaks(const char *p, size_t n, struct casg_err *err)
{
	if (n && (memchr(p, '\n', n) || memchr(p, '\r', n) || memchr(p, '\0', n)))
		return bad(err, "a field holds LF, CR or NUL");
	return 0;
}

int casg_taxrec_decode(struct casg_taxrec *out, const char *desc, size_t dlen,
		       struct casg_err *err)
{
	struct casg_taxstr at = { desc, dlen }, word;
	int ret;

	memset(out, 0, sizeof(*out));
	if (!dlen || *desc != '\t')
		return bad(err, "it does not begin with TAB");
	at.p++;
	at.n--;
	ret = no_breaks(at.p, at.n, err);
	if (ret)
		return ret;
	next_field(&at, &word);
	if (is(&word, "node"))
		return decode_node(out, at, err);
	if (is(&word, "merged")) {
		out->kind = CASG_TAXREC_MERGED;
		if (!next_field(&at, &out->into) || at.p)
			return bad(err, "a merged id has one field");
		return casg_taxid_check_key(out->into.p, out->into.n, err);
	}
	if (!is(&word, "deleted"))
		return bad(err, "it is no node, not merged and not deleted");
	out->kind = CASG_TAXREC_DELETED;
	return at.p ? bad(err, "something follows 'deleted'") : 0;
}

/* ---- writing ------------------------------------------------------------- */

static void add_field(struct casg_buf *out, const struct casg_taxstr *s)
{
	casg_buf_addch(out, '\t');
	casg_buf_add(out, s->p, s->n);
}

/* Heap sort: names come from a dump that may have put them in the worst order. */
static void sift(struct casg_taxname *v, size_t i, size_t n)
{
	struct casg_taxname moving = v[i];
	size_t child;

	for (; (child = 2 * i + 1) < n; i = child) {
		child += child + 1 < n && name_cmp(&v[child], &v[child + 1]) < 0;
		if (name_cmp(&moving, &v[child]) >= 0)
			break;
		v[i] = v[child];
	}
	v[i] = moving;
}

static void sort_names(struct casg_taxname *v, size_t n)
{
	size_t i = 1;

	while (i < n && name_cmp(&v[i - 1], &v[i]) <= 0)
		i++;
	if (i >= n)
		return;
	for (i = n / 2; i-- > 0;)
		sift(v, i, n);
	for (i = n; i-- > 1;) {
		struct casg_taxname top = v[0];

		v[0] = v[i];
		v[i] = top;
		sift(v, 0, i);
	}
}

static int encode_node(struct casg_buf *out, const struct casg_taxrec *r,
		       struct casg_taxname *names, size_t nnames, struct casg_err *err)
{
	size_t ntabs = 6 + 3 * nnames, before = out->len;
	const char *p, *end;

	if (!r->name.n)
		return bad(err, "the name is empty");
	sort_names(names, nnames);
	casg_buf_addstr(out, "\tnode");
	add_field(out, &r->parent);
	add_field(out, &r->rank);
	add_field(out, &r->rest);
	add_field(out, &r->name);
	add_field(out, &r->unique);
	for (size_t i = 0; i < nnames; i++) {
		if (!names[i].cls.n || !names[i].name.n)
			return bad(err, "another name is empty");
		if (i && !name_cmp(&names[i - 1], &names[i])) {
			ntabs -= 3;
			continue;
		}
		add_field(out, &names[i].cls);
		add_field(out, &names[i].name);
		add_field(out, &names[i].unique);
	}
	if (casg_buf_check(out, err))
		return CASG_ENOMEM;
	/* a TAB too many is one inside a field */
	p = (const char *)out->data + before;
	end = (const char *)out->data + out->len;
	while (p < end && (p = memchr(p, '\t', (size_t)(end - p)))) {
		if (!ntabs--)
			return bad(err, "a field holds TAB");
		p++;
	}
	return no_breaks((const char *)out->data + before, out->len - before, err);
}

int casg_taxrec_encode(struct casg_buf *out, const struct casg_taxrec *r,
		       struct casg_taxname *names, size_t nnames, struct casg_err *err)
{
	const struct casg_taxstr *id = r->kind == CASG_TAXREC_NODE ? &r->parent : &r->into;
	int ret;

	if (r->kind == CASG_TAXREC_DELETED) {
		casg_buf_addstr(out, "\tdeleted");
		return casg_buf_check(out, err);
	}
	ret = casg_taxid_check_key(id->p, id->n, err);
	if (ret)
		return ret;
	if (r->kind == CASG_TAXREC_NODE)
		return encode_node(out, r, names, nnames, err);
	casg_buf_addstr(out, "\tmerged");
	add_field(out, id);
	return casg_buf_check(out, err);
}

/* ---- mapping rows -------------------------------------------------------- */

int casg_taxmap_next(struct casg_taxstr *at, struct casg_taxstr *id_out)
{
	const char *comma;

	if (!at->p)
		return 0;
	id_out->p = at->p;
	comma = at->n ? memchr(at->p, ',', at->n) : NULL;
	id_out->n = comma ? (size_t)(comma - at->p) : at->n;
	at->p = comma ? comma + 1 : NULL;
	at->n = comma ? at->n - id_out->n - 1 : 0;
	return 1;
}

static int twice(struct casg_err *err)
{
	return bad(err, "a mapping names an id twice");
}

int casg_taxmap_decode(struct casg_taxstr *ids_out, const char *desc, size_t dlen,
		       struct casg_err *err)
{
	struct casg_taxstr at, id;
	size_t n = 0;

	if (!dlen || *desc != '\t')
		return bad(err, "it does not begin with TAB");
	ids_out->p = desc + 1;
	ids_out->n = dlen - 1;
	for (at = *ids_out; casg_taxmap_next(&at, &id); n++) {
		struct casg_taxstr before = *ids_out, other;
		int ret = casg_taxid_check_key(id.p, id.n, err);

		if (ret)
			return ret;
		if (n >= CASG_TAXMAP_MAX)
			return bad(err, "a mapping names too many ids");
		while (casg_taxmap_next(&before, &other) && other.p != id.p)
			if (!casg_taxstr_cmp(&other, &id))
				return twice(err);
	}
	return 0;
}

int casg_taxmap_encode(struct casg_buf *out, const struct casg_taxstr *ids, size_t nids,
		       struct casg_err *err)
{
	if (!nids || nids > CASG_TAXMAP_MAX)
		return bad(err, nids ? "a mapping names too many ids" : "a mapping names no id");
	for (size_t i = 0; i < nids; i++) {
		int ret = casg_taxid_check_key(ids[i].p, ids[i].n, err);

		if (ret)
			return ret;
		for (size_t k = 0; k < i; k++)
			if (!casg_taxstr_cmp(&ids[k], &ids[i]))
				return twice(err);
		casg_buf_addch(out, i ? ',' : '\t');
		casg_buf_add(out, ids[i].p, ids[i].n);
	}
	return casg_buf_check(out, err);
}
