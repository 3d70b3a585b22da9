/* casg-verify-pack - check packs and their indexes */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blocks.h"
#include "buf.h"
#include "cli.h"
#include "clipack.h"
#include "clisettings.h"
#include "map.h"

static int quick, verbose, stat_only, list_objects, list_damaged;
static const char *threads, *memory, *leaves_path;

static const char *const usage[] = {
	"[--quick] [-v] [--stat] [--objects | --damaged] [--leaves=FILE] [--threads=N] [--memory=SIZE] PACK...",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 0, "quick", NULL, &quick, "compare checksums, decode nothing" },
	{ CASG_OPT_FLAG, 'v', NULL, NULL, &verbose, "list the chunks" },
	{ CASG_OPT_FLAG, 0, "stat", NULL, &stat_only, "sum up the chunks by kind" },
	{ CASG_OPT_FLAG, 0, "objects", NULL, &list_objects,
	  "name the objects that damaged chunks hold, where known" },
	{ CASG_OPT_FLAG, 0, "damaged", NULL, &list_damaged,
	  "name the damaged chunks, and the packs that have them as well" },
	{ CASG_OPT_STR, 0, "leaves", "FILE", &leaves_path,
	  "append the leaves of trees that are as they should be" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "how many threads (0: one a processor)" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "how much memory to use at most" },
	{ .type = CASG_OPT_END }
};

static struct casg_packtool tool;
/* What a pack takes while it is checked: its objects, their order, its index. */
#define PACK_NBYTES ((uint64_t)128 << 20)
static int side_by_side; /* a pack a thread, not all threads one pack */

/* One pack and what was found. */
struct pack {
	struct casg_buf path, idx_path;
	struct casg_oid expected;
	int has_name;
	struct casg_map map;
	struct casg_packidx x;
	int has_idx;         /* x is open */
	struct casg_packwalk *w;
	int damaged, unsettled;
	struct casg_buf out; /* what is to be printed of damage */
};

static void bad(struct pack *p, int code, const char *msg)
{
	casg_error("%s", msg);
	if (code == CASG_ECORRUPT || code == CASG_ENOTOURS)
		p->damaged = 1;
	else
		p->unsettled = 1;
}

/* ---- the index --------------------------------------------------------- */

static void open_index(struct pack *p)
{
	struct casg_err err = CASG_ERR_INIT;
	const char *path = (const char *)p->idx_path.data;

	if (!casg_map_open(&p->map, path, &err)) {
		if (!casg_packidx_open(&p->x, p->map.data, p->map.size, &err))
			p->has_idx = 1;
		else
			casg_err_prefix(&err, "index '%s'", path);
	}
	if (!p->has_idx)
		bad(p, err.code, err.msg);
}

/* The array that has the byte 'at' of the index. */
static const char *area_of(const struct casg_packidx *x, uint64_t at)
{
	const struct { const char *name; struct casg_place begin; } area[] = {
		{ "nodes by id", x->at_numbers }, { "nodes", x->at_nodes }, { "objects", x->at_objects },
		{ "buckets", x->at_buckets }, { "chunks by id", x->at_byid },
		{ "chunks", x->at_chunks },
	};

	for (size_t i = 0; i < sizeof(area) / sizeof(area[0]); i++)
		if (at >= area[i].begin.block * CASG_BLOCK + area[i].begin.offset)
			return area[i].name;
	return "header";
}

static void disagrees(struct pack *p, const char *where, uint64_t number)
{
	struct casg_err err;

	casg_err_set(&err, CASG_ECORRUPT, "index '%s' does not agree with its pack: %s %llu",
		     (char *)p->idx_path.data, where, (unsigned long long)number);
	bad(p, CASG_ECORRUPT, err.msg);
}

