#include "digests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "buf.h"
#include "hex.h"

enum policy { ALL, AZ, AZSTAR };

enum text { HEX, BASE64, BASE64URL, CRC };

/* sha512t24u and trunc512 are the first 24 bytes of SHA-512 */
#define T24 24

static const struct algorithm {
	struct casg_digest_info info;
	enum policy policy;
	const char *md;     /* OpenSSL's name, NULL for CRC-64 */
	size_t nbytes;      /* of the digest that count */
	enum text text;
	const char *prefix;
	const char *alias[2];
} algorithms[] = {
	{ { "sha256", "all", "SHA-256, casg's own id" },
	  ALL, "SHA256", 32, HEX, "", { NULL, NULL } },
	{ { "ga4gh", "refget-AZ", "GA4GH refget 2, SQ. and 32 characters" },
	  AZ, "SHA512", T24, BASE64URL, "SQ.", { "refget", "refget-AZ" } },
	{ { "refget-AZstar", "refget-AZstar", "the same with '*' kept" },
	  AZSTAR, "SHA512", T24, BASE64URL, "SQ.", { NULL, NULL } },
	{ { "sha512t24u", "refget-AZ", "ga4gh without its prefix" },
	  AZ, "SHA512", T24, BASE64URL, "", { NULL, NULL } },
	{ { "vmc", "refget-AZ", "VMC, GS_ and 32 characters" },
	  AZ, "SHA512", T24, BASE64URL, "GS_", { NULL, NULL } },
	{ { "trunc512", "refget-AZ", "refget 1, 48 hex digits" },
	  AZ, "SHA512", T24, HEX, "", { NULL, NULL } },
	{ { "md5", "refget-AZ", "refget's MD5" },
	  AZ, "MD5", 16, HEX, "", { NULL, NULL } },
	{ { "m5", "all", "SAM and CRAM's M5" },
	  ALL, "MD5", 16, HEX, "", { NULL, NULL } },
	{ { "sha1", "all", "SHA-1" },
	  ALL, "SHA1", 20, HEX, "", { NULL, NULL } },
	{ { "seguid", "all", "SEGUID 1" },
	  ALL, "SHA1", 20, BASE64, "", { NULL, NULL } },
	{ { "crc64", "all", "UniProt's CRC-64" },
	  ALL, NULL, 8, CRC, "", { NULL, NULL } },
};

#define NALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

/* Slices of the table-driven CRC: this many bytes at a time. */
#define SLICES 8
#define CRC64_POLY UINT64_C(0xD800000000000000) /* ISO 3309, reflected */

struct casg_digest {
	const struct algorithm *a;
	EVP_MD_CTX *ctx;    /* NULL for CRC-64 */
	EVP_MD *md;
	uint64_t crc;
	uint64_t (*table)[256]; /* SLICES of them, NULL but for CRC-64 */
	uint8_t keep[256];  /* what a byte counts as; 0: passed over */
};

const struct casg_digest_info *casg_digest_info(size_t i)
{
	return i < NALGORITHMS ? &algorithms[i].info : NULL;
}

static const struct algorithm *find(const char *name)
{
	for (size_t i = 0; i < NALGORITHMS; i++) {
		const struct algorithm *a = &algorithms[i];

		if (!strcmp(name, a->info.name))
			return a;
		for (size_t j = 0; j < 2; j++)
			if (a->alias[j] && !strcmp(name, a->alias[j]))
				return a;
	}
	return NULL;
}

static int unknown(const char *name, struct casg_err *err)
{
	struct casg_buf names = CASG_BUF_INIT;
	int ret;

	for (size_t i = 0; i < NALGORITHMS; i++) {
		casg_buf_addstr(&names, i ? ", " : "");
		casg_buf_addstr(&names, algorithms[i].info.name);
	}
	ret = casg_err_set(err, CASG_EUNSUPPORTED,
			   "unknown algorithm '%s', known are %s",
			   name, casg_buf_cstr(&names));
	casg_buf_release(&names);
	return ret;
}

