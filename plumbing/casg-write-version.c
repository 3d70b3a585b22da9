/*
 * casg-write-version - roots on stdin become a VERSION on stdout.
 */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "version.h"

static const char *sequence_time;
static const char *release_label;
static const char *kind, *taxonomy_time, *valid_until, *mapping;
static const char *taxonomy;
static const char *source_sha256;
static struct casg_strs sources;
static struct casg_strs previous;
static struct casg_strs changes;
static int follow;

static const char *const usage[] = {
	"[--sequence-time=TIME] [--valid-until=TIME] [--release=LABEL] [--taxonomy=ID] "
	"[--source=NAME]... [--source-sha256=HEX] [--previous=ID]... <ROOTS",
	"--kind=taxonomy [--taxonomy-time=TIME] [--valid-until=TIME] [--release=LABEL] "
	"[--mapping=ROOT] [--change=CLASS=N]... [--source=NAME]... [--source-sha256=HEX] "
	"[--previous=ID]... <ROOTS",
	"--follow --valid-until=TIME <VERSION",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "kind", "KIND", &kind, "database (default) or taxonomy" },
	{ CASG_OPT_STR, 0, "sequence-time", "TIME", &sequence_time,
	  "when the release is of (RFC 3339 or a date; default: now)" },
	{ CASG_OPT_STR, 0, "taxonomy-time", "TIME", &taxonomy_time,
	  "the same of a taxonomy" },
	{ CASG_OPT_STR, 0, "valid-until", "TIME", &valid_until,
	  "from when on it does not hold, though nothing follows it" },
	{ CASG_OPT_STR, 0, "release", "LABEL", &release_label,
	  "what its publisher calls it" },
	{ CASG_OPT_STR, 0, "taxonomy", "ID", &taxonomy,
	  "version id of its default taxonomy" },
	{ CASG_OPT_STR, 0, "mapping", "ROOT", &mapping,
	  "root of the record tree that maps accessions to taxa" },
	{ CASG_OPT_LIST, 0, "change", "CLASS=N", &changes,
	  "how many taxa are new, deleted, merged, split, renamed, moved, or of another rank" },
	{ CASG_OPT_LIST, 0, "source", "NAME", &sources,
	  "name of an input file; again for more" },
	{ CASG_OPT_STR, 0, "source-sha256", "HEX", &source_sha256,
	  "SHA-256 of the input, decompressed" },
	{ CASG_OPT_LIST, 0, "previous", "ID", &previous,
	  "version id of the version before; again for more" },
	{ CASG_OPT_FLAG, 0, "follow", NULL, &follow,
	  "all as in the version on stdin, which is the one before" },
	{ CASG_OPT_END, 0, NULL, NULL, NULL, NULL }
};

enum { RECORDS, ORDER, PRESENTATION, WITHDRAWN, COUNT, RESIDUES, SEQUENCE_TIME, NROOTS };

static const char *const root_names[NROOTS] = {
	"records", "order", "presentation", "withdrawn", "count", "residues", "sequence-time",
};

static int parse_count(const char *s, size_t n, uint64_t *v_out)
{
	uint64_t v = 0;

	if (!n || (n > 1 && *s == '0'))
		return -1;
	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)(s[i] - '0');

		if (d > 9 || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, d, &v))
			return -1;
	}
	*v_out = v;
	return 0;
}

static int take_value(struct casg_version *v, int root, const char *value, size_t n)
{
	struct casg_oid *const oids[] = {
		&v->records, &v->order, &v->presentation, &v->withdrawn
	};

	switch (root) {
	case COUNT:
		return parse_count(value, n, &v->count);
	case RESIDUES:
		return parse_count(value, n, &v->residues);
	case SEQUENCE_TIME:
		return casg_time_parse(value, n, &v->sequence_time);
	case WITHDRAWN:
		v->has_withdrawn = 1;
	}
	return casg_oid_parse(oids[root], value, n);
}

/* One line of casg-mktree's; returns which it was. */
static int take_line(struct casg_version *v, const char *p, size_t n, unsigned long line)
{
	const char *sp = memchr(p, ' ', n), *value;
	size_t name, len;
	int i;

	if (!sp)
		casg_die("malformed roots, line %lu: not 'name value'", line);
	name = (size_t)(sp - p);
	value = sp + 1;
	len = n - name - 1;
	for (i = 0; i < NROOTS; i++)
		if (strlen(root_names[i]) == name && !memcmp(root_names[i], p, name))
			break;
	if (i == NROOTS)
		casg_die("malformed roots, line %lu: unknown name '%.*s'", line,
			 (int)(name < 80 ? name : 80), p);
	if (take_value(v, i, value, len))
		casg_die("malformed roots, line %lu: bad value of '%s'", line, root_names[i]);
	return i;
}

