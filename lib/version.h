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

#define CASG_VERSION_FORMAT 1
#define CASG_VERSION_MAX_BYTES (1u << 20) /* a longer VERSION is refused */
#define CASG_VERSION_LABEL_MAX 255        /* bytes of a release label or source name */

struct casg_version {
	struct casg_oid records;      /* root of the record tree */
	struct casg_oid order;        /* order object */
	struct casg_oid presentation; /* presentation object */
	int has_withdrawn;
	struct casg_oid withdrawn;    /* tombstones (withdrawn.h) */
	uint64_t count;               /* records */
	uint64_t residues;            /* residues of all records */
	int64_t sequence_time;        /* seconds since 1970-01-01T00:00:00Z */
	char *release;                /* label, or NULL */
	int has_taxonomy;
	struct casg_oid taxonomy;     /* version id of the default taxonomy */
	char **sources;               /* names of the input files, decoded, in order */
	size_t nsources, sources_cap;
	int has_source_sha256;
	struct casg_oid source_sha256;/* of the decompressed input */
	struct casg_oid *previous;    /* version ids, ascending, distinct */
	size_t nprevious, previous_cap;
};

/* All zero: no roots, no optional field, 1970.  Release frees what it owns. */
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

/* ---- times (RFC 3339, UTC) ---- */

#define CASG_TIME_SIZE 21 /* "2024-03-01T00:00:00Z" and its NUL */

/* Exactly 'YYYY-MM-DDTHH:MM:SSZ', years 0001 to 9999, no leap second; 0 or -1. */
int casg_time_parse(const char *s, size_t n, int64_t *seconds_out);

/*
 * What a user may type: the above, 'YYYY-MM-DD' (midnight UTC), or with an
 * offset '+HH:MM' or '-HH:MM', which is converted to UTC.
 */
int casg_time_parse_user(const char *s, int64_t *seconds_out, struct casg_err *err);

/* Returns 'out', or NULL when the year is not 0001 to 9999. */
char *casg_time_format(int64_t seconds, char out[CASG_TIME_SIZE]);

#endif
