#include "packidx.h"

#include <stdlib.h>

#include "array.h"
#include "chunk.h"
#include "endian.h"

static const char magic[8] = { 'c', 'a', 's', 'g', 'p', 'i', 'd', 'x' };

enum {
	HEAD_SZ = 72, CHUNK_SZ = 64, BYID_SZ = 4, BUCKET_SZ = 4,
	NODE_SZ = 32, NUMBER_SZ = 4,
	FEW_BITS = 18, /* of an object number: then 14 are left of 4 bytes for the tag */
	/* before version 3 */
	OLD_OBJECT_SZ = 8, OLD_NODE_SZ = 40
};

/*
 * The entry of an object is a number, little-endian, with the tag in its low
 * bits and the object number above it.  The object number has no more bits than
 * it needs; bucket and tag together keep at least 28 bits of an id, and of
 * large packs more, so that one id in 1000 at most has a candidate without
 * being there.
 */
static void object_form(uint32_t version, uint32_t nobjects, unsigned int bits,
			unsigned int *entry_sz, unsigned int *tag_bits)
{
	unsigned int number_bits = 0;

	if (version < 3) {
		*entry_sz = OLD_OBJECT_SZ;
		*tag_bits = 32;
		return;
	}
	if (version == 3) {
		*tag_bits = bits < 8 ? 32 : 24;
		*entry_sz = *tag_bits / 8 + (nobjects <= 1u << 16 ? 2 : 3);
		return;
	}
	while (nobjects > (uint64_t)1 << number_bits)
		number_bits++;
	*entry_sz = number_bits <= FEW_BITS ? 4 : 5;
	*tag_bits = 8 * *entry_sz - number_bits;
}

static void lay_out(struct casg_packidx *x)
{
	const struct casg_place head = { 0, 0 };

	x->at_chunks = casg_place_after(head, 1, HEAD_SZ);
	x->at_byid = casg_place_after(x->at_chunks, x->nchunks, CHUNK_SZ);
	x->at_buckets = casg_place_after(x->at_byid, x->nchunks, BYID_SZ);
	x->at_objects = casg_place_after(x->at_buckets, ((uint64_t)1 << x->bits) + 1,
					 BUCKET_SZ);
	x->at_nodes = casg_place_after(x->at_objects, x->nobjects, x->entry_sz);
	x->at_numbers = casg_place_after(x->at_nodes, x->nnodes,
					 x->version < 3 ? OLD_NODE_SZ : NODE_SZ);
	x->end = casg_place_after(x->at_numbers, x->version > 1 ? x->nnodes : 0, NUMBER_SZ);
}

/* About 16 objects a bucket. */
static unsigned int bucket_bits(uint32_t nobjects)
{
	unsigned int bits = 0;

	while (nobjects >> bits > 16)
		bits++;
	return bits;
}

static uint32_t bucket_of(uint64_t prefix, unsigned int bits)
{
	return bits ? (uint32_t)(prefix >> (64 - bits)) : 0;
}

static uint32_t tag_of(uint64_t prefix, unsigned int bits, unsigned int tag_bits)
{
	return (uint32_t)(prefix << bits >> (64 - tag_bits));
}

/* ---- building ---------------------------------------------------------- */

struct object_key {
	uint64_t prefix;
	uint32_t object;
};

static int cmp_object(const void *a, const void *b)
{
	const struct object_key *x = a, *y = b;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	return x->object < y->object ? -1 : x->object > y->object;
}

struct node_key {
	struct casg_idx_node node;
	uint32_t number;
};

static int cmp_node(const void *a, const void *b)
{
	const struct node_key *x = a, *y = b;
	int c = casg_oid_cmp(&x->node.id, &y->node.id);

	return c ? c : x->number < y->number ? -1 : x->number > y->number;
}

struct chunk_key {
	struct casg_oid id;
	uint32_t chunk;
};

static int cmp_chunk(const void *a, const void *b)
{
	const struct chunk_key *x = a, *y = b;
	int c = casg_oid_cmp(&x->id, &y->id);

	return c ? c : x->chunk < y->chunk ? -1 : x->chunk > y->chunk;
}

