#include "memberjoin.h"

#include <stdlib.h>
#include <string.h>

#include "endian.h"
#include "extsort.h"
#include "locinfo.h"
#include "members.h"

enum {
	/* what an item begins with, and of which kind it is, the first kind first */
	HEAD = CASG_OID_RAWSZ + 1,
	PAIR = 0, RECORD = 1,          /* by sequence */
	STANDS = 0, MEMBER = 1,        /* by sequence of the representative */
	EDITS_SZ = 9,                  /* edits, strand */
	PAIR_SZ = HEAD + CASG_OID_RAWSZ + EDITS_SZ,
	RECORD_SZ = HEAD + 16,         /* rank, residues */
	MEMBER_SZ = HEAD + 8 + EDITS_SZ,
	RANK_SZ = 16 + EDITS_SZ        /* by rank: rank, representative */
};

struct casg_memberjoin {
	struct casg_memberjoin_opts o;
	struct casg_extsort *by_sequence, *by_representative, *by_rank;
	struct casg_memberjoin_result *out;
	uint64_t nrecords;
};

static struct casg_extsort *sorter(const struct casg_memberjoin *j, struct casg_err *err)
{
	return casg_extsort_new(j->o.tmp_dir, (size_t)(j->o.memory_nbytes / 3), j->o.pool, err);
}

struct casg_memberjoin *casg_memberjoin_new(const struct casg_memberjoin_opts *o,
					    struct casg_err *err)
{
	struct casg_memberjoin *j = calloc(1, sizeof(*j));

	if (!j) {
		casg_err_nomem(err);
		return NULL;
	}
	j->o = *o;
	j->by_sequence = sorter(j, err);
	j->by_representative = j->by_sequence ? sorter(j, err) : NULL;
	j->by_rank = j->by_representative ? sorter(j, err) : NULL;
	if (j->by_rank)
		return j;
	casg_memberjoin_free(j);
	return NULL;
}

void casg_memberjoin_free(struct casg_memberjoin *j)
{
	if (!j)
		return;
	casg_extsort_free(j->by_sequence);
	casg_extsort_free(j->by_representative);
	casg_extsort_free(j->by_rank);
	free(j);
}

static void put_edits(uint8_t *p, uint64_t edits, int reverse)
{
	casg_put_be64(p, edits);
	p[8] = (uint8_t)(reverse != 0);
}

int casg_memberjoin_add(struct casg_memberjoin *j, const struct casg_cluster_pair *p,
			struct casg_err *err)
{
	uint8_t item[PAIR_SZ];

	memcpy(item, p->member.b, CASG_OID_RAWSZ);
	item[HEAD - 1] = PAIR;
	memcpy(item + HEAD, p->representative.b, CASG_OID_RAWSZ);
	put_edits(item + HEAD + CASG_OID_RAWSZ, p->edits, p->reverse);
	return casg_extsort_add(j->by_sequence, item, sizeof(item), err);
}

static int bad(struct casg_err *err, const uint8_t *id, const char *what)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_oid oid;

	memcpy(oid.b, id, CASG_OID_RAWSZ);
	return casg_err_set(err, CASG_ECORRUPT, "sequence %s: %s", casg_oid_hex(&oid, hex), what);
}

/* ---- the records --------------------------------------------------------- */

static int add_record(void *ctx, const struct casg_objinfo *info, struct casg_err *err)
{
	struct casg_memberjoin *j = ctx;
	uint8_t item[RECORD_SZ];

	memcpy(item, info->id.b, CASG_OID_RAWSZ);
	item[HEAD - 1] = RECORD;
	casg_put_be64(item + HEAD, j->nrecords++);
	casg_put_be64(item + HEAD + 8, info->nbytes);
	j->out->nresidues += info->nbytes;
	return casg_extsort_add(j->by_sequence, item, sizeof(item), err);
}

/* ---- the joins ----------------------------------------------------------- */

static int add_member(struct casg_memberjoin *j, const uint8_t *representative, int kind,
		      uint64_t rank, const uint8_t *edits, struct casg_err *err)
{
	uint8_t item[MEMBER_SZ];

	memcpy(item, representative, CASG_OID_RAWSZ);
	item[HEAD - 1] = (uint8_t)kind;
	casg_put_be64(item + HEAD, rank);
	memcpy(item + HEAD + 8, edits, EDITS_SZ);
	return casg_extsort_add(j->by_representative, item, sizeof(item), err);
}

