/*
 * proof - the text that shows what a version says of some records, to those
 * who have nothing but the version id.
 *
 * A proof states a claim, the VERSION text (of which the version id is the
 * SHA-256) and the part of the record tree that the claim rests on: from the
 * root down each node on the way, once, with the entries that matter spelled
 * out and RFC 6962 subtree hashes in the place of the others.  For one entry
 * these hashes are its audit path.  casgformat-proof(5) gives every byte.
 *
 * Decoding is about form alone and accepts exactly what encoding emits (but
 * for the checksum, which it only compares); proofcheck.h tells whether what
 * is well-formed is also true.  Everything here is pure; input is hostile.
 */
#ifndef CASG_PROOF_H
#define CASG_PROOF_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "node.h"
#include "oid.h"
#include "version.h"

#define CASG_PROOF_FORMAT 1
#define CASG_PROOF_MAX_BYTES ((size_t)256 << 20)

enum casg_claim {
	CASG_CLAIM_KEY,      /* these are all records with the key; none: absent */
	CASG_CLAIM_RECORDS,  /* these records are in it */
	CASG_CLAIM_SEQUENCE, /* a record with the sequence is in it */
	CASG_CLAIM_CHUNK,    /* so is one for each sequence of the chunk */
	CASG_CLAIM_HISTORY,  /* KEY, for each version since a time */
	CASG_CLAIM_VIEW      /* KEY or RECORDS, and the taxa they have under a taxonomy */
};

struct casg_proof_claim {
	enum casg_claim kind;
	const char *key;        /* KEY, HISTORY; VIEW, else NULL: RECORDS */
	size_t klen;
	int64_t since;          /* HISTORY: seconds since 1970 */
	uint64_t from;          /* VIEW: sources, as casg_parse_taxon_from has them */
	struct casg_oid id;     /* SEQUENCE, CHUNK */
	const struct casg_oid *members; /* CHUNK: its sequence ids, in order */
	size_t nmembers;
};

/* What stands for one or more entries of a node. */
struct casg_proof_item {
	uint32_t span;          /* entries that a hash covers; 0: one, spelled out */
	uint32_t slot;          /* in hashes; in entries (level 0) or children */
};

struct casg_proof_node {
	uint8_t kind, level;
	uint32_t count;         /* entries of the node */
	uint32_t nitems;
	size_t first;           /* in items */
};

/*
 * A VERSION and its tree.  A view has two, that of the sequences and that of
 * the taxonomy, and may have a third without VERSION: the tree of the mapping.
 */
struct casg_proof_version {
	const char *text;       /* VERSION, in the bytes of the proof; NULL: the mapping */
	size_t nbytes;
	struct casg_version v;
	size_t first_node, nnodes; /* preorder; none: only the chain needs it, or nothing */
	size_t first_entry, nentries; /* all that its leaves spell out */

	/* filled by casg_proof_check */
	struct casg_oid id;
	size_t first_proved, nproved; /* in entries: the records that are proved */
	int has_before, has_after;    /* KEY, HISTORY: the entry beside them is a neighbour */
};

/* A proof read.  Strings point into the bytes that were decoded. */
struct casg_proof {
	struct casg_proof_claim claim;
	struct casg_oid *members;
	struct casg_proof_version *versions;
	struct casg_proof_node *nodes;
	struct casg_proof_item *items;
	struct casg_oid *hashes;
	struct casg_entry *entries;     /* in the order of the tree */
	struct casg_child *children;
	size_t nversions, nnodes, nitems, nhashes, nentries, nchildren;
	size_t cap_versions, cap_nodes, cap_items, cap_hashes, cap_entries, cap_children;
	int sum_ok;             /* the checksum is that of the bytes before it */
};

void casg_proof_init(struct casg_proof *p);
void casg_proof_release(struct casg_proof *p);

/*
 * Read the 'n' bytes at 'text', which must outlive 'p'; p is released first
 * and left empty on failure.  CASG_ENOTOURS, CASG_EUNSUPPORTED (an unknown
 * format, node kind or VERSION format), CASG_ECORRUPT naming the line.
 */
int casg_proof_decode(struct casg_proof *p, const uint8_t *text, size_t n,
		      struct casg_hasher *h, struct casg_err *err);

/* Append its text, with the right checksum.  0 or CASG_ENOMEM. */
int casg_proof_encode(const struct casg_proof *p, struct casg_hasher *h,
		      struct casg_buf *out, struct casg_err *err);

/*
 * The same part by part, for who makes a proof: claim; then for each version
 * its text and, unless it only links the chain, nodes in preorder, each with
 * its items in order; then end, which adds the checksum of all from
 * out->data[start] on.  Nothing is checked: decode the result.  A description
 * above CASG_DESC_INLINE is told if e->desc has it, which is for views.
 */
void casg_proof_put_claim(struct casg_buf *out, const struct casg_proof_claim *c);
void casg_proof_put_version(struct casg_buf *out, const void *text, size_t n);
void casg_proof_put_mapping(struct casg_buf *out);
void casg_proof_put_node(struct casg_buf *out, int kind, int level, uint32_t count);
void casg_proof_put_hash(struct casg_buf *out, uint32_t span, const struct casg_oid *hash);
void casg_proof_put_entry(struct casg_buf *out, const struct casg_entry *e);
void casg_proof_put_child(struct casg_buf *out, const struct casg_child *c);
void casg_proof_put_end(struct casg_buf *out, size_t start, struct casg_hasher *h);

#endif
