#include "mergeview.h"

#include <stdlib.h>

#include "array.h"
#include "endian.h"
#include "objects.h"
#include "preslist.h"

enum { SETTLED = CASG_NSIDES, NSOURCES };

static int map_side(struct casg_mergeview *v, int side, const struct casg_roots *roots,
		    struct casg_err *err)
{
	if (v->mapped[side])
		return 0;
	v->mapped[side] = 1;
	return casg_rankmap_build(&v->map[side], v->o->store, v->coder, &roots->records,
				  &v->merged->roots.records, err);
}

int casg_mergeview_open(struct casg_mergeview *v, struct casg_err *err)
{
	uint64_t memory = v->o->memory_nbytes / 8;
	int rc = map_side(v, CASG_OURS, v->ours, err);

	if (!rc)
		rc = map_side(v, CASG_THEIRS, v->theirs, err);
	if (rc)
		return rc;
	v->position = calloc((size_t)v->merged->roots.count + 1, sizeof(*v->position));
	if (!v->position)
		return casg_err_nomem(err);
	v->said = casg_extsort_new(v->o->tmp_dir, (size_t)memory, v->o->pool, err);
	v->placed = casg_extsort_new(v->o->tmp_dir, (size_t)memory, v->o->pool, err);
	return v->said && v->placed ? 0 : CASG_ENOMEM;
}

void casg_mergeview_release(struct casg_mergeview *v)
{
	for (int i = 0; i < CASG_NSIDES; i++)
		casg_rankmap_release(&v->map[i]);
	free(v->position);
	casg_extsort_free(v->said);
	casg_extsort_free(v->placed);
	casg_buf_release(&v->item);
}

/* ---- order -------------------------------------------------------------- */

/* A record that ours has not, behind which it comes. */
struct addition {
	uint32_t behind;   /* a rank and one, 0: before all */
	uint32_t rank;
	uint64_t seq;
};

struct order {
	struct casg_mergeview *v;
	struct casg_orderw *w;
	struct addition *add;
	size_t nadd, cap_add;
	uint64_t position;
};

static int cmp_addition(const void *x, const void *y)
{
	const struct addition *a = x, *b = y;

	if (a->behind != b->behind)
		return a->behind < b->behind ? -1 : 1;
	return (a->seq > b->seq) - (a->seq < b->seq);
}

static int place(struct order *o, uint32_t rank, struct casg_err *err)
{
	if (o->position >= o->v->merged->roots.count)
		return casg_err_set(err, CASG_ECORRUPT,
				    "corrupt order object: a rank comes twice");
	o->v->position[rank] = (uint32_t)o->position;
	return casg_orderw_put(o->w, o->position++, rank, err);
}

/* In the order of theirs: what is common, and what comes behind it. */
static int find_additions(struct order *o, struct casg_err *err)
{
	struct casg_mergeview *v = o->v;
	struct casg_orderr *r = casg_orderr_open(v->o->store, v->coder, &v->theirs->order,
						 v->theirs->count, err);
	uint32_t behind = 0;
	uint64_t rank;
	int rc = r ? 0 : CASG_ECORRUPT;

	while (!rc && (rc = casg_orderr_next(r, &rank, err)) > 0) {
		uint32_t to = v->map[CASG_THEIRS].to[rank];

		rc = 0;
		if (to == CASG_RANK_GONE)
			continue;
		if (casg_rank_bit(v->map[CASG_OURS].from, to)) {
			behind = to + 1;
			continue;
		}
		if (CASG_GROW(o->add, o->nadd + 1, o->cap_add)) {
			rc = casg_err_nomem(err);
			break;
		}
		o->add[o->nadd] = (struct addition){ behind, to, o->nadd };
		o->nadd++;
	}
	casg_orderr_free(r);
	if (o->nadd)
		qsort(o->add, o->nadd, sizeof(*o->add), cmp_addition);
	return rc;
}

