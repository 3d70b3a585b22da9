#include "packcheck.h"

#include <errno.h>
#include <stdlib.h>

#include "array.h"
#include "endian.h"
#include "io.h"
#include "litcache.h"
#include "node.h"
#include "nodes.h"
#include "orderdelta.h"
#include "pack.h"
#include "rankroom.h"
#include "treer.h"
#include "whole.h"

#define WINDOW_NBYTES ((uint64_t)256 << 20)
#define NO_CHUNK UINT32_MAX
#define THIS_PACK UINT32_MAX /* as a pack number: the one being checked */
#define HELD_MAX 16
#define NO_REFS (CASG_SECTION_NONE.base)

/* A chunk of nodes that decoded nodes point into, or may again. */
struct held {
	struct held *next;
	struct casg_chunk *ch;
	uint32_t chunk;
	int users;
};

/* What one worker has for itself. */
struct worker {
	struct casg_coder *coder;
	struct casg_buf raw;
	struct check *k;
	struct casg_nodes *nodes;
	struct held *held;          /* decoded chunks of nodes of this pack */
	size_t nheld;
	struct casg_list list;
	struct casg_oid hashes[CASG_NODE_MAX];
	struct casg_hasher *whole;  /* of the pieces of a list */
	struct casg_chunk *piece;   /* the chunk of this pack read last */
	uint32_t piece_chunk;       /* its number, or NO_CHUNK */
	int owned;                  /* all objects looked up are in packs of our own */
};

struct by_id {
	struct casg_oid id;
	uint32_t chunk; /* or the number of a node */
};

struct check {
	struct casg_packwalk *w;
	const struct casg_packwalk_opts *opts;
	struct worker *workers;
	int nworkers;
	struct casg_litcache *literals; /* of chunks of this pack */
	const uint8_t *bad;  /* chunks that others need in vain */
	struct by_id *by_id; /* the good chunks of objects, sorted */
	uint32_t nby_id;
	/*
	 * Nodes of a pack that was made of several may rest on others of the
	 * same pack by id, and these come to be known in rounds.
	 */
	uint8_t *known;          /* of each node of this pack: is its id? */
	struct by_id *node_ids;  /* those known before this round, sorted */
	uint32_t nnode_ids;
	int tentative;           /* what cannot be had may be, the next round */
	/* the window under way */
	const uint32_t *tasks;
	int (*fn)(struct check *k, struct worker *wk, uint32_t chunk, struct casg_err *err);
};

/* ---- workers and windows ----------------------------------------------- */

/* Let go of chunks that nobody uses, the oldest first, until 'keep' are left. */
static void release_held(struct worker *wk, size_t keep)
{
	struct held **p = &wk->held;

	while (*p && wk->nheld > keep) {
		struct held *h = *p;

		if (h->users) {
			p = &h->next;
			continue;
		}
		*p = h->next;
		casg_chunk_free(h->ch);
		free(h);
		wk->nheld--;
	}
}

static void release_workers(struct check *k)
{
	for (int i = 0; k->workers && i < k->nworkers; i++) {
		struct worker *wk = &k->workers[i];

		casg_coder_free(wk->coder);
		casg_hasher_free(wk->whole);
		casg_chunk_free(wk->piece);
		casg_buf_release(&wk->raw);
		casg_nodes_free(wk->nodes);
		release_held(wk, 0);
		casg_list_release(&wk->list);
	}
	free(k->workers);
	casg_litcache_free(k->literals);
}

static struct casg_nodes *make_nodes(struct check *k, struct worker *wk);

static uint64_t window_of(const struct check *k)
{
	return k->opts->window_nbytes ? k->opts->window_nbytes : WINDOW_NBYTES;
}

static int make_workers(struct check *k, struct casg_err *err)
{
	k->nworkers = casg_workers_count(k->opts->pool);
	k->workers = calloc((size_t)k->nworkers, sizeof(*k->workers));
	for (int i = 0; k->workers && i < k->nworkers; i++) {
		k->workers[i].coder = casg_coder_new();
		k->workers[i].whole = casg_hasher_new();
		k->workers[i].piece_chunk = NO_CHUNK;
		k->workers[i].k = k;
		k->workers[i].nodes = make_nodes(k, &k->workers[i]);
		if (!k->workers[i].coder || !k->workers[i].whole || !k->workers[i].nodes)
			return casg_err_nomem(err);
	}
	k->literals = casg_litcache_new(window_of(k) / 4);
	return k->workers && k->literals ? 0 : casg_err_nomem(err);
}

static void task(void *ctx, size_t i, int worker)
{
	struct check *k = ctx;
	uint32_t chunk = k->tasks[i];
	struct casg_err err = CASG_ERR_INIT;

	if (k->fn(k, &k->workers[worker], chunk, &err)) {
		if (k->tentative && err.code == CASG_EABSENT)
			k->w->chunks[chunk].state = CASG_WALK_UNCHECKED;
		else
			casg_packwalk_note(k->w, chunk, &err);
	} else {
		k->w->chunks[chunk].state = CASG_WALK_GOOD;
	}
}

/* Run fn on these chunks, as many at a time as the window allows. */
static void run(struct check *k, const uint32_t *chunks, size_t n,
		int (*fn)(struct check *, struct worker *, uint32_t, struct casg_err *))
{
	uint64_t most = window_of(k);

	k->fn = fn;
	while (n) {
		uint64_t sum = 0;
		size_t m = 0;

		do {
			const struct casg_idx_chunk *x = &k->w->idx[chunks[m]];

			sum += x->nbytes + 2 * (uint64_t)x->nraw;
		} while (++m < n && sum < most);
		k->tasks = chunks;
		casg_workers_run(k->opts->pool, m, task, k);
		chunks += m;
		n -= m;
	}
}

/* The same one after the other, in the order of the file. */
static void check_in_order(struct check *k, const uint32_t *chunks, size_t n,
			   int (*fn)(struct check *, struct worker *, uint32_t,
				     struct casg_err *))
{
	k->fn = fn;
	k->tasks = chunks;
	for (size_t i = 0; i < n; i++)
		task(k, i, 0);
}

/* ---- one chunk --------------------------------------------------------- */

static int read_raw(struct check *k, uint32_t chunk, struct casg_buf *out,
		    struct casg_err *err)
{
	const struct casg_idx_chunk *x = &k->w->idx[chunk];
	size_t got;
	int rc;

