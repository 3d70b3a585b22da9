#include "treeedit.h"

#include <stdlib.h>

#include "array.h"
#include "nodew.h"
#include "treer.h"

/* What is known of an entry of an old leaf once its sequence was looked up. */
struct info {
	struct casg_loc loc;
	struct casg_objinfo obj;
	struct casg_oid hash;
};

/* The node that is being filled.  Keys and descriptions lie in text. */
struct open_node {
	uint32_t n;
	struct casg_buf text;
	struct casg_entry e[CASG_NODE_MAX];   /* level 0 */
	struct casg_loc loc[CASG_NODE_MAX];
	struct casg_oid hash[CASG_NODE_MAX];
	struct casg_child c[CASG_NODE_MAX];   /* the levels above */
};

/* The edits of one key. */
struct put {
	struct casg_entry e;                  /* owns key and description */
	uint64_t tag;
};

struct group {
	int any;                              /* 0: no edits are left */
	struct casg_buf key;
	int clear;
	uint32_t *removes;                    /* occurrences, ascending */
	size_t nremoves, cap_removes, removes_done;
	struct put *puts;                     /* in the order of the tree */
	size_t nputs, cap_puts, puts_done;
	int begun;                            /* an old record of the key was seen */
	uint32_t old, new;                    /* occurrences so far */
};

/* A child that goes or comes, by the order of first keys. */
struct change {
	const struct casg_child *c;
	int gone;
};

struct changes {
	struct change *v;
	size_t n, cap, done;
};

struct run {
	const struct casg_treeedit *t;
	struct casg_treer *tree;
	struct casg_nodew nodew;
	struct casg_nodebase *base;           /* nodew drops it when it cannot be read */
	struct casg_edit_stats stats;
	/* the level under way */
	int level;
	struct casg_nodeat at;                /* the old node that was taken last */
	struct casg_cutter cut;
	struct open_node *open;
	struct casg_children gone, come;      /* old nodes taken, new ones in their place */
	uint64_t taken;                       /* records below those taken */
	uint64_t end_rank;                    /* of the node taken last */
	int any_taken;
	struct casg_children sole;            /* the level is one node with this one child */
	struct changes ch;                    /* to the level, from the one below */
	/* level 0 */
	struct info info[CASG_NODE_MAX];
	size_t order[CASG_NODE_MAX], first[CASG_NODE_MAX + 1];
	struct group g;
	struct casg_edit edit;                /* read, of the next group */
	int have_edit;
	struct casg_err task_err;
	int failed;
};

/* ---- the new nodes ----------------------------------------------------- */

static int is_fresh(const struct run *r)
{
	return !r->open->n;
}

static int write_leaf(struct run *r, struct casg_err *err)
{
	struct open_node *o = r->open;

	for (uint32_t i = 0; i < o->n; i++) {
		o->e[i].key = (const char *)o->text.data + (uintptr_t)o->e[i].key;
		if (o->e[i].dlen <= CASG_DESC_INLINE)
			o->e[i].desc = o->e[i].key + o->e[i].klen;
	}
	return casg_nodew_leaf(&r->nodew, o->e, o->loc, o->hash, o->n, &r->come, err);
}

static int write_interior(struct run *r, struct casg_err *err)
{
	struct open_node *o = r->open;

	for (uint32_t i = 0; i < o->n; i++) {
		o->c[i].first = (const char *)o->text.data + (uintptr_t)o->c[i].first;
		o->c[i].last = o->c[i].first + o->c[i].first_len;
	}
	return casg_nodew_interior(&r->nodew, r->level, o->c, o->n, &r->come, err);
}

static int close_node(struct run *r, struct casg_err *err)
{
	int rc = casg_buf_check(&r->open->text, err);

	/* never a NULL base for the offsets to be added to */
	if (!rc && casg_buf_grow(&r->open->text, 1))
		rc = casg_err_nomem(err);
	if (!rc)
		rc = r->level ? write_interior(r, err) : write_leaf(r, err);
	r->open->n = 0;
	casg_buf_reset(&r->open->text);
	return rc;
}

