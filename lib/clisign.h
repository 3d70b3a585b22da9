/*
 * clisign - signed commits, written by git itself.
 *
 * Which program signs, with which key and in which format is Git's own
 * configuration (gpg.format, user.signingKey and others), so it is git that
 * reads it: 'git commit-tree -S' gets everything from us.  Only programs may
 * use this.
 */
#ifndef CASG_CLISIGN_H
#define CASG_CLISIGN_H

#include "refs.h"

/* A casg_commit_fn; 'ctx' is the struct casg_repo. */
int casg_write_signed(void *ctx, const struct casg_commit_parts *parts,
		      char commit_out[CASG_GITID_SIZE], struct casg_err *err);

#endif
