/*
 * What is read back through the store when a pack is not what a writer makes:
 * the checksums and ids are right, only the claims are not.
 */
#include "store.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporter.h"
#include "node.h"
#include "objects.h"
#include "packw.h"
#include "tap.h"
#include "treer.h"

static struct casg_err err;
static struct casg_coder *coder;
static struct casg_store *store;
static struct casg_packw *w;
static char dir[] = "/tmp/casg-test-store-XXXXXX";

static struct casg_oid seq_chunk, seq_id;
static const char seq[] = "MKVLATMKVLAT";

static void open_all(void)
{
	struct casg_store_opts so = { .packs_dir = ".", .cache_nbytes = 1 << 20 };
	struct casg_packw_opts po = { .packs_dir = ".", .tmp_dir = ".",
				      .pack_nbytes = (uint64_t)64 << 20 };

	coder = casg_coder_new();
	if (casg_store_open(&store, &so, &err) || !(w = casg_packw_new(store, &po, &err)))
		printf("Bail out! %s\n", err.msg);
}

static void add_seq(void)
{
	struct casg_slice m = { (const uint8_t *)seq, sizeof(seq) - 1 };
	struct casg_objinfo info = { .nbytes = sizeof(seq) - 1 };
	struct casg_buf out = CASG_BUF_INIT;

	casg_hasher_digest(casg_coder_hasher(coder), seq, sizeof(seq) - 1, &seq_id);
	info.id = seq_id;
	casg_chunk_encode(coder, CASG_CHUNK_SEQ, 0, 1, &m, 1, &seq_id, &out, &seq_chunk, &err);
	ok(!casg_packw_add(w, out.data, out.len, &seq_chunk, &info, &err) &&
	   !casg_packw_finish(w, &err), "a pack of one sequence");
	casg_buf_release(&out);
}

static void add_node(struct casg_buf col[CASG_COLUMNS], const struct casg_oid *id)
{
	struct casg_slice m[CASG_COLUMNS];
	struct casg_objinfo info = { .id = *id };
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_oid chunk;

	for (int j = 0; j < CASG_COLUMNS; j++) {
		m[j].p = col[j].data;
		m[j].nbytes = col[j].len;
	}
	if (casg_chunk_encode_nodes(coder, CASG_LAYOUT_COLUMNS, 1, m, 1, &out, &chunk, &err) ||
	    casg_packw_add(w, out.data, out.len, &chunk, &info, &err))
		printf("Bail out! %s\n", err.msg);
	casg_buf_release(&out);
	for (int j = 0; j < CASG_COLUMNS; j++)
		casg_buf_release(&col[j]);
}

/* ---- a node that two entries refer to ---------------------------------- */

static char keys[CASG_NODE_MAX][8];

/* A leaf that ends where a boundary is; its number of entries. */
static uint32_t add_leaf(struct casg_oid *id)
{
	static struct casg_entry e[CASG_NODE_MAX];
	struct casg_buf col[CASG_COLUMNS] = { CASG_BUF_INIT };
	struct casg_oid hash[CASG_NODE_MAX];
	uint64_t base;
	uint32_t n = 0;

	if (casg_packw_ref(w, &seq_chunk, 1, &base, &err))
		printf("Bail out! %s\n", err.msg);
	do {
		snprintf(keys[n], sizeof(keys[n]), "a%05u", n);
		e[n].key = keys[n];
		e[n].klen = 6;
		e[n].oid = seq_id;
		e[n].length = sizeof(seq) - 1;
		e[n].desc = "";
		e[n].ref = base;
		casg_entry_hash(casg_coder_hasher(coder), &e[n], &hash[n]);
		n++;
	} while (n < CASG_NODE_MIN || (n < CASG_NODE_MAX &&
				       !casg_node_boundary(0, e[n - 1].key, 6, 0)));
	casg_node_id(casg_coder_hasher(coder), CASG_NODE_KIND_RECORD, 0, n, hash, id);
	casg_leaf_store(e, n, col);
	add_node(col, id);
	return n;
}

