#include "treecheck.h"

#include <pthread.h>
#include <stdlib.h>

#include "endian.h"
#include "nodes.h"
#include "oidmap.h"
#include "treer.h"

#define STEP_NBYTES ((uint64_t)8 << 20) /* of a long sequence, at a time */

/* What one worker has for itself. */
struct worker {
	struct casg_nodes *nodes;
	struct casg_coder *coder;
	struct casg_hasher *whole;    /* of long sequences */
	struct casg_buf text;
	struct casg_oid hashes[CASG_NODE_MAX];
};

/* A leaf to be checked, and what came of it. */
struct task {
	const struct casg_child *child;
	struct casg_oid hash;         /* of its entry in the parent */
	int last;                     /* nothing follows it on its level */
	uint64_t residues;
	int rc;
	struct casg_err err;
};

struct casg_treecheck {
	struct casg_store *s;
	struct casg_workers *pool;
	struct worker *workers;
	int nworkers;
	/*
	 * Entries of subtrees that are good: residues << 1, and 1 if it was
	 * seen to end at a boundary, so that others may follow.
	 */
	struct casg_oidmap good;
	struct casg_oidmap wholes;    /* piece lists that are good, by place */
	pthread_mutex_t lock;         /* wholes */
	struct task *tasks;
	uint64_t nnodes, nrecords;
};

static int bad(struct casg_err *err, const struct casg_oid *id, const char *what)
{
	char hex[CASG_OID_HEXSZ + 1];

	return casg_err_set(err, CASG_ECORRUPT, "tree node %s: %s", casg_oid_hex(id, hex), what);
}

struct casg_treecheck *casg_treecheck_new(struct casg_store *s, struct casg_workers *pool,
					  struct casg_coder **coders, struct casg_err *err)
{
	struct casg_treecheck *t = calloc(1, sizeof(*t));
	int ok = t != NULL;

	if (t) {
		pthread_mutex_init(&t->lock, NULL);
		t->s = s;
		t->pool = pool;
		t->nworkers = casg_workers_count(pool);
		t->workers = calloc((size_t)t->nworkers, sizeof(*t->workers));
		t->tasks = calloc(CASG_NODE_MAX, sizeof(*t->tasks));
		ok = t->workers && t->tasks;
	}
	for (int i = 0; ok && i < t->nworkers; i++) {
		t->workers[i].coder = coders[i];
		t->workers[i].nodes = casg_nodes_new(s, coders[i]);
		t->workers[i].whole = casg_hasher_new();
		ok = t->workers[i].nodes && t->workers[i].whole;
	}
	if (!ok) {
		casg_treecheck_free(t);
		casg_err_nomem(err);
		return NULL;
	}
	return t;
}

void casg_treecheck_free(struct casg_treecheck *t)
{
	if (!t)
		return;
	for (int i = 0; t->workers && i < t->nworkers; i++) {
		casg_nodes_free(t->workers[i].nodes);
		casg_hasher_free(t->workers[i].whole);
		casg_buf_release(&t->workers[i].text);
	}
	casg_oidmap_release(&t->good);
	casg_oidmap_release(&t->wholes);
	pthread_mutex_destroy(&t->lock);
	free(t->workers);
	free(t->tasks);
	free(t);
}

uint64_t casg_treecheck_nodes(const struct casg_treecheck *t)
{
	return t->nnodes;
}

uint64_t casg_treecheck_records(const struct casg_treecheck *t)
{
	return t->nrecords;
}

/* ---- leaves -------------------------------------------------------------- */

/* The pieces of a long sequence must add up to the id that its list states. */
static int check_whole(struct casg_treecheck *t, struct worker *wk,
		       const struct casg_loc *loc, const struct casg_objinfo *info,
		       struct casg_err *err)
{
	struct casg_oid place = { { 0 } }, got;
	uint64_t at = 0, n = 0;
	int known, rc = 0;

	/* spread the bits: the first bytes place it in the table */
	casg_put_be64(place.b, (((uint64_t)loc->pack << 32 | loc->chunk) ^
				(uint64_t)loc->member << 13) * UINT64_C(0x9e3779b97f4a7c15));
	casg_put_be32(place.b + 8, loc->pack);
	casg_put_be32(place.b + 12, loc->chunk);
	casg_put_be32(place.b + 16, loc->member);
	pthread_mutex_lock(&t->lock);
	known = casg_oidmap_get(&t->wholes, &place, NULL);
	pthread_mutex_unlock(&t->lock);
	if (known)
		return 0;
	casg_hasher_init(wk->whole);
	do {
		casg_buf_reset(&wk->text);
		rc = casg_store_read(t->s, wk->coder, loc, at, at + STEP_NBYTES, &wk->text, &n,
				     err);
		if (!rc)
			casg_hasher_update(wk->whole, wk->text.data, wk->text.len);
		at += STEP_NBYTES;
	} while (!rc && at < n);
	casg_hasher_final(wk->whole, &got);
	if (!rc && (n != info->nbytes || !casg_oid_eq(&got, &info->id)))
		rc = casg_err_set(err, CASG_ECORRUPT,
				  "a sequence's pieces do not add up to the whole");
	if (!rc) {
		pthread_mutex_lock(&t->lock);
		rc = casg_oidmap_set(&t->wholes, &place, 1, err);
		pthread_mutex_unlock(&t->lock);
	}
	return rc;
}

