#include "xmlscan.h"

#include <string.h>

void casg_xml_init(struct casg_xml *x, const void *bytes, size_t n)
{
	memset(x, 0, sizeof(*x));
	x->p = bytes ? bytes : "";
	x->end = x->p + n;
	x->name = "";
}

void casg_xml_release(struct casg_xml *x)
{
	casg_buf_release(&x->text);
}

int casg_xml_is(const struct casg_xml *x, unsigned depth, const char *name)
{
	return x->depth == depth && !strcmp(x->name, name);
}

static int bad(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "bad XML: %s", what);
}

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.' || c == ':';
}

static void skip_space(struct casg_xml *x)
{
	while (x->p < x->end && is_space(*x->p))
		x->p++;
}

static int starts(const struct casg_xml *x, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(x->end - x->p) >= n && !memcmp(x->p, s, n);
}

/* <?xml ... ?>, only in front of everything. */
static int skip_declaration(struct casg_xml *x, struct casg_err *err)
{
	const char *to;

	if (starts(x, "\xef\xbb\xbf"))
		x->p += 3;
	skip_space(x);
	if (!starts(x, "<?xml") || x->end - x->p < 6 || !is_space(x->p[5]))
		return 0;
	to = memmem(x->p, (size_t)(x->end - x->p), "?>", 2);
	if (!to)
		return bad(err, "a declaration without an end");
	x->p = to + 2;
	return 0;
}

static int read_name(struct casg_xml *x, char *out, struct casg_err *err)
{
	size_t n = 0;

	while (x->p + n < x->end && is_name(x->p[n]))
		n++;
	if (!n || n >= CASG_XML_NAME || (x->p[0] >= '0' && x->p[0] <= '9') || x->p[0] == '-' ||
	    x->p[0] == '.')
		return bad(err, "no name of an element");
	memcpy(out, x->p, n);
	out[n] = '\0';
	x->p += n;
	return 0;
}

/* name="value" ..., up to '>' or "/>". */
static int skip_attributes(struct casg_xml *x, struct casg_err *err)
{
	char name[CASG_XML_NAME];

	for (;;) {
		const char *before = x->p;
		char quote;
		int rc;

		skip_space(x);
		if (x->p < x->end && (*x->p == '>' || *x->p == '/'))
			return 0;
		if (x->p == before)
			return bad(err, "a tag that does not end");
		rc = read_name(x, name, err);
		if (rc)
			return rc;
		skip_space(x);
		if (x->p == x->end || *x->p++ != '=')
			return bad(err, "an attribute without a value");
		skip_space(x);
		if (x->p == x->end || (*x->p != '"' && *x->p != '\''))
			return bad(err, "an attribute without a value");
		quote = *x->p++;
		while (x->p < x->end && *x->p != quote && *x->p != '<')
			x->p++;
		if (x->p == x->end || *x->p != quote)
			return bad(err, "a value that does not end");
		x->p++;
	}
}

static int open_tag(struct casg_xml *x, struct casg_err *err)
{
	int rc;

	x->p++;
	if (!x->depth && x->seen_root)
		return bad(err, "more than one root");
	if (x->depth == CASG_XML_DEPTH)
		return bad(err, "too deep");
	rc = read_name(x, x->names[x->depth], err);
	if (!rc)
		rc = skip_attributes(x, err);
	if (rc)
		return rc;
	x->self_closing = *x->p == '/';
	x->p += x->self_closing;
	if (x->p == x->end || *x->p++ != '>')
		return bad(err, "a tag that does not end");
	x->seen_root = 1;
	x->name = x->names[x->depth++];
	casg_buf_reset(&x->text);
	casg_buf_cstr(&x->text);
	return CASG_XML_OPEN;
}

static int close_tag(struct casg_xml *x, struct casg_err *err)
{
	char name[CASG_XML_NAME];
	int rc;

	x->p += 2;
	rc = read_name(x, name, err);
	if (rc)
		return rc;
	skip_space(x);
	if (x->p == x->end || *x->p++ != '>')
		return bad(err, "a tag that does not end");
	if (!x->depth || strcmp(x->names[x->depth - 1], name))
		return bad(err, "tags that do not match");
	x->name = x->names[x->depth - 1];
	x->closed = 1;
	return CASG_XML_CLOSE;
}

