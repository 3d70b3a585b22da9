#include "version.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

/* ---- the struct ---- */

void casg_version_init(struct casg_version *v)
{
	memset(v, 0, sizeof(*v));
}

void casg_version_release(struct casg_version *v)
{
	free(v->release);
	for (size_t i = 0; i < v->nsources; i++)
		free(v->sources[i]);
	free(v->sources);
	free(v->previous);
	casg_version_init(v);
}

static int bad_label(const char *s, size_t n)
{
	if (!n || n > CASG_VERSION_LABEL_MAX || s[0] == ' ' || s[n - 1] == ' ')
		return 1;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return 1;
	return 0;
}

static int set_release(struct casg_version *v, const char *s, size_t n,
		       struct casg_err *err)
{
	char *copy;

	if (bad_label(s, n))
		return casg_err_set(err, CASG_ECORRUPT,
				    "a release label has 1 to %d bytes, no control characters "
				    "and no space at either end", CASG_VERSION_LABEL_MAX);
	copy = strndup(s, n);
	if (!copy)
		return casg_err_nomem(err);
	free(v->release);
	v->release = copy;
	return 0;
}

int casg_version_set_release(struct casg_version *v, const char *label,
			     struct casg_err *err)
{
	return set_release(v, label, strlen(label), err);
}

int casg_version_add_source(struct casg_version *v, const char *name,
			    struct casg_err *err)
{
	size_t n = strlen(name);
	char *copy;

	if (!n || n > CASG_VERSION_LABEL_MAX)
		return casg_err_set(err, CASG_ECORRUPT,
				    "a source name has 1 to %d bytes", CASG_VERSION_LABEL_MAX);
	if (CASG_GROW(v->sources, v->nsources + 1, v->sources_cap))
		return casg_err_nomem(err);
	copy = strdup(name);
	if (!copy)
		return casg_err_nomem(err);
	v->sources[v->nsources++] = copy;
	return 0;
}

int casg_version_add_previous(struct casg_version *v, const struct casg_oid *id,
			      struct casg_err *err)
{
	size_t at = v->nprevious;

	while (at && casg_oid_cmp(&v->previous[at - 1], id) > 0)
		at--;
	if (at && casg_oid_eq(&v->previous[at - 1], id))
		return 0;
	if (CASG_GROW(v->previous, v->nprevious + 1, v->previous_cap))
		return casg_err_nomem(err);
	memmove(v->previous + at + 1, v->previous + at,
		(v->nprevious - at) * sizeof(*v->previous));
	v->previous[at] = *id;
	v->nprevious++;
	return 0;
}

/* ---- values as text ---- */

static int hexdigit_upper(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int needs_escape(unsigned char c)
{
	return c < 0x20 || c == 0x7f || c == '%';
}

static void add_source_text(struct casg_buf *out, const char *name)
{
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (needs_escape(c))
			casg_buf_addf(out, "%%%02X", c);
		else
			casg_buf_addch(out, c);
	}
}

/* Undo add_source_text; refuses what it does not emit. */
static int decode_source(struct casg_version *v, const char *s, size_t n,
			 struct casg_err *err)
{
	char name[CASG_VERSION_LABEL_MAX + 1];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)s[i];

		if (c == '%') {
			int hi = n - i > 2 ? hexdigit_upper(s[i + 1]) : -1;
			int lo = hi < 0 ? -1 : hexdigit_upper(s[i + 2]);

			c = lo < 0 ? 0 : hi << 4 | lo;
			if (!c || !needs_escape((unsigned char)c))
				return CASG_ECORRUPT;
			i += 2;
		} else if (needs_escape((unsigned char)c)) {
			return CASG_ECORRUPT;
		}
		if (len == CASG_VERSION_LABEL_MAX)
			return CASG_ECORRUPT;
		name[len++] = (char)c;
	}
	name[len] = '\0';
	return casg_version_add_source(v, name, err);
}

