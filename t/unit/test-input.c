/*
 * Files of all kinds as one stream: order, places, errors by name, and the
 * read-ahead thread: reading slowly, stopping early, silent pipes.
 */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compress.h"
#include "decode.h"
#include "tap.h"

/* More than all of the thread's buffers hold. */
#define BIG 6000000

static char dir[] = "/tmp/casg-test-input-XXXXXX";

static const char *write_file(const char *name, const void *p, size_t n)
{
	FILE *f = fopen(name, "wb");

	if (!f || fwrite(p, 1, n, f) != n || fclose(f))
		abort();
	return name;
}

static const char *write_buf(const char *name, const struct casg_buf *b)
{
	return write_file(name, b->data, b->len);
}

/* Read it all in parts of at most n bytes: 0 or the error. */
static int slurp(const char *const *paths, size_t npaths, size_t n,
		 struct casg_buf *out, struct casg_err *err)
{
	struct casg_input *in;
	uint8_t *room = malloc(n);
	long got = casg_input_open(&in, paths, npaths, err);

	if (!room)
		abort();
	while (!got && (got = casg_input_read(in, room, n, err)) > 0) {
		casg_buf_add(out, room, (size_t)got);
		got = 0;
	}
	free(room);
	casg_input_close(in);
	return (int)got;
}

static void check_kinds(const struct casg_buf *text)
{
	static const char *const paths[] = { "p.fa", "g", "x.txt", "none", "b.gz",
					     "empty.gz", "z", "bgzf", "p.fa" };
	static const size_t sizes[] = { 1000, 65536, 5000000 };
	struct casg_buf z = CASG_BUF_INIT, all = CASG_BUF_INIT, out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	write_buf("p.fa", text);
	add_gzip(&z, text->data, text->len);
	write_buf("g", &z);
	casg_buf_reset(&z);
	add_xz(&z, text->data, text->len);
	write_buf("x.txt", &z);
	write_file("none", "", 0);
	casg_buf_reset(&z);
	add_bzip2(&z, text->data, text->len);
	write_buf("b.gz", &z); /* the name says nothing */
	casg_buf_reset(&z);
	add_gzip(&z, "", 0);
	write_buf("empty.gz", &z);
	casg_buf_reset(&z);
	add_zstd(&z, text->data, text->len);
	write_buf("z", &z);
	casg_buf_reset(&z);
	add_bgzf(&z, text->data, text->len);
	casg_buf_add(&z, BGZF_EOF, BGZF_EOF_LEN);
	write_buf("bgzf", &z);
	for (int i = 0; i < 7; i++)
		casg_buf_add(&all, text->data, text->len);
	for (size_t i = 0; i < 3; i++) {
		casg_buf_reset(&out);
		is_int(slurp(paths, 9, sizes[i], &out, &err), 0, "all kinds %s", err.msg);
		is_mem(out.data, out.len, all.data, all.len, "one stream, by %zu", sizes[i]);
	}
	casg_buf_reset(&out);
	is_int(slurp(NULL, 0, 10, &out, &err), 0, "no files");
	is_int(out.len, 0, "no bytes");
	casg_buf_release(&z);
	casg_buf_release(&all);
	casg_buf_release(&out);
}

static void is_at(struct casg_input *in, uint64_t offset, const char *name,
		  uint64_t in_file)
{
	const char *got;
	uint64_t at;

	casg_input_where(in, offset, &got, &at);
	is_str(got, name, "offset %llu is in %s", (unsigned long long)offset, name);
	is_int(at, in_file, "at %llu", (unsigned long long)in_file);
}

