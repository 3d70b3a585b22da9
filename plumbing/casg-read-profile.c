/* casg-read-profile - the records of a reduced version, and what they stand for */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "clirepo.h"
#include "clistream.h"
#include "cliversion.h"
#include "cliwork.h"
#include "cluster.h"
#include "endian.h"
#include "exporter.h"
#include "extsort.h"
#include "locinfo.h"
#include "profile.h"
#include "reduced.h"
#include "refs.h"
#include "stream.h"

static const char *threads, *memory, *blob, *version_blob;
static int nul_ends, keys_only, members, fasta, check, quiet, show_progress = -1;

static const char *const usage[] = {
	"[-z] [--keys | --members] [--threads=N] [--memory=SIZE] --profile=BLOB (--version=BLOB | [REV:]DATABASE)",
	"--fasta [--quiet] [--progress] [--threads=N] [--memory=SIZE] --profile=BLOB (--version=BLOB | [REV:]DATABASE)",
	"--check [--threads=N] [--memory=SIZE] --profile=BLOB (--version=BLOB | [REV:]DATABASE)",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "profile", "BLOB", &blob, "the Git id of the PROFILE" },
	{ CASG_OPT_STR, 0, "version", "BLOB", &version_blob, "the Git id of the VERSION that it is of" },
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "end lines with NUL and quote nothing" },
	{ CASG_OPT_FLAG, 0, "keys", NULL, &keys_only, "print the keys alone" },
	{ CASG_OPT_FLAG, 0, "members", NULL, &members,
	  "all records, each behind what stands for it, with its key, edits and strand" },
	{ CASG_OPT_FLAG, 0, "fasta", NULL, &fasta, "write the representatives as FASTA" },
	{ CASG_OPT_FLAG, 0, "check", NULL, &check,
	  "compare all that the profile says with the version, and print it" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "no progress" },
	{ CASG_OPT_FLAG, 0, "progress", NULL, &show_progress,
	  "show progress even if stderr is no terminal" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;
static struct casg_profile profile;
static struct casg_buf profile_text;
static struct casg_version version;
static struct casg_roots roots;

static void read_profile(struct casg_refs *refs)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!casg_cli_profile_blob(refs, blob, &profile))
		casg_die("Git object %s is no profile", blob);
	/* it has one spelling */
	if (casg_profile_encode(&profile, &profile_text, &err))
		casg_die_err(&err);
}

/* A view of one version, and of no other. */
static void read_version(struct casg_refs *refs, const char *spec)
{
	char of[CASG_OID_HEXSZ + 1], not[CASG_OID_HEXSZ + 1];
	struct casg_oid id;

	if (spec)
		casg_cli_resolve(&work.repo, spec, &version, &id);
	else if (!casg_cli_version_blob(refs, version_blob, &version, &id))
		casg_die("Git object %s is no version", version_blob);
	casg_work_roots(&version, &roots);
	if (!casg_oid_eq(&id, &profile.version))
		casg_die("the profile is of version %s, not of %s", casg_oid_hex(&profile.version, of),
			 casg_oid_hex(&id, not));
	if (!casg_oid_eq(&version.records, &profile.records) || version.count != profile.count)
		casg_die("the profile names other records than its version");
}

static struct casg_reduced *open_records(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_reduced *r = casg_reduced_open(work.store, casg_work_coder(&work), work.pool,
						   work.repo.tmp_dir, &roots, &profile.members,
						   work.settings.memory / 2, &err);

	if (!r)
		casg_die_err(&err);
	return r;
}

/* 1 and the next record, 0 at the end. */
static int next_record(struct casg_reduced *r, struct casg_reduced_record *out)
{
	struct casg_err err = CASG_ERR_INIT;
	int rc = casg_reduced_next(r, out, &err);

	if (rc < 0)
		casg_die_err(&err);
	return rc;
}

static int stands(const struct casg_reduced_record *r)
{
	return r->member.representative == r->rank;
}

/* ---- representatives ----------------------------------------------------- */

static void list_representatives(void)
{
	struct casg_reduced *r = open_records();
	struct casg_cli_stream *out = casg_cli_stream_new(&work, nul_ends, keys_only);
	struct casg_reduced_record q;

	if (!keys_only)
		casg_cli_stream_facts(out, casg_reduced_facts(r));
	while (next_record(r, &q))
		if (stands(&q))
			casg_cli_stream_add(out, &q.record);
	casg_cli_stream_finish(out);
	casg_reduced_free(r);
}

struct text {
	struct casg_progress *progress;
	uint64_t nrecords, nbytes;
};

