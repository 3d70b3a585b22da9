/*
 * clipack - what programs share that look into pack files by name, inside a
 * repository or outside of one.
 *
 * What a pack refers to is looked for in the repository's packs, or outside of
 * a repository in those beside it; ids are recomputed, caches not believed.  Only programs may use
 * this; everything here dies with the message on failure.
 */
#ifndef CASG_CLIPACK_H
#define CASG_CLIPACK_H

#include "clipromise.h"
#include "packwalk.h"
#include "repo.h"
#include "settings.h"
#include "store.h"
#include "workers.h"

struct casg_packtool {
	int in_repo;
	struct casg_repo repo;     /* when in_repo */
	struct casg_settings settings;
	struct casg_workers *pool;
	char *packs_dir;           /* outside of one: where the store is */
	struct casg_cli_promise *promise; /* of a partial clone; or NULL */
	struct casg_store *store;  /* or NULL: nothing to look in */
};

/*
 * 'threads' is the text of the option, or NULL; 'name' that of the first pack
 * to be looked into, or NULL.
 */
void casg_packtool_open(struct casg_packtool *t, const char *threads, const char *name);
void casg_packtool_close(struct casg_packtool *t);

/*
 * The path of the pack file that 'name' stands for: a pack's file name, that
 * of its index, or (in a repository) the id of a pack; and with ext "idx" the
 * path of its index.  Appended to 'out', NUL-terminated.
 */
void casg_packtool_path(const struct casg_packtool *t, const char *name,
			const char *ext, struct casg_buf *out);

#endif
