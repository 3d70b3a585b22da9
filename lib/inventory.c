#include "inventory.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "oidmap.h"
#include "rfc3339.h"

#define MAGIC "casg-inventory "
#define SUMMARY_MAGIC "casg-inventories "
#define FORMAT 1

/* ---- records ---- */

void casg_invrec_init(struct casg_invrec *r)
{
	memset(r, 0, sizeof(*r));
}

void casg_invrec_release(struct casg_invrec *r)
{
	free(r->after.v);
	free(r->replaced.v);
	free(r->versions.v);
	free(r->packs);
	casg_invrec_init(r);
}

int casg_invids_add(struct casg_invids *ids, const struct casg_oid *id, struct casg_err *err)
{
	if (CASG_GROW(ids->v, ids->n + 1, ids->cap))
		return casg_err_nomem(err);
	ids->v[ids->n++] = *id;
	return 0;
}

static int is_kinds(const char *s, size_t n)
{
	if (!n || n > CASG_INVPACK_KINDS_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		int edge = !i || i + 1 == n || s[i - 1] == ',';

		if (s[i] == ',' ? edge : s[i] < 'a' || s[i] > 'z')
			return 0;
	}
	return 1;
}

/* Digits without a leading zero, at most 19 of them. */
static int parse_size(const char *s, size_t n, uint64_t *v_out)
{
	if (!n || n > 19 || *s == '0')
		return -1;
	for (*v_out = 0; n; n--, s++) {
		if (*s < '0' || *s > '9')
			return -1;
		*v_out = *v_out * 10 + (uint64_t)(*s - '0');
	}
	return 0;
}

int casg_invpack_parse(struct casg_invpack *p, const char *s, size_t n)
{
	const char *size = s + CASG_OID_HEXSZ + 1, *sp;
	size_t left;

	if (n <= CASG_OID_HEXSZ + 1 || size[-1] != ' ' || casg_oid_parse(&p->id, s, CASG_OID_HEXSZ))
		return CASG_ECORRUPT;
	left = n - CASG_OID_HEXSZ - 1;
	sp = memchr(size, ' ', left);
	if (!sp || parse_size(size, (size_t)(sp - size), &p->nbytes))
		return CASG_ECORRUPT;
	left -= (size_t)(sp + 1 - size);
	if (!is_kinds(sp + 1, left))
		return CASG_ECORRUPT;
	memset(p->kinds, 0, sizeof(p->kinds));
	memcpy(p->kinds, sp + 1, left);
	return 0;
}

void casg_invpack_format(struct casg_buf *out, const struct casg_invpack *p)
{
	casg_oid_addhex(out, &p->id);
	casg_buf_addch(out, ' ');
	casg_buf_add_u64(out, p->nbytes);
	casg_buf_addf(out, " %s\n", p->kinds);
}

int casg_invrec_add_pack(struct casg_invrec *r, const struct casg_invpack *p,
			 struct casg_err *err)
{
	if (!p->nbytes || p->nbytes > UINT64_C(9999999999999999999) ||
	    !is_kinds(p->kinds, strnlen(p->kinds, sizeof(p->kinds))))
		return casg_err_set(err, CASG_ECORRUPT, "a pack without a size or kinds");
	if (CASG_GROW(r->packs, r->npacks + 1, r->packs_cap))
		return casg_err_nomem(err);
	r->packs[r->npacks++] = *p;
	return 0;
}

/* ---- encoding ---- */

static int cmp_oid(const void *a, const void *b)
{
	return casg_oid_cmp(a, b);
}

static int cmp_pack(const void *a, const void *b)
{
	const struct casg_invpack *x = a, *y = b;

	return casg_oid_cmp(&x->id, &y->id);
}

static void sort_ids(struct casg_invids *ids)
{
	size_t kept = 0;

	if (ids->n)
		qsort(ids->v, ids->n, sizeof(*ids->v), cmp_oid);
	for (size_t i = 0; i < ids->n; i++)
		if (!kept || !casg_oid_eq(&ids->v[kept - 1], &ids->v[i]))
			ids->v[kept++] = ids->v[i];
	ids->n = kept;
}

