/* casg-verify-proof - check a proof, without any repository */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "fasta.h"
#include "fastain.h"
#include "proof.h"
#include "proofcheck.h"
#include "stream.h"
#include "taxon.h"
#include "view.h"

static const char *id_arg, *record_arg, *taxonomy_arg, *view_arg, *fasta_arg, *key_arg;
static struct casg_strs taxon_args;
static int present, absent, quiet, nul_ends;

static const char *const usage[] = {
	"[--fasta=FILE] [--key=KEY] [--present | --absent] [-q] [-z] "
	"(--version-id=ID | --version-record=FILE) PROOF",
	"[--taxon=ID]... [--fasta=FILE] [--key=KEY] [-q] [-z] "
	"(--view=ID | (--version-id=ID | --version-record=FILE) --taxonomy-id=ID) PROOF",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_STR, 0, "version-id", "ID", &id_arg, "the version it must be about" },
	{ CASG_OPT_STR, 0, "version-record", "FILE", &record_arg, "the same, by its VERSION" },
	{ CASG_OPT_STR, 0, "view", "ID", &view_arg,
	  "the view it must be about: sequences under a taxonomy" },
	{ CASG_OPT_STR, 0, "taxonomy-id", "ID", &taxonomy_arg,
	  "the same, with the version of the sequences: that of the taxonomy" },
	{ CASG_OPT_LIST, 0, "taxon", "ID", &taxon_args,
	  "each record must be of this taxon or a descendant, or of another one given" },
	{ CASG_OPT_STR, 0, "fasta", "FILE", &fasta_arg,
	  "FASTA that must hold exactly the records proved" },
	{ CASG_OPT_STR, 0, "key", "KEY", &key_arg, "the key it must be about" },
	{ CASG_OPT_FLAG, 0, "present", NULL, &present, "it must show a record" },
	{ CASG_OPT_FLAG, 0, "absent", NULL, &absent, "it must show that there is none" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet, "print nothing" },
	{ CASG_OPT_FLAG, 'z', "null", NULL, &nul_ends, "end lines with NUL and quote nothing" },
	{ .type = CASG_OPT_END }
};

static struct casg_err err;
static struct casg_hasher *hasher;
static struct casg_proof proof;

static int about_key(void)
{
	switch (proof.claim.kind) {
	case CASG_CLAIM_KEY:
	case CASG_CLAIM_HISTORY:
		return 1;
	case CASG_CLAIM_VIEW:
		return proof.claim.key != NULL;
	default:
		return 0;
	}
}

/* ---- the FASTA beside it ----------------------------------------------- */

/* The records that the version asked about was shown to hold, and the one read. */
struct match {
	const struct casg_entry *e;
	size_t n;
	uint8_t *seen;
	size_t nseen;
	struct casg_buf key, desc;
	struct casg_hasher *residues;
	const char *wrong;        /* with the record in hand */
	int refused;
};

static int fasta_facts(void *ctx, const struct casg_facts *f, struct casg_err *e)
{
	(void)ctx;
	(void)f;
	(void)e;
	return 0;
}

static int fasta_begin(void *ctx, const char *key, size_t klen, const char *desc, size_t dlen,
		       struct casg_err *e)
{
	struct match *m = ctx;

	casg_buf_reset(&m->key);
	casg_buf_reset(&m->desc);
	casg_buf_add(&m->key, key, klen);
	casg_buf_add(&m->desc, desc, dlen);
	casg_hasher_init(m->residues);
	return casg_buf_check(&m->key, e) ? CASG_ENOMEM : casg_buf_check(&m->desc, e);
}

static int fasta_residues(void *ctx, const uint8_t *p, size_t n, struct casg_err *e)
{
	struct match *m = ctx;

	(void)e;
	casg_hasher_update(m->residues, p, n);
	return 0;
}

static int cmp_key(const struct match *m, const struct casg_entry *e)
{
	return casg_key_cmp(e->key, e->klen, 0, m->key.len ? (const char *)m->key.data : "",
			    m->key.len, 0);
}

static int same_desc(const struct match *m, const struct casg_entry *e)
{
	struct casg_oid id;

	if (e->dlen != m->desc.len)
		return 0;
	if (e->desc)
		return !e->dlen || !memcmp(e->desc, m->desc.data, m->desc.len);
	casg_hasher_digest(hasher, m->desc.data, m->desc.len, &id);
	return casg_oid_eq(&id, &e->desc_blob);
}

