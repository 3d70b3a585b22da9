/* Bytes handed out in pieces of a size, for readers that ask for more. */
#ifndef CASG_FUZZ_PIECES_H
#define CASG_FUZZ_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct source {
	const uint8_t *p;
	size_t n, step;
};

static inline int pieces(void *ctx, const uint8_t **p, size_t *n, struct casg_err *err)
{
	struct source *s = ctx;

	(void)err;
	*p = s->p;
	*n = s->n < s->step ? s->n : s->step;
	s->p += *n;
	s->n -= *n;
	return *n > 0;
}

#endif
