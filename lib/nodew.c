#include "nodew.h"

#include <stdlib.h>

#include "array.h"

/* ---- children ---------------------------------------------------------- */

static char *copy_key(const char *p, size_t n)
{
	char *q = malloc(n + 1);

	if (q)
		memcpy(q, p, n);
	return q;
}

int casg_children_push(struct casg_children *l, const struct casg_child *in,
		       struct casg_err *err)
{
	struct casg_child c = *in;

	if (CASG_GROW(l->c, l->n + 1, l->cap))
		return casg_err_nomem(err);
	c.first = copy_key(in->first, in->first_len);
	c.last = copy_key(in->last, in->last_len);
	if (!c.first || !c.last) {
		free((char *)c.first);
		free((char *)c.last);
		return casg_err_nomem(err);
	}
	l->c[l->n++] = c;
	return 0;
}

void casg_children_release(struct casg_children *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free((char *)l->c[i].first);
		free((char *)l->c[i].last);
	}
	free(l->c);
	memset(l, 0, sizeof(*l));
}

/* ---- references -------------------------------------------------------- */

void casg_noderefs_release(struct casg_noderefs *r)
{
	for (size_t i = 0; i < r->nbase; i++)
		free(r->base[i]);
	free(r->base);
	memset(r, 0, sizeof(*r));
}

/* Room for the chunks of that pack. */
static int refs_of_pack(struct casg_noderefs *r, struct casg_store *store, uint32_t pack,
			struct casg_err *err)
{
	if (pack >= casg_store_npacks(store))
		return casg_err_set(err, CASG_EBUG, "a leaf names a place of another store");
	if (pack >= r->nbase) {
		size_t n = casg_store_npacks(store);
		uint64_t **p = realloc(r->base, n * sizeof(*p));

		if (!p)
			return casg_err_nomem(err);
		memset(p + r->nbase, 0, (n - r->nbase) * sizeof(*p));
		r->base = p;
		r->nbase = n;
	}
	if (!r->base[pack])
		r->base[pack] = calloc(casg_store_idx(store, pack)->nchunks, sizeof(uint64_t));
	return r->base[pack] ? 0 : casg_err_nomem(err);
}

int casg_noderefs_get(struct casg_noderefs *r, struct casg_store *store,
		      struct casg_packw *packw, const struct casg_loc *loc,
		      uint64_t *ref_out, struct casg_err *err)
{
	struct casg_idx_chunk ic;
	uint64_t base;
	int rc;

	if (casg_packw_npacks(packw) != r->npacks_done) {
		casg_noderefs_release(r);
		r->npacks_done = casg_packw_npacks(packw);
	}
	rc = refs_of_pack(r, store, loc->pack, err);
	if (rc)
		return rc;
	base = r->base[loc->pack][loc->chunk];
	if (!base) {
		rc = casg_packidx_chunk(casg_store_idx(store, loc->pack), loc->chunk, &ic, err);
		if (!rc)
			rc = casg_packw_ref(packw, &ic.id, ic.nmembers, &base, err);
		if (rc)
			return rc;
		r->base[loc->pack][loc->chunk] = ++base;
	}
	*ref_out = base - 1 + loc->member;
	return 0;
}

/* ---- nodes of one chunk ------------------------------------------------ */

static int batch_room(struct casg_nodebatch *b, struct casg_err *err)
{
	return CASG_GROW(b->at, (b->n + 1) * CASG_COLUMNS, b->cap_at) ||
	       CASG_GROW(b->ids, b->n + 1, b->cap_ids) ? casg_err_nomem(err) : 0;
}

/* The columns of a node were appended. */
static int batch_note(struct casg_nodebatch *b, const struct casg_oid *id,
		      struct casg_err *err)
{
	int rc = 0;

	for (int j = 0; j < CASG_COLUMNS; j++) {
		b->at[b->n * CASG_COLUMNS + (size_t)j] = b->col[j].len;
		rc = rc ? rc : casg_buf_check(&b->col[j], err);
	}
	b->ids[b->n++].id = *id;
	return rc;
}

/* Does any of the bases go by its id? */
static int layout_for(const struct casg_bases *bases)
{
	for (int i = 0; bases && i < bases->n; i++)
		if (bases->b[i].name.number == CASG_NO_NUMBER)
			return CASG_LAYOUT_LINKED_OUT;
	return CASG_LAYOUT_LINKED;
}

