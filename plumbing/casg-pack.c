/* casg-pack - store the sequences of a FASTA text, print its record stream */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "cliexpect.h"
#include "cligrouping.h"
#include "clistate.h"
#include "clitrace.h"
#include "cliwork.h"
#include "endian.h"
#include "fasta.h"
#include "fastain.h"
#include "packer.h"
#include "stream.h"
#include "taxon.h"

static const char *threads, *memory, *facts_file, *announce_file, *state_file, *operation = "pack";
static int nul_ends, quiet, allow_empty, show_progress = -1, beside, resume;
static struct casg_strs sha256;
static uint64_t expect_records = UINT64_MAX, most_here = UINT64_MAX;

static const char *const usage[] = {
	"[-z] [--quiet] [--progress] [--allow-empty] [--expect-records=N] [--expect-sha256=HEX]... "
	"[--checksum-files] [--threads=N] [--memory=SIZE] [--facts=FILE] "
	"[--announce=FILE [--most-here=SIZE]] [--state=FILE [--operation=TEXT] [--resume]] [FILE...]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends,
	  "end lines with NUL and quote nothing" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no warnings and no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_FLAG, 0, "allow-empty", NULL, &allow_empty,
	  "a text without records is not an error" },
	{ CASG_OPT_U64, 0, "expect-records", "N", &expect_records,
	  "the input has exactly so many records" },
	{ CASG_OPT_LIST, 0, "expect-sha256", "HEX", &sha256,
	  "the SHA-256 of the file as it is; once for each FILE, '-' for none" },
	{ CASG_OPT_FLAG, 0, "checksum-files", NULL, &beside,
	  "compare with FILE.md5 or md5checksums.txt beside the files" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ CASG_OPT_STR, 0, "facts", "FILE", &facts_file,
	  "write what was counted, as \"name value\" lines" },
	{ CASG_OPT_STR, 0, "announce", "FILE", &announce_file,
	  "append the id of each new pack as soon as it is finished" },
	{ CASG_OPT_SIZE, 0, "most-here", "SIZE", &most_here,
	  "wait while announced packs take more than that here" },
	{ CASG_OPT_STR, 0, "state", "FILE", &state_file,
	  "save there how far it came, when a pack is finished" },
	{ CASG_OPT_STR, 0, "operation", "TEXT", &operation, "what FILE says that this is" },
	{ CASG_OPT_FLAG, 0, "resume", NULL, &resume,
	  "go on where FILE says, if it is there, and let stay what is finished" },
	{ .type = CASG_OPT_END }
};

struct job {
	struct casg_work w;
	struct casg_packer *packer;
	struct casg_cli_kin kin;
	struct casg_grouping *grouping;
	struct casg_hasher *source;
	struct casg_cli_state state;
	struct casg_job source_job; /* hashes a block while it is parsed */
	const uint8_t *block;
	size_t block_n;
	struct casg_buf key, desc, pres, taxon, tag, line;
	struct casg_fastain_stats stats;
	struct casg_progress *progress;
	uint64_t bytes_out;
};

static int put_line(struct job *j, struct casg_err *err)
{
	if (casg_buf_check(&j->line, err))
		return err->code;
	casg_out(j->line.data, j->line.len);
	return 0;
}

static int on_facts(void *ctx, const struct casg_facts *facts, struct casg_err *err)
{
	struct job *j = ctx;
	struct casg_oid id;
	int rc = 0;

	casg_buf_reset(&j->line);
	if (casg_percent_length(facts->prologue.data, facts->prologue.len) > CASG_INLINE_MAX) {
		rc = casg_packer_blob(j->packer, facts->prologue.data,
				      facts->prologue.len, &id, err);
		if (!rc)
			rc = casg_facts_format_ex(&j->line, facts, &id);
	} else {
		rc = casg_facts_format(&j->line, facts);
	}
	casg_buf_addch(&j->line, nul_ends ? '\0' : '\n');
	return rc ? rc : put_line(j, err);
}

static int on_begin(void *ctx, const char *key, size_t klen, const char *desc,
		    size_t dlen, struct casg_err *err)
{
	struct job *j = ctx;
	struct casg_group group;
	int rc;

	casg_buf_reset(&j->key);
	casg_buf_reset(&j->desc);
	casg_buf_reset(&j->taxon);
	casg_buf_add(&j->key, key, klen);
	casg_buf_add(&j->desc, desc, dlen);
	if (casg_taxon_declared(key, klen, desc, dlen, &j->taxon) || j->key.failed ||
	    j->desc.failed)
		return casg_err_nomem(err);
	rc = casg_grouping_of(j->grouping, (const char *)j->taxon.data, j->taxon.len, desc, dlen,
			      &group, err);
	if (!rc)
		casg_packer_group(j->packer, &group);
	return rc;
}

