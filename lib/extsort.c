#include "extsort.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "endian.h"
#include "io.h"
#include "map.h"
#include "strsort.h"
#include "tmpfile.h"

#define FAN_IN 64               /* runs merged at once */
#define WRITE_MIN ((size_t)64 << 10)
#define BUFFER_MAX ((size_t)2 << 20)
#define LENSZ CASG_STRSORT_LENSZ
#define SCRATCH "scratch file of a sort"

/* A sorted stretch of the scratch file. */
struct run {
	uint64_t start, end;    /* byte offsets */
	uint64_t nitems;
};

/* Reads one run through a buffer. */
struct reader {
	int fd;
	uint64_t at, end;       /* what of the run is not in the buffer yet */
	uint64_t nleft;         /* items not handed out yet, the current one too */
	uint8_t *buf;
	size_t cap, pos, len;
	uint64_t key;           /* first bytes of the current item */
	const uint8_t *item;
	size_t nbytes;
};

/* Writes runs through a buffer. */
struct writer {
	int fd;
	uint64_t at;            /* bytes given so far */
	uint8_t *buf;
	size_t cap, len;
};

/* A tree of losers over the readers: tree[0] is the winner's number. */
struct merge {
	struct reader *readers;
	size_t n;
	size_t tree[FAN_IN];
	int begun;
};

/*
 * Items lie in memory as they lie in runs: length, then bytes (strsort.h).
 * While they come in, memory is one block: items grow from its low end, their
 * entries for the sort from its high end, and it is full when they meet.
 */
struct casg_extsort {
	char *tmpdir;
	struct casg_workers *pool;
	size_t memory;
	uint8_t *block;
	size_t block_size, used;
	size_t nitems;          /* in the block */
	size_t next_item;
	uint64_t count;
	size_t prefix;          /* bytes that all items in the block begin with */
	struct writer writer;
	struct run *runs;
	size_t nruns, runs_cap;
	uint64_t nwritten;      /* runs written by add and finish */
	struct merge merge;
	enum { ADDING, GIVING, BROKEN } state;
};

static struct casg_strent *entries(struct casg_extsort *s)
{
	return (struct casg_strent *)(s->block + s->block_size) - s->nitems;
}

struct casg_extsort *casg_extsort_new(const char *tmpdir, size_t memory_nbytes,
				      struct casg_workers *pool,
				      struct casg_err *err)
{
	struct casg_extsort *s = calloc(1, sizeof(*s));

	if (!s) {
		casg_err_nomem(err);
		return NULL;
	}
	if (memory_nbytes < CASG_EXTSORT_MEMORY_MIN)
		memory_nbytes = CASG_EXTSORT_MEMORY_MIN;
	s->pool = pool;
	s->memory = memory_nbytes;
	s->writer.fd = -1;
	s->writer.cap = memory_nbytes / 16;
	if (s->writer.cap > BUFFER_MAX)
		s->writer.cap = BUFFER_MAX;
	if (s->writer.cap < WRITE_MIN)
		s->writer.cap = WRITE_MIN;
	/* entries are counted from the end, so the end must be aligned */
	s->block_size = (memory_nbytes - s->writer.cap) & ~(size_t)63;
	s->tmpdir = strdup(tmpdir);
	s->block = casg_arena_alloc(s->block_size);
	if (!s->tmpdir || !s->block) {
		casg_extsort_free(s);
		casg_err_nomem(err);
		return NULL;
	}
	return s;
}

static void merge_release(struct merge *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->readers[i].buf);
	free(m->readers);
	memset(m, 0, sizeof(*m));
}

static void writer_release(struct writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w->buf);
	w->fd = -1;
	w->buf = NULL;
}

void casg_extsort_free(struct casg_extsort *s)
{
	if (!s)
		return;
	merge_release(&s->merge);
	writer_release(&s->writer);
	free(s->runs);
	free(s->block);
	free(s->tmpdir);
	free(s);
}

uint64_t casg_extsort_count(const struct casg_extsort *s)
{
	return s->count;
}

uint64_t casg_extsort_runs(const struct casg_extsort *s)
{
	return s->nwritten;
}

static int writer_open(struct writer *w, const char *tmpdir, struct casg_err *err)
{
	if (!w->buf)
		w->buf = malloc(w->cap);
	if (!w->buf)
		return casg_err_nomem(err);
	w->at = 0;
	w->len = 0;
	w->fd = casg_tmpfile_scratch(tmpdir, err);
	return w->fd < 0 ? w->fd : 0;
}

