#include "taxbuild.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "endian.h"
#include "extsort.h"
#include "io.h"
#include "strsort.h"
#include "sum.h"
#include "taxidx.h"
#include "taxrec.h"
#include "treer.h"

#define NONE UINT32_MAX
#define SORT_MAX ((uint64_t)128 << 20)

/* A text: offset << 16 | length. */
typedef uint64_t text_ref;

struct raw {
	text_ref id, parent, name;
	uint32_t rank;
};

struct gone {
	text_ref id, into;
	int merged;
};

struct build {
	struct casg_buf text;
	struct casg_buf parents;  /* their ids, until they are looked up */
	struct casg_extsort *names; /* name without case, NUL, number of the raw (be32), text (le64) */
	struct casg_buf item;
	uint32_t *where;          /* of each raw as it was read, if they were sorted; or NULL */
	struct raw *raws;
	size_t nraws, cap_raws;
	struct gone *gone;
	size_t ngone, cap_gone;
	uint64_t nnames;
	text_ref *ranks;
	size_t nranks, cap_ranks;
	uint64_t memory, scratch;
	/* set by number_taxa */
	uint32_t *table;          /* hash of ids: number of the raw, from 1 */
	uint64_t mask;
	uint32_t *number;         /* of each raw, in preorder */
	uint32_t *order;          /* the raw with each number */
	uint32_t *parent, *end;   /* by number */
};

static const char *at(const struct build *b, text_ref r)
{
	return (const char *)b->text.data + (r >> 16);
}

static size_t len(text_ref r)
{
	return r & 0xffff;
}

static int cmp(const struct build *b, text_ref x, text_ref y)
{
	struct casg_taxstr p = { at(b, x), len(x) }, q = { at(b, y), len(y) };

	return casg_taxstr_cmp(&p, &q);
}

/* ---- reading the tree ---------------------------------------------------- */

static int too_much(const struct build *b, struct casg_err *err)
{
	uint64_t n = b->text.len + b->parents.len + b->nraws * sizeof(*b->raws) +
		     b->ngone * sizeof(*b->gone) + b->scratch;

	if (!b->memory || n <= b->memory)
		return 0;
	return casg_err_set(err, CASG_ENOMEM,
			    "the index of the taxonomy takes more than %llu MiB of memory to make",
			    (unsigned long long)(b->memory >> 20));
}

static int add_text(struct build *b, const char *p, size_t n, text_ref *out,
		    struct casg_err *err)
{
	if (n > CASG_TAXIDX_TEXT_MAX)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "a name of more than %d bytes is not supported",
				    CASG_TAXIDX_TEXT_MAX);
	*out = (uint64_t)b->text.len << 16 | n;
	casg_buf_add(&b->text, p, n);
	return casg_buf_check(&b->text, err);
}

/* An id from its key form, to the end of 'text'. */
static int add_id(struct casg_buf *text, const char *p, size_t n, text_ref *out,
		  struct casg_err *err)
{
	size_t start = text->len;
	int rc = casg_taxid_from_key(text, p, n, err);

	*out = (uint64_t)start << 16 | (text->len - start);
	return rc;
}

static int add_rank(struct build *b, const struct casg_taxstr *rank, uint32_t *out,
		    struct casg_err *err)
{
	size_t i = b->nranks;

	/* the latest first: taxa come in runs */
	while (i && !(len(b->ranks[i - 1]) == rank->n &&
		      !memcmp(at(b, b->ranks[i - 1]), rank->p, rank->n)))
		i--;
	if (!i) {
		if (b->nranks == CASG_TAXIDX_RANKS_MAX)
			return casg_err_set(err, CASG_EUNSUPPORTED, "too many ranks");
		if (CASG_GROW(b->ranks, b->nranks + 1, b->cap_ranks))
			return casg_err_nomem(err);
		if (add_text(b, rank->p, rank->n, &b->ranks[b->nranks], err))
			return err->code;
		i = ++b->nranks;
	}
	*out = (uint32_t)i - 1;
	return 0;
}