/* Do they say when? */
static int read_roots(struct casg_version *v)
{
	struct casg_buf b = CASG_BUF_INIT;
	unsigned seen = 0;
	unsigned long line = 0;
	const char *p, *end;

	casg_cli_slurp("-", 65536, &b);
	p = (const char *)b.data;
	end = p + b.len;
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		int i;

		line++;
		if (!eol)
			casg_die("malformed roots, line %lu: no newline at its end", line);
		i = take_line(v, p, (size_t)(eol - p), line);
		if (seen & 1u << i)
			casg_die("malformed roots, line %lu: '%s' again", line, root_names[i]);
		seen |= 1u << i;
		p = eol + 1;
	}
	for (int i = 0; i < NROOTS; i++)
		if (!(seen & 1u << i) && i != WITHDRAWN && i != SEQUENCE_TIME)
			casg_die("the roots on standard input lack '%s'", root_names[i]);
	casg_buf_release(&b);
	return seen >> SEQUENCE_TIME & 1;
}

static void need_oid(struct casg_oid *out, const char *option, const char *hex)
{
	if (casg_oid_parse(out, hex, strlen(hex)))
		casg_usage_die("option '%s' expects 64 lower-case hex digits, not '%s'",
			       option, hex);
}

static void apply_change(struct casg_version *v, const char *arg)
{
	const char *eq = strchr(arg, '=');
	int c = eq ? casg_taxchange_parse(arg, (size_t)(eq - arg)) : -1;

	if (c < 0 || parse_count(eq + 1, strlen(eq + 1), &v->changes[c]))
		casg_usage_die("option '--change' expects CLASS=N, not '%s'", arg);
}

/* What only one kind of version has. */
static void apply_kind(struct casg_version *v)
{
	if (kind && !strcmp(kind, "taxonomy"))
		v->kind = CASG_VERSION_TAXONOMY;
	else if (kind && strcmp(kind, "database"))
		casg_usage_die("option '--kind' expects database or taxonomy, not '%s'", kind);
	if (v->kind == CASG_VERSION_TAXONOMY && (sequence_time || taxonomy))
		casg_usage_die("a taxonomy has no --sequence-time and no --taxonomy");
	if (v->kind != CASG_VERSION_TAXONOMY && (taxonomy_time || mapping || changes.n))
		casg_usage_die("--taxonomy-time, --mapping and --change need --kind=taxonomy");
	if (mapping) {
		need_oid(&v->mapping, "--mapping", mapping);
		v->has_mapping = 1;
	}
	for (size_t i = 0; i < changes.n; i++)
		apply_change(v, changes.v[i]);
}

static void apply_end(struct casg_version *v)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!valid_until)
		return;
	if (casg_time_parse_user(valid_until, &v->valid_until, &err))
		casg_usage_die("%s", err.msg);
	if (v->valid_until <= v->sequence_time)
		casg_usage_die("--valid-until is not after the version's own time");
	v->has_valid_until = 1;
}

static void apply_times(struct casg_version *v, int timed)
{
	const char *when = sequence_time ? sequence_time : taxonomy_time;
	struct casg_err err = CASG_ERR_INIT;

	if (!when && !timed)
		v->sequence_time = casg_cli_now();
	else if (when && casg_time_parse_user(when, &v->sequence_time, &err))
		casg_usage_die("%s", err.msg);
	apply_end(v);
}

static void apply_options(struct casg_version *v, int timed)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid id;

	apply_kind(v);
	apply_times(v, timed);
	if (release_label && casg_version_set_release(v, release_label, &err))
		casg_usage_die("%s", err.msg);
	if (taxonomy) {
		need_oid(&v->taxonomy, "--taxonomy", taxonomy);
		v->has_taxonomy = 1;
	}
	if (source_sha256) {
		need_oid(&v->source_sha256, "--source-sha256", source_sha256);
		v->has_source_sha256 = 1;
	}
	for (size_t i = 0; i < sources.n; i++)
		if (casg_version_add_source(v, sources.v[i], &err))
			casg_usage_die("%s", err.msg);
	for (size_t i = 0; i < previous.n; i++) {
		need_oid(&id, "--previous", previous.v[i]);
		if (casg_version_add_previous(v, &id, &err))
			casg_die_err(&err);
	}
}

/* The version on stdin again, but for its end. */
static void follow_version(struct casg_version *v)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_oid id;

	if (!valid_until || kind || sequence_time || taxonomy_time || release_label || taxonomy ||
	    mapping || source_sha256 || changes.n || sources.n || previous.n)
		casg_usage_die("--follow goes with --valid-until and with nothing else");
	casg_cli_slurp("-", CASG_VERSION_MAX_BYTES, &text);
	if (casg_version_decode(v, text.data, text.len, &err) ||
	    casg_version_id(text.data, text.len, &id, &err))
		casg_die_err(&err);
	v->nprevious = 0;
	if (casg_version_add_previous(v, &id, &err))
		casg_die_err(&err);
	apply_end(v);
	casg_buf_release(&text);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_version v;

	(void)argc;
	(void)argv;
	casg_version_init(&v);
	if (follow)
		follow_version(&v);
	else
		apply_options(&v, read_roots(&v));
	if (casg_version_encode(&v, &out, &err))
		casg_die_err(&err);
	casg_out(out.data, out.len);
	casg_buf_release(&out);
	casg_version_release(&v);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = {
	.name = "casg-write-version",
	.usage = usage,
	.opts = opts,
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
