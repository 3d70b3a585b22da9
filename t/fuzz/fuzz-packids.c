/*
 * Ids of packs: decoding accepts exactly what encoding emits, and what it
 * accepts makes an index.  The input is the file without its checksum.
 */
#include "forge.h"
#include "packids.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_buf file = CASG_BUF_INIT, out = CASG_BUF_INIT, idx = CASG_BUF_INIT;
	struct casg_hasher *h = casg_hasher_new();
	struct casg_err err = CASG_ERR_INIT;
	struct casg_packidx x;
	struct casg_packids ids;
	struct casg_oid id = { { 0 } }, sum;

	casg_buf_add(&file, data, size);
	casg_hasher_digest(h, data, size, &sum);
	casg_buf_add(&file, sum.b, CASG_OID_RAWSZ);
	if (size >= 8 + CASG_OID_RAWSZ)
		memcpy(id.b, data + 8, CASG_OID_RAWSZ);
	if (!casg_packids_decode(&ids, file.data, file.len, &id, &err)) {
		require(!casg_packids_encode(&ids.src, &out, &err), "cannot be encoded");
		require(out.len == file.len && !memcmp(out.data, file.data, out.len),
			"encoding gives other bytes");
		casg_packids_check(&ids, &err);
		if (!casg_packidx_build(&ids.src, &idx, &err)) {
			require(!casg_packidx_open(&x, idx.data, idx.len, &err), "no index");
			casg_packidx_release(&x);
		}
	} else {
		require(*err.msg, "refused without a reason");
	}
	casg_packids_release(&ids);
	casg_buf_release(&file);
	casg_buf_release(&out);
	casg_buf_release(&idx);
	casg_hasher_free(h);
	return 0;
}
