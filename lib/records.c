#include "records.h"

#include <stdlib.h>

#include "objects.h"
#include "positions.h"
#include "recsort.h"
#include "treer.h"

struct casg_records {
	struct casg_store *s;
	struct casg_coder *c;
	struct casg_treer *tree;      /* the file is in key order: read directly */
	struct casg_recsort *sorted;  /* else by position */
	struct casg_presr *pres;
	struct casg_facts facts;
	uint64_t count, position;
};

static int next_in_tree(struct casg_records *r, struct casg_record *out,
			struct casg_err *err)
{
	struct casg_entry e;
	int rc = casg_treer_next(r->tree, &e, &out->loc, err);

	if (rc <= 0)
		return rc;
	out->key = e.key;
	out->klen = e.klen;
	out->desc = e.desc;
	out->dlen = (size_t)e.dlen;
	return 1;
}

static int sort_records(struct casg_records *r, struct casg_positions *p,
			struct casg_err *err)
{
	struct casg_record q;
	uint64_t position;
	int rc;

	while ((rc = next_in_tree(r, &q, err)) > 0) {
		rc = casg_positions_next(p, &position, err);
		if (!rc)
			rc = casg_recsort_add(r->sorted, position, &q, err);
		if (rc)
			return rc;
	}
	return rc ? rc : casg_recsort_finish(r->sorted, err);
}

static int open_all(struct casg_records *r, struct casg_workers *pool,
		    const char *tmp_dir, const struct casg_roots *roots,
		    uint64_t memory, struct casg_err *err)
{
	struct casg_positions *p;
	int rc = 0;

	r->tree = casg_treer_open(r->s, r->c, &roots->records, err);
	if (!r->tree)
		return CASG_ECORRUPT;
	if (casg_treer_count(r->tree) != r->count)
		return casg_err_set(err, CASG_ECORRUPT,
				    "the tree holds other records than the version counts");
	r->pres = casg_presr_open(r->s, r->c, &roots->presentation, &r->facts, err);
	if (!r->pres)
		return CASG_ECORRUPT;
	p = casg_positions_open(r->s, r->c, pool, tmp_dir, &roots->order, r->count, memory / 2,
				err);
	if (!p)
		return CASG_ECORRUPT;
	if (!casg_positions_identity(p)) {
		r->sorted = casg_recsort_new(tmp_dir, memory / 2, pool, err);
		rc = r->sorted ? sort_records(r, p, err) : CASG_ENOMEM;
		casg_treer_free(r->tree);
		r->tree = NULL;
	}
	casg_positions_free(p);
	return rc;
}

struct casg_records *casg_records_open(struct casg_store *s, struct casg_coder *c,
				       struct casg_workers *pool, const char *tmp_dir,
				       const struct casg_roots *roots,
				       uint64_t memory_nbytes, struct casg_err *err)
{
	struct casg_records *r = calloc(1, sizeof(*r));

	if (!r) {
		casg_err_nomem(err);
		return NULL;
	}
	casg_facts_init(&r->facts);
	r->s = s;
	r->c = c;
	r->count = roots->count;
	if (open_all(r, pool, tmp_dir, roots, memory_nbytes, err)) {
		casg_records_free(r);
		return NULL;
	}
	return r;
}

const struct casg_facts *casg_records_facts(const struct casg_records *r)
{
	return &r->facts;
}

static int next_sorted(struct casg_records *r, struct casg_record *out,
		       struct casg_err *err)
{
	uint64_t position;
	int rc = casg_recsort_next(r->sorted, &position, out, err);

	if (rc > 0 && position != r->position)
		return casg_err_set(err, CASG_ECORRUPT,
				    "corrupt order object: a position is missing");
	return rc;
}

int casg_records_next(struct casg_records *r, struct casg_record *out,
		      struct casg_err *err)
{
	int rc = r->tree ? next_in_tree(r, out, err) : next_sorted(r, out, err);

	if (!rc)
		return casg_presr_finish(r->pres, err);
	if (rc < 0)
		return rc;
	rc = casg_presr_at(r->pres, r->position++, &out->pres, &out->plen, err);
	return rc ? rc : 1;
}

void casg_records_free(struct casg_records *r)
{
	if (!r)
		return;
	casg_treer_free(r->tree);
	casg_recsort_free(r->sorted);
	casg_presr_free(r->pres);
	casg_facts_release(&r->facts);
	free(r);
}
