#include "taxstats.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "endian.h"
#include "extsort.h"
#include "treer.h"

/* Behind the id and its NUL in an item of a sum: four be64. */
enum { SUMSZ = 32, HEADSZ = 8, TAILSZ = 5 };

struct sums {
	uint64_t nrecords, nresidues, nbytes, nchunks;
};

/* One taxon in one chunk. */
struct share {
	size_t id;             /* in v->ids */
	uint64_t nrecords, nresidues;
};

struct stats {
	const struct casg_taxindex_opts *o;
	const struct casg_taxonomy *t;
	const char *rank;
	struct casg_coder *c;
	void *source_ctx;
	struct casg_treer *tree;
	/* pack, chunk (be32), id, NUL, member (be32), is it a record and no further piece */
	struct casg_extsort *places;
	struct casg_extsort *sums; /* id, NUL, struct sums */
	struct casg_buf found, ids, item;
	struct share *shares;
	size_t nshares, cap_shares;
};

/* ---- from records to places ---------------------------------------------- */

/* The id that the taxon counts under; "" when there is none. */
static int fold(struct stats *v, const char *id, struct casg_taxstr *out, struct casg_err *err)
{
	struct casg_taxon_info info;
	uint32_t taxon;
	int rc;

	out->p = id;
	out->n = strlen(id);
	if (!v->rank)
		return 0;
	rc = casg_taxonomy_find(v->t, id, out->n, &taxon, err);
	if (rc >= 0 && taxon != CASG_TAXON_NONE)
		rc = casg_taxonomy_at_rank(v->t, taxon, v->rank, &taxon, err);
	out->n = 0;
	if (rc < 0 || taxon == CASG_TAXON_NONE)
		return rc < 0 ? rc : 0;
	rc = casg_taxonomy_info(v->t, taxon, &info, err);
	*out = info.id;
	return rc;
}

/* The ids that a record counts under, each with a NUL behind it, none twice. */
static int taxa_of(struct stats *v, const struct casg_entry *e, struct casg_err *err)
{
	const char *id, *end;
	int rc;

	casg_buf_reset(&v->found);
	casg_buf_reset(&v->ids);
	rc = v->o->source.fn(v->source_ctx, e->key, e->klen, e->desc, (size_t)e->dlen,
			     &v->found, err);
	if (!rc && !v->found.len)
		casg_buf_addch(&v->found, '\0');
	id = (const char *)v->found.data;
	end = id + v->found.len;
	for (; !rc && id < end; id += strlen(id) + 1) {
		struct casg_taxstr s;
		const char *p = casg_buf_chars(&v->ids), *last = p + v->ids.len;

		rc = fold(v, id, &s, err);
		while (!rc && p < last && !(strlen(p) == s.n && !memcmp(p, s.p, s.n)))
			p += strlen(p) + 1;
		if (rc || p < last)
			continue;
		casg_buf_add(&v->ids, s.p, s.n);
		casg_buf_addch(&v->ids, '\0');
	}
	return rc ? rc : casg_buf_check(&v->ids, err);
}

static int put_place(struct stats *v, const struct casg_loc *loc, int is_record,
		     struct casg_err *err)
{
	const char *id = casg_buf_chars(&v->ids), *end = id + v->ids.len;
	uint8_t head[HEADSZ], tail[TAILSZ];
	int rc = 0;

	casg_put_be32(head, loc->pack);
	casg_put_be32(head + 4, loc->chunk);
	casg_put_be32(tail, loc->member);
	tail[4] = (uint8_t)is_record;
	for (; id < end && !rc; id += strlen(id) + 1) {
		casg_buf_reset(&v->item);
		casg_buf_add(&v->item, head, sizeof(head));
		casg_buf_add(&v->item, id, strlen(id) + 1);
		casg_buf_add(&v->item, tail, sizeof(tail));
		rc = casg_buf_check(&v->item, err);
		if (!rc)
			rc = casg_extsort_add(v->places, v->item.data, v->item.len, err);
	}
	return rc;
}