static int writer_flush(struct writer *w, struct casg_err *err)
{
	int rc = casg_write_full(w->fd, w->buf, w->len, err);

	w->len = 0;
	if (rc)
		casg_err_prefix(err, SCRATCH);
	return rc;
}

/* An item in the form of strsort.h, length included. */
static int writer_put(struct writer *w, const void *p, size_t nbytes,
		      struct casg_err *err)
{
	int rc;

	w->at += nbytes;
	if (nbytes > w->cap - w->len) {
		rc = writer_flush(w, err);
		if (rc)
			return rc;
	}
	if (nbytes > w->cap) {
		rc = casg_write_full(w->fd, p, nbytes, err);
		if (rc)
			casg_err_prefix(err, SCRATCH);
		return rc;
	}
	memcpy(w->buf + w->len, p, nbytes);
	w->len += nbytes;
	return 0;
}

static int run_begin(struct casg_extsort *s, struct casg_err *err)
{
	if (CASG_GROW(s->runs, s->nruns + 1, s->runs_cap))
		return casg_err_nomem(err);
	s->runs[s->nruns] = (struct run){ .start = s->writer.at };
	return s->writer.fd >= 0 ? 0 : writer_open(&s->writer, s->tmpdir, err);
}

static int run_end(struct casg_extsort *s, uint64_t nitems, struct casg_err *err)
{
	struct run *r = &s->runs[s->nruns++];

	s->nwritten++;
	r->end = s->writer.at;
	r->nitems = nitems;
	return writer_flush(&s->writer, err);
}

static void sort_block(struct casg_extsort *s)
{
	casg_strsort(entries(s), s->nitems, s->nitems ? s->prefix : 0, s->pool);
}

/* Sort what is in the block and write it out. */
static int spill(struct casg_extsort *s, struct casg_err *err)
{
	struct casg_strent *e = entries(s);
	int rc = run_begin(s, err);

	if (rc)
		return rc;
	sort_block(s);
	for (size_t i = 0; i < s->nitems; i++) {
		/* sorted items lie all over the block: ask for them early */
		if (i + 8 < s->nitems)
			__builtin_prefetch(e[i + 8].p);
		rc = writer_put(&s->writer, e[i].p, LENSZ + casg_strent_len(&e[i]), err);
		if (rc)
			return rc;
	}
	rc = run_end(s, s->nitems, err);
	s->nitems = 0;
	s->used = 0;
	return rc;
}

/* An item that no block has room for is a run of its own. */
static int spill_one(struct casg_extsort *s, const void *item, size_t nbytes,
		     struct casg_err *err)
{
	uint8_t len[LENSZ];
	int rc = run_begin(s, err);

	casg_put_le32(len, (uint32_t)nbytes);
	if (!rc)
		rc = writer_put(&s->writer, len, LENSZ, err);
	if (!rc)
		rc = writer_put(&s->writer, item, nbytes, err);
	return rc ? rc : run_end(s, 1, err);
}

/* Shorten s->prefix to what this item has in common with the block's first. */
static void note_prefix(struct casg_extsort *s, const uint8_t *item, size_t nbytes)
{
	size_t i = 0, max = s->prefix < nbytes ? s->prefix : nbytes;
	const uint8_t *first = s->block + LENSZ;

	if (!s->nitems) {
		s->prefix = nbytes;
		return;
	}
	while (i < max && first[i] == item[i])
		i++;
	s->prefix = i;
}

static int add(struct casg_extsort *s, const void *item, size_t nbytes,
	       struct casg_err *err)
{
	size_t cost = sizeof(struct casg_strent) + LENSZ + nbytes;
	uint8_t *p;

	if (cost > s->block_size - s->used - s->nitems * sizeof(struct casg_strent)) {
		int rc = s->nitems ? spill(s, err) : 0;

		if (rc || cost > s->block_size)
			return rc ? rc : spill_one(s, item, nbytes, err);
	}
	p = s->block + s->used;
	casg_put_le32(p, (uint32_t)nbytes);
	if (nbytes)
		memcpy(p + LENSZ, item, nbytes);
	note_prefix(s, p + LENSZ, nbytes);
	s->nitems++;
	entries(s)->p = p;
	s->used += LENSZ + nbytes;
	return 0;
}

