#include "packfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"
#include "io.h"
#include "tmpfile.h"
#include "version.h"

#define NOTE_HEAD "casg-quarantine 1\nsince "

static int cmp_oid(const void *a, const void *b)
{
	return casg_oid_cmp(a, b);
}

int casg_packfiles_list(const char *dir, struct casg_oid **ids_out, size_t *n_out,
			struct casg_err *err)
{
	struct casg_oid id;
	size_t cap = 0;
	struct dirent *e;
	DIR *d = opendir(dir);
	int rc = 0, errnum = errno;

	*ids_out = NULL;
	*n_out = 0;
	if (!d && errnum == ENOENT)
		return casg_err_set(err, CASG_EABSENT, "there is no folder '%s'", dir);
	if (!d)
		return casg_err_sys(err, errnum, "cannot open '%s'", dir);
	while (!rc && (errno = 0, e = readdir(d))) {
		const char *s = e->d_name;

		if (strlen(s) != 5 + CASG_OID_HEXSZ + 5 || memcmp(s, "pack-", 5) ||
		    strcmp(s + 5 + CASG_OID_HEXSZ, ".pack") ||
		    casg_oid_parse(&id, s + 5, CASG_OID_HEXSZ))
			continue;
		if (CASG_GROW(*ids_out, *n_out + 1, cap))
			rc = casg_err_nomem(err);
		else
			(*ids_out)[(*n_out)++] = id;
	}
	if (!rc && errno)
		rc = casg_err_sys(err, errno, "cannot read '%s'", dir);
	closedir(d);
	if (*n_out)
		qsort(*ids_out, *n_out, sizeof(**ids_out), cmp_oid);
	if (rc) {
		free(*ids_out);
		*ids_out = NULL;
		*n_out = 0;
	}
	return rc;
}

char *casg_packfiles_path(const char *dir, const struct casg_oid *id, const char *ext)
{
	char hex[CASG_OID_HEXSZ + 1];
	char *path;

	if (asprintf(&path, "%s/pack-%s.%s", dir, casg_oid_hex(id, hex), ext) < 0)
		return NULL;
	return path;
}

/* 1 moved, 0 not there, negative: failed. */
static int move(const char *from_dir, const char *to_dir, const struct casg_oid *id,
		const char *ext, struct casg_err *err)
{
	char *from = casg_packfiles_path(from_dir, id, ext);
	char *to = casg_packfiles_path(to_dir, id, ext);
	int rc = 1;

	if (!from || !to)
		rc = casg_err_nomem(err);
	else if (rename(from, to))
		rc = errno == ENOENT ? 0 :
		     casg_err_sys(err, errno, "cannot move '%s' to '%s'", from, to_dir);
	free(from);
	free(to);
	return rc;
}

static int is_there(const char *dir, const struct casg_oid *id, const char *ext)
{
	char *path = casg_packfiles_path(dir, id, ext);
	int yes = path && !access(path, F_OK);

	free(path);
	return yes;
}

static int nowhere(const struct casg_oid *id, const char *where, struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];

	return casg_err_set(err, CASG_EABSENT, "pack %s is not in %s",
			    casg_oid_hex(id, hex), where);
}

/* 1 removed, 0 was not there. */
static int drop(const char *dir, const struct casg_oid *id, const char *ext,
		struct casg_err *err)
{
	char *path = casg_packfiles_path(dir, id, ext);
	int rc = 1;

	if (!path)
		rc = casg_err_nomem(err);
	else if (unlink(path))
		rc = errno == ENOENT ? 0 : casg_err_sys(err, errno, "cannot remove '%s'", path);
	free(path);
	return rc;
}

/* ---- the note ---- */

static int write_note(const struct casg_packfiles *f, const struct casg_oid *id,
		      const struct casg_gone *why, struct casg_err *err)
{
	char *path = casg_packfiles_path(f->quarantine_dir, id, "why");
	struct casg_tmpfile t = CASG_TMPFILE_INIT;
	struct casg_buf b = CASG_BUF_INIT;
	char when[CASG_TIME_SIZE];
	int rc = path ? 0 : casg_err_nomem(err);

	casg_buf_addf(&b, NOTE_HEAD "%s\nreason ", casg_time_format(why->since, when));
	for (size_t i = 0; i < CASG_REASON_MAX - 1 && why->reason[i]; i++) {
		unsigned char c = (unsigned char)why->reason[i];

		casg_buf_addch(&b, c < 0x20 || c == 0x7f ? '?' : c);
	}
	casg_buf_addch(&b, '\n');
	if (!rc)
		rc = casg_buf_check(&b, err);
	if (!rc)
		rc = casg_tmpfile_create(&t, f->tmp_dir, "why", err);
	if (!rc && (rc = casg_write_full(t.fd, b.data, b.len, err)))
		casg_err_prefix(err, "cannot write '%s'", t.path);
	if (!rc)
		rc = casg_tmpfile_commit_replace(&t, path, err);
	casg_tmpfile_abandon(&t);
	casg_buf_release(&b);
	free(path);
	return rc;
}

