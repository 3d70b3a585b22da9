/* casg-pack-versions - write packs that hold the given versions and nothing else */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "buf.h"
#include "cli.h"
#include "cligrouping.h"
#include "clisettings.h"
#include "clistate.h"
#include "cliversion.h"
#include "cliwork.h"
#include "reads.h"
#include "repack.h"
#include "repackmore.h"
#include "rfc3339.h"

static const char *threads, *memory, *window, *compression, *match, *into, *not_file, *there_dir,
	*state_file, *reads_file, *apart_arg;
static int nul_ends, resume;
static int64_t apart; /* the time before which versions are old */

static const char *const usage[] = {
	"[-z] [--window=SIZE] [--compression=LEVEL] [--match=N] [--reads=FILE] [--apart-before=TIME] "
	"[--threads=N] [--memory=SIZE] [--into=DIR [--state=FILE [--resume]]] <BLOBS",
	"[-z] --not=FILE [--there=DIR] [--window=SIZE] [--compression=LEVEL] [--match=N] [--into=DIR] "
	"[--threads=N] [--memory=SIZE] <BLOBS",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "not", "FILE", &not_file,
	  "leave out what the versions in FILE need, and rely on it" },
	{ CASG_OPT_STR, 0, "there", "DIR", &there_dir,
	  "packs as they lie where those versions are" },
	{ CASG_OPT_STR, 0, "window", "SIZE", &window,
	  "how many residues to order and compress together" },
	{ CASG_OPT_STR, 0, "compression", "LEVEL", &compression, "0 (none) to 19" },
	{ CASG_OPT_STR, 0, "match", "N", &match,
	  "look for one k-mer of N of DNA; 0: store it as it is" },
	{ CASG_OPT_STR, 0, "into", "DIR", &into, "write the packs there, for their size" },
	{ CASG_OPT_STR, 0, "reads", "FILE", &reads_file,
	  "what was read often (default: casg/state/reads)" },
	{ CASG_OPT_STR, 0, "apart-before", "TIME", &apart_arg,
	  "sequences that only versions before TIME need go into other packs" },
	{ CASG_OPT_STR, 0, "state", "FILE", &state_file,
	  "save there how far it came, when a pack is finished" },
	{ CASG_OPT_FLAG, 0, "resume", NULL, &resume,
	  "go on where FILE says, if it is there, and let stay what is finished" },
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
	struct casg_oid *maps;  /* of profiles */
	size_t nmaps, cap_maps;
};

static void add_profile(void *ctx, const struct casg_profile *p)
{
	struct versions *all = ctx;

	if (CASG_GROW(all->maps, all->nmaps + 1, all->cap_maps))
		casg_die("out of memory");
	all->maps[all->nmaps++] = p->members;
}

static void add_version(void *ctx, struct casg_version *v, const struct casg_oid *id)
{
	struct versions *all = ctx;

	if (CASG_GROW(all->v, all->n + 1, all->cap))
		casg_die("out of memory");
	all->v[all->n++] = (struct version){ .id = *id, .v = *v, .after = CASG_REPACK_NONE };
}

static int by_id(const void *a, const void *b)
{
	return casg_oid_cmp(&((const struct version *)a)->id, &((const struct version *)b)->id);
}

