#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "remoteproc.h"

#define IN_SIZE ((size_t)256 << 10)
#define BODY_STEP ((size_t)128 << 10)
#define NOTE_MAX 1000
#define GREETING_LINES 64
#define RETRIES 2

struct open_request {
	uint64_t tag;
	enum casg_remote_op op;
	char *name;               /* for messages */
	uint64_t taken, max_nbytes, nentries;
	int may_same, unwanted;
	void *ctx;
	int (*sink)(void *, const uint8_t *, size_t);
	int (*entry)(void *, const char *, uint64_t);
	void (*done)(void *, const struct casg_remote_reply *);
};

struct casg_remote {
	char *shown;
	struct casg_remoteproc proc;
	unsigned cans, max_open;
	int64_t patience_ms;      /* without a byte */
	int64_t last_ms;          /* when one went or came last */
	int greeted;              /* lines of the greeting + 1, or -1: complete */
	int dead, timed_out;
	enum casg_remote_class why_class;
	char why[CASG_REMOTE_MESSAGE_MAX + 1];

	uint64_t next_tag;
	struct open_request *open;
	size_t nopen, cap;

	struct casg_buf out;      /* to be written, from out_at on */
	size_t out_at;
	uint64_t body_left;       /* of the put that is under way, beyond 'out' */
	int (*source)(void *, uint8_t *, size_t);
	void *source_ctx;

	uint8_t *in;
	size_t in_at, in_end;
	uint64_t data_left;       /* bytes of a block, of request data_tag */
	uint64_t data_tag;

