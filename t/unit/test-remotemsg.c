#include "remotemsg.h"

#include "tap.h"

#define X "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"

static struct casg_err err = CASG_ERR_INIT;
static struct casg_buf out = CASG_BUF_INIT;

static void requests(void)
{
	static const char *const good[] = {
		"1 have INVENTORY", "999999999999999999 get packs/pack-" X ".pack",
		"2 get a range=0-0", "2 get a range=5-", "2 get a range=5-9223372036854775807",
		"3 get a/b_c/D-e if=%22x%22", "3 get a range=1-2 if=x", "3 get a if=%2D",
		"4 put a 0 " X, "5 put-new inventory/" X " 12 " X, "6 list -", "7 list packs/",
		"8 delete a", "9 restore a.b",
	};
	static const char *const bad[] = {
		"", " ", "1", "1 ", "1 have", "1 have ", "0 have a", "01 have a",
		"1000000000000000000 have a", "-1 have a", "a have a", "1  have a", "1 have  a",
		"1 have a ", "1 have a b", "1 have .a", "1 have a/.b", "1 have ../a", "1 have /a",
		"1 have a/", "1 have a//b", "1 have a%20b", "1 have a\tb", "1 get a range=",
		"1 get a range=-", "1 get a range=-1", "1 get a range=2-1", "1 get a range=01-2",
		"1 get a range=1", "1 get a if=", "1 get a if=-", "1 get a if=%2d", "1 get a if=%41",
		"1 get a if=x range=1-2", "1 get a range=1-2 range=3-4", "1 get a if=%",
		"1 put a 1", "1 put a " X, "1 put a 1 " X " ", "1 put a 01 " X,
		"1 list", "1 list packs", "1 list /", "1 list .a/", "1 steal a", "1 have a\r",
	};
	struct casg_remote_request r;
	char name[CASG_REMOTE_NAME_MAX + 16] = "1 have ";

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		size_t n = strlen(good[i]);

		casg_buf_reset(&out);
		ok(!casg_remote_request_parse(&r, good[i], n, &err) &&
		   !casg_remote_request_format(&out, &r, &err) && out.len == n + 1 &&
		   !memcmp(out.data, good[i], n) && out.data[n] == '\n', "there and back: %s", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(casg_remote_request_parse(&r, bad[i], strlen(bad[i]), &err), CASG_ECORRUPT,
		       "refused: '%s'", bad[i]);
	memset(name + 7, 'a', 256);
	is_int(casg_remote_request_parse(&r, name, 7 + 255, &err), 0, "a part of 255 bytes");
	is_int(casg_remote_request_parse(&r, name, 7 + 256, &err), CASG_ECORRUPT, "of 256");
	for (size_t i = 7; i < 7 + CASG_REMOTE_NAME_MAX + 1; i++)
		name[i] = i % 4 ? 'a' : '/';
	is_int(casg_remote_request_parse(&r, name, 7 + CASG_REMOTE_NAME_MAX, &err), 0,
	       "a name of 1024 bytes");
	is_int(casg_remote_request_parse(&r, name, 7 + CASG_REMOTE_NAME_MAX + 1, &err),
	       CASG_ECORRUPT, "of 1025");
	is_int(casg_remote_request_parse(&r, "1 have a\0b", 10, &err), CASG_ECORRUPT, "a NUL");
	memset(&r, 0, sizeof(r));
	r.tag = 1;
	strcpy(r.name, "a\nb");
	casg_buf_reset(&out);
	is_int(casg_remote_request_format(&out, &r, &err), CASG_EBUG, "never sent");
	is_int((int64_t)out.len, 0, "nothing of it");
}

static void answers(void)
{
	static const char *const good[] = {
		"1 yes 0 -", "1 yes 9223372036854775807 %22a-1%22", "2 no", "3 data 1",
		"3 data 1048576", "3 done 12 -", "3 done 12 34", "4 same", "5 exists", "5 busy",
		"6 entry packs/x 7", "7 error retry 503 Slow Down", "7 error archived x  y ",
	};
	static const char *const bad[] = {
		"1 yes", "1 yes 1", "1 yes - 1", "1 no ", "1 no x", "1 busy 1", "1 data 0", "1 data 1048577",
		"1 data", "1 data 01", "1 done", "1 done 1", "1 done - -", "1 done 1 a b",
		"1 entry .x 1", "1 entry a", "1 error", "1 error retry", "1 error retry ",
		"1 error odd x", "1 maybe", "no", "x no", "1 error retry a\001b",
	};
	struct casg_remote_answer a;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		size_t n = strlen(good[i]);

		casg_buf_reset(&out);
		ok(!casg_remote_answer_parse(&a, good[i], n, &err) &&
		   !casg_remote_answer_format(&out, &a, &err) && out.len == n + 1 &&
		   !memcmp(out.data, good[i], n), "there and back: %s", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(casg_remote_answer_parse(&a, bad[i], strlen(bad[i]), &err), CASG_ECORRUPT,
		       "refused: '%s'", bad[i]);
	memset(&a, 0, sizeof(a));
	a.tag = 5;
	a.kind = CASG_ANSWER_ERROR;
	a.class = CASG_REMOTE_WRONG;
	strcpy(a.message, "two\nlines");
	casg_buf_reset(&out);
	is_int(casg_remote_answer_format(&out, &a, &err), 0, "a message of two lines");
	is_str(casg_buf_cstr(&out), "5 error wrong two?lines\n", "is sent as one");
}

static void words(void)
{
	static const char *const bytes[] = { "", "-", "\"a-1\"", "W/\"\377\"", "a~b.c_", "%" };
	static const char *const urls[][2] = {
		{ "https://user:secret@host/p", "https://user:***@host/p" },
		{ "https://user@host:80/p", "https://user@host:80/p" },
		{ "https://host/a?sig=x", "https://host/a?***" },
		{ "file:///a:b@c", "file:///a:b@c" },
	};
	struct casg_buf back = CASG_BUF_INIT;

	for (size_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		casg_buf_reset(&out);
		casg_buf_reset(&back);
		casg_remote_quote(&out, bytes[i], strlen(bytes[i]));
		casg_remote_unquote(&back, (char *)out.data, out.len, &err);
		is_str(casg_buf_cstr(&back), bytes[i], "quoted and back");
	}
	is_int(casg_remote_unquote(&back, "%41", 3, &err), CASG_ECORRUPT, "quoted without need");
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		casg_buf_reset(&out);
		casg_remote_mask(&out, urls[i][0]);
		is_str(casg_buf_cstr(&out), urls[i][1], "no secret is shown");
	}
	is_int(casg_remote_scheme("s3://b/p", &err), 2, "a scheme");
	is_int(casg_remote_scheme("x-y+1:z", &err), 5, "with signs");
	is_int(casg_remote_scheme("/a:b", &err), CASG_ECORRUPT, "a path is no URL");
	is_int(casg_remote_scheme("../x:b", &err), CASG_ECORRUPT, "no way out");
	is_int(casg_remote_scheme("-x:b", &err), CASG_ECORRUPT, "nor an option");
	is_int(casg_remote_scheme("S3://b", &err), CASG_ECORRUPT, "nor upper case");
	is_int(casg_remote_scheme("s3://b\n", &err), CASG_ECORRUPT, "nor two lines");
	is_int(casg_remote_can_parse("put-new", 7), CASG_CAN_PUT_NEW, "a capability");
	is_int(casg_remote_can_parse("fly", 3), 0, "an unknown one");
	is_int(casg_remote_in_prefix("packs/a", "packs/"), 1, "in the folder");
	is_int(casg_remote_in_prefix("packsa", "packs/"), 0, "not in the folder");
	casg_buf_release(&back);
}

int main(void)
{
	requests();
	answers();
	words();
	casg_buf_release(&out);
	return done_testing();
}
