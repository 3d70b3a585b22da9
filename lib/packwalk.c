#include "packwalk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "array.h"
#include "endian.h"
#include "io.h"
#include "node.h"
#include "pack.h"
#include "packcheck.h"
#include "sum.h"

/* A node takes a few dozen bytes; a pack that claims more than this is forged. */
#define NODES_MAX ((uint64_t)1 << 24)
#define SUM_BLOCK ((size_t)1 << 20)

int casg_packwalk_name(const char *path, struct casg_oid *id_out)
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	if (strncmp(base, "pack-", 5) || strlen(base) < 5 + CASG_OID_HEXSZ ||
	    casg_oid_parse(id_out, base + 5, CASG_OID_HEXSZ))
		return 0;
	base += 5 + CASG_OID_HEXSZ;
	return !strcmp(base, ".pack") || !strcmp(base, ".idx");
}

/* ---- faults ------------------------------------------------------------ */

static int is_damage(const struct casg_packwalk *w, int code)
{
	/* an unknown kind in a file that is not what was named is no version */
	return code == CASG_ECORRUPT || code == CASG_ENOTOURS ||
	       (code == CASG_EUNSUPPORTED && w->sum_differs);
}

static void note(struct casg_packwalk *w, struct casg_walk_chunk *c,
		 const struct casg_err *err)
{
	c->state = is_damage(w, err->code) ? CASG_WALK_DAMAGED : CASG_WALK_UNSETTLED;
	c->code = err->code;
	free(c->msg);
	c->msg = strdup(err->msg);
}

void casg_packwalk_note(struct casg_packwalk *w, uint32_t chunk, const struct casg_err *err)
{
	note(w, &w->chunks[chunk], err);
}

/* The first thing wrong with the pack as a whole counts. */
static void note_whole(struct casg_packwalk *w, uint64_t offset, const struct casg_err *err)
{
	if (w->whole.state)
		return;
	note(w, &w->whole, err);
	w->whole_offset = offset;
}

void casg_packwalk_count(struct casg_packwalk *w)
{
	w->ndamaged = w->whole.state == CASG_WALK_DAMAGED;
	w->nunsettled = w->whole.state == CASG_WALK_UNSETTLED;
	for (uint32_t i = 0; i < w->nchunks; i++) {
		w->ndamaged += w->chunks[i].state == CASG_WALK_DAMAGED;
		w->nunsettled += w->chunks[i].state == CASG_WALK_UNSETTLED;
	}
}

static const char *noun(int kind, uint32_t n)
{
	static const char *const one[] = {
		"member", "sequence", "piece list", "node", "blob", "reference",
		"order"
	};
	static const char *const many[] = {
		"members", "sequences", "piece lists", "nodes", "blobs", "references",
		"orders"
	};

	if (kind < CASG_CHUNK_SEQ || kind > CASG_CHUNK_KIND_MAX)
		kind = 0;
	return n == 1 ? one[kind] : many[kind];
}

void casg_packwalk_each_fault(const struct casg_packwalk *w, casg_walk_fault_fn *fn,
			      void *ctx)
{
	struct casg_err err;

	if (w->whole.state) {
		casg_err_set(&err, w->whole.code, "pack '%s': %s", w->path,
			     w->whole.msg ? w->whole.msg : "out of memory");
		fn(ctx, UINT32_MAX, w->whole.state, w->whole.code, err.msg);
	}
	for (uint32_t i = 0; i < w->nchunks; i++) {
		const struct casg_walk_chunk *c = &w->chunks[i];
		const struct casg_idx_chunk *x = &w->idx[i];

		if (c->state != CASG_WALK_DAMAGED && c->state != CASG_WALK_UNSETTLED)
			continue;
		casg_err_set(&err, c->code,
			     "pack '%s', chunk %u at byte offset %llu (%u %s): %s", w->path,
			     i, (unsigned long long)x->offset, x->nmembers,
			     noun(x->kind, x->nmembers),
			     c->msg ? c->msg : "out of memory");
		fn(ctx, i, c->state, c->code, err.msg);
	}
}

/* ---- finding the chunks ------------------------------------------------ */