/*
 * The objects by prefix.  Prefixes are uniform, so one counting pass on the top
 * bits leaves buckets of 16 or so; in a forged pack they may be larger.
 */
static struct object_key *sort_objects(const struct casg_packidx_src *s, unsigned int bits)
{
	uint32_t nb = (uint32_t)1 << bits, *at = calloc((size_t)nb + 1, sizeof(*at));
	struct object_key *v = malloc((size_t)s->nobjects * sizeof(*v) + 1);

	if (!at || !v) {
		free(at);
		free(v);
		return NULL;
	}
	for (uint32_t i = 0; i < s->nobjects; i++)
		at[bucket_of(casg_oid_prefix(&s->objects[i].id), bits) + 1]++;
	for (uint32_t b = 0; b < nb; b++)
		at[b + 1] += at[b];
	for (uint32_t i = 0; i < s->nobjects; i++) {
		uint64_t prefix = casg_oid_prefix(&s->objects[i].id);

		v[at[bucket_of(prefix, bits)]++] = (struct object_key){ prefix, i };
	}
	for (uint32_t b = 0, lo = 0; b < nb; lo = at[b++])
		casg_sort_short(v + lo, at[b] - lo, sizeof(*v), cmp_object);
	free(at);
	return v;
}

static uint32_t version_of(const struct casg_packidx_src *s)
{
	return s->version ? s->version : CASG_PACKIDX_VERSION;
}

static void put_head(const struct casg_packidx_src *s, unsigned int bits,
		     struct casg_blocks_writer *w)
{
	uint8_t h[HEAD_SZ] = { 0 };

	memcpy(h, magic, 8);
	casg_put_le32(h + 8, version_of(s));
	casg_put_le32(h + 12, s->nchunks);
	casg_put_le32(h + 16, s->nobjects);
	casg_put_le32(h + 20, s->nnodes);
	casg_put_le32(h + 24, bits);
	memcpy(h + 32, s->pack_id.b, CASG_OID_RAWSZ);
	casg_put_le64(h + 64, s->pack_nbytes);
	casg_blocks_put(w, h, sizeof(h));
}

static int put_chunks(const struct casg_packidx_src *s, struct casg_blocks_writer *w)
{
	struct chunk_key *keys = malloc((size_t)s->nchunks * sizeof(*keys) + 1);

	if (!keys)
		return -1;
	for (uint32_t i = 0; i < s->nchunks; i++) {
		const struct casg_idx_chunk *c = &s->chunks[i];
		uint8_t e[CHUNK_SZ] = { 0 };

		memcpy(e, c->id.b, CASG_OID_RAWSZ);
		casg_put_le64(e + 32, c->offset);
		casg_put_le64(e + 40, c->nbytes);
		casg_put_le32(e + 48, c->nraw);
		casg_put_le32(e + 52, c->nmembers);
		casg_put_le32(e + 56, c->first);
		e[60] = c->kind;
		e[61] = version_of(s) > 1 ? c->layout : 0;
		casg_blocks_put(w, e, sizeof(e));
		keys[i].id = c->id;
		keys[i].chunk = i;
	}
	qsort(keys, s->nchunks, sizeof(*keys), cmp_chunk);
	for (uint32_t i = 0; i < s->nchunks; i++) {
		uint8_t e[BYID_SZ];

		casg_put_le32(e, keys[i].chunk);
		casg_blocks_put(w, e, sizeof(e));
	}
	free(keys);
	return 0;
}

static int put_objects(const struct casg_packidx_src *s, unsigned int bits,
		       struct casg_blocks_writer *w)
{
	struct object_key *keys = sort_objects(s, bits);
	unsigned int entry_sz, tag_bits;
	uint8_t e[sizeof(uint64_t)];
	uint32_t i = 0;

