#include "packwalk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endian.h"
#include "io.h"
#include "node.h"
#include "pack.h"
#include "packw.h"
#include "sum.h"
#include "tap.h"
#include "treew.h"

static struct casg_err err;
static struct casg_coder *coder;
static struct casg_store *store;
static char dir[] = "/tmp/casg-test-packwalk-XXXXXX";

#define NSEQ 900
static struct casg_oid seq_id[NSEQ];

/* ---- a store with a pack of sequences and one of nodes ------------------ */

static size_t make_seq(uint32_t i, char *out)
{
	uint64_t x = i + 1;
	size_t n = i % 7 ? 20 + i % 90 : 3;

	for (size_t k = 0; k < n; k++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		out[k] = "ACDEFGHIKLMNPQRSTVWY"[(x >> 40) % 20];
	}
	/* the number at the end makes them distinct */
	for (uint32_t v = i, k = 0; k < 3; k++, v /= 20)
		out[n++] = "ACDEFGHIKLMNPQRSTVWY"[v % 20];
	return n;
}

static struct casg_packw *new_packw(void)
{
	struct casg_packw_opts o = { .packs_dir = ".", .tmp_dir = ".",
				     .pack_nbytes = (uint64_t)64 << 20 };

	return casg_packw_new(store, &o, &err);
}

static void add_seqs(struct casg_packw *w, uint32_t from, uint32_t n)
{
	static char text[200][160];
	struct casg_slice m[200];
	struct casg_objinfo info[200];
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_oid id;

	for (uint32_t i = 0; i < n; i++) {
		m[i].p = text[i];
		m[i].nbytes = make_seq(from + i, text[i]);
		casg_hasher_digest(casg_coder_hasher(coder), text[i], m[i].nbytes, &info[i].id);
		info[i].nbytes = m[i].nbytes;
		seq_id[from + i] = info[i].id;
	}
	if (casg_chunk_encode(coder, CASG_CHUNK_SEQ, 0, 3, m, n, NULL, &out, &id, &err) ||
	    casg_packw_add(w, out.data, out.len, &id, info, &err))
		ok(0, "%s", err.msg);
	casg_buf_release(&out);
}

/* The first 300 sequences, one after the other, are also one long sequence. */
static void add_long(struct casg_packw *w)
{
	struct casg_hasher *h = casg_hasher_new();
	struct casg_long l = { .kind = CASG_CHUNK_SEQ };
	char text[160];

	l.pieces = calloc(300, sizeof(*l.pieces));
	l.piece_nbytes = calloc(300, sizeof(*l.piece_nbytes));
	l.npieces = 300;
	casg_hasher_init(h);
	for (uint32_t i = 0; i < 300; i++) {
		size_t n = make_seq(i, text);

		casg_hasher_update(h, text, n);
		l.pieces[i] = seq_id[i];
		l.piece_nbytes[i] = n;
		l.nbytes += n;
	}
	casg_hasher_final(h, &l.id);
	is_int(casg_packw_long(w, store, coder, &l, &err), 0, "a long sequence is stored");
	casg_long_release(&l);
	casg_hasher_free(h);
}

static void add_tree(struct casg_packw *w)
{
	struct casg_treew *t = casg_treew_new(store, w, NULL, &coder, 3, &err);
	struct casg_tree_stats stats;
	char key[16], text[160];

	for (uint32_t i = 0; i < NSEQ; i++) {
		struct casg_entry e = { .key = key, .desc = " some protein", .dlen = 13 };

		e.klen = (size_t)sprintf(key, "K%04u", i);
		e.oid = seq_id[i];
		e.length = make_seq(i, text);
		if (casg_treew_add(t, &e, &err))
			ok(0, "%s", err.msg);
	}
	is_int(casg_treew_finish(t, &stats, &err), 0, "a tree of %d records is stored", NSEQ);
	ok(stats.nnodes > 5, "in %d nodes", (int)stats.nnodes);
	casg_treew_free(t);
}

static void make_store(void)
{
	struct casg_store_opts o = { .packs_dir = ".", .cache_nbytes = 1 << 20 };
	struct casg_packw *w;

	is_int(casg_store_open(&store, &o, &err), 0, "an empty store");
	w = new_packw();
	for (uint32_t i = 0; i < NSEQ; i += 100)
		add_seqs(w, i, 100);
	add_long(w);
	is_int(casg_packw_finish(w, &err), 0, "a pack of sequences");
	add_tree(w);
	is_int(casg_packw_finish(w, &err), 0, "a pack of nodes");
	is_int(casg_packw_npacks(w), 2, "two packs");
	casg_packw_free(w);
}

