/*
 * casg-peak - the memory of a command, all its processes together.
 *
 *	casg-peak FILE -- COMMAND [ARG...]
 *
 * Runs COMMAND in a session of its own and looks, every 50 ms, at what the
 * processes of that session have in memory (Linux' /proc).  FILE gets the largest
 * sums, in KiB, as "name value" lines:
 *
 *	anonymous   heaps and stacks, and what is shared without a file
 *	resident    that and pages of files that are mapped; a page that two
 *	            processes have counts for both
 *
 * then "processor" and the milliseconds of processor time of all of them, and behind them a line "at NAME ANONYMOUS RESIDENT" for each process that there
 * was when the first sum was largest, and one "most NAME ANONYMOUS RESIDENT" with
 * the two largest figures of each name of a program.  The exit status is that of COMMAND.
 */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static const char *const usage[] = { "FILE -- COMMAND [ARG...]", NULL };
static const struct casg_opt no_opts[] = { { .type = CASG_OPT_END } };

enum { EVERY_MS = 50, PROCESSES = 256, NAME_SIZE = 32 };

struct one {
	char name[NAME_SIZE];
	uint64_t anonymous, resident; /* KiB */
};

static struct one now[PROCESSES], at_peak[PROCESSES], most[PROCESSES];
static size_t nnow, npeak, nmost;
static uint64_t anonymous, resident;

/* The text of /proc/PID/<what>; 0 when the process is gone. */
static int slurp(const char *pid, const char *what, char *text, size_t size)
{
	char path[300];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, what);
	f = fopen(path, "r");
	if (!f)
		return 0;
	n = fread(text, 1, size - 1, f);
	fclose(f);
	text[n] = 0;
	return n > 0;
}

static uint64_t kib(const char *text, const char *field)
{
	const char *p = strstr(text, field);

	return p ? strtoull(p + strlen(field), NULL, 10) : 0;
}

/* Name, state, parent, group, session: the name may hold anything but NUL. */
static int is_of(const char *stat, pid_t session)
{
	const char *p = strrchr(stat, ')');
	int got;

	return p && sscanf(p + 1, " %*c %*d %*d %d", &got) == 1 && got == (int)session;
}

static void add(const char *text)
{
	struct one *o = &now[nnow];

	if (nnow == PROCESSES || sscanf(text, "Name: %31s", o->name) != 1)
		return;
	o->anonymous = kib(text, "RssAnon:") + kib(text, "RssShmem:");
	o->resident = o->anonymous + kib(text, "RssFile:");
	nnow++;
}

static void note_most(const struct one *o)
{
	size_t i = 0;

	while (i < nmost && strcmp(most[i].name, o->name))
		i++;
	if (i == PROCESSES)
		return;
	if (i == nmost)
		most[nmost++] = (struct one){ .anonymous = 0 };
	memcpy(most[i].name, o->name, sizeof(o->name));
	if (o->anonymous > most[i].anonymous)
		most[i].anonymous = o->anonymous;
	if (o->resident > most[i].resident)
		most[i].resident = o->resident;
}

static void look(pid_t session)
{
	DIR *d = opendir("/proc");
	uint64_t a = 0, r = 0;
	struct dirent *e;
	char text[8192];

	nnow = 0;
	while (d && (e = readdir(d)))
		if (isdigit((unsigned char)*e->d_name) && slurp(e->d_name, "stat", text, sizeof(text)) &&
		    is_of(text, session) && slurp(e->d_name, "status", text, sizeof(text)))
			add(text);
	if (d)
		closedir(d);
	for (size_t i = 0; i < nnow; i++) {
		a += now[i].anonymous;
		r += now[i].resident;
		note_most(&now[i]);
	}
	if (a > anonymous) {
		anonymous = a;
		npeak = nnow;
		memcpy(at_peak, now, sizeof(now));
	}
	if (r > resident)
		resident = r;
}

static void print_all(FILE *f, const char *word, const struct one *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s %s %" PRIu64 " %" PRIu64 "\n", word, o[i].name, o[i].anonymous,
			o[i].resident);
}

static uint64_t ms(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_usec / 1000;
}

static int run(int argc, char **argv)
{
	const struct timespec pause = { 0, EVERY_MS * 1000000L };
	pid_t pid = fork();
	struct rusage u;
	int status;
	FILE *f;

	(void)argc;
	if (!pid) {
		setsid();
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0)
		casg_die("cannot fork");
	while (!waitpid(pid, &status, WNOHANG)) {
		look(pid);
		nanosleep(&pause, NULL);
	}
	getrusage(RUSAGE_CHILDREN, &u);
	f = fopen(argv[0], "w");
	if (!f)
		casg_die("cannot write '%s'", argv[0]);
	fprintf(f, "anonymous %" PRIu64 "\nresident %" PRIu64 "\nprocessor %" PRIu64 "\n",
		anonymous, resident, ms(u.ru_utime) + ms(u.ru_stime));
	print_all(f, "at", at_peak, npeak);
	print_all(f, "most", most, nmost);
	if (fclose(f))
		casg_die("cannot write '%s'", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

const struct casg_cmd casg_cmd = { "casg-peak", usage, no_opts, 2, -1, run };