static void fill_keep(uint8_t keep[256], enum policy policy)
{
	memset(keep, 0, 256);
	for (int c = 0x21; c <= 0x7e; c++) {
		int up = c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
		int is_az = up >= 'A' && up <= 'Z';

		if (policy == ALL || is_az || (policy == AZSTAR && c == '*'))
			keep[c] = (uint8_t)up;
	}
}

/* table[k][b]: the effect of byte b followed by k zero bytes. */
static int crc_init(struct casg_digest *d, struct casg_err *err)
{
	d->table = malloc(SLICES * sizeof(*d->table));
	if (!d->table)
		return casg_err_nomem(err);
	for (int b = 0; b < 256; b++) {
		uint64_t c = (uint64_t)b;

		for (int i = 0; i < 8; i++)
			c = (c >> 1) ^ (c & 1 ? CRC64_POLY : 0);
		d->table[0][b] = c;
	}
	for (int k = 1; k < SLICES; k++)
		for (int b = 0; b < 256; b++) {
			uint64_t c = d->table[k - 1][b];

			d->table[k][b] = d->table[0][c & 0xff] ^ (c >> 8);
		}
	return 0;
}

static void crc_update(struct casg_digest *d, const uint8_t *p, size_t n)
{
	uint64_t c = d->crc;

	for (; n >= SLICES; p += SLICES, n -= SLICES) {
		uint64_t next = 0;

		for (int i = 0; i < SLICES; i++)
			next ^= d->table[SLICES - 1 - i][(c >> 8 * i & 0xff) ^ p[i]];
		c = next;
	}
	for (; n; p++, n--)
		c = d->table[0][(c ^ *p) & 0xff] ^ (c >> 8);
	d->crc = c;
}

static int md_init(struct casg_digest *d, struct casg_err *err)
{
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx)
		return casg_err_nomem(err);
	d->md = EVP_MD_fetch(NULL, d->a->md, NULL);
	if (!d->md || !EVP_DigestInit_ex2(d->ctx, d->md, NULL))
		return casg_err_set(err, CASG_EUNSUPPORTED,
				    "OpenSSL does not offer %s here", d->a->md);
	return 0;
}

struct casg_digest *casg_digest_new(const char *name, struct casg_err *err)
{
	const struct algorithm *a = find(name);
	struct casg_digest *d;

	if (!a) {
		unknown(name, err);
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (!d) {
		casg_err_nomem(err);
		return NULL;
	}
	d->a = a;
	fill_keep(d->keep, a->policy);
	if (a->md ? md_init(d, err) : crc_init(d, err)) {
		casg_digest_free(d);
		return NULL;
	}
	return d;
}

void casg_digest_free(struct casg_digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	EVP_MD_free(d->md);
	free(d->table);
	free(d);
}

static void add(struct casg_digest *d, const uint8_t *p, size_t n)
{
	if (d->a->md)
		EVP_DigestUpdate(d->ctx, p, n);
	else
		crc_update(d, p, n);
}

/* Bytes that nearly all input consists of and every policy keeps as they are. */
static size_t plain_prefix(const uint8_t *p, size_t n)
{
	size_t i = 0;

	for (; n - i >= 32; i += 32) { /* fixed, so that compilers vectorise it */
		uint8_t odd = 0;

		for (int j = 0; j < 32; j++)
			odd |= (uint8_t)(p[i + (size_t)j] - 'A') > 'Z' - 'A';
		if (odd)
			break;
	}
	return i;
}

void casg_digest_update(struct casg_digest *d, const void *data, size_t nbytes)
{
	const uint8_t *p = data;
	uint8_t kept[4096];

	while (nbytes) {
		size_t n = plain_prefix(p, nbytes), nkept = 0;

		if (n) {
			add(d, p, n);
			p += n;
			nbytes -= n;
		}
		n = nbytes < sizeof(kept) ? nbytes : sizeof(kept);
		for (size_t i = 0; i < n; i++) {
			kept[nkept] = d->keep[p[i]];
			nkept += kept[nkept] != 0;
		}
		add(d, kept, nkept);
		p += n;
		nbytes -= n;
	}
}

/* RFC 4648, without padding; returns the length. */
static size_t base64(char *out, const uint8_t *p, size_t n, const char *last_two)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t nout = 0;

