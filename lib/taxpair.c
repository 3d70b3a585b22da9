#include "taxpair.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "treediff.h"

struct casg_taxpairs {
	struct casg_treediff *d;
	struct casg_buf text_a, text_b;
};

struct casg_taxpairs *casg_taxpairs_open(struct casg_store *s, struct casg_coder *c,
					 const struct casg_oid *root_a,
					 const struct casg_oid *root_b, struct casg_err *err)
{
	struct casg_taxpairs *p = calloc(1, sizeof(*p));

	if (!p) {
		casg_err_nomem(err);
		return NULL;
	}
	p->d = casg_treediff_open(s, c, root_a, root_b, err);
	if (!p->d) {
		free(p);
		return NULL;
	}
	return p;
}

void casg_taxpairs_free(struct casg_taxpairs *p)
{
	if (!p)
		return;
	casg_treediff_free(p->d);
	casg_buf_release(&p->text_a);
	casg_buf_release(&p->text_b);
	free(p);
}

uint64_t casg_taxpairs_nodes_read(const struct casg_taxpairs *p)
{
	return casg_treediff_nodes_read(p->d);
}

static int take_side(struct casg_taxpair_side *out, const struct casg_entry *e,
		     const char *desc, struct casg_err *err)
{
	static const enum casg_taxstate states[] = {
		[CASG_TAXREC_NODE] = CASG_TAXSTATE_NODE,
		[CASG_TAXREC_MERGED] = CASG_TAXSTATE_MERGED,
		[CASG_TAXREC_DELETED] = CASG_TAXSTATE_DELETED,
	};
	int rc;

	if (!e) {
		memset(out, 0, sizeof(*out));
		return 0;
	}
	if (e->occurrence)
		return casg_err_set(err, CASG_ECORRUPT, "the taxonomy holds '%.*s' twice",
				    (int)(e->klen < 80 ? e->klen : 80), e->key);
	rc = casg_taxrec_decode(&out->rec, desc, e->dlen, err);
	if (rc)
		return casg_err_prefix(err, "taxon '%.*s'", (int)(e->klen < 80 ? e->klen : 80),
				       e->key);
	out->state = states[out->rec.kind];
	return 0;
}

int casg_taxpairs_next(struct casg_taxpairs *p, struct casg_taxpair *out,
		       struct casg_err *err)
{
	const char *da = NULL, *db = NULL;
	struct casg_diffpair d;
	int rc;

	while ((rc = casg_treediff_next_places(p->d, &d, err)) > 0) {
		const struct casg_entry *a = d.a.e, *b = d.b.e;

		if ((a && (rc = casg_treediff_desc(p->d, a, &p->text_a, &da, err))) ||
		    (b && (rc = casg_treediff_desc(p->d, b, &p->text_b, &db, err))))
			return rc;
		/* nothing differs but where the empty sequence lies */
		if (a && b && a->dlen == b->dlen && !memcmp(da, db, a->dlen))
			continue;
		out->key = a ? a->key : b->key;
		out->klen = a ? a->klen : b->klen;
		if ((rc = take_side(&out->a, a, da, err)) || (rc = take_side(&out->b, b, db, err)))
			return rc;
		return 1;
	}
	return rc;
}
