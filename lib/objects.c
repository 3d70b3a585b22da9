#include "objects.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io.h"
#include "nodelink.h"
#include "orderdelta.h"
#include "presdelta.h"
#include "tmpfile.h"
#include "varint.h"

static const char order_head[] = CASG_ORDER_HEAD;
static const char pres_head[] = CASG_PRESENTATION_HEAD;

/* ---- order, writing ---------------------------------------------------- */

struct casg_orderw {
	uint64_t n;
	size_t width;      /* bytes a rank: 4 or 8 */
	void *map;
	size_t map_nbytes;
};

struct casg_orderw *casg_orderw_new(uint64_t n, uint64_t max_nbytes, const char *tmp_dir,
				    struct casg_err *err)
{
	struct casg_orderw *o = calloc(1, sizeof(*o));
	int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS;

	if (!o) {
		casg_err_nomem(err);
		return NULL;
	}
	o->n = n;
	o->width = n > UINT32_MAX ? 8 : 4;
	o->map_nbytes = (size_t)n * o->width + 1;
	if (o->map_nbytes > max_nbytes) {
		int full;

		fd = casg_tmpfile_scratch(tmp_dir, err);
		/* a hole that the disk cannot fill later would be a SIGBUS */
		full = fd < 0 ? 0 : posix_fallocate(fd, 0, (off_t)o->map_nbytes);
		if (full)
			casg_err_sys(err, full, "cannot make a scratch file of %zu bytes in '%s'",
				     o->map_nbytes, tmp_dir);
		if (fd < 0 || full) {
			if (fd >= 0)
				close(fd);
			free(o);
			return NULL;
		}
		flags = MAP_SHARED;
	}
	o->map = mmap(NULL, o->map_nbytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (fd >= 0)
		close(fd);
	if (o->map == MAP_FAILED) {
		free(o);
		casg_err_nomem(err);
		return NULL;
	}
	return o;
}

int casg_orderw_put(struct casg_orderw *o, uint64_t position, uint64_t rank,
		    struct casg_err *err)
{
	if (position >= o->n || rank >= o->n)
		return casg_err_set(err, CASG_EBUG, "a rank is out of range");
	if (o->width == 4)
		((uint32_t *)o->map)[position] = (uint32_t)rank;
	else
		((uint64_t *)o->map)[position] = rank;
	return 0;
}

/* The bytes of the object, in turn: 1 more to come in buf, 0 all are there. */
static int order_bytes(const struct casg_orderw *o, uint64_t *at, uint64_t *last,
		       struct casg_buf *buf, size_t most)
{
	if (!*at) {
		casg_buf_addstr(buf, order_head);
		casg_varint_add(buf, o->n);
	}
	for (; *at < o->n && buf->len < most; ++*at) {
		uint64_t r = o->width == 4 ? ((uint32_t *)o->map)[*at]
					   : ((uint64_t *)o->map)[*at];

		casg_varint_add(buf, casg_zigzag((int64_t)(r - *last - 1)));
		*last = r;
	}
	return *at < o->n;
}

static int write_whole(struct casg_orderw *o, struct casg_packw *packw,
		       struct casg_store *store, struct casg_coder *coder, int level,
		       struct casg_oid *id_out, struct casg_err *err)
{
	struct casg_blobw *b = casg_blobw_new(packw, store, coder, level, err);
	struct casg_buf buf = CASG_BUF_INIT;
	uint64_t at = 0, last = UINT64_MAX; /* -1 */
	int more = 1, rc = b ? 0 : CASG_ENOMEM;

	while (!rc && more) {
		casg_buf_reset(&buf);
		more = order_bytes(o, &at, &last, &buf, 65536);
		rc = casg_buf_check(&buf, err);
		if (!rc)
			rc = casg_blobw_add(b, buf.data, buf.len, err);
	}
	casg_buf_release(&buf);
	if (rc) {
		casg_blobw_free(b);
		return rc;
	}
	return casg_blobw_finish(b, id_out, err);
}

/* Where objects go. */
struct out {
	struct casg_packw *packw;
	struct casg_store *store;
	struct casg_coder *coder;
	int level;
};

int casg_delta_chunk(struct casg_packw *packw, struct casg_coder *coder, int level,
		     const struct casg_buf *member, const struct casg_objinfo *info,
		     struct casg_err *err)
{
	const struct casg_slice m = { member->data, member->len };
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_oid chunk;
	int rc = casg_chunk_encode(coder, CASG_CHUNK_ORDER, 0, level, &m, 1, NULL, &out, &chunk,
				   err);

