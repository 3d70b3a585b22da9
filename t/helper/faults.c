/*
 * casg-faults - run a command, and let something go wrong at its N-th point.
 *
 * A point is a system call that changes a file or a folder (or, with
 * --only=read, that reads a file), of the command and of everything it
 * starts: our programs, the shell, git, mv.  Points are numbered from 1 in
 * the order in which they begin.  Every one is logged, so that a test can
 * compare them with what strace(1) counts, and:
 *
 *   --kill=N       the process is killed before its call, which does not happen
 *   --kill-all=N   so are all others, as when the machine stops
 *   --fail=N       this call and all later ones fail: a full or dead disk
 *   --fail-once=N  only this one
 *   --short=N      this write and all later ones take half of what they could
 *
 * It is a tracer and no preloaded library: writes of stdio, of the dynamic
 * linker and of static programs go past libc's public names, and a library
 * would miss them (casg's own standard output is stdio).  A seccomp filter
 * stops the processes at these calls only.  Reads of mapped files are page
 * faults and no calls; nothing here can make them fail.
 *
 * Exit status: that of the command; 128 plus the signal if it was killed; 77
 * if the machine does not allow tracing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <elf.h>

#include "array.h"
#include "cli.h"

enum kind { WRITE, FSYNC, RENAME, LINK, UNLINK, OPEN, TRUNCATE, MKDIR, CHMOD, CLOSE, READ };

static const char *const kind_names[] = {
	"write", "fsync", "rename", "link", "unlink", "open", "truncate", "mkdir",
	"chmod", "close", "read",
};

enum { NKINDS = READ + 1 };

/* What of the arguments names the file: a descriptor, a path, or one beside a folder. */
enum what { FD, PATH, AT };

static const struct call {
	long nr;
	enum kind kind;
	enum what what;
	int arg;   /* which argument: the descriptor or the path */
	int flags; /* of open: which argument has them */
} calls[] = {
	{ SYS_write, WRITE, FD, 0, 0 },
	{ SYS_pwrite64, WRITE, FD, 0, 0 },
	{ SYS_writev, WRITE, FD, 0, 0 },
	{ SYS_pwritev, WRITE, FD, 0, 0 },
	{ SYS_pwritev2, WRITE, FD, 0, 0 },
	{ SYS_sendfile, WRITE, FD, 0, 0 },
	{ SYS_copy_file_range, WRITE, FD, 2, 0 },
	{ SYS_splice, WRITE, FD, 2, 0 },
	{ SYS_fsync, FSYNC, FD, 0, 0 },
	{ SYS_fdatasync, FSYNC, FD, 0, 0 },
	{ SYS_sync_file_range, FSYNC, FD, 0, 0 },
	{ SYS_syncfs, FSYNC, FD, 0, 0 },
	{ SYS_renameat2, RENAME, AT, 3, 0 },
	{ SYS_linkat, LINK, AT, 3, 0 },
	{ SYS_symlinkat, LINK, AT, 2, 0 },
	{ SYS_unlinkat, UNLINK, AT, 1, 0 },
	{ SYS_openat, OPEN, AT, 1, 2 },
	{ SYS_ftruncate, TRUNCATE, FD, 0, 0 },
	{ SYS_truncate, TRUNCATE, PATH, 0, 0 },
	{ SYS_fallocate, TRUNCATE, FD, 0, 0 },
	{ SYS_mkdirat, MKDIR, AT, 1, 0 },
	{ SYS_fchmod, CHMOD, FD, 0, 0 },
	{ SYS_fchmodat, CHMOD, AT, 1, 0 },
	{ SYS_close, CLOSE, FD, 0, 0 },
	{ SYS_read, READ, FD, 0, 0 },
	{ SYS_pread64, READ, FD, 0, 0 },
	{ SYS_readv, READ, FD, 0, 0 },
	{ SYS_preadv, READ, FD, 0, 0 },
#ifdef SYS_renameat
	{ SYS_renameat, RENAME, AT, 3, 0 },
#endif
#ifdef SYS_open /* the old calls, which newer machines do not have */
	{ SYS_rename, RENAME, PATH, 1, 0 },
	{ SYS_link, LINK, PATH, 1, 0 },
	{ SYS_symlink, LINK, PATH, 1, 0 },
	{ SYS_unlink, UNLINK, PATH, 0, 0 },
	{ SYS_rmdir, UNLINK, PATH, 0, 0 },
	{ SYS_open, OPEN, PATH, 0, 1 },
	{ SYS_creat, OPEN, PATH, 0, -1 },
	{ SYS_mkdir, MKDIR, PATH, 0, 0 },
	{ SYS_chmod, CHMOD, PATH, 0, 0 },
#endif
};