static int sort_packs(struct casg_invpack *v, size_t *n, struct casg_err *err)
{
	size_t kept = 0;

	if (*n)
		qsort(v, *n, sizeof(*v), cmp_pack);
	for (size_t i = 0; i < *n; i++) {
		if (!kept || !casg_oid_eq(&v[kept - 1].id, &v[i].id)) {
			v[kept++] = v[i];
		} else if (v[kept - 1].nbytes != v[i].nbytes) {
			char hex[CASG_OID_HEXSZ + 1];

			return casg_err_set(err, CASG_ECORRUPT, "pack %s has two sizes",
					    casg_oid_hex(&v[i].id, hex));
		}
	}
	*n = kept;
	return 0;
}

static int has_id(const struct casg_invids *ids, const struct casg_oid *id)
{
	return ids->n && bsearch(id, ids->v, ids->n, sizeof(*ids->v), cmp_oid);
}

/* What holds of a record as a whole, sorted. */
static int check_whole(const struct casg_invrec *r, struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];

	if (!r->npacks && !r->replaced.n && !r->versions.n)
		return casg_err_set(err, CASG_ECORRUPT, "a record of an inventory that says nothing");
	for (size_t i = 0; i < r->npacks; i++)
		if (has_id(&r->replaced, &r->packs[i].id))
			return casg_err_set(err, CASG_ECORRUPT,
					    "pack %s is added and replaced by the same record",
					    casg_oid_hex(&r->packs[i].id, hex));
	return 0;
}

static void add_ids(struct casg_buf *out, const char *name, const struct casg_invids *ids)
{
	for (size_t i = 0; i < ids->n; i++) {
		casg_buf_addstr(out, name);
		casg_oid_addhex(out, &ids->v[i]);
		casg_buf_addch(out, '\n');
	}
}

static void add_text(struct casg_buf *out, const struct casg_invrec *r, const char *when)
{
	casg_buf_addf(out, MAGIC "%d\ntime %s\n", FORMAT, when);
	add_ids(out, "after ", &r->after);
	for (size_t i = 0; i < r->npacks; i++) {
		casg_buf_addstr(out, "pack ");
		casg_invpack_format(out, &r->packs[i]);
	}
	add_ids(out, "replaced ", &r->replaced);
	add_ids(out, "version ", &r->versions);
}

void casg_invrec_format(struct casg_buf *out, const struct casg_invrec *r)
{
	char when[CASG_TIME_SIZE];

	add_text(out, r, casg_time_format(r->time, when));
}

int casg_invrec_encode(struct casg_invrec *r, struct casg_hasher *h, struct casg_buf *out,
		       struct casg_err *err)
{
	char when[CASG_TIME_SIZE];
	size_t start = out->len;
	int rc;

	if (!casg_time_format(r->time, when))
		return casg_err_set(err, CASG_ECORRUPT, "a record of no time");
	sort_ids(&r->after);
	sort_ids(&r->replaced);
	sort_ids(&r->versions);
	rc = sort_packs(r->packs, &r->npacks, err);
	if (rc || (rc = check_whole(r, err)))
		return rc;
	add_text(out, r, when);
	rc = casg_buf_check(out, err);
	if (!rc && out->len - start > CASG_INVREC_MAX_BYTES)
		rc = casg_err_set(err, CASG_ECORRUPT, "the record is longer than %u bytes",
				  CASG_INVREC_MAX_BYTES);
	if (!rc)
		casg_hasher_digest(h, out->data + start, out->len - start, &r->id);
	else
		out->len = start;
	return rc;
}

/* ---- decoding ---- */

/* The sorts of line, in their order. */
enum sort { S_AFTER, S_PACK, S_REPLACED, S_VERSION, S_NSORTS };

static const char *const sort_names[S_NSORTS] = { "after ", "pack ", "replaced ", "version " };

static int bad_line(struct casg_err *err, unsigned long line, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "malformed inventory, line %lu: %s", line, what);
}

/* The number behind the magic word of a first line, or a failure. */
static int decode_magic(const char *magic, const char **p, const char *end, struct casg_err *err)
{
	const char *eol = memchr(*p, '\n', (size_t)(end - *p));
	size_t n = strlen(magic);
	uint64_t format;

	if ((size_t)(end - *p) < n || memcmp(*p, magic, n))
		return casg_err_set(err, CASG_ENOTOURS, "not an inventory of casg");
	if (!eol || parse_size(*p + n, (size_t)(eol - *p) - n, &format))
		return bad_line(err, 1, "no number of the format");
	if (format != FORMAT)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "inventory %llu is not supported by this casg (it knows version %d)",
				    (unsigned long long)format, FORMAT);
	*p = eol + 1;
	return 0;
}

