/*
 * Every decompressor: all ways to cut input and output, every truncation,
 * every byte damaged, concatenation, padding, garbage, memory limits.
 */
#include "decode.h"

#include "compress.h"
#include "tap.h"

struct format {
	const char *label;
	const struct casg_decoder *decoder;
	void (*add)(struct casg_buf *out, const void *p, size_t n);
};

static const struct format formats[] = {
	{ "gzip by zlib", &casg_decode_gzip_zlib, add_gzip },
#ifdef HAVE_ISAL
	{ "gzip by ISA-L", &casg_decode_gzip_isal, add_gzip },
#endif
	{ "zstd", &casg_decode_zstd, add_zstd },
	{ "xz", &casg_decode_xz, add_xz },
	{ "bzip2", &casg_decode_bzip2, add_bzip2 },
};

#define NFORMATS (sizeof(formats) / sizeof(formats[0]))

/* Decode input in parts of nin into rooms of nout; what step last returned. */
static int decode(const struct casg_decoder *d, const uint8_t *p, size_t n,
		  size_t nin, size_t nout, struct casg_buf *out,
		  struct casg_err *err)
{
	struct casg_decode_io io = { .in = p };
	uint8_t *room = malloc(nout);
	void *state = d->init(err);
	int ret = 0;

	if (!state || !room)
		abort();
	while (!ret) {
		if (!io.nin) {
			io.in = p;
			io.nin = n < nin ? n : nin;
			io.eof = !n;
			p += io.nin;
			n -= io.nin;
		}
		io.out = room;
		io.nout = nout;
		ret = d->step(state, &io, err);
		casg_buf_add(out, room, nout - io.nout);
		if (!ret && io.nin && io.nout)
			ret = casg_err_set(err, CASG_EBUG, "stopped for no reason");
	}
	d->end(state);
	free(room);
	return ret;
}

/* As a whole; 1 if all is well and the text is this. */
static int reads_as(const struct casg_decoder *d, const struct casg_buf *z,
		    const struct casg_buf *text, struct casg_err *err)
{
	struct casg_buf out = CASG_BUF_INIT;
	int ret = decode(d, z->data, z->len, z->len + 1, 65536, &out, err);

	ret = ret > 0 && out.len == text->len &&
	      (!out.len || !memcmp(out.data, text->data, out.len));
	casg_buf_release(&out);
	return ret;
}

static void refused(const struct casg_decoder *d, const struct casg_buf *z,
		    const char *why, const char *label)
{
	struct casg_buf out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	int ret = decode(d, z->data, z->len, 4096, 65536, &out, &err);

	ok(ret < 0 && strstr(err.msg, why), "%s: %s (%s)", label, why, err.msg);
	casg_buf_release(&out);
}

static void check_cuts(const struct format *f, const struct casg_buf *text)
{
	static const size_t sizes[] = { 1, 2, 7, 1000, 1 << 20 };
	struct casg_buf z = CASG_BUF_INIT, out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	f->add(&z, text->data, text->len);
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < 5; j++) {
			casg_buf_reset(&out);
			is_int(decode(f->decoder, z.data, z.len, sizes[i],
				      sizes[j], &out, &err), 1,
			       "%s: in parts of %zu to %zu %s", f->label,
			       sizes[i], sizes[j], err.msg);
			is_mem(out.data, out.len, text->data, text->len, "%s: same text", f->label);
		}
	casg_buf_release(&z);
	casg_buf_release(&out);
}

static void check_truncated(const struct format *f, const struct casg_buf *text)
{
	struct casg_buf z = CASG_BUF_INIT, out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	size_t nwrong = 0, first;
	char want[40];

	/* two streams, and cuts everywhere but between them */
	f->add(&z, text->data, text->len);
	first = z.len;
	f->add(&z, text->data, 100);
	snprintf(want, sizeof(want), "truncated %s stream", f->decoder->name);
	for (size_t n = 1; n < z.len; n++) {
		int ret;

		casg_buf_reset(&out);
		err.msg[0] = '\0';
		ret = decode(f->decoder, z.data, n, n % 5 ? 4096 : 1, 4096, &out, &err);
		if (n == first ? ret != 1 : ret != CASG_ECORRUPT || strcmp(err.msg, want)) {
			nwrong++;
			diag("cut at %zu of %zu: %d %s", n, z.len, ret, err.msg);
		}
	}
	is_int(nwrong, 0, "%s: cut at each of %zu offsets", f->label, z.len);
	casg_buf_release(&z);
	casg_buf_release(&out);
}

