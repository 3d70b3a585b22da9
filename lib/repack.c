#include "repack.h"

#include <stdlib.h>

#include "array.h"
#include "nodes.h"
#include "nodew.h"
#include "orderbase.h"
#include "orderdelta.h"
#include "reach.h"
#include "treer.h"

/* Members that are gathered for one chunk. */
struct gather {
	struct casg_buf bytes;
	size_t *end;
	struct casg_objinfo *info;
	size_t n, cap_end, cap_info;
};

struct repack {
	const struct casg_repack *r;
	struct casg_coder *coder;
	struct casg_packer *packer;
	struct casg_repackplan *plan;
	uint32_t pass;               /* of the plan: the one under way */
	struct casg_nodes *nodes;    /* of 'from' */
	struct casg_nodew nodew;     /* to 'to' */
	struct casg_loc ***places;   /* [pack][chunk][member] of 'from': in 'to' */
	uint32_t npacks;
	/* the version under way: nodes to be written, a level each */
	struct level {
		struct casg_oid *id;
		size_t n, cap;
	} level[CASG_NODE_LEVEL_MAX + 1];
	int nlevels;
	struct gather blobs, orders;
	/* the leaf under way */
	struct casg_entry *e;
	size_t cap_e;
	struct casg_loc to_locs[CASG_NODE_MAX];
};

enum {
	SMALL_BLOB = 256 << 10,   /* blobs up to here are compressed together, */
	TOGETHER = 4 << 20        /* so many bytes of them */
};

/* ---- objects ----------------------------------------------------------- */

static int ignore_record(void *ctx, const uint8_t *tag, size_t tag_nbytes,
			 const struct casg_oid *id, uint64_t nresidues, struct casg_err *err)
{
	(void)ctx;
	(void)tag;
	(void)tag_nbytes;
	(void)id;
	(void)nresidues;
	(void)err;
	return 0;
}

static int add_whole(struct repack *p, const struct casg_loc *loc, struct casg_err *err)
{
	struct casg_object o;
	struct casg_buf piece = CASG_BUF_INIT;
	int rc = casg_store_object(p->r->from, p->coder, loc, &o, err);

	for (size_t i = 0; i < o.npieces && !rc; i++) {
		casg_buf_reset(&piece);
		rc = casg_store_read(p->r->from, p->coder, &o.pieces[i], 0, UINT64_MAX, &piece,
				     NULL, err);
		if (!rc)
			rc = casg_packer_residues(p->packer, piece.data, piece.len, err);
	}
	casg_buf_release(&piece);
	casg_object_release(&o);
	return rc ? rc : casg_packer_end(p->packer, NULL, 0, err);
}

static int flush_gather(struct repack *p, struct gather *g, int kind, struct casg_err *err)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_slice *m = calloc(g->n + 1, sizeof(*m));
	struct casg_oid id;
	int rc = m ? casg_buf_check(&g->bytes, err) : casg_err_nomem(err);

	for (size_t i = 0; i < g->n && !rc; i++) {
		size_t from = i ? g->end[i - 1] : 0;

		m[i].p = g->bytes.data ? g->bytes.data + from : (const uint8_t *)"";
		m[i].nbytes = g->end[i] - from;
	}
	if (!rc && g->n) {
		rc = casg_chunk_encode(p->coder, kind, 0, p->r->packer.level, m, (uint32_t)g->n,
				       NULL, &out, &id, err);
		if (!rc)
			rc = casg_packw_room(p->r->packw, out.len, g->n, err);
		if (!rc)
			rc = casg_packw_add(p->r->packw, out.data, out.len, &id, g->info, err);
	}
	g->n = 0;
	casg_buf_reset(&g->bytes);
	casg_buf_release(&out);
	free(m);
	return rc;
}

/* What was appended to g->bytes is a member. */
static int add_gathered(struct repack *p, struct gather *g, int kind,
			const struct casg_objinfo *info, struct casg_err *err)
{
	if (CASG_GROW(g->end, g->n + 1, g->cap_end) || CASG_GROW(g->info, g->n + 1, g->cap_info))
		return casg_err_nomem(err);
	g->end[g->n] = g->bytes.len;
	g->info[g->n++] = *info;
	return g->bytes.len >= TOGETHER ? flush_gather(p, g, kind, err) : 0;
}

