#include "stream.h"

#include <string.h>

#include "hex.h"
#include "layout.h"

#define NFIELDS 6

/* gcc 12 vectorises such loops at -O3 only. */
#if defined(__GNUC__) && !defined(__clang__)
#define VECTORISED __attribute__((optimize("O3")))
#else
#define VECTORISED
#endif

static const char facts_mark[] = "#casg";

VECTORISED
static int has_trigger(const char *p, size_t n)
{
	unsigned char hit = 0;

	for (size_t i = 0; i < n; i++)
		hit |= (unsigned char)((p[i] == '\t') | (p[i] == '\n') |
				       (p[i] == '"') | (p[i] == '\\'));
	return hit;
}

static int is_marked(const char *p, size_t n)
{
	return n >= 5 && !memcmp(p, facts_mark, 5);
}

int casg_stream_is_facts(const char *line, size_t n)
{
	return is_marked(line, n) && !memchr(line, '\t', n);
}

/* The letter behind the backslash, 0 for an octal escape, -1 for none. */
static int escape_of(unsigned char c)
{
	static const char letters[] = "abtnvfr";

	if (c >= '\a' && c <= '\r')
		return letters[c - '\a'];
	if (c == '"' || c == '\\')
		return c;
	return c < 0x20 || c == 0x7f ? 0 : -1;
}

static void add_quoted(struct casg_buf *out, const char *p, size_t n)
{
	casg_buf_addch(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		int e = escape_of(c);

		if (e >= 0)
			casg_buf_addch(out, '\\');
		if (e) {
			casg_buf_addch(out, e > 0 ? e : c);
		} else {
			casg_buf_addch(out, '0' + (c >> 6));
			casg_buf_addch(out, '0' + (c >> 3 & 7));
			casg_buf_addch(out, '0' + (c & 7));
		}
	}
	casg_buf_addch(out, '"');
}

static void add_field(struct casg_buf *out, const char *p, size_t n, int z,
		      int is_key)
{
	if (!z && (has_trigger(p, n) || (is_key && is_marked(p, n))))
		add_quoted(out, p, n);
	else
		casg_buf_add(out, p, n);
}

void casg_stream_key(struct casg_buf *out, const char *key, size_t klen, int z)
{
	add_field(out, key, klen, z, 1);
}

void casg_stream_field(struct casg_buf *out, const char *p, size_t n, int z)
{
	add_field(out, p, n, z, 0);
}

int casg_rec_format(struct casg_buf *out, const struct casg_rec *r, int z)
{
	char hex[CASG_OID_HEXSZ + 2];

	add_field(out, r->key, r->klen, z, 1);
	hex[0] = '\t';
	casg_hex_encode(hex + 1, r->oid.b, CASG_OID_RAWSZ);
	hex[CASG_OID_HEXSZ + 1] = '\t';
	casg_buf_add(out, hex, sizeof(hex));
	casg_buf_add_u64(out, r->length);
	casg_buf_addch(out, '\t');
	add_field(out, r->taxon, r->tlen, z, 0);
	casg_buf_addch(out, '\t');
	casg_buf_add(out, r->pres, r->plen);
	casg_buf_addch(out, '\t');
	add_field(out, r->desc, r->dlen, z, 0);
	casg_buf_addch(out, z ? 0 : '\n');
	return casg_buf_check(out, NULL);
}

struct field {
	const char *p;
	size_t n;
	int quoted;
	size_t at;              /* where it begins in the scratch, if quoted */
};

static int bad(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "bad record line: %s", what);
}

static int bad_count(struct casg_err *err, int nfields)
{
	static const char *const numbers[] = { "no", "one", "two", "three", "four", "five", "six" };

	return casg_err_set(err, CASG_ECORRUPT, "bad record line: there are not %s fields",
			    numbers[nfields]);
}

