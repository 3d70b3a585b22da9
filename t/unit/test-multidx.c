#include "multidx.h"

#include <stdlib.h>

#include "chunk.h"
#include "endian.h"
#include "sum.h"
#include "tap.h"

enum { PACKS = 5, OBJECTS = 3000, NODES = 20 };

static struct casg_err err;

static void make_id(struct casg_oid *id, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		casg_put_be64(id->b + 8 * i, casg_xxh64(seed, "id", (size_t)i % 3));
}

struct made {
	struct casg_buf bytes;
	struct casg_packidx x;
};

/* Pack k has the objects k * 1000 .. and n of them, so neighbours share some. */
static void make_pack(struct made *m, uint32_t k, uint32_t n, uint32_t nnodes)
{
	struct casg_idx_chunk c[2] = { { .nmembers = n, .kind = CASG_CHUNK_SEQ, .nbytes = 50 },
				       { .nmembers = nnodes, .kind = CASG_CHUNK_NODE, .first = n } };
	struct casg_objinfo *o = calloc(n + 1u, sizeof(*o));
	struct casg_idx_node *v = calloc(nnodes + 1u, sizeof(*v));
	struct casg_packidx_src s = { .chunks = c, .nchunks = 2, .objects = o, .nobjects = n,
				      .nodes = v, .nnodes = nnodes, .pack_nbytes = 100 };

	memset(m, 0, sizeof(*m));
	make_id(&c[0].id, 5000000 + k);
	make_id(&c[1].id, 6000000 + k);
	for (uint32_t i = 0; i < n; i++)
		make_id(&o[i].id, k * 1000 + i);
	for (uint32_t i = 0; i < nnodes; i++) {
		make_id(&v[i].id, 7000000 + k * NODES + i);
		v[i].chunk = 1;
		v[i].member = i;
	}
	s.pack_id.b[0] = (uint8_t)(k + 1);
	ok(!casg_packidx_build(&s, &m->bytes, &err) &&
	   !casg_packidx_open(&m->x, m->bytes.data, m->bytes.len, &err), "the index of pack %u", k);
	free(o);
	free(v);
}

static int collect(void *ctx, const uint8_t *p, size_t n, struct casg_err *e)
{
	(void)e;
	casg_buf_add(ctx, p, n);
	return 0;
}

static int full(void *ctx, const uint8_t *p, size_t n, struct casg_err *e)
{
	(void)ctx;
	(void)p;
	(void)n;
	return casg_err_set(e, CASG_EIO, "no room");
}

static int proposes(struct casg_multidx *m, uint64_t seed, uint32_t pack, size_t *n_out)
{
	uint32_t packs[64];
	struct casg_oid id;

	make_id(&id, seed);
	if (casg_multidx_find(m, &id, packs, 64, n_out, &err))
		return 0;
	for (size_t i = 0; i < *n_out && i < 64; i++)
		if (packs[i] == pack)
			return 1;
	return 0;
}

/* Bytes of damage are an error or no change to any answer. */
static int resists(const struct casg_buf *b, size_t at)
{
	uint8_t *copy = malloc(b->len);
	struct casg_multidx m;
	size_t n;
	int good = 1;

	memcpy(copy, b->data, b->len);
	copy[at] ^= 0x10;
	if (!casg_multidx_open(&m, copy, b->len, &err)) {
		for (uint64_t i = 0; i < OBJECTS && good; i++) {
			struct casg_oid id;
			uint32_t packs[64];

			make_id(&id, i);
			good = casg_multidx_find(&m, &id, packs, 64, &n, &err) ==
				       CASG_ECORRUPT ||
			       proposes(&m, i, 0, &n);
		}
		casg_multidx_release(&m);
	}
	free(copy);
	return good;
}

int main(void)
{
	struct made made[PACKS];
	struct casg_packidx *packs[PACKS];
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_multidx m;
	struct casg_oid id;
	uint64_t nabsent = 0;
	uint32_t one;
	size_t n;
	int all = 1;

	for (uint32_t k = 0; k < PACKS; k++) {
		make_pack(&made[k], k, OBJECTS, NODES);
		packs[k] = &made[k].x;
	}
	ok(!casg_multidx_build(packs, PACKS, collect, &b, &err), "an index over all");
	ok(!casg_multidx_open(&m, b.data, b.len, &err), "opened");
	is_int(m.npacks, PACKS, "its packs");
	is_int(m.nentries, PACKS * (OBJECTS + NODES + 2), "its entries");
	for (uint32_t k = 0; k < PACKS; k++) {
		for (uint32_t i = 0; i < OBJECTS; i++)
			all &= proposes(&m, k * 1000 + i, k, &n);
		for (uint32_t i = 0; i < NODES; i++)
			all &= proposes(&m, 7000000 + k * NODES + i, k, &n);
		all &= proposes(&m, 5000000 + k, k, &n) && proposes(&m, 6000000 + k, k, &n);
		all &= !casg_multidx_pack(&m, k, &id, &err) && id.b[0] == k + 1;
	}
	ok(all, "every pack is proposed for all that it holds");
	proposes(&m, 2500, 0, &n);
	is_int(n, 3, "what three packs hold is proposed three times");
	for (uint64_t i = 0; i < 100000; i++) {
		proposes(&m, 9000000 + i, 0, &n);
		nabsent += n;
	}
	ok(nabsent < 50, "what is in none is hardly ever proposed");
	make_id(&id, 2500);
	ok(!casg_multidx_find(&m, &id, &one, 1, &n, &err) && n == 3 && one < PACKS,
	   "no more is written than there is room for");
	is_int(casg_multidx_pack(&m, PACKS, &id, &err), CASG_ECORRUPT, "no pack beyond the last");
	casg_multidx_release(&m);

	all = 1;
	for (size_t at = 0; at < b.len; at += 61)
		all &= resists(&b, at);
	ok(all, "damage is never another answer");
	for (size_t cut = 1; cut <= b.len; cut += cut < 100 ? 1 : 977)
		if (!casg_multidx_open(&m, b.data, b.len - cut, &err)) {
			all = 0;
			casg_multidx_release(&m);
		}
	ok(all, "one that is cut short is refused");
	b.data[8] = 2;
	is_int(casg_multidx_open(&m, b.data, b.len, &err), CASG_EUNSUPPORTED,
	       "another version is refused by number");

	casg_buf_reset(&b);
	ok(!casg_multidx_build(packs, 0, collect, &b, &err) &&
	   !casg_multidx_open(&m, b.data, b.len, &err) && !proposes(&m, 1, 0, &n) && !n,
	   "over no pack");
	casg_multidx_release(&m);
	is_int(casg_multidx_build(packs, PACKS, full, NULL, &err), CASG_EIO, "a full disk is told");
	packs[0] = packs[1];
	is_int(casg_multidx_build(packs, PACKS, collect, &b, &err), CASG_ECORRUPT,
	       "no pack twice");
	casg_buf_release(&b);
	for (uint32_t k = 0; k < PACKS; k++) {
		casg_packidx_release(&made[k].x);
		casg_buf_release(&made[k].bytes);
	}
	return done_testing();
}
