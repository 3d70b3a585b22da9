/*
 * clipromise - what a program needs in a partial clone: its packs (promised.h), and
 * storages to ask.
 *
 * Which storages there are, the user's settings and .casgconfig say, and the
 * scripts know how to read them: 'casg-prefetch --batch' is started when the
 * first chunk is missing, and asked for all that follow.  Only programs may use this.
 */
#ifndef CASG_CLIPROMISE_H
#define CASG_CLIPROMISE_H

#include "promised.h"
#include "repo.h"
#include "settings.h"

struct casg_cli_promise;

/*
 * casg/partial, or the folder that CASG_PARTIAL names, and casg/cache, appended; valid
 * as long as 'out' is.
 */
const char *casg_cli_partial_dir(const struct casg_repo *repo, struct casg_buf *out);
const char *casg_cli_cache_dir(const struct casg_repo *repo, struct casg_buf *out);

/*
 * NULL when this is no partial clone.  With 'asks' storages are asked, unless
 * CASG_NO_FETCH is set in the environment.  Dies on failure.
 */
struct casg_cli_promise *casg_cli_promise_open(const struct casg_repo *repo, int asks);
/* NULL for NULL. */
struct casg_promised *casg_cli_promise_packs(struct casg_cli_promise *p);
/* After the store; does nothing for NULL. */
void casg_cli_promise_close(struct casg_cli_promise *p);

#endif