static int hash_file(struct casg_packwalk *w, struct casg_err *err)
{
	struct casg_hasher *h = casg_hasher_new();
	uint8_t *block = malloc(SUM_BLOCK);
	uint64_t at = 0;
	size_t got = 1;
	int rc = h && block ? 0 : casg_err_nomem(err);

	if (!rc)
		casg_hasher_init(h);
	while (!rc && got) {
		rc = casg_pread_full(w->fd, block, SUM_BLOCK, at, &got, err);
		if (!rc)
			casg_hasher_update(h, block, got);
		at += got;
	}
	if (!rc) {
		casg_hasher_final(h, &w->id);
		w->nbytes = at;
	} else {
		casg_err_prefix(err, "pack '%s'", w->path);
	}
	casg_hasher_free(h);
	free(block);
	return rc;
}

/* Is the checksum right, of a chunk whose kind or layout we do not know? */
static int sum_is_right(struct casg_packwalk *w, const struct casg_chunk_head *h,
			uint64_t offset)
{
	uint8_t *p;
	size_t n = CASG_CHUNK_HEADSZ + (size_t)h->nstored, got;
	struct casg_err err;
	int good;

	if (h->nstored > 2 * CASG_CHUNK_RAW_MAX)
		return 0;
	p = malloc(n);
	good = p && !casg_pread_full(w->fd, p, n, offset, &got, &err) && got == n &&
	       !casg_chunk_check_sum(h, p, &err);
	free(p);
	return good;
}

static int holds_objects(int kind)
{
	return kind == CASG_CHUNK_SEQ || kind == CASG_CHUNK_LIST ||
	       kind == CASG_CHUNK_BLOB || kind == CASG_CHUNK_ORDER;
}

static int add_chunk(struct casg_packwalk *w, const struct casg_chunk_head *h,
		     uint64_t offset, uint64_t nbytes, const struct casg_err *fault,
		     struct casg_err *err)
{
	struct casg_idx_chunk *x;
	struct casg_walk_chunk *c;

	if (CASG_GROW(w->idx, w->nchunks + 1, w->cap_idx) ||
	    CASG_GROW(w->chunks, w->nchunks + 1, w->cap_chunks))
		return casg_err_nomem(err);
	x = &w->idx[w->nchunks];
	c = &w->chunks[w->nchunks++];
	memset(x, 0, sizeof(*x));
	memset(c, 0, sizeof(*c));
	x->offset = offset;
	x->nbytes = nbytes;
	x->nraw = (uint32_t)h->nraw;
	x->nmembers = h->nmembers;
	x->first = w->nobjects;
	x->kind = h->kind;
	x->layout = casg_chunk_noted_layout(h->kind, h->layout);
	c->layout = h->layout;
	c->first_node = w->nnodes;
	if (h->kind == CASG_CHUNK_NODE)
		w->nnodes += h->nmembers;
	else if (holds_objects(h->kind))
		w->nobjects += h->nmembers;
	if (fault)
		note(w, c, fault);
	return 0;
}

/*
 * Where the header is damaged, the index may still tell of the chunk: 1 and
 * *h as it should be.
 */
static int ask_hint(struct casg_packidx *hint, uint32_t chunk, uint64_t offset,
		    uint64_t room, struct casg_chunk_head *h)
{
	struct casg_idx_chunk x;

	if (!hint || casg_packidx_chunk(hint, chunk, &x, NULL) || x.offset != offset ||
	    x.nbytes < CASG_CHUNK_HEADSZ || x.nbytes > room ||
	    x.nmembers > CASG_CHUNK_MEMBERS_MAX || x.nraw > CASG_CHUNK_RAW_MAX ||
	    x.kind < CASG_CHUNK_SEQ || x.kind > CASG_CHUNK_KIND_MAX)
		return 0;
	memset(h, 0, sizeof(*h));
	h->kind = x.kind;
	h->nmembers = x.nmembers;
	h->nraw = x.nraw;
	h->nstored = x.nbytes - CASG_CHUNK_HEADSZ;
	return 1;
}

static int check_counts(struct casg_packwalk *w, const struct casg_chunk_head *h,
			struct casg_err *fault)
{
	if ((h->kind == CASG_CHUNK_NODE &&
	     w->nnodes + (uint64_t)h->nmembers > NODES_MAX) ||
	    (holds_objects(h->kind) &&
	     w->nobjects + (uint64_t)h->nmembers > CASG_PACK_OBJECTS_MAX))
		return casg_err_set(fault, CASG_ECORRUPT,
				    "it claims to hold more than a pack may");
	return 0;
}

