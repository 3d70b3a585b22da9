#include "taxonomy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endian.h"
#include "io.h"
#include "map.h"
#include "sum.h"
#include "taxbuild.h"
#include "taxidx.h"
#include "tmpfile.h"

struct casg_taxonomy {
	struct casg_map map;
	struct casg_taxidx x;
	struct casg_blocks *blocks;
	const uint8_t *text;
	uint8_t *text_checked;    /* a flag a block of text */
	char *path;               /* NULL: a scratch file */
};

/* ---- reading the file ---------------------------------------------------- */

/* The file is of no more use to anybody: away with it, so that it is made anew. */
static int damaged(const struct casg_taxonomy *t, struct casg_err *err)
{
	if (t->path && !unlink(t->path))
		return casg_err_prefix(err, "'%s' was damaged, and is deleted; try again", t->path);
	return casg_err_prefix(err, "the index of the taxonomy");
}

static const uint8_t *entry(const struct casg_taxonomy *t, enum casg_taxidx_array a, uint64_t i,
			    struct casg_err *err)
{
	struct casg_err why = CASG_ERR_INIT;
	const uint8_t *p;

	if (i >= t->x.n[a]) {
		casg_err_set(err, CASG_ECORRUPT, "it refers to entry %llu of %llu",
			     (unsigned long long)i, (unsigned long long)t->x.n[a]);
		damaged(t, err);
		return NULL;
	}
	p = casg_blocks_entry(t->blocks, t->x.at[a], i, casg_taxidx_size[a], &why);
	if (!p) {
		casg_err_set(err, CASG_ECORRUPT, "%s", why.msg);
		damaged(t, err);
	}
	return p;
}

static int bad_text(const struct casg_taxonomy *t, struct casg_err *err)
{
	casg_err_set(err, CASG_ECORRUPT, "its text is damaged");
	return damaged(t, err);
}

static int text_at(const struct casg_taxonomy *t, uint64_t ref, struct casg_taxstr *out,
		   struct casg_err *err)
{
	uint64_t start = ref >> 16, n = ref & 0xffff;
	const uint8_t *sum;

	if (start > t->x.text_nbytes || n > t->x.text_nbytes - start)
		return bad_text(t, err);
	out->p = (const char *)t->text + start;
	out->n = (size_t)n;
	for (uint64_t k = start / CASG_BLOCK; n && k <= (start + n - 1) / CASG_BLOCK; k++) {
		if (__atomic_load_n(&t->text_checked[k], __ATOMIC_RELAXED))
			continue;
		sum = entry(t, CASG_TAXIDX_SUMS, k, err);
		if (!sum)
			return CASG_ECORRUPT;
		if (casg_xxh64(k, t->text + k * CASG_BLOCK, CASG_BLOCK) != casg_get_le64(sum))
			return bad_text(t, err);
		__atomic_store_n(&t->text_checked[k], 1, __ATOMIC_RELAXED);
	}
	return 0;
}

/* ---- opening ------------------------------------------------------------- */

/* Make t readable from what is mapped; CASG_ECORRUPT and the like if it is not. */
static int set_up(struct casg_taxonomy *t, const struct casg_oid *root, struct casg_err *err)
{
	int rc = casg_taxidx_decode_head(&t->x, t->map.data, t->map.size, err);

	if (!rc && !casg_oid_eq(&t->x.root, root))
		rc = casg_err_set(err, CASG_ECORRUPT, "it is of another tree");
	if (rc)
		return rc;
	t->blocks = calloc(1, sizeof(*t->blocks));
	if (!t->blocks)
		return casg_err_nomem(err);
	rc = casg_blocks_init(t->blocks, t->map.data, t->x.nblocks * CASG_BLOCK, err);
	t->text = t->map.data + t->x.nblocks * CASG_BLOCK;
	t->text_checked = calloc((size_t)t->x.n[CASG_TAXIDX_SUMS] + 1, 1);
	if (!rc && !t->text_checked)
		rc = casg_err_nomem(err);
	return rc;
}