/* Each record of the file is one of those proved, and none twice. */
static int fasta_end(void *ctx, uint64_t nresidues, const char *pres, size_t plen,
		     struct casg_err *e)
{
	struct match *m = ctx;
	size_t lo = 0, hi = m->n;
	struct casg_oid id;
	int same = 0;

	(void)pres;
	(void)plen;
	casg_hasher_final(m->residues, &id);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cmp_key(m, &m->e[mid]) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	m->wrong = "a record of the FASTA has a key that was not proved";
	for (; lo < m->n && !cmp_key(m, &m->e[lo]); lo++) {
		if (!same_desc(m, &m->e[lo])) {
			m->wrong = same ? m->wrong :
				"a record of the FASTA has another description";
			continue;
		}
		same = 1;
		m->wrong = "a record of the FASTA has other residues, or is there too often";
		if (m->seen[lo] || m->e[lo].length != nresidues || !casg_oid_eq(&id, &m->e[lo].oid))
			continue;
		m->seen[lo] = 1;
		m->nseen++;
		return 0;
	}
	m->refused = 1;
	return casg_err_set(e, CASG_EABSENT, "%s", m->wrong);
}

/* NULL, or why the file is not what was proved. */
static const char *check_fasta(void)
{
	const struct casg_proof_version *v = &proof.versions[0];
	struct match m = { .n = v->nproved, .residues = casg_hasher_new() };
	const struct casg_fasta_handler handler = {
		.ctx = &m, .facts = fasta_facts, .begin = fasta_begin,
		.residues = fasta_residues, .end = fasta_end,
	};
	int rc;

	m.seen = calloc(m.n + 1, 1);
	if (!m.seen || !m.residues)
		casg_die("out of memory");
	if (m.n)
		m.e = proof.entries + v->first_proved;
	rc = casg_fasta_from_files(&fasta_arg, 1, &handler, NULL, NULL, NULL, &err);
	if (rc && !m.refused)
		casg_die_err(&err);
	free(m.seen);
	casg_buf_release(&m.key);
	casg_buf_release(&m.desc);
	casg_hasher_free(m.residues);
	if (m.refused)
		return m.wrong;
	if (!m.n)
		return "no record was proved for the FASTA to hold";
	return m.nseen < m.n ? "the FASTA does not hold all records that were proved" : NULL;
}

/* ---- what was proved --------------------------------------------------- */

static struct casg_buf out;

static void end_line(void)
{
	casg_buf_addch(&out, nul_ends ? '\0' : '\n');
	if (out.failed)
		casg_die("out of memory");
	if (!quiet)
		casg_out(out.data, out.len);
	casg_buf_reset(&out);
}

static void begin_line(const char *what)
{
	casg_buf_addstr(&out, what);
	casg_buf_addch(&out, '\t');
}

static void key_line(const char *what, const char *key, size_t n)
{
	begin_line(what);
	casg_stream_key(&out, key, n, nul_ends);
	end_line();
}

static void record_line(const struct casg_entry *e)
{
	struct casg_buf taxon = CASG_BUF_INIT;
	struct casg_rec r = {
		.key = e->key, .klen = e->klen, .oid = e->oid, .length = e->length,
		.pres = "-", .plen = 1, .desc = e->desc, .dlen = (size_t)e->dlen,
	};

	if (!e->desc) {
		begin_line("long-record");
		casg_stream_key(&out, e->key, e->klen, nul_ends);
		casg_buf_addch(&out, '\t');
		casg_oid_addhex(&out, &e->oid);
		casg_buf_addf(&out, "\t%llu\t", (unsigned long long)e->length);
		casg_oid_addhex(&out, &e->desc_blob);
		casg_buf_addf(&out, "\t%llu", (unsigned long long)e->dlen);
		end_line();
		return;
	}
	begin_line("record");
	casg_taxon_declared(e->key, e->klen, e->desc, (size_t)e->dlen, &taxon);
	r.taxon = (const char *)taxon.data;
	r.tlen = taxon.len;
	if (taxon.failed || casg_rec_format(&out, &r, nul_ends))
		casg_die("out of memory");
	out.len--; /* its line end */
	end_line();
	casg_buf_release(&taxon);
}