/* 1 when the text is a note. */
static int parse_note(struct casg_buf *b, struct casg_gone *out)
{
	const size_t head = sizeof(NOTE_HEAD) - 1;
	char *s = (char *)casg_buf_cstr(b), *when = s + head, *reason, *end;

	if (strlen(s) != b->len || strncmp(s, NOTE_HEAD, head) || !(end = strchr(when, '\n')) ||
	    strncmp(end, "\nreason ", 8))
		return 0;
	*end = '\0';
	reason = end + 8;
	end = strchr(reason, '\n');
	if (!end || end[1] || end - reason >= CASG_REASON_MAX ||
	    casg_time_parse(when, strlen(when), &out->since))
		return 0;
	*end = '\0';
	for (char *p = out->reason; ; p++, reason++) {
		*p = (unsigned char)*reason < 0x20 && *reason ? '?' : *reason;
		if (!*reason)
			return 1;
	}
}

int casg_packfiles_gone(const struct casg_packfiles *f, const struct casg_oid *id,
			struct casg_gone *out, struct casg_err *err)
{
	char *pack = casg_packfiles_path(f->quarantine_dir, id, "pack");
	char *note = casg_packfiles_path(f->quarantine_dir, id, "why");
	struct casg_buf b = CASG_BUF_INIT;
	struct stat st;
	int rc = 0;

	if (!pack || !note)
		rc = casg_err_nomem(err);
	else if (stat(pack, &st))
		rc = errno == ENOENT ? nowhere(id, "quarantine", err) :
		     casg_err_sys(err, errno, "cannot look at '%s'", pack);
	if (!rc && (casg_read_file(note, 4096, &b, NULL) || !parse_note(&b, out))) {
		out->since = st.st_ctime > st.st_mtime ? st.st_ctime : st.st_mtime;
		strcpy(out->reason, "unknown");
	}
	casg_buf_release(&b);
	free(pack);
	free(note);
	return rc;
}

/* ---- moves ---- */

static int sync_both(const struct casg_packfiles *f, struct casg_err *err)
{
	int rc = casg_fsync_dir(f->quarantine_dir, err);

	return rc ? rc : casg_fsync_dir(f->packs_dir, err);
}

int casg_packfiles_quarantine(const struct casg_packfiles *f, const struct casg_oid *id,
			      const struct casg_gone *why, struct casg_err *err)
{
	int rc;

	if (!is_there(f->packs_dir, id, "pack"))
		return nowhere(id, "packs", err);
	rc = write_note(f, id, why, err);
	if (!rc)
		rc = move(f->packs_dir, f->quarantine_dir, id, "pack", err);
	if (!rc)
		rc = nowhere(id, "packs", err);
	if (rc > 0)
		rc = move(f->packs_dir, f->quarantine_dir, id, "idx", err);
	return rc < 0 ? rc : sync_both(f, err);
}

int casg_packfiles_revive(const struct casg_packfiles *f, const struct casg_oid *id,
			  struct casg_err *err)
{
	char *pack;
	int rc;

	if (is_there(f->packs_dir, id, "pack"))
		return 0;
	if (!is_there(f->packs_dir, id, "idx") && !is_there(f->quarantine_dir, id, "idx") &&
	    is_there(f->quarantine_dir, id, "pack"))
		return casg_err_set(err, CASG_EABSENT,
				    "a pack in '%s' has no index (casg index-pack rebuilds it)",
				    f->quarantine_dir);
	pack = casg_packfiles_path(f->quarantine_dir, id, "pack");
	if (!pack)
		return casg_err_nomem(err);
	/* it is as good as new: its grace begins again */
	if (utimensat(AT_FDCWD, pack, NULL, 0) && errno == ENOENT)
		rc = is_there(f->packs_dir, id, "pack") ? 1 : nowhere(id, "packs or quarantine", err);
	else
		rc = move(f->quarantine_dir, f->packs_dir, id, "idx", err);
	free(pack);
	if (rc < 0)
		return rc;
	rc = move(f->quarantine_dir, f->packs_dir, id, "pack", err);
	/* somebody else may have been faster */
	if (!rc && !is_there(f->packs_dir, id, "pack"))
		rc = nowhere(id, "packs or quarantine", err);
	if (rc >= 0)
		rc = drop(f->quarantine_dir, id, "why", err);
	return rc < 0 ? rc : sync_both(f, err);
}

static int link_one(const struct casg_packfiles *f, const char *dir, const struct casg_oid *id,
		    const char *ext, struct casg_err *err)
{
	char *from = casg_packfiles_path(dir, id, ext);
	char *to = casg_packfiles_path(f->packs_dir, id, ext);
	int rc = 0;

	if (!from || !to)
		rc = casg_err_nomem(err);
	else if (utimensat(AT_FDCWD, from, NULL, 0) || (link(from, to) && errno != EEXIST))
		rc = casg_err_sys(err, errno, "cannot link '%s' to '%s'", from, to);
	free(from);
	free(to);
	return rc;
}

int casg_packfiles_link(const struct casg_packfiles *f, const char *dir,
			const struct casg_oid *id, struct casg_err *err)
{
	int rc;

	if (is_there(f->packs_dir, id, "pack"))
		return 0;
	rc = link_one(f, dir, id, "idx", err);
	if (!rc)
		rc = link_one(f, dir, id, "pack", err);
	return rc ? rc : casg_fsync_dir(f->packs_dir, err);
}

int casg_packfiles_delete(const struct casg_packfiles *f, const struct casg_oid *id,
			  struct casg_err *err)
{
	int rc = drop(f->quarantine_dir, id, "pack", err);

	if (rc >= 0)
		rc = drop(f->quarantine_dir, id, "idx", err);
	if (rc >= 0)
		rc = drop(f->quarantine_dir, id, "why", err);
	return rc < 0 ? rc : casg_fsync_dir(f->quarantine_dir, err);
}