static void check_where(const struct casg_buf *text)
{
	static const char *const paths[] = { "p.fa", "none", "g", "z" };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_input *in;
	uint8_t room[10000];
	struct stat st[3];

	if (stat("p.fa", &st[0]) || stat("g", &st[1]) || stat("z", &st[2]))
		abort();
	is_int(casg_input_open(&in, paths, 4, &err), 0, "open %s", err.msg);
	is_int(casg_input_raw_done(in), 0, "nothing is read yet");
	is_int(casg_input_raw_total(in), st[0].st_size + st[1].st_size + st[2].st_size,
	       "bytes on disk");
	is_at(in, 0, "p.fa", 0);
	while (casg_input_read(in, room, sizeof(room), &err) > 0)
		;
	is_int(casg_input_raw_done(in), casg_input_raw_total(in), "all is read");
	is_int(casg_input_read(in, room, sizeof(room), &err), 0, "the end stays");
	is_at(in, 0, "p.fa", 0);
	is_at(in, text->len - 1, "p.fa", text->len - 1);
	is_at(in, text->len, "g", 0);
	is_at(in, 2 * text->len - 1, "g", text->len - 1);
	is_at(in, 2 * text->len, "z", 0);
	is_at(in, 3 * text->len, "z", text->len);
	casg_input_close(in);
}

static void fails(const char *const *paths, size_t npaths, int code, const char *why)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	int ret = slurp(paths, npaths, 4096, &out, &err);

	is_int(ret, code, "class of '%s'", err.msg);
	is_int(err.code, code, "the same inside");
	ok(strstr(err.msg, why) != NULL, "says '%s'", why);
	casg_buf_release(&out);
}

static void check_refusals(void)
{
	const char *paths[2] = { "g", "nowhere" };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_input *in;

	fails(paths, 2, CASG_EABSENT, "cannot open 'nowhere': No such file");
	is_int(casg_input_open(&in, paths, 2, &err), CASG_EABSENT, "at once");
	ok(!in, "no handle");
	paths[1] = ".";
	fails(paths, 2, CASG_EIO, "cannot read '.': is a directory");
	paths[0] = paths[1] = "-";
	fails(paths, 2, CASG_EBUG, "only once");
	if (geteuid()) {
		write_file("secret", "x", 1);
		chmod("secret", 0);
		paths[0] = "secret";
		fails(paths, 1, CASG_EIO, "cannot open 'secret': Permission denied");
	}
	casg_input_close(NULL);
}

/* A cut file among others: its name, what stands before it, and for ever. */
static void check_cut(const char *name, const char *why)
{
	const char *paths[] = { "p.fa", "cut", "p.fa" };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_input *in;
	uint8_t room[10000];
	struct stat st;
	uint64_t total = 0;
	long n;

	if (stat(name, &st) || rename(name, "cut") || truncate("cut", st.st_size - 5))
		abort();
	casg_input_open(&in, paths, 3, &err);
	while ((n = casg_input_read(in, room, sizeof(room), &err)) > 0)
		total += (uint64_t)n;
	is_int(n, CASG_ECORRUPT, "%s cut short", name);
	is_str(err.msg, why, "by name");
	ok(total >= BIG, "after what came before");
	err.msg[0] = '\0';
	is_int(casg_input_read(in, room, sizeof(room), &err), CASG_ECORRUPT, "it stays");
	is_str(err.msg, why, "with its reason");
	casg_input_close(in);
}

static void check_many(void)
{
	const char *paths[100];
	struct casg_buf out = CASG_BUF_INIT, want = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_input *in;
	char names[100][8];
	uint8_t room[16];

	for (int i = 0; i < 100; i++) {
		struct casg_buf z = CASG_BUF_INIT;
		char text[16];
		int n = snprintf(text, sizeof(text), ">%d\nA\n", i);

		snprintf(names[i], sizeof(names[i]), "m%d", i);
		paths[i] = names[i];
		add_gzip(&z, text, (size_t)n);
		if (i % 2)
			write_buf(names[i], &z);
		else
			write_file(names[i], text, (size_t)n);
		casg_buf_add(&want, text, (size_t)n);
		casg_buf_release(&z);
	}
	is_int(slurp(paths, 100, 4096, &out, &err), 0, "a hundred files %s", err.msg);
	is_mem(out.data, out.len, want.data, want.len, "in order");
	/* one that is closed meanwhile may not become another */
	casg_input_open(&in, paths, 100, &err);
	write_file("new", "x", 1);
	if (rename("new", "m60"))
		abort();
	while (casg_input_read(in, room, sizeof(room), &err) > 0)
		;
	is_str(err.msg, "'m60' was replaced while reading", "a file replaced");
	casg_input_close(in);
	casg_buf_release(&out);
	casg_buf_release(&want);
}

