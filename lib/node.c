#include "node.h"

#include <stdlib.h>

#include "array.h"
#include "endian.h"
#include "merkle.h"
#include "sum.h"
#include "varint.h"

/* ---- hashing ----------------------------------------------------------- */

uint64_t casg_entry_nbytes(const struct casg_entry *e)
{
	return 4 + e->klen + 4 + 4 + 4 + CASG_OID_RAWSZ + 4 + 8 + 4 + 1 +
	       (e->dlen <= CASG_DESC_INLINE ? e->dlen : CASG_OID_RAWSZ + 8);
}

uint64_t casg_child_nbytes(const struct casg_child *c)
{
	return 4 + c->first_len + 4 + 4 + 4 + c->last_len + 4 + 4 + 4 + 8 + 4 +
	       CASG_OID_RAWSZ;
}

/*
 * The middle of an encoded leaf entry, between key and description, has a
 * fixed length; so an entry is hashed from four slices without a copy.
 */
enum { LEAF_MID = 4 + 4 + 4 + CASG_OID_RAWSZ + 4 + 8 + 4 + 1 };

struct leaf_parts {
	uint8_t klen[4];
	uint8_t mid[LEAF_MID];
	uint8_t blob[CASG_OID_RAWSZ + 8];
	struct casg_slice v[4];
};

static void leaf_parts(const struct casg_entry *e, struct leaf_parts *p)
{
	int inl = e->dlen <= CASG_DESC_INLINE;
	uint8_t *m = p->mid;

	casg_put_be32(p->klen, (uint32_t)e->klen);
	casg_put_be32(m, 4);
	casg_put_be32(m + 4, e->occurrence);
	casg_put_be32(m + 8, CASG_OID_RAWSZ);
	memcpy(m + 12, e->oid.b, CASG_OID_RAWSZ);
	casg_put_be32(m + 44, 8);
	casg_put_be64(m + 48, e->length);
	casg_put_be32(m + 56, 1 + (inl ? (uint32_t)e->dlen : CASG_OID_RAWSZ + 8));
	m[60] = inl ? 0 : 1;
	p->v[0] = (struct casg_slice){ p->klen, 4 };
	p->v[1] = (struct casg_slice){ e->key, e->klen };
	p->v[2] = (struct casg_slice){ m, LEAF_MID };
	if (inl) {
		p->v[3] = (struct casg_slice){ e->desc, (size_t)e->dlen };
	} else {
		memcpy(p->blob, e->desc_blob.b, CASG_OID_RAWSZ);
		casg_put_be64(p->blob + CASG_OID_RAWSZ, e->dlen);
		p->v[3] = (struct casg_slice){ p->blob, sizeof(p->blob) };
	}
}

void casg_entry_hash(struct casg_hasher *h, const struct casg_entry *e,
		     struct casg_oid *out)
{
	struct leaf_parts p;
	uint8_t small[512];
	size_t n = 0;

	leaf_parts(e, &p);
	if (casg_entry_nbytes(e) > sizeof(small)) {
		casg_merkle_leafv(h, p.v, 4, out);
		return;
	}
	/* one update is cheaper than four */
	for (int i = 0; i < 4; i++) {
		if (p.v[i].nbytes)
			memcpy(small + n, p.v[i].p, p.v[i].nbytes);
		n += p.v[i].nbytes;
	}
	casg_merkle_leaf(h, small, n, out);
}

static void add_field(struct casg_buf *out, const void *p, size_t n)
{
	uint8_t len[4];

	casg_put_be32(len, (uint32_t)n);
	casg_buf_add(out, len, 4);
	casg_buf_add(out, p, n);
}

static void add_be32(struct casg_buf *out, uint32_t v)
{
	uint8_t b[4];

	casg_put_be32(b, v);
	add_field(out, b, 4);
}