/* A damaged byte is an error, or stands where nothing depends on it. */
static void check_damaged(const struct format *f, const struct casg_buf *text)
{
	static const uint8_t masks[] = { 0x01, 0x10, 0x80, 0xff };
	struct casg_buf z = CASG_BUF_INIT, out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	size_t nwrong = 0, nrefused = 0;

	f->add(&z, text->data, text->len);
	for (size_t i = 0; i < 4 * z.len; i++) {
		int ret;

		casg_buf_reset(&out);
		z.data[i / 4] ^= masks[i % 4];
		ret = decode(f->decoder, z.data, z.len, 4096, 4096, &out, &err);
		z.data[i / 4] ^= masks[i % 4];
		nrefused += ret < 0;
		if (ret > 0 && (out.len != text->len || memcmp(out.data, text->data, out.len)))
			nwrong++;
	}
	is_int(nwrong, 0, "%s: no damage passes for text", f->label);
	ok(nrefused > 4 * (z.len - 20), "%s: %zu of %zu damages refused",
	   f->label, nrefused, 4 * z.len);
	casg_buf_release(&z);
	casg_buf_release(&out);
}

static void check_joined(const struct format *f, const struct casg_buf *text)
{
	struct casg_buf z = CASG_BUF_INIT, twice = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	f->add(&z, "", 0);
	ok(reads_as(f->decoder, &z, &twice, &err), "%s: an empty stream %s", f->label, err.msg);
	f->add(&z, text->data, text->len);
	f->add(&z, "", 0);
	f->add(&z, text->data, text->len);
	casg_buf_add(&twice, text->data, text->len);
	casg_buf_add(&twice, text->data, text->len);
	ok(reads_as(f->decoder, &z, &twice, &err), "%s: four streams %s", f->label, err.msg);
	casg_buf_addstr(&z, "garbage behind it");
	refused(f->decoder, &z, "trailing garbage", f->label);
	casg_buf_release(&z);
	casg_buf_release(&twice);
}

/* gzip's own: padding, headers with everything, the BGZF rule. */
static void check_gzip_padding(const struct format *f, const struct casg_buf *text)
{
	struct casg_buf z = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	add_gzip(&z, text->data, text->len);
	for (int i = 0; i < 1000; i++)
		casg_buf_addch(&z, 0);
	ok(reads_as(f->decoder, &z, text, &err), "%s: zero padding %s", f->label, err.msg);
	casg_buf_addch(&z, 1);
	refused(f->decoder, &z, "trailing garbage", f->label);
	casg_buf_release(&z);
}

/* All optional fields: extra of 6 bytes, name, comment, checksum. */
static void full_header(struct casg_buf *h)
{
	uint32_t crc;

	casg_buf_reset(h);
	casg_buf_add(h, "\x1f\x8b\x08\x1f\x01\x02\x03\x04\0\x03", 10);
	casg_buf_add(h, "\x06\0XY\x02\0ab", 8);
	casg_buf_add(h, "name.fasta\0a comment\0", 21);
	crc = (uint32_t)crc32(0, h->data, (uInt)h->len);
	casg_buf_addch(h, (int)(crc & 0xff));
	casg_buf_addch(h, (int)(crc >> 8 & 0xff));
}

static void check_gzip_header(const struct format *f, const struct casg_buf *text)
{
	struct casg_buf z = CASG_BUF_INIT, h = CASG_BUF_INIT, out = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	size_t nwrong = 0;

	full_header(&h);
	add_member(&z, h.data, h.len, text->data, text->len);
	ok(reads_as(f->decoder, &z, text, &err), "%s: header with all fields %s",
	   f->label, err.msg);
	for (size_t n = 1; n < h.len + 4; n++) {
		casg_buf_reset(&out);
		nwrong += decode(f->decoder, z.data, n, 3, 100, &out, &err) != CASG_ECORRUPT;
	}
	is_int(nwrong, 0, "%s: cut inside that header", f->label);
	z.data[25] ^= 1; /* in the name */
	refused(f->decoder, &z, "header checksum mismatch", f->label);
	z.data[3] |= 0x20;
	refused(f->decoder, &z, "unknown flags", f->label);
	z.data[2] = 9;
	refused(f->decoder, &z, "unknown method", f->label);
	casg_buf_release(&z);
	casg_buf_release(&h);
	casg_buf_release(&out);
}

static void check_bgzf(const struct format *f, const struct casg_buf *text)
{
	struct casg_buf z = CASG_BUF_INIT, twice = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	add_bgzf(&z, text->data, text->len);
	refused(f->decoder, &z, "no end-of-file block", f->label);
	casg_buf_add(&z, BGZF_EOF, BGZF_EOF_LEN);
	ok(reads_as(f->decoder, &z, text, &err), "%s: bgzip %s", f->label, err.msg);
	add_gzip(&z, text->data, text->len);
	casg_buf_add(&twice, text->data, text->len);
	casg_buf_add(&twice, text->data, text->len);
	ok(reads_as(f->decoder, &z, &twice, &err), "%s: bgzip and gzip %s", f->label, err.msg);
	add_bgzf(&z, text->data, text->len);
	refused(f->decoder, &z, "no end-of-file block", f->label);
	casg_buf_release(&z);
	casg_buf_release(&twice);
}

