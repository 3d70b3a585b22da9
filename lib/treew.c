#include "treew.h"

#include <stdlib.h>

#include "array.h"
#include "merkle.h"

enum {
	BLOCK_ENTRIES = 16384,        /* records worked on at a time */
	BLOCK_NBYTES = 8 << 20,
	TASK_ENTRIES = 256,
	CHUNK_NBYTES = 256 << 10      /* stored nodes in a chunk */
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

/* A level above the leaves: the children seen so far. */
struct level {
	struct casg_child *c;
	size_t n, cap;
};

struct casg_treew {
	struct casg_store *store;
	struct casg_packw *packw;
	struct casg_workers *pool;
	struct casg_coder **coders;
	int level;
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
	/* references of the pack under way */
	uint64_t **base;          /* [pack][chunk]: first reference + 1, or 0 */
	size_t nbase;
	uint32_t npacks_done;
	struct level level1;
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
	t->store = store;
	t->packw = packw;
	t->pool = pool;
	t->coders = coders;
	/* keys and numbers gain little from more: 2 % larger trees, but a faster import */
	t->level = level > 1 ? level - 1 : level;
	return t;
}

static void free_children(struct level *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free((char *)l->c[i].first);
		free((char *)l->c[i].last);
	}
	free(l->c);
	memset(l, 0, sizeof(*l));
}

static void free_base(struct casg_treew *t)
{
	for (size_t i = 0; i < t->nbase; i++)
		free(t->base[i]);
	free(t->base);
	t->base = NULL;
	t->nbase = 0;
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
	free_base(t);
	free_children(&t->level1);
	free(t);
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

/* ---- references -------------------------------------------------------- */

/* The number that stands for the sequence of entry i in the pack under way. */
static int assign_ref(struct casg_treew *t, const struct casg_loc *loc, uint64_t *ref,
		      struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(t->store, loc->pack);
	struct casg_idx_chunk ic;
	uint64_t base;
	int rc;

	if (casg_packw_npacks(t->packw) != t->npacks_done) {
		free_base(t);
		t->npacks_done = casg_packw_npacks(t->packw);
	}
	if (loc->pack >= t->nbase) {
		size_t n = casg_store_npacks(t->store);
		uint64_t **p = realloc(t->base, n * sizeof(*p));

		if (!p)
			return casg_err_nomem(err);
		memset(p + t->nbase, 0, (n - t->nbase) * sizeof(*p));
		t->base = p;
		t->nbase = n;
	}
	if (!t->base[loc->pack]) {
		t->base[loc->pack] = calloc(x->nchunks, sizeof(uint64_t));
		if (!t->base[loc->pack])
			return casg_err_nomem(err);
	}
	base = t->base[loc->pack][loc->chunk];
	if (!base) {
		rc = casg_packidx_chunk(x, loc->chunk, &ic, err);
		if (!rc)
			rc = casg_packw_ref(t->packw, &ic.id, ic.nmembers, &base, err);
		if (rc)
			return rc;
		t->base[loc->pack][loc->chunk] = ++base;
	}
	*ref = base - 1 + loc->member;
	return 0;
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
		char hex[CASG_OID_HEXSZ + 1];
		uint64_t nbytes;
		int rc;

		f->nbytes = casg_entry_nbytes(e);
		f->boundary = casg_node_boundary(0, e->key, e->klen, e->occurrence);
		casg_entry_hash(h, e, &f->hash);
		rc = casg_store_find(t->store, c, &e->oid, &f->loc, &nbytes, &err);
		if (!rc)
			rc = casg_err_set(&err, CASG_EABSENT,
					  "sequence %s of record '%.*s' is not in the store",
					  casg_oid_hex(&e->oid, hex), (int)e->klen, e->key);
		else if (rc > 0 && nbytes != e->length)
			rc = casg_err_set(&err, CASG_ECORRUPT,
					  "record '%.*s' says %llu residues where its sequence has %llu",
					  (int)e->klen, e->key, (unsigned long long)e->length,
					  (unsigned long long)nbytes);
		if (rc < 0)
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
		rc = casg_store_find_node(t->store, &s->id, &loc, &err);
		if (rc < 0)
			task_failed(t, &err);
		s->known = rc > 0;
	}
}

