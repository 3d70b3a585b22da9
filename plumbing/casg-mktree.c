/* casg-mktree - build a record tree, order and presentation from a record stream */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cli.h"
#include "clitrace.h"
#include "cliwork.h"
#include "endian.h"
#include "extsort.h"
#include "layout.h"
#include "lines.h"
#include "nodelink.h"
#include "objects.h"
#include "orderbase.h"
#include "stream.h"
#include "treew.h"

static const char *threads, *memory, *facts_file, *base, *base_order;
static int nul_ends, quiet, show_progress = -1;

static const char *const usage[] = {
	"[-z] [--quiet] [--progress] [--threads=N] [--memory=SIZE] [--facts=FILE] [--base=ROOT [--base-order=ID]]",
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
	{ .type = CASG_OPT_END }
};

struct job {
	struct casg_work w;
	struct casg_extsort *sort;
	struct casg_facts facts;
	struct casg_oid prologue_oid;
	int has_prologue_oid;
	struct casg_buf item, scratch;
	struct casg_presw *pres;
	uint64_t position;
};

static void die_at(struct job *j, uint64_t line, struct casg_err *err)
{
	casg_err_prefix(err, "record stream, line %" PRIu64, line);
	casg_work_die(&j->w, err);
}

/*
 * What is sorted: key, NUL, sequence id, description, NUL, then what is only
 * carried: position and length.  Neither key nor description holds NUL, so
 * the order of the bytes is the order of the tree.
 */
static int add_record(struct job *j, const struct casg_rec *r, struct casg_err *err)
{
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
	casg_put_be64(n, j->position);
	casg_put_be64(n + 8, r->length);
	casg_buf_add(b, n, sizeof(n));
	rc = casg_buf_check(b, err);
	if (!rc)
		rc = casg_extsort_add(j->sort, b->data, b->len, err);
	if (!rc && (r->plen != 1 || r->pres[0] != '-'))
		rc = casg_presw_add(j->pres, j->position, r->pres, r->plen, err);
	j->position++;
	return rc;
}

static void read_stream(struct job *j)
{
	struct casg_lines *l = casg_lines_open(0, nul_ends ? '\0' : '\n');
	struct casg_progress *p = casg_progress_start("reading records",
						      quiet ? 0 : show_progress);
	struct casg_err err = CASG_ERR_INIT;
	uint64_t nlines = 0, nbytes = 0;
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		struct casg_rec r;

		nlines++;
		nbytes += n + 1;
		if (!(nlines & 0xffff))
			casg_progress_update(p, j->position, nbytes, 0);
		if (casg_stream_is_facts(line, n)) {
			struct casg_oid id;
			int has;

			rc = casg_facts_parse(&j->facts, &id, &has, line, n, &err);
			/* a later line overrides, in either form */
			if (!rc && has)
				j->prologue_oid = id;
			if (!rc && memmem(line, n, " prologue=", 10))
				j->has_prologue_oid = has;
		} else {
			rc = casg_rec_parse(&r, line, n, nul_ends, &j->scratch, &err);
			if (!rc)
				rc = add_record(j, &r, &err);
		}
		if (rc < 0)
			die_at(j, nlines, &err);
	}
	if (rc < 0)
		casg_work_die(&j->w, &err);
	casg_progress_stop(p);
	casg_lines_close(l);
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
	struct casg_orderw *ow = casg_orderw_new(j->position, j->w.settings.memory / 4,
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

/* A prologue that is named by id is part of the facts all the same. */
static void load_prologue(struct job *j)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!j->has_prologue_oid)
		return;
	if (casg_store_read_id(j->w.store, casg_work_coder(&j->w), &j->prologue_oid,
			       CASG_CHUNK_RAW_MAX, &j->facts.prologue, &err) ||
	    casg_prologue_check(j->facts.prologue.data, j->facts.prologue.len, &err)) {
		casg_err_prefix(&err, "prologue");
		casg_work_die(&j->w, &err);
	}
}

static void print_roots(struct job *j, const struct casg_tree_stats *s,
			const struct casg_oid *order, const struct casg_oid *pres)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_buf_addstr(&b, "records ");
	casg_oid_addhex(&b, &s->root);
	casg_buf_addstr(&b, "\norder ");
	casg_oid_addhex(&b, order);
	casg_buf_addstr(&b, "\npresentation ");
	casg_oid_addhex(&b, pres);
	casg_buf_addf(&b, "\ncount %" PRIu64 "\nresidues %" PRIu64 "\n", s->nrecords,
		      s->nresidues);
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
	struct casg_oid order, pres;
	struct job j = { 0 };

	(void)argc;
	(void)argv;
	casg_facts_init(&j.facts);
	casg_work_open(&j.w, threads, memory, (uint64_t)16 << 20);
	casg_work_packw(&j.w);
	j.sort = casg_extsort_new(j.w.repo.tmp_dir, (size_t)(j.w.settings.memory / 4),
				  j.w.pool, &err);
	j.pres = casg_presw_new(j.w.repo.tmp_dir);
	if (!j.sort || !j.pres)
		casg_work_die(&j.w, &err);
	casg_trace_enter("read");
	read_stream(&j);
	casg_trace_leave("read");
	casg_trace_enter("build the tree");
	build(&j, &stats, &order);
	casg_trace_leave("build the tree");
	load_prologue(&j);
	if (casg_presw_finish(j.pres, &j.facts, j.w.packw, j.w.store, casg_work_coder(&j.w),
			      (int)j.w.settings.level, &pres, &err) ||
	    casg_packw_finish(j.w.packw, &err))
		casg_work_die(&j.w, &err);
	casg_trace_count("records", stats.nrecords);
	casg_trace_count("nodes", stats.nnodes);
	casg_trace_count("new-nodes", stats.nnodes_new);
	print_roots(&j, &stats, &order, &pres);
	casg_out_flush();
	casg_presw_free(j.pres);
	casg_facts_release(&j.facts);
	casg_buf_release(&j.item);
	casg_buf_release(&j.scratch);
	casg_work_close(&j.w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-mktree", usage, opts, 0, 0, run };
