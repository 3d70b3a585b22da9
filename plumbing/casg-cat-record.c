/* casg-cat-record - print records of a version by key, accession or sequence id */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "buf.h"
#include "cli.h"
#include "cliwork.h"
#include "exporter.h"
#include "lines.h"
#include "lookup.h"
#include "layout.h"
#include "objects.h"
#include "records.h"
#include "region.h"
#include "treer.h"
#include "withdrawn.h"

static int batch, buffered, nul_ends, quiet;

static const char *const usage[] = {
	"[--quiet] [-z] [REV:]DATABASE KEY...",
	"[--quiet] [-z] --batch [--buffer] [REV:]DATABASE",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 0, "batch", NULL, &batch, "answer each key on standard input, in order" },
	{ CASG_OPT_FLAG, 0, "buffer", NULL, &buffered, "with --batch: do not flush after each answer" },
	{ CASG_OPT_FLAG, 'z', "null", NULL, &nul_ends, "with --batch: keys end in NUL" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "say nothing about what is not there" },
	{ .type = CASG_OPT_END }
};

enum { WINDOW = 16384, TASK = 256 };

/* A record that answers a request. */
struct hit {
	size_t request;
	uint64_t rank, position;
	size_t text, klen, dlen;  /* in v->text */
	size_t pres, plen;        /* in v->text, too */
	struct casg_loc loc;
};

struct request {
	size_t at, n;             /* in v->keys */
	size_t first, nhits;      /* in v->hits, once sorted */
	int is_region;            /* only this part of it, then: */
	struct casg_region region;
};

/* One task's share of the look-ups: requests order[start .. end). */
struct finder {
	struct view *v;
	struct casg_treer *tree;
	struct casg_coder *coder;
	struct casg_buf text;
	struct hit *hits;
	size_t nhits, cap_hits;
	struct casg_err err;
};

struct view {
	struct casg_work w;
	struct casg_version version;
	struct casg_roots roots;
	struct casg_facts facts;
	int any_pres;             /* some records are not presented plainly */
	struct casg_buf keys, text;
	struct request *req;
	size_t nreq, cap_req;
	size_t *order;            /* requests by key */
	struct finder *finders;
	size_t nfinders;
	struct hit *hits;
	size_t nhits, cap_hits;
	struct casg_err err;
};

static void open_view(struct view *v, const char *spec)
{
	struct casg_presr *p;

	if (batch)
		casg_work_open_reader(&v->w, NULL, NULL, (uint64_t)48 << 20);
	else
		casg_work_open_quick_reader(&v->w, (uint64_t)16 << 20);
	casg_work_count_reads(&v->w);
	casg_work_version(&v->w, spec, &v->version, &v->roots);
	casg_facts_init(&v->facts);
	p = casg_presr_open(v->w.store, casg_work_coder(&v->w), &v->roots.presentation,
			    &v->facts, &v->err);
	if (!p)
		casg_die_err(&v->err);
	/* no line about any record: nothing to look up later */
	v->any_pres = casg_presr_more(p);
	casg_presr_free(p);
	/* a record alone is a text of its own */
	v->facts.final_newline = 1;
	casg_buf_reset(&v->facts.prologue);
}

/* The request that a finder looks for, as casg_lookup_* hands it on. */
struct asked {
	struct finder *f;
	size_t request;
};

static int add_hit(void *ctx, const struct casg_entry *e, const struct casg_loc *loc,
		   struct casg_err *err)
{
	const struct asked *a = ctx;
	struct finder *f = a->f;
	struct hit *h;

	if (CASG_GROW(f->hits, f->nhits + 1, f->cap_hits))
		return casg_err_nomem(err);
	h = &f->hits[f->nhits++];
	memset(h, 0, sizeof(*h));
	h->request = a->request;
	h->rank = casg_treer_rank(f->tree);
	h->text = f->text.len;
	h->klen = e->klen;
	h->dlen = (size_t)e->dlen;
	h->loc = *loc;
	casg_buf_add(&f->text, e->key, e->klen);
	casg_buf_add(&f->text, e->desc, (size_t)e->dlen);
	return casg_buf_check(&f->text, err);
}

