/*
 * Lists of digests: the forms that md5sum, sha256sum and NCBI write.
 */
#include "checksums.h"

#include "tap.h"

#define A "0123456789abcdef0123456789abcdef"
#define B "ffffffffffffffffffffffffffffffff"

static struct casg_err err;
static char hex[CASG_FILESUM_TEXTSZ];

static int find(const char *text, const char *name, int own)
{
	memset(hex, 0, sizeof(hex));
	return casg_checksums_find(text, strlen(text), CASG_FILESUM_MD5, name, own, hex, &err);
}

static void finds(const char *text, const char *name, int own, const char *want)
{
	is_int(find(text, name, own), 1, "found in '%.40s'", text);
	is_str(hex, want, "its digest");
}

static void test_files(void)
{
	static const struct {
		enum casg_filesum_kind kind;
		const char *text;
	} want[] = { /* of "abc": RFC 1321, FIPS 180-4 */
		{ CASG_FILESUM_MD5, "900150983cd24fb0d6963f7d28e17f72" },
		{ CASG_FILESUM_SHA256,
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	};

	for (int i = 0; i < 2; i++) {
		struct casg_filesum *f = casg_filesum_new(want[i].kind, &err);

		casg_filesum_update(f, "a", 1);
		casg_filesum_update(f, "bc", 2);
		casg_filesum_final(f, hex);
		is_str(hex, want[i].text, "%s of abc", casg_filesum_name(want[i].kind));
		is_int(strlen(hex), casg_filesum_digits(want[i].kind), "its length");
		casg_filesum_free(f);
	}
}

int main(void)
{
	finds(A "  a.fa\n", "a.fa", 0, A);
	finds(A " *a.fa\n", "a.fa", 0, A);
	finds(B "  b.fa\n" A "  ./dir/a.fa\r\n", "a.fa", 0, A);
	finds(A "  a.fa", "a.fa", 0, A);
	finds("0123456789ABCDEF0123456789ABCDEF\ta.fa\n", "a.fa", 0, A);
	finds(A "  a.fa\n" A "  ./a.fa\n", "a.fa", 0, A);
	finds(A "  another name\n", "a.fa", 1, A);
	finds(A "\n", "a.fa", 1, A);
	finds(A, "a.fa", 1, A);
	is_int(find(A "  another name\n", "a.fa", 0), 0, "not listed");
	is_int(find(A "\n", "a.fa", 0), 0, "the digest alone is of nothing in particular");
	is_int(find(A "  x\n" B "  y\n", "a.fa", 1), 0, "two lines, of others");
	is_int(find(A "  xa.fa\n", "a.fa", 0), 0, "a longer name");
	is_int(find(A "0  a.fa\n", "a.fa", 0), 0, "a longer digest");
	is_int(find("0123  a.fa\n", "a.fa", 1), 0, "a shorter one");
	is_int(find("<html>not found</html>\n", "a.fa", 1), 0, "something else");
	is_int(find("", "a.fa", 1), 0, "nothing");
	is_int(find(A "  a.fa\n" B "  a.fa\n", "a.fa", 0), CASG_ECORRUPT, "two digests: %s",
	       err.msg);
	test_files();
	return done_testing();
}