enum { NCALLS = sizeof(calls) / sizeof(calls[0]) };

/* ---- options ----------------------------------------------------------- */

static uint64_t at_kill, at_kill_all, at_fail, at_fail_once, at_short;
static const char *error_arg, *only_arg, *under_arg, *log_arg;

static const char *const usage[] = {
	"[--kill=N | --kill-all=N | --fail=N | --fail-once=N | --short=N] [--error=NAME] [--only=KIND,...] [--under=DIR] [--log=FILE] [--] CMD [ARG...]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_U64, 0, "kill", "N", &at_kill, "kill the process at this point" },
	{ CASG_OPT_U64, 0, "kill-all", "N", &at_kill_all, "kill all processes there" },
	{ CASG_OPT_U64, 0, "fail", "N", &at_fail, "fail from this point on" },
	{ CASG_OPT_U64, 0, "fail-once", "N", &at_fail_once, "fail at this point" },
	{ CASG_OPT_U64, 0, "short", "N", &at_short, "write half from this point on" },
	{ CASG_OPT_STR, 0, "error", "NAME", &error_arg, "ENOSPC (the default), EIO or EACCES" },
	{ CASG_OPT_STR, 0, "only", "KIND,...", &only_arg,
	  "the points that count (default: all but read)" },
	{ CASG_OPT_STR, 0, "under", "DIR", &under_arg, "only calls on files below DIR" },
	{ CASG_OPT_STR, 0, "log", "FILE", &log_arg, "a line a point: number, process, program, kind, file" },
	{ .type = CASG_OPT_END }
};

static uint64_t npoints;
static int error = ENOSPC, counted[NKINDS], dying;
static FILE *logfile;
static char under[PATH_MAX];
static pid_t *tracees;
static size_t ntracees, cap_tracees;

static void parse_kinds(void)
{
	const char *p = only_arg;

	for (int i = 0; i < READ && !p; i++)
		counted[i] = 1;
	while (p && *p) {
		size_t n = strcspn(p, ",");
		int k = 0;

		while (k < NKINDS && (strlen(kind_names[k]) != n || strncmp(kind_names[k], p, n)))
			k++;
		if (k == NKINDS)
			casg_usage_die("unknown kind in '%s'", p);
		counted[k] = 1;
		p += n + (p[n] == ',');
	}
}

static void parse_options(void)
{
	parse_kinds();
	if (error_arg)
		error = !strcmp(error_arg, "ENOSPC") ? ENOSPC : !strcmp(error_arg, "EIO") ? EIO :
			!strcmp(error_arg, "EACCES") ? EACCES : 0;
	if (!error)
		casg_usage_die("unknown error '%s'", error_arg);
	if (under_arg && !realpath(under_arg, under))
		casg_die("cannot open '%s': %s", under_arg, strerror(errno));
	if (log_arg && !(logfile = fopen(log_arg, "we")))
		casg_die("cannot create '%s': %s", log_arg, strerror(errno));
}

/* ---- the machine ------------------------------------------------------- */

/* Let the call not happen and return -errnum, or set its third argument. */
#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64

static int refuse(pid_t pid, int errnum)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r))
		return -1;
	r.orig_rax = (unsigned long long)-1;
	r.rax = (unsigned long long)-errnum;
	return (int)ptrace(PTRACE_SETREGS, pid, NULL, &r);
}

static int set_count(pid_t pid, uint64_t n)
{
	return (int)ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rdx), n);
}
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64

static int set_reg(pid_t pid, int which, uint64_t value)
{
	struct user_regs_struct r;
	struct iovec v = { &r, sizeof(r) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v))
		return -1;
	r.regs[which] = value;
	return (int)ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v);
}

static int refuse(pid_t pid, int errnum)
{
	int none = -1;
	struct iovec v = { &none, sizeof(none) };

	if (ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &v))
		return -1;
	return set_reg(pid, 0, (uint64_t)-errnum);
}

static int set_count(pid_t pid, uint64_t n)
{
	return set_reg(pid, 2, n);
}
#else
#define MACHINE 0

static int refuse(pid_t pid, int errnum)
{
	(void)pid;
	(void)errnum;
	return -1;
}