/* What has come with version 2 is nothing that a pack of version 1 may hold. */
static int check_version(const struct casg_packwalk *w, const struct casg_chunk_head *h,
			 struct casg_err *fault)
{
	if (w->version != 1)
		return 0;
	if (h->kind == CASG_CHUNK_NODE &&
	    (h->layout == CASG_LAYOUT_LINKED || h->layout == CASG_LAYOUT_LINKED_OUT))
		return casg_err_set(fault, CASG_ECORRUPT,
				    "a pack of version 1 holds no linked nodes");
	if (casg_layout_is_matched(h->layout))
		return casg_err_set(fault, CASG_ECORRUPT,
				    "a pack of version 1 holds no edit scripts");
	if (h->kind == CASG_CHUNK_ORDER)
		return casg_err_set(fault, CASG_ECORRUPT,
				    "a pack of version 1 holds no orders of kind 6");
	if (w->nchunks && w->idx[w->nchunks - 1].kind == CASG_CHUNK_REFS)
		return casg_err_set(fault, CASG_ECORRUPT,
				    "a pack of version 1 ends with its references");
	return 0;
}

/*
 * The chunk at *offset.  1: it was added and *offset is behind it; 0: the
 * chunks behind it cannot be found; negative: failed.
 */
static int next_chunk(struct casg_packwalk *w, uint64_t *offset,
		      struct casg_packidx *hint, struct casg_err *err)
{
	uint64_t room = w->nbytes - *offset - CASG_PACK_TRAILSZ;
	struct casg_err fault = CASG_ERR_INIT;
	struct casg_chunk_head h, hinted;
	uint8_t p[CASG_CHUNK_HEADSZ];
	size_t got;
	int known, has_hint = ask_hint(hint, w->nchunks, *offset, room, &hinted);
	int rc = casg_pread_full(w->fd, p, sizeof(p), *offset, &got, err);

	if (rc)
		return casg_err_prefix(err, "pack '%s'", w->path);
	memset(&h, 0, sizeof(h));
	casg_chunk_head_decode(&h, p, got, &fault);
	known = got == sizeof(p) && h.nstored <= room - CASG_CHUNK_HEADSZ;
	if (!fault.code && !known)
		casg_err_set(&fault, CASG_ECORRUPT,
			     "its header claims %llu bytes, more than the pack has left",
			     (unsigned long long)h.nstored);
	else if ((fault.code == CASG_EUNSUPPORTED ||
		  (!fault.code && has_hint && hinted.nstored != h.nstored)) &&
		 !(known && sum_is_right(w, &h, *offset)))
		casg_err_set(&fault, CASG_ECORRUPT, "corrupt chunk: its header is damaged");
	if (!fault.code || fault.code == CASG_EUNSUPPORTED)
		check_counts(w, &h, &fault);
	if (fault.code == CASG_ECORRUPT && !has_hint) {
		casg_err_prefix(&fault, "chunk %u at byte offset %llu, and the chunks behind it cannot be found",
				w->nchunks, (unsigned long long)*offset);
		note_whole(w, *offset, &fault);
		return 0;
	}
	if (fault.code == CASG_ECORRUPT)
		h = hinted;
	if (!fault.code)
		check_version(w, &h, &fault);
	rc = add_chunk(w, &h, *offset, CASG_CHUNK_HEADSZ + h.nstored,
		       fault.code ? &fault : NULL, err);
	*offset += CASG_CHUNK_HEADSZ + h.nstored;
	return rc ? rc : 1;
}

static void check_trailer(struct casg_packwalk *w, uint64_t offset)
{
	uint8_t p[CASG_PACK_TRAILSZ];
	struct casg_err err = CASG_ERR_INIT;
	uint64_t n;
	size_t got;

	if (casg_pread_full(w->fd, p, sizeof(p), offset, &got, &err) ||
	    casg_pack_trail_decode(p, got, &n, &err)) {
		note_whole(w, offset, &err);
	} else if (n != w->nchunks) {
		casg_err_set(&err, CASG_ECORRUPT,
			     "its trailer counts %llu chunks where there are %u",
			     (unsigned long long)n, w->nchunks);
		note_whole(w, offset, &err);
	} else if (!n) {
		casg_err_set(&err, CASG_ECORRUPT, "it holds no chunks");
		note_whole(w, offset, &err);
	}
}