	if (!keys)
		return -1;
	for (uint32_t b = 0; b <= (uint32_t)1 << bits; b++) {
		while (i < s->nobjects && bucket_of(keys[i].prefix, bits) < b)
			i++;
		casg_put_le32(e, b >> bits ? s->nobjects : i);
		casg_blocks_put(w, e, BUCKET_SZ);
	}
	object_form(version_of(s), s->nobjects, bits, &entry_sz, &tag_bits);
	for (i = 0; i < s->nobjects; i++) {
		casg_put_le64(e, tag_of(keys[i].prefix, bits, tag_bits) |
				 (uint64_t)keys[i].object << tag_bits);
		casg_blocks_put(w, e, entry_sz);
	}
	free(keys);
	return 0;
}

/* Before version 3: by id, with their places, then the slot of each node. */
static void put_old_nodes(const struct casg_packidx_src *s, const struct node_key *v,
			  uint32_t *slot, struct casg_blocks_writer *w)
{
	uint8_t e[OLD_NODE_SZ];

	for (uint32_t i = 0; i < s->nnodes; i++) {
		memcpy(e, v[i].node.id.b, CASG_OID_RAWSZ);
		casg_put_le32(e + 32, v[i].node.chunk);
		casg_put_le32(e + 36, v[i].node.member);
		casg_blocks_put(w, e, OLD_NODE_SZ);
		slot[v[i].number] = i;
	}
	for (uint32_t i = 0; i < s->nnodes && s->version != 1; i++) {
		casg_put_le32(e, slot[i]);
		casg_blocks_put(w, e, NUMBER_SZ);
	}
}

/* In file order, then their numbers by id. */
static int put_nodes(const struct casg_packidx_src *s, struct casg_blocks_writer *w)
{
	struct node_key *v = malloc((size_t)s->nnodes * sizeof(*v) + 1);
	uint32_t *slot = malloc((size_t)s->nnodes * sizeof(*slot) + 1);
	uint8_t e[NUMBER_SZ];

	if (!v || !slot) {
		free(v);
		free(slot);
		return -1;
	}
	for (uint32_t i = 0; i < s->nnodes; i++) {
		v[i].node = s->nodes[i];
		v[i].number = i;
	}
	qsort(v, s->nnodes, sizeof(*v), cmp_node);
	if (version_of(s) < 3) {
		put_old_nodes(s, v, slot, w);
	} else {
		for (uint32_t i = 0; i < s->nnodes; i++)
			casg_blocks_put(w, s->nodes[i].id.b, NODE_SZ);
		for (uint32_t i = 0; i < s->nnodes; i++) {
			casg_put_le32(e, v[i].number);
			casg_blocks_put(w, e, NUMBER_SZ);
		}
	}
	free(v);
	free(slot);
	return 0;
}

int casg_packidx_build(const struct casg_packidx_src *s, struct casg_buf *out,
		       struct casg_err *err)
{
	struct casg_blocks_writer w = { out, 0, 0 };
	unsigned int bits = bucket_bits(s->nobjects);

	put_head(s, bits, &w);
	if (put_chunks(s, &w) || put_objects(s, bits, &w) || put_nodes(s, &w))
		return casg_err_nomem(err);
	if (version_of(s) < 3)
		casg_blocks_finish(&w);
	else
		casg_blocks_finish_short(&w);
	return casg_buf_check(out, err);
}

/* ---- reading ----------------------------------------------------------- */

/* Few, and searched with every look-up: kept in memory. */
static int load_firsts(struct casg_packidx *x, struct casg_err *err)
{
	uint64_t nnodes = 0;

	x->first = malloc((size_t)x->nchunks * sizeof(*x->first) + 1);
	x->first_node = malloc((size_t)x->nchunks * sizeof(*x->first_node) + 1);
	if (!x->first || !x->first_node)
		return casg_err_nomem(err);
	for (uint32_t i = 0; i < x->nchunks; i++) {
		const uint8_t *e = casg_blocks_entry(&x->blocks, x->at_chunks, i, CHUNK_SZ, err);

		if (!e)
			return CASG_ECORRUPT;
		x->first[i] = casg_get_le32(e + 56);
		x->first_node[i] = (uint32_t)nnodes;
		nnodes += e[60] == CASG_CHUNK_NODE ? casg_get_le32(e + 52) : 0;
		if (e[60] == CASG_CHUNK_REFS) {
			if (CASG_GROW(x->refs, x->nrefs + 1, x->cap_refs))
				return casg_err_nomem(err);
			x->refs[x->nrefs++] = i;
		}
		if (nnodes > x->nnodes)
			return casg_err_set(err, CASG_ECORRUPT, "its chunks hold more nodes than it lists");
	}
	if (nnodes < x->nnodes && x->version >= 3)
		return casg_err_set(err, CASG_ECORRUPT, "its chunks hold fewer nodes than it lists");
	return 0;
}

