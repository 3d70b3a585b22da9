/*
 * chain - the chain of version records of a database, checked in Git.
 *
 * A VERSION names those before it by their ids, so the id of one stands for
 * all of them.  The check reads a whole history of commits and starts at the
 * version of its last one: each version that another names must be in some
 * commit, by its SHA-256, and in canonical form; each commit that says in a
 * Casg-Version trailer what its VERSION is must be right; and some commit must
 * say it.  Git's own ids play no part: an object that was forged, or a commit
 * written anew, does not fit.
 *
 * Threads: one.
 */
#ifndef CASG_CHAIN_H
#define CASG_CHAIN_H

#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "refs.h"
#include "version.h"

struct casg_chain_version {
	struct casg_oid id;
	struct casg_version version;
	int in_range;
};

/* A commit that brought a version: no parent of it has the same one. */
struct casg_chain_commit {
	char commit[CASG_GITID_SIZE];
	size_t version;               /* index into versions */
};

struct casg_chain {
	struct casg_chain_version *versions; /* of the chain, in no order */
	size_t nversions, cap_versions;
	struct casg_chain_commit *commits;   /* parents first */
	size_t ncommits, cap_commits;
	size_t nstray;                       /* versions in the history, not in the chain */
};

struct casg_chain_query {
	const char *rev, *database;
	int64_t from, to;             /* sequence times, both included */
	int shallow;                  /* the history may end early */
};

/* What is wrong; CASG_ECORRUPT, or CASG_EABSENT: it could not be told. */
typedef void casg_chain_fault_fn(void *ctx, int code, const char *msg);

/*
 * Fill *out, which the caller releases, also after a failure.  A negative
 * class only when the check itself failed.
 *
 * Versions outside of the range are followed but not judged: their trailers
 * are not looked at, and what a version before 'from' names may be missing.
 */
int casg_chain_check(struct casg_refs *refs, const struct casg_chain_query *q,
		     struct casg_chain *out, casg_chain_fault_fn *fault, void *ctx,
		     struct casg_err *err);
void casg_chain_release(struct casg_chain *c);

#endif
