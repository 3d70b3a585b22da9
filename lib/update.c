#include "update.h"

#include <stdlib.h>

#include "array.h"
#include "endian.h"
#include "extsort.h"
#include "nodelink.h"
#include "objects.h"
#include "orderbase.h"
#include "treeedit.h"
#include "withdrawn.h"

/* A record that is put.  Those of one key stand together, in the end as they came. */
struct put {
	uint64_t position;    /* in the order they came */
	uint64_t rank;        /* in the new tree */
	size_t pres;          /* its presentation, in u->pres */
	uint32_t plen;
	uint32_t nplaced;     /* of the first of a key: so many have their place */
	int placed;           /* once all that have one have it */
	size_t n;             /* of the first of a key: how many there are */
};

/* An old record that goes, and the first put of its key, or none. */
struct gone {
	uint64_t rank;        /* in the old tree */
	size_t put;
};

#define NONE SIZE_MAX

/* From this old rank on, ranks differ by so much. */
struct shift {
	uint64_t from;
	int64_t by;
};

/* A key whose edits were given to treeedit, until all is told of it. */
struct pending {
	size_t key, klen;     /* in u->keys */
	size_t put, nputs;    /* put == NONE: it is withdrawn, */
	size_t successor, slen; /* slen == NONE: without successor */
	size_t reason, rlen;
};

struct casg_update {
	struct casg_update_opts o;
	struct casg_extsort *sort;
	struct casg_buf item;
	uint64_t nput;        /* given so far: their positions */
	/* the edits, as they are read back from the sorter */
	const uint8_t *next;
	size_t next_n;
	int have, used, cleared;
	/* what is known of them */
	struct put *puts;
	size_t nputs, cap_puts;
	struct casg_buf pres;
	struct pending *pending;
	size_t npending, cap_pending, pending_done;
	struct casg_buf keys;
	/* what treeedit tells */
	struct gone *gone;
	size_t ngone, cap_gone, gone_of_key; /* the first of the key */
	struct shift *shifts;
	size_t nshifts, cap_shifts;
	struct casg_oid last_oid;            /* gone last, and not put again: */
	struct casg_buf last_desc;           /* its description, or the id of that */
	uint64_t nlast;                      /* so many times */
	uint64_t same_of_key;
	struct casg_withdrawnw *withdrawn;
	struct casg_buf *missing;
	struct casg_update_stats stats;
};

/* ---- gathering --------------------------------------------------------- */

struct casg_update *casg_update_new(const struct casg_update_opts *opts, struct casg_err *err)
{
	struct casg_update *u = calloc(1, sizeof(*u));

	if (!u) {
		casg_err_nomem(err);
		return NULL;
	}
	u->o = *opts;
	u->sort = casg_extsort_new(opts->tmp_dir, (size_t)opts->memory_nbytes, opts->pool, err);
	if (!u->sort) {
		casg_update_free(u);
		return NULL;
	}
	return u;
}

void casg_update_free(struct casg_update *u)
{
	if (!u)
		return;
	casg_extsort_free(u->sort);
	casg_buf_release(&u->item);
	free(u->puts);
	casg_buf_release(&u->pres);
	free(u->pending);
	casg_buf_release(&u->keys);
	free(u->gone);
	free(u->shifts);
	casg_buf_release(&u->last_desc);
	casg_withdrawnw_free(u->withdrawn);
	free(u);
}

/*
 * What is sorted: key, NUL, then 'P', sequence id, position, length, length of
 * the presentation, presentation, description; or 'W', lengths of successor
 * and reason, both of them.  So the order is that of the keys, and of a key
 * that is put and withdrawn it is seen first that it is put.
 */
static void begin_item(struct casg_update *u, const char *key, size_t klen, int what)
{
	casg_buf_reset(&u->item);
	casg_buf_add(&u->item, key, klen);
	casg_buf_addch(&u->item, 0);
	casg_buf_addch(&u->item, what);
}

static int end_item(struct casg_update *u, struct casg_err *err)
{
	int rc = casg_buf_check(&u->item, err);

	return rc ? rc : casg_extsort_add(u->sort, u->item.data, u->item.len, err);
}

