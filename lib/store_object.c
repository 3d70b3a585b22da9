#include "store_in.h"

#include <stdlib.h>
#include <string.h>

#include "orderdelta.h"

/* ---- objects ----------------------------------------------------------- */

void casg_object_release(struct casg_object *o)
{
	free(o->pieces);
	free(o->piece_nbytes);
	memset(o, 0, sizeof(*o));
}

static int object_from_list(struct casg_store *s, struct casg_coder *c,
			    const struct casg_loc *loc,
			    const struct casg_list *l, struct casg_object *o,
			    struct casg_err *err)
{
	struct casg_section section;
	int rc;

	o->is_list = 1;
	o->list_id = l->id;
	o->nbytes = l->nbytes;
	o->npieces = l->npieces;
	o->pieces = calloc(l->npieces, sizeof(*o->pieces));
	o->piece_nbytes = calloc(l->npieces, sizeof(*o->piece_nbytes));
	if (!o->pieces || !o->piece_nbytes)
		return casg_err_nomem(err);
	rc = casg_store_section(s, c, loc->pack, loc->chunk, &section, err);
	for (size_t i = 0; i < l->npieces && !rc; i++) {
		rc = l->pieces[i].ref < section.n ?
		     casg_store_ref(s, c, loc->pack, section.base + l->pieces[i].ref, &o->pieces[i],
				    err) :
		     casg_err_set(err, CASG_ECORRUPT, "a piece is beyond its section");
		o->piece_nbytes[i] = l->pieces[i].nbytes;
	}
	return rc;
}

int casg_store_object(struct casg_store *s, struct casg_coder *c,
		      const struct casg_loc *loc, struct casg_object *o,
		      struct casg_err *err)
{
	const struct casg_chunk *ch;
	struct casg_list l = { 0 };
	struct casg_orderdelta d;
	int rc = casg_store_get(s, c, loc->pack, loc->chunk, &ch, err);

	memset(o, 0, sizeof(*o));
	if (rc)
		return rc;
	if (loc->member >= ch->nmembers) {
		rc = casg_err_set(err, CASG_ECORRUPT, "pack '%s', chunk %u has no member %u",
				  s->packs[loc->pack].path, loc->chunk, loc->member);
	} else if (ch->kind == CASG_CHUNK_LIST) {
		rc = casg_list_decode(&l, ch->data + ch->offset[loc->member],
				      (size_t)casg_chunk_len(ch, loc->member), err);
		if (!rc)
			rc = object_from_list(s, c, loc, &l, o, err);
		casg_list_release(&l);
	} else {
		o->nbytes = casg_chunk_len(ch, loc->member);
		if (ch->kind == CASG_CHUNK_ORDER) {
			rc = casg_orderdelta_decode(&d, ch->data + ch->offset[loc->member],
						    (size_t)o->nbytes, err);
			o->nbytes = d.nbytes;
		}
		o->npieces = 1;
		o->pieces = malloc(sizeof(*o->pieces));
		o->piece_nbytes = malloc(sizeof(*o->piece_nbytes));
		if (!o->pieces || !o->piece_nbytes) {
			rc = casg_err_nomem(err);
		} else if (!rc) {
			o->pieces[0] = *loc;
			o->piece_nbytes[0] = o->nbytes;
		}
	}
	casg_store_put(s, ch);
	if (rc)
		casg_object_release(o);
	return rc;
}

static int read_order(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		      uint64_t from, uint64_t to, struct casg_buf *out, struct casg_err *err)
{
	struct casg_rankroom room;
	struct casg_whole w;
	const uint8_t *p;
	uint64_t at = 0;
	size_t n;
	int rc;

	casg_store_rankroom(s, &room);
	casg_whole_init(&w, &room);
	rc = casg_store_whole(s, c, loc, &w, err);
	while (!rc && at < to && (rc = casg_whole_next(&w, &p, &n, err)) > 0) {
		uint64_t begin = from > at ? from - at : 0, end = to - at < n ? to - at : n;

		if (begin < end)
			casg_buf_add(out, p + begin, (size_t)(end - begin));
		at += n;
		rc = 0;
	}
	casg_whole_release(&w);
	return rc ? rc : casg_buf_check(out, err);
}

static int read_piece(struct casg_store *s, struct casg_coder *c,
		      const struct casg_object *o, size_t i, uint64_t from, uint64_t to,
		      struct casg_buf *out, struct casg_err *err)
{
	const struct casg_loc *loc = &o->pieces[i];
	const struct casg_chunk *ch;
	int rc = casg_store_get(s, c, loc->pack, loc->chunk, &ch, err);

	if (rc)
		return rc;
	if (ch->kind == CASG_CHUNK_ORDER) {
		casg_store_put(s, ch);
		return read_order(s, c, loc, from, to, out, err);
	}
	if (loc->member >= ch->nmembers ||
	    casg_chunk_len(ch, loc->member) != o->piece_nbytes[i])
		rc = casg_err_set(err, CASG_ECORRUPT, "a piece has another length than listed");
	else
		casg_buf_add(out, ch->data + ch->offset[loc->member] + from,
			     (size_t)(to - from));
	casg_store_put(s, ch);
	return rc ? rc : casg_buf_check(out, err);
}

int casg_store_read(struct casg_store *s, struct casg_coder *c,
		    const struct casg_loc *loc, uint64_t start, uint64_t end,
		    struct casg_buf *out, uint64_t *nbytes_out, struct casg_err *err)
{
	struct casg_object o;
	uint64_t at = 0;
	size_t before = out->len;
	struct casg_oid id;
	int rc = casg_store_object(s, c, loc, &o, err);

