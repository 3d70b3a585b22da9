#include "reach.h"

#include <stdlib.h>

#include "nodes.h"
#include "objects.h"
#include "orderdelta.h"
#include "treer.h"

struct reach {
	struct casg_store *s;
	uint8_t *needed;
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

/* The packs of the bases that the nodes of a chunk have outside their pack. */
static int follow_bases(struct reach *r, struct casg_coder *c, uint32_t pack, uint32_t chunk,
			struct casg_err *err)
{
	struct casg_node_name names[CASG_NODELINK_BASES];
	const struct casg_chunk *ch;
	struct casg_loc loc;
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
			if (!rc)
				rc = absent("tree node", &names[k].id, err);
			if (rc < 0)
				break;
			if (!r->needed[loc.pack])
				r->needed[loc.pack] = 1;
			rc = 0;
		}
	}
	casg_store_put(r->s, ch);
	return rc;
}

static int follow_all_bases(struct reach *r, struct casg_coder *c, uint32_t pack,
			    struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(r->s, pack);
	struct casg_idx_chunk e;
	int rc = 0;

	for (uint32_t i = 0; i < x->nchunks && x->nnodes && !rc; i++) {
		rc = casg_packidx_chunk(x, i, &e, err);
		if (!rc && e.kind == CASG_CHUNK_NODE && e.layout == CASG_LAYOUT_LINKED_OUT)
			rc = follow_bases(r, c, pack, i, err);
	}
	return rc;
}

/* 2 marks a pack whose references were followed. */
static int follow(struct reach *r, struct casg_coder *c, struct casg_err *err)
{
	uint32_t n = casg_store_npacks(r->s);

	for (uint32_t i = 0; i < n; i++) {
		struct casg_oid *ids;
		size_t nids;
		int rc;

		if (r->needed[i] != 1)
			continue;
		rc = casg_store_refs(r->s, c, i, &ids, &nids, err);
		for (size_t k = 0; k < nids && !rc; k++) {
			uint32_t pack, chunk;

			rc = casg_store_find_chunk(r->s, &ids[k], &pack, &chunk, err);
			if (!rc)
				rc = absent("chunk", &ids[k], err);
			if (rc < 0)
				break;
			if (!r->needed[pack])
				r->needed[pack] = 1;
			rc = 0;
		}
		free(ids);
		if (!rc)
			rc = follow_all_bases(r, c, i, err);
		if (rc)
			return rc;
		r->needed[i] = 2;
		i = UINT32_MAX; /* from the first again: earlier ones may be new */
	}
	return 0;
}

int casg_reach_packs(struct casg_store *s, struct casg_coder *c,
		     const struct casg_roots *roots, uint8_t *needed_out,
		     struct casg_err *err)
{
	struct reach r = { s, needed_out };
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

/* The chunk of an object and, if it is a list, those of its pieces. */
static int note_pieces(void *ctx, const struct casg_loc *loc, struct casg_err *err)
{
	struct chunks *k = ctx;
	struct casg_idx_chunk ic;
	struct casg_object o;
	int rc = k->note(k->ctx, loc->pack, loc->chunk, err);

	if (!rc)
		rc = casg_packidx_chunk(casg_store_idx(k->s, loc->pack), loc->chunk, &ic, err);
	if (rc || ic.kind != CASG_CHUNK_LIST)
		return rc;
	rc = casg_store_object(k->s, k->c, loc, &o, err);
	for (size_t i = 0; i < o.npieces && !rc; i++)
		rc = k->note(k->ctx, o.pieces[i].pack, o.pieces[i].chunk, err);
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

/* Long presentations of records are blobs of their own: their ids. */
static int each_long_presentation(struct casg_store *s, struct casg_coder *c,
				  const struct casg_oid *presentation,
				  int (*fn)(void *ctx, const struct casg_oid *id,
					    struct casg_err *err),
				  void *ctx, struct casg_err *err)
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

	return rc ? rc : each_long_presentation(k->s, k->c, &roots->presentation, note_long,
						k, err);
}

int casg_reach_chunks(struct casg_store *s, struct casg_coder *c,
		      const struct casg_roots *roots, casg_chunk_fn *note, void *ctx,
		      struct casg_err *err)
{
	uint32_t npacks = casg_store_npacks(s);
	struct chunks k = {
		.s = s, .c = c, .note = note, .ctx = ctx,
		.nodes = casg_nodes_new(s, c), .seen = calloc(npacks + 1u, sizeof(*k.seen)),
	};
	int rc = k.nodes && k.seen ? 0 : casg_err_nomem(err);

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
	free(k.seen);
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

/* So are long presentations of records. */
static int mark_long(void *ctx, const struct casg_oid *id, struct casg_err *err)
{
	int rc = mark_object(ctx, id, err);

	return rc < 0 ? rc : 0;
}

/* What an order rests on may be of a version that was not asked for. */
static int mark_order(struct casg_marks *m, const struct casg_oid *id, struct casg_err *err)
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
		rc = mark_order(m, &roots->order, err);
	if (rc >= 0)
		rc = mark_object(m, &roots->presentation, err);
	if (!rc)
		rc = each_long_presentation(m->r.s, m->c, &roots->presentation, mark_long, m, err);
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