/* ---- text ---- */

static void add_utf8(struct casg_buf *out, uint32_t c)
{
	if (c < 0x80) {
		casg_buf_addch(out, (int)c);
	} else if (c < 0x800) {
		casg_buf_addch(out, (int)(0xc0 | c >> 6));
		casg_buf_addch(out, (int)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		casg_buf_addch(out, (int)(0xe0 | c >> 12));
		casg_buf_addch(out, (int)(0x80 | (c >> 6 & 0x3f)));
		casg_buf_addch(out, (int)(0x80 | (c & 0x3f)));
	} else {
		casg_buf_addch(out, (int)(0xf0 | c >> 18));
		casg_buf_addch(out, (int)(0x80 | (c >> 12 & 0x3f)));
		casg_buf_addch(out, (int)(0x80 | (c >> 6 & 0x3f)));
		casg_buf_addch(out, (int)(0x80 | (c & 0x3f)));
	}
}

static int digit(char c, unsigned base)
{
	int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
		c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;

	return v < (int)base ? v : -1;
}

/* [p, end) is what stands between "&#" and ';'. */
static int add_number(struct casg_xml *x, const char *p, const char *end, struct casg_err *err)
{
	unsigned base = p < end && *p == 'x' ? 16 : 10;
	uint32_t v = 0;

	p += base == 16;
	if (p == end || end - p > 8)
		return bad(err, "a reference to no character");
	for (; p < end; p++) {
		int d = digit(*p, base);

		if (d < 0)
			return bad(err, "a reference to no character");
		v = v * base + (uint32_t)d;
	}
	if (!v || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return bad(err, "a reference to no character");
	add_utf8(&x->text, v);
	return 0;
}

static int add_entity(struct casg_xml *x, struct casg_err *err)
{
	static const struct { const char *name; char c; } names[] = {
		{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
	};
	size_t most = (size_t)(x->end - x->p) < 12 ? (size_t)(x->end - x->p) : 12;
	const char *from = x->p + 1, *to = memchr(x->p, ';', most);

	if (!to)
		return bad(err, "an entity without an end");
	x->p = to + 1;
	if (*from == '#')
		return add_number(x, from + 1, to, err);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strlen(names[i].name) == (size_t)(to - from) &&
		    !memcmp(names[i].name, from, (size_t)(to - from))) {
			casg_buf_addch(&x->text, names[i].c);
			return 0;
		}
	}
	return bad(err, "an unknown entity");
}

/* Up to the next '<'; outside the root only space. */
static int read_text(struct casg_xml *x, struct casg_err *err)
{
	while (x->p < x->end && *x->p != '<') {
		const char *from = x->p;
		int rc = 0;

		if (*from == '&' && x->depth) {
			rc = add_entity(x, err);
		} else {
			while (x->p < x->end && *x->p != '<' && *x->p != '&')
				if (!*x->p || (!x->depth && !is_space(*x->p)))
					return bad(err, "text where there may be none");
				else
					x->p++;
			if (x->depth)
				casg_buf_add(&x->text, from, (size_t)(x->p - from));
			else if (x->p < x->end && *x->p == '&')
				return bad(err, "text where there may be none");
		}
		if (!rc && x->text.len > CASG_XML_TEXT_MAX)
			rc = bad(err, "a text that is too long");
		if (rc)
			return rc;
	}
	casg_buf_cstr(&x->text);
	return casg_buf_check(&x->text, err);
}

int casg_xml_next(struct casg_xml *x, struct casg_err *err)
{
	int rc;

	if (x->self_closing) {
		x->self_closing = 0;
		x->closed = 1;
		return CASG_XML_CLOSE;
	}
	if (x->closed) {
		x->closed = 0;
		x->depth--;
		casg_buf_reset(&x->text);
	}
	rc = !x->seen_root ? skip_declaration(x, err) : 0;
	if (!rc)
		rc = read_text(x, err);
	if (rc)
		return rc;
	if (x->p == x->end)
		return x->depth || !x->seen_root ? bad(err, "it ends too early") : CASG_XML_EOF;
	return x->end - x->p > 1 && x->p[1] == '/' ? close_tag(x, err) : open_tag(x, err);
}
