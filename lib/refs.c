#include "refs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <git2.h>

#include "array.h"
#include "gitdate.h"
#include "gitloose.h"
#include "oidset.h"
#include "packlist.h"
#include "version.h"

struct casg_refs {
	const struct casg_repo *repo; /* borrowed */
	git_repository *git;
};

/* A failure of libgit2's in our terms; 'what' says what we were doing. */
static int git_fail(struct casg_err *err, int code, const char *what, const char *name)
{
	const git_error *e = git_error_last();
	int class = code == GIT_ENOTFOUND || code == GIT_EUNBORNBRANCH ? CASG_EABSENT :
		    code == GIT_EINVALIDSPEC || code == GIT_EAMBIGUOUS ||
		    code == GIT_EMISMATCH ? CASG_ECORRUPT :
		    CASG_EIO;

	return casg_err_set(err, class, "%s '%s': %s", what, name,
			    e && e->message ? e->message : "libgit2 failed");
}

/* The same of an object that another one names: that it is not there is damage. */
static int git_lost(struct casg_err *err, int code, const char *what, const char *name)
{
	int r = git_fail(err, code, what, name);

	if (r != CASG_EABSENT)
		return r;
	if (err)
		err->code = CASG_ECORRUPT;
	return CASG_ECORRUPT;
}

/*
 * Whose a repository is matters where its configuration can run programs: git
 * asks that, by safe.directory.  Nothing here does, and libgit2 knows less of
 * safe.directory than git.
 */
static void start_libgit2(void)
{
	git_libgit2_init();
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
}

int casg_refs_open(struct casg_refs **refs_out, const struct casg_repo *repo,
		   struct casg_err *err)
{
	struct casg_refs *refs = calloc(1, sizeof(*refs));
	int r;

	*refs_out = NULL;
	if (!refs)
		return casg_err_nomem(err);
	start_libgit2();
	refs->repo = repo;
	r = git_repository_open(&refs->git, repo->git_dir);
	if (r) {
		r = git_fail(err, r, "cannot open git repository", repo->git_dir);
		casg_refs_free(refs);
		return r;
	}
	r = casg_gitloose_add(refs->git, repo->common_dir, err);
	if (r) {
		casg_refs_free(refs);
		return r;
	}
	*refs_out = refs;
	return 0;
}

void casg_refs_free(struct casg_refs *refs)
{
	if (!refs)
		return;
	git_repository_free(refs->git);
	free(refs);
	git_libgit2_shutdown();
}

/* ---- finding ---- */

void casg_found_init(struct casg_found *f)
{
	memset(f, 0, sizeof(*f));
}

void casg_found_release(struct casg_found *f)
{
	casg_buf_release(&f->database);
	casg_buf_release(&f->text);
	casg_found_init(f);
}

/* The commit that 'rev' names; anchor_out (may be NULL) is what it said. */
static int find_commit(struct casg_refs *refs, const char *rev,
		       git_commit **commit_out, char *anchor_out,
		       struct casg_err *err)
{
	git_object *obj = NULL, *commit = NULL;
	int r = git_revparse_single(&obj, refs->git, rev);

	if (r) {
		if (!strcmp(rev, "HEAD") && git_repository_head_unborn(refs->git) == 1)
			return casg_err_set(err, CASG_EABSENT, "there is no commit yet");
		return git_fail(err, r, "cannot resolve revision", rev);
	}
	r = git_object_peel(&commit, obj, GIT_OBJECT_COMMIT);
	if (!r && anchor_out)
		git_oid_tostr(anchor_out, CASG_GITID_SIZE, git_object_id(obj));
	git_object_free(obj);
	if (r)
		return casg_err_set(err, CASG_EABSENT, "'%s' does not name a commit", rev);
	*commit_out = (git_commit *)commit;
	return 0;
}

int casg_refs_commit_of(struct casg_refs *refs, const char *rev,
			char commit_out[CASG_GITID_SIZE], struct casg_err *err)
{
	git_commit *commit = NULL;
	int r = find_commit(refs, rev, &commit, NULL, err);

	if (!r)
		git_oid_tostr(commit_out, CASG_GITID_SIZE, git_commit_id(commit));
	git_commit_free(commit);
	return r;
}

