/*
 * packids - what a partial clone has in place of a pack: pack-<id>.ids.
 *
 * The chunks of the pack, where they lie and what they are, and the ids and
 * lengths of all objects in them: everything that an index is made of
 * (packidx.h), and everything that the trees need to be read and verified
 * without one sequence.  Derived from the pack; storages publish it.
 *
 * It comes from a storage, so nothing in it is believed: the id of a chunk of
 * sequences or blobs is the RFC 6962 root of its members' ids, and
 * casg_packids_check compares them.  So an id that is listed stands for what
 * has this SHA-256, or for nothing that could ever be read.
 *
 * The byte layout is casgformat-inventory(5).  Pure: no I/O.  Threads: reentrant.
 */
#ifndef CASG_PACKIDS_H
#define CASG_PACKIDS_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"
#include "packidx.h"

/* No such file is longer. */
#define CASG_PACKIDS_MAX ((uint64_t)512 << 20)

/* Append the file for a pack of these contents ('version' is not looked at). */
int casg_packids_encode(const struct casg_packidx_src *src, struct casg_buf *out,
			struct casg_err *err);

struct casg_packids {
	struct casg_packidx_src src; /* points into what follows */
	struct casg_idx_chunk *chunks;
	struct casg_objinfo *objects;
	struct casg_idx_node *nodes;
};

/*
 * The file of the pack 'expected'.  CASG_ECORRUPT for whatever the encoder does
 * not make.  The caller releases 'out', also after a failure.
 */
int casg_packids_decode(struct casg_packids *out, const uint8_t *p, size_t n,
			const struct casg_oid *expected, struct casg_err *err);
void casg_packids_release(struct casg_packids *out);

/* Do the ids of sequences and blobs add up to those of their chunks? */
int casg_packids_check(const struct casg_packids *ids, struct casg_err *err);

/* Is there a chunk of sequences in it? */
int casg_packids_has_sequences(const struct casg_packids *ids);

#endif
