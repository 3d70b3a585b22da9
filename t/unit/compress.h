/*
 * compress - small compressed inputs for tests, made with the formats' own
 * libraries (which only tests compress with), and seeded text to put in them.
 *
 * All append to 'out'; they abort when a library fails.
 */
#ifndef CASG_TEST_COMPRESS_H
#define CASG_TEST_COMPRESS_H

#include <stdlib.h>

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "buf.h"
#include "endian.h"

/* 'n' bytes of FASTA; any prefix is that of a longer one. */
__attribute__((unused))
static void make_text(struct casg_buf *out, size_t n)
{
	size_t end = out->len + n, column = 0, record = 0;
	uint32_t seed = 7;

	while (out->len < end) {
		seed = seed * 1664525 + 1013904223;
		if (seed >> 22 == 0 || !record) {
			casg_buf_addf(out, "%s>r%zu a record\n", record ? "\n" : "", record);
			record++;
			column = 0;
		}
		casg_buf_addch(out, "ACGT"[seed >> 30]);
		if (++column % 60 == 0)
			casg_buf_addch(out, '\n');
	}
	out->len = end;
}

__attribute__((unused))
static void put_le32(struct casg_buf *out, uint32_t v)
{
	uint8_t b[4];

	casg_put_le32(b, v);
	casg_buf_add(out, b, 4);
}

/* Raw deflate data. */
__attribute__((unused))
static void add_deflate(struct casg_buf *out, const void *p, size_t n)
{
	z_stream z = { 0 };

	if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
	    casg_buf_grow(out, deflateBound(&z, n)))
		abort();
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	z.next_out = out->data + out->len;
	z.avail_out = (uInt)(out->cap - out->len);
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	out->len += z.total_out;
	deflateEnd(&z);
}

/* A gzip member with this header (ten bytes and what its flags call for). */
__attribute__((unused))
static void add_member(struct casg_buf *out, const void *header, size_t nheader,
		       const void *p, size_t n)
{
	casg_buf_add(out, header, nheader);
	add_deflate(out, p, n);
	put_le32(out, (uint32_t)crc32(0, p, (uInt)n));
	put_le32(out, (uint32_t)n);
}

__attribute__((unused))
static void add_gzip(struct casg_buf *out, const void *p, size_t n)
{
	add_member(out, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10, p, n);
}

/* BGZF blocks of at most 1000 bytes, without the end-of-file block. */
__attribute__((unused))
static void add_bgzf(struct casg_buf *out, const uint8_t *p, size_t n)
{
	while (n) {
		size_t k = n < 1000 ? n : 1000, start = out->len;

		add_member(out, "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0\0\0", 18, p, k);
		out->data[start + 16] = (uint8_t)(out->len - start - 1);
		out->data[start + 17] = (uint8_t)((out->len - start - 1) >> 8);
		p += k;
		n -= k;
	}
}

/* BGZF's end-of-file block (SAM specification, section 4.1.2). */
#define BGZF_EOF "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0\x1b\0\x03\0\0\0\0\0\0\0\0\0"
#define BGZF_EOF_LEN 28

__attribute__((unused))
static void add_zstd(struct casg_buf *out, const void *p, size_t n)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t ret;

	if (!c || casg_buf_grow(out, ZSTD_compressBound(n)))
		abort();
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	ret = ZSTD_compress2(c, out->data + out->len, out->cap - out->len, p, n);
	if (ZSTD_isError(ret))
		abort();
	out->len += ret;
	ZSTD_freeCCtx(c);
}

__attribute__((unused))
static void add_xz(struct casg_buf *out, const void *p, size_t n)
{
	if (casg_buf_grow(out, lzma_stream_buffer_bound(n)) ||
	    lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, p, n, out->data,
				    &out->len, out->cap) != LZMA_OK)
		abort();
}

__attribute__((unused))
static void add_bzip2(struct casg_buf *out, const void *p, size_t n)
{
	unsigned len;

	if (casg_buf_grow(out, n + n / 100 + 600))
		abort();
	len = (unsigned)(out->cap - out->len);
	if (BZ2_bzBuffToBuffCompress((char *)out->data + out->len, &len,
				     (char *)(uintptr_t)p, (unsigned)n, 1, 0, 0) != BZ_OK)
		abort();
	out->len += len;
}

#endif
