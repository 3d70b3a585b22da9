/*
 * Every decompressor on every input, told by its first bytes as a file is.
 * Two gzip inflaters that both accept an input must agree on it, and the
 * answer must not depend on how the input is cut.
 */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "decode.h"

#define MAX_OUTPUT (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decode in parts; 1 complete, 0 given up at MAX_OUTPUT, negative refused. */
static int decode(const struct casg_decoder *d, const uint8_t *data, size_t size,
		  size_t nin, struct casg_buf *out)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_decode_io io = { .in = data };
	uint8_t room[4096];
	void *state = d->init(&err);
	int ret = 0;

	if (!state)
		return -1;
	while (!ret && out->len < MAX_OUTPUT) {
		if (!io.nin) {
			io.nin = size < nin ? size : nin;
			io.in = data;
			data += io.nin;
			size -= io.nin;
			io.eof = !io.nin;
		}
		io.out = room;
		io.nout = sizeof(room);
		ret = d->step(state, &io, &err);
		casg_buf_add(out, room, sizeof(room) - io.nout);
	}
	d->end(state);
	return ret;
}

static void agree(const struct casg_decoder *a, const struct casg_decoder *b,
		  size_t nin, const uint8_t *data, size_t size, int must)
{
	struct casg_buf one = CASG_BUF_INIT, two = CASG_BUF_INIT;
	int reta = decode(a, data, size, size + 1, &one);
	int retb = decode(b, data, size, nin, &two);

	if (must && (reta > 0) != (retb > 0))
		abort();
	if (reta > 0 && retb > 0 &&
	    (one.len != two.len || (one.len && memcmp(one.data, two.data, one.len))))
		abort();
	casg_buf_release(&one);
	casg_buf_release(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct casg_decoder *d = casg_decode_detect(data, size);

	if (!d)
		return 0;
	agree(d, d, 3, data, size, 1);
#ifdef HAVE_ISAL
	/* zlib is stricter about unusual Huffman codes */
	if (d == &casg_decode_gzip)
		agree(&casg_decode_gzip_zlib, &casg_decode_gzip_isal, size + 1,
		      data, size, 0);
#endif
	return 0;
}
