#include "packidx.h"

#include <stdlib.h>

#include "chunk.h"
#include "endian.h"
#include "sum.h"
#include "tap.h"

#define PER_CHUNK 100u

static struct casg_err err;

static void make_id(struct casg_oid *id, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = (seed * 4 + (uint64_t)i + 1) * 0x9e3779b97f4a7c15u;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		casg_put_be64(id->b + 8 * i, z ^ z >> 31);
	}
}

/* A made-up pack: n objects, PER_CHUNK a chunk, then a chunk of nnodes nodes. */
static void make_src(struct casg_packidx_src *s, uint32_t n, uint32_t nnodes)
{
	uint32_t nseq = (n + PER_CHUNK - 1) / PER_CHUNK, nchunks = nseq + (nnodes > 0);
	struct casg_idx_chunk *c = calloc(nchunks + 1, sizeof(*c));
	struct casg_objinfo *o = calloc(n + 1, sizeof(*o));
	struct casg_idx_node *v = calloc(nnodes + 1, sizeof(*v));

	for (uint32_t i = 0; i < nchunks; i++) {
		make_id(&c[i].id, 1000000 + i);
		c[i].kind = i < nseq ? CASG_CHUNK_SEQ : CASG_CHUNK_NODE;
		c[i].first = i < nseq ? i * PER_CHUNK : n;
		c[i].nmembers = i < nseq ? (n - c[i].first < PER_CHUNK ?
					    n - c[i].first : PER_CHUNK) : nnodes;
		c[i].offset = 16 + i * 5000;
		c[i].nbytes = 5000;
		c[i].nraw = 20000 + i;
	}
	for (uint32_t i = 0; i < n; i++) {
		make_id(&o[i].id, i);
		o[i].nbytes = i;
	}
	for (uint32_t i = 0; i < nnodes; i++) {
		make_id(&v[i].id, 2000000 + i);
		v[i].chunk = nchunks - 1;
		v[i].member = i;
	}
	memset(s, 0, sizeof(*s));
	make_id(&s->pack_id, 3000000);
	s->pack_nbytes = 32 + nchunks * 5000;
	s->chunks = c;
	s->nchunks = nchunks;
	s->objects = o;
	s->nobjects = n;
	s->nodes = v;
	s->nnodes = nnodes;
}

static void free_src(struct casg_packidx_src *s)
{
	free((void *)s->chunks);
	free((void *)s->objects);
	free((void *)s->nodes);
}

/* 1 if object i is among the candidates for its id, at its place. */
static int finds(struct casg_packidx *x, const struct casg_packidx_src *s, uint32_t i)
{
	uint32_t lo, hi, object, chunk, member;

	if (casg_packidx_candidates(x, &s->objects[i].id, &lo, &hi, &err))
		return 0;
	for (; lo < hi; lo++)
		if (!casg_packidx_slot(x, lo, &object, &err) && object == i)
			return !casg_packidx_locate(x, object, &chunk, &member, &err) &&
			       chunk == i / PER_CHUNK && member == i % PER_CHUNK;
	return 0;
}