static int decode_ids(struct casg_invids *ids, const char *s, size_t n, struct casg_err *err)
{
	struct casg_oid id;

	if (casg_oid_parse(&id, s, n) || (ids->n && casg_oid_cmp(&ids->v[ids->n - 1], &id) >= 0))
		return CASG_ECORRUPT;
	return casg_invids_add(ids, &id, err);
}

static int decode_line(struct casg_invrec *r, enum sort sort, const char *s, size_t n,
		       struct casg_err *err)
{
	struct casg_invpack p;

	switch (sort) {
	case S_AFTER:
		return decode_ids(&r->after, s, n, err);
	case S_REPLACED:
		return decode_ids(&r->replaced, s, n, err);
	case S_VERSION:
		return decode_ids(&r->versions, s, n, err);
	default:
		if (casg_invpack_parse(&p, s, n) ||
		    (r->npacks && casg_oid_cmp(&r->packs[r->npacks - 1].id, &p.id) >= 0))
			return CASG_ECORRUPT;
		return casg_invrec_add_pack(r, &p, err);
	}
}

static int decode_lines(struct casg_invrec *r, const char *p, const char *end,
			struct casg_err *err)
{
	unsigned long line = 2;
	int sort = S_AFTER, rc;

	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		size_t n = 0;

		line++;
		if (!eol)
			return bad_line(err, line, "no newline at its end");
		for (; sort < S_NSORTS; sort++) {
			n = strlen(sort_names[sort]);
			if ((size_t)(eol - p) > n && !memcmp(p, sort_names[sort], n))
				break;
		}
		if (sort == S_NSORTS)
			return bad_line(err, line, "unknown or misplaced");
		rc = decode_line(r, (enum sort)sort, p + n, (size_t)(eol - p) - n, err);
		if (rc == CASG_ENOMEM)
			return rc;
		if (rc)
			return bad_line(err, line, "malformed or not in order");
		p = eol + 1;
	}
	return check_whole(r, err);
}

static int decode(struct casg_invrec *r, const char *p, const char *end, struct casg_err *err)
{
	const char *eol;
	int rc = decode_magic(MAGIC, &p, end, err);

	if (rc)
		return rc;
	eol = memchr(p, '\n', (size_t)(end - p));
	if (!eol || eol - p < 5 || memcmp(p, "time ", 5) ||
	    casg_time_parse(p + 5, (size_t)(eol - p) - 5, &r->time))
		return bad_line(err, 2, "not a time");
	return decode_lines(r, eol + 1, end, err);
}

int casg_invrec_decode(struct casg_invrec *r, struct casg_hasher *h, const uint8_t *text,
		       size_t n, struct casg_err *err)
{
	const char *p = (const char *)text;
	int rc;

	casg_invrec_release(r);
	if (n > CASG_INVREC_MAX_BYTES)
		return casg_err_set(err, CASG_ECORRUPT, "malformed inventory: longer than %u bytes",
				    CASG_INVREC_MAX_BYTES);
	if (!n)
		return casg_err_set(err, CASG_ENOTOURS, "not an inventory of casg");
	rc = decode(r, p, p + n, err);
	if (rc)
		casg_invrec_release(r);
	else
		casg_hasher_digest(h, text, n, &r->id);
	return rc;
}

/* ---- many records ---- */

struct casg_inventory {
	struct casg_hasher *hasher;
	struct casg_invrec *recs;    /* as many as there are ids in by_id */
	size_t cap;
	struct casg_oidset by_id;
	struct casg_oidmap versions; /* the record that names it, the best one */
	struct casg_oidmap added;    /* 1 + the record that adds a pack, the latest */
	struct casg_oidmap replaced; /* the record that replaces a pack, the best one */
};

struct casg_inventory *casg_inventory_new(void)
{
	struct casg_inventory *inv = calloc(1, sizeof(*inv));

	if (!inv)
		return NULL;
	inv->hasher = casg_hasher_new();
	if (!inv->hasher) {
		free(inv);
		return NULL;
	}
	return inv;
}

void casg_inventory_free(struct casg_inventory *inv)
{
	if (!inv)
		return;
	for (size_t i = 0; i < inv->by_id.n; i++)
		casg_invrec_release(&inv->recs[i]);
	free(inv->recs);
	casg_oidset_release(&inv->by_id);
	casg_oidmap_release(&inv->versions);
	casg_oidmap_release(&inv->added);
	casg_oidmap_release(&inv->replaced);
	casg_hasher_free(inv->hasher);
	free(inv);
}

