#include "cli.h"

#include "clitrace.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "io.h"

#define OUT_BUFFER (64 * 1024)
#define HELP_COLUMN 26

/* ---- talk ------------------------------------------------------------ */

/* One write a message, so that lines of several programs do not mix. */
static void vtalk(const char *prefix, const char *fmt, va_list ap)
{
	char msg[4096];
	size_t n = (size_t)snprintf(msg, sizeof(msg), "%s", prefix);

	vsnprintf(msg + n, sizeof(msg) - n - 1, fmt, ap);
	for (char *p = msg; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	n = strlen(msg);
	msg[n++] = '\n';
	fwrite(msg, 1, n, stderr);
	fflush(stderr);
}

void casg_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vtalk("fatal: ", fmt, ap);
	va_end(ap);
	casg_trace_exit(CASG_EXIT_FATAL);
	exit(CASG_EXIT_FATAL);
}

void casg_die_err(const struct casg_err *err)
{
	casg_die("%s", err->msg);
}

void casg_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vtalk("warning: ", fmt, ap);
	va_end(ap);
}

void casg_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vtalk("error: ", fmt, ap);
	va_end(ap);
}

/* "usage:" and "or:" before lines of text. */
static void usage_lines(const char *text, struct casg_buf *out)
{
	const char *lead = "usage:";

	while (*text) {
		size_t n = strcspn(text, "\n");

		casg_buf_addf(out, "%s %.*s\n", lead, (int)n, text);
		lead = "   or:";
		text += n + (text[n] == '\n');
	}
}

void casg_usage_die(const char *fmt, ...)
{
	/* the command that was typed, when a script passes its options on */
	const char *typed = getenv("CASG_USAGE");
	struct casg_buf usage = CASG_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	vtalk("error: ", fmt, ap);
	va_end(ap);
	if (typed && *typed)
		usage_lines(typed, &usage);
	else
		casg_cli_usage(&casg_cmd, &usage);
	fwrite(usage.data, 1, usage.len, stderr);
	casg_trace_exit(CASG_EXIT_USAGE);
	exit(CASG_EXIT_USAGE);
}

/* ---- standard output ------------------------------------------------- */

static void out_die(void)
{
	int errnum = errno;

	casg_die("cannot write to standard output: %s", strerror(errnum));
}

void casg_out(const void *p, size_t nbytes)
{
	if (nbytes && fwrite_unlocked(p, 1, nbytes, stdout) != nbytes)
		out_die();
}

void casg_out_much(void)
{
#ifdef F_SETPIPE_SZ
	/* failing costs only time */
	fcntl(1, F_SETPIPE_SZ, 1 << 20);
#endif
}

void casg_out_flush(void)
{
	if (fflush(stdout) || ferror(stdout))
		out_die();
}

static void out_finish(void)
{
	casg_out_flush();
	if (fclose(stdout))
		out_die();
}

/* ---- usage ----------------------------------------------------------- */

static void usage_option(const struct casg_opt *o, struct casg_buf *out)
{
	size_t start = out->len;
	size_t width;

	casg_buf_addstr(out, "    ");
	if (o->letter)
		casg_buf_addf(out, "-%c", o->letter);
	if (o->name)
		casg_buf_addf(out, "%s--%s", o->letter ? ", " : "", o->name);
	if (o->type != CASG_OPT_FLAG)
		casg_buf_addf(out, " %s", o->arg ? o->arg : "VALUE");
	width = out->len - start;
	if (width >= HELP_COLUMN) {
		casg_buf_addch(out, '\n');
		width = 0;
	}
	casg_buf_addf(out, "%*s%s\n", (int)(HELP_COLUMN - width), "", o->help);
}

void casg_cli_usage(const struct casg_cmd *cmd, struct casg_buf *out)
{
	const char *lead = "usage:";

	for (const char *const *u = cmd->usage; *u; u++) {
		casg_buf_addf(out, "%s %s%s%s\n", lead, cmd->name,
			      **u ? " " : "", *u);
		lead = "   or:";
	}
	casg_buf_addch(out, '\n');
	for (const struct casg_opt *o = cmd->opts; o->type != CASG_OPT_END; o++)
		if (o->help)
			usage_option(o, out);
}

/* ---- options --------------------------------------------------------- */

static int strs_add(struct casg_strs *list, const char *s)
{
	if (CASG_GROW(list->v, list->n + 1, list->cap))
		return -1;
	list->v[list->n++] = s;
	return 0;
}

