#include "tmpfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "tap.h"

static char dir[] = "tmp-tmpfile-XXXXXX";
static struct casg_err err = CASG_ERR_INIT;

static const char *in_dir(const char *name)
{
	static char path[4][256];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static int count_files(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void is_content(const char *path, const char *want, const char *what)
{
	struct casg_buf b = CASG_BUF_INIT;

	is_int(casg_read_file(path, 1000, &b, &err), 0, "%s: readable", what);
	is_mem(b.data, b.len, want, strlen(want), "%s: bytes", what);
	casg_buf_release(&b);
}

static void make(struct casg_tmpfile *t, const char *text)
{
	is_int(casg_tmpfile_create(t, dir, "pack", &err), 0, "create");
	is_int(casg_write_full(t->fd, text, strlen(text), &err), 0, "write");
}

static void test_commit(void)
{
	struct casg_tmpfile t = CASG_TMPFILE_INIT;
	struct stat st;
	char head[64];

	casg_tmpfile_abandon(&t);
	ok(1, "abandon of what never was");
	make(&t, "one");
	snprintf(head, sizeof(head), "/pack-%ld-", (long)getpid());
	ok(strstr(t.path, head) && strstr(t.path, ".tmp"), "name: %s", t.path);
	ok(fcntl(t.fd, F_GETFD) & FD_CLOEXEC, "close-on-exec");
	is_int(count_files(), 1, "it is there");
	is_int(casg_tmpfile_commit(&t, in_dir("final"), &err), 0, "commit");
	is_content(in_dir("final"), "one", "committed");
	is_int(count_files(), 1, "under one name");
	ok(!stat(in_dir("final"), &st) && (st.st_mode & 0777) == 0440, "mode under the umask");
	casg_tmpfile_abandon(&t);
	is_int(count_files(), 1, "abandon after commit does nothing");
	ok(t.fd == -1 && !t.active, "closed");

	make(&t, "two");
	is_int(casg_tmpfile_commit(&t, in_dir("final"), &err), 0, "commit where one is");
	is_content(in_dir("final"), "one", "the older one stays");
	is_int(count_files(), 1, "ours is gone");

	make(&t, "longer");
	is_int(casg_tmpfile_commit(&t, in_dir("final"), &err), CASG_ECORRUPT,
	       "one of another size is damaged");
	ok(strstr(err.msg, "final"), "message names it");
	is_int(count_files(), 1, "ours is gone");

	make(&t, "new");
	t.mode_or = 0044;
	is_int(casg_tmpfile_commit_replace(&t, in_dir("final"), &err), 0, "replace");
	is_content(in_dir("final"), "new", "replaced");
	ok(!stat(in_dir("final"), &st) && (st.st_mode & 0777) == 0444, "mode of a shared one");
	unlink(in_dir("final"));
}

static void test_failures(void)
{
	struct casg_tmpfile t = CASG_TMPFILE_INIT;
	char *deep = malloc(5000);

	make(&t, "x");
	casg_tmpfile_abandon(&t);
	is_int(count_files(), 0, "abandoned");
	casg_tmpfile_abandon(&t);
	is_int(casg_tmpfile_commit(&t, in_dir("final"), &err), CASG_EBUG, "commit of nothing");
	is_int(casg_tmpfile_create(&t, in_dir("no"), "x", &err), CASG_EABSENT, "no folder");
	is_int(err.code, CASG_EABSENT, "code");
	memset(deep, 'x', 4999);
	deep[4999] = '\0';
	is_int(casg_tmpfile_create(&t, deep, "x", &err), CASG_EIO, "a name too long");
	make(&t, "x");
	is_int(casg_tmpfile_commit(&t, in_dir("no/final"), &err), CASG_EIO, "no folder to go to");
	is_int(count_files(), 0, "nothing left");
	free(deep);
}

static void test_scratch(void)
{
	struct casg_err e2 = CASG_ERR_INIT;
	char buf[4];
	size_t got;
	int fd = casg_tmpfile_scratch(dir, &err);

	ok(fd >= 0, "scratch file");
	is_int(count_files(), 0, "has no name");
	is_int(casg_write_full(fd, "abcd", 4, &err), 0, "write");
	is_int(casg_pread_full(fd, buf, 4, 0, &got, &err), 0, "read");
	is_mem(buf, got, "abcd", 4, "bytes");
	ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "close-on-exec");
	close(fd);
	is_int(casg_tmpfile_scratch(in_dir("no"), &e2), CASG_EABSENT, "no folder");
}

static void test_lock(void)
{
	struct casg_lockfile a = CASG_LOCKFILE_INIT, b = CASG_LOCKFILE_INIT;
	int status;
	pid_t pid;

	casg_lockfile_release(&a);
	is_int(casg_lockfile_take(&a, in_dir("ref"), 0, &err), 0, "take");
	is_int(access(in_dir("ref.lock"), F_OK), 0, "lock file");
	is_int(casg_lockfile_take(&b, in_dir("ref"), 0, &err), CASG_EIO, "taken");
	ok(strstr(err.msg, "ref.lock"), "message names it");
	is_int(casg_lockfile_take(&b, in_dir("ref"), 30, &err), CASG_EIO, "taken for long");
	casg_lockfile_release(&b);
	is_int(access(in_dir("ref.lock"), F_OK), 0, "who failed removes nothing");
	casg_lockfile_release(&a);
	ok(access(in_dir("ref.lock"), F_OK), "released");

	is_int(casg_lockfile_take(&a, in_dir("ref"), 0, &err), 0, "take again");
	casg_write_full(a.fd, "value\n", 6, &err);
	is_int(casg_lockfile_commit(&a, &err), 0, "commit");
	is_content(in_dir("ref"), "value\n", "committed");
	ok(access(in_dir("ref.lock"), F_OK), "lock is gone");
	is_int(casg_lockfile_commit(&a, &err), CASG_EBUG, "commit of no lock");

	is_int(casg_lockfile_take(&a, in_dir("ref"), 0, &err), 0, "take once more");
	pid = fork();
	if (!pid) {
		int rc = casg_lockfile_take(&b, in_dir("ref"), 600000, &err);

		casg_lockfile_release(&b);
		_exit(rc ? 1 : 0);
	}
	usleep(50000);
	casg_lockfile_release(&a);
	waitpid(pid, &status, 0);
	is_int(status, 0, "who waits gets it");
	is_int(casg_lockfile_take(&a, in_dir("no/ref"), 0, &err), CASG_EABSENT, "no folder");
	unlink(in_dir("ref"));
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	umask(0027);
	test_commit();
	test_failures();
	test_scratch();
	test_lock();
	is_int(rmdir(dir), 0, "nothing left behind");
	return done_testing();
}
