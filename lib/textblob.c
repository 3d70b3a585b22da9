#include "textblob.h"

#include <unistd.h>

#include "io.h"
#include "tmpfile.h"

enum { SPOOL_NBYTES = 16 << 20 };

void casg_textw_init(struct casg_textw *w, const char *tmp_dir)
{
	memset(w, 0, sizeof(*w));
	w->fd = -1;
	w->tmp_dir = tmp_dir;
}

void casg_textw_release(struct casg_textw *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	casg_buf_release(&w->mem);
}

int casg_textw_more(struct casg_textw *w, struct casg_err *err)
{
	int rc = casg_buf_check(&w->mem, err);

	if (rc || w->mem.len < SPOOL_NBYTES)
		return rc;
	if (w->fd < 0)
		w->fd = casg_tmpfile_scratch(w->tmp_dir, err);
	rc = w->fd < 0 ? w->fd : casg_write_full(w->fd, w->mem.data, w->mem.len, err);
	w->spooled += w->mem.len;
	casg_buf_reset(&w->mem);
	return rc;
}

static int copy_spool(struct casg_textw *w, struct casg_blobw *b, struct casg_err *err)
{
	uint8_t part[65536];
	uint64_t at = 0;
	int rc = 0;

	while (!rc && at < w->spooled) {
		size_t want = w->spooled - at < sizeof(part) ? (size_t)(w->spooled - at)
							     : sizeof(part), got;

		rc = casg_pread_full(w->fd, part, want, at, &got, err);
		if (!rc && got < want)
			rc = casg_err_set(err, CASG_EIO, "a scratch file is cut short");
		if (!rc)
			rc = casg_blobw_add(b, part, want, err);
		at += want;
	}
	return rc;
}

int casg_textw_finish(struct casg_textw *w, const char *head, struct casg_packw *packw,
		      struct casg_store *store, struct casg_coder *coder, int level,
		      struct casg_oid *id_out, struct casg_err *err)
{
	struct casg_blobw *b = casg_blobw_new(packw, store, coder, level, err);
	int rc = b ? casg_buf_check(&w->mem, err) : CASG_ENOMEM;

	if (!rc)
		rc = casg_blobw_add(b, head, strlen(head), err);
	if (!rc)
		rc = copy_spool(w, b, err);
	if (!rc)
		rc = casg_blobw_add(b, w->mem.data, w->mem.len, err);
	if (rc) {
		casg_blobw_free(b);
		return rc;
	}
	return casg_blobw_finish(b, id_out, err);
}

void casg_textr_init(struct casg_textr *r, casg_pieces_fn *pieces, void *ctx)
{
	memset(r, 0, sizeof(*r));
	r->pieces = pieces;
	r->ctx = ctx;
}

void casg_textr_release(struct casg_textr *r)
{
	casg_buf_release(&r->line);
}

int casg_textr_line(struct casg_textr *r, size_t most, struct casg_err *err)
{
	const uint8_t *lf = NULL;

	casg_buf_reset(&r->line);
	do {
		while (!r->n) {
			int rc = r->pieces(r->ctx, &r->p, &r->n, err);

			if (rc < 0)
				return rc;
			if (!rc)
				return r->line.len ? casg_err_set(err, CASG_ECORRUPT,
								  "its last line is cut short")
						   : 0;
		}
		lf = memchr(r->p, '\n', r->n);
		casg_buf_add(&r->line, r->p, lf ? (size_t)(lf - r->p) : r->n);
		r->n -= lf ? (size_t)(lf + 1 - r->p) : r->n;
		r->p = lf ? lf + 1 : r->p;
		if (r->line.len > most)
			return casg_err_set(err, CASG_ECORRUPT, "a line is too long");
	} while (!lf);
	casg_buf_cstr(&r->line);
	if (casg_buf_check(&r->line, err))
		return CASG_ENOMEM;
	if (memchr(r->line.data, '\0', r->line.len))
		return casg_err_set(err, CASG_ECORRUPT, "a line holds NUL");
	return 1;
}
