/* casg-copy-pack - copy packs from storages to another */
#include <stdlib.h>
#include <unistd.h>

#include "array.h"
#include "cli.h"
#include "clipacksend.h"
#include "clirepo.h"
#include "cliremote.h"
#include "packfetch.h"

static struct casg_strs from;
static const char *url;
static uint64_t jobs = 4;
static int quiet, show_progress = -1, dry_run;

static const char *const usage[] = {
	"[-q] [--progress] [--jobs=N] [-n] --from=URL... --url=URL <PACKS", NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_LIST, 0, "from", "URL", &from, "where they are; may be given several times" },
	{ CASG_OPT_STR, 0, "url", "URL", &url, "the storage that they go to" },
	{ CASG_OPT_U64, 0, "jobs", "N", &jobs, "packs at a time, 1 to 16; default 4" },
	{ CASG_OPT_FLAG, 'n', "dry-run", NULL, &dry_run, "ask what is there, copy nothing" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress, "progress also where there is no terminal" },
	{ .type = CASG_OPT_END }
};

static struct {
	struct casg_cli_pack *v;
	size_t n, cap;
	struct casg_repo repo;
} job;

static void add_pack(const struct casg_cli_pack_line *line)
{
	const struct casg_cli_pack p = { .id = line->id, .nbytes = line->nbytes };

	if (!p.nbytes)
		casg_die("bad line of standard input: the size of the pack is missing");
	if (CASG_GROW(job.v, job.n + 1, job.cap))
		casg_die("out of memory");
	job.v[job.n++] = p;
}

/* ---- one pack, by one worker ---- */

/* From whichever storage gives it whole, by a file of its own, to the other. */
static enum casg_packsend_outcome copy(struct casg_packsend *s, const struct casg_cli_pack *p)
{
	const struct casg_packfetch_opts o = {
		.tmp_dir = job.repo.tmp_dir, .max_open = 1, .open = casg_cli_remote_connect, .complain = casg_cli_remote_complain,
	};
	enum casg_packsend_outcome outcome = CASG_PACKSEND_FAILED;
	struct casg_packfetch *f = casg_packfetch_new(&o);
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid id;
	const char *path;
	uint64_t nbytes;
	int rc = f ? casg_packfetch_add(f, &p->id, p->nbytes, &err) : casg_err_nomem(&err);

	for (size_t i = 0; i < from.n && !rc && casg_packfetch_missing(f); i++)
		rc = casg_packfetch_from(f, from.v[i], &err);
	if (rc) {
		casg_error("%s", err.msg);
	} else if (casg_packfetch_get(f, 0, &id, &nbytes, &path) >= 0) {
		outcome = casg_packsend_file(s, &id, nbytes, path);
		/* what could not be sent is sent from here the next time */
		if (outcome != CASG_PACKSEND_FAILED)
			unlink(path);
	}
	casg_packfetch_free(f);
	return outcome;
}

static enum casg_packsend_outcome send(struct casg_packsend *s, size_t i)
{
	const enum casg_packsend_outcome o = casg_packsend_ask(s, &job.v[i].id, job.v[i].nbytes);

	return o == CASG_PACKSEND_LACKING && !dry_run ? copy(s, &job.v[i]) : o;
}

static int run(int argc, char **argv)
{
	const struct casg_cli_packsend how = {
		.url = url, .jobs = jobs, .doing = "copying", .done = "copied", .send = send,
		.show_progress = quiet || dry_run ? 0 : show_progress,
	};
	struct casg_err err = CASG_ERR_INIT;

	(void)argc;
	(void)argv;
	if (!from.n)
		casg_usage_die("--from is missing");
	casg_cli_packsend_usage(url, jobs);
	for (size_t i = 0; i < from.n; i++)
		if (casg_remote_scheme(from.v[i], &err) < 0)
			casg_usage_die("%s", err.msg);
	casg_cli_repo(&job.repo);
	casg_cli_remote_init(&job.repo);
	if (casg_repo_mkdirs(&job.repo, &err))
		casg_die_err(&err);
	casg_cli_each_pack(add_pack);
	casg_cli_packsend_run(&how, job.v, job.n);
	free(job.v);
	casg_repo_release(&job.repo);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-copy-pack", usage, opts, 0, 0, run };
