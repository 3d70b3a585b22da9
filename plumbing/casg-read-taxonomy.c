/* casg-read-taxonomy - print the records of a taxonomy that comes as a dump or table */
#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "clitrace.h"
#include "cliwork.h"
#include "stream.h"
#include "taxdump.h"
#include "taxtable.h"

static const char *ids = "numbers", *facts_file;
static int nul_ends;
static uint64_t memory = UINT64_C(4) << 30;

static const char *const usage[] = {
	"[-z] [--ids=numbers|names] [--facts=FILE] [--memory=SIZE] FILE|DIR...",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends,
	  "end lines with NUL and quote nothing" },
	{ CASG_OPT_STR, 0, "ids", "numbers|names", &ids,
	  "ids are the dump's (default), or the scientific names" },
	{ CASG_OPT_STR, 0, "facts", "FILE", &facts_file,
	  "write what was counted, as \"name value\" lines" },
	{ CASG_OPT_SIZE, 0, "memory", "SIZE", &memory,
	  "refuse what needs more memory (default: 4g)" },
	{ .type = CASG_OPT_END }
};

static void empty_sequence(struct casg_oid *out)
{
	struct casg_hasher *h = casg_hasher_new();

	if (!h)
		casg_die("out of memory");
	casg_hasher_digest(h, "", 0, out);
	casg_hasher_free(h);
}

static void print_records(struct casg_taxtable *t)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf key = CASG_BUF_INIT, desc = CASG_BUF_INIT, line = CASG_BUF_INIT;
	struct casg_rec r = { .taxon = "-", .tlen = 1, .pres = "-", .plen = 1 };
	int ret;

	empty_sequence(&r.oid);
	while ((ret = casg_taxtable_next(t, &key, &desc, &err)) > 0) {
		r.key = (const char *)key.data;
		r.klen = key.len;
		r.desc = (const char *)desc.data;
		r.dlen = desc.len;
		casg_buf_reset(&line);
		if (casg_rec_format(&line, &r, nul_ends))
			casg_die("out of memory");
		casg_out(line.data, line.len);
	}
	if (ret)
		casg_die_err(&err);
	casg_buf_release(&key);
	casg_buf_release(&desc);
	casg_buf_release(&line);
}

static void write_facts(const struct casg_taxtable *t, const struct casg_taxdump_facts *f)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_taxtable_stats s;

	casg_taxtable_stats(t, &s);
	casg_buf_addf(&b, "records %" PRIu64 "\ntaxa %" PRIu64 "\nmerged %" PRIu64
		      "\ndeleted %" PRIu64 "\nnames %" PRIu64 "\nbytes-in %" PRIu64
		      "\nsource-sha256 ", s.ntaxa + s.nmerged + s.ndeleted, s.ntaxa, s.nmerged,
		      s.ndeleted, s.nnames, f->nbytes);
	casg_oid_addhex(&b, &f->sha256);
	casg_buf_addch(&b, '\n');
	casg_write_facts(facts_file, &b);
	casg_buf_release(&b);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxdump_facts facts;
	struct casg_taxtable *t;
	int by_name = !strcmp(ids, "names");

	if (!by_name && strcmp(ids, "numbers"))
		casg_usage_die("--ids wants 'numbers' or 'names', not '%s'", ids);
	t = casg_taxtable_new(by_name ? CASG_TAXIDS_NAMES : CASG_TAXIDS_NUMBERS, memory, &err);
	if (!t)
		casg_die_err(&err);
	casg_trace_enter("read");
	if (casg_taxdump_read(t, (const char *const *)argv, (size_t)argc, &facts, &err))
		casg_die_err(&err);
	casg_trace_leave("read");
	casg_trace_enter("check");
	if (casg_taxtable_finish(t, &err))
		casg_die_err(&err);
	casg_trace_leave("check");
	casg_out_much();
	print_records(t);
	if (facts_file)
		write_facts(t, &facts);
	casg_out_flush();
	casg_taxtable_free(t);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-read-taxonomy", usage, opts, 1, -1, run };