	for (size_t bit = 0; bit < 8 * n; bit += 6) {
		size_t i = bit / 8;
		unsigned two = (unsigned)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0u);
		unsigned v = two >> (10 - bit % 8) & 63;

		out[nout++] = v < 62 ? digits[v] : last_two[v - 62];
	}
	return nout;
}

static size_t text(const struct algorithm *a, const uint8_t *raw, char *out)
{
	switch (a->text) {
	case BASE64:
		return base64(out, raw, a->nbytes, "+/");
	case BASE64URL:
		return base64(out, raw, a->nbytes, "-_");
	default:
		casg_hex_encode(out, raw, a->nbytes);
		return 2 * a->nbytes;
	}
}

size_t casg_digest_final(struct casg_digest *d, char text_out[CASG_DIGEST_TEXTSZ])
{
	uint8_t raw[EVP_MAX_MD_SIZE];
	size_t n = strlen(d->a->prefix);

	if (!d->a->md) {
		n = (size_t)snprintf(text_out, CASG_DIGEST_TEXTSZ, "%016llX",
				     (unsigned long long)d->crc);
		d->crc = 0;
		return n;
	}
	EVP_DigestFinal_ex(d->ctx, raw, NULL);
	EVP_DigestInit_ex2(d->ctx, NULL, NULL);
	memcpy(text_out, d->a->prefix, n);
	n += text(d->a, raw, text_out + n);
	text_out[n] = '\0';
	return n;
}

/* ---- files ------------------------------------------------------------- */

struct casg_filesum {
	EVP_MD_CTX *ctx;
	EVP_MD *md;
};

const char *casg_filesum_name(enum casg_filesum_kind kind)
{
	return kind == CASG_FILESUM_MD5 ? "MD5" : "SHA-256";
}

size_t casg_filesum_digits(enum casg_filesum_kind kind)
{
	return kind == CASG_FILESUM_MD5 ? 32 : 64;
}

struct casg_filesum *casg_filesum_new(enum casg_filesum_kind kind, struct casg_err *err)
{
	struct casg_filesum *f = calloc(1, sizeof(*f));

	if (!f) {
		casg_err_nomem(err);
		return NULL;
	}
	f->md = EVP_MD_fetch(NULL, kind == CASG_FILESUM_MD5 ? "MD5" : "SHA256", NULL);
	f->ctx = EVP_MD_CTX_new();
	if (f->md && f->ctx && EVP_DigestInit_ex2(f->ctx, f->md, NULL))
		return f;
	if (!f->md)
		casg_err_set(err, CASG_EUNSUPPORTED, "OpenSSL has no %s here",
			     casg_filesum_name(kind));
	else
		casg_err_nomem(err);
	casg_filesum_free(f);
	return NULL;
}

void casg_filesum_free(struct casg_filesum *f)
{
	if (!f)
		return;
	EVP_MD_CTX_free(f->ctx);
	EVP_MD_free(f->md);
	free(f);
}

void casg_filesum_update(struct casg_filesum *f, const void *p, size_t nbytes)
{
	EVP_DigestUpdate(f->ctx, p, nbytes);
}

void casg_filesum_final(struct casg_filesum *f, char text_out[CASG_FILESUM_TEXTSZ])
{
	uint8_t raw[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	EVP_DigestFinal_ex(f->ctx, raw, &n);
	casg_hex_encode(text_out, raw, n);
	text_out[2 * n] = '\0';
}
