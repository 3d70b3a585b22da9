/* casg-hash-object - print the id of each sequence of a FASTA text */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "cliwork.h"
#include "digests.h"
#include "fasta.h"
#include "fastain.h"
#include "input.h"
#include "stream.h"

static const char *algorithm = "sha256";
static int nul_ends, with_keys, raw, quiet, store;
static int show_progress = -1;

static const char *const usage[] = {
	"[-w] [-z] [--algorithm=NAME] [--keys | --raw] [--quiet] [--progress] [FILE...]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'w', NULL, NULL, &store,
	  "store the sequences in the repository" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends,
	  "end lines with NUL and quote nothing" },
	{ CASG_OPT_STR, 0, "algorithm", "NAME", &algorithm,
	  "sha256 (default), ga4gh, md5, m5, crc64, ..." },
	{ CASG_OPT_FLAG, 0, "keys", NULL, &with_keys,
	  "print TAB and the record's key behind the id" },
	{ CASG_OPT_FLAG, 0, "raw", NULL, &raw,
	  "each file is one sequence, without a header" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet,
	  "no warnings and no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ .type = CASG_OPT_END }
};

struct job {
	struct casg_digest *digest;
	struct casg_buf line;
	struct casg_buf key; /* as the record stream writes it */
	struct casg_fastain_stats stats;
	struct casg_progress *progress;
	struct casg_work w;          /* -w */
	struct casg_packer *packer;  /* NULL: do not store */
	struct casg_buf residues;    /* of a raw block, normalised */
};

/* The key as the record stream has it: the first field of a line of that. */
static int set_key(struct job *job, const char *key, size_t klen,
		   struct casg_err *err)
{
	struct casg_rec rec = {
		.key = key, .klen = klen, .taxon = "-", .tlen = 1,
		.pres = "-", .plen = 1, .desc = ""
	};
	const uint8_t *tab;

	casg_buf_reset(&job->key);
	if (casg_rec_format(&job->key, &rec, nul_ends))
		return casg_err_nomem(err);
	tab = memchr(job->key.data, '\t', job->key.len);
	job->key.len = (size_t)(tab - job->key.data);
	return 0;
}

static int put_line(struct job *job, struct casg_err *err)
{
	char text[CASG_DIGEST_TEXTSZ];
	size_t n = casg_digest_final(job->digest, text);

	casg_buf_reset(&job->line);
	casg_buf_add(&job->line, text, n);
	if (with_keys) {
		casg_buf_addch(&job->line, '\t');
		casg_buf_add(&job->line, job->key.data, job->key.len);
	}
	casg_buf_addch(&job->line, nul_ends ? '\0' : '\n');
	if (casg_buf_check(&job->line, err))
		return err->code;
	casg_out(job->line.data, job->line.len);
	return 0;
}

static int on_facts(void *ctx, const struct casg_facts *facts,
		    struct casg_err *err)
{
	(void)ctx;
	(void)facts;
	(void)err;
	return 0;
}

static int on_begin(void *ctx, const char *key, size_t klen, const char *desc,
		    size_t dlen, struct casg_err *err)
{
	(void)desc;
	(void)dlen;
	return with_keys ? set_key(ctx, key, klen, err) : 0;
}

static int on_residues(void *ctx, const uint8_t *p, size_t n,
		       struct casg_err *err)
{
	struct job *job = ctx;

	casg_digest_update(job->digest, p, n);
	return job->packer ? casg_packer_residues(job->packer, p, n, err) : 0;
}

/* The line of a sequence that is complete; with -w it is stored, too. */
static int end_sequence(struct job *job, struct casg_err *err)
{
	int ret = job->packer ? casg_packer_end(job->packer, "", 0, err) : 0;

	return ret ? ret : put_line(job, err);
}

static int on_end(void *ctx, uint64_t nresidues, const char *pres,
		  size_t preslen, struct casg_err *err)
{
	(void)nresidues;
	(void)pres;
	(void)preslen;
	return end_sequence(ctx, err);
}

static void on_warn(void *ctx, const char *msg)
{
	(void)ctx;
	if (!quiet)
		casg_warn("%s", msg);
}

static void update_progress(struct job *job)
{
	casg_progress_update(job->progress, job->stats.nrecords,
			     job->stats.raw_done, job->stats.raw_total);
}

static int on_bytes(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	(void)p;
	(void)n;
	(void)err;
	update_progress(ctx);
	return 0;
}

static int hash_fasta(struct job *job, char **paths, size_t npaths,
		      struct casg_err *err)
{
	struct casg_fasta_handler handler = {
		job, on_facts, on_begin, on_residues, on_end, on_warn
	};

