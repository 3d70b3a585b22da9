#include "withdrawn.h"

#include <stdlib.h>

#include "layout.h"
#include "node.h"
#include "records.h"
#include "stream.h"
#include "treer.h"
#include "version.h"

static const char head[] = "casg-withdrawn 1\n";

/* Two keys and a reason, each byte four times when quoted, and the rest. */
enum { LINE_MAX_NBYTES = 4 * (2 * CASG_KEY_MAX + CASG_REASON_MAX) + 64, NFIELDS = 4 };

/* ---- lines ------------------------------------------------------------- */

int casg_tombstone_check(const struct casg_tombstone *t, struct casg_err *err)
{
	int rc = casg_stream_check_key(t->key, t->klen, err);

	if (!rc && t->successor)
		rc = casg_stream_check_key(t->successor, t->slen, err);
	if (!rc && t->successor && t->slen == 1 && *t->successor == '-')
		rc = casg_err_set(err, CASG_ECORRUPT, "a successor is not called '-'");
	if (!rc && t->rlen > CASG_REASON_MAX)
		rc = casg_err_set(err, CASG_ECORRUPT, "a reason has at most %d bytes",
				  CASG_REASON_MAX);
	if (!rc && t->rlen && memchr(t->reason, 0, t->rlen))
		rc = casg_err_set(err, CASG_ECORRUPT, "a reason holds NUL");
	return rc;
}

int casg_tombstone_format(struct casg_buf *out, const struct casg_tombstone *t, int z,
			  struct casg_err *err)
{
	char when[CASG_TIME_SIZE];

	if (!casg_time_format(t->when, when))
		return casg_err_set(err, CASG_EBUG, "the sequence time is out of range");
	casg_stream_key(out, t->key, t->klen, z);
	casg_buf_addf(out, "\t%s\t", when);
	casg_stream_field(out, t->successor ? t->successor : "-",
			  t->successor ? t->slen : 1, z);
	casg_buf_addch(out, '\t');
	casg_stream_field(out, t->reason, t->rlen, z);
	casg_buf_addch(out, z ? '\0' : '\n');
	return casg_buf_check(out, err);
}

static int parse(struct casg_tombstone *t, const struct casg_buf *line,
		 struct casg_buf *scratch, struct casg_err *err)
{
	struct casg_field f[NFIELDS];
	int rc = casg_stream_split(f, NFIELDS, (const char *)line->data, line->len, scratch,
				   err);

	if (rc)
		return rc;
	memset(t, 0, sizeof(*t));
	t->key = f[0].p;
	t->klen = f[0].n;
	if (casg_time_parse(f[1].p, f[1].n, &t->when))
		return casg_err_set(err, CASG_ECORRUPT, "a time is malformed");
	if (f[2].n != 1 || *f[2].p != '-') {
		t->successor = f[2].p;
		t->slen = f[2].n;
	}
	t->reason = f[3].p;
	t->rlen = f[3].n;
	return casg_tombstone_check(t, err);
}

/* ---- reading ----------------------------------------------------------- */

struct casg_withdrawnr {
	struct casg_textr text;
	struct casg_blobr *b;      /* what we opened ourselves, or NULL */
	struct casg_buf scratch, last;
	int any;
};

static int bad(struct casg_err *err)
{
	casg_err_prefix(err, "corrupt list of withdrawn records");
	return err && err->code ? err->code : CASG_ECORRUPT;
}

struct casg_withdrawnr *casg_withdrawnr_new(casg_pieces_fn *pieces, void *ctx,
					    struct casg_err *err)
{
	struct casg_withdrawnr *r = calloc(1, sizeof(*r));
	const size_t n = sizeof(head) - 2;
	int rc;

	if (!r) {
		casg_err_nomem(err);
		return NULL;
	}
	casg_textr_init(&r->text, pieces, ctx);
	rc = casg_textr_line(&r->text, LINE_MAX_NBYTES, err);
	if (rc > 0 && r->text.line.len == n && !memcmp(r->text.line.data, head, n))
		return r;
	if (rc > 0 && r->text.line.len >= n - 1 && !memcmp(r->text.line.data, head, n - 1))
		casg_err_set(err, CASG_EUNSUPPORTED,
			     "unsupported version of a list of withdrawn records: '%.20s'",
			     (const char *)r->text.line.data + n - 1);
	else if (rc >= 0)
		casg_err_set(err, CASG_ECORRUPT,
			     "corrupt list of withdrawn records: it does not begin as one");
	else
		bad(err);
	casg_withdrawnr_free(r);
	return NULL;
}

