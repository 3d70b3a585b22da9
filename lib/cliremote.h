/*
 * cliremote - what programs share that talk to storages: helpers beside this
 * program, time-outs from settings, warnings on standard error.
 *
 * Only programs may use this.
 */
#ifndef CASG_CLIREMOTE_H
#define CASG_CLIREMOTE_H

#include "cli.h"
#include "remote.h"
#include "repo.h"

/*
 * Read casg.remoteTimeout and CASG_REMOTE_TIMEOUT, for all helpers started
 * from here on.  Dies when they are bad.
 */
void casg_cli_remote_init(const struct casg_repo *repo);

/*
 * Start the helper of a storage; with CASG_REMOTE_PUBLIC if its URL is a line of
 * CASG_UNTRUSTED_URLS; 'max_open' requests at a time.  0, or a
 * negative class with err filled.  What it says to people comes out as
 * "remote: ..." lines.
 */
int casg_cli_remote_open(struct casg_remote **out, const char *url, unsigned max_open,
			 struct casg_err *err);

/*
 * A line of standard input that names a pack: "ID", "ID BYTES" or "ID BYTES
 * ANYTHING", so that lines of PACKS do.  *nbytes_out is 0 when it is not told.
 */
void casg_cli_pack_line(const char *line, size_t n, struct casg_oid *id_out,
			uint64_t *nbytes_out);

/* Usage errors for URLs that are none, or no URL, and for a number of jobs. */
void casg_cli_remote_usage(const struct casg_strs *urls, uint64_t jobs);

/* "warning: URL: ..." */
void casg_cli_remote_warn(const char *shown, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