/* Decimal digits, then for sizes one of k, m, g; nothing else. */
static int parse_number(const char *s, int is_size, uint64_t *v_out)
{
	uint64_t v = 0;
	int shift = 0;

	if (!isdigit((unsigned char)*s))
		return -1;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -1;
	if (is_size && *s) {
		switch (*s++) {
		case 'k': case 'K': shift = 10; break;
		case 'm': case 'M': shift = 20; break;
		case 'g': case 'G': shift = 30; break;
		default: return -1;
		}
	}
	if (*s || v > UINT64_MAX >> shift)
		return -1;
	*v_out = v << shift;
	return 0;
}

static int set_value(const struct casg_opt *o, const char *shown,
		     const char *value, struct casg_err *err)
{
	switch (o->type) {
	case CASG_OPT_STR:
		*(const char **)o->value = value;
		return 0;
	case CASG_OPT_LIST:
		if (strs_add(o->value, value))
			return casg_err_nomem(err);
		return 0;
	case CASG_OPT_U64:
	case CASG_OPT_SIZE:
		if (!parse_number(value, o->type == CASG_OPT_SIZE, o->value))
			return 0;
		return casg_err_set(err, CASG_EBUG,
				    o->type == CASG_OPT_SIZE ?
				    "option '%s' expects a size such as 64m, not '%s'" :
				    "option '%s' expects a number, not '%s'",
				    shown, value);
	default:
		return casg_err_set(err, CASG_EBUG, "option '%s' takes no value", shown);
	}
}

static const struct casg_opt *find_long(const struct casg_cmd *cmd,
					const char *name, size_t len)
{
	for (const struct casg_opt *o = cmd->opts; o->type != CASG_OPT_END; o++)
		if (o->name && strlen(o->name) == len && !memcmp(o->name, name, len))
			return o;
	return NULL;
}

/* 'arg' starts with "--"; *i may advance to take the value. */
static int parse_long(const struct casg_cmd *cmd, int argc, char **argv, int *i,
		      struct casg_err *err)
{
	const char *arg = argv[*i];
	const char *eq = strchr(arg, '=');
	size_t len = eq ? (size_t)(eq - arg) : strlen(arg);
	const struct casg_opt *o = find_long(cmd, arg + 2, len - 2);
	char shown[80];
	int on = 1;

	if (!o && !strncmp(arg, "--no-", 5)) {
		o = find_long(cmd, arg + 5, len - 5);
		if (o && o->type != CASG_OPT_FLAG)
			o = NULL;
		on = 0;
	}
	snprintf(shown, sizeof(shown), "%.*s", len < 79 ? (int)len : 79, arg);
	if (!o)
		return casg_err_set(err, CASG_EBUG, "unknown option '%s'", shown);
	if (o->type == CASG_OPT_FLAG) {
		if (eq)
			return casg_err_set(err, CASG_EBUG,
					    "option '%s' takes no value", shown);
		*(int *)o->value = on;
		return 0;
	}
	if (eq)
		return set_value(o, shown, eq + 1, err);
	if (*i + 1 >= argc)
		return casg_err_set(err, CASG_EBUG, "option '%s' requires a value", shown);
	return set_value(o, shown, argv[++*i], err);
}

/* A run of letters, the last of which may take a value: -zq, -n5, -n 5. */
static int parse_letters(const struct casg_cmd *cmd, int argc, char **argv,
			 int *i, struct casg_err *err)
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		const struct casg_opt *o = cmd->opts;
		char shown[3] = { '-', *p, '\0' };

		if (*p == 'h')
			return 1;
		while (o->type != CASG_OPT_END && o->letter != *p)
			o++;
		if (o->type == CASG_OPT_END)
			return casg_err_set(err, CASG_EBUG, "unknown switch '%s'", shown);
		if (o->type == CASG_OPT_FLAG) {
			*(int *)o->value = 1;
			continue;
		}
		if (p[1])
			return set_value(o, shown, p + 1, err);
		if (*i + 1 >= argc)
			return casg_err_set(err, CASG_EBUG,
					    "switch '%s' requires a value", shown);
		return set_value(o, shown, argv[++*i], err);
	}
	return 0;
}

static int check_count(const struct casg_cmd *cmd, int n, char **argv,
		       struct casg_err *err)
{
	if (n < cmd->min_args)
		return casg_err_set(err, CASG_EBUG, "too few arguments");
	if (cmd->max_args >= 0 && n > cmd->max_args)
		return casg_err_set(err, CASG_EBUG, "too many arguments at '%s'",
				    argv[cmd->max_args]);
	return 0;
}

