/*
 * casg-remote-faulty - a storage that lies, stops and breaks.
 *
 *	casg-remote-faulty faulty:FAULT:file:///PATH
 *	casg-remote-faulty faulty://FAULT/PATH
 *
 * As casg-remote-file, but for packs/, where FAULT is one of
 *
 *	short    half of the bytes, and done
 *	flip     one bit is another
 *	cut      half of the bytes, and the helper ends with status 1
 *	die      it ends when it is asked
 *	hang     half of the bytes, and no more
 *	mute     no answer at all
 *	junk     a line that is none
 *	more     more bytes than were asked for
 *	size     another size in the last answer
 *	once     the first request for each ends halfway with 'retry'
 *	retry    always 'retry'
 *	denied   always 'denied'
 *	busy     it takes four seconds, and says each second that it is at work
 *	greet    it does not begin as it must
 *	full     there is no room for a put
 *
 * Those with half of the bytes stop halfway through a put as well.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "io.h"
#include "oidset.h"
#include "remotefile.h"

static const char *const usage[] = { "URL", NULL };
static const struct casg_opt no_opts[] = { { .type = CASG_OPT_END } };

static char fault[32];
static struct casg_oidset seen = CASG_OIDSET_INIT;

static int is(const char *what)
{
	return !strcmp(fault, what);
}

/* Until whoever waits for us ends us, or ends. */
static void hang(struct casg_serve *s, struct casg_err *err)
{
	struct pollfd p = { .fd = 0, .events = POLLRDHUP };

	casg_serve_flush(s, err);
	poll(&p, 1, 1000000);
	exit(1);
}

/* Is it the first time that this object is asked for? */
static int first_time(const struct casg_remote_request *r)
{
	struct casg_hasher *h = casg_hasher_new();
	struct casg_oid id;
	int added;

	casg_hasher_digest(h, r->name, strlen(r->name), &id);
	casg_hasher_free(h);
	added = casg_oidset_add(&seen, &id, NULL);
	return added == 1;
}

static int faulty_get(struct casg_remotefile *f, struct casg_serve *s,
		      const struct casg_remote_request *r, struct casg_err *err)
{
	struct casg_buf b = CASG_BUF_INIT, path = CASG_BUF_INIT;
	size_t first = 0, n;
	int rc;

	casg_buf_addf(&path, "%s/%s", f->path, r->name);
	rc = casg_read_file(casg_buf_cstr(&path), 1 << 30, &b, err);
	if (rc == CASG_EABSENT) {
		casg_serve_say(s, r->tag, CASG_ANSWER_NO);
		return 0;
	}
	if (rc)
		return rc;
	if (r->has_range)
		first = r->first < b.len ? (size_t)r->first : b.len;
	n = b.len - first;
	if (is("flip") && n)
		b.data[first + n / 2] ^= 1;
	casg_serve_data(s, r->tag, b.data + first, is("flip") || is("size") || is("more") ? n : n / 2);
	if (is("more"))
		casg_serve_data(s, r->tag, "more", 4);
	if (is("hang"))
		hang(s, err);
	if (is("cut")) {
		casg_serve_flush(s, err);
		exit(1);
	}
	if (is("once"))
		casg_serve_error(s, r->tag, CASG_REMOTE_RETRY, "it broke off halfway");
	else
		casg_serve_done(s, r->tag, is("size") ? b.len + 1 : b.len, NULL);
	casg_buf_release(&b);
	casg_buf_release(&path);
	return 0;
}

/* The faults that do not depend on what was asked; 1: it is done with. */
static int fails_anyway(struct casg_serve *s, const struct casg_remote_request *r,
			struct casg_err *err)
{
	if (is("die"))
		exit(1);
	if (is("mute"))
		hang(s, err);
	if (is("junk")) {
		casg_serve_flush(s, err);
		casg_write_full(1, "HTTP/1.1 200 OK\n", 16, err);
	} else if (is("retry")) {
		casg_serve_error(s, r->tag, CASG_REMOTE_RETRY, "not now");
	} else if (is("denied")) {
		casg_serve_error(s, r->tag, CASG_REMOTE_DENIED, "the token has expired");
	} else {
		return 0;
	}
	return 1;
}

