/* casg-check-tree - say which records of versions cannot be had */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "cliwork.h"
#include "lines.h"
#include "refs.h"
#include "stream.h"
#include "treeloss.h"

static int nul_ends;
static const char *damaged, *leaves;

static const char *const usage[] = {
	"[-z] [--damaged=FILE] [--leaves=FILE] <VERSIONS",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "lines end with NUL" },
	{ CASG_OPT_STR, 0, "damaged", "FILE", &damaged,
	  "the chunks that casg-verify-pack --damaged has printed" },
	{ CASG_OPT_STR, 0, "leaves", "FILE", &leaves,
	  "what casg-verify-pack --leaves has written, and all packs were good" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;
static struct casg_treeloss *checker;
static int lost;

/* ---- chunks known to be damaged ---------------------------------------- */

/* "<pack id> TAB <number> ..."; of a pack without a good index nothing is found. */
static void add_damaged(const char *line, size_t n)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid id;
	char *end = NULL;
	unsigned long chunk = 0;
	uint32_t pack;

	if (n > CASG_OID_HEXSZ + 1 && line[CASG_OID_HEXSZ] == '\t' &&
	    !casg_oid_parse(&id, line, CASG_OID_HEXSZ))
		chunk = strtoul(line + CASG_OID_HEXSZ + 1, &end, 10);
	if (!end || end == line + CASG_OID_HEXSZ + 1 || *end != '\t' || chunk > UINT32_MAX)
		casg_die("'%s': malformed line '%.200s'", damaged, line);
	if (casg_store_find_pack(work.store, &id, &pack) &&
	    casg_treeloss_damaged(checker, pack, (uint32_t)chunk, &err))
		casg_die_err(&err);
}

static void read_damaged(void)
{
	struct casg_buf text = CASG_BUF_INIT;
	char *line, *next;

	casg_cli_slurp(damaged, (size_t)256 << 20, &text);
	casg_buf_cstr(&text);
	if (text.failed)
		casg_die("out of memory");
	for (line = (char *)text.data; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		add_damaged(line, strlen(line));
	}
	casg_buf_release(&text);
}

/* ---- leaves known to be sound ------------------------------------------ */

static void read_leaves(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_lines *l;
	struct casg_oid id;
	const char *line;
	size_t n;
	int rc, fd = open(leaves, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		casg_die("cannot open '%s': %s", leaves, strerror(errno));
	l = casg_lines_open(fd, '\n');
	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		if (casg_oid_parse(&id, line, n))
			casg_die("'%s': malformed line", leaves);
		if (casg_treeloss_sound(checker, &id, &err))
			casg_die_err(&err);
	}
	if (rc)
		casg_die_err(&err);
	casg_lines_close(l);
	close(fd);
}

/* ---- losses ------------------------------------------------------------ */

struct version {
	const char *spec;
	struct casg_oid id;
};

static void add_field(struct casg_buf *b, const char *p, size_t n)
{
	casg_buf_addch(b, '\t');
	casg_stream_key(b, p, n, nul_ends);
}

static int print_loss(void *ctx, const struct casg_loss *l, struct casg_err *err)
{
	const struct version *v = ctx;
	struct casg_buf b = CASG_BUF_INIT;

	(void)err;
	lost = 1;
	casg_oid_addhex(&b, &v->id);
	add_field(&b, v->spec, strlen(v->spec));
	casg_buf_addf(&b, "\t%s", casg_lost_name(l->what));
	add_field(&b, l->key, l->klen);
	add_field(&b, l->last, l->last_len);
	casg_buf_addf(&b, "\t%llu\t%s", (unsigned long long)l->count, l->why);
	casg_buf_addch(&b, nul_ends ? '\0' : '\n');
	if (b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
	return 0;
}

static void check_version(struct casg_refs *refs, const char *spec)
{
	struct version v = { .spec = spec };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version version;
	struct casg_found found;
	struct casg_roots roots;

	casg_found_init(&found);
	casg_version_init(&version);
	if (casg_refs_find(refs, spec, &found, &err) ||
	    casg_version_id(found.text.data, found.text.len, &v.id, &err) ||
	    casg_version_decode(&version, found.text.data, found.text.len, &err)) {
		casg_err_prefix(&err, "'%s'", spec);
		casg_die_err(&err);
	}
	casg_work_roots(&version, &roots);
	if (casg_treeloss_version(checker, &roots, print_loss, &v, &err)) {
		casg_err_prefix(&err, "'%s'", spec);
		casg_die_err(&err);
	}
	casg_version_release(&version);
	casg_found_release(&found);
}

static int run(int argc, char **argv)
{
	struct casg_lines *l = casg_lines_open(0, nul_ends ? '\0' : '\n');
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf spec = CASG_BUF_INIT;
	struct casg_refs *refs;
	const char *line;
	size_t n;
	int rc;

	(void)argc;
	(void)argv;
	if (!l)
		casg_die("out of memory");
	casg_work_open_quick_reader(&work, (uint64_t)32 << 20);
	checker = casg_treeloss_new(work.store, casg_work_coder(&work), &err);
	if (!checker || casg_refs_open(&refs, &work.repo, &err))
		casg_die_err(&err);
	if (damaged)
		read_damaged();
	if (leaves)
		read_leaves();
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		casg_buf_reset(&spec);
		casg_buf_add(&spec, line, n);
		check_version(refs, casg_buf_cstr(&spec));
	}
	if (rc)
		casg_die_err(&err);
	casg_refs_free(refs);
	casg_lines_close(l);
	casg_buf_release(&spec);
	casg_treeloss_free(checker);
	casg_work_close(&work);
	return lost ? CASG_EXIT_NO : CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-check-tree", usage, opts, 0, 0, run };
