#include "decode.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#ifdef HAVE_ISAL
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#endif

#include "endian.h"

/*
 * The gzip wrapper (RFC 1952) is read here, byte by byte, so that both
 * inflaters refuse the same files and a cut anywhere in header or trailer is
 * seen.  An inflater knows raw deflate (RFC 1951) only.
 */
struct inflater {
	void *(*init)(void);
	void (*reset)(void *state);
	/*
	 * As step in decode.h, but 1 at the end of the deflate data.  Bytes
	 * that were read beyond it and cannot be given back to io are put at
	 * 'spill' (room for 8) and counted.  -1: not deflate data.
	 */
	int (*run)(void *state, struct casg_decode_io *io, uint8_t *spill,
		   size_t *nspill_out);
	void (*end)(void *state);
	uint32_t (*crc)(uint32_t crc, const uint8_t *p, size_t n);
};

enum where { FIXED, EXTRA_LEN, EXTRA, NAME, COMMENT, HEADER_CRC, BODY, TRAILER,
	     BETWEEN, PADDING };

enum { FLAG_HCRC = 2, FLAG_EXTRA = 4, FLAG_NAME = 8, FLAG_COMMENT = 16,
       FLAGS_RESERVED = 0xe0 };

#define FIXED_LEN 10
#define TRAILER_LEN 8

struct gzip {
	const struct casg_decoder *self;
	const struct inflater *inflater;
	void *inflate_state;
	enum where where;
	uint8_t part[UINT16_MAX]; /* the part of the header being collected */
	size_t npart;
	size_t nextra;
	uint8_t flags;
	int is_bgzf;         /* this member has BGZF's extra field */
	uint32_t header_crc; /* CRC-32 of the header so far */
	uint32_t crc;        /* of this member's output */
	uint32_t isize;      /* its length modulo 2^32, as the trailer has it */
	int is_empty;
};

static void member_start(struct gzip *g)
{
	g->inflater->reset(g->inflate_state);
	g->where = FIXED;
	g->npart = 0;
	g->is_bgzf = 0;
	g->header_crc = 0;
	g->crc = 0;
	g->isize = 0;
	g->is_empty = 1;
}

static void *gzip_init(const struct casg_decoder *self,
		       const struct inflater *inflater, struct casg_err *err)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (g) {
		g->self = self;
		g->inflater = inflater;
		g->inflate_state = inflater->init();
	}
	if (!g || !g->inflate_state) {
		free(g);
		casg_err_nomem(err);
		return NULL;
	}
	member_start(g);
	return g;
}

static void gzip_end(void *state)
{
	struct gzip *g = state;

	g->inflater->end(g->inflate_state);
	free(g);
}

/* Collect 'want' bytes in part; 1 when they are there. */
static int collect(struct gzip *g, struct casg_decode_io *io, size_t want)
{
	size_t n = want - g->npart;

	if (n > io->nin)
		n = io->nin;
	memcpy(g->part + g->npart, io->in, n);
	g->npart += n;
	io->in += n;
	io->nin -= n;
	return g->npart == want;
}

/* A part of the header is complete: the header CRC covers it. */
static void part_done(struct gzip *g, enum where next)
{
	g->header_crc = g->inflater->crc(g->header_crc, g->part, g->npart);
	g->npart = 0;
	g->where = next;
}

static int fixed_done(struct gzip *g, struct casg_err *err)
{
	if (g->part[0] != 0x1f || g->part[1] != 0x8b)
		return casg_decode_corrupt(g->self, "bad magic", err);
	if (g->part[2] != 8)
		return casg_decode_corrupt(g->self, "unknown method", err);
	g->flags = g->part[3];
	if (g->flags & FLAGS_RESERVED)
		return casg_decode_corrupt(g->self, "unknown flags", err);
	part_done(g, EXTRA_LEN);
	return 0;
}

/* BGZF (SAM specification, section 4.1): extra field "BC" of 2 bytes. */
static int has_bgzf_field(const uint8_t *p, size_t n)
{
	while (n >= 4) {
		size_t len = (size_t)p[2] | (size_t)p[3] << 8;

		if (len > n - 4)
			return 0;
		if (p[0] == 'B' && p[1] == 'C' && len == 2)
			return 1;
		p += 4 + len;
		n -= 4 + len;
	}
	return 0;
}

static void step_extra(struct gzip *g, struct casg_decode_io *io)
{
	if (!(g->flags & FLAG_EXTRA)) {
		g->where = NAME;
	} else if (g->where == EXTRA_LEN) {
		if (!collect(g, io, 2))
			return;
		g->nextra = (size_t)g->part[0] | (size_t)g->part[1] << 8;
		part_done(g, EXTRA);
	} else if (collect(g, io, g->nextra)) {
		g->is_bgzf = has_bgzf_field(g->part, g->nextra);
		part_done(g, NAME);
	}
}

