#include "remotes3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "awssig.h"
#include "base64.h"
#include "digests.h"
#include "hex.h"
#include "rfc3339.h"
#include "xmlscan.h"

#define QUERY_MAX 6
#define MAX_PARTS 10000
#define MAX_OBJECT (UINT64_C(5) << 40)
#define XMLNS "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define SKEW 300 /* seconds of the clock that are worth a word */

struct store {
	const struct casg_s3 *s3;
	struct casg_hasher *hasher;
	int unconditional;       /* the server knows no If-None-Match for a put */
};

/* Scratch of a request. */
struct parts {
	struct casg_awssig_pair query[QUERY_MAX];
	size_t nquery;
	struct casg_buf prefix, number;
};

static int is_put(const struct casg_cloud_ask *ask)
{
	return ask->act >= CASG_CLOUD_PUT && ask->act <= CASG_CLOUD_ABORT;
}

/* What is written again and again must not be locked: a summary is only a cache. */
static int is_locked(const struct casg_s3 *s3, const struct casg_remote_request *r)
{
	return s3->retention_days && strcmp(r->name, "INVENTORY");
}

/* Until when a put that began at 'since' has to be kept. */
static void keep_until(const struct casg_s3 *s3, int64_t since, char out[CASG_TIME_SIZE])
{
	casg_time_format(since + s3->clock_offset + (int64_t)s3->retention_days * 86400, out);
}

/* ---- requests ---- */

static void add_query(struct parts *p, const char *name, const char *value)
{
	p->query[p->nquery++] = (struct casg_awssig_pair){ name, value };
}

static int add_md5(struct casg_cloud_call *c, const void *body, size_t n, struct casg_err *err)
{
	struct casg_filesum *f = casg_filesum_new(CASG_FILESUM_MD5, err);
	char hex[CASG_FILESUM_TEXTSZ];
	struct casg_buf text = CASG_BUF_INIT;
	uint8_t raw[16];

	if (!f)
		return CASG_ENOMEM;
	casg_filesum_update(f, body, n);
	casg_filesum_final(f, hex);
	casg_filesum_free(f);
	casg_hex_decode(raw, hex, sizeof(raw));
	casg_base64_add(&text, raw, sizeof(raw));
	casg_cloud_header(c, "Content-MD5: %s", casg_buf_cstr(&text));
	casg_buf_release(&text);
	return 0;
}

/* How an object is kept: said when it is made, or when its parts are begun. */
static void add_keeping(const struct casg_s3 *s3, const struct casg_cloud_ask *ask,
			struct casg_cloud_call *c)
{
	char until[CASG_TIME_SIZE];

	casg_cloud_header(c, "Content-Type: application/octet-stream");
	if (s3->storage_class)
		casg_cloud_header(c, "x-amz-storage-class: %s", s3->storage_class);
	if (s3->encryption)
		casg_cloud_header(c, "x-amz-server-side-encryption: %s", s3->encryption);
	if (s3->encryption_key)
		casg_cloud_header(c, "x-amz-server-side-encryption-aws-kms-key-id: %s",
				  s3->encryption_key);
	if (is_locked(s3, ask->r)) {
		keep_until(s3, ask->since, until);
		casg_cloud_header(c, "x-amz-object-lock-mode: %s", s3->retention_mode);
		casg_cloud_header(c, "x-amz-object-lock-retain-until-date: %s", until);
	}
}

static void part_list(const struct casg_cloud_ask *ask, struct casg_cloud_call *c)
{
	c->own_body = 1;
	casg_buf_addstr(&c->body, "<CompleteMultipartUpload " XMLNS ">");
	for (unsigned i = 0; i < ask->part; i++)
		casg_buf_addf(&c->body, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", i + 1,
			      (const char *)ask->tokens[i].data);
	casg_buf_addstr(&c->body, "</CompleteMultipartUpload>");
}

static int describe_put(const struct store *st, const struct casg_cloud_ask *ask,
			struct casg_cloud_call *c, struct parts *p, struct casg_err *err)
{
	const struct casg_s3 *s3 = st->s3;
	int appears = ask->act == CASG_CLOUD_PUT || ask->act == CASG_CLOUD_END;

