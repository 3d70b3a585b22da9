#include "chunk.h"

#include <stdlib.h>

#include "endian.h"
#include "sum.h"
#include "tap.h"

static struct casg_coder *coder;
static struct casg_err err;

static const char *const proteins[] = {
	"MKVLAT", "", "MKVLATGG*", "A-.U", "MKVLATMKVLATMKVLATMKVLATMKVLATMKVLATMKVLATMKVLATMKVLAT",
};
static const char *const genes[] = {
	"ACGTACGTACGTACGTACGTACGTACGTNNNNNACGT", "GATTACA", "", "RYKMACGT", "T",
};
#define N 5

static uint32_t slices(struct casg_slice *m, const char *const *v)
{
	for (uint32_t i = 0; i < N; i++)
		m[i] = (struct casg_slice){ v[i], strlen(v[i]) };
	return N;
}

static void encode(int kind, int dna, int level, const char *const *v,
		   struct casg_buf *out, struct casg_oid *id)
{
	struct casg_slice m[N];
	uint32_t n = slices(m, v);

	casg_buf_reset(out);
	is_int(casg_chunk_encode(coder, kind, dna, level, m, n, NULL, out, id, &err), 0,
	       "kind %d, dna %d, level %d is encoded", kind, dna, level);
}

static int same_members(const struct casg_chunk *ch, const char *const *v)
{
	if (ch->nmembers != N)
		return 0;
	for (uint32_t i = 0; i < N; i++)
		if (casg_chunk_len(ch, i) != strlen(v[i]) ||
		    memcmp(ch->data + ch->offset[i], v[i], strlen(v[i])))
			return 0;
	return 1;
}

/* The id by RFC 6962, from SHA-256 alone. */
static void id_by_hand(const char *const *v, struct casg_oid *id)
{
	struct casg_hasher *h = casg_hasher_new();
	struct casg_oid leaf[N];

	for (int i = 0; i < N; i++) {
		uint8_t b[33] = { 0 };
		struct casg_oid o;

		casg_hasher_digest(h, v[i], strlen(v[i]), &o);
		memcpy(b + 1, o.b, 32);
		casg_hasher_digest(h, b, 33, &leaf[i]);
	}
	/* five leaves: ((0 1) (2 3)) 4 */
	for (int step = 1; step < 8; step *= 2)
		for (int i = 0; i + step < N; i += 2 * step) {
			uint8_t b[65] = { 1 };

			memcpy(b + 1, leaf[i].b, 32);
			memcpy(b + 33, leaf[i + step].b, 32);
			casg_hasher_digest(h, b, 65, &leaf[i]);
		}
	*id = leaf[0];
	casg_hasher_free(h);
}

static void test_round_trips(void)
{
	static const int kinds[] = { CASG_CHUNK_SEQ, CASG_CHUNK_LIST, CASG_CHUNK_BLOB,
				     CASG_CHUNK_REFS };
	struct casg_buf out = CASG_BUF_INIT, again = CASG_BUF_INIT;
	struct casg_oid id, want;
	struct casg_chunk *ch;

	for (int k = 0; k < 4; k++)
		for (int level = 0; level <= 19; level += 19)
			for (int dna = 0; dna < 2; dna++) {
				const char *const *v = dna ? genes : proteins;

				encode(kinds[k], dna, level, v, &out, &id);
				id_by_hand(v, &want);
				ok(casg_oid_eq(&id, &want), "its id is the RFC 6962 root");
				ok(!casg_chunk_decode(coder, out.data, out.len, &ch, &err) &&
				   same_members(ch, v), "and comes back");
				ok(!casg_chunk_hash(coder, ch, &err), "is hashed");
				casg_chunk_id(casg_coder_hasher(coder), ch->oids, N, &id);
				ok(casg_oid_eq(&id, &want), "to the same id");
				casg_chunk_free(ch);
				encode(kinds[k], dna, level, v, &again, &id);
				is_mem(again.data, again.len, out.data, out.len, "twice the same");
			}
	casg_buf_release(&out);
	casg_buf_release(&again);
}

static void test_dna_layout(void)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_slice m;
	struct casg_chunk_head h;
	struct casg_chunk *ch;
	struct casg_oid id;
	uint64_t x = 1;
	char bases[4001];

	for (int i = 0; i < 4000; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		bases[i] = "ACGT"[x >> 62];
	}
	bases[1000] = 'N';
	m = (struct casg_slice){ bases, 4000 };
	ok(!casg_chunk_encode(coder, CASG_CHUNK_SEQ, 1, 3, &m, 1, NULL, &out, &id, &err) &&
	   !casg_chunk_head_decode(&h, out.data, out.len, &err), "random bases are encoded");
	is_int(h.layout, CASG_LAYOUT_DNA2, "two bits a base");
	ok(out.len < 4000 / 4 + 128, "in %zu bytes", out.len);
	ok(!casg_chunk_decode(coder, out.data, out.len, &ch, &err) &&
	   !memcmp(ch->data, bases, 4000), "and come back");
	casg_chunk_free(ch);
	casg_buf_release(&out);
}

