#include "cloud.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "crc32c.h"

#define MAX_OPEN 32
#define STEP_MS 1000
#define ANSWER_MAX ((size_t)32 << 20)

struct server {
	struct casg_serve *s;
	struct casg_http *http;
	const struct casg_cloud_store *store;
	uint64_t part_size;
	unsigned nopen;
	struct job *sending;      /* the put whose bytes have not all come */
	int paused;               /* it waits for input */
	int failed;               /* the conversation did: a class */
	struct casg_err why;
};

enum part_state { FREE, FILLING, READY, SENT };

struct part {
	enum part_state state;
	unsigned index;
	int last;
	uint64_t at;
	struct casg_buf b;
};

struct job {
	struct server *server;
	struct casg_remote_request r;
	unsigned ncalls;
	/* GET */
	int started, all, nothing;    /* nothing: the range is behind the end */
	uint64_t skip, left, came;
	struct casg_cloud_seen seen;  /* the best that is known */
	/* LIST */
	struct casg_buf marker;
	uint64_t nentries;
	/* PUT */
	struct part parts[CASG_CLOUD_PARTS];
	uint64_t part_size, got;
	unsigned nparts, ngood;       /* parts made, parts that the store has */
	int begun, has_session, ending, ended;
	int looked;                   /* at what is there, before a put-new or behind the end */
	int checked, undoes;
	struct casg_buf *tokens;      /* one a part, as far as the store gives them */
	size_t ntokens;
	int64_t since;
	uint32_t crc;
	time_t told;                  /* when 'busy' was said last */
	struct casg_buf session;
};

struct call {
	struct job *j;
	struct casg_cloud_ask ask;
	struct part *part;
	size_t given;
	struct casg_buf body, answer;
	int wrong;
};

struct casg_cloud_list {
	struct job *j;
	int bad;
};

static void advance(struct job *j);
static void call(struct job *j, enum casg_cloud_act act, struct part *p);

static int is_put(const struct job *j)
{
	return j->r.op == CASG_REMOTE_PUT || j->r.op == CASG_REMOTE_PUT_NEW;
}

/* ---- what stores need ---- */

void casg_cloud_header(struct casg_cloud_call *c, const char *fmt, ...)
{
	char small[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(small)) {
		char *big = malloc((size_t)n + 1);

		va_start(ap, fmt);
		if (big)
			vsnprintf(big, (size_t)n + 1, fmt, ap);
		else
			c->headers.failed = 1;
		va_end(ap);
		if (big)
			casg_buf_add(&c->headers, big, (size_t)n + 1);
		free(big);
	} else {
		casg_buf_add(&c->headers, small, (size_t)n + 1);
	}
}

void casg_cloud_range(struct casg_cloud_call *c, const struct casg_remote_request *r)
{
	if (r->has_range && r->has_last)
		casg_cloud_header(c, "Range: bytes=%llu-%llu", (unsigned long long)r->first,
				  (unsigned long long)r->last);
	else if (r->has_range)
		casg_cloud_header(c, "Range: bytes=%llu-", (unsigned long long)r->first);
}

int casg_cloud_get(struct casg_cloud_call *c, const struct casg_remote_request *r,
		   struct casg_err *err)
{
	struct casg_buf etag = CASG_BUF_INIT;
	int rc = 0;

	casg_cloud_range(c, r);
	if (*r->if_validator) {
		rc = casg_remote_unquote(&etag, r->if_validator, strlen(r->if_validator), err);
		casg_cloud_header(c, "If-None-Match: %s", casg_buf_cstr(&etag));
	}
	casg_buf_release(&etag);
	return rc;
}

void casg_cloud_fail(struct casg_cloud_seen *seen, enum casg_remote_class class,
		     const char *fmt, ...)
{
	va_list ap;

	seen->verdict = CASG_CLOUD_FAILED;
	seen->class = class;
	va_start(ap, fmt);
	vsnprintf(seen->message, sizeof(seen->message), fmt, ap);
	va_end(ap);
}

