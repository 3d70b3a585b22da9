/*
 * Indexes that taxonomies are looked up in.  The input is the payload of each
 * block: two bytes of length (little-endian), the bytes; then two zeros, and the
 * text behind the blocks, up to the end.  The rest of blocks and of text is
 * zeros, and checksums are put right, those of the text as well.  Nothing an
 * index says may end in a crash, or without an end.
 *
 * taxonomy.h takes files, so there is one, which is gone afterwards.
 */
#include <stdio.h>
#include <unistd.h>

#include "forge.h"
#include "io.h"
#include "taxidx.h"
#include "taxonomy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NBLOCKS = 64, ASKED = 64 };

/* ---- what it says --------------------------------------------------------- */

struct asked {
	const struct casg_taxonomy *t;
	uint32_t count;
};

static int on_taxon(void *ctx, uint32_t taxon, struct casg_err *err)
{
	struct asked *a = ctx;
	struct casg_taxon_info info;

	return casg_taxonomy_info(a->t, taxon, &info, err);
}

static void ask_taxon(struct asked *a, uint32_t taxon)
{
	uint32_t line[CASG_LINEAGE_MAX], found = 0;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_taxon_info info;
	size_t n = 0;

	if (casg_taxonomy_info(a->t, taxon, &info, &err)) {
		require(*err.msg, "an error without a reason");
		return;
	}
	require(info.parent < a->count && info.end <= a->count && info.end > taxon,
		"a taxon that leads beyond the last");
	if (casg_taxonomy_find(a->t, info.id.p, info.id.n, &found, &err) == CASG_TAXON_FOUND)
		require(found < a->count, "an id of a taxon beyond the last");
	casg_taxonomy_named(a->t, info.name.p, info.name.n, on_taxon, a, &err);
	if (!casg_taxonomy_lineage(a->t, taxon, line, &n, &err))
		require(n && n <= CASG_LINEAGE_MAX && line[n - 1] == taxon, "a lineage of another");
	casg_taxonomy_lineage_text(a->t, taxon, ";", &text, &err);
	if (!casg_taxonomy_at_rank(a->t, taxon, "genus", &found, &err))
		require(found < a->count || found == CASG_TAXON_NONE, "a rank beyond the last");
	casg_buf_reset(&text);
	casg_buf_add(&text, info.name.p, info.name.n);
	casg_taxonomy_resolve(a->t, casg_buf_cstr(&text), &found, &err);
	casg_buf_release(&text);
}

static void ask(const struct casg_taxonomy *t)
{
	struct asked a = { t, casg_taxonomy_count(t) };
	uint64_t ngone = casg_taxonomy_nmerged(t) + casg_taxonomy_ndeleted(t);
	struct casg_err err = CASG_ERR_INIT;
	struct casg_taxstr id;
	uint32_t into;

	for (uint32_t i = 0; i < a.count && i < ASKED; i++)
		ask_taxon(&a, i);
	if (a.count > ASKED)
		ask_taxon(&a, a.count - 1);
	for (uint64_t i = 0; i < ngone && i < ASKED; i++)
		if (!casg_taxonomy_gone(t, i, &id, &into, &err))
			casg_taxonomy_find(t, id.p, id.n, &into, &err);
	casg_taxonomy_resolve(t, "1", &into, &err);
	casg_taxonomy_resolve(t, "root", &into, &err);
	/* one that is not there does not become a fault */
	casg_taxonomy_info(t, a.count, &(struct casg_taxon_info){ 0 }, &err);
}

/* ---- the file -------------------------------------------------------------- */

/* Put the checksums of the text where the head says that they are. */
static void forge_text(uint8_t *file, size_t nbytes)
{
	struct casg_taxidx x;
	struct casg_err err = CASG_ERR_INIT;

	forge_blocks(file, 1);
	if (casg_taxidx_decode_head(&x, file, nbytes, &err))
		return;
	for (uint64_t k = 0; k < x.n[CASG_TAXIDX_SUMS]; k++) {
		struct casg_place at = casg_place_of(x.at[CASG_TAXIDX_SUMS], k, 8);

		casg_put_le64(file + at.block * CASG_BLOCK + at.offset,
			      casg_xxh64(k, file + (x.nblocks + k) * CASG_BLOCK, CASG_BLOCK));
	}
}

static uint8_t *make_file(const uint8_t *p, const uint8_t *end, size_t *nbytes_out)
{
	uint8_t *file = calloc(2 * NBLOCKS, CASG_BLOCK);
	size_t nblocks = 0, n;

	require(file != NULL, "out of memory");
	while (end - p >= 2 && nblocks < NBLOCKS) {
		n = (size_t)p[0] | (size_t)p[1] << 8;
		p += 2;
		if (!n || n > (size_t)(end - p) || n > CASG_BLOCK_PAYLOAD)
			break;
		memcpy(file + nblocks++ * CASG_BLOCK, p, n);
		p += n;
	}
	n = (size_t)(end - p) < NBLOCKS * CASG_BLOCK ? (size_t)(end - p) : NBLOCKS * CASG_BLOCK;
	memcpy(file + nblocks * CASG_BLOCK, p, n);
	*nbytes_out = (nblocks + (n + CASG_BLOCK - 1) / CASG_BLOCK) * CASG_BLOCK;
	if (nblocks) {
		forge_text(file, *nbytes_out);
		forge_blocks(file, nblocks);
	}
	return file;
}

static void write_file(const char *path, const uint8_t *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	require(f && fwrite(p, 1, n, f) == n && !fclose(f), "cannot write the file");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *tmp = getenv("TMPDIR");
	struct casg_version v = { .kind = CASG_VERSION_TAXONOMY };
	struct casg_err err = CASG_ERR_INIT;
	char base[300], dir[320], path[400], hex[CASG_OID_HEXSZ + 1];
	struct casg_taxonomy *t;
	size_t nbytes;
	uint8_t *file = make_file(data, data + size, &nbytes);
	const struct casg_taxonomy_opts o = { .index_dir = base };

	if (nbytes >= CASG_BLOCK)
		memcpy(v.records.b, file + 16, CASG_OID_RAWSZ);
	snprintf(base, sizeof(base), "%s/casg-fuzz-taxidx-%ld", tmp && *tmp ? tmp : "/tmp",
		 (long)getpid());
	snprintf(dir, sizeof(dir), "%s/taxonomy", base);
	snprintf(path, sizeof(path), "%s/%s.idx", dir, casg_oid_hex(&v.records, hex));
	require(!casg_mkdir_p(dir, &err), "cannot make a folder");
	write_file(path, file, nbytes);
	if (!casg_taxonomy_open(&t, NULL, NULL, &v, &o, &err)) {
		ask(t);
		casg_taxonomy_close(t);
	} else {
		require(err.code == CASG_EABSENT, "refused for another reason");
	}
	unlink(path);
	rmdir(dir);
	rmdir(base);
	free(file);
	return 0;
}
