#include "reach.h"

#include <stdlib.h>

#include "nodes.h"
#include "objects.h"
#include "orderdelta.h"
#include "treer.h"

struct reach {
	struct casg_store *s;
	uint8_t *needed;
	int some_gone;            /* what is in no pack is passed over */
};

static int note_node(void *ctx, const struct casg_oid *id, const struct casg_loc *loc,
		     int level, struct casg_err *err)
{
	struct reach *r = ctx;

	(void)id;
	(void)level;
	(void)err;
	r->needed[loc->pack] = 1;
	return 0;
}

static int absent(const char *what, const struct casg_oid *id, struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];

	return casg_err_set(err, CASG_EABSENT, "%s %s is in no pack here", what,
			    casg_oid_hex(id, hex));
}

/* An object and, one after the other, what it rests on. */
typedef int note_place_fn(void *ctx, const struct casg_loc *loc, struct casg_err *err);

static int each_base(struct casg_store *s, struct casg_coder *c, const struct casg_oid *id,
		     note_place_fn *fn, void *ctx, struct casg_err *err)
{
	struct casg_loc chain[CASG_CHAIN_MAX];
	struct casg_loc loc;
	int n = 0, rc = casg_store_find(s, c, id, &loc, NULL, err);

	if (!rc)
		return absent("object", id, err);
	if (rc > 0)
		rc = casg_store_chain(s, c, &loc, chain, &n, err);
	/* 1: it was here before, and what it rests on too */
	for (int i = 0; i < n && !rc; i++)
		rc = fn(ctx, &chain[i], err);
	return rc;
}

static int note_pack(void *ctx, const struct casg_loc *loc, struct casg_err *err)
{
	struct reach *r = ctx;

	(void)err;
	r->needed[loc->pack] = 1;
	return 0;
}

static int note_object(struct reach *r, struct casg_coder *c, const struct casg_oid *id,
		       struct casg_err *err)
{
	return each_base(r->s, c, id, note_pack, r, err);
}

/* What a search for something has found: 1, 0 or a failure. */
static int note_found(struct reach *r, int found, uint32_t pack, const char *what,
		      const struct casg_oid *id, struct casg_err *err)
{
	if (!found)
		return r->some_gone ? 0 : absent(what, id, err);
	if (found > 0 && !r->needed[pack])
		r->needed[pack] = 1;
	return found < 0 ? found : 0;
}

/* The packs of the bases that the nodes of a chunk have outside their pack. */
static int follow_bases(struct reach *r, struct casg_coder *c, uint32_t pack, uint32_t chunk,
			struct casg_err *err)
{
	struct casg_node_name names[CASG_NODELINK_BASES];
	const struct casg_chunk *ch;
	struct casg_loc loc = { 0 };
	uint32_t number;
	int n, rc = casg_store_get(r->s, c, pack, chunk, &ch, err);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < ch->nmembers && !rc; i++) {
		if (!casg_node_is_linked(ch, i))
			continue;
		rc = casg_packidx_node_number(casg_store_idx(r->s, pack), chunk, i, &number, err);
		if (!rc)
			rc = casg_nodelink_bases(ch, i, number, names, &n, err);
		for (int k = 0; !rc && k < n; k++) {
			if (names[k].number != CASG_NO_NUMBER)
				continue;
			rc = casg_store_find_node(r->s, &names[k].id, &loc, err);
			rc = note_found(r, rc, loc.pack, "tree node", &names[k].id, err);
		}
	}
	casg_store_put(r->s, ch);
	return rc;
}

static int note_bases(struct reach *r, struct casg_coder *c, const struct casg_chunk *ch,
		      struct casg_err *err)
{
	struct casg_orderdelta d;
	struct casg_loc loc = { 0 };
	int rc = 0;

	for (uint32_t i = 0; i < ch->nmembers && !rc; i++) {
		rc = casg_orderdelta_decode(&d, ch->data + ch->offset[i],
					    (size_t)casg_chunk_len(ch, i), err);
		if (rc)
			break;
		rc = casg_store_find(r->s, c, &d.base, &loc, NULL, err);
		if (rc)
			rc = note_found(r, rc, loc.pack, "object", &d.base, err);
	}
	return rc;
}

/*
 * The packs of what the orders and presentations of a chunk are differences to.
 * Those that a version has were read for it; of others, that are damaged or have
 * lost what they were made of, nothing can be kept.
 */
