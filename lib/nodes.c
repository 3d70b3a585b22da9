#include "nodes.h"

#include <stdlib.h>

enum {
	BUCKETS = 512,
	KEPT = 256,              /* decoded nodes kept though nobody uses them */
	KEPT_NBYTES = 24 << 20
};

struct casg_nodes {
	struct casg_nodes_source src;
	/* of the source that is a store */
	struct casg_store *store;
	struct casg_coder *coder;
	struct casg_tnode *bucket[BUCKETS];
	struct casg_tnode *newest, *oldest;   /* nobody's, by when they were put back */
	struct casg_tnode *spare;             /* one to decode into */
	size_t nkept, kept_nbytes;
	unsigned int budget;
	struct casg_loc path[CASG_NODELINK_DEPTH + 1]; /* what is being decoded */
};

/* ---- a store as the source --------------------------------------------- */

static int store_find(void *ctx, const struct casg_oid *id, uint32_t near,
		      struct casg_loc *loc_out, struct casg_err *err)
{
	struct casg_nodes *n = ctx;
	struct casg_idx_node x;
	int rc = 0;

	if (near < casg_store_npacks(n->store))
		rc = casg_packidx_find_node(casg_store_idx(n->store, near), id, &x, err);
	if (rc > 0)
		*loc_out = (struct casg_loc){ near, x.chunk, x.member };
	return rc ? rc : casg_store_find_node(n->store, id, loc_out, err);
}

int casg_nodes_copy(struct casg_store *s, const struct casg_oid *id, uint32_t nth,
		    struct casg_loc *loc_out, struct casg_err *err)
{
	struct casg_idx_node x;

	for (uint32_t pack = 0; pack < casg_store_npacks(s); pack++)
		for (uint32_t k = 0; ; k++) {
			int rc = casg_packidx_find_node_nth(casg_store_idx(s, pack), id, k, &x,
							    err);

			if (rc < 0)
				return rc;
			if (!rc)
				break;
			if (nth--)
				continue;
			*loc_out = (struct casg_loc){ pack, x.chunk, x.member };
			return 1;
		}
	return 0;
}

static int store_find_nth(void *ctx, const struct casg_oid *id, uint32_t nth,
			  struct casg_loc *loc_out, struct casg_err *err)
{
	struct casg_nodes *n = ctx;

	return casg_nodes_copy(n->store, id, nth, loc_out, err);
}

static int store_number(void *ctx, const struct casg_loc *loc, uint32_t *out,
			struct casg_err *err)
{
	struct casg_nodes *n = ctx;

	return casg_packidx_node_number(casg_store_idx(n->store, loc->pack), loc->chunk,
					loc->member, out, err);
}

static int store_at(void *ctx, uint32_t pack, uint32_t number, struct casg_loc *loc_out,
		    struct casg_oid *id_out, struct casg_err *err)
{
	struct casg_nodes *n = ctx;
	struct casg_idx_node x;
	int rc = casg_packidx_node_at(casg_store_idx(n->store, pack), number, &x, err);

	if (rc)
		return casg_err_prefix(err, "index of '%s'",
				       casg_store_pack_path(n->store, pack));
	if (loc_out)
		*loc_out = (struct casg_loc){ pack, x.chunk, x.member };
	if (id_out)
		*id_out = x.id;
	return 0;
}

static int store_get(void *ctx, uint32_t pack, uint32_t chunk, const struct casg_chunk **out,
		     struct casg_err *err)
{
	struct casg_nodes *n = ctx;

	return casg_store_get(n->store, n->coder, pack, chunk, out, err);
}

static void store_put(void *ctx, const struct casg_chunk *ch)
{
	struct casg_nodes *n = ctx;

	casg_store_put(n->store, ch);
}

static int store_section(void *ctx, uint32_t pack, uint32_t chunk, struct casg_section *out,
			 struct casg_err *err)
{
	struct casg_nodes *n = ctx;

