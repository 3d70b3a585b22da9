/* casg-fetch-pack - get packs from storages */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "cli.h"
#include "cliindex.h"
#include "clipack.h"
#include "cliremote.h"
#include "packfetch.h"
#include "packfiles.h"

/* Packs that have a file open at the same time. */
#define BATCH 128

static struct casg_strs urls;
static const char *threads;
static uint64_t jobs = 8;
static int quiet, show_progress = -1;

static const char *const usage[] = {
	"[-q] [--progress] [--jobs=N] [--threads=N] --url=URL... <PACKS", NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_LIST, 0, "url", "URL", &urls, "a storage to ask; may be given several times" },
	{ CASG_OPT_U64, 0, "jobs", "N", &jobs, "packs at a time, 1 to 64; default 8" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers that check; 0: one a processor" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress, "progress also where there is no terminal" },
	{ .type = CASG_OPT_END }
};

static struct casg_packtool tool;

enum state {
	WANTED,
	LATER,  /* it is there, but refers to packs that are not */
	HAD,    /* in place */
	ABSENT, /* no storage gives it */
	BAD     /* what is published under its name is no good pack */
};

struct wanted {
	struct casg_oid id;
	uint64_t nbytes;  /* 0: not known */
	enum state state;
};

static struct {
	struct wanted *v;
	size_t n, cap;
	size_t url;             /* that is being asked */
	unsigned char *useless; /* which URLs are */
	size_t batch[BATCH];    /* indexes of v */
	struct casg_progress *progress;
	uint64_t nbytes, npacks;
} job;

/* ---- input ---- */

/* Here already, or brought back from quarantine? */
static int is_here(const struct casg_oid *id)
{
	struct casg_err err = CASG_ERR_INIT;
	uint32_t pack;

	if (!casg_store_find_pack(tool.store, id, &pack) || casg_store_promised(tool.store, pack))
		return 0;
	if (casg_store_borrowed(tool.store, pack) || !casg_store_settle(tool.store, pack, &err))
		return 1;
	if (err.code != CASG_EABSENT)
		casg_die_err(&err);
	return 0;
}

static void add_wanted(const struct casg_cli_pack_line *line)
{
	const struct wanted w = { .id = line->id, .nbytes = line->nbytes, .state = WANTED };

	if (is_here(&w.id))
		return;
	if (CASG_GROW(job.v, job.n + 1, job.cap))
		casg_die("out of memory");
	job.v[job.n++] = w;
}

/* ---- getting ---- */

static int open_remote(void *ctx, const char *url, struct casg_remote **out, struct casg_err *err)
{
	(void)ctx;
	return casg_cli_remote_open(out, url, (unsigned)jobs, err);
}

static void complain(void *ctx, const char *shown, const struct casg_oid *pack, const char *what)
{
	casg_cli_remote_complain(ctx, shown, pack, what);
	if (!pack)
		job.useless[job.url] = 1;
}

static void progress(void *ctx, uint64_t nbytes)
{
	(void)ctx;
	job.nbytes += nbytes;
	casg_progress_update(job.progress, job.npacks, job.nbytes, 0);
}

/* ---- into place ---- */

static void install(struct casg_packfetch *f, size_t i, struct casg_packwalk *w, uint64_t nbytes)
{
	char *pack = casg_packfiles_path(tool.repo.packs_dir, &w->id, "pack");
	char *idx = casg_packfiles_path(tool.repo.packs_dir, &w->id, "idx");
	struct casg_buf line = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	if (!pack || !idx)
		casg_die("out of memory");
	/* the index first: a pack that can be seen has one */
	casg_cli_write_index(w, idx);
	if (casg_packfetch_commit(f, i, pack, &err) ||
	    casg_store_add_pack(tool.store, &w->id, &err))
		casg_die_err(&err);
	casg_oid_addhex(&line, &w->id);
	casg_buf_addf(&line, " %llu\n", (unsigned long long)nbytes);
	casg_out(line.data, line.len);
	casg_out_flush();
	casg_buf_release(&line);
	free(pack);
	free(idx);
	job.npacks++;
}

