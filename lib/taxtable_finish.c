#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "endian.h"
#include "taxtable_in.h"

/* ---- checks -------------------------------------------------------------------- */

static int entry_bad(const struct casg_taxtable *t, struct casg_err *err,
		     const struct taxtable_entry *e, const char *what, const struct casg_taxstr *which)
{
	struct casg_taxstr id = id_of(t, e);

	if (!which)
		return casg_taxtable_bad_at(t, err, e->file, e->line, "'%.*s' %s", CASG_TAXTABLE_SHOWN(id), what);
	return casg_taxtable_bad_at(t, err, e->file, e->line, "'%.*s' %s '%.*s'", CASG_TAXTABLE_SHOWN(id), what,
		      CASG_TAXTABLE_SHOWN(*which));
}

static int resolve_parents(struct casg_taxtable *t, struct casg_err *err)
{
	const struct taxtable_entry *root = NULL;

	for (size_t i = 0; i < t->nentries; i++) {
		struct taxtable_entry *e = &t->entries[i];
		struct casg_taxstr parent = other_of(t, e);

		if (e->kind != CASG_TAXREC_NODE)
			continue;
		e->other = casg_taxtable_find(t, &parent);
		if (e->other == CASG_TAXTABLE_NONE)
			return entry_bad(t, err, e, "has a parent that is not there,", &parent);
		if (t->entries[e->other].kind != CASG_TAXREC_NODE)
			return entry_bad(t, err, e, "has a parent that is no taxon any more,",
					 &parent);
		if (e->other != i)
			continue;
		if (root)
			return entry_bad(t, err, e, "is a second root (its own parent)", NULL);
		root = e;
	}
	if (!t->nkind[CASG_TAXREC_NODE])
		return casg_taxtable_bad(t, err, "there are no taxa");
	return 0;
}

/*
 * Follow 'other' from every entry of the kind, once through each: a way that
 * meets itself is a circle.  'seen' is 0, or 1 + where the way began.
 */
static int refuse_circles(struct casg_taxtable *t, enum casg_taxrec_kind kind,
			  uint32_t *seen, const char *what, struct casg_err *err)
{
	for (size_t i = 0; i < t->nentries; i++) {
		uint32_t mark = (uint32_t)i + 1, k = (uint32_t)i;

		while (t->entries[k].kind == kind && !seen[k]) {
			seen[k] = mark;
			if (t->entries[k].other == k)
				break;
			k = t->entries[k].other;
			if (seen[k] == mark)
				return entry_bad(t, err, &t->entries[k], what, NULL);
		}
	}
	return 0;
}

static int resolve_merged(struct casg_taxtable *t, struct casg_err *err)
{
	for (size_t i = 0; i < t->nentries; i++) {
		struct taxtable_entry *e = &t->entries[i];
		struct casg_taxstr into = other_of(t, e);

		if (e->kind != CASG_TAXREC_MERGED)
			continue;
		e->other = casg_taxtable_find(t, &into);
		if (e->other == CASG_TAXTABLE_NONE)
			return entry_bad(t, err, e, "is merged into an id that is not there,",
					 &into);
		if (t->entries[e->other].kind == CASG_TAXREC_DELETED)
			return entry_bad(t, err, e, "is merged into an id that is deleted,",
					 &into);
		if (e->other == i)
			return entry_bad(t, err, e, "is merged into itself", NULL);
	}
	return 0;
}

static int give_names(struct casg_taxtable *t, struct taxtable_entry *e, uint32_t first,
		      uint32_t end, struct casg_err *err)
{
	struct casg_taxstr id = id_of(t, e);

	for (uint32_t i = end; i-- > first;) {
		struct taxtable_name *n = &t->names[i];

		if (n->cls != CASG_TAXTABLE_SCIENTIFIC) {
			n->next = e->names;
			e->names = i;
			continue;
		}
		if (e->sci != CASG_TAXTABLE_NONE) {
			/* of the two, the one that stands behind */
			const struct taxtable_name *o = &t->names[i < e->sci ? e->sci : i];

			return casg_taxtable_bad_at(t, err, o->file, o->line,
				      "a second scientific name of '%.*s'", CASG_TAXTABLE_SHOWN(id));
		}
		e->sci = i;
	}
	return 0;
}

