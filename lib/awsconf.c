#include "awsconf.h"

#include <string.h>
#include <strings.h>

/* A piece of the text without the spaces around it. */
struct piece {
	const char *p;
	size_t n;
};

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct piece trim(const char *p, size_t n)
{
	while (n && is_space(*p)) {
		p++;
		n--;
	}
	while (n && is_space(p[n - 1]))
		n--;
	return (struct piece){ p, n };
}

static int is_text(struct piece x, const char *s)
{
	return x.n == strlen(s) && !memcmp(x.p, s, x.n);
}

/* "[profile  a]" is "[profile a]". */
static int is_section(struct piece line, const char *section)
{
	const char *close = memchr(line.p, ']', line.n);
	struct piece name, rest;
	size_t word = strcspn(section, " ");

	if (!close)
		return 0;
	name = trim(line.p + 1, (size_t)(close - line.p - 1));
	if (!section[word])
		return is_text(name, section);
	if (name.n <= word || memcmp(name.p, section, word) || !is_space(name.p[word]))
		return 0;
	rest = trim(name.p + word, name.n - word);
	return is_text(rest, section + word + 1);
}

/* 1: the section is there; *found_out: the key, too. */
static int look(const char *p, size_t n, const char *section, const char *key,
		struct piece *value_out, int *found_out)
{
	int inside = 0, seen = 0;

	while (n) {
		const char *eol = memchr(p, '\n', n);
		size_t len = eol ? (size_t)(eol - p) : n;
		struct piece line = trim(p, len), name;
		const char *sign;

		if (len && *p == '[') {
			inside = is_section(line, section);
			seen |= inside;
		} else if (inside && key && len && !is_space(*p) && *p != '#' && *p != ';' &&
			   (sign = memchr(line.p, '=', line.n))) {
			name = trim(line.p, (size_t)(sign - line.p));
			if (name.n == strlen(key) && !strncasecmp(name.p, key, name.n)) {
				*value_out = trim(sign + 1, (size_t)(line.p + line.n - sign - 1));
				*found_out = 1;
			}
		}
		p += len + (eol != NULL);
		n -= len + (eol != NULL);
	}
	return seen;
}

int casg_awsconf_get(const void *text, size_t n, const char *section, const char *key,
		     struct casg_buf *out)
{
	struct piece value = { NULL, 0 };
	int found = 0;

	look(text, n, section, key, &value, &found);
	/* a NUL or another control character is none of a value's */
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
			found = 0;
	if (found && value.n) {
		casg_buf_add(out, value.p, value.n);
		casg_buf_cstr(out);
	}
	return found && value.n;
}

int casg_awsconf_has(const void *text, size_t n, const char *section)
{
	struct piece value;
	int found;

	return look(text, n, section, NULL, &value, &found);
}
