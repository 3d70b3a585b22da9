/*
 * packjoin - several packs made one, chunk by chunk.
 *
 * The chunks are copied as they are, those of one pack behind those of the
 * other, each pack's references with it (a section, pack.h), so that no chunk
 * id and no number inside a chunk changes: what other packs refer to is still
 * there.  Every chunk is verified in full on the way.
 *
 * Of a pack of a partial clone (promised.h) chunks that are not here are taken from
 * any other pack, if they rest on no others there: as they lie in that one, so the
 * new pack need not be the one that was promised.
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
 * 1 and the place of a chunk in a pack that is here as a whole, where it rests on no
 * others; 0: there is none.
 */
int casg_packjoin_find(struct casg_store *s, const struct casg_oid *chunk_id, struct casg_loc *at,
		       struct casg_err *err);

/*
 * Which packs to join so that the sizes of those that are left grow by at
 * least 'factor' from one to the next (Git's geometric repacking).  sizes[n]
 * ascend; the first so many, 0 or at least 2.
 */
uint32_t casg_packjoin_geometric(const uint64_t *sizes, uint32_t n, uint64_t factor);

#endif
