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
static const char *taxonomy;
static const char *source_sha256;
static struct casg_strs sources;
static struct casg_strs previous;

static const char *const usage[] = {
	"[--sequence-time=TIME] [--release=LABEL] [--taxonomy=ID] [--source=NAME]... "
	"[--source-sha256=HEX] [--previous=ID]... <ROOTS",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "sequence-time", "TIME", &sequence_time,
	  "when the release is of (RFC 3339 or a date; default: now)" },
	{ CASG_OPT_STR, 0, "release", "LABEL", &release_label,
	  "what its publisher calls it" },
	{ CASG_OPT_STR, 0, "taxonomy", "ID", &taxonomy,
	  "version id of its default taxonomy" },
	{ CASG_OPT_LIST, 0, "source", "NAME", &sources,
	  "name of an input file; again for more" },
	{ CASG_OPT_STR, 0, "source-sha256", "HEX", &source_sha256,
	  "SHA-256 of the input, decompressed" },
	{ CASG_OPT_LIST, 0, "previous", "ID", &previous,
	  "version id of the version before; again for more" },
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

static void apply_options(struct casg_version *v, int timed)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid id;

	if (!sequence_time && !timed)
		v->sequence_time = casg_cli_now();
	else if (sequence_time && casg_time_parse_user(sequence_time, &v->sequence_time, &err))
		casg_usage_die("%s", err.msg);
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

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_version v;

	(void)argc;
	(void)argv;
	casg_version_init(&v);
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
