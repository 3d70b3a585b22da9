/* casg-send-pack - store packs in a storage */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "cli.h"
#include "clipack.h"
#include "cliremote.h"
#include "io.h"
#include "lines.h"
#include "oidset.h"
#include "workers.h"

/* Up to here a pack is sent unasked: put-new says if it is there. */
#define SMALL ((uint64_t)4 << 20)
#define TRIES 3
#define MAX_JOBS 16

static const char *url;
static uint64_t jobs = 4;
static int quiet, show_progress = -1, dry_run;

static const char *const usage[] = {
	"[-q] [--progress] [--jobs=N] [-n] --url=URL <PACKS", NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "url", "URL", &url, "the storage" },
	{ CASG_OPT_U64, 0, "jobs", "N", &jobs, "packs at a time, 1 to 16; default 4" },
	{ CASG_OPT_FLAG, 'n', "dry-run", NULL, &dry_run, "ask what is there, send nothing" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress, "progress also where there is no terminal" },
	{ .type = CASG_OPT_END }
};

enum outcome { OPEN, THERE, SENT, FAILED };

struct pack {
	struct casg_oid id;
	char name[32 + CASG_OID_HEXSZ];
	char *path;
	uint64_t nbytes;
	enum outcome outcome;
	/* while it is being sent */
	int fd;
	uint64_t at;
	int read_error;
};

static struct {
	struct pack *v;
	size_t n, cap;
	struct casg_remote *remotes[MAX_JOBS]; /* one a worker */
	pthread_mutex_t lock;                  /* of what follows */
	struct casg_progress *progress;
	uint64_t npacks, nbytes;
} job = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- input ---- */

static void add_pack(struct casg_packtool *tool, const char *line, size_t n)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct pack p = { .fd = -1 };
	struct stat st;
	uint32_t i;

	if (n < CASG_OID_HEXSZ || casg_oid_parse(&p.id, line, CASG_OID_HEXSZ) ||
	    (n > CASG_OID_HEXSZ && line[CASG_OID_HEXSZ] != ' '))
		casg_die("bad line of standard input: not '<pack id> ...'");
	casg_oid_hex(&p.id, hex);
	if (!casg_store_find_pack(tool->store, &p.id, &i))
		casg_die("pack %s is not in this repository", hex);
	p.path = strdup(casg_store_pack_path(tool->store, i));
	if (!p.path || CASG_GROW(job.v, job.n + 1, job.cap))
		casg_die("out of memory");
	if (stat(p.path, &st))
		casg_die("cannot read '%s': %s", p.path, strerror(errno));
	p.nbytes = (uint64_t)st.st_size;
	snprintf(p.name, sizeof(p.name), "packs/pack-%s.pack", hex);
	job.v[job.n++] = p;
}

static void read_packs(struct casg_packtool *tool)
{
	struct casg_lines *l = casg_lines_open(0, '\n');
	struct casg_oidset seen = CASG_OIDSET_INIT;
	struct casg_err err = CASG_ERR_INIT;
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		add_pack(tool, line, n);
		rc = casg_oidset_add(&seen, &job.v[job.n - 1].id, &err);
		if (rc < 0)
			break;
		if (!rc)
			free(job.v[--job.n].path);
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_oidset_release(&seen);
	casg_lines_close(l);
}

/* ---- one pack, by one worker ---- */

static void complain(const char *shown, const struct pack *p, const char *what)
{
	char hex[CASG_OID_HEXSZ + 1];

	casg_cli_remote_warn(shown, "pack %s: %s", casg_oid_hex(&p->id, hex), what);
}

static int source(void *ctx, uint8_t *buf, size_t n)
{
	struct pack *p = ctx;
	struct casg_err err = CASG_ERR_INIT;
	size_t got;

	if (casg_pread_full(p->fd, buf, n, p->at, &got, &err) || got < n) {
		p->read_error = 1;
		return -1;
	}
	p->at += n;
	pthread_mutex_lock(&job.lock);
	job.nbytes += n;
	casg_progress_update(job.progress, job.npacks, job.nbytes, 0);
	pthread_mutex_unlock(&job.lock);
	return 0;
}

struct answer {
	enum casg_remote_kind kind;
	enum casg_remote_class class;
	char message[CASG_REMOTE_MESSAGE_MAX + 1];
};

struct sending {
	struct pack *pack;
	struct answer *answer;
};

static int sending_source(void *ctx, uint8_t *buf, size_t n)
{
	return source(((struct sending *)ctx)->pack, buf, n);
}

static void sending_done(void *ctx, const struct casg_remote_reply *reply)
{
	struct answer *a = ((struct sending *)ctx)->answer;

	a->kind = reply->kind;
	a->class = reply->class;
	snprintf(a->message, sizeof(a->message), "%s", reply->message ? reply->message : "");
}

/* Is it there, as long as it must be?  1, 0, or -1 when it has been said why not. */
static int is_there(struct casg_remote *r, struct pack *p)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_remote_result got;
	char what[128];

	if (casg_remote_have(r, p->name, &got, &err)) {
		complain(casg_remote_shown(r), p, got.message);
		return -1;
	}
	if (got.kind == CASG_ANSWER_NO)
		return 0;
	if (got.nbytes == p->nbytes)
		return 1;
	snprintf(what, sizeof(what), "what is there has %llu bytes, not %llu",
		 (unsigned long long)got.nbytes, (unsigned long long)p->nbytes);
	complain(casg_remote_shown(r), p, what);
	return -1;
}

