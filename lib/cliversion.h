/*
 * cliversion - a version as Git has it, for programs that are given the ids of
 * blobs.
 *
 * Only programs may use this; it dies with the message on failure.
 */
#ifndef CASG_CLIVERSION_H
#define CASG_CLIVERSION_H

#include "oid.h"
#include "profile.h"
#include "refs.h"
#include "version.h"

/*
 * The version in the blob with this Git id: 1, with its own id in *id_out; 0
 * when it is no version but a profile, or some other software's file of that name,
 * with the SHA-256 of that.  *out is the caller's to release in both cases.
 */
int casg_cli_version_blob(struct casg_refs *refs, const char *id, struct casg_version *out,
			  struct casg_oid *id_out);
/* The same of a reduction profile. */
int casg_cli_profile_blob(struct casg_refs *refs, const char *id, struct casg_profile *out);

/*
 * Read ids of Git blobs from 'fd', ended by 'end': 'fn' is given each
 * VERSION with its id, and owns it; 'profile_fn' each PROFILE.  What belongs to
 * other software is passed over; what cannot be read ends the program.
 */
typedef void casg_cli_version_fn(void *ctx, struct casg_version *v, const struct casg_oid *id);
typedef void casg_cli_profile_fn(void *ctx, const struct casg_profile *p);
void casg_cli_each_version(struct casg_repo *repo, int fd, char end, casg_cli_version_fn *fn,
			   casg_cli_profile_fn *profile_fn, void *ctx);

#endif
