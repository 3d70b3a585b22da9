#include "chunk.h"

#include <stdlib.h>

#include "array.h"
#include "bases.h"
#include "endian.h"
#include "merkle.h"
#include "residues.h"
#include "sum.h"
#include "varint.h"
#include "zframe.h"

enum { CODEC_RAW = 0, CODEC_ZSTD = 1 };

/* The streams of the matched layouts. */
enum {
	MATCHED_LENGTHS,
	MATCHED_BASES,
	MATCHED_STEPS,
	MATCHED_COPIES,
	MATCHED_NUMBERS,
	MATCHED_JUMPS,
	MATCHED_LITERALS,
	MATCHED_EXCEPTIONS,
	MATCHED_STREAMS
};

/* Mean residues a member from which on bases are also tried as text. */
enum { TEXT_MEAN = 2048 };

struct casg_coder {
	struct casg_zc *zc;
	struct casg_zd *zd;
	struct casg_hasher *hasher;
	struct casg_buf s[CASG_CHUNK_STREAMS_MAX]; /* streams before coding */
	struct casg_buf coded[2]; /* candidate payloads */
};

struct casg_coder *casg_coder_new(void)
{
	struct casg_coder *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->zc = casg_zc_new();
	c->zd = casg_zd_new();
	c->hasher = casg_hasher_new();
	if (!c->zc || !c->zd || !c->hasher) {
		casg_coder_free(c);
		return NULL;
	}
	return c;
}

void casg_coder_free(struct casg_coder *c)
{
	if (!c)
		return;
	casg_zc_free(c->zc);
	casg_zd_free(c->zd);
	casg_hasher_free(c->hasher);
	for (int i = 0; i < CASG_CHUNK_STREAMS_MAX; i++)
		casg_buf_release(&c->s[i]);
	for (int i = 0; i < 2; i++)
		casg_buf_release(&c->coded[i]);
	free(c);
}

struct casg_hasher *casg_coder_hasher(struct casg_coder *c)
{
	return c->hasher;
}

const char *casg_chunk_kind_name(int kind)
{
	static const char *const names[] = {
		"?", "sequences", "lists", "nodes", "blobs", "refs", "orders"
	};

	return kind >= 1 && kind <= CASG_CHUNK_KIND_MAX ? names[kind] : names[0];
}

void casg_chunk_id(struct casg_hasher *h, const struct casg_oid *oids, uint32_t n,
		   struct casg_oid *id_out)
{
	struct casg_merkle m;
	struct casg_oid leaf;

	casg_merkle_init(&m, h);
	for (uint32_t i = 0; i < n; i++) {
		casg_merkle_leaf(h, oids[i].b, CASG_OID_RAWSZ, &leaf);
		casg_merkle_add_leafhash(&m, &leaf);
	}
	casg_merkle_root(&m, id_out);
}

/* ---- encoding ---------------------------------------------------------- */

/*
 * A payload is the stream table (codec, raw size, stored size of each) and
 * the streams.  Streams that do not shrink are stored raw; number 'eager' (-1:
 * none) also if it does not shrink by a sixteenth.
 */
static int encode_payload(struct casg_coder *c, const struct casg_buf *streams,
			  const int *levels, int nstreams, int eager, struct casg_buf *out,
			  struct casg_err *err)
{
	struct casg_buf body = CASG_BUF_INIT;
	int rc = 0;

	casg_buf_reset(out);
	for (int i = 0; i < nstreams && !rc; i++) {
		const struct casg_buf *s = &streams[i];
		size_t before = body.len;
		int codec = CODEC_RAW;

		if (levels[i] > 0 && s->len > 16) {
			rc = casg_zc_frame(c->zc, levels[i], 0, s->data, s->len,
					   &body, err);
			if (rc)
				break;
			if (body.len - before < s->len - (i == eager ? s->len / 16 : 0))
				codec = CODEC_ZSTD;
			else
				body.len = before;
		}
		if (codec == CODEC_RAW)
			casg_buf_add(&body, s->data, s->len);
		casg_buf_addch(out, codec);
		casg_varint_add(out, s->len);
		casg_varint_add(out, body.len - before);
	}
	casg_buf_add(out, body.data, body.len);
	if (!rc)
		rc = body.failed ? casg_err_nomem(err) : casg_buf_check(out, err);
	casg_buf_release(&body);
	return rc;
}

static int emit(struct casg_buf *out, int kind, int layout, int nstreams,
		uint32_t nmembers, uint64_t nraw, const struct casg_buf *payload,
		struct casg_err *err)
{
	uint8_t h[CASG_CHUNK_HEADSZ] = { (uint8_t)kind, (uint8_t)layout,
					 (uint8_t)nstreams, 0 };

	casg_put_le32(h + 4, nmembers);
	casg_put_le64(h + 8, nraw);
	casg_put_le64(h + 16, payload->len);
	casg_put_le64(h + 24, casg_xxh64(casg_xxh64(0, h, 24), payload->data,
					 payload->len));
	casg_buf_add(out, h, sizeof(h));
	casg_buf_add(out, payload->data, payload->len);
	return casg_buf_check(out, err);
}

static void gather_lengths(struct casg_buf *s, const struct casg_slice *m, uint32_t n)
{
	casg_buf_reset(s);
	for (uint32_t i = 0; i < n; i++)
		casg_varint_add(s, m[i].nbytes);
}