/*
 * The node is in col from at[] on, plain, and in tmp linked: keep the smaller.
 */
static void keep_smaller(struct casg_nodebatch *b, const size_t at[CASG_COLUMNS], int layout)
{
	size_t plain = 0, linked = 0;

	for (int j = 0; j < CASG_COLUMNS; j++) {
		plain += b->col[j].len - at[j];
		linked += b->tmp[j].len;
		b->col[j].failed |= b->tmp[j].failed;
	}
	if (linked >= plain)
		return;
	for (int j = 0; j < CASG_COLUMNS; j++) {
		b->col[j].len = at[j];
		casg_buf_add(&b->col[j], b->tmp[j].data, b->tmp[j].len);
	}
	if (layout > b->layout)
		b->layout = layout;
}

static void begin_both(struct casg_nodebatch *b, size_t at[CASG_COLUMNS])
{
	for (int j = 0; j < CASG_COLUMNS; j++) {
		at[j] = b->col[j].len;
		casg_buf_reset(&b->tmp[j]);
	}
}

int casg_nodebatch_leaf(struct casg_nodebatch *b, const struct casg_oid *id,
			const struct casg_entry *e, uint32_t count, struct casg_err *err)
{
	int rc = batch_room(b, err);

	if (rc)
		return rc;
	casg_leaf_store(e, count, b->col);
	return batch_note(b, id, err);
}

int casg_nodebatch_linked_leaf(struct casg_nodebatch *b, const struct casg_oid *id,
			       const struct casg_entry *e, const struct casg_loc *locs,
			       uint32_t count, uint32_t own, const struct casg_bases *bases,
			       struct casg_err *err)
{
	int rc = batch_room(b, err), layout = layout_for(bases);

	if (rc)
		return rc;
	casg_leaf_store_linked(e, locs, count, own, bases->b, bases->n, b->col);
	if (layout > b->layout)
		b->layout = layout;
	return batch_note(b, id, err);
}

int casg_nodebatch_interior(struct casg_nodebatch *b, const struct casg_oid *id, int level,
			    const struct casg_child *c, const uint32_t *numbers,
			    uint32_t count, uint32_t own, const struct casg_bases *bases,
			    struct casg_err *err)
{
	size_t at[CASG_COLUMNS];
	int rc = batch_room(b, err);

	if (rc)
		return rc;
	begin_both(b, at);
	casg_interior_store(level, c, count, b->col);
	casg_interior_store_linked(level, c, numbers, count, own, bases ? bases->b : NULL,
				   bases ? bases->n : 0, b->tmp);
	keep_smaller(b, at, layout_for(bases));
	return batch_note(b, id, err);
}

size_t casg_nodebatch_nbytes(const struct casg_nodebatch *b)
{
	size_t n = 0;

	for (int j = 0; j < CASG_COLUMNS; j++)
		n += b->col[j].len;
	return n;
}

int casg_nodebatch_encode(const struct casg_nodebatch *b, struct casg_coder *c, int zlevel,
			  struct casg_buf *out, struct casg_oid *chunk_id,
			  struct casg_err *err)
{
	size_t n = b->n * CASG_COLUMNS;
	struct casg_slice *m = malloc(n * sizeof(*m) + 1);
	int rc;

	if (!m)
		return casg_err_nomem(err);
	for (size_t i = 0; i < n; i++) {
		size_t from = i < CASG_COLUMNS ? 0 : b->at[i - CASG_COLUMNS];
		const uint8_t *p = b->col[i % CASG_COLUMNS].data;

		/* a column may be empty throughout */
		m[i].p = p ? p + from : (const uint8_t *)"";
		m[i].nbytes = b->at[i] - from;
	}
	rc = casg_chunk_encode_nodes(c, b->layout ? b->layout : CASG_LAYOUT_COLUMNS, zlevel, m, (uint32_t)b->n, out,
				     chunk_id, err);
	free(m);
	return rc;
}

void casg_nodebatch_reset(struct casg_nodebatch *b)
{
	for (int j = 0; j < CASG_COLUMNS; j++)
		casg_buf_reset(&b->col[j]);
	b->n = 0;
	b->layout = 0;
}

void casg_nodebatch_release(struct casg_nodebatch *b)
{
	for (int j = 0; j < CASG_COLUMNS; j++) {
		casg_buf_release(&b->col[j]);
		casg_buf_release(&b->tmp[j]);
	}
	free(b->at);
	free(b->ids);
	memset(b, 0, sizeof(*b));
}