	casg_buf_reset(out);
	if (casg_buf_grow(out, (size_t)x->nbytes))
		return casg_err_nomem(err);
	rc = casg_pread_full(k->w->fd, out->data, (size_t)x->nbytes, x->offset, &got, err);
	if (!rc && got < x->nbytes)
		rc = casg_err_set(err, CASG_ECORRUPT, "the pack is cut short");
	out->len = got;
	return rc;
}

/* A chunk that is decoded, for itself or for another one. */
struct decoding {
	struct check *k;
	uint32_t chunk;
	unsigned int depth;
};

static int get_literals(void *ctx, struct casg_coder *c, uint32_t distance, int made,
			struct casg_literals **out, struct casg_err *err);

static void put_literals(void *ctx, struct casg_literals *l)
{
	const struct decoding *d = ctx;

	casg_litcache_put(d->k->literals, l);
}

static struct casg_chunk_bases bases_of(struct decoding *d)
{
	return (struct casg_chunk_bases){ get_literals, put_literals, d, d->depth };
}

/* The literals of a chunk, or with 'made' what its script makes. */
static int read_base(struct decoding *d, struct casg_coder *c, int made, uint8_t *level,
		     struct casg_buf *out, struct casg_err *err)
{
	const struct casg_chunk_bases bases = bases_of(d);
	struct casg_buf raw = CASG_BUF_INIT;
	int rc = read_raw(d->k, d->chunk, &raw, err);

	if (!rc)
		rc = made ? casg_chunk_made(c, raw.data, raw.len, &bases, out, level, err)
			  : casg_chunk_literals(c, raw.data, raw.len, out, err);
	casg_buf_release(&raw);
	return rc;
}

static int get_literals(void *ctx, struct casg_coder *c, uint32_t distance, int made,
			struct casg_literals **out, struct casg_err *err)
{
	const struct decoding *d = ctx;
	struct decoding base = { d->k, d->chunk - distance, d->depth + 1 };
	struct casg_buf bytes = CASG_BUF_INIT;
	uint8_t level = 0;
	int rc;

	if (distance > d->chunk)
		return casg_err_set(err, CASG_ECORRUPT, "it needs a chunk before the first");
	*out = casg_litcache_get(d->k->literals, 0, base.chunk, made);
	if (*out)
		return 0;
	rc = read_base(&base, c, made, &level, &bytes, err);
	if (!rc)
		return casg_litcache_add(d->k->literals, 0, base.chunk, level, &bytes, out, err);
	casg_buf_release(&bytes);
	return casg_err_prefix(err, "chunk %u, which it needs", base.chunk);
}

static int decode(struct check *k, struct worker *wk, uint32_t chunk,
		  struct casg_chunk **out, struct casg_err *err)
{
	struct decoding d = { k, chunk, 0 };
	const struct casg_chunk_bases bases = bases_of(&d);
	int rc = read_raw(k, chunk, &wk->raw, err);

	return rc ? rc : casg_chunk_decode(wk->coder, wk->raw.data, wk->raw.len, &bases, out, err);
}

static int check_quick(struct check *k, struct worker *wk, uint32_t chunk,
		       struct casg_err *err)
{
	struct casg_chunk_head h;
	int rc = read_raw(k, chunk, &wk->raw, err);

	if (!rc)
		rc = casg_chunk_head_decode(&h, wk->raw.data, wk->raw.len, err);
	return rc ? rc : casg_chunk_check_sum(&h, wk->raw.data, err);
}

/* Decode, hash the members, and compute the chunk id. */
static int load(struct check *k, struct worker *wk, uint32_t chunk,
		struct casg_chunk **out, struct casg_err *err)
{
	int rc = decode(k, wk, chunk, out, err);

	if (!rc)
		rc = casg_chunk_hash(wk->coder, *out, err);
	if (!rc)
		casg_chunk_id(casg_coder_hasher(wk->coder), (*out)->oids, (*out)->nmembers,
			      &k->w->idx[chunk].id);
	return rc;
}

static int note_lists(struct check *k, struct worker *wk, struct casg_objinfo *o,
		      const struct casg_chunk *ch, struct casg_err *err)
{
	(void)k;
	for (uint32_t i = 0; i < ch->nmembers; i++) {
		int rc = casg_list_decode(&wk->list, ch->data + ch->offset[i],
					  (size_t)casg_chunk_len(ch, i), err);

		if (rc)
			return casg_err_prefix(err, "member %u", i);
		o[i].id = wk->list.id;
		o[i].nbytes = wk->list.nbytes;
	}
	return 0;
}

static int note_orders(struct casg_objinfo *o, const struct casg_chunk *ch,
		       struct casg_err *err)
{
	struct casg_orderdelta d;

	for (uint32_t i = 0; i < ch->nmembers; i++) {
		int rc = casg_orderdelta_decode(&d, ch->data + ch->offset[i],
						(size_t)casg_chunk_len(ch, i), err);

		if (rc)
			return casg_err_prefix(err, "member %u", i);
		o[i].id = d.id;
		o[i].nbytes = d.nbytes;
	}
	return 0;
}

/*
 * What a sequence may hold: 0x21 to 0x7E, but no lower-case letters.  A fixed
 * number of bytes at a time, which compilers turn into vectors.
 */
static unsigned int bad_residues(const uint8_t *p)
{
	uint8_t bad = 0;

	for (int i = 0; i < 64; i++)
		bad |= (uint8_t)((uint8_t)(p[i] - 0x21) > 0x7e - 0x21) |
		       (uint8_t)((uint8_t)(p[i] - 'a') <= 'z' - 'a');
	return bad;
}

static int check_residues(const struct casg_chunk *ch, struct casg_err *err)
{
	uint64_t n = ch->offset[ch->nmembers];
	const uint8_t *p = ch->data;
	uint8_t rest[64];
	unsigned int bad = 0;

	for (; n >= 64; n -= 64, p += 64)
		bad |= bad_residues(p);
	memset(rest, 'A', sizeof(rest));
	memcpy(rest, p, (size_t)n);
	if (!(bad | bad_residues(rest)))
		return 0;
	return casg_err_set(err, CASG_ECORRUPT, "a sequence holds a byte that none may hold");
}

static int names(const uint32_t *distance, uint32_t n, uint32_t wanted)
{
	uint32_t i = 0;

	while (i < n && distance[i] != wanted)
		i++;
	return i < n;
}

/*
 * Of a chunk that uses what others make, and whose bytes are in wk->raw: does it name
 * all that these name?  Who fetches or keeps what it needs goes by its own list.
 */
