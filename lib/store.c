#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "endian.h"
#include "io.h"
#include "map.h"
#include "orderdelta.h"
#include "packdir.h"
#include "packfiles.h"
#include "tmpfile.h"

struct ref_entry {
	uint64_t base;      /* number of its first member */
	struct casg_oid id;
	uint32_t nmembers;
	uint64_t place;     /* (pack + 1) << 32 | chunk; 0: not resolved yet */
};

struct pack {
	struct casg_oid id;
	char *path;
	int fd;
	uint8_t quarantined; /* that is where it was found when opened */
	uint16_t folder;     /* of the store: 0, or one of a lender */
	uint8_t back;        /* and in packs/ since */
	struct casg_map map; /* of the index */
	struct casg_packidx x;
	/* references: loaded on first use */
	struct ref_entry *refs;
	size_t nrefs;
	uint64_t *refs_base;       /* what each chunk of references adds to its numbers; the sum */
	int refs_loaded;
	/* objects' ids: from a .objects file, or recomputed into scratch by chunk */
	struct casg_map ids_map;
	struct casg_blocks ids_blocks;
	int has_ids_file;
	int ids_fd;          /* >= 0: read instead of mapped */
	uint8_t *scratch;    /* nobjects entries, sparse; not mapped: scratch_fd */
	int scratch_fd;      /* >= 0: read and written instead of mapped */
	size_t scratch_nbytes;
	uint8_t *have;       /* a flag a chunk */
	uint8_t *sound;      /* a flag a chunk: its id was recomputed here */
};

struct cached {
	struct casg_chunk *ch;
	uint32_t pack, chunk;
	unsigned int users;
	uint64_t nbytes;
	struct cached *hash_next;
	struct cached *newer, *older;
};

#define CACHE_BUCKETS 4096

enum { DIR_PACKS_MIN = 3, DIR_FINDS_MIN = 8192 };

struct casg_store {
	struct casg_store_opts opts;
	struct pack *packs;
	size_t npacks, cap;
	size_t nquarantined;  /* packs that were there when they were opened */
	struct casg_packfiles *folders; /* ours, and those of the lenders */
	size_t nfolders;
	struct casg_err unusable; /* why a pack was left out, with opts.lenient */
	int revive;           /* hits bring packs back */
	uint64_t ids_mapped;  /* bytes of .objects files in memory maps */
	struct casg_packdir *dir; /* built once there are many look-ups */
	uint32_t nfinds;
	pthread_mutex_t lock; /* cache, refs and scratch creation */
	struct cached *buckets[CACHE_BUCKETS];
	struct cached *newest, *oldest;
	uint64_t cache_nbytes;
};

static void update_dir(struct casg_store *s, uint32_t pack);
static int found(int failed, struct casg_err *err);
static void back_in_use(struct casg_store *s, uint32_t pack);

/* ---- opening ----------------------------------------------------------- */

static void close_pack(struct pack *p)
{
	if (p->fd >= 0)
		close(p->fd);
	if (p->ids_fd >= 0)
		close(p->ids_fd);
	casg_packidx_release(&p->x);
	casg_map_close(&p->map);
	casg_blocks_release(&p->ids_blocks);
	casg_map_close(&p->ids_map);
	if (p->scratch_fd >= 0)
		close(p->scratch_fd);
	else if (p->scratch)
		munmap(p->scratch, p->scratch_nbytes);
	free(p->have);
	free(p->sound);
	free(p->refs);
	free(p->refs_base);
	free(p->path);
}

/*
 * Mapped pages count as our memory; beyond this much, .objects files are read
 * entry by entry.
 */
#define IDS_MAPPED_MAX ((uint64_t)128 << 20)

/* A .objects file that is missing or damaged only costs time. */
static void open_ids(struct casg_store *s, struct pack *p)
{
	const struct casg_place start = { 0, 0 };
	char *path;

	if (!s->opts.index_dir)
		return;
	path = casg_packfiles_path(s->opts.index_dir, &p->id, "objects");
	if (!path)
		return;
	p->ids_fd = s->ids_mapped > IDS_MAPPED_MAX ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (p->ids_fd >= 0) {
		p->has_ids_file = 1;
	} else if (!casg_map_open(&p->ids_map, path, NULL)) {
		s->ids_mapped += p->ids_map.size;
		if (!casg_blocks_init(&p->ids_blocks, p->ids_map.data,
				      p->ids_map.size, NULL) &&
		    p->ids_blocks.nblocks ==
			    casg_place_blocks(casg_place_after(start, p->x.nobjects,
							       CASG_OBJINFO_SZ)))
			p->has_ids_file = 1;
	}
	free(path);
}

/*
 * Map the index of a pack in 'dir'; CASG_EABSENT when there is none.  One that
 * is being moved to quarantine has its index in packs/ for a moment.
 */
static int map_index(struct casg_store *s, struct pack *p, const char *dir,
		     struct casg_err *err)
{
	char *idx = casg_packfiles_path(dir, &p->id, "idx");
	int rc = idx ? casg_map_open(&p->map, idx, err) : casg_err_nomem(err);

	if (rc == CASG_EABSENT && p->quarantined) {
		free(idx);
		idx = casg_packfiles_path(s->folders[p->folder].packs_dir, &p->id, "idx");
		rc = idx ? casg_map_open(&p->map, idx, err) : casg_err_nomem(err);
	}
	if (rc == CASG_EABSENT)
		casg_err_prefix(err, "a pack has no index (casg index-pack rebuilds it)");
	if (!rc) {
		rc = casg_packidx_open(&p->x, p->map.data, p->map.size, err);
		if (!rc && !casg_oid_eq(&p->x.pack_id, &p->id))
			rc = casg_err_set(err, CASG_ECORRUPT,
					  "it is the index of another pack");
		if (rc)
			casg_err_prefix(err, "cannot use '%s' (casg index-pack rebuilds it)",
					idx);
	}
	free(idx);
	return rc;
}

static int open_pack_in(struct casg_store *s, const struct casg_oid *id, size_t folder,
			int quarantined, struct casg_err *err)
{
	const struct casg_packfiles *f = &s->folders[folder];
	const char *dir = quarantined ? f->quarantine_dir : f->packs_dir;
	struct pack *p;
	int rc;

	if (CASG_GROW(s->packs, s->npacks + 1, s->cap))
		return casg_err_nomem(err);
	p = &s->packs[s->npacks];
	memset(p, 0, sizeof(*p));
	p->fd = p->ids_fd = p->scratch_fd = -1;
	p->id = *id;
	p->quarantined = (uint8_t)quarantined;
	p->folder = (uint16_t)folder;
	p->path = casg_packfiles_path(dir, id, "pack");
	rc = p->path ? map_index(s, p, dir, err) : casg_err_nomem(err);
	if (!rc) {
		p->sound = calloc(p->x.nchunks + 1u, 1);
		rc = p->sound ? 0 : casg_err_nomem(err);
	}
	if (rc) {
		close_pack(p);
		return rc;
	}
	open_ids(s, p);
	s->npacks++;
	s->nquarantined += (size_t)quarantined;
	update_dir(s, (uint32_t)s->npacks - 1);
	return 0;
}

