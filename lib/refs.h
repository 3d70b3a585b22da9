/*
 * refs - the Git side: revisions, trees, commits, git config.
 *
 * The only module that knows libgit2; everything crosses this header as text
 * and bytes.  Opening a handle initialises libgit2 (milliseconds), so a
 * program that only reads uses casg_repo_resolve first.
 *
 * Threads: one handle a thread.
 */
#ifndef CASG_REFS_H
#define CASG_REFS_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "oid.h"
#include "repo.h"

struct casg_refs;

/* Open the Git repository of 'repo', which must outlive the handle. */
int casg_refs_open(struct casg_refs **refs_out, const struct casg_repo *repo,
		   struct casg_err *err);
void casg_refs_free(struct casg_refs *refs);

/* One database in one commit. */
struct casg_found {
	char anchor[CASG_GITID_SIZE]; /* object REV named: a commit, or a tag of it */
	char commit[CASG_GITID_SIZE];
	struct casg_buf database;     /* its name, NUL-terminated */
	int only;                     /* the commit holds no other database */
	struct casg_buf text;         /* its VERSION, canonical (decoded once) */
};

void casg_found_init(struct casg_found *f);
void casg_found_release(struct casg_found *f);

/*
 * Resolve REV:DATABASE by Git's revision syntax.  CASG_EABSENT names what is
 * not there; with an empty DATABASE it is an error unless there is exactly
 * one.  A VERSION that is not canonical is an error.
 */
int casg_refs_find(struct casg_refs *refs, const char *spec,
		   struct casg_found *found, struct casg_err *err);

/* The commit that 'rev' names, by Git's revision syntax; CASG_EABSENT: none. */
int casg_refs_commit_of(struct casg_refs *refs, const char *rev,
			char commit_out[CASG_GITID_SIZE], struct casg_err *err);

/*
 * Call fn for each database of REV in name order, with the raw bytes of its
 * VERSION; stops at the first non-zero return and returns it.
 */
typedef int casg_database_fn(void *ctx, const char *database,
			     const uint8_t *text, size_t n, struct casg_err *err);
int casg_refs_each_database(struct casg_refs *refs, const char *rev,
			    casg_database_fn *fn, void *ctx, struct casg_err *err);

/*
 * The bytes of the blob whose full Git object id 'hex' is, appended;
 * CASG_ECORRUPT when it is no blob or longer than 'most'.
 */
int casg_refs_blob(struct casg_refs *refs, const char *hex, size_t most,
		   struct casg_buf *out, struct casg_err *err);

/*
 * Call fn for the VERSION of the database of 'found' in every commit that can
 * be reached from found->commit and has one, in no particular order; one that
 * was given may be left out.  Raw bytes; stops at the first non-zero return
 * and returns it.
 */
int casg_refs_each_version(struct casg_refs *refs, struct casg_found *found,
			   casg_database_fn *fn, void *ctx, struct casg_err *err);

/* ---- history ---- */

/* A commit, as a walk through history meets it. */
struct casg_step {
	const char *commit;           /* hex */
	const char *version;          /* hex of the Git blob that is the database's
					 VERSION; NULL: there is none */
	size_t number;                /* of the commit: the first is 0 */
	const size_t *parents;        /* numbers of its parents, all lower */
	size_t nparents;
};

/*
 * Call fn for each commit that can be reached from 'rev' (NULL: from any ref),
 * parents before children; with 'first_parent' only along first parents.
 * Parents beyond the end of a shallow repository are left out.  Nothing that
 * replaces objects (git-replace(1)) is looked at.  Stops at the first
 * non-zero return and returns it.
 */
typedef int casg_step_fn(void *ctx, const struct casg_step *step, struct casg_err *err);
int casg_refs_history(struct casg_refs *refs, const char *rev, int first_parent,
		      const char *database, casg_step_fn *fn, void *ctx,
		      struct casg_err *err);

/*
 * What the Casg-Version trailers of a commit, or of an annotated tag, say of a
 * database: fn for each, with the value behind the name.  CASG_EABSENT when
 * 'hex' is neither.
 */
typedef int casg_trailer_fn(void *ctx, const char *value, struct casg_err *err);
int casg_refs_trailers(struct casg_refs *refs, const char *hex, const char *database,
		       casg_trailer_fn *fn, void *ctx, struct casg_err *err);

/* Who and when, as Git's environment variables say it; any may be NULL. */
struct casg_ident {
	const char *name, *email, *date;
};

/* A commit, but for its signature, as text. */
struct casg_commit_parts {
	const char *tree;             /* hex */
	const char *const *parents;   /* hex, as many as were asked for */
	size_t nparents;
	struct casg_ident author, committer; /* complete; dates "SECONDS +HHMM" */
	const char *message;
};

/* Write it, signed or not, and say its id in hex. */
typedef int casg_commit_fn(void *ctx, const struct casg_commit_parts *parts,
			   char commit_out[CASG_GITID_SIZE], struct casg_err *err);

struct casg_commit_req {
	const char *database;
	const void *version;          /* canonical VERSION text */
	size_t version_len;
	const void *packs;            /* PACKS text, or NULL: none, file left out */
	size_t packs_len;
	const char *const *parents;   /* revisions */
	size_t nparents;
	const char *base;             /* whose tree is built upon; NULL: the first parent */
	const char *message;          /* trailers are added: Casg-Version, Casg-Release */
	struct casg_ident author, committer;
	const char *fallback_name;    /* when neither environment nor config says */
	const char *fallback_email;
	casg_commit_fn *write;        /* instead of libgit2; or NULL */
	void *write_ctx;
};

/*
 * Write blobs, tree and commit; no ref moves.  The tree is the base's with
 * <database>/VERSION and PACKS replaced.  Refused (CASG_ECORRUPT) when
 * the database would lie inside another one or another one inside it.
 */
int casg_refs_commit(struct casg_refs *refs, const struct casg_commit_req *req,
		     char commit_out[CASG_GITID_SIZE], struct casg_err *err);

/* The value of a key of git config, appended: 1; 0 when it is not set. */
int casg_refs_config(struct casg_refs *refs, const char *key, struct casg_buf *out,
		     struct casg_err *err);

#endif