static void add_root(const struct casg_oid *leaf, uint32_t n, struct casg_oid *id)
{
	struct casg_child c[2] = { { .first = keys[0], .first_len = 6, .last = keys[n - 1],
				     .last_len = 6, .count = n, .id = *leaf },
				   { .first = "b", .first_len = 1, .last = "c",
				     .last_len = 1, .count = 1, .id = *leaf } };
	struct casg_buf col[CASG_COLUMNS] = { CASG_BUF_INIT };
	struct casg_oid hash[2];

	for (int i = 0; i < 2; i++)
		casg_child_hash(casg_coder_hasher(coder), &c[i], &hash[i]);
	casg_node_id(casg_coder_hasher(coder), CASG_NODE_KIND_RECORD, 1, 2, hash, id);
	casg_interior_store(1, c, 2, col);
	add_node(col, id);
}

static void test_node_twice(void)
{
	struct casg_oid leaf, root;
	uint32_t n = add_leaf(&leaf), got = 0;
	struct casg_treer *t;
	struct casg_entry e;
	struct casg_loc loc;
	int rc;

	add_root(&leaf, n, &root);
	ok(!casg_packw_finish(w, &err), "a tree whose root refers to a leaf twice");
	t = casg_treer_open(store, coder, &root, &err);
	if (!ok(t != NULL, "it opens"))
		return;
	is_int((int64_t)casg_treer_count(t), (int64_t)n + 1, "it claims so many records");
	while ((rc = casg_treer_next(t, &e, &loc, &err)) > 0)
		got++;
	is_int(rc, CASG_ECORRUPT, "the second time is refused");
	is_int(got, n, "after the records of the first");
	ok(strstr(err.msg, "not what its parent says") != NULL, "for what it is: %s", err.msg);
	casg_treer_free(t);
}

/* ---- references to what is no object ----------------------------------- */

static void test_info_of_node(void)
{
	struct casg_objinfo info;
	int nodes = 0, refs = 0, others = 0;

	for (uint32_t p = 0; p < casg_store_npacks(store); p++) {
		struct casg_packidx *x = casg_store_idx(store, p);

		for (uint32_t k = 0; k < x->nchunks; k++) {
			struct casg_loc loc = { .pack = p, .chunk = k };
			struct casg_idx_chunk c;
			int rc;

			casg_packidx_chunk(x, k, &c, &err);
			rc = casg_store_info(store, coder, &loc, &info, &err);
			nodes += c.kind == CASG_CHUNK_NODE && rc == CASG_ECORRUPT;
			refs += c.kind == CASG_CHUNK_REFS && rc == CASG_ECORRUPT;
			others += c.kind == CASG_CHUNK_SEQ && !rc;
		}
	}
	is_int(nodes, 2, "nodes are no objects");
	is_int(refs, 1, "references neither");
	is_int(others, 1, "sequences are");
}

/* ---- more than a window holds ------------------------------------------ */

static int append(void *ctx, const uint8_t *p, size_t n, struct casg_err *e)
{
	casg_buf_add(ctx, p, n);
	return casg_buf_check(ctx, e);
}

static void test_export(uint64_t window)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_export_record r = { .key = "k", .klen = 1, .desc = "", .pres = "-",
					.plen = 1, .want = &seq_id,
					.nresidues = sizeof(seq) - 1 };
	struct casg_facts f;
	struct casg_exporter *x;
	int rc;

	casg_facts_init(&f);
	x = casg_exporter_new(store, NULL, &coder, &f, window, append, &out, &err);
	rc = casg_store_find(store, coder, &seq_id, &r.loc, NULL, &err) > 0 ? 0 : -1;
	for (int i = 0; i < 3 && !rc; i++)
		rc = casg_exporter_add(x, &r, &err);
	if (!rc)
		rc = casg_exporter_finish(x, &err);
	is_int(rc, 0, "export through a window of %llu bytes", (unsigned long long)window);
	is_mem(out.data, out.len, ">k\nMKVLATMKVLAT\n>k\nMKVLATMKVLAT\n>k\nMKVLATMKVLAT\n", 48,
	       "and the text is the same");
	casg_exporter_free(x);
	casg_facts_release(&f);
	casg_buf_release(&out);
}

/* ---- presentation objects ---------------------------------------------- */

