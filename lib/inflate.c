#include "inflate.h"

#include <limits.h>
#include <zlib.h>

#define STEP ((size_t)64 << 10)

int casg_inflate(const uint8_t *p, size_t n, uint64_t max, struct casg_buf *out,
		 struct casg_err *err)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)p };
	size_t before = out->len;
	int rc = Z_OK;

	if (inflateInit(&z) != Z_OK)
		return casg_err_nomem(err);
	while (rc == Z_OK && out->len - before <= max) {
		size_t taken = (size_t)(z.next_in - p);

		if (casg_buf_grow(out, STEP)) {
			inflateEnd(&z);
			return casg_err_nomem(err);
		}
		z.avail_in = n - taken < UINT_MAX ? (uInt)(n - taken) : UINT_MAX;
		z.next_out = out->data + out->len;
		z.avail_out = (uInt)STEP;
		/* with nothing left to take or give, this is Z_BUF_ERROR */
		rc = inflate(&z, Z_NO_FLUSH);
		out->len += STEP - z.avail_out;
	}
	inflateEnd(&z);
	if (rc == Z_MEM_ERROR)
		return casg_err_nomem(err);
	if (rc == Z_OK || (rc == Z_STREAM_END && out->len - before > max))
		return casg_err_set(err, CASG_ENOMEM, "it unpacks to more than %llu bytes",
				    (unsigned long long)max);
	if (rc == Z_BUF_ERROR)
		return casg_err_set(err, CASG_ECORRUPT, "truncated zlib stream");
	if (rc != Z_STREAM_END || z.next_in != p + n)
		return casg_err_set(err, CASG_ECORRUPT, "corrupt zlib stream");
	return 0;
}