static void test_nodes(void)
{
	static const struct casg_slice col[2 * CASG_COLUMNS] = {
		{ "s1", 2 }, { "keys", 4 }, { "", 0 }, { "refs", 4 },
		{ "", 0 }, { "k", 1 }, { "descriptions", 12 }, { "r", 1 },
	};
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_chunk *ch = NULL;
	struct casg_oid id, want;

	ok(!casg_chunk_encode_nodes(coder, CASG_LAYOUT_COLUMNS, 3, col, 2, &out, &id, &err), "two nodes are encoded");
	ok(!casg_chunk_decode(coder, out.data, out.len, &ch, &err), "and decoded");
	is_mem(ch->data, ch->offset[2], "s1keysrefskdescriptionsr", 24,
	       "each node's columns lie together");
	is_int(ch->column[CASG_COLUMNS + 2], 12, "their lengths are known");
	ok(!casg_chunk_hash(coder, ch, &err), "hashed");
	casg_chunk_id(casg_coder_hasher(coder), ch->oids, 2, &want);
	ok(casg_oid_eq(&id, &want), "the id is that of whole nodes");
	casg_chunk_free(ch);
	casg_buf_release(&out);
}

/* Damage: each byte changed, each length. */
static void test_damage(int dna, int level)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_oid id;
	struct casg_chunk *ch;
	size_t bad = 0;

	encode(CASG_CHUNK_SEQ, dna, level, dna ? genes : proteins, &out, &id);
	for (size_t i = 0; i < out.len; i++)
		for (int bit = 0; bit < 8; bit += 3) {
			out.data[i] ^= 1 << bit;
			if (!casg_chunk_decode(coder, out.data, out.len, &ch, &err)) {
				bad++;
				casg_chunk_free(ch);
			}
			out.data[i] ^= 1 << bit;
		}
	is_int(bad, 0, "no flipped bit of %zu bytes goes unnoticed", out.len);
	for (size_t n = 0; n < out.len; n++) {
		uint8_t *exact = malloc(n + 1);

		memcpy(exact, out.data, n);
		if (!casg_chunk_decode(coder, exact, n, &ch, &err)) {
			bad++;
			casg_chunk_free(ch);
		}
		free(exact);
	}
	is_int(bad, 0, "nor does an early end");
	casg_buf_addch(&out, 0);
	ok(casg_chunk_decode(coder, out.data, out.len, &ch, &err) == CASG_ECORRUPT,
	   "nor a byte too many");
	casg_buf_release(&out);
}

/* With the checksum put right, what is refused is refused by the decoder. */
static int forge(const struct casg_buf *chunk, size_t at, uint8_t byte)
{
	struct casg_chunk *ch;
	uint8_t *p = malloc(chunk->len);
	int rc;

	memcpy(p, chunk->data, chunk->len);
	p[at] = byte;
	casg_put_le64(p + 24, casg_xxh64(casg_xxh64(0, p, 24), p + 32, chunk->len - 32));
	rc = casg_chunk_decode(coder, p, chunk->len, &ch, &err);
	if (!rc)
		casg_chunk_free(ch);
	free(p);
	return rc;
}

static void test_forged(void)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_oid id;
	int ran = 0;

	encode(CASG_CHUNK_SEQ, 0, 0, proteins, &out, &id);
	is_int(forge(&out, 0, 1), 0, "a forger who changes nothing gets through");
	is_int(forge(&out, 0, 7), CASG_EUNSUPPORTED, "kind 7");
	is_str(err.msg, "unsupported chunk kind 7", "is named");
	is_int(forge(&out, 1, 5), CASG_EUNSUPPORTED, "layout 5");
	is_str(err.msg, "unsupported chunk layout 5", "is named");
	is_int(forge(&out, 32, 2), CASG_EUNSUPPORTED, "codec 2");
	is_str(err.msg, "unsupported codec 2", "is named");
	is_int(forge(&out, 0, CASG_CHUNK_NODE), CASG_ECORRUPT, "a plain chunk of nodes");
	is_int(forge(&out, 2, 3), CASG_ECORRUPT, "three streams");
	is_int(forge(&out, 3, 1), CASG_ECORRUPT, "a reserved byte");
	is_int(forge(&out, 4, 6), CASG_ECORRUPT, "a member more");
	is_int(forge(&out, 4, 4), CASG_ECORRUPT, "a member less");
	is_int(forge(&out, 4, 0), CASG_ECORRUPT, "no member");
	is_int(forge(&out, 7, 1), CASG_ECORRUPT, "16 million members");
	is_int(forge(&out, 8, 1), CASG_ECORRUPT, "another length");
	is_int(forge(&out, 12, 1), CASG_ECORRUPT, "4 GiB");
	is_int(forge(&out, 38, 7), CASG_ECORRUPT, "another length of a member");
	for (int dna = 0; dna < 2; dna++)
		for (int level = 0; level < 4; level += 3) {
			encode(CASG_CHUNK_SEQ, dna, level, dna ? genes : proteins, &out, &id);
			for (size_t i = 0; i < out.len; i++)
				for (int v = 0; v < 256; v += 15, ran++)
					forge(&out, i, (uint8_t)v);
		}
	ok(ran, "%d forgeries are survived", ran);
	casg_buf_release(&out);
}

static void test_limits(void)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_slice m = { "", CASG_CHUNK_RAW_MAX + 1 };
	struct casg_oid id, none = { { 0 } };

	is_int(casg_chunk_encode(coder, CASG_CHUNK_BLOB, 0, 0, &m, 1, &none, &out, &id, &err),
	       CASG_EBUG, "more than 64 MiB are not encoded");
	is_str(casg_chunk_kind_name(0), "?", "no kind 0");
	is_str(casg_chunk_kind_name(3), "nodes", "kind 3");
	casg_buf_release(&out);
}

int main(void)
{
	coder = casg_coder_new();
	test_round_trips();
	test_dna_layout();
	test_nodes();
	for (int dna = 0; dna < 2; dna++)
		for (int level = 0; level < 4; level += 3)
			test_damage(dna, level);
	test_forged();
	test_limits();
	casg_coder_free(coder);
	return done_testing();
}