static int reads(const char *text, size_t n)
{
	struct casg_blobw *b = casg_blobw_new(w, store, coder, 1, &err);
	struct casg_oid id;
	struct casg_facts f;
	struct casg_presr *p;

	if (casg_blobw_add(b, text, n, &err) || casg_blobw_finish(b, &id, &err) ||
	    casg_packw_finish(w, &err))
		printf("Bail out! %s\n", err.msg);
	casg_facts_init(&f);
	err.code = 0;
	p = casg_presr_open(store, coder, &id, &f, &err);
	casg_presr_free(p);
	casg_facts_release(&f);
	return p != NULL;
}

#define READS(s) reads(s, sizeof(s) - 1)

static void test_presentation(void)
{
	ok(READS("casg-presentation 1\nwidth 60\neol lf\nfinal-newline yes\n"), "a plain one");
	ok(!READS("casg-presentation 2\nwidth 60\neol lf\nfinal-newline yes\n"), "version 2");
	is_int(err.code, CASG_EUNSUPPORTED, "is not supported");
	ok(!READS("casg-presentation 1\nwidth 60\0x\neol lf\nfinal-newline yes\n"),
	   "NUL behind a number");
	is_int(err.code, CASG_ECORRUPT, "is damage");
	ok(!READS("casg-presentation 1\nwidth 60\neol lf\nfinal-newline yes\0\n"),
	   "NUL behind a word");
	ok(!READS("casg-presentation 1\nwidth 60\neol lf\nfinal-newline yes\n0 w8\0\n"),
	   "NUL in a presentation");
}

/* Many of one chunk, and ids that do not fit into memory, are the same one by one. */
static void test_infos(void)
{
	enum { N = 200 };
	struct casg_store_opts so = { .packs_dir = ".", .tmp_dir = ".", .cache_nbytes = 1 };
	struct casg_objinfo info[N], got[N + 1], one;
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_slice m[N];
	struct casg_oid ids[N], chunk;
	struct casg_store *apart;
	struct casg_loc loc;
	char text[N][8];
	int wrong = 0;

	for (int i = 0; i < N; i++) {
		m[i].p = (const uint8_t *)text[i];
		m[i].nbytes = (size_t)snprintf(text[i], sizeof(text[i]), "MK%d", i);
		casg_hasher_digest(casg_coder_hasher(coder), text[i], m[i].nbytes, &ids[i]);
		info[i] = (struct casg_objinfo){ .id = ids[i], .nbytes = m[i].nbytes };
	}
	casg_chunk_encode(coder, CASG_CHUNK_SEQ, 0, 1, m, N, ids, &out, &chunk, &err);
	ok(!casg_packw_add(w, out.data, out.len, &chunk, info, &err) &&
	   !casg_packw_finish(w, &err), "a chunk of many");
	casg_buf_release(&out);
	is_int(casg_store_open(&apart, &so, &err), 0, "a store that may keep nothing");
	is_int(casg_store_find_chunk(apart, &chunk, &loc.pack, &loc.chunk, &err), 1, "has it");
	loc.member = 3;
	is_int(casg_store_infos(apart, coder, &loc, N - 3, got, &err), 0, "ids of a range");
	for (int i = 3; i < N; i++)
		wrong += memcmp(&got[i - 3], &info[i], sizeof(one)) != 0;
	is_int(wrong, 0, "are those of the members");
	loc.member = 17;
	ok(!casg_store_info(apart, coder, &loc, &one, &err) && !memcmp(&one, &info[17], sizeof(one)),
	   "so is a single one");
	is_int(casg_store_infos(apart, coder, &loc, N - 16, got, &err), CASG_ECORRUPT,
	       "more than there are is an error");
	is_int(casg_store_infos(apart, coder, &loc, 0, got, &err), 0, "none is none");
	casg_store_close(apart);
}

enum { NOTED = 400 };

