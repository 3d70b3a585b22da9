#include "proofcheck.h"

#include <stdlib.h>

#include "merkle.h"
#include "oidset.h"
#include "view.h"

/* One tree of the proof, walked in order. */
struct walk {
	struct casg_proof *p;
	struct casg_proof_version *v;
	struct casg_hasher *h;
	struct casg_err *err;
	size_t node;                   /* the next one in preorder */
	const struct casg_entry *prev; /* the entry before, NULL: none */
	int gap;                       /* entries were passed over since then */
	uint8_t *gaps;                 /* of a view, for each entry: were some before it? */
	size_t nbefore, nkey, nafter;  /* spelled out before, at and behind the key */
};

static int no(struct casg_err *err, const char *why)
{
	casg_err_set(err, CASG_OK, "%s", why);
	return 0;
}

/* ---- node ids ---------------------------------------------------------- */

/* The root of entries [lo, hi); the form has been checked. */
static void subtree_root(const struct walk *w, const struct casg_proof_node *n,
			 const struct casg_proof_item **it, uint32_t lo, uint32_t hi,
			 struct casg_oid *out)
{
	uint32_t size = hi - lo, k = 1;
	struct casg_oid left, right;

	if ((*it)->span == size) {
		*out = w->p->hashes[(*it)++->slot];
		return;
	}
	if (size == 1) {
		uint32_t slot = (*it)++->slot;

		if (n->level)
			casg_child_hash(w->h, &w->p->children[slot], out);
		else
			casg_entry_hash(w->h, &w->p->entries[slot], out);
		return;
	}
	while (2 * k < size)
		k *= 2;
	subtree_root(w, n, it, lo, lo + k, &left);
	subtree_root(w, n, it, lo + k, hi, &right);
	casg_merkle_node(w->h, &left, &right, out);
}

static void node_id(const struct walk *w, const struct casg_proof_node *n,
		    struct casg_oid *id)
{
	const struct casg_proof_item *it;
	struct casg_oid root;

	if (n->count) {
		it = w->p->items + n->first;
		subtree_root(w, n, &it, 0, n->count, &root);
	} else {
		casg_hasher_digest(w->h, "", 0, &root);
	}
	casg_node_id_root(w->h, n->kind, n->level, n->count, &root, id);
}

/* ---- what a parent says of a child ------------------------------------- */

static int child_sorted(const struct casg_child *a, const struct casg_child *b)
{
	return casg_key_cmp(b->first, b->first_len, b->first_occurrence,
			    b->last, b->last_len, b->last_occurrence) <= 0 &&
	       (!a || casg_key_cmp(a->last, a->last_len, a->last_occurrence,
				   b->first, b->first_len, b->first_occurrence) < 0);
}

static int same_edge(const struct casg_proof *p, const struct casg_proof_node *n,
		     const struct casg_proof_item *it, const struct casg_child *parent, int last)
{
	const struct casg_entry *e = p->entries + it->slot;
	const struct casg_child *c = p->children + it->slot;
	const char *key = last ? parent->last : parent->first;
	size_t len = last ? parent->last_len : parent->first_len;
	uint32_t occ = last ? parent->last_occurrence : parent->first_occurrence;

	if (!n->level)
		return !casg_key_cmp(e->key, e->klen, e->occurrence, key, len, occ);
	if (last)
		return !casg_key_cmp(c->last, c->last_len, c->last_occurrence, key, len, occ);
	return !casg_key_cmp(c->first, c->first_len, c->first_occurrence, key, len, occ);
}

/*
 * Records below: the leaf says it, or the children that are spelled out and
 * at least one for each that is not.
 */
static int count_fits(const struct casg_proof *p, const struct casg_proof_node *n,
		      uint64_t want, int known)
{
	uint64_t sum = 0;
	int all = 1;

	if (!n->level)
		return !known || n->count == want;
	for (uint32_t i = 0; i < n->nitems; i++) {
		const struct casg_proof_item *it = &p->items[n->first + i];
		uint64_t add = it->span ? it->span : p->children[it->slot].count;

		if (!add || __builtin_add_overflow(sum, add, &sum))
			return 0;
		all &= !it->span;
	}
	return !known || (all ? sum == want : sum <= want);
}

