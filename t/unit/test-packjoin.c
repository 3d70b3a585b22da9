#include "packjoin.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "io.h"
#include "nodelink.h"
#include "packwalk.h"
#include "tap.h"
#include "treew.h"

static struct casg_err err;
static struct casg_coder *coder;
static struct casg_store *store;
static struct casg_oid seq_id[40];
static char dir[] = "/tmp/casg-test-packjoin-XXXXXX";

static void test_geometric(void)
{
	static const struct {
		uint64_t factor;
		uint32_t n, want;
		uint64_t sizes[8];
		const char *what;
	} t[] = {
		{ 2, 0, 0, { 0 }, "no pack" },
		{ 2, 1, 0, { 5 }, "one" },
		{ 2, 2, 2, { 5, 5 }, "two of a size" },
		{ 2, 2, 0, { 5, 10 }, "two that grow" },
		{ 2, 2, 2, { 5, 9 }, "two that do not grow enough" },
		{ 2, 5, 0, { 1, 2, 4, 8, 16 }, "all grow" },
		{ 2, 5, 2, { 3, 3, 12, 24, 48 }, "the smallest two" },
		{ 2, 5, 3, { 3, 3, 11, 34, 68 }, "and the next, since it is small beside both" },
		{ 2, 4, 4, { 1, 1, 3, 9 }, "one draws the other in" },
		{ 3, 3, 3, { 2, 4, 12 }, "a larger factor" },
		{ 3, 3, 0, { 1, 4, 12 }, "which is kept" },
		{ 2, 3, 0, { 1, UINT64_MAX / 4, UINT64_MAX / 2 + 1 }, "the largest there are" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		is_int(casg_packjoin_geometric(t[i].sizes, t[i].n, t[i].factor), t[i].want, "%s",
		       t[i].what);
}

/* What is left grows by the factor, and joining again finds nothing to do. */
static void test_settled(void)
{
	uint32_t seed = 1, bad = 0;

	for (int round = 0; round < 2000; round++) {
		uint64_t sizes[20], sum = 0;
		uint32_t n = 1 + (uint32_t)round % 19, k;

		for (uint32_t i = 0; i < n; i++) {
			seed = seed * 1664525u + 1013904223u;
			sizes[i] = (seed >> 8) % 1000 + (i ? sizes[i - 1] : 1);
		}
		k = casg_packjoin_geometric(sizes, n, 2);
		for (uint32_t i = 0; i < k; i++)
			sum += sizes[i];
		bad += k == 1 || k > n;
		if (k) {
			sizes[k - 1] = sum;
			bad += k < n && sizes[k] < 2 * sum;
			bad += casg_packjoin_geometric(sizes + k - 1, n - k + 1, 2) != 0;
		}
	}
	is_int(bad, 0, "what is left grows, and stays");
}

/* ---- packs -------------------------------------------------------------- */

static struct casg_packw *new_packw(void)
{
	struct casg_packw_opts o = { .packs_dir = ".", .tmp_dir = ".",
				     .pack_nbytes = (uint64_t)64 << 20 };

	return casg_packw_new(store, &o, &err);
}

static void add_seqs(struct casg_packw *w, uint32_t from)
{
	static char text[20][16];
	struct casg_slice m[20];
	struct casg_objinfo info[20];
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_oid id;

	for (uint32_t i = 0; i < 20; i++) {
		m[i].p = (const uint8_t *)text[i];
		m[i].nbytes = (uint64_t)sprintf(text[i], "MKV%uL", from + i);
		casg_hasher_digest(casg_coder_hasher(coder), text[i], m[i].nbytes, &info[i].id);
		info[i].nbytes = m[i].nbytes;
		seq_id[from + i] = info[i].id;
	}
	if (casg_chunk_encode(coder, CASG_CHUNK_SEQ, 0, 3, m, 20, NULL, &out, &id, &err) ||
	    casg_packw_add(w, out.data, out.len, &id, info, &err) || casg_packw_finish(w, &err))
		ok(0, "%s", err.msg);
	casg_buf_release(&out);
}

/* A tree of the first n sequences, as differences from another or whole. */
static struct casg_oid add_tree(struct casg_packw *w, uint32_t n, const struct casg_oid *base)
{
	struct casg_treew *t = casg_treew_new(store, w, NULL, &coder, 3, &err);
	struct casg_tree_stats stats = { .nnodes = 0 };
	char key[16], text[16];

	if (base && casg_treew_base(t, base, CASG_NODELINK_IMPORT_DEPTH, &err))
		ok(0, "%s", err.msg);
	for (uint32_t i = 0; i < n; i++) {
		struct casg_entry e = { .key = key, .desc = " some protein", .dlen = 13 };

		e.klen = (size_t)sprintf(key, "K%04u", i);
		e.oid = seq_id[i];
		e.length = (uint64_t)sprintf(text, "MKV%uL", i);
		if (casg_treew_add(t, &e, &err))
			ok(0, "%s", err.msg);
	}
	if (casg_treew_finish(t, &stats, &err) || casg_packw_finish(w, &err))
		ok(0, "%s", err.msg);
	casg_treew_free(t);
	return stats.root;
}

/* The pack by itself, without any store: nothing is missing, and its index is this. */
static void check_alone(const char *path)
{
	struct casg_packwalk_opts o = { .quick = 0 };
	struct casg_buf got = CASG_BUF_INIT, want = CASG_BUF_INIT;
	struct casg_packwalk *w;
	int fd = open(path, O_RDONLY);
	char idx[256];

	snprintf(idx, sizeof(idx), "%.*sidx", (int)strlen(path) - 4, path);
	if (casg_packwalk_open(&w, fd, path, NULL, NULL, &err) ||
	    casg_packwalk_check(w, &o, &err))
		ok(0, "%s", err.msg);
	ok(!w->ndamaged && !w->nunsettled, "the joined pack is complete");
	is_int(casg_packwalk_index(w, &got, &err), 0, "its index can be made of it alone");
	casg_read_file(idx, 1 << 30, &want, &err);
	is_mem(got.data, got.len, want.data, want.len, "and is the one its writer wrote");
	casg_packwalk_close(w);
	close(fd);
	casg_buf_release(&got);
	casg_buf_release(&want);
}

/* join N PACKS in that order; the path of what comes of it */
static const char *join(const uint32_t *packs, uint32_t n)
{
	struct casg_packw *w = new_packw();
	const struct casg_oid *id;
	uint32_t pack = 0;

	for (uint32_t i = 0; i < n; i++)
		is_int(casg_packjoin_add(w, store, coder, packs[i], &err), 0, "pack %u is joined",
		       packs[i]);
	is_int(casg_packw_finish(w, &err), 0, "to one");
	is_int(casg_packw_npacks(w), 1, "and no more");
	id = casg_packw_pack(w, 0, NULL);
	ok(casg_store_find_pack(store, id, &pack), "the store has it");
	casg_packw_free(w);
	return casg_store_pack_path(store, pack);
}

static void test_join(void)
{
	static const uint32_t forward[] = { 0, 1, 2, 3, 4 }, backward[] = { 4, 3, 2, 1, 0 };
	struct casg_packw *w = new_packw();
	struct casg_oid root;

	add_seqs(w, 0);
	add_seqs(w, 20);
	root = add_tree(w, 20, NULL);
	root = add_tree(w, 30, &root);
	add_tree(w, 40, &root);
	is_int(casg_packw_npacks(w), 5, "five packs");
	casg_packw_free(w);
	check_alone(join(forward, 5));
	/* bases come behind what rests on them */
	check_alone(join(backward, 5));
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
	if (rmdir(dir))
		diag("'%s' stays", dir);
}

int main(void)
{
	struct casg_store_opts so = { .packs_dir = ".", .cache_nbytes = 1 << 20 };

	test_geometric();
	test_settled();
	if (!mkdtemp(dir) || chdir(dir))
		return 1;
	coder = casg_coder_new();
	is_int(casg_store_open(&store, &so, &err), 0, "an empty store");
	test_join();
	casg_store_close(store);
	casg_coder_free(coder);
	remove_dir();
	return done_testing();
}
