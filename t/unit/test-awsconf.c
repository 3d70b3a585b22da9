#include "awsconf.h"

#include "tap.h"

static const char text[] =
	"# a comment = x\n"
	"aws_access_key_id = outside\n"
	"[default]\n"
	"aws_access_key_id=AKIA1\r\n"
	"  AWS_Secret_Access_Key = nested\n"
	"AWS_Secret_Access_Key =  se/cr+et==  \n"
	"region = a\n"
	"region = b\n"
	"s3 =\n"
	"  region = nested\n"
	"; aws_session_token = no\n"
	"\n"
	"[profile  lab] # the laboratory\n"
	"region = eu-central-1\n"
	"bad = a\001b\n"
	"[lab]\n"
	"region = other\n"
	"[unfinished\n"
	"region = c";

/* The value, or "-" for none. */
static const char *get(const char *section, const char *key)
{
	static struct casg_buf out = CASG_BUF_INIT;

	casg_buf_reset(&out);
	return casg_awsconf_get(text, sizeof(text) - 1, section, key, &out) ? casg_buf_cstr(&out) : "-";
}

int main(void)
{
	is_str(get("default", "aws_access_key_id"), "AKIA1", "a key, CRLF");
	is_str(get("default", "aws_secret_access_key"), "se/cr+et==", "case, space, '=' in a value");
	is_str(get("default", "region"), "b", "the last one counts, not a nested one");
	is_str(get("default", "s3"), "-", "an empty value is none");
	is_str(get("default", "aws_session_token"), "-", "a comment");
	is_str(get("profile lab", "region"), "eu-central-1", "a profile of config");
	is_str(get("profile lab", "bad"), "-", "a control character");
	is_str(get("lab", "region"), "other", "a profile of the credentials");
	is_str(get("unfinished", "region"), "-", "a section without ']'");
	is_str(get("none", "region"), "-", "no such section");
	ok(casg_awsconf_has(text, sizeof(text) - 1, "lab"), "there");
	ok(!casg_awsconf_has(text, sizeof(text) - 1, "la"), "not there");
	ok(!casg_awsconf_has("", 0, "a"), "an empty file");
	return done_testing();
}