static int copy_blob(struct repack *p, const struct casg_loc *loc, struct casg_err *err)
{
	struct casg_objinfo info;
	struct casg_blobr *in = NULL;
	struct casg_blobw *out;
	const uint8_t *bytes;
	struct casg_oid id;
	size_t n;
	int rc = casg_store_info(p->r->from, p->coder, loc, &info, err);

	if (rc)
		return rc;
	if (info.nbytes <= SMALL_BLOB) {
		rc = casg_store_read(p->r->from, p->coder, loc, 0, UINT64_MAX,
				     &p->blobs.bytes, NULL, err);
		return rc ? rc : add_gathered(p, &p->blobs, CASG_CHUNK_BLOB, &info, err);
	}
	out = casg_blobw_new(p->r->packw, p->r->to, p->coder, p->r->packer.level, err);
	if (out)
		in = casg_blobr_open(p->r->from, p->coder, &info.id, err);
	rc = in ? 1 : CASG_ECORRUPT;
	while (rc > 0 && (rc = casg_blobr_next(in, &bytes, &n, err)) > 0) {
		rc = casg_blobw_add(out, bytes, n, err);
		rc = rc ? rc : 1;
	}
	casg_blobr_free(in);
	if (rc) {
		casg_blobw_free(out);
		return rc;
	}
	return casg_blobw_finish(out, &id, err);
}

/* The kind of what a list puts together, or the kind itself. */
static int kind_of(struct repack *p, const struct casg_loc *loc, int kind, int *out,
		   struct casg_err *err)
{
	struct casg_idx_chunk ic;
	struct casg_object o;
	int rc;

	*out = kind;
	if (kind != CASG_CHUNK_LIST)
		return 0;
	rc = casg_store_object(p->r->from, p->coder, loc, &o, err);
	if (!rc)
		rc = casg_packidx_chunk(casg_store_idx(p->r->from, o.pieces[0].pack),
					o.pieces[0].chunk, &ic, err);
	if (!rc)
		*out = ic.kind;
	casg_object_release(&o);
	return rc;
}

/* Is the object one of those to be taken now? */
static int is_wanted(const struct repack *p, const struct casg_marks *marks, uint32_t pack,
		     uint32_t object, int kind)
{
	return casg_marks_has(marks, pack, object) &&
	       (kind != CASG_CHUNK_SEQ ||
		casg_repackplan_pass(p->plan, pack, object) == p->pass);
}

static int add_members(struct repack *p, const struct casg_marks *marks,
		       struct casg_loc loc, const struct casg_idx_chunk *ic, int kind,
		       struct casg_err *err)
{
	const struct casg_chunk *ch;
	uint32_t first = 0;
	int k, rc;

	while (first < ic->nmembers && !is_wanted(p, marks, loc.pack, ic->first + first, kind))
		first++;
	if (first == ic->nmembers)
		return 0;
	rc = casg_store_get(p->r->from, p->coder, loc.pack, loc.chunk, &ch, err);
	if (rc)
		return rc;
	for (loc.member = first; loc.member < ic->nmembers && !rc; loc.member++) {
		if (!is_wanted(p, marks, loc.pack, ic->first + loc.member, kind))
			continue;
		if (kind == CASG_CHUNK_SEQ)
			casg_packer_group(p->packer,
					  casg_repackplan_group(p->plan, loc.pack,
								ic->first + loc.member));
		rc = kind_of(p, &loc, ic->kind, &k, err);
		if (rc || k != kind)
			continue;
		if (kind == CASG_CHUNK_BLOB) {
			rc = copy_blob(p, &loc, err);
		} else if (ic->kind == CASG_CHUNK_LIST) {
			rc = add_whole(p, &loc, err);
		} else {
			rc = casg_packer_residues(p->packer, ch->data + ch->offset[loc.member],
						  (size_t)casg_chunk_len(ch, loc.member), err);
			if (!rc)
				rc = casg_packer_end(p->packer, NULL, 0, err);
		}
	}
	casg_store_put(p->r->from, ch);
	return rc;
}

/* What is marked and of that kind (sequences or blobs), in the order it lies. */
static int add_objects(struct repack *p, const struct casg_marks *marks, int kind,
		       struct casg_err *err)
{
	struct casg_idx_chunk ic;
	int rc = 0;

	for (uint32_t pack = 0; pack < p->npacks && !rc; pack++) {
		struct casg_packidx *x = casg_store_idx(p->r->from, pack);

		for (uint32_t i = 0; i < x->nchunks && !rc; i++) {
			rc = casg_packidx_chunk(x, i, &ic, err);
			if (!rc && (ic.kind == kind || ic.kind == CASG_CHUNK_LIST))
				rc = add_members(p, marks, (struct casg_loc){ pack, i, 0 }, &ic,
						 kind, err);
		}
	}
	return rc;
}

