#include "diskcache.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "array.h"
#include "chunkfile.h"
#include "freq.h"
#include "io.h"

/* Only ever read by the machine that wrote it: native numbers. */
#define MAGIC UINT64_C(0x0132656863616367)
#define SLOTS_MIN 1024u
#define SLOTS_MAX (1u << 18)
#define SLOT_SHARE ((uint64_t)16 << 10) /* bytes a slot stands for when they are counted */
#define SAMPLE 16                       /* that are looked at for the least */

struct slot {
	uint8_t id[CASG_OID_RAWSZ];
	uint64_t nbytes;  /* 0: empty */
	uint64_t tick;    /* when it was asked for last */
};

struct head {
	uint64_t magic;
	uint32_t nslots, dirty;
	uint64_t tick, seed;
	struct casg_cachestats n;
	uint64_t reserved[32];
};

struct casg_diskcache {
	struct casg_diskcache_opts o;
	char *dir;
	int fd;
	struct head *head;
	struct slot *slots;
	struct casg_freq freq;
	size_t mapped;
	pthread_mutex_t lock;
};

static size_t table_nbytes(uint32_t nslots)
{
	return sizeof(struct head) + casg_freq_nbytes(nslots) + (size_t)nslots * sizeof(struct slot);
}

static uint32_t wanted_slots(uint64_t max_nbytes)
{
	uint32_t n = SLOTS_MIN;

	while (n < SLOTS_MAX && n < max_nbytes / SLOT_SHARE * 2)
		n *= 2;
	return n;
}

/* ---- slots: open addressing, without gaps ---- */

static uint32_t home(const struct casg_diskcache *d, const uint8_t *id)
{
	struct casg_oid oid;

	memcpy(oid.b, id, CASG_OID_RAWSZ);
	return (uint32_t)casg_oid_prefix(&oid) & (d->head->nslots - 1);
}

static struct slot *find(struct casg_diskcache *d, const struct casg_oid *id)
{
	uint32_t mask = d->head->nslots - 1, i = home(d, id->b);

	/* the table is never full */
	for (; d->slots[i].nbytes; i = (i + 1) & mask)
		if (!memcmp(d->slots[i].id, id->b, CASG_OID_RAWSZ))
			return &d->slots[i];
	return NULL;
}

static void add_slot(struct casg_diskcache *d, const struct casg_oid *id, uint64_t nbytes)
{
	uint32_t mask = d->head->nslots - 1, i = home(d, id->b);

	while (d->slots[i].nbytes)
		i = (i + 1) & mask;
	memcpy(d->slots[i].id, id->b, CASG_OID_RAWSZ);
	d->slots[i].nbytes = nbytes;
	d->slots[i].tick = ++d->head->tick;
	d->head->n.nbytes += nbytes;
	d->head->n.nentries++;
}

/* What stands behind it moves up where it may. */
static void remove_slot(struct casg_diskcache *d, struct slot *s)
{
	uint32_t mask = d->head->nslots - 1, hole = (uint32_t)(s - d->slots), i = hole;

	d->head->n.nbytes -= s->nbytes;
	d->head->n.nentries--;
	for (;;) {
		uint32_t at;

		i = (i + 1) & mask;
		if (!d->slots[i].nbytes)
			break;
		at = home(d, d->slots[i].id);
		if (((i - at) & mask) < ((i - hole) & mask))
			continue;
		d->slots[hole] = d->slots[i];
		hole = i;
	}
	d->slots[hole].nbytes = 0;
}

static void remove_file(struct casg_diskcache *d, const struct casg_oid *id)
{
	struct casg_buf path = CASG_BUF_INIT;

	/* what cannot be removed, whoever clears the cache finds */
	unlink(casg_chunkfile_path(&path, d->dir, id));
	casg_buf_release(&path);
}

/* ---- the lock ---- */

static int recount_one(void *ctx, const struct casg_oid *id, uint64_t nbytes,
		       struct casg_err *err)
{
	struct casg_diskcache *d = ctx;

