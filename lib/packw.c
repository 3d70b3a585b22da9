#include "packw.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "array.h"
#include "cut.h"
#include "endian.h"
#include "io.h"
#include "pack.h"
#include "packidx.h"
#include "tmpfile.h"

struct ref {
	struct casg_oid id;
	uint32_t nmembers;
	uint64_t base;
};

/* Numbers of things that begin with their id, by that id; brought up to date on use. */
struct idset {
	uint32_t *slot;  /* number + 1, or 0 */
	size_t cap;      /* a power of two */
	size_t count;    /* entered so far */
};

/*
 * A finished pack.  Entries are only ever put in front, whole, so that a
 * signal handler may walk them at any time.
 */
struct done {
	struct done *before;
	struct casg_oid id;
	uint64_t nbytes;
	int ours; /* was not there before */
	char pack[CASG_PATH_MAX], idx[CASG_PATH_MAX], objects[CASG_PATH_MAX];
};

struct casg_packw {
	struct casg_store *store;
	struct casg_packw_opts opts;
	struct casg_coder *coder;
	struct casg_hasher *hasher; /* of the whole file */
	struct casg_tmpfile tmp, aux; /* the pack; its index or list of objects */
	int open;
	uint64_t nbytes, synced;
	struct casg_idx_chunk *chunks;
	size_t nchunks, cap_chunks;
	struct casg_objinfo *objects;
	size_t nobjects, cap_objects;
	struct casg_idx_node *nodes;
	size_t nnodes, cap_nodes;
	struct ref *refs;
	size_t nrefs, cap_refs;
	uint64_t next_ref;
	struct idset object_set, node_set;
	struct done *volatile last_done;
	struct done *volatile kept;   /* this one, and those before it, stay */
	uint32_t ndone;
	uint64_t total_nbytes;
};

struct casg_packw *casg_packw_new(struct casg_store *store,
				  const struct casg_packw_opts *opts,
				  struct casg_err *err)
{
	struct casg_packw *w = calloc(1, sizeof(*w));

	if (w) {
		w->store = store;
		w->opts = *opts;
		if (!w->opts.max_objects || w->opts.max_objects > CASG_PACK_OBJECTS_MAX)
			w->opts.max_objects = CASG_PACK_OBJECTS_MAX;
		w->tmp = w->aux = (struct casg_tmpfile)CASG_TMPFILE_INIT;
		w->hasher = casg_hasher_new();
		w->coder = casg_coder_new();
		if (w->hasher && w->coder)
			return w;
		casg_packw_free(w);
	}
	casg_err_nomem(err);
	return NULL;
}

void casg_packw_free(struct casg_packw *w)
{
	if (!w)
		return;
	casg_tmpfile_abandon(&w->tmp);
	casg_tmpfile_abandon(&w->aux);
	casg_hasher_free(w->hasher);
	casg_coder_free(w->coder);
	free(w->chunks);
	free(w->objects);
	free(w->nodes);
	free(w->refs);
	free(w->object_set.slot);
	free(w->node_set.slot);
	while (w->last_done) {
		struct done *d = w->last_done;

		w->last_done = d->before;
		free(d);
	}
	free(w);
}

static void idset_clear(struct idset *s)
{
	s->count = 0;
	if (s->slot)
		memset(s->slot, 0, s->cap * sizeof(*s->slot));
}

static const struct casg_oid *id_at(const void *items, size_t stride, size_t i)
{
	return (const struct casg_oid *)(const void *)((const char *)items + i * stride);
}

/* Enter those of n items that are new. */
static int idset_update(struct idset *s, const void *items, size_t stride, size_t n)
{
	if (n * 2 > s->cap) {
		size_t cap = s->cap ? s->cap : 1024;
		uint32_t *slot;

		while (cap < n * 4)
			cap *= 2;
		slot = calloc(cap, sizeof(*slot));
		if (!slot)
			return -1;
		free(s->slot);
		s->slot = slot;
		s->cap = cap;
		s->count = 0;
	}
	for (; s->count < n; s->count++) {
		size_t i = (size_t)casg_oid_prefix(id_at(items, stride, s->count)) & (s->cap - 1);

		while (s->slot[i])
			i = (i + 1) & (s->cap - 1);
		s->slot[i] = (uint32_t)s->count + 1;
	}
	return 0;
}

