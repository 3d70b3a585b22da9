/* casg-taxdump - a taxonomy, or what a database needs of it, as NCBI's dump files */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli.h"
#include "clirepo.h"
#include "clitaxon.h"
#include "cliwork.h"
#include "extsort.h"
#include "io.h"
#include "taxnumber.h"
#include "taxrec.h"
#include "tmpfile.h"
#include "treer.h"

static const char *memory, *output = ".", *taxon_from;
static struct casg_strs databases;

static const char *const usage[] = {
	"[--database=[REV:]DATABASE]... [--taxon-from=LIST] [-o DIR] [--memory=SIZE] [[REV:]NAME]",
	NULL
};

static const struct casg_opt opts[] = {
	{ CASG_OPT_LIST, 'd', "database", "[REV:]DATABASE", &databases,
	  "only the taxa of its records, and all above them; again for more" },
	{ CASG_OPT_STR, 0, "taxon-from", "LIST", &taxon_from,
	  "where taxa of records are from (default: casg.taxonFrom)" },
	{ CASG_OPT_STR, 'o', "output", "DIR", &output,
	  "where the files go (default: the current directory)" },
	{ CASG_OPT_STR, 0, "memory", "SIZE", &memory, "memory to use, as 256m" },
	{ .type = CASG_OPT_END }
};

enum file { NODES, NAMES, MERGED, DELETED, NFILES };

static const char *const file_names[NFILES] = {
	"nodes.dmp", "names.dmp", "merged.dmp", "delnodes.dmp"
};

struct job {
	struct casg_work w;
	struct casg_cli_taxon tax;
	struct casg_taxnumber *numbers;
	struct casg_treer *tree;
	uint8_t *wanted;               /* a flag a taxon; NULL: all */
	struct casg_extsort *deleted;  /* deleted ids of records, each with a NUL */
	struct casg_tmpfile files[NFILES];
	struct casg_buf text[NFILES];
	struct casg_buf id;
};

static void die(struct job *j, const struct casg_err *err)
{
	for (int i = 0; i < NFILES; i++)
		casg_tmpfile_abandon(&j->files[i]);
	casg_die_err(err);
}

/* ---- files --------------------------------------------------------------- */

static void create(struct job *j)
{
	struct casg_err err = CASG_ERR_INIT;

	if (casg_mkdir_p(output, &err))
		casg_die_err(&err);
	for (int i = 0; i < NFILES; i++) {
		j->files[i] = (struct casg_tmpfile)CASG_TMPFILE_INIT;
		if (casg_tmpfile_create(&j->files[i], output, "taxdump", &err))
			die(j, &err);
		j->files[i].mode_or = 0200;
	}
}

static void flush(struct job *j, enum file f, size_t at_least)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf *b = &j->text[f];

	if (casg_buf_check(b, &err))
		die(j, &err);
	if (b->len < at_least)
		return;
	if (casg_write_full(j->files[f].fd, b->data, b->len, &err))
		die(j, &err);
	casg_buf_reset(b);
}

static void commit(struct job *j)
{
	struct casg_buf path = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	for (int i = 0; i < NFILES; i++)
		flush(j, i, 0);
	for (int i = 0; i < NFILES; i++) {
		casg_buf_reset(&path);
		casg_buf_addf(&path, "%s/%s", output, file_names[i]);
		if (casg_tmpfile_commit_replace(&j->files[i], casg_buf_cstr(&path), &err))
			die(j, &err);
		casg_buf_release(&j->text[i]);
	}
	casg_buf_release(&path);
}

/* ---- lines --------------------------------------------------------------- */

static void put(struct casg_buf *b, const struct casg_taxstr *s)
{
	casg_buf_addstr(b, "\t|\t");
	casg_buf_add(b, s->p, s->n);
}

static void end_line(struct job *j, enum file f)
{
	casg_buf_addstr(&j->text[f], "\t|\n");
	flush(j, f, (size_t)1 << 18);
}

static uint32_t number(struct job *j, uint32_t taxon)
{
	struct casg_err err = CASG_ERR_INIT;
	uint32_t n;

	if (casg_taxnumber_of(j->numbers, taxon, &n, &err))
		die(j, &err);
	return n;
}

/* The number of an id in key form, which is a taxon's. */
static uint32_t number_of_key(struct job *j, const struct casg_taxstr *key)
{
	struct casg_err err = CASG_ERR_INIT;
	uint32_t n = casg_taxnumber_parse(key->p, key->n), taxon;

	if (n)
		return n;
	casg_buf_reset(&j->id);
	if (casg_taxid_from_key(&j->id, key->p, key->n, &err))
		die(j, &err);
	casg_cli_taxon_find(&j->tax, casg_buf_cstr(&j->id), &taxon);
	if (taxon == CASG_TAXON_NONE) {
		casg_err_set(&err, CASG_ECORRUPT, "'%s' is no taxon", casg_buf_cstr(&j->id));
		die(j, &err);
	}
	return number(j, taxon);
}