	struct casg_buf note;
	casg_remote_note_fn *note_fn;
	void *note_ctx;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

unsigned casg_remote_cans(const struct casg_remote *r)
{
	return r->cans;
}

const char *casg_remote_shown(const struct casg_remote *r)
{
	return r->shown;
}

int casg_remote_is_dead(const struct casg_remote *r)
{
	return r->dead;
}

int casg_remote_timed_out(const struct casg_remote *r)
{
	return r->timed_out;
}

/* ---- the end of requests ---- */

/* The request is forgotten before 'done' is called. */
static void finish(struct casg_remote *r, size_t i, const struct casg_remote_reply *reply)
{
	struct open_request q = r->open[i];

	r->open[i] = r->open[--r->nopen];
	q.done(q.ctx, reply);
	free(q.name);
}

/* The helper is of no use any more: everything open fails. */
static void die(struct casg_remote *r, enum casg_remote_class class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void show_notes(struct casg_remote *r);

static void die(struct casg_remote *r, enum casg_remote_class class, const char *fmt, ...)
{
	struct casg_remote_reply reply = { .kind = CASG_ANSWER_ERROR, .class = class };
	va_list ap;

	if (r->dead)
		return;
	r->dead = 1;
	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	r->why_class = class;
	casg_remoteproc_kill(&r->proc);
	show_notes(r);
	reply.message = r->why;
	r->body_left = 0;
	casg_buf_reset(&r->out);
	r->out_at = 0;
	while (r->nopen)
		finish(r, 0, &reply);
}

static struct open_request *find(struct casg_remote *r, uint64_t tag)
{
	for (size_t i = 0; i < r->nopen; i++)
		if (r->open[i].tag == tag)
			return &r->open[i];
	return NULL;
}

/* ---- what the helper says ---- */

/* Is this a last answer that such a request may have? */
static int fits(const struct open_request *q, enum casg_remote_kind kind)
{
	switch (kind) {
	case CASG_ANSWER_ERROR:
		return 1;
	case CASG_ANSWER_YES:
		return q->op == CASG_REMOTE_HAVE;
	case CASG_ANSWER_NO:
		return q->op == CASG_REMOTE_HAVE || q->op == CASG_REMOTE_GET ||
		       q->op == CASG_REMOTE_DELETE || q->op == CASG_REMOTE_RESTORE;
	case CASG_ANSWER_SAME:
		return q->may_same && !q->taken;
	case CASG_ANSWER_EXISTS:
		return q->op == CASG_REMOTE_PUT_NEW;
	case CASG_ANSWER_DONE:
		return q->op != CASG_REMOTE_HAVE;
	default:
		return 0;
	}
}

static void data_begins(struct casg_remote *r, const struct casg_remote_answer *a)
{
	struct open_request *q = find(r, a->tag);

	if (!q || q->op != CASG_REMOTE_GET) {
		die(r, CASG_REMOTE_WRONG, "the helper sends data that nobody asked for");
	} else if (a->nbytes > q->max_nbytes - q->taken) {
		die(r, CASG_REMOTE_WRONG, "more than %llu bytes come of '%s'",
		    (unsigned long long)q->max_nbytes, q->name);
	} else {
		q->taken += a->nbytes;
		r->data_left = a->nbytes;
		r->data_tag = a->tag;
	}
}

static void take_entry(struct casg_remote *r, const struct casg_remote_answer *a)
{
	struct open_request *q = find(r, a->tag);

	if (!q || q->op != CASG_REMOTE_LIST || !casg_remote_in_prefix(a->name, q->name)) {
		die(r, CASG_REMOTE_WRONG, "the helper lists '%s', which nobody asked for", a->name);
		return;
	}
	q->nentries++;
	if (!q->unwanted && q->entry && q->entry(q->ctx, a->name, a->nbytes))
		q->unwanted = 1;
}

static void take_last(struct casg_remote *r, const struct casg_remote_answer *a)
{
	struct casg_remote_reply reply = {
		.kind = a->kind, .nbytes = a->nbytes, .class = a->class, .message = a->message,
		.validator = strcmp(a->validator, "-") ? a->validator : NULL,
	};
	struct open_request *q = find(r, a->tag);

	if (!q || !fits(q, a->kind)) {
		die(r, CASG_REMOTE_WRONG, "the helper gives an answer that no request has");
		return;
	}
	if (a->kind == CASG_ANSWER_DONE && q->op == CASG_REMOTE_LIST && a->nbytes != q->nentries) {
		die(r, CASG_REMOTE_WRONG, "the helper lists %llu objects and says that it is %llu",
		    (unsigned long long)q->nentries, (unsigned long long)a->nbytes);
		return;
	}
	finish(r, (size_t)(q - r->open), &reply);
}

static void take_answer(struct casg_remote *r, const char *line, size_t n)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_remote_answer a;

	if (casg_remote_answer_parse(&a, line, n, &err))
		die(r, CASG_REMOTE_WRONG, "the helper does not keep to the protocol: %s", err.msg);
	else if (a.kind == CASG_ANSWER_DATA)
		data_begins(r, &a);
	else if (a.kind == CASG_ANSWER_ENTRY)
		take_entry(r, &a);
	else if (a.kind == CASG_ANSWER_BUSY && find(r, a.tag))
		; /* that it came is all that it says */
	else
		take_last(r, &a);
}

static void take_greeting(struct casg_remote *r, const char *line, size_t n)
{
	static const char magic[] = "casg-remote ";

	if (!r->greeted) {
		if (n != sizeof(magic) || memcmp(line, magic, n - 1) ||
		    line[n - 1] != '0' + CASG_REMOTE_VERSION) {
			die(r, CASG_REMOTE_WRONG, "the helper does not begin with '%s%d'", magic,
			    CASG_REMOTE_VERSION);
			return;
		}
	} else if (!n) {
		r->greeted = -1;
		return;
	} else {
		r->cans |= casg_remote_can_parse(line, n);
	}
	if (++r->greeted > GREETING_LINES)
		die(r, CASG_REMOTE_WRONG, "the helper's greeting has no end");
}

/* Everything that has come. */
static void digest_input(struct casg_remote *r)
{
	while (!r->dead && r->in_at < r->in_end) {
		const uint8_t *p = r->in + r->in_at, *eol;
		size_t n = r->in_end - r->in_at;

		if (r->data_left) {
			struct open_request *q = find(r, r->data_tag);

			if (n > r->data_left)
				n = (size_t)r->data_left;
			r->in_at += n;
			r->data_left -= n;
			if (!q->unwanted && q->sink && q->sink(q->ctx, p, n))
				q->unwanted = 1;
			continue;
		}
		eol = memchr(p, '\n', n < CASG_REMOTE_LINE_MAX ? n : CASG_REMOTE_LINE_MAX);
		if (!eol && n >= CASG_REMOTE_LINE_MAX)
			die(r, CASG_REMOTE_WRONG, "the helper sends a line of more than %u bytes",
			    CASG_REMOTE_LINE_MAX);
		if (!eol)
			break;
		r->in_at += (size_t)(eol - p) + 1;
		if (r->greeted >= 0)
			take_greeting(r, (const char *)p, (size_t)(eol - p));
		else
			take_answer(r, (const char *)p, (size_t)(eol - p));
	}
	if (r->in_at) {
		memmove(r->in, r->in + r->in_at, r->in_end - r->in_at);
		r->in_end -= r->in_at;
		r->in_at = 0;
	}
}

/* ---- moving bytes ---- */

static void give_note(struct casg_remote *r)
{
	if (r->note.len && r->note_fn)
		r->note_fn(r->note_ctx, casg_buf_cstr(&r->note));
	casg_buf_reset(&r->note);
}

static void take_note(struct casg_remote *r, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\n')
			give_note(r);
		else if (r->note.len < NOTE_MAX)
			casg_buf_addch(&r->note, c < 0x20 || c == 0x7f ? '?' : c);
	}
}