static int check_description(struct casg_treecheck *t, struct worker *wk,
			     const struct casg_entry *e, struct casg_err *err)
{
	struct casg_oid got;
	int rc;

	casg_buf_reset(&wk->text);
	rc = casg_store_read_id(t->s, wk->coder, &e->desc_blob, CASG_CHUNK_RAW_MAX, &wk->text,
				err);
	if (rc)
		return rc;
	casg_hasher_digest(wk->whole, wk->text.data, wk->text.len, &got);
	if (wk->text.len != e->dlen || !casg_oid_eq(&got, &e->desc_blob))
		return casg_err_set(err, CASG_ECORRUPT,
				    "a description is not what its record says");
	return 0;
}

static int check_entry(struct casg_treecheck *t, struct worker *wk, struct casg_entry *e,
		       struct casg_err *err)
{
	struct casg_idx_chunk ic;
	struct casg_objinfo info;
	struct casg_loc loc;
	int rc = casg_store_ref(t->s, wk->coder, e->pack, e->ref, &loc, err);

	if (!rc)
		rc = casg_store_info(t->s, wk->coder, &loc, &info, err);
	if (!rc)
		rc = casg_packidx_chunk(casg_store_idx(t->s, loc.pack), loc.chunk, &ic, err);
	if (!rc && ic.kind == CASG_CHUNK_LIST)
		rc = check_whole(t, wk, &loc, &info, err);
	if (!rc && !e->desc)
		rc = check_description(t, wk, e, err);
	if (!rc) {
		e->oid = info.id;
		e->length = info.nbytes;
	}
	return rc;
}

/*
 * Records with one key are numbered from 0, in the order of their sequences.
 * 'a' is the record before 'b'.
 */
static int follows(const char *a, size_t alen, uint32_t aocc, const char *b, size_t blen,
		   uint32_t bocc)
{
	if (alen == blen && !memcmp(a, b, alen))
		return bocc == aocc + 1;
	return !bocc;
}

static int check_occurrences(const struct casg_entry *a, const struct casg_entry *b)
{
	if (!follows(a->key, a->klen, a->occurrence, b->key, b->klen, b->occurrence))
		return 0;
	return !b->occurrence || casg_oid_cmp(&a->oid, &b->oid) <= 0;
}

static int check_leaf(struct casg_treecheck *t, struct worker *wk, const struct casg_node *n,
		      const struct casg_oid *id, uint64_t *residues_out, struct casg_err *err)
{
	struct casg_hasher *h = casg_coder_hasher(wk->coder);
	struct casg_entry before = { 0 };
	struct casg_oid got;

	*residues_out = 0;
	for (uint32_t i = 0; i < n->count; i++) {
		struct casg_entry e = n->entries[i];
		int rc = check_entry(t, wk, &e, err);

		if (rc)
			return casg_err_prefix(err, "record '%.*s'",
					       e.klen < 200 ? (int)e.klen : 200, e.key);
		if (__builtin_add_overflow(*residues_out, e.length, residues_out))
			return bad(err, id, "it holds too many residues to count");
		if (i && !check_occurrences(&before, &e))
			return bad(err, id, "records with one key are not in order");
		before = e;
		casg_entry_hash(h, &e, &wk->hashes[i]);
	}
	casg_node_id(h, n->kind, n->level, n->count, wk->hashes, &got);
	__atomic_add_fetch(&t->nnodes, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&t->nrecords, n->count, __ATOMIC_RELAXED);
	return casg_oid_eq(&got, id) ? 0 : bad(err, id, "its records do not match its id");
}

static void leaf_task(void *ctx, size_t i, int worker)
{
	struct casg_treecheck *t = ctx;
	struct worker *wk = &t->workers[worker];
	struct task *k = &t->tasks[i];
	const struct casg_tnode *node;

	k->rc = casg_nodes_get(wk->nodes, &k->child->id, &node, &k->err);
	if (k->rc)
		return;
	k->rc = casg_treer_check(&node->node, &k->child->id, k->child, 0, k->last, &k->err);
	if (!k->rc)
		k->rc = check_leaf(t, wk, &node->node, &k->child->id, &k->residues, &k->err);
	casg_nodes_put(wk->nodes, node);
}

/* ---- interior nodes ------------------------------------------------------ */

/* Is the subtree behind this entry known to be good, where it stands here? */
static int is_good(const struct casg_treecheck *t, const struct casg_oid *hash, int last,
		   uint64_t *residues_out)
{
	uint64_t v;

	if (!casg_oidmap_get(&t->good, hash, &v) || (!last && !(v & 1)))
		return 0;
	*residues_out = v >> 1;
	return 1;
}

