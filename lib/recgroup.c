#include "recgroup.h"

#include <string.h>

int casg_recgroup_cmp(const struct casg_recside *a, const struct casg_recside *b)
{
	size_t n = a->dlen < b->dlen ? a->dlen : b->dlen;
	int c = casg_oid_cmp(&a->oid, &b->oid);

	if (!c && n)
		c = memcmp(a->desc, b->desc, n);
	return c ? c : (a->dlen > b->dlen) - (a->dlen < b->dlen);
}

enum how { ANY, SEQUENCE, EQUAL };

static int compare(const struct casg_recside *a, const struct casg_recside *b, enum how how)
{
	return how == EQUAL ? casg_recgroup_cmp(a, b) :
	       how == SEQUENCE ? casg_oid_cmp(&a->oid, &b->oid) : 0;
}

static size_t next_single(const struct casg_member *v, size_t i, size_t n, int is_b)
{
	while (i < n && (v[i].mate || v[i].is_b != is_b))
		i++;
	return i;
}

/* Both sides stand in the order that is asked for. */
static void pair(struct casg_member *v, size_t n, enum how how)
{
	size_t i = next_single(v, 0, n, 0), j = next_single(v, 0, n, 1);

	while (i < n && j < n) {
		int c = compare(&v[i].s, &v[j].s, how);

		if (!c) {
			v[i].mate = &v[j];
			v[j].mate = &v[i];
		}
		if (c <= 0)
			i = next_single(v, i + 1, n, 0);
		if (c >= 0)
			j = next_single(v, j + 1, n, 1);
	}
}

void casg_recgroup_pair(struct casg_member *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v[i].mate = NULL;
	if (n > 2) {
		pair(v, n, EQUAL);
		pair(v, n, SEQUENCE);
	}
	pair(v, n, ANY);
}
