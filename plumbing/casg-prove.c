/* casg-prove - prove what a version holds, or does not hold */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "asof.h"
#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "clisettings.h"
#include "cliwork.h"
#include "lines.h"
#include "lookup.h"
#include "oidset.h"
#include "prover.h"
#include "refs.h"
#include "treer.h"
#include "viewing.h"

static int inclusion, present, absent, from_stdin, nul_ends, quiet;
static const char *chunk_arg, *history_key, *since_arg, *threads, *memory;
static const char *as_of, *as_of_sequence, *as_of_taxonomy, *taxonomy, *taxon_from;

static const char *const usage[] = {
	"[--inclusion] [--present | --absent] [-q] [--as-of-sequence=T] [REV:]DATABASE KEY",
	"[--as-of-sequence=T] [REV:]DATABASE KEY KEY...",
	"--stdin [-z] [--as-of-sequence=T] [REV:]DATABASE",
	"--chunk=CHUNKID [--as-of-sequence=T] [REV:]DATABASE",
	"--history=KEY [--since=TIME] [--as-of-sequence=T] [REV:]DATABASE",
	"[-q] [--inclusion] (--as-of=T | [--as-of-sequence=T] [--as-of-taxonomy=T] "
	"[--taxonomy=[REV:]NAME]) [--taxon-from=LIST] [REV:]DATABASE KEY...",
	"[-q] --stdin [-z] (--as-of=T | [--as-of-sequence=T] [--as-of-taxonomy=T] "
	"[--taxonomy=[REV:]NAME]) [--taxon-from=LIST] [REV:]DATABASE",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 0, "inclusion", NULL, &inclusion,
	  "only that the records are in it, without neighbours" },
	{ CASG_OPT_FLAG, 0, "present", NULL, &present, "write nothing unless KEY is there" },
	{ CASG_OPT_FLAG, 0, "absent", NULL, &absent, "write nothing if KEY is there" },
	{ CASG_OPT_FLAG, 0, "stdin", NULL, &from_stdin, "read the KEYs from standard input" },
	{ CASG_OPT_FLAG, 'z', "null", NULL, &nul_ends, "with --stdin: keys end in NUL" },
	{ CASG_OPT_STR, 0, "chunk", "CHUNKID", &chunk_arg,
	  "that a chunk holds sequences of the version" },
	{ CASG_OPT_STR, 0, "history", "KEY", &history_key,
	  "the records with a key in each version up to this one" },
	{ CASG_OPT_STR, 0, "since", "TIME", &since_arg, "with --history: not in older ones" },
	{ CASG_OPT_STR, 0, "as-of-sequence", "T", &as_of_sequence,
	  "the version as of a time, release label or revision" },
	{ CASG_OPT_STR, 0, "as-of-taxonomy", "T", &as_of_taxonomy,
	  "and the taxa of the records under the taxonomy as of T" },
	{ CASG_OPT_STR, 0, "as-of", "T", &as_of, "both as of T" },
	{ CASG_OPT_STR, 0, "taxonomy", "[REV:]NAME", &taxonomy,
	  "and the taxa under this taxonomy" },
	{ CASG_OPT_STR, 0, "taxon-from", "LIST", &taxon_from,
	  "where taxa of records are from (default: casg.taxonFrom)" },
	{ CASG_OPT_FLAG, 'q', "quiet", NULL, &quiet,
	  "do not say that KEY is absent, nor which version was chosen" },
	{ CASG_OPT_STR, 0, "threads", "N", &threads, "workers; 0: one a processor" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;
static struct casg_prover prover;
static struct casg_version version;
static struct casg_viewing viewing;
static int has_view;         /* the taxa of the records are proved as well */
static struct casg_err err;

/* ---- what was asked for ------------------------------------------------ */

/* The keys of a request and, once found, their records. */
static struct casg_buf keys;
static struct request {
	size_t at, n;
	int found;
} *requests;
static size_t nrequests, cap_requests;

static uint64_t *ranks;
static size_t nranks, cap_ranks;

static void add_request(const char *key, size_t n)
{
	if (CASG_GROW(requests, nrequests + 1, cap_requests))
		casg_die("out of memory");
	requests[nrequests++] = (struct request){ keys.len, n, 0 };
	casg_buf_add(&keys, key, n);
	casg_buf_cstr(&keys);
	if (keys.failed)
		casg_die("out of memory");
}

static const char *key_of(const struct request *r)
{
	return (const char *)keys.data + r->at;
}

static void read_requests(void)
{
	struct casg_lines *l = casg_lines_open(0, nul_ends ? '\0' : '\n');
	const char *line;
	size_t n;
	int rc;

	if (!l)
		casg_die("out of memory");
	while ((rc = casg_lines_next(l, &line, &n, &err)) > 0)
		add_request(line, n);
	if (rc < 0)
		casg_die_err(&err);
	casg_lines_close(l);
}

/* That there is no record can be said of what could be a key. */
static void check_key(const char *key, size_t n)
{
	if (n > CASG_KEY_MAX || strlen(key) != n || strpbrk(key, " \t\n\v\f\r"))
		casg_die("'%.*s' cannot be a key", (int)(n < 200 ? n : 200), key);
}

/* ---- finding ----------------------------------------------------------- */

/* The key of the records found last, and whether they have more than one. */
static struct casg_buf found_key;
static int found_keys;

static int note_rank(void *tree, const struct casg_entry *e, const struct casg_loc *loc,
		     struct casg_err *e2)
{
	(void)loc;
	if (CASG_GROW(ranks, nranks + 1, cap_ranks))
		return casg_err_nomem(e2);
	ranks[nranks++] = casg_treer_rank(tree);
	if (!found_keys || found_key.len != e->klen ||
	    memcmp(found_key.data, e->key, e->klen)) {
		casg_buf_reset(&found_key);
		casg_buf_add(&found_key, e->key, e->klen);
		casg_buf_cstr(&found_key);
		found_keys++;
	}
	return casg_buf_check(&found_key, e2);
}

/* Only the first record with a sequence. */
struct first {
	struct casg_treer *tree;
	uint8_t *found;
};

static int note_sequence(void *ctx, size_t which, const struct casg_entry *e,
			 const struct casg_loc *loc, struct casg_err *e2)
{
	const struct first *f = ctx;

	if (f->found[which])
		return 0;
	f->found[which] = 1;
	return note_rank(f->tree, e, loc, e2);
}

/* By key, else by accession, in the order of the keys, so that nodes stay at hand. */
static int cmp_request(const void *a, const void *b)
{
	const struct request *x = &requests[*(const size_t *)a];
	const struct request *y = &requests[*(const size_t *)b];

	return casg_key_cmp(key_of(x), x->n, 0, key_of(y), y->n, 0);
}

static void find_keys(struct casg_treer *t)
{
	size_t *order = malloc(nrequests * sizeof(*order) + 1);
	int rc = 0;

	if (!order)
		casg_die("out of memory");
	for (size_t i = 0; i < nrequests; i++)
		order[i] = i;
	qsort(order, nrequests, sizeof(*order), cmp_request);
	for (size_t i = 0; rc >= 0 && i < nrequests; i++) {
		struct request *r = &requests[order[i]];

		rc = casg_lookup_key(t, key_of(r), r->n, note_rank, t, &err);
		if (!rc)
			rc = casg_lookup_accession(t, key_of(r), r->n, note_rank, t, &err);
		r->found = rc > 0;
	}
	if (rc < 0)
		casg_die_err(&err);
	free(order);
}

/* What is neither may be the id of a sequence: one walk for all of these. */
static void find_sequences(struct casg_treer *t)
{
	struct casg_oidset ids = CASG_OIDSET_INIT;
	struct first first = { t, NULL };
	struct casg_oid id;
	size_t k;

	for (size_t i = 0; i < nrequests; i++)
		if (!requests[i].found && !casg_oid_parse(&id, key_of(&requests[i]), requests[i].n) &&
		    casg_oidset_add(&ids, &id, &err) < 0)
			casg_die_err(&err);
	first.found = calloc(ids.n + 1, 1);
	if (!first.found)
		casg_die("out of memory");
	if (ids.n && casg_lookup_sequences(work.store, casg_work_coder(&work), t, ids.ids,
					   ids.n, note_sequence, &first, &err) < 0)
		casg_die_err(&err);
	for (size_t i = 0; i < nrequests; i++)
		if (!requests[i].found && !casg_oid_parse(&id, key_of(&requests[i]), requests[i].n) &&
		    casg_oidset_find(&ids, &id, &k))
			requests[i].found = first.found[k];
	free(first.found);
	casg_oidset_release(&ids);
}

static struct casg_treer *open_tree(void)
{
	struct casg_treer *t = casg_treer_open(work.store, casg_work_coder(&work),
					       &version.records, &err);

	if (!t)
		casg_die_err(&err);
	return t;
}

/* ---- proofs ------------------------------------------------------------ */

/* Writes what the prover made; its negative results end the program. */
static int deliver(int rc, struct casg_buf *out)
{
	if (rc < 0)
		casg_die_err(&err);
	if (!rc) {
		casg_error("%s", err.msg);
		return CASG_EXIT_NO;
	}
	casg_out(out->data, out->len);
	casg_buf_release(out);
	return CASG_EXIT_YES;
}

static int prove_key(const char *key, size_t n)
{
	struct casg_buf out = CASG_BUF_INIT;
	uint64_t count;
	int rc = casg_prove_key(&prover, &version, key, n, &out, &count, &err);

	if (rc < 0)
		casg_die_err(&err);
	if (count ? absent : present) {
		casg_error("'%.*s' is %s", (int)n, key, count ? "in there" : "not in there");
		return CASG_EXIT_NO;
	}
	if (!count && !quiet)
		casg_warn("no record has the key '%.*s': the proof says so", (int)n, key);
	return deliver(rc, &out);
}

/* What is proved of taxa, and by which sources. */
static struct casg_prove_view the_view(void)
{
	return (struct casg_prove_view){
		&version, &viewing.taxonomy.version, work.settings.taxon_from
	};
}

static int deliver_view(int rc, uint64_t nbare, struct casg_buf *out)
{
	if (rc > 0 && nbare && !quiet)
		casg_warn("%llu of the records have no taxon: the proof says so",
			  (unsigned long long)nbare);
	return deliver(rc, out);
}

static int prove_view_key(const char *key, size_t n)
{
	const struct casg_prove_view view = the_view();
	struct casg_buf out = CASG_BUF_INIT;
	uint64_t count = 0, nbare = 0;
	int rc = casg_prove_view_key(&prover, &view, key, n, &out, &count, &nbare, &err);

	if (rc > 0 && !count) {
		casg_error("'%.*s' is not in there", (int)n, key);
		return CASG_EXIT_NO;
	}
	return deliver_view(rc, nbare, &out);
}

static int prove_found(void)
{
	const struct casg_prove_view view = the_view();
	struct casg_buf out = CASG_BUF_INIT;
	uint64_t nbare = 0;
	int rc;

	if (has_view) {
		rc = casg_prove_view_records(&prover, &view, ranks, nranks, &out, &nbare, &err);
		return deliver_view(rc, nbare, &out);
	}
	return deliver(casg_prove_records(&prover, &version, ranks, nranks, &out, &err), &out);
}

/* One KEY: all there is to say of it. */
static int prove_one(void)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct request *r = &requests[0];
	struct casg_treer *t = open_tree();
	struct casg_oid id;
	int is_id = !casg_oid_parse(&id, key_of(r), r->n), by_key;

	find_keys(t);
	by_key = r->found;
	if (!by_key && !absent && is_id)
		find_sequences(t);
	casg_treer_free(t);
	if (r->found && absent) {
		casg_error("'%.*s' is in there", (int)r->n, key_of(r));
		return CASG_EXIT_NO;
	}
	if (!by_key && !absent && is_id && !r->found) {
		casg_error("no record has the key or the sequence '%.*s', and that a sequence is "
			   "absent cannot be proved", (int)r->n, key_of(r));
		return CASG_EXIT_NO;
	}
	if (!by_key && r->found && !inclusion && !has_view)
		return deliver(casg_prove_sequence(&prover, &version, &id, ranks[0], &out,
						   &err), &out);
	if (r->found && (inclusion || found_keys > 1 || !by_key))
		return prove_found();
	if (!r->found && (inclusion || has_view)) {
		casg_error("'%.*s' is not in there", (int)r->n, key_of(r));
		return CASG_EXIT_NO;
	}
	if (r->found && has_view)
		return prove_view_key((const char *)found_key.data, found_key.len);
	if (r->found)
		return prove_key((const char *)found_key.data, found_key.len);
	check_key(key_of(r), r->n);
	return prove_key(key_of(r), r->n);
}

