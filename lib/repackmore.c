#include "repackmore.h"

#include <stdlib.h>

#include "array.h"
#include "nodes.h"
#include "nodew.h"
#include "objects.h"
#include "oidset.h"
#include "orderbase.h"
#include "orderdelta.h"
#include "reach.h"
#include "treer.h"

/* Blobs up to here are given to the packer, which holds them in memory. */
#define SMALL_BLOB ((uint64_t)256 << 10)

/* A sequence that is not written has a place in 'from' all the same. */
#define ELSEWHERE 0x80000000u

/* Nodes of one version that are to be written, a level each. */
struct levels {
	struct {
		struct casg_oid *id;
		size_t n, cap;
	} at[CASG_NODE_LEVEL_MAX + 1];
	int n;
};

struct more {
	const struct casg_more *m;
	struct casg_coder *coder;
	struct casg_marks *known;    /* what the receiver's versions need, in 'from' */
	struct casg_nodes *nodes;    /* of 'from' */
	uint8_t *linkable;           /* known version: its tree can be read from 'there' */
	struct casg_oidset listed;   /* nodes */
	struct levels *levels, *now; /* a version each; the one being listed */
	uint8_t **wanted;            /* pack of 'from': a bit an object; or NULL */
	struct casg_oidset blobs;
	struct casg_nodew nodew;
	struct casg_packer *packer;
	struct casg_entry *e;        /* of the leaf under way */
	size_t cap_e;
	struct casg_loc locs[CASG_NODE_MAX];
};

/* ---- what is to be written ---------------------------------------------- */

static int object_number(struct more *p, const struct casg_loc *loc, uint32_t *out,
			 struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(p->m->from, loc->pack);
	struct casg_idx_chunk ic;
	int rc = casg_packidx_chunk(x, loc->chunk, &ic, err);

	if (!rc && (uint64_t)ic.first + loc->member >= x->nobjects)
		rc = casg_err_set(err, CASG_ECORRUPT, "index of '%s': an object is nowhere",
				  casg_store_pack_path(p->m->from, loc->pack));
	*out = rc ? 0 : ic.first + loc->member;
	return rc;
}

static int want_sequence(struct more *p, const struct casg_loc *loc, struct casg_err *err)
{
	uint8_t **bits = &p->wanted[loc->pack];
	uint32_t i;
	int rc = object_number(p, loc, &i, err);

	if (rc)
		return rc;
	if (!*bits)
		*bits = calloc(casg_store_idx(p->m->from, loc->pack)->nobjects / 8 + 1u, 1);
	if (!*bits)
		return casg_err_nomem(err);
	(*bits)[i >> 3] |= (uint8_t)(1u << (i & 7));
	return 0;
}

static int is_wanted(const struct more *p, uint32_t pack, uint32_t object)
{
	return p->wanted[pack] && (p->wanted[pack][object >> 3] >> (object & 7) & 1);
}

/* 1 and its place: the receiver has it. */
static int is_known(struct more *p, const struct casg_oid *id, struct casg_loc *loc,
		    struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];
	uint32_t i;
	int rc = casg_store_find(p->m->from, p->coder, id, loc, NULL, err);

	if (!rc)
		return casg_err_set(err, CASG_EABSENT, "object %s is in no pack here",
				    casg_oid_hex(id, hex));
	if (rc > 0)
		rc = object_number(p, loc, &i, err);
	return rc ? rc : casg_marks_has(p->known, loc->pack, i);
}

static int want_blob(void *ctx, const struct casg_oid *id, struct casg_err *err)
{
	struct more *p = ctx;
	struct casg_loc loc;
	int rc = is_known(p, id, &loc, err);

	if (!rc)
		rc = casg_oidset_add(&p->blobs, id, err);
	return rc < 0 ? rc : 0;
}

static int list_node(void *ctx, const struct casg_oid *id, const struct casg_loc *loc,
		     int level, struct casg_err *err)
{
	struct more *p = ctx;
	int rc;

	if (casg_marks_has_node(p->known, loc))
		return 1;
	rc = casg_oidset_add(&p->listed, id, err);
	if (rc <= 0)
		return rc < 0 ? rc : 1;
	if (CASG_GROW(p->now->at[level].id, p->now->at[level].n + 1, p->now->at[level].cap))
		return casg_err_nomem(err);
	p->now->at[level].id[p->now->at[level].n++] = *id;
	if (level >= p->now->n)
		p->now->n = level + 1;
	return !level; /* leaves are read by and by */
}