static int write_text(void *ctx, const uint8_t *p, size_t n, struct casg_err *err)
{
	struct text *t = ctx;

	(void)err;
	t->nbytes += n;
	casg_progress_update(t->progress, t->nrecords, t->nbytes, 0);
	casg_out(p, n);
	return 0;
}

static void write_fasta(void)
{
	struct casg_reduced *r = open_records();
	struct casg_err err = CASG_ERR_INIT;
	struct casg_reduced_record q;
	struct text t = { .nbytes = 0 };
	struct casg_exporter *x;

	t.progress = casg_progress_start("writing", quiet ? 0 : show_progress);
	x = casg_exporter_new(work.store, work.pool, work.coders, casg_reduced_facts(r),
			      work.settings.memory / 8 < (36u << 20) ? work.settings.memory / 8
								     : 36u << 20,
			      write_text, &t, &err);
	if (!x)
		casg_die_err(&err);
	while (next_record(r, &q)) {
		const struct casg_export_record e = {
			.key = q.record.key, .klen = q.record.klen,
			.desc = q.record.desc, .dlen = q.record.dlen,
			.pres = q.record.pres, .plen = q.record.plen, .loc = q.record.loc,
		};

		t.nrecords += (uint64_t)stands(&q);
		if (stands(&q) && casg_exporter_add(x, &e, &err))
			casg_die_err(&err);
	}
	if (casg_exporter_finish(x, &err))
		casg_die_err(&err);
	casg_exporter_free(x);
	casg_progress_stop(t.progress);
	casg_reduced_free(r);
}

/* ---- members ------------------------------------------------------------- */

/*
 * By the rank of the representative, which comes first, then by rank; then what
 * to print: edits, strand, lengths of key, description and presentation, place,
 * and their bytes.
 */
enum { SORT_SZ = 8 + 1 + 8, FIXED_SZ = SORT_SZ + 8 + 1 + 3 * 8 + 3 * 4 };

static void add_member(struct casg_extsort *sorted, const struct casg_reduced_record *q,
		       struct casg_buf *item)
{
	const struct casg_record *r = &q->record;
	struct casg_err err = CASG_ERR_INIT;
	uint8_t fixed[FIXED_SZ], *p = fixed + SORT_SZ;

	casg_put_be64(fixed, q->member.representative);
	fixed[8] = !stands(q);
	casg_put_be64(fixed + 9, q->rank);
	casg_put_be64(p, q->member.edits);
	p[8] = (uint8_t)q->member.reverse;
	casg_put_be64(p + 9, r->klen);
	casg_put_be64(p + 17, r->dlen);
	casg_put_be64(p + 25, r->plen);
	casg_put_be32(p + 33, r->loc.pack);
	casg_put_be32(p + 37, r->loc.chunk);
	casg_put_be32(p + 41, r->loc.member);
	casg_buf_reset(item);
	casg_buf_add(item, fixed, sizeof(fixed));
	casg_buf_add(item, r->key, r->klen);
	casg_buf_add(item, r->desc, r->dlen);
	casg_buf_add(item, r->pres, r->plen);
	if (casg_buf_check(item, &err) || casg_extsort_add(sorted, item->data, item->len, &err))
		casg_die_err(&err);
}

static void print_member(struct casg_cli_stream *out, const uint8_t *item, struct casg_buf *key,
			 struct casg_buf *more)
{
	const uint8_t *p = item + SORT_SZ;
	struct casg_record r = {
		.key = (const char *)item + FIXED_SZ, .klen = (size_t)casg_get_be64(p + 9),
		.dlen = (size_t)casg_get_be64(p + 17), .plen = (size_t)casg_get_be64(p + 25),
		.loc = { casg_get_be32(p + 33), casg_get_be32(p + 37), casg_get_be32(p + 41) },
	};

	r.desc = r.key + r.klen;
	r.pres = r.desc + r.dlen;
	if (!item[8]) {
		casg_buf_reset(key);
		casg_stream_key(key, r.key, r.klen, nul_ends);
	}
	casg_buf_reset(more);
	casg_buf_addch(more, '\t');
	casg_buf_add(more, key->data, key->len);
	casg_buf_addf(more, "\t%" PRIu64 "\t%c", casg_get_be64(p), p[8] ? '-' : '+');
	if (more->failed || key->failed)
		casg_die("out of memory");
	casg_cli_stream_add_more(out, &r, more->data, more->len);
}

