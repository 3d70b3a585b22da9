#include "merkle.h"

#include <stdlib.h>

#include "tap.h"

#define NMAX 70

static struct casg_hasher *h;
static struct casg_oid leaves[NMAX];

static void is_hash(const struct casg_oid *got, const char *want, const char *name)
{
	char hex[CASG_OID_HEXSZ + 1];

	is_str(casg_oid_hex(got, hex), want, "%s", name);
}

/*
 * Known answers: the test vectors of the certificate-transparency project,
 * recomputed with Python's hashlib from RFC 6962's definitions.
 */
static const struct { const char *bytes; size_t n; } entry[8] = {
	{ "", 0 }, { "\x00", 1 }, { "\x10", 1 }, { "\x20\x21", 2 }, { "\x30\x31", 2 },
	{ "\x40\x41\x42\x43", 4 }, { "\x50\x51\x52\x53\x54\x55\x56\x57", 8 },
	{ "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16 },
};
static const char *const roots[9] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};
static const char *const inclusion_5_8[3] = {
	"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
	"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
};
static const char *const consistency_6_8[3] = {
	"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
	"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
};

static void test_known(void)
{
	struct casg_oid hash, l[8], path[CASG_MERKLE_PATH_MAX];
	struct casg_oid left, right;
	struct casg_merkle m;
	size_t n;

	casg_merkle_leaf(h, "", 0, &hash);
	is_hash(&hash, roots[1], "leaf of nothing");
	casg_merkle_leaf(h, "L123456", 7, &hash);
	is_hash(&hash, "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56",
		"leaf L123456");
	/* the vector's children are short; the same concatenation by hand */
	casg_hasher_digest(h, "\x01N123N456", 9, &hash);
	is_hash(&hash, "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb",
		"node of N123 and N456");
	casg_merkle_init(&m, h);
	for (int i = 0; i <= 8; i++) {
		casg_merkle_root(&m, &hash);
		is_hash(&hash, roots[i], "root, leaf by leaf");
		casg_merkle_root_of(h, l, (size_t)i, &hash);
		is_hash(&hash, roots[i], "root at once");
		if (i == 8)
			break;
		casg_merkle_leaf(h, entry[i].bytes, entry[i].n, &l[i]);
		casg_merkle_add_leafhash(&m, &l[i]);
	}
	casg_oid_parse(&left, roots[4], 64);
	casg_merkle_root_of(h, l + 4, 4, &right);
	casg_merkle_node(h, &left, &right, &hash);
	is_hash(&hash, roots[8], "node of two subtrees");
	casg_merkle_path(h, l, 8, 5, path, &n);
	is_int(n, 3, "inclusion of 5 in 8");
	for (size_t i = 0; i < n; i++)
		is_hash(&path[i], inclusion_5_8[i], "inclusion path");
	casg_merkle_consistency(h, l, 6, 8, path, &n);
	is_int(n, 3, "consistency of 6 with 8");
	for (size_t i = 0; i < n; i++)
		is_hash(&path[i], consistency_6_8[i], "consistency proof");
}

static void test_leafv(void)
{
	size_t bad = 0, n = 3000;
	uint8_t *p = malloc(n);

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 11);
	for (size_t len = 0; len < n; len += 37) {
		size_t a = len / 3, b = len / 2;
		struct casg_slice v[4] = { { p, a }, { p + a, b - a }, { NULL, 0 },
					   { p + b, len - b } };
		struct casg_oid one, two, three;

		casg_merkle_leaf(h, p, len, &one);
		casg_merkle_leafv(h, v, 4, &two);
		casg_hasher_init(h);
		casg_hasher_update(h, "\0", 1);
		casg_hasher_update(h, p, len);
		casg_hasher_final(h, &three);
		bad += !casg_oid_eq(&one, &three) || !casg_oid_eq(&two, &three);
	}
	is_int(bad, 0, "leaves in one and in several slices");
	free(p);
}