	if (!rc)
		rc = casg_packw_room(packw, out.len, 1, err);
	if (!rc)
		rc = casg_packw_add(packw, out.data, out.len, &chunk, info, err);
	casg_buf_release(&out);
	return rc;
}

/* A base that cannot be read is no reason not to store what it would have been for. */
static int is_failure(int rc)
{
	return rc < 0 && rc != CASG_ECORRUPT && rc != CASG_EABSENT && rc != CASG_EUNSUPPORTED;
}

/* Id and length of the object. */
static int order_info(const struct casg_orderw *o, struct casg_hasher *h,
		      struct casg_objinfo *out, struct casg_err *err)
{
	struct casg_buf buf = CASG_BUF_INIT;
	uint64_t at = 0, last = UINT64_MAX;
	int more = 1, rc = 0;

	out->nbytes = 0;
	casg_hasher_init(h);
	while (!rc && more) {
		casg_buf_reset(&buf);
		more = order_bytes(o, &at, &last, &buf, 65536);
		rc = casg_buf_check(&buf, err);
		casg_hasher_update(h, buf.data, buf.len);
		out->nbytes += buf.len;
	}
	casg_hasher_final(h, &out->id);
	casg_buf_release(&buf);
	return rc;
}

/* 1 when it is there, as differences or since it was before; 0 to be written whole. */
static int write_delta(struct casg_orderw *o, struct casg_orderbase *base, const struct out *out,
		       struct casg_oid *id_out, struct casg_err *err)
{
	const struct casg_ranks ranks = { o->map, (size_t)o->n, (size_t)o->n, 0 };
	struct casg_buf member = CASG_BUF_INIT;
	struct casg_objinfo info;
	struct casg_loc loc;
	int rc = order_info(o, casg_coder_hasher(out->coder), &info, err);

	*id_out = info.id;
	if (!rc)
		rc = casg_store_find(out->store, out->coder, &info.id, &loc, NULL, err);
	if (!rc) {
		rc = casg_orderbase_delta(base, CASG_NODELINK_IMPORT_DEPTH, &info.id, info.nbytes,
					  &ranks, &member, err);
		if (rc > 0) {
			rc = casg_delta_chunk(out->packw, out->coder, out->level, &member,
					      &info, err);
			rc = rc ? rc : 1;
		}
	}
	casg_buf_release(&member);
	return rc;
}

int casg_orderw_finish(struct casg_orderw *o, struct casg_orderbase *base,
		       struct casg_packw *packw, struct casg_store *store,
		       struct casg_coder *coder, int level, struct casg_oid *id_out,
		       struct casg_err *err)
{
	const struct out out = { packw, store, coder, level };
	int rc = 0;

	if (base && o->n <= CASG_ORDERDELTA_MAX)
		rc = write_delta(o, base, &out, id_out, err);
	if (is_failure(rc))
		return rc;
	return rc > 0 ? 0 : write_whole(o, packw, store, coder, level, id_out, err);
}

void casg_orderw_free(struct casg_orderw *o)
{
	if (!o)
		return;
	munmap(o->map, o->map_nbytes);
	free(o);
}

/* ---- order, reading ---------------------------------------------------- */

struct casg_orderr {
	casg_pieces_fn *pieces;
	void *ctx;
	struct casg_blobr *b;  /* what we opened ourselves, or NULL */
	const uint8_t *p;
	size_t n;
	uint64_t count, done, last;
};

/* The next byte of the blob; 1, 0 at the end, negative. */
static int order_byte(struct casg_orderr *o, uint8_t *c, struct casg_err *err)
{
	while (!o->n) {
		int rc = o->pieces(o->ctx, &o->p, &o->n, err);

		if (rc <= 0)
			return rc;
	}
	*c = *o->p++;
	o->n--;
	return 1;
}

static int bad_order(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "corrupt order object: %s", what);
}