/* Cut before an entry of this size, if it is time; where the entry goes. */
static int feed(struct run *r, uint64_t nbytes, int boundary, int *after,
		struct casg_err *err)
{
	return casg_cutter_feed(&r->cut, nbytes, boundary, after) ? close_node(r, err) : 0;
}

static int feed_entry(struct run *r, const struct casg_entry *e, const struct casg_loc *loc,
		      const struct casg_oid *hash, struct casg_err *err)
{
	struct open_node *o = r->open;
	int after, rc = feed(r, casg_entry_nbytes(e),
			     casg_node_boundary(0, e->key, e->klen, e->occurrence),
			     &after, err);

	if (rc)
		return rc;
	o->e[o->n] = *e;
	o->e[o->n].key = (const char *)(uintptr_t)o->text.len;
	o->loc[o->n] = *loc;
	o->hash[o->n++] = *hash;
	casg_buf_add(&o->text, e->key, e->klen);
	if (e->dlen <= CASG_DESC_INLINE)
		casg_buf_add(&o->text, e->desc, (size_t)e->dlen);
	r->stats.nrecords++;
	return after ? close_node(r, err) : 0;
}

static int feed_child(struct run *r, const struct casg_child *c, struct casg_err *err)
{
	struct open_node *o = r->open;
	int after, rc = feed(r, casg_child_nbytes(c),
			     casg_node_boundary(r->level, c->last, c->last_len,
						c->last_occurrence), &after, err);

	if (rc)
		return rc;
	o->c[o->n] = *c;
	o->c[o->n++].first = (const char *)(uintptr_t)o->text.len;
	casg_buf_add(&o->text, c->first, c->first_len);
	casg_buf_add(&o->text, c->last, c->last_len);
	return after ? close_node(r, err) : 0;
}

/* ---- the old nodes ----------------------------------------------------- */

/* The first key of the node the tree stands at. */
static void first_of(const struct casg_node *n, struct casg_child *out)
{
	if (n->level) {
		*out = n->children[0];
	} else {
		out->first = n->entries[0].key;
		out->first_len = n->entries[0].klen;
		out->first_occurrence = n->entries[0].occurrence;
	}
}

static uint64_t first_nbytes(const struct casg_node *n)
{
	return n->level ? casg_child_nbytes(&n->children[0])
			: casg_entry_nbytes(&n->entries[0]);
}

/* The node as its parent names it. */
static void as_child(const struct casg_nodeat *at, struct casg_child *out)
{
	const struct casg_node *n = at->node;
	uint32_t last = n->count - 1;

	memset(out, 0, sizeof(*out));
	first_of(n, out);
	out->id = *at->id;
	out->count = n->level ? 0 : n->count;
	for (uint32_t i = 0; n->level && i < n->count; i++)
		out->count += n->children[i].count;
	if (n->level) {
		out->last = n->children[last].last;
		out->last_len = n->children[last].last_len;
		out->last_occurrence = n->children[last].last_occurrence;
	} else {
		out->last = n->entries[last].key;
		out->last_len = n->entries[last].klen;
		out->last_occurrence = n->entries[last].occurrence;
	}
}

/* Did this node end for a reason of its own, whatever came next? */
static int ends_by_itself(const struct casg_node *n)
{
	const struct casg_child *c = n->level ? &n->children[n->count - 1] : NULL;
	const struct casg_entry *e = c ? NULL : &n->entries[n->count - 1];

	if (n->count < CASG_NODE_MIN || n->count == CASG_NODE_MAX)
		return n->count == CASG_NODE_MAX;
	return c ? casg_node_boundary(n->level, c->last, c->last_len, c->last_occurrence)
		 : casg_node_boundary(0, e->key, e->klen, e->occurrence);
}

/* The entry of the leaf that was taken, with what the leaf does not hold. */
static void old_entry(const struct run *r, uint32_t i, struct casg_entry *out)
{
	*out = r->at.node->entries[i];
	out->oid = r->info[i].obj.id;
	out->length = r->info[i].obj.nbytes;
}

