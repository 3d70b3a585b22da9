#include "packfetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "io.h"
#include "oidset.h"

#define TRIES 3 /* of a pack at one storage, and of its helper */

enum state {
	WANTED,   /* not there; to be asked for at this storage */
	ASKED,
	GIVEN_UP, /* at this storage */
	THERE
};

struct item {
	struct casg_packfetch *f;
	struct casg_oid id;
	uint64_t nbytes;         /* 0: not known */
	char *path;
	int fd;                  /* -1: closed */
	struct casg_hasher *hasher; /* of the first 'at' bytes; or NULL */
	uint64_t at;
	enum state state;
	unsigned tries;          /* at this storage */
	int mixed;               /* some bytes are not from this storage */
};

struct casg_packfetch {
	struct casg_packfetch_opts o;
	struct item *items;
	size_t n, cap;
	struct casg_oidset ids;
	/* at the storage that is being asked */
	struct casg_remote *remote;
	char *shown;
	uint64_t came;           /* bytes, since its helper was started */
	char said[256];          /* why a request was to be asked again */
	int failed;              /* of this machine: a class */
	struct casg_err why;
};

struct casg_packfetch *casg_packfetch_new(const struct casg_packfetch_opts *opts)
{
	struct casg_packfetch *f = calloc(1, sizeof(*f));

	if (f)
		f->o = *opts;
	return f;
}

static void close_item(struct item *it)
{
	if (it->fd >= 0) {
		/* an empty one is rubbish; nobody else has the lock */
		if (it->state != THERE && !it->at)
			unlink(it->path);
		close(it->fd);
	}
	it->fd = -1;
	casg_hasher_free(it->hasher);
	it->hasher = NULL;
}

void casg_packfetch_free(struct casg_packfetch *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++) {
		close_item(&f->items[i]);
		free(f->items[i].path);
	}
	free(f->items);
	free(f->shown);
	casg_oidset_release(&f->ids);
	free(f);
}

int casg_packfetch_add(struct casg_packfetch *f, const struct casg_oid *id, uint64_t nbytes,
		       struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct item *it;
	int rc = casg_oidset_add(&f->ids, id, err);

	if (rc <= 0)
		return rc;
	if (CASG_GROW(f->items, f->n + 1, f->cap))
		return casg_err_nomem(err);
	it = &f->items[f->n];
	memset(it, 0, sizeof(*it));
	it->f = f;
	it->id = *id;
	it->nbytes = nbytes;
	it->fd = -1;
	if (asprintf(&it->path, "%s/fetch-%s.part", f->o.tmp_dir, casg_oid_hex(id, hex)) < 0)
		return casg_err_nomem(err);
	f->n++;
	return 0;
}

size_t casg_packfetch_missing(const struct casg_packfetch *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->items[i].state != THERE;
	return n;
}

size_t casg_packfetch_count(const struct casg_packfetch *f)
{
	return f->n;
}

int casg_packfetch_get(const struct casg_packfetch *f, size_t i, struct casg_oid *id_out,
		       uint64_t *nbytes_out, const char **path_out)
{
	const struct item *it = &f->items[i];

	*id_out = it->id;
	*nbytes_out = it->state == THERE ? it->at : it->nbytes;
	*path_out = it->path;
	return it->state == THERE ? it->fd : -1;
}

/* ---- partial files ---- */

static int fail(struct casg_packfetch *f, int code)
{
	if (!f->failed)
		f->failed = code ? code : CASG_EIO;
	return -1;
}

/*
 * Open and lock the partial file.  One that another process has is left to it,
 * and ours gets a name of its own.
 */