/* 0 at its end. */
static int read_notes(struct casg_remote *r)
{
	char some[4096];
	ssize_t got = read(r->proc.err_fd, some, sizeof(some));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	if (got > 0)
		take_note(r, some, (size_t)got);
	return got > 0;
}

/* What the helper has said before its end. */
static void show_notes(struct casg_remote *r)
{
	struct pollfd p = { .fd = r->proc.err_fd, .events = POLLIN };

	/* a child of its own may keep it open: no waiting */
	for (int i = 0; r->proc.err_fd >= 0 && i < 64 && poll(&p, 1, 0) > 0 && read_notes(r); i++)
		;
	give_note(r);
}

static void read_answers(struct casg_remote *r)
{
	ssize_t got = read(r->proc.out_fd, r->in + r->in_end, IN_SIZE - r->in_end);
	char how[64];

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		casg_remoteproc_end(&r->proc, how, sizeof(how));
		die(r, CASG_REMOTE_RETRY, "the helper ended early (%s)", how);
		return;
	}
	r->last_ms = now_ms();
	r->in_end += (size_t)got;
	digest_input(r);
}

/* The next bytes of the put under way into 'out'. */
static void more_body(struct casg_remote *r)
{
	size_t n = r->body_left < BODY_STEP ? (size_t)r->body_left : BODY_STEP;

	casg_buf_reset(&r->out);
	r->out_at = 0;
	if (casg_buf_grow(&r->out, n)) {
		die(r, CASG_REMOTE_REFUSED, "out of memory");
	} else if (r->source(r->source_ctx, r->out.data, n)) {
		die(r, CASG_REMOTE_REFUSED, "what is to be stored cannot be read");
	} else {
		r->out.len = n;
		r->body_left -= n;
	}
}

static int has_output(const struct casg_remote *r)
{
	return r->out_at < r->out.len || r->body_left;
}

static void write_requests(struct casg_remote *r)
{
	ssize_t put;

	if (r->out_at == r->out.len)
		more_body(r);
	if (r->dead)
		return;
	put = send(r->proc.in_fd, r->out.data + r->out_at, r->out.len - r->out_at,
		   MSG_NOSIGNAL | MSG_DONTWAIT);
	if (put < 0) {
		/* what it said before its end comes through read_answers */
		if (errno != EINTR && errno != EAGAIN) {
			r->body_left = 0;
			r->out_at = r->out.len;
		}
		return;
	}
	r->last_ms = now_ms();
	r->out_at += (size_t)put;
	if (r->out_at == r->out.len && !r->body_left) {
		casg_buf_reset(&r->out);
		r->out_at = 0;
	}
}

