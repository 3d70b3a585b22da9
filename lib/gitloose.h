/*
 * gitloose - Git's loose objects, read for libgit2.
 *
 * libgit2 (1.5, and others) never comes back from reading a loose object that
 * is cut short: its own reader asks zlib for more, forever.  This one is asked
 * before it, for the objects of the repository and of its alternates.
 *
 * Threads: those of libgit2.
 */
#ifndef CASG_GITLOOSE_H
#define CASG_GITLOOSE_H

#include "err.h"

struct git_repository;

/* 'common_dir' is the Git directory whose objects/ is meant. */
int casg_gitloose_add(struct git_repository *git, const char *common_dir,
		      struct casg_err *err);

#endif
