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

int casg_packjoin_find(struct casg_store *s, const struct casg_oid *chunk_id, struct casg_loc *at,
		       struct casg_err *err)
{
	struct casg_idx_chunk e;
	int rc = casg_store_find_chunk(s, chunk_id, &at->pack, &at->chunk, err);

	if (rc <= 0 || casg_store_promised(s, at->pack))
		return rc < 0 ? rc : 0;
	rc = casg_packidx_chunk(casg_store_idx(s, at->pack), at->chunk, &e, err);
	return rc ? rc : !casg_layout_is_matched(e.layout);
}

/* What is not here of a pack of a partial clone may be in another. */
static int raw_elsewhere(struct casg_store *s, const struct casg_idx_chunk *x, struct casg_loc *at,
			 struct casg_buf *out, struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];
	int rc = casg_packjoin_find(s, &x->id, at, err);

	if (!rc)
		return casg_err_set(err, CASG_EABSENT, "chunk %s is not here",
				    casg_oid_hex(&x->id, hex));
	return rc < 0 ? rc : casg_store_raw(s, at->pack, at->chunk, out, err);
}

static int add_chunk(struct casg_packw *w, struct casg_store *s, struct casg_coder *c,
		     const struct casg_loc *loc, const struct casg_idx_chunk *x,
		     const struct casg_objinfo *nodes, struct casg_err *err)
{
	struct casg_buf raw = CASG_BUF_INIT;
	struct casg_chunk *ch = NULL;
	struct casg_objinfo *made = NULL;
	const struct casg_objinfo *members = NULL;
	struct casg_loc at = *loc;
	int rc = casg_store_raw(s, at.pack, at.chunk, &raw, err);

	if (rc == CASG_EABSENT && casg_store_promised(s, at.pack)) {
		casg_buf_reset(&raw);
		rc = raw_elsewhere(s, x, &at, &raw, err);
	}
	if (!rc)
		rc = casg_store_load(s, c, at.pack, at.chunk, &ch, err);
	if (!rc && x->kind == CASG_CHUNK_NODE) {
		members = nodes;
	} else if (!rc && x->kind != CASG_CHUNK_REFS) {
		members = made = calloc(ch->nmembers, sizeof(*made));
		rc = made ? members_of(s, c, &at, ch, made, err) : casg_err_nomem(err);
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