static int parse_number(const char *s, size_t n, uint64_t *v_out)
{
	uint64_t v = 0;

	if (!n || n > 20 || (n > 1 && s[0] == '0'))
		return -1;
	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)(s[i] - '0');

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return -1;
		v = v * 10 + d;
	}
	*v_out = v;
	return 0;
}

/* ---- the fields, in the order of the file ---- */

enum field {
	F_RECORDS, F_ORDER, F_PRESENTATION, F_WITHDRAWN, F_MAPPING, F_COUNT, F_RESIDUES,
	F_SEQUENCE_TIME, F_TAXONOMY_TIME, F_VALID_UNTIL, F_RELEASE, F_TAXONOMY, F_CHANGE,
	F_SOURCE, F_SOURCE_SHA256, F_PREVIOUS, F_NFIELDS
};

/* The kinds of version that have a field. */
enum { D = 1 << CASG_VERSION_DATABASE, T = 1 << CASG_VERSION_TAXONOMY };

static const struct {
	const char *name;
	unsigned kinds, required : 1, repeats : 1;
} fields[F_NFIELDS] = {
	[F_RECORDS] = { "records", D | T, 1, 0 },
	[F_ORDER] = { "order", D | T, 1, 0 },
	[F_PRESENTATION] = { "presentation", D | T, 1, 0 },
	[F_WITHDRAWN] = { "withdrawn", D, 0, 0 },
	[F_MAPPING] = { "mapping", T, 0, 0 },
	[F_COUNT] = { "count", D | T, 1, 0 },
	[F_RESIDUES] = { "residues", D, 1, 0 },
	[F_SEQUENCE_TIME] = { "sequence-time", D, 1, 0 },
	[F_TAXONOMY_TIME] = { "taxonomy-time", T, 1, 0 },
	[F_VALID_UNTIL] = { "valid-until", D | T, 0, 0 },
	[F_RELEASE] = { "release", D | T, 0, 0 },
	[F_TAXONOMY] = { "taxonomy", D, 0, 0 },
	[F_CHANGE] = { "change", T, 0, 1 },
	[F_SOURCE] = { "source", D | T, 0, 1 },
	[F_SOURCE_SHA256] = { "source-sha256", D | T, 0, 0 },
	[F_PREVIOUS] = { "previous", D | T, 0, 1 },
};

/* The first lines, by kind. */
static const char *const magics[] = { "casg-version", "casg-taxonomy" };

static int has_field(const struct casg_version *v, enum field f)
{
	return fields[f].kinds >> v->kind & 1;
}

static const char *const change_names[CASG_NTAXCHANGES] = {
	[CASG_TAXCHANGE_NEW] = "new", [CASG_TAXCHANGE_DELETED] = "deleted",
	[CASG_TAXCHANGE_MERGED] = "merged", [CASG_TAXCHANGE_SPLIT] = "split",
	[CASG_TAXCHANGE_RENAMED] = "renamed", [CASG_TAXCHANGE_MOVED] = "moved",
	[CASG_TAXCHANGE_RANK] = "rank",
};

const char *casg_taxchange_name(enum casg_taxchange c)
{
	return change_names[c];
}

int casg_taxchange_parse(const char *s, size_t n)
{
	for (int c = 0; c < CASG_NTAXCHANGES; c++)
		if (strlen(change_names[c]) == n && !memcmp(change_names[c], s, n))
			return c;
	return -1;
}

/* "CLASS NUMBER"; classes come in their order, none of 0. */
static int decode_change(struct casg_version *v, const char *s, size_t n)
{
	const char *sp = memchr(s, ' ', n);
	int c = sp ? casg_taxchange_parse(s, (size_t)(sp - s)) : -1;

	if (c < 0 || v->changes[c] ||
	    parse_number(sp + 1, n - (size_t)(sp + 1 - s), &v->changes[c]) ||
	    !v->changes[c])
		return CASG_ECORRUPT;
	for (int later = c + 1; later < CASG_NTAXCHANGES; later++)
		if (v->changes[later])
			return CASG_ECORRUPT;
	return 0;
}

