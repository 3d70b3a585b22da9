#include "preslist.h"

#include <stdlib.h>

#include "endian.h"
#include "extsort.h"
#include "objects.h"
#include "treer.h"

struct casg_preslist {
	struct casg_store *s;
	struct casg_coder *c;
	struct casg_workers *pool;
	char *tmp_dir;
	struct casg_roots roots;
	uint64_t memory_nbytes;
	struct casg_facts facts;
	struct casg_presr *pr;     /* until the first is asked for */
	struct casg_extsort *sort; /* rank, position, presentation; NULL: none listed */
	struct casg_treer *tree;
	uint64_t next;             /* the rank the tree stands before */
	int placed;
};

/* Rank (be64), position (be64), presentation. */
static int add_item(struct casg_preslist *l, uint64_t rank, uint64_t position,
		    const char *pres, size_t plen, struct casg_buf *item,
		    struct casg_err *err)
{
	uint8_t head[16];
	int rc;

	casg_put_be64(head, rank);
	casg_put_be64(head + 8, position);
	casg_buf_reset(item);
	casg_buf_add(item, head, sizeof(head));
	casg_buf_add(item, pres, plen);
	rc = casg_buf_check(item, err);
	return rc ? rc : casg_extsort_add(l->sort, item->data, item->len, err);
}

static int read_listed(struct casg_preslist *l, struct casg_err *err)
{
	struct casg_orderr *o = casg_orderr_open(l->s, l->c, &l->roots.order, l->roots.count,
						 err);
	struct casg_buf item = CASG_BUF_INIT;
	uint64_t rank, position = 0;
	int rc = o ? 0 : CASG_ECORRUPT;

	while (!rc && casg_presr_more(l->pr)) {
		const char *pres;
		size_t plen;

		rc = casg_orderr_next(o, &rank, err);
		if (rc <= 0) {
			/* says that it tells of more records than there are */
			rc = rc ? rc : casg_presr_finish(l->pr, err);
			break;
		}
		rc = casg_presr_at(l->pr, position, &pres, &plen, err);
		if (!rc && (plen != 1 || *pres != '-'))
			rc = add_item(l, rank, position, pres, plen, &item, err);
		position++;
	}
	casg_buf_release(&item);
	casg_orderr_free(o);
	return rc;
}

/* What is listed, by rank; nothing more is opened when nothing is. */
static int sort_listed(struct casg_preslist *l, struct casg_err *err)
{
	int rc = 0;

	if (casg_presr_more(l->pr)) {
		l->sort = casg_extsort_new(l->tmp_dir, (size_t)l->memory_nbytes, l->pool, err);
		l->tree = l->sort ? casg_treer_open(l->s, l->c, &l->roots.records, err) : NULL;
		rc = l->tree ? 0 : CASG_ECORRUPT;
		if (!rc && casg_treer_count(l->tree) != l->roots.count)
			rc = casg_err_set(err, CASG_ECORRUPT,
					  "the tree holds other records than the version counts");
		if (!rc)
			rc = read_listed(l, err);
		if (!rc)
			rc = casg_extsort_finish(l->sort, err);
	}
	casg_presr_free(l->pr);
	l->pr = NULL;
	return rc;
}

struct casg_preslist *casg_preslist_open(struct casg_store *s, struct casg_coder *c,
					 struct casg_workers *pool, const char *tmp_dir,
					 const struct casg_roots *roots,
					 uint64_t memory_nbytes, struct casg_err *err)
{
	struct casg_preslist *l = calloc(1, sizeof(*l));

	if (l)
		l->tmp_dir = strdup(tmp_dir);
	if (!l || !l->tmp_dir) {
		free(l);
		casg_err_nomem(err);
		return NULL;
	}
	casg_facts_init(&l->facts);
	l->s = s;
	l->c = c;
	l->pool = pool;
	l->roots = *roots;
	l->memory_nbytes = memory_nbytes;
	l->pr = casg_presr_open(s, c, &roots->presentation, &l->facts, err);
	if (!l->pr) {
		casg_preslist_free(l);
		return NULL;
	}
	return l;
}

void casg_preslist_free(struct casg_preslist *l)
{
	if (!l)
		return;
	casg_presr_free(l->pr);
	casg_extsort_free(l->sort);
	casg_treer_free(l->tree);
	casg_facts_release(&l->facts);
	free(l->tmp_dir);
	free(l);
}

const struct casg_facts *casg_preslist_facts(const struct casg_preslist *l)
{
	return &l->facts;
}

/* The entry at a rank; ranks come in ascending order. */
static int entry_at(struct casg_preslist *l, uint64_t rank, struct casg_presitem *out,
		    struct casg_err *err)
{
	uint32_t pack;
	int rc = 0;

	if (l->placed && rank < l->next)
		return casg_err_set(err, CASG_ECORRUPT,
				    "corrupt order object: a rank comes twice");
	if (!l->placed || rank != l->next)
		rc = casg_treer_seek_rank(l->tree, rank, err);
	l->placed = 1;
	l->next = rank + 1;
	if (!rc)
		rc = casg_treer_next_raw(l->tree, &out->e, &pack, err);
	if (rc <= 0)
		return rc ? rc : casg_err_set(err, CASG_ECORRUPT,
					      "a tree has fewer records than it says");
	return casg_store_ref(l->s, l->c, pack, out->e.ref, &out->loc, err);
}

int casg_preslist_next(struct casg_preslist *l, struct casg_presitem *out,
		       struct casg_err *err)
{
	const uint8_t *item;
	size_t n;
	int rc = l->pr ? sort_listed(l, err) : 0;

	if (!rc && l->sort)
		rc = casg_extsort_next(l->sort, &item, &n, err);
	if (rc <= 0)
		return rc;
	out->rank = casg_get_be64(item);
	out->position = casg_get_be64(item + 8);
	out->pres = (const char *)item + 16;
	out->plen = n - 16;
	rc = entry_at(l, out->rank, out, err);
	return rc ? rc : 1;
}
