#include "awssig.h"

#include <stdlib.h>
#include <string.h>

#include "rfc3339.h"

#define DATE 8 /* "20130524" */

char *casg_awssig_time(int64_t time, char out[CASG_AWSSIG_TIME])
{
	char text[CASG_TIME_SIZE], *to = out;

	if (!casg_time_format(time, text))
		return NULL;
	for (const char *p = text; *p; p++)
		if (*p != '-' && *p != ':')
			*to++ = *p;
	*to = '\0';
	return out;
}

/* ---- encoding ---- */

static int is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

static void encode(struct casg_buf *out, const char *s, int slash)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (is_unreserved(c) || (slash && c == '/'))
			casg_buf_addch(out, c);
		else
			casg_buf_addf(out, "%%%02X", c);
	}
}

void casg_awssig_encode(struct casg_buf *out, const char *s)
{
	encode(out, s, 0);
}

void casg_awssig_encode_path(struct casg_buf *out, const char *s)
{
	encode(out, s, 1);
}

/* Lines that are sorted as bytes, each in a buffer of its own. */
struct lines {
	struct casg_buf v[CASG_AWSSIG_MAX];
	size_t n;
};

static int cmp_line(const void *a, const void *b)
{
	const struct casg_buf *x = a, *y = b;
	size_t n = x->len < y->len ? x->len : y->len;
	int c = n ? memcmp(x->data, y->data, n) : 0;

	return c ? c : (x->len > y->len) - (x->len < y->len);
}

static int sort_lines(struct lines *l, struct casg_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < l->n && !rc; i++)
		rc = casg_buf_check(&l->v[i], err);
	if (!rc && l->n)
		qsort(l->v, l->n, sizeof(l->v[0]), cmp_line);
	return rc;
}

static void release_lines(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		casg_buf_release(&l->v[i]);
}

static int too_many(struct casg_err *err)
{
	return casg_err_set(err, CASG_EBUG, "a request of more than %d headers or parts of a query",
			    CASG_AWSSIG_MAX);
}

int casg_awssig_query(struct casg_buf *out, const struct casg_awssig_pair *query, size_t n,
		      struct casg_err *err)
{
	struct lines l = { .n = n };
	int rc;

	if (n > CASG_AWSSIG_MAX)
		return too_many(err);
	/* a NUL sorts before whatever a longer name goes on with; '=' would not */
	for (size_t i = 0; i < n; i++) {
		casg_awssig_encode(&l.v[i], query[i].name);
		casg_buf_addch(&l.v[i], '\0');
		casg_awssig_encode(&l.v[i], query[i].value);
	}
	rc = sort_lines(&l, err);
	for (size_t i = 0; i < n && !rc; i++) {
		*(uint8_t *)memchr(l.v[i].data, '\0', l.v[i].len) = '=';
		if (i)
			casg_buf_addch(out, '&');
		casg_buf_add(out, l.v[i].data, l.v[i].len);
	}
	release_lines(&l);
	return rc ? rc : casg_buf_check(out, err);
}

/* ---- headers ---- */

/* The name in lower case, a NUL, and the value without needless spaces. */
static void header_line(struct casg_buf *out, const struct casg_awssig_pair *p)
{
	const char *v = p->value + strspn(p->value, " ");

	for (const char *s = p->name; *s; s++)
		casg_buf_addch(out, *s >= 'A' && *s <= 'Z' ? *s + 32 : *s);
	casg_buf_addch(out, '\0');
	for (; *v; v++)
		if (*v != ' ' || (v[1] != ' ' && v[1]))
			casg_buf_addch(out, *v);
}

/* The canonical headers into 'out', and "a;b;c" into 'names'. */
static int headers(struct casg_buf *out, struct casg_buf *names,
		   const struct casg_awssig_request *r, struct casg_err *err)
{
	struct lines l = { .n = r->nheaders };
	int rc;

	if (r->nheaders > CASG_AWSSIG_MAX)
		return too_many(err);
	for (size_t i = 0; i < l.n; i++)
		header_line(&l.v[i], &r->headers[i]);
	rc = sort_lines(&l, err);
	for (size_t i = 0; i < l.n && !rc; i++) {
		/* what goes on with '-' sorts behind it, which ':' would not tell */
		uint8_t *colon = memchr(l.v[i].data, '\0', l.v[i].len);

		*colon = ':';
		casg_buf_add(out, l.v[i].data, l.v[i].len);
		casg_buf_addch(out, '\n');
		if (i)
			casg_buf_addch(names, ';');
		casg_buf_add(names, l.v[i].data, (size_t)(colon - l.v[i].data));
	}
	release_lines(&l);
	return rc;
}

