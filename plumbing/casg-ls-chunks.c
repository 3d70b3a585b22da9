/* casg-ls-chunks - list the chunks of packs, or those that a version needs */
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "buf.h"
#include "cli.h"
#include "cliwork.h"
#include "deltas.h"
#include "packwalk.h"
#include "reach.h"
#include "reads.h"
#include "taxon.h"
#include "treer.h"

static int nul_ends, longer, show_reads, with_base, without_base, show_deltas, show_scripts;
static const char *kind_arg, *sort_arg, *sequence_arg, *reference_arg;
static uint64_t min_size, max_size = UINT64_MAX, limit = UINT64_MAX;
static struct casg_strs taxa;

static const char *const usage[] = {
	"[-z] [-l] [--reads] [--kind=KIND] [--min-size=SIZE] [--max-size=SIZE] "
	"[--with-base | --without-base] [--sort=KEY] [--limit=N] [PACK | [REV:]DATABASE]...",
	"--taxon=ID... [-z] [-l] [--reads] [--min-size=SIZE] [--max-size=SIZE] "
	"[--sort=KEY] [--limit=N] [REV:]DATABASE...",
	"--deltas | --scripts [-z] [--sequence=ID] [--reference=ID] [PACK | [REV:]DATABASE]...",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_FLAG, 'z', NULL, NULL, &nul_ends, "end lines with NUL" },
	{ CASG_OPT_FLAG, 'l', NULL, NULL, &longer,
	  "number of the chunk and its byte offset as well" },
	{ CASG_OPT_FLAG, 0, "reads", NULL, &show_reads, "how often it was read as well" },
	{ CASG_OPT_STR, 0, "kind", "KIND", &kind_arg,
	  "only sequences, lists, nodes, blobs, refs or orders" },
	{ CASG_OPT_LIST, 0, "taxon", "ID", &taxa,
	  "only those with sequences of records that declare this taxon" },
	{ CASG_OPT_SIZE, 0, "min-size", "SIZE", &min_size, "only those that take so much in the pack" },
	{ CASG_OPT_SIZE, 0, "max-size", "SIZE", &max_size, "only those that take no more" },
	{ CASG_OPT_FLAG, 0, "with-base", NULL, &with_base,
	  "only those with members stored as differences from others" },
	{ CASG_OPT_FLAG, 0, "without-base", NULL, &without_base, "only the others" },
	{ CASG_OPT_STR, 0, "sort", "KEY", &sort_arg, "by size or reads, the largest first" },
	{ CASG_OPT_U64, 0, "limit", "N", &limit, "no more than N lines" },
	{ CASG_OPT_FLAG, 0, "deltas", NULL, &show_deltas,
	  "which sequences are stored by which others" },
	{ CASG_OPT_FLAG, 0, "scripts", NULL, &show_scripts, "the edit scripts themselves" },
	{ CASG_OPT_STR, 0, "sequence", "ID", &sequence_arg, "only how this sequence is stored" },
	{ CASG_OPT_STR, 0, "reference", "ID", &reference_arg,
	  "only what is stored by this sequence" },
	{ .type = CASG_OPT_END }
};

static struct casg_work work;
static int only_kind;
static struct casg_reads *reads;

struct row {
	uint64_t key;     /* sorted by this, descending */
	uint32_t pack, chunk;
	size_t number;    /* then in the order they came */
};

static struct row *rows;
static size_t nrows, cap_rows;
static uint64_t nprinted;

static void add_number(struct casg_buf *b, uint64_t v)
{
	casg_buf_addch(b, '\t');
	casg_buf_add_u64(b, v);
}

static void read_entry(uint32_t pack, uint32_t chunk, struct casg_idx_chunk *c)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_packidx_chunk(casg_store_idx(work.store, pack), chunk, c, &err)) {
		casg_err_prefix(&err, "index of '%s'", casg_store_pack_path(work.store, pack));
		casg_out_flush();
		casg_die_err(&err);
	}
}

static void print_chunk(uint32_t pack, uint32_t chunk, struct casg_buf *b)
{
	struct casg_idx_chunk c;

	read_entry(pack, chunk, &c);
	casg_buf_reset(b);
	casg_oid_addhex(b, &c.id);
	casg_buf_addch(b, '\t');
	casg_buf_addstr(b, casg_chunk_kind_name(c.kind));
	add_number(b, c.nmembers);
	add_number(b, c.nraw);
	add_number(b, c.nbytes);
	casg_buf_addch(b, '\t');
	casg_oid_addhex(b, &casg_store_idx(work.store, pack)->pack_id);
	if (longer) {
		add_number(b, chunk);
		add_number(b, c.offset);
	}
	if (show_reads)
		add_number(b, casg_reads_of(reads, &c.id));
	casg_buf_addch(b, nul_ends ? '\0' : '\n');
	if (b->failed)
		casg_die("out of memory");
	casg_out(b->data, b->len);
}