void casg_cloud_validator(struct casg_cloud_seen *seen, const char *text)
{
	struct casg_buf b = CASG_BUF_INIT;

	*seen->validator = '\0';
	if (*text)
		casg_remote_quote(&b, text, strlen(text));
	if (!b.failed && b.len <= CASG_REMOTE_VALIDATOR_MAX)
		strcpy(seen->validator, casg_buf_cstr(&b));
	casg_buf_release(&b);
}

void casg_cloud_entry(struct casg_cloud_list *l, const char *name, size_t n, uint64_t nbytes)
{
	struct job *j = l->j;
	const char *prefix = j->server->store->prefix;
	size_t skip = strlen(prefix);
	char text[CASG_REMOTE_NAME_MAX + 1];

	if (n < skip || memcmp(name, prefix, skip) || n - skip > CASG_REMOTE_NAME_MAX)
		return;
	memcpy(text, name + skip, n - skip);
	text[n - skip] = '\0';
	/* others are not casg's */
	if (!casg_remote_is_name(text, n - skip) || !casg_remote_in_prefix(text, j->r.name))
		return;
	casg_serve_entry(j->server->s, j->r.tag, text, nbytes);
	j->nentries++;
}

/* ---- the end of a job ---- */

static void finish(struct job *j)
{
	struct server *v = j->server;

	if (v->sending == j) {
		v->sending = NULL;
		v->paused = 0;
	}
	v->nopen--;
	for (int i = 0; i < CASG_CLOUD_PARTS; i++)
		casg_buf_release(&j->parts[i].b);
	for (size_t i = 0; i < j->ntokens; i++)
		casg_buf_release(&j->tokens[i]);
	free(j->tokens);
	casg_buf_release(&j->marker);
	casg_buf_release(&j->session);
	free(j);
}

static void answer(struct job *j)
{
	struct casg_serve *s = j->server->s;
	const char *validator = *j->seen.validator ? j->seen.validator : NULL;

	switch (j->seen.verdict) {
	case CASG_CLOUD_NO:
		casg_serve_say(s, j->r.tag, CASG_ANSWER_NO);
		break;
	case CASG_CLOUD_SAME:
		casg_serve_say(s, j->r.tag, CASG_ANSWER_SAME);
		break;
	case CASG_CLOUD_EXISTS:
		casg_serve_say(s, j->r.tag, CASG_ANSWER_EXISTS);
		break;
	case CASG_CLOUD_FAILED:
		casg_serve_error(s, j->r.tag, j->seen.class, "%s", j->seen.message);
		break;
	default:
		if (j->r.op == CASG_REMOTE_HAVE)
			casg_serve_yes(s, j->r.tag, j->seen.nbytes, validator);
		else if (j->r.op == CASG_REMOTE_GET)
			casg_serve_done(s, j->r.tag, j->seen.has_nbytes ? j->seen.nbytes : j->came,
					validator);
		else if (j->r.op == CASG_REMOTE_LIST)
			casg_serve_done(s, j->r.tag, j->nentries, NULL);
		else if (is_put(j))
			casg_serve_done(s, j->r.tag, j->r.nbytes, validator);
		else
			casg_serve_done(s, j->r.tag, 0, NULL);
	}
	finish(j);
}

/* ---- what an answer says, as HTTP has it ---- */

static void judge_status(const struct casg_cloud_ask *ask, const struct casg_http_result *r,
			 struct casg_cloud_seen *seen)
{
	uint64_t first;

