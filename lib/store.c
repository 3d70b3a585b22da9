#include "store_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "array.h"

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

/* A .objects file that is missing or damaged only costs time. */
static void open_ids(struct casg_store *s, struct pack *p)
{
	const struct casg_place start = { 0, 0 };
	const char *dir = p->promised ? casg_promised_dir(s->opts.promised) : s->opts.index_dir;
	char *path;

	if (!dir)
		return;
	path = casg_packfiles_path(dir, &p->id, "objects");
	if (!path)
		return;
	p->ids_fd = s->ids_mapped >= (s->opts.ids_mapped_nbytes ? s->opts.ids_mapped_nbytes
								: CASG_IDS_MAPPED_MAX) ?
			    open(path, O_RDONLY | O_CLOEXEC) : -1;
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
 * is being moved to quarantine has its index in packs/ for a moment; and 'later',
 * when the folders were listed some time ago, it may have been moved since.
 */
static int map_index(struct casg_store *s, struct pack *p, const char *dir, int later,
		     struct casg_err *err)
{
	char *idx = casg_packfiles_path(dir, &p->id, "idx");
	int rc = idx ? casg_map_open(&p->map, idx, err) : casg_err_nomem(err);
	const struct casg_packfiles *f = &s->folders[p->folder];
	const char *other = p->quarantined ? f->packs_dir : later ? f->quarantine_dir : NULL;

	if (rc == CASG_EABSENT && other) {
		free(idx);
		idx = casg_packfiles_path(other, &p->id, "idx");
		rc = idx ? casg_map_open(&p->map, idx, err) : casg_err_nomem(err);
	}
	if (rc == CASG_EABSENT && p->promised) {
		free(idx);
		idx = casg_packfiles_path(dir, &p->id, "new");
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

enum { IN_USE, QUARANTINED, PROMISED };

static const char *folder_of(const struct casg_store *s, const struct pack *p)
{
	const struct casg_packfiles *f = &s->folders[p->folder];

	return p->promised ? casg_promised_dir(s->opts.promised) :
	       p->quarantined ? f->quarantine_dir : f->packs_dir;
}

static int open_index(struct casg_store *s, struct pack *p, int later, struct casg_err *err)
{
	int rc = map_index(s, p, folder_of(s, p), later, err);

	if (!rc) {
		p->sound = calloc(p->x.nchunks + 1u, 1);
		rc = p->sound ? 0 : casg_err_nomem(err);
	}
	if (rc) {
		casg_packidx_release(&p->x);
		casg_map_close(&p->map);
		memset(&p->x, 0, sizeof(p->x));
		p->x.pack_id = p->id;
		return rc;
	}
	open_ids(s, p);
	__atomic_store_n(&p->opened, 1, __ATOMIC_RELEASE);
	return 0;
}

/* The index of a pack of which so far only the multi-pack index was read. */
int casg_store_need_index(struct casg_store *s, uint32_t pack, struct casg_err *err)
{
	struct pack *p = &s->packs[pack];
	int rc = 0;

	if (__atomic_load_n(&p->opened, __ATOMIC_ACQUIRE))
		return 0;
	pthread_mutex_lock(&s->lock);
	if (!p->opened)
		rc = open_index(s, p, 1, err);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int open_pack_in(struct casg_store *s, const struct casg_oid *id, size_t folder,
			int where, struct casg_err *err)
{
	struct casg_multipacks *multi = s->multi[folder];
	struct pack *p;
	int rc;

	if (CASG_GROW(s->packs, s->npacks + 1, s->cap) ||
	    CASG_GROW(s->loose, s->nloose + 1, s->cap_loose))
		return casg_err_nomem(err);
	p = &s->packs[s->npacks];
	memset(p, 0, sizeof(*p));
	p->fd = p->ids_fd = p->scratch_fd = -1;
	p->id = p->x.pack_id = *id;
	p->quarantined = where == QUARANTINED;
	p->promised = where == PROMISED;
	p->folder = (uint16_t)folder;
	p->path = casg_packfiles_path(folder_of(s, p), id, "pack");
	rc = p->path ? 0 : casg_err_nomem(err);
	/* who looks up some ids opens the packs that may have them; the others want all */
	if (!rc && !(multi && s->opts.lenient && casg_multipacks_has(multi, id)))
		rc = open_index(s, p, 0, err);
	if (rc) {
		close_pack(p);
		return rc;
	}
	s->nquarantined += p->quarantined;
	if (!multi || !casg_multipacks_assign(multi, id, (uint32_t)s->npacks)) {
		s->nloose_objects += p->x.nobjects;
		s->loose[s->nloose++] = (uint32_t)s->npacks++;
		casg_store_update_dir(s);
	} else {
		s->npacks++;
	}
	return 0;
}

/* 1: it is not in packs/ (any more). */
static int open_pack(struct casg_store *s, const struct casg_oid *id, size_t folder,
		     struct casg_err *err)
{
	int rc = open_pack_in(s, id, folder, IN_USE, err);
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
	s->multi = calloc(n + 1, sizeof(*s->multi));
	if (!s->folders || !s->multi)
		return casg_err_nomem(err);
	s->nfolders = n + 1;
	if (s->opts.index_dir && !s->opts.empty)
		s->multi[0] = casg_multipacks_open(s->opts.index_dir, NULL);
	s->folders[0].packs_dir = s->opts.packs_dir;
	s->folders[0].quarantine_dir = s->opts.quarantine_dir;
	for (size_t i = 1; i <= n; i++) {
		char *packs = NULL, *quarantine = NULL, *index = NULL;

		if (asprintf(&packs, "%s/packs", s->opts.lenders[i - 1]) < 0 ||
		    asprintf(&quarantine, "%s/quarantine", s->opts.lenders[i - 1]) < 0 ||
		    asprintf(&index, "%s/index", s->opts.lenders[i - 1]) < 0)
			return casg_err_nomem(err);
		if (s->opts.index_dir)
			s->multi[i] = casg_multipacks_open(index, NULL);
		free(index);
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
	for (size_t i = 0; i < s->nfolders; i++)
		casg_multipacks_free(s->multi[i]);
	free(s->folders);
	free(s->multi);
	free(s->loose);
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
	casg_memcache_init(&s->cache, opts->cache_nbytes);
	s->literals = casg_litcache_new(s->opts.cache_nbytes / 4);
	rc = s->literals ? make_folders(s, err) : casg_err_nomem(err);
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

static void now_whole(struct casg_store *s, uint32_t pack);

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
			now_whole(s, known);
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
		rc = open_pack_in(s, &ids[i], folder, QUARANTINED, err) == CASG_ENOMEM ? CASG_ENOMEM : 0;
	}
	free(ids);
	return rc;
}

/* What has come as a whole since is an ordinary pack, with the same index. */
static void now_whole(struct casg_store *s, uint32_t pack)
{
	struct pack *p = &s->packs[pack];
	char *path = casg_packfiles_path(s->folders[0].packs_dir, &p->id, "pack");

	if (!p->promised || !path || access(path, F_OK)) {
		free(path);
		return;
	}
	free(p->path);
	p->path = path;
	p->promised = 0;
}

static int scan_promised(struct casg_store *s, struct casg_err *err)
{
	struct casg_oid *ids;
	size_t n;
	uint32_t known;
	int rc = casg_promised_list(s->opts.promised, &ids, &n, err);

	for (size_t i = 0; i < n && !rc; i++)
		if (!casg_store_find_pack(s, &ids[i], &known)) {
			rc = open_pack_in(s, &ids[i], 0, PROMISED, err);
			rc = leave_out(s, rc, err);
		}
	free(ids);
	return rc;
}

int casg_store_add_promised(struct casg_store *s, struct casg_promised *promised,
			    struct casg_err *err)
{
	size_t before = s->npacks;
	int rc;

	s->opts.promised = promised;
	rc = scan_promised(s, err);
	for (size_t i = before; i < s->npacks; i++)
		s->packs[i].no_nodes = 1;
	return rc;
}

int casg_store_add_objects(struct casg_store *s, const char *packs_dir,
			   const struct casg_oid *pack_id, struct casg_err *err)
{
	size_t last = s->nfolders - 1;
	struct casg_packfiles *more;
	struct casg_multipacks **multi;
	char *dir;
	int rc;

	if (strcmp(s->folders[last].packs_dir, packs_dir)) {
		more = realloc(s->folders, (s->nfolders + 1) * sizeof(*more));
		s->folders = more ? more : s->folders;
		multi = realloc(s->multi, (s->nfolders + 1) * sizeof(*multi));
		s->multi = multi ? multi : s->multi;
		dir = strdup(packs_dir);
		if (!more || !multi || !dir) {
			free(dir);
			return casg_err_nomem(err);
		}
		last = s->nfolders++;
		memset(&s->folders[last], 0, sizeof(*s->folders));
		s->folders[last].packs_dir = dir;
		s->multi[last] = NULL;
	}
	rc = open_pack_in(s, pack_id, last, IN_USE, err);
	if (!rc)
		s->packs[s->npacks - 1].no_nodes = 1;
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
	return s->opts.promised ? scan_promised(s, err) : 0;
}

void casg_store_close(struct casg_store *s)
{
	if (!s)
		return;
	casg_memcache_release(&s->cache);
	for (size_t i = 0; i < s->npacks; i++)
		close_pack(&s->packs[i]);
	free(s->packs);
	casg_litcache_free(s->literals);
	for (size_t i = 0; i < CASG_IDS_BLOCKS; i++)
		free(s->ids_blocks[i]);
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
		now_whole(s, known);
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

int casg_store_promised(const struct casg_store *s, uint32_t pack)
{
	return s->packs[pack].promised;
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

	/* gc takes those of partial clones while nobody writes */
	if (s->packs[pack].promised)
		return 0;
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
int casg_store_hit(struct casg_store *s, uint32_t pack, struct casg_err *err)
{
	int rc = s->revive && in_quarantine(&s->packs[pack]) ?
		 casg_store_settle(s, pack, err) : 0;

	return rc ? rc : 1;
}

/* Ours first, then what is borrowed, at last what is in quarantine. */
enum { TURNS = 3 };

size_t casg_store_turn(const struct pack *p)
{
	return p->quarantined ? 2 : p->folder != 0 || p->promised;
}

/*
 * The packs in the order of searching: in each turn the newest first.  *at
 * starts as 0; 1 and a pack, or 0 at the end.
 */
int casg_store_next_pack(const struct casg_store *s, size_t *at, uint32_t *pack_out)
{
	size_t n = s->npacks, turns = s->nquarantined || s->nfolders > 1 || s->opts.promised ? TURNS : 1;

	for (; *at < turns * n; ++*at) {
		size_t i = n - 1 - *at % n;

		if (turns == 1 || casg_store_turn(&s->packs[i]) == *at / n) {
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
	/* one that cannot be opened is empty, as if it had been left out */
	casg_store_need_index(s, pack, NULL);
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