/* What a good pack's index must be, byte for byte. */
static void compare_bytes(struct pack *p)
{
	struct casg_buf want = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	size_t n;

	/* an older index is good, if it is what an older casg has written */
	p->w->idx_version = p->x.version;
	if (casg_packwalk_index(p->w, &want, &err))
		casg_die_err(&err);
	n = want.len < p->map.size ? want.len : p->map.size;
	for (size_t at = 0; at < n; at++)
		if (want.data[at] != p->map.data[at]) {
			char where[64];

			snprintf(where, sizeof(where), "%s, byte offset", area_of(&p->x, at));
			disagrees(p, where, at);
			break;
		}
	if (want.len != p->map.size)
		disagrees(p, "its length should be", want.len);
	casg_buf_release(&want);
}

/* Of what can be compared without ids: the table of chunks. */
static void compare_chunks(struct pack *p)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_idx_chunk x;

	if (p->w->whole.state != CASG_WALK_DAMAGED && p->x.nchunks != p->w->nchunks)
		disagrees(p, "number of chunks", p->x.nchunks);
	for (uint32_t i = 0; i < p->w->nchunks && i < p->x.nchunks; i++) {
		const struct casg_idx_chunk *y = &p->w->idx[i];

		if (p->w->chunks[i].state != CASG_WALK_GOOD)
			continue;
		if (casg_packidx_chunk(&p->x, i, &x, &err)) {
			casg_err_prefix(&err, "index '%s'", (char *)p->idx_path.data);
			bad(p, err.code, err.msg);
			return;
		}
		if (x.offset != y->offset || x.nbytes != y->nbytes || x.nraw != y->nraw ||
		    x.nmembers != y->nmembers || x.kind != y->kind ||
		    (!quick && !casg_oid_eq(&x.id, &y->id)))
			disagrees(p, "chunk", i);
	}
}

static void check_index(struct pack *p)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!p->has_idx)
		return;
	if (casg_blocks_check_all(&p->x.blocks, &err)) {
		casg_err_prefix(&err, "index '%s'", (char *)p->idx_path.data);
		bad(p, err.code, err.msg);
	} else if (quick || p->w->ndamaged || p->w->nunsettled) {
		compare_chunks(p);
	} else {
		compare_bytes(p);
	}
}

/* ---- what is printed --------------------------------------------------- */

static const char *id_text(const struct pack *p, uint32_t chunk, char *hex)
{
	struct casg_oid none = { { 0 } };
	struct casg_idx_chunk x;

	if (!casg_oid_eq(&p->w->idx[chunk].id, &none))
		return casg_oid_hex(&p->w->idx[chunk].id, hex);
	if (p->has_idx && !casg_packidx_chunk((struct casg_packidx *)&p->x, chunk, &x, NULL))
		return casg_oid_hex(&x.id, hex);
	return "-";
}

static void list_chunks(const struct pack *p)
{
	static const char *const layouts[] = {
		"plain", "dna2", "columns", "linked", "linked out", "matched",
		"matched deep"
	};
	struct casg_buf b = CASG_BUF_INIT;
	char hex[CASG_OID_HEXSZ + 1];

	for (uint32_t i = 0; i < p->w->nchunks; i++) {
		const struct casg_idx_chunk *x = &p->w->idx[i];
		int l = p->w->chunks[i].layout;

		casg_buf_reset(&b);
		casg_buf_addf(&b, "%u\t%s\t%s\t%u\t%u\t%llu\t%llu\t%s\n", i,
			      casg_chunk_kind_name(x->kind), l <= CASG_LAYOUT_MAX ? layouts[l] : "?",
			      x->nmembers, x->nraw, (unsigned long long)x->nbytes,
			      (unsigned long long)x->offset, id_text(p, i, hex));
		casg_out(b.data, b.len);
	}
	casg_buf_release(&b);
}

static void print_stat(const struct pack *p)
{
	struct casg_buf b = CASG_BUF_INIT;

	for (int kind = CASG_CHUNK_SEQ; kind <= CASG_CHUNK_KIND_MAX; kind++) {
		unsigned long long n = 0, members = 0, raw = 0, stored = 0;

		for (uint32_t i = 0; i < p->w->nchunks; i++)
			if (p->w->idx[i].kind == kind) {
				n++;
				members += p->w->idx[i].nmembers;
				raw += p->w->idx[i].nraw;
				stored += p->w->idx[i].nbytes;
			}
		if (n)
			casg_buf_addf(&b, "%s: %llu chunks, %llu members, %llu bytes, %llu stored\n",
				      casg_chunk_kind_name(kind), n, members, raw, stored);
	}
	casg_out(b.data, b.len);
	casg_buf_release(&b);
}

