/*
 * cligrouping - the grouping of sequences by what the repository knows of taxa.
 *
 * The taxonomy is that of the setting casg.taxonomy, else the only one in
 * HEAD.  Without one, or if several are there, records are grouped by what
 * their headers say.
 *
 * Only programs may use this; it dies with the message on failure.
 */
#ifndef CASG_CLIGROUPING_H
#define CASG_CLIGROUPING_H

#include "grouping.h"
#include "repo.h"
#include "taxonomy.h"

struct casg_cli_kin {
	struct casg_taxonomy *taxonomy; /* or NULL */
	struct casg_grouping_taxonomy ops;
};

void casg_cli_kin_open(struct casg_cli_kin *t, const struct casg_repo *repo);
void casg_cli_kin_close(struct casg_cli_kin *t);

/* A grouping by that policy; the caller frees it, before *t is closed. */
struct casg_grouping *casg_cli_grouping(const struct casg_cli_kin *t,
					const struct casg_grouping_policy *policy);

#endif