void casg_child_encode(const struct casg_child *c, struct casg_buf *out)
{
	uint8_t n[8];

	casg_put_be64(n, c->count);
	add_field(out, c->first, c->first_len);
	add_be32(out, c->first_occurrence);
	add_field(out, c->last, c->last_len);
	add_be32(out, c->last_occurrence);
	add_field(out, n, 8);
	add_field(out, c->id.b, CASG_OID_RAWSZ);
}

void casg_child_hash(struct casg_hasher *h, const struct casg_child *c,
		     struct casg_oid *out)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_child_encode(c, &b);
	casg_merkle_leaf(h, b.data, b.len, out);
	casg_buf_release(&b);
}

void casg_node_id(struct casg_hasher *h, int kind, int level, uint32_t count,
		  const struct casg_oid *entry_hashes, struct casg_oid *id_out)
{
	struct casg_oid root;

	casg_merkle_root_of(h, entry_hashes, count, &root);
	casg_node_id_root(h, kind, level, count, &root, id_out);
}

void casg_node_id_root(struct casg_hasher *h, int kind, int level, uint32_t count,
		       const struct casg_oid *root, struct casg_oid *id_out)
{
	uint8_t b[3 + 4 + CASG_OID_RAWSZ] = { 0x02, (uint8_t)kind, (uint8_t)level };

	casg_put_be32(b + 3, count);
	memcpy(b + 7, root->b, CASG_OID_RAWSZ);
	casg_hasher_digest(h, b, sizeof(b), id_out);
}

/* ---- order and boundaries ---------------------------------------------- */

int casg_key_cmp(const char *a, size_t alen, uint32_t aocc,
		 const char *b, size_t blen, uint32_t bocc)
{
	int c = memcmp(a, b, alen < blen ? alen : blen);

	if (c)
		return c;
	if (alen != blen)
		return alen < blen ? -1 : 1;
	return aocc < bocc ? -1 : aocc > bocc;
}

int casg_node_boundary(int level, const char *key, size_t klen, uint32_t occurrence)
{
	uint8_t occ[4];

	casg_put_be32(occ, occurrence);
	return !(casg_xxh64(casg_xxh64((uint64_t)level, key, klen), occ, 4) &
		 CASG_NODE_MASK);
}

int casg_cutter_before(const struct casg_cutter *c, uint64_t entry_nbytes)
{
	return c->count >= 2 && c->nbytes + entry_nbytes > CASG_NODE_NBYTES;
}

int casg_cutter_feed(struct casg_cutter *c, uint64_t entry_nbytes, int boundary,
		     int *after_out)
{
	int before = casg_cutter_before(c, entry_nbytes);

	if (before) {
		c->count = 0;
		c->nbytes = 0;
	}
	c->count++;
	c->nbytes += entry_nbytes;
	*after_out = c->count == CASG_NODE_MAX || (boundary && c->count >= CASG_NODE_MIN);
	if (*after_out) {
		c->count = 0;
		c->nbytes = 0;
	}
	return before;
}

/* ---- stored form ------------------------------------------------------- */

size_t casg_key_shared(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t n = alen < blen ? alen : blen, i = 0;

	while (i < n && a[i] == b[i])
		i++;
	return i;
}

static void store_head(struct casg_buf *s, int level, uint32_t count)
{
	casg_buf_addch(s, CASG_NODE_KIND_RECORD);
	casg_buf_addch(s, level);
	casg_varint_add(s, count);
}

void casg_leaf_store(const struct casg_entry *e, uint32_t count,
		     struct casg_buf col[CASG_COLUMNS])
{
	struct casg_buf *s = &col[0];
	uint64_t last = 0;

