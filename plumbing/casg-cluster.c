/* casg-cluster - say which sequence can stand for which */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "clirecords.h"
#include "clitrace.h"
#include "cliwork.h"
#include "cluster.h"
#include "locinfo.h"
#include "profile.h"

static const char *threads, *memory, *identity_text, *size_text, *coverage_text, *facts_file,
	*decisions_file;
static int nul_ends, quiet, show_progress = -1;

static const char *const usage[] = {
	"[-z] [--coverage=SHARE] [--quiet] [--progress] [--threads=N] [--memory=SIZE] [--facts=FILE] "
	"[--decisions=FILE] "
	"--identity=SHARE | --size=SHARE [[REV:]DATABASE]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "identity", "SHARE", &identity_text,
	  "what a member has at least with what stands for it, as 0.9" },
	{ CASG_OPT_STR, 0, "size", "SHARE", &size_text,
	  "the highest identity at which so much of the residues is left, as 30%" },
	{ CASG_OPT_STR, 0, "coverage", "SHARE", &coverage_text,
	  "how long a member is at least, of what stands for it (default: 0.8)" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends,
	  "lines of the stream end with NUL and nothing is quoted" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ CASG_OPT_STR, 0, "facts", "FILE", &facts_file,
	  "write what was chosen and counted, as \"name value\" lines" },
	{ CASG_OPT_STR, 0, "decisions", "FILE", &decisions_file,
	  "take what was decided from there, as far as it goes, and append what is now" },
	{ .type = CASG_OPT_END }
};

/* With --size: hundredths, down to where k-mers find next to nothing. */
enum { LEAST_IDENTITY = 400, STEP = 10 };

struct job {
	struct casg_work w;
	struct casg_cluster *c;
	struct casg_cluster_stats s;
	unsigned identity, coverage, size;
	unsigned nruns;
	uint64_t naligned, nrecalled;   /* in all runs */
};

static void parse_options(struct job *j)
{
	j->coverage = 800;
	if (!identity_text == !size_text)
		casg_usage_die("one of --identity and --size says how much to reduce");
	if (identity_text && (casg_thousandths(identity_text, &j->identity) ||
			      j->identity < LEAST_IDENTITY))
		casg_usage_die("bad value '%s' of --identity: wanted 0.4 to 1", identity_text);
	if (size_text && (casg_thousandths(size_text, &j->size) || !j->size))
		casg_usage_die("bad value '%s' of --size: wanted a share, as 30%%", size_text);
	if (coverage_text && casg_thousandths(coverage_text, &j->coverage))
		casg_usage_die("bad value '%s' of --coverage: wanted 0 to 1", coverage_text);
}

/* ---- what to cluster ----------------------------------------------------- */

static int add_record(void *ctx, const struct casg_rec *r, struct casg_err *err)
{
	struct job *j = ctx;

	return casg_cluster_add(j->c, &r->oid, r->length, err);
}

static int add_info(void *ctx, const struct casg_objinfo *info, struct casg_err *err)
{
	struct job *j = ctx;

	return casg_cluster_add(j->c, &info->id, info->nbytes, err);
}

static void add_version(struct job *j, const char *spec)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version version;
	struct casg_roots roots;

	casg_work_version(&j->w, spec, &version, &roots);
	if (version.kind == CASG_VERSION_TAXONOMY)
		casg_die("'%s' is a taxonomy, which has no sequences", spec);
	if (casg_locinfo_tree(j->w.store, j->w.pool, j->w.coders, &roots.records, roots.count,
			      add_info, j, &err))
		casg_die_err(&err);
	casg_version_release(&version);
}

static void add_stream(struct job *j)
{
	struct casg_cli_records rs = { .any_facts = 0 };

	casg_facts_init(&rs.facts);
	casg_cli_read_records(&rs, &j->w, nul_ends, quiet ? 0 : show_progress, add_record, j);
	casg_facts_release(&rs.facts);
}

/* ---- how much ------------------------------------------------------------ */

static void run_once(struct job *j, unsigned identity)
{
	struct casg_err err = CASG_ERR_INIT;

	casg_trace_enter("choose");
	if (casg_cluster_run(j->c, identity, j->coverage, &j->s, &err))
		casg_die_err(&err);
	casg_trace_leave("choose");
	j->identity = identity;
	j->nruns++;
	j->naligned += j->s.naligned;
	j->nrecalled += j->s.nrecalled;
}