/* Later first, then the lesser id. */
static int is_better(const struct casg_invrec *a, const struct casg_invrec *b)
{
	if (a->time != b->time)
		return a->time > b->time;
	return casg_oid_cmp(&a->id, &b->id) < 0;
}

/* Let 'map' say that record 'rec' is the one for 'id', unless a better one is. */
static int note(struct casg_inventory *inv, struct casg_oidmap *map, const struct casg_oid *id,
		size_t rec, struct casg_err *err)
{
	uint64_t there;

	if (casg_oidmap_get(map, id, &there) && !is_better(&inv->recs[rec], &inv->recs[there]))
		return 0;
	return casg_oidmap_set(map, id, rec, err);
}

static int note_record(struct casg_inventory *inv, size_t rec, struct casg_err *err)
{
	const struct casg_invrec *r = &inv->recs[rec];
	int rc = 0;

	for (size_t i = 0; i < r->versions.n && !rc; i++)
		rc = note(inv, &inv->versions, &r->versions.v[i], rec, err);
	for (size_t i = 0; i < r->npacks && !rc; i++)
		rc = note(inv, &inv->added, &r->packs[i].id, rec, err);
	for (size_t i = 0; i < r->replaced.n && !rc; i++)
		rc = note(inv, &inv->replaced, &r->replaced.v[i], rec, err);
	return rc;
}

/* Takes the record over, also on failure. */
static int take(struct casg_inventory *inv, struct casg_invrec *r, struct casg_err *err)
{
	int rc;

	if (casg_oidset_find(&inv->by_id, &r->id, NULL)) {
		casg_invrec_release(r);
		return 0;
	}
	if (CASG_GROW(inv->recs, inv->by_id.n + 1, inv->cap)) {
		casg_invrec_release(r);
		return casg_err_nomem(err);
	}
	inv->recs[inv->by_id.n] = *r;
	rc = casg_oidset_add(&inv->by_id, &r->id, err);
	if (rc < 0) {
		casg_invrec_release(r);
		return rc;
	}
	rc = note_record(inv, inv->by_id.n - 1, err);
	return rc ? rc : 1;
}

int casg_inventory_add(struct casg_inventory *inv, const uint8_t *text, size_t n,
		       const struct casg_oid *expected, struct casg_err *err)
{
	struct casg_invrec r;
	int rc;

	casg_invrec_init(&r);
	rc = casg_invrec_decode(&r, inv->hasher, text, n, err);
	if (rc)
		return rc;
	if (expected && !casg_oid_eq(expected, &r.id)) {
		char hex[CASG_OID_HEXSZ + 1];

		casg_invrec_release(&r);
		return casg_err_set(err, CASG_ECORRUPT, "the bytes of record %s are others",
				    casg_oid_hex(expected, hex));
	}
	return take(inv, &r, err);
}

/* The line before a record of a summary; *p goes to the record. */
static int summary_record(const char **p, const char *end, struct casg_oid *id_out,
			  uint64_t *n_out)
{
	const char *eol = memchr(*p, '\n', (size_t)(end - *p)), *size = *p + 7 + CASG_OID_HEXSZ + 1;

	if (!eol || eol <= size || memcmp(*p, "record ", 7) || size[-1] != ' ' ||
	    casg_oid_parse(id_out, *p + 7, CASG_OID_HEXSZ) ||
	    parse_size(size, (size_t)(eol - size), n_out) || *n_out > (uint64_t)(end - eol - 1))
		return -1;
	*p = eol + 1;
	return 0;
}

int casg_inventory_add_summary(struct casg_inventory *inv, const uint8_t *text, size_t n,
			       struct casg_err *err)
{
	const char *p = (const char *)text, *end = p + n;
	struct casg_invrec *recs = NULL;
	size_t nrecs = 0, cap = 0;
	int rc;

