#include "recmerge.h"

#include <stdlib.h>

#include "array.h"
#include "endian.h"
#include "extsort.h"
#include "locinfo.h"
#include "mergeview.h"
#include "node.h"
#include "preslist.h"
#include "recgroup.h"
#include "treediff.h"
#include "treeedit.h"
#include "treer.h"

enum { WINDOW = 32768, WINDOW_NBYTES = 16 << 20 };

/* One record of a key that is looked at; strings as offsets until they are set. */
struct member {
	struct casg_recside s;
	int side;
	int gone;           /* only named: it is taken away */
};

/* All of one key. */
struct unit {
	size_t first, n;    /* members */
	int both;           /* both sides changed it */
};

/* A record that settles a key. */
struct settled {
	struct casg_rec r;  /* strings as offsets into settle_text */
	int none, used;
	uint64_t rank;      /* in the merged tree, once that is known */
	uint32_t seq;       /* as they were given */
};

/* One of two comparisons with the base, one difference looked at ahead. */
struct side_diff {
	struct casg_treediff *d;
	struct casg_diffpair p;
	int have;
};

/* One version's presentations, for the lists of conflicts. */
struct odd {
	struct casg_preslist *l;
	struct casg_presitem item;
	int have, begun;
};

struct casg_recmerge {
	struct casg_recmerge_opts o;
	struct casg_coder *coder;
	struct casg_roots roots[CASG_NSIDES];
	int has[CASG_NSIDES];
	struct side_diff diff[CASG_NSIDES];  /* of ours and theirs */
	struct casg_treer *tree[CASG_NSIDES];
	struct odd odd[CASG_NSIDES];
	/* keys whose records' ids are looked for together */
	struct member *v;
	size_t n, cap;
	struct unit *units;
	size_t nunits, cap_units;
	struct casg_objinfo *info;
	size_t cap_info;
	struct casg_buf text, desc, item, key;
	/* what becomes of the tree of ours */
	struct casg_extsort *edits;
	uint64_t nedits;
	int sorted;
	struct casg_recside edit_side;
	/* records that settle */
	struct settled *settled;
	size_t nsettled, cap_settled;
	struct casg_buf settle_text;
	uint64_t nconflicts, nconflicts_settled;
};

struct casg_recmerge *casg_recmerge_new(const struct casg_recmerge_opts *opts,
					const struct casg_roots *base,
					const struct casg_roots *ours,
					const struct casg_roots *theirs,
					struct casg_err *err)
{
	const struct casg_roots *const roots[CASG_NSIDES] = { base, ours, theirs };
	struct casg_recmerge *m = calloc(1, sizeof(*m));

	if (!m) {
		casg_err_nomem(err);
		return NULL;
	}
	m->o = *opts;
	m->coder = opts->coders[casg_workers_count(opts->pool) - 1];
	for (int i = 0; i < CASG_NSIDES; i++)
		if (roots[i]) {
			m->roots[i] = *roots[i];
			m->has[i] = 1;
		}
	m->edits = casg_extsort_new(opts->tmp_dir, (size_t)(opts->memory_nbytes / 4),
				    opts->pool, err);
	if (!m->edits) {
		casg_recmerge_free(m);
		return NULL;
	}
	return m;
}

void casg_recmerge_free(struct casg_recmerge *m)
{
	if (!m)
		return;
	for (int i = 0; i < CASG_NSIDES; i++) {
		casg_treediff_free(m->diff[i].d);
		casg_treer_free(m->tree[i]);
		casg_preslist_free(m->odd[i].l);
	}
	casg_extsort_free(m->edits);
	free(m->v);
	free(m->units);
	free(m->info);
	free(m->settled);
	casg_buf_release(&m->text);
	casg_buf_release(&m->desc);
	casg_buf_release(&m->item);
	casg_buf_release(&m->key);
	casg_buf_release(&m->settle_text);
	free(m);
}

/* ---- edits -------------------------------------------------------------- */