/* ---- deltas -------------------------------------------------------------- */

/* What of the sequence under way is stored by one reference. */
struct pair {
	struct casg_oid reference;
	int literal;           /* no reference: it is stored here */
	uint64_t n, nsubst;
};

static struct casg_deltas *deltas;
static struct casg_oid only_sequence, only_reference;
static struct casg_oid pair_id;
static struct pair *pairs;
static size_t npairs, cap_pairs;
static uint32_t pair_pack;

static void end_line(struct casg_buf *b)
{
	casg_buf_addch(b, nul_ends ? '\0' : '\n');
	if (b->failed)
		casg_die("out of memory");
	casg_out(b->data, b->len);
	casg_buf_release(b);
}

static int is_meant(const struct casg_oid *id, const struct casg_oid *reference)
{
	return (!sequence_arg || casg_oid_eq(id, &only_sequence)) &&
	       (!reference_arg || (reference && casg_oid_eq(reference, &only_reference)));
}

static void print_script(const struct casg_delta *d)
{
	struct casg_buf b = CASG_BUF_INIT;

	if (!is_meant(d->id, d->reference))
		return;
	casg_oid_addhex(&b, d->id);
	add_number(&b, d->at);
	add_number(&b, d->n);
	casg_buf_addstr(&b, d->literal ? "\tliteral\t" : d->substitution ? "\tsubstitute\t" :
			"\tcopy\t");
	if (d->reference) {
		casg_oid_addhex(&b, d->reference);
		add_number(&b, d->from);
		casg_buf_addstr(&b, d->reverse ? "\t-" : "\t+");
	} else {
		casg_buf_addstr(&b, "-\t-\t-");
	}
	end_line(&b);
}

static void print_pairs(void)
{
	for (size_t i = 0; i < npairs; i++) {
		const struct pair *p = &pairs[i];
		struct casg_buf b = CASG_BUF_INIT;

		if (!is_meant(&pair_id, p->literal ? NULL : &p->reference))
			continue;
		casg_oid_addhex(&b, &pair_id);
		casg_buf_addch(&b, '\t');
		if (p->literal)
			casg_buf_addch(&b, '-');
		else
			casg_oid_addhex(&b, &p->reference);
		add_number(&b, p->n);
		add_number(&b, p->nsubst);
		casg_buf_addch(&b, '\t');
		casg_oid_addhex(&b, &casg_store_idx(work.store, pair_pack)->pack_id);
		end_line(&b);
	}
	npairs = 0;
}

static int note_delta(void *ctx, const struct casg_delta *d, struct casg_err *err)
{
	struct pair *p;
	size_t i = 0;

	(void)ctx;
	(void)err;
	if (show_scripts) {
		print_script(d);
		return 0;
	}
	if (npairs && !casg_oid_eq(&pair_id, d->id))
		print_pairs();
	pair_id = *d->id;
	/* a base that stands for what no sequence has is counted with what is here */
	while (i < npairs && (d->reference ? pairs[i].literal ||
			      !casg_oid_eq(&pairs[i].reference, d->reference) : !pairs[i].literal))
		i++;
	if (i == npairs) {
		if (CASG_GROW(pairs, npairs + 1, cap_pairs))
			casg_die("out of memory");
		pairs[npairs++] = (struct pair){ .literal = !d->reference };
		if (d->reference)
			pairs[i].reference = *d->reference;
	}
	p = &pairs[i];
	p->n += d->n;
	p->nsubst += (uint64_t)d->substitution;
	return 0;
}

static void print_deltas(uint32_t pack, uint32_t chunk)
{
	struct casg_err err = CASG_ERR_INIT;

	pair_pack = pack;
	if (casg_deltas_each(deltas, pack, chunk, note_delta, NULL, &err)) {
		casg_out_flush();
		casg_die_err(&err);
	}
	print_pairs();
}

/* ---- choosing ------------------------------------------------------------ */

/* Does a member rest on another object? */
static int has_base(const struct casg_idx_chunk *c)
{
	return c->kind == CASG_CHUNK_ORDER || casg_layout_is_matched(c->layout) ||
	       (c->kind == CASG_CHUNK_NODE && (c->layout == CASG_LAYOUT_LINKED ||
					       c->layout == CASG_LAYOUT_LINKED_OUT));
}