static void version_line(const char *what, const struct casg_proof_version *v)
{
	char when[CASG_TIME_SIZE];

	begin_line(what);
	casg_oid_addhex(&out, &v->id);
	casg_buf_addf(&out, "\t%s\t%llu", casg_time_format(v->v.sequence_time, when),
		      (unsigned long long)v->v.count);
	end_line();
}

/* ---- and of what taxa ---------------------------------------------------- */

static struct casg_classified classified;

static void classify(size_t entry)
{
	if (casg_proof_classify(&proof, entry, &classified, &err))
		casg_die_err(&err);
}

/* TAB and an id as users know it, from its key form. */
static void add_id(const char *key)
{
	struct casg_buf id = CASG_BUF_INIT;

	if (casg_taxid_from_key(&id, key, strlen(key), &err))
		casg_die_err(&err);
	casg_buf_addch(&out, '\t');
	casg_stream_field(&out, (const char *)id.data, id.len, nul_ends);
	casg_buf_release(&id);
}

static void add_text(size_t at)
{
	const char *text = casg_classified_text(&classified, at);

	casg_buf_addch(&out, '\t');
	casg_stream_field(&out, text, strlen(text), nul_ends);
}

static void taxon_lines(const struct casg_class_taxon *t)
{
	static const char *const status[] = {
		[CASG_TAXON_UNKNOWN] = "unknown", [CASG_TAXON_FOUND] = "found",
		[CASG_TAXON_MERGED] = "merged", [CASG_TAXON_DELETED] = "deleted",
	};

	begin_line("taxon");
	casg_buf_addstr(&out, casg_taxon_source_name(classified.source));
	add_id(casg_classified_text(&classified, t->id));
	casg_buf_addf(&out, "\t%s", status[t->status]);
	end_line();
	for (size_t i = 0; i < t->n; i++) {
		const struct casg_class_step *s = &classified.steps[t->first + i];

		casg_buf_addstr(&out, "lineage");
		add_id(casg_classified_text(&classified, s->id));
		add_text(s->rank);
		add_text(s->name);
		end_line();
	}
}

static void taxa_lines(const struct casg_entry *e)
{
	classify((size_t)(e - proof.entries));
	for (size_t i = 0; i < classified.ntaxa; i++)
		taxon_lines(&classified.taxa[i]);
	if (!classified.ntaxa)
		key_line("no-taxon", e->key, e->klen);
}

/* Is one of the taxa of the record classified last this one, or below it? */
static int is_below(const char *key)
{
	for (size_t i = 0; i < classified.nsteps; i++)
		if (!strcmp(casg_classified_text(&classified, classified.steps[i].id), key))
			return 1;
	return 0;
}

/* ---- all of it ----------------------------------------------------------- */

static void show_version(const struct casg_proof_version *v)
{
	const struct casg_entry *e = proof.entries ? proof.entries + v->first_proved : NULL;

	version_line(v->nnodes ? "version" : "older", v);
	if (!v->nnodes)
		return;
	if (proof.claim.kind == CASG_CLAIM_VIEW)
		version_line("taxonomy", &proof.versions[1]);
	if (about_key() && !v->nproved)
		key_line("absent", proof.claim.key, proof.claim.klen);
	for (size_t i = 0; i < v->nproved; i++) {
		record_line(&e[i]);
		if (proof.claim.kind == CASG_CLAIM_VIEW)
			taxa_lines(&e[i]);
	}
	if (v->has_before)
		key_line("before", e[-1].key, e[-1].klen);
	if (v->has_after)
		key_line("after", e[v->nproved].key, e[v->nproved].klen);
}

/* In plain words, for people: lines that start with '#'. */
static void say(const char *what)
{
	casg_buf_addf(&out, "# %s", what);
	end_line();
}

static void view_lines(const struct casg_oid *id)
{
	const struct casg_proof_claim *c = &proof.claim;

	begin_line("claim\tview");
	for (uint64_t from = c->from; from; from >>= 8)
		casg_buf_addf(&out, "%s%s", casg_taxon_source_name(from & 0xff),
			      from >> 8 ? "," : "");
	casg_buf_addstr(&out, c->key ? "\tkey\t" : "\trecords");
	if (c->key)
		casg_stream_key(&out, c->key, c->klen, nul_ends);
	end_line();
	begin_line("view");
	casg_oid_addhex(&out, id);
	end_line();
}