/* After a failure the scratch file is in no known state. */
static int broken(struct casg_extsort *s, int rc)
{
	if (rc < 0)
		s->state = BROKEN;
	return rc;
}

int casg_extsort_add(struct casg_extsort *s, const void *item, size_t nbytes,
		     struct casg_err *err)
{
	if (s->state != ADDING)
		return casg_err_set(err, CASG_EBUG, "an item is added to a finished sort");
	if (nbytes > CASG_EXTSORT_ITEM_MAX)
		return casg_err_set(err, CASG_ENOMEM, "an item to sort is longer than %zu bytes",
				    CASG_EXTSORT_ITEM_MAX);
	s->count++;
	return broken(s, add(s, item, nbytes, err));
}

static int cut_short(struct casg_err *err)
{
	return casg_err_set(err, CASG_ECORRUPT, SCRATCH " is cut short or damaged");
}

/* Have at least 'need' unread bytes in the buffer. */
static int reader_fill(struct reader *r, size_t need, struct casg_err *err)
{
	size_t have = r->len - r->pos, want, got;
	int rc;

	if (have >= need)
		return 0;
	if (need - have > r->end - r->at)
		return cut_short(err);
	if (have && r->pos)
		memmove(r->buf, r->buf + r->pos, have);
	r->pos = 0;
	r->len = have;
	if (CASG_GROW(r->buf, need, r->cap))
		return casg_err_nomem(err);
	want = r->cap - have;
	if (want > r->end - r->at)
		want = (size_t)(r->end - r->at);
	rc = casg_pread_full(r->fd, r->buf + have, want, r->at, &got, err);
	if (rc) {
		casg_err_prefix(err, SCRATCH);
		return rc;
	}
	if (got < want)
		return cut_short(err);
	r->at += got;
	r->len += got;
	return 0;
}

/* Step to the next item; nleft says whether there is one. */
static int reader_next(struct reader *r, struct casg_err *err)
{
	int rc;

	if (!--r->nleft)
		return r->at == r->end && r->pos == r->len ? 0 : cut_short(err);
	rc = reader_fill(r, LENSZ, err);
	if (rc)
		return rc;
	r->nbytes = casg_get_le32(r->buf + r->pos);
	if (r->nbytes > CASG_EXTSORT_ITEM_MAX)
		return cut_short(err);
	rc = reader_fill(r, LENSZ + r->nbytes, err);
	if (rc)
		return rc;
	r->item = r->buf + r->pos + LENSZ;
	r->pos += LENSZ + r->nbytes;
	r->key = casg_strsort_key(r->item, r->nbytes, 0);
	return 0;
}

/* Does reader a come before b?  One that has no more comes after all others. */
static int comes_before(const struct merge *m, size_t a, size_t b)
{
	const struct reader *ra = &m->readers[a], *rb = &m->readers[b];
	int c;

	if (!ra->nleft || !rb->nleft)
		return ra->nleft ? 1 : rb->nleft ? 0 : a < b;
	if (ra->key != rb->key)
		return ra->key < rb->key;
	c = memcmp(ra->item, rb->item, ra->nbytes < rb->nbytes ? ra->nbytes : rb->nbytes);
	if (c)
		return c < 0;
	return ra->nbytes != rb->nbytes ? ra->nbytes < rb->nbytes : a < b;
}

/* Carry 'who' from its leaf to the top, leaving losers on the way. */
static void replay(struct merge *m, size_t who)
{
	for (size_t node = (m->n + who) / 2; node; node /= 2) {
		size_t other = m->tree[node];

		if (comes_before(m, other, who)) {
			m->tree[node] = who;
			who = other;
		}
	}
	m->tree[0] = who;
}

/* Fill the tree from the leaves: winner of the subtree under 'node'. */
static size_t play(struct merge *m, size_t node)
{
	size_t a, b;

	if (node >= m->n)
		return node - m->n;
	a = play(m, 2 * node);
	b = play(m, 2 * node + 1);
	if (comes_before(m, a, b)) {
		m->tree[node] = b;
		return a;
	}
	m->tree[node] = a;
	return b;
}