int casg_update_put(struct casg_update *u, const struct casg_rec *r, struct casg_err *err)
{
	uint8_t n[20];

	if (memchr(r->desc, 0, r->dlen) || memchr(r->desc, '\n', r->dlen))
		return casg_err_set(err, CASG_ECORRUPT, "a description holds NUL or LF");
	begin_item(u, r->key, r->klen, 'P');
	casg_put_be64(n, u->nput++);
	casg_put_be64(n + 8, r->length);
	casg_put_be32(n + 16, (uint32_t)r->plen);
	casg_buf_add(&u->item, r->oid.b, CASG_OID_RAWSZ);
	casg_buf_add(&u->item, n, sizeof(n));
	casg_buf_add(&u->item, r->pres, r->plen);
	casg_buf_add(&u->item, r->desc, r->dlen);
	return end_item(u, err);
}

int casg_update_withdraw(struct casg_update *u, const char *key, size_t klen,
			 const char *successor, size_t slen, const char *reason,
			 size_t rlen, struct casg_err *err)
{
	const struct casg_tombstone t = {
		.key = key, .klen = klen, .when = u->o.when,
		.successor = successor, .slen = slen, .reason = reason, .rlen = rlen,
	};
	int rc = casg_tombstone_check(&t, err);
	uint8_t n[8];

	if (rc)
		return rc;
	begin_item(u, key, klen, 'W');
	casg_put_be32(n, successor ? (uint32_t)slen : UINT32_MAX);
	casg_put_be32(n + 4, (uint32_t)rlen);
	casg_buf_add(&u->item, n, sizeof(n));
	casg_buf_add(&u->item, successor, successor ? slen : 0);
	casg_buf_add(&u->item, reason, rlen);
	return end_item(u, err);
}

/* ---- giving the edits -------------------------------------------------- */

static int next_item(struct casg_update *u, struct casg_err *err)
{
	int rc = casg_extsort_next(u->sort, &u->next, &u->next_n, err);

	u->have = rc > 0;
	return rc < 0 ? rc : 0;
}

static size_t keep(struct casg_buf *b, const void *p, size_t n)
{
	size_t at = b->len;

	casg_buf_add(b, p, n);
	return at;
}

/* A key that comes up for the first time. */
static int note_key(struct casg_update *u, size_t klen, struct casg_err *err)
{
	const uint8_t *p = u->next + klen + 1;
	struct pending *x;

	if (u->pending_done == u->npending) {
		u->pending_done = u->npending = 0;
		casg_buf_reset(&u->keys);
	}
	if (CASG_GROW(u->pending, u->npending + 1, u->cap_pending))
		return casg_err_nomem(err);
	x = &u->pending[u->npending++];
	memset(x, 0, sizeof(*x));
	x->key = keep(&u->keys, u->next, klen);
	x->klen = klen;
	x->put = u->nputs;
	if (*p == 'W') {
		uint32_t slen = casg_get_be32(p + 1);

		x->put = NONE;
		x->slen = slen == UINT32_MAX ? NONE : slen;
		x->rlen = casg_get_be32(p + 5);
		p += 9;
		slen = slen == UINT32_MAX ? 0 : slen;
		x->successor = keep(&u->keys, p, slen);
		x->reason = keep(&u->keys, p + slen, x->rlen);
	}
	/* never a NULL base for the offsets to be added to */
	return casg_buf_check(&u->keys, err) || casg_buf_grow(&u->keys, 1) ?
		casg_err_nomem(err) : 0;
}

static const char *key_of(const struct casg_update *u, const struct pending *x)
{
	return (const char *)u->keys.data + x->key;
}

/* To the item after the one that is used up; is it of the same key? */
static int advance(struct casg_update *u, struct casg_err *err)
{
	const struct pending *x = &u->pending[u->npending - 1];
	int rc = next_item(u, err);

	u->used = 0;
	u->cleared = !rc && u->have && strlen((const char *)u->next) == x->klen &&
		     !memcmp(u->next, key_of(u, x), x->klen);
	return rc;
}

static int give_put(struct casg_update *u, size_t klen, struct casg_edit *out,
		    struct casg_err *err)
{
	const uint8_t *p = u->next + klen + 2;
	struct put *x;

	if (CASG_GROW(u->puts, u->nputs + 1, u->cap_puts))
		return casg_err_nomem(err);
	x = &u->puts[u->nputs];
	memset(x, 0, sizeof(*x));
	out->op = CASG_EDIT_PUT;
	out->tag = u->nputs++;
	u->pending[u->npending - 1].nputs++;
	memcpy(out->e.oid.b, p, CASG_OID_RAWSZ);
	p += CASG_OID_RAWSZ;
	x->position = casg_get_be64(p);
	out->e.length = casg_get_be64(p + 8);
	x->plen = casg_get_be32(p + 16);
	p += 20;
	x->pres = keep(&u->pres, p, x->plen);
	out->e.desc = (const char *)p + x->plen;
	out->e.dlen = u->next_n - (size_t)((const uint8_t *)out->e.desc - u->next);
	return casg_buf_check(&u->pres, err);
}

