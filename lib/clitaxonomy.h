/*
 * clitaxonomy - the taxonomy that an option names, opened for look-ups.
 *
 * Only programs may use this; it dies with the message on failure.
 */
#ifndef CASG_CLITAXONOMY_H
#define CASG_CLITAXONOMY_H

#include "buf.h"
#include "repo.h"
#include "taxonomy.h"
#include "version.h"

/*
 * 'spec' is [REV:]NAME, with or without "taxonomy/" before the name; NULL or ""
 * stands for the default of HEAD (casg_viewing_default_taxonomy).  A store is opened only when there is
 * no index yet, which is made then.  *version_out (may be NULL) is the caller's
 * to release, *id_out (may be NULL) is the version id.
 */
struct casg_taxonomy *casg_cli_taxonomy(const struct casg_repo *repo, const char *spec,
					struct casg_version *version_out,
					struct casg_oid *id_out);

/* The same of a version at hand; 'name' is for messages. */
struct casg_taxonomy *casg_cli_taxonomy_open(const struct casg_repo *repo,
					     const struct casg_version *v, const char *name);

/* The specification that casg_cli_resolve takes, REV:taxonomy/NAME; appended. */
void casg_cli_taxonomy_spec(const struct casg_repo *repo, const char *spec,
			    struct casg_buf *out);

#endif
