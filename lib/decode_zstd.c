#include "decode.h"

#include <stdlib.h>

#include <zstd.h>
#include <zstd_errors.h>

struct zstd {
	ZSTD_DStream *stream;
	size_t hint; /* what the last call returned: 0 between frames */
};

static void zstd_end(void *state)
{
	struct zstd *z = state;

	ZSTD_freeDStream(z->stream);
	free(z);
}

static void *zstd_init(struct casg_err *err)
{
	struct zstd *z = calloc(1, sizeof(*z));

	if (z)
		z->stream = ZSTD_createDStream();
	if (!z || !z->stream ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(z->stream, ZSTD_d_windowLogMax,
						CASG_DECODE_ZSTD_WINDOWLOG))) {
		if (z)
			zstd_end(z);
		casg_err_nomem(err);
		return NULL;
	}
	return z;
}

static int zstd_failed(size_t code, struct casg_err *err)
{
	switch (ZSTD_getErrorCode(code)) {
	case ZSTD_error_memory_allocation:
		return casg_err_nomem(err);
	case ZSTD_error_frameParameter_windowTooLarge:
		return casg_err_set(err, CASG_ENOMEM,
				    "zstd stream needs a window of more than %d MiB (made with --long?)",
				    (1 << CASG_DECODE_ZSTD_WINDOWLOG) >> 20);
	case ZSTD_error_prefix_unknown:
		return casg_decode_corrupt(&casg_decode_zstd, "trailing garbage", err);
	case ZSTD_error_dictionary_wrong:
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "zstd stream needs a dictionary");
	default:
		return casg_decode_corrupt(&casg_decode_zstd,
					   ZSTD_getErrorName(code), err);
	}
}

static int zstd_step(void *state, struct casg_decode_io *io,
		     struct casg_err *err)
{
	struct zstd *z = state;

	for (;;) {
		ZSTD_inBuffer in = { io->in, io->nin, 0 };
		ZSTD_outBuffer out = { io->out, io->nout, 0 };

		if (!io->nin && !z->hint)
			return io->eof;
		z->hint = ZSTD_decompressStream(z->stream, &out, &in);
		if (ZSTD_isError(z->hint))
			return zstd_failed(z->hint, err);
		io->in += in.pos;
		io->nin -= in.pos;
		io->out += out.pos;
		io->nout -= out.pos;
		if (!io->nout)
			return 0;
		if (!io->nin && z->hint && !out.pos)
			return io->eof ? casg_decode_truncated(&casg_decode_zstd, err) : 0;
	}
}

const struct casg_decoder casg_decode_zstd = {
	"zstd", zstd_init, zstd_step, zstd_end
};
