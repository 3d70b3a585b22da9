/*
 * taxrec - the records of a taxonomy: what their descriptions say.
 *
 * A taxonomy is a database whose records have no sequence.  The key is the
 * taxon id in key form (below), the description one of
 *
 *	TAB node TAB parent TAB rank TAB rest TAB name TAB unique
 *	    { TAB class TAB name TAB unique }
 *	TAB merged TAB <id it went into>
 *	TAB deleted
 *
 * and in the mapping beside it (key: an accession)
 *
 *	TAB id { "," id }
 *
 * Ids stand there in key form.  No field holds TAB, LF, CR or NUL.  Names and
 * classes are not empty; rank, rest and unique may be.  The other names
 * ascend by (class, name, unique) as bytes, none twice; the ids of a mapping
 * stand in the order they were given, none twice, CASG_TAXMAP_MAX at most.
 *
 * Key form of an id: its bytes, but those up to 0x20, 0x7F, '%' and ','
 * become %XX (upper-case hex), and nothing else does.  An id is not empty,
 * and no longer than CASG_KEY_MAX in key form.
 *
 * casgformat-taxonomy(5) is the page.  Pure; nothing here allocates but for
 * the buffers it appends to.  Decoders treat the bytes as hostile and take
 * exactly what the encoders emit.  Thread-safe.
 */
#ifndef CASG_TAXREC_H
#define CASG_TAXREC_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* Borrowed bytes, not NUL-terminated. */
struct casg_taxstr {
	const char *p;
	size_t n;
};

enum casg_taxrec_kind {
	CASG_TAXREC_NODE,
	CASG_TAXREC_MERGED,
	CASG_TAXREC_DELETED
};

/* What an id stands for in a taxonomy. */
enum casg_taxon_status {
	CASG_TAXON_UNKNOWN = 0,
	CASG_TAXON_FOUND = 1,
	CASG_TAXON_MERGED = 2,     /* the taxon is the one it was merged into */
	CASG_TAXON_DELETED = 3
};

/* Taxa of a lineage, the root and the taxon itself included; more are refused. */
#define CASG_LINEAGE_MAX 256

/* One name of a taxon that is not its scientific name. */
struct casg_taxname {
	struct casg_taxstr cls, name, unique;
};

/* A description taken apart; the strings are those of the bytes given. */
struct casg_taxrec {
	enum casg_taxrec_kind kind;
	struct casg_taxstr into;   /* merged: the id it went into, key form */
	/* the others of a node only */
	struct casg_taxstr parent; /* key form; of the root: its own id */
	struct casg_taxstr rank, rest, name, unique;
	struct casg_taxstr others; /* read with casg_taxrec_next_name */
	uint64_t nothers;
};

/* CASG_ECORRUPT for anything the encoder does not emit. */
int casg_taxrec_decode(struct casg_taxrec *out, const char *desc, size_t dlen,
		       struct casg_err *err);

/*
 * 1 and the next of the other names, 0 behind the last.  *at is r->others at
 * the beginning and moves on.
 */
int casg_taxrec_next_name(struct casg_taxstr *at, struct casg_taxname *out);

/*
 * Append a description.  Of a node, 'names' are the other names, in any order
 * (it is sorted here; of equal ones the first stays); r->others is not read.
 * CASG_ECORRUPT for fields that cannot be, CASG_ENOMEM.
 */
int casg_taxrec_encode(struct casg_buf *out, const struct casg_taxrec *r,
		       struct casg_taxname *names, size_t nnames, struct casg_err *err);

/* ---- mapping rows -------------------------------------------------------- */

#define CASG_TAXMAP_MAX 256     /* ids of one row, as many as taxon.h takes */

/* Is this the description of a mapping row?  0, or CASG_ECORRUPT. */
int casg_taxmap_decode(struct casg_taxstr *ids_out, const char *desc, size_t dlen,
		       struct casg_err *err);
/* 1 and the next id (key form), 0 behind the last; *at is ids_out at first. */
int casg_taxmap_next(struct casg_taxstr *at, struct casg_taxstr *id_out);
/* Append one; ids are in key form. */
int casg_taxmap_encode(struct casg_buf *out, const struct casg_taxstr *ids, size_t nids,
		       struct casg_err *err);

/* ---- ids ----------------------------------------------------------------- */

/* Append the key form of an id.  CASG_ECORRUPT if there is none, CASG_ENOMEM. */
int casg_taxid_to_key(struct casg_buf *out, const char *id, size_t n, struct casg_err *err);
/* Append the id that a key stands for.  CASG_ECORRUPT, CASG_ENOMEM. */
int casg_taxid_from_key(struct casg_buf *out, const char *key, size_t n,
			struct casg_err *err);
/* Is this an id in key form?  0, or CASG_ECORRUPT. */
int casg_taxid_check_key(const char *key, size_t n, struct casg_err *err);

/* Order of two strings as bytes, a prefix before what it begins. */
int casg_taxstr_cmp(const struct casg_taxstr *a, const struct casg_taxstr *b);

#endif
