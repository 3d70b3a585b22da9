/* casg-verify-version - check a version and all before it, from the sequences up */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "chain.h"
#include "cli.h"
#include "clitrace.h"
#include "cliwork.h"
#include "exporter.h"
#include "lookup.h"
#include "oidmap.h"
#include "records.h"
#include "refs.h"
#include "treecheck.h"
#include "treer.h"
#include "withdrawn.h"

static const char *from, *to, *threads, *memory;
static int chain_only, content_only, roots_only, nul_ends, quiet, show_progress = -1;

static const char *const usage[] = {
	"[--from=TIME] [--to=TIME] [--chain | --content] [--roots] [-z] [--quiet] [--progress] [--threads=N] [--memory=SIZE] [REV:][DATABASE]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "from", "TIME", &from, "not versions of before this sequence time" },
	{ CASG_OPT_STR, 0, "to", "TIME", &to, "not versions of after this sequence time" },
	{ CASG_OPT_FLAG, 0, "chain", NULL, &chain_only, "check the version records only" },
	{ CASG_OPT_FLAG, 0, "content", NULL, &content_only, "check only what they stand for" },
	{ CASG_OPT_FLAG, 0, "roots", NULL, &roots_only, "do not write the releases out again" },
	{ CASG_OPT_FLAG, 'z', "null", NULL, &nul_ends, "lines end in NUL" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

struct verifier {
	struct casg_work w;
	struct casg_treecheck *trees;
	struct casg_oidmap layouts;  /* order and presentation that are good */
	struct casg_progress *progress;
	uint64_t nrecords, nbytes;
	int wrong, unanswered;
};

/* ---- the chain ----------------------------------------------------------- */

static void ignore_fault(void *ctx, int code, const char *msg)
{
	(void)ctx;
	(void)code;
	(void)msg;
}

static void on_fault(void *ctx, int code, const char *msg)
{
	struct verifier *v = ctx;

	casg_error("%s", msg);
	if (code == CASG_ECORRUPT)
		v->wrong = 1;
	else
		v->unanswered = 1;
}

static int64_t read_time(const char *text, int64_t otherwise)
{
	struct casg_err err = CASG_ERR_INIT;
	int64_t t;

	if (!text)
		return otherwise;
	if (casg_time_parse_user(text, &t, &err))
		casg_usage_die("%s", err.msg);
	return t;
}

static void print_commits(const struct casg_chain *c)
{
	struct casg_buf b = CASG_BUF_INIT;
	char when[CASG_TIME_SIZE];

	for (size_t i = 0; i < c->ncommits; i++) {
		const struct casg_chain_version *v = &c->versions[c->commits[i].version];

		casg_buf_reset(&b);
		casg_buf_addf(&b, "%s\t", c->commits[i].commit);
		casg_oid_addhex(&b, &v->id);
		casg_buf_addf(&b, "\t%s\t", casg_time_format(v->version.sequence_time, when));
		for (size_t k = 0; k < v->version.nprevious; k++) {
			casg_buf_addstr(&b, k ? "," : "");
			casg_oid_addhex(&b, &v->version.previous[k]);
		}
		casg_buf_addf(&b, "%s\t%s%c", v->version.nprevious ? "" : "-",
			      v->version.release ? v->version.release : "-",
			      nul_ends ? '\0' : '\n');
		casg_out(b.data, b.len);
	}
	casg_buf_release(&b);
}

static void check_chain(struct verifier *v, const char *spec, int64_t a, int64_t b,
			struct casg_chain *chain)
{
	struct casg_chain_query q = { .from = a, .to = b };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_found found;
	struct casg_refs *refs;

	casg_found_init(&found);
	if (casg_refs_open(&refs, &v->w.repo, &err))
		casg_die_err(&err);
	/* a tip that is no VERSION at all is for the chain to say */
	if (casg_refs_find(refs, spec, &found, &err) && !found.commit[0])
		casg_die_err(&err);
	if (!found.database.len)
		casg_die_err(&err);
	q.shallow = casg_repo_is_shallow(&v->w.repo);
	q.rev = found.commit;
	q.database = casg_buf_cstr(&found.database);
	if (casg_chain_check(refs, &q, chain, content_only ? ignore_fault : on_fault, v, &err)) {
		/* an object of Git's that is not what its id says is an answer */
		if (err.code != CASG_ECORRUPT)
			casg_die_err(&err);
		on_fault(v, err.code, err.msg);
	}
	if (!chain->ncommits && !v->wrong && !v->unanswered)
		casg_die("no version of '%s' has a sequence time in that range", q.database);
	if (chain->nstray && !quiet && !content_only)
		casg_warn("%zu versions of '%s' in the history are not in the chain of versions",
			  chain->nstray, q.database);
	casg_found_release(&found);
	casg_refs_free(refs);
}

/* One nth of the memory there is, but no more MiB than that. */
static uint64_t share(const struct verifier *v, unsigned int nth, unsigned int most)
{
	uint64_t n = v->w.settings.memory / nth, max = (uint64_t)most << 20;

	return n < max ? n : max;
}

/* ---- content ------------------------------------------------------------- */

struct digest {
	struct verifier *v;
	struct casg_hasher *hasher;
};

static int hash_text(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	struct digest *d = ctx;

	(void)err;
	casg_hasher_update(d->hasher, p, n);
	d->v->nbytes += n;
	casg_progress_update(d->v->progress, d->v->nrecords, d->v->nbytes, 0);
	return 0;
}

/* Every record once more, as the text that the release was. */
static int check_text(struct verifier *v, const struct casg_version *ver,
		      struct casg_records *rs, struct casg_err *err)
{
	struct digest d = { v, casg_hasher_new() };
	struct casg_exporter *x;
	struct casg_oid got;
	int rc;

	if (!d.hasher)
		return casg_err_nomem(err);
	casg_hasher_init(d.hasher);
	x = casg_exporter_new(v->w.store, v->w.pool, v->w.coders, casg_records_facts(rs),
			      share(v, 16, 16), hash_text, &d, err);
	rc = x ? casg_exporter_add_all(x, rs, &v->nrecords, err) : CASG_ENOMEM;
	if (!rc)
		rc = casg_exporter_finish(x, err);
	casg_hasher_final(d.hasher, &got);
	if (!rc && ver->kind == CASG_VERSION_DATABASE && ver->has_source_sha256 &&
	    !casg_oid_eq(&got, &ver->source_sha256))
		rc = casg_err_set(err, CASG_ECORRUPT,
				  "its text is not what its source-sha256 says");
	casg_exporter_free(x);
	casg_hasher_free(d.hasher);
	return rc;
}

/* Order and presentation belong to this tree: checked once for the three. */
static int check_layout(struct verifier *v, const struct casg_version *ver,
			struct casg_err *err)
{
	struct casg_records *rs;
	struct casg_record r;
	struct casg_roots roots;
	struct casg_oid key;
	int rc;

	casg_work_roots(ver, &roots);
	casg_hasher_digest(casg_coder_hasher(casg_work_coder(&v->w)), &roots,
			   3 * sizeof(roots.records), &key);
	if (roots_only && casg_oidmap_get(&v->layouts, &key, NULL))
		return 0;
	rs = casg_records_open(v->w.store, casg_work_coder(&v->w), v->w.pool,
			       v->w.repo.tmp_dir, &roots, share(v, 8, 32), err);
	if (!rs)
		return err->code;
	if (!roots_only) {
		rc = check_text(v, ver, rs, err);
	} else {
		while ((rc = casg_records_next(rs, &r, err)) > 0)
			v->nrecords++;
		if (!rc)
			rc = casg_oidmap_set(&v->layouts, &key, 1, err);
	}
	casg_records_free(rs);
	return rc;
}

static int is_there(void *ctx, const struct casg_entry *e, const struct casg_loc *loc,
		    struct casg_err *err)
{
	(void)ctx;
	(void)loc;
	return casg_err_set(err, CASG_ECORRUPT,
			    "record '%.*s' is there, but its withdrawal, too",
			    e->klen < 200 ? (int)e->klen : 200, e->key);
}

/* The tombstones are readable, and for keys that no record has. */
static int check_withdrawn(struct verifier *v, const struct casg_version *ver,
			   struct casg_err *err)
{
	struct casg_coder *c = casg_work_coder(&v->w);
	struct casg_withdrawnr *r;
	struct casg_tombstone t;
	struct casg_treer *tree;
	int rc;

	if (!ver->has_withdrawn)
		return 0;
	r = casg_withdrawnr_open(v->w.store, c, &ver->withdrawn, err);
	tree = r ? casg_treer_open(v->w.store, c, &ver->records, err) : NULL;
	rc = tree ? 0 : err->code;
	while (!rc && (rc = casg_withdrawnr_next(r, &t, err)) > 0)
		rc = casg_lookup_key(tree, t.key, t.klen, is_there, NULL, err);
	casg_treer_free(tree);
	casg_withdrawnr_free(r);
	return rc;
}

static int check_version(struct verifier *v, const struct casg_version *ver,
			 struct casg_err *err)
{
	uint64_t count, residues;
	int rc = casg_treecheck_run(v->trees, &ver->records, &count, &residues, err);

	if (!rc && (count != ver->count || residues != ver->residues))
		rc = casg_err_set(err, CASG_ECORRUPT, "it has %" PRIu64 " records with %" PRIu64
				  " residues, but states %" PRIu64 " with %" PRIu64,
				  count, residues, ver->count, ver->residues);
	if (!rc)
		rc = check_withdrawn(v, ver, err);
	return rc ? rc : check_layout(v, ver, err);
}

static void check_content(struct verifier *v, const struct casg_chain *c)
{
	uint8_t *done = calloc(c->nversions + 1, 1);
	struct casg_err err = CASG_ERR_INIT;
	char hex[CASG_OID_HEXSZ + 1];

	v->trees = casg_treecheck_new(v->w.store, v->w.pool, v->w.coders, &err);
	if (!v->trees || !done)
		casg_die("out of memory");
	for (size_t i = 0; i < c->ncommits; i++) {
		const struct casg_chain_version *ver = &c->versions[c->commits[i].version];

		if (done[c->commits[i].version]++)
			continue;
		err = (struct casg_err)CASG_ERR_INIT;
		if (!check_version(v, &ver->version, &err))
			continue;
		if (err.code == CASG_ENOMEM)
			casg_die_err(&err);
		casg_err_prefix(&err, "version %s", casg_oid_hex(&ver->id, hex));
		on_fault(v, err.code, err.msg);
	}
	free(done);
	casg_trace_count("nodes", casg_treecheck_nodes(v->trees));
	casg_trace_count("records", casg_treecheck_records(v->trees));
	casg_treecheck_free(v->trees);
}

static int run(int argc, char **argv)
{
	int64_t a = read_time(from, INT64_MIN), b = read_time(to, INT64_MAX);
	struct verifier v = { .layouts = CASG_OIDMAP_INIT };
	struct casg_chain chain;

	if (chain_only && (roots_only || content_only))
		casg_usage_die("--chain excludes --content and --roots");
	if (a > b)
		casg_usage_die("--from is after --to");
	casg_work_open_fresh(&v.w, threads, memory, (uint64_t)32 << 20);
	check_chain(&v, argc ? argv[0] : "", a, b, &chain);
	v.progress = casg_progress_start("verifying", quiet || chain_only ? 0 : show_progress);
	if (!chain_only)
		check_content(&v, &chain);
	casg_progress_stop(v.progress);
	print_commits(&chain);
	casg_chain_release(&chain);
	casg_oidmap_release(&v.layouts);
	casg_work_close(&v.w);
	return v.wrong ? CASG_EXIT_NO : v.unanswered ? CASG_EXIT_FATAL : CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-verify-version", usage, opts, 0, 1, run };
