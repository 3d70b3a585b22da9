#include "workers.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"

#define NTASKS 5000

struct work {
	int nworkers;
	atomic_int times[NTASKS];
	atomic_int busy[64];
	atomic_int clash;
	uint64_t scratch[64];   /* not atomic on purpose: one worker a number */
	uint64_t input[NTASKS], output[NTASKS];
	int *order;             /* serial pools only */
	int norder;
};

static void task(void *ctx, size_t i, int worker)
{
	struct work *w = ctx;

	if (worker < 0 || worker >= w->nworkers || atomic_exchange(&w->busy[worker], 1))
		w->clash++;
	w->times[i]++;
	w->scratch[worker] += w->input[i];
	w->output[i] = w->input[i] * 2;
	w->busy[worker] = 0;
}

static struct work *new_work(int nworkers)
{
	struct work *w = calloc(1, sizeof(*w));

	w->nworkers = nworkers;
	for (size_t i = 0; i < NTASKS; i++)
		w->input[i] = i * i;
	return w;
}

static int right(const struct work *w, size_t n)
{
	uint64_t sum = 0, want = 0;
	int bad = w->clash;

	for (size_t i = 0; i < n; i++) {
		bad += w->times[i] != 1 || w->output[i] != 2 * w->input[i];
		want += w->input[i];
	}
	for (int i = 0; i < 64; i++)
		sum += w->scratch[i];
	return !bad && sum == want;
}

static void test_pool(int n)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_workers *pool = casg_workers_new(n, &err);
	struct casg_job job[20];
	struct work *w[20];
	int bad = 0;

	is_int(casg_workers_count(pool), n, "pool of %d", n);
	w[0] = new_work(n);
	casg_workers_run(pool, NTASKS, task, w[0]);
	ok(right(w[0], NTASKS), "every task once, numbers unshared, results seen");
	free(w[0]);
	casg_workers_run(pool, 0, task, NULL);
	ok(1, "no tasks");

	for (int i = 0; i < 20; i++) {
		w[i] = new_work(n);
		casg_workers_start(pool, &job[i], (size_t)(i * 13), task, w[i]);
	}
	for (int i = 0; i < 20; i++) {
		/* neither first in first out nor the reverse */
		int j = i * 7 % 20;

		casg_workers_wait(pool, &job[j]);
		bad += !casg_workers_is_done(pool, &job[j]) || !right(w[j], (size_t)(j * 13));
		free(w[j]);
	}
	is_int(bad, 0, "20 jobs outstanding, waited for in some order");
	casg_workers_free(pool);
}

static void slow_task(void *ctx, size_t i, int worker)
{
	(void)i;
	(void)worker;
	usleep(1000);
	++*(atomic_int *)ctx;
}

static void note_task(void *ctx, size_t i, int worker)
{
	int *order = ctx;

	(void)worker;
	order[++order[0]] = (int)i;
}

static void test_edges(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_workers *pool;
	struct casg_job job;
	int order[8] = { 0 };
	atomic_int n = 0;

	is_int(casg_workers_count(NULL), 1, "no pool is a pool of one");
	casg_workers_run(NULL, 5, note_task, order);
	ok(order[0] == 5 && order[1] == 0 && order[5] == 4, "which works in order");
	casg_workers_start(NULL, &job, 2, note_task, order);
	is_int(order[0], 7, "and at once");
	is_int(casg_workers_is_done(NULL, &job), 1, "so it is done");
	casg_workers_wait(NULL, &job);
	casg_workers_free(NULL);
	ok(casg_cpu_count() >= 1, "there is a CPU");
	ok(!casg_workers_new(-1, &err) && err.code == CASG_EBUG, "a pool of -1");
	pool = casg_workers_new(0, &err);
	is_int(casg_workers_count(pool), casg_cpu_count(), "a pool of all CPUs");
	casg_workers_free(pool);

	pool = casg_workers_new(3, &err);
	casg_workers_start(pool, &job, 50, slow_task, &n);
	casg_workers_wait(pool, &job);
	is_int(n, 50, "wait waits for tasks under way");
	for (int i = 0; i < 200; i++) {
		casg_workers_start(pool, &job, 1, slow_task, &n);
		casg_workers_wait(pool, &job);
		i += 19;
	}
	is_int(n, 60, "jobs of one task");
	casg_workers_free(pool);
}

int main(void)
{
	test_pool(1);
	test_pool(2);
	test_pool(4);
	test_pool(7);
	test_edges();
	return done_testing();
}
