/*
 * taxtext - the text files that taxonomies come in, line by line into a table.
 *
 *   nodes.dmp      id, parent, rank, others; NCBI's forms, old and new
 *   names.dmp      id, name, unique name, class
 *   merged.dmp     old id, id it went into
 *   delnodes.dmp   id
 *       fields stand apart by TAB | TAB, a line ends in TAB | or TAB | TAB
 *   lineages       GTDB's <genome> TAB d__..;p__..;c__..;o__..;f__..;g__..;s__..
 *       ids of taxa are their names with the prefix, names are without it; a
 *       rank without name is passed over; genomes are taxa of the rank
 *       "genome"; all lie below one taxon "root"
 *   table          a line "id TAB parent TAB rank TAB name { TAB class }",
 *       then one such line a taxon; further columns are other names, of the
 *       class that stands in the first line, and may be empty
 *
 * Lines end in LF or CR LF, the last one too (a file without may have been
 * cut), and are at most CASG_TAXTEXT_LINE_MAX bytes long.  A field holds no
 * CR and no NUL.  Refusals say file and line.
 *
 * Pure: the caller feeds bytes.  One thread at a time.
 */
#ifndef CASG_TAXTEXT_H
#define CASG_TAXTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "taxtable.h"

#define CASG_TAXTEXT_LINE_MAX ((size_t)1 << 20)

enum casg_taxtext_kind {
	CASG_TAXTEXT_NODES,
	CASG_TAXTEXT_NAMES,
	CASG_TAXTEXT_MERGED,
	CASG_TAXTEXT_DELNODES,
	CASG_TAXTEXT_LINEAGES,
	CASG_TAXTEXT_TABLE
};
#define CASG_TAXTEXT_NDUMP 4 /* the first four are files of a dump */

/* "nodes.dmp" and so on: the name of a file of a dump. */
const char *casg_taxtext_name(enum casg_taxtext_kind kind);

/*
 * Which of the two last kinds a file is that begins with p[0..n); -1: neither.
 */
int casg_taxtext_detect(const uint8_t *p, size_t n);

struct casg_taxtext;

/* 'name' is what messages call the file.  The table must outlive the text. */
struct casg_taxtext *casg_taxtext_new(struct casg_taxtable *table,
				      enum casg_taxtext_kind kind, const char *name,
				      struct casg_err *err);
void casg_taxtext_free(struct casg_taxtext *x);
int casg_taxtext_feed(struct casg_taxtext *x, const uint8_t *p, size_t n,
		      struct casg_err *err);
/* The file ends here. */
int casg_taxtext_finish(struct casg_taxtext *x, struct casg_err *err);

#endif