/* 'id' is that of the version, or of the view. */
static void show(const struct casg_oid *id)
{
	static const char *const scope[] = {
		[CASG_CLAIM_KEY] = "verified: these are all records with the key in this "
				   "version",
		[CASG_CLAIM_RECORDS] = "verified: these records are in this version; nothing "
				       "is said of others",
		[CASG_CLAIM_SEQUENCE] = "verified: this record is in this version; others may "
					"have the sequence too",
		[CASG_CLAIM_CHUNK] = "verified: the chunk holds exactly these sequences, and "
				     "each is that of a record in this version",
		[CASG_CLAIM_HISTORY] = "verified: these are all records with the key in this "
				       "version and in each that it follows, but for "
				       "older ones",
		[CASG_CLAIM_VIEW] = "verified: these records are in this version, and under "
				    "this taxonomy their taxa have these lineages",
	};
	const struct casg_proof_claim *c = &proof.claim;
	char when[CASG_TIME_SIZE];

	say(c->kind == CASG_CLAIM_KEY && !proof.versions[0].nproved ?
	    "verified: there is no record with the key in this version" : scope[c->kind]);
	if (c->kind == CASG_CLAIM_VIEW)
		say(c->key ? "(no other record of the version has the key)" :
		    "(nothing is said of other records)");
	if (about_key() || c->kind == CASG_CLAIM_VIEW)
		say("(relied upon: the tree is sorted, which is checked where the data is)");
	switch (c->kind) {
	case CASG_CLAIM_RECORDS:
		casg_buf_addstr(&out, "claim\trecords");
		end_line();
		break;
	case CASG_CLAIM_SEQUENCE:
	case CASG_CLAIM_CHUNK:
		begin_line(c->kind == CASG_CLAIM_CHUNK ? "claim\tchunk" : "claim\tsequence");
		casg_oid_addhex(&out, &c->id);
		end_line();
		break;
	case CASG_CLAIM_HISTORY:
		casg_buf_addf(&out, "claim\thistory\t%s\t", casg_time_format(c->since, when));
		casg_stream_key(&out, c->key, c->klen, nul_ends);
		end_line();
		break;
	case CASG_CLAIM_KEY:
		key_line("claim\tkey", c->key, c->klen);
		break;
	case CASG_CLAIM_VIEW:
		view_lines(id);
		show_version(&proof.versions[0]);
		return;
	}
	for (size_t i = 0; i < proof.nversions; i++)
		show_version(&proof.versions[i]);
}

/* ---- what it must be about --------------------------------------------- */

static int is_key(const char *key, size_t n)
{
	return strlen(key_arg) == n && !memcmp(key_arg, key, n);
}

static int is_below_any(size_t entry, const struct casg_buf *keys)
{
	const char *key = (const char *)keys->data;

	classify(entry);
	for (size_t k = 0; k < taxon_args.n; k++, key += strlen(key) + 1)
		if (is_below(key))
			return 1;
	return 0;
}

/* NULL, or why not each record proved is of one of the taxa. */
static const char *check_taxa(void)
{
	const struct casg_proof_version *v = &proof.versions[0];
	struct casg_buf keys = CASG_BUF_INIT;
	const char *why = NULL;

	if (proof.claim.kind != CASG_CLAIM_VIEW)
		return "it says nothing of taxa";
	for (size_t k = 0; k < taxon_args.n; k++) {
		const char *id = taxon_args.v[k];

		if (casg_taxid_to_key(&keys, id, strlen(id), &err))
			casg_usage_die("'%s' cannot be a taxon", id);
		casg_buf_addch(&keys, 0);
	}
	if (casg_buf_check(&keys, &err))
		casg_die_err(&err);
	for (size_t i = 0; i < v->nproved && !why; i++)
		if (!is_below_any(v->first_proved + i, &keys))
			why = "a record is not of this taxon";
	casg_buf_release(&keys);
	return why;
}