/* More edits than the identity allows, or any to itself. */
static int is_too_far(const struct casg_memberjoin *j, const uint8_t *pair, uint64_t nresidues)
{
	uint64_t edits = casg_get_be64(pair + HEAD + CASG_OID_RAWSZ);

	if (!memcmp(pair, pair + HEAD, CASG_OID_RAWSZ))
		return edits || pair[PAIR_SZ - 1];
	return edits > casg_cluster_edits(nresidues, j->o.identity);
}

/* A sequence's pair, then the records that have it, by rank. */
static int join_sequences(struct casg_memberjoin *j, struct casg_err *err)
{
	uint8_t pair[PAIR_SZ] = { 0 };
	const uint8_t *item;
	uint64_t nrecords = 1;  /* of the pair */
	size_t n;
	int any = 0, rc;

	while ((rc = casg_extsort_next(j->by_sequence, &item, &n, err)) > 0) {
		int same = any && !memcmp(pair, item, CASG_OID_RAWSZ), stands;

		if (item[HEAD - 1] == PAIR) {
			if (same)
				return bad(err, item, "more than one line says what stands for it");
			if (!nrecords)
				return bad(err, pair, "no record of the version has it");
			memcpy(pair, item, sizeof(pair));
			any = 1;
			nrecords = 0;
			continue;
		}
		if (!same)
			return bad(err, item, "no line says what stands for it");
		if (is_too_far(j, pair, casg_get_be64(item + HEAD + 8)))
			return bad(err, item, "it is not so like what stands for it");
		stands = !nrecords++ && !memcmp(pair, pair + HEAD, CASG_OID_RAWSZ);
		if (stands) {
			j->out->nrepresentatives++;
			j->out->kept += casg_get_be64(item + HEAD + 8);
		}
		rc = add_member(j, pair + HEAD, stands ? STANDS : MEMBER, casg_get_be64(item + HEAD),
				pair + HEAD + CASG_OID_RAWSZ, err);
		if (rc)
			return rc;
	}
	if (!rc && !nrecords)
		return bad(err, pair, "no record of the version has it");
	return rc ? rc : casg_extsort_finish(j->by_representative, err);
}

/* The record that stands, then those that it stands for. */
static int join_representatives(struct casg_memberjoin *j, struct casg_err *err)
{
	uint8_t head[HEAD + 8] = { 0 };
	const uint8_t *item;
	size_t n;
	int any = 0, rc;

	while ((rc = casg_extsort_next(j->by_representative, &item, &n, err)) > 0) {
		uint8_t out[RANK_SZ];

		if (item[HEAD - 1] == STANDS) {
			memcpy(head, item, sizeof(head));
			any = 1;
		} else if (!any || memcmp(head, item, CASG_OID_RAWSZ)) {
			return bad(err, item, "it stands for others, but not for itself");
		}
		memcpy(out, item + HEAD, 8);
		memcpy(out + 8, head + HEAD, 8);
		memcpy(out + 16, item + HEAD + 8, EDITS_SZ);
		rc = casg_extsort_add(j->by_rank, out, sizeof(out), err);
		if (rc)
			return rc;
	}
	return rc ? rc : casg_extsort_finish(j->by_rank, err);
}

static int write_map(struct casg_memberjoin *j, struct casg_err *err)
{
	struct casg_membersw *w = casg_membersw_new(j->o.roots->count, j->o.tmp_dir, err);
	const uint8_t *item;
	size_t n;
	int rc = w ? 0 : CASG_ENOMEM;

	while (!rc && (rc = casg_extsort_next(j->by_rank, &item, &n, err)) > 0) {
		const struct casg_member m = {
			.representative = casg_get_be64(item + 8),
			.edits = casg_get_be64(item + 16), .reverse = item[24]
		};

		rc = casg_membersw_add(w, &m, err);
	}
	if (!rc)
		rc = casg_membersw_finish(w, j->o.packw, j->o.store,
					  j->o.coders[casg_workers_count(j->o.pool) - 1], j->o.level,
					  &j->out->members, err);
	casg_membersw_free(w);
	return rc;
}

int casg_memberjoin_finish(struct casg_memberjoin *j, struct casg_memberjoin_result *out,
			   struct casg_err *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	j->out = out;
	rc = casg_locinfo_tree(j->o.store, j->o.pool, j->o.coders, &j->o.roots->records,
			       j->o.roots->count, add_record, j, err);
	if (!rc)
		rc = casg_extsort_finish(j->by_sequence, err);
	if (!rc)
		rc = join_sequences(j, err);
	if (!rc)
		rc = join_representatives(j, err);
	if (!rc)
		rc = write_map(j, err);
	return rc;
}