static void list_members(void)
{
	struct casg_buf item = CASG_BUF_INIT, key = CASG_BUF_INIT, more = CASG_BUF_INIT;
	struct casg_reduced *r = open_records();
	struct casg_err err = CASG_ERR_INIT;
	struct casg_extsort *sorted;
	struct casg_cli_stream *out;
	struct casg_reduced_record q;
	const uint8_t *p;
	size_t n;
	int rc;

	sorted = casg_extsort_new(work.repo.tmp_dir, (size_t)(work.settings.memory / 3), work.pool,
				  &err);
	if (!sorted)
		casg_die_err(&err);
	out = casg_cli_stream_new(&work, nul_ends, 0);
	casg_cli_stream_facts(out, casg_reduced_facts(r));
	while (next_record(r, &q))
		add_member(sorted, &q, &item);
	casg_reduced_free(r);
	if (casg_extsort_finish(sorted, &err))
		casg_die_err(&err);
	while ((rc = casg_extsort_next(sorted, &p, &n, &err)) > 0)
		print_member(out, p, &key, &more);
	if (rc < 0)
		casg_die_err(&err);
	casg_cli_stream_finish(out);
	casg_extsort_free(sorted);
	casg_buf_release(&item);
	casg_buf_release(&key);
	casg_buf_release(&more);
}

/* ---- checking ------------------------------------------------------------ */

struct sums {
	struct casg_membersr *members;
	uint64_t rank, nrepresentatives, nresidues, kept;
};

static int add_up(void *ctx, const struct casg_objinfo *info, struct casg_err *err)
{
	struct sums *s = ctx;
	struct casg_member m;
	int rc = casg_membersr_next(s->members, &m, err);

	if (rc <= 0)
		return rc ? rc : casg_err_set(err, CASG_ECORRUPT, "the map lacks a record");
	s->nresidues += info->nbytes;
	if (m.representative == s->rank++) {
		s->nrepresentatives++;
		s->kept += info->nbytes;
	} else if (m.edits > casg_cluster_edits(info->nbytes, profile.identity)) {
		return casg_err_set(err, CASG_ECORRUPT,
				    "record %" PRIu64 " is not so like what stands for it", s->rank - 1);
	}
	return 0;
}

/* Each record stands for itself, or one that does stands for it; no other is named. */
static void check_profile(void)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_reduced *r = open_records();
	struct casg_reduced_record q;
	struct sums s = { .rank = 0 };

	/* the order and the presentation of the file are of as many records */
	while (next_record(r, &q))
		;
	casg_reduced_free(r);
	s.members = casg_membersr_open(work.store, casg_work_coder(&work), &profile.members,
				       roots.count, &err);
	if (!s.members || casg_locinfo_tree(work.store, work.pool, work.coders, &roots.records,
					    roots.count, add_up, &s, &err))
		casg_die_err(&err);
	casg_membersr_free(s.members);
	if (s.nrepresentatives != profile.representatives || s.nresidues != profile.residues ||
	    s.kept != profile.kept)
		casg_die("the profile counts %" PRIu64 " representatives with %" PRIu64 " of %" PRIu64
			 " residues, but there are %" PRIu64 " with %" PRIu64 " of %" PRIu64,
			 profile.representatives, profile.kept, profile.residues,
			 s.nrepresentatives, s.kept, s.nresidues);
	casg_out(profile_text.data, profile_text.len);
}

static void read_both(const char *spec)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_refs *refs;

	if (casg_refs_open(&refs, &work.repo, &err))
		casg_die_err(&err);
	read_profile(refs);
	read_version(refs, spec);
	casg_refs_free(refs);
}

static int run(int argc, char **argv)
{
	if (!argc == !version_blob)
		casg_usage_die("either --version or a database says of which version");
	if (!blob)
		casg_usage_die("--profile says which");
	if (keys_only + members + fasta + check > 1)
		casg_usage_die("--keys, --members, --fasta and --check exclude one another");
	if (nul_ends && (fasta || check))
		casg_usage_die("-z is for lines of records");
	if ((quiet || show_progress > 0) && !fasta)
		casg_usage_die("--quiet and --progress go with --fasta");
	casg_work_open_reader(&work, threads, memory, (uint64_t)24 << 20);
	read_both(argc ? argv[0] : NULL);
	casg_out_much();
	if (fasta)
		write_fasta();
	else if (members)
		list_members();
	else if (check)
		check_profile();
	else
		list_representatives();
	casg_out_flush();
	casg_buf_release(&profile_text);
	casg_version_release(&version);
	casg_work_close(&work);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-read-profile", usage, opts, 0, 1, run };
