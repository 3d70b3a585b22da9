#include "remoteipfs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "json.h"

#define WINDOW 8            /* blocks on their way */
#define STEP_MS 500
#define INDEX_MAX ((uint64_t)64 << 20)
#define BOUNDARY "casg-block-of-bytes-7f3a9c51e2d84b06"
#define AGAIN 4             /* when another writer was faster */

struct node {
	struct casg_serve *s;
	struct casg_http *http;
	struct casg_ipfs *p;
	unsigned timeout;
	struct casg_hasher *hasher;
	int has_index, has_cid;      /* what is loaded; 'p->cid' is known */
	struct casg_buf index;
	struct casg_oid loaded;      /* the list that 'index' came from */
	struct casg_oid last_id;     /* the block that came last */
	struct casg_buf last;
	uint64_t tag;                /* of the request at work */
	time_t told;
	int changed;
};

/* How something failed, for the answer. */
struct trouble {
	enum casg_remote_class class;
	char message[400];
};

/* One call, and where its answer goes. */
struct ask {
	struct node *v;
	struct casg_oid id;
	struct casg_buf body, answer;
	size_t given, max;
	int pending;                 /* nobody has looked at the answer */
	int open, too_long, failed, temporary;
	long status;
	char message[256];
};

static int trouble(struct trouble *t, enum casg_remote_class class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int trouble(struct trouble *t, enum casg_remote_class class, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->class = class;
	vsnprintf(t->message, sizeof(t->message), fmt, ap);
	va_end(ap);
	return -1;
}

/* ---- calls ---- */

static long give(void *ctx, void *p, size_t n)
{
	struct ask *a = ctx;

	if (n > a->body.len - a->given)
		n = a->body.len - a->given;
	if (n)
		memcpy(p, a->body.data + a->given, n);
	a->given += n;
	return (long)n;
}

static int collect(void *ctx, const void *p, size_t n)
{
	struct ask *a = ctx;

	a->too_long |= n > a->max - a->answer.len;
	if (!a->too_long)
		casg_buf_add(&a->answer, p, n);
	return a->too_long || a->answer.failed;
}

static void done(void *ctx, const struct casg_http_result *r)
{
	struct ask *a = ctx;

	a->open = 0;
	a->status = r->status;
	a->failed = r->failed;
	a->temporary = r->temporary;
	snprintf(a->message, sizeof(a->message), "%s", r->message);
	/* what a node says of an error: MFS has no other way to tell */
	if (!r->failed && r->status >= 300 && r->body && r->body->len) {
		casg_buf_reset(&a->answer);
		casg_buf_add(&a->answer, r->body->data, r->body->len);
	}
}

static void release_ask(struct ask *a)
{
	casg_buf_release(&a->body);
	casg_buf_release(&a->answer);
}

/* Begin; the answer has at most 'max' bytes. */
static int begin(struct node *v, struct ask *a, const char *method, const char *url, size_t max,
		 struct trouble *t)
{
	static const char *const raw[] = { "Accept: application/vnd.ipld.raw", NULL };
	static const char *const form[] = {
		"Content-Type: multipart/form-data; boundary=" BOUNDARY, NULL
	};
	struct casg_http_request q = { .method = method, .url = url, .ctx = a, .source = give,
				       .sink = collect, .done = done };
	struct casg_err err = CASG_ERR_INIT;
	int post = !strcmp(method, "POST");

	a->v = v;
	a->max = max;
	q.has_body = q.stays = post;
	q.nbytes = a->body.len;
	q.headers = !post ? raw : a->body.len ? form : NULL;
	if (a->body.failed || casg_http_begin(v->http, &q, NULL, &err))
		return trouble(t, CASG_REMOTE_RETRY, "%s", *err.msg ? err.msg : "out of memory");
	a->open = a->pending = 1;
	return 0;
}

/* Who asked sees nothing of what goes on, and must not take it for silence. */
static void say_busy(struct node *v)
{
	struct casg_err err = CASG_ERR_INIT;

	if (v->told != time(NULL)) {
		v->told = time(NULL);
		casg_serve_say(v->s, v->tag, CASG_ANSWER_BUSY);
		casg_serve_flush(v->s, &err);
	}
}

static void step(struct node *v)
{
	casg_http_step(v->http, -1, STEP_MS);
	say_busy(v);
}

static int failed(struct ask *a, const char *what, struct trouble *t)
{
	a->pending = 0;
	if (!a->failed && !a->too_long && a->status == 200)
		return 0;
	if (a->too_long)
		return trouble(t, CASG_REMOTE_WRONG, "%s: the answer is too long", what);
	if (a->status == 401 || a->status == 403)
		return trouble(t, CASG_REMOTE_DENIED, "%s: %s", what, a->message);
	return trouble(t, a->temporary || a->status == 404 || a->status == 410 ? CASG_REMOTE_RETRY :
		       CASG_REMOTE_REFUSED, "%s: %s", what,
		       *a->message ? a->message : "the answer makes no sense");
}

/* The parts of a form with one file. */
static void open_form(struct casg_buf *b)
{
	casg_buf_addstr(b, "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\"; "
			"filename=\"block\"\r\nContent-Type: application/octet-stream\r\n\r\n");
}

static void close_form(struct casg_buf *b)
{
	casg_buf_addstr(b, "\r\n--" BOUNDARY "--\r\n");
}

/* ---- blocks ---- */

static int begin_get(struct node *v, struct ask *a, const struct casg_oid *id, struct trouble *t)
{
	struct casg_buf url = CASG_BUF_INIT;
	char cid[CASG_IPFS_CID_SIZE];
	int rc;

	a->id = *id;
	casg_ipfs_cid(id, cid);
	if (v->p->gateway)
		casg_buf_addf(&url, "%s/ipfs/%s?format=raw", v->p->gateway, cid);
	else /* a node would look for a block that is nowhere for ever */
		casg_buf_addf(&url, "%s/api/v0/block/get?arg=%s&timeout=%us", v->p->api, cid,
			      v->timeout + 5);
	rc = begin(v, a, v->p->gateway ? "GET" : "POST", casg_buf_cstr(&url), CASG_IPFS_BLOCK_MAX, t);
	casg_buf_release(&url);
	return rc;
}

/* Wait for a block, and compare it. */
static int end_get(struct node *v, struct ask *a, struct trouble *t)
{
	char cid[CASG_IPFS_CID_SIZE];
	struct casg_oid id;

	while (a->open)
		step(v);
	casg_ipfs_cid(&a->id, cid);
	if (failed(a, cid, t))
		return -1;
	casg_hasher_digest(v->hasher, a->answer.data, a->answer.len, &id);
	if (!casg_oid_eq(&id, &a->id))
		return trouble(t, CASG_REMOTE_WRONG, "%s: other bytes came than this block has", cid);
	return 0;
}

static int get_block(struct node *v, const struct casg_oid *id, struct casg_buf *out,
		     struct trouble *t)
{
	struct ask a = { .v = v };
	int rc = begin_get(v, &a, id, t) || end_get(v, &a, t) ? -1 : 0;

	casg_buf_release(out);
	*out = a.answer;
	a.answer = (struct casg_buf)CASG_BUF_INIT;
	release_ask(&a);
	return rc;
}

/* 'a->body' is a form up to the end of the block. */
static int begin_put(struct node *v, struct ask *a, const struct casg_oid *id, struct trouble *t)
{
	struct casg_buf url = CASG_BUF_INIT;
	int rc;

	a->id = *id;
	close_form(&a->body);
	/* some nodes heed one of the names of the codec, some the other */
	casg_buf_addf(&url, "%s/api/v0/block/put?cid-codec=raw&format=raw&version=1&mhtype=sha2-256&"
		      "pin=true", v->p->api);
	rc = begin(v, a, "POST", casg_buf_cstr(&url), 4096, t);
	casg_buf_release(&url);
	return rc;
}

static int take_key(void *ctx, const char *path, const char *text, size_t n)
{
	struct casg_oid id;

	if (text && !strcmp(path, "Key") && !casg_ipfs_cid_parse(&id, text, n))
		*(struct casg_oid *)ctx = id;
	return 0;
}

static int end_put(struct node *v, struct ask *a, struct trouble *t)
{
	struct casg_oid id = { { 0 } };
	struct casg_err err = CASG_ERR_INIT;

	while (a->open)
		step(v);
	if (failed(a, "a block could not be stored", t))
		return -1;
	if (casg_json_walk(a->answer.data, a->answer.len, take_key, &id, &err) ||
	    !casg_oid_eq(&id, &a->id))
		return trouble(t, CASG_REMOTE_WRONG, "the node made another block of the bytes");
	return 0;
}

static int put_block(struct node *v, const struct casg_buf *text, struct casg_oid *id_out,
		     struct trouble *t)
{
	struct ask a = { .v = v };
	int rc;

	casg_hasher_digest(v->hasher, text->data, text->len, id_out);
	open_form(&a.body);
	casg_buf_add(&a.body, text->data, text->len);
	rc = begin_put(v, &a, id_out, t) || end_put(v, &a, t) ? -1 : 0;
	release_ask(&a);
	return rc;
}

/* ---- reading objects ---- */

/* The list of blocks with this id; 'text' keeps it. */
static int get_list(struct node *v, const struct casg_oid *id, struct casg_buf *text,
		    struct casg_ipfs_blocks *b, struct trouble *t)
{
	struct casg_err err = CASG_ERR_INIT;

	if (get_block(v, id, text, t))
		return -1;
	if (casg_ipfs_blocks_parse(b, text->data, text->len, &err))
		return trouble(t, CASG_REMOTE_WRONG, "%s", err.msg);
	return 0;
}

typedef void take_fn(void *ctx, const void *p, size_t n);

/* What a block has of [first, end) of the object. */
static int give_part(const struct casg_ipfs_blocks *b, uint64_t i, uint64_t first, uint64_t end,
		     const struct casg_buf *block, take_fn *take, void *ctx, struct trouble *t)
{
	uint64_t at = i * CASG_IPFS_BLOCK_MAX, all = b->nbytes - at;

	if (block->len != (all < CASG_IPFS_BLOCK_MAX ? all : CASG_IPFS_BLOCK_MAX))
		return trouble(t, CASG_REMOTE_WRONG, "a block has another length than its object says");
	first = first > at ? first - at : 0;
	end = end - at < block->len ? end - at : block->len;
	if (first < end)
		take(ctx, block->data + first, (size_t)(end - first));
	return 0;
}

/* The bytes [first, end), in their order; several blocks are on their way. */
static int get_bytes(struct node *v, const struct casg_ipfs_blocks *b, uint64_t first, uint64_t end,
		     take_fn *take, void *ctx, struct trouble *t)
{
	struct ask asks[WINDOW];
	uint64_t from = first / CASG_IPFS_BLOCK_MAX;
	uint64_t to = end / CASG_IPFS_BLOCK_MAX + !!(end % CASG_IPFS_BLOCK_MAX);
	uint64_t next = from, i = from;
	struct casg_oid id;
	int rc = 0;

	memset(asks, 0, sizeof(asks));
	if (first >= end)
		return 0;
	casg_ipfs_block(b, from, &id);
	if (v->last.len && casg_oid_eq(&id, &v->last_id)) {
		rc = give_part(b, from, first, end, &v->last, take, ctx, t);
		next = i = from + 1;
	}
	for (; !rc && i < to; i++) {
		struct ask *a = &asks[i % WINDOW];

		for (; !rc && next < to && next < i + WINDOW; next++) {
			casg_ipfs_block(b, next, &id);
			rc = begin_get(v, &asks[next % WINDOW], &id, t);
		}
		if (!rc)
			rc = end_get(v, a, t);
		if (!rc)
			rc = give_part(b, i, first, end, &a->answer, take, ctx, t);
		if (!rc && i + 1 == to) {
			casg_buf_release(&v->last);
			v->last = a->answer;
			v->last_id = a->id;
			a->answer = (struct casg_buf)CASG_BUF_INIT;
		}
		release_ask(a);
		a->answer = a->body = (struct casg_buf)CASG_BUF_INIT;
	}
	for (int k = 0; k < WINDOW; k++) {
		while (asks[k].open)
			step(v);
		release_ask(&asks[k]);
	}
	return rc;
}

static void take_buf(void *ctx, const void *p, size_t n)
{
	casg_buf_add(ctx, p, n);
}

/* ---- writing objects ---- */

/* Where the bytes of an object come from: their number, at most n; or -1. */
typedef long source_fn(void *ctx, void *p, size_t n);

/* Store all blocks: their list, which is not stored yet. */
static int put_blocks(struct node *v, uint64_t nbytes, const struct casg_oid *sha256,
		      source_fn *source, void *ctx, struct casg_buf *list, struct trouble *t)
{
	struct ask asks[WINDOW];
	uint64_t left = nbytes;
	int rc = 0;

	memset(asks, 0, sizeof(asks));
	casg_ipfs_blocks_begin(list, nbytes, sha256);
	for (unsigned i = 0; !rc && left; i++) {
		struct ask *a = &asks[i % WINDOW];
		size_t n = left < CASG_IPFS_BLOCK_MAX ? (size_t)left : CASG_IPFS_BLOCK_MAX, from;
		struct casg_oid id;

		if (i >= WINDOW)
			rc = end_put(v, a, t);
		release_ask(a);
		*a = (struct ask){ .v = v };
		open_form(&a->body);
		from = a->body.len;
		if (!rc && casg_buf_grow(&a->body, n + sizeof(BOUNDARY) + 16))
			rc = trouble(t, CASG_REMOTE_RETRY, "out of memory");
		while (!rc && a->body.len - from < n) {
			long got = source(ctx, a->body.data + a->body.len, n - (a->body.len - from));

			if (got <= 0)
				rc = trouble(t, CASG_REMOTE_REFUSED, "the bytes did not come");
			else
				a->body.len += (size_t)got;
		}
		if (rc)
			break;
		casg_hasher_digest(v->hasher, a->body.data + from, n, &id);
		casg_ipfs_blocks_add(list, &id);
		rc = begin_put(v, a, &id, t);
		left -= n;
	}
	for (int k = 0; k < WINDOW; k++) {
		if (asks[k].pending && !rc)
			rc = end_put(v, &asks[k], t);
		while (asks[k].open)
			step(v);
		release_ask(&asks[k]);
	}
	if (!rc && list->failed)
		rc = trouble(t, CASG_REMOTE_RETRY, "out of memory");
	return rc;
}

/* ---- the index ---- */

/* The CID of the newest, from the node's file; has_cid: whether there is one. */
static int read_name(struct node *v, struct trouble *t)
{
	struct casg_buf url = CASG_BUF_INIT;
	struct ask a = { .v = v };
	int rc;

	if (v->p->gateway) {
		v->has_cid = 1;
		return 0;
	}
	casg_buf_addf(&url, "%s/api/v0/files/read?arg=/casg/%s&timeout=%us", v->p->api, v->p->name,
		      v->timeout + 5);
	rc = begin(v, &a, "POST", casg_buf_cstr(&url), 4096, t);
	while (a.open)
		step(v);
	v->has_cid = 0;
	if (!rc && !a.failed && a.status >= 400 && a.answer.len &&
	    memmem(a.answer.data, a.answer.len, "does not exist", 14))
		; /* nothing was stored yet */
	else if (!rc && !(rc = failed(&a, "the node's file", t))) {
		size_t n = a.answer.len;

		while (n && a.answer.data[n - 1] == '\n')
			n--;
		if (n && casg_ipfs_cid_parse(&v->p->cid, (char *)a.answer.data, n))
			rc = trouble(t, CASG_REMOTE_WRONG, "'/casg/%s' of the node holds no CID", v->p->name);
		v->has_cid = n != 0;
	}
	release_ask(&a);
	casg_buf_release(&url);
	return rc;
}

static int load_index(struct node *v, struct trouble *t)
{
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_ipfs_blocks b;
	struct casg_err err = CASG_ERR_INIT;
	int rc = read_name(v, t);

	if (!rc && !v->has_cid) {
		casg_ipfs_index_init(&v->index);
		v->has_index = 0;
		return v->index.failed ? trouble(t, CASG_REMOTE_RETRY, "out of memory") : 0;
	}
	if (rc || (v->has_index && casg_oid_eq(&v->loaded, &v->p->cid)))
		return rc;
	v->has_index = 0;
	rc = get_list(v, &v->p->cid, &text, &b, t);
	if (!rc && b.nbytes > INDEX_MAX)
		rc = trouble(t, CASG_REMOTE_WRONG, "the index is too long");
	casg_buf_reset(&v->index);
	if (!rc)
		rc = get_bytes(v, &b, 0, b.nbytes, take_buf, &v->index, t);
	if (!rc && (v->index.failed || casg_ipfs_index_check(&v->index, &err)))
		rc = trouble(t, CASG_REMOTE_WRONG, "%s", *err.msg ? err.msg : "out of memory");
	casg_buf_release(&text);
	v->loaded = v->p->cid;
	v->has_index = !rc;
	return rc;
}

static int write_name(struct node *v, const struct casg_oid *id, struct trouble *t)
{
	struct casg_buf url = CASG_BUF_INIT;
	struct ask a = { .v = v };
	char cid[CASG_IPFS_CID_SIZE];
	int rc;

	open_form(&a.body);
	casg_buf_addf(&a.body, "%s\n", casg_ipfs_cid(id, cid));
	close_form(&a.body);
	casg_buf_addf(&url, "%s/api/v0/files/write?arg=/casg/%s&create=true&parents=true&truncate=true",
		      v->p->api, v->p->name);
	rc = begin(v, &a, "POST", casg_buf_cstr(&url), 4096, t);
	while (a.open)
		step(v);
	if (!rc)
		rc = failed(&a, "the node's file could not be written", t);
	release_ask(&a);
	casg_buf_release(&url);
	return rc;
}

struct bytes {
	const uint8_t *p;
	size_t n;
};

static long from_bytes(void *ctx, void *p, size_t n)
{
	struct bytes *b = ctx;

	if (n > b->n)
		n = b->n;
	memcpy(p, b->p, n);
	b->p += n;
	b->n -= n;
	return (long)n;
}

/* Store an index, and make it the newest. */
static int write_index(struct node *v, const struct casg_buf *index, struct trouble *t)
{
	struct casg_buf list = CASG_BUF_INIT;
	struct bytes from = { index->data, index->len };
	struct casg_oid id;
	int rc;

	if (index->failed)
		return trouble(t, CASG_REMOTE_RETRY, "out of memory");
	if (index->len > INDEX_MAX)
		return trouble(t, CASG_REMOTE_REFUSED, "there are too many objects");
	casg_hasher_digest(v->hasher, index->data, index->len, &id);
	rc = put_blocks(v, index->len, &id, from_bytes, &from, &list, t);
	if (!rc)
		rc = put_block(v, &list, &id, t);
	if (!rc)
		rc = write_name(v, &id, t);
	if (!rc) {
		v->changed = 1;
		/* another writer may have been there between reading and writing */
		rc = read_name(v, t);
		if (!rc && (!v->has_cid || !casg_oid_eq(&v->p->cid, &id)))
			rc = 1;
	}
	casg_buf_release(&list);
	return rc;
}

/* Wait for other helpers of this machine, saying that all is well. */
static void lock(struct node *v)
{
	while (v->p->lock_fd >= 0 && flock(v->p->lock_fd, LOCK_EX | LOCK_NB) &&
	       (errno == EWOULDBLOCK || errno == EINTR)) {
		struct timespec pause = { 0, 20000000 };

		nanosleep(&pause, NULL);
		say_busy(v);
	}
}

/* Set or remove a name (e: NULL) in the newest index: 0, -1, or 2: it is there (if_new). */
static int change_index(struct node *v, const char *name, const struct casg_ipfs_entry *e,
			int if_new, struct trouble *t)
{
	struct casg_buf next = CASG_BUF_INIT;
	struct casg_ipfs_entry was;
	int rc = 1;

	lock(v);
	for (int i = 0; rc == 1 && i < AGAIN; i++) {
		rc = load_index(v, t);
		if (!rc && casg_ipfs_index_find(&v->index, name, &was)) {
			if (if_new && !(i && casg_oid_eq(&was.list, &e->list)))
				rc = 2;
			else if (e && casg_oid_eq(&was.list, &e->list))
				break;
		}
		if (rc)
			break;
		casg_ipfs_index_set(&v->index, name, e, &next);
		rc = write_index(v, &next, t);
	}
	casg_buf_release(&next);
	if (v->p->lock_fd >= 0)
		flock(v->p->lock_fd, LOCK_UN);
	return rc == 1 ? trouble(t, CASG_REMOTE_RETRY, "others write there at the same time") : rc;
}

/* ---- requests ---- */

static int say_trouble(struct casg_serve *s, uint64_t tag, const struct trouble *t)
{
	casg_serve_error(s, tag, t->class, "%s", t->message);
	return 0;
}

static void begin_request(struct node *v, const struct casg_remote_request *r)
{
	v->tag = r->tag;
	v->told = time(NULL);
}

/* The entry of what is asked for: 1, 0 (answered) */
static int look_up(struct node *v, const struct casg_remote_request *r, struct casg_ipfs_entry *e)
{
	struct trouble t;

	begin_request(v, r);
	if (load_index(v, &t)) {
		say_trouble(v->s, r->tag, &t);
		return 0;
	}
	if (casg_ipfs_index_find(&v->index, r->name, e))
		return 1;
	casg_serve_say(v->s, r->tag, CASG_ANSWER_NO);
	return 0;
}

static int have(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
		struct casg_err *err)
{
	struct casg_ipfs_entry e;
	char hex[CASG_OID_HEXSZ + 1];

	(void)err;
	if (look_up(ctx, r, &e))
		casg_serve_yes(s, r->tag, e.nbytes, casg_oid_hex(&e.list, hex));
	return 0;
}

static void take_data(void *ctx, const void *p, size_t n)
{
	struct node *v = ctx;

	casg_serve_data(v->s, v->tag, p, n);
}

static int get(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
	       struct casg_err *err)
{
	struct node *v = ctx;
	struct casg_ipfs_entry e;
	struct casg_ipfs_blocks b;
	struct casg_buf text = CASG_BUF_INIT;
	struct trouble t;
	char hex[CASG_OID_HEXSZ + 1];
	uint64_t first, end;
	int rc;

	(void)err;
	if (!look_up(v, r, &e))
		return 0;
	casg_oid_hex(&e.list, hex);
	if (!strcmp(r->if_validator, hex)) {
		casg_serve_say(s, r->tag, CASG_ANSWER_SAME);
		return 0;
	}
	first = r->has_range ? r->first : 0;
	end = r->has_range && r->has_last && r->last < e.nbytes ? r->last + 1 : e.nbytes;
	rc = get_list(v, &e.list, &text, &b, &t);
	if (!rc && b.nbytes != e.nbytes)
		rc = trouble(&t, CASG_REMOTE_WRONG, "index and list of blocks disagree");
	if (!rc)
		rc = get_bytes(v, &b, first, end, take_data, v, &t);
	if (rc)
		say_trouble(s, r->tag, &t);
	else
		casg_serve_done(s, r->tag, e.nbytes, hex);
	casg_buf_release(&text);
	return 0;
}

struct input {
	struct casg_serve *s;
	struct casg_err *err;
	int rc;
};

static long from_input(void *ctx, void *p, size_t n)
{
	struct input *in = ctx;
	long got = casg_serve_body(in->s, CASG_SERVE_WAIT, p, n, in->err);

	if (got < 0)
		in->rc = (int)got;
	return got;
}

static int put(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
	       struct casg_err *err)
{
	struct node *v = ctx;
	struct casg_ipfs_entry e = { .nbytes = r->nbytes }, was;
	struct casg_buf list = CASG_BUF_INIT;
	struct input in = { s, err, 0 };
	struct trouble t;
	char hex[CASG_OID_HEXSZ + 1];
	int rc = 0, if_new = r->op == CASG_REMOTE_PUT_NEW;

	begin_request(v, r);
	if (r->nbytes > casg_ipfs_object_max())
		rc = trouble(&t, CASG_REMOTE_REFUSED, "an object has at most %llu bytes",
			     (unsigned long long)casg_ipfs_object_max());
	if (!rc && if_new && !(rc = load_index(v, &t)) &&
	    casg_ipfs_index_find(&v->index, r->name, &was))
		rc = 2;
	if (!rc)
		rc = put_blocks(v, r->nbytes, &r->sha256, from_input, &in, &list, &t);
	if (!rc && !casg_serve_body_good(s))
		rc = trouble(&t, CASG_REMOTE_REFUSED,
			     "the bytes have another SHA-256 than was announced");
	if (!rc)
		rc = put_block(v, &list, &e.list, &t);
	if (!rc)
		rc = change_index(v, r->name, &e, if_new, &t);
	casg_buf_release(&list);
	if (in.rc)
		return in.rc;
	if (rc == 2)
		casg_serve_say(s, r->tag, CASG_ANSWER_EXISTS);
	else if (rc)
		say_trouble(s, r->tag, &t);
	else
		casg_serve_done(s, r->tag, r->nbytes, casg_oid_hex(&e.list, hex));
	return 0;
}

static int list(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
		struct casg_err *err)
{
	struct node *v = ctx;
	struct casg_ipfs_entry e;
	struct trouble t;
	uint64_t n = 0;
	size_t at = 0;

	(void)err;
	begin_request(v, r);
	if (load_index(v, &t))
		return say_trouble(s, r->tag, &t);
	while (casg_ipfs_index_next(&v->index, &at, &e)) {
		char name[CASG_REMOTE_NAME_MAX + 1];

		memcpy(name, e.name, e.nname);
		name[e.nname] = '\0';
		if (!casg_remote_in_prefix(name, r->name))
			continue;
		casg_serve_entry(s, r->tag, name, e.nbytes);
		n++;
	}
	casg_serve_done(s, r->tag, n, NULL);
	return 0;
}

static int delete(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
		  struct casg_err *err)
{
	struct casg_ipfs_entry e;
	struct trouble t;

	(void)err;
	if (!look_up(ctx, r, &e))
		return 0;
	if (change_index(ctx, r->name, NULL, 0, &t))
		return say_trouble(s, r->tag, &t);
	casg_serve_done(s, r->tag, 0, NULL);
	return 0;
}

int casg_ipfs_serve(struct casg_serve *s, struct casg_ipfs *p, const struct casg_http_opts *o,
		    int *changed_out, struct casg_err *err)
{
	static const struct casg_serve_ops reads = {
		CASG_CAN_HAVE | CASG_CAN_GET | CASG_CAN_RANGE | CASG_CAN_IF | CASG_CAN_LIST,
		.have = have, .get = get, .list = list,
	};
	static const struct casg_serve_ops all = {
		CASG_CAN_HAVE | CASG_CAN_GET | CASG_CAN_RANGE | CASG_CAN_IF | CASG_CAN_LIST |
		CASG_CAN_PUT | CASG_CAN_PUT_NEW | CASG_CAN_DELETE,
		.have = have, .get = get, .list = list, .put = put, .delete = delete,
	};
	struct node v = { .s = s, .p = p, .timeout = o->timeout, .hasher = casg_hasher_new() };
	int rc = v.hasher ? casg_http_new(&v.http, o, err) : casg_err_nomem(err);

	if (!rc)
		rc = casg_serve_loop(s, p->gateway ? &reads : &all, &v, err);
	*changed_out = v.changed && v.has_cid;
	casg_http_free(v.http);
	casg_hasher_free(v.hasher);
	casg_buf_release(&v.index);
	casg_buf_release(&v.last);
	return rc;
}