	return casg_store_section(n->store, n->coder, pack, chunk, out, err);
}

struct casg_nodes *casg_nodes_new_from(const struct casg_nodes_source *src)
{
	struct casg_nodes *n = calloc(1, sizeof(*n));

	if (n)
		n->src = *src;
	return n;
}

struct casg_nodes *casg_nodes_new(struct casg_store *s, struct casg_coder *c)
{
	struct casg_nodes_source src = {
		.find = store_find, .find_nth = store_find_nth, .number = store_number, .at = store_at,
		.get = store_get, .put = store_put, .section = store_section,
	};
	struct casg_nodes *n = casg_nodes_new_from(&src);

	if (n) {
		n->src.ctx = n;
		n->store = s;
		n->coder = c;
	}
	return n;
}

/* ---- what is kept ------------------------------------------------------ */

static struct casg_tnode **bucket(struct casg_nodes *n, const struct casg_loc *loc)
{
	uint64_t h = ((uint64_t)loc->pack << 40 ^ (uint64_t)loc->chunk << 20 ^ loc->member) *
		     0x9e3779b97f4a7c15u;

	return &n->bucket[h >> 55];
}

static void leave_list(struct casg_nodes *n, struct casg_tnode *t)
{
	*(t->newer ? &t->newer->older : &n->newest) = t->older;
	*(t->older ? &t->older->newer : &n->oldest) = t->newer;
	t->newer = t->older = NULL;
	n->nkept--;
	n->kept_nbytes -= t->nbytes;
}

static void forget(struct casg_nodes *n, struct casg_tnode *t)
{
	struct casg_tnode **p = bucket(n, &t->loc);

	while (*p != t)
		p = &(*p)->same;
	*p = t->same;
	n->src.put(n->src.ctx, t->ch);
	t->ch = NULL;
	if (n->spare) {
		casg_node_release(&n->spare->node);
		free(n->spare);
	}
	n->spare = t;
}

static void free_spare(struct casg_nodes *n)
{
	if (n->spare)
		casg_node_release(&n->spare->node);
	free(n->spare);
	n->spare = NULL;
}

void casg_nodes_free(struct casg_nodes *n)
{
	if (!n)
		return;
	while (n->oldest) {
		struct casg_tnode *t = n->oldest;

		leave_list(n, t);
		forget(n, t);
	}
	free_spare(n);
	free(n);
}

void casg_nodes_hold(const struct casg_tnode *held)
{
	((struct casg_tnode *)held)->users++;
}

void casg_nodes_put(struct casg_nodes *n, const struct casg_tnode *held)
{
	struct casg_tnode *t = (struct casg_tnode *)held;

	if (!t || --t->users)
		return;
	t->older = n->newest;
	if (n->newest)
		n->newest->newer = t;
	else
		n->oldest = t;
	n->newest = t;
	n->nkept++;
	n->kept_nbytes += t->nbytes;
	while (n->nkept > KEPT || (n->kept_nbytes > KEPT_NBYTES && n->nkept > 1)) {
		struct casg_tnode *o = n->oldest;

		leave_list(n, o);
		forget(n, o);
	}
}

static struct casg_tnode *find_kept(struct casg_nodes *n, const struct casg_loc *loc)
{
	struct casg_tnode *t = *bucket(n, loc);

	while (t && !casg_loc_eq(&t->loc, loc))
		t = t->same;
	if (t && !t->users++)
		leave_list(n, t);
	return t;
}

/* ---- decoding ---------------------------------------------------------- */

static int absent(const struct casg_oid *id, struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];

	return casg_err_set(err, CASG_EABSENT, "tree node %s is in no pack here (casg fetch --refetch asks storages)",
			    casg_oid_hex(id, hex));
}

static int load(struct casg_nodes *n, const struct casg_loc *loc, int depth,
		struct casg_tnode **out, struct casg_err *err);

