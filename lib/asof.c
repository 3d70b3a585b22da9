#include "asof.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "hex.h"
#include "oidmap.h"
#include "oidset.h"
#include "rfc3339.h"

/* ---- reading ------------------------------------------------------------- */

struct reading {
	struct casg_refs *refs;
	struct casg_asof *out;
	struct casg_oidset blobs;     /* Git's ids of the VERSIONs that were met */
};

static int decode(const struct casg_buf *text, const char *database,
		  struct casg_version *v, struct casg_oid *id_out, struct casg_err *err)
{
	int rc = casg_version_decode(v, text->data, text->len, err);

	if (!rc)
		rc = casg_database_check_kind(database, v, err);
	return rc ? rc : casg_version_id(text->data, text->len, id_out, err);
}

static int add_version(struct reading *r, const struct casg_step *s, struct casg_err *err)
{
	struct casg_asof *a = r->out;
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_asof_version *v;
	int rc;

	if (CASG_GROW(a->v, a->n + 1, a->cap))
		return casg_err_nomem(err);
	v = &a->v[a->n++];
	memset(v, 0, sizeof(*v));
	casg_version_init(&v->version);
	strcpy(v->commit, s->commit);
	rc = casg_refs_blob(r->refs, s->version, CASG_VERSION_MAX_BYTES, &text, err);
	if (!rc)
		rc = decode(&text, a->database, &v->version, &v->id, err);
	if (rc)
		casg_err_prefix(err, "%s:%s/VERSION", s->commit, a->database);
	casg_buf_release(&text);
	return rc;
}

static int on_step(void *ctx, const struct casg_step *s, struct casg_err *err)
{
	struct reading *r = ctx;
	struct casg_oid blob;
	int rc;

	if (!s->version)
		return 0;
	memset(&blob, 0, sizeof(blob));
	if (casg_hex_decode(blob.b, s->version, strlen(s->version) / 2))
		return casg_err_set(err, CASG_EBUG, "'%s' is not a Git id", s->version);
	rc = casg_oidset_add(&r->blobs, &blob, err);
	return rc > 0 ? add_version(r, s, err) : rc;
}

int casg_asof_read(struct casg_refs *refs, const struct casg_repo *repo, const char *rev,
		   const char *database, struct casg_asof *out, struct casg_err *err)
{
	struct reading r = { refs, out, CASG_OIDSET_INIT };
	int rc;

	memset(out, 0, sizeof(*out));
	out->rev = rev;
	out->database = database;
	out->shallow = casg_repo_is_shallow(repo);
	rc = casg_refs_history(refs, rev, 0, database, on_step, &r, err);
	casg_oidset_release(&r.blobs);
	return rc;
}

void casg_asof_release(struct casg_asof *a)
{
	for (size_t i = 0; i < a->n; i++)
		casg_version_release(&a->v[i].version);
	free(a->v);
	memset(a, 0, sizeof(*a));
}

/* ---- choosing ------------------------------------------------------------ */

void casg_asof_describe(struct casg_buf *out, const struct casg_oid *id,
			const struct casg_version *v)
{
	char when[CASG_TIME_SIZE];

	casg_oid_addhex(out, id);
	casg_buf_addf(out, " (%s", casg_time_format(v->sequence_time, when));
	if (v->release)
		casg_buf_addf(out, ", %s", v->release);
	casg_buf_addch(out, ')');
}

static const char *describe(const struct casg_asof *a, size_t i, struct casg_buf *out)
{
	casg_buf_reset(out);
	casg_asof_describe(out, &a->v[i].id, &a->v[i].version);
	return casg_buf_cstr(out);
}

struct choice {
	const struct casg_asof *a;
	struct casg_oidmap numbers;   /* version id to number */
	uint8_t *met;                 /* it, or what follows it, was looked at */
	size_t *todo;                 /* never more than all: each goes in once */
	size_t ntodo;
};

