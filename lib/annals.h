/*
 * annals - the versions of one database, or the fates of one record in them.
 *
 * Walks a history of commits, parents first.  A version is new in a commit
 * when none of the commit's parents has the same VERSION; of those it is
 * asked what became of the record.  The record is looked up in a version only
 * if the version's record tree differs from its parents': O(log n) nodes each.
 *
 * A record that no parent has has appeared, or come back if any ancestor had
 * it; one that has gone was withdrawn.  A merge tells of the record only when
 * it differs from what every parent had.
 *
 * Threads: one.
 */
#ifndef CASG_ANNALS_H
#define CASG_ANNALS_H

#include "err.h"
#include "oid.h"
#include "refs.h"
#include "store.h"
#include "version.h"

/* What became of the record: bits. */
#define CASG_FATE_APPEARED    1u
#define CASG_FATE_BACK        2u
#define CASG_FATE_WITHDRAWN   4u
#define CASG_FATE_SEQUENCE    8u  /* changed, as the following */
#define CASG_FATE_DESCRIPTION 16u
#define CASG_FATE_TAXON       32u
#define CASG_FATE_KEY         64u /* found by the same accession */
#define CASG_FATE_NUMBER      128u /* of the records that the key stands for */

/* One of the records that the key stands for; there may be several. */
struct casg_annal_record {
	char *key, *desc, *taxon; /* taxon: NUL-terminated */
	size_t klen, dlen;
	struct casg_oid oid;
	uint64_t length;
};

struct casg_annal_value {
	struct casg_annal_record *v;
	size_t n, cap;
};

/* Why a key was withdrawn, as its tombstone says (withdrawn.h). */
struct casg_annal_tomb {
	char *key, *successor, *reason; /* successor: NULL if there is none */
	size_t klen, slen, rlen;
	int64_t when;
};

struct casg_annal {
	const char *commit;                     /* Git's id, hex */
	struct casg_oid id;                     /* of the version */
	const struct casg_version *version;     /* NULL: the database itself is gone */
	unsigned int fate;                      /* 0 when no record is asked for */
	const struct casg_annal_value *before;  /* in the first parent that has it */
	const struct casg_annal_value *after;
	const struct casg_annal_tomb *tombs;    /* CASG_FATE_WITHDRAWN: of its keys */
	size_t ntombs;
};

struct casg_annals_query {
	const char *rev;       /* NULL: all refs */
	int first_parent;
	const char *database;
	const char *key;       /* NULL: all versions */
	size_t klen;
};

/* Called parents first; non-zero ends the walk and is returned. */
typedef int casg_annal_fn(void *ctx, const struct casg_annal *a, struct casg_err *err);

/* Append the words for 'fate', joined by commas: "sequence,taxon". */
void casg_fate_format(struct casg_buf *out, unsigned int fate);

/* What a walk has cost. */
struct casg_annals_stats {
	uint64_t nversions;    /* new versions met */
	uint64_t nlookups;     /* in how many the record was looked up, */
	uint64_t nnodes;       /* and the tree nodes read for it */
};

/* 'store' and 'coder' are used only when a key is given. */
int casg_annals(struct casg_refs *refs, struct casg_store *store, struct casg_coder *coder,
		const struct casg_annals_query *q, casg_annal_fn *fn, void *ctx,
		struct casg_annals_stats *stats_out, struct casg_err *err);

#endif
