#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static char dir[] = "tmp-io-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[4][256];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void write_file(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(p, 1, n, f) != n || fclose(f))
		abort();
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Signals that interrupt whatever blocks, every 2 ms. */
static void ticks(int on)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { { 0, on ? 2000 : 0 }, { 0, on ? 2000 : 0 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

/* A child that writes 'n' bytes a few at a time, with pauses. */
static int dribble(size_t n, pid_t *pid)
{
	int fd[2];

	if (pipe(fd))
		abort();
	*pid = fork();
	if (!*pid) {
		close(fd[0]);
		for (size_t i = 0; i < n; i++) {
			uint8_t c = (uint8_t)(i * 7);

			if (write(fd[1], &c, 1) != 1)
				_exit(1);
			if (i % 100 == 0)
				usleep(3000);
		}
		_exit(0);
	}
	close(fd[1]);
	return fd[0];
}

static void test_pipes(void)
{
	struct casg_err err = CASG_ERR_INIT;
	size_t n = 200000, got, bad = 0;
	uint8_t *big = malloc(n), buf[1000];
	int fd[2], status;
	pid_t pid;

	fd[0] = dribble(700, &pid);
	ticks(1); /* not before: a fork that takes longer than a tick begins anew */
	is_int(casg_read_full(fd[0], buf, 500, &got, &err), 0, "read from a slow pipe");
	is_int(got, 500, "all that was asked for");
	for (size_t i = 0; i < got; i++)
		bad += buf[i] != (uint8_t)(i * 7);
	is_int(bad, 0, "bytes as written");
	is_int(casg_read_full(fd[0], buf, 500, &got, &err), 0, "read to the end");
	is_int(got, 200, "less at the end of file");
	is_int(casg_read_full(fd[0], buf, 500, &got, &err), 0, "read at the end");
	is_int(got, 0, "nothing");
	close(fd[0]);
	waitpid(pid, &status, 0);

	memset(big, 'x', n);
	if (pipe(fd))
		abort();
	ticks(0);
	pid = fork();
	if (!pid) {
		size_t sum = 0;
		ssize_t k;

		close(fd[1]);
		usleep(20000);
		while ((k = read(fd[0], buf, sizeof(buf))) > 0)
			sum += (size_t)k;
		_exit(sum == n ? 0 : 1);
	}
	ticks(1);
	close(fd[0]);
	is_int(casg_write_full(fd[1], big, n, &err), 0, "write more than a pipe holds");
	is_int(casg_fsync(fd[1], &err), 0, "syncing a pipe is no failure");
	close(fd[1]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	is_int(status, 0, "all of it arrives");
	ticks(0);
	free(big);
}

static void test_errors(void)
{
	struct casg_err err = CASG_ERR_INIT;
	char buf[10];
	size_t got = 5;
	int fd;

	is_int(casg_read_full(-1, buf, 10, &got, &err), CASG_EIO, "read from no file");
	is_int(got, 0, "nothing came");
	is_int(casg_write_full(-1, buf, 1, &err), CASG_EIO, "write to no file");
	ok(strstr(err.msg, "cannot write: "), "message");
	is_int(casg_fsync(-1, &err), CASG_EIO, "sync of no file");
	is_int(casg_pread_full(0, buf, 10, UINT64_MAX, &got, &err), CASG_EIO,
	       "offset beyond files");
	fd = open("/dev/full", O_WRONLY);
	if (fd >= 0) {
		is_int(casg_write_full(fd, buf, 10, &err), CASG_EIO, "a full device");
		close(fd);
	}
	is_int(casg_fsync_dir(in_dir("nothing"), &err), CASG_EIO, "sync of no folder");
}

static void test_files(void)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	size_t n = 300000, got;
	uint8_t *big = malloc(n), part[10];
	int fd;

	for (size_t i = 0; i < n; i++)
		big[i] = (uint8_t)(i * i >> 3);
	write_file(in_dir("big"), big, n);
	is_int(casg_read_file(in_dir("big"), n, &b, &err), 0, "read a file");
	is_mem(b.data, b.len, big, n, "its bytes");
	is_int(casg_read_file(in_dir("big"), n - 1, &b, &err), CASG_ENOMEM, "too large");
	is_int(b.len, n, "the buffer is as before");
	write_file(in_dir("small"), "abc", 3);
	is_int(casg_read_file(in_dir("small"), 3, &b, &err), 0, "append another");
	is_int(b.len, n + 3, "appended");
	write_file(in_dir("empty"), "", 0);
	is_int(casg_read_file(in_dir("empty"), 0, &b, &err), 0, "an empty file");
	is_int(b.len, n + 3, "adds nothing");
	is_int(casg_read_file(in_dir("absent"), 9, &b, &err), CASG_EABSENT, "absent");
	ok(strstr(err.msg, "absent': No such file"), "message names it: %s", err.msg);
	is_int(err.code, CASG_EABSENT, "code");
	is_int(casg_read_file(in_dir("small/x"), 9, &b, &err), CASG_EABSENT,
	       "absent, below a file");
	is_int(casg_read_file(dir, 9, &b, &err), CASG_EIO, "a folder");
	if (!access("/proc/self/stat", R_OK)) {
		casg_buf_reset(&b);
		is_int(casg_read_file("/proc/self/stat", 65536, &b, &err), 0,
		       "a file that claims to be empty");
		ok(b.len > 10, "is read to its end");
	}
	fd = open(in_dir("big"), O_RDONLY);
	is_int(casg_pread_full(fd, part, 10, n - 4, &got, &err), 0, "read at an offset");
	is_mem(part, got, big + n - 4, 4, "what is left there");
	close(fd);
	casg_buf_release(&b);
	free(big);
}

static void test_folders(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct stat st;

	is_int(casg_mkdir_p(in_dir("a/b//c/"), &err), 0, "make folders");
	ok(!stat(in_dir("a/b/c"), &st) && S_ISDIR(st.st_mode), "made");
	is_int(casg_mkdir_p(in_dir("a/b/c"), &err), 0, "again");
	is_int(casg_mkdir_p("/", &err), 0, "the root");
	is_int(casg_mkdir_p(in_dir("small/x"), &err), CASG_EIO, "below a file");
	is_int(casg_mkdir_p(in_dir("small"), &err), CASG_EIO, "in place of a file");
	is_int(casg_fsync_dir(in_dir("a"), &err), 0, "sync a folder");
	is_int(casg_fsync_parent(in_dir("a/x"), &err), 0, "sync a file's folder");
	is_int(casg_fsync_parent("x", &err), 0, "of a bare name");
	is_int(casg_fsync_parent("/x", &err), 0, "of a name in the root");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	signal(SIGPIPE, SIG_IGN);
	test_pipes();
	test_errors();
	test_files();
	test_folders();
	rmdir(in_dir("a/b/c"));
	rmdir(in_dir("a/b"));
	rmdir(in_dir("a"));
	unlink(in_dir("big"));
	unlink(in_dir("small"));
	unlink(in_dir("empty"));
	is_int(rmdir(dir), 0, "nothing left behind");
	return done_testing();
}