static int is_asked(const struct casg_idx_chunk *c)
{
	return (!only_kind || c->kind == only_kind) && c->nbytes >= min_size &&
	       c->nbytes <= max_size && (!with_base || has_base(c)) &&
	       (!without_base || !has_base(c));
}

static void add_row(uint32_t pack, uint32_t chunk, const struct casg_idx_chunk *c)
{
	if (CASG_GROW(rows, nrows + 1, cap_rows))
		casg_die("out of memory");
	rows[nrows] = (struct row){
		.key = *sort_arg == 's' ? c->nbytes : casg_reads_of(reads, &c->id),
		.pack = pack, .chunk = chunk, .number = nrows,
	};
	nrows++;
}

/* needed: a flag a chunk; NULL: all */
static void list_pack(uint32_t pack, const uint8_t *needed)
{
	uint32_t nchunks = casg_store_idx(work.store, pack)->nchunks;
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_idx_chunk c;

	for (uint32_t i = 0; i < nchunks; i++) {
		read_entry(pack, i, &c);
		if ((needed && !needed[i]) || !is_asked(&c))
			continue;
		if (deltas)
			print_deltas(pack, i);
		else if (sort_arg)
			add_row(pack, i, &c);
		else if (nprinted++ < limit)
			print_chunk(pack, i, &b);
	}
	casg_buf_release(&b);
}