static int scan(struct casg_packwalk *w, struct casg_packidx *hint, struct casg_err *err)
{
	uint64_t offset = CASG_PACK_HEADSZ;
	struct casg_err fault = CASG_ERR_INIT;
	int rc = 1;

	while (rc > 0 && w->nbytes >= offset + CASG_PACK_TRAILSZ + CASG_CHUNK_HEADSZ)
		rc = next_chunk(w, &offset, hint, err);
	if (rc > 0 && w->nbytes == offset + CASG_PACK_TRAILSZ) {
		check_trailer(w, offset);
	} else if (rc > 0) {
		casg_err_set(&fault, CASG_ECORRUPT,
			     "it is cut short after chunk %u, at byte offset %llu",
			     w->nchunks, (unsigned long long)w->nbytes);
		note_whole(w, w->nbytes, &fault);
	}
	return rc < 0 ? rc : 0;
}

/* 0: go on, perhaps with a fault noted. */
static int check_head(struct casg_packwalk *w, struct casg_err *err)
{
	uint8_t p[CASG_PACK_HEADSZ];
	struct casg_err fault = CASG_ERR_INIT;
	size_t got;
	int rc = casg_pread_full(w->fd, p, sizeof(p), 0, &got, err);

	if (rc)
		return casg_err_prefix(err, "pack '%s'", w->path);
	if (!casg_pack_head_decode(p, got, &fault)) {
		w->version = casg_pack_head_version(p);
		return 0;
	}
	if (!w->sum_differs) {
		*err = fault;
		return casg_err_prefix(err, "'%s'", w->path);
	}
	casg_err_set(&fault, CASG_ECORRUPT, "its header is damaged");
	note_whole(w, 0, &fault);
	return 0;
}

static void check_id(struct casg_packwalk *w, const struct casg_oid *expected)
{
	struct casg_err fault = CASG_ERR_INIT;
	char hex[CASG_OID_HEXSZ + 1];

	casg_err_set(&fault, CASG_ECORRUPT, "the SHA-256 of its bytes is %s, not its name",
		     casg_oid_hex(&w->id, hex));
	if (expected && !casg_oid_eq(expected, &w->id))
		note_whole(w, 0, &fault);
}

int casg_packwalk_open(struct casg_packwalk **w_out, int fd, const char *path,
		       const struct casg_oid *expected, struct casg_packidx *hint,
		       struct casg_err *err)
{
	struct casg_packwalk *w = calloc(1, sizeof(*w));
	int rc;

	*w_out = NULL;
	if (w)
		w->path = strdup(path);
	if (!w || !w->path) {
		free(w);
		return casg_err_nomem(err);
	}
	w->fd = fd;
	rc = hash_file(w, err);
	w->sum_differs = expected && !casg_oid_eq(expected, &w->id);
	if (!rc)
		rc = check_head(w, err);
	if (!rc)
		rc = scan(w, hint, err);
	if (rc) {
		casg_packwalk_close(w);
		return rc;
	}
	/* said last, so that what is known to be wrong in particular comes first */
	check_id(w, expected);
	casg_packwalk_count(w);
	*w_out = w;
	return 0;
}

void casg_packwalk_close(struct casg_packwalk *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; i < w->nchunks; i++)
		free(w->chunks[i].msg);
	free(w->whole.msg);
	free(w->chunks);
	free(w->idx);
	free(w->objects);
	free(w->nodes);
	free(w->refs);
	free(w->path);
	free(w);
}

int casg_packwalk_index(const struct casg_packwalk *w, struct casg_buf *out,
			struct casg_err *err)
{
	struct casg_packidx_src src = {
		.pack_id = w->id, .pack_nbytes = w->nbytes,
		.chunks = w->idx, .nchunks = w->nchunks,
		.objects = w->objects, .nobjects = w->nobjects,
		.nodes = w->nodes, .nnodes = w->nnodes,
		.version = w->idx_version,
	};

	if (w->ndamaged || w->nunsettled || !w->objects || !w->nodes)
		return casg_err_set(err, CASG_EBUG, "a pack that is not good has no index");
	return casg_packidx_build(&src, out, err);
}
