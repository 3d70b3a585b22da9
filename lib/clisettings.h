/*
 * clisettings - the settings of a program: git config, environment, options.
 *
 * Apart from clirepo because it needs libgit2, which a program that only
 * reads a record should not have to load.  Only programs may use this; these
 * die with the message on failure.
 */
#ifndef CASG_CLISETTINGS_H
#define CASG_CLISETTINGS_H

#include "repo.h"
#include "settings.h"

/*
 * Defaults, git config, environment (CASG_THREADS, CASG_MEMORY); options are
 * for the caller to put on top.  'repo' may be NULL: outside a repository.
 */
void casg_cli_settings(const struct casg_repo *repo, struct casg_settings *out);

/*
 * Does some file of git config, of the user or of the repository (may be NULL),
 * have the word, or read others that may?  Cheap, and never a wrong no.
 */
int casg_cli_may_be_configured(const struct casg_repo *repo, const char *what);

/* casg.countReads alone, for who has not read the settings: cheap unless it is set. */
int casg_cli_counts_reads(const struct casg_repo *repo);

/*
 * Put an option's text on top ("--threads", given as a string); NULL: not
 * given.  A bad value ends the program as wrong usage.
 */
void casg_cli_setting(struct casg_settings *s, const char *key,
		      const char *option, const char *value);

#endif
