#include "lookup.h"

#include <stdlib.h>

#include "accession.h"
#include "array.h"
#include "buf.h"

int casg_lookup_key(struct casg_treer *t, const char *key, size_t n,
		    casg_lookup_fn *fn, void *ctx, struct casg_err *err)
{
	struct casg_entry e;
	struct casg_loc loc;
	int found = 0;
	int rc = casg_treer_seek(t, key, n, err);

	while (!rc && (rc = casg_treer_next(t, &e, &loc, err)) > 0) {
		if (e.klen != n || memcmp(e.key, key, n))
			return found;
		rc = fn(ctx, &e, &loc, err);
		found = 1;
	}
	return rc < 0 ? rc : found;
}

/* Keys that are the prefix, alone or with a '|' behind it. */
static int lookup_part(struct casg_treer *t, const char *prefix, size_t n,
		       casg_lookup_fn *fn, void *ctx, struct casg_err *err)
{
	struct casg_entry e;
	struct casg_loc loc;
	int found = 0;
	int rc = casg_treer_seek(t, prefix, n, err);

	while (!rc && (rc = casg_treer_next(t, &e, &loc, err)) > 0) {
		rc = 0;
		if (e.klen < n || memcmp(e.key, prefix, n))
			return found;
		if (e.klen > n && e.key[n] != '|') {
			/* P12345.2 or P123456 lies between */
			if ((unsigned char)e.key[n] > '|')
				return found;
			continue;
		}
		rc = fn(ctx, &e, &loc, err);
		found = 1;
	}
	return rc < 0 ? rc : found;
}

int casg_lookup_accession(struct casg_treer *t, const char *acc, size_t n,
			  casg_lookup_fn *fn, void *ctx, struct casg_err *err)
{
	struct casg_buf prefix = CASG_BUF_INIT;
	int found = 0, rc = 0;

	if (!n || memchr(acc, '|', n))
		return 0;
	for (size_t i = 0; casg_accession_tag(i) && rc >= 0; i++) {
		casg_buf_reset(&prefix);
		casg_buf_addf(&prefix, "%s|", casg_accession_tag(i));
		casg_buf_add(&prefix, acc, n);
		rc = casg_buf_check(&prefix, err);
		if (!rc)
			rc = lookup_part(t, (const char *)prefix.data, prefix.len, fn, ctx, err);
		found |= rc > 0;
	}
	casg_buf_release(&prefix);
	return rc < 0 ? rc : found;
}

/* ---- by sequence ------------------------------------------------------- */

enum { PLACES_MAX = 64 };

struct place {
	struct casg_loc loc;
	size_t which;
};

static int cmp_place(const void *a, const void *b)
{
	const struct casg_loc *x = &((const struct place *)a)->loc;
	const struct casg_loc *y = &((const struct place *)b)->loc;

	if (x->pack != y->pack)
		return x->pack < y->pack ? -1 : 1;
	if (x->chunk != y->chunk)
		return x->chunk < y->chunk ? -1 : 1;
	return x->member < y->member ? -1 : x->member > y->member;
}

/* Wherever in the packs the sequences lie, sorted; n_out places. */
static int find_places(struct casg_store *s, struct casg_coder *c,
		       const struct casg_oid *ids, size_t nids, struct place **out,
		       size_t *n_out, struct casg_err *err)
{
	struct casg_loc locs[PLACES_MAX];
	size_t cap = 0;

	for (size_t i = 0; i < nids; i++) {
		int n = casg_store_find_all(s, c, &ids[i], locs, PLACES_MAX, err);

		if (n < 0)
			return n;
		if (CASG_GROW(*out, *n_out + (size_t)n, cap))
			return casg_err_nomem(err);
		while (n--)
			(*out)[(*n_out)++] = (struct place){ locs[n], i };
	}
	if (*n_out)
		qsort(*out, *n_out, sizeof(**out), cmp_place);
	return 0;
}

int casg_lookup_sequences(struct casg_store *s, struct casg_coder *c, struct casg_treer *t,
			  const struct casg_oid *ids, size_t nids,
			  casg_lookup_seq_fn *fn, void *ctx, struct casg_err *err)
{
	struct place *places = NULL, at = { .which = 0 };
	const struct place *hit;
	struct casg_entry e;
	size_t n = 0;
	int found = 0, rc = find_places(s, c, ids, nids, &places, &n, err);

	if (!rc && n)
		rc = casg_treer_seek(t, "", 0, err);
	while (!rc && n && (rc = casg_treer_next(t, &e, &at.loc, err)) > 0) {
		rc = 0;
		hit = bsearch(&at, places, n, sizeof(*places), cmp_place);
		if (!hit)
			continue;
		rc = fn(ctx, hit->which, &e, &at.loc, err);
		found = 1;
	}
	free(places);
	return rc < 0 ? rc : found;
}
