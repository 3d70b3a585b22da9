/*
 * Saved states: what is written is read back, every other text is refused, and
 * what differs is told.
 */
#include "savedstate.h"

#include <stdlib.h>

#include "tap.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEAD "casg-state 1\noperation import a/b\ncasg 0.1.0\nchunk-size 1048576\n"
#define BODY HEAD "total 0\nread 12\ndigest " HEX "\nrecords 3\n"
#define PACK "pack " HEX "\n"

static struct casg_err err;

static int decode(const char *text, size_t n)
{
	struct casg_savedstate s = CASG_SAVEDSTATE_INIT;
	uint8_t *copy = malloc(n + 1); /* so that a sanitizer sees what is read behind it */
	int rc;

	memcpy(copy, text, n);
	err.code = 0;
	rc = casg_savedstate_decode(&s, copy, n, &err);
	if (!rc) {
		struct casg_buf out = CASG_BUF_INIT;

		if (casg_savedstate_encode(&s, &out, &err) || out.len != n ||
		    memcmp(out.data, text, n))
			rc = 1;
		casg_buf_release(&out);
	}
	casg_savedstate_release(&s);
	free(copy);
	return rc;
}

static void test_texts(void)
{
	static const char *const bad[] = {
		"", "casg-state 1", "casg-state 1\n", BODY "pack\n", BODY "pack x\n", BODY "\n",
		BODY "read 1\n", BODY "pack " HEX, BODY "pack  " HEX "\n", "\n" BODY, BODY BODY,
		HEAD "total 00\nread 12\ndigest " HEX "\nrecords 3\n",
		HEAD "total -1\nread 12\ndigest " HEX "\nrecords 3\n",
		HEAD "total \nread 12\ndigest " HEX "\nrecords 3\n",
		HEAD "total 0\nread 99999999999999999999\ndigest " HEX "\nrecords 3\n",
		HEAD "read 12\ntotal 0\ndigest " HEX "\nrecords 3\n",
		"casg-state 1\noperation \ncasg 1\nchunk-size 1\ntotal 0\nread 1\ndigest " HEX
		"\nrecords 3\n",
		"casg-state 1\noperation a\rb\ncasg 1\nchunk-size 1\ntotal 0\nread 1\ndigest " HEX
		"\nrecords 3\n",
	};

	is_int(decode(BODY, sizeof(BODY) - 1), 0, "one without packs");
	is_int(decode(BODY PACK PACK, sizeof(BODY PACK PACK) - 1), 0, "one with two");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(decode(bad[i], strlen(bad[i])), CASG_ECORRUPT, "refused: text %zu", i);
	is_int(decode("casg-state 2\n", 13), CASG_EUNSUPPORTED, "another version");
	for (size_t n = 0; n < sizeof(BODY PACK) - 1; n++)
		if (n != sizeof(BODY) - 1 && decode(BODY PACK, n) != CASG_ECORRUPT)
			ok(0, "cut to %zu bytes", n);
	ok(1, "cut anywhere");
}

/* What 'text' says, read by casg_savedstate_decode. */
static int compare(const char *text)
{
	struct casg_savedstate a = CASG_SAVEDSTATE_INIT, b = CASG_SAVEDSTATE_INIT;
	int rc = casg_savedstate_decode(&a, (const uint8_t *)BODY, sizeof(BODY) - 1, &err);

	if (!rc)
		rc = casg_savedstate_decode(&b, (const uint8_t *)text, strlen(text), &err);
	if (!rc)
		rc = casg_savedstate_compare(&a, &b, &err);
	casg_savedstate_release(&a);
	casg_savedstate_release(&b);
	return rc;
}

static void test_compare(void)
{
	is_int(compare(BODY PACK), 0, "other packs");
	is_int(compare(HEAD "total 5\nread 9\ndigest " HEX "\nrecords 1\n"), 0,
	       "a total where none was known");
	is_int(compare("casg-state 1\noperation update a/b\ncasg 0.1.0\nchunk-size 1048576\n"
		       "total 0\nread 12\ndigest " HEX "\nrecords 3\n"), CASG_ECORRUPT,
	       "another operation");
	is_int(compare("casg-state 1\noperation import a/b\ncasg 0.1.1\nchunk-size 1048576\n"
		       "total 0\nread 12\ndigest " HEX "\nrecords 3\n"), CASG_ECORRUPT,
	       "another casg");
	is_int(compare("casg-state 1\noperation import a/b\ncasg 0.1.0\nchunk-size 16384\n"
		       "total 0\nread 12\ndigest " HEX "\nrecords 3\n"), CASG_ECORRUPT,
	       "another chunk size");
}

int main(void)
{
	test_texts();
	test_compare();
	return done_testing();
}
