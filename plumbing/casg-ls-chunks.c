/* casg-ls-chunks - list the chunks of packs, or those that a version needs */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "cliwork.h"
#include "packwalk.h"
#include "reach.h"

static int nul_ends, longer;
static const char *kind_arg;

static const char *const usage[] = {
	"[-z] [-l] [--kind=KIND] [PACK | [REV:]DATABASE]...",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "end lines with NUL" },
	{ CASG_OPT_FLAG, 'l', NULL, NULL, &longer,
	  "number of the chunk and its byte offset as well" },
	{ CASG_OPT_STR, 0, "kind", "KIND", &kind_arg,
	  "only sequences, lists, nodes, blobs or refs" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;
static int only_kind;

static void add_number(struct casg_buf *b, uint64_t v)
{
	casg_buf_addch(b, '\t');
	casg_buf_add_u64(b, v);
}

/* needed: a flag a chunk; NULL: all */
static void list_pack(uint32_t pack, const uint8_t *needed)
{
	struct casg_packidx *x = casg_store_idx(work.store, pack);
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_idx_chunk c;

	for (uint32_t i = 0; i < x->nchunks; i++) {
		if (casg_packidx_chunk(x, i, &c, &err)) {
			casg_err_prefix(&err, "index of '%s'",
					casg_store_pack_path(work.store, pack));
			casg_out_flush();
			casg_die_err(&err);
		}
		if ((needed && !needed[i]) || (only_kind && c.kind != only_kind))
			continue;
		casg_buf_reset(&b);
		casg_oid_addhex(&b, &c.id);
		casg_buf_addch(&b, '\t');
		casg_buf_addstr(&b, casg_chunk_kind_name(c.kind));
		add_number(&b, c.nmembers);
		add_number(&b, c.nraw);
		add_number(&b, c.nbytes);
		casg_buf_addch(&b, '\t');
		casg_oid_addhex(&b, &x->pack_id);
		if (longer) {
			add_number(&b, i);
			add_number(&b, c.offset);
		}
		casg_buf_addch(&b, nul_ends ? '\0' : '\n');
		if (b.failed)
			casg_die("out of memory");
		casg_out(b.data, b.len);
	}
	casg_buf_release(&b);
}

/* A pack by its id, or by the name of its file or of its index; 0: no such name. */
static int find_pack(const char *name, uint32_t *pack)
{
	struct casg_oid id;

	if (casg_oid_parse(&id, name, strlen(name)) && !casg_packwalk_name(name, &id))
		return 0;
	if (!casg_store_find_pack(work.store, &id, pack))
		casg_die("pack '%s' is not in this repository", name);
	return 1;
}

static int mark(void *ctx, uint32_t pack, uint32_t chunk, struct casg_err *err)
{
	uint8_t **needed = ctx;

	if (!needed[pack])
		needed[pack] = calloc(casg_store_idx(work.store, pack)->nchunks + 1u, 1);
	if (!needed[pack])
		return casg_err_nomem(err);
	needed[pack][chunk] = 1;
	return 0;
}

static void list_version(const char *spec)
{
	uint32_t npacks = casg_store_npacks(work.store);
	uint8_t **needed = calloc(npacks + 1u, sizeof(*needed));
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version version;
	struct casg_roots roots;

	if (!needed)
		casg_die("out of memory");
	casg_work_version(&work, spec, &version, &roots);
	if (casg_reach_chunks(work.store, casg_work_coder(&work), &roots, mark, needed, &err))
		casg_die_err(&err);
	for (uint32_t p = 0; p < npacks; p++) {
		if (needed[p])
			list_pack(p, needed[p]);
		free(needed[p]);
	}
	free(needed);
	casg_version_release(&version);
}

static void parse_kind(void)
{
	if (!kind_arg)
		return;
	for (only_kind = CASG_CHUNK_SEQ; only_kind <= CASG_CHUNK_KIND_MAX; only_kind++)
		if (!strcmp(kind_arg, casg_chunk_kind_name(only_kind)))
			return;
	casg_usage_die("unknown kind '%s'", kind_arg);
}

static int run(int argc, char **argv)
{
	parse_kind();
	casg_work_open_quick(&work, (uint64_t)16 << 20);
	for (int i = 0; i < argc; i++) {
		uint32_t pack;

		if (find_pack(argv[i], &pack))
			list_pack(pack, NULL);
		else
			list_version(argv[i]);
	}
	for (uint32_t p = 0; !argc && p < casg_store_npacks(work.store); p++)
		if (!casg_store_quarantined(work.store, p))
			list_pack(p, NULL);
	casg_work_close(&work);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-ls-chunks", usage, opts, 0, -1, run };