/* Several: that each is there. */
static int prove_many(void)
{
	struct casg_treer *t = open_tree();
	int missing = 0;

	if (!nrequests)
		casg_die("no keys were given");
	find_keys(t);
	find_sequences(t);
	casg_treer_free(t);
	for (size_t i = 0; i < nrequests; i++) {
		if (requests[i].found)
			continue;
		missing = 1;
		casg_error("'%.*s' is not in there", (int)requests[i].n, key_of(&requests[i]));
	}
	return missing ? CASG_EXIT_NO : prove_found();
}

static int prove_chunk(void)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_oid id;

	if (casg_oid_parse(&id, chunk_arg, strlen(chunk_arg)))
		casg_usage_die("'%s' is not the id of a chunk", chunk_arg);
	return deliver(casg_prove_chunk(&prover, &version, &id, &out, &err), &out);
}

/* ---- history ----------------------------------------------------------- */

/* The VERSIONs of the database in the commits that REV follows. */
static struct casg_oidset texts_ids;
static struct casg_buf texts;
static size_t *text_at;          /* where each begins, and where the last ends */
static size_t cap_text_at;

static int note_text(void *ctx, const char *database, const uint8_t *text, size_t n,
		     struct casg_err *e)
{
	struct casg_oid id;
	int rc = casg_version_id(text, n, &id, e);

