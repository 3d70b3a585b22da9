#include "promised.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "chunk.h"
#include "chunkfile.h"
#include "io.h"
#include "oidset.h"

#define BUCKETS 1024u
#define RUNS 64u                       /* packs that may be read from end to end at once */
#define AHEAD_CHUNKS 64u
#define AHEAD_NBYTES ((uint64_t)8 << 20)

/* A chunk that has come and was not read yet. */
struct arrival {
	struct casg_oid id;
	uint8_t *p;
	size_t n;
	int asked;       /* for itself, not ahead */
	struct arrival *next;
};

struct casg_promised {
	struct casg_promised_opts o;
	char *dir, *chunks_dir;
	struct casg_diskcache *cache; /* opened when it is needed */
	int cache_tried;
	uint64_t memory_hits;
	struct casg_coder *coder;     /* made when it is needed */
	struct arrival *arrivals[BUCKETS];
	uint64_t held;
	struct casg_oidset dropped;   /* were damaged here; another thread may have read them before */
	struct run {
		struct casg_oid pack;
		uint32_t next;   /* the chunk behind those that came */
		unsigned n;      /* times that this was the one */
	} runs[RUNS];
	pthread_mutex_t lock;    /* of all that */
	pthread_mutex_t asking;  /* taken first */
};

int casg_promised_open(struct casg_promised **out, const struct casg_promised_opts *opts,
		       struct casg_err *err)
{
	struct casg_promised *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (!p)
		return casg_err_nomem(err);
	p->o = *opts;
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->asking, NULL);
	p->dir = strdup(opts->dir);
	if (asprintf(&p->chunks_dir, "%s/chunks", opts->dir) < 0)
		p->chunks_dir = NULL;
	if (!p->dir || !p->chunks_dir) {
		casg_promised_close(p);
		return casg_err_nomem(err);
	}
	*out = p;
	return 0;
}

static void forget_arrivals(struct casg_promised *p)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (p->arrivals[i]) {
			struct arrival *a = p->arrivals[i];

			p->arrivals[i] = a->next;
			free(a->p);
			free(a);
		}
	p->held = 0;
}

void casg_promised_close(struct casg_promised *p)
{
	if (!p)
		return;
	if (p->cache)
		casg_diskcache_count_memory(p->cache, p->memory_hits);
	casg_diskcache_close(p->cache);
	casg_coder_free(p->coder);
	forget_arrivals(p);
	casg_oidset_release(&p->dropped);
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->asking);
	free(p->dir);
	free(p->chunks_dir);
	free(p);
}

const char *casg_promised_dir(const struct casg_promised *p)
{
	return p->dir;
}

static int cmp_id(const void *a, const void *b)
{
	return casg_oid_cmp(a, b);
}

int casg_promised_list(const struct casg_promised *p, struct casg_oid **ids_out, size_t *n_out,
		       struct casg_err *err)
{
	const size_t stem = 5 + CASG_OID_HEXSZ;
	struct casg_oid *ids = NULL, id;
	size_t n = 0, cap = 0;
	struct dirent *e;
	DIR *d = opendir(p->dir);
	int rc = 0;

	*ids_out = NULL;
	*n_out = 0;
	if (!d)
		return errno == ENOENT ? 0 : casg_err_sys(err, errno, "cannot open '%s'", p->dir);
	while (!rc && (e = readdir(d))) {
		if (strncmp(e->d_name, "pack-", 5) || strlen(e->d_name) != stem + 4 ||
		    (strcmp(e->d_name + stem, ".idx") &&
		     (!p->o.unchecked || strcmp(e->d_name + stem, ".new"))) ||
		    casg_oid_parse(&id, e->d_name + 5, CASG_OID_HEXSZ))
			continue;
		if (CASG_GROW(ids, n + 1, cap))
			rc = casg_err_nomem(err);
		else
			ids[n++] = id;
	}
	closedir(d);
	if (rc) {
		free(ids);
		return rc;
	}
	if (n)
		qsort(ids, n, sizeof(*ids), cmp_id);
	*ids_out = ids;
	*n_out = n;
	return 0;
}

/* ---- what is here ---- */