static int find(struct repack *p, const struct casg_oid *id, struct casg_loc *out,
		struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];
	int rc = casg_store_find(p->r->from, p->coder, id, out, NULL, err);

	return rc > 0 ? 0 : rc < 0 ? rc :
	       casg_err_set(err, CASG_EABSENT, "object %s is in no pack here",
			    casg_oid_hex(id, hex));
}

static int write_objects(struct repack *p, struct casg_packer_stats *out,
			 struct casg_err *err)
{
	const struct casg_repack *r = p->r;
	struct casg_marks *marks = casg_marks_new(r->from, p->coder, err);
	uint32_t npasses = 0;
	int rc = marks ? 0 : CASG_ENOMEM;

	if (!rc) {
		p->plan = casg_repackplan_new(r->from, p->coder, &r->groups, err);
		rc = p->plan ? 0 : CASG_ENOMEM;
	}
	if (!rc) {
		casg_marks_sequences(marks);
		casg_marks_watch(marks, casg_repackplan_note, p->plan);
	}
	for (uint32_t i = 0; i < r->nversions && !rc; i++)
		rc = casg_marks_add(marks, &r->versions[i].roots, err);
	if (!rc)
		rc = casg_repackplan_settle(p->plan, casg_packer_batch(&r->packer), &npasses,
					    err);
	if (!rc) {
		p->packer = casg_packer_new(r->to, r->packw, r->pool, r->coders, &r->packer,
					    ignore_record, NULL, err);
		rc = p->packer ? 0 : CASG_ENOMEM;
	}
	for (p->pass = 0; p->pass < npasses && !rc; p->pass++)
		rc = add_objects(p, marks, CASG_CHUNK_SEQ, err);
	if (!rc)
		rc = casg_packer_finish(p->packer, out, err);
	casg_packer_free(p->packer);
	casg_repackplan_free(p->plan);
	if (!rc)
		rc = add_objects(p, marks, CASG_CHUNK_BLOB, err);
	if (!rc)
		rc = flush_gather(p, &p->blobs, CASG_CHUNK_BLOB, err);
	casg_marks_free(marks);
	return rc;
}

/* ---- orders ------------------------------------------------------------ */

/* All keys of a version. */
static int give_keys(struct repack *p, struct casg_orderbase *b, const struct casg_oid *records,
		     struct casg_err *err)
{
	struct casg_treer *t = casg_treer_open(p->r->from, p->coder, records, err);
	struct casg_entry e;
	uint32_t pack;
	int rc = t ? 1 : CASG_ECORRUPT;

	while (rc > 0 && (rc = casg_treer_next_raw(t, &e, &pack, err)) > 0) {
		rc = casg_orderbase_key(b, e.key, e.klen, e.occurrence, err);
		rc = rc ? rc : 1;
	}
	casg_treer_free(t);
	return rc;
}

/*
 * The order of a version as differences from that of 'after': gathered; 1, or
 * 0 when it is better stored whole.
 */
static int add_order_delta(struct repack *p, const struct casg_roots *v,
			   const struct casg_roots *after, struct casg_err *err)
{
	struct casg_orderbase *b = casg_orderbase_new(p->r->from, p->coder, &after->records,
						      &after->order, err);
	struct casg_buf whole = CASG_BUF_INIT;
	struct casg_objinfo info = { .id = v->order };
	int rc = b ? give_keys(p, b, &v->records, err) : CASG_ECORRUPT;

	if (!rc)
		rc = casg_store_read_id(p->r->from, p->coder, &v->order, CASG_CHUNK_RAW_MAX,
					&whole, err);
	info.nbytes = whole.len;
	/* chains are counted by versions here: those of 'from' do not matter */
	if (!rc)
		rc = casg_orderbase_delta(b, CASG_ORDERBASE_ANY, &v->order, whole.data,
					  whole.len, &p->orders.bytes, err);
	if (rc > 0) {
		rc = add_gathered(p, &p->orders, CASG_CHUNK_ORDER, &info, err);
		rc = rc ? rc : 1;
	}
	casg_orderbase_free(b);
	casg_buf_release(&whole);
	return rc;
}

/* The first version of the list with the same order. */
static uint32_t first_with_order(const struct casg_repack *r, uint32_t i)
{
	uint32_t k = 0;

	while (!casg_oid_eq(&r->versions[k].roots.order, &r->versions[i].roots.order))
		k++;
	return k;
}

static int copy_order(struct repack *p, const struct casg_oid *id, struct casg_err *err)
{
	struct casg_loc loc;
	int rc = find(p, id, &loc, err);

	return rc ? rc : copy_blob(p, &loc, err);
}