static int on_residues(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	struct job *j = ctx;

	return casg_packer_residues(j->packer, p, n, err);
}

/* A tag is the fields of the line that the sequence does not give. */
static void tag_field(struct casg_buf *tag, const void *p, size_t n)
{
	uint8_t len[4];

	casg_put_le32(len, (uint32_t)n);
	casg_buf_add(tag, len, 4);
	casg_buf_add(tag, p, n);
}

static int on_end(void *ctx, uint64_t nresidues, const char *pres, size_t preslen,
		  struct casg_err *err)
{
	struct job *j = ctx;
	int rc = 0;

	(void)nresidues;
	casg_buf_reset(&j->pres);
	casg_buf_reset(&j->tag);
	if (preslen > CASG_INLINE_MAX) {
		struct casg_oid id;

		rc = casg_packer_blob(j->packer, pres, preslen, &id, err);
		casg_buf_addch(&j->pres, '@');
		casg_oid_addhex(&j->pres, &id);
		pres = (const char *)j->pres.data;
		preslen = j->pres.len;
	}
	if (rc)
		return rc;
	tag_field(&j->tag, j->key.data, j->key.len);
	tag_field(&j->tag, j->taxon.data, j->taxon.len);
	tag_field(&j->tag, pres, preslen);
	casg_buf_add(&j->tag, j->desc.data, j->desc.len);
	rc = casg_buf_check(&j->tag, err);
	return rc ? rc : casg_packer_end(j->packer, j->tag.data, j->tag.len, err);
}

static void on_warn(void *ctx, const char *msg)
{
	(void)ctx;
	if (!quiet)
		casg_warn("%s", msg);
}

static const char *take_field(const uint8_t **tag, size_t *n_out)
{
	const uint8_t *p = *tag;

	*n_out = casg_get_le32(p);
	*tag = p + 4 + *n_out;
	return (const char *)p + 4;
}

static int on_record(void *ctx, const uint8_t *tag, size_t n, const struct casg_oid *id,
		     uint64_t nresidues, struct casg_err *err)
{
	struct job *j = ctx;
	const uint8_t *end = tag + n;
	struct casg_rec r = { .oid = *id, .length = nresidues };

	r.key = take_field(&tag, &r.klen);
	r.taxon = take_field(&tag, &r.tlen);
	r.pres = take_field(&tag, &r.plen);
	r.desc = (const char *)tag;
	r.dlen = (size_t)(end - tag);
	casg_buf_reset(&j->line);
	if (casg_rec_format(&j->line, &r, nul_ends))
		return casg_err_nomem(err);
	return put_line(j, err);
}

static void source_task(void *ctx, size_t task, int worker)
{
	struct job *j = ctx;

	(void)task;
	(void)worker;
	casg_cli_state_hash(&j->state, j->source, j->block, j->block_n);
}

/* Wait for the block before: its turn to be filled comes next. */
static void end_block(struct job *j)
{
	if (j->block)
		casg_workers_wait(j->w.pool, &j->source_job);
	j->block = NULL;
}

static int on_bytes(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	struct job *j = ctx;

	(void)err;
	end_block(j);
	casg_cli_state_total(&j->state, j->stats.raw_total);
	casg_cli_state_check(&j->state, j->source, j->stats.nrecords);
	if (!p)
		return 0;
	j->block = p;
	j->block_n = n;
	casg_workers_start(j->w.pool, &j->source_job, 1, source_task, j);
	casg_progress_update(j->progress, j->stats.nrecords, j->stats.raw_done,
			     j->stats.raw_total);
	return 0;
}

static void write_facts(struct job *j, const struct casg_packer_stats *s)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_oid id;

	casg_hasher_final(j->source, &id);
	casg_buf_addf(&b, "records %" PRIu64 "\nnew %" PRIu64 "\nknown %" PRIu64
		      "\nresidues %" PRIu64 "\nbytes-in %" PRIu64 "\nbytes-stored %" PRIu64
		      "\nsource-sha256 ", s->nrecords, s->nnew, s->nrecords - s->nnew,
		      s->nresidues, j->stats.nbytes, casg_packw_nbytes(j->w.packw));
	casg_oid_addhex(&b, &id);
	casg_buf_addch(&b, '\n');
	casg_work_list_packs(&j->w, &b);
	casg_write_facts(facts_file, &b);
	casg_buf_release(&b);
}