	if (ask->r->nbytes > MAX_OBJECT)
		return casg_err_set(err, CASG_EUNSUPPORTED, "S3 has no objects of more than 5 TiB");
	c->method = ask->act == CASG_CLOUD_BEGIN || ask->act == CASG_CLOUD_END ? "POST" :
		    ask->act == CASG_CLOUD_ABORT ? "DELETE" : "PUT";
	if (ask->act == CASG_CLOUD_BEGIN)
		add_query(p, "uploads", "");
	else if (ask->act != CASG_CLOUD_PUT)
		add_query(p, "uploadId", ask->session);
	if (ask->act == CASG_CLOUD_PART) {
		casg_buf_add_u64(&p->number, ask->part + 1);
		add_query(p, "partNumber", casg_buf_cstr(&p->number));
	}
	if (ask->act == CASG_CLOUD_PUT || ask->act == CASG_CLOUD_BEGIN)
		add_keeping(s3, ask, c);
	if (ask->act == CASG_CLOUD_END)
		part_list(ask, c);
	if (appears && ask->r->op == CASG_REMOTE_PUT_NEW && !st->unconditional)
		casg_cloud_header(c, "If-None-Match: *");
	/* what is not signed is not compared; and a lock wants it */
	if ((ask->act == CASG_CLOUD_PUT || ask->act == CASG_CLOUD_PART) &&
	    (!s3->key_id || is_locked(s3, ask->r)))
		return add_md5(c, ask->body, ask->nbody, err);
	return 0;
}

static void describe_list(const struct casg_s3 *s3, const struct casg_cloud_ask *ask,
			  struct parts *p)
{
	casg_buf_addstr(&p->prefix, s3->prefix);
	if (strcmp(ask->r->name, "-"))
		casg_buf_addstr(&p->prefix, ask->r->name);
	add_query(p, "list-type", "2");
	add_query(p, "encoding-type", "url");
	if (p->prefix.len)
		add_query(p, "prefix", casg_buf_cstr(&p->prefix));
	if (*ask->marker)
		add_query(p, "continuation-token", ask->marker);
	if (s3->page_size) {
		casg_buf_add_u64(&p->number, s3->page_size);
		add_query(p, "max-keys", casg_buf_cstr(&p->number));
	}
}

static int describe(const struct store *st, const struct casg_cloud_ask *ask,
		    struct casg_cloud_call *c, struct parts *p, struct casg_err *err)
{
	int rc = 0;

	switch (ask->act) {
	case CASG_CLOUD_HAVE:
	case CASG_CLOUD_LOOK:
	case CASG_CLOUD_CHECK:
		c->method = "HEAD";
		break;
	case CASG_CLOUD_GET:
		rc = casg_cloud_get(c, ask->r, err);
		break;
	case CASG_CLOUD_DELETE:
		c->method = "DELETE";
		break;
	case CASG_CLOUD_LIST:
		describe_list(st->s3, ask, p);
		break;
	case CASG_CLOUD_RESTORE:
		c->method = "POST";
		c->own_body = 1;
		casg_buf_addf(&c->body, "<RestoreRequest " XMLNS "><Days>%u</Days><GlacierJobParameters>"
			      "<Tier>Standard</Tier></GlacierJobParameters></RestoreRequest>",
			      st->s3->restore_days);
		add_query(p, "restore", "");
		rc = add_md5(c, c->body.data, c->body.len, err);
		break;
	default:
		return describe_put(st, ask, c, p, err);
	}
	return rc;
}

/* The SHA-256 of the body, as it goes out. */
static void payload_digest(struct store *st, const struct casg_cloud_ask *ask,
			   const struct casg_cloud_call *c, char hex[CASG_OID_HEXSZ + 1])
{
	const void *body = c->own_body ? c->body.data : ask->body;
	size_t n = c->own_body ? c->body.len : ask->nbody;
	struct casg_oid id = ask->r->sha256;

	if (ask->act != CASG_CLOUD_PUT)
		casg_hasher_digest(st->hasher, body ? body : "", n, &id);
	casg_oid_hex(&id, hex);
}

