#include "remoteproc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "remotemsg.h"

#define END_MS 5000

extern char **environ; /* handed on as it is */

void casg_remoteproc_init(struct casg_remoteproc *p)
{
	memset(p, 0, sizeof(*p));
	p->in_fd = p->out_fd = p->err_fd = -1;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The three pairs: ours in p, the helper's in theirs. */
static int make_pairs(struct casg_remoteproc *p, int theirs[3])
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	p->in_fd = pair[0];
	theirs[0] = pair[1];
	/* so that a helper sees the end of its input, and nothing else of us */
	shutdown(theirs[0], SHUT_WR);
	if (pipe2(pair, O_CLOEXEC))
		return -1;
	p->out_fd = pair[0];
	theirs[1] = pair[1];
	if (pipe2(pair, O_CLOEXEC))
		return -1;
	p->err_fd = pair[0];
	theirs[2] = pair[1];
	return 0;
}

static int spawn(struct casg_remoteproc *p, const char *dir, const char *program,
		 const char *url, const int theirs[3])
{
	char *const argv[] = { (char *)program, (char *)url, NULL };
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	char *path = NULL;
	sigset_t pipe_only;
	int rc;

	if (posix_spawn_file_actions_init(&acts))
		return ENOMEM;
	if (posix_spawnattr_init(&attr)) {
		posix_spawn_file_actions_destroy(&acts);
		return ENOMEM;
	}
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &pipe_only);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	rc = 0;
	for (int i = 0; i < 3 && !rc; i++)
		rc = posix_spawn_file_actions_adddup2(&acts, theirs[i], i);
	if (!rc && dir && asprintf(&path, "%s/%s", dir, program) < 0)
		rc = ENOMEM;
	if (!rc && path && access(path, X_OK)) {
		free(path);
		path = NULL;
	}
	if (!rc)
		rc = path ? posix_spawn(&p->pid, path, &acts, &attr, argv, environ) :
			    posix_spawnp(&p->pid, program, &acts, &attr, argv, environ);
	if (rc)
		p->pid = 0;
	free(path);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&acts);
	return rc;
}

int casg_remoteproc_start(struct casg_remoteproc *p, const char *url, const char *exec_dir,
			  struct casg_err *err)
{
	int theirs[3] = { -1, -1, -1 }, len = casg_remote_scheme(url, err), rc;
	char program[128];

	if (len < 0)
		return len;
	snprintf(program, sizeof(program), "casg-remote-%.*s", len, url);
	rc = make_pairs(p, theirs) ? errno : spawn(p, exec_dir, program, url, theirs);
	for (int i = 0; i < 3; i++)
		close_fd(&theirs[i]);
	if (rc == ENOENT)
		return casg_err_set(err, CASG_EABSENT,
				    "there is no helper for storages of the kind '%.*s:' (%s)", len,
				    url, program);
	if (rc)
		return casg_err_sys(err, rc, "cannot run '%s'", program);
	return 0;
}

/* 1 when it is gone. */
static int reap(struct casg_remoteproc *p, int ms)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	for (int waited = 0; p->pid; waited += 2) {
		pid_t pid = waitpid(p->pid, &p->status, ms < 0 ? 0 : WNOHANG);

		if (pid == p->pid || (pid < 0 && errno != EINTR)) {
			p->pid = 0;
		} else if (ms >= 0) {
			if (waited >= ms)
				return 0;
			nanosleep(&pause, NULL);
		}
	}
	return 1;
}

void casg_remoteproc_end(struct casg_remoteproc *p, char *how_out, size_t n)
{
	if (!p->pid || !reap(p, 1000))
		snprintf(how_out, n, "it closed its output");
	else if (WIFSIGNALED(p->status))
		snprintf(how_out, n, "signal %d", WTERMSIG(p->status));
	else
		snprintf(how_out, n, "status %d", WEXITSTATUS(p->status));
}

void casg_remoteproc_kill(struct casg_remoteproc *p)
{
	close_fd(&p->in_fd);
	if (p->pid) {
		kill(p->pid, SIGTERM);
		if (!reap(p, 200)) {
			kill(p->pid, SIGKILL);
			reap(p, -1);
		}
	}
	close_fd(&p->out_fd);
}

void casg_remoteproc_finish(struct casg_remoteproc *p)
{
	close_fd(&p->in_fd);
	close_fd(&p->out_fd);
	if (p->pid && !reap(p, END_MS))
		casg_remoteproc_kill(p);
}

void casg_remoteproc_release(struct casg_remoteproc *p)
{
	casg_remoteproc_kill(p);
	close_fd(&p->err_fd);
}