/* The bytes of a blob of at most 'most' bytes, appended. */
static int read_blob(struct casg_refs *refs, const git_oid *id, size_t most,
		     const char *name, struct casg_buf *out, struct casg_err *err)
{
	git_odb *odb = NULL;
	git_blob *blob = NULL;
	git_object_t type;
	size_t n;
	int r;

	/* the size first: a hostile blob must not be unpacked to be refused */
	r = git_repository_odb(&odb, refs->git);
	if (!r)
		r = git_odb_read_header(&n, &type, odb, id);
	git_odb_free(odb);
	if (r)
		return git_lost(err, r, "cannot read", name);
	if (type != GIT_OBJECT_BLOB || n > most)
		return casg_err_set(err, CASG_ECORRUPT, "'%s' is too long or not a file", name);
	r = git_blob_lookup(&blob, refs->git, id);
	if (r)
		return git_lost(err, r, "cannot read", name);
	casg_buf_add(out, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	git_blob_free(blob);
	return casg_buf_check(out, err);
}

int casg_refs_blob(struct casg_refs *refs, const char *hex, size_t most,
		   struct casg_buf *out, struct casg_err *err)
{
	git_oid id;

	if (strlen(hex) != GIT_OID_HEXSZ || git_oid_fromstr(&id, hex))
		return casg_err_set(err, CASG_ECORRUPT, "'%s' is no Git object id", hex);
	return read_blob(refs, &id, most, hex, out, err);
}

static const git_tree_entry *version_entry(const git_tree *tree)
{
	const git_tree_entry *e = git_tree_entry_byname(tree, "VERSION");

	return e && git_tree_entry_type(e) == GIT_OBJECT_BLOB ? e : NULL;
}

typedef int walk_fn(void *ctx, const char *database, const git_oid *version,
		    struct casg_err *err);

/*
 * Every folder below 'tree' with a VERSION in it, in tree order; 'path' is
 * the folder's name, and ends as it began.  The length of a database name
 * bounds the depth.
 */
static int walk(struct casg_refs *refs, const git_tree *tree, struct casg_buf *path,
		walk_fn *fn, void *ctx, struct casg_err *err)
{
	size_t n = git_tree_entrycount(tree), len = path->len;
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i), *version;
		git_tree *sub;

		if (git_tree_entry_type(e) != GIT_OBJECT_TREE)
			continue;
		if (len)
			casg_buf_addch(path, '/');
		casg_buf_addstr(path, git_tree_entry_name(e));
		if (!strcmp(casg_buf_cstr(path), "taxonomy") ||
		    !casg_database_check(casg_buf_cstr(path), NULL)) {
			r = git_tree_lookup(&sub, refs->git, git_tree_entry_id(e));
			if (r) {
				r = git_lost(err, r, "cannot read tree",
					     casg_buf_cstr(path));
				break;
			}
			version = version_entry(sub);
			r = version ? fn(ctx, casg_buf_cstr(path),
					 git_tree_entry_id(version), err) :
				walk(refs, sub, path, fn, ctx, err);
			git_tree_free(sub);
		}
		path->len = len;
	}
	return r ? r : casg_buf_check(path, err);
}

static int walk_commit(struct casg_refs *refs, git_commit *commit, const char *rev,
		       walk_fn *fn, void *ctx, struct casg_err *err)
{
	struct casg_buf path = CASG_BUF_INIT;
	git_tree *tree;
	int r = git_commit_tree(&tree, commit);

	if (r)
		return git_lost(err, r, "cannot read tree of", rev);
	r = walk(refs, tree, &path, fn, ctx, err);
	git_tree_free(tree);
	casg_buf_release(&path);
	return r;
}

/* The first name, how many, and a list for the message. */
struct census {
	struct casg_buf first, names;
	unsigned count;
};

static int take_census(void *ctx, const char *database, const git_oid *version,
		       struct casg_err *err)
{
	struct census *c = ctx;

	(void)version;
	if (casg_database_kind(database) == CASG_VERSION_TAXONOMY)
		return 0;
	if (!c->count)
		casg_buf_addstr(&c->first, database);
	if (c->count < 5)
		casg_buf_addf(&c->names, "%s%s", c->count ? ", " : "", database);
	else if (c->count == 5)
		casg_buf_addstr(&c->names, ", ...");
	c->count++;
	return casg_buf_check(&c->names, err);
}

/* Settle an empty database name, and whether there is only one. */
static int settle_database(struct casg_refs *refs, git_commit *commit, const char *rev,
			   struct casg_found *found, struct casg_err *err)
{
	struct census c = { CASG_BUF_INIT, CASG_BUF_INIT, 0 };
	int r = walk_commit(refs, commit, rev, take_census, &c, err);

	if (!r && !found->database.len) {
		if (!c.count)
			r = casg_err_set(err, CASG_EABSENT, "there is no database in '%s'", rev);
		else if (c.count > 1)
			r = casg_err_set(err, CASG_EABSENT,
					 "'%s' holds several databases, name one of: %s",
					 rev, casg_buf_cstr(&c.names));
		else
			casg_buf_add(&found->database, c.first.data, c.first.len);
	}
	casg_buf_cstr(&found->database);
	found->only = c.count == 1 &&
		      casg_database_kind(casg_buf_cstr(&found->database)) == CASG_VERSION_DATABASE;
	casg_buf_release(&c.first);
	casg_buf_release(&c.names);
	return r;
}

