#include "packsend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

/* Up to here a pack is sent unasked: put-new says if it is there. */
#define SMALL ((uint64_t)4 << 20)
#define TRIES 3

struct casg_packsend {
	struct casg_packsend_opts o;
	struct casg_remote *remote; /* or NULL */
	/* the pack under way */
	const struct casg_oid *id;
	uint64_t nbytes;
	char name[32 + CASG_OID_HEXSZ];
	int fd;
	uint64_t at;
	int read_error;
	/* what was answered last */
	enum casg_remote_kind kind;
	enum casg_remote_class class;
	char message[CASG_REMOTE_MESSAGE_MAX + 1];
};

struct casg_packsend *casg_packsend_new(const struct casg_packsend_opts *opts)
{
	struct casg_packsend *s = calloc(1, sizeof(*s));

	if (s) {
		s->o = *opts;
		s->fd = -1;
	}
	return s;
}

void casg_packsend_free(struct casg_packsend *s)
{
	if (!s)
		return;
	casg_remote_close(s->remote);
	free(s);
}

/* The helper; another one when it has broken.  NULL: it has been said. */
static struct casg_remote *remote_of(struct casg_packsend *s)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf shown = CASG_BUF_INIT;

	if (s->remote && casg_remote_is_dead(s->remote)) {
		casg_remote_close(s->remote);
		s->remote = NULL;
	}
	if (!s->remote && s->o.open(s->o.ctx, s->o.url, &s->remote, &err)) {
		s->remote = NULL;
		casg_remote_mask(&shown, s->o.url);
		s->o.complain(s->o.ctx, casg_buf_cstr(&shown), NULL, err.msg);
		casg_buf_release(&shown);
	}
	return s->remote;
}

static enum casg_packsend_outcome fail(struct casg_packsend *s, const char *what)
{
	s->o.complain(s->o.ctx, casg_remote_shown(s->remote), s->id, what);
	return CASG_PACKSEND_FAILED;
}

static void begin(struct casg_packsend *s, const struct casg_oid *id, uint64_t nbytes)
{
	char hex[CASG_OID_HEXSZ + 1];

	s->id = id;
	s->nbytes = nbytes;
	s->read_error = 0;
	snprintf(s->name, sizeof(s->name), "packs/pack-%s.pack", casg_oid_hex(id, hex));
}

static enum casg_packsend_outcome is_there(struct casg_packsend *s)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_remote_result got;
	char what[128];

	if (casg_remote_have(s->remote, s->name, &got, &err))
		return fail(s, got.message);
	if (got.kind == CASG_ANSWER_NO)
		return CASG_PACKSEND_LACKING;
	if (got.nbytes == s->nbytes)
		return CASG_PACKSEND_THERE;
	snprintf(what, sizeof(what), "what is there has %llu bytes, not %llu",
		 (unsigned long long)got.nbytes, (unsigned long long)s->nbytes);
	return fail(s, what);
}

enum casg_packsend_outcome casg_packsend_ask(struct casg_packsend *s, const struct casg_oid *id,
					     uint64_t nbytes)
{
	begin(s, id, nbytes);
	return remote_of(s) ? is_there(s) : CASG_PACKSEND_FAILED;
}

static int source(void *ctx, uint8_t *buf, size_t n)
{
	struct casg_packsend *s = ctx;
	struct casg_err err = CASG_ERR_INIT;
	size_t got;

	if (casg_pread_full(s->fd, buf, n, s->at, &got, &err) || got < n) {
		s->read_error = 1;
		return -1;
	}
	s->at += n;
	s->o.progress(s->o.ctx, n);
	return 0;
}

static void done(void *ctx, const struct casg_remote_reply *reply)
{
	struct casg_packsend *s = ctx;

	s->kind = reply->kind;
	s->class = reply->class;
	snprintf(s->message, sizeof(s->message), "%s", reply->message ? reply->message : "");
}

static void send_once(struct casg_packsend *s)
{
	struct casg_err err = CASG_ERR_INIT;
	const struct casg_remote_ask ask = {
		.op = casg_remote_cans(s->remote) & CASG_CAN_PUT_NEW ? CASG_REMOTE_PUT_NEW
								     : CASG_REMOTE_PUT,
		.name = s->name, .nbytes = s->nbytes, .sha256 = s->id, .ctx = s,
		.source = source, .done = done,
	};

	s->at = 0;
	if (casg_remote_ask(s->remote, &ask, &err)) {
		s->kind = CASG_ANSWER_ERROR;
		s->class = CASG_REMOTE_REFUSED;
		snprintf(s->message, sizeof(s->message), "%s", err.msg);
		return;
	}
	casg_remote_wait(s->remote, 0);
}

static enum casg_packsend_outcome send_open(struct casg_packsend *s)
{
	for (unsigned tries = 0; tries < TRIES; tries++) {
		struct timespec pause = { .tv_sec = tries / 2, .tv_nsec = tries % 2 * 500000000 };

		if (tries)
			nanosleep(&pause, NULL);
		if (!remote_of(s))
			return CASG_PACKSEND_FAILED;
		send_once(s);
		if (s->kind != CASG_ANSWER_ERROR || s->class != CASG_REMOTE_RETRY ||
		    casg_remote_timed_out(s->remote))
			break;
	}
	if (s->kind == CASG_ANSWER_DONE)
		return CASG_PACKSEND_SENT;
	if (s->kind == CASG_ANSWER_EXISTS) {
		enum casg_packsend_outcome o = is_there(s);

		return o == CASG_PACKSEND_LACKING ? fail(s, "it was there, and is gone") : o;
	}
	if (s->read_error)
		return fail(s, "its file cannot be read");
	return fail(s, s->message);
}

enum casg_packsend_outcome casg_packsend_file(struct casg_packsend *s, const struct casg_oid *id,
					      uint64_t nbytes, const char *path)
{
	enum casg_packsend_outcome o = CASG_PACKSEND_LACKING;
	char what[64];

	begin(s, id, nbytes);
	if (!remote_of(s))
		return CASG_PACKSEND_FAILED;
	if (nbytes > SMALL || !(casg_remote_cans(s->remote) & CASG_CAN_PUT_NEW))
		o = is_there(s);
	if (o != CASG_PACKSEND_LACKING)
		return o;
	if (s->o.before && s->o.before(s->o.ctx, s->remote, id))
		return CASG_PACKSEND_FAILED;
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0) {
		snprintf(what, sizeof(what), "cannot open its file: %s", strerror(errno));
		return fail(s, what);
	}
	o = send_open(s);
	close(s->fd);
	s->fd = -1;
	return o;
}