static int place_additions(struct order *o, uint32_t behind, struct casg_err *err)
{
	size_t lo = 0, hi = o->nadd;
	int rc = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->add[mid].behind < behind)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < o->nadd && o->add[lo].behind == behind && !rc; lo++)
		rc = place(o, o->add[lo].rank, err);
	return rc;
}

/* What no side has: records that settle a key more often than it was there. */
static int place_rest(struct order *o, struct casg_err *err)
{
	const struct casg_mergeview *v = o->v;
	uint64_t n = v->merged->roots.count;
	int rc = 0;

	for (uint64_t i = 0; i < n && o->position < n && !rc; i++)
		if (!casg_rank_bit(v->map[CASG_OURS].from, i) &&
		    !casg_rank_bit(v->map[CASG_THEIRS].from, i))
			rc = place(o, (uint32_t)i, err);
	return rc;
}

static int place_all(struct order *o, struct casg_err *err)
{
	struct casg_mergeview *v = o->v;
	struct casg_orderr *r = casg_orderr_open(v->o->store, v->coder, &v->ours->order,
						 v->ours->count, err);
	uint64_t rank;
	int rc = r ? place_additions(o, 0, err) : CASG_ECORRUPT;

	while (!rc && (rc = casg_orderr_next(r, &rank, err)) > 0) {
		uint32_t to = v->map[CASG_OURS].to[rank];

		rc = 0;
		if (to == CASG_RANK_GONE)
			continue;
		rc = place(o, to, err);
		if (!rc)
			rc = place_additions(o, to + 1, err);
	}
	casg_orderr_free(r);
	if (!rc)
		rc = place_rest(o, err);
	if (!rc && o->position != v->merged->roots.count)
		rc = casg_err_set(err, CASG_ECORRUPT, "corrupt order object: a rank is missing");
	return rc;
}

/* A taxonomy stands in the order of its keys, whatever order the sides have. */
static int place_by_key(struct order *o, struct casg_err *err)
{
	int rc = 0;

	for (uint64_t i = 0; i < o->v->merged->roots.count && !rc; i++)
		rc = place(o, (uint32_t)i, err);
	return rc;
}

static int write_order(struct casg_mergeview *v, struct casg_err *err)
{
	struct order o = { .v = v };
	int rc;

	o.w = casg_orderw_new(v->merged->roots.count, v->o->memory_nbytes / 4, v->o->tmp_dir,
			      err);
	rc = !o.w ? CASG_ENOMEM : v->o->by_key ? place_by_key(&o, err) : find_additions(&o, err);
	if (!rc && !v->o->by_key)
		rc = place_all(&o, err);
	if (!rc)
		rc = casg_orderw_finish(o.w, NULL, v->o->packw, v->o->store, v->coder, v->o->zlevel,
					&v->merged->roots.order, err);
	casg_orderw_free(o.w);
	free(o.add);
	return rc;
}

/* ---- presentation: what each side says ---------------------------------- */

static int say(struct casg_mergeview *v, uint64_t rank, int source, const char *pres,
	       size_t plen, struct casg_err *err)
{
	uint8_t head[9];
	int rc;

	casg_put_be64(head, rank);
	head[8] = (uint8_t)source;
	casg_buf_reset(&v->item);
	casg_buf_add(&v->item, head, sizeof(head));
	casg_buf_add(&v->item, pres, plen);
	rc = casg_buf_check(&v->item, err);
	return rc ? rc : casg_extsort_add(v->said, v->item.data, v->item.len, err);
}

int casg_mergeview_settle(struct casg_mergeview *v, uint64_t rank, const char *pres,
			  size_t plen, struct casg_err *err)
{
	return say(v, rank, SETTLED, pres, plen, err);
}

/* All that a side lists, and its facts. */
static int hear_side(struct casg_mergeview *v, int side, const struct casg_roots *roots,
		     struct casg_facts *facts, struct casg_err *err)
{
	struct casg_preslist *l;
	struct casg_presitem i;
	int rc;

