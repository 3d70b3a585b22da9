#include "zframe.h"

#include <stdlib.h>

#include <zstd.h>

#define ZFRAME_MAGIC 0xFD2FB528u
#define ZFRAME_HEADER_MAX 18
#define ZFRAME_LONG_FROM 24

struct casg_zc {
	ZSTD_CCtx *ctx;
};

struct casg_zd {
	ZSTD_DCtx *ctx;
};

struct casg_zc *casg_zc_new(void)
{
	struct casg_zc *zc = calloc(1, sizeof(*zc));

	if (!zc)
		return NULL;
	zc->ctx = ZSTD_createCCtx();
	if (!zc->ctx) {
		free(zc);
		return NULL;
	}
	return zc;
}

void casg_zc_free(struct casg_zc *zc)
{
	if (!zc)
		return;
	ZSTD_freeCCtx(zc->ctx);
	free(zc);
}

struct casg_zd *casg_zd_new(void)
{
	struct casg_zd *zd = calloc(1, sizeof(*zd));

	if (!zd)
		return NULL;
	zd->ctx = ZSTD_createDCtx();
	if (!zd->ctx) {
		free(zd);
		return NULL;
	}
	return zd;
}

void casg_zd_free(struct casg_zd *zd)
{
	if (!zd)
		return;
	ZSTD_freeDCtx(zd->ctx);
	free(zd);
}

static int set_params(ZSTD_CCtx *c, int level, int window_log)
{
	ZSTD_bounds b = ZSTD_cParam_getBounds(ZSTD_c_compressionLevel);

	if (level < b.lowerBound || level > b.upperBound)
		return -1;
	if (window_log && (window_log < 10 || window_log > CASG_ZFRAME_WINDOW_LOG_MAX))
		return -1;
	ZSTD_CCtx_reset(c, ZSTD_reset_session_and_parameters);
	if (ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 1)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 0)))
		return -1;
	if (window_log &&
	    ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log)))
		return -1;
	if (window_log >= ZFRAME_LONG_FROM &&
	    ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_enableLongDistanceMatching, 1)))
		return -1;
	return 0;
}

int casg_zc_frame(struct casg_zc *zc, int level, int window_log,
		  const void *in, size_t nbytes, struct casg_buf *out,
		  struct casg_err *err)
{
	size_t bound = ZSTD_compressBound(nbytes), n;

	if (set_params(zc->ctx, level, window_log))
		return casg_err_set(err, CASG_EBUG,
				    "zstd level %d or window %d is out of range",
				    level, window_log);
	if (ZSTD_isError(bound) || casg_buf_grow(out, bound))
		return casg_err_nomem(err);
	n = ZSTD_compress2(zc->ctx, out->data + out->len, bound, in, nbytes);
	if (ZSTD_isError(n))
		return casg_err_set(err, CASG_ENOMEM, "cannot compress: %s",
				    ZSTD_getErrorName(n));
	out->len += n;
	return 0;
}

/*
 * The frame header as RFC 8878, 3.1.1.1 has it, held against what
 * casg_zc_frame writes.  The decoder would accept more: other sizes, several
 * frames, skippable ones, the formats of zstd 0.x.
 */
static const char *header_fault(const uint8_t *p, size_t nbytes, size_t raw_nbytes)
{
	uint32_t magic;

	if (nbytes < 6)
		return "the frame is too short";
	magic = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
		(uint32_t)p[3] << 24;
	if (magic != ZFRAME_MAGIC)
		return "not a zstd frame";
	if (p[4] & 0x18)
		return "reserved bits are set in the frame header";
	if (p[4] & 0x04)
		return "the frame has a checksum";
	if (p[4] & 0x03)
		return "the frame names a dictionary";
	if (!(p[4] & 0x20)) {
		unsigned log = 10 + (p[5] >> 3);

		if (log > CASG_ZFRAME_WINDOW_LOG_MAX ||
		    (log == CASG_ZFRAME_WINDOW_LOG_MAX && (p[5] & 7)))
			return "the frame needs too large a window";
	}
	if (ZSTD_getFrameContentSize(p, nbytes) != raw_nbytes)
		return "the frame's content size is not what was expected";
	if (ZSTD_findFrameCompressedSize(p, nbytes) != nbytes)
		return "the frame is cut short or followed by something else";
	return NULL;
}

int casg_zd_frame(struct casg_zd *zd, const void *in, size_t nbytes,
		  void *out, size_t raw_nbytes, struct casg_err *err)
{
	const char *fault = header_fault(in, nbytes, raw_nbytes);
	size_t n;

	if (fault)
		return casg_err_set(err, CASG_ECORRUPT, "cannot decompress: %s", fault);
	n = ZSTD_decompressDCtx(zd->ctx, out, raw_nbytes, in, nbytes);
	if (ZSTD_isError(n))
		return casg_err_set(err, CASG_ECORRUPT, "cannot decompress: %s",
				    ZSTD_getErrorName(n));
	if (n != raw_nbytes)
		return casg_err_set(err, CASG_ECORRUPT,
				    "cannot decompress: %zu bytes came instead of %zu",
				    n, raw_nbytes);
	return 0;
}