static int order_varint(struct casg_orderr *o, uint64_t *v, struct casg_err *err)
{
	uint8_t tmp[CASG_VARINT_MAX];
	const uint8_t *p = tmp;

	if (o->n >= CASG_VARINT_MAX) { /* the common case, in place */
		p = o->p;
		if (casg_varint_get(&p, o->p + CASG_VARINT_MAX, v))
			return bad_order(err, "a number is malformed");
		o->n -= (size_t)(p - o->p);
		o->p = p;
		return 0;
	}
	for (size_t i = 0; i < sizeof(tmp); i++) {
		int rc = order_byte(o, &tmp[i], err);

		if (rc <= 0)
			return rc ? rc : bad_order(err, "it ends early");
		if (!(tmp[i] & 0x80))
			return casg_varint_get(&p, tmp + i + 1, v) ?
				bad_order(err, "a number is malformed") : 0;
	}
	return bad_order(err, "a number is malformed");
}

/* A blob of the store as a source of pieces. */
static int blob_pieces(void *ctx, const uint8_t **p, size_t *n, struct casg_err *err)
{
	return casg_blobr_next(ctx, p, n, err);
}

struct casg_orderr *casg_orderr_new(casg_pieces_fn *pieces, void *ctx, uint64_t count,
				    struct casg_err *err)
{
	struct casg_orderr *o = calloc(1, sizeof(*o));
	uint64_t n = 0;
	int rc = 0;

	if (!o) {
		casg_err_nomem(err);
		return NULL;
	}
	o->pieces = pieces;
	o->ctx = ctx;
	for (size_t i = 0; i < sizeof(order_head) - 1 && !rc; i++) {
		uint8_t c;

		rc = order_byte(o, &c, err);
		if (rc > 0 && i == sizeof(order_head) - 3 && c != '1')
			rc = casg_err_set(err, CASG_EUNSUPPORTED,
					  "unsupported order object version '%c'", c);
		else
			rc = rc < 0 ? rc : !rc || c != (uint8_t)order_head[i] ?
				bad_order(err, "it does not begin as one") : 0;
	}
	if (!rc)
		rc = order_varint(o, &n, err);
	if (!rc && n != count)
		rc = bad_order(err, "it counts other records than the version");
	if (rc) {
		casg_orderr_free(o);
		return NULL;
	}
	o->count = n;
	o->last = UINT64_MAX;
	return o;
}

struct casg_orderr *casg_orderr_open(struct casg_store *store, struct casg_coder *coder,
				     const struct casg_oid *id, uint64_t count,
				     struct casg_err *err)
{
	struct casg_blobr *b = casg_blobr_open(store, coder, id, err);
	struct casg_orderr *o = b ? casg_orderr_new(blob_pieces, b, count, err) : NULL;

	if (o) {
		o->b = b;
		return o;
	}
	casg_blobr_free(b);
	casg_err_prefix(err, "order");
	return NULL;
}

int casg_orderr_next(struct casg_orderr *o, uint64_t *rank_out, struct casg_err *err)
{
	uint64_t v;
	uint8_t c;
	int rc;

	if (o->done == o->count) {
		rc = order_byte(o, &c, err);
		return rc > 0 ? bad_order(err, "bytes are left over") : rc;
	}
	rc = order_varint(o, &v, err);
	if (rc)
		return rc;
	o->last = o->last + 1 + (uint64_t)casg_unzigzag(v);
	if (o->last >= o->count)
		return bad_order(err, "a rank is out of range");
	o->done++;
	*rank_out = o->last;
	return 1;
}

void casg_orderr_free(struct casg_orderr *o)
{
	if (!o)
		return;
	casg_blobr_free(o->b);
	free(o);
}

/* ---- presentation, writing --------------------------------------------- */

struct casg_presw {
	struct casg_buf lines; /* what is not spooled */
	int fd;                /* scratch file, once there is much; or -1 */
	uint64_t spooled;
	const char *tmp_dir;
};

enum { SPOOL_NBYTES = 16 << 20 };

struct casg_presw *casg_presw_new(const char *tmp_dir)
{
	struct casg_presw *w = calloc(1, sizeof(*w));

	if (w) {
		w->fd = -1;
		w->tmp_dir = tmp_dir;
	}
	return w;
}