static int follow_orders(struct reach *r, struct casg_coder *c, uint32_t pack, uint32_t chunk,
			 struct casg_err *err)
{
	struct casg_err why = CASG_ERR_INIT;
	const struct casg_chunk *ch;
	int rc = casg_store_get(r->s, c, pack, chunk, &ch, &why);

	if (rc == CASG_ECORRUPT)
		return 0;
	if (rc) {
		if (err)
			*err = why;
		return rc;
	}
	rc = note_bases(r, c, ch, err);
	casg_store_put(r->s, ch);
	return rc;
}

/* What is elsewhere is for those who keep it to check: no order is fetched for this. */
static int follow_chunks(struct reach *r, struct casg_coder *c, uint32_t pack,
			 struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(r->s, pack);
	int here = !casg_store_promised(r->s, pack), rc = 0;
	struct casg_idx_chunk e;

	for (uint32_t i = 0; i < x->nchunks && !rc; i++) {
		rc = casg_packidx_chunk(x, i, &e, err);
		if (!rc && e.kind == CASG_CHUNK_NODE && e.layout == CASG_LAYOUT_LINKED_OUT)
			rc = follow_bases(r, c, pack, i, err);
		if (!rc && e.kind == CASG_CHUNK_ORDER && here)
			rc = follow_orders(r, c, pack, i, err);
	}
	return rc;
}

/* The packs that this one needs to be verified. */
static int follow_pack(struct reach *r, struct casg_coder *c, uint32_t pack,
		       struct casg_err *err)
{
	struct casg_oid *ids;
	size_t nids;
	int rc = casg_store_refs(r->s, c, pack, &ids, &nids, err);

	for (size_t k = 0; k < nids && !rc; k++) {
		uint32_t to = 0, chunk;

		rc = casg_store_find_chunk(r->s, &ids[k], &to, &chunk, err);
		rc = note_found(r, rc, to, "chunk", &ids[k], err);
	}
	free(ids);
	return rc ? rc : follow_chunks(r, c, pack, err);
}

/* 2 marks a pack whose references were followed. */
static int follow(struct reach *r, struct casg_coder *c, struct casg_err *err)
{
	uint32_t n = casg_store_npacks(r->s);

	for (uint32_t i = 0; i < n; i++) {
		int rc;

		if (r->needed[i] != 1)
			continue;
		rc = follow_pack(r, c, i, err);
		if (rc)
			return rc;
		r->needed[i] = 2;
		i = UINT32_MAX; /* from the first again: earlier ones may be new */
	}
	return 0;
}

int casg_reach_close(struct casg_store *s, struct casg_coder *c, uint8_t *needed,
		     struct casg_err *err)
{
	struct reach r = { s, needed, 1 };

	return follow(&r, c, err);
}

/* A walk by depth; each pack comes when all that it needs have come. */
struct ranking {
	struct reach r;           /* r.needed: what the pack at hand needs */
	struct casg_coder *c;
	const uint8_t *of;
	uint8_t *visited;
	uint32_t *out, n;
};

static int rank_pack(struct ranking *k, uint32_t pack, struct casg_err *err)
{
	uint32_t npacks = casg_store_npacks(k->r.s), n = 0, *needs = NULL;
	struct casg_err why = CASG_ERR_INIT;
	int rc;

	k->visited[pack] = 1;
	memset(k->r.needed, 0, npacks);
	rc = follow_pack(&k->r, k->c, pack, &why);
	/* one that cannot be read keeps nothing */
	if (rc != CASG_ENOMEM)
		rc = 0;
	for (uint32_t i = 0; i < npacks; i++)
		n += k->r.needed[i] && k->of[i];
	if (!rc)
		needs = malloc((n + 1) * sizeof(*needs));
	if (!needs)
		return casg_err_nomem(err);
	n = 0;
	for (uint32_t i = 0; i < npacks; i++)
		if (k->r.needed[i] && k->of[i])
			needs[n++] = i;
	for (uint32_t i = 0; i < n && !rc; i++)
		if (!k->visited[needs[i]])
			rc = rank_pack(k, needs[i], err);
	free(needs);
	k->out[k->n++] = pack;
	return rc;
}

