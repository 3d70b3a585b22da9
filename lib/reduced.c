#include "reduced.h"

#include <stdlib.h>

#include "endian.h"
#include "extsort.h"
#include "positions.h"

enum { ITEM_SZ = 8 + 8 + 8 + 8 + 1 }; /* position, rank, representative, edits, strand */

struct casg_reduced {
	struct casg_records *records;
	struct casg_membersr *members; /* the file is in the order of the tree; or NULL: */
	struct casg_extsort *sorted;
	uint64_t n;
};

static int sort_members(struct casg_reduced *r, struct casg_positions *p, struct casg_err *err)
{
	struct casg_member m;
	uint64_t rank = 0;
	int rc;

	while ((rc = casg_membersr_next(r->members, &m, err)) > 0) {
		uint8_t item[ITEM_SZ];
		uint64_t position;

		rc = casg_positions_next(p, &position, err);
		if (rc)
			return rc;
		casg_put_be64(item, position);
		casg_put_be64(item + 8, rank++);
		casg_put_be64(item + 16, m.representative);
		casg_put_be64(item + 24, m.edits);
		item[32] = (uint8_t)m.reverse;
		rc = casg_extsort_add(r->sorted, item, sizeof(item), err);
		if (rc)
			return rc;
	}
	return rc ? rc : casg_extsort_finish(r->sorted, err);
}

struct casg_reduced *casg_reduced_open(struct casg_store *s, struct casg_coder *c,
				       struct casg_workers *pool, const char *tmp_dir,
				       const struct casg_roots *roots,
				       const struct casg_oid *members, uint64_t memory_nbytes,
				       struct casg_err *err)
{
	struct casg_reduced *r = calloc(1, sizeof(*r));
	struct casg_positions *p = NULL;
	int rc = r ? 0 : casg_err_nomem(err);

	if (!rc) {
		r->records = casg_records_open(s, c, pool, tmp_dir, roots, memory_nbytes / 2, err);
		rc = r->records ? 0 : CASG_ECORRUPT;
	}
	if (!rc) {
		r->members = casg_membersr_open(s, c, members, roots->count, err);
		rc = r->members ? 0 : CASG_ECORRUPT;
	}
	if (!rc) {
		p = casg_positions_open(s, c, pool, tmp_dir, &roots->order, roots->count,
					memory_nbytes / 4, err);
		rc = p ? 0 : CASG_ECORRUPT;
	}
	if (!rc && !casg_positions_identity(p)) {
		r->sorted = casg_extsort_new(tmp_dir, (size_t)(memory_nbytes / 4), pool, err);
		rc = r->sorted ? sort_members(r, p, err) : CASG_ENOMEM;
		casg_membersr_free(r->members);
		r->members = NULL;
	}
	casg_positions_free(p);
	if (!rc)
		return r;
	casg_reduced_free(r);
	return NULL;
}

const struct casg_facts *casg_reduced_facts(const struct casg_reduced *r)
{
	return casg_records_facts(r->records);
}

static int next_member(struct casg_reduced *r, struct casg_reduced_record *out,
		       struct casg_err *err)
{
	const uint8_t *item;
	size_t n;
	int rc;

	if (r->members) {
		out->rank = r->n;
		return casg_membersr_next(r->members, &out->member, err);
	}
	rc = casg_extsort_next(r->sorted, &item, &n, err);
	if (rc <= 0)
		return rc;
	out->rank = casg_get_be64(item + 8);
	out->member.representative = casg_get_be64(item + 16);
	out->member.edits = casg_get_be64(item + 24);
	out->member.reverse = item[32];
	return 1;
}

int casg_reduced_next(struct casg_reduced *r, struct casg_reduced_record *out,
		      struct casg_err *err)
{
	int rc = casg_records_next(r->records, &out->record, err), more;

	if (rc < 0)
		return rc;
	/* at the end as well: what it has to say then is whether all was in order */
	more = next_member(r, out, err);
	if (more < 0)
		return more;
	if (more != rc)
		return casg_err_set(err, CASG_ECORRUPT, "the profile is of other records");
	r->n++;
	return rc;
}

void casg_reduced_free(struct casg_reduced *r)
{
	if (!r)
		return;
	casg_records_free(r->records);
	casg_membersr_free(r->members);
	casg_extsort_free(r->sorted);
	free(r);
}
