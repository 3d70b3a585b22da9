#include "promisew.h"

#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "endian.h"
#include "io.h"
#include "packfiles.h"
#include "packidx.h"
#include "tmpfile.h"

int casg_promisew_list(struct casg_store *store, struct casg_coder *c, uint32_t pack,
		       struct casg_packids *out, struct casg_err *err)
{
	struct casg_packidx *x = casg_store_idx(store, pack);
	struct casg_objinfo *at;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	out->chunks = calloc(x->nchunks + 1u, sizeof(*out->chunks));
	out->objects = at = calloc(x->nobjects + 1u, sizeof(*out->objects));
	out->nodes = calloc(x->nnodes + 1u, sizeof(*out->nodes));
	if (!out->chunks || !out->objects || !out->nodes)
		return casg_err_nomem(err);
	out->src = (struct casg_packidx_src){
		.pack_id = x->pack_id, .pack_nbytes = x->pack_nbytes,
		.chunks = out->chunks, .nchunks = x->nchunks,
		.objects = out->objects, .nobjects = x->nobjects,
		.nodes = out->nodes, .nnodes = x->nnodes,
	};
	for (uint32_t i = 0; i < x->nchunks && !rc; i++) {
		struct casg_idx_chunk *e = &out->chunks[i];
		struct casg_loc loc = { pack, i, 0 };

		rc = casg_packidx_chunk(x, i, e, err);
		if (rc || e->kind == CASG_CHUNK_NODE || e->kind == CASG_CHUNK_REFS)
			continue;
		for (; loc.member < e->nmembers && !rc; loc.member++)
			rc = casg_store_info(store, c, &loc, at++, err);
	}
	for (uint32_t i = 0; i < x->nnodes && !rc; i++)
		rc = casg_packidx_node_at(x, i, &out->nodes[i], err);
	return rc;
}

static int write_file(const char *dir, const struct casg_oid *id, const char *ext,
		      const struct casg_buf *b, struct casg_err *err)
{
	struct casg_tmpfile t = CASG_TMPFILE_INIT;
	char *path = casg_packfiles_path(dir, id, ext);
	int rc = path ? casg_buf_check(b, err) : casg_err_nomem(err);

	if (!rc)
		rc = casg_tmpfile_create(&t, dir, "promise", err);
	if (!rc)
		rc = casg_write_full(t.fd, b->data, b->len, err);
	if (!rc)
		rc = casg_tmpfile_commit_replace(&t, path, err);
	if (rc)
		casg_tmpfile_abandon(&t);
	free(path);
	return rc;
}

static int write_objects(const char *dir, const struct casg_packids *ids, struct casg_err *err)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_blocks_writer w = { &b, 0, 0 };
	uint8_t e[CASG_OBJINFO_SZ];
	int rc;

	for (uint32_t i = 0; i < ids->src.nobjects; i++) {
		memcpy(e, ids->objects[i].id.b, CASG_OID_RAWSZ);
		casg_put_le64(e + CASG_OID_RAWSZ, ids->objects[i].nbytes);
		casg_blocks_put(&w, e, sizeof(e));
	}
	casg_blocks_finish(&w);
	rc = write_file(dir, &ids->src.pack_id, "objects", &b, err);
	casg_buf_release(&b);
	return rc;
}

int casg_promisew_write(const char *dir, const struct casg_packids *ids, const char *ext,
			struct casg_err *err)
{
	struct casg_buf idx = CASG_BUF_INIT;
	int rc = casg_packidx_build(&ids->src, &idx, err);

	if (!rc)
		rc = write_objects(dir, ids, err);
	if (!rc)
		rc = write_file(dir, &ids->src.pack_id, ext, &idx, err);
	casg_buf_release(&idx);
	return rc;
}