/* Entries, and where their sequences lie in 'from'. */
static int load_leaf(struct more *p, const struct casg_node *n, struct casg_err *err)
{
	int rc = 0;

	if (CASG_GROW(p->e, n->count + 1, p->cap_e))
		return casg_err_nomem(err);
	for (uint32_t i = 0; i < n->count && !rc; i++) {
		p->e[i] = n->entries[i];
		rc = casg_store_ref(p->m->from, p->coder, p->e[i].pack, p->e[i].ref, &p->locs[i],
				    err);
	}
	return rc;
}

/* Can a node rest on these, as they lie at the receiver?  Nodew asks the same. */
static int may_rest(struct more *p, const struct casg_bases *b, struct casg_err *err)
{
	uint32_t weight = 1;
	int yes = 1;

	for (int i = 0; i < b->n && yes; i++) {
		const struct casg_tnode *t;
		int rc = casg_nodes_get(p->nodew.written, &b->id[i], &t, err);

		if (rc)
			return rc;
		weight += t->weight;
		yes = t->depth < CASG_NODELINK_DEPTH && weight <= CASG_NODES_WEIGHT;
		casg_nodes_put(p->nodew.written, t);
	}
	return yes;
}

static int want_entries(struct more *p, uint32_t count, struct casg_nodebase *base,
			struct casg_err *err)
{
	struct casg_bases b = { .n = 0 };
	uint8_t need[CASG_NODE_MAX];
	int rc = 0;

	memset(need, 1, sizeof(need));
	if (base && count)
		rc = casg_nodebase_find(base, 0, p->e[0].key, p->e[0].klen, p->e[0].occurrence,
					p->e[count - 1].key, p->e[count - 1].klen,
					p->e[count - 1].occurrence, &b, err);
	if (!rc && b.n) {
		rc = may_rest(p, &b, err);
		if (rc > 0)
			casg_leaf_link_needs(p->e, p->locs, count, b.b, b.n, need);
		rc = rc < 0 ? rc : 0;
	}
	for (uint32_t i = 0; i < count && !rc; i++) {
		if (need[i])
			rc = want_sequence(p, &p->locs[i], err);
		if (!rc && !p->e[i].desc)
			rc = want_blob(p, &p->e[i].desc_blob, err);
	}
	return rc;
}

/* NULL in *out: nothing to rest on. */
static int open_base(struct more *p, const struct casg_more_version *v,
		     struct casg_nodebase **out, struct casg_err *err)
{
	*out = NULL;
	if (v->base == CASG_MORE_NONE || !p->linkable[v->base])
		return 0;
	*out = casg_nodebase_new(p->m->from, p->coder, &p->m->known[v->base].records, 0, err);
	return *out ? 0 : err && err->code ? err->code : CASG_ENOMEM;
}

static int list_version(struct more *p, uint32_t i, struct casg_err *err)
{
	const struct casg_tree_visitor visitor = { list_node, NULL, p };
	const struct casg_more_version *v = &p->m->versions[i];
	struct casg_nodebase *base;
	int rc;

	p->now = &p->levels[i];
	rc = open_base(p, v, &base, err);
	if (!rc)
		rc = casg_tree_visit(p->m->from, p->coder, &v->roots.records, &visitor, err);
	for (size_t k = 0; k < p->now->at[0].n && !rc; k++) {
		const struct casg_tnode *t;

		rc = casg_nodes_get(p->nodes, &p->now->at[0].id[k], &t, err);
		if (rc)
			break;
		rc = load_leaf(p, &t->node, err);
		if (!rc)
			rc = want_entries(p, t->node.count, base, err);
		casg_nodes_put(p->nodes, t);
	}
	casg_nodebase_free(base);
	if (!rc && v->roots.has_withdrawn)
		rc = want_blob(p, &v->roots.withdrawn, err);
	if (!rc)
		rc = want_blob(p, &v->roots.presentation, err);
	return rc ? rc : casg_presentation_blobs(p->m->from, p->coder, &v->roots.presentation,
						 want_blob, p, err);
}

