#include "remotehttp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "oid.h"

#define MAX_OPEN 32
#define STEP_MS 1000

enum stage {
	HAVE,     /* HEAD */
	GET,
	DELETE,
	ASK,      /* put-new: HEAD, is it there? */
	SEND,     /* PUT */
	READ_BACK /* GET, and compare */
};

struct server {
	struct casg_serve *s;
	struct casg_http *http;
	const char *url;
	unsigned nopen;
	int sending;              /* a put whose body has not come to its end */
	struct casg_http_call *call; /* its call, if it has begun */
	int paused;               /* it waits for input */
	int failed;               /* the conversation did: a class */
	struct casg_err why;
};

struct job {
	struct server *server;
	struct casg_remote_request r;
	enum stage stage;
	/* GET */
	int started, wrong;       /* an answer began; it makes no sense */
	int all;                  /* the server knows no ranges and sends everything */
	uint64_t skip, left;      /* bytes before the range, bytes that are wanted */
	uint64_t came;
	uint64_t whole;           /* size of the object */
	int has_whole;
	char validator[CASG_REMOTE_VALIDATOR_MAX + 1];
	uint64_t sent;            /* PUT */
	int bad_body;             /* PUT: not what was announced */
	/* READ_BACK */
	struct casg_hasher *hasher;
	time_t told;              /* when 'busy' was said last */
};

static int begin(struct job *j, enum stage stage, struct casg_err *err);

/* ---- the ends of a job ---- */

static void finish(struct job *j)
{
	j->server->nopen--;
	casg_hasher_free(j->hasher);
	free(j);
}

static void fail(struct job *j, enum casg_remote_class class, const char *what)
{
	casg_serve_error(j->server->s, j->r.tag, class, "%s", what);
	finish(j);
}

/* What an answer that is no success says. */
static void fail_by(struct job *j, const struct casg_http_result *r)
{
	enum casg_remote_class class = CASG_REMOTE_REFUSED;

	if (r->temporary)
		class = CASG_REMOTE_RETRY;
	else if (r->status == 401 || r->status == 403 || r->status == 407)
		class = CASG_REMOTE_DENIED;
	else if (!r->failed && r->status < 400)
		class = CASG_REMOTE_WRONG;
	fail(j, class, *r->message ? r->message : "the answer makes no sense");
}

/* The ETag, else the time of the last change, in the form of the protocol. */
static void read_validator(const struct casg_http_result *r, char *out)
{
	struct casg_buf b = CASG_BUF_INIT;
	char value[300];

	*out = '\0';
	if (!casg_http_header(r, "etag", value, sizeof(value)) || !*value)
		return;
	casg_remote_quote(&b, value, strlen(value));
	if (!b.failed && b.len <= CASG_REMOTE_VALIDATOR_MAX)
		strcpy(out, casg_buf_cstr(&b));
	casg_buf_release(&b);
}

/* ---- GET ---- */

static int get_head(void *ctx, const struct casg_http_result *r)
{
	struct job *j = ctx;
	uint64_t first = 0;

	j->started = 1;
	read_validator(r, j->validator);
	if (casg_http_is_encoded(r)) {
		j->wrong = 1;
	} else if (r->status == 206) {
		j->wrong = !j->r.has_range || casg_http_content_range(r, &first, &j->whole) || first != j->r.first;
		j->has_whole = 1;
	} else if (r->status == 200) {
		j->has_whole = casg_http_header_number(r, "content-length", &j->whole);
		/* a server that knows no ranges sends it all */
		j->skip = j->r.has_range ? j->r.first : 0;
		j->all = j->r.has_range;
	} else {
		j->wrong = 1;
	}
	j->left = j->r.has_last ? j->r.last - j->r.first + 1 : UINT64_MAX;
	return j->wrong;
}

static int get_sink(void *ctx, const void *p, size_t n)
{
	struct job *j = ctx;
	const uint8_t *at = p;
	size_t skip = n < j->skip ? n : (size_t)j->skip;

	j->came += n;
	j->skip -= skip;
	at += skip;
	n -= skip;
	if (n > j->left)
		n = (size_t)j->left;
	j->left -= n;
	if (n)
		casg_serve_data(j->server->s, j->r.tag, at, n);
	/* enough: the rest need not be loaded if its size is known */
	return j->all && !j->left && j->has_whole;
}

