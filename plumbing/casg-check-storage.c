/* casg-check-storage - which storages hold a good copy of packs */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "cliremote.h"
#include "oid.h"
#include "packfetch.h"

static struct casg_strs urls;
static uint64_t jobs = 8;
static uint64_t copies;
static int quick;
static int show_progress = -1, quiet;

static const char *const usage[] = {
	"[-q] [--progress] [--quick] [--copies=N] [--jobs=N] --url=URL... <PACKS", NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_LIST, 0, "url", "URL", &urls, "a storage to ask; may be given several times" },
	{ CASG_OPT_FLAG, 0, "quick", NULL, &quick, "compare sizes only, read nothing" },
	{ CASG_OPT_U64, 0, "copies", "N", &copies, "good copies that each pack should have" },
	{ CASG_OPT_U64, 0, "jobs", "N", &jobs, "packs at a time, 1 to 64; default 8" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress, "progress also where there is no terminal" },
	{ .type = CASG_OPT_END }
};

struct wanted {
	struct casg_oid id;
	uint64_t nbytes; /* 0: not known */
	uint64_t good;   /* copies */
};

static struct {
	struct wanted *v;
	size_t n, cap;
	int all_good;
	const char *shown; /* the storage that is asked */
	struct casg_progress *progress;
	uint64_t nbytes, npacks;
} job = { .all_good = 1 };

/* One pack, while it is asked for. */
struct copy {
	struct wanted *w;
	struct casg_hasher *hasher;
	uint64_t nbytes;
};

static void add_wanted(const struct casg_cli_pack_line *line)
{
	const struct wanted w = { .id = line->id, .nbytes = line->nbytes };

	if (CASG_GROW(job.v, job.n + 1, job.cap))
		casg_die("out of memory");
	job.v[job.n++] = w;
}

/* A line for this pack at the storage that is asked. */
static void tell(struct wanted *w, const char *what)
{
	struct casg_buf line = CASG_BUF_INIT;

	casg_oid_addhex(&line, &w->id);
	casg_buf_addf(&line, "\t%s\t%s\n", what, job.shown);
	casg_out(line.data, line.len);
	casg_out_flush();
	casg_buf_release(&line);
	if (!strcmp(what, "good"))
		w->good++;
	else
		job.all_good = 0;
	casg_progress_update(job.progress, ++job.npacks, job.nbytes, 0);
}

static int sink(void *ctx, const uint8_t *p, size_t n)
{
	struct copy *c = ctx;

	casg_hasher_update(c->hasher, p, n);
	c->nbytes += n;
	job.nbytes += n;
	return 0;
}

static void done(void *ctx, const struct casg_remote_reply *reply)
{
	struct copy *c = ctx;
	struct casg_oid id;

	switch (reply->kind) {
	case CASG_ANSWER_NO:
		tell(c->w, "absent");
		break;
	case CASG_ANSWER_YES:
		tell(c->w, c->w->nbytes && reply->nbytes != c->w->nbytes ? "wrong" : "good");
		break;
	case CASG_ANSWER_DONE:
		casg_hasher_final(c->hasher, &id);
		tell(c->w, casg_oid_cmp(&id, &c->w->id) ? "wrong" : "good");
		break;
	default:
		casg_cli_remote_warn(job.shown, "%s", reply->message ? reply->message : "no answer");
		tell(c->w, "unreadable");
	}
	casg_hasher_free(c->hasher);
	free(c);
}

static void ask(struct casg_remote *r, struct wanted *w)
{
	struct casg_err err = CASG_ERR_INIT;
	struct copy *c = calloc(1, sizeof(*c));
	char name[sizeof("packs/pack-.pack") + CASG_OID_HEXSZ], hex[CASG_OID_HEXSZ + 1];
	struct casg_remote_ask a = {
		.op = quick ? CASG_REMOTE_HAVE : CASG_REMOTE_GET, .name = name,
		/* what is too long is wrong, what never ends a broken storage */
		.max_nbytes = w->nbytes ? 2 * w->nbytes + (1 << 20) : CASG_PACKFETCH_MAX,
		.ctx = c, .sink = sink, .done = done,
	};

	if (!c)
		casg_die("out of memory");
	c->w = w;
	c->hasher = casg_hasher_new();
	if (!c->hasher)
		casg_die("out of memory");
	casg_hasher_init(c->hasher);
	snprintf(name, sizeof(name), "packs/pack-%s.pack", casg_oid_hex(&w->id, hex));
	if (casg_remote_ask(r, &a, &err))
		casg_die_err(&err);
}

static void check_storage(const char *url)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_remote *r;

	if (casg_cli_remote_open(&r, url, (unsigned)jobs, &err)) {
		struct casg_buf shown = CASG_BUF_INIT;

		casg_remote_mask(&shown, url);
		job.shown = casg_buf_cstr(&shown);
		if (shown.failed)
			casg_die("out of memory");
		casg_cli_remote_warn(job.shown, "%s", err.msg);
		for (size_t i = 0; i < job.n; i++)
			tell(&job.v[i], "unreadable");
		casg_buf_release(&shown);
		return;
	}
	job.shown = casg_remote_shown(r);
	for (size_t i = 0; i < job.n; i++)
		ask(r, &job.v[i]);
	casg_remote_wait(r, 0);
	casg_remote_close(r);
}

/* Are there as many good copies of each as there should be? */
static int enough(void)
{
	int yes = 1;

	for (size_t i = 0; i < job.n; i++)
		if (job.v[i].good < copies) {
			char hex[CASG_OID_HEXSZ + 1];

			casg_error("pack %s has %llu good copies", casg_oid_hex(&job.v[i].id, hex),
				   (unsigned long long)job.v[i].good);
			yes = 0;
		}
	return yes;
}

static int run(int argc, char **argv)
{
	struct casg_repo repo;

	(void)argc;
	(void)argv;
	casg_cli_remote_usage(&urls, jobs);
	casg_cli_repo(&repo);
	casg_cli_remote_init(&repo);
	casg_cli_each_pack(add_wanted);
	job.progress = casg_progress_start("checking", quiet ? 0 : show_progress);
	for (size_t i = 0; i < urls.n; i++)
		check_storage(urls.v[i]);
	casg_progress_stop(job.progress);
	casg_repo_release(&repo);
	return (copies ? enough() : job.all_good) ? CASG_EXIT_YES : CASG_EXIT_NO;
}

const struct casg_cmd casg_cmd = { "casg-check-storage", usage, opts, 0, 0, run };