/* Key, NUL, number, operation, tag; then the record. */
static int add_edit(struct casg_recmerge *m, enum casg_edit_op op, uint64_t tag,
		    const struct casg_recside *s, struct casg_err *err)
{
	struct casg_buf *b = &m->item;
	uint8_t n[17];
	int rc;

	casg_buf_reset(b);
	casg_buf_add(b, s->key, s->klen);
	casg_buf_addch(b, 0);
	casg_put_be64(n, m->nedits++);
	n[8] = (uint8_t)op;
	casg_put_be64(n + 9, tag);
	casg_buf_add(b, n, sizeof(n));
	casg_recside_encode(s, b);
	rc = casg_buf_check(b, err);
	return rc ? rc : casg_extsort_add(m->edits, b->data, b->len, err);
}

static int next_edit(void *ctx, struct casg_edit *out, struct casg_err *err)
{
	struct casg_recmerge *m = ctx;
	struct casg_recside *s = &m->edit_side;
	const uint8_t *item, *p, *end;
	size_t n;
	int rc = casg_extsort_next(m->edits, &item, &n, err);

	if (rc <= 0)
		return rc;
	end = item + n;
	p = memchr(item, 0, n);
	if (!p || end - p < 18)
		return casg_err_set(err, CASG_ECORRUPT, "a scratch record is cut short");
	memset(out, 0, sizeof(*out));
	out->op = (enum casg_edit_op)p[9];
	out->tag = casg_get_be64(p + 10);
	p += 18;
	rc = casg_recside_decode(s, &p, end, err);
	if (rc)
		return rc;
	out->e.key = s->key;
	out->e.klen = s->klen;
	out->e.occurrence = s->occurrence;
	out->e.oid = s->oid;
	out->e.length = s->length;
	out->e.desc = s->desc;
	out->e.dlen = s->dlen;
	return 1;
}

/* ---- records that settle ------------------------------------------------ */

int casg_recmerge_settle(struct casg_recmerge *m, const struct casg_rec *r, int none,
			 struct casg_err *err)
{
	struct settled *t;

	if (CASG_GROW(m->settled, m->nsettled + 1, m->cap_settled))
		return casg_err_nomem(err);
	t = &m->settled[m->nsettled];
	memset(t, 0, sizeof(*t));
	t->r = *r;
	t->none = none;
	t->rank = CASG_NO_RANK;
	t->seq = (uint32_t)m->nsettled++;
	t->r.key = (const char *)(uintptr_t)m->settle_text.len;
	casg_buf_add(&m->settle_text, r->key, r->klen);
	casg_buf_add(&m->settle_text, r->desc, r->dlen);
	casg_buf_add(&m->settle_text, r->pres, r->plen);
	return casg_buf_check(&m->settle_text, err);
}

static int cmp_settled(const void *x, const void *y)
{
	const struct settled *a = x, *b = y;
	int c = casg_key_cmp(a->r.key, a->r.klen, 0, b->r.key, b->r.klen, 0);

	return c ? c : (a->seq > b->seq) - (a->seq < b->seq);
}

static void make_settled_ready(struct casg_recmerge *m)
{
	for (size_t i = 0; i < m->nsettled; i++) {
		struct casg_rec *r = &m->settled[i].r;

		r->key = (const char *)m->settle_text.data + (uintptr_t)r->key;
		r->desc = r->key + r->klen;
		r->pres = r->desc + r->dlen;
	}
	if (m->nsettled)
		qsort(m->settled, m->nsettled, sizeof(*m->settled), cmp_settled);
}

