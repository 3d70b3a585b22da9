/* casg-reachable-packs - print the packs that versions need */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "cliversion.h"
#include "cliwork.h"
#include "lines.h"
#include "reach.h"
#include "refs.h"

static int nul_ends;
static int whole;
static int long_lines;

static const char *const usage[] = { "[-z] [--long] [--whole] <BLOBS", NULL };

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 0, "long", NULL, &long_lines, "print bytes and kinds as well" },
	{ CASG_OPT_FLAG, 0, "whole", NULL, &whole, "only packs that hold nothing else" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "lines end with NUL" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;

/* The roots that a blob names; 0: it is nobody's VERSION. */
static int read_roots(struct casg_refs *refs, const char *id, struct casg_roots *out)
{
	struct casg_version v;
	struct casg_oid version_id;
	int ours = casg_cli_version_blob(refs, id, &v, &version_id);

	if (ours)
		casg_work_roots(&v, out);
	casg_version_release(&v);
	return ours;
}

static void mark_all(struct casg_marks *marks)
{
	struct casg_lines *l = casg_lines_open(0, nul_ends ? '\0' : '\n');
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf id = CASG_BUF_INIT;
	struct casg_profile profile;
	struct casg_roots roots;
	struct casg_refs *refs;
	const char *line, *what = NULL;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	if (casg_refs_open(&refs, &work.repo, &err))
		casg_die_err(&err);
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		const char *sp = memchr(line, ' ', n);

		casg_buf_reset(&id);
		casg_buf_add(&id, line, sp ? (size_t)(sp - line) : n);
		if (read_roots(refs, casg_buf_cstr(&id), &roots)) {
			rc = casg_marks_add(marks, &roots, &err);
			what = "version";
		} else if (casg_cli_profile_blob(refs, casg_buf_cstr(&id), &profile)) {
			rc = casg_marks_blob(marks, &profile.members, &err);
			what = "profile";
		}
		if (rc < 0) {
			casg_err_prefix(&err, "%s in Git object %s", what, casg_buf_cstr(&id));
			casg_die_err(&err);
		}
	}
	if (rc < 0 || casg_marks_finish(marks, &err))
		casg_die_err(&err);
	casg_refs_free(refs);
	casg_lines_close(l);
	casg_buf_release(&id);
}

static void print_pack(uint32_t pack, struct casg_buf *out)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!long_lines)
		casg_oid_addhex(out, &casg_store_idx(work.store, pack)->pack_id);
	else if (casg_reach_line(work.store, pack, out, &err))
		casg_die_err(&err);
	casg_buf_addch(out, nul_ends ? '\0' : '\n');
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_marks *marks;

	(void)argc;
	(void)argv;
	casg_work_open_quick(&work, (uint64_t)32 << 20);
	marks = casg_marks_new(work.store, casg_work_coder(&work), &err);
	if (!marks)
		casg_die_err(&err);
	if (whole)
		casg_marks_everything(marks);
	mark_all(marks);
	for (uint32_t i = 0; i < casg_store_npacks(work.store); i++)
		if (casg_marks_needed(marks, i) && (!whole || casg_marks_whole(marks, i)))
			print_pack(i, &b);
	if (b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
	casg_marks_free(marks);
	casg_work_close(&work);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-reachable-packs", usage, opts, 0, 0, run };