void casg_presw_free(struct casg_presw *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	casg_buf_release(&w->lines);
	free(w);
}

static int spool(struct casg_presw *w, struct casg_err *err)
{
	int rc = casg_buf_check(&w->lines, err);

	if (!rc && w->fd < 0) {
		w->fd = casg_tmpfile_scratch(w->tmp_dir, err);
		rc = w->fd < 0 ? w->fd : 0;
	}
	if (!rc)
		rc = casg_write_full(w->fd, w->lines.data, w->lines.len, err);
	w->spooled += w->lines.len;
	casg_buf_reset(&w->lines);
	return rc;
}

int casg_presw_add(struct casg_presw *w, uint64_t position, const char *pres, size_t n,
		   struct casg_err *err)
{
	casg_buf_add_u64(&w->lines, position);
	casg_buf_addch(&w->lines, ' ');
	casg_buf_add(&w->lines, pres, n);
	casg_buf_addch(&w->lines, '\n');
	return w->lines.len >= SPOOL_NBYTES ? spool(w, err) : casg_buf_check(&w->lines, err);
}

static void put_facts(struct casg_buf *b, const struct casg_facts *f)
{
	casg_buf_addstr(b, pres_head);
	casg_buf_addstr(b, "width ");
	casg_buf_add_u64(b, f->width);
	casg_buf_addf(b, "\neol %s\nfinal-newline %s\n", f->crlf ? "crlf" : "lf",
		      f->final_newline ? "yes" : "no");
	if (f->prologue.len) {
		casg_buf_addstr(b, "prologue ");
		casg_percent_encode(b, f->prologue.data, f->prologue.len);
		casg_buf_addch(b, '\n');
	}
}

static int copy_spool(struct casg_presw *w, struct casg_blobw *b, struct casg_err *err)
{
	uint64_t at = 0;
	int rc = 0;

	while (!rc && at < w->spooled) {
		size_t want = w->spooled - at < 65536 ? (size_t)(w->spooled - at) : 65536, got;

		casg_buf_reset(&w->lines);
		if (casg_buf_grow(&w->lines, want))
			return casg_err_nomem(err);
		rc = casg_pread_full(w->fd, w->lines.data, want, at, &got, err);
		if (!rc && got < want)
			rc = casg_err_set(err, CASG_EIO, "a scratch file is cut short");
		if (!rc)
			rc = casg_blobw_add(b, w->lines.data, want, err);
		at += want;
	}
	return rc;
}

/* All bytes of it, head and lines. */
static int pres_bytes(struct casg_presw *w, const struct casg_buf *head, struct casg_buf *out,
		      struct casg_err *err)
{
	size_t got = 0, n = (size_t)w->spooled;
	int rc = 0;

	casg_buf_add(out, head->data, head->len);
	if (casg_buf_grow(out, n + w->lines.len + 1))
		return casg_err_nomem(err);
	if (n)
		rc = casg_pread_full(w->fd, out->data + out->len, n, 0, &got, err);
	if (!rc && got < n)
		return casg_err_set(err, CASG_EIO, "a scratch file is cut short");
	out->len += n;
	casg_buf_add(out, w->lines.data, w->lines.len);
	return rc ? rc : casg_buf_check(out, err);
}

/* The member that makes 'target' of the base: 1, or 0 when that gains little. */
static int link_presentation(const struct out *o, const struct casg_oid *base, uint64_t most,
			     const struct casg_oid *id, const struct casg_buf *target,
			     struct casg_buf *member, struct casg_err *err)
{
	struct casg_buf bytes = CASG_BUF_INIT;
	struct casg_loc loc;
	uint64_t n = 0;
	int rc = casg_store_depth(o->store, o->coder, base, err);

	if (rc < 0 || rc >= CASG_NODELINK_IMPORT_DEPTH)
		return rc < 0 ? rc : 0;
	rc = casg_store_find(o->store, o->coder, base, &loc, &n, err);
	if (rc <= 0 || n > most)
		return rc < 0 ? rc : 0;
	rc = casg_store_read(o->store, o->coder, &loc, 0, UINT64_MAX, &bytes, NULL, err);
	if (!rc)
		rc = casg_presdelta_member(base, bytes.data, bytes.len, id, target->data,
					   target->len, member, err);
	casg_buf_release(&bytes);
	return rc;
}

