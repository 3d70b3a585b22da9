#include "locinfo.h"

#include <stdlib.h>

#include "treer.h"

enum { WINDOW = 32768 };

struct job {
	struct casg_store *s;
	struct casg_coder **coders;
	const char *locs;
	size_t stride;
	size_t *order;   /* by chunk */
	size_t *first;   /* of each chunk in order */
	struct casg_objinfo *info;
	struct casg_err err;
	int failed;
};

/*
 * Where those that are asked for lie close together, all from the first to the
 * last are read at once: a call costs as much as copying some kilobytes.
 */
enum { APART_MAX = 64 };

static const struct casg_loc *loc_of(const struct job *j, size_t i)
{
	return (const struct casg_loc *)(const void *)(j->locs + j->order[i] * j->stride);
}

static int read_range(struct job *j, size_t start, size_t end, struct casg_loc from, uint32_t n,
		      struct casg_coder *c, struct casg_err *err)
{
	struct casg_objinfo *all = malloc(n * sizeof(*all));
	int rc = all ? casg_store_infos(j->s, c, &from, n, all, err) : casg_err_nomem(err);

	for (size_t i = start; i < end && !rc; i++)
		j->info[j->order[i]] = all[loc_of(j, i)->member - from.member];
	free(all);
	return rc;
}

static int read_chunk(struct job *j, size_t start, size_t end, struct casg_coder *c,
		      struct casg_err *err)
{
	struct casg_loc from = *loc_of(j, start);
	uint32_t last = from.member;
	int rc = 0;

	for (size_t i = start; i < end; i++) {
		uint32_t m = loc_of(j, i)->member;

		from.member = m < from.member ? m : from.member;
		last = m > last ? m : last;
	}
	if (last < CASG_CHUNK_MEMBERS_MAX && end - start > 1 &&
	    last - from.member < (end - start) * APART_MAX)
		return read_range(j, start, end, from, last - from.member + 1, c, err);
	for (size_t i = start; i < end && !rc; i++)
		rc = casg_store_info(j->s, c, loc_of(j, i), &j->info[j->order[i]], err);
	return rc;
}

/* One chunk's by one worker. */
static void info_task(void *ctx, size_t task, int worker)
{
	struct job *j = ctx;
	struct casg_err err = CASG_ERR_INIT;
	int no = 0;
	int rc = read_chunk(j, j->first[task], j->first[task + 1], j->coders[worker], &err);

	if (rc && __atomic_compare_exchange_n(&j->failed, &no, 1, 0, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE))
		j->err = err;
}

int casg_locinfo(struct casg_store *s, struct casg_workers *pool,
		 struct casg_coder **coders, const struct casg_loc *locs, size_t stride,
		 size_t n, struct casg_objinfo *info_out, struct casg_err *err)
{
	struct job j = { .s = s, .coders = coders, .locs = (const char *)locs,
			 .stride = stride, .info = info_out };
	long ngroups = CASG_ENOMEM;

	if (!n)
		return 0;
	j.order = calloc(n, sizeof(*j.order));
	j.first = calloc(n + 1, sizeof(*j.first));
	if (j.order && j.first)
		ngroups = casg_group_by_chunk(locs, stride, n, j.order, j.first);
	if (ngroups >= 0)
		casg_workers_run(pool, (size_t)ngroups, info_task, &j);
	free(j.order);
	free(j.first);
	if (ngroups < 0)
		return casg_err_nomem(err);
	if (j.failed && err)
		*err = j.err;
	return j.failed ? j.err.code : 0;
}

struct window {
	struct casg_loc loc[WINDOW];
	struct casg_objinfo info[WINDOW];
	size_t n;
	casg_locinfo_fn *fn;
	void *ctx;
};

static int tell_window(struct window *w, struct casg_store *s, struct casg_workers *pool,
		       struct casg_coder **coders, struct casg_err *err)
{
	int rc = casg_locinfo(s, pool, coders, w->loc, sizeof(*w->loc), w->n, w->info, err);

	for (size_t i = 0; i < w->n && !rc; i++)
		rc = w->fn(w->ctx, &w->info[i], err);
	w->n = 0;
	return rc;
}

int casg_locinfo_tree(struct casg_store *s, struct casg_workers *pool,
		      struct casg_coder **coders, const struct casg_oid *root, uint64_t count,
		      casg_locinfo_fn *fn, void *ctx, struct casg_err *err)
{
	struct casg_treer *t = casg_treer_open(s, coders[casg_workers_count(pool) - 1], root, err);
	struct window *w = calloc(1, sizeof(*w));
	struct casg_entry e;
	int rc = !t ? CASG_ECORRUPT : !w ? casg_err_nomem(err) : 0;

	if (!rc && casg_treer_count(t) != count)
		rc = casg_err_set(err, CASG_ECORRUPT,
				  "the tree holds other records than the version counts");
	if (!rc) {
		w->fn = fn;
		w->ctx = ctx;
	}
	while (!rc && (rc = casg_treer_next(t, &e, &w->loc[w->n], err)) > 0)
		rc = ++w->n == WINDOW ? tell_window(w, s, pool, coders, err) : 0;
	if (!rc)
		rc = tell_window(w, s, pool, coders, err);
	casg_treer_free(t);
	free(w);
	return rc;
}