int casg_reach_rank(struct casg_store *s, struct casg_coder *c, const uint8_t *of,
		    uint32_t *packs_out, uint32_t *n_out, struct casg_err *err)
{
	uint32_t npacks = casg_store_npacks(s);
	struct ranking k = {
		.r = { s, malloc(npacks + 1u), 1 }, .c = c, .of = of,
		.visited = calloc(npacks + 1u, 1), .out = packs_out,
	};
	int rc = k.r.needed && k.visited ? 0 : casg_err_nomem(err);

	for (uint32_t i = 0; i < npacks && !rc; i++)
		if (of[i] && !k.visited[i])
			rc = rank_pack(&k, i, err);
	*n_out = k.n;
	free(k.r.needed);
	free(k.visited);
	return rc;
}

int casg_reach_packs(struct casg_store *s, struct casg_coder *c,
		     const struct casg_roots *roots, uint8_t *needed_out,
		     struct casg_err *err)
{
	struct reach r = { s, needed_out, 0 };
	int rc;

	memset(needed_out, 0, casg_store_npacks(s));
	rc = casg_tree_walk(s, c, &roots->records, note_node, &r, err);
	if (!rc)
		rc = note_object(&r, c, &roots->order, err);
	if (!rc)
		rc = note_object(&r, c, &roots->presentation, err);
	if (!rc && roots->has_withdrawn)
		rc = note_object(&r, c, &roots->withdrawn, err);
	if (!rc)
		rc = follow(&r, c, err);
	for (uint32_t i = 0; i < casg_store_npacks(s); i++)
		needed_out[i] = needed_out[i] != 0;
	return rc;
}

/* ---- chunks ------------------------------------------------------------ */

struct chunks {
	struct casg_store *s;
	struct casg_coder *c;
	struct casg_nodes *nodes;
	uint8_t **seen;          /* a pack: a bit a node, or NULL */
	uint8_t **settled;       /* a pack: a bit a chunk of sequences, or NULL */
	casg_chunk_fn *note;
	void *ctx;
};

/* Was the bit set?  It is now. */
static int set_bit(uint8_t *bits, uint64_t i)
{
	uint8_t mask = (uint8_t)(1u << (i & 7));
	int was = (bits[i >> 3] & mask) != 0;

	bits[i >> 3] |= mask;
	return was;
}

/* The chunk of a node, and those of its bases and theirs. */
static int note_node_chunks(struct chunks *k, const struct casg_loc *loc, int depth,
			    struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(k->s, loc->pack);
	struct casg_loc bases[CASG_NODELINK_BASES];
	struct casg_idx_chunk e;
	uint32_t number;
	int n = 0, rc = casg_packidx_node_number(x, loc->chunk, loc->member, &number, err);

	if (!rc && !k->seen[loc->pack]) {
		k->seen[loc->pack] = calloc(x->nnodes / 8 + 1u, 1);
		if (!k->seen[loc->pack])
			rc = casg_err_nomem(err);
	}
	if (rc || set_bit(k->seen[loc->pack], number))
		return rc;
	if (depth > CASG_NODELINK_DEPTH)
		return casg_err_set(err, CASG_ECORRUPT, "a chain of tree nodes is too long");
	rc = k->note(k->ctx, loc->pack, loc->chunk, err);
	if (!rc)
		rc = casg_packidx_chunk(x, loc->chunk, &e, err);
	if (!rc && e.layout >= CASG_LAYOUT_LINKED)
		rc = casg_nodes_bases(k->nodes, loc, bases, &n, err);
	for (int i = 0; i < n && !rc; i++)
		rc = note_node_chunks(k, &bases[i], depth + 1, err);
	return rc;
}

static int note_node_chunk(void *ctx, const struct casg_oid *id, const struct casg_loc *loc,
			   int level, struct casg_err *err)
{
	(void)id;
	(void)level;
	return note_node_chunks(ctx, loc, 0, err);
}

int casg_reach_needs(struct casg_store *s, struct casg_coder *c, uint32_t pack, uint32_t chunk,
		     casg_chunk_fn *note, void *ctx, struct casg_err *err)
{
	uint32_t distance[CASG_SCRIPT_BASES_MAX], n = 0;
	struct casg_buf raw = CASG_BUF_INIT;
	struct casg_idx_chunk e;
	int rc = casg_packidx_chunk(casg_store_idx(s, pack), chunk, &e, err);

	if (rc || !casg_layout_is_matched(e.layout))
		return rc;
	rc = casg_store_raw(s, pack, chunk, &raw, err);
	if (!rc) {
		rc = casg_chunk_needs(c, raw.data, raw.len, distance, &n, err);
		if (!rc && n && distance[0] > chunk)
			rc = casg_err_set(err, CASG_ECORRUPT, "it needs a chunk before the first");
		if (rc)
			casg_err_prefix(err, "pack '%s', chunk %u", casg_store_pack_path(s, pack),
					chunk);
	}
	casg_buf_release(&raw);
	for (uint32_t i = 0; i < n && !rc; i++)
		rc = note(ctx, pack, chunk - distance[i], err);
	return rc;
}

