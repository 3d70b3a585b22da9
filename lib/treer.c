#include "treer.h"

#include <stdlib.h>

struct frame {
	const struct casg_tnode *t;  /* held; NULL: empty */
	struct casg_oid id;
	uint32_t at;                 /* the entry that comes next */
	int last;                    /* the rightmost of its level */
};

struct casg_treer {
	struct casg_store *s;
	struct casg_coder *c;
	struct casg_nodes *nodes;
	struct casg_oid root;
	int depth;                   /* frames in use; 0: at the end */
	int root_level;
	uint64_t count;
	uint64_t nread;              /* nodes */
	struct casg_buf desc;        /* a description that is a blob */
	struct frame f[CASG_NODE_LEVEL_MAX + 1];
};

static int corrupt(struct casg_err *err, const char *what, const struct casg_oid *id)
{
	char hex[CASG_OID_HEXSZ + 1];

	return casg_err_set(err, CASG_ECORRUPT, "tree node %s: %s",
			    casg_oid_hex(id, hex), what);
}

static int check_interior_id(struct casg_treer *t, const struct casg_node *n,
			     const struct casg_oid *id, struct casg_err *err)
{
	struct casg_hasher *h = casg_coder_hasher(t->c);
	struct casg_oid hashes[CASG_NODE_MAX], got;

	for (uint32_t i = 0; i < n->count; i++)
		casg_child_hash(h, &n->children[i], &hashes[i]);
	casg_node_id(h, n->kind, n->level, n->count, hashes, &got);
	return casg_oid_eq(&got, id) ? 0 : corrupt(err, "its content does not match its id", id);
}

static uint64_t records_below(const struct casg_node *n)
{
	uint64_t sum = 0;

	if (!n->level)
		return n->count;
	for (uint32_t i = 0; i < n->count; i++)
		sum += n->children[i].count;
	return sum;
}

/* What the parent says of the child must be so. */
static int check_child(const struct casg_node *n, const struct casg_child *c, int level,
		       struct casg_err *err)
{
	int ok = n->level == level && n->count && records_below(n) == c->count;

	if (ok && !n->level) {
		const struct casg_entry *a = n->entries, *b = &n->entries[n->count - 1];

		ok = !casg_key_cmp(a->key, a->klen, a->occurrence, c->first, c->first_len,
				   c->first_occurrence) &&
		     !casg_key_cmp(b->key, b->klen, b->occurrence, c->last, c->last_len,
				   c->last_occurrence);
	} else if (ok) {
		const struct casg_child *p = n->children, *q = &n->children[n->count - 1];

		ok = !casg_key_cmp(p->first, p->first_len, p->first_occurrence, c->first,
				   c->first_len, c->first_occurrence) &&
		     !casg_key_cmp(q->last, q->last_len, q->last_occurrence, c->last,
				   c->last_len, c->last_occurrence);
	}
	return ok ? 0 : corrupt(err, "it is not what its parent says", &c->id);
}

/*
 * A node that others follow on its level ends at a boundary, at the most
 * entries, or where the byte limit may have cut it.
 */
static int check_end(const struct casg_node *n, const struct casg_oid *id,
		     struct casg_err *err)
{
	uint64_t nbytes = 0;
	int ok;

	if (n->count == CASG_NODE_MAX)
		return 0;
	if (n->level) {
		const struct casg_child *c = &n->children[n->count - 1];

		ok = casg_node_boundary(n->level, c->last, c->last_len, c->last_occurrence);
		for (uint32_t i = 0; i < n->count; i++)
			nbytes += casg_child_nbytes(&n->children[i]);
	} else {
		const struct casg_entry *e = &n->entries[n->count - 1];

		ok = casg_node_boundary(0, e->key, e->klen, e->occurrence);
		for (uint32_t i = 0; i < n->count; i++)
			nbytes += casg_entry_nbytes(&n->entries[i]);
	}
	ok = (ok && n->count >= CASG_NODE_MIN) ||
	     (n->count >= 2 && nbytes + CASG_ENTRY_NBYTES_MAX > CASG_NODE_NBYTES);
	return ok ? 0 : corrupt(err, "it ends where no boundary is", id);
}

static void drop_frame(struct casg_treer *t, int i)
{
	casg_nodes_put(t->nodes, t->f[i].t);
	t->f[i].t = NULL;
}

int casg_treer_check(const struct casg_node *n, const struct casg_oid *id,
		     const struct casg_child *parent, int level, int last,
		     struct casg_err *err)
{
	int rc = parent ? check_child(n, parent, level, err) : 0;

	if (!rc && !last)
		rc = check_end(n, id, err);
	if (!rc && !parent && n->level && n->count < 2)
		rc = corrupt(err, "a root above the leaves has one child", id);
	return rc;
}