static void gather_bytes(struct casg_buf *s, const struct casg_slice *m, uint32_t n,
			 size_t stride)
{
	casg_buf_reset(s);
	for (uint32_t i = 0; i < n; i++)
		casg_buf_add(s, m[i * stride].p, m[i * stride].nbytes);
}

/* The exceptions in 'runs', if any, are those of member i; 'last' had some before. */
static void gather_runs(struct casg_buf *exc, const struct casg_buf *runs, uint32_t i,
			uint32_t *last)
{
	if (!runs->len)
		return;
	casg_varint_add(exc, i - *last);
	casg_varint_add(exc, runs->len);
	casg_buf_add(exc, runs->data, runs->len);
	*last = i;
}

/*
 * Each member starts on a byte of its own, so that near-identical sequences
 * line up for zstd, which matches bytes.
 */
static int gather_dna(struct casg_buf *packed, struct casg_buf *exc,
		      struct casg_buf *tmp, const struct casg_slice *m, uint32_t n,
		      struct casg_err *err)
{
	uint32_t last = 0;

	casg_buf_reset(packed);
	casg_buf_reset(exc);
	for (uint32_t i = 0; i < n; i++) {
		size_t need = (m[i].nbytes + 3) / 4;

		if (casg_buf_grow(packed, need + 1)) /* never NULL */
			return casg_err_nomem(err);
		casg_buf_reset(tmp);
		casg_dna_pack(m[i].p, m[i].nbytes, packed->data + packed->len, tmp);
		packed->len += need;
		gather_runs(exc, tmp, i, &last);
	}
	if (tmp->failed)
		return casg_err_nomem(err);
	return casg_buf_check(exc, err);
}

/* Two bits a base compress about as well at level 1 as at any. */
static int packed_level(int level)
{
	return level > 9 ? level : level > 3 ? 3 : level > 0 ? 1 : 0;
}

static int encode_seq(struct casg_coder *c, int dna, int level,
		      const struct casg_slice *m, uint32_t n, uint64_t nraw,
		      struct casg_buf *out, struct casg_err *err)
{
	const struct casg_buf *best = NULL;
	int layout = CASG_LAYOUT_PLAIN, nstreams = 2;
	int rc;

	gather_lengths(&c->s[0], m, n);
	if (dna && level > 0) {
		int l[3] = { level, packed_level(level), level };

		rc = gather_dna(&c->s[1], &c->s[2], &c->s[3], m, n, err);
		if (!rc)
			rc = encode_payload(c, c->s, l, 3, -1, &c->coded[0], err);
		if (rc)
			return rc;
		best = &c->coded[0];
		layout = CASG_LAYOUT_DNA2;
		nstreams = 3;
	}
	/*
	 * Text is the better code where long sequences repeat each other: a
	 * match may then start anywhere, not only at every fourth base.  Short
	 * ones all start on a byte and seldom slip far.  (Measured on alleles:
	 * packed 3.6 MB, text 5.0 MB and four times the work.)
	 */
	if (!best || (best->len < nraw / 8 && nraw / n >= TEXT_MEAN)) {
		int l[2] = { level, level };

		gather_bytes(&c->s[1], m, n, 1);
		rc = casg_buf_check(&c->s[1], err);
		if (!rc)
			rc = encode_payload(c, c->s, l, 2, -1, &c->coded[1], err);
		if (rc)
			return rc;
		if (!best || c->coded[1].len < best->len) {
			best = &c->coded[1];
			layout = CASG_LAYOUT_PLAIN;
			nstreams = 2;
		}
	}
	return emit(out, CASG_CHUNK_SEQ, layout, nstreams, n, nraw, best, err);
}

static int check_size(uint64_t nraw, uint32_t n, struct casg_err *err)
{
	if (nraw > CASG_CHUNK_RAW_MAX || n > CASG_CHUNK_MEMBERS_MAX)
		return casg_err_set(err, CASG_EBUG,
				    "a chunk of %llu bytes in %u members is over the limit",
				    (unsigned long long)nraw, n);
	return 0;
}

/* The size and the id of a chunk of these members. */
static int start_chunk(struct casg_coder *c, const struct casg_slice *m, uint32_t n,
		       const struct casg_oid *oids, uint64_t *nraw_out,
		       struct casg_oid *id_out, struct casg_err *err)
{
	struct casg_oid *own = NULL;
	uint64_t nraw = 0;
	int rc;

	for (uint32_t i = 0; i < n; i++)
		nraw += m[i].nbytes;
	rc = check_size(nraw, n, err);
	if (rc)
		return rc;
	if (!oids) {
		oids = own = malloc((size_t)n * sizeof(*own) + 1);
		if (!own)
			return casg_err_nomem(err);
		for (uint32_t i = 0; i < n; i++)
			casg_hasher_digest(c->hasher, m[i].p, m[i].nbytes, &own[i]);
	}
	casg_chunk_id(c->hasher, oids, n, id_out);
	free(own);
	*nraw_out = nraw;
	return 0;
}

int casg_chunk_encode(struct casg_coder *c, int kind, int dna, int level,
		      const struct casg_slice *m, uint32_t n,
		      const struct casg_oid *oids, struct casg_buf *out,
		      struct casg_oid *id_out, struct casg_err *err)
{
	uint64_t nraw;
	int rc = start_chunk(c, m, n, oids, &nraw, id_out, err);

