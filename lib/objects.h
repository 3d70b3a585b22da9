/*
 * objects - the two objects beside the record tree: order and presentation.
 *
 * Order: where each record stands in the file, as a blob:
 *   "casg-order 1\n", LEB128 count, then for each record in file order the
 *   LEB128 of zigzag(rank - previous rank - 1), previous rank -1 at first.
 * Presentation: facts about the file and each record that differs, as text:
 *   "casg-presentation 1\n", "width N\n", "eol lf|crlf\n",
 *   "final-newline yes|no\n", ["prologue %XX..\n"], then
 *   "<position> <presentation>\n" by ascending position (0-based).
 * Their ids are the SHA-256 of these bytes.  See casgformat-record(5).
 *
 * Readers treat the bytes as hostile and take only what the writers emit.
 */
#ifndef CASG_OBJECTS_H
#define CASG_OBJECTS_H

#include <stdint.h>

#include "err.h"
#include "layout.h"
#include "orderbase.h"
#include "packw.h"
#include "store.h"

/* An ORDER chunk of one member (orderdelta.h), which makes the object that info tells of. */
int casg_delta_chunk(struct casg_packw *packw, struct casg_coder *coder, int level,
		     const struct casg_buf *member, const struct casg_objinfo *info,
		     struct casg_err *err);

/* ---- order, writing: ranks come in any order of positions --------------- */

struct casg_orderw;

/*
 * 'n' records.  Up to max_nbytes the ranks are kept in memory, beyond that in
 * a scratch file in tmp_dir.
 */
struct casg_orderw *casg_orderw_new(uint64_t n, uint64_t max_nbytes, const char *tmp_dir,
				    struct casg_err *err);
int casg_orderw_put(struct casg_orderw *o, uint64_t position, uint64_t rank,
		    struct casg_err *err);
/* 'base' (or NULL): it was given all keys; the order may be stored by it. */
int casg_orderw_finish(struct casg_orderw *o, struct casg_orderbase *base,
		       struct casg_packw *packw, struct casg_store *store,
		       struct casg_coder *coder, int level, struct casg_oid *id_out,
		       struct casg_err *err);
void casg_orderw_free(struct casg_orderw *o);

/* ---- order, reading: ranks in file order -------------------------------- */

struct casg_orderr;

/*
 * Where readers take the bytes of an object from: 1 and the next piece (valid
 * until the next call), 0 at the end, negative with err filled.
 */
typedef int casg_pieces_fn(void *ctx, const uint8_t **p_out, size_t *n_out,
			   struct casg_err *err);

struct casg_orderr *casg_orderr_new(casg_pieces_fn *pieces, void *ctx, uint64_t count,
				    struct casg_err *err);
/* 'count' is what VERSION says; another count is CASG_ECORRUPT. */
struct casg_orderr *casg_orderr_open(struct casg_store *store, struct casg_coder *coder,
				     const struct casg_oid *id, uint64_t count,
				     struct casg_err *err);
/* 1 and the next rank, 0 at the end.  Each rank is below count; that no rank
 * comes twice is for the caller to notice. */
int casg_orderr_next(struct casg_orderr *o, uint64_t *rank_out, struct casg_err *err);
void casg_orderr_free(struct casg_orderr *o);

/* ---- presentation ------------------------------------------------------- */

struct casg_presw;

/* Much text goes to a scratch file in tmp_dir. */
struct casg_presw *casg_presw_new(const char *tmp_dir);
/* Ascending positions. */
int casg_presw_add(struct casg_presw *w, uint64_t position, const char *pres, size_t n,
		   struct casg_err *err);
/* The presentation of another version, and how much memory it may take to compare with it. */
struct casg_presbase {
	struct casg_oid id;
	uint64_t memory_nbytes;
};

/* By 'base' (or NULL), if that is much shorter. */
int casg_presw_finish(struct casg_presw *w, const struct casg_facts *facts,
		      const struct casg_presbase *base, struct casg_packw *packw,
		      struct casg_store *store, struct casg_coder *coder, int level,
		      struct casg_oid *id_out, struct casg_err *err);
void casg_presw_free(struct casg_presw *w);

struct casg_presr;

/* Reads the facts at once. */
struct casg_presr *casg_presr_new(casg_pieces_fn *pieces, void *ctx,
				  struct casg_facts *facts_out, struct casg_err *err);
struct casg_presr *casg_presr_open(struct casg_store *store, struct casg_coder *coder,
				   const struct casg_oid *id, struct casg_facts *facts_out,
				   struct casg_err *err);
/*
 * The presentation of the record at 'position' ("-", in line form: may be
 * "@<hex>"); positions are asked for in ascending order.  The text is valid
 * until the next call.
 */
int casg_presr_at(struct casg_presr *r, uint64_t position, const char **pres_out,
		  size_t *n_out, struct casg_err *err);
/* The same, passing over lines about records before 'position'. */
int casg_presr_skip_to(struct casg_presr *r, uint64_t position, const char **pres_out,
		       size_t *n_out, struct casg_err *err);
/* The line that comes next, whatever its position; there must be one. */
int casg_presr_next(struct casg_presr *r, const char **pres_out, size_t *n_out,
		    struct casg_err *err);
/* Does it say anything about any record that was not yet asked for? */
int casg_presr_more(const struct casg_presr *r);
/* After the last record: 0, or CASG_ECORRUPT if lines are left over. */
int casg_presr_finish(struct casg_presr *r, struct casg_err *err);
void casg_presr_free(struct casg_presr *r);

#endif
