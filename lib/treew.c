#include "treew.h"

#include <stdlib.h>

#include "array.h"
#include "nodew.h"

enum {
	BLOCK_ENTRIES = 16384,        /* records worked on at a time */
	BLOCK_NBYTES = 8 << 20,
	TASK_ENTRIES = 256
};

/* What the parallel pass finds out about a record. */
struct info {
	struct casg_oid hash;
	struct casg_loc loc;
	uint64_t nbytes;
	int boundary;
};

/* A node of the block: entries [start, end). */
struct span {
	uint32_t start, end;
	struct casg_oid id;
	int known;
};

/* Nodes that go into one chunk: spans [start, end). */
struct group {
	uint32_t start, end;
	struct casg_buf out;
	struct casg_oid id;
};

struct casg_treew {
	/* its batch is for the levels above the leaves, with bases for all nodes */
	struct casg_nodew nodew;
	struct casg_nodebase *base;
	struct casg_workers *pool;
	struct casg_coder **coders;
	/* the block under way; strings as offsets into text until it is full */
	struct casg_buf text, spare;
	struct casg_entry *e;
	struct info *info;
	size_t n, cap_e, cap_info;
	size_t done;              /* entries whose info is there (carried over) */
	struct span *spans;
	size_t nspans, cap_spans;
	struct group *groups;
	size_t ngroups, cap_groups;
	struct casg_cutter cut;
	struct casg_children level1;
	struct casg_buf prev_key;
	struct casg_oid prev_oid;
	uint32_t occurrence;
	int any;
	struct casg_tree_stats stats;
	/* the first failure of a parallel pass */
	struct casg_err err;
	int failed;
};

struct casg_treew *casg_treew_new(struct casg_store *store, struct casg_packw *packw,
				  struct casg_workers *pool, struct casg_coder **coders,
				  int level, struct casg_err *err)
{
	struct casg_treew *t = calloc(1, sizeof(*t));

	if (!t) {
		casg_err_nomem(err);
		return NULL;
	}
	casg_nodew_init(&t->nodew, store, packw, coders[0], level);
	t->pool = pool;
	t->coders = coders;
	return t;
}

void casg_treew_free(struct casg_treew *t)
{
	if (!t)
		return;
	casg_buf_release(&t->text);
	casg_buf_release(&t->spare);
	casg_buf_release(&t->prev_key);
	free(t->e);
	free(t->info);
	free(t->spans);
	for (size_t i = 0; i < t->ngroups; i++)
		casg_buf_release(&t->groups[i].out);
	free(t->groups);
	casg_nodew_release(&t->nodew);
	casg_nodebase_free(t->base);
	casg_children_release(&t->level1);
	free(t);
}

int casg_treew_base(struct casg_treew *t, const struct casg_oid *root, int depth,
		    struct casg_err *err)
{
	/* tasks are over when it is asked: it may share the first coder */
	t->base = casg_nodebase_new(t->nodew.store, t->coders[0], root, depth, err);
	t->nodew.base = t->base;
	return t->base ? 0 : err ? err->code : CASG_ENOMEM;
}