/* parent NULL: the root */
static int node_fits(const struct walk *w, const struct casg_proof_node *n,
		     const struct casg_child *parent)
{
	const struct casg_proof_item *it;
	const struct casg_child *before = NULL;

	/* nothing says how many records a mapping has */
	if (!count_fits(w->p, n, parent ? parent->count : w->v->v.count,
			parent || w->v->text) ||
	    (!parent && n->level && n->count < 2))
		return 0;
	/* the empty tree */
	if (!n->nitems)
		return !parent;
	it = w->p->items + n->first;
	for (uint32_t i = 0; n->level && i < n->nitems; i++) {
		if (it[i].span)
			continue;
		if (!child_sorted(before, &w->p->children[it[i].slot]))
			return 0;
		before = &w->p->children[it[i].slot];
	}
	if (!parent)
		return 1;
	if (!it[0].span && !same_edge(w->p, n, &it[0], parent, 0))
		return 0;
	it += n->nitems - 1;
	return it->span || same_edge(w->p, n, it, parent, 1);
}

/* ---- the walk ---------------------------------------------------------- */

/* Inside what its leaf's parent says, behind the entry before. */
static int entry_sorted(const struct walk *w, const struct casg_entry *e,
			const struct casg_child *parent)
{
	const struct casg_entry *a = w->prev;

	if (a && casg_key_cmp(a->key, a->klen, a->occurrence,
			      e->key, e->klen, e->occurrence) >= 0)
		return 0;
	return !parent ||
	       (casg_key_cmp(parent->first, parent->first_len, parent->first_occurrence,
			     e->key, e->klen, e->occurrence) <= 0 &&
		casg_key_cmp(e->key, e->klen, e->occurrence, parent->last,
			     parent->last_len, parent->last_occurrence) <= 0);
}

/* Is this the tree of which the claim says what a key has? */
static int about_key(const struct casg_proof *p, const struct casg_proof_version *v)
{
	switch (p->claim.kind) {
	case CASG_CLAIM_KEY:
	case CASG_CLAIM_HISTORY:
		return 1;
	case CASG_CLAIM_VIEW:
		return p->claim.key && v == &p->versions[0];
	default:
		return 0;
	}
}

/*
 * For the claim about a key, what is spelled out is the entry before it, if
 * there is one, all with the key, and the entry behind, with nothing between.
 */
static int entry_answers(struct walk *w, const struct casg_entry *e)
{
	const struct casg_proof_claim *c = &w->p->claim;
	int cmp;

	if (!about_key(w->p, w->v))
		return 1;
	cmp = casg_key_cmp(e->key, e->klen, 0, c->key, c->klen, 0);
	if (cmp < 0)
		return !w->prev && ++w->nbefore;
	if (w->gap || w->nafter)
		return 0;
	if (cmp > 0)
		return (int)++w->nafter;
	return e->occurrence == w->nkey++;
}

static int walk_node(struct walk *w, const struct casg_child *parent,
		     const struct casg_oid *id)
{
	const struct casg_proof_node *n = &w->p->nodes[w->node++];
	struct casg_oid got;

	node_id(w, n, &got);
	if (!casg_oid_eq(&got, id))
		return no(w->err, parent ? "a node does not have the id that its parent says" :
			  "the tree is not the one of the version");
	if (!node_fits(w, n, parent))
		return no(w->err, "a node is not what its parent says");
	for (uint32_t i = 0; i < n->nitems; i++) {
		const struct casg_proof_item *it = &w->p->items[n->first + i];

		if (it->span) {
			w->gap = 1;
		} else if (n->level) {
			const struct casg_child *c = &w->p->children[it->slot];

			if (!walk_node(w, c, &c->id))
				return 0;
		} else {
			const struct casg_entry *e = &w->p->entries[it->slot];

			if (!entry_sorted(w, e, parent))
				return no(w->err, "records are out of order");
			if (!entry_answers(w, e))
				return no(w->err, "the records are not those of the key and "
					  "its neighbours");
			w->prev = e;
			if (w->gaps)
				w->gaps[it->slot] = (uint8_t)w->gap;
			w->gap = 0;
		}
	}
	return 1;
}

/* gaps (or NULL) are of all entries of the proof; *gap_out: were some behind the last? */
static int check_tree(struct casg_proof *p, struct casg_proof_version *v,
		      const struct casg_oid *root, uint8_t *gaps, int *gap_out,
		      struct casg_hasher *h, struct casg_err *err)
{
	struct walk w = {
		.p = p, .v = v, .h = h, .err = err, .node = v->first_node, .gaps = gaps
	};