	if (rc)
		return rc;
	if (kind == CASG_CHUNK_SEQ)
		return encode_seq(c, dna, level, m, n, nraw, out, err);
	gather_lengths(&c->s[0], m, n);
	gather_bytes(&c->s[1], m, n, 1);
	rc = encode_payload(c, c->s, (int[]){ level, level }, 2, -1, &c->coded[0], err);
	if (rc)
		return rc;
	return emit(out, kind, CASG_LAYOUT_PLAIN, 2, n, nraw, &c->coded[0], err);
}

static int gather_exceptions(struct casg_buf *exc, struct casg_buf *tmp,
			     const struct casg_slice *m, uint32_t n, struct casg_err *err)
{
	uint32_t last = 0;

	casg_buf_reset(exc);
	for (uint32_t i = 0; i < n; i++) {
		casg_buf_reset(tmp);
		casg_dna_exceptions(m[i].p, m[i].nbytes, tmp);
		gather_runs(exc, tmp, i, &last);
	}
	return tmp->failed ? casg_err_nomem(err) : casg_buf_check(exc, err);
}

int casg_chunk_encode_matched(struct casg_coder *c, int level, const struct casg_slice *m,
			      uint32_t n, const struct casg_oid *oids,
			      const struct casg_script *script, struct casg_buf *out,
			      struct casg_oid *id_out, struct casg_err *err)
{
	const int l[] = { level, level, level, level, level, level, packed_level(level), level };
	struct casg_buf s[CASG_CHUNK_STREAMS_MAX];
	uint64_t nraw;
	int rc = start_chunk(c, m, n, oids, &nraw, id_out, err);

	if (rc)
		return rc;
	gather_lengths(&c->s[0], m, n);
	rc = gather_exceptions(&c->s[1], &c->s[2], m, n, err);
	if (rc)
		return rc;
	s[MATCHED_LENGTHS] = c->s[0];
	s[MATCHED_BASES] = script->bases;
	s[MATCHED_STEPS] = script->steps;
	s[MATCHED_COPIES] = script->copies;
	s[MATCHED_NUMBERS] = script->numbers;
	s[MATCHED_JUMPS] = script->jumps;
	s[MATCHED_LITERALS] = script->literals;
	s[MATCHED_EXCEPTIONS] = c->s[1];
	rc = casg_buf_check(&c->s[0], err);
	if (!rc)
		/* many chunks may read these */
		rc = encode_payload(c, s, l, MATCHED_STREAMS, MATCHED_LITERALS, &c->coded[0], err);
	if (rc)
		return rc;
	return emit(out, CASG_CHUNK_SEQ,
		    script->deep ? CASG_LAYOUT_MATCHED_DEEP : CASG_LAYOUT_MATCHED, MATCHED_STREAMS,
		    n, nraw, &c->coded[0], err);
}

int casg_chunk_encode_nodes(struct casg_coder *c, int layout, int level,
			    const struct casg_slice *col, uint32_t n,
			    struct casg_buf *out, struct casg_oid *id_out,
			    struct casg_err *err)
{
	struct casg_oid *oids = calloc((size_t)n + 1, sizeof(*oids));
	uint64_t nraw = 0;
	int l[1 + CASG_COLUMNS];
	int rc;

	if (!oids)
		return casg_err_nomem(err);
	for (uint32_t i = 0; i < n; i++) {
		casg_hasher_init(c->hasher);
		for (int j = 0; j < CASG_COLUMNS; j++) {
			const struct casg_slice *s = &col[i * CASG_COLUMNS + j];

			casg_hasher_update(c->hasher, s->p, s->nbytes);
			nraw += s->nbytes;
		}
		casg_hasher_final(c->hasher, &oids[i]);
	}
	casg_chunk_id(c->hasher, oids, n, id_out);
	free(oids);
	rc = check_size(nraw, n, err);
	if (rc)
		return rc;
	gather_lengths(&c->s[0], col, n * CASG_COLUMNS);
	for (int j = 0; j < CASG_COLUMNS; j++)
		gather_bytes(&c->s[1 + j], col + j, n, CASG_COLUMNS);
	for (int j = 0; j <= CASG_COLUMNS; j++)
		l[j] = level;
	rc = encode_payload(c, c->s, l, 1 + CASG_COLUMNS, -1, &c->coded[0], err);
	if (rc)
		return rc;
	return emit(out, CASG_CHUNK_NODE, layout, 1 + CASG_COLUMNS, n,
		    nraw, &c->coded[0], err);
}

/* ---- decoding ---------------------------------------------------------- */

static int corrupt(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "corrupt chunk: %s", what);
}

static int has_columns(int layout)
{
	return layout >= CASG_LAYOUT_COLUMNS && layout <= CASG_LAYOUT_LINKED_OUT;
}

