#include "chunk.h"

#include <stdlib.h>

#include "endian.h"
#include "matcher.h"
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
				ok(!casg_chunk_decode(coder, out.data, out.len, NULL, &ch, &err) &&
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
	ok(!casg_chunk_decode(coder, out.data, out.len, NULL, &ch, &err) &&
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
	ok(!casg_chunk_decode(coder, out.data, out.len, NULL, &ch, &err), "and decoded");
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
			if (!casg_chunk_decode(coder, out.data, out.len, NULL, &ch, &err)) {
				bad++;
				casg_chunk_free(ch);
			}
			out.data[i] ^= 1 << bit;
		}
	is_int(bad, 0, "no flipped bit of %zu bytes goes unnoticed", out.len);
	for (size_t n = 0; n < out.len; n++) {
		uint8_t *exact = malloc(n + 1);

		memcpy(exact, out.data, n);
		if (!casg_chunk_decode(coder, exact, n, NULL, &ch, &err)) {
			bad++;
			casg_chunk_free(ch);
		}
		free(exact);
	}
	is_int(bad, 0, "nor does an early end");
	casg_buf_addch(&out, 0);
	ok(casg_chunk_decode(coder, out.data, out.len, NULL, &ch, &err) == CASG_ECORRUPT,
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
	rc = casg_chunk_decode(coder, p, chunk->len, NULL, &ch, &err);
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
	is_int(forge(&out, 1, 7), CASG_EUNSUPPORTED, "layout 7");
	is_str(err.msg, "unsupported chunk layout 7", "is named");
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

/* ---- matched ----------------------------------------------------------- */

static uint64_t rnd(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

enum { CHUNKS = 4, EACH = 3, LEN = 3000 };

/* Chunks of one family, as they would lie in a pack. */
struct family {
	char text[CHUNKS * EACH][LEN];
	struct casg_buf chunk[CHUNKS];
	struct casg_oid id[CHUNKS];
	uint32_t decoding;
	int given;           /* literals that were not given back */
	int withhold;        /* the distance at which there is nothing */
};

static struct family *make_family(int level)
{
	struct family *f = calloc(1, sizeof(*f));
	struct casg_matcher *m = casg_matcher_new(1 << 20, (uint64_t)64 << 20);
	struct casg_script script = { 0 };
	struct casg_scan scan = { 0 };

	for (int i = 0; i < CHUNKS * EACH; i++)
		for (int k = 0; k < LEN; k++)
			f->text[i][k] = rnd() % 60 && i ? f->text[0][k] : "ACGT"[rnd() % 4];
	memcpy(f->text[5] + 700, "NNNNNNNNNNNNRRY", 15);
	f->text[CHUNKS * EACH - 1][0] = 'N';
	for (uint32_t j = 0; j < CHUNKS; j++) {
		struct casg_slice v[EACH];
		int rc = casg_matcher_begin(m, j, &script, &err);

		casg_scan_reset(&scan);
		for (uint32_t i = 0; i < EACH && !rc; i++) {
			/* each chunk ends with something new */
			for (int k = 0; i == EACH - 1 && k < 500; k++)
				f->text[EACH * j + i][k + 1000] = "ACGT"[rnd() % 4];
			v[i] = (struct casg_slice){ f->text[EACH * j + i], LEN - 7 * i };
			rc = casg_scan_add(&scan, v[i].p, v[i].nbytes, 8, &err);
		}
		for (uint32_t i = 0; i < EACH && !rc; i++)
			rc = casg_matcher_match(m, &scan, i, &err);
		if (!rc)
			rc = casg_matcher_end(m, &err);
		if (!rc)
			rc = casg_chunk_encode_matched(coder, level, v, EACH, NULL, &script,
						       &f->chunk[j], &f->id[j], &err);
		is_int(rc, 0, "chunk %u of a family, level %d: %zu bytes", j, level, f->chunk[j].len);
	}
	casg_script_release(&script);
	casg_scan_release(&scan);
	casg_matcher_free(m);
	return f;
}

static void free_family(struct family *f)
{
	for (int j = 0; j < CHUNKS; j++)
		casg_buf_release(&f->chunk[j]);
	free(f);
}

static int get_literals(void *ctx, struct casg_coder *c, uint32_t distance, int made,
			struct casg_literals **out, struct casg_err *e)
{
	struct family *f = ctx;
	struct casg_buf b = CASG_BUF_INIT;
	const struct casg_buf *from;
	int rc;

	if (made)
		return casg_err_set(e, CASG_EBUG, "no chunk of the family is deep");
	if (!distance || distance > f->decoding || (int)distance == f->withhold)
		return casg_err_set(e, CASG_ECORRUPT, "there is none");
	from = &f->chunk[f->decoding - distance];
	rc = casg_chunk_literals(c, from->data, from->len, &b, e);
	if (rc) {
		casg_buf_release(&b);
		return rc;
	}
	*out = malloc(sizeof(**out));
	**out = (struct casg_literals){ { b.data, b.len }, 0 };
	f->given++;
	return 0;
}

static void put_literals(void *ctx, struct casg_literals *l)
{
	struct family *f = ctx;

	free((void *)(uintptr_t)l->bytes.p);
	free(l);
	f->given--;
}

static int decode(struct family *f, uint32_t j, const uint8_t *p, size_t n,
		  struct casg_chunk **out)
{
	const struct casg_chunk_bases bases = { get_literals, put_literals, f, 0 };

	f->decoding = j;
	return casg_chunk_decode(coder, p, n, &bases, out, &err);
}

struct told {
	uint64_t n, literal;
	uint32_t segments;
};

static int count_part(void *ctx, const struct casg_script_part *part, struct casg_err *e)
{
	struct told *t = ctx;

	(void)e;
	t->n += part->n;
	t->literal += part->literal ? part->n : 0;
	t->segments |= 1u << part->segment;
	return 0;
}

static void test_matched(int level)
{
	struct family *f = make_family(level);
	uint32_t distance[CASG_SCRIPT_BASES_MAX], n;
	struct casg_chunk_head h;
	struct casg_chunk *ch, *none;
	struct casg_oid id;
	uint32_t start[CASG_SCRIPT_BASES_MAX], nstart = 0;
	size_t more = 0;
	int rc = 0;
	size_t alone = f->chunk[0].len;

	for (uint32_t j = 0; j < CHUNKS; j++) {
		const struct casg_chunk_bases bases = { get_literals, put_literals, f, 0 };
		const struct casg_buf *b = &f->chunk[j];
		struct told t = { 0, 0, 0 };
		int bad = 0;

		ok(!casg_chunk_head_decode(&h, b->data, b->len, &err) &&
		   h.layout == CASG_LAYOUT_MATCHED && h.nmembers == EACH, "it is of layout 5");
		is_int(decode(f, j, b->data, b->len, &ch), 0, "chunk %u is decoded", j);
		for (uint32_t i = 0; i < EACH; i++)
			bad += casg_chunk_len(ch, i) != LEN - 7 * i ||
			       memcmp(ch->data + ch->offset[i], f->text[EACH * j + i], LEN - 7 * i);
		is_int(bad, 0, "it is what it was");
		ok(!casg_chunk_hash(coder, ch, &err), "it is hashed");
		casg_chunk_id(casg_coder_hasher(coder), ch->oids, EACH, &id);
		ok(casg_oid_eq(&id, &f->id[j]), "its id is that of its members");
		is_int(casg_chunk_needs(coder, b->data, b->len, distance, &n, &err), 0, "what it needs");
		ok(j ? n && distance[0] == j : !n, "the first chunk of the family, but for itself");
		is_int(casg_chunk_needs_start(coder, b->data, CASG_CHUNK_HEADSZ, start, &nstart, &more, &err),
		       CASG_EABSENT, "its header alone does not say");
		for (int tries = 0; tries < 2; tries++)
			rc = casg_chunk_needs_start(coder, b->data, more < b->len ? more : b->len, start,
						    &nstart, &more, &err);
		is_int(rc, 0, "what it asks for is enough");
		ok(nstart == n && !memcmp(start, distance, n * sizeof(*start)), "and is the same");
		ok(!j || b->len < alone, "so it is smaller");
		is_int(casg_chunk_each_part(coder, b->data, b->len, &bases, count_part, &t, &err), 0,
		       "its parts are told");
		ok(t.n == ch->offset[EACH] && t.literal && t.segments >> n == 1,
		   "they are all of it, and its own literals are the last segment");
		if (j) {
			is_int(casg_chunk_decode(coder, b->data, b->len, NULL, &none, &err), CASG_EABSENT,
			       "without the others it cannot be had");
			is_int(casg_chunk_each_part(coder, b->data, b->len, NULL, count_part, &t, &err),
			       CASG_EABSENT, "nor can its parts");
			f->withhold = (int)distance[n - 1];
			is_int(decode(f, j, b->data, b->len, &none), CASG_ECORRUPT,
			       "nor when the last of them is not there");
			f->withhold = 0;
		}
		casg_chunk_free(ch);
	}
	is_int(f->given, 0, "all literals were given back");
	free_family(f);
}

/* What lends no literals is no base; other layouts need nothing. */
static void test_other_layouts(void)
{
	struct casg_buf out = CASG_BUF_INIT, lit = CASG_BUF_INIT;
	uint32_t distance[CASG_SCRIPT_BASES_MAX], n = 7;
	struct told t = { 0, 0, 0 };
	struct casg_oid id;

	encode(CASG_CHUNK_SEQ, 1, 3, genes, &out, &id);
	is_int(casg_chunk_literals(coder, out.data, out.len, &lit, &err), CASG_ECORRUPT,
	       "a chunk of another layout has no literals");
	ok(!casg_chunk_needs(coder, out.data, out.len, distance, &n, &err) && !n, "and needs none");
	ok(!casg_chunk_each_part(coder, out.data, out.len, NULL, count_part, &t, &err) && !t.n,
	   "and has no parts");
	casg_buf_release(&out);
	casg_buf_release(&lit);
}

/* Put length and checksum right. */
static void seal(struct casg_buf *b)
{
	casg_put_le64(b->data + 16, b->len - CASG_CHUNK_HEADSZ);
	casg_put_le64(b->data + 24, casg_xxh64(casg_xxh64(0, b->data, 24), b->data + CASG_CHUNK_HEADSZ,
					       b->len - CASG_CHUNK_HEADSZ));
}

/* A chunk of one member of n A, with these distances and so many bytes of literals. */
static void by_hand(struct casg_buf *b, uint8_t n, const char *distances, uint8_t nliterals)
{
	uint8_t head[CASG_CHUNK_HEADSZ] = { CASG_CHUNK_SEQ, CASG_LAYOUT_MATCHED, 8 };
	const uint8_t size[8] = { 1, (uint8_t)strlen(distances), 1, 1, 0, 0, nliterals, 0 };

	casg_put_le32(head + 4, 1);
	casg_put_le64(head + 8, n);
	casg_buf_reset(b);
	casg_buf_add(b, head, sizeof(head));
	for (int i = 0; i < 8; i++) {
		casg_buf_addch(b, 0);
		casg_buf_addch(b, size[i]);
		casg_buf_addch(b, size[i]);
	}
	casg_buf_addch(b, n);
	casg_buf_add(b, distances, size[1]);
	casg_buf_addch(b, CASG_STEP_LITERAL);
	casg_buf_addch(b, 0);
	for (int i = 0; i < nliterals; i++)
		casg_buf_addch(b, 0);
	seal(b);
}

static int decode_by_hand(const struct casg_buf *b)
{
	struct casg_chunk *ch = NULL;
	int rc = casg_chunk_decode(coder, b->data, b->len, NULL, &ch, &err);

	casg_chunk_free(rc ? NULL : ch);
	return rc;
}

/* Literals that claim to be larger than they are: nobody may look at them. */
static int get_huge(void *ctx, struct casg_coder *c, uint32_t distance, int made,
		    struct casg_literals **out, struct casg_err *e)
{
	static struct casg_literals huge = { { "", (size_t)CASG_SCRIPT_LITERALS_MAX / 2 }, 0 };

	(void)c;
	(void)distance;
	(void)made;
	(void)e;
	*out = &huge;
	++*(int *)ctx;
	return 0;
}

static void put_huge(void *ctx, struct casg_literals *l)
{
	(void)l;
	--*(int *)ctx;
}

static void test_refused(void)
{
	int given = 0;
	const struct casg_chunk_bases bases = { get_huge, put_huge, &given, 0 };
	struct casg_chunk *ch;
	struct casg_buf b = CASG_BUF_INIT, lit = CASG_BUF_INIT;

	by_hand(&b, 8, "", 2);
	is_int(decode_by_hand(&b), 0, "a chunk made by hand");
	is_int(casg_chunk_literals(coder, b.data, b.len, &lit, &err), 0, "has literals");
	by_hand(&b, 8, "", 3);
	is_int(decode_by_hand(&b), CASG_ECORRUPT, "more literals than bases");
	is_str(err.msg, "corrupt chunk: it has more literals than bases", "are named");
	is_int(casg_chunk_literals(coder, b.data, b.len, &lit, &err), CASG_ECORRUPT,
	       "nor are they for others");
	by_hand(&b, 8, "\2\1", 2);
	is_int(decode_by_hand(&b), CASG_EABSENT, "distances, descending");
	is_int(casg_chunk_decode(coder, b.data, b.len, &bases, &ch, &err), CASG_ECORRUPT,
	       "more literals than a chunk may use");
	is_str(err.msg, "corrupt chunk: it needs more bases of others than the limit", "are named");
	is_int(given, 0, "and given back");
	for (int i = 0; i < 5; i++) {
		static const char *const bad[] = { "\1\1", "\1\2", "\200", "\201\200\200\200\20",
						   "\200\200\200\200\200\1" };

		by_hand(&b, 8, bad[i], 2);
		is_int(decode_by_hand(&b), CASG_ECORRUPT, "distances that are none: %s", err.msg);
	}
	casg_buf_release(&b);
	casg_buf_release(&lit);
}

/* ---- matched deep: chunks that use what others make ---------------------- */

/* Chunks of one member each, one behind the other. */
struct row {
	struct casg_buf chunk[CASG_SCRIPT_MADE_MAX + 4];
	uint32_t n;
	int given;
};

/* One of them that is decoded, for itself or for another one. */
struct reading {
	struct row *row;
	uint32_t at;
	unsigned int depth;
};

static void put_deep(void *ctx, struct casg_literals *l)
{
	const struct reading *r = ctx;

	free((void *)(uintptr_t)l->bytes.p);
	free(l);
	r->row->given--;
}

static int get_deep(void *ctx, struct casg_coder *c, uint32_t distance, int made,
		    struct casg_literals **out, struct casg_err *e)
{
	const struct reading *r = ctx;
	struct reading base = { r->row, r->at - distance, r->depth + 1 };
	const struct casg_chunk_bases bases = { get_deep, put_deep, &base, base.depth };
	struct casg_buf b = CASG_BUF_INIT;
	const struct casg_buf *from;
	uint8_t level = 0;
	int rc;

	if (distance > r->at)
		return casg_err_set(e, CASG_ECORRUPT, "there is none");
	from = &r->row->chunk[base.at];
	rc = made ? casg_chunk_made(c, from->data, from->len, &bases, &b, &level, e)
		  : casg_chunk_literals(c, from->data, from->len, &b, e);
	if (rc) {
		casg_buf_release(&b);
		return rc;
	}
	*out = malloc(sizeof(**out));
	**out = (struct casg_literals){ { b.data, b.len }, level };
	r->row->given++;
	return 0;
}

/* A stream of n bytes. */
#define STREAM(s) { s, sizeof(s) - 1 }

/* A chunk of one member of n bases; the streams from the distances on. */
static void add_chunk(struct row *row, uint8_t layout, uint8_t n, const struct casg_slice *streams)
{
	uint8_t head[CASG_CHUNK_HEADSZ] = { CASG_CHUNK_SEQ, layout, 8 };
	struct casg_buf *b = &row->chunk[row->n++];

	casg_put_le32(head + 4, 1);
	casg_put_le64(head + 8, n);
	casg_buf_reset(b);
	casg_buf_add(b, head, sizeof(head));
	for (int i = -1; i < 7; i++) {
		int size = i < 0 ? 1 : (int)streams[i].nbytes;

		casg_buf_addch(b, 0);
		casg_buf_addch(b, size);
		casg_buf_addch(b, size);
	}
	casg_buf_addch(b, n);
	for (int i = 0; i < 7; i++)
		casg_buf_add(b, streams[i].p, streams[i].nbytes);
	seal(b);
}

/* What the last one of a row is, or NULL: it is refused; to be freed. */
static char *text_of_last(struct row *row, unsigned int *level_out)
{
	struct reading r = { row, row->n - 1, 0 };
	const struct casg_chunk_bases bases = { get_deep, put_deep, &r, 0 };
	const struct casg_buf *b = &row->chunk[row->n - 1];
	struct casg_chunk *ch = NULL;
	char *text;

	if (casg_chunk_decode(coder, b->data, b->len, &bases, &ch, &err))
		return NULL;
	text = strndup((const char *)ch->data, ch->offset[1]);
	*level_out = ch->level;
	casg_chunk_free(ch);
	return text;
}

static void is_text(struct row *row, const char *want, unsigned int level, const char *what)
{
	unsigned int have = 0;
	char *text = text_of_last(row, &have);

	ok(text && !strcmp(text, want) && have == level, "%s: %s, level %u", what,
	   text ? text : err.msg, have);
	free(text);
}

static void is_refused(struct row *row, const char *why)
{
	unsigned int level;
	char *text = text_of_last(row, &level);

	ok(!text, "refused");
	is_str(err.msg, why, "as it should be");
	free(text);
	row->n--;
}

/* AAACCGTT as literals; AAATCGTT from these. */
static void start_row(struct row *row)
{
	const struct casg_slice literal[7] = { { "", 0 }, STREAM("\11"), STREAM("\0"), { "", 0 },
					       { "", 0 }, STREAM("@\371"), { "", 0 } };
	const struct casg_slice copied[7] = { STREAM("\1"), STREAM("\6\3\10"), STREAM("\0\3"),
					      STREAM("\0"), STREAM("\0"), { "", 0 }, { "", 0 } };

	add_chunk(row, CASG_LAYOUT_MATCHED, 8, literal);
	is_text(row, "AAACCGTT", 1, "literals");
	add_chunk(row, CASG_LAYOUT_MATCHED, 8, copied);
	is_text(row, "AAATCGTT", 1, "made from literals");
}

/* All of what is at 'jump', and an exception. */
static void add_copy(struct row *row, const char *distances, size_t n, const char *jump,
		     const char *exception)
{
	const struct casg_slice s[7] = { { distances, n }, STREAM("\6\10"), STREAM("\0"),
					 STREAM("\0"), { jump, 1 }, { "", 0 },
					 { exception, exception ? 5 : 0 } };

	add_chunk(row, CASG_LAYOUT_MATCHED_DEEP, 8, s);
}

static int note_made(void *ctx, const struct casg_script_part *part, struct casg_err *e)
{
	(void)e;
	*(struct casg_script_part *)ctx = *part;
	return 0;
}

static void test_deep(void)
{
	struct row row = { .n = 0 };
	struct reading r = { &row, 2, 0 };
	const struct casg_chunk_bases bases = { get_deep, put_deep, &r, 0 };
	struct casg_script_part part = { .n = 0 };
	uint32_t distance[CASG_SCRIPT_BASES_MAX], n = 0;

	start_row(&row);
	/* 4 * distance + use: the first chunk is only named, of the second all is used */
	add_copy(&row, "\10\6", 2, "\0", "\0\3\1\1N");
	is_text(&row, "ANATCGTT", 2, "made from what is made");
	is_int(casg_chunk_needs(coder, row.chunk[2].data, row.chunk[2].len, distance, &n, &err), 0,
	       "what it needs");
	ok(n == 2 && distance[0] == 2 && distance[1] == 1, "both others");
	is_int(casg_chunk_each_part(coder, row.chunk[2].data, row.chunk[2].len, &bases, note_made,
				    &part, &err), 0, "its parts are told");
	ok(part.made && part.segment == 1 && part.n == 8 && !part.from, "one that is made");
	is_int(casg_chunk_decode(coder, row.chunk[2].data, row.chunk[2].len, NULL,
				 &(struct casg_chunk *){ NULL }, &err), CASG_EABSENT,
	       "without the others it cannot be had");
	/* the literals of the first, behind them what the third makes */
	add_copy(&row, "\15\10\6", 3, "\10", NULL);
	is_text(&row, "AAATCGTT", 3, "an exception is an A to others");
	add_copy(&row, "\20\14\10\6", 4, "\0", NULL);
	is_refused(&row, "corrupt chunk: it is deeper than the limit");
	add_copy(&row, "\5", 1, "\0", NULL);
	is_refused(&row, "corrupt chunk: it is deep and uses nothing that others make");
	add_copy(&row, "\6\6", 2, "\0", NULL);
	is_refused(&row, "corrupt chunk: its list of other chunks is malformed");
	add_copy(&row, "\2", 1, "\0", NULL);
	is_refused(&row, "corrupt chunk: its list of other chunks is malformed");
	add_copy(&row, "\16", 1, "\10", NULL);
	is_refused(&row, "corrupt chunk: its script jumps to nowhere");
	is_int(row.given, 0, "all was given back");
	for (uint32_t i = 0; i < sizeof(row.chunk) / sizeof(row.chunk[0]); i++)
		casg_buf_release(&row.chunk[i]);
}

/* What is made of so many chunks, each once. */
static void test_deep_many(void)
{
	char distances[CASG_SCRIPT_MADE_MAX + 1];
	struct row row = { .n = 0 };

	for (int i = 0; i < (CASG_SCRIPT_MADE_MAX + 2) / 2; i++)
		start_row(&row);
	for (int i = 0; i <= CASG_SCRIPT_MADE_MAX; i++)
		distances[i] = (char)(4 * (CASG_SCRIPT_MADE_MAX + 1 - i) + CASG_USE_MADE);
	add_copy(&row, distances + 1, CASG_SCRIPT_MADE_MAX, "\10", NULL);
	is_text(&row, "AAATCGTT", 2, "as many as a chunk may use");
	row.n--;
	add_copy(&row, distances, CASG_SCRIPT_MADE_MAX + 1, "\10", NULL);
	is_refused(&row, "corrupt chunk: its list of other chunks is malformed");
	is_int(row.given, 0, "all was given back");
	for (uint32_t i = 0; i < sizeof(row.chunk) / sizeof(row.chunk[0]); i++)
		casg_buf_release(&row.chunk[i]);
}

static int same_text(const struct family *f, uint32_t j, const struct casg_chunk *ch)
{
	if (ch->nmembers != EACH)
		return 0;
	for (uint32_t i = 0; i < EACH; i++)
		if (casg_chunk_len(ch, i) != LEN - 7 * i ||
		    memcmp(ch->data + ch->offset[i], f->text[EACH * j + i], LEN - 7 * i))
			return 0;
	return 1;
}

/* Damage to a chunk that needs others, as it is and with its checksum put right. */
static void test_matched_damage(void)
{
	struct family *f = make_family(1);
	const uint32_t j = CHUNKS - 1;
	const struct casg_buf *good = &f->chunk[j];
	int bad = 0, refused = 0, other = 0;
	struct casg_chunk *ch;
	struct casg_oid id;

	for (size_t n = 0; n < good->len; n++) {
		struct casg_buf b = CASG_BUF_INIT;

		casg_buf_add(&b, good->data, n);
		bad += decode(f, j, b.data, b.len, &ch) != CASG_ECORRUPT;
		if (n >= CASG_CHUNK_HEADSZ) {
			seal(&b);
			bad += !decode(f, j, b.data, b.len, &ch);
		}
		casg_buf_release(&b);
	}
	is_int(bad, 0, "no early end is taken");
	for (size_t i = 0; i < good->len; i++)
		for (int bit = 0; bit < 8; bit++) {
			struct casg_buf b = CASG_BUF_INIT;
			int rc;

			casg_buf_add(&b, good->data, good->len);
			b.data[i] ^= (uint8_t)(1 << bit);
			bad += !decode(f, j, b.data, b.len, &ch);
			seal(&b);
			rc = decode(f, j, b.data, b.len, &ch);
			refused += rc != 0;
			if (!rc) {
				bad += casg_chunk_hash(coder, ch, &err) != 0;
				casg_chunk_id(casg_coder_hasher(coder), ch->oids, ch->nmembers, &id);
				bad += casg_oid_eq(&id, &f->id[j]) != same_text(f, j, ch);
				other += !same_text(f, j, ch);
				casg_chunk_free(ch);
			}
			casg_buf_release(&b);
		}
	is_int(bad, 0, "no changed bit gets past the checksum, or past the id");
	ok(refused > 1000 && other > 100, "put right, %d are refused and %d are another text",
	   refused, other);
	is_int(f->given, 0, "all literals were given back");
	free_family(f);
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
	test_matched(1);
	test_matched(12);
	test_matched_damage();
	test_deep();
	test_deep_many();
	test_other_layouts();
	test_refused();
	test_limits();
	casg_coder_free(coder);
	return done_testing();
}