int casg_packidx_open(struct casg_packidx *x, const uint8_t *data, uint64_t nbytes,
		      struct casg_err *err)
{
	const uint8_t *h;
	uint32_t version;
	int rc;

	memset(x, 0, sizeof(*x));
	if (nbytes < HEAD_SZ + CASG_BLOCK_SUM || memcmp(data, magic, 8))
		return casg_err_set(err, CASG_ENOTOURS, "it is not a casg pack index");
	version = casg_get_le32(data + 8);
	if (version < CASG_PACKIDX_OLDEST || version > CASG_PACKIDX_VERSION)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "unsupported pack index version %u", version);
	x->version = version;
	rc = (version < 3 ? casg_blocks_init : casg_blocks_init_short)(&x->blocks, data, nbytes,
								       err);
	if (rc)
		return rc;
	h = casg_blocks_entry(&x->blocks, (struct casg_place){ 0, 0 }, 0, HEAD_SZ, err);
	if (!h) {
		casg_packidx_release(x);
		return CASG_ECORRUPT;
	}
	x->nchunks = casg_get_le32(h + 12);
	x->nobjects = casg_get_le32(h + 16);
	x->nnodes = casg_get_le32(h + 20);
	x->bits = casg_get_le32(h + 24);
	memcpy(x->pack_id.b, h + 32, CASG_OID_RAWSZ);
	x->pack_nbytes = casg_get_le64(h + 64);
	if (x->bits != bucket_bits(x->nobjects)) {
		casg_packidx_release(x);
		return casg_err_set(err, CASG_ECORRUPT, "its header is malformed");
	}
	object_form(version, x->nobjects, x->bits, &x->entry_sz, &x->tag_bits);
	lay_out(x);
	if (casg_place_blocks(x->end) != x->blocks.nblocks ||
	    (version >= 3 && x->end.offset != x->blocks.last)) {
		casg_packidx_release(x);
		return casg_err_set(err, CASG_ECORRUPT,
				    "its length is not what its header says");
	}
	rc = load_firsts(x, err);
	if (rc)
		casg_packidx_release(x);
	return rc;
}

void casg_packidx_release(struct casg_packidx *x)
{
	free(x->first);
	free(x->first_node);
	free(x->refs);
	x->first = x->first_node = x->refs = NULL;
	casg_blocks_release(&x->blocks);
}

int casg_packidx_chunk(struct casg_packidx *x, uint32_t chunk,
		       struct casg_idx_chunk *out, struct casg_err *err)
{
	const uint8_t *e;

	if (chunk >= x->nchunks)
		return casg_err_set(err, CASG_ECORRUPT, "the pack has no chunk %u", chunk);
	e = casg_blocks_entry(&x->blocks, x->at_chunks, chunk, CHUNK_SZ, err);
	if (!e)
		return CASG_ECORRUPT;
	memcpy(out->id.b, e, CASG_OID_RAWSZ);
	out->offset = casg_get_le64(e + 32);
	out->nbytes = casg_get_le64(e + 40);
	out->nraw = casg_get_le32(e + 48);
	out->nmembers = casg_get_le32(e + 52);
	out->first = casg_get_le32(e + 56);
	out->kind = e[60];
	out->layout = e[61];
	return 0;
}

int casg_packidx_has_kind(struct casg_packidx *x, unsigned int kind)
{
	struct casg_idx_chunk e;

	for (uint32_t i = 0; i < x->nchunks; i++)
		if (!casg_packidx_chunk(x, i, &e, NULL) && e.kind == kind)
			return 1;
	return 0;
}