/* Other copies than 'first', which failed with what is in err. */
static int load_other(struct casg_nodes *n, const struct casg_oid *id,
		      const struct casg_loc *first, int depth, struct casg_tnode **out,
		      struct casg_err *err)
{
	struct casg_err other = CASG_ERR_INIT;
	struct casg_loc loc;

	for (uint32_t nth = 0; n->src.find_nth && n->budget; nth++) {
		int rc = n->src.find_nth(n->src.ctx, id, nth, &loc, &other);

		if (rc <= 0)
			break;
		if (casg_loc_eq(&loc, first))
			continue;
		rc = load(n, &loc, depth, out, &other);
		if (!rc)
			return 0;
		if (rc == CASG_ENOMEM)
			return casg_err_nomem(err);
	}
	return -1;
}

/* A node by its id, in pack 'near' if it is there. */
static int load_id(struct casg_nodes *n, const struct casg_oid *id, uint32_t near, int depth,
		   struct casg_tnode **out, struct casg_err *err)
{
	struct casg_err own = CASG_ERR_INIT;
	struct casg_loc loc;
	int rc = n->src.find(n->src.ctx, id, near, &loc, &own), other;

	if (!rc)
		return absent(id, err);
	if (rc > 0)
		rc = load(n, &loc, depth, out, &own);
	if (rc == CASG_ECORRUPT || rc == CASG_EABSENT) {
		other = load_other(n, id, &loc, depth, out, err);
		if (!other || other == CASG_ENOMEM)
			return other;
	}
	if (rc && err)
		*err = own;
	return rc;
}

static int place_name(struct casg_nodes *n, uint32_t pack, const struct casg_node_name *name,
		      struct casg_loc *out, struct casg_err *err)
{
	int rc;

	if (name->number != CASG_NO_NUMBER)
		return n->src.at(n->src.ctx, pack, name->number, out, NULL, err);
	rc = n->src.find(n->src.ctx, &name->id, pack, out, err);
	return rc > 0 ? 0 : rc < 0 ? rc : absent(&name->id, err);
}

struct id_ctx {
	struct casg_nodes *n;
	uint32_t pack;
};

static int id_of(void *ctx, uint32_t number, struct casg_oid *id_out, struct casg_err *err)
{
	struct id_ctx *x = ctx;

	return x->n->src.at(x->n->src.ctx, x->pack, number, NULL, id_out, err);
}

static int decode_linked(struct casg_nodes *n, struct casg_tnode *t, struct casg_section section,
			 int depth, struct casg_err *err)
{
	struct casg_node_name names[CASG_NODELINK_BASES];
	struct casg_tnode *bases[CASG_NODELINK_BASES];
	const struct casg_node *nodes[CASG_NODELINK_BASES];
	struct id_ctx ctx = { n, t->loc.pack };
	uint32_t own = 0;
	int nnames = 0, nbases = 0;
	int rc = n->src.number(n->src.ctx, &t->loc, &own, err);

	if (!rc)
		rc = casg_nodelink_bases(t->ch, t->loc.member, own, names, &nnames, err);
	for (int i = 0; i < nnames && !rc; i++) {
		struct casg_loc loc;

		if (names[i].number == CASG_NO_NUMBER) {
			rc = load_id(n, &names[i].id, t->loc.pack, depth + 1, &bases[i], err);
		} else {
			rc = place_name(n, t->loc.pack, &names[i], &loc, err);
			if (!rc)
				rc = load(n, &loc, depth + 1, &bases[i], err);
		}
		if (rc)
			break;
		nodes[nbases++] = &bases[i]->node;
		if (bases[i]->depth >= t->depth)
			t->depth = bases[i]->depth + 1;
		t->weight += bases[i]->weight;
		if (t->weight > CASG_NODES_BUDGET)
			t->weight = CASG_NODES_BUDGET;
	}
	if (!rc && t->depth > CASG_NODELINK_DEPTH)
		rc = casg_err_set(err, CASG_ECORRUPT, "a chain of tree nodes is too long");
	if (!rc)
		rc = casg_nodelink_decode(&t->node, t->ch, t->loc.member, t->loc.pack,
					  section, own, nodes, nbases, id_of, &ctx, err);
	for (int i = 0; i < nbases; i++)
		casg_nodes_put(n, bases[i]);
	return rc;
}