static int decode_previous(struct casg_version *v, const char *s, size_t n,
			   struct casg_err *err)
{
	struct casg_oid id;

	if (casg_oid_parse(&id, s, n))
		return CASG_ECORRUPT;
	if (v->nprevious && casg_oid_cmp(&v->previous[v->nprevious - 1], &id) >= 0)
		return CASG_ECORRUPT;
	return casg_version_add_previous(v, &id, err);
}

static int decode_field(struct casg_version *v, enum field f, const char *s,
			size_t n, struct casg_err *err)
{
	switch (f) {
	case F_RECORDS:
		return casg_oid_parse(&v->records, s, n);
	case F_ORDER:
		return casg_oid_parse(&v->order, s, n);
	case F_PRESENTATION:
		return casg_oid_parse(&v->presentation, s, n);
	case F_WITHDRAWN:
		v->has_withdrawn = 1;
		return casg_oid_parse(&v->withdrawn, s, n);
	case F_MAPPING:
		v->has_mapping = 1;
		return casg_oid_parse(&v->mapping, s, n);
	case F_COUNT:
		return parse_number(s, n, &v->count);
	case F_RESIDUES:
		return parse_number(s, n, &v->residues);
	case F_SEQUENCE_TIME:
	case F_TAXONOMY_TIME:
		return casg_time_parse(s, n, &v->sequence_time);
	case F_VALID_UNTIL:
		v->has_valid_until = 1;
		return casg_time_parse(s, n, &v->valid_until) ||
			v->valid_until <= v->sequence_time ? CASG_ECORRUPT : 0;
	case F_RELEASE:
		return bad_label(s, n) ? CASG_ECORRUPT : set_release(v, s, n, err);
	case F_TAXONOMY:
		v->has_taxonomy = 1;
		return casg_oid_parse(&v->taxonomy, s, n);
	case F_CHANGE:
		return decode_change(v, s, n);
	case F_SOURCE:
		return decode_source(v, s, n, err);
	case F_SOURCE_SHA256:
		v->has_source_sha256 = 1;
		return casg_oid_parse(&v->source_sha256, s, n);
	case F_PREVIOUS:
		return decode_previous(v, s, n, err);
	case F_NFIELDS:
		break;
	}
	return CASG_EBUG;
}

static int bad_line(struct casg_err *err, unsigned line, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "malformed version, line %u: %s",
			    line, what);
}

/* Find the field of this line, at or after 'f'; F_NFIELDS when there is none. */
static enum field which_field(const struct casg_version *v, const char *s, size_t n,
			      enum field f, int again)
{
	for (; f < F_NFIELDS; f++) {
		if (!has_field(v, f))
			continue;
		if (strlen(fields[f].name) == n && !memcmp(fields[f].name, s, n))
			return again && !fields[f].repeats ? F_NFIELDS : f;
		if (fields[f].required && !again)
			return F_NFIELDS;
		again = 0;
	}
	return F_NFIELDS;
}

static int decode_lines(struct casg_version *v, const char *p, const char *end,
			struct casg_err *err)
{
	enum field f = F_RECORDS;
	int again = 0; /* field f was seen already */
	unsigned line = 1;

	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p)), *sp;
		int r;

		line++;
		if (!eol)
			return bad_line(err, line, "no newline at its end");
		sp = memchr(p, ' ', (size_t)(eol - p));
		if (!sp)
			return bad_line(err, line, "not 'name value'");
		f = which_field(v, p, (size_t)(sp - p), f, again);
		if (f == F_NFIELDS)
			return bad_line(err, line, "unknown, repeated or misplaced field");
		r = decode_field(v, f, sp + 1, (size_t)(eol - sp - 1), err);
		if (r == CASG_ENOMEM)
			return r;
		if (r)
			return casg_err_set(err, CASG_ECORRUPT,
					    "malformed version, line %u: bad value of '%s'",
					    line, fields[f].name);
		again = 1;
		p = eol + 1;
	}
	if (f < F_SEQUENCE_TIME || !again)
		return bad_line(err, line + 1, "a required field is missing");
	if (!v->count && v->residues)
		return casg_err_set(err, CASG_ECORRUPT,
				    "malformed version: residues without records");
	return 0;
}