int casg_chunk_head_decode(struct casg_chunk_head *h, const uint8_t *p,
			   size_t nbytes, struct casg_err *err)
{
	static const uint8_t want_streams[] = { 2, 3, 1 + CASG_COLUMNS, 1 + CASG_COLUMNS,
						1 + CASG_COLUMNS, MATCHED_STREAMS,
						MATCHED_STREAMS };

	if (nbytes < CASG_CHUNK_HEADSZ)
		return corrupt(err, "it ends inside its header");
	h->kind = p[0];
	h->layout = p[1];
	h->nstreams = p[2];
	h->nmembers = casg_get_le32(p + 4);
	h->nraw = casg_get_le64(p + 8);
	h->nstored = casg_get_le64(p + 16);
	h->sum = casg_get_le64(p + 24);
	if (h->kind < CASG_CHUNK_SEQ || h->kind > CASG_CHUNK_KIND_MAX)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "unsupported chunk kind %d", h->kind);
	if (h->layout > CASG_LAYOUT_MAX)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "unsupported chunk layout %d", h->layout);
	if (has_columns(h->layout) != (h->kind == CASG_CHUNK_NODE) ||
	    ((h->layout == CASG_LAYOUT_DNA2 || casg_layout_is_matched(h->layout)) &&
	     h->kind != CASG_CHUNK_SEQ))
		return corrupt(err, "its layout does not go with its kind");
	if (p[3] || h->nstreams != want_streams[h->layout])
		return corrupt(err, "its header has the wrong number of streams");
	if (h->nraw > CASG_CHUNK_RAW_MAX || h->nmembers > CASG_CHUNK_MEMBERS_MAX)
		return corrupt(err, "it is larger than the limit");
	if (!h->nmembers)
		return corrupt(err, "it has no members");
	if (h->nstored > h->nraw + (uint64_t)h->nmembers * 64 + 1024)
		return corrupt(err, "it claims to be stored larger than its content");
	return 0;
}

int casg_chunk_check_sum(const struct casg_chunk_head *h, const uint8_t *chunk,
			 struct casg_err *err)
{
	if (casg_xxh64(casg_xxh64(0, chunk, 24), chunk + CASG_CHUNK_HEADSZ,
		       (size_t)h->nstored) != h->sum)
		return corrupt(err, "its checksum does not match");
	return 0;
}

struct stream {
	int codec;
	uint64_t nraw, nstored;
	const uint8_t *p;
};

/*
 * The table of a payload of which the first 'have' bytes are there.  CASG_EABSENT: they
 * are not all, and too few.  Streams that do not begin in them have no place.
 */
static int read_table(const struct casg_chunk_head *h, const uint8_t *p, uint64_t have,
		      struct stream *s, struct casg_err *err)
{
	const uint8_t *start = p, *end = p + have;
	uint64_t total = 0, at;

	/* a codec and two numbers each */
	if (have < h->nstored && have < (uint64_t)h->nstreams * 21)
		return casg_err_set(err, CASG_EABSENT, "more of the chunk is needed");
	for (int i = 0; i < h->nstreams; i++) {
		if (p == end)
			return corrupt(err, "its stream table is cut short");
		s[i].codec = *p++;
		if (s[i].codec > CODEC_ZSTD)
			return casg_err_set(err, CASG_EUNSUPPORTED,
					    "unsupported codec %d", s[i].codec);
		if (casg_varint_get(&p, end, &s[i].nraw) ||
		    casg_varint_get(&p, end, &s[i].nstored))
			return corrupt(err, "its stream table is malformed");
		/* no stream is longer than the members and their numbers */
		if (s[i].nraw > h->nraw + (uint64_t)h->nmembers * 44 ||
		    s[i].nstored > h->nstored)
			return corrupt(err, "a stream is larger than the chunk");
		total += s[i].nstored;
	}
	at = (uint64_t)(p - start);
	if (total != h->nstored - at)
		return corrupt(err, "its streams do not fill it");
	for (int i = 0; i < h->nstreams; i++) {
		s[i].p = at <= have ? start + at : NULL;
		at += s[i].nstored;
	}
	return 0;
}

static int expand(struct casg_coder *c, const struct stream *s, uint8_t *out,
		  struct casg_err *err)
{
	if (s->codec == CODEC_RAW) {
		if (s->nraw != s->nstored)
			return corrupt(err, "a stored stream has two lengths");
		memcpy(out, s->p, (size_t)s->nraw);
		return 0;
	}
	return casg_zd_frame(c->zd, s->p, (size_t)s->nstored, out, (size_t)s->nraw, err);
}

static int expand_buf(struct casg_coder *c, const struct stream *s,
		      struct casg_buf *b, struct casg_err *err)
{
	casg_buf_reset(b);
	if (casg_buf_grow(b, (size_t)s->nraw + 1))
		return casg_err_nomem(err);
	b->len = (size_t)s->nraw;
	return expand(c, s, b->data, err);
}

/* The list of exceptions of a chunk, read member by member. */
struct exceptions {
	const uint8_t *p, *end;
	uint64_t next;    /* the member that the next ones belong to; UINT64_MAX: none */
};

static int bad_exceptions(struct casg_err *err)
{
	return corrupt(err, "its list of exceptions is malformed");
}

static int start_exceptions(struct exceptions *x, const struct casg_buf *b,
			    struct casg_err *err)
{
	x->p = b->data;
	x->end = b->data + b->len;
	x->next = UINT64_MAX;
	return b->len && casg_varint_get(&x->p, x->end, &x->next) ? bad_exceptions(err) : 0;
}

/* Those of member i; members are asked for in order. */
static int next_exceptions(struct exceptions *x, uint32_t i, struct casg_slice *out,
			   struct casg_err *err)
{
	uint64_t n, d;

	out->p = "";
	out->nbytes = 0;
	if (x->next != i)
		return 0;
	if (casg_varint_get(&x->p, x->end, &n) || !n || n > (uint64_t)(x->end - x->p))
		return bad_exceptions(err);
	out->p = x->p;
	out->nbytes = (size_t)n;
	x->p += n;
	x->next = UINT64_MAX;
	if (x->p == x->end)
		return 0;
	if (casg_varint_get(&x->p, x->end, &d) || !d)
		return bad_exceptions(err);
	x->next = i + d;
	return 0;
}

