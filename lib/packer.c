#include "packer.h"

#include <pthread.h>
#include <stdlib.h>

#include "arrange.h"
#include "array.h"
#include "cut.h"
#include "family.h"
#include "map.h"
#include "matcher.h"
#include "residues.h"
#include "sketch.h"
#include "sum.h"

enum {
	SLAB_NBYTES = 1 << 20,    /* residues hashed as one job */
	AHEAD_NBYTES = 4 << 20,   /* room for residues that is populated at a time */
	TASK_NBYTES = 128 << 10,  /* residues a hashing task takes */
	SKETCH_MAX = 64 << 10,    /* longer pieces are left where they are */
	SKETCH_K_TEXT = 8,
	SKETCH_K_DNA = 24,
	MATCHED_MAX = 1 << 30,    /* bases of a pack that others are matched with */
	MATCHED_LEAST = 4 << 10,  /* bases of a chunk: a script has parts enough to pay for */
	SCANS = 8                 /* chunks that are looked at at the same time */
};

#define NO_GROUP UINT32_MAX
#define NO_TURN SIZE_MAX

struct piece {
	uint64_t at;         /* in the batch's residues */
	uint64_t n;
	uint64_t sketch;
	struct casg_oid id;
	uint8_t dna;
	uint8_t part;        /* of a long sequence */
	uint8_t known;       /* in the store */
	uint32_t group;      /* of the batch's groups */
};

struct record {
	uint64_t piece;      /* a short one: its only piece */
	uint64_t tag, tag_n; /* in the batch's tags */
	uint64_t n;
	struct casg_oid id;  /* a long one: set when it ended */
	uint8_t is_long;
	uint8_t is_new;      /* a long one */
};

/* A hashing job: pieces [first, end), task i begins at task_first[i]. */
struct slab {
	struct casg_job job;
	struct casg_packer *p;
	struct batch *b;
	size_t *task_first;
	size_t ntasks, cap;
};

struct blob {
	uint64_t at, n;
};

struct batch {
	uint8_t *res;
	uint64_t nres, cap_res;
	struct piece *pieces;
	size_t npieces, cap_pieces;
	struct casg_family_piece *kin; /* the sketches of each piece */
	size_t cap_kin;
	size_t nhashed;      /* pieces that a slab covers */
	uint64_t slab_nbytes;
	uint64_t limit;      /* residues that fill it */
	struct record *recs;
	size_t nrecs, cap_recs;
	struct casg_job populating;
	uint64_t populated;  /* bytes of res that jobs were started for */
	struct casg_buf tags;
	struct casg_buf blobs;
	struct blob *blob;
	size_t nblobs, cap_blobs;
	struct slab **slabs;
	size_t nslabs, cap_slabs;
	struct casg_group *groups;
	size_t ngroups, cap_groups;
	uint32_t *group_set;       /* hash table: number + 1, or 0 */
	size_t group_set_cap;
};

/* Pieces that go into one chunk: order[start .. end). */
struct group {
	size_t start, end;
	int dna;
	size_t turn;         /* to be matched; NO_TURN: it is not */
	struct casg_buf out;
	struct casg_oid id;
	int ready;
};

struct long_seq {
	struct casg_long l;
	struct long_seq *next;
};

struct casg_packer {
	struct casg_store *store;
	struct casg_packw *packw;
	struct casg_workers *pool;
	struct casg_coder **coders;
	struct casg_packer_opts opts;
	casg_packer_sink *sink;
	void *sink_ctx;
	struct casg_packer_stats stats;
	/* the sequence under way: residues [start, nres) of the batch not yet a piece */
	uint64_t start;
	uint64_t length;
	int is_long;
	struct casg_hasher *whole;
	struct casg_long cur;
	uint64_t cur_first_piece;  /* first piece of it in this batch */
	struct batch batch[2];
	struct casg_group group;   /* of the sequence under way */
	uint32_t group_number;     /* in the batch being filled; or NO_GROUP */
	struct batch *fill;        /* being filled */
	struct batch *busy;        /* being compressed, or NULL */
	struct casg_job job;
	size_t *order;
	size_t norder, cap_order;
	size_t ndna;               /* of them, bases: these come first */
	struct group *groups;
	size_t ngroups, cap_groups, next_group;
	pthread_mutex_t lock;
	/* chunks are matched one after the other: what is new in one serves the next */
	struct casg_matcher *matcher; /* or NULL */
	struct matching {
		struct casg_scan scan;
		struct casg_script script;
	} *matching;               /* one for each worker */
	uint32_t first_chunk;      /* number of the first group's chunk in its pack */
	uint32_t matched_pack;     /* that the matcher's pool is of, as packw counts */
	size_t nturns, next_turn;  /* groups to be matched; whose turn it is */
	pthread_mutex_t match_lock;
	pthread_cond_t match_turn;
	/* what this run has stored and the store does not show yet */
	struct casg_oid *seen;
	size_t nseen, cap_seen;
	uint32_t *set;
	size_t set_cap;
	struct long_seq *longs, **longs_end;
	struct casg_oid *long_ids; /* of this run's long sequences */
	size_t nlong_ids, cap_long_ids;
	struct casg_err err;
	int failed;
};

uint64_t casg_packer_batch(const struct casg_packer_opts *opts)
{
	uint64_t n = opts->batch_nbytes;

	/* a batch goes into one pack, so a small pack bounds it */
	if (n > opts->pack_nbytes * 2)
		n = opts->pack_nbytes * 2;
	return n < 6 * opts->chunk_nbytes ? 6 * opts->chunk_nbytes : n;
}