/* The first slot for the id; the caller goes on while slot[i] is not 0. */
static size_t idset_start(const struct idset *s, const struct casg_oid *id)
{
	return (size_t)casg_oid_prefix(id) & (s->cap - 1);
}

static int put(struct casg_packw *w, const void *p, size_t n, struct casg_err *err)
{
	int rc = casg_write_full(w->tmp.fd, p, n, err);

	if (rc)
		return casg_err_prefix(err, "cannot write '%s'", w->tmp.path);
	casg_hasher_update(w->hasher, p, n);
	w->nbytes += n;
#ifdef __linux__
	/* start the disk early: less is left to wait for at the end */
	if (w->nbytes - w->synced >= (4u << 20)) {
		sync_file_range(w->tmp.fd, (off_t)w->synced,
				(off_t)(w->nbytes - w->synced), SYNC_FILE_RANGE_WRITE);
		w->synced = w->nbytes;
	}
#endif
	return 0;
}

static int begin(struct casg_packw *w, struct casg_err *err)
{
	uint8_t h[CASG_PACK_HEADSZ];
	int rc = casg_tmpfile_create(&w->tmp, w->opts.tmp_dir, "pack", err);

	if (rc)
		return rc;
	w->open = 1;
	w->nbytes = w->synced = 0;
	w->nchunks = w->nobjects = w->nnodes = w->nrefs = 0;
	w->next_ref = 0;
	idset_clear(&w->object_set);
	idset_clear(&w->node_set);
	casg_hasher_init(w->hasher);
	casg_pack_head_encode(h);
	return put(w, h, sizeof(h), err);
}

int casg_packw_room(struct casg_packw *w, uint64_t nbytes, uint64_t nobjects,
		    struct casg_err *err)
{
	/* its references go into one chunk */
	if (w->open && w->nchunks && (w->nbytes + nbytes > w->opts.pack_nbytes ||
				      w->nobjects + nobjects > w->opts.max_objects ||
				      w->nrefs > CASG_CHUNK_MEMBERS_MAX / 2))
		return casg_packw_finish(w, err);
	return 0;
}

static int note_members(struct casg_packw *w, const struct casg_chunk_head *h,
			const struct casg_objinfo *members)
{
	if (h->kind == CASG_CHUNK_REFS)
		return 0;
	if (h->kind == CASG_CHUNK_NODE) {
		if (CASG_GROW(w->nodes, w->nnodes + h->nmembers, w->cap_nodes))
			return -1;
		for (uint32_t i = 0; i < h->nmembers; i++) {
			struct casg_idx_node *n = &w->nodes[w->nnodes++];

			n->id = members[i].id;
			n->chunk = (uint32_t)w->nchunks;
			n->member = i;
		}
		return 0;
	}
	if (CASG_GROW(w->objects, w->nobjects + h->nmembers, w->cap_objects))
		return -1;
	memcpy(w->objects + w->nobjects, members,
	       (size_t)h->nmembers * sizeof(*members));
	w->nobjects += h->nmembers;
	return 0;
}

int casg_packw_add(struct casg_packw *w, const uint8_t *chunk, size_t nbytes,
		   const struct casg_oid *chunk_id, const struct casg_objinfo *members,
		   struct casg_err *err)
{
	struct casg_idx_chunk *c;
	struct casg_chunk_head h;
	uint32_t first;
	int rc = w->open ? 0 : begin(w, err);

