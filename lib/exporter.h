/*
 * exporter - records in, FASTA text out, in order.
 *
 * Records are gathered in windows of bounded size; the chunks a window needs
 * are each fetched and verified once, in parallel, and the text of the window
 * is then written.  A long sequence passes through piece by piece.
 *
 * Threads: one caller, the owner of the pool.
 */
#ifndef CASG_EXPORTER_H
#define CASG_EXPORTER_H

#include <stdint.h>

#include "err.h"
#include "layout.h"
#include "records.h"
#include "store.h"
#include "workers.h"

/* Takes the text as it comes. */
typedef int casg_text_sink(void *ctx, const uint8_t *p, size_t n, struct casg_err *err);

struct casg_exporter;

struct casg_exporter *casg_exporter_new(struct casg_store *s, struct casg_workers *pool,
					struct casg_coder **coders,
					const struct casg_facts *facts,
					uint64_t window_nbytes, casg_text_sink *sink,
					void *sink_ctx, struct casg_err *err);
void casg_exporter_free(struct casg_exporter *x);

/* Other facts from the next record on. */
int casg_exporter_set_facts(struct casg_exporter *x, const struct casg_facts *facts,
			    struct casg_err *err);

/*
 * One record.  'pres' is in line form.  'want' (or NULL) is the id its
 * sequence must have, and nresidues its length: CASG_ECORRUPT otherwise.
 */
struct casg_export_record {
	const char *key;
	size_t klen;
	const char *desc;
	size_t dlen;
	const char *pres;
	size_t plen;
	struct casg_loc loc;
	const struct casg_oid *want;
	uint64_t nresidues;
};
int casg_exporter_add(struct casg_exporter *x, const struct casg_export_record *r,
		      struct casg_err *err);

/*
 * All records that are left in 'rs', in their order.  *nrecords_out counts
 * them while they come.
 */
int casg_exporter_add_all(struct casg_exporter *x, struct casg_records *rs,
			  uint64_t *nrecords_out, struct casg_err *err);

/* Write what is left, and the last line end. */
int casg_exporter_finish(struct casg_exporter *x, struct casg_err *err);

#endif
