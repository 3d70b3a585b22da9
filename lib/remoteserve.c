#include "remoteserve.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

#define IN_SIZE ((size_t)256 << 10)
#define OUT_SIZE ((size_t)64 << 10)

struct casg_serve {
	int in_fd, out_fd;
	uint8_t *in;              /* IN_SIZE; bytes [in_at, in_end) are unread */
	size_t in_at, in_end;
	int eof;
	struct casg_buf out;
	int failed;               /* a write did: its class */
	struct casg_err why;
	uint64_t body_left;
	struct casg_oid sha256;   /* of the put, as its line has it */
	int body_good;
	struct casg_hasher *hasher;
};

struct casg_serve *casg_serve_new(int in_fd, int out_fd)
{
	struct casg_serve *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->in_fd = in_fd;
	s->out_fd = out_fd;
	s->in = malloc(IN_SIZE);
	s->hasher = casg_hasher_new();
	if (!s->in || !s->hasher) {
		casg_serve_free(s);
		return NULL;
	}
	return s;
}

void casg_serve_free(struct casg_serve *s)
{
	if (!s)
		return;
	free(s->in);
	casg_buf_release(&s->out);
	casg_hasher_free(s->hasher);
	free(s);
}

int casg_serve_fd(const struct casg_serve *s)
{
	return s->in_fd;
}

/* ---- output ---- */

static void flush(struct casg_serve *s)
{
	if (!s->failed)
		s->failed = s->out.failed ? casg_err_nomem(&s->why) :
			    casg_write_full(s->out_fd, s->out.data, s->out.len, &s->why);
	casg_buf_reset(&s->out);
}

int casg_serve_flush(struct casg_serve *s, struct casg_err *err)
{
	flush(s);
	if (s->failed)
		return casg_err_set(err, s->failed, "cannot write an answer: %s", s->why.msg);
	return 0;
}

static void answer(struct casg_serve *s, const struct casg_remote_answer *a)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_remote_answer_format(&s->out, a, &err) && !s->failed) {
		s->failed = err.code;
		s->why = err;
	}
	if (s->out.len >= OUT_SIZE)
		flush(s);
}

/* One that does not fit its field is none. */
static void set_validator(struct casg_remote_answer *a, const char *validator)
{
	if (validator && strlen(validator) <= CASG_REMOTE_VALIDATOR_MAX)
		strcpy(a->validator, validator);
}

void casg_serve_yes(struct casg_serve *s, uint64_t tag, uint64_t nbytes, const char *validator)
{
	struct casg_remote_answer a = { .tag = tag, .kind = CASG_ANSWER_YES, .nbytes = nbytes };

	set_validator(&a, validator);
	answer(s, &a);
}

void casg_serve_done(struct casg_serve *s, uint64_t tag, uint64_t nbytes, const char *validator)
{
	struct casg_remote_answer a = { .tag = tag, .kind = CASG_ANSWER_DONE, .nbytes = nbytes };

	set_validator(&a, validator);
	answer(s, &a);
}

void casg_serve_entry(struct casg_serve *s, uint64_t tag, const char *name, uint64_t nbytes)
{
	struct casg_remote_answer a = { .tag = tag, .kind = CASG_ANSWER_ENTRY, .nbytes = nbytes };

	snprintf(a.name, sizeof(a.name), "%s", name);
	answer(s, &a);
}

void casg_serve_say(struct casg_serve *s, uint64_t tag, enum casg_remote_kind kind)
{
	struct casg_remote_answer a = { .tag = tag, .kind = kind };

	answer(s, &a);
}

void casg_serve_error(struct casg_serve *s, uint64_t tag, enum casg_remote_class class,
		      const char *fmt, ...)
{
	struct casg_remote_answer a = { .tag = tag, .kind = CASG_ANSWER_ERROR, .class = class };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a.message, sizeof(a.message), fmt, ap);
	va_end(ap);
	answer(s, &a);
}

