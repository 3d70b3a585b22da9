#include "repo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

/* Small files of Git's are read whole; packed-refs may be large. */
#define SMALL_FILE 4096
#define PACKED_REFS_MAX (256u << 20)

/* ---- helpers ---- */

static char *join(const char *dir, const char *name)
{
	size_t n = strlen(dir);
	char *out;

	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (asprintf(&out, "%.*s/%s", (int)n, dir, name) < 0)
		return NULL;
	return out;
}

static int is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int has_entry(const char *dir, const char *name)
{
	struct stat st;
	char *path = join(dir, name);
	int yes = path && !stat(path, &st);

	free(path);
	return yes;
}

static void chomp(struct casg_buf *b)
{
	while (b->len && (b->data[b->len - 1] == '\n' || b->data[b->len - 1] == '\r'))
		b->len--;
}

/* ---- discovery ---- */

/*
 * Follow 'dir'/commondir, as linked work trees have it.  NULL: out of memory
 * or no such folder.
 */
static char *common_of(const char *dir)
{
	struct casg_buf b = CASG_BUF_INIT;
	char *path = join(dir, "commondir"), *rel = NULL, *out = NULL;
	int r;

	if (!path)
		return NULL;
	r = casg_read_file(path, SMALL_FILE, &b, NULL);
	if (r) {
		out = r == CASG_EABSENT ? strdup(dir) : NULL;
	} else {
		chomp(&b);
		if (b.len && b.data[0] == '/')
			rel = strdup(casg_buf_cstr(&b));
		else
			rel = join(dir, casg_buf_cstr(&b));
		out = rel ? realpath(rel, NULL) : NULL;
	}
	free(rel);
	free(path);
	casg_buf_release(&b);
	return out;
}

/* Git's own test: HEAD, and objects and refs in the common directory. */
static int is_git_dir(const char *dir)
{
	struct stat st;
	char *head = join(dir, "HEAD"), *common;
	int yes;

	/* HEAD may be a dangling symbolic link in old repositories */
	yes = head && !lstat(head, &st);
	free(head);
	if (!yes)
		return 0;
	common = common_of(dir);
	yes = common && has_entry(common, "objects") && has_entry(common, "refs");
	free(common);
	return yes;
}

/*
 * The Git directory that 'entry' (a .git) is or points to, absolute; NULL
 * when it is neither.
 */
static char *git_dir_of(const char *entry, const char *parent)
{
	struct casg_buf b = CASG_BUF_INIT;
	char *path = NULL, *out = NULL;

	if (is_dir(entry)) {
		path = strdup(entry);
	} else if (!casg_read_file(entry, SMALL_FILE, &b, NULL) && b.len > 8 &&
		   !memcmp(b.data, "gitdir: ", 8)) {
		const char *to;

		chomp(&b);
		to = casg_buf_cstr(&b) + 8;
		path = *to == '/' ? strdup(to) : join(parent, to);
	}
	if (path && is_git_dir(path))
		out = realpath(path, NULL);
	free(path);
	casg_buf_release(&b);
	return out;
}

/* core.bare and core.worktree are for git; a folder named .git has a parent. */
static int set_work_tree_by_name(struct casg_repo *repo)
{
	const char *slash = strrchr(repo->git_dir, '/');
	struct casg_buf b = CASG_BUF_INIT;
	char *path;

	if (slash && !strcmp(slash, "/.git")) {
		repo->work_tree = slash == repo->git_dir ? strdup("/") :
			strndup(repo->git_dir, (size_t)(slash - repo->git_dir));
		return repo->work_tree ? 0 : CASG_ENOMEM;
	}
	/* a linked work tree names its .git file */
	path = join(repo->git_dir, "gitdir");
	if (path && !casg_read_file(path, SMALL_FILE, &b, NULL)) {
		const char *to;

		chomp(&b);
		to = casg_buf_cstr(&b);
		slash = strrchr(to, '/');
		if (slash && slash != to)
			repo->work_tree = strndup(to, (size_t)(slash - to));
	}
	free(path);
	casg_buf_release(&b);
	return 0;
}

