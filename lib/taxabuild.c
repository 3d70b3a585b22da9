#include "taxabuild.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endian.h"
#include "extsort.h"
#include "io.h"
#include "positions.h"
#include "tmpfile.h"
#include "treer.h"

enum {
	STRETCH = 2048,          /* records that a task reads */
	DRAIN = 1 << 20,         /* bytes written at once */
	RANKS = 16               /* behind the id in an item: rank, position (be64) */
};

/* ---- reading the tree --------------------------------------------------- */

/*
 * What a task has found: for each record of its stretch the ids, each with a
 * NUL behind it, and one NUL more.
 */
struct stretch {
	uint64_t first, n;
	struct casg_buf taxa;
	struct casg_err err;
};

/* Stretches that are read at once; of two, one is read and one is sorted. */
struct batch {
	struct reading *r;
	struct casg_job job;
	struct stretch *s;
	size_t n;
};

struct reading {
	const struct casg_taxindex_opts *o;
	struct casg_treer **trees;     /* one for each worker, opened when needed */
	struct casg_buf *descs;        /* of each worker: a description that is a blob */
	struct batch batches[2];
	size_t nstretches;             /* of a batch */
	uint64_t next;                 /* record that no batch has yet */
	struct casg_positions *positions;
	struct casg_extsort *sort;
	struct casg_buf item;
};

static int describe(struct reading *r, int worker, struct casg_entry *e,
		    struct casg_err *err)
{
	struct casg_buf *b = &r->descs[worker];
	int rc;

	if (e->desc)
		return 0;
	casg_buf_reset(b);
	rc = casg_store_read_id(r->o->store, r->o->coders[worker], &e->desc_blob,
				CASG_CHUNK_RAW_MAX, b, err);
	e->desc = (const char *)b->data;
	if (!rc && b->len != e->dlen)
		rc = casg_err_set(err, CASG_ECORRUPT,
				  "a description has another length than listed");
	return rc;
}

static int read_record(struct reading *r, struct stretch *s, int worker)
{
	const struct casg_taxa_source *src = &r->o->source;
	struct casg_entry e;
	uint32_t pack;
	int rc = casg_treer_next_raw(r->trees[worker], &e, &pack, &s->err);

	if (!rc)
		return casg_err_set(&s->err, CASG_ECORRUPT,
				    "the tree ends before its last record");
	rc = rc < 0 ? rc : describe(r, worker, &e, &s->err);
	if (!rc)
		rc = src->fn(src->ctx ? src->ctx[worker] : NULL, e.key, e.klen, e.desc,
			     (size_t)e.dlen, &s->taxa, &s->err);
	casg_buf_addch(&s->taxa, '\0');
	return rc ? rc : casg_buf_check(&s->taxa, &s->err);
}

static void read_task(void *ctx, size_t task, int worker)
{
	struct batch *b = ctx;
	struct reading *r = b->r;
	struct stretch *s = &b->s[task];
	int rc = 0;

	if (!r->trees[worker])
		r->trees[worker] = casg_treer_open(r->o->store, r->o->coders[worker],
						   &r->o->roots->records, &s->err);
	if (!r->trees[worker])
		return;
	rc = casg_treer_seek_rank(r->trees[worker], s->first, &s->err);
	for (uint64_t i = 0; i < s->n && !rc; i++)
		rc = read_record(r, s, worker);
}

static void start(struct reading *r, struct batch *b)
{
	uint64_t count = r->o->roots->count;

	for (b->n = 0; b->n < r->nstretches && r->next < count; b->n++) {
		struct stretch *s = &b->s[b->n];

		s->first = r->next;
		s->n = count - r->next < STRETCH ? count - r->next : STRETCH;
		casg_buf_reset(&s->taxa);
		r->next += s->n;
	}
	casg_workers_start(r->o->pool, &b->job, b->n, read_task, b);
}

/* ---- sorting ------------------------------------------------------------ */

/* An item: id, NUL, rank, position; so that they sort by id, then by rank. */
static int sort_taxon(struct reading *r, const char *id, size_t n, uint64_t rank,
		      uint64_t position, struct casg_err *err)
{
	uint8_t ranks[RANKS];
	int rc;

	casg_put_be64(ranks, rank);
	casg_put_be64(ranks + 8, position);
	casg_buf_reset(&r->item);
	casg_buf_add(&r->item, id, n);
	casg_buf_addch(&r->item, '\0');
	casg_buf_add(&r->item, ranks, sizeof(ranks));
	rc = casg_buf_check(&r->item, err);
	if (!rc && n > CASG_TAXAIDX_ID_MAX)
		rc = casg_err_set(err, CASG_ECORRUPT, "the id of a taxon is too long");
	return rc ? rc : casg_extsort_add(r->sort, r->item.data, r->item.len, err);
}