static int put_record(struct stats *v, const struct casg_loc *loc, struct casg_err *err)
{
	struct casg_idx_chunk ic;
	struct casg_object o;
	int rc = casg_packidx_chunk(casg_store_idx(v->o->store, loc->pack), loc->chunk, &ic, err);

	if (rc || ic.kind != CASG_CHUNK_LIST)
		return rc ? rc : put_place(v, loc, 1, err);
	rc = casg_store_object(v->o->store, v->c, loc, &o, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < o.npieces && !rc; i++)
		rc = put_place(v, &o.pieces[i], !i, err);
	casg_object_release(&o);
	return rc;
}

static int read_tree(struct stats *v, struct casg_err *err)
{
	struct casg_entry e;
	struct casg_loc loc;
	uint64_t n = 0;
	int rc = 0;

	while (!rc && (rc = casg_treer_next(v->tree, &e, &loc, err)) > 0) {
		rc = taxa_of(v, &e, err);
		if (!rc)
			rc = put_record(v, &loc, err);
		if (v->o->progress && !(++n & 0xffff))
			v->o->progress(v->o->progress_ctx, n, 0);
	}
	if (v->o->progress)
		v->o->progress(v->o->progress_ctx, n, 1);
	return rc ? rc : casg_extsort_finish(v->places, err);
}

/* ---- from places to sums ------------------------------------------------- */

static int put_sum(struct stats *v, const char *id, const struct sums *s, struct casg_err *err)
{
	uint8_t sum[SUMSZ];
	int rc;

	casg_put_be64(sum, s->nrecords);
	casg_put_be64(sum + 8, s->nresidues);
	casg_put_be64(sum + 16, s->nbytes);
	casg_put_be64(sum + 24, s->nchunks);
	casg_buf_reset(&v->item);
	casg_buf_add(&v->item, id, strlen(id) + 1);
	casg_buf_add(&v->item, sum, sizeof(sum));
	rc = casg_buf_check(&v->item, err);
	return rc ? rc : casg_extsort_add(v->sums, v->item.data, v->item.len, err);
}

/* Each gets what it has of the residues up to it, less what those before it got. */
static int share_out(struct stats *v, uint64_t nbytes, struct casg_err *err)
{
	uint64_t total = 0, upto = 0, given = 0;
	int rc = 0;

	for (size_t i = 0; i < v->nshares; i++)
		total += v->shares[i].nresidues;
	for (size_t i = 0; i < v->nshares && !rc; i++) {
		const struct share *s = &v->shares[i];
		struct sums sum = { s->nrecords, s->nresidues, 0, 1 };
		uint64_t so_far = nbytes;

		upto += s->nresidues;
		if (total)
			so_far = (uint64_t)((unsigned __int128)nbytes * upto / total);
		sum.nbytes = so_far - given;
		given = so_far;
		rc = put_sum(v, casg_buf_chars(&v->ids) + s->id, &sum, err);
	}
	v->nshares = 0;
	casg_buf_reset(&v->ids);
	return rc;
}

static int add_to_share(struct stats *v, const char *id, const struct casg_chunk *ch,
			struct casg_err *err)
{
	const uint8_t *tail = (const uint8_t *)id + strlen(id) + 1;
	uint32_t member = casg_get_be32(tail);
	struct share *s;

	if (ch->kind != CASG_CHUNK_SEQ || member >= ch->nmembers)
		return casg_err_set(err, CASG_ECORRUPT,
				    "a record refers to what is no sequence");
	if (!v->nshares ||
	    strcmp(casg_buf_chars(&v->ids) + v->shares[v->nshares - 1].id, id)) {
		if (CASG_GROW(v->shares, v->nshares + 1, v->cap_shares))
			return casg_err_nomem(err);
		v->shares[v->nshares++] = (struct share){ .id = v->ids.len };
		casg_buf_add(&v->ids, id, strlen(id) + 1);
		if (casg_buf_check(&v->ids, err))
			return CASG_ENOMEM;
	}
	s = &v->shares[v->nshares - 1];
	s->nrecords += tail[4];
	s->nresidues += casg_chunk_len(ch, member);
	return 0;
}

