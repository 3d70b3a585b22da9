#include "store_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "io.h"

/* ---- chunks ------------------------------------------------------------ */

/* It may have gone to quarantine, or come back, since it was opened. */
static int open_moved(struct casg_store *s, struct pack *p)
{
	const struct casg_packfiles *f = &s->folders[p->folder];
	const char *const dirs[] = { f->packs_dir, f->quarantine_dir };
	int fd = -1;

	for (int i = 0; i < 2 && fd < 0 && dirs[i]; i++) {
		char *path = casg_packfiles_path(dirs[i], &p->id, "pack");

		fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		free(path);
	}
	return fd;
}

static int pack_fd(struct casg_store *s, struct pack *p, struct casg_err *err)
{
	int fd;

	pthread_mutex_lock(&s->lock);
	if (p->fd < 0) {
		p->fd = open(p->path, O_RDONLY | O_CLOEXEC);
		if (p->fd < 0 && errno == ENOENT)
			p->fd = open_moved(s, p);
		if (p->fd < 0)
			casg_err_sys(err, errno, "cannot open '%s'", p->path);
	}
	fd = p->fd;
	pthread_mutex_unlock(&s->lock);
	return fd;
}

/* Has it become one of a partial clone (casg-drop-pack) since it was opened? */
static int has_become_promised(struct casg_store *s, struct pack *p)
{
	char *idx;
	int there;

	if (!s->opts.promised || p->folder || !access(p->path, F_OK))
		return 0;
	idx = casg_packfiles_path(casg_promised_dir(s->opts.promised), &p->id, "idx");
	there = idx && !access(idx, F_OK);
	free(idx);
	if (there)
		__atomic_store_n(&p->promised, 1, __ATOMIC_RELAXED);
	return there;
}

int casg_store_raw(struct casg_store *s, uint32_t pack, uint32_t chunk,
		   struct casg_buf *out, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	struct casg_idx_chunk e;
	size_t got;
	int fd, rc = casg_packidx_chunk(&p->x, chunk, &e, err);

	if (rc)
		return casg_err_prefix(err, "index of '%s'", p->path);
	if (e.nbytes < CASG_CHUNK_HEADSZ || e.nbytes > 2 * CASG_CHUNK_RAW_MAX)
		return casg_err_set(err, CASG_ECORRUPT,
				    "index of '%s': chunk %u has an impossible length",
				    p->path, chunk);
	fd = __atomic_load_n(&p->promised, __ATOMIC_RELAXED) ? -1 : pack_fd(s, p, err);
	if (fd < 0 && !__atomic_load_n(&p->promised, __ATOMIC_RELAXED) && !has_become_promised(s, p))
		return CASG_EIO;
	if (fd < 0) {
		rc = casg_promised_raw(s->opts.promised, &p->x, chunk, &e, out, err);
		return rc ? rc : casg_buf_check(out, err);
	}
	if (casg_buf_grow(out, (size_t)e.nbytes))
		return casg_err_nomem(err);
	rc = casg_pread_full(fd, out->data + out->len, (size_t)e.nbytes, e.offset, &got, err);
	if (!rc && got < e.nbytes)
		rc = casg_err_set(err, CASG_ECORRUPT, "the file is cut short");
	if (rc)
		return casg_err_prefix(err, "pack '%s', chunk %u", p->path, chunk);
	out->len += (size_t)e.nbytes;
	return 0;
}

static int check_id(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		    uint32_t chunk, struct casg_chunk *ch, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	struct casg_idx_chunk e;
	struct casg_oid id;
	int rc = casg_packidx_chunk(&p->x, chunk, &e, err);

	if (!rc)
		rc = casg_chunk_hash(c, ch, err);
	if (rc)
		return rc;
	casg_chunk_id(casg_coder_hasher(c), ch->oids, ch->nmembers, &id);
	if (!casg_oid_eq(&id, &e.id) || ch->kind != e.kind)
		return casg_err_set(err, CASG_ECORRUPT, "its content does not match its id");
	__atomic_store_n(&p->sound[chunk], 1, __ATOMIC_RELAXED);
	return 0;
}

/* The literals of a chunk, or with a level (then > 0) what its script makes. */
static int read_base(struct casg_store_place *at, struct casg_coder *c, uint8_t *level,
		     struct casg_buf *out, struct casg_err *err)
{
	const struct casg_chunk_bases bases = casg_store_bases(at);
	struct casg_buf raw = CASG_BUF_INIT;
	struct casg_store *s = at->s;
	uint32_t pack = at->pack, chunk = at->chunk;
	struct casg_idx_chunk e;
	int rc;