static int decode_magic(struct casg_version *v, const char **p, const char *end,
			struct casg_err *err)
{
	const char *eol = memchr(*p, '\n', (size_t)(end - *p)), *magic = NULL;
	uint64_t format;
	size_t n;

	for (int kind = CASG_VERSION_DATABASE; kind <= CASG_VERSION_TAXONOMY; kind++) {
		n = strlen(magics[kind]);
		if ((size_t)(end - *p) > n && !memcmp(*p, magics[kind], n) && (*p)[n] == ' ') {
			v->kind = (enum casg_version_kind)kind;
			magic = magics[kind];
			*p += n + 1;
			break;
		}
	}
	if (!magic)
		return casg_err_set(err, CASG_ENOTOURS, "not a casg version");
	if (!eol || parse_number(*p, (size_t)(eol - *p), &format))
		return casg_err_set(err, CASG_ECORRUPT,
				    "malformed version, line 1: bad value of '%s'", magic);
	if (format != CASG_VERSION_FORMAT)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "%s %llu is not supported by this casg "
				    "(it knows version %d)",
				    magic, (unsigned long long)format, CASG_VERSION_FORMAT);
	*p = eol + 1;
	return 0;
}

int casg_version_decode(struct casg_version *v, const uint8_t *text, size_t n,
			struct casg_err *err)
{
	const char *p = (const char *)text;
	int r;

	casg_version_release(v);
	if (n > CASG_VERSION_MAX_BYTES)
		return casg_err_set(err, CASG_ECORRUPT,
				    "malformed version: longer than %u bytes",
				    CASG_VERSION_MAX_BYTES);
	if (!n)
		return casg_err_set(err, CASG_ENOTOURS, "not a casg version");
	r = decode_magic(v, &p, p + n, err);
	if (!r)
		r = decode_lines(v, p, (const char *)text + n, err);
	if (r)
		casg_version_release(v);
	return r;
}

/* ---- encoding ---- */

static void add_oid_line(struct casg_buf *out, enum field f, const struct casg_oid *id)
{
	casg_buf_addstr(out, fields[f].name);
	casg_buf_addch(out, ' ');
	casg_oid_addhex(out, id);
	casg_buf_addch(out, '\n');
}

static void add_number_line(struct casg_buf *out, enum field f, uint64_t v)
{
	casg_buf_addstr(out, fields[f].name);
	casg_buf_addch(out, ' ');
	casg_buf_add_u64(out, v);
	casg_buf_addch(out, '\n');
}

static int add_time_line(struct casg_buf *out, enum field f, int64_t seconds,
			 struct casg_err *err)
{
	char when[CASG_TIME_SIZE];

	if (!casg_time_format(seconds, when))
		return casg_err_set(err, CASG_EBUG, "the %s is out of range", fields[f].name);
	casg_buf_addf(out, "%s %s\n", fields[f].name, when);
	return 0;
}

/* What the format cannot say. */
static int check_version(const struct casg_version *v, struct casg_err *err)
{
	if (!v->count && v->residues)
		return casg_err_set(err, CASG_EBUG, "residues without records");
	if (v->has_valid_until && v->valid_until <= v->sequence_time)
		return casg_err_set(err, CASG_EBUG,
				    "a version is valid until a time after its own");
	if (v->kind != CASG_VERSION_DATABASE &&
	    (v->residues || v->has_withdrawn || v->has_taxonomy))
		return casg_err_set(err, CASG_EBUG,
				    "a taxonomy has no residues, tombstones or taxonomy");
	if (v->kind != CASG_VERSION_TAXONOMY && v->has_mapping)
		return casg_err_set(err, CASG_EBUG, "only a taxonomy has a mapping");
	return 0;
}

