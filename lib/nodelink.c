#include "nodelink.h"

#include "varint.h"

enum { OP_COPY, OP_SKIP, OP_INSERT, OP_PATCH };

/* What a patch replaces. */
enum { LEAF_DESC = 1, LEAF_REF = 2, CHILD_FIRST = 1, CHILD_LAST = 2, CHILD_COUNT = 4 };

/* ---- writing ----------------------------------------------------------- */

/* The entries of all bases, one after the other. */
struct cursor {
	const struct casg_nodelink_base *b;
	int nb;
	uint32_t i;
};

static void settle(struct cursor *c)
{
	while (c->nb && c->i == c->b->node->count) {
		c->b++;
		c->nb--;
		c->i = 0;
	}
}

struct writer {
	struct casg_buf *col;
	int op;
	uint64_t n;              /* entries of the run under way */
	struct casg_buf detail;  /* and what its op needs of each */
	uint64_t last_ref;
	uint32_t last_number;
};

static void end_run(struct writer *w)
{
	if (w->n) {
		casg_varint_add(&w->col[0], w->n << 2 | (uint64_t)w->op);
		casg_buf_add(&w->col[0], w->detail.data, w->detail.len);
	}
	w->n = 0;
	casg_buf_reset(&w->detail);
}

static void add_op(struct writer *w, int op)
{
	if (op != w->op)
		end_run(w);
	w->op = op;
	w->n++;
}

/* 0: an id follows in column 3; else the distance from the number before, plus 1. */
static void put_name(struct writer *w, struct casg_buf *s, uint32_t number,
		     const struct casg_oid *id)
{
	if (number == CASG_NO_NUMBER) {
		casg_varint_add(s, 0);
		casg_buf_add(&w->col[3], id->b, CASG_OID_RAWSZ);
		return;
	}
	casg_varint_add(s, casg_zigzag((int64_t)number - (int64_t)w->last_number) + 1);
	w->last_number = number;
}

static void begin(struct writer *w, int level, uint32_t count, uint32_t own,
		  const struct casg_nodelink_base *bases, int nbases)
{
	casg_buf_addch(&w->col[0], CASG_NODE_KIND_RECORD | CASG_NODE_LINKED);
	casg_buf_addch(&w->col[0], level);
	casg_varint_add(&w->col[0], count);
	casg_varint_add(&w->col[0], (uint64_t)nbases);
	w->last_number = own;
	for (int i = 0; i < nbases; i++)
		put_name(w, &w->col[0], bases[i].name.number, &bases[i].name.id);
	w->last_number = own;
}

static void finish(struct writer *w)
{
	end_run(w);
	/* a failed addition must not go unnoticed */
	w->col[0].failed |= w->detail.failed;
	casg_buf_release(&w->detail);
}

static size_t shared_back(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t n = alen < blen ? alen : blen, i = 0;

	while (i < n && a[alen - 1 - i] == b[blen - 1 - i])
		i++;
	return i;
}

static int desc_eq(const struct casg_entry *a, const struct casg_entry *b)
{
	if (a->dlen != b->dlen)
		return 0;
	if (a->dlen > CASG_DESC_INLINE)
		return casg_oid_eq(&a->desc_blob, &b->desc_blob);
	return !a->dlen || !memcmp(a->desc, b->desc, (size_t)a->dlen);
}

static void put_ref(struct writer *w, uint64_t ref)
{
	casg_varint_add(&w->col[3], casg_zigzag((int64_t)(ref - w->last_ref)));
	w->last_ref = ref;
}

static void insert_entry(struct writer *w, const struct casg_entry *e,
			 const struct casg_entry *before)
{
	size_t n = before ? casg_key_shared(before->key, before->klen, e->key, e->klen) : 0;

	add_op(w, OP_INSERT);
	casg_varint_add(&w->detail, n);
	casg_varint_add(&w->detail, e->klen - n);
	casg_varint_add(&w->detail, e->occurrence);
	casg_varint_add(&w->detail, e->dlen);
	casg_buf_add(&w->col[1], e->key + n, e->klen - n);
	if (e->dlen <= CASG_DESC_INLINE)
		casg_buf_add(&w->col[2], e->desc, (size_t)e->dlen);
	else
		casg_buf_add(&w->col[2], e->desc_blob.b, CASG_OID_RAWSZ);
	put_ref(w, e->ref);
}

