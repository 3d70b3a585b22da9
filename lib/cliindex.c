#include "cliindex.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "io.h"
#include "tmpfile.h"

static struct casg_tmpfile idx_tmp = CASG_TMPFILE_INIT;

void casg_cli_index_abandon(void)
{
	casg_tmpfile_abandon(&idx_tmp);
}

static void on_fault(void *ctx, uint32_t chunk, int state, int code, const char *msg)
{
	(void)ctx;
	(void)chunk;
	(void)state;
	(void)code;
	casg_error("%s", msg);
}

static void note_absent(void *ctx, uint32_t chunk, int state, int code, const char *msg)
{
	(void)chunk;
	(void)state;
	(void)msg;
	if (code != CASG_EABSENT)
		*(int *)ctx = 0;
}

enum casg_index_verdict casg_cli_check_pack(struct casg_packtool *tool, int fd,
					    const char *path, const struct casg_oid *expected,
					    int later, uint32_t version,
					    struct casg_packwalk **w_out)
{
	struct casg_packwalk_opts o = {
		.pool = tool->pool, .store = tool->store, .may_lack = tool->promise != NULL,
		.window_nbytes = tool->settings.memory / 2,
	};
	struct casg_err err = CASG_ERR_INIT;
	struct casg_packwalk *w = NULL;
	int only_absent = 1;

	*w_out = NULL;
	if (casg_packwalk_open(&w, fd, path, expected, NULL, &err) ||
	    casg_packwalk_check(w, &o, &err)) {
		if (err.code == CASG_EIO || err.code == CASG_ENOMEM)
			casg_die_err(&err);
		casg_error("%s", err.msg);
		casg_packwalk_close(w);
		return CASG_INDEX_BAD;
	}
	w->idx_version = version;
	if (!w->ndamaged && !w->nunsettled) {
		*w_out = w;
		return CASG_INDEX_GOOD;
	}
	casg_packwalk_each_fault(w, note_absent, &only_absent);
	if (!only_absent || !later)
		casg_packwalk_each_fault(w, on_fault, NULL);
	casg_packwalk_close(w);
	return only_absent && later ? CASG_INDEX_LATER : CASG_INDEX_BAD;
}

void casg_cli_write_index(const struct casg_packwalk *w, const char *path)
{
	struct casg_buf out = CASG_BUF_INIT, dir = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	const char *slash = strrchr(path, '/');

	if (slash)
		casg_buf_add(&dir, path, slash == path ? 1 : (size_t)(slash - path));
	else
		casg_buf_addch(&dir, '.');
	if (casg_packwalk_index(w, &out, &err) ||
	    casg_tmpfile_create(&idx_tmp, casg_buf_cstr(&dir), "idx", &err))
		casg_die_err(&err);
	if (casg_write_full(idx_tmp.fd, out.data, out.len, &err)) {
		casg_err_prefix(&err, "'%s'", idx_tmp.path);
		casg_die_err(&err);
	}
	if (casg_tmpfile_commit_replace(&idx_tmp, path, &err))
		casg_die_err(&err);
	casg_buf_release(&out);
	casg_buf_release(&dir);
}