	if (r->failed)
		casg_cloud_fail(seen, r->temporary ? CASG_REMOTE_RETRY : CASG_REMOTE_REFUSED, "%s",
				r->message);
	else if (r->status >= 200 && r->status < 300)
		seen->verdict = CASG_CLOUD_OK;
	else if (r->status == 304 && ask->act == CASG_CLOUD_GET && *ask->r->if_validator)
		seen->verdict = CASG_CLOUD_SAME;
	else if ((r->status == 404 || r->status == 410) &&
		 (ask->act < CASG_CLOUD_LIST || ask->act >= CASG_CLOUD_LOOK))
		seen->verdict = CASG_CLOUD_NO;
	else if (r->status == 416 && ask->act == CASG_CLOUD_GET &&
		 !casg_http_content_range(r, &first, &seen->nbytes) && ask->r->first >= seen->nbytes) {
		seen->verdict = CASG_CLOUD_NOTHING;
		seen->has_nbytes = 1;
	} else if (r->status == 412 && ask->r->op == CASG_REMOTE_PUT_NEW)
		seen->verdict = CASG_CLOUD_EXISTS;
	else
		casg_cloud_fail(seen, r->temporary ? CASG_REMOTE_RETRY :
				r->status == 401 || r->status == 403 || r->status == 407 ?
				CASG_REMOTE_DENIED : r->status < 400 ? CASG_REMOTE_WRONG :
				CASG_REMOTE_REFUSED, "%s", r->message);
}

static void judge(struct call *c, const struct casg_http_result *r, struct casg_buf *text,
		  struct casg_cloud_seen *seen)
{
	const struct casg_cloud_store *store = c->j->server->store;
	char value[300];

	memset(seen, 0, sizeof(*seen));
	if (casg_http_header(r, "etag", value, sizeof(value)))
		casg_cloud_validator(seen, value);
	if (c->ask.act == CASG_CLOUD_HAVE || c->ask.act == CASG_CLOUD_LOOK ||
	    c->ask.act == CASG_CLOUD_CHECK)
		seen->has_nbytes = casg_http_header_number(r, "content-length", &seen->nbytes);
	judge_status(&c->ask, r, seen);
	if (store->judge)
		store->judge(store->ctx, &c->ask, r, text, seen);
}

/* ---- calls ---- */

static long give(void *ctx, void *p, size_t n)
{
	struct call *c = ctx;
	const uint8_t *from = c->body.len ? c->body.data : c->ask.body;
	size_t all = c->body.len ? c->body.len : c->ask.nbody;

	if (n > all - c->given)
		n = all - c->given;
	if (n)
		memcpy(p, from + c->given, n);
	c->given += n;
	/* who asked sees nothing of this, and must not take it for silence */
	if (c->j->told != time(NULL)) {
		casg_serve_say(c->j->server->s, c->j->r.tag, CASG_ANSWER_BUSY);
		c->j->told = time(NULL);
	}
	return (long)n;
}

static int collect(void *ctx, const void *p, size_t n)
{
	struct call *c = ctx;

	if (n > ANSWER_MAX - c->answer.len)
		c->wrong = 1;
	else
		casg_buf_add(&c->answer, p, n);
	return c->wrong || c->answer.failed;
}

static int get_head(void *ctx, const struct casg_http_result *r)
{
	struct call *c = ctx;
	struct job *j = c->j;
	uint64_t first = 0;

	j->started = 1;
	judge(c, r, NULL, &j->seen);
	c->wrong = casg_http_is_encoded(r) || j->seen.verdict != CASG_CLOUD_OK;
	if (r->status == 206) {
		c->wrong |= !j->r.has_range || casg_http_content_range(r, &first, &j->seen.nbytes);
		j->seen.has_nbytes = 1;
		/* some say 206 where 416 belongs */
		j->nothing = !c->wrong && j->r.first >= j->seen.nbytes;
		c->wrong |= !j->nothing && first != j->r.first;
	} else if (r->status == 200) {
		j->seen.has_nbytes = casg_http_header_number(r, "content-length", &j->seen.nbytes);
		j->skip = j->r.has_range ? j->r.first : 0;
		j->all = j->r.has_range;
	} else {
		c->wrong = 1;
	}
	j->left = j->r.has_last ? j->r.last - j->r.first + 1 : UINT64_MAX;
	return c->wrong || j->nothing;
}