static void check_stop_early(void)
{
	static const char *const paths[] = { "g" };
	struct casg_err err = CASG_ERR_INIT;
	uint8_t room[100];

	for (int i = 0; i < 50; i++) {
		struct casg_input *in;

		if (casg_input_open(&in, paths, 1, &err))
			abort();
		for (int j = 0; j < i % 5; j++)
			if (casg_input_read(in, room, sizeof(room), &err) != 100)
				abort();
		casg_input_close(in);
	}
	ok(1, "closed early fifty times");
}

/* The writer keeps its end open and says no more. */
static void check_silent_pipe(int flags)
{
	static uint8_t room[65536], text[2500000];
	struct casg_buf z = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_input *in;
	const char *path[1];
	char name[40];
	int fds[2];

	memset(text, 'A', sizeof(text));
	add_gzip(&z, text, sizeof(text));
	if (pipe2(fds, flags) || write(fds[1], z.data, z.len - 8) != (ssize_t)z.len - 8)
		abort();
	snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
	path[0] = name;
	is_int(casg_input_open(&in, path, 1, &err), 0, "open a pipe %s", err.msg);
	is_int(casg_input_raw_total(in), 0, "its size is not known");
	is_int(casg_input_read(in, room, sizeof(room), &err), sizeof(room), "read some");
	casg_input_close(in);
	ok(1, "closed while its thread waits");
	close(fds[0]);
	close(fds[1]);
	casg_buf_release(&z);
}

/* A non-blocking standard input, fed by a slow child. */
static void check_slow_stdin(const char *file, const struct casg_buf *text)
{
	static const char *const path[] = { "-" };
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	int fds[2], saved = dup(STDIN_FILENO);

	if (pipe2(fds, O_NONBLOCK))
		abort();
	if (!fork()) {
		char cmd[100];

		fcntl(fds[1], F_SETFL, 0);
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		snprintf(cmd, sizeof(cmd), "head -c 3 %s; sleep .1; tail -c +4 %s", file, file);
		execl("/bin/sh", "sh", "-c", cmd, NULL);
		_exit(1);
	}
	close(fds[1]);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	is_int(slurp(path, 1, 65536, &out, &err), 0, "slow standard input %s", err.msg);
	is_mem(out.data, out.len, text->data, text->len, "the same text, %s", file);
	dup2(saved, STDIN_FILENO);
	close(saved);
	casg_buf_release(&out);
}

static void check_closed_stdin(void)
{
	const char *path[] = { "-" };
	int saved = dup(STDIN_FILENO);

	close(STDIN_FILENO);
	fails(path, 1, CASG_EIO, "cannot open 'standard input'");
	dup2(saved, STDIN_FILENO);
	close(saved);
}

static void remove_dir(void)
{
	char cmd[60];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (chdir("/") || system(cmd))
		diag("%s is left behind", dir);
}

int main(void)
{
	struct casg_buf text = CASG_BUF_INIT;

	if (!mkdtemp(dir) || chdir(dir))
		return 99;
	alarm(600); /* a hang is a failure */
	make_text(&text, BIG);
	check_kinds(&text);
	check_where(&text);
	check_refusals();
	check_many();
	check_stop_early();
	check_silent_pipe(0);
	check_silent_pipe(O_NONBLOCK);
	check_slow_stdin("g", &text);
	check_slow_stdin("p.fa", &text);
	check_closed_stdin();
	check_cut("g", "cut: truncated gzip stream");
	check_cut("z", "cut: truncated zstd stream");
	check_cut("x.txt", "cut: truncated xz stream");
	check_cut("b.gz", "cut: truncated bzip2 stream");
	check_cut("bgzf", "cut: truncated gzip stream");
	casg_buf_release(&text);
	remove_dir();
	return done_testing();
}