/* ---- one node after the other ------------------------------------------ */

void casg_nodew_init(struct casg_nodew *w, struct casg_store *store,
		     struct casg_packw *packw, struct casg_coder *coder, int zlevel)
{
	memset(w, 0, sizeof(*w));
	w->store = store;
	w->packw = packw;
	w->coder = coder;
	/* keys and numbers gain little from more: 2 % larger trees, but a faster import */
	w->zlevel = zlevel > 1 ? zlevel - 1 : zlevel;
}

void casg_nodew_release(struct casg_nodew *w)
{
	casg_noderefs_release(&w->refs);
	casg_nodebatch_release(&w->batch);
	casg_nodes_free(w->written);
	free(w->chains);
}

int casg_nodew_find_sequence(struct casg_store *store, struct casg_coder *coder,
			     const struct casg_entry *e, struct casg_loc *loc_out,
			     struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];
	uint64_t nbytes;
	int rc = casg_store_find(store, coder, &e->oid, loc_out, &nbytes, err);

	if (!rc)
		return casg_err_set(err, CASG_EABSENT,
				    "sequence %s of record '%.*s' is not in the store",
				    casg_oid_hex(&e->oid, hex), (int)e->klen, e->key);
	if (rc > 0 && nbytes != e->length)
		return casg_err_set(err, CASG_ECORRUPT,
				    "record '%.*s' says %llu residues where its sequence has %llu",
				    (int)e->klen, e->key, (unsigned long long)e->length,
				    (unsigned long long)nbytes);
	return rc < 0 ? rc : 0;
}

int casg_nodew_flush(struct casg_nodew *w, struct casg_err *err)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_oid id;
	int rc;

	if (!w->batch.n)
		return 0;
	rc = casg_nodebatch_encode(&w->batch, w->coder, w->zlevel, &out, &id, err);
	if (!rc)
		rc = casg_packw_add(w->packw, out.data, out.len, &id, w->batch.ids, err);
	casg_buf_release(&out);
	casg_nodebatch_reset(&w->batch);
	return rc;
}

/*
 * Room in the batch and in the pack.  The pack makes room when a batch begins:
 * from then on leaves hold its references.
 */
static int make_room(struct casg_nodew *w, struct casg_err *err)
{
	int rc = 0;

	if (casg_nodebatch_nbytes(&w->batch) >= CASG_NODE_CHUNK_NBYTES)
		rc = casg_nodew_flush(w, err);
	if (!rc && !w->batch.n)
		rc = casg_packw_room(w->packw, 2 * CASG_NODE_CHUNK_NBYTES, 0, err);
	return rc;
}

/* Is it to be written?  1, and there is room, 0, or negative. */
static int begin_node(struct casg_nodew *w, const struct casg_oid *id, struct casg_err *err)
{
	struct casg_loc loc;
	int rc = casg_store_find_node(w->store, id, &loc, err);

	w->nnodes++;
	if (rc)
		return rc < 0 ? rc : 0;
	w->nnodes_new++;
	rc = make_room(w, err);
	return rc ? rc : 1;
}

/* The number that the node gathered next will have. */
static uint32_t next_number(const struct casg_nodew *w)
{
	return casg_packw_nnodes(w->packw) + (uint32_t)w->batch.n;
}

