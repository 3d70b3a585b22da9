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
#include "chunkfile.h"
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
static const char *grace_arg, *reason = "replaced", *take_dir;

static const char *const usage[] = {
	"[-n] [-z] [--grace=SECONDS] <NEEDED",
	"[-n] [-z] --expire [--grace=SECONDS]",
	"[-n] [-z] [--reason=TEXT] PACK...",
	"[-n] [-z] --revive PACK...",
	"--take=DIR",
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
	{ CASG_OPT_STR, 0, "take", "DIR", &take_dir,
	  "link the packs that were written in DIR among those in use" },
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

static int is_expired(uint32_t pack)
{
	struct casg_gone gone;

	note_of(pack, &gone);
	return now - gone.since >= grace || !grace;
}

static void delete(uint32_t pack)
{
	const struct casg_oid *id = &casg_store_idx(work.store, pack)->pack_id;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_gone gone;
	char *ids = casg_packfiles_path(work.repo.index_dir, id, "objects");

	note_of(pack, &gone);
	if (!dry_run && casg_packfiles_delete(&files, id, &err))
		casg_die_err(&err);
	if (!dry_run && ids)
		unlink(ids);
	pack_receipt("deleted", pack, gone.since, gone.reason);
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

/* What a partial clone has of a pack that is elsewhere can be had again. */
static void forget_promised(uint32_t pack)
{
	static const char *const exts[] = { "idx", "objects" };
	const struct casg_oid *id = &casg_store_idx(work.store, pack)->pack_id;
	struct casg_buf dir = CASG_BUF_INIT;

	for (int i = 0; i < 2 && !dry_run; i++) {
		char *path = casg_packfiles_path(casg_cli_partial_dir(&work.repo, &dir), id, exts[i]);

		if (!path)
			casg_die("out of memory");
		if (unlink(path) && errno != ENOENT)
			casg_die("cannot remove '%s': %s", path, strerror(errno));
		free(path);
	}
	casg_buf_release(&dir);
	pack_receipt("forgotten", pack, now, "named by no version, and in a storage");
}

/* A chunk that was kept, of packs that are gone. */
static int forget_chunk(void *ctx, const struct casg_oid *id, uint64_t nbytes,
			struct casg_err *err)
{
	struct casg_buf path = CASG_BUF_INIT, b = CASG_BUF_INIT;
	uint32_t chunk;
	int rc = 0;

	for (uint32_t i = 0; i < casg_store_npacks(work.store) && !rc; i++)
		if (casg_store_promised(work.store, i))
			rc = casg_packidx_find_chunk(casg_store_idx(work.store, i), id, &chunk, err);
	if (rc)
		return rc < 0 ? rc : 0;
	casg_chunkfile_path(&path, ctx, id);
	if (!dry_run && unlink((char *)path.data) && errno != ENOENT)
		rc = casg_err_sys(err, errno, "cannot remove '%s'", (char *)path.data);
	casg_buf_addf(&b, "removed\t%s\t%" PRIu64 "\t-\t-\ta chunk of a pack that is gone",
		      (char *)path.data, nbytes);
	receipt(&b);
	casg_buf_release(&path);
	return rc;
}

static void forget_chunks(void)
{
	struct casg_buf dir = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	casg_cli_partial_dir(&work.repo, &dir);
	casg_buf_addstr(&dir, "/chunks");
	if (casg_chunkfile_each(casg_buf_cstr(&dir), forget_chunk, (void *)(uintptr_t)casg_buf_cstr(&dir), &err))
		casg_die_err(&err);
	casg_buf_release(&dir);
}

/* What the packs that stay need stays with them, or they cannot be verified. */
static void keep_what_they_need(uint8_t *keep)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_reach_close(work.store, casg_work_coder(&work), keep, &err))
		casg_die_err(&err);
}

/* Young ones, and what somebody may be writing now; who called us does not write. */
static int is_young(uint32_t pack, int64_t writer)
{
	int64_t t = written_at(pack);

	return (grace && now - t < grace) || t >= writer;
}