/* A pack of NOTED sequences, with its list of ids. */
static void add_noted(char letter, struct casg_objinfo *info, struct casg_oid *chunk)
{
	struct casg_packw_opts po = { .packs_dir = ".", .tmp_dir = ".", .ids_dir = ".",
				      .pack_nbytes = (uint64_t)64 << 20 };
	struct casg_packw *noting = casg_packw_new(store, &po, &err);
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_slice m[NOTED];
	struct casg_oid ids[NOTED];
	char text[NOTED][8];

	for (int i = 0; i < NOTED; i++) {
		m[i].p = (const uint8_t *)text[i];
		m[i].nbytes = (size_t)snprintf(text[i], sizeof(text[i]), "%cK%d", letter, i);
		casg_hasher_digest(casg_coder_hasher(coder), text[i], m[i].nbytes, &ids[i]);
		info[i] = (struct casg_objinfo){ .id = ids[i], .nbytes = m[i].nbytes };
	}
	casg_chunk_encode(coder, CASG_CHUNK_SEQ, 0, 1, m, NOTED, ids, &out, chunk, &err);
	ok(noting && !casg_packw_add(noting, out.data, out.len, chunk, info, &err) &&
	   !casg_packw_finish(noting, &err), "a pack with a list of its ids");
	casg_packw_free(noting);
	casg_buf_release(&out);
}

/* How many of random ones differ from what they are; none may be an error. */
static int wrong_infos(const struct casg_store_opts *so, struct casg_objinfo info[2][NOTED],
		       const struct casg_oid chunk[2])
{
	struct casg_store *s;
	struct casg_loc loc[2];
	struct casg_objinfo got;
	int wrong = casg_store_open(&s, so, &err);

	for (int k = 0; k < 2 && !wrong; k++)
		wrong += casg_store_find_chunk(s, &chunk[k], &loc[k].pack, &loc[k].chunk, &err) != 1;
	for (int i = 0; i < 4000 && !wrong; i++) {
		int k = i % 2;

		loc[k].member = (uint32_t)(i * 7919L / 2 % NOTED);
		wrong += casg_store_info(s, coder, &loc[k], &got, &err) ||
			 memcmp(&got, &info[k][loc[k].member], sizeof(got));
	}
	casg_store_close(s);
	return wrong;
}

static void damage_lists(void)
{
	DIR *d = opendir(".");
	struct dirent *e;

	while (d && (e = readdir(d))) {
		FILE *f = strstr(e->d_name, ".objects") && !chmod(e->d_name, 0600) ?
				  fopen(e->d_name, "r+b") : NULL;

		if (f) {
			fseek(f, 5000, SEEK_SET);
			fputs("damaged", f);
			fclose(f);
		}
	}
	if (d)
		closedir(d);
}

/* Lists of ids that are mapped, and one that is read block by block. */
static void test_noted(void)
{
	struct casg_store_opts so = { .packs_dir = ".", .tmp_dir = ".", .index_dir = ".",
				      .cache_nbytes = 1 << 20 };
	struct casg_objinfo info[2][NOTED];
	struct casg_oid chunk[2];

	add_noted('W', info[0], &chunk[0]);
	add_noted('Y', info[1], &chunk[1]);
	is_int(wrong_infos(&so, info, chunk), 0, "ids from lists that are mapped");
	so.ids_mapped_nbytes = 1;
	is_int(wrong_infos(&so, info, chunk), 0, "ids from one that is read block by block");
	damage_lists();
	is_int(wrong_infos(&so, info, chunk), 0, "and where a block is damaged, from the pack");
	so.ids_mapped_nbytes = 0;
	is_int(wrong_infos(&so, info, chunk), 0, "so if it is mapped");
}

static void test_scratch_fails(void)
{
	struct casg_orderw *o;

	err.code = 0;
	o = casg_orderw_new(1000, 10, "/nonexistent", &err);
	ok(!o && err.code, "an order that cannot have its scratch file says so");
	err.code = 0;
	o = casg_orderw_new((uint64_t)1 << 58, 10, ".", &err);
	ok(!o && err.code, "nor one that no disk can hold");
}

static void remove_dir(void)
{
	DIR *d = opendir(".");
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlink(e->d_name);
	if (d)
		closedir(d);
	if (!chdir("/"))
		rmdir(dir);
}

int main(void)
{
	if (!mkdtemp(dir) || chdir(dir))
		return 1;
	open_all();
	add_seq();
	test_node_twice();
	test_info_of_node();
	test_export(1 << 20);
	test_export(100);
	test_export(1);
	test_presentation();
	test_infos();
	test_noted();
	test_scratch_fails();
	casg_packw_free(w);
	casg_store_close(store);
	casg_coder_free(coder);
	remove_dir();
	return done_testing();
}
