/*
 * cliversion - a version as Git has it, for programs that are given the ids of
 * blobs.
 *
 * Only programs may use this; it dies with the message on failure.
 */
#ifndef CASG_CLIVERSION_H
#define CASG_CLIVERSION_H

#include "oid.h"
#include "refs.h"
#include "version.h"

/*
 * The version in the blob with this Git id: 1, with its own id in *id_out; 0
 * when it is no version but some other software's file of that name.  *out is
 * the caller's to release in both cases.
 */
int casg_cli_version_blob(struct casg_refs *refs, const char *id, struct casg_version *out,
			  struct casg_oid *id_out);

#endif