/* The first edit of a key clears it. */
static int give_edit(void *ctx, struct casg_edit *out, struct casg_err *err)
{
	struct casg_update *u = ctx;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	for (;;) {
		if (u->used)
			rc = advance(u, err);
		if (rc || !u->have)
			return rc;
		out->e.key = (const char *)u->next;
		out->e.klen = strlen(out->e.key);
		if (!u->cleared) {
			u->cleared = 1;
			out->op = CASG_EDIT_CLEAR;
			rc = note_key(u, out->e.klen, err);
			return rc ? rc : 1;
		}
		u->used = 1;
		if (u->next[out->e.klen + 1] == 'P') {
			rc = give_put(u, out->e.klen, out, err);
			return rc ? rc : 1;
		}
	}
}

/* ---- what is told ------------------------------------------------------ */

static int cmp_position(const void *a, const void *b)
{
	const struct put *x = a, *y = b;

	return x->position < y->position ? -1 : x->position > y->position;
}

static int withdraw_key(struct casg_update *u, const struct pending *x, uint64_t ngone,
			struct casg_err *err)
{
	struct casg_tombstone t = {
		.key = key_of(u, x), .klen = x->klen, .when = u->o.when,
		.successor = x->slen == NONE ? NULL : (const char *)u->keys.data + x->successor,
		.slen = x->slen == NONE ? 0 : x->slen,
		.reason = (const char *)u->keys.data + x->reason, .rlen = x->rlen,
	};

	if (!ngone) {
		u->stats.nmissing++;
		casg_stream_key(u->missing, t.key, t.klen, 0);
		casg_buf_addch(u->missing, '\n');
		return casg_buf_check(u->missing, err);
	}
	u->stats.removed += ngone;
	return casg_withdrawnw_add(u->withdrawn, &t, err);
}

/* All is told of the key that is next in line. */
static int end_key(struct casg_update *u, struct casg_err *err)
{
	const struct pending *x = &u->pending[u->pending_done++];
	uint64_t ngone = u->ngone - u->gone_of_key, same = u->same_of_key, less;

	for (size_t i = u->gone_of_key; i < u->ngone; i++)
		u->gone[i].put = x->put;
	u->gone_of_key = u->ngone;
	u->same_of_key = u->nlast = 0;
	if (x->put == NONE)
		return withdraw_key(u, x, ngone, err);
	qsort(u->puts + x->put, x->nputs, sizeof(*u->puts), cmp_position);
	u->puts[x->put].n = x->nputs;
	less = ngone < x->nputs ? ngone : x->nputs;
	u->stats.same += same;
	u->stats.replaced += less - same;
	u->stats.added += x->nputs - less;
	u->stats.removed += ngone - less;
	return casg_withdrawnw_alive(u->withdrawn, key_of(u, x), x->klen, err);
}

static int add_shift(struct casg_update *u, uint64_t from, int by, struct casg_err *err)
{
	int64_t before = u->nshifts ? u->shifts[u->nshifts - 1].by : 0;

	if (!u->nshifts || u->shifts[u->nshifts - 1].from != from) {
		if (CASG_GROW(u->shifts, u->nshifts + 1, u->cap_shifts))
			return casg_err_nomem(err);
		u->shifts[u->nshifts++].from = from;
	}
	u->shifts[u->nshifts - 1].by = before + by;
	return 0;
}

/* The description, or its id where the tree has that in its place. */
static void add_desc(struct casg_update *u, const struct casg_entry *e, struct casg_buf *out)
{
	struct casg_oid id = e->desc_blob;

	if (e->dlen <= CASG_DESC_INLINE) {
		casg_buf_add(out, e->desc, (size_t)e->dlen);
		return;
	}
	if (e->desc)
		casg_hasher_digest(casg_coder_hasher(u->o.coders[0]), e->desc,
				   (size_t)e->dlen, &id);
	casg_buf_add(out, id.b, CASG_OID_RAWSZ);
}