static int add_name(struct build *b, text_ref name, struct casg_err *err)
{
	uint8_t tail[13] = { 0 };

	for (int k = 0; k < 4; k++)
		tail[1 + k] = (uint8_t)(b->nraws >> (24 - 8 * k));
	casg_put_le64(tail + 5, name);
	casg_buf_reset(&b->item);
	casg_buf_add(&b->item, at(b, name), len(name));
	if (casg_buf_check(&b->item, err))
		return err->code;
	for (size_t i = 0; i < b->item.len; i++)
		b->item.data[i] = casg_taxidx_fold(b->item.data[i]);
	casg_buf_add(&b->item, tail, sizeof(tail));
	if (casg_buf_check(&b->item, err))
		return err->code;
	b->nnames++;
	return casg_extsort_add(b->names, b->item.data, b->item.len, err);
}

static int add_node(struct build *b, text_ref id, const struct casg_taxrec *r,
		    struct casg_err *err)
{
	struct casg_taxstr others = r->others;
	struct casg_taxname other;
	text_ref name = 0;
	struct raw *q;
	int rc;

	if (b->nraws == NONE - 1)
		return casg_err_set(err, CASG_EUNSUPPORTED, "too many taxa");
	if (CASG_GROW(b->raws, b->nraws + 1, b->cap_raws))
		return casg_err_nomem(err);
	q = &b->raws[b->nraws];
	q->id = id;
	rc = add_id(&b->parents, r->parent.p, r->parent.n, &q->parent, err);
	if (!rc)
		rc = add_rank(b, &r->rank, &q->rank, err);
	if (!rc)
		rc = add_text(b, r->name.p, r->name.n, &q->name, err);
	if (!rc)
		rc = add_name(b, q->name, err);
	while (!rc && casg_taxrec_next_name(&others, &other)) {
		rc = add_text(b, other.name.p, other.name.n, &name, err);
		if (!rc)
			rc = add_name(b, name, err);
	}
	b->nraws++;
	return rc;
}

static int add_gone(struct build *b, text_ref id, const struct casg_taxrec *r,
		    struct casg_err *err)
{
	struct gone g = { .id = id, .merged = r->kind == CASG_TAXREC_MERGED };
	int rc = 0;

	if (g.merged)
		rc = add_id(&b->text, r->into.p, r->into.n, &g.into, err);
	if (!rc && CASG_GROW(b->gone, b->ngone + 1, b->cap_gone))
		rc = casg_err_nomem(err);
	if (!rc)
		b->gone[b->ngone++] = g;
	return rc;
}

static int add_record(struct build *b, const struct casg_entry *e, struct casg_err *err)
{
	struct casg_taxrec r;
	text_ref id;
	int rc = 0;

	if (e->occurrence)
		rc = casg_err_set(err, CASG_ECORRUPT, "it is there twice");
	if (!rc)
		rc = casg_taxrec_decode(&r, e->desc, (size_t)e->dlen, err);
	if (!rc)
		rc = add_id(&b->text, e->key, e->klen, &id, err);
	if (!rc)
		rc = r.kind == CASG_TAXREC_NODE ? add_node(b, id, &r, err) :
			add_gone(b, id, &r, err);
	if (rc)
		casg_err_prefix(err, "taxon '%.*s'", e->klen < 80 ? (int)e->klen : 80, e->key);
	return rc;
}

static int read_tree(struct build *b, struct casg_store *store, struct casg_coder *coder,
		     const struct casg_oid *root, struct casg_err *err)
{
	struct casg_treer *tree = casg_treer_open(store, coder, root, err);
	struct casg_entry e;
	struct casg_loc loc;
	int rc;

	if (!tree)
		return err->code;
	while ((rc = casg_treer_next(tree, &e, &loc, err)) > 0) {
		rc = add_record(b, &e, err);
		if (!rc)
			rc = too_much(b, err);
		if (rc)
			break;
	}
	casg_treer_free(tree);
	return rc;
}

