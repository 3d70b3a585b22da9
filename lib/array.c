#include "array.h"

#include <stdint.h>
#include <stdlib.h>

#include "err.h"

int casg_grow_(void **ptr, size_t *cap, size_t need, size_t elem)
{
	size_t want = *cap + *cap / 2;
	void *p;

	if (want < need)
		want = need;
	if (want < 16)
		want = 16;
	if (want > SIZE_MAX / elem)
		return CASG_ENOMEM;
	p = realloc(*ptr, want * elem);
	if (!p)
		return CASG_ENOMEM;
	*ptr = p;
	*cap = want;
	return 0;
}