/* File name and comment: NUL-terminated, not kept. */
static void step_string(struct gzip *g, struct casg_decode_io *io, int flag)
{
	enum where next = g->where == NAME ? COMMENT : HEADER_CRC;
	const uint8_t *nul;
	size_t n;

	if (!(g->flags & flag)) {
		g->where = next;
		return;
	}
	nul = memchr(io->in, 0, io->nin);
	n = nul ? (size_t)(nul - io->in) + 1 : io->nin;
	g->header_crc = g->inflater->crc(g->header_crc, io->in, n);
	io->in += n;
	io->nin -= n;
	if (nul)
		g->where = next;
}

static int step_header_crc(struct gzip *g, struct casg_decode_io *io,
			   struct casg_err *err)
{
	if (g->flags & FLAG_HCRC) {
		if (!collect(g, io, 2))
			return 0;
		if ((g->header_crc & 0xff) != g->part[0] ||
		    (g->header_crc >> 8 & 0xff) != g->part[1])
			return casg_decode_corrupt(g->self, "header checksum mismatch", err);
	}
	g->npart = 0;
	g->where = BODY;
	return 0;
}

static int step_body(struct gzip *g, struct casg_decode_io *io,
		     struct casg_err *err)
{
	const uint8_t *start = io->out;
	size_t n;
	int ret;

	g->npart = 0;
	ret = g->inflater->run(g->inflate_state, io, g->part, &g->npart);
	if (ret < 0)
		return casg_decode_corrupt(g->self, "invalid deflate data", err);
	n = (size_t)(io->out - start);
	if (n) {
		g->crc = g->inflater->crc(g->crc, start, n);
		g->isize += (uint32_t)n;
		g->is_empty = 0;
	}
	if (ret)
		g->where = TRAILER;
	return 0;
}

static int step_trailer(struct gzip *g, struct casg_decode_io *io,
			struct casg_err *err)
{
	if (!collect(g, io, TRAILER_LEN))
		return 0;
	if (casg_get_le32(g->part) != g->crc)
		return casg_decode_corrupt(g->self, "checksum mismatch", err);
	if (casg_get_le32(g->part + 4) != g->isize)
		return casg_decode_corrupt(g->self, "length mismatch", err);
	g->where = BETWEEN;
	return 0;
}

/* Behind a member: another one, zero padding to the end, or nothing. */
static int step_between(struct gzip *g, struct casg_decode_io *io,
			struct casg_err *err)
{
	if (g->where == BETWEEN && io->in[0] == 0x1f) {
		member_start(g);
		return 0;
	}
	g->where = PADDING;
	for (; io->nin; io->in++, io->nin--)
		if (io->in[0])
			return casg_decode_corrupt(g->self,
						   "trailing garbage", err);
	return 0;
}

static int step_once(struct gzip *g, struct casg_decode_io *io,
		     struct casg_err *err)
{
	switch (g->where) {
	case FIXED:
		return collect(g, io, FIXED_LEN) ? fixed_done(g, err) : 0;
	case EXTRA_LEN:
	case EXTRA:
		step_extra(g, io);
		return 0;
	case NAME:
		step_string(g, io, FLAG_NAME);
		return 0;
	case COMMENT:
		step_string(g, io, FLAG_COMMENT);
		return 0;
	case HEADER_CRC:
		return step_header_crc(g, io, err);
	case BODY:
		return step_body(g, io, err);
	case TRAILER:
		return step_trailer(g, io, err);
	case BETWEEN:
	case PADDING:
		return step_between(g, io, err);
	}
	return casg_err_set(err, CASG_EBUG, "impossible gzip state");
}

static int at_eof(const struct gzip *g, struct casg_err *err)
{
	if (g->where != BETWEEN && g->where != PADDING)
		return casg_decode_truncated(g->self, err);
	if (g->is_bgzf && !g->is_empty)
		return casg_err_set(err, CASG_ECORRUPT,
				    "truncated bgzip file: no end-of-file block");
	return 1;
}

/* An inflater may hold output, or have taken the trailer, without input. */
static int can_step(const struct gzip *g, const struct casg_decode_io *io)
{
	return io->nin || (g->where == BODY && io->nout) ||
	       (g->where == TRAILER && g->npart == TRAILER_LEN);
}

static int gzip_step(void *state, struct casg_decode_io *io,
		     struct casg_err *err)
{
	struct gzip *g = state;