static int add_seq_hit(void *ctx, size_t which, const struct casg_entry *e,
		       const struct casg_loc *loc, struct casg_err *err)
{
	(void)which;
	return add_hit(ctx, e, loc, err);
}

static int find_sequence(struct finder *f, struct asked *a, const char *hex, size_t n)
{
	struct casg_oid id;

	if (casg_oid_parse(&id, hex, n))
		return 0;
	return casg_lookup_sequences(f->v->w.store, f->coder, f->tree, &id, 1, add_seq_hit,
				     a, &f->err);
}

static int cmp_request(const void *a, const void *b, void *ctx)
{
	const struct view *v = ctx;
	const struct request *x = &v->req[*(const size_t *)a], *y = &v->req[*(const size_t *)b];
	int c = casg_key_cmp((const char *)v->keys.data + x->at, x->n, 0,
			     (const char *)v->keys.data + y->at, y->n, 0);

	return c ? c : *(const size_t *)a < *(const size_t *)b ? -1 : 1;
}

static int cmp_hit(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->request != y->request)
		return x->request < y->request ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int cmp_rank(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int cmp_position(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return x->position < y->position ? -1 : x->position > y->position;
}

/* Where in the file the hits stand: one pass over the order object. */
static void find_positions(struct view *v)
{
	struct casg_orderr *o = casg_orderr_open(v->w.store, casg_work_coder(&v->w),
						 &v->roots.order, v->roots.count, &v->err);
	uint64_t rank, position = 0;
	int rc = o ? 0 : -1;

	qsort(v->hits, v->nhits, sizeof(*v->hits), cmp_rank);
	while (!rc && (rc = casg_orderr_next(o, &rank, &v->err)) > 0) {
		size_t lo = 0, hi = v->nhits;

		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (v->hits[mid].rank < rank)
				lo = mid + 1;
			else
				hi = mid;
		}
		for (; lo < v->nhits && v->hits[lo].rank == rank; lo++)
			v->hits[lo].position = position;
		position++;
		rc = 0;
	}
	if (rc < 0)
		casg_die_err(&v->err);
	casg_orderr_free(o);
}

/* What the file looked like there: one pass over the presentation object. */
static void find_presentations(struct view *v)
{
	struct casg_facts unused;
	struct casg_presr *p;
	const char *pres;
	size_t n;

	if (v->any_pres && v->nhits) {
		casg_facts_init(&unused);
		find_positions(v);
		qsort(v->hits, v->nhits, sizeof(*v->hits), cmp_position);
		p = casg_presr_open(v->w.store, casg_work_coder(&v->w),
				    &v->roots.presentation, &unused, &v->err);
		if (!p)
			casg_die_err(&v->err);
		for (size_t i = 0; i < v->nhits; i++) {
			struct hit *h = &v->hits[i];

			if (i && h->position == h[-1].position) {
				h->pres = h[-1].pres;
				h->plen = h[-1].plen;
				continue;
			}
			if (casg_presr_skip_to(p, h->position, &pres, &n, &v->err))
				casg_die_err(&v->err);
			h->pres = v->text.len;
			h->plen = n;
			casg_buf_add(&v->text, pres, n);
		}
		casg_presr_free(p);
		casg_facts_release(&unused);
	} else {
		for (size_t i = 0; i < v->nhits; i++) {
			v->hits[i].pres = v->text.len;
			v->hits[i].plen = 1;
		}
		casg_buf_addch(&v->text, '-');
	}
	if (v->text.failed)
		casg_die("out of memory");
}

static int write_text(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	(void)ctx;
	(void)err;
	casg_out(p, n);
	return 0;
}

