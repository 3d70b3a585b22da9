#include "packdir.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "chunk.h"
#include "endian.h"
#include "sum.h"
#include "tap.h"

enum { PACKS = 700, OBJECTS = 20, NODES = 2, MAX = 256 };

static struct casg_err err;
static struct made {
	struct casg_buf bytes;
	struct casg_packidx x;
} made[PACKS];
static int repeated; /* the second pack is the first one again */

static void make_id(struct casg_oid *id, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		casg_put_be64(id->b + 8 * i, casg_xxh64(seed, "id", (size_t)i % 3));
}

/* Pack k has the objects k * OBJECTS .., one that fifty have, and nodes. */
static int make_pack(uint32_t k)
{
	struct casg_idx_chunk c[2] = { { .nmembers = OBJECTS + 1, .kind = CASG_CHUNK_SEQ, .nbytes = 50 },
				       { .nmembers = NODES, .kind = CASG_CHUNK_NODE,
					 .first = OBJECTS + 1 } };
	struct casg_objinfo o[OBJECTS + 1] = { { .nbytes = 0 } };
	struct casg_idx_node v[NODES] = { { .chunk = 1 }, { .chunk = 1, .member = 1 } };
	struct casg_packidx_src s = { .chunks = c, .nchunks = 2, .objects = o,
				      .nobjects = OBJECTS + 1, .nodes = v, .nnodes = NODES,
				      .pack_nbytes = 100 };

	make_id(&c[0].id, 5000000 + k);
	make_id(&c[1].id, 6000000 + k);
	for (uint32_t i = 0; i < OBJECTS; i++)
		make_id(&o[i].id, k * OBJECTS + i);
	make_id(&o[OBJECTS].id, 8000000 + k / 50);
	for (uint32_t i = 0; i < NODES; i++)
		make_id(&v[i].id, 7000000 + k * NODES + i);
	/* not in the order of their numbers */
	make_id(&s.pack_id, 9000000 + k);
	return casg_packidx_build(&s, &made[k].bytes, &err) ||
	       casg_packidx_open(&made[k].x, made[k].bytes.data, made[k].bytes.len, &err);
}

static struct casg_packidx *pack(void *ctx, uint32_t n)
{
	(void)ctx;
	return &made[repeated && n == 1 ? 0 : n].x;
}

static int proposes(const struct casg_packdir *d, uint64_t seed, uint32_t number, int *n_out)
{
	uint32_t packs[MAX];
	struct casg_oid id;

	make_id(&id, seed);
	*n_out = casg_packdir_find(d, &id, packs, MAX);
	for (int i = 0; i < *n_out; i++)
		if (packs[i] == number)
			return 1;
	return 0;
}

static uint64_t count_missing(const struct casg_packdir *d, uint32_t npacks)
{
	uint64_t missing = 0;
	int n;

	for (uint32_t k = 0; k < npacks; k++) {
		for (uint32_t i = 0; i < OBJECTS; i++)
			missing += !proposes(d, k * OBJECTS + i, k, &n);
		for (uint32_t i = 0; i < NODES; i++)
			missing += !proposes(d, 7000000 + k * NODES + i, k, &n);
		missing += !proposes(d, 5000000 + k, k, &n) + !proposes(d, 6000000 + k, k, &n);
	}
	return missing;
}

/* All packs, and what is found after each few of them. */
static void add_all(const char *tmp_dir, unsigned int bits, size_t most_joined)
{
	struct casg_packdir *d = casg_packdir_new(tmp_dir, bits, pack, NULL, &err);
	uint64_t missing = 0, nabsent = 0;
	size_t joined = 0;
	uint32_t few;
	struct casg_oid id;
	int failed = 0, all = 1, n;

	for (uint32_t k = 0; k < PACKS; k++) {
		failed |= casg_packdir_add(d, &err);
		if (k % 97 == 96)
			missing += count_missing(d, k + 1);
		if (casg_packdir_njoined(d) > joined)
			joined = casg_packdir_njoined(d);
	}
	ok(!failed && casg_packdir_npacks(d) == PACKS, "2^%u bytes: %d packs added", bits, PACKS);
	is_int(missing + count_missing(d, PACKS), 0, "every pack is proposed for what it holds");
	ok(joined && joined <= most_joined, "packs are joined, and joined indexes too: %zu at most",
	   joined);
	for (uint32_t k = 0; k < PACKS; k++)
		all &= proposes(d, 8000000 + k / 50, k, &n) && n >= 50;
	ok(all, "all packs are proposed for what fifty of them hold");
	make_id(&id, 8000000);
	is_int(casg_packdir_find(d, &id, &few, 1), -1, "more than there is room for");
	for (uint64_t i = 0; i < 10000; i++) {
		proposes(d, 20000000 + i, 0, &n);
		nabsent += (uint64_t)(n > 0 ? n : 0);
	}
	ok(nabsent < 50000, "%llu packs are proposed for 10000 ids that are in none",
	   (unsigned long long)nabsent);
	casg_packdir_free(d);
}

static int add_until_failure(struct casg_packdir *d)
{
	int rc = 0;

	while (!rc && casg_packdir_npacks(d) < PACKS)
		rc = casg_packdir_add(d, &err);
	return rc;
}

static int entries_in(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n - 2;
}

int main(void)
{
	char dir[] = "packdir-XXXXXX";
	struct casg_packdir *d;
	int failed = 0;

	for (uint32_t k = 0; k < PACKS; k++)
		failed |= make_pack(k);
	ok(!failed && mkdtemp(dir), "%d indexes", PACKS);
	/* 255 packs do not fill the larger one: what joins them is that a byte cannot number more */
	add_all(dir, 16, 2);
	add_all(dir, 12, 8);
	add_all(NULL, 12, 8);
	/* no pack fits */
	add_all(NULL, 4, 11);
	is_int(entries_in(dir), 0, "nothing is left in the folder");
	rmdir(dir);

	d = casg_packdir_new(dir, 12, pack, NULL, &err);
	is_int(add_until_failure(d), CASG_EABSENT, "a folder that is not there is told");
	casg_packdir_free(d);
	repeated = 1;
	d = casg_packdir_new(NULL, 4, pack, NULL, &err);
	is_int(add_until_failure(d), CASG_ECORRUPT, "no pack twice");
	casg_packdir_free(d);
	for (uint32_t k = 0; k < PACKS; k++) {
		casg_packidx_release(&made[k].x);
		casg_buf_release(&made[k].bytes);
	}
	return done_testing();
}
