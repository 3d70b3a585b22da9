#include "reach.h"

#include <stdlib.h>

#include "treer.h"

struct reach {
	struct casg_store *s;
	uint8_t *needed;
};

static int note_node(void *ctx, const struct casg_oid *id, const struct casg_loc *loc,
		     int level, struct casg_err *err)
{
	struct reach *r = ctx;

	(void)id;
	(void)level;
	(void)err;
	r->needed[loc->pack] = 1;
	return 0;
}

static int absent(const char *what, const struct casg_oid *id, struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];

	return casg_err_set(err, CASG_EABSENT, "%s %s is in no pack here", what,
			    casg_oid_hex(id, hex));
}

static int note_object(struct reach *r, struct casg_coder *c, const struct casg_oid *id,
		       struct casg_err *err)
{
	struct casg_loc loc;
	int rc = casg_store_find(r->s, c, id, &loc, NULL, err);

	if (!rc)
		return absent("object", id, err);
	if (rc > 0)
		r->needed[loc.pack] = 1;
	return rc < 0 ? rc : 0;
}

/* 2 marks a pack whose references were followed. */
static int follow(struct reach *r, struct casg_coder *c, struct casg_err *err)
{
	uint32_t n = casg_store_npacks(r->s);

	for (uint32_t i = 0; i < n; i++) {
		struct casg_oid *ids;
		size_t nids;
		int rc;

		if (r->needed[i] != 1)
			continue;
		rc = casg_store_refs(r->s, c, i, &ids, &nids, err);
		for (size_t k = 0; k < nids && !rc; k++) {
			uint32_t pack, chunk;

			rc = casg_store_find_chunk(r->s, &ids[k], &pack, &chunk, err);
			if (!rc)
				rc = absent("chunk", &ids[k], err);
			if (rc < 0)
				break;
			if (!r->needed[pack])
				r->needed[pack] = 1;
			rc = 0;
		}
		free(ids);
		if (rc)
			return rc;
		r->needed[i] = 2;
		i = UINT32_MAX; /* from the first again: earlier ones may be new */
	}
	return 0;
}

int casg_reach_packs(struct casg_store *s, struct casg_coder *c,
		     const struct casg_roots *roots, uint8_t *needed_out,
		     struct casg_err *err)
{
	struct reach r = { s, needed_out };
	int rc;

	memset(needed_out, 0, casg_store_npacks(s));
	rc = casg_tree_walk(s, c, &roots->records, note_node, &r, err);
	if (!rc)
		rc = note_object(&r, c, &roots->order, err);
	if (!rc)
		rc = note_object(&r, c, &roots->presentation, err);
	if (!rc)
		rc = follow(&r, c, err);
	for (uint32_t i = 0; i < casg_store_npacks(s); i++)
		needed_out[i] = needed_out[i] != 0;
	return rc;
}

static int add_line(struct casg_store *s, uint32_t pack, struct casg_buf *out,
		    struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(s, pack);
	struct casg_idx_chunk e;
	int has[8] = { 0 }, any = 0;

	for (uint32_t i = 0; i < x->nchunks; i++) {
		int rc = casg_packidx_chunk(x, i, &e, err);

		if (rc)
			return rc;
		has[e.kind & 7] = 1;
	}
	casg_oid_addhex(out, &x->pack_id);
	casg_buf_addf(out, " %llu ", (unsigned long long)x->pack_nbytes);
	for (int k = 0; k < 8; k++)
		if (has[k]) {
			casg_buf_addf(out, "%s%s", any ? "," : "", casg_chunk_kind_name(k));
			any = 1;
		}
	casg_buf_addch(out, '\n');
	return casg_buf_check(out, err);
}

struct line_key {
	struct casg_oid id;
	uint32_t pack;
};

static int cmp_line(const void *a, const void *b)
{
	return casg_oid_cmp(&((const struct line_key *)a)->id,
			    &((const struct line_key *)b)->id);
}

int casg_reach_text(struct casg_store *s, struct casg_coder *c,
		    const struct casg_roots *roots, struct casg_buf *out,
		    struct casg_err *err)
{
	uint32_t n = casg_store_npacks(s), k = 0;
	uint8_t *needed = malloc((size_t)n + 1);
	struct line_key *keys = malloc(((size_t)n + 1) * sizeof(*keys));
	int rc = needed && keys ? casg_reach_packs(s, c, roots, needed, err)
				: casg_err_nomem(err);

	for (uint32_t i = 0; i < n && !rc; i++)
		if (needed[i]) {
			keys[k].id = casg_store_idx(s, i)->pack_id;
			keys[k++].pack = i;
		}
	if (!rc)
		qsort(keys, k, sizeof(*keys), cmp_line);
	for (uint32_t i = 0; i < k && !rc; i++)
		rc = add_line(s, keys[i].pack, out, err);
	free(needed);
	free(keys);
	return rc;
}