	if (!roots)
		return 0;
	l = casg_preslist_open(v->o->store, v->coder, v->o->pool, v->o->tmp_dir, roots,
			       v->o->memory_nbytes / 8, err);
	rc = l ? casg_facts_copy(facts, casg_preslist_facts(l), err) : CASG_ECORRUPT;
	while (!rc && (rc = casg_preslist_next(l, &i, err)) > 0) {
		uint32_t to;

		/* the base is mapped only where it has something to say */
		rc = map_side(v, side, roots, err);
		to = rc ? CASG_RANK_GONE : v->map[side].to[i.rank];
		if (to != CASG_RANK_GONE)
			rc = say(v, to, side, i.pres, i.plen, err);
	}
	casg_preslist_free(l);
	return rc;
}

/* ---- presentation: what holds ------------------------------------------- */

struct text {
	const char *p;
	size_t n;
};

static int same_text(const struct text *a, const struct text *b)
{
	return a->n == b->n && !memcmp(a->p, b->p, a->n);
}

/* The presentation of the record at 'rank', of what the sources say. */
static const struct text *choose(struct casg_mergeview *v, uint64_t rank,
				 const struct text t[NSOURCES])
{
	const struct casg_rankmap *mo = &v->map[CASG_OURS], *mt = &v->map[CASG_THEIRS];
	const struct text *b = &t[CASG_BASE], *o = &t[CASG_OURS], *th = &t[CASG_THEIRS];
	int new_o, new_t;

	if (t[SETTLED].p)
		return &t[SETTLED];
	if (!casg_rank_bit(mt->from, rank))
		return o;
	if (!casg_rank_bit(mo->from, rank))
		return th;
	/* of the side that the sequence is from */
	new_o = casg_rank_bit(mo->reseq, rank);
	new_t = casg_rank_bit(mt->reseq, rank);
	if (new_o != new_t)
		return new_o ? th : o;
	if (same_text(o, th) || same_text(th, b))
		return o;
	if (same_text(o, b))
		return th;
	v->merged->npres_ours++;
	return o;
}

static int put_chosen(struct casg_mergeview *v, uint64_t rank, const struct text t[NSOURCES],
		      struct casg_err *err)
{
	const struct text *x = choose(v, rank, t);
	uint8_t position[8];
	int rc;

	if (x->n == 1 && *x->p == '-')
		return 0;
	casg_put_be64(position, v->position[rank]);
	casg_buf_reset(&v->item);
	casg_buf_add(&v->item, position, sizeof(position));
	casg_buf_add(&v->item, x->p, x->n);
	rc = casg_buf_check(&v->item, err);
	return rc ? rc : casg_extsort_add(v->placed, v->item.data, v->item.len, err);
}

static void nothing_said(struct text t[NSOURCES])
{
	for (int i = 0; i < NSOURCES; i++)
		t[i] = (struct text){ i == SETTLED ? NULL : "-", i != SETTLED };
}

/* Presentations in line form are short: all that is said of a record is kept. */
static int choose_all(struct casg_mergeview *v, struct casg_err *err)
{
	struct casg_buf text[NSOURCES] = { CASG_BUF_INIT };
	struct text t[NSOURCES];
	uint64_t rank = UINT64_MAX;
	const uint8_t *item;
	size_t n;
	int rc = casg_extsort_finish(v->said, err);

	nothing_said(t);
	while (!rc && (rc = casg_extsort_next(v->said, &item, &n, err)) > 0) {
		uint64_t of = casg_get_be64(item);
		int source = item[8];

		rc = 0;
		if (of != rank && rank != UINT64_MAX)
			rc = put_chosen(v, rank, t, err);
		if (of != rank)
			nothing_said(t);
		rank = of;
		casg_buf_reset(&text[source]);
		casg_buf_add(&text[source], item + 9, n - 9);
		if (!rc)
			rc = casg_buf_check(&text[source], err);
		t[source] = (struct text){ (const char *)text[source].data, n - 9 };
	}
	if (!rc && rank != UINT64_MAX)
		rc = put_chosen(v, rank, t, err);
	for (int i = 0; i < NSOURCES; i++)
		casg_buf_release(&text[i]);
	return rc ? rc : casg_extsort_finish(v->placed, err);
}