/* ---- the signature ---- */

/* The digest of the canonical request. */
static int request_digest(struct casg_hasher *h, const struct casg_awssig_request *r,
			  struct casg_buf *names, struct casg_oid *id, struct casg_err *err)
{
	struct casg_buf text = CASG_BUF_INIT;
	int rc;

	casg_buf_addf(&text, "%s\n%s\n", r->method, r->path);
	rc = casg_awssig_query(&text, r->query, r->nquery, err);
	casg_buf_addch(&text, '\n');
	if (!rc)
		rc = headers(&text, names, r, err);
	casg_buf_addch(&text, '\n');
	casg_buf_add(&text, names->data, names->len);
	casg_buf_addf(&text, "\n%s", r->payload);
	if (!rc)
		rc = casg_buf_check(&text, err);
	if (!rc)
		rc = casg_buf_check(names, err);
	if (!rc)
		casg_hasher_digest(h, text.data, text.len, id);
	casg_buf_release(&text);
	return rc;
}

static void hmac_text(struct casg_hasher *h, struct casg_oid *key, const char *text)
{
	casg_hmac(h, key->b, sizeof(key->b), text, strlen(text), key);
}

/* The key of a day, region and service. */
static int signing_key(struct casg_hasher *h, const struct casg_awssig_key *k, const char *when,
		       struct casg_oid *out, struct casg_err *err)
{
	struct casg_buf secret = CASG_BUF_INIT;
	int rc;

	casg_buf_addf(&secret, "%s4%s", k->google ? "GOOG" : "AWS", k->secret);
	rc = casg_buf_check(&secret, err);
	if (!rc) {
		casg_hmac(h, secret.data, secret.len, when, DATE, out);
		hmac_text(h, out, k->region);
		hmac_text(h, out, k->service);
		hmac_text(h, out, k->google ? "goog4_request" : "aws4_request");
	}
	if (secret.data)
		explicit_bzero(secret.data, secret.len);
	casg_buf_release(&secret);
	return rc;
}

int casg_awssig_sign(struct casg_buf *out, struct casg_hasher *h,
		     const struct casg_awssig_key *key, const struct casg_awssig_request *r,
		     struct casg_err *err)
{
	struct casg_buf names = CASG_BUF_INIT, scope = CASG_BUF_INIT, text = CASG_BUF_INIT;
	const char *name = key->google ? "GOOG4" : "AWS4";
	char when[CASG_AWSSIG_TIME], hex[CASG_OID_HEXSZ + 1];
	struct casg_oid id, signing;
	int rc;

	if (!casg_awssig_time(r->time, when))
		return casg_err_set(err, CASG_EBUG, "a time that cannot be signed");
	casg_buf_addf(&scope, "%.*s/%s/%s/%s4_request", DATE, when, key->region, key->service,
		      key->google ? "goog" : "aws");
	rc = request_digest(h, r, &names, &id, err);
	if (!rc) {
		casg_buf_addf(&text, "%s-HMAC-SHA256\n%s\n%s\n%s", name, when, casg_buf_cstr(&scope),
			      casg_oid_hex(&id, hex));
		rc = casg_buf_check(&text, err);
	}
	if (!rc)
		rc = signing_key(h, key, when, &signing, err);
	if (!rc) {
		casg_hmac(h, signing.b, sizeof(signing.b), text.data, text.len, &id);
		explicit_bzero(&signing, sizeof(signing));
		casg_buf_addf(out, "%s-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
			      name, key->id, casg_buf_cstr(&scope), casg_buf_cstr(&names),
			      casg_oid_hex(&id, hex));
		rc = casg_buf_check(out, err);
	}
	casg_buf_release(&names);
	casg_buf_release(&scope);
	casg_buf_release(&text);
	return rc;
}