/* ---- order --------------------------------------------------------------- */

/* Strings for casg_strsort, each with a number behind it that is not compared. */
struct sorter {
	struct casg_buf bytes;
	struct casg_strent *e;
	size_t n;
};

static void sorter_add(struct sorter *s, const char *p, size_t n, uint32_t payload)
{
	uint8_t number[4];

	casg_put_le32(number, (uint32_t)n);
	casg_buf_add(&s->bytes, number, 4);
	casg_buf_add(&s->bytes, p, n);
	casg_put_le32(number, payload);
	casg_buf_add(&s->bytes, number, 4);
	s->n++;
}

static uint32_t sorter_payload(const struct casg_strent *e)
{
	return casg_get_le32(casg_strent_bytes(e) + casg_strent_len(e));
}

static int sorter_sort(struct sorter *s, struct casg_err *err)
{
	const uint8_t *p = s->bytes.data;

	if (casg_buf_check(&s->bytes, err))
		return err->code;
	s->e = calloc(s->n + 1, sizeof(*s->e));
	if (!s->e)
		return casg_err_nomem(err);
	for (size_t i = 0; i < s->n; i++) {
		s->e[i].p = p;
		p += 8 + casg_get_le32(p);
	}
	casg_strsort(s->e, s->n, 0, NULL);
	return 0;
}

static void sorter_release(struct sorter *s)
{
	casg_buf_release(&s->bytes);
	free(s->e);
	memset(s, 0, sizeof(*s));
}

/* Keys ascend; ids do as well, unless some key has an escape. */
static int sort_raws(struct build *b, struct casg_err *err)
{
	struct sorter s = { CASG_BUF_INIT, NULL, 0 };
	struct raw *sorted;
	uint32_t *where;
	size_t i = 1;
	int rc;

	while (i < b->nraws && cmp(b, b->raws[i - 1].id, b->raws[i].id) < 0)
		i++;
	if (i >= b->nraws)
		return 0;
	for (i = 0; i < b->nraws; i++)
		sorter_add(&s, at(b, b->raws[i].id), len(b->raws[i].id), (uint32_t)i);
	rc = sorter_sort(&s, err);
	sorted = malloc(b->nraws * sizeof(*sorted));
	where = malloc(b->nraws * sizeof(*where));
	if (!rc && (!sorted || !where))
		rc = casg_err_nomem(err);
	for (i = 0; !rc && i < b->nraws; i++) {
		sorted[i] = b->raws[sorter_payload(&s.e[i])];
		where[sorter_payload(&s.e[i])] = (uint32_t)i;
	}
	if (!rc) {
		free(b->raws);
		b->raws = sorted;
		b->cap_raws = b->nraws;
		b->where = where;
		sorted = NULL;
		where = NULL;
	}
	free(sorted);
	free(where);
	sorter_release(&s);
	return rc;
}

static int sort_gone(struct build *b, struct casg_err *err)
{
	struct sorter s = { CASG_BUF_INIT, NULL, 0 };
	struct gone *sorted = malloc((b->ngone + 1) * sizeof(*sorted));
	int rc;

	for (size_t i = 0; i < b->ngone; i++)
		sorter_add(&s, at(b, b->gone[i].id), len(b->gone[i].id), (uint32_t)i);
	rc = sorter_sort(&s, err);
	if (!rc && !sorted)
		rc = casg_err_nomem(err);
	for (size_t i = 0; !rc && i < b->ngone; i++)
		sorted[i] = b->gone[sorter_payload(&s.e[i])];
	if (!rc) {
		free(b->gone);
		b->gone = sorted;
		b->cap_gone = b->ngone + 1;
		sorted = NULL;
	}
	free(sorted);
	sorter_release(&s);
	return rc;
}

