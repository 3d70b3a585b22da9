#include "chunkfetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "array.h"
#include "chunk.h"

#define START_NBYTES 4096u /* what is asked of a chunk first to know what it rests on */
#define TRIES 3 /* of a region at one storage, and of its helper */

struct item {
	struct casg_oid pack;
	struct casg_idx_chunk e;
	uint64_t nbytes;   /* its first, that are wanted */
	int needs;         /* wanted is what it rests on, not the chunk */
	int come, bad;     /* bad: here is no good copy of it */
};

/* Items order[first .. end) lie side by side: one request. */
struct region {
	struct casg_chunkfetch *f;
	size_t first, end, at;   /* at: the one whose bytes come */
	struct casg_buf part;    /* what of it came */
	unsigned tries;
	int open, given_up, wants_more;
};

struct casg_chunkfetch {
	struct casg_chunkfetch_opts o;
	struct item *items;
	size_t n, cap, ncome;
	size_t *order;           /* by pack and offset, those that are missing */
	size_t cap_order, norder;
	struct region *regions;
	size_t nregions, cap_regions;
	struct casg_coder *coder;
	struct casg_remote *remote;
	char *url, *shown;
	int failed;
	struct casg_err why;
};

struct casg_chunkfetch *casg_chunkfetch_new(const struct casg_chunkfetch_opts *opts)
{
	struct casg_chunkfetch *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->o = *opts;
	f->coder = casg_coder_new();
	if (!f->coder) {
		free(f);
		return NULL;
	}
	return f;
}

static void disconnect(struct casg_chunkfetch *f)
{
	casg_remote_close(f->remote);
	f->remote = NULL;
	free(f->url);
	free(f->shown);
	f->url = f->shown = NULL;
}

static void free_regions(struct casg_chunkfetch *f)
{
	for (size_t i = 0; i < f->nregions; i++)
		casg_buf_release(&f->regions[i].part);
	f->nregions = 0;
}

void casg_chunkfetch_free(struct casg_chunkfetch *f)
{
	if (!f)
		return;
	disconnect(f);
	free_regions(f);
	free(f->regions);
	free(f->order);
	free(f->items);
	casg_coder_free(f->coder);
	free(f);
}

void casg_chunkfetch_reset(struct casg_chunkfetch *f)
{
	f->n = f->ncome = 0;
}

int casg_chunkfetch_add(struct casg_chunkfetch *f, const struct casg_oid *pack,
			const struct casg_idx_chunk *e, struct casg_err *err)
{
	if (CASG_GROW(f->items, f->n + 1, f->cap))
		return casg_err_nomem(err);
	f->items[f->n++] = (struct item){ .pack = *pack, .e = *e, .nbytes = e->nbytes };
	return 0;
}

int casg_chunkfetch_add_needs(struct casg_chunkfetch *f, const struct casg_oid *pack,
			      const struct casg_idx_chunk *e, struct casg_err *err)
{
	int rc = casg_chunkfetch_add(f, pack, e, err);

	if (rc)
		return rc;
	f->items[f->n - 1].needs = 1;
	if (e->nbytes > START_NBYTES)
		f->items[f->n - 1].nbytes = START_NBYTES;
	return 0;
}

size_t casg_chunkfetch_missing(const struct casg_chunkfetch *f)
{
	return f->n - f->ncome;
}

int casg_chunkfetch_has_come(const struct casg_chunkfetch *f, size_t i)
{
	return f->items[i].come;
}

void casg_chunkfetch_skip(struct casg_chunkfetch *f, size_t i)
{
	f->ncome += !f->items[i].come;
	f->items[i].come = 1;
}

/* ---- regions ---- */

static int cmp_place(const void *a, const void *b, void *ctx)
{
	const struct casg_chunkfetch *f = ctx;
	const struct item *x = &f->items[*(const size_t *)a], *y = &f->items[*(const size_t *)b];
	int c = casg_oid_cmp(&x->pack, &y->pack);

	if (c)
		return c;
	return x->e.offset < y->e.offset ? -1 : x->e.offset > y->e.offset;
}

static int follows(const struct item *a, const struct item *b)
{
	return casg_oid_eq(&a->pack, &b->pack) && a->e.offset + a->nbytes == b->e.offset;
}

static int same_place(const struct item *a, const struct item *b)
{
	return casg_oid_eq(&a->pack, &b->pack) && a->e.offset == b->e.offset;
}

