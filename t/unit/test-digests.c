/* Known answers from the standards' own examples and from other programs. */
#include "digests.h"

#include <stdlib.h>

#include "tap.h"

static const struct vector {
	const char *name, *sequence, *want;
} vectors[] = {
	/* md5sum, sha1sum, sha256sum and sha512sum say the same */
	{ "sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "sha256", "ACGT", "1dff3e84fe7877e0673b69bbddcf40124e396e3f9943dd890c91b6a09adb9af0" },
	{ "ga4gh", "", "SQ.z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXc" },
	{ "ga4gh", "ACGT", "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2" }, /* refget's own */
	{ "ga4gh", "acgt", "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2" },
	{ "ga4gh", "ACGTN", "SQ.ivE7n3B3k0KFXFPcRbTnetzuTIBReQ6e" },
	{ "ga4gh", "MKV*", "SQ.WGgAyMJeObGj3hO3DZitI0gDYWL4h9yL" },
	{ "ga4gh", "MKV", "SQ.WGgAyMJeObGj3hO3DZitI0gDYWL4h9yL" },
	{ "refget", "ACGT", "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2" },
	{ "refget-AZ", "ACGT", "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2" },
	{ "refget-AZstar", "MKV*", "SQ.2UIMHAO8P0j-HOhMevKJ9BucYgeHdV0J" },
	{ "refget-AZstar", "M-K.V*", "SQ.2UIMHAO8P0j-HOhMevKJ9BucYgeHdV0J" },
	{ "sha512t24u", "ACGT", "aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2" },
	{ "vmc", "ACGT", "GS_aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2" },
	{ "trunc512", "", "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc" },
	{ "trunc512", "ACGT", "68a178f7c740c5c240aa67ba41843b119d3bf9f8b0f0ac36" },
	{ "trunc512", "MKV*", "586800c8c25e39b1a3de13b70d98ad2348036162f887dc8b" },
	{ "md5", "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ "md5", "ACGT", "f1f8f4bf413b16ad135722aa4591043e" },
	{ "md5", "MKV*", "bc5a0dfbf35ec22ac2c0f8c1e5534d8e" },
	{ "m5", "MKV*", "0ac66b92920629e51668ffa6fe143eb4" },
	{ "m5", " m\tk\nv\r\n*\x7f\x80", "0ac66b92920629e51668ffa6fe143eb4" },
	{ "sha1", "ACGT", "2108994e17f6cca9ff2352ada92b6511db076034" },
	{ "seguid", "ACGT", "IQiZThf2zKn/I1KtqStlEdsHYDQ" },
	{ "crc64", "", "0000000000000000" },
	{ "crc64", "IHATEMATH", "E3DCADD69B01ADD1" }, /* UniProt's own */
	{ "crc64", "ihatemath", "E3DCADD69B01ADD1" },
	{ "crc64", "ACGT", "71A87EBDB0000000" },
};

static void check(const struct vector *v)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_digest *d = casg_digest_new(v->name, &err);
	char text[CASG_DIGEST_TEXTSZ];
	size_t n = strlen(v->sequence);

	if (!ok(d != NULL, "%s is known %s", v->name, err.msg))
		return;
	casg_digest_update(d, v->sequence, n);
	is_int(casg_digest_final(d, text), strlen(v->want), "%s length", v->name);
	is_str(text, v->want, "%s of '%.4s'", v->name, v->sequence);
	for (size_t i = 0; i < n; i++)
		casg_digest_update(d, v->sequence + i, 1);
	casg_digest_final(d, text);
	is_str(text, v->want, "%s again, byte by byte", v->name);
	casg_digest_free(d);
}

/* The table-driven CRC against the definition, and long input in odd parts. */
static uint64_t crc64_slow(const char *p, size_t n)
{
	uint64_t c = 0;

	for (size_t i = 0; i < n; i++) {
		c ^= (uint8_t)p[i];
		for (int j = 0; j < 8; j++)
			c = (c >> 1) ^ (c & 1 ? UINT64_C(0xD800000000000000) : 0);
	}
	return c;
}

static void check_parts(const char *name, const char *p, size_t n)
{
	struct casg_err err = CASG_ERR_INIT;
	struct casg_digest *d = casg_digest_new(name, &err);
	char whole[CASG_DIGEST_TEXTSZ], parts[CASG_DIGEST_TEXTSZ], crc[17];

	casg_digest_update(d, p, n);
	casg_digest_final(d, whole);
	for (size_t i = 0, step = 1; i < n; i += step, step = step % 97 + 1)
		casg_digest_update(d, p + i, n - i < step ? n - i : step);
	casg_digest_final(d, parts);
	is_str(parts, whole, "%s does not depend on the parts", name);
	snprintf(crc, sizeof(crc), "%016llX", (unsigned long long)crc64_slow(p, n));
	if (!strcmp(name, "crc64"))
		is_str(whole, crc, "crc64 as defined");
	casg_digest_free(d);
}

static void check_long(void)
{
	static char text[20000];
	uint32_t seed = 1;

	for (size_t i = 0; i < sizeof(text); i++) {
		seed = seed * 1664525 + 1013904223;
		text[i] = "ACGTACGTACGTACGTN*-.ACGTACGTACGT"[seed >> 27];
	}
	for (size_t i = 0; casg_digest_info(i); i++)
		check_parts(casg_digest_info(i)->name, text, sizeof(text));
}

static void check_unknown(void)
{
	struct casg_err err = CASG_ERR_INIT;

	ok(!casg_digest_new("sha257", &err), "an unknown name is refused");
	is_int(err.code, CASG_EUNSUPPORTED, "as unsupported");
	ok(strstr(err.msg, "'sha257'") != NULL, "by name");
	for (size_t i = 0; casg_digest_info(i); i++)
		ok(strstr(err.msg, casg_digest_info(i)->name) != NULL,
		   "and %s is offered", casg_digest_info(i)->name);
	casg_digest_free(NULL);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		check(&vectors[i]);
	check_long();
	check_unknown();
	return done_testing();
}