	(void)err;
	if (!nbytes || d->head->n.nentries >= d->head->nslots / 4 * 3)
		remove_file(d, id);
	else if (!find(d, id))
		add_slot(d, id, nbytes);
	return 0;
}

/* From the files, after somebody was killed while at work. */
static void recount(struct casg_diskcache *d)
{
	memset(d->slots, 0, (size_t)d->head->nslots * sizeof(*d->slots));
	d->head->n.nbytes = d->head->n.nentries = 0;
	casg_chunkfile_each(d->dir, recount_one, d, NULL);
}

static void take(struct casg_diskcache *d)
{
	pthread_mutex_lock(&d->lock);
	while (flock(d->fd, LOCK_EX) && errno == EINTR)
		;
	if (d->head->dirty)
		recount(d);
	d->head->dirty = 1;
}

static void let_go(struct casg_diskcache *d)
{
	d->head->dirty = 0;
	flock(d->fd, LOCK_UN);
	pthread_mutex_unlock(&d->lock);
}

/* ---- open ---- */

/* With the lock held: a table that is good, or one made anew. */
static int settle_table(struct casg_diskcache *d, struct casg_err *err)
{
	struct head h;
	struct stat st;
	uint32_t nslots = wanted_slots(d->o.max_nbytes);
	int good = pread(d->fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) && h.magic == MAGIC &&
		   h.nslots >= SLOTS_MIN && h.nslots <= SLOTS_MAX && !(h.nslots & (h.nslots - 1)) &&
		   !fstat(d->fd, &st) && (uint64_t)st.st_size == table_nbytes(h.nslots);

	/* a larger bound needs a larger table; a smaller one does no harm */
	if (good && h.nslots >= nslots)
		nslots = h.nslots;
	else if (ftruncate(d->fd, 0) || ftruncate(d->fd, (off_t)table_nbytes(nslots)))
		return casg_err_sys(err, errno, "cannot size '%s/table'", d->dir);
	d->mapped = table_nbytes(nslots);
	d->head = mmap(NULL, d->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, 0);
	if (d->head == MAP_FAILED) {
		d->head = NULL;
		return casg_err_sys(err, errno, "cannot map '%s/table'", d->dir);
	}
	d->slots = (struct slot *)(void *)((char *)(d->head + 1) + casg_freq_nbytes(nslots));
	casg_freq_over(&d->freq, d->head + 1, nslots);
	if (d->head->magic != MAGIC) {
		d->head->nslots = nslots;
		d->head->seed = 1;
		/* what was counted in a table that was too small counts on */
		if (good)
			d->head->n = h.n;
		recount(d);
		d->head->magic = MAGIC;
	}
	return 0;
}

int casg_diskcache_open(struct casg_diskcache **out, const struct casg_diskcache_opts *opts,
			struct casg_err *err)
{
	struct casg_diskcache *d = calloc(1, sizeof(*d));
	char *path = NULL;
	int rc;

	*out = NULL;
	if (!d)
		return casg_err_nomem(err);
	d->o = *opts;
	d->fd = -1;
	pthread_mutex_init(&d->lock, NULL);
	d->dir = strdup(opts->dir);
	rc = d->dir ? casg_mkdir_p(d->dir, err) : casg_err_nomem(err);
	if (!rc) {
		struct casg_buf b = CASG_BUF_INIT;

		casg_buf_addf(&b, "%s/table", d->dir);
		casg_buf_cstr(&b);
		path = b.failed ? NULL : (char *)casg_buf_detach(&b, NULL);
		d->fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666) : -1;
		rc = d->fd < 0 ? casg_err_sys(err, errno, "cannot open '%s/table'", d->dir) : 0;
	}
	if (!rc) {
		while (flock(d->fd, LOCK_EX) && errno == EINTR)
			;
		rc = settle_table(d, err);
		flock(d->fd, LOCK_UN);
	}
	free(path);
	if (rc)
		casg_diskcache_close(d);
	else
		*out = d;
	return rc;
}

