/*
 * multipacks - the multi-pack index of a folder of packs, beside a store.
 *
 * The file is casg/index/multi-pack-index.  It is derived and may be of
 * yesterday: packs that it names and that are gone are left out of its answers,
 * packs that have come since are not in it, and the store looks into those one by
 * one.  One that is damaged is passed over.
 *
 * Threads: any number may search; casg_multipacks_assign must not run beside them.
 */
#ifndef CASG_MULTIPACKS_H
#define CASG_MULTIPACKS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "packidx.h"

struct casg_multipacks;

#define CASG_MULTIPACKS_NAME "multi-pack-index"

/*
 * That of <index_dir>; NULL when there is none that can be used: with err
 * CASG_EABSENT when there is none.
 */
struct casg_multipacks *casg_multipacks_open(const char *index_dir, struct casg_err *err);
void casg_multipacks_free(struct casg_multipacks *m);

uint32_t casg_multipacks_count(const struct casg_multipacks *m);
/* Does it tell what is in this pack?  1 or 0. */
int casg_multipacks_has(struct casg_multipacks *m, const struct casg_oid *pack_id);
/* The same, and the pack is to be called 'number' in answers. */
int casg_multipacks_assign(struct casg_multipacks *m, const struct casg_oid *pack_id,
			   uint32_t number);

/*
 * The packs, of those that were assigned, that may hold 'id', as an object, a
 * node or a chunk: the count, or -1 when it cannot tell or there are more than max.
 */
int casg_multipacks_find(struct casg_multipacks *m, const struct casg_oid *id,
			 uint32_t *numbers_out, size_t max);

/*
 * Does it have an entry for everything in this pack, which it names?  0;
 * CASG_ECORRUPT with the reason, also when one of the two is damaged.
 */
int casg_multipacks_check(struct casg_multipacks *m, struct casg_packidx *pack,
			  struct casg_err *err);

/*
 * Write <index_dir>/multi-pack-index anew over these packs, in any order.  Of
 * two writers at once the later one's stays; either is right.
 */
int casg_multipacks_write(const char *index_dir, const char *tmp_dir,
			  struct casg_packidx **packs, uint32_t npacks, struct casg_err *err);

#endif