static void take_down(struct casg_taxonomy *t)
{
	if (t->blocks)
		casg_blocks_release(t->blocks);
	free(t->blocks);
	free(t->text_checked);
	t->blocks = NULL;
	t->text_checked = NULL;
	casg_map_close(&t->map);
}

static int open_file(struct casg_taxonomy *t, const struct casg_oid *root)
{
	int rc = casg_map_open(&t->map, t->path, NULL);

	if (!rc) {
		rc = set_up(t, root, NULL);
		if (rc)
			take_down(t);
	}
	return rc;
}

/* Into a file without a name, where nothing can be kept. */
static int build_apart(struct casg_taxonomy *t, struct casg_store *store,
		       struct casg_coder *coder, const struct casg_oid *root,
		       const struct casg_taxonomy_opts *o, struct casg_err *err)
{
	int fd = casg_tmpfile_scratch(o->scratch_dir, err), rc;

	if (fd < 0)
		return fd;
	free(t->path);
	t->path = NULL;
	rc = casg_taxbuild(store, coder, root, o->scratch_dir, o->memory_nbytes, fd, err);
	if (!rc)
		rc = casg_map_fd(&t->map, fd, err);
	close(fd);
	return rc ? rc : set_up(t, root, err);
}

/* 1 when the index is in its place, 0 when it cannot be put there. */
static int build_here(struct casg_taxonomy *t, const char *dir, struct casg_store *store,
		      struct casg_coder *coder, const struct casg_oid *root,
		      const struct casg_taxonomy_opts *o, struct casg_err *err)
{
	struct casg_tmpfile tmp = CASG_TMPFILE_INIT;
	int rc;

	if (casg_mkdir_p(dir, NULL) || casg_tmpfile_create(&tmp, dir, "taxonomy", NULL))
		return 0;
	rc = casg_taxbuild(store, coder, root, dir, o->memory_nbytes, tmp.fd, err);
	if (rc)
		casg_tmpfile_abandon(&tmp);
	if (rc == CASG_EIO)
		return 0; /* a full disk here is none elsewhere */
	if (rc)
		return rc;
	return casg_tmpfile_commit_replace(&tmp, t->path, NULL) ? 0 : 1;
}

static int build(struct casg_taxonomy *t, const char *dir, struct casg_store *store,
		 struct casg_coder *coder, const struct casg_oid *root,
		 const struct casg_taxonomy_opts *o, struct casg_err *err)
{
	int rc = dir ? build_here(t, dir, store, coder, root, o, err) : 0;

	if (rc < 0)
		return rc;
	if (!rc)
		return build_apart(t, store, coder, root, o, err);
	rc = casg_map_open(&t->map, t->path, err);
	return rc ? rc : set_up(t, root, err);
}

int casg_taxonomy_open(struct casg_taxonomy **out, struct casg_store *store,
		       struct casg_coder *coder, const struct casg_version *v,
		       const struct casg_taxonomy_opts *o, struct casg_err *err)
{
	struct casg_taxonomy *t = calloc(1, sizeof(*t));
	char hex[CASG_OID_HEXSZ + 1], *dir = NULL;
	int rc = 0;

	*out = NULL;
	if (!t)
		return casg_err_nomem(err);
	casg_oid_hex(&v->records, hex);
	hex[CASG_OID_HEXSZ] = '\0';
	if (v->kind != CASG_VERSION_TAXONOMY)
		rc = casg_err_set(err, CASG_EBUG, "that is no version of a taxonomy");
	else if (o->index_dir && (asprintf(&dir, "%s/taxonomy", o->index_dir) < 0 ||
				  asprintf(&t->path, "%s/%s.idx", dir, hex) < 0))
		rc = casg_err_nomem(err);
	if (!rc && (!t->path || open_file(t, &v->records))) {
		if (store)
			rc = build(t, dir, store, coder, &v->records, o, err);
		else
			rc = casg_err_set(err, CASG_EABSENT, "the taxonomy has no index yet");
	}
	free(dir);
	if (rc) {
		casg_taxonomy_close(t);
		return rc;
	}
	*out = t;
	return 0;
}

