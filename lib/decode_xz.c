#include "decode.h"

#include <stdlib.h>

#include <lzma.h>

static void *xz_init(struct casg_err *err)
{
	lzma_stream *s = calloc(1, sizeof(*s));

	/* a check that we cannot compute would go unverified: refuse it */
	if (!s || lzma_stream_decoder(s, CASG_DECODE_XZ_MEMLIMIT,
				      LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK) != LZMA_OK) {
		free(s);
		casg_err_nomem(err);
		return NULL;
	}
	return s;
}

static int xz_failed(lzma_ret ret, const lzma_stream *s, struct casg_err *err)
{
	const struct casg_decoder *self = &casg_decode_xz;

	switch (ret) {
	case LZMA_BUF_ERROR:
		return casg_decode_truncated(self, err);
	case LZMA_MEM_ERROR:
		return casg_err_nomem(err);
	case LZMA_MEMLIMIT_ERROR:
		return casg_err_set(err, CASG_ENOMEM,
				    "xz stream needs %llu MiB to decompress, the limit is %llu MiB",
				    (unsigned long long)(lzma_memusage(s) >> 20),
				    (unsigned long long)(CASG_DECODE_XZ_MEMLIMIT >> 20));
	case LZMA_UNSUPPORTED_CHECK:
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "xz stream has a checksum of an unknown kind");
	case LZMA_OPTIONS_ERROR:
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "xz stream uses an unknown filter or option");
	case LZMA_FORMAT_ERROR:
		return casg_decode_corrupt(self, "bad magic", err);
	default: /* liblzma says the same of a bad byte and a foreign one */
		return casg_decode_corrupt(self, "bad data or trailing garbage", err);
	}
}

static int xz_step(void *state, struct casg_decode_io *io, struct casg_err *err)
{
	lzma_stream *s = state;
	lzma_ret ret;

	s->next_in = io->in;
	s->avail_in = io->nin;
	s->next_out = io->out;
	s->avail_out = io->nout;
	do
		ret = lzma_code(s, io->eof ? LZMA_FINISH : LZMA_RUN);
	while (ret == LZMA_OK && s->avail_out && (s->avail_in || io->eof));
	io->in = s->next_in;
	io->nin = s->avail_in;
	io->out = s->next_out;
	io->nout = s->avail_out;
	if (ret == LZMA_OK)
		return 0;
	if (ret == LZMA_STREAM_END)
		return 1;
	/* no progress is an error only if nothing more can come or go */
	if (ret == LZMA_BUF_ERROR && (!io->nout || !io->eof))
		return 0;
	return xz_failed(ret, s, err);
}

static void xz_end(void *state)
{
	lzma_end(state);
	free(state);
}

const struct casg_decoder casg_decode_xz = {
	"xz", xz_init, xz_step, xz_end
};