/* ---- good packs -------------------------------------------------------- */

static struct casg_packwalk *walk(const char *path, struct casg_workers *pool,
				  struct casg_store *s, int quick, uint64_t window)
{
	struct casg_packwalk_opts o = { .quick = quick, .pool = pool, .store = s,
					.window_nbytes = window };
	struct casg_packwalk *w;
	struct casg_oid id;
	int fd = open(path, O_RDONLY), named = casg_packwalk_name(path, &id);

	if (casg_packwalk_open(&w, fd, path, named ? &id : NULL, NULL, &err) ||
	    casg_packwalk_check(w, &o, &err))
		ok(0, "%s", err.msg);
	close(fd);
	return w;
}

static void same_index(const struct casg_packwalk *w, const char *pack_path)
{
	struct casg_buf got = CASG_BUF_INIT, want = CASG_BUF_INIT;
	char idx[256];

	snprintf(idx, sizeof(idx), "%.*sidx", (int)strlen(pack_path) - 4, pack_path);
	is_int(casg_packwalk_index(w, &got, &err), 0, "it has an index");
	casg_read_file(idx, 1 << 30, &want, &err);
	is_mem(got.data, got.len, want.data, want.len, "the one its writer wrote");
	casg_buf_release(&got);
	casg_buf_release(&want);
}

static void test_good(void)
{
	for (int threads = 1; threads <= 4; threads += 3) {
		struct casg_workers *pool = casg_workers_new(threads, &err);

		for (uint32_t i = 0; i < casg_store_npacks(store); i++) {
			const char *path = casg_store_pack_path(store, i);
			struct casg_packwalk *w = walk(path, pool, store, 0,
						       threads == 4 ? 1 : 0);

			ok(!w->ndamaged && !w->nunsettled, "pack %u is good, %d threads", i,
			   threads);
			same_index(w, path);
			casg_packwalk_close(w);
			w = walk(path, pool, NULL, 1, 0);
			ok(!w->ndamaged && !w->nunsettled, "quickly too");
			is_int(casg_packwalk_index(w, NULL, &err), CASG_EBUG,
			       "which is not enough for an index");
			casg_packwalk_close(w);
		}
		casg_workers_free(pool);
	}
}

static void first_fault(void *ctx, uint32_t chunk, int state, int code, const char *msg)
{
	(void)chunk;
	(void)state;
	(void)code;
	if (!*(char *)ctx)
		snprintf(ctx, CASG_ERR_MAX, "%s", msg);
}

static void last_fault(void *ctx, uint32_t chunk, int state, int code, const char *msg)
{
	(void)chunk;
	(void)state;
	(void)code;
	snprintf(ctx, CASG_ERR_MAX, "%s", msg);
}

static void test_alone(void)
{
	int settled = 0, unsettled = 0;
	char msg[CASG_ERR_MAX] = "";

	for (uint32_t i = 0; i < casg_store_npacks(store); i++) {
		struct casg_packwalk *w = walk(casg_store_pack_path(store, i), NULL, NULL, 0, 0);

		is_int(w->ndamaged, 0, "nothing is damaged");
		if (w->nunsettled) {
			unsettled++;
			casg_packwalk_each_fault(w, first_fault, msg);
		} else {
			settled++;
		}
		casg_packwalk_close(w);
	}
	ok(settled == 1 && unsettled == 1, "the pack of nodes needs the other one");
	ok(strstr(msg, "refers to chunk") && strstr(msg, "which is in no pack here"),
	   "and says so: %s", msg);
}

/*
 * Two sequences whose SHA-256 agree in the first 32 bits, which is what the
 * index keeps; found by hashing "MKV" and five letters that count up, until
 * one of 2^16.. agreed with a former one.
 */