static int check_named(struct check *k, struct worker *wk, uint32_t chunk,
		       struct casg_err *err)
{
	uint32_t all[CASG_SCRIPT_BASES_MAX], made[CASG_SCRIPT_MADE_MAX], more[CASG_SCRIPT_BASES_MAX];
	uint32_t nall, nmade, nmore;
	struct casg_coder *c = wk->coder;
	int rc = casg_chunk_needs(c, wk->raw.data, wk->raw.len, all, &nall, err);

	if (!rc && nall && all[0] > chunk)
		rc = casg_err_set(err, CASG_ECORRUPT, "it needs a chunk before the first");
	if (!rc)
		rc = casg_chunk_needs_made(c, wk->raw.data, wk->raw.len, made, &nmade, err);
	for (uint32_t i = 0; !rc && i < nmade; i++) {
		rc = read_raw(k, chunk - made[i], &wk->raw, err);
		if (!rc)
			rc = casg_chunk_needs(c, wk->raw.data, wk->raw.len, more, &nmore, err);
		for (uint32_t j = 0; !rc && j < nmore; j++)
			if (!names(all, nall, made[i] + more[j]))
				rc = casg_err_set(err, CASG_ECORRUPT, "it does not name chunk %u, which it needs",
						  chunk - made[i] - more[j]);
	}
	return rc;
}

static int check_objects(struct check *k, struct worker *wk, uint32_t chunk,
			 struct casg_err *err)
{
	struct casg_objinfo *o = k->w->objects + k->w->idx[chunk].first;
	struct casg_chunk *ch = NULL;
	int rc = load(k, wk, chunk, &ch, err);

	if (!rc && ch->kind == CASG_CHUNK_SEQ)
		rc = check_residues(ch, err);
	if (!rc && ch->layout == CASG_LAYOUT_MATCHED_DEEP)
		rc = check_named(k, wk, chunk, err);
	if (!rc && ch->kind == CASG_CHUNK_LIST) {
		rc = note_lists(k, wk, o, ch, err);
	} else if (!rc && ch->kind == CASG_CHUNK_ORDER) {
		rc = note_orders(o, ch, err);
	} else if (!rc) {
		for (uint32_t i = 0; i < ch->nmembers; i++) {
			o[i].id = ch->oids[i];
			o[i].nbytes = casg_chunk_len(ch, i);
		}
	}
	casg_chunk_free(ch);
	return rc;
}

/* ---- references -------------------------------------------------------- */

static int cmp_by_id(const void *a, const void *b)
{
	const struct by_id *x = a, *y = b;
	int c = casg_oid_cmp(&x->id, &y->id);

	return c ? c : x->chunk < y->chunk ? -1 : x->chunk > y->chunk;
}

static int collect_by_id(struct check *k, struct casg_err *err)
{
	k->by_id = malloc(((size_t)k->w->nchunks + 1) * sizeof(*k->by_id));
	if (!k->by_id)
		return casg_err_nomem(err);
	for (uint32_t i = 0; i < k->w->nchunks; i++) {
		int kind = k->w->idx[i].kind;

		if (k->w->chunks[i].state != CASG_WALK_GOOD ||
		    kind == CASG_CHUNK_NODE || kind == CASG_CHUNK_REFS)
			continue;
		k->by_id[k->nby_id].id = k->w->idx[i].id;
		k->by_id[k->nby_id++].chunk = i;
	}
	qsort(k->by_id, k->nby_id, sizeof(*k->by_id), cmp_by_id);
	return 0;
}

/* The first with the id in v[n]; NO_CHUNK when there is none. */
static uint32_t find_by_id(const struct by_id *v, uint32_t n, const struct casg_oid *id)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (casg_oid_cmp(&v[mid].id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && casg_oid_eq(&v[lo].id, id) ? v[lo].chunk : NO_CHUNK;
}

/* The first good chunk of this pack with the id. */
static uint32_t find_here(const struct check *k, const struct casg_oid *id)
{
	return find_by_id(k->by_id, k->nby_id, id);
}

/* What is wrong with another pack, or not there, is no damage of this one. */
static int elsewhere(struct casg_err *err, int rc)
{
	if (rc == CASG_ENOMEM)
		return rc;
	casg_err_prefix(err, "what it refers to cannot be had");
	return err->code = CASG_EABSENT;
}

/* Say where the chunk is, of one line of references. */
static int place_ref(struct check *k, struct casg_walk_ref *r, struct casg_err *err)
{
	struct casg_idx_chunk x;
	char hex[CASG_OID_HEXSZ + 1];
	int rc = 0;

	r->chunk = find_here(k, &r->id);
	if (r->chunk != NO_CHUNK) {
		r->place = CASG_PLACE_HERE;
		x = k->w->idx[r->chunk];
	} else if (k->opts->store) {
		rc = casg_store_find_chunk(k->opts->store, &r->id, &r->pack, &r->chunk, err);
		if (rc > 0) {
			r->place = CASG_PLACE_STORE;
			rc = casg_packidx_chunk(casg_store_idx(k->opts->store, r->pack),
						r->chunk, &x, err);
		}
	}
	if (rc < 0)
		return elsewhere(err, rc);
	if (r->place != CASG_PLACE_NOWHERE && x.nmembers != r->nmembers)
		return casg_err_set(err, CASG_ECORRUPT,
				    "chunk %s has %u members where %u are referred to",
				    casg_oid_hex(&r->id, hex), x.nmembers, r->nmembers);
	return 0;
}

/* Numbers go on through all chunks of references, in the order of the file. */
static int read_refs(struct check *k, struct worker *wk, uint32_t chunk,
		     struct casg_err *err)
{
	struct casg_packwalk *w = k->w;
	struct casg_chunk *ch = NULL;
	size_t had = w->nrefs;
	uint64_t base = had ? w->refs[had - 1].base + w->refs[had - 1].nmembers : 0;
	int rc = load(k, wk, chunk, &ch, err);

	w->chunks[chunk].section = (struct casg_section){ base, 0 };
	if (!rc && CASG_GROW(w->refs, had + ch->nmembers, w->cap_refs))
		rc = casg_err_nomem(err);
	if (!rc)
		memset(w->refs + had, 0, ch->nmembers * sizeof(*w->refs));
	for (uint32_t i = 0; !rc && i < ch->nmembers; i++) {
		const uint8_t *p = ch->data + ch->offset[i];
		struct casg_walk_ref *r = &w->refs[had + i];

		if (casg_chunk_len(ch, i) != CASG_REF_SZ) {
			rc = casg_err_set(err, CASG_ECORRUPT, "member %u is malformed", i);
			break;
		}
		memcpy(r->id.b, p, CASG_OID_RAWSZ);
		r->nmembers = casg_get_le32(p + CASG_OID_RAWSZ);
		r->base = base;
		base += r->nmembers;
		w->nrefs++;
		rc = place_ref(k, r, err);
	}
	if (rc)
		w->nrefs = had;
	w->chunks[chunk].section.n = base - w->chunks[chunk].section.base;
	casg_chunk_free(ch);
	return rc;
}

/* A reference that no chunk of references explains. */
static int no_refs(const struct casg_packwalk *w, struct casg_err *err)
{
	int lost = w->whole.state != 0;

	for (uint32_t i = 0; i < w->nchunks; i++)
		lost |= w->idx[i].kind == CASG_CHUNK_REFS &&
			w->chunks[i].state != CASG_WALK_GOOD;
	if (lost)
		return casg_err_set(err, CASG_EABSENT,
				    "the references of the pack cannot be read");
	return casg_err_set(err, CASG_ECORRUPT, w->nrefs ? "a reference is out of range" :
							   "the pack has no references");
}

static int find_ref(const struct check *k, uint64_t ref, const struct casg_walk_ref **out,
		    uint32_t *member_out, struct casg_err *err)
{
	const struct casg_packwalk *w = k->w;
	const struct casg_walk_ref *r;
	char hex[CASG_OID_HEXSZ + 1];
	size_t lo = 0, hi = w->nrefs;

	if (ref >= NO_REFS || !w->nrefs)
		return no_refs(w, err);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->refs[mid].base <= ref)
			lo = mid + 1;
		else
			hi = mid;
	}
	r = lo ? &w->refs[lo - 1] : NULL;
	if (!r || ref - r->base >= r->nmembers)
		return casg_err_set(err, CASG_ECORRUPT, "a reference is out of range");
	if (r->place == CASG_PLACE_NOWHERE)
		return casg_err_set(err, CASG_EABSENT,
				    "it refers to chunk %s, which is in no pack here%s",
				    casg_oid_hex(&r->id, hex),
				    w->ndamaged ? ", or damaged" : "");
	*out = r;
	*member_out = (uint32_t)(ref - r->base);
	return 0;
}