/* Is the node in frame i what must stand there, whoever refers to it? */
static int check_place(struct casg_treer *t, int i, const struct casg_oid *id,
		       const struct casg_child *parent, int level, struct casg_err *err)
{
	struct frame *f = &t->f[i], *up = i ? f - 1 : NULL;

	/* the last child of the last: nothing follows on its level */
	f->last = !parent || (up->last &&
			      parent == &up->t->node.children[up->t->node.count - 1]);
	return casg_treer_check(&f->t->node, id, parent, level, f->last, err);
}

static int read_frame(struct casg_treer *t, int i, const struct casg_oid *id,
		      struct casg_err *err)
{
	struct frame *f = &t->f[i];
	int rc;

	t->nread++;
	drop_frame(t, i);
	rc = casg_nodes_get(t->nodes, id, &f->t, err);
	if (!rc && f->t->node.level)
		rc = check_interior_id(t, &f->t->node, id, err);
	f->id = *id;
	return rc;
}

/*
 * Load the node 'id' into frame i.  One that is there already is not read
 * again, but another parent may say other things of it.
 */
static int load(struct casg_treer *t, int i, const struct casg_oid *id,
		const struct casg_child *parent, int level, struct casg_err *err)
{
	struct frame *f = &t->f[i];
	int rc = f->t && casg_oid_eq(&f->id, id) ? 0 : read_frame(t, i, id, err);

	if (!rc)
		rc = check_place(t, i, id, parent, level, err);
	if (rc)
		drop_frame(t, i);
	f->at = 0;
	return rc;
}

struct casg_treer *casg_treer_open(struct casg_store *s, struct casg_coder *c,
				   const struct casg_oid *root, struct casg_err *err)
{
	struct casg_treer *t = calloc(1, sizeof(*t));

	if (!t) {
		casg_err_nomem(err);
		return NULL;
	}
	t->s = s;
	t->c = c;
	t->root = *root;
	t->nodes = casg_nodes_new(s, c);
	if (!t->nodes) {
		casg_treer_free(t);
		casg_err_nomem(err);
		return NULL;
	}
	if (load(t, 0, root, NULL, 0, err)) {
		casg_treer_free(t);
		return NULL;
	}
	t->root_level = t->f[0].t->node.level;
	t->count = records_below(&t->f[0].t->node);
	t->depth = 1;
	return t;
}

void casg_treer_free(struct casg_treer *t)
{
	if (!t)
		return;
	for (int i = 0; i <= CASG_NODE_LEVEL_MAX; i++)
		drop_frame(t, i);
	casg_nodes_free(t->nodes);
	casg_buf_release(&t->desc);
	free(t);
}

uint64_t casg_treer_count(const struct casg_treer *t)
{
	return t->count;
}

/* Down to the leaf below the entry each frame stands at. */
static int descend(struct casg_treer *t, struct casg_err *err)
{
	while (t->f[t->depth - 1].t->node.level) {
		struct frame *f = &t->f[t->depth - 1];
		const struct casg_child *c = &f->t->node.children[f->at];
		int rc = load(t, t->depth, &c->id, c, f->t->node.level - 1, err);

		if (rc)
			return rc;
		t->depth++;
	}
	return 0;
}

