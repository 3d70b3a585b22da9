#include "region.h"

#include <string.h>

#define NDIGITS_MAX 18

/* A number, at least 1, with commas in it; 0 if there is none. */
static uint64_t take_position(const char **p, const char *end)
{
	uint64_t v = 0;
	int ndigits = 0;

	for (; *p < end && ((**p >= '0' && **p <= '9') || (**p == ',' && ndigits)); ++*p)
		if (**p != ',') {
			if (ndigits++ == NDIGITS_MAX)
				return 0;
			v = v * 10 + (uint64_t)(**p - '0');
		}
	return v;
}

int casg_region_parse(const char *text, size_t n, struct casg_region *out)
{
	const char *end = text + n, *p = end;
	uint64_t from = 1, to = UINT64_MAX;

	while (p > text && p[-1] != ':')
		p--;
	if (p == text || p == end)
		return 0;
	out->key = text;
	out->klen = (size_t)(p - 1 - text);
	if (out->klen >= 2 && text[0] == '{' && text[out->klen - 1] == '}') {
		out->key++;
		out->klen -= 2;
	}
	if (*p != '-' && !(from = take_position(&p, end)))
		return 0;
	if (p < end && *p++ == '-') {
		if (p < end && !(to = take_position(&p, end)))
			return 0;
	} else if (p != end) {
		return 0;
	}
	/* "-" alone says nothing */
	if (p != end || from > to || end[-1] == ':' || (end[-1] == '-' && end[-2] == ':'))
		return 0;
	out->start = from - 1;
	out->end = to;
	return 1;
}