static int pass_over_nothing(void *ctx, const struct casg_oid *id, const struct casg_loc *loc,
			     int level, struct casg_err *err)
{
	(void)ctx;
	(void)id;
	(void)loc;
	(void)level;
	(void)err;
	return 0;
}

/* What the receiver has, and which of its trees we can see as they lie there. */
static int list_known(struct more *p, struct casg_err *err)
{
	const struct casg_tree_visitor visitor = { pass_over_nothing, NULL, NULL };
	int rc = 0;

	for (uint32_t i = 0; i < p->m->nknown && !rc; i++) {
		struct casg_err why = CASG_ERR_INIT;

		rc = casg_marks_add(p->known, &p->m->known[i], err);
		if (!rc && p->m->there)
			p->linkable[i] = !casg_tree_visit(p->m->there, p->coder,
							  &p->m->known[i].records, &visitor,
							  &why);
	}
	return rc;
}

/* ---- writing -------------------------------------------------------------- */

/* In the order in which they lie, so that each chunk is read once. */
static int write_sequences(struct more *p, struct casg_err *err)
{
	int rc = 0;

	for (uint32_t pack = 0; pack < casg_store_npacks(p->m->from) && !rc; pack++) {
		struct casg_packidx *x = casg_store_idx(p->m->from, pack);
		struct casg_idx_chunk ic;

		for (uint32_t i = 0; p->wanted[pack] && i < x->nchunks && !rc; i++) {
			rc = casg_packidx_chunk(x, i, &ic, err);
			if (rc || (ic.kind != CASG_CHUNK_SEQ && ic.kind != CASG_CHUNK_LIST))
				continue;
			for (uint32_t k = 0; k < ic.nmembers && !rc; k++)
				if (is_wanted(p, pack, ic.first + k))
					rc = casg_packer_copy(p->packer, p->m->from, p->coder,
							      &(struct casg_loc){ pack, i, k }, err);
		}
	}
	return rc;
}

static int is_small(struct more *p, const struct casg_oid *id, int *small, struct casg_err *err)
{
	struct casg_loc loc;
	uint64_t nbytes = 0;
	int rc = casg_store_find(p->m->from, p->coder, id, &loc, &nbytes, err);

	*small = nbytes <= SMALL_BLOB;
	return rc < 0 ? rc : 0;
}

static int write_small_blobs(struct more *p, struct casg_err *err)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_oid id;
	int small, rc = 0;

	for (size_t i = 0; i < p->blobs.n && !rc; i++) {
		rc = is_small(p, &p->blobs.ids[i], &small, err);
		if (rc || !small)
			continue;
		casg_buf_reset(&b);
		rc = casg_store_read_id(p->m->from, p->coder, &p->blobs.ids[i], SMALL_BLOB, &b, err);
		if (!rc)
			rc = casg_packer_blob(p->packer, b.data, b.len, &id, err);
	}
	casg_buf_release(&b);
	return rc;
}

static int copy_blob(struct more *p, const struct casg_oid *id, struct casg_err *err)
{
	return casg_blobw_copy(p->m->packw, p->m->to, p->coder, p->m->packer.level, p->m->from, id,
			       err);
}

static int write_large_blobs(struct more *p, struct casg_err *err)
{
	int small, rc = 0;

	for (size_t i = 0; i < p->blobs.n && !rc; i++) {
		rc = is_small(p, &p->blobs.ids[i], &small, err);
		if (!rc && !small)
			rc = copy_blob(p, &p->blobs.ids[i], err);
	}
	return rc;
}

static int write_objects(struct more *p, struct casg_packer_stats *out, struct casg_err *err)
{
	const struct casg_more *m = p->m;
	int rc;

	p->packer = casg_packer_new(m->to, m->packw, m->pool, m->coders, &m->packer,
				    NULL, NULL, err);
	rc = p->packer ? write_small_blobs(p, err) : CASG_ENOMEM;
	if (!rc)
		rc = write_sequences(p, err);
	if (!rc)
		rc = casg_packer_finish(p->packer, out, err);
	casg_packer_free(p->packer);
	return rc ? rc : write_large_blobs(p, err);
}