/* NULL, or why the proof, though true, is not what was asked for. */
static const char *check_wanted(void)
{
	int found = key_arg && about_key() && is_key(proof.claim.key, proof.claim.klen);
	const struct casg_proof_version *v = &proof.versions[0];
	size_t nproved = 0;

	for (size_t i = 0; i < proof.nversions; i++)
		nproved += proof.versions[i].nproved;
	for (size_t i = 0; key_arg && !about_key() && !found && i < v->nproved; i++)
		found = is_key(proof.entries[v->first_proved + i].key,
			       proof.entries[v->first_proved + i].klen);
	if (key_arg && !found)
		return "it is not about this key";
	if (present && !v->nproved)
		return "it shows no record";
	if (absent && nproved)
		return "it shows a record";
	return taxon_args.n ? check_taxa() : NULL;
}

/* An id that an option gives; what it is of is for the message. */
static void parse_id(const char *arg, const char *what, struct casg_oid *id)
{
	if (casg_oid_parse(id, arg, strlen(arg)))
		casg_usage_die("'%s' is not a %s id (64 lower-case hex digits)", arg, what);
}

static void version_id(struct casg_oid *id)
{
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_version v;

	if (id_arg) {
		parse_id(id_arg, "version", id);
		return;
	}
	casg_cli_slurp(record_arg, CASG_VERSION_MAX_BYTES, &text);
	casg_version_init(&v);
	if (casg_version_decode(&v, text.data, text.len, &err)) {
		casg_err_prefix(&err, "'%s'", record_arg);
		casg_die_err(&err);
	}
	casg_hasher_digest(hasher, text.data, text.len, id);
	casg_version_release(&v);
	casg_buf_release(&text);
}

/* What the proof must be about: a version, or a view. */
static void wanted_id(struct casg_oid *id)
{
	struct casg_oid sequence, taxon;

	if (view_arg) {
		parse_id(view_arg, "view", id);
		return;
	}
	version_id(id);
	if (!taxonomy_arg)
		return;
	sequence = *id;
	parse_id(taxonomy_arg, "version", &taxon);
	if (casg_view_id(&sequence, &taxon, id, &err))
		casg_die_err(&err);
}

static void check_usage(const char *path)
{
	int nstdin = !strcmp(path, "-") + (fasta_arg && !strcmp(fasta_arg, "-")) +
		     (record_arg && !strcmp(record_arg, "-"));

	if (!!id_arg + !!record_arg + !!view_arg != 1)
		casg_usage_die("give one of --version-id, --version-record and --view");
	if (taxonomy_arg && view_arg)
		casg_usage_die("--view is that of both versions, and excludes --taxonomy-id");
	if (present && absent)
		casg_usage_die("--present and --absent exclude one another");
	if (nstdin > 1)
		casg_usage_die("standard input can be read once only");
}

/* NULL, or why it is not true of what was named. */
static const char *check(const struct casg_oid *id)
{
	int is_view = proof.claim.kind == CASG_CLAIM_VIEW, rc;

	if (is_view && !view_arg && !taxonomy_arg)
		return "it is about a view: name that with --view, or its taxonomy with "
		       "--taxonomy-id";
	if (!is_view && (view_arg || taxonomy_arg))
		return "it is about no view";
	rc = casg_proof_check(&proof, id, hasher, &err);
	if (rc < 0)
		casg_die_err(&err);
	return rc ? check_wanted() : err.msg;
}

static int run(int argc, char **argv)
{
	struct casg_buf text = CASG_BUF_INIT;
	const char *why = NULL;
	struct casg_oid id;

	(void)argc;
	check_usage(argv[0]);
	hasher = casg_hasher_new();
	if (!hasher)
		casg_die("out of memory");
	wanted_id(&id);
	casg_cli_slurp(argv[0], CASG_PROOF_MAX_BYTES, &text);
	casg_proof_init(&proof);
	if (casg_proof_decode(&proof, text.data, text.len, hasher, &err)) {
		casg_err_prefix(&err, "'%s'", argv[0]);
		casg_die_err(&err);
	}
	why = check(&id);
	if (!why && fasta_arg)
		why = check_fasta();
	if (why)
		casg_error("'%s' does not verify: %s", argv[0], why);
	else
		show(&id);
	casg_classified_release(&classified);
	casg_proof_release(&proof);
	casg_buf_release(&text);
	casg_buf_release(&out);
	casg_hasher_free(hasher);
	return why ? CASG_EXIT_NO : CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-verify-proof", usage, opts, 1, 1, run };