static void get_done(void *ctx, const struct casg_http_result *r)
{
	struct job *j = ctx;
	uint64_t first;

	if (j->wrong)
		fail(j, CASG_REMOTE_WRONG, "the answer is not what was asked for");
	else if (r->failed || r->status >= 400) {
		if (!r->failed && (r->status == 404 || r->status == 410)) {
			casg_serve_say(j->server->s, j->r.tag, CASG_ANSWER_NO);
			finish(j);
		} else if (!r->failed && r->status == 416 && j->r.has_range &&
			   !casg_http_content_range(r, &first, &j->whole) && j->r.first >= j->whole) {
			casg_serve_done(j->server->s, j->r.tag, j->whole, NULL);
			finish(j);
		} else {
			fail_by(j, r);
		}
	} else if (r->status == 304 && *j->r.if_validator) {
		casg_serve_say(j->server->s, j->r.tag, CASG_ANSWER_SAME);
		finish(j);
	} else if (!j->started) {
		fail_by(j, r);
	} else {
		casg_serve_done(j->server->s, j->r.tag, j->has_whole ? j->whole : j->came,
				*j->validator ? j->validator : NULL);
		finish(j);
	}
}

/* ---- HEAD, DELETE ---- */

static void have_done(void *ctx, const struct casg_http_result *r)
{
	struct job *j = ctx;
	uint64_t n;

	if (!r->failed && (r->status == 404 || r->status == 410)) {
		casg_serve_say(j->server->s, j->r.tag, CASG_ANSWER_NO);
		finish(j);
	} else if (r->failed || r->status != 200) {
		fail_by(j, r);
	} else if (!casg_http_header_number(r, "content-length", &n)) {
		fail(j, CASG_REMOTE_WRONG, "the server does not tell the size");
	} else {
		read_validator(r, j->validator);
		casg_serve_yes(j->server->s, j->r.tag, n, *j->validator ? j->validator : NULL);
		finish(j);
	}
}

static void delete_done(void *ctx, const struct casg_http_result *r)
{
	struct job *j = ctx;

	if (!r->failed && (r->status == 404 || r->status == 410))
		casg_serve_say(j->server->s, j->r.tag, CASG_ANSWER_NO);
	else if (!r->failed && r->status >= 200 && r->status < 300)
		casg_serve_done(j->server->s, j->r.tag, 0, NULL);
	else {
		fail_by(j, r);
		return;
	}
	finish(j);
}

/* ---- PUT ---- */

/* On to the next stage, or an error. */
static void go_on(struct job *j, enum stage stage)
{
	struct casg_err err = CASG_ERR_INIT;

	if (begin(j, stage, &err)) {
		j->server->sending = 0;
		fail(j, CASG_REMOTE_REFUSED, err.msg);
	}
}

static void ask_done(void *ctx, const struct casg_http_result *r)
{
	struct job *j = ctx;

	if (!r->failed && (r->status == 404 || r->status == 410)) {
		go_on(j, SEND);
		return;
	}
	j->server->sending = 0;
	if (r->failed || r->status != 200) {
		fail_by(j, r);
	} else {
		casg_serve_say(j->server->s, j->r.tag, CASG_ANSWER_EXISTS);
		finish(j);
	}
}

static long send_source(void *ctx, void *p, size_t n)
{
	struct job *j = ctx;
	struct server *v = j->server;
	long got = casg_serve_body(v->s, CASG_SERVE_POLL, p, n, &v->why);

	if (got == CASG_SERVE_LATER_BODY) {
		v->paused = 1;
		return CASG_HTTP_PAUSE;
	}
	if (got < 0) {
		v->failed = (int)got;
		return -1;
	}
	/* without its last bytes the server must not store it */
	j->sent += (uint64_t)got;
	if (j->sent == j->r.nbytes && !casg_serve_body_good(v->s)) {
		j->bad_body = 1;
		return -1;
	}
	return got;
}

static void send_done(void *ctx, const struct casg_http_result *r)
{
	struct job *j = ctx;
	struct server *v = j->server;

	v->sending = 0;
	v->call = NULL;
	v->paused = 0;
	if (v->failed)
		finish(j);
	else if (j->bad_body)
		fail(j, CASG_REMOTE_REFUSED, "the bytes have another SHA-256 than was announced");
	else if (!r->failed && (r->status == 412 || r->status == 409) &&
		 j->r.op == CASG_REMOTE_PUT_NEW) {
		casg_serve_say(v->s, j->r.tag, CASG_ANSWER_EXISTS);
		finish(j);
	} else if (!r->failed && (r->status == 405 || r->status == 501)) {
		fail(j, CASG_REMOTE_REFUSED, "the server stores nothing (it does not take PUT)");
	} else if (r->failed || r->status < 200 || r->status >= 300) {
		fail_by(j, r);
	} else {
		go_on(j, READ_BACK);
	}
}