static int search(struct casg_repo *repo, const char *start, struct casg_err *err)
{
	char *dir = realpath(start ? start : ".", NULL);
	int r = 0;

	if (!dir)
		return casg_err_sys(err, errno, "cannot open '%s'", start ? start : ".");
	while (!repo->git_dir) {
		char *entry = join(dir, ".git"), *slash;

		if (!entry) {
			r = casg_err_nomem(err);
			break;
		}
		repo->git_dir = git_dir_of(entry, dir);
		free(entry);
		if (repo->git_dir) {
			repo->work_tree = strdup(dir);
			break;
		}
		if (is_git_dir(dir)) {
			repo->git_dir = strdup(dir);
			if (repo->git_dir && set_work_tree_by_name(repo))
				r = casg_err_nomem(err);
			break;
		}
		slash = strrchr(dir, '/');
		if (!slash[1])
			break;
		slash[slash == dir] = '\0';
	}
	free(dir);
	return r;
}

static int not_ours(struct casg_err *err)
{
	return casg_err_set(err, CASG_EABSENT,
			    "not a casg repository (or any of the parent directories); "
			    "'casg init' makes one");
}

static int set_paths(struct casg_repo *repo, struct casg_err *err)
{
	repo->common_dir = common_of(repo->git_dir);
	if (!repo->common_dir)
		return casg_err_set(err, CASG_ECORRUPT,
				    "cannot follow '%s/commondir'", repo->git_dir);
	repo->casg_dir = join(repo->common_dir, "casg");
	if (!repo->casg_dir)
		return casg_err_nomem(err);
	repo->packs_dir = join(repo->casg_dir, "packs");
	repo->tmp_dir = join(repo->casg_dir, "tmp");
	repo->quarantine_dir = join(repo->casg_dir, "quarantine");
	repo->index_dir = join(repo->casg_dir, "index");
	repo->state_dir = join(repo->casg_dir, "state");
	if (!repo->packs_dir || !repo->tmp_dir || !repo->quarantine_dir ||
	    !repo->index_dir || !repo->state_dir)
		return casg_err_nomem(err);
	return 0;
}

int casg_repo_discover_git(struct casg_repo *repo, const char *start,
			   const char *git_dir, struct casg_err *err)
{
	int r;

	memset(repo, 0, sizeof(*repo));
	if (git_dir) {
		char *entry = NULL;

		/* DIR, DIR/.git, or a .git file: whatever a user points at */
		repo->git_dir = git_dir_of(git_dir, ".");
		if (!repo->git_dir && (entry = join(git_dir, ".git"))) {
			repo->git_dir = git_dir_of(entry, git_dir);
			free(entry);
		}
		if (!repo->git_dir)
			return casg_err_set(err, CASG_EABSENT,
					    "not a git repository: '%s'", git_dir);
		if (set_work_tree_by_name(repo))
			return casg_err_nomem(err);
		return set_paths(repo, err);
	}
	r = search(repo, start, err);
	if (r)
		return r;
	if (!repo->git_dir)
		return not_ours(err);
	return set_paths(repo, err);
}

/* ---- alternates ---- */

#define ALTERNATES_MAX (1u << 20)
#define ALTERNATES_DEPTH 5

static int each_alternate(const char *dir, int depth, casg_alternate_fn *fn, void *ctx,
			  struct casg_err *err)
{
	struct casg_buf text = CASG_BUF_INIT, path = CASG_BUF_INIT;
	char *line = NULL, *next;
	int rc;

	casg_buf_addf(&path, "%s/info/alternates", dir);
	rc = casg_read_file(casg_buf_cstr(&path), ALTERNATES_MAX, &text, err);
	if (!rc)
		line = (char *)(uintptr_t)casg_buf_cstr(&text);
	else if (rc == CASG_EABSENT)
		rc = 0;
	for (; line && *line && !rc; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (!*line || *line == '#')
			continue;
		if (*line == '"') {
			rc = casg_err_set(err, CASG_EUNSUPPORTED,
					  "'%s/info/alternates' has a path in quotes", dir);
			break;
		}
		casg_buf_reset(&path);
		if (*line != '/')
			casg_buf_addf(&path, "%s/", dir);
		casg_buf_addstr(&path, line);
		rc = fn(ctx, casg_buf_cstr(&path), err);
		if (!rc && depth < ALTERNATES_DEPTH)
			rc = each_alternate((char *)path.data, depth + 1, fn, ctx, err);
	}
	casg_buf_release(&text);
	casg_buf_release(&path);
	return rc;
}

int casg_repo_each_alternate(const char *objects_dir, casg_alternate_fn *fn, void *ctx,
			     struct casg_err *err)
{
	return each_alternate(objects_dir, 1, fn, ctx, err);
}

