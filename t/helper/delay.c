/*
 * casg-delay - a server that is far away: a proxy before one that is near.
 *
 *	casg-delay MS PORT
 *
 * Listens on a free port of 127.0.0.1, prints it, and passes on what comes to
 * PORT, until its standard input ends.  A connection takes MS milliseconds to
 * be made, and what is sent half of that in each direction: MS for a question
 * and its answer.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "io.h"

static const char *const usage[] = { "MS PORT", NULL };
static const struct casg_opt no_opts[] = { { .type = CASG_OPT_END } };

/* What was read, and when it is to be there. */
struct block {
	int64_t due_us;
	size_t n;
	struct block *next;
	char p[];
};

struct way {
	int from, to;
	struct block *first, **last;
	int ended;
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void take(struct way *w, int64_t due)
{
	static char some[65536];
	ssize_t n = read(w->from, some, sizeof(some));
	struct block *b;

	if (n <= 0) {
		w->ended = 1;
		return;
	}
	b = malloc(sizeof(*b) + (size_t)n);
	if (!b)
		casg_die("out of memory");
	memcpy(b->p, some, (size_t)n);
	b->n = (size_t)n;
	b->due_us = due;
	b->next = NULL;
	*w->last = b;
	w->last = &b->next;
}

/* Pass on what is due; the time of the next, or INT64_MAX. */
static int64_t give(struct way *w)
{
	while (w->first && w->first->due_us <= now_us()) {
		struct block *b = w->first;

		if (casg_write_full(w->to, b->p, b->n, NULL))
			exit(0);
		w->first = b->next;
		if (!w->first)
			w->last = &w->first;
		free(b);
	}
	if (w->ended && !w->first) {
		shutdown(w->to, SHUT_WR);
		w->ended = 2;
	}
	return w->first ? w->first->due_us : INT64_MAX;
}

static void relay(int a, int b, int64_t delay_us)
{
	struct way ways[2] = { { .from = a, .to = b }, { .from = b, .to = a } };
	int64_t made = now_us() + delay_us;

	ways[0].last = &ways[0].first;
	ways[1].last = &ways[1].first;
	while (ways[0].ended != 2 || ways[1].ended != 2) {
		int64_t next = INT64_MAX, now;
		struct pollfd p[2];
		struct timespec t;

		for (int i = 0; i < 2; i++) {
			int64_t due = give(&ways[i]);

			next = due < next ? due : next;
			p[i] = (struct pollfd){ .fd = ways[i].ended ? -1 : ways[i].from, .events = POLLIN };
		}
		now = now_us();
		next = next == INT64_MAX ? 1000000 : next > now ? next - now : 0;
		t = (struct timespec){ .tv_sec = next / 1000000, .tv_nsec = next % 1000000 * 1000 };
		ppoll(p, 2, &t, NULL);
		for (int i = 0; i < 2; i++)
			if (p[i].revents) {
				int64_t due = now_us() + delay_us / 2;

				take(&ways[i], due > made ? due : made);
			}
	}
}

static int connect_to(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof(a)))
		exit(1);
	return s;
}

static int run(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd p[2] = { { .fd = s, .events = POLLIN }, { .fd = 0, .events = POLLIN } };

	(void)argc;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 64) ||
	    getsockname(s, (struct sockaddr *)&a, &n))
		casg_die("cannot listen");
	printf("%d\n", ntohs(a.sin_port));
	casg_out_flush();
	while (poll(p, 2, -1) > 0 && !p[1].revents) {
		int fd = accept(s, NULL, NULL);

		if (fd >= 0 && !fork()) {
			relay(fd, connect_to(atoi(argv[1])), (int64_t)atoi(argv[0]) * 1000);
			_exit(0);
		}
		if (fd >= 0)
			close(fd);
	}
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-delay", usage, no_opts, 2, 2, run };