static void test_collision(void)
{
	static const char *const pair[2] = { "MKVGMMFA", "MKVGMNGA" };
	struct casg_packw *w = new_packw();
	struct casg_slice m[2];
	struct casg_objinfo info[2];
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_oid id;
	struct casg_loc loc;

	for (int i = 0; i < 2; i++) {
		m[i] = (struct casg_slice){ pair[i], 8 };
		casg_hasher_digest(casg_coder_hasher(coder), pair[i], 8, &info[i].id);
		info[i].nbytes = 8;
	}
	ok(!memcmp(info[0].id.b, info[1].id.b, 4) && memcmp(info[0].id.b, info[1].id.b, 8),
	   "two ids share 32 bits");
	casg_chunk_encode(coder, CASG_CHUNK_SEQ, 0, 3, m, 1, NULL, &out, &id, &err);
	casg_packw_add(w, out.data, out.len, &id, info, &err);
	casg_packw_finish(w, &err);
	is_int(casg_store_find(store, coder, &info[0].id, &loc, NULL, &err), 1,
	       "the first is found");
	is_int(casg_store_find(store, coder, &info[1].id, &loc, NULL, &err), 0,
	       "the second is not taken for it");
	casg_buf_reset(&out);
	casg_chunk_encode(coder, CASG_CHUNK_SEQ, 0, 3, m + 1, 1, NULL, &out, &id, &err);
	casg_packw_add(w, out.data, out.len, &id, info + 1, &err);
	casg_packw_finish(w, &err);
	for (int i = 0; i < 2; i++) {
		casg_buf_reset(&out);
		is_int(casg_store_read_id(store, coder, &info[i].id, 100, &out, &err), 0,
		       "number %d is read", i);
		is_mem(out.data, out.len, pair[i], 8, "as it is");
	}
	id = info[0].id;
	id.b[31] ^= 1;
	is_int(casg_store_find(store, coder, &id, &loc, NULL, &err), 0,
	       "31 bytes and a half are not enough");
	casg_buf_release(&out);
	casg_packw_free(w);
}

/* ---- forged packs: right sums, wrong content ---------------------------- */

struct forged {
	struct casg_buf b;
	uint64_t nchunks;
};

static void start(struct forged *f)
{
	uint8_t h[CASG_PACK_HEADSZ];

	memset(f, 0, sizeof(*f));
	casg_pack_head_encode(h);
	casg_buf_add(&f->b, h, sizeof(h));
}

static void put(struct forged *f, int kind, const struct casg_slice *m, uint32_t n,
		struct casg_oid *id_out)
{
	struct casg_oid id;

	if (kind == CASG_CHUNK_NODE)
		casg_chunk_encode_nodes(coder, CASG_LAYOUT_COLUMNS, 3, m, n, &f->b, &id, &err);
	else
		casg_chunk_encode(coder, kind, 0, 3, m, n, NULL, &f->b, &id, &err);
	if (id_out)
		*id_out = id;
	f->nchunks++;
}

static void put_seqs(struct forged *f, struct casg_oid *id_out)
{
	static const struct casg_slice m[3] = { { "MKV", 3 }, { "LLAT", 4 }, { "ACGT", 4 } };

	put(f, CASG_CHUNK_SEQ, m, 3, id_out);
}

static void put_refs(struct forged *f, const struct casg_oid *id, uint32_t nmembers,
		     size_t nbytes)
{
	uint8_t r[CASG_REF_SZ + 1] = { 0 };
	struct casg_slice m = { r, nbytes };

	memcpy(r, id->b, CASG_OID_RAWSZ);
	casg_put_le32(r + CASG_OID_RAWSZ, nmembers);
	put(f, CASG_CHUNK_REFS, &m, 1, NULL);
}

static void put_leaf(struct forged *f, uint64_t ref)
{
	struct casg_entry e = { .key = "k", .klen = 1, .desc = "", .ref = ref };
	struct casg_buf col[CASG_COLUMNS] = { CASG_BUF_INIT, CASG_BUF_INIT, CASG_BUF_INIT,
					      CASG_BUF_INIT };
	struct casg_slice m[CASG_COLUMNS];

	casg_leaf_store(&e, 1, col);
	for (int j = 0; j < CASG_COLUMNS; j++)
		m[j] = (struct casg_slice){ col[j].data ? (void *)col[j].data : "", col[j].len };
	put(f, CASG_CHUNK_NODE, m, 1, NULL);
	for (int j = 0; j < CASG_COLUMNS; j++)
		casg_buf_release(&col[j]);
}