void casg_serve_data(struct casg_serve *s, uint64_t tag, const void *p, size_t n)
{
	const uint8_t *at = p;

	while (n) {
		size_t step = n < CASG_REMOTE_BLOCK_MAX ? n : CASG_REMOTE_BLOCK_MAX;
		struct casg_remote_answer a = { .tag = tag, .kind = CASG_ANSWER_DATA,
						.nbytes = step };

		answer(s, &a);
		if (step < OUT_SIZE) {
			casg_buf_add(&s->out, at, step);
		} else {
			flush(s);
			if (!s->failed)
				s->failed = casg_write_full(s->out_fd, at, step, &s->why);
		}
		at += step;
		n -= step;
	}
	if (s->out.len >= OUT_SIZE)
		flush(s);
}

int casg_serve_hello(struct casg_serve *s, unsigned cans, struct casg_err *err)
{
	casg_buf_addf(&s->out, "casg-remote %d\n", CASG_REMOTE_VERSION);
	for (int i = 0; i < CASG_NCANS; i++)
		if (cans & 1u << i)
			casg_buf_addf(&s->out, "%s\n", casg_remote_can_name(i));
	casg_buf_addch(&s->out, '\n');
	return casg_serve_flush(s, err);
}

/* ---- input ---- */

/* Read more: 1, 0 at the end, CASG_SERVE_LATER, negative. */
static int fill(struct casg_serve *s, enum casg_serve_wait wait, struct casg_err *err)
{
	struct pollfd p = { .fd = s->in_fd, .events = POLLIN };
	ssize_t got;
	int rc;

	if (s->eof)
		return 0;
	if (s->in_at) {
		memmove(s->in, s->in + s->in_at, s->in_end - s->in_at);
		s->in_end -= s->in_at;
		s->in_at = 0;
	}
	if (poll(&p, 1, 0) == 0) {
		if (wait == CASG_SERVE_POLL)
			return CASG_SERVE_LATER;
		rc = casg_serve_flush(s, err);
		if (rc)
			return rc;
	}
	do
		got = read(s->in_fd, s->in + s->in_end, IN_SIZE - s->in_end);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return casg_err_sys(err, errno, "cannot read a request");
	s->in_end += (size_t)got;
	s->eof = !got;
	return got > 0;
}

static int cut_short(struct casg_err *err)
{
	return casg_err_set(err, CASG_ECORRUPT, "the input ends inside the bytes of a put");
}

long casg_serve_body(struct casg_serve *s, enum casg_serve_wait wait, void *buf, size_t n,
		     struct casg_err *err)
{
	if (n > s->body_left)
		n = (size_t)s->body_left;
	if (!n)
		return 0;
	if (s->in_at == s->in_end) {
		int rc = fill(s, wait, err);

		if (rc == CASG_SERVE_LATER)
			return CASG_SERVE_LATER_BODY;
		if (rc <= 0)
			return rc ? rc : cut_short(err);
	}
	if (n > s->in_end - s->in_at)
		n = s->in_end - s->in_at;
	memcpy(buf, s->in + s->in_at, n);
	casg_hasher_update(s->hasher, buf, n);
	s->in_at += n;
	s->body_left -= n;
	if (!s->body_left) {
		struct casg_oid id;

		casg_hasher_final(s->hasher, &id);
		s->body_good = casg_oid_eq(&id, &s->sha256);
	}
	return (long)n;
}

int casg_serve_body_good(struct casg_serve *s)
{
	return !s->body_left && s->body_good;
}

static void begin_body(struct casg_serve *s, const struct casg_remote_request *r)
{
	struct casg_oid id;

	s->body_left = r->nbytes;
	s->sha256 = r->sha256;
	casg_hasher_init(s->hasher);
	if (!r->nbytes) {
		casg_hasher_final(s->hasher, &id);
		s->body_good = casg_oid_eq(&id, &s->sha256);
	}
}

