/*
 * viewing - the two versions that a reader means, and the id of their view.
 *
 * Sequences and taxonomy each have a time axis of their own (asof.h).  The
 * version of the sequences is that of [REV:]DATABASE, or the one as of a time
 * on its axis; so is that of the taxonomy, of a name that is found like this:
 * the one that is asked for; else the setting casg.taxonomy; else the one
 * whose version id stands in the VERSION of the sequences, which then is also
 * the version if no other is asked for; else the only one there is.
 *
 * Names, times and labels are looked for in REV of the database, unless the
 * taxonomy is given as REV:NAME.
 *
 * Threads: one.
 */
#ifndef CASG_VIEWING_H
#define CASG_VIEWING_H

#include "asof.h"
#include "err.h"
#include "oid.h"
#include "refs.h"
#include "repo.h"

struct casg_viewing_query {
	const char *spec;             /* [REV:][DATABASE] */
	const char *as_of_sequence;   /* NULL: what REV has; likewise: */
	const char *as_of_taxonomy;
	const char *taxonomy;         /* [REV:]NAME, without "taxonomy/"; or NULL */
	int if_any;                   /* as_of_taxonomy asks for none where there is none */
	int no_taxonomy;              /* only the sequences are asked for */
};

struct casg_viewing {
	struct casg_asof_found sequence;
	int has_taxonomy;             /* no: none was asked for, and there is none */
	struct casg_asof_found taxonomy;
	struct casg_oid id;           /* of the view, with a taxonomy only */
};

/* 'out' is filled, also after a failure, and the caller releases it. */
int casg_viewing_find(struct casg_refs *refs, const struct casg_repo *repo,
		      const struct casg_viewing_query *q, struct casg_viewing *out,
		      struct casg_err *err);
void casg_viewing_release(struct casg_viewing *v);

/*
 * The only taxonomy that 'rev' has, as REV:taxonomy/NAME; nothing when it has
 * none.  Appended.  CASG_EABSENT when there are several, which the message names.
 */
int casg_viewing_only_taxonomy(struct casg_refs *refs, const char *rev, struct casg_buf *out,
			       struct casg_err *err);

/*
 * The taxonomy of those who ask for none and have no sequences at hand, likewise:
 * that of casg.taxonomy; else the one whose version id stands in the VERSION of
 * the only database of sequences that 'rev' has, in this very version; else the
 * only one.  Its history is read only where 'rev' has another version of it.
 */
int casg_viewing_default_taxonomy(struct casg_refs *refs, const struct casg_repo *repo,
				  const char *rev, struct casg_buf *out, struct casg_err *err);

#endif
