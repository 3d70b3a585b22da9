/* casg-ls-chunks - list the chunks of packs */
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "cliwork.h"
#include "packwalk.h"

static int nul_ends, longer;
static const char *kind_arg;

static const char *const usage[] = {
	"[-z] [-l] [--kind=KIND] [PACK...]",
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

static void list_pack(uint32_t pack)
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
		if (only_kind && c.kind != only_kind)
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

/* A pack by its id, or by the name of its file or of its index. */
static uint32_t find_pack(const char *name)
{
	struct casg_oid id;
	uint32_t pack;

	if (casg_oid_parse(&id, name, strlen(name)) && !casg_packwalk_name(name, &id))
		casg_die("'%s' is neither the id nor the file name of a pack", name);
	if (!casg_store_find_pack(work.store, &id, &pack))
		casg_die("pack '%s' is not in this repository", name);
	return pack;
}

static void parse_kind(void)
{
	if (!kind_arg)
		return;
	for (only_kind = CASG_CHUNK_SEQ; only_kind <= CASG_CHUNK_REFS; only_kind++)
		if (!strcmp(kind_arg, casg_chunk_kind_name(only_kind)))
			return;
	casg_usage_die("unknown kind '%s'", kind_arg);
}

static int run(int argc, char **argv)
{
	parse_kind();
	casg_work_open_quick(&work, 0);
	for (int i = 0; i < argc; i++)
		find_pack(argv[i]);
	for (int i = 0; i < argc; i++)
		list_pack(find_pack(argv[i]));
	for (uint32_t p = 0; !argc && p < casg_store_npacks(work.store); p++)
		list_pack(p);
	casg_work_close(&work);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-ls-chunks", usage, opts, 0, -1, run };
