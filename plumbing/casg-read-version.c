/*
 * casg-read-version - the VERSION of a database, verified, as text or JSON.
 *
 * Also the slow half of casg_repo_resolve: it has libgit2, so it can settle
 * any revision, and it leaves what it found in the cache.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "cliversion.h"
#include "refs.h"
#include "version.h"

static int json;
static int only_id;
static int list;
static int batch;
static int blobs;
static int nul;
static const char *field, *before_arg, *facts_file;
static int64_t before = INT64_MAX;

static const char *const usage[] = {
	"[--json | --id | --field=NAME] [--facts=FILE] [REV:]DATABASE",
	"[--json | --id | --field=NAME] [--facts=FILE] - <VERSION",
	"--list [REV]",
	"--batch [-z] <SPECS",
	"--blobs [--before=TIME] [-z] <BLOBS",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 0, "json", NULL, &json, "print a JSON object" },
	{ CASG_OPT_FLAG, 0, "id", NULL, &only_id, "print the version id" },
	{ CASG_OPT_STR, 0, "field", "NAME", &field, "print the value of one field" },
	{ CASG_OPT_STR, 0, "facts", "FILE", &facts_file,
	  "write the ids of commit and version to FILE; exit 1 if there is none" },
	{ CASG_OPT_FLAG, 0, "list", NULL, &list,
	  "print version id and name of every database" },
	{ CASG_OPT_FLAG, 0, "batch", NULL, &batch,
	  "answer each [REV:]DATABASE on stdin: '<id> <spec>'" },
	{ CASG_OPT_FLAG, 0, "blobs", NULL, &blobs,
	  "print '<id> <blob>' for each Git id of a blob on stdin" },
	{ CASG_OPT_STR, 0, "before", "TIME", &before_arg,
	  "with --blobs: only versions whose sequence time is before TIME" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul, "lines end in NUL" },
	{ CASG_OPT_END, 0, NULL, NULL, NULL, NULL }
};

/* The length of the UTF-8 sequence at p, or 0 if it is not well-formed. */
static size_t utf8_length(const unsigned char *p)
{
	unsigned c = p[0];
	size_t n = c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, beyond U+10FFFF */
	if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) ||
	    (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* JSON text is UTF-8; a byte that is not becomes U+FFFD. */
static void json_string(struct casg_buf *out, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	casg_buf_addch(out, '"');
	while (*p) {
		size_t n = *p < 0x80 ? 1 : utf8_length(p);

		if (*p == '"' || *p == '\\')
			casg_buf_addf(out, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			casg_buf_addf(out, "\\u%04x", *p);
		else if (!n)
			casg_buf_addstr(out, "\xef\xbf\xbd");
		else
			casg_buf_add(out, p, n);
		p += n ? n : 1;
	}
	casg_buf_addch(out, '"');
}

static void json_oid(struct casg_buf *out, const char *name, const struct casg_oid *id)
{
	casg_buf_addf(out, ",\n  \"%s\": \"", name);
	casg_oid_addhex(out, id);
	casg_buf_addch(out, '"');
}

static void json_lists(struct casg_buf *out, const struct casg_version *v)
{
	casg_buf_addstr(out, ",\n  \"source\": [");
	for (size_t i = 0; i < v->nsources; i++) {
		casg_buf_addstr(out, i ? ", " : "");
		json_string(out, v->sources[i]);
	}
	casg_buf_addch(out, ']');
	if (v->has_source_sha256)
		json_oid(out, "source-sha256", &v->source_sha256);
	casg_buf_addstr(out, ",\n  \"previous\": [");
	for (size_t i = 0; i < v->nprevious; i++) {
		casg_buf_addstr(out, i ? ", \"" : "\"");
		casg_oid_addhex(out, &v->previous[i]);
		casg_buf_addch(out, '"');
	}
	casg_buf_addstr(out, "]\n}\n");
}

static void json_changes(struct casg_buf *out, const struct casg_version *v)
{
	const char *sep = ",\n  \"change\": {";

	for (int c = 0; c < CASG_NTAXCHANGES; c++) {
		if (!v->changes[c])
			continue;
		casg_buf_addf(out, "%s\"%s\": ", sep, casg_taxchange_name((enum casg_taxchange)c));
		casg_buf_add_u64(out, v->changes[c]);
		sep = ", ";
	}
	if (*sep == ',' && sep[1] == ' ')
		casg_buf_addch(out, '}');
}

static void print_json(struct casg_buf *out, const struct casg_version *v,
		       const struct casg_oid *id, const char *database,
		       const char *commit)
{
	char when[CASG_TIME_SIZE];

	casg_buf_addf(out, "{\n  \"casg-%s\": %d",
		      v->kind == CASG_VERSION_TAXONOMY ? "taxonomy" : "version",
		      CASG_VERSION_FORMAT);
	json_oid(out, "id", id);
	if (database) {
		casg_buf_addstr(out, ",\n  \"database\": ");
		json_string(out, database);
		casg_buf_addf(out, ",\n  \"commit\": \"%s\"", commit);
	}
	json_oid(out, "records", &v->records);
	json_oid(out, "order", &v->order);
	json_oid(out, "presentation", &v->presentation);
	if (v->has_withdrawn)
		json_oid(out, "withdrawn", &v->withdrawn);
	if (v->has_mapping)
		json_oid(out, "mapping", &v->mapping);
	casg_buf_addstr(out, ",\n  \"count\": ");
	casg_buf_add_u64(out, v->count);
	if (v->kind == CASG_VERSION_DATABASE) {
		casg_buf_addstr(out, ",\n  \"residues\": ");
		casg_buf_add_u64(out, v->residues);
	}
	casg_buf_addf(out, ",\n  \"%s-time\": \"%s\"",
		      v->kind == CASG_VERSION_TAXONOMY ? "taxonomy" : "sequence",
		      casg_time_format(v->sequence_time, when));
	if (v->has_valid_until)
		casg_buf_addf(out, ",\n  \"valid-until\": \"%s\"",
			      casg_time_format(v->valid_until, when));
	if (v->release) {
		casg_buf_addstr(out, ",\n  \"release\": ");
		json_string(out, v->release);
	}
	if (v->has_taxonomy)
		json_oid(out, "taxonomy", &v->taxonomy);
	json_changes(out, v);
	json_lists(out, v);
}

/* To --facts: the commit, and the id of the version, NULL if it has none. */
static void write_facts(const struct casg_found *found, const struct casg_oid *id)
{
	struct casg_buf b = CASG_BUF_INIT;

	if (found->commit[0])
		casg_buf_addf(&b, "commit %s\n", found->commit);
	if (id) {
		casg_buf_addstr(&b, "version ");
		casg_oid_addhex(&b, id);
		casg_buf_addch(&b, '\n');
	}
	casg_write_facts(facts_file, &b);
	casg_buf_release(&b);
}

/* 0 when there is no such thing, and that is an answer. */
static int find(const char *spec, struct casg_found *found)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_repo repo;
	struct casg_refs *refs;
	int r;

	casg_cli_repo(&repo);
	r = casg_refs_open(&refs, &repo, &err);
	if (r)
		casg_die_err(&err);
	r = casg_refs_find(refs, spec, found, &err);
	if (r && !(r == CASG_EABSENT && facts_file))
		casg_die_err(&err);
	/* with --facts it is about to be replaced */
	if (!facts_file)
		casg_repo_cache_put(&repo, found->commit, casg_buf_cstr(&found->database),
				    found->only, found->text.data, found->text.len);
	if (!facts_file && strcmp(found->anchor, found->commit))
		casg_repo_cache_put(&repo, found->anchor, casg_buf_cstr(&found->database),
				    found->only, found->text.data, found->text.len);
	casg_refs_free(refs);
	casg_repo_release(&repo);
	return !r;
}

/* Writes one value to 'out'; the exit status says whether there is one. */
static void print_field(struct casg_buf *out, const struct casg_version *v)
{
	struct casg_err err = CASG_ERR_INIT;
	int r = casg_version_field(v, field, out, &err);

	if (r == CASG_EBUG)
		casg_usage_die("%s", err.msg);
	if (r)
		casg_die_err(&err);
	casg_buf_addch(out, '\n');
}

static int show(const char *spec)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_found found;
	struct casg_version v;
	struct casg_oid id;
	int named = strcmp(spec, "-") != 0;

	casg_found_init(&found);
	casg_version_init(&v);
	if (named && !find(spec, &found)) {
		write_facts(&found, NULL);
		casg_found_release(&found);
		return CASG_EXIT_NO;
	}
	if (!named)
		casg_cli_slurp("-", CASG_VERSION_MAX_BYTES, &found.text);
	if (casg_version_decode(&v, found.text.data, found.text.len, &err) ||
	    casg_version_id(found.text.data, found.text.len, &id, &err))
		casg_die_err(&err);
	if (facts_file)
		write_facts(&found, &id);
	if (json) {
		print_json(&out, &v, &id, named ? casg_buf_cstr(&found.database) : NULL,
			   found.commit);
	} else if (only_id) {
		casg_oid_addhex(&out, &id);
		casg_buf_addch(&out, '\n');
	} else if (field) {
		print_field(&out, &v);
	} else {
		casg_buf_add(&out, found.text.data, found.text.len);
	}
	if (casg_buf_check(&out, &err))
		casg_die_err(&err);
	casg_out(out.data, out.len);
	casg_buf_release(&out);
	casg_version_release(&v);
	casg_found_release(&found);
	return CASG_EXIT_YES;
}

