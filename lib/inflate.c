#include "inflate.h"

#include <limits.h>
#include <stdlib.h>
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

struct casg_inflater {
	z_stream z;
};

struct casg_inflater *casg_inflater_new(struct casg_err *err)
{
	struct casg_inflater *i = calloc(1, sizeof(*i));

	if (!i || inflateInit2(&i->z, -MAX_WBITS) != Z_OK) {
		free(i);
		casg_err_nomem(err);
		return NULL;
	}
	return i;
}

void casg_inflater_free(struct casg_inflater *i)
{
	if (i)
		inflateEnd(&i->z);
	free(i);
}

void casg_inflater_reset(struct casg_inflater *i)
{
	inflateReset(&i->z);
}

int casg_inflater_run(struct casg_inflater *i, const uint8_t **p, size_t *n, uint8_t *out,
		      size_t *nout, struct casg_err *err)
{
	z_stream *z = &i->z;
	uInt nin = *n < UINT_MAX ? (uInt)*n : UINT_MAX;
	uInt room = *nout < UINT_MAX ? (uInt)*nout : UINT_MAX;
	int rc;

	z->next_in = (Bytef *)(uintptr_t)*p;
	z->avail_in = nin;
	z->next_out = out;
	z->avail_out = room;
	rc = inflate(z, Z_NO_FLUSH);
	*p += nin - z->avail_in;
	*n -= nin - z->avail_in;
	*nout = room - z->avail_out;
	if (rc == Z_MEM_ERROR)
		return casg_err_nomem(err);
	if (rc == Z_STREAM_END)
		return 1;
	/* nothing to take and nothing to give is no error */
	if (rc == Z_OK || rc == Z_BUF_ERROR)
		return 0;
	return casg_err_set(err, CASG_ECORRUPT, "corrupt deflate data");
}

uint32_t casg_crc32(uint32_t crc, const uint8_t *p, size_t n)
{
	return (uint32_t)crc32_z(crc, p, n);
}
