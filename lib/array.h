/*
 * array - the one way to grow a C array.
 *
 * CASG_GROW(ptr, need, cap) makes room for 'need' elements in the malloc'd
 * array 'ptr' whose capacity is 'cap' (both lvalues; cap a size_t).  It is an
 * expression: 0, or CASG_ENOMEM with ptr and cap as they were.
 */
#ifndef CASG_ARRAY_H
#define CASG_ARRAY_H

#include <stddef.h>

/*
 * realloc; what is large comes in large pages, where the system has them: to
 * touch it for the first time costs a tenth of what it does page by page.
 */
void *casg_realloc_(void *ptr, size_t nbytes);

int casg_grow_(void **ptr, size_t *cap, size_t need, size_t elem);

#define CASG_GROW(ptr, need, cap) \
	((size_t)(need) <= (cap) ? 0 : \
	 casg_grow_((void **)&(ptr), &(cap), (size_t)(need), sizeof(*(ptr))))

#endif
