/* casg-prune-packs - move packs to quarantine and back, delete what expired */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "clisettings.h"
#include "cliwork.h"
#include "io.h"
#include "lines.h"
#include "packfiles.h"
#include "packwalk.h"
#include "reach.h"
#include "rubbish.h"

static int dry_run, nul_ends, list, revive, expire, is_auto;
static const char *grace_arg, *reason = "replaced";

static const char *const usage[] = {
	"[-n] [-z] [--grace=SECONDS] <NEEDED",
	"[-n] [-z] --expire [--grace=SECONDS]",
	"[-n] [-z] [--reason=TEXT] PACK...",
	"[-n] [-z] --revive PACK...",
	"[-z] --list",
	"--auto [--grace=SECONDS]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'n', "dry-run", NULL, &dry_run, "only print what would be done" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "lines end with NUL" },
	{ CASG_OPT_STR, 0, "grace", "SECONDS", &grace_arg,
	  "what is younger stays (default: casg.gcGrace)" },
	{ CASG_OPT_FLAG, 0, "expire", NULL, &expire,
	  "delete what has been in quarantine for the grace, and rubbish" },
	{ CASG_OPT_STR, 0, "reason", "TEXT", &reason, "why the packs go (default: replaced)" },
	{ CASG_OPT_FLAG, 0, "revive", NULL, &revive, "bring packs back from quarantine" },
	{ CASG_OPT_FLAG, 0, "list", NULL, &list, "list the packs in quarantine" },
	{ CASG_OPT_FLAG, 0, "auto", NULL, &is_auto,
	  "exit 0 if there is work for 'casg gc --auto', 1 if not" },
	{ .type = CASG_OPT_END }
};

enum { LOG_NBYTES_MAX = 512 << 10 };

static struct casg_work work;
static struct casg_packfiles files;
static int64_t now, grace;

/* ---- receipts ---------------------------------------------------------- */

/* The same lines, with the time in front; two files of a bounded size. */
static void add_to_log(const struct casg_buf *line)
{
	struct casg_buf b = CASG_BUF_INIT, path = CASG_BUF_INIT, old = CASG_BUF_INIT;
	char when[CASG_TIME_SIZE];
	struct casg_err err = CASG_ERR_INIT;
	struct stat st;
	int fd;

	casg_buf_addf(&path, "%s/gc.log", work.repo.state_dir);
	casg_buf_addf(&old, "%s.old", casg_buf_cstr(&path));
	if (!stat(casg_buf_cstr(&path), &st) && st.st_size > LOG_NBYTES_MAX)
		rename(casg_buf_cstr(&path), casg_buf_cstr(&old));
	casg_buf_addf(&b, "%s\t", casg_time_format(now, when));
	casg_buf_add(&b, line->data, line->len);
	casg_buf_addch(&b, '\n');
	fd = open(casg_buf_cstr(&path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0 || b.failed || casg_write_full(fd, b.data, b.len, &err))
		casg_warn("cannot write to '%s'", casg_buf_cstr(&path));
	if (fd >= 0)
		close(fd);
	casg_buf_release(&b);
	casg_buf_release(&path);
	casg_buf_release(&old);
}

/* Say it and, if it was done, remember it. */
static void receipt(struct casg_buf *line)
{
	if (line->failed)
		casg_die("out of memory");
	if (!dry_run && !list)
		add_to_log(line);
	casg_buf_addch(line, nul_ends ? '\0' : '\n');
	casg_out(line->data, line->len);
	casg_buf_release(line);
}

/* <what> <id> <bytes> <kinds> <since> <why> */
static void pack_receipt(const char *what, uint32_t pack, int64_t since, const char *why)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_packidx *x = casg_store_idx(work.store, pack);
	char when[CASG_TIME_SIZE];

	casg_buf_addf(&b, "%s\t", what);
	casg_oid_addhex(&b, &x->pack_id);
	casg_buf_addf(&b, "\t%" PRIu64 "\t", x->pack_nbytes);
	if (casg_reach_kinds(work.store, pack, &b, &err))
		casg_die_err(&err);
	casg_buf_addf(&b, "\t%s\t%s", casg_time_format(since, when), why);
	receipt(&b);
}

static void note_of(uint32_t pack, struct casg_gone *out)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_packfiles_gone(&files, &casg_store_idx(work.store, pack)->pack_id, out, &err))
		casg_die_err(&err);
}

/* ---- what is done with a pack ------------------------------------------ */

