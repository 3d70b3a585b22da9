/*
 * casg-resolve-view - which versions are meant, and the id of their view.
 */
#include <string.h>

#include "asof.h"
#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "refs.h"
#include "viewing.h"

static const char *as_of, *as_of_sequence, *as_of_taxonomy, *taxonomy;
static int no_taxonomy;

static const char *const usage[] = {
	"[--as-of-sequence T] [--as-of-taxonomy T] [--as-of T] [--taxonomy [REV:]NAME] "
	"[--no-taxonomy] [[REV:]DATABASE]",
	"[--as-of-taxonomy T] [REV:]taxonomy/NAME",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "as-of-sequence", "T", &as_of_sequence,
	  "the sequences as of a time, release label or revision" },
	{ CASG_OPT_STR, 0, "as-of-taxonomy", "T", &as_of_taxonomy, "the taxonomy as of T" },
	{ CASG_OPT_STR, 0, "as-of", "T", &as_of, "both as of T" },
	{ CASG_OPT_STR, 0, "taxonomy", "[REV:]NAME", &taxonomy,
	  "which taxonomy (default: casg.taxonomy, the one in VERSION, or the only one)" },
	{ CASG_OPT_FLAG, 0, "no-taxonomy", NULL, &no_taxonomy, "the sequences alone" },
	{ .type = CASG_OPT_END }
};

static void print_version(const char *axis, struct casg_asof_found *f)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	char when[CASG_TIME_SIZE];

	casg_buf_addf(&out, "%s %s:%s ", axis, f->commit, casg_buf_cstr(&f->database));
	casg_oid_addhex(&out, &f->id);
	casg_buf_addf(&out, " %s", casg_time_format(f->version.sequence_time, when));
	if (f->version.release)
		casg_buf_addf(&out, " %s", f->version.release);
	casg_buf_addch(&out, '\n');
	if (casg_buf_check(&out, &err))
		casg_die_err(&err);
	casg_out(out.data, out.len);
	casg_buf_release(&out);
}

static void print_view(struct casg_viewing *v)
{
	char line[sizeof("view ") + CASG_OID_HEXSZ + 1] = "view ";

	print_version("sequence", &v->sequence);
	if (!v->has_taxonomy)
		return;
	print_version("taxonomy", &v->taxonomy);
	casg_oid_hex(&v->id, line + 5);
	line[5 + CASG_OID_HEXSZ] = '\n';
	casg_out(line, 5 + CASG_OID_HEXSZ + 1);
}

/* Of a taxonomy alone, without sequences. */
static int is_taxonomy(const char *spec)
{
	const char *colon = strrchr(spec, ':');

	return casg_database_kind(colon ? colon + 1 : spec) == CASG_VERSION_TAXONOMY;
}

static void print_taxonomy(struct casg_refs *refs, const struct casg_repo *repo,
			   const char *spec)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_asof_found found;

	casg_asof_found_init(&found);
	if (casg_asof_find(refs, repo, spec, as_of_taxonomy, &found, &err))
		casg_die_err(&err);
	print_version("taxonomy", &found);
	casg_asof_found_release(&found);
}

static void check_usage(void)
{
	if (as_of && (as_of_sequence || as_of_taxonomy))
		casg_usage_die("--as-of says both, and excludes --as-of-sequence and --as-of-taxonomy");
	if (no_taxonomy && (taxonomy || as_of_taxonomy))
		casg_usage_die("--no-taxonomy excludes --taxonomy and --as-of-taxonomy");
}

static int run(int argc, char **argv)
{
	struct casg_viewing_query q = {
		.spec = argc ? argv[0] : "", .taxonomy = taxonomy, .no_taxonomy = no_taxonomy,
		.if_any = as_of != NULL
	};
	struct casg_err err = CASG_ERR_INIT;
	struct casg_viewing v;
	struct casg_repo repo;
	struct casg_refs *refs;
	int alone;

	check_usage();
	alone = !as_of && !as_of_sequence && !taxonomy && !no_taxonomy && is_taxonomy(q.spec);
	q.as_of_sequence = as_of ? as_of : as_of_sequence;
	q.as_of_taxonomy = as_of ? as_of : as_of_taxonomy;
	casg_cli_repo(&repo);
	if (casg_refs_open(&refs, &repo, &err))
		casg_die_err(&err);
	if (alone) {
		print_taxonomy(refs, &repo, q.spec);
	} else {
		if (casg_viewing_find(refs, &repo, &q, &v, &err))
			casg_die_err(&err);
		print_view(&v);
		casg_viewing_release(&v);
	}
	casg_refs_free(refs);
	casg_repo_release(&repo);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = {
	.name = "casg-resolve-view",
	.usage = usage,
	.opts = opts,
	.min_args = 0,
	.max_args = 1,
	.run = run,
};
