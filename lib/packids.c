#include "packids.h"

#include <stdlib.h>
#include <string.h>

#include "chunk.h"
#include "endian.h"
#include "varint.h"

/* magic, pack id, bytes of the pack, chunks, objects, nodes */
#define MAGIC "casgids\001"
#define HEADSZ (8 + CASG_OID_RAWSZ + 8 + 4 + 4 + 4)
/* id, bytes, uncompressed bytes, members, kind, layout; chunks leave no gap */
#define CHUNKSZ (CASG_OID_RAWSZ + 8 + 4 + 4 + 1 + 1)
#define CHUNKS_MAX ((uint32_t)1 << 24)

static void add_le(struct casg_buf *out, uint64_t v, size_t n)
{
	uint8_t b[8];

	casg_put_le64(b, v);
	casg_buf_add(out, b, n);
}

static void digest(const uint8_t *p, size_t n, struct casg_oid *out, struct casg_hasher *h)
{
	casg_hasher_digest(h, p, n, out);
}

int casg_packids_encode(const struct casg_packidx_src *src, struct casg_buf *out,
			struct casg_err *err)
{
	struct casg_hasher *h = casg_hasher_new();
	size_t start = out->len;
	struct casg_oid sum;
	uint64_t at = src->nchunks ? src->chunks[0].offset : 0;

	if (!h)
		return casg_err_nomem(err);
	casg_buf_add(out, MAGIC, 8);
	casg_buf_add(out, src->pack_id.b, CASG_OID_RAWSZ);
	add_le(out, src->pack_nbytes, 8);
	add_le(out, src->nchunks, 4);
	add_le(out, src->nobjects, 4);
	add_le(out, src->nnodes, 4);
	add_le(out, at, 8);
	for (uint32_t i = 0; i < src->nchunks; i++) {
		const struct casg_idx_chunk *c = &src->chunks[i];

		if (c->offset != at) {
			casg_hasher_free(h);
			return casg_err_set(err, CASG_EBUG, "chunks with a gap between them");
		}
		at += c->nbytes;
		casg_buf_add(out, c->id.b, CASG_OID_RAWSZ);
		add_le(out, c->nbytes, 8);
		add_le(out, c->nraw, 4);
		add_le(out, c->nmembers, 4);
		add_le(out, c->kind, 1);
		add_le(out, c->layout, 1);
	}
	for (uint32_t i = 0; i < src->nobjects; i++)
		casg_buf_add(out, src->objects[i].id.b, CASG_OID_RAWSZ);
	for (uint32_t i = 0; i < src->nobjects; i++)
		casg_varint_add(out, src->objects[i].nbytes);
	for (uint32_t i = 0; i < src->nnodes; i++)
		casg_buf_add(out, src->nodes[i].id.b, CASG_OID_RAWSZ);
	if (!out->failed) {
		digest(out->data + start, out->len - start, &sum, h);
		casg_buf_add(out, sum.b, CASG_OID_RAWSZ);
	}
	casg_hasher_free(h);
	return casg_buf_check(out, err);
}

static int bad(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "malformed list of ids of a pack: %s", what);
}

/* The chunks; what they say of objects and nodes must add up. */
static int read_chunks(struct casg_packids *out, const uint8_t *p, uint64_t at,
		       struct casg_err *err)
{
	struct casg_packidx_src *s = &out->src;
	uint64_t objects = 0, nodes = 0;

	for (uint32_t i = 0; i < s->nchunks; i++, p += CHUNKSZ) {
		struct casg_idx_chunk *c = &out->chunks[i];

		memcpy(c->id.b, p, CASG_OID_RAWSZ);
		c->offset = at;
		c->nbytes = casg_get_le64(p + 32);
		c->nraw = casg_get_le32(p + 40);
		c->nmembers = casg_get_le32(p + 44);
		c->kind = p[48];
		c->layout = p[49];
		c->first = (uint32_t)objects;
		if (c->nbytes < CASG_CHUNK_HEADSZ || c->nbytes > 2 * CASG_CHUNK_RAW_MAX ||
		    c->nbytes > s->pack_nbytes - at || c->nraw > CASG_CHUNK_RAW_MAX ||
		    !c->nmembers || c->nmembers > CASG_CHUNK_MEMBERS_MAX || c->kind < 1 ||
		    c->kind > CASG_CHUNK_KIND_MAX || c->layout > CASG_LAYOUT_MAX ||
		    c->layout != casg_chunk_noted_layout(c->kind, c->layout))
			return bad(err, "an impossible chunk");
		at += c->nbytes;
		for (uint32_t k = 0; c->kind == CASG_CHUNK_NODE && k < c->nmembers; k++, nodes++) {
			if (nodes == s->nnodes)
				return bad(err, "too few nodes");
			out->nodes[nodes].chunk = i;
			out->nodes[nodes].member = k;
		}
		if (c->kind != CASG_CHUNK_NODE && c->kind != CASG_CHUNK_REFS)
			objects += c->nmembers;
		if (objects > s->nobjects)
			return bad(err, "too few objects");
	}
	return objects == s->nobjects && nodes == s->nnodes ? 0 : bad(err, "the counts differ");
}

static int read_rest(struct casg_packids *out, const uint8_t *p, const uint8_t *end,
		     struct casg_err *err)
{
	struct casg_packidx_src *s = &out->src;

