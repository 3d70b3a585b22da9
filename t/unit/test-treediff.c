/*
 * Two trees compared by walking, against two lists compared one by one.
 */
#include "treediff.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "packw.h"
#include "tap.h"
#include "treer.h"
#include "treew.h"

static struct casg_err err;
static struct casg_coder *coder;
static struct casg_store *store;
static struct casg_packw *w;
static char dir[] = "/tmp/casg-test-treediff-XXXXXX";

#define NSEQ 400
static struct casg_oid seq_id[NSEQ];
static uint64_t seq_len[NSEQ];

static uint64_t state = 42;

static uint32_t below(uint32_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static void bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, err.msg);
	exit(1);
}

/* One chunk of them. */
static void add_seqs(void)
{
	static char text[NSEQ][16];
	struct casg_slice m[NSEQ];
	struct casg_objinfo info[NSEQ];
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_oid id;

	for (uint32_t i = 0; i < NSEQ; i++) {
		m[i].p = text[i];
		m[i].nbytes = (size_t)sprintf(text[i], "MK%03uVL", i);
		for (char *p = text[i]; *p; p++)
			if (*p >= '0' && *p <= '9')
				*p = (char)(*p - '0' + 'C');
		casg_hasher_digest(casg_coder_hasher(coder), text[i], m[i].nbytes,
				   &info[i].id);
		info[i].nbytes = seq_len[i] = m[i].nbytes;
		seq_id[i] = info[i].id;
	}
	if (casg_chunk_encode(coder, CASG_CHUNK_SEQ, 0, 3, m, NSEQ, NULL, &out, &id, &err) ||
	    casg_packw_add(w, out.data, out.len, &id, info, &err) ||
	    casg_packw_finish(w, &err))
		bail("a pack of sequences");
	casg_buf_release(&out);
}

/* ---- lists of records --------------------------------------------------- */

struct rec {
	char key[12];
	uint32_t seq, desc;
};

struct list {
	struct rec *r;
	size_t n;
	struct casg_oid root;
	int empty; /* compared as a NULL root */
};

static int cmp_rec(const void *a, const void *b)
{
	const struct rec *x = a, *y = b;
	int c = strcmp(x->key, y->key);

	if (!c)
		c = casg_oid_cmp(&seq_id[x->seq], &seq_id[y->seq]);
	return c ? c : (x->desc > y->desc) - (x->desc < y->desc);
}

/* Descriptions sort as their numbers do; some are long enough to be blobs. */
static size_t describe(uint32_t desc, char *out)
{
	size_t n = (size_t)sprintf(out, " d%06u", desc);

	if (desc % 97 == 5) {
		memset(out + n, 'x', 5000);
		n += 5000;
	}
	return n;
}

static void build(struct list *l)
{
	struct casg_treew *t = casg_treew_new(store, w, NULL, &coder, 3, &err);
	struct casg_tree_stats stats;
	static char desc[6000];

	qsort(l->r, l->n, sizeof(*l->r), cmp_rec);
	for (size_t i = 0; i < l->n; i++) {
		struct casg_entry e = { .key = l->r[i].key, .klen = strlen(l->r[i].key),
					.oid = seq_id[l->r[i].seq], .desc = desc };

		e.length = seq_len[l->r[i].seq];
		e.dlen = describe(l->r[i].desc, desc);
		if (casg_treew_add(t, &e, &err))
			bail("add");
	}
	if (casg_treew_finish(t, &stats, &err) || casg_packw_finish(w, &err))
		bail("finish");
	l->root = stats.root;
	casg_treew_free(t);
}

static struct rec random_rec(uint32_t nkeys)
{
	struct rec r;

	snprintf(r.key, sizeof(r.key), "K%07u", below(nkeys));
	r.seq = below(NSEQ);
	r.desc = below(1000000);
	return r;
}

static void random_list(struct list *l, size_t n, uint32_t nkeys)
{
	memset(l, 0, sizeof(*l));
	l->r = malloc((n + 1) * sizeof(*l->r));
	for (size_t i = 0; i < n; i++)
		l->r[l->n++] = random_rec(nkeys);
	build(l);
}

/* 'to' is 'from' with so many records changed, added and left out. */
static void edit(const struct list *from, struct list *to, uint32_t nedits, uint32_t nkeys)
{
	memset(to, 0, sizeof(*to));
	to->r = malloc((from->n + nedits + 1) * sizeof(*to->r));
	memcpy(to->r, from->r, from->n * sizeof(*to->r));
	to->n = from->n;
	for (uint32_t i = 0; i < nedits; i++) {
		uint32_t at = to->n ? below((uint32_t)to->n) : 0;

		switch (to->n ? below(4) : 0) {
		case 0:
			to->r[to->n++] = random_rec(nkeys);
			break;
		case 1:
			to->r[at] = to->r[--to->n];
			break;
		case 2:
			to->r[at].seq = below(NSEQ);
			break;
		case 3:
			to->r[at].desc = below(1000000);
			break;
		}
	}
	build(to);
}

