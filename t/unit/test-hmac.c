#include "base64.h"
#include "hmac.h"

#include "tap.h"

/* RFC 4231 */
static void vectors(void)
{
	static const uint8_t key4[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
					19, 20, 21, 22, 23, 24, 25 };
	uint8_t aa[131], cd[50];
	struct casg_hasher *h = casg_hasher_new();
	struct casg_oid out;
	char hex[CASG_OID_HEXSZ + 1];

	memset(aa, 0xaa, sizeof(aa));
	memset(cd, 0xcd, sizeof(cd));
	casg_hmac(h, "Jefe", 4, "what do ya want for nothing?", 28, &out);
	ok(!strcmp(casg_oid_hex(&out, hex),
		   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"), "test case 2");
	casg_hmac(h, key4, sizeof(key4), cd, sizeof(cd), &out);
	ok(!strcmp(casg_oid_hex(&out, hex),
		   "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"), "test case 4");
	casg_hmac(h, aa, sizeof(aa), "Test Using Larger Than Block-Size Key - Hash Key First", 54, &out);
	ok(!strcmp(casg_oid_hex(&out, hex),
		   "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"), "test case 6");
	casg_hasher_free(h);
}

/* RFC 4648 */
static void base64(void)
{
	static const char *const plain[] = { "", "f", "fo", "foo", "foob", "fooba", "foobar" };
	static const char *const text[] = { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=",
					    "Zm9vYmFy" };
	static const char *const bad[] = { "Z", "Zg=", "Zg", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==",
					   "Zm9 ", "Zm9-", "=g==" };
	struct casg_buf b = CASG_BUF_INIT;

	for (size_t i = 0; i < 7; i++) {
		casg_buf_reset(&b);
		casg_base64_add(&b, plain[i], strlen(plain[i]));
		ok(!strcmp(casg_buf_cstr(&b), text[i]), "'%s' as text", plain[i]);
		casg_buf_reset(&b);
		ok(!casg_base64_parse(&b, text[i], strlen(text[i])) &&
		   !strcmp(casg_buf_cstr(&b), plain[i]), "and back");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(casg_base64_parse(&b, bad[i], strlen(bad[i])) == -1, "'%s' is none", bad[i]);
	casg_buf_release(&b);
}

int main(void)
{
	vectors();
	base64();
	return done_testing();
}
