#include "workers.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct thread {
	pthread_t id;
	struct casg_workers *pool;
	int number;
};

/*
 * One lock guards the queue and the fields of every job in it.  The queue
 * holds jobs that have tasks not yet handed out; who hands out the last task
 * takes the job off.
 */
struct casg_workers {
	pthread_mutex_t lock;
	pthread_cond_t work;    /* there is something to hand out, or stop */
	pthread_cond_t done;    /* some job is done */
	struct casg_job *first, *last;
	int stop;
	int nthreads;           /* threads created, workers less one */
	struct thread *threads;
};

int casg_cpu_count(void)
{
	cpu_set_t set;
	long n;

	CPU_ZERO(&set);
	if (!sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) > 0)
		return CPU_COUNT(&set);
	n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 && n < 1 << 20 ? (int)n : 1;
}

static void unqueue(struct casg_workers *pool, struct casg_job *job)
{
	struct casg_job **pp = &pool->first, *before = NULL;

	while (*pp != job) {
		before = *pp;
		pp = &before->behind;
	}
	*pp = job->behind;
	if (pool->last == job)
		pool->last = before;
}

/* Do the next task of a queued job; the lock is held on entry and exit. */
static void do_task(struct casg_workers *pool, struct casg_job *job, int number)
{
	size_t task = job->next++;

	if (job->next == job->ntasks)
		unqueue(pool, job);
	pthread_mutex_unlock(&pool->lock);
	job->fn(job->ctx, task, number);
	pthread_mutex_lock(&pool->lock);
	/* the job's memory may be gone as soon as its waiter sees the last one */
	if (++job->ndone == job->ntasks)
		pthread_cond_broadcast(&pool->done);
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	struct casg_workers *pool = t->pool;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		if (pool->first)
			do_task(pool, pool->first, t->number);
		else if (pool->stop)
			break;
		else
			pthread_cond_wait(&pool->work, &pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Signals are for the program's own thread, whose handlers clean up. */
static int create_threads(struct casg_workers *pool, int n)
{
	sigset_t all, old;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (int i = 0; !rc && i < n; i++) {
		struct thread *t = &pool->threads[i];

		t->pool = pool;
		t->number = i;
		rc = pthread_create(&t->id, NULL, thread_main, t);
		if (!rc)
			pool->nthreads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

struct casg_workers *casg_workers_new(int nthreads, struct casg_err *err)
{
	struct casg_workers *pool;
	int rc;

	if (nthreads < 0) {
		casg_err_set(err, CASG_EBUG, "a pool of %d workers", nthreads);
		return NULL;
	}
	if (!nthreads)
		nthreads = casg_cpu_count();
	pool = calloc(1, sizeof(*pool));
	if (pool)
		pool->threads = calloc((size_t)nthreads, sizeof(*pool->threads));
	if (!pool || !pool->threads) {
		free(pool);
		casg_err_nomem(err);
		return NULL;
	}
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->done, NULL);
	rc = create_threads(pool, nthreads - 1);
	if (rc) {
		casg_workers_free(pool);
		casg_err_sys(err, rc, "cannot create %d threads", nthreads - 1);
		return NULL;
	}
	return pool;
}

void casg_workers_free(struct casg_workers *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stop = 1;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (int i = 0; i < pool->nthreads; i++)
		pthread_join(pool->threads[i].id, NULL);
	pthread_cond_destroy(&pool->done);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool->threads);
	free(pool);
}

int casg_workers_count(const struct casg_workers *pool)
{
	return pool ? pool->nthreads + 1 : 1;
}

void casg_workers_start(struct casg_workers *pool, struct casg_job *job,
			size_t ntasks, casg_task_fn *fn, void *ctx)
{
	*job = (struct casg_job){ .fn = fn, .ctx = ctx, .ntasks = ntasks };
	if (!pool || !pool->nthreads) {
		for (; job->next < ntasks; job->next++)
			fn(ctx, job->next, 0);
		job->ndone = ntasks;
		return;
	}
	if (!ntasks)
		return;
	pthread_mutex_lock(&pool->lock);
	if (pool->last)
		pool->last->behind = job;
	else
		pool->first = job;
	pool->last = job;
	if (ntasks > 1)
		pthread_cond_broadcast(&pool->work);
	else
		pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
}

void casg_workers_wait(struct casg_workers *pool, struct casg_job *job)
{
	if (!pool || !pool->nthreads)
		return;
	pthread_mutex_lock(&pool->lock);
	while (job->next < job->ntasks)
		do_task(pool, job, pool->nthreads);
	while (job->ndone < job->ntasks)
		pthread_cond_wait(&pool->done, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

int casg_workers_is_done(struct casg_workers *pool, struct casg_job *job)
{
	int done;

	if (!pool || !pool->nthreads)
		return 1;
	pthread_mutex_lock(&pool->lock);
	done = job->ndone == job->ntasks;
	pthread_mutex_unlock(&pool->lock);
	return done;
}

void casg_workers_run(struct casg_workers *pool, size_t ntasks,
		      casg_task_fn *fn, void *ctx)
{
	struct casg_job job;

	casg_workers_start(pool, &job, ntasks, fn, ctx);
	casg_workers_wait(pool, &job);
}
