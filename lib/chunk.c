#include "chunk.h"

#include <stdlib.h>

#include "array.h"
#include "endian.h"
#include "merkle.h"
#include "residues.h"
#include "sum.h"
#include "varint.h"
#include "zframe.h"

enum { CODEC_RAW = 0, CODEC_ZSTD = 1 };

/* Mean residues a member from which on bases are also tried as text. */
enum { TEXT_MEAN = 2048 };

struct casg_coder {
	struct casg_zc *zc;
	struct casg_zd *zd;
	struct casg_hasher *hasher;
	struct casg_buf s[5];     /* streams before coding */
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
	for (int i = 0; i < 5; i++)
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
 * the streams.  Streams that do not shrink are stored raw.
 */
static int encode_payload(struct casg_coder *c, const struct casg_buf *streams,
			  const int *levels, int nstreams, struct casg_buf *out,
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
			if (body.len - before < s->len)
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
		if (!tmp->len)
			continue;
		casg_varint_add(exc, i - last);
		casg_varint_add(exc, tmp->len);
		casg_buf_add(exc, tmp->data, tmp->len);
		last = i;
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
			rc = encode_payload(c, c->s, l, 3, &c->coded[0], err);
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
			rc = encode_payload(c, c->s, l, 2, &c->coded[1], err);
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

int casg_chunk_encode(struct casg_coder *c, int kind, int dna, int level,
		      const struct casg_slice *m, uint32_t n,
		      const struct casg_oid *oids, struct casg_buf *out,
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
	if (kind == CASG_CHUNK_SEQ)
		return encode_seq(c, dna, level, m, n, nraw, out, err);
	gather_lengths(&c->s[0], m, n);
	gather_bytes(&c->s[1], m, n, 1);
	rc = encode_payload(c, c->s, (int[]){ level, level }, 2, &c->coded[0], err);
	if (rc)
		return rc;
	return emit(out, kind, CASG_LAYOUT_PLAIN, 2, n, nraw, &c->coded[0], err);
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
	rc = encode_payload(c, c->s, l, 1 + CASG_COLUMNS, &c->coded[0], err);
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

int casg_chunk_head_decode(struct casg_chunk_head *h, const uint8_t *p,
			   size_t nbytes, struct casg_err *err)
{
	static const uint8_t want_streams[] = { 2, 3, 1 + CASG_COLUMNS, 1 + CASG_COLUMNS,
						1 + CASG_COLUMNS };

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
	if (h->layout > CASG_LAYOUT_LINKED_OUT)
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "unsupported chunk layout %d", h->layout);
	if ((h->layout >= CASG_LAYOUT_COLUMNS) != (h->kind == CASG_CHUNK_NODE) ||
	    (h->layout == CASG_LAYOUT_DNA2 && h->kind != CASG_CHUNK_SEQ))
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

static int read_table(const struct casg_chunk_head *h, const uint8_t *p,
		      struct stream *s, struct casg_err *err)
{
	const uint8_t *end = p + h->nstored;
	uint64_t total = 0;

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
	if (total != (uint64_t)(end - p))
		return corrupt(err, "its streams do not fill it");
	for (int i = 0; i < h->nstreams; i++) {
		s[i].p = p;
		p += s[i].nstored;
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

static int decode_dna(struct casg_coder *c, const struct stream *s,
		      struct casg_chunk *ch, struct casg_err *err)
{
	const uint8_t *packed, *pend, *exc, *eend;
	uint64_t next = UINT64_MAX, d;
	int rc = expand_buf(c, &s[1], &c->s[1], err);

	if (!rc)
		rc = expand_buf(c, &s[2], &c->s[2], err);
	if (rc)
		return rc;
	packed = c->s[1].data;
	pend = packed + c->s[1].len;
	exc = c->s[2].data;
	eend = exc + c->s[2].len;
	if (exc < eend && casg_varint_get(&exc, eend, &next))
		return corrupt(err, "its list of exceptions is malformed");
	for (uint32_t i = 0; i < ch->nmembers; i++) {
		uint64_t n = casg_chunk_len(ch, i), need = (n + 3) / 4, nexc = 0;

		if (need > (uint64_t)(pend - packed))
			return corrupt(err, "its packed bases are cut short");
		if (next == i && (casg_varint_get(&exc, eend, &nexc) || !nexc ||
				  nexc > (uint64_t)(eend - exc)))
			return corrupt(err, "its list of exceptions is malformed");
		rc = casg_dna_unpack(packed, (size_t)n, exc, (size_t)nexc,
				     ch->data + ch->offset[i], err);
		if (rc)
			return rc;
		packed += need;
		if (next != i)
			continue;
		exc += nexc;
		next = UINT64_MAX;
		if (exc < eend) {
			if (casg_varint_get(&exc, eend, &d) || !d)
				return corrupt(err, "its list of exceptions is malformed");
			next = i + d;
		}
	}
	if (packed != pend || exc != eend || next != UINT64_MAX)
		return corrupt(err, "bytes are left over");
	return 0;
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
			  const struct stream *s, struct casg_chunk *ch,
			  struct casg_err *err)
{
	int rc = decode_lengths(c, h, &s[0], ch, err);

	if (rc)
		return rc;
	if (h->layout >= CASG_LAYOUT_COLUMNS)
		return decode_columns(c, s, ch, err);
	if (h->layout == CASG_LAYOUT_DNA2)
		return decode_dna(c, s, ch, err);
	if (s[1].nraw != h->nraw)
		return corrupt(err, "its bytes do not add up");
	return expand(c, &s[1], ch->data, err);
}

int casg_chunk_decode(struct casg_coder *c, const uint8_t *p, size_t nbytes,
		      struct casg_chunk **out, struct casg_err *err)
{
	struct stream s[CASG_CHUNK_STREAMS_MAX];
	struct casg_chunk_head h;
	struct casg_chunk *ch;
	int rc = casg_chunk_head_decode(&h, p, nbytes, err);

	if (rc)
		return rc;
	if (h.nstored != nbytes - CASG_CHUNK_HEADSZ)
		return corrupt(err, "its length is not what its header says");
	rc = casg_chunk_check_sum(&h, p, err);
	if (!rc)
		rc = read_table(&h, p + CASG_CHUNK_HEADSZ, s, err);
	if (rc)
		return rc;
	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return casg_err_nomem(err);
	ch->kind = h.kind;
	ch->layout = h.layout;
	ch->nmembers = h.nmembers;
	ch->offset = malloc(((size_t)h.nmembers + 1) * sizeof(*ch->offset));
	ch->data = malloc((size_t)h.nraw + 1);
	if (h.layout >= CASG_LAYOUT_COLUMNS)
		ch->column = calloc((size_t)h.nmembers * CASG_COLUMNS,
				    sizeof(*ch->column));
	if (!ch->offset || !ch->data ||
	    (h.layout >= CASG_LAYOUT_COLUMNS && !ch->column))
		rc = casg_err_nomem(err);
	else
		rc = decode_members(c, &h, s, ch, err);
	if (rc) {
		casg_chunk_free(ch);
		return rc;
	}
	*out = ch;
	return 0;
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
