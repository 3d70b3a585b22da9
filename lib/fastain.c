#include "fastain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fasta.h"
#include "input.h"

/* One read: fits the second-level cache, so that the parser finds it there. */
#define BLOCK_SIZE (256 * 1024)

struct fastain {
	struct casg_input *in;
	struct casg_fasta *fasta;
	uint8_t *block[2]; /* filled by turns: on_bytes may still look at the other */
	/* the caller's handler behind ours, to tell its failures from the
	 * parser's, which alone have a place in the text */
	const struct casg_fasta_handler *handler;
	int handler_failed;
};

static int pass(struct fastain *f, int ret)
{
	if (ret)
		f->handler_failed = 1;
	return ret;
}

static int on_facts(void *ctx, const struct casg_facts *facts,
		    struct casg_err *err)
{
	struct fastain *f = ctx;

	return pass(f, f->handler->facts(f->handler->ctx, facts, err));
}

static int on_begin(void *ctx, const char *key, size_t klen, const char *desc,
		    size_t dlen, struct casg_err *err)
{
	struct fastain *f = ctx;

	return pass(f, f->handler->begin(f->handler->ctx, key, klen, desc, dlen, err));
}

static int on_residues(void *ctx, const uint8_t *p, size_t n,
		       struct casg_err *err)
{
	struct fastain *f = ctx;

	return pass(f, f->handler->residues(f->handler->ctx, p, n, err));
}

static int on_end(void *ctx, uint64_t nresidues, const char *pres,
		  size_t preslen, struct casg_err *err)
{
	struct fastain *f = ctx;

	return pass(f, f->handler->end(f->handler->ctx, nresidues, pres, preslen, err));
}

/* The parser counts bytes through all files and does not know their names. */
static void on_warn(void *ctx, const char *msg)
{
	struct fastain *f = ctx;
	const char *place = strstr(msg, ": byte offset ");
	const char *what = place ? strstr(place + 2, ": ") : NULL;
	struct casg_err text;
	const char *name;
	uint64_t offset;

	if (!f->handler->warn)
		return;
	casg_input_where(f->in, casg_fasta_error_offset(f->fasta), &name, &offset);
	casg_err_set(&text, CASG_ECORRUPT, "%s: record %" PRIu64 ": byte offset %" PRIu64 "%s",
		     name, casg_fasta_error_record(f->fasta), offset, what ? what : "");
	f->handler->warn(f->handler->ctx, text.msg);
}

static int fastain_open(struct fastain *f, const char *const *paths,
			size_t npaths, struct casg_err *err)
{
	static const char *const stdin_only[] = { "-" };
	struct casg_fasta_handler ours = {
		f, on_facts, on_begin, on_residues, on_end, on_warn
	};
	int ret;

	if (!npaths) {
		paths = stdin_only;
		npaths = 1;
	}
	ret = casg_input_open(&f->in, paths, npaths, err);
	if (ret)
		return ret;
	f->fasta = casg_fasta_new(&ours);
	f->block[0] = malloc(BLOCK_SIZE);
	f->block[1] = malloc(BLOCK_SIZE);
	return f->fasta && f->block[0] && f->block[1] ? 0 : casg_err_nomem(err);
}

static void fastain_close(struct fastain *f)
{
	casg_fasta_free(f->fasta);
	casg_input_close(f->in);
	free(f->block[0]);
	free(f->block[1]);
}

/* Say where in the files the parser's refusal lies. */
static int located(const struct fastain *f, int ret, struct casg_err *err)
{
	const char *name;
	uint64_t offset;

	if (!ret || f->handler_failed || ret != CASG_ECORRUPT)
		return ret;
	casg_input_where(f->in, casg_fasta_error_offset(f->fasta), &name, &offset);
	casg_err_prefix(err, "%s: record %" PRIu64 ": byte offset %" PRIu64,
			name, casg_fasta_error_record(f->fasta), offset);
	return ret;
}

/* A compressed file is cut or damaged: say how far it was good. */
static int read_failed(const struct fastain *f, uint64_t nbytes, int ret, struct casg_err *err)
{
	const char *name;
	uint64_t offset;
	size_t n;

	if (ret != CASG_ECORRUPT)
		return ret;
	casg_input_where(f->in, nbytes, &name, &offset);
	n = strlen(name);
	if (!strncmp(err->msg, name, n) && !strncmp(err->msg + n, ": ", 2))
		memmove(err->msg, err->msg + n + 2, strlen(err->msg + n + 2) + 1);
	casg_err_prefix(err, "%s: record %" PRIu64 ": byte offset %" PRIu64,
			name, casg_fasta_error_record(f->fasta), offset);
	return ret;
}

static void update(const struct fastain *f, struct casg_fastain_stats *stats)
{
	stats->raw_done = casg_input_raw_done(f->in);
	stats->nrecords = casg_fasta_records(f->fasta);
}

int casg_fasta_from_expected_files(const char *const *paths, size_t npaths,
				   const struct casg_fastain_expect *expect, size_t nexpect,
				   const struct casg_fasta_handler *handler,
				   int (*on_bytes)(void *ctx, const uint8_t *p, size_t n,
						   struct casg_err *err),
				   void *on_bytes_ctx,
				   struct casg_fastain_stats *stats_out,
				   struct casg_err *err)
{
	struct fastain f = { .handler = handler };
	struct casg_fastain_stats unused, *stats = stats_out ? stats_out : &unused;
	uint8_t *block = NULL;
	long n = 0;
	int ret, turn = 0;

	memset(stats, 0, sizeof(*stats));
	ret = fastain_open(&f, paths, npaths, err);
	for (size_t i = 0; i < nexpect && !ret; i++)
		ret = casg_input_expect(f.in, expect[i].file, expect[i].kind, expect[i].hex, err);
	if (!ret)
		stats->raw_total = casg_input_raw_total(f.in);
	while (!ret && (block = f.block[turn ^= 1],
			n = casg_input_read(f.in, block, BLOCK_SIZE, err)) > 0) {
		stats->nbytes += (uint64_t)n;
		update(&f, stats);
		if (on_bytes)
			ret = on_bytes(on_bytes_ctx, block, (size_t)n, err);
		if (!ret)
			ret = located(&f, casg_fasta_feed(f.fasta, block, (size_t)n, err), err);
	}
	if (!ret)
		ret = n < 0 ? read_failed(&f, stats->nbytes, (int)n, err) :
			      located(&f, casg_fasta_finish(f.fasta, err), err);
	if (!ret) {
		update(&f, stats);
		stats->final_newline = casg_fasta_final_newline(f.fasta);
		stats->empty_file = casg_input_empty(f.in);
	}
	/* the last block is about to go */
	if (on_bytes && block)
		on_bytes(on_bytes_ctx, NULL, 0, NULL);
	fastain_close(&f);
	return ret;
}

int casg_fasta_from_files(const char *const *paths, size_t npaths,
			  const struct casg_fasta_handler *handler,
			  int (*on_bytes)(void *ctx, const uint8_t *p, size_t n,
					  struct casg_err *err),
			  void *on_bytes_ctx,
			  struct casg_fastain_stats *stats_out,
			  struct casg_err *err)
{
	return casg_fasta_from_expected_files(paths, npaths, NULL, 0, handler, on_bytes,
					      on_bytes_ctx, stats_out, err);
}
