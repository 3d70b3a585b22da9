/*
 * Trees that are edited against trees that are built from the same records:
 * the same roots, no node written that is not new, ranks as they are told.
 */
#include "treeedit.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "treer.h"
#include "treew.h"

enum { NSEQS = 40, MAX_RECORDS = 30000 };

static struct casg_err err;
static struct casg_coder *coder;
static struct casg_store *store;
/* thousands of packs are synced here: better in memory */
static char shm[] = "/dev/shm/casg-test-treeedit-XXXXXX";
static char tmp[] = "/tmp/casg-test-treeedit-XXXXXX";
static const char *dir;
static struct casg_oid seqs[NSEQS];
static uint64_t seq_nbytes[NSEQS];

static uint64_t rnd_state = 1;

static uint32_t rnd(uint32_t n)
{
	rnd_state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = rnd_state;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z >> 32) % n);
}

/* Small packs are closed in the midst of things. */
static struct casg_packw *new_packw(int small)
{
	struct casg_packw_opts po = { .packs_dir = ".", .tmp_dir = ".",
				      .pack_nbytes = (uint64_t)(small ? 1 : 1024) << 20 };
	struct casg_packw *w = casg_packw_new(store, &po, &err);

	if (!w)
		printf("Bail out! %s\n", err.msg);
	return w;
}

static void remove_files(void)
{
	DIR *d = opendir(".");
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlink(e->d_name);
	if (d)
		closedir(d);
}

/* Three chunks of sequences, one of them empty; nothing else. */
static void new_store(void)
{
	struct casg_store_opts so = { .packs_dir = ".", .cache_nbytes = 4 << 20 };
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_packw *w;

	casg_store_close(store);
	store = NULL;
	remove_files();
	if (casg_store_open(&store, &so, &err))
		printf("Bail out! %s\n", err.msg);
	w = new_packw(0);
	for (int from = 0; from < NSEQS; from += 15) {
		struct casg_objinfo info[NSEQS];
		struct casg_slice m[NSEQS];
		char text[NSEQS][32];
		struct casg_oid id;
		int n = 0;

		for (int i = from; i < from + 15 && i < NSEQS; i++, n++) {
			m[n].p = text[n];
			m[n].nbytes = i ? (size_t)snprintf(text[n], 32, "MKVLAT%d", i) : 0;
			info[n].nbytes = seq_nbytes[i] = m[n].nbytes;
			casg_hasher_digest(casg_coder_hasher(coder), text[n], m[n].nbytes,
					   &seqs[i]);
			info[n].id = seqs[i];
		}
		casg_buf_reset(&out);
		if (casg_chunk_encode(coder, CASG_CHUNK_SEQ, 0, 1, m, (uint32_t)n, NULL,
				      &out, &id, &err) ||
		    casg_packw_add(w, out.data, out.len, &id, info, &err))
			printf("Bail out! %s\n", err.msg);
	}
	if (casg_packw_finish(w, &err))
		printf("Bail out! %s\n", err.msg);
	casg_packw_free(w);
	casg_buf_release(&out);
}

/* ---- the model: records in an array ------------------------------------ */

/* Keys and descriptions by number: how they look depends on the kind of test. */
struct rec {
	uint32_t key, seq, desc;
	uint32_t occurrence;  /* once sorted */
};

struct shape {
	const char *name;
	uint32_t nkeys;       /* fewer than records: they repeat */
	uint32_t key_pad;     /* at most so many bytes before the number */
	uint32_t desc_nbytes; /* at most */
	uint32_t nrecords;
	int nedits, rounds, steps;
};

static const struct shape *shape;
static char *pad;

static size_t make_key(uint32_t k, char *out)
{
	/* different lengths, whose order is not that of the numbers */
	size_t n = shape->key_pad ? (k * 7919u) % shape->key_pad : 0;

	memcpy(out, pad, n);
	return n + (size_t)sprintf(out + n, "%c%u", 'a' + (int)(k % 3), k);
}

