#include "store_in.h"

#include <stdlib.h>

enum {
	DIR_PACKS_MIN = 3, DIR_FINDS_MIN = 8192,
	DIR_LOOK_COST = 4, /* of looking into a pack, in objects that are entered */
	DIR_ANSWERS_MAX = 256, SEARCH_MAX = 64
};

/* ---- grouping ---------------------------------------------------------- */

static const struct casg_loc *loc_at(const struct casg_loc *locs, size_t stride, size_t i)
{
	return (const struct casg_loc *)(const void *)((const char *)locs + i * stride);
}

/* The group of each place, by a hash of (pack, chunk); group_of has room for n. */
static long number_groups(const struct casg_loc *locs, size_t stride, size_t n,
			  uint32_t *group_of, size_t *first)
{
	size_t cap = 1024, ngroups = 0;
	uint32_t *table;

	while (cap < 2 * n)
		cap *= 2;
	table = calloc(cap, sizeof(*table));
	if (!table)
		return CASG_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct casg_loc *a = loc_at(locs, stride, i);
		size_t h = (a->pack * UINT64_C(0x9e3779b97f4a7c15) +
			    a->chunk * UINT64_C(0xc2b2ae3d27d4eb4f)) >> 20;

		for (h &= cap - 1; table[h]; h = (h + 1) & (cap - 1)) {
			/* first[] holds a member of each group meanwhile */
			const struct casg_loc *b = loc_at(locs, stride, first[table[h] - 1]);

			if (a->pack == b->pack && a->chunk == b->chunk)
				break;
		}
		if (!table[h]) {
			first[ngroups] = i;
			table[h] = (uint32_t)++ngroups;
		}
		group_of[i] = table[h] - 1;
	}
	free(table);
	return (long)ngroups;
}