/* 1 when it is there, as differences or since it was before; 0 to be written whole. */
static int write_pres_delta(struct casg_presw *w, const struct casg_buf *head,
			    const struct casg_presbase *base, const struct out *o,
			    struct casg_oid *id_out, struct casg_err *err)
{
	/* of two objects, 24 bytes a line, and a table of one: a line has ten bytes or more */
	uint64_t most = base->memory_nbytes / 10;
	struct casg_buf whole = CASG_BUF_INIT, member = CASG_BUF_INIT;
	struct casg_objinfo info;
	struct casg_loc loc;
	int rc;

	if (most > CASG_PRESDELTA_MAX)
		most = CASG_PRESDELTA_MAX;
	if (head->len + w->spooled + w->lines.len > most)
		return 0;
	rc = pres_bytes(w, head, &whole, err);
	if (!rc) {
		info.nbytes = whole.len;
		casg_hasher_digest(casg_coder_hasher(o->coder), whole.data, whole.len, &info.id);
		*id_out = info.id;
		rc = casg_store_find(o->store, o->coder, &info.id, &loc, NULL, err);
	}
	if (!rc) {
		rc = link_presentation(o, &base->id, most, &info.id, &whole, &member, err);
		if (rc > 0) {
			rc = casg_delta_chunk(o->packw, o->coder, o->level, &member, &info, err);
			rc = rc ? rc : 1;
		}
	}
	casg_buf_release(&whole);
	casg_buf_release(&member);
	return rc;
}

static int write_pres_whole(struct casg_presw *w, const struct casg_buf *head, const struct out *o,
			    struct casg_oid *id_out, struct casg_err *err)
{
	struct casg_blobw *b = casg_blobw_new(o->packw, o->store, o->coder, o->level, err);
	int rc = b ? 0 : CASG_ENOMEM;

	if (!rc && w->fd >= 0)
		rc = spool(w, err);
	if (!rc)
		rc = casg_blobw_add(b, head->data, head->len, err);
	if (!rc)
		rc = w->fd >= 0 ? copy_spool(w, b, err)
				: casg_blobw_add(b, w->lines.data, w->lines.len, err);
	if (rc) {
		casg_blobw_free(b);
		return rc;
	}
	return casg_blobw_finish(b, id_out, err);
}

int casg_presw_finish(struct casg_presw *w, const struct casg_facts *facts,
		      const struct casg_presbase *base, struct casg_packw *packw,
		      struct casg_store *store, struct casg_coder *coder, int level,
		      struct casg_oid *id_out, struct casg_err *err)
{
	const struct out out = { packw, store, coder, level };
	struct casg_buf head = CASG_BUF_INIT;
	int rc;

	put_facts(&head, facts);
	rc = casg_buf_check(&head, err);
	if (!rc && base)
		rc = write_pres_delta(w, &head, base, &out, id_out, err);
	if (!is_failure(rc))
		rc = rc > 0 ? 0 : write_pres_whole(w, &head, &out, id_out, err);
	casg_buf_release(&head);
	return rc;
}

/* ---- presentation, reading --------------------------------------------- */

struct casg_presr {
	casg_pieces_fn *pieces;
	void *ctx;
	struct casg_blobr *b;   /* what we opened ourselves, or NULL */
	const uint8_t *p;
	size_t n;
	struct casg_buf line;   /* the line that waits */
	int have;               /* 1: line holds the next, 0: the end was seen */
	uint64_t position;      /* of that line */
	size_t text_at;         /* where its presentation starts */
	struct casg_buf out;
	int any;
};

static int bad_pres(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "corrupt presentation object: %s", what);
}

