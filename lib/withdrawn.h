/*
 * withdrawn - tombstones: the keys that a database once had and gave up.
 *
 * A blob that VERSION names, text:
 *
 *	casg-withdrawn 1
 *	<key> TAB <sequence time> TAB <successor or "-"> TAB <reason>
 *
 * one line a key, ascending, none twice, quoted as the record stream is.  The
 * time is that of the first version without the key.  A tombstone goes from
 * version to version until a record has the key again.  A version without
 * tombstones names no such blob.
 *
 * Readers treat the bytes as hostile and take only what the writer emits.
 */
#ifndef CASG_WITHDRAWN_H
#define CASG_WITHDRAWN_H

#include <stdint.h>

#include "err.h"
#include "objects.h"
#include "packw.h"
#include "store.h"
#include "textblob.h"

#define CASG_REASON_MAX 4096 /* bytes */

/* Owns nothing. */
struct casg_tombstone {
	const char *key;
	size_t klen;
	int64_t when;            /* seconds since 1970 */
	const char *successor;   /* NULL: none */
	size_t slen;
	const char *reason;      /* may be empty */
	size_t rlen;
};

/* What may be said: CASG_ECORRUPT when reason or successor is no text for it. */
int casg_tombstone_check(const struct casg_tombstone *t, struct casg_err *err);

/* Append the line, with its end; 'z': NUL, and nothing is quoted. */
int casg_tombstone_format(struct casg_buf *out, const struct casg_tombstone *t, int z,
			  struct casg_err *err);

/* ---- reading ----------------------------------------------------------- */

struct casg_withdrawnr;

struct casg_withdrawnr *casg_withdrawnr_new(casg_pieces_fn *pieces, void *ctx,
					    struct casg_err *err);
struct casg_withdrawnr *casg_withdrawnr_open(struct casg_store *store,
					     struct casg_coder *coder,
					     const struct casg_oid *id,
					     struct casg_err *err);
/* 1 and the next, valid until the next call; 0 at the end. */
int casg_withdrawnr_next(struct casg_withdrawnr *r, struct casg_tombstone *out,
			 struct casg_err *err);
void casg_withdrawnr_free(struct casg_withdrawnr *r);

/* ---- writing: what the version before had, and what has changed --------- */

struct casg_withdrawnw;

/*
 * 'base' (or NULL) is read from and freed.  Both calls below come in the order
 * of their keys.
 */
struct casg_withdrawnw *casg_withdrawnw_new(struct casg_withdrawnr *base,
					    const char *tmp_dir, struct casg_err *err);
void casg_withdrawnw_free(struct casg_withdrawnw *w);
/* A record has this key: no tombstone stands for it. */
int casg_withdrawnw_alive(struct casg_withdrawnw *w, const char *key, size_t klen,
			  struct casg_err *err);
/* Once for each key; one that is there already is replaced. */
int casg_withdrawnw_add(struct casg_withdrawnw *w, const struct casg_tombstone *t,
			struct casg_err *err);
/* 1 and the id, 0 if there are none, negative. */
int casg_withdrawnw_finish(struct casg_withdrawnw *w, struct casg_packw *packw,
			   struct casg_store *store, struct casg_coder *coder, int level,
			   struct casg_oid *id_out, struct casg_err *err);

/*
 * Of a merge: what one of two versions lists (where both do: the first) and
 * the tree 'records' does not have.  1 and the id, 0 if there is none.
 */
struct casg_roots;
int casg_withdrawn_merge(const struct casg_roots *a, const struct casg_roots *b,
			 const struct casg_oid *records, struct casg_packw *packw,
			 struct casg_store *store, struct casg_coder *coder, int level,
			 const char *tmp_dir, struct casg_oid *id_out, struct casg_err *err);

#endif
