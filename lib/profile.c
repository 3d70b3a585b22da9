#include "profile.h"

#include <inttypes.h>
#include <string.h>

static const char magic[] = "casg-profile 1\n";
static const char name[] = "casg-profile ";

static void add_id(struct casg_buf *out, const char *field, const struct casg_oid *id)
{
	casg_buf_addf(out, "%s ", field);
	casg_oid_addhex(out, id);
	casg_buf_addch(out, '\n');
}

static void add_share(struct casg_buf *out, const char *field, unsigned v)
{
	casg_buf_addf(out, "%s %u.%03u\n", field, v / 1000, v % 1000);
}

/* What can be, apart from how it is written. */
static int is_sound(const struct casg_profile *p)
{
	return p->identity && p->identity <= 1000 && p->coverage <= 1000 && p->size <= 1000 &&
	       p->representatives <= p->count && !p->representatives == !p->count &&
	       p->kept <= p->residues;
}

int casg_profile_encode(const struct casg_profile *p, struct casg_buf *out,
			struct casg_err *err)
{
	if (!is_sound(p))
		return casg_err_set(err, CASG_EBUG, "there can be no such profile");
	casg_buf_addstr(out, magic);
	add_id(out, "version", &p->version);
	add_id(out, "records", &p->records);
	add_id(out, "members", &p->members);
	add_share(out, "identity", p->identity);
	add_share(out, "coverage", p->coverage);
	if (p->size)
		add_share(out, "size", p->size);
	casg_buf_addf(out, "count %" PRIu64 "\nrepresentatives %" PRIu64 "\nresidues %" PRIu64
		      "\nkept %" PRIu64 "\n", p->count, p->representatives, p->residues, p->kept);
	return casg_buf_check(out, err);
}

/* ---- reading ------------------------------------------------------------- */

struct text {
	const char *p, *end;
};

/* The value of the next line if that has this name. */
static int take(struct text *t, const char *field, const char **v_out, size_t *n_out)
{
	size_t n = strlen(field);
	const char *lf = memchr(t->p, '\n', (size_t)(t->end - t->p));

	if (!lf || (size_t)(lf - t->p) <= n || memcmp(t->p, field, n) || t->p[n] != ' ')
		return -1;
	*v_out = t->p + n + 1;
	*n_out = (size_t)(lf - *v_out);
	t->p = lf + 1;
	return 0;
}

static int take_id(struct text *t, const char *field, struct casg_oid *out)
{
	const char *v;
	size_t n;

	return take(t, field, &v, &n) || casg_oid_parse(out, v, n) ? -1 : 0;
}

static int take_number(struct text *t, const char *field, uint64_t *out)
{
	const char *v;
	size_t n;

	if (take(t, field, &v, &n) || !n || (n > 1 && v[0] == '0'))
		return -1;
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)(v[i] - '0');

		if (d > 9 || *out > (UINT64_MAX - d) / 10)
			return -1;
		*out = *out * 10 + d;
	}
	return 0;
}

static int take_share(struct text *t, const char *field, unsigned *out)
{
	char copy[8];
	const char *v;
	size_t n;

	if (take(t, field, &v, &n) || n != 5 || v[1] != '.')
		return -1;
	memcpy(copy, v, n);
	copy[n] = '\0';
	return casg_thousandths(copy, out);
}

static int take_all(struct casg_profile *p, struct text *t)
{
	if (take_id(t, "version", &p->version) || take_id(t, "records", &p->records) ||
	    take_id(t, "members", &p->members) || take_share(t, "identity", &p->identity) ||
	    take_share(t, "coverage", &p->coverage))
		return -1;
	if (t->p < t->end && t->p[0] == 's' && (take_share(t, "size", &p->size) || !p->size))
		return -1;
	if (take_number(t, "count", &p->count) ||
	    take_number(t, "representatives", &p->representatives) ||
	    take_number(t, "residues", &p->residues) || take_number(t, "kept", &p->kept))
		return -1;
	return t->p == t->end && is_sound(p) ? 0 : -1;
}

int casg_profile_decode(struct casg_profile *p, const uint8_t *text, size_t n,
			struct casg_err *err)
{
	struct text t = { (const char *)text, (const char *)text + n };
	unsigned line = 1;

	memset(p, 0, sizeof(*p));
	if (n < sizeof(name) - 1 || memcmp(text, name, sizeof(name) - 1))
		return casg_err_set(err, CASG_ENOTOURS, "this is no profile");
	if (n < sizeof(magic) - 1 || memcmp(text, magic, sizeof(magic) - 1))
		return casg_err_set(err, CASG_EUNSUPPORTED, "a profile of an unknown version");
	t.p += sizeof(magic) - 1;
	if (!take_all(p, &t))
		return 0;
	for (const char *q = (const char *)text; q < t.p; q++)
		line += *q == '\n';
	return casg_err_set(err, CASG_ECORRUPT, "malformed profile, line %u", line);
}

int casg_thousandths(const char *text, unsigned *out)
{
	size_t n = strlen(text);
	int percent = n && text[n - 1] == '%';
	unsigned whole = 0, part = 0, unit = percent ? 10 : 1000, ndigits = 0;
	const char *end = text + n - (percent ? 1 : 0), *p = text;

	for (; p < end && *p >= '0' && *p <= '9'; p++, ndigits++) {
		whole = whole * 10 + (unsigned)(*p - '0');
		if (whole > 100)
			return -1;
	}
	if (p < end && *p == '.')
		for (p++; p < end && *p >= '0' && *p <= '9' && unit > 1; p++, ndigits++) {
			unit /= 10;
			part += (unsigned)(*p - '0') * unit;
		}
	if (p < end || !ndigits)
		return -1;
	*out = whole * (percent ? 10 : 1000) + part;
	return *out <= 1000 ? 0 : -1;
}