	store_head(s, 0, count);
	for (uint32_t i = 0; i < count; i++) {
		size_t n = i ? casg_key_shared(e[i - 1].key, e[i - 1].klen, e[i].key, e[i].klen) : 0;

		casg_varint_add(s, n);
		casg_buf_add(&col[1], e[i].key + n, e[i].klen - n);
	}
	for (uint32_t i = 0; i < count; i++) {
		size_t n = i ? casg_key_shared(e[i - 1].key, e[i - 1].klen, e[i].key, e[i].klen) : 0;

		casg_varint_add(s, e[i].klen - n);
	}
	for (uint32_t i = 0; i < count; i++)
		casg_varint_add(s, e[i].occurrence);
	for (uint32_t i = 0; i < count; i++) {
		casg_varint_add(s, e[i].dlen);
		if (e[i].dlen <= CASG_DESC_INLINE)
			casg_buf_add(&col[2], e[i].desc, (size_t)e[i].dlen);
		else
			casg_buf_add(&col[2], e[i].desc_blob.b, CASG_OID_RAWSZ);
		casg_varint_add(&col[3], casg_zigzag((int64_t)(e[i].ref - last)));
		last = e[i].ref;
	}
}

void casg_interior_store(int level, const struct casg_child *c, uint32_t count,
			 struct casg_buf col[CASG_COLUMNS])
{
	struct casg_buf *s = &col[0];

	store_head(s, level, count);
	for (uint32_t i = 0; i < count; i++) {
		size_t a = i ? casg_key_shared(c[i - 1].last, c[i - 1].last_len, c[i].first,
				      c[i].first_len) : 0;
		size_t b = casg_key_shared(c[i].first, c[i].first_len, c[i].last, c[i].last_len);

		casg_varint_add(s, a);
		casg_varint_add(s, c[i].first_len - a);
		casg_varint_add(s, c[i].first_occurrence);
		casg_varint_add(s, b);
		casg_varint_add(s, c[i].last_len - b);
		casg_varint_add(s, c[i].last_occurrence);
		casg_varint_add(s, c[i].count);
		casg_buf_add(&col[1], c[i].first + a, c[i].first_len - a);
		casg_buf_add(&col[1], c[i].last + b, c[i].last_len - b);
		casg_buf_add(&col[3], c[i].id.b, CASG_OID_RAWSZ);
	}
}

/* ---- reading ----------------------------------------------------------- */

static int corrupt(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "corrupt tree node: %s", what);
}

static int get(struct casg_node_reader *r, uint64_t *v)
{
	return casg_varint_get(&r->p[0], r->end[0], v);
}

static int key_ok(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == 0 || p[i] == ' ' || (p[i] >= 9 && p[i] <= 13))
			return 0;
	return 1;
}

int casg_node_read_key(struct casg_node *n, struct casg_node_reader *r, uint64_t nshared,
		       uint64_t suffix, size_t *at, size_t *len)
{
	if (nshared > r->last_len || suffix > (uint64_t)(r->end[1] - r->p[1]) ||
	    nshared + suffix > CASG_KEY_MAX || !key_ok(r->p[1], (size_t)suffix))
		return -1;
	*at = n->keys.len;
	*len = (size_t)(nshared + suffix);
	if (n->keys.len + *len > 4 * CASG_NODE_RAW_MAX * 16 ||
	    casg_buf_grow(&n->keys, *len + 1))
		return -1;
	memcpy(n->keys.data + *at, n->keys.data + r->last_at, (size_t)nshared);
	memcpy(n->keys.data + *at + nshared, r->p[1], (size_t)suffix);
	n->keys.len += *len;
	r->p[1] += suffix;
	r->last_at = *at;
	r->last_len = *len;
	return 0;
}

static int at_end(const struct casg_node_reader *r)
{
	for (int j = 0; j < CASG_COLUMNS; j++)
		if (r->p[j] != r->end[j])
			return 0;
	return 1;
}

/* Keys are kept as offsets while their buffer grows; here they become pointers. */
static const char *key_ptr(const struct casg_node *n, const char *offset)
{
	return (const char *)n->keys.data + (uintptr_t)offset;
}