/* The pairs of the header lines; their texts are cut in 'copy'. */
static size_t read_headers(struct casg_buf *copy, struct casg_awssig_pair *out, size_t max)
{
	size_t n = 0;

	for (size_t at = 0; at < copy->len && n < max; n++) {
		char *line = (char *)copy->data + at, *colon = strchr(line, ':');

		at += strlen(line) + 1;
		*colon = '\0';
		out[n] = (struct casg_awssig_pair){ line, colon + 2 };
	}
	return n;
}

static int sign(struct store *st, const struct casg_cloud_ask *ask, const struct parts *p,
		const char *host, const char *path, struct casg_cloud_call *c, struct casg_err *err)
{
	const struct casg_s3 *s3 = st->s3;
	const struct casg_awssig_key key = { s3->key_id, s3->secret, s3->region, "s3", 0 };
	struct casg_awssig_pair headers[CASG_AWSSIG_MAX];
	struct casg_buf copy = CASG_BUF_INIT, value = CASG_BUF_INIT;
	struct casg_awssig_request r = { .method = c->method, .path = path, .query = p->query,
					 .nquery = p->nquery, .headers = headers };
	char hex[CASG_OID_HEXSZ + 1], when[CASG_AWSSIG_TIME];
	int rc;

	if (!s3->key_id)
		return 0;
	r.time = (int64_t)time(NULL) + s3->clock_offset;
	payload_digest(st, ask, c, hex);
	r.payload = hex;
	casg_cloud_header(c, "x-amz-content-sha256: %s", hex);
	casg_cloud_header(c, "x-amz-date: %s", casg_awssig_time(r.time, when) ? when : "");
	if (s3->token)
		casg_cloud_header(c, "x-amz-security-token: %s", s3->token);
	casg_buf_add(&copy, c->headers.data, c->headers.len);
	rc = casg_buf_check(&c->headers, err);
	if (!rc)
		rc = casg_buf_check(&copy, err);
	if (!rc) {
		headers[0] = (struct casg_awssig_pair){ "host", host };
		r.nheaders = 1 + read_headers(&copy, headers + 1, CASG_AWSSIG_MAX - 1);
		rc = casg_awssig_sign(&value, st->hasher, &key, &r, err);
	}
	if (!rc)
		casg_cloud_header(c, "Authorization: %s", casg_buf_cstr(&value));
	casg_buf_release(&copy);
	casg_buf_release(&value);
	return rc;
}

/* Where the object is: the host as it is signed, and the path. */
static void locate(const struct casg_s3 *s3, const struct casg_cloud_ask *ask,
		   struct casg_buf *host, struct casg_buf *path)
{
	const char *at = strstr(s3->endpoint, "://") + 3;

	if (s3->virtual_host)
		casg_buf_addf(host, "%s.", s3->bucket);
	casg_buf_addstr(host, at);
	casg_buf_addch(path, '/');
	if (!s3->virtual_host) {
		casg_awssig_encode_path(path, s3->bucket);
		casg_buf_addch(path, '/');
	}
	if (ask->act != CASG_CLOUD_LIST) {
		casg_awssig_encode_path(path, s3->prefix);
		casg_awssig_encode_path(path, ask->r->name);
	}
	casg_buf_cstr(host);
	casg_buf_cstr(path);
}

static int build(void *ctx, const struct casg_cloud_ask *ask, struct casg_cloud_call *c,
		 struct casg_err *err)
{
	struct store *st = ctx;
	const struct casg_s3 *s3 = st->s3;
	struct parts p = { .nquery = 0 };
	struct casg_buf host = CASG_BUF_INIT, path = CASG_BUF_INIT, query = CASG_BUF_INIT;
	int rc = describe(st, ask, c, &p, err);

