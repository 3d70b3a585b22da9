#include "changefmt.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "hex.h"
#include "stream.h"

enum field {
	TEXT, STATUS, CLASS,
	KEY, ID, LENGTH, TAXON, PRESENTATION, DESCRIPTION,
	NFIELDS
};

static const char *const names[NFIELDS] = {
	"", "status", "class", "key", "id", "length", "taxon", "presentation", "description",
};

struct part {
	enum field field;
	int old;
	size_t at, n;       /* TEXT: in text */
};

struct casg_changefmt {
	struct part *part;
	size_t n, cap;
	struct casg_buf text;
	struct casg_buf taxon;
};

static struct part *add_part(struct casg_changefmt *f)
{
	if (CASG_GROW(f->part, f->n + 1, f->cap))
		return NULL;
	memset(&f->part[f->n], 0, sizeof(*f->part));
	f->part[f->n].at = f->text.len;
	return &f->part[f->n++];
}

static int add_text(struct casg_changefmt *f, int c)
{
	struct part *p = f->n && f->part[f->n - 1].field == TEXT ? &f->part[f->n - 1]
								  : add_part(f);

	if (!p)
		return -1;
	casg_buf_addch(&f->text, c);
	p->n++;
	return f->text.failed ? -1 : 0;
}

/* The field whose name is at 'name'. */
static int add_field(struct casg_changefmt *f, const char *name, size_t n, struct casg_err *err)
{
	int old = n > 3 && !memcmp(name, "old", 3);
	struct part *p;

	for (int i = STATUS; i < NFIELDS; i++) {
		const char *want = names[i];
		int skip = old && i >= KEY ? 3 : 0;

		if (strlen(want) != n - (size_t)skip || memcmp(want, name + skip, n - (size_t)skip))
			continue;
		p = add_part(f);
		if (!p)
			return casg_err_nomem(err);
		p->field = (enum field)i;
		p->old = old && i >= KEY;
		return 0;
	}
	return casg_err_set(err, CASG_ECORRUPT, "unknown field '%%(%.*s)' in the format",
			    (int)(n < 80 ? n : 80), name);
}

static int compile(struct casg_changefmt *f, const char *s, struct casg_err *err)
{
	while (*s) {
		const char *end;
		uint8_t byte;
		int rc = 0;

		if (*s != '%') {
			rc = add_text(f, *s++);
		} else if (s[1] == '%') {
			rc = add_text(f, '%');
			s += 2;
		} else if (s[1] == '(' && (end = strchr(s, ')'))) {
			if (add_field(f, s + 2, (size_t)(end - s) - 2, err))
				return err ? err->code : CASG_ECORRUPT;
			s = end + 1;
		} else if (s[1] && s[2] && !casg_hex_decode(&byte, s + 1, 1)) {
			rc = add_text(f, byte);
			s += 3;
		} else {
			return casg_err_set(err, CASG_ECORRUPT, "malformed format at '%.40s'", s);
		}
		if (rc)
			return casg_err_nomem(err);
	}
	return 0;
}

struct casg_changefmt *casg_changefmt_new(const char *format, struct casg_err *err)
{
	struct casg_changefmt *f = calloc(1, sizeof(*f));

	if (!f) {
		casg_err_nomem(err);
		return NULL;
	}
	if (compile(f, format, err)) {
		casg_changefmt_free(f);
		return NULL;
	}
	return f;
}

void casg_changefmt_free(struct casg_changefmt *f)
{
	if (!f)
		return;
	free(f->part);
	casg_buf_release(&f->text);
	casg_buf_release(&f->taxon);
	free(f);
}

static int add_of_record(struct casg_changefmt *f, struct casg_buf *out, enum field field,
			 const struct casg_recside *s, int z, struct casg_err *err)
{
	struct casg_rec r;

	if (!s) {
		casg_buf_addch(out, '-');
		return 0;
	}
	switch (field) {
	case KEY:
		casg_stream_key(out, s->key, s->klen, z);
		break;
	case ID:
		casg_oid_addhex(out, &s->oid);
		break;
	case LENGTH:
		casg_buf_add_u64(out, s->length);
		break;
	case TAXON:
		if (casg_recside_rec(s, &r, &f->taxon, err))
			return CASG_ENOMEM;
		casg_stream_field(out, r.taxon, r.tlen, z);
		break;
	case PRESENTATION:
		casg_buf_add(out, s->pres, s->plen);
		break;
	default:
		casg_stream_field(out, s->desc, s->dlen, z);
		break;
	}
	return 0;
}

int casg_changefmt_add(struct casg_changefmt *f, struct casg_buf *out,
		       const struct casg_change *c, int z, struct casg_err *err)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct part *p = &f->part[i];
		int rc = 0;

		if (p->field == TEXT)
			casg_buf_add(out, f->text.data + p->at, p->n);
		else if (p->field == STATUS)
			casg_buf_addch(out, casg_change_letter(c->kind));
		else if (p->field == CLASS)
			casg_buf_addstr(out, casg_change_name(c->kind));
		else
			rc = add_of_record(f, out, p->field, p->old ? c->a : c->b ? c->b : c->a,
					   z, err);
		if (rc)
			return rc;
	}
	casg_buf_addch(out, z ? '\0' : '\n');
	return casg_buf_check(out, err);
}
