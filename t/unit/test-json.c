#include "crc32c.h"
#include "json.h"

#include "tap.h"

static struct casg_err err = CASG_ERR_INIT;
static struct casg_buf got = CASG_BUF_INIT;

static int note(void *ctx, const char *path, const char *text, size_t n)
{
	(void)ctx;
	casg_buf_addf(&got, "%s=%.*s;", path, text ? (int)n : 3, text ? text : "end");
	return 0;
}

static int stop(void *ctx, const char *path, const char *text, size_t n)
{
	(void)ctx;
	(void)path;
	(void)text;
	(void)n;
	return 7;
}

static void walks(const char *text, const char *want)
{
	casg_buf_reset(&got);
	ok(!casg_json_walk(text, strlen(text), note, NULL, &err) &&
	   !strcmp(casg_buf_cstr(&got), want), "%s gives %s", text, want);
}

static void good(void)
{
	walks("{}", "=end;");
	walks(" [ ] ", "");
	walks("\"a\\n\\u00e9\\ud83d\\ude00\\\"\"", "=a\n\303\251\360\237\230\200\";");
	walks("{\"items\":[{\"name\":\"a\",\"size\":\"1\"},{\"name\":\"b\"}],\"next\":null}",
	      "items[].name=a;items[].size=1;items[]=end;items[].name=b;items[]=end;next=null;=end;");
	walks("[[1,-2.5E+3],true]", "[][]=1;[][]=-2.5E+3;[]=true;");
	ok(casg_json_walk("[1,2]", 5, stop, NULL, &err) == 7, "the walk can be ended");
}

static void bad(void)
{
	static const char *const texts[] = { "", "{", "}", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}",
		"\"a", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"a\nb\"", "1 2", "{} {}",
		"[1 2]", "{\"a\":1,}", "\"\\" };
	char deep[80];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		ok(casg_json_walk(texts[i], strlen(texts[i]), note, NULL, &err) == CASG_ECORRUPT,
		   "'%s' is none", texts[i]);
	memset(deep, '[', 40);
	memset(deep + 40, ']', 40);
	ok(casg_json_walk(deep, 80, note, NULL, &err) == CASG_ECORRUPT, "too deep");
}

static void adds(void)
{
	struct casg_buf b = CASG_BUF_INIT;

	casg_json_add(&b, "a\"\\\n");
	ok(!strcmp(casg_buf_cstr(&b), "\"a\\\"\\\\\\u000a\""), "a string is quoted");
	casg_buf_release(&b);
}

/* RFC 3720, B.4 */
static void crc(void)
{
	uint8_t b[32];
	uint32_t c = 0;

	memset(b, 0, 32);
	ok(casg_crc32c(0, b, 32) == 0x8a9136aau, "crc32c of zeros");
	memset(b, 0xff, 32);
	ok(casg_crc32c(0, b, 32) == 0x62a8ab43u, "crc32c of ones");
	for (int i = 0; i < 32; i++) {
		b[i] = (uint8_t)i;
		c = casg_crc32c(c, b + i, 1);
	}
	ok(casg_crc32c(0, b, 32) == 0x46dd794eu && c == 0x46dd794eu, "crc32c, whole and in parts");
}

int main(void)
{
	good();
	bad();
	adds();
	crc();
	casg_buf_release(&got);
	return done_testing();
}
