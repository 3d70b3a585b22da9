#include "packdir.h"

#include <stdlib.h>

struct casg_packdir {
	uint8_t *slots; /* pack number + 1; 0: free */
	unsigned int bits;
	uint64_t count;
};

struct casg_packdir *casg_packdir_new(uint64_t nobjects, struct casg_err *err)
{
	struct casg_packdir *d = calloc(1, sizeof(*d));

	if (d) {
		d->bits = 16;
		while ((uint64_t)1 << d->bits < 2 * nobjects)
			d->bits++;
		d->slots = calloc((size_t)1 << d->bits, 1);
	}
	if (!d || !d->slots) {
		free(d);
		casg_err_nomem(err);
		return NULL;
	}
	return d;
}

void casg_packdir_free(struct casg_packdir *d)
{
	if (!d)
		return;
	free(d->slots);
	free(d);
}

int casg_packdir_has_room(const struct casg_packdir *d, uint64_t n)
{
	return (d->count + n) * 3 <= (uint64_t)2 << d->bits;
}

/* Where an id begins to be looked for: by bits that every index has of it. */
static uint64_t start_of(const struct casg_packdir *d, uint64_t prefix)
{
	prefix = prefix >> (64 - CASG_PACKIDX_PREFIX_BITS) << (64 - CASG_PACKIDX_PREFIX_BITS);
	return prefix >> (64 - d->bits);
}

struct adding {
	struct casg_packdir *d;
	uint8_t mark;
};

static void add_one(void *ctx, uint64_t prefix)
{
	struct adding *a = ctx;
	uint64_t mask = ((uint64_t)1 << a->d->bits) - 1;
	uint64_t i = start_of(a->d, prefix);

	/* the same pack in the same run of slots serves both */
	while (a->d->slots[i] && a->d->slots[i] != a->mark)
		i = (i + 1) & mask;
	a->d->count += !a->d->slots[i];
	a->d->slots[i] = a->mark;
}

int casg_packdir_add(struct casg_packdir *d, struct casg_packidx *x, uint32_t pack,
		     struct casg_err *err)
{
	struct adding a = { d, (uint8_t)(pack + 1) };

	return casg_packidx_each_prefix(x, add_one, &a, err);
}

uint64_t casg_packdir_start(const struct casg_packdir *d, const struct casg_oid *id)
{
	return start_of(d, casg_oid_prefix(id));
}

int casg_packdir_next(const struct casg_packdir *d, uint64_t *at, uint32_t *pack_out)
{
	uint64_t i = *at & (((uint64_t)1 << d->bits) - 1);

	if (!d->slots[i])
		return 0;
	*pack_out = d->slots[i] - 1u;
	*at = i + 1;
	return 1;
}