static const char *name_of(int argc, char **argv, long i)
{
	return i < argc && strcmp(argv[i], "-") ? argv[i] : "standard input";
}

/* An empty file is more often a failed download than a database of nothing. */
static void refuse_empty(struct job *j, int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;

	if (j->stats.empty_file >= 0)
		casg_err_set(&err, CASG_ECORRUPT,
			     "%s: the file is empty (--allow-empty accepts that)",
			     name_of(argc, argv, j->stats.empty_file));
	else if (!j->stats.nrecords)
		casg_err_set(&err, CASG_ECORRUPT,
			     "%s%sno records in the input (--allow-empty accepts that)",
			     argc > 1 ? "" : name_of(argc, argv, 0), argc > 1 ? "" : ": ");
	if (err.code)
		casg_work_die(&j->w, &err);
}

static void refuse_count(struct job *j)
{
	struct casg_err err = CASG_ERR_INIT;

	if (expect_records == UINT64_MAX || expect_records == j->stats.nrecords)
		return;
	casg_err_set(&err, CASG_ECORRUPT,
		     "the input has %" PRIu64 " records where %" PRIu64 " are expected",
		     j->stats.nrecords, expect_records);
	casg_work_die(&j->w, &err);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct job j = { 0 };
	struct casg_packer_stats s;
	struct casg_cli_expect expect = { NULL, 0, 0 };
	const struct casg_fasta_handler h = {
		.ctx = &j, .facts = on_facts, .begin = on_begin,
		.residues = on_residues, .end = on_end, .warn = on_warn,
	};

	if (!state_file && (resume || strcmp(operation, "pack")))
		casg_usage_die("--operation and --resume need --state");
	if (!announce_file && most_here != UINT64_MAX)
		casg_usage_die("--most-here needs --announce");
	casg_cli_expect_sha256(&expect, &sha256, argc ? (size_t)argc : 1);
	if (beside)
		casg_cli_expect_beside(&expect, (const char *const *)argv, (size_t)argc);
	casg_work_open(&j.w, threads, memory, (uint64_t)8 << 20);
	if (announce_file)
		casg_work_announce(&j.w, announce_file, most_here);
	casg_work_packw(&j.w);
	j.source = casg_hasher_new();
	j.packer = casg_work_packer(&j.w, on_record, &j);
	casg_cli_kin_open(&j.kin, &j.w.repo);
	j.grouping = casg_cli_grouping(&j.kin, &j.w.settings.chunk);
	if (!j.source)
		casg_die("out of memory");
	casg_hasher_init(j.source);
	casg_cli_state_open(&j.state, &j.w, state_file, operation, resume);
	casg_out_much();
	j.progress = casg_progress_start("packing", quiet ? 0 : show_progress);
	casg_trace_enter("read");
	if (casg_fasta_from_expected_files((const char *const *)argv, (size_t)argc, expect.v,
					   expect.n, &h, on_bytes, &j, &j.stats, &err))
		casg_work_die(&j.w, &err);
	casg_trace_leave("read");
	casg_trace_enter("finish the pack");
	if (casg_packer_finish(j.packer, &s, &err))
		casg_work_die(&j.w, &err);
	casg_trace_leave("finish the pack");
	casg_cli_state_finish(&j.state, j.source, s.nrecords);
	casg_trace_count("records", s.nrecords);
	casg_trace_count("new", s.nnew);
	casg_trace_count("bytes-stored", casg_packw_nbytes(j.w.packw));
	casg_progress_stop(j.progress);
	if (!allow_empty)
		refuse_empty(&j, argc, argv);
	refuse_count(&j);
	if (!j.stats.final_newline) {
		static const char last[] = "#casg final-newline=no";

		casg_out(last, sizeof(last) - 1);
		casg_out(nul_ends ? "" : "\n", 1);
	}
	if (facts_file)
		write_facts(&j, &s);
	casg_out_flush();
	casg_cli_expect_release(&expect);
	casg_packer_free(j.packer);
	casg_grouping_free(j.grouping);
	casg_cli_kin_close(&j.kin);
	casg_hasher_free(j.source);
	casg_cli_state_close(&j.state);
	casg_work_close(&j.w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-pack", usage, opts, 0, -1, run };