static void write_hits(struct view *v, struct casg_exporter *x, const struct request *r)
{
	for (size_t i = r->first; i < r->first + r->nhits; i++) {
		const struct hit *h = &v->hits[i];
		const char *t = (const char *)v->text.data;
		const struct casg_export_record e = {
			.key = t + h->text, .klen = h->klen,
			.desc = t + h->text + h->klen, .dlen = h->dlen,
			.pres = t + h->pres, .plen = h->plen, .loc = h->loc,
		};

		if (casg_exporter_add(x, &e, &v->err))
			casg_die_err(&v->err);
	}
}

/* Where the text is lower case; a long presentation is read whole for that. */
static void put_case(struct view *v, const struct hit *h, uint64_t nresidues, uint64_t at,
		     struct casg_buf *res)
{
	const char *pres = casg_buf_chars(&v->text) + h->pres;
	size_t n = h->plen;
	struct casg_buf full = CASG_BUF_INIT;
	struct casg_oid id;

	if (n == 1 + CASG_OID_HEXSZ && *pres == '@' &&
	    !casg_oid_parse(&id, pres + 1, CASG_OID_HEXSZ)) {
		if (casg_store_read_id(v->w.store, casg_work_coder(&v->w), &id, CASG_TEXT_MAX,
				       &full, &v->err))
			casg_die_err(&v->err);
		pres = casg_buf_chars(&full);
		n = full.len;
	}
	if (casg_layout_case(pres, n, nresidues, at, res->data, res->len, &v->err))
		casg_die_err(&v->err);
	casg_buf_release(&full);
}

/* A part of the sequences that were found, as samtools faidx prints it. */
static void write_region(struct view *v, const struct request *r)
{
	const char *name = (const char *)v->keys.data + r->at;
	struct casg_buf res = CASG_BUF_INIT;
	uint64_t nresidues;

	for (size_t i = r->first; i < r->first + r->nhits; i++) {
		casg_buf_reset(&res);
		if (casg_store_read(v->w.store, casg_work_coder(&v->w), &v->hits[i].loc,
				    r->region.start, r->region.end, &res, &nresidues, &v->err))
			casg_die_err(&v->err);
		if (!quiet && (r->region.end != UINT64_MAX || !res.len) &&
		    res.len != r->region.end - r->region.start)
			casg_warn("'%.*s': the sequence has %" PRIu64 " residues", (int)r->n, name,
				  nresidues);
		if (res.len)
			put_case(v, &v->hits[i], nresidues, r->region.start, &res);
		casg_out(">", 1);
		casg_out(name, r->n);
		casg_out("\n", 1);
		for (size_t at = 0; at < res.len; at += CASG_DEFAULT_WIDTH) {
			casg_out(res.data + at, res.len - at < CASG_DEFAULT_WIDTH ? res.len - at :
						CASG_DEFAULT_WIDTH);
			casg_out("\n", 1);
		}
	}
	casg_buf_release(&res);
}

static struct casg_exporter *new_exporter(struct view *v)
{
	struct casg_exporter *x = casg_exporter_new(v->w.store, v->w.pool, v->w.coders,
						    &v->facts, (uint64_t)16 << 20,
						    write_text, v, &v->err);

	if (!x)
		casg_die_err(&v->err);
	return x;
}

static void find_task(void *ctx, size_t task, int worker)
{
	struct view *v = ctx;
	struct finder *f = &v->finders[task];
	size_t end = (task + 1) * TASK < v->nreq ? (task + 1) * TASK : v->nreq;
	struct asked a = { f, 0 };
	int rc = 0;

	f->v = v;
	f->coder = v->w.coders[worker];
	f->tree = casg_treer_open(v->w.store, f->coder, &v->roots.records, &f->err);
	for (size_t i = task * TASK; f->tree && i < end && rc >= 0; i++) {
		struct request *r = &v->req[v->order[i]];
		const char *key = (const char *)v->keys.data + r->at;

		a.request = v->order[i];
		rc = casg_lookup_key(f->tree, key, r->n, add_hit, &a, &f->err);
		if (!rc)
			rc = casg_lookup_accession(f->tree, key, r->n, add_hit, &a, &f->err);
		if (!rc)
			rc = find_sequence(f, &a, key, r->n);
		if (!rc && casg_region_parse(key, r->n, &r->region)) {
			r->is_region = 1;
			rc = casg_lookup_key(f->tree, r->region.key, r->region.klen, add_hit, &a,
					     &f->err);
			if (!rc)
				rc = casg_lookup_accession(f->tree, r->region.key, r->region.klen,
							   add_hit, &a, &f->err);
			if (!rc)
				rc = find_sequence(f, &a, r->region.key, r->region.klen);
		}
	}
	casg_treer_free(f->tree);
}

