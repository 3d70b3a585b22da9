/*
 * Linked tree nodes, with their bases.  The input is a byte, the number of
 * bases (0 to 2), then each base and the linked node: the lengths of its four
 * columns, two bytes each (little-endian), and the columns.  What decodes must
 * be stored again by the same bases, and decoded to the same node.
 */
#include "forge.h"
#include "nodelink.h"

enum { OWN = 20, BASES_MAX = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct member {
	uint8_t *bytes;
	uint32_t column[CASG_COLUMNS];
	uint64_t offset[2];
	struct casg_chunk ch;
};

static void make_member(struct member *m, int layout)
{
	m->offset[0] = 0;
	m->offset[1] = (uint64_t)m->column[0] + m->column[1] + m->column[2] + m->column[3];
	m->ch = (struct casg_chunk){ .kind = CASG_CHUNK_NODE, .layout = (uint8_t)layout,
				     .nmembers = 1, .offset = m->offset, .data = m->bytes,
				     .column = m->column };
}

static int take(const uint8_t **p, size_t *left, int layout, struct member *m)
{
	size_t n = 0;

	if (*left < 8)
		return -1;
	for (int j = 0; j < CASG_COLUMNS; j++) {
		m->column[j] = (uint32_t)(*p)[2 * j] | (uint32_t)(*p)[2 * j + 1] << 8;
		n += m->column[j];
	}
	if (n > *left - 8)
		return -1;
	m->bytes = malloc(n + 1);
	memcpy(m->bytes, *p + 8, n);
	*p += 8 + n;
	*left -= 8 + n;
	make_member(m, layout);
	return 0;
}

static int id_of_number(void *ctx, uint32_t number, struct casg_oid *id_out,
			struct casg_err *err)
{
	(void)ctx;
	(void)err;
	require(number < OWN, "a number that is not below its own");
	memset(id_out, (int)number, sizeof(*id_out));
	return 0;
}

static void id_of(const struct casg_node *n, struct casg_oid *id)
{
	static struct casg_oid hashes[CASG_NODE_MAX];
	struct casg_hasher *h = casg_hasher_new();

	for (uint32_t i = 0; i < n->count; i++)
		if (n->level)
			casg_child_hash(h, &n->children[i], &hashes[i]);
		else
			casg_entry_hash(h, &n->entries[i], &hashes[i]);
	casg_node_id(h, n->kind, n->level, n->count, hashes, id);
	casg_hasher_free(h);
}

/* Places that differ just where references do. */
static void locs_of(const struct casg_node *n, struct casg_loc locs[CASG_NODE_MAX])
{
	for (uint32_t i = 0; !n->level && i < n->count; i++)
		locs[i] = (struct casg_loc){ 0, (uint32_t)(n->entries[i].ref >> 32),
					     (uint32_t)n->entries[i].ref };
}

static void again(const struct casg_node *n, const struct casg_node *const *bases, int nb)
{
	static struct casg_loc locs[CASG_NODE_MAX], base_locs[BASES_MAX][CASG_NODE_MAX];
	static uint32_t numbers[CASG_NODE_MAX];
	static uint8_t need[CASG_NODE_MAX];
	struct casg_nodelink_base b[BASES_MAX];
	struct casg_buf col[CASG_COLUMNS] = { CASG_BUF_INIT };
	struct casg_buf all = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_node back = { 0 };
	struct member m;
	struct casg_oid x, y;

	for (int i = 0; i < nb; i++) {
		locs_of(bases[i], base_locs[i]);
		b[i] = (struct casg_nodelink_base){ bases[i], base_locs[i], { (uint32_t)i, { { 0 } } } };
	}
	locs_of(n, locs);
	memset(numbers, 0xff, sizeof(numbers)); /* CASG_NO_NUMBER */
	if (n->level) {
		casg_interior_store_linked(n->level, n->children, numbers, n->count, OWN, b, nb,
					   col);
	} else {
		casg_leaf_link_needs(n->entries, locs, n->count, b, nb, need);
		casg_leaf_store_linked(n->entries, locs, n->count, OWN, b, nb, col);
	}
	for (int j = 0; j < CASG_COLUMNS; j++) {
		m.column[j] = (uint32_t)col[j].len;
		casg_buf_add(&all, col[j].data, col[j].len);
	}
	casg_buf_cstr(&all);
	m.bytes = all.data;
	make_member(&m, CASG_LAYOUT_LINKED_OUT);
	if (all.len <= CASG_NODE_RAW_MAX) {
		require(!casg_nodelink_decode(&back, &m.ch, 0, 0, CASG_SECTION_ANY, OWN, bases, nb, id_of_number,
					      NULL, &err), "cannot be decoded again");
		id_of(n, &x);
		id_of(&back, &y);
		require(casg_oid_eq(&x, &y), "has another id");
		for (uint32_t i = 0; !n->level && i < n->count; i++)
			require(n->entries[i].ref == back.entries[i].ref, "another reference");
	}
	casg_node_release(&back);
	casg_buf_release(&all);
	for (int j = 0; j < CASG_COLUMNS; j++)
		casg_buf_release(&col[j]);
}

static void linked(struct member *m, const struct casg_node *const *bases, int nbases)
{
	struct casg_node_name names[CASG_NODELINK_BASES];
	struct casg_err err = CASG_ERR_INIT;
	struct casg_node n = { 0 };
	int named, rc = casg_nodelink_bases(&m->ch, 0, OWN, names, &named, &err);

	if (!rc && casg_node_is_linked(&m->ch, 0) && named <= nbases) {
		rc = casg_nodelink_decode(&n, &m->ch, 0, 0, CASG_SECTION_ANY, OWN, bases, named, id_of_number,
					  NULL, &err);
		if (!rc)
			again(&n, bases, named);
	}
	require(!rc || *err.msg, "refused without a reason");
	casg_node_release(&n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct member m[BASES_MAX + 1] = { { 0 } };
	struct casg_node nodes[BASES_MAX] = { { 0 } };
	const struct casg_node *bases[BASES_MAX] = { &nodes[0], &nodes[1] };
	struct casg_err err = CASG_ERR_INIT;
	int good = 1, nbases;

	if (!size || size > 1 << 20 || *data > BASES_MAX)
		return 0;
	nbases = *data++;
	size--;
	for (int i = 0; i < nbases && good; i++)
		good = !take(&data, &size, CASG_LAYOUT_COLUMNS, &m[i]) &&
		       !casg_node_decode(&nodes[i], &m[i].ch, 0, 0, CASG_SECTION_ANY, &err);
	if (good && !take(&data, &size, CASG_LAYOUT_LINKED_OUT, &m[nbases]))
		linked(&m[nbases], bases, nbases);
	for (int i = 0; i < BASES_MAX; i++)
		casg_node_release(&nodes[i]);
	for (int i = 0; i <= BASES_MAX; i++)
		free(m[i].bytes);
	return 0;
}