static void dawdle(struct casg_serve *s, const struct casg_remote_request *r,
		   struct casg_err *err)
{
	for (int i = 0; i < 4; i++) {
		casg_serve_say(s, r->tag, CASG_ANSWER_BUSY);
		casg_serve_flush(s, err);
		sleep(1);
	}
}

static int get(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
	       struct casg_err *err)
{
	if (is("busy") && !strncmp(r->name, "packs/", 6))
		dawdle(s, r, err);
	if (strncmp(r->name, "packs/", 6) || is("busy"))
		return casg_remotefile_ops.get(ctx, s, r, err);
	if (is("once") && !first_time(r))
		return casg_remotefile_ops.get(ctx, s, r, err);
	if (fails_anyway(s, r, err))
		return 0;
	return faulty_get(ctx, s, r, err);
}

/* Half of the bytes of a put. */
static void take_half(struct casg_serve *s, const struct casg_remote_request *r,
		      struct casg_err *err)
{
	static uint8_t block[4096];
	uint64_t left = r->nbytes / 2;

	while (left) {
		long got = casg_serve_body(s, CASG_SERVE_WAIT, block,
					   left < sizeof(block) ? (size_t)left : sizeof(block), err);

		if (got <= 0)
			exit(1);
		left -= (uint64_t)got;
	}
}

static int put(void *ctx, struct casg_serve *s, const struct casg_remote_request *r,
	       struct casg_err *err)
{
	if (strncmp(r->name, "packs/", 6))
		return casg_remotefile_ops.put(ctx, s, r, err);
	if (is("once") && first_time(r)) {
		casg_serve_error(s, r->tag, CASG_REMOTE_RETRY, "it broke off");
		return 0;
	}
	if (is("full")) {
		casg_serve_error(s, r->tag, CASG_REMOTE_REFUSED, "No space left on device");
		return 0;
	}
	if (is("cut") || is("hang"))
		take_half(s, r, err);
	if (is("cut"))
		exit(1);
	if (is("hang"))
		hang(s, err);
	return fails_anyway(s, r, err) ? 0 : casg_remotefile_ops.put(ctx, s, r, err);
}

/* FAULT, and the URL of the folder. */
static void split(const char *url, struct casg_buf *folder)
{
	const char *from = strchr(url, ':'), *to;
	int slashes = from && !strncmp(from, "://", 3);

	from = from ? from + (slashes ? 3 : 1) : url;
	to = from + strcspn(from, slashes ? "/" : ":");
	if (!*to || to == from || to - from >= (long)sizeof(fault))
		casg_die("bad URL '%s'", url);
	memcpy(fault, from, (size_t)(to - from));
	casg_buf_addf(folder, "%s%s", slashes ? "file://" : "", slashes ? to : to + 1);
}

static int run(int argc, char **argv)
{
	struct casg_serve_ops ops = casg_remotefile_ops;
	struct casg_serve *s = casg_serve_new(0, 1);
	struct casg_buf folder = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_remotefile f;

	(void)argc;
	if (!s)
		casg_die("out of memory");
	split(argv[0], &folder);
	if (is("greet")) {
		casg_write_full(1, "hello\n", 6, &err);
		return CASG_EXIT_YES;
	}
	ops.get = get;
	ops.put = put;
	if (casg_remotefile_open(&f, casg_buf_cstr(&folder), &err) ||
	    casg_serve_loop(s, &ops, &f, &err))
		casg_die_err(&err);
	casg_remotefile_close(&f);
	casg_serve_free(s);
	casg_oidset_release(&seen);
	casg_buf_release(&folder);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-remote-faulty", usage, no_opts, 1, 1, run };
