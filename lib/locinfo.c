#include "locinfo.h"

#include <stdlib.h>

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

/* One chunk's by one worker. */
static void info_task(void *ctx, size_t task, int worker)
{
	struct job *j = ctx;
	struct casg_err err = CASG_ERR_INIT;
	int no = 0, rc = 0;

	for (size_t i = j->first[task]; i < j->first[task + 1] && !rc; i++) {
		const void *loc = j->locs + j->order[i] * j->stride;

		rc = casg_store_info(j->s, j->coders[worker], loc, &j->info[j->order[i]],
				     &err);
	}
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