enum casg_cli_result casg_cli_parse(const struct casg_cmd *cmd, int *argc,
				    char **argv, struct casg_err *err)
{
	int n = 0, rest = 0;

	for (int i = 1; i < *argc; i++) {
		const char *arg = argv[i];
		int ret;

		if (rest || arg[0] != '-' || !arg[1]) {
			argv[n++] = argv[i];
			continue;
		}
		if (!strcmp(arg, "--")) {
			rest = 1;
			continue;
		}
		if (!strcmp(arg, "--help"))
			return CASG_CLI_HELP;
		if (arg[1] == '-')
			ret = parse_long(cmd, *argc, argv, &i, err);
		else
			ret = parse_letters(cmd, *argc, argv, &i, err);
		if (ret)
			return ret > 0 ? CASG_CLI_HELP : CASG_CLI_WRONG;
	}
	argv[n] = NULL;
	*argc = n;
	return check_count(cmd, n, argv, err) ? CASG_CLI_WRONG : CASG_CLI_OK;
}

/* ---- progress -------------------------------------------------------- */

struct casg_progress {
	const char *title;
	double start, shown;
	uint64_t nrecords, nbytes, nbytes_total;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

struct casg_progress *casg_progress_start(const char *title, int mode)
{
	struct casg_progress *p;

	if (!mode || (mode < 0 && !isatty(STDERR_FILENO)))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		casg_die("out of memory");
	p->title = title;
	p->start = p->shown = now();
	return p;
}

static void progress_show(const struct casg_progress *p, double t, const char *end)
{
	double took = t - p->start > 1e-6 ? t - p->start : 1e-6;
	double rate = (double)p->nbytes / took;
	char share[16] = "", left[32] = "";

	if (p->nbytes_total && p->nbytes <= p->nbytes_total && *end != ',') {
		double rest = (double)(p->nbytes_total - p->nbytes);

		snprintf(share, sizeof(share), "%3.0f%% ",
			 100.0 * (double)p->nbytes / (double)p->nbytes_total);
		if (rate > 0) {
			unsigned long s = (unsigned long)(rest / rate + 0.5);

			snprintf(left, sizeof(left), ", %lu:%02lu left",
				 s / 60, s % 60);
		}
	}
	fprintf(stderr, "\r%s: %s%llu records, %.1f MB, %.1f MB/s%s%s", p->title,
		share, (unsigned long long)p->nrecords, (double)p->nbytes / 1e6,
		rate / 1e6, left, end);
	fflush(stderr);
}

void casg_progress_update(struct casg_progress *p, uint64_t nrecords, uint64_t nbytes,
			  uint64_t nbytes_total)
{
	double t;

	if (!p)
		return;
	p->nrecords = nrecords;
	p->nbytes = nbytes;
	p->nbytes_total = nbytes_total;
	t = now();
	if (t - p->shown < 0.2)
		return;
	p->shown = t;
	progress_show(p, t, "   "); /* over the end of a longer line */
}

void casg_progress_stop(struct casg_progress *p)
{
	if (!p)
		return;
	progress_show(p, now(), ", done.      \n");
	free(p);
}

/* ---- main ------------------------------------------------------------ */

/*
 * A file opened later must not become standard input, output or error by
 * accident.  What was closed is opened the wrong way round, so that using it
 * still fails.
 */
static void keep_std_fds(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			_exit(CASG_EXIT_FATAL);
}

void casg_catch_signals(void (*handler)(int))
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		struct sigaction sa;

		if (!sigaction(sigs[i], NULL, &sa) && sa.sa_handler != SIG_IGN)
			signal(sigs[i], handler);
	}
}

void casg_write_facts(const char *path, const struct casg_buf *text)
{
	struct casg_err err = CASG_ERR_INIT;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		casg_die("cannot create '%s': %s", path, strerror(errno));
	if (casg_write_full(fd, text->data, text->len, &err) || close(fd))
		casg_die("cannot write '%s': %s", path, err.code ? err.msg : strerror(errno));
}

int main(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf usage = CASG_BUF_INIT;
	int ret;

	keep_std_fds();
	casg_trace_start(argc, argv);
	/* a parent that ignores SIGPIPE would have us write on for nothing */
	signal(SIGPIPE, SIG_DFL);
	setvbuf(stdout, NULL, _IOFBF, OUT_BUFFER);
#ifdef M_MMAP_THRESHOLD
	/*
	 * Chunks of a megabyte come and go by the thousand: keep their memory
	 * instead of faulting it in anew (a quarter of the time of an export).
	 */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif

	switch (casg_cli_parse(&casg_cmd, &argc, argv, &err)) {
	case CASG_CLI_WRONG:
		casg_usage_die("%s", err.msg);
	case CASG_CLI_HELP:
		casg_cli_usage(&casg_cmd, &usage);
		casg_out(usage.data, usage.len);
		ret = CASG_EXIT_USAGE;
		break;
	default:
		ret = casg_cmd.run(argc, argv);
	}
	casg_buf_release(&usage);
	out_finish();
	casg_trace_exit(ret);
	return ret;
}
