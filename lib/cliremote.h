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

/* For one request at a time: what modules that talk to storages take as 'open'. */
int casg_cli_remote_connect(void *ctx, const char *url, struct casg_remote **out,
			    struct casg_err *err);

/* What a line of standard input says of a pack. */
struct casg_cli_pack_line {
	struct casg_oid id;
	uint64_t nbytes;  /* 0: it does not */
	const char *text; /* all of it, ended by NUL */
};
typedef void casg_cli_pack_fn(const struct casg_cli_pack_line *line);
/*
 * Call fn for each pack that standard input names, once: lines "ID", "ID BYTES" or "ID
 * BYTES ANYTHING", so that lines of PACKS do.  Dies for other lines.
 */
void casg_cli_each_pack(casg_cli_pack_fn *fn);

/* Usage errors for URLs that are none, or no URL, and for a number of jobs. */
void casg_cli_remote_usage(const struct casg_strs *urls, uint64_t jobs);

/* "warning: URL: ..." */
void casg_cli_remote_warn(const char *shown, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What is wrong with a pack there, or, NULL, with the storage: what modules that talk
   to storages take as 'complain'. */
void casg_cli_remote_complain(void *ctx, const char *shown, const struct casg_oid *pack,
			      const char *what);

#endif