static int open_chunk(struct stats *v, const uint8_t *item, const struct casg_chunk **ch,
		      uint64_t *nbytes, struct casg_err *err)
{
	uint32_t pack = casg_get_be32(item), chunk = casg_get_be32(item + 4);
	struct casg_idx_chunk ic;
	int rc = casg_packidx_chunk(casg_store_idx(v->o->store, pack), chunk, &ic, err);

	*nbytes = ic.nbytes;
	return rc ? rc : casg_store_get(v->o->store, v->c, pack, chunk, ch, err);
}

static int read_chunks(struct stats *v, struct casg_err *err)
{
	const struct casg_chunk *ch = NULL;
	uint8_t at[HEADSZ];
	const uint8_t *item;
	uint64_t nbytes = 0;
	size_t n;
	int rc = 0;

	casg_buf_reset(&v->ids);
	while (!rc && (rc = casg_extsort_next(v->places, &item, &n, err)) > 0) {
		rc = 0;
		if (!ch || memcmp(at, item, HEADSZ)) {
			rc = ch ? share_out(v, nbytes, err) : 0;
			casg_store_put(v->o->store, ch);
			ch = NULL;
			memcpy(at, item, HEADSZ);
			if (!rc)
				rc = open_chunk(v, item, &ch, &nbytes, err);
		}
		if (!rc)
			rc = add_to_share(v, (const char *)item + HEADSZ, ch, err);
	}
	if (!rc && ch)
		rc = share_out(v, nbytes, err);
	casg_store_put(v->o->store, ch);
	return rc ? rc : casg_extsort_finish(v->sums, err);
}

/* ---- from sums to answers ------------------------------------------------ */

static int tell(struct stats *v, casg_taxstat_fn *fn, void *ctx, struct casg_err *err)
{
	struct casg_taxstat s = { .id = NULL };
	const uint8_t *item;
	size_t n;
	int rc = 0;

	while (!rc && (rc = casg_extsort_next(v->sums, &item, &n, err)) > 0) {
		const uint8_t *sum = item + n - SUMSZ;

		rc = 0;
		if (s.id && strcmp(s.id, (const char *)item))
			rc = fn(ctx, &s, err);
		if (!s.id || strcmp(s.id, (const char *)item)) {
			casg_buf_reset(&v->ids);
			casg_buf_add(&v->ids, item, n - SUMSZ);
			if (!rc)
				rc = casg_buf_check(&v->ids, err);
			s = (struct casg_taxstat){ .id = casg_buf_chars(&v->ids) };
		}
		s.nrecords += casg_get_be64(sum);
		s.nresidues += casg_get_be64(sum + 8);
		s.nbytes += casg_get_be64(sum + 16);
		s.nchunks += casg_get_be64(sum + 24);
	}
	return !rc && s.id ? fn(ctx, &s, err) : rc;
}

int casg_taxstats(const struct casg_taxindex_opts *o, const struct casg_taxonomy *t,
		  const char *rank, casg_taxstat_fn *fn, void *ctx, struct casg_err *err)
{
	int owner = casg_workers_count(o->pool) - 1, rc = CASG_ENOMEM;
	size_t memory = (size_t)(o->memory_nbytes / 3);
	struct stats v = {
		.o = o, .t = t, .rank = rank, .c = o->coders[owner],
		.source_ctx = o->source.ctx ? o->source.ctx[owner] : NULL,
	};

	v.tree = casg_treer_open(o->store, v.c, &o->roots->records, err);
	if (v.tree)
		v.places = casg_extsort_new(o->scratch_dir, memory, o->pool, err);
	if (v.places)
		v.sums = casg_extsort_new(o->scratch_dir, memory, o->pool, err);
	if (v.sums)
		rc = read_tree(&v, err);
	if (!rc)
		rc = read_chunks(&v, err);
	if (!rc)
		rc = tell(&v, fn, ctx, err);
	casg_treer_free(v.tree);
	casg_extsort_free(v.places);
	casg_extsort_free(v.sums);
	casg_buf_release(&v.found);
	casg_buf_release(&v.ids);
	casg_buf_release(&v.item);
	free(v.shares);
	return rc;
}
