#include "exporter.h"

#include <stdlib.h>

#include "array.h"

enum {
	SEGS_MAX = 1 << 18,
	HELD_QUARTERS = 5     /* so many quarters of a window's bytes are held */
};

/* One piece to be fetched, and where its bytes are once it is. */
struct seg {
	struct casg_loc loc;
	uint64_t nbytes;      /* UINT64_MAX: not known before the fetch */
	const uint8_t *p;     /* NULL: too much for the window, read when written */
	struct casg_oid id;
};

struct rec {
	size_t text, klen, dlen, plen; /* in x->text: key, description, presentation */
	size_t seg;
	int check;                     /* against 'want' */
	struct casg_oid want;
	uint64_t want_nresidues;
};

struct casg_exporter {
	struct casg_store *s;
	struct casg_workers *pool;
	struct casg_coder **coders;
	struct casg_layout *layout;
	struct casg_hasher *whole;
	casg_text_sink *sink;
	void *sink_ctx;
	uint64_t window_nbytes;
	struct casg_buf text, pres, out;
	struct rec *recs;
	size_t nrecs, cap_recs;
	struct seg *segs;
	size_t nsegs, cap_segs;
	size_t *order;
	size_t cap_order;
	size_t *first;        /* of each chunk's segments in order */
	size_t cap_first;
	uint8_t **copies;     /* of each chunk, what the window needs */
	size_t ncopies, cap_copies;
	uint64_t nbytes;      /* estimated, of the window */
	int need_ids;         /* some record of it must have a certain id */
	uint64_t held;        /* bytes in copies */
	struct casg_err err;
	int failed;
};

struct casg_exporter *casg_exporter_new(struct casg_store *s, struct casg_workers *pool,
					struct casg_coder **coders,
					const struct casg_facts *facts,
					uint64_t window_nbytes, casg_text_sink *sink,
					void *sink_ctx, struct casg_err *err)
{
	struct casg_exporter *x = calloc(1, sizeof(*x));

	if (x) {
		x->layout = casg_layout_new(facts);
		x->whole = casg_hasher_new();
	}
	if (!x || !x->layout || !x->whole) {
		casg_exporter_free(x);
		casg_err_nomem(err);
		return NULL;
	}
	x->s = s;
	x->pool = pool;
	x->coders = coders;
	x->sink = sink;
	x->sink_ctx = sink_ctx;
	x->window_nbytes = window_nbytes;
	return x;
}

static void free_copies(struct casg_exporter *x)
{
	for (size_t i = 0; i < x->ncopies; i++)
		free(x->copies[i]);
	x->ncopies = 0;
}

void casg_exporter_free(struct casg_exporter *x)
{
	if (!x)
		return;
	free_copies(x);
	casg_layout_free(x->layout);
	casg_hasher_free(x->whole);
	casg_buf_release(&x->text);
	casg_buf_release(&x->pres);
	casg_buf_release(&x->out);
	free(x->recs);
	free(x->segs);
	free(x->order);
	free(x->first);
	free(x->copies);
	free(x);
}

static struct casg_coder *own_coder(struct casg_exporter *x)
{
	return x->coders[casg_workers_count(x->pool) - 1];
}

/* ---- fetching ---------------------------------------------------------- */

/* Is the member what the record says it is? */
static int check_member(const struct seg *g, const struct casg_chunk *ch,
			struct casg_err *err)
{
	if (g->loc.member >= ch->nmembers || ch->kind != CASG_CHUNK_SEQ)
		return casg_err_set(err, CASG_ECORRUPT,
				    "a record refers to what is no sequence");
	if (g->nbytes != UINT64_MAX && g->nbytes != casg_chunk_len(ch, g->loc.member))
		return casg_err_set(err, CASG_ECORRUPT,
				    "a piece has another length than listed");
	return 0;
}

/*
 * What a window holds is estimated by the mean length in a chunk.  Where that
 * is far from the truth (one genome beside a thousand peptides), what would
 * be too much is left, and read one by one while writing.
 */
