#include "clitrace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"

enum { DEPTH_MAX = 16 };

static struct {
	int fd, perf_fd;  /* -1: off */
	double start;
	double enter[DEPTH_MAX];
	int depth;
} trace = { -1, -1, 0, { 0 }, 0 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int target(const char *name)
{
	const char *v = getenv(name);

	if (!v || !*v || !strcmp(v, "0") || !strcmp(v, "false"))
		return -1;
	if (!strcmp(v, "1") || !strcmp(v, "true"))
		return 2;
	if (v[0] >= '2' && v[0] <= '9' && !v[1])
		return v[0] - '0';
	if (v[0] == '/') {
		int fd = open(v, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

		if (fd < 0)
			fprintf(stderr, "warning: %s: cannot open '%s': %s\n", name, v,
				strerror(errno));
		return fd;
	}
	fprintf(stderr, "warning: %s: '%s' is neither a descriptor from 1 to 9 nor an absolute path\n", name, v);
	return -1;
}

/* One write a line: several programs of a pipeline share the file. */
static void line(int fd, const char *event, double region, const char *text, size_t n)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct timespec t;
	struct tm tm;
	char stamp[32];

	if (fd < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	casg_buf_addf(&b, "%s.%06ldZ\t%ld\t%s\t%.6f\t", stamp, t.tv_nsec / 1000,
		      (long)getpid(), event, now() - trace.start);
	if (region < 0)
		casg_buf_addch(&b, '-');
	else
		casg_buf_addf(&b, "%.6f", region);
	casg_buf_addch(&b, '\t');
	for (size_t i = 0; i < n; i++) /* an argument may hold anything */
		casg_buf_addch(&b, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
	casg_buf_addch(&b, '\n');
	if (!b.failed)
		casg_write_full(fd, b.data, b.len, NULL);
	casg_buf_release(&b);
}

static void both(const char *event, double region, const char *text, size_t n)
{
	line(trace.fd, event, region, text, n);
	if (trace.perf_fd != trace.fd)
		line(trace.perf_fd, event, region, text, n);
}

void casg_trace_start(int argc, char **argv)
{
	struct casg_buf b = CASG_BUF_INIT;

	trace.start = now();
	trace.fd = target("CASG_TRACE");
	trace.perf_fd = target("CASG_TRACE_PERF");
	if (trace.fd < 0 && trace.perf_fd < 0)
		return;
	for (int i = 0; i < argc; i++)
		casg_buf_addf(&b, "%s%s", i ? " " : "", argv[i]);
	if (!b.failed)
		both("start", -1, (const char *)b.data, b.len);
	casg_buf_release(&b);
}

void casg_trace_exit(int status)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", status);

	if (trace.fd >= 0 || trace.perf_fd >= 0)
		both("exit", now() - trace.start, text, (size_t)n);
}

void casg_trace_enter(const char *name)
{
	if (trace.perf_fd < 0)
		return;
	if (trace.depth < DEPTH_MAX)
		trace.enter[trace.depth] = now();
	trace.depth++;
	line(trace.perf_fd, "enter", -1, name, strlen(name));
}

void casg_trace_leave(const char *name)
{
	if (trace.perf_fd < 0 || !trace.depth)
		return;
	trace.depth--;
	line(trace.perf_fd, "leave",
	     trace.depth < DEPTH_MAX ? now() - trace.enter[trace.depth] : -1, name,
	     strlen(name));
}

void casg_trace_count(const char *name, uint64_t value)
{
	char text[128];
	int n;

	if (trace.perf_fd < 0)
		return;
	n = snprintf(text, sizeof(text), "%s %" PRIu64, name, value);
	line(trace.perf_fd, "count", -1, text, (size_t)n);
}