static int blob_pieces(void *ctx, const uint8_t **p, size_t *n, struct casg_err *err)
{
	return casg_blobr_next(ctx, p, n, err);
}

struct casg_withdrawnr *casg_withdrawnr_open(struct casg_store *store,
					     struct casg_coder *coder,
					     const struct casg_oid *id, struct casg_err *err)
{
	struct casg_blobr *b = casg_blobr_open(store, coder, id, err);
	struct casg_withdrawnr *r = b ? casg_withdrawnr_new(blob_pieces, b, err) : NULL;

	if (r)
		r->b = b;
	else
		casg_blobr_free(b);
	return r;
}

void casg_withdrawnr_free(struct casg_withdrawnr *r)
{
	if (!r)
		return;
	casg_textr_release(&r->text);
	casg_blobr_free(r->b);
	casg_buf_release(&r->scratch);
	casg_buf_release(&r->last);
	free(r);
}

int casg_withdrawnr_next(struct casg_withdrawnr *r, struct casg_tombstone *out,
			 struct casg_err *err)
{
	int rc = casg_textr_line(&r->text, LINE_MAX_NBYTES, err);

	if (!rc)
		return r->any ? 0 : casg_err_set(err, CASG_ECORRUPT,
				"corrupt list of withdrawn records: it is empty");
	if (rc > 0)
		rc = parse(out, &r->text.line, &r->scratch, err);
	if (!rc && r->any && casg_key_cmp((const char *)r->last.data, r->last.len, 0,
					  out->key, out->klen, 0) >= 0)
		rc = casg_err_set(err, CASG_ECORRUPT, "its keys are out of order");
	if (rc)
		return bad(err);
	r->any = 1;
	casg_buf_reset(&r->last);
	casg_buf_add(&r->last, out->key, out->klen);
	if (casg_buf_grow(&r->last, 1))
		return casg_err_nomem(err);
	return 1;
}

/* ---- writing ----------------------------------------------------------- */

struct casg_withdrawnw {
	struct casg_withdrawnr *base;
	struct casg_tombstone next; /* of the base */
	int have;
	struct casg_textw text;
	uint64_t n;
};

static int next_of_base(struct casg_withdrawnw *w, struct casg_err *err)
{
	int rc = w->base ? casg_withdrawnr_next(w->base, &w->next, err) : 0;

	w->have = rc > 0;
	return rc < 0 ? rc : 0;
}

static int put(struct casg_withdrawnw *w, const struct casg_tombstone *t,
	       struct casg_err *err)
{
	int rc = casg_tombstone_format(&w->text.mem, t, 0, err);

	w->n++;
	return rc ? rc : casg_textw_more(&w->text, err);
}

/* Those of the base before this key (NULL: all) stay, one of this key goes. */
static int pass(struct casg_withdrawnw *w, const char *key, size_t klen, struct casg_err *err)
{
	int rc = 0, c = -1;

	while (!rc && w->have &&
	       (!key || (c = casg_key_cmp(w->next.key, w->next.klen, 0, key, klen, 0)) < 0)) {
		rc = put(w, &w->next, err);
		if (!rc)
			rc = next_of_base(w, err);
	}
	return !rc && w->have && key && !c ? next_of_base(w, err) : rc;
}

struct casg_withdrawnw *casg_withdrawnw_new(struct casg_withdrawnr *base,
					    const char *tmp_dir, struct casg_err *err)
{
	struct casg_withdrawnw *w = calloc(1, sizeof(*w));

	if (!w) {
		casg_withdrawnr_free(base);
		casg_err_nomem(err);
		return NULL;
	}
	w->base = base;
	casg_textw_init(&w->text, tmp_dir);
	if (next_of_base(w, err)) {
		casg_withdrawnw_free(w);
		return NULL;
	}
	return w;
}

void casg_withdrawnw_free(struct casg_withdrawnw *w)
{
	if (!w)
		return;
	casg_withdrawnr_free(w->base);
	casg_textw_release(&w->text);
	free(w);
}