/* Most dumps have nodes and names in one order: the next is tried first. */
static int resolve_names(struct casg_taxtable *t, struct casg_err *err)
{
	uint32_t next = 0;

	for (size_t i = 0; i < t->nruns; i++) {
		const struct taxtable_run *r = &t->runs[i];
		uint32_t end = i + 1 < t->nruns ? t->runs[i + 1].first : (uint32_t)t->nnames;
		struct casg_taxstr id = { (const char *)t->names_text.data + r->text, r->idlen };
		uint32_t k = next;
		int ret;

		if (k >= t->nentries || t->entries[k].idlen != id.n ||
		    memcmp(t->text.data + t->entries[k].text, id.p, id.n))
			k = casg_taxtable_find(t, &id);
		if (k == CASG_TAXTABLE_NONE || t->entries[k].kind != CASG_TAXREC_NODE)
			return casg_taxtable_bad_at(t, err, t->names[r->first].file, t->names[r->first].line,
				      "a name of '%.*s', which is no taxon", CASG_TAXTABLE_SHOWN(id));
		ret = give_names(t, &t->entries[k], r->first, end, err);
		if (ret)
			return ret;
		next = k + 1;
	}
	for (size_t i = 0; i < t->nentries; i++)
		if (t->entries[i].kind == CASG_TAXREC_NODE && t->entries[i].sci == CASG_TAXTABLE_NONE)
			return entry_bad(t, err, &t->entries[i], "has no scientific name", NULL);
	return 0;
}

/* ---- order ---------------------------------------------------------------------- */

static struct casg_taxstr public_id(const struct casg_taxtable *t, const struct taxtable_entry *e)
{
	return t->ids == CASG_TAXIDS_NAMES ? name_of(t, e->sci) : id_of(t, e);
}

static int add_key(struct casg_taxtable *t, size_t i, struct casg_err *err)
{
	const struct taxtable_entry *e = &t->entries[i];
	struct casg_taxstr id = public_id(t, e);
	size_t at = t->keys.len;
	uint8_t raw[4] = { 0 };

	casg_buf_add(&t->keys, raw, 4);
	if (casg_taxid_to_key(&t->keys, id.p, id.n, err))
		return err && err->code == CASG_ENOMEM ? CASG_ENOMEM :
			entry_bad(t, err, e, "is too long for an id", NULL);
	casg_put_le32(t->keys.data + at, (uint32_t)(t->keys.len - at - 4));
	casg_put_le32(raw, (uint32_t)i);
	casg_buf_add(&t->keys, raw, 4);
	return casg_buf_check(&t->keys, err);
}

static struct taxtable_entry *ordered(const struct casg_taxtable *t, size_t i)
{
	const struct casg_strent *s = &t->order[i];

	return &t->entries[casg_get_le32(casg_strent_bytes(s) + casg_strent_len(s))];
}

static int refuse_twins(const struct casg_taxtable *t, struct casg_err *err)
{
	for (size_t i = 1; i < t->nentries; i++) {
		const struct casg_strent *a = &t->order[i - 1], *b = &t->order[i];
		const struct taxtable_name *n, *m;
		struct casg_taxstr id;

		if (casg_strent_len(a) != casg_strent_len(b) ||
		    memcmp(casg_strent_bytes(a), casg_strent_bytes(b), casg_strent_len(a)))
			continue;
		n = &t->names[ordered(t, i - 1)->sci];
		m = &t->names[ordered(t, i)->sci];
		if (n > m) {
			const struct taxtable_name *swap = n;

			n = m;
			m = swap;
		}
		id = name_of(t, (uint32_t)(m - t->names));
		return casg_taxtable_bad_at(t, err, m->file, m->line, "the id '%.*s' stands in %s, line %" PRIu32
			      " already", CASG_TAXTABLE_SHOWN(id), t->files[n->file], n->line);
	}
	return 0;
}

static int sort_keys(struct casg_taxtable *t, struct casg_err *err)
{
	size_t at = 0;
	int ret = 0;

	if (casg_taxtable_too_much(t, t->nentries * (sizeof(*t->order) + 16), err))
		return CASG_ENOMEM;
	for (size_t i = 0; i < t->nentries && !ret; i++)
		ret = add_key(t, i, err);
	if (ret)
		return ret;
	t->order = calloc(t->nentries + 1, sizeof(*t->order));
	if (!t->order)
		return casg_err_nomem(err);
	for (size_t i = 0; i < t->nentries; i++) {
		t->order[i].p = t->keys.data + at;
		at += 8 + casg_get_le32(t->keys.data + at);
	}
	casg_strsort(t->order, t->nentries, 0, NULL);
	return t->ids == CASG_TAXIDS_NAMES ? refuse_twins(t, err) : 0;
}