static int set_count(pid_t pid, uint64_t n)
{
	(void)pid;
	(void)n;
	return -1;
}
#endif

enum { NOT_HERE = 77 };

/* In the child: stop for the tracer at our calls, and at no others. */
static void install_filter(void)
{
	struct sock_filter prog[2 * NCALLS + 2];
	struct sock_fprog fprog = { .filter = prog };
	unsigned short n = 0;

	prog[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < NCALLS; i++) {
		if (!counted[calls[i].kind])
			continue;
		prog[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (unsigned int)calls[i].nr, 0, 1);
		prog[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	}
	prog[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	fprog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog))
		_exit(NOT_HERE);
}

/* ---- what a call is about ---------------------------------------------- */

struct point {
	pid_t pid;
	const struct call *call;
	uint64_t args[6];
	char file[PATH_MAX + 64];
	int is_file; /* a file or folder on a disk, or a path */
};

static void proc_link(pid_t pid, const char *what, char *out, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, what);
	n = readlink(path, out, size - 1);
	out[n > 0 ? n : 0] = '\0';
}

/* A string of the process: a page at a time, for the next may not be there. */
static void read_string(pid_t pid, uint64_t at, char *out, size_t size)
{
	size_t have = 0;

	while (have + 1 < size) {
		size_t step = 4096 - (at + have) % 4096;
		struct iovec to, from;
		ssize_t n;

		if (step > size - 1 - have)
			step = size - 1 - have;
		to = (struct iovec){ out + have, step };
		from = (struct iovec){ (void *)(uintptr_t)(at + have), step };
		n = process_vm_readv(pid, &to, 1, &from, 1, 0);
		if (n <= 0 || memchr(out + have, '\0', (size_t)n))
			break;
		have += (size_t)n;
	}
	out[size - 1] = '\0';
}

static void name_fd(struct point *p, int fd)
{
	char what[32], path[96];
	struct stat st;

	snprintf(what, sizeof(what), "fd/%d", fd);
	proc_link(p->pid, what, p->file, sizeof(p->file));
	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)p->pid, what);
	p->is_file = !stat(path, &st) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

static void name_path(struct point *p)
{
	char path[PATH_MAX] = "", what[32] = "cwd";
	int dir = AT_FDCWD;

	read_string(p->pid, p->args[p->call->arg], path, sizeof(path));
	if (p->call->what == AT)
		dir = (int)p->args[p->call->arg - 1];
	if (dir != AT_FDCWD)
		snprintf(what, sizeof(what), "fd/%d", dir);
	p->file[0] = '\0';
	if (path[0] != '/') {
		proc_link(p->pid, what, p->file, PATH_MAX);
		strcat(p->file, "/");
	}
	strncat(p->file, path, sizeof(p->file) - 1 - strlen(p->file));
	p->is_file = strncmp(p->file, "/dev/", 5) && strncmp(p->file, "/proc/", 6);
}

static int for_writing(const struct point *p)
{
	int flags;

	if (p->call->flags < 0)
		return 1;
	flags = (int)p->args[p->call->flags];
	return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
}

/* The descriptor was opened to write, of a file: closing it may say what failed. */
static int was_written(const struct point *p)
{
	char path[64], line[128];
	unsigned int flags = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/fdinfo/%d", (long)p->pid, (int)p->args[0]);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "flags: %o", &flags) == 1)
			break;
	fclose(f);
	return (flags & O_ACCMODE) != O_RDONLY;
}

static int is_under(const char *file)
{
	size_t n = strlen(under);

	return !n || (!strncmp(file, under, n) && (!file[n] || file[n] == '/'));
}

/* 1: *p is a point that counts. */
static int examine(pid_t pid, struct point *p)
{
	struct __ptrace_syscall_info info;
	size_t i = 0;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_SECCOMP)
		return 0;
	if (info.arch != MACHINE)
		casg_die("a program for another kind of machine was run");
	while (i < NCALLS && (uint64_t)calls[i].nr != info.seccomp.nr)
		i++;
	if (i == NCALLS)
		return 0;
	p->pid = pid;
	p->call = &calls[i];
	memcpy(p->args, info.seccomp.args, sizeof(p->args));
	if (p->call->kind == OPEN && !for_writing(p))
		return 0;
	if (p->call->what == FD)
		name_fd(p, (int)p->args[p->call->arg]);
	else
		name_path(p);
	if (p->call->kind == CLOSE && !(p->is_file && was_written(p)))
		return 0;
	if (p->call->kind == READ && !p->is_file)
		return 0;
	return is_under(p->file);
}

