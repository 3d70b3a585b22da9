/* casg-assemble - write FASTA text from a record stream, or a whole version */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clitrace.h"
#include "cliwork.h"
#include "exporter.h"
#include "lines.h"
#include "records.h"
#include "stream.h"

static const char *threads, *memory;
static int nul_ends, quiet, show_progress = -1;

static const char *const usage[] = {
	"[-z] [--quiet] [--progress] [--threads=N] [--memory=SIZE] [[REV:]DATABASE]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends,
	  "lines of the stream end with NUL and nothing is quoted" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

enum { WINDOW = 8192, TASK = 128 };

struct out {
	struct casg_hasher *hasher; /* NULL: nothing to compare with */
	struct casg_progress *progress;
	uint64_t nbytes, nrecords;
};

static int write_text(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	struct out *o = ctx;

	(void)err;
	if (o->hasher)
		casg_hasher_update(o->hasher, p, n);
	o->nbytes += n;
	casg_progress_update(o->progress, o->nrecords, o->nbytes, 0);
	casg_out(p, n);
	return 0;
}

static struct casg_exporter *new_exporter(struct casg_work *w, const struct casg_facts *f,
					  struct out *o)
{
	struct casg_err err = CASG_ERR_INIT;
	uint64_t window = w->settings.memory / 8 < (36u << 20) ? w->settings.memory / 8
							       : 36u << 20;
	struct casg_exporter *x = casg_exporter_new(w->store, w->pool, w->coders, f, window,
						    write_text, o, &err);

	if (!x)
		casg_die_err(&err);
	return x;
}

/* ---- a whole version --------------------------------------------------- */

static void assemble_version(struct casg_work *w, const char *spec, struct out *o)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version version;
	struct casg_exporter *x;
	struct casg_records *rs;
	struct casg_roots roots;
	struct casg_oid got;

	casg_work_version(w, spec, &version, &roots);
	casg_trace_enter("read the order");
	rs = casg_records_open(w->store, casg_work_coder(w), w->pool, w->repo.tmp_dir,
			       &roots, w->settings.memory / 2, &err);
	if (!rs)
		casg_die_err(&err);
	casg_trace_leave("read the order");
	casg_trace_enter("write");
	if (version.has_source_sha256) {
		o->hasher = casg_hasher_new();
		if (!o->hasher)
			casg_die("out of memory");
		casg_hasher_init(o->hasher);
	}
	x = new_exporter(w, casg_records_facts(rs), o);
	if (casg_exporter_add_all(x, rs, &o->nrecords, &err) || casg_exporter_finish(x, &err))
		casg_die_err(&err);
	casg_trace_leave("write");
	casg_trace_count("records", o->nrecords);
	casg_trace_count("bytes", o->nbytes);
	if (o->hasher) {
		casg_hasher_final(o->hasher, &got);
		if (!casg_oid_eq(&got, &version.source_sha256))
			casg_die("what was written is not what was imported: its SHA-256 differs from the version's source-sha256");
		casg_hasher_free(o->hasher);
	}
	casg_exporter_free(x);
	casg_records_free(rs);
	casg_version_release(&version);
}

/* ---- a record stream --------------------------------------------------- */

/* Records read, whose sequences are looked for together. */
struct window {
	struct casg_work *w;
	struct casg_rec r[WINDOW];  /* strings as offsets into text, one behind the other */
	struct casg_loc loc[WINDOW];
	size_t n;
	struct casg_buf text;
	struct casg_err err;
	int failed;
};

static void find_task(void *ctx, size_t task, int worker)
{
	struct window *v = ctx;
	size_t end = (task + 1) * TASK < v->n ? (task + 1) * TASK : v->n;
	struct casg_err err = CASG_ERR_INIT;
	char hex[CASG_OID_HEXSZ + 1];
	int no = 0, rc = 1;

	for (size_t i = task * TASK; i < end && rc > 0; i++) {
		rc = casg_store_find(v->w->store, v->w->coders[worker], &v->r[i].oid,
				     &v->loc[i], NULL, &err);
		if (!rc)
			rc = casg_err_set(&err, CASG_EABSENT,
					  "sequence %s is in no pack here",
					  casg_oid_hex(&v->r[i].oid, hex));
	}
	if (rc <= 0 && __atomic_compare_exchange_n(&v->failed, &no, 1, 0, __ATOMIC_ACQ_REL,
						   __ATOMIC_ACQUIRE))
		v->err = err;
}