	if (!rc)
		rc = casg_chunk_head_decode(&h, chunk, nbytes, err);
	if (rc)
		return rc;
	first = (uint32_t)w->nobjects;
	if (CASG_GROW(w->chunks, w->nchunks + 1, w->cap_chunks) ||
	    note_members(w, &h, members))
		return casg_err_nomem(err);
	c = &w->chunks[w->nchunks++];
	c->id = *chunk_id;
	c->offset = w->nbytes;
	c->nbytes = nbytes;
	c->nraw = (uint32_t)h.nraw;
	c->nmembers = h.nmembers;
	c->first = first;
	c->kind = h.kind;
	c->layout = casg_chunk_noted_layout(h.kind, h.layout);
	return put(w, chunk, nbytes, err);
}

int casg_packw_ref(struct casg_packw *w, const struct casg_oid *chunk_id,
		   uint32_t nmembers, uint64_t *base_out, struct casg_err *err)
{
	struct ref *r;
	int rc;

	if (!w->open && (rc = begin(w, err)))
		return rc;
	/* callers refer to the same chunk in runs; they keep the base themselves */
	for (size_t i = w->nrefs; i-- && i + 64 > w->nrefs; )
		if (casg_oid_eq(&w->refs[i].id, chunk_id)) {
			*base_out = w->refs[i].base;
			return 0;
		}
	if (CASG_GROW(w->refs, w->nrefs + 1, w->cap_refs))
		return casg_err_nomem(err);
	r = &w->refs[w->nrefs++];
	r->id = *chunk_id;
	r->nmembers = nmembers;
	r->base = w->next_ref;
	w->next_ref += nmembers;
	*base_out = r->base;
	return 0;
}

/* ---- finishing --------------------------------------------------------- */

static int write_refs(struct casg_packw *w, struct casg_err *err)
{
	struct casg_buf out = CASG_BUF_INIT, bytes = CASG_BUF_INIT;
	struct casg_slice *m = calloc(w->nrefs, sizeof(*m));
	struct casg_oid id;
	int rc = 0;

	for (size_t i = 0; i < w->nrefs; i++) {
		uint8_t n[4];

		casg_put_le32(n, w->refs[i].nmembers);
		casg_buf_add(&bytes, w->refs[i].id.b, CASG_OID_RAWSZ);
		casg_buf_add(&bytes, n, sizeof(n));
	}
	if (!m || bytes.failed)
		rc = casg_err_nomem(err);
	for (size_t i = 0; i < w->nrefs && !rc; i++) {
		m[i].p = bytes.data + i * CASG_REF_SZ;
		m[i].nbytes = CASG_REF_SZ;
	}
	if (!rc)
		rc = casg_chunk_encode(w->coder, CASG_CHUNK_REFS, 0, 1, m,
				       (uint32_t)w->nrefs, NULL, &out, &id, err);
	if (!rc)
		rc = casg_packw_add(w, out.data, out.len, &id, NULL, err);
	free(m);
	casg_buf_release(&bytes);
	casg_buf_release(&out);
	return rc;
}

static int open_aux(struct casg_packw *w, const char *prefix, struct casg_err *err)
{
	return casg_tmpfile_create(&w->aux, w->opts.tmp_dir, prefix, err);
}

static int put_aux(struct casg_packw *w, const void *p, size_t n, struct casg_err *err)
{
	int rc = casg_write_full(w->aux.fd, p, n, err);

	if (rc) {
		casg_err_prefix(err, "cannot write '%s'", w->aux.path);
		casg_tmpfile_abandon(&w->aux);
	}
	return rc;
}

/* Write the whole blocks that are in the buffer; keep the one under way. */
static int drain_blocks(struct casg_packw *w, struct casg_buf *out, struct casg_err *err)
{
	size_t whole = out->len / CASG_BLOCK * CASG_BLOCK;
	int rc = casg_buf_check(out, err);

	if (!rc)
		rc = put_aux(w, out->data, whole, err);
	if (!rc) {
		memmove(out->data, out->data + whole, out->len - whole);
		out->len -= whole;
	}
	return rc;
}

