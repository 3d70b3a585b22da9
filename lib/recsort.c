#include "recsort.h"

#include <stdlib.h>

#include "endian.h"
#include "extsort.h"

/* Of an item: position (be64), pack, chunk, member, key length (be32); key, description. */
enum { HEADSZ = 24 };

struct casg_recsort {
	struct casg_extsort *sort;
	struct casg_buf item;
};

struct casg_recsort *casg_recsort_new(const char *tmp_dir, uint64_t memory_nbytes,
				      struct casg_workers *pool, struct casg_err *err)
{
	struct casg_recsort *s = calloc(1, sizeof(*s));

	if (!s) {
		casg_err_nomem(err);
		return NULL;
	}
	s->sort = casg_extsort_new(tmp_dir, (size_t)memory_nbytes, pool, err);
	if (!s->sort) {
		free(s);
		return NULL;
	}
	return s;
}

void casg_recsort_free(struct casg_recsort *s)
{
	if (!s)
		return;
	casg_extsort_free(s->sort);
	casg_buf_release(&s->item);
	free(s);
}

int casg_recsort_add(struct casg_recsort *s, uint64_t position, const struct casg_record *r,
		     struct casg_err *err)
{
	uint8_t head[HEADSZ];
	int rc;

	casg_put_be64(head, position);
	casg_put_be32(head + 8, r->loc.pack);
	casg_put_be32(head + 12, r->loc.chunk);
	casg_put_be32(head + 16, r->loc.member);
	casg_put_be32(head + 20, (uint32_t)r->klen);
	casg_buf_reset(&s->item);
	casg_buf_add(&s->item, head, sizeof(head));
	casg_buf_add(&s->item, r->key, r->klen);
	casg_buf_add(&s->item, r->desc, r->dlen);
	rc = casg_buf_check(&s->item, err);
	return rc ? rc : casg_extsort_add(s->sort, s->item.data, s->item.len, err);
}

int casg_recsort_finish(struct casg_recsort *s, struct casg_err *err)
{
	return casg_extsort_finish(s->sort, err);
}

int casg_recsort_next(struct casg_recsort *s, uint64_t *position_out,
		      struct casg_record *out, struct casg_err *err)
{
	const uint8_t *item;
	size_t n;
	int rc = casg_extsort_next(s->sort, &item, &n, err);

	if (rc <= 0)
		return rc;
	*position_out = casg_get_be64(item);
	out->loc.pack = casg_get_be32(item + 8);
	out->loc.chunk = casg_get_be32(item + 12);
	out->loc.member = casg_get_be32(item + 16);
	out->klen = casg_get_be32(item + 20);
	out->key = (const char *)item + HEADSZ;
	out->desc = out->key + out->klen;
	out->dlen = n - HEADSZ - out->klen;
	return 1;
}