static void patch_desc(struct writer *w, const struct casg_entry *e,
		       const struct casg_entry *b)
{
	size_t front = 0, back = 0;

	casg_varint_add(&w->detail, e->dlen);
	if (e->dlen > CASG_DESC_INLINE) {
		casg_buf_add(&w->col[2], e->desc_blob.b, CASG_OID_RAWSZ);
		return;
	}
	if (b->dlen <= CASG_DESC_INLINE) {
		front = casg_key_shared(e->desc, (size_t)e->dlen, b->desc, (size_t)b->dlen);
		back = shared_back(e->desc + front, (size_t)e->dlen - front, b->desc + front,
				   (size_t)b->dlen - front);
	}
	casg_varint_add(&w->detail, front);
	casg_varint_add(&w->detail, back);
	casg_buf_add(&w->col[2], e->desc + front, (size_t)e->dlen - front - back);
}

static void pair_entries(struct writer *w, const struct casg_entry *e,
			 const struct casg_loc *loc, const struct casg_entry *b,
			 const struct casg_loc *bloc)
{
	int flags = (desc_eq(e, b) ? 0 : LEAF_DESC) | (casg_loc_eq(loc, bloc) ? 0 : LEAF_REF);

	if (!flags) {
		add_op(w, OP_COPY);
		return;
	}
	add_op(w, OP_PATCH);
	casg_buf_addch(&w->detail, flags);
	if (flags & LEAF_DESC)
		patch_desc(w, e, b);
	if (flags & LEAF_REF)
		put_ref(w, e->ref);
}

/*
 * The next step through a leaf and its bases: below 0 entry i has none, above
 * 0 the base's entry *b_out is skipped, 0 they are of one key.
 */
static int step(struct cursor *c, const struct casg_entry *e, const struct casg_entry **b_out)
{
	settle(c);
	if (!c->nb)
		return -1;
	*b_out = &c->b->node->entries[c->i];
	return casg_key_cmp(e->key, e->klen, e->occurrence, (*b_out)->key, (*b_out)->klen,
			    (*b_out)->occurrence);
}

void casg_leaf_link_needs(const struct casg_entry *e, const struct casg_loc *locs,
			  uint32_t count, const struct casg_nodelink_base *bases, int nbases,
			  uint8_t *need_out)
{
	struct cursor c = { bases, nbases, 0 };
	const struct casg_entry *b = NULL;

	for (uint32_t i = 0; i < count; ) {
		int cmp = step(&c, &e[i], &b);

		if (cmp <= 0) {
			need_out[i] = cmp < 0 || !casg_loc_eq(&locs[i], &c.b->locs[c.i]);
			i++;
		}
		c.i += cmp >= 0;
	}
}

void casg_leaf_store_linked(const struct casg_entry *e, const struct casg_loc *locs,
			    uint32_t count, uint32_t own,
			    const struct casg_nodelink_base *bases, int nbases,
			    struct casg_buf col[CASG_COLUMNS])
{
	struct writer w = { .col = col, .detail = CASG_BUF_INIT };
	struct cursor c = { bases, nbases, 0 };
	const struct casg_entry *b = NULL;

	begin(&w, 0, count, own, bases, nbases);
	for (uint32_t i = 0; i < count; ) {
		int cmp = step(&c, &e[i], &b);

		if (cmp < 0)
			insert_entry(&w, &e[i], i ? &e[i - 1] : NULL);
		else if (cmp > 0)
			add_op(&w, OP_SKIP);
		else
			pair_entries(&w, &e[i], &locs[i], b, &c.b->locs[c.i]);
		c.i += cmp >= 0;
		i += cmp <= 0;
	}
	finish(&w);
}

static void put_key(struct writer *w, const char *key, size_t klen, uint32_t occurrence,
		    const char *like, size_t like_len)
{
	size_t n = casg_key_shared(like, like_len, key, klen);

	casg_varint_add(&w->detail, n);
	casg_varint_add(&w->detail, klen - n);
	casg_varint_add(&w->detail, occurrence);
	casg_buf_add(&w->col[1], key + n, klen - n);
}