/* Wait for something to happen, and see to it. */
static void step(struct casg_remote *r)
{
	struct pollfd p[3] = {
		{ .fd = r->proc.out_fd, .events = POLLIN },
		{ .fd = has_output(r) ? r->proc.in_fd : -1, .events = POLLOUT },
		{ .fd = r->proc.err_fd, .events = POLLIN },
	};
	int64_t left = r->last_ms + r->patience_ms - now_ms();

	if (left <= 0) {
		r->timed_out = 1;
		die(r, CASG_REMOTE_RETRY, "the helper has said nothing for %lld seconds",
		    (long long)(r->patience_ms / 1000));
		return;
	}
	if (poll(p, 3, left > 10000 ? 10000 : (int)left) < 0 && errno != EINTR) {
		die(r, CASG_REMOTE_RETRY, "cannot wait for the helper: %s", strerror(errno));
		return;
	}
	if (p[2].revents && !read_notes(r)) {
		close(r->proc.err_fd);
		r->proc.err_fd = -1;
	}
	if (p[0].revents)
		read_answers(r);
	if (!r->dead && p[1].revents)
		write_requests(r);
}

void casg_remote_wait(struct casg_remote *r, unsigned n)
{
	while (!r->dead && r->nopen > n)
		step(r);
}

/* ---- asking ---- */

static int remember(struct casg_remote *r, const struct casg_remote_ask *a, uint64_t tag,
		    struct casg_err *err)
{
	struct open_request *q;

	if (CASG_GROW(r->open, r->nopen + 1, r->cap))
		return casg_err_nomem(err);
	q = &r->open[r->nopen];
	memset(q, 0, sizeof(*q));
	q->name = strdup(a->name);
	if (!q->name)
		return casg_err_nomem(err);
	q->tag = tag;
	q->op = a->op;
	q->max_nbytes = a->max_nbytes;
	q->may_same = a->if_validator != NULL;
	q->ctx = a->ctx;
	q->sink = a->sink;
	q->entry = a->entry;
	q->done = a->done;
	r->nopen++;
	return 0;
}

static int make_request(struct casg_remote *r, const struct casg_remote_ask *a,
			struct casg_err *err)
{
	struct casg_remote_request q = {
		.tag = r->next_tag, .op = a->op, .has_range = a->has_range,
		.has_last = a->has_last, .first = a->first, .last = a->last,
		.nbytes = a->nbytes,
	};

	if (strlen(a->name) > CASG_REMOTE_NAME_MAX ||
	    (a->if_validator && strlen(a->if_validator) > CASG_REMOTE_VALIDATOR_MAX))
		return casg_err_set(err, CASG_EBUG, "a name or validator that is too long");
	strcpy(q.name, a->name);
	if (a->if_validator)
		strcpy(q.if_validator, a->if_validator);
	if (a->sha256)
		q.sha256 = *a->sha256;
	return casg_remote_request_format(&r->out, &q, err);
}

int casg_remote_ask(struct casg_remote *r, const struct casg_remote_ask *a, struct casg_err *err)
{
	struct casg_remote_reply reply = { .kind = CASG_ANSWER_ERROR };
	int rc;

	/* the bytes of a put follow its line */
	while (!r->dead && (r->nopen >= r->max_open || r->body_left))
		step(r);
	if (r->dead) {
		reply.class = r->why_class;
		reply.message = r->why;
		a->done(a->ctx, &reply);
		return 0;
	}
	/* patience counts from here if nothing else is open */
	if (!r->nopen)
		r->last_ms = now_ms();
	rc = make_request(r, a, err);
	if (rc)
		return rc;
	rc = remember(r, a, r->next_tag, err);
	if (rc) {
		/* the line is there already, and would be answered */
		die(r, CASG_REMOTE_REFUSED, "out of memory");
		return rc;
	}
	r->next_tag++;
	if (a->op == CASG_REMOTE_PUT || a->op == CASG_REMOTE_PUT_NEW) {
		r->body_left = a->nbytes;
		r->source = a->source;
		r->source_ctx = a->ctx;
	}
	return 0;
}

