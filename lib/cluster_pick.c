#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cluster_in.h"
#include "editdist.h"
#include "endian.h"
#include "seeds.h"

enum { WINDOW_LINKS = 1 << 18, SPINS = 40000 };

/* One that shares 'n' seeds with the sequence. */
struct candidate {
	uint64_t number;
	uint32_t n;
};

/* A sequence with candidates, about which nothing is decided yet. */
struct open {
	uint64_t number;
	size_t first, end;  /* of its candidates */
};

struct scratch {
	struct casg_editdist *e;
	struct casg_buf seq, text, reversed;
	struct candidate *found;
	size_t cap_found;
	uint64_t naligned;
};

/* Sequences in a row of numbers, decided about together. */
struct gathered {
	struct candidate *candidates;
	struct open *open;
	uint64_t *numbers;       /* of what is open */
	size_t ncandidates, cap_candidates, nopen, cap_open, cap_numbers;
};

/* One is decided about while the next is gathered. */
struct window {
	struct casg_cluster *c;
	struct gathered turns[2], *fill, *busy;
	struct casg_job job;
	int started;             /* the job, about 'busy' */
	pthread_mutex_t lock;
	pthread_cond_t decided;
	int nasleep;             /* who wait for that */
	struct scratch *scratch; /* one a worker */
	int nscratch;
	uint64_t naligned;       /* of all that is recorded */
	struct casg_clfail fail;
};

/* ---- one sequence -------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int by_seeds(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return by_number(a, b);
}

/* What stands for its candidates, each once, the likeliest first. */
static int find_representatives(const struct window *w, const struct open *o,
				struct scratch *s, size_t *n_out, struct casg_err *err)
{
	size_t n = 0, all = o->end - o->first;

	if (CASG_GROW(s->found, all, s->cap_found))
		return casg_err_nomem(err);
	for (size_t i = 0; i < all; i++) {
		const struct candidate *k = &w->busy->candidates[o->first + i];

		s->found[i].number = w->c->seqs[k->number].representative;
		s->found[i].n = k->n;
	}
	qsort(s->found, all, sizeof(*s->found), by_number);
	for (size_t i = 0; i < all; i++) {
		if (n && s->found[n - 1].number == s->found[i].number)
			s->found[n - 1].n += s->found[i].n;
		else
			s->found[n++] = s->found[i];
	}
	qsort(s->found, n, sizeof(*s->found), by_seeds);
	*n_out = n;
	return 0;
}

/* 1: 'q' may be a member of 'r', and how; 0: it may not. */
static int compare(struct casg_cluster *c, struct scratch *s, struct casg_clseq *q,
		   const struct casg_clseq *r, struct casg_err *err)
{
	size_t m = (size_t)q->nresidues, n = (size_t)r->nresidues;
	uint64_t most = casg_cluster_edits(q->nresidues, c->identity);
	const uint8_t *seq = s->seq.data, *text;
	uint64_t edits;
	int rc;

	if (q->is_dna != r->is_dna || !casg_cluster_covers(c, q->nresidues, r->nresidues) ||
	    casg_editdist_cost(m, n, most) > CASG_CLUSTER_COST_MAX)
		return 0;
	s->naligned++;
	rc = casg_cluster_residues(c, r, &s->text, err);
	if (rc)
		return rc;
	text = s->text.data;
	rc = casg_editdist(s->e, seq, m, text, n, most, &q->edits, err);
	q->reverse = 0;
	if (rc < 0 || !q->is_dna || (rc && !q->edits))
		return rc;
	/* the other strand, if it is nearer */
	if (rc)
		most = q->edits - 1;
	casg_buf_reset(&s->reversed);
	if (casg_buf_grow(&s->reversed, m + 1))
		return casg_err_nomem(err);
	casg_reverse_complement(seq, m, s->reversed.data);
	switch (casg_editdist(s->e, s->reversed.data, m, text, n, most, &edits, err)) {
	case 0:
		return rc;
	case 1:
		q->edits = edits;
		q->reverse = 1;
		return 1;
	default:
		return CASG_ENOMEM;
	}
}

static int decide(struct window *w, const struct open *o, struct scratch *s,
		  struct casg_err *err)
{
	struct casg_clseq *q = &w->c->seqs[o->number];
	uint64_t chosen = CASG_CLUSTER_UNDECIDED;
	size_t n = 0;
	int rc = find_representatives(w, o, s, &n, err);