/* The references that a chunk of this pack may have. */
static int section_here(const struct casg_packwalk *w, uint32_t chunk, struct casg_section *out,
			struct casg_err *err)
{
	uint32_t i = chunk;

	while (i < w->nchunks && w->idx[i].kind != CASG_CHUNK_REFS)
		i++;
	*out = CASG_SECTION_NONE;
	if (i == w->nchunks || w->chunks[i].state != CASG_WALK_GOOD)
		return no_refs(w, err);
	*out = w->chunks[i].section;
	return 0;
}

static int find_ref_in(const struct check *k, struct casg_section section, uint64_t ref,
		       const struct casg_walk_ref **out, uint32_t *member_out,
		       struct casg_err *err)
{
	if (ref >= section.n)
		return casg_err_set(err, CASG_ECORRUPT, "a reference is beyond its section");
	return find_ref(k, section.base + ref, out, member_out, err);
}

/* Of an object in another pack. */
static int info_elsewhere(struct check *k, struct worker *wk, const struct casg_loc *loc,
			  struct casg_objinfo *out, struct casg_err *err)
{
	wk->owned &= !casg_store_borrowed(k->opts->store, loc->pack) &&
		     !casg_store_promised(k->opts->store, loc->pack);
	return casg_store_info(k->opts->store, wk->coder, loc, out, err);
}

/* What a reference of pack 'pack' stands for. */
static int ref_info(struct check *k, struct worker *wk, uint32_t pack, uint64_t ref,
		    struct casg_objinfo *out, struct casg_err *err)
{
	const struct casg_walk_ref *r;
	struct casg_loc loc;
	int rc;

	if (pack != THIS_PACK) {
		rc = casg_store_ref(k->opts->store, wk->coder, pack, ref, &loc, err);
		if (!rc)
			rc = info_elsewhere(k, wk, &loc, out, err);
		return rc ? elsewhere(err, rc) : 0;
	}
	rc = find_ref(k, ref, &r, &loc.member, err);
	if (rc)
		return rc;
	if (r->place == CASG_PLACE_HERE) {
		*out = k->w->objects[k->w->idx[r->chunk].first + loc.member];
		return 0;
	}
	loc.pack = r->pack;
	loc.chunk = r->chunk;
	rc = info_elsewhere(k, wk, &loc, out, err);
	return rc ? elsewhere(err, rc) : 0;
}

/* ---- nodes ------------------------------------------------------------- */

/*
 * The nodes of this pack, as a source for casg_nodes: it may have no index
 * yet, so they are found by number and read from the file.  Others come from
 * the store.
 */
static uint32_t chunk_of_node(const struct casg_packwalk *w, uint32_t number);

static int find_node(void *ctx, const struct casg_oid *id, uint32_t near,
		     struct casg_loc *loc_out, struct casg_err *err)
{
	struct worker *wk = ctx;
	uint32_t number = find_by_id(wk->k->node_ids, wk->k->nnode_ids, id);
	int rc;

	(void)near;
	if (number != NO_CHUNK) {
		const struct casg_idx_node *n = &wk->k->w->nodes[number];

		*loc_out = (struct casg_loc){ THIS_PACK, n->chunk, n->member };
		return 1;
	}
	if (!wk->k->opts->store)
		return 0;
	rc = casg_store_find_node(wk->k->opts->store, id, loc_out, err);
	return rc < 0 ? elsewhere(err, rc) : rc;
}

static int find_node_nth(void *ctx, const struct casg_oid *id, uint32_t nth,
			 struct casg_loc *loc_out, struct casg_err *err)
{
	struct worker *wk = ctx;
	int rc;

	if (!wk->k->opts->store)
		return 0;
	rc = casg_nodes_copy(wk->k->opts->store, id, nth, loc_out, err);
	return rc < 0 ? elsewhere(err, rc) : rc;
}

static int node_number(void *ctx, const struct casg_loc *loc, uint32_t *out,
		       struct casg_err *err)
{
	struct worker *wk = ctx;
	int rc;