/* ---- the tree of taxa ---------------------------------------------------- */

/* The raw with the id at p, or NONE. */
static uint32_t find(const struct build *b, const char *p, size_t n)
{
	struct casg_taxstr want = { p, n };

	for (uint64_t i = casg_xxh64(0, p, n) & b->mask; b->table[i]; i = (i + 1) & b->mask) {
		text_ref id = b->raws[b->table[i] - 1].id;
		struct casg_taxstr here = { at(b, id), len(id) };

		if (!casg_taxstr_cmp(&here, &want))
			return b->table[i] - 1;
	}
	return NONE;
}

static int make_table(struct build *b, struct casg_err *err)
{
	uint64_t n = 16;

	while (n < 2 * (uint64_t)b->nraws)
		n *= 2;
	b->mask = n - 1;
	b->table = calloc(n, sizeof(*b->table));
	if (!b->table)
		return casg_err_nomem(err);
	for (size_t i = 0; i < b->nraws; i++) {
		text_ref id = b->raws[i].id;
		uint64_t s = casg_xxh64(0, at(b, id), len(id)) & b->mask;

		while (b->table[s])
			s = (s + 1) & b->mask;
		b->table[s] = (uint32_t)i + 1;
	}
	return 0;
}

static int bad_taxon(const struct build *b, text_ref id, const char *what, const char *other,
		     size_t n, struct casg_err *err)
{
	return casg_err_set(err, CASG_ECORRUPT, "taxon '%.*s' %s '%.*s'",
			    len(id) < 80 ? (int)len(id) : 80, at(b, id), what,
			    n < 80 ? (int)n : 80, other);
}

static const char *parent_at(const struct build *b, size_t i)
{
	return (const char *)b->parents.data + (b->raws[i].parent >> 16);
}

/*
 * Number the taxa in preorder.  first[p] to first[p + 1] are the children of
 * raw p in kids, ascending, since raws are; roots are those of nraws.
 */
static int number_taxa(struct build *b, struct casg_err *err)
{
	size_t n = b->nraws, depth = 0;
	uint32_t *up = malloc((n + 1) * sizeof(*up)), *first = calloc(n + 3, sizeof(*first));
	uint32_t *kids = malloc((n + 1) * sizeof(*kids)), *stack = malloc((n + 1) * sizeof(*stack));
	uint32_t next = 0;
	int rc = up && first && kids && stack && b->number && b->order && b->parent && b->end ?
		0 : casg_err_nomem(err);

	for (size_t i = 0; !rc && i < n; i++) {
		up[i] = find(b, parent_at(b, i), len(b->raws[i].parent));
		if (up[i] == NONE)
			rc = bad_taxon(b, b->raws[i].id, "has a parent that is not there,",
				       parent_at(b, i), len(b->raws[i].parent), err);
		else if (up[i] == i)
			up[i] = (uint32_t)n;
		if (!rc)
			first[up[i] + 2]++;
	}
	for (size_t i = 2; !rc && i < n + 3; i++)
		first[i] += first[i - 1];
	for (size_t i = 0; !rc && i < n; i++)
		kids[first[up[i] + 1]++] = (uint32_t)i;
	/* now first[p] .. first[p + 1] are the children of p; the roots, backwards */
	for (size_t i = first ? first[n + 1] : 0; !rc && i > first[n]; i--)
		stack[depth++] = kids[i - 1];
	while (!rc && depth) {
		uint32_t i = stack[--depth];

		b->number[i] = next;
		b->order[next] = i;
		b->parent[next] = up[i] == n ? next : b->number[up[i]];
		b->end[next++] = 1;
		for (uint32_t k = first[i + 1]; k > first[i]; k--)
			stack[depth++] = kids[k - 1];
	}
	for (size_t i = 0; !rc && next < n && i < n; i++)
		if (b->number[i] == NONE)
			rc = bad_taxon(b, b->raws[i].id, "is its own ancestor, by way of",
				       parent_at(b, i), len(b->raws[i].parent), err);
	for (uint32_t i = next; !rc && i-- > 0; b->end[i] += i)
		if (b->parent[i] != i)
			b->end[b->parent[i]] += b->end[i];
	free(up);
	free(first);
	free(kids);
	free(stack);
	return rc;
}