/* The byte an escape stands for, advancing *p; -1 unless canonical. */
static int unescape(const char **p, const char *end)
{
	const char *s = *p;
	int c = -1;

	if (s == end)
		return -1;
	if (*s >= '0' && *s <= '3') {
		if (end - s < 3 || s[1] < '0' || s[1] > '7' || s[2] < '0' ||
		    s[2] > '7')
			return -1;
		c = (s[0] - '0') << 6 | (s[1] - '0') << 3 | (s[2] - '0');
		*p = s + 3;
		return c && !escape_of((unsigned char)c) ? c : -1;
	}
	*p = s + 1;
	if (*s == '"' || *s == '\\')
		return *s;
	for (c = '\a'; c <= '\r'; c++)
		if (escape_of((unsigned char)c) == *s)
			return c;
	return -1;
}

/* Unquote the content of a quoted field into the scratch. */
static int unquote(struct field *f, int is_key, struct casg_buf *scratch,
		   struct casg_err *err)
{
	const char *p = f->p, *end = p + f->n;
	const char *text;
	size_t n;

	f->at = scratch->len;
	while (p < end) {
		int c = (unsigned char)*p++;

		if (c == '\\')
			c = unescape(&p, end);
		else if (escape_of((unsigned char)c) >= 0)
			c = -1;
		if (c < 0)
			return bad(err, "a quoted field is malformed");
		casg_buf_addch(scratch, c);
	}
	if (casg_buf_check(scratch, err))
		return CASG_ENOMEM;
	n = scratch->len - f->at;
	text = n ? (const char *)scratch->data + f->at : "";
	if (!has_trigger(text, n) && !(is_key && is_marked(text, n)))
		return bad(err, "a field is quoted without need");
	f->n = n;
	return 0;
}

/* The quote that closes a field, or 'end'; p is behind the one that opens it. */
static const char *closing_quote(const char *p, const char *end)
{
	for (; p < end && *p != '"'; p++)
		if (*p == '\\' && ++p == end)
			break;
	return p;
}

/* Split at TABs, unquoting; 'simple': nothing is quoted. */
static int split(struct field *f, int nfields, const char *line, size_t n, int simple,
		 struct casg_buf *scratch, struct casg_err *err)
{
	const char *p = line, *end = line + n;

	for (int i = 0; i < nfields; i++, p++) {
		int last = i == nfields - 1, ret;
		const char *stop;

		f[i].quoted = !simple && p < end && *p == '"';
		f[i].p = p + f[i].quoted;
		if (f[i].quoted) {
			stop = closing_quote(f[i].p, end);
			if (stop >= end)
				return bad(err, "a quoted field is not closed");
			f[i].n = (size_t)(stop - f[i].p);
			p = stop + 1;
			ret = unquote(&f[i], i == 0, scratch, err);
			if (ret)
				return ret;
		} else {
			stop = last ? NULL : memchr(p, '\t', (size_t)(end - p));
			p = stop ? stop : end;
			f[i].n = (size_t)(p - f[i].p);
			if (!simple && has_trigger(f[i].p, f[i].n))
				return bad(err, "a field ought to be quoted");
		}
		if (last ? p != end : p >= end || *p != '\t')
			return bad_count(err, nfields);
	}
	return 0;
}

static int parse_length(uint64_t *out, const struct field *f,
			struct casg_err *err)
{
	uint64_t v = 0;

	if (!f->n || f->n > 19 || (f->n > 1 && f->p[0] == '0'))
		return bad(err, "the length is no number");
	for (size_t i = 0; i < f->n; i++) {
		if (f->p[i] < '0' || f->p[i] > '9')
			return bad(err, "the length is no number");
		v = v * 10 + (uint64_t)(f->p[i] - '0');
	}
	if (v > CASG_RESIDUES_MAX)
		return bad(err, "the length is out of range");
	*out = v;
	return 0;
}

int casg_stream_check_key(const char *p, size_t n, struct casg_err *err)
{
	if (n > CASG_KEY_MAX)
		return bad(err, "the key is too long");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] <= ' ' &&
		    (!p[i] || p[i] == '\n' || casg_is_blank(p[i])))
			return bad(err, "the key holds white space or NUL");
	return 0;
}