/* A chunk, and those that it needs to be decoded. */
static int note_chunk(struct chunks *k, uint32_t pack, uint32_t chunk, struct casg_err *err)
{
	if (!k->settled[pack])
		k->settled[pack] = calloc(casg_store_idx(k->s, pack)->nchunks / 8 + 1u, 1);
	if (!k->settled[pack])
		return casg_err_nomem(err);
	if (set_bit(k->settled[pack], chunk))
		return 0;
	if (k->note(k->ctx, pack, chunk, err))
		return err ? err->code : CASG_ENOMEM;
	return casg_reach_needs(k->s, k->c, pack, chunk, k->note, k->ctx, err);
}

/* The chunk of an object and, if it is a list, those of its pieces. */
static int note_pieces(void *ctx, const struct casg_loc *loc, struct casg_err *err)
{
	struct chunks *k = ctx;
	struct casg_idx_chunk ic;
	struct casg_object o;
	int rc = note_chunk(k, loc->pack, loc->chunk, err);

	if (!rc)
		rc = casg_packidx_chunk(casg_store_idx(k->s, loc->pack), loc->chunk, &ic, err);
	if (rc || ic.kind != CASG_CHUNK_LIST)
		return rc;
	rc = casg_store_object(k->s, k->c, loc, &o, err);
	for (size_t i = 0; i < o.npieces && !rc; i++)
		rc = note_chunk(k, o.pieces[i].pack, o.pieces[i].chunk, err);
	casg_object_release(&o);
	return rc;
}

static int note_blob(struct chunks *k, const struct casg_oid *id, struct casg_err *err)
{
	return each_base(k->s, k->c, id, note_pieces, k, err);
}

static int note_records(struct chunks *k, const struct casg_roots *roots,
			struct casg_err *err)
{
	struct casg_treer *t = casg_treer_open(k->s, k->c, &roots->records, err);
	struct casg_entry e;
	struct casg_loc loc;
	uint32_t pack;
	int rc = t ? 0 : CASG_ECORRUPT;

	while (!rc && (rc = casg_treer_next_raw(t, &e, &pack, err)) > 0) {
		rc = casg_store_ref(k->s, k->c, pack, e.ref, &loc, err);
		if (!rc)
			rc = note_pieces(k, &loc, err);
		if (!rc && !e.desc)
			rc = note_blob(k, &e.desc_blob, err);
	}
	casg_treer_free(t);
	return rc;
}

int casg_presentation_blobs(struct casg_store *s, struct casg_coder *c,
			    const struct casg_oid *presentation, casg_blob_fn *fn, void *ctx,
			    struct casg_err *err)
{
	struct casg_presr *p;
	struct casg_facts facts;
	int rc;

	casg_facts_init(&facts);
	p = casg_presr_open(s, c, presentation, &facts, err);
	rc = p ? 0 : CASG_ECORRUPT;
	while (!rc && casg_presr_more(p)) {
		struct casg_oid id;
		const char *text;
		size_t n;

		rc = casg_presr_next(p, &text, &n, err);
		if (!rc && n == 1 + CASG_OID_HEXSZ && text[0] == '@' &&
		    !casg_oid_parse(&id, text + 1, CASG_OID_HEXSZ))
			rc = fn(ctx, &id, err);
	}
	casg_presr_free(p);
	casg_facts_release(&facts);
	return rc;
}

static int note_long(void *ctx, const struct casg_oid *id, struct casg_err *err)
{
	return note_blob(ctx, id, err);
}

static int note_presentation(struct chunks *k, const struct casg_roots *roots,
			     struct casg_err *err)
{
	int rc = note_blob(k, &roots->presentation, err);

	return rc ? rc : casg_presentation_blobs(k->s, k->c, &roots->presentation, note_long, k,
						 err);
}