/* Old records come right before new ones that equal them. */
static int compare_last(struct casg_update *u, const struct casg_entry *e, int is_gone,
			struct casg_err *err)
{
	size_t n = u->item.len;
	int equal;

	casg_buf_reset(&u->item);
	add_desc(u, e, &u->item);
	n = u->item.len;
	if (casg_buf_check(&u->item, err))
		return CASG_ENOMEM;
	equal = u->nlast && casg_oid_eq(&u->last_oid, &e->oid) && n == u->last_desc.len &&
		(!n || !memcmp(u->item.data, u->last_desc.data, n));
	if (is_gone) {
		u->nlast = equal ? u->nlast + 1 : 1;
		u->last_oid = e->oid;
		casg_buf_reset(&u->last_desc);
		casg_buf_add(&u->last_desc, u->item.data, n);
		return casg_buf_check(&u->last_desc, err);
	}
	if (equal) {
		u->nlast--;
		u->same_of_key++;
	}
	return 0;
}

static int told(void *ctx, const struct casg_edited *x, struct casg_err *err)
{
	struct casg_update *u = ctx;
	int64_t by = u->nshifts ? u->shifts[u->nshifts - 1].by : 0;
	int rc = 0;

	/* of the keys before, nothing more will be told */
	for (;;) {
		const struct pending *p = &u->pending[u->pending_done];

		if (p->klen == x->e->klen && !memcmp(key_of(u, p), x->e->key, p->klen))
			break;
		rc = end_key(u, err);
		if (rc)
			return rc;
	}
	if (x->old_rank == CASG_NO_RANK) {
		u->puts[x->tag].rank = x->new_rank;
		rc = add_shift(u, x->new_rank - (uint64_t)by, 1, err);
		return rc ? rc : compare_last(u, x->e, 0, err);
	}
	if (CASG_GROW(u->gone, u->ngone + 1, u->cap_gone))
		return casg_err_nomem(err);
	u->gone[u->ngone++].rank = x->old_rank;
	rc = add_shift(u, x->old_rank + 1, -1, err);
	return rc ? rc : compare_last(u, x->e, 1, err);
}

static int edit_tree(struct casg_update *u, struct casg_err *err)
{
	struct casg_treeedit t = {
		.store = u->o.store, .packw = u->o.packw, .pool = u->o.pool,
		.coders = u->o.coders, .zlevel = u->o.level, .depth = CASG_NODELINK_IMPORT_DEPTH,
		.edits = give_edit, .edited = told, .ctx = u,
	};
	struct casg_edit_stats s;
	int rc = casg_extsort_finish(u->sort, err);

	if (!rc)
		rc = next_item(u, err);
	if (!rc)
		rc = casg_treeedit(&t, &u->o.base->records, &s, err);
	while (!rc && u->pending_done < u->npending)
		rc = end_key(u, err);
	if (rc)
		return rc;
	u->stats.roots.records = s.root;
	u->stats.roots.count = s.nrecords;
	u->stats.residues_put = s.residues_put;
	u->stats.residues_removed = s.residues_removed;
	u->stats.nnodes_read = s.nnodes_read;
	u->stats.nnodes_new = s.nnodes_new;
	return 0;
}

/* ---- presentations of new records -------------------------------------- */

/* Of a presentation's tokens the one about upper and lower case, or "-". */
static void case_only(const char **p, size_t *n)
{
	const char *end = *p + *n;

	for (const char *s = *p; s < end; s++) {
		const char *stop = memchr(s, ';', (size_t)(end - s));

		if (!stop)
			stop = end;
		if (*s == 'c') {
			*p = s;
			*n = (size_t)(stop - s);
			return;
		}
		s = stop;
	}
	*p = "-";
	*n = 1;
}

/* The same for one that is named by id; the result is in u->item. */
static int long_case_only(struct casg_update *u, const char **p, size_t *n,
			  struct casg_err *err)
{
	struct casg_blobw *b;
	struct casg_oid id;
	const char *q;
	size_t m;
	int rc;