static int check_pres(const char *p, size_t n, struct casg_err *err)
{
	struct casg_oid oid;

	if (n == 1 && *p == '-')
		return 0;
	if (n && *p == '@') {
		if (!casg_oid_parse(&oid, p + 1, n - 1))
			return 0;
		return bad(err, "the presentation's id is malformed");
	}
	if (!n || !memchr("wcg", *p, 3))
		return bad(err, "the presentation is malformed");
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		      (c >= 'a' && c <= 'z') || (c && strchr("_%.:;", c))))
			return bad(err, "the presentation is malformed");
	}
	return 0;
}

static int check_rec(const struct casg_rec *r, struct casg_err *err)
{
	int ret = casg_stream_check_key(r->key, r->klen, err);

	if (!ret)
		ret = check_pres(r->pres, r->plen, err);
	if (ret)
		return ret;
	if (!r->tlen || memchr(r->taxon, '\t', r->tlen) ||
	    memchr(r->taxon, '\n', r->tlen))
		return bad(err, "the taxon is empty or holds TAB or LF");
	if (r->dlen > CASG_TEXT_MAX)
		return bad(err, "the description is too long");
	if (r->dlen && !casg_is_blank(r->desc[0]))
		return bad(err, "the description does not begin with white space");
	return 0;
}

int casg_stream_split(struct casg_field *out, int nfields, const char *line, size_t n,
		      struct casg_buf *scratch, struct casg_err *err)
{
	struct field f[NFIELDS];
	int simple = !n || (!memchr(line, '"', n) && !memchr(line, '\\', n)), rc;

	casg_buf_reset(scratch);
	if (nfields > NFIELDS)
		return casg_err_set(err, CASG_EBUG, "too many fields");
	if (n && memchr(line, 0, n))
		return bad(err, "it holds NUL");
	if (n && memchr(line, '\n', n))
		return bad(err, "it holds a line end");
	if (is_marked(line, n))
		return bad(err, "its key ought to be quoted");
	rc = split(f, nfields, line, n, simple, scratch, err);
	if (rc)
		return rc;
	if (simple && memchr(f[nfields - 1].p, '\t', f[nfields - 1].n))
		return bad_count(err, nfields);
	for (int i = 0; i < nfields; i++) {
		out[i].p = f[i].quoted ? (const char *)scratch->data + f[i].at : f[i].p;
		out[i].n = f[i].n;
	}
	return 0;
}

int casg_rec_parse(struct casg_rec *r, const char *line, size_t n, int z,
		   struct casg_buf *scratch, struct casg_err *err)
{
	struct field f[NFIELDS];
	int simple = z || !n ||
		     (!memchr(line, '"', n) && !memchr(line, '\\', n));
	int ret;

	casg_buf_reset(scratch);
	if (n && memchr(line, 0, n))
		return bad(err, "it holds NUL");
	if (!z && n && memchr(line, '\n', n))
		return bad(err, "it holds a line end");
	if (!z && is_marked(line, n))
		return bad(err, "its key ought to be quoted");
	ret = split(f, NFIELDS, line, n, simple, scratch, err);
	if (ret)
		return ret;
	for (int i = 0; i < NFIELDS; i++)
		if (f[i].quoted)
			f[i].p = (const char *)scratch->data + f[i].at;
	if (!z && simple && memchr(f[5].p, '\t', f[5].n))
		return bad_count(err, NFIELDS);
	if (f[1].n != CASG_OID_HEXSZ || casg_oid_parse(&r->oid, f[1].p, f[1].n))
		return bad(err, "the sequence id is malformed");
	ret = parse_length(&r->length, &f[2], err);
	if (ret)
		return ret;
	r->key = f[0].p;
	r->klen = f[0].n;
	r->taxon = f[3].p;
	r->tlen = f[3].n;
	r->pres = f[4].p;
	r->plen = f[4].n;
	r->desc = f[5].p;
	r->dlen = f[5].n;
	return check_rec(r, err);
}
