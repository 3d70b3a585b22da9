/*
 * nodelink - tree nodes stored as differences from other nodes.
 *
 * A linked node names up to CASG_NODELINK_BASES other nodes of its level, its
 * bases, and says how its entries are made of theirs: copy, skip, patch (same
 * key, another description, sequence or child), insert.  Names are short where
 * they can be: a node before this one in the same pack goes by its number,
 * any other by its id.  Children of a linked interior node are named so too,
 * which leaves out 32 bytes a child that can be recomputed.  So the next
 * version of a tree takes a few bytes a changed record.
 *
 *   structure: 0x80 | kind, level, count, number of bases, a name a base, then
 *   (n << 2 | op) until count entries are made; what an op needs follows it.
 *   casgformat-pack(5) gives every byte.
 *
 * What a node is, and its id, do not depend on how it is stored.  Chains of
 * bases are CASG_NODELINK_DEPTH long at most; whoever follows them counts
 * (nodes.h).
 *
 * Everything here is pure.  Decoders treat their input as hostile.
 */
#ifndef CASG_NODELINK_H
#define CASG_NODELINK_H

#include <stdint.h>

#include "buf.h"
#include "chunk.h"
#include "err.h"
#include "node.h"
#include "oid.h"

#define CASG_NODELINK_BASES 8
#define CASG_NODELINK_DEPTH 50
/* What importing makes: the newest version is read most, at the end of its chain. */
#define CASG_NODELINK_IMPORT_DEPTH 12

#define CASG_NO_NUMBER UINT32_MAX

/* A node by its number in the pack (nodes count in file order), or by its id. */
struct casg_node_name {
	uint32_t number;    /* or CASG_NO_NUMBER: by id */
	struct casg_oid id;
};

struct casg_nodelink_base {
	const struct casg_node *node;
	const struct casg_loc *locs;  /* of the sequences, a leaf entry each; encoding only */
	struct casg_node_name name;   /* encoding only */
};

/*
 * Which entries of a leaf its linked form writes a reference of: need_out[i]
 * is 1 or 0.  The others need none to be set.
 */
void casg_leaf_link_needs(const struct casg_entry *e, const struct casg_loc *locs,
			  uint32_t count, const struct casg_nodelink_base *bases, int nbases,
			  uint8_t *need_out);

/*
 * Append the linked form of a node that is to be number 'own' of its pack.
 * locs[i] is where the sequence of e[i] lies, for comparison with the bases';
 * e[i].ref what to write if it is not theirs.  numbers[i] is the number of
 * child i, or CASG_NO_NUMBER.  Numbers are below 'own'.
 */
void casg_leaf_store_linked(const struct casg_entry *e, const struct casg_loc *locs,
			    uint32_t count, uint32_t own,
			    const struct casg_nodelink_base *bases, int nbases,
			    struct casg_buf col[CASG_COLUMNS]);
void casg_interior_store_linked(int level, const struct casg_child *c,
				const uint32_t *numbers, uint32_t count, uint32_t own,
				const struct casg_nodelink_base *bases, int nbases,
				struct casg_buf col[CASG_COLUMNS]);

/* Is member 'member' of this NODE chunk a linked node?  0 also for no such member. */
int casg_node_is_linked(const struct casg_chunk *ch, uint32_t member);

/* The bases that decoding will need. */
int casg_nodelink_bases(const struct casg_chunk *ch, uint32_t member, uint32_t own,
			struct casg_node_name out[CASG_NODELINK_BASES], int *n_out,
			struct casg_err *err);

/* The id of a node before this one in the same pack. */
typedef int casg_node_id_fn(void *ctx, uint32_t number, struct casg_oid *id_out,
			    struct casg_err *err);

/*
 * As casg_node_decode, with the bases that casg_nodelink_bases has named.  The
 * bases may go afterwards.
 */
int casg_nodelink_decode(struct casg_node *n, const struct casg_chunk *ch, uint32_t member,
			 uint32_t pack, struct casg_section section, uint32_t own,
			 const struct casg_node *const *bases, int nbases,
			 casg_node_id_fn *id_of, void *ctx, struct casg_err *err);

#endif
