#include "mapjoin.h"

#include <stdlib.h>
#include <string.h>

#include "accession.h"
#include "bloom.h"
#include "extsort.h"
#include "sum.h"
#include "taxrec.h"

/*
 * What is sorted first: an accession without version, NUL, the version with
 * its '.', NUL, what it is, and of a row the taxon in key form.  So all of one
 * accession comes together, its versions one after the other, and of each the
 * id of a record before the rows.
 *
 * What is sorted then: a key, NUL, a taxon.
 */
enum what {
	ID = 'i',               /* of a record */
	PLAIN = 'p',            /* a row: says nothing of other versions */
	ROW = 'r'               /* a row of accession2taxid */
};

/* Taxa, ascending, none twice; the ids somewhere in text. */
struct taxa {
	struct { size_t at, n; } v[CASG_TAXMAP_MAX];
	size_t n;
	int too_many;
	struct casg_buf text;
};

struct casg_mapjoin {
	int all;
	uint64_t nkept, half_nbytes;
	const char *tmp_dir;
	struct casg_workers *pool;
	struct casg_bloom ids;
	struct casg_extsort *first, *second;
	struct casg_buf item, taxon, key, desc;
	/* the accession and the version under way */
	struct casg_buf acc, version;
	int any, has_id, has_row, want_acc;
	struct taxa of_version, of_acc;
	/* the item of the second sort that was read ahead */
	int ahead;
	const uint8_t *next;
	size_t next_n;
};

struct casg_mapjoin *casg_mapjoin_new(const struct casg_mapjoin_opts *o,
				      struct casg_err *err)
{
	struct casg_mapjoin *j = calloc(1, sizeof(*j));

	if (!j) {
		casg_err_nomem(err);
		return NULL;
	}
	j->all = o->all;
	j->tmp_dir = o->tmp_dir;
	j->pool = o->pool;
	j->half_nbytes = o->memory_nbytes / 2;
	j->first = casg_extsort_new(o->tmp_dir, j->half_nbytes, o->pool, err);
	if (!j->first || (!o->all && casg_bloom_init(&j->ids, 2 * o->nids,
						     o->memory_nbytes / 4, err))) {
		casg_mapjoin_free(j);
		return NULL;
	}
	return j;
}

void casg_mapjoin_free(struct casg_mapjoin *j)
{
	if (!j)
		return;
	casg_bloom_release(&j->ids);
	casg_extsort_free(j->first);
	casg_extsort_free(j->second);
	casg_buf_release(&j->item);
	casg_buf_release(&j->taxon);
	casg_buf_release(&j->key);
	casg_buf_release(&j->desc);
	casg_buf_release(&j->acc);
	casg_buf_release(&j->version);
	casg_buf_release(&j->of_version.text);
	casg_buf_release(&j->of_acc.text);
	free(j);
}

/* ---- in ------------------------------------------------------------------ */

static int add_item(struct casg_mapjoin *j, const char *p, size_t n, size_t acc,
		    enum what what, const struct casg_buf *taxon, struct casg_err *err)
{
	struct casg_buf *b = &j->item;

	casg_buf_reset(b);
	casg_buf_add(b, p, acc);
	casg_buf_addch(b, 0);
	casg_buf_add(b, p + acc, n - acc);
	casg_buf_addch(b, 0);
	casg_buf_addch(b, what);
	if (taxon)
		casg_buf_add(b, taxon->data, taxon->len);
	return b->failed ? casg_err_nomem(err) : casg_extsort_add(j->first, b->data, b->len, err);
}

static int add_id(struct casg_mapjoin *j, const char *p, size_t n, struct casg_err *err)
{
	struct casg_accession forms[2] = { { p, n } };
	size_t nforms = 1 + (size_t)casg_accession_bare(p, n, &forms[1]);
	int rc = 0;

	for (size_t i = 0; i < nforms && !rc; i++) {
		size_t acc = casg_accession_unversioned(forms[i].p, forms[i].n);

		casg_bloom_add(&j->ids, casg_xxh64(0, forms[i].p, acc));
		rc = add_item(j, forms[i].p, forms[i].n, acc, ID, NULL, err);
	}
	return rc;
}

int casg_mapjoin_add_record(struct casg_mapjoin *j, const char *key, size_t klen,
			    const char *desc, size_t dlen, struct casg_err *err)
{
	struct casg_accession id;
	size_t at = 0;
	int rc = add_id(j, key, klen, err);

	while (!rc && casg_accession_next(desc, dlen, &at, &id))
		rc = add_id(j, id.p, id.n, err);
	return rc;
}

