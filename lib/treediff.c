#include "treediff.h"

#include <stdlib.h>

#include "treer.h"

struct casg_treediff {
	struct casg_store *s;
	struct casg_coder *c;
	struct casg_treer *a, *b; /* NULL: empty */
	int same;                 /* the roots are equal: nothing differs */
	uint64_t count_a, count_b;
	uint64_t rank_a, rank_b;  /* records passed */
	uint64_t past_a, past_b;  /* records in what is still to be passed */
};

static int open_side(struct casg_treediff *d, const struct casg_oid *root,
		     struct casg_treer **t, uint64_t *count, struct casg_err *err)
{
	if (!root)
		return 0;
	*t = casg_treer_open(d->s, d->c, root, err);
	if (!*t)
		return CASG_ECORRUPT;
	*count = casg_treer_count(*t);
	return 0;
}

struct casg_treediff *casg_treediff_open(struct casg_store *s, struct casg_coder *c,
					 const struct casg_oid *root_a,
					 const struct casg_oid *root_b,
					 struct casg_err *err)
{
	struct casg_treediff *d = calloc(1, sizeof(*d));

	if (!d) {
		casg_err_nomem(err);
		return NULL;
	}
	d->s = s;
	d->c = c;
	d->same = root_a && root_b && casg_oid_eq(root_a, root_b);
	if (open_side(d, root_a, &d->a, &d->count_a, err) ||
	    open_side(d, root_b, &d->b, &d->count_b, err)) {
		casg_treediff_free(d);
		return NULL;
	}
	return d;
}

void casg_treediff_free(struct casg_treediff *d)
{
	if (!d)
		return;
	casg_treer_free(d->a);
	casg_treer_free(d->b);
	free(d);
}

uint64_t casg_treediff_count_a(const struct casg_treediff *d)
{
	return d->count_a;
}

uint64_t casg_treediff_count_b(const struct casg_treediff *d)
{
	return d->count_b;
}

/* ---- the walk ----------------------------------------------------------- */

/* The last key of one item against the first of another. */
static int cmp_last_first(const struct casg_treer_item *x, const struct casg_treer_item *y)
{
	const char *last = x->level ? x->child->last : x->entry->key;
	size_t last_len = x->level ? x->child->last_len : x->entry->klen;
	uint32_t last_occ = x->level ? x->child->last_occurrence : x->entry->occurrence;
	const char *first = y->level ? y->child->first : y->entry->key;
	size_t first_len = y->level ? y->child->first_len : y->entry->klen;
	uint32_t first_occ = y->level ? y->child->first_occurrence : y->entry->occurrence;

	return casg_key_cmp(last, last_len, last_occ, first, first_len, first_occ);
}

enum step {
	STEP_A,      /* what stands before a is only there */
	STEP_B,
	STEP_SAME,   /* one subtree: pass over both */
	STEP_HIGHER, /* they overlap: enter the one that is higher, or both */
	STEP_PAIR,   /* two records with one key */
	STEP_END
};

/*
 * Two subtrees of one level that overlap and are not one: neither can be equal
 * to another of that level on the other side, since those do not overlap with
 * it, so both are entered.  Of two levels, only the higher one.
 */
static enum step choose(int have_a, const struct casg_treer_item *a,
			int have_b, const struct casg_treer_item *b)
{
	if (!have_a || !have_b)
		return have_a ? STEP_A : have_b ? STEP_B : STEP_END;
	if (a->level && a->level == b->level && casg_oid_eq(&a->child->id, &b->child->id)) {
		/* one of them lies about it: reading it tells which */
		return a->child->count == b->child->count ? STEP_SAME : STEP_HIGHER;
	}
	if (cmp_last_first(a, b) < 0)
		return STEP_A;
	if (cmp_last_first(b, a) < 0)
		return STEP_B;
	return a->level || b->level ? STEP_HIGHER : STEP_PAIR;
}

static int enter_higher(struct casg_treediff *d, int level_a, int level_b,
			struct casg_err *err)
{
	int rc = level_a >= level_b ? casg_treer_enter(d->a, err) : 0;

	if (!rc && level_b >= level_a)
		rc = casg_treer_enter(d->b, err);
	return rc;
}

static int give_side(struct casg_treediff *d, const struct casg_treer_item *i,
		     uint64_t rank, struct casg_diffside *out, uint64_t *past,
		     struct casg_err *err)
{
	*past = 1;
	out->e = i->entry;
	out->rank = rank;
	return casg_store_ref(d->s, d->c, i->pack, i->entry->ref, &out->loc, err);
}

static int give_one(struct casg_treediff *d, const struct casg_treer_item *i,
		    uint64_t rank, struct casg_diffside *out, uint64_t *past,
		    struct casg_err *err)
{
	int rc = give_side(d, i, rank, out, past, err);