/* A cache: not synced, and not missed when it cannot be had. */
static void write_objects(struct casg_packw *w, const struct done *d)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_blocks_writer bw = { &out, 0, 0 };
	int rc = w->nobjects ? open_aux(w, "objects", NULL) : -1;

	for (size_t i = 0; i < w->nobjects && !rc; i++) {
		uint8_t e[CASG_OBJINFO_SZ];

		memcpy(e, w->objects[i].id.b, CASG_OID_RAWSZ);
		casg_put_le64(e + CASG_OID_RAWSZ, w->objects[i].nbytes);
		casg_blocks_put(&bw, e, sizeof(e));
		if (out.len >= 64 * CASG_BLOCK)
			rc = drain_blocks(w, &out, NULL);
	}
	if (!rc) {
		casg_blocks_finish(&bw);
		rc = drain_blocks(w, &out, NULL);
	}
	if (!rc && !rename(w->aux.path, d->objects))
		w->aux.active = 0;
	casg_tmpfile_abandon(&w->aux);
	casg_buf_release(&out);
}

static int write_index(struct casg_packw *w, const struct done *d, struct casg_err *err)
{
	struct casg_packidx_src src = {
		.pack_id = d->id, .pack_nbytes = w->nbytes,
		.chunks = w->chunks, .nchunks = (uint32_t)w->nchunks,
		.objects = w->objects, .nobjects = (uint32_t)w->nobjects,
		.nodes = w->nodes, .nnodes = (uint32_t)w->nnodes,
	};
	struct casg_buf out = CASG_BUF_INIT;
	int rc = casg_packidx_build(&src, &out, err);

	if (!rc)
		rc = open_aux(w, "idx", err);
	if (!rc)
		rc = put_aux(w, out.data, out.len, err);
	if (!rc)
		rc = casg_tmpfile_commit_replace(&w->aux, d->idx, err);
	if (!rc)
		w->total_nbytes += out.len;
	casg_buf_release(&out);
	return rc;
}

static struct done *new_done(struct casg_packw *w, const struct casg_oid *id)
{
	struct done *d = calloc(1, sizeof(*d));
	char hex[CASG_OID_HEXSZ + 1];

	if (!d)
		return NULL;
	casg_oid_hex(id, hex);
	d->id = *id;
	d->nbytes = w->nbytes;
	snprintf(d->pack, sizeof(d->pack), "%s/pack-%s.pack", w->opts.packs_dir, hex);
	snprintf(d->idx, sizeof(d->idx), "%s/pack-%s.idx", w->opts.packs_dir, hex);
	if (w->opts.ids_dir)
		snprintf(d->objects, sizeof(d->objects), "%s/pack-%s.objects",
			 w->opts.ids_dir, hex);
	d->ours = access(d->pack, F_OK) != 0;
	d->before = w->last_done;
	w->last_done = d;
	return d;
}

int casg_packw_finish(struct casg_packw *w, struct casg_err *err)
{
	uint8_t trail[CASG_PACK_TRAILSZ];
	struct casg_oid id;
	struct done *d;
	int rc = 0;

	if (!w->open)
		return 0;
	if (!w->nchunks) {
		casg_tmpfile_abandon(&w->tmp);
		w->open = 0;
		return 0;
	}
	if (w->nrefs)
		rc = write_refs(w, err);
	casg_pack_trail_encode(trail, w->nchunks);
	if (!rc)
		rc = put(w, trail, sizeof(trail), err);
	if (rc)
		return rc;
	casg_hasher_final(w->hasher, &id);
	d = new_done(w, &id);
	if (!d)
		return casg_err_nomem(err);
	if (w->opts.ids_dir)
		write_objects(w, d);
	rc = write_index(w, d, err);
	if (!rc)
		rc = casg_tmpfile_commit(&w->tmp, d->pack, err);
	if (rc)
		return rc;
	w->open = 0;
	w->ndone++;
	w->total_nbytes += w->nbytes;
	rc = casg_store_add_pack(w->store, &id, err);
	if (!rc && d->ours && w->opts.finished)
		rc = w->opts.finished(w->opts.finished_ctx, &id, err);
	return rc;
}