static int back_sink(void *ctx, const void *p, size_t n)
{
	struct job *j = ctx;

	casg_hasher_update(j->hasher, p, n);
	j->came += n;
	/* who asked sees nothing of this, and must not take it for silence */
	if (time(NULL) != j->told) {
		casg_serve_say(j->server->s, j->r.tag, CASG_ANSWER_BUSY);
		j->told = time(NULL);
	}
	return j->came > j->r.nbytes;
}

static int back_head(void *ctx, const struct casg_http_result *r)
{
	read_validator(r, ((struct job *)ctx)->validator);
	return r->status != 200;
}

static void back_done(void *ctx, const struct casg_http_result *r)
{
	struct job *j = ctx;
	struct casg_oid id;

	casg_hasher_final(j->hasher, &id);
	if (r->failed || r->status >= 300) {
		fail_by(j, r);
	} else if (j->came != j->r.nbytes || !casg_oid_eq(&id, &j->r.sha256)) {
		fail(j, CASG_REMOTE_RETRY, "what was read back is not what was stored");
	} else {
		casg_serve_done(j->server->s, j->r.tag, j->r.nbytes,
				*j->validator ? j->validator : NULL);
		finish(j);
	}
}

/* ---- requests ---- */

/* The URL of an object: before what the storage's has behind a '?'. */
static void object_url(const struct server *v, const char *name, struct casg_buf *out)
{
	const char *end = v->url + strcspn(v->url, "?#"), *p = end;

	while (p > v->url && p[-1] == '/')
		p--;
	casg_buf_add(out, v->url, (size_t)(p - v->url));
	casg_buf_addf(out, "/%s", name);
	if (*end == '?')
		casg_buf_add(out, end, strcspn(end, "#"));
	casg_buf_cstr(out);
}

static void range_header(const struct casg_remote_request *r, struct casg_buf *out)
{
	casg_buf_addf(out, "Range: bytes=%llu-", (unsigned long long)r->first);
	if (r->has_last)
		casg_buf_addf(out, "%llu", (unsigned long long)r->last);
}

static int if_header(const struct casg_remote_request *r, struct casg_buf *out,
		     struct casg_err *err)
{
	casg_buf_addstr(out, "If-None-Match: ");
	return casg_remote_unquote(out, r->if_validator, strlen(r->if_validator), err);
}

static void set_functions(struct job *j, struct casg_http_request *q)
{
	switch (j->stage) {
	case HAVE:
		q->method = "HEAD";
		q->done = have_done;
		break;
	case GET:
		q->method = "GET";
		q->head = get_head;
		q->sink = get_sink;
		q->done = get_done;
		break;
	case DELETE:
		q->method = "DELETE";
		q->done = delete_done;
		break;
	case ASK:
		q->method = "HEAD";
		q->done = ask_done;
		break;
	case SEND:
		q->method = "PUT";
		q->has_body = 1;
		q->nbytes = j->r.nbytes;
		q->source = send_source;
		q->done = send_done;
		break;
	case READ_BACK:
		q->method = "GET";
		q->head = back_head;
		q->sink = back_sink;
		q->done = back_done;
		break;
	}
}

