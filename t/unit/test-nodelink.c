#include "nodelink.h"

#include <stdio.h>
#include <stdlib.h>

#include "node.h"
#include "tap.h"

/* Nodes are made of few keys, often equal, so that all operations occur. */

enum { MAX = 120 };

/* What the tests rest on is tested elsewhere. */
#define give_up(...) do { printf("Bail out! " __VA_ARGS__); putchar('\n'); exit(1); } while (0)

struct leaf {
	struct casg_entry e[MAX];
	struct casg_loc loc[MAX];
	char key[MAX][8], desc[MAX][24];
	uint32_t n;
};

static struct casg_err err;
static uint32_t seed = 12345;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* A boundary may not fall inside: keys are chosen that are none. */
static int usable(const char *key, int level)
{
	return !casg_node_boundary(level, key, strlen(key), 0);
}

static void random_leaf(struct leaf *l, uint32_t percent)
{
	l->n = 0;
	for (unsigned int k = 0; k < 100; k++) {
		struct casg_entry *e = &l->e[l->n];

		snprintf(l->key[l->n], 8, "k%03u", k);
		if (rnd(100) >= percent || !usable(l->key[l->n], 0))
			continue;
		memset(e, 0, sizeof(*e));
		e->key = l->key[l->n];
		e->klen = strlen(e->key);
		snprintf(l->desc[l->n], 24, " d%u of %u more", rnd(3), k);
		e->desc = l->desc[l->n];
		e->dlen = strlen(e->desc);
		if (!rnd(8)) {
			e->dlen = 5000 + rnd(2);
			e->desc = NULL;
			memset(&e->desc_blob, (int)(k & 0xff), sizeof(e->desc_blob));
		} else if (!rnd(8)) {
			e->dlen = 0;
		}
		l->loc[l->n] = (struct casg_loc){ 1, rnd(2), k };
		e->ref = l->loc[l->n].chunk * 1000 + k;
		l->n++;
	}
}

static void chunk_of(struct casg_coder *c, int layout, struct casg_buf col[CASG_COLUMNS],
		     struct casg_chunk **out)
{
	struct casg_slice m[CASG_COLUMNS];
	struct casg_buf bytes = CASG_BUF_INIT;
	struct casg_oid id;

	for (int j = 0; j < CASG_COLUMNS; j++) {
		m[j].p = col[j].data;
		m[j].nbytes = col[j].len;
	}
	*out = NULL;
	if (casg_chunk_encode_nodes(c, layout, 1, m, 1, &bytes, &id, &err) ||
	    casg_chunk_decode(c, bytes.data, bytes.len, NULL, out, &err))
		give_up("cannot make a chunk: %s", err.msg);
	casg_buf_release(&bytes);
	for (int j = 0; j < CASG_COLUMNS; j++)
		casg_buf_reset(&col[j]);
}

static int same_entry(const struct casg_entry *a, const struct casg_entry *b)
{
	return !casg_key_cmp(a->key, a->klen, a->occurrence, b->key, b->klen, b->occurrence) &&
	       a->dlen == b->dlen && !a->desc == (b->dlen > CASG_DESC_INLINE) &&
	       (a->dlen > CASG_DESC_INLINE ? casg_oid_eq(&a->desc_blob, &b->desc_blob)
		: !a->dlen || !memcmp(a->desc, b->desc, (size_t)a->dlen)) &&
	       a->ref == b->ref;
}

static int no_id(void *ctx, uint32_t number, struct casg_oid *id_out, struct casg_err *e)
{
	(void)e;
	(void)ctx;
	memset(id_out, (int)number, sizeof(*id_out));
	return 0;
}