static int read_version(struct casg_refs *refs, git_commit *commit, const char *rev,
			struct casg_found *found, struct casg_err *err)
{
	struct casg_buf path = CASG_BUF_INIT;
	struct casg_version v;
	git_tree *tree = NULL;
	git_tree_entry *e = NULL;
	int r;

	casg_buf_addf(&path, "%s/VERSION", casg_buf_cstr(&found->database));
	r = git_commit_tree(&tree, commit);
	if (!r)
		r = git_tree_entry_bypath(&e, tree, casg_buf_cstr(&path));
	git_tree_free(tree);
	if (r == GIT_ENOTFOUND)
		r = casg_err_set(err, CASG_EABSENT, "there is no database '%s' in '%s'",
				 casg_buf_cstr(&found->database), rev);
	else if (r)
		r = git_fail(err, r, "cannot read", casg_buf_cstr(&path));
	if (!r)
		r = read_blob(refs, git_tree_entry_id(e), CASG_VERSION_MAX_BYTES,
			      casg_buf_cstr(&path), &found->text, err);
	casg_version_init(&v);
	if (!r)
		r = casg_version_decode(&v, found->text.data, found->text.len, err);
	if (!r)
		r = casg_database_check_kind(casg_buf_cstr(&found->database), &v, err);
	if (r)
		casg_err_prefix(err, "%s:%s", rev, casg_buf_cstr(&path));
	casg_version_release(&v);
	git_tree_entry_free(e);
	casg_buf_release(&path);
	return r;
}

int casg_refs_find(struct casg_refs *refs, const char *spec,
		   struct casg_found *found, struct casg_err *err)
{
	struct casg_buf rev = CASG_BUF_INIT;
	git_commit *commit = NULL;
	int r;

	casg_found_release(found);
	r = casg_spec_split(spec, &rev, &found->database, err);
	if (!r)
		r = find_commit(refs, casg_buf_cstr(&rev), &commit, found->anchor, err);
	if (!r) {
		git_oid_tostr(found->commit, sizeof(found->commit), git_commit_id(commit));
		r = settle_database(refs, commit, casg_buf_cstr(&rev), found, err);
	}
	if (!r)
		r = read_version(refs, commit, casg_buf_cstr(&rev), found, err);
	git_commit_free(commit);
	casg_buf_release(&rev);
	return r;
}

struct each {
	struct casg_refs *refs;
	casg_database_fn *fn;
	void *ctx;
};

static int each_one(void *ctx, const char *database, const git_oid *version,
		    struct casg_err *err)
{
	struct each *each = ctx;
	struct casg_buf text = CASG_BUF_INIT;
	int r = read_blob(each->refs, version, CASG_VERSION_MAX_BYTES, database, &text, err);

	if (!r)
		r = each->fn(each->ctx, database, text.data, text.len, err);
	casg_buf_release(&text);
	return r;
}

int casg_refs_each_database(struct casg_refs *refs, const char *rev,
			    casg_database_fn *fn, void *ctx, struct casg_err *err)
{
	struct each each = { refs, fn, ctx };
	git_commit *commit;
	int r = find_commit(refs, rev, &commit, NULL, err);

	if (r)
		return r;
	r = walk_commit(refs, commit, rev, each_one, &each, err);
	git_commit_free(commit);
	return r;
}

/* The blob at 'path' in commit 'id': 1, 0 when there is none. */
static int find_file(struct casg_refs *refs, const git_oid *id, const char *path,
		     git_oid *blob_out, struct casg_err *err)
{
	git_commit *commit = NULL;
	git_tree *tree = NULL;
	git_tree_entry *e = NULL;
	int r = git_commit_lookup(&commit, refs->git, id);

	if (!r)
		r = git_commit_tree(&tree, commit);
	if (!r)
		r = git_tree_entry_bypath(&e, tree, path);
	if (!r)
		git_oid_cpy(blob_out, git_tree_entry_id(e));
	if (!r)
		r = git_tree_entry_type(e) == GIT_OBJECT_BLOB;
	else
		r = r == GIT_ENOTFOUND && tree ? 0 : git_fail(err, r, "cannot read", path);
	git_tree_entry_free(e);
	git_tree_free(tree);
	git_commit_free(commit);
	return r;
}