long casg_group_by_chunk(const struct casg_loc *locs, size_t stride, size_t n,
			 size_t *order_out, size_t *first_out)
{
	uint32_t *group_of = malloc(n * sizeof(*group_of) + 1);
	size_t *next;
	long ngroups = group_of ? number_groups(locs, stride, n, group_of, first_out)
				: CASG_ENOMEM;
	size_t at = 0;

	next = ngroups < 0 ? NULL : calloc((size_t)ngroups + 1, sizeof(*next));
	if (!next) {
		free(group_of);
		return CASG_ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		next[group_of[i]]++;
	for (long g = 0; g < ngroups; g++) {
		size_t count = next[g];

		first_out[g] = next[g] = at;
		at += count;
	}
	first_out[ngroups] = n;
	for (size_t i = 0; i < n; i++)
		order_out[next[group_of[i]]++] = i;
	free(next);
	free(group_of);
	return ngroups;
}

/* ---- finding ----------------------------------------------------------- */

/*
 * That a list of a partial clone adds up to its id is known only when all of it
 * has been read; that of a sequence is bound to the id of its chunk.
 */
static int is_bound(struct casg_packidx *x, uint32_t chunk)
{
	struct casg_idx_chunk ic;

	return !casg_packidx_chunk(x, chunk, &ic, NULL) &&
	       (ic.kind == CASG_CHUNK_SEQ || ic.kind == CASG_CHUNK_BLOB);
}

static int find_in(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		   const struct casg_oid *id, int plain, struct casg_loc *loc,
		   uint64_t *nbytes_out, struct casg_err *err)
{
	struct casg_packidx *x = &s->packs[pack].x;
	uint32_t lo, hi, object;
	struct casg_objinfo got;
	int rc = casg_store_need_index(s, pack, err);

	if (rc)
		return rc;
	rc = casg_packidx_candidates(x, id, &lo, &hi, err);
	for (; !rc && lo < hi; lo++) {
		rc = casg_packidx_slot(x, lo, &object, err);
		if (rc)
			break;
		/* cheap to dismiss; a hit goes through info_at below */
		if (casg_store_info_noted(s, pack, object, &got) &&
		    !casg_oid_eq(&got.id, id))
			continue;
		rc = casg_packidx_locate(x, object, &loc->chunk, &loc->member, err);
		if (rc)
			break;
		rc = casg_store_info_at(s, c, pack, object, loc->chunk, loc->member, &got, err);
		if (rc)
			return rc;
		if (casg_oid_eq(&got.id, id)) {
			struct casg_idx_chunk ic;

			if (plain) {
				rc = casg_packidx_chunk(x, loc->chunk, &ic, err);
				if (rc)
					break;
				if (ic.kind != CASG_CHUNK_SEQ && ic.kind != CASG_CHUNK_BLOB)
					continue;
			}
			if (s->revive && s->packs[pack].promised &&
			    !is_bound(x, loc->chunk))
				continue;
			loc->pack = pack;
			if (nbytes_out)
				*nbytes_out = got.nbytes;
			return casg_store_hit(s, pack, err);
		}
	}
	if (rc)
		casg_err_prefix(err, "index of '%s'", s->packs[pack].path);
	return rc;
}

static struct casg_packidx *loose_idx(void *ctx, uint32_t n)
{
	struct casg_store *s = ctx;

	return &s->packs[s->loose[n]].x;
}

/*
 * After some thousand look-ups it pays to know which packs to look into, of
 * those that no multi-pack index has: once looking into them all took about the time
 * that it takes to read their indexes.  Failing to build it costs time only.
 */
static void build_dir(struct casg_store *s, uint64_t nfinds)
{
	struct casg_packdir *d = NULL;

	pthread_mutex_lock(&s->lock);
	if (!s->dir && !s->no_dir && s->nloose >= DIR_PACKS_MIN &&
	    nfinds * s->nloose * DIR_LOOK_COST >= s->nloose_objects) {
		d = casg_packdir_new(s->opts.tmp_dir, 0, loose_idx, s, NULL);
		for (size_t i = 0; d && i < s->nloose; i++)
			if (casg_packdir_add(d, NULL)) {
				casg_packdir_free(d);
				d = NULL;
			}
		s->no_dir = !d;
		__atomic_store_n(&s->dir, d, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&s->lock);
}

/* That directory, or NULL: for each look-up once. */
static const struct casg_packdir *dir_of(struct casg_store *s)
{
	const struct casg_packdir *d = __atomic_load_n(&s->dir, __ATOMIC_ACQUIRE);
	uint64_t n;

	if (d)
		return d;
	n = __atomic_add_fetch(&s->nfinds, 1, __ATOMIC_RELAXED);
	if (n % DIR_FINDS_MIN)
		return NULL;
	build_dir(s, n);
	return __atomic_load_n(&s->dir, __ATOMIC_ACQUIRE);
}

/* A loose pack came: the directory must know it, or go. */
void casg_store_update_dir(struct casg_store *s)
{
	if (!s->dir || !casg_packdir_add(s->dir, NULL))
		return;
	casg_packdir_free(s->dir);
	s->dir = NULL;
	s->no_dir = 1;
}

/* ---- where to look ----------------------------------------------------- */

/* The packs that may hold an id, in the order of next_pack: all, or only these. */
struct search {
	int all;
	size_t at, n;
	uint32_t packs[SEARCH_MAX];
};

/* Between the others, unless it is there. */
static void may_be_in(const struct casg_store *s, struct search *q, uint32_t pack)
{
	size_t i = q->n, t = casg_store_turn(&s->packs[pack]);

	if (q->all)
		return;
	for (; i; i--) {
		size_t u = casg_store_turn(&s->packs[q->packs[i - 1]]);

		if (u < t || (u == t && q->packs[i - 1] >= pack))
			break;
	}
	if (i && q->packs[i - 1] == pack)
		return;
	if (q->n == SEARCH_MAX) {
		q->all = 1;
		return;
	}
	memmove(q->packs + i + 1, q->packs + i, (q->n++ - i) * sizeof(*q->packs));
	q->packs[i] = pack;
}

static void ask_dir(const struct casg_store *s, const struct casg_packdir *d,
		    const struct casg_oid *id, struct search *q)
{
	uint32_t loose[DIR_ANSWERS_MAX];
	int n = casg_packdir_find(d, id, loose, DIR_ANSWERS_MAX);

	q->all |= n < 0;
	for (int i = 0; i < n; i++)
		may_be_in(s, q, s->loose[loose[i]]);
}

static void ask_multi(const struct casg_store *s, struct casg_multipacks *m,
		      const struct casg_oid *id, struct search *q)
{
	uint32_t packs[SEARCH_MAX];
	int n = casg_multipacks_find(m, id, packs, SEARCH_MAX);

	/* damaged, or too many: it is no help */
	q->all |= n < 0;
	for (int i = 0; i < n; i++)
		may_be_in(s, q, packs[i]);
}

static void start_search(struct casg_store *s, const struct casg_oid *id,
			 const struct casg_packdir *d, struct search *q)
{
	q->at = q->n = 0;
	q->all = !d && s->nloose > SEARCH_MAX / 2;
	for (size_t i = 0; i < s->nfolders && !q->all; i++)
		if (s->multi[i])
			ask_multi(s, s->multi[i], id, q);
	if (d && !q->all)
		ask_dir(s, d, id, q);
	for (size_t i = 0; !d && i < s->nloose && !q->all; i++)
		may_be_in(s, q, s->loose[i]);
}

static int next_found(const struct casg_store *s, struct search *q, uint32_t *pack_out)
{
	if (q->all)
		return casg_store_next_pack(s, &q->at, pack_out);
	if (q->at == q->n)
		return 0;
	*pack_out = q->packs[q->at++];
	return 1;
}

/*
 * A search goes on behind a pack that cannot be searched, for another may have
 * the thing as well; but nothing is absent while one was left out.
 */
int casg_store_found(int failed, struct casg_err *err)
{
	if (failed && err)
		err->code = 0;
	return 1;
}

static int not_found(const struct casg_store *s, int failed, struct casg_err *err)
{
	if (failed || !s->unusable.code)
		return failed;
	if (err)
		*err = s->unusable;
	return s->unusable.code;
}

static int find(struct casg_store *s, struct casg_coder *c, const struct casg_oid *id,
		int plain, struct casg_loc *loc_out, uint64_t *nbytes_out,
		struct casg_err *err)
{
	struct search q;
	uint32_t pack;
	int failed = 0;

	start_search(s, id, dir_of(s), &q);
	while (next_found(s, &q, &pack)) {
		int rc = find_in(s, c, pack, id, plain, loc_out, nbytes_out, err);

		if (rc > 0)
			return casg_store_found(failed, err);
		if (rc == CASG_ENOMEM)
			return rc;
		failed = rc ? rc : failed;
	}
	return not_found(s, failed, err);
}

int casg_store_find(struct casg_store *s, struct casg_coder *c,
		    const struct casg_oid *id, struct casg_loc *loc_out,
		    uint64_t *nbytes_out, struct casg_err *err)
{
	return find(s, c, id, 0, loc_out, nbytes_out, err);
}

int casg_store_find_piece(struct casg_store *s, struct casg_coder *c,
			  const struct casg_oid *id, struct casg_loc *loc_out,
			  struct casg_err *err)
{
	return find(s, c, id, 1, loc_out, NULL, err);
}

int casg_store_find_all(struct casg_store *s, struct casg_coder *c,
			const struct casg_oid *id, struct casg_loc *locs_out, int max,
			struct casg_err *err)
{
	int n = 0, failed = 0;
	struct search q;
	uint32_t pack;

	start_search(s, id, dir_of(s), &q);
	while (n < max && next_found(s, &q, &pack)) {
		int rc = find_in(s, c, pack, id, 0, &locs_out[n], NULL, err);

		if (rc == CASG_ENOMEM)
			return rc;
		if (rc < 0)
			failed = rc;
		else
			n += rc;
	}
	if (!n)
		return not_found(s, failed, err);
	casg_store_found(failed, err);
	return n;
}

int casg_store_find_node(struct casg_store *s, const struct casg_oid *id,
			 struct casg_loc *loc_out, struct casg_err *err)
{
	struct casg_idx_node n;
	struct search q;
	uint32_t pack;
	int failed = 0;

	start_search(s, id, dir_of(s), &q);
	while (next_found(s, &q, &pack)) {
		int rc = casg_store_need_index(s, pack, err);

		if (!rc && !s->packs[pack].no_nodes)
			rc = casg_packidx_find_node(&s->packs[pack].x, id, &n, err);
		if (rc < 0)
			failed = casg_err_prefix(err, "index of '%s'", s->packs[pack].path);
		if (rc > 0) {
			loc_out->pack = pack;
			loc_out->chunk = n.chunk;
			loc_out->member = n.member;
			casg_store_found(failed, err);
			return casg_store_hit(s, pack, err);
		}
	}
	return not_found(s, failed, err);
}

int casg_store_find_chunk(struct casg_store *s, const struct casg_oid *id,
			  uint32_t *pack_out, uint32_t *chunk_out, struct casg_err *err)
{
	struct search q;
	uint32_t pack;
	int failed = 0;

	start_search(s, id, dir_of(s), &q);
	while (next_found(s, &q, &pack)) {
		int rc = casg_store_need_index(s, pack, err);

		if (!rc)
			rc = casg_packidx_find_chunk(&s->packs[pack].x, id, chunk_out, err);
		if (rc < 0)
			failed = casg_err_prefix(err, "index of '%s'", s->packs[pack].path);
		if (rc > 0) {
			*pack_out = pack;
			casg_store_found(failed, err);
			return casg_store_hit(s, pack, err);
		}
	}
	return not_found(s, failed, err);
}
