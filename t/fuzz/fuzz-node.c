/*
 * Tree nodes in stored form.  The input is the lengths of three columns, two
 * bytes each (little-endian), and the columns; the rest is the fourth.  What
 * decodes must be stored and decoded to the same node, with the same id.
 */
#include "forge.h"
#include "node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void id_of(struct casg_hasher *h, const struct casg_node *n, struct casg_oid *id)
{
	static struct casg_oid hashes[CASG_NODE_MAX];

	for (uint32_t i = 0; i < n->count; i++)
		if (n->level)
			casg_child_hash(h, &n->children[i], &hashes[i]);
		else
			casg_entry_hash(h, &n->entries[i], &hashes[i]);
	casg_node_id(h, n->kind, n->level, n->count, hashes, id);
}

static int decode(struct casg_node *n, uint8_t *bytes, uint32_t column[CASG_COLUMNS],
		  struct casg_err *err)
{
	uint64_t offset[2] = { 0 };
	struct casg_chunk ch = { .kind = CASG_CHUNK_NODE, .nmembers = 1, .offset = offset,
				 .data = bytes, .column = column };

	for (int j = 0; j < CASG_COLUMNS; j++)
		offset[1] += column[j];
	return casg_node_decode(n, &ch, 0, 0, CASG_SECTION_ANY, err);
}

static void again(struct casg_hasher *h, const struct casg_node *n)
{
	struct casg_buf col[CASG_COLUMNS] = { CASG_BUF_INIT, CASG_BUF_INIT, CASG_BUF_INIT,
					      CASG_BUF_INIT };
	struct casg_buf all = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_node back = { 0 };
	uint32_t column[CASG_COLUMNS];
	struct casg_oid a, b;

	if (n->level)
		casg_interior_store(n->level, n->children, n->count, col);
	else
		casg_leaf_store(n->entries, n->count, col);
	for (int j = 0; j < CASG_COLUMNS; j++) {
		column[j] = (uint32_t)col[j].len;
		casg_buf_add(&all, col[j].data, col[j].len);
	}
	casg_buf_cstr(&all);
	if (all.len <= CASG_NODE_RAW_MAX) {
		require(!decode(&back, all.data, column, &err), "cannot be decoded again");
		id_of(h, n, &a);
		id_of(h, &back, &b);
		require(casg_oid_eq(&a, &b), "has another id");
		for (uint32_t i = 0; !n->level && i < n->count; i++)
			require(n->entries[i].ref == back.entries[i].ref, "another reference");
	}
	casg_node_release(&back);
	casg_buf_release(&all);
	for (int j = 0; j < CASG_COLUMNS; j++)
		casg_buf_release(&col[j]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t column[CASG_COLUMNS];
	struct casg_err err = CASG_ERR_INIT;
	struct casg_node n = { 0 };
	struct casg_hasher *h;
	uint8_t *bytes;

	if (size < 6 || size > 1 << 20)
		return 0;
	column[3] = (uint32_t)size - 6;
	for (int j = 0; j < 3; j++) {
		column[j] = (uint32_t)data[2 * j] | (uint32_t)data[2 * j + 1] << 8;
		if (column[j] > column[3])
			return 0;
		column[3] -= column[j];
	}
	bytes = malloc(size);
	memcpy(bytes, data + 6, size - 6);
	h = casg_hasher_new();
	if (!decode(&n, bytes, column, &err))
		again(h, &n);
	else
		require(*err.msg, "refused without a reason");
	casg_node_release(&n);
	casg_hasher_free(h);
	free(bytes);
	return 0;
}
