#include "packlist.h"

#include <string.h>

#include "oid.h"

/* Digits without a leading zero, at most 19 of them. */
static int is_number(const char *s, size_t n)
{
	if (!n || n > 19 || *s == '0')
		return 0;
	while (n--)
		if (s[n] < '0' || s[n] > '9')
			return 0;
	return 1;
}

static int is_kinds(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int edge = !i || i + 1 == n || s[i - 1] == ',';

		if (s[i] == ',' ? edge : s[i] < 'a' || s[i] > 'z')
			return 0;
	}
	return n > 0;
}

static int is_line(const char *p, const char *eol, struct casg_oid *id_out)
{
	const char *size = p + CASG_OID_HEXSZ + 1, *sp;

	if (eol < size || size[-1] != ' ' || casg_oid_parse(id_out, p, CASG_OID_HEXSZ))
		return 0;
	sp = memchr(size, ' ', (size_t)(eol - size));
	return sp && is_number(size, (size_t)(sp - size)) &&
	       is_kinds(sp + 1, (size_t)(eol - sp - 1));
}

int casg_packlist_check(const uint8_t *text, size_t n, struct casg_err *err)
{
	const char *p = (const char *)text, *end = p + n;
	struct casg_oid id, before;
	unsigned long line = 0;

	if (n > CASG_PACKLIST_MAX_BYTES)
		return casg_err_set(err, CASG_ECORRUPT, "the list of packs is longer than %u bytes",
				    CASG_PACKLIST_MAX_BYTES);
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		line++;
		if (!eol || !is_line(p, eol, &id))
			return casg_err_set(err, CASG_ECORRUPT,
					    "malformed list of packs, line %lu: not '<id> <bytes> <kinds>'",
					    line);
		if (line > 1 && casg_oid_cmp(&before, &id) >= 0)
			return casg_err_set(err, CASG_ECORRUPT,
					    "malformed list of packs, line %lu: not in order",
					    line);
		before = id;
		p = eol + 1;
	}
	return 0;
}