static int encode_nodes(struct casg_treew *t, struct casg_coder *c, struct group *g,
			struct casg_err *err)
{
	uint32_t n = 0;
	size_t *at = NULL;
	struct casg_slice *m = NULL;
	struct casg_buf col[CASG_COLUMNS] = { CASG_BUF_INIT };
	int rc = 0;

	for (uint32_t k = g->start; k < g->end; k++)
		n += !t->spans[k].known;
	at = malloc(((size_t)n + 1) * CASG_COLUMNS * sizeof(*at));
	m = malloc((size_t)n * CASG_COLUMNS * sizeof(*m) + 1);
	if (!at || !m) {
		rc = casg_err_nomem(err);
		goto out;
	}
	n = 0;
	for (uint32_t k = g->start; k < g->end; k++) {
		struct span *s = &t->spans[k];

		if (s->known)
			continue;
		for (int j = 0; j < CASG_COLUMNS; j++)
			at[n * CASG_COLUMNS + j] = col[j].len;
		casg_leaf_store(t->e + s->start, s->end - s->start, col);
		n++;
	}
	for (int j = 0; j < CASG_COLUMNS; j++) {
		at[n * CASG_COLUMNS + j] = col[j].len;
		rc = rc ? rc : casg_buf_check(&col[j], err);
	}
	for (uint32_t i = 0; i < n * CASG_COLUMNS && !rc; i++) {
		m[i].p = col[i % CASG_COLUMNS].data + at[i];
		m[i].nbytes = at[i + CASG_COLUMNS] - at[i];
	}
	casg_buf_reset(&g->out);
	if (!rc)
		rc = casg_chunk_encode_nodes(c, CASG_LAYOUT_COLUMNS, t->level, m, n, &g->out, &g->id, err);
out:
	for (int j = 0; j < CASG_COLUMNS; j++)
		casg_buf_release(&col[j]);
	free(at);
	free(m);
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

static char *copy_key(const char *p, size_t n)
{
	char *q = malloc(n + 1);

	if (q)
		memcpy(q, p, n);
	return q;
}

static int push_child(struct level *l, const char *first, size_t first_len,
		      uint32_t first_occ, const char *last, size_t last_len,
		      uint32_t last_occ, uint64_t count, const struct casg_oid *id,
		      struct casg_err *err)
{
	struct casg_child *c;