static int check_leaf(struct casg_node *n, struct casg_err *err)
{
	struct casg_cutter cut = { 0, 0 };

	for (uint32_t i = 0; i < n->count; i++) {
		struct casg_entry *e = &n->entries[i];
		int after;

		e->key = key_ptr(n, e->key);
		if (i && casg_key_cmp(e[-1].key, e[-1].klen, e[-1].occurrence,
				      e->key, e->klen, e->occurrence) >= 0)
			return corrupt(err, "its entries are out of order");
		if (casg_cutter_feed(&cut, casg_entry_nbytes(e),
				     casg_node_boundary(0, e->key, e->klen, e->occurrence),
				     &after) ||
		    (after && i + 1 < n->count))
			return corrupt(err, "it has a boundary inside");
	}
	return 0;
}

static int check_interior(struct casg_node *n, struct casg_err *err)
{
	struct casg_cutter cut = { 0, 0 };

	for (uint32_t i = 0; i < n->count; i++) {
		struct casg_child *c = &n->children[i];
		int after;

		c->first = key_ptr(n, c->first);
		c->last = key_ptr(n, c->last);
		if (casg_key_cmp(c->first, c->first_len, c->first_occurrence,
				 c->last, c->last_len, c->last_occurrence) > 0 ||
		    (i && casg_key_cmp(c[-1].last, c[-1].last_len, c[-1].last_occurrence,
				       c->first, c->first_len, c->first_occurrence) >= 0))
			return corrupt(err, "its entries are out of order");
		if (!c->count)
			return corrupt(err, "a child is empty");
		if (casg_cutter_feed(&cut, casg_child_nbytes(c),
				     casg_node_boundary(n->level, c->last, c->last_len,
							c->last_occurrence), &after) ||
		    (after && i + 1 < n->count))
			return corrupt(err, "it has a boundary inside");
	}
	return 0;
}

int casg_node_read_end(struct casg_node *n, const struct casg_node_reader *r,
		       struct casg_err *err)
{
	if (!at_end(r))
		return corrupt(err, "bytes are left over");
	return n->level ? check_interior(n, err) : check_leaf(n, err);
}

static int decode_leaf(struct casg_node *n, struct casg_node_reader *r, uint32_t pack,
		       struct casg_section section, struct casg_err *err)
{
	struct casg_node_reader sh = *r; /* a second reader over the shared lengths */
	uint64_t a, b, ref = 0;
	size_t at = 0;

	for (uint32_t i = 0; i < n->count; i++)
		if (get(r, &a))
			return corrupt(err, "its structure is cut short");
	for (uint32_t i = 0; i < n->count; i++) {
		struct casg_entry *e = &n->entries[i];

		memset(e, 0, sizeof(*e));
		if (get(&sh, &a) || get(r, &b) || casg_node_read_key(n, r, a, b, &at, &e->klen))
			return corrupt(err, "a key is malformed");
		e->key = (const char *)(uintptr_t)at;
	}
	for (uint32_t i = 0; i < n->count; i++) {
		if (get(r, &a) || a > UINT32_MAX)
			return corrupt(err, "an occurrence is malformed");
		n->entries[i].occurrence = (uint32_t)a;
	}
	for (uint32_t i = 0; i < n->count; i++) {
		struct casg_entry *e = &n->entries[i];
		uint64_t need;

		if (get(r, &e->dlen) || casg_varint_get(&r->p[3], r->end[3], &a))
			return corrupt(err, "an entry is cut short");
		need = e->dlen <= CASG_DESC_INLINE ? e->dlen : CASG_OID_RAWSZ;
		if (need > (uint64_t)(r->end[2] - r->p[2]))
			return corrupt(err, "a description is cut short");
		if (e->dlen <= CASG_DESC_INLINE)
			e->desc = (const char *)r->p[2];
		else
			memcpy(e->desc_blob.b, r->p[2], CASG_OID_RAWSZ);
		r->p[2] += need;
		ref += (uint64_t)casg_unzigzag(a);
		if (ref >= section.n)
			return corrupt(err, "a reference is beyond its section");
		e->ref = ref + section.base;
		e->pack = pack;
	}
	return casg_node_read_end(n, r, err);
}