/* 1 nothing left, or as fill. */
static int pass_body(struct casg_serve *s, enum casg_serve_wait wait, struct casg_err *err)
{
	while (s->body_left) {
		size_t n = s->in_end - s->in_at;

		if (!n) {
			int rc = fill(s, wait, err);

			if (rc != 1)
				return rc ? rc : cut_short(err);
			n = s->in_end - s->in_at;
		}
		if (n > s->body_left)
			n = (size_t)s->body_left;
		s->in_at += n;
		s->body_left -= n;
	}
	return 1;
}

int casg_serve_next(struct casg_serve *s, enum casg_serve_wait wait,
		    struct casg_remote_request *r, struct casg_err *err)
{
	int rc = pass_body(s, wait, err);

	while (rc == 1) {
		const char *line = (char *)s->in + s->in_at;
		size_t n = s->in_end - s->in_at;
		const char *eol = memchr(line, '\n', n < CASG_REMOTE_LINE_MAX ? n :
						       CASG_REMOTE_LINE_MAX);

		if (eol) {
			n = (size_t)(eol - line);
			s->in_at += n + 1;
			if (!n)
				return 0;
			rc = casg_remote_request_parse(r, line, n, err);
			if (rc)
				return rc;
			if (r->op == CASG_REMOTE_PUT || r->op == CASG_REMOTE_PUT_NEW)
				begin_body(s, r);
			return 1;
		}
		if (n >= CASG_REMOTE_LINE_MAX)
			return casg_err_set(err, CASG_ECORRUPT, "a line of more than %u bytes",
					    CASG_REMOTE_LINE_MAX);
		rc = fill(s, wait, err);
		if (!rc && n)
			return casg_err_set(err, CASG_ECORRUPT, "the input ends inside a line");
	}
	return rc;
}

/* ---- one after the other ---- */

static casg_serve_fn *function(const struct casg_serve_ops *ops,
			       const struct casg_remote_request *r)
{
	switch (r->op) {
	case CASG_REMOTE_HAVE:
		return ops->cans & CASG_CAN_HAVE ? ops->have : NULL;
	case CASG_REMOTE_GET:
		if ((r->has_range && !(ops->cans & CASG_CAN_RANGE)) ||
		    (*r->if_validator && !(ops->cans & CASG_CAN_IF)))
			return NULL;
		return ops->cans & CASG_CAN_GET ? ops->get : NULL;
	case CASG_REMOTE_PUT:
		return ops->cans & CASG_CAN_PUT ? ops->put : NULL;
	case CASG_REMOTE_PUT_NEW:
		return ops->cans & CASG_CAN_PUT_NEW ? ops->put : NULL;
	case CASG_REMOTE_LIST:
		return ops->cans & CASG_CAN_LIST ? ops->list : NULL;
	case CASG_REMOTE_DELETE:
		return ops->cans & CASG_CAN_DELETE ? ops->delete : NULL;
	default:
		return NULL;
	}
}

int casg_serve_loop(struct casg_serve *s, const struct casg_serve_ops *ops, void *ctx,
		    struct casg_err *err)
{
	struct casg_remote_request r;
	int rc = casg_serve_hello(s, ops->cans, err);

	while (!rc && (rc = casg_serve_next(s, CASG_SERVE_WAIT, &r, err)) == 1) {
		casg_serve_fn *fn = function(ops, &r);

		rc = 0;
		if (fn)
			rc = fn(ctx, s, &r, err);
		else
			casg_serve_error(s, r.tag, CASG_REMOTE_REFUSED, "this storage cannot %s%s",
					 casg_remote_op_name(r.op),
					 r.has_range || *r.if_validator ? " in that way" : "");
		if (!rc && s->failed)
			rc = casg_serve_flush(s, err);
	}
	return rc < 0 ? rc : casg_serve_flush(s, err);
}