/* The hits of all tasks together; their texts one behind the other. */
static void collect(struct view *v)
{
	v->nhits = 0;
	casg_buf_reset(&v->text);
	for (size_t k = 0; k < v->nfinders; k++) {
		struct finder *f = &v->finders[k];

		if (f->err.code)
			casg_die_err(&f->err);
		if (CASG_GROW(v->hits, v->nhits + f->nhits, v->cap_hits))
			casg_die("out of memory");
		for (size_t i = 0; i < f->nhits; i++) {
			v->hits[v->nhits] = f->hits[i];
			v->hits[v->nhits++].text += v->text.len;
		}
		casg_buf_add(&v->text, f->text.data, f->text.len);
		casg_buf_release(&f->text);
		free(f->hits);
	}
	free(v->finders);
	if (v->text.failed)
		casg_die("out of memory");
}

/* Look up all requests of the window, in the order of the tree. */
static void look_up(struct view *v)
{
	v->order = malloc(v->nreq * sizeof(*v->order) + 1);
	v->nfinders = (v->nreq + TASK - 1) / TASK;
	v->finders = calloc(v->nfinders, sizeof(*v->finders));
	if (!v->order || !v->finders)
		casg_die("out of memory");
	for (size_t i = 0; i < v->nreq; i++)
		v->order[i] = i;
	qsort_r(v->order, v->nreq, sizeof(*v->order), cmp_request, v);
	casg_workers_run(v->w.pool, v->nfinders, find_task, v);
	free(v->order);
	collect(v);
	find_presentations(v);
	if (v->nhits)
		qsort(v->hits, v->nhits, sizeof(*v->hits), cmp_hit);
	for (size_t i = 0, h = 0; i < v->nreq; i++) {
		v->req[i].first = h;
		while (h < v->nhits && v->hits[h].request == i)
			h++;
		v->req[i].nhits = h - v->req[i].first;
	}
}

static void add_request(struct view *v, const char *key, size_t n)
{
	struct request *r;

	if (CASG_GROW(v->req, v->nreq + 1, v->cap_req))
		casg_die("out of memory");
	r = &v->req[v->nreq++];
	r->at = v->keys.len;
	r->n = n;
	r->is_region = 0;
	casg_buf_add(&v->keys, key, n);
	casg_buf_cstr(&v->keys);
	if (v->keys.failed)
		casg_die("out of memory");
}

/* Is that the key, or the accession behind its tag? */
static int is_called(const char *key, size_t klen, const char *name, size_t n)
{
	const char *bar = memchr(key, '|', klen);
	size_t left = bar ? klen - (size_t)(bar + 1 - key) : 0;

	if (klen == n && !memcmp(key, name, n))
		return 1;
	return bar && n && n <= left && !memcmp(bar + 1, name, n) &&
	       (n == left || bar[1 + n] == '|');
}