void casg_packw_abandon(struct casg_packw *w)
{
	casg_tmpfile_abandon(&w->tmp);
	casg_tmpfile_abandon(&w->aux);
	for (struct done *d = w->last_done; d && d != w->kept; d = d->before) {
		if (!d->ours)
			continue;
		unlink(d->pack);
		unlink(d->idx);
		if (d->objects[0])
			unlink(d->objects);
	}
}

void casg_packw_keep(struct casg_packw *w)
{
	w->kept = w->last_done;
}

uint32_t casg_packw_npacks(const struct casg_packw *w)
{
	return w->ndone;
}

const struct casg_oid *casg_packw_pack(const struct casg_packw *w, uint32_t i, int *ours_out)
{
	const struct done *d = w->last_done;

	while (++i < w->ndone)
		d = d->before;
	if (ours_out)
		*ours_out = d->ours;
	return &d->id;
}

uint64_t casg_packw_nbytes(const struct casg_packw *w)
{
	return w->total_nbytes;
}

/* ---- long objects ------------------------------------------------------ */

static const struct casg_idx_chunk *chunk_of(const struct casg_packw *w, uint32_t object)
{
	size_t lo = 0, hi = w->nchunks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->chunks[mid].first <= object)
			lo = mid + 1;
		else
			hi = mid;
	}
	return &w->chunks[lo - 1];
}

static int is_plain(const struct casg_idx_chunk *c)
{
	return c->kind == CASG_CHUNK_SEQ || c->kind == CASG_CHUNK_BLOB;
}

/*
 * 1 and the number of the object in the pack under way, 0 not in it; 'plain':
 * a piece list does not count.
 */
static int find_here(struct casg_packw *w, const struct casg_oid *id, int plain,
		     uint32_t *object_out, struct casg_err *err)
{
	const struct idset *s = &w->object_set;

	if (!w->open || !w->nobjects)
		return 0;
	if (idset_update(&w->object_set, w->objects, sizeof(*w->objects), w->nobjects))
		return casg_err_nomem(err);
	for (size_t i = idset_start(s, id); s->slot[i]; i = (i + 1) & (s->cap - 1))
		if (casg_oid_eq(&w->objects[s->slot[i] - 1].id, id) &&
		    (!plain || is_plain(chunk_of(w, s->slot[i] - 1)))) {
			*object_out = s->slot[i] - 1;
			return 1;
		}
	return 0;
}

uint32_t casg_packw_nchunks(const struct casg_packw *w)
{
	return w->open ? (uint32_t)w->nchunks : 0;
}

uint32_t casg_packw_nnodes(const struct casg_packw *w)
{
	return w->open ? (uint32_t)w->nnodes : 0;
}

int casg_packw_find_node(struct casg_packw *w, const struct casg_oid *id,
			 uint32_t *number_out, struct casg_err *err)
{
	const struct idset *s = &w->node_set;

	if (!w->open || !w->nnodes)
		return 0;
	if (idset_update(&w->node_set, w->nodes, sizeof(*w->nodes), w->nnodes))
		return casg_err_nomem(err);
	for (size_t i = idset_start(s, id); s->slot[i]; i = (i + 1) & (s->cap - 1))
		if (casg_oid_eq(&w->nodes[s->slot[i] - 1].id, id)) {
			*number_out = s->slot[i] - 1;
			return 1;
		}
	return 0;
}