static int list_one(void *ctx, const char *database, const uint8_t *text, size_t n,
		    struct casg_err *err)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_version v;
	struct casg_oid id;
	int r;

	(void)ctx;
	casg_version_init(&v);
	r = casg_version_decode(&v, text, n, err);
	casg_version_release(&v);
	if (!r)
		r = casg_version_id(text, n, &id, err);
	if (r)
		return casg_err_prefix(err, "%s", database);
	casg_oid_hex(&id, hex);
	hex[CASG_OID_HEXSZ] = ' ';
	casg_out(hex, sizeof(hex));
	casg_out(database, strlen(database));
	casg_out("\n", 1);
	return 0;
}

static void list_all(const char *rev)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_repo repo;
	struct casg_refs *refs;

	casg_cli_repo(&repo);
	if (casg_refs_open(&refs, &repo, &err) ||
	    casg_refs_each_database(refs, rev, list_one, NULL, &err))
		casg_die_err(&err);
	casg_refs_free(refs);
	casg_repo_release(&repo);
}

/* "<id> SPEC", or "SPEC missing", or "SPEC bad: why"; then the next. */
static void answer(struct casg_refs *refs, const char *spec)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_found found;
	struct casg_oid id;
	int r;

	casg_found_init(&found);
	r = casg_refs_find(refs, spec, &found, &err);
	if (!r)
		r = casg_version_id(found.text.data, found.text.len, &id, &err);
	if (r == CASG_ENOMEM)
		casg_die_err(&err);
	if (!r) {
		casg_oid_addhex(&out, &id);
		casg_buf_addf(&out, " %s", spec);
	} else if (r == CASG_EABSENT) {
		casg_buf_addf(&out, "%s missing", spec);
	} else {
		casg_buf_addf(&out, "%s bad: %s", spec, err.msg);
	}
	casg_buf_addch(&out, nul ? '\0' : '\n');
	casg_out(out.data, out.len);
	casg_out_flush();
	casg_buf_release(&out);
	casg_found_release(&found);
}