static void add_object(struct pack *p, const struct casg_oid *id, int kind, uint32_t chunk)
{
	casg_oid_addhex(&p->out, id);
	casg_buf_addf(&p->out, "\t%s\t%u\n", casg_chunk_kind_name(kind), chunk);
}

/* From the list of ids that casg-pack leaves in the cache. */
static void name_objects(struct pack *p, uint32_t chunk, const struct casg_idx_chunk *x)
{
	struct casg_map map = CASG_MAP_INIT;
	struct casg_buf path = CASG_BUF_INIT;
	struct casg_blocks blocks;
	char hex[CASG_OID_HEXSZ + 1];

	if (!tool.in_repo)
		return;
	casg_buf_addf(&path, "%s/pack-%s.objects", tool.repo.index_dir,
		      casg_oid_hex(&p->x.pack_id, hex));
	if (!casg_map_open(&map, casg_buf_cstr(&path), NULL)) {
		if (!casg_blocks_init(&blocks, map.data, map.size, NULL)) {
			for (uint32_t i = 0; i < x->nmembers; i++) {
				const uint8_t *e = casg_blocks_entry(&blocks, (struct casg_place){ 0, 0 },
						(uint64_t)x->first + i, CASG_OBJINFO_SZ, NULL);

				if (e)
					add_object(p, (const struct casg_oid *)e,
						   x->kind, chunk);
			}
			casg_blocks_release(&blocks);
		}
		casg_map_close(&map);
	}
	casg_buf_release(&path);
}

static void name_nodes(struct pack *p, uint32_t chunk)
{
	struct casg_idx_node n;

	for (uint32_t i = 0; i < p->x.nnodes; i++)
		if (!casg_packidx_node(&p->x, i, &n, NULL) && n.chunk == chunk)
			add_object(p, &n.id, CASG_CHUNK_NODE, chunk);
}

/* The packs that have a chunk of this id too, comma-separated, or "-". */
static void name_copies(struct pack *p, const struct casg_idx_chunk *x)
{
	const char *sep = "";
	uint32_t other;

	for (uint32_t i = 0; tool.store && i < casg_store_npacks(tool.store); i++) {
		struct casg_packidx *y = casg_store_idx(tool.store, i);

		if (casg_oid_eq(&y->pack_id, &p->x.pack_id) ||
		    casg_packidx_find_chunk(y, &x->id, &other, NULL) <= 0)
			continue;
		casg_buf_addstr(&p->out, sep);
		casg_oid_addhex(&p->out, &y->pack_id);
		sep = ",";
	}
	casg_buf_addstr(&p->out, *sep ? "\n" : "-\n");
}

static void name_chunk(struct pack *p, uint32_t chunk, const struct casg_idx_chunk *x)
{
	casg_oid_addhex(&p->out, &p->x.pack_id);
	casg_buf_addf(&p->out, "\t%u\t", chunk);
	casg_oid_addhex(&p->out, &x->id);
	casg_buf_addf(&p->out, "\t%s\t%u\t", casg_chunk_kind_name(x->kind), x->nmembers);
	name_copies(p, x);
}

static void name_damaged(struct pack *p)
{
	struct casg_idx_chunk x;

	for (uint32_t i = 0; p->has_idx && i < p->x.nchunks; i++) {
		if ((i < p->w->nchunks && p->w->chunks[i].state != CASG_WALK_DAMAGED) ||
		    casg_packidx_chunk(&p->x, i, &x, NULL))
			continue;
		if (list_damaged)
			name_chunk(p, i, &x);
		else if (x.kind == CASG_CHUNK_NODE)
			name_nodes(p, i);
		else if (x.kind != CASG_CHUNK_REFS)
			name_objects(p, i, &x);
	}
	if (p->out.failed)
		casg_die("out of memory");
}

