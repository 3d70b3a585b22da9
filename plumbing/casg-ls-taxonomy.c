/* casg-ls-taxonomy - look up taxa: lineages, subtrees, ids and names */
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "clitaxonomy.h"
#include "lines.h"
#include "stream.h"

static const char *taxonomy_spec, *rank;
static int lineage, children, descendants, with_lineage, from_stdin, nul_ends, quiet;

static const char *const usage[] = {
	"[-z] [--taxonomy=[REV:]NAME] [--lineage | --children | --descendants] [--rank=RANK] [--with-lineage] [--quiet] TAXON...",
	"[-z] [--taxonomy=[REV:]NAME] [--lineage | --children | --descendants] [--rank=RANK] [--with-lineage] --stdin",
	"[-z] [--taxonomy=[REV:]NAME] [--rank=RANK] [--with-lineage]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "taxonomy", "[REV:]NAME", &taxonomy_spec,
	  "where to look (default: casg.taxonomy, the one in VERSION, or the only one)" },
	{ CASG_OPT_FLAG, 0, "lineage", NULL, &lineage, "from the root down to the taxon" },
	{ CASG_OPT_FLAG, 0, "children", NULL, &children, "the taxa right below it" },
	{ CASG_OPT_FLAG, 0, "descendants", NULL, &descendants, "it and all below it" },
	{ CASG_OPT_STR, 0, "rank", "RANK", &rank, "only those of this rank" },
	{ CASG_OPT_FLAG, 0, "with-lineage", NULL, &with_lineage,
	  "a fifth field: the names of its lineage, joined by ';'" },
	{ CASG_OPT_FLAG, 0, "stdin", NULL, &from_stdin,
	  "answer each TAXON on standard input, in order" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "lines end in NUL, nothing is quoted" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "say nothing about what is not there" },
	{ .type = CASG_OPT_END }
};

struct printer {
	struct casg_taxonomy *t;
	struct casg_buf line, text;
};

static void end_line(struct printer *p)
{
	struct casg_err err = CASG_ERR_INIT;

	casg_buf_addch(&p->line, nul_ends ? '\0' : '\n');
	if (casg_buf_check(&p->line, &err))
		casg_die_err(&err);
	casg_out(p->line.data, p->line.len);
}

static void info(struct printer *p, uint32_t taxon, struct casg_taxon_info *out)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_taxonomy_info(p->t, taxon, out, &err))
		casg_die_err(&err);
}

static void add_field(struct printer *p, const struct casg_taxstr *s)
{
	casg_buf_addch(&p->line, '\t');
	casg_stream_key(&p->line, s->p, s->n, nul_ends);
}

static void print_taxon(struct printer *p, uint32_t taxon)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxon_info me, parent;

	info(p, taxon, &me);
	if (rank && (me.rank.n != strlen(rank) || memcmp(me.rank.p, rank, me.rank.n)))
		return;
	info(p, me.parent, &parent);
	casg_buf_reset(&p->line);
	casg_stream_key(&p->line, me.id.p, me.id.n, nul_ends);
	add_field(p, &parent.id);
	add_field(p, &me.rank);
	add_field(p, &me.name);
	if (with_lineage) {
		casg_buf_reset(&p->text);
		if (casg_taxonomy_lineage_text(p->t, taxon, ";", &p->text, &err))
			casg_die_err(&err);
		add_field(p, &(struct casg_taxstr){ (char *)p->text.data, p->text.len });
	}
	end_line(p);
}

static void print_answer(struct printer *p, uint32_t taxon)
{
	uint32_t line[CASG_LINEAGE_MAX];
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxon_info me, child;
	size_t n;

	info(p, taxon, &me);
	if (lineage) {
		if (casg_taxonomy_lineage(p->t, taxon, line, &n, &err))
			casg_die_err(&err);
		for (size_t i = 0; i < n; i++)
			print_taxon(p, line[i]);
	} else if (children) {
		for (uint32_t c = taxon + 1; c < me.end; c = child.end) {
			print_taxon(p, c);
			info(p, c, &child);
		}
	} else {
		for (uint32_t c = taxon; c < (descendants ? me.end : taxon + 1); c++)
			print_taxon(p, c);
	}
}

/* Does it lead to a taxon?  If not, why is in err. */
static int resolve(struct printer *p, const char *text, uint32_t *taxon, struct casg_err *err)
{
	int rc = casg_taxonomy_resolve(p->t, text, taxon, err);

	if (rc && rc != CASG_EABSENT && rc != CASG_ECORRUPT)
		casg_die_err(err);
	return rc;
}

static int answer_args(struct printer *p, int argc, char **argv)
{
	int status = CASG_EXIT_YES;

	for (int i = 0; i < argc; i++) {
		struct casg_err err = CASG_ERR_INIT;
		uint32_t taxon;
		int rc = resolve(p, argv[i], &taxon, &err);

		if (rc == CASG_ECORRUPT)
			casg_die_err(&err);
		if (!rc)
			print_answer(p, taxon);
		else if (!quiet)
			casg_error("%s", err.msg);
		if (rc)
			status = CASG_EXIT_NO;
	}
	return status;
}

static void answer_stdin(struct printer *p)
{
	struct casg_lines *in = casg_lines_open(0, nul_ends ? '\0' : '\n');
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf text = CASG_BUF_INIT;
	const char *line;
	size_t n;
	int rc;

	if (!in)
		casg_die("out of memory");
	while ((rc = casg_lines_next(in, &line, &n, &err)) > 0) {
		struct casg_err why = CASG_ERR_INIT;
		uint32_t taxon;

		casg_buf_reset(&text);
		casg_buf_add(&text, line, n);
		rc = resolve(p, casg_buf_cstr(&text), &taxon, &why);
		if (!rc) {
			print_answer(p, taxon);
		} else {
			casg_buf_reset(&p->line);
			casg_stream_key(&p->line, line, n, nul_ends);
			casg_buf_addstr(&p->line, rc == CASG_EABSENT ? " missing" : " ambiguous");
			end_line(p);
		}
		if (!casg_lines_pending(in))
			casg_out_flush();
	}
	if (rc < 0)
		casg_die_err(&err);
	casg_lines_close(in);
	casg_buf_release(&text);
}

static int run(int argc, char **argv)
{
	struct printer p = { NULL, CASG_BUF_INIT, CASG_BUF_INIT };
	struct casg_repo repo;
	int status = CASG_EXIT_YES;

	if (lineage + children + descendants > 1)
		casg_usage_die("only one of --lineage, --children and --descendants");
	if (from_stdin && argc)
		casg_usage_die("no TAXON with --stdin");
	if (!from_stdin && !argc && (lineage || children || descendants))
		casg_usage_die("of which TAXON?");
	casg_cli_repo(&repo);
	p.t = casg_cli_taxonomy(&repo, taxonomy_spec, NULL, NULL);
	if (from_stdin)
		answer_stdin(&p);
	else if (argc)
		status = answer_args(&p, argc, argv);
	for (uint32_t i = 0; !argc && !from_stdin && i < casg_taxonomy_count(p.t); i++)
		print_taxon(&p, i);
	casg_taxonomy_close(p.t);
	casg_repo_release(&repo);
	casg_buf_release(&p.line);
	casg_buf_release(&p.text);
	return status;
}

const struct casg_cmd casg_cmd = { "casg-ls-taxonomy", usage, opts, 0, -1, run };