int casg_promised_kept(const struct casg_promised *p, const struct casg_oid *chunk_id)
{
	struct casg_buf path = CASG_BUF_INIT;
	int there = !access(casg_chunkfile_path(&path, p->chunks_dir, chunk_id), F_OK);

	casg_buf_release(&path);
	return there;
}

/* 1, or 0: of another length is none. */
static int read_kept(const struct casg_promised *p, const struct casg_oid *id, uint64_t nbytes,
		     struct casg_buf *out)
{
	struct casg_buf path = CASG_BUF_INIT;
	int fd = open(casg_chunkfile_path(&path, p->chunks_dir, id), O_RDONLY | O_CLOEXEC);
	size_t got = 0;
	int good = fd >= 0 && !casg_buf_grow(out, (size_t)nbytes + 1) &&
		   !casg_read_full(fd, out->data + out->len, (size_t)nbytes + 1, &got, NULL) &&
		   got == nbytes;

	if (good)
		out->len += got;
	if (fd >= 0)
		close(fd);
	casg_buf_release(&path);
	return good;
}

/* With the lock held.  NULL: there is none, which costs time only. */
static struct casg_diskcache *cache(struct casg_promised *p)
{
	if (!p->cache_tried && p->o.cache.dir) {
		p->cache_tried = 1;
		if (casg_diskcache_open(&p->cache, &p->o.cache, NULL))
			p->cache = NULL;
	}
	return p->cache;
}

static struct arrival **find_arrival(struct casg_promised *p, const struct casg_oid *id)
{
	struct arrival **at = &p->arrivals[casg_oid_prefix(id) % BUCKETS];

	while (*at && !casg_oid_eq(&(*at)->id, id))
		at = &(*at)->next;
	return at;
}

/* What waits in memory is read once: then it is in the store's cache. */
static int take_arrival(struct casg_promised *p, const struct casg_oid *id, struct casg_buf *out)
{
	struct arrival **at = find_arrival(p, id), *a = *at;

	if (!a)
		return 0;
	casg_buf_add(out, a->p, a->n);
	*at = a->next;
	p->held -= a->n;
	if (cache(p))
		casg_diskcache_missed(p->cache, id, !a->asked);
	free(a->p);
	free(a);
	return !out->failed;
}

int casg_promised_here(struct casg_promised *p, const struct casg_oid *chunk_id)
{
	int here = casg_promised_kept(p, chunk_id);

	if (here)
		return 1;
	pthread_mutex_lock(&p->lock);
	here = *find_arrival(p, chunk_id) || (cache(p) && casg_diskcache_has(p->cache, chunk_id));
	pthread_mutex_unlock(&p->lock);
	return here;
}

void casg_promised_in_memory(struct casg_promised *p, const struct casg_oid *chunk_id)
{
	__atomic_add_fetch(&p->memory_hits, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&p->lock);
	if (cache(p))
		casg_diskcache_touch(p->cache, chunk_id);
	pthread_mutex_unlock(&p->lock);
}

int casg_promised_drop(struct casg_promised *p, const struct casg_oid *chunk_id)
{
	struct casg_buf path = CASG_BUF_INIT;
	int was;

	pthread_mutex_lock(&p->lock);
	was = !unlink(casg_chunkfile_path(&path, p->chunks_dir, chunk_id));
	casg_buf_release(&path);
	if (cache(p) && casg_diskcache_has(p->cache, chunk_id)) {
		casg_diskcache_drop(p->cache, chunk_id);
		was = 1;
	}
	/* without memory for it, the worst is that it is not tried again */
	if (was)
		casg_oidset_add(&p->dropped, chunk_id, NULL);
	else
		was = casg_oidset_find(&p->dropped, chunk_id, NULL);
	pthread_mutex_unlock(&p->lock);
	return was;
}

/* ---- what comes ---- */

struct fetching {
	struct casg_promised *p;
	const struct casg_promised_ask *asks;
	size_t nwanted;          /* the first; the others are read ahead */
	struct casg_buf *first;  /* where ask 0 goes; NULL: it waits as the others do */
	int has_first;
	struct casg_promised_ask *more; /* what those that came rest on */
	size_t nmore, cap_more;
};

