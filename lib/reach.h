/*
 * reach - which packs hold a version.
 *
 * The packs that its nodes, order, presentation and long descriptions lie in,
 * and those that these packs refer to.  A pack that serves several versions
 * refers to the sequences of all of them, so this is a superset: a hint of
 * what to fetch, as PACKS is.
 */
#ifndef CASG_REACH_H
#define CASG_REACH_H

#include <stdint.h>

#include "err.h"
#include "records.h"
#include "store.h"

/* needed_out: a flag a pack of the store, the caller's array of its npacks. */
int casg_reach_packs(struct casg_store *s, struct casg_coder *c,
		     const struct casg_roots *roots, uint8_t *needed_out,
		     struct casg_err *err);

/*
 * Exactly the chunks that the version needs: note is called once or more for
 * each.  Reads the whole tree.
 */
typedef int casg_chunk_fn(void *ctx, uint32_t pack, uint32_t chunk, struct casg_err *err);
int casg_reach_chunks(struct casg_store *s, struct casg_coder *c,
		      const struct casg_roots *roots, casg_chunk_fn *note, void *ctx,
		      struct casg_err *err);

/*
 * The PACKS text for these roots: "<id> <bytes> <kinds>" lines, sorted; kinds
 * are the chunk kinds in the pack, joined by ','.  Appended to out.
 */
int casg_reach_text(struct casg_store *s, struct casg_coder *c,
		    const struct casg_roots *roots, struct casg_buf *out,
		    struct casg_err *err);

#endif
