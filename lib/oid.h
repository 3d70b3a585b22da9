/*
 * oid - SHA-256 identifiers, and a reusable hasher (FIPS 180-4, by OpenSSL).
 *
 * casg_oid is 32 raw bytes; its text form is 64 lower-case hex digits.
 * A casg_hasher is one state, which each init begins anew.
 *
 * Threads: one hasher a thread; the pure functions are reentrant.
 */
#ifndef CASG_OID_H
#define CASG_OID_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "buf.h"
#include "err.h"

#define CASG_OID_RAWSZ 32
#define CASG_OID_HEXSZ 64

struct casg_oid {
	uint8_t b[CASG_OID_RAWSZ];
};

/* What is known of an object without reading it. */
struct casg_objinfo {
	struct casg_oid id;
	uint64_t nbytes; /* its length */
};

struct casg_hasher;

/* NULL when out of memory. */
struct casg_hasher *casg_hasher_new(void);
void casg_hasher_free(struct casg_hasher *h);

/* init, any number of updates, final; repeat.  Cannot fail once created. */
void casg_hasher_init(struct casg_hasher *h);
void casg_hasher_update(struct casg_hasher *h, const void *p, size_t nbytes);
void casg_hasher_final(struct casg_hasher *h, struct casg_oid *oid_out);
/* The digest of what was given so far; more may follow. */
void casg_hasher_peek(const struct casg_hasher *h, struct casg_oid *oid_out);

/* One-shot over one buffer. */
void casg_hasher_digest(struct casg_hasher *h, const void *p, size_t nbytes,
			struct casg_oid *oid_out);

static inline int casg_oid_cmp(const struct casg_oid *a, const struct casg_oid *b)
{
	return memcmp(a->b, b->b, CASG_OID_RAWSZ);
}

static inline int casg_oid_eq(const struct casg_oid *a, const struct casg_oid *b)
{
	return !casg_oid_cmp(a, b);
}

/* The first 8 bytes as a big-endian number: sorts as the oids do. */
uint64_t casg_oid_prefix(const struct casg_oid *oid);

/* hex_out has room for CASG_OID_HEXSZ + 1 bytes; NUL-terminated; returned. */
char *casg_oid_hex(const struct casg_oid *oid, char *hex_out);
void casg_oid_addhex(struct casg_buf *b, const struct casg_oid *oid);

/* Exactly 64 lower-case digits at 'hex'; 0 or -1. */
int casg_oid_parse(struct casg_oid *oid_out, const char *hex, size_t len);

#endif