void casg_taxonomy_close(struct casg_taxonomy *t)
{
	if (!t)
		return;
	take_down(t);
	free(t->path);
	free(t);
}

uint32_t casg_taxonomy_count(const struct casg_taxonomy *t)
{
	return (uint32_t)t->x.n[CASG_TAXIDX_NODES];
}

uint64_t casg_taxonomy_nmerged(const struct casg_taxonomy *t)
{
	return t->x.nmerged;
}

uint64_t casg_taxonomy_ndeleted(const struct casg_taxonomy *t)
{
	return t->x.n[CASG_TAXIDX_GONE] - t->x.nmerged;
}

/* ---- of a taxon ---------------------------------------------------------- */

static int rank_at(const struct casg_taxonomy *t, uint32_t rank, struct casg_taxstr *out,
		   struct casg_err *err)
{
	const uint8_t *p = entry(t, CASG_TAXIDX_RANKS, rank, err);

	return p ? text_at(t, casg_get_le64(p), out, err) : CASG_ECORRUPT;
}

int casg_taxonomy_info(const struct casg_taxonomy *t, uint32_t taxon,
		       struct casg_taxon_info *out, struct casg_err *err)
{
	const uint8_t *p = entry(t, CASG_TAXIDX_NODES, taxon, err);
	int rc;

	if (!p)
		return CASG_ECORRUPT;
	out->parent = casg_get_le32(p);
	out->end = casg_get_le32(p + 4);
	if (out->parent > taxon || out->end <= taxon || out->end > casg_taxonomy_count(t)) {
		casg_err_set(err, CASG_ECORRUPT, "taxon %u is out of order", (unsigned)taxon);
		return damaged(t, err);
	}
	rc = text_at(t, casg_get_le64(p + 8), &out->id, err);
	if (!rc)
		rc = text_at(t, casg_get_le64(p + 16), &out->name, err);
	return rc ? rc : rank_at(t, casg_get_le32(p + 24), &out->rank, err);
}

int casg_taxonomy_at_rank(const struct casg_taxonomy *t, uint32_t taxon, const char *rank,
			  uint32_t *out, struct casg_err *err)
{
	size_t n = strlen(rank);
	struct casg_taxstr s;
	uint32_t want = 0;
	int rc = 0;

	*out = CASG_TAXON_NONE;
	for (; want < t->x.n[CASG_TAXIDX_RANKS]; want++) {
		rc = rank_at(t, want, &s, err);
		if (rc || (s.n == n && !memcmp(s.p, rank, n)))
			break;
	}
	while (!rc && want < t->x.n[CASG_TAXIDX_RANKS]) {
		const uint8_t *p = entry(t, CASG_TAXIDX_NODES, taxon, err);

		if (!p)
			return CASG_ECORRUPT;
		if (casg_get_le32(p + 24) == want) {
			*out = taxon;
			break;
		}
		/* parents come before their children: this ends */
		if (casg_get_le32(p) >= taxon)
			break;
		taxon = casg_get_le32(p);
	}
	return rc;
}

int casg_taxonomy_lineage(const struct casg_taxonomy *t, uint32_t taxon,
			  uint32_t lineage_out[CASG_LINEAGE_MAX], size_t *n_out,
			  struct casg_err *err)
{
	size_t n = 0;

	for (;;) {
		const uint8_t *p = entry(t, CASG_TAXIDX_NODES, taxon, err);

		if (!p)
			return CASG_ECORRUPT;
		if (n == CASG_LINEAGE_MAX)
			return casg_err_set(err, CASG_EUNSUPPORTED,
					    "a lineage of more than %d taxa is not supported",
					    CASG_LINEAGE_MAX);
		lineage_out[n++] = taxon;
		if (casg_get_le32(p) >= taxon)
			break;
		taxon = casg_get_le32(p);
	}
	for (size_t i = 0; i < n / 2; i++) {
		uint32_t x = lineage_out[i];

		lineage_out[i] = lineage_out[n - 1 - i];
		lineage_out[n - 1 - i] = x;
	}
	*n_out = n;
	return 0;
}