static inline int get_u32(struct casg_packidx *x, struct casg_place at, uint64_t i, size_t size,
		   size_t field, uint32_t *out, struct casg_err *err)
{
	const uint8_t *e = casg_blocks_entry(&x->blocks, at, i, size, err);

	if (!e)
		return CASG_ECORRUPT;
	*out = casg_get_le32(e + field);
	return 0;
}

/* Entry i of the objects; the sizes are constants for the sake of speed. */
static inline int object_entry(struct casg_packidx *x, uint32_t i, uint64_t *out,
			       struct casg_err *err)
{
	const uint8_t *e;
	uint64_t high = 0;

	switch (x->entry_sz) {
	case 4:
		e = casg_blocks_entry(&x->blocks, x->at_objects, i, 4, err);
		break;
	case 5:
		e = casg_blocks_entry(&x->blocks, x->at_objects, i, 5, err);
		high = e ? e[4] : 0;
		break;
	case 6:
		e = casg_blocks_entry(&x->blocks, x->at_objects, i, 6, err);
		high = e ? e[4] | (uint64_t)e[5] << 8 : 0;
		break;
	default:
		e = casg_blocks_entry(&x->blocks, x->at_objects, i, OLD_OBJECT_SZ, err);
		high = e ? casg_get_le32(e + 4) : 0;
	}
	if (!e)
		return CASG_ECORRUPT;
	*out = casg_get_le32(e) | high << 32;
	return 0;
}

static inline int get_tag(struct casg_packidx *x, uint32_t i, uint32_t *out,
			  struct casg_err *err)
{
	uint64_t e;

	if (object_entry(x, i, &e, err))
		return CASG_ECORRUPT;
	*out = (uint32_t)(e & (((uint64_t)1 << x->tag_bits) - 1));
	return 0;
}

/* The first slot in lo..hi whose tag is not below 'tag'. */
static int lower_bound(struct casg_packidx *x, uint32_t lo, uint32_t hi, uint64_t tag,
		       uint32_t *out, struct casg_err *err)
{
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2, t;
		int rc = get_tag(x, mid, &t, err);

		if (rc)
			return rc;
		if (t < tag)
			lo = mid + 1;
		else
			hi = mid;
	}
	*out = lo;
	return 0;
}

int casg_packidx_candidates(struct casg_packidx *x, const struct casg_oid *oid,
			    uint32_t *lo, uint32_t *hi, struct casg_err *err)
{
	uint64_t prefix = casg_oid_prefix(oid);
	uint32_t b = bucket_of(prefix, x->bits), tag = tag_of(prefix, x->bits, x->tag_bits);
	uint32_t first, last;
	int rc;

	*lo = *hi = 0;
	if (!x->nobjects)
		return 0;
	rc = get_u32(x, x->at_buckets, b, BUCKET_SZ, 0, &first, err);
	if (!rc)
		rc = get_u32(x, x->at_buckets, (uint64_t)b + 1, BUCKET_SZ, 0, &last, err);
	if (rc)
		return rc;
	if (first > last || last > x->nobjects)
		return casg_err_set(err, CASG_ECORRUPT, "its buckets are out of order");
	rc = lower_bound(x, first, last, tag, lo, err);
	if (rc)
		return rc;
	for (*hi = *lo; *hi < last; ++*hi) {
		uint32_t t;

		rc = get_tag(x, *hi, &t, err);
		if (rc)
			return rc;
		if (t != tag)
			break;
	}
	return 0;
}

int casg_packidx_slot(struct casg_packidx *x, uint32_t slot, uint32_t *object_out,
		      struct casg_err *err)
{
	uint64_t e;

	if (slot >= x->nobjects)
		return casg_err_set(err, CASG_EBUG, "the pack has no object %u", slot);
	if (object_entry(x, slot, &e, err))
		return CASG_ECORRUPT;
	*object_out = (uint32_t)(e >> x->tag_bits);
	if (*object_out >= x->nobjects)
		return casg_err_set(err, CASG_ECORRUPT, "it numbers objects beyond its last");
	return 0;
}

int casg_packidx_each_prefix_in(struct casg_packidx *x, uint64_t from, uint64_t last,
				void (*fn)(void *ctx, uint64_t prefix), void *ctx,
				struct casg_err *err)
{
	uint32_t slot = 0;