static void info_task(void *ctx, size_t task, int worker)
{
	struct run *r = ctx;
	struct casg_err err = CASG_ERR_INIT;
	int no = 0;

	for (size_t k = r->first[task]; k < r->first[task + 1]; k++) {
		struct info *f = &r->info[r->order[k]];

		if (!casg_store_info(r->t->store, r->t->coders[worker], &f->loc, &f->obj, &err))
			continue;
		if (__atomic_compare_exchange_n(&r->failed, &no, 1, 0, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			r->task_err = err;
		return;
	}
}

/* Look up the sequences of the leaf's entries; it must be the leaf its id says. */
static int resolve_leaf(struct run *r, struct casg_err *err)
{
	const struct casg_node *n = r->at.node;
	struct casg_hasher *h = casg_coder_hasher(r->nodew.coder);
	struct casg_oid hashes[CASG_NODE_MAX], id;
	char hex[CASG_OID_HEXSZ + 1];
	long ngroups;

	for (uint32_t i = 0; i < n->count; i++) {
		int rc = casg_store_ref(r->t->store, r->nodew.coder, n->entries[i].pack,
					n->entries[i].ref, &r->info[i].loc, err);

		if (rc)
			return rc;
	}
	ngroups = casg_group_by_chunk(&r->info[0].loc, sizeof(*r->info), n->count, r->order,
				      r->first);
	if (ngroups < 0)
		return casg_err_nomem(err);
	casg_workers_run(r->t->pool, (size_t)ngroups, info_task, r);
	if (r->failed) {
		if (err)
			*err = r->task_err;
		return r->task_err.code;
	}
	for (uint32_t i = 0; i < n->count; i++) {
		struct casg_entry e;

		old_entry(r, i, &e);
		casg_entry_hash(h, &e, &r->info[i].hash);
		hashes[i] = r->info[i].hash;
	}
	casg_node_id(h, CASG_NODE_KIND_RECORD, 0, n->count, hashes, &id);
	if (!casg_oid_eq(&id, r->at.id))
		return casg_err_set(err, CASG_ECORRUPT,
				    "tree node %s: its content does not match its id",
				    casg_oid_hex(r->at.id, hex));
	return 0;
}

/* The node the tree stands at goes; what becomes of its entries is decided now. */
static int take(struct run *r, struct casg_err *err)
{
	struct casg_child c;

	r->any_taken = 1;
	casg_treer_node(r->tree, &r->at);
	if (!r->at.node->count)
		return 0;
	as_child(&r->at, &c);
	r->taken += c.count;
	r->end_rank = r->at.rank + c.count;
	if (!r->level)
		r->stats.nrecords -= c.count;
	if (r->level < casg_treer_root_level(r->tree)) {
		int rc = casg_children_push(&r->gone, &c, err);

		if (rc)
			return rc;
	}
	return r->level ? 0 : resolve_leaf(r, err);
}

/*
 * Go to the node that the edit at this key falls into.  An edit before or at
 * its first entry may also decide where the node before ends.
 */
static int go_to(struct run *r, const char *key, size_t klen, uint32_t occurrence,
		 struct casg_err *err)
{
	int rc = casg_treer_node_seek(r->tree, r->level, key, klen, occurrence, err);
	struct casg_child first;

	if (rc)
		return rc;
	casg_treer_node(r->tree, &r->at);
	if (!r->at.first) {
		first_of(r->at.node, &first);
		if (casg_key_cmp(key, klen, occurrence, first.first, first.first_len,
				 first.first_occurrence) <= 0 &&
		    !(r->any_taken && r->end_rank == r->at.rank)) {
			rc = casg_treer_node_prev(r->tree, err);
			if (rc < 0)
				return rc;
			casg_treer_node(r->tree, &r->at);
			if (ends_by_itself(r->at.node))
				rc = casg_treer_node_next(r->tree, err);
			if (rc < 0)
				return rc;
		}
	}
	return take(r, err);
}

static int group_cmp(const struct run *r, const char *key, size_t klen)
{
	return casg_key_cmp((const char *)r->g.key.data, r->g.key.len, 0, key, klen, 0);
}

/* Does an edit concern the first entry of this node, or what stands before it? */
static int edit_at_first_entry(const struct run *r, const struct casg_node *n)
{
	const struct casg_entry *e = &n->entries[0];
	int c = r->g.any ? group_cmp(r, e->key, e->klen) : 1;

	/* nothing is left to do for the records of the last key */
	if (c < 0 && r->g.begun && r->g.puts_done == r->g.nputs &&
	    r->g.removes_done == r->g.nremoves)
		return r->have_edit &&
		       casg_key_cmp(r->edit.e.key, r->edit.e.klen, 0, e->key, e->klen, 0) <= 0;
	return c <= 0;
}

static int cmp_first(const struct casg_child *a, const struct casg_child *b)
{
	return casg_key_cmp(a->first, a->first_len, a->first_occurrence, b->first,
			    b->first_len, b->first_occurrence);
}

static const struct change *next_change(const struct run *r)
{
	return r->ch.done < r->ch.n ? &r->ch.v[r->ch.done] : NULL;
}

static int edit_at_first_child(const struct run *r, const struct casg_node *n)
{
	const struct change *x = next_change(r);

	return x && cmp_first(x->c, &n->children[0]) <= 0;
}

/*
 * Behind a node whose entries were fed.  Returns 1 if the next one was taken,
 * 0 if new and old nodes agree from here on.
 */
static int go_on(struct run *r, struct casg_err *err)
{
	struct casg_nodeat next;
	int rc = casg_treer_node_next(r->tree, err);

	if (rc < 0)
		return rc;
	casg_treer_node(r->tree, &next);
	if (!(r->level ? edit_at_first_child : edit_at_first_entry)(r, next.node)) {
		/* the old node ended here by its bytes: so does the new one */
		if (!is_fresh(r) && casg_cutter_before(&r->cut, first_nbytes(next.node))) {
			memset(&r->cut, 0, sizeof(r->cut));
			rc = close_node(r, err);
			if (rc < 0)
				return rc;
		}
		if (is_fresh(r))
			return 0;
	}
	rc = take(r, err);
	return rc ? rc : 1;
}

static int is_whole(const struct run *r)
{
	return r->any_taken && r->taken == casg_treer_count(r->tree);
}

/* Nothing follows on this level. */
static int end_level(struct run *r, struct casg_err *err)
{
	if (is_fresh(r))
		return 0;
	if (r->level && r->open->n == 1 && !r->come.n && is_whole(r)) {
		/* a root has two children: this is none */
		struct casg_child c = r->open->c[0];

		c.first = (const char *)r->open->text.data + (uintptr_t)c.first;
		c.last = c.first + c.first_len;
		r->open->n = 0;
		return casg_children_push(&r->sole, &c, err);
	}
	return close_node(r, err);
}

/* ---- the edits of one key ---------------------------------------------- */

static int cmp_desc(const char *a, uint64_t an, const char *b, uint64_t bn)
{
	int c = memcmp(a, b, (size_t)(an < bn ? an : bn));

	return c ? c : an < bn ? -1 : an > bn;
}

static int cmp_put(const void *a, const void *b)
{
	const struct put *p = a, *q = b;
	int c = casg_oid_cmp(&p->e.oid, &q->e.oid);

	if (!c)
		c = cmp_desc(p->e.desc, p->e.dlen, q->e.desc, q->e.dlen);
	return c ? c : p->tag < q->tag ? -1 : p->tag > q->tag;
}

static int cmp_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void empty_group(struct group *g)
{
	for (size_t i = 0; i < g->nputs; i++) {
		free((char *)g->puts[i].e.desc);
	}
	g->nputs = g->puts_done = g->nremoves = g->removes_done = 0;
	g->clear = g->begun = g->any = 0;
	g->old = g->new = 0;
}

static int add_put(struct group *g, const struct casg_edit *x, struct casg_err *err)
{
	struct put *p;
	char *desc;

	if (CASG_GROW(g->puts, g->nputs + 1, g->cap_puts))
		return casg_err_nomem(err);
	desc = malloc((size_t)x->e.dlen + 1);
	if (!desc)
		return casg_err_nomem(err);
	if (x->e.dlen)
		memcpy(desc, x->e.desc, (size_t)x->e.dlen);
	p = &g->puts[g->nputs++];
	p->e = x->e;
	p->e.desc = desc;
	p->tag = x->tag;
	return 0;
}

static int add_edit(struct group *g, const struct casg_edit *x, struct casg_err *err)
{
	switch (x->op) {
	case CASG_EDIT_PUT:
		return add_put(g, x, err);
	case CASG_EDIT_REMOVE:
		if (CASG_GROW(g->removes, g->nremoves + 1, g->cap_removes))
			return casg_err_nomem(err);
		g->removes[g->nremoves++] = x->e.occurrence;
		return 0;
	case CASG_EDIT_CLEAR:
		g->clear = 1;
		return 0;
	}
	return casg_err_set(err, CASG_EBUG, "no such edit");
}

static int next_edit(struct run *r, struct casg_err *err)
{
	int rc = r->t->edits(r->t->ctx, &r->edit, err);

	r->have_edit = rc > 0;
	return rc < 0 ? rc : 0;
}

/* Gather the edits of the next key. */
static int next_group(struct run *r, struct casg_err *err)
{
	struct group *g = &r->g;
	int rc = 0;

	empty_group(g);
	if (!r->have_edit)
		return 0;
	casg_buf_reset(&g->key);
	casg_buf_add(&g->key, r->edit.e.key, r->edit.e.klen);
	if (casg_buf_check(&g->key, err) || casg_buf_grow(&g->key, 1))
		return casg_err_nomem(err);
	g->any = 1;
	while (!rc && r->have_edit) {
		int c = casg_key_cmp(r->edit.e.key, r->edit.e.klen, 0,
				     (const char *)g->key.data, g->key.len, 0);

		if (c < 0)
			return casg_err_set(err, CASG_EBUG, "edits are out of order");
		if (c > 0)
			break;
		rc = add_edit(g, &r->edit, err);
		if (!rc)
			rc = next_edit(r, err);
	}
	for (size_t i = 0; i < g->nputs; i++) {
		g->puts[i].e.key = (const char *)g->key.data;
		g->puts[i].e.klen = g->key.len;
	}
	if (g->nputs)
		qsort(g->puts, g->nputs, sizeof(*g->puts), cmp_put);
	if (g->nremoves)
		qsort(g->removes, g->nremoves, sizeof(*g->removes), cmp_u32);
	return rc;
}

static int tell(struct run *r, const struct casg_entry *e, uint64_t old_rank,
		uint64_t new_rank, uint64_t tag, struct casg_err *err)
{
	struct casg_edited x = { e, old_rank, new_rank, tag };

	return r->t->edited ? r->t->edited(r->t->ctx, &x, err) : 0;
}

/* The rank of the record that is fed next. */
static uint64_t new_rank(const struct run *r, uint64_t old_rank)
{
	return old_rank + r->stats.nput - r->stats.nremoved;
}

/* 'old_rank': of the record that stood behind it. */
static int feed_put(struct run *r, uint64_t old_rank, struct casg_err *err)
{
	const struct put *p = &r->g.puts[r->g.puts_done++];
	struct casg_entry e = p->e;
	struct casg_oid hash;
	struct casg_loc loc;
	int rc = casg_nodew_find_sequence(r->t->store, r->nodew.coder, &e, &loc, err);

	e.occurrence = r->g.new++;
	if (!rc)
		rc = tell(r, &e, CASG_NO_RANK, new_rank(r, old_rank), p->tag, err);
	r->stats.nput++;
	r->stats.residues_put += e.length;
	if (!rc)
		rc = casg_nodew_description(&r->nodew, &e, err);
	if (rc)
		return rc;
	casg_entry_hash(casg_coder_hasher(r->nodew.coder), &e, &hash);
	return feed_entry(r, &e, &loc, &hash, err);
}

/* What is left of the edits of this key, and go on to the next. */
static int end_group(struct run *r, uint64_t old_rank, struct casg_err *err)
{
	struct group *g = &r->g;
	int rc = 0;

	while (!rc && g->puts_done < g->nputs)
		rc = feed_put(r, old_rank, err);
	if (!rc && g->removes_done < g->nremoves)
		rc = casg_err_set(err, CASG_EABSENT, "there is no record '%.*s', occurrence %u",
				  (int)g->key.len, (const char *)g->key.data,
				  g->removes[g->removes_done]);
	return rc ? rc : next_group(r, err);
}

/* Does the old record go before what is put next?  1 or 0; they share a key. */
static int old_first(struct run *r, const struct casg_entry *e, struct casg_err *err)
{
	const struct casg_entry *p = &r->g.puts[r->g.puts_done].e;
	struct casg_buf b = CASG_BUF_INIT;
	int c = casg_oid_cmp(&e->oid, &p->oid), rc = 0;

	if (c)
		return c < 0;
	if (e->desc)
		return cmp_desc(e->desc, e->dlen, p->desc, p->dlen) <= 0;
	rc = casg_store_read_id(r->t->store, r->nodew.coder, &e->desc_blob,
				CASG_CHUNK_RAW_MAX, &b, err);
	if (!rc)
		rc = cmp_desc((const char *)b.data, b.len, p->desc, p->dlen) <= 0;
	casg_buf_release(&b);
	return rc;
}

/* An old record of the key that is edited. */
static int feed_old(struct run *r, uint32_t i, struct casg_err *err)
{
	uint64_t rank = r->at.rank + i;
	struct group *g = &r->g;
	struct casg_oid hash = r->info[i].hash;
	struct casg_entry e;
	int rc, gone = g->clear;

	g->begun = 1;
	old_entry(r, i, &e);
	while (g->puts_done < g->nputs) {
		rc = old_first(r, &e, err);
		if (rc < 0)
			return rc;
		if (rc)
			break;
		rc = feed_put(r, rank, err);
		if (rc)
			return rc;
	}
	while (g->removes_done < g->nremoves && g->removes[g->removes_done] == g->old) {
		g->removes_done++;
		gone = 1;
	}
	g->old++;
	if (gone) {
		r->stats.nremoved++;
		r->stats.residues_removed += e.length;
		return tell(r, &e, rank, CASG_NO_RANK, 0, err);
	}
	if (e.occurrence != g->new) {
		e.occurrence = g->new;
		casg_entry_hash(casg_coder_hasher(r->nodew.coder), &e, &hash);
	}
	g->new++;
	rc = tell(r, &e, rank, new_rank(r, rank), 0, err);
	return rc ? rc : feed_entry(r, &e, &r->info[i].loc, &hash, err);
}

/* ---- the leaves -------------------------------------------------------- */

/* The entries of the leaf that was taken, and the edits that fall among them. */
static int merge_leaf(struct run *r, struct casg_err *err)
{
	const struct casg_node *n = r->at.node;
	int rc = 0;

	for (uint32_t i = 0; i < n->count && !rc; i++) {
		const struct casg_entry *e = &n->entries[i];
		int c = 1;

		while (!rc && r->g.any && (c = group_cmp(r, e->key, e->klen)) < 0)
			rc = end_group(r, r->at.rank + i, err);
		if (!rc)
			rc = r->g.any && !c ? feed_old(r, i, err)
					    : feed_entry(r, e, &r->info[i].loc,
							 &r->info[i].hash, err);
	}
	while (!rc && r->at.last && r->g.any)
		rc = end_group(r, r->at.rank + n->count, err);
	return rc;
}

static int edit_leaves(struct run *r, struct casg_err *err)
{
	int rc = next_edit(r, err), active = 0;

	if (!rc)
		rc = next_group(r, err);
	while (!rc && (r->g.any || active)) {
		if (!active)
			rc = go_to(r, (const char *)r->g.key.data, r->g.key.len, 0, err);
		if (!rc)
			rc = merge_leaf(r, err);
		if (rc)
			break;
		if (r->at.last)
			return end_level(r, err);
		active = 0;
		if (is_fresh(r) && !r->g.begun)
			continue;
		rc = go_on(r, err);
		active = rc > 0;
		if (rc > 0)
			rc = 0;
		/* the key's records are over */
		if (!rc && !active && r->g.begun)
			rc = next_group(r, err);
	}
	return rc;
}

/* ---- the levels above -------------------------------------------------- */

/* Of what went and came, what is the same cancels out. */
static int list_changes(const struct casg_children *gone, const struct casg_children *come,
			struct changes *out, struct casg_err *err)
{
	size_t i = 0, k = 0;

	out->n = out->done = 0;
	while (i < gone->n || k < come->n) {
		int c = i == gone->n ? 1 : k == come->n ? -1 :
			cmp_first(&gone->c[i], &come->c[k]);

		if (!c && casg_oid_eq(&gone->c[i].id, &come->c[k].id)) {
			i++;
			k++;
			continue;
		}
		if (CASG_GROW(out->v, out->n + 1, out->cap))
			return casg_err_nomem(err);
		out->v[out->n].gone = c <= 0;
		out->v[out->n++].c = c <= 0 ? &gone->c[i++] : &come->c[k++];
	}
	return 0;
}

static int amiss(struct casg_err *err)
{
	return casg_err_set(err, CASG_ECORRUPT, "a tree node is not where its parent has it");
}

/* What comes before this key; before any if it is NULL. */
static int changes_before(struct run *r, const char *key, size_t klen, uint32_t occurrence,
			  struct casg_err *err)
{
	const struct change *x;
	int rc = 0;

	while (!rc && (x = next_change(r)) &&
	       (!key || casg_key_cmp(x->c->first, x->c->first_len, x->c->first_occurrence,
				     key, klen, occurrence) < 0)) {
		rc = x->gone ? amiss(err) : feed_child(r, x->c, err);
		r->ch.done++;
	}
	return rc;
}

static int merge_interior(struct run *r, struct casg_err *err)
{
	const struct casg_node *n = r->at.node;
	int rc = 0;

	for (uint32_t i = 0; i < n->count && !rc; i++) {
		const struct casg_child *c = &n->children[i];
		const struct change *x;

		rc = changes_before(r, c->first, c->first_len, c->first_occurrence, err);
		x = rc ? NULL : next_change(r);
		if (x && !cmp_first(x->c, c)) {
			r->ch.done++;
			if (!x->gone || !casg_oid_eq(&x->c->id, &c->id))
				rc = amiss(err);
		} else if (!rc) {
			rc = feed_child(r, c, err);
		}
	}
	/* its last child may have become several */
	return rc ? rc : changes_before(r, r->at.last ? NULL : n->children[n->count - 1].last,
					n->children[n->count - 1].last_len,
					n->children[n->count - 1].last_occurrence, err);
}

static int edit_interior(struct run *r, struct casg_err *err)
{
	const struct change *x;
	int rc = 0, active = 0;

	while (!rc && ((x = next_change(r)) || active)) {
		if (!active)
			rc = go_to(r, x->c->first, x->c->first_len,
				   x->c->first_occurrence, err);
		if (!rc)
			rc = merge_interior(r, err);
		if (rc)
			break;
		if (r->at.last)
			return end_level(r, err);
		active = 0;
		if (is_fresh(r))
			continue;
		rc = go_on(r, err);
		active = rc > 0;
		if (rc > 0)
			rc = 0;
	}
	return rc;
}

/*
 * The level is one node with one child, an old node: the root is the first
 * node below that has more than one.
 */
static int find_sole_root(struct run *r, struct casg_err *err)
{
	const struct casg_child *c = &r->sole.c[0];

	r->stats.root = c->id;
	for (int level = r->level - 1; level; level--) {
		struct casg_nodeat at;
		int rc = casg_treer_node_seek(r->tree, level, c->first, c->first_len,
					      c->first_occurrence, err);

		if (rc)
			return rc;
		casg_treer_node(r->tree, &at);
		if (!casg_oid_eq(at.id, &r->stats.root))
			return amiss(err);
		if (at.node->count > 1)
			break;
		r->stats.root = at.node->children[0].id;
	}
	return 0;
}

/* One level after the other, until what changed below is one root. */
static int edit_levels(struct run *r, const struct casg_oid *root, struct casg_err *err)
{
	struct casg_children gone = { 0 }, come = { 0 };
	int rc = 0, done = 0;

	for (r->level = 0; !rc && !done; r->level++) {
		r->taken = r->end_rank = 0;
		r->any_taken = 0;
		memset(&r->cut, 0, sizeof(r->cut));
		rc = r->level ? edit_interior(r, err) : edit_leaves(r, err);
		/* what is flushed can be named by number */
		if (!rc)
			rc = casg_nodew_flush(&r->nodew, err);
		casg_children_release(&gone);
		casg_children_release(&come);
		if (rc)
			break;
		done = 1;
		if (r->sole.n) {
			rc = find_sole_root(r, err);
		} else if (is_whole(r) && (r->come.n <= 1 ||
					   r->level == casg_treer_root_level(r->tree))) {
			rc = casg_nodew_root(&r->nodew, r->level + 1, &r->come,
					     &r->stats.root, err);
		} else {
			gone = r->gone;
			come = r->come;
			memset(&r->gone, 0, sizeof(r->gone));
			memset(&r->come, 0, sizeof(r->come));
			rc = list_changes(&gone, &come, &r->ch, err);
			done = !r->ch.n;
			if (done)
				r->stats.root = *root;
		}
	}
	casg_children_release(&gone);
	casg_children_release(&come);
	return rc ? rc : casg_nodew_flush(&r->nodew, err);
}

static void free_run(struct run *r)
{
	casg_treer_free(r->tree);
	casg_nodebase_free(r->base);
	casg_nodew_release(&r->nodew);
	if (r->open)
		casg_buf_release(&r->open->text);
	free(r->open);
	casg_children_release(&r->gone);
	casg_children_release(&r->come);
	casg_children_release(&r->sole);
	empty_group(&r->g);
	casg_buf_release(&r->g.key);
	free(r->g.removes);
	free(r->g.puts);
	free(r->ch.v);
	free(r);
}

int casg_treeedit(const struct casg_treeedit *t, const struct casg_oid *root,
		  struct casg_edit_stats *out, struct casg_err *err)
{
	struct run *r = calloc(1, sizeof(*r));
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (!r || !(r->open = calloc(1, sizeof(*r->open)))) {
		free(r);
		return casg_err_nomem(err);
	}
	r->t = t;
	casg_nodew_init(&r->nodew, t->store, t->packw, t->coders[0], t->zlevel);
	r->tree = casg_treer_open(t->store, t->coders[0], root, err);
	if (!r->tree)
		rc = err && err->code ? err->code : CASG_ECORRUPT;
	if (!rc && t->depth) {
		r->base = casg_nodebase_new(t->store, t->coders[0], root, t->depth, err);
		r->nodew.base = r->base;
		rc = r->base ? 0 : err && err->code ? err->code : CASG_ENOMEM;
	}
	if (!rc) {
		r->stats.nrecords = casg_treer_count(r->tree);
		rc = edit_levels(r, root, err);
		r->stats.nnodes_read = casg_treer_nodes_read(r->tree);
		r->stats.nnodes_new = r->nodew.nnodes_new;
		*out = r->stats;
	}
	free_run(r);
	return rc;
}