int casg_taxonomy_lineage_text(const struct casg_taxonomy *t, uint32_t taxon, const char *sep,
			       struct casg_buf *out, struct casg_err *err)
{
	uint32_t lineage[CASG_LINEAGE_MAX];
	struct casg_taxon_info info;
	size_t n;
	int rc = casg_taxonomy_lineage(t, taxon, lineage, &n, err);

	/* that it is rooted says nothing of a taxon, unless it is the root */
	for (size_t i = !rc && n > 1; !rc && i < n; i++) {
		rc = casg_taxonomy_info(t, lineage[i], &info, err);
		if (rc)
			break;
		if (i > 1)
			casg_buf_addstr(out, sep);
		casg_buf_add(out, info.name.p, info.name.n);
	}
	return rc ? rc : casg_buf_check(out, err);
}

/* ---- from id or name to taxon -------------------------------------------- */

/* The text that entry i of an array is sorted by, and the taxon it stands for. */
static int sorted_at(const struct casg_taxonomy *t, enum casg_taxidx_array a, uint64_t i,
		     struct casg_taxstr *text_out, uint32_t *taxon_out, struct casg_err *err)
{
	const uint8_t *p = entry(t, a, i, err);

	if (!p)
		return CASG_ECORRUPT;
	if (a != CASG_TAXIDX_BYID) {
		*taxon_out = casg_get_le32(p + 8);
		return text_at(t, casg_get_le64(p), text_out, err);
	}
	*taxon_out = casg_get_le32(p);
	p = entry(t, CASG_TAXIDX_NODES, *taxon_out, err);
	return p ? text_at(t, casg_get_le64(p + 8), text_out, err) : CASG_ECORRUPT;
}

static int fold_cmp(const struct casg_taxstr *a, const struct casg_taxstr *b)
{
	size_t n = a->n < b->n ? a->n : b->n;

	for (size_t i = 0; i < n; i++) {
		int x = casg_taxidx_fold((uint8_t)a->p[i]), y = casg_taxidx_fold((uint8_t)b->p[i]);

		if (x != y)
			return x - y;
	}
	return a->n < b->n ? -1 : a->n > b->n;
}

