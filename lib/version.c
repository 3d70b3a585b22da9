#include "version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

/* ---- times ---- */

/* Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant). */
static int64_t days_from_civil(int64_t y, int m, int d)
{
	int64_t era, yoe, doy, doe;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

static void civil_from_days(int64_t z, int64_t *y, int *m, int *d)
{
	int64_t era, doe, yoe, doy, mp;

	z += 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = yoe + era * 400 + (*m <= 2);
}

static int days_in_month(int y, int m)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return m == 2 && leap ? 29 : days[m - 1];
}

/* 'n' decimal digits, at most 4; -1 if any is not one. */
static int digits(const char *s, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

static int parse_date(const char *s, int64_t *days_out)
{
	int y = digits(s, 4), m, d;

	if (y < 1 || s[4] != '-')
		return -1;
	m = digits(s + 5, 2);
	if (m < 1 || m > 12 || s[7] != '-')
		return -1;
	d = digits(s + 8, 2);
	if (d < 1 || d > days_in_month(y, m))
		return -1;
	*days_out = days_from_civil(y, m, d);
	return 0;
}

static int parse_clock(const char *s, int64_t *seconds_out)
{
	int h = digits(s, 2), m, sec;

	if (h < 0 || h > 23 || s[2] != ':')
		return -1;
	m = digits(s + 3, 2);
	if (m < 0 || m > 59 || s[5] != ':')
		return -1;
	sec = digits(s + 6, 2);
	if (sec < 0 || sec > 59)
		return -1;
	*seconds_out = h * 3600 + m * 60 + sec;
	return 0;
}

int casg_time_parse(const char *s, size_t n, int64_t *seconds_out)
{
	int64_t days, seconds;

	if (n != CASG_TIME_SIZE - 1 || s[10] != 'T' || s[19] != 'Z' ||
	    parse_date(s, &days) || parse_clock(s + 11, &seconds))
		return -1;
	*seconds_out = days * 86400 + seconds;
	return 0;
}

char *casg_time_format(int64_t seconds, char out[CASG_TIME_SIZE])
{
	int64_t days = seconds / 86400, rest = seconds % 86400, y;
	int m, d;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	/* years 0001 to 9999, checked in days so that nothing overflows */
	if (days < -719162 || days > 2932896)
		return NULL;
	civil_from_days(days, &y, &m, &d);
	snprintf(out, CASG_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ",
		 (unsigned)y % 10000, (unsigned)m % 100, (unsigned)d % 100,
		 (unsigned)(rest / 3600) % 100, (unsigned)(rest / 60 % 60),
		 (unsigned)(rest % 60));
	return out;
}

/* "Z", "+HH:MM" or "-HH:MM"; seconds east of UTC. */
static int parse_zone(const char *s, int64_t *east_out)
{
	int h, m;

	if (!strcmp(s, "Z")) {
		*east_out = 0;
		return 0;
	}
	if ((s[0] != '+' && s[0] != '-') || strlen(s) != 6 || s[3] != ':')
		return -1;
	h = digits(s + 1, 2);
	m = digits(s + 4, 2);
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return -1;
	*east_out = (h * 3600 + m * 60) * (s[0] == '-' ? -1 : 1);
	return 0;
}

static int parse_user(const char *s, int64_t *seconds_out)
{
	size_t n = strlen(s);
	int64_t days, seconds = 0, east = 0;
	char tmp[CASG_TIME_SIZE];

	if (n != 10 && n < CASG_TIME_SIZE - 1)
		return -1;
	if (parse_date(s, &days))
		return -1;
	if (n > 10 && (s[10] != 'T' || parse_clock(s + 11, &seconds) ||
		       parse_zone(s + 19, &east)))
		return -1;
	*seconds_out = days * 86400 + seconds - east;
	return casg_time_format(*seconds_out, tmp) ? 0 : -1;
}

int casg_time_parse_user(const char *s, int64_t *seconds_out, struct casg_err *err)
{
	if (!parse_user(s, seconds_out))
		return 0;
	return casg_err_set(err, CASG_ECORRUPT,
			    "'%s' is not a time (wanted YYYY-MM-DD or "
			    "YYYY-MM-DDTHH:MM:SS with Z or +HH:MM behind it)", s);
}

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
	F_RECORDS, F_ORDER, F_PRESENTATION, F_WITHDRAWN, F_COUNT, F_RESIDUES,
	F_SEQUENCE_TIME, F_RELEASE, F_TAXONOMY, F_SOURCE, F_SOURCE_SHA256,
	F_PREVIOUS, F_NFIELDS
};

