/*
 * asof - which version of a database was in force at a time.
 *
 * A version holds from its own time (sequence time, or taxonomy time) until
 * the next one begins, or until its valid-until, if it has one: then a gap
 * follows, in which no version holds.  Among all versions of a database in a
 * history of commits, the one in force at T is the one with the greatest time
 * that is not after T.  Of several with that time it is the one that the
 * others are ancestors of, by 'previous'; if there is none, nobody can tell.
 *
 * What counts is the time in VERSION, not that of the commit: a version that
 * was committed late with an early time (a backfill) holds at its time.  That
 * a database was removed from a later commit ends nothing, since a removal
 * has no time on the axis; valid-until does.
 *
 * There is no nearest answer.  A time before the first version, in a gap, or
 * with two versions of equal right is an error, as is any time in a shallow
 * repository, whose missing commits may hold the answer.
 *
 * Threads: one.
 */
#ifndef CASG_ASOF_H
#define CASG_ASOF_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"
#include "refs.h"
#include "repo.h"
#include "version.h"

/* ---- all versions of a database ------------------------------------------ */

struct casg_asof_version {
	struct casg_oid id;
	struct casg_version version;
	char commit[CASG_GITID_SIZE]; /* the first that has it, parents first */
};

struct casg_asof {
	const char *rev, *database;   /* borrowed, for messages */
	struct casg_asof_version *v;  /* distinct; parents' versions first */
	size_t n, cap;
	int shallow;                  /* there may be more */
};

/*
 * Read the history of 'rev'.  'out' is filled, also after a failure, and the
 * caller releases it; rev and database must outlive it.  A VERSION that
 * cannot be read is an error: it may be the one.
 */
int casg_asof_read(struct casg_refs *refs, const struct casg_repo *repo, const char *rev,
		   const char *database, struct casg_asof *out, struct casg_err *err);
void casg_asof_release(struct casg_asof *a);

/*
 * The number of the version in force at a time; of the version that is the
 * release 'label': of several, again the one that the others are ancestors
 * of.  CASG_EABSENT when there is none, CASG_ECORRUPT when two have equal
 * right; the message names them.
 */
int casg_asof_at(const struct casg_asof *a, int64_t seconds, size_t *i_out,
		 struct casg_err *err);
int casg_asof_release_named(const struct casg_asof *a, const char *label, size_t *i_out,
			    struct casg_err *err);
/* By its id: 1, 0 when it is not among them. */
int casg_asof_by_id(const struct casg_asof *a, const struct casg_oid *id, size_t *i_out);

/* ---- what a user types ---------------------------------------------------- */

struct casg_asof_found {
	char commit[CASG_GITID_SIZE]; /* a commit that has the version */
	struct casg_buf database;     /* NUL-terminated */
	struct casg_oid id;
	struct casg_version version;
};

void casg_asof_found_init(struct casg_asof_found *f);
void casg_asof_found_release(struct casg_asof_found *f);

/* One of the list, which gives it away; the database is for the caller to add. */
void casg_asof_take(struct casg_asof *a, size_t i, struct casg_asof_found *out);

/*
 * The version of [REV:]DATABASE as of 'when', which is a time as
 * casg_time_parse_user has it, else a release label in the history of REV,
 * else a revision, whose version it then is, wherever it lies; a prefix
 * "time:", "label:" or "rev:" says which.  Decimal digits alone are a revision
 * only if a ref is named so: 2024 is no abbreviated id.  NULL: the version
 * that REV has.  DATABASE may be left out where REV has only one, and may be
 * one that is in the history only.
 */
int casg_asof_find(struct casg_refs *refs, const struct casg_repo *repo, const char *spec,
		   const char *when, struct casg_asof_found *out, struct casg_err *err);

/* "ID (TIME)" or "ID (TIME, LABEL)", as messages name a version; appended. */
void casg_asof_describe(struct casg_buf *out, const struct casg_oid *id,
			const struct casg_version *v);

#endif