static int add_row(struct casg_mapjoin *j, const char *p, size_t n, enum what what,
		   const struct casg_maprow *row, struct casg_err *err)
{
	size_t acc = casg_accession_unversioned(p, n);
	int rc;

	if (!j->all && !casg_bloom_has(&j->ids, casg_xxh64(0, p, acc)))
		return 0;
	j->nkept++;
	casg_buf_reset(&j->taxon);
	rc = casg_taxid_to_key(&j->taxon, row->taxon, row->tlen, err);
	return rc ? rc : add_item(j, p, n, acc, what, &j->taxon, err);
}

int casg_mapjoin_add_row(struct casg_mapjoin *j, const struct casg_maprow *row,
			 struct casg_err *err)
{
	int rc = add_row(j, row->key, row->klen, row->accession ? ROW : PLAIN, row, err);

	if (rc || !row->accession ||
	    (row->alen == casg_accession_unversioned(row->key, row->klen) &&
	     !memcmp(row->accession, row->key, row->alen)))
		return rc;
	/* that of another than the version without its end */
	return add_row(j, row->accession, row->alen, ROW, row, err);
}

/* ---- the join ------------------------------------------------------------ */

static void taxa_reset(struct taxa *t)
{
	t->n = 0;
	t->too_many = 0;
	casg_buf_reset(&t->text);
}

static struct casg_taxstr taxa_get(const struct taxa *t, size_t i)
{
	return (struct casg_taxstr){ (const char *)t->text.data + t->v[i].at, t->v[i].n };
}

static int taxa_add(struct taxa *t, const char *p, size_t n, struct casg_err *err)
{
	struct casg_taxstr id = { p, n }, other;
	size_t i = t->n;
	int c = -1;

	for (; i; i--) {
		other = taxa_get(t, i - 1);
		c = casg_taxstr_cmp(&id, &other);
		if (c >= 0)
			break;
	}
	if (i && !c)
		return 0;
	if (t->n == CASG_TAXMAP_MAX) {
		t->too_many = 1;
		return 0;
	}
	memmove(&t->v[i + 1], &t->v[i], (t->n - i) * sizeof(*t->v));
	t->v[i].at = t->text.len;
	t->v[i].n = n;
	t->n++;
	casg_buf_add(&t->text, p, n);
	return casg_buf_check(&t->text, err);
}

static int too_many(const struct casg_buf *key, struct casg_err *err)
{
	return casg_err_set(err, CASG_ECORRUPT, "more than %d taxa are given for '%.*s'",
			    CASG_TAXMAP_MAX, (int)key->len, (const char *)key->data);
}

static int put(struct casg_mapjoin *j, const struct casg_buf *version, const struct taxa *t,
	       struct casg_err *err)
{
	size_t klen = j->acc.len + version->len;
	int rc = 0;

	casg_buf_reset(&j->item);
	casg_buf_add(&j->item, j->acc.data, j->acc.len);
	casg_buf_add(&j->item, version->data, version->len);
	if (t->too_many)
		return too_many(&j->item, err);
	casg_buf_addch(&j->item, 0);
	for (size_t i = 0; i < t->n && !rc; i++) {
		struct casg_taxstr id = taxa_get(t, i);

		j->item.len = klen + 1;
		casg_buf_add(&j->item, id.p, id.n);
		rc = casg_buf_check(&j->item, err);
		if (!rc)
			rc = casg_extsort_add(j->second, j->item.data, j->item.len, err);
	}
	return rc;
}

/* All of one version of an accession was seen. */
static int end_version(struct casg_mapjoin *j, struct casg_err *err)
{
	int rc = 0;

	if (!j->version.len)
		j->want_acc |= j->has_id;
	else if (j->has_row && (j->all || j->has_id))
		rc = put(j, &j->version, &j->of_version, err);
	else
		j->want_acc |= j->has_id;
	j->has_id = j->has_row = 0;
	taxa_reset(&j->of_version);
	return rc;
}

static int end_accession(struct casg_mapjoin *j, struct casg_err *err)
{
	const struct casg_buf none = CASG_BUF_INIT;
	int rc = j->all || j->want_acc ? put(j, &none, &j->of_acc, err) : 0;

	j->want_acc = 0;
	taxa_reset(&j->of_acc);
	return rc;
}