static void hold(struct casg_promised *p, const struct casg_oid *id, const uint8_t *bytes,
		 size_t n, int asked)
{
	struct arrival **at = find_arrival(p, id), *a;

	if (*at)
		return;
	a = calloc(1, sizeof(*a));
	if (!a || !(a->p = malloc(n))) {
		free(a);
		return;
	}
	memcpy(a->p, bytes, n);
	a->id = *id;
	a->n = n;
	a->asked = asked;
	*at = a;
	p->held += n;
}

/* Chunks of its pack that it cannot be decoded without, and that are not here. */
static void note_bases(struct fetching *f, const struct casg_promised_ask *a,
		       const uint8_t *bytes, size_t n)
{
	uint32_t distances[CASG_SCRIPT_BASES_MAX], nbases = 0;
	struct casg_promised *p = f->p;

	if (!casg_layout_is_matched(a->e.layout))
		return;
	if (!p->coder)
		p->coder = casg_coder_new();
	if (!p->coder || casg_chunk_needs(p->coder, bytes, n, distances, &nbases, NULL))
		return;
	for (uint32_t k = 0; k < nbases; k++) {
		struct casg_promised_ask base = { .x = a->x, .chunk = a->chunk - distances[k] };

		if (distances[k] > a->chunk || casg_packidx_chunk(a->x, base.chunk, &base.e, NULL) ||
		    casg_promised_kept(p, &base.e.id) || *find_arrival(p, &base.e.id) ||
		    (cache(p) && casg_diskcache_has(p->cache, &base.e.id)) ||
		    CASG_GROW(f->more, f->nmore + 1, f->cap_more))
			continue;
		f->more[f->nmore++] = base;
	}
}

static void got(void *ctx, size_t i, const uint8_t *bytes, size_t n)
{
	struct fetching *f = ctx;
	const struct casg_promised_ask *a = &f->asks[i];

	pthread_mutex_lock(&f->p->lock);
	if (cache(f->p))
		casg_diskcache_put(f->p->cache, &a->e.id, bytes, n);
	note_bases(f, a, bytes, n);
	if (!i && f->first) {
		casg_buf_add(f->first, bytes, n);
		f->has_first = !f->first->failed;
	} else {
		hold(f->p, &a->e.id, bytes, n, i < f->nwanted);
	}
	pthread_mutex_unlock(&f->p->lock);
}

/*
 * Ask, and then for what that rests on, which rests on nothing in its turn, as
 * only its literals are needed.
 */
static int ask(struct fetching *f, size_t n, struct casg_err *err)
{
	struct fetching bases = { .p = f->p };
	int rc = f->p->o.fetch(f->p->o.ctx, f->asks, n, got, f, err);

	bases.asks = f->more;
	if (!rc && f->nmore)
		f->p->o.fetch(f->p->o.ctx, f->more, f->nmore, got, &bases, NULL);
	free(f->more);
	free(bases.more);
	return rc;
}

/* What follows in the pack, when it is read from one end towards the other. */
static size_t add_ahead(struct casg_promised *p, struct casg_packidx *x,
			struct casg_promised_ask *asks, size_t n)
{
	uint32_t chunk = asks[0].chunk;
	struct run *r = &p->runs[casg_oid_prefix(&x->pack_id) % RUNS];
	uint64_t nbytes = asks[0].e.nbytes, most = AHEAD_NBYTES;
	unsigned ahead;

	if (most > p->o.hold_nbytes / 2)
		most = p->o.hold_nbytes / 2;
	if (!casg_oid_eq(&r->pack, &x->pack_id) || r->next != chunk)
		r->n = 0;
	else if (r->n < 6)
		r->n++;
	ahead = r->n ? 1u << r->n : 0;
	r->pack = x->pack_id;
	r->next = chunk + 1;
	for (; ahead && n <= AHEAD_CHUNKS && r->next < x->nchunks; ahead--, n++, r->next++) {
		struct casg_promised_ask *a = &asks[n];

		a->x = x;
		a->chunk = r->next;
		if (casg_packidx_chunk(x, r->next, &a->e, NULL) ||
		    nbytes + a->e.nbytes > most || a->e.kind != CASG_CHUNK_SEQ ||
		    casg_promised_kept(p, &a->e.id) || *find_arrival(p, &a->e.id) ||
		    (cache(p) && casg_diskcache_has(p->cache, &a->e.id)))
			break;
		nbytes += a->e.nbytes;
	}
	return n;
}