/*
 * casg/ beside the objects.  A repository without one lends nothing, but one
 * that is not there at all may have what we need.
 */
static int add_lender(void *ctx, const char *objects_dir, struct casg_err *err)
{
	struct casg_repo *repo = ctx;
	char **v = realloc(repo->lenders, (repo->nlenders + 1) * sizeof(*v));
	char *packs = join(objects_dir, "../casg/packs");
	int lends = !is_dir(objects_dir) || (packs && is_dir(packs));

	free(packs);
	if (!v)
		return casg_err_nomem(err);
	repo->lenders = v;
	if (!lends)
		return 0;
	v[repo->nlenders] = join(objects_dir, "../casg");
	if (!v[repo->nlenders])
		return casg_err_nomem(err);
	repo->nlenders++;
	return 0;
}

static int find_lenders(struct casg_repo *repo, struct casg_err *err)
{
	char *objects = join(repo->common_dir, "objects");
	int rc = objects ? casg_repo_each_alternate(objects, add_lender, repo, err)
			 : casg_err_nomem(err);

	free(objects);
	return rc;
}

int casg_repo_discover(struct casg_repo *repo, const char *start,
		       const char *git_dir, struct casg_err *err)
{
	int r = casg_repo_discover_git(repo, start, git_dir, err);

	if (r)
		return r;
	if (is_dir(repo->packs_dir))
		return find_lenders(repo, err);
	if (git_dir)
		return casg_err_set(err, CASG_EABSENT,
				    "not a casg repository: '%s' (there is no '%s')",
				    git_dir, repo->packs_dir);
	return not_ours(err);
}

void casg_repo_release(struct casg_repo *repo)
{
	free(repo->git_dir);
	free(repo->common_dir);
	free(repo->work_tree);
	free(repo->casg_dir);
	free(repo->packs_dir);
	free(repo->tmp_dir);
	free(repo->quarantine_dir);
	free(repo->index_dir);
	free(repo->state_dir);
	for (size_t i = 0; i < repo->nlenders; i++)
		free(repo->lenders[i]);
	free(repo->lenders);
	memset(repo, 0, sizeof(*repo));
}

int casg_repo_set_cache_dir(struct casg_repo *repo, const char *dir,
			    struct casg_err *err)
{
	char *copy = strdup(dir);

	if (!copy)
		return casg_err_nomem(err);
	free(repo->index_dir);
	repo->index_dir = copy;
	return 0;
}

int casg_repo_mkdirs(const struct casg_repo *repo, struct casg_err *err)
{
	const char *const dirs[] = {
		repo->casg_dir, repo->packs_dir, repo->tmp_dir,
		repo->quarantine_dir, repo->index_dir, repo->state_dir,
	};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdir(dirs[i], 0777) && errno != EEXIST)
			return casg_err_sys(err, errno, "cannot create '%s'", dirs[i]);
	return 0;
}

int casg_repo_is_shallow(const struct casg_repo *repo)
{
	char *path = join(repo->common_dir, "shallow");
	/* if nobody can tell, it may be */
	int shallow = !path || !access(path, F_OK);

	free(path);
	return shallow;
}

/* ---- names ---- */

static const char *component_fault(const char *s, size_t n)
{
	if (!n)
		return "an empty component";
	if (n > 255)
		return "a component longer than 255 bytes";
	if (s[0] == '-')
		return "a component that starts with '-'";
	if (s[0] == '.')
		return "a component that starts with '.'";
	if (s[n - 1] == '.')
		return "a component that ends with '.'";
	if (n >= 5 && !memcmp(s + n - 5, ".lock", 5))
		return "a component that ends with '.lock'";
	if ((n == 7 && !strncasecmp(s, "VERSION", 7)) ||
	    (n == 5 && !strncasecmp(s, "PACKS", 5)))
		return "a component named VERSION or PACKS";
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c <= 0x20 || c == 0x7f)
			return "a space or control character";
		if (strchr("~^:?*[\\", c))
			return "one of ~ ^ : ? * [ \\";
		if (i + 1 < n && ((c == '.' && s[i + 1] == '.') ||
				  (c == '@' && s[i + 1] == '{')))
			return "'..' or '@{'";
	}
	return NULL;
}

