/* casg-cat-chunk - print the content of chunks */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cli.h"
#include "cliwork.h"
#include "lines.h"

static int batch, batch_check, buffered, nul_ends;
static int exists, show_type, show_size, list_members, raw;
static const char *member_arg;
static uint64_t member;

static const char *const usage[] = {
	"[-e | -t | -s | --list | --member=N | --raw] [-z] CHUNKID...",
	"(--batch | --batch-check) [--buffer] [-z]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'e', NULL, NULL, &exists, "print nothing: is every chunk here and sound?" },
	{ CASG_OPT_FLAG, 't', NULL, NULL, &show_type, "print the kind" },
	{ CASG_OPT_FLAG, 's', NULL, NULL, &show_size, "print the bytes of all members" },
	{ CASG_OPT_FLAG, 0, "list", NULL, &list_members,
	  "list the members: SHA-256, TAB, length" },
	{ CASG_OPT_STR, 0, "member", "N", &member_arg, "print member N only, counted from 0" },
	{ CASG_OPT_FLAG, 0, "raw", NULL, &raw, "print the chunk as it lies in the pack" },
	{ CASG_OPT_FLAG, 0, "batch", NULL, &batch,
	  "print the chunks whose ids come on standard input" },
	{ CASG_OPT_FLAG, 0, "batch-check", NULL, &batch_check,
	  "the same without the content" },
	{ CASG_OPT_FLAG, 0, "buffer", NULL, &buffered, "do not flush after each chunk" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "lines, read or printed, end with NUL" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;

/* What to print of a chunk, ready; so that nothing is printed of a bad one. */
static struct casg_buf out;

static void end_line(void)
{
	casg_buf_addch(&out, nul_ends ? '\0' : '\n');
}

static int show_raw(uint32_t pack, uint32_t chunk, struct casg_err *err)
{
	return casg_store_raw(work.store, pack, chunk, &out, err);
}

static int show(const struct casg_chunk *ch, const char *id, struct casg_err *err)
{
	uint64_t nbytes = ch->offset[ch->nmembers];

	if (show_type) {
		casg_buf_addstr(&out, casg_chunk_kind_name(ch->kind));
		end_line();
	} else if (show_size) {
		casg_buf_add_u64(&out, nbytes);
		end_line();
	} else if (list_members) {
		for (uint32_t i = 0; i < ch->nmembers; i++) {
			casg_oid_addhex(&out, &ch->oids[i]);
			casg_buf_addch(&out, '\t');
			casg_buf_add_u64(&out, casg_chunk_len(ch, i));
			end_line();
		}
	} else if (member_arg) {
		if (member >= ch->nmembers)
			return casg_err_set(err, CASG_EABSENT, "chunk %s has no member %llu",
					    id, (unsigned long long)member);
		casg_buf_add(&out, ch->data + ch->offset[member],
			     (size_t)casg_chunk_len(ch, (uint32_t)member));
	} else if (!exists) {
		casg_buf_add(&out, ch->data, (size_t)nbytes);
	}
	return 0;
}

/* "<id> <kind> <members> <bytes>", and the content behind it. */
static void show_batch(const struct casg_chunk *ch, const char *id)
{
	uint64_t nbytes = ch->offset[ch->nmembers];

	casg_buf_addf(&out, "%s %s %u %llu", id, casg_chunk_kind_name(ch->kind),
		      ch->nmembers, (unsigned long long)nbytes);
	end_line();
	if (batch_check)
		return;
	casg_buf_add(&out, ch->data, (size_t)nbytes);
	end_line();
}

/*
 * Fill 'out'.  CASG_EABSENT when there is no such chunk (or member); what is
 * printed was verified first, also for --raw.
 */
static int answer(const char *id, size_t n, struct casg_err *err)
{
	struct casg_coder *c = casg_work_coder(&work);
	const struct casg_chunk *ch;
	uint32_t pack, chunk;
	struct casg_oid oid;
	int rc;

	if (casg_oid_parse(&oid, id, n))
		return casg_err_set(err, CASG_EABSENT, "'%s' is not a chunk id", id);
	rc = casg_store_find_chunk(work.store, &oid, &pack, &chunk, err);
	if (!rc)
		return casg_err_set(err, CASG_EABSENT, "chunk %s is in no pack here", id);
	if (rc < 0)
		return rc;
	rc = casg_store_get(work.store, c, pack, chunk, &ch, err);
	if (rc)
		return rc;
	if (batch || batch_check)
		show_batch(ch, id);
	else if (raw)
		rc = show_raw(pack, chunk, err);
	else
		rc = show(ch, id, err);
	casg_store_put(work.store, ch);
	return rc ? rc : casg_buf_check(&out, err);
}

static int run_args(int argc, char **argv)
{
	int missing = 0;

	for (int i = 0; i < argc; i++) {
		struct casg_err err = CASG_ERR_INIT;
		int rc;

		casg_buf_reset(&out);
		rc = answer(argv[i], strlen(argv[i]), &err);
		if (!rc) {
			casg_out(out.data, out.len);
		} else if (rc == CASG_EABSENT) {
			if (!exists)
				casg_error("%s", err.msg);
			missing = 1;
		} else {
			casg_out_flush();
			casg_die_err(&err);
		}
	}
	return missing ? CASG_EXIT_NO : CASG_EXIT_YES;
}

static int run_batch(void)
{
	struct casg_lines *in = casg_lines_open(STDIN_FILENO, nul_ends ? '\0' : '\n');
	struct casg_err err = CASG_ERR_INIT;
	int rc, failed = 0;
	const char *line;
	size_t n;

	if (!in)
		casg_die("out of memory");
	while ((rc = casg_lines_next(in, &line, &n, &err)) > 0) {
		char *id = strndup(line, n);

		if (!id)
			casg_die("out of memory");
		casg_buf_reset(&out);
		rc = answer(id, n, &err);
		if (rc) {
			casg_buf_reset(&out);
			casg_buf_add(&out, line, n);
			casg_buf_addstr(&out, rc == CASG_EABSENT ? " missing" : " damaged");
			end_line();
		}
		if (rc && rc != CASG_EABSENT) {
			casg_error("%s", err.msg);
			failed = 1;
		}
		casg_out(out.data, out.len);
		if (!buffered)
			casg_out_flush();
		free(id);
	}
	casg_lines_close(in);
	if (rc)
		casg_die_err(&err);
	return failed ? CASG_EXIT_FATAL : CASG_EXIT_YES;
}

static void parse_member(void)
{
	char *end;

	if (!member_arg)
		return;
	member = strtoull(member_arg, &end, 10);
	if (*member_arg < '0' || *member_arg > '9' || *end)
		casg_usage_die("--member needs a number, not '%s'", member_arg);
}

static int run(int argc, char **argv)
{
	int rc, modes = exists + show_type + show_size + list_members + raw +
			(member_arg != NULL);

	if (modes + batch + batch_check > 1)
		casg_usage_die("-e, -t, -s, --list, --member, --raw, --batch and --batch-check exclude one another");
	if (buffered && !batch && !batch_check)
		casg_usage_die("--buffer needs --batch or --batch-check");
	if ((batch || batch_check) ? argc : !argc)
		casg_usage_die(argc ? "--batch and --batch-check take no argument" :
			       "too few arguments");
	parse_member();
	casg_work_open_quick_reader(&work, (uint64_t)16 << 20);
	rc = batch || batch_check ? run_batch() : run_args(argc, argv);
	casg_buf_release(&out);
	casg_work_close(&work);
	return rc;
}

const struct casg_cmd casg_cmd = { "casg-cat-chunk", usage, opts, 0, -1, run };
