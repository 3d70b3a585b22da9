/* casg-ls-tree - print the record stream of a version */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "cliwork.h"
#include "locinfo.h"
#include "records.h"
#include "stream.h"
#include "taxon.h"
#include "withdrawn.h"

static const char *threads, *memory;
static int nul_ends, keys_only, withdrawn;

static const char *const usage[] = {
	"[-z] [--keys] [--threads=N] [--memory=SIZE] [[REV:]DATABASE]",
	"--withdrawn [-z] [[REV:]DATABASE]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends,
	  "end lines with NUL and quote nothing" },
	{ CASG_OPT_FLAG, 0, "keys", NULL, &keys_only, "print the keys alone" },
	{ CASG_OPT_FLAG, 0, "withdrawn", NULL, &withdrawn,
	  "print what was withdrawn: key, since when, successor, reason" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

enum { WINDOW = 32768 };

/* A window of records; strings as offsets into text. */
struct window {
	struct casg_work *w;
	struct casg_record *r;
	struct casg_objinfo *info;
	size_t n;
	struct casg_buf text, line, taxon;
};

static void find_ids(struct window *v)
{
	struct casg_err err = CASG_ERR_INIT;

	if (v->n && casg_locinfo(v->w->store, v->w->pool, v->w->coders, &v->r[0].loc,
				 sizeof(*v->r), v->n, v->info, &err))
		casg_die_err(&err);
}

static void print_window(struct window *v)
{
	if (!keys_only)
		find_ids(v);
	for (size_t i = 0; i < v->n; i++) {
		const struct casg_record *q = &v->r[i];
		struct casg_rec r = {
			.key = (const char *)v->text.data + (uintptr_t)q->key,
			.klen = q->klen, .oid = v->info[i].id, .length = v->info[i].nbytes,
			.plen = q->plen, .dlen = q->dlen,
		};

		r.desc = r.key + r.klen;
		r.pres = r.desc + r.dlen;
		casg_buf_reset(&v->line);
		if (keys_only) {
			casg_stream_key(&v->line, r.key, r.klen, nul_ends);
			casg_buf_addch(&v->line, nul_ends ? '\0' : '\n');
		} else {
			casg_buf_reset(&v->taxon);
			casg_taxon_declared(r.key, r.klen, r.desc, r.dlen, &v->taxon);
			r.taxon = (const char *)v->taxon.data;
			r.tlen = v->taxon.len;
			casg_rec_format(&v->line, &r, nul_ends);
		}
		if (v->line.failed || v->taxon.failed)
			casg_die("out of memory");
		casg_out(v->line.data, v->line.len);
	}
	v->n = 0;
	casg_buf_reset(&v->text);
}

static void print_facts(const struct casg_facts *f, struct casg_work *w)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_oid id;
	int rc;

	if (casg_percent_length(f->prologue.data, f->prologue.len) > CASG_INLINE_MAX) {
		casg_hasher_digest(casg_coder_hasher(casg_work_coder(w)), f->prologue.data,
				   f->prologue.len, &id);
		rc = casg_facts_format_ex(&b, f, &id);
	} else {
		rc = casg_facts_format(&b, f);
	}
	casg_buf_addch(&b, nul_ends ? '\0' : '\n');
	if (rc || b.failed)
		casg_die("out of memory");
	casg_out(b.data, b.len);
	casg_buf_release(&b);
}

static void list(struct casg_work *w, struct casg_records *rs)
{
	struct window v = { .w = w };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_record r;
	int rc;

	v.r = calloc(WINDOW, sizeof(*v.r));
	v.info = calloc(WINDOW, sizeof(*v.info));
	if (!v.r || !v.info)
		casg_die("out of memory");
	while ((rc = casg_records_next(rs, &r, &err)) > 0) {
		struct casg_record *q = &v.r[v.n++];

		*q = r;
		q->key = (const char *)(uintptr_t)v.text.len;
		casg_buf_add(&v.text, r.key, r.klen);
		casg_buf_add(&v.text, r.desc, r.dlen);
		casg_buf_add(&v.text, r.pres, r.plen);
		if (casg_buf_check(&v.text, &err))
			casg_die_err(&err);
		if (v.n == WINDOW || v.text.len > (16u << 20))
			print_window(&v);
	}
	if (rc < 0)
		casg_die_err(&err);
	print_window(&v);
	free(v.r);
	free(v.info);
	casg_buf_release(&v.text);
	casg_buf_release(&v.line);
	casg_buf_release(&v.taxon);
}

static void list_withdrawn(struct casg_work *w, const struct casg_roots *roots)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf line = CASG_BUF_INIT;
	struct casg_withdrawnr *r;
	struct casg_tombstone t;
	int rc = 0;

	if (!roots->has_withdrawn)
		return;
	r = casg_withdrawnr_open(w->store, casg_work_coder(w), &roots->withdrawn, &err);
	while (r && (rc = casg_withdrawnr_next(r, &t, &err)) > 0) {
		casg_buf_reset(&line);
		if (casg_tombstone_format(&line, &t, nul_ends, &err))
			casg_die_err(&err);
		casg_out(line.data, line.len);
	}
	if (!r || rc < 0)
		casg_die_err(&err);
	casg_withdrawnr_free(r);
	casg_buf_release(&line);
}

static void list_records(struct casg_work *w, const struct casg_roots *roots)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_records *rs;

	rs = casg_records_open(w->store, casg_work_coder(w), w->pool, w->repo.tmp_dir, roots,
			       (uint64_t)32 << 20, &err);
	if (!rs)
		casg_die_err(&err);
	casg_out_much();
	if (!keys_only)
		print_facts(casg_records_facts(rs), w);
	list(w, rs);
	casg_records_free(rs);
}

static int run(int argc, char **argv)
{
	struct casg_version version;
	struct casg_roots roots;
	struct casg_work w;

	casg_work_open_reader(&w, threads, memory, (uint64_t)24 << 20);
	casg_work_version(&w, argc ? argv[0] : "", &version, &roots);
	if (withdrawn)
		list_withdrawn(&w, &roots);
	else
		list_records(&w, &roots);
	casg_out_flush();
	casg_version_release(&version);
	casg_work_close(&w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-ls-tree", usage, opts, 0, 1, run };
