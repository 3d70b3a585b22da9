/*
 * clipacksend - what programs share that put packs into a storage: a list of packs,
 * some at a time, progress, and a line on standard output for what became of each.
 *
 * Only programs may use this; it dies with the message on failure.
 */
#ifndef CASG_CLIPACKSEND_H
#define CASG_CLIPACKSEND_H

#include <stddef.h>
#include <stdint.h>

#include "oid.h"
#include "packsend.h"

#define CASG_CLI_PACKSEND_JOBS 16

struct casg_cli_pack {
	struct casg_oid id;
	uint64_t nbytes;
	enum casg_packsend_outcome outcome;
};

struct casg_cli_packsend {
	const char *url;
	uint64_t jobs;             /* packs at a time, 1 to CASG_CLI_PACKSEND_JOBS */
	const char *doing, *done;  /* "sending", "stored" */
	int show_progress;         /* as casg_progress_start has it */
	/* What becomes of pack i; called by several threads, one a casg_packsend. */
	enum casg_packsend_outcome (*send)(struct casg_packsend *s, size_t i);
	/* Before a pack that is sent (packsend.h), or NULL. */
	int (*before)(void *ctx, struct casg_remote *r, const struct casg_oid *pack);
};

/* Usage errors for what was asked: a storage that is none, a number of jobs. */
void casg_cli_packsend_usage(const char *url, uint64_t jobs);
/*
 * All of them: "sent", "there" or "send" (it is lacking, and was not sent), the id and
 * the bytes, a line each in their order.  Dies when some could not be sent, after that.
 */
void casg_cli_packsend_run(const struct casg_cli_packsend *how, struct casg_cli_pack *packs,
			   size_t n);

#endif
