/*
 * Packs, walked from end to end, and piece lists.  After 'l' the input is a
 * piece list, which must be encoded as it was; after anything else a pack,
 * whose chunks' checksums are put right as far as they can be found.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "forge.h"
#include "io.h"
#include "pack.h"
#include "packwalk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_list(const uint8_t *data, size_t size)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_list l = { 0 };

	if (!casg_list_decode(&l, data, size, &err)) {
		casg_list_encode(&l, &out);
		require(out.len == size && !memcmp(out.data, data, size),
			"is encoded in another form");
	} else {
		require(*err.msg, "refused without a reason");
	}
	casg_list_release(&l);
	casg_buf_release(&out);
}

static void forge_pack(uint8_t *p, size_t size)
{
	size_t at = CASG_PACK_HEADSZ;

	while (at + CASG_CHUNK_HEADSZ + CASG_PACK_TRAILSZ <= size) {
		uint64_t n = casg_get_le64(p + at + 16);

		if (n > size - at - CASG_CHUNK_HEADSZ - CASG_PACK_TRAILSZ)
			break;
		forge_chunk(p + at, CASG_CHUNK_HEADSZ + (size_t)n);
		at += CASG_CHUNK_HEADSZ + (size_t)n;
	}
}

static void on_fault(void *ctx, uint32_t chunk, int state, int code, const char *msg)
{
	(void)chunk;
	(void)state;
	require(code < 0 && *msg, "a fault without a reason");
	++*(uint32_t *)ctx;
}

static void check(int fd, int quick)
{
	struct casg_packwalk_opts o = { .quick = quick };
	struct casg_buf index = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_packwalk *w;
	uint32_t nfaults = 0;

	if (casg_packwalk_open(&w, fd, "fuzz", NULL, NULL, &err)) {
		require(*err.msg, "refused without a reason");
		return;
	}
	require(!casg_packwalk_check(w, &o, &err), "cannot be checked");
	casg_packwalk_each_fault(w, on_fault, &nfaults);
	require(nfaults == w->ndamaged + w->nunsettled, "another number of faults");
	if (!quick && !nfaults) {
		struct casg_packidx x;

		require(!casg_packwalk_index(w, &index, &err), "has no index");
		require(!casg_packidx_open(&x, index.data, index.len, &err),
			"has no good index");
		casg_packidx_release(&x);
	}
	casg_buf_release(&index);
	casg_packwalk_close(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_err err;
	uint8_t *p;
	int fd;

	if (!size || size > 1 << 20)
		return 0;
	if (data[0] == 'l') {
		try_list(data + 1, size - 1);
		return 0;
	}
	p = malloc(size);
	memcpy(p, data + 1, size - 1);
	forge_pack(p, size - 1);
	fd = memfd_create("fuzz", 0);
	require(fd >= 0 && !casg_write_full(fd, p, size - 1, &err), "no file");
	check(fd, 1);
	check(fd, 0);
	close(fd);
	free(p);
	return 0;
}