static int end_exceptions(const struct exceptions *x, struct casg_err *err)
{
	return x->p != x->end || x->next != UINT64_MAX ? corrupt(err, "bytes are left over") : 0;
}

static int decode_dna(struct casg_coder *c, const struct stream *s,
		      struct casg_chunk *ch, struct casg_err *err)
{
	const uint8_t *packed, *pend;
	struct exceptions x;
	struct casg_slice exc;
	int rc = expand_buf(c, &s[1], &c->s[1], err);

	if (!rc)
		rc = expand_buf(c, &s[2], &c->s[2], err);
	if (!rc)
		rc = start_exceptions(&x, &c->s[2], err);
	if (rc)
		return rc;
	packed = c->s[1].data;
	pend = packed + c->s[1].len;
	for (uint32_t i = 0; i < ch->nmembers; i++) {
		uint64_t n = casg_chunk_len(ch, i), need = (n + 3) / 4;

		if (need > (uint64_t)(pend - packed))
			return corrupt(err, "its packed bases are cut short");
		rc = next_exceptions(&x, i, &exc, err);
		if (!rc)
			rc = casg_dna_unpack(packed, (size_t)n, exc.p, exc.nbytes,
					     ch->data + ch->offset[i], err);
		if (rc)
			return rc;
		packed += need;
	}
	if (packed != pend)
		return corrupt(err, "bytes are left over");
	return end_exceptions(&x, err);
}

/* ---- edit scripts ------------------------------------------------------ */

/* The chunks that a chunk names: how many before it, and what it uses of each. */
struct named {
	uint32_t distance[CASG_SCRIPT_BASES_MAX], n;
	uint8_t use[CASG_SCRIPT_BASES_MAX];
};

/* What a script rests on: segments of other chunks, given back at the end. */
struct needed {
	const struct casg_chunk_bases *bases;
	struct casg_literals *literals[CASG_SCRIPT_SEGMENTS_MAX - 1];
	uint32_t of[CASG_SCRIPT_SEGMENTS_MAX - 1]; /* which of the named chunks */
	uint32_t n, nnamed;
	uint8_t level;  /* of the script */
};

static int decode_needs(struct casg_coder *c, const struct stream *s, int layout,
			struct named *out, struct casg_err *err)
{
	const unsigned int deep = layout == CASG_LAYOUT_MATCHED_DEEP;
	const uint8_t *p, *end;
	uint64_t last = (uint64_t)UINT32_MAX + 1, v;
	uint32_t nmade = 0;
	int rc = expand_buf(c, &s[MATCHED_BASES], &c->s[MATCHED_BASES], err);

	out->n = 0;
	if (rc)
		return rc;
	p = c->s[MATCHED_BASES].data;
	end = p + c->s[MATCHED_BASES].len;
	while (p < end) {
		uint8_t use = CASG_USE_LITERALS;

		if (out->n == CASG_SCRIPT_BASES_MAX || casg_varint_get(&p, end, &v))
			return corrupt(err, "its list of other chunks is malformed");
		if (deep) {
			use = v & CASG_USE_MAX;
			v >>= 2;
		}
		nmade += use / CASG_USE_MADE;
		if (!v || v >= last || nmade > CASG_SCRIPT_MADE_MAX)
			return corrupt(err, "its list of other chunks is malformed");
		out->use[out->n] = use;
		out->distance[out->n++] = (uint32_t)v;
		last = v;
	}
	return deep && !nmade ? corrupt(err, "it is deep and uses nothing that others make") : 0;
}

static void tell_distances(const struct named *named, uint32_t *distances_out, uint32_t *n_out)
{
	memcpy(distances_out, named->distance, named->n * sizeof(*named->distance));
	*n_out = named->n;
}

static void put_needed(struct needed *v)
{
	for (uint32_t i = 0; i < v->n; i++)
		v->bases->put(v->bases->ctx, v->literals[i]);
}

/* What is used of the named chunk i: its literals, or what it makes. */
static int get_one(struct casg_coder *c, struct needed *v, const struct named *named, uint32_t i,
		   int made, struct casg_err *err)
{
	const struct casg_chunk_bases *b = v->bases;
	int rc;

	/* so deep that what it rests on cannot be shallow enough: not even read */
	if (made && b->depth + 1 >= CASG_SCRIPT_LEVEL_MAX)
		return corrupt(err, "it is deeper than the limit");
	rc = b->get(b->ctx, c, named->distance[i], made, &v->literals[v->n], err);
	if (rc)
		return rc;
	v->of[v->n] = i;
	if (v->literals[v->n]->level >= v->level)
		v->level = v->literals[v->n]->level + 1;
	v->n++;
	return b->depth + v->level > CASG_SCRIPT_LEVEL_MAX
		? corrupt(err, "it is deeper than the limit") : 0;
}

static int get_needed(struct casg_coder *c, const struct stream *s, int layout,
		      struct needed *v, struct casg_err *err)
{
	uint64_t nbytes = s[MATCHED_LITERALS].nraw;
	struct named named;
	int rc = decode_needs(c, s, layout, &named, err);

