/*
 * cli - what every plumbing program shares: main(), options, talk, exit.
 *
 * A program defines one `const struct casg_cmd casg_cmd` and no main(); main()
 * lives in cli.c, parses the options by the table, runs cmd.run, then flushes
 * stdout and checks that flush, ferror and close succeeded (a full disk or
 * /dev/full is exit 128; a pipe closed early ends the program by SIGPIPE as
 * other filters end).  The same table prints -h, so usage cannot drift.
 *
 * Only programs may use this; the library never does.
 */
#ifndef CASG_CLI_H
#define CASG_CLI_H

#include <stdint.h>

#include "buf.h"
#include "err.h"

#define CASG_EXIT_YES 0
#define CASG_EXIT_NO 1
#define CASG_EXIT_FATAL 128
#define CASG_EXIT_USAGE 129

enum casg_opt_type {
	CASG_OPT_END = 0,
	CASG_OPT_FLAG,  /* int: set to 1; with a long name also --no-NAME: 0 */
	CASG_OPT_STR,   /* const char * */
	CASG_OPT_U64,   /* uint64_t, decimal */
	CASG_OPT_SIZE,  /* uint64_t bytes; suffix k, m, g (1024) */
	CASG_OPT_LIST   /* struct casg_strs: may be given several times */
};

struct casg_strs {
	const char **v;
	size_t n, cap;
};

struct casg_opt {
	enum casg_opt_type type;
	char letter;            /* 0: none */
	const char *name;       /* long name without dashes, or NULL */
	const char *arg;        /* what stands for the argument in -h, or NULL */
	void *value;
	const char *help;       /* one line */
};

struct casg_cmd {
	const char *name;             /* "casg-hash-object" */
	const char *const *usage;     /* lines after the name, NULL-terminated */
	const struct casg_opt *opts;  /* ends with CASG_OPT_END */
	int min_args, max_args;       /* positionals; max -1: any number */
	/* argv holds the positionals only; returns the exit status */
	int (*run)(int argc, char **argv);
};

extern const struct casg_cmd casg_cmd; /* each program defines it */

/* "fatal: MSG" on stderr and exit 128; "fatal: err->msg" for the second. */
void casg_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void casg_die_err(const struct casg_err *err) __attribute__((noreturn));
/*
 * "error: MSG" + usage on stderr, exit 129.  The usage is that of the script
 * that runs the program, if it has put its own into CASG_USAGE.
 */
void casg_usage_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* "warning: MSG" / "error: MSG" on stderr. */
void casg_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void casg_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* stdout through one 64 KiB buffer; dies on error. */
void casg_out(const void *p, size_t nbytes);
void casg_out_flush(void);

/*
 * The handler for the signals that end a program: SIGINT, SIGTERM, SIGHUP and
 * SIGPIPE.  Those that we were started to ignore, as under nohup, stay ignored.
 */
void casg_catch_signals(void (*handler)(int));
/* For programs that write much: a larger pipe, if stdout is one. */
void casg_out_much(void);

/* Progress on stderr: records, bytes done and total (0: not known). */
struct casg_progress;
struct casg_progress *casg_progress_start(const char *title, int mode); /* -1 auto: terminal only; 0 off; 1 on */
void casg_progress_update(struct casg_progress *p, uint64_t nrecords, uint64_t nbytes,
			  uint64_t nbytes_total);
void casg_progress_stop(struct casg_progress *p);

/*
 * The parser and the usage text by themselves, for casg-parse-opt, which
 * parses for shell scripts by a table made at run time.  casg_cli_parse moves
 * the positionals to the front of argv (argv[0] is skipped: the first of them
 * is argv[0] afterwards) and sets *argc to their number.  On
 * CASG_CLI_WRONG err holds what to say.
 */
enum casg_cli_result {
	CASG_CLI_OK,
	CASG_CLI_HELP,  /* -h or --help */
	CASG_CLI_WRONG
};
enum casg_cli_result casg_cli_parse(const struct casg_cmd *cmd, int *argc,
				    char **argv, struct casg_err *err);
void casg_cli_usage(const struct casg_cmd *cmd, struct casg_buf *out);

/* "name value" lines into a file that another program reads; dies on failure. */
void casg_write_facts(const char *path, const struct casg_buf *text);

#endif
