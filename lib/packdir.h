/*
 * packdir - which packs may hold an object: one look instead of one a pack.
 *
 * A table of bytes, hashed by the top bits of the id with linear probing:
 * each slot names a pack that holds some object of that place.  It only
 * proposes packs; whether the object is there is settled in their indexes.
 * Held in memory, built from the indexes, never stored.
 *
 * Threads: reading is safe from any number; adding is not.
 */
#ifndef CASG_PACKDIR_H
#define CASG_PACKDIR_H

#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "packidx.h"

#define CASG_PACKDIR_PACKS_MAX 255

struct casg_packdir;

/* Room for nobjects without becoming slow; two to four bytes each. */
struct casg_packdir *casg_packdir_new(uint64_t nobjects, struct casg_err *err);
void casg_packdir_free(struct casg_packdir *d);
/* Is there room for n more? */
int casg_packdir_has_room(const struct casg_packdir *d, uint64_t n);

/* Enter all objects of pack number 'pack' (below CASG_PACKDIR_PACKS_MAX). */
int casg_packdir_add(struct casg_packdir *d, struct casg_packidx *x, uint32_t pack,
		     struct casg_err *err);

/*
 * The packs to look into: start with *at = casg_packdir_start(d, id); each
 * call of next gives 1 and a pack (perhaps one given before), or 0.
 */
uint64_t casg_packdir_start(const struct casg_packdir *d, const struct casg_oid *id);
int casg_packdir_next(const struct casg_packdir *d, uint64_t *at, uint32_t *pack_out);

#endif
