#include "repack.h"

#include <stdlib.h>

#include "array.h"
#include "endian.h"
#include "nodes.h"
#include "nodew.h"
#include "orderbase.h"
#include "orderdelta.h"
#include "presdelta.h"
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

/* Those that 'to' does not have, in 'm' and at the front of g->info. */
static int choose_gathered(struct repack *p, struct gather *g, struct casg_slice *m,
			   uint32_t *n_out, struct casg_err *err)
{
	struct casg_loc loc;
	uint32_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		size_t from = i ? g->end[i - 1] : 0;
		int rc = casg_store_find(p->r->to, p->coder, &g->info[i].id, &loc, NULL, err);

		if (rc < 0)
			return rc;
		if (rc)
			continue;
		m[n].p = g->bytes.data ? g->bytes.data + from : (const uint8_t *)"";
		m[n].nbytes = g->end[i] - from;
		g->info[n++] = g->info[i];
	}
	*n_out = n;
	return 0;
}

static int flush_gather(struct repack *p, struct gather *g, int kind, struct casg_err *err)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_slice *m = calloc(g->n + 1, sizeof(*m));
	struct casg_oid id;
	uint32_t n = 0;
	int rc = m ? casg_buf_check(&g->bytes, err) : casg_err_nomem(err);

	if (!rc)
		rc = choose_gathered(p, g, m, &n, err);
	if (!rc && n) {
		rc = casg_chunk_encode(p->coder, kind, 0, p->r->packer.level, m, n,
				       NULL, &out, &id, err);
		if (!rc)
			rc = casg_packw_room(p->r->packw, out.len, n, err);
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
	int rc = casg_store_info(p->r->from, p->coder, loc, &info, err);

	if (rc)
		return rc;
	if (info.nbytes <= SMALL_BLOB) {
		rc = casg_store_read(p->r->from, p->coder, loc, 0, UINT64_MAX,
				     &p->blobs.bytes, NULL, err);
		return rc ? rc : add_gathered(p, &p->blobs, CASG_CHUNK_BLOB, &info, err);
	}
	return casg_blobw_copy(p->r->packw, p->r->to, p->coder, p->r->packer.level, p->r->from,
			       &info.id, err);
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
			rc = casg_packer_copy(p->packer, p->r->from, p->coder, &loc, err);
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

/* A pack of 'from' stays: new ones may refer to it. */
static int keep_pack(struct repack *p, uint32_t pack, struct casg_err *err)
{
	int rc;

	if (p->r->stays[pack])
		return 0;
	p->r->stays[pack] = 1;
	rc = casg_store_settle(p->r->from, pack, err);
	return rc ? rc : casg_store_add_objects(p->r->to, p->r->packs_dir,
						&casg_store_idx(p->r->from, pack)->pack_id, err);
}

/* A list that is here has promised pieces, or the other way round. */
static int keep_mixed(struct repack *p, const struct casg_loc *list, struct casg_err *err)
{
	int promised = casg_store_promised(p->r->from, list->pack), rc;
	struct casg_object o;

	rc = casg_store_object(p->r->from, p->coder, list, &o, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < o.npieces && !rc; i++)
		if (casg_store_promised(p->r->from, o.pieces[i].pack) != promised)
			rc = keep_pack(p, promised ? o.pieces[i].pack : list->pack, err);
	casg_object_release(&o);
	return rc;
}

static int keep_packs(struct repack *p, struct casg_err *err)
{
	struct casg_idx_chunk ic;
	int rc = 0;

	for (uint32_t i = 0; i < p->npacks && !rc; i++) {
		struct casg_packidx *x = casg_store_idx(p->r->from, i);
		struct casg_loc loc = { i, 0, 0 };

		for (; loc.chunk < x->nchunks && !rc; loc.chunk++) {
			rc = casg_packidx_chunk(x, loc.chunk, &ic, err);
			for (loc.member = 0; !rc && ic.kind == CASG_CHUNK_LIST && loc.member < ic.nmembers;
			     loc.member++)
				rc = keep_mixed(p, &loc, err);
		}
	}
	return rc;
}

/* All that the pack refers to is in 'to', or in packs that stay, too. */
static int keep_referred(struct repack *p, uint32_t pack, int *more, struct casg_err *err)
{
	struct casg_oid *ids;
	uint32_t at, chunk;
	size_t n;
	int rc = casg_store_refs(p->r->from, p->coder, pack, &ids, &n, err);

	for (size_t i = 0; i < n && !rc; i++) {
		rc = casg_store_find_chunk(p->r->to, &ids[i], &at, &chunk, err);
		if (!rc && (rc = casg_store_find_chunk(p->r->from, &ids[i], &at, &chunk, err)) > 0) {
			*more = 1;
			rc = keep_pack(p, at, err);
		} else if (rc > 0) {
			rc = 0;
		}
	}
	free(ids);
	return rc;
}

/* In a partial clone: packs that those that stay refer to, the promised ones among them. */
static int keep_all_referred(struct repack *p, struct casg_err *err)
{
	int more, rc = 0;

	do {
		more = 0;
		for (uint32_t i = 0; i < p->npacks && !rc; i++)
			if (p->r->stays[i] || casg_store_promised(p->r->from, i))
				rc = keep_referred(p, i, &more, err);
	} while (more && !rc);
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

		/* nodes are all written again, so blobs are as well */
		if (p->r->promised && kind == CASG_CHUNK_SEQ &&
		    (p->r->stays[pack] || casg_store_promised(p->r->from, pack)))
			continue;
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

static void hash_number(struct casg_hasher *h, uint64_t n)
{
	uint8_t b[8];

	casg_put_be64(b, n);
	casg_hasher_update(h, b, sizeof(b));
}

static void hash_version(struct casg_hasher *h, const struct casg_repack_version *v)
{
	casg_hasher_update(h, v->roots.records.b, CASG_OID_RAWSZ);
	casg_hasher_update(h, v->roots.order.b, CASG_OID_RAWSZ);
	hash_number(h, v->after);
}

/* What of the pack is taken, when, and with which group. */
static int hash_pack(struct repack *p, const struct casg_marks *marks, uint32_t pack,
		     struct casg_hasher *h, struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(p->r->from, pack);
	struct casg_idx_chunk ic;
	int named = 0;

	for (uint32_t i = 0; i < x->nchunks; i++) {
		int rc = casg_packidx_chunk(x, i, &ic, err);

		if (rc)
			return rc;
		if (ic.kind == CASG_CHUNK_NODE || ic.kind == CASG_CHUNK_REFS)
			continue;
		for (uint32_t k = ic.first; k < ic.first + ic.nmembers; k++) {
			const struct casg_group *g;

			if (!casg_marks_has(marks, pack, k))
				continue;
			/* a pack of which nothing is taken may come and go */
			if (!named)
				casg_hasher_update(h, x->pack_id.b, CASG_OID_RAWSZ);
			named = 1;
			g = casg_repackplan_group(p->plan, pack, k);
			hash_number(h, k);
			hash_number(h, casg_repackplan_pass(p->plan, pack, k));
			hash_number(h, g->home);
			hash_number(h, g->own);
		}
	}
	return 0;
}

static int tell_plan(struct repack *p, const struct casg_marks *marks, struct casg_err *err)
{
	const struct casg_repack *r = p->r;
	struct casg_hasher *h = r->planned ? casg_hasher_new() : NULL;
	struct casg_oid digest;
	int rc = 0;

	if (!r->planned)
		return 0;
	if (!h)
		return casg_err_nomem(err);
	casg_hasher_init(h);
	hash_number(h, r->nversions);
	for (uint32_t i = 0; i < r->nversions; i++)
		hash_version(h, &r->versions[i]);
	for (uint32_t i = 0; i < p->npacks && !rc; i++)
		rc = hash_pack(p, marks, i, h, err);
	casg_hasher_final(h, &digest);
	casg_hasher_free(h);
	return rc ? rc : r->planned(r->planned_ctx, &digest, err);
}

/* The sequences of passes up to 'end', in packs of their own. */
static int add_passes(struct repack *p, const struct casg_marks *marks, uint32_t end,
		      struct casg_packer_stats *out, struct casg_err *err)
{
	const struct casg_repack *r = p->r;
	struct casg_packer_stats stats;
	int rc = 0;

	p->packer = casg_packer_new(r->to, r->packw, r->pool, r->coders, &r->packer, NULL, NULL,
				    err);
	if (!p->packer)
		return CASG_ENOMEM;
	for (; p->pass < end && !rc; p->pass++)
		rc = add_objects(p, marks, CASG_CHUNK_SEQ, err);
	if (!rc)
		rc = casg_packer_finish(p->packer, &stats, err);
	casg_packer_free(p->packer);
	if (rc)
		return rc;
	out->nrecords += stats.nrecords;
	out->nnew += stats.nnew;
	out->nresidues += stats.nresidues;
	return 0;
}

static int write_objects(struct repack *p, struct casg_packer_stats *out,
			 struct casg_err *err)
{
	const struct casg_repack *r = p->r;
	struct casg_marks *marks = casg_marks_new(r->from, p->coder, err);
	uint32_t npasses = 0, first_apart;
	int rc = marks ? 0 : CASG_ENOMEM;

	if (!rc) {
		p->plan = casg_repackplan_new(r->from, p->coder, &r->groups, err);
		rc = p->plan ? 0 : CASG_ENOMEM;
	}
	if (!rc) {
		casg_marks_sequences(marks);
		casg_marks_watch(marks, casg_repackplan_note, p->plan);
	}
	for (int apart = 0; apart < 2 && !rc; apart++) {
		casg_repackplan_apart(p->plan, apart);
		for (uint32_t i = 0; i < r->nversions && !rc; i++)
			if (r->versions[i].apart == apart)
				rc = casg_marks_add(marks, &r->versions[i].roots, err);
	}
	for (size_t i = 0; i < r->nblobs && !rc; i++)
		rc = casg_marks_blob(marks, &r->blobs[i], err);
	if (!rc)
		rc = casg_repackplan_settle(p->plan, casg_packer_batch(&r->packer), &npasses,
					    err);
	if (!rc)
		rc = tell_plan(p, marks, err);
	p->pass = 0;
	if (!rc) {
		first_apart = casg_repackplan_first_apart(p->plan);
		rc = add_passes(p, marks, first_apart < npasses ? first_apart : npasses, out, err);
	}
	if (!rc && p->pass < npasses)
		rc = add_passes(p, marks, npasses, out, err);
	casg_repackplan_free(p->plan);
	if (!rc)
		rc = add_objects(p, marks, CASG_CHUNK_BLOB, err);
	if (!rc)
		rc = flush_gather(p, &p->blobs, CASG_CHUNK_BLOB, err);
	casg_marks_free(marks);
	return rc;
}

/* ---- orders ------------------------------------------------------------ */

/*
 * The order of a version as differences from that of 'after': gathered; 1, or
 * 0 when it is better stored whole.
 */
static int add_order_delta(struct repack *p, const struct casg_roots *v,
			   const struct casg_roots *after, struct casg_err *err)
{
	struct casg_orderbase *b = casg_orderbase_new(p->r->from, p->coder, &after->records,
						      &after->order, err);
	struct casg_objinfo info;
	int rc = b ? casg_orderbase_keys(b, &v->records, err) : CASG_ECORRUPT;

	if (!rc)
		rc = casg_orderbase_delta_of(b, &v->order, &info, &p->orders.bytes, err);
	if (rc > 0) {
		rc = add_gathered(p, &p->orders, CASG_CHUNK_ORDER, &info, err);
		rc = rc ? rc : 1;
	}
	casg_orderbase_free(b);
	return rc;
}

/* ---- presentations ------------------------------------------------------ */

/* The same of presentations. */
static int add_presentation_delta(struct repack *p, const struct casg_roots *v,
				  const struct casg_roots *after, struct casg_err *err)
{
	struct casg_buf base = CASG_BUF_INIT, whole = CASG_BUF_INIT;
	struct casg_objinfo info = { .id = v->presentation };
	int rc = casg_store_read_id(p->r->from, p->coder, &after->presentation,
				    CASG_CHUNK_RAW_MAX, &base, err);

	if (!rc)
		rc = casg_store_read_id(p->r->from, p->coder, &v->presentation,
					CASG_CHUNK_RAW_MAX, &whole, err);
	info.nbytes = whole.len;
	if (!rc && base.len <= CASG_PRESDELTA_MAX && whole.len <= CASG_PRESDELTA_MAX)
		rc = casg_presdelta_member(&after->presentation, base.data, base.len, &info.id,
					   whole.data, whole.len, &p->orders.bytes, err);
	if (rc > 0) {
		rc = add_gathered(p, &p->orders, CASG_CHUNK_ORDER, &info, err);
		rc = rc ? rc : 1;
	}
	casg_buf_release(&base);
	casg_buf_release(&whole);
	return rc;
}

/* ---- what versions have beside the tree --------------------------------- */

struct linked {
	const struct casg_oid *(*id)(const struct casg_roots *v);
	int (*add_delta)(struct repack *p, const struct casg_roots *v,
			 const struct casg_roots *after, struct casg_err *err);
};

static const struct casg_oid *order_of(const struct casg_roots *v)
{
	return &v->order;
}

static const struct casg_oid *presentation_of(const struct casg_roots *v)
{
	return &v->presentation;
}

/* The first version of the list with the same. */
static uint32_t first_with(const struct casg_repack *r, const struct linked *l, uint32_t i)
{
	uint32_t k = 0;

	while (!casg_oid_eq(l->id(&r->versions[k].roots), l->id(&r->versions[i].roots)))
		k++;
	return k;
}

static int copy_whole(struct repack *p, const struct casg_oid *id, struct casg_err *err)
{
	struct casg_loc loc;
	int rc = find(p, id, &loc, err);

	return rc ? rc : copy_blob(p, &loc, err);
}

/* By that of the version after it: 1; 0 when it is to be stored whole. */
static int link_one(struct repack *p, const struct linked *l, uint32_t i, uint8_t *depth,
		    struct casg_err *err)
{
	const struct casg_repack *r = p->r;
	uint32_t after = r->versions[i].after;
	int rc;

	depth[i] = 0;
	if (after >= i || depth[after] >= CASG_ORDERDELTA_DEPTH)
		return 0;
	rc = l->add_delta(p, &r->versions[i].roots, &r->versions[after].roots, err);
	if (rc > 0)
		depth[i] = depth[after] + 1;
	return rc;
}

static int write_linked(struct repack *p, const struct linked *l, struct casg_err *err)
{
	const struct casg_repack *r = p->r;
	uint8_t *depth = calloc((size_t)r->nversions + 1, 1);
	int rc = depth ? 0 : casg_err_nomem(err);

	for (uint32_t i = 0; i < r->nversions && rc >= 0; i++) {
		uint32_t first = first_with(r, l, i);

		if (first < i) {
			depth[i] = depth[first];
			continue;
		}
		rc = link_one(p, l, i, depth, err);
		if (!rc)
			rc = copy_whole(p, l->id(&r->versions[i].roots), err);
	}
	free(depth);
	return rc < 0 ? rc : 0;
}

static int write_beside(struct repack *p, struct casg_err *err)
{
	static const struct linked orders = { order_of, add_order_delta };
	static const struct linked presentations = { presentation_of, add_presentation_delta };
	int rc = write_linked(p, &presentations, err);

	if (!rc)
		rc = flush_gather(p, &p->blobs, CASG_CHUNK_BLOB, err);
	if (!rc)
		rc = write_linked(p, &orders, err);
	if (!rc)
		rc = flush_gather(p, &p->blobs, CASG_CHUNK_BLOB, err);
	if (!rc)
		rc = flush_gather(p, &p->orders, CASG_CHUNK_ORDER, err);
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
	memset(out, 0, sizeof(*out));
	p->r = r;
	p->coder = r->coders[r->ncoders - 1];
	p->npacks = casg_store_npacks(r->from);
	p->nodes = casg_nodes_new(r->from, p->coder);
	p->places = calloc((size_t)p->npacks + 1, sizeof(*p->places));
	casg_nodew_init(&p->nodew, r->to, r->packw, p->coder, r->packer.level);
	p->nodew.base_apart = 1;
	if (!p->nodes || !p->places)
		rc = casg_err_nomem(err);
	if (!rc && r->promised)
		rc = keep_packs(p, err);
	if (!rc)
		rc = write_objects(p, out, err);
	if (!rc && r->promised)
		rc = casg_store_add_promised(r->to, r->promised, err);
	if (!rc)
		rc = write_beside(p, err);
	if (!rc)
		rc = write_trees(p, err);
	if (!rc)
		rc = casg_packw_finish(r->packw, err);
	if (!rc && r->promised)
		rc = keep_all_referred(p, err);
	release(p);
	return rc;
}
