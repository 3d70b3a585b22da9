/*
 * recside - a record of one version, in full, beside which another may stand.
 *
 * What a comparison of versions knows of a record, and its form as bytes in
 * the scratch files of a sort.
 */
#ifndef CASG_RECSIDE_H
#define CASG_RECSIDE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"
#include "store.h"
#include "stream.h"

/* Owns nothing. */
struct casg_recside {
	const char *key;
	size_t klen;
	uint32_t occurrence;
	struct casg_oid oid;    /* of the sequence */
	uint64_t length;        /* residues */
	const char *desc;
	size_t dlen;
	const char *pres;       /* line form */
	size_t plen;
	struct casg_loc loc;    /* of the sequence */
};

int casg_recside_same_desc(const struct casg_recside *a, const struct casg_recside *b);

/* As the record stream has it; 'taxon' is reset and holds the declared taxon. */
int casg_recside_rec(const struct casg_recside *s, struct casg_rec *out,
		     struct casg_buf *taxon, struct casg_err *err);

/* Append what sorts as (key, occurrence) do. */
void casg_recside_sortkey(const struct casg_recside *s, struct casg_buf *out);

/* Append; the inverse advances *p.  CASG_ECORRUPT when the bytes are not such. */
void casg_recside_encode(const struct casg_recside *s, struct casg_buf *out);
int casg_recside_decode(struct casg_recside *s, const uint8_t **p, const uint8_t *end,
			struct casg_err *err);

#endif
