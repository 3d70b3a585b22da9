#include "packdir.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "buf.h"
#include "io.h"
#include "map.h"
#include "multidx.h"
#include "tmpfile.h"

enum {
	BITS_MIN = 16, BITS_MAX = 25,
	JOIN_MAX = 1 << 28 /* objects of an index over packs: building it takes memory */
};

/* An index over the packs first .. first + npacks. */
struct join {
	uint32_t first, npacks;
	uint64_t nobjects;    /* and nodes and chunks */
	uint32_t *pack_of;    /* of each of its packs, which are in the order of ids */
	struct casg_map map;
	struct casg_buf bytes; /* if it has no file */
	struct casg_multidx x;
};

struct casg_packdir {
	char *tmp_dir;
	unsigned int most_bits;
	casg_packdir_pack *pack;
	void *ctx;
	uint8_t *slots;       /* pack number - first + 1; 0: free */
	unsigned int bits;
	uint64_t count;       /* slots in use */
	uint32_t first;       /* pack of the table */
	uint32_t npacks;      /* in all */
	struct join *joins;   /* the others, in ascending order */
	size_t njoins, cap_joins;
};

struct casg_packdir *casg_packdir_new(const char *tmp_dir, unsigned int bits,
				      casg_packdir_pack *pack, void *ctx,
				      struct casg_err *err)
{
	struct casg_packdir *d = calloc(1, sizeof(*d));

	if (d) {
		d->most_bits = bits ? bits : BITS_MAX;
		d->bits = d->most_bits < BITS_MIN ? d->most_bits : BITS_MIN;
		d->pack = pack;
		d->ctx = ctx;
		d->slots = calloc((size_t)1 << d->bits, 1);
		d->tmp_dir = tmp_dir ? strdup(tmp_dir) : NULL;
	}
	if (!d || !d->slots || (tmp_dir && !d->tmp_dir)) {
		casg_packdir_free(d);
		casg_err_nomem(err);
		return NULL;
	}
	return d;
}

static void release_join(struct join *j)
{
	casg_multidx_release(&j->x);
	casg_map_close(&j->map);
	casg_buf_release(&j->bytes);
	free(j->pack_of);
}

void casg_packdir_free(struct casg_packdir *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->njoins; i++)
		release_join(&d->joins[i]);
	free(d->joins);
	free(d->slots);
	free(d->tmp_dir);
	free(d);
}

uint32_t casg_packdir_npacks(const struct casg_packdir *d)
{
	return d->npacks;
}

size_t casg_packdir_njoined(const struct casg_packdir *d)
{
	return d->njoins;
}

/* ---- the table --------------------------------------------------------- */

/* Where an id begins to be looked for: by bits that every index has of it. */
static uint64_t start_of(const struct casg_packdir *d, uint64_t prefix)
{
	prefix = prefix >> (64 - CASG_PACKIDX_PREFIX_BITS) << (64 - CASG_PACKIDX_PREFIX_BITS);
	return prefix >> (64 - d->bits);
}

/* Room for n more without becoming slow? */
static int has_room(const struct casg_packdir *d, uint64_t n)
{
	return (d->count + n) * 3 <= (uint64_t)2 << d->bits;
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

static int enter(struct casg_packdir *d, uint32_t pack, struct casg_err *err)
{
	struct adding a = { d, (uint8_t)(pack - d->first + 1) };
	struct casg_packidx *x = d->pack(d->ctx, pack);
	int rc = casg_packidx_each_prefix(x, add_one, &a, err);

	for (uint32_t i = 0; i < x->nchunks && !rc; i++) {
		struct casg_idx_chunk c;

		rc = casg_packidx_chunk(x, i, &c, err);
		if (!rc)
			add_one(&a, casg_oid_prefix(&c.id));
	}
	for (uint32_t i = 0; i < x->nnodes && !rc; i++) {
		struct casg_idx_node n;

		rc = casg_packidx_node(x, i, &n, err);
		if (!rc)
			add_one(&a, casg_oid_prefix(&n.id));
	}
	return rc;
}

/* What there is to enter of a pack. */
static uint64_t count_of(const struct casg_packdir *d, uint32_t pack)
{
	const struct casg_packidx *x = d->pack(d->ctx, pack);

	return (uint64_t)x->nobjects + x->nchunks + x->nnodes;
}

/* The table with room for n objects more and as many again, but no larger than it may be. */
static int grow(struct casg_packdir *d, uint64_t n, struct casg_err *err)
{
	unsigned int bits = d->bits;
	uint8_t *slots;
	int rc = 0;

	while (bits < d->most_bits && (d->count + n) * 3 > (uint64_t)1 << bits)
		bits++;
	slots = calloc((size_t)1 << bits, 1);
	if (!slots)
		return casg_err_nomem(err);
	free(d->slots);
	d->slots = slots;
	d->bits = bits;
	d->count = 0;
	for (uint32_t i = d->first; i < d->npacks && !rc; i++)
		rc = enter(d, i, err);
	return rc;
}

/* ---- joined packs ------------------------------------------------------ */

struct named {
	struct casg_packidx *x;
	uint32_t number;
};

static int cmp_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int c = casg_oid_cmp(&x->x->pack_id, &y->x->pack_id);

	return c ? c : x->number < y->number ? -1 : x->number > y->number;
}