static int get_sink(void *ctx, const void *p, size_t n)
{
	struct job *j = ((struct call *)ctx)->j;
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
	return j->all && !j->left && j->seen.has_nbytes;
}

static void get_done(struct call *c, const struct casg_http_result *r)
{
	struct job *j = c->j;

	if (c->wrong)
		casg_cloud_fail(&j->seen, CASG_REMOTE_WRONG, "the answer is not what was asked for");
	else if (r->failed || !j->started)
		judge(c, r, NULL, &j->seen);
	if (j->seen.verdict == CASG_CLOUD_OK && !j->started)
		casg_cloud_fail(&j->seen, CASG_REMOTE_WRONG, "the answer makes no sense");
}

/* A page came: its entries, and the marker of the next. */
static void page_done(struct call *c)
{
	struct job *j = c->j;
	const struct casg_cloud_store *store = j->server->store;
	struct casg_cloud_list l = { .j = j };
	struct casg_buf next = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	if (store->list(store->ctx, &c->answer, &l, &next, &err))
		casg_cloud_fail(&j->seen, CASG_REMOTE_WRONG, "%s", err.msg);
	else if (next.len && next.len == j->marker.len &&
		 !memcmp(next.data, j->marker.data, next.len))
		casg_cloud_fail(&j->seen, CASG_REMOTE_WRONG, "the list has no end");
	casg_buf_release(&j->marker);
	j->marker = next;
}

/* What the end has to say of a part. */
static void keep_token(struct job *j, unsigned part, const struct casg_buf *token)
{
	if (part >= j->ntokens) {
		size_t n = j->ntokens ? 2 * j->ntokens : 64;
		struct casg_buf *more;

		while (n <= part)
			n *= 2;
		more = realloc(j->tokens, n * sizeof(*more));
		if (!more) {
			casg_cloud_fail(&j->seen, CASG_REMOTE_RETRY, "out of memory");
			return;
		}
		memset(more + j->ntokens, 0, (n - j->ntokens) * sizeof(*more));
		j->tokens = more;
		j->ntokens = n;
	}
	casg_buf_reset(&j->tokens[part]);
	casg_buf_add(&j->tokens[part], token->data, token->len);
	casg_buf_cstr(&j->tokens[part]);
}

/* What came before a put-new, and behind a put. */
static void look_done(struct call *c, const struct casg_cloud_seen *seen)
{
	struct job *j = c->j;

	if (j->seen.verdict != CASG_CLOUD_OK)
		return;
	if (c->ask.act == CASG_CLOUD_CHECK) {
		j->undoes = seen->verdict == CASG_CLOUD_FAILED && seen->class == CASG_REMOTE_REFUSED &&
			    j->r.op == CASG_REMOTE_PUT_NEW;
		if (seen->verdict != CASG_CLOUD_OK)
			j->seen = *seen;
	} else if (seen->verdict != CASG_CLOUD_NO) {
		j->seen = *seen;
		if (seen->verdict == CASG_CLOUD_OK)
			j->seen.verdict = CASG_CLOUD_EXISTS;
	}
}

