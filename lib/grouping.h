/*
 * grouping - which sequences should lie together, by the taxon of their record.
 *
 * A policy names taxa, by id or by name, in five lists, and the rank by which
 * what no list names is grouped.  A record gets a casg_group from it: two
 * records with the same 'home' belong together; those with the same 'own'
 * (not 0) belong to a taxon that is to have chunks of its own, where that is
 * worth it, and go home where it is not.  Homes that are near in number are
 * near in kinship, if a taxonomy is known.
 *
 * Without one, all that is known of a record is the taxon id it declares and
 * the name of an organism in its description ("OS=", "Tax=", or the last
 * "[...]"), of which the first word is taken for the genus.
 *
 * Nothing but layout rests on it: no id changes with it.
 *
 * Pure but for the taxonomy's functions.  Threads: one a struct casg_grouping.
 */
#ifndef CASG_GROUPING_H
#define CASG_GROUPING_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct casg_group {
	uint64_t home; /* 0: nothing is known of it */
	uint64_t own;  /* 0: none */
};

enum casg_grouping_rank {
	CASG_GROUPING_DEDICATED, /* a list only */
	CASG_GROUPING_SPECIES,
	CASG_GROUPING_GENUS,
	CASG_GROUPING_FAMILY,
	CASG_GROUPING_HIGHER,
	CASG_GROUPING_NONE       /* for what no list names only */
};

#define CASG_GROUPING_NLISTS 5
#define CASG_GROUPING_LIST_MAX 4096 /* bytes of a list, separators included */

struct casg_grouping_policy {
	uint64_t rest;      /* an enum casg_grouping_rank, not DEDICATED */
	uint64_t max_cost;  /* percent of the size that grouping may cost */
	/* taxa, each ended by LF; 'given': not the default one */
	char list[CASG_GROUPING_NLISTS][CASG_GROUPING_LIST_MAX];
	uint8_t given[CASG_GROUPING_NLISTS];
};

void casg_grouping_policy_init(struct casg_grouping_policy *p);

/* "dedicated" to "higher", "none"; or NULL. */
const char *casg_grouping_rank_name(int rank);

/*
 * Add to a list the taxa in 'text', separated by commas; the first call takes
 * the place of the default, and "" empties the list.  0, or -1: an empty or
 * unprintable name, or more than CASG_GROUPING_LIST_MAX bytes.
 */
int casg_grouping_policy_add(struct casg_grouping_policy *p, int list, const char *text);

/*
 * What is asked of a taxonomy.  Nodes are numbered from 0 so that those of a
 * subtree follow each other.  'find' takes an id or a name that only one taxon
 * has: 1 found, 0 not, negative.  'info' tells the parent (a root's is itself)
 * and the name of the rank, valid until the next call.
 */
struct casg_grouping_taxonomy {
	void *ctx;
	int (*find)(void *ctx, const char *text, size_t n, uint32_t *node_out,
		    struct casg_err *err);
	int (*info)(void *ctx, uint32_t node, uint32_t *parent_out, const char **rank_out,
		    size_t *rank_n_out, struct casg_err *err);
};

struct casg_grouping;

/* 'taxonomy' may be NULL; what it points to must outlive the result. */
struct casg_grouping *casg_grouping_new(const struct casg_grouping_policy *p,
					const struct casg_grouping_taxonomy *taxonomy,
					struct casg_err *err);
void casg_grouping_free(struct casg_grouping *g);

/*
 * The group of a record: 'taxon' is what casg_taxon_declared gives of it, ids
 * joined by ',' or "-"; of several the first counts.
 */
int casg_grouping_of(struct casg_grouping *g, const char *taxon, size_t tlen,
		     const char *desc, size_t dlen, struct casg_group *out,
		     struct casg_err *err);

/* The organism that a description names: its place and length, or 0. */
size_t casg_grouping_organism(const char *desc, size_t dlen, const char **out);

#endif
