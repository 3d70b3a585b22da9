#include "rankmap.h"

#include <stdlib.h>

#include "array.h"
#include "recgroup.h"
#include "treediff.h"

struct build {
	struct casg_rankmap *m;
	struct casg_store *s;
	struct casg_coder *c;
	struct casg_treediff *d;
	/* the records of one key that differ */
	struct casg_member *v;
	size_t n, cap;
	struct casg_buf key, text, desc;
	uint64_t next_a, next_b; /* up to where ranks are mapped */
	uint64_t end_b;
};

/* The records before a difference run in step. */
static void in_step(struct build *b, uint64_t until_a)
{
	for (; b->next_a < until_a && b->next_b < b->end_b; b->next_a++, b->next_b++) {
		b->m->to[b->next_a] = (uint32_t)b->next_b;
		casg_rank_set(b->m->from, b->next_b);
	}
}

static int push(struct build *b, const struct casg_diffside *s, int is_b,
		struct casg_err *err)
{
	struct casg_member *x;
	const char *desc;
	int rc = casg_treediff_desc(b->d, s->e, &b->desc, &desc, err);

	if (rc)
		return rc;
	if (CASG_GROW(b->v, b->n + 1, b->cap))
		return casg_err_nomem(err);
	x = &b->v[b->n++];
	memset(x, 0, sizeof(*x));
	x->is_b = is_b;
	x->rank = s->rank;
	x->s.loc = s->loc;
	x->s.desc = (const char *)(uintptr_t)b->text.len;
	x->s.dlen = (size_t)s->e->dlen;
	casg_buf_add(&b->text, desc, x->s.dlen);
	return casg_buf_check(&b->text, err);
}

static void map_pair(struct build *b, const struct casg_member *x)
{
	const struct casg_loc *p = &x->s.loc, *q = &x->mate->s.loc;

	b->m->to[x->rank] = (uint32_t)x->mate->rank;
	casg_rank_set(b->m->from, x->mate->rank);
	if ((p->pack != q->pack || p->chunk != q->chunk || p->member != q->member) &&
	    (b->n == 2 || !casg_oid_eq(&x->s.oid, &x->mate->s.oid)))
		casg_rank_set(b->m->reseq, x->mate->rank);
}

/* Ids are looked for only where content decides who belongs to whom. */
static int finish_group(struct build *b, struct casg_err *err)
{
	struct casg_objinfo info;
	int rc = 0;

	for (size_t i = 0; i < b->n && !rc; i++) {
		struct casg_recside *s = &b->v[i].s;

		s->desc = casg_buf_chars(&b->text) + (uintptr_t)s->desc;
		if (b->n <= 2)
			continue;
		rc = casg_store_info(b->s, b->c, &s->loc, &info, err);
		s->oid = info.id;
	}
	if (rc)
		return rc;
	casg_recgroup_pair(b->v, b->n);
	for (size_t i = 0; i < b->n; i++)
		if (!b->v[i].is_b && b->v[i].mate)
			map_pair(b, &b->v[i]);
	b->n = 0;
	casg_buf_reset(&b->text);
	return 0;
}

static int take(struct build *b, const struct casg_diffpair *p, struct casg_err *err)
{
	const struct casg_entry *e = p->a.e ? p->a.e : p->b.e;
	int rc = 0;

	if (e->klen != b->key.len || memcmp(e->key, b->key.data, e->klen)) {
		rc = finish_group(b, err);
		casg_buf_reset(&b->key);
		casg_buf_add(&b->key, e->key, e->klen);
		if (!rc)
			rc = casg_buf_check(&b->key, err);
	}
	/* what one side lacks is no step for it */
	in_step(b, p->a.e ? p->a.rank : b->next_a + (p->b.rank - b->next_b));
	if (!rc && p->a.e) {
		b->m->to[b->next_a++] = CASG_RANK_GONE;
		rc = push(b, &p->a, 0, err);
	}
	if (!rc && p->b.e) {
		b->next_b++;
		rc = push(b, &p->b, 1, err);
	}
	return rc;
}

static int make_room(struct casg_rankmap *m, uint64_t count_a, uint64_t count_b,
		     struct casg_err *err)
{
	if (count_a > CASG_RANKMAP_MAX || count_b > CASG_RANKMAP_MAX)
		return casg_err_set(err, CASG_ENOMEM, "too many records to merge");
	m->n = count_a;
	m->to = malloc((size_t)count_a * sizeof(*m->to) + 1);
	m->from = calloc((size_t)(count_b / 8 + 1), 1);
	m->reseq = calloc((size_t)(count_b / 8 + 1), 1);
	return m->to && m->from && m->reseq ? 0 : casg_err_nomem(err);
}

int casg_rankmap_build(struct casg_rankmap *m, struct casg_store *s, struct casg_coder *c,
		       const struct casg_oid *root_a, const struct casg_oid *root_b,
		       struct casg_err *err)
{
	struct build b = { .m = m, .s = s, .c = c };
	struct casg_diffpair p;
	int rc;

	memset(m, 0, sizeof(*m));
	b.d = casg_treediff_open(s, c, root_a, root_b, err);
	rc = b.d ? make_room(m, casg_treediff_count_a(b.d), casg_treediff_count_b(b.d), err)
		 : CASG_ECORRUPT;
	b.end_b = rc ? 0 : casg_treediff_count_b(b.d);
	while (!rc && (rc = casg_treediff_next_places(b.d, &p, err)) > 0)
		rc = take(&b, &p, err);
	if (!rc)
		rc = finish_group(&b, err);
	if (!rc)
		in_step(&b, m->n);
	if (!rc && (b.next_a != m->n || b.next_b != b.end_b))
		rc = casg_err_set(err, CASG_ECORRUPT,
				  "the differences do not add up to the records of the trees");
	casg_treediff_free(b.d);
	free(b.v);
	casg_buf_release(&b.key);
	casg_buf_release(&b.text);
	casg_buf_release(&b.desc);
	return rc;
}

void casg_rankmap_release(struct casg_rankmap *m)
{
	free(m->to);
	free(m->from);
	free(m->reseq);
	memset(m, 0, sizeof(*m));
}