/* The proof is right, and wrong as soon as anything about it is. */
static int check_path(size_t n, size_t i, const struct casg_oid *root)
{
	struct casg_oid path[CASG_MERKLE_PATH_MAX + 1], other = leaves[(i + 1) % NMAX];
	size_t np, bad = 0;

	casg_merkle_path(h, leaves, n, i, path, &np);
	path[np] = path[0];
	bad += !casg_merkle_verify_path(h, &leaves[i], i, n, path, np, root);
	bad += casg_merkle_verify_path(h, &other, i, n, path, np, root);
	bad += casg_merkle_verify_path(h, &leaves[i], i, n, path, np + 1, root);
	bad += casg_merkle_verify_path(h, &leaves[i], n, n, path, np, root);
	bad += casg_merkle_verify_path(h, &leaves[i], i, 0, path, np, root);
	bad += casg_merkle_verify_path(h, &leaves[i], i, n, path, np, &other);
	if (np)
		bad += casg_merkle_verify_path(h, &leaves[i], i, n, path, np - 1, root);
	for (size_t j = 0; j < n; j++)
		bad += j != i && casg_merkle_verify_path(h, &leaves[i], j, n, path, np, root);
	for (size_t k = 0; k < np; k++) {
		path[k].b[k] ^= 1;
		bad += casg_merkle_verify_path(h, &leaves[i], i, n, path, np, root);
		path[k].b[k] ^= 1;
	}
	return !bad;
}

static int check_consistency(size_t m, size_t n, const struct casg_oid *all_roots)
{
	struct casg_oid proof[CASG_MERKLE_PATH_MAX + 1];
	const struct casg_oid *a = &all_roots[m], *b = &all_roots[n];
	size_t np, bad = 0;

	casg_merkle_consistency(h, leaves, m, n, proof, &np);
	proof[np] = *a;
	bad += !casg_merkle_verify_consistency(h, m, n, a, b, proof, np);
	bad += casg_merkle_verify_consistency(h, m, n, a, b, proof, np + 1);
	bad += casg_merkle_verify_consistency(h, n + 1, n, a, b, proof, np);
	if (np)
		bad += casg_merkle_verify_consistency(h, m, n, a, b, proof, np - 1);
	if (m != n) {
		bad += casg_merkle_verify_consistency(h, m, n, b, b, proof, np);
		bad += casg_merkle_verify_consistency(h, m, n, a, a, proof, np);
	}
	for (size_t k = 0; k < np; k++) {
		proof[k].b[31] ^= 0x80;
		bad += casg_merkle_verify_consistency(h, m, n, a, b, proof, np);
		proof[k].b[31] ^= 0x80;
	}
	return !bad;
}

static void test_proofs(void)
{
	struct casg_oid all_roots[NMAX + 1], junk[CASG_MERKLE_PATH_MAX];
	int bad = 0;

	for (size_t n = 0; n <= NMAX; n++)
		casg_merkle_root_of(h, leaves, n, &all_roots[n]);
	for (size_t n = 1; n <= NMAX; n++)
		for (size_t i = 0; i < n; i++)
			bad += !check_path(n, i, &all_roots[n]);
	is_int(bad, 0, "inclusion in trees of 1 to %d", NMAX);
	for (size_t n = 1; n <= NMAX; n++)
		for (size_t m = 1; m <= n; m++)
			bad += !check_consistency(m, n, all_roots);
	is_int(bad, 0, "consistency of trees of 1 to %d", NMAX);

	is_int(casg_merkle_verify_consistency(h, 0, 5, &all_roots[0], &all_roots[5], NULL, 0), 1,
	       "the empty tree is a prefix of all");
	is_int(casg_merkle_verify_consistency(h, 0, 5, &all_roots[1], &all_roots[5], NULL, 0), 0,
	       "with its own root only");
	is_int(casg_merkle_verify_consistency(h, 0, 0, &all_roots[0], &all_roots[0], NULL, 0), 1,
	       "also of itself");
	is_int(casg_merkle_verify_consistency(h, 0, 0, &all_roots[1], &all_roots[1], NULL, 0), 0,
	       "with its own root only");
	memset(junk, 7, sizeof(junk));
	is_int(casg_merkle_verify_path(h, &leaves[0], UINT64_MAX - 1, UINT64_MAX, junk, 65,
				       &all_roots[1]), 0, "the largest of trees");
	is_int(casg_merkle_verify_consistency(h, UINT64_MAX - 1, UINT64_MAX, &all_roots[1],
					      &all_roots[1], junk, 65), 0, "twice");
	is_int(casg_merkle_verify_consistency(h, UINT64_C(1) << 63, UINT64_MAX, &all_roots[1],
					      &all_roots[1], junk, 65), 0, "and again");
}

int main(void)
{
	h = casg_hasher_new();
	for (int i = 0; i < NMAX; i++)
		casg_merkle_leaf(h, &i, sizeof(i), &leaves[i]);
	test_known();
	test_leafv();
	test_proofs();
	casg_hasher_free(h);
	return done_testing();
}
