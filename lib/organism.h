/*
 * organism - the [Organism] that a definition line ends with.
 *
 * Where a header joins several definition lines by \x01 (nr), each has its own.
 * Brackets inside the name belong to it.  Pure; thread-safe.
 */
#ifndef CASG_ORGANISM_H
#define CASG_ORGANISM_H

#include <stddef.h>

#include "taxrec.h"

/*
 * The organism of each definition line that has one: 1 and the next, 0 behind
 * the last.  *at is 0 at the beginning.
 */
int casg_organism_next(const char *desc, size_t dlen, size_t *at,
		       struct casg_taxstr *name_out);

#endif