static int open_choice(struct choice *c, const struct casg_asof *a, struct casg_err *err)
{
	int rc = 0;

	memset(c, 0, sizeof(*c));
	c->a = a;
	c->met = calloc(a->n + 1, 1);
	c->todo = malloc((a->n + 1) * sizeof(*c->todo));
	if (!c->met || !c->todo)
		return casg_err_nomem(err);
	for (size_t i = 0; i < a->n && !rc; i++)
		rc = casg_oidmap_set(&c->numbers, &a->v[i].id, i, err);
	return rc;
}

static void close_choice(struct choice *c)
{
	casg_oidmap_release(&c->numbers);
	free(c->met);
	free(c->todo);
}

/* Meet all that 'from' follows and that was not met; was 'wanted' among it? */
static int follow(struct choice *c, size_t from, size_t wanted)
{
	int found = 0;

	c->met[from] = 1;
	c->todo[c->ntodo++] = from;
	while (c->ntodo) {
		const struct casg_version *v = &c->a->v[c->todo[--c->ntodo]].version;

		for (size_t i = 0; i < v->nprevious; i++) {
			uint64_t n;

			if (!casg_oidmap_get(&c->numbers, &v->previous[i], &n))
				continue;
			found |= n == wanted;
			if (c->met[n])
				continue;
			c->met[n] = 1;
			c->todo[c->ntodo++] = (size_t)n;
		}
	}
	return found;
}

static int is_candidate(const struct casg_version *v, const char *label, int64_t seconds)
{
	return label ? v->release && !strcmp(v->release, label) : v->sequence_time == seconds;
}

static int equal_right(const struct casg_asof *a, const char *label, size_t i, size_t j,
		       struct casg_err *err)
{
	struct casg_buf one = CASG_BUF_INIT, other = CASG_BUF_INIT;

	casg_err_set(err, CASG_ECORRUPT,
		     "two versions of '%s' %s, and neither follows the other: %s and %s",
		     a->database, label ? "are called so" : "are of the same time",
		     describe(a, i, &one), describe(a, j, &other));
	if (label)
		casg_err_prefix(err, "'%s'", label);
	casg_buf_release(&one);
	casg_buf_release(&other);
	return CASG_ECORRUPT;
}

/*
 * Of the candidates, the one that the others are ancestors of: 1, 0 when there
 * is no candidate.  Those that follow come late in the list, most times.  One
 * that the best so far does not lead to must lead to it, or neither wins: what
 * is met is behind the best, and a way to the best cannot go through it.
 */
static int newest(const struct casg_asof *a, const char *label, int64_t seconds,
		  size_t *i_out, struct casg_err *err)
{
	struct choice c;
	int rc = open_choice(&c, a, err), any = 0;
	size_t best = 0;

	for (size_t i = a->n; i-- && !rc;) {
		if (!is_candidate(&a->v[i].version, label, seconds) || c.met[i])
			continue;
		if (!follow(&c, i, best) && any)
			rc = equal_right(a, label, i, best, err);
		best = i;
		any = 1;
	}
	close_choice(&c);
	*i_out = best;
	return rc ? rc : any;
}

/* What is not in a shallow history may be the answer. */
static int check_whole(const struct casg_asof *a, struct casg_err *err)
{
	if (!a->shallow)
		return 0;
	return casg_err_set(err, CASG_EABSENT,
			    "the repository is shallow, and the version of '%s' may be in a "
			    "commit that is not here ('git fetch --unshallow' brings all)",
			    a->database);
}

static int no_version(const struct casg_asof *a, struct casg_err *err)
{
	return casg_err_set(err, CASG_EABSENT,
			    "there is no database '%s' in the history of '%s'",
			    a->database, a->rev);
}

/* Behind "no version of ... is in force at ...: ". */
static int nothing_at(const struct casg_asof *a, int64_t seconds, const char *why,
		      struct casg_err *err)
{
	char when[CASG_TIME_SIZE];

	return casg_err_set(err, CASG_EABSENT, "no version of '%s' is in force at %s: %s",
			    a->database, casg_time_format(seconds, when), why);
}