static void insert_child(struct writer *w, const struct casg_child *c, uint32_t number,
			 const struct casg_child *before)
{
	add_op(w, OP_INSERT);
	put_key(w, c->first, c->first_len, c->first_occurrence,
		before ? before->last : "", before ? before->last_len : 0);
	put_key(w, c->last, c->last_len, c->last_occurrence, c->first, c->first_len);
	casg_varint_add(&w->detail, c->count);
	put_name(w, &w->detail, number, &c->id);
}

static void pair_children(struct writer *w, const struct casg_child *c, uint32_t number,
			  const struct casg_child *b)
{
	int flags = 0;

	if (casg_key_cmp(c->first, c->first_len, c->first_occurrence, b->first, b->first_len,
			 b->first_occurrence))
		flags |= CHILD_FIRST;
	if (casg_key_cmp(c->last, c->last_len, c->last_occurrence, b->last, b->last_len,
			 b->last_occurrence))
		flags |= CHILD_LAST;
	if (c->count != b->count)
		flags |= CHILD_COUNT;
	if (!flags && casg_oid_eq(&c->id, &b->id)) {
		add_op(w, OP_COPY);
		return;
	}
	add_op(w, OP_PATCH);
	casg_buf_addch(&w->detail, flags);
	if (flags & CHILD_FIRST)
		put_key(w, c->first, c->first_len, c->first_occurrence, b->first,
			b->first_len);
	if (flags & CHILD_LAST)
		put_key(w, c->last, c->last_len, c->last_occurrence, b->last, b->last_len);
	if (flags & CHILD_COUNT)
		casg_varint_add(&w->detail, casg_zigzag((int64_t)(c->count - b->count)));
	put_name(w, &w->detail, number, &c->id);
}

/* Children are the same when they end, or else begin, with the same record. */
static int match_children(const struct casg_child *c, const struct casg_child *b)
{
	int cmp = casg_key_cmp(c->last, c->last_len, c->last_occurrence, b->last,
			       b->last_len, b->last_occurrence);

	if (cmp && !casg_key_cmp(c->first, c->first_len, c->first_occurrence, b->first,
				 b->first_len, b->first_occurrence))
		return 0;
	return cmp;
}

void casg_interior_store_linked(int level, const struct casg_child *c,
				const uint32_t *numbers, uint32_t count, uint32_t own,
				const struct casg_nodelink_base *bases, int nbases,
				struct casg_buf col[CASG_COLUMNS])
{
	struct writer w = { .col = col, .detail = CASG_BUF_INIT };
	struct cursor at = { bases, nbases, 0 };

	begin(&w, level, count, own, bases, nbases);
	for (uint32_t i = 0; i < count; ) {
		const struct casg_child *b;
		int cmp = -1;

		settle(&at);
		if (at.nb) {
			b = &at.b->node->children[at.i];
			cmp = match_children(&c[i], b);
		}
		if (cmp < 0) {
			insert_child(&w, &c[i], numbers[i], i ? &c[i - 1] : NULL);
			i++;
		} else if (cmp > 0) {
			add_op(&w, OP_SKIP);
			at.i++;
		} else {
			pair_children(&w, &c[i], numbers[i], b);
			at.i++;
			i++;
		}
	}
	finish(&w);
}

/* ---- reading ----------------------------------------------------------- */

struct source {
	struct casg_node *n;
	struct casg_node_reader r;
	uint32_t own, pack, last_number;
	uint64_t last_ref;
	struct casg_section section;
	const struct casg_node *const *bases;
	int nbases;
	uint32_t at;          /* in bases[0] */
	casg_node_id_fn *id_of;
	void *ctx;
};

static int corrupt(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "corrupt linked tree node: %s", what);
}

static int get(struct source *s, uint64_t *v)
{
	return casg_varint_get(&s->r.p[0], s->r.end[0], v);
}

static int get_name(struct source *s, struct casg_node_name *out, struct casg_err *err)
{
	uint64_t v;
	int64_t number;

	memset(out, 0, sizeof(*out));
	out->number = CASG_NO_NUMBER;
	if (get(s, &v))
		return corrupt(err, "a name is cut short");
	if (!v) {
		if (s->r.end[3] - s->r.p[3] < CASG_OID_RAWSZ)
			return corrupt(err, "an id is cut short");
		memcpy(out->id.b, s->r.p[3], CASG_OID_RAWSZ);
		s->r.p[3] += CASG_OID_RAWSZ;
		return 0;
	}
	/* both are far from the ends of int64_t, or it is refused */
	if (v - 1 > (uint64_t)UINT32_MAX << 2)
		return corrupt(err, "a number is out of range");
	number = (int64_t)s->last_number + casg_unzigzag(v - 1);
	if (number < 0 || number >= (int64_t)s->own)
		return corrupt(err, "it names a node that is not before it");
	out->number = s->last_number = (uint32_t)number;
	return 0;
}