	if (n > CASG_INVENTORY_MAX_BYTES)
		return casg_err_set(err, CASG_ECORRUPT, "malformed inventory: longer than %u bytes",
				    CASG_INVENTORY_MAX_BYTES);
	if (!n)
		return casg_err_set(err, CASG_ENOTOURS, "not an inventory of casg");
	rc = decode_magic(SUMMARY_MAGIC, &p, end, err);
	while (!rc && p < end) {
		const char *at = p;
		struct casg_oid id;
		uint64_t nbytes;

		if (summary_record(&p, end, &id, &nbytes)) {
			rc = casg_err_set(err, CASG_ECORRUPT,
					  "malformed inventory, byte %zu: not the line of a record",
					  (size_t)(at - (const char *)text));
			break;
		}
		if (CASG_GROW(recs, nrecs + 1, cap)) {
			rc = casg_err_nomem(err);
			break;
		}
		casg_invrec_init(&recs[nrecs]);
		rc = casg_invrec_decode(&recs[nrecs], inv->hasher, (const uint8_t *)p,
					(size_t)nbytes, err);
		if (rc)
			break;
		nrecs++;
		if (!casg_oid_eq(&id, &recs[nrecs - 1].id) ||
		    (nrecs > 1 && casg_oid_cmp(&recs[nrecs - 2].id, &id) >= 0))
			rc = casg_err_set(err, CASG_ECORRUPT,
					  "malformed inventory, byte %zu: a record of another digest, "
					  "or not in order", (size_t)(at - (const char *)text));
		p += nbytes;
	}
	for (size_t i = 0; i < nrecs; i++) {
		int r = rc < 0 ? (casg_invrec_release(&recs[i]), 0) : take(inv, &recs[i], err);

		if (r < 0)
			rc = r;
	}
	free(recs);
	return rc < 0 ? rc : 0;
}

static int cmp_rec(const void *a, const void *b)
{
	const struct casg_invrec *const *x = a, *const *y = b;

	return casg_oid_cmp(&(*x)->id, &(*y)->id);
}

int casg_inventory_summary(const struct casg_inventory *inv, struct casg_buf *out,
			   struct casg_err *err)
{
	const struct casg_invrec **order = calloc(inv->by_id.n + 1, sizeof(*order));
	struct casg_buf text = CASG_BUF_INIT;
	int rc = order ? 0 : casg_err_nomem(err);

	casg_buf_addf(out, SUMMARY_MAGIC "%d\n", FORMAT);
	for (size_t i = 0; i < inv->by_id.n && !rc; i++)
		order[i] = &inv->recs[i];
	if (!rc)
		qsort(order, inv->by_id.n, sizeof(*order), cmp_rec);
	for (size_t i = 0; i < inv->by_id.n && !rc; i++) {
		casg_buf_reset(&text);
		casg_invrec_format(&text, order[i]);
		rc = casg_buf_check(&text, err);
		casg_buf_addstr(out, "record ");
		casg_oid_addhex(out, &order[i]->id);
		casg_buf_addch(out, ' ');
		casg_buf_add_u64(out, text.len);
		casg_buf_addch(out, '\n');
		casg_buf_add(out, text.data, text.len);
	}
	free(order);
	casg_buf_release(&text);
	return rc ? rc : casg_buf_check(out, err);
}

size_t casg_inventory_count(const struct casg_inventory *inv)
{
	return inv->by_id.n;
}

const struct casg_invrec *casg_inventory_get(const struct casg_inventory *inv, size_t i)
{
	return &inv->recs[i];
}

const struct casg_invrec *casg_inventory_find(const struct casg_inventory *inv,
					      const struct casg_oid *id)
{
	size_t i;

	return casg_oidset_find(&inv->by_id, id, &i) ? &inv->recs[i] : NULL;
}

static const struct casg_invrec *look_up(const struct casg_inventory *inv,
					 const struct casg_oidmap *map, const struct casg_oid *id)
{
	uint64_t i;

	return casg_oidmap_get(map, id, &i) ? &inv->recs[i] : NULL;
}

const struct casg_invrec *casg_inventory_version(const struct casg_inventory *inv,
						 const struct casg_oid *version)
{
	return look_up(inv, &inv->versions, version);
}

int casg_inventory_added(const struct casg_inventory *inv, const struct casg_oid *pack,
			 int64_t *time_out)
{
	const struct casg_invrec *r = look_up(inv, &inv->added, pack);

	if (r)
		*time_out = r->time;
	return r != NULL;
}

/* The record that stands in for a pack: later than all that add it; or NULL. */
static const struct casg_invrec *replacing(const struct casg_inventory *inv,
					   const struct casg_oid *pack)
{
	const struct casg_invrec *s = look_up(inv, &inv->replaced, pack);
	const struct casg_invrec *a = look_up(inv, &inv->added, pack);

	return s && (!a || s->time > a->time) ? s : NULL;
}