static int fetch_one(struct casg_promised *p, struct casg_packidx *x, uint32_t chunk,
		     const struct casg_idx_chunk *e, struct casg_buf *out, struct casg_err *err)
{
	char pack[CASG_OID_HEXSZ + 1], hex[CASG_OID_HEXSZ + 1];
	struct casg_promised_ask *asks = calloc(AHEAD_CHUNKS + 1, sizeof(*asks));
	struct fetching f = { .p = p, .asks = asks, .nwanted = 1, .first = out };
	size_t n = 1;
	int rc = 0;

	if (!asks)
		return casg_err_nomem(err);
	asks[0] = (struct casg_promised_ask){ x, *e, chunk };
	pthread_mutex_lock(&p->lock);
	n = add_ahead(p, x, asks, n);
	if (p->held > p->o.hold_nbytes / 2)
		forget_arrivals(p);
	pthread_mutex_unlock(&p->lock);
	if (p->o.fetch)
		rc = ask(&f, n, err);
	free(asks);
	if (f.has_first) {
		if (err)
			err->code = 0;
		return 0;
	}
	casg_oid_hex(&x->pack_id, pack);
	casg_oid_hex(&e->id, hex);
	if (rc)
		return casg_err_prefix(err, "chunk %s of pack %s is not here by choice (a partial clone), and cannot be had",
				       hex, pack);
	return casg_err_set(err, CASG_EABSENT,
			    "chunk %s of pack %s is not here by choice (a partial clone), and no storage gives it",
			    hex, pack);
}

int casg_promised_raw(struct casg_promised *p, struct casg_packidx *x, uint32_t chunk,
		      const struct casg_idx_chunk *e, struct casg_buf *out, struct casg_err *err)
{
	size_t before = out->len;
	int rc = read_kept(p, &e->id, e->nbytes, out);

	if (rc)
		return 0;
	pthread_mutex_lock(&p->lock);
	rc = take_arrival(p, &e->id, out) ||
	     (cache(p) && casg_diskcache_get(p->cache, &e->id, e->nbytes, out));
	pthread_mutex_unlock(&p->lock);
	if (rc)
		return 0;
	pthread_mutex_lock(&p->asking);
	/* another thread may have asked for it meanwhile */
	pthread_mutex_lock(&p->lock);
	rc = take_arrival(p, &e->id, out);
	pthread_mutex_unlock(&p->lock);
	out->len = rc ? out->len : before;
	rc = rc ? 0 : fetch_one(p, x, chunk, e, out, err);
	pthread_mutex_unlock(&p->asking);
	return rc;
}

void casg_promised_want(struct casg_promised *p, const struct casg_promised_ask *asks, size_t n)
{
	struct casg_promised_ask *absent = malloc((n + 1) * sizeof(*absent));
	struct fetching f = { .p = p, .asks = absent };
	struct casg_err err = CASG_ERR_INIT;
	uint64_t nbytes = 0;

	if (!absent || !p->o.fetch) {
		free(absent);
		return;
	}
	pthread_mutex_lock(&p->asking);
	for (size_t i = 0; i < n && nbytes < p->o.hold_nbytes; i++) {
		if (casg_promised_here(p, &asks[i].e.id))
			continue;
		absent[f.nwanted++] = asks[i];
		nbytes += asks[i].e.nbytes;
	}
	pthread_mutex_lock(&p->lock);
	if (p->held + nbytes > p->o.hold_nbytes)
		forget_arrivals(p);
	for (size_t i = 0; f.nwanted > 1 && i < f.nwanted && cache(p); i++)
		casg_diskcache_touch(p->cache, &absent[i].e.id);
	pthread_mutex_unlock(&p->lock);
	/* one that lies alone is asked for when it is read, with what may follow it */
	if (f.nwanted > 1)
		ask(&f, f.nwanted, &err);
	pthread_mutex_unlock(&p->asking);
	free(absent);
}