/* ---- open, close ---- */

int casg_remote_open(struct casg_remote **remote_out, const char *url,
		     const struct casg_remote_opts *opts, struct casg_err *err)
{
	struct casg_remote *r = calloc(1, sizeof(*r));
	struct casg_buf shown = CASG_BUF_INIT;
	int rc;

	*remote_out = NULL;
	if (!r)
		return casg_err_nomem(err);
	casg_remoteproc_init(&r->proc);
	casg_remote_mask(&shown, url);
	casg_buf_addch(&shown, '\0');
	r->in = malloc(IN_SIZE);
	r->patience_ms = (int64_t)3000 * (opts->timeout ? opts->timeout : 60);
	r->max_open = opts->max_open ? opts->max_open : 16;
	r->next_tag = 1;
	r->note_fn = opts->note;
	r->note_ctx = opts->note_ctx;
	rc = shown.failed || !r->in ? casg_err_nomem(err) : 0;
	r->shown = (char *)casg_buf_detach(&shown, NULL);
	if (!rc)
		rc = casg_remoteproc_start(&r->proc, url, opts->exec_dir, err);
	r->last_ms = now_ms();
	while (!rc && !r->dead && r->greeted >= 0)
		step(r);
	if (!rc && r->dead)
		rc = casg_err_set(err, CASG_EIO, "%s", r->why);
	if (rc)
		casg_remote_close(r);
	else
		*remote_out = r;
	return rc;
}

void casg_remote_close(struct casg_remote *r)
{
	if (!r)
		return;
	if (r->nopen)
		die(r, CASG_REMOTE_RETRY, "the conversation was ended");
	casg_remoteproc_finish(&r->proc);
	show_notes(r);
	casg_remoteproc_release(&r->proc);
	free(r->open);
	free(r->in);
	free(r->shown);
	casg_buf_release(&r->out);
	casg_buf_release(&r->note);
	free(r);
}

/* ---- one at a time ---- */

struct single {
	struct casg_remote_result *result;
	struct casg_buf *out;     /* GET */
	const uint8_t *p;         /* PUT */
	casg_remote_entry_fn *entry;
	void *entry_ctx;
	int stopped, failed;      /* entry's return; out of memory */
};

static int single_sink(void *ctx, const uint8_t *p, size_t n)
{
	struct single *s = ctx;

	casg_buf_add(s->out, p, n);
	return s->out->failed;
}

static int single_source(void *ctx, uint8_t *p, size_t n)
{
	struct single *s = ctx;

	memcpy(p, s->p, n);
	s->p += n;
	return 0;
}

static int single_entry(void *ctx, const char *name, uint64_t nbytes)
{
	struct single *s = ctx;

	s->stopped = s->entry(s->entry_ctx, name, nbytes);
	return s->stopped;
}

static void single_done(void *ctx, const struct casg_remote_reply *reply)
{
	struct casg_remote_result *out = ((struct single *)ctx)->result;

	out->kind = reply->kind;
	out->nbytes = reply->nbytes;
	out->class = reply->class;
	snprintf(out->validator, sizeof(out->validator), "%s",
		 reply->validator ? reply->validator : "");
	snprintf(out->message, sizeof(out->message), "%s", reply->message ? reply->message : "");
}

/* Ask until there is an answer, or none is to be expected. */
static int single(struct casg_remote *r, struct casg_remote_ask *a, struct single *s,
		  struct casg_remote_result *result, struct casg_err *err)
{
	const uint8_t *p = s->p;
	size_t start = s->out ? s->out->len : 0;