	if (loc->pack == THIS_PACK) {
		*out = wk->k->w->chunks[loc->chunk].first_node + loc->member;
		return 0;
	}
	rc = casg_packidx_node_number(casg_store_idx(wk->k->opts->store, loc->pack), loc->chunk,
				      loc->member, out, err);
	return rc ? elsewhere(err, rc) : 0;
}

/* The chunk of this pack that holds the node with this number. */
static uint32_t chunk_of_node(const struct casg_packwalk *w, uint32_t number)
{
	uint32_t lo = 0, hi = w->nchunks;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (w->chunks[mid].first_node <= number)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* behind it, chunks of other kinds may have the same first node */
	while (lo && w->idx[lo - 1].kind != CASG_CHUNK_NODE)
		lo--;
	return lo - 1;
}

static int node_at(void *ctx, uint32_t pack, uint32_t number, struct casg_loc *loc_out,
		   struct casg_oid *id_out, struct casg_err *err)
{
	struct worker *wk = ctx;
	struct casg_packwalk *w = wk->k->w;
	struct casg_idx_node n;
	uint32_t chunk;
	int rc;

	if (pack != THIS_PACK) {
		rc = casg_packidx_node_at(casg_store_idx(wk->k->opts->store, pack), number, &n,
					  err);
		if (rc)
			return elsewhere(err, rc);
		if (loc_out)
			*loc_out = (struct casg_loc){ pack, n.chunk, n.member };
		if (id_out)
			*id_out = n.id;
		return 0;
	}
	chunk = chunk_of_node(w, number);
	if (loc_out)
		*loc_out = (struct casg_loc){ pack, chunk,
					      number - w->chunks[chunk].first_node };
	/* ids are asked for in the second pass, when those before are known */
	if (id_out && !wk->k->known[number])
		return casg_err_set(err, CASG_EABSENT,
				    "what it refers to cannot be had: chunk %u is %s", chunk,
				    w->chunks[chunk].state == CASG_WALK_DAMAGED ? "damaged" : "not settled");
	if (id_out)
		*id_out = w->nodes[number].id;
	return 0;
}

static int hold(struct worker *wk, uint32_t chunk, struct casg_chunk *ch, struct held **out,
		struct casg_err *err)
{
	struct held *h = calloc(1, sizeof(*h)), **p = &wk->held;

	if (!h) {
		casg_chunk_free(ch);
		return casg_err_nomem(err);
	}
	h->ch = ch;
	h->chunk = chunk;
	h->users = 1;
	ch->owner = h;
	while (*p)
		p = &(*p)->next;
	*p = h;
	wk->nheld++;
	*out = h;
	return 0;
}

static int get_nodes(void *ctx, uint32_t pack, uint32_t chunk, const struct casg_chunk **out,
		     struct casg_err *err)
{
	struct worker *wk = ctx;
	struct casg_chunk *ch = NULL;
	struct held *h = wk->held;
	int rc;

	if (pack != THIS_PACK) {
		rc = casg_store_get(wk->k->opts->store, wk->coder, pack, chunk, out, err);
		return rc ? elsewhere(err, rc) : 0;
	}
	while (h && h->chunk != chunk)
		h = h->next;
	if (h) {
		h->users++;
	} else {
		rc = decode(wk->k, wk, chunk, &ch, err);
		if (rc)
			return elsewhere(err, rc);
		rc = hold(wk, chunk, ch, &h, err);
		if (rc)
			return rc;
		release_held(wk, HELD_MAX);
	}
	*out = h->ch;
	return 0;
}

static void put_nodes(void *ctx, const struct casg_chunk *ch)
{
	struct worker *wk = ctx;

	if (!ch)
		return;
	for (struct held *h = wk->held; h; h = h->next)
		if (h->ch == ch) {
			h->users--;
			return;
		}
	casg_store_put(wk->k->opts->store, ch);
}

/* Interior nodes need none. */
static int node_section(void *ctx, uint32_t pack, uint32_t chunk, struct casg_section *out,
			struct casg_err *err)
{
	struct worker *wk = ctx;
	int rc;

	if (pack == THIS_PACK) {
		section_here(wk->k->w, chunk, out, NULL);
		return 0;
	}
	rc = casg_store_section(wk->k->opts->store, wk->coder, pack, chunk, out, err);
	return rc ? elsewhere(err, rc) : 0;
}

static int node_id(struct check *k, struct worker *wk, const struct casg_node *n,
		   struct casg_oid *id_out, struct casg_err *err)
{
	struct casg_hasher *h = casg_coder_hasher(wk->coder);

	for (uint32_t i = 0; i < n->count; i++) {
		struct casg_entry e;
		struct casg_objinfo o;
		int rc;

		if (n->level) {
			casg_child_hash(h, &n->children[i], &wk->hashes[i]);
			continue;
		}
		e = n->entries[i];
		rc = ref_info(k, wk, e.pack, e.ref, &o, err);
		if (rc)
			return casg_err_prefix(err, "entry %u", i);
		e.oid = o.id;
		e.length = o.nbytes;
		casg_entry_hash(h, &e, &wk->hashes[i]);
	}
	casg_node_id(h, n->kind, n->level, n->count, wk->hashes, id_out);
	return 0;
}

/* A leaf whose sequences were all found. */
static void tell_leaf(struct check *k, struct worker *wk, const struct casg_node *n,
		      const struct casg_oid *id)
{
	const struct casg_entry *a, *b;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid hash;
	struct casg_child c;

	if (n->level || !n->count || casg_treer_check(n, id, NULL, 0, 0, &err))
		return;
	for (uint32_t i = 0; i < n->count; i++)
		if (!n->entries[i].desc)
			return;
	a = n->entries;
	b = a + n->count - 1;
	c = (struct casg_child){ a->key, a->klen, a->occurrence, b->key, b->klen, b->occurrence,
				 n->count, *id };
	casg_child_hash(casg_coder_hasher(wk->coder), &c, &hash);
	k->opts->leaf(k->opts->leaf_ctx, &hash);
}

static int check_node(struct check *k, struct worker *wk, const struct casg_loc *loc,
		      struct casg_oid *id_out, struct casg_err *err)
{
	const struct casg_tnode *t;
	int rc = casg_nodes_at(wk->nodes, loc, &t, err);

	if (rc)
		return rc;
	wk->owned = 1;
	rc = node_id(k, wk, &t->node, id_out, err);
	if (!rc && wk->owned && k->opts->leaf)
		tell_leaf(k, wk, &t->node, id_out);
	casg_nodes_put(wk->nodes, t);
	return rc;
}

