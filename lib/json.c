#include "json.h"

#include <string.h>

#define DEPTH 32

struct walk {
	const char *p, *end;
	struct casg_buf path, text;
	unsigned depth;
	casg_json_fn *fn;
	void *ctx;
};

static int value(struct walk *w);

static void skip(struct walk *w)
{
	while (w->p < w->end && memchr(" \t\r\n", *w->p, 4))
		w->p++;
}

static int take(struct walk *w, char c)
{
	skip(w);
	if (w->p == w->end || *w->p != c)
		return 0;
	w->p++;
	return 1;
}

static int hex4(struct walk *w, uint32_t *out)
{
	*out = 0;
	if (w->end - w->p < 4)
		return CASG_ECORRUPT;
	for (int i = 0; i < 4; i++) {
		const char *at, digits[] = "0123456789abcdefABCDEF";

		at = *w->p ? strchr(digits, *w->p) : NULL;
		if (!at)
			return CASG_ECORRUPT;
		*out = *out << 4 | (uint32_t)(at - digits < 16 ? at - digits : at - digits - 6);
		w->p++;
	}
	return 0;
}

static void add_utf8(struct casg_buf *b, uint32_t c)
{
	if (c < 0x80) {
		casg_buf_addch(b, (int)c);
	} else if (c < 0x800) {
		casg_buf_addch(b, (int)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		casg_buf_addch(b, (int)(0xe0 | c >> 12));
		casg_buf_addch(b, (int)(0x80 | (c >> 6 & 63)));
	} else {
		casg_buf_addch(b, (int)(0xf0 | c >> 18));
		casg_buf_addch(b, (int)(0x80 | (c >> 12 & 63)));
		casg_buf_addch(b, (int)(0x80 | (c >> 6 & 63)));
	}
	if (c >= 0x80)
		casg_buf_addch(b, (int)(0x80 | (c & 63)));
}

static int escape(struct walk *w, struct casg_buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	uint32_t c, low;

	if (w->p == w->end || !*w->p)
		return CASG_ECORRUPT;
	if (*w->p != 'u') {
		at = strchr(from, *w->p++);
		if (!at)
			return CASG_ECORRUPT;
		casg_buf_addch(out, to[at - from]);
		return 0;
	}
	w->p++;
	if (hex4(w, &c) || (c & 0xfc00) == 0xdc00)
		return CASG_ECORRUPT;
	if ((c & 0xfc00) == 0xd800) {
		if (w->end - w->p < 2 || memcmp(w->p, "\\u", 2))
			return CASG_ECORRUPT;
		w->p += 2;
		if (hex4(w, &low) || (low & 0xfc00) != 0xdc00)
			return CASG_ECORRUPT;
		c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
	}
	add_utf8(out, c);
	return 0;
}

/* What follows the opening quote. */
static int string(struct walk *w, struct casg_buf *out)
{
	while (w->p < w->end && *w->p != '"') {
		unsigned char c = (unsigned char)*w->p++;

		if (c < 0x20 || (c == '\\' && escape(w, out)))
			return CASG_ECORRUPT;
		if (c != '\\')
			casg_buf_addch(out, c);
	}
	if (w->p == w->end)
		return CASG_ECORRUPT;
	w->p++;
	return 0;
}

static int tell(struct walk *w, const struct casg_buf *text)
{
	if (w->path.failed || (text && text->failed))
		return CASG_ENOMEM;
	return w->fn(w->ctx, casg_buf_cstr(&w->path), text ? casg_buf_cstr(&w->text) : NULL,
		     text ? text->len : 0);
}

static int object(struct walk *w)
{
	size_t len = w->path.len;
	int rc = 0, more = !take(w, '}');

	while (more && !rc) {
		if (len)
			casg_buf_addch(&w->path, '.');
		rc = !take(w, '"') || string(w, &w->path) || !take(w, ':') ? CASG_ECORRUPT : value(w);
		w->path.len = len;
		more = !rc && take(w, ',');
		if (!rc && !more && !take(w, '}'))
			rc = CASG_ECORRUPT;
	}
	return rc ? rc : tell(w, NULL);
}

static int list(struct walk *w)
{
	size_t len = w->path.len;
	int rc = 0, more = !take(w, ']');

	while (more && !rc) {
		casg_buf_addstr(&w->path, "[]");
		rc = value(w);
		w->path.len = len;
		more = !rc && take(w, ',');
		if (!rc && !more && !take(w, ']'))
			rc = CASG_ECORRUPT;
	}
	return rc;
}

/* true, false, null, or a number: as it stands. */
static int word(struct walk *w)
{
	static const char signs[] = "abcdefghijklmnopqrstuvwxyzE0123456789+-.";
	const char *from = w->p;

	while (w->p < w->end && *w->p && strchr(signs, *w->p))
		w->p++;
	casg_buf_add(&w->text, from, (size_t)(w->p - from));
	return w->p == from ? CASG_ECORRUPT : tell(w, &w->text);
}

static int value(struct walk *w)
{
	int rc;

	if (w->depth == DEPTH)
		return CASG_ECORRUPT;
	w->depth++;
	casg_buf_reset(&w->text);
	if (take(w, '{')) {
		rc = object(w);
	} else if (take(w, '[')) {
		rc = list(w);
	} else if (take(w, '"')) {
		rc = string(w, &w->text);
		if (!rc)
			rc = tell(w, &w->text);
	} else {
		rc = word(w);
	}
	w->depth--;
	return rc;
}

int casg_json_walk(const void *p, size_t n, casg_json_fn *fn, void *ctx, struct casg_err *err)
{
	struct walk w = { .p = p, .end = (const char *)p + n, .fn = fn, .ctx = ctx };
	int rc = value(&w);

	skip(&w);
	if (!rc && w.p != w.end)
		rc = CASG_ECORRUPT;
	casg_buf_release(&w.path);
	casg_buf_release(&w.text);
	if (rc == CASG_ECORRUPT)
		return casg_err_set(err, rc, "what came is no JSON");
	return rc == CASG_ENOMEM ? casg_err_nomem(err) : rc;
}

void casg_json_add(struct casg_buf *out, const char *s)
{
	casg_buf_addch(out, '"');
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			casg_buf_addf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			casg_buf_addf(out, "\\u%04x", (unsigned)*s);
		else
			casg_buf_addch(out, *s);
	casg_buf_addch(out, '"');
}
