/*
 * merkle - Merkle tree hashes and proofs (RFC 6962, section 2.1; RFC 9162).
 *
 * Leaf hash = SHA-256(0x00 || entry), node = SHA-256(0x01 || left || right),
 * the root of nothing = SHA-256(""); a tree of n > 1 leaves splits at the
 * largest power of two below n.  "Leaf hashes" below are the former, already
 * computed; a tree of one leaf has the leaf hash as its root.
 *
 * Functions that take a hasher use it as scratch.  None can fail but by the
 * results stated.  Threads: as the hasher.
 */
#ifndef CASG_MERKLE_H
#define CASG_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "oid.h"

/* Room for any path of a tree of up to 2^64 - 1 leaves. */
#define CASG_MERKLE_PATH_MAX 65

struct casg_slice {
	const void *p;
	size_t nbytes;
};

void casg_merkle_leaf(struct casg_hasher *h, const void *p, size_t nbytes,
		      struct casg_oid *hash_out);

/* The same for an entry that lies in several places. */
void casg_merkle_leafv(struct casg_hasher *h, const struct casg_slice *v,
		       size_t nslices, struct casg_oid *hash_out);

void casg_merkle_node(struct casg_hasher *h, const struct casg_oid *left,
		      const struct casg_oid *right, struct casg_oid *hash_out);

/*
 * A root built leaf by leaf in constant memory: stack[] holds the roots of
 * the complete subtrees, largest first, one for each bit set in count.
 */
struct casg_merkle {
	struct casg_hasher *hasher; /* borrowed */
	uint64_t count;
	int depth;
	struct casg_oid stack[64];
};

void casg_merkle_init(struct casg_merkle *m, struct casg_hasher *hasher);
void casg_merkle_add_leafhash(struct casg_merkle *m, const struct casg_oid *leafhash);

/* The root so far; more leaves may follow. */
void casg_merkle_root(const struct casg_merkle *m, struct casg_oid *root_out);

/* Root of n leaf hashes. */
void casg_merkle_root_of(struct casg_hasher *h, const struct casg_oid *leafhashes,
			 size_t n, struct casg_oid *root_out);

/*
 * Inclusion proof of leaf 'index' (index < n) in the tree of n: siblings from
 * the leaf up.  path_out has room for CASG_MERKLE_PATH_MAX.
 */
void casg_merkle_path(struct casg_hasher *h, const struct casg_oid *leafhashes,
		      size_t n, size_t index, struct casg_oid *path_out,
		      size_t *npath_out);

/*
 * 1 if the path proves that the leaf hash is number 'index' of the tree of n
 * with this root, else 0 (RFC 9162, 2.1.3.2).  Any input is safe.
 */
int casg_merkle_verify_path(struct casg_hasher *h, const struct casg_oid *leafhash,
			    uint64_t index, uint64_t n,
			    const struct casg_oid *path, size_t npath,
			    const struct casg_oid *root);

/*
 * Proof that the tree of the first m of n leaf hashes (1 <= m <= n) is a
 * prefix of the tree of n; empty for m = n.
 */
void casg_merkle_consistency(struct casg_hasher *h, const struct casg_oid *leafhashes,
			     size_t m, size_t n, struct casg_oid *proof_out,
			     size_t *nproof_out);

/*
 * 1 if the proof shows that the tree of m leaves with old_root is a prefix of
 * the tree of n leaves with new_root, else 0 (RFC 9162, 2.1.4.2).  m = 0 is
 * true for an empty proof and the empty root.  Any input is safe.
 */
int casg_merkle_verify_consistency(struct casg_hasher *h, uint64_t m, uint64_t n,
				   const struct casg_oid *old_root,
				   const struct casg_oid *new_root,
				   const struct casg_oid *proof, size_t nproof);

#endif
