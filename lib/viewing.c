#include "viewing.h"

#include <string.h>

#include "view.h"

void casg_viewing_release(struct casg_viewing *v)
{
	casg_asof_found_release(&v->sequence);
	casg_asof_found_release(&v->taxonomy);
	v->has_taxonomy = 0;
}

/* ---- which taxonomies there are ------------------------------------------ */

/* A name in taxonomy/ may be that of a mapping, which belongs to another. */
static int is_mapping(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && !strcmp(name + n - 4, ".map");
}

/* The databases of a commit that are taxonomies, NUL behind each. */
struct names {
	struct casg_buf list;
	size_t n;
};

static int note_name(void *ctx, const char *database, const uint8_t *text, size_t n,
		     struct casg_err *err)
{
	struct names *names = ctx;

	(void)text;
	(void)n;
	if (casg_database_kind(database) != CASG_VERSION_TAXONOMY || is_mapping(database))
		return 0;
	casg_buf_add(&names->list, database, strlen(database) + 1);
	names->n++;
	return casg_buf_check(&names->list, err);
}

static int several(const struct names *names, const char *rev, struct casg_err *err)
{
	const char *p = (const char *)names->list.data;
	struct casg_buf list = CASG_BUF_INIT;

	for (size_t k = 0; k < names->n; k++, p += strlen(p) + 1)
		casg_buf_addf(&list, "%s%s", k ? ", " : "", p + strlen("taxonomy/"));
	casg_err_set(err, CASG_EABSENT,
		     "'%s' holds several taxonomies, name one with --taxonomy: %s", rev,
		     casg_buf_cstr(&list));
	casg_buf_release(&list);
	return CASG_EABSENT;
}

/* ---- the one that VERSION names ------------------------------------------ */

/* Among the versions of the taxonomies of 'rev': 1, 0. */
static int find_id(struct casg_refs *refs, const struct casg_repo *repo, const char *rev,
		   const struct casg_oid *id, struct casg_asof_found *out, struct casg_err *err)
{
	struct names names = { CASG_BUF_INIT, 0 };
	int rc = casg_refs_each_database(refs, rev, note_name, &names, err), found = 0;
	const char *name = (const char *)names.list.data;

	for (size_t k = 0; k < names.n && !rc && !found; k++, name += strlen(name) + 1) {
		struct casg_asof a;
		size_t i;

		rc = casg_asof_read(refs, repo, rev, name, &a, err);
		found = !rc && casg_asof_by_id(&a, id, &i);
		if (found) {
			casg_asof_take(&a, i, out);
			casg_buf_addstr(&out->database, name);
			casg_buf_cstr(&out->database);
			rc = casg_buf_check(&out->database, err);
		}
		casg_asof_release(&a);
	}
	casg_buf_release(&names.list);
	return rc ? rc : found;
}

static int not_there(const struct casg_oid *id, const char *database, const char *rev,
		     struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];

	return casg_err_set(err, CASG_EABSENT,
			    "the taxonomy %s, which the VERSION of '%s' names, is no version of a "
			    "taxonomy in '%s'", casg_oid_hex(id, hex), database, rev);
}

static int find_named_by(struct casg_refs *refs, const struct casg_repo *repo,
			 const char *rev, struct casg_viewing *v, struct casg_err *err)
{
	const struct casg_oid *id = &v->sequence.version.taxonomy;
	int rc = find_id(refs, repo, rev, id, &v->taxonomy, err);

	/* where the sequences came from, it was at hand */
	if (!rc)
		rc = find_id(refs, repo, v->sequence.commit, id, &v->taxonomy, err);
	if (rc)
		return rc < 0 ? rc : 0;
	return not_there(id, casg_buf_cstr(&v->sequence.database), rev, err);
}

/* ---- its name ------------------------------------------------------------ */

/* [REV:]NAME becomes REV:taxonomy/NAME. */
static int add_spec(const char *arg, const char *rev, struct casg_buf *out,
		    struct casg_err *err)
{
	const char *colon = strrchr(arg, ':'), *name = colon ? colon + 1 : arg;

