/*
 * cliexpect - what input files must be: options, and lists of digests that lie
 * beside the files.
 *
 * Only programs may use this; it dies with the message on failure.
 */
#ifndef CASG_CLIEXPECT_H
#define CASG_CLIEXPECT_H

#include "cli.h"
#include "fastain.h"

struct casg_cli_expect {
	struct casg_fastain_expect *v;
	size_t n, cap;
};

/* --expect-sha256: one for each file, in order; "-" for none. */
void casg_cli_expect_sha256(struct casg_cli_expect *e, const struct casg_strs *values,
			    size_t nfiles);
/* FILE.md5 and md5checksums.txt beside each file that is no "-". */
void casg_cli_expect_beside(struct casg_cli_expect *e, const char *const *files,
			    size_t nfiles);
void casg_cli_expect_release(struct casg_cli_expect *e);

#endif