	casg_buf_reset(&u->item);
	if (casg_oid_parse(&id, *p + 1, *n - 1))
		return casg_err_set(err, CASG_ECORRUPT, "a presentation's id is malformed");
	rc = casg_store_read_id(u->o.store, u->o.coders[0], &id, CASG_CHUNK_RAW_MAX, &u->item,
				err);
	if (rc)
		return rc;
	q = (const char *)u->item.data;
	m = u->item.len;
	case_only(&q, &m);
	if (m <= CASG_INLINE_MAX) {
		*p = q;
		*n = m;
		return 0;
	}
	if (m == u->item.len)
		return 0;
	b = casg_blobw_new(u->o.packw, u->o.store, u->o.coders[0], u->o.level, err);
	rc = b ? casg_blobw_add(b, q, m, err) : CASG_ENOMEM;
	if (rc) {
		casg_blobw_free(b);
		return rc;
	}
	rc = casg_blobw_finish(b, &id, err);
	if (rc)
		return rc;
	casg_buf_reset(&u->item);
	casg_buf_addch(&u->item, '@');
	casg_oid_addhex(&u->item, &id);
	*p = (const char *)u->item.data;
	*n = u->item.len;
	return casg_buf_check(&u->item, err);
}

/* ---- the file ---------------------------------------------------------- */

struct file {
	struct casg_orderr *order;
	struct casg_presr *pres;
	struct casg_facts facts;
	int same_facts;
	struct casg_orderw *new_order;
	struct casg_presw *new_pres;
	uint64_t position;      /* of the next record of the new file */
	size_t shift;           /* looked up last */
};

static int write_record(struct file *f, uint64_t rank, const char *pres, size_t n,
			struct casg_err *err)
{
	int rc = casg_orderw_put(f->new_order, f->position, rank, err);

	if (!rc && (n != 1 || *pres != '-'))
		rc = casg_presw_add(f->new_pres, f->position, pres, n, err);
	f->position++;
	return rc;
}

static int write_put(struct casg_update *u, struct file *f, const struct put *x,
		     struct casg_err *err)
{
	const char *p = (const char *)u->pres.data + x->pres;
	size_t n = x->plen;
	int rc = 0;

	if (!f->same_facts && *p == '@')
		rc = long_case_only(u, &p, &n, err);
	else if (!f->same_facts)
		case_only(&p, &n);
	return rc ? rc : write_record(f, x->rank, p, n, err);
}

static uint64_t new_rank(const struct casg_update *u, struct file *f, uint64_t rank)
{
	size_t lo = 0, hi = u->nshifts;

	/* files that are in the order of the tree: mostly where it was */
	if (f->shift < hi && u->shifts[f->shift].from <= rank)
		lo = f->shift;
	if (lo + 1 < hi && u->shifts[lo + 1].from > rank)
		hi = lo + 1;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (u->shifts[mid].from <= rank)
			lo = mid + 1;
		else
			hi = mid;
	}
	f->shift = lo ? lo - 1 : 0;
	return lo ? rank + (uint64_t)u->shifts[lo - 1].by : rank;
}

static const struct gone *find_gone(const struct casg_update *u, uint64_t rank)
{
	size_t lo = 0, hi = u->ngone;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (u->gone[mid].rank < rank)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < u->ngone && u->gone[lo].rank == rank ? &u->gone[lo] : NULL;
}

/* Each old record: kept, replaced, or left out. */
static int rewrite_old(struct casg_update *u, struct file *f, struct casg_err *err)
{
	uint64_t rank, position = 0;
	int rc = 0;

	while (!rc && (rc = casg_orderr_next(f->order, &rank, err)) > 0) {
		const struct gone *g = find_gone(u, rank);
		const char *pres;
		size_t n;

		rc = casg_presr_at(f->pres, position++, &pres, &n, err);
		if (!rc && !g) {
			rc = write_record(f, new_rank(u, f, rank), pres, n, err);
		} else if (!rc && g->put != NONE) {
			struct put *x = &u->puts[g->put];

			if (x->nplaced < x->n)
				rc = write_put(u, f, x + x->nplaced++, err);
		}
	}
	return rc ? rc : casg_presr_finish(f->pres, err);
}

/* New records without a place go to the end, in the order they came. */
static int append_rest(struct casg_update *u, struct file *f, struct casg_err *err)
{
	int rc = 0;

	for (size_t i = 0, of_key; i < u->nputs; i += of_key) {
		size_t placed = u->puts[i].nplaced;

		of_key = u->puts[i].n;
		for (size_t k = 0; k < of_key; k++)
			u->puts[i + k].placed = k < placed;
	}
	if (u->nputs)
		qsort(u->puts, u->nputs, sizeof(*u->puts), cmp_position);
	for (size_t i = 0; i < u->nputs && !rc; i++)
		if (!u->puts[i].placed)
			rc = write_put(u, f, &u->puts[i], err);
	return rc;
}

