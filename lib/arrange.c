#include "arrange.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

/*
 * What pieces cost, measured on proteins: one like its neighbour a quarter; a
 * chunk begun too early what this many residues do.
 */
enum { ALIKE = 4, BEGINNING = 1024 };

struct sort_key {
	uint64_t mixed; /* of family or sketch: equal when that is, else spread evenly */
	uint64_t sketch;
	uint32_t n;
	uint32_t piece;
};

static int cmp_sort_key(const void *a, const void *b)
{
	const struct sort_key *x = a, *y = b;

	if (x->mixed != y->mixed)
		return x->mixed < y->mixed ? -1 : 1;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	if (x->sketch != y->sketch)
		return x->sketch < y->sketch ? -1 : 1;
	return x->piece < y->piece ? -1 : x->piece > y->piece;
}

/* One counting pass on the top bits; what is left to be sorted is small. */
static int sort_keys(struct sort_key *k, size_t n)
{
	enum { BITS = 14 };
	uint32_t *at = calloc(((size_t)1 << BITS) + 1, sizeof(*at));
	struct sort_key *t = malloc(n * sizeof(*t) + 1);
	uint32_t lo = 0;

	if (!at || !t) {
		free(at);
		free(t);
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		at[(k[i].mixed >> (64 - BITS)) + 1]++;
	for (size_t b = 0; b < (size_t)1 << BITS; b++)
		at[b + 1] += at[b];
	for (size_t i = 0; i < n; i++)
		t[at[k[i].mixed >> (64 - BITS)]++] = k[i];
	for (size_t b = 0; b < (size_t)1 << BITS; lo = at[b++])
		casg_sort_short(t + lo, at[b] - lo, sizeof(*t), cmp_sort_key);
	memcpy(k, t, n * sizeof(*k));
	free(at);
	free(t);
	return 0;
}

/* Groups that go together, whatever happens. */
struct unit {
	uint64_t home, own;   /* own: 0 when it has gone home */
	uint64_t nbytes;
	uint64_t loss;        /* what it costs to keep it apart */
	uint32_t cluster;
};

struct arrange {
	const struct casg_arrange_piece *pieces;
	size_t n;
	const struct casg_group *groups;
	uint32_t ngroups;
	const struct casg_arrange_opts *opts;
	struct sort_key *key;    /* the pieces by likeness */
	uint64_t total;
	struct unit *units;
	uint32_t nunits;
	uint32_t *unit_of;       /* a group */
	size_t *stamp;           /* scratch: the last run seen, a unit or cluster */
	uint32_t nclusters;
};

/* ---- units ------------------------------------------------------------- */

static int cmp_unit(const void *a, const void *b)
{
	const struct unit *x = a, *y = b;

	if (x->home != y->home)
		return x->home < y->home ? -1 : 1;
	return x->own < y->own ? -1 : x->own > y->own;
}

static uint32_t find_unit(const struct arrange *a, const struct casg_group *g)
{
	struct unit key = { .home = g->home, .own = g->own };
	const struct unit *u = bsearch(&key, a->units, a->nunits, sizeof(key), cmp_unit);

	/* its own were given up: it has gone home */
	key.own = 0;
	if (!u)
		u = bsearch(&key, a->units, a->nunits, sizeof(key), cmp_unit);
	return (uint32_t)(u - a->units);
}

/* Sort and merge them, find each group's, and add up their sizes. */
static void settle_units(struct arrange *a)
{
	uint32_t k = 0;

	qsort(a->units, a->nunits, sizeof(*a->units), cmp_unit);
	for (uint32_t i = 0; i < a->nunits; i++) {
		a->units[i].nbytes = 0;
		if (!k || cmp_unit(&a->units[k - 1], &a->units[i]))
			a->units[k++] = a->units[i];
	}
	a->nunits = k;
	for (uint32_t i = 0; i < a->ngroups; i++)
		a->unit_of[i] = find_unit(a, &a->groups[i]);
	for (size_t i = 0; i < a->n; i++)
		a->units[a->unit_of[a->pieces[i].group]].nbytes += a->pieces[i].nbytes;
}

/* What all costs in one cluster; and for each unit, what its own chunks would. */
static uint64_t base_cost(struct arrange *a)
{
	uint64_t cost = 0;
	size_t i, k, end;

	memset(a->stamp, 0, (a->nunits + 1) * sizeof(*a->stamp));
	for (i = 0; i < a->n; i = end) {
		int several = 0;

		for (end = i + 1; a->key[i].mixed && end < a->n &&
		     a->key[end].mixed == a->key[i].mixed; end++)
			several |= a->unit_of[a->pieces[a->key[end].piece].group] !=
				   a->unit_of[a->pieces[a->key[i].piece].group];
		for (k = i; k < end; k++) {
			const struct casg_arrange_piece *p = &a->pieces[a->key[k].piece];
			uint32_t u = a->unit_of[p->group];

			cost += k == i ? p->nbytes : p->nbytes / ALIKE;
			if (several && a->stamp[u] != i + 1)
				a->units[u].loss += p->nbytes - p->nbytes / ALIKE;
			a->stamp[u] = i + 1;
		}
	}
	return cost;
}

/*
 * Send home: who has too little for chunks of its own; then, the dearest
 * first, while together they cost more than is allowed.
 */
static void send_home(struct arrange *a, uint64_t allowed)
{
	uint64_t loss = 0;

	for (uint32_t i = 0; i < a->nunits; i++) {
		struct unit *u = &a->units[i];

		if (u->own && u->nbytes < a->opts->chunk_nbytes / 8)
			u->own = 0;
		loss += u->own ? u->loss : 0;
	}
	while (loss > allowed) {
		struct unit *most = NULL;

		for (uint32_t i = 0; i < a->nunits; i++)
			if (a->units[i].own && (!most || a->units[i].loss > most->loss))
				most = &a->units[i];
		loss -= most->loss;
		most->own = 0;
	}
	settle_units(a);
}

/* ---- clusters: what begins a chunk, and shares no chunk ---------------- */

/* Of at least 'most' / 4 bytes where there are as many; small ones up to 'most'. */
static void make_clusters(struct arrange *a, uint64_t most)
{
	uint32_t shared = UINT32_MAX, before = UINT32_MAX;
	uint64_t nshared = 0;

	a->nclusters = 0;
	for (uint32_t i = 0; i < a->nunits; i++) {
		struct unit *u = &a->units[i];

		if (u->own || u->nbytes >= most / 4) {
			u->cluster = a->nclusters++;
			continue;
		}
		if (shared == UINT32_MAX || nshared + u->nbytes > most) {
			before = shared;
			shared = a->nclusters++;
			nshared = 0;
		}
		u->cluster = shared;
		nshared += u->nbytes;
	}
	/* what is left over at the end */
	if (before == UINT32_MAX || nshared >= most / 4)
		return;
	for (uint32_t i = 0; i < a->nunits; i++) {
		struct unit *u = &a->units[i];

		u->cluster = u->cluster == shared ? before : u->cluster - (u->cluster > shared);
	}
	a->nclusters--;
}

static uint64_t cluster_cost(struct arrange *a)
{
	uint64_t cost = (uint64_t)a->nclusters * BEGINNING;
	size_t run = 0;

	memset(a->stamp, 0, (a->nclusters + 1) * sizeof(*a->stamp));
	for (size_t i = 0; i < a->n; i++) {
		const struct casg_arrange_piece *p = &a->pieces[a->key[i].piece];
		uint32_t c = a->units[a->unit_of[p->group]].cluster;

		if (!i || !a->key[i].mixed || a->key[i].mixed != a->key[i - 1].mixed)
			run++;
		cost += a->stamp[c] == run ? p->nbytes / ALIKE : p->nbytes;
		a->stamp[c] = run;
	}
	return cost;
}

/* The smallest clusters that can be afforded. */
static void choose_clusters(struct arrange *a)
{
	uint64_t most = a->opts->chunk_nbytes, base, allowed;

	if (a->nunits < 2) {
		a->nclusters = a->nunits;
		return;
	}
	base = base_cost(a) + BEGINNING;
	allowed = a->opts->max_cost < 100 ? base / 100 * a->opts->max_cost : UINT64_MAX - base;
	send_home(a, allowed);
	for (;; most *= 2) {
		make_clusters(a, most);
		if (a->nclusters <= 1 || cluster_cost(a) <= base + allowed || most / 4 > a->total)
			return;
	}
}

/* ---- order and chunks -------------------------------------------------- */

/* Cut [start, end) of the order into chunks, even ones if there are several clusters. */
static size_t cut_chunks(const struct arrange *a, const uint32_t *order, size_t start, size_t end,
			 size_t *ends_out)
{
	uint64_t limit = a->opts->chunk_nbytes, even = limit, nbytes = 0;
	size_t nchunks = 0;

	if (a->nclusters > 1) {
		for (size_t i = start; i < end; i++)
			nbytes += a->pieces[order[i]].nbytes;
		if (nbytes)
			even = nbytes / ((nbytes + limit - 1) / limit) + 1;
		nbytes = 0;
	}
	for (size_t i = start; i <= end; i++) {
		uint64_t next = i < end ? a->pieces[order[i]].nbytes : 0;

		if (i > start && (i == end || nbytes >= even || nbytes + next > limit ||
				  i - start == a->opts->max_members)) {
			ends_out[nchunks++] = i;
			start = i;
			nbytes = 0;
		}
		nbytes += next;
	}
	return nchunks;
}

/* Stable: by cluster, and by likeness or as they came inside each. */
static int put_in_order(const struct arrange *a, int by_sketch, uint32_t *order_out,
			size_t *ends_out, size_t *nchunks_out)
{
	size_t *at = calloc((size_t)a->nclusters + 1, sizeof(*at)), start = 0;

	if (!at)
		return -1;
	for (size_t i = 0; i < a->n; i++)
		at[a->units[a->unit_of[a->pieces[i].group]].cluster + 1]++;
	for (uint32_t c = 0; c < a->nclusters; c++)
		at[c + 1] += at[c];
	for (size_t i = 0; i < a->n; i++) {
		uint32_t k = by_sketch ? a->key[i].piece : (uint32_t)i;

		order_out[at[a->units[a->unit_of[a->pieces[k].group]].cluster]++] = k;
	}
	*nchunks_out = 0;
	for (uint32_t c = 0; c < a->nclusters; start = at[c++])
		*nchunks_out += cut_chunks(a, order_out, start, at[c], ends_out + *nchunks_out);
	free(at);
	return 0;
}

/*
 * Neighbours that share their sketch, or their family, are likely to share most
 * of their content.  If sorting would make clearly more such neighbours than the
 * order they came in has, sort: 1.  (Measured: a file that lies gene by gene is
 * half as large in its own order.)  Families are known for sure: a sixteenth more
 * is enough.
 */
static int sort_by_sketch(struct arrange *a, struct casg_err *err)
{
	size_t in_file = 0, sorted = 0;
	int families = 0;

	for (size_t i = 0; i < a->n; i++) {
		const struct casg_arrange_piece *p = &a->pieces[i];
		struct sort_key *k = &a->key[i];

		/* pieces without a sketch stay in file order, before the others */
		k->mixed = p->sketch ? ((p->family ? p->family : p->sketch) *
					UINT64_C(0x9e3779b97f4a7c15)) | 1 : 0;
		k->sketch = p->sketch;
		k->n = p->sketch ? (uint32_t)p->nbytes : 0;
		k->piece = (uint32_t)i;
		a->total += p->nbytes;
		families |= p->family != 0;
		in_file += i && k->mixed && k->mixed == a->key[i - 1].mixed;
	}
	/* half of the neighbours alike: nothing to gain */
	if (in_file * 2 >= a->n && a->ngroups < 2 && !families)
		return 0;
	if (sort_keys(a->key, a->n))
		return casg_err_nomem(err);
	if (in_file * 2 >= a->n && !families)
		return 0;
	for (size_t i = 1; i < a->n; i++)
		sorted += a->key[i].mixed && a->key[i].mixed == a->key[i - 1].mixed;
	return families ? sorted > in_file + in_file / 16 : sorted > in_file + in_file;
}

int casg_arrange(const struct casg_arrange_piece *pieces, size_t n,
		 const struct casg_group *groups, uint32_t ngroups,
		 const struct casg_arrange_opts *opts, uint32_t *order_out,
		 size_t *ends_out, size_t *nchunks_out, struct casg_err *err)
{
	struct arrange a = { .pieces = pieces, .n = n, .groups = groups, .ngroups = ngroups,
			     .opts = opts };
	int rc;

	a.key = malloc(n * sizeof(*a.key) + 1);
	a.units = calloc((size_t)ngroups + 1, sizeof(*a.units));
	a.unit_of = calloc((size_t)ngroups + 1, sizeof(*a.unit_of));
	a.stamp = calloc((size_t)ngroups + 1, sizeof(*a.stamp));
	rc = a.key && a.units && a.unit_of && a.stamp ? sort_by_sketch(&a, err)
						     : casg_err_nomem(err);
	if (rc >= 0) {
		int by_sketch = rc;

		for (uint32_t i = 0; i < ngroups; i++)
			a.units[a.nunits++] = (struct unit){ .home = groups[i].home,
							     .own = groups[i].own };
		settle_units(&a);
		choose_clusters(&a);
		rc = put_in_order(&a, by_sketch, order_out, ends_out, nchunks_out)
		     ? casg_err_nomem(err) : 0;
	}
	free(a.key);
	free(a.units);
	free(a.unit_of);
	free(a.stamp);
	return rc;
}
