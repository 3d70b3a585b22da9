/*
 * litcache - the literals of chunks, and the bases that they make, decoded, for
 * the chunks that need them.
 *
 * One set of literals serves many chunks (script.h), so those that were used
 * last are kept, up to a number of bytes.  What is in use is never dropped.
 *
 * Threads: any number at once.
 */
#ifndef CASG_LITCACHE_H
#define CASG_LITCACHE_H

#include <stdint.h>

#include "buf.h"
#include "chunk.h"
#include "err.h"

struct casg_litcache;

/* NULL: out of memory. */
struct casg_litcache *casg_litcache_new(uint64_t max_nbytes);
/* Nothing of it is in use any more. */
void casg_litcache_free(struct casg_litcache *lc);

/*
 * The literals of this chunk, or with 'made' the bases that it makes, to be put back;
 * NULL: they are not here.
 */
struct casg_literals *casg_litcache_get(struct casg_litcache *lc, uint32_t pack, uint32_t chunk,
					int made);

/*
 * Keep 'bytes' (taken, and empty afterwards) as the literals of this chunk, or if
 * 'level' is not 0 as the bases that its script, of this level, makes; and give them as
 * casg_litcache_get does.  CASG_ENOMEM.
 */
int casg_litcache_add(struct casg_litcache *lc, uint32_t pack, uint32_t chunk, uint8_t level,
		      struct casg_buf *bytes, struct casg_literals **out, struct casg_err *err);

void casg_litcache_put(struct casg_litcache *lc, struct casg_literals *l);

#endif
