#include "taxon.h"

#include <string.h>

static int is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int is_alnum(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Does the text before s[at] end in the word, itself behind a boundary? */
static int word_before(const char *s, size_t at, const char *word, size_t wlen)
{
	if (at < wlen || memcmp(s + at - wlen, word, wlen))
		return 0;
	at -= wlen;
	return !at || is_space(s[at - 1]) || s[at - 1] == '\1';
}

/* Length of the digits at s[at], 0 if a declaration cannot end behind them. */
static size_t digits_at(const char *s, size_t n, size_t at, int pipe)
{
	size_t end = at;

	while (end < n && is_digit(s[end]))
		end++;
	if (end == n)
		return end - at;
	if (pipe ? s[end] != '|' && !is_space(s[end]) : is_alnum(s[end]))
		return 0;
	return end - at;
}

/* The same id must not be there already, between commas from 'base' on. */
static int is_known(const struct casg_buf *out, size_t base, const char *id,
		    size_t n)
{
	const char *p = (const char *)out->data + base;
	const char *end = (const char *)out->data + out->len;

	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		size_t len = (size_t)((comma ? comma : end) - p);

		if (len == n && !memcmp(p, id, n))
			return 1;
		p += len + 1;
	}
	return 0;
}

struct found {
	struct casg_buf *out;
	size_t base;
	unsigned count;
};

static void add(struct found *f, const char *id, size_t n)
{
	struct casg_buf *out = f->out;

	if (!n || f->count == CASG_TAXON_MAX ||
	    (f->count && is_known(out, f->base, id, n)))
		return;
	if (f->count++)
		casg_buf_addch(out, ',');
	casg_buf_add(out, id, n);
}

/* s[at] is '=' or '|': is a declared id behind it? */
static void look_at(struct found *f, const char *s, size_t n, size_t at)
{
	static const char kraken[] = "kraken:taxid";
	const size_t klen = sizeof(kraken) - 1;

	if (s[at] == '=') {
		if (word_before(s, at, "OX", 2) || word_before(s, at, "TaxID", 5))
			add(f, s + at + 1, digits_at(s, n, at + 1, 0));
	} else if (at >= klen && !memcmp(s + at - klen, kraken, klen) &&
		   (at == klen || s[at - klen - 1] == '|')) {
		add(f, s + at + 1, digits_at(s, n, at + 1, 1));
	}
}

static size_t find(const char *s, size_t n, size_t from, int c)
{
	const char *p = from < n ? memchr(s + from, c, n - from) : NULL;

	return p ? (size_t)(p - s) : n;
}

static void scan(struct found *f, const char *s, size_t n)
{
	size_t eq = find(s, n, 0, '='), bar = find(s, n, 0, '|');

	while (eq < n || bar < n) {
		if (eq < bar) {
			look_at(f, s, n, eq);
			eq = find(s, n, eq + 1, '=');
		} else {
			look_at(f, s, n, bar);
			bar = find(s, n, bar + 1, '|');
		}
	}
}

int casg_taxon_declared(const char *key, size_t klen, const char *desc,
			size_t dlen, struct casg_buf *out)
{
	struct found f = { out, out->len, 0 };

	scan(&f, key, klen);
	scan(&f, desc, dlen);
	if (!f.count)
		casg_buf_addch(out, '-');
	return casg_buf_check(out, NULL);
}