int casg_reach_chunks(struct casg_store *s, struct casg_coder *c,
		      const struct casg_roots *roots, casg_chunk_fn *note, void *ctx,
		      struct casg_err *err)
{
	uint32_t npacks = casg_store_npacks(s);
	struct chunks k = {
		.s = s, .c = c, .note = note, .ctx = ctx,
		.nodes = casg_nodes_new(s, c), .seen = calloc(npacks + 1u, sizeof(*k.seen)),
		.settled = calloc(npacks + 1u, sizeof(*k.settled)),
	};
	int rc = k.nodes && k.seen && k.settled ? 0 : casg_err_nomem(err);

	if (!rc)
		rc = casg_tree_walk(s, c, &roots->records, note_node_chunk, &k, err);
	if (!rc)
		rc = note_records(&k, roots, err);
	if (!rc)
		rc = note_blob(&k, &roots->order, err);
	if (!rc)
		rc = note_presentation(&k, roots, err);
	if (!rc && roots->has_withdrawn)
		rc = note_blob(&k, &roots->withdrawn, err);
	for (uint32_t i = 0; k.seen && i < npacks; i++)
		free(k.seen[i]);
	for (uint32_t i = 0; k.settled && i < npacks; i++)
		free(k.settled[i]);
	free(k.seen);
	free(k.settled);
	casg_nodes_free(k.nodes);
	return rc;
}

/* ---- marks --------------------------------------------------------------- */

struct casg_marks {
	struct reach r;           /* r.needed: a flag a pack */
	struct casg_coder *c;
	struct seen {
		uint32_t *nodes_before; /* a chunk: nodes in the chunks before it */
		uint8_t *nodes;         /* a bit a node */
		uint8_t *objects;       /* a bit an object */
	} *seen;                  /* a pack */
	uint32_t npacks;
	int sequences;            /* are to be marked as well */
	int everything;           /* so are pieces and orders */
	casg_marks_fn *watch;
	void *watch_ctx;
};

struct casg_marks *casg_marks_new(struct casg_store *s, struct casg_coder *c,
				  struct casg_err *err)
{
	struct casg_marks *m = calloc(1, sizeof(*m));

	if (m) {
		m->npacks = casg_store_npacks(s);
		m->c = c;
		m->r.s = s;
		m->r.needed = calloc(m->npacks + 1u, 1);
		m->seen = calloc(m->npacks + 1u, sizeof(*m->seen));
		if (m->r.needed && m->seen)
			return m;
		casg_marks_free(m);
	}
	casg_err_nomem(err);
	return NULL;
}

void casg_marks_free(struct casg_marks *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; m->seen && i < m->npacks; i++) {
		free(m->seen[i].nodes_before);
		free(m->seen[i].nodes);
		free(m->seen[i].objects);
	}
	free(m->seen);
	free(m->r.needed);
	free(m);
}

static int prepare_seen(struct casg_marks *m, uint32_t pack, struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(m->r.s, pack);
	struct seen *n = &m->seen[pack];
	struct casg_idx_chunk e;
	uint32_t before = 0;
	int rc = 0;

	if (n->objects)
		return 0;
	n->nodes_before = calloc(x->nchunks + 1u, sizeof(*n->nodes_before));
	n->nodes = calloc(x->nnodes / 8 + 1u, 1);
	if (!n->nodes_before || !n->nodes)
		return casg_err_nomem(err);
	for (uint32_t i = 0; i < x->nchunks && !rc; i++) {
		n->nodes_before[i] = before;
		rc = casg_packidx_chunk(x, i, &e, err);
		if (!rc && e.kind == CASG_CHUNK_NODE)
			before += e.nmembers;
	}
	if (rc || before != x->nnodes)
		return casg_err_set(err, CASG_ECORRUPT, "index of '%s' miscounts nodes",
				    casg_store_pack_path(m->r.s, pack));
	n->objects = calloc(x->nobjects / 8 + 1u, 1);
	return n->objects ? 0 : casg_err_nomem(err);
}

/* 1: it and all below it were visited before. */
static int mark_node(void *ctx, const struct casg_oid *id, const struct casg_loc *loc,
		     int level, struct casg_err *err)
{
	struct casg_marks *m = ctx;
	struct casg_packidx *x = casg_store_idx(m->r.s, loc->pack);
	uint64_t number;
	int rc = prepare_seen(m, loc->pack, err);

	(void)id;
	(void)level;
	if (rc)
		return rc;
	number = loc->chunk < x->nchunks ?
		 (uint64_t)m->seen[loc->pack].nodes_before[loc->chunk] + loc->member : UINT64_MAX;
	if (number >= x->nnodes)
		return casg_err_set(err, CASG_ECORRUPT, "index of '%s': a node is nowhere",
				    casg_store_pack_path(m->r.s, loc->pack));
	m->r.needed[loc->pack] = 1;
	return set_bit(m->seen[loc->pack].nodes, number);
}