static int check_gap(const struct casg_asof *a, size_t i, int64_t seconds,
		     struct casg_err *err)
{
	const struct casg_version *v = &a->v[i].version;
	struct casg_buf why = CASG_BUF_INIT;
	char when[CASG_TIME_SIZE];
	int rc;

	if (!v->has_valid_until || v->valid_until > seconds)
		return 0;
	describe(a, i, &why);
	casg_buf_addf(&why, " ended at %s, a declared gap",
		      casg_time_format(v->valid_until, when));
	rc = nothing_at(a, seconds, casg_buf_cstr(&why), err);
	casg_buf_release(&why);
	return rc;
}

int casg_asof_at(const struct casg_asof *a, int64_t seconds, size_t *i_out,
		 struct casg_err *err)
{
	struct casg_buf why = CASG_BUF_INIT, first_text = CASG_BUF_INIT;
	int64_t greatest = INT64_MIN;
	size_t first = 0;
	int rc = check_whole(a, err), any = 0;

	if (rc)
		return rc;
	if (!a->n)
		return no_version(a, err);
	for (size_t i = 0; i < a->n; i++) {
		int64_t t = a->v[i].version.sequence_time;

		if (t < a->v[first].version.sequence_time)
			first = i;
		if (t <= seconds && t >= greatest) {
			greatest = t;
			any = 1;
		}
	}
	if (any) {
		rc = newest(a, NULL, greatest, i_out, err);
		return rc < 0 ? rc : check_gap(a, *i_out, seconds, err);
	}
	casg_buf_addf(&why, "the first is %s", describe(a, first, &first_text));
	rc = nothing_at(a, seconds, casg_buf_cstr(&why), err);
	casg_buf_release(&why);
	casg_buf_release(&first_text);
	return rc;
}

int casg_asof_release_named(const struct casg_asof *a, const char *label, size_t *i_out,
			    struct casg_err *err)
{
	int rc = check_whole(a, err);

	if (!rc && !a->n)
		rc = no_version(a, err);
	if (!rc)
		rc = newest(a, label, 0, i_out, err);
	if (rc)
		return rc < 0 ? rc : 0;
	return casg_err_set(err, CASG_EABSENT,
			    "no version of '%s' in the history of '%s' is the release '%s'",
			    a->database, a->rev, label);
}

int casg_asof_by_id(const struct casg_asof *a, const struct casg_oid *id, size_t *i_out)
{
	for (size_t i = 0; i < a->n; i++)
		if (casg_oid_eq(&a->v[i].id, id)) {
			*i_out = i;
			return 1;
		}
	return 0;
}

/* ---- what a user types ---------------------------------------------------- */

void casg_asof_found_init(struct casg_asof_found *f)
{
	memset(f, 0, sizeof(*f));
	casg_version_init(&f->version);
}

void casg_asof_found_release(struct casg_asof_found *f)
{
	casg_buf_release(&f->database);
	casg_version_release(&f->version);
	casg_asof_found_init(f);
}

/* The version that a commit has. */
static int take_found(struct casg_refs *refs, const char *spec, struct casg_asof_found *out,
		      struct casg_err *err)
{
	struct casg_found found;
	int rc;

	casg_found_init(&found);
	rc = casg_refs_find(refs, spec, &found, err);
	if (!rc)
		rc = decode(&found.text, casg_buf_cstr(&found.database), &out->version, &out->id,
			    err);
	if (!rc) {
		strcpy(out->commit, found.commit);
		casg_buf_reset(&out->database);
		casg_buf_add(&out->database, found.database.data, found.database.len);
		casg_buf_cstr(&out->database);
		rc = casg_buf_check(&out->database, err);
	}
	casg_found_release(&found);
	return rc;
}

void casg_asof_take(struct casg_asof *a, size_t i, struct casg_asof_found *out)
{
	strcpy(out->commit, a->v[i].commit);
	out->id = a->v[i].id;
	casg_version_release(&out->version);
	out->version = a->v[i].version;
	casg_version_init(&a->v[i].version);
}

enum { TIME = 1, LABEL = 2, REV = 4 };