	v->nnamed = named.n;
	v->level = 1;
	if (!rc && named.n && !v->bases)
		rc = casg_err_set(err, CASG_EABSENT, "the chunk needs others of its pack");
	for (uint32_t i = 0; i < 2 * named.n && !rc; i++) {
		int made = i % 2;

		if (!(named.use[i / 2] & (made ? CASG_USE_MADE : CASG_USE_LITERALS)))
			continue;
		rc = get_one(c, v, &named, i / 2, made, err);
		if (!rc)
			nbytes += v->literals[v->n - 1]->bytes.nbytes;
		if (!rc && nbytes > CASG_SCRIPT_LITERALS_MAX)
			rc = corrupt(err, "it needs more bases of others than the limit");
	}
	return rc;
}

static struct casg_slice slice_of(const struct casg_buf *b)
{
	return (struct casg_slice){ b->data, b->len };
}

/* Expand the streams of a script; the literals of other chunks are in 'v'. */
static int open_script(struct casg_coder *c, const struct stream *s, const struct needed *v,
		       struct casg_script_in *in, struct casg_err *err)
{
	int rc = 0;

	for (int i = MATCHED_STEPS; i < MATCHED_STREAMS && !rc; i++)
		rc = expand_buf(c, &s[i], &c->s[i], err);
	in->steps = slice_of(&c->s[MATCHED_STEPS]);
	in->copies = slice_of(&c->s[MATCHED_COPIES]);
	in->numbers = slice_of(&c->s[MATCHED_NUMBERS]);
	in->jumps = slice_of(&c->s[MATCHED_JUMPS]);
	for (uint32_t i = 0; i < v->n; i++)
		in->literals[i] = v->literals[i]->bytes;
	in->literals[v->n] = slice_of(&c->s[MATCHED_LITERALS]);
	in->nsegments = v->n + 1;
	return rc;
}

/* Over its letters, or with 'packed' under its bases. */
static int overlay(const struct casg_buf *exceptions, struct casg_chunk *ch, uint8_t *packed,
		   struct casg_err *err)
{
	struct exceptions x;
	struct casg_slice exc;
	int rc = start_exceptions(&x, exceptions, err);

	for (uint32_t i = 0; i < ch->nmembers && !rc; i++) {
		rc = next_exceptions(&x, i, &exc, err);
		if (!rc && exc.nbytes && packed)
			rc = casg_dna_clear(exc.p, exc.nbytes, packed, ch->offset[i],
					    (size_t)casg_chunk_len(ch, i), err);
		else if (!rc && exc.nbytes)
			rc = casg_dna_overlay(exc.p, exc.nbytes, ch->data + ch->offset[i],
					      (size_t)casg_chunk_len(ch, i), err);
	}
	return rc ? rc : end_exceptions(&x, err);
}

/* The letters of its members, or with 'packed' their bases. */
static int decode_matched(struct casg_coder *c, const struct stream *s,
			  const struct casg_chunk_bases *bases, struct casg_chunk *ch,
			  uint8_t *packed, struct casg_err *err)
{
	struct needed v = { .bases = bases };
	struct casg_script_in in;
	int rc = get_needed(c, s, ch->layout, &v, err);

	if (!rc)
		rc = open_script(c, s, &v, &in, err);
	if (!rc && packed)
		rc = casg_script_apply_packed(&in, ch->offset, ch->nmembers, packed, err);
	else if (!rc)
		rc = casg_script_apply(&in, ch->offset, ch->nmembers, ch->data, NULL, NULL, err);
	put_needed(&v);
	ch->level = v.level;
	return rc ? rc : overlay(&c->s[MATCHED_EXCEPTIONS], ch, packed, err);
}

/* Put each node's columns behind each other. */
static int decode_columns(struct casg_coder *c, const struct stream *s,
			  struct casg_chunk *ch, struct casg_err *err)
{
	const uint8_t *col[CASG_COLUMNS], *end[CASG_COLUMNS];
	uint8_t *to = ch->data;

	for (int j = 0; j < CASG_COLUMNS; j++) {
		int rc = expand_buf(c, &s[1 + j], &c->s[1 + j], err);

		if (rc)
			return rc;
		col[j] = c->s[1 + j].data;
		end[j] = col[j] + c->s[1 + j].len;
	}
	for (uint32_t i = 0; i < ch->nmembers; i++)
		for (int j = 0; j < CASG_COLUMNS; j++) {
			uint32_t n = ch->column[i * CASG_COLUMNS + j];

			if (n > (uint64_t)(end[j] - col[j]))
				return corrupt(err, "a column is cut short");
			memcpy(to, col[j], n);
			to += n;
			col[j] += n;
		}
	for (int j = 0; j < CASG_COLUMNS; j++)
		if (col[j] != end[j])
			return corrupt(err, "bytes are left over in a column");
	return 0;
}

/* Stream 0: the members' lengths (a node has one a column). */
static int decode_lengths(struct casg_coder *c, const struct casg_chunk_head *h,
			  const struct stream *s, struct casg_chunk *ch,
			  struct casg_err *err)
{
	uint32_t per = ch->column ? CASG_COLUMNS : 1;
	const uint8_t *p, *end;
	uint64_t at = 0, v;
	int rc;

	if (s->nraw < (uint64_t)h->nmembers * per)
		return corrupt(err, "it has fewer lengths than members");
	rc = expand_buf(c, s, &c->s[0], err);
	if (rc)
		return rc;
	p = c->s[0].data;
	end = p + c->s[0].len;
	for (uint32_t i = 0; i < h->nmembers; i++) {
		ch->offset[i] = at;
		for (uint32_t j = 0; j < per; j++) {
			if (casg_varint_get(&p, end, &v) || v > h->nraw - at)
				return corrupt(err, "its lengths are malformed");
			if (ch->column)
				ch->column[i * per + j] = (uint32_t)v;
			at += v;
		}
	}
	ch->offset[h->nmembers] = at;
	if (p != end || at != h->nraw)
		return corrupt(err, "its lengths do not add up");
	return 0;
}