	(void)ctx;
	(void)database;
	if (!rc)
		rc = casg_oidset_add(&texts_ids, &id, e);
	if (rc <= 0)
		return rc;
	if (CASG_GROW(text_at, texts_ids.n + 1, cap_text_at))
		return casg_err_nomem(e);
	text_at[texts_ids.n - 1] = texts.len;
	casg_buf_add(&texts, text, n);
	text_at[texts_ids.n] = texts.len;
	return casg_buf_check(&texts, e);
}

static int get_text(void *ctx, const struct casg_oid *id, const char **text_out,
		    size_t *n_out, struct casg_err *e)
{
	char hex[CASG_OID_HEXSZ + 1];
	size_t i;

	(void)ctx;
	if (!casg_oidset_find(&texts_ids, id, &i))
		return casg_err_set(e, CASG_EABSENT,
				    "version %s, which a version of the history follows, is in "
				    "no commit of it", casg_oid_hex(id, hex));
	*text_out = (const char *)texts.data + text_at[i];
	*n_out = text_at[i + 1] - text_at[i];
	return 0;
}

static void read_history(const char *spec)
{
	struct casg_found found;
	struct casg_refs *refs;

	casg_found_init(&found);
	if (casg_refs_open(&refs, &work.repo, &err) ||
	    casg_refs_find(refs, spec, &found, &err) ||
	    casg_refs_each_version(refs, &found, note_text, NULL, &err))
		casg_die_err(&err);
	casg_found_release(&found);
	casg_refs_free(refs);
}

