/*
 * recquery - which records are asked for, by what they say and by their taxa.
 *
 * A record's taxa are the ids that a source gives for it, as far as they are
 * taxa of the taxonomy under which it is read; a merged id stands for the taxon
 * it went into.  There may be a second taxonomy, 'old', beside it, with a source
 * of its own.
 *
 * A record passes when every condition that is set holds:
 *
 *   taxa      one of its taxa is, or lies below, one of these
 *   exclude   none of its taxa is, or lies below, one of these
 *   rank      one of its taxa has, or lies below one of, this rank
 *   name      the scientific name of one of its taxa, in either taxonomy, matches
 *   key       the key matches
 *   desc      the description matches, without the white space it begins with
 *   differs   it has taxa in both taxonomies, and the taxa of this rank above
 *             them, or that they are, are not the same ids with the same names
 *
 * Without a taxonomy, taxa and exclude are compared with the ids as they are.
 * The length is for the caller, who may have to read chunks for it.
 *
 * Threads: one thread a query.
 */
#ifndef CASG_RECQUERY_H
#define CASG_RECQUERY_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "pattern.h"
#include "taxonomy.h"

/* Appends the ids of the taxa that a record carries, each with a NUL behind it. */
typedef int casg_recquery_taxa_fn(void *ctx, const char *key, size_t klen, const char *desc,
				  size_t dlen, struct casg_buf *out, struct casg_err *err);

/* Those that the header declares (taxon.h); ctx is not looked at. */
int casg_recquery_declared(void *ctx, const char *key, size_t klen, const char *desc,
			   size_t dlen, struct casg_buf *out, struct casg_err *err);

/* A taxonomy, or NULL, and what says which taxa of it records have. */
struct casg_recquery_side {
	const struct casg_taxonomy *t;
	casg_recquery_taxa_fn *fn;
	void *ctx;
};

struct casg_recquery_opts {
	struct casg_recquery_side now, old;
	const char *const *taxa, *const *exclude;   /* ids or names, as users type them */
	size_t ntaxa, nexclude;
	const char *rank, *differs;                 /* or NULL, as the following */
	const char *name, *key, *desc;
	int regexp;                                 /* name, key, desc are expressions */
};

struct casg_recquery;

/* Strings and what sides point to must stay.  CASG_EABSENT: no such taxon. */
struct casg_recquery *casg_recquery_new(const struct casg_recquery_opts *o,
					struct casg_err *err);
void casg_recquery_free(struct casg_recquery *q);

/* The ranges [from, to) of taxa asked for, ascending; 0 if none are or there is no taxonomy. */
struct casg_taxon_range {
	uint32_t from, to;
};
size_t casg_recquery_ranges(const struct casg_recquery *q,
			    const struct casg_taxon_range **out);

/* 1 it passes, 0, or negative. */
int casg_recquery_test(struct casg_recquery *q, const char *key, size_t klen,
		       const char *desc, size_t dlen, struct casg_err *err);

/*
 * Of the record tested last, or of any: its ids, each with a NUL behind it, and
 * the taxon that stands for it, the first that is asked for, else the first that
 * is one; CASG_TAXON_NONE if none is.
 */
struct casg_recquery_taxa {
	struct casg_buf ids;
	uint32_t *v;           /* taxa, in the order of their ids */
	size_t n, cap;
	uint32_t chosen;
};
int casg_recquery_find(struct casg_recquery *q, int old, const char *key, size_t klen,
		       const char *desc, size_t dlen, struct casg_recquery_taxa *out,
		       struct casg_err *err);
void casg_recquery_taxa_release(struct casg_recquery_taxa *t);

#endif