/* The first task to fail keeps its message; which one that is matters little. */
static void task_failed(struct casg_treew *t, const struct casg_err *err)
{
	int no = 0;

	if (__atomic_compare_exchange_n(&t->failed, &no, 1, 0, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		t->err = *err;
}

static int has_failed(struct casg_treew *t)
{
	return __atomic_load_n(&t->failed, __ATOMIC_ACQUIRE);
}

static int after_tasks(struct casg_treew *t, struct casg_err *err)
{
	if (!has_failed(t))
		return 0;
	if (err)
		*err = t->err;
	return t->err.code;
}

/* ---- the block --------------------------------------------------------- */

static void info_task(void *ctx, size_t task, int worker)
{
	struct casg_treew *t = ctx;
	struct casg_coder *c = t->coders[worker];
	struct casg_hasher *h = casg_coder_hasher(c);
	size_t i = t->done + task * TASK_ENTRIES, end = i + TASK_ENTRIES;
	struct casg_err err = CASG_ERR_INIT;

	if (end > t->n)
		end = t->n;
	for (; i < end && !has_failed(t); i++) {
		struct casg_entry *e = &t->e[i];
		struct info *f = &t->info[i];

		f->nbytes = casg_entry_nbytes(e);
		f->boundary = casg_node_boundary(0, e->key, e->klen, e->occurrence);
		casg_entry_hash(h, e, &f->hash);
		if (casg_nodew_find_sequence(t->nodew.store, c, e, &f->loc, &err))
			task_failed(t, &err);
	}
}

static void node_task(void *ctx, size_t task, int worker)
{
	struct casg_treew *t = ctx;
	struct casg_hasher *h = casg_coder_hasher(t->coders[worker]);
	struct casg_err err = CASG_ERR_INIT;
	size_t end = (task + 1) * 16;
	struct casg_oid hashes[CASG_NODE_MAX];

	if (end > t->nspans)
		end = t->nspans;
	for (size_t k = task * 16; k < end && !has_failed(t); k++) {
		struct span *s = &t->spans[k];
		struct casg_loc loc;
		int rc;

		for (uint32_t i = s->start; i < s->end; i++)
			hashes[i - s->start] = t->info[i].hash;
		casg_node_id(h, CASG_NODE_KIND_RECORD, 0, s->end - s->start, hashes, &s->id);
		rc = casg_store_find_node(t->nodew.store, &s->id, &loc, &err);
		if (rc < 0)
			task_failed(t, &err);
		s->known = rc > 0;
	}
}

static int encode_nodes(struct casg_treew *t, struct casg_coder *c, struct group *g,
			struct casg_err *err)
{
	struct casg_nodebatch b = { .n = 0 };
	int rc = 0;

	for (uint32_t k = g->start; k < g->end && !rc; k++) {
		struct span *s = &t->spans[k];

		if (!s->known)
			rc = casg_nodebatch_leaf(&b, &s->id, t->e + s->start,
						 s->end - s->start, err);
	}
	casg_buf_reset(&g->out);
	if (!rc)
		rc = casg_nodebatch_encode(&b, c, t->nodew.zlevel, &g->out, &g->id, err);
	casg_nodebatch_release(&b);
	return rc;
}

static void group_task(void *ctx, size_t task, int worker)
{
	struct casg_treew *t = ctx;
	struct casg_err err = CASG_ERR_INIT;

	if (!has_failed(t) && encode_nodes(t, t->coders[worker], &t->groups[task], &err))
		task_failed(t, &err);
}

static int add_span(struct casg_treew *t, uint32_t start, uint32_t end)
{
	if (CASG_GROW(t->spans, t->nspans + 1, t->cap_spans))
		return -1;
	t->spans[t->nspans].start = start;
	t->spans[t->nspans].end = end;
	t->spans[t->nspans++].known = 0;
	return 0;
}

/* Cut the entries of the block into nodes; *rest_out is where the open one starts. */
static int cut_block(struct casg_treew *t, int last, uint32_t *rest_out,
		     struct casg_err *err)
{
	uint32_t start = 0;

	t->nspans = 0;
	memset(&t->cut, 0, sizeof(t->cut));
	for (uint32_t i = 0; i < t->n; i++) {
		int after;

		if (casg_cutter_feed(&t->cut, t->info[i].nbytes, t->info[i].boundary,
				     &after)) {
			if (add_span(t, start, i))
				return casg_err_nomem(err);
			start = i;
		}
		if (after) {
			if (add_span(t, start, i + 1))
				return casg_err_nomem(err);
			start = i + 1;
		}
	}
	if (last && start < t->n) {
		if (add_span(t, start, (uint32_t)t->n))
			return casg_err_nomem(err);
		start = (uint32_t)t->n;
	}
	*rest_out = start;
	return 0;
}

static int spans_to_children(struct casg_treew *t, struct casg_err *err)
{
	for (size_t k = 0; k < t->nspans; k++) {
		const struct span *s = &t->spans[k];
		const struct casg_entry *a = &t->e[s->start], *b = &t->e[s->end - 1];
		struct casg_child c = {
			.first = a->key, .first_len = a->klen,
			.first_occurrence = a->occurrence,
			.last = b->key, .last_len = b->klen,
			.last_occurrence = b->occurrence,
			.count = s->end - s->start, .id = s->id,
		};
		int rc = casg_children_push(&t->level1, &c, err);

		if (rc)
			return rc;
		t->nodew.nnodes++;
		t->nodew.nnodes_new += !s->known;
	}
	return 0;
}

/* Group the new nodes into chunks of about CASG_NODE_CHUNK_NBYTES, by counted bytes. */
static int group_spans(struct casg_treew *t, struct casg_err *err)
{
	uint64_t nbytes = 0;
	uint32_t start = 0, nnew = 0;

	t->ngroups = 0;
	for (uint32_t k = 0; k <= t->nspans; k++) {
		if (nnew && (k == t->nspans || nbytes >= CASG_NODE_CHUNK_NBYTES)) {
			struct group *g;
			size_t had = t->cap_groups;

			if (CASG_GROW(t->groups, t->ngroups + 1, t->cap_groups))
				return casg_err_nomem(err);
			if (t->cap_groups > had)
				memset(t->groups + had, 0,
				       (t->cap_groups - had) * sizeof(*t->groups));
			g = &t->groups[t->ngroups++];
			g->start = start;
			g->end = k;
			start = k;
			nbytes = nnew = 0;
		}
		if (k == t->nspans || t->spans[k].known)
			continue;
		nnew++;
		for (uint32_t i = t->spans[k].start; i < t->spans[k].end; i++)
			nbytes += t->e[i].klen + t->e[i].dlen + 8;
	}
	return 0;
}

static int write_groups(struct casg_treew *t, struct casg_err *err)
{
	struct casg_objinfo *ids = NULL;
	size_t cap = 0;
	int rc = 0;

	for (size_t g = 0; g < t->ngroups && !rc; g++) {
		struct group *q = &t->groups[g];
		uint32_t n = 0;

		if (CASG_GROW(ids, q->end - q->start, cap)) {
			rc = casg_err_nomem(err);
			break;
		}
		for (uint32_t k = q->start; k < q->end; k++)
			if (!t->spans[k].known)
				ids[n++].id = t->spans[k].id;
		rc = casg_packw_add(t->nodew.packw, q->out.data, q->out.len, &q->id, ids, err);
	}
	free(ids);
	return rc;
}

static int assign_refs(struct casg_treew *t, struct casg_err *err)
{
	/* counted before references exist: closing the pack would drop them */
	int rc = casg_packw_room(t->nodew.packw, BLOCK_NBYTES / 8, 0, err);

	for (size_t k = 0; k < t->nspans && !rc; k++)
		for (uint32_t i = t->spans[k].start;
		     i < t->spans[k].end && !t->spans[k].known && !rc; i++)
			rc = casg_noderefs_get(&t->nodew.refs, t->nodew.store,
					       t->nodew.packw, &t->info[i].loc,
					       &t->e[i].ref, err);
	return rc;
}

/* Move what is left of the block to its front. */
static int carry_over(struct casg_treew *t, uint32_t rest, struct casg_err *err)
{
	struct casg_buf swap;

	casg_buf_reset(&t->spare);
	for (uint32_t i = rest; i < t->n; i++) {
		struct casg_entry e = t->e[i];
		size_t at = t->spare.len;

		casg_buf_add(&t->spare, e.key, e.klen);
		if (e.desc)
			casg_buf_add(&t->spare, e.desc, (size_t)e.dlen);
		e.key = (const char *)(uintptr_t)at;
		t->e[i - rest] = e;
		t->info[i - rest] = t->info[i];
	}
	if (t->spare.failed)
		return casg_err_nomem(err);
	swap = t->text;
	t->text = t->spare;
	t->spare = swap;
	t->n -= rest;
	t->done = t->n;
	return 0;
}

/* While a block fills, key holds the offset of key and description in text. */
static void set_pointers(struct casg_treew *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct casg_entry *e = &t->e[i];

		e->key = (const char *)t->text.data + (uintptr_t)e->key;
		if (e->dlen <= CASG_DESC_INLINE)
			e->desc = e->key + e->klen;
	}
}

/*
 * Leaves as differences from those of another tree: their size is known only
 * when they are made, and few are new, so one after the other.
 */
static int write_linked(struct casg_treew *t, struct casg_err *err)
{
	struct casg_loc locs[CASG_NODE_MAX];
	int rc = 0;

	for (size_t k = 0; k < t->nspans && !rc; k++) {
		const struct span *s = &t->spans[k];

		for (uint32_t i = s->start; i < s->end && !s->known; i++)
			locs[i - s->start] = t->info[i].loc;
		if (!s->known)
			rc = casg_nodew_new_leaf(&t->nodew, &s->id, t->e + s->start, locs,
						 s->end - s->start, err);
	}
	return rc;
}

/* Leaves as they are, compressed over all cores. */
static int write_plain(struct casg_treew *t, struct casg_err *err)
{
	int rc = assign_refs(t, err);

	if (!rc)
		rc = group_spans(t, err);
	if (rc)
		return rc;
	casg_workers_run(t->pool, t->ngroups, group_task, t);
	rc = after_tasks(t, err);
	return rc ? rc : write_groups(t, err);
}

static int flush_block(struct casg_treew *t, int last, struct casg_err *err)
{
	uint32_t rest = 0;
	int rc;

	if (!t->n)
		return 0;
	/* never a NULL base for the offsets to be added to */
	if (casg_buf_grow(&t->text, 1) || CASG_GROW(t->info, t->n, t->cap_info))
		return casg_err_nomem(err);
	set_pointers(t);
	casg_workers_run(t->pool, (t->n - t->done + TASK_ENTRIES - 1) / TASK_ENTRIES,
			 info_task, t);
	rc = after_tasks(t, err);
	if (!rc)
		rc = cut_block(t, last, &rest, err);
	if (rc)
		return rc;
	casg_workers_run(t->pool, (t->nspans + 15) / 16, node_task, t);
	rc = after_tasks(t, err);
	if (!rc)
		rc = t->base ? write_linked(t, err) : write_plain(t, err);
	if (!rc)
		rc = spans_to_children(t, err);
	return rc ? rc : carry_over(t, rest, err);
}

int casg_treew_add(struct casg_treew *t, const struct casg_entry *in,
		   struct casg_err *err)
{
	struct casg_entry e = *in;
	int c = t->any ? casg_key_cmp((const char *)t->prev_key.data, t->prev_key.len, 0,
				      e.key, e.klen, 0) : -1;
	int rc;

	if (c > 0 || (!c && casg_oid_cmp(&t->prev_oid, &e.oid) > 0))
		return casg_err_set(err, CASG_EBUG, "records are out of order");
	e.occurrence = t->occurrence = c ? 0 : t->occurrence + 1;
	if (c) {
		casg_buf_reset(&t->prev_key);
		casg_buf_add(&t->prev_key, e.key, e.klen);
		if (!t->prev_key.data && casg_buf_grow(&t->prev_key, 1))
			return casg_err_nomem(err);
	}
	t->prev_oid = e.oid;
	t->any = 1;
	if (t->n >= BLOCK_ENTRIES || t->text.len >= BLOCK_NBYTES) {
		rc = flush_block(t, 0, err);
		if (rc)
			return rc;
	}
	if (CASG_GROW(t->e, t->n + 1, t->cap_e))
		return casg_err_nomem(err);
	rc = casg_nodew_description(&t->nodew, &e, err);
	if (rc)
		return rc;
	e.key = (const char *)(uintptr_t)t->text.len;
	casg_buf_add(&t->text, in->key, in->klen);
	if (e.desc)
		casg_buf_add(&t->text, in->desc, (size_t)in->dlen);
	t->e[t->n++] = e;
	t->stats.nrecords++;
	t->stats.nresidues += e.length;
	return t->text.failed ? casg_err_nomem(err) : 0;
}

int casg_treew_finish(struct casg_treew *t, struct casg_tree_stats *out,
		      struct casg_err *err)
{
	int rc = flush_block(t, 1, err);

	if (!rc)
		rc = casg_nodew_root(&t->nodew, 1, &t->level1, &t->stats.root, err);
	if (!rc)
		rc = casg_nodew_flush(&t->nodew, err);
	t->stats.nnodes = t->nodew.nnodes;
	t->stats.nnodes_new = t->nodew.nnodes_new;
	t->stats.base_err = t->nodew.base_err;
	*out = t->stats;
	return rc;
}