static void test_leaves(struct casg_coder *c)
{
	struct casg_buf col[CASG_COLUMNS] = { CASG_BUF_INIT };
	struct casg_node nodes[3] = { { 0 } }, got = { 0 };
	struct casg_chunk *ch[3], *linked;
	struct leaf base[2], l;
	int same = 0, named = 0, all = 0, smaller = 0;

	for (int round = 0; round < 400; round++) {
		struct casg_nodelink_base b[2] = { { &nodes[0], base[0].loc, { 7, { { 0 } } } },
						   { &nodes[1], base[1].loc, { CASG_NO_NUMBER, { { 9 } } } } };
		const struct casg_node *bases[2] = { &nodes[0], &nodes[1] };
		struct casg_node_name names[CASG_NODELINK_BASES];
		int nb = (int)rnd(3), n, ok = 1;
		size_t plain = 0, delta = 0;

		for (int i = 0; i < 2; i++) {
			random_leaf(&base[i], 10 + rnd(90));
			casg_leaf_store(base[i].e, base[i].n, col);
			chunk_of(c, CASG_LAYOUT_COLUMNS, col, &ch[i]);
			if (casg_node_decode(&nodes[i], ch[i], 0, 3, CASG_SECTION_ANY, &err))
				give_up("a plain leaf is not read: %s", err.msg);
		}
		random_leaf(&l, 10 + rnd(90));
		for (uint32_t i = 0; round % 8 == 0 && i < l.n; i++) { /* no descriptions */
			l.e[i].desc = "";
			l.e[i].dlen = 0;
		}
		if (nb && rnd(2)) { /* nearly the same as the base */
			l = base[0];
			for (uint32_t i = 0; i < l.n; i++) {
				l.e[i].key = l.key[i];
				if (l.e[i].desc)
					l.e[i].desc = l.desc[i];
			}
			if (l.n > 3) {
				l.loc[2].chunk ^= 1;
				l.e[2].ref = l.loc[2].chunk * 1000 + l.loc[2].member;
			}
		}
		casg_leaf_store(l.e, l.n, col);
		for (int j = 0; j < CASG_COLUMNS; j++) {
			plain += col[j].len;
			casg_buf_reset(&col[j]);
		}
		casg_leaf_store_linked(l.e, l.loc, l.n, 20, b, nb, col);
		for (int j = 0; j < CASG_COLUMNS; j++)
			delta += col[j].len;
		chunk_of(c, CASG_LAYOUT_LINKED_OUT, col, &linked);
		ok = !casg_nodelink_bases(linked, 0, 20, names, &n, &err) && n == nb &&
		     (nb < 1 || names[0].number == 7) &&
		     (nb < 2 || (names[1].number == CASG_NO_NUMBER && names[1].id.b[0] == 9));
		named += ok;
		if (casg_nodelink_decode(&got, linked, 0, 5, CASG_SECTION_ANY, 20, bases, nb, no_id, NULL, &err))
			diag("round %d: %s", round, err.msg);
		ok = got.count == l.n;
		for (uint32_t i = 0; ok && i < l.n; i++)
			ok = same_entry(&got.entries[i], &l.e[i]);
		same += ok;
		smaller += delta < plain / 4;
		all++;
		casg_chunk_free(ch[0]);
		casg_chunk_free(ch[1]);
		casg_chunk_free(linked);
	}
	is_int(named, all, "bases are named, by number and by id");
	is_int(same, all, "leaves come back from their bases");
	ok(smaller > 50, "a leaf near its base takes a quarter at most (%d did)", smaller);
	for (int i = 0; i < 3; i++)
		casg_node_release(&nodes[i]);
	casg_node_release(&got);
	for (int j = 0; j < CASG_COLUMNS; j++)
		casg_buf_release(&col[j]);
}

struct inner {
	struct casg_child c[MAX];
	uint32_t number[MAX], n;
	char key[2 * MAX][8];
};

static void random_inner(struct inner *l)
{
	unsigned int k = rnd(3);

	l->n = 0;
	while (k < 90) {
		struct casg_child *c = &l->c[l->n];
		char *a = l->key[2 * l->n], *b = l->key[2 * l->n + 1];

		snprintf(a, 8, "k%03u", k);
		k += rnd(3);
		snprintf(b, 8, "k%03u", k);
		k += 1 + rnd(2);
		if (!usable(b, 1))
			continue;
		memset(c, 0, sizeof(*c));
		c->first = a;
		c->first_len = strlen(a);
		c->last = b;
		c->last_len = strlen(b);
		c->count = 1 + rnd(3);
		l->number[l->n] = rnd(4) ? rnd(200) : CASG_NO_NUMBER;
		memset(&c->id, (int)(l->number[l->n] == CASG_NO_NUMBER ? 255 : l->number[l->n]),
		       sizeof(c->id));
		l->n++;
	}
}

static int same_child(const struct casg_child *a, const struct casg_child *b)
{
	return !casg_key_cmp(a->first, a->first_len, a->first_occurrence, b->first,
			     b->first_len, b->first_occurrence) &&
	       !casg_key_cmp(a->last, a->last_len, a->last_occurrence, b->last, b->last_len,
			     b->last_occurrence) &&
	       a->count == b->count && casg_oid_eq(&a->id, &b->id);
}