static int begin(struct job *j, enum stage stage, struct casg_err *err)
{
	struct casg_buf url = CASG_BUF_INIT, range = CASG_BUF_INIT, cond = CASG_BUF_INIT;
	struct casg_http_request q = { .ctx = j };
	const char *headers[5];
	struct casg_http_call *call;
	size_t n = 0;
	int rc = 0;

	/* nothing to send, so nobody would look */
	if (stage == SEND && !j->r.nbytes && !casg_serve_body_good(j->server->s))
		return casg_err_set(err, CASG_ECORRUPT,
				    "the bytes have another SHA-256 than was announced");
	j->stage = stage;
	set_functions(j, &q);
	object_url(j->server, j->r.name, &url);
	if (stage == GET && j->r.has_range) {
		range_header(&j->r, &range);
		headers[n++] = casg_buf_cstr(&range);
	}
	if (stage == GET && *j->r.if_validator)
		rc = if_header(&j->r, &cond, err);
	if (stage == SEND && j->r.op == CASG_REMOTE_PUT_NEW)
		casg_buf_addstr(&cond, "If-None-Match: *");
	if (cond.len)
		headers[n++] = casg_buf_cstr(&cond);
	/* what changes must not come from a cache on the way */
	if (stage != SEND && strncmp(j->r.name, "packs/", 6) && strncmp(j->r.name, "inventory/", 10))
		headers[n++] = "Cache-Control: no-cache";
	if (stage == SEND)
		headers[n++] = "Content-Type: application/octet-stream";
	headers[n] = NULL;
	if (stage == READ_BACK) {
		j->came = 0;
		if (!j->hasher)
			j->hasher = casg_hasher_new();
		if (!j->hasher)
			rc = casg_err_nomem(err);
		else
			casg_hasher_init(j->hasher);
	}
	if (!rc && (url.failed || range.failed || cond.failed))
		rc = casg_err_nomem(err);
	q.url = (char *)url.data;
	q.headers = headers;
	if (!rc)
		rc = casg_http_begin(j->server->http, &q, &call, err);
	if (!rc && stage == SEND)
		j->server->call = call;
	casg_buf_release(&url);
	casg_buf_release(&range);
	casg_buf_release(&cond);
	return rc;
}

static int start(struct server *v, const struct casg_remote_request *r, struct casg_err *err)
{
	struct job *j = calloc(1, sizeof(*j));
	enum stage stage;
	int rc;

	if (!j)
		return casg_err_nomem(err);
	j->server = v;
	j->r = *r;
	v->nopen++;
	switch (r->op) {
	case CASG_REMOTE_HAVE:
		stage = HAVE;
		break;
	case CASG_REMOTE_GET:
		stage = GET;
		break;
	case CASG_REMOTE_DELETE:
		stage = DELETE;
		break;
	case CASG_REMOTE_PUT:
	case CASG_REMOTE_PUT_NEW:
		stage = r->op == CASG_REMOTE_PUT ? SEND : ASK;
		v->sending = 1;
		break;
	default:
		fail(j, CASG_REMOTE_REFUSED, "this storage cannot do that");
		return 0;
	}
	rc = begin(j, stage, err);
	if (rc) {
		v->sending = 0;
		fail(j, CASG_REMOTE_REFUSED, err->msg);
	}
	return 0;
}

/* ---- the conversation ---- */

/* Take requests as long as there is room: 1 more may come, 0 the end, negative. */
static int take_requests(struct server *v, struct casg_err *err)
{
	struct casg_remote_request r;
	int rc = 1;

	while (rc == 1 && !v->sending && v->nopen < MAX_OPEN) {
		rc = casg_serve_next(v->s, v->nopen ? CASG_SERVE_POLL : CASG_SERVE_WAIT, &r, err);
		if (rc == 1)
			rc = start(v, &r, err) ? CASG_ENOMEM : 1;
	}
	return rc == CASG_SERVE_LATER ? 1 : rc;
}

static int converse(struct server *v, struct casg_err *err)
{
	int more = 1, rc;

	while (more || v->nopen) {
		int wants = 0;

		if (more) {
			rc = take_requests(v, err);
			if (rc < 0)
				return rc;
			more = rc;
		}
		rc = casg_serve_flush(v->s, err);
		if (rc)
			return rc;
		wants = more && (v->sending ? v->paused : v->nopen < MAX_OPEN);
		if (v->nopen && casg_http_step(v->http, wants ? casg_serve_fd(v->s) : -1, STEP_MS) &&
		    v->call && v->paused) {
			v->paused = 0;
			casg_http_resume(v->call);
		}
		if (v->failed)
			return casg_err_set(err, v->failed, "%s", v->why.msg);
	}
	return casg_serve_flush(v->s, err);
}

int casg_remotehttp_serve(struct casg_serve *s, const char *url,
			  const struct casg_http_opts *o, struct casg_err *err)
{
	struct server v = { .s = s, .url = url };
	int rc = casg_http_new(&v.http, o, err);

	if (!rc)
		rc = casg_serve_hello(s, CASG_CAN_HAVE | CASG_CAN_GET | CASG_CAN_RANGE | CASG_CAN_IF |
				      CASG_CAN_PUT | CASG_CAN_PUT_NEW | CASG_CAN_DELETE, err);
	if (!rc)
		rc = converse(&v, err);
	casg_http_free(v.http);
	return rc;
}