static void put_away(uint32_t pack, const char *why)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_gone gone = { .since = now };

	snprintf(gone.reason, sizeof(gone.reason), "%s", why);
	for (char *p = gone.reason; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	if (!dry_run &&
	    casg_packfiles_quarantine(&files, &casg_store_idx(work.store, pack)->pack_id,
				      &gone, &err))
		casg_die_err(&err);
	pack_receipt("quarantined", pack, now, gone.reason);
}

static void bring_back(uint32_t pack)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_gone gone;

	note_of(pack, &gone);
	if (!dry_run && casg_store_settle(work.store, pack, &err))
		casg_die_err(&err);
	pack_receipt("revived", pack, gone.since, gone.reason);
}

static void delete(uint32_t pack)
{
	const struct casg_oid *id = &casg_store_idx(work.store, pack)->pack_id;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_gone gone;
	char *ids = casg_packfiles_path(work.repo.index_dir, id, "objects");

	note_of(pack, &gone);
	if (now - gone.since >= grace || !grace) {
		if (!dry_run && casg_packfiles_delete(&files, id, &err))
			casg_die_err(&err);
		if (!dry_run && ids)
			unlink(ids);
		pack_receipt("deleted", pack, gone.since, gone.reason);
	}
	free(ids);
}

/* ---- which ------------------------------------------------------------- */

/* What is borrowed is for its owner to throw away. */
static int is_ours(uint32_t pack)
{
	return !casg_store_borrowed(work.store, pack);
}

