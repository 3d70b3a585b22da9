/*
 * casg-http-faulty - a web server that lies, stops and breaks.
 *
 *	casg-http-faulty DIR
 *
 * Listens on a free port of 127.0.0.1, prints it, and serves the files of DIR
 * as /FAULT/NAME until its standard input ends, a request a connection.
 * Requests are noted on standard error.  FAULT is one of
 *
 *	good     as it should be, without ranges
 *	short    half of the bytes that it announces
 *	reset    the same, and the connection is reset
 *	silent   the head, and then nothing
 *	once     the first request for each name is answered 503
 *	later    the first request for each name is answered 429, Retry-After: 1
 *	range    another range than was asked for
 *	gzip     says that it is encoded
 *	stale    always the same validator
 *	junk     no HTTP at all
 *	head     a head without an end
 *	endless  a body without an end, and no length
 *	304      not modified, whatever was asked
 *	204      no content
 *	sNNN-CODE  the status NNN, and what S3 says with it: slow-down is SlowDown
 *	xNNN-CODE  the same, but only for packs
 *	lost     says 201 to a put, and stores nothing
 *	drop     the connection is reset in the middle of a put
 *	skew     a clock that is years behind, and 403
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "io.h"

static const char *const usage[] = { "DIR", NULL };
static const struct casg_opt no_opts[] = { { .type = CASG_OPT_END } };

static char seen[64][600]; /* paths that were asked for */
static int nseen;

static int first_time(const char *path)
{
	for (int i = 0; i < nseen; i++)
		if (!strcmp(seen[i], path))
			return 0;
	if (nseen < 64)
		snprintf(seen[nseen++], sizeof(seen[0]), "%s", path);
	return 1;
}

static void say(int fd, const char *text)
{
	casg_write_full(fd, text, strlen(text), NULL);
}

static void reset(int fd)
{
	struct linger now = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void endless(int fd)
{
	static char block[65536];

	say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	while (!casg_write_full(fd, block, sizeof(block), NULL))
		;
}

static void serve_file(int fd, const char *fault, const struct casg_buf *b, int head)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = b->len;

	casg_buf_addf(&out, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n",
		      strcmp(fault, "range") ? "200 OK" : "206 Partial Content", n);
	casg_buf_addf(&out, "ETag: \"%zu\"\r\n", strcmp(fault, "stale") ? n : (size_t)1);
	if (!strcmp(fault, "range"))
		casg_buf_addf(&out, "Content-Range: bytes 0-%zu/%zu\r\n", n - 1, n);
	if (!strcmp(fault, "gzip"))
		casg_buf_addstr(&out, "Content-Encoding: gzip\r\n");
	casg_buf_addstr(&out, "\r\n");
	if (!strcmp(fault, "short") || !strcmp(fault, "reset"))
		n /= 2;
	if (!head && strcmp(fault, "silent"))
		casg_buf_add(&out, b->data, n);
	casg_write_full(fd, out.data, out.len, NULL);
	if (!strcmp(fault, "reset"))
		reset(fd);
	if (!strcmp(fault, "silent"))
		poll(&p, 1, 20000);
	casg_buf_release(&out);
}

/* "slow-down" as "SlowDown". */
static void add_code(struct casg_buf *out, const char *s)
{
	int up = 1;

	for (; *s; s++) {
		if (*s != '-')
			casg_buf_addch(out, up && *s >= 'a' && *s <= 'z' ? *s - 32 : *s);
		up = *s == '-';
	}
}

static void answer_status(int fd, const char *fault, int head)
{
	struct casg_buf out = CASG_BUF_INIT, body = CASG_BUF_INIT;

	casg_buf_addstr(&body, "<?xml version=\"1.0\"?><Error><Code>");
	add_code(&body, fault + 5);
	casg_buf_addstr(&body, "</Code><Message>hush</Message></Error>");
	casg_buf_addf(&out, "HTTP/1.1 %.3s No\r\nContent-Type: application/xml\r\nContent-Length: %zu\r\n"
		      "Connection: close\r\n\r\n", fault + 1, body.len);
	if (!head)
		casg_buf_add(&out, body.data, body.len);
	casg_write_full(fd, out.data, out.len, NULL);
	casg_buf_release(&out);
	casg_buf_release(&body);
}

