#include "packjoin.h"

#include <stdlib.h>

/* The ids of all nodes of a pack, by number. */
static int node_ids(struct casg_packidx *x, struct casg_objinfo **out, struct casg_err *err)
{
	struct casg_idx_node n;
	uint32_t number;
	int rc = 0;

	*out = calloc((size_t)x->nnodes + 1, sizeof(**out));
	if (!*out)
		return casg_err_nomem(err);
	/* by slot: an older index lists them in no other way */
	for (uint32_t i = 0; i < x->nnodes && !rc; i++) {
		rc = casg_packidx_node(x, i, &n, err);
		if (!rc)
			rc = casg_packidx_node_number(x, n.chunk, n.member, &number, err);
		if (!rc)
			(*out)[number].id = n.id;
	}
	return rc;
}

/* What casg_packw_add wants to know of the members. */
static int members_of(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		      const struct casg_chunk *ch, struct casg_objinfo *out,
		      struct casg_err *err)
{
	struct casg_loc at = *loc;
	int rc = 0;

	for (at.member = 0; at.member < ch->nmembers && !rc; at.member++) {
		struct casg_objinfo *o = &out[at.member];

		if (ch->kind == CASG_CHUNK_LIST || ch->kind == CASG_CHUNK_ORDER) {
			rc = casg_store_info(s, c, &at, o, err);
		} else {
			o->id = ch->oids[at.member];
			o->nbytes = casg_chunk_len(ch, at.member);
		}
	}
	return rc;
}

static int add_chunk(struct casg_packw *w, struct casg_store *s, struct casg_coder *c,
		     const struct casg_loc *loc, const struct casg_idx_chunk *x,
		     const struct casg_objinfo *nodes, struct casg_err *err)
{
	struct casg_buf raw = CASG_BUF_INIT;
	struct casg_chunk *ch = NULL;
	struct casg_objinfo *made = NULL;
	const struct casg_objinfo *members = NULL;
	int rc = casg_store_load(s, c, loc->pack, loc->chunk, &ch, err);

	if (!rc)
		rc = casg_store_raw(s, loc->pack, loc->chunk, &raw, err);
	if (!rc && x->kind == CASG_CHUNK_NODE) {
		members = nodes;
	} else if (!rc && x->kind != CASG_CHUNK_REFS) {
		members = made = calloc(ch->nmembers, sizeof(*made));
		rc = made ? members_of(s, c, loc, ch, made, err) : casg_err_nomem(err);
	}
	if (!rc)
		rc = casg_packw_add(w, raw.data, raw.len, &x->id, members, err);
	free(made);
	casg_chunk_free(ch);
	casg_buf_release(&raw);
	return rc;
}

int casg_packjoin_add(struct casg_packw *w, struct casg_store *s, struct casg_coder *c,
		      uint32_t pack, struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(s, pack);
	struct casg_objinfo *nodes = NULL;
	uint32_t before = 0;
	int rc = casg_packw_room(w, x->pack_nbytes, x->nobjects, err);

	if (!rc)
		rc = node_ids(x, &nodes, err);
	for (uint32_t i = 0; i < x->nchunks && !rc; i++) {
		const struct casg_loc loc = { pack, i, 0 };
		struct casg_idx_chunk ic;

		rc = casg_packidx_chunk(x, i, &ic, err);
		if (!rc)
			rc = add_chunk(w, s, c, &loc, &ic, nodes + before, err);
		if (!rc && ic.kind == CASG_CHUNK_NODE)
			before += ic.nmembers;
	}
	free(nodes);
	return rc;
}

uint32_t casg_packjoin_geometric(const uint64_t *sizes, uint32_t n, uint64_t factor)
{
	uint64_t sum = 0;
	uint32_t split = n ? n - 1 : 0;

	/* from the largest down: as long as each is so much larger than the next */
	while (split && sizes[split] / factor >= sizes[split - 1])
		split--;
	if (!split)
		return 0;
	/* and what the joined pack is too large beside goes into it as well */
	for (uint32_t i = 0; i <= split; i++)
		sum += sizes[i];
	for (split++; split < n && sizes[split] / factor < sum; split++)
		sum += sizes[split];
	return split;
}