/* A part, or the end, of a put. */
static void put_done(struct call *c, struct casg_cloud_seen *seen)
{
	struct job *j = c->j;

	if (seen->verdict == CASG_CLOUD_AGAIN && j->seen.verdict == CASG_CLOUD_OK) {
		call(j, c->ask.act, c->part);
		return;
	}
	if (c->part)
		c->part->state = FREE;
	if ((c->ask.act == CASG_CLOUD_BEGIN && seen->verdict == CASG_CLOUD_OK) || seen->undo) {
		casg_buf_reset(&j->session);
		casg_buf_add(&j->session, seen->session.data, seen->session.len);
		j->has_session = 1;
	}
	/* it failed already, and this is how the abort went */
	if (j->seen.verdict != CASG_CLOUD_OK)
		return;
	j->seen = *seen;
	j->seen.session = (struct casg_buf)CASG_BUF_INIT;
	if (seen->verdict != CASG_CLOUD_OK || c->ask.act == CASG_CLOUD_BEGIN)
		return;
	if (c->ask.act == CASG_CLOUD_PART) {
		j->ngood++;
		if (seen->session.len)
			keep_token(j, c->ask.part, &seen->session);
		j->ended = !j->server->store->ends && c->ask.last;
	} else {
		j->ended = 1;
	}
}

static void call_done(void *ctx, const struct casg_http_result *r)
{
	struct call *c = ctx;
	struct job *j = c->j;
	struct casg_cloud_seen seen = { .verdict = CASG_CLOUD_OK };

	if (c->ask.act == CASG_CLOUD_GET) {
		get_done(c, r);
	} else {
		judge(c, r, &c->answer, &seen);
		if (c->wrong && seen.verdict == CASG_CLOUD_OK)
			casg_cloud_fail(&seen, CASG_REMOTE_WRONG, "the answer is too long");
		if (!is_put(j))
			j->seen = seen;
		else if (c->ask.act == CASG_CLOUD_HAVE || c->ask.act == CASG_CLOUD_CHECK)
			look_done(c, &seen);
		else if (c->ask.act != CASG_CLOUD_DELETE)
			put_done(c, &seen);
		casg_buf_release(&seen.session);
		if (c->ask.act == CASG_CLOUD_LIST && seen.verdict == CASG_CLOUD_OK)
			page_done(c);
	}
	j->ncalls--;
	/* what has been done decides what is next */
	if (c->ask.act == CASG_CLOUD_HAVE && j->r.op == CASG_REMOTE_HAVE &&
	    seen.verdict == CASG_CLOUD_OK && !seen.has_nbytes)
		casg_cloud_fail(&j->seen, CASG_REMOTE_WRONG, "the server does not tell the size");
	if (c->ask.act == CASG_CLOUD_DELETE || c->ask.act == CASG_CLOUD_RESTORE)
		j->ended = 1;
	casg_buf_release(&c->body);
	casg_buf_release(&c->answer);
	free(c);
	advance(j);
}

/* The headers as http wants them. */
static int list_headers(const struct casg_cloud_call *c, const char **out, size_t max)
{
	size_t n = 0;

	for (size_t at = 0; at < c->headers.len && n + 1 < max; n++) {
		out[n] = (const char *)c->headers.data + at;
		at += strlen(out[n]) + 1;
	}
	out[n] = NULL;
	return c->headers.failed || c->url.failed || c->body.failed ? CASG_ENOMEM : 0;
}

static int begin_call(struct job *j, struct call *c, struct casg_err *err)
{
	const struct casg_cloud_store *store = j->server->store;
	struct casg_cloud_call out = { .method = "GET" };
	struct casg_http_request q = { .ctx = c, .stays = 1, .done = call_done };
	const char *headers[24];
	int rc = store->build(store->ctx, &c->ask, &out, err);

	if (!rc && list_headers(&out, headers, sizeof(headers) / sizeof(*headers)))
		rc = casg_err_nomem(err);
	if (!rc) {
		c->body = out.body;
		out.body = (struct casg_buf)CASG_BUF_INIT;
		q.method = out.method;
		q.url = casg_buf_cstr(&out.url);
		q.headers = headers;
		q.has_body = strcmp(q.method, "GET") && strcmp(q.method, "HEAD") &&
			     strcmp(q.method, "DELETE");
		if (out.own_body)
			c->ask.body = NULL, c->ask.nbody = 0;
		q.nbytes = c->body.len ? c->body.len : c->ask.nbody;
		q.source = give;
		q.head = c->ask.act == CASG_CLOUD_GET ? get_head : NULL;
		q.sink = c->ask.act == CASG_CLOUD_GET ? get_sink : collect;
		rc = casg_http_begin(j->server->http, &q, NULL, err);
	}
	casg_buf_release(&out.url);
	casg_buf_release(&out.headers);
	casg_buf_release(&out.body);
	return rc;
}

