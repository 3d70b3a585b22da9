#include "decode.h"

#include <stdlib.h>
#include <string.h>

#include <bzlib.h>

struct bzip2 {
	bz_stream s;
	int open;    /* s is initialised: we are inside a stream */
	int nstreams;
};

static void *bzip2_init(struct casg_err *err)
{
	struct bzip2 *z = calloc(1, sizeof(*z));

	if (!z)
		casg_err_nomem(err);
	return z;
}

static int start(struct bzip2 *z, struct casg_err *err)
{
	memset(&z->s, 0, sizeof(z->s));
	if (BZ2_bzDecompressInit(&z->s, 0, 0) != BZ_OK)
		return casg_err_nomem(err);
	z->open = 1;
	return 0;
}

static int bzip2_failed(int ret, const struct bzip2 *z, struct casg_err *err)
{
	const struct casg_decoder *self = &casg_decode_bzip2;

	if (ret == BZ_MEM_ERROR)
		return casg_err_nomem(err);
	if (ret == BZ_DATA_ERROR_MAGIC)
		return casg_decode_corrupt(self, z->nstreams ? "trailing garbage"
							     : "bad magic", err);
	return casg_decode_corrupt(self, "checksum mismatch or bad data", err);
}

/* One call of the library: as step, but 1 at the end of a stream. */
static int run(struct bzip2 *z, struct casg_decode_io *io, struct casg_err *err)
{
	unsigned nin = io->nin > UINT32_MAX / 2 ? UINT32_MAX / 2 : (unsigned)io->nin;
	unsigned nout = io->nout > UINT32_MAX / 2 ? UINT32_MAX / 2 : (unsigned)io->nout;
	int ret;

	z->s.next_in = (char *)(uintptr_t)io->in;
	z->s.avail_in = nin;
	z->s.next_out = (char *)io->out;
	z->s.avail_out = nout;
	ret = BZ2_bzDecompress(&z->s);
	io->in += nin - z->s.avail_in;
	io->nin -= nin - z->s.avail_in;
	io->out += nout - z->s.avail_out;
	io->nout -= nout - z->s.avail_out;
	if (ret == BZ_STREAM_END)
		return 1;
	return ret == BZ_OK ? 0 : bzip2_failed(ret, z, err);
}

static int bzip2_step(void *state, struct casg_decode_io *io,
		      struct casg_err *err)
{
	struct bzip2 *z = state;

	for (;;) {
		size_t nin = io->nin, nout = io->nout;
		int ret = 0;

		if (!z->open) {
			if (!nin)
				return io->eof;
			ret = start(z, err);
		}
		if (!ret)
			ret = run(z, io, err);
		if (ret < 0)
			return ret;
		if (ret) {
			BZ2_bzDecompressEnd(&z->s);
			z->open = 0;
			z->nstreams = 1;
		} else if (!io->nout) {
			return 0;
		} else if (!io->nin && io->nout == nout) {
			return io->eof ? casg_decode_truncated(&casg_decode_bzip2, err) : 0;
		}
	}
}

static void bzip2_end(void *state)
{
	struct bzip2 *z = state;

	if (z->open)
		BZ2_bzDecompressEnd(&z->s);
	free(z);
}

const struct casg_decoder casg_decode_bzip2 = {
	"bzip2", bzip2_init, bzip2_step, bzip2_end
};