static int sort_stretch(struct reading *r, const struct stretch *s, struct casg_err *err)
{
	const char *p = (const char *)s->taxa.data;
	int rc = s->err.code;

	if (rc && err)
		*err = s->err;
	for (uint64_t i = 0; i < s->n && !rc; i++) {
		uint64_t position = 0;

		rc = casg_positions_next(r->positions, &position, err);
		/* one without any is under the id that nobody has */
		if (!rc && !*p)
			rc = sort_taxon(r, "", 0, s->first + i, position, err);
		for (; !rc && *p; p += strlen(p) + 1)
			rc = sort_taxon(r, p, strlen(p), s->first + i, position, err);
		p++;
	}
	return rc;
}

/* While one batch is read, the one before is sorted. */
static int read_all(struct reading *r, struct casg_err *err)
{
	int rc = 0, at = 0;

	start(r, &r->batches[0]);
	while (r->batches[at].n && !rc) {
		struct batch *b = &r->batches[at];

		casg_workers_wait(r->o->pool, &b->job);
		at = !at;
		start(r, &r->batches[at]);
		for (size_t i = 0; i < b->n && !rc; i++)
			rc = sort_stretch(r, &b->s[i], err);
		if (r->o->progress)
			r->o->progress(r->o->progress_ctx,
				       b->s[b->n - 1].first + b->s[b->n - 1].n, 0);
	}
	casg_workers_wait(r->o->pool, &r->batches[at].job);
	return rc ? rc : casg_extsort_finish(r->sort, err);
}

static int reading_init(struct reading *r, struct casg_err *err)
{
	const struct casg_taxindex_opts *o = r->o;
	size_t nworkers = (size_t)casg_workers_count(o->pool);

	r->nstretches = 4 * nworkers;
	r->trees = calloc(nworkers, sizeof(*r->trees));
	r->descs = calloc(nworkers, sizeof(*r->descs));
	for (int i = 0; i < 2; i++) {
		r->batches[i].r = r;
		r->batches[i].s = calloc(r->nstretches, sizeof(*r->batches[i].s));
	}
	if (!r->trees || !r->descs || !r->batches[0].s || !r->batches[1].s)
		return casg_err_nomem(err);
	r->positions = casg_positions_open(o->store, o->coders[nworkers - 1], o->pool,
					   o->scratch_dir, &o->roots->order, o->roots->count,
					   o->memory_nbytes / 4, err);
	if (!r->positions)
		return CASG_ECORRUPT;
	r->sort = casg_extsort_new(o->scratch_dir, (size_t)(o->memory_nbytes / 2), o->pool, err);
	return r->sort ? 0 : CASG_ENOMEM;
}

static void reading_release(struct reading *r)
{
	for (int i = 0; i < casg_workers_count(r->o->pool); i++) {
		if (r->trees)
			casg_treer_free(r->trees[i]);
		if (r->descs)
			casg_buf_release(&r->descs[i]);
	}
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; r->batches[i].s && k < r->nstretches; k++)
			casg_buf_release(&r->batches[i].s[k].taxa);
		free(r->batches[i].s);
	}
	free(r->trees);
	free(r->descs);
	casg_buf_release(&r->item);
	casg_positions_free(r->positions);
	casg_extsort_free(r->sort);
}

/* ---- writing ------------------------------------------------------------ */

/* Bytes put aside until what comes before them is written. */
struct aside {
	const char *dir;
	struct casg_buf buf;
	int fd;                        /* what the buffer could not hold; -1: nothing */
	uint64_t nbytes;               /* in fd */
};

struct writing {
	struct casg_taxaidx_writer w;
	struct casg_buf out;
	int fd;
	struct aside text, taxa;
	struct casg_buf id;            /* of the taxon under way */
	int any;
	uint64_t rank;                 /* of the entry before */
};

static int put_aside(struct aside *a, const void *p, size_t n, struct casg_err *err)
{
	int rc = 0;

	casg_buf_add(&a->buf, p, n);
	if (a->buf.len < DRAIN)
		return casg_buf_check(&a->buf, err);
	if (a->fd < 0)
		a->fd = casg_tmpfile_scratch(a->dir, err);
	if (a->fd < 0)
		return a->fd;
	rc = casg_write_full(a->fd, a->buf.data, a->buf.len, err);
	a->nbytes += a->buf.len;
	casg_buf_reset(&a->buf);
	return rc;
}

/* What is whole goes to the file; at the end, all of it. */
static int drain(struct writing *v, int all, struct casg_err *err)
{
	size_t n = v->out.len / CASG_BLOCK * CASG_BLOCK;
	int rc = casg_buf_check(&v->out, err);

	if (rc || (!all && n < DRAIN))
		return rc;
	rc = casg_write_full(v->fd, v->out.data, n, err);
	memmove(v->out.data, v->out.data + n, v->out.len - n);
	v->out.len -= n;
	return rc;
}

/* What was put aside, in pieces that are a multiple of 16 bytes but for the last. */
typedef void aside_fn(struct casg_taxaidx_writer *w, const uint8_t *p, size_t n);