static void test_size(uint32_t n, uint32_t nnodes, uint32_t version)
{
	struct casg_packidx_src s;
	struct casg_packidx x;
	struct casg_buf out = CASG_BUF_INIT, again = CASG_BUF_INIT;
	uint32_t good = 0, hits = 0, chunk, lo, hi;
	struct casg_idx_node node, last = { .chunk = 0 };
	struct casg_oid other;

	make_src(&s, n, nnodes);
	s.version = version;
	is_int(casg_packidx_build(&s, &out, &err), 0, "%u objects and %u nodes, version %u", n,
	       nnodes, version);
	casg_packidx_build(&s, &again, &err);
	is_mem(out.data, out.len, again.data, again.len, "twice the same");
	is_int(casg_packidx_open(&x, out.data, out.len, &err), 0, "opens");
	ok(x.nobjects == n && x.nnodes == nnodes && casg_oid_eq(&x.pack_id, &s.pack_id) &&
	   x.pack_nbytes == s.pack_nbytes, "the header comes back");
	for (uint32_t i = 0; i < n; i++)
		good += finds(&x, &s, i);
	is_int(good, n, "every object is found");
	good = 0;
	for (uint32_t i = 0; i < nnodes; i++)
		good += casg_packidx_find_node(&x, &s.nodes[i].id, &node, &err) == 1 &&
			node.member == i;
	is_int(good, nnodes, "every node is found");
	good = 0;
	for (uint32_t i = 0; i < nnodes; i++) {
		good += !casg_packidx_node(&x, i, &node, &err) &&
			(!i || casg_oid_cmp(&last.id, &node.id) < 0);
		last = node;
	}
	is_int(good, nnodes, "they lie in order");
	good = 0;
	for (uint32_t i = 0; i < nnodes; i++) {
		uint32_t number;

		good += !casg_packidx_node_at(&x, i, &node, &err) && node.member == i &&
			casg_oid_eq(&node.id, &s.nodes[i].id) &&
			!casg_packidx_node_number(&x, node.chunk, node.member, &number, &err) &&
			number == i;
	}
	is_int(good, nnodes, "every node has its number");
	is_int(casg_packidx_node_at(&x, nnodes, &node, &err), CASG_ECORRUPT, "and no other has");
	good = 0;
	for (uint32_t i = 0; i < s.nchunks; i++)
		good += casg_packidx_find_chunk(&x, &s.chunks[i].id, &chunk, &err) == 1 &&
			chunk == i;
	is_int(good, s.nchunks, "every chunk is found");
	for (uint32_t i = 0; i < 500; i++) {
		make_id(&other, 9000000 + i);
		if (casg_packidx_candidates(&x, &other, &lo, &hi, &err) || lo != hi)
			hits++;
		if (casg_packidx_find_node(&x, &other, &node, &err) ||
		    casg_packidx_find_chunk(&x, &other, &chunk, &err))
			hits++;
	}
	is_int(hits, 0, "others are not");
	casg_packidx_release(&x);
	casg_buf_release(&out);
	casg_buf_release(&again);
	free_src(&s);
}

/*
 * Ids that agree in their first 8 bytes, more than the index keeps: all are
 * candidates for each, and it is the caller who tells them apart.
 */
static void test_shared_prefixes(void)
{
	struct casg_packidx_src s;
	struct casg_packidx x;
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_objinfo *o;
	uint32_t lo, hi;
	int good = 1;

	make_src(&s, 3000, 0);
	o = (struct casg_objinfo *)s.objects;
	for (int i = 0; i < 40; i++)
		memcpy(o[i * 70].id.b, o[0].id.b, 8);
	casg_packidx_build(&s, &out, &err);
	is_int(casg_packidx_open(&x, out.data, out.len, &err), 0, "40 forged prefixes");
	for (uint32_t i = 0; i < 40; i++) {
		casg_packidx_candidates(&x, &o[i * 70].id, &lo, &hi, &err);
		good &= hi - lo == 40 && finds(&x, &s, i * 70);
	}
	ok(good, "each has 40 candidates, itself among them");
	casg_packidx_release(&x);
	casg_buf_release(&out);
	free_src(&s);
}

static void test_damage(void)
{
	struct casg_packidx_src s;
	struct casg_packidx x;
	struct casg_buf out = CASG_BUF_INIT;
	size_t wrong = 0, read = 0, nblocks;

	make_src(&s, 2000, 50);
	casg_packidx_build(&s, &out, &err);
	nblocks = (out.len + CASG_BLOCK - 1) / CASG_BLOCK;
	for (size_t at = 0; at < out.len; at += 61) {
		out.data[at] ^= 0x21;
		if (!casg_packidx_open(&x, out.data, out.len, &err)) {
			for (uint32_t i = 0; i < 2000; i += 9) {
				uint32_t lo, hi;
				int rc = casg_packidx_candidates(&x, &s.objects[i].id,
								 &lo, &hi, &err);

				wrong += !rc && lo == hi;
				read += !rc;
			}
			wrong += !casg_blocks_check_all(&x.blocks, &err);
			casg_packidx_release(&x);
		}
		out.data[at] ^= 0x21;
	}
	is_int(wrong, 0, "a damaged index never says that something is not there");
	ok(read, "what lies in other blocks is still found");
	read = 0;
	for (size_t n = 0; n < nblocks; n++)
		ok(casg_packidx_open(&x, out.data, n * CASG_BLOCK, &err) < 0,
		   "%zu of its %zu blocks are refused", n, nblocks);
	for (size_t n = 1; n < 200; n++)
		read += !casg_packidx_open(&x, out.data, out.len - n, &err);
	is_int(read, 0, "and so is a file whose last block is shorter than it was");
	out.data[8] = CASG_PACKIDX_VERSION + 1;
	is_int(casg_packidx_open(&x, out.data, out.len, &err), CASG_EUNSUPPORTED, "version 5");
	is_str(err.msg, "unsupported pack index version 5", "is named");
	casg_buf_release(&out);
	free_src(&s);
}

