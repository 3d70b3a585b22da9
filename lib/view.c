#include "view.h"

#include "endian.h"

static void add_part(struct casg_hasher *h, const struct casg_oid *id)
{
	uint8_t length[4];

	casg_put_be32(length, CASG_OID_RAWSZ);
	casg_hasher_update(h, length, sizeof(length));
	casg_hasher_update(h, id->b, CASG_OID_RAWSZ);
}

int casg_view_id(const struct casg_oid *sequence, const struct casg_oid *taxonomy,
		 struct casg_oid *view_out, struct casg_err *err)
{
	static const char domain[] = "casg-view 1\n";
	struct casg_hasher *h = casg_hasher_new();

	if (!h)
		return casg_err_nomem(err);
	casg_hasher_init(h);
	casg_hasher_update(h, domain, sizeof(domain) - 1);
	add_part(h, sequence);
	add_part(h, taxonomy);
	casg_hasher_final(h, view_out);
	casg_hasher_free(h);
	return 0;
}