static int set_good(struct casg_treecheck *t, const struct casg_oid *hash, int last,
		    uint64_t residues, struct casg_err *err)
{
	return casg_oidmap_set(&t->good, hash, residues << 1 | !last, err);
}

static int add_residues(uint64_t *sum, uint64_t n, const struct casg_oid *id,
			struct casg_err *err)
{
	/* one bit is kept for set_good */
	if (__builtin_add_overflow(*sum, n, sum) || *sum >> 63)
		return bad(err, id, "it holds too many residues to count");
	return 0;
}

static int check_leaves(struct casg_treecheck *t, const struct casg_node *n,
			const struct casg_oid *id, const struct casg_oid *hashes, int last,
			uint64_t *residues_out, struct casg_err *err)
{
	size_t ntasks = 0;
	int rc = 0;

	for (uint32_t i = 0; i < n->count && !rc; i++) {
		int end = last && i + 1 == n->count;
		uint64_t residues;

		if (is_good(t, &hashes[i], end, &residues)) {
			rc = add_residues(residues_out, residues, id, err);
			continue;
		}
		t->tasks[ntasks++] = (struct task){
			.child = &n->children[i], .hash = hashes[i], .last = end,
			.err = CASG_ERR_INIT,
		};
	}
	if (!rc)
		casg_workers_run(t->pool, ntasks, leaf_task, t);
	for (size_t i = 0; i < ntasks && !rc; i++) {
		struct task *k = &t->tasks[i];

		rc = k->rc;
		if (rc && err)
			*err = k->err;
		if (!rc)
			rc = set_good(t, &k->hash, k->last, k->residues, err);
		if (!rc)
			rc = add_residues(residues_out, k->residues, id, err);
	}
	return rc;
}

/* What check_leaf cannot see: the first record, and from leaf to leaf. */
static int check_numbering(const struct casg_node *n, const struct casg_oid *id, int is_root,
			   struct casg_err *err)
{
	uint32_t first = !n->count ? 0 : n->level ? n->children[0].first_occurrence :
			 n->entries[0].occurrence;
	int ok = !is_root || !first;

	for (uint32_t i = 1; n->level && i < n->count && ok; i++) {
		const struct casg_child *a = &n->children[i - 1], *b = &n->children[i];

		ok = follows(a->last, a->last_len, a->last_occurrence, b->first, b->first_len,
			     b->first_occurrence);
	}
	return ok ? 0 : bad(err, id, "records with one key are not numbered from 0");
}

/*
 * The node 'id', below 'parent' (NULL: it is a root), and all below it.  The
 * depth is bounded by the level, which falls.
 */
static int check_node(struct casg_treecheck *t, const struct casg_oid *id,
		      const struct casg_child *parent, int level, int last,
		      uint64_t *count_out, uint64_t *residues_out, struct casg_err *err)
{
	struct worker *wk = &t->workers[t->nworkers - 1];
	const struct casg_tnode *tn;
	const struct casg_node *n;
	struct casg_oid got, *hashes = NULL;
	int rc = casg_nodes_get(wk->nodes, id, &tn, err);

	*residues_out = *count_out = 0;
	if (rc)
		return rc;
	n = &tn->node;
	rc = casg_treer_check(n, id, parent, level, last, err);
	if (!rc)
		rc = check_numbering(n, id, !parent, err);
	if (rc)
		goto out;
	if (!n->level) {
		rc = check_leaf(t, wk, n, id, residues_out, err);
		*count_out = n->count;
		goto out;
	}
	hashes = malloc(n->count * sizeof(*hashes));
	if (!hashes) {
		rc = casg_err_nomem(err);
		goto out;
	}
	for (uint32_t i = 0; i < n->count; i++) {
		casg_child_hash(casg_coder_hasher(wk->coder), &n->children[i], &hashes[i]);
		*count_out += n->children[i].count;
	}
	casg_node_id(casg_coder_hasher(wk->coder), n->kind, n->level, n->count, hashes, &got);
	t->nnodes++;
	if (!casg_oid_eq(&got, id))
		rc = bad(err, id, "its children do not match its id");
	else if (n->level == 1)
		rc = check_leaves(t, n, id, hashes, last, residues_out, err);
	for (uint32_t i = 0; n->level > 1 && i < n->count && !rc; i++) {
		const struct casg_child *c = &n->children[i];
		int end = last && i + 1 == n->count;
		uint64_t residues, count;

		if (!is_good(t, &hashes[i], end, &residues)) {
			rc = check_node(t, &c->id, c, n->level - 1, end, &count, &residues, err);
			if (!rc)
				rc = set_good(t, &hashes[i], end, residues, err);
		}
		if (!rc)
			rc = add_residues(residues_out, residues, id, err);
	}
out:
	free(hashes);
	casg_nodes_put(wk->nodes, tn);
	return rc;
}

int casg_treecheck_run(struct casg_treecheck *t, const struct casg_oid *root,
		       uint64_t *count_out, uint64_t *residues_out, struct casg_err *err)
{
	return check_node(t, root, NULL, 0, 1, count_out, residues_out, err);
}