int casg_refs_each_version(struct casg_refs *refs, struct casg_found *found,
			   casg_database_fn *fn, void *ctx, struct casg_err *err)
{
	const char *database = casg_buf_cstr(&found->database);
	struct each each = { refs, fn, ctx };
	struct casg_buf path = CASG_BUF_INIT;
	git_oid id, blob, seen;
	git_revwalk *w = NULL;
	int r = git_oid_fromstr(&id, found->commit), any = 0, end = 0;

	casg_buf_addf(&path, "%s/VERSION", database);
	if (!r)
		r = git_revwalk_new(&w, refs->git);
	if (!r)
		r = git_revwalk_push(w, &id);
	if (r)
		r = git_fail(err, r, "cannot walk the history of", found->commit);
	while (!r && !(end = git_revwalk_next(&id, w))) {
		r = find_file(refs, &id, casg_buf_cstr(&path), &blob, err);
		if (r <= 0 || (any && git_oid_equal(&seen, &blob))) {
			r = r < 0 ? r : 0;
			continue;
		}
		git_oid_cpy(&seen, &blob);
		any = 1;
		r = each_one(&each, database, &blob, err);
	}
	if (!r && end != GIT_ITEROVER)
		r = git_fail(err, end, "cannot walk the history of", found->commit);
	git_revwalk_free(w);
	casg_buf_release(&path);
	return r;
}

/* ---- history ---- */

struct history {
	struct casg_refs *refs;
	struct casg_buf path;         /* <database>/VERSION */
	struct casg_oidset met;       /* commits by their Git id; in this order */
	size_t *parents;
	size_t nparents, cap_parents;
	int first_parent;
};

/* Git's ids are shorter than ours. */
static void pad_id(struct casg_oid *out, const git_oid *id)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->b, id->id, sizeof(id->id));
}

static int collect_parents(struct history *h, const git_commit *commit, struct casg_err *err)
{
	unsigned int n = git_commit_parentcount(commit);

	h->nparents = 0;
	for (unsigned int i = 0; i < n && (i == 0 || !h->first_parent); i++) {
		struct casg_oid id;
		size_t number;

		pad_id(&id, git_commit_parent_id(commit, i));
		if (!casg_oidset_find(&h->met, &id, &number))
			continue;
		if (CASG_GROW(h->parents, h->nparents + 1, h->cap_parents))
			return casg_err_nomem(err);
		h->parents[h->nparents++] = number;
	}
	return 0;
}

static int step(struct history *h, const git_oid *id, casg_step_fn *fn, void *ctx,
		struct casg_err *err)
{
	char commit[CASG_GITID_SIZE], version[CASG_GITID_SIZE];
	struct casg_step s = { .commit = commit, .number = h->met.n };
	git_tree_entry *e = NULL;
	git_commit *c = NULL;
	git_tree *tree = NULL;
	struct casg_oid key;
	int r;

	git_oid_tostr(commit, sizeof(commit), id);
	r = git_commit_lookup(&c, h->refs->git, id);
	if (!r)
		r = git_commit_tree(&tree, c);
	if (!r)
		r = git_tree_entry_bypath(&e, tree, casg_buf_cstr(&h->path));
	if (r && (r != GIT_ENOTFOUND || !tree)) {
		r = git_fail(err, r, "cannot read commit", commit);
		goto out;
	}
	if (e && git_tree_entry_type(e) == GIT_OBJECT_BLOB) {
		git_oid_tostr(version, sizeof(version), git_tree_entry_id(e));
		s.version = version;
	}
	r = collect_parents(h, c, err);
	s.parents = h->parents;
	s.nparents = h->nparents;
	pad_id(&key, id);
	if (!r && casg_oidset_add(&h->met, &key, err) < 0)
		r = CASG_ENOMEM;
	if (!r)
		r = fn(ctx, &s, err);
out:
	git_tree_entry_free(e);
	git_tree_free(tree);
	git_commit_free(c);
	return r;
}

/* The commits still to be walked; a commit comes out before its parents go in. */
struct todo {
	git_oid id;
	int expanded;                 /* its parents have been walked */
};

struct todos {
	struct todo *v;
	size_t n, cap;
};

static int push(struct todos *t, const git_oid *id, int expanded, struct casg_err *err)
{
	if (CASG_GROW(t->v, t->n + 1, t->cap))
		return casg_err_nomem(err);
	t->v[t->n].id = *id;
	t->v[t->n++].expanded = expanded;
	return 0;
}

static int push_ref(git_reference *ref, void *ctx)
{
	git_object *commit = NULL;
	int r = 0;

	/* a ref may name a tree, or nothing that is here */
	if (!git_reference_peel(&commit, ref, GIT_OBJECT_COMMIT))
		r = push(ctx, git_object_id(commit), 0, NULL);
	git_object_free(commit);
	git_reference_free(ref);
	return r;
}

static int push_tips(struct casg_refs *refs, const char *rev, struct todos *t,
		     struct casg_err *err)
{
	git_commit *commit = NULL;
	int r;

	if (!rev) {
		r = git_reference_foreach(refs->git, push_ref, t);
		if (r)
			return git_fail(err, r, "cannot read refs of", refs->repo->git_dir);
		if (git_repository_head_detached(refs->git) != 1)
			return 0;
	}
	r = find_commit(refs, rev ? rev : "HEAD", &commit, NULL, err);
	if (!r)
		r = push(t, git_commit_id(commit), 0, err);
	git_commit_free(commit);
	return r;
}

