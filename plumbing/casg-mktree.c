/* casg-mktree - build a record tree, order and presentation from a record stream */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cli.h"
#include "clitrace.h"
#include "clirecords.h"
#include "cliwork.h"
#include "endian.h"
#include "extsort.h"
#include "layout.h"
#include "nodelink.h"
#include "objects.h"
#include "orderbase.h"
#include "stream.h"
#include "treew.h"
#include "withdrawn.h"

static const char *threads, *memory, *facts_file, *base, *base_order, *previous;
static int nul_ends, quiet, show_progress = -1, expect_newline, limit_shrink;

static const char *const usage[] = {
	"[-z] [--quiet] [--progress] [--threads=N] [--memory=SIZE] [--facts=FILE] [--base=ROOT [--base-order=ID]] "
	"[--previous=FILE [--expect-newline] [--limit-shrink]]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends,
	  "lines end with NUL and nothing is quoted" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ CASG_OPT_STR, 0, "facts", "FILE", &facts_file,
	  "write what was counted, as \"name value\" lines" },
	{ CASG_OPT_STR, 0, "base", "ROOT", &base,
	  "store what is new as differences from that record tree" },
	{ CASG_OPT_STR, 0, "base-order", "ID", &base_order,
	  "and the order as differences from that one, of the same version" },
	{ CASG_OPT_STR, 0, "previous", "FILE", &previous,
	  "VERSION of the version before: what was withdrawn, and the facts if the stream has none" },
	{ CASG_OPT_FLAG, 0, "expect-newline", NULL, &expect_newline,
	  "refuse a file without newline at its end if the version before has one" },
	{ CASG_OPT_FLAG, 0, "limit-shrink", NULL, &limit_shrink,
	  "refuse to lose more than casg.shrinkLimit percent of the records" },
	{ .type = CASG_OPT_END }
};

struct job {
	struct casg_work w;
	struct casg_extsort *sort;
	struct casg_cli_records in;
	struct casg_buf item;
	struct casg_presw *pres;
	struct casg_roots previous;
	struct casg_withdrawnw *withdrawn; /* NULL: the version before has none */
};

/*
 * What is sorted: key, NUL, sequence id, description, NUL, then what is only
 * carried: position and length.  Neither key nor description holds NUL, so
 * the order of the bytes is the order of the tree.
 */
static int add_record(void *ctx, const struct casg_rec *r, struct casg_err *err)
{
	struct job *j = ctx;
	struct casg_buf *b = &j->item;
	uint8_t n[16];
	int rc;

	if (memchr(r->desc, 0, r->dlen) || memchr(r->desc, '\n', r->dlen))
		return casg_err_set(err, CASG_ECORRUPT, "a description holds NUL or LF");
	casg_buf_reset(b);
	casg_buf_add(b, r->key, r->klen);
	casg_buf_addch(b, 0);
	casg_buf_add(b, r->oid.b, CASG_OID_RAWSZ);
	casg_buf_add(b, r->desc, r->dlen);
	casg_buf_addch(b, 0);
	casg_put_be64(n, j->in.nrecords);
	casg_put_be64(n + 8, r->length);
	casg_buf_add(b, n, sizeof(n));
	rc = casg_buf_check(b, err);
	if (!rc)
		rc = casg_extsort_add(j->sort, b->data, b->len, err);
	if (!rc && (r->plen != 1 || r->pres[0] != '-'))
		rc = casg_presw_add(j->pres, j->in.nrecords, r->pres, r->plen, err);
	return rc;
}

/* Take a sorted item apart again. */
static void split_item(const uint8_t *p, size_t n, struct casg_entry *e, uint64_t *position)
{
	const uint8_t *tail = p + n - 16;

	memset(e, 0, sizeof(*e));
	e->key = (const char *)p;
	e->klen = strlen(e->key);
	p += e->klen + 1;
	memcpy(e->oid.b, p, CASG_OID_RAWSZ);
	p += CASG_OID_RAWSZ;
	e->desc = (const char *)p;
	e->dlen = (uint64_t)(tail - p) - 1;
	*position = casg_get_be64(tail);
	e->length = casg_get_be64(tail + 8);
}

static void parse_id(const char *option, const char *text, struct casg_oid *out)
{
	if (casg_oid_parse(out, text, strlen(text)))
		casg_usage_die("bad value '%s' of %s: wanted an id", text, option);
}