static int copy_members(struct casg_exporter *x, size_t group,
			const struct casg_chunk *ch, struct casg_err *err)
{
	size_t start = x->first[group], end = x->first[group + 1];
	uint64_t total = 0;
	uint8_t *to;

	for (size_t i = start; i < end; i++) {
		struct seg *g = &x->segs[x->order[i]];
		int rc = check_member(g, ch, err);

		if (rc)
			return rc;
		g->p = NULL;
		total += casg_chunk_len(ch, g->loc.member);
	}
	if (__atomic_add_fetch(&x->held, total, __ATOMIC_RELAXED) >
	    x->window_nbytes / 4 * HELD_QUARTERS) {
		__atomic_sub_fetch(&x->held, total, __ATOMIC_RELAXED);
		return 0;
	}
	to = x->copies[group] = malloc((size_t)total + 1);
	if (!to)
		return casg_err_nomem(err);
	for (size_t i = start; i < end; i++) {
		struct seg *g = &x->segs[x->order[i]];

		g->nbytes = casg_chunk_len(ch, g->loc.member);
		memcpy(to, ch->data + ch->offset[g->loc.member], (size_t)g->nbytes);
		g->p = to;
		if (ch->oids)
			g->id = ch->oids[g->loc.member];
		to += g->nbytes;
	}
	return 0;
}

static void fetch_task(void *ctx, size_t task, int worker)
{
	struct casg_exporter *x = ctx;
	const struct casg_loc *loc = &x->segs[x->order[x->first[task]]].loc;
	struct casg_err err = CASG_ERR_INIT;
	const struct casg_chunk *ch;
	int no = 0, rc;

	if (__atomic_load_n(&x->failed, __ATOMIC_ACQUIRE))
		return;
	rc = (x->need_ids ? casg_store_get : casg_store_get_plain)(x->s, x->coders[worker],
								    loc->pack, loc->chunk,
								    &ch, &err);
	if (!rc) {
		rc = copy_members(x, task, ch, &err);
		casg_store_put(x->s, ch);
	}
	if (rc && __atomic_compare_exchange_n(&x->failed, &no, 1, 0, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE))
		x->err = err;
}

static int fetch_all(struct casg_exporter *x, struct casg_err *err)
{
	long n;

	x->ncopies = 0;
	x->held = 0;
	if (!x->nsegs)
		return 0;
	if (CASG_GROW(x->order, x->nsegs + 1, x->cap_order) ||
	    CASG_GROW(x->first, x->nsegs + 1, x->cap_first))
		return casg_err_nomem(err);
	casg_store_want(x->s, &x->segs[0].loc, sizeof(*x->segs), x->nsegs);
	n = casg_group_by_chunk(&x->segs[0].loc, sizeof(*x->segs), x->nsegs, x->order,
				x->first);
	if (n < 0 || CASG_GROW(x->copies, (size_t)n + 1, x->cap_copies))
		return casg_err_nomem(err);
	memset(x->copies, 0, (size_t)n * sizeof(*x->copies));
	x->ncopies = (size_t)n;
	casg_workers_run(x->pool, x->ncopies, fetch_task, x);
	if (!x->failed)
		return 0;
	if (err)
		*err = x->err;
	return x->err.code;
}

/* ---- writing ----------------------------------------------------------- */

/* A presentation in line form, in full. */
static int full_presentation(struct casg_exporter *x, const char *p, size_t n,
			     const char **out, size_t *n_out, struct casg_err *err)
{
	struct casg_oid id;
	int rc;

	*out = p;
	*n_out = n;
	if (n != 1 + CASG_OID_HEXSZ || p[0] != '@')
		return 0;
	if (casg_oid_parse(&id, p + 1, CASG_OID_HEXSZ))
		return casg_err_set(err, CASG_ECORRUPT, "a presentation is malformed");
	casg_buf_reset(&x->pres);
	rc = casg_store_read_id(x->s, own_coder(x), &id, CASG_TEXT_MAX, &x->pres, err);
	*out = (const char *)x->pres.data;
	*n_out = x->pres.len;
	return rc;
}

static int drain(struct casg_exporter *x, struct casg_err *err)
{
	int rc = casg_buf_check(&x->out, err);

	if (!rc && x->out.len)
		rc = x->sink(x->sink_ctx, x->out.data, x->out.len, err);
	casg_buf_reset(&x->out);
	return rc;
}

static int check_record(const struct rec *r, const struct casg_oid *id, uint64_t n,
			struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];

	if (!r->check)
		return 0;
	if (!casg_oid_eq(id, &r->want))
		return casg_err_set(err, CASG_ECORRUPT, "sequence %s does not match its id",
				    casg_oid_hex(&r->want, hex));
	if (n != r->want_nresidues)
		return casg_err_set(err, CASG_ECORRUPT,
				    "sequence %s has %llu residues, not %llu",
				    casg_oid_hex(&r->want, hex), (unsigned long long)n,
				    (unsigned long long)r->want_nresidues);
	return 0;
}