static void flush_window(struct window *v, struct casg_exporter *x)
{
	struct casg_err err = CASG_ERR_INIT;

	casg_workers_run(v->w->pool, (v->n + TASK - 1) / TASK, find_task, v);
	if (v->failed)
		casg_die_err(&v->err);
	for (size_t i = 0; i < v->n; i++) {
		const struct casg_rec *r = &v->r[i];
		const char *t = (const char *)v->text.data + (uintptr_t)r->key;
		const struct casg_export_record e = {
			.key = t, .klen = r->klen,
			.desc = t + r->klen, .dlen = r->dlen,
			.pres = t + r->klen + r->dlen, .plen = r->plen,
			.loc = v->loc[i], .want = &r->oid, .nresidues = r->length,
		};

		if (casg_exporter_add(x, &e, &err))
			casg_die_err(&err);
	}
	v->n = 0;
	casg_buf_reset(&v->text);
}

static void keep(struct window *v, const struct casg_rec *r)
{
	struct casg_rec *q = &v->r[v->n++];

	*q = *r;
	q->key = (const char *)(uintptr_t)v->text.len;
	casg_buf_add(&v->text, r->key, r->klen);
	casg_buf_add(&v->text, r->desc, r->dlen);
	casg_buf_add(&v->text, r->pres, r->plen);
	if (v->text.failed)
		casg_die("out of memory");
}

/* A facts line may name its prologue by id. */
static int read_facts(struct casg_work *w, struct casg_facts *f, const char *line, size_t n,
		      struct casg_err *err)
{
	struct casg_oid id;
	int named = 0;
	int rc = casg_facts_parse(f, &id, &named, line, n, err);

	if (!rc && named)
		rc = casg_store_read_id(w->store, casg_work_coder(w), &id, CASG_CHUNK_RAW_MAX,
					&f->prologue, err);
	return rc;
}

static void assemble_stream(struct casg_work *w, struct out *o)
{
	struct casg_lines *l = casg_lines_open(0, nul_ends ? '\0' : '\n');
	struct window *v = calloc(1, sizeof(*v));
	struct casg_buf scratch = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_exporter *x;
	struct casg_facts f;
	uint64_t nlines = 0;
	const char *line;
	size_t n;
	int rc;

	casg_facts_init(&f);
	if (!l || !v)
		casg_die("out of memory");
	v->w = w;
	x = new_exporter(w, &f, o);
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0) {
		struct casg_rec r;

		nlines++;
		if (casg_stream_is_facts(line, n)) {
			flush_window(v, x);
			rc = read_facts(w, &f, line, n, &err);
			if (!rc)
				rc = casg_exporter_set_facts(x, &f, &err);
		} else {
			rc = casg_rec_parse(&r, line, n, nul_ends, &scratch, &err);
			if (!rc)
				keep(v, &r);
			o->nrecords++;
		}
		if (rc < 0) {
			casg_err_prefix(&err, "record stream, line %llu",
					(unsigned long long)nlines);
			casg_die_err(&err);
		}
		if (v->n == WINDOW || v->text.len > (8u << 20))
			flush_window(v, x);
	}
	if (rc < 0)
		casg_die_err(&err);
	flush_window(v, x);
	if (casg_exporter_finish(x, &err))
		casg_die_err(&err);
	casg_exporter_free(x);
	casg_facts_release(&f);
	casg_lines_close(l);
	casg_buf_release(&scratch);
	casg_buf_release(&v->text);
	free(v);
}

static int run(int argc, char **argv)
{
	struct out o = { 0 };
	struct casg_work w;

	casg_work_open_reader(&w, threads, memory, (uint64_t)12 << 20);
	casg_work_count_reads(&w);
	casg_out_much();
	o.progress = casg_progress_start("writing", quiet ? 0 : show_progress);
	if (argc)
		assemble_version(&w, argv[0], &o);
	else
		assemble_stream(&w, &o);
	casg_out_flush();
	casg_progress_stop(o.progress);
	casg_work_close(&w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-assemble", usage, opts, 0, 1, run };