enum casg_version_kind casg_database_kind(const char *name)
{
	return strncmp(name, "taxonomy/", 9) ? CASG_VERSION_DATABASE : CASG_VERSION_TAXONOMY;
}

int casg_database_check_kind(const char *name, const struct casg_version *v,
			     struct casg_err *err)
{
	if (v->kind == casg_database_kind(name))
		return 0;
	return casg_err_set(err, CASG_ECORRUPT,
			    v->kind == CASG_VERSION_TAXONOMY ?
			    "'%s' holds a taxonomy, whose place is 'taxonomy/NAME'" :
			    "'%s' is the place of a taxonomy, and holds a database", name);
}

int casg_database_check(const char *name, struct casg_err *err)
{
	const char *p = name, *why = NULL;

	if (strlen(name) > CASG_DATABASE_MAX)
		why = "more than 1024 bytes";
	else if (!strcmp(name, "@"))
		why = "only '@'";
	else if (!strcmp(name, "taxonomy"))
		why = "only 'taxonomy'";
	else if (casg_database_kind(name) == CASG_VERSION_TAXONOMY && strchr(name + 9, '/'))
		why = "more than one component behind 'taxonomy'";
	while (!why) {
		size_t n = strcspn(p, "/");

		why = component_fault(p, n);
		if (!p[n])
			break;
		p += n + 1;
	}
	if (!why)
		return 0;
	return casg_err_set(err, CASG_ECORRUPT,
			    "'%s' is not a database name: it has %s", name, why);
}

int casg_spec_split(const char *spec, struct casg_buf *rev_out,
		    struct casg_buf *database_out, struct casg_err *err)
{
	const char *colon = strrchr(spec, ':'), *db = colon ? colon + 1 : spec;
	int r;

	if (colon == spec)
		return casg_err_set(err, CASG_ECORRUPT,
				    "no revision before the colon in '%s'", spec);
	if (*db) {
		r = casg_database_check(db, err);
		if (r)
			return r;
	}
	if (colon)
		casg_buf_add(rev_out, spec, (size_t)(colon - spec));
	else
		casg_buf_addstr(rev_out, "HEAD");
	casg_buf_addstr(database_out, db);
	casg_buf_cstr(rev_out);
	casg_buf_cstr(database_out);
	return rev_out->failed || database_out->failed ? casg_err_nomem(err) : 0;
}

/* ---- refs, by plain files ---- */

static int is_object_id(const char *s, size_t n)
{
	if (n != 40 && n != 64)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!strchr("0123456789abcdef", s[i]))
			return 0;
	return 1;
}

/* 1: filled; 0: no such file; -1: there, but not for us to judge. */
static int loose_ref(const char *dir, const char *name, struct casg_buf *out)
{
	char *path = join(dir, name);
	int r;

	if (!path)
		return -1;
	r = casg_read_file(path, SMALL_FILE, out, NULL);
	free(path);
	if (r)
		return r == CASG_EABSENT ? 0 : -1;
	chomp(out);
	casg_buf_cstr(out);
	return out->failed ? -1 : 1;
}

struct packed {
	struct casg_buf text;
	int loaded; /* 1: text is the file or empty; -1: unreadable */
};

static int packed_ref(const struct casg_repo *repo, struct packed *packed,
		      const char *name, struct casg_buf *out)
{
	size_t n = strlen(name);
	const char *p, *end;

	if (!packed->loaded) {
		char *path = join(repo->common_dir, "packed-refs");

		int r = path ? casg_read_file(path, PACKED_REFS_MAX, &packed->text, NULL) :
			CASG_ENOMEM;

		packed->loaded = !r || r == CASG_EABSENT ? 1 : -1;
		free(path);
	}
	if (packed->loaded < 0)
		return -1;
	p = casg_buf_cstr(&packed->text);
	end = p + packed->text.len;
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p)), *sp;

		if (!eol)
			return -1;
		sp = memchr(p, ' ', (size_t)(eol - p));
		if (sp && *p != '#' && (size_t)(eol - sp - 1) == n &&
		    !memcmp(sp + 1, name, n)) {
			casg_buf_add(out, p, (size_t)(sp - p));
			casg_buf_cstr(out);
			return 1;
		}
		p = eol + 1;
	}
	return 0;
}

/* These live beside HEAD in each work tree, not in the common directory. */
static int per_worktree(const char *name)
{
	return !strncmp(name, "refs/bisect/", 12) ||
	       !strncmp(name, "refs/worktree/", 14) ||
	       !strncmp(name, "refs/rewritten/", 15);
}