static int begin_record(struct casg_exporter *x, const struct rec *r, uint64_t n,
			struct casg_err *err)
{
	const char *t = (const char *)x->text.data + r->text, *pres;
	size_t plen;
	int rc = full_presentation(x, t + r->klen + r->dlen, r->plen, &pres, &plen, err);

	if (rc)
		return rc;
	return casg_layout_begin(x->layout, t, r->klen, t + r->klen, r->dlen, n, pres, plen,
				 &x->out, err);
}

/* The bytes of one that was left; the chunk is the caller's to put back. */
static int get_left(struct casg_exporter *x, struct seg *g, const struct casg_chunk **ch,
		    struct casg_err *err)
{
	int rc = casg_store_get(x->s, own_coder(x), g->loc.pack, g->loc.chunk, ch, err);

	if (rc)
		return rc;
	rc = check_member(g, *ch, err);
	if (rc) {
		casg_store_put(x->s, *ch);
		*ch = NULL;
		return rc;
	}
	g->nbytes = casg_chunk_len(*ch, g->loc.member);
	g->p = (*ch)->data + (*ch)->offset[g->loc.member];
	g->id = (*ch)->oids[g->loc.member];
	return 0;
}

static int write_record(struct casg_exporter *x, const struct rec *r, struct casg_err *err)
{
	struct seg *g = &x->segs[r->seg];
	const struct casg_chunk *ch = NULL;
	int rc = g->p ? 0 : get_left(x, g, &ch, err);

	if (!rc)
		rc = check_record(r, &g->id, g->nbytes, err);
	if (!rc)
		rc = begin_record(x, r, g->nbytes, err);
	if (!rc)
		rc = casg_layout_feed(x->layout, g->p, (size_t)g->nbytes, &x->out, err);
	casg_store_put(x->s, ch);
	return rc ? rc : casg_layout_end(x->layout, &x->out, err);
}

static int flush(struct casg_exporter *x, struct casg_err *err)
{
	int rc = fetch_all(x, err);

	for (size_t i = 0; i < x->nrecs && !rc; i++) {
		const struct rec *r = &x->recs[i];

		rc = write_record(x, r, err);
		if (!rc && x->out.len >= (1 << 18))
			rc = drain(x, err);
		if (rc)
			casg_err_prefix(err, "record '%.*s'", (int)r->klen,
					(const char *)x->text.data + r->text);
	}
	if (!rc)
		rc = drain(x, err);
	free_copies(x);
	x->nrecs = x->nsegs = 0;
	x->nbytes = 0;
	x->need_ids = 0;
	casg_buf_reset(&x->text);
	return rc;
}

/* ---- a sequence that is larger than a window --------------------------- */

/* Its pieces go through window by window; nothing else is in them. */
static int write_long(struct casg_exporter *x, const struct rec *r,
		      const struct casg_object *o, struct casg_err *err)
{
	struct casg_oid id;
	int rc = begin_record(x, r, o->nbytes, err);

	casg_hasher_init(x->whole);
	for (size_t i = 0; i < o->npieces && !rc; ) {
		uint64_t nbytes = 0;

		x->nsegs = 0;
		do {
			if (CASG_GROW(x->segs, x->nsegs + 1, x->cap_segs))
				return casg_err_nomem(err);
			x->segs[x->nsegs].loc = o->pieces[i];
			x->segs[x->nsegs].p = NULL;
			x->segs[x->nsegs++].nbytes = o->piece_nbytes[i];
			nbytes += o->piece_nbytes[i++];
		} while (i < o->npieces && nbytes < x->window_nbytes);
		rc = fetch_all(x, err);
		for (size_t k = 0; k < x->nsegs && !rc; k++) {
			struct seg *g = &x->segs[k];
			const struct casg_chunk *ch = NULL;

			rc = g->p ? 0 : get_left(x, g, &ch, err);
			if (!rc) {
				casg_hasher_update(x->whole, g->p, (size_t)g->nbytes);
				rc = casg_layout_feed(x->layout, g->p, (size_t)g->nbytes,
						      &x->out, err);
			}
			casg_store_put(x->s, ch);
			if (!rc)
				rc = drain(x, err);
		}
		free_copies(x);
	}
	x->nsegs = 0;
	casg_hasher_final(x->whole, &id);
	if (!rc && !casg_oid_eq(&id, &o->list_id))
		rc = casg_err_set(err, CASG_ECORRUPT, "the pieces do not add up to the whole");
	if (!rc)
		rc = check_record(r, &id, o->nbytes, err);
	return rc ? rc : casg_layout_end(x->layout, &x->out, err);
}