static int merge_open(struct casg_extsort *s, int fd, const struct run *runs,
		      size_t n, struct casg_err *err)
{
	struct merge *m = &s->merge;
	/* the writer's buffer is in use as well when runs become longer runs */
	size_t cap = (s->memory - s->writer.cap) / n;
	int rc = 0;

	if (cap > BUFFER_MAX)
		cap = BUFFER_MAX;
	m->readers = calloc(n, sizeof(*m->readers));
	if (!m->readers)
		return casg_err_nomem(err);
	m->n = n;
	m->begun = 0;
	for (size_t i = 0; !rc && i < n; i++) {
		struct reader *r = &m->readers[i];

		*r = (struct reader){ .fd = fd, .at = runs[i].start, .end = runs[i].end,
				      .nleft = runs[i].nitems + 1 };
		if (CASG_GROW(r->buf, cap, r->cap))
			rc = casg_err_nomem(err);
		else
			rc = reader_next(r, err);
	}
	if (!rc)
		m->tree[0] = n > 1 ? play(m, 1) : 0;
	return rc;
}

/* 1 and the reader that holds the next item, 0 at the end, or negative. */
static int merge_next(struct merge *m, struct reader **r_out, struct casg_err *err)
{
	struct reader *r = &m->readers[m->tree[0]];

	/* only now: the item given last had to stay in its buffer until here */
	if (m->begun && r->nleft) {
		int rc = reader_next(r, err);

		if (rc)
			return rc;
		replay(m, m->tree[0]);
		r = &m->readers[m->tree[0]];
	}
	m->begun = 1;
	*r_out = r;
	return r->nleft > 0;
}

/* Merge n runs of the old file into the run that is being written. */
static int merge_runs(struct casg_extsort *s, int fd, const struct run *runs,
		      size_t n, struct run *into, struct casg_err *err)
{
	struct reader *r = NULL;
	int rc;

	*into = (struct run){ .start = s->writer.at };
	rc = merge_open(s, fd, runs, n, err);
	while (!rc && (rc = merge_next(&s->merge, &r, err)) > 0) {
		into->nitems++;
		rc = writer_put(&s->writer, r->item - LENSZ, LENSZ + r->nbytes, err);
	}
	merge_release(&s->merge);
	if (rc)
		return rc;
	into->end = s->writer.at;
	return writer_flush(&s->writer, err);
}

/* Turn many runs into one for each FAN_IN, in a new scratch file. */
static int merge_pass(struct casg_extsort *s, struct casg_err *err)
{
	size_t nout = 0;
	int old = s->writer.fd, rc;

	s->writer.fd = -1;
	rc = writer_open(&s->writer, s->tmpdir, err);
	for (size_t i = 0; !rc && i < s->nruns; i += FAN_IN) {
		size_t n = s->nruns - i < FAN_IN ? s->nruns - i : FAN_IN;
		struct run into;

		rc = merge_runs(s, old, s->runs + i, n, &into, err);
		s->runs[nout++] = into;
	}
	s->nruns = nout;
	close(old);
	return rc;
}

static int finish(struct casg_extsort *s, struct casg_err *err)
{
	int rc = 0;

	if (!s->nruns) {
		sort_block(s);
		return 0;
	}
	if (s->nitems)
		rc = spill(s, err);
	free(s->block);
	s->block = NULL;
	while (!rc && s->nruns > FAN_IN)
		rc = merge_pass(s, err);
	return rc ? rc : merge_open(s, s->writer.fd, s->runs, s->nruns, err);
}

int casg_extsort_finish(struct casg_extsort *s, struct casg_err *err)
{
	if (s->state != ADDING)
		return casg_err_set(err, CASG_EBUG, "a sort is finished twice");
	s->state = GIVING;
	return broken(s, finish(s, err));
}

int casg_extsort_next(struct casg_extsort *s, const uint8_t **item_out,
		      size_t *nbytes_out, struct casg_err *err)
{
	const struct casg_strent *e;
	struct reader *r = NULL;
	int rc;

	if (s->state != GIVING)
		return casg_err_set(err, CASG_EBUG, "items are asked of a sort that is not finished");
	if (s->nruns) {
		rc = merge_next(&s->merge, &r, err);
		if (rc > 0) {
			*item_out = r->item;
			*nbytes_out = r->nbytes;
		}
		return broken(s, rc);
	}
	if (s->next_item == s->nitems)
		return 0;
	e = entries(s) + s->next_item++;
	/* they lie in another order than that */
	if (s->nitems - s->next_item > 8)
		for (size_t at = 0; at < 256; at += 64)
			__builtin_prefetch(e[8].p + at);
	*item_out = casg_strent_bytes(e);
	*nbytes_out = casg_strent_len(e);
	return 1;
}