/*
 * 1: hex_out filled; 0: no such ref; -1: only Git can say.  Loose before
 * packed, the order in which 'git pack-refs' moves them.
 */
static int read_ref(const struct casg_repo *repo, struct packed *packed,
		    const char *name, char hex_out[CASG_GITID_SIZE])
{
	struct casg_buf b = CASG_BUF_INIT, target = CASG_BUF_INIT;
	int r = -1;

	casg_buf_addstr(&target, name);
	for (int depth = 0; depth < 5; depth++) {
		const char *ref = casg_buf_cstr(&target), *text;
		int in_refs = !strncmp(ref, "refs/", 5);

		if (target.failed || per_worktree(ref) || strstr(ref, ".."))
			break;
		casg_buf_reset(&b);
		r = loose_ref(in_refs ? repo->common_dir : repo->git_dir, ref, &b);
		if (!r && in_refs) {
			casg_buf_reset(&b);
			r = packed_ref(repo, packed, ref, &b);
		}
		if (r <= 0) {
			/* a symbolic ref to nothing is not an absent ref */
			r = r == 0 && depth ? -1 : r;
			break;
		}
		text = (const char *)b.data;
		if (is_object_id(text, b.len)) {
			memcpy(hex_out, text, b.len + 1);
			break;
		}
		r = -1;
		if (strncmp(text, "ref: ", 5) || strlen(text) != b.len)
			break;
		text += 5;
		while (*text == ' ' || *text == '\t')
			text++;
		casg_buf_reset(&target);
		casg_buf_addstr(&target, text);
	}
	casg_buf_release(&b);
	casg_buf_release(&target);
	return r;
}

int casg_repo_ref_lookup(const struct casg_repo *repo, const char *rev,
			 char hex_out[CASG_GITID_SIZE])
{
	static const char *const rules[] = { /* gitrevisions(7), in its order */
		"%s", "refs/%s", "refs/tags/%s", "refs/heads/%s",
		"refs/remotes/%s", "refs/remotes/%s/HEAD",
	};
	struct packed packed = { CASG_BUF_INIT, 0 };
	size_t n = strlen(rev);
	int r = 0;

	if (is_object_id(rev, n)) {
		memcpy(hex_out, rev, n + 1);
		return 1;
	}
	if (!strcmp(rev, "@"))
		rev = "HEAD";
	if (!n || n > 1024 || strpbrk(rev, "~^:?*[\\{} ") || strstr(rev, "..") ||
	    rev[0] == '/' || rev[0] == '.')
		return 0;
	for (size_t i = 0; !r && i < sizeof(rules) / sizeof(rules[0]); i++) {
		char name[1100];

		/* outside refs/ only HEAD is sure to be a ref */
		if (!i && strcmp(rev, "HEAD") && strncmp(rev, "refs/", 5)) {
			r = has_entry(repo->git_dir, rev) ? -1 : 0;
			continue;
		}
		snprintf(name, sizeof(name), rules[i], rev);
		r = read_ref(repo, &packed, name, hex_out);
	}
	casg_buf_release(&packed.text);
	return r > 0;
}

/* ---- the cache of resolved versions ---- */

/* "%" stands for "the only database there is": its file holds the name. */
static char *cache_path(const struct casg_repo *repo, const char *hex,
			const char *database)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_buf_addf(&b, "%s/versions/%s/", repo->index_dir, hex);
	if (!*database)
		casg_buf_addch(&b, '%');
	for (; *database; database++) {
		if (*database == '/' || *database == '%')
			casg_buf_addf(&b, "%%%02X", (unsigned char)*database);
		else
			casg_buf_addch(&b, *database);
	}
	casg_buf_cstr(&b);
	if (b.failed) {
		casg_buf_release(&b);
		return NULL;
	}
	return (char *)casg_buf_detach(&b, NULL);
}

static int cache_read(const struct casg_repo *repo, const char *hex,
		      const char *database, struct casg_buf *out)
{
	char *path = cache_path(repo, hex, database);
	int r;

	if (!path)
		return -1;
	r = casg_read_file(path, CASG_VERSION_MAX_BYTES + CASG_OID_HEXSZ + 1, out, NULL);
	free(path);
	return r;
}