void casg_diskcache_close(struct casg_diskcache *d)
{
	if (!d)
		return;
	if (d->head)
		munmap(d->head, d->mapped);
	if (d->fd >= 0)
		close(d->fd);
	pthread_mutex_destroy(&d->lock);
	free(d->dir);
	free(d);
}

/* ---- use ---- */

int casg_diskcache_get(struct casg_diskcache *d, const struct casg_oid *id, uint64_t nbytes,
		       struct casg_buf *out)
{
	struct casg_buf path = CASG_BUF_INIT;
	size_t before = out->len, got = 0;
	struct slot *s;
	int fd = -1, rc = 0;

	take(d);
	casg_freq_add(&d->freq, casg_oid_prefix(id));
	s = find(d, id);
	if (s) {
		fd = open(casg_chunkfile_path(&path, d->dir, id), O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && !casg_buf_grow(out, (size_t)nbytes + 1) &&
		    !casg_read_full(fd, out->data + before, (size_t)nbytes + 1, &got, NULL) &&
		    got == nbytes) {
			out->len = before + got;
			s->tick = ++d->head->tick;
			rc = 1;
		} else {
			remove_slot(d, s);
			remove_file(d, id);
			d->head->n.damaged++;
		}
	}
	if (rc)
		d->head->n.hits++;
	else
		d->head->n.misses++;
	let_go(d);
	if (fd >= 0)
		close(fd);
	casg_buf_release(&path);
	return rc;
}

int casg_diskcache_has(struct casg_diskcache *d, const struct casg_oid *id)
{
	int rc;

	take(d);
	rc = find(d, id) != NULL;
	let_go(d);
	return rc;
}

/* What the settings and the disk allow. */
static uint64_t bound(const struct casg_diskcache *d)
{
	uint64_t most = d->o.max_nbytes, room = UINT64_MAX, avail;
	struct statvfs fs;

	if (!statvfs(d->dir, &fs)) {
		avail = (uint64_t)fs.f_bavail * fs.f_frsize;
		if (avail >= d->o.keep_free)
			room = d->head->n.nbytes + (avail - d->o.keep_free);
		else
			room = d->head->n.nbytes > d->o.keep_free - avail ?
			       d->head->n.nbytes - (d->o.keep_free - avail) : 0;
	}
	return most < room ? most : room;
}

static uint64_t next_random(struct casg_diskcache *d)
{
	uint64_t x = d->head->seed;

	/* xorshift64: which are looked at, nothing more */
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return d->head->seed = x ? x : 1;
}

static uint64_t hash_of(const struct slot *s)
{
	struct casg_oid id;

	memcpy(id.b, s->id, CASG_OID_RAWSZ);
	return casg_oid_prefix(&id);
}

/* Of some that are looked at the one least asked for, of these the longest ago. */
static struct slot *victim(struct casg_diskcache *d, unsigned *asked_out)
{
	uint32_t mask = d->head->nslots - 1;
	struct slot *least = NULL;

	for (int i = 0; i < SAMPLE && d->head->n.nentries; i++) {
		uint32_t at = (uint32_t)next_random(d) & mask;
		unsigned asked;

		while (!d->slots[at].nbytes)
			at = (at + 1) & mask;
		asked = casg_freq_of(&d->freq, hash_of(&d->slots[at]));
		if (least && (asked > *asked_out ||
			      (asked == *asked_out && d->slots[at].tick >= least->tick)))
			continue;
		least = &d->slots[at];
		*asked_out = asked;
	}
	return least;
}

static void evict(struct casg_diskcache *d, struct slot *s)
{
	struct casg_oid id;

	memcpy(id.b, s->id, CASG_OID_RAWSZ);
	remove_slot(d, s);
	remove_file(d, &id);
	d->head->n.evicted++;
}

