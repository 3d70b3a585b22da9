#include "checksums.h"

#include <string.h>

/* Hex digits at the front of the line, as many as the digest has, and no more. */
static int take_digest(const char *p, size_t n, size_t ndigits, char *hex_out)
{
	if (n < ndigits)
		return 0;
	for (size_t i = 0; i < ndigits; i++) {
		char c = p[i];

		if (c >= 'A' && c <= 'F')
			c += 'a' - 'A';
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return 0;
		hex_out[i] = c;
	}
	hex_out[ndigits] = '\0';
	return n == ndigits || p[ndigits] == ' ' || p[ndigits] == '\t';
}

/* Is that what a line calls the file? */
static int is_name(const char *p, size_t n, const char *name)
{
	const char *slash;

	while (n && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	if (n && *p == '*') {
		p++;
		n--;
	}
	while ((slash = memchr(p, '/', n))) {
		n -= (size_t)(slash + 1 - p);
		p = slash + 1;
	}
	return n == strlen(name) && !memcmp(p, name, n);
}

int casg_checksums_find(const char *text, size_t nbytes, enum casg_filesum_kind kind,
			const char *name, int own, char hex_out[CASG_FILESUM_TEXTSZ],
			struct casg_err *err)
{
	const size_t ndigits = casg_filesum_digits(kind);
	const char *p = text, *end = text + nbytes;
	int found = 0;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((lf ? lf : end) - p);
		char hex[CASG_FILESUM_TEXTSZ];
		int alone;

		if (n && p[n - 1] == '\r')
			n--;
		alone = own && p == text && (!lf || lf + 1 == end);
		if (take_digest(p, n, ndigits, hex) &&
		    (alone || is_name(p + ndigits, n - ndigits, name))) {
			if (found && strcmp(hex, hex_out))
				return casg_err_set(err, CASG_ECORRUPT,
						    "it lists two digests of '%s'", name);
			found = 1;
			strcpy(hex_out, hex);
		}
		p = lf ? lf + 1 : end;
	}
	return found;
}
