#include "prooftree.h"

#include <stdlib.h>

#include "array.h"
#include "merkle.h"
#include "nodes.h"
#include "proof.h"

/* For each leaf entry of a window: place, id and length, order, group. */
enum { ENTRY_NBYTES = sizeof(struct casg_loc) + sizeof(struct casg_objinfo) + 2 * sizeof(size_t) };

struct leaf {
	struct casg_oid id;
	uint32_t count;
};

/* One tree under way. */
struct tree {
	const struct casg_prover *p;
	struct casg_coder *coder;
	struct casg_nodes *nodes;
	const uint64_t *ranks;      /* what to spell out, ascending, distinct */
	const uint8_t *texts;       /* of each, its description, too; or NULL */
	size_t nranks;
	struct leaf *leaves;        /* those on the way, in order */
	size_t nleaves, cap_leaves;
	size_t leaf;                /* the next one to be written */
	size_t window_end;          /* leaves before it have their ids in info */
	struct casg_loc *locs;
	struct casg_objinfo *info;  /* of the entries of the window */
	size_t info_at;             /* where those of the next leaf begin */
	size_t *order, *first;
	int failed;
	struct casg_err worker_err;
};

/* ---- which leaves ------------------------------------------------------ */

static size_t ranks_below(const struct tree *t, size_t from, uint64_t end)
{
	size_t lo = from, hi = t->nranks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->ranks[mid] < end)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int misplaced(struct casg_err *err)
{
	return casg_err_set(err, CASG_ECORRUPT, "a tree node is not what its parent says");
}

static int add_leaf(struct tree *t, const struct casg_oid *id, uint64_t count,
		    struct casg_err *err)
{
	if (count > CASG_NODE_MAX)
		return misplaced(err);
	if (CASG_GROW(t->leaves, t->nleaves + 1, t->cap_leaves))
		return casg_err_nomem(err);
	t->leaves[t->nleaves++] = (struct leaf){ *id, (uint32_t)count };
	return 0;
}

/*
 * The node with this id, of this level (-1: of any, the root); whether it has
 * the id is seen when it is written.
 */
static int get_node(struct tree *t, const struct casg_oid *id, int level,
		    const struct casg_tnode **out, struct casg_err *err)
{
	int rc = casg_nodes_get(t->nodes, id, out, err);

	if (!rc && level >= 0 && (*out)->node.level != level) {
		casg_nodes_put(t->nodes, *out);
		rc = misplaced(err);
	}
	return rc;
}

/* The leaves below 'id' that hold any of the ranks from number 'lo' on. */
static int plan(struct tree *t, const struct casg_oid *id, int level, uint64_t base,
		size_t lo, struct casg_err *err)
{
	const struct casg_tnode *tn;
	const struct casg_node *n;
	int rc = get_node(t, id, level, &tn, err);

	if (rc)
		return rc;
	n = &tn->node;
	if (!n->level)
		rc = add_leaf(t, id, n->count, err);
	for (uint32_t i = 0; !rc && n->level && i < n->count; i++) {
		const struct casg_child *c = &n->children[i];
		size_t hi = ranks_below(t, lo, base + c->count);

		if (lo < hi && n->level == 1)
			rc = add_leaf(t, &c->id, c->count, err);
		else if (lo < hi)
			rc = plan(t, &c->id, n->level - 1, base, lo, err);
		base += c->count;
		lo = hi;
	}
	casg_nodes_put(t->nodes, tn);
	return rc;
}

/* ---- ids of the sequences ---------------------------------------------- */

static void info_task(void *ctx, size_t task, int worker)
{
	struct tree *t = ctx;
	struct casg_err err = CASG_ERR_INIT;
	int no = 0, rc = 0;

	for (size_t i = t->first[task]; i < t->first[task + 1] && !rc; i++)
		rc = casg_store_info(t->p->store, t->p->coders[worker],
				     &t->locs[t->order[i]], &t->info[t->order[i]], &err);
	if (rc && __atomic_compare_exchange_n(&t->failed, &no, 1, 0, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE))
		t->worker_err = err;
}

static void free_window(struct tree *t)
{
	free(t->locs);
	free(t->info);
	free(t->order);
	free(t->first);
	t->locs = NULL;
	t->info = NULL;
	t->order = t->first = NULL;
}