/* 1: it is not in packs/ (any more). */
static int open_pack(struct casg_store *s, const struct casg_oid *id, size_t folder,
		     struct casg_err *err)
{
	int rc = open_pack_in(s, id, folder, 0, err);
	char *path;

	if (rc != CASG_EABSENT)
		return rc;
	/* without its index, or on its way to quarantine? */
	path = casg_packfiles_path(s->folders[folder].packs_dir, id, "pack");
	if (!path)
		return casg_err_nomem(err);
	rc = access(path, F_OK) ? 1 : rc;
	free(path);
	return rc;
}

static int make_folders(struct casg_store *s, struct casg_err *err)
{
	size_t n = s->opts.nlenders;

	/* a pack has 16 bits for it; Git has no more than that either */
	if (n >= UINT16_MAX)
		return casg_err_set(err, CASG_ECORRUPT, "too many alternates");
	s->folders = calloc(n + 1, sizeof(*s->folders));
	if (!s->folders)
		return casg_err_nomem(err);
	s->nfolders = n + 1;
	s->folders[0].packs_dir = s->opts.packs_dir;
	s->folders[0].quarantine_dir = s->opts.quarantine_dir;
	for (size_t i = 1; i <= n; i++) {
		char *packs = NULL, *quarantine = NULL;

		if (asprintf(&packs, "%s/packs", s->opts.lenders[i - 1]) < 0 ||
		    asprintf(&quarantine, "%s/quarantine", s->opts.lenders[i - 1]) < 0)
			return casg_err_nomem(err);
		s->folders[i].packs_dir = packs;
		s->folders[i].quarantine_dir = quarantine;
	}
	return 0;
}

static void free_folders(struct casg_store *s)
{
	for (size_t i = 1; i < s->nfolders; i++) {
		free((char *)(uintptr_t)s->folders[i].packs_dir);
		free((char *)(uintptr_t)s->folders[i].quarantine_dir);
	}
	free(s->folders);
}

int casg_store_open(struct casg_store **store_out, const struct casg_store_opts *opts,
		    struct casg_err *err)
{
	struct casg_store *s = calloc(1, sizeof(*s));
	int rc;

	*store_out = NULL;
	if (!s)
		return casg_err_nomem(err);
	s->opts = *opts;
	pthread_mutex_init(&s->lock, NULL);
	rc = make_folders(s, err);
	if (!rc)
		rc = casg_store_rescan(s, err);
	if (rc) {
		casg_store_close(s);
		return rc;
	}
	*store_out = s;
	return 0;
}

/* For when something is not found. */
static void keep_reason(struct casg_store *s, int rc, const struct casg_err *err)
{
	if (err)
		s->unusable = *err;
	else
		casg_err_set(&s->unusable, rc, "a pack cannot be used");
}

/* To leave it out, with the reason kept, or to fail. */
static int leave_out(struct casg_store *s, int rc, const struct casg_err *err)
{
	if (rc >= 0 || rc == CASG_ENOMEM || !(s->opts.skip_unindexed || s->opts.lenient))
		return rc;
	if (!s->opts.skip_unindexed)
		keep_reason(s, rc, err);
	return 0;
}

/* 1: some pack was gone before it could be opened. */
static int scan_packs(struct casg_store *s, size_t folder, struct casg_err *err)
{
	struct casg_oid *ids;
	size_t n;
	uint32_t known;
	int gone = 0, rc = casg_packfiles_list(s->folders[folder].packs_dir, &ids, &n, err);

	if (rc && folder)
		rc = leave_out(s, casg_err_prefix(err, "packs that are borrowed"), err);
	for (size_t i = 0; i < n && !rc; i++) {
		if (casg_store_find_pack(s, &ids[i], &known)) {
			if (s->packs[known].folder == folder)
				back_in_use(s, known);
			continue;
		}
		rc = leave_out(s, open_pack(s, &ids[i], folder, err), err);
		gone |= rc > 0;
		rc = rc < 0 ? rc : 0;
	}
	free(ids);
	return rc ? rc : gone;
}

static int scan_quarantine(struct casg_store *s, size_t folder, struct casg_err *err)
{
	struct casg_oid *ids;
	size_t n;
	uint32_t known;
	int rc = casg_packfiles_list(s->folders[folder].quarantine_dir, &ids, &n, err);

	if (rc && (rc == CASG_EABSENT || folder))
		return 0;
	for (size_t i = 0; i < n && !rc; i++) {
		if (casg_store_find_pack(s, &ids[i], &known))
			continue;
		/* what cannot be used there is not missed until it is needed */
		rc = open_pack_in(s, &ids[i], folder, 1, err) == CASG_ENOMEM ? CASG_ENOMEM : 0;
	}
	free(ids);
	return rc;
}

/* When the quarantine changed last; 'now' is later if that was just now. */
static struct timespec quarantine_time(const struct casg_store *s)
{
	struct timespec now;
	struct stat st;

	if (!s->opts.quarantine_dir || stat(s->opts.quarantine_dir, &st))
		return (struct timespec){ 0, 0 };
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - st.st_mtim.tv_sec > 1 ? st.st_mtim : now;
}

int casg_store_rescan(struct casg_store *s, struct casg_err *err)
{
	enum { TRIES = 3 };
	struct timespec before, after;
	int rc;

	if (s->opts.empty)
		return 0;
	/* what moves from one folder to the other meanwhile is seen the next time */
	for (int i = 0; i < TRIES; i++) {
		before = quarantine_time(s);
		rc = 0;
		for (size_t f = 0; f < s->nfolders && rc >= 0; f++) {
			int r = scan_packs(s, f, err);

			rc = r < 0 ? r : rc | r;
		}
		if (rc < 0)
			return rc;
		for (size_t f = 0; f < s->nfolders; f++)
			if (s->folders[f].quarantine_dir && scan_quarantine(s, f, err))
				return CASG_ENOMEM;
		after = quarantine_time(s);
		if (!rc && before.tv_sec == after.tv_sec && before.tv_nsec == after.tv_nsec)
			break;
	}
	if (err)
		err->code = 0;
	return 0;
}

void casg_store_close(struct casg_store *s)
{
	if (!s)
		return;
	while (s->newest) {
		struct cached *e = s->newest;

		s->newest = e->older;
		casg_chunk_free(e->ch);
		free(e);
	}
	for (size_t i = 0; i < s->npacks; i++)
		close_pack(&s->packs[i]);
	free(s->packs);
	free_folders(s);
	casg_packdir_free(s->dir);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int casg_store_add_pack(struct casg_store *s, const struct casg_oid *pack_id,
			struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];
	uint32_t known;
	int rc;

	if (casg_store_find_pack(s, pack_id, &known)) {
		if (!s->packs[known].folder)
			back_in_use(s, known);
		return 0;
	}
	rc = open_pack(s, pack_id, 0, err);
	return rc <= 0 ? rc : casg_err_set(err, CASG_EABSENT, "pack %s is not here any more",
					   casg_oid_hex(pack_id, hex));
}

/* ---- quarantine -------------------------------------------------------- */

void casg_store_revive(struct casg_store *s)
{
	s->revive = 1;
}

static int in_quarantine(const struct pack *p)
{
	return p->quarantined && !__atomic_load_n(&p->back, __ATOMIC_RELAXED);
}