	return casg_fasta_from_files((const char *const *)paths, npaths, &handler,
				     on_bytes, job, &job->stats, err);
}

/* The offset of the first byte that is neither residue nor white space, or n. */
static size_t find_refused(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < 0x21 || p[i] > 0x7e) && !casg_is_blank(p[i]) &&
		    p[i] != '\n')
			return i;
	return n;
}

static int store_block(struct job *job, const uint8_t *p, size_t n, struct casg_err *err)
{
	casg_buf_reset(&job->residues);
	for (size_t i = 0; i < n; i++)
		if (!casg_is_blank(p[i]) && p[i] != '\n')
			casg_buf_addch(&job->residues,
				       p[i] >= 'a' && p[i] <= 'z' ? p[i] - 0x20 : p[i]);
	if (casg_buf_check(&job->residues, err))
		return err->code;
	return casg_packer_residues(job->packer, job->residues.data, job->residues.len, err);
}

static int hash_raw_block(struct job *job, const struct casg_input *in,
			  const uint8_t *p, size_t n, uint64_t offset,
			  struct casg_err *err)
{
	size_t bad = find_refused(p, n);
	const char *name;

	if (bad == n) {
		casg_digest_update(job->digest, p, n);
		return job->packer ? store_block(job, p, n, err) : 0;
	}
	casg_input_where(in, offset + bad, &name, &offset);
	return casg_err_set(err, CASG_ECORRUPT,
			    "%s: record 1: byte offset %" PRIu64
			    ": byte 0x%02x is not allowed in a sequence",
			    name, offset, p[bad]);
}

static int hash_raw_file(struct job *job, const char *path, struct casg_err *err)
{
	uint64_t offset = 0, done_before = job->stats.raw_done;
	struct casg_input *in;
	uint8_t block[65536];
	long n = 0;
	int ret = casg_input_open(&in, &path, 1, err);

	while (!ret && (n = casg_input_read(in, block, sizeof(block), err)) > 0) {
		ret = hash_raw_block(job, in, block, (size_t)n, offset, err);
		offset += (uint64_t)n;
		job->stats.raw_done = done_before + casg_input_raw_done(in);
		update_progress(job);
	}
	if (!ret && n < 0)
		ret = (int)n;
	casg_input_close(in);
	job->stats.nrecords++;
	return ret ? ret : end_sequence(job, err);
}

static int hash_raw(struct job *job, char **paths, size_t npaths,
		    struct casg_err *err)
{
	int ret = 0;

	if (!npaths)
		return hash_raw_file(job, "-", err);
	for (size_t i = 0; !ret && i < npaths; i++)
		ret = hash_raw_file(job, paths[i], err);
	return ret;
}

static int on_stored(void *ctx, const uint8_t *tag, size_t n, const struct casg_oid *id,
		     uint64_t nresidues, struct casg_err *err)
{
	(void)ctx;
	(void)tag;
	(void)n;
	(void)id;
	(void)nresidues;
	(void)err;
	return 0;
}

static void start_storing(struct job *job)
{
	casg_work_open(&job->w, NULL, NULL, (uint64_t)8 << 20);
	casg_work_packw(&job->w);
	job->packer = casg_work_packer(&job->w, on_stored, NULL);
}

static void finish_storing(struct job *job)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_packer_stats stats;

	if (casg_packer_finish(job->packer, &stats, &err))
		casg_work_die(&job->w, &err);
	casg_packer_free(job->packer);
	casg_work_close(&job->w);
}

static int run(int argc, char **argv)
{
	struct job job = { .line = CASG_BUF_INIT, .key = CASG_BUF_INIT };
	struct casg_err err = CASG_ERR_INIT;
	int ret;

	if (raw && with_keys)
		casg_usage_die("--keys and --raw exclude each other");
	job.digest = casg_digest_new(algorithm, &err);
	if (!job.digest && err.code == CASG_EUNSUPPORTED)
		casg_usage_die("%s", err.msg);
	if (!job.digest)
		casg_die_err(&err);
	if (store)
		start_storing(&job);
	job.progress = casg_progress_start("Hashing", quiet ? 0 : show_progress);
	ret = (raw ? hash_raw : hash_fasta)(&job, argv, (size_t)argc, &err);
	update_progress(&job);
	casg_progress_stop(job.progress);
	casg_digest_free(job.digest);
	casg_buf_release(&job.line);
	casg_buf_release(&job.key);
	casg_buf_release(&job.residues);
	if (ret && store)
		casg_work_die(&job.w, &err);
	if (ret)
		casg_die_err(&err);
	if (store)
		finish_storing(&job);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = {
	"casg-hash-object", usage, opts, 0, -1, run
};