static void put_name(struct job *j, uint32_t id, const struct casg_taxname *name)
{
	casg_buf_add_u64(&j->text[NAMES], id);
	put(&j->text[NAMES], &name->name);
	put(&j->text[NAMES], &name->unique);
	put(&j->text[NAMES], &name->cls);
	end_line(j, NAMES);
}

/* The columns from the fourth on; tools want them, so there are some always. */
static void put_rest(struct casg_buf *b, const struct casg_taxstr *rest)
{
	static const char unknown[] = "|8|0|1|0|0|0|0|0|";
	const char *p = rest->n ? rest->p : unknown;
	size_t n = rest->n ? rest->n : sizeof(unknown) - 1;

	casg_buf_addstr(b, "\t|\t");
	for (size_t i = 0; i < n; i++)
		if (p[i] == '|')
			casg_buf_addstr(b, "\t|\t");
		else
			casg_buf_addch(b, p[i]);
}

static void put_node(struct job *j, const struct casg_taxstr *key, const struct casg_taxrec *r)
{
	struct casg_taxname name = { { "scientific name", 15 }, r->name, r->unique };
	struct casg_taxstr at = r->others;
	struct casg_buf *b = &j->text[NODES];
	uint32_t id = number_of_key(j, key), parent;
	int is_root = !casg_taxstr_cmp(key, &r->parent);

	parent = is_root && casg_taxnumber_adds_root(j->numbers, NULL) > 0 ? 1 :
		 number_of_key(j, &r->parent);
	casg_buf_add_u64(b, id);
	casg_buf_addstr(b, "\t|\t");
	casg_buf_add_u64(b, parent);
	put(b, &r->rank);
	put_rest(b, &r->rest);
	end_line(j, NODES);
	put_name(j, id, &name);
	while (casg_taxrec_next_name(&at, &name))
		put_name(j, id, &name);
}

/* Above several roots that have names for ids: tools want one, number 1. */
static void put_added_root(struct job *j)
{
	struct casg_err err = CASG_ERR_INIT;
	int adds = casg_taxnumber_adds_root(j->numbers, &err);

	if (adds < 0)
		die(j, &err);
	if (!adds)
		return;
	casg_buf_addstr(&j->text[NODES], "1\t|\t1\t|\tno rank");
	put_rest(&j->text[NODES], &(struct casg_taxstr){ NULL, 0 });
	end_line(j, NODES);
	casg_buf_addstr(&j->text[NAMES], "1\t|\troot\t|\t\t|\tscientific name");
	end_line(j, NAMES);
}

/* ---- which taxa ---------------------------------------------------------- */

static void want(struct job *j, const char *id)
{
	struct casg_err err = CASG_ERR_INIT;
	uint32_t taxon;
	int status = casg_cli_taxon_find(&j->tax, id, &taxon);

	if (status == CASG_TAXON_DELETED &&
	    casg_extsort_add(j->deleted, id, strlen(id) + 1, &err))
		die(j, &err);
	while (taxon != CASG_TAXON_NONE && !j->wanted[taxon]) {
		j->wanted[taxon] = 1;
		taxon = casg_cli_taxon_info(&j->tax, taxon).parent;
	}
}

static void want_records(struct job *j, const struct casg_oid *root)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_treer *t = casg_treer_open(j->w.store, casg_work_coder(&j->w), root, &err);
	struct casg_buf ids = CASG_BUF_INIT;
	struct casg_entry e;
	struct casg_loc loc;
	int rc = 0;

	while (t && (rc = casg_treer_next(t, &e, &loc, &err)) > 0) {
		const char *id, *end;

		casg_buf_reset(&ids);
		if (casg_taxonof_record(j->tax.of, e.key, e.klen, e.desc, e.dlen, &ids, &err) < 0)
			casg_die_err(&err);
		id = (const char *)ids.data;
		for (end = id + ids.len; id < end; id += strlen(id) + 1)
			want(j, id);
	}
	if (!t || rc < 0)
		casg_die_err(&err);
	casg_buf_release(&ids);
	casg_treer_free(t);
}

static void want_databases(struct job *j)
{
	struct casg_err err = CASG_ERR_INIT;

	if (!databases.n)
		return;
	j->wanted = calloc((size_t)casg_taxonomy_count(j->tax.taxonomy) + 1, 1);
	j->deleted = casg_extsort_new(j->w.repo.tmp_dir, CASG_EXTSORT_MEMORY_MIN, NULL, &err);
	if (!j->wanted || !j->deleted || casg_repo_mkdirs(&j->w.repo, &err))
		casg_die("%s", err.code ? err.msg : "out of memory");
	for (size_t i = 0; i < databases.n; i++) {
		struct casg_version v;

		casg_cli_resolve(&j->w.repo, databases.v[i], &v, NULL);
		want_records(j, &v.records);
		casg_version_release(&v);
	}
}

/* ---- all of it ----------------------------------------------------------- */