static int prove_history(const char *spec)
{
	struct casg_buf out = CASG_BUF_INIT;
	int64_t since = 0;
	struct casg_treer *t;
	const char *key;
	size_t n;

	/* the first moment that a version can be of */
	if (casg_time_parse_user(since_arg ? since_arg : "0001-01-01", &since, &err))
		casg_usage_die("%s", err.msg);
	check_key(history_key, strlen(history_key));
	read_history(spec);
	add_request(history_key, strlen(history_key));
	t = open_tree();
	find_keys(t);
	casg_treer_free(t);
	key = found_keys ? (const char *)found_key.data : history_key;
	n = found_keys ? found_key.len : strlen(history_key);
	if (found_keys > 1)
		casg_die("'%s' is the accession of several keys, name one of them", history_key);
	return deliver(casg_prove_history(&prover, &version, since, key, n, get_text, NULL,
					  &out, &err), &out);
}

/* Are the taxa of the records asked for? */
static int asks_view(void)
{
	return as_of || as_of_taxonomy || taxonomy;
}

static void check_usage(int argc)
{
	int whole = !!chunk_arg + !!history_key + from_stdin;
	int view = asks_view();

	if (whole > 1)
		casg_usage_die("--stdin, --chunk and --history exclude one another");
	if (whole && argc > 1)
		casg_usage_die("a KEY beside --stdin, --chunk or --history");
	if (!whole && argc < 2)
		casg_usage_die("no key given");
	if (since_arg && !history_key)
		casg_usage_die("--since needs --history");
	if (nul_ends && !from_stdin)
		casg_usage_die("-z needs --stdin");
	if (as_of && (as_of_sequence || as_of_taxonomy))
		casg_usage_die("--as-of says both, and excludes --as-of-sequence and --as-of-taxonomy");
	if (view && (chunk_arg || history_key || present || absent))
		casg_usage_die("--as-of, --as-of-taxonomy and --taxonomy are for the taxa of records "
			       "with a KEY");
	if (taxon_from && !view)
		casg_usage_die("--taxon-from needs --as-of, --as-of-taxonomy or --taxonomy");
	if ((inclusion || present || absent || (quiet && !as_of_sequence && !view)) && argc != 2)
		casg_usage_die("--inclusion, --present, --absent and -q are for one KEY");
	if (absent && (present || inclusion))
		casg_usage_die("--absent excludes --present and --inclusion");
}

