#include "clisign.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "array.h"
#include "cli.h"
#include "io.h"

/* Loose objects go to disk before a ref may name them. */
static const char *const command[] = {
	"git", "-c", "core.fsync=committed", "-c", "core.fsyncObjectFiles=true",
	"-c", "i18n.commitEncoding=UTF-8", "commit-tree", "-S"
};

static const char **make_argv(const struct casg_commit_parts *p)
{
	struct casg_strs a = { NULL, 0, 0 };

	if (CASG_GROW(a.v, sizeof(command) / sizeof(command[0]) + 2 * p->nparents + 4, a.cap))
		return NULL;
	for (size_t i = 0; i < sizeof(command) / sizeof(command[0]); i++)
		a.v[a.n++] = command[i];
	for (size_t i = 0; i < p->nparents; i++) {
		a.v[a.n++] = "-p";
		a.v[a.n++] = p->parents[i];
	}
	a.v[a.n++] = "-F";
	a.v[a.n++] = "-";
	a.v[a.n++] = p->tree;
	a.v[a.n] = NULL;
	return a.v;
}

static void become_git(const char **argv, int in, int out, const struct casg_repo *repo,
		       const struct casg_commit_parts *p)
{
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || setenv("GIT_DIR", repo->git_dir, 1) ||
	    setenv("GIT_AUTHOR_NAME", p->author.name, 1) ||
	    setenv("GIT_AUTHOR_EMAIL", p->author.email, 1) ||
	    setenv("GIT_AUTHOR_DATE", p->author.date, 1) ||
	    setenv("GIT_COMMITTER_NAME", p->committer.name, 1) ||
	    setenv("GIT_COMMITTER_EMAIL", p->committer.email, 1) ||
	    setenv("GIT_COMMITTER_DATE", p->committer.date, 1))
		_exit(CASG_EXIT_FATAL);
	execvp(argv[0], (char *const *)argv);
	casg_error("cannot run git: %s", strerror(errno));
	_exit(CASG_EXIT_FATAL);
}

/* Give it the message, take the id; then what became of it. */
static int converse(pid_t pid, int in, int out, const char *message,
		    char commit_out[CASG_GITID_SIZE], struct casg_err *err)
{
	char answer[CASG_GITID_SIZE + 1];
	size_t n;
	int status, rc;

	/* if it ends early, its exit status says so */
	casg_write_full(in, message, strlen(message), NULL);
	close(in);
	rc = casg_read_full(out, answer, sizeof(answer), &n, err);
	close(out);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc)
		return rc;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return casg_err_set(err, CASG_EIO, "'git commit-tree -S' could not sign the commit");
	while (n && answer[n - 1] == '\n')
		n--;
	if (n >= CASG_GITID_SIZE || n < 40)
		return casg_err_set(err, CASG_EIO, "'git commit-tree -S' gave no commit id");
	memcpy(commit_out, answer, n);
	commit_out[n] = '\0';
	return 0;
}

int casg_write_signed(void *ctx, const struct casg_commit_parts *parts,
		      char commit_out[CASG_GITID_SIZE], struct casg_err *err)
{
	const char **argv = make_argv(parts);
	int in[2], out[2], rc;
	pid_t pid;

	if (!argv)
		return casg_err_nomem(err);
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) {
		free(argv);
		return casg_err_sys(err, errno, "cannot run git");
	}
	signal(SIGPIPE, SIG_IGN);
	pid = fork();
	if (!pid)
		become_git(argv, in[0], out[1], ctx, parts);
	free(argv);
	close(in[0]);
	close(out[1]);
	if (pid < 0) {
		rc = casg_err_sys(err, errno, "cannot run git");
		close(in[1]);
		close(out[0]);
	} else {
		rc = converse(pid, in[1], out[0], parts->message, commit_out, err);
	}
	signal(SIGPIPE, SIG_DFL);
	return rc;
}