static int leaf_locs(struct tree *t, size_t leaf, struct casg_loc *out,
		     struct casg_err *err)
{
	const struct casg_tnode *tn;
	int rc = get_node(t, &t->leaves[leaf].id, 0, &tn, err);

	if (rc)
		return rc;
	if (tn->node.count != t->leaves[leaf].count)
		rc = misplaced(err);
	for (uint32_t i = 0; !rc && i < tn->node.count; i++)
		rc = casg_store_ref(t->p->store, t->coder, tn->node.entries[i].pack,
				    tn->node.entries[i].ref, &out[i], err);
	casg_nodes_put(t->nodes, tn);
	return rc;
}

/* The next window: from t->leaf on. */
static int fill_window(struct tree *t, struct casg_err *err)
{
	size_t most = (size_t)(t->p->memory_nbytes / ENTRY_NBYTES), n = 0, at = 0, end = t->leaf;
	long ngroups;
	int rc = 0;

	do {
		n += t->leaves[end++].count;
	} while (end < t->nleaves && n + t->leaves[end].count <= most);
	free_window(t);
	t->locs = malloc((n + 1) * sizeof(*t->locs));
	t->info = malloc((n + 1) * sizeof(*t->info));
	t->order = malloc((n + 1) * sizeof(*t->order));
	t->first = malloc((n + 1) * sizeof(*t->first));
	if (!t->locs || !t->info || !t->order || !t->first)
		return casg_err_nomem(err);
	for (size_t i = t->leaf; !rc && i < end; i++) {
		rc = leaf_locs(t, i, t->locs + at, err);
		at += t->leaves[i].count;
	}
	if (rc)
		return rc;
	ngroups = casg_group_by_chunk(t->locs, sizeof(*t->locs), n, t->order, t->first);
	if (ngroups < 0)
		return casg_err_nomem(err);
	casg_workers_run(t->p->pool, (size_t)ngroups, info_task, t);
	if (t->failed) {
		*err = t->worker_err;
		return err->code;
	}
	t->window_end = end;
	t->info_at = 0;
	return 0;
}

/* ---- writing nodes ----------------------------------------------------- */

/* A node in hand: hashes of its entries, and which are spelled out. */
struct shown {
	struct tree *tree;
	const struct casg_node *n;
	const struct casg_objinfo *info; /* leaf: of its entries */
	struct casg_oid hashes[CASG_NODE_MAX];
	uint8_t show[CASG_NODE_MAX]; /* 2: with its description, too */
};

static struct casg_entry full_entry(const struct shown *s, uint32_t i)
{
	struct casg_entry e = s->n->entries[i];

	e.oid = s->info[i].id;
	e.length = s->info[i].nbytes;
	return e;
}

/* The description of an entry that only has its id. */
static int put_with_text(const struct shown *s, struct casg_entry *e, struct casg_buf *out,
			 struct casg_err *err)
{
	struct casg_buf text = CASG_BUF_INIT;
	int rc = casg_store_read_id(s->tree->p->store, s->tree->coder, &e->desc_blob,
				    CASG_CHUNK_RAW_MAX, &text, err);

	if (!rc && text.len != e->dlen)
		rc = casg_err_set(err, CASG_ECORRUPT,
				  "a description has another length than listed");
	e->desc = (const char *)text.data;
	if (!rc)
		casg_proof_put_entry(out, e);
	casg_buf_release(&text);
	return rc;
}

static int any_shown(const struct shown *s, uint32_t lo, uint32_t hi)
{
	while (lo < hi)
		if (s->show[lo++])
			return 1;
	return 0;
}

static int put_range(const struct shown *s, uint32_t lo, uint32_t hi, struct casg_buf *out,
		     struct casg_err *err)
{
	struct casg_hasher *h = casg_coder_hasher(s->tree->coder);
	uint32_t n = hi - lo, k = 1;
	struct casg_oid root;
	int rc = 0;

	if (!any_shown(s, lo, hi)) {
		casg_merkle_root_of(h, s->hashes + lo, n, &root);
		casg_proof_put_hash(out, n, &root);
	} else if (n > 1) {
		while (2 * k < n)
			k *= 2;
		rc = put_range(s, lo, lo + k, out, err);
		if (!rc)
			rc = put_range(s, lo + k, hi, out, err);
	} else if (s->n->level) {
		casg_proof_put_child(out, &s->n->children[lo]);
	} else {
		struct casg_entry e = full_entry(s, lo);

		if (!e.desc && s->show[lo] > 1)
			rc = put_with_text(s, &e, out, err);
		else
			casg_proof_put_entry(out, &e);
	}
	return rc;
}