static int decode_interior(struct casg_node *n, struct casg_node_reader *r, struct casg_err *err)
{
	uint64_t v[7];
	size_t at = 0;

	for (uint32_t i = 0; i < n->count; i++) {
		struct casg_child *c = &n->children[i];

		for (int k = 0; k < 7; k++)
			if (get(r, &v[k]))
				return corrupt(err, "its structure is cut short");
		if (v[2] > UINT32_MAX || v[5] > UINT32_MAX)
			return corrupt(err, "an occurrence is malformed");
		if (casg_node_read_key(n, r, v[0], v[1], &at, &c->first_len))
			return corrupt(err, "a key is malformed");
		c->first = (const char *)(uintptr_t)at;
		if (casg_node_read_key(n, r, v[3], v[4], &at, &c->last_len))
			return corrupt(err, "a key is malformed");
		c->last = (const char *)(uintptr_t)at;
		c->first_occurrence = (uint32_t)v[2];
		c->last_occurrence = (uint32_t)v[5];
		c->count = v[6];
		if (r->end[3] - r->p[3] < CASG_OID_RAWSZ)
			return corrupt(err, "an id is cut short");
		memcpy(c->id.b, r->p[3], CASG_OID_RAWSZ);
		r->p[3] += CASG_OID_RAWSZ;
	}
	return casg_node_read_end(n, r, err);
}

int casg_node_read_head(struct casg_node *n, struct casg_node_reader *r,
			const struct casg_chunk *ch, uint32_t member, int *linked_out,
			struct casg_err *err)
{
	const uint8_t *p;
	uint64_t count;

	casg_buf_reset(&n->keys);
	casg_buf_reset(&n->descs);
	n->count = 0;
	r->last_at = r->last_len = 0;
	if (!ch->column || member >= ch->nmembers)
		return corrupt(err, "the chunk has no such node");
	if (casg_chunk_len(ch, member) > CASG_NODE_RAW_MAX)
		return corrupt(err, "it is larger than the limit");
	p = ch->data + ch->offset[member];
	for (int j = 0; j < CASG_COLUMNS; j++) {
		r->p[j] = p;
		p += ch->column[member * CASG_COLUMNS + j];
		r->end[j] = p;
	}
	if (r->end[0] - r->p[0] < 3)
		return corrupt(err, "its structure is cut short");
	n->kind = *r->p[0]++;
	*linked_out = n->kind & CASG_NODE_LINKED;
	n->kind &= ~CASG_NODE_LINKED;
	n->level = *r->p[0]++;
	if (n->kind != CASG_NODE_KIND_RECORD)
		return casg_err_set(err, CASG_EUNSUPPORTED, "unsupported tree node kind %d",
				    n->kind);
	if (n->level > CASG_NODE_LEVEL_MAX || get(r, &count) || count > CASG_NODE_MAX)
		return corrupt(err, "its head is malformed");
	if (n->level && !count)
		return corrupt(err, "an interior node is empty");
	if (n->level ? CASG_GROW(n->children, count, n->cap_children)
		     : CASG_GROW(n->entries, count + 1, n->cap_entries))
		return casg_err_nomem(err);
	n->count = (uint32_t)count;
	return 0;
}

int casg_node_decode(struct casg_node *n, const struct casg_chunk *ch, uint32_t member,
		     uint32_t pack, struct casg_section section, struct casg_err *err)
{
	struct casg_node_reader r;
	int linked, rc = casg_node_read_head(n, &r, ch, member, &linked, err);

	if (rc)
		return rc;
	if (linked)
		return casg_err_set(err, CASG_EBUG, "a linked node needs its bases");
	return n->level ? decode_interior(n, &r, err)
			: decode_leaf(n, &r, pack, section, err);
}

void casg_node_release(struct casg_node *n)
{
	free(n->entries);
	free(n->children);
	casg_buf_release(&n->keys);
	casg_buf_release(&n->descs);
	memset(n, 0, sizeof(*n));
}