/* One line without its LF into r->line: 1, 0 at the end, negative. */
static int pres_line(struct casg_presr *r, struct casg_err *err)
{
	const uint8_t *lf = NULL;

	casg_buf_reset(&r->line);
	do {
		if (!r->n) {
			int rc = r->pieces(r->ctx, &r->p, &r->n, err);

			if (rc < 0)
				return rc;
			if (!rc)
				return r->line.len ? bad_pres(err, "its last line is cut short")
						   : 0;
		}
		lf = r->n ? memchr(r->p, '\n', r->n) : NULL;
		casg_buf_add(&r->line, r->p, lf ? (size_t)(lf - r->p) : r->n);
		r->n -= lf ? (size_t)(lf + 1 - r->p) : r->n;
		r->p = lf ? lf + 1 : r->p;
		if (r->line.failed)
			return casg_err_nomem(err);
		if (r->line.len > 64 * (size_t)CASG_INLINE_MAX)
			return bad_pres(err, "a line is too long");
	} while (!lf);
	casg_buf_cstr(&r->line);
	if (r->line.failed)
		return casg_err_nomem(err);
	/* what follows compares it as a string */
	if (memchr(r->line.data, '\0', r->line.len))
		return bad_pres(err, "a line holds NUL");
	return 1;
}

static int pres_number(const char *s, char end, uint64_t *v, size_t *n)
{
	char *e;

	if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
		return -1;
	*v = strtoull(s, &e, 10);
	if (*e != end || e - s > 19)
		return -1;
	*n = (size_t)(e - s) + 1;
	return 0;
}

static int next_record_line(struct casg_presr *r, struct casg_err *err)
{
	uint64_t before = r->position;
	int rc = pres_line(r, err);

	r->have = rc > 0;
	if (rc <= 0)
		return rc;
	if (pres_number((const char *)r->line.data, ' ', &r->position, &r->text_at) ||
	    r->text_at == r->line.len || (r->any && r->position <= before) ||
	    !strcmp((const char *)r->line.data + r->text_at, "-"))
		return bad_pres(err, "a record's line is malformed");
	r->any = 1;
	return 0;
}

static int expect(struct casg_presr *r, const char *name, const char **value,
		  struct casg_err *err)
{
	size_t n = strlen(name);
	int rc = pres_line(r, err);

	if (rc < 0)
		return rc;
	if (!rc || strncmp((const char *)r->line.data, name, n))
		return bad_pres(err, "a line about the file is missing");
	*value = (const char *)r->line.data + n;
	return 0;
}

static int yes_no(const char *v, const char *yes, const char *no, int *out)
{
	*out = !strcmp(v, yes);
	return *out || !strcmp(v, no) ? 0 : -1;
}

static int read_facts(struct casg_presr *r, struct casg_facts *f, struct casg_err *err)
{
	const char *v;
	size_t n;
	int rc = pres_line(r, err);

	if (rc < 0)
		return rc;
	if (rc && r->line.len > sizeof(pres_head) - 3 &&
	    !memcmp(r->line.data, pres_head, sizeof(pres_head) - 3) &&
	    strcmp((const char *)r->line.data + sizeof(pres_head) - 3, "1"))
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "unsupported presentation object version '%.20s'",
				    (const char *)r->line.data + sizeof(pres_head) - 3);
	if (!rc || r->line.len + 1 != sizeof(pres_head) - 1 ||
	    memcmp(r->line.data, pres_head, r->line.len))
		return bad_pres(err, "it does not begin as one");
	rc = expect(r, "width ", &v, err);
	if (!rc && (pres_number(v, '\0', &f->width, &n) || f->width > CASG_RESIDUES_MAX))
		rc = bad_pres(err, "its width is malformed");
	if (!rc)
		rc = expect(r, "eol ", &v, err);
	if (!rc && yes_no(v, "crlf", "lf", &f->crlf))
		rc = bad_pres(err, "its line end is malformed");
	if (!rc)
		rc = expect(r, "final-newline ", &v, err);
	if (!rc && yes_no(v, "yes", "no", &f->final_newline))
		rc = bad_pres(err, "its last line is malformed");
	return rc;
}

/* Percent-encoded, of what a chunk may hold. */
enum { PROLOGUE_MAX = 3 * (64 << 20) + 16 };