/* ---- orders --------------------------------------------------------------- */

/* Can an order rest on the one of this known version, as it lies there? */
static int order_may_rest(struct more *p, uint32_t base)
{
	struct casg_loc loc, chain[CASG_CHAIN_MAX];
	struct casg_err why = CASG_ERR_INIT;
	int n;

	return base != CASG_MORE_NONE && p->m->there &&
	       casg_store_find(p->m->there, p->coder, &p->m->known[base].order, &loc, NULL, &why) > 0 &&
	       !casg_store_chain(p->m->there, p->coder, &loc, chain, &n, &why) &&
	       n - 1 < CASG_ORDERDELTA_DEPTH;
}

/* 1; 0 when it is better written whole. */
static int link_order(struct more *p, const struct casg_more_version *v, struct casg_err *err)
{
	const struct casg_roots *base = &p->m->known[v->base];
	struct casg_orderbase *b = casg_orderbase_new(p->m->from, p->coder, &base->records,
						      &base->order, err);
	struct casg_buf delta = CASG_BUF_INIT;
	struct casg_objinfo info;
	int rc = b ? casg_orderbase_keys(b, &v->roots.records, err) : CASG_ECORRUPT;

	if (!rc)
		rc = casg_orderbase_delta_of(b, &v->roots.order, &info, &delta, err);
	if (rc > 0) {
		rc = casg_delta_chunk(p->m->packw, p->coder, p->m->packer.level, &delta, &info, err);
		rc = rc ? rc : 1;
	}
	casg_orderbase_free(b);
	casg_buf_release(&delta);
	return rc;
}

static int write_orders(struct more *p, struct casg_err *err)
{
	struct casg_oidset done = CASG_OIDSET_INIT;
	int rc = 0;

	/* not what is marked: what an order rests on here the receiver need not have */
	for (uint32_t i = 0; i < p->m->nknown && rc >= 0; i++)
		rc = casg_oidset_add(&done, &p->m->known[i].order, err);
	for (uint32_t i = 0; i < p->m->nversions && rc >= 0; i++) {
		const struct casg_more_version *v = &p->m->versions[i];

		rc = casg_oidset_add(&done, &v->roots.order, err);
		if (rc <= 0)
			continue;
		rc = order_may_rest(p, v->base) ? link_order(p, v, err) : 0;
		if (!rc)
			rc = copy_blob(p, &v->roots.order, err);
	}
	casg_oidset_release(&done);
	return rc < 0 ? rc : 0;
}

/* ---- trees ------------------------------------------------------------------ */

/*
 * Where a sequence is: in 'to' if it is written, else nowhere in particular, but
 * nowhere else than that one.
 */
static int place(void *ctx, const struct casg_loc *from, struct casg_loc *out,
		 struct casg_err *err)
{
	struct more *p = ctx;
	struct casg_objinfo info;
	uint32_t i;
	int rc = object_number(p, from, &i, err);

	if (rc)
		return rc;
	if (!is_wanted(p, from->pack, i)) {
		*out = (struct casg_loc){ from->pack | ELSEWHERE, from->chunk, from->member };
		return 0;
	}
	rc = casg_store_info(p->m->from, p->coder, from, &info, err);
	if (!rc)
		rc = casg_store_find(p->m->to, p->coder, &info.id, out, NULL, err);
	if (!rc)
		rc = casg_err_set(err, CASG_EBUG, "a sequence was not written");
	return rc < 0 ? rc : 0;
}

static int write_leaf(struct more *p, const struct casg_oid *id, const struct casg_node *n,
		      struct casg_err *err)
{
	int rc = load_leaf(p, n, err);

	for (uint32_t i = 0; i < n->count && !rc; i++) {
		struct casg_loc from = p->locs[i];

		rc = place(p, &from, &p->locs[i], err);
	}
	return rc ? rc : casg_nodew_new_leaf(&p->nodew, id, p->e, p->locs, n->count, err);
}