int casg_inventory_versions(const struct casg_inventory *inv, struct casg_oid **ids_out,
			    size_t *n_out, struct casg_err *err)
{
	const struct casg_oidset *set = &inv->versions.ids;

	*n_out = set->n;
	*ids_out = calloc(set->n + 1, sizeof(**ids_out));
	if (!*ids_out)
		return casg_err_nomem(err);
	if (set->n) {
		memcpy(*ids_out, set->ids, set->n * sizeof(**ids_out));
		qsort(*ids_out, set->n, sizeof(**ids_out), cmp_oid);
	}
	return 0;
}

/* ---- the packs of records ---- */

struct packs {
	struct casg_invpack *v;
	size_t n, cap;
};

static int add_packs(const struct casg_inventory *inv, const struct casg_invrec *r,
		     struct packs *out, struct casg_err *err)
{
	for (size_t i = 0; i < r->npacks; i++) {
		if (replacing(inv, &r->packs[i].id))
			continue;
		if (CASG_GROW(out->v, out->n + 1, out->cap))
			return casg_err_nomem(err);
		out->v[out->n++] = r->packs[i];
	}
	return 0;
}

/* Sort, and hand over or drop. */
static int finish_packs(struct packs *p, int rc, struct casg_invpack **packs_out, size_t *n_out,
			struct casg_err *err)
{
	if (!rc && CASG_GROW(p->v, 1, p->cap))
		rc = casg_err_nomem(err);
	if (!rc)
		rc = sort_packs(p->v, &p->n, err);
	if (rc) {
		free(p->v);
		return rc;
	}
	*packs_out = p->v;
	*n_out = p->n;
	return 0;
}

int casg_inventory_packs(const struct casg_inventory *inv, struct casg_invpack **packs_out,
			 size_t *n_out, struct casg_err *err)
{
	struct packs p = { NULL, 0, 0 };
	int rc = 0;

	for (size_t i = 0; i < inv->by_id.n && !rc; i++)
		rc = add_packs(inv, &inv->recs[i], &p, err);
	return finish_packs(&p, rc, packs_out, n_out, err);
}

static int absent(const char *what, const struct casg_oid *id, struct casg_oid *missing_out,
		  struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];

	if (missing_out)
		*missing_out = *id;
	return casg_err_set(err, CASG_EABSENT, "the inventory has no %s %s", what,
			    casg_oid_hex(id, hex));
}

/* Everything that is reached from record i of 'todo' on is put behind it. */
static int reach_on(const struct casg_inventory *inv, struct casg_oidset *todo, size_t i,
		    struct casg_oid *missing_out, struct casg_err *err)
{
	const struct casg_invrec *r = casg_inventory_find(inv, &todo->ids[i]), *s;
	int rc = 0;

	if (!r)
		return absent("record", &todo->ids[i], missing_out, err);
	for (size_t k = 0; k < r->after.n && rc >= 0; k++)
		rc = casg_oidset_add(todo, &r->after.v[k], err);
	for (size_t k = 0; k < r->npacks && rc >= 0; k++)
		if ((s = replacing(inv, &r->packs[k].id)))
			rc = casg_oidset_add(todo, &s->id, err);
	return rc < 0 ? rc : 0;
}

/* Does a record that is reached name the version? */
static int is_named(const struct casg_inventory *inv, const struct casg_oidset *reached,
		    const struct casg_oid *version)
{
	for (size_t i = 0; i < reached->n; i++)
		if (has_id(&casg_inventory_find(inv, &reached->ids[i])->versions, version))
			return 1;
	return 0;
}

int casg_inventory_need(const struct casg_inventory *inv, const struct casg_oid *versions,
			size_t n, struct casg_invpack **packs_out, size_t *npacks_out,
			struct casg_oid *missing_out, struct casg_err *err)
{
	struct casg_oidset todo = CASG_OIDSET_INIT;
	struct packs p = { NULL, 0, 0 };
	size_t done = 0;
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		const struct casg_invrec *r = casg_inventory_version(inv, &versions[i]);

		if (!r) {
			rc = absent("version", &versions[i], missing_out, err);
			break;
		}
		if (casg_oidset_find(&todo, &r->id, NULL) || is_named(inv, &todo, &versions[i]))
			continue;
		if (casg_oidset_add(&todo, &r->id, err) < 0)
			rc = CASG_ENOMEM;
		while (!rc && done < todo.n)
			rc = reach_on(inv, &todo, done++, missing_out, err);
	}
	for (size_t i = 0; i < todo.n && !rc; i++)
		rc = add_packs(inv, casg_inventory_find(inv, &todo.ids[i]), &p, err);
	casg_oidset_release(&todo);
	return finish_packs(&p, rc, packs_out, npacks_out, err);
}
