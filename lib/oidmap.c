#include "oidmap.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

void casg_oidmap_release(struct casg_oidmap *m)
{
	casg_oidset_release(&m->ids);
	free(m->values);
	memset(m, 0, sizeof(*m));
}

int casg_oidmap_set(struct casg_oidmap *m, const struct casg_oid *id, uint64_t value,
		    struct casg_err *err)
{
	size_t at;

	/* room first: an id without a value must not be there */
	if (CASG_GROW(m->values, m->ids.n + 1, m->cap))
		return casg_err_nomem(err);
	if (casg_oidset_add(&m->ids, id, err) < 0)
		return CASG_ENOMEM;
	if (casg_oidset_find(&m->ids, id, &at))
		m->values[at] = value;
	return 0;
}

int casg_oidmap_get(const struct casg_oidmap *m, const struct casg_oid *id,
		    uint64_t *value_out)
{
	size_t at;

	if (!casg_oidset_find(&m->ids, id, &at))
		return 0;
	if (value_out)
		*value_out = m->values[at];
	return 1;
}
