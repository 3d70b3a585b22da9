/*
 * remoteinv - the inventory of a storage, read and written through its helper.
 *
 * casgformat-inventory(5) says what lies there.  The summary is kept in a
 * file of ours with its validator, so that a storage where nothing is new is
 * one conditional request.  Only an answer that the summary has another
 * validator, with a summary that is good, changes the file.
 *
 * Threads: one.
 */
#ifndef CASG_REMOTEINV_H
#define CASG_REMOTEINV_H

#include "err.h"
#include "inventory.h"
#include "remote.h"

/* The file that keeps what was read last: a first line, and the summary. */
struct casg_invcache {
	const char *path;     /* NULL: keep nothing */
	const char *tmp_dir;
};

/*
 * Add what the file holds.  1, or 0 when there is none (a damaged one is
 * none).  validator_out (or NULL): of CASG_REMOTE_VALIDATOR_MAX + 1 bytes.
 */
int casg_invcache_read(const struct casg_invcache *c, struct casg_inventory *inv,
		       char *validator_out);

/*
 * Add what the storage's summary says.  One that has never had any, as far as
 * we know, is empty.  CASG_ECORRUPT when the summary is not good (then its
 * records may be, see casg_remoteinv_complete), or when it is gone, or is
 * another under the same validator.
 */
int casg_remoteinv_read(struct casg_remote *r, const struct casg_invcache *c,
			struct casg_inventory *inv, struct casg_err *err);

/*
 * Add the records that the storage lists and 'inv' lacks.
 * CASG_EUNSUPPORTED: the storage cannot be listed.
 */
int casg_remoteinv_complete(struct casg_remote *r, struct casg_inventory *inv,
			    struct casg_err *err);

/* Store a record: its text, which was encoded. */
int casg_remoteinv_put(struct casg_remote *r, const struct casg_oid *id,
		       const struct casg_buf *text, struct casg_err *err);

/*
 * Write the summary of all records that the storage lists, as often as it
 * takes; what 'inv' has already is not read again.  Where the storage cannot
 * be listed: of those in its summary and of 'own' (the id of a record of
 * 'inv', or NULL).  *count_out: how many records.
 */
int casg_remoteinv_write(struct casg_remote *r, const struct casg_invcache *c,
			 const struct casg_inventory *inv, const struct casg_oid *own,
			 size_t *count_out, struct casg_err *err);

#endif