/* ---- the two ways ------------------------------------------------------- */

struct side {
	const struct rec *r;
	uint32_t occ;
};

static struct side at(const struct list *l, size_t i)
{
	struct side s = { NULL, 0 };

	if (l->empty || i >= l->n)
		return s;
	s.r = &l->r[i];
	while (i && !strcmp(l->r[i - 1].key, s.r->key)) {
		s.occ++;
		i--;
	}
	return s;
}

static int same_side(const struct list *l, const struct side *s, const struct casg_diffside *d)
{
	static struct casg_buf text;
	static char desc[6000];
	struct casg_objinfo info;
	size_t n;

	if (!s->r || !d->e)
		return !s->r && !d->e;
	n = describe(s->r->desc, desc);
	if (d->rank != (uint64_t)(s->r - l->r))
		return 0;
	if (casg_store_info(store, coder, &d->loc, &info, &err))
		return 0;
	if (d->e->dlen != n || d->e->occurrence != s->occ || !casg_oid_eq(&info.id, &seq_id[s->r->seq]) ||
	    d->e->klen != strlen(s->r->key) || memcmp(d->e->key, s->r->key, d->e->klen))
		return 0;
	if (d->e->desc)
		return !memcmp(d->e->desc, desc, n);
	casg_buf_reset(&text);
	return !casg_store_read_id(store, coder, &d->e->desc_blob, 1 << 20, &text, &err) &&
	       text.len == n && !memcmp(text.data, desc, n);
}

/* The next difference of the lists from *i and *j on; 0 at the end. */
static int next_brute(const struct list *a, const struct list *b, size_t *i, size_t *j,
		      struct side *x, struct side *y)
{
	for (;;) {
		int c;

		*x = at(a, *i);
		*y = at(b, *j);
		if (!x->r && !y->r)
			return 0;
		c = !x->r ? 1 : !y->r ? -1 : strcmp(x->r->key, y->r->key);
		if (!c)
			c = (x->occ > y->occ) - (x->occ < y->occ);
		*i += c <= 0;
		*j += c >= 0;
		if (c < 0)
			y->r = NULL;
		if (c > 0)
			x->r = NULL;
		if (c || x->r->seq != y->r->seq || x->r->desc != y->r->desc)
			return 1;
	}
}

/* Differences found, or -1 if the two ways disagree; nodes read in *nread. */
static long compare(const struct list *a, const struct list *b, uint64_t *nread)
{
	struct casg_treediff *d = casg_treediff_open(store, coder, a->empty ? NULL : &a->root,
						     b->empty ? NULL : &b->root, &err);
	struct casg_diffpair p;
	struct side x, y;
	size_t i = 0, j = 0;
	long n = 0;
	int rc;

	if (!d)
		bail("open");
	while ((rc = casg_treediff_next(d, &p, &err)) > 0) {
		if (!next_brute(a, b, &i, &j, &x, &y) || !same_side(a, &x, &p.a) ||
		    !same_side(b, &y, &p.b))
			break;
		n++;
	}
	if (rc || next_brute(a, b, &i, &j, &x, &y)) {
		diag("difference %ld: %s", n, rc < 0 ? err.msg : "disagree");
		n = -1;
	}
	*nread = casg_treediff_nodes_read(d);
	casg_treediff_free(d);
	return n;
}

static void release(struct list *l)
{
	free(l->r);
}

/* ---- tests -------------------------------------------------------------- */

/* Sizes from nothing to three levels, few and many edits, repeated keys. */
static void test_random(void)
{
	static const uint32_t sizes[] = { 0, 1, 15, 60, 300, 1500, 9000 };
	int good = 0, all = 0;
	long found = 0;
	uint64_t nread;

	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (uint32_t nedits = 1; nedits <= 1000; nedits *= 10)
			for (int dense = 0; dense < 2; dense++) {
				uint32_t nkeys = dense ? sizes[s] / 3 + 1 : 5000000;
				struct list a, b;
				long n, m;

				random_list(&a, sizes[s], nkeys);
				edit(&a, &b, nedits, nkeys);
				n = compare(&a, &b, &nread);
				m = compare(&b, &a, &nread);
				all += 2;
				good += (n >= 0) + (m == n);
				found += n;
				release(&a);
				release(&b);
			}
	is_int(good, all, "%d random pairs of trees, both ways, as compared one by one", all);
	ok(found > 5000, "with %ld differences in all", found);
}

