/* casg-rev-list - list the versions of a database, or the changes of a record */
#include <stdlib.h>
#include <string.h>

#include "annals.h"
#include "array.h"
#include "buf.h"
#include "cli.h"
#include "clitrace.h"
#include "cliwork.h"
#include "stream.h"
#include "withdrawn.h"

static int all, first_parent, reverse, patch, nul_ends;

static const char *const usage[] = {
	"[--all] [--first-parent] [--reverse] [-z] [REV:][DATABASE]",
	"[--all] [--first-parent] [--reverse] [-p] [-z] [REV:][DATABASE] KEY",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 0, "all", NULL, &all, "from all refs, not only from REV or HEAD" },
	{ CASG_OPT_FLAG, 0, "first-parent", NULL, &first_parent,
	  "follow only the first parent of merges" },
	{ CASG_OPT_FLAG, 0, "reverse", NULL, &reverse, "oldest first" },
	{ CASG_OPT_FLAG, 'p', "patch", NULL, &patch, "with the records before and after" },
	{ CASG_OPT_FLAG, 'z', "null", NULL, &nul_ends, "lines end in NUL, nothing is quoted" },
	{ .type = CASG_OPT_END }
};

/* What is printed for each version; kept, because history is walked forwards. */
struct list {
	struct casg_buf *v;
	size_t n, cap;
};

static void add_record(struct casg_buf *out, char sign, const struct casg_annal_record *q)
{
	const struct casg_rec r = {
		.key = q->key, .klen = q->klen, .oid = q->oid, .length = q->length,
		.taxon = q->taxon, .tlen = strlen(q->taxon), .pres = "-", .plen = 1,
		.desc = q->desc, .dlen = q->dlen,
	};

	casg_buf_addch(out, sign);
	casg_rec_format(out, &r, nul_ends);
}

static int add_tomb(struct casg_buf *out, const struct casg_annal_tomb *q,
		    struct casg_err *err)
{
	const struct casg_tombstone t = {
		.key = q->key, .klen = q->klen, .when = q->when,
		.successor = q->successor, .slen = q->slen,
		.reason = q->reason, .rlen = q->rlen,
	};

	casg_buf_addch(out, '!');
	return casg_tombstone_format(out, &t, nul_ends, err);
}

static int add_line(void *ctx, const struct casg_annal *a, struct casg_err *err)
{
	struct list *l = ctx;
	struct casg_buf b = CASG_BUF_INIT;
	char when[CASG_TIME_SIZE];

	casg_buf_addf(&b, "%s\t", a->commit);
	if (a->version)
		casg_oid_addhex(&b, &a->id);
	else
		casg_buf_addch(&b, '-');
	casg_buf_addf(&b, "\t%s\t",
		      a->version ? casg_time_format(a->version->sequence_time, when) : "-");
	if (a->fate) {
		casg_fate_format(&b, a->fate);
		casg_buf_addch(&b, '\t');
	}
	casg_buf_addf(&b, "%s%c", a->version && a->version->release ? a->version->release : "-",
		      nul_ends ? '\0' : '\n');
	for (size_t i = 0; patch && i < a->before->n; i++)
		add_record(&b, '-', &a->before->v[i]);
	for (size_t i = 0; patch && i < a->ntombs; i++) {
		int rc = add_tomb(&b, &a->tombs[i], err);

		if (rc)
			return rc;
	}
	for (size_t i = 0; patch && i < a->after->n; i++)
		add_record(&b, '+', &a->after->v[i]);
	if (b.failed || CASG_GROW(l->v, l->n + 1, l->cap))
		return casg_err_nomem(err);
	l->v[l->n++] = b;
	return 0;
}

/* Settle REV and DATABASE; the database may be one of the past. */
static void read_spec(struct casg_refs *refs, const char *spec, struct casg_buf *rev,
		      struct casg_buf *database)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_found found;

	if (casg_spec_split(spec, rev, database, &err))
		casg_die_err(&err);
	if (!database->len) {
		casg_found_init(&found);
		if (casg_refs_find(refs, spec, &found, &err))
			casg_die_err(&err);
		casg_buf_add(database, found.database.data, found.database.len);
		casg_found_release(&found);
	}
	if (casg_database_check(casg_buf_cstr(database), &err))
		casg_die_err(&err);
}

static int run(int argc, char **argv)
{
	struct casg_buf rev = CASG_BUF_INIT, database = CASG_BUF_INIT;
	struct casg_annals_query q = { .first_parent = first_parent };
	struct casg_err err = CASG_ERR_INIT;
	const char *spec = argc ? argv[0] : "";
	struct list list = { 0 };
	struct casg_refs *refs;
	struct casg_work w;
	struct casg_annals_stats stats;

	if (patch && argc < 2)
		casg_usage_die("-p needs a KEY");
	if (all && strchr(spec, ':'))
		casg_usage_die("--all and a REV exclude each other");
	casg_work_open_quick(&w, (uint64_t)16 << 20);
	if (casg_refs_open(&refs, &w.repo, &err))
		casg_die_err(&err);
	read_spec(refs, spec, &rev, &database);
	q.rev = all ? NULL : casg_buf_cstr(&rev);
	q.database = casg_buf_cstr(&database);
	q.key = argc > 1 ? argv[1] : NULL;
	q.klen = argc > 1 ? strlen(argv[1]) : 0;
	if (casg_annals(refs, w.store, casg_work_coder(&w), &q, add_line, &list, &stats,
			&err))
		casg_die_err(&err);
	casg_trace_count("versions", stats.nversions);
	casg_trace_count("lookups", stats.nlookups);
	casg_trace_count("nodes", stats.nnodes);
	if (!stats.nversions)
		casg_die("there is no database '%s' in the history of %s%s%s", q.database,
			 all ? "any ref" : "'", all ? "" : q.rev, all ? "" : "'");
	for (size_t i = 0; i < list.n; i++) {
		struct casg_buf *b = &list.v[reverse ? i : list.n - 1 - i];

		casg_out(b->data, b->len);
		casg_buf_release(b);
	}
	if (!list.n)
		casg_error("'%s' is in no version of '%s'", q.key, q.database);
	casg_refs_free(refs);
	casg_work_close(&w);
	casg_buf_release(&rev);
	casg_buf_release(&database);
	free(list.v);
	return list.n ? CASG_EXIT_YES : CASG_EXIT_NO;
}

const struct casg_cmd casg_cmd = { "casg-rev-list", usage, opts, 0, 2, run };