int casg_store_borrowed(const struct casg_store *s, uint32_t pack)
{
	return s->packs[pack].folder != 0;
}

int casg_store_quarantined(const struct casg_store *s, uint32_t pack)
{
	return in_quarantine(&s->packs[pack]);
}

/* Its file has been seen in packs/. */
static void back_in_use(struct casg_store *s, uint32_t pack)
{
	__atomic_store_n(&s->packs[pack].back, 1, __ATOMIC_RELAXED);
}

int casg_store_settle(struct casg_store *s, uint32_t pack, struct casg_err *err)
{
	const struct casg_packfiles f = s->folders[s->packs[pack].folder];
	char *path;
	int rc = 0;

	if (f.quarantine_dir) {
		pthread_mutex_lock(&s->lock);
		rc = casg_packfiles_revive(&f, &s->packs[pack].id, err);
		if (!rc)
			back_in_use(s, pack);
		pthread_mutex_unlock(&s->lock);
		return rc;
	}
	path = casg_packfiles_path(f.packs_dir, &s->packs[pack].id, "pack");
	if (!path)
		return casg_err_nomem(err);
	if (access(path, F_OK))
		rc = casg_err_sys(err, errno, "cannot find '%s'", path);
	free(path);
	return rc;
}

/* What a search that found something in 'pack' gives: 1, or a failure. */
static int hit(struct casg_store *s, uint32_t pack, struct casg_err *err)
{
	int rc = s->revive && in_quarantine(&s->packs[pack]) ?
		 casg_store_settle(s, pack, err) : 0;

	return rc ? rc : 1;
}

/* Ours first, then what is borrowed, at last what is in quarantine. */
enum { TURNS = 3 };

static size_t turn(const struct pack *p)
{
	return p->quarantined ? 2 : p->folder != 0;
}

/*
 * The packs in the order of searching: in each turn the newest first.  *at
 * starts as 0; 1 and a pack, or 0 at the end.
 */
static int next_pack(const struct casg_store *s, size_t *at, uint32_t *pack_out)
{
	size_t n = s->npacks, turns = s->nquarantined || s->nfolders > 1 ? TURNS : 1;

	for (; *at < turns * n; ++*at) {
		size_t i = n - 1 - *at % n;

		if (turns == 1 || turn(&s->packs[i]) == *at / n) {
			*pack_out = (uint32_t)i;
			++*at;
			return 1;
		}
	}
	return 0;
}

uint32_t casg_store_npacks(const struct casg_store *s)
{
	return (uint32_t)s->npacks;
}

struct casg_packidx *casg_store_idx(struct casg_store *s, uint32_t pack)
{
	return &s->packs[pack].x;
}

const char *casg_store_pack_path(const struct casg_store *s, uint32_t pack)
{
	return s->packs[pack].path;
}

int casg_store_find_pack(const struct casg_store *s, const struct casg_oid *id,
			 uint32_t *pack_out)
{
	for (size_t i = 0; i < s->npacks; i++)
		if (casg_oid_eq(&s->packs[i].id, id)) {
			*pack_out = (uint32_t)i;
			return 1;
		}
	return 0;
}

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
	fd = pack_fd(s, p, err);
	if (fd < 0)
		return CASG_EIO;
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

/* 'ids': the members' ids are wanted, so they are compared in any case. */
static int load_here(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		     uint32_t chunk, int ids, struct casg_chunk **out, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	struct casg_buf raw = CASG_BUF_INIT;
	struct casg_chunk *ch = NULL;
	int rc = casg_store_raw(s, pack, chunk, &raw, err);

	if (rc) {
		casg_buf_release(&raw);
		return rc;
	}
	rc = casg_chunk_decode(c, raw.data, raw.len, &ch, err);
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
		if (i != pack && casg_packidx_find_chunk(&s->packs[i].x, &e.id, &other, NULL) > 0 &&
		    !load_here(s, c, i, other, ids, out, NULL)) {
			found(rc, err);
			return 0;
		}
	return rc;
}

int casg_store_load(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		    uint32_t chunk, struct casg_chunk **out, struct casg_err *err)
{
	return load(s, c, pack, chunk, 1, out, err);
}

static unsigned int bucket(uint32_t pack, uint32_t chunk)
{
	return (pack * 2654435761u + chunk * 40503u) % CACHE_BUCKETS;
}

static void unlink_lru(struct casg_store *s, struct cached *e)
{
	if (e->newer)
		e->newer->older = e->older;
	else
		s->newest = e->older;
	if (e->older)
		e->older->newer = e->newer;
	else
		s->oldest = e->newer;
}

static void make_newest(struct casg_store *s, struct cached *e)
{
	e->newer = NULL;
	e->older = s->newest;
	if (s->newest)
		s->newest->newer = e;
	else
		s->oldest = e;
	s->newest = e;
}

static struct cached *lookup(struct casg_store *s, uint32_t pack, uint32_t chunk)
{
	struct cached *e = s->buckets[bucket(pack, chunk)];

	while (e && (e->pack != pack || e->chunk != chunk))
		e = e->hash_next;
	return e;
}

static void evict(struct casg_store *s)
{
	struct cached *e = s->oldest;

	while (e && s->cache_nbytes > s->opts.cache_nbytes) {
		struct cached *newer = e->newer;

		if (!e->users) {
			struct cached **at = &s->buckets[bucket(e->pack, e->chunk)];

			while (*at != e)
				at = &(*at)->hash_next;
			*at = e->hash_next;
			unlink_lru(s, e);
			s->cache_nbytes -= e->nbytes;
			casg_chunk_free(e->ch);
			free(e);
		}
		e = newer;
	}
}

