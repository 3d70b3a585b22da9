#include "organism.h"

#include <string.h>

/* The last [NAME] of a line. */
static int last_brackets(const char *p, size_t n, struct casg_taxstr *name_out)
{
	size_t end, depth = 1, i;

	while (n && p[n - 1] != ']')
		n--;
	if (!n)
		return 0;
	end = i = n - 1;
	while (i && depth) {
		i--;
		depth += p[i] == ']';
		depth -= p[i] == '[';
	}
	*name_out = (struct casg_taxstr){ p + i + 1, end - i - 1 };
	return !depth && end > i + 1;
}

int casg_organism_next(const char *desc, size_t dlen, size_t *at,
		       struct casg_taxstr *name_out)
{
	while (*at < dlen) {
		const char *p = desc + *at, *sep = memchr(p, '\1', dlen - *at);
		size_t n = sep ? (size_t)(sep - p) : dlen - *at;

		*at += n + (sep != NULL);
		if (last_brackets(p, n, name_out))
			return 1;
	}
	return 0;
}