static void reseal(struct casg_buf *b, uint64_t k)
{
	uint8_t *p = b->data + k * CASG_BLOCK;
	size_t rest = b->len - k * CASG_BLOCK;
	size_t payload = (rest < CASG_BLOCK ? rest : CASG_BLOCK) - CASG_BLOCK_SUM;

	casg_put_le64(p + payload, casg_xxh64(k, p, payload));
}

/* As it was before nodes were listed by number: without what is behind them. */
static void test_version_1(uint32_t n, uint32_t nnodes)
{
	struct casg_packidx_src s;
	struct casg_packidx x;
	struct casg_buf out = CASG_BUF_INIT, again = CASG_BUF_INIT;
	struct casg_idx_node node;
	uint32_t good = 0, number;
	uint64_t nblocks;
	size_t tail;

	make_src(&s, n, nnodes);
	s.version = 2;
	casg_packidx_build(&s, &out, &err);
	if (casg_packidx_open(&x, out.data, out.len, &err))
		diag("%s", err.msg);
	nblocks = casg_place_blocks(x.at_numbers);
	tail = (size_t)x.at_numbers.offset;
	casg_packidx_release(&x);
	casg_put_le32(out.data + 8, 1);
	out.len = nblocks * CASG_BLOCK;
	if (tail)
		memset(out.data + out.len - CASG_BLOCK + tail, 0, CASG_BLOCK_PAYLOAD - tail);
	for (uint64_t k = 0; k < nblocks; k++)
		reseal(&out, k);
	s.version = 1;
	casg_packidx_build(&s, &again, &err);
	is_mem(again.data, again.len, out.data, out.len, "version 1 is written as it was");
	casg_buf_release(&again);
	is_int(casg_packidx_open(&x, out.data, out.len, &err), 0, "version 1, %u nodes: %s", nnodes,
	       err.msg);
	for (uint32_t i = 0; i < n; i++)
		good += finds(&x, &s, i);
	is_int(good, n, "every object is found");
	good = 0;
	for (uint32_t i = 0; i < nnodes; i++)
		good += casg_packidx_find_node(&x, &s.nodes[i].id, &node, &err) == 1 &&
			node.member == i &&
			!casg_packidx_node_number(&x, node.chunk, i, &number, &err) && number == i;
	is_int(good, nnodes, "every node is found, and what number it has");
	if (nnodes) {
		is_int(casg_packidx_node_at(&x, 0, &node, &err), CASG_EUNSUPPORTED,
		       "but not by number");
		ok(strstr(err.msg, "casg index-pack") != NULL, "and what to do is said");
	}
	casg_packidx_release(&x);
	casg_buf_release(&out);
	free_src(&s);
}

/* The list by number is swapped, or points beyond the last: refused. */
static void test_slots_forged(void)
{
	struct casg_packidx_src s;
	struct casg_packidx x;
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_idx_node node;
	uint64_t block, at;

	make_src(&s, 10, 30);
	s.version = 2;
	casg_packidx_build(&s, &out, &err);
	if (casg_packidx_open(&x, out.data, out.len, &err))
		diag("%s", err.msg);
	block = x.at_numbers.block;
	at = block * CASG_BLOCK + x.at_numbers.offset;
	casg_packidx_release(&x);
	for (int forged = 0; forged < 2; forged++) {
		uint32_t was = casg_get_le32(out.data + at);

		casg_put_le32(out.data + at, forged ? 30 : casg_get_le32(out.data + at + 4));
		reseal(&out, block);
		casg_packidx_open(&x, out.data, out.len, &err);
		is_int(casg_packidx_node_at(&x, 0, &node, &err), CASG_ECORRUPT,
		       forged ? "a slot beyond the last: %s" : "the slot of another: %s", err.msg);
		is_int(casg_packidx_node_at(&x, 2, &node, &err), 0, "others are read");
		casg_packidx_release(&x);
		casg_put_le32(out.data + at, was);
	}
	casg_buf_release(&out);
	free_src(&s);
}

