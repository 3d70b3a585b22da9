/*
 * reads - how often chunks have been read: casg/state/reads.
 *
 * A hint for layout, worth nothing else: it may be deleted at any time, and
 * what goes wrong with it is no error.  A file of fixed size: a head of 16
 * bytes, "casg reads 1\n" and zeros, then CASG_READS_SLOTS slots of 16 bytes,
 * the first 8 of a chunk's id and a count (le64).  A chunk has its slot among
 * the 8 that its id points to; where all are taken, their counts are halved
 * and the least goes.  So what is not read any more is forgotten.
 *
 * Processes that count at the same time may lose counts.  Nothing is locked,
 * nothing synced, and nothing mapped, so that no one else can cause a fault.
 */
#ifndef CASG_READS_H
#define CASG_READS_H

#include <stddef.h>
#include <stdint.h>

#include "oid.h"

#define CASG_READS_SLOTS 32768u

/*
 * Count one read of each of n chunks.  Nothing happens where the file cannot
 * be opened for writing or is something else.
 */
void casg_reads_add(const char *path, const struct casg_oid *chunks, size_t n);

struct casg_reads;

/* All counts as they are now; none when there is no such file.  NULL: no memory. */
struct casg_reads *casg_reads_load(const char *path);
void casg_reads_free(struct casg_reads *r);
uint64_t casg_reads_of(const struct casg_reads *r, const struct casg_oid *chunk);

#endif