	if (!walk_node(&w, NULL, root))
		return 0;
	*gap_out = w.gap;
	v->first_proved = v->first_entry;
	v->nproved = v->nentries;
	if (!about_key(p, v))
		return 1;
	if (!w.nafter && w.gap)
		return no(err, "the neighbour behind the key is missing");
	v->has_before = w.nbefore != 0;
	v->has_after = w.nafter != 0;
	v->first_proved += w.nbefore;
	v->nproved = w.nkey;
	return 1;
}

/* ---- the claims -------------------------------------------------------- */

/* Each member has one record, and each record is there for a member. */
static int check_members(const struct casg_proof *p, struct casg_err *err)
{
	struct casg_oidset want = CASG_OIDSET_INIT, got = CASG_OIDSET_INIT;
	int rc = 1;

	for (size_t i = 0; rc >= 0 && i < p->claim.nmembers; i++)
		rc = casg_oidset_add(&want, &p->claim.members[i], err);
	rc = rc < 0 ? rc : 1;
	for (size_t i = 0; rc == 1 && i < p->nentries; i++) {
		rc = casg_oidset_find(&want, &p->entries[i].oid, NULL) ?
		     casg_oidset_add(&got, &p->entries[i].oid, err) : 0;
		if (!rc)
			no(err, "a record is not there for one sequence of the chunk");
	}
	if (rc == 1 && got.n != want.n)
		rc = no(err, "a sequence of the chunk is in no record");
	casg_oidset_release(&want);
	casg_oidset_release(&got);
	return rc;
}

static int check_chunk(const struct casg_proof *p, struct casg_hasher *h,
		       struct casg_err *err)
{
	struct casg_merkle m;
	struct casg_oid leaf;

	casg_merkle_init(&m, h);
	for (size_t i = 0; i < p->claim.nmembers; i++) {
		casg_merkle_leaf(h, p->claim.members[i].b, CASG_OID_RAWSZ, &leaf);
		casg_merkle_add_leafhash(&m, &leaf);
	}
	casg_merkle_root(&m, &leaf);
	if (!casg_oid_eq(&leaf, &p->claim.id))
		return no(err, "the chunk's id is not that of the sequences listed");
	return check_members(p, err);
}

static int check_claim(const struct casg_proof *p, struct casg_hasher *h,
		       struct casg_err *err)
{
	int some = 0;

	switch (p->claim.kind) {
	case CASG_CLAIM_KEY:
		break;
	case CASG_CLAIM_RECORDS:
		return p->nentries ? 1 : no(err, "no record is claimed");
	case CASG_CLAIM_SEQUENCE:
		if (p->nentries != 1 || !casg_oid_eq(&p->entries[0].oid, &p->claim.id))
			return no(err, "the record does not have the sequence");
		break;
	case CASG_CLAIM_CHUNK:
		return check_chunk(p, h, err);
	case CASG_CLAIM_VIEW:
		break;
	case CASG_CLAIM_HISTORY:
		for (size_t i = 0; i < p->nversions; i++)
			some |= p->versions[i].nnodes != 0;
		return some ? 1 : no(err, "no version is as new as the time claimed");
	}
	return 1;
}

/*
 * The versions are the one asked about, then each that one before it follows,
 * in the order in which they are first named, and all of them.
 */
static int check_chain(struct casg_proof *p, const struct casg_oid *id,
		       struct casg_hasher *h, struct casg_err *err)
{
	struct casg_oidset chain = CASG_OIDSET_INIT;
	int all = p->claim.kind == CASG_CLAIM_HISTORY;
	int rc = casg_oidset_add(&chain, id, err);

	for (size_t i = 0; rc >= 0 && i < p->nversions; i++) {
		struct casg_proof_version *v = &p->versions[i];

		casg_hasher_digest(h, v->text, v->nbytes, &v->id);
		if (i >= chain.n || !casg_oid_eq(&v->id, &chain.ids[i])) {
			casg_oidset_release(&chain);
			return no(err, i ? "a version record is not one that the versions "
				  "before it follow" : "the version record does not have "
				  "this id");
		}
		for (size_t k = 0; all && rc >= 0 && k < v->v.nprevious; k++)
			rc = casg_oidset_add(&chain, &v->v.previous[k], err);
	}
	if (rc >= 0)
		rc = chain.n == p->nversions ? 1 : no(err, "a version record is missing");
	casg_oidset_release(&chain);
	return rc;
}