static int bring_back(struct writing *v, struct aside *a, aside_fn *fn, struct casg_err *err)
{
	uint8_t *p = a->nbytes ? malloc(DRAIN) : NULL;
	int rc = a->nbytes && !p ? casg_err_nomem(err) : 0;

	for (uint64_t at = 0; at < a->nbytes && !rc; ) {
		size_t got = 0, n = a->nbytes - at < DRAIN ? (size_t)(a->nbytes - at) : DRAIN;

		rc = casg_pread_full(a->fd, p, n, at, &got, err);
		if (!rc && got != n)
			rc = casg_err_set(err, CASG_EIO, "a scratch file ends early");
		if (!rc) {
			fn(&v->w, p, n);
			rc = drain(v, 0, err);
		}
		at += n;
	}
	free(p);
	if (!rc)
		fn(&v->w, a->buf.data, a->buf.len);
	return rc ? rc : drain(v, 0, err);
}

static void text_back(struct casg_taxaidx_writer *w, const uint8_t *p, size_t n)
{
	casg_taxaidx_put_text(w, p, n);
}

static void taxa_back(struct casg_taxaidx_writer *w, const uint8_t *p, size_t n)
{
	for (; n; p += 16, n -= 16)
		casg_taxaidx_put_taxon(w, casg_get_le64(p), casg_get_le64(p + 8));
}

/* A taxon begins here; the last of these is the end of all. */
static int put_taxon(struct writing *v, struct casg_err *err)
{
	uint8_t e[16];

	casg_put_le64(e, v->text.nbytes + v->text.buf.len);
	casg_put_le64(e + 8, v->w.head.nentries);
	return put_aside(&v->taxa, e, sizeof(e), err);
}

static int put_item(struct writing *v, const uint8_t *item, size_t n, struct casg_err *err)
{
	size_t len = n - RANKS - 1;
	uint64_t rank = casg_get_be64(item + len + 1);
	int rc = 0;

	if (!v->any || v->id.len != len || (len && memcmp(v->id.data, item, len))) {
		casg_buf_reset(&v->id);
		casg_buf_add(&v->id, item, len);
		rc = put_taxon(v, err);
		if (!rc)
			rc = put_aside(&v->text, item, len, err);
		if (!rc)
			rc = casg_buf_check(&v->id, err);
	} else if (rank == v->rank) {
		return 0; /* a record that names it twice */
	}
	v->any = 1;
	v->rank = rank;
	casg_taxaidx_put_entry(&v->w, rank, casg_get_be64(item + len + 9));
	return rc ? rc : drain(v, 0, err);
}

static int seal(struct writing *v, struct casg_err *err)
{
	uint8_t block[CASG_BLOCK];
	size_t got = 0;
	int rc = casg_pread_full(v->fd, block, sizeof(block), 0, &got, err);

	if (!rc && got != sizeof(block))
		rc = casg_err_set(err, CASG_EIO, "an index that was written is too short");
	if (rc)
		return rc;
	casg_taxaidx_seal_head(&v->w, block);
	return casg_pwrite_full(v->fd, block, sizeof(block), 0, err);
}

static int write_all(struct reading *r, const struct casg_oid *key, int fd,
		     struct casg_err *err)
{
	struct casg_taxaidx_head head = {
		.key = *key, .nrecords = r->o->roots->count,
		.in_order = casg_positions_identity(r->positions),
	};
	struct writing v = {
		.fd = fd, .text = { .dir = r->o->scratch_dir, .fd = -1 },
		.taxa = { .dir = r->o->scratch_dir, .fd = -1 },
	};
	const uint8_t *item;
	size_t n;
	int rc = 0;

	casg_taxaidx_begin(&v.w, &head, &v.out);
	while (!rc && (rc = casg_extsort_next(r->sort, &item, &n, err)) > 0)
		rc = put_item(&v, item, n, err);
	if (!rc)
		rc = put_taxon(&v, err);
	if (!rc)
		rc = bring_back(&v, &v.text, text_back, err);
	if (!rc)
		rc = bring_back(&v, &v.taxa, taxa_back, err);
	casg_taxaidx_end(&v.w);
	if (!rc)
		rc = drain(&v, 1, err);
	if (!rc)
		rc = seal(&v, err);
	if (v.text.fd >= 0)
		close(v.text.fd);
	if (v.taxa.fd >= 0)
		close(v.taxa.fd);
	casg_buf_release(&v.text.buf);
	casg_buf_release(&v.taxa.buf);
	casg_buf_release(&v.id);
	casg_buf_release(&v.out);
	return rc;
}

int casg_taxabuild(const struct casg_taxindex_opts *o, const struct casg_oid *key, int fd,
		  struct casg_err *err)
{
	struct reading r = { .o = o };
	int rc = reading_init(&r, err);

	if (!rc)
		rc = read_all(&r, err);
	if (!rc)
		rc = write_all(&r, key, fd, err);
	if (o->progress)
		o->progress(o->progress_ctx, r.next, 1);
	reading_release(&r);
	return rc;
}