/* The first parent on top, so that its line comes first. */
static int push_parents(struct history *h, struct todos *t, const git_oid *id,
			struct casg_err *err)
{
	char hex[CASG_GITID_SIZE];
	git_commit *c = NULL;
	unsigned int n;
	int r = git_commit_lookup(&c, h->refs->git, id);

	git_oid_tostr(hex, sizeof(hex), id);
	/* where a shallow history ends, parents are not here */
	if (r == GIT_ENOTFOUND && git_repository_is_shallow(h->refs->git) == 1)
		return 0;
	if (r)
		return git_fail(err, r, "cannot read commit", hex);
	r = push(t, id, 1, err);
	n = git_commit_parentcount(c);
	for (unsigned int i = h->first_parent && n ? 1 : n; i-- && !r;)
		r = push(t, git_commit_parent_id(c, i), 0, err);
	git_commit_free(c);
	return r;
}

int casg_refs_history(struct casg_refs *refs, const char *rev, int first_parent,
		      const char *database, casg_step_fn *fn, void *ctx,
		      struct casg_err *err)
{
	struct history h = { .refs = refs, .path = CASG_BUF_INIT,
			     .met = CASG_OIDSET_INIT, .first_parent = first_parent };
	struct todos todos = { NULL, 0, 0 };
	int r = push_tips(refs, rev, &todos, err);

	casg_buf_addf(&h.path, "%s/VERSION", database);
	while (!r && todos.n) {
		const struct todo t = todos.v[--todos.n];
		struct casg_oid id;

		pad_id(&id, &t.id);
		if (casg_oidset_find(&h.met, &id, NULL))
			continue;
		r = t.expanded ? step(&h, &t.id, fn, ctx, err)
			       : push_parents(&h, &todos, &t.id, err);
	}
	free(todos.v);
	casg_oidset_release(&h.met);
	casg_buf_release(&h.path);
	free(h.parents);
	return r;
}

static int each_trailer(const char *message, const char *database, casg_trailer_fn *fn,
			void *ctx, struct casg_err *err)
{
	git_message_trailer_array list;
	size_t n = strlen(database);
	int r = git_message_trailers(&list, message);

	if (r)
		return git_fail(err, r, "cannot read the trailers for", database);
	for (size_t i = 0; i < list.count && !r; i++) {
		const char *v = list.trailers[i].value;

		if (strcasecmp(list.trailers[i].key, "Casg-Version"))
			continue;
		v += strspn(v, " \t");
		if (!strncmp(v, database, n) && v[n] == ' ')
			r = fn(ctx, v + n + 1, err);
	}
	git_message_trailer_array_free(&list);
	return r;
}

/* What stands before the signature of a tag. */
static const char *unsigned_part(const char *message, struct casg_buf *out)
{
	static const char *const begins[] = {
		"-----BEGIN PGP SIGNATURE-----", "-----BEGIN PGP MESSAGE-----",
		"-----BEGIN SSH SIGNATURE-----", "-----BEGIN SIGNED MESSAGE-----"
	};
	size_t n = strlen(message);

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		for (const char *p = message; (p = strstr(p, begins[i])); p++)
			if ((p == message || p[-1] == '\n') && (size_t)(p - message) < n)
				n = (size_t)(p - message);
	casg_buf_add(out, message, n);
	return casg_buf_cstr(out);
}

int casg_refs_trailers(struct casg_refs *refs, const char *hex, const char *database,
		       casg_trailer_fn *fn, void *ctx, struct casg_err *err)
{
	struct casg_buf text = CASG_BUF_INIT;
	const char *message = NULL;
	git_object *obj = NULL;
	git_oid id;
	int r;

	if (git_oid_fromstr(&id, hex))
		return casg_err_set(err, CASG_EBUG, "'%s' is not a Git id", hex);
	r = git_object_lookup(&obj, refs->git, &id, GIT_OBJECT_ANY);
	if (r)
		return git_fail(err, r, "cannot read", hex);
	if (git_object_type(obj) == GIT_OBJECT_COMMIT)
		message = git_commit_message((git_commit *)obj);
	else if (git_object_type(obj) == GIT_OBJECT_TAG)
		message = git_tag_message((git_tag *)obj) ?
			unsigned_part(git_tag_message((git_tag *)obj), &text) : NULL;
	else
		r = casg_err_set(err, CASG_EABSENT, "'%s' is neither commit nor tag", hex);
	if (!r && message)
		r = each_trailer(message, database, fn, ctx, err);
	casg_buf_release(&text);
	git_object_free(obj);
	return r;
}