static int write_to(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	return casg_write_full(*(int *)ctx, p, n, err);
}

static int add_to(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	casg_buf_add(ctx, p, n);
	return casg_buf_check(ctx, err);
}

static int build_file(struct casg_packdir *d, struct join *j, struct casg_packidx **packs,
		      struct casg_err *err)
{
	int fd = casg_tmpfile_scratch(d->tmp_dir, err);
	int rc = fd < 0 ? fd : casg_multidx_build(packs, j->npacks, write_to, &fd, err);

	if (!rc)
		rc = casg_map_fd(&j->map, fd, err);
	if (fd >= 0)
		close(fd);
	return rc ? rc : casg_multidx_open(&j->x, j->map.data, j->map.size, err);
}

static int build_bytes(struct join *j, struct casg_packidx **packs, struct casg_err *err)
{
	int rc = casg_multidx_build(packs, j->npacks, add_to, &j->bytes, err);

	return rc ? rc : casg_multidx_open(&j->x, j->bytes.data, j->bytes.len, err);
}

static int build(struct casg_packdir *d, struct join *j, struct casg_err *err)
{
	struct named *named = calloc(j->npacks, sizeof(*named));
	struct casg_packidx **packs = calloc(j->npacks, sizeof(struct casg_packidx *));
	int rc;

	j->pack_of = calloc(j->npacks, sizeof(*j->pack_of));
	rc = named && packs && j->pack_of ? 0 : casg_err_nomem(err);
	for (uint32_t i = 0; i < j->npacks && !rc; i++)
		named[i] = (struct named){ d->pack(d->ctx, j->first + i), j->first + i };
	if (!rc)
		qsort(named, j->npacks, sizeof(*named), cmp_named);
	for (uint32_t i = 0; i < j->npacks && !rc; i++) {
		packs[i] = named[i].x;
		j->pack_of[i] = named[i].number;
	}
	if (!rc)
		rc = d->tmp_dir ? build_file(d, j, packs, err) : build_bytes(j, packs, err);
	free(named);
	free(packs);
	return rc;
}

/* The packs of the table into an index, with those before them that are not much more. */
static int join(struct casg_packdir *d, struct casg_err *err)
{
	struct join j = { .first = d->first, .bytes = CASG_BUF_INIT };
	size_t keep = d->njoins;
	int rc;

	for (uint32_t i = d->first; i < d->npacks; i++)
		j.nobjects += count_of(d, i);
	while (keep && d->joins[keep - 1].nobjects <= 2 * j.nobjects &&
	       d->joins[keep - 1].nobjects + j.nobjects <= JOIN_MAX) {
		j.first = d->joins[--keep].first;
		j.nobjects += d->joins[keep].nobjects;
	}
	j.npacks = d->npacks - j.first;
	rc = CASG_GROW(d->joins, keep + 1, d->cap_joins) ? casg_err_nomem(err) : build(d, &j, err);
	if (rc) {
		release_join(&j);
		return rc;
	}
	while (d->njoins > keep)
		release_join(&d->joins[--d->njoins]);
	d->joins[d->njoins++] = j;
	memset(d->slots, 0, (size_t)1 << d->bits);
	d->count = 0;
	d->first = d->npacks;
	return 0;
}

/* ---- all of it --------------------------------------------------------- */

int casg_packdir_add(struct casg_packdir *d, struct casg_err *err)
{
	uint64_t n = count_of(d, d->npacks);
	int rc = 0;

	if (!has_room(d, n) && d->bits < d->most_bits)
		rc = grow(d, n, err);
	if (!rc && d->first < d->npacks &&
	    (!has_room(d, n) || d->npacks - d->first == CASG_PACKDIR_TABLE_PACKS))
		rc = join(d, err);
	d->npacks++;
	if (rc)
		return rc;
	/* one that the table is too small for is an index of its own */
	return has_room(d, n) ? enter(d, d->npacks - 1, err) : join(d, err);
}

static int find_joined(struct join *j, const struct casg_oid *id, uint32_t *packs_out,
		       size_t max)
{
	size_t n;

	if (casg_multidx_find(&j->x, id, packs_out, max, &n, NULL) || n > max)
		return -1;
	for (size_t i = 0; i < n; i++)
		packs_out[i] = j->pack_of[packs_out[i]];
	return (int)n;
}

int casg_packdir_find(const struct casg_packdir *d, const struct casg_oid *id,
		      uint32_t *packs_out, size_t max)
{
	const uint64_t mask = ((uint64_t)1 << d->bits) - 1;
	size_t n = 0;

	for (uint64_t i = start_of(d, casg_oid_prefix(id)); d->slots[i]; i = (i + 1) & mask) {
		if (n == max)
			return -1;
		packs_out[n++] = d->first + d->slots[i] - 1u;
	}
	for (size_t i = 0; i < d->njoins; i++) {
		int k = find_joined(&d->joins[i], id, packs_out + n, max - n);

		if (k < 0)
			return -1;
		n += (size_t)k;
	}
	return (int)n;
}