	locate(s3, ask, &host, &path);
	if (s3->requester_pays)
		casg_cloud_header(c, "x-amz-request-payer: requester");
	if (!rc && (p.prefix.failed || p.number.failed || host.failed || path.failed))
		rc = casg_err_nomem(err);
	if (!rc)
		rc = sign(st, ask, &p, (char *)host.data, (char *)path.data, c, err);
	if (!rc)
		rc = casg_awssig_query(&query, p.query, p.nquery, err);
	casg_buf_addf(&c->url, "%.*s://%s%s%s%s", (int)strcspn(s3->endpoint, ":"), s3->endpoint,
		      casg_buf_cstr(&host), casg_buf_cstr(&path), query.len ? "?" : "",
		      casg_buf_cstr(&query));
	casg_buf_release(&p.prefix);
	casg_buf_release(&p.number);
	casg_buf_release(&host);
	casg_buf_release(&path);
	casg_buf_release(&query);
	return rc;
}

/* ---- XML ---- */

int casg_s3_text(const void *xml, size_t n, const char *root, const char *name,
		 struct casg_buf *out)
{
	struct casg_xml x;
	struct casg_err err = CASG_ERR_INIT;
	int rc, found = 0;

	casg_xml_init(&x, xml, n);
	/* to its end, as half a document says nothing */
	while ((rc = casg_xml_next(&x, &err)) > 0) {
		if (x.depth == 1 && strcmp(x.name, root))
			break;
		if (rc == CASG_XML_CLOSE && !found && casg_xml_is(&x, 2, name)) {
			casg_buf_add(out, x.text.data, x.text.len);
			found = 1;
		}
	}
	casg_xml_release(&x);
	if (rc != CASG_XML_EOF) {
		casg_buf_reset(out);
		return 0;
	}
	casg_buf_cstr(out);
	return found;
}

