#include <stdlib.h>
#include <string.h>

#include "cluster_in.h"
#include "endian.h"
#include "seeds.h"

enum { WINDOW = 1024, TASK = 16, SEED_SZ = 24, LINK_SZ = 16, LEVELS = 64 };

/*
 * How long k-mers are: so that of two sequences as like as is asked for some
 * seeds are the same, and of others few are.  'least' is in thousandths.
 */
static const struct lengths {
	unsigned least;
	int k;
} of_protein[] = { { 950, 12 }, { 900, 10 }, { 800, 8 }, { 700, 6 }, { 0, 5 } },
  of_dna[] = { { 970, 24 }, { 950, 20 }, { 900, 15 }, { 850, 12 }, { 0, 11 } };

static int length_for(const struct lengths *l, unsigned identity)
{
	while (identity < l->least)
		l++;
	return l->k;
}

/*
 * Time grows with them, as all that sequences have in common is sorted.  With 32
 * or 64 in place of 24 no more is found in proteomes, and less than a hundredth
 * more in families that have drifted apart.
 */
static unsigned nseeds_for(unsigned identity)
{
	return identity >= 700 ? CASG_SEEDS_MAX * 3 / 4 : CASG_SEEDS_MAX;
}

/* ---- the seeds of all ---------------------------------------------------- */

struct window {
	struct casg_cluster *c;
	uint64_t first, n;
	unsigned nseeds;
	uint64_t (*seeds)[CASG_SEEDS_MAX];
	unsigned *count;
	struct casg_buf *residues;  /* one a worker */
	struct casg_job job;
	struct casg_clfail fail;
};

static void seeds_task(void *ctx, size_t task, int worker)
{
	struct window *w = ctx;
	uint64_t end = ((uint64_t)task + 1) * TASK < w->n ? ((uint64_t)task + 1) * TASK : w->n;

	for (uint64_t i = (uint64_t)task * TASK; i < end; i++) {
		const struct casg_clseq *q = &w->c->seqs[w->first + i];
		int k = length_for(q->is_dna ? of_dna : of_protein, w->c->identity);
		struct casg_err err = CASG_ERR_INIT;

		w->count[i] = 0;
		if (casg_cluster_residues(w->c, q, &w->residues[worker], &err))
			casg_clfail_note(&w->fail, &err);
		else
			w->count[i] = casg_seeds(w->residues[worker].data, (size_t)q->nresidues,
						 q->is_dna, k, w->nseeds, w->seeds[i]);
	}
}

static int make_window(struct window *w, struct casg_cluster *c, struct casg_buf *residues,
		       struct casg_err *err)
{
	w->c = c;
	w->nseeds = nseeds_for(c->identity);
	w->residues = residues;
	w->seeds = malloc(WINDOW * sizeof(*w->seeds));
	w->count = malloc(WINDOW * sizeof(*w->count));
	return w->seeds && w->count ? 0 : casg_err_nomem(err);
}

/* Of the sequences from 'first' on; none where there are no more. */
static void start_window(struct window *w, uint64_t first)
{
	w->first = first;
	w->n = first >= w->c->n ? 0 : w->c->n - first < WINDOW ? w->c->n - first : WINDOW;
	if (w->n)
		casg_workers_start(w->c->o.pool, &w->job, (size_t)((w->n + TASK - 1) / TASK),
				   seeds_task, w);
}

static int end_window(struct window *w, struct casg_err *err)
{
	if (w->n)
		casg_workers_wait(w->c->o.pool, &w->job);
	casg_cluster_touched(w->c, w->n * sizeof(*w->c->seqs));
	if (w->fail.failed && err)
		*err = w->fail.err;
	return w->fail.failed ? w->fail.err.code : 0;
}

static int add_seeds(struct window *w, struct casg_extsort *to, struct casg_err *err)
{
	int rc = 0;

	for (uint64_t i = 0; i < w->n && !rc; i++)
		for (unsigned k = 0; k < w->count[i] && !rc; k++) {
			uint8_t item[SEED_SZ];

			casg_put_be64(item, w->seeds[i][k]);
			casg_put_be64(item + 8, w->first + i);
			casg_put_be64(item + 16, w->c->seqs[w->first + i].nresidues);
			rc = casg_extsort_add(to, item, sizeof(item), err);
		}
	return rc;
}

