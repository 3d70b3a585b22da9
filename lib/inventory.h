/*
 * inventory - what a storage holds: records of pushes, their summary, and
 * which packs versions need.  casgformat-inventory(5) is the definition.
 *
 * A record is decoded from exactly the text that encoding it gives, so that
 * its id, the SHA-256 of the text, is the id of what it says.
 *
 * An inventory is a set of records.  Whatever they say, asking it ends: a pack
 * is only replaced by a later record, and records reach one another by digest.
 *
 * Pure.  Threads: an inventory belongs to one thread at a time.
 */
#ifndef CASG_INVENTORY_H
#define CASG_INVENTORY_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"
#include "oidset.h"

#define CASG_INVREC_MAX_BYTES (64u << 20)
#define CASG_INVENTORY_MAX_BYTES (256u << 20)
#define CASG_INVPACK_KINDS_MAX 63

struct casg_invpack {
	struct casg_oid id;
	uint64_t nbytes;
	char kinds[CASG_INVPACK_KINDS_MAX + 1];
};

/* A list of ids, sorted once the record is encoded or decoded. */
struct casg_invids {
	struct casg_oid *v;
	size_t n, cap;
};

struct casg_invrec {
	struct casg_oid id;       /* set by decode and encode */
	int64_t time;             /* seconds since 1970 */
	struct casg_invids after, replaced, versions;
	struct casg_invpack *packs;
	size_t npacks, packs_cap;
};

void casg_invrec_init(struct casg_invrec *r);
void casg_invrec_release(struct casg_invrec *r);
/* Order does not matter, twice is once; 0 or CASG_ENOMEM. */
int casg_invids_add(struct casg_invids *ids, const struct casg_oid *id, struct casg_err *err);
/* 0, CASG_ENOMEM, or CASG_ECORRUPT for what the format has no form for. */
int casg_invrec_add_pack(struct casg_invrec *r, const struct casg_invpack *p,
			 struct casg_err *err);

/*
 * Sort, append the text to 'out', set r->id.  CASG_ECORRUPT for a record that
 * would be refused: an empty one, a pack that is both added and replaced, one
 * of two sizes.
 */
int casg_invrec_encode(struct casg_invrec *r, struct casg_hasher *h, struct casg_buf *out,
		       struct casg_err *err);
/*
 * 'r' is initialised; it is empty after a failure.  CASG_ENOTOURS,
 * CASG_EUNSUPPORTED, CASG_ECORRUPT (with the line) or CASG_ENOMEM.
 */
int casg_invrec_decode(struct casg_invrec *r, struct casg_hasher *h, const uint8_t *text,
		       size_t n, struct casg_err *err);

/* Append the text of a record that was encoded or decoded. */
void casg_invrec_format(struct casg_buf *out, const struct casg_invrec *r);

/* "ID BYTES KINDS" of a line of PACKS; 0 or CASG_ECORRUPT. */
int casg_invpack_parse(struct casg_invpack *p, const char *s, size_t n);
void casg_invpack_format(struct casg_buf *out, const struct casg_invpack *p);

/* ---- many records ---- */

struct casg_inventory;

/* NULL: out of memory. */
struct casg_inventory *casg_inventory_new(void);
void casg_inventory_free(struct casg_inventory *inv);

/*
 * Take the text of a record in; 'expected' (or NULL) is the id it must have.
 * 1 added, 0 it was there, or as casg_invrec_decode.
 */
int casg_inventory_add(struct casg_inventory *inv, const uint8_t *text, size_t n,
		       const struct casg_oid *expected, struct casg_err *err);
/* The same for a summary: all its records or, on failure, none. */
int casg_inventory_add_summary(struct casg_inventory *inv, const uint8_t *text, size_t n,
			       struct casg_err *err);
/* Append the summary of all records. */
int casg_inventory_summary(const struct casg_inventory *inv, struct casg_buf *out,
			   struct casg_err *err);

/* In the order in which they came. */
size_t casg_inventory_count(const struct casg_inventory *inv);
const struct casg_invrec *casg_inventory_get(const struct casg_inventory *inv, size_t i);
/* NULL: there is no such record. */
const struct casg_invrec *casg_inventory_find(const struct casg_inventory *inv,
					      const struct casg_oid *id);
/* The latest record that names the version, of equal ones the least id; or NULL. */
const struct casg_invrec *casg_inventory_version(const struct casg_inventory *inv,
						 const struct casg_oid *version);
/* The time of the latest record that adds the pack: 1, or 0 if none does. */
int casg_inventory_added(const struct casg_inventory *inv, const struct casg_oid *pack,
			 int64_t *time_out);

/* The version ids that records name, sorted; the caller frees. */
int casg_inventory_versions(const struct casg_inventory *inv, struct casg_oid **ids_out,
			    size_t *n_out, struct casg_err *err);
/* The packs that records add and none replaces, sorted; the caller frees. */
int casg_inventory_packs(const struct casg_inventory *inv, struct casg_invpack **packs_out,
			 size_t *n_out, struct casg_err *err);

/*
 * The packs that the n versions need, sorted, each once; the caller frees.
 * CASG_EABSENT when a version, or a record that one is reached through, is not
 * there: *missing_out (or NULL) is its id.  CASG_ECORRUPT when two records say
 * different sizes of a pack that is needed.
 */
int casg_inventory_need(const struct casg_inventory *inv, const struct casg_oid *versions,
			size_t n, struct casg_invpack **packs_out, size_t *npacks_out,
			struct casg_oid *missing_out, struct casg_err *err);

#endif