/* The members of a chunk that are leaves, or those that are not. */
static int check_level(struct check *k, struct worker *wk, uint32_t chunk,
		       const struct casg_chunk *ch, int leaves, struct casg_err *err)
{
	struct casg_idx_node *out = k->w->nodes + k->w->chunks[chunk].first_node;
	uint8_t *known = k->known + k->w->chunks[chunk].first_node;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < ch->nmembers; i++) {
		const struct casg_loc loc = { THIS_PACK, chunk, i };
		/* the second byte of the structure is the level */
		int is_leaf = ch->column[i * CASG_COLUMNS] < 2 || !ch->data[ch->offset[i] + 1];

		if (is_leaf != leaves || known[i])
			continue;
		out[i].chunk = chunk;
		out[i].member = i;
		rc = check_node(k, wk, &loc, &out[i].id, err);
		if (rc)
			casg_err_prefix(err, "member %u", i);
		else
			known[i] = 1;
	}
	return rc;
}

static struct casg_nodes *make_nodes(struct check *k, struct worker *wk)
{
	const struct casg_nodes_source src = {
		.ctx = wk, .find = find_node, .find_nth = find_node_nth, .number = node_number, .at = node_at,
		.get = get_nodes, .put = put_nodes, .section = node_section,
	};

	wk->k = k;
	return casg_nodes_new_from(&src);
}

/*
 * Leaves need the ids of sequences, and bases only as they are: any order
 * will do.  Interior nodes need the ids of nodes before them in the pack.
 */
static int check_leaves(struct check *k, struct worker *wk, uint32_t chunk,
			struct casg_err *err)
{
	struct casg_chunk *ch = NULL;
	struct held *h = NULL;
	int rc = load(k, wk, chunk, &ch, err);

	if (rc) {
		casg_chunk_free(ch);
		return rc;
	}
	rc = hold(wk, chunk, ch, &h, err);
	if (rc)
		return rc;
	rc = check_level(k, wk, chunk, ch, 1, err);
	h->users--;
	release_held(wk, HELD_MAX);
	return rc;
}

static int check_interior(struct check *k, struct worker *wk, uint32_t chunk,
			  struct casg_err *err)
{
	const struct casg_walk_chunk *c = &k->w->chunks[chunk];
	const struct casg_chunk *ch;
	int rc;

	/* most chunks hold leaves only, and those are known */
	if (!memchr(k->known + c->first_node, 0, k->w->idx[chunk].nmembers))
		return 0;
	rc = get_nodes(wk, THIS_PACK, chunk, &ch, err);
	if (rc)
		return rc;
	rc = check_level(k, wk, chunk, ch, 0, err);
	put_nodes(wk, ch);
	return rc;
}

static size_t pick(const struct casg_packwalk *w, unsigned int kinds, int state, uint32_t *out);

/* Sort the ids of the nodes that are known. */
static int collect_nodes(struct check *k, struct casg_err *err)
{
	uint32_t n = 0;

	if (!k->node_ids)
		k->node_ids = malloc(((size_t)k->w->nnodes + 1) * sizeof(*k->node_ids));
	if (!k->node_ids)
		return casg_err_nomem(err);
	for (uint32_t i = 0; i < k->w->nnodes; i++)
		if (k->known[i])
			k->node_ids[n++] = (struct by_id){ k->w->nodes[i].id, i };
	qsort(k->node_ids, n, sizeof(*k->node_ids), cmp_by_id);
	k->nnode_ids = n;
	return 0;
}

static uint32_t count_known(const struct check *k)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < k->w->nnodes; i++)
		n += k->known[i];
	return n;
}

/*
 * Chunks in whose nodes something could not be had are checked again, as long
 * as more nodes come to be known by it.  'list' holds n of them, and is used.
 */
static int check_nodes(struct check *k, uint32_t *list, size_t n,
		       void (*how)(struct check *k, const uint32_t *chunks, size_t n,
				   int (*fn)(struct check *, struct worker *, uint32_t,
					     struct casg_err *)),
		       int (*fn)(struct check *, struct worker *, uint32_t,
				 struct casg_err *),
		       struct casg_err *err)
{
	uint32_t before, known = count_known(k);
	int rc = 0;

	do {
		before = known;
		k->tentative = 1;
		how(k, list, n, fn);
		k->tentative = 0;
		known = count_known(k);
		n = pick(k->w, 1 << CASG_CHUNK_NODE, CASG_WALK_UNCHECKED, list);
		if (n)
			rc = collect_nodes(k, err);
	} while (!rc && n && known > before);
	if (!rc && n)
		how(k, list, n, fn);
	return rc;
}

/* ---- piece lists ------------------------------------------------------- */

/* The chunk of this pack that holds a piece; lists run through chunks in order. */
static int piece_chunk(struct check *k, struct worker *wk, uint32_t chunk,
		       const struct casg_chunk **out, struct casg_err *err)
{
	int rc = 0;

	if (wk->piece_chunk != chunk) {
		casg_chunk_free(wk->piece);
		wk->piece = NULL;
		wk->piece_chunk = NO_CHUNK;
		rc = decode(k, wk, chunk, &wk->piece, err);
		if (!rc)
			wk->piece_chunk = chunk;
	}
	*out = wk->piece;
	return rc;
}

static int hash_piece(struct worker *wk, const struct casg_chunk *ch, uint32_t member,
		      uint64_t nbytes, struct casg_err *err)
{
	if (ch->kind != CASG_CHUNK_SEQ && ch->kind != CASG_CHUNK_BLOB)
		return casg_err_set(err, CASG_ECORRUPT, "a piece is not a sequence or blob");
	if (casg_chunk_len(ch, member) != nbytes)
		return casg_err_set(err, CASG_ECORRUPT,
				    "a piece has another length than listed");
	casg_hasher_update(wk->whole, ch->data + ch->offset[member], (size_t)nbytes);
	return 0;
}

/* Of one that is not here by choice its length is known: 1, and the whole is not. */
static int promised_piece(struct check *k, struct worker *wk, const struct casg_loc *loc,
			  uint64_t nbytes, struct casg_err *err)
{
	struct casg_objinfo info;
	int rc = casg_store_info(k->opts->store, wk->coder, loc, &info, err);

	if (rc)
		return elsewhere(err, rc);
	if (err)
		err->code = 0;
	return info.nbytes == nbytes ? 1 :
	       casg_err_set(err, CASG_ECORRUPT, "a piece has another length than listed");
}