	/* once more, if it was damaged and can be had anew */
	for (int i = 0; i < 2; i++) {
		casg_buf_reset(&raw);
		casg_buf_reset(out);
		rc = casg_store_raw(s, pack, chunk, &raw, err);
		if (!rc)
			rc = level ? casg_chunk_made(c, raw.data, raw.len, &bases, out, level, err)
				   : casg_chunk_literals(c, raw.data, raw.len, out, err);
		if (!rc || !s->packs[pack].promised ||
		    casg_packidx_chunk(&s->packs[pack].x, chunk, &e, NULL) ||
		    !casg_promised_drop(s->opts.promised, &e.id))
			break;
	}
	casg_buf_release(&raw);
	return rc;
}

static int get_literals(void *ctx, struct casg_coder *c, uint32_t distance, int made,
			struct casg_literals **out, struct casg_err *err)
{
	const struct casg_store_place *at = ctx;
	struct casg_store_place base = { at->s, at->pack, at->chunk - distance, at->depth + 1 };
	struct casg_buf bytes = CASG_BUF_INIT;
	uint8_t level = 0;
	int rc;

	if (distance > at->chunk)
		return casg_err_set(err, CASG_ECORRUPT, "it needs a chunk before the first");
	*out = casg_litcache_get(at->s->literals, at->pack, base.chunk, made);
	if (*out)
		return 0;
	rc = read_base(&base, c, made ? &level : NULL, &bytes, err);
	if (!rc)
		return casg_litcache_add(at->s->literals, at->pack, base.chunk, level, &bytes, out,
					 err);
	casg_buf_release(&bytes);
	return casg_err_prefix(err, "chunk %u, which it needs", base.chunk);
}

static void put_literals(void *ctx, struct casg_literals *l)
{
	const struct casg_store_place *at = ctx;

	casg_litcache_put(at->s->literals, l);
}

struct casg_chunk_bases casg_store_bases(struct casg_store_place *place)
{
	return (struct casg_chunk_bases){ get_literals, put_literals, place, place->depth };
}

/* 'ids': the members' ids are wanted, so they are compared in any case. */
static int load_once(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		     uint32_t chunk, int ids, struct casg_chunk **out, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	struct casg_store_place place = { s, pack, chunk, 0 };
	struct casg_buf raw = CASG_BUF_INIT;
	struct casg_chunk *ch = NULL;
	struct casg_chunk_bases bases;
	int rc = casg_store_raw(s, pack, chunk, &raw, err);

	if (rc) {
		casg_buf_release(&raw);
		return rc;
	}
	bases = casg_store_bases(&place);
	rc = casg_chunk_decode(c, raw.data, raw.len, &bases, &ch, err);
	casg_buf_release(&raw);
	if (!rc && (ids || !__atomic_load_n(&p->sound[chunk], __ATOMIC_RELAXED)))
		rc = check_id(s, c, pack, chunk, ch, err);
	if (rc) {
		casg_chunk_free(ch);
		return casg_err_prefix(err, "pack '%s', chunk %u", p->path, chunk);
	}
	*out = ch;
	return 0;
}

/* What a partial clone has kept, damaged, is had anew. */
static int load_here(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		     uint32_t chunk, int ids, struct casg_chunk **out, struct casg_err *err)
{
	int rc = load_once(s, c, pack, chunk, ids, out, err);
	struct casg_idx_chunk e;

	if (!rc || !s->packs[pack].promised || rc == CASG_ENOMEM ||
	    casg_packidx_chunk(&s->packs[pack].x, chunk, &e, NULL) ||
	    !casg_promised_drop(s->opts.promised, &e.id))
		return rc;
	rc = load_once(s, c, pack, chunk, ids, out, err);
	if (!rc && err)
		err->code = 0;
	return rc;
}

/*
 * What is damaged in one pack may be whole in another: the same id is the same
 * content, except of chunks that refer to others by the numbers of their pack.
 */
static int load(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		uint32_t chunk, int ids, struct casg_chunk **out, struct casg_err *err)
{
	int rc = load_here(s, c, pack, chunk, ids, out, err);
	struct casg_idx_chunk e;
	uint32_t other;

	if (!rc || rc == CASG_ENOMEM ||
	    casg_packidx_chunk(&s->packs[pack].x, chunk, &e, NULL) ||
	    (e.kind != CASG_CHUNK_SEQ && e.kind != CASG_CHUNK_BLOB))
		return rc;
	for (uint32_t i = 0; i < s->npacks; i++)
		if (i != pack && !casg_store_need_index(s, i, NULL) &&
		    casg_packidx_find_chunk(&s->packs[i].x, &e.id, &other, NULL) > 0 &&
		    !load_here(s, c, i, other, ids, out, NULL)) {
			casg_store_found(rc, err);
			return 0;
		}
	return rc;
}

