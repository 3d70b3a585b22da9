#include "positions.h"

#include <stdlib.h>

#include "endian.h"
#include "extsort.h"
#include "objects.h"

struct casg_positions {
	uint32_t *at;
	struct casg_extsort *sort;
	int identity;
	uint64_t next, count;
};

static int twice(struct casg_err *err)
{
	return casg_err_set(err, CASG_ECORRUPT, "corrupt order object: a rank comes twice");
}

static int put(struct casg_positions *p, uint64_t rank, uint64_t position,
	       struct casg_err *err)
{
	uint8_t item[16];

	if (rank != position)
		p->identity = 0;
	if (p->at) {
		if (p->at[rank] != UINT32_MAX)
			return twice(err);
		p->at[rank] = (uint32_t)position;
		return 0;
	}
	casg_put_be64(item, rank);
	casg_put_be64(item + 8, position);
	return casg_extsort_add(p->sort, item, sizeof(item), err);
}

static int fill(struct casg_positions *p, struct casg_orderr *o, struct casg_err *err)
{
	uint64_t rank, position = 0;
	int rc = 0;

	while (!rc && (rc = casg_orderr_next(o, &rank, err)) > 0)
		rc = put(p, rank, position++, err);
	if (!rc && p->sort)
		rc = casg_extsort_finish(p->sort, err);
	return rc;
}

struct casg_positions *casg_positions_open(struct casg_store *s, struct casg_coder *c,
					   struct casg_workers *pool, const char *tmp_dir,
					   const struct casg_oid *order, uint64_t count,
					   uint64_t memory_nbytes, struct casg_err *err)
{
	struct casg_positions *p = calloc(1, sizeof(*p));
	struct casg_orderr *o;
	int rc = 0;

	if (!p) {
		casg_err_nomem(err);
		return NULL;
	}
	p->identity = 1;
	p->count = count;
	o = casg_orderr_open(s, c, order, count, err);
	if (o && count < UINT32_MAX && count * sizeof(*p->at) <= memory_nbytes) {
		p->at = malloc((size_t)count * sizeof(*p->at) + 1);
		if (p->at)
			memset(p->at, 0xff, (size_t)count * sizeof(*p->at));
		else
			rc = casg_err_nomem(err);
	} else if (o) {
		p->sort = casg_extsort_new(tmp_dir, (size_t)memory_nbytes, pool, err);
		rc = p->sort ? 0 : CASG_ENOMEM;
	}
	if (!o || rc || fill(p, o, err)) {
		casg_positions_free(p);
		p = NULL;
	}
	casg_orderr_free(o);
	return p;
}

int casg_positions_identity(const struct casg_positions *p)
{
	return p->identity;
}

int casg_positions_next(struct casg_positions *p, uint64_t *position_out,
			struct casg_err *err)
{
	const uint8_t *item;
	size_t n;
	int rc;

	if (p->next == p->count)
		return casg_err_set(err, CASG_ECORRUPT,
				    "the tree holds other records than the version counts");
	if (p->at) {
		*position_out = p->at[p->next++];
		return 0;
	}
	rc = casg_extsort_next(p->sort, &item, &n, err);
	if (rc <= 0 || casg_get_be64(item) != p->next++)
		return rc < 0 ? rc : twice(err);
	*position_out = casg_get_be64(item + 8);
	return 0;
}

void casg_positions_free(struct casg_positions *p)
{
	if (!p)
		return;
	free(p->at);
	casg_extsort_free(p->sort);
	free(p);
}
