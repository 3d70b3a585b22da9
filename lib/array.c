#include "array.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "err.h"

void *casg_realloc_(void *ptr, size_t nbytes)
{
	const size_t large = (size_t)8 << 20, page = 4096;
	char *p = realloc(ptr, nbytes);

#ifdef MADV_HUGEPAGE
	/*
	 * All of what the C library has mapped for it, or the kernel would see two
	 * mappings, and it could not grow without being copied.  It stays so when
	 * it is moved or grows; a refusal only costs time.
	 */
	if (p && nbytes >= large) {
		size_t skip = (uintptr_t)p & (page - 1);

		madvise(p - skip, (nbytes + skip + page - 1) / page * page, MADV_HUGEPAGE);
	}
#endif
	return p;
}

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
	p = casg_realloc_(*ptr, want * elem);
	if (!p)
		return CASG_ENOMEM;
	*ptr = p;
	*cap = want;
	return 0;
}
