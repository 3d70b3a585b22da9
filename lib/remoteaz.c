#include "remoteaz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base64.h"
#include "digests.h"
#include "hex.h"
#include "hmac.h"

#define QUERY_MAX 12 /* names and values, and NULL */
#define MAX_BLOCKS 50000

/* ---- signing ---- */

/* The value of a header among lines, or "". */
static const char *find_header(const struct casg_buf *headers, const char *name)
{
	size_t n = strlen(name);

	for (size_t at = 0; at < headers->len;) {
		const char *line = (const char *)headers->data + at;

		if (!strncasecmp(line, name, n) && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, " ");
		at += strlen(line) + 1;
	}
	return "";
}

int casg_az_sign(const struct casg_az *az, const char *method, const char *path,
		 const char *const *query, const struct casg_buf *headers, uint64_t nbody,
		 struct casg_buf *out, struct casg_err *err)
{
	static const char *const lines[] = { "Content-MD5", "Content-Type", "Date",
					     "If-Modified-Since", "If-Match", "If-None-Match",
					     "If-Unmodified-Since", "Range" };
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_hasher *h = casg_hasher_new();
	struct casg_oid mac;
	int rc;

	if (!h)
		return casg_err_nomem(err);
	/* method, Content-Encoding, Content-Language, Content-Length */
	casg_buf_addf(&text, "%s\n\n\n", method);
	if (nbody)
		casg_buf_add_u64(&text, nbody);
	casg_buf_addch(&text, '\n');
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		casg_buf_addf(&text, "%s\n", find_header(headers, lines[i]));
	for (size_t at = 0; at < headers->len;) {
		const char *line = (const char *)headers->data + at;
		size_t n = strcspn(line, ":");

		if (!strncmp(line, "x-ms-", 5))
			casg_buf_addf(&text, "%.*s:%s\n", (int)n, line,
				      line + n + 1 + strspn(line + n + 1, " "));
		at += strlen(line) + 1;
	}
	casg_buf_addf(&text, "/%s%s", az->account, path);
	for (; *query; query += 2)
		casg_buf_addf(&text, "\n%s:%s", query[0], query[1]);
	rc = casg_buf_check(&text, err);
	if (!rc) {
		casg_hmac(h, az->key, az->nkey, text.data, text.len, &mac);
		casg_buf_addf(out, "SharedKey %s:", az->account);
		casg_base64_add(out, mac.b, sizeof(mac.b));
	}
	casg_buf_release(&text);
	casg_hasher_free(h);
	return rc;
}

/* ---- requests ---- */

/* A date as HTTP has it (RFC 9110, 5.6.7), whatever the locale. */
static void add_date(struct casg_cloud_call *c)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = time(NULL);
	struct tm t;

	gmtime_r(&now, &t);
	casg_cloud_header(c, "x-ms-date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT", days + 3 * t.tm_wday,
			  t.tm_mday, months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min,
			  t.tm_sec);
}

static int add_md5(struct casg_cloud_call *c, const char *name, const void *p, size_t n,
		   struct casg_err *err)
{
	struct casg_filesum *f = casg_filesum_new(CASG_FILESUM_MD5, err);
	char hex[CASG_FILESUM_TEXTSZ];
	struct casg_buf text = CASG_BUF_INIT;
	uint8_t raw[16];

	if (!f)
		return CASG_ENOMEM;
	casg_filesum_update(f, p, n);
	casg_filesum_final(f, hex);
	casg_filesum_free(f);
	casg_hex_decode(raw, hex, sizeof(raw));
	casg_base64_add(&text, raw, sizeof(raw));
	casg_cloud_header(c, "%s: %s", name, casg_buf_cstr(&text));
	casg_buf_release(&text);
	return 0;
}

/* All ids of a blob have the same length. */
static void block_id(struct casg_buf *out, unsigned i)
{
	char text[16];

	snprintf(text, sizeof(text), "casg%08u", i);
	casg_base64_add(out, text, strlen(text));
}