static void read_versions(struct versions *all, int fd)
{
	casg_cli_each_version(&work.repo, fd, nul_ends ? '\0' : '\n', add_version, add_profile,
			      all);
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
	out[self].apart = apart_arg && v->v.sequence_time < apart;
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

static void settle_options(struct casg_packer_opts *r)
{
	struct casg_settings *s = &work.settings;
	uint64_t nbytes;

	casg_cli_setting(s, "casg.compression", "--compression", compression);
	casg_cli_setting(s, "casg.match", "--match", match);
	r->level = (int)s->level;
	r->chunk_nbytes = s->chunk_size;
	r->pack_nbytes = s->pack_size;
	r->batch_nbytes = s->memory / 9;
	r->max_cost = (unsigned int)s->chunk.max_cost;
	r->match = (unsigned int)s->match;
	if (!window)
		return;
	if (casg_parse_size(window, &nbytes) || nbytes < (uint64_t)1 << 20 ||
	    nbytes > (uint64_t)1 << 40)
		casg_usage_die("bad value '%s' of --window: wanted 1m to 1024g", window);
	r->batch_nbytes = nbytes;
}

/* By the policy; what is read often, no coarser than by genus. */
static struct casg_reads *settle_groups(struct casg_repack *r)
{
	struct casg_grouping_policy often = work.settings.chunk;
	struct casg_buf path = CASG_BUF_INIT;
	struct casg_reads *reads = casg_reads_load(reads_file ? reads_file :
						   casg_work_reads_path(&work, &path));

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

static void add_id(struct casg_buf *b, const struct casg_oid *id)
{
	casg_oid_addhex(b, id);
	casg_buf_addch(b, nul_ends ? '\0' : '\n');
}

/* First those that were finished before the writer began. */
static void print_packs(struct casg_packw *w, const struct casg_oid *before, size_t nbefore)
{
	struct casg_buf b = CASG_BUF_INIT;

	for (size_t i = 0; i < nbefore; i++)
		add_id(&b, &before[i]);
	for (uint32_t i = 0; i < casg_packw_npacks(w); i++)
		add_id(&b, casg_packw_pack(w, i, NULL));
	if (b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
}

/* In a partial clone the new packs are not all. */
static void print_staying(const uint8_t *stays)
{
	struct casg_buf b = CASG_BUF_INIT;

	for (uint32_t i = 0; i < casg_store_npacks(work.store); i++)
		if (stays[i] && !casg_store_promised(work.store, i)) {
			casg_oid_addhex(&b, &casg_store_idx(work.store, i)->pack_id);
			casg_buf_addch(&b, nul_ends ? '\0' : '\n');
		}
	if (b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
}

static void release_versions(struct versions *all)
{
	for (size_t i = 0; i < all->n; i++)
		casg_version_release(&all->v[i].v);
	free(all->v);
	free(all->maps);
}

/* ---- what another place lacks ---- */

/* The nearest version before it that is known there, along first parents. */
static uint32_t base_of(struct versions *all, struct versions *known, const struct version *v)
{
	for (size_t n = 0; v && n <= all->n; n++) {
		struct version *next = NULL;

		for (size_t i = 0; i < v->v.nprevious; i++) {
			struct version *k = find(known, &v->v.previous[i]);

			if (k)
				return (uint32_t)(k - known->v);
			next = next ? next : find(all, &v->v.previous[i]);
		}
		v = next;
	}
	return CASG_MORE_NONE;
}

static struct casg_store *open_there(void)
{
	const struct casg_store_opts o = {
		.packs_dir = there_dir, .tmp_dir = work.repo.tmp_dir, .lenient = 1,
		.cache_nbytes = (uint64_t)16 << 20,
	};
	struct casg_err err = CASG_ERR_INIT;
	struct casg_store *s;

	if (casg_store_open(&s, &o, &err))
		casg_die_err(&err);
	return s;
}

static void pack_more(struct versions *all)
{
	struct casg_more_version *list = calloc(all->n + 1, sizeof(*list));
	struct versions known = { .v = NULL };
	struct casg_packer_stats stats;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_roots *roots;
	struct casg_more m = { .from = work.store };
	int fd = open(not_file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		casg_die("cannot open '%s': %s", not_file, strerror(errno));
	read_versions(&known, fd);
	close(fd);
	roots = calloc(known.n + 1, sizeof(*roots));
	if (!list || !roots)
		casg_die("out of memory");
	for (size_t i = 0; i < known.n; i++)
		casg_work_roots(&known.v[i].v, &roots[i]);
	for (size_t i = 0; i < all->n; i++) {
		casg_work_roots(&all->v[i].v, &list[i].roots);
		list[i].base = base_of(all, &known, &all->v[i]);
	}
	settle_options(&m.packer);
	m.there = there_dir ? open_there() : NULL;
	casg_work_packw_apart(&work, into, 0);
	m.to = work.store_apart;
	m.packw = work.packw;
	m.pool = work.pool;
	m.coders = work.coders;
	m.ncoders = work.ncoders;
	m.versions = list;
	m.nversions = (uint32_t)all->n;
	m.known = roots;
	m.nknown = (uint32_t)known.n;
	m.blobs = all->maps;
	m.nblobs = all->nmaps;
	if (casg_repackmore(&m, &stats, &err))
		casg_work_die(&work, &err);
	print_packs(work.packw, NULL, 0);
	casg_store_close(m.there);
	release_versions(&known);
	free(roots);
	free(list);
}

/* ---- what was interrupted ---- */

static struct casg_cli_state state;

/* All that decides about the packs and is no part of the plan. */
static void open_state(const struct casg_packer_opts *o)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_buf_addf(&b, "repack compression=%d match=%u window=%" PRIu64 " pack-size=%" PRIu64
		      " max-cost=%u memory=%" PRIu64, o->level, o->match, casg_packer_batch(o),
		      o->pack_nbytes, o->max_cost, work.settings.memory);
	if (apart_arg)
		casg_buf_addf(&b, " apart-before=%" PRId64, apart);
	if (b.failed)
		casg_die("out of memory");
	casg_cli_state_open(&state, &work, state_file, casg_buf_cstr(&b), resume);
	casg_buf_release(&b);
}

static uint64_t bytes_of(struct casg_store *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < casg_store_npacks(s); i++)
		n += casg_store_idx(s, i)->pack_nbytes;
	return n;
}

static int on_plan(void *ctx, const struct casg_oid *digest, struct casg_err *err)
{
	(void)ctx;
	(void)err;
	casg_cli_state_plan(&state, digest, bytes_of(work.store));
	return 0;
}

static int on_pack(void *ctx, const struct casg_oid *id, struct casg_err *err)
{
	struct casg_store *to = work.store_apart;
	uint64_t nobjects = 0;

	(void)ctx;
	(void)id;
	(void)err;
	for (uint32_t i = 0; i < casg_store_npacks(to); i++)
		nobjects += casg_store_idx(to, i)->nobjects;
	casg_cli_state_wrote(&state, bytes_of(to), nobjects);
	return 0;
}

/* ---- everything ---- */

/* The packs that an interrupted run has finished. */
static struct casg_oid *list_before(size_t *n_out)
{
	size_t n = casg_store_npacks(work.store_apart);
	struct casg_oid *ids = malloc((n + 1) * sizeof(*ids));

	if (!ids)
		casg_die("out of memory");
	for (size_t i = 0; i < n; i++)
		ids[i] = casg_store_idx(work.store_apart, (uint32_t)i)->pack_id;
	*n_out = n;
	return ids;
}

static void pack_all(struct versions *all)
{
	struct casg_repack r = { .from = work.store };
	struct casg_repack_version *list = put_in_order(all);
	struct casg_packer_stats stats;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_reads *reads;
	struct casg_oid *before;
	size_t nbefore;
	int go_on;

	settle_options(&r.packer);
	reads = settle_groups(&r);
	open_state(&r.packer);
	work.finished = state_file ? on_pack : NULL;
	/* without a state nothing was left to be taken up */
	go_on = state.pending;
	casg_work_packw_apart(&work, into, go_on);
	before = list_before(&nbefore);
	r.planned = on_plan;
	r.to = work.store_apart;
	r.promised = casg_cli_promise_packs(work.promise);
	r.packs_dir = work.repo.packs_dir;
	r.stays = calloc(casg_store_npacks(work.store) + 1u, 1);
	if (!r.stays)
		casg_die("out of memory");
	r.packw = work.packw;
	r.pool = work.pool;
	r.coders = work.coders;
	r.ncoders = work.ncoders;
	r.versions = list;
	r.nversions = (uint32_t)all->n;
	r.blobs = all->maps;
	r.nblobs = all->nmaps;
	if (casg_repack(&r, &stats, &err))
		casg_work_die(&work, &err);
	print_packs(work.packw, before, nbefore);
	print_staying(r.stays);
	free(r.stays);
	casg_cli_state_close(&state);
	free(before);
	free(list);
	casg_grouping_free(r.groups.grouping);
	casg_grouping_free(r.groups.often);
	casg_cli_kin_close(&kin);
	casg_reads_free(reads);
}

static int run(int argc, char **argv)
{
	struct versions all = { .v = NULL };
	struct casg_err err = CASG_ERR_INIT;

	(void)argc;
	(void)argv;
	if (apart_arg && not_file)
		casg_usage_die("--apart-before does not go with --not");
	if (apart_arg && casg_time_parse_user(apart_arg, &apart, &err))
		casg_usage_die("bad value '%s' of --apart-before: %s", apart_arg, err.msg);
	if (there_dir && !not_file)
		casg_usage_die("--there needs --not");
	if (resume && !state_file)
		casg_usage_die("--resume needs --state");
	if (state_file && (!into || not_file))
		casg_usage_die("--state needs --into, and does not go with --not");
	if (reads_file && not_file)
		casg_usage_die("--reads does not go with --not");
	casg_work_open(&work, threads, memory, (uint64_t)32 << 20);
	read_versions(&all, 0);
	if (not_file)
		pack_more(&all);
	else
		pack_all(&all);
	release_versions(&all);
	casg_work_close(&work);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-pack-versions", usage, opts, 0, 0, run };