	return rc ? rc : 1;
}

static int same_desc(const struct casg_entry *a, const struct casg_entry *b)
{
	if (a->dlen != b->dlen || !a->desc != !b->desc)
		return 0;
	if (!a->desc)
		return casg_oid_eq(&a->desc_blob, &b->desc_blob);
	return !a->dlen || !memcmp(a->desc, b->desc, (size_t)a->dlen);
}

static int same_place(const struct casg_loc *a, const struct casg_loc *b)
{
	return a->pack == b->pack && a->chunk == b->chunk && a->member == b->member;
}

/* 1 when the records with one key differ, as far as their places tell. */
static int give_pair(struct casg_treediff *d, const struct casg_treer_item *a,
		     const struct casg_treer_item *b, struct casg_diffpair *out,
		     struct casg_err *err)
{
	int rc = give_side(d, a, d->rank_a, &out->a, &d->past_a, err);

	if (!rc)
		rc = give_side(d, b, d->rank_b, &out->b, &d->past_b, err);
	if (rc)
		return rc;
	return !same_desc(a->entry, b->entry) || !same_place(&out->a.loc, &out->b.loc);
}

static void pass(struct casg_treediff *d)
{
	if (d->past_a)
		casg_treer_skip(d->a);
	if (d->past_b)
		casg_treer_skip(d->b);
	d->rank_a += d->past_a;
	d->rank_b += d->past_b;
	d->past_a = d->past_b = 0;
}

int casg_treediff_next_places(struct casg_treediff *d, struct casg_diffpair *out,
			      struct casg_err *err)
{
	for (;;) {
		struct casg_treer_item a, b;
		int have_a, have_b, rc = 0;

		/* of records that were equal nothing stays behind */
		memset(out, 0, sizeof(*out));
		pass(d);
		if (d->same)
			return 0;
		have_a = d->a && casg_treer_item(d->a, &a);
		have_b = d->b && casg_treer_item(d->b, &b);
		switch (choose(have_a, &a, have_b, &b)) {
		case STEP_END:
			return 0;
		case STEP_SAME:
			d->past_a = d->past_b = a.child->count;
			break;
		case STEP_HIGHER:
			rc = enter_higher(d, a.level, b.level, err);
			break;
		case STEP_A:
			if (!a.level)
				rc = give_one(d, &a, d->rank_a, &out->a, &d->past_a, err);
			else
				rc = casg_treer_enter(d->a, err);
			break;
		case STEP_B:
			if (!b.level)
				rc = give_one(d, &b, d->rank_b, &out->b, &d->past_b, err);
			else
				rc = casg_treer_enter(d->b, err);
			break;
		case STEP_PAIR:
			rc = give_pair(d, &a, &b, out, err);
			break;
		}
		if (rc)
			return rc;
	}
}

/* 1 one sequence, 0 two. */
static int same_sequence(struct casg_treediff *d, const struct casg_diffpair *p,
			 struct casg_err *err)
{
	struct casg_objinfo a, b;
	int rc = casg_store_info(d->s, d->c, &p->a.loc, &a, err);

	if (!rc)
		rc = casg_store_info(d->s, d->c, &p->b.loc, &b, err);
	return rc ? rc : casg_oid_eq(&a.id, &b.id);
}

int casg_treediff_next(struct casg_treediff *d, struct casg_diffpair *out,
		       struct casg_err *err)
{
	int rc;

	while ((rc = casg_treediff_next_places(d, out, err)) > 0) {
		if (!out->a.e || !out->b.e || !same_desc(out->a.e, out->b.e))
			return 1;
		rc = same_sequence(d, out, err);
		if (rc <= 0)
			return rc < 0 ? rc : 1;
	}
	return rc;
}

int casg_treediff_desc(struct casg_treediff *d, const struct casg_entry *e,
		       struct casg_buf *text, const char **desc_out, struct casg_err *err)
{
	int rc;

	*desc_out = e->desc;
	if (e->desc)
		return 0;
	casg_buf_reset(text);
	rc = casg_store_read_id(d->s, d->c, &e->desc_blob, CASG_CHUNK_RAW_MAX, text, err);
	if (!rc && text->len != e->dlen)
		rc = casg_err_set(err, CASG_ECORRUPT,
				  "a description has another length than listed");
	*desc_out = (const char *)text->data;
	return rc;
}

uint64_t casg_treediff_nodes_read(const struct casg_treediff *d)
{
	return (d->a ? casg_treer_nodes_read(d->a) : 0) +
	       (d->b ? casg_treer_nodes_read(d->b) : 0);
}