	if (!x->nobjects)
		return 0;
	for (uint64_t b = bucket_of(from, x->bits); b <= bucket_of(last, x->bits); b++) {
		uint64_t top = x->bits ? b << (64 - x->bits) : 0;
		uint32_t start, end, tag;
		int rc = get_u32(x, x->at_buckets, b, BUCKET_SZ, 0, &start, err);

		if (!rc)
			rc = get_u32(x, x->at_buckets, b + 1, BUCKET_SZ, 0, &end, err);
		if (rc)
			return rc;
		if (end < start || start < slot || end > x->nobjects)
			return casg_err_set(err, CASG_ECORRUPT,
					    "its buckets are out of order");
		for (slot = start; slot < end; slot++) {
			uint64_t prefix;

			rc = get_tag(x, slot, &tag, err);
			if (rc)
				return rc;
			prefix = top | (uint64_t)tag << (64 - x->tag_bits - x->bits);
			if (prefix >= from && prefix <= last)
				fn(ctx, prefix);
		}
	}
	return 0;
}

int casg_packidx_each_prefix(struct casg_packidx *x, void (*fn)(void *ctx, uint64_t prefix),
			     void *ctx, struct casg_err *err)
{
	return casg_packidx_each_prefix_in(x, 0, UINT64_MAX, fn, ctx, err);
}

int casg_packidx_locate(struct casg_packidx *x, uint32_t object, uint32_t *chunk_out,
			uint32_t *member_out, struct casg_err *err)
{
	uint32_t lo = 0, hi = x->nchunks;
	struct casg_idx_chunk c;
	int rc;

	/* the last chunk whose first object is not after this one holds it */
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (x->first[mid] <= object)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return casg_err_set(err, CASG_ECORRUPT, "it has no chunk for object %u",
				    object);
	rc = casg_packidx_chunk(x, lo - 1, &c, err);
	if (rc)
		return rc;
	if (object - c.first >= c.nmembers || c.kind == CASG_CHUNK_NODE ||
	    c.kind == CASG_CHUNK_REFS)
		return casg_err_set(err, CASG_ECORRUPT, "it has no chunk for object %u",
				    object);
	*chunk_out = lo - 1;
	*member_out = object - c.first;
	return 0;
}

/* The chunk whose nodes are those from first_node on that 'number' is one of. */
static int chunk_of_node(const struct casg_packidx *x, uint32_t number, uint32_t *chunk_out)
{
	uint32_t lo = 0, hi = x->nchunks;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (x->first_node[mid] <= number)
			lo = mid + 1;
		else
			hi = mid;
	}
	*chunk_out = lo - 1;
	return lo != 0;
}

/* Version 3 and on: the id that stands at a number, and its place. */
static int node_by_number(struct casg_packidx *x, uint32_t number, struct casg_idx_node *out,
			  struct casg_err *err)
{
	const uint8_t *e = casg_blocks_entry(&x->blocks, x->at_nodes, number, NODE_SZ, err);

	if (!e)
		return CASG_ECORRUPT;
	if (!chunk_of_node(x, number, &out->chunk))
		return casg_err_set(err, CASG_ECORRUPT, "it has no chunk for node %u", number);
	memcpy(out->id.b, e, CASG_OID_RAWSZ);
	out->member = number - x->first_node[out->chunk];
	return 0;
}

/* An entry of the last array: before version 3 a slot, a number since. */
static int get_number(struct casg_packidx *x, uint32_t i, uint32_t *out, struct casg_err *err)
{
	int rc = get_u32(x, x->at_numbers, i, NUMBER_SZ, 0, out, err);

	if (!rc && *out >= x->nnodes)
		rc = casg_err_set(err, CASG_ECORRUPT, "it numbers nodes beyond its last");
	return rc;
}

/* The entry, which begins with the id, that has this slot in the order of ids. */
static const uint8_t *node_entry(struct casg_packidx *x, uint32_t slot, struct casg_err *err)
{
	uint32_t number;

	if (x->version < 3)
		return casg_blocks_entry(&x->blocks, x->at_nodes, slot, OLD_NODE_SZ, err);
	return get_number(x, slot, &number, err) ? NULL :
	       casg_blocks_entry(&x->blocks, x->at_nodes, number, NODE_SZ, err);
}

