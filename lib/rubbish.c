#include "rubbish.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

enum { DAY = 86400 };

/* The process id in a temporary name, or 0. */
static long pid_in(const char *name)
{
	const char *p = name;

	while ((p = strchr(p, '-'))) {
		size_t n = strspn(++p, "0123456789");

		if (n && n < 10 && strchr("-.", p[n])) /* '\0' counts */
			return strtol(p, NULL, 10);
	}
	return 0;
}

static int is_alive(long pid)
{
	return !kill((pid_t)pid, 0) || errno == EPERM;
}

static int ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* ---- who is at work ---- */

/* The number behind 'name' at the start of a line, or 0. */
static int64_t number_after(struct casg_buf *b, const char *name)
{
	const char *s = casg_buf_cstr(b), *p = strstr(s, name);

	return p && (p == s || p[-1] == '\n') ? strtoll(p + strlen(name), NULL, 10) : 0;
}

/* When a process was started, by Linux's /proc; 0: cannot be told. */
static int64_t started_at(long pid)
{
	struct casg_buf stat = CASG_BUF_INIT, sys = CASG_BUF_INIT;
	long per_second = sysconf(_SC_CLK_TCK);
	int64_t boot, ticks = 0;
	char path[64];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (!casg_read_file(path, 65536, &stat, NULL) &&
	    !casg_read_file("/proc/stat", 4 << 20, &sys, NULL) &&
	    (p = strrchr(casg_buf_cstr(&stat), ')'))) {
		/* the 22nd field; the name, the second, may hold anything */
		for (int i = 2; p && i < 22; i++)
			p = strchr(p + 1, ' ');
		ticks = p ? strtoll(p, NULL, 10) : 0;
	}
	boot = number_after(&sys, "btime ");
	casg_buf_release(&stat);
	casg_buf_release(&sys);
	return boot && ticks && per_second > 0 ? boot + ticks / per_second : 0;
}

static int64_t oldest_in(const char *dir, long self)
{
	int64_t oldest = INT64_MAX;
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		long pid = ends_in(e->d_name, ".tmp") ? pid_in(e->d_name) : 0;
		int64_t t;

		if (!pid || pid == self || !is_alive(pid))
			continue;
		t = started_at(pid);
		if (t < oldest)
			oldest = t;
	}
	if (d)
		closedir(d);
	return oldest;
}

int64_t casg_rubbish_oldest_writer(const struct casg_repo *repo, long self)
{
	int64_t a = oldest_in(repo->tmp_dir, self), b = oldest_in(repo->packs_dir, self);

	return a < b ? a : b;
}

/* ---- rubbish ---- */

struct search {
	const struct casg_repo *repo;
	int64_t now, age;
	int64_t writer;       /* casg_rubbish_oldest_writer */
	casg_rubbish_fn *fn;
	void *ctx;
	struct casg_err *err;
};

/* What kind of rubbish a name is; NULL: none. */
typedef const char *judge_fn(struct search *s, const char *name, const struct stat *st);

static int old_enough(const struct search *s, const struct stat *st, int64_t age)
{
	return !age || s->now - (int64_t)st->st_mtime >= age;
}

static const char *judge_tmp(struct search *s, const char *name, const struct stat *st)
{
	long pid = pid_in(name);

	if (pid && is_alive(pid))
		return NULL;
	return old_enough(s, st, pid ? s->age : DAY) ? "left by a process that is gone" : NULL;
}

/* Is the name pack-<64 characters>.<ext>, and the pack in neither folder? */
static int is_orphan(const struct search *s, const char *name, const char *ext)
{
	const char *const dirs[] = { s->repo->packs_dir, s->repo->quarantine_dir };
	const size_t stem = 5 + CASG_OID_HEXSZ;

	if (strncmp(name, "pack-", 5) || strlen(name) <= stem || strcmp(name + stem, ext))
		return 0;
	for (int i = 0; i < 2; i++) {
		char *path;
		int there;

		if (asprintf(&path, "%s/%.*s.pack", dirs[i], (int)stem, name) < 0)
			return 0;
		there = !access(path, F_OK) || errno != ENOENT;
		free(path);
		if (there)
			return 0;
	}
	return 1;
}

/* A writer puts an index and a list of ids there before the pack. */
static int is_left_over(struct search *s, const char *name, const char *ext,
			const struct stat *st)
{
	return old_enough(s, st, s->age) && st->st_mtime < s->writer && is_orphan(s, name, ext);
}

static const char *judge_pack(struct search *s, const char *name, const struct stat *st)
{
	if (ends_in(name, ".tmp"))
		return judge_tmp(s, name, st);
	return is_left_over(s, name, ".idx", st) ? "an index without its pack" : NULL;
}

static const char *judge_quarantine(struct search *s, const char *name, const struct stat *st)
{
	return is_left_over(s, name, ".idx", st) || is_left_over(s, name, ".why", st) ?
	       "its pack is gone" : NULL;
}

static const char *judge_index(struct search *s, const char *name, const struct stat *st)
{
	return is_left_over(s, name, ".objects", st) ? "ids of a pack that is gone" : NULL;
}

/* Indexes of taxa; what they are of, their names do not say. */
static const char *judge_taxa(struct search *s, const char *name, const struct stat *st)
{
	return ends_in(name, ".tmp") ? judge_tmp(s, name, st) : NULL;
}

/* A lock that was being broken. */
static const char *judge_state(struct search *s, const char *name, const struct stat *st)
{
	return strstr(name, ".lock-") ? judge_tmp(s, name, st) : NULL;
}

static int search(struct search *s, const char *dir, judge_fn *judge)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int rc = 0;

	if (!d)
		return errno == ENOENT ? 0 :
		       casg_err_sys(s->err, errno, "cannot open '%s'", dir);
	while (!rc && (errno = 0, e = readdir(d))) {
		const char *what = NULL;
		struct stat st;
		char *path;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (asprintf(&path, "%s/%s", dir, e->d_name) < 0) {
			rc = casg_err_nomem(s->err);
			break;
		}
		if (!lstat(path, &st))
			what = judge(s, e->d_name, &st);
		if (what)
			rc = s->fn(s->ctx, path, S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0,
				   what, s->err);
		free(path);
	}
	if (!rc && errno)
		rc = casg_err_sys(s->err, errno, "cannot read '%s'", dir);
	closedir(d);
	return rc;
}

int casg_rubbish_each(const struct casg_repo *repo, int64_t now, int64_t age,
		      casg_rubbish_fn *fn, void *ctx, struct casg_err *err)
{
	struct search s = { repo, now, age, casg_rubbish_oldest_writer(repo, (long)getpid()),
			    fn, ctx, err };
	int rc = search(&s, repo->tmp_dir, judge_tmp);
	char *taxa;

	if (!rc)
		rc = search(&s, repo->packs_dir, judge_pack);
	if (!rc)
		rc = search(&s, repo->quarantine_dir, judge_quarantine);
	if (!rc)
		rc = search(&s, repo->index_dir, judge_index);
	if (!rc && asprintf(&taxa, "%s/taxa", repo->index_dir) < 0)
		rc = casg_err_nomem(err);
	if (!rc) {
		rc = search(&s, taxa, judge_taxa);
		free(taxa);
	}
	if (!rc)
		rc = search(&s, repo->state_dir, judge_state);
	return rc;
}