static int decode_members(struct casg_coder *c, const struct casg_chunk_head *h,
			  const struct stream *s, const struct casg_chunk_bases *bases,
			  struct casg_chunk *ch, struct casg_err *err)
{
	int rc = decode_lengths(c, h, &s[0], ch, err);

	if (rc)
		return rc;
	if (has_columns(h->layout))
		return decode_columns(c, s, ch, err);
	if (h->layout == CASG_LAYOUT_DNA2)
		return decode_dna(c, s, ch, err);
	if (casg_layout_is_matched(h->layout))
		return decode_matched(c, s, bases, ch, NULL, err);
	if (s[1].nraw != h->nraw)
		return corrupt(err, "its bytes do not add up");
	return expand(c, &s[1], ch->data, err);
}

/* Header, checksum and stream table of a whole chunk. */
static int open_chunk(const uint8_t *p, size_t nbytes, struct casg_chunk_head *h,
		      struct stream *s, struct casg_err *err)
{
	int rc = casg_chunk_head_decode(h, p, nbytes, err);

	if (rc)
		return rc;
	if (h->nstored != nbytes - CASG_CHUNK_HEADSZ)
		return corrupt(err, "its length is not what its header says");
	rc = casg_chunk_check_sum(h, p, err);
	if (!rc)
		rc = read_table(h, p + CASG_CHUNK_HEADSZ, h->nstored, s, err);
	if (!rc && casg_layout_is_matched(h->layout) &&
	    s[MATCHED_LITERALS].nraw > casg_dna_packed_size((size_t)h->nraw))
		rc = corrupt(err, "it has more literals than bases");
	return rc;
}

/* Room for what a chunk holds; 'data' only if that is wanted. */
static struct casg_chunk *new_chunk(const struct casg_chunk_head *h, int data,
				    struct casg_err *err)
{
	struct casg_chunk *ch = calloc(1, sizeof(*ch));
	int columns = has_columns(h->layout);

	if (ch) {
		ch->kind = h->kind;
		ch->layout = h->layout;
		ch->nmembers = h->nmembers;
		ch->offset = malloc(((size_t)h->nmembers + 1) * sizeof(*ch->offset));
		if (data)
			ch->data = malloc((size_t)h->nraw + CASG_LETTERS_SLACK);
		if (columns)
			ch->column = calloc((size_t)h->nmembers * CASG_COLUMNS,
					    sizeof(*ch->column));
	}
	if (ch && ch->offset && (ch->data || !data) && (ch->column || !columns))
		return ch;
	casg_chunk_free(ch);
	casg_err_nomem(err);
	return NULL;
}

int casg_chunk_decode(struct casg_coder *c, const uint8_t *p, size_t nbytes,
		      const struct casg_chunk_bases *bases, struct casg_chunk **out,
		      struct casg_err *err)
{
	struct stream s[CASG_CHUNK_STREAMS_MAX];
	struct casg_chunk_head h;
	struct casg_chunk *ch;
	int rc = open_chunk(p, nbytes, &h, s, err);

	if (rc)
		return rc;
	ch = new_chunk(&h, 1, err);
	if (!ch)
		return CASG_ENOMEM;
	rc = decode_members(c, &h, s, bases, ch, err);
	if (rc) {
		casg_chunk_free(ch);
		return rc;
	}
	*out = ch;
	return 0;
}

int casg_chunk_literals(struct casg_coder *c, const uint8_t *p, size_t nbytes,
			struct casg_buf *out, struct casg_err *err)
{
	struct stream s[CASG_CHUNK_STREAMS_MAX];
	struct casg_chunk_head h;
	int rc = open_chunk(p, nbytes, &h, s, err);

	if (!rc && !casg_layout_is_matched(h.layout))
		rc = corrupt(err, "another takes literals from it, and it has none");
	return rc ? rc : expand_buf(c, &s[MATCHED_LITERALS], out, err);
}

int casg_chunk_made(struct casg_coder *c, const uint8_t *p, size_t nbytes,
		    const struct casg_chunk_bases *bases, struct casg_buf *out,
		    uint8_t *level_out, struct casg_err *err)
{
	struct stream s[CASG_CHUNK_STREAMS_MAX];
	struct casg_chunk_head h;
	struct casg_chunk *ch;
	size_t npacked;
	int rc = open_chunk(p, nbytes, &h, s, err);

	if (!rc && !casg_layout_is_matched(h.layout))
		rc = corrupt(err, "another takes what its script makes, and it has none");
	if (rc)
		return rc;
	ch = new_chunk(&h, 0, err);
	if (!ch)
		return CASG_ENOMEM;
	npacked = casg_dna_packed_size((size_t)h.nraw);
	casg_buf_reset(out);
	if (casg_buf_grow(out, npacked + CASG_BASES_SLACK)) {
		casg_chunk_free(ch);
		return casg_err_nomem(err);
	}
	memset(out->data, 0, npacked + CASG_BASES_SLACK);
	out->len = npacked;
	rc = decode_lengths(c, &h, &s[MATCHED_LENGTHS], ch, err);
	if (!rc)
		rc = decode_matched(c, s, bases, ch, out->data, err);
	*level_out = ch->level;
	casg_chunk_free(ch);
	return rc;
}