static int mark_place(void *ctx, const struct casg_loc *loc, struct casg_err *err);

static int mark_pieces(struct casg_marks *m, const struct casg_loc *loc, struct casg_err *err)
{
	struct casg_object o;
	int rc = casg_store_object(m->r.s, m->c, loc, &o, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < o.npieces && rc >= 0; i++)
		rc = mark_place(m, &o.pieces[i], err);
	casg_object_release(&o);
	return rc < 0 ? rc : 0;
}

/* The same for an object; the pieces of a list are the pack's references. */
static int mark_place(void *ctx, const struct casg_loc *loc, struct casg_err *err)
{
	struct casg_marks *m = ctx;
	struct casg_packidx *x = casg_store_idx(m->r.s, loc->pack);
	struct casg_idx_chunk e;
	int rc = prepare_seen(m, loc->pack, err);

	if (!rc)
		rc = casg_packidx_chunk(x, loc->chunk, &e, err);
	if (rc || (uint64_t)e.first + loc->member >= x->nobjects)
		return casg_err_set(err, CASG_ECORRUPT, "index of '%s': an object is nowhere",
				    casg_store_pack_path(m->r.s, loc->pack));
	m->r.needed[loc->pack] = 1;
	rc = set_bit(m->seen[loc->pack].objects, (uint64_t)e.first + loc->member);
	if (!rc && m->everything && e.kind == CASG_CHUNK_LIST)
		rc = mark_pieces(m, loc, err);
	return rc;
}

static int mark_object(struct casg_marks *m, const struct casg_oid *id, struct casg_err *err)
{
	return each_base(m->r.s, m->c, id, mark_place, m, err);
}

/* A long description is named by id: no reference of the pack leads to it. */
static int mark_entry(void *ctx, const struct casg_entry *e, struct casg_err *err)
{
	struct casg_marks *m = ctx;
	int rc = e->desc ? 0 : mark_object(m, &e->desc_blob, err);

	if (rc >= 0 && m->sequences) {
		struct casg_loc loc;

		rc = casg_store_ref(m->r.s, m->c, e->pack, e->ref, &loc, err);
		if (!rc)
			rc = mark_place(m, &loc, err);
		if (rc >= 0 && m->watch)
			rc = m->watch(m->watch_ctx, e, &loc, err);
	}
	return rc < 0 ? rc : 0;
}

void casg_marks_watch(struct casg_marks *m, casg_marks_fn *fn, void *ctx)
{
	m->watch = fn;
	m->watch_ctx = ctx;
}

void casg_marks_sequences(struct casg_marks *m)
{
	m->sequences = 1;
}

void casg_marks_everything(struct casg_marks *m)
{
	m->sequences = m->everything = 1;
}

static int all_set(const uint8_t *bits, uint64_t n)
{
	uint64_t i = 0;

	for (; i + 8 <= n; i += 8)
		if (bits[i >> 3] != 0xff)
			return 0;
	return i == n || bits[i >> 3] == (1u << (n - i)) - 1;
}

int casg_marks_whole(const struct casg_marks *m, uint32_t pack)
{
	const struct casg_packidx *x = casg_store_idx(m->r.s, pack);
	const struct seen *n = &m->seen[pack];

	return n->objects && all_set(n->nodes, x->nnodes) && all_set(n->objects, x->nobjects);
}

int casg_marks_has(const struct casg_marks *m, uint32_t pack, uint32_t object)
{
	const uint8_t *bits = m->seen[pack].objects;

	return bits && (bits[object >> 3] >> (object & 7) & 1);
}

int casg_marks_has_node(const struct casg_marks *m, const struct casg_loc *loc)
{
	const struct seen *n = &m->seen[loc->pack];
	uint64_t i = n->nodes ? (uint64_t)n->nodes_before[loc->chunk] + loc->member : 0;

	return n->nodes && (n->nodes[i >> 3] >> (i & 7) & 1);
}