static void test_empty(void)
{
	struct list a, none = { .empty = 1 }, zero;
	uint64_t nread;

	random_list(&a, 2000, 5000000);
	random_list(&zero, 0, 1);
	is_int(compare(&none, &a, &nread), 2000, "nothing against a tree: every record");
	is_int(compare(&a, &none, &nread), 2000, "the other way round");
	is_int(compare(&zero, &a, &nread), 2000, "a tree without records counts as nothing");
	is_int(compare(&zero, &none, &nread), 0, "nothing against nothing");
	is_int(compare(&none, &none, &nread), 0, "not even a tree");
	is_int(compare(&a, &a, &nread), 0, "a tree does not differ from itself");
	is_int((int64_t)nread, 2, "only its root is read");
	release(&a);
	release(&zero);
}

/* Apart in the order of the keys: no node is shared, all records differ. */
static void test_disjoint(void)
{
	struct list a, b;
	uint64_t nread;

	random_list(&a, 3000, 9000000);
	random_list(&b, 200, 9000000);
	for (size_t i = 0; i < b.n; i++)
		b.r[i].key[0] = 'Z';
	build(&b);
	is_int(compare(&a, &b, &nread), 3200, "a tree wholly before the other, of another depth");
	is_int(compare(&b, &a, &nread), 3200, "and wholly after it");
	release(&a);
	release(&b);
}

static void test_cost(void)
{
	struct list a, b, c;
	uint64_t one = UINT64_MAX, ten = UINT64_MAX;

	random_list(&a, 40000, 50000000);
	edit(&a, &b, 1, 50000000);
	edit(&a, &c, 10, 50000000);
	ok(compare(&a, &b, &one) >= 0 && compare(&a, &c, &ten) >= 0,
	   "one and ten edits of 40000 records");
	ok(one <= 14, "one edit is found in %d nodes", (int)one);
	ok(ten <= 10 * 14, "ten in %d", (int)ten);
	/* the first of the other tree: subtrees that are equal stand at another depth */
	release(&b);
	release(&c);
	memset(&c, 0, sizeof(c));
	c.r = malloc(a.n * sizeof(*c.r));
	for (size_t i = 0; i < 3000; i++)
		c.r[c.n++] = a.r[i];
	build(&c);
	is_int(compare(&c, &a, &one), (int64_t)(a.n - c.n), "the first records of a higher tree");
	release(&a);
	release(&c);
}

/* ---- by hand ------------------------------------------------------------ */

static void test_rank(void)
{
	struct list a;
	struct casg_treer *t;
	struct casg_entry e;
	struct casg_loc loc;
	int good = 0;

	random_list(&a, 5000, 50000000);
	t = casg_treer_open(store, coder, &a.root, &err);
	for (int i = 0; i < 500; i++) {
		uint32_t r = i ? below(5000) : 4999;

		good += !casg_treer_seek_rank(t, r, &err) &&
			casg_treer_next(t, &e, &loc, &err) == 1 &&
			e.klen == strlen(a.r[r].key) && !memcmp(e.key, a.r[r].key, e.klen) &&
			casg_treer_rank(t) == r;
	}
	is_int(good, 500, "records by their place in the order of keys");
	ok(!casg_treer_seek_rank(t, 5000, &err) && !casg_treer_next(t, &e, &loc, &err),
	   "after the last one is the end");
	is_int(casg_treer_seek_rank(t, 5001, &err), CASG_EBUG, "and nothing behind it");
	casg_treer_free(t);
	release(&a);
}

static void remove_dir(void)
{
	DIR *d = opendir(".");
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlink(e->d_name);
	if (d)
		closedir(d);
	if (chdir("/") || rmdir(dir))
		diag("'%s' is left behind", dir);
}

int main(void)
{
	struct casg_store_opts so = { .packs_dir = ".", .cache_nbytes = 8 << 20 };
	struct casg_packw_opts po = { .packs_dir = ".", .tmp_dir = ".",
				      .pack_nbytes = (uint64_t)64 << 20 };

	if (!mkdtemp(dir) || chdir(dir))
		return 1;
	coder = casg_coder_new();
	if (casg_store_open(&store, &so, &err) || !(w = casg_packw_new(store, &po, &err)))
		bail("open");
	add_seqs();
	test_empty();
	test_random();
	test_disjoint();
	test_cost();
	test_rank();
	casg_packw_free(w);
	casg_store_close(store);
	casg_coder_free(coder);
	remove_dir();
	return done_testing();
}