/* What the list by id says lies beyond the last, or in no chunk: refused. */
static void test_numbers_forged(void)
{
	struct casg_packidx_src s;
	struct casg_packidx x;
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_idx_node node;
	uint64_t block, at;

	make_src(&s, 10, 30);
	casg_packidx_build(&s, &out, &err);
	if (casg_packidx_open(&x, out.data, out.len, &err))
		diag("%s", err.msg);
	block = x.at_numbers.block;
	at = block * CASG_BLOCK + x.at_numbers.offset;
	casg_packidx_release(&x);
	casg_put_le32(out.data + at, 30);
	reseal(&out, block);
	casg_packidx_open(&x, out.data, out.len, &err);
	is_int(casg_packidx_node(&x, 0, &node, &err), CASG_ECORRUPT, "a number beyond the last: %s",
	       err.msg);
	is_int(casg_packidx_node(&x, 1, &node, &err), 0, "others are read");
	is_int(casg_packidx_node_at(&x, 0, &node, &err), 0, "and all by number");
	casg_packidx_release(&x);
	casg_buf_reset(&out);
	((struct casg_idx_chunk *)s.chunks)[1].nmembers--;
	casg_packidx_build(&s, &out, &err);
	is_int(casg_packidx_open(&x, out.data, out.len, &err), CASG_ECORRUPT, "%s", err.msg);
	casg_buf_release(&out);
	free_src(&s);
}

/* Bytes a distinct sequence, with the nodes that many small releases have; and with none. */
static void test_bytes(void)
{
	static const struct {
		uint32_t n, nnodes;
		double most;
	} cases[] = { { 4000, 680, 12 }, { 100000, 0, 5.1 }, { 300000, 0, 6.2 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct casg_packidx_src s;
		struct casg_buf out = CASG_BUF_INIT;
		uint32_t n = cases[i].n;

		make_src(&s, n, cases[i].nnodes);
		casg_packidx_build(&s, &out, &err);
		ok((double)out.len <= cases[i].most * n, "%zu bytes for %u sequences and %u nodes",
		   out.len, n, cases[i].nnodes);
		casg_buf_release(&out);
		free_src(&s);
	}
}

/* What has a candidate though it is not there must stay rare, in packs of any size. */
static void test_false_candidates(uint32_t n)
{
	struct casg_packidx_src s;
	struct casg_packidx x;
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_oid other;
	uint32_t lo, hi, wrong = 0, found = 0;

	make_src(&s, n, 0);
	casg_packidx_build(&s, &out, &err);
	casg_packidx_open(&x, out.data, out.len, &err);
	for (uint32_t i = 0; i < n; i += 997)
		found += finds(&x, &s, i);
	is_int(found, (n + 996) / 997, "%u objects: they are found", n);
	for (uint32_t i = 0; i < 100000; i++) {
		make_id(&other, 9000000 + i);
		wrong += casg_packidx_candidates(&x, &other, &lo, &hi, &err) || lo != hi;
	}
	ok(wrong <= 130, "%u of 100000 others have a candidate", wrong);
	casg_packidx_release(&x);
	casg_buf_release(&out);
	free_src(&s);
}

/* Lies under good checksums end in errors, not in crashes. */
static void test_forged(void)
{
	struct casg_packidx_src s;
	struct casg_packidx x;
	struct casg_buf out = CASG_BUF_INIT, copy = CASG_BUF_INIT;
	int ran = 0;

	make_src(&s, 700, 20);
	casg_packidx_build(&s, &out, &err);
	for (size_t at = 8; at < out.len; at += at < 80 ? 1 : 37) {
		if (at % CASG_BLOCK >= CASG_BLOCK_PAYLOAD || at + CASG_BLOCK_SUM >= out.len)
			continue;
		casg_buf_reset(&copy);
		casg_buf_add(&copy, out.data, out.len);
		copy.data[at] ^= 0xff;
		reseal(&copy, at / CASG_BLOCK);
		ran++;
		if (casg_packidx_open(&x, copy.data, copy.len, &err))
			continue;
		for (uint32_t i = 0; i < 700; i += 7)
			finds(&x, &s, i);
		for (uint32_t i = 0; i < s.nchunks; i++) {
			uint32_t chunk;

			casg_packidx_find_chunk(&x, &s.chunks[i].id, &chunk, &err);
		}
		casg_packidx_release(&x);
	}
	ok(ran, "%d forgeries are survived", ran);
	casg_buf_release(&out);
	casg_buf_release(&copy);
	free_src(&s);
}

int main(void)
{
	static const uint32_t sizes[] = { 0, 1, 2, 255, 256, 257, 511, 5000, 40000, 70000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (uint32_t version = 2; version <= CASG_PACKIDX_VERSION; version++)
			test_size(sizes[i], sizes[i] / 7, version);
	test_size(0, 300, 0);
	test_shared_prefixes();
	test_damage();
	test_forged();
	test_version_1(0, 0);
	test_version_1(300, 0);
	test_version_1(5, 3);
	test_version_1(20000, 3000);
	test_slots_forged();
	test_numbers_forged();
	test_bytes();
	test_false_candidates(1 << 18);
	test_false_candidates((1 << 18) + 1);
	return done_testing();
}