/* The version to store the new one by, and the key under way. */
struct base {
	struct casg_oid root, order_id;
	struct casg_orderbase *order;  /* or NULL */
	struct casg_buf key;
	uint32_t occurrence;
	int any;
};

/* A version that is damaged is no reason not to store another. */
static void use_base(struct job *j, struct base *b, struct casg_treew *t)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!base)
		return;
	parse_id("--base", base, &b->root);
	if (base_order)
		parse_id("--base-order", base_order, &b->order_id);
	if (casg_treew_base(t, &b->root, CASG_NODELINK_IMPORT_DEPTH, &err)) {
		casg_warn("what is new is stored whole: %s", err.msg);
		return;
	}
	if (base_order)
		b->order = casg_orderbase_new(j->w.store, casg_work_coder(&j->w), &b->root,
					      &b->order_id, &err);
	if (base_order && !b->order)
		casg_warn("the order is stored whole: %s", err.msg);
}

/* Records come in the order of the tree: equal keys are numbered as it does. */
static void base_key(struct base *b, const char *key, size_t klen)
{
	struct casg_err err = CASG_ERR_INIT;
	int same = b->any && b->key.len == klen && !memcmp(b->key.data, key, klen);

	if (!b->order)
		return;
	b->occurrence = same ? b->occurrence + 1 : 0;
	b->any = 1;
	casg_buf_reset(&b->key);
	casg_buf_add(&b->key, key, klen);
	if (b->key.failed || casg_buf_grow(&b->key, 1))
		casg_die("out of memory");
	if (!casg_orderbase_key(b->order, key, klen, b->occurrence, &err))
		return;
	casg_warn("the order is stored whole: %s", err.msg);
	casg_orderbase_free(b->order);
	b->order = NULL;
}

static void build(struct job *j, struct casg_tree_stats *stats, struct casg_oid *order)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_orderw *ow = casg_orderw_new(j->in.nrecords, j->w.settings.memory / 4,
						 j->w.repo.tmp_dir, &err);
	struct base b = { .order = NULL };
	struct casg_treew *t;
	const uint8_t *item;
	uint64_t rank = 0;
	size_t n;
	int rc;

	/* packs that casg-pack finished while it fed us */
	casg_work_reopen_store(&j->w);
	t = casg_treew_new(j->w.store, j->w.packw, j->w.pool, j->w.coders,
			   (int)j->w.settings.level, &err);
	if (!ow || !t || casg_extsort_finish(j->sort, &err))
		casg_work_die(&j->w, &err);
	use_base(j, &b, t);
	while ((rc = casg_extsort_next(j->sort, &item, &n, &err)) > 0) {
		struct casg_entry e;
		uint64_t position;

		split_item(item, n, &e, &position);
		base_key(&b, e.key, e.klen);
		rc = casg_treew_add(t, &e, &err);
		if (!rc)
			rc = casg_orderw_put(ow, position, rank++, &err);
		if (!rc && j->withdrawn)
			rc = casg_withdrawnw_alive(j->withdrawn, e.key, e.klen, &err);
		if (rc)
			break;
	}
	casg_extsort_free(j->sort);
	j->sort = NULL;
	if (!rc)
		rc = casg_treew_finish(t, stats, &err);
	casg_treew_free(t);
	if (!rc && stats->base_err.code)
		casg_warn("what is new is stored whole: %s", stats->base_err.msg);
	if (!rc)
		rc = casg_orderw_finish(ow, b.order, j->w.packw, j->w.store, casg_work_coder(&j->w),
					(int)j->w.settings.level, order, &err);
	casg_orderw_free(ow);
	casg_orderbase_free(b.order);
	casg_buf_release(&b.key);
	if (rc)
		casg_work_die(&j->w, &err);
}

/* What was withdrawn stays so, until its key comes back. */
static void read_previous(struct job *j)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_withdrawnr *old = NULL;
	struct casg_version version;

	if (!previous)
		return;
	casg_version_init(&version);
	casg_work_version_file(previous, &version, &j->previous);
	casg_version_release(&version);
	if (!j->previous.has_withdrawn)
		return;
	old = casg_withdrawnr_open(j->w.store, casg_work_coder(&j->w),
				   &j->previous.withdrawn, &err);
	j->withdrawn = old ? casg_withdrawnw_new(old, j->w.repo.tmp_dir, &err) : NULL;
	if (!j->withdrawn)
		casg_die_err(&err);
}

/* A stream that does not say what its file looks like: as the one before. */
static void default_facts(struct job *j)
{
	if (previous && !j->in.any_facts)
		casg_cli_facts_of(&j->w, &j->previous, &j->in.facts);
}