static int cmp_rank(const void *a, const void *b)
{
	const struct put *x = a, *y = b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* By the order of the base, if that is shorter.  The puts are not needed after it. */
static int write_order(struct casg_update *u, struct file *f, struct casg_err *err)
{
	const struct casg_update_opts *o = &u->o;
	struct casg_roots *roots = &u->stats.roots;
	struct casg_orderbase *base;
	int rc = 0;

	base = casg_orderbase_new_ranks(o->store, o->coders[0], &o->base->order, o->base->count,
					roots->count, err);
	if (!base)
		return CASG_ENOMEM;
	if (u->nputs)
		qsort(u->puts, u->nputs, sizeof(*u->puts), cmp_rank);
	for (size_t i = 0; i < u->ngone && !rc; i++)
		rc = casg_orderbase_gone(base, u->gone[i].rank, err);
	for (size_t i = 0; i < u->nputs && !rc; i++)
		rc = casg_orderbase_come(base, u->puts[i].rank, err);
	if (!rc)
		rc = casg_orderw_finish(f->new_order, base, o->packw, o->store, o->coders[0],
					o->level, &roots->order, err);
	casg_orderbase_free(base);
	return rc;
}

static int rewrite_file(struct casg_update *u, const struct casg_facts *facts,
			struct casg_err *err)
{
	const struct casg_update_opts *o = &u->o;
	const struct casg_presbase pres_base = { o->base->presentation, 2 * o->memory_nbytes };
	struct casg_roots *roots = &u->stats.roots;
	struct file f = { .position = 0 };
	int rc = 0;

	casg_facts_init(&f.facts);
	f.order = casg_orderr_open(o->store, o->coders[0], &o->base->order, o->base->count, err);
	f.pres = f.order ? casg_presr_open(o->store, o->coders[0], &o->base->presentation,
					   &f.facts, err) : NULL;
	f.new_order = f.pres ? casg_orderw_new(roots->count, o->memory_nbytes, o->tmp_dir,
					       err) : NULL;
	f.new_pres = f.new_order ? casg_presw_new(o->tmp_dir) : NULL;
	if (!f.new_pres)
		rc = err && err->code ? err->code : casg_err_nomem(err);
	f.same_facts = !facts || (f.facts.width == facts->width && f.facts.crlf == facts->crlf);
	/* never a NULL base for the offsets to be added to */
	if (!rc && casg_buf_grow(&u->pres, 1))
		rc = casg_err_nomem(err);
	if (!rc)
		rc = rewrite_old(u, &f, err);
	if (!rc)
		rc = append_rest(u, &f, err);
	if (!rc && f.position != roots->count)
		rc = casg_err_set(err, CASG_ECORRUPT,
				  "the order object does not fit the record tree");
	if (!rc)
		rc = write_order(u, &f, err);
	if (!rc)
		rc = casg_presw_finish(f.new_pres, &f.facts, &pres_base, o->packw, o->store,
				       o->coders[0], o->level, &roots->presentation, err);
	casg_orderr_free(f.order);
	casg_presr_free(f.pres);
	casg_orderw_free(f.new_order);
	casg_presw_free(f.new_pres);
	casg_facts_release(&f.facts);
	return rc;
}

int casg_update_finish(struct casg_update *u, const struct casg_facts *facts,
		       struct casg_buf *missing, struct casg_update_stats *out,
		       struct casg_err *err)
{
	const struct casg_update_opts *o = &u->o;
	struct casg_withdrawnr *old = NULL;
	int rc;

	memset(out, 0, sizeof(*out));
	u->missing = missing;
	if (o->base->has_withdrawn) {
		old = casg_withdrawnr_open(o->store, o->coders[0], &o->base->withdrawn, err);
		if (!old)
			return err && err->code ? err->code : CASG_ECORRUPT;
	}
	u->withdrawn = casg_withdrawnw_new(old, o->tmp_dir, err);
	if (!u->withdrawn)
		return err && err->code ? err->code : CASG_ENOMEM;
	rc = edit_tree(u, err);
	if (!rc)
		rc = rewrite_file(u, facts, err);
	if (!rc)
		rc = casg_withdrawnw_finish(u->withdrawn, o->packw, o->store, o->coders[0],
					    o->level, &u->stats.roots.withdrawn, err);
	u->stats.roots.has_withdrawn = rc > 0;
	*out = u->stats;
	return rc < 0 ? rc : 0;
}
