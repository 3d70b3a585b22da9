/*
 * repo - where a repository's things lie, and what REV:DATABASE names.
 *
 * A casg repository is a Git repository (bare or not, or a linked work tree
 * of one) whose common directory holds casg/.  Everything here is done with
 * plain files: initialising libgit2 costs more than reading one record does.
 * What plain files cannot settle (HEAD~2, v1^{commit}, an abbreviated id) is
 * given to a callback of the caller.
 *
 * The cache of resolved versions, index/versions/<commit>/<database>, is keyed
 * by full object id, so an entry can be damaged but never stale; each holds
 * the version id in front of the text and is checked against it.  Deleting
 * it, or being unable to write it, changes speed only.
 *
 * Threads: a struct casg_repo is read-only once discovered and may be shared.
 */
#ifndef CASG_REPO_H
#define CASG_REPO_H

#include "buf.h"
#include "err.h"
#include "oid.h"
#include "version.h"

struct casg_repo {
	char *git_dir;        /* of this work tree */
	char *common_dir;     /* shared by all work trees; often the same */
	char *work_tree;      /* NULL for a bare repository */
	char *casg_dir;       /* common_dir/casg */
	char *packs_dir;      /* casg_dir/packs */
	char *tmp_dir;        /* casg_dir/tmp */
	char *quarantine_dir; /* casg_dir/quarantine */
	char *index_dir;      /* casg_dir/index: caches; see set_cache_dir */
	char *state_dir;      /* casg_dir/state */
	char **lenders;       /* casg/ of the repositories that Git's alternates name */
	size_t nlenders;
};

/*
 * Find the repository: 'git_dir' itself when given (no searching), else the
 * nearest one from directory 'start' (NULL: the current one) upwards.
 * CASG_EABSENT "not a casg repository ..." when there is none or it has no
 * casg/ directory.  The caller releases 'repo' (also after a failure).
 */
int casg_repo_discover(struct casg_repo *repo, const char *start,
		       const char *git_dir, struct casg_err *err);
void casg_repo_release(struct casg_repo *repo);

/* The same, but casg/ need not exist yet (for init). */
int casg_repo_discover_git(struct casg_repo *repo, const char *start,
			   const char *git_dir, struct casg_err *err);

/*
 * The folders of objects that Git's objects/info/alternates of 'objects_dir'
 * names, theirs, and so on, five deep as Git does; fn gives 0 to go on, or a
 * negative class, which is returned.
 */
typedef int casg_alternate_fn(void *ctx, const char *objects_dir, struct casg_err *err);
int casg_repo_each_alternate(const char *objects_dir, casg_alternate_fn *fn, void *ctx,
			     struct casg_err *err);

/* Keep caches in 'dir' instead of casg/index. */
int casg_repo_set_cache_dir(struct casg_repo *repo, const char *dir,
			    struct casg_err *err);

/* Create packs, tmp, quarantine, index and state where they are missing. */
int casg_repo_mkdirs(const struct casg_repo *repo, struct casg_err *err);

/* Does the history of commits end early, as that of a shallow clone does? */
int casg_repo_is_shallow(const struct casg_repo *repo);

/*
 * Is 'name' a database name: Git ref-name components, none of them VERSION,
 * PACKS or .git, none starting with '-'; at most 255 bytes a component, 1024
 * in all; 'taxonomy' as the first has exactly one behind it.  0, or
 * CASG_ECORRUPT with the reason.
 */
#define CASG_DATABASE_MAX 1024
int casg_database_check(const char *name, struct casg_err *err);

/* What a name stands for: 'taxonomy/NAME' is a taxonomy. */
enum casg_version_kind casg_database_kind(const char *name);
/* Is the version of the kind that the name stands for?  0 or CASG_ECORRUPT. */
int casg_database_check_kind(const char *name, const struct casg_version *v,
			     struct casg_err *err);

/*
 * Split REV:DATABASE at its last colon.  DATABASE alone is HEAD:DATABASE; an
 * empty DATABASE ("REV:" or "") means the only one of sequences and comes back
 * as "".  The outputs are appended to (and left NUL-terminated).
 */
int casg_spec_split(const char *spec, struct casg_buf *rev_out,
		    struct casg_buf *database_out, struct casg_err *err);

/*
 * Settle what plain files cannot: append the VERSION text 'spec' names to
 * text_out.  Returns 0 or a negative class with err filled.
 */
typedef int casg_resolve_fn(void *ctx, const char *spec,
			    struct casg_buf *text_out, struct casg_err *err);

/*
 * The version that 'spec' names, decoded, and its id (may be NULL).  'slow'
 * may be NULL: then what plain files and the cache cannot settle is
 * CASG_EABSENT.  'out' is initialised here; the caller releases it.
 */
int casg_repo_resolve(const struct casg_repo *repo, const char *spec,
		      casg_resolve_fn *slow, void *ctx,
		      struct casg_version *out, struct casg_oid *id_out,
		      struct casg_err *err);

/*
 * The object id (40 or 64 hex digits) that a ref name, short or full, HEAD,
 * @ or a full id stands for, by plain files only, with Git's precedence.
 * 1 found, 0 not to be settled this way.
 */
#define CASG_GITID_SIZE 65
int casg_repo_ref_lookup(const struct casg_repo *repo, const char *rev,
			 char hex_out[CASG_GITID_SIZE]);

/*
 * Remember that in commit (or tag) 'hex' the text of 'database' is 'text'.
 * 'only' says that it is the only database there.  Failures are silent.
 */
void casg_repo_cache_put(const struct casg_repo *repo, const char *hex,
			 const char *database, int only,
			 const void *text, size_t n);

#endif