static int is_status(const char *fault, const char *name)
{
	return strlen(fault) > 5 && strspn(fault + 1, "0123456789") == 3 && fault[4] == '-' &&
	       (*fault == 's' || (*fault == 'x' && strstr(name, "packs/")));
}

static void answer(int fd, const char *dir, const char *method, const char *fault,
		   const char *name)
{
	struct casg_buf b = CASG_BUF_INIT, path = CASG_BUF_INIT;
	char key[600];

	casg_buf_addf(&path, "%s/%s", dir, name);
	snprintf(key, sizeof(key), "%s %s", fault, name);
	if (is_status(fault, name))
		answer_status(fd, fault, !strcmp(method, "HEAD"));
	else if (!strcmp(fault, "skew"))
		say(fd, "HTTP/1.1 403 No\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n");
	else if (!strcmp(fault, "once") && first_time(key))
		say(fd, "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n");
	else if (!strcmp(fault, "later") && first_time(key))
		say(fd, "HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
	else if (!strcmp(fault, "junk"))
		say(fd, "220 mail.example.org ESMTP\r\n");
	else if (!strcmp(fault, "304"))
		say(fd, "HTTP/1.1 304 Not Modified\r\n\r\n");
	else if (!strcmp(fault, "204"))
		say(fd, "HTTP/1.1 204 No Content\r\n\r\n");
	else if (!strcmp(fault, "endless"))
		endless(fd);
	else if (!strcmp(fault, "head"))
		for (int i = 0; i < 4000; i++)
			say(fd, i ? "X-More: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" : "HTTP/1.1 200 OK\r\n");
	else if (casg_read_file(casg_buf_cstr(&path), 1 << 26, &b, NULL))
		say(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	else
		serve_file(fd, fault, &b, !strcmp(method, "HEAD"));
	casg_buf_release(&b);
	casg_buf_release(&path);
}

/* Read what follows the head, so that the answer is not lost with a reset. */
static void drain(int fd, const char *request, size_t n, int half)
{
	const char *length = strcasestr(request, "\r\ncontent-length:");
	const char *body = strstr(request, "\r\n\r\n");
	long long left = length && body ? atoll(length + 17) - (long long)(n - (size_t)(body + 4 - request)) : 0;
	static char block[65536];
	ssize_t got;

	if (half)
		left /= 2;
	if (left > 0 && strcasestr(request, "100-continue"))
		say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	while (left > 0 && (got = read(fd, block, sizeof(block))) > 0)
		left -= got;
}

static void serve(int fd, const char *dir)
{
	char request[8192], method[16], fault[32], name[512];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(request) - 1 && (got = read(fd, request + n, sizeof(request) - 1 - n)) > 0) {
		n += (size_t)got;
		request[n] = '\0';
		if (strstr(request, "\r\n\r\n"))
			break;
	}
	request[n] = '\0';
	if (sscanf(request, "%15s /%31[^/]/%511s", method, fault, name) != 3)
		return;
	fprintf(stderr, "%s %s %s\n", method, fault, name);
	if (!strcmp(method, "PUT") && !strcmp(fault, "drop")) {
		drain(fd, request, n, 1);
		reset(fd);
		return;
	}
	drain(fd, request, n, 0);
	if (!strcmp(method, "PUT") && !strcmp(fault, "lost")) {
		say(fd, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
		return;
	}
	answer(fd, dir, method, fault, name);
}

static int run(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd p[2] = { { .fd = s, .events = POLLIN }, { .fd = 0, .events = POLLIN } };

	(void)argc;
	signal(SIGPIPE, SIG_IGN);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 64) ||
	    getsockname(s, (struct sockaddr *)&a, &n))
		casg_die("cannot listen");
	printf("%d\n", ntohs(a.sin_port));
	casg_out_flush();
	while (poll(p, 2, -1) > 0 && !p[1].revents) {
		int fd = accept(s, NULL, NULL);

		if (fd < 0)
			continue;
		serve(fd, argv[0]);
		close(fd);
	}
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-http-faulty", usage, no_opts, 1, 1, run };
