#include "clisettings.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "io.h"
#include "refs.h"

/* Does the file have the word, or read another that may? */
static int mentions(const char *dir, const char *name, const char *what)
{
	struct casg_buf path = CASG_BUF_INIT, text = CASG_BUF_INIT;
	int rc, found;

	casg_buf_addf(&path, "%s%s", dir, name);
	rc = casg_read_file(casg_buf_cstr(&path), 1 << 20, &text, NULL);
	/* what cannot be looked into is libgit2's to judge */
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
 * Starting libgit2 takes 5 ms (it reads the certificates of the system), so
 * it is only asked where some configuration file mentions us at all.
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

void casg_cli_settings(const struct casg_repo *repo, struct casg_settings *out)
{
	static const char *const vars[][2] = {
		{ "CASG_THREADS", "casg.threads" }, { "CASG_MEMORY", "casg.memory" },
		{ "CASG_REMOTE_TIMEOUT", "casg.remoteTimeout" },
	};
	struct casg_err err = CASG_ERR_INIT;

	casg_settings_init(out);
	if (casg_cli_may_be_configured(repo, "casg") &&
	    casg_refs_settings(repo ? repo->git_dir : NULL, out, &err))
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
