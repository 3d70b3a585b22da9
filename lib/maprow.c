#include "maprow.h"

#include <inttypes.h>
#include <string.h>

#include "accession.h"
#include "node.h"

enum { UNKNOWN, FOUR, FULL, PLAIN };

static const char head_four[] = "accession\taccession.version\ttaxid\tgi";
static const char head_full[] = "accession.version\ttaxid";

void casg_maprow_init(struct casg_maprow_parser *p, casg_maprow_fn *fn, void *ctx)
{
	memset(p, 0, sizeof(*p));
	p->fn = fn;
	p->ctx = ctx;
}

void casg_maprow_release(struct casg_maprow_parser *p)
{
	casg_buf_release(&p->carry);
}

static int bad(const struct casg_maprow_parser *p, struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "line %" PRIu64 ": %s", p->nlines, what);
}

static int is_key(const char *p, size_t n)
{
	if (!n || n > CASG_KEY_MAX)
		return 0;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] <= 0x20 || p[i] == 0x7f)
			return 0;
	return 1;
}

/* Decimal as NCBI writes it: no sign, no leading zero. */
static int is_number(const char *p, size_t n)
{
	if (!n || n > 19 || (n > 1 && *p == '0'))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return 0;
	return 1;
}

/* A plain id: whatever a taxonomy may have for one. */
static int is_taxon(const char *p, size_t n)
{
	if (!n || n > CASG_KEY_MAX)
		return 0;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return 0;
	return 1;
}

/* Take the line apart; the number of fields, 5 for more than 4. */
static int split(const char *line, size_t n, struct casg_accession f[4])
{
	const char *end = line + n;
	int nfields = 0;

	for (;;) {
		const char *tab = memchr(line, '\t', (size_t)(end - line));

		if (nfields == 4)
			return 5;
		f[nfields].p = line;
		f[nfields++].n = (size_t)((tab ? tab : end) - line);
		if (!tab)
			return nfields;
		line = tab + 1;
	}
}

static int take_four(struct casg_maprow_parser *p, const struct casg_accession f[4],
		     struct casg_maprow *row, struct casg_err *err)
{
	if (!is_key(f[0].p, f[0].n) || !is_key(f[1].p, f[1].n))
		return bad(p, err, "bad accession");
	if (!is_number(f[2].p, f[2].n))
		return bad(p, err, "bad taxid");
	if (!is_number(f[3].p, f[3].n))
		return bad(p, err, "bad gi");
	*row = (struct casg_maprow){ f[1].p, f[1].n, f[0].p, f[0].n, f[2].p, f[2].n };
	return 0;
}

static int take_full(struct casg_maprow_parser *p, const struct casg_accession f[4],
		     struct casg_maprow *row, struct casg_err *err)
{
	if (!is_key(f[0].p, f[0].n))
		return bad(p, err, "bad accession");
	if (!is_number(f[1].p, f[1].n))
		return bad(p, err, "bad taxid");
	*row = (struct casg_maprow){ f[0].p, f[0].n, f[0].p,
				     casg_accession_unversioned(f[0].p, f[0].n),
				     f[1].p, f[1].n };
	return 0;
}

static int take_plain(struct casg_maprow_parser *p, const struct casg_accession f[4],
		      struct casg_maprow *row, struct casg_err *err)
{
	if (!is_key(f[0].p, f[0].n))
		return bad(p, err, "bad key");
	if (!is_taxon(f[1].p, f[1].n))
		return bad(p, err, "bad taxon");
	*row = (struct casg_maprow){ f[0].p, f[0].n, NULL, 0, f[1].p, f[1].n };
	return 0;
}

static int take_row(struct casg_maprow_parser *p, const char *line, size_t n,
		    struct casg_err *err)
{
	struct casg_accession f[4];
	struct casg_maprow row;
	int nfields = split(line, n, f), rc;

	if (nfields != (p->form == FOUR ? 4 : 2))
		return bad(p, err, p->form == FOUR ? "not accession, accession.version, taxid and gi" :
			   p->form == FULL ? "not accession.version and taxid" :
			   p->nlines == 1 ? "neither key and taxon nor a header of accession2taxid" :
			   "not key and taxon");
	rc = p->form == FOUR ? take_four(p, f, &row, err) :
	     p->form == FULL ? take_full(p, f, &row, err) : take_plain(p, f, &row, err);
	if (rc)
		return rc;
	if (p->form != PLAIN && row.tlen == 1 && *row.taxon == '0') {
		p->nzero++;
		return 0;
	}
	p->nrows++;
	return p->fn(p->ctx, &row, err);
}

static int is(const char *line, size_t n, const char *head)
{
	return n == strlen(head) && !memcmp(line, head, n);
}

static int take_line(struct casg_maprow_parser *p, const char *line, size_t n,
		     struct casg_err *err)
{
	p->nlines++;
	if (n && line[n - 1] == '\r')
		n--;
	if (p->form)
		return take_row(p, line, n, err);
	p->form = is(line, n, head_four) ? FOUR : is(line, n, head_full) ? FULL : PLAIN;
	return p->form == PLAIN ? take_row(p, line, n, err) : 0;
}

static int carry(struct casg_maprow_parser *p, const uint8_t *bytes, size_t n,
		 struct casg_err *err)
{
	if (p->carry.len + n > CASG_MAPROW_LINE_MAX) {
		p->nlines++;
		return bad(p, err, "the line is too long");
	}
	casg_buf_add(&p->carry, bytes, n);
	return casg_buf_check(&p->carry, err);
}

int casg_maprow_feed(struct casg_maprow_parser *p, const uint8_t *bytes, size_t n,
		     struct casg_err *err)
{
	const uint8_t *end = bytes + n, *eol;
	int rc = 0;

	while (!rc && bytes < end && (eol = memchr(bytes, '\n', (size_t)(end - bytes)))) {
		if (p->carry.len) {
			rc = carry(p, bytes, (size_t)(eol - bytes), err);
			if (!rc)
				rc = take_line(p, (const char *)p->carry.data, p->carry.len, err);
			casg_buf_reset(&p->carry);
		} else {
			rc = take_line(p, (const char *)bytes, (size_t)(eol - bytes), err);
		}
		bytes = eol + 1;
	}
	return rc || bytes == end ? rc : carry(p, bytes, (size_t)(end - bytes), err);
}

int casg_maprow_end(struct casg_maprow_parser *p, struct casg_err *err)
{
	int rc = p->carry.len ?
		take_line(p, (const char *)p->carry.data, p->carry.len, err) : 0;

	casg_buf_reset(&p->carry);
	p->form = UNKNOWN;
	p->nlines = 0;
	return rc;
}