static int get(struct casg_store *s, struct casg_coder *c, uint32_t pack, uint32_t chunk,
	       int ids, const struct casg_chunk **out, struct casg_err *err)
{
	struct casg_chunk *ch;
	struct cached *e;
	int rc;

	pthread_mutex_lock(&s->lock);
	e = lookup(s, pack, chunk);
	if (e && ids && !e->ch->oids && casg_chunk_hash(c, e->ch, err)) {
		pthread_mutex_unlock(&s->lock);
		return CASG_ENOMEM;
	}
	if (e) {
		e->users++;
		unlink_lru(s, e);
		make_newest(s, e);
		pthread_mutex_unlock(&s->lock);
		*out = e->ch;
		return 0;
	}
	pthread_mutex_unlock(&s->lock);
	rc = load(s, c, pack, chunk, ids, &ch, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&s->lock);
	e = lookup(s, pack, chunk);
	if (e) { /* another thread was faster */
		if (!e->ch->oids) {
			e->ch->oids = ch->oids;
			ch->oids = NULL;
		}
		casg_chunk_free(ch);
		e->users++;
	} else {
		e = calloc(1, sizeof(*e));
		if (!e) {
			pthread_mutex_unlock(&s->lock);
			casg_chunk_free(ch);
			return casg_err_nomem(err);
		}
		e->ch = ch;
		ch->owner = e;
		e->pack = pack;
		e->chunk = chunk;
		e->users = 1;
		e->nbytes = ch->offset[ch->nmembers] +
			    (uint64_t)ch->nmembers * (8 + CASG_OID_RAWSZ);
		e->hash_next = s->buckets[bucket(pack, chunk)];
		s->buckets[bucket(pack, chunk)] = e;
		make_newest(s, e);
		s->cache_nbytes += e->nbytes;
		evict(s);
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
	struct cached *e;

	if (!ch)
		return;
	pthread_mutex_lock(&s->lock);
	e = ch->owner;
	e->users--;
	evict(s);
	pthread_mutex_unlock(&s->lock);
}

/* ---- references -------------------------------------------------------- */

/* The lines of one chunk of references, the count of members behind *base. */
static int read_refs(const struct casg_chunk *ch, struct ref_entry *v, uint64_t *base)
{
	for (uint32_t i = 0; i < ch->nmembers; i++) {
		const uint8_t *m = ch->data + ch->offset[i];

		if (casg_chunk_len(ch, i) != CASG_REF_SZ)
			return -1;
		memcpy(v[i].id.b, m, CASG_OID_RAWSZ);
		v[i].nmembers = casg_get_le32(m + CASG_OID_RAWSZ);
		v[i].base = *base;
		*base += v[i].nmembers;
	}
	return 0;
}

struct refs {
	struct ref_entry *v;
	size_t n, cap;
	uint64_t *base; /* of each chunk of references, and behind the last */
};

static int read_sections(struct casg_store *s, struct casg_coder *c, uint32_t pack,
			 struct refs *r, struct casg_err *err)
{
	struct casg_packidx *x = &s->packs[pack].x;
	uint64_t base = 0;
	int rc = 0;

	r->base = calloc((size_t)x->nrefs + 1, sizeof(*r->base));
	if (!r->base)
		return casg_err_nomem(err);
	for (uint32_t k = 0; k < x->nrefs && !rc; k++) {
		struct casg_chunk *ch = NULL;

		r->base[k] = base;
		rc = casg_store_load(s, c, pack, x->refs[k], &ch, err);
		if (!rc && CASG_GROW(r->v, r->n + ch->nmembers, r->cap))
			rc = casg_err_nomem(err);
		if (!rc) {
			memset(r->v + r->n, 0, ch->nmembers * sizeof(*r->v));
			if (read_refs(ch, r->v + r->n, &base))
				rc = casg_err_set(err, CASG_ECORRUPT,
						  "pack '%s': malformed references",
						  s->packs[pack].path);
			r->n += ch->nmembers;
		}
		casg_chunk_free(ch);
	}
	r->base[x->nrefs] = base;
	return rc;
}

static int load_refs(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		     struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	struct refs r = { NULL, 0, 0, NULL };
	int rc;

	if (__atomic_load_n(&p->refs_loaded, __ATOMIC_ACQUIRE))
		return 0;
	if (!p->x.nrefs)
		return casg_err_set(err, CASG_ECORRUPT, "pack '%s' has no references",
				    p->path);
	rc = read_sections(s, c, pack, &r, err);
	pthread_mutex_lock(&s->lock);
	if (!rc && !p->refs_loaded) {
		p->refs = r.v;
		p->nrefs = r.n;
		p->refs_base = r.base;
		__atomic_store_n(&p->refs_loaded, 1, __ATOMIC_RELEASE);
		r.v = NULL;
		r.base = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	free(r.v);
	free(r.base);
	return rc;
}

int casg_store_section(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		       uint32_t chunk, struct casg_section *out, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	uint32_t k = 0;
	int rc;

	while (k < p->x.nrefs && p->x.refs[k] < chunk)
		k++;
	/* where there is but one, casg_store_ref finds what is out of range */
	*out = k && k == p->x.nrefs ? CASG_SECTION_NONE : CASG_SECTION_ANY;
	if (p->x.nrefs < 2 || k == p->x.nrefs)
		return 0;
	rc = load_refs(s, c, pack, err);
	if (!rc)
		*out = (struct casg_section){ p->refs_base[k],
					      p->refs_base[k + 1] - p->refs_base[k] };
	return rc;
}

static int resolve_entry(struct casg_store *s, struct ref_entry *r, struct casg_err *err)
{
	struct casg_idx_chunk e;
	uint32_t pack, chunk;
	char hex[CASG_OID_HEXSZ + 1];
	int rc = casg_store_find_chunk(s, &r->id, &pack, &chunk, err);

	if (rc < 0)
		return rc;
	if (!rc)
		return casg_err_set(err, CASG_EABSENT, "chunk %s is in no pack here",
				    casg_oid_hex(&r->id, hex));
	rc = casg_packidx_chunk(&s->packs[pack].x, chunk, &e, err);
	if (rc)
		return rc;
	if (e.nmembers != r->nmembers)
		return casg_err_set(err, CASG_ECORRUPT,
				    "chunk %s has %u members where %u are referred to",
				    casg_oid_hex(&r->id, hex), e.nmembers, r->nmembers);
	__atomic_store_n(&r->place, ((uint64_t)pack + 1) << 32 | chunk, __ATOMIC_RELAXED);
	return 0;
}

int casg_store_ref(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		   uint64_t ref, struct casg_loc *loc_out, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	size_t lo = 0, hi;
	struct ref_entry *r;
	uint64_t place;
	int rc = load_refs(s, c, pack, err);

	if (rc)
		return rc;
	hi = p->nrefs;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->refs[mid].base <= ref)
			lo = mid + 1;
		else
			hi = mid;
	}
	r = lo ? &p->refs[lo - 1] : NULL;
	if (!r || ref - r->base >= r->nmembers)
		return casg_err_set(err, CASG_ECORRUPT,
				    "pack '%s': a reference is out of range", p->path);
	place = __atomic_load_n(&r->place, __ATOMIC_RELAXED);
	if (!place) {
		rc = resolve_entry(s, r, err);
		if (rc)
			return casg_err_prefix(err, "pack '%s'", p->path);
		place = __atomic_load_n(&r->place, __ATOMIC_RELAXED);
	}
	loc_out->pack = (uint32_t)(place >> 32) - 1;
	loc_out->chunk = (uint32_t)place;
	loc_out->member = (uint32_t)(ref - r->base);
	return 0;
}

int casg_store_refs(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		    struct casg_oid **ids_out, size_t *n_out, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	int rc;

	*ids_out = NULL;
	*n_out = 0;
	if (!p->x.nrefs)
		return 0;
	rc = load_refs(s, c, pack, err);
	if (rc)
		return rc;
	*ids_out = malloc(p->nrefs * sizeof(**ids_out) + 1);
	if (!*ids_out)
		return casg_err_nomem(err);
	for (size_t i = 0; i < p->nrefs; i++)
		(*ids_out)[i] = p->refs[i].id;
	*n_out = p->nrefs;
	return 0;
}

/* ---- ids --------------------------------------------------------------- */

static int use_scratch_fd(struct pack *p, int fd, struct casg_err *err)
{
	static const uint8_t not_mapped;

	p->have = calloc(p->x.nchunks + 1, 1);
	if (!p->have) {
		close(fd);
		return casg_err_nomem(err);
	}
	p->scratch_fd = fd;
	__atomic_store_n(&p->scratch, (uint8_t *)(uintptr_t)&not_mapped, __ATOMIC_RELEASE);
	return 0;
}

