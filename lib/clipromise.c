#include "clipromise.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "clirepo.h"
#include "clisettings.h"

extern char **environ;

struct casg_cli_promise {
	struct casg_promised *packs;
	struct casg_buf dir, cache_dir, git_dir;
	/* the process that asks storages; one conversation at a time */
	pid_t pid;
	int in_fd;
	FILE *out;
};

const char *casg_cli_partial_dir(const struct casg_repo *repo, struct casg_buf *out)
{
	const char *dir = getenv("CASG_PARTIAL");

	casg_buf_reset(out);
	if (dir && *dir)
		casg_buf_addstr(out, dir);
	else
		casg_buf_addf(out, "%s/partial", repo->casg_dir);
	return casg_buf_cstr(out);
}

const char *casg_cli_cache_dir(const struct casg_repo *repo, struct casg_buf *out)
{
	casg_buf_reset(out);
	casg_buf_addf(out, "%s/cache", repo->casg_dir);
	return casg_buf_cstr(out);
}

/* ---- the process ---- */

static void end_process(struct casg_cli_promise *p)
{
	int status;

	if (p->in_fd >= 0)
		close(p->in_fd);
	if (p->out)
		fclose(p->out);
	while (p->pid > 0 && waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->in_fd = -1;
	p->out = NULL;
	p->pid = 0;
}

/* Our environment, but for which repository it is. */
static char **make_environment(char *dir)
{
	size_t n = 0, k = 0;
	char **env;

	while (environ[n])
		n++;
	env = calloc(n + 2, sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "CASG_DIR=", 9))
			env[k++] = environ[i];
	env[k] = dir;
	return env;
}

static int start(struct casg_cli_promise *p, struct casg_err *err)
{
	char *const argv[] = { (char *)"casg-prefetch", (char *)"--batch", NULL };
	struct casg_buf path = CASG_BUF_INIT, dir = CASG_BUF_INIT;
	posix_spawn_file_actions_t acts;
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc = 0;
	/* in a build tree scripts are elsewhere, and on PATH */
	const char *program = casg_cli_sibling("casg-prefetch", &path) || access(casg_buf_cstr(&path), X_OK) ?
			      argv[0] : casg_buf_cstr(&path);
	char **env;

	casg_buf_addf(&dir, "CASG_DIR=%s", casg_buf_cstr(&p->git_dir));
	casg_buf_cstr(&dir);
	env = dir.failed ? NULL : make_environment((char *)dir.data);
	if (!env || posix_spawn_file_actions_init(&acts)) {
		free(env);
		casg_buf_release(&path);
		casg_buf_release(&dir);
		return casg_err_nomem(err);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) || pipe2(out, O_CLOEXEC) ||
	    posix_spawn_file_actions_adddup2(&acts, in[1], 0) ||
	    posix_spawn_file_actions_adddup2(&acts, out[1], 1))
		rc = errno ? errno : ENOMEM;
	if (!rc)
		rc = posix_spawnp(&p->pid, program, &acts, NULL, argv, env);
	if (in[1] >= 0)
		close(in[1]);
	if (out[1] >= 0)
		close(out[1]);
	posix_spawn_file_actions_destroy(&acts);
	free(env);
	casg_buf_release(&path);
	casg_buf_release(&dir);
	p->in_fd = in[0];
	p->out = rc ? NULL : fdopen(out[0], "r");
	if (!p->out) {
		if (out[0] >= 0)
			close(out[0]);
		p->pid = rc ? 0 : p->pid;
		end_process(p);
		return casg_err_sys(err, rc ? rc : ENOMEM, "cannot run casg-prefetch");
	}
	return 0;
}

static int send_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t put = send(fd, p, n, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return -1;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

/* "NUMBER BYTES" and as many bytes, for those that came, then "end". */
static int read_answers(struct casg_cli_promise *p, const struct casg_promised_ask *asks, size_t n,
			casg_promised_got_fn *got, void *got_ctx, struct casg_err *err)
{
	struct casg_buf b = CASG_BUF_INIT;
	unsigned long long i, nbytes;
	char line[128];
	int rc = -1;

	while (fgets(line, sizeof(line), p->out)) {
		if (!strcmp(line, "end\n")) {
			rc = 0;
			break;
		}
		if (sscanf(line, "%llu %llu", &i, &nbytes) != 2 || i >= n || nbytes != asks[i].e.nbytes)
			break;
		casg_buf_reset(&b);
		if (casg_buf_grow(&b, (size_t)nbytes) || fread(b.data, 1, (size_t)nbytes, p->out) != nbytes)
			break;
		got(got_ctx, (size_t)i, b.data, (size_t)nbytes);
	}
	casg_buf_release(&b);
	return rc ? casg_err_set(err, CASG_EIO, "no storage could be asked") : 0;
}

static int fetch(void *ctx, const struct casg_promised_ask *asks, size_t n,
		 casg_promised_got_fn *got, void *got_ctx, struct casg_err *err)
{
	struct casg_cli_promise *p = ctx;
	struct casg_buf b = CASG_BUF_INIT;
	int rc = p->pid ? 0 : start(p, err);

	for (size_t i = 0; i < n; i++) {
		casg_oid_addhex(&b, &asks[i].x->pack_id);
		casg_buf_addf(&b, " %u\n", asks[i].chunk);
	}
	casg_buf_addch(&b, '\n');
	if (!rc)
		rc = casg_buf_check(&b, err);
	if (!rc && send_all(p->in_fd, b.data, b.len))
		rc = casg_err_set(err, CASG_EIO, "no storage could be asked");
	if (!rc)
		rc = read_answers(p, asks, n, got, got_ctx, err);
	if (rc)
		end_process(p);
	casg_buf_release(&b);
	return rc;
}

/* ---- open, close ---- */

struct casg_cli_promise *casg_cli_promise_open(const struct casg_repo *repo, int asks)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_promised_opts o = { 0 };
	struct casg_cli_promise *p;
	struct casg_settings s;
	struct casg_buf dir = CASG_BUF_INIT;
	const char *no = getenv("CASG_NO_FETCH");

	if (access(casg_cli_partial_dir(repo, &dir), F_OK)) {
		casg_buf_release(&dir);
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		casg_die("out of memory");
	p->in_fd = -1;
	p->dir = dir;
	casg_cli_settings(repo, &s);
	casg_buf_addstr(&p->git_dir, repo->git_dir);
	o.dir = casg_buf_cstr(&p->dir);
	o.cache.max_nbytes = s.cache_size;
	o.cache.keep_free = s.cache_keep_free;
	/* what is to become whole packs is not cached */
	o.cache.dir = getenv("CASG_PARTIAL") ? NULL : casg_cli_cache_dir(repo, &p->cache_dir);
	o.hold_nbytes = s.memory / 8;
	/* those that get or check packs look at what others may not rely on yet */
	o.unchecked = !asks || (no && !strcmp(no, "unchecked"));
	if (asks && !(no && *no))
		o.fetch = fetch;
	o.ctx = p;
	if (p->dir.failed || p->git_dir.failed || p->cache_dir.failed)
		casg_die("out of memory");
	if (casg_promised_open(&p->packs, &o, &err))
		casg_die_err(&err);
	return p;
}

struct casg_promised *casg_cli_promise_packs(struct casg_cli_promise *p)
{
	return p ? p->packs : NULL;
}

void casg_cli_promise_close(struct casg_cli_promise *p)
{
	if (!p)
		return;
	casg_promised_close(p->packs);
	end_process(p);
	casg_buf_release(&p->dir);
	casg_buf_release(&p->cache_dir);
	casg_buf_release(&p->git_dir);
	free(p);
}