/* ---- what becomes of it ------------------------------------------------ */

static void log_point(const struct point *p)
{
	char comm[64] = "?", path[64];
	FILE *f;

	if (!logfile)
		return;
	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)p->pid);
	f = fopen(path, "re");
	if (f) {
		if (fgets(comm, sizeof(comm), f))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(f);
	}
	fprintf(logfile, "%llu\t%ld\t%s\t%s\t%s\n", (unsigned long long)npoints,
		(long)p->pid, comm, kind_names[p->call->kind], p->file);
	fflush(logfile);
}

static void kill_all(void)
{
	dying = 1;
	for (size_t i = 0; i < ntracees; i++)
		kill(tracees[i], SIGKILL);
}

static void act(const struct point *p)
{
	npoints++;
	log_point(p);
	if (npoints == at_kill) {
		kill(p->pid, SIGKILL);
	} else if (npoints == at_kill_all) {
		kill_all();
	} else if (npoints == at_fail_once || (at_fail && npoints >= at_fail)) {
		/* there is always room in a pipe */
		if (p->is_file && refuse(p->pid, error))
			casg_die("cannot make a call fail: %s", strerror(errno));
	} else if (at_short && npoints >= at_short && p->call->kind == WRITE && p->is_file &&
		   (p->call->nr == SYS_write || p->call->nr == SYS_pwrite64) &&
		   p->args[2] > 1) {
		if (set_count(p->pid, p->args[2] / 2))
			casg_die("cannot shorten a write: %s", strerror(errno));
	}
}

/* ---- tracing ----------------------------------------------------------- */

static void add_tracee(pid_t pid)
{
	for (size_t i = 0; i < ntracees; i++)
		if (tracees[i] == pid)
			return;
	if (CASG_GROW(tracees, ntracees + 1, cap_tracees))
		casg_die("out of memory");
	tracees[ntracees++] = pid;
}

static void remove_tracee(pid_t pid)
{
	for (size_t i = 0; i < ntracees; i++)
		if (tracees[i] == pid)
			tracees[i] = tracees[--ntracees];
}

static void stopped(pid_t pid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	struct point p;

	add_tracee(pid);
	if (dying) {
		kill(pid, SIGKILL);
		return;
	}
	if (event == PTRACE_EVENT_SECCOMP && examine(pid, &p))
		act(&p);
	/* a stop of job control goes on for as long as it should */
	if (event == PTRACE_EVENT_STOP && (sig == SIGSTOP || sig == SIGTSTP ||
					   sig == SIGTTIN || sig == SIGTTOU))
		ptrace(PTRACE_LISTEN, pid, NULL, NULL);
	else
		ptrace(PTRACE_CONT, pid, NULL, event ? 0 : (unsigned long)sig);
}

/* The status of the command, when it and all that it started have ended. */
static int follow(pid_t command)
{
	int result = NOT_HERE, status;

	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return result;
		if (WIFSTOPPED(status)) {
			stopped(pid, status);
			continue;
		}
		remove_tracee(pid);
		if (pid == command)
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static pid_t start(char **argv)
{
	const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
	int go[2];
	pid_t pid;
	char c;

	if (pipe2(go, O_CLOEXEC) || (pid = fork()) < 0)
		casg_die("cannot start a process: %s", strerror(errno));
	if (!pid) {
		close(go[1]);
		if (read(go[0], &c, 1) != 1)
			_exit(NOT_HERE);
		install_filter();
		execvp(argv[0], argv);
		casg_error("cannot run '%s': %s", argv[0], strerror(errno));
		_exit(127);
	}
	close(go[0]);
	if (!MACHINE || ptrace(PTRACE_SEIZE, pid, NULL, options)) {
		close(go[1]);
		waitpid(pid, NULL, 0);
		casg_error("cannot trace here");
		exit(NOT_HERE);
	}
	if (write(go[1], "g", 1) != 1)
		casg_die("cannot start a process: %s", strerror(errno));
	close(go[1]);
	return pid;
}

static int run(int argc, char **argv)
{
	(void)argc;
	parse_options();
	/* what the dead leave behind is ours to wait for: git asks whether it lives */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	return follow(start(argv));
}

const struct casg_cmd casg_cmd = { "casg-faults", usage, opts, 1, -1, run };