static int make_numbers(struct build *b, struct casg_err *err)
{
	size_t n = b->nraws + 1;
	int rc;

	b->scratch += n * 48;
	rc = too_much(b, err);
	if (!rc)
		rc = make_table(b, err);
	b->number = malloc(n * sizeof(*b->number));
	b->order = malloc(n * sizeof(*b->order));
	b->parent = malloc(n * sizeof(*b->parent));
	b->end = malloc(n * sizeof(*b->end));
	if (b->number)
		memset(b->number, 0xff, n * sizeof(*b->number));
	return rc ? rc : number_taxa(b, err);
}

/* ---- writing ------------------------------------------------------------- */

struct writer {
	struct casg_blocks_writer w;
	struct casg_buf out;
	int fd;
	struct casg_err *err;
	int rc;
};

/* Whole blocks go out; the one under way stays. */
static void flush(struct writer *w, size_t least)
{
	size_t n = w->out.len / CASG_BLOCK * CASG_BLOCK;

	if (w->rc || n < least)
		return;
	w->rc = casg_buf_check(&w->out, w->err);
	if (!w->rc)
		w->rc = casg_write_full(w->fd, w->out.data, n, w->err);
	if (!w->rc) {
		memmove(w->out.data, w->out.data + n, w->out.len - n);
		w->out.len -= n;
	}
}

static void put(struct writer *w, enum casg_taxidx_array a, const uint8_t *entry)
{
	casg_blocks_put(&w->w, entry, casg_taxidx_size[a]);
	flush(w, (size_t)1 << 20);
}

static void put_nodes(struct build *b, struct writer *w)
{
	uint8_t e[28];

	for (size_t i = 0; i < b->nraws; i++) {
		const struct raw *r = &b->raws[b->order[i]];

		casg_put_le32(e, b->parent[i]);
		casg_put_le32(e + 4, b->end[i]);
		casg_put_le64(e + 8, r->id);
		casg_put_le64(e + 16, r->name);
		casg_put_le32(e + 24, r->rank);
		put(w, CASG_TAXIDX_NODES, e);
	}
	for (size_t i = 0; i < b->nraws; i++) {
		casg_put_le32(e, b->number[i]);
		put(w, CASG_TAXIDX_BYID, e);
	}
}

static void put_gone(struct build *b, struct writer *w)
{
	uint8_t e[12];

	for (size_t i = 0; i < b->ngone && !w->rc; i++) {
		const struct gone *g = &b->gone[i];
		uint32_t into = g->merged ? find(b, at(b, g->into), len(g->into)) : NONE;

		if (find(b, at(b, g->id), len(g->id)) != NONE)
			w->rc = bad_taxon(b, g->id, "is there, and gone as", at(b, g->id),
					  len(g->id), w->err);
		else if (g->merged && into == NONE)
			w->rc = bad_taxon(b, g->id, "was merged into what is not there,",
					  at(b, g->into), len(g->into), w->err);
		casg_put_le64(e, g->id);
		casg_put_le32(e + 8, into == NONE ? NONE : b->number[into]);
		put(w, CASG_TAXIDX_GONE, e);
	}
}

