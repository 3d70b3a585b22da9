#include "oidset.h"

#include <stdlib.h>

#include "array.h"

void casg_oidset_release(struct casg_oidset *s)
{
	free(s->ids);
	free(s->table);
	memset(s, 0, sizeof(*s));
}

/* Where the id is in the table, or the free place where it belongs. */
static size_t place(const struct casg_oidset *s, const struct casg_oid *id)
{
	size_t i = (size_t)casg_oid_prefix(id) & (s->ntable - 1);

	while (s->table[i] && !casg_oid_eq(&s->ids[s->table[i] - 1], id))
		i = (i + 1) & (s->ntable - 1);
	return i;
}

/* At most half of the table is in use. */
static int grow(struct casg_oidset *s, struct casg_err *err)
{
	size_t ntable = s->ntable ? 2 * s->ntable : 64;
	uint32_t *old = s->table;

	if (s->n >= UINT32_MAX / 2)
		return casg_err_nomem(err);
	s->table = calloc(ntable, sizeof(*s->table));
	if (!s->table) {
		s->table = old;
		return casg_err_nomem(err);
	}
	free(old);
	s->ntable = ntable;
	for (size_t i = 0; i < s->n; i++)
		s->table[place(s, &s->ids[i])] = (uint32_t)i + 1;
	return 0;
}

int casg_oidset_add(struct casg_oidset *s, const struct casg_oid *id,
		    struct casg_err *err)
{
	size_t at;

	if (2 * (s->n + 1) > s->ntable && grow(s, err))
		return CASG_ENOMEM;
	at = place(s, id);
	if (s->table[at])
		return 0;
	if (CASG_GROW(s->ids, s->n + 1, s->cap))
		return casg_err_nomem(err);
	s->ids[s->n++] = *id;
	s->table[at] = (uint32_t)s->n;
	return 1;
}

int casg_oidset_find(const struct casg_oidset *s, const struct casg_oid *id,
		     size_t *index_out)
{
	size_t at;

	if (!s->n)
		return 0;
	at = place(s, id);
	if (!s->table[at])
		return 0;
	if (index_out)
		*index_out = s->table[at] - 1;
	return 1;
}