/* Hash the entries, choose those to be spelled out, compare the id. */
static int look_at(struct shown *s, const struct casg_oid *id, uint64_t base, size_t lo,
		   struct casg_err *err)
{
	struct casg_hasher *h = casg_coder_hasher(s->tree->coder);
	const struct casg_node *n = s->n;
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_oid got;

	for (uint32_t i = 0; i < n->count; i++) {
		size_t hi;

		base += n->level ? n->children[i].count : 1;
		hi = ranks_below(s->tree, lo, base);
		s->show[i] = lo < hi ? 1 + (s->tree->texts && s->tree->texts[lo]) : 0;
		lo = hi;
		if (n->level) {
			casg_child_hash(h, &n->children[i], &s->hashes[i]);
		} else {
			struct casg_entry e = full_entry(s, i);

			casg_entry_hash(h, &e, &s->hashes[i]);
		}
	}
	casg_node_id(h, n->kind, n->level, n->count, s->hashes, &got);
	if (casg_oid_eq(&got, id))
		return 0;
	return casg_err_set(err, CASG_ECORRUPT,
			    "tree node %s: its content does not match its id",
			    casg_oid_hex(id, hex));
}

/* Write the node; show_out: which entries were spelled out. */
static int put_node(struct tree *t, const struct casg_node *n, const struct casg_oid *id,
		    uint64_t base, size_t lo, uint8_t show_out[CASG_NODE_MAX],
		    struct casg_buf *out, struct casg_err *err)
{
	struct shown s = { .tree = t, .n = n };
	int rc = 0;

	if (!n->level) {
		if (t->leaf == t->window_end)
			rc = t->leaf < t->nleaves ? fill_window(t, err) : misplaced(err);
		if (!rc && n->count != t->leaves[t->leaf].count)
			rc = misplaced(err);
		if (rc)
			return rc;
		s.info = t->info + t->info_at;
		t->info_at += n->count;
		t->leaf++;
	}
	rc = look_at(&s, id, base, lo, err);
	if (rc)
		return rc;
	casg_proof_put_node(out, n->kind, n->level, n->count);
	if (n->count)
		rc = put_range(&s, 0, n->count, out, err);
	if (rc)
		return rc;
	memcpy(show_out, s.show, sizeof(s.show));
	return out->len > CASG_PROOF_MAX_BYTES ?
	       casg_err_set(err, CASG_ENOMEM, "the proof would be longer than %zu bytes",
			    CASG_PROOF_MAX_BYTES) : casg_buf_check(out, err);
}

static int put_subtree(struct tree *t, const struct casg_oid *id, int level, uint64_t base,
		       size_t lo, struct casg_buf *out, struct casg_err *err)
{
	uint8_t show[CASG_NODE_MAX];
	const struct casg_tnode *tn;
	const struct casg_node *n;
	int rc = get_node(t, id, level, &tn, err);

	if (rc)
		return rc;
	n = &tn->node;
	rc = put_node(t, n, id, base, lo, show, out, err);
	for (uint32_t i = 0; !rc && n->level && i < n->count; i++) {
		if (show[i])
			rc = put_subtree(t, &n->children[i].id, n->level - 1, base, lo, out,
					 err);
		base += n->children[i].count;
		lo = ranks_below(t, lo, base);
	}
	casg_nodes_put(t->nodes, tn);
	return rc;
}

struct casg_coder *casg_prover_coder(const struct casg_prover *p)
{
	return p->coders[casg_workers_count(p->pool) - 1];
}

int casg_prooftree_put(const struct casg_prover *p, const struct casg_oid *root,
		       const uint64_t *ranks, const uint8_t *texts, size_t nranks,
		       struct casg_buf *out, struct casg_err *err)
{
	struct tree t = {
		.p = p, .ranks = ranks, .texts = texts, .nranks = nranks, .coder = casg_prover_coder(p)
	};
	int rc;

	t.nodes = casg_nodes_new(p->store, t.coder);
	if (!t.nodes)
		return casg_err_nomem(err);
	rc = plan(&t, root, -1, 0, 0, err);
	if (!rc)
		rc = put_subtree(&t, root, -1, 0, 0, out, err);
	free_window(&t);
	free(t.leaves);
	casg_nodes_free(t.nodes);
	return rc;
}
