#include "clirecords.h"

#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "lines.h"
#include "objects.h"

static int take_facts(struct casg_cli_records *s, const char *line, size_t n,
		      struct casg_err *err)
{
	struct casg_oid id;
	int has, rc;

	/* what was there before is not what this stream says */
	if (!s->any_facts) {
		casg_facts_release(&s->facts);
		casg_facts_init(&s->facts);
	}
	s->any_facts = 1;
	rc = casg_facts_parse(&s->facts, &id, &has, line, n, err);
	/* a later line overrides, in either form */
	if (!rc && has)
		s->prologue_oid = id;
	if (!rc && memmem(line, n, " prologue=", 10))
		s->has_prologue_oid = has;
	return rc;
}

void casg_cli_read_records(struct casg_cli_records *s, struct casg_work *w, int z,
			   int progress, casg_rec_fn *fn, void *ctx)
{
	struct casg_lines *l = casg_lines_open(0, z ? '\0' : '\n');
	struct casg_progress *p = casg_progress_start("reading records", progress);
	struct casg_buf scratch = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	uint64_t nlines = 0, nbytes = 0;
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		struct casg_rec r;

		nlines++;
		nbytes += n + 1;
		if (!(nlines & 0xffff))
			casg_progress_update(p, s->nrecords, nbytes, 0);
		if (casg_stream_is_facts(line, n)) {
			rc = take_facts(s, line, n, &err);
		} else {
			rc = casg_rec_parse(&r, line, n, z, &scratch, &err);
			if (!rc)
				rc = fn(ctx, &r, &err);
			s->nrecords++;
		}
		if (rc < 0) {
			casg_err_prefix(&err, "record stream, line %" PRIu64, nlines);
			casg_work_die(w, &err);
		}
	}
	if (rc < 0)
		casg_work_die(w, &err);
	casg_progress_stop(p);
	casg_lines_close(l);
	casg_buf_release(&scratch);
}

void casg_cli_load_prologue(struct casg_cli_records *s, struct casg_work *w)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!s->has_prologue_oid)
		return;
	if (casg_store_read_id(w->store, casg_work_coder(w), &s->prologue_oid,
			       CASG_CHUNK_RAW_MAX, &s->facts.prologue, &err) ||
	    casg_prologue_check(s->facts.prologue.data, s->facts.prologue.len, &err)) {
		casg_err_prefix(&err, "prologue");
		casg_work_die(w, &err);
	}
}

void casg_cli_facts_of(struct casg_work *w, const struct casg_roots *roots,
		       struct casg_facts *facts)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_presr *p = casg_presr_open(w->store, casg_work_coder(w),
					       &roots->presentation, facts, &err);

	if (!p)
		casg_work_die(w, &err);
	casg_presr_free(p);
}

void casg_cli_expect_newline(const struct casg_cli_records *s, struct casg_work *w,
			     const struct casg_roots *previous)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_facts before;

	if (!s->any_facts || s->facts.final_newline || !s->nrecords)
		return;
	casg_facts_init(&before);
	casg_cli_facts_of(w, previous, &before);
	if (before.final_newline) {
		casg_err_set(&err, CASG_ECORRUPT,
			     "the input ends without a newline, as a file that was cut off does; "
			     "the version before ends with one (casg import "
			     "--allow-missing-newline accepts it)");
		casg_work_die(w, &err);
	}
	casg_facts_release(&before);
}