static int load(struct casg_nodes *n, const struct casg_loc *loc, int depth,
		struct casg_tnode **out, struct casg_err *err)
{
	struct casg_tnode *t = find_kept(n, loc), **b;
	struct casg_section section = { 0, 0 };
	int rc;

	if (t) {
		*out = t;
		return 0;
	}
	if (depth > CASG_NODELINK_DEPTH || !n->budget)
		return casg_err_set(err, CASG_ECORRUPT, "a chain of tree nodes is too long");
	n->budget--;
	for (int i = 0; i < depth; i++)
		if (casg_loc_eq(&n->path[i], loc))
			return casg_err_set(err, CASG_ECORRUPT, "a tree node rests on itself");
	n->path[depth] = *loc;
	t = n->spare;
	n->spare = NULL;
	if (!t)
		t = calloc(1, sizeof(*t));
	if (!t)
		return casg_err_nomem(err);
	t->loc = *loc;
	t->depth = 0;
	t->weight = 1;
	rc = n->src.get(n->src.ctx, loc->pack, loc->chunk, &t->ch, err);
	if (!rc)
		rc = n->src.section(n->src.ctx, loc->pack, loc->chunk, &section, err);
	if (!rc && casg_node_is_linked(t->ch, loc->member))
		rc = decode_linked(n, t, section, depth, err);
	else if (!rc)
		rc = casg_node_decode(&t->node, t->ch, loc->member, loc->pack, section, err);
	if (rc) {
		n->src.put(n->src.ctx, t->ch);
		t->ch = NULL;
		free_spare(n);
		n->spare = t;
		return rc;
	}
	t->nbytes = sizeof(*t) + t->node.keys.cap + t->node.descs.cap +
		    t->node.cap_entries * sizeof(*t->node.entries) +
		    t->node.cap_children * sizeof(*t->node.children);
	t->users = 1;
	b = bucket(n, loc);
	t->same = *b;
	*b = t;
	*out = t;
	return 0;
}

int casg_nodes_at(struct casg_nodes *n, const struct casg_loc *loc,
		  const struct casg_tnode **out, struct casg_err *err)
{
	struct casg_tnode *t = NULL;
	int rc;

	n->budget = CASG_NODES_BUDGET;
	rc = load(n, loc, 0, &t, err);
	*out = rc ? NULL : t;
	return rc;
}

int casg_nodes_get(struct casg_nodes *n, const struct casg_oid *id,
		   const struct casg_tnode **out, struct casg_err *err)
{
	struct casg_tnode *t = NULL;
	int rc;

	n->budget = CASG_NODES_BUDGET;
	rc = load_id(n, id, UINT32_MAX, 0, &t, err);
	*out = rc ? NULL : t;
	return rc;
}

int casg_nodes_bases(struct casg_nodes *n, const struct casg_loc *loc,
		     struct casg_loc out[CASG_NODELINK_BASES], int *n_out,
		     struct casg_err *err)
{
	struct casg_node_name names[CASG_NODELINK_BASES];
	const struct casg_chunk *ch = NULL;
	uint32_t own = 0;
	int rc = n->src.number(n->src.ctx, loc, &own, err);

	*n_out = 0;
	if (!rc)
		rc = n->src.get(n->src.ctx, loc->pack, loc->chunk, &ch, err);
	if (!rc)
		rc = casg_nodelink_bases(ch, loc->member, own, names, n_out, err);
	n->src.put(n->src.ctx, ch);
	for (int i = 0; i < *n_out && !rc; i++)
		rc = place_name(n, loc->pack, &names[i], &out[i], err);
	return rc;
}