/* What the text may be; *when is moved behind a prefix that says it. */
static int kinds_of(const char **when)
{
	static const struct {
		const char *prefix;
		int kind;
	} prefixes[] = { { "time:", TIME }, { "label:", LABEL }, { "rev:", REV } };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t n = strlen(prefixes[i].prefix);

		if (!strncmp(*when, prefixes[i].prefix, n)) {
			*when += n;
			return prefixes[i].kind;
		}
	}
	return TIME | LABEL | REV;
}

/*
 * In the history of 'rev': a time, or a label.  Or 1 when it is neither, and 2
 * when there is more to be said of it than that: err does.
 */
static int find_listed(struct casg_refs *refs, const struct casg_repo *repo, const char *rev,
		       const char *when, int kinds, struct casg_asof_found *out,
		       struct casg_err *err)
{
	struct casg_err why = CASG_ERR_INIT;
	struct casg_asof a;
	int64_t seconds = 0;
	size_t i = 0;
	int timed = 0, rc;

	if (kinds & TIME) {
		timed = !casg_time_parse_user(when, &seconds, &why);
		if (!timed && kinds == TIME)
			return casg_err_set(err, CASG_EABSENT, "%s", why.msg);
	}
	rc = casg_asof_read(refs, repo, rev, casg_buf_cstr(&out->database), &a, err);
	if (!rc && timed)
		rc = casg_asof_at(&a, seconds, &i, err);
	else if (!rc)
		rc = casg_asof_release_named(&a, when, &i, err);
	if (!rc)
		casg_asof_take(&a, i, out);
	if (rc == CASG_EABSENT && !timed && kinds & REV)
		rc = a.n && !a.shallow ? 1 : 2;
	casg_asof_release(&a);
	return rc;
}

static int is_revision(struct casg_refs *refs, const struct casg_repo *repo,
		       const char *when, struct casg_err *err)
{
	char commit[CASG_GITID_SIZE];

	if (*when && !when[strspn(when, "0123456789")] &&
	    !casg_repo_ref_lookup(repo, when, commit))
		return 0;
	return !casg_refs_commit_of(refs, when, commit, err);
}

static int find_revision(struct casg_refs *refs, const char *when,
			 struct casg_asof_found *out, struct casg_err *err)
{
	struct casg_buf spec = CASG_BUF_INIT;
	int rc;

	casg_buf_addf(&spec, "%s:%s", when, casg_buf_cstr(&out->database));
	rc = casg_buf_check(&spec, err);
	if (!rc)
		rc = take_found(refs, casg_buf_cstr(&spec), out, err);
	casg_buf_release(&spec);
	return rc;
}

static int find_as_of(struct casg_refs *refs, const struct casg_repo *repo, const char *rev,
		      const char *when, struct casg_asof_found *out, struct casg_err *err)
{
	int kinds = kinds_of(&when), rc = 1;
	struct casg_err why = CASG_ERR_INIT;

	if (kinds & (TIME | LABEL))
		rc = find_listed(refs, repo, rev, when, kinds, out, err);
	if (rc <= 0)
		return rc;
	if (kinds == REV || is_revision(refs, repo, when, &why))
		return find_revision(refs, when, out, err);
	if (rc == 2)
		return CASG_EABSENT;
	return casg_err_set(err, CASG_EABSENT,
			    "'%s' is no time, no release of '%s' in the history of '%s', and no "
			    "revision", when, casg_buf_cstr(&out->database), rev);
}

int casg_asof_find(struct casg_refs *refs, const struct casg_repo *repo, const char *spec,
		   const char *when, struct casg_asof_found *out, struct casg_err *err)
{
	struct casg_buf rev = CASG_BUF_INIT;
	int rc;

	casg_asof_found_release(out);
	rc = casg_spec_split(spec, &rev, &out->database, err);
	/* one that REV does not have is one of the past */
	if (!rc && (!when || !out->database.len))
		rc = take_found(refs, spec, out, err);
	if (!rc && when)
		rc = find_as_of(refs, repo, casg_buf_cstr(&rev), when, out, err);
	casg_buf_release(&rev);
	return rc;
}