/* What is missing and not bad here, in regions. */
static int make_regions(struct casg_chunkfetch *f, struct casg_err *err)
{
	free_regions(f);
	f->norder = 0;
	if (CASG_GROW(f->order, f->n + 1, f->cap_order))
		return casg_err_nomem(err);
	for (size_t i = 0; i < f->n; i++)
		if (!f->items[i].come && !f->items[i].bad)
			f->order[f->norder++] = i;
	qsort_r(f->order, f->norder, sizeof(*f->order), cmp_place, f);
	for (size_t i = 0; i < f->norder; i++) {
		const struct item *it = &f->items[f->order[i]];

		if (i && (follows(&f->items[f->order[i - 1]], it) ||
			  same_place(&f->items[f->order[i - 1]], it))) {
			f->regions[f->nregions - 1].end = i + 1;
			continue;
		}
		if (CASG_GROW(f->regions, f->nregions + 1, f->cap_regions))
			return casg_err_nomem(err);
		f->regions[f->nregions++] = (struct region){
			.f = f, .first = i, .at = i, .end = i + 1, .part = CASG_BUF_INIT,
		};
	}
	return 0;
}

int casg_chunkfetch_plan(struct casg_chunkfetch *f, uint64_t *nrequests_out,
			 uint64_t *nbytes_out, struct casg_err *err)
{
	int rc = make_regions(f, err);

	*nrequests_out = f->nregions;
	*nbytes_out = 0;
	for (size_t i = 0; i < f->norder && !rc; i++)
		if (!i || !same_place(&f->items[f->order[i - 1]], &f->items[f->order[i]]))
			*nbytes_out += f->items[f->order[i]].nbytes;
	return rc;
}

/* ---- one request ---- */

static struct item *item_at(const struct region *r)
{
	return &r->f->items[r->f->order[r->at]];
}

static int fail(struct casg_chunkfetch *f, int code)
{
	f->failed = code ? code : CASG_EIO;
	return -1;
}

static int is_good(struct casg_chunkfetch *f, const struct item *it, const struct casg_buf *b)
{
	struct casg_chunk *ch = NULL;
	struct casg_oid id;
	struct casg_chunk_head head;
	int good, rc = casg_chunk_decode(f->coder, b->data, b->len, NULL, &ch, NULL);

	/* one that rests on others is settled by who has these; its checksum was compared */
	if (rc == CASG_EABSENT)
		return casg_layout_is_matched(it->e.layout) &&
		       !casg_chunk_head_decode(&head, b->data, b->len, NULL) &&
		       head.nmembers == it->e.nmembers && head.layout == it->e.layout;
	good = !rc && ch->kind == it->e.kind && ch->nmembers == it->e.nmembers &&
	       !casg_chunk_hash(f->coder, ch, NULL);

	if (good) {
		casg_chunk_id(casg_coder_hasher(f->coder), ch->oids, ch->nmembers, &id);
		good = casg_oid_eq(&id, &it->e.id);
	}
	casg_chunk_free(ch);
	return good;
}

/* The first bytes of a chunk have come: tell what it rests on, or ask for more of them. */
static int take_start(struct region *r)
{
	uint32_t distances[CASG_SCRIPT_BASES_MAX], n = 0;
	struct casg_chunkfetch *f = r->f;
	struct item *it = item_at(r);
	size_t more = 0;
	int rc = casg_chunk_needs_start(f->coder, r->part.data, r->part.len, distances, &n, &more,
					NULL);

	casg_buf_reset(&r->part);
	if (rc == CASG_EABSENT && more > it->nbytes && it->nbytes < it->e.nbytes) {
		it->nbytes = more < it->e.nbytes ? more : it->e.nbytes;
		r->wants_more = 1;
		return 0;
	}
	it->bad = rc != 0;
	it->come = !rc;
	f->ncome += !rc;
	r->at++;
	if (rc)
		f->o.complain(f->o.ctx, f->shown, &it->pack, "it has a chunk that is damaged");
	else if (f->o.needs(f->o.ctx, f->order[r->at - 1], distances, n, &f->why))
		return fail(f, f->why.code);
	return 0;
}

/* All bytes of a chunk have come: it, and its doubles, are done with here. */
static int take_chunk(struct region *r)
{
	struct casg_chunkfetch *f = r->f;
	const struct item *first = item_at(r);
	int good;

	if (first->needs)
		return take_start(r);
	good = is_good(f, first, &r->part);

	if (!good)
		f->o.complain(f->o.ctx, f->shown, &first->pack,
			      "it has other bytes in a chunk than its id says");
	for (; r->at < r->end && same_place(first, item_at(r)); r->at++) {
		struct item *it = item_at(r);

		it->bad = !good;
		it->come = good;
		f->ncome += (size_t)good;
		if (good && f->o.got(f->o.ctx, f->order[r->at], r->part.data, r->part.len, &f->why))
			return fail(f, f->why.code);
	}
	casg_buf_reset(&r->part);
	return 0;
}