static int cmp_row(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void list_rows(void)
{
	struct casg_buf b = CASG_BUF_INIT;

	if (nrows)
		qsort(rows, nrows, sizeof(*rows), cmp_row);
	for (size_t i = 0; i < nrows && i < limit; i++)
		print_chunk(rows[i].pack, rows[i].chunk, &b);
	casg_buf_release(&b);
	free(rows);
}

/* A pack by its id, or by the name of its file or of its index; 0: no such name. */
static int find_pack(const char *name, uint32_t *pack)
{
	struct casg_oid id;

	if (casg_oid_parse(&id, name, strlen(name)) && !casg_packwalk_name(name, &id))
		return 0;
	if (!casg_store_find_pack(work.store, &id, pack))
		casg_die("pack '%s' is not in this repository", name);
	return 1;
}

static int mark(void *ctx, uint32_t pack, uint32_t chunk, struct casg_err *err)
{
	uint8_t **needed = ctx;

	if (!needed[pack])
		needed[pack] = calloc(casg_store_idx(work.store, pack)->nchunks + 1u, 1);
	if (!needed[pack])
		return casg_err_nomem(err);
	if (!needed[pack][chunk])
		needed[pack][chunk] = 1;
	return 0;
}

static int is_taxon(const char *id, size_t n)
{
	for (size_t i = 0; i < taxa.n; i++)
		if (strlen(taxa.v[i]) == n && !memcmp(taxa.v[i], id, n))
			return 1;
	return 0;
}

static int declares_taxon(const struct casg_entry *e, struct casg_buf *b)
{
	const char *p;
	size_t n;

	casg_buf_reset(b);
	if (casg_taxon_declared(e->key, e->klen, e->desc, (size_t)e->dlen, b))
		casg_die("out of memory");
	for (p = casg_buf_cstr(b); *p; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (is_taxon(p, n))
			return 1;
	}
	return 0;
}

/* A chunk, and those that it needs to be decoded. */
static int mark_needed(uint8_t **needed, uint32_t pack, uint32_t chunk, struct casg_err *err)
{
	int rc;

	if (needed[pack] && needed[pack][chunk] == 2)
		return 0;
	rc = mark(needed, pack, chunk, err);
	if (!rc)
		rc = casg_reach_needs(work.store, casg_work_coder(&work), pack, chunk, mark, needed,
				      err);
	if (!rc)
		needed[pack][chunk] = 2; /* with what it needs */
	return rc;
}

/* Where a sequence lies, with its list if it has one. */
static int mark_sequence(uint8_t **needed, const struct casg_loc *loc, struct casg_err *err)
{
	struct casg_object o;
	int rc = casg_store_object(work.store, casg_work_coder(&work), loc, &o, err);

	if (rc)
		return rc;
	rc = mark_needed(needed, loc->pack, loc->chunk, err);
	for (size_t i = 0; i < o.npieces && !rc; i++)
		rc = mark_needed(needed, o.pieces[i].pack, o.pieces[i].chunk, err);
	casg_object_release(&o);
	return rc;
}

static int mark_taxa(const struct casg_roots *roots, uint8_t **needed, struct casg_err *err)
{
	struct casg_treer *t = casg_treer_open(work.store, casg_work_coder(&work),
					       &roots->records, err);
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_entry e;
	struct casg_loc loc;
	int rc = t ? 1 : err->code;

	while (rc > 0 && (rc = casg_treer_next(t, &e, &loc, err)) > 0)
		if (declares_taxon(&e, &b)) {
			rc = mark_sequence(needed, &loc, err);
			rc = rc ? rc : 1;
		}
	casg_treer_free(t);
	casg_buf_release(&b);
	return rc;
}

static void list_version(const char *spec)
{
	uint32_t npacks = casg_store_npacks(work.store);
	uint8_t **needed = calloc(npacks + 1u, sizeof(*needed));
	struct casg_err err = CASG_ERR_INIT;
	struct casg_version version;
	struct casg_roots roots;

	if (!needed)
		casg_die("out of memory");
	casg_work_version(&work, spec, &version, &roots);
	if (taxa.n ? mark_taxa(&roots, needed, &err)
		   : casg_reach_chunks(work.store, casg_work_coder(&work), &roots, mark, needed,
				       &err))
		casg_die_err(&err);
	for (uint32_t p = 0; p < npacks; p++) {
		if (needed[p])
			list_pack(p, needed[p]);
		free(needed[p]);
	}
	free(needed);
	casg_version_release(&version);
}

static void parse_kind(void)
{
	if (!kind_arg)
		return;
	for (only_kind = CASG_CHUNK_SEQ; only_kind <= CASG_CHUNK_KIND_MAX; only_kind++)
		if (!strcmp(kind_arg, casg_chunk_kind_name(only_kind)))
			return;
	casg_usage_die("unknown kind '%s'", kind_arg);
}

static void parse_id(const char *option, const char *text, struct casg_oid *out)
{
	if (text && casg_oid_parse(out, text, strlen(text)))
		casg_usage_die("bad value '%s' of %s: wanted the SHA-256 of a sequence", text, option);
}

static void check_options(int argc)
{
	parse_kind();
	if (sort_arg && strcmp(sort_arg, "size") && strcmp(sort_arg, "reads"))
		casg_usage_die("bad value '%s' of --sort: wanted size or reads", sort_arg);
	if (with_base && without_base)
		casg_usage_die("--with-base does not go with --without-base");
	if (taxa.n && !argc)
		casg_usage_die("--taxon needs a database");
	if (taxa.n && (kind_arg || with_base || without_base))
		casg_usage_die("--taxon does not go with --kind, --with-base and --without-base");
	if ((sequence_arg || reference_arg) && !show_deltas && !show_scripts)
		casg_usage_die("--sequence and --reference need --deltas or --scripts");
	if ((show_deltas || show_scripts) &&
	    (show_deltas + show_scripts > 1 || longer || show_reads || kind_arg || taxa.n || min_size ||
	     max_size != UINT64_MAX || with_base || without_base || sort_arg || limit != UINT64_MAX))
		casg_usage_die("--deltas and --scripts go with -z, --sequence and --reference only");
	parse_id("--sequence", sequence_arg, &only_sequence);
	parse_id("--reference", reference_arg, &only_reference);
}

static void read_reads(void)
{
	struct casg_buf path = CASG_BUF_INIT;

	reads = casg_reads_load(casg_work_reads_path(&work, &path));
	if (!reads)
		casg_die("out of memory");
	casg_buf_release(&path);
}

static int run(int argc, char **argv)
{
	check_options(argc);
	casg_work_open_quick(&work, (uint64_t)16 << 20);
	read_reads();
	if (show_deltas || show_scripts)
		deltas = casg_deltas_new(work.store, casg_work_coder(&work));
	if ((show_deltas || show_scripts) && !deltas)
		casg_die("out of memory");
	for (int i = 0; i < argc; i++) {
		uint32_t pack;

		if (!find_pack(argv[i], &pack))
			list_version(argv[i]);
		else if (taxa.n)
			casg_usage_die("--taxon needs a database, and '%s' is a pack", argv[i]);
		else
			list_pack(pack, NULL);
	}
	for (uint32_t p = 0; !argc && p < casg_store_npacks(work.store); p++)
		if (!casg_store_quarantined(work.store, p))
			list_pack(p, NULL);
	if (sort_arg)
		list_rows();
	casg_deltas_free(deltas);
	free(pairs);
	casg_reads_free(reads);
	casg_work_close(&work);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-ls-chunks", usage, opts, 0, -1, run };