int casg_withdrawnw_alive(struct casg_withdrawnw *w, const char *key, size_t klen,
			  struct casg_err *err)
{
	return w->have ? pass(w, key, klen, err) : 0;
}

int casg_withdrawnw_add(struct casg_withdrawnw *w, const struct casg_tombstone *t,
			struct casg_err *err)
{
	int rc = casg_tombstone_check(t, err);

	if (!rc)
		rc = pass(w, t->key, t->klen, err);
	return rc ? rc : put(w, t, err);
}

int casg_withdrawnw_finish(struct casg_withdrawnw *w, struct casg_packw *packw,
			   struct casg_store *store, struct casg_coder *coder, int level,
			   struct casg_oid *id_out, struct casg_err *err)
{
	int rc = pass(w, NULL, 0, err);

	if (rc || !w->n)
		return rc;
	rc = casg_textw_finish(&w->text, head, packw, store, coder, level, id_out, err);
	return rc ? rc : 1;
}

/* ---- merging ----------------------------------------------------------- */

/* One of the lists that are merged. */
struct side {
	struct casg_withdrawnr *r;
	struct casg_tombstone t;
	int have;
};

static int side_next(struct side *s, struct casg_err *err)
{
	int rc = s->r ? casg_withdrawnr_next(s->r, &s->t, err) : 0;

	s->have = rc > 0;
	return rc < 0 ? rc : 0;
}

static int side_open(struct side *s, const struct casg_roots *roots, struct casg_store *store,
		     struct casg_coder *coder, struct casg_err *err)
{
	memset(s, 0, sizeof(*s));
	if (!roots->has_withdrawn)
		return 0;
	s->r = casg_withdrawnr_open(store, coder, &roots->withdrawn, err);
	return s->r ? side_next(s, err) : err && err->code ? err->code : CASG_ECORRUPT;
}

/* Does the tree have the key?  1, 0 or negative. */
static int is_alive(struct casg_treer *t, const struct casg_tombstone *s, struct casg_err *err)
{
	struct casg_entry e;
	uint32_t pack;
	int rc = casg_treer_seek(t, s->key, s->klen, err);

	if (!rc)
		rc = casg_treer_next_raw(t, &e, &pack, err);
	return rc > 0 ? !casg_key_cmp(e.key, e.klen, 0, s->key, s->klen, 0) : rc;
}

static int merge_sides(struct side *a, struct side *b, struct casg_treer *t,
		       struct casg_withdrawnw *w, struct casg_err *err)
{
	int rc = 0;

	while (!rc && (a->have || b->have)) {
		int c = !a->have ? 1 : !b->have ? -1 :
			casg_key_cmp(a->t.key, a->t.klen, 0, b->t.key, b->t.klen, 0);
		const struct casg_tombstone *s = c <= 0 ? &a->t : &b->t;

		rc = is_alive(t, s, err);
		if (!rc)
			rc = casg_withdrawnw_add(w, s, err);
		rc = rc < 0 ? rc : 0;
		if (!rc && c <= 0)
			rc = side_next(a, err);
		if (!rc && c >= 0)
			rc = side_next(b, err);
	}
	return rc;
}

int casg_withdrawn_merge(const struct casg_roots *a, const struct casg_roots *b,
			 const struct casg_oid *records, struct casg_packw *packw,
			 struct casg_store *store, struct casg_coder *coder, int level,
			 const char *tmp_dir, struct casg_oid *id_out, struct casg_err *err)
{
	struct casg_withdrawnw *w;
	struct casg_treer *t = NULL;
	struct side x, y = { .r = NULL };
	int rc;

	if (!a->has_withdrawn && !b->has_withdrawn)
		return 0;
	w = casg_withdrawnw_new(NULL, tmp_dir, err);
	rc = side_open(&x, a, store, coder, err);
	if (!rc)
		rc = side_open(&y, b, store, coder, err);
	if (!rc && (!w || !(t = casg_treer_open(store, coder, records, err))))
		rc = err && err->code ? err->code : CASG_ENOMEM;
	if (!rc)
		rc = merge_sides(&x, &y, t, w, err);
	if (!rc)
		rc = casg_withdrawnw_finish(w, packw, store, coder, level, id_out, err);
	casg_treer_free(t);
	casg_withdrawnr_free(x.r);
	casg_withdrawnr_free(y.r);
	casg_withdrawnw_free(w);
	return rc;
}