static size_t make_desc(uint32_t d, char *out)
{
	size_t n = shape->desc_nbytes ? (d * 104729u) % shape->desc_nbytes : 0;

	if (!d)
		return 0;
	memcpy(out, pad, n);
	return n + (size_t)sprintf(out + n, " %u", d);
}

static char *keybuf, *keybuf2, *descbuf, *descbuf2;

static int cmp_rec(const void *a, const void *b)
{
	const struct rec *x = a, *y = b;
	size_t n = make_key(x->key, keybuf), m = make_key(y->key, keybuf2);
	int c = casg_key_cmp(keybuf, n, 0, keybuf2, m, 0);

	if (!c)
		c = casg_oid_cmp(&seqs[x->seq], &seqs[y->seq]);
	if (c || x->desc == y->desc)
		return c;
	n = make_desc(x->desc, descbuf);
	m = make_desc(y->desc, descbuf2);
	c = memcmp(descbuf, descbuf2, n < m ? n : m);
	return c ? c : n < m ? -1 : n > m;
}

static void sort_recs(struct rec *v, size_t n)
{
	qsort(v, n, sizeof(*v), cmp_rec);
	for (size_t i = 0; i < n; i++)
		v[i].occurrence = i && v[i].key == v[i - 1].key ? v[i - 1].occurrence + 1 : 0;
}

static void fill_entry(const struct rec *x, struct casg_entry *e, char *key, char *desc)
{
	memset(e, 0, sizeof(*e));
	e->key = key;
	e->klen = make_key(x->key, key);
	e->occurrence = x->occurrence;
	e->oid = seqs[x->seq];
	e->length = seq_nbytes[x->seq];
	e->desc = desc;
	e->dlen = make_desc(x->desc, desc);
}

static void random_rec(struct rec *x)
{
	x->key = rnd(shape->nkeys);
	x->seq = rnd(NSEQS);
	x->desc = rnd(3) ? rnd(50) : 0;
}

/* ---- scripts ----------------------------------------------------------- */

struct edit {
	enum casg_edit_op op;
	struct rec r;
	uint64_t tag;
};

struct script {
	struct edit *v;
	size_t n, at;
	/* what is checked as it is told */
	const struct rec *old, *new;
	size_t nold, nnew;
	uint64_t next_old, next_new;
	uint8_t *put;         /* a flag for each edit */
	int bad;
};

static int cmp_edit(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;
	size_t n = make_key(x->r.key, keybuf), m = make_key(y->r.key, keybuf2);
	int c = casg_key_cmp(keybuf, n, 0, keybuf2, m, 0);

	return c ? c : x->tag < y->tag ? -1 : 1;
}

static int give_edit(void *ctx, struct casg_edit *out, struct casg_err *e)
{
	struct script *s = ctx;
	const struct edit *x;

	(void)e;
	if (s->at == s->n)
		return 0;
	x = &s->v[s->at++];
	out->op = x->op;
	out->tag = x->tag;
	fill_entry(&x->r, &out->e, keybuf, descbuf);
	return 1;
}

static int same_rec(const struct rec *a, const struct rec *b)
{
	return a->key == b->key && a->seq == b->seq && a->desc == b->desc;
}

/* Records between those told are the same in both, in step. */
static void check_until(struct script *s, uint64_t old, uint64_t new)
{
	while (s->next_old < old && s->next_new < new && !s->bad) {
		s->bad |= s->next_old >= s->nold || s->next_new >= s->nnew ||
			  !same_rec(&s->old[s->next_old], &s->new[s->next_new]);
		s->next_old++;
		s->next_new++;
	}
}