static int piece_ref(struct casg_packw *w, struct casg_store *store,
		     struct casg_coder *coder, const struct casg_oid *id,
		     uint64_t *ref_out, struct casg_err *err)
{
	struct casg_idx_chunk e;
	const struct casg_idx_chunk *here;
	struct casg_oid chunk_id;
	struct casg_loc loc;
	uint32_t object, nmembers, member;
	uint64_t base;
	char hex[CASG_OID_HEXSZ + 1];
	int rc = find_here(w, id, 1, &object, err);

	if (rc < 0)
		return rc;
	if (rc) {
		here = chunk_of(w, object);
		chunk_id = here->id;
		nmembers = here->nmembers;
		member = object - here->first;
	} else {
		rc = casg_store_find_piece(store, coder, id, &loc, err);
		if (rc < 0)
			return rc;
		if (!rc)
			return casg_err_set(err, CASG_EBUG, "piece %s was not stored",
					    casg_oid_hex(id, hex));
		rc = casg_packidx_chunk(casg_store_idx(store, loc.pack), loc.chunk, &e, err);
		if (rc)
			return rc;
		chunk_id = e.id;
		nmembers = e.nmembers;
		member = loc.member;
	}
	rc = casg_packw_ref(w, &chunk_id, nmembers, &base, err);
	*ref_out = base + member;
	return rc;
}

void casg_long_release(struct casg_long *l)
{
	free(l->pieces);
	free(l->piece_nbytes);
	memset(l, 0, sizeof(*l));
}

int casg_packw_long(struct casg_packw *w, struct casg_store *store,
		    struct casg_coder *coder, const struct casg_long *l,
		    struct casg_err *err)
{
	struct casg_buf bytes = CASG_BUF_INIT, out = CASG_BUF_INIT;
	struct casg_list list = { .kind = l->kind, .id = l->id, .nbytes = l->nbytes };
	struct casg_objinfo whole = { l->id, l->nbytes };
	struct casg_oid chunk_id;
	struct casg_loc loc;
	uint32_t object;
	int rc = find_here(w, &l->id, 0, &object, err);

	if (!rc)
		rc = casg_store_find(store, coder, &l->id, &loc, NULL, err);
	if (rc)
		return rc < 0 ? rc : 0;
	if (CASG_GROW(list.pieces, l->npieces, list.cap))
		return casg_err_nomem(err);
	/* make room now: finishing the pack would drop the references */
	rc = casg_packw_room(w, 64 + l->npieces * 20, 1, err);
	for (size_t i = 0; i < l->npieces && !rc; i++) {
		list.pieces[i].nbytes = l->piece_nbytes[i];
		rc = piece_ref(w, store, coder, &l->pieces[i], &list.pieces[i].ref, err);
	}
	list.npieces = l->npieces;
	if (!rc) {
		struct casg_slice m;

		casg_list_encode(&list, &bytes);
		m.p = bytes.data;
		m.nbytes = bytes.len;
		rc = casg_buf_check(&bytes, err);
		if (!rc)
			rc = casg_chunk_encode(coder, CASG_CHUNK_LIST, 0, 1, &m, 1, NULL,
					       &out, &chunk_id, err);
	}
	if (!rc)
		rc = casg_packw_add(w, out.data, out.len, &chunk_id, &whole, err);
	casg_list_release(&list);
	casg_buf_release(&bytes);
	casg_buf_release(&out);
	return rc;
}

/* ---- blobs ------------------------------------------------------------- */

enum { BLOB_MIN = 128 << 10, BLOB_BITS = 18, BLOB_MAX = 1 << 20 };

struct casg_blobw {
	struct casg_packw *w;
	struct casg_store *store;
	struct casg_coder *coder;
	struct casg_hasher *whole;
	int level;
	struct casg_buf pending;
	struct casg_long l;
};

struct casg_blobw *casg_blobw_new(struct casg_packw *w, struct casg_store *store,
				  struct casg_coder *coder, int level,
				  struct casg_err *err)
{
	struct casg_blobw *b = calloc(1, sizeof(*b));

	if (b)
		b->whole = casg_hasher_new();
	if (!b || !b->whole) {
		free(b);
		casg_err_nomem(err);
		return NULL;
	}
	b->w = w;
	b->store = store;
	b->coder = coder;
	b->level = level;
	b->l.kind = CASG_CHUNK_BLOB;
	casg_hasher_init(b->whole);
	return b;
}

void casg_blobw_free(struct casg_blobw *b)
{
	if (!b)
		return;
	casg_hasher_free(b->whole);
	casg_buf_release(&b->pending);
	casg_long_release(&b->l);
	free(b);
}