/* A prologue may be long, so its line is read apart from the others. */
static int read_prologue(struct casg_presr *r, struct casg_facts *f, struct casg_err *err)
{
	static const char name[] = "prologue ";
	struct casg_buf text = CASG_BUF_INIT;
	const uint8_t *lf = NULL;
	int rc = 0;

	while (!r->n) {
		rc = r->pieces(r->ctx, &r->p, &r->n, err);
		if (rc <= 0)
			return rc;
	}
	if (*r->p != 'p')
		return 0;
	while (!lf) {
		while (!r->n) {
			rc = r->pieces(r->ctx, &r->p, &r->n, err);
			if (rc <= 0) {
				casg_buf_release(&text);
				return rc ? rc : bad_pres(err, "its prologue is cut short");
			}
		}
		if (text.len > PROLOGUE_MAX) {
			casg_buf_release(&text);
			return bad_pres(err, "its prologue is too long");
		}
		lf = memchr(r->p, '\n', r->n);
		casg_buf_add(&text, r->p, lf ? (size_t)(lf - r->p) : r->n);
		r->n -= lf ? (size_t)(lf + 1 - r->p) : r->n;
		r->p = lf ? lf + 1 : r->p;
	}
	if (text.failed)
		rc = casg_err_nomem(err);
	else if (text.len < sizeof(name) || memcmp(text.data, name, sizeof(name) - 1))
		rc = bad_pres(err, "its prologue is malformed");
	else
		rc = casg_percent_decode(&f->prologue, (const char *)text.data + sizeof(name) - 1,
					 text.len - (sizeof(name) - 1), err);
	if (!rc)
		rc = casg_prologue_check(f->prologue.data, f->prologue.len, err);
	casg_buf_release(&text);
	return rc;
}

struct casg_presr *casg_presr_new(casg_pieces_fn *pieces, void *ctx,
				  struct casg_facts *facts_out, struct casg_err *err)
{
	struct casg_presr *r = calloc(1, sizeof(*r));
	int rc;

	if (!r) {
		casg_err_nomem(err);
		return NULL;
	}
	r->pieces = pieces;
	r->ctx = ctx;
	rc = read_facts(r, facts_out, err);
	if (!rc)
		rc = read_prologue(r, facts_out, err);
	if (!rc)
		rc = next_record_line(r, err);
	if (rc) {
		casg_presr_free(r);
		return NULL;
	}
	return r;
}

struct casg_presr *casg_presr_open(struct casg_store *store, struct casg_coder *coder,
				   const struct casg_oid *id, struct casg_facts *facts_out,
				   struct casg_err *err)
{
	struct casg_blobr *b = casg_blobr_open(store, coder, id, err);
	struct casg_presr *r = b ? casg_presr_new(blob_pieces, b, facts_out, err) : NULL;

	if (r) {
		r->b = b;
		return r;
	}
	casg_blobr_free(b);
	casg_err_prefix(err, "presentation");
	return NULL;
}

int casg_presr_at(struct casg_presr *r, uint64_t position, const char **pres_out,
		  size_t *n_out, struct casg_err *err)
{
	*pres_out = "-";
	*n_out = 1;
	if (!r->have || r->position > position)
		return 0;
	if (r->position < position)
		return bad_pres(err, "it tells of a record that does not come");
	casg_buf_reset(&r->out);
	casg_buf_add(&r->out, r->line.data + r->text_at, r->line.len - r->text_at);
	if (r->out.failed)
		return casg_err_nomem(err);
	*pres_out = (const char *)r->out.data;
	*n_out = r->out.len;
	return next_record_line(r, err);
}

int casg_presr_skip_to(struct casg_presr *r, uint64_t position, const char **pres_out,
		       size_t *n_out, struct casg_err *err)
{
	int rc = 0;

	while (!rc && r->have && r->position < position)
		rc = next_record_line(r, err);
	return rc ? rc : casg_presr_at(r, position, pres_out, n_out, err);
}

int casg_presr_next(struct casg_presr *r, const char **pres_out, size_t *n_out,
		    struct casg_err *err)
{
	return casg_presr_at(r, r->position, pres_out, n_out, err);
}

int casg_presr_more(const struct casg_presr *r)
{
	return r->have;
}

int casg_presr_finish(struct casg_presr *r, struct casg_err *err)
{
	return r->have ? bad_pres(err, "it tells of more records than there are") : 0;
}

void casg_presr_free(struct casg_presr *r)
{
	if (!r)
		return;
	casg_blobr_free(r->b);
	casg_buf_release(&r->line);
	casg_buf_release(&r->out);
	free(r);
}