/* Ask the store; a failure is the job's. */
static void call(struct job *j, enum casg_cloud_act act, struct part *p)
{
	struct call *c = calloc(1, sizeof(*c));
	struct casg_err err = CASG_ERR_INIT;
	int rc = CASG_ENOMEM;

	if (c) {
		c->j = j;
		c->part = p;
		c->ask = (struct casg_cloud_ask){
			.act = act, .r = &j->r, .marker = casg_buf_cstr(&j->marker),
			.session = casg_buf_cstr(&j->session), .part = p ? p->index : j->nparts,
			.last = p && p->last, .at = p ? p->at : 0, .body = p ? p->b.data : NULL,
			.nbody = p ? p->b.len : 0, .crc32c = j->crc,
			.tokens = j->tokens, .since = j->since, .validator = j->seen.validator,
		};
		rc = begin_call(j, c, &err);
	}
	if (!rc) {
		j->ncalls++;
		return;
	}
	if (p)
		p->state = FREE;
	if (c)
		casg_buf_release(&c->body);
	free(c);
	casg_cloud_fail(&j->seen, CASG_REMOTE_REFUSED, "%s", *err.msg ? err.msg : "out of memory");
}

/* ---- put ---- */

static struct part *find_part(struct job *j, enum part_state state)
{
	struct part *best = NULL;

	for (int i = 0; i < CASG_CLOUD_PARTS; i++)
		if (j->parts[i].state == state && (!best || j->parts[i].index < best->index))
			best = &j->parts[i];
	return best;
}

/* All bytes have come: are they what was announced? */
static void close_body(struct job *j)
{
	struct server *v = j->server;

	v->sending = NULL;
	v->paused = 0;
	if (!casg_serve_body_good(v->s))
		casg_cloud_fail(&j->seen, CASG_REMOTE_REFUSED,
				"the bytes have another SHA-256 than was announced");
}

/* Read what comes into the parts that are free. */
static void feed(struct job *j)
{
	struct server *v = j->server;

	v->paused = 0;
	while (v->sending == j && j->seen.verdict == CASG_CLOUD_OK) {
		struct part *p = find_part(j, FILLING);
		uint64_t room;
		long got = 0;

		if (!p && !(p = find_part(j, FREE)))
			return;
		if (p->state == FREE) {
			casg_buf_reset(&p->b);
			p->state = FILLING;
			p->index = j->nparts++;
			p->at = j->got;
		}
		room = j->part_size - p->b.len;
		if (room > j->r.nbytes - j->got)
			room = j->r.nbytes - j->got;
		if (room && casg_buf_grow(&p->b, (size_t)room)) {
			casg_cloud_fail(&j->seen, CASG_REMOTE_RETRY, "out of memory");
			return;
		}
		if (room)
			got = casg_serve_body(v->s, CASG_SERVE_POLL, p->b.data + p->b.len,
					      (size_t)room, &v->why);
		if (got == CASG_SERVE_LATER_BODY) {
			v->paused = 1;
			return;
		}
		if (got < 0) {
			v->failed = (int)got;
			return;
		}
		if (got && v->store->sums)
			j->crc = casg_crc32c(j->crc, p->b.data + p->b.len, (size_t)got);
		p->b.len += (size_t)got;
		j->got += (uint64_t)got;
		p->last = j->got == j->r.nbytes;
		if (p->last || p->b.len == j->part_size)
			p->state = READY;
		if (p->last)
			close_body(j);
	}
}