static void block_list(struct casg_cloud_call *c, unsigned n)
{
	c->own_body = 1;
	casg_buf_addstr(&c->body, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
	for (unsigned i = 0; i < n; i++) {
		casg_buf_addstr(&c->body, "<Latest>");
		block_id(&c->body, i);
		casg_buf_addstr(&c->body, "</Latest>");
	}
	casg_buf_addstr(&c->body, "</BlockList>");
}

static void add_query(const char **query, const char *name, const char *value)
{
	while (*query)
		query += 2;
	query[0] = name;
	query[1] = value;
	query[2] = NULL;
}

/* Scratch of a request. */
struct parts {
	const char *query[QUERY_MAX];
	struct casg_buf value, number;
};

/* The order of the headers that begin with x-ms- is that of their names. */
static int describe_put(const struct casg_cloud_ask *ask, struct casg_cloud_call *c,
			struct parts *p, struct casg_err *err)
{
	int rc = 0;

	c->method = "PUT";
	if (ask->act == CASG_CLOUD_PUT)
		casg_cloud_header(c, "x-ms-blob-type: BlockBlob");
	add_date(c);
	casg_cloud_header(c, "x-ms-version: " CASG_AZ_VERSION);
	if (ask->act == CASG_CLOUD_PART) {
		block_id(&p->value, ask->part);
		add_query(p->query, "blockid", casg_buf_cstr(&p->value));
		add_query(p->query, "comp", "block");
	} else if (ask->act == CASG_CLOUD_END) {
		block_list(c, ask->part);
		add_query(p->query, "comp", "blocklist");
	}
	if (c->own_body)
		rc = add_md5(c, "Content-MD5", c->body.data, c->body.len, err);
	else
		rc = add_md5(c, "Content-MD5", ask->body, ask->nbody, err);
	casg_cloud_header(c, "Content-Type: application/octet-stream");
	if (ask->act != CASG_CLOUD_PART && ask->r->op == CASG_REMOTE_PUT_NEW)
		casg_cloud_header(c, "If-None-Match: *");
	return rc;
}

static int describe(const struct casg_az *az, const struct casg_cloud_ask *ask,
		    struct casg_cloud_call *c, struct parts *p, struct casg_err *err)
{
	int rc = 0;

	switch (ask->act) {
	case CASG_CLOUD_HAVE:
	case CASG_CLOUD_LOOK:
		c->method = "HEAD";
		break;
	case CASG_CLOUD_GET:
		rc = casg_cloud_get(c, ask->r, err);
		break;
	case CASG_CLOUD_DELETE:
		c->method = "DELETE";
		break;
	case CASG_CLOUD_LIST:
		add_query(p->query, "comp", "list");
		if (*ask->marker)
			add_query(p->query, "marker", ask->marker);
		if (az->page_size) {
			casg_buf_add_u64(&p->number, az->page_size);
			add_query(p->query, "maxresults", casg_buf_cstr(&p->number));
		}
		casg_buf_addstr(&p->value, az->prefix);
		if (strcmp(ask->r->name, "-"))
			casg_buf_addstr(&p->value, ask->r->name);
		if (p->value.len)
			add_query(p->query, "prefix", casg_buf_cstr(&p->value));
		add_query(p->query, "restype", "container");
		break;
	case CASG_CLOUD_RESTORE:
		c->method = "PUT";
		casg_cloud_header(c, "x-ms-access-tier: Hot");
		add_query(p->query, "comp", "tier");
		break;
	default:
		return describe_put(ask, c, p, err);
	}
	add_date(c);
	if (ask->act == CASG_CLOUD_RESTORE)
		casg_cloud_header(c, "x-ms-rehydrate-priority: Standard");
	casg_cloud_header(c, "x-ms-version: " CASG_AZ_VERSION);
	return rc;
}

static int authorize(const struct casg_az *az, const struct parts *p, uint64_t nbody,
		     struct casg_cloud_call *c, struct casg_err *err)
{
	struct casg_buf value = CASG_BUF_INIT;
	const char *path = strstr(casg_buf_cstr(&c->url), "://");
	int rc = 0;

	path = path ? strchr(path + 3, '/') : NULL;
	if (!path)
		return casg_err_set(err, CASG_EBUG, "a URL without a path");
	if (az->key)
		rc = casg_az_sign(az, c->method, path, p->query, &c->headers, nbody, &value, err);
	else if (az->bearer)
		casg_buf_addf(&value, "Bearer %s", az->bearer);
	if (!rc && value.len)
		casg_cloud_header(c, "Authorization: %s", casg_buf_cstr(&value));
	casg_buf_release(&value);
	return rc;
}

static void end_url(const struct casg_az *az, const struct parts *p, struct casg_cloud_call *c)
{
	char sign = '?';

	for (const char *const *q = p->query; *q; q += 2, sign = '&') {
		casg_buf_addf(&c->url, "%c%s=", sign, q[0]);
		casg_remote_quote(&c->url, q[1], strlen(q[1]));
	}
	if (az->sas)
		casg_buf_addf(&c->url, "%c%s", sign, az->sas);
}

static int build(void *ctx, const struct casg_cloud_ask *ask, struct casg_cloud_call *c,
		 struct casg_err *err)
{
	const struct casg_az *az = ctx;
	struct parts p = { { NULL }, CASG_BUF_INIT, CASG_BUF_INIT };
	int rc = describe(az, ask, c, &p, err);

	casg_buf_addf(&c->url, "%s/%s", az->endpoint, az->container);
	if (ask->act != CASG_CLOUD_LIST)
		casg_buf_addf(&c->url, "/%s%s", az->prefix, ask->r->name);
	if (!rc && (p.value.failed || p.number.failed))
		rc = casg_err_nomem(err);
	if (!rc)
		rc = authorize(az, &p, c->own_body ? c->body.len : ask->nbody, c, err);
	end_url(az, &p, c);
	casg_buf_release(&p.value);
	casg_buf_release(&p.number);
	return rc;
}

/* ---- answers ---- */

static int is_one_of(const char *code, const char *const *codes)
{
	for (; *codes; codes++)
		if (!strcmp(code, *codes))
			return 1;
	return 0;
}

static void judge(void *ctx, const struct casg_cloud_ask *ask, const struct casg_http_result *r,
		  struct casg_buf *answer, struct casg_cloud_seen *seen)
{
	static const char *const exist[] = { "BlobAlreadyExists", "ConditionNotMet",
					     "UnauthorizedBlobOverwrite", NULL };
	static const char *const archived[] = { "BlobArchived", "BlobBeingRehydrated", NULL };
	const struct casg_az *az = ctx;
	char code[80], value[80];

	(void)answer;
	if (r->failed)
		return;
	if (ask->act == CASG_CLOUD_LOOK && seen->verdict == CASG_CLOUD_OK &&
	    (!casg_http_header(r, "x-ms-access-tier", value, sizeof(value)) ||
	     strcasecmp(value, "Archive") ||
	     casg_http_header(r, "x-ms-archive-status", value, sizeof(value))))
		seen->verdict = CASG_CLOUD_NOTHING; /* it can be read, or is on its way */
	if (r->status < 400 || !casg_http_header(r, "x-ms-error-code", code, sizeof(code)))
		return;
	if (is_one_of(code, archived))
		casg_cloud_fail(seen, CASG_REMOTE_ARCHIVED, "it is archived (%s)", code);
	else if (ask->r->op == CASG_REMOTE_PUT_NEW && ask->act != CASG_CLOUD_PART &&
		 is_one_of(code, exist))
		seen->verdict = CASG_CLOUD_EXISTS;
	else if (!strcmp(code, "ContainerNotFound"))
		casg_cloud_fail(seen, CASG_REMOTE_REFUSED, "there is no container '%s'", az->container);
	else if (!strcmp(code, "InvalidAuthenticationInfo"))
		casg_cloud_fail(seen, CASG_REMOTE_DENIED, "HTTP status %ld (%s)", r->status, code);
	else if (seen->verdict == CASG_CLOUD_EXISTS || seen->verdict == CASG_CLOUD_FAILED)
		casg_cloud_fail(seen, seen->verdict == CASG_CLOUD_FAILED ? seen->class :
				CASG_REMOTE_REFUSED, "HTTP status %ld (%s)", r->status, code);
}

/* The text between <tag> and </tag> in [p, end): 1, or 0. */
static int element(const char *p, const char *end, const char *tag, const char **text_out,
		   size_t *n_out)
{
	char open[40], close[40];
	const char *from, *to;
	int n = snprintf(open, sizeof(open), "<%s>", tag), m;

	m = snprintf(close, sizeof(close), "</%s>", tag);
	from = memmem(p, (size_t)(end - p), open, (size_t)n);
	to = from ? memmem(from + n, (size_t)(end - from - n), close, (size_t)m) : NULL;
	if (!to)
		return 0;
	*text_out = from + n;
	*n_out = (size_t)(to - from - n);
	return 1;
}

static void unescape(struct casg_buf *out, const char *p, size_t n)
{
	static const char *const names[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&apos;" };

	for (size_t i = 0; i < n; i++) {
		size_t k = 0, len = 0;

		while (k < 5 && (len = strlen(names[k]), n - i < len || memcmp(p + i, names[k], len)))
			k++;
		casg_buf_addch(out, k < 5 ? "&<>\"'"[k] : p[i]);
		i += k < 5 ? len - 1 : 0;
	}
}

/*
 * Names with an entity, or marked as encoded, are none of casg's: they need
 * not be understood to be left out.
 */
static int list(void *ctx, struct casg_buf *answer, struct casg_cloud_list *l,
		struct casg_buf *marker_out, struct casg_err *err)
{
	const char *p = casg_buf_cstr(answer), *end = p + answer->len, *text;
	size_t n;

	(void)ctx;
	if (!memmem(p, answer->len, "<EnumerationResults", 19) ||
	    !memmem(p, answer->len, "</EnumerationResults>", 21))
		return casg_err_set(err, CASG_ECORRUPT, "what came is no list of blobs");
	for (const char *b, *e; (b = memmem(p, (size_t)(end - p), "<Blob>", 6)); p = e) {
		const char *size;
		size_t nsize;
		char digits[24];

		e = memmem(b, (size_t)(end - b), "</Blob>", 7);
		if (!e || !element(b, e, "Content-Length", &size, &nsize) || !nsize || nsize > 19 ||
		    strspn(size, "0123456789") < nsize)
			return casg_err_set(err, CASG_ECORRUPT, "a blob in the list makes no sense");
		snprintf(digits, sizeof(digits), "%.*s", (int)nsize, size);
		if (element(b, e, "Name", &text, &n))
			casg_cloud_entry(l, text, n, strtoull(digits, NULL, 10));
	}
	if (element(p, end, "NextMarker", &text, &n))
		unescape(marker_out, text, n);
	return casg_buf_check(marker_out, err);
}

int casg_az_serve(struct casg_serve *s, const struct casg_az *az,
		  const struct casg_cloud_opts *o, struct casg_err *err)
{
	struct casg_az copy = *az;
	struct casg_cloud_store store = {
		.cans = CASG_CAN_HAVE | CASG_CAN_GET | CASG_CAN_RANGE | CASG_CAN_IF | CASG_CAN_PUT |
			CASG_CAN_PUT_NEW | CASG_CAN_LIST | CASG_CAN_DELETE | CASG_CAN_RESTORE,
		.ends = 1, .max_parts = MAX_BLOCKS, .prefix = az->prefix, .ctx = &copy,
		.build = build, .judge = judge, .list = list,
	};

	return casg_cloud_serve(s, &store, o, err);
}
