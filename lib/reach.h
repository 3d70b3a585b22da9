/*
 * reach - which packs hold a version.
 *
 * The packs that its nodes, order, presentation, tombstones and long
 * descriptions lie in, and those that these packs refer to.  A pack that
 * serves several versions refers to the sequences of all of them, so this is a
 * superset: a hint of what to fetch, as PACKS is.
 *
 * What may be thrown away is settled by casg_marks, which reads every node
 * and takes in what a leaf or a presentation names by id alone.
 */
#ifndef CASG_REACH_H
#define CASG_REACH_H

#include <stdint.h>

#include "err.h"
#include "node.h"
#include "records.h"
#include "store.h"

/* needed_out: a flag a pack of the store, the caller's array of its npacks. */
int casg_reach_packs(struct casg_store *s, struct casg_coder *c,
		     const struct casg_roots *roots, uint8_t *needed_out,
		     struct casg_err *err);

/*
 * What flagged packs need to be verified is flagged too: the chunks they refer
 * to, the bases of their nodes, orders and presentations.  What is in no pack
 * is passed over; a pack that cannot be read is an error.
 */
int casg_reach_close(struct casg_store *s, struct casg_coder *c, uint8_t *needed,
		     struct casg_err *err);

/*
 * The flagged packs, each behind those of them that it needs: who deletes them
 * from the last to the first leaves at no moment one that has lost what it
 * needs.  One that cannot be read needs nothing.  packs_out: the caller's
 * array of as many as the store has.
 */
int casg_reach_rank(struct casg_store *s, struct casg_coder *c, const uint8_t *of,
		    uint32_t *packs_out, uint32_t *n_out, struct casg_err *err);

/*
 * Exactly the chunks that the version needs: note is called once or more for
 * each.  Reads the whole tree.
 */
typedef int casg_chunk_fn(void *ctx, uint32_t pack, uint32_t chunk, struct casg_err *err);
int casg_reach_chunks(struct casg_store *s, struct casg_coder *c,
		      const struct casg_roots *roots, casg_chunk_fn *note, void *ctx,
		      struct casg_err *err);

/*
 * The chunks that this one needs to be decoded: those whose literals its edit
 * scripts use.  casg_reach_chunks has them already.
 */
int casg_reach_needs(struct casg_store *s, struct casg_coder *c, uint32_t pack, uint32_t chunk,
		     casg_chunk_fn *note, void *ctx, struct casg_err *err);

/*
 * The PACKS text for these roots: "<id> <bytes> <kinds>" lines, sorted; kinds
 * are the chunk kinds in the pack, joined by ','.  Appended to out.
 */
int casg_reach_text(struct casg_store *s, struct casg_coder *c,
		    const struct casg_roots *roots, struct casg_buf *out,
		    struct casg_err *err);

/* One such line without its end; appended. */
int casg_reach_line(struct casg_store *s, uint32_t pack, struct casg_buf *out,
		    struct casg_err *err);

/* The kinds of chunk in a pack as PACKS has them, appended. */
int casg_reach_kinds(struct casg_store *s, uint32_t pack, struct casg_buf *out,
		     struct casg_err *err);

/*
 * Marks: all packs that any of many versions need.  Each distinct node, order
 * and presentation is read once, however many versions share it.  Memory: a
 * bit for each node and object of the store, and the store's cache.
 *
 * A pack that a needed pack refers to is needed, whether or not a version
 * needs the chunk it refers to: a pack must be able to be verified.
 *
 * Anything that cannot be read or found is an error, after which the marks
 * are worth nothing.  The store must not gain packs meanwhile.
 */
struct casg_marks;

struct casg_marks *casg_marks_new(struct casg_store *s, struct casg_coder *c,
				  struct casg_err *err);
void casg_marks_free(struct casg_marks *m);
/*
 * Before the first version: mark each sequence too, not only what leads to
 * them; and no orders, which may rest on those of versions that are gone.
 */
void casg_marks_sequences(struct casg_marks *m);
/*
 * The same, and 'fn' (or NULL) is told of each record of each leaf, the leaves of the
 * version that is added first first, and where its sequence lies.
 */
typedef int casg_marks_fn(void *ctx, const struct casg_entry *e, const struct casg_loc *loc,
			  struct casg_err *err);
void casg_marks_watch(struct casg_marks *m, casg_marks_fn *fn, void *ctx);
/*
 * Before the first version: mark whatever a pack can hold: sequences, the pieces
 * of long ones, orders.
 */
void casg_marks_everything(struct casg_marks *m);
int casg_marks_add(struct casg_marks *m, const struct casg_roots *roots,
		   struct casg_err *err);
/* A blob that something beside versions names, as a profile does. */
int casg_marks_blob(struct casg_marks *m, const struct casg_oid *id, struct casg_err *err);
/* After the last version: take in what the packs refer to. */
int casg_marks_finish(struct casg_marks *m, struct casg_err *err);
int casg_marks_needed(const struct casg_marks *m, uint32_t pack);
/*
 * After casg_marks_everything and the last version: does this pack hold nothing
 * but what these versions need?  (A second copy of something that is read from
 * elsewhere is nothing that they need.)
 */
int casg_marks_whole(const struct casg_marks *m, uint32_t pack);
/* Is the object (by number) of that pack marked? */
int casg_marks_has(const struct casg_marks *m, uint32_t pack, uint32_t object);
/* And the node that lies there? */
int casg_marks_has_node(const struct casg_marks *m, const struct casg_loc *loc);

/* The ids of long presentations of records, which are blobs of their own. */
typedef int casg_blob_fn(void *ctx, const struct casg_oid *id, struct casg_err *err);
int casg_presentation_blobs(struct casg_store *s, struct casg_coder *c,
			    const struct casg_oid *presentation, casg_blob_fn *fn, void *ctx,
			    struct casg_err *err);

#endif