/* ---- committing ---- */

static int write_blob(struct casg_refs *refs, const void *p, size_t n,
		      git_oid *id_out, struct casg_err *err)
{
	int r = git_blob_create_from_buffer(id_out, refs->git, p, n);

	return r ? git_fail(err, r, "cannot write to", refs->repo->common_dir) : 0;
}

static int refuse_inner(void *ctx, const char *database, const git_oid *version,
			struct casg_err *err)
{
	(void)version;
	return casg_err_set(err, CASG_ECORRUPT,
			    "cannot put database '%s' around database '%s'",
			    (const char *)ctx, database);
}

/* What put_files carries down the path of the database. */
struct put {
	struct casg_refs *refs;
	const char *database;
	git_oid version, packs;
	int has_packs;
};

static int write_tree(struct put *put, git_treebuilder *tb, git_oid *id_out,
		      struct casg_err *err)
{
	int r = git_treebuilder_write(id_out, tb);

	return r ? git_fail(err, r, "cannot write the tree of", put->database) : 0;
}

static int put_files(struct put *put, git_tree *base, git_treebuilder *tb,
		     struct casg_err *err)
{
	struct casg_buf path = CASG_BUF_INIT;
	int r = 0;

	if (base) {
		casg_buf_addstr(&path, put->database);
		r = walk(put->refs, base, &path, refuse_inner, (void *)put->database, err);
		casg_buf_release(&path);
		if (r)
			return r;
	}
	r = git_treebuilder_insert(NULL, tb, "VERSION", &put->version, GIT_FILEMODE_BLOB);
	if (!r && put->has_packs)
		r = git_treebuilder_insert(NULL, tb, "PACKS", &put->packs, GIT_FILEMODE_BLOB);
	else if (!r && git_treebuilder_get(tb, "PACKS"))
		r = git_treebuilder_remove(tb, "PACKS");
	return r ? git_fail(err, r, "cannot write the tree of", put->database) : 0;
}

/*
 * 'base' (may be NULL) with the files of the database put at 'rest', the part
 * of its name that is left.  As deep as the name has components.
 */
static int put_tree(struct put *put, git_tree *base, const char *rest,
		    git_oid *id_out, struct casg_err *err)
{
	git_treebuilder *tb = NULL;
	const git_tree_entry *e;
	git_tree *sub = NULL;
	git_oid sub_id;
	char name[256];
	size_t n = strcspn(rest, "/");
	int r = git_treebuilder_new(&tb, put->refs->git, base);

	if (r)
		return git_fail(err, r, "cannot write the tree of", put->database);
	if (!*rest) {
		r = put_files(put, base, tb, err);
		goto write;
	}
	memcpy(name, rest, n); /* casg_database_check bounds a component */
	name[n] = '\0';
	if (base && rest != put->database && version_entry(base)) {
		r = casg_err_set(err, CASG_ECORRUPT,
				 "cannot put database '%s' inside database '%.*s'",
				 put->database, (int)(rest - put->database - 1), put->database);
		goto out;
	}
	e = git_treebuilder_get(tb, name);
	if (e && git_tree_entry_type(e) != GIT_OBJECT_TREE) {
		r = casg_err_set(err, CASG_ECORRUPT,
				 "cannot put database '%s' where a file '%s' is",
				 put->database, name);
		goto out;
	}
	if (e && (r = git_tree_lookup(&sub, put->refs->git, git_tree_entry_id(e)))) {
		r = git_fail(err, r, "cannot read the tree of", put->database);
		goto out;
	}
	r = put_tree(put, sub, rest + n + (rest[n] == '/'), &sub_id, err);
	git_tree_free(sub);
	if (!r && git_treebuilder_insert(NULL, tb, name, &sub_id, GIT_FILEMODE_TREE))
		r = git_fail(err, GIT_ERROR, "cannot write the tree of", put->database);
write:
	if (!r)
		r = write_tree(put, tb, id_out, err);
out:
	git_treebuilder_free(tb);
	return r;
}

/*
 * Is the last paragraph, which must not be the first, all "Token: value"
 * lines, so that one more belongs to it?
 */
static int ends_in_trailers(const char *text, size_t n)
{
	const char *end = text + n, *par = NULL, *p;

	for (p = text; (p = memmem(p, (size_t)(end - p), "\n\n", 2)); p++)
		par = p + 2;
	if (!par || par == end)
		return 0;
	for (p = par; p < end;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p)), *colon;

		eol = eol ? eol : end;
		colon = memchr(p, ':', (size_t)(eol - p));
		if (!colon || colon == p || colon + 1 == eol || colon[1] != ' ')
			return 0;
		for (; p < colon; p++)
			if (*p == ' ' || *p == '\t')
				return 0;
		p = eol + 1;
	}
	return 1;
}

