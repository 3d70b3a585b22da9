/*
 * Records of inventories and their summary: decoding accepts exactly what
 * encoding emits, and every question has an end.  The first byte is 's' for a
 * summary, anything else for a record.
 */
#include <stdio.h>
#include <stdlib.h>

#include "inventory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void one_record(struct casg_hasher *h, const uint8_t *text, size_t n)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_invrec r;
	struct casg_oid id;

	casg_invrec_init(&r);
	if (!casg_invrec_decode(&r, h, text, n, &err)) {
		id = r.id;
		require(!casg_invrec_encode(&r, h, &out, &err), "cannot be encoded");
		require(out.len == n && !memcmp(out.data, text, n), "encoding gives another text");
		require(casg_oid_eq(&id, &r.id), "another id");
	} else {
		require(*err.msg && !r.npacks && !r.versions.n, "refused without a reason, or half filled");
	}
	casg_invrec_release(&r);
	casg_buf_release(&out);
}

static void ask(struct casg_inventory *inv)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_invpack *packs;
	struct casg_oid *ids, missing;
	size_t n, npacks;

	require(!casg_inventory_versions(inv, &ids, &n, &err), "no list of versions");
	if (!casg_inventory_need(inv, ids, n, &packs, &npacks, &missing, &err))
		free(packs);
	else
		require(*err.msg, "refused without a reason");
	free(ids);
	if (!casg_inventory_packs(inv, &packs, &npacks, &err))
		free(packs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct casg_hasher *h = casg_hasher_new();
	struct casg_inventory *inv = casg_inventory_new();
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	if (size && data[0] != 's') {
		one_record(h, data + 1, size - 1);
	} else if (size) {
		if (!casg_inventory_add_summary(inv, data + 1, size - 1, &err)) {
			require(!casg_inventory_summary(inv, &out, &err), "no summary");
			require(out.len == size - 1 && !memcmp(out.data, data + 1, out.len),
				"another summary");
		} else {
			require(*err.msg && !casg_inventory_count(inv), "half taken");
		}
		ask(inv);
	}
	casg_buf_release(&out);
	casg_inventory_free(inv);
	casg_hasher_free(h);
	return 0;
}
