/* casg-copy-object - copy, list and delete single objects of a storage */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "cliremote.h"
#include "oid.h"

/* What is copied is held in memory. */
#define NBYTES_MAX (UINT64_C(256) << 20)

static const char *url, *get, *put, *put_new, *put_digest, *delete, *list;

static const char *const usage[] = {
	"--url=URL --get=NAME",
	"--url=URL --put=NAME <FILE",
	"--url=URL --put-new=NAME <FILE",
	"--url=URL --put-digest=PREFIX <FILE",
	"--url=URL --list=FOLDER",
	"--url=URL --delete=NAME",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "url", "URL", &url, "the storage" },
	{ CASG_OPT_STR, 0, "get", "NAME", &get, "print this object" },
	{ CASG_OPT_STR, 0, "put", "NAME", &put, "store standard input under this name" },
	{ CASG_OPT_STR, 0, "put-new", "NAME", &put_new, "the same, unless there is one" },
	{ CASG_OPT_STR, 0, "put-digest", "PREFIX", &put_digest,
	  "store it under PREFIX and its SHA-256, and print that" },
	{ CASG_OPT_STR, 0, "list", "FOLDER", &list, "print names and sizes of what is in a folder" },
	{ CASG_OPT_STR, 0, "delete", "NAME", &delete, "delete this object" },
	{ .type = CASG_OPT_END }
};

static int get_object(struct casg_remote *r)
{
	struct casg_remote_result result;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf b = CASG_BUF_INIT;

	if (casg_remote_get(r, get, NULL, NBYTES_MAX, &b, &result, &err))
		casg_die_err(&err);
	if (result.kind == CASG_ANSWER_NO)
		return CASG_EXIT_NO;
	casg_out(b.data, b.len);
	casg_buf_release(&b);
	return CASG_EXIT_YES;
}

static int put_object(struct casg_remote *r)
{
	struct casg_hasher *h = casg_hasher_new();
	struct casg_remote_result result;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf b = CASG_BUF_INIT, name = CASG_BUF_INIT;
	struct casg_oid id;

	if (!h)
		casg_die("out of memory");
	casg_cli_slurp("-", NBYTES_MAX, &b);
	casg_buf_addstr(&name, put ? put : put_new ? put_new : put_digest);
	if (put_digest) {
		casg_hasher_digest(h, b.data, b.len, &id);
		casg_oid_addhex(&name, &id);
	}
	if (casg_remote_put(r, put ? CASG_REMOTE_PUT : CASG_REMOTE_PUT_NEW, casg_buf_cstr(&name),
			    b.data, b.len, &result, &err))
		casg_die_err(&err);
	if (put_digest) {
		casg_out(name.data, name.len);
		casg_out("\n", 1);
	}
	casg_hasher_free(h);
	casg_buf_release(&name);
	casg_buf_release(&b);
	return put_new && result.kind == CASG_ANSWER_EXISTS ? CASG_EXIT_NO : CASG_EXIT_YES;
}

static int delete_object(struct casg_remote *r)
{
	struct casg_remote_result result;
	struct casg_err err = CASG_ERR_INIT;

	if (casg_remote_delete(r, delete, &result, &err))
		casg_die_err(&err);
	return result.kind == CASG_ANSWER_NO ? CASG_EXIT_NO : CASG_EXIT_YES;
}

static int print_entry(void *ctx, const char *name, uint64_t nbytes)
{
	struct casg_buf line = CASG_BUF_INIT;

	(void)ctx;
	casg_buf_addf(&line, "%s %llu\n", name, (unsigned long long)nbytes);
	casg_out(line.data, line.len);
	casg_buf_release(&line);
	return 0;
}

static int list_objects(struct casg_remote *r)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf prefix = CASG_BUF_INIT;

	casg_buf_addf(&prefix, "%s/", list);
	if (casg_remote_list(r, casg_buf_cstr(&prefix), print_entry, NULL, &err))
		casg_die_err(&err);
	casg_buf_release(&prefix);
	return CASG_EXIT_YES;
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_remote *r;
	struct casg_repo repo;
	int status;

	(void)argc;
	(void)argv;
	if (!url)
		casg_usage_die("--url is missing");
	if (!!get + !!put + !!put_new + !!put_digest + !!list + !!delete != 1)
		casg_usage_die("wanted one of --get, --put, --put-new, --put-digest, --list and --delete");
	if (casg_remote_scheme(url, &err) < 0)
		casg_usage_die("%s", err.msg);
	casg_cli_repo(&repo);
	casg_cli_remote_init(&repo);
	if (casg_cli_remote_open(&r, url, 0, &err))
		casg_die_err(&err);
	status = get ? get_object(r) : delete ? delete_object(r) : list ? list_objects(r) : put_object(r);
	casg_remote_close(r);
	casg_repo_release(&repo);
	return status;
}

const struct casg_cmd casg_cmd = { "casg-copy-object", usage, opts, 0, 0, run };