/* So are long presentations of records. */
static int mark_long(void *ctx, const struct casg_oid *id, struct casg_err *err)
{
	int rc = mark_object(ctx, id, err);

	return rc < 0 ? rc : 0;
}

/* What an order or presentation rests on may be of a version that was not asked for. */
static int mark_linked(struct casg_marks *m, const struct casg_oid *id, struct casg_err *err)
{
	struct casg_loc loc;
	int rc;

	if (!m->sequences)
		return mark_object(m, id, err);
	if (!m->everything)
		return 0;
	rc = casg_store_find(m->r.s, m->c, id, &loc, NULL, err);
	if (!rc)
		return absent("object", id, err);
	return rc < 0 ? rc : mark_place(m, &loc, err);
}

int casg_marks_add(struct casg_marks *m, const struct casg_roots *roots,
		   struct casg_err *err)
{
	const struct casg_tree_visitor v = { mark_node, mark_entry, m };
	int rc = casg_tree_visit(m->r.s, m->c, &roots->records, &v, err);

	if (!rc && roots->has_withdrawn)
		rc = mark_object(m, &roots->withdrawn, err);
	if (rc >= 0)
		rc = mark_linked(m, &roots->order, err);
	if (rc >= 0)
		rc = mark_linked(m, &roots->presentation, err);
	if (rc >= 0)
		rc = casg_presentation_blobs(m->r.s, m->c, &roots->presentation, mark_long, m, err);
	return rc < 0 ? rc : 0;
}

int casg_marks_blob(struct casg_marks *m, const struct casg_oid *id, struct casg_err *err)
{
	int rc = mark_object(m, id, err);

	return rc < 0 ? rc : 0;
}

int casg_marks_finish(struct casg_marks *m, struct casg_err *err)
{
	return follow(&m->r, m->c, err);
}

int casg_marks_needed(const struct casg_marks *m, uint32_t pack)
{
	return m->r.needed[pack] != 0;
}

/* ---- PACKS ------------------------------------------------------------- */

int casg_reach_kinds(struct casg_store *s, uint32_t pack, struct casg_buf *out,
		     struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(s, pack);
	struct casg_idx_chunk e;
	int has[8] = { 0 }, any = 0;

	for (uint32_t i = 0; i < x->nchunks; i++) {
		int rc = casg_packidx_chunk(x, i, &e, err);

		if (rc)
			return rc;
		has[e.kind & 7] = 1;
	}
	for (int k = 0; k < 8; k++)
		if (has[k]) {
			casg_buf_addf(out, "%s%s", any ? "," : "", casg_chunk_kind_name(k));
			any = 1;
		}
	return casg_buf_check(out, err);
}

int casg_reach_line(struct casg_store *s, uint32_t pack, struct casg_buf *out,
		    struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(s, pack);
	int rc;

	casg_oid_addhex(out, &x->pack_id);
	casg_buf_addf(out, " %llu ", (unsigned long long)x->pack_nbytes);
	rc = casg_reach_kinds(s, pack, out, err);
	return rc ? rc : casg_buf_check(out, err);
}

struct line_key {
	struct casg_oid id;
	uint32_t pack;
};

static int cmp_line(const void *a, const void *b)
{
	return casg_oid_cmp(&((const struct line_key *)a)->id,
			    &((const struct line_key *)b)->id);
}

int casg_reach_text(struct casg_store *s, struct casg_coder *c,
		    const struct casg_roots *roots, struct casg_buf *out,
		    struct casg_err *err)
{
	uint32_t n = casg_store_npacks(s), k = 0;
	uint8_t *needed = malloc((size_t)n + 1);
	struct line_key *keys = malloc(((size_t)n + 1) * sizeof(*keys));
	int rc = needed && keys ? casg_reach_packs(s, c, roots, needed, err)
				: casg_err_nomem(err);

	for (uint32_t i = 0; i < n && !rc; i++)
		if (needed[i]) {
			keys[k].id = casg_store_idx(s, i)->pack_id;
			keys[k++].pack = i;
		}
	if (!rc)
		qsort(keys, k, sizeof(*keys), cmp_line);
	for (uint32_t i = 0; i < k && !rc; i++) {
		rc = casg_reach_line(s, keys[i].pack, out, err);
		casg_buf_addch(out, '\n');
	}
	if (!rc)
		rc = casg_buf_check(out, err);
	free(needed);
	free(keys);
	return rc;
}
