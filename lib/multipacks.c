#include "multipacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "map.h"
#include "multidx.h"
#include "tmpfile.h"

struct casg_multipacks {
	struct casg_map map;
	struct casg_multidx x;
	uint32_t *number; /* of each pack in the store; UINT32_MAX: not there */
};

static char *path_in(const char *dir)
{
	char *path;

	return asprintf(&path, "%s/" CASG_MULTIPACKS_NAME, dir) < 0 ? NULL : path;
}

struct casg_multipacks *casg_multipacks_open(const char *index_dir, struct casg_err *err)
{
	struct casg_multipacks *m = calloc(1, sizeof(*m));
	char *path = path_in(index_dir);
	int rc = m && path ? casg_map_open(&m->map, path, err) : casg_err_nomem(err);

	if (!rc) {
		rc = casg_multidx_open(&m->x, m->map.data, m->map.size, err);
		if (rc)
			casg_err_prefix(err, "'%s'", path);
	}
	if (!rc) {
		m->number = malloc((size_t)m->x.npacks * sizeof(*m->number) + 1);
		rc = m->number ? 0 : casg_err_nomem(err);
	}
	free(path);
	if (rc) {
		casg_multipacks_free(m);
		return NULL;
	}
	memset(m->number, 0xff, (size_t)m->x.npacks * sizeof(*m->number));
	return m;
}

void casg_multipacks_free(struct casg_multipacks *m)
{
	if (!m)
		return;
	casg_multidx_release(&m->x);
	casg_map_close(&m->map);
	free(m->number);
	free(m);
}

uint32_t casg_multipacks_count(const struct casg_multipacks *m)
{
	return m->x.npacks;
}

/* Its number in the index, or UINT32_MAX. */
static uint32_t number_in(struct casg_multipacks *m, const struct casg_oid *pack_id)
{
	uint32_t lo = 0, hi = m->x.npacks;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		struct casg_oid id;
		int c;

		if (casg_multidx_pack(&m->x, mid, &id, NULL))
			return UINT32_MAX;
		c = casg_oid_cmp(&id, pack_id);
		if (!c)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return UINT32_MAX;
}

int casg_multipacks_has(struct casg_multipacks *m, const struct casg_oid *pack_id)
{
	return number_in(m, pack_id) != UINT32_MAX;
}

int casg_multipacks_assign(struct casg_multipacks *m, const struct casg_oid *pack_id,
			   uint32_t number)
{
	uint32_t n = number_in(m, pack_id);

	if (n == UINT32_MAX)
		return 0;
	m->number[n] = number;
	return 1;
}

int casg_multipacks_find(struct casg_multipacks *m, const struct casg_oid *id,
			 uint32_t *numbers_out, size_t max)
{
	size_t n, kept = 0;

	if (casg_multidx_find(&m->x, id, numbers_out, max, &n, NULL) || n > max)
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint32_t number = m->number[numbers_out[i]];

		if (number != UINT32_MAX)
			numbers_out[kept++] = number;
	}
	return (int)kept;
}

/* ---- checking ---------------------------------------------------------- */

struct check {
	struct casg_multipacks *m;
	uint32_t number; /* of the pack in the index */
	uint64_t nmissing;
	int damaged;
	struct casg_err *err;
};

static void check_id(struct check *k, const struct casg_oid *id)
{
	uint32_t some[64], *all = some;
	size_t n, i = 0;
	int rc = casg_multidx_find(&k->m->x, id, some, 64, &n, k->err);

	if (!rc && n > 64) {
		all = malloc(n * sizeof(*all));
		rc = all ? casg_multidx_find(&k->m->x, id, all, n, &n, k->err) : CASG_ENOMEM;
	}
	while (!rc && i < n && all[i] != k->number)
		i++;
	k->damaged |= rc;
	k->nmissing += !rc && i == n;
	if (all != some)
		free(all);
}

static void check_prefix(void *ctx, uint64_t prefix)
{
	struct casg_oid id = { { 0 } };

	if (((struct check *)ctx)->damaged)
		return;
	for (int i = 0; i < 8; i++)
		id.b[i] = (uint8_t)(prefix >> (56 - 8 * i));
	check_id(ctx, &id);
}

static int check_few(struct check *k, struct casg_packidx *pack, struct casg_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < pack->nchunks && !rc && !k->damaged; i++) {
		struct casg_idx_chunk c;

		rc = casg_packidx_chunk(pack, i, &c, err);
		if (!rc)
			check_id(k, &c.id);
	}
	for (uint32_t i = 0; i < pack->nnodes && !rc && !k->damaged; i++) {
		struct casg_idx_node n;

		rc = casg_packidx_node(pack, i, &n, err);
		if (!rc)
			check_id(k, &n.id);
	}
	return rc;
}

int casg_multipacks_check(struct casg_multipacks *m, struct casg_packidx *pack,
			  struct casg_err *err)
{
	struct check k = { m, number_in(m, &pack->pack_id), 0, 0, err };
	char hex[CASG_OID_HEXSZ + 1];
	int rc;

	if (k.number == UINT32_MAX)
		return casg_err_set(err, CASG_ECORRUPT, "it does not name pack %s",
				    casg_oid_hex(&pack->pack_id, hex));
	rc = casg_packidx_each_prefix(pack, check_prefix, &k, err);
	if (!rc)
		rc = check_few(&k, pack, err);
	if (rc)
		return casg_err_prefix(err, "index of pack %s", casg_oid_hex(&pack->pack_id, hex));
	if (k.damaged)
		return k.damaged;
	return !k.nmissing ? 0 :
	       casg_err_set(err, CASG_ECORRUPT, "it lacks %llu of what is in pack %s",
			    (unsigned long long)k.nmissing, casg_oid_hex(&pack->pack_id, hex));
}

/* ---- writing ----------------------------------------------------------- */

static int cmp_pack(const void *a, const void *b)
{
	struct casg_packidx *const *x = a, *const *y = b;

	return casg_oid_cmp(&(*x)->pack_id, &(*y)->pack_id);
}

static int write_to(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	const struct casg_tmpfile *t = ctx;

	return casg_write_full(t->fd, p, n, err);
}

int casg_multipacks_write(const char *index_dir, const char *tmp_dir,
			  struct casg_packidx **packs, uint32_t npacks, struct casg_err *err)
{
	struct casg_tmpfile t = CASG_TMPFILE_INIT;
	char *path = path_in(index_dir);
	int rc = path ? casg_tmpfile_create(&t, tmp_dir, "index", err) : casg_err_nomem(err);

	if (npacks)
		qsort(packs, npacks, sizeof(*packs), cmp_pack);
	if (!rc)
		rc = casg_multidx_build(packs, npacks, write_to, &t, err);
	if (!rc)
		rc = casg_tmpfile_commit_replace(&t, path, err);
	casg_tmpfile_abandon(&t);
	free(path);
	return rc;
}