/* Scratch is a nameless file where there is a folder for it, else memory. */
static int make_scratch(struct casg_store *s, struct pack *p, struct casg_err *err)
{
	size_t n = (size_t)p->x.nobjects * CASG_OBJINFO_SZ;
	int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *m;

	if (p->scratch)
		return 0;
	if (s->opts.tmp_dir) {
		fd = casg_tmpfile_scratch(s->opts.tmp_dir, NULL);
		/* in full: a hole that the disk cannot fill is a SIGBUS later */
		if (fd >= 0 && n && !posix_fallocate(fd, 0, (off_t)n))
			flags = MAP_SHARED;
	}
	if (flags == MAP_SHARED && (s->ids_mapped + n > IDS_MAPPED_MAX ||
				    s->ids_mapped + n > s->opts.cache_nbytes))
		return use_scratch_fd(p, fd, err);
	s->ids_mapped += n;
	m = mmap(NULL, n ? n : 1, PROT_READ | PROT_WRITE, flags,
		 flags == MAP_SHARED ? fd : -1, 0);
	if (fd >= 0)
		close(fd);
	p->have = calloc(p->x.nchunks + 1, 1);
	if (m == MAP_FAILED || !p->have) {
		if (m != MAP_FAILED)
			munmap(m, n ? n : 1);
		free(p->have);
		p->have = NULL;
		return casg_err_nomem(err);
	}
	p->scratch_nbytes = n ? n : 1;
	__atomic_store_n(&p->scratch, m, __ATOMIC_RELEASE);
	return 0;
}

static void put_info(uint8_t *entries, uint32_t i, const struct casg_oid *id, uint64_t nbytes)
{
	uint8_t *e = entries + (size_t)i * CASG_OBJINFO_SZ;

	memcpy(e, id->b, CASG_OID_RAWSZ);
	casg_put_le64(e + CASG_OID_RAWSZ, nbytes);
}

static void get_info(struct casg_objinfo *out, const uint8_t *e)
{
	memcpy(out->id.b, e, CASG_OID_RAWSZ);
	out->nbytes = casg_get_le64(e + CASG_OID_RAWSZ);
}

/* The entries of the members of a chunk. */
static int list_infos(uint8_t *entries, const struct casg_chunk *ch, struct casg_err *err)
{
	struct casg_list l = { 0 };
	struct casg_orderdelta d;
	int rc = 0;

	for (uint32_t i = 0; i < ch->nmembers && !rc; i++) {
		const uint8_t *m = ch->data + ch->offset[i];
		size_t n = (size_t)casg_chunk_len(ch, i);

		if (ch->kind == CASG_CHUNK_LIST) {
			rc = casg_list_decode(&l, m, n, err);
			if (!rc)
				put_info(entries, i, &l.id, l.nbytes);
		} else if (ch->kind == CASG_CHUNK_ORDER) {
			rc = casg_orderdelta_decode(&d, m, n, err);
			if (!rc)
				put_info(entries, i, &d.id, d.nbytes);
		} else {
			put_info(entries, i, &ch->oids[i], n);
		}
	}
	casg_list_release(&l);
	return rc;
}

static int put_infos(struct pack *p, const struct casg_chunk *ch, uint32_t first,
		     struct casg_err *err)
{
	size_t n = (size_t)ch->nmembers * CASG_OBJINFO_SZ;
	uint64_t at = (uint64_t)first * CASG_OBJINFO_SZ;
	uint8_t *entries;
	int rc;

	if (p->scratch_fd < 0)
		return list_infos(p->scratch + at, ch, err);
	entries = malloc(n + 1);
	if (!entries)
		return casg_err_nomem(err);
	rc = list_infos(entries, ch, err);
	if (!rc)
		rc = casg_pwrite_full(p->scratch_fd, entries, n, at, err);
	free(entries);
	return rc;
}

static int scratch_info(struct pack *p, uint32_t object, struct casg_objinfo *out,
			struct casg_err *err)
{
	uint64_t at = (uint64_t)object * CASG_OBJINFO_SZ;
	uint8_t e[CASG_OBJINFO_SZ];
	size_t got;
	int rc;

	if (p->scratch_fd < 0) {
		get_info(out, p->scratch + at);
		return 0;
	}
	rc = casg_pread_full(p->scratch_fd, e, sizeof(e), at, &got, err);
	if (!rc && got < sizeof(e))
		rc = casg_err_set(err, CASG_EIO, "a scratch file is cut short");
	if (!rc)
		get_info(out, e);
	return rc;
}