/* By the order of the version after it: 1; 0 when it is to be stored whole. */
static int link_order(struct repack *p, uint32_t i, uint8_t *depth, struct casg_err *err)
{
	const struct casg_repack *r = p->r;
	uint32_t after = r->versions[i].after;
	int rc;

	depth[i] = 0;
	if (after >= i || depth[after] >= CASG_ORDERDELTA_DEPTH)
		return 0;
	rc = add_order_delta(p, &r->versions[i].roots, &r->versions[after].roots, err);
	if (rc > 0)
		depth[i] = depth[after] + 1;
	return rc;
}

static int write_orders(struct repack *p, struct casg_err *err)
{
	const struct casg_repack *r = p->r;
	uint8_t *depth = calloc((size_t)r->nversions + 1, 1);
	int rc = depth ? 0 : casg_err_nomem(err);

	for (uint32_t i = 0; i < r->nversions && rc >= 0; i++) {
		uint32_t first = first_with_order(r, i);

		if (first < i) {
			depth[i] = depth[first];
			continue;
		}
		rc = link_order(p, i, depth, err);
		if (!rc)
			rc = copy_order(p, &r->versions[i].roots.order, err);
	}
	if (rc >= 0)
		rc = flush_gather(p, &p->blobs, CASG_CHUNK_BLOB, err);
	if (!rc)
		rc = flush_gather(p, &p->orders, CASG_CHUNK_ORDER, err);
	free(depth);
	return rc;
}

/* ---- trees ------------------------------------------------------------- */

/* Is the node written?  Then all below it is. */
static int is_written(struct repack *p, const struct casg_oid *id, struct casg_err *err)
{
	struct casg_loc loc;
	uint32_t number;
	int rc = casg_packw_find_node(p->r->packw, id, &number, err);

	return rc ? rc : casg_store_find_node(p->r->to, id, &loc, err);
}

static int list_node(void *ctx, const struct casg_oid *id, const struct casg_loc *loc,
		     int level, struct casg_err *err)
{
	struct repack *p = ctx;
	struct level *l = &p->level[level];
	int rc = is_written(p, id, err);

	(void)loc;
	if (rc)
		return rc;
	if (CASG_GROW(l->id, l->n + 1, l->cap))
		return casg_err_nomem(err);
	l->id[l->n++] = *id;
	if (level >= p->nlevels)
		p->nlevels = level + 1;
	return !level; /* leaves are read when they are written */
}

/* Where the sequence at a place of 'from' is in 'to'. */
static int place(void *ctx, const struct casg_loc *from, struct casg_loc *out,
		 struct casg_err *err)
{
	struct repack *p = ctx;
	struct casg_packidx *x = casg_store_idx(p->r->from, from->pack);
	struct casg_loc ***pack = &p->places[from->pack], **chunk;
	struct casg_objinfo info;
	struct casg_idx_chunk ic;
	int rc;

	if (!*pack)
		*pack = calloc((size_t)x->nchunks + 1, sizeof(**pack));
	if (!*pack)
		return casg_err_nomem(err);
	chunk = &(*pack)[from->chunk];
	if (!*chunk) {
		rc = casg_packidx_chunk(x, from->chunk, &ic, err);
		if (rc)
			return rc;
		*chunk = malloc((size_t)ic.nmembers * sizeof(**chunk) + 1);
		if (!*chunk)
			return casg_err_nomem(err);
		for (uint32_t i = 0; i < ic.nmembers; i++)
			(*chunk)[i].pack = UINT32_MAX;
	}
	if ((*chunk)[from->member].pack == UINT32_MAX) {
		rc = casg_store_info(p->r->from, p->coder, from, &info, err);
		if (!rc)
			rc = casg_store_find(p->r->to, p->coder, &info.id,
					     &(*chunk)[from->member], NULL, err);
		if (rc <= 0)
			return rc ? rc : casg_err_set(err, CASG_EBUG,
						      "a sequence was not repacked");
	}
	*out = (*chunk)[from->member];
	return 0;
}

static int write_leaf(struct repack *p, const struct casg_oid *id, const struct casg_node *n,
		      struct casg_err *err)
{
	struct casg_loc from;
	int rc = 0;

	if (CASG_GROW(p->e, n->count + 1, p->cap_e))
		return casg_err_nomem(err);
	for (uint32_t i = 0; i < n->count && !rc; i++) {
		p->e[i] = n->entries[i];
		rc = casg_store_ref(p->r->from, p->coder, p->e[i].pack, p->e[i].ref, &from, err);
		if (!rc)
			rc = place(p, &from, &p->to_locs[i], err);
	}
	return rc ? rc : casg_nodew_new_leaf(&p->nodew, id, p->e, p->to_locs, n->count,
					     err);
}