/* ---- leaves ------------------------------------------------------------ */

/* So many are written; who reads the file looks into the others itself. */
#define LEAVES_MAX (1 << 20)

static FILE *leaves;
static pthread_mutex_t leaves_lock = PTHREAD_MUTEX_INITIALIZER;
static int nleaves;

static void on_leaf(void *ctx, const struct casg_oid *as_child)
{
	char hex[CASG_OID_HEXSZ + 1];

	(void)ctx;
	casg_oid_hex(as_child, hex);
	pthread_mutex_lock(&leaves_lock);
	if (nleaves < LEAVES_MAX) {
		nleaves++;
		fprintf(leaves, "%s\n", hex);
	}
	pthread_mutex_unlock(&leaves_lock);
}

static void open_leaves(void)
{
	leaves = leaves_path ? fopen(leaves_path, "ae") : NULL;
	if (leaves_path && !leaves)
		casg_die("cannot open '%s': %s", leaves_path, strerror(errno));
}

static void close_leaves(void)
{
	int failed = leaves && ferror(leaves);

	if (leaves && (fclose(leaves) || failed))
		casg_die("cannot write '%s'", leaves_path);
}

/* ---- one pack ---------------------------------------------------------- */

static void on_fault(void *ctx, uint32_t chunk, int state, int code, const char *msg)
{
	struct pack *p = ctx;

	(void)chunk;
	(void)code;
	casg_error("%s", msg);
	if (state == CASG_WALK_DAMAGED)
		p->damaged = 1;
	else
		p->unsettled = 1;
}

/* 0 when the pack itself could not be looked into. */
static int walk(struct pack *p, int fd)
{
	struct casg_packwalk_opts o = {
		.quick = quick, .pool = side_by_side ? NULL : tool.pool, .store = tool.store,
		.may_lack = tool.promise != NULL,
		.window_nbytes = tool.settings.memory / 2 /
				 (side_by_side ? (uint64_t)casg_workers_count(tool.pool) : 1),
		.leaf = leaves ? on_leaf : NULL,
	};
	struct casg_err err = CASG_ERR_INIT;
	int trusted = p->has_idx && (!p->has_name ||
				     casg_oid_eq(&p->expected, &p->x.pack_id));

	if (casg_packwalk_open(&p->w, fd, (char *)p->path.data,
			       p->has_name ? &p->expected : NULL,
			       trusted ? &p->x : NULL, &err) ||
	    casg_packwalk_check(p->w, &o, &err)) {
		bad(p, err.code == CASG_ENOTOURS ? CASG_EIO : err.code, err.msg);
		return 0;
	}
	casg_packwalk_each_fault(p->w, on_fault, p);
	return 1;
}

/*
 * What the leaves of other packs will ask the store for is known of the good
 * chunks of this one.
 */
static void tell_store(const struct pack *p)
{
	uint32_t pack;

	if (quick || !tool.store || !p->has_name ||
	    !casg_store_find_pack(tool.store, &p->w->id, &pack))
		return;
	for (uint32_t i = 0; i < p->w->nchunks; i++) {
		const struct casg_idx_chunk *x = &p->w->idx[i];

		if (p->w->chunks[i].state == CASG_WALK_GOOD && x->kind != CASG_CHUNK_NODE &&
		    x->kind != CASG_CHUNK_REFS)
			casg_store_tell_infos(tool.store, pack, i, &x->id,
					      p->w->objects + x->first, x->nmembers);
	}
}

static void verify(struct pack *p)
{
	int fd = open((char *)p->path.data, O_RDONLY | O_CLOEXEC);

	p->has_name = casg_packwalk_name((char *)p->path.data, &p->expected);
	if (fd < 0) {
		casg_error("cannot open '%s': %s", (char *)p->path.data, strerror(errno));
		p->unsettled = 1;
		return;
	}
	open_index(p);
	if (walk(p, fd)) {
		tell_store(p);
		check_index(p);
		if (verbose)
			list_chunks(p);
		if (stat_only)
			print_stat(p);
		if (list_objects || list_damaged)
			name_damaged(p);
	}
	close(fd);
}