/* A list of the first two of put_seqs's, with the given claim. */
static void put_list(struct forged *f, const char *claim, uint64_t second_nbytes)
{
	struct casg_piece p[2] = { { 0, 3 }, { 1, second_nbytes } };
	struct casg_list l = { .kind = CASG_CHUNK_SEQ, .nbytes = 3 + second_nbytes,
			       .pieces = p, .npieces = 2 };
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_slice m;

	casg_hasher_digest(casg_coder_hasher(coder), claim, strlen(claim), &l.id);
	casg_list_encode(&l, &b);
	m = (struct casg_slice){ b.data, b.len };
	put(f, CASG_CHUNK_LIST, &m, 1, NULL);
	casg_buf_release(&b);
}

/* Ends the pack, checks it, and expects these counts; 'says' is in a message. */
static void expect(struct forged *f, uint32_t ndamaged, uint32_t nunsettled,
		   const char *says, const char *name)
{
	struct casg_packwalk_opts o = { .quick = 0 };
	struct casg_buf index = CASG_BUF_INIT;
	uint8_t t[CASG_PACK_TRAILSZ];
	char msg[CASG_ERR_MAX] = "";
	struct casg_packwalk *w;
	int fd = memfd_create("pack", 0);

	casg_pack_trail_encode(t, f->nchunks);
	casg_buf_add(&f->b, t, sizeof(t));
	casg_write_full(fd, f->b.data, f->b.len, &err);
	if (casg_packwalk_open(&w, fd, "forged", NULL, NULL, &err) ||
	    casg_packwalk_check(w, &o, &err)) {
		ok(0, "%s: %s", name, err.msg);
		return;
	}
	casg_packwalk_each_fault(w, last_fault, msg);
	ok(w->ndamaged == ndamaged && w->nunsettled == nunsettled &&
	   (!says || strstr(msg, says)), "%s: %u damaged, %u unsettled, '%s'", name,
	   w->ndamaged, w->nunsettled, msg);
	is_int(casg_packwalk_index(w, &index, &err),
	       ndamaged + nunsettled ? CASG_EBUG : 0, "and its index");
	casg_packwalk_close(w);
	close(fd);
	casg_buf_release(&f->b);
	casg_buf_release(&index);
}

static void test_forged_refs(void)
{
	struct casg_oid id, other = { { 1, 2, 3 } };
	struct forged f;

	start(&f), put_seqs(&f, &id), put_leaf(&f, 2), put_refs(&f, &id, 3, CASG_REF_SZ);
	expect(&f, 0, 0, NULL, "a leaf and its sequence in one pack");
	start(&f), put_seqs(&f, &id), put_refs(&f, &id, 3, CASG_REF_SZ), put_leaf(&f, 2);
	expect(&f, 1, 0, "a reference is out of range", "references before what they explain");
	start(&f), put_seqs(&f, &id), put_leaf(&f, 2), put_refs(&f, &id, 3, CASG_REF_SZ);
	put_leaf(&f, 2), put_refs(&f, &id, 3, CASG_REF_SZ);
	expect(&f, 0, 0, NULL, "two packs in one, each with its references");
	start(&f), put_seqs(&f, &id), put_leaf(&f, 2), put_refs(&f, &id, 3, CASG_REF_SZ);
	put_leaf(&f, 3), put_refs(&f, &id, 3, CASG_REF_SZ);
	expect(&f, 1, 0, "a reference is beyond its section",
	       "a reference that would reach into the other's");
	start(&f), put_seqs(&f, &id), put_leaf(&f, 3), put_refs(&f, &id, 3, CASG_REF_SZ);
	expect(&f, 1, 0, "a reference is beyond its section", "a reference too far");
	start(&f), put_seqs(&f, &id), put_leaf(&f, UINT64_MAX);
	put_refs(&f, &id, 3, CASG_REF_SZ);
	expect(&f, 1, 0, "a reference is beyond its section", "a reference far too far");
	start(&f), put_seqs(&f, &id), put_leaf(&f, 0);
	expect(&f, 1, 0, "the pack has no references", "no references");
	start(&f), put_seqs(&f, &id), put_leaf(&f, 0), put_refs(&f, &id, 4, CASG_REF_SZ);
	expect(&f, 1, 1, "has 3 members where 4 are referred to", "a wrong count");
	start(&f), put_seqs(&f, &id), put_leaf(&f, 0), put_refs(&f, &other, 3, CASG_REF_SZ);
	expect(&f, 0, 1, "which is in no pack here", "a chunk that is nowhere");
	start(&f), put_seqs(&f, &id), put_leaf(&f, 0), put_refs(&f, &id, 3, CASG_REF_SZ + 1);
	expect(&f, 1, 1, "member 0 is malformed", "a reference too long");
}

