#include "clisettings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "io.h"

enum { CONFIG_MAX = 16 << 20 };

/* Does the file have the word, or read another that may? */
static int mentions(const char *dir, const char *name, const char *what)
{
	struct casg_buf path = CASG_BUF_INIT, text = CASG_BUF_INIT;
	int rc, found;

	casg_buf_addf(&path, "%s%s", dir, name);
	rc = casg_read_file(casg_buf_cstr(&path), 1 << 20, &text, NULL);
	/* what cannot be looked into is Git's to judge */
	found = rc && rc != CASG_EABSENT;
	if (!rc)
		found = strcasestr(casg_buf_cstr(&text), what) ||
			strcasestr(casg_buf_cstr(&text), "include");
	casg_buf_release(&path);
	casg_buf_release(&text);
	return found;
}

/* The same of the file that a variable names; often it is /dev/null. */
static int names(const char *var, const char *what)
{
	const char *path = getenv(var);

	return path && *path && strcmp(path, "/dev/null") && mentions(path, "", what);
}

/*
 * Git takes longer to start than most programs here run, so it is only asked
 * where some configuration file mentions us at all.
 */
int casg_cli_may_be_configured(const struct casg_repo *repo, const char *what)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");

	if (names("GIT_CONFIG_GLOBAL", what) || names("GIT_CONFIG_SYSTEM", what))
		return 1;
	if (repo && (mentions(repo->common_dir, "/config", what) ||
		     mentions(repo->git_dir, "/config.worktree", what)))
		return 1;
	if (mentions("", "/etc/gitconfig", what))
		return 1;
	if (xdg && *xdg && mentions(xdg, "/git/config", what))
		return 1;
	return home && *home && (mentions(home, "/.gitconfig", what) ||
				 mentions(home, "/.config/git/config", what));
}

/* ---- git config as a child ---- */

static void become_git(const struct casg_repo *repo, const char *pattern, int out)
{
	/* no repository: nor one around the current directory */
	if (dup2(out, 1) < 0 || setenv("GIT_DIR", repo ? repo->git_dir : "/dev/null", 1))
		_exit(CASG_EXIT_FATAL);
	execlp("git", "git", "config", "--null", "--get-regexp", pattern, (char *)NULL);
	casg_error("cannot run git: %s", strerror(errno));
	_exit(CASG_EXIT_FATAL);
}

/* All of the pipe, and the exit status. */
static int drain(int fd, pid_t pid, struct casg_buf *out, int *status_out, struct casg_err *err)
{
	size_t got = 1;
	int rc = 0;

	while (got && !rc) {
		rc = casg_buf_grow(out, 4096) ? casg_err_nomem(err) :
		     casg_read_full(fd, out->data + out->len, 4096, &got, err);
		out->len += rc ? 0 : got;
		if (!rc && out->len > CONFIG_MAX)
			rc = casg_err_set(err, CASG_ECORRUPT, "git config is too long");
	}
	close(fd);
	while (waitpid(pid, status_out, 0) < 0 && errno == EINTR)
		;
	return rc;
}

static int read_config(const struct casg_repo *repo, const char *pattern, struct casg_buf *out,
		       struct casg_err *err)
{
	int fds[2], status = 0, rc;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return casg_err_sys(err, errno, "cannot run git");
	pid = fork();
	if (!pid)
		become_git(repo, pattern, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		rc = casg_err_sys(err, errno, "cannot run git");
		close(fds[0]);
		return rc;
	}
	rc = drain(fds[0], pid, out, &status, err);
	/* 1: no such key */
	if (!rc && (!WIFEXITED(status) || WEXITSTATUS(status) > 1))
		rc = casg_err_set(err, CASG_EIO, "cannot read git config");
	return rc;
}

int casg_cli_each_config(const struct casg_repo *repo, const char *pattern, casg_config_fn *fn,
			 void *ctx, struct casg_err *err)
{
	struct casg_buf b = CASG_BUF_INIT;
	int rc = read_config(repo, pattern, &b, err);

	/* "key LF value NUL"; of a key alone no value */
	for (size_t at = 0; !rc && at < b.len; ) {
		char *p = (char *)casg_buf_cstr(&b) + at, *value = strchr(p, '\n');

		at += strlen(p) + 1;
		if (value)
			*value++ = '\0';
		rc = fn(ctx, p, value ? value : "", err);
	}
	casg_buf_release(&b);
	return rc;
}

static int apply_setting(void *ctx, const char *key, const char *value, struct casg_err *err)
{
	return casg_settings_set(ctx, key, value, NULL, err);
}

void casg_cli_settings(const struct casg_repo *repo, struct casg_settings *out)
{
	static const char *const vars[][2] = {
		{ "CASG_THREADS", "casg.threads" }, { "CASG_MEMORY", "casg.memory" },
		{ "CASG_REMOTE_TIMEOUT", "casg.remoteTimeout" },
	};
	struct casg_err err = CASG_ERR_INIT;

	casg_settings_init(out);
	if (casg_cli_may_be_configured(repo, "casg") &&
	    casg_cli_each_config(repo, "^casg\\.", apply_setting, out, &err))
		casg_die_err(&err);
	for (size_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++) {
		const char *v = getenv(vars[i][0]);

		if (v && *v && casg_settings_set(out, vars[i][1], v, vars[i][0], &err))
			casg_die_err(&err);
	}
}

int casg_cli_counts_reads(const struct casg_repo *repo)
{
	struct casg_settings s;

	casg_settings_init(&s);
	if (casg_cli_may_be_configured(repo, "countReads"))
		casg_cli_settings(repo, &s);
	return (int)s.count_reads;
}

void casg_cli_setting(struct casg_settings *s, const char *key,
		      const char *option, const char *value)
{
	struct casg_err err = CASG_ERR_INIT;

	if (value && casg_settings_set(s, key, value, option, &err))
		casg_usage_die("%s", err.msg);
}
