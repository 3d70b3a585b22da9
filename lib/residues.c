#include "residues.h"

#include "endian.h"
#include "varint.h"

/*
 * Eight residues are worked on at once, as the bytes of a 64-bit number, the
 * first in the lowest byte.  Bits 1 and 2 of the letters' ASCII codes tell
 * A, C, G and T apart, and (c >> 1) ^ (c >> 2) puts them in order.
 */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t codes_of(uint64_t letters)
{
	return (letters >> 1 ^ letters >> 2) & EACH(3);
}

/* 'A' + 0, 2, 6, 19; no byte carries into its neighbour. */
static inline uint64_t letters_of(uint64_t codes)
{
	uint64_t lo = codes & EACH(1), hi = codes >> 1 & EACH(1);

	return EACH('A') + 2 * lo + 6 * hi + 11 * (lo & hi);
}

static inline uint64_t squeeze(uint64_t codes)
{
	codes = (codes | codes >> 6) & UINT64_C(0x000f000f000f000f);
	codes = (codes | codes >> 12) & UINT64_C(0x000000ff000000ff);
	return (codes | codes >> 24) & 0xffff;
}

/*
 * The four letters of each packed byte.  Looking them up takes a third of the
 * time of spreading the bits of eight, and reading genomes is mostly this.
 */
#define LETTER(code) ((code) == 0 ? 'A' : (code) == 1 ? 'C' : (code) == 2 ? 'G' : 'T')
#define QUAD(b) { LETTER((b) & 3), LETTER((b) >> 2 & 3), LETTER((b) >> 4 & 3), LETTER((b) >> 6) }
#define QUADS4(b) QUAD(b), QUAD((b) + 1), QUAD((b) + 2), QUAD((b) + 3)
#define QUADS16(b) QUADS4(b), QUADS4((b) + 4), QUADS4((b) + 8), QUADS4((b) + 12)
#define QUADS64(b) QUADS16(b), QUADS16((b) + 16), QUADS16((b) + 32), QUADS16((b) + 48)

static const uint8_t quads[256][4] = { QUADS64(0), QUADS64(64), QUADS64(128), QUADS64(192) };

static inline void put_quad(uint8_t *p, uint64_t packed)
{
	memcpy(p, quads[packed & 0xff], 4);
}

/* 0..3, or 4 for anything else. */
static inline unsigned code_of(uint8_t c)
{
	unsigned code = (c >> 1 ^ c >> 2) & 3;

	return c == "ACGT"[code] ? code : 4;
}

void casg_dna_scan(const uint8_t *p, size_t nresidues, uint64_t *nother_out,
		   uint64_t *nruns_out)
{
	uint64_t nother = 0, nruns = 0;
	int before = -1; /* the exceptional byte just before i, if any */
	size_t i = 0;

	while (i < nresidues) {
		size_t end = nresidues - i < 8 ? nresidues : i + 8;

		if (end == i + 8) {
			uint64_t x = casg_get_le64(p + i);

			if (letters_of(codes_of(x)) == x) {
				before = -1;
				i = end;
				continue;
			}
		}
		for (; i < end; i++) {
			int other = code_of(p[i]) > 3;

			nother += (uint64_t)other;
			nruns += other && before != p[i];
			before = other ? p[i] : -1;
		}
	}
	*nother_out = nother;
	*nruns_out = nruns;
}

/* The run of exceptions that is being collected. */
struct run {
	struct casg_buf *out;
	size_t written; /* end of the last run in 'out' */
	size_t start;
	size_t len;     /* 0: none */
	uint8_t byte;
};

static void run_flush(struct run *r)
{
	if (!r->len)
		return;
	casg_varint_add(r->out, r->start - r->written);
	casg_varint_add(r->out, r->len);
	casg_buf_addch(r->out, r->byte);
	r->written = r->start + r->len;
	r->len = 0;
}

static void run_note(struct run *r, size_t at, uint8_t byte, size_t len)
{
	if (r->len && (r->byte != byte || r->start + r->len != at))
		run_flush(r);
	if (!r->len) {
		r->start = at;
		r->byte = byte;
	}
	r->len += len;
}

/* Up to eight residues, of which some may be exceptions. */
static uint64_t pack_few(const uint8_t *p, size_t at, size_t n, struct run *r)
{
	uint64_t packed = 0;

	if (n == 8 && code_of(p[at]) > 3 && casg_get_le64(p + at) == EACH(p[at])) {
		run_note(r, at, p[at], 8);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned code = code_of(p[at + i]);

		if (code > 3)
			run_note(r, at + i, p[at + i], 1);
		else
			packed |= (uint64_t)code << 2 * i;
	}
	return packed;
}

void casg_dna_pack(const uint8_t *p, size_t nresidues, uint8_t *out,
		   struct casg_buf *exceptions)
{
	struct run r = { .out = exceptions };
	uint64_t packed;
	size_t i;