/* ---- adding ------------------------------------------------------------ */

static int add_text(struct casg_exporter *x, const struct casg_export_record *in,
		    struct rec *r, struct casg_err *err)
{
	r->text = x->text.len;
	r->klen = in->klen;
	r->dlen = in->dlen;
	r->plen = in->plen;
	casg_buf_add(&x->text, in->key, in->klen);
	casg_buf_add(&x->text, in->desc, in->dlen);
	casg_buf_add(&x->text, in->pres, in->plen);
	return casg_buf_check(&x->text, err);
}

static int add_long(struct casg_exporter *x, const struct casg_export_record *in,
		    struct rec *r, struct casg_err *err)
{
	struct casg_object o;
	int rc = flush(x, err);

	if (!rc)
		rc = casg_store_object(x->s, own_coder(x), &in->loc, &o, err);
	if (rc)
		return rc;
	rc = add_text(x, in, r, err);
	if (!rc && !o.is_list)
		rc = casg_err_set(err, CASG_ECORRUPT, "a piece list is malformed");
	if (!rc)
		rc = write_long(x, r, &o, err);
	if (!rc)
		rc = drain(x, err);
	casg_object_release(&o);
	casg_buf_reset(&x->text);
	return rc;
}

int casg_exporter_add(struct casg_exporter *x, const struct casg_export_record *in,
		      struct casg_err *err)
{
	struct rec r = { .seg = x->nsegs, .check = in->want != NULL };
	struct casg_idx_chunk ic;
	int rc = casg_packidx_chunk(casg_store_idx(x->s, in->loc.pack), in->loc.chunk, &ic,
				    err);

	if (rc)
		return rc;
	if (in->want) {
		x->need_ids = 1;
		r.want = *in->want;
		r.want_nresidues = in->nresidues;
	}
	if (ic.kind == CASG_CHUNK_LIST) {
		rc = add_long(x, in, &r, err);
		return rc ? casg_err_prefix(err, "record '%.*s'", (int)in->klen, in->key), rc : 0;
	}
	rc = add_text(x, in, &r, err);
	if (rc)
		return rc;
	if (CASG_GROW(x->recs, x->nrecs + 1, x->cap_recs) ||
	    CASG_GROW(x->segs, x->nsegs + 1, x->cap_segs))
		return casg_err_nomem(err);
	x->segs[x->nsegs].loc = in->loc;
	x->segs[x->nsegs].p = NULL;
	x->segs[x->nsegs++].nbytes = UINT64_MAX;
	x->recs[x->nrecs++] = r;
	/* an average of the chunk serves: the bound is on memory, not on output */
	x->nbytes += ic.nraw / (ic.nmembers ? ic.nmembers : 1) + in->klen + in->dlen +
		     in->plen + sizeof(struct rec) + sizeof(struct seg) + 24;
	if (x->nbytes >= x->window_nbytes || x->nsegs >= SEGS_MAX)
		return flush(x, err);
	return 0;
}

int casg_exporter_set_facts(struct casg_exporter *x, const struct casg_facts *facts,
			    struct casg_err *err)
{
	int rc = flush(x, err);

	return rc ? rc : casg_layout_set_facts(x->layout, facts, err);
}

int casg_exporter_add_all(struct casg_exporter *x, struct casg_records *rs,
			  uint64_t *nrecords_out, struct casg_err *err)
{
	struct casg_record r;
	int rc;

	while ((rc = casg_records_next(rs, &r, err)) > 0) {
		const struct casg_export_record e = {
			.key = r.key, .klen = r.klen, .desc = r.desc, .dlen = r.dlen,
			.pres = r.pres, .plen = r.plen, .loc = r.loc,
		};

		++*nrecords_out;
		rc = casg_exporter_add(x, &e, err);
		if (rc)
			break;
	}
	return rc;
}

int casg_exporter_finish(struct casg_exporter *x, struct casg_err *err)
{
	int rc = flush(x, err);

	if (!rc)
		rc = casg_layout_finish(x->layout, &x->out, err);
	return rc ? rc : drain(x, err);
}