/* Tell people which version, or view, it is. */
static void say_chosen(void)
{
	struct casg_buf text = CASG_BUF_INIT;

	if (viewing.has_taxonomy) {
		casg_buf_addstr(&text, "view ");
		casg_oid_addhex(&text, &viewing.id);
		casg_buf_addstr(&text, ": ");
	}
	casg_buf_addstr(&text, "sequence ");
	casg_asof_describe(&text, &viewing.sequence.id, &viewing.sequence.version);
	if (viewing.has_taxonomy) {
		casg_buf_addstr(&text, ", taxonomy ");
		casg_asof_describe(&text, &viewing.taxonomy.id, &viewing.taxonomy.version);
	}
	if (casg_buf_check(&text, &err))
		casg_die_err(&err);
	fprintf(stderr, "%s\n", casg_buf_cstr(&text));
	casg_buf_release(&text);
}

/* COMMIT:DATABASE of the version of the sequences that the options mean. */
static const char *choose_version(const char *spec)
{
	static struct casg_buf chosen;
	const struct casg_viewing_query q = {
		.spec = spec,
		.as_of_sequence = as_of ? as_of : as_of_sequence,
		.as_of_taxonomy = as_of ? as_of : as_of_taxonomy,
		.taxonomy = taxonomy,
		.if_any = as_of != NULL,
	};
	struct casg_refs *refs;

	casg_asof_found_init(&viewing.sequence);
	casg_asof_found_init(&viewing.taxonomy);
	/* of a taxonomy, too, records can be proved */
	if (casg_refs_open(&refs, &work.repo, &err) ||
	    (asks_view() ? casg_viewing_find(refs, &work.repo, &q, &viewing, &err) :
	     casg_asof_find(refs, &work.repo, spec, as_of_sequence, &viewing.sequence, &err)))
		casg_die_err(&err);
	has_view = viewing.has_taxonomy;
	casg_buf_addf(&chosen, "%s:%s", viewing.sequence.commit,
		      casg_buf_cstr(&viewing.sequence.database));
	if (casg_buf_check(&chosen, &err))
		casg_die_err(&err);
	if (!quiet)
		say_chosen();
	casg_refs_free(refs);
	return casg_buf_cstr(&chosen);
}

static int run(int argc, char **argv)
{
	const char *spec = argv[0];
	int rc;

	check_usage(argc);
	for (int i = 1; i < argc; i++)
		add_request(argv[i], strlen(argv[i]));
	if (argc == 2 && !threads && !memory && !asks_view())
		casg_work_open_quick(&work, (uint64_t)16 << 20);
	else
		casg_work_open(&work, threads, memory, (uint64_t)48 << 20);
	if (as_of_sequence || asks_view())
		spec = choose_version(spec);
	casg_cli_setting(&work.settings, "casg.taxonFrom", "--taxon-from", taxon_from);
	casg_cli_resolve(&work.repo, spec, &version, NULL);
	prover = (struct casg_prover){
		work.store, work.pool, work.coders, work.settings.memory / 6
	};
	if (from_stdin)
		read_requests();
	if (chunk_arg)
		rc = prove_chunk();
	else if (history_key)
		rc = prove_history(spec);
	else if (from_stdin || nrequests > 1)
		rc = prove_many();
	else
		rc = prove_one();
	casg_version_release(&version);
	if (as_of_sequence || asks_view())
		casg_viewing_release(&viewing);
	casg_work_close(&work);
	return rc;
}

const struct casg_cmd casg_cmd = { "casg-prove", usage, opts, 1, -1, run };