static int fill_scratch(struct casg_store *s, struct casg_coder *c, uint32_t pack,
			uint32_t chunk, uint32_t first, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	const struct casg_chunk *ch;
	int rc = casg_store_get(s, c, pack, chunk, &ch, err);

	if (rc)
		return rc;
	if ((uint64_t)first + ch->nmembers > p->x.nobjects) {
		casg_store_put(s, ch);
		return casg_err_set(err, CASG_ECORRUPT,
				    "index of '%s' counts too few objects", p->path);
	}
	/* once: another thread may be reading it already */
	pthread_mutex_lock(&s->lock);
	if (!p->have[chunk]) {
		rc = put_infos(p, ch, first, err);
		if (!rc)
			__atomic_store_n(&p->have[chunk], 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&s->lock);
	casg_store_put(s, ch);
	return rc;
}

void casg_store_tell_infos(struct casg_store *s, uint32_t pack, uint32_t chunk,
			   const struct casg_oid *chunk_id, const struct casg_objinfo *infos,
			   uint32_t n)
{
	struct pack *p = &s->packs[pack];
	size_t nbytes = (size_t)n * CASG_OBJINFO_SZ;
	struct casg_idx_chunk x;
	uint8_t *entries;
	uint64_t at;

	if (p->has_ids_file || casg_packidx_chunk(&p->x, chunk, &x, NULL) ||
	    !casg_oid_eq(&x.id, chunk_id) || x.nmembers != n ||
	    (uint64_t)x.first + n > p->x.nobjects)
		return;
	entries = malloc(nbytes + 1);
	if (!entries)
		return;
	for (uint32_t i = 0; i < n; i++)
		put_info(entries, i, &infos[i].id, infos[i].nbytes);
	at = (uint64_t)x.first * CASG_OBJINFO_SZ;
	pthread_mutex_lock(&s->lock);
	if (!make_scratch(s, p, NULL) && !p->have[chunk]) {
		if (p->scratch_fd < 0)
			memcpy(p->scratch + at, entries, nbytes);
		if (p->scratch_fd < 0 || !casg_pwrite_full(p->scratch_fd, entries, nbytes, at, NULL))
			__atomic_store_n(&p->have[chunk], 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&s->lock);
	free(entries);
}

/* From the .objects file, if there is one and it is good here; 1 or 0. */
static int info_from_file(struct pack *p, uint32_t object, struct casg_objinfo *out)
{
	uint8_t block[CASG_BLOCK];
	struct casg_place at;
	const uint8_t *e;
	size_t got;

	if (!p->has_ids_file)
		return 0;
	if (p->ids_fd >= 0) {
		at = casg_place_of((struct casg_place){ 0, 0 }, object, CASG_OBJINFO_SZ);
		if (casg_pread_full(p->ids_fd, block, sizeof(block), at.block * CASG_BLOCK,
				    &got, NULL) ||
		    got < sizeof(block) || casg_block_check(block, at.block))
			return 0;
		get_info(out, block + at.offset);
		return 1;
	}
	e = casg_blocks_entry(&p->ids_blocks, (struct casg_place){ 0, 0 }, object,
			      CASG_OBJINFO_SZ, NULL);
	if (e)
		get_info(out, e);
	return e != NULL;
}

static int info_at(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		   uint32_t object, uint32_t chunk, uint32_t member,
		   struct casg_objinfo *out, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	int rc = 0;

	if (object >= p->x.nobjects)
		return casg_err_set(err, CASG_ECORRUPT,
				    "index of '%s' counts too few objects", p->path);
	if (info_from_file(p, object, out))
		return 0;
	if (!__atomic_load_n(&p->scratch, __ATOMIC_ACQUIRE)) {
		pthread_mutex_lock(&s->lock);
		rc = make_scratch(s, p, err);
		pthread_mutex_unlock(&s->lock);
	}
	if (!rc && !__atomic_load_n(&p->have[chunk], __ATOMIC_ACQUIRE))
		rc = fill_scratch(s, c, pack, chunk, object - member, err);
	return rc ? rc : scratch_info(p, object, out, err);
}

int casg_store_info(struct casg_store *s, struct casg_coder *c,
		    const struct casg_loc *loc, struct casg_objinfo *out,
		    struct casg_err *err)
{
	struct casg_idx_chunk e;
	int rc = casg_packidx_chunk(&s->packs[loc->pack].x, loc->chunk, &e, err);

	if (!rc && loc->member >= e.nmembers)
		rc = casg_err_set(err, CASG_ECORRUPT, "chunk %u has no member %u",
				  loc->chunk, loc->member);
	/* these have no object numbers: theirs would be those of others */
	if (!rc && (e.kind == CASG_CHUNK_NODE || e.kind == CASG_CHUNK_REFS))
		rc = casg_err_set(err, CASG_ECORRUPT, "chunk %u holds no objects", loc->chunk);
	if (rc)
		return casg_err_prefix(err, "index of '%s'", s->packs[loc->pack].path);
	return info_at(s, c, loc->pack, e.first + loc->member, loc->chunk, loc->member,
		       out, err);
}

/* ---- grouping ---------------------------------------------------------- */

static const struct casg_loc *loc_at(const struct casg_loc *locs, size_t stride, size_t i)
{
	return (const struct casg_loc *)(const void *)((const char *)locs + i * stride);
}

/* The group of each place, by a hash of (pack, chunk); group_of has room for n. */
static long number_groups(const struct casg_loc *locs, size_t stride, size_t n,
			  uint32_t *group_of, size_t *first)
{
	size_t cap = 1024, ngroups = 0;
	uint32_t *table;

	while (cap < 2 * n)
		cap *= 2;
	table = calloc(cap, sizeof(*table));
	if (!table)
		return CASG_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct casg_loc *a = loc_at(locs, stride, i);
		size_t h = (a->pack * UINT64_C(0x9e3779b97f4a7c15) +
			    a->chunk * UINT64_C(0xc2b2ae3d27d4eb4f)) >> 20;

		for (h &= cap - 1; table[h]; h = (h + 1) & (cap - 1)) {
			/* first[] holds a member of each group meanwhile */
			const struct casg_loc *b = loc_at(locs, stride, first[table[h] - 1]);

			if (a->pack == b->pack && a->chunk == b->chunk)
				break;
		}
		if (!table[h]) {
			first[ngroups] = i;
			table[h] = (uint32_t)++ngroups;
		}
		group_of[i] = table[h] - 1;
	}
	free(table);
	return (long)ngroups;
}

long casg_group_by_chunk(const struct casg_loc *locs, size_t stride, size_t n,
			 size_t *order_out, size_t *first_out)
{
	uint32_t *group_of = malloc(n * sizeof(*group_of) + 1);
	size_t *next;
	long ngroups = group_of ? number_groups(locs, stride, n, group_of, first_out)
				: CASG_ENOMEM;
	size_t at = 0;

	next = ngroups < 0 ? NULL : calloc((size_t)ngroups + 1, sizeof(*next));
	if (!next) {
		free(group_of);
		return CASG_ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		next[group_of[i]]++;
	for (long g = 0; g < ngroups; g++) {
		size_t count = next[g];

		first_out[g] = next[g] = at;
		at += count;
	}
	first_out[ngroups] = n;
	for (size_t i = 0; i < n; i++)
		order_out[next[group_of[i]]++] = i;
	free(next);
	free(group_of);
	return ngroups;
}

/* ---- finding ----------------------------------------------------------- */

static int find_in(struct casg_store *s, struct casg_coder *c, uint32_t pack,
		   const struct casg_oid *id, int plain, struct casg_loc *loc,
		   uint64_t *nbytes_out, struct casg_err *err)
{
	struct casg_packidx *x = &s->packs[pack].x;
	uint32_t lo, hi, object;
	struct casg_objinfo got;
	int rc = casg_packidx_candidates(x, id, &lo, &hi, err);

	for (; !rc && lo < hi; lo++) {
		rc = casg_packidx_slot(x, lo, &object, err);
		if (rc)
			break;
		/* cheap to dismiss; a hit goes through info_at below */
		if (info_from_file(&s->packs[pack], object, &got) &&
		    !casg_oid_eq(&got.id, id))
			continue;
		rc = casg_packidx_locate(x, object, &loc->chunk, &loc->member, err);
		if (rc)
			break;
		rc = info_at(s, c, pack, object, loc->chunk, loc->member, &got, err);
		if (rc)
			return rc;
		if (casg_oid_eq(&got.id, id)) {
			struct casg_idx_chunk ic;

			if (plain) {
				rc = casg_packidx_chunk(x, loc->chunk, &ic, err);
				if (rc)
					break;
				if (ic.kind != CASG_CHUNK_SEQ && ic.kind != CASG_CHUNK_BLOB)
					continue;
			}
			loc->pack = pack;
			if (nbytes_out)
				*nbytes_out = got.nbytes;
			return hit(s, pack, err);
		}
	}
	if (rc)
		casg_err_prefix(err, "index of '%s'", s->packs[pack].path);
	return rc;
}

/*
 * After some thousand look-ups it pays to know which packs to look into.
 * Failing to build it costs time only.
 */
static void build_dir(struct casg_store *s)
{
	struct casg_packdir *d = NULL;
	uint64_t n = 0;
	uint32_t pack;
	size_t at = 0;

	pthread_mutex_lock(&s->lock);
	if (!s->dir && s->npacks >= DIR_PACKS_MIN && s->npacks < CASG_PACKDIR_PACKS_MAX) {
		for (size_t i = 0; i < s->npacks; i++)
			n += s->packs[i].x.nobjects;
		d = casg_packdir_new(n + n / 2, NULL);
		/* in the order as without it: what is found must not hang on when */
		while (d && next_pack(s, &at, &pack))
			if (casg_packdir_add(d, &s->packs[pack].x, pack, NULL)) {
				casg_packdir_free(d);
				d = NULL;
			}
		__atomic_store_n(&s->dir, d, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&s->lock);
}

/* A pack came: the directory must know it, or go. */
static void update_dir(struct casg_store *s, uint32_t pack)
{
	struct casg_packidx *x = &s->packs[pack].x;

	if (!s->dir)
		return;
	if (pack >= CASG_PACKDIR_PACKS_MAX || !casg_packdir_has_room(s->dir, x->nobjects) ||
	    casg_packdir_add(s->dir, x, pack, NULL)) {
		casg_packdir_free(s->dir);
		s->dir = NULL;
	}
}

/*
 * A search goes on behind a pack that cannot be searched, for another may have
 * the thing as well; but nothing is absent while one was left out.
 */
static int found(int failed, struct casg_err *err)
{
	if (failed && err)
		err->code = 0;
	return 1;
}

static int not_found(const struct casg_store *s, int failed, struct casg_err *err)
{
	if (failed || !s->unusable.code)
		return failed;
	if (err)
		*err = s->unusable;
	return s->unusable.code;
}

static int find_by_dir(struct casg_store *s, struct casg_coder *c,
		       const struct casg_packdir *d, const struct casg_oid *id, int plain,
		       struct casg_loc *loc_out, uint64_t *nbytes_out, struct casg_err *err)
{
	uint64_t at = casg_packdir_start(d, id);
	uint32_t pack, last = UINT32_MAX;
	int failed = 0;

	while (casg_packdir_next(d, &at, &pack)) {
		int rc = pack == last ? 0 : find_in(s, c, pack, id, plain, loc_out,
						   nbytes_out, err);

		if (rc > 0)
			return found(failed, err);
		if (rc == CASG_ENOMEM)
			return rc;
		failed = rc ? rc : failed;
		last = pack;
	}
	return not_found(s, failed, err);
}

static int find(struct casg_store *s, struct casg_coder *c, const struct casg_oid *id,
		int plain, struct casg_loc *loc_out, uint64_t *nbytes_out,
		struct casg_err *err)
{
	const struct casg_packdir *d = __atomic_load_n(&s->dir, __ATOMIC_ACQUIRE);
	uint32_t pack;
	size_t at = 0;
	int failed = 0;

	if (d)
		return find_by_dir(s, c, d, id, plain, loc_out, nbytes_out, err);
	if (__atomic_add_fetch(&s->nfinds, 1, __ATOMIC_RELAXED) % DIR_FINDS_MIN == 0)
		build_dir(s);
	while (next_pack(s, &at, &pack)) {
		int rc = find_in(s, c, pack, id, plain, loc_out, nbytes_out, err);

		if (rc > 0)
			return found(failed, err);
		if (rc == CASG_ENOMEM)
			return rc;
		failed = rc ? rc : failed;
	}
	return not_found(s, failed, err);
}

int casg_store_find(struct casg_store *s, struct casg_coder *c,
		    const struct casg_oid *id, struct casg_loc *loc_out,
		    uint64_t *nbytes_out, struct casg_err *err)
{
	return find(s, c, id, 0, loc_out, nbytes_out, err);
}

int casg_store_find_piece(struct casg_store *s, struct casg_coder *c,
			  const struct casg_oid *id, struct casg_loc *loc_out,
			  struct casg_err *err)
{
	return find(s, c, id, 1, loc_out, NULL, err);
}

int casg_store_find_all(struct casg_store *s, struct casg_coder *c,
			const struct casg_oid *id, struct casg_loc *locs_out, int max,
			struct casg_err *err)
{
	int n = 0, failed = 0;

	for (size_t i = 0; i < s->npacks && n < max; i++) {
		int rc = find_in(s, c, (uint32_t)i, id, 0, &locs_out[n], NULL, err);

		if (rc == CASG_ENOMEM)
			return rc;
		if (rc < 0)
			failed = rc;
		else
			n += rc;
	}
	if (!n)
		return not_found(s, failed, err);
	found(failed, err);
	return n;
}

int casg_store_find_node(struct casg_store *s, const struct casg_oid *id,
			 struct casg_loc *loc_out, struct casg_err *err)
{
	struct casg_idx_node n;
	uint32_t pack;
	size_t at = 0;
	int failed = 0;

	while (next_pack(s, &at, &pack)) {
		int rc = casg_packidx_find_node(&s->packs[pack].x, id, &n, err);

		if (rc < 0)
			failed = casg_err_prefix(err, "index of '%s'", s->packs[pack].path);
		if (rc > 0) {
			loc_out->pack = pack;
			loc_out->chunk = n.chunk;
			loc_out->member = n.member;
			found(failed, err);
			return hit(s, pack, err);
		}
	}
	return not_found(s, failed, err);
}

int casg_store_find_chunk(struct casg_store *s, const struct casg_oid *id,
			  uint32_t *pack_out, uint32_t *chunk_out, struct casg_err *err)
{
	uint32_t pack;
	size_t at = 0;
	int failed = 0;

	while (next_pack(s, &at, &pack)) {
		int rc = casg_packidx_find_chunk(&s->packs[pack].x, id, chunk_out, err);

		if (rc < 0)
			failed = casg_err_prefix(err, "index of '%s'", s->packs[pack].path);
		if (rc > 0) {
			*pack_out = pack;
			found(failed, err);
			return hit(s, pack, err);
		}
	}
	return not_found(s, failed, err);
}

/* ---- objects ----------------------------------------------------------- */

void casg_object_release(struct casg_object *o)
{
	free(o->pieces);
	free(o->piece_nbytes);
	memset(o, 0, sizeof(*o));
}

static int object_from_list(struct casg_store *s, struct casg_coder *c,
			    const struct casg_loc *loc,
			    const struct casg_list *l, struct casg_object *o,
			    struct casg_err *err)
{
	struct casg_section section;
	int rc;

	o->is_list = 1;
	o->list_id = l->id;
	o->nbytes = l->nbytes;
	o->npieces = l->npieces;
	o->pieces = calloc(l->npieces, sizeof(*o->pieces));
	o->piece_nbytes = calloc(l->npieces, sizeof(*o->piece_nbytes));
	if (!o->pieces || !o->piece_nbytes)
		return casg_err_nomem(err);
	rc = casg_store_section(s, c, loc->pack, loc->chunk, &section, err);
	for (size_t i = 0; i < l->npieces && !rc; i++) {
		rc = l->pieces[i].ref < section.n ?
		     casg_store_ref(s, c, loc->pack, section.base + l->pieces[i].ref, &o->pieces[i],
				    err) :
		     casg_err_set(err, CASG_ECORRUPT, "a piece is beyond its section");
		o->piece_nbytes[i] = l->pieces[i].nbytes;
	}
	return rc;
}

int casg_store_object(struct casg_store *s, struct casg_coder *c,
		      const struct casg_loc *loc, struct casg_object *o,
		      struct casg_err *err)
{
	const struct casg_chunk *ch;
	struct casg_list l = { 0 };
	struct casg_orderdelta d;
	int rc = casg_store_get(s, c, loc->pack, loc->chunk, &ch, err);

	memset(o, 0, sizeof(*o));
	if (rc)
		return rc;
	if (loc->member >= ch->nmembers) {
		rc = casg_err_set(err, CASG_ECORRUPT, "pack '%s', chunk %u has no member %u",
				  s->packs[loc->pack].path, loc->chunk, loc->member);
	} else if (ch->kind == CASG_CHUNK_LIST) {
		rc = casg_list_decode(&l, ch->data + ch->offset[loc->member],
				      (size_t)casg_chunk_len(ch, loc->member), err);
		if (!rc)
			rc = object_from_list(s, c, loc, &l, o, err);
		casg_list_release(&l);
	} else {
		o->nbytes = casg_chunk_len(ch, loc->member);
		if (ch->kind == CASG_CHUNK_ORDER) {
			rc = casg_orderdelta_decode(&d, ch->data + ch->offset[loc->member],
						    (size_t)o->nbytes, err);
			o->nbytes = d.nbytes;
		}
		o->npieces = 1;
		o->pieces = malloc(sizeof(*o->pieces));
		o->piece_nbytes = malloc(sizeof(*o->piece_nbytes));
		if (!o->pieces || !o->piece_nbytes) {
			rc = casg_err_nomem(err);
		} else if (!rc) {
			o->pieces[0] = *loc;
			o->piece_nbytes[0] = o->nbytes;
		}
	}
	casg_store_put(s, ch);
	if (rc)
		casg_object_release(o);
	return rc;
}

static int read_order(struct casg_store *s, struct casg_coder *c, const struct casg_loc *loc,
		      uint64_t from, uint64_t to, struct casg_buf *out, struct casg_err *err)
{
	struct casg_buf whole = CASG_BUF_INIT;
	int rc = casg_store_order(s, c, loc, &whole, err);

	if (!rc && to > whole.len)
		rc = casg_err_set(err, CASG_ECORRUPT, "an order has another length than listed");
	if (!rc)
		casg_buf_add(out, whole.data + from, (size_t)(to - from));
	casg_buf_release(&whole);
	return rc ? rc : casg_buf_check(out, err);
}

static int read_piece(struct casg_store *s, struct casg_coder *c,
		      const struct casg_object *o, size_t i, uint64_t from, uint64_t to,
		      struct casg_buf *out, struct casg_err *err)
{
	const struct casg_loc *loc = &o->pieces[i];
	const struct casg_chunk *ch;
	int rc = casg_store_get(s, c, loc->pack, loc->chunk, &ch, err);

	if (rc)
		return rc;
	if (ch->kind == CASG_CHUNK_ORDER) {
		casg_store_put(s, ch);
		return read_order(s, c, loc, from, to, out, err);
	}
	if (loc->member >= ch->nmembers ||
	    casg_chunk_len(ch, loc->member) != o->piece_nbytes[i])
		rc = casg_err_set(err, CASG_ECORRUPT, "a piece has another length than listed");
	else
		casg_buf_add(out, ch->data + ch->offset[loc->member] + from,
			     (size_t)(to - from));
	casg_store_put(s, ch);
	return rc ? rc : casg_buf_check(out, err);
}

int casg_store_read(struct casg_store *s, struct casg_coder *c,
		    const struct casg_loc *loc, uint64_t start, uint64_t end,
		    struct casg_buf *out, uint64_t *nbytes_out, struct casg_err *err)
{
	struct casg_object o;
	uint64_t at = 0;
	size_t before = out->len;
	struct casg_oid id;
	int rc = casg_store_object(s, c, loc, &o, err);

	if (rc)
		return rc;
	if (end > o.nbytes)
		end = o.nbytes;
	for (size_t i = 0; i < o.npieces && !rc; at += o.piece_nbytes[i++]) {
		uint64_t from = start > at ? start - at : 0;
		uint64_t to = end > at ? end - at : 0;

		if (to > o.piece_nbytes[i])
			to = o.piece_nbytes[i];
		if (from < to)
			rc = read_piece(s, c, &o, i, from, to, out, err);
	}
	if (!rc && o.is_list && !start && end == o.nbytes) {
		casg_hasher_digest(casg_coder_hasher(c), out->data + before,
				   out->len - before, &id);
		if (!casg_oid_eq(&id, &o.list_id))
			rc = casg_err_set(err, CASG_ECORRUPT,
					  "the pieces do not add up to the whole");
	}
	if (nbytes_out)
		*nbytes_out = o.nbytes;
	casg_object_release(&o);
	return rc;
}

int casg_store_read_id(struct casg_store *s, struct casg_coder *c,
		       const struct casg_oid *id, uint64_t max, struct casg_buf *out,
		       struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_object o;
	struct casg_loc loc;
	int rc = casg_store_find(s, c, id, &loc, NULL, err);

	if (rc < 0)
		return rc;
	if (!rc)
		return casg_err_set(err, CASG_EABSENT, "object %s is in no pack here",
				    casg_oid_hex(id, hex));
	rc = casg_store_object(s, c, &loc, &o, err);
	if (rc)
		return rc;
	if (o.nbytes > max)
		rc = casg_err_set(err, CASG_ENOMEM, "object %s is larger than %llu bytes",
				  casg_oid_hex(id, hex), (unsigned long long)max);
	casg_object_release(&o);
	return rc ? rc : casg_store_read(s, c, &loc, 0, UINT64_MAX, out, NULL, err);
}

/* ---- blobs, piece by piece --------------------------------------------- */

struct casg_blobr {
	struct casg_store *s;
	struct casg_coder *c;
	struct casg_hasher *whole;
	struct casg_oid id;
	struct casg_object o;
	size_t next;
	int ended;
	struct casg_buf piece;
};

struct casg_blobr *casg_blobr_open(struct casg_store *s, struct casg_coder *c,
				   const struct casg_oid *id, struct casg_err *err)
{
	struct casg_blobr *b = calloc(1, sizeof(*b));
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_loc loc;
	int rc;

	if (b)
		b->whole = casg_hasher_new();
	if (!b || !b->whole) {
		free(b);
		casg_err_nomem(err);
		return NULL;
	}
	b->s = s;
	b->c = c;
	b->id = *id;
	casg_hasher_init(b->whole);
	rc = casg_store_find(s, c, id, &loc, NULL, err);
	if (!rc)
		rc = casg_err_set(err, CASG_EABSENT, "object %s is in no pack here",
				  casg_oid_hex(id, hex));
	else if (rc > 0)
		rc = casg_store_object(s, c, &loc, &b->o, err);
	if (rc) {
		casg_blobr_free(b);
		return NULL;
	}
	return b;
}

int casg_blobr_next(struct casg_blobr *b, const uint8_t **p_out, size_t *n_out,
		    struct casg_err *err)
{
	struct casg_oid got;
	int rc;

	if (b->next == b->o.npieces) {
		if (b->ended)
			return 0;
		b->ended = 1;
		casg_hasher_final(b->whole, &got);
		if (!casg_oid_eq(&got, &b->id))
			return casg_err_set(err, CASG_ECORRUPT,
					    "the pieces do not add up to the whole");
		return 0;
	}
	casg_buf_reset(&b->piece);
	rc = read_piece(b->s, b->c, &b->o, b->next, 0, b->o.piece_nbytes[b->next],
			&b->piece, err);
	if (rc)
		return rc;
	b->next++;
	casg_hasher_update(b->whole, b->piece.data, b->piece.len);
	*p_out = b->piece.data;
	*n_out = b->piece.len;
	return 1;
}

void casg_blobr_free(struct casg_blobr *b)
{
	if (!b)
		return;
	casg_hasher_free(b->whole);
	casg_object_release(&b->o);
	casg_buf_release(&b->piece);
	free(b);
}