int casg_taxtable_finish(struct casg_taxtable *t, struct casg_err *err)
{
	uint32_t *seen;
	int ret;

	ret = resolve_parents(t, err);
	if (!ret)
		ret = resolve_merged(t, err);
	if (ret)
		return ret;
	seen = calloc(t->nentries + 1, sizeof(*seen));
	if (!seen)
		return casg_err_nomem(err);
	ret = refuse_circles(t, CASG_TAXREC_NODE, seen, "is among its own ancestors", err);
	if (!ret)
		ret = refuse_circles(t, CASG_TAXREC_MERGED, seen,
				     "is merged in a circle that ends in no taxon", err);
	free(seen);
	if (!ret)
		ret = resolve_names(t, err);
	return ret ? ret : sort_keys(t, err);
}

/* ---- records ---------------------------------------------------------------------- */

void casg_taxtable_stats(const struct casg_taxtable *t, struct casg_taxtable_stats *out)
{
	out->ntaxa = t->nkind[CASG_TAXREC_NODE];
	out->nmerged = t->nkind[CASG_TAXREC_MERGED];
	out->ndeleted = t->nkind[CASG_TAXREC_DELETED];
	out->nnames = t->nnames;
}

static struct casg_taxstr unique_of(const struct casg_taxtable *t, uint32_t i)
{
	struct casg_taxstr name = name_of(t, i);
	struct casg_taxstr s = { name.p + name.n, t->names[i].uniquelen };

	return s;
}

static int list_names(struct casg_taxtable *t, uint32_t i, size_t *n_out, struct casg_err *err)
{
	size_t n = 0;

	for (; i != CASG_TAXTABLE_NONE; i = t->names[i].next, n++) {
		const char *cls = t->classes[t->names[i].cls];

		if (CASG_GROW(t->list, n + 1, t->list_cap))
			return casg_err_nomem(err);
		t->list[n].cls = (struct casg_taxstr){ cls, strlen(cls) };
		t->list[n].name = name_of(t, i);
		t->list[n].unique = unique_of(t, i);
	}
	*n_out = n;
	return 0;
}

int casg_taxtable_next(struct casg_taxtable *t, struct casg_buf *key,
		       struct casg_buf *desc, struct casg_err *err)
{
	const struct casg_strent *s;
	const struct taxtable_entry *e;
	struct casg_taxrec r = { .kind = CASG_TAXREC_DELETED };
	size_t nnames = 0;
	int ret = 0;

	if (t->at == t->nentries)
		return 0;
	e = ordered(t, t->at);
	s = &t->order[t->at++];
	casg_buf_reset(key);
	casg_buf_reset(desc);
	casg_buf_add(key, casg_strent_bytes(s), casg_strent_len(s));
	r.kind = (enum casg_taxrec_kind)e->kind;
	casg_buf_reset(&t->parent);
	if (e->other != CASG_TAXTABLE_NONE) {
		struct casg_taxstr id = public_id(t, &t->entries[e->other]);

		ret = casg_taxid_to_key(&t->parent, id.p, id.n, err);
	}
	r.into.p = r.parent.p = (const char *)t->parent.data;
	r.into.n = r.parent.n = t->parent.len;
	if (!ret && r.kind == CASG_TAXREC_NODE) {
		struct casg_taxstr parent = other_of(t, e);

		r.rank = (struct casg_taxstr){ parent.p + parent.n, e->ranklen };
		r.rest = (struct casg_taxstr){ r.rank.p + r.rank.n, e->restlen };
		r.name = name_of(t, e->sci);
		r.unique = unique_of(t, e->sci);
		ret = list_names(t, e->names, &nnames, err);
	}
	if (!ret)
		ret = casg_taxrec_encode(desc, &r, t->list, nnames, err);
	return ret ? ret : casg_buf_check(key, err) ? CASG_ENOMEM : 1;
}