static int check_edited(void *ctx, const struct casg_edited *x, struct casg_err *e)
{
	struct script *s = ctx;
	const struct rec *r = NULL;

	(void)e;
	check_until(s, x->old_rank == CASG_NO_RANK ? UINT64_MAX : x->old_rank,
		    x->new_rank == CASG_NO_RANK ? UINT64_MAX : x->new_rank);
	if (x->old_rank != CASG_NO_RANK) {
		s->bad |= x->old_rank >= s->nold || x->old_rank != s->next_old++;
		r = s->bad ? NULL : &s->old[x->old_rank];
	}
	if (x->new_rank != CASG_NO_RANK) {
		s->bad |= x->new_rank >= s->nnew || x->new_rank != s->next_new++;
		if (!s->bad && r)
			s->bad |= !same_rec(r, &s->new[x->new_rank]);
		r = s->bad ? NULL : &s->new[x->new_rank];
	}
	if (x->old_rank == CASG_NO_RANK && r) {
		s->bad |= x->tag >= s->n || s->put[x->tag]++;
		for (size_t i = 0; i < s->n; i++)
			if (s->v[i].tag == x->tag)
				s->bad |= !same_rec(&s->v[i].r, r);
	}
	s->bad |= r && (!casg_oid_eq(&x->e->oid, &seqs[r->seq]) ||
			x->e->length != seq_nbytes[r->seq]);
	return 0;
}

static int has_edit(const struct script *s, uint32_t key, enum casg_edit_op op, uint32_t occ)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].r.key == key && s->v[i].op == op &&
		    (op == CASG_EDIT_CLEAR || s->v[i].r.occurrence == occ))
			return 1;
	return 0;
}

/* Some edits, often close together; what the records are then. */
static void make_script(struct script *s, const struct rec *old, size_t nold,
			struct rec *new, size_t *nnew, int nedits)
{
	size_t near = nold ? rnd((uint32_t)nold) : 0, n = 0;
	int style = (int)rnd(8);

	for (int i = 0; i < nedits; i++) {
		struct edit *x = &s->v[s->n];

		x->tag = s->n;
		random_rec(&x->r);
		x->r.occurrence = 0;
		if (nold && rnd(3)) {
			size_t k = rnd(3) ? (near + rnd(40)) % nold : rnd((uint32_t)nold);

			x->r.key = old[k].key;
			x->r.occurrence = old[k].occurrence;
		}
		x->op = style == 0 ? CASG_EDIT_PUT : style == 1 && nold ? CASG_EDIT_REMOVE :
			(enum casg_edit_op)rnd(3);
		if (x->op == CASG_EDIT_REMOVE) {
			size_t k = 0;

			if (!nold)
				continue;
			k = style == 1 ? (near + (size_t)i) % nold : rnd((uint32_t)nold);
			x->r = old[k];
		}
		s->n++;
	}
	/* all but some, so that trees shrink */
	if (style == 2 && nold) {
		size_t keep = rnd(20);

		s->n = 0;
		for (size_t k = 0; k < nold && s->n < MAX_RECORDS; k++) {
			if (k >= near && k < near + keep)
				continue;
			s->v[s->n].op = CASG_EDIT_REMOVE;
			s->v[s->n].tag = s->n;
			s->v[s->n++].r = old[k];
		}
	}
	for (size_t k = 0; k < nold; k++)
		if (style == 2 ? k >= near && k < near + (s->n ? nold - s->n : nold) :
		    !has_edit(s, old[k].key, CASG_EDIT_CLEAR, 0) &&
		    !has_edit(s, old[k].key, CASG_EDIT_REMOVE, old[k].occurrence))
			new[n++] = old[k];
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].op == CASG_EDIT_PUT)
			new[n++] = s->v[i].r;
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), cmp_edit);
	sort_recs(new, n);
	*nnew = n;
}

/* ---- both ways --------------------------------------------------------- */

