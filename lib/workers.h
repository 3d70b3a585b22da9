/*
 * workers - a small thread pool for batches of equal tasks.
 *
 * A pool of n has n workers: n - 1 threads, and the owner, who takes part
 * whenever it waits.  A task is told which worker runs it, 0 .. n-1 (the
 * owner is n - 1), and no two tasks run at once under the same number, so
 * scratch memory can be an array of n.  A pool of 1 has no threads: a job is
 * done within casg_workers_start.
 *
 * Results must not depend on which worker runs a task or in which order.
 * Handing out a task costs a lock, so a task should be worth some 20
 * microseconds or more.  Everything the owner wrote before start is visible
 * to the tasks, and everything tasks wrote is visible after wait.
 *
 * Threads: start, wait, run and free are called by one thread only, the
 * owner, and never from within a task.
 */
#ifndef CASG_WORKERS_H
#define CASG_WORKERS_H

#include <stddef.h>

#include "err.h"

struct casg_workers;

typedef void casg_task_fn(void *ctx, size_t task, int worker);

/* A batch under way.  Caller's memory; zero or uninitialised before start. */
struct casg_job {
	casg_task_fn *fn;
	void *ctx;
	size_t ntasks;
	size_t next;            /* first task not handed out */
	size_t ndone;
	struct casg_job *behind;/* in the queue, first in first out */
};

/* CPUs this process may run on (its affinity mask), at least 1. */
int casg_cpu_count(void);

/*
 * nthreads: workers in all, 1 or more; 0: casg_cpu_count().  NULL with err
 * filled when memory is short or a thread cannot be created.
 */
struct casg_workers *casg_workers_new(int nthreads, struct casg_err *err);

/* Joins the threads.  Every started job must have been waited for. */
void casg_workers_free(struct casg_workers *pool);

/* Number of workers n.  A NULL pool counts as a pool of 1, here and below. */
int casg_workers_count(const struct casg_workers *pool);

/* fn(ctx, 0 .. ntasks-1, worker), in any order; returns when all are done. */
void casg_workers_run(struct casg_workers *pool, size_t ntasks,
		      casg_task_fn *fn, void *ctx);

/*
 * The same, without waiting.  Several jobs may be outstanding; idle threads
 * take from the oldest first.  'job' must stay in place until waited for, and
 * each job must be waited for exactly once.
 */
void casg_workers_start(struct casg_workers *pool, struct casg_job *job,
			size_t ntasks, casg_task_fn *fn, void *ctx);

/* Help with this job until no task of it is left, then wait for the rest. */
void casg_workers_wait(struct casg_workers *pool, struct casg_job *job);

/* 1 if a wait for this job would return at once, else 0. */
int casg_workers_is_done(struct casg_workers *pool, struct casg_job *job);

#endif