int casg_store_load(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		    uint32_t chunk, struct casg_chunk **out, struct casg_err *err)
{
	return load(s, c, pack, chunk, 1, out, err);
}

int casg_store_was_read(const struct casg_store *s, uint32_t pack, uint32_t chunk)
{
	return __atomic_load_n(&s->packs[pack].sound[chunk], __ATOMIC_RELAXED);
}

int casg_store_was_opened(const struct casg_store *s, uint32_t pack)
{
	return __atomic_load_n(&s->packs[pack].opened, __ATOMIC_ACQUIRE);
}

/* What was in memory counts as read, in what says what is worth keeping. */
static void count_hit(struct casg_store *s, uint32_t pack, uint32_t chunk)
{
	struct casg_idx_chunk e;

	if (s->packs[pack].promised && !casg_packidx_chunk(&s->packs[pack].x, chunk, &e, NULL) &&
	    e.kind == CASG_CHUNK_SEQ)
		casg_promised_in_memory(s->opts.promised, &e.id);
}

static int get(struct casg_store *s, struct casg_coder *c, uint32_t pack, uint32_t chunk,
	       int ids, const struct casg_chunk **out, struct casg_err *err)
{
	struct casg_chunk *ch;
	struct casg_cached *e;
	int rc;

	pthread_mutex_lock(&s->lock);
	e = casg_memcache_get(&s->cache, pack, chunk);
	if (e && ids && !e->ch->oids && casg_chunk_hash(c, e->ch, err)) {
		casg_memcache_put(&s->cache, e);
		pthread_mutex_unlock(&s->lock);
		return CASG_ENOMEM;
	}
	pthread_mutex_unlock(&s->lock);
	if (e) {
		count_hit(s, pack, chunk);
		*out = e->ch;
		return 0;
	}
	rc = load(s, c, pack, chunk, ids, &ch, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&s->lock);
	e = casg_memcache_look(&s->cache, pack, chunk);
	if (e) { /* another thread was faster */
		if (!e->ch->oids) {
			e->ch->oids = ch->oids;
			ch->oids = NULL;
		}
		casg_chunk_free(ch);
		e->users++;
	} else {
		e = casg_memcache_add(&s->cache, pack, chunk, ch);
		if (!e) {
			pthread_mutex_unlock(&s->lock);
			casg_chunk_free(ch);
			return casg_err_nomem(err);
		}
	}
	pthread_mutex_unlock(&s->lock);
	*out = e->ch;
	return 0;
}

int casg_store_get(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		   uint32_t chunk, const struct casg_chunk **out, struct casg_err *err)
{
	return get(s, c, pack, chunk, 1, out, err);
}

int casg_store_get_plain(struct casg_store *s, struct casg_coder *c, uint32_t pack,
			 uint32_t chunk, const struct casg_chunk **out,
			 struct casg_err *err)
{
	return get(s, c, pack, chunk, 0, out, err);
}

void casg_store_put(struct casg_store *s, const struct casg_chunk *ch)
{
	if (!ch)
		return;
	pthread_mutex_lock(&s->lock);
	casg_memcache_put(&s->cache, ch->owner);
	pthread_mutex_unlock(&s->lock);
}

/* The chunk of a place, unless it need not be asked for: 1 or 0. */
static int to_ask(struct casg_store *s, const struct casg_loc *loc, struct casg_promised_ask *out)
{
	struct pack *p = &s->packs[loc->pack];
	int there;

	if (!p->promised || casg_packidx_chunk(&p->x, loc->chunk, &out->e, NULL))
		return 0;
	pthread_mutex_lock(&s->lock);
	there = casg_memcache_look(&s->cache, loc->pack, loc->chunk) != NULL;
	pthread_mutex_unlock(&s->lock);
	out->x = &p->x;
	out->chunk = loc->chunk;
	return !there;
}

void casg_store_want(struct casg_store *s, const struct casg_loc *locs, size_t stride, size_t n)
{
	struct casg_promised_ask *asks;
	size_t *order, *first, nasks = 0;
	long ngroups;

	if (!s->opts.promised || !n)
		return;
	order = malloc(n * sizeof(*order));
	first = malloc((n + 1) * sizeof(*first));
	asks = malloc(n * sizeof(*asks));
	ngroups = order && first && asks ? casg_group_by_chunk(locs, stride, n, order, first) : 0;
	for (long g = 0; g < ngroups; g++)
		nasks += (size_t)to_ask(s, (const struct casg_loc *)(const void *)
					((const char *)locs + order[first[g]] * stride), &asks[nasks]);
	if (nasks)
		casg_promised_want(s->opts.promised, asks, nasks);
	free(order);
	free(first);
	free(asks);
}
