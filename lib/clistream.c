#include "clistream.h"

#include <stdlib.h>

#include "cli.h"
#include "locinfo.h"
#include "stream.h"
#include "taxon.h"

enum { WINDOW = 32768, TEXT_MAX = 16 << 20 };

/* A window of records; strings as offsets into text. */
struct casg_cli_stream {
	struct casg_work *w;
	int z, keys_only;
	struct casg_record *r;
	size_t *more;                 /* bytes of further fields, behind the rest in text */
	struct casg_objinfo *info;
	size_t n;
	struct casg_buf text, line, taxon;
	struct casg_cli_settled *settled; /* NULL: taxa as they are declared */
	int lineage;
};

struct casg_cli_stream *casg_cli_stream_new(struct casg_work *w, int z, int keys_only)
{
	struct casg_cli_stream *s = calloc(1, sizeof(*s));

	if (s) {
		s->r = calloc(WINDOW, sizeof(*s->r));
		s->info = calloc(WINDOW, sizeof(*s->info));
		s->more = calloc(WINDOW, sizeof(*s->more));
	}
	if (!s || !s->r || !s->info || !s->more)
		casg_die("out of memory");
	s->w = w;
	s->z = z;
	s->keys_only = keys_only;
	return s;
}

void casg_cli_stream_settle(struct casg_cli_stream *s, struct casg_cli_settled *x, int lineage)
{
	s->settled = x;
	s->lineage = lineage;
}

void casg_cli_stream_facts(struct casg_cli_stream *s, const struct casg_facts *f)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_oid id;
	int rc;

	if (casg_percent_length(f->prologue.data, f->prologue.len) > CASG_INLINE_MAX) {
		casg_hasher_digest(casg_coder_hasher(casg_work_coder(s->w)), f->prologue.data,
				   f->prologue.len, &id);
		rc = casg_facts_format_ex(&b, f, &id);
	} else {
		rc = casg_facts_format(&b, f);
	}
	casg_buf_addch(&b, s->z ? '\0' : '\n');
	if (rc || b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
}

/* The line that ends goes on. */
static void add_more(struct casg_cli_stream *s, const char *more, size_t n)
{
	if (s->line.failed || !n)
		return;
	s->line.len--;
	casg_buf_add(&s->line, more, n);
	casg_buf_addch(&s->line, s->z ? '\0' : '\n');
}

static void add_lineage(struct casg_cli_stream *s)
{
	const struct casg_buf *text = &s->settled->lineages;

	if (s->line.failed)
		return;
	s->line.len--;
	casg_buf_addch(&s->line, '\t');
	casg_stream_key(&s->line, (const char *)text->data, text->len, s->z);
	casg_buf_addch(&s->line, s->z ? '\0' : '\n');
}

static void format(struct casg_cli_stream *s, size_t i)
{
	const struct casg_record *q = &s->r[i];
	struct casg_rec r = {
		.key = (const char *)s->text.data + (uintptr_t)q->key,
		.klen = q->klen, .oid = s->info[i].id, .length = s->info[i].nbytes,
		.plen = q->plen, .dlen = q->dlen,
	};

	casg_buf_reset(&s->line);
	if (s->keys_only) {
		casg_stream_key(&s->line, r.key, r.klen, s->z);
		casg_buf_addch(&s->line, s->z ? '\0' : '\n');
		return;
	}
	r.desc = r.key + r.klen;
	r.pres = r.desc + r.dlen;
	if (s->settled) {
		casg_cli_settle(s->settled, r.key, r.klen, r.desc, r.dlen);
		r.taxon = (const char *)s->settled->ids.data;
		r.tlen = s->settled->ids.len;
	} else {
		casg_buf_reset(&s->taxon);
		casg_taxon_declared(r.key, r.klen, r.desc, r.dlen, &s->taxon);
		r.taxon = (const char *)s->taxon.data;
		r.tlen = s->taxon.len;
	}
	casg_rec_format(&s->line, &r, s->z);
	if (s->lineage)
		add_lineage(s);
	add_more(s, r.pres + r.plen, s->more[i]);
}

static void print_window(struct casg_cli_stream *s)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!s->keys_only && s->n &&
	    casg_locinfo(s->w->store, s->w->pool, s->w->coders, &s->r[0].loc, sizeof(*s->r),
			 s->n, s->info, &err))
		casg_die_err(&err);
	for (size_t i = 0; i < s->n; i++) {
		format(s, i);
		if (s->line.failed || s->taxon.failed)
			casg_die("out of memory");
		casg_out(s->line.data, s->line.len);
	}
	s->n = 0;
	casg_buf_reset(&s->text);
}

void casg_cli_stream_add(struct casg_cli_stream *s, const struct casg_record *r)
{
	casg_cli_stream_add_more(s, r, NULL, 0);
}

void casg_cli_stream_add_more(struct casg_cli_stream *s, const struct casg_record *r,
			      const void *more, size_t n)
{
	struct casg_record *q = &s->r[s->n];

	s->more[s->n++] = n;
	*q = *r;
	q->key = (const char *)(uintptr_t)s->text.len;
	casg_buf_add(&s->text, r->key, r->klen);
	casg_buf_add(&s->text, r->desc, r->dlen);
	casg_buf_add(&s->text, r->pres, r->plen);
	casg_buf_add(&s->text, more, n);
	if (s->text.failed)
		casg_die("out of memory");
	if (s->n == WINDOW || s->text.len > TEXT_MAX)
		print_window(s);
}

void casg_cli_stream_finish(struct casg_cli_stream *s)
{
	print_window(s);
	free(s->r);
	free(s->info);
	free(s->more);
	casg_buf_release(&s->text);
	casg_buf_release(&s->line);
	casg_buf_release(&s->taxon);
	free(s);
}
