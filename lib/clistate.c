#include "clistate.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "array.h"
#include "cli.h"
#include "io.h"
#include "tmpfile.h"

static void die(struct casg_cli_state *s, struct casg_err *err)
{
	casg_err_prefix(err, "'%s'", s->path);
	casg_work_die(s->work, err);
}

/* What there is to take up, if anything. */
static void read_before(struct casg_cli_state *s)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf text = CASG_BUF_INIT;
	int rc = casg_read_file(s->path, CASG_SAVEDSTATE_MAX, &text, &err);

	if (rc == CASG_EABSENT)
		return;
	if (!rc)
		rc = casg_savedstate_decode(&s->before, text.data, text.len, &err);
	if (!rc)
		rc = casg_savedstate_compare(&s->before, &s->now, &err);
	if (rc)
		die(s, &err);
	s->pending = 1;
	s->now.packs = s->before.packs;
	s->now.npacks = s->before.npacks;
	s->now.cap_packs = s->before.cap_packs;
	s->before.packs = NULL;
	casg_buf_release(&text);
}

void casg_cli_state_open(struct casg_cli_state *s, struct casg_work *work, const char *path,
			 const char *operation, int resume)
{
	const struct casg_savedstate none = CASG_SAVEDSTATE_INIT;

	s->work = work;
	s->path = path;
	s->stays = path && resume;
	s->now = s->before = none;
	s->pending = s->differs = 0;
	s->nlooked = 0;
	if (!path)
		return;
	casg_buf_addstr(&s->now.operation, operation);
	casg_buf_addstr(&s->now.casg, PACKAGE_VERSION);
	if (s->now.operation.failed || s->now.casg.failed)
		casg_die("out of memory");
	s->now.chunk_nbytes = work->settings.chunk_size;
	if (resume)
		read_before(s);
}

void casg_cli_state_total(struct casg_cli_state *s, uint64_t total)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!s->path || s->now.total == total)
		return;
	s->now.total = total;
	if (s->pending && casg_savedstate_compare(&s->before, &s->now, &err))
		die(s, &err);
}

void casg_cli_state_hash(struct casg_cli_state *s, struct casg_hasher *input,
			 const uint8_t *p, size_t n)
{
	uint64_t end = s->now.nread + n;

	if (s->pending && end >= s->before.nread) {
		size_t first = (size_t)(s->before.nread - s->now.nread);
		struct casg_oid digest;

		casg_hasher_update(input, p, first);
		casg_hasher_peek(input, &digest);
		s->differs = !casg_oid_eq(&digest, &s->before.digest);
		s->pending = 0;
		p += first;
		n -= first;
	}
	casg_hasher_update(input, p, n);
	s->now.nread = end;
}

static void check_same(struct casg_cli_state *s)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!s->differs)
		return;
	casg_err_set(&err, CASG_ECORRUPT, "the input is another one than that which was interrupted");
	die(s, &err);
}

static void save(struct casg_cli_state *s)
{
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_tmpfile tmp = CASG_TMPFILE_INIT;
	struct casg_err err = CASG_ERR_INIT;
	int rc = casg_savedstate_encode(&s->now, &text, &err);

	if (!rc)
		rc = casg_tmpfile_create(&tmp, s->work->repo.tmp_dir, "state", &err);
	if (!rc)
		rc = casg_write_full(tmp.fd, text.data, text.len, &err);
	if (!rc)
		rc = casg_tmpfile_commit_replace(&tmp, s->path, &err);
	if (rc) {
		casg_tmpfile_abandon(&tmp);
		die(s, &err);
	}
	casg_buf_release(&text);
}

/* Packs that were not there before are named in the file; 1 if there are any. */
static int add_packs(struct casg_cli_state *s)
{
	struct casg_packw *w = s->work->packw;
	uint32_t n = casg_packw_npacks(w);
	int any = 0;

	for (uint32_t i = s->nlooked; i < n; i++) {
		int ours, known = 0;
		const struct casg_oid *id = casg_packw_pack(w, i, &ours);

		for (size_t k = 0; k < s->now.npacks && !known; k++)
			known = casg_oid_eq(&s->now.packs[k], id);
		if (!ours || known)
			continue;
		if (CASG_GROW(s->now.packs, s->now.npacks + 1, s->now.cap_packs))
			casg_die("out of memory");
		s->now.packs[s->now.npacks++] = *id;
		any = 1;
	}
	s->nlooked = n;
	return any;
}

/* A signal between the two would remove packs that the file names. */
static void save_and_keep(struct casg_cli_state *s)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	save(s);
	if (s->stays)
		casg_packw_keep(s->work->packw);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void casg_cli_state_check(struct casg_cli_state *s, const struct casg_hasher *input,
			  uint64_t nrecords)
{
	check_same(s);
	/* before that, what was saved knows more */
	if (!s->path || s->pending || !add_packs(s))
		return;
	casg_hasher_peek(input, &s->now.digest);
	s->now.nrecords = nrecords;
	save_and_keep(s);
}

void casg_cli_state_finish(struct casg_cli_state *s, const struct casg_hasher *input,
			   uint64_t nrecords)
{
	s->differs |= s->pending;
	casg_cli_state_check(s, input, nrecords);
}

void casg_cli_state_plan(struct casg_cli_state *s, const struct casg_oid *digest,
			 uint64_t total)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!s->path)
		return;
	s->now.digest = *digest;
	s->now.total = total;
	if (s->pending && !casg_oid_eq(digest, &s->before.digest)) {
		casg_err_set(&err, CASG_ECORRUPT,
			     "the versions, or the packs that they need, are others than those that were interrupted");
		die(s, &err);
	}
	if (!s->pending)
		save(s);
	s->pending = 0;
}

void casg_cli_state_wrote(struct casg_cli_state *s, uint64_t nbytes, uint64_t nobjects)
{
	if (!s->path || !add_packs(s))
		return;
	s->now.nread = nbytes;
	s->now.nrecords = nobjects;
	save_and_keep(s);
}

void casg_cli_state_close(struct casg_cli_state *s)
{
	casg_savedstate_release(&s->now);
	casg_savedstate_release(&s->before);
}