/* The tombstone of the key, if it has one: what was said when it was withdrawn. */
static int find_tombstone(struct view *v, const char *key, size_t n, struct casg_buf *out)
{
	struct casg_withdrawnr *r;
	struct casg_tombstone t;
	char when[CASG_TIME_SIZE];
	int rc, found = 0;

	if (!v->roots.has_withdrawn)
		return 0;
	r = casg_withdrawnr_open(v->w.store, casg_work_coder(&v->w), &v->roots.withdrawn,
				 &v->err);
	rc = r ? 1 : -1;
	while (rc > 0 && !found && (rc = casg_withdrawnr_next(r, &t, &v->err)) > 0) {
		found = is_called(t.key, t.klen, key, n);
		if (!found)
			continue;
		casg_buf_addf(out, "withdrawn %s", casg_time_format(t.when, when));
		if (t.rlen)
			casg_buf_addf(out, ": %.*s", (int)t.rlen, t.reason);
		if (t.successor)
			casg_buf_addf(out, "; successor: %.*s", (int)t.slen, t.successor);
	}
	if (rc < 0)
		casg_die_err(&v->err);
	casg_withdrawnr_free(r);
	return found;
}

static void say_missing(struct view *v, const char *key, size_t n)
{
	struct casg_buf why = CASG_BUF_INIT;

	if (find_tombstone(v, key, n, &why))
		casg_error("'%.*s' is not in there: %s", (int)n, key, casg_buf_cstr(&why));
	else
		casg_error("'%.*s' is not in there", (int)n, key);
	casg_buf_release(&why);
}

static struct casg_exporter *flush(struct view *v, struct casg_exporter *x)
{
	if (casg_exporter_finish(x, &v->err))
		casg_die_err(&v->err);
	casg_exporter_free(x);
	return new_exporter(v);
}

/*
 * Answers go out in order; "KEY missing" stands where there is none, and parts of
 * sequences do not go through the exporter, so what was gathered before must be
 * written first.
 */
static int answer(struct view *v)
{
	struct casg_exporter *x = new_exporter(v);
	int missing = 0;

	if (v->nreq)
		look_up(v);
	for (size_t i = 0; i < v->nreq; i++) {
		const struct request *r = &v->req[i];
		const char *key = (const char *)v->keys.data + r->at;

		if (r->nhits && r->is_region) {
			x = flush(v, x);
			write_region(v, r);
			continue;
		}
		if (r->nhits) {
			write_hits(v, x, r);
			continue;
		}
		missing = 1;
		if (!batch) {
			if (!quiet)
				say_missing(v, key, r->n);
			continue;
		}
		x = flush(v, x);
		casg_out(key, r->n);
		casg_out(" missing\n", 9);
	}
	if (casg_exporter_finish(x, &v->err))
		casg_die_err(&v->err);
	casg_exporter_free(x);
	v->nreq = 0;
	casg_buf_reset(&v->keys);
	return missing;
}

static int run_batch(struct view *v)
{
	struct casg_lines *l = casg_lines_open(0, nul_ends ? '\0' : '\n');
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	/* what has been asked already is answered together */
	while ((rc = casg_lines_next(l, &line, &n, &v->err)) > 0) {
		add_request(v, line, n);
		if (v->nreq < WINDOW && v->keys.len < (16u << 20) && (buffered || casg_lines_pending(l)))
			continue;
		answer(v);
		if (!buffered)
			casg_out_flush();
	}
	if (rc < 0)
		casg_die_err(&v->err);
	answer(v);
	casg_out_flush();
	casg_lines_close(l);
	return 0;
}

static int run(int argc, char **argv)
{
	struct view v = { 0 };
	int rc;

	if (batch && argc > 1)
		casg_usage_die("--batch reads its keys from standard input");
	if (!batch && argc < 2)
		casg_usage_die("no key given");
	open_view(&v, argv[0]);
	if (batch) {
		rc = run_batch(&v);
	} else {
		for (int i = 1; i < argc; i++)
			add_request(&v, argv[i], strlen(argv[i]));
		rc = answer(&v) ? CASG_EXIT_NO : 0;
	}
	casg_facts_release(&v.facts);
	casg_version_release(&v.version);
	casg_buf_release(&v.keys);
	casg_buf_release(&v.text);
	free(v.req);
	free(v.hits);
	casg_work_close(&v.w);
	return rc;
}

const struct casg_cmd casg_cmd = { "casg-cat-record", usage, opts, 1, -1, run };