/* 0 when the entry is there, whole and canonical; anything else is a miss. */
static int cache_get(const struct casg_repo *repo, const char *hex,
		     const char *database, struct casg_version *out,
		     struct casg_oid *id_out)
{
	struct casg_buf b = CASG_BUF_INIT, name = CASG_BUF_INIT;
	struct casg_oid want;
	int r = -1;

	if (!*database) {
		if (cache_read(repo, hex, "", &name))
			goto out;
		chomp(&name);
		database = casg_buf_cstr(&name);
		if (!*database || casg_database_check(database, NULL))
			goto out;
	}
	if (cache_read(repo, hex, database, &b) || b.len <= CASG_OID_HEXSZ ||
	    b.data[CASG_OID_HEXSZ] != '\n' ||
	    casg_oid_parse(&want, (const char *)b.data, CASG_OID_HEXSZ))
		goto out;
	if (casg_version_id(b.data + CASG_OID_HEXSZ + 1, b.len - CASG_OID_HEXSZ - 1,
			    id_out, NULL) || !casg_oid_eq(&want, id_out))
		goto out;
	r = casg_version_decode(out, b.data + CASG_OID_HEXSZ + 1,
				b.len - CASG_OID_HEXSZ - 1, NULL);
out:
	casg_buf_release(&b);
	casg_buf_release(&name);
	return r;
}

/* Write beside and rename: a reader sees all of it or nothing. */
static void cache_write(const char *path, const struct casg_buf *b)
{
	char *tmp;
	int fd, ok;

	if (asprintf(&tmp, "%s.XXXXXX", path) < 0)
		return;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd >= 0) {
		ok = write(fd, b->data, b->len) == (ssize_t)b->len;
		ok &= !fchmod(fd, 0644);
		ok &= !close(fd);
		if (!ok || rename(tmp, path))
			unlink(tmp);
	}
	free(tmp);
}

void casg_repo_cache_put(const struct casg_repo *repo, const char *hex,
			 const char *database, int only,
			 const void *text, size_t n)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_oid id;
	char *path = cache_path(repo, hex, database), *slash;

	if (!path || !*database || casg_version_id(text, n, &id, NULL))
		goto out;
	slash = strrchr(path, '/');
	*slash = '\0';
	(void)casg_mkdir_p(path, NULL); /* if it fails, so does the write */
	*slash = '/';
	casg_oid_addhex(&b, &id);
	casg_buf_addch(&b, '\n');
	casg_buf_add(&b, text, n);
	if (!b.failed)
		cache_write(path, &b);
	free(path);
	path = only ? cache_path(repo, hex, "") : NULL;
	if (path) {
		casg_buf_reset(&b);
		casg_buf_addstr(&b, database);
		casg_buf_addch(&b, '\n');
		if (!b.failed)
			cache_write(path, &b);
	}
out:
	free(path);
	casg_buf_release(&b);
}

/* ---- resolving ---- */

static int resolve_slowly(const char *spec, casg_resolve_fn *slow, void *ctx,
			  struct casg_version *out, struct casg_oid *id_out,
			  struct casg_err *err)
{
	struct casg_buf text = CASG_BUF_INIT;
	int r;

	if (!slow)
		return casg_err_set(err, CASG_EABSENT, "cannot resolve '%s'", spec);
	r = slow(ctx, spec, &text, err);
	if (!r)
		r = casg_version_decode(out, text.data, text.len, err);
	if (!r)
		r = casg_version_id(text.data, text.len, id_out, err);
	casg_buf_release(&text);
	return r;
}

int casg_repo_resolve(const struct casg_repo *repo, const char *spec,
		      casg_resolve_fn *slow, void *ctx,
		      struct casg_version *out, struct casg_oid *id_out,
		      struct casg_err *err)
{
	struct casg_buf rev = CASG_BUF_INIT, db = CASG_BUF_INIT;
	char hex[CASG_GITID_SIZE];
	struct casg_oid id;
	int r;

	casg_version_init(out);
	r = casg_spec_split(spec, &rev, &db, err);
	if (!r && (!casg_repo_ref_lookup(repo, casg_buf_cstr(&rev), hex) ||
		   cache_get(repo, hex, casg_buf_cstr(&db), out, &id)))
		r = resolve_slowly(spec, slow, ctx, out, &id, err);
	if (!r && id_out)
		*id_out = id;
	casg_buf_release(&rev);
	casg_buf_release(&db);
	return r;
}