	if (!rc)
		rc = casg_cluster_residues(w->c, q, &s->seq, err);
	for (size_t i = 0; i < n && i < CASG_CLUSTER_TRIES && !rc; i++) {
		rc = compare(w->c, s, q, &w->c->seqs[s->found[i].number], err);
		if (rc > 0)
			chosen = s->found[i].number;
	}
	if (rc < 0)
		return rc;
	if (chosen == CASG_CLUSTER_UNDECIDED) {
		chosen = o->number;
		q->edits = 0;
		q->reverse = 0;
	}
	__atomic_store_n(&q->representative, chosen, __ATOMIC_SEQ_CST);
	return 0;
}

/* ---- a window ------------------------------------------------------------ */

/* All candidates from *at on are decided about; or *at is one that is not. */
static int is_ready(const struct window *w, const struct open *o, size_t *at)
{
	for (; *at < o->end; ++*at)
		if (__atomic_load_n(&w->c->seqs[w->busy->candidates[*at].number].representative,
				    __ATOMIC_SEQ_CST) == CASG_CLUSTER_UNDECIDED)
			return 0;
	return 1;
}

static int has_failed(const struct window *w)
{
	return __atomic_load_n(&w->fail.failed, __ATOMIC_ACQUIRE);
}

/*
 * Somebody is at work on what is waited for, as tasks are taken in order: for as
 * long as an alignment takes it is not worth to sleep.
 */
static void wait_for(struct window *w, const struct open *o)
{
	size_t at = o->first;

	for (int i = 0; i < SPINS; i++)
		if (is_ready(w, o, &at) || has_failed(w))
			return;
	pthread_mutex_lock(&w->lock);
	__atomic_add_fetch(&w->nasleep, 1, __ATOMIC_SEQ_CST);
	while (!is_ready(w, o, &at) && !has_failed(w))
		pthread_cond_wait(&w->decided, &w->lock);
	__atomic_sub_fetch(&w->nasleep, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&w->lock);
}

static void wake_others(struct window *w)
{
	if (!__atomic_load_n(&w->nasleep, __ATOMIC_SEQ_CST))
		return;
	pthread_mutex_lock(&w->lock);
	pthread_cond_broadcast(&w->decided);
	pthread_mutex_unlock(&w->lock);
}

/* The result is that of one after the other, as each looks at earlier ones only. */
static void decide_task(void *ctx, size_t task, int worker)
{
	struct window *w = ctx;
	struct casg_err err = CASG_ERR_INIT;

	const struct open *o = &w->busy->open[task];

	wait_for(w, o);
	if (!has_failed(w) && decide(w, o, &w->scratch[worker], &err))
		casg_clfail_note(&w->fail, &err);
	wake_others(w);
}

static uint64_t sum_aligned(const struct window *w)
{
	uint64_t n = 0;

	for (int i = 0; i < w->nscratch; i++)
		n += w->scratch[i].naligned;
	return n;
}

/* Until all of the busy one is decided about; nothing if it is. */
static int end_window(struct window *w, struct casg_err *err)
{
	uint64_t before = w->naligned;

	if (!w->started)
		return 0;
	casg_workers_wait(w->c->o.pool, &w->job);
	w->started = 0;
	if (w->fail.failed) {
		if (err)
			*err = w->fail.err;
		return w->fail.err.code;
	}
	/* whatever stands for a candidate lies anywhere */
	casg_cluster_touched(w->c, (uint64_t)w->busy->nopen * CASG_CLUSTER_AROUND);
	w->naligned = sum_aligned(w);
	return casg_cluster_record(w->c, w->busy->numbers, w->busy->nopen, w->naligned - before, err);
}

/* What is gathered has its turn. */
static int decide_window(struct window *w, struct casg_err *err)
{
	struct gathered *g = w->fill;
	uint64_t naligned = 0;
	int rc = end_window(w, err);

	if (rc)
		return rc;
	if (CASG_GROW(g->numbers, g->nopen + 1, g->cap_numbers))
		return casg_err_nomem(err);
	for (size_t i = 0; i < g->nopen; i++)
		g->numbers[i] = g->open[i].number;
	rc = casg_cluster_recall(w->c, g->numbers, g->nopen, &naligned, err);
	if (rc > 0) {
		w->c->stats->naligned += naligned;
		w->c->stats->nrecalled += naligned;
		casg_cluster_touched(w->c, (uint64_t)g->nopen * CASG_CLUSTER_AROUND);
	} else if (!rc) {
		w->fill = w->busy;
		w->busy = g;
		w->started = 1;
		casg_workers_start(w->c->o.pool, &w->job, g->nopen, decide_task, w);
	}
	w->fill->nopen = w->fill->ncandidates = 0;
	return rc < 0 ? rc : 0;
}