/* ---- views --------------------------------------------------------------- */

/* What is spelled out of taxonomy and mapping, asked by a classifier. */
enum { UNUSED, NEIGHBOUR, ASKED };

struct asked {
	const struct casg_proof *p;
	uint8_t *use;                  /* of each entry; NULL: it was all checked */
	const uint8_t *gaps;           /* of each entry */
	int behind[3];                 /* gaps behind the last, of each tree */
	int present[3];                /* was the tree asked at all? */
};

/* The first entry of the tree that is not before the key. */
static size_t seek(const struct casg_proof *p, const struct casg_proof_version *v,
		   const char *key, size_t klen)
{
	size_t lo = v->first_entry, hi = lo + v->nentries;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct casg_entry *e = &p->entries[mid];

		if (casg_key_cmp(e->key, e->klen, e->occurrence, key, klen, 0) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Nothing stands between the entry i of the tree and the one before it. */
static int is_absent(struct asked *a, const struct casg_proof_version *v, size_t t, size_t i)
{
	size_t end = v->first_entry + v->nentries;

	if (i < end ? a->gaps[i] : a->behind[t])
		return 0;
	if (i < end && a->use[i] == UNUSED)
		a->use[i] = NEIGHBOUR;
	if (i > v->first_entry && a->use[i - 1] == UNUSED)
		a->use[i - 1] = NEIGHBOUR;
	return 1;
}

static int get_proved(void *ctx, enum casg_classify_tree tree, const char *key, size_t klen,
		      struct casg_taxstr *desc_out, struct casg_err *err)
{
	struct asked *a = ctx;
	const struct casg_proof *p = a->p;
	size_t t = tree == CASG_IN_TAXONOMY ? 1 : 2, i;
	const struct casg_proof_version *v = &p->versions[t];
	const struct casg_entry *e;

	if (t >= p->nversions || !v->nnodes)
		return casg_err_set(err, CASG_EABSENT, "it shows nothing of the %s",
				    t == 1 ? "taxonomy" : "mapping");
	a->present[t] = 1;
	i = seek(p, v, key, klen);
	e = &p->entries[i];
	if (i == v->first_entry + v->nentries || e->klen != klen || memcmp(e->key, key, klen)) {
		if (!a->use || is_absent(a, v, t, i))
			return 0;
		return casg_err_set(err, CASG_EABSENT, "it does not show what the %s has under "
				    "'%.*s'", t == 1 ? "taxonomy" : "mapping",
				    (int)(klen < 200 ? klen : 200), key);
	}
	if (!e->desc)
		return casg_err_set(err, CASG_EABSENT, "it lacks the description of '%.*s'",
				    (int)(klen < 200 ? klen : 200), key);
	/* one of a later occurrence is not what was asked for */
	if (e->occurrence)
		return casg_err_set(err, CASG_EABSENT, "it does not show the first record of "
				    "'%.*s'", (int)(klen < 200 ? klen : 200), key);
	if (a->use)
		a->use[i] = ASKED;
	*desc_out = (struct casg_taxstr){ e->desc, (size_t)e->dlen };
	return 1;
}

static int classify_entry(struct asked *a, size_t entry, struct casg_classified *out,
			  struct casg_err *err)
{
	const struct casg_entry *e = &a->p->entries[entry];
	const struct casg_classifier c = {
		.from = a->p->claim.from, .get = get_proved, .ctx = a,
		.has_mapping = a->p->versions[1].v.has_mapping
	};

	return casg_classify(&c, e->key, e->klen, e->desc, (size_t)e->dlen, out, err);
}

int casg_proof_classify(const struct casg_proof *p, size_t entry,
			struct casg_classified *out, struct casg_err *err)
{
	struct asked a = { .p = p };

	return classify_entry(&a, entry, out, err);
}

/* What is there is needed, and a long description where it is, and right. */
static int check_uses(const struct casg_proof *p, const struct asked *a,
		      struct casg_hasher *h, struct casg_err *err)
{
	for (size_t t = 1; t < p->nversions; t++)
		if ((p->versions[t].nnodes != 0) != a->present[t])
			return no(err, "it shows a tree that nothing was asked of");
	for (size_t i = 0; i < p->nentries; i++) {
		const struct casg_entry *e = &p->entries[i];
		struct casg_oid id;

		if (a->use[i] == UNUSED)
			return no(err, "it shows a record that is not needed");
		if (e->dlen <= CASG_DESC_INLINE)
			continue;
		if (!e->desc != (a->use[i] != ASKED))
			return no(err, "it has a description that is not needed");
		if (!e->desc)
			continue;
		casg_hasher_digest(h, e->desc, (size_t)e->dlen, &id);
		if (!casg_oid_eq(&id, &e->desc_blob))
			return no(err, "a description is not that of its record");
	}
	return 1;
}

/* Each record of the sequences that was shown. */
static int check_records(struct casg_proof *p, struct asked *a, struct casg_hasher *h,
			 struct casg_err *err)
{
	struct casg_proof_version *v = &p->versions[0];
	struct casg_classified out = { 0 };
	int rc = 0;

	if (!v->nproved)
		return no(err, "it shows no record");
	memset(a->use + v->first_entry, NEIGHBOUR, v->nentries);
	for (size_t i = 0; !rc && i < v->nproved; i++) {
		a->use[v->first_proved + i] = ASKED;
		if (!p->entries[v->first_proved + i].desc)
			rc = casg_err_set(err, CASG_EABSENT, "it lacks the description of a "
					  "record");
		else
			rc = classify_entry(a, v->first_proved + i, &out, err);
	}
	casg_classified_release(&out);
	if (rc == CASG_ENOMEM)
		return rc;
	if (rc) {
		err->code = CASG_OK;
		return 0;
	}
	return check_uses(p, a, h, err);
}

static int check_view_trees(struct casg_proof *p, struct asked *a, uint8_t *gaps,
			    struct casg_hasher *h, struct casg_err *err)
{
	struct casg_proof_version *v = p->versions;
	int rc = check_tree(p, &v[0], &v[0].v.records, gaps, &a->behind[0], h, err);

	if (rc == 1 && v[1].nnodes)
		rc = check_tree(p, &v[1], &v[1].v.records, gaps, &a->behind[1], h, err);
	if (rc != 1 || p->nversions < 3)
		return rc;
	if (!v[1].v.has_mapping)
		return no(err, "the taxonomy has no mapping");
	return check_tree(p, &v[2], &v[1].v.mapping, gaps, &a->behind[2], h, err);
}

static int check_view(struct casg_proof *p, const struct casg_oid *id, struct casg_hasher *h,
		      struct casg_err *err)
{
	struct asked a = { .p = p };
	struct casg_oid view;
	uint8_t *gaps;
	int rc;

	for (size_t i = 0; i < 2; i++)
		casg_hasher_digest(h, p->versions[i].text, p->versions[i].nbytes,
				   &p->versions[i].id);
	rc = casg_view_id(&p->versions[0].id, &p->versions[1].id, &view, err);
	if (rc)
		return rc;
	if (!casg_oid_eq(&view, id))
		return no(err, "the two version records do not make the view of this id");
	a.use = calloc(p->nentries + 1, 1);
	a.gaps = gaps = calloc(p->nentries + 1, 1);
	if (!a.use || !gaps)
		rc = casg_err_nomem(err);
	else
		rc = check_view_trees(p, &a, gaps, h, err);
	if (rc == 1)
		rc = check_records(p, &a, h, err);
	free(a.use);
	free(gaps);
	return rc;
}

int casg_proof_check(struct casg_proof *p, const struct casg_oid *id,
		     struct casg_hasher *h, struct casg_err *err)
{
	int rc, gap;

	if (!p->sum_ok)
		return no(err, "the proof was altered: its checksum does not match");
	if (p->claim.kind == CASG_CLAIM_VIEW)
		return check_view(p, id, h, err);
	rc = check_chain(p, id, h, err);
	for (size_t i = 0; rc == 1 && i < p->nversions; i++)
		if (p->versions[i].nnodes)
			rc = check_tree(p, &p->versions[i], &p->versions[i].v.records, NULL, &gap,
					h, err);
	return rc == 1 ? check_claim(p, h, err) : rc;
}