/* 1 when it is in place now. */
static int index_one(struct casg_packfetch *f, size_t i)
{
	struct wanted *wanted = &job.v[job.batch[i]];
	struct casg_packwalk *w;
	struct casg_oid id;
	const char *path;
	uint64_t nbytes;
	int fd = casg_packfetch_get(f, i, &id, &nbytes, &path);

	if (fd < 0 || wanted->state == HAD || wanted->state == BAD)
		return 0;
	switch (casg_cli_check_pack(&tool, fd, path, &id, 1, 0, &w)) {
	case CASG_INDEX_GOOD:
		install(f, i, w, nbytes);
		casg_packwalk_close(w);
		wanted->state = HAD;
		return 1;
	case CASG_INDEX_BAD:
		wanted->state = BAD;
		return 0;
	default:
		wanted->state = LATER;
		return 0;
	}
}

/* All of a batch that can be; those that refer to others may have to wait. */
static size_t index_batch(struct casg_packfetch *f)
{
	size_t all = 0, now;

	do {
		now = 0;
		for (size_t i = 0; i < casg_packfetch_count(f); i++)
			now += (size_t)index_one(f, i);
		all += now;
	} while (now);
	for (size_t i = 0; i < casg_packfetch_count(f); i++)
		if (job.v[job.batch[i]].state == WANTED)
			job.v[job.batch[i]].state = ABSENT;
	return all;
}

/* Those of a state, from *at on: how many were put into place; *at goes on. */
static size_t fetch_batch(enum state state, size_t *at)
{
	const struct casg_packfetch_opts o = {
		.tmp_dir = tool.repo.tmp_dir, .max_open = (unsigned)jobs, .open = open_remote,
		.complain = complain, .progress = progress,
	};
	struct casg_packfetch *f = casg_packfetch_new(&o);
	struct casg_err err = CASG_ERR_INIT;
	size_t n = 0;

	if (!f)
		casg_die("out of memory");
	for (; *at < job.n && n < BATCH; ++*at) {
		const struct wanted *w = &job.v[*at];

		if (w->state != state)
			continue;
		if (casg_packfetch_add(f, &w->id, w->nbytes, &err))
			casg_die_err(&err);
		job.batch[n++] = *at;
	}
	for (job.url = 0; job.url < urls.n && casg_packfetch_missing(f); job.url++)
		if (!job.useless[job.url] && casg_packfetch_from(f, urls.v[job.url], &err))
			casg_die_err(&err);
	n = index_batch(f);
	casg_packfetch_free(f);
	return n;
}

static size_t fetch_round(enum state state)
{
	size_t placed = 0, at = 0;

	while (at < job.n)
		placed += fetch_batch(state, &at);
	return placed;
}

/* Packs refer to one another across batches, too. */
static void fetch_all(void)
{
	if (fetch_round(WANTED))
		while (job.n > BATCH && fetch_round(LATER))
			;
}

/* ---- the end ---- */

static void report(void)
{
	static const char *const why[] = {
		[WANTED] = "cannot be had", [ABSENT] = "cannot be had",
		[LATER] = "refers to what no pack here holds",
		[BAD] = "is no good pack, as it was published",
	};
	char hex[CASG_OID_HEXSZ + 1];
	size_t missing = 0;

	for (size_t i = 0; i < job.n; i++)
		if (job.v[i].state != HAD) {
			casg_error("pack %s %s", casg_oid_hex(&job.v[i].id, hex),
				   why[job.v[i].state]);
			missing++;
		}
	if (missing)
		casg_die("%zu of %zu packs could not be fetched", missing, job.n);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;

	(void)argc;
	(void)argv;
	casg_cli_remote_usage(&urls, jobs);
	casg_packtool_open(&tool, threads, NULL);
	if (!tool.in_repo)
		casg_die("not in a casg repository");
	casg_cli_remote_init(&tool.repo);
	atexit(casg_cli_index_abandon);
	if (casg_repo_mkdirs(&tool.repo, &err))
		casg_die_err(&err);
	casg_cli_each_pack(add_wanted);
	job.useless = calloc(urls.n, 1);
	if (!job.useless)
		casg_die("out of memory");
	job.progress = casg_progress_start("fetching", quiet ? 0 : show_progress);
	fetch_all();
	casg_progress_stop(job.progress);
	report();
	casg_packtool_close(&tool);
	free(job.useless);
	free(job.v);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-fetch-pack", usage, opts, 0, 0, run };