static int add_candidate(struct window *w, uint64_t number, uint64_t before,
			 struct casg_err *err)
{
	struct gathered *g = w->fill;
	struct open *o = g->nopen ? &g->open[g->nopen - 1] : NULL;

	if (!o || o->number != number) {
		if (g->ncandidates >= WINDOW_LINKS) {
			int rc = decide_window(w, err);

			if (rc)
				return rc;
			g = w->fill;
		}
		if (CASG_GROW(g->open, g->nopen + 1, g->cap_open))
			return casg_err_nomem(err);
		o = &g->open[g->nopen++];
		*o = (struct open){ number, g->ncandidates, g->ncandidates };
	}
	if (o->end > o->first && g->candidates[o->end - 1].number == before) {
		g->candidates[o->end - 1].n++;
		return 0;
	}
	if (CASG_GROW(g->candidates, g->ncandidates + 1, g->cap_candidates))
		return casg_err_nomem(err);
	g->candidates[g->ncandidates++] = (struct candidate){ before, 1 };
	o->end++;
	return 0;
}

/* ---- all of them --------------------------------------------------------- */

/*
 * Who has no candidates stands for itself; the others are undecided until their
 * window comes.  Candidates come by ascending numbers, so that all before
 * the window are decided about.
 */
static int pick_all(struct window *w, struct casg_extsort *links, struct casg_err *err)
{
	struct casg_cluster *c = w->c;
	uint64_t last = UINT64_MAX;
	const uint8_t *item;
	size_t n;
	int rc;

	for (uint64_t i = 0; i < c->n; i++) {
		c->seqs[i].representative = i;
		c->seqs[i].edits = 0;
		c->seqs[i].reverse = 0;
		casg_cluster_touched(c, sizeof(*c->seqs));
	}
	while ((rc = casg_extsort_next(links, &item, &n, err)) > 0) {
		uint64_t number = casg_get_be64(item);

		rc = add_candidate(w, number, casg_get_be64(item + 8), err);
		if (rc)
			return rc;
		if (number != last)
			c->seqs[number].representative = CASG_CLUSTER_UNDECIDED;
		last = number;
	}
	if (!rc)
		rc = decide_window(w, err);
	return rc ? rc : end_window(w, err);
}

static int make_scratch(struct window *w, struct casg_err *err)
{
	w->nscratch = casg_workers_count(w->c->o.pool);
	w->scratch = calloc((size_t)w->nscratch, sizeof(*w->scratch));
	for (int i = 0; w->scratch && i < w->nscratch; i++)
		if (!(w->scratch[i].e = casg_editdist_new()))
			return casg_err_nomem(err);
	return w->scratch ? 0 : casg_err_nomem(err);
}

int casg_cluster_pick(struct casg_cluster *c, struct casg_extsort *links, struct casg_err *err)
{
	struct window w = { .c = c };
	int rc;

	w.fill = &w.turns[0];
	w.busy = &w.turns[1];
	rc = make_scratch(&w, err);

	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.decided, NULL);
	if (!rc)
		rc = pick_all(&w, links, err);
	if (w.started)
		casg_workers_wait(c->o.pool, &w.job);
	c->stats->naligned += w.scratch ? sum_aligned(&w) : 0;
	for (int i = 0; w.scratch && i < w.nscratch; i++) {
		casg_editdist_free(w.scratch[i].e);
		casg_buf_release(&w.scratch[i].seq);
		casg_buf_release(&w.scratch[i].text);
		casg_buf_release(&w.scratch[i].reversed);
		free(w.scratch[i].found);
	}
	free(w.scratch);
	for (int i = 0; i < 2; i++) {
		free(w.turns[i].candidates);
		free(w.turns[i].open);
		free(w.turns[i].numbers);
	}
	pthread_cond_destroy(&w.decided);
	pthread_mutex_destroy(&w.lock);
	return rc;
}