static int read_number(const struct casg_buf *text, uint64_t *out)
{
	const char *s = (const char *)text->data;
	size_t n = text->len ? strspn(s, "0123456789") : 0;

	if (!n || n > 19 || n != text->len)
		return -1;
	*out = strtoull(s, NULL, 10);
	return 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* As in the query of a URL. */
static void decode(const struct casg_buf *text, struct casg_buf *out)
{
	const char *s = (const char *)text->data;

	for (size_t i = 0; i < text->len; i++) {
		int high = s[i] == '%' ? hex_digit(s[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(s[i + 2]) : -1;

		if (low >= 0) {
			casg_buf_addch(out, high << 4 | low);
			i += 2;
		} else {
			casg_buf_addch(out, s[i] == '+' ? ' ' : s[i]);
		}
	}
}

/* A document that is read, and what is known of its current entry. */
struct page {
	struct casg_xml x;
	struct casg_buf key, name;
	int has_key, has_size, truncated, seen_token;
	uint64_t size;
};

static int end_entry(struct page *g, struct casg_cloud_list *l, struct casg_err *err)
{
	if (!g->has_key || !g->has_size)
		return casg_err_set(err, CASG_ECORRUPT, "an object in the list makes no sense");
	casg_buf_reset(&g->name);
	decode(&g->key, &g->name);
	if (g->name.failed)
		return casg_err_nomem(err);
	if (g->name.len)
		casg_cloud_entry(l, (char *)g->name.data, g->name.len, g->size);
	g->has_key = g->has_size = 0;
	return 0;
}

static int take_element(struct page *g, struct casg_cloud_list *l, struct casg_buf *token_out,
			struct casg_err *err)
{
	struct casg_xml *x = &g->x;

	if (x->depth == 3 && !strcmp(x->names[1], "Contents")) {
		if (!strcmp(x->name, "Key")) {
			g->has_key = 1;
			casg_buf_reset(&g->key);
			casg_buf_add(&g->key, x->text.data, x->text.len);
			casg_buf_cstr(&g->key);
			return casg_buf_check(&g->key, err);
		}
		if (!strcmp(x->name, "Size")) {
			g->has_size = 1;
			if (read_number(&x->text, &g->size))
				return casg_err_set(err, CASG_ECORRUPT, "a size in the list makes no sense");
		}
	} else if (casg_xml_is(x, 2, "Contents")) {
		return end_entry(g, l, err);
	} else if (casg_xml_is(x, 2, "IsTruncated")) {
		g->truncated = !strcmp(casg_buf_cstr(&x->text), "true");
	} else if (casg_xml_is(x, 2, "NextContinuationToken")) {
		casg_buf_reset(token_out);
		casg_buf_add(token_out, x->text.data, x->text.len);
	}
	return 0;
}

int casg_s3_list(const void *xml, size_t n, struct casg_cloud_list *l,
		 struct casg_buf *token_out, struct casg_err *err)
{
	struct page g = { .truncated = 0 };
	int rc;

	casg_xml_init(&g.x, xml, n);
	while ((rc = casg_xml_next(&g.x, err)) > 0) {
		int bad = 0;

		if (g.x.depth == 1 && strcmp(g.x.name, "ListBucketResult"))
			bad = casg_err_set(err, CASG_ECORRUPT, "what came is no list of objects");
		else if (rc == CASG_XML_CLOSE)
			bad = take_element(&g, l, token_out, err);
		if (bad) {
			rc = bad;
			break;
		}
	}
	if (!rc && g.truncated && !token_out->len)
		rc = casg_err_set(err, CASG_ECORRUPT, "the list goes on, but nothing says where");
	if (!rc && !g.truncated)
		casg_buf_reset(token_out);
	casg_buf_cstr(token_out);
	casg_xml_release(&g.x);
	casg_buf_release(&g.key);
	casg_buf_release(&g.name);
	return rc ? rc : casg_buf_check(token_out, err);
}

static int list(void *ctx, struct casg_buf *answer, struct casg_cloud_list *l,
		struct casg_buf *marker_out, struct casg_err *err)
{
	(void)ctx;
	return casg_s3_list(answer->data, answer->len, l, marker_out, err);
}

/* ---- answers ---- */

enum meaning { DENIED, EXPIRED, SKEWED, RETRY, ARCHIVED, BUCKET, REGION, EXISTS, UNDER_WAY,
	       BEHIND };

static const struct {
	const char *code;
	enum meaning meaning;
} codes[] = {
	{ "AccessDenied", DENIED }, { "InvalidAccessKeyId", DENIED }, { "SignatureDoesNotMatch", DENIED },
	{ "InvalidToken", DENIED }, { "ExpiredToken", EXPIRED }, { "TokenRefreshRequired", EXPIRED },
	{ "RequestExpired", EXPIRED }, { "RequestTimeTooSkewed", SKEWED },
	{ "SlowDown", RETRY }, { "ServiceUnavailable", RETRY }, { "InternalError", RETRY },
	{ "RequestTimeout", RETRY }, { "OperationAborted", RETRY }, { "NoSuchUpload", RETRY },
	{ "ConditionalRequestConflict", RETRY }, { "BadDigest", RETRY },
	{ "XAmzContentSHA256Mismatch", RETRY }, { "InvalidObjectState", ARCHIVED },
	{ "NoSuchBucket", BUCKET }, { "PermanentRedirect", REGION }, { "TemporaryRedirect", REGION },
	{ "AuthorizationHeaderMalformed", REGION }, { "IllegalLocationConstraintException", REGION },
	{ "PreconditionFailed", EXISTS }, { "RestoreAlreadyInProgress", UNDER_WAY },
	{ "InvalidRange", BEHIND },
};

/* The code of an error, of nothing but letters and digits: 1, or 0. */
static int read_code(const struct casg_buf *xml, const char *root, char *out, size_t n)
{
	struct casg_buf text = CASG_BUF_INIT;
	const char *s;
	int found = xml && xml->len && casg_s3_text(xml->data, xml->len, root, "Code", &text);

	s = casg_buf_cstr(&text);
	found = found && text.len && text.len < n && strlen(s) == text.len &&
		!s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.")];
	if (found)
		strcpy(out, s);
	casg_buf_release(&text);
	return found;
}

/* How many seconds the server's clock is before ours; 0 when it does not tell. */
static int64_t clock_lead(const struct casg_s3 *s3, const struct casg_http_result *r)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char text[64], month[4], iso[CASG_TIME_SIZE + 12];
	unsigned day, year, h, m, s;
	const char *at;
	int64_t t;

	if (!casg_http_header(r, "date", text, sizeof(text)) ||
	    sscanf(text, "%*3s, %2u %3s %4u %2u:%2u:%2u GMT", &day, month, &year, &h, &m, &s) != 6 ||
	    !(at = strstr(months, month)) || (at - months) % 3)
		return 0;
	snprintf(iso, sizeof(iso), "%04u-%02u-%02uT%02u:%02u:%02uZ", year,
		 (unsigned)(at - months) / 3 + 1, day, h, m, s);
	if (casg_time_parse(iso, strlen(iso), &t))
		return 0;
	return t - (int64_t)time(NULL) - s3->clock_offset;
}

static void fail_skewed(const struct casg_s3 *s3, const struct casg_http_result *r, const char *code,
			struct casg_cloud_seen *seen)
{
	long long lead = (long long)clock_lead(s3, r);

	casg_cloud_fail(seen, CASG_REMOTE_DENIED,
			"the clock of this machine is %lld seconds %s that of the server (HTTP status %ld, %s)",
			lead < 0 ? -lead : lead, lead < 0 ? "before" : "behind", r->status, code);
}

static void fail_region(const struct store *st, const struct casg_http_result *r, const char *code,
			struct casg_cloud_seen *seen)
{
	struct casg_buf text = CASG_BUF_INIT;
	char region[64] = "";

	if (!casg_http_header(r, "x-amz-bucket-region", region, sizeof(region)) && r->body &&
	    casg_s3_text(r->body->data, r->body->len, "Error", "Region", &text))
		snprintf(region, sizeof(region), "%s", casg_buf_cstr(&text));
	casg_cloud_fail(seen, CASG_REMOTE_REFUSED, *region ?
			"the bucket '%s' is in another region than %s: %s (HTTP status %ld, %s)" :
			"the bucket '%s' is not in the region %s%s (HTTP status %ld, %s)",
			st->s3->bucket, st->s3->region, region, r->status, code);
	casg_buf_release(&text);
}

/* What the code of an error means. */
static void judge_code(const struct store *st, const struct casg_cloud_ask *ask,
		       const struct casg_http_result *r, const char *code,
		       struct casg_cloud_seen *seen)
{
	size_t i = 0, n = sizeof(codes) / sizeof(*codes);

	while (i < n && strcmp(codes[i].code, code))
		i++;
	if (i == n) {
		if (seen->verdict == CASG_CLOUD_FAILED || seen->verdict == CASG_CLOUD_OK)
			casg_cloud_fail(seen, seen->verdict == CASG_CLOUD_OK ? CASG_REMOTE_WRONG :
					seen->class, "HTTP status %ld (%s)", r->status, code);
		return;
	}
	switch (codes[i].meaning) {
	case DENIED:
		casg_cloud_fail(seen, CASG_REMOTE_DENIED, "HTTP status %ld (%s)", r->status, code);
		break;
	case EXPIRED:
		casg_cloud_fail(seen, CASG_REMOTE_DENIED,
				"the session token has expired (HTTP status %ld, %s)", r->status, code);
		break;
	case SKEWED:
		fail_skewed(st->s3, r, code, seen);
		break;
	case RETRY:
		casg_cloud_fail(seen, CASG_REMOTE_RETRY, "HTTP status %ld (%s)", r->status, code);
		break;
	case ARCHIVED:
		casg_cloud_fail(seen, CASG_REMOTE_ARCHIVED, "it is archived (%s)", code);
		break;
	case BUCKET:
		casg_cloud_fail(seen, CASG_REMOTE_REFUSED, "there is no bucket '%s'", st->s3->bucket);
		break;
	case REGION:
		fail_region(st, r, code, seen);
		break;
	case EXISTS:
		if (ask->r->op == CASG_REMOTE_PUT_NEW && is_put(ask))
			seen->verdict = CASG_CLOUD_EXISTS;
		break;
	case BEHIND:
		/* how long it is does not come with it */
		if (ask->act == CASG_CLOUD_GET && ask->r->has_range && seen->verdict != CASG_CLOUD_NOTHING) {
			seen->verdict = CASG_CLOUD_NOTHING;
			seen->has_nbytes = 0;
		}
		break;
	case UNDER_WAY:
		if (ask->act == CASG_CLOUD_RESTORE)
			seen->verdict = CASG_CLOUD_OK;
		break;
	}
}

/* An error whose body says nothing: that of HEAD never does. */
static void judge_silence(const struct store *st, const struct casg_cloud_ask *ask,
			  const struct casg_http_result *r, struct casg_cloud_seen *seen)
{
	int64_t lead = clock_lead(st->s3, r);

	if (r->status == 403 && st->s3->key_id && (lead > SKEW || lead < -SKEW))
		fail_skewed(st->s3, r, "forbidden", seen);
	else if (r->status == 400 && ask->act != CASG_CLOUD_PUT && st->s3->token)
		casg_cloud_fail(seen, CASG_REMOTE_DENIED,
				"HTTP status 400 (the session token may have expired)");
	else if (r->status == 301 || r->status == 307)
		fail_region(st, r, "redirect", seen);
	else if (r->status == 409 && ask->r->op == CASG_REMOTE_PUT_NEW && is_put(ask) &&
		 ask->act != CASG_CLOUD_PART)
		seen->verdict = CASG_CLOUD_EXISTS;
}

/* Some quote an ETag here, but not there. */
static int is_same_etag(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	const char *x = !strncmp(a, "%22", 3) && na >= 6 ? (na -= 6, a + 3) : a;
	const char *y = !strncmp(b, "%22", 3) && nb >= 6 ? (nb -= 6, b + 3) : b;

	return na == nb && !memcmp(x, y, na);
}

/* Is what was put kept as it has to be? */
static void judge_check(const struct store *st, const struct casg_cloud_ask *ask,
			const struct casg_http_result *r, struct casg_cloud_seen *seen)
{
	const struct casg_s3 *s3 = st->s3;
	char mode[32] = "", until[64] = "", wanted[CASG_TIME_SIZE];

	if (seen->verdict != CASG_CLOUD_OK)
		return;
	if (*ask->validator && !is_same_etag(ask->validator, seen->validator)) {
		/* somebody else stored it at the same time */
		if (ask->r->op == CASG_REMOTE_PUT_NEW)
			seen->verdict = CASG_CLOUD_EXISTS;
		return;
	}
	if (seen->has_nbytes && seen->nbytes != ask->r->nbytes) {
		casg_cloud_fail(seen, CASG_REMOTE_RETRY, "what was stored has another size");
		return;
	}
	if (!is_locked(s3, ask->r))
		return;
	keep_until(s3, ask->since, wanted);
	casg_http_header(r, "x-amz-object-lock-mode", mode, sizeof(mode));
	casg_http_header(r, "x-amz-object-lock-retain-until-date", until, sizeof(until));
	/* texts sort as times do; what is behind the second is not asked for */
	if (strcmp(mode, s3->retention_mode) || strlen(until) < 19 || strncmp(until, wanted, 19) < 0)
		casg_cloud_fail(seen, CASG_REMOTE_REFUSED, "the server has stored it without the object lock "
				"that was asked for (%s until %s)", s3->retention_mode, wanted);
}

static void judge_look(const struct casg_http_result *r, struct casg_cloud_seen *seen)
{
	char value[200];

	if (seen->verdict != CASG_CLOUD_OK)
		return;
	/* a copy is there, or on its way */
	if (casg_http_header(r, "x-amz-restore", value, sizeof(value)) ||
	    !casg_http_header(r, "x-amz-storage-class", value, sizeof(value)) ||
	    (strcmp(value, "GLACIER") && strcmp(value, "DEEP_ARCHIVE")))
		seen->verdict = CASG_CLOUD_NOTHING;
}

/* What the answers to the parts of an upload have to hold. */
static void judge_part(const struct casg_cloud_ask *ask, const struct casg_http_result *r,
		       const struct casg_buf *answer, struct casg_cloud_seen *seen)
{
	char etag[200];
	int good = 1;

	if (ask->act == CASG_CLOUD_BEGIN) {
		good = answer && casg_s3_text(answer->data, answer->len, "InitiateMultipartUploadResult",
					      "UploadId", &seen->session) && seen->session.len;
	} else if (ask->act == CASG_CLOUD_PART) {
		good = casg_http_header(r, "etag", etag, sizeof(etag)) && *etag &&
		       !etag[strspn(etag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\"-_.=+/")];
		if (good)
			casg_buf_addstr(&seen->session, etag);
	} else if (ask->act == CASG_CLOUD_END) {
		struct casg_buf text = CASG_BUF_INIT;

		good = answer && casg_s3_text(answer->data, answer->len, "CompleteMultipartUploadResult",
					      "ETag", &text);
		if (good)
			casg_cloud_validator(seen, casg_buf_cstr(&text));
		casg_buf_release(&text);
	}
	if (!good)
		casg_cloud_fail(seen, CASG_REMOTE_WRONG, "the answer to an upload makes no sense");
}

static void judge(void *ctx, const struct casg_cloud_ask *ask, const struct casg_http_result *r,
		  struct casg_buf *answer, struct casg_cloud_seen *seen)
{
	struct store *st = ctx;
	char code[64];

	if (r->failed)
		return;
	if (r->status < 300) {
		/* S3 says 200 before it knows how a long work ends */
		if (answer && read_code(answer, "Error", code, sizeof(code)))
			judge_code(st, ask, r, code, seen);
		else if (ask->act == CASG_CLOUD_CHECK)
			judge_check(st, ask, r, seen);
		else if (ask->act == CASG_CLOUD_LOOK)
			judge_look(r, seen);
		else if (seen->verdict == CASG_CLOUD_OK)
			judge_part(ask, r, answer, seen);
		return;
	}
	if (r->status == 501 && ask->r->op == CASG_REMOTE_PUT_NEW && !st->unconditional &&
	    (ask->act == CASG_CLOUD_PUT || ask->act == CASG_CLOUD_END)) {
		/* it was looked for before, and will be afterwards */
		st->unconditional = 1;
		seen->verdict = CASG_CLOUD_AGAIN;
	} else if (read_code(r->body, "Error", code, sizeof(code))) {
		judge_code(st, ask, r, code, seen);
	} else {
		judge_silence(st, ask, r, seen);
	}
}

static int checks(void *ctx, const struct casg_remote_request *r)
{
	const struct store *st = ctx;

	return is_locked(st->s3, r) || (st->unconditional && r->op == CASG_REMOTE_PUT_NEW);
}

int casg_s3_serve(struct casg_serve *s, const struct casg_s3 *s3,
		  const struct casg_cloud_opts *o, struct casg_err *err)
{
	struct store st = { .s3 = s3, .hasher = casg_hasher_new() };
	struct casg_cloud_store store = {
		.cans = CASG_CAN_HAVE | CASG_CAN_GET | CASG_CAN_RANGE | CASG_CAN_IF | CASG_CAN_PUT |
			CASG_CAN_PUT_NEW | CASG_CAN_LIST | CASG_CAN_DELETE | CASG_CAN_RESTORE,
		.begins = 1, .ends = 1, .aborts = 1, .asks_first = 1, .looks_first = 1,
		.max_parts = MAX_PARTS, .prefix = s3->prefix, .ctx = &st,
		.build = build, .judge = judge, .checks = checks, .list = list,
	};
	int rc;

	if (!st.hasher)
		return casg_err_nomem(err);
	rc = casg_cloud_serve(s, &store, o, err);
	casg_hasher_free(st.hasher);
	return rc;
}