/* The first entry that is not before 'want': *i_out, perhaps their number. */
static int search(const struct casg_taxonomy *t, enum casg_taxidx_array a,
		  const struct casg_taxstr *want, uint64_t *i_out, struct casg_err *err)
{
	uint64_t lo = 0, hi = t->x.n[a];
	struct casg_taxstr text;
	uint32_t taxon;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;
		int rc = sorted_at(t, a, mid, &text, &taxon, err);

		if (rc)
			return rc;
		rc = a == CASG_TAXIDX_NAMES ? fold_cmp(&text, want) : casg_taxstr_cmp(&text, want);
		if (rc < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*i_out = lo;
	return 0;
}

/* 1 and the taxon of the entry with exactly this id, 0, negative. */
static int search_id(const struct casg_taxonomy *t, enum casg_taxidx_array a,
		     const struct casg_taxstr *id, uint32_t *taxon_out, struct casg_err *err)
{
	struct casg_taxstr text;
	uint64_t i;
	int rc = search(t, a, id, &i, err);

	if (rc || i == t->x.n[a])
		return rc;
	rc = sorted_at(t, a, i, &text, taxon_out, err);
	return rc ? rc : !casg_taxstr_cmp(&text, id);
}

int casg_taxonomy_find(const struct casg_taxonomy *t, const char *id, size_t n,
		       uint32_t *taxon_out, struct casg_err *err)
{
	const struct casg_taxstr want = { id, n };
	int rc = search_id(t, CASG_TAXIDX_BYID, &want, taxon_out, err);

	if (rc)
		return rc < 0 ? rc : CASG_TAXON_FOUND;
	*taxon_out = CASG_TAXON_NONE;
	rc = search_id(t, CASG_TAXIDX_GONE, &want, taxon_out, err);
	if (rc > 0)
		return *taxon_out == CASG_TAXON_NONE ? CASG_TAXON_DELETED : CASG_TAXON_MERGED;
	*taxon_out = CASG_TAXON_NONE;
	return rc < 0 ? rc : CASG_TAXON_UNKNOWN;
}

int casg_taxonomy_gone(const struct casg_taxonomy *t, uint64_t i, struct casg_taxstr *id_out,
		       uint32_t *into_out, struct casg_err *err)
{
	return sorted_at(t, CASG_TAXIDX_GONE, i, id_out, into_out, err);
}

int casg_taxonomy_named(const struct casg_taxonomy *t, const char *name, size_t n,
			casg_taxon_fn *fn, void *ctx, struct casg_err *err)
{
	const struct casg_taxstr want = { name, n };
	struct casg_taxstr text;
	uint32_t taxon;
	uint64_t i = 0;
	int rc = search(t, CASG_TAXIDX_NAMES, &want, &i, err);

	for (; !rc && i < t->x.n[CASG_TAXIDX_NAMES]; i++) {
		rc = sorted_at(t, CASG_TAXIDX_NAMES, i, &text, &taxon, err);
		if (rc || fold_cmp(&text, &want))
			break;
		rc = fn(ctx, taxon, err);
	}
	return rc;
}

/* The best of those that have a name, and how many are as good. */
struct choice {
	const struct casg_taxonomy *t;
	struct casg_taxstr want;
	int grade;               /* 2: scientific name to the letter, 1: but for case, 0: other */
	uint32_t taxon;
	size_t n;
	struct casg_buf ids;     /* the first of them */
};

static int choose(void *ctx, uint32_t taxon, struct casg_err *err)
{
	struct choice *c = ctx;
	struct casg_taxon_info info;
	int rc = casg_taxonomy_info(c->t, taxon, &info, err), grade;

	if (rc)
		return rc;
	grade = !casg_taxstr_cmp(&info.name, &c->want) ? 2 : !fold_cmp(&info.name, &c->want);
	if (grade < c->grade || (c->n && grade == c->grade && taxon == c->taxon))
		return 0;
	if (grade > c->grade) {
		c->n = 0;
		casg_buf_reset(&c->ids);
	}
	c->grade = grade;
	c->taxon = taxon;
	if (c->n < 5)
		casg_buf_addf(&c->ids, "%s%.*s", c->n ? ", " : "", (int)info.id.n, info.id.p);
	else if (c->n == 5)
		casg_buf_addstr(&c->ids, ", ...");
	c->n++;
	return casg_buf_check(&c->ids, err);
}

static int resolve_name(const struct casg_taxonomy *t, const char *text, uint32_t *taxon_out,
			struct casg_err *err)
{
	struct choice c = { .t = t, .want = { text, strlen(text) } };
	int rc = casg_taxonomy_named(t, text, strlen(text), choose, &c, err);

	*taxon_out = c.taxon;
	if (!rc && !c.n)
		rc = casg_err_set(err, CASG_EABSENT, "the taxonomy has no taxon '%s'", text);
	else if (!rc && c.n > 1)
		rc = casg_err_set(err, CASG_ECORRUPT, "several taxa are called '%s': %s", text,
				  casg_buf_cstr(&c.ids));
	casg_buf_release(&c.ids);
	return rc;
}

int casg_taxonomy_resolve(const struct casg_taxonomy *t, const char *text, uint32_t *taxon_out,
			  struct casg_err *err)
{
	int rc = casg_taxonomy_find(t, text, strlen(text), taxon_out, err);

	if (rc == CASG_TAXON_DELETED)
		return casg_err_set(err, CASG_EABSENT, "taxon '%s' was deleted", text);
	if (rc != CASG_TAXON_UNKNOWN)
		return rc < 0 ? rc : 0;
	return resolve_name(t, text, taxon_out, err);
}