/* Send it once. */
static void send_once(struct casg_remote *r, struct pack *p, struct answer *a)
{
	struct sending s = { p, a };
	struct casg_err err = CASG_ERR_INIT;
	const struct casg_remote_ask ask = {
		.op = casg_remote_cans(r) & CASG_CAN_PUT_NEW ? CASG_REMOTE_PUT_NEW : CASG_REMOTE_PUT,
		.name = p->name, .nbytes = p->nbytes, .sha256 = &p->id, .ctx = &s,
		.source = sending_source, .done = sending_done,
	};

	p->at = 0;
	if (casg_remote_ask(r, &ask, &err)) {
		a->kind = CASG_ANSWER_ERROR;
		a->class = CASG_REMOTE_REFUSED;
		snprintf(a->message, sizeof(a->message), "%s", err.msg);
		return;
	}
	casg_remote_wait(r, 0);
}

/* The helper of a worker; another one when it has broken.  NULL: it has been said. */
static struct casg_remote *remote_of(int worker)
{
	struct casg_remote **r = &job.remotes[worker];
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf shown = CASG_BUF_INIT;

	if (*r && casg_remote_is_dead(*r)) {
		casg_remote_close(*r);
		*r = NULL;
	}
	if (!*r && casg_cli_remote_open(r, url, 1, &err)) {
		casg_remote_mask(&shown, url);
		casg_cli_remote_warn(casg_buf_cstr(&shown), "%s", err.msg);
		casg_buf_release(&shown);
	}
	return *r;
}

static enum outcome send_pack(int worker, struct pack *p)
{
	struct casg_remote *r = remote_of(worker);
	struct answer a = { .kind = CASG_ANSWER_ERROR };
	int there = 0;

	if (!r)
		return FAILED;
	if (dry_run || p->nbytes > SMALL || !(casg_remote_cans(r) & CASG_CAN_PUT_NEW))
		there = is_there(r, p);
	if (there || dry_run)
		return there < 0 ? FAILED : there ? THERE : SENT;
	p->fd = open(p->path, O_RDONLY | O_CLOEXEC);
	if (p->fd < 0) {
		casg_error("cannot open '%s': %s", p->path, strerror(errno));
		return FAILED;
	}
	for (unsigned tries = 0; tries < TRIES && (r = remote_of(worker)); tries++) {
		struct timespec pause = { .tv_sec = tries / 2, .tv_nsec = tries % 2 * 500000000 };

		if (tries)
			nanosleep(&pause, NULL);
		send_once(r, p, &a);
		if (a.kind != CASG_ANSWER_ERROR || a.class != CASG_REMOTE_RETRY ||
		    casg_remote_timed_out(r))
			break;
	}
	close(p->fd);
	if (!r)
		return FAILED;
	if (a.kind == CASG_ANSWER_DONE)
		return SENT;
	if (a.kind == CASG_ANSWER_EXISTS)
		return is_there(r, p) == 1 ? THERE : FAILED;
	if (p->read_error)
		casg_error("cannot read '%s'", p->path);
	complain(casg_remote_shown(r), p, a.message);
	return FAILED;
}

static void task(void *ctx, size_t i, int worker)
{
	(void)ctx;
	job.v[i].outcome = send_pack(worker, &job.v[i]);
	pthread_mutex_lock(&job.lock);
	job.npacks++;
	casg_progress_update(job.progress, job.npacks, job.nbytes, 0);
	pthread_mutex_unlock(&job.lock);
}

/* ---- all of them ---- */

static void send_all(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_workers *pool;

	if (jobs > job.n)
		jobs = job.n ? job.n : 1;
	pool = casg_workers_new((int)jobs, &err);
	if (!pool)
		casg_die_err(&err);
	job.progress = casg_progress_start("sending", quiet || dry_run ? 0 : show_progress);
	casg_workers_run(pool, job.n, task, NULL);
	casg_progress_stop(job.progress);
	casg_workers_free(pool);
	for (int i = 0; i < MAX_JOBS; i++)
		casg_remote_close(job.remotes[i]);
}

static void report(void)
{
	static const char *const words[] = { [THERE] = "there", [SENT] = "sent" };
	struct casg_buf b = CASG_BUF_INIT;
	char hex[CASG_OID_HEXSZ + 1];
	size_t failed = 0;

	for (size_t i = 0; i < job.n; i++) {
		const struct pack *p = &job.v[i];

		casg_oid_hex(&p->id, hex);
		if (p->outcome == FAILED) {
			casg_error("pack %s was not stored", hex);
			failed++;
		} else {
			casg_buf_addf(&b, "%s %s %llu\n",
				      p->outcome == SENT && dry_run ? "send" : words[p->outcome],
				      hex, (unsigned long long)p->nbytes);
		}
	}
	if (b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
	if (failed) {
		casg_out_flush();
		casg_die("%zu of %zu packs could not be stored", failed, job.n);
	}
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_packtool tool;

	(void)argc;
	(void)argv;
	if (!url)
		casg_usage_die("--url is missing");
	if (!jobs || jobs > MAX_JOBS)
		casg_usage_die("bad value of --jobs: wanted 1 to %d", MAX_JOBS);
	if (casg_remote_scheme(url, &err) < 0)
		casg_usage_die("%s", err.msg);
	casg_packtool_open(&tool, "1", NULL);
	if (!tool.in_repo)
		casg_die("not in a casg repository");
	casg_cli_remote_init(&tool.repo);
	read_packs(&tool);
	send_all();
	report();
	for (size_t i = 0; i < job.n; i++)
		free(job.v[i].path);
	free(job.v);
	casg_packtool_close(&tool);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-send-pack", usage, opts, 0, 0, run };
