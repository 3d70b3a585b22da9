/*
 * region - which part of a sequence is meant, in the syntax of samtools.
 *
 *	KEY:FROM-TO   KEY:FROM- or KEY:FROM (to its end)   KEY:-TO   {KEY}:...
 *
 * Positions count from 1, the last one is meant as well, and they may have commas
 * anywhere behind the first digit.  The key ends at the last colon, or at the brace
 * that stands before it.  Whoever looks a text up as a whole key first never takes
 * a key that holds colons for a region.
 *
 * Threads: reentrant.
 */
#ifndef CASG_REGION_H
#define CASG_REGION_H

#include <stddef.h>
#include <stdint.h>

struct casg_region {
	const char *key;     /* in the text */
	size_t klen;
	uint64_t start, end; /* 0-based, half-open; end UINT64_MAX: that of the sequence */
};

/* 1: it is one; 0: it is none. */
int casg_region_parse(const char *text, size_t n, struct casg_region *out);

#endif