	if (!*name || colon == arg || is_mapping(name))
		return casg_err_set(err, CASG_ECORRUPT,
				    "'%s' is not a taxonomy: wanted [REV:]NAME", arg);
	if (colon)
		casg_buf_add(out, arg, (size_t)(colon - arg));
	else
		casg_buf_addstr(out, rev);
	casg_buf_addf(out, ":taxonomy/%s", name);
	casg_buf_cstr(out);
	return casg_buf_check(out, err);
}

int casg_viewing_only_taxonomy(struct casg_refs *refs, const char *rev, struct casg_buf *out,
			       struct casg_err *err)
{
	struct names names = { CASG_BUF_INIT, 0 };
	int rc = casg_refs_each_database(refs, rev, note_name, &names, err);

	if (!rc && names.n > 1)
		rc = several(&names, rev, err);
	if (!rc && names.n)
		casg_buf_addf(out, "%s:%s", rev, (const char *)names.list.data);
	casg_buf_release(&names.list);
	casg_buf_cstr(out);
	return rc ? rc : casg_buf_check(out, err);
}

/* casg.taxonomy as REV:taxonomy/NAME: 1, 0 when it is not set. */
static int add_setting(struct casg_refs *refs, const char *rev, struct casg_buf *out,
		       struct casg_err *err)
{
	struct casg_buf setting = CASG_BUF_INIT;
	int rc = casg_refs_config(refs, "casg.taxonomy", &setting, err);

	if (rc > 0) {
		rc = add_spec(casg_buf_cstr(&setting), rev, out, err);
		rc = rc ? casg_err_prefix(err, "casg.taxonomy") : 1;
	}
	casg_buf_release(&setting);
	return rc;
}

/* The databases of sequences: how many, and the last one's name and VERSION. */
struct sequences {
	size_t n;
	struct casg_buf name;
	struct casg_version v;
};

static int note_sequences(void *ctx, const char *database, const uint8_t *text, size_t n,
			  struct casg_err *err)
{
	struct sequences *s = ctx;

	if (casg_database_kind(database) == CASG_VERSION_TAXONOMY)
		return 0;
	casg_buf_reset(&s->name);
	casg_buf_addstr(&s->name, database);
	casg_buf_cstr(&s->name);
	s->n++;
	return casg_buf_check(&s->name, err) ? CASG_ENOMEM :
	       casg_version_decode(&s->v, text, n, err);
}

/* Which taxonomy of 'rev' has this version now? */
struct wanted {
	const struct casg_oid *id;
	const char *rev;
	struct casg_buf *out;
};

static int note_wanted(void *ctx, const char *database, const uint8_t *text, size_t n,
		       struct casg_err *err)
{
	struct wanted *w = ctx;
	struct casg_oid id;
	int rc;

	if (casg_database_kind(database) != CASG_VERSION_TAXONOMY || is_mapping(database))
		return 0;
	rc = casg_version_id(text, n, &id, err);
	if (rc || !casg_oid_eq(&id, w->id))
		return rc;
	casg_buf_addf(w->out, "%s:%s", w->rev, database);
	return casg_buf_check(w->out, err) ? CASG_ENOMEM : 1;
}

static int add_named(struct casg_refs *refs, const struct casg_repo *repo, const char *rev,
		     const struct sequences *s, struct casg_buf *out, struct casg_err *err)
{
	struct wanted w = { &s->v.taxonomy, rev, out };
	struct casg_asof_found found;
	int rc = casg_refs_each_database(refs, rev, note_wanted, &w, err);

	if (rc)
		return rc < 0 ? rc : 0;
	casg_asof_found_init(&found);
	rc = find_id(refs, repo, rev, w.id, &found, err);
	if (rc > 0)
		casg_buf_addf(out, "%s:%s", found.commit, casg_buf_cstr(&found.database));
	else if (!rc)
		rc = not_there(w.id, (const char *)s->name.data, rev, err);
	casg_asof_found_release(&found);
	return rc < 0 ? rc : casg_buf_check(out, err);
}

