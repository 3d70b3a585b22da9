/*
 * packjoin - several packs made one, chunk by chunk.
 *
 * The chunks are copied as they are, those of one pack behind those of the
 * other, each pack's references with it (a section, pack.h), so that no chunk
 * id and no number inside a chunk changes: what other packs refer to is still
 * there.  Every chunk is verified in full on the way.
 *
 * Threads: one caller.
 */
#ifndef CASG_PACKJOIN_H
#define CASG_PACKJOIN_H

#include <stdint.h>

#include "err.h"
#include "packw.h"
#include "store.h"

/* Append all of a pack; a pack that has no room for it is finished first. */
int casg_packjoin_add(struct casg_packw *w, struct casg_store *s, struct casg_coder *c,
		      uint32_t pack, struct casg_err *err);

/*
 * Which packs to join so that the sizes of those that are left grow by at
 * least 'factor' from one to the next (Git's geometric repacking).  sizes[n]
 * ascend; the first so many, 0 or at least 2.
 */
uint32_t casg_packjoin_geometric(const uint64_t *sizes, uint32_t n, uint64_t factor);

#endif