/* Bases in the pack under way go by their number. */
static int name_bases(struct casg_nodew *w, struct casg_bases *bases, struct casg_err *err)
{
	for (int i = 0; i < bases->n; i++) {
		int rc = casg_packw_find_node(w->packw, &bases->id[i],
					      &bases->b[i].name.number, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The chain below a base, by the way it is stored here. */
static int base_chain(struct casg_nodew *w, const struct casg_nodelink_base *b,
		      struct casg_nodechain *out, struct casg_err *err)
{
	const struct casg_tnode *t;
	int rc;

	if (b->name.number != CASG_NO_NUMBER) {
		*out = w->chains[b->name.number];
		return 0;
	}
	if (!w->written)
		w->written = casg_nodes_new(w->store, w->coder);
	if (!w->written)
		return casg_err_nomem(err);
	rc = casg_nodes_get(w->written, &b->name.id, &t, err);
	if (!rc)
		*out = (struct casg_nodechain){ (uint16_t)t->depth, (uint16_t)t->weight };
	casg_nodes_put(w->written, t);
	return rc;
}

/*
 * A tree that is written anew shares nodes with others that were: how long the
 * chain of a node has become is not known from what version it is of.
 */
static int bound_chain(struct casg_nodew *w, struct casg_bases *bases, struct casg_err *err)
{
	struct casg_nodechain self = { 0, 1 }, c = { 0, 1 };
	uint32_t number = next_number(w);
	int rc = 0;

	if (!w->base_apart)
		return 0;
	for (int i = 0; i < bases->n && !rc; i++) {
		rc = base_chain(w, &bases->b[i], &c, err);
		if (rc)
			return rc;
		self.weight = (uint16_t)(self.weight + c.weight);
		if (c.depth >= self.depth)
			self.depth = (uint16_t)(c.depth + 1);
		if (self.depth > CASG_NODELINK_DEPTH || self.weight > CASG_NODES_WEIGHT) {
			bases->n = 0;
			self = (struct casg_nodechain){ 0, 1 };
		}
	}
	if (CASG_GROW(w->chains, (size_t)number + 1, w->cap_chains))
		return casg_err_nomem(err);
	w->chains[number] = self;
	return 0;
}

static int find_bases(struct casg_nodew *w, int level, const struct casg_child *range,
		      struct casg_bases *out, struct casg_err *err)
{
	int rc = 0;

	out->n = 0;
	if (w->base)
		rc = casg_nodebase_find(w->base, level, range->first, range->first_len,
					range->first_occurrence, range->last, range->last_len,
					range->last_occurrence, out, &w->base_err);
	if (rc == CASG_ENOMEM)
		return casg_err_nomem(err);
	if (rc) {
		/* what is new can be stored whole whatever the old tree is like */
		w->base = NULL;
		out->n = 0;
	}
	rc = name_bases(w, out, err);
	return rc ? rc : bound_chain(w, out, err);
}

/* Entries first to last of a leaf, as its parent has them. */
static struct casg_child leaf_range(const struct casg_entry *e, uint32_t count)
{
	return (struct casg_child){
		.first = e[0].key, .first_len = e[0].klen, .first_occurrence = e[0].occurrence,
		.last = e[count - 1].key, .last_len = e[count - 1].klen,
		.last_occurrence = e[count - 1].occurrence, .count = count,
	};
}

/* There is room for it in batch and pack. */
static int put_leaf(struct casg_nodew *w, const struct casg_oid *id, struct casg_entry *e,
		    const struct casg_loc *locs, uint32_t count, struct casg_err *err)
{
	uint8_t need[CASG_NODE_MAX];
	struct casg_bases bases = { .n = 0 };
	struct casg_child range;
	int rc = 0;

	memset(need, 1, sizeof(need));
	if (count) {
		range = leaf_range(e, count);
		rc = find_bases(w, 0, &range, &bases, err);
	} else {
		rc = bound_chain(w, &bases, err);
	}
	if (!rc && bases.n)
		casg_leaf_link_needs(e, locs, count, bases.b, bases.n, need);
	for (uint32_t i = 0; i < count && !rc; i++) {
		e[i].ref = 0;
		if (need[i])
			rc = casg_noderefs_get(&w->refs, w->store, w->packw, &locs[i],
					       &e[i].ref, err);
	}
	if (!rc && bases.n)
		return casg_nodebatch_linked_leaf(&w->batch, id, e, locs, count,
						  next_number(w), &bases, err);
	return rc ? rc : casg_nodebatch_leaf(&w->batch, id, e, count, err);
}

int casg_nodew_new_leaf(struct casg_nodew *w, const struct casg_oid *id,
			struct casg_entry *e, const struct casg_loc *locs,
			uint32_t count, struct casg_err *err)
{
	int rc = make_room(w, err);

	return rc ? rc : put_leaf(w, id, e, locs, count, err);
}

int casg_nodew_leaf(struct casg_nodew *w, struct casg_entry *e, const struct casg_loc *locs,
		    const struct casg_oid *hashes, uint32_t count,
		    struct casg_children *up, struct casg_err *err)
{
	struct casg_child c = { .count = 0 };
	struct casg_oid id;
	int rc;

	casg_node_id(casg_coder_hasher(w->coder), CASG_NODE_KIND_RECORD, 0, count, hashes, &id);
	rc = begin_node(w, &id, err);
	if (rc > 0)
		rc = put_leaf(w, &id, e, locs, count, err);
	if (rc || !up)
		return rc;
	c = leaf_range(e, count);
	c.id = id;
	return casg_children_push(up, &c, err);
}

static int put_interior(struct casg_nodew *w, int level, const struct casg_child *self,
			const struct casg_child *c, uint32_t count, struct casg_err *err)
{
	uint32_t numbers[CASG_NODE_MAX];
	struct casg_bases bases;
	int rc = find_bases(w, level, self, &bases, err);

	for (uint32_t i = 0; i < count && !rc; i++) {
		numbers[i] = CASG_NO_NUMBER;
		rc = casg_packw_find_node(w->packw, &c[i].id, &numbers[i], err);
		rc = rc < 0 ? rc : 0;
	}
	return rc ? rc : casg_nodebatch_interior(&w->batch, &self->id, level, c, numbers, count,
						 next_number(w), &bases, err);
}

int casg_nodew_interior(struct casg_nodew *w, int level, const struct casg_child *c,
			uint32_t count, struct casg_children *up, struct casg_err *err)
{
	struct casg_hasher *h = casg_coder_hasher(w->coder);
	struct casg_oid hashes[CASG_NODE_MAX];
	struct casg_child p = c[0];
	int rc;

	p.count = 0;
	for (uint32_t i = 0; i < count; i++) {
		casg_child_hash(h, &c[i], &hashes[i]);
		p.count += c[i].count;
	}
	p.last = c[count - 1].last;
	p.last_len = c[count - 1].last_len;
	p.last_occurrence = c[count - 1].last_occurrence;
	casg_node_id(h, CASG_NODE_KIND_RECORD, level, count, hashes, &p.id);
	rc = begin_node(w, &p.id, err);
	if (rc > 0)
		rc = put_interior(w, level, &p, c, count, err);
	return rc || !up ? rc : casg_children_push(up, &p, err);
}

int casg_nodew_description(struct casg_nodew *w, struct casg_entry *e, struct casg_err *err)
{
	struct casg_blobw *b;
	int rc;

	if (e->dlen <= CASG_DESC_INLINE || !e->desc)
		return 0;
	rc = casg_nodew_flush(w, err);
	if (rc)
		return rc;
	b = casg_blobw_new(w->packw, w->store, w->coder, w->zlevel, err);
	rc = b ? casg_blobw_add(b, e->desc, (size_t)e->dlen, err) : CASG_ENOMEM;
	if (rc) {
		casg_blobw_free(b);
		return rc;
	}
	e->desc = NULL;
	return casg_blobw_finish(b, &e->desc_blob, err);
}

static int build_level(struct casg_nodew *w, int level, const struct casg_children *from,
		       struct casg_children *up, struct casg_err *err)
{
	struct casg_cutter cut = { 0, 0 };
	size_t start = 0;
	int rc = 0;

	for (size_t i = 0; i < from->n && !rc; i++) {
		const struct casg_child *c = &from->c[i];
		int b = casg_node_boundary(level, c->last, c->last_len, c->last_occurrence);
		int after;

		if (casg_cutter_feed(&cut, casg_child_nbytes(c), b, &after)) {
			rc = casg_nodew_interior(w, level, from->c + start,
						 (uint32_t)(i - start), up, err);
			start = i;
		}
		if (after && !rc) {
			rc = casg_nodew_interior(w, level, from->c + start,
						 (uint32_t)(i + 1 - start), up, err);
			start = i + 1;
		}
	}
	if (!rc && start < from->n)
		rc = casg_nodew_interior(w, level, from->c + start,
					 (uint32_t)(from->n - start), up, err);
	return rc;
}

int casg_nodew_root(struct casg_nodew *w, int level, struct casg_children *from,
		    struct casg_oid *root_out, struct casg_err *err)
{
	int rc = 0;

	if (!from->n) {
		casg_node_id(casg_coder_hasher(w->coder), CASG_NODE_KIND_RECORD, 0, 0, NULL,
			     root_out);
		return casg_nodew_leaf(w, NULL, NULL, NULL, 0, NULL, err);
	}
	while (!rc && from->n > 1) {
		struct casg_children up = { 0 };

		/* what is flushed can be named by number */
		rc = casg_nodew_flush(w, err);
		if (!rc)
			rc = build_level(w, level++, from, &up, err);
		casg_children_release(from);
		*from = up;
	}
	if (!rc)
		*root_out = from->c[0].id;
	casg_children_release(from);
	return rc;
}