	if (rc)
		return rc;
	if (end > o.nbytes)
		end = o.nbytes;
	for (size_t i = 0; i < o.npieces && !rc; at += o.piece_nbytes[i++]) {
		uint64_t from = start > at ? start - at : 0;
		uint64_t to = end > at ? end - at : 0;

		if (to > o.piece_nbytes[i])
			to = o.piece_nbytes[i];
		if (from < to)
			rc = read_piece(s, c, &o, i, from, to, out, err);
	}
	if (!rc && o.is_list && !start && end == o.nbytes) {
		casg_hasher_digest(casg_coder_hasher(c), out->data + before,
				   out->len - before, &id);
		if (!casg_oid_eq(&id, &o.list_id))
			rc = casg_err_set(err, CASG_ECORRUPT,
					  "the pieces do not add up to the whole");
	}
	if (nbytes_out)
		*nbytes_out = o.nbytes;
	casg_object_release(&o);
	return rc;
}

int casg_store_read_id(struct casg_store *s, struct casg_coder *c,
		       const struct casg_oid *id, uint64_t max, struct casg_buf *out,
		       struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_object o;
	struct casg_loc loc;
	int rc = casg_store_find(s, c, id, &loc, NULL, err);

	if (rc < 0)
		return rc;
	if (!rc)
		return casg_err_set(err, CASG_EABSENT, "object %s is in no pack here",
				    casg_oid_hex(id, hex));
	rc = casg_store_object(s, c, &loc, &o, err);
	if (rc)
		return rc;
	if (o.nbytes > max)
		rc = casg_err_set(err, CASG_ENOMEM, "object %s is larger than %llu bytes",
				  casg_oid_hex(id, hex), (unsigned long long)max);
	casg_object_release(&o);
	return rc ? rc : casg_store_read(s, c, &loc, 0, UINT64_MAX, out, NULL, err);
}

/* ---- blobs, piece by piece --------------------------------------------- */

struct casg_blobr {
	struct casg_store *s;
	struct casg_coder *c;
	struct casg_hasher *whole;
	struct casg_oid id;
	struct casg_object o;
	size_t next;
	int ended;
	struct casg_buf piece;
	struct casg_rankroom room;
	struct casg_whole made;   /* what is stored as differences */
	int is_made;
};

/* Is it stored as differences?  Then it is put together at once. */
static int make(struct casg_blobr *b, const struct casg_loc *loc, struct casg_err *err)
{
	struct casg_idx_chunk ic;
	int rc = casg_packidx_chunk(casg_store_idx(b->s, loc->pack), loc->chunk, &ic, err);

	if (rc || ic.kind != CASG_CHUNK_ORDER)
		return rc;
	b->is_made = 1;
	return casg_store_whole(b->s, b->c, loc, &b->made, err);
}

struct casg_blobr *casg_blobr_open_at(struct casg_store *s, struct casg_coder *c,
				      const struct casg_oid *id, const struct casg_loc *loc,
				      struct casg_err *err)
{
	struct casg_blobr *b = calloc(1, sizeof(*b));

	if (b)
		b->whole = casg_hasher_new();
	if (!b || !b->whole) {
		free(b);
		casg_err_nomem(err);
		return NULL;
	}
	b->s = s;
	b->c = c;
	b->id = *id;
	casg_hasher_init(b->whole);
	casg_store_rankroom(s, &b->room);
	casg_whole_init(&b->made, &b->room);
	if (casg_store_object(s, c, loc, &b->o, err) || make(b, loc, err)) {
		casg_blobr_free(b);
		return NULL;
	}
	return b;
}

struct casg_blobr *casg_blobr_open(struct casg_store *s, struct casg_coder *c,
				   const struct casg_oid *id, struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_loc loc;
	int rc = casg_store_find(s, c, id, &loc, NULL, err);

	if (!rc)
		casg_err_set(err, CASG_EABSENT, "object %s is in no pack here",
			     casg_oid_hex(id, hex));
	return rc > 0 ? casg_blobr_open_at(s, c, id, &loc, err) : NULL;
}

/* 1 and the next piece, 0 at the end. */
static int next_piece(struct casg_blobr *b, const uint8_t **p_out, size_t *n_out,
		      struct casg_err *err)
{
	int rc;

	if (b->is_made)
		return casg_whole_next(&b->made, p_out, n_out, err);
	if (b->next == b->o.npieces)
		return 0;
	casg_buf_reset(&b->piece);
	rc = read_piece(b->s, b->c, &b->o, b->next, 0, b->o.piece_nbytes[b->next],
			&b->piece, err);
	b->next++;
	*p_out = b->piece.data;
	*n_out = b->piece.len;
	return rc ? rc : 1;
}

int casg_blobr_next(struct casg_blobr *b, const uint8_t **p_out, size_t *n_out,
		    struct casg_err *err)
{
	struct casg_oid got;
	int rc = b->ended ? 0 : next_piece(b, p_out, n_out, err);

	if (rc > 0)
		casg_hasher_update(b->whole, *p_out, *n_out);
	if (rc || b->ended)
		return rc;
	b->ended = 1;
	casg_hasher_final(b->whole, &got);
	return casg_oid_eq(&got, &b->id) ? 0 :
	       casg_err_set(err, CASG_ECORRUPT, "the pieces do not add up to the whole");
}

void casg_blobr_free(struct casg_blobr *b)
{
	if (!b)
		return;
	casg_hasher_free(b->whole);
	casg_object_release(&b->o);
	casg_buf_release(&b->piece);
	casg_whole_release(&b->made);
	free(b);
}
