/* casg-pack-versions - write packs that hold the given versions and nothing else */
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "buf.h"
#include "cli.h"
#include "cligrouping.h"
#include "clisettings.h"
#include "cliversion.h"
#include "cliwork.h"
#include "lines.h"
#include "reads.h"
#include "refs.h"
#include "repack.h"

static const char *threads, *memory, *window, *compression;
static int nul_ends;

static const char *const usage[] = {
	"[-z] [--window=SIZE] [--compression=LEVEL] [--threads=N] [--memory=SIZE] <BLOBS",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "window", "SIZE", &window,
	  "how many residues to order and compress together" },
	{ CASG_OPT_STR, 0, "compression", "LEVEL", &compression, "0 (none) to 19" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "lines end with NUL" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;
static struct casg_cli_kin kin;

struct version {
	struct casg_oid id;
	struct casg_version v;
	uint32_t nlater;    /* versions not listed yet that name it as previous */
	uint32_t after;     /* one of those, as listed */
};

struct versions {
	struct version *v;
	size_t n, cap;
};

static void read_version(struct versions *all, struct casg_refs *refs, const char *id)
{
	struct version v = { .after = CASG_REPACK_NONE };

	if (!casg_cli_version_blob(refs, id, &v.v, &v.id)) {
		casg_version_release(&v.v);
		return;
	}
	if (CASG_GROW(all->v, all->n + 1, all->cap))
		casg_die("out of memory");
	all->v[all->n++] = v;
}

static int by_id(const void *a, const void *b)
{
	return casg_oid_cmp(&((const struct version *)a)->id, &((const struct version *)b)->id);
}

static void read_versions(struct versions *all)
{
	struct casg_lines *l = casg_lines_open(0, nul_ends ? '\0' : '\n');
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf id = CASG_BUF_INIT;
	struct casg_refs *refs;
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	if (casg_refs_open(&refs, &work.repo, &err))
		casg_die_err(&err);
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		casg_buf_reset(&id);
		casg_buf_add(&id, line, n);
		read_version(all, refs, casg_buf_cstr(&id));
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_refs_free(refs);
	casg_lines_close(l);
	casg_buf_release(&id);
	/* whatever the order of the lines, the packs are the same */
	if (all->n)
		qsort(all->v, all->n, sizeof(*all->v), by_id);
}

static struct version *find(struct versions *all, const struct casg_oid *id)
{
	struct version key = { .id = *id };

	return bsearch(&key, all->v, all->n, sizeof(*all->v), by_id);
}

/*
 * The newest first: a version comes when all that name it as previous have,
 * and is stored by one of them.
 */
static void list_version(struct versions *all, struct version *v,
			 struct casg_repack_version *out, uint32_t *n)
{
	uint32_t self = *n;

	casg_work_roots(&v->v, &out[self].roots);
	out[self].after = v->after;
	++*n;
	for (size_t i = 0; i < v->v.nprevious; i++) {
		struct version *p = find(all, &v->v.previous[i]);

		if (p) {
			p->after = self;
			p->nlater--;
		}
	}
}

static struct casg_repack_version *put_in_order(struct versions *all)
{
	struct casg_repack_version *out = calloc(all->n + 1, sizeof(*out));
	uint8_t *listed = calloc(all->n + 1, 1);
	uint32_t n = 0, before;

	if (!out || !listed)
		casg_die("out of memory");
	for (size_t i = 0; i < all->n; i++)
		for (size_t k = 0; k < all->v[i].v.nprevious; k++) {
			struct version *p = find(all, &all->v[i].v.previous[k]);

			if (p)
				p->nlater++;
		}
	do {
		before = n;
		for (size_t i = 0; i < all->n; i++)
			if (!listed[i] && !all->v[i].nlater) {
				listed[i] = 1;
				list_version(all, &all->v[i], out, &n);
			}
	} while (n > before && n < all->n);
	/* ids name their previous by digest: there are no circles */
	if (n < all->n)
		casg_die("versions name each other as previous");
	free(listed);
	return out;
}

static void settle_options(struct casg_repack *r)
{
	struct casg_settings *s = &work.settings;
	uint64_t nbytes;

	casg_cli_setting(s, "casg.compression", "--compression", compression);
	r->packer.level = (int)s->level;
	r->packer.chunk_nbytes = s->chunk_size;
	r->packer.pack_nbytes = s->pack_size;
	r->packer.batch_nbytes = s->memory / 9;
	r->packer.max_cost = (unsigned int)s->chunk.max_cost;
	if (!window)
		return;
	if (casg_parse_size(window, &nbytes) || nbytes < (uint64_t)1 << 20 ||
	    nbytes > (uint64_t)1 << 40)
		casg_usage_die("bad value '%s' of --window: wanted 1m to 1024g", window);
	r->packer.batch_nbytes = nbytes;
}

/* By the policy; what is read often, no coarser than by genus. */
static struct casg_reads *settle_groups(struct casg_repack *r)
{
	struct casg_grouping_policy often = work.settings.chunk;
	struct casg_buf path = CASG_BUF_INIT;
	struct casg_reads *reads = casg_reads_load(casg_work_reads_path(&work, &path));

	if (often.rest == CASG_GROUPING_FAMILY || often.rest == CASG_GROUPING_HIGHER)
		often.rest = CASG_GROUPING_GENUS;
	if (!reads)
		casg_die("out of memory");
	casg_cli_kin_open(&kin, &work.repo);
	r->groups.grouping = casg_cli_grouping(&kin, &work.settings.chunk);
	r->groups.often = casg_cli_grouping(&kin, &often);
	r->groups.reads = reads;
	casg_buf_release(&path);
	return reads;
}

static void print_packs(struct casg_packw *w)
{
	struct casg_buf b = CASG_BUF_INIT;

	for (uint32_t i = 0; i < casg_packw_npacks(w); i++) {
		casg_oid_addhex(&b, casg_packw_pack(w, i, NULL));
		casg_buf_addch(&b, nul_ends ? '\0' : '\n');
	}
	if (b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
}

static int run(int argc, char **argv)
{
	struct casg_repack r = { .from = NULL };
	struct casg_repack_version *list;
	struct casg_packer_stats stats;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_reads *reads;
	struct versions all = { NULL, 0, 0 };

	(void)argc;
	(void)argv;
	casg_work_open(&work, threads, memory, (uint64_t)32 << 20);
	settle_options(&r);
	reads = settle_groups(&r);
	read_versions(&all);
	list = put_in_order(&all);
	r.from = work.store;
	casg_work_packw_apart(&work);
	r.to = work.store_apart;
	r.packw = work.packw;
	r.pool = work.pool;
	r.coders = work.coders;
	r.ncoders = work.ncoders;
	r.versions = list;
	r.nversions = (uint32_t)all.n;
	if (casg_repack(&r, &stats, &err))
		casg_work_die(&work, &err);
	print_packs(work.packw);
	for (size_t i = 0; i < all.n; i++)
		casg_version_release(&all.v[i].v);
	free(all.v);
	free(list);
	casg_grouping_free(r.groups.grouping);
	casg_grouping_free(r.groups.often);
	casg_cli_kin_close(&kin);
	casg_reads_free(reads);
	casg_work_close(&work);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-pack-versions", usage, opts, 0, 0, run };