	for (i = 0; nresidues - i >= 8; i += 8) {
		uint64_t x = casg_get_le64(p + i), codes = codes_of(x);

		if (__builtin_expect(letters_of(codes) == x, 1))
			packed = squeeze(codes);
		else
			packed = pack_few(p, i, 8, &r);
		out[i / 4] = (uint8_t)packed;
		out[i / 4 + 1] = (uint8_t)(packed >> 8);
	}
	packed = pack_few(p, i, nresidues - i, &r);
	for (; i < nresidues; i += 4, packed >>= 8)
		out[i / 4] = (uint8_t)packed;
	run_flush(&r);
}

void casg_dna_exceptions(const uint8_t *p, size_t nresidues, struct casg_buf *exceptions)
{
	struct run r = { .out = exceptions };
	size_t i;

	for (i = 0; nresidues - i >= 8; i += 8) {
		uint64_t x = casg_get_le64(p + i);

		if (letters_of(codes_of(x)) != x)
			pack_few(p, i, 8, &r);
	}
	pack_few(p, i, nresidues - i, &r);
	run_flush(&r);
}

static void unpack_letters(const uint8_t *packed, size_t nresidues, uint8_t *out)
{
	size_t i;

	for (i = 0; nresidues - i >= 4; i += 4)
		put_quad(out + i, packed[i / 4]);
	for (; i < nresidues; i++)
		out[i] = (uint8_t)"ACGT"[packed[i / 4] >> 2 * (i % 4) & 3];
}

static int all_a(const uint8_t *p, size_t n)
{
	return p[0] == 'A' && !memcmp(p, p + 1, n - 1);
}

static int bad(struct casg_err *err, const char *what)
{
	return casg_err_set(err, CASG_ECORRUPT, "malformed packed residues: %s", what);
}

/* Bases at .. at+n become 0, that is A. */
static void clear_bases(uint8_t *p, uint64_t at, uint64_t n)
{
	for (; n && at % 4; at++, n--)
		p[at / 4] &= (uint8_t)~(3 << 2 * (at % 4));
	memset(p + at / 4, 0, (size_t)(n / 4));
	at += n / 4 * 4;
	for (n %= 4; n; at++, n--)
		p[at / 4] &= (uint8_t)~(3 << 2 * (at % 4));
}

/*
 * Lay the runs over letters that are in place; if strict, these must be 'A', code 0.
 * Or, if out is NULL, clear the bases that they lie on, counted from bases_at.
 */
static int lay_runs(const uint8_t *exceptions, size_t nexceptions, int strict,
		    uint8_t *out, uint8_t *bases, uint64_t bases_at, size_t nresidues,
		    struct casg_err *err)
{
	const uint8_t *end;
	size_t at = 0;
	int before = -1;

	if (!nexceptions)
		return 0;
	end = exceptions + nexceptions;
	while (exceptions != end) {
		uint64_t gap, len;
		uint8_t byte;

		if (casg_varint_get(&exceptions, end, &gap) ||
		    casg_varint_get(&exceptions, end, &len) || exceptions == end)
			return bad(err, "the list of exceptions is cut short or not minimal");
		byte = *exceptions++;
		if (gap > nresidues - at || !len || len > nresidues - at - gap)
			return bad(err, "an exception is out of range");
		if (!gap && byte == before)
			return bad(err, "two exceptions are one");
		if (byte < 0x21 || byte > 0x7e || code_of(byte) < 4)
			return bad(err, "an exception that is none");
		at += gap;
		if (strict && !all_a(out + at, len))
			return bad(err, "bits are set under an exception");
		if (out)
			memset(out + at, byte, len);
		else
			clear_bases(bases, bases_at + at, len);
		at += len;
		before = byte;
	}
	return 0;
}

int casg_dna_unpack(const uint8_t *packed, size_t nresidues,
		    const uint8_t *exceptions, size_t nexceptions,
		    uint8_t *out, struct casg_err *err)
{
	unsigned spare = nresidues % 4;

	if (spare && packed[nresidues / 4] >> 2 * spare)
		return bad(err, "spare bits are set");
	unpack_letters(packed, nresidues, out);
	return lay_runs(exceptions, nexceptions, 1, out, NULL, 0, nresidues, err);
}

int casg_dna_overlay(const uint8_t *exceptions, size_t nexceptions, uint8_t *out,
		     size_t nresidues, struct casg_err *err)
{
	return lay_runs(exceptions, nexceptions, 0, out, NULL, 0, nresidues, err);
}

int casg_dna_clear(const uint8_t *exceptions, size_t nexceptions, uint8_t *packed, uint64_t at,
		   size_t nresidues, struct casg_err *err)
{
	return lay_runs(exceptions, nexceptions, 0, NULL, packed, at, nresidues, err);
}

void casg_dna_letters(uint64_t bases, uint8_t out[32])
{
	for (int i = 0; i < 32; i += 4)
		put_quad(out + i, bases >> 2 * i);
}
