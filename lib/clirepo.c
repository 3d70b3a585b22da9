#include "clirepo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "io.h"

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

/*
 * Where libgit2 has its TLS from mbedTLS, as in Debian, it reads all certificates
 * of the system when it starts: 8 of the 12 milliseconds that casg-read-version
 * takes.  Programs that open repositories reach no server themselves, so it gets
 * none: a connection, if there were one, would not be trusted.  Weak, for those
 * who link statically; the programs that do reach servers are not linked with this.
 */
int mbedtls_x509_crt_parse_file(void *chain, const char *path);

__attribute__((weak)) int mbedtls_x509_crt_parse_file(void *chain, const char *path)
{
	(void)chain;
	(void)path;
	return 0;
}

void casg_cli_share(const struct casg_repo *repo)
{
	struct stat st;

	if (!stat(repo->casg_dir, &st) && (st.st_mode & S_ISGID))
		umask((umask(0) & 0700) | (~st.st_mode & 077));
}

void casg_cli_repo(struct casg_repo *repo)
{
	struct casg_err err = CASG_ERR_INIT;
	const char *dir = env("CASG_DIR"), *cache = env("CASG_CACHE_DIR");

	if (!dir)
		dir = env("GIT_DIR");
	if (casg_repo_discover(repo, NULL, dir, &err))
		casg_die_err(&err);
	casg_cli_share(repo);
	if (cache && casg_repo_set_cache_dir(repo, cache, &err))
		casg_die_err(&err);
}

/* ---- casg-read-version as a child ---- */

/* Beside this program, or where the dispatcher says programs are. */
int casg_cli_sibling(const char *name, struct casg_buf *out)
{
	const char *dir = env("CASG_EXEC_PATH");
	char self[4096];
	ssize_t n;

	if (dir) {
		casg_buf_addf(out, "%s/%s", dir, name);
		if (!access(casg_buf_cstr(out), X_OK))
			return 0;
		casg_buf_reset(out);
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return -1;
	self[n] = '\0';
	casg_buf_add(out, self, (size_t)(strrchr(self, '/') - self));
	casg_buf_addf(out, "/%s", name);
	casg_buf_cstr(out);
	return out->failed ? -1 : 0;
}

static void become_reader(const char *path, const char *spec, int out_fd,
			  const struct casg_repo *repo)
{
	char *const argv[] = {
		(char *)"casg-read-version", (char *)"--", (char *)spec, NULL
	};

	if (dup2(out_fd, 1) < 0 || setenv("CASG_DIR", repo->git_dir, 1))
		_exit(CASG_EXIT_FATAL);
	execv(path, argv);
	fprintf(stderr, "fatal: cannot run '%s': %s\n", path, strerror(errno));
	_exit(CASG_EXIT_FATAL);
}

/* All of the pipe, one byte more than a VERSION may have. */
static int drain(int fd, struct casg_buf *out, struct casg_err *err)
{
	size_t most = CASG_VERSION_MAX_BYTES + 1, got;
	int r;

	if (casg_buf_grow(out, most))
		return casg_err_nomem(err);
	r = casg_read_full(fd, out->data + out->len, most, &got, err);
	out->len += got;
	return r;
}

static int resolve_by_child(void *ctx, const char *spec, struct casg_buf *text_out,
			    struct casg_err *err)
{
	struct casg_buf path = CASG_BUF_INIT;
	int fds[2], status, r;
	pid_t pid;

	if (casg_cli_sibling("casg-read-version", &path) || pipe2(fds, O_CLOEXEC))
		return casg_err_sys(err, errno, "cannot run casg-read-version");
	pid = fork();
	if (!pid)
		become_reader(casg_buf_cstr(&path), spec, fds[1], ctx);
	casg_buf_release(&path);
	close(fds[1]);
	if (pid < 0) {
		r = casg_err_sys(err, errno, "cannot run casg-read-version");
		close(fds[0]);
		return r;
	}
	r = drain(fds[0], text_out, err);
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* it has said why on stderr: saying it twice helps nobody */
	if (!r && WIFEXITED(status) && WEXITSTATUS(status))
		exit(WEXITSTATUS(status));
	if (!r && !WIFEXITED(status))
		r = casg_err_set(err, CASG_EIO, "casg-read-version was killed");
	return r;
}

void casg_cli_resolve(const struct casg_repo *repo, const char *spec,
		      struct casg_version *out, struct casg_oid *id_out)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_repo_resolve(repo, spec, resolve_by_child, (void *)repo, out, id_out, &err))
		casg_die_err(&err);
}

/* ---- time ---- */

int64_t casg_cli_now(void)
{
	const char *s = getenv("SOURCE_DATE_EPOCH");
	char when[CASG_TIME_SIZE];
	char *end;
	long long v;

	if (!s || !*s)
		return time(NULL);
	errno = 0;
	v = strtoll(s, &end, 10);
	if (*end || errno || !casg_time_format(v, when))
		casg_die("bad SOURCE_DATE_EPOCH '%s'", s);
	return v;
}

/* ---- input ---- */

void casg_cli_slurp(const char *path, size_t most, struct casg_buf *out)
{
	struct casg_err err = CASG_ERR_INIT;
	int fd = 0, r;
	size_t got;

	if (strcmp(path, "-")) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			casg_die("cannot open '%s': %s", path, strerror(errno));
	}
	do {
		size_t step = most + 1 - out->len;

		if (step > 65536)
			step = 65536;
		if (casg_buf_grow(out, step))
			casg_die("out of memory");
		r = casg_read_full(fd, out->data + out->len, step, &got, &err);
		if (r) {
			casg_err_prefix(&err, "'%s'", path);
			casg_die_err(&err);
		}
		out->len += got;
	} while (got && out->len <= most);
	if (out->len > most)
		casg_die("'%s' is longer than %zu bytes", path, most);
	if (fd)
		close(fd);
}