/* Room for it: 1, or 0 if what is there is worth more. */
static int make_room(struct casg_diskcache *d, const struct casg_oid *id, uint64_t nbytes)
{
	uint64_t most = bound(d);
	unsigned asked = casg_freq_of(&d->freq, casg_oid_prefix(id)), theirs = 0;

	/* that may have become less than there is */
	while (d->head->n.nbytes > most) {
		struct slot *s = victim(d, &theirs);

		if (!s)
			break;
		evict(d, s);
	}
	if (nbytes > most)
		return 0;
	while (d->head->n.nbytes + nbytes > most ||
	       d->head->n.nentries >= d->head->nslots / 4 * 3) {
		struct slot *s = victim(d, &theirs);

		if (!s || theirs > asked)
			return 0;
		evict(d, s);
	}
	return 1;
}

void casg_diskcache_put(struct casg_diskcache *d, const struct casg_oid *id, const void *p,
			uint64_t nbytes)
{
	struct casg_err err = CASG_ERR_INIT;

	take(d);
	d->head->n.came_nbytes += nbytes;
	if (!find(d, id)) {
		if (nbytes && make_room(d, id, nbytes) &&
		    !casg_chunkfile_write(d->dir, id, p, (size_t)nbytes, 0, &err)) {
			add_slot(d, id, nbytes);
			d->head->n.admitted++;
		} else {
			d->head->n.refused++;
		}
	}
	let_go(d);
}

void casg_diskcache_drop(struct casg_diskcache *d, const struct casg_oid *id)
{
	struct slot *s;

	take(d);
	s = find(d, id);
	if (s)
		remove_slot(d, s);
	remove_file(d, id);
	d->head->n.damaged++;
	let_go(d);
}

void casg_diskcache_missed(struct casg_diskcache *d, const struct casg_oid *id, int ahead)
{
	take(d);
	if (ahead)
		casg_freq_add(&d->freq, casg_oid_prefix(id));
	d->head->n.misses++;
	let_go(d);
}

void casg_diskcache_count_memory(struct casg_diskcache *d, uint64_t hits)
{
	if (!hits)
		return;
	take(d);
	d->head->n.memory_hits += hits;
	let_go(d);
}

void casg_diskcache_touch(struct casg_diskcache *d, const struct casg_oid *id)
{
	/* counters that race lose a count */
	casg_freq_add(&d->freq, casg_oid_prefix(id));
}

void casg_diskcache_stats(struct casg_diskcache *d, struct casg_cachestats *out)
{
	take(d);
	*out = d->head->n;
	out->max_nbytes = bound(d);
	let_go(d);
}

/* ---- all of it ---- */

struct ids {
	struct casg_oid *v;
	size_t n, cap;
};

static int list_one(void *ctx, const struct casg_oid *id, uint64_t nbytes, struct casg_err *err)
{
	struct ids *ids = ctx;

	(void)nbytes;
	if (CASG_GROW(ids->v, ids->n + 1, ids->cap))
		return casg_err_nomem(err);
	ids->v[ids->n++] = *id;
	return 0;
}

int casg_diskcache_list(struct casg_diskcache *d, struct casg_oid **ids_out, size_t *n_out,
			struct casg_err *err)
{
	struct ids ids = { NULL, 0, 0 };
	int rc = casg_chunkfile_each(d->dir, list_one, &ids, err);

	if (rc) {
		free(ids.v);
		return rc;
	}
	*ids_out = ids.v;
	*n_out = ids.n;
	return 0;
}

int casg_diskcache_clear(struct casg_diskcache *d, struct casg_err *err)
{
	struct ids ids = { NULL, 0, 0 };
	int rc;

	take(d);
	rc = casg_chunkfile_each(d->dir, list_one, &ids, err);
	for (size_t i = 0; i < ids.n; i++)
		remove_file(d, &ids.v[i]);
	memset(d->head + 1, 0, d->mapped - sizeof(*d->head));
	memset(&d->head->n, 0, sizeof(d->head->n));
	let_go(d);
	free(ids.v);
	return rc;
}