/* Roots and counts. */
static void add_head(const struct casg_version *v, struct casg_buf *out)
{
	casg_buf_addf(out, "%s %d\n", magics[v->kind], CASG_VERSION_FORMAT);
	add_oid_line(out, F_RECORDS, &v->records);
	add_oid_line(out, F_ORDER, &v->order);
	add_oid_line(out, F_PRESENTATION, &v->presentation);
	if (v->has_withdrawn)
		add_oid_line(out, F_WITHDRAWN, &v->withdrawn);
	if (v->has_mapping)
		add_oid_line(out, F_MAPPING, &v->mapping);
	add_number_line(out, F_COUNT, v->count);
	if (has_field(v, F_RESIDUES))
		add_number_line(out, F_RESIDUES, v->residues);
}

static void add_changes(const struct casg_version *v, struct casg_buf *out)
{
	for (int c = 0; c < CASG_NTAXCHANGES && has_field(v, F_CHANGE); c++) {
		if (!v->changes[c])
			continue;
		casg_buf_addf(out, "change %s ", change_names[c]);
		casg_buf_add_u64(out, v->changes[c]);
		casg_buf_addch(out, '\n');
	}
}

int casg_version_encode(const struct casg_version *v, struct casg_buf *out,
			struct casg_err *err)
{
	size_t start = out->len;
	int r = check_version(v, err);

	if (r)
		return r;
	add_head(v, out);
	r = add_time_line(out, v->kind == CASG_VERSION_TAXONOMY ? F_TAXONOMY_TIME :
			  F_SEQUENCE_TIME, v->sequence_time, err);
	if (!r && v->has_valid_until)
		r = add_time_line(out, F_VALID_UNTIL, v->valid_until, err);
	if (r)
		return r;
	if (v->release)
		casg_buf_addf(out, "release %s\n", v->release);
	if (v->has_taxonomy)
		add_oid_line(out, F_TAXONOMY, &v->taxonomy);
	add_changes(v, out);
	for (size_t i = 0; i < v->nsources; i++) {
		casg_buf_addstr(out, "source ");
		add_source_text(out, v->sources[i]);
		casg_buf_addch(out, '\n');
	}
	if (v->has_source_sha256)
		add_oid_line(out, F_SOURCE_SHA256, &v->source_sha256);
	for (size_t i = 0; i < v->nprevious; i++)
		add_oid_line(out, F_PREVIOUS, &v->previous[i]);
	if (out->len - start > CASG_VERSION_MAX_BYTES)
		return casg_err_set(err, CASG_EBUG, "the version is longer than %u bytes",
				    CASG_VERSION_MAX_BYTES);
	return casg_buf_check(out, err);
}

int casg_version_id(const void *text, size_t n, struct casg_oid *id_out,
		    struct casg_err *err)
{
	struct casg_hasher *h = casg_hasher_new();

	if (!h)
		return casg_err_nomem(err);
	casg_hasher_digest(h, text, n, id_out);
	casg_hasher_free(h);
	return 0;
}

int casg_version_field(const struct casg_version *v, const char *name,
		       struct casg_buf *out, struct casg_err *err)
{
	struct casg_buf text = CASG_BUF_INIT;
	size_t n = strlen(name), found = 0;
	const char *p, *end;
	int r, known = 0;

	for (int f = 0; f < F_NFIELDS; f++)
		known |= !strcmp(fields[f].name, name);
	if (!known)
		return casg_err_set(err, CASG_EBUG, "a version has no field '%s'", name);
	/* one way to write a value: look it up in the text */
	r = casg_version_encode(v, &text, err);
	p = (const char *)text.data;
	end = p + text.len;
	while (!r && p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		if ((size_t)(eol - p) > n && p[n] == ' ' && !memcmp(p, name, n)) {
			if (found++)
				casg_buf_addch(out, '\n');
			casg_buf_add(out, p + n + 1, (size_t)(eol - p) - n - 1);
		}
		p = eol + 1;
	}
	casg_buf_release(&text);
	if (r)
		return r;
	if (!found)
		return casg_err_set(err, CASG_EABSENT, "the version has no '%s'", name);
	return casg_buf_check(out, err);
}