/* What a whole chunk names; nothing if it is not matched. */
static int read_named(struct casg_coder *c, const uint8_t *p, size_t nbytes,
		      struct named *out, struct casg_err *err)
{
	struct stream s[CASG_CHUNK_STREAMS_MAX];
	struct casg_chunk_head h;
	int rc = open_chunk(p, nbytes, &h, s, err);

	out->n = 0;
	return rc || !casg_layout_is_matched(h.layout) ? rc : decode_needs(c, s, h.layout, out, err);
}

int casg_chunk_needs(struct casg_coder *c, const uint8_t *p, size_t nbytes,
		     uint32_t *distances_out, uint32_t *n_out, struct casg_err *err)
{
	struct named named;
	int rc = read_named(c, p, nbytes, &named, err);

	*n_out = 0;
	if (!rc)
		tell_distances(&named, distances_out, n_out);
	return rc;
}

int casg_chunk_needs_made(struct casg_coder *c, const uint8_t *p, size_t nbytes,
			  uint32_t *distances_out, uint32_t *n_out, struct casg_err *err)
{
	struct named named;
	int rc = read_named(c, p, nbytes, &named, err);

	*n_out = 0;
	for (uint32_t i = 0; i < named.n && !rc; i++)
		if (named.use[i] & CASG_USE_MADE)
			distances_out[(*n_out)++] = named.distance[i];
	return rc;
}

int casg_chunk_needs_start(struct casg_coder *c, const uint8_t *p, size_t nbytes,
			   uint32_t *distances_out, uint32_t *n_out, size_t *more_out,
			   struct casg_err *err)
{
	struct stream s[CASG_CHUNK_STREAMS_MAX];
	struct casg_chunk_head h;
	struct named named;
	uint64_t have, end;
	int rc = casg_chunk_head_decode(&h, p, nbytes, err);

	*n_out = 0;
	if (rc || !casg_layout_is_matched(h.layout))
		return rc;
	have = nbytes - CASG_CHUNK_HEADSZ;
	if (have > h.nstored)
		have = h.nstored;
	*more_out = CASG_CHUNK_HEADSZ + MATCHED_STREAMS * 21;
	rc = read_table(&h, p + CASG_CHUNK_HEADSZ, have, s, err);
	if (rc)
		return rc;
	end = h.nstored;
	for (int i = MATCHED_BASES + 1; i < MATCHED_STREAMS; i++)
		end -= s[i].nstored;
	if (end > have) {
		*more_out = CASG_CHUNK_HEADSZ + (size_t)end;
		return casg_err_set(err, CASG_EABSENT, "more of the chunk is needed");
	}
	rc = decode_needs(c, s, h.layout, &named, err);
	if (!rc)
		tell_distances(&named, distances_out, n_out);
	return rc;
}

/* Parts as a script knows them, told as those who know chunks expect them. */
struct telling {
	const struct needed *v;
	casg_script_part_fn *fn;
	void *ctx;
};

static int tell_part(void *ctx, const struct casg_script_part *part, struct casg_err *err)
{
	const struct telling *t = ctx;
	struct casg_script_part p = *part;

	if (p.segment < t->v->n) {
		p.made = t->v->literals[p.segment]->level != 0;
		p.segment = t->v->of[p.segment];
	} else {
		p.segment = t->v->nnamed;
	}
	return t->fn(t->ctx, &p, err);
}

int casg_chunk_each_part(struct casg_coder *c, const uint8_t *p, size_t nbytes,
			 const struct casg_chunk_bases *bases, casg_script_part_fn *fn,
			 void *ctx, struct casg_err *err)
{
	struct stream s[CASG_CHUNK_STREAMS_MAX];
	struct needed v = { .bases = bases };
	struct telling t = { &v, fn, ctx };
	struct casg_script_in in;
	struct casg_chunk_head h;
	struct casg_chunk *ch;
	int rc = open_chunk(p, nbytes, &h, s, err);

	if (rc || !casg_layout_is_matched(h.layout))
		return rc;
	ch = new_chunk(&h, 0, err);
	rc = ch ? decode_lengths(c, &h, &s[MATCHED_LENGTHS], ch, err) : CASG_ENOMEM;
	if (!rc)
		rc = get_needed(c, s, h.layout, &v, err);
	if (!rc)
		rc = open_script(c, s, &v, &in, err);
	if (!rc)
		rc = casg_script_apply(&in, ch->offset, ch->nmembers, NULL, tell_part, &t, err);
	put_needed(&v);
	casg_chunk_free(ch);
	return rc;
}

void casg_chunk_free(struct casg_chunk *ch)
{
	if (!ch)
		return;
	free(ch->offset);
	free(ch->data);
	free(ch->column);
	free(ch->oids);
	free(ch);
}

int casg_chunk_hash(struct casg_coder *c, struct casg_chunk *ch, struct casg_err *err)
{
	struct casg_oid *oids;

	if (ch->oids)
		return 0;
	oids = malloc((size_t)ch->nmembers * sizeof(*oids));
	if (!oids)
		return casg_err_nomem(err);
	for (uint32_t i = 0; i < ch->nmembers; i++)
		casg_hasher_digest(c->hasher, ch->data + ch->offset[i],
				   (size_t)casg_chunk_len(ch, i), &oids[i]);
	ch->oids = oids;
	return 0;
}
