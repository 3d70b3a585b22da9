/* casg-index-pack - verify packs and write their indexes */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cli.h"
#include "cliindex.h"
#include "clipack.h"
#include "io.h"
#include "tmpfile.h"

static int verbose, from_stdin;
static const char *threads, *output, *index_version;
static uint32_t version; /* of the indexes; 0: the newest */

static const char *const usage[] = {
	"[-v] [--threads=N] [--index-version=N] [-o IDX] PACK...",
	"[-v] [--threads=N] [--index-version=N] --stdin",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'v', NULL, NULL, &verbose, "say what the packs hold" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "how many threads (0: one a processor)" },
	{ CASG_OPT_STR, 0, "index-version", "N", &index_version,
	  "write indexes of an older version" },
	{ CASG_OPT_STR, 'o', NULL, "IDX", &output, "write the index there" },
	{ CASG_OPT_FLAG, 0, "stdin", NULL, &from_stdin,
	  "read a pack from standard input into the repository" },
	{ .type = CASG_OPT_END }
};

static struct casg_packtool tool;
static struct casg_tmpfile pack_tmp = CASG_TMPFILE_INIT;

static void on_signal(int sig)
{
	casg_tmpfile_abandon(&pack_tmp);
	casg_cli_index_abandon();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void clean_up(void)
{
	casg_tmpfile_abandon(&pack_tmp);
	casg_cli_index_abandon();
}

/* As casg_cli_check_pack, but dies unless the pack is good or may be tried again: NULL. */
static struct casg_packwalk *check(int fd, const char *path, const struct casg_oid *expected,
				   int later)
{
	struct casg_packwalk *w;

	if (casg_cli_check_pack(&tool, fd, path, expected, later, version, &w) == CASG_INDEX_BAD)
		casg_die("'%s' cannot be indexed", path);
	return w;
}

static void report(const struct casg_packwalk *w)
{
	char hex[CASG_OID_HEXSZ + 2];

	casg_oid_hex(&w->id, hex);
	if (verbose)
		fprintf(stderr, "pack-%s: %u chunks, %u objects, %u nodes, %llu bytes\n",
			hex, w->nchunks, w->nobjects, w->nnodes,
			(unsigned long long)w->nbytes);
	hex[CASG_OID_HEXSZ] = '\n';
	casg_out(hex, CASG_OID_HEXSZ + 1);
}

static void index_path(const char *path, const struct casg_oid *id, struct casg_buf *out)
{
	const char *slash = strrchr(path, '/');

	if (output) {
		casg_buf_addstr(out, output);
	} else {
		if (slash)
			casg_buf_add(out, path, (size_t)(slash - path) + 1);
		casg_buf_addstr(out, "pack-");
		casg_oid_addhex(out, id);
		casg_buf_addstr(out, ".idx");
	}
	casg_buf_cstr(out);
	if (out->failed)
		casg_die("out of memory");
}

/* 1 done, 0 to be tried again when another pack has its index. */
static int index_file(const char *name, int later)
{
	struct casg_buf path = CASG_BUF_INIT, idx = CASG_BUF_INIT;
	struct casg_oid expected;
	struct casg_packwalk *w;
	int fd;

	casg_packtool_path(&tool, name, "pack", &path);
	fd = open((char *)path.data, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		casg_die("cannot open '%s': %s", (char *)path.data, strerror(errno));
	w = check(fd, (char *)path.data,
		  casg_packwalk_name((char *)path.data, &expected) ? &expected : NULL, later);
	if (w) {
		index_path((char *)path.data, &w->id, &idx);
		casg_cli_write_index(w, (char *)idx.data);
		report(w);
		/* what comes next may refer to it; not a pack of the repository: no */
		if (tool.store)
			casg_store_add_pack(tool.store, &w->id, NULL);
	}
	casg_packwalk_close(w);
	close(fd);
	casg_buf_release(&path);
	casg_buf_release(&idx);
	return w != NULL;
}

/* Packs refer to one another in any order, but never in a circle. */
static void index_files(char **names, int n)
{
	int left = n, done;

	do {
		done = 0;
		for (int i = 0; i < n; i++)
			if (names[i] && index_file(names[i], left > 1)) {
				names[i] = NULL;
				left--;
				done++;
			}
	} while (done && left);
	for (int i = 0; i < n; i++)
		if (names[i])
			index_file(names[i], 0);
}

static void copy_stdin(void)
{
	struct casg_err err = CASG_ERR_INIT;
	size_t cap = (size_t)1 << 20, got = 0;
	uint8_t *block = malloc(cap);

	if (!block)
		casg_die("out of memory");
	do {
		if (casg_read_full(STDIN_FILENO, block, cap, &got, &err)) {
			casg_err_prefix(&err, "standard input");
			casg_die_err(&err);
		}
		if (casg_write_full(pack_tmp.fd, block, got, &err)) {
			casg_err_prefix(&err, "'%s'", pack_tmp.path);
			casg_die_err(&err);
		}
	} while (got == cap);
	free(block);
}

static void index_stdin(void)
{
	struct casg_buf path = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_packwalk *w;

	if (!tool.in_repo)
		casg_die("--stdin needs a casg repository");
	if (casg_repo_mkdirs(&tool.repo, &err) ||
	    casg_tmpfile_create(&pack_tmp, tool.repo.tmp_dir, "pack", &err))
		casg_die_err(&err);
	copy_stdin();
	w = check(pack_tmp.fd, "standard input", NULL, 0);
	/* the index first: a pack that can be seen has one */
	casg_buf_addf(&path, "%s/pack-%s.idx", tool.repo.packs_dir,
		      casg_oid_hex(&w->id, hex));
	casg_cli_write_index(w, casg_buf_cstr(&path));
	casg_buf_reset(&path);
	casg_buf_addf(&path, "%s/pack-%s.pack", tool.repo.packs_dir, hex);
	if (casg_tmpfile_commit(&pack_tmp, casg_buf_cstr(&path), &err))
		casg_die_err(&err);
	report(w);
	casg_packwalk_close(w);
	casg_buf_release(&path);
}

static int run(int argc, char **argv)
{
	if (from_stdin && (argc || output))
		casg_usage_die("--stdin takes neither PACK nor -o");
	if (!from_stdin && !argc)
		casg_usage_die("too few arguments");
	if (output && argc != 1)
		casg_usage_die("-o needs exactly one PACK");
	if (index_version) {
		version = (uint32_t)(index_version[0] - '0');
		if (!index_version[0] || index_version[1] || version < CASG_PACKIDX_OLDEST ||
		    version > CASG_PACKIDX_VERSION)
			casg_usage_die("bad value '%s' of --index-version: wanted %d to %d",
				       index_version, CASG_PACKIDX_OLDEST, CASG_PACKIDX_VERSION);
	}
	atexit(clean_up);
	casg_catch_signals(on_signal);
	casg_packtool_open(&tool, threads, argc ? argv[0] : NULL);
	if (from_stdin)
		index_stdin();
	else
		index_files(argv, argc);
	casg_packtool_close(&tool);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-index-pack", usage, opts, 0, -1, run };
