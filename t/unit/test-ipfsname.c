#include "ipfsname.h"

#include "tap.h"

static struct casg_err err = CASG_ERR_INIT;

/* From the IPFS documentation, and from a node: the raw block "hello world". */
#define HELLO "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
#define HELLO_SHA "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
#define HELLO_58 "zb2rhj7crUKTQYRGCRATFaQ6YFLTde2YzdqbbhAASkL9uRDXn"

static void cids(void)
{
	struct casg_oid id, back;
	char text[CASG_IPFS_CID_SIZE], bad[CASG_IPFS_CID_SIZE];

	casg_oid_parse(&id, HELLO_SHA, 64);
	ok(!strcmp(casg_ipfs_cid(&id, text), HELLO), "the CID of a block: %s", text);
	ok(!casg_ipfs_cid_parse(&back, HELLO, strlen(HELLO)) && casg_oid_eq(&id, &back), "and back");
	ok(!casg_ipfs_cid_parse(&back, HELLO_58, strlen(HELLO_58)) && casg_oid_eq(&id, &back),
	   "from base58");
	ok(casg_ipfs_cid_parse(&back, HELLO, strlen(HELLO) - 1), "a digit less");
	ok(casg_ipfs_cid_parse(&back, HELLO "a", strlen(HELLO) + 1), "a digit more");
	for (size_t i = 0; i < 6; i++) {
		strcpy(bad, HELLO);
		bad[i] = bad[i] == 'x' ? 'y' : 'x';
		ok(casg_ipfs_cid_parse(&back, bad, strlen(bad)), "another kind of CID: %s", bad);
	}
	strcpy(bad, HELLO);
	bad[58] = 'f';
	ok(casg_ipfs_cid_parse(&back, bad, strlen(bad)), "bits that stand for nothing");
	ok(casg_ipfs_cid_parse(&back, "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o", 46),
	   "version 0");
}

static void blocks(void)
{
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_ipfs_blocks l;
	struct casg_oid one, two, got;

	casg_oid_parse(&one, HELLO_SHA, 64);
	two = one;
	two.b[0] ^= 1;
	casg_ipfs_blocks_begin(&b, 1000001, &one);
	casg_ipfs_blocks_add(&b, &one);
	casg_ipfs_blocks_add(&b, &two);
	ok(!casg_ipfs_blocks_parse(&l, b.data, b.len, &err) && l.n == 2 && l.nbytes == 1000001 &&
	   casg_oid_eq(&l.sha256, &one), "a list of blocks");
	casg_ipfs_block(&l, 1, &got);
	ok(casg_oid_eq(&got, &two), "its second");
	for (size_t n = 0; n < b.len; n++)
		if (casg_ipfs_blocks_parse(&l, b.data, n, &err) != CASG_ECORRUPT)
			ok(0, "cut at %zu", n);
	b.data[b.len - 2] = 'A';
	ok(casg_ipfs_blocks_parse(&l, b.data, b.len, &err) == CASG_ECORRUPT, "upper case");
	casg_buf_reset(&b);
	casg_ipfs_blocks_begin(&b, 0, &one);
	ok(!casg_ipfs_blocks_parse(&l, b.data, b.len, &err) && !l.n, "of nothing");
	casg_ipfs_blocks_add(&b, &one);
	ok(casg_ipfs_blocks_parse(&l, b.data, b.len, &err) == CASG_ECORRUPT, "a block too many");
	ok(casg_ipfs_object_max() > (uint64_t)15e9, "objects of 15 GB");
	casg_buf_release(&b);
}

static void indexes(void)
{
	static const char *const names[] = { "b", "a/b", "a", "a-b", "c" };
	struct casg_buf a = CASG_BUF_INIT, b = CASG_BUF_INIT, t;
	struct casg_ipfs_entry e = { .nbytes = 7 }, got;
	size_t at = 0;

	casg_oid_parse(&e.list, HELLO_SHA, 64);
	casg_ipfs_index_init(&a);
	for (size_t i = 0; i < 5; i++) {
		casg_ipfs_index_set(&a, names[i], &e, &b);
		t = a, a = b, b = t;
		ok(!casg_ipfs_index_check(&a, &err), "an index with '%s'", names[i]);
	}
	ok(casg_ipfs_index_find(&a, "a/b", &got) && got.nbytes == 7 &&
	   casg_oid_eq(&got.list, &e.list), "an entry is found");
	ok(!casg_ipfs_index_find(&a, "a/", &got) && !casg_ipfs_index_find(&a, "d", &got), "others not");
	e.nbytes = 8;
	casg_ipfs_index_set(&a, "b", &e, &b);
	ok(!casg_ipfs_index_check(&b, &err) && b.len == a.len && casg_ipfs_index_find(&b, "b", &got) &&
	   got.nbytes == 8, "an entry is replaced");
	casg_ipfs_index_set(&b, "a", NULL, &a);
	ok(!casg_ipfs_index_check(&a, &err) && !casg_ipfs_index_find(&a, "a", &got), "and removed");
	ok(casg_ipfs_index_next(&a, &at, &got) && got.nname == 3 && !memcmp(got.name, "a-b", 3),
	   "they are sorted");
	for (size_t n = a.len; n-- > 0;) {
		struct casg_buf cut = { a.data, n, n, 0 };

		if (!casg_ipfs_index_check(&cut, &err) && n != 12 && a.data[n - 1] != '\n')
			ok(0, "cut at %zu", n);
	}
	memcpy(a.data + 12, "z", 1);
	ok(casg_ipfs_index_check(&a, &err) == CASG_ECORRUPT, "out of order");
	casg_buf_release(&a);
	casg_buf_release(&b);
}

int main(void)
{
	cids();
	blocks();
	indexes();
	return done_testing();
}
