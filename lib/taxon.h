/*
 * taxon - the taxon a FASTA header declares.
 *
 * Recognised in key and description:
 *   OX=<digits>, TaxID=<digits>   at the start, or after white space or \x01,
 *                                 and not followed by a letter or digit
 *   kraken:taxid|<digits>         at the start of either or after '|', and
 *                                 followed by '|', white space or the end
 * Pure; thread-safe.
 */
#ifndef CASG_TAXON_H
#define CASG_TAXON_H

#include <stddef.h>

#include "buf.h"

#define CASG_TAXON_MAX 256      /* distinct ids taken from one header */

/*
 * Append the declared taxon ids, distinct, in order of appearance, joined by
 * ','; or "-".  0 or CASG_ENOMEM.
 */
int casg_taxon_declared(const char *key, size_t klen, const char *desc,
			size_t dlen, struct casg_buf *out);

#endif