static const struct {
	const char *name;
	unsigned required : 1, repeats : 1;
} fields[F_NFIELDS] = {
	[F_RECORDS] = { "records", 1, 0 },
	[F_ORDER] = { "order", 1, 0 },
	[F_PRESENTATION] = { "presentation", 1, 0 },
	[F_WITHDRAWN] = { "withdrawn", 0, 0 },
	[F_COUNT] = { "count", 1, 0 },
	[F_RESIDUES] = { "residues", 1, 0 },
	[F_SEQUENCE_TIME] = { "sequence-time", 1, 0 },
	[F_RELEASE] = { "release", 0, 0 },
	[F_TAXONOMY] = { "taxonomy", 0, 0 },
	[F_SOURCE] = { "source", 0, 1 },
	[F_SOURCE_SHA256] = { "source-sha256", 0, 0 },
	[F_PREVIOUS] = { "previous", 0, 1 },
};

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
	case F_COUNT:
		return parse_number(s, n, &v->count);
	case F_RESIDUES:
		return parse_number(s, n, &v->residues);
	case F_SEQUENCE_TIME:
		return casg_time_parse(s, n, &v->sequence_time);
	case F_RELEASE:
		return bad_label(s, n) ? CASG_ECORRUPT : set_release(v, s, n, err);
	case F_TAXONOMY:
		v->has_taxonomy = 1;
		return casg_oid_parse(&v->taxonomy, s, n);
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
static enum field which_field(const char *s, size_t n, enum field f, int again)
{
	for (; f < F_NFIELDS; f++) {
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
		f = which_field(p, (size_t)(sp - p), f, again);
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

static int decode_magic(const char **p, const char *end, struct casg_err *err)
{
	static const char magic[] = "casg-version ";
	size_t n = sizeof(magic) - 1;
	const char *eol;
	uint64_t format;

	if ((size_t)(end - *p) < n || memcmp(*p, magic, n))
		return casg_err_set(err, CASG_ENOTOURS, "not a casg version");
	*p += n;
	eol = memchr(*p, '\n', (size_t)(end - *p));
	if (!eol || parse_number(*p, (size_t)(eol - *p), &format))
		return bad_line(err, 1, "bad value of 'casg-version'");
	if (format != CASG_VERSION_FORMAT)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "casg-version %llu is not supported by this casg "
				    "(it knows version %d)",
				    (unsigned long long)format, CASG_VERSION_FORMAT);
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
	r = decode_magic(&p, p + n, err);
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

int casg_version_encode(const struct casg_version *v, struct casg_buf *out,
			struct casg_err *err)
{
	char when[CASG_TIME_SIZE];
	size_t start = out->len;

	if (!casg_time_format(v->sequence_time, when))
		return casg_err_set(err, CASG_EBUG, "the sequence time is out of range");
	if (!v->count && v->residues)
		return casg_err_set(err, CASG_EBUG, "residues without records");
	casg_buf_addf(out, "casg-version %d\n", CASG_VERSION_FORMAT);
	add_oid_line(out, F_RECORDS, &v->records);
	add_oid_line(out, F_ORDER, &v->order);
	add_oid_line(out, F_PRESENTATION, &v->presentation);
	if (v->has_withdrawn)
		add_oid_line(out, F_WITHDRAWN, &v->withdrawn);
	add_number_line(out, F_COUNT, v->count);
	add_number_line(out, F_RESIDUES, v->residues);
	casg_buf_addf(out, "sequence-time %s\n", when);
	if (v->release)
		casg_buf_addf(out, "release %s\n", v->release);
	if (v->has_taxonomy)
		add_oid_line(out, F_TAXONOMY, &v->taxonomy);
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