static int write_node(struct more *p, const struct casg_oid *id, struct casg_err *err)
{
	const struct casg_tnode *t;
	int rc = casg_nodes_get(p->nodes, id, &t, err);

	if (rc)
		return rc;
	rc = t->node.level ? casg_nodew_interior(&p->nodew, t->node.level, t->node.children,
						 t->node.count, NULL, err)
			   : write_leaf(p, id, &t->node, err);
	casg_nodes_put(p->nodes, t);
	/* what was to rest on others cannot be written without them */
	if (!rc && p->nodew.base_err.code) {
		if (err)
			*err = p->nodew.base_err;
		rc = p->nodew.base_err.code;
	}
	return rc;
}

static int write_tree(struct more *p, uint32_t i, struct casg_err *err)
{
	const struct levels *l = &p->levels[i];
	struct casg_nodebase *base;
	int rc = open_base(p, &p->m->versions[i], &base, err);

	if (rc)
		return rc;
	if (base)
		casg_nodebase_translate(base, place, p);
	p->nodew.base = base;
	for (int level = 0; level < l->n && !rc; level++) {
		for (size_t k = 0; k < l->at[level].n && !rc; k++)
			rc = write_node(p, &l->at[level].id[k], err);
		/* the next level names these by number */
		if (!rc)
			rc = casg_nodew_flush(&p->nodew, err);
	}
	p->nodew.base = NULL;
	casg_nodebase_free(base);
	return rc;
}

/* ---- all of it ---------------------------------------------------------------- */

static void release(struct more *p)
{
	for (uint32_t i = 0; p->levels && i < p->m->nversions; i++)
		for (int k = 0; k <= CASG_NODE_LEVEL_MAX; k++)
			free(p->levels[i].at[k].id);
	for (uint32_t i = 0; p->wanted && i < casg_store_npacks(p->m->from); i++)
		free(p->wanted[i]);
	free(p->levels);
	free(p->wanted);
	free(p->linkable);
	free(p->e);
	casg_oidset_release(&p->listed);
	casg_oidset_release(&p->blobs);
	casg_nodew_release(&p->nodew);
	casg_nodes_free(p->nodes);
	casg_marks_free(p->known);
	free(p);
}

static int prepare(struct more *p, struct casg_err *err)
{
	const struct casg_more *m = p->m;

	p->coder = m->coders[m->ncoders - 1];
	p->nodes = casg_nodes_new(m->from, p->coder);
	p->known = casg_marks_new(m->from, p->coder, err);
	p->linkable = calloc((size_t)m->nknown + 1, 1);
	p->levels = calloc((size_t)m->nversions + 1, sizeof(*p->levels));
	p->wanted = calloc((size_t)casg_store_npacks(m->from) + 1, sizeof(*p->wanted));
	casg_nodew_init(&p->nodew, m->to, m->packw, p->coder, m->packer.level);
	/* bases are nodes of the receiver's, and lie as they do there */
	p->nodew.base_apart = 1;
	p->nodew.written = casg_nodes_new(m->there ? m->there : m->to, p->coder);
	return p->nodes && p->known && p->linkable && p->levels && p->wanted && p->nodew.written
		? 0 : casg_err_nomem(err);
}

int casg_repackmore(const struct casg_more *m, struct casg_packer_stats *out,
		    struct casg_err *err)
{
	struct more *p = calloc(1, sizeof(*p));
	int rc = p ? 0 : casg_err_nomem(err);

	if (rc)
		return rc;
	p->m = m;
	rc = prepare(p, err);
	if (!rc)
		rc = list_known(p, err);
	for (uint32_t i = 0; i < m->nversions && !rc; i++)
		rc = list_version(p, i, err);
	for (size_t i = 0; i < m->nblobs && !rc; i++)
		rc = want_blob(p, &m->blobs[i], err);
	if (!rc)
		rc = write_objects(p, out, err);
	if (!rc)
		rc = write_orders(p, err);
	for (uint32_t i = 0; i < m->nversions && !rc; i++)
		rc = write_tree(p, i, err);
	if (!rc)
		rc = casg_packw_finish(m->packw, err);
	release(p);
	return rc;
}