/* A flag a pack: is it on standard input?  Every one that is must be here. */
static uint8_t *read_needed(void)
{
	uint8_t *needed = calloc(casg_store_npacks(work.store) + 1u, 1);
	struct casg_lines *l = casg_lines_open(0, nul_ends ? '\0' : '\n');
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid id;
	const char *line;
	uint32_t pack;
	size_t n;
	int rc;

	if (!needed || !l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		if (casg_oid_parse(&id, line, n))
			casg_die("standard input: '%.*s' is no pack id", n < 80 ? (int)n : 80, line);
		if (!casg_store_find_pack(work.store, &id, &pack))
			casg_die("pack %.*s is needed, but not in this repository", (int)n, line);
		needed[pack] = 1;
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_lines_close(l);
	return needed;
}

/* When the pack was written, or found by a writer in quarantine. */
static int64_t written_at(uint32_t pack)
{
	struct casg_err err = CASG_ERR_INIT;
	char *path = casg_packfiles_path(work.repo.packs_dir,
					 &casg_store_idx(work.store, pack)->pack_id, "pack");
	struct stat st;

	if (!path)
		casg_die("out of memory");
	if (stat(path, &st)) {
		casg_err_sys(&err, errno, "cannot look at '%s'", path);
		casg_die_err(&err);
	}
	free(path);
	return st.st_mtime;
}

static void prune(void)
{
	uint8_t *needed = read_needed();
	int64_t writer = casg_rubbish_oldest_writer(&work.repo, (long)getpid());
	uint32_t n = casg_store_npacks(work.store);

	for (uint32_t i = 0; i < n; i++)
		if (needed[i] && is_ours(i) && casg_store_quarantined(work.store, i))
			bring_back(i);
	for (uint32_t i = 0; i < n; i++) {
		int64_t t;

		if (needed[i] || !is_ours(i) || casg_store_quarantined(work.store, i))
			continue;
		t = written_at(i);
		if ((now - t >= grace || !grace) && t < writer)
			put_away(i, "named by no version");
	}
	free(needed);
}

static void each_in_quarantine(void (*fn)(uint32_t pack))
{
	for (uint32_t i = 0; i < casg_store_npacks(work.store); i++)
		if (is_ours(i) && casg_store_quarantined(work.store, i))
			fn(i);
}

static void list_one(uint32_t pack)
{
	struct casg_gone gone;

	note_of(pack, &gone);
	pack_receipt("quarantined", pack, gone.since, gone.reason);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int remove_rubbish(void *ctx, const char *path, uint64_t nbytes, const char *what,
			  struct casg_err *err)
{
	struct casg_buf b = CASG_BUF_INIT;

	(void)ctx;
	if (!dry_run && nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		return casg_err_sys(err, errno, "cannot remove '%s'", path);
	casg_buf_addf(&b, "removed\t%s\t%" PRIu64 "\t-\t-\t%s", path, nbytes, what);
	receipt(&b);
	return 0;
}

static void remove_expired(void)
{
	const int64_t day = 86400;
	struct casg_err err = CASG_ERR_INIT;

	each_in_quarantine(delete);
	if (casg_rubbish_each(&work.repo, now, grace < day ? grace : day, remove_rubbish, NULL,
			      &err))
		casg_die_err(&err);
}

static uint32_t find_pack(const char *name)
{
	struct casg_oid id;
	uint32_t pack;

	if (casg_oid_parse(&id, name, strlen(name)) && !casg_packwalk_name(name, &id))
		casg_die("'%s' is no pack id", name);
	if (!casg_store_find_pack(work.store, &id, &pack) || !is_ours(pack))
		casg_die("pack '%s' is not in this repository", name);
	return pack;
}

/* All of them are looked for before the first one moves. */
static void move_named(int n, char **names)
{
	uint32_t npacks = casg_store_npacks(work.store);
	uint8_t *named = calloc(npacks + 1u, 1);

	if (!named)
		casg_die("out of memory");
	for (int i = 0; i < n; i++)
		named[find_pack(names[i])] = 1;
	for (uint32_t i = 0; i < npacks; i++) {
		int gone = casg_store_quarantined(work.store, i);

		if (named[i] && revive && gone)
			bring_back(i);
		else if (named[i] && !revive && !gone)
			put_away(i, reason);
	}
	free(named);
}

/* ---- is there work? ---------------------------------------------------- */

/* Packs less than half full: repacking could make fewer of them. */
static uint64_t count_small(void)
{
	uint64_t count = 0;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid *ids;
	struct stat st;
	size_t n;

	if (casg_packfiles_list(files.packs_dir, &ids, &n, &err))
		casg_die_err(&err);
	for (size_t i = 0; i < n; i++) {
		char *path = casg_packfiles_path(files.packs_dir, &ids[i], "pack");

		count += path && !stat(path, &st) &&
			 (uint64_t)st.st_size < work.settings.pack_size / 2;
		free(path);
	}
	free(ids);
	return count;
}

static int any_expired(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid *ids;
	struct casg_gone gone;
	int found = 0, rc;
	size_t n;

	rc = casg_packfiles_list(files.quarantine_dir, &ids, &n, &err);
	if (rc && rc != CASG_EABSENT)
		casg_die_err(&err);
	for (size_t i = 0; i < n && !found; i++)
		found = !casg_packfiles_gone(&files, &ids[i], &gone, NULL) &&
			now - gone.since >= grace;
	free(ids);
	return found;
}

static int auto_work(void)
{
	if (!work.settings.gc_auto)
		return CASG_EXIT_NO;
	return count_small() > work.settings.gc_auto || any_expired() ? CASG_EXIT_YES :
		CASG_EXIT_NO;
}

/* ---- main -------------------------------------------------------------- */

static void check_usage(int argc)
{
	if (list + revive + expire + is_auto > 1)
		casg_usage_die("--list, --revive, --expire and --auto exclude each other");
	if (argc && (list || expire || is_auto))
		casg_usage_die("packs are named only to move or revive them");
	if (revive && !argc)
		casg_usage_die("--revive needs a PACK");
	if (grace_arg && (list || argc))
		casg_usage_die("--grace is not for named packs and --list");
}

static void set_files(void)
{
	files.packs_dir = work.repo.packs_dir;
	files.quarantine_dir = work.repo.quarantine_dir;
	files.tmp_dir = work.repo.tmp_dir;
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	int status = CASG_EXIT_YES;

	check_usage(argc);
	if (is_auto) {
		/* after every import: opens no pack */
		casg_cli_repo(&work.repo);
		casg_cli_settings(&work.repo, &work.settings);
	} else {
		casg_work_open(&work, "1", NULL, 0);
		if (casg_repo_mkdirs(&work.repo, &err))
			casg_die_err(&err);
	}
	casg_cli_setting(&work.settings, "casg.gcGrace", "--grace", grace_arg);
	grace = (int64_t)work.settings.gc_grace;
	now = time(NULL);
	set_files();
	if (is_auto)
		status = auto_work();
	else if (argc)
		move_named(argc, argv);
	else if (list)
		each_in_quarantine(list_one);
	else if (expire)
		remove_expired();
	else
		prune();
	casg_out_flush();
	if (is_auto)
		casg_repo_release(&work.repo);
	else
		casg_work_close(&work);
	return status;
}

const struct casg_cmd casg_cmd = { "casg-prune-packs", usage, opts, 0, -1, run };
