/*
 * taxtable - a taxonomy in memory, put together from the lines of a dump.
 *
 * Lines come in any order (an archive may hold the names before the nodes),
 * so nothing is looked up before casg_taxtable_finish, which refuses what is
 * no taxonomy:
 *   an id twice, be it a taxon, merged or deleted;
 *   a parent that is no taxon, a taxon among its own ancestors, no root, two;
 *   a taxon without scientific name or with two, a name of no taxon;
 *   an id merged into nothing, into a deleted one, or in a circle.
 * Every refusal names file and line.  The root is the taxon that is its own
 * parent.  Time is linear in the input but for sorting; memory is about 150
 * bytes a taxon and 40 a name besides their text, and never over the bound.
 *
 * Afterwards the records (taxrec.h) come in the order of their keys, as bytes.
 *
 * Pure; a table belongs to one thread at a time.
 */
#ifndef CASG_TAXTABLE_H
#define CASG_TAXTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "taxrec.h"

struct casg_taxtable;

/* More taxa, names, lines of a file than this are refused. */
#define CASG_TAXTABLE_MAX UINT32_C(0xfffffff0)
#define CASG_TAXTABLE_CLASSES_MAX 1000
#define CASG_TAXTABLE_FILES_MAX 10000

enum casg_taxids {
	CASG_TAXIDS_NUMBERS,    /* ids are the dump's */
	CASG_TAXIDS_NAMES       /* ids are the scientific names */
};

/* At most memory_nbytes are used.  NULL with err filled when out of memory. */
struct casg_taxtable *casg_taxtable_new(enum casg_taxids ids, uint64_t memory_nbytes,
					struct casg_err *err);
void casg_taxtable_free(struct casg_taxtable *t);

/*
 * What follows stands in this file (the name is copied), and in this line of
 * it, counted from 1.  The functions below name the place themselves.
 */
int casg_taxtable_file(struct casg_taxtable *t, const char *name, struct casg_err *err);
int casg_taxtable_line(struct casg_taxtable *t, uint64_t line, struct casg_err *err);

/* CASG_ECORRUPT: "<file>: line <n>: <what>". */
int casg_taxtable_bad(const struct casg_taxtable *t, struct casg_err *err,
		      const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Strings are copied; ids are as the dump has them, not in key form. */
int casg_taxtable_node(struct casg_taxtable *t, const struct casg_taxstr *id,
		       const struct casg_taxstr *parent, const struct casg_taxstr *rank,
		       const struct casg_taxstr *rest, struct casg_err *err);
/* 'name' is the scientific name when its class is "scientific name". */
int casg_taxtable_name(struct casg_taxtable *t, const struct casg_taxstr *id,
		       const struct casg_taxname *name, struct casg_err *err);
int casg_taxtable_merged(struct casg_taxtable *t, const struct casg_taxstr *id,
			 const struct casg_taxstr *into, struct casg_err *err);
int casg_taxtable_deleted(struct casg_taxtable *t, const struct casg_taxstr *id,
			  struct casg_err *err);
/*
 * A taxon with its scientific name and nothing else, unless it is there with
 * the same parent.
 */
int casg_taxtable_taxon(struct casg_taxtable *t, const struct casg_taxstr *id,
			const struct casg_taxstr *parent, const struct casg_taxstr *rank,
			const struct casg_taxstr *name, struct casg_err *err);

/* All lines are in: check, and sort. */
int casg_taxtable_finish(struct casg_taxtable *t, struct casg_err *err);

struct casg_taxtable_stats {
	uint64_t ntaxa, nmerged, ndeleted, nnames;
};
void casg_taxtable_stats(const struct casg_taxtable *t, struct casg_taxtable_stats *out);

/* 1 and the next record (the buffers are reset first), 0 behind the last. */
int casg_taxtable_next(struct casg_taxtable *t, struct casg_buf *key,
		       struct casg_buf *desc, struct casg_err *err);

#endif
