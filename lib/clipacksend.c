#include "clipacksend.h"

#include <pthread.h>
#include <stdlib.h>

#include "buf.h"
#include "cli.h"
#include "cliremote.h"
#include "workers.h"

static struct {
	const struct casg_cli_packsend *how;
	struct casg_cli_pack *packs;
	struct casg_packsend *senders[CASG_CLI_PACKSEND_JOBS]; /* one a worker */
	pthread_mutex_t lock;                                  /* of what follows */
	struct casg_progress *progress;
	uint64_t npacks, nbytes;
} job = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void count(uint64_t npacks, uint64_t nbytes)
{
	pthread_mutex_lock(&job.lock);
	job.npacks += npacks;
	job.nbytes += nbytes;
	casg_progress_update(job.progress, job.npacks, job.nbytes, 0);
	pthread_mutex_unlock(&job.lock);
}

static void progress(void *ctx, uint64_t nbytes)
{
	(void)ctx;
	count(0, nbytes);
}

static void task(void *ctx, size_t i, int worker)
{
	(void)ctx;
	job.packs[i].outcome = job.how->send(job.senders[worker], i);
	count(1, 0);
}

static void send_all(size_t n)
{
	const struct casg_packsend_opts o = {
		.url = job.how->url, .open = casg_cli_remote_connect, .complain = casg_cli_remote_complain,
		.progress = progress, .before = job.how->before,
	};
	const int njobs = (int)(job.how->jobs < n ? job.how->jobs : n);
	struct casg_err err = CASG_ERR_INIT;
	struct casg_workers *pool;

	for (int i = 0; i < njobs; i++) {
		job.senders[i] = casg_packsend_new(&o);
		if (!job.senders[i])
			casg_die("out of memory");
	}
	pool = casg_workers_new(njobs, &err);
	if (!pool)
		casg_die_err(&err);
	job.progress = casg_progress_start(job.how->doing, job.how->show_progress);
	casg_workers_run(pool, n, task, NULL);
	casg_progress_stop(job.progress);
	casg_workers_free(pool);
	for (int i = 0; i < njobs; i++)
		casg_packsend_free(job.senders[i]);
}

static void report(size_t n)
{
	static const char *const words[] = {
		[CASG_PACKSEND_THERE] = "there", [CASG_PACKSEND_LACKING] = "send",
		[CASG_PACKSEND_SENT] = "sent",
	};
	struct casg_buf b = CASG_BUF_INIT;
	char hex[CASG_OID_HEXSZ + 1];
	size_t failed = 0;

	for (size_t i = 0; i < n; i++) {
		const struct casg_cli_pack *p = &job.packs[i];

		casg_oid_hex(&p->id, hex);
		if (p->outcome == CASG_PACKSEND_FAILED) {
			casg_error("pack %s was not %s", hex, job.how->done);
			failed++;
		} else {
			casg_buf_addf(&b, "%s %s %llu\n", words[p->outcome], hex,
				      (unsigned long long)p->nbytes);
		}
	}
	if (b.failed)
		casg_die("out of memory");
	if (b.len)
		casg_out(b.data, b.len);
	casg_buf_release(&b);
	if (failed) {
		casg_out_flush();
		casg_die("%zu of %zu packs could not be %s", failed, n, job.how->done);
	}
}

void casg_cli_packsend_usage(const char *url, uint64_t jobs)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!url)
		casg_usage_die("--url is missing");
	if (!jobs || jobs > CASG_CLI_PACKSEND_JOBS)
		casg_usage_die("bad value of --jobs: wanted 1 to %d", CASG_CLI_PACKSEND_JOBS);
	if (casg_remote_scheme(url, &err) < 0)
		casg_usage_die("%s", err.msg);
}

void casg_cli_packsend_run(const struct casg_cli_packsend *how, struct casg_cli_pack *packs,
			   size_t n)
{
	job.how = how;
	job.packs = packs;
	if (n)
		send_all(n);
	report(n);
}