static int build(const struct rec *v, size_t n, int keep, struct casg_tree_stats *out)
{
	struct casg_packw *w = new_packw(0);
	struct casg_treew *t = casg_treew_new(store, w, NULL, &coder, 1, &err);
	int rc = t ? 0 : -1;

	for (size_t i = 0; i < n && !rc; i++) {
		struct casg_entry e;

		fill_entry(&v[i], &e, keybuf, descbuf);
		rc = casg_treew_add(t, &e, &err);
	}
	rc = rc ? rc : casg_treew_finish(t, out, &err);
	if (!rc && keep)
		rc = casg_packw_finish(w, &err);
	casg_treew_free(t);
	if (!keep || rc)
		casg_packw_abandon(w);
	casg_packw_free(w);
	if (rc)
		diag("build: %s", err.msg);
	return rc;
}

static int edit(struct script *s, const struct casg_oid *root, struct casg_edit_stats *out)
{
	struct casg_packw *w = new_packw(1);
	struct casg_treeedit t = {
		.store = store, .packw = w, .coders = &coder, .zlevel = 1,
		.depth = rnd(4) ? 3 : 0,
		.edits = give_edit, .edited = check_edited, .ctx = s,
	};
	int rc = casg_treeedit(&t, root, out, &err);

	if (!rc)
		rc = casg_packw_finish(w, &err);
	if (rc)
		casg_packw_abandon(w);
	casg_packw_free(w);
	return rc;
}

static int reads_back(const struct casg_oid *root, const struct rec *v, size_t n)
{
	struct casg_treer *t = casg_treer_open(store, coder, root, &err);
	struct casg_entry e, want;
	struct casg_objinfo info;
	struct casg_loc loc;
	size_t i = 0;
	int rc = t ? 1 : 0;

	while (rc > 0 && (rc = casg_treer_next(t, &e, &loc, &err)) > 0) {
		fill_entry(&v[i], &want, keybuf, descbuf);
		if (i++ == n || e.occurrence != want.occurrence || e.klen != want.klen ||
		    memcmp(e.key, want.key, e.klen) || e.dlen != want.dlen ||
		    (e.dlen && memcmp(e.desc, want.desc, e.dlen)) ||
		    casg_store_info(store, coder, &loc, &info, &err) ||
		    !casg_oid_eq(&info.id, &want.oid))
			rc = -1;
	}
	casg_treer_free(t);
	return !rc && i == n;
}

static struct rec *olds, *news;
static struct edit *edits;
static uint8_t *flags;

/* One script against the tree of olds; 0 when all is as it should be. */
static const char *try_script(size_t nold, size_t *nnew, struct casg_oid *root, int nedits,
			      int read_it)
{
	struct script s = { .v = edits, .put = flags };
	struct casg_tree_stats want;
	struct casg_edit_stats got;
	uint64_t residues = 0;
	size_t puts = 0;

	memset(flags, 0, MAX_RECORDS);
	make_script(&s, olds, nold, news, nnew, nedits);
	s.old = olds;
	s.new = news;
	s.nold = nold;
	s.nnew = *nnew;
	if (build(news, *nnew, 0, &want))
		return "building failed";
	err.code = 0;
	if (edit(&s, root, &got)) {
		diag("%s", err.msg);
		return "editing failed";
	}
	if (!casg_oid_eq(&got.root, &want.root))
		return "another root";
	check_until(&s, nold, *nnew);
	for (size_t i = 0; i < s.n; i++)
		puts += s.v[i].op == CASG_EDIT_PUT;
	for (size_t i = 0; i < *nnew; i++)
		residues += seq_nbytes[news[i].seq];
	for (size_t i = 0; i < nold; i++)
		residues -= seq_nbytes[olds[i].seq];
	if (s.bad || s.next_old != nold || s.next_new != *nnew)
		return "ranks are told wrongly";
	if (got.nrecords != *nnew || got.nput != puts ||
	    got.nput - got.nremoved != *nnew - nold ||
	    got.residues_put - got.residues_removed != residues)
		return "the counts are wrong";
	if (got.nnodes_new != want.nnodes_new) {
		diag("%llu written, %llu new", (unsigned long long)got.nnodes_new,
		     (unsigned long long)want.nnodes_new);
		return "other nodes are written than are new";
	}
	if (read_it && !reads_back(&got.root, news, *nnew))
		return "it does not read back";
	*root = got.root;
	return NULL;
}