/* The first of the key, or NULL; *n_out of them. */
static struct settled *find_settled(struct casg_recmerge *m, const char *key, size_t klen,
				    size_t *n_out)
{
	size_t lo = 0, hi = m->nsettled;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct casg_rec *r = &m->settled[mid].r;

		if (casg_key_cmp(r->key, r->klen, 0, key, klen, 0) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (hi = lo; hi < m->nsettled; hi++) {
		const struct casg_rec *r = &m->settled[hi].r;

		if (r->klen != klen || memcmp(r->key, key, klen))
			break;
	}
	*n_out = hi - lo;
	return hi > lo ? &m->settled[lo] : NULL;
}

static int settle_by_records(struct casg_recmerge *m, struct settled *t, size_t n,
			     const struct casg_recside *of_key, struct casg_err *err)
{
	int rc = add_edit(m, CASG_EDIT_CLEAR, 0, of_key, err);

	for (size_t i = 0; i < n && !rc; i++) {
		const struct casg_rec *r = &t[i].r;
		const struct casg_recside s = {
			.key = r->key, .klen = r->klen, .oid = r->oid, .length = r->length,
			.desc = r->desc, .dlen = r->dlen, .pres = r->pres, .plen = r->plen,
		};

		t[i].used = 1;
		if (!t[i].none)
			rc = add_edit(m, CASG_EDIT_PUT, (uint64_t)(t - m->settled) + i + 1, &s,
				      err);
	}
	return rc;
}

static int check_all_used(const struct casg_recmerge *m, struct casg_err *err)
{
	for (size_t i = 0; i < m->nsettled; i++)
		if (!m->settled[i].used)
			return casg_err_set(err, CASG_ECORRUPT, "key '%.*s' is not in conflict",
					    (int)(m->settled[i].r.klen < 200 ?
						  m->settled[i].r.klen : 200),
					    m->settled[i].r.key);
	return 0;
}

/* ---- conflicts ---------------------------------------------------------- */

/* The presentation of a record; they are asked for in the order of the tree. */
static int find_pres(struct casg_recmerge *m, int side, struct casg_recside *s,
		     struct casg_err *err)
{
	struct odd *o = &m->odd[side];
	int rc = 0, c = -1;

	if (!o->begun) {
		o->begun = 1;
		o->l = casg_preslist_open(m->o.store, m->coder, m->o.pool, m->o.tmp_dir,
					  &m->roots[side], m->o.memory_nbytes / 16, err);
		if (!o->l)
			return CASG_ECORRUPT;
		o->have = casg_preslist_next(o->l, &o->item, err);
	}
	while (o->have > 0) {
		const struct casg_entry *e = &o->item.e;

		c = casg_key_cmp(e->key, e->klen, e->occurrence, s->key, s->klen,
				 s->occurrence);
		if (c >= 0)
			break;
		o->have = casg_preslist_next(o->l, &o->item, err);
	}
	if (o->have < 0)
		rc = o->have;
	s->pres = o->have > 0 && !c ? o->item.pres : "-";
	s->plen = o->have > 0 && !c ? o->item.plen : 1;
	return rc;
}

static int tell_conflict(struct casg_recmerge *m, const struct unit *u, struct casg_err *err)
{
	const struct casg_recside *any = &m->v[u->first].s;

	for (int side = 0; side < CASG_NSIDES; side++) {
		int rc = 0, told = 0;

		for (size_t i = 0; i < u->n && !rc; i++) {
			struct member *x = &m->v[u->first + i];

			if (x->side != side)
				continue;
			told = 1;
			rc = find_pres(m, side, &x->s, err);
			if (!rc)
				rc = m->o.conflict(m->o.ctx, (enum casg_merge_side)side,
						   x->s.key, x->s.klen, &x->s, err);
		}
		if (!rc && !told)
			rc = m->o.conflict(m->o.ctx, (enum casg_merge_side)side, any->key,
					   any->klen, NULL, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- one key ------------------------------------------------------------ */

/* Have two sides the same records? */
static int same_records(const struct casg_recmerge *m, const struct unit *u, int a, int b)
{
	const struct member *v = m->v + u->first;
	size_t i = 0, j = 0;

	for (;;) {
		while (i < u->n && v[i].side != a)
			i++;
		while (j < u->n && v[j].side != b)
			j++;
		if (i == u->n || j == u->n)
			return i == u->n && j == u->n;
		if (casg_recgroup_cmp(&v[i++].s, &v[j++].s))
			return 0;
	}
}

static int take_theirs(struct casg_recmerge *m, const struct unit *u, struct casg_err *err)
{
	int rc = add_edit(m, CASG_EDIT_CLEAR, 0, &m->v[u->first].s, err);

	for (size_t i = 0; i < u->n && !rc; i++)
		if (m->v[u->first + i].side == CASG_THEIRS)
			rc = add_edit(m, CASG_EDIT_PUT, 0, &m->v[u->first + i].s, err);
	return rc;
}

static int decide_both(struct casg_recmerge *m, const struct unit *u, struct casg_err *err)
{
	const struct casg_recside *any = &m->v[u->first].s;
	struct settled *t;
	size_t n;

	if (same_records(m, u, CASG_OURS, CASG_THEIRS) ||
	    same_records(m, u, CASG_THEIRS, CASG_BASE))
		return 0;
	if (same_records(m, u, CASG_OURS, CASG_BASE))
		return take_theirs(m, u, err);
	m->nconflicts++;
	t = find_settled(m, any->key, any->klen, &n);
	m->nconflicts_settled += t || m->o.settle;
	if (t)
		return settle_by_records(m, t, n, any, err);
	if (m->o.settle)
		return m->o.settle == CASG_SETTLE_OURS ? 0 : take_theirs(m, u, err);
	return tell_conflict(m, u, err);
}

/* What theirs made of a key that ours left alone. */
static int decide_theirs(struct casg_recmerge *m, const struct unit *u, struct casg_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < u->n && !rc; i++) {
		const struct member *x = &m->v[u->first + i];

		rc = add_edit(m, x->gone ? CASG_EDIT_REMOVE : CASG_EDIT_PUT, 0, &x->s, err);
	}
	return rc;
}

static int flush(struct casg_recmerge *m, struct casg_err *err)
{
	int rc = 0;

	if (CASG_GROW(m->info, m->n, m->cap_info))
		return casg_err_nomem(err);
	if (m->n)
		rc = casg_locinfo(m->o.store, m->o.pool, m->o.coders, &m->v[0].s.loc,
				  sizeof(*m->v), m->n, m->info, err);
	for (size_t i = 0; i < m->n && !rc; i++) {
		struct casg_recside *s = &m->v[i].s;

		s->oid = m->info[i].id;
		s->length = m->info[i].nbytes;
		s->key = (const char *)m->text.data + (uintptr_t)s->key;
		s->desc = s->key + s->klen;
		s->pres = "-";
		s->plen = 1;
	}
	for (size_t i = 0; i < m->nunits && !rc; i++)
		rc = (m->units[i].both ? decide_both : decide_theirs)(m, &m->units[i], err);
	m->n = m->nunits = 0;
	casg_buf_reset(&m->text);
	return rc;
}

/* ---- gathering ---------------------------------------------------------- */

static int advance(struct side_diff *d, struct casg_err *err)
{
	d->have = casg_treediff_next_places(d->d, &d->p, err);
	return d->have < 0 ? d->have : 0;
}

static const struct casg_entry *entry_of(const struct side_diff *d)
{
	return d->p.a.e ? d->p.a.e : d->p.b.e;
}

static int is_key(const struct casg_recmerge *m, const struct casg_entry *e)
{
	return e->klen == m->key.len && !memcmp(e->key, m->key.data, e->klen);
}

static int push(struct casg_recmerge *m, int side, const struct casg_entry *e,
		const struct casg_loc *loc, int gone, struct casg_err *err)
{
	struct member *x;
	const char *desc;
	int rc = casg_treediff_desc(m->diff[CASG_THEIRS].d, e, &m->desc, &desc, err);

	if (rc)
		return rc;
	if (CASG_GROW(m->v, m->n + 1, m->cap))
		return casg_err_nomem(err);
	x = &m->v[m->n++];
	memset(x, 0, sizeof(*x));
	x->side = side;
	x->gone = gone;
	x->s.key = (const char *)(uintptr_t)m->text.len;
	x->s.klen = e->klen;
	x->s.occurrence = e->occurrence;
	x->s.dlen = (size_t)e->dlen;
	x->s.loc = *loc;
	casg_buf_add(&m->text, e->key, e->klen);
	casg_buf_add(&m->text, desc, x->s.dlen);
	return casg_buf_check(&m->text, err);
}

/* All records that a side has of the key. */
static int push_side(struct casg_recmerge *m, int side, struct casg_err *err)
{
	struct casg_treer_item i;
	struct casg_loc loc;
	int rc;

	if (!m->has[side])
		return 0;
	rc = casg_treer_seek(m->tree[side], (const char *)m->key.data, m->key.len, err);
	while (!rc && casg_treer_item(m->tree[side], &i)) {
		if (i.level) {
			rc = casg_treer_enter(m->tree[side], err);
			continue;
		}
		if (!is_key(m, i.entry))
			break;
		rc = casg_store_ref(m->o.store, m->coder, i.pack, i.entry->ref, &loc, err);
		if (!rc)
			rc = push(m, side, i.entry, &loc, 0, err);
		casg_treer_skip(m->tree[side]);
	}
	return rc;
}

static int push_both(struct casg_recmerge *m, struct casg_err *err)
{
	int rc = 0;

	for (int side = 0; side < CASG_NSIDES && !rc; side++)
		rc = push_side(m, side, err);
	for (int side = CASG_OURS; side < CASG_NSIDES; side++)
		while (!rc && m->diff[side].have && is_key(m, entry_of(&m->diff[side])))
			rc = advance(&m->diff[side], err);
	return rc;
}

static int push_theirs(struct casg_recmerge *m, struct casg_err *err)
{
	struct side_diff *t = &m->diff[CASG_THEIRS];
	int rc = 0;

	while (!rc && t->have && is_key(m, entry_of(t))) {
		if (t->p.a.e)
			rc = push(m, CASG_BASE, t->p.a.e, &t->p.a.loc, 1, err);
		if (!rc && t->p.b.e)
			rc = push(m, CASG_THEIRS, t->p.b.e, &t->p.b.loc, 0, err);
		if (!rc)
			rc = advance(t, err);
	}
	return rc;
}

/* The next key that theirs changed. */
static int take_key(struct casg_recmerge *m, struct casg_err *err)
{
	struct side_diff *o = &m->diff[CASG_OURS], *t = &m->diff[CASG_THEIRS];
	const struct casg_entry *e = entry_of(t);
	struct unit *u;
	int rc = 0, c = 1;

	casg_buf_reset(&m->key);
	casg_buf_add(&m->key, e->key, e->klen);
	if (m->key.failed || CASG_GROW(m->units, m->nunits + 1, m->cap_units))
		return casg_err_nomem(err);
	/* what only ours changed stays as it is */
	while (!rc && o->have) {
		c = casg_key_cmp(entry_of(o)->key, entry_of(o)->klen, 0, e->key, e->klen, 0);
		if (c >= 0)
			break;
		rc = advance(o, err);
	}
	u = &m->units[m->nunits++];
	u->first = m->n;
	u->both = !rc && o->have && !c;
	if (!rc)
		rc = u->both ? push_both(m, err) : push_theirs(m, err);
	u->n = m->n - u->first;
	return rc;
}

static int open_inputs(struct casg_recmerge *m, struct casg_err *err)
{
	for (int i = CASG_OURS; i < CASG_NSIDES; i++) {
		m->diff[i].d = casg_treediff_open(m->o.store, m->coder, m->has[CASG_BASE] ?
						  &m->roots[CASG_BASE].records : NULL,
						  &m->roots[i].records, err);
		if (!m->diff[i].d)
			return CASG_ECORRUPT;
		if (casg_treediff_count_b(m->diff[i].d) != m->roots[i].count)
			return casg_err_set(err, CASG_ECORRUPT,
					    "the tree holds other records than the version counts");
	}
	for (int i = 0; i < CASG_NSIDES; i++) {
		if (!m->has[i])
			continue;
		m->tree[i] = casg_treer_open(m->o.store, m->coder, &m->roots[i].records, err);
		if (!m->tree[i])
			return CASG_ECORRUPT;
	}
	return 0;
}

int casg_recmerge_decide(struct casg_recmerge *m, struct casg_err *err)
{
	int rc = open_inputs(m, err);

	make_settled_ready(m);
	if (!rc)
		rc = advance(&m->diff[CASG_OURS], err);
	if (!rc)
		rc = advance(&m->diff[CASG_THEIRS], err);
	while (!rc && m->diff[CASG_THEIRS].have) {
		if (m->n >= WINDOW || m->text.len > WINDOW_NBYTES)
			rc = flush(m, err);
		if (!rc)
			rc = take_key(m, err);
	}
	if (!rc)
		rc = flush(m, err);
	if (!rc)
		rc = check_all_used(m, err);
	return rc ? rc : casg_extsort_finish(m->edits, err);
}

uint64_t casg_recmerge_conflicts(const struct casg_recmerge *m)
{
	return m->nconflicts;
}

uint64_t casg_recmerge_settled(const struct casg_recmerge *m)
{
	return m->nconflicts_settled;
}

/* ---- writing ------------------------------------------------------------ */

/* Where the records stand that settled a key. */
static int note_rank(void *ctx, const struct casg_edited *x, struct casg_err *err)
{
	struct casg_recmerge *m = ctx;

	(void)err;
	if (x->tag && x->new_rank != CASG_NO_RANK)
		m->settled[x->tag - 1].rank = x->new_rank;
	return 0;
}

static int edit_tree(struct casg_recmerge *m, struct casg_merged *out, struct casg_err *err)
{
	const struct casg_treeedit t = {
		.store = m->o.store, .packw = m->o.packw, .pool = m->o.pool,
		.coders = m->o.coders, .zlevel = m->o.zlevel,
		.depth = CASG_NODELINK_IMPORT_DEPTH,
		.edits = next_edit, .edited = note_rank, .ctx = m,
	};
	struct casg_edit_stats stats = { .root = m->roots[CASG_OURS].records,
					 .nrecords = m->roots[CASG_OURS].count };
	int rc = m->nedits ? casg_treeedit(&t, &m->roots[CASG_OURS].records, &stats, err) : 0;

	out->roots.records = stats.root;
	out->roots.count = stats.nrecords;
	out->nput = stats.nput;
	out->nremoved = stats.nremoved;
	out->residues_put = stats.residues_put;
	out->residues_removed = stats.residues_removed;
	out->nnodes_new = stats.nnodes_new;
	/* the new nodes are read next */
	return rc ? rc : casg_packw_finish(m->o.packw, err);
}

/* Has this side changed anything? */
static int is_base(const struct casg_recmerge *m, int side)
{
	const struct casg_roots *a = &m->roots[CASG_BASE], *b = &m->roots[side];

	return m->has[CASG_BASE] && casg_oid_eq(&a->records, &b->records) &&
	       casg_oid_eq(&a->order, &b->order) &&
	       casg_oid_eq(&a->presentation, &b->presentation);
}

int casg_recmerge_write(struct casg_recmerge *m, struct casg_merged *out,
			struct casg_err *err)
{
	struct casg_mergeview v = {
		.o = &m->o, .coder = m->coder, .base = m->has[CASG_BASE] ? &m->roots[0] : NULL,
		.ours = &m->roots[CASG_OURS], .theirs = &m->roots[CASG_THEIRS], .merged = out,
	};
	int rc;

	memset(out, 0, sizeof(*out));
	if (m->nconflicts != m->nconflicts_settled)
		return casg_err_set(err, CASG_EBUG, "there are conflicts that are not settled");
	out->is_theirs = is_base(m, CASG_OURS);
	if (out->is_theirs || is_base(m, CASG_THEIRS)) {
		out->roots = m->roots[out->is_theirs ? CASG_THEIRS : CASG_OURS];
		return 0;
	}
	rc = edit_tree(m, out, err);
	if (!rc)
		rc = casg_mergeview_open(&v, err);
	for (size_t i = 0; i < m->nsettled && !rc; i++)
		if (m->settled[i].rank != CASG_NO_RANK)
			rc = casg_mergeview_settle(&v, m->settled[i].rank, m->settled[i].r.pres,
						   m->settled[i].r.plen, err);
	if (!rc)
		rc = casg_mergeview_write(&v, err);
	casg_mergeview_release(&v);
	return rc ? rc : casg_packw_finish(m->o.packw, err);
}