static int open_part(struct item *it, struct casg_err *err)
{
	char *own;

	for (int i = 0; i < 8; i++) {
		struct stat st, named;

		it->fd = open(it->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (it->fd < 0)
			return casg_err_sys(err, errno, "cannot open '%s'", it->path);
		if (!flock(it->fd, LOCK_EX | LOCK_NB) || errno == ENOTSUP || errno == ENOLCK) {
			/* is it there still, or did the other one move it away? */
			if (!fstat(it->fd, &st) && !stat(it->path, &named) &&
			    st.st_ino == named.st_ino)
				return 0;
		} else if (!strstr(it->path, ".own")) {
			if (asprintf(&own, "%.*s-%ld.own.part", (int)(strlen(it->path) - 5),
				     it->path, (long)getpid()) < 0)
				own = NULL;
			free(it->path);
			it->path = own;
		}
		close(it->fd);
		it->fd = -1;
		if (!it->path)
			return casg_err_nomem(err);
	}
	return casg_err_set(err, CASG_EIO, "'%s' changes all the time", it->path);
}

/* Throw away what is there. */
static int start_over(struct item *it, struct casg_err *err)
{
	if (ftruncate(it->fd, 0))
		return casg_err_sys(err, errno, "cannot empty '%s'", it->path);
	casg_hasher_init(it->hasher);
	it->at = 0;
	it->mixed = 0;
	return 0;
}

/* Hash what an earlier run left. */
static int hash_part(struct item *it, struct casg_err *err)
{
	const size_t step = (size_t)1 << 20;
	uint8_t *block = malloc(step);
	size_t got = 0;
	int rc = 0;

	if (!block)
		return casg_err_nomem(err);
	do {
		rc = casg_pread_full(it->fd, block, step, it->at, &got, err);
		if (!rc)
			casg_hasher_update(it->hasher, block, got);
		it->at += got;
	} while (!rc && got == step);
	free(block);
	it->mixed = it->at > 0;
	return rc;
}

static int open_item(struct item *it, struct casg_err *err)
{
	int rc;

	if (it->fd >= 0)
		return 0;
	if (!it->hasher)
		it->hasher = casg_hasher_new();
	if (!it->hasher)
		return casg_err_nomem(err);
	casg_hasher_init(it->hasher);
	it->at = 0;
	rc = open_part(it, err);
	return rc ? rc : hash_part(it, err);
}

/* Is the SHA-256 of all that came the one that it must be?  Ends the hash. */
static int is_whole(struct item *it)
{
	struct casg_oid id;

	casg_hasher_final(it->hasher, &id);
	if (!casg_oid_eq(&id, &it->id))
		return 0;
	it->state = THERE;
	casg_hasher_free(it->hasher);
	it->hasher = NULL;
	return 1;
}

/* ---- one request ---- */

static void complain(const struct item *it, const char *what)
{
	it->f->o.complain(it->f->o.ctx, it->f->shown, &it->id, what);
}

static int sink(void *ctx, const uint8_t *p, size_t n)
{
	struct item *it = ctx;
	struct casg_packfetch *f = it->f;

	f->came += n;
	if (f->o.progress)
		f->o.progress(f->o.ctx, n);
	if (casg_pwrite_full(it->fd, p, n, it->at, &f->why)) {
		casg_err_prefix(&f->why, "'%s'", it->path);
		return fail(f, f->why.code);
	}
	casg_hasher_update(it->hasher, p, n);
	it->at += n;
	return 0;
}

/* The storage says that this is all. */
static void take_whole(struct item *it, uint64_t nbytes)
{
	struct casg_packfetch *f = it->f;
	char what[128];

	if (it->at != nbytes && (!it->mixed || it->at < nbytes)) {
		snprintf(what, sizeof(what), "%llu bytes came of %llu", (unsigned long long)it->at,
			 (unsigned long long)nbytes);
		complain(it, what);
		it->state = GIVEN_UP;
		/* it may be the beginning of what is wanted all the same */
		return;
	}
	if (it->at == nbytes && is_whole(it))
		return;
	it->state = it->mixed ? WANTED : GIVEN_UP;
	snprintf(what, sizeof(what), "it has %llu bytes, not %llu", (unsigned long long)nbytes,
		 (unsigned long long)it->nbytes);
	if (!it->mixed)
		complain(it, it->nbytes && nbytes != it->nbytes ? what :
			 "it has other bytes than its name says");
	if (start_over(it, &f->why))
		fail(f, f->why.code);
}

static void done(void *ctx, const struct casg_remote_reply *reply)
{
	struct item *it = ctx;

	if (it->f->failed)
		return;
	switch (reply->kind) {
	case CASG_ANSWER_DONE:
		take_whole(it, reply->nbytes);
		break;
	case CASG_ANSWER_NO:
		complain(it, "it is not there");
		it->state = GIVEN_UP;
		break;
	default:
		it->state = reply->class == CASG_REMOTE_RETRY && ++it->tries < TRIES ? WANTED :
										    GIVEN_UP;
		snprintf(it->f->said, sizeof(it->f->said), "%s", reply->message);
		if (it->state == GIVEN_UP)
			complain(it, reply->message);
	}
	if (it->state == GIVEN_UP)
		close_item(it);
}

/* All of it may be there; else ask for what is lacking. */
static int ask(struct item *it, struct casg_err *err)
{
	struct casg_packfetch *f = it->f;
	struct casg_remote_ask a = {
		.op = CASG_REMOTE_GET, .ctx = it, .sink = sink, .done = done,
	};
	char name[32 + CASG_OID_HEXSZ], hex[CASG_OID_HEXSZ + 1];
	uint64_t most = it->nbytes ? it->nbytes : CASG_PACKFETCH_MAX;
	int rc = open_item(it, err);

	if (!rc && it->at && it->nbytes && it->at >= it->nbytes) {
		if (it->at == it->nbytes && is_whole(it))
			return 0;
		rc = start_over(it, err);
	}
	if (!rc && it->at && !(casg_remote_cans(f->remote) & CASG_CAN_RANGE))
		rc = start_over(it, err);
	if (rc)
		return rc;
	snprintf(name, sizeof(name), "packs/pack-%s.pack", casg_oid_hex(&it->id, hex));
	a.name = name;
	a.has_range = it->at > 0;
	a.first = it->at;
	a.max_nbytes = most > it->at ? most - it->at : 0;
	it->state = ASKED;
	return casg_remote_ask(f->remote, &a, err);
}

/* ---- one storage ---- */

/* Ask for all that is wanted; some may be wanted again afterwards. */
static int ask_all(struct casg_packfetch *f, struct casg_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < f->n && !rc && !f->failed; i++) {
		if (f->items[i].state != WANTED)
			continue;
		if (casg_remote_is_dead(f->remote))
			break;
		casg_remote_wait(f->remote, f->o.max_open - 1);
		rc = ask(&f->items[i], err);
	}
	if (!rc && !f->failed)
		casg_remote_wait(f->remote, 0);
	if (!rc && f->failed)
		rc = casg_err_set(err, f->failed, "%s", f->why.msg);
	return rc;
}