static int add_piece(struct check *k, struct worker *wk, const struct casg_piece *p,
		     struct casg_section section, struct casg_err *err)
{
	const struct casg_walk_ref *r;
	const struct casg_chunk *ch;
	uint32_t member;
	int rc = find_ref_in(k, section, p->ref, &r, &member, err);

	if (rc)
		return rc;
	if (r->place == CASG_PLACE_HERE) {
		rc = piece_chunk(k, wk, r->chunk, &ch, err);
		return rc ? rc : hash_piece(wk, ch, member, p->nbytes, err);
	}
	rc = casg_store_get(k->opts->store, wk->coder, r->pack, r->chunk, &ch, err);
	if (rc == CASG_EABSENT && k->opts->may_lack && casg_store_promised(k->opts->store, r->pack))
		return promised_piece(k, wk, &(struct casg_loc){ r->pack, r->chunk, member }, p->nbytes,
				      err);
	if (rc)
		return elsewhere(err, rc);
	rc = member < ch->nmembers ? hash_piece(wk, ch, member, p->nbytes, err) :
	     casg_err_set(err, CASG_ECORRUPT, "a reference is out of range");
	casg_store_put(k->opts->store, ch);
	return rc;
}

/* The same piece's bytes, appended. */
static int piece_bytes(struct check *k, struct worker *wk, struct casg_section section,
		       uint64_t ref, struct casg_buf *out, struct casg_err *err)
{
	const struct casg_walk_ref *r;
	const struct casg_chunk *ch;
	struct casg_loc loc;
	int rc = find_ref_in(k, section, ref, &r, &loc.member, err);

	if (rc)
		return rc;
	if (r->place == CASG_PLACE_HERE) {
		rc = piece_chunk(k, wk, r->chunk, &ch, err);
		if (!rc)
			casg_buf_add(out, ch->data + ch->offset[loc.member],
				     (size_t)casg_chunk_len(ch, loc.member));
		return rc;
	}
	loc.pack = r->pack;
	loc.chunk = r->chunk;
	rc = casg_store_read(k->opts->store, wk->coder, &loc, 0, UINT64_MAX, out, NULL, err);
	return rc ? elsewhere(err, rc) : 0;
}

/* The SHA-256 of all pieces, one after the other, is the id. */
static int check_wholes(struct check *k, struct worker *wk, uint32_t chunk,
			struct casg_err *err)
{
	struct casg_chunk *ch = NULL;
	struct casg_oid id;
	struct casg_section section;
	int rc = section_here(k->w, chunk, &section, err);

	if (!rc)
		rc = decode(k, wk, chunk, &ch, err);
	for (uint32_t i = 0; !rc && i < ch->nmembers; i++) {
		struct casg_list *l = &wk->list;

		rc = casg_list_decode(l, ch->data + ch->offset[i],
				      (size_t)casg_chunk_len(ch, i), err);
		casg_hasher_init(wk->whole);
		for (size_t j = 0; rc >= 0 && j < l->npieces; j++) {
			int r = add_piece(k, wk, &l->pieces[j], section, err);

			rc = r < 0 ? r : rc | r;
		}
		if (rc > 0) {
			rc = 0;
		} else if (!rc) {
			casg_hasher_final(wk->whole, &id);
			if (!casg_oid_eq(&id, &l->id))
				rc = casg_err_set(err, CASG_ECORRUPT,
						  "the pieces do not add up to the whole");
		}
		if (rc)
			casg_err_prefix(err, "member %u", i);
	}
	casg_chunk_free(ch);
	return rc;
}

/* ---- orders ------------------------------------------------------------ */

static int put_together(struct check *k, struct worker *wk, const struct casg_oid *id, int depth,
			struct casg_whole *w, struct casg_err *err);

/* The object 'member' of a chunk of this pack, whatever form it has. */
static int put_member(struct check *k, struct worker *wk, uint32_t chunk, uint32_t member,
		      int depth, struct casg_whole *w, struct casg_err *err)
{
	struct casg_buf piece = CASG_BUF_INIT;
	struct casg_list l = { 0 };
	struct casg_orderdelta d;
	struct casg_chunk *ch = NULL;
	struct casg_section section = { 0, 0 };
	int rc = decode(k, wk, chunk, &ch, err);
	const uint8_t *m = rc ? NULL : ch->data + ch->offset[member];
	size_t n = rc ? 0 : (size_t)casg_chunk_len(ch, member);

	if (!rc && ch->kind == CASG_CHUNK_ORDER) {
		rc = casg_orderdelta_decode(&d, m, n, err);
		if (!rc)
			rc = put_together(k, wk, &d.base, depth + 1, w, err);
		if (!rc)
			rc = casg_whole_apply(w, d.delta, d.delta_n, err);
	} else if (!rc && ch->kind == CASG_CHUNK_LIST) {
		rc = casg_list_decode(&l, m, n, err);
		if (!rc)
			rc = section_here(k->w, chunk, &section, err);
		for (size_t i = 0; i < l.npieces && !rc; i++) {
			casg_buf_reset(&piece);
			rc = piece_bytes(k, wk, section, l.pieces[i].ref, &piece, err);
			if (!rc)
				rc = casg_whole_add(w, piece.data, piece.len, err);
		}
		if (!rc)
			rc = casg_whole_end(w, err);
	} else if (!rc) {
		rc = casg_whole_add(w, m, n, err);
		if (!rc)
			rc = casg_whole_end(w, err);
	}
	casg_list_release(&l);
	casg_buf_release(&piece);
	casg_chunk_free(ch);
	return rc;
}

/* An order or presentation, from this pack or the store. */
static int put_together(struct check *k, struct worker *wk, const struct casg_oid *id, int depth,
			struct casg_whole *w, struct casg_err *err)
{
	const struct casg_packwalk *walk = k->w;
	char hex[CASG_OID_HEXSZ + 1];
	int rc;