int casg_blobw_copy(struct casg_packw *w, struct casg_store *store, struct casg_coder *coder,
		    int level, struct casg_store *from, const struct casg_oid *id,
		    struct casg_err *err)
{
	struct casg_blobw *out = casg_blobw_new(w, store, coder, level, err);
	struct casg_blobr *in = out ? casg_blobr_open(from, coder, id, err) : NULL;
	const uint8_t *bytes;
	struct casg_oid copied;
	size_t n;
	int rc = in ? 1 : CASG_ECORRUPT;

	while (rc > 0 && (rc = casg_blobr_next(in, &bytes, &n, err)) > 0) {
		rc = casg_blobw_add(out, bytes, n, err);
		rc = rc ? rc : 1;
	}
	casg_blobr_free(in);
	if (!rc)
		return casg_blobw_finish(out, &copied, err);
	casg_blobw_free(out);
	return rc;
}

static int store_piece(struct casg_blobw *b, const uint8_t *p, size_t n,
		       struct casg_err *err)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_slice m = { p, n };
	struct casg_objinfo info = { .nbytes = n };
	struct casg_oid id, chunk_id;
	struct casg_loc loc;
	uint32_t object;
	int rc;

	if (CASG_GROW(b->l.pieces, b->l.npieces + 1, b->l.cap) ||
	    CASG_GROW(b->l.piece_nbytes, b->l.npieces + 1, b->l.cap2))
		return casg_err_nomem(err);
	casg_hasher_digest(casg_coder_hasher(b->coder), p, n, &id);
	b->l.pieces[b->l.npieces] = id;
	b->l.piece_nbytes[b->l.npieces++] = n;
	b->l.nbytes += n;
	rc = find_here(b->w, &id, 1, &object, err);
	if (!rc)
		rc = casg_store_find_piece(b->store, b->coder, &id, &loc, err);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = casg_chunk_encode(b->coder, CASG_CHUNK_BLOB, 0, b->level, &m, 1, &id, &out,
			       &chunk_id, err);
	if (!rc)
		rc = casg_packw_room(b->w, out.len, 1, err);
	info.id = id;
	if (!rc)
		rc = casg_packw_add(b->w, out.data, out.len, &chunk_id, &info, err);
	casg_buf_release(&out);
	return rc;
}

static int cut_pieces(struct casg_blobw *b, int final, struct casg_err *err)
{
	size_t at = 0;
	int rc = 0;

	while (!rc && b->pending.len - at > (final ? 0 : BLOB_MAX)) {
		size_t n = casg_cut(b->pending.data + at, b->pending.len - at,
				    BLOB_MIN, BLOB_BITS, BLOB_MAX);

		rc = store_piece(b, b->pending.data + at, n, err);
		at += n;
	}
	if (at) {
		memmove(b->pending.data, b->pending.data + at, b->pending.len - at);
		b->pending.len -= at;
	}
	return rc;
}

int casg_blobw_add(struct casg_blobw *b, const void *p, size_t nbytes,
		   struct casg_err *err)
{
	casg_hasher_update(b->whole, p, nbytes);
	casg_buf_add(&b->pending, p, nbytes);
	if (b->pending.failed)
		return casg_err_nomem(err);
	return b->pending.len > 4 * BLOB_MAX ? cut_pieces(b, 0, err) : 0;
}

int casg_blobw_finish(struct casg_blobw *b, struct casg_oid *id_out, struct casg_err *err)
{
	int rc;

	casg_hasher_final(b->whole, id_out);
	rc = cut_pieces(b, 1, err);
	if (!rc && !b->l.npieces)
		rc = store_piece(b, (const uint8_t *)"", 0, err);
	b->l.id = *id_out;
	if (!rc && b->l.npieces > 1)
		rc = casg_packw_long(b->w, b->store, b->coder, &b->l, err);
	casg_blobw_free(b);
	return rc;
}
