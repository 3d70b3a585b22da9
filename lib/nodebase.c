#include "nodebase.h"

#include <stdlib.h>

#include "array.h"
#include "treer.h"

struct casg_nodebase {
	struct casg_store *store;
	struct casg_coder *coder;
	struct casg_treer *t;
	int depth;
	const struct casg_tnode *held[CASG_NODELINK_BASES];
	struct casg_loc *locs[CASG_NODELINK_BASES];
	size_t cap[CASG_NODELINK_BASES];
	int nheld;
	casg_nodebase_place *place;
	void *place_ctx;
};

struct casg_nodebase *casg_nodebase_new(struct casg_store *store, struct casg_coder *coder,
					const struct casg_oid *root, int depth,
					struct casg_err *err)
{
	struct casg_nodebase *b = calloc(1, sizeof(*b));

	if (!b) {
		casg_err_nomem(err);
		return NULL;
	}
	b->store = store;
	b->coder = coder;
	b->depth = depth;
	b->t = casg_treer_open(store, coder, root, err);
	if (!b->t) {
		free(b);
		return NULL;
	}
	return b;
}

static void release_held(struct casg_nodebase *b)
{
	while (b->nheld)
		casg_treer_release(b->t, b->held[--b->nheld]);
}

void casg_nodebase_free(struct casg_nodebase *b)
{
	if (!b)
		return;
	release_held(b);
	for (int i = 0; i < CASG_NODELINK_BASES; i++)
		free(b->locs[i]);
	casg_treer_free(b->t);
	free(b);
}

static int find_locs(struct casg_nodebase *b, int i, struct casg_err *err)
{
	const struct casg_node *n = &b->held[i]->node;
	int rc = 0;

	if (n->level)
		return 0;
	if (CASG_GROW(b->locs[i], n->count + 1, b->cap[i]))
		return casg_err_nomem(err);
	for (uint32_t k = 0; k < n->count && !rc; k++) {
		struct casg_loc loc;

		rc = casg_store_ref(b->store, b->coder, n->entries[k].pack, n->entries[k].ref,
				    &loc, err);
		if (!rc && b->place)
			rc = b->place(b->place_ctx, &loc, &b->locs[i][k], err);
		else
			b->locs[i][k] = loc;
	}
	return rc;
}

void casg_nodebase_translate(struct casg_nodebase *b, casg_nodebase_place *fn, void *ctx)
{
	b->place = fn;
	b->place_ctx = ctx;
}

/* Does the node begin after this key? */
static int begins_after(const struct casg_node *n, const char *key, size_t klen, uint32_t occ)
{
	const struct casg_child *c = n->children;
	const struct casg_entry *e = n->entries;

	if (!n->count)
		return 1;
	return n->level ? casg_key_cmp(c->first, c->first_len, c->first_occurrence, key, klen,
				       occ) > 0
			: casg_key_cmp(e->key, e->klen, e->occurrence, key, klen, occ) > 0;
}

static int ends_before(const struct casg_node *n, const char *key, size_t klen, uint32_t occ)
{
	const struct casg_child *c = n->level && n->count ? &n->children[n->count - 1] : NULL;
	const struct casg_entry *e = !n->level && n->count ? &n->entries[n->count - 1] : NULL;

	if (!n->count)
		return 1;
	return c ? casg_key_cmp(c->last, c->last_len, c->last_occurrence, key, klen, occ) < 0
		 : casg_key_cmp(e->key, e->klen, e->occurrence, key, klen, occ) < 0;
}

int casg_nodebase_find(struct casg_nodebase *b, int level,
		       const char *first, size_t first_len, uint32_t first_occurrence,
		       const char *last, size_t last_len, uint32_t last_occurrence,
		       struct casg_bases *out, struct casg_err *err)
{
	uint32_t weight = 1;
	int rc;

	release_held(b);
	out->n = 0;
	if (level > casg_treer_root_level(b->t))
		return 0;
	rc = casg_treer_node_seek(b->t, level, first, first_len, first_occurrence, err);
	if (rc)
		return rc;
	for (;;) {
		struct casg_nodeat at;
		int i = b->nheld;

		casg_treer_node(b->t, &at);
		if (begins_after(at.node, last, last_len, last_occurrence))
			break;
		if (!ends_before(at.node, first, first_len, first_occurrence)) {
			if (i == CASG_NODELINK_BASES)
				return 0;
			b->held[b->nheld++] = casg_treer_hold(b->t);
			weight += b->held[i]->weight;
			if (b->depth && (b->held[i]->depth >= b->depth ||
					 weight > CASG_NODES_WEIGHT))
				return 0;
			rc = find_locs(b, i, err);
			if (rc)
				return rc;
			out->id[i] = *at.id;
		}
		rc = casg_treer_node_next(b->t, err);
		if (rc < 0)
			return rc;
		if (!rc)
			break;
	}
	for (int i = 0; i < b->nheld; i++)
		out->b[i] = (struct casg_nodelink_base){
			&b->held[i]->node, b->locs[i], { CASG_NO_NUMBER, out->id[i] }
		};
	out->n = b->nheld;
	return 0;
}
