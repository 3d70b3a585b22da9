/*
 * rubbish - what writers that died left behind, and which are at work.
 *
 * Temporary names hold the process id of who made them (tmpfile.h:
 * <prefix>-<pid>-<16 hex digits>.tmp; scripts: <name>-<pid>, <name>-<pid>.*).
 * Such a file or folder is rubbish when that process is gone and it is older
 * than an age; one without a process id after a day.  Beside these, files
 * that nothing uses any more: an index, a note or a list of ids whose pack is
 * in neither folder.
 *
 * Process ids are this machine's.  In a repository that several machines
 * write to, an age of 0 is for when the others are idle.
 *
 * Threads: reentrant.
 */
#ifndef CASG_RUBBISH_H
#define CASG_RUBBISH_H

#include <stdint.h>

#include "err.h"
#include "repo.h"

/*
 * When the process that has worked longest of those with temporary files in
 * casg/tmp or packs/ was started, in seconds since 1970; INT64_MAX: there is
 * none.  0 when that cannot be known.  'self' does not count.
 */
int64_t casg_rubbish_oldest_writer(const struct casg_repo *repo, long self);

/* One piece of it; a non-zero return ends the search and is returned. */
typedef int casg_rubbish_fn(void *ctx, const char *path, uint64_t nbytes, const char *what,
			    struct casg_err *err);

/*
 * Call fn for each piece of rubbish that is at least 'age' seconds old at
 * 'now'.  fn may remove it.
 */
int casg_rubbish_each(const struct casg_repo *repo, int64_t now, int64_t age,
		      casg_rubbish_fn *fn, void *ctx, struct casg_err *err);

#endif