static int is_small_enough(const struct job *j)
{
	return (double)j->s.kept * 1000 <= (double)j->s.nresidues * j->size;
}

/* The highest identity at which little enough is left, by halving. */
static void search(struct job *j)
{
	unsigned enough = LEAST_IDENTITY, too_much = 1000;

	run_once(j, 1000);
	if (is_small_enough(j))
		return;
	run_once(j, LEAST_IDENTITY);
	if (!is_small_enough(j))
		casg_die("at an identity of %u.%03u still %.1f %% of the residues are left",
			 LEAST_IDENTITY / 1000, LEAST_IDENTITY % 1000,
			 100.0 * (double)j->s.kept / (double)j->s.nresidues);
	while (too_much - enough > STEP) {
		unsigned half = (enough + too_much) / 2 / STEP * STEP;

		run_once(j, half);
		if (is_small_enough(j))
			enough = half;
		else
			too_much = half;
	}
	if (j->identity != enough)
		run_once(j, enough);
}

/* ---- output -------------------------------------------------------------- */

static void print_pairs(struct job *j)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_out_much();
	for (uint64_t i = 0; i < casg_cluster_count(j->c); i++) {
		struct casg_cluster_pair p;

		casg_cluster_pair(j->c, i, &p);
		casg_buf_reset(&b);
		casg_oid_addhex(&b, &p.member);
		casg_buf_addch(&b, '\t');
		casg_oid_addhex(&b, &p.representative);
		casg_buf_addf(&b, "\t%" PRIu64 "\t%c\n", p.edits, p.reverse ? '-' : '+');
		if (b.failed)
			casg_die("out of memory");
		casg_out(b.data, b.len);
	}
	casg_buf_release(&b);
}

static void write_facts(const struct job *j)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_buf_addf(&b, "identity %u.%03u\ncoverage %u.%03u\n", j->identity / 1000,
		      j->identity % 1000, j->coverage / 1000, j->coverage % 1000);
	if (j->size)
		casg_buf_addf(&b, "size %u.%03u\n", j->size / 1000, j->size % 1000);
	casg_buf_addf(&b, "records %" PRIu64 "\nsequences %" PRIu64 "\nrepresentatives %" PRIu64
		      "\nresidues %" PRIu64 "\nkept %" PRIu64 "\ncandidates %" PRIu64
		      "\naligned %" PRIu64 "\nrecalled %" PRIu64 "\nruns %u\n", j->s.nadded, j->s.nsequences,
		      j->s.nrepresentatives, j->s.nresidues, j->s.kept, j->s.nlinks, j->naligned,
		      j->nrecalled, j->nruns);
	if (b.failed)
		casg_die("out of memory");
	casg_write_facts(facts_file, &b);
	casg_buf_release(&b);
}

static int open_decisions(void)
{
	int fd = decisions_file ? open(decisions_file, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : 0;

	if (fd < 0)
		casg_die("cannot open '%s': %s", decisions_file, strerror(errno));
	return fd;
}

static int run(int argc, char **argv)
{
	struct job j = { .c = NULL };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_cluster_opts o;

	parse_options(&j);
	casg_work_open_reader(&j.w, threads, memory, (uint64_t)24 << 20);
	if (casg_repo_mkdirs(&j.w.repo, &err))
		casg_die_err(&err);
	o = (struct casg_cluster_opts){ j.w.store, j.w.pool, j.w.coders, j.w.repo.tmp_dir,
					j.w.settings.memory / 2, open_decisions() };
	j.c = casg_cluster_new(&o, &err);
	if (!j.c)
		casg_die_err(&err);
	casg_trace_enter("read");
	if (argc)
		add_version(&j, argv[0]);
	else
		add_stream(&j);
	if (casg_cluster_read(j.c, &err))
		casg_die_err(&err);
	casg_trace_leave("read");
	if (j.size)
		search(&j);
	else
		run_once(&j, j.identity);
	casg_trace_count("aligned", j.naligned);
	print_pairs(&j);
	if (facts_file)
		write_facts(&j);
	casg_out_flush();
	casg_cluster_free(j.c);
	if (o.decisions_fd)
		close(o.decisions_fd);
	casg_work_close(&j.w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-cluster", usage, opts, 0, 1, run };
