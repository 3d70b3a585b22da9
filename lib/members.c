#include "members.h"

#include <stdlib.h>
#include <string.h>

#include "textblob.h"
#include "varint.h"

static const char magic[] = "casg-members 1\n";
enum { NAME_LEN = sizeof("casg-members ") - 1 };

/* ---- writing ------------------------------------------------------------- */

struct casg_membersw {
	struct casg_textw text;
	uint64_t count, n;
};

struct casg_membersw *casg_membersw_new(uint64_t count, const char *tmp_dir,
					struct casg_err *err)
{
	struct casg_membersw *w = calloc(1, sizeof(*w));

	if (!w) {
		casg_err_nomem(err);
		return NULL;
	}
	casg_textw_init(&w->text, tmp_dir);
	w->count = count;
	casg_varint_add(&w->text.mem, count);
	return w;
}

void casg_membersw_free(struct casg_membersw *w)
{
	if (!w)
		return;
	casg_textw_release(&w->text);
	free(w);
}

int casg_membersw_add(struct casg_membersw *w, const struct casg_member *m,
		      struct casg_err *err)
{
	uint64_t distance = m->representative - w->n++;

	if (w->n > w->count || m->representative >= w->count || m->edits > CASG_EDITS_MAX)
		return casg_err_set(err, CASG_EBUG, "there is no such member");
	casg_varint_add(&w->text.mem, casg_zigzag((int64_t)distance));
	if (distance)
		casg_varint_add(&w->text.mem, m->edits << 1 | (m->reverse != 0));
	return casg_textw_more(&w->text, err);
}

int casg_membersw_finish(struct casg_membersw *w, struct casg_packw *packw,
			 struct casg_store *store, struct casg_coder *coder, int level,
			 struct casg_oid *id_out, struct casg_err *err)
{
	if (w->n != w->count)
		return casg_err_set(err, CASG_EBUG, "not all records are in the map");
	return casg_textw_finish(&w->text, magic, packw, store, coder, level, id_out, err);
}

/* ---- reading ------------------------------------------------------------- */

struct casg_membersr {
	struct casg_blobr *blob;  /* owned, or NULL */
	casg_pieces_fn *pieces;
	void *ctx;
	const uint8_t *p;
	size_t n;
	uint64_t count, rank, nrepresentatives;
	uint8_t *stands, *named;  /* a bit a record: is, has to be a representative */
};

static int bad(struct casg_err *err, const char *why)
{
	return casg_err_set(err, CASG_ECORRUPT, "malformed map of members: %s", why);
}

/* 1 and the next byte, 0 at the end. */
static int next_byte(struct casg_membersr *r, uint8_t *out, struct casg_err *err)
{
	while (!r->n) {
		int rc = r->pieces(r->ctx, &r->p, &r->n, err);

		if (rc <= 0)
			return rc;
	}
	*out = *r->p++;
	r->n--;
	return 1;
}

static int next_number(struct casg_membersr *r, uint64_t *out, struct casg_err *err)
{
	uint8_t bytes[CASG_VARINT_MAX];
	const uint8_t *p = bytes;
	size_t n = 0;

	do {
		int rc = n < sizeof(bytes) ? next_byte(r, &bytes[n], err)
					   : bad(err, "a number is too long");

		if (rc <= 0)
			return rc ? rc : bad(err, "it is cut short");
	} while (bytes[n++] & 0x80);
	return casg_varint_get(&p, bytes + n, out) ? bad(err, "a number is not in its shortest form")
						   : 0;
}

static int read_head(struct casg_membersr *r, struct casg_err *err)
{
	uint64_t count;
	int rc;

	for (size_t i = 0; i < sizeof(magic) - 1; i++) {
		uint8_t c = 0;

		rc = next_byte(r, &c, err);
		if (rc < 0)
			return rc;
		if (rc && c == (uint8_t)magic[i])
			continue;
		if (rc && i >= NAME_LEN)
			return casg_err_set(err, CASG_EUNSUPPORTED,
					    "a map of members of an unknown version");
		return casg_err_set(err, CASG_ENOTOURS, "this is no map of members");
	}
	rc = next_number(r, &count, err);
	if (!rc && count != r->count)
		rc = bad(err, "it is of another number of records");
	return rc;
}

static int prepare(struct casg_membersr *r, struct casg_err *err)
{
	int rc = read_head(r, err);

	if (rc)
		return rc;
	r->stands = calloc((size_t)(r->count / 8) + 1, 1);
	r->named = calloc((size_t)(r->count / 8) + 1, 1);
	return r->stands && r->named ? 0 : casg_err_nomem(err);
}

static struct casg_membersr *make(struct casg_blobr *blob, casg_pieces_fn *pieces, void *ctx,
				  uint64_t count, struct casg_err *err)
{
	struct casg_membersr *r = calloc(1, sizeof(*r));

	if (!r) {
		casg_err_nomem(err);
		casg_blobr_free(blob);
		return NULL;
	}
	r->blob = blob;
	r->pieces = pieces;
	r->ctx = ctx;
	r->count = count;
	if (!prepare(r, err))
		return r;
	casg_membersr_free(r);
	return NULL;
}

struct casg_membersr *casg_membersr_new(casg_pieces_fn *pieces, void *ctx, uint64_t count,
					struct casg_err *err)
{
	return make(NULL, pieces, ctx, count, err);
}

static int blob_pieces(void *ctx, const uint8_t **p_out, size_t *n_out, struct casg_err *err)
{
	return casg_blobr_next(ctx, p_out, n_out, err);
}

struct casg_membersr *casg_membersr_open(struct casg_store *store, struct casg_coder *coder,
					 const struct casg_oid *id, uint64_t count,
					 struct casg_err *err)
{
	struct casg_blobr *blob = casg_blobr_open(store, coder, id, err);

	return blob ? make(blob, blob_pieces, blob, count, err) : NULL;
}

static void set_bit(uint8_t *bits, uint64_t i)
{
	bits[i >> 3] |= (uint8_t)(1u << (i & 7));
}

static int check_end(struct casg_membersr *r, struct casg_err *err)
{
	uint8_t c;
	int rc = next_byte(r, &c, err);

	if (rc)
		return rc < 0 ? rc : bad(err, "something stands behind its end");
	for (uint64_t i = 0; i <= r->count / 8; i++)
		if (r->named[i] & ~r->stands[i])
			return bad(err, "a member stands for another");
	return 0;
}

int casg_membersr_next(struct casg_membersr *r, struct casg_member *out, struct casg_err *err)
{
	uint64_t v = 0, detail = 0;
	int rc;

	if (r->rank == r->count)
		return check_end(r, err);
	rc = next_number(r, &v, err);
	if (!rc && v)
		rc = next_number(r, &detail, err);
	if (rc)
		return rc;
	out->representative = r->rank + (uint64_t)casg_unzigzag(v);
	out->edits = detail >> 1;
	out->reverse = (int)(detail & 1);
	if (out->representative >= r->count || out->edits > CASG_EDITS_MAX)
		return bad(err, "there is no such record");
	set_bit(v ? r->named : r->stands, out->representative);
	r->nrepresentatives += !v;
	r->rank++;
	return 1;
}

uint64_t casg_membersr_nrepresentatives(const struct casg_membersr *r)
{
	return r->nrepresentatives;
}

void casg_membersr_free(struct casg_membersr *r)
{
	if (!r)
		return;
	casg_blobr_free(r->blob);
	free(r->stands);
	free(r->named);
	free(r);
}