static int is(const struct casg_buf *b, const char *p, size_t n)
{
	return b->len == n && (!n || !memcmp(b->data, p, n));
}

static void set(struct casg_buf *b, const char *p, size_t n)
{
	casg_buf_reset(b);
	casg_buf_add(b, p, n);
}

static int take_item(struct casg_mapjoin *j, const uint8_t *item, size_t n,
		     struct casg_err *err)
{
	const char *acc = (const char *)item, *end = acc + n;
	size_t acc_n = strlen(acc);
	const char *version = acc + acc_n + 1;
	size_t version_n = strlen(version);
	const char *what = version + version_n + 1, *taxon = what + 1;
	size_t taxon_n = (size_t)(end - taxon);
	int same = j->any && is(&j->acc, acc, acc_n), rc = 0;

	if (j->any && (!same || !is(&j->version, version, version_n)))
		rc = end_version(j, err);
	if (!rc && j->any && !same)
		rc = end_accession(j, err);
	if (rc)
		return rc;
	j->any = 1;
	if (!same)
		set(&j->acc, acc, acc_n);
	set(&j->version, version, version_n);
	if (j->acc.failed || j->version.failed)
		return casg_err_nomem(err);
	if (*what == ID) {
		j->has_id = 1;
		return 0;
	}
	j->has_row = 1;
	if (version_n)
		rc = taxa_add(&j->of_version, taxon, taxon_n, err);
	if (!rc && (*what == ROW || !version_n))
		rc = taxa_add(&j->of_acc, taxon, taxon_n, err);
	return rc;
}

int casg_mapjoin_finish(struct casg_mapjoin *j, struct casg_err *err)
{
	const uint8_t *item;
	size_t n;
	int rc;

	casg_bloom_release(&j->ids);
	j->second = casg_extsort_new(j->tmp_dir, j->half_nbytes, j->pool, err);
	if (!j->second)
		return CASG_ENOMEM;
	rc = casg_extsort_finish(j->first, err);
	while (!rc && (rc = casg_extsort_next(j->first, &item, &n, err)) > 0)
		rc = take_item(j, item, n, err);
	if (!rc && j->any)
		rc = end_version(j, err);
	if (!rc && j->any)
		rc = end_accession(j, err);
	casg_extsort_free(j->first);
	j->first = NULL;
	return rc ? rc : casg_extsort_finish(j->second, err);
}

/* ---- out ----------------------------------------------------------------- */

static int read_ahead(struct casg_mapjoin *j, struct casg_err *err)
{
	int rc = casg_extsort_next(j->second, &j->next, &j->next_n, err);

	j->ahead = rc > 0;
	return rc;
}

/* All taxa of the key that was read ahead. */
static int gather(struct casg_mapjoin *j, struct casg_err *err)
{
	struct taxa *t = &j->of_acc;
	int rc = 1;

	taxa_reset(t);
	set(&j->key, (const char *)j->next, strlen((const char *)j->next));
	while (j->ahead && rc > 0) {
		const char *key = (const char *)j->next;
		size_t n = strlen(key);

		if (!is(&j->key, key, n))
			break;
		rc = taxa_add(t, key + n + 1, j->next_n - n - 1, err);
		if (!rc && (rc = read_ahead(j, err)) == 0)
			break;
	}
	return rc < 0 ? rc : t->too_many ? too_many(&j->key, err) : casg_buf_check(&j->key, err);
}

int casg_mapjoin_next(struct casg_mapjoin *j, const char **key_out, size_t *klen_out,
		      const char **desc_out, size_t *dlen_out, struct casg_err *err)
{
	struct casg_taxstr ids[CASG_TAXMAP_MAX];
	int rc;

	if (!j->ahead && (rc = read_ahead(j, err)) <= 0)
		return rc;
	rc = gather(j, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < j->of_acc.n; i++)
		ids[i] = taxa_get(&j->of_acc, i);
	casg_buf_reset(&j->desc);
	rc = casg_taxmap_encode(&j->desc, ids, j->of_acc.n, err);
	if (rc)
		return rc;
	*key_out = (const char *)j->key.data;
	*klen_out = j->key.len;
	*desc_out = (const char *)j->desc.data;
	*dlen_out = j->desc.len;
	return 1;
}

uint64_t casg_mapjoin_nkept(const struct casg_mapjoin *j)
{
	return j->nkept;
}