int casg_node_is_linked(const struct casg_chunk *ch, uint32_t member)
{
	return ch->column && member < ch->nmembers && ch->column[member * CASG_COLUMNS] &&
	       ch->data[ch->offset[member]] & CASG_NODE_LINKED;
}

static int get_bases(struct source *s, const struct casg_chunk *ch,
		     struct casg_node_name *out, int *n_out, struct casg_err *err)
{
	uint64_t n;

	if (ch->layout < CASG_LAYOUT_LINKED)
		return corrupt(err, "its chunk is not one of linked nodes");
	if (get(s, &n) || n > CASG_NODELINK_BASES)
		return corrupt(err, "its bases are malformed");
	for (uint64_t i = 0; i < n; i++) {
		int rc = get_name(s, &out[i], err);

		if (rc)
			return rc;
		if (out[i].number == CASG_NO_NUMBER && ch->layout != CASG_LAYOUT_LINKED_OUT)
			return corrupt(err, "a base in another pack is not announced");
	}
	*n_out = (int)n;
	s->last_number = s->own;
	return 0;
}

int casg_nodelink_bases(const struct casg_chunk *ch, uint32_t member, uint32_t own,
			struct casg_node_name out[CASG_NODELINK_BASES], int *n_out,
			struct casg_err *err)
{
	struct casg_node n = { 0 };
	struct source s = { .n = &n, .own = own, .last_number = own };
	int linked, rc = casg_node_read_head(&n, &s.r, ch, member, &linked, err);

	*n_out = 0;
	if (!rc && linked)
		rc = get_bases(&s, ch, out, n_out, err);
	casg_node_release(&n);
	return rc;
}

/* The next entry of the bases: its node, with *i_out; NULL at the end. */
static const struct casg_node *next_base(struct source *s, uint32_t *i_out)
{
	while (s->nbases && s->at == s->bases[0]->count) {
		s->bases++;
		s->nbases--;
		s->at = 0;
	}
	if (!s->nbases)
		return NULL;
	*i_out = s->at++;
	return s->bases[0];
}

static int get_key(struct source *s, const char *like, size_t like_len, const char **key_out,
		   size_t *klen_out, uint32_t *occ_out)
{
	uint64_t n, suffix, occ;
	size_t at;

	if (get(s, &n) || get(s, &suffix) || get(s, &occ) || occ > UINT32_MAX)
		return -1;
	if (like) { /* of a base: not in the key buffer yet */
		if (n > like_len)
			return -1;
		s->r.last_at = s->n->keys.len;
		s->r.last_len = (size_t)n;
		casg_buf_add(&s->n->keys, like, (size_t)n);
		if (s->n->keys.failed)
			return -1;
	}
	if (casg_node_read_key(s->n, &s->r, n, suffix, &at, klen_out))
		return -1;
	*key_out = (const char *)(uintptr_t)at;
	*occ_out = (uint32_t)occ;
	return 0;
}

/* A key as the base has it; 'key' is an offset from here on. */
static void keep_key(struct source *s, const char **key, size_t klen)
{
	const char *p = *key;

	s->r.last_at = s->n->keys.len;
	s->r.last_len = klen;
	*key = (const char *)(uintptr_t)s->n->keys.len;
	casg_buf_add(&s->n->keys, p, klen);
}

/* Descriptions, too, are offsets (plus 1: NULL is a blob) until all are there. */
static const char *keep_desc(struct source *s, const void *p, size_t n)
{
	size_t at = s->n->descs.len;

	casg_buf_add(&s->n->descs, p, n);
	return (const char *)(uintptr_t)(at + 1);
}

