#include "remotegs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "awssig.h"
#include "base64.h"
#include "json.h"
#include "oid.h"
#include "xmlscan.h"

#define UNIT (256u << 10) /* parts of a resumable upload are multiples of it */
#define FIELDS "fields=name%2Csize%2Cgeneration%2Ccrc32c"
#define GENERATION_MAX 24

/* ---- what both interfaces have ---- */

static void add_crc(struct casg_buf *out, uint32_t crc)
{
	const uint8_t b[] = { (uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
			      (uint8_t)crc };

	casg_base64_add(out, b, sizeof(b));
}

/* A part goes to the address of its upload, which is its own credential. */
static void build_part(const struct casg_cloud_ask *ask, struct casg_cloud_call *c)
{
	c->method = "PUT";
	casg_buf_addstr(&c->url, ask->session);
	casg_cloud_header(c, "Content-Range: bytes %llu-%llu/%llu", (unsigned long long)ask->at,
			  (unsigned long long)(ask->at + ask->nbody - 1),
			  (unsigned long long)ask->r->nbytes);
}

static int is_number(const char *s)
{
	size_t n = strlen(s);

	return n && n < GENERATION_MAX - 1 && strspn(s, "0123456789") == n;
}

/* Where the parts are to go: to the service, and nowhere else. */
static void judge_session(const struct casg_gs *gs, const struct casg_http_result *r,
			  struct casg_cloud_seen *seen)
{
	static const char own[] = ".googleapis.com/";
	char url[2048];
	size_t n = strlen(gs->endpoint), host;
	int good;

	if (!casg_http_header(r, "location", url, sizeof(url)) || strlen(url) > sizeof(url) - 2) {
		casg_cloud_fail(seen, CASG_REMOTE_WRONG, "the upload has no address");
		return;
	}
	good = !strncmp(url, gs->endpoint, n) && url[n] == '/';
	host = strcspn(url + (strncmp(url, "https://", 8) ? 0 : 8), "/");
	if (!good && !strncmp(url, "https://", 8) && host + 1 > sizeof(own) - 1 &&
	    !memcmp(url + 8 + host + 1 - (sizeof(own) - 1), own, sizeof(own) - 1))
		good = !strpbrk(url, "@ \\");
	if (!good)
		casg_cloud_fail(seen, CASG_REMOTE_WRONG, "the upload leads to another host");
	else
		casg_buf_addstr(&seen->session, url);
}

/* Is all of a part stored?  "Range: bytes=0-LAST" */
static void judge_part(const struct casg_cloud_ask *ask, const struct casg_http_result *r,
		       struct casg_cloud_seen *seen)
{
	char value[64];
	unsigned long long last;

	if (casg_http_header(r, "range", value, sizeof(value)) &&
	    sscanf(value, "bytes=0-%llu", &last) == 1 && last + 1 == ask->at + ask->nbody)
		seen->verdict = CASG_CLOUD_OK;
	else
		casg_cloud_fail(seen, CASG_REMOTE_RETRY, "a part was not stored as a whole");
}

/* What is told of an object. */
struct object {
	char generation[GENERATION_MAX], size[GENERATION_MAX], crc[16];
};

static void judge_stored(const struct casg_cloud_ask *ask, const struct object *o,
			 struct casg_cloud_seen *seen)
{
	struct casg_buf want = CASG_BUF_INIT;

	add_crc(&want, ask->crc32c);
	if (!is_number(o->generation) || !*o->crc) {
		casg_cloud_fail(seen, CASG_REMOTE_WRONG, "the service does not tell what it stored");
	} else if (strcmp(o->crc, casg_buf_cstr(&want))) {
		casg_cloud_fail(seen, CASG_REMOTE_RETRY, "other bytes were stored than were sent");
		casg_buf_addstr(&seen->session, o->generation);
		seen->undo = 1;
	}
	casg_buf_release(&want);
}

/* ---- JSON ---- */

static void object_url(const struct casg_gs *gs, const char *name, struct casg_cloud_call *c)
{
	casg_buf_addf(&c->url, "%s/storage/v1/b/%s/o/", gs->endpoint, gs->bucket);
	if (*gs->prefix)
		casg_remote_quote(&c->url, gs->prefix, strlen(gs->prefix));
	casg_remote_quote(&c->url, name, strlen(name));
}

static void upload_url(const struct casg_gs *gs, const struct casg_cloud_ask *ask, const char *type,
		       struct casg_cloud_call *c)
{
	c->method = "POST";
	casg_buf_addf(&c->url, "%s/upload/storage/v1/b/%s/o?uploadType=%s&%s", gs->endpoint,
		      gs->bucket, type, FIELDS);
	if (ask->r->op == CASG_REMOTE_PUT_NEW)
		casg_buf_addstr(&c->url, "&ifGenerationMatch=0");
}

static void add_metadata(const struct casg_gs *gs, const struct casg_cloud_ask *ask,
			 struct casg_cloud_call *c)
{
	casg_buf_addf(&c->body, "{\"name\":\"%s%s\"", gs->prefix, ask->r->name);
	if (ask->act == CASG_CLOUD_PUT) {
		casg_buf_addstr(&c->body, ",\"crc32c\":\"");
		add_crc(&c->body, ask->crc32c);
		casg_buf_addch(&c->body, '"');
	}
	casg_buf_addch(&c->body, '}');
	c->own_body = 1;
}

static void list_url(const struct casg_gs *gs, const struct casg_cloud_ask *ask,
		     struct casg_cloud_call *c)
{
	const char *name = strcmp(ask->r->name, "-") ? ask->r->name : "";

	casg_buf_addf(&c->url, "%s/storage/v1/b/%s/o?fields=items%%28name%%2Csize%%29%%2CnextPageToken",
		      gs->endpoint, gs->bucket);
	if (gs->page_size)
		casg_buf_addf(&c->url, "&maxResults=%u", gs->page_size);
	if (*gs->prefix || *name) {
		casg_buf_addstr(&c->url, "&prefix=");
		if (*gs->prefix)
			casg_remote_quote(&c->url, gs->prefix, strlen(gs->prefix));
		if (*name)
			casg_remote_quote(&c->url, name, strlen(name));
	}
	if (*ask->marker) {
		casg_buf_addstr(&c->url, "&pageToken=");
		casg_remote_quote(&c->url, ask->marker, strlen(ask->marker));
	}
}

/* Two parts, between lines that hold the digest of the bytes: they hold it not. */
static void add_multipart(const struct casg_gs *gs, const struct casg_cloud_ask *ask,
			  struct casg_cloud_call *c)
{
	char hex[CASG_OID_HEXSZ + 1];

	casg_oid_hex(&ask->r->sha256, hex);
	casg_buf_addf(&c->body, "--casg%s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n", hex);
	add_metadata(gs, ask, c);
	casg_buf_addf(&c->body, "\r\n--casg%s\r\nContent-Type: application/octet-stream\r\n\r\n", hex);
	casg_buf_add(&c->body, ask->body, ask->nbody);
	casg_buf_addf(&c->body, "\r\n--casg%s--\r\n", hex);
	casg_cloud_header(c, "Content-Type: multipart/related; boundary=casg%s", hex);
}

static int build_json(void *ctx, const struct casg_cloud_ask *ask, struct casg_cloud_call *c,
		      struct casg_err *err)
{
	const struct casg_gs *gs = ctx;

	(void)err;
	switch (ask->act) {
	case CASG_CLOUD_HAVE:
		object_url(gs, ask->r->name, c);
		casg_buf_addstr(&c->url, "?" FIELDS);
		break;
	case CASG_CLOUD_GET:
		object_url(gs, ask->r->name, c);
		casg_buf_addstr(&c->url, "?alt=media");
		if (*ask->r->if_validator)
			casg_buf_addf(&c->url, "&ifGenerationNotMatch=%s", ask->r->if_validator);
		casg_cloud_range(c, ask->r);
		break;
	case CASG_CLOUD_DELETE:
	case CASG_CLOUD_UNDO:
		c->method = "DELETE";
		object_url(gs, ask->r->name, c);
		if (ask->act == CASG_CLOUD_UNDO)
			casg_buf_addf(&c->url, "?generation=%s", ask->session);
		break;
	case CASG_CLOUD_LIST:
		list_url(gs, ask, c);
		break;
	case CASG_CLOUD_PUT:
		upload_url(gs, ask, "multipart", c);
		add_multipart(gs, ask, c);
		break;
	case CASG_CLOUD_BEGIN:
		upload_url(gs, ask, "resumable", c);
		casg_cloud_header(c, "Content-Type: application/json; charset=UTF-8");
		casg_cloud_header(c, "X-Upload-Content-Type: application/octet-stream");
		casg_cloud_header(c, "X-Upload-Content-Length: %llu", (unsigned long long)ask->r->nbytes);
		add_metadata(gs, ask, c);
		break;
	case CASG_CLOUD_ABORT:
		c->method = "DELETE";
		casg_buf_addstr(&c->url, ask->session);
		break;
	default:
		build_part(ask, c);
	}
	if (gs->bearer && ask->act != CASG_CLOUD_PART && ask->act != CASG_CLOUD_ABORT)
		casg_cloud_header(c, "Authorization: Bearer %s", gs->bearer);
	return 0;
}

static void keep(char *to, size_t max, const char *text, size_t n)
{
	if (n < max)
		memcpy(to, text, n + 1);
}

static int take_object(void *ctx, const char *path, const char *text, size_t n)
{
	struct object *o = ctx;

	if (text && !strcmp(path, "generation"))
		keep(o->generation, sizeof(o->generation), text, n);
	else if (text && !strcmp(path, "size"))
		keep(o->size, sizeof(o->size), text, n);
	else if (text && !strcmp(path, "crc32c"))
		keep(o->crc, sizeof(o->crc), text, n);
	return 0;
}

static void judge_failure(const struct casg_gs *gs, const struct casg_http_result *r,
			  struct casg_cloud_seen *seen)
{
	if (r->status == 404 && r->body && r->body->len &&
	    (memmem(r->body->data, r->body->len, "bucket does not exist", 21) ||
	     memmem(r->body->data, r->body->len, "NoSuchBucket", 12)))
		casg_cloud_fail(seen, CASG_REMOTE_REFUSED, "there is no bucket '%s'", gs->bucket);
}

/* What both ways have in common: 1 when the answer is good, and more is to be read from it. */
static int judge_answer(const struct casg_gs *gs, const struct casg_cloud_ask *ask,
			const struct casg_http_result *r, struct casg_cloud_seen *seen)
{
	if (r->failed)
		return 0;
	if (ask->act == CASG_CLOUD_PART && !ask->last && r->status == 308)
		judge_part(ask, r, seen);
	if (r->status >= 300)
		judge_failure(gs, r, seen);
	if (seen->verdict != CASG_CLOUD_OK)
		return 0;
	if (ask->act == CASG_CLOUD_BEGIN)
		judge_session(gs, r, seen);
	return ask->act != CASG_CLOUD_BEGIN;
}

/* Does the answer tell of an object that is stored now? */
static int is_stored(const struct casg_cloud_ask *ask)
{
	return ask->act == CASG_CLOUD_PUT || (ask->act == CASG_CLOUD_PART && ask->last);
}

static void judge_json(void *ctx, const struct casg_cloud_ask *ask, const struct casg_http_result *r,
		       struct casg_buf *answer, struct casg_cloud_seen *seen)
{
	const struct casg_gs *gs = ctx;
	struct object o = { "", "", "" };
	struct casg_err err = CASG_ERR_INIT;
	char generation[GENERATION_MAX];

	*seen->validator = '\0';
	if (!judge_answer(gs, ask, r, seen))
		return;
	if (ask->act == CASG_CLOUD_GET) {
		if (casg_http_header(r, "x-goog-generation", generation, sizeof(generation)))
			casg_cloud_validator(seen, generation);
	} else if (ask->act == CASG_CLOUD_HAVE || is_stored(ask)) {
		if (casg_json_walk(answer->data, answer->len, take_object, &o, &err) ||
		    !is_number(o.size)) {
			casg_cloud_fail(seen, CASG_REMOTE_WRONG, "what is told of the object makes no sense");
			return;
		}
		seen->has_nbytes = 1;
		seen->nbytes = strtoull(o.size, NULL, 10);
		casg_cloud_validator(seen, o.generation);
		if (ask->act != CASG_CLOUD_HAVE)
			judge_stored(ask, &o, seen);
	}
}

struct page {
	struct casg_cloud_list *l;
	struct casg_buf name, *marker;
	uint64_t nbytes;
	int has_size;
};

static int take_page(void *ctx, const char *path, const char *text, size_t n)
{
	struct page *p = ctx;

	if (!strcmp(path, "items[]")) {
		if (!p->has_size)
			return CASG_ECORRUPT;
		casg_cloud_entry(p->l, casg_buf_cstr(&p->name), p->name.len, p->nbytes);
		casg_buf_reset(&p->name);
		p->has_size = 0;
	} else if (text && !strcmp(path, "items[].name")) {
		casg_buf_reset(&p->name);
		casg_buf_add(&p->name, text, n);
	} else if (text && !strcmp(path, "items[].size")) {
		if (!is_number(text))
			return CASG_ECORRUPT;
		p->nbytes = strtoull(text, NULL, 10);
		p->has_size = 1;
	} else if (text && !strcmp(path, "nextPageToken")) {
		casg_buf_add(p->marker, text, n);
	}
	return 0;
}

static int list_json(void *ctx, struct casg_buf *answer, struct casg_cloud_list *l,
		     struct casg_buf *marker_out, struct casg_err *err)
{
	struct page p = { .l = l, .marker = marker_out };
	int rc = casg_json_walk(answer->data, answer->len, take_page, &p, err);

	(void)ctx;
	casg_buf_release(&p.name);
	return rc ? rc : casg_buf_check(marker_out, err);
}

/* ---- XML, with an HMAC key ---- */

static int sign(const struct casg_gs *gs, const struct casg_cloud_ask *ask, const char *path,
		const struct casg_awssig_pair *query, size_t nquery, struct casg_cloud_call *c,
		struct casg_err *err)
{
	struct casg_awssig_pair headers[8];
	const struct casg_awssig_key key = { gs->id, gs->secret, "auto", "storage", 1 };
	struct casg_awssig_request q = { .method = c->method, .path = path, .query = query,
					 .nquery = nquery, .headers = headers, .time = time(NULL) };
	struct casg_buf value = CASG_BUF_INIT, crc = CASG_BUF_INIT;
	struct casg_hasher *h = casg_hasher_new();
	char when[CASG_AWSSIG_TIME], hex[CASG_OID_HEXSZ + 1];
	struct casg_oid empty;
	size_t n = 0;
	int rc;

	if (!h)
		return casg_err_nomem(err);
	casg_hasher_digest(h, "", 0, &empty);
	q.payload = casg_oid_hex(ask->act == CASG_CLOUD_PUT ? &ask->r->sha256 : &empty, hex);
	headers[n++] = (struct casg_awssig_pair){ "host", strstr(gs->endpoint, "://") + 3 };
	headers[n++] = (struct casg_awssig_pair){ "x-goog-content-sha256", q.payload };
	headers[n++] = (struct casg_awssig_pair){ "x-goog-date", casg_awssig_time(q.time, when) };
	if (ask->act == CASG_CLOUD_PUT) {
		casg_buf_addstr(&crc, "crc32c=");
		add_crc(&crc, ask->crc32c);
		headers[n++] = (struct casg_awssig_pair){ "x-goog-hash", casg_buf_cstr(&crc) };
	}
	if ((ask->act == CASG_CLOUD_PUT || ask->act == CASG_CLOUD_BEGIN) &&
	    ask->r->op == CASG_REMOTE_PUT_NEW)
		headers[n++] = (struct casg_awssig_pair){ "x-goog-if-generation-match", "0" };
	if (ask->act == CASG_CLOUD_BEGIN)
		headers[n++] = (struct casg_awssig_pair){ "x-goog-resumable", "start" };
	q.nheaders = n;
	rc = casg_awssig_sign(&value, h, &key, &q, err);
	for (size_t i = 1; i < n; i++)
		casg_cloud_header(c, "%s: %s", headers[i].name, headers[i].value);
	casg_cloud_header(c, "Authorization: %s", casg_buf_cstr(&value));
	casg_buf_release(&value);
	casg_buf_release(&crc);
	casg_hasher_free(h);
	return rc;
}

static size_t list_query(const struct casg_gs *gs, const struct casg_cloud_ask *ask,
			 struct casg_awssig_pair *query, struct casg_buf *prefix, char number[16])
{
	size_t n = 0;

	casg_buf_addstr(prefix, gs->prefix);
	if (strcmp(ask->r->name, "-"))
		casg_buf_addstr(prefix, ask->r->name);
	if (*ask->marker)
		query[n++] = (struct casg_awssig_pair){ "continuation-token", ask->marker };
	query[n++] = (struct casg_awssig_pair){ "list-type", "2" };
	snprintf(number, 16, "%u", gs->page_size);
	if (gs->page_size)
		query[n++] = (struct casg_awssig_pair){ "max-keys", number };
	if (prefix->len)
		query[n++] = (struct casg_awssig_pair){ "prefix", casg_buf_cstr(prefix) };
	return n;
}

static void describe_xml(const struct casg_cloud_ask *ask, struct casg_cloud_call *c)
{
	switch (ask->act) {
	case CASG_CLOUD_HAVE:
		c->method = "HEAD";
		break;
	case CASG_CLOUD_DELETE:
	case CASG_CLOUD_UNDO:
		c->method = "DELETE";
		break;
	case CASG_CLOUD_PUT:
		c->method = "PUT";
		break;
	case CASG_CLOUD_BEGIN:
		c->method = "POST";
		break;
	default:
		c->method = "GET";
	}
}

static int build_xml(void *ctx, const struct casg_cloud_ask *ask, struct casg_cloud_call *c,
		     struct casg_err *err)
{
	const struct casg_gs *gs = ctx;
	struct casg_awssig_pair query[5];
	struct casg_buf path = CASG_BUF_INIT, prefix = CASG_BUF_INIT, text = CASG_BUF_INIT;
	char number[16];
	size_t n = 0;
	int rc = 0;

	if (ask->act == CASG_CLOUD_PART || ask->act == CASG_CLOUD_ABORT) {
		build_part(ask, c);
		if (ask->act == CASG_CLOUD_ABORT) {
			c->method = "DELETE";
			casg_buf_reset(&c->headers);
		}
		return 0;
	}
	describe_xml(ask, c);
	casg_buf_addf(&path, "/%s", gs->bucket);
	if (ask->act == CASG_CLOUD_LIST)
		n = list_query(gs, ask, query, &prefix, number);
	else
		casg_buf_addf(&path, "/%s%s", gs->prefix, ask->r->name);
	if (ask->act == CASG_CLOUD_UNDO)
		query[n++] = (struct casg_awssig_pair){ "generation", ask->session };
	if (ask->act == CASG_CLOUD_GET) {
		casg_cloud_range(c, ask->r);
		if (*ask->r->if_validator) {
			rc = casg_remote_unquote(&text, ask->r->if_validator,
						 strlen(ask->r->if_validator), err);
			casg_cloud_header(c, "If-None-Match: %s", casg_buf_cstr(&text));
			casg_buf_reset(&text);
		}
	}
	if (!rc)
		rc = sign(gs, ask, casg_buf_cstr(&path), query, n, c, err);
	if (!rc)
		rc = casg_awssig_query(&text, query, n, err);
	casg_buf_addf(&c->url, "%s%s%s%s", gs->endpoint, casg_buf_cstr(&path), n ? "?" : "",
		      casg_buf_cstr(&text));
	casg_buf_release(&path);
	casg_buf_release(&prefix);
	casg_buf_release(&text);
	return rc;
}

/* "x-goog-hash: crc32c=...", alone or in a list. */
static void read_hash(const struct casg_http_result *r, struct object *o)
{
	const char *p = r->head && r->head->len ? (const char *)r->head->data : "", *at;

	while ((p = strchr(p, '\n'))) {
		size_t n = strcspn(++p, "\r\n");

		if (strncasecmp(p, "x-goog-hash:", 12) || !(at = memmem(p, n, "crc32c=", 7)))
			continue;
		at += 7;
		n = strcspn(at, ", \r\n");
		if (n < sizeof(o->crc)) {
			memcpy(o->crc, at, n);
			o->crc[n] = '\0';
		}
	}
}

static void judge_xml(void *ctx, const struct casg_cloud_ask *ask, const struct casg_http_result *r,
		      struct casg_buf *answer, struct casg_cloud_seen *seen)
{
	const struct casg_gs *gs = ctx;
	struct object o = { "", "", "" };

	(void)answer;
	if (judge_answer(gs, ask, r, seen) && is_stored(ask)) {
		casg_http_header(r, "x-goog-generation", o.generation, sizeof(o.generation));
		read_hash(r, &o);
		judge_stored(ask, &o, seen);
	}
}

static int list_xml(void *ctx, struct casg_buf *answer, struct casg_cloud_list *l,
		    struct casg_buf *marker_out, struct casg_err *err)
{
	struct page p = { .l = l, .marker = marker_out };
	struct casg_xml x;
	int rc;

	(void)ctx;
	casg_xml_init(&x, answer->data, answer->len);
	while ((rc = casg_xml_next(&x, err)) > CASG_XML_EOF) {
		const char *text = rc == CASG_XML_CLOSE ? casg_buf_cstr(&x.text) : "";

		if (x.depth == 1 && strcmp(x.name, "ListBucketResult"))
			rc = CASG_ECORRUPT;
		else if (rc == CASG_XML_CLOSE && casg_xml_is(&x, 3, "Key"))
			rc = take_page(&p, "items[].name", text, x.text.len);
		else if (rc == CASG_XML_CLOSE && casg_xml_is(&x, 3, "Size"))
			rc = take_page(&p, "items[].size", text, x.text.len);
		else if (rc == CASG_XML_CLOSE && casg_xml_is(&x, 2, "Contents"))
			rc = take_page(&p, "items[]", NULL, 0);
		else if (rc == CASG_XML_CLOSE && casg_xml_is(&x, 2, "NextContinuationToken"))
			rc = take_page(&p, "nextPageToken", text, x.text.len);
		if (rc < 0) {
			casg_err_set(err, rc, "what came is no list of objects");
			break;
		}
	}
	casg_xml_release(&x);
	casg_buf_release(&p.name);
	return rc ? rc : casg_buf_check(marker_out, err);
}

int casg_gs_serve(struct casg_serve *s, const struct casg_gs *gs,
		  const struct casg_cloud_opts *o, struct casg_err *err)
{
	struct casg_gs copy = *gs;
	struct casg_cloud_store store = {
		.cans = CASG_CAN_HAVE | CASG_CAN_GET | CASG_CAN_RANGE | CASG_CAN_IF | CASG_CAN_PUT |
			CASG_CAN_PUT_NEW | CASG_CAN_LIST | CASG_CAN_DELETE,
		.begins = 1, .aborts = 1, .sums = 1, .in_order = 1, .part_multiple = UNIT,
		.prefix = gs->prefix, .ctx = &copy,
		.build = gs->id ? build_xml : build_json, .judge = gs->id ? judge_xml : judge_json,
		.list = gs->id ? list_xml : list_json,
	};

	return casg_cloud_serve(s, &store, o, err);
}
