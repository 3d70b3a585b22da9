/*
 * treecheck - a record tree recomputed from the sequences themselves.
 *
 * Every node below a root is read and its id computed anew: of a leaf from its
 * keys and descriptions and from the SHA-256 of the residues of each sequence,
 * recomputed, of an interior node from its children.  That keys are in order
 * and that every node ends where the format says is checked as by any reader.
 * So when a check succeeds, the root id stands for exactly these records.
 *
 * What several versions share is checked once: a subtree is known by the
 * RFC 6962 hash of its entry in its parent, which binds first and last key,
 * number of records and id.  The store must recompute ids (its index_dir must
 * be NULL), and then hashes each chunk that is needed once.
 *
 * Threads: one caller, the owner of the pool; the leaves below a node are
 * checked in parallel.
 */
#ifndef CASG_TREECHECK_H
#define CASG_TREECHECK_H

#include <stdint.h>

#include "err.h"
#include "oid.h"
#include "store.h"
#include "workers.h"

struct casg_treecheck;

/* 'coders': one a worker of the pool. */
struct casg_treecheck *casg_treecheck_new(struct casg_store *s, struct casg_workers *pool,
					  struct casg_coder **coders, struct casg_err *err);
void casg_treecheck_free(struct casg_treecheck *t);

/*
 * Check the tree; the number of its records and of their residues.
 * CASG_ECORRUPT when it is not what its id says, CASG_EABSENT when something
 * is not here.
 */
int casg_treecheck_run(struct casg_treecheck *t, const struct casg_oid *root,
		       uint64_t *count_out, uint64_t *residues_out, struct casg_err *err);

/* Nodes and records looked at so far. */
uint64_t casg_treecheck_nodes(const struct casg_treecheck *t);
uint64_t casg_treecheck_records(const struct casg_treecheck *t);

#endif