static int write_node(struct repack *p, const struct casg_oid *id, struct casg_err *err)
{
	const struct casg_tnode *t;
	int rc = casg_nodes_get(p->nodes, id, &t, err);

	if (rc)
		return rc;
	rc = t->node.level ? casg_nodew_interior(&p->nodew, t->node.level, t->node.children,
						 t->node.count, NULL, err)
			   : write_leaf(p, id, &t->node, err);
	casg_nodes_put(p->nodes, t);
	return rc;
}

static int write_tree(struct repack *p, const struct casg_oid *root, struct casg_err *err)
{
	const struct casg_tree_visitor v = { list_node, NULL, p };
	int rc;

	p->nlevels = 0;
	for (int i = 0; i <= CASG_NODE_LEVEL_MAX; i++)
		p->level[i].n = 0;
	rc = casg_tree_visit(p->r->from, p->coder, root, &v, err);
	for (int i = 0; i < p->nlevels && !rc; i++) {
		for (size_t k = 0; k < p->level[i].n && !rc; k++)
			rc = write_node(p, &p->level[i].id[k], err);
		/* the next level names these by number */
		if (!rc)
			rc = casg_nodew_flush(&p->nodew, err);
	}
	return rc;
}

static int write_trees(struct repack *p, struct casg_err *err)
{
	const struct casg_repack *r = p->r;
	/* how many versions are between each and one that is stored whole */
	uint8_t *depth = calloc((size_t)r->nversions + 1, 1);
	int rc = depth ? 0 : casg_err_nomem(err);

	for (uint32_t i = 0; i < r->nversions && !rc; i++) {
		const struct casg_repack_version *v = &r->versions[i];

		p->nodew.base = NULL;
		if (v->after < i && depth[v->after] < CASG_NODELINK_DEPTH) {
			depth[i] = depth[v->after] + 1;
			p->nodew.base = casg_nodebase_new(r->from, p->coder,
							  &r->versions[v->after].roots.records,
							  0, err);
			if (!p->nodew.base)
				rc = err ? err->code : CASG_ENOMEM;
			else /* a sequence may lie in 'from' several times, never in 'to' */
				casg_nodebase_translate(p->nodew.base, place, p);
		}
		if (!rc) {
			struct casg_nodebase *base = p->nodew.base;

			rc = write_tree(p, &v->roots.records, err);
			casg_nodebase_free(base);
		}
		/* what repacking cannot read it must not leave out */
		if (!rc && p->nodew.base_err.code) {
			rc = p->nodew.base_err.code;
			if (err)
				*err = p->nodew.base_err;
		}
	}
	free(depth);
	return rc;
}

static void release_gather(struct gather *g)
{
	casg_buf_release(&g->bytes);
	free(g->end);
	free(g->info);
}

static void release(struct repack *p)
{
	casg_nodew_release(&p->nodew);
	casg_nodes_free(p->nodes);
	for (uint32_t i = 0; p->places && i < p->npacks; i++) {
		struct casg_packidx *x = casg_store_idx(p->r->from, i);

		for (uint32_t k = 0; p->places[i] && k < x->nchunks; k++)
			free(p->places[i][k]);
		free(p->places[i]);
	}
	free(p->places);
	for (int i = 0; i <= CASG_NODE_LEVEL_MAX; i++)
		free(p->level[i].id);
	release_gather(&p->blobs);
	release_gather(&p->orders);
	free(p->e);
	free(p);
}

int casg_repack(const struct casg_repack *r, struct casg_packer_stats *out,
		struct casg_err *err)
{
	struct repack *p = calloc(1, sizeof(*p));
	int rc = p ? 0 : casg_err_nomem(err);

	if (rc)
		return rc;
	p->r = r;
	p->coder = r->coders[r->ncoders - 1];
	p->npacks = casg_store_npacks(r->from);
	p->nodes = casg_nodes_new(r->from, p->coder);
	p->places = calloc((size_t)p->npacks + 1, sizeof(*p->places));
	casg_nodew_init(&p->nodew, r->to, r->packw, p->coder, r->packer.level);
	p->nodew.base_apart = 1;
	if (!p->nodes || !p->places)
		rc = casg_err_nomem(err);
	if (!rc)
		rc = write_objects(p, out, err);
	if (!rc)
		rc = write_orders(p, err);
	if (!rc)
		rc = write_trees(p, err);
	if (!rc)
		rc = casg_packw_finish(r->packw, err);
	release(p);
	return rc;
}
