/*
 * clisettings - the settings of a program: git config, environment, options.
 *
 * Git itself reads its configuration for us: libgit2 would have to be loaded by
 * every program, which takes longer than most of them run.  Only programs may
 * use this; these die with the message on failure, but for casg_cli_each_config.
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

/*
 * Call fn with each entry of git config whose key matches a regular expression
 * ("^casg\\.remote\\."), nearer files later; keys are in lower case but for what
 * stands between the first dot and the last.  'repo' may be NULL: then outside
 * any repository.  A non-zero return of fn ends it and is returned.
 */
typedef int casg_config_fn(void *ctx, const char *key, const char *value, struct casg_err *err);
int casg_cli_each_config(const struct casg_repo *repo, const char *pattern, casg_config_fn *fn,
			 void *ctx, struct casg_err *err);

/* casg.countReads alone, for who has not read the settings: cheap unless it is set. */
int casg_cli_counts_reads(const struct casg_repo *repo);

/*
 * Put an option's text on top ("--threads", given as a string); NULL: not
 * given.  A bad value ends the program as wrong usage.
 */
void casg_cli_setting(struct casg_settings *s, const char *key,
		      const char *option, const char *value);

#endif