static void send_parts(struct job *j)
{
	const struct casg_cloud_store *store = j->server->store;
	struct part *p;

	while (j->seen.verdict == CASG_CLOUD_OK && (p = find_part(j, READY))) {
		int whole = p->last && !p->index;

		if (!whole && store->begins && !j->has_session) {
			if (!j->begun)
				call(j, CASG_CLOUD_BEGIN, NULL);
			j->begun = 1;
			return;
		}
		if (store->in_order && find_part(j, SENT))
			return;
		j->begun = 1;
		p->state = SENT;
		j->ending = p->last && (whole || !store->ends);
		call(j, whole ? CASG_CLOUD_PUT : CASG_CLOUD_PART, p);
	}
}

/* Ask for what comes before the parts, and behind them: 1 when the put has to wait for it. */
static int put_asks(struct job *j)
{
	const struct casg_cloud_store *store = j->server->store;
	enum casg_cloud_act act = CASG_CLOUD_HAVE;

	if (j->undoes && !j->ncalls) {
		j->undoes = 0;
		act = CASG_CLOUD_DELETE;
	} else if (j->seen.verdict != CASG_CLOUD_OK) {
		return 0;
	} else if (store->looks_first && j->r.op == CASG_REMOTE_PUT_NEW && !j->looked) {
		j->looked = 1;
	} else if (j->ended && !j->checked && store->checks && store->checks(store->ctx, &j->r)) {
		j->checked = 1;
		act = CASG_CLOUD_CHECK;
	} else {
		return !j->begun && j->ncalls; /* it looks still */
	}
	call(j, act, NULL);
	return j->ncalls > 0;
}

static void advance_put(struct job *j)
{
	const struct casg_cloud_store *store = j->server->store;

	if (j->seen.verdict == CASG_CLOUD_OK && j->server->sending == j)
		feed(j);
	if (j->server->failed || put_asks(j))
		return;
	send_parts(j);
	if (j->seen.verdict == CASG_CLOUD_OK) {
		if (!j->ended && !j->ending && !j->ncalls && j->got == j->r.nbytes &&
		    j->ngood == j->nparts) {
			j->ending = 1;
			call(j, CASG_CLOUD_END, NULL);
		}
	} else if (!j->ncalls && (store->aborts || j->seen.undo) && j->has_session && !j->ended) {
		j->ended = 1;
		call(j, j->seen.undo ? CASG_CLOUD_UNDO : CASG_CLOUD_ABORT, NULL);
	}
	if (!j->ncalls && (j->ended || j->seen.verdict != CASG_CLOUD_OK))
		answer(j);
}

/* ---- jobs ---- */

/* A range behind the end, and no word of where the end is. */
static void ask_size(struct job *j)
{
	if (j->seen.verdict == CASG_CLOUD_NOTHING && !j->seen.has_nbytes && !j->looked) {
		j->looked = 1;
		call(j, CASG_CLOUD_HAVE, NULL);
	} else if (j->looked && j->seen.verdict == CASG_CLOUD_OK && j->seen.nbytes > j->r.first) {
		casg_cloud_fail(&j->seen, CASG_REMOTE_RETRY, "it has changed meanwhile");
	} else if (j->looked && j->seen.verdict == CASG_CLOUD_OK && !j->seen.has_nbytes) {
		casg_cloud_fail(&j->seen, CASG_REMOTE_WRONG, "the server does not tell the size");
	}
}

/* What is next, or the answer; 'j' may be gone afterwards. */
static void advance(struct job *j)
{
	int good = j->seen.verdict == CASG_CLOUD_OK;

	switch (j->r.op) {
	case CASG_REMOTE_PUT:
	case CASG_REMOTE_PUT_NEW:
		advance_put(j);
		return;
	case CASG_REMOTE_GET:
		ask_size(j);
		break;
	case CASG_REMOTE_LIST:
		if (good && j->marker.len)
			call(j, CASG_CLOUD_LIST, NULL);
		break;
	case CASG_REMOTE_DELETE:
		if (good && !j->ended)
			call(j, CASG_CLOUD_DELETE, NULL);
		break;
	case CASG_REMOTE_RESTORE:
		if (good && !j->ended)
			call(j, CASG_CLOUD_RESTORE, NULL);
		break;
	default:
		break;
	}
	if (!j->ncalls)
		answer(j);
}