/* Those of one window are found while those of the one before are added. */
static int seeds_of_all(struct casg_cluster *c, struct casg_extsort *to, struct casg_err *err)
{
	int nworkers = casg_workers_count(c->o.pool), turn = 0;
	struct casg_buf *residues = calloc((size_t)nworkers, sizeof(*residues));
	struct window w[2] = { { .n = 0 }, { .n = 0 } };
	int rc = residues ? 0 : casg_err_nomem(err);

	for (int i = 0; i < 2 && !rc; i++)
		rc = make_window(&w[i], c, residues, err);
	if (!rc)
		start_window(&w[0], 0);
	for (; !rc && w[turn].n; turn ^= 1) {
		rc = end_window(&w[turn], err);
		if (rc)
			break;
		start_window(&w[turn ^ 1], w[turn].first + w[turn].n);
		rc = add_seeds(&w[turn], to, err);
		if (rc)
			end_window(&w[turn ^ 1], NULL);
	}
	for (int i = 0; i < 2; i++) {
		free(w[i].seeds);
		free(w[i].count);
	}
	for (int i = 0; residues && i < nworkers; i++)
		casg_buf_release(&residues[i]);
	free(residues);
	return rc ? rc : casg_extsort_finish(to, err);
}

/* ---- who looks at whom --------------------------------------------------- */

/*
 * Sequences with one seed in common, longest first.  The i-th of a row looks at
 * the first, and at the last whose place has a lowest bit that the seed chooses:
 * rows are much the same where sequences are much alike, and yet others are
 * looked at in each.
 */
struct row {
	uint64_t seed, n;
	uint64_t first, first_length;
	uint64_t at[LEVELS];  /* the last whose lowest bit was this one */
};

static int add_link(struct casg_cluster *c, struct casg_extsort *to, uint64_t number,
		    uint64_t before, struct casg_err *err)
{
	uint8_t item[LINK_SZ];

	casg_put_be64(item, number);
	casg_put_be64(item + 8, before);
	c->stats->nlinks++;
	return casg_extsort_add(to, item, sizeof(item), err);
}

static int join_row(struct casg_cluster *c, struct row *r, struct casg_extsort *to,
		    uint64_t number, uint64_t length, struct casg_err *err)
{
	uint64_t i = r->n++;
	int rc;

	if (!i || !casg_cluster_covers(c, length, r->first_length)) {
		r->n = 1;
		r->first = number;
		r->first_length = length;
		return 0;
	}
	rc = add_link(c, to, number, r->first, err);
	if (!rc && i > 1) {
		unsigned nlevels = LEVELS - (unsigned)__builtin_clzll(i - 1);

		rc = add_link(c, to, number, r->at[r->seed % nlevels], err);
	}
	r->at[__builtin_ctzll(i)] = number;
	return rc;
}

static int link_all(struct casg_cluster *c, struct casg_extsort *seeds,
		    struct casg_extsort *to, struct casg_err *err)
{
	struct row r = { .n = 0 };
	const uint8_t *item;
	size_t n;
	int rc;

	while ((rc = casg_extsort_next(seeds, &item, &n, err)) > 0) {
		uint64_t seed = casg_get_be64(item);

		if (seed != r.seed)
			r.n = 0;
		r.seed = seed;
		rc = join_row(c, &r, to, casg_get_be64(item + 8),
			      casg_get_be64(item + 16), err);
		if (rc)
			return rc;
	}
	return rc ? rc : casg_extsort_finish(to, err);
}

struct casg_extsort *casg_cluster_link(struct casg_cluster *c, struct casg_err *err)
{
	struct casg_extsort *seeds = casg_cluster_sorter(c, 2, err);
	struct casg_extsort *links = seeds ? casg_cluster_sorter(c, 4, err) : NULL;
	int rc = links ? seeds_of_all(c, seeds, err) : CASG_ENOMEM;

	if (!rc)
		rc = link_all(c, seeds, links, err);
	casg_extsort_free(seeds);
	if (!rc)
		return links;
	casg_extsort_free(links);
	return NULL;
}
