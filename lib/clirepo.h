/*
 * clirepo - the repository a program works in, from its environment.
 *
 * What every plumbing program does first, in one place: CASG_DIR (or, as
 * inside Git hooks, GIT_DIR) names the Git directory, else it is searched for
 * from the current directory upwards; CASG_CACHE_DIR is where caches go.  Only
 * programs may use this; all of these die with the message on failure.
 */
#ifndef CASG_CLIREPO_H
#define CASG_CLIREPO_H

#include "repo.h"
#include "version.h"

void casg_cli_repo(struct casg_repo *repo);

/*
 * A casg/ with the setgid bit says who may read and write what is made in it
 * (casg init --shared): take that for the umask.  casg_cli_repo does it.
 */
void casg_cli_share(const struct casg_repo *repo);

/*
 * The version that REV:DATABASE names, its id (may be NULL).  Runs
 * casg-read-version, which has libgit2, for what plain files cannot settle.
 */
void casg_cli_resolve(const struct casg_repo *repo, const char *spec,
		      struct casg_version *out, struct casg_oid *id_out);

/* The path of a program beside this one, or where the dispatcher says; 0 or -1. */
int casg_cli_sibling(const char *name, struct casg_buf *out);

/* The time, or what SOURCE_DATE_EPOCH says for those who want to build again. */
int64_t casg_cli_now(void);

/* All of a file, or of standard input for "-", at most 'most' bytes. */
void casg_cli_slurp(const char *path, size_t most, struct casg_buf *out);

#endif