static int start(struct server *v, const struct casg_remote_request *r, struct casg_err *err)
{
	struct job *j = calloc(1, sizeof(*j));
	uint64_t most = v->store->max_parts ? v->store->max_parts : UINT64_MAX;

	if (!j)
		return casg_err_nomem(err);
	j->server = v;
	j->r = *r;
	j->told = time(NULL);
	j->since = j->told;
	v->nopen++;
	switch (r->op) {
	case CASG_REMOTE_HAVE:
		call(j, CASG_CLOUD_HAVE, NULL);
		break;
	case CASG_REMOTE_GET:
		call(j, CASG_CLOUD_GET, NULL);
		break;
	case CASG_REMOTE_LIST:
		call(j, CASG_CLOUD_LIST, NULL);
		break;
	case CASG_REMOTE_DELETE:
		call(j, v->store->asks_first ? CASG_CLOUD_HAVE : CASG_CLOUD_DELETE, NULL);
		break;
	case CASG_REMOTE_RESTORE:
		call(j, CASG_CLOUD_LOOK, NULL);
		break;
	default:
		v->sending = j;
		for (j->part_size = v->part_size; r->nbytes / j->part_size >= most;)
			j->part_size *= 2;
		advance_put(j);
		return 0;
	}
	if (!j->ncalls)
		answer(j);
	return 0;
}

/* ---- the conversation ---- */

/* Take requests as long as there is room: 1 more may come, 0 the end, negative. */
static int take_requests(struct server *v, struct casg_err *err)
{
	struct casg_remote_request r;
	int rc = 1;

	while (rc == 1 && !v->sending && !v->failed && v->nopen < MAX_OPEN) {
		rc = casg_serve_next(v->s, v->nopen ? CASG_SERVE_POLL : CASG_SERVE_WAIT, &r, err);
		if (rc == 1)
			rc = start(v, &r, err) ? CASG_ENOMEM : 1;
	}
	return rc == CASG_SERVE_LATER ? 1 : rc;
}

static int converse(struct server *v, struct casg_err *err)
{
	int more = 1, rc, wants;

	while (more || v->nopen) {
		if (more) {
			rc = take_requests(v, err);
			if (rc < 0)
				return rc;
			more = rc;
		}
		if (v->failed)
			return casg_err_set(err, v->failed, "%s", v->why.msg);
		rc = casg_serve_flush(v->s, err);
		if (rc)
			return rc;
		wants = more && (v->sending ? v->paused : v->nopen < MAX_OPEN);
		if (v->nopen && casg_http_step(v->http, wants ? casg_serve_fd(v->s) : -1, STEP_MS) &&
		    v->sending)
			advance_put(v->sending);
	}
	return casg_serve_flush(v->s, err);
}

int casg_cloud_serve(struct casg_serve *s, const struct casg_cloud_store *store,
		     const struct casg_cloud_opts *o, struct casg_err *err)
{
	struct server v = { .s = s, .store = store };
	uint64_t unit = store->part_multiple ? store->part_multiple : 1;
	int rc = casg_http_new(&v.http, &o->http, err);

	v.part_size = o->part_size ? o->part_size : CASG_CLOUD_PART_SIZE;
	v.part_size = v.part_size < unit ? unit : v.part_size / unit * unit;
	if (!rc)
		rc = casg_serve_hello(s, store->cans, err);
	if (!rc)
		rc = converse(&v, err);
	casg_http_free(v.http);
	return rc;
}