static int build_message(const struct casg_commit_req *req,
			 const struct casg_version *v, struct casg_buf *out,
			 struct casg_err *err)
{
	size_t n = strlen(req->message);
	struct casg_oid id;
	int r = casg_version_id(req->version, req->version_len, &id, err);

	if (r)
		return r;
	while (n && strchr(" \t\r\n", req->message[n - 1]))
		n--;
	casg_buf_add(out, req->message, n);
	if (n)
		casg_buf_addstr(out, ends_in_trailers(req->message, n) ? "\n" : "\n\n");
	casg_buf_addf(out, "Casg-Version: %s ", req->database);
	casg_oid_addhex(out, &id);
	casg_buf_addch(out, '\n');
	if (v->release)
		casg_buf_addf(out, "Casg-Release: %s %s\n", req->database, v->release);
	casg_buf_cstr(out);
	return casg_buf_check(out, err);
}

/* Git keeps names to one line without angle brackets by dropping them. */
static void clean_name(struct casg_buf *b, const char *s)
{
	casg_buf_reset(b);
	while (*s == ' ')
		s++;
	for (; *s; s++)
		if (*s != '<' && *s != '>' && (unsigned char)*s >= 0x20)
			casg_buf_addch(b, *s);
	while (b->len && b->data[b->len - 1] == ' ')
		b->len--;
}

/* The first of the candidates that is not empty once cleaned. */
static void pick_name(struct casg_buf *out, const char *env, git_config *cfg,
		      const char *key, const char *common_key, const char *fallback)
{
	const char *const keys[] = { key, common_key };
	const char *v;

	clean_name(out, env ? env : "");
	for (int i = 0; !out->len && cfg && i < 2; i++)
		if (!git_config_get_string(&v, cfg, keys[i]))
			clean_name(out, v);
	if (!out->len)
		clean_name(out, fallback ? fallback : "");
	if (!out->len)
		clean_name(out, "unknown");
}

static int make_signature(git_signature **sig_out, git_config *cfg,
			  const struct casg_commit_req *req, int author,
			  struct casg_err *err)
{
	const struct casg_ident *who = author ? &req->author : &req->committer;
	struct casg_buf name = CASG_BUF_INIT, email = CASG_BUF_INIT;
	int64_t seconds;
	int r, east;

	pick_name(&name, who->name, cfg, author ? "author.name" : "committer.name",
		  "user.name", req->fallback_name);
	pick_name(&email, who->email, cfg, author ? "author.email" : "committer.email",
		  "user.email", req->fallback_email);
	if (who->date && *who->date) {
		r = casg_gitdate_parse(who->date, &seconds, &east, err);
		if (!r && git_signature_new(sig_out, casg_buf_cstr(&name),
					    casg_buf_cstr(&email), seconds, east))
			r = git_fail(err, GIT_ERROR, "bad identity", casg_buf_cstr(&name));
	} else {
		r = git_signature_now(sig_out, casg_buf_cstr(&name), casg_buf_cstr(&email));
		if (r)
			r = git_fail(err, r, "bad identity", casg_buf_cstr(&name));
	}
	casg_buf_release(&name);
	casg_buf_release(&email);
	return r;
}

/* "SECONDS +HHMM", as Git writes it. */
static void format_date(char *out, size_t size, const git_time *t)
{
	int east = t->offset < 0 ? -t->offset : t->offset;

	snprintf(out, size, "%lld %c%02d%02d", (long long)t->time, t->offset < 0 ? '-' : '+',
		 east / 60, east % 60);
}

/* Let the caller write the commit. */
static int delegate(const struct casg_commit_req *req, git_commit **parents,
		    const git_oid *tree, const git_signature *author,
		    const git_signature *committer, const char *message,
		    char commit_out[CASG_GITID_SIZE], struct casg_err *err)
{
	char hex[CASG_GITID_SIZE], when[2][64];
	char (*ids)[CASG_GITID_SIZE] = calloc(req->nparents + 1, sizeof(*ids));
	const char **list = calloc(req->nparents + 1, sizeof(*list));
	struct casg_commit_parts parts = {
		.tree = hex, .parents = list, .nparents = req->nparents,
		.author = { author->name, author->email, when[0] },
		.committer = { committer->name, committer->email, when[1] },
		.message = message,
	};
	int r = ids && list ? 0 : casg_err_nomem(err);

	format_date(when[0], sizeof(when[0]), &author->when);
	format_date(when[1], sizeof(when[1]), &committer->when);
	git_oid_tostr(hex, sizeof(hex), tree);
	for (size_t i = 0; i < req->nparents && !r; i++)
		list[i] = git_oid_tostr(ids[i], CASG_GITID_SIZE, git_commit_id(parents[i]));
	if (!r)
		r = req->write(req->write_ctx, &parts, commit_out, err);
	free(ids);
	free(list);
	return r;
}