static void print_verdict(const struct pack *p)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_buf_addf(&b, "%s: %s\n", (char *)p->path.data,
		      p->damaged ? "damaged" : p->unsettled ? "not settled" : "ok");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
}

static void start(struct pack *p, const char *name)
{
	casg_packtool_path(&tool, name, "pack", &p->path);
	casg_packtool_path(&tool, name, "idx", &p->idx_path);
	verify(p);
}

static void finish(struct pack *p)
{
	casg_packwalk_close(p->w);
	p->w = NULL;
	if (p->has_idx)
		casg_packidx_release(&p->x);
	p->has_idx = 0;
	casg_map_close(&p->map);
	casg_buf_release(&p->path);
	casg_buf_release(&p->idx_path);
}

struct side {
	struct pack *packs;
	char **names;
	const size_t *order;
};

static void verify_one(void *ctx, size_t i, int worker)
{
	struct side *s = ctx;

	(void)worker;
	i = s->order[i];
	start(&s->packs[i], s->names[i]);
	finish(&s->packs[i]);
}

/* Does the pack hold nodes, as far as its index says? */
static int has_nodes(const char *name)
{
	struct casg_buf path = CASG_BUF_INIT;
	struct casg_packidx *x;
	struct casg_oid id;
	uint32_t pack;
	int nodes = 0;

	casg_packtool_path(&tool, name, "pack", &path);
	if (tool.store && casg_packwalk_name((char *)path.data, &id) &&
	    casg_store_find_pack(tool.store, &id, &pack)) {
		x = casg_store_idx(tool.store, pack);
		nodes = x && x->nnodes;
	}
	casg_buf_release(&path);
	return nodes;
}

/* Those with nodes last: they ask for what the others hold. */
static size_t *put_in_order(char **names, size_t n)
{
	size_t *order = malloc((n + 1) * sizeof(*order)), at = 0;
	uint8_t *last = calloc(n + 1, 1);

	if (!order || !last)
		casg_die("out of memory");
	for (size_t i = 0; i < n; i++) {
		last[i] = (uint8_t)has_nodes(names[i]);
		if (!last[i])
			order[at++] = i;
	}
	for (size_t i = 0; i < n; i++)
		if (last[i])
			order[at++] = i;
	free(last);
	return order;
}

static int run(int argc, char **argv)
{
	struct pack *packs = calloc((size_t)argc, sizeof(*packs));
	struct side side = { packs, argv, NULL };
	int damaged = 0, unsettled = 0;

	if (list_objects && list_damaged)
		casg_usage_die("--objects and --damaged exclude one another");
	if (quick && leaves_path)
		casg_usage_die("--quick looks into no leaves");
	if (!packs)
		casg_die("out of memory");
	casg_packtool_open(&tool, threads, argv[0]);
	casg_cli_setting(&tool.settings, "casg.memory", "--memory", memory);
	/* the SHA-256 of a file, and its index, are the work of one thread */
	side_by_side = !verbose && !stat_only && argc >= 2 * casg_workers_count(tool.pool) &&
		       tool.settings.memory / (uint64_t)casg_workers_count(tool.pool) >= PACK_NBYTES;
	side.order = put_in_order(argv, (size_t)argc);
	open_leaves();
	if (side_by_side)
		casg_workers_run(tool.pool, (size_t)argc, verify_one, &side);
	for (int i = 0; i < argc; i++) {
		struct pack *p = &packs[verbose || stat_only ? (size_t)i : side.order[i]];

		if (!side_by_side)
			start(p, argv[p - packs]);
		casg_out(p->out.data, p->out.len);
		if (verbose || stat_only)
			print_verdict(p);
		damaged |= p->damaged;
		unsettled |= p->unsettled;
		finish(p);
		casg_buf_release(&p->out);
	}
	close_leaves();
	free((void *)(uintptr_t)side.order);
	free(packs);
	casg_packtool_close(&tool);
	return damaged ? CASG_EXIT_NO : unsettled ? CASG_EXIT_FATAL : CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-verify-pack", usage, opts, 1, -1, run };
