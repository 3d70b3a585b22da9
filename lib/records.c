#include "records.h"

#include <stdlib.h>

#include "endian.h"
#include "extsort.h"
#include "objects.h"
#include "treer.h"

struct casg_records {
	struct casg_store *s;
	struct casg_coder *c;
	struct casg_treer *tree;      /* the file is in key order: read directly */
	struct casg_extsort *sorted;  /* else by position */
	struct casg_presr *pres;
	struct casg_facts facts;
	uint64_t count, position;
};

/*
 * Where in the file each rank stands, asked for in the order of the ranks:
 * an array while that is small, else sorted externally.
 */
struct inverse {
	uint32_t *at;
	struct casg_extsort *sort;
	int identity;
	uint64_t next, count;
};

static int inverse_put(struct inverse *v, uint64_t rank, uint64_t position,
		       struct casg_err *err)
{
	uint8_t item[16];

	if (rank != position)
		v->identity = 0;
	if (v->at) {
		if (v->at[rank] != UINT32_MAX)
			return casg_err_set(err, CASG_ECORRUPT,
					    "corrupt order object: a rank comes twice");
		v->at[rank] = (uint32_t)position;
		return 0;
	}
	casg_put_be64(item, rank);
	casg_put_be64(item + 8, position);
	return casg_extsort_add(v->sort, item, sizeof(item), err);
}

static int inverse_next(struct inverse *v, uint64_t *position, struct casg_err *err)
{
	const uint8_t *item;
	size_t n;
	int rc;

	if (v->at) {
		if (v->next == v->count)
			return casg_err_set(err, CASG_ECORRUPT,
					    "the tree holds other records than the version counts");
		*position = v->at[v->next++];
		return 0;
	}
	rc = casg_extsort_next(v->sort, &item, &n, err);
	if (rc <= 0 || casg_get_be64(item) != v->next++)
		return rc < 0 ? rc : casg_err_set(err, CASG_ECORRUPT,
						  "corrupt order object: a rank comes twice");
	*position = casg_get_be64(item + 8);
	return 0;
}

static int read_order(struct casg_records *r, struct casg_workers *pool,
		      const char *tmp_dir, const struct casg_roots *roots,
		      uint64_t memory, struct inverse *v, struct casg_err *err)
{
	struct casg_orderr *o = casg_orderr_open(r->s, r->c, &roots->order, r->count, err);
	uint64_t rank, position = 0;
	int rc = o ? 0 : CASG_ECORRUPT;

	v->identity = 1;
	v->count = r->count;
	if (!rc && r->count * sizeof(*v->at) <= memory) {
		v->at = malloc((size_t)r->count * sizeof(*v->at) + 1);
		if (v->at)
			memset(v->at, 0xff, (size_t)r->count * sizeof(*v->at));
		else
			rc = casg_err_nomem(err);
	} else if (!rc) {
		v->sort = casg_extsort_new(tmp_dir, (size_t)memory, pool, err);
		rc = v->sort ? 0 : CASG_ENOMEM;
	}
	while (!rc && (rc = casg_orderr_next(o, &rank, err)) > 0)
		rc = inverse_put(v, rank, position++, err);
	if (!rc && v->sort)
		rc = casg_extsort_finish(v->sort, err);
	casg_orderr_free(o);
	return rc;
}

/* Position (be64), pack, chunk, member, key length (be32), key, description. */
static int sort_records(struct casg_records *r, struct inverse *v, struct casg_err *err)
{
	struct casg_buf item = CASG_BUF_INIT;
	struct casg_entry e;
	struct casg_loc loc;
	uint64_t position = 0;
	int rc;

	while ((rc = casg_treer_next(r->tree, &e, &loc, err)) > 0) {
		uint8_t head[24];

		rc = inverse_next(v, &position, err);
		if (rc)
			break;
		casg_put_be64(head, position);
		casg_put_be32(head + 8, loc.pack);
		casg_put_be32(head + 12, loc.chunk);
		casg_put_be32(head + 16, loc.member);
		casg_put_be32(head + 20, (uint32_t)e.klen);
		casg_buf_reset(&item);
		casg_buf_add(&item, head, sizeof(head));
		casg_buf_add(&item, e.key, e.klen);
		casg_buf_add(&item, e.desc, (size_t)e.dlen);
		rc = casg_buf_check(&item, err);
		if (!rc)
			rc = casg_extsort_add(r->sorted, item.data, item.len, err);
		if (rc)
			break;
	}
	casg_buf_release(&item);
	return rc ? rc : casg_extsort_finish(r->sorted, err);
}

static int open_all(struct casg_records *r, struct casg_workers *pool,
		    const char *tmp_dir, const struct casg_roots *roots,
		    uint64_t memory, struct casg_err *err)
{
	struct inverse v = { 0 };
	int rc;

	r->tree = casg_treer_open(r->s, r->c, &roots->records, err);
	if (!r->tree)
		return CASG_ECORRUPT;
	if (casg_treer_count(r->tree) != r->count)
		return casg_err_set(err, CASG_ECORRUPT,
				    "the tree holds other records than the version counts");
	r->pres = casg_presr_open(r->s, r->c, &roots->presentation, &r->facts, err);
	if (!r->pres)
		return CASG_ECORRUPT;
	rc = read_order(r, pool, tmp_dir, roots, memory / 2, &v, err);
	if (!rc && !v.identity) {
		r->sorted = casg_extsort_new(tmp_dir, (size_t)(memory / 2), pool, err);
		rc = r->sorted ? sort_records(r, &v, err) : CASG_ENOMEM;
		casg_treer_free(r->tree);
		r->tree = NULL;
	}
	free(v.at);
	casg_extsort_free(v.sort);
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
	const uint8_t *item;
	size_t n;
	int rc = casg_extsort_next(r->sorted, &item, &n, err);

	if (rc <= 0)
		return rc;
	if (casg_get_be64(item) != r->position)
		return casg_err_set(err, CASG_ECORRUPT,
				    "corrupt order object: a position is missing");
	out->loc.pack = casg_get_be32(item + 8);
	out->loc.chunk = casg_get_be32(item + 12);
	out->loc.member = casg_get_be32(item + 16);
	out->klen = casg_get_be32(item + 20);
	out->key = (const char *)item + 24;
	out->desc = out->key + out->klen;
	out->dlen = n - 24 - out->klen;
	return 1;
}

int casg_records_next(struct casg_records *r, struct casg_record *out,
		      struct casg_err *err)
{
	int rc;

	if (r->tree) {
		struct casg_entry e;

		rc = casg_treer_next(r->tree, &e, &out->loc, err);
		if (rc > 0) {
			out->key = e.key;
			out->klen = e.klen;
			out->desc = e.desc;
			out->dlen = (size_t)e.dlen;
		}
	} else {
		rc = next_sorted(r, out, err);
	}
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
	casg_extsort_free(r->sorted);
	casg_presr_free(r->pres);
	casg_facts_release(&r->facts);
	free(r);
}