	if (CASG_GROW(l->c, l->n + 1, l->cap))
		return casg_err_nomem(err);
	c = &l->c[l->n];
	c->first = copy_key(first, first_len);
	c->last = copy_key(last, last_len);
	if (!c->first || !c->last) {
		free((char *)c->first);
		free((char *)c->last);
		return casg_err_nomem(err);
	}
	c->first_len = first_len;
	c->first_occurrence = first_occ;
	c->last_len = last_len;
	c->last_occurrence = last_occ;
	c->count = count;
	c->id = *id;
	l->n++;
	return 0;
}

static int spans_to_children(struct casg_treew *t, struct casg_err *err)
{
	for (size_t k = 0; k < t->nspans; k++) {
		const struct span *s = &t->spans[k];
		const struct casg_entry *a = &t->e[s->start], *b = &t->e[s->end - 1];
		int rc = push_child(&t->level1, a->key, a->klen, a->occurrence, b->key,
				    b->klen, b->occurrence, s->end - s->start, &s->id, err);

		if (rc)
			return rc;
		t->stats.nnodes++;
		t->stats.nnodes_new += !s->known;
	}
	return 0;
}

/* Group the new nodes into chunks of about CHUNK_NBYTES, by counted bytes. */
static int group_spans(struct casg_treew *t, struct casg_err *err)
{
	uint64_t nbytes = 0;
	uint32_t start = 0, nnew = 0;

	t->ngroups = 0;
	for (uint32_t k = 0; k <= t->nspans; k++) {
		if (nnew && (k == t->nspans || nbytes >= CHUNK_NBYTES)) {
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
		rc = casg_packw_add(t->packw, q->out.data, q->out.len, &q->id, ids, err);
	}
	free(ids);
	return rc;
}

static int assign_refs(struct casg_treew *t, struct casg_err *err)
{
	/* counted before references exist: closing the pack would drop them */
	int rc = casg_packw_room(t->packw, BLOCK_NBYTES / 8, 0, err);

	for (size_t k = 0; k < t->nspans && !rc; k++)
		for (uint32_t i = t->spans[k].start;
		     i < t->spans[k].end && !t->spans[k].known && !rc; i++)
			rc = assign_ref(t, &t->info[i].loc, &t->e[i].ref, err);
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
		rc = assign_refs(t, err);
	if (!rc)
		rc = group_spans(t, err);
	if (rc)
		return rc;
	casg_workers_run(t->pool, t->ngroups, group_task, t);
	rc = after_tasks(t, err);
	if (!rc)
		rc = write_groups(t, err);
	if (!rc)
		rc = spans_to_children(t, err);
	return rc ? rc : carry_over(t, rest, err);
}

static int store_long_desc(struct casg_treew *t, struct casg_entry *e,
			   struct casg_err *err)
{
	struct casg_blobw *b = casg_blobw_new(t->packw, t->store, t->coders[0], t->level, err);
	int rc = b ? casg_blobw_add(b, e->desc, (size_t)e->dlen, err) : CASG_ENOMEM;

	if (rc) {
		casg_blobw_free(b);
		return rc;
	}
	return casg_blobw_finish(b, &e->desc_blob, err);
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
	if (e.dlen > CASG_DESC_INLINE) {
		rc = store_long_desc(t, &e, err);
		if (rc)
			return rc;
		e.desc = NULL;
	}
	e.key = (const char *)(uintptr_t)t->text.len;
	casg_buf_add(&t->text, in->key, in->klen);
	if (e.desc)
		casg_buf_add(&t->text, in->desc, (size_t)in->dlen);
	t->e[t->n++] = e;
	t->stats.nrecords++;
	t->stats.nresidues += e.length;
	return t->text.failed ? casg_err_nomem(err) : 0;
}

/* ---- the levels above -------------------------------------------------- */

/* Write one interior node as a member of the chunk being gathered. */
struct gather {
	struct casg_buf col[CASG_COLUMNS];
	struct casg_slice *m;
	size_t n, cap_m;
	struct casg_objinfo *ids;
	size_t cap_ids;
};

static int flush_gather(struct casg_treew *t, struct gather *g, struct casg_err *err)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_oid id;
	int rc = 0;

	if (!g->n)
		return 0;
	for (int j = 0; j < CASG_COLUMNS; j++)
		rc = rc ? rc : casg_buf_check(&g->col[j], err);
	/* slices were kept as offsets while the columns grew */
	for (size_t i = 0; i < g->n * CASG_COLUMNS; i++)
		g->m[i].p = g->col[i % CASG_COLUMNS].data + (uintptr_t)g->m[i].p;
	if (!rc)
		rc = casg_chunk_encode_nodes(t->coders[0], CASG_LAYOUT_COLUMNS, t->level, g->m, (uint32_t)g->n,
					     &out, &id, err);
	if (!rc)
		rc = casg_packw_room(t->packw, out.len, 0, err);
	if (!rc)
		rc = casg_packw_add(t->packw, out.data, out.len, &id, g->ids, err);
	casg_buf_release(&out);
	for (int j = 0; j < CASG_COLUMNS; j++)
		casg_buf_reset(&g->col[j]);
	g->n = 0;
	return rc;
}

static int write_interior(struct casg_treew *t, struct gather *g, int level,
			  const struct casg_child *c, uint32_t count, struct level *up,
			  struct casg_err *err)
{
	struct casg_hasher *h = casg_coder_hasher(t->coders[0]);
	struct casg_oid hashes[CASG_NODE_MAX], id;
	struct casg_loc loc;
	uint64_t records = 0;
	int rc;