int casg_viewing_default_taxonomy(struct casg_refs *refs, const struct casg_repo *repo,
				  const char *rev, struct casg_buf *out, struct casg_err *err)
{
	int rc = add_setting(refs, rev, out, err);
	struct sequences s = { 0, CASG_BUF_INIT, { 0 } };

	casg_version_init(&s.v);
	if (!rc)
		rc = casg_refs_each_database(refs, rev, note_sequences, &s, err);
	else if (rc > 0)
		return 0;
	if (!rc && s.n == 1 && s.v.has_taxonomy)
		rc = add_named(refs, repo, rev, &s, out, err);
	else if (!rc)
		rc = casg_viewing_only_taxonomy(refs, rev, out, err);
	casg_buf_cstr(out);
	casg_version_release(&s.v);
	casg_buf_release(&s.name);
	return rc;
}

/*
 * The taxonomy as REV:taxonomy/NAME, or nothing.  Where VERSION names it, its
 * version is found as well: 1.
 */
static int find_name(struct casg_refs *refs, const struct casg_repo *repo,
		     const struct casg_viewing_query *q, const char *rev,
		     struct casg_viewing *v, struct casg_buf *spec, struct casg_err *err)
{
	int rc;

	if (q->taxonomy)
		return add_spec(q->taxonomy, rev, spec, err);
	rc = add_setting(refs, rev, spec, err);
	if (rc > 0) {
		rc = 0;
	} else if (!rc && v->sequence.version.has_taxonomy) {
		rc = find_named_by(refs, repo, rev, v, err);
		if (!rc) {
			casg_buf_addf(spec, "%s:%s", rev, casg_buf_cstr(&v->taxonomy.database));
			casg_buf_cstr(spec);
			rc = spec->failed ? casg_err_nomem(err) : 1;
		}
	} else if (!rc) {
		rc = casg_viewing_only_taxonomy(refs, rev, spec, err);
	}
	return rc;
}

static int find_taxonomy(struct casg_refs *refs, const struct casg_repo *repo,
			 const struct casg_viewing_query *q, const char *rev,
			 struct casg_viewing *v, struct casg_err *err)
{
	struct casg_buf spec = CASG_BUF_INIT;
	int rc = find_name(refs, repo, q, rev, v, &spec, err);

	v->has_taxonomy = spec.len != 0;
	if (!rc && !spec.len && q->as_of_taxonomy && !q->if_any)
		rc = casg_err_set(err, CASG_EABSENT, "there is no taxonomy in '%s'", rev);
	else if (rc >= 0 && spec.len && (!rc || q->as_of_taxonomy))
		rc = casg_asof_find(refs, repo, casg_buf_cstr(&spec), q->as_of_taxonomy,
				    &v->taxonomy, err);
	casg_buf_release(&spec);
	return rc < 0 ? rc : 0;
}

int casg_viewing_find(struct casg_refs *refs, const struct casg_repo *repo,
		      const struct casg_viewing_query *q, struct casg_viewing *out,
		      struct casg_err *err)
{
	struct casg_buf rev = CASG_BUF_INIT, database = CASG_BUF_INIT;
	int rc;

	casg_asof_found_init(&out->sequence);
	casg_asof_found_init(&out->taxonomy);
	out->has_taxonomy = 0;
	rc = casg_spec_split(q->spec, &rev, &database, err);
	if (!rc && casg_database_kind(casg_buf_cstr(&database)) == CASG_VERSION_TAXONOMY)
		rc = casg_err_set(err, CASG_ECORRUPT,
				  "'%s' is a taxonomy, not a database of sequences",
				  casg_buf_cstr(&database));
	if (!rc)
		rc = casg_asof_find(refs, repo, q->spec, q->as_of_sequence, &out->sequence, err);
	if (!rc && !q->no_taxonomy)
		rc = find_taxonomy(refs, repo, q, casg_buf_cstr(&rev), out, err);
	if (!rc && out->has_taxonomy)
		rc = casg_view_id(&out->sequence.id, &out->taxonomy.id, &out->id, err);
	casg_buf_release(&rev);
	casg_buf_release(&database);
	return rc;
}