/* "<id> BLOB" for one that is a version or a profile. */
static void identify(struct casg_refs *refs, const char *blob)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_profile p;
	struct casg_version v;
	struct casg_oid id;
	int is_version = casg_cli_version_blob(refs, blob, &v, &id);

	if (before_arg ? is_version && v.sequence_time < before :
	    is_version || casg_cli_profile_blob(refs, blob, &p)) {
		casg_oid_addhex(&out, &id);
		casg_buf_addf(&out, " %s%c", blob, nul ? '\0' : '\n');
		casg_out(out.data, out.len);
	}
	casg_version_release(&v);
	casg_buf_release(&out);
}

typedef void line_fn(struct casg_refs *refs, const char *line);

static void each_line(line_fn *fn)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_repo repo;
	struct casg_refs *refs;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	casg_cli_repo(&repo);
	if (casg_refs_open(&refs, &repo, &err))
		casg_die_err(&err);
	while ((n = getdelim(&line, &cap, nul ? '\0' : '\n', stdin)) > 0) {
		if (line[n - 1] == (nul ? '\0' : '\n'))
			line[n - 1] = '\0';
		fn(refs, line);
	}
	if (ferror(stdin))
		casg_die("cannot read standard input");
	free(line);
	casg_refs_free(refs);
	casg_repo_release(&repo);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;

	if (json + only_id + list + batch + blobs + !!field > 1)
		casg_usage_die("--json, --id, --field, --list, --batch and --blobs exclude one another");
	if (before_arg && !blobs)
		casg_usage_die("--before needs --blobs");
	if (before_arg && casg_time_parse_user(before_arg, &before, &err))
		casg_usage_die("bad value '%s' of --before: %s", before_arg, err.msg);
	if (facts_file && (list || batch || blobs))
		casg_usage_die("--facts does not go with --list, --batch and --blobs");
	if (nul && !batch && !blobs)
		casg_usage_die("-z needs --batch or --blobs");
	if ((batch || blobs) && argc)
		casg_usage_die("--batch and --blobs take no argument");
	if (batch || blobs)
		each_line(batch ? answer : identify);
	else if (list)
		list_all(argc ? argv[0] : "HEAD");
	else
		return show(argc ? argv[0] : "");
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = {
	.name = "casg-read-version",
	.usage = usage,
	.opts = opts,
	.min_args = 0,
	.max_args = 1,
	.run = run,
};
