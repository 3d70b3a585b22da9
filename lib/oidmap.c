#include "oidmap.h"

#include <stdlib.h>

void casg_oidmap_release(struct casg_oidmap *m)
{
	free(m->slots);
	m->slots = NULL;
	m->n = m->cap = 0;
}

/* The slot of 'id', or the free one where it would go. */
static struct casg_oidmap_slot *slot(const struct casg_oidmap *m, const struct casg_oid *id)
{
	size_t h = (size_t)casg_oid_prefix(id) & (m->cap - 1);

	while (m->slots[h].used && !casg_oid_eq(&m->slots[h].id, id))
		h = (h + 1) & (m->cap - 1);
	return &m->slots[h];
}

static int grow(struct casg_oidmap *m, struct casg_err *err)
{
	struct casg_oidmap old = *m;

	m->cap = old.cap ? 2 * old.cap : 64;
	m->slots = calloc(m->cap, sizeof(*m->slots));
	if (!m->slots) {
		*m = old;
		return casg_err_nomem(err);
	}
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].used)
			*slot(m, &old.slots[i].id) = old.slots[i];
	free(old.slots);
	return 0;
}

int casg_oidmap_set(struct casg_oidmap *m, const struct casg_oid *id, uint64_t value,
		    struct casg_err *err)
{
	struct casg_oidmap_slot *s;
	int r = 4 * (m->n + 1) > 3 * m->cap ? grow(m, err) : 0;

	if (r)
		return r;
	s = slot(m, id);
	m->n += !s->used;
	s->used = 1;
	s->id = *id;
	s->value = value;
	return 0;
}

int casg_oidmap_get(const struct casg_oidmap *m, const struct casg_oid *id,
		    uint64_t *value_out)
{
	const struct casg_oidmap_slot *s = m->cap ? slot(m, id) : NULL;

	if (!s || !s->used)
		return 0;
	if (value_out)
		*value_out = s->value;
	return 1;
}
