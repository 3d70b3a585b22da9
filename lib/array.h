/*
 * array - the one way to grow a C array, and to sort many short ones.
 *
 * CASG_GROW(ptr, need, cap) makes room for 'need' elements in the malloc'd
 * array 'ptr' whose capacity is 'cap' (both lvalues; cap a size_t).  It is an
 * expression: 0, or CASG_ENOMEM with ptr and cap as they were.
 */
#ifndef CASG_ARRAY_H
#define CASG_ARRAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * realloc; what is large comes in large pages, where the system has them: to
 * touch it for the first time costs a tenth of what it does page by page.
 */
void *casg_realloc_(void *ptr, size_t nbytes);

int casg_grow_(void **ptr, size_t *cap, size_t need, size_t elem);

#define CASG_GROW(ptr, need, cap) \
	((size_t)(need) <= (cap) ? 0 : \
	 casg_grow_((void **)&(ptr), &(cap), (size_t)(need), sizeof(*(ptr))))

/*
 * qsort for arrays that are short as a rule, by insertion then: qsort calls for each
 * comparison, and this one does not where size and cmp are known.  Elements of at most
 * 64 bytes.
 */
static inline void casg_sort_short(void *array, size_t n, size_t size,
				   int (*cmp)(const void *, const void *))
{
	uint8_t *v = array, t[64];

	if (n > 32) {
		qsort(v, n, size, cmp);
		return;
	}
	for (size_t i = 1; i < n; i++)
		for (uint8_t *p = v + i * size; p > v && cmp(p, p - size) < 0; p -= size) {
			memcpy(t, p, size);
			memcpy(p, p - size, size);
			memcpy(p - size, t, size);
		}
}

#endif
