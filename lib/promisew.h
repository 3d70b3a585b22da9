/*
 * promisew - write what stands in the place of a pack that is elsewhere (promised.h).
 *
 * A pack is listed from the store, or its list comes from a storage (packids.h);
 * the list becomes pack-<id>.objects and an index in the folder of promised packs.
 * The index comes last: a pack is promised when it has one.
 *
 * Files are synced, and replaced as a whole.  Threads: reentrant, a coder each.
 */
#ifndef CASG_PROMISEW_H
#define CASG_PROMISEW_H

#include "chunk.h"
#include "err.h"
#include "packids.h"
#include "store.h"

/*
 * Everything that a pack holds, as the store knows it.  The caller releases 'out',
 * also after a failure.
 */
int casg_promisew_list(struct casg_store *store, struct casg_coder *c, uint32_t pack,
		       struct casg_packids *out, struct casg_err *err);

/* pack-<id>.objects, then the index as pack-<id>.<ext>, in the folder 'dir'. */
int casg_promisew_write(const char *dir, const struct casg_packids *ids, const char *ext,
			struct casg_err *err);

#endif
