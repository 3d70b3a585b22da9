/*
 * version - the text that says what one release of a database is.
 *
 * A VERSION file has exactly one spelling: "name value" lines in a fixed
 * order, one space, LF, numbers without leading zeros, times in UTC.  The
 * version id is the SHA-256 of the file's bytes, so decode accepts exactly
 * what encode emits and refuses everything else: what was decoded and
 * encoded again has the same id.  casgformat-version(5) is the page.
 *
 * Nothing here reads or writes files.  Threads: the functions are reentrant;
 * a struct casg_version belongs to one thread at a time.
 */
#ifndef CASG_VERSION_H
#define CASG_VERSION_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"
#include "rfc3339.h"

#define CASG_VERSION_FORMAT 1
#define CASG_VERSION_MAX_BYTES (1u << 20) /* a longer VERSION is refused */
#define CASG_VERSION_LABEL_MAX 255        /* bytes of a release label or source name */

enum casg_version_kind {
	CASG_VERSION_DATABASE,        /* "casg-version 1" */
	CASG_VERSION_TAXONOMY         /* "casg-taxonomy 1" */
};

/* What became of taxa since the version before; CASG_NTAXCHANGES is their number. */
enum casg_taxchange {
	CASG_TAXCHANGE_NEW, CASG_TAXCHANGE_DELETED, CASG_TAXCHANGE_MERGED, CASG_TAXCHANGE_SPLIT,
	CASG_TAXCHANGE_RENAMED, CASG_TAXCHANGE_MOVED, CASG_TAXCHANGE_RANK, CASG_NTAXCHANGES
};

struct casg_version {
	enum casg_version_kind kind;
	struct casg_oid records;      /* root of the record tree */
	struct casg_oid order;        /* order object */
	struct casg_oid presentation; /* presentation object */
	int has_withdrawn;            /* databases only, as residues and taxonomy */
	struct casg_oid withdrawn;    /* tombstones (withdrawn.h) */
	uint64_t count;               /* records */
	uint64_t residues;            /* residues of all records */
	int64_t sequence_time;        /* of a taxonomy: its taxonomy time */
	int has_valid_until;
	int64_t valid_until;          /* it holds in [sequence_time, valid_until) */
	char *release;                /* label, or NULL */
	int has_taxonomy;
	struct casg_oid taxonomy;     /* version id of the default taxonomy */
	int has_mapping;              /* taxonomies only, as changes */
	struct casg_oid mapping;      /* root of the record tree of its mapping */
	uint64_t changes[CASG_NTAXCHANGES]; /* taxa; 0: not written */
	char **sources;               /* names of the input files, decoded, in order */
	size_t nsources, sources_cap;
	int has_source_sha256;
	struct casg_oid source_sha256;/* of the decompressed input */
	struct casg_oid *previous;    /* version ids, ascending, distinct */
	size_t nprevious, previous_cap;
};

/* The word for a class of change ("new", "deleted", ...), and back; -1. */
const char *casg_taxchange_name(enum casg_taxchange c);
int casg_taxchange_parse(const char *s, size_t n);

/* All zero: a database, no roots, no optional field, 1970.  Release frees what it owns. */
void casg_version_init(struct casg_version *v);
void casg_version_release(struct casg_version *v);

/*
 * Read the canonical text of 'n' bytes at 'p'.  'v' is released and filled;
 * on failure it is left initialised and empty.  CASG_ENOTOURS when it does
 * not begin like a VERSION, CASG_EUNSUPPORTED for an unknown format number,
 * CASG_ECORRUPT (naming the line) for anything not canonical.
 */
int casg_version_decode(struct casg_version *v, const uint8_t *p, size_t n,
			struct casg_err *err);

/*
 * Append the canonical text.  CASG_EBUG when a field holds what the format
 * cannot say (the setters below already refuse it), or the text is too long.
 */
int casg_version_encode(const struct casg_version *v, struct casg_buf *out,
			struct casg_err *err);

/* SHA-256 of a VERSION text (which is not checked here). */
int casg_version_id(const void *text, size_t n, struct casg_oid *id_out,
		    struct casg_err *err);

/*
 * Setters copy their argument and refuse (CASG_ECORRUPT) what the format
 * cannot hold.  add_previous keeps the list sorted; a second time is a no-op.
 */
int casg_version_set_release(struct casg_version *v, const char *label,
			     struct casg_err *err);
int casg_version_add_source(struct casg_version *v, const char *name,
			    struct casg_err *err);
int casg_version_add_previous(struct casg_version *v, const struct casg_oid *id,
			      struct casg_err *err);

/*
 * The value of one field as text, as in the file ("count", "records", ...);
 * repeated fields give one line each, without a final LF.  CASG_EABSENT when
 * the version does not have it, CASG_EBUG when there is no such field.
 */
int casg_version_field(const struct casg_version *v, const char *name,
		       struct casg_buf *out, struct casg_err *err);

#endif