static int sink(void *ctx, const uint8_t *p, size_t n)
{
	struct region *r = ctx;

	while (n && r->at < r->end && !r->f->failed) {
		size_t want = (size_t)item_at(r)->nbytes - r->part.len, step = n < want ? n : want;

		casg_buf_add(&r->part, p, step);
		p += step;
		n -= step;
		if (r->part.failed) {
			casg_err_nomem(&r->f->why);
			return fail(r->f, CASG_ENOMEM);
		}
		if (step == want && take_chunk(r))
			return -1;
	}
	return r->f->failed;
}

static void done(void *ctx, const struct casg_remote_reply *reply)
{
	struct region *r = ctx;
	struct casg_chunkfetch *f = r->f;
	const char *what = NULL;

	r->open = 0;
	casg_buf_reset(&r->part);
	if (f->failed || r->at == r->end)
		return;
	if (r->wants_more && reply->kind == CASG_ANSWER_DONE) {
		r->wants_more = 0;
		return;
	}
	if (reply->kind == CASG_ANSWER_NO)
		what = "it is not there";
	else if (reply->kind == CASG_ANSWER_DONE)
		what = "less came than was asked for";
	else if (reply->class != CASG_REMOTE_RETRY || ++r->tries >= TRIES)
		what = reply->message;
	if (!what)
		return;
	f->o.complain(f->o.ctx, f->shown, &item_at(r)->pack, what);
	r->given_up = 1;
}

static int ask(struct region *r, struct casg_err *err)
{
	const struct item *first = item_at(r), *last = &r->f->items[r->f->order[r->end - 1]];
	char name[32 + CASG_OID_HEXSZ], hex[CASG_OID_HEXSZ + 1];
	struct casg_remote_ask a = {
		.op = CASG_REMOTE_GET, .name = name, .ctx = r, .sink = sink, .done = done,
		.has_range = 1, .has_last = 1, .first = first->e.offset,
		.last = last->e.offset + last->nbytes - 1,
		.max_nbytes = last->e.offset + last->nbytes - first->e.offset,
	};

	snprintf(name, sizeof(name), "packs/pack-%s.pack", casg_oid_hex(&first->pack, hex));
	r->open = 1;
	return casg_remote_ask(r->f->remote, &a, err);
}

/* ---- one storage ---- */

static size_t to_do(const struct casg_chunkfetch *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->nregions; i++)
		n += !f->regions[i].given_up && f->regions[i].at < f->regions[i].end;
	return n;
}

static int ask_all(struct casg_chunkfetch *f, struct casg_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < f->nregions && !rc && !f->failed; i++) {
		struct region *r = &f->regions[i];

		if (r->given_up || r->at == r->end)
			continue;
		if (casg_remote_is_dead(f->remote))
			break;
		casg_remote_wait(f->remote, f->o.max_open - 1);
		if (!f->failed)
			rc = ask(r, err);
	}
	casg_remote_wait(f->remote, 0);
	if (!rc && f->failed)
		rc = casg_err_set(err, f->failed, "%s", f->why.msg);
	return rc;
}

static int connect_to(struct casg_chunkfetch *f, const char *url)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf shown = CASG_BUF_INIT;

	if (f->remote && !casg_remote_is_dead(f->remote) && f->url && !strcmp(f->url, url))
		return 0;
	disconnect(f);
	casg_remote_mask(&shown, url);
	if (f->o.open(f->o.ctx, url, &f->remote, &err)) {
		f->o.complain(f->o.ctx, casg_buf_cstr(&shown), NULL, err.msg);
	} else if (!(casg_remote_cans(f->remote) & CASG_CAN_RANGE)) {
		f->o.complain(f->o.ctx, casg_buf_cstr(&shown), NULL, "it gives no parts of packs");
		disconnect(f);
	} else {
		f->url = strdup(url);
		f->shown = strdup(casg_remote_shown(f->remote));
		if (!f->url || !f->shown)
			disconnect(f);
	}
	casg_buf_release(&shown);
	return f->remote ? 0 : -1;
}

int casg_chunkfetch_from(struct casg_chunkfetch *f, const char *url, struct casg_err *err)
{
	int rc;

	for (size_t i = 0; i < f->n; i++)
		f->items[i].bad = 0;
	f->failed = 0;
	rc = make_regions(f, err);
	for (int start = 0; start < TRIES && !rc && to_do(f); start++) {
		if (connect_to(f, url))
			break;
		for (int again = 0; !rc && !casg_remote_is_dead(f->remote) && to_do(f); again++) {
			struct timespec pause = { .tv_sec = again / 2, .tv_nsec = again % 2 * 500000000 };

			if (again)
				nanosleep(&pause, NULL);
			rc = ask_all(f, err);
		}
		if (casg_remote_is_dead(f->remote) && casg_remote_timed_out(f->remote))
			start = TRIES;
	}
	if (f->remote && casg_remote_is_dead(f->remote))
		disconnect(f);
	return rc;
}