static int make_commit(struct casg_refs *refs, const struct casg_commit_req *req,
		       const struct casg_version *v, git_commit **parents, const git_oid *tree_id,
		       char commit_out[CASG_GITID_SIZE], struct casg_err *err)
{
	struct casg_buf message = CASG_BUF_INIT;
	git_signature *author = NULL, *committer = NULL;
	git_config *cfg = NULL;
	git_tree *tree = NULL;
	git_oid id;
	int r;

	if (git_repository_config_snapshot(&cfg, refs->git))
		cfg = NULL;
	r = build_message(req, v, &message, err);
	if (!r)
		r = make_signature(&author, cfg, req, 1, err);
	if (!r)
		r = make_signature(&committer, cfg, req, 0, err);
	if (!r && git_tree_lookup(&tree, refs->git, tree_id))
		r = git_fail(err, GIT_ERROR, "cannot read the tree of", req->database);
	if (!r && req->write) {
		r = delegate(req, parents, tree_id, author, committer, casg_buf_cstr(&message),
			     commit_out, err);
	} else if (!r) {
		r = git_commit_create(&id, refs->git, NULL, author, committer, NULL,
				      casg_buf_cstr(&message), tree, req->nparents,
				      (const git_commit **)parents);
		if (r)
			r = git_fail(err, r, "cannot commit", req->database);
		else
			git_oid_tostr(commit_out, CASG_GITID_SIZE, &id);
	}
	git_tree_free(tree);
	git_signature_free(author);
	git_signature_free(committer);
	git_config_free(cfg);
	casg_buf_release(&message);
	return r;
}

static int check_request(const struct casg_commit_req *req, struct casg_version *v,
			 struct casg_err *err)
{
	int r = casg_database_check(req->database, err);

	if (!r)
		r = casg_version_decode(v, req->version, req->version_len, err);
	if (!r)
		r = casg_database_check_kind(req->database, v, err);
	if (!r && req->packs)
		r = casg_packlist_check(req->packs, req->packs_len, err);
	return r;
}

/* Blobs and tree on top of the first parent's tree. */
static int make_tree(struct casg_refs *refs, const struct casg_commit_req *req,
		     git_commit *parent, git_oid *tree_out, struct casg_err *err)
{
	struct put put = { .refs = refs, .database = req->database };
	git_tree *base = NULL;
	int r;

	r = write_blob(refs, req->version, req->version_len, &put.version, err);
	if (!r && req->packs) {
		put.has_packs = 1;
		r = write_blob(refs, req->packs, req->packs_len, &put.packs, err);
	}
	if (!r && parent && git_commit_tree(&base, parent))
		r = git_fail(err, GIT_ERROR, "cannot read the tree of",
			     req->base ? req->base : req->parents[0]);
	if (!r)
		r = put_tree(&put, base, req->database, tree_out, err);
	git_tree_free(base);
	return r;
}

int casg_refs_commit(struct casg_refs *refs, const struct casg_commit_req *req,
		     char commit_out[CASG_GITID_SIZE], struct casg_err *err)
{
	git_commit **parents = calloc(req->nparents + 1, sizeof(*parents));
	git_commit *base = NULL;
	struct casg_version v;
	git_oid tree_id;
	int r;

	if (!parents)
		return casg_err_nomem(err);
	casg_version_init(&v);
	/* a ref may name this commit next: its objects must be on disk by then */
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	r = check_request(req, &v, err);
	for (size_t i = 0; !r && i < req->nparents; i++)
		r = find_commit(refs, req->parents[i], &parents[i], NULL, err);
	if (!r && req->base)
		r = find_commit(refs, req->base, &base, NULL, err);
	if (!r)
		r = make_tree(refs, req, base ? base : parents[0], &tree_id, err);
	if (!r)
		r = make_commit(refs, req, &v, parents, &tree_id, commit_out, err);
	for (size_t i = 0; i < req->nparents; i++)
		git_commit_free(parents[i]);
	git_commit_free(base);
	free(parents);
	casg_version_release(&v);
	return r;
}

/* ---- git config ---- */

int casg_refs_config(struct casg_refs *refs, const char *key, struct casg_buf *out,
		     struct casg_err *err)
{
	const char *value;
	git_config *cfg = NULL;
	int r = git_repository_config_snapshot(&cfg, refs->git), found = 0;

	if (!r) {
		r = git_config_get_string(&value, cfg, key);
		found = !r;
		r = r == GIT_ENOTFOUND ? 0 : r;
	}
	if (found)
		casg_buf_addstr(out, value);
	git_config_free(cfg);
	if (r)
		return git_fail(err, r, "cannot read from git config", key);
	casg_buf_cstr(out);
	return out->failed ? casg_err_nomem(err) : found;
}