	for (uint32_t i = 0; i < count; i++) {
		casg_child_hash(h, &c[i], &hashes[i]);
		records += c[i].count;
	}
	casg_node_id(h, CASG_NODE_KIND_RECORD, level, count, hashes, &id);
	t->stats.nnodes++;
	rc = casg_store_find_node(t->store, &id, &loc, err);
	if (rc < 0)
		return rc;
	if (!rc) {
		size_t at[CASG_COLUMNS];

		t->stats.nnodes_new++;
		if (CASG_GROW(g->m, (g->n + 1) * CASG_COLUMNS, g->cap_m) ||
		    CASG_GROW(g->ids, g->n + 1, g->cap_ids))
			return casg_err_nomem(err);
		for (int j = 0; j < CASG_COLUMNS; j++)
			at[j] = g->col[j].len;
		casg_interior_store(level, c, count, g->col);
		for (int j = 0; j < CASG_COLUMNS; j++) {
			struct casg_slice *s = &g->m[g->n * CASG_COLUMNS + j];

			s->p = (const void *)(uintptr_t)at[j];
			s->nbytes = g->col[j].len - at[j];
		}
		g->ids[g->n++].id = id;
		if (g->col[1].len + g->col[3].len > CHUNK_NBYTES) {
			rc = flush_gather(t, g, err);
			if (rc)
				return rc;
		}
	}
	return push_child(up, c[0].first, c[0].first_len, c[0].first_occurrence,
			  c[count - 1].last, c[count - 1].last_len,
			  c[count - 1].last_occurrence, records, &id, err);
}

static int build_level(struct casg_treew *t, struct gather *g, int level,
		       const struct level *from, struct level *up, struct casg_err *err)
{
	struct casg_cutter cut = { 0, 0 };
	size_t start = 0;
	int rc = 0;

	for (size_t i = 0; i < from->n && !rc; i++) {
		const struct casg_child *c = &from->c[i];
		int b = casg_node_boundary(level, c->last, c->last_len, c->last_occurrence);
		int after;

		if (casg_cutter_feed(&cut, casg_child_nbytes(c), b, &after)) {
			rc = write_interior(t, g, level, from->c + start,
					    (uint32_t)(i - start), up, err);
			start = i;
		}
		if (after && !rc) {
			rc = write_interior(t, g, level, from->c + start,
					    (uint32_t)(i + 1 - start), up, err);
			start = i + 1;
		}
	}
	if (!rc && start < from->n)
		rc = write_interior(t, g, level, from->c + start,
				    (uint32_t)(from->n - start), up, err);
	return rc;
}

/* The tree of nothing: one leaf without entries. */
static int write_empty(struct casg_treew *t, struct gather *g, struct casg_err *err)
{
	struct casg_loc loc;
	struct casg_oid id;
	int rc;

	casg_node_id(casg_coder_hasher(t->coders[0]), CASG_NODE_KIND_RECORD, 0, 0, NULL, &id);
	t->stats.root = id;
	t->stats.nnodes = 1;
	rc = casg_store_find_node(t->store, &id, &loc, err);
	if (rc)
		return rc < 0 ? rc : 0;
	t->stats.nnodes_new = 1;
	if (CASG_GROW(g->m, CASG_COLUMNS, g->cap_m) || CASG_GROW(g->ids, 1, g->cap_ids))
		return casg_err_nomem(err);
	casg_leaf_store(NULL, 0, g->col);
	for (int j = 0; j < CASG_COLUMNS; j++) {
		casg_buf_grow(&g->col[j], 1);
		g->m[j].p = NULL;
		g->m[j].nbytes = g->col[j].len;
	}
	g->ids[0].id = id;
	g->n = 1;
	return flush_gather(t, g, err);
}

int casg_treew_finish(struct casg_treew *t, struct casg_tree_stats *out,
		      struct casg_err *err)
{
	struct gather g = { .n = 0 };
	struct level from, up;
	int rc = flush_block(t, 1, err);
	int level = 1;

	if (!rc && !t->stats.nrecords)
		rc = write_empty(t, &g, err);
	from = t->level1;
	memset(&t->level1, 0, sizeof(t->level1));
	while (!rc && from.n > 1) {
		memset(&up, 0, sizeof(up));
		rc = build_level(t, &g, level++, &from, &up, err);
		free_children(&from);
		from = up;
	}
	if (!rc)
		rc = flush_gather(t, &g, err);
	if (!rc && from.n)
		t->stats.root = from.c[0].id;
	free_children(&from);
	for (int j = 0; j < CASG_COLUMNS; j++)
		casg_buf_release(&g.col[j]);
	free(g.m);
	free(g.ids);
	*out = t->stats;
	return rc;
}
