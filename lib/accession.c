#include "accession.h"

#include <string.h>

static const char *const tags[] = {
	"bbs", "dbj", "emb", "gb", "gi", "gim", "gnl", "gpp", "lcl", "nat", "oth",
	"pat", "pdb", "pir", "prf", "ref", "sp", "tpd", "tpe", "tpg", "tr"
};

const char *casg_accession_tag(size_t i)
{
	return i < sizeof(tags) / sizeof(tags[0]) ? tags[i] : NULL;
}

static int is_tag(const char *p, size_t n)
{
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (strlen(tags[i]) == n && !memcmp(tags[i], p, n))
			return 1;
	return 0;
}

/* What stands before the next '|'; *p moves behind it, to NULL at the end. */
static struct casg_accession part(const char **p, const char *end)
{
	struct casg_accession a = { *p, 0 };
	const char *bar = *p ? memchr(*p, '|', (size_t)(end - *p)) : NULL;

	if (*p)
		a.n = (size_t)((bar ? bar : end) - *p);
	*p = bar ? bar + 1 : NULL;
	return a;
}

int casg_accession_bare(const char *id, size_t n, struct casg_accession *out)
{
	const char *p = id, *end = id + n;
	struct casg_accession tag = part(&p, end), next;

	if (!p || !is_tag(tag.p, tag.n))
		return 0;
	*out = part(&p, end);
	if (p && tag.n == 2 && !memcmp(tag.p, "gi", 2)) {
		next = part(&p, end);
		if (p && is_tag(next.p, next.n)) {
			next = part(&p, end);
			if (next.n)
				*out = next;
		}
	}
	return out->n > 0;
}

size_t casg_accession_unversioned(const char *p, size_t n)
{
	size_t i = n;

	while (i && p[i - 1] >= '0' && p[i - 1] <= '9')
		i--;
	return i > 1 && i < n && p[i - 1] == '.' ? i - 1 : n;
}

size_t casg_accession_forms(const char *id, size_t n,
			    struct casg_accession out[CASG_ACCESSION_FORMS])
{
	size_t nforms = 0, whole;

	out[nforms++] = (struct casg_accession){ id, n };
	nforms += (size_t)casg_accession_bare(id, n, &out[1]);
	whole = nforms;
	for (size_t i = 0; i < whole; i++) {
		size_t m = casg_accession_unversioned(out[i].p, out[i].n);

		if (m < out[i].n)
			out[nforms++] = (struct casg_accession){ out[i].p, m };
	}
	return nforms;
}

int casg_accession_next(const char *desc, size_t dlen, size_t *at,
			struct casg_accession *out)
{
	while (*at < dlen) {
		const char *sep = memchr(desc + *at, '\1', dlen - *at);
		size_t i = sep ? (size_t)(sep - desc) + 1 : dlen, from;

		while (i < dlen && desc[i] == ' ')
			i++;
		for (from = i; i < dlen && (unsigned char)desc[i] > 0x20;)
			i++;
		*at = i;
		if (i == from)
			continue;
		*out = (struct casg_accession){ desc + from, i - from };
		return 1;
	}
	return 0;
}