	if (depth > CASG_ORDERDELTA_DEPTH)
		return casg_err_set(err, CASG_ECORRUPT, "a chain of orders is too long");
	/* few packs have orders, and those have few other objects than sequences */
	for (uint32_t i = 0; i < walk->nchunks; i++) {
		const struct casg_idx_chunk *x = &walk->idx[i];

		if (walk->chunks[i].state != CASG_WALK_GOOD ||
		    (x->kind != CASG_CHUNK_ORDER && x->kind != CASG_CHUNK_BLOB &&
		     x->kind != CASG_CHUNK_LIST))
			continue;
		for (uint32_t m = 0; m < x->nmembers; m++)
			if (casg_oid_eq(&walk->objects[x->first + m].id, id)) {
				rc = put_member(k, wk, i, m, depth, w, err);
				return rc ? elsewhere(err, rc) : 0;
			}
	}
	if (!k->opts->store)
		return casg_err_set(err, CASG_EABSENT, "it rests on order %s, which is in no pack here",
				    casg_oid_hex(id, hex));
	rc = casg_blobr_whole(casg_blobr_open(k->opts->store, wk->coder, id, err), w, err);
	return rc ? elsewhere(err, rc) : 0;
}

/* What the differences make is what the member says. */
static int check_orders(struct check *k, struct worker *wk, uint32_t chunk,
			struct casg_err *err)
{
	const struct casg_idx_chunk *x = &k->w->idx[chunk];
	struct casg_rankroom room;
	struct casg_whole w;
	int rc = 0;

	casg_rankroom_init(&room, 0, NULL);
	if (k->opts->store)
		casg_store_rankroom(k->opts->store, &room);
	for (uint32_t i = 0; i < x->nmembers && !rc; i++) {
		const struct casg_objinfo *o = &k->w->objects[x->first + i];

		casg_whole_init(&w, &room);
		rc = put_member(k, wk, chunk, i, 0, &w, err);
		if (!rc)
			rc = casg_whole_check(&w, casg_coder_hasher(wk->coder), &o->id, o->nbytes,
					      err);
		casg_whole_release(&w);
		if (rc)
			casg_err_prefix(err, "member %u", i);
	}
	return rc;
}

/* ---- all of it --------------------------------------------------------- */

/* The chunks of the given kinds (a bit each) in the given state. */
static size_t pick(const struct casg_packwalk *w, unsigned int kinds, int state,
		   uint32_t *out)
{
	size_t n = 0;

	for (uint32_t i = 0; i < w->nchunks; i++)
		if (w->idx[i].kind <= CASG_CHUNK_KIND_MAX && (kinds >> w->idx[i].kind & 1) &&
		    w->chunks[i].state == state)
			out[n++] = i;
	return n;
}

enum {
	LISTS = 1 << CASG_CHUNK_LIST, NODES = 1 << CASG_CHUNK_NODE,
	REFS = 1 << CASG_CHUNK_REFS,
	ORDERS = 1 << CASG_CHUNK_ORDER,
	OBJECTS = 1 << CASG_CHUNK_SEQ | 1 << CASG_CHUNK_BLOB | LISTS | ORDERS
};

static int check_full(struct check *k, uint32_t *list, struct casg_err *err)
{
	struct casg_packwalk *w = k->w;
	int rc;

	w->objects = calloc((size_t)w->nobjects + 1, sizeof(*w->objects));
	w->nodes = calloc((size_t)w->nnodes + 1, sizeof(*w->nodes));
	k->known = calloc((size_t)w->nnodes + 1, 1);
	if (!w->objects || !w->nodes || !k->known)
		return casg_err_nomem(err);
	run(k, list, pick(w, OBJECTS, CASG_WALK_UNCHECKED, list), check_objects);
	rc = collect_by_id(k, err);
	if (rc)
		return rc;
	casg_packwalk_count(w);
	check_in_order(k, list, pick(w, REFS, CASG_WALK_UNCHECKED, list), read_refs);
	rc = check_nodes(k, list, pick(w, NODES, CASG_WALK_UNCHECKED, list), run, check_leaves,
			 err);
	if (!rc)
		rc = check_nodes(k, list, pick(w, NODES, CASG_WALK_GOOD, list), check_in_order,
				 check_interior, err);
	if (rc)
		return rc;
	run(k, list, pick(w, LISTS, CASG_WALK_GOOD, list), check_wholes);
	run(k, list, pick(w, ORDERS, CASG_WALK_GOOD, list), check_orders);
	return 0;
}

/* A chunk whose own bytes are good: are those that it takes literals from? */
static int check_needed(struct check *k, struct worker *wk, uint32_t chunk,
			struct casg_err *err)
{
	uint32_t distance[CASG_SCRIPT_BASES_MAX], n = 0;
	int rc = read_raw(k, chunk, &wk->raw, err);

	if (!rc)
		rc = casg_chunk_needs(wk->coder, wk->raw.data, wk->raw.len, distance, &n, err);
	for (uint32_t i = 0; i < n && !rc; i++)
		if (distance[i] > chunk || k->bad[chunk - distance[i]])
			rc = casg_err_set(err, CASG_ECORRUPT, "it needs chunk %lld, which is damaged",
					  (long long)chunk - distance[i]);
	return rc;
}

/*
 * The quick check.  What rests on a damaged chunk cannot be read either; to know
 * that, what each needs is only looked at if there is one.
 */
static int check_sums(struct check *k, uint32_t *list, struct casg_err *err)
{
	struct casg_packwalk *w = k->w;
	uint8_t *bad = calloc((size_t)w->nchunks + 1, 1);
	size_t n = 0, nbad = 0;

	if (!bad)
		return casg_err_nomem(err);
	run(k, list, pick(w, ~0u, CASG_WALK_UNCHECKED, list), check_quick);
	for (uint32_t i = 0; i < w->nchunks; i++) {
		bad[i] = w->chunks[i].state != CASG_WALK_GOOD;
		nbad += bad[i];
		if (!bad[i] && casg_layout_is_matched(w->chunks[i].layout))
			list[n++] = i;
	}
	k->bad = bad;
	if (nbad)
		run(k, list, n, check_needed);
	free(bad);
	return 0;
}

int casg_packwalk_check(struct casg_packwalk *w, const struct casg_packwalk_opts *opts,
			struct casg_err *err)
{
	struct check k = { .w = w, .opts = opts };
	uint32_t *list = malloc(((size_t)w->nchunks + 1) * sizeof(*list));
	int rc = list ? make_workers(&k, err) : casg_err_nomem(err);

	if (!rc && opts->quick)
		rc = check_sums(&k, list, err);
	else if (!rc)
		rc = check_full(&k, list, err);
	casg_packwalk_count(w);
	release_workers(&k);
	free(k.by_id);
	free(k.known);
	free(k.node_ids);
	free(list);
	return rc;
}