static int get_ref(struct source *s, struct casg_entry *e)
{
	uint64_t v;

	if (casg_varint_get(&s->r.p[3], s->r.end[3], &v))
		return -1;
	s->last_ref += (uint64_t)casg_unzigzag(v);
	if (s->last_ref >= s->section.n)
		return -1;
	e->ref = s->last_ref + s->section.base;
	e->pack = s->pack;
	return 0;
}

static int take_bytes(struct source *s, int column, uint64_t n, const uint8_t **out)
{
	if (n > (uint64_t)(s->r.end[column] - s->r.p[column]))
		return -1;
	*out = s->r.p[column];
	s->r.p[column] += n;
	return 0;
}

/* A description in full, of e->dlen bytes. */
static int get_desc(struct source *s, struct casg_entry *e)
{
	const uint8_t *p;
	int is_blob = e->dlen > CASG_DESC_INLINE;

	if (take_bytes(s, 2, is_blob ? CASG_OID_RAWSZ : e->dlen, &p))
		return -1;
	e->desc = NULL;
	if (is_blob)
		memcpy(e->desc_blob.b, p, CASG_OID_RAWSZ);
	else
		e->desc = keep_desc(s, p, (size_t)e->dlen);
	return 0;
}

static int get_patched_desc(struct source *s, struct casg_entry *e,
			    const struct casg_entry *b)
{
	uint64_t front, back;
	const uint8_t *p;
	const char *at;

	if (get(s, &e->dlen))
		return -1;
	if (e->dlen > CASG_DESC_INLINE)
		return get_desc(s, e);
	if (get(s, &front) || get(s, &back) || front > e->dlen || back > e->dlen - front ||
	    take_bytes(s, 2, e->dlen - front - back, &p))
		return -1;
	if (front + back && (!b->desc || front + back > b->dlen))
		return -1;
	at = keep_desc(s, b->desc, (size_t)front);
	keep_desc(s, p, (size_t)(e->dlen - front - back));
	if (back)
		keep_desc(s, b->desc + b->dlen - back, (size_t)back);
	e->desc = at;
	return 0;
}

static int make_entry(struct source *s, int op, struct casg_entry *e, struct casg_err *err)
{
	const struct casg_node *base;
	const struct casg_entry *b;
	uint32_t i;
	int flags;

	if (op == OP_INSERT) {
		memset(e, 0, sizeof(*e));
		if (get_key(s, NULL, 0, &e->key, &e->klen, &e->occurrence) ||
		    get(s, &e->dlen) || get_desc(s, e) || get_ref(s, e))
			return corrupt(err, "an inserted entry is malformed");
		return 0;
	}
	base = next_base(s, &i);
	if (!base)
		return corrupt(err, "it takes more entries than its bases have");
	b = &base->entries[i];
	*e = *b;
	keep_key(s, &e->key, e->klen);
	flags = 0;
	if (op == OP_PATCH) {
		if (s->r.p[0] == s->r.end[0] || !*s->r.p[0] ||
		    *s->r.p[0] > (LEAF_DESC | LEAF_REF))
			return corrupt(err, "a patch is malformed");
		flags = *s->r.p[0]++;
	}
	if (flags & LEAF_DESC) {
		if (get_patched_desc(s, e, b))
			return corrupt(err, "a patched description is malformed");
	} else if (b->desc) {
		e->desc = keep_desc(s, b->desc, (size_t)b->dlen);
	}
	if (flags & LEAF_REF && get_ref(s, e))
		return corrupt(err, "a patched reference is malformed");
	return 0;
}

static int get_child_id(struct source *s, struct casg_child *c, struct casg_err *err)
{
	struct casg_node_name name;
	int rc = get_name(s, &name, err);

	if (rc)
		return rc;
	c->id = name.id;
	return name.number == CASG_NO_NUMBER ? 0 : s->id_of(s->ctx, name.number, &c->id, err);
}

static int patch_child(struct source *s, struct casg_child *c, const struct casg_child *b,
		       struct casg_err *err)
{
	uint64_t v;
	int flags;