	for (;;) {
		enum where where = g->where;
		size_t nin = io->nin, nout = io->nout;
		int ret = can_step(g, io) ? step_once(g, io, err) : 0;

		if (ret < 0)
			return ret;
		if (g->where != where || io->nin != nin || io->nout != nout)
			continue;
		if (where == BODY && !io->nout)
			return 0;
		if (io->nin)
			return casg_decode_corrupt(g->self, "no progress", err);
		return io->eof ? at_eof(g, err) : 0;
	}
}

/* zlib */

static void *z_init(void)
{
	z_stream *z = calloc(1, sizeof(*z));

	if (z && inflateInit2(z, -15) != Z_OK) {
		free(z);
		z = NULL;
	}
	return z;
}

static void z_reset(void *state)
{
	inflateReset(state);
}

static int z_run(void *state, struct casg_decode_io *io, uint8_t *spill,
		 size_t *nspill_out)
{
	z_stream *z = state;
	uInt nin = io->nin > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)io->nin;
	uInt nout = io->nout > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)io->nout;
	int ret;

	(void)spill;
	*nspill_out = 0;
	z->next_in = (Bytef *)(uintptr_t)io->in;
	z->avail_in = nin;
	z->next_out = io->out;
	z->avail_out = nout;
	ret = inflate(z, Z_NO_FLUSH);
	io->in += nin - z->avail_in;
	io->nin -= nin - z->avail_in;
	io->out += nout - z->avail_out;
	io->nout -= nout - z->avail_out;
	if (ret == Z_STREAM_END)
		return 1;
	return ret == Z_OK || ret == Z_BUF_ERROR ? 0 : -1;
}

static void z_end(void *state)
{
	inflateEnd(state);
	free(state);
}

static uint32_t z_crc(uint32_t crc, const uint8_t *p, size_t n)
{
	return n ? (uint32_t)crc32_z(crc, p, n) : crc;
}

static const struct inflater zlib_inflater = {
	z_init, z_reset, z_run, z_end, z_crc
};

static void *zlib_gzip_init(struct casg_err *err)
{
	return gzip_init(&casg_decode_gzip_zlib, &zlib_inflater, err);
}

const struct casg_decoder casg_decode_gzip_zlib = {
	"gzip", zlib_gzip_init, gzip_step, gzip_end
};

/* ISA-L */

#ifdef HAVE_ISAL
static void *isal_init(void)
{
	struct inflate_state *s = calloc(1, sizeof(*s));

	if (s)
		isal_inflate_init(s);
	return s;
}

static void isal_reset(void *state)
{
	isal_inflate_reset(state);
}

/* Whole bytes that the inflater took into its bit buffer but did not need. */
static size_t isal_spill(struct inflate_state *s, uint8_t *spill)
{
	int nbits = s->read_in_length > 0 ? s->read_in_length : 0;
	uint64_t bits = s->read_in >> nbits % 8;
	size_t n = (size_t)nbits / 8;

	for (size_t i = 0; i < n; i++)
		spill[i] = (uint8_t)(bits >> 8 * i);
	return n;
}

static int isal_run(void *state, struct casg_decode_io *io, uint8_t *spill,
		    size_t *nspill_out)
{
	struct inflate_state *s = state;
	uint32_t nin = io->nin > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)io->nin;
	uint32_t nout = io->nout > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)io->nout;
	int ret;

	*nspill_out = 0;
	s->next_in = (uint8_t *)(uintptr_t)io->in;
	s->avail_in = nin;
	s->next_out = io->out;
	s->avail_out = nout;
	ret = isal_inflate(s);
	io->in += nin - s->avail_in;
	io->nin -= nin - s->avail_in;
	io->out += nout - s->avail_out;
	io->nout -= nout - s->avail_out;
	if (ret < 0)
		return -1;
	if (s->block_state != ISAL_BLOCK_FINISH)
		return 0;
	*nspill_out = isal_spill(s, spill);
	return 1;
}

static uint32_t isal_crc(uint32_t crc, const uint8_t *p, size_t n)
{
	return n ? crc32_gzip_refl(crc, p, n) : crc;
}

static const struct inflater isal_inflater = {
	isal_init, isal_reset, isal_run, free, isal_crc
};

static void *isal_gzip_init(struct casg_err *err)
{
	return gzip_init(&casg_decode_gzip_isal, &isal_inflater, err);
}

const struct casg_decoder casg_decode_gzip_isal = {
	"gzip", isal_gzip_init, gzip_step, gzip_end
};

const struct casg_decoder casg_decode_gzip = {
	"gzip", isal_gzip_init, gzip_step, gzip_end
};
#else
const struct casg_decoder casg_decode_gzip = {
	"gzip", zlib_gzip_init, gzip_step, gzip_end
};
#endif