/* The first entry that ends at or after the key; the count when none does. */
static uint32_t find_entry(const struct casg_node *n, const char *key, size_t klen,
			   uint32_t occurrence)
{
	uint32_t lo = 0, hi = n->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct casg_child *c = n->level ? &n->children[mid] : NULL;
		const struct casg_entry *e = n->level ? NULL : &n->entries[mid];
		int cmp = c ? casg_key_cmp(c->last, c->last_len, c->last_occurrence, key,
					   klen, occurrence)
			    : casg_key_cmp(e->key, e->klen, e->occurrence, key, klen,
					   occurrence);

		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int casg_treer_seek(struct casg_treer *t, const char *key, size_t klen,
		    struct casg_err *err)
{
	t->depth = 1;
	for (;;) {
		struct frame *f = &t->f[t->depth - 1];
		const struct casg_node *n = &f->t->node;
		const struct casg_child *c;
		int rc;

		f->at = find_entry(n, key, klen, 0);
		if (!n->level || f->at == n->count)
			return 0;
		c = &n->children[f->at];
		rc = load(t, t->depth, &c->id, c, n->level - 1, err);
		if (rc)
			return rc;
		t->depth++;
	}
}

int casg_treer_next_raw(struct casg_treer *t, struct casg_entry *e, uint32_t *pack_out,
			struct casg_err *err)
{
	while (t->depth) {
		struct frame *f = &t->f[t->depth - 1];

		if (f->at == f->t->node.count) {
			/* this node is done: the one above goes on */
			if (--t->depth)
				t->f[t->depth - 1].at++;
			continue;
		}
		if (f->t->node.level) {
			int rc = descend(t, err);

			if (rc)
				return rc;
			continue;
		}
		*e = f->t->node.entries[f->at++];
		*pack_out = e->pack;
		return 1;
	}
	return 0;
}

/* ---- by hand ------------------------------------------------------------ */

void casg_treer_rewind(struct casg_treer *t)
{
	t->depth = 1;
	t->f[0].at = 0;
}

int casg_treer_item(struct casg_treer *t, struct casg_treer_item *out)
{
	struct frame *f;

	while (t->depth && t->f[t->depth - 1].at == t->f[t->depth - 1].t->node.count)
		if (--t->depth)
			t->f[t->depth - 1].at++;
	if (!t->depth)
		return 0;
	f = &t->f[t->depth - 1];
	out->level = f->t->node.level;
	out->child = f->t->node.level ? &f->t->node.children[f->at] : NULL;
	out->entry = f->t->node.level ? NULL : &f->t->node.entries[f->at];
	out->pack = out->entry ? out->entry->pack : 0;
	return 1;
}

void casg_treer_skip(struct casg_treer *t)
{
	if (t->depth && t->f[t->depth - 1].at < t->f[t->depth - 1].t->node.count)
		t->f[t->depth - 1].at++;
}

int casg_treer_enter(struct casg_treer *t, struct casg_err *err)
{
	struct frame *f = t->depth ? &t->f[t->depth - 1] : NULL;
	int rc;

	if (!f || !f->t->node.level || f->at == f->t->node.count)
		return casg_err_set(err, CASG_EBUG, "no subtree to enter");
	rc = load(t, t->depth, &f->t->node.children[f->at].id, &f->t->node.children[f->at],
		  f->t->node.level - 1, err);
	if (!rc)
		t->depth++;
	return rc;
}

uint64_t casg_treer_nodes_read(const struct casg_treer *t)
{
	return t->nread;
}

int casg_treer_seek_rank(struct casg_treer *t, uint64_t rank, struct casg_err *err)
{
	casg_treer_rewind(t);
	if (rank > t->count)
		return casg_err_set(err, CASG_EBUG, "a rank is beyond the last record");
	for (;;) {
		struct frame *f = &t->f[t->depth - 1];
		int rc;

		if (!f->t->node.level) {
			f->at = (uint32_t)rank;
			return 0;
		}
		while (f->at < f->t->node.count && rank >= f->t->node.children[f->at].count)
			rank -= f->t->node.children[f->at++].count;
		if (f->at == f->t->node.count)
			return 0;
		rc = casg_treer_enter(t, err);
		if (rc)
			return rc;
	}
}

uint64_t casg_treer_rank(const struct casg_treer *t)
{
	uint64_t rank = t->depth ? t->f[t->depth - 1].at - 1 : 0;

	for (int i = 0; i + 1 < t->depth; i++)
		for (uint32_t k = 0; k < t->f[i].at; k++)
			rank += t->f[i].t->node.children[k].count;
	return rank;
}

int casg_treer_next(struct casg_treer *t, struct casg_entry *e,
		    struct casg_loc *loc_out, struct casg_err *err)
{
	uint32_t pack;
	int rc = casg_treer_next_raw(t, e, &pack, err);

	if (rc <= 0)
		return rc;
	rc = casg_store_ref(t->s, t->c, pack, e->ref, loc_out, err);
	if (rc)
		return rc;
	if (!e->desc) {
		casg_buf_reset(&t->desc);
		rc = casg_store_read_id(t->s, t->c, &e->desc_blob, CASG_CHUNK_RAW_MAX,
					&t->desc, err);
		if (rc)
			return rc;
		if (t->desc.len != e->dlen)
			return casg_err_set(err, CASG_ECORRUPT,
					    "a description has another length than listed");
		e->desc = (const char *)t->desc.data;
	}
	return 1;
}

/* ---- node by node ------------------------------------------------------ */

int casg_treer_root_level(const struct casg_treer *t)
{
	return t->root_level;
}

int casg_treer_node_seek(struct casg_treer *t, int level, const char *key, size_t klen,
			 uint32_t occurrence, struct casg_err *err)
{
	int rc = 0;

	t->depth = 1;
	if (level > t->root_level)
		return casg_err_set(err, CASG_EBUG, "the tree has no level %d", level);
	while (!rc && t->f[t->depth - 1].t->node.level > level) {
		struct frame *f = &t->f[t->depth - 1];

		f->at = find_entry(&f->t->node, key, klen, occurrence);
		if (f->at == f->t->node.count)
			f->at--;
		rc = casg_treer_enter(t, err);
	}
	return rc;
}

/* To the neighbour: up until there is one, then down its edge. */
static int node_step(struct casg_treer *t, int forward, struct casg_err *err)
{
	int depth = t->depth, i = depth - 1, rc = 0;

	while (i && t->f[i - 1].at == (forward ? t->f[i - 1].t->node.count - 1 : 0))
		i--;
	if (!i)
		return 0;
	t->f[i - 1].at += forward ? 1 : -1u;
	t->depth = i;
	while (!rc && t->depth < depth) {
		struct frame *f = &t->f[t->depth - 1];

		if (t->depth > i)
			f->at = forward ? 0 : f->t->node.count - 1;
		rc = casg_treer_enter(t, err);
	}
	return rc ? rc : 1;
}

int casg_treer_node_next(struct casg_treer *t, struct casg_err *err)
{
	return node_step(t, 1, err);
}

int casg_treer_node_prev(struct casg_treer *t, struct casg_err *err)
{
	return node_step(t, 0, err);
}

void casg_treer_node(const struct casg_treer *t, struct casg_nodeat *out)
{
	const struct frame *f = &t->f[t->depth - 1];

	out->node = &f->t->node;
	out->id = &f->id;
	out->rank = 0;
	out->first = 1;
	for (int i = 0; i + 1 < t->depth; i++) {
		out->first &= !t->f[i].at;
		for (uint32_t k = 0; k < t->f[i].at; k++)
			out->rank += t->f[i].t->node.children[k].count;
	}
	out->last = f->last;
}

const struct casg_tnode *casg_treer_hold(struct casg_treer *t)
{
	const struct casg_tnode *n = t->f[t->depth - 1].t;

	casg_nodes_hold(n);
	return n;
}

void casg_treer_release(struct casg_treer *t, const struct casg_tnode *n)
{
	casg_nodes_put(t->nodes, n);
}

static int walk(struct casg_treer *t, int i, const struct casg_oid *id,
		const struct casg_child *parent, int level, casg_node_fn *fn, void *ctx,
		struct casg_err *err)
{
	struct casg_loc loc;
	int rc;

	/* leaves need not be read to be known */
	if (parent && !level) {
		rc = casg_store_find_node(t->s, id, &loc, err);
		if (!rc)
			return corrupt(err, "it is in no pack here", id);
		return rc < 0 ? rc : fn(ctx, id, &loc, 0, err);
	}
	rc = load(t, i, id, parent, level, err);
	if (!rc)
		rc = casg_store_find_node(t->s, id, &loc, err) < 0 ? CASG_ECORRUPT : 0;
	level = rc ? 0 : t->f[i].t->node.level;
	if (!rc)
		rc = fn(ctx, id, &loc, level, err);
	for (uint32_t k = 0; level && !rc && k < t->f[i].t->node.count; k++) {
		const struct casg_child *c = &t->f[i].t->node.children[k];

		rc = walk(t, i + 1, &c->id, c, level - 1, fn, ctx, err);
	}
	return rc;
}

int casg_tree_walk(struct casg_store *s, struct casg_coder *c,
		   const struct casg_oid *root, casg_node_fn *fn, void *ctx,
		   struct casg_err *err)
{
	struct casg_treer *t = casg_treer_open(s, c, root, err);
	int rc;

	if (!t)
		return err ? err->code : CASG_ECORRUPT;
	rc = walk(t, 0, root, NULL, t->root_level, fn, ctx, err);
	casg_treer_free(t);
	return rc;
}

static int visit(struct casg_treer *t, int i, const struct casg_oid *id,
		 const struct casg_child *parent, int level,
		 const struct casg_tree_visitor *v, struct casg_err *err)
{
	struct frame *f = &t->f[i];
	struct casg_loc loc;
	int rc = casg_store_find_node(t->s, id, &loc, err);

	if (!rc)
		return corrupt(err, "it is in no pack here", id);
	if (rc > 0)
		rc = v->node(v->ctx, id, &loc, level, err);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = load(t, i, id, parent, level, err);
	if (rc)
		return rc;
	for (uint32_t k = 0; !level && v->entry && k < f->t->node.count && !rc; k++)
		rc = v->entry(v->ctx, &f->t->node.entries[k], err);
	for (uint32_t k = 0; level && k < f->t->node.count && !rc; k++) {
		f->at = k;
		rc = visit(t, i + 1, &f->t->node.children[k].id, &f->t->node.children[k],
			   level - 1, v, err);
	}
	return rc;
}

int casg_tree_visit(struct casg_store *s, struct casg_coder *c,
		    const struct casg_oid *root, const struct casg_tree_visitor *v,
		    struct casg_err *err)
{
	struct casg_treer *t = casg_treer_open(s, c, root, err);
	int rc;

	if (!t)
		return err ? err->code : CASG_ECORRUPT;
	rc = visit(t, 0, root, NULL, t->root_level, v, err);
	casg_treer_free(t);
	return rc;
}