/*
 * Memory for what others are matched with.  Batches of bases take a third of what
 * those of text do; of what they leave, workers take up to a half for the chunk that
 * each is at, or fewer k-mers are looked for.  How many workers there are must not
 * be seen in a pack, so a number of them is taken for granted.
 */
static uint64_t share_memory(struct casg_packer_opts *o)
{
	uint64_t most = 2 * o->batch_nbytes, scans;

	while ((scans = SCANS * casg_scan_nbytes(o->chunk_nbytes, o->match)) > most / 2 &&
	       o->match < CASG_SCAN_SHARE_MAX)
		o->match++;
	return scans < most / 2 ? most - scans : most / 2;
}

struct casg_packer *casg_packer_new(struct casg_store *store, struct casg_packw *packw,
				    struct casg_workers *pool, struct casg_coder **coders,
				    const struct casg_packer_opts *opts,
				    casg_packer_sink *sink, void *sink_ctx,
				    struct casg_err *err)
{
	struct casg_packer *p = calloc(1, sizeof(*p));

	if (!p) {
		casg_err_nomem(err);
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->match_lock, NULL);
	pthread_cond_init(&p->match_turn, NULL);
	p->store = store;
	p->packw = packw;
	p->pool = pool;
	p->coders = coders;
	p->opts = *opts;
	p->opts.batch_nbytes = casg_packer_batch(opts);
	p->sink = sink;
	p->sink_ctx = sink_ctx;
	p->longs_end = &p->longs;
	p->fill = &p->batch[0];
	p->whole = casg_hasher_new();
	if (opts->match && opts->level) {
		p->matching = calloc((size_t)casg_workers_count(pool), sizeof(*p->matching));
		p->matcher = casg_matcher_new(MATCHED_MAX, share_memory(&p->opts));
	}
	if (!p->whole || (opts->match && opts->level && (!p->matching || !p->matcher))) {
		casg_packer_free(p);
		casg_err_nomem(err);
		return NULL;
	}
	return p;
}

static void wait_slabs(struct casg_packer *p, struct batch *b)
{
	for (size_t i = 0; i < b->nslabs; i++) {
		casg_workers_wait(p->pool, &b->slabs[i]->job);
		free(b->slabs[i]->task_first);
		free(b->slabs[i]);
	}
	b->nslabs = 0;
}

static void free_batch(struct batch *b)
{
	free(b->res);
	free(b->pieces);
	free(b->kin);
	free(b->recs);
	casg_buf_release(&b->tags);
	casg_buf_release(&b->blobs);
	free(b->blob);
	free(b->slabs);
	free(b->groups);
	free(b->group_set);
}