static void run_shape(const struct shape *sh)
{
	int n = 0, bad = 0;

	shape = sh;
	for (int round = 0; round < sh->rounds && !bad; round++) {
		size_t nold = round ? rnd(sh->nrecords + 1) : sh->nrecords, nnew;
		struct casg_tree_stats st;

		new_store();
		for (size_t i = 0; i < nold; i++)
			random_rec(&olds[i]);
		sort_recs(olds, nold);
		if (build(olds, nold, 1, &st)) {
			bad = 1;
			break;
		}
		for (int step = 0; step < sh->steps; step++, n++) {
			struct rec *swap = olds;
			uint64_t seed = rnd_state;
			const char *what = try_script(nold, &nnew, &st.root,
						      1 + (int)rnd((uint32_t)sh->nedits),
						      step % 8 == 0);

			if (what) {
				diag("%s: round %d, step %d, state %llu: %s", sh->name, round,
				     step, (unsigned long long)seed, what);
				bad = 1;
				break;
			}
			olds = news;
			news = swap;
			nold = nnew;
		}
	}
	ok(!bad, "%s: %d scripts", sh->name, n);
}

/* ---- cost -------------------------------------------------------------- */

static void test_cost(void)
{
	static const struct shape sh = { "cost", 1 << 30, 0, 20, 0, 0, 0, 0 };
	struct casg_tree_stats st;
	uint64_t read = 0, written = 0, most = 0;
	const int n = 200;
	struct casg_treer *t;
	int levels;

	shape = &sh;
	new_store();
	for (size_t i = 0; i < MAX_RECORDS; i++)
		random_rec(&olds[i]);
	sort_recs(olds, MAX_RECORDS);
	if (!ok(!build(olds, MAX_RECORDS, 1, &st), "a tree of %d records", MAX_RECORDS))
		return;
	t = casg_treer_open(store, coder, &st.root, &err);
	levels = casg_treer_root_level(t) + 1;
	casg_treer_free(t);
	for (int i = 0; i < n; i++) {
		struct edit one = { .op = CASG_EDIT_PUT };
		struct script s = { .v = &one, .n = 1 };
		struct casg_packw *w = new_packw(0);
		struct casg_treeedit te = {
			.store = store, .packw = w, .coders = &coder, .zlevel = 1,
			.edits = give_edit, .ctx = &s,
		};
		struct casg_edit_stats got;

		one.r = olds[rnd(MAX_RECORDS)];
		if (i & 1)
			one.op = CASG_EDIT_REMOVE;
		if (casg_treeedit(&te, &st.root, &got, &err))
			printf("Bail out! %s\n", err.msg);
		casg_packw_abandon(w);
		casg_packw_free(w);
		read += got.nnodes_read;
		written += got.nnodes_new;
		most = got.nnodes_read > most ? got.nnodes_read : most;
	}
	diag("%d levels, %d edits: %.2f nodes read, %.2f written, at most %d read", levels, n,
	     (double)read / n, (double)written / n, (int)most);
	ok(read < (uint64_t)(3 * levels * n), "an edit reads a few nodes a level");
	ok(written < (uint64_t)(2 * levels * n), "and writes fewer");
}

/* ---- what is refused --------------------------------------------------- */