static void check_zstd(const struct casg_buf *text)
{
	struct casg_buf z = CASG_BUF_INIT, none = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	casg_buf_add(&z, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
	add_zstd(&z, text->data, text->len);
	casg_buf_add(&z, "\x5f\x2a\x4d\x18\0\0\0\0", 8);
	ok(casg_decode_detect(z.data, z.len) == &casg_decode_zstd, "zstd: skippable frame first");
	ok(reads_as(&casg_decode_zstd, &z, text, &err), "zstd: skippable frames %s", err.msg);
	/* a frame that asks for a window of 2^27 bytes, and of 2^28; one empty block */
	casg_buf_reset(&z);
	casg_buf_add(&z, "\x28\xb5\x2f\xfd\x00\x88\x01\0\0", 9);
	ok(reads_as(&casg_decode_zstd, &z, &none, &err), "zstd: window of 128 MiB %s", err.msg);
	z.data[5] = 0x90;
	refused(&casg_decode_zstd, &z, "window of more than 128 MiB", "zstd");
	casg_buf_release(&z);
}

/* A stream and block header for a dictionary of 2^28 or 2^29 bytes, no more. */
static void xz_headers(struct casg_buf *z, uint8_t dictionary)
{
	uint8_t block[12] = { 2, 0, 0x21, 1, dictionary };

	casg_buf_reset(z);
	casg_buf_add(z, "\xfd" "7zXZ\0\0\x04", 8);
	put_le32(z, (uint32_t)crc32(0, z->data + 6, 2));
	casg_put_le32(block + 8, (uint32_t)crc32(0, block, 8));
	casg_buf_add(z, block, sizeof(block));
}

static void check_xz(const struct casg_buf *text)
{
	struct casg_buf z = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;

	add_xz(&z, text->data, text->len);
	casg_buf_add(&z, "\0\0\0\0", 4);
	ok(reads_as(&casg_decode_xz, &z, text, &err), "xz: stream padding %s", err.msg);
	casg_buf_addch(&z, 0);
	refused(&casg_decode_xz, &z, "corrupt xz stream", "xz: uneven padding");
	xz_headers(&z, 34);
	refused(&casg_decode_xz, &z, "the limit is 256 MiB", "xz");
	xz_headers(&z, 30);
	refused(&casg_decode_xz, &z, "truncated xz stream", "xz, 128 MiB");
	casg_buf_release(&z);
}

static void check_detect(void)
{
	static const struct { const char *p; size_t n; const char *want; } heads[] = {
		{ "", 0, NULL }, { ">a\nACGT\n", 8, NULL }, { "B", 1, NULL },
		{ "BZ", 2, NULL }, { "BZh", 3, NULL }, { "BZh0", 4, NULL },
		{ "BZh1", 4, "bzip2" }, { "BZh9AAAAA", 9, "bzip2" },
		{ "\x1f", 1, "gzip" }, { "\x1f\x8b", 2, "gzip" }, { "\x1f\x8c", 2, NULL },
		{ "(", 1, NULL }, { "\x28\xb5", 2, "zstd" }, { "\x28\xb5\x2f\xfd", 4, "zstd" },
		{ "P*M\x18", 4, "zstd" }, { "P*M", 3, NULL },
		{ "\xfd", 1, "xz" }, { "\xfd" "7zXZ", 5, "xz" }, { "\xfd" "7zXZ\0", 6, "xz" },
		{ "\xfd" "7zXY\0", 6, NULL },
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const struct casg_decoder *d =
			casg_decode_detect((const uint8_t *)heads[i].p, heads[i].n);

		is_str(d ? d->name : NULL, heads[i].want, "detect %zu", i);
	}
}

int main(void)
{
	struct casg_buf text = CASG_BUF_INIT, big = CASG_BUF_INIT;

	make_text(&text, 2500);
	make_text(&big, 300000);
	for (size_t i = 0; i < NFORMATS; i++) {
		check_cuts(&formats[i], &text);
		check_cuts(&formats[i], &big);
		check_truncated(&formats[i], &text);
		check_damaged(&formats[i], &text);
		check_joined(&formats[i], &big);
		if (formats[i].add != add_gzip)
			continue;
		check_gzip_padding(&formats[i], &text);
		check_gzip_header(&formats[i], &text);
		check_bgzf(&formats[i], &text);
	}
	check_zstd(&text);
	check_xz(&text);
	check_detect();
	casg_buf_release(&text);
	casg_buf_release(&big);
	return done_testing();
}