static void put_entry(struct job *j, const struct casg_entry *e)
{
	const struct casg_taxstr key = { e->key, e->klen };
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxrec r;

	if (casg_taxrec_decode(&r, e->desc, e->dlen, &err)) {
		casg_err_prefix(&err, "taxon '%.*s'", (int)e->klen, e->key);
		die(j, &err);
	}
	if (r.kind == CASG_TAXREC_NODE)
		put_node(j, &key, &r);
}

static void put_all(struct job *j)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_entry e;
	struct casg_loc loc;
	int rc;

	while ((rc = casg_treer_next(j->tree, &e, &loc, &err)) > 0)
		put_entry(j, &e);
	if (rc < 0)
		die(j, &err);
}

/* One taxon of the tree. */
static void put_taxon(struct job *j, uint32_t taxon)
{
	struct casg_taxon_info info = casg_cli_taxon_info(&j->tax, taxon);
	struct casg_buf key = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_entry e;
	struct casg_loc loc;
	int rc = casg_taxid_to_key(&key, info.id.p, info.id.n, &err);

	if (!rc)
		rc = casg_treer_seek(j->tree, (const char *)key.data, key.len, &err);
	if (!rc)
		rc = casg_treer_next(j->tree, &e, &loc, &err);
	if (rc >= 0 && (!rc || e.klen != key.len || memcmp(e.key, key.data, key.len)))
		rc = casg_err_set(&err, CASG_ECORRUPT, "taxon '%s' is not in the taxonomy",
				  casg_buf_cstr(&key));
	if (rc < 0)
		die(j, &err);
	put_entry(j, &e);
	casg_buf_release(&key);
}

/* Merged ids whose taxon is there; deleted ones: all, or those of records. */
static void put_gone(struct job *j)
{
	uint64_t n = casg_taxonomy_nmerged(j->tax.taxonomy) +
		     casg_taxonomy_ndeleted(j->tax.taxonomy);
	struct casg_err err = CASG_ERR_INIT;
	const uint8_t *next = NULL;
	struct casg_taxstr id;
	uint32_t into, mine;
	size_t len = 0;
	int rc = j->deleted ? casg_extsort_finish(j->deleted, &err) : 0;

	if (!rc && j->deleted)
		rc = casg_extsort_next(j->deleted, &next, &len, &err);
	for (uint64_t i = 0; i < n && rc >= 0; i++) {
		int is_wanted;

		rc = casg_taxonomy_gone(j->tax.taxonomy, i, &id, &into, &err);
		if (!rc)
			rc = casg_taxnumber_gone(j->numbers, i, &mine, &err);
		if (rc)
			break;
		is_wanted = !j->wanted || (into != CASG_TAXON_NONE && j->wanted[into]);
		/* both ascend by id */
		while (into == CASG_TAXON_NONE && len == id.n + 1 &&
		       !memcmp(next, id.p, id.n)) {
			is_wanted = 1;
			rc = casg_extsort_next(j->deleted, &next, &len, &err);
			if (rc <= 0)
				len = 0;
		}
		if (rc < 0 || !is_wanted)
			continue;
		casg_buf_add_u64(&j->text[into == CASG_TAXON_NONE ? DELETED : MERGED], mine);
		if (into != CASG_TAXON_NONE) {
			casg_buf_addstr(&j->text[MERGED], "\t|\t");
			casg_buf_add_u64(&j->text[MERGED], number(j, into));
		}
		end_line(j, into == CASG_TAXON_NONE ? DELETED : MERGED);
	}
	if (rc < 0)
		die(j, &err);
}

static void put_taxa(struct job *j)
{
	put_added_root(j);
	if (!j->wanted)
		put_all(j);
	for (uint32_t i = 0; j->wanted && i < casg_taxonomy_count(j->tax.taxonomy); i++)
		if (j->wanted[i])
			put_taxon(j, i);
	put_gone(j);
}

static int run(int argc, char **argv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct job j = { 0 };

	casg_work_open_reader(&j.w, "1", memory, (uint64_t)24 << 20);
	casg_cli_taxon_open(&j.tax, &j.w, argc ? argv[0] : NULL, taxon_from);
	j.numbers = casg_taxnumber_new(j.tax.taxonomy, &err);
	if (j.numbers)
		j.tree = casg_treer_open(j.w.store, casg_work_coder(&j.w), &j.tax.version.records,
					 &err);
	if (!j.tree)
		casg_die_err(&err);
	want_databases(&j);
	create(&j);
	put_taxa(&j);
	commit(&j);
	casg_extsort_free(j.deleted);
	free(j.wanted);
	casg_buf_release(&j.id);
	casg_treer_free(j.tree);
	casg_taxnumber_free(j.numbers);
	casg_cli_taxon_close(&j.tax);
	casg_work_close(&j.w);
	return 0;
}

const struct casg_cmd casg_cmd = { "casg-taxdump", usage, opts, 0, 1, run };