	for (uint32_t i = 0; i < s->nobjects; i++, p += CASG_OID_RAWSZ)
		memcpy(out->objects[i].id.b, p, CASG_OID_RAWSZ);
	for (uint32_t i = 0; i < s->nobjects; i++)
		if (casg_varint_get(&p, end, &out->objects[i].nbytes))
			return bad(err, "an impossible length");
	if ((size_t)(end - p) != (size_t)s->nnodes * CASG_OID_RAWSZ)
		return bad(err, "another length than it says");
	for (uint32_t i = 0; i < s->nnodes; i++, p += CASG_OID_RAWSZ)
		memcpy(out->nodes[i].id.b, p, CASG_OID_RAWSZ);
	return 0;
}

int casg_packids_decode(struct casg_packids *out, const uint8_t *p, size_t n,
			const struct casg_oid *expected, struct casg_err *err)
{
	struct casg_packidx_src *s = &out->src;
	struct casg_oid sum;
	struct casg_hasher *h;
	uint64_t least, at;

	memset(out, 0, sizeof(*out));
	if (n < HEADSZ + 8 + CASG_OID_RAWSZ || memcmp(p, MAGIC, 7))
		return bad(err, "it does not begin as one");
	if (p[7] != MAGIC[7])
		return casg_err_set(err, CASG_EUNSUPPORTED, "list of ids of a pack: version %u", p[7]);
	n -= CASG_OID_RAWSZ;
	h = casg_hasher_new();
	if (!h)
		return casg_err_nomem(err);
	digest(p, n, &sum, h);
	casg_hasher_free(h);
	if (memcmp(sum.b, p + n, CASG_OID_RAWSZ))
		return bad(err, "its checksum does not match");
	memcpy(s->pack_id.b, p + 8, CASG_OID_RAWSZ);
	if (!casg_oid_eq(&s->pack_id, expected))
		return bad(err, "it is that of another pack");
	s->pack_nbytes = casg_get_le64(p + 40);
	s->nchunks = casg_get_le32(p + 48);
	s->nobjects = casg_get_le32(p + 52);
	s->nnodes = casg_get_le32(p + 56);
	at = casg_get_le64(p + 60);
	if (s->nchunks > CHUNKS_MAX || s->nobjects > CASG_PACK_OBJECTS_MAX || at > s->pack_nbytes ||
	    s->nnodes > CHUNKS_MAX || (!s->nchunks && at))
		return bad(err, "more than a pack can hold");
	/* a length takes a byte at least */
	least = HEADSZ + 8 + (uint64_t)s->nchunks * CHUNKSZ +
		(uint64_t)s->nobjects * (CASG_OID_RAWSZ + 1) + (uint64_t)s->nnodes * CASG_OID_RAWSZ;
	if (n < least)
		return bad(err, "cut short");
	out->chunks = calloc(s->nchunks + 1u, sizeof(*out->chunks));
	out->objects = calloc(s->nobjects + 1u, sizeof(*out->objects));
	out->nodes = calloc(s->nnodes + 1u, sizeof(*out->nodes));
	if (!out->chunks || !out->objects || !out->nodes)
		return casg_err_nomem(err);
	s->chunks = out->chunks;
	s->objects = out->objects;
	s->nodes = out->nodes;
	if (read_chunks(out, p + HEADSZ + 8, at, err))
		return CASG_ECORRUPT;
	return read_rest(out, p + HEADSZ + 8 + (size_t)s->nchunks * CHUNKSZ, p + n, err);
}

void casg_packids_release(struct casg_packids *out)
{
	free(out->chunks);
	free(out->objects);
	free(out->nodes);
	memset(out, 0, sizeof(*out));
}

int casg_packids_check(const struct casg_packids *ids, struct casg_err *err)
{
	const struct casg_packidx_src *s = &ids->src;
	struct casg_hasher *h = casg_hasher_new();
	struct casg_oid *oids = NULL, id;
	int rc = 0;

	if (!h)
		return casg_err_nomem(err);
	for (uint32_t i = 0; i < s->nchunks && !rc; i++) {
		const struct casg_idx_chunk *c = &s->chunks[i];
		uint64_t nraw = 0;

		if (c->kind != CASG_CHUNK_SEQ && c->kind != CASG_CHUNK_BLOB)
			continue;
		free(oids);
		oids = malloc((size_t)c->nmembers * sizeof(*oids));
		if (!oids) {
			rc = casg_err_nomem(err);
			break;
		}
		for (uint32_t k = 0; k < c->nmembers; k++) {
			oids[k] = s->objects[c->first + k].id;
			nraw += s->objects[c->first + k].nbytes;
		}
		casg_chunk_id(h, oids, c->nmembers, &id);
		if (!casg_oid_eq(&id, &c->id) || nraw != c->nraw)
			rc = bad(err, "the ids in a chunk are not those that its id stands for");
	}
	free(oids);
	casg_hasher_free(h);
	return rc;
}

int casg_packids_has_sequences(const struct casg_packids *ids)
{
	for (uint32_t i = 0; i < ids->src.nchunks; i++)
		if (ids->chunks[i].kind == CASG_CHUNK_SEQ)
			return 1;
	return 0;
}