int casg_packidx_node(struct casg_packidx *x, uint32_t slot, struct casg_idx_node *out,
		      struct casg_err *err)
{
	const uint8_t *e;
	uint32_t number;

	if (slot >= x->nnodes)
		return casg_err_set(err, CASG_EBUG, "the pack has no node %u", slot);
	if (x->version >= 3) {
		int rc = get_number(x, slot, &number, err);

		return rc ? rc : node_by_number(x, number, out, err);
	}
	e = node_entry(x, slot, err);
	if (!e)
		return CASG_ECORRUPT;
	memcpy(out->id.b, e, CASG_OID_RAWSZ);
	out->chunk = casg_get_le32(e + 32);
	out->member = casg_get_le32(e + 36);
	return 0;
}

int casg_packidx_find_node(struct casg_packidx *x, const struct casg_oid *id,
			   struct casg_idx_node *out, struct casg_err *err)
{
	return casg_packidx_find_node_nth(x, id, 0, out, err);
}

int casg_packidx_find_node_nth(struct casg_packidx *x, const struct casg_oid *id, uint32_t nth,
			       struct casg_idx_node *out, struct casg_err *err)
{
	uint32_t lo = 0, hi = x->nnodes;
	int rc;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const uint8_t *e = node_entry(x, mid, err);

		if (!e)
			return CASG_ECORRUPT;
		if (memcmp(e, id->b, CASG_OID_RAWSZ) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (nth >= x->nnodes - lo)
		return 0;
	rc = casg_packidx_node(x, lo + nth, out, err);
	return rc ? rc : casg_oid_eq(&out->id, id);
}

int casg_packidx_node_number(struct casg_packidx *x, uint32_t chunk, uint32_t member,
			     uint32_t *number_out, struct casg_err *err)
{
	uint32_t next;

	if (chunk >= x->nchunks)
		return casg_err_set(err, CASG_ECORRUPT, "the pack has no chunk %u", chunk);
	next = chunk + 1 < x->nchunks ? x->first_node[chunk + 1] : x->nnodes;
	if (member >= next - x->first_node[chunk])
		return casg_err_set(err, CASG_ECORRUPT, "chunk %u has no node %u", chunk, member);
	*number_out = x->first_node[chunk] + member;
	return 0;
}

int casg_packidx_node_at(struct casg_packidx *x, uint32_t number, struct casg_idx_node *out,
			 struct casg_err *err)
{
	uint32_t slot, chunk;
	int rc;

	if (number >= x->nnodes)
		return casg_err_set(err, CASG_ECORRUPT, "the pack has no node %u", number);
	if (x->version >= 3)
		return node_by_number(x, number, out, err);
	if (x->version < 2)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "its index is of an older version: 'casg index-pack' writes it anew");
	rc = get_number(x, number, &slot, err);
	if (!rc)
		rc = casg_packidx_node(x, slot, out, err);
	if (rc)
		return rc;
	if (!chunk_of_node(x, number, &chunk) || out->chunk != chunk ||
	    out->member != number - x->first_node[chunk])
		return casg_err_set(err, CASG_ECORRUPT, "its list of nodes contradicts itself");
	return 0;
}

int casg_packidx_find_chunk(struct casg_packidx *x, const struct casg_oid *id,
			    uint32_t *chunk_out, struct casg_err *err)
{
	uint32_t lo = 0, hi = x->nchunks;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2, k;
		const uint8_t *e;
		int c, rc = get_u32(x, x->at_byid, mid, BYID_SZ, 0, &k, err);

		if (rc)
			return rc;
		if (k >= x->nchunks)
			return casg_err_set(err, CASG_ECORRUPT,
					    "it numbers chunks beyond its last");
		e = casg_blocks_entry(&x->blocks, x->at_chunks, k, CHUNK_SZ, err);
		if (!e)
			return CASG_ECORRUPT;
		c = memcmp(e, id->b, CASG_OID_RAWSZ);
		if (!c) {
			*chunk_out = k;
			return 1;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}