static void refuse_shrunk(struct job *j)
{
	struct casg_err err = CASG_ERR_INIT;
	uint64_t before = j->previous.count, now = j->in.nrecords;

	if (now >= before || (before - now) * 100 <= before * j->w.settings.shrink_limit)
		return;
	casg_err_set(&err, CASG_ECORRUPT,
		     "%" PRIu64 " of %" PRIu64 " records would be left, a loss of more than %" PRIu64
		     " %% (casg.shrinkLimit; casg import --accept-shrink accepts it)", now, before, j->w.settings.shrink_limit);
	casg_work_die(&j->w, &err);
}

static void refuse(struct job *j)
{
	if (expect_newline)
		casg_cli_expect_newline(&j->in, &j->w, &j->previous);
	if (limit_shrink)
		refuse_shrunk(j);
}

static void finish_withdrawn(struct job *j, struct casg_roots *roots)
{
	struct casg_err err = CASG_ERR_INIT;
	int rc = j->withdrawn ? casg_withdrawnw_finish(j->withdrawn, j->w.packw, j->w.store,
						       casg_work_coder(&j->w),
						       (int)j->w.settings.level,
						       &roots->withdrawn, &err) : 0;

	if (rc < 0)
		casg_work_die(&j->w, &err);
	roots->has_withdrawn = rc;
	casg_withdrawnw_free(j->withdrawn);
}

static void print_roots(struct job *j, const struct casg_tree_stats *s,
			const struct casg_roots *roots)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_work_format_roots(roots, s->nresidues, &b);
	if (b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_reset(&b);
	casg_buf_addf(&b, "nodes %" PRIu64 "\nnew-nodes %" PRIu64 "\nbytes-stored %" PRIu64 "\n",
		      s->nnodes, s->nnodes_new, casg_packw_nbytes(j->w.packw));
	casg_work_list_packs(&j->w, &b);
	if (facts_file)
		casg_write_facts(facts_file, &b);
	casg_buf_release(&b);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_tree_stats stats;
	struct casg_roots roots = { .has_withdrawn = 0 };
	struct casg_presbase pres_base;
	struct job j = { 0 };

	(void)argc;
	(void)argv;
	if ((expect_newline || limit_shrink) && !previous)
		casg_usage_die("--expect-newline and --limit-shrink go with --previous");
	casg_facts_init(&j.in.facts);
	casg_work_open(&j.w, threads, memory, (uint64_t)16 << 20);
	read_previous(&j);
	casg_work_packw(&j.w);
	/* while this fills up, casg-pack has most of the memory of an import */
	j.sort = casg_extsort_new(j.w.repo.tmp_dir, (size_t)(j.w.settings.memory / 8),
				  j.w.pool, &err);
	j.pres = casg_presw_new(j.w.repo.tmp_dir);
	if (!j.sort || !j.pres)
		casg_work_die(&j.w, &err);
	casg_trace_enter("read");
	casg_cli_read_records(&j.in, &j.w, nul_ends, quiet ? 0 : show_progress, add_record, &j);
	casg_trace_leave("read");
	refuse(&j);
	casg_trace_enter("build the tree");
	build(&j, &stats, &roots.order);
	casg_trace_leave("build the tree");
	default_facts(&j);
	casg_cli_load_prologue(&j.in, &j.w);
	pres_base = (struct casg_presbase){ j.previous.presentation,
					   j.w.settings.memory / 2 };
	if (casg_presw_finish(j.pres, &j.in.facts, previous ? &pres_base : NULL, j.w.packw,
			      j.w.store, casg_work_coder(&j.w), (int)j.w.settings.level,
			      &roots.presentation, &err))
		casg_work_die(&j.w, &err);
	finish_withdrawn(&j, &roots);
	if (casg_packw_finish(j.w.packw, &err))
		casg_work_die(&j.w, &err);
	casg_trace_count("records", stats.nrecords);
	casg_trace_count("nodes", stats.nnodes);
	casg_trace_count("new-nodes", stats.nnodes_new);
	roots.records = stats.root;
	roots.count = stats.nrecords;
	print_roots(&j, &stats, &roots);
	casg_out_flush();
	casg_presw_free(j.pres);
	casg_facts_release(&j.in.facts);
	casg_buf_release(&j.item);
	casg_work_close(&j.w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-mktree", usage, opts, 0, 0, run };