static void test_inner(struct casg_coder *c)
{
	struct casg_buf col[CASG_COLUMNS] = { CASG_BUF_INIT };
	struct casg_node node = { 0 }, got = { 0 };
	struct inner base, l;
	int same = 0, all = 0;

	for (int round = 0; round < 400; round++) {
		struct casg_nodelink_base b = { &node, NULL, { 3, { { 0 } } } };
		const struct casg_node *bases[1] = { &node };
		struct casg_chunk *ch, *linked;
		int nb = (int)rnd(2), ok;

		random_inner(&base);
		casg_interior_store(1, base.c, base.n, col);
		chunk_of(c, CASG_LAYOUT_COLUMNS, col, &ch);
		if (casg_node_decode(&node, ch, 0, 0, CASG_SECTION_ANY, &err))
			give_up("a plain interior node is not read: %s", err.msg);
		random_inner(&l);
		casg_interior_store_linked(1, l.c, l.number, l.n, 200, &b, nb, col);
		chunk_of(c, CASG_LAYOUT_LINKED, col, &linked);
		if (casg_nodelink_decode(&got, linked, 0, 5, CASG_SECTION_ANY, 200, bases, nb, no_id, NULL, &err))
			diag("round %d: %s", round, err.msg);
		ok = got.count == l.n;
		for (uint32_t i = 0; ok && i < l.n; i++)
			ok = same_child(&got.children[i], &l.c[i]);
		same += ok;
		all++;
		casg_chunk_free(ch);
		casg_chunk_free(linked);
	}
	is_int(same, all, "interior nodes come back, children by number or id");
	casg_node_release(&node);
	casg_node_release(&got);
	for (int j = 0; j < CASG_COLUMNS; j++)
		casg_buf_release(&col[j]);
}

static void put(struct casg_buf col[CASG_COLUMNS], int j, const char *bytes, size_t n)
{
	casg_buf_add(&col[j], bytes, n);
}

static int try(struct casg_coder *c, int layout, const char *structure, size_t n)
{
	struct casg_buf col[CASG_COLUMNS] = { CASG_BUF_INIT };
	struct casg_node_name names[CASG_NODELINK_BASES];
	struct casg_node base = { .kind = 1 }, got = { 0 };
	const struct casg_node *bases[CASG_NODELINK_BASES] = { &base, &base };
	struct casg_chunk *ch;
	int nb, rc;

	put(col, 0, structure, n);
	chunk_of(c, layout, col, &ch);
	rc = casg_nodelink_bases(ch, 0, 20, names, &nb, &err);
	if (!rc)
		rc = casg_nodelink_decode(&got, ch, 0, 5, CASG_SECTION_ANY, 20, bases, nb, no_id, NULL, &err);
	casg_chunk_free(ch);
	casg_node_release(&got);
	for (int j = 0; j < CASG_COLUMNS; j++)
		casg_buf_release(&col[j]);
	return rc;
}

#define REFUSED(layout, bytes, why, what) do { \
	is_int(try(c, layout, bytes, sizeof(bytes) - 1), CASG_ECORRUPT, what); \
	is_str(err.msg, why, "and the reason is given"); \
} while (0)

static void test_hostile(struct casg_coder *c)
{
	const int in = CASG_LAYOUT_LINKED;

	is_int(try(c, in, "\x81\0\0\0", 4), 0, "a linked leaf of nothing is read");
	REFUSED(CASG_LAYOUT_COLUMNS, "\x81\0\0\0",
		"corrupt linked tree node: its chunk is not one of linked nodes",
		"a linked node in a chunk of plain ones");
	REFUSED(in, "\x81\0\0\x09", "corrupt linked tree node: its bases are malformed",
		"nine bases");
	REFUSED(in, "\x81\0\0\1\1", "corrupt linked tree node: it names a node that is not before it",
		"its own base");
	REFUSED(in, "\x81\0\0\1\3", "corrupt linked tree node: it names a node that is not before it",
		"a base behind it");
	REFUSED(in, "\x81\0\0\1\x2c", "corrupt linked tree node: it names a node that is not before it",
		"a base before the first");
	REFUSED(in, "\x81\0\0\1\0", "corrupt linked tree node: an id is cut short", "no id");
	REFUSED(in, "\x81\0\1\1\2\4", "corrupt linked tree node: it takes more entries than its bases have",
		"a copy of nothing");
	REFUSED(in, "\x81\0\1\1\2\5", "corrupt linked tree node: it skips more entries than its bases have",
		"a skip of nothing");
	REFUSED(in, "\x81\0\1\1\2\0", "corrupt linked tree node: its operations are malformed",
		"a copy of none");
	REFUSED(in, "\x81\0\1\1\2\x0c", "corrupt linked tree node: it makes more entries than it has",
		"more than counted");
	REFUSED(in, "\x81\0\0\0\5", "corrupt tree node: bytes are left over", "an operation too many");
	REFUSED(in, "\x81\1\1\1\2\4", "corrupt linked tree node: a base is of another level",
		"a base of another level");
	REFUSED(in, "\x81\0\1\0\6\0\1\0\0", "corrupt linked tree node: an inserted entry is malformed",
		"an insertion without a key");
}

int main(void)
{
	struct casg_coder *c = casg_coder_new();

	test_leaves(c);
	test_inner(c);
	test_hostile(c);
	casg_coder_free(c);
	return done_testing();
}