/* Is it in use, ours and not kept? */
static int may_go(const uint8_t *keep, uint32_t pack)
{
	return !keep[pack] && is_ours(pack) && !casg_store_quarantined(work.store, pack);
}

static void prune(void)
{
	uint8_t *keep = read_needed();
	int64_t writer = casg_rubbish_oldest_writer(&work.repo, (long)getppid());
	uint32_t n = casg_store_npacks(work.store), ngo = 0;

	for (uint32_t i = 0; i < n; i++)
		if (keep[i] && is_ours(i) && casg_store_quarantined(work.store, i))
			bring_back(i);
	for (uint32_t i = 0; i < n; i++) {
		if (may_go(keep, i) && !casg_store_promised(work.store, i))
			keep[i] = (uint8_t)is_young(i, writer);
		ngo += may_go(keep, i);
	}
	if (ngo)
		keep_what_they_need(keep);
	for (uint32_t i = 0; i < n; i++) {
		if (!may_go(keep, i))
			continue;
		if (casg_store_promised(work.store, i))
			forget_promised(i);
		else
			put_away(i, "named by no version");
	}
	free(keep);
}

static void list_quarantine(void)
{
	struct casg_gone gone;

	for (uint32_t i = 0; i < casg_store_npacks(work.store); i++)
		if (is_ours(i) && casg_store_quarantined(work.store, i)) {
			note_of(i, &gone);
			pack_receipt("quarantined", i, gone.since, gone.reason);
		}
}

/* Those that refer to others go first: whenever this ends, the rest is whole. */
static void delete_expired(void)
{
	uint32_t npacks = casg_store_npacks(work.store), n = 0, nkept = 0;
	uint8_t *keep = malloc(npacks + 1u), *goes = malloc(npacks + 1u);
	uint32_t *packs = malloc((npacks + 1u) * sizeof(*packs));
	struct casg_err err = CASG_ERR_INIT;

	if (!keep || !goes || !packs)
		casg_die("out of memory");
	for (uint32_t i = 0; i < npacks; i++) {
		keep[i] = !is_ours(i) || !casg_store_quarantined(work.store, i) || !is_expired(i);
		nkept += keep[i];
	}
	if (nkept < npacks)
		keep_what_they_need(keep);
	for (uint32_t i = 0; i < npacks; i++)
		goes[i] = !keep[i];
	if (casg_reach_rank(work.store, casg_work_coder(&work), goes, packs, &n, &err))
		casg_die_err(&err);
	while (n)
		delete(packs[--n]);
	free(keep);
	free(goes);
	free(packs);
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

	delete_expired();
	if (work.promise)
		forget_chunks();
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
	if (casg_store_promised(work.store, pack) && !dry_run)
		casg_die("pack '%s' is in a storage, and here in part only", name);
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

/* One that is in use already stays as it is. */
static void take_all(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid *ids;
	size_t n;

	if (casg_packfiles_list(take_dir, &ids, &n, &err))
		casg_die_err(&err);
	for (size_t i = 0; i < n; i++)
		if (casg_packfiles_link(&files, take_dir, &ids[i], &err))
			casg_die_err(&err);
	free(ids);
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
	if (list + revive + expire + is_auto + !!take_dir > 1)
		casg_usage_die("--list, --revive, --take, --expire and --auto exclude each other");
	if (take_dir && (dry_run || nul_ends))
		casg_usage_die("-n and -z do not go with --take");
	if (argc && (list || expire || is_auto || take_dir))
		casg_usage_die("packs are named only to move or revive them");
	if (revive && !argc)
		casg_usage_die("--revive needs a PACK");
	if (grace_arg && (list || argc || take_dir))
		casg_usage_die("--grace is not for named packs, --take and --list");
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
	if (is_auto || take_dir) {
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
	else if (take_dir)
		take_all();
	else if (argc)
		move_named(argc, argv);
	else if (list)
		list_quarantine();
	else if (expire)
		remove_expired();
	else
		prune();
	casg_out_flush();
	if (is_auto || take_dir)
		casg_repo_release(&work.repo);
	else
		casg_work_close(&work);
	return status;
}

const struct casg_cmd casg_cmd = { "casg-prune-packs", usage, opts, 0, -1, run };