static void test_forged_rest(void)
{
	struct casg_slice junk[CASG_COLUMNS] = { { "\1\0\5", 3 }, { "", 0 }, { "", 0 },
						 { "", 0 } };
	struct casg_oid id;
	struct forged f;

	start(&f), put_seqs(&f, &id), put_list(&f, "MKVLLAT", 4);
	put_refs(&f, &id, 3, CASG_REF_SZ);
	expect(&f, 0, 0, NULL, "a list and its pieces");
	start(&f), put_seqs(&f, &id), put_list(&f, "MKVLLAV", 4);
	put_refs(&f, &id, 3, CASG_REF_SZ);
	expect(&f, 1, 0, "the pieces do not add up to the whole", "a list with another id");
	start(&f), put_seqs(&f, &id), put_list(&f, "MKVLLA", 3);
	put_refs(&f, &id, 3, CASG_REF_SZ);
	expect(&f, 1, 0, "a piece has another length than listed", "a shorter piece");
	for (int i = 0; i < 4; i++) {
		struct casg_slice m = { &"MKV\nMKVaMKV MKV\177"[4 * i], 4 };

		start(&f), put(&f, CASG_CHUNK_SEQ, &m, 1, NULL);
		expect(&f, 1, 0, "a byte that none may hold", "a sequence that is none");
	}
	start(&f), put_seqs(&f, &id), put(&f, CASG_CHUNK_LIST, junk, 1, NULL);
	expect(&f, 1, 0, "corrupt piece list", "a list that is none");
	start(&f), put(&f, CASG_CHUNK_NODE, junk, 1, NULL);
	expect(&f, 1, 0, "corrupt tree node", "a node that is none");
	junk[0].p = "\2\0\0";
	start(&f), put(&f, CASG_CHUNK_NODE, junk, 1, NULL);
	expect(&f, 0, 1, "unsupported tree node kind 2", "a node of kind 2");
	start(&f);
	expect(&f, 1, 0, "it holds no chunks", "an empty pack");
	start(&f), put_seqs(&f, &id), f.nchunks++;
	expect(&f, 1, 0, "counts 2 chunks where there are 1", "a wrong trailer");
	start(&f), put_seqs(&f, &id), casg_buf_addch(&f.b, 0);
	expect(&f, 1, 0, "it is cut short", "a byte between");
}

/* An unknown kind under a right checksum is not damage, and can be skipped. */
static void test_unknown_kind(void)
{
	struct casg_oid id;
	struct forged f;
	uint8_t *p;

	start(&f), put_seqs(&f, &id);
	p = f.b.data + CASG_PACK_HEADSZ;
	p[0] = 77;
	casg_put_le64(p + 24, casg_xxh64(casg_xxh64(0, p, 24), p + 32,
					 f.b.len - CASG_PACK_HEADSZ - 32));
	put_seqs(&f, &id);
	expect(&f, 0, 1, "unsupported chunk kind 77", "an unknown kind");
	start(&f), put_seqs(&f, &id);
	f.b.data[CASG_PACK_HEADSZ] = 77;
	put_seqs(&f, &id);
	expect(&f, 1, 0, "its header is damaged", "an unknown kind and a wrong sum");
}

static void remove_dir(void)
{
	struct dirent *e;
	DIR *d = opendir(".");

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlink(e->d_name);
	if (d)
		closedir(d);
	if (chdir("/") || rmdir(dir))
		diag("'%s' is left over", dir);
}

int main(void)
{
	if (!mkdtemp(dir) || chdir(dir))
		return 1;
	coder = casg_coder_new();
	make_store();
	test_good();
	test_alone();
	test_collision();
	test_forged_refs();
	test_forged_rest();
	test_unknown_kind();
	casg_store_close(store);
	casg_coder_free(coder);
	remove_dir();
	return done_testing();
}
