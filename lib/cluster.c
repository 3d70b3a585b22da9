#include "cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "array.h"
#include "cluster_in.h"
#include "endian.h"
#include "io.h"
#include "seeds.h"
#include "sum.h"
#include "tmpfile.h"

enum {
	WINDOW = 8192,         /* sequences that are looked for together */
	TASK = 128,
	CHUNKS_AT_ONCE = 64,
	ADDED_SZ = 8 + CASG_OID_RAWSZ,
	PLACE_SZ = 12 + 8
};

struct casg_cluster *casg_cluster_new(const struct casg_cluster_opts *o, struct casg_err *err)
{
	struct casg_cluster *c = calloc(1, sizeof(*c));

	if (!c) {
		casg_err_nomem(err);
		return NULL;
	}
	c->o = *o;
	c->fd = -1;
	c->added = casg_cluster_sorter(c, 2, err);
	if (c->added)
		return c;
	casg_cluster_free(c);
	return NULL;
}

static void unmap(void *p, uint64_t nbytes)
{
	if (p)
		munmap(p, (size_t)nbytes);
}

void casg_cluster_free(struct casg_cluster *c)
{
	if (!c)
		return;
	casg_extsort_free(c->added);
	unmap(c->seqs, c->seqs_nbytes);
	unmap(c->ids, c->ids_nbytes);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

void casg_clfail_note(struct casg_clfail *f, const struct casg_err *err)
{
	int no = 0;

	if (__atomic_compare_exchange_n(&f->failed, &no, 1, 0, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		f->err = *err;
}

static int failure(const struct casg_clfail *f, struct casg_err *err)
{
	if (!f->failed)
		return 0;
	if (err)
		*err = f->err;
	return f->err.code;
}

/*
 * A nameless file of so many bytes, which are reserved: what a full disk cannot
 * take is an error now, and no signal later.
 */
static int reserve(const struct casg_cluster *c, uint64_t nbytes, struct casg_err *err)
{
	int fd = casg_tmpfile_scratch(c->o.tmp_dir, err), rc;

	if (fd < 0)
		return fd;
	rc = nbytes > INT64_MAX ? EFBIG : posix_fallocate(fd, 0, (off_t)nbytes);
	if (!rc)
		return fd;
	close(fd);
	return casg_err_sys(err, rc, "cannot make a scratch file of %" PRIu64 " bytes in '%s'",
			    nbytes, c->o.tmp_dir);
}

/* The same, mapped for writing; NULL. */
static void *map_scratch(const struct casg_cluster *c, uint64_t nbytes, struct casg_err *err)
{
	int fd = reserve(c, nbytes, err);
	void *p;

	if (fd < 0)
		return NULL;
	p = mmap(NULL, (size_t)nbytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		casg_err_sys(err, errno, "cannot map a scratch file");
		p = NULL;
	}
	close(fd);
	return p;
}

void casg_cluster_touched(struct casg_cluster *c, uint64_t nbytes)
{
	c->touched += nbytes;
	if (c->touched < c->o.memory_nbytes / 2)
		return;
	c->touched = 0;
	if (c->seqs)
		madvise(c->seqs, (size_t)c->seqs_nbytes, MADV_DONTNEED);
	if (c->ids)
		madvise(c->ids, (size_t)c->ids_nbytes, MADV_DONTNEED);
}

int casg_cluster_residues(const struct casg_cluster *c, const struct casg_clseq *q,
			  struct casg_buf *out, struct casg_err *err)
{
	size_t n = (size_t)q->nresidues, got = 0;
	int rc;

	casg_buf_reset(out);
	if (casg_buf_grow(out, n + 1))
		return casg_err_nomem(err);
	rc = casg_pread_full(c->fd, out->data, n, q->offset, &got, err);
	out->len = got;
	return !rc && got < n ? casg_err_set(err, CASG_EIO, "a scratch file is cut short") : rc;
}

struct casg_extsort *casg_cluster_sorter(const struct casg_cluster *c, unsigned share,
					 struct casg_err *err)
{
	return casg_extsort_new(c->o.tmp_dir, (size_t)(c->o.memory_nbytes / share), c->o.pool, err);
}

int casg_cluster_add(struct casg_cluster *c, const struct casg_oid *id, uint64_t nresidues,
		     struct casg_err *err)
{
	uint8_t item[ADDED_SZ];

	casg_put_be64(item, ~nresidues);
	memcpy(item + 8, id->b, CASG_OID_RAWSZ);
	c->nadded++;
	c->nresidues += nresidues;
	return casg_extsort_add(c->added, item, sizeof(item), err);
}

/* ---- numbers ------------------------------------------------------------- */

/* All that was added, each once; NULL for 'to': only count them. */
static int number_all(struct casg_cluster *c, struct casg_err *err)
{
	const uint8_t *item;
	uint64_t last_length = 0;
	size_t n;
	int rc;

	while ((rc = casg_extsort_next(c->added, &item, &n, err)) > 0) {
		struct casg_clseq *q = &c->seqs[c->n];
		uint64_t nresidues = ~casg_get_be64(item);

		if (c->n && last_length == nresidues &&
		    !memcmp(c->ids[c->n - 1].b, item + 8, CASG_OID_RAWSZ))
			continue;
		memset(q, 0, sizeof(*q));
		q->nresidues = last_length = nresidues;
		memcpy(c->ids[c->n].b, item + 8, CASG_OID_RAWSZ);
		c->ids_sum = casg_xxh64(c->ids_sum, item + 8, CASG_OID_RAWSZ);
		if (nresidues > UINT64_MAX - c->residues_nbytes)
			return casg_err_nomem(err);
		c->residues_nbytes += nresidues;
		c->n++;
		casg_cluster_touched(c, sizeof(*q) + CASG_OID_RAWSZ);
	}
	return rc;
}

/* ---- places -------------------------------------------------------------- */

struct find {
	struct casg_cluster *c;
	uint64_t first, n;
	struct casg_loc loc[WINDOW];
	struct casg_clfail fail;
};

static void find_task(void *ctx, size_t task, int worker)
{
	struct find *f = ctx;
	struct casg_err err = CASG_ERR_INIT;
	char hex[CASG_OID_HEXSZ + 1];
	uint64_t end = ((uint64_t)task + 1) * TASK < f->n ? ((uint64_t)task + 1) * TASK : f->n;

	for (uint64_t i = (uint64_t)task * TASK; i < end; i++) {
		const struct casg_oid *id = &f->c->ids[f->first + i];
		int rc = casg_store_find(f->c->o.store, f->c->o.coders[worker], id, &f->loc[i], NULL,
					 &err);

		if (!rc)
			casg_err_set(&err, CASG_EABSENT, "sequence %s is in no pack here",
				     casg_oid_hex(id, hex));
		if (rc <= 0) {
			casg_clfail_note(&f->fail, &err);
			return;
		}
	}
}

/* Into the order in which they lie: each chunk is read once. */
static int find_all(struct casg_cluster *c, struct casg_extsort *places, struct casg_err *err)
{
	struct find *f = calloc(1, sizeof(*f));
	int rc = f ? 0 : casg_err_nomem(err);

	for (uint64_t at = 0; at < c->n && !rc; at += WINDOW) {
		f->c = c;
		f->first = at;
		f->n = c->n - at < WINDOW ? c->n - at : WINDOW;
		casg_workers_run(c->o.pool, (size_t)((f->n + TASK - 1) / TASK), find_task, f);
		casg_cluster_touched(c, f->n * CASG_OID_RAWSZ);
		rc = failure(&f->fail, err);
		for (uint64_t i = 0; i < f->n && !rc; i++) {
			uint8_t item[PLACE_SZ];

			casg_put_be32(item, f->loc[i].pack);
			casg_put_be32(item + 4, f->loc[i].chunk);
			casg_put_be32(item + 8, f->loc[i].member);
			casg_put_be64(item + 12, at + i);
			rc = casg_extsort_add(places, item, sizeof(item), err);
		}
	}
	free(f);
	return rc ? rc : casg_extsort_finish(places, err);
}

/* ---- residues ------------------------------------------------------------ */

struct want {
	struct casg_loc loc;
	uint64_t number;
};

/* Chunks that are read together, and what of them is wanted. */
struct batch {
	struct casg_cluster *c;
	struct want *wants;
	size_t n, cap;
	size_t first[CHUNKS_AT_ONCE + 1]; /* of each chunk, closed by n */
	size_t nchunks;
	struct casg_clfail fail;
};

static int keep(struct casg_cluster *c, const struct want *w, const uint8_t *p, uint64_t n,
		const struct casg_oid *id, struct casg_err *err)
{
	struct casg_clseq *q = &c->seqs[w->number];
	char hex[CASG_OID_HEXSZ + 1];

	if (n != q->nresidues || (id && !casg_oid_eq(id, &c->ids[w->number])))
		return casg_err_set(err, CASG_ECORRUPT, "sequence %s is not as long as it is said to be",
				    casg_oid_hex(&c->ids[w->number], hex));
	q->is_dna = (uint8_t)casg_seeds_is_dna(p, (size_t)n);
	return casg_pwrite_full(c->fd, p, (size_t)n, q->offset, err);
}

/* One that is stored in pieces. */
static int keep_long(struct casg_cluster *c, const struct want *w, int worker,
		     struct casg_err *err)
{
	struct casg_buf b = CASG_BUF_INIT;
	int rc = casg_store_read(c->o.store, c->o.coders[worker], &w->loc, 0, UINT64_MAX, &b, NULL,
				 err);

	if (!rc)
		rc = keep(c, w, b.data, b.len, NULL, err);
	casg_buf_release(&b);
	return rc;
}

static int keep_chunk(struct batch *b, size_t task, int worker, struct casg_err *err)
{
	const struct want *w = &b->wants[b->first[task]], *end = &b->wants[b->first[task + 1]];
	struct casg_cluster *c = b->c;
	const struct casg_chunk *ch;
	struct casg_idx_chunk ic;
	int rc = casg_packidx_chunk(casg_store_idx(c->o.store, w->loc.pack), w->loc.chunk, &ic, err);

	if (!rc && ic.kind == CASG_CHUNK_LIST) {
		for (; w < end && !rc; w++)
			rc = keep_long(c, w, worker, err);
		return rc;
	}
	if (!rc)
		rc = casg_store_get(c->o.store, c->o.coders[worker], w->loc.pack, w->loc.chunk, &ch,
				    err);
	if (rc)
		return rc;
	for (; w < end && !rc; w++) {
		uint32_t i = w->loc.member;

		if (i >= ch->nmembers)
			rc = casg_err_set(err, CASG_ECORRUPT, "a chunk lacks a sequence");
		else
			rc = keep(c, w, ch->data + ch->offset[i], casg_chunk_len(ch, i),
				  &ch->oids[i], err);
	}
	casg_store_put(c->o.store, ch);
	return rc;
}

static void keep_task(void *ctx, size_t task, int worker)
{
	struct batch *b = ctx;
	struct casg_err err = CASG_ERR_INIT;

	if (keep_chunk(b, task, worker, &err))
		casg_clfail_note(&b->fail, &err);
}

static int read_batch(struct batch *b, struct casg_err *err)
{
	b->first[b->nchunks] = b->n;
	casg_workers_run(b->c->o.pool, b->nchunks, keep_task, b);
	/* sequences have numbers that lie anywhere */
	casg_cluster_touched(b->c, b->n * 2 * CASG_CLUSTER_AROUND);
	b->n = b->nchunks = 0;
	return failure(&b->fail, err);
}

static int read_all(struct casg_cluster *c, struct casg_extsort *places, struct casg_err *err)
{
	struct batch b = { .c = c };
	const uint8_t *item;
	uint64_t offset = 0;
	size_t n;
	int rc;

	while ((rc = casg_extsort_next(places, &item, &n, err)) > 0) {
		struct want w = {
			{ casg_get_be32(item), casg_get_be32(item + 4), casg_get_be32(item + 8) },
			casg_get_be64(item + 12)
		};
		const struct casg_loc *last = b.n ? &b.wants[b.n - 1].loc : NULL;

		if (!last || last->pack != w.loc.pack || last->chunk != w.loc.chunk) {
			rc = b.nchunks == CHUNKS_AT_ONCE ? read_batch(&b, err) : 0;
			if (rc)
				break;
			b.first[b.nchunks++] = b.n;
		}
		if (CASG_GROW(b.wants, b.n + 1, b.cap)) {
			rc = casg_err_nomem(err);
			break;
		}
		b.wants[b.n++] = w;
		/* like lies beside like in packs, and so they do here */
		c->seqs[w.number].offset = offset;
		offset += c->seqs[w.number].nresidues;
	}
	if (!rc)
		rc = read_batch(&b, err);
	free(b.wants);
	return rc;
}

int casg_cluster_read(struct casg_cluster *c, struct casg_err *err)
{
	struct casg_extsort *places;
	int rc = casg_extsort_finish(c->added, err);

	if (rc || !c->nadded)
		return rc;
	c->seqs_nbytes = c->nadded * sizeof(*c->seqs);
	c->ids_nbytes = c->nadded * sizeof(*c->ids);
	c->seqs = map_scratch(c, c->seqs_nbytes, err);
	c->ids = c->seqs ? map_scratch(c, c->ids_nbytes, err) : NULL;
	if (!c->ids)
		return CASG_EIO;
	rc = number_all(c, err);
	casg_extsort_free(c->added);
	c->added = NULL;
	if (!rc) {
		c->fd = reserve(c, c->residues_nbytes ? c->residues_nbytes : 1, err);
		rc = c->fd < 0 ? c->fd : 0;
	}
	if (rc)
		return rc;
	places = casg_cluster_sorter(c, 2, err);
	rc = places ? find_all(c, places, err) : CASG_ENOMEM;
	if (!rc)
		rc = read_all(c, places, err);
	casg_extsort_free(places);
	return rc;
}

/* ---- choosing ------------------------------------------------------------ */

int casg_cluster_run(struct casg_cluster *c, unsigned identity, unsigned coverage,
		     struct casg_cluster_stats *out, struct casg_err *err)
{
	struct casg_extsort *links;
	int rc;

	memset(out, 0, sizeof(*out));
	out->nadded = c->nadded;
	out->nsequences = c->n;
	out->nresidues = c->nresidues;
	c->identity = identity;
	c->coverage = coverage;
	c->stats = out;
	links = casg_cluster_link(c, err);
	rc = links ? casg_cluster_pick(c, links, err) : CASG_EIO;
	casg_extsort_free(links);
	for (uint64_t i = 0; i < c->n && !rc; i++) {
		casg_cluster_touched(c, sizeof(*c->seqs));
		if (c->seqs[i].representative == i) {
			out->nrepresentatives++;
			out->kept += c->seqs[i].nresidues;
		}
	}
	return rc;
}

uint64_t casg_cluster_count(const struct casg_cluster *c)
{
	return c->n;
}

void casg_cluster_pair(struct casg_cluster *c, uint64_t i, struct casg_cluster_pair *out)
{
	const struct casg_clseq *q = &c->seqs[i];

	casg_cluster_touched(c, q->representative == i ? sizeof(*q) : CASG_CLUSTER_AROUND);
	out->member = c->ids[i];
	out->representative = c->ids[q->representative];
	out->edits = q->edits;
	out->reverse = q->reverse;
}
