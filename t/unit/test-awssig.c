/*
 * The vectors are AWS's own: of "Examples: Signature Calculations" in the S3
 * API Reference, and of the Signature Version 4 test suite; those of HMAC are
 * of RFC 4231.
 */
#include "awssig.h"

#include "tap.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define WELCOME "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

static struct casg_hasher *hasher;
static struct casg_err err = CASG_ERR_INIT;

static const struct casg_awssig_key s3 = {
	"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3", 0
};
static const struct casg_awssig_key suite = {
	"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service", 0
};

static void is_hmac(const char *key, size_t nkey, const char *text, const char *want)
{
	char hex[CASG_OID_HEXSZ + 1];
	struct casg_oid id;

	casg_hmac(hasher, key, nkey, text, strlen(text), &id);
	is_str(casg_oid_hex(&id, hex), want, "HMAC of '%.20s'", text);
}

static void is_signed(const struct casg_awssig_key *key, struct casg_awssig_request r,
		      const char *names, const char *signature, const char *what)
{
	struct casg_buf out = CASG_BUF_INIT, want = CASG_BUF_INIT;
	char when[CASG_AWSSIG_TIME];

	casg_awssig_time(r.time, when);
	casg_buf_addf(&want, "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request, "
		      "SignedHeaders=%s, Signature=%s", key->id, when, key->region, key->service,
		      names, signature);
	is_int(casg_awssig_sign(&out, hasher, key, &r, &err), 0, "%s", what);
	is_str(casg_buf_cstr(&out), casg_buf_cstr(&want), "%s: as AWS has it", what);
	casg_buf_release(&out);
	casg_buf_release(&want);
}

static void test_s3(void)
{
	const struct casg_awssig_pair get[] = {
		{ "Host", "examplebucket.s3.amazonaws.com" }, { "Range", "bytes=0-9" },
		{ "x-amz-content-sha256", EMPTY }, { "x-amz-date", "20130524T000000Z" },
	};
	const struct casg_awssig_pair put[] = {
		{ "x-amz-storage-class", "REDUCED_REDUNDANCY" },
		{ "Date", "Fri, 24 May 2013 00:00:00 GMT" },
		{ "Host", "examplebucket.s3.amazonaws.com" },
		{ "x-amz-date", "20130524T000000Z" }, { "x-amz-content-sha256", WELCOME },
	};
	const struct casg_awssig_pair bare[] = { get[0], get[2], get[3] };
	const struct casg_awssig_pair lifecycle = { "lifecycle", "" };
	const struct casg_awssig_pair list[] = { { "prefix", "J" }, { "max-keys", "2" } };
	struct casg_buf path = CASG_BUF_INIT;

	casg_awssig_encode_path(&path, "/test$file.text");
	is_signed(&s3, (struct casg_awssig_request){ "GET", "/test.txt", NULL, 0, get, 4, EMPTY,
						     1369353600 },
		  "host;range;x-amz-content-sha256;x-amz-date",
		  "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", "get");
	is_signed(&s3, (struct casg_awssig_request){ "PUT", casg_buf_cstr(&path), NULL, 0, put, 5,
						     WELCOME, 1369353600 },
		  "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
		  "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", "put");
	is_signed(&s3, (struct casg_awssig_request){ "GET", "/", &lifecycle, 1, bare, 3, EMPTY,
						     1369353600 },
		  "host;x-amz-content-sha256;x-amz-date",
		  "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", "lifecycle");
	is_signed(&s3, (struct casg_awssig_request){ "GET", "/", list, 2, bare, 3, EMPTY,
						     1369353600 },
		  "host;x-amz-content-sha256;x-amz-date",
		  "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", "list");
	casg_buf_release(&path);
}

static void test_suite(void)
{
	const struct casg_awssig_pair h[] = {
		{ "Host", "example.amazonaws.com" }, { "X-Amz-Date", "20150830T123600Z" },
	};
	const struct casg_awssig_pair query[] = { { "Param2", "value2" }, { "Param1", "value1" } };
	const struct casg_awssig_pair longer[] = {
		{ "x-amz-server-side-encryption-aws-kms-key-id", "lab" },
		{ "x-amz-server-side-encryption", "aws:kms" }, h[1], h[0],
	};

	is_signed(&suite, (struct casg_awssig_request){ "GET", "/", NULL, 0, h, 2, EMPTY,
							1440938160 },
		  "host;x-amz-date",
		  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", "get-vanilla");
	is_signed(&suite, (struct casg_awssig_request){ "GET", "/", query, 2, h, 2, EMPTY,
							1440938160 },
		  "host;x-amz-date",
		  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		  "get-vanilla-query-order-key-case");
	/* not of the suite: as Python's hmac and hashlib have it */
	is_signed(&suite, (struct casg_awssig_request){ "PUT", "/", NULL, 0, longer, 4, EMPTY,
							1440938160 },
		  "host;x-amz-date;x-amz-server-side-encryption;x-amz-server-side-encryption-aws-kms-key-id",
		  "01331feca872bf6a4a6d596f38d0cc78ac9daccd419bff7aceb1e717c577006a", "a name that another one begins with");
}

static void test_encoding(void)
{
	const struct casg_awssig_pair odd[] = {
		{ "a-b", "1" }, { "a", "2" }, { "a", "1 +/" }, { "uploads", "" },
	};
	struct casg_buf out = CASG_BUF_INIT;
	char when[CASG_AWSSIG_TIME];
	struct casg_awssig_request many = { .nheaders = CASG_AWSSIG_MAX + 1 };

	is_int(casg_awssig_query(&out, odd, 4, &err), 0, "a query");
	is_str(casg_buf_cstr(&out), "a=1%20%2B%2F&a=2&a-b=1&uploads=", "sorted by name, then value");
	casg_buf_reset(&out);
	casg_awssig_encode_path(&out, "/a b/\303\274~");
	is_str(casg_buf_cstr(&out), "/a%20b/%C3%BC~", "a path");
	is_str(casg_awssig_time(1369353600, when), "20130524T000000Z", "a time");
	ok(!casg_awssig_time(INT64_MAX, when), "no time");
	casg_buf_reset(&out);
	is_int(casg_awssig_sign(&out, hasher, &s3, &many, &err), CASG_EBUG, "too many headers");
	is_int(casg_awssig_query(&out, odd, CASG_AWSSIG_MAX + 1, &err), CASG_EBUG, "too many parts");
	casg_buf_release(&out);
}

int main(void)
{
	static const char long_key[131] = { [0 ... 130] = (char)0xaa };

	hasher = casg_hasher_new();
	is_hmac("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", 20,
		"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	is_hmac("Jefe", 4, "what do ya want for nothing?",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	is_hmac(long_key, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	test_s3();
	test_suite();
	test_encoding();
	casg_hasher_free(hasher);
	return done_testing();
}
