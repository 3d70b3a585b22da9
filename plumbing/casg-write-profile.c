/* casg-write-profile - store which record stands for which, print the PROFILE */
#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "clirepo.h"
#include "cliwork.h"
#include "cluster.h"
#include "lines.h"
#include "memberjoin.h"
#include "profile.h"

static const char *threads, *memory, *identity_text, *coverage_text, *size_text;

static const char *const usage[] = {
	"[--size=SHARE] [--threads=N] [--memory=SIZE] --identity=SHARE --coverage=SHARE [REV:]DATABASE <PAIRS",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "identity", "SHARE", &identity_text, "by which the pairs were chosen" },
	{ CASG_OPT_STR, 0, "coverage", "SHARE", &coverage_text, "by which the pairs were chosen" },
	{ CASG_OPT_STR, 0, "size", "SHARE", &size_text,
	  "the share of the residues that was asked for" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;

static void parse_share(const char *name, const char *text, unsigned *out)
{
	if (!text || casg_thousandths(text, out))
		casg_usage_die("bad value '%s' of --%s: wanted a share, as 0.9", text ? text : "",
			       name);
}

static int parse_number(const char *p, size_t n, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)(p[i] - '0');

		if (d > 9 || *out > (UINT64_MAX - d) / 10)
			return -1;
		*out = *out * 10 + d;
	}
	return n ? 0 : -1;
}

/* MEMBER TAB REPRESENTATIVE TAB EDITS TAB STRAND */
static int parse_pair(struct casg_cluster_pair *p, const char *line, size_t n)
{
	const size_t ids = 2 * (CASG_OID_HEXSZ + 1);

	if (n < ids + 3 || line[CASG_OID_HEXSZ] != '\t' || line[ids - 1] != '\t' ||
	    line[n - 2] != '\t' || (line[n - 1] != '+' && line[n - 1] != '-'))
		return -1;
	p->reverse = line[n - 1] == '-';
	return casg_oid_parse(&p->member, line, CASG_OID_HEXSZ) ||
	       casg_oid_parse(&p->representative, line + CASG_OID_HEXSZ + 1, CASG_OID_HEXSZ) ||
	       parse_number(line + ids, n - 2 - ids, &p->edits) ? -1 : 0;
}

static void read_pairs(struct casg_memberjoin *j)
{
	struct casg_lines *l = casg_lines_open(0, '\n');
	struct casg_err err = CASG_ERR_INIT;
	struct casg_cluster_pair p;
	uint64_t nlines = 0;
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		nlines++;
		if (parse_pair(&p, line, n))
			rc = casg_err_set(&err, CASG_ECORRUPT, "pairs, line %" PRIu64
					  ": wanted member, representative, edits and strand", nlines);
		else
			rc = casg_memberjoin_add(j, &p, &err);
		if (rc)
			break;
	}
	if (rc < 0)
		casg_work_die(&work, &err);
	casg_lines_close(l);
}

static void print_profile(const struct casg_profile *p)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf b = CASG_BUF_INIT;

	if (casg_profile_encode(p, &b, &err))
		casg_work_die(&work, &err);
	casg_out(b.data, b.len);
	casg_out_flush();
	casg_buf_release(&b);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_memberjoin_result got;
	struct casg_memberjoin_opts o;
	struct casg_memberjoin *j;
	struct casg_profile p = { .size = 0 };
	struct casg_version version;
	struct casg_roots roots;

	(void)argc;
	parse_share("identity", identity_text, &p.identity);
	parse_share("coverage", coverage_text, &p.coverage);
	if (size_text)
		parse_share("size", size_text, &p.size);
	if (!p.identity || (size_text && !p.size))
		casg_usage_die("no share of 0 can have been asked for");
	casg_work_open(&work, threads, memory, (uint64_t)24 << 20);
	casg_cli_resolve(&work.repo, argv[0], &version, &p.version);
	casg_work_roots(&version, &roots);
	casg_work_packw(&work);
	o = (struct casg_memberjoin_opts){
		.store = work.store, .pool = work.pool, .coders = work.coders,
		.tmp_dir = work.repo.tmp_dir, .memory_nbytes = work.settings.memory / 2,
		.roots = &roots, .packw = work.packw, .level = (int)work.settings.level,
		.identity = p.identity,
	};
	j = casg_memberjoin_new(&o, &err);
	if (!j)
		casg_work_die(&work, &err);
	read_pairs(j);
	if (casg_memberjoin_finish(j, &got, &err) || casg_packw_finish(work.packw, &err))
		casg_work_die(&work, &err);
	p.records = version.records;
	p.members = got.members;
	p.count = version.count;
	p.representatives = got.nrepresentatives;
	p.residues = got.nresidues;
	p.kept = got.kept;
	print_profile(&p);
	casg_memberjoin_free(j);
	casg_version_release(&version);
	casg_work_close(&work);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-write-profile", usage, opts, 1, 1, run };