static void test_refusals(void)
{
	static const struct shape sh = { "small", 1000, 0, 5, 0, 0, 0, 0 };
	struct edit v[2] = { { .op = CASG_EDIT_REMOVE } };
	struct script s = { .v = v, .n = 1 };
	struct casg_edit_stats got;
	struct casg_tree_stats st;

	shape = &sh;
	new_store();
	olds[0] = (struct rec){ .key = 3, .seq = 1 };
	olds[1] = (struct rec){ .key = 3, .seq = 2 };
	olds[2] = (struct rec){ .key = 9, .seq = 2 };
	sort_recs(olds, 3);
	build(olds, 3, 1, &st);
	s.old = s.new = olds;
	v[0].r.key = 4;
	is_int(edit(&s, &st.root, &got), CASG_EABSENT, "to remove a key that is not there");
	s.at = 0;
	v[0].r.key = 3;
	v[0].r.occurrence = 2;
	is_int(edit(&s, &st.root, &got), CASG_EABSENT, "or an occurrence that is not there");
	is_str(err.msg, "there is no record 'a3', occurrence 2", "it says which");
	v[0].op = v[1].op = CASG_EDIT_CLEAR;
	v[0].r.key = 9;
	v[1].r.key = 4; /* "a9", "b4": in order; then not */
	s = (struct script){ .v = v, .n = 2, .old = olds, .new = olds };
	v[0].r.key = 4;
	v[1].r.key = 9;
	is_int(edit(&s, &st.root, &got), CASG_EBUG, "edits out of order");
	seqs[5].b[0] ^= 1;
	v[0] = (struct edit){ .op = CASG_EDIT_PUT, .r = { .key = 4, .seq = 5 } };
	s = (struct script){ .v = v, .n = 1, .old = olds, .new = olds };
	is_int(edit(&s, &st.root, &got), CASG_EABSENT, "a sequence that is in no pack");
	seqs[5].b[0] ^= 1;
	seq_nbytes[5]++;
	s.at = 0;
	is_int(edit(&s, &st.root, &got), CASG_ECORRUPT, "or is of another length");
	seq_nbytes[5]--;
	s = (struct script){ .v = v, .n = 0, .old = olds, .new = olds };
	ok(!edit(&s, &st.root, &got) && casg_oid_eq(&got.root, &st.root) && !got.nnodes_new,
	   "no edits: the same root");
	st.root.b[3] ^= 1;
	is_int(edit(&s, &st.root, &got), CASG_EABSENT, "a tree that is not there");
}

int main(int argc, char **argv)
{
	static const struct shape shapes[] = {
		{ "short keys", 4000, 0, 30, 300, 12, 40, 25 },
		{ "few records", 30, 0, 9, 20, 6, 40, 25 },
		{ "keys that repeat", 12, 0, 9, 400, 10, 20, 25 },
		{ "one key", 1, 0, 12, 300, 6, 6, 20 },
		{ "three levels", 1 << 30, 0, 10, 9000, 20, 4, 12 },
		{ "long keys", 300, 65000, 8, 120, 6, 5, 20 },
		{ "keys of all lengths", 3000, 9000, 100, 400, 10, 5, 15 },
		{ "long descriptions", 200, 9, 6000, 300, 10, 8, 15 },
		{ "long descriptions of one key", 2, 0, 9000, 60, 6, 8, 15 },
	};

	pad = malloc(1 << 17);
	keybuf = malloc(1 << 17);
	keybuf2 = malloc(1 << 17);
	descbuf = malloc(1 << 17);
	descbuf2 = malloc(1 << 17);
	olds = malloc(2 * MAX_RECORDS * sizeof(*olds));
	news = malloc(2 * MAX_RECORDS * sizeof(*news));
	edits = malloc(MAX_RECORDS * sizeof(*edits));
	flags = malloc(MAX_RECORDS);
	coder = casg_coder_new();
	if (!flags || !edits || !news || !olds || !descbuf2 || !coder)
		return 1;
	dir = mkdtemp(shm);
	if (!dir)
		dir = mkdtemp(tmp);
	if (!dir || chdir(dir))
		return 1;
	memset(pad, 'x', 1 << 17);
	if (argc > 1)
		rnd_state = strtoull(argv[1], NULL, 10);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		run_shape(&shapes[i]);
	test_cost();
	test_refusals();
	casg_store_close(store);
	casg_coder_free(coder);
	remove_files();
	if (!chdir("/"))
		rmdir(dir);
	return done_testing();
}