static size_t count(const struct casg_packfetch *f, enum state state)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->items[i].state == state;
	return n;
}

static int connect_to(struct casg_packfetch *f, const char *url)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf shown = CASG_BUF_INIT;

	f->came = 0;
	if (f->o.open(f->o.ctx, url, &f->remote, &err)) {
		casg_remote_mask(&shown, url);
		f->o.complain(f->o.ctx, casg_buf_cstr(&shown), NULL, err.msg);
		casg_buf_release(&shown);
		return -1;
	}
	free(f->shown);
	f->shown = strdup(casg_remote_shown(f->remote));
	return f->shown ? 0 : -1;
}

int casg_packfetch_from(struct casg_packfetch *f, const char *url, struct casg_err *err)
{
	int rc = 0;

	*f->said = '\0';
	free(f->shown);
	f->shown = NULL;
	for (size_t i = 0; i < f->n; i++) {
		struct item *it = &f->items[i];

		if (it->state == THERE)
			continue;
		it->state = WANTED;
		it->tries = 0;
		it->mixed = it->at > 0;
	}
	for (int start = 0; start < TRIES && !rc && count(f, WANTED); start++) {
		if (connect_to(f, url))
			break;
		for (int again = 0; !rc && !casg_remote_is_dead(f->remote) && count(f, WANTED); again++) {
			struct timespec pause = { .tv_sec = again / 2, .tv_nsec = again % 2 * 500000000 };

			if (again)
				nanosleep(&pause, NULL);
			rc = ask_all(f, err);
		}
		/* a helper that broke without having been of any use will do so again */
		if (casg_remote_is_dead(f->remote) &&
		    (!f->came || casg_remote_timed_out(f->remote)))
			start = TRIES;
		casg_remote_close(f->remote);
		f->remote = NULL;
	}
	if (!rc && f->shown && *f->said && count(f, WANTED))
		f->o.complain(f->o.ctx, f->shown, NULL, f->said);
	for (size_t i = 0; i < f->n; i++)
		if (f->items[i].state != THERE)
			close_item(&f->items[i]);
	return rc;
}

/* ---- into place ---- */

int casg_packfetch_commit(struct casg_packfetch *f, size_t i, const char *path,
			  struct casg_err *err)
{
	struct item *it = &f->items[i];
	struct stat st, there;
	int rc = casg_fsync(it->fd, err);

	if (rc) {
		casg_err_prefix(err, "'%s'", it->path);
		return rc;
	}
	if (fstat(it->fd, &st) || fchmod(it->fd, st.st_mode & 0444))
		return casg_err_sys(err, errno, "cannot change the mode of '%s'", it->path);
	if (link(it->path, path)) {
		if (errno == EEXIST && !stat(path, &there) && there.st_size != st.st_size)
			return casg_err_set(err, CASG_ECORRUPT,
					    "'%s' is there, and has another size", path);
		if (errno != EEXIST && rename(it->path, path))
			return casg_err_sys(err, errno, "cannot move '%s' to '%s'", it->path, path);
	}
	unlink(it->path);
	return casg_fsync_parent(path, err);
}