	a->ctx = s;
	a->done = single_done;
	s->result = result;
	for (unsigned tries = 0;; tries++) {
		struct timespec pause = { .tv_sec = (time_t)tries };
		int rc;

		if (tries)
			nanosleep(&pause, NULL);
		if (s->out)
			s->out->len = start;
		s->p = p;
		memset(result, 0, sizeof(*result));
		rc = casg_remote_ask(r, a, err);
		if (rc)
			return rc;
		casg_remote_wait(r, 0);
		if (s->out && s->out->failed)
			return casg_err_nomem(err);
		if (result->kind != CASG_ANSWER_ERROR)
			return 0;
		if (result->class != CASG_REMOTE_RETRY || r->dead || tries == RETRIES)
			break;
	}
	return casg_err_set(err, result->class == CASG_REMOTE_WRONG ? CASG_ECORRUPT : CASG_EIO,
			    "%s: cannot %s '%s': %s", r->shown, casg_remote_op_name(a->op),
			    a->name, result->message);
}

int casg_remote_get(struct casg_remote *r, const char *name, const char *if_validator,
		    uint64_t max_nbytes, struct casg_buf *out,
		    struct casg_remote_result *result_out, struct casg_err *err)
{
	struct casg_remote_ask a = {
		.op = CASG_REMOTE_GET, .name = name, .max_nbytes = max_nbytes,
		.if_validator = r->cans & CASG_CAN_IF ? if_validator : NULL, .sink = single_sink,
	};
	struct single s = { .out = out };
	size_t start = out->len;
	int rc = single(r, &a, &s, result_out, err);

	if (!rc && result_out->kind == CASG_ANSWER_DONE && result_out->nbytes != out->len - start)
		rc = casg_err_set(err, CASG_ECORRUPT,
				  "%s: '%s' has %llu bytes, and %zu of them came", r->shown, name,
				  (unsigned long long)result_out->nbytes, out->len - start);
	if (rc)
		out->len = start;
	return rc;
}

int casg_remote_have(struct casg_remote *r, const char *name,
		     struct casg_remote_result *result_out, struct casg_err *err)
{
	struct casg_remote_ask a = { .op = CASG_REMOTE_HAVE, .name = name };
	struct single s = { 0 };

	return single(r, &a, &s, result_out, err);
}

int casg_remote_put(struct casg_remote *r, enum casg_remote_op op, const char *name,
		    const void *p, size_t n, struct casg_remote_result *result_out,
		    struct casg_err *err)
{
	struct casg_hasher *h = casg_hasher_new();
	struct casg_oid sha256;
	struct casg_remote_ask a = {
		.op = op, .name = name, .nbytes = n, .sha256 = &sha256, .source = single_source,
	};
	struct single s = { .p = p };

	if (!h)
		return casg_err_nomem(err);
	casg_hasher_digest(h, p, n, &sha256);
	casg_hasher_free(h);
	return single(r, &a, &s, result_out, err);
}

int casg_remote_list(struct casg_remote *r, const char *prefix, casg_remote_entry_fn *fn,
		     void *ctx, struct casg_err *err)
{
	struct casg_remote_ask a = {
		.op = CASG_REMOTE_LIST, .name = prefix, .entry = single_entry,
	};
	struct single s = { .entry = fn, .entry_ctx = ctx };
	struct casg_remote_result result;
	int rc = single(r, &a, &s, &result, err);

	if (!rc && s.stopped)
		rc = casg_err_nomem(err);
	return rc;
}

int casg_remote_delete(struct casg_remote *r, const char *name,
		       struct casg_remote_result *result_out, struct casg_err *err)
{
	struct casg_remote_ask a = { .op = CASG_REMOTE_DELETE, .name = name };
	struct single s = { 0 };

	return single(r, &a, &s, result_out, err);
}
