/*
 * packdir - which packs may hold an object, node or chunk: a few looks instead of one a pack.
 *
 * For the newest packs it is a table of bytes, hashed by the top bits of the id
 * with linear probing: each slot names a pack that holds something of that
 * place.  When the table has its full size and no room, or a byte cannot number
 * its packs, these are joined: an index over them (multidx.h) goes into a nameless
 * file, which is mapped, and the table begins anew.  An index that is not more than
 * twice as large as what comes behind it is made anew together with that, so that
 * there are few of them however many packs there are, and an object is
 * written a few times.
 *
 * It only proposes packs; whether it is there is settled in their indexes.
 * Built from the indexes, never kept.
 *
 * Threads: reading is safe from any number; adding is not.
 */
#ifndef CASG_PACKDIR_H
#define CASG_PACKDIR_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "packidx.h"

/* Packs in the table at most: a byte numbers them. */
#define CASG_PACKDIR_TABLE_PACKS 255

struct casg_packdir;

/* The index of pack number n, below what was added; valid while it is looked at. */
typedef struct casg_packidx *casg_packdir_pack(void *ctx, uint32_t n);

/*
 * Where the joined indexes lie: a folder, which is copied; or NULL, then in memory.
 * The table takes up to 2^bits bytes; 0: 32 MiB.
 */
struct casg_packdir *casg_packdir_new(const char *tmp_dir, unsigned int bits,
				      casg_packdir_pack *pack, void *ctx,
				      struct casg_err *err);
void casg_packdir_free(struct casg_packdir *d);

/*
 * Enter all that is in the next pack: the first is number 0.  After a failure
 * nothing but casg_packdir_free may follow.
 */
int casg_packdir_add(struct casg_packdir *d, struct casg_err *err);
/* So many were added, and so many indexes join them but those in the table. */
uint32_t casg_packdir_npacks(const struct casg_packdir *d);
size_t casg_packdir_njoined(const struct casg_packdir *d);

/*
 * The packs that may hold 'id', each perhaps more than once and in any order: the
 * count, or -1 when it cannot tell or there are more than max.
 */
int casg_packdir_find(const struct casg_packdir *d, const struct casg_oid *id,
		      uint32_t *packs_out, size_t max);

#endif