void casg_packer_free(struct casg_packer *p)
{
	if (!p)
		return;
	for (int i = 0; i < 2; i++) {
		wait_slabs(p, &p->batch[i]);
		if (p->batch[i].populated)
			casg_workers_wait(p->pool, &p->batch[i].populating);
	}
	if (p->busy)
		casg_workers_wait(p->pool, &p->job);
	for (int i = 0; i < 2; i++)
		free_batch(&p->batch[i]);
	for (size_t i = 0; i < p->cap_groups; i++)
		casg_buf_release(&p->groups[i].out);
	while (p->longs) {
		struct long_seq *l = p->longs;

		p->longs = l->next;
		casg_long_release(&l->l);
		free(l);
	}
	casg_long_release(&p->cur);
	for (int i = 0; p->matching && i < casg_workers_count(p->pool); i++) {
		casg_scan_release(&p->matching[i].scan);
		casg_script_release(&p->matching[i].script);
	}
	free(p->matching);
	casg_matcher_free(p->matcher);
	pthread_cond_destroy(&p->match_turn);
	pthread_mutex_destroy(&p->match_lock);
	casg_hasher_free(p->whole);
	free(p->order);
	free(p->groups);
	free(p->seen);
	free(p->set);
	free(p->long_ids);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* The coder of the owner: no task runs with it while the owner is not waiting. */
static struct casg_coder *own_coder(struct casg_packer *p)
{
	return p->coders[casg_workers_count(p->pool) - 1];
}

static void task_failed(struct casg_packer *p, const struct casg_err *err)
{
	int no = 0;

	if (__atomic_compare_exchange_n(&p->failed, &no, 1, 0, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		p->err = *err;
	/* whoever waits for this task's turn to be over need not any more */
	pthread_mutex_lock(&p->match_lock);
	pthread_cond_broadcast(&p->match_turn);
	pthread_mutex_unlock(&p->match_lock);
}

static int after_tasks(struct casg_packer *p, struct casg_err *err)
{
	if (!__atomic_load_n(&p->failed, __ATOMIC_ACQUIRE))
		return 0;
	if (err)
		*err = p->err;
	return p->err.code;
}

/* ---- hashing ----------------------------------------------------------- */

/* A bit for each of the letters A, C, G, T, N, as the low bits of their codes count. */
#define BASE_LETTERS (1u << 1 | 1u << 3 | 1u << 7 | 1u << 14 | 1u << 20)

/* Mostly bases, in few enough runs that listing the others is cheap? */
static int looks_dna(const uint8_t *res, uint64_t n)
{
	uint64_t nother, nruns;
	unsigned int i, bases = 0;

	/* proteins show it within a few residues; a contig may begin with N */
	for (i = 0; i < 32 && i < n; i++)
		bases += BASE_LETTERS >> (res[i] & 31) & (unsigned int)res[i] >> 6 & 1;
	if (bases * 2 < i)
		return 0;
	casg_dna_scan(res, (size_t)n, &nother, &nruns);
	return n && nruns * 16 <= n;
}

/* The sketches of a piece that is not too long to be moved. */
static void sketch_piece(struct casg_family_piece *kin, struct piece *q, const uint8_t *res)
{
	*kin = (struct casg_family_piece){ .nbytes = q->n };
	if (q->n <= SKETCH_MAX)
		casg_sketches(res, (size_t)q->n, q->dna ? SKETCH_K_DNA : SKETCH_K_TEXT,
			      kin->sketches);
	q->sketch = kin->sketches[0];
}

static void hash_task(void *ctx, size_t task, int worker)
{
	struct slab *s = ctx;
	struct casg_packer *p = s->p;
	struct casg_coder *c = p->coders[worker];
	struct casg_err err = CASG_ERR_INIT;

	for (size_t i = s->task_first[task]; i < s->task_first[task + 1]; i++) {
		struct piece *q = &s->b->pieces[i];
		const uint8_t *res = s->b->res + q->at;
		struct casg_loc loc;
		int rc;

		casg_hasher_digest(casg_coder_hasher(c), res, (size_t)q->n, &q->id);
		rc = q->part ? casg_store_find_piece(p->store, c, &q->id, &loc, &err)
			     : casg_store_find(p->store, c, &q->id, &loc, NULL, &err);
		if (rc < 0) {
			task_failed(p, &err);
			return;
		}
		q->known = (uint8_t)rc;
		if (rc)
			continue;
		q->dna = (uint8_t)looks_dna(res, q->n);
		sketch_piece(&s->b->kin[i], q, res);
	}
}

/* Let the pool hash the pieces that are complete; parsing goes on meanwhile. */
static int start_slab(struct casg_packer *p, struct casg_err *err)
{
	struct batch *b = p->fill;
	struct slab *s;
	uint64_t nbytes = 0;

	if (b->nhashed == b->npieces)
		return 0;
	if (b->npieces > b->cap_kin)
		wait_slabs(p, b); /* these move */
	s = calloc(1, sizeof(*s));
	if (!s || CASG_GROW(b->slabs, b->nslabs + 1, b->cap_slabs) ||
	    CASG_GROW(b->kin, b->npieces, b->cap_kin)) {
		free(s);
		return casg_err_nomem(err);
	}
	s->p = p;
	s->b = b;
	for (size_t i = b->nhashed; i <= b->npieces; i++) {
		if (i == b->nhashed || i == b->npieces || nbytes >= TASK_NBYTES) {
			if (CASG_GROW(s->task_first, s->ntasks + 1, s->cap)) {
				free(s->task_first);
				free(s);
				return casg_err_nomem(err);
			}
			s->task_first[s->ntasks++] = i;
			nbytes = 0;
		}
		if (i < b->npieces)
			nbytes += b->pieces[i].n + 64;
	}
	b->nhashed = b->npieces;
	b->slab_nbytes = 0;
	b->slabs[b->nslabs++] = s;
	casg_workers_start(p->pool, &s->job, s->ntasks - 1, hash_task, s);
	return 0;
}

/* ---- the set of what this run stored ----------------------------------- */

static void set_insert(struct casg_packer *p, uint32_t k)
{
	size_t i = (size_t)casg_oid_prefix(&p->seen[k]) & (p->set_cap - 1);

	while (p->set[i])
		i = (i + 1) & (p->set_cap - 1);
	p->set[i] = k + 1;
}

/* 1 if it was there, 0 if it is now, negative: out of memory. */
static int set_add(struct casg_packer *p, const struct casg_oid *id)
{
	size_t i;

	if (p->nseen * 2 >= p->set_cap) {
		size_t cap = p->set_cap ? p->set_cap * 2 : 65536;
		uint32_t *set = calloc(cap, sizeof(*set));

		if (!set)
			return CASG_ENOMEM;
		free(p->set);
		p->set = set;
		p->set_cap = cap;
		for (size_t k = 0; k < p->nseen; k++)
			set_insert(p, (uint32_t)k);
	}
	for (i = (size_t)casg_oid_prefix(id) & (p->set_cap - 1); p->set[i];
	     i = (i + 1) & (p->set_cap - 1))
		if (casg_oid_eq(&p->seen[p->set[i] - 1], id))
			return 1;
	if (CASG_GROW(p->seen, p->nseen + 1, p->cap_seen))
		return CASG_ENOMEM;
	p->seen[p->nseen] = *id;
	p->set[i] = (uint32_t)++p->nseen;
	return 0;
}

static void set_reset(struct casg_packer *p)
{
	p->nseen = 0;
	if (p->set)
		memset(p->set, 0, p->set_cap * sizeof(*p->set));
}

/* ---- order and compression --------------------------------------------- */

/* n pieces, whose numbers in the batch are in 'which'. */
static int find_families(struct casg_packer *p, const struct batch *b,
			 struct casg_arrange_piece *pieces, const size_t *which, size_t n,
			 struct casg_err *err)
{
	struct casg_family_piece *kin = malloc(n * sizeof(*kin) + 1);
	uint64_t *family = malloc(n * sizeof(*family) + 1);
	int rc = kin && family ? 0 : casg_err_nomem(err);

	for (size_t i = 0; i < n && !rc; i++)
		kin[i] = b->kin[which[i]];
	if (!rc)
		rc = casg_families(kin, n, p->opts.chunk_nbytes, family, err);
	for (size_t i = 0; i < n && !rc; i++)
		pieces[i].family = family[i];
	free(kin);
	free(family);
	return rc;
}

/* Bring order[start, end) into its final order; each chunk of it is a group. */
static int arrange_groups(struct casg_packer *p, const struct batch *b, size_t start,
			  size_t end, int dna, struct casg_err *err)
{
	const struct casg_arrange_opts o = {
		.chunk_nbytes = p->opts.chunk_nbytes,
		.max_members = CASG_CHUNK_MEMBERS_MAX / 4,
		.max_cost = p->opts.max_cost,
	};
	size_t n = end - start, nchunks = 0, had = p->cap_groups;
	struct casg_arrange_piece *piece = calloc(n + 1, sizeof(*piece));
	size_t *old = malloc(n * sizeof(*old) + 1), *ends = malloc(n * sizeof(*ends) + 1);
	uint32_t *order = malloc(n * sizeof(*order) + 1);
	int rc = piece && old && ends && order ? 0 : casg_err_nomem(err);

	for (size_t i = 0; i < n && !rc; i++) {
		const struct piece *q = &b->pieces[p->order[start + i]];

		old[i] = p->order[start + i];
		piece[i] = (struct casg_arrange_piece){ .sketch = q->sketch, .nbytes = q->n,
							.group = q->group };
	}
	if (!rc)
		rc = find_families(p, b, piece, old, n, err);
	if (!rc)
		rc = casg_arrange(piece, n, b->groups, (uint32_t)b->ngroups, &o, order, ends, &nchunks, err);
	for (size_t i = 0; i < n && !rc; i++)
		p->order[start + i] = old[order[i]];
	if (!rc && CASG_GROW(p->groups, p->ngroups + nchunks, p->cap_groups))
		rc = casg_err_nomem(err);
	if (p->cap_groups > had)
		memset(p->groups + had, 0, (p->cap_groups - had) * sizeof(*p->groups));
	for (size_t i = 0; i < nchunks && !rc; i++) {
		struct group *g = &p->groups[p->ngroups++];
		uint64_t nbases = 0;

		for (size_t k = i ? ends[i - 1] : 0; k < ends[i] && nbases < MATCHED_LEAST; k++)
			nbases += piece[order[k]].nbytes;
		g->turn = p->matcher && dna && nbases >= MATCHED_LEAST ? p->nturns++ : NO_TURN;
		g->start = start + (i ? ends[i - 1] : 0);
		g->end = start + ends[i];
		g->dna = dna;
		g->ready = 0;
	}
	free(piece);
	free(old);
	free(ends);
	free(order);
	return rc;
}

/* Scan the pieces of a group: any number of threads at once. */
static int scan_group(struct casg_packer *p, const struct group *g, struct casg_scan *scan,
		      struct casg_err *err)
{
	int rc = 0;

	casg_scan_reset(scan);
	for (size_t i = g->start; i < g->end && !rc; i++) {
		const struct piece *q = &p->busy->pieces[p->order[i]];

		rc = casg_scan_add(scan, p->busy->res + q->at, (size_t)q->n, p->opts.match, err);
	}
	return rc;
}

/*
 * Match a group with what the pack has, when those before it have been.  Tasks
 * are taken in order, so somebody is at work on each that is waited for.
 */
static int match_group(struct casg_packer *p, size_t task, struct matching *m,
		       struct casg_err *err)
{
	const struct group *g = &p->groups[task];
	int rc = scan_group(p, g, &m->scan, err);

	if (rc)
		return rc;
	pthread_mutex_lock(&p->match_lock);
	while (p->next_turn != g->turn && !__atomic_load_n(&p->failed, __ATOMIC_ACQUIRE))
		pthread_cond_wait(&p->match_turn, &p->match_lock);
	if (p->next_turn == g->turn) {
		rc = casg_matcher_begin(p->matcher, p->first_chunk + (uint32_t)task, &m->script,
					err);
		for (size_t i = 0; i < g->end - g->start && !rc; i++)
			rc = casg_matcher_match(p->matcher, &m->scan, i, err);
		if (!rc)
			rc = casg_matcher_end(p->matcher, err);
		p->next_turn += !rc;
	} else {
		rc = casg_err_set(err, CASG_EBUG, "another thread has failed");
	}
	pthread_cond_broadcast(&p->match_turn);
	pthread_mutex_unlock(&p->match_lock);
	return rc;
}

static int encode_group(struct casg_packer *p, struct group *g, struct casg_coder *c,
			const struct casg_script *script, struct casg_err *err)
{
	size_t n = g->end - g->start;
	struct casg_slice *m = malloc(n * sizeof(*m));
	struct casg_oid *ids = malloc(n * sizeof(*ids));
	int rc;

	for (size_t i = 0; m && ids && i < n; i++) {
		const struct piece *q = &p->busy->pieces[p->order[g->start + i]];

		m[i].p = p->busy->res + q->at;
		m[i].nbytes = (size_t)q->n;
		ids[i] = q->id;
	}
	casg_buf_reset(&g->out);
	if (!m || !ids)
		rc = casg_err_nomem(err);
	else if (script)
		rc = casg_chunk_encode_matched(c, p->opts.level, m, (uint32_t)n, ids, script,
					       &g->out, &g->id, err);
	else
		rc = casg_chunk_encode(c, CASG_CHUNK_SEQ, g->dna, p->opts.level, m, (uint32_t)n,
				       ids, &g->out, &g->id, err);
	free(m);
	free(ids);
	return rc;
}

static int write_group(struct casg_packer *p, struct group *g, struct casg_err *err)
{
	size_t n = g->end - g->start;
	struct casg_objinfo *info = malloc(n * sizeof(*info));
	int rc;

	for (size_t i = 0; info && i < n; i++) {
		const struct piece *q = &p->busy->pieces[p->order[g->start + i]];

		info[i].id = q->id;
		info[i].nbytes = q->n;
	}
	rc = info ? casg_packw_add(p->packw, g->out.data, g->out.len, &g->id, info, err)
		  : casg_err_nomem(err);
	free(info);
	casg_buf_release(&g->out);
	return rc;
}

/*
 * Whoever completes the chunk that is next in order writes it, and those
 * behind it that are ready; the others go on compressing.
 */
static void group_task(void *ctx, size_t task, int worker)
{
	struct casg_packer *p = ctx;
	struct casg_err err = CASG_ERR_INIT;
	struct matching *m = p->groups[task].turn == NO_TURN ? NULL : &p->matching[worker];
	int rc = 0;

	if (__atomic_load_n(&p->failed, __ATOMIC_ACQUIRE))
		return;
	if (m)
		rc = match_group(p, task, m, &err);
	if (!rc)
		rc = encode_group(p, &p->groups[task], p->coders[worker],
				  m ? &m->script : NULL, &err);
	pthread_mutex_lock(&p->lock);
	p->groups[task].ready = !rc;
	while (!rc && p->next_group < p->ngroups && p->groups[p->next_group].ready)
		rc = write_group(p, &p->groups[p->next_group++], &err);
	pthread_mutex_unlock(&p->lock);
	if (rc)
		task_failed(p, &err);
}

/* Pieces that are new go into p->order, first the bases, then the rest. */
static int choose_new(struct casg_packer *p, struct batch *b, uint64_t *estimate,
		      struct casg_err *err)
{
	*estimate = 0;
	p->norder = 0;
	if (CASG_GROW(p->order, b->npieces + 1, p->cap_order))
		return casg_err_nomem(err);
	for (size_t i = 0; i < b->npieces; i++) {
		struct piece *q = &b->pieces[i];
		int rc;

		if (q->known)
			continue;
		rc = set_add(p, &q->id);
		if (rc < 0)
			return casg_err_nomem(err);
		q->known = (uint8_t)rc;
		*estimate += rc ? 0 : q->dna ? q->n / 4 : q->n / 2;
	}
	for (int dna = 1; dna >= 0; dna--) {
		for (size_t i = 0; i < b->npieces; i++)
			if (!b->pieces[i].known && b->pieces[i].dna == dna)
				p->order[p->norder++] = i;
		if (dna)
			p->ndna = p->norder;
	}
	return 0;
}

/* The records from *next on, or as many as can be given until 'job' is done. */
static int give_records(struct casg_packer *p, struct batch *b, size_t *next,
			struct casg_job *job, struct casg_err *err)
{
	/* a piece counts as new once: for the first record that has it */
	for (; *next < b->nrecs; ++*next) {
		const struct record *r = &b->recs[*next];
		struct piece *q = r->is_long ? NULL : &b->pieces[r->piece];
		int rc;

		if (job && !(*next % 64) && casg_workers_is_done(p->pool, job))
			break;
		p->stats.nnew += r->is_long ? r->is_new : !q->known;
		rc = !p->sink ? 0 :
		     p->sink(p->sink_ctx, b->tags.data + r->tag, (size_t)r->tag_n,
			     q ? &q->id : &r->id, r->n, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int write_blobs(struct casg_packer *p, struct batch *b, struct casg_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < b->nblobs && !rc; i++) {
		struct casg_oid id;
		struct casg_blobw *w = casg_blobw_new(p->packw, p->store, own_coder(p),
						      p->opts.level, err);

		if (!w)
			return CASG_ENOMEM;
		rc = casg_blobw_add(w, b->blobs.data + b->blob[i].at,
				    (size_t)b->blob[i].n, err);
		if (rc)
			casg_blobw_free(w);
		else
			rc = casg_blobw_finish(w, &id, err);
	}
	return rc;
}

static int wait_busy(struct casg_packer *p, struct casg_err *err)
{
	if (!p->busy)
		return 0;
	casg_workers_wait(p->pool, &p->job);
	p->busy = NULL;
	return after_tasks(p, err);
}

/* Close the pack if this batch would take it over its size. */
static int maybe_rotate(struct casg_packer *p, uint64_t estimate, size_t nseen_before,
			struct casg_err *err)
{
	uint32_t npacks = casg_packw_npacks(p->packw);
	size_t nnew = p->nseen - nseen_before;
	int rc = casg_packw_room(p->packw, estimate, p->norder, err);

	if (rc || casg_packw_npacks(p->packw) == npacks)
		return rc;
	/* the store shows the old ones now; keep this batch's own */
	memmove(p->seen, p->seen + nseen_before, nnew * sizeof(*p->seen));
	set_reset(p);
	p->nseen = nnew;
	for (size_t k = 0; k < nnew; k++)
		set_insert(p, (uint32_t)k);
	return 0;
}

/* Where the groups will lie.  A new pack, whoever closed the old one, has no literals. */
static void start_matching(struct casg_packer *p)
{
	uint32_t pack = casg_packw_npacks(p->packw);

	p->nturns = p->next_turn = 0;
	p->first_chunk = casg_packw_nchunks(p->packw);
	if (p->matcher && pack != p->matched_pack)
		casg_matcher_reset(p->matcher);
	p->matched_pack = pack;
}

static void arrange_task(void *ctx, size_t task, int worker)
{
	struct casg_packer *p = ctx;
	struct casg_err err = CASG_ERR_INIT;

	(void)task;
	(void)worker;
	if (arrange_groups(p, p->fill, 0, p->ndna, 1, &err) ||
	    arrange_groups(p, p->fill, p->ndna, p->norder, 0, &err))
		task_failed(p, &err);
}

/* One worker finds the order; whoever reads the records has work meanwhile. */
static int arrange_batch(struct casg_packer *p, struct batch *b, size_t *next,
			 struct casg_err *err)
{
	struct casg_job job;
	int rc;

	casg_workers_start(p->pool, &job, 1, arrange_task, p);
	rc = give_records(p, b, next, &job, err);
	casg_workers_wait(p->pool, &job);
	return rc ? rc : after_tasks(p, err);
}

/* The batch is full, or the input ended: choose, order, start compressing. */
static int dispatch(struct casg_packer *p, struct casg_err *err)
{
	struct batch *b = p->fill;
	uint64_t estimate;
	size_t next = 0, nseen;
	int rc = start_slab(p, err);

	wait_slabs(p, b);
	if (!rc)
		rc = wait_busy(p, err);
	if (!rc)
		rc = after_tasks(p, err);
	nseen = p->nseen;
	if (!rc)
		rc = choose_new(p, b, &estimate, err);
	if (!rc)
		rc = maybe_rotate(p, estimate, nseen, err);
	if (!rc)
		rc = write_blobs(p, b, err);
	p->ngroups = p->next_group = 0;
	start_matching(p);
	if (!rc)
		rc = arrange_batch(p, b, &next, err);
	if (rc)
		return rc;
	p->busy = b;
	casg_workers_start(p->pool, &p->job, p->ngroups, group_task, p);
	/* whoever reads the records may be slow: the others compress meanwhile */
	return give_records(p, b, &next, NULL, err);
}

/* ---- filling ----------------------------------------------------------- */

/*
 * Room for what records bring beside their residues, as far as casg_packer_end
 * lets a batch have it.  To grow by and by would move all of it several times,
 * and what is not used costs nothing.
 */
static int reserve(struct batch *b, uint64_t nbytes)
{
	size_t n = (size_t)nbytes / (sizeof(*b->recs) + sizeof(*b->pieces)) + 1;

	b->tags.data = casg_arena_alloc((size_t)nbytes);
	b->pieces = casg_arena_alloc(n * sizeof(*b->pieces));
	b->recs = casg_arena_alloc(n * sizeof(*b->recs));
	if (!b->tags.data || !b->pieces || !b->recs)
		return CASG_ENOMEM;
	b->tags.cap = (size_t)nbytes;
	b->cap_pieces = b->cap_recs = n;
	return 0;
}

static int prepare_batch(struct casg_packer *p, struct batch *b, struct casg_err *err)
{
	if (!b->res) {
		b->cap_res = p->opts.batch_nbytes + 2 * p->opts.chunk_nbytes + (1 << 20);
		b->res = casg_arena_alloc((size_t)b->cap_res);
		if (!b->res || reserve(b, p->opts.batch_nbytes))
			return casg_err_nomem(err);
	}
	b->nres = 0;
	b->npieces = b->nhashed = b->nrecs = b->nblobs = 0;
	b->slab_nbytes = 0;
	b->limit = p->opts.batch_nbytes;
	b->ngroups = 0;
	if (b->group_set)
		memset(b->group_set, 0, b->group_set_cap * sizeof(*b->group_set));
	p->group_number = NO_GROUP;
	casg_buf_reset(&b->tags);
	casg_buf_reset(&b->blobs);
	return 0;
}

/* Go on in the other batch, with what is not yet a piece. */
static int next_batch(struct casg_packer *p, struct casg_err *err)
{
	struct batch *from = p->fill, *to;
	uint64_t tail = from->nres - p->start;
	int rc = dispatch(p, err);

	if (rc)
		return rc;
	to = p->fill == &p->batch[0] ? &p->batch[1] : &p->batch[0];
	rc = prepare_batch(p, to, err);
	if (rc)
		return rc;
	if (tail)
		memcpy(to->res, from->res + p->start, (size_t)tail);
	to->nres = tail;
	p->start = 0;
	p->fill = to;
	p->cur_first_piece = 0;
	return 0;
}

static size_t group_slot(const struct batch *b, const struct casg_group *g)
{
	size_t i = (size_t)casg_xxh64(0, g, sizeof(*g)) & (b->group_set_cap - 1);

	while (b->group_set[i] && memcmp(&b->groups[b->group_set[i] - 1], g, sizeof(*g)))
		i = (i + 1) & (b->group_set_cap - 1);
	return i;
}

/* Number the group of the sequence under way, in this batch. */
static int number_group(struct casg_packer *p, struct batch *b)
{
	size_t i;

	if (b->ngroups * 2 >= b->group_set_cap) {
		size_t cap = b->group_set_cap ? b->group_set_cap * 2 : 1024;
		uint32_t *set = calloc(cap, sizeof(*set));

		if (!set)
			return -1;
		free(b->group_set);
		b->group_set = set;
		b->group_set_cap = cap;
		for (size_t k = 0; k < b->ngroups; k++)
			set[group_slot(b, &b->groups[k])] = (uint32_t)k + 1;
	}
	i = group_slot(b, &p->group);
	if (!b->group_set[i]) {
		if (CASG_GROW(b->groups, b->ngroups + 1, b->cap_groups))
			return -1;
		b->groups[b->ngroups] = p->group;
		b->group_set[i] = (uint32_t)++b->ngroups;
	}
	p->group_number = b->group_set[i] - 1;
	return 0;
}

void casg_packer_group(struct casg_packer *p, const struct casg_group *group)
{
	if (p->group.home != group->home || p->group.own != group->own)
		p->group_number = NO_GROUP;
	p->group = *group;
}

/*
 * Pieces move in memory as they are added; a slab at work must not see that.
 * So there is room for all that a batch can hold from the start.
 */
static int add_piece(struct casg_packer *p, uint64_t n, int part, struct casg_err *err)
{
	struct batch *b = p->fill;
	struct piece *q;

	if (b->npieces == b->cap_pieces) {
		wait_slabs(p, b);
		if (CASG_GROW(b->pieces, b->npieces + 1, b->cap_pieces))
			return casg_err_nomem(err);
	}
	if (p->group_number == NO_GROUP && number_group(p, b))
		return casg_err_nomem(err);
	q = &b->pieces[b->npieces++];
	/* bases gain nothing from being ordered in a large batch */
	if (b->npieces == 1)
		b->limit = looks_dna(b->res + p->start, n) ? p->opts.batch_nbytes / 3
							   : p->opts.batch_nbytes;
	memset(q, 0, sizeof(*q));
	q->at = p->start;
	q->n = n;
	q->part = (uint8_t)part;
	q->group = p->group_number;
	p->start += n;
	b->slab_nbytes += n + 64;
	return b->slab_nbytes >= SLAB_NBYTES ? start_slab(p, err) : 0;
}

/* The ids of the pieces of a long sequence are known once a slab is done. */
static int collect_pieces(struct casg_packer *p, struct casg_err *err)
{
	struct batch *b = p->fill;
	struct casg_long *l = &p->cur;
	int rc = start_slab(p, err);

	if (rc)
		return rc;
	wait_slabs(p, b);
	rc = after_tasks(p, err);
	for (size_t i = p->cur_first_piece; i < b->npieces && !rc; i++) {
		if (CASG_GROW(l->pieces, l->npieces + 1, l->cap) ||
		    CASG_GROW(l->piece_nbytes, l->npieces + 1, l->cap2))
			return casg_err_nomem(err);
		l->pieces[l->npieces] = b->pieces[i].id;
		l->piece_nbytes[l->npieces++] = b->pieces[i].n;
	}
	p->cur_first_piece = b->npieces;
	return rc;
}

static unsigned int cut_bits(uint64_t chunk_nbytes)
{
	unsigned int bits = 1;

	while (((uint64_t)4 << bits) < chunk_nbytes)
		bits++;
	return bits;
}

/* Cut pieces off the long sequence under way while enough of it is there. */
static int cut_long(struct casg_packer *p, int final, struct casg_err *err)
{
	uint64_t max = p->opts.chunk_nbytes;
	int rc = 0;

	while (!rc && p->fill->nres - p->start > (final ? 0 : max))
		rc = add_piece(p, casg_cut(p->fill->res + p->start,
					   (size_t)(p->fill->nres - p->start),
					   (size_t)max / 4, cut_bits(max), (size_t)max), 1, err);
	return rc;
}

static void populate_task(void *ctx, size_t task, int worker)
{
	struct batch *b = ctx;

	(void)task;
	(void)worker;
	casg_arena_populate(b->res + b->populated - AHEAD_NBYTES, AHEAD_NBYTES);
}

/*
 * The first touch of memory is dear, and dearer on a virtual machine, which may
 * have to ask its host: once much is used, a worker sees to what comes next.
 */
static void populate(struct casg_packer *p, struct batch *b)
{
	if (b->populated >= b->nres + AHEAD_NBYTES || b->nres < AHEAD_NBYTES ||
	    b->populated + AHEAD_NBYTES > b->limit || casg_workers_count(p->pool) < 2)
		return;
	if (b->populated)
		casg_workers_wait(p->pool, &b->populating);
	else
		b->populated = b->nres / AHEAD_NBYTES * AHEAD_NBYTES;
	b->populated += AHEAD_NBYTES;
	casg_workers_start(p->pool, &b->populating, 1, populate_task, b);
}

int casg_packer_residues(struct casg_packer *p, const uint8_t *res, size_t n,
			 struct casg_err *err)
{
	int rc = 0;

	if (!p->fill->res)
		rc = prepare_batch(p, p->fill, err);
	while (n && !rc) {
		struct batch *b = p->fill;
		uint64_t take = b->cap_res - b->nres;

		if (take > n)
			take = n;
		memcpy(b->res + b->nres, res, (size_t)take);
		b->nres += take;
		p->length += take;
		if (p->is_long)
			casg_hasher_update(p->whole, res, (size_t)take);
		res += take;
		n -= (size_t)take;
		if (p->length > p->opts.chunk_nbytes && !p->is_long) {
			p->is_long = 1;
			p->cur_first_piece = b->npieces;
			casg_hasher_init(p->whole);
			casg_hasher_update(p->whole, b->res + p->start,
					   (size_t)(b->nres - p->start));
		}
		populate(p, b);
		if (p->is_long)
			rc = cut_long(p, 0, err);
		if (!rc && b->nres >= b->limit) {
			if (p->is_long)
				rc = collect_pieces(p, err);
			if (!rc)
				rc = next_batch(p, err);
		}
	}
	return rc;
}

static int known_long(struct casg_packer *p, const struct casg_oid *id,
		      struct casg_err *err)
{
	struct casg_loc loc;

	for (size_t i = 0; i < p->nlong_ids; i++)
		if (casg_oid_eq(&p->long_ids[i], id))
			return 1;
	return casg_store_find(p->store, own_coder(p), id, &loc, NULL, err);
}

static int end_long(struct casg_packer *p, struct record *r, struct casg_err *err)
{
	struct long_seq *l;
	int rc = cut_long(p, 1, err);

	if (!rc)
		rc = collect_pieces(p, err);
	if (rc)
		return rc;
	casg_hasher_final(p->whole, &r->id);
	r->is_long = 1;
	rc = known_long(p, &r->id, err);
	if (rc < 0)
		return rc;
	r->is_new = !rc;
	if (rc) {
		casg_long_release(&p->cur);
		return 0;
	}
	l = calloc(1, sizeof(*l));
	if (!l || CASG_GROW(p->long_ids, p->nlong_ids + 1, p->cap_long_ids)) {
		free(l);
		return casg_err_nomem(err);
	}
	p->long_ids[p->nlong_ids++] = r->id;
	l->l = p->cur;
	l->l.kind = CASG_CHUNK_SEQ;
	l->l.id = r->id;
	l->l.nbytes = p->length;
	memset(&p->cur, 0, sizeof(p->cur));
	*p->longs_end = l;
	p->longs_end = &l->next;
	return 0;
}

int casg_packer_end(struct casg_packer *p, const void *tag, size_t tag_nbytes,
		    struct casg_err *err)
{
	struct batch *b = p->fill;
	struct record r = { .n = p->length };
	int rc;

	rc = b->res ? 0 : prepare_batch(p, b, err);
	if (rc)
		return rc;
	if (p->is_long) {
		rc = end_long(p, &r, err);
	} else {
		r.piece = b->npieces;
		rc = add_piece(p, p->length, 0, err);
	}
	if (rc)
		return rc;
	if (CASG_GROW(b->recs, b->nrecs + 1, b->cap_recs))
		return casg_err_nomem(err);
	r.tag = b->tags.len;
	r.tag_n = tag_nbytes;
	casg_buf_add(&b->tags, tag, tag_nbytes);
	if (b->tags.failed)
		return casg_err_nomem(err);
	b->recs[b->nrecs++] = r;
	p->stats.nrecords++;
	p->stats.nresidues += p->length;
	p->length = 0;
	p->is_long = 0;
	/* short sequences with long headers, or none, count as well */
	if (b->tags.len + b->blobs.len +
	    b->nrecs * (sizeof(r) + sizeof(struct piece) + sizeof(*b->kin)) >=
	    p->opts.batch_nbytes)
		return next_batch(p, err);
	return 0;
}

int casg_packer_copy(struct casg_packer *p, struct casg_store *from, struct casg_coder *c,
		     const struct casg_loc *loc, struct casg_err *err)
{
	struct casg_object o;
	struct casg_buf piece = CASG_BUF_INIT;
	int rc = casg_store_object(from, c, loc, &o, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < o.npieces && !rc; i++) {
		casg_buf_reset(&piece);
		rc = casg_store_read(from, c, &o.pieces[i], 0, UINT64_MAX, &piece, NULL, err);
		if (!rc)
			rc = casg_packer_residues(p, piece.data, piece.len, err);
	}
	casg_buf_release(&piece);
	casg_object_release(&o);
	return rc ? rc : casg_packer_end(p, NULL, 0, err);
}

int casg_packer_blob(struct casg_packer *p, const void *bytes, size_t n,
		     struct casg_oid *id_out, struct casg_err *err)
{
	struct batch *b = p->fill;
	/* a long prologue comes before the first residue */
	int rc = b->res ? 0 : prepare_batch(p, b, err);

	if (rc)
		return rc;
	if (CASG_GROW(b->blob, b->nblobs + 1, b->cap_blobs))
		return casg_err_nomem(err);
	casg_hasher_digest(casg_coder_hasher(own_coder(p)),
			   bytes, n, id_out);
	b->blob[b->nblobs].at = b->blobs.len;
	b->blob[b->nblobs++].n = n;
	casg_buf_add(&b->blobs, bytes, n);
	return casg_buf_check(&b->blobs, err);
}

int casg_packer_finish(struct casg_packer *p, struct casg_packer_stats *out,
		       struct casg_err *err)
{
	int rc = dispatch(p, err);

	if (!rc)
		rc = wait_busy(p, err);
	for (struct long_seq *l = p->longs; l && !rc; l = l->next)
		rc = casg_packw_long(p->packw, p->store, own_coder(p), &l->l, err);
	if (!rc)
		rc = casg_packw_finish(p->packw, err);
	*out = p->stats;
	return rc;
}