static void put_names(struct build *b, struct writer *w)
{
	const uint8_t *item;
	uint8_t e[12];
	size_t n;
	int rc = w->rc ? w->rc : casg_extsort_finish(b->names, w->err);

	while (!rc && (rc = casg_extsort_next(b->names, &item, &n, w->err)) > 0) {
		const uint8_t *tail = item + n - 12;
		uint32_t raw = (uint32_t)tail[0] << 24 | (uint32_t)tail[1] << 16 |
			       (uint32_t)tail[2] << 8 | tail[3];

		memcpy(e, tail + 4, 8);
		casg_put_le32(e + 8, b->number[b->where ? b->where[raw] : raw]);
		put(w, CASG_TAXIDX_NAMES, e);
		rc = w->rc;
	}
	w->rc = rc;
}

static void put_ranks_and_sums(struct build *b, struct writer *w)
{
	uint8_t e[8];

	for (size_t i = 0; i < b->nranks; i++) {
		casg_put_le64(e, b->ranks[i]);
		put(w, CASG_TAXIDX_RANKS, e);
	}
	for (size_t i = 0; i < b->text.len; i += CASG_BLOCK) {
		casg_put_le64(e, casg_xxh64(i / CASG_BLOCK, b->text.data + i, CASG_BLOCK));
		put(w, CASG_TAXIDX_SUMS, e);
	}
}

static int write_index(struct build *b, const struct casg_oid *root, int fd,
		       struct casg_err *err)
{
	static const uint8_t zeros[CASG_BLOCK];
	struct writer w = { .fd = fd, .err = err };
	struct casg_taxidx x = { .root = *root };
	uint8_t head[96];

	x.n[CASG_TAXIDX_NODES] = b->nraws;
	x.n[CASG_TAXIDX_GONE] = b->ngone;
	x.n[CASG_TAXIDX_NAMES] = b->nnames;
	x.n[CASG_TAXIDX_RANKS] = b->nranks;
	x.text_nbytes = b->text.len;
	for (size_t i = 0; i < b->ngone; i++)
		x.nmerged += (uint64_t)b->gone[i].merged;
	/* whole blocks of text, for sums and file alike */
	casg_buf_add(&b->text, zeros, (CASG_BLOCK - b->text.len % CASG_BLOCK) % CASG_BLOCK);
	w.rc = casg_buf_check(&b->text, err);
	w.w.out = &w.out;
	casg_taxidx_encode_head(&x, head);
	put(&w, CASG_TAXIDX_HEAD, head);
	put_nodes(b, &w);
	put_gone(b, &w);
	put_names(b, &w);
	put_ranks_and_sums(b, &w);
	casg_blocks_finish(&w.w);
	flush(&w, 0);
	if (!w.rc)
		w.rc = casg_write_full(fd, b->text.data, b->text.len, err);
	casg_buf_release(&w.out);
	return w.rc;
}

int casg_taxbuild(struct casg_store *store, struct casg_coder *coder,
		  const struct casg_oid *root, const char *tmp_dir, uint64_t memory_nbytes,
		  int fd, struct casg_err *err)
{
	uint64_t sorting = memory_nbytes / 5 < SORT_MAX && memory_nbytes ? memory_nbytes / 5 : SORT_MAX;
	struct build b = { .memory = memory_nbytes, .scratch = sorting };
	int rc = 0;

	b.names = casg_extsort_new(tmp_dir, (size_t)sorting, NULL, err);
	if (!b.names)
		return err->code;
	rc = read_tree(&b, store, coder, root, err);
	if (!rc)
		rc = sort_raws(&b, err);
	if (!rc)
		rc = sort_gone(&b, err);
	if (!rc)
		rc = make_numbers(&b, err);
	if (!rc)
		rc = write_index(&b, root, fd, err);
	casg_buf_release(&b.text);
	casg_buf_release(&b.parents);
	casg_buf_release(&b.item);
	casg_extsort_free(b.names);
	free(b.where);
	free(b.raws);
	free(b.gone);
	free(b.ranks);
	free(b.table);
	free(b.number);
	free(b.order);
	free(b.parent);
	free(b.end);
	return rc;
}