/* ---- facts -------------------------------------------------------------- */

/* Whether theirs holds; if both changed, ours does, and that is noted. */
static int is_theirs(struct casg_mergeview *v, int same_ot, int same_ob, int same_tb,
		     unsigned int fact)
{
	if (same_ot || same_tb)
		return 0;
	if (!same_ob)
		v->merged->facts_ours |= fact;
	return same_ob;
}

static int same_prologue(const struct casg_facts *a, const struct casg_facts *b)
{
	return a->prologue.len == b->prologue.len &&
	       (!a->prologue.len ||
		!memcmp(a->prologue.data, b->prologue.data, a->prologue.len));
}

/* Three-way into f[CASG_OURS]. */
static int merge_facts(struct casg_mergeview *v, struct casg_facts f[CASG_NSIDES],
		       struct casg_err *err)
{
	const struct casg_facts *b = &f[CASG_BASE], *t = &f[CASG_THEIRS];
	struct casg_facts *o = &f[CASG_OURS];

	if (is_theirs(v, o->width == t->width, o->width == b->width, t->width == b->width,
		      CASG_MERGED_WIDTH))
		o->width = t->width;
	if (is_theirs(v, o->crlf == t->crlf, o->crlf == b->crlf, t->crlf == b->crlf,
		      CASG_MERGED_EOL))
		o->crlf = t->crlf;
	if (is_theirs(v, o->final_newline == t->final_newline,
		      o->final_newline == b->final_newline,
		      t->final_newline == b->final_newline, CASG_MERGED_FINAL_NEWLINE))
		o->final_newline = t->final_newline;
	if (is_theirs(v, same_prologue(o, t), same_prologue(o, b), same_prologue(t, b),
		      CASG_MERGED_PROLOGUE)) {
		casg_buf_reset(&o->prologue);
		casg_buf_add(&o->prologue, t->prologue.data, t->prologue.len);
	}
	return casg_buf_check(&o->prologue, err);
}

/* ---- all of it ---------------------------------------------------------- */

static int write_presentation(struct casg_mergeview *v, const struct casg_facts *facts,
			      struct casg_err *err)
{
	struct casg_presw *w = casg_presw_new(v->o->tmp_dir);
	const uint8_t *item;
	size_t n;
	int rc = w ? 0 : casg_err_nomem(err);

	while (!rc && (rc = casg_extsort_next(v->placed, &item, &n, err)) > 0)
		rc = casg_presw_add(w, casg_get_be64(item), (const char *)item + 8, n - 8, err);
	if (!rc)
		rc = casg_presw_finish(w, facts, NULL, v->o->packw, v->o->store, v->coder,
				       v->o->zlevel, &v->merged->roots.presentation, err);
	casg_presw_free(w);
	return rc;
}

int casg_mergeview_write(struct casg_mergeview *v, struct casg_err *err)
{
	struct casg_facts f[CASG_NSIDES];
	int rc = write_order(v, err);

	for (int i = 0; i < CASG_NSIDES; i++)
		casg_facts_init(&f[i]);
	if (!rc)
		rc = hear_side(v, CASG_BASE, v->base, &f[CASG_BASE], err);
	if (!rc)
		rc = hear_side(v, CASG_OURS, v->ours, &f[CASG_OURS], err);
	if (!rc)
		rc = hear_side(v, CASG_THEIRS, v->theirs, &f[CASG_THEIRS], err);
	if (!rc)
		rc = choose_all(v, err);
	if (!rc)
		rc = merge_facts(v, f, err);
	if (!rc)
		rc = write_presentation(v, &f[CASG_OURS], err);
	for (int i = 0; i < CASG_NSIDES; i++)
		casg_facts_release(&f[i]);
	return rc;
}