	if (s->r.p[0] == s->r.end[0] || *s->r.p[0] > (CHILD_FIRST | CHILD_LAST | CHILD_COUNT))
		return corrupt(err, "a patch is malformed");
	flags = *s->r.p[0]++;
	if (!(flags & CHILD_FIRST))
		keep_key(s, &c->first, c->first_len);
	else if (get_key(s, b->first, b->first_len, &c->first, &c->first_len,
			 &c->first_occurrence))
		return corrupt(err, "a patched key is malformed");
	if (!(flags & CHILD_LAST))
		keep_key(s, &c->last, c->last_len);
	else if (get_key(s, b->last, b->last_len, &c->last, &c->last_len,
			 &c->last_occurrence))
		return corrupt(err, "a patched key is malformed");
	if (flags & CHILD_COUNT) {
		if (get(s, &v))
			return corrupt(err, "a patched count is malformed");
		c->count += (uint64_t)casg_unzigzag(v);
	}
	return get_child_id(s, c, err);
}

static int make_child(struct source *s, int op, struct casg_child *c, struct casg_err *err)
{
	const struct casg_node *base;
	uint32_t i;

	if (op == OP_INSERT) {
		memset(c, 0, sizeof(*c));
		if (get_key(s, NULL, 0, &c->first, &c->first_len, &c->first_occurrence) ||
		    get_key(s, NULL, 0, &c->last, &c->last_len, &c->last_occurrence) ||
		    get(s, &c->count))
			return corrupt(err, "an inserted child is malformed");
		return get_child_id(s, c, err);
	}
	base = next_base(s, &i);
	if (!base)
		return corrupt(err, "it takes more entries than its bases have");
	*c = base->children[i];
	if (op == OP_PATCH)
		return patch_child(s, c, &base->children[i], err);
	keep_key(s, &c->first, c->first_len);
	keep_key(s, &c->last, c->last_len);
	return 0;
}

static int apply(struct source *s, struct casg_err *err)
{
	struct casg_node *n = s->n;
	uint32_t made = 0, ignored;
	uint64_t v;

	while (made < n->count) {
		int op, rc = 0;

		if (get(s, &v) || v >> 2 == 0 || v >> 2 > (uint64_t)CASG_NODELINK_BASES *
							     CASG_NODE_MAX)
			return corrupt(err, "its operations are malformed");
		op = (int)(v & 3);
		if (op != OP_SKIP && v >> 2 > n->count - made)
			return corrupt(err, "it makes more entries than it has");
		for (v >>= 2; v && !rc; v--) {
			if (op == OP_SKIP)
				rc = next_base(s, &ignored) ? 0 :
				     corrupt(err, "it skips more entries than its bases have");
			else if (n->level)
				rc = make_child(s, op, &n->children[made++], err);
			else
				rc = make_entry(s, op, &n->entries[made++], err);
		}
		if (rc)
			return rc;
	}
	return 0;
}

int casg_nodelink_decode(struct casg_node *n, const struct casg_chunk *ch, uint32_t member,
			 uint32_t pack, struct casg_section section, uint32_t own,
			 const struct casg_node *const *bases, int nbases,
			 casg_node_id_fn *id_of, void *ctx, struct casg_err *err)
{
	struct source s = { .n = n, .own = own, .pack = pack, .section = section,
			    .last_number = own,
			    .bases = bases, .nbases = nbases, .id_of = id_of, .ctx = ctx };
	struct casg_node_name names[CASG_NODELINK_BASES];
	int linked, named = 0, rc = casg_node_read_head(n, &s.r, ch, member, &linked, err);

	if (!rc && !linked)
		rc = casg_err_set(err, CASG_EBUG, "not a linked node");
	if (!rc)
		rc = get_bases(&s, ch, names, &named, err);
	if (!rc && named != nbases)
		rc = casg_err_set(err, CASG_EBUG, "a linked node needs all its bases");
	for (int i = 0; i < nbases && !rc; i++)
		if (bases[i]->level != n->level || bases[i]->kind != n->kind)
			rc = corrupt(err, "a base is of another level");
	/* never NULL: that stands for a blob */
	if (!rc && casg_buf_grow(&n->descs, 1))
		rc = casg_err_nomem(err);
	if (!rc)
		rc = apply(&s, err);
	if (!rc && (n->keys.failed || n->descs.failed))
		rc = casg_err_nomem(err);
	if (rc)
		return rc;
	for (uint32_t i = 0; !n->level && i < n->count; i++)
		if (n->entries[i].desc)
			n->entries[i].desc = (const char *)n->descs.data +
					     ((uintptr_t)n->entries[i].desc - 1);
	return casg_node_read_end(n, &s.r, err);
}
